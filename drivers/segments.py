"""A recording that goes on in a new file where the camera was away: NAME.mcap, NAME.part2.mcap, … whole sessions."""

from __future__ import annotations

import os
from pathlib import Path

from drivers.errors import AccessDenied, NotFound, SessionError
from drivers.frames import FrameSet
from drivers.session import PART, Labels, SessionWriter
from drivers.session_writer import Closing
from drivers.source import Source


class Segments(Closing):
    """Writes frame sets into one session after the other. One thread writes; the counts may be read from any.

    `seconds` by the device's clock, without the times between segments.
    """

    def __init__(self, path: Path, source: Source, labels: Labels) -> None:
        """Nothing is written, and no name taken, before the first set."""
        self.path, self._source, self._labels = path, source, labels
        self.frames, self.lost = 0, 0
        self._writer: SessionWriter | None = None
        self._writers: list[SessionWriter] = []
        self._segment = 0
        self._began_s = self._newest_s = 0.0
        self._before = (0.0, 0)  # seconds and bytes of finished segments

    @property
    def paths(self) -> tuple[Path, ...]:
        """The files so far, by the names that they have at this moment."""
        return tuple(writer.path for writer in self._writers)

    @property
    def seconds(self) -> float:
        return self._before[0] + (self._newest_s - self._began_s)

    @property
    def bytes(self) -> int:
        return self._before[1] + (self._writer.bytes_written if self._writer else 0)

    def write(self, frame_set: FrameSet, segment: int = 0) -> None:
        """Appends one set; another number, or another rig, begins a new file. Raises as `SessionWriter`."""
        writer = self._writer
        if writer is None or segment != self._segment or frame_set.rig != writer.rig:
            writer = self._begun(frame_set, segment)
        writer.write(frame_set)
        self._newest_s = frame_set.device_time_s
        self.frames += 1
        self.lost += frame_set.lost

    def close(self) -> None:
        """Finishes the file that is being written. Idempotent."""
        if self._writer is not None:
            self._writer.close()

    def interrupt(self) -> None:
        """Finishes it under a name that says that it was cut short. Idempotent."""
        if self._writer is not None:
            self._writer.interrupt()

    def _begun(self, frame_set: FrameSet, segment: int) -> SessionWriter:
        self.close()
        self._before = self.seconds, self.bytes
        self._began_s = self._newest_s = frame_set.device_time_s
        number = len(self._writers) + 1
        name = self.path if number == 1 else self.path.with_suffix(f".part{number}{self.path.suffix}")
        self._writer = None
        self._writer = SessionWriter(name, frame_set.rig, self._source.info, self._labels)
        self._writers.append(self._writer)
        self._segment = segment
        return self._writer


def kept(path: Path) -> Path:
    """The name that a recording got: after trouble the writer says in it that it was cut short."""
    names = (path, path.with_suffix(".interrupted.mcap"), path.with_name(path.name + PART))
    return next((name for name in names if name.exists()), path)


def refuse(path: Path) -> None:
    """Says before the first frame set what the writer would say at it.

    Raises SessionError where the name is no session's or taken, NotFound without its folder, AccessDenied.
    """
    if path.suffix != ".mcap":
        raise SessionError(f"{path}: a session's name ends with .mcap; choose such a name")
    for name in (path, path.with_name(path.name + PART)):
        if name.exists():
            raise SessionError(f"{name}: exists already; choose another name")
    if not path.parent.is_dir():
        raise NotFound(f"{path}: its folder does not exist; create it first")
    if not os.access(path.parent, os.W_OK):
        raise AccessDenied(f"{path}: no permission to write; choose another folder or change its rights")
