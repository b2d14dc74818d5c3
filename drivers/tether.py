"""A thread in which all calls to one source run, so that a call that hangs holds up nobody else."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import suppress

from drivers.clock import Clock
from drivers.errors import Disconnected, Stalled
from drivers.source import Source


class Hung(Stalled):
    """A call into the SDK did not return."""


class Tether:
    """One source and the thread in which all its calls run."""

    def __init__(self, clock: Clock) -> None:
        self.source: Source | None = None
        self.idle, self.gone = True, False
        self._clock = clock
        self._job: Callable[[], object] | None = None
        self._outcome: object = None
        self._error: Exception | None = None
        self._leaving = self._closing = False
        self._thread = clock.start(self._work, "device")

    def restart(self) -> Source:
        """A job: the stream stops and starts again. Gives the source."""
        if self.source is None:
            raise Disconnected("there is no source to start again")
        self.source.close()
        self.source.open()
        return self.source

    def begin(self, job: Callable[[], object]) -> None:
        self.idle, self._job = False, job
        self._clock.tell()

    def take(self) -> object:
        """What the job gave; raises what it raised."""
        if self._error is not None:
            raise self._error
        return self._outcome

    def leave(self) -> None:
        """The thread closes the source and ends, as soon as it can."""
        self._leaving = True
        self._clock.tell()

    def force(self) -> None:
        """Closes the source from another thread, which makes some SDKs return from a call that hangs."""
        if self.source is not None and not self._closing:
            self._clock.start(self._close, "device-close")

    def join(self) -> None:
        self._thread.join(1.0)  # it has said that it is gone

    def _work(self) -> None:
        while not self._leaving:
            self._clock.wait(lambda: self._job is not None or self._leaving, math.inf)
            if self._job is not None and not self._leaving:
                self._run(self._job)
        self._closing = True
        self._close()
        self.gone = True
        self._clock.tell()

    def _run(self, job: Callable[[], object]) -> None:
        self._job = self._error = None
        try:
            self._outcome = job()
        except Exception as error:  # whatever an SDK raises is an answer to whoever asked
            self._error = error
        self.idle = True
        self._clock.tell()

    def _close(self) -> None:
        if self.source is not None:
            with suppress(Exception):  # nothing can be done about a device that does not let go
                self.source.close()
