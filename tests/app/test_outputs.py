"""Files that appear whole or not at all."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from app.__main__ import main
from app.errors import Refused
from app.outputs import claim, part_of, whole_file


def test_a_file_has_its_name_only_when_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    with whole_file(path) as stream:
        stream.write("whole")
        assert not path.exists()
    assert path.read_text() == "whole"
    assert not part_of(path).exists()


def write_and_fail(path: Path, error: OSError) -> None:
    with whole_file(path) as stream:
        stream.write("half")
        raise error


def test_a_full_disk_is_said_and_loses_nothing(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    with pytest.raises(Refused, match="disk was full"):
        write_and_fail(path, OSError(errno.ENOSPC, "No space left on device"))
    assert not path.exists()
    assert part_of(path).read_text() == "half"


def test_other_errors_are_not_disguised(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="strange"):
        write_and_fail(tmp_path / "x", OSError(errno.EIO, "strange"))


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="is a folder"):
        claim(tmp_path, force=True)
    with pytest.raises(Refused, match="no such folder"):
        claim(tmp_path / "a" / "b", force=True)


def test_a_full_disk_is_no_bug(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def full(**_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("app.cli.app", full)
    assert main(["doctor"]) == 2
    told = capsys.readouterr().err
    assert "the disk is full: make room" in told
    assert "a bug" not in told
