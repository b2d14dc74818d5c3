"""Time as the threads around a camera see it, so that a test can let an hour pass in a millisecond."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from typing import Protocol


class Clock(Protocol):
    """Seconds that never run backwards, waiting, and threads that wait by this clock."""

    def now(self) -> float: ...

    def wait(self, ready: Callable[[], bool], timeout_s: float) -> bool:
        """Waits until `ready()` or the time-out (inf: none); whether it is ready. `ready` only looks at attributes."""
        ...

    def tell(self) -> None:
        """Whoever waits looks again: call it after every change that somebody may wait for."""

    def start(self, work: Callable[[], None], name: str) -> threading.Thread:
        """Runs `work` in a daemon thread: an SDK that hangs must not keep the process from ending."""
        ...


class SystemClock:
    """The monotonic clock of the machine."""

    def __init__(self) -> None:
        self._changed = threading.Condition()

    def now(self) -> float:
        return time.monotonic()

    def wait(self, ready: Callable[[], bool], timeout_s: float) -> bool:
        with self._changed:
            return self._changed.wait_for(ready, None if math.isinf(timeout_s) else max(0.0, timeout_s))

    def tell(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def start(self, work: Callable[[], None], name: str) -> threading.Thread:
        thread = threading.Thread(target=work, name=name, daemon=True)
        thread.start()
        return thread


class VirtualClock:
    """Time that stands while any of its threads works and leaps to the next deadline once all of them wait.

    Its threads are the one that made it and those it started. Hours pass in milliseconds and a busy machine changes
    nothing, so that watchdogs and pauses can be tested exactly.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._now = 1000.0
        self._threads = 1
        self._waiting: dict[int, tuple[float, Callable[[], bool]]] = {}

    def now(self) -> float:
        return self._now

    def wait(self, ready: Callable[[], bool], timeout_s: float) -> bool:
        with self._changed:
            until = self._now + max(0.0, timeout_s)
            self._waiting[threading.get_ident()] = until, ready
            try:
                while not ready():
                    if self._now >= until:
                        return False
                    self._leap()
                    if not ready() and self._now < until:
                        self._changed.wait()
                return True
            finally:
                del self._waiting[threading.get_ident()]

    def tell(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def start(self, work: Callable[[], None], name: str) -> threading.Thread:
        def counted() -> None:
            try:
                work()
            finally:
                with self._changed:
                    self._threads -= 1
                    self._changed.notify_all()

        with self._changed:
            self._threads += 1
        thread = threading.Thread(target=counted, name=name, daemon=True)
        thread.start()
        return thread

    def _leap(self) -> None:
        """To the earliest deadline, unless somebody can go on at this moment."""
        if len(self._waiting) < self._threads:
            return
        if any(until <= self._now or ready() for until, ready in self._waiting.values()):
            return
        self._now = min(until for until, _ in self._waiting.values())
        self._changed.notify_all()
