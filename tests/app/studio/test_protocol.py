"""Protocols read, their mistakes named, their progress counted from takes."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.errors import Refused
from app.studio.protocol import EXAMPLE, Planned, Protocol, next_take, progress, read_protocol
from tests.app.studio.made import stored


def written(tmp_path: Path, text: str, name: str = "p.toml") -> Path:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def test_the_example_is_a_protocol(tmp_path: Path) -> None:
    rows = progress(read_protocol(written(tmp_path, EXAMPLE)), [])
    assert sum(row.missing for row in rows) == 3 * (2 + 1 + 1)
    assert [row.subject for row in rows] == ["0001"] * 3 + ["0002"] * 3 + ["0003"] * 3


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("distance_m = 0.5", 'distance_m = "far"', "line 24: take 3: distance_m: "),
        ('species = "flat_print"', 'specis = "flat_print"', "line 14: take 2: specis: no such key"),
        ("subjects =", "subject =", "line 3: subject: no such key; there are name, subjects, take"),
        ("repetitions = 2", "repetitions = 0", "line 9: take 1: repetitions: "),
        ('subjects = ["0001"', 'subjects = "0001"', "at line 3"),
    ],
)
def test_a_mistake_is_named_with_its_place(tmp_path: Path, old: str, new: str, said: str) -> None:
    path = written(tmp_path, EXAMPLE.replace(old, new))
    with pytest.raises(Refused) as refused:
        read_protocol(path)
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


def test_bona_fide_has_no_instrument(tmp_path: Path) -> None:
    path = written(tmp_path, '[[take]]\nspecies = "bona_fide"\ninstrument = "x"\n')
    with pytest.raises(Refused, match="line 1: take 1: bona_fide needs no instrument"):
        read_protocol(path)


def test_a_table_is_a_protocol_too(tmp_path: Path) -> None:
    head = "species,subject,lighting,distance_m,repetitions\n"
    protocol = read_protocol(written(tmp_path, head + "bona_fide,1,office,0.6,2\nflat_print,,,,\n", "p.csv"))
    assert protocol.take == (
        Planned(species="bona_fide", subject="1", lighting="office", distance_m=0.6, repetitions=2),
        Planned(species="flat_print"),
    )
    for line, said in (("bona_fide,1,office,-1,2", "distance_m"), ("a,b", "more or fewer")):
        with pytest.raises(Refused, match=f"line 3: .*{said}"):
            read_protocol(written(tmp_path, head + "flat_print,,,,\n" + line + "\n", "p.csv"))
    with pytest.raises(Refused, match="lists no takes"):
        read_protocol(written(tmp_path, head, "p.csv"))


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", None])
def test_a_file_that_is_no_text_is_said(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "p.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(Refused, match="cannot be read"):
        read_protocol(path)


ROW = Planned(species="bona_fide", lighting="office", distance_m=0.6, repetitions=2, seconds=3, good_frames=30)


def test_progress_counts_what_fits_and_proposes_the_rest() -> None:
    mask = Planned(species="silicone_mask", instrument="m1")
    protocol = Protocol(subjects=("1", "2"), take=(ROW, mask))
    fitting = {"subject": "1", "species": "bona_fide", "lighting": "office", "distance_m": 0.62}
    takes = [
        stored("0", **fitting),
        stored("1", **{**fitting, "distance_m": 0.7}),
        stored("2", **{**fitting, "lighting": "dim"}),
        stored("3", **fitting, quality="bad"),
        stored("4", **fitting, state="damaged"),
        stored("5", **fitting, seconds=1.0),
        stored("6", **fitting, frames=29),
        stored("7", **{**fitting, "subject": "3"}),
        stored("8", subject="1", species="silicone_mask", instrument="m2"),
        stored("9", subject="2", species="silicone_mask", instrument="m1"),
    ]
    rows = progress(protocol, takes)
    assert [(row.subject, row.planned.species, row.done, row.missing) for row in rows] == [
        ("1", "bona_fide", 1, 1),
        ("1", "silicone_mask", 0, 1),
        ("2", "bona_fide", 0, 2),
        ("2", "silicone_mask", 1, 0),
    ]
    proposed = next_take(rows)
    assert proposed is not None
    assert (proposed.labels.subject, proposed.labels.species, proposed.labels.distance_m) == ("1", "bona_fide", 0.6)


def test_a_take_counts_once_and_no_more_than_wanted() -> None:
    protocol = Protocol(take=(Planned(species="flat_print"), Planned(species="flat_print", instrument="p")))
    takes = [stored(str(number), species="flat_print", instrument="p") for number in range(3)]
    rows = progress(protocol, takes)
    assert [row.done for row in rows] == [1, 1]
    assert next_take(rows) is None


def test_a_row_may_name_its_subject() -> None:
    protocol = Protocol(subjects=("1",), take=(Planned(species="bona_fide"), Planned(species="x", subject="9")))
    assert [(row.species, subject) for row, subject in protocol.cells()] == [("bona_fide", "1"), ("x", "9")]
