"""What the commands that train have in common: faces of own recordings, what a long step says."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from app.errors import say
from models.datasets.faces import Faces
from models.datasets.recordings import Outcome, prepare_recordings
from models.manifest import Entry
from pipeline.bundle import Bundle


def read_faces(
    entries: Sequence[Entry], bundle: Bundle, store: Path, every: int, console: Console
) -> tuple[Faces, tuple[Outcome, ...]]:
    """The faces of own recordings, kept in `store`; says which recordings are damaged or show none.

    Raises DatasetError as `models.datasets.recordings` does.
    """
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        bar = progress.add_task("reading", total=len(entries))
        own, outcomes = prepare_recordings(entries, bundle, store, every=every, advance=lambda: progress.advance(bar))
    for outcome in outcomes:
        if outcome.problem:
            say(f"{outcome.problem}; {outcome.faces} faces were taken before that")
        elif not outcome.faces:
            say(f"{outcome}: nothing can be learnt from it")
    return own, outcomes


class Steps:
    """The steps of a long run, one line each: how far it is, and the last that was said of it. Made by `steps`."""

    def __init__(self, console: Console) -> None:
        columns = (
            SpinnerColumn(), TextColumn("{task.description:<10}"), BarColumn(20), TimeElapsedColumn(),
            TextColumn("{task.fields[told]}"),
        )  # fmt: skip
        self.progress = Progress(*columns, console=console, disable=not console.is_terminal)
        self._plain = None if console.is_terminal else console
        self._bars: dict[str, TaskID] = {}
        self._step = ""

    def __call__(self, step: str, share: float | None = None) -> None:
        """A step begins, or has spent a share 0..1 of its budget (None: not known)."""
        if step not in self._bars:
            self.finish()
            self._bars[step] = self.progress.add_task(step, total=None, told="")
            if self._plain is not None:
                say(step)
        self._step = step
        if share is not None:
            self.progress.update(self._bars[step], total=1.0, completed=share)

    def tell(self, text: str) -> None:
        """Something new about the step that runs."""
        if self._step:
            self.progress.update(self._bars[self._step], told=escape(text))
        if self._plain is not None:
            say(text)

    def finish(self) -> None:
        """The step that runs is done."""
        if self._step:
            self.progress.update(self._bars[self._step], total=1.0, completed=1.0)


class _Told(logging.Handler):
    def __init__(self, steps: Steps) -> None:
        super().__init__(logging.INFO)
        self._steps = steps

    def emit(self, record: logging.LogRecord) -> None:
        first, _, rest = record.getMessage().partition("\n")
        if not rest:  # tables and cards stand in files
            self._steps.tell(first)


@contextmanager
def steps(console: Console) -> Iterator[Steps]:
    """Shows a long run. What the package `models` logs meanwhile is shown, and goes into no log."""
    shown, logger = Steps(console), logging.getLogger("models")
    handler, before = _Told(shown), (logger.level, logger.propagate)
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.propagate = False
    try:
        with shown.progress:
            yield shown
            shown.finish()
    finally:
        logger.removeHandler(handler)
        logger.setLevel(before[0])
        logger.propagate = before[1]
