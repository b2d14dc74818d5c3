"""One answer to whether a disk has room."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from pipeline.room import free_bytes, is_full, shortage


class Usage:
    free = 500_000_000


def test_a_disk_is_full_where_what_is_kept_free_is_used() -> None:
    assert is_full(99, 100)
    assert not is_full(100, 100)
    assert not is_full(0, 0)


def test_a_shortage_says_how_much_is_left_and_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage)
    assert shortage(tmp_path, 500_000_000) is None
    told = shortage(tmp_path, 600_000_000)
    assert told is not None
    assert told.startswith(str(tmp_path))
    assert "500 MB are left and 600 are kept free: make room" in told


def test_a_folder_that_has_gone_is_a_shortage(tmp_path: Path) -> None:
    told = shortage(tmp_path / "gone", 0)
    assert told is not None
    assert "is gone" in told
    with pytest.raises(OSError, match="No such file"):
        free_bytes(tmp_path / "gone")
