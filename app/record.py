"""A source written to a session file, until it ends, the limit is reached or somebody stops it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from app.errors import SIGNALS, Exit, Refused, say, stopped_by
from drivers.errors import TrilumeError
from drivers.frames import FrameSet
from drivers.session import PART, Labels, SessionWriter
from drivers.source import Source, frames_of


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
    lost: int = 0
    seconds: float = 0.0
    trouble: str | None = None


def record(source: Source, out: Path, labels: Callable[[], Labels], limits: Limits, console: Console) -> Exit:
    """Records to `out` and returns the exit code; whatever was written is a whole session.

    `labels` is asked once the source is open. Raises TrilumeError where nothing can be recorded.
    """
    written = _Written()
    code = Exit.DONE
    try:
        with closing(source):
            frames = frames_of(source)
            first = next(frames, None)
            if first is None:
                raise Refused(f"{out}: the source delivers no frames: nothing to record")
            with SessionWriter(out, source.rig, source.info, labels()) as writer, _progress(console) as progress:
                bar = progress.add_task(out.name, total=_expected(source, limits))
                for frame_set in _within(chain([first], frames), out.parent, limits, written):
                    writer.write(frame_set)
                    written.frames += 1
                    written.lost += frame_set.lost
                    progress.update(bar, completed=written.frames)
    except SIGNALS as signal:
        code = stopped_by(signal)
    except TrilumeError as error:
        if written.frames == 0:
            raise
        written.trouble = str(error)
    if not console.quiet:
        say(f"{_name(out)}: {written.frames} frame sets, {written.seconds:.2f} s, lost {written.lost}")
    if written.trouble:
        say(written.trouble)
        code = Exit.ENDED_EARLY
    return code


def _name(out: Path) -> Path:
    """The name that the recording got: after trouble the writer says in it that it was cut short."""
    names = (out, out.with_suffix(".interrupted.mcap"), out.with_name(out.name + PART))
    return next((name for name in names if name.exists()), out)


def _within(frames: Iterator[FrameSet], folder: Path, limits: Limits, written: _Written) -> Iterator[FrameSet]:
    """The frame sets up to the limit."""
    began_s: float | None = None
    for frame_set in frames:
        began_s = frame_set.device_time_s if began_s is None else began_s
        elapsed_s = frame_set.device_time_s - began_s
        if limits.seconds is not None and elapsed_s >= limits.seconds:
            return
        if shutil.disk_usage(folder).free < limits.keep_free_bytes:
            written.trouble = f"{folder}: the disk is nearly full: make room, or lower --keep-free-mb"
            return
        written.seconds = elapsed_s
        yield frame_set
        if written.frames == limits.frames:
            return


def _expected(source: Source, limits: Limits) -> int | None:
    known = [count for count in (limits.frames, source.info.frames) if count is not None]
    return min(known, default=None)


def _progress(console: Console) -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed}"), TimeElapsedColumn())
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
