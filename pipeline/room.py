"""Whether a disk has room for a recording: one answer for whoever records."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Final

KEEP_FREE_BYTES: Final = 1_000_000_000
"""Kept free where nobody says otherwise: a full disk harms more programs than this one."""


def free_bytes(folder: Path) -> int:
    """Bytes free on the disk that holds an existing folder. Raises OSError where the disk does not say."""
    return shutil.disk_usage(folder).free


def is_full(free: int, keep_free: int) -> bool:
    """Whether what is to be kept free is used already; 0 to be kept free is never used."""
    return free < keep_free


def shortage(folder: Path, keep_free: int) -> str | None:
    """Why nothing more may be written to a folder, in words for people; None where there is room."""
    try:
        free = free_bytes(folder)
    except OSError as error:
        return f"{folder}: is gone: {error.strerror}; put it back or choose another folder"
    if not is_full(free, keep_free):
        return None
    left, kept = free // 1_000_000, keep_free // 1_000_000
    return f"{folder}: the disk is nearly full, {left} MB are left and {kept} are kept free: make room"
