"""One runner at a time: the next one starts once the one before has let go of its device."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final, Protocol

from app.errors import Refused
from drivers.errors import TrilumeError
from drivers.session import Labels
from pipeline.runner import Shown, State, Take, Trace

log = logging.getLogger(__name__)

CLOSE_S: Final = 2.6
"""A runner closes within two seconds; whoever takes longer is left behind."""


OVER: Final = ("ended", "failed", "closed")


class RunnerLike(Protocol):
    """What the window needs of `pipeline.runner.Runner`; any thread."""

    def start(self) -> None: ...
    def latest(self) -> Shown | None: ...
    def history(self) -> tuple[Trace, ...]: ...
    def state(self) -> State: ...
    def begin_take(self, path: Path, labels: Labels) -> None: ...
    def end_take(self) -> Take: ...
    def forget(self) -> None: ...
    def close(self) -> None: ...


class Switch:
    """Holds the runner of the source that was chosen last; itself a RunnerLike that never blocks. GUI thread; call
    `step` often. Closing may take two seconds and so has a thread of its own."""

    def __init__(self, run: Callable[[str], RunnerLike]) -> None:
        self._run = run
        self.uri = ""
        self._runner: RunnerLike | None = None
        self._wanted = False
        self._trouble: str | None = None
        self._parting: threading.Thread | None = None

    @property
    def idle(self) -> bool:
        """Nothing runs and nothing is about to."""
        return not self._wanted and (self._runner is None or self._runner.state().phase in OVER)

    def open(self, uri: str) -> None:
        """Runs a source in place of the one before."""
        self.stop()
        self.uri, self._wanted, self._trouble = uri, True, None
        self.step()

    def stop(self) -> None:
        """Lets go of the source."""
        self._wanted = False
        if self._runner is not None:
            self._parting = threading.Thread(target=self._close, args=(self._runner, self._parting), daemon=True)
            self._parting.start()
            self._runner = None

    def step(self) -> None:
        """Starts what is wanted, once nothing is in its way."""
        if not self._wanted or (self._parting is not None and self._parting.is_alive()):
            return
        self._wanted = False
        try:
            runner = self._run(self.uri)
            runner.start()
        except TrilumeError as error:
            self._trouble = str(error)
        else:
            self._runner = runner

    def latest(self) -> Shown | None:
        """The newest set that was judged."""
        return self._runner.latest() if self._runner else None

    def history(self) -> tuple[Trace, ...]:
        """The last seconds."""
        return self._runner.history() if self._runner else ()

    def state(self) -> State:
        """Of the runner; without one `opening`, `failed` or `closed`."""
        if self._runner is not None:
            return self._runner.state()
        if self._trouble:
            return State("failed", self.uri, trouble=self._trouble)
        return State("opening" if self._wanted else "closed", self.uri)

    def begin_take(self, path: Path, labels: Labels) -> None:
        """Raises Refused where nothing runs, and what the runner raises."""
        if self._runner is None:
            raise Refused("nothing is running that could be recorded: choose a source and start it")
        self._runner.begin_take(path, labels)

    def end_take(self) -> Take:
        """Raises Refused where nothing runs."""
        if self._runner is None:
            raise Refused("nothing is being recorded: choose a source and start it")
        return self._runner.end_take()

    def forget(self) -> None:
        """The next person: no evidence of the one before is kept."""
        if self._runner is not None:
            self._runner.forget()

    def close(self) -> None:
        """Stops, and waits for it at most CLOSE_S seconds."""
        self.stop()
        if self._parting is not None:
            self._parting.join(CLOSE_S)
            if self._parting.is_alive():
                log.warning("the runner of %s has not closed within %.1f s and is left behind", self.uri, CLOSE_S)

    @staticmethod
    def _close(runner: RunnerLike, before: threading.Thread | None) -> None:
        if before is not None:
            before.join(CLOSE_S)
        try:
            runner.close()
        except Exception:
            log.exception("closing failed")
