"""Manifests: what is read back, and what is refused with its line."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.errors import DatasetError
from models.manifest import Entry, read_manifest, write_manifest

HEADER = "path,label,species,instrument,subject,split,origin\n"


def manifest(folder: Path, *lines: str, header: str = HEADER) -> Path:
    for name in ("a", "b", "c"):
        (folder / f"{name}.mcap").touch()
    path = folder / "m.csv"
    path.write_text(header + "".join(line + "\n" for line in lines))
    return path


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    path = manifest(tmp_path)
    entries = (
        Entry(tmp_path / "a.mcap", "bona_fide", "", "", "p1", "test", "real", (("light", "dim, warm"), ("site", "x"))),
        Entry(
            tmp_path / "b.mcap", "attack", "flat_print", "i1", "p2", "dev", "simulated", (("light", ""), ("site", "y"))
        ),
    )
    write_manifest(path, entries)
    assert read_manifest(path) == entries
    assert path.read_text().splitlines()[1].startswith("a.mcap,bona_fide,")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.mcap", "b.mcap", "c.mcap", "deep", "m.csv"]


def test_the_shorter_form_is_read(tmp_path: Path) -> None:
    path = manifest(tmp_path, "a.mcap,bona_fide,bona_fide,p1,train", header="path,label,species,subject,split\n")
    (entry,) = read_manifest(path)
    assert (entry.instrument, entry.origin, entry.species, entry.attack) == ("", "real", "", False)


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["a.mcap,fake,x,,p,test,real"], "line 2: label is 'fake'"),
        (["a.mcap,attack,x,,p,valid,real"], "line 2: split is 'valid'"),
        (["a.mcap,attack,x,,p,test,rendered"], "line 2: origin is 'rendered'"),
        (["a.mcap,attack,x,,p,test,real", "z.mcap,attack,x,,p,test,real"], "line 3: no recording 'z.mcap'"),
        (["a.mcap,attack,x,,p,test,real", "./a.mcap,attack,x,,p,test,real"], "line 3: .*line 2 already"),
        (
            ["a.mcap,attack,x,,p,test,real", "b.mcap,attack,x,,p,dev,real"],
            "line 3: subject p is in split dev, in line 2",
        ),
        (["a.mcap,attack,x,i,p,test,real", "b.mcap,attack,x,i,q,dev,real"], "line 3: instrument i is in split dev"),
        (["a.mcap,attack,,,p,test,real"], "line 2: an attack of species ''"),
        (["a.mcap,bona_fide,flat_print,,p,test,real"], "line 2: bona fide with the species"),
        (["a.mcap,attack,x"], "line 2: has more or fewer fields"),
        (["a.mcap,attack,x,,p,test,real,more"], "line 2: has more or fewer fields"),
        ([], "lists no recordings"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(tmp_path: Path, lines: list[str], said: str) -> None:
    with pytest.raises(DatasetError, match=said) as caught:
        read_manifest(manifest(tmp_path, *lines))
    assert "\n" not in str(caught.value)


def test_columns_must_be_there_once(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="no column species, split"):
        read_manifest(manifest(tmp_path, header="path,label,subject\n"))
    with pytest.raises(DatasetError, match="stands twice"):
        read_manifest(manifest(tmp_path, header=HEADER.strip() + ",path\n"))


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00junk", b"\x00"])
def test_what_is_no_csv_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "m.csv"
    path.write_bytes(content)
    with pytest.raises(DatasetError, match=r"m\.csv"):
        read_manifest(path)
    with pytest.raises(DatasetError, match="No such file"):
        read_manifest(tmp_path / "none.csv")


@given(st.text(max_size=200))
def test_no_text_breaks_the_reader(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.mktemp("m") / "m.csv"
    path.write_text(HEADER + text, encoding="utf-8", errors="replace", newline="")
    with pytest.raises(DatasetError):
        read_manifest(path)
