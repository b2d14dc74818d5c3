"""Splits without leaks, and the files of a data set."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import Refused
from app.studio import dataset, splits, takes
from app.studio.data_set import About, why_left_out
from app.studio.splits import assigned, ids
from models.datasets.faces import Split
from models.manifest import read_manifest
from tests.app.studio.made import small_set, stored, write

SHARES = (0.6, 0.2, 0.2)
LIVE = st.builds(lambda who: stored(subject=f"s{who}", species="bona_fide"), st.integers(0, 30))
ATTACK = st.builds(
    lambda who, what: stored(subject=f"s{who}", species="flat_print", instrument=f"p{what}"),
    st.integers(0, 30),
    st.integers(0, 30),
)
TAKES = st.lists(st.one_of(LIVE, ATTACK), max_size=40)


@given(TAKES, st.integers(0, 3))
def test_no_subject_and_no_instrument_stands_in_two_splits(some: list[takes.StoredTake], seed: int) -> None:
    table = assigned(some, {}, seed, SHARES)
    for take in some:
        assert len({table[identity] for identity in ids(take)}) == 1


@given(TAKES, TAKES)
def test_additions_move_nothing_that_was_assigned(before: list[takes.StoredTake], more: list[takes.StoredTake]) -> None:
    table = assigned(before, {}, 0, SHARES)
    try:
        later = assigned([*before, *more], table, 0, SHARES)
    except Refused:
        return  # what is new ties two splits together: said, see below
    assert {identity: later[identity] for identity in table} == table


@given(TAKES, st.lists(LIVE, max_size=40))
def test_strangers_move_nothing_even_without_the_stored_table(
    some: list[takes.StoredTake], more: list[takes.StoredTake]
) -> None:
    known = {identity for take in some for identity in ids(take)}
    strangers = [take for take in more if not set(ids(take)) & known]
    table = assigned(some, {}, 0, SHARES)
    later = assigned([*strangers, *some], {}, 0, SHARES)
    assert {identity: later[identity] for identity in table} == table


def test_splits_have_about_their_shares() -> None:
    found = [splits.hashed_split(f"subject:{number}", 0, SHARES) for number in range(3000)]
    for name, share in zip(splits.SPLITS, SHARES, strict=True):
        assert found.count(name) / 3000 == pytest.approx(share, abs=0.03)


def test_a_leak_names_ids_and_takes() -> None:
    table: dict[str, Split] = {"subject:s1": "train", "instrument:p1": "test"}
    tie = stored("tie.mcap", subject="s1", species="flat_print", instrument="p1")
    with pytest.raises(Refused, match=r"instrument p1 \(test\), subject s1 \(train\) .*tie\.mcap"):
        assigned([tie], table, 0, SHARES)


@pytest.mark.parametrize(
    ("take", "reason"),
    [
        (stored(subject="1", species="bona_fide", quality="bad"), "marked bad"),
        (stored(subject="1"), "no species"),
        (stored(species="bona_fide"), "no subject"),
        (stored(subject="1", species="bona_fide", origin="unknown"), "neither real nor simulated"),
        (stored(subject="1", species="bona_fide", state="interrupted"), "interrupted"),
        (stored(subject="1", species="bona_fide", trouble="breaks off"), "breaks off"),
        (stored(subject="1", species="bona_fide"), None),
        (stored(species="flat_print", instrument="p"), None),
    ],
)
def test_what_is_left_out_says_why(take: takes.StoredTake, reason: str | None) -> None:
    said = why_left_out(take)
    assert said is None if reason is None else reason in (said or "")


def test_the_files_of_a_set_fit_its_recordings(tmp_path: Path) -> None:
    paths = small_set(tmp_path)
    takes.mark(paths[0], "bad")
    whole = dataset.data_set(tmp_path, About(name="drawn", licence="CC0"))
    dataset.write(whole)
    entries = read_manifest(tmp_path / "manifest.csv")  # which refuses a leak by itself
    assert {entry.path for entry in entries} == set(paths[1:])
    assert {entry.origin for entry in entries} == {"simulated"}
    assert [entry.extra for entry in entries if entry.species == "silicone_mask"] == [
        (("light", "dim"), ("distance", "not said"))
    ]
    checked = subprocess.run(["sha256sum", "-c", "SHA256SUMS"], cwd=tmp_path, check=False, capture_output=True)
    assert checked.returncode == 0
    card = (tmp_path / "DATASET.md").read_text()
    assert "Simulated: rendered" in card
    assert "CC0" in card
    assert "marked bad" in card
    told = json.loads((tmp_path / "dataset.json").read_text())
    assert told["takes"] == sum(cell["takes"] for cell in told["cells"]) == 6
    assert {"subject": "0001", "species": "bona_fide", "light": "office", "distance": "0.60 m"} in told["missing"]
    assert (tmp_path / "sessions.tsv").read_text().count("\n") == 7
    dataset.write(dataset.data_set(tmp_path))
    assert (tmp_path / "DATASET.md").read_text() == card


def test_files_of_others_are_not_overwritten(tmp_path: Path) -> None:
    write(tmp_path, subject="1", species="bona_fide")
    (tmp_path / "manifest.csv").write_text("mine")
    whole = dataset.data_set(tmp_path)
    with pytest.raises(Refused, match=r"manifest\.csv"):
        dataset.write(whole)
    assert (tmp_path / "manifest.csv").read_text() == "mine"


def test_a_set_without_takes_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="no take"):
        dataset.write(dataset.data_set(tmp_path))


def test_a_removed_person_leaves_every_table(tmp_path: Path) -> None:
    small_set(tmp_path)
    dataset.write(dataset.data_set(tmp_path))
    before = splits.stored_splits(tmp_path)
    takes.delete(takes.of_subject(tmp_path, "0002"))
    dataset.rebuild(tmp_path)
    for path in tmp_path.rglob("*"):
        assert "0002" not in path.name
        assert path.suffix == ".mcap" or path.is_dir() or "0002" not in path.read_text()
    after = splits.stored_splits(tmp_path)
    assert after == {identity: before[identity] for identity in after}
    takes.delete(takes.takes_in(tmp_path))
    dataset.rebuild(tmp_path)
    assert list(tmp_path.iterdir()) == []
