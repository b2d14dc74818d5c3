"""Recordings judged without a window: JSON lines, summaries, exit codes."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from app.errors import SIGNALS, Exit, Refused, log_path, say, stopped_by, worst
from app.judging import Judging, Switches, picture_path
from app.outcome import Outcome
from app.outputs import STDOUT, claim, line_output, whole_file
from app.pictures import sheet, write_png
from app.tables import show_one, show_several
from drivers.errors import TrilumeError
from drivers.frames import FrameSet
from drivers.open import is_frame_folder, sessions_in
from pipeline.bundle import Bundle, load_bundle
from pipeline.engine import EngineFaulty
from pipeline.result import Result, Verdict
from pipeline.sinks import Summary, line


@dataclass(frozen=True, slots=True)
class Outputs:
    """What is written: JSON lines to `lines` (`-` for standard output), the summary, a picture a recording."""

    lines: str | None = None
    summary: Path | None = None
    pictures: Path | None = None
    timing: bool = True
    force: bool = False


def replay(
    sources: Sequence[str], outputs: Outputs, bundle_path: Path | None, switches: Switches, console: Console
) -> Exit:
    """Judges recordings one after the other and returns the worst exit code.

    What was judged before a recording ended early, or before a signal, is written. Raises TrilumeError where
    nothing can be begun: an output that exists, a bundle that is wrong.
    """
    recordings = [name for source in sources for name in _expanded(source)]
    outcomes = judge_all(recordings, outputs, load_bundle(bundle_path), switches, console)
    _show(outcomes, len(recordings), console)
    return worst(outcome.code for outcome in outcomes)


def judge_all(
    recordings: Sequence[str], outputs: Outputs, bundle: Bundle, switches: Switches, console: Console
) -> list[Outcome]:
    """Judges recordings and writes the outputs; stops after the recording in which a signal came."""
    _claim(outputs, recordings)
    outcomes = []
    with line_output(outputs.lines) as lines, _progress(console) as progress:
        for name in recordings:
            outcomes.append(_replay_one(name, bundle, switches, outputs, lines, progress))
            if outcomes[-1].code in (Exit.INTERRUPTED, Exit.TERMINATED):
                break
    if outputs.summary is not None:
        _write_summary(outputs.summary, outcomes, one=len(recordings) == 1)
    return outcomes


def _expanded(source: str) -> list[str]:
    """A folder of sessions stands for the sessions in it."""
    if "://" in source or not Path(source).is_dir() or is_frame_folder(Path(source)):
        return [source]
    return [str(path) for path in sessions_in(Path(source))] or [source]


def _claim(outputs: Outputs, recordings: Sequence[str]) -> None:
    files = [Path(outputs.lines)] if outputs.lines not in (None, STDOUT) else []
    files += [outputs.summary] if outputs.summary else []
    if outputs.pictures:
        outputs.pictures.mkdir(parents=True, exist_ok=True)
        files += [picture_path(outputs.pictures, name) for name in recordings]
    names = [path.resolve() for path in files]
    for path in files:
        if names.count(path.resolve()) > 1:
            raise Refused(f"{path}: would be written twice: give each output and each recording its own name")
        claim(path, force=outputs.force, sources=recordings)


def _replay_one(
    name: str, bundle: Bundle, switches: Switches, outputs: Outputs, lines: TextIO | None, progress: Progress
) -> Outcome:
    summary = Summary(bundle)
    shown: tuple[FrameSet, Result] | None = None
    code, message = Exit.DONE, None
    judging: Judging | None = None
    try:
        judging = Judging(name, bundle, switches)
        with _bar(progress, name) as bar:
            for frame_set, result in judging:
                summary.add(result)
                if lines is not None:
                    lines.write(line(result, name, timing=outputs.timing) + "\n")
                shown = _more_telling(shown, (frame_set, result))
                progress.update(bar, advance=1, total=judging.info.frames)
    except SIGNALS as signal:
        code = stopped_by(signal)
    except EngineFaulty as error:
        code, message = Exit.BUG, f"{error}: a bug; the log is in {log_path()}"
    except TrilumeError as error:
        code, message = (Exit.ENDED_EARLY if summary.frames else Exit.BAD_INPUT), str(error)
    if judging is None or summary.frames == 0:
        return Outcome(name, code, message)
    report = summary.report(
        source=name,
        info=judging.info,
        verdict=judging.verdict,
        wall_s=time.perf_counter() - judging.began_s,
        timing=outputs.timing,
    )
    if outputs.pictures and shown:
        write_png(picture_path(outputs.pictures, name), sheet(*shown, bundle.description, judging.info, name))
    return Outcome(name, code, message, summary, report)


def _more_telling(before: tuple[FrameSet, Result] | None, now: tuple[FrameSet, Result]) -> tuple[FrameSet, Result]:
    """The frame worth a picture: the one that settled the session, until then the last judged one."""
    if before is None:
        return now
    settled = before[1].session_verdict is not Verdict.UNDECIDED
    return before if settled or (now[1].d_net is None and before[1].d_net is not None) else now


def _write_summary(path: Path, outcomes: Sequence[Outcome], *, one: bool) -> None:
    reports = [outcome.report for outcome in outcomes if outcome.report]
    with whole_file(path) as stream:
        if reports:
            json.dump(reports[0] if one else reports, stream, indent=2, allow_nan=False)
            stream.write("\n")


def _show(outcomes: Sequence[Outcome], asked: int, console: Console) -> None:
    judged = [outcome for outcome in outcomes if outcome.summary]
    if asked == 1 and judged:
        show_one(judged[0], console)
    elif judged:
        show_several(outcomes, console)
    for outcome in outcomes:
        if outcome.message:
            say(outcome.message)


def _progress(console: Console) -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)


@contextmanager
def _bar(progress: Progress, name: str) -> Iterator[TaskID]:
    bar = progress.add_task(Path(name).name, total=None)
    try:
        yield bar
    finally:
        progress.remove_task(bar)
