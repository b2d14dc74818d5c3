"""The takes in a folder: listed, relabelled, judged, removed. A file that cannot be read never hides the others."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from app.errors import Refused
from app.studio import names
from drivers import session_format as fmt
from drivers.errors import SessionError, TrilumeError
from drivers.open import is_session, sessions_in
from drivers.session import PART, Labels, SessionReader, amend_labels
from drivers.source import CameraInfo, Origin
from pipeline.upright import turn_picture

TakeState = Literal["sound", "interrupted", "damaged"]
BONA_FIDE: Final = "bona_fide"


@dataclass(frozen=True, slots=True)
class StoredTake:
    """One recording on disk. `trouble` says what is wrong with the file; `recorded` is the file's own time, UTC.

    `interrupted`: whole, but closed by an exception or not closed at all; `damaged`: not everything can be read.
    """

    path: Path
    labels: Labels
    frames: int
    seconds: float
    lost: int
    bytes: int
    recorded: datetime
    state: TakeState
    sensor: str = ""
    origin: Origin = "unknown"
    trouble: str | None = None

    @property
    def bad(self) -> bool:
        return self.labels.quality == "bad"

    @property
    def usable(self) -> bool:
        """Counts as a take: whole and not marked bad; an interrupted one only where somebody marked it good."""
        interrupted = self.state == "interrupted" and self.labels.quality == "good" and self.trouble is None
        return (self.state == "sound" or interrupted) and not self.bad and self.frames > 0

    @property
    def counts(self) -> bool:
        """Is a usable take of its own: what goes on after the camera was away belongs to the file before it."""
        return self.usable and names.continued(self.path) is None

    @property
    def attack(self) -> bool:
        return self.labels.species not in {"", BONA_FIDE}

    @property
    def name_fits(self) -> bool:
        """Whether the file's name says what its labels say."""
        return names.fits(self.path, self.labels)


def takes_in(folder: Path) -> list[StoredTake]:
    """Every session below a folder, sorted by path. Raises NotFound, AccessDenied for the folder only."""
    return [take(path) for path in sessions_in(folder) if is_session(path) and path.exists()]


def take(path: Path) -> StoredTake:
    """One session. Its streams are read once: until size or time of the file change, the answer is kept."""
    stat = path.stat()
    return _read(path, stat.st_size, stat.st_mtime_ns)


@lru_cache(maxsize=20_000)
def _read(path: Path, size: int, mtime_ns: int) -> StoredTake:
    recorded = datetime.fromtimestamp(mtime_ns / 1e9, UTC)
    labels, info = Labels(), CameraInfo("", "")
    records: list[fmt.SetRecord] = []
    trouble: str | None = None
    try:
        with SessionReader(path) as reader:
            info = reader.info
            trouble = reader.problems[0] if reader.problems else None
            labels = reader.labels
            records = [fmt.set_record(reader.messages(number)) for number in range(len(reader))]
    except (TrilumeError, ValueError) as error:
        trouble = trouble or str(error)
    times = [_device_time_s(record) for record in records]
    return StoredTake(
        path=path,
        labels=labels,
        frames=len(records),
        seconds=times[-1] - times[0] if times else 0.0,
        lost=sum(record.lost for record in records),
        bytes=size,
        recorded=recorded,
        state=_state(path, trouble),
        sensor=info.sensor,
        origin=info.origin,
        trouble=trouble,
    )


def _device_time_s(record: fmt.SetRecord) -> float:
    image = record.depth or record.color or record.infrared
    return image.device_time_s if image else 0.0


def _state(path: Path, trouble: str | None) -> TakeState:
    if ".interrupted" in path.name or path.name.endswith(PART):
        return "interrupted"
    return "damaged" if trouble else "sound"


def thumbnail(path: Path, height: int = 96) -> NDArray[np.uint8] | None:
    """Colour of the middle frame set, upright: uint8 [height, W, 3] RGB; infrared where there is no colour.

    None where the recording has neither or cannot be read.
    """
    try:
        with SessionReader(path) as reader:
            frame_set = reader.frame(len(reader) // 2)
    except (TrilumeError, LookupError):
        return None
    image = frame_set.color or frame_set.infrared
    if image is None:
        return None
    pixels: NDArray[Any] = image.pixels
    if pixels.ndim == 2:
        grey = np.clip(pixels * (255.0 / image.white_level), 0, 255).astype(np.uint8)
        pixels = np.repeat(grey[..., None], 3, axis=2)
    pixels = turn_picture(pixels, frame_set.rig.rotation)
    width = max(1, round(pixels.shape[1] * height / pixels.shape[0]))
    return np.ascontiguousarray(cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


# Labels ---------------------------------------------------------------------------------------------


def relabel(path: Path, changes: dict[str, Any]) -> StoredTake:
    """Amends labels; streams and name stay as they are (`name_fits` tells whether the name still says the same).

    The file keeps its time, which is when it was recorded. Raises Refused for a label that does not exist,
    SessionError where the recording is not sound.
    """
    before = take(path)
    if before.trouble:
        raise SessionError(f"{path}: {before.trouble}; labels of a damaged recording are not changed")
    try:
        labels = Labels.model_validate(before.labels.model_dump() | changes)
    except ValidationError as error:
        first = error.errors()[0]
        raise Refused(f"{path}: label {'.'.join(map(str, first['loc']))}: {first['msg']}") from error
    if labels != before.labels:
        stat = path.stat()
        amend_labels(path, labels)
        os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    return take(path)


def mark(path: Path, quality: Literal["", "good", "bad"]) -> StoredTake:
    """Marks a take good or bad, or takes the mark away: an amendment of its labels. Raises like `relabel`."""
    return relabel(path, {"quality": quality})


def rename(folder: Path, path: Path) -> Path:
    """Gives a take the name that its labels derive, below the data set's folder; returns the name it then has."""
    stored = take(path)
    if stored.trouble:
        raise Refused(f"{path}: {stored.trouble}; only sound recordings are renamed")
    if stored.name_fits:
        return path
    target = names.next_place(folder, stored.labels, names.visit_in(path))
    if stored.state == "interrupted":
        target = target.with_suffix(".interrupted.mcap")
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.exists():
        raise Refused(f"{target}: exists: rename or remove it first")
    path.rename(target)
    _remove_empty([path.parent])
    return target


# Removal and export ---------------------------------------------------------------------------------


def of_subject(folder: Path, subject: str) -> list[StoredTake]:
    """Takes of a subject: by label, and by name where the labels cannot be read or say nothing."""
    return [
        stored
        for stored in takes_in(folder)
        if stored.labels.subject == subject
        or (not stored.labels.subject and names.subject_in(stored.path) == names.value(subject))
    ]


def older_than(folder: Path, days: float, now: float | None = None) -> list[StoredTake]:
    """Takes whose files are older than so many days."""
    limit = (time.time() if now is None else now) - days * 86_400
    return [stored for stored in takes_in(folder) if stored.recorded.timestamp() < limit]


def delete(takes: Iterable[StoredTake]) -> int:
    """Removes takes and the folders that they leave empty; returns how many. Nothing is kept aside."""
    paths = [stored.path for stored in takes]
    for path in paths:
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise Refused(f"{path}: cannot be deleted ({error.strerror}): change the folder's rights") from error
    _remove_empty({path.parent for path in paths})
    return len(paths)


def _remove_empty(folders: Iterable[Path]) -> None:
    """Folders of the naming scheme (`sub-…/ses-…`) that hold nothing any more."""
    for folder in folders:
        for level in (folder, folder.parent):
            if level.name.startswith(("ses-", "sub-")) and level.is_dir() and not any(level.iterdir()):
                level.rmdir()


def _copied(path: Path, target: Path) -> None:
    """Copies a file, whole or not at all. Raises Refused where there is no room for it, or no right."""
    part = target.with_name(target.name + PART)
    try:
        shutil.copy2(path, part)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise Refused(f"{target}: cannot be written ({error.strerror}): make room or choose another folder") from error
    part.replace(target)


def export_good(takes: Sequence[StoredTake], out: Path) -> list[Path]:
    """Copies usable takes byte for byte under their derived names. Raises Refused where `out` holds anything."""
    good = [stored for stored in takes if stored.usable]
    if not good:
        raise Refused("no good take among them: nothing to export")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise Refused(f"{out}: exists and is not empty: name a new folder")
    copies: dict[Path, Path] = {}
    for stored in good:
        target = names.next_place(out, stored.labels, names.visit_in(stored.path))
        before = names.continued(stored.path)
        if before and before[0] in copies:  # goes on with a take that was copied: stays beside it
            target = copies[before[0]].with_suffix(f".part{before[1]}.mcap")
        target.parent.mkdir(parents=True, exist_ok=True)
        _copied(stored.path, target)
        copies[stored.path] = target
    return list(copies.values())
