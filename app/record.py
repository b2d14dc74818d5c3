"""A source written to a session file, until it ends, the limit is reached or somebody stops it.

A camera is brought back after troubles, and its recording goes on in a further file.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from app.errors import SIGNALS, Exit, Refused, say, stopped_by
from drivers.errors import TrilumeError
from drivers.frames import FrameSet
from drivers.live import BoundedQueue, LiveStream, patient_frames
from drivers.segments import Segments
from drivers.session import Labels
from drivers.source import Source, frames_of
from drivers.supervision import Supervised
from pipeline.room import shortage

BACKLOG_S: Final = 2.0  # after Ctrl-C, for what waits to be written


@dataclass(frozen=True, slots=True)
class Limits:
    """When a recording ends by itself: by the device's clock, by its length, or before the disk is full."""

    seconds: float | None = None
    frames: int | None = None
    keep_free_bytes: int = 0


@dataclass
class _Written:
    """What has been recorded so far, and why it stopped before its end."""

    frames: int = 0
    seconds: float = 0.0
    trouble: str | None = None
    segments: Segments | None = None
    late: int = 0

    @property
    def lost(self) -> int:
        return self.late + (self.segments.lost if self.segments else 0)

    def names(self, out: Path) -> str:
        """Of the files; after trouble a name says that the recording was cut short."""
        return ", ".join(map(str, self.segments.paths if self.segments else ())) or str(out)


def record(source: Source, out: Path, labels: Callable[[], Labels], limits: Limits, console: Console) -> Exit:
    """Records to `out` and returns the exit code; whatever was written is a whole session.

    `labels` is asked once the source is open. Raises TrilumeError where nothing can be recorded.
    """
    written = _Written()
    code = Exit.DONE
    line = BoundedQueue()
    try:
        with closing(source), closing(_delivered(source, line)) as delivered:
            first = next(delivered, None)
            if first is None:
                raise Refused(f"{out}: the source delivers no frames: nothing to record")
            with Segments(out, source, labels()) as segments, _progress(console) as progress:
                written.segments = segments
                bar = progress.add_task(out.name, total=_expected(source, limits))
                underway: tuple[int, tuple[int, FrameSet]] | None = None  # what is being written, and after how many
                try:
                    for item in _within(chain([first], delivered), out.parent, limits, written):
                        underway = segments.frames, item
                        segments.write(item[1], item[0])
                        written.frames += 1
                        progress.update(bar, completed=written.frames)
                except SIGNALS as signal:
                    code = stopped_by(signal)
                    delivered.close()
                    begun = [underway[1]] if underway is not None and segments.frames == underway[0] else []
                    _keep_waiting(chain(begun, line.waiting()), segments, written)
                    written.late += line.missed
    except SIGNALS as signal:
        code = stopped_by(signal)
    except TrilumeError as error:
        if written.frames == 0:
            raise
        written.trouble = str(error)
    if not console.quiet:
        say(f"{written.names(out)}: {written.frames} frame sets, {written.seconds:.2f} s, lost {written.lost}")
    if written.trouble:
        say(written.trouble)
        code = Exit.ENDED_EARLY
    return code


def _keep_waiting(sets: Iterator[tuple[int, FrameSet]], segments: Segments, written: _Written) -> None:
    """Writes what came before the signal and waits for a slow disk, as far as `BACKLOG_S` allow; the rest is lost."""
    until_s = time.monotonic() + BACKLOG_S
    for segment, frame_set in sets:
        if time.monotonic() > until_s:
            written.late += 1 + frame_set.lost
        else:
            segments.write(frame_set, segment)
    written.frames, written.seconds = segments.frames, segments.seconds


def _delivered(source: Source, line: BoundedQueue) -> Generator[tuple[int, FrameSet], None, None]:
    """Every set with the number of its segment. Of a camera, the disk may be slower for a while than it delivers: sets
    wait in `line`.
    """
    if not isinstance(source, Supervised):
        for frame_set in frames_of(source):
            yield 0, frame_set
        return
    try:
        for _ in patient_frames(LiveStream(source, line), say):
            yield from line.waiting()
    except TrilumeError:
        yield from line.waiting()
        raise
    yield from line.waiting()


def _within(
    delivered: Iterator[tuple[int, FrameSet]], folder: Path, limits: Limits, written: _Written
) -> Iterator[tuple[int, FrameSet]]:
    """The frame sets up to the limit."""
    before: tuple[int, float] | None = None
    elapsed_s = 0.0
    for segment, frame_set in delivered:
        if before is not None and before[0] == segment:
            elapsed_s += frame_set.device_time_s - before[1]
        before = segment, frame_set.device_time_s
        if limits.seconds is not None and elapsed_s >= limits.seconds:
            return
        if why := shortage(folder, limits.keep_free_bytes):
            written.trouble = f"{why} (--keep-free-mb)"
            return
        written.seconds = elapsed_s
        yield segment, frame_set
        if written.frames == limits.frames:
            return


def _expected(source: Source, limits: Limits) -> int | None:
    known = [count for count in (limits.frames, source.info.frames) if count is not None]
    return min(known, default=None)


def _progress(console: Console) -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed}"), TimeElapsedColumn())
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
