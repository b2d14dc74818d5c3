"""`trilume sessions import`: sessions of what other programs recorded."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from app.__main__ import main
from app.import_recordings import set_name
from calibration.rig import Rig
from drivers.folder import write_folder
from drivers.frames import STREAMS, FrameSet
from drivers.session import SessionReader
from tests.app.scene import INFO, RIG, frame
from tests.drivers.recordings import assert_same_sets

COUNT = 11  # two digits: the order is that of numbers


@pytest.fixture
def rig_file(tmp_path: Path) -> Path:
    path = tmp_path / "rig.json"
    path.write_text(RIG.model_dump_json())
    return path


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """A folder of pictures as another program would leave it."""
    folder = tmp_path / "ward-3"
    for number in range(COUNT):
        frame_set = numbered(number)
        write(folder / "RGB" / f"rgb_{number}.png", frame_set.color)
        write(folder / "depth" / f"depth_{number}.png", frame_set.depth)
        write(folder / "ir" / f"{number}_ir.tiff", frame_set.infrared)
    return folder


def numbered(number: int) -> FrameSet:
    """A frame set that tells its number in a pixel of each picture."""
    whole = frame(number)
    parts = {}
    for stream in STREAMS:
        image = whole.image(stream)
        assert image is not None
        pixels = image.pixels.copy()
        pixels[100, 100] = 50 + number
        parts[stream] = replace(image, pixels=pixels)
    return replace(whole, **parts)


def write(path: Path, image: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = image.pixels[..., ::-1] if image.pixels.ndim == 3 else image.pixels
    assert cv2.imwrite(str(path), pixels)


def read(path: Path) -> list[Any]:
    with SessionReader(path) as reader:
        return list(reader)


def test_a_picture_folder_and_a_rig_make_a_session(
    pictures: Path, rig_file: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "sessions"
    wanted = ["sessions", "import", str(pictures), "--out", str(out), "--rig", str(rig_file)]
    unit_m = str(frame(0).depth_unit_m)
    labelled = ["--labels", "species=bona_fide", "--labels", "subject=p7", "--depth-unit-m", unit_m]
    assert main([*wanted, *labelled]) == 0
    assert "11 frame sets, from 0 to 10" in capfd.readouterr().err
    with SessionReader(out / "ward-3.mcap") as reader:
        assert (reader.labels.species, reader.labels.subject) == ("bona_fide", "p7")
        assert reader.rig == RIG
        assert reader.info.time_assumed
        assert reader.info.name == "ward-3"
        sets = list(reader)
    assert len(sets) == COUNT
    for number, found in enumerate(sets):
        for stream in STREAMS:
            np.testing.assert_array_equal(found.image(stream).pixels, numbered(number).image(stream).pixels)
    before = (out / "ward-3.mcap").read_bytes()
    assert main(wanted) == 2
    assert "exists" in capfd.readouterr().err
    assert (out / "ward-3.mcap").read_bytes() == before


def test_a_frame_folder_keeps_everything_it_says(tmp_path: Path) -> None:
    folder, out = tmp_path / "take one", tmp_path / "sessions"
    frames = [frame(number) for number in range(3)]
    write_folder(folder, iter(frames), INFO)
    assert main(["sessions", "import", str(folder), "--out", str(out)]) == 0
    assert_same_sets(read(out / "take one.mcap"), frames)


def test_a_rig_by_hand_replaces_the_recordings_own_if_it_fits(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    folder, out, path = tmp_path / "take", tmp_path / "sessions", tmp_path / "own.json"
    write_folder(folder, iter([frame(0), frame(1)]), INFO)
    own = RIG.model_copy(update={"depth": RIG.depth.model_copy(update={"cx": RIG.depth.cx + 2})})
    path.write_text(own.model_dump_json())
    assert main(["sessions", "import", str(folder), "--out", str(out), "--rig", str(path)]) == 0
    assert read(out / "take.mcap")[0].rig == own
    lens = RIG.depth.model_copy(update={"width": 64})
    small = RIG.model_copy(update={"color": lens, "depth": lens, "infrared": lens})
    path.write_text(small.model_dump_json())
    assert main(["sessions", "import", str(folder), "--out", str(tmp_path / "more"), "--rig", str(path)]) == 2
    assert "its color is 64×240" in capfd.readouterr().err
    assert not (tmp_path / "more" / "take.mcap").exists()


def test_links_and_ways_up_are_refused(
    pictures: Path, rig_file: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    out, link = tmp_path / "sessions", tmp_path / "link"
    link.symlink_to(pictures)
    secret = pictures / "ir" / "99_ir.png"
    rig = ["--out", str(out), "--rig", str(rig_file)]
    for source, word in ((str(link), "is a link"), (f"{pictures}/../ward-3", "leads up")):
        assert main(["sessions", "import", source, *rig]) == 2
        assert word in capfd.readouterr().err
    secret.symlink_to(rig_file)
    assert main(["sessions", "import", str(pictures), *rig]) == 2
    assert "99_ir.png: is a link" in capfd.readouterr().err
    assert not list(out.glob("*"))


def test_an_empty_picture_is_named_and_the_other_sources_are_imported(
    pictures: Path, rig_file: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(pictures, broken)
    empty = next((broken / "depth").iterdir())
    empty.write_bytes(b"")
    out = tmp_path / "sessions"
    assert main(["sessions", "import", str(broken), str(pictures), "--out", str(out), "--rig", str(rig_file)]) == 2
    assert f"{empty.name}: cannot be read as a picture" in capfd.readouterr().err
    assert [path.stem for path in out.iterdir()] == [pictures.name]


def change(folder: Path, what: str) -> None:
    if what == "no depth":
        (folder / "depth").rename(folder / "elsewhere")
    elif what == "unmatched":
        for path in list((folder / "ir").iterdir()):
            path.rename(path.with_name("x" + path.name))
    elif what == "twice":
        (folder / "ir" / "ir-3.png").write_bytes((folder / "depth" / "depth_3.png").read_bytes())
    elif what == "8-bit depth":
        cv2.imwrite(str(folder / "depth" / "depth_0.png"), np.zeros(RIG.depth.shape, np.uint8))
    elif what == "no picture":
        (folder / "depth" / "depth_0.png").write_bytes(b"noise")
    elif what == "other size":
        cv2.imwrite(str(folder / "depth" / "depth_0.png"), np.zeros((8, 8), np.uint16))


@pytest.mark.parametrize(
    ("what", "word"),
    [
        ("no depth", "no depth/"),
        ("unmatched", "no picture of infrared"),
        ("twice", "same instant"),
        ("8-bit depth", "depth is 16-bit grey"),
        ("no picture", "cannot be read as a picture"),
        ("other size", "8×8"),
    ],
)
def test_what_is_wrong_with_a_folder_is_one_line(
    pictures: Path, rig_file: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], what: str, word: str
) -> None:
    change(pictures, what)
    assert main(["sessions", "import", str(pictures), "--out", str(tmp_path / "o"), "--rig", str(rig_file)]) == 2
    said = capfd.readouterr().err
    assert word in said
    assert said.count("\n") == 1
    assert not list((tmp_path / "o").glob("*.mcap"))


@pytest.mark.parametrize("text", ["species", "colour=red", "distance_m=near"])
def test_wrong_labels_are_said_before_anything_is_written(
    pictures: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], text: str
) -> None:
    assert main(["sessions", "import", str(pictures), "--out", str(tmp_path / "o"), "--labels", text]) == 2
    assert "--labels" in capfd.readouterr().err
    assert not (tmp_path / "o").exists()


def test_a_picture_folder_needs_a_rig(pictures: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["sessions", "import", str(pictures), "--out", str(tmp_path / "o")]) == 2
    assert "--rig RIG.json" in capfd.readouterr().err


def test_names_of_one_instant() -> None:
    assert {set_name(stem) for stem in ("depth_0007", "0007_ir", "0007-RGB", "0007", "Color 0007")} == {"0007"}
    assert set_name("depth") == "depth"
    assert set_name("chair_1") == "chair_1"


@pytest.mark.sdk
def test_a_recording_of_an_sdk_becomes_a_session(tmp_path: Path) -> None:
    pytest.importorskip("rosbags.rosbag1")
    from drivers.open import open_source
    from drivers.source import frames_of
    from tests.sdk.orbbec_recording import GEMINI_335, pictures, record

    path = record(tmp_path / "hall.bag", GEMINI_335, pictures(GEMINI_335, 4))
    assert main(["sessions", "import", str(path), "--out", str(tmp_path / "o")]) == 0
    assert_same_sets(read(tmp_path / "o" / "hall.mcap"), list(frames_of(open_source(path))))


def test_a_rig_file_that_is_none_is_said(pictures: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "bad.json"
    path.write_text('{"color": null}')
    assert main(["sessions", "import", str(pictures), "--out", str(tmp_path / "o"), "--rig", str(path)]) == 2
    assert "is no rig" in capfd.readouterr().err
    assert Rig.model_validate_json(RIG.model_dump_json()) == RIG
