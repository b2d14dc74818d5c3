"""Session files looked at, checked, repaired and taken out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Literal

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from app.errors import Exit, Refused, say, worst
from app.tables import folding
from drivers import session
from drivers.errors import EndedEarly, TrilumeError
from drivers.folder import write_folder
from drivers.frames import STREAMS, FrameSet
from drivers.open import is_session, open_source, sessions_in
from drivers.session import PART, Labels, SessionReader, SessionWriter
from drivers.source import CameraInfo, frames_of

NOT_SAID = "–"
SUFFIXES = (".mcap", ".mcap" + PART)


def found(paths: Sequence[Path]) -> list[Path]:
    """Every session that the paths name: files, and the sessions in folders. Raises Refused for none."""
    sessions = [name for path in paths for name in (_below(path) if path.is_dir() else [path])]
    if not sessions:
        raise Refused(f"{', '.join(map(str, paths))}: holds no sessions: name a .mcap file or a folder of them")
    return sessions


def _below(folder: Path) -> list[Path]:
    return [path for path in sessions_in(folder) if is_session(path)]


def show_list(paths: Sequence[Path], console: Console) -> Exit:
    """One row a session: what it holds and how it is labelled. Says which cannot be read."""
    table = folding("session", "frames", "seconds", "species", "instrument", "subject", "sensor", "state")
    codes = []
    for path in found(paths):
        try:
            with SessionReader(path) as reader:
                table.add_row(escape(str(path)), *_row(reader))
            codes.append(Exit.DONE)
        except TrilumeError as error:
            say(error)
            codes.append(Exit.BAD_INPUT)
    console.print(table)
    return worst(codes)


def _row(reader: SessionReader) -> tuple[str, ...]:
    labels = reader.labels
    return (
        str(len(reader)),
        f"{_seconds(reader):.2f}",
        labels.species or NOT_SAID,
        labels.instrument or NOT_SAID,
        labels.subject or NOT_SAID,
        reader.info.sensor,
        "damaged" if reader.problems else "whole",
    )


def _seconds(reader: SessionReader) -> float:
    if len(reader) == 0:
        return 0.0
    return reader.frame(len(reader) - 1).device_time_s - reader.frame(0).device_time_s


def show_info(path: Path, console: Console) -> Exit:
    """Everything about one session; exit code 3 where it breaks off."""
    table = Table(title=escape(str(path)), show_header=False, title_justify="left")
    with SessionReader(path) as reader:
        info, rig = reader.info, reader.rig
        table.add_row("camera", escape(f"{info.name}, sensor {info.sensor}, serial {info.serial or NOT_SAID}"))
        table.add_row("origin", info.origin)
        table.add_row("length", f"{len(reader)} frame sets, {_seconds(reader):.2f} s")
        for stream in STREAMS:
            lens = getattr(rig, stream)
            text = NOT_SAID if lens is None else f"{lens.width}×{lens.height}, fx {lens.fx:.1f} px, {lens.model}"
            table.add_row(stream, text)
        table.add_row("registered", "yes" if rig.registered else "no, each stream on its own grid")
        for name, value in reader.labels.model_dump().items():
            table.add_row(name, escape(str(value)) if value not in {"", None} else NOT_SAID)
        problems = list(reader.problems)
    table.add_row("state", "whole" if not problems else escape("; ".join(problems)))
    console.print(table)
    return Exit.ENDED_EARLY if problems else Exit.DONE


def check(paths: Sequence[Path], console: Console) -> Exit:
    """Reads every byte of every session; exit code 3 where one is damaged, 2 where one is none."""
    codes = []
    for path in found(paths):
        try:
            report = session.check(path)
        except TrilumeError as error:
            say(error)
            codes.append(Exit.BAD_INPUT)
            continue
        codes.append(Exit.DONE if report.sound else Exit.ENDED_EARLY if report.frames else Exit.BAD_INPUT)
        state = "sound" if report.sound else "; ".join(report.problems)
        text = f"{path}: {report.frames} frame sets, {report.seconds:.2f} s, lost {report.lost}: {state}"
        console.print(text, markup=False, highlight=False, soft_wrap=True)
    return worst(codes)


def repair(path: Path, out: Path, console: Console) -> Exit:
    """Copies the good frame sets of a damaged session to a new file."""
    report = session.repair(path, out)
    for loss in report.dropped:
        say(f"not kept: {loss}")
    text = f"{out}: {report.frames} frame sets, {report.seconds:.2f} s, lost {report.lost}"
    console.print(text, markup=False, highlight=False, soft_wrap=True)
    return Exit.DONE


def export(source: str, to: Literal["folder", "mcap-png"], out: Path) -> Exit:
    """Writes a recording in another format; what is good before it breaks off is written (exit code 3)."""
    with closing(open_source(source)) as opened:
        frames = frames_of(opened)
        first = next(frames, None)
        if first is None:
            raise Refused(f"{source}: holds no frames: nothing to export")
        write = write_folder if to == "folder" else partial(_write_session, labels=_labels(source))
        try:
            count = write(out, chain([first], frames), opened.info)
        except EndedEarly as error:
            say(f"{out}: holds what is good: {error}")
            return Exit.ENDED_EARLY
    say(f"{out}: {count} frame sets")
    return Exit.DONE


def _labels(source: str) -> Labels:
    return session.labels(Path(source)) if source.endswith(SUFFIXES) else Labels()


def _write_session(out: Path, frames: Iterator[FrameSet], info: CameraInfo, *, labels: Labels) -> int:
    """A session whose pictures are PNG: larger, and shown by every MCAP viewer."""
    first = next(frames)
    broken: EndedEarly | None = None
    with SessionWriter(out, first.rig, info, labels, codec="png") as writer:
        try:
            for frame_set in chain([first], frames):
                writer.write(frame_set)
        except EndedEarly as error:
            broken = error  # handed on only after the good part is a whole file
    if broken is not None:
        raise broken
    return writer.frames
