"""Names from labels, and takes listed, relabelled, removed and copied."""

from __future__ import annotations

import errno
import os
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import Refused
from app.studio import names, takes
from drivers.session import Labels, SessionReader
from tests.app.scene import cut
from tests.app.studio.made import SETS, small_set, write
from tests.drivers.recordings import assert_same_sets

PRINT = Labels(subject="0007", species="flat_print", lighting="office", distance_m=0.6)


def test_a_name_says_the_labels_in_order() -> None:
    path = names.place(Path("set"), PRINT, 2, 3)
    assert path == Path("set/sub-0007/ses-02/sub-0007_ses-02_species-flatprint_light-office_dist-060cm_run-03.mcap")
    assert names.fits(path, PRINT)
    assert not names.fits(path, PRINT.model_copy(update={"lighting": "dim"}))
    assert (names.subject_in(path), names.visit_in(path)) == ("0007", 2)


@given(st.text(max_size=12))
def test_every_text_becomes_a_value(text: str) -> None:
    assert names.value(text).isalnum()
    assert names.value(text).isascii()
    assert names.value(names.value(text)) == names.value(text)


@pytest.mark.parametrize("ending", [".mcap", ".interrupted.mcap", ".mcap.part"])
def test_the_next_run_follows_what_is_on_disk(tmp_path: Path, ending: str) -> None:
    first = names.next_place(tmp_path, PRINT)
    assert first.name.endswith("run-01.mcap")
    first.parent.mkdir(parents=True)
    first.with_name(first.name.replace("run-01.mcap", f"run-07{ending}")).touch()
    assert names.next_place(tmp_path, PRINT).name.endswith("run-08.mcap")
    assert names.next_place(tmp_path, PRINT, visit=2).name.endswith("run-01.mcap")


def test_one_bad_file_does_not_hide_the_others(tmp_path: Path) -> None:
    path = write(tmp_path, subject="1", species="bona_fide")
    cut(path, tmp_path / "cut.mcap")
    (tmp_path / "noise.mcap").write_bytes(b"noise")
    (tmp_path / "late.mcap.part").write_bytes(path.read_bytes())
    (tmp_path / "x.interrupted.mcap").write_bytes(path.read_bytes())
    found = {take.path.name: take for take in takes.takes_in(tmp_path)}
    states = {name: take.state for name, take in found.items()}
    assert states == {
        "cut.mcap": "damaged",
        "noise.mcap": "damaged",
        "late.mcap.part": "interrupted",
        "x.interrupted.mcap": "interrupted",
        path.name: "sound",
    }
    whole = found[path.name]
    assert (whole.frames, whole.lost, whole.sensor, whole.origin) == (6, 0, "sim-astra", "simulated")
    assert whole.seconds == pytest.approx(5 / 30)
    assert [name for name, take in found.items() if take.usable] == [path.name]
    assert takes.mark(tmp_path / "x.interrupted.mcap", "good").usable


def test_relabelling_leaves_streams_name_and_time(tmp_path: Path) -> None:
    path = write(tmp_path, subject="1", species="bona_fide", lighting="office")
    os.utime(path, (1e9, 1e9))
    changed = takes.relabel(path, {"lighting": "dim", "distance_m": 0.5})
    assert (changed.labels.lighting, changed.labels.distance_m, changed.labels.subject) == ("dim", 0.5, "1")
    assert changed.path == path
    assert not changed.name_fits
    assert path.stat().st_mtime == 1e9
    with SessionReader(path) as reader:
        assert_same_sets(list(reader), SETS)
    renamed = takes.rename(tmp_path, path)
    assert renamed.name == "sub-1_ses-01_species-bonafide_light-dim_dist-050cm_run-01.mcap"
    assert takes.take(renamed).name_fits
    assert not path.exists()


def test_a_mark_can_be_set_and_taken_away(tmp_path: Path) -> None:
    path = write(tmp_path, subject="1", species="bona_fide")
    assert takes.mark(path, "bad").bad
    assert not takes.take(path).usable
    assert takes.mark(path, "").usable


def test_a_label_that_is_none_changes_nothing(tmp_path: Path) -> None:
    path = write(tmp_path, subject="1", species="bona_fide")
    before = path.read_bytes()
    with pytest.raises(Refused, match="distance_m"):
        takes.relabel(path, {"distance_m": -1})
    assert path.read_bytes() == before


def test_a_subject_is_removed_with_its_folders(tmp_path: Path) -> None:
    small_set(tmp_path)
    torn = tmp_path / "sub-0002" / "ses-01" / "sub-0002_ses-01_species-bonafide_run-09.mcap"
    torn.write_bytes(b"noise")  # its name alone tells whose it is
    assert takes.delete(takes.of_subject(tmp_path, "0002")) == 3
    assert not (tmp_path / "sub-0002").exists()
    assert len(takes.takes_in(tmp_path)) == 5


def test_what_is_old_is_found_by_the_files_time(tmp_path: Path) -> None:
    old, new = write(tmp_path, subject="1", species="bona_fide"), write(tmp_path, subject="1", species="bona_fide")
    os.utime(old, (time.time() - 10 * 86_400,) * 2)
    assert [take.path for take in takes.older_than(tmp_path, 9)] == [old]
    assert {take.path for take in takes.older_than(tmp_path, 0, now=time.time() + 1)} == {old, new}


def test_a_thumbnail_is_the_middle_frames_colour(tmp_path: Path) -> None:
    picture = takes.thumbnail(write(tmp_path, subject="1", species="bona_fide"), height=60)
    assert picture is not None
    assert picture.shape == (60, 80, 3)
    assert picture.dtype == np.uint8
    assert np.abs(picture[30, 40].astype(int) - (196, 150, 128)).max() <= 2
    (tmp_path / "noise.mcap").write_bytes(b"noise")
    assert takes.thumbnail(tmp_path / "noise.mcap") is None


def test_what_goes_on_after_an_outage_is_no_take_of_its_own(tmp_path: Path) -> None:
    path = write(tmp_path / "set", subject="1", species="bona_fide")
    rest = path.with_suffix(".part2.mcap")
    rest.write_bytes(path.read_bytes())
    found = takes.takes_in(tmp_path / "set")
    assert [(take.path, take.usable, take.counts) for take in found] == [(path, True, True), (rest, True, False)]
    copies = takes.export_good(found, tmp_path / "out")
    assert [copy.name for copy in copies] == [path.name, rest.name]
    assert names.next_place(tmp_path / "set", found[0].labels).name.endswith("run-02.mcap")


def test_good_takes_are_copied_byte_for_byte(tmp_path: Path) -> None:
    paths = small_set(tmp_path / "set")
    takes.mark(paths[0], "bad")
    copies = takes.export_good(takes.takes_in(tmp_path / "set"), tmp_path / "out")
    assert sorted(path.read_bytes() for path in copies) == sorted(path.read_bytes() for path in paths[1:])
    assert paths[1].relative_to(tmp_path / "set") in {path.relative_to(tmp_path / "out") for path in copies}
    with pytest.raises(Refused, match="not empty"):
        takes.export_good(takes.takes_in(tmp_path / "set"), tmp_path / "out")


def test_a_copy_that_finds_no_room_leaves_nothing_half_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small_set(tmp_path / "set")

    def full(source: Path, target: Path) -> None:
        Path(target).write_bytes(Path(source).read_bytes()[:100])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("app.studio.takes.shutil.copy2", full)
    with pytest.raises(Refused, match=r"out/.*No space left"):
        takes.export_good(takes.takes_in(tmp_path / "set"), tmp_path / "out")
    assert not [path for path in (tmp_path / "out").rglob("*") if path.is_file()]


def test_nothing_is_older_than_time_itself(tmp_path: Path) -> None:
    small_set(tmp_path)
    assert takes.older_than(tmp_path, 1e9) == []
