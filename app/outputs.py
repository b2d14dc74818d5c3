"""Files that appear whole or not at all, and a standard output that carries our lines only."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from app.errors import DISK_FULL, Refused

STDOUT = "-"


def part_of(path: Path) -> Path:
    """The name under which a file is written until it is complete."""
    return path.with_name(path.name + ".part")


def claim(path: Path, *, force: bool, sources: Iterable[str] = ()) -> Path:
    """The path, if it may be written. Raises Refused where something would be overwritten."""
    if path.exists() and any(_is_same(path, source) for source in sources):
        raise Refused(f"{path}: is one of the recordings: choose another name to write to")
    if path.is_dir():
        raise Refused(f"{path}: is a folder: name a file to write to")
    if not path.parent.is_dir():
        raise Refused(f"{path.parent}: no such folder: create it first")
    for taken in (path, part_of(path)):
        if taken.exists() and not force:
            raise Refused(f"{taken}: exists: choose another name, or overwrite it with --force")
    return path


def _is_same(path: Path, source: str) -> bool:
    return Path(source).exists() and path.samefile(source)


@contextmanager
def whole_file(path: Path) -> Iterator[TextIO]:
    """A text file that gets its name when the block ends well; until then it is called `….part`.

    After an exception the part stays under that name. Nothing written, no file. Raises Refused where the folder
    cannot be written or the disk is full.
    """
    part = part_of(path)
    try:
        stream = part.open("w", encoding="utf-8")
    except OSError as error:
        raise Refused(f"{path}: cannot be written ({error.strerror}): choose another folder") from error
    try:
        with stream:
            yield stream
    except OSError as error:
        if error.errno not in DISK_FULL:
            raise
        raise Refused(f"{part}: holds what could be written before the disk was full: make room") from error
    finally:
        if part.stat().st_size == 0:
            part.unlink()
    if part.exists():
        part.replace(path)


def write_whole(path: Path, content: bytes) -> None:
    """Writes a file that has its name once it is whole. Raises Refused where it cannot be written."""
    part = part_of(path)
    try:
        part.write_bytes(content)
        part.replace(path)
    except OSError as error:
        raise Refused(f"{path}: cannot be written ({error.strerror}): choose another folder") from error


@contextmanager
def clean_stdout() -> Iterator[TextIO]:
    """Standard output for one writer; whatever else prints there meanwhile goes to standard error.

    Camera SDKs print to standard output when they are imported. Line-buffered: a reader sees each line at once.
    """
    sys.stdout.flush()
    saved = os.dup(1)
    try:
        with os.fdopen(os.dup(1), "w", buffering=1, encoding="utf-8") as stream:
            os.dup2(2, 1)
            yield stream
    finally:
        sys.stdout.flush()
        os.dup2(saved, 1)
        os.close(saved)


@contextmanager
def line_output(target: str | None) -> Iterator[TextIO | None]:
    """Where JSON lines go: a file, standard output for `-`, nowhere for None."""
    if target is None:
        yield None
    elif target == STDOUT:
        with clean_stdout() as stream:
            yield stream
    else:
        with whole_file(Path(target)) as stream:
            yield stream
