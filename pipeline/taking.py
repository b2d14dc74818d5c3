"""One take: frame sets from a queue into session files, in a thread of its own, until its end or the disk refuses."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final

from drivers.errors import SessionError, TrilumeError
from drivers.live import BoundedQueue
from drivers.segments import Segments, refuse
from drivers.session import Labels
from drivers.source import Source
from pipeline.result import Result
from pipeline.room import shortage
from pipeline.snapshots import Take

log = logging.getLogger(__name__)

QUEUE_SETS: Final = 30
KEEP_FREE_BYTES: Final = 200_000_000  # the last line: views end a take earlier, where their settings say
BACKLOG_S: Final = 1.2  # after the end; what is not written by then is lost, and counted
END_S: Final = 2.0


class Taking:
    """A take while it runs and after. `end` from any thread; `on_error` is called once, from the take's own."""

    def __init__(self, path: Path, source: Source, labels: Labels, on_error: Callable[[], None]) -> None:
        """Raises SessionError, NotFound, AccessDenied where nothing can be written."""
        refuse(path)
        self.queue = BoundedQueue(QUEUE_SETS)
        self._segments = Segments(path, source, labels)
        self._on_error = on_error
        self._good = self._late = 0
        self._error: str | None = None
        self._began_s = self._until_s = self._ended_s = float("inf")
        self._thread = threading.Thread(target=self._record, name="record", daemon=True)
        self._thread.start()

    @property
    def path(self) -> Path:
        return self._segments.path

    @property
    def running(self) -> bool:
        return self._thread.is_alive()

    def began(self) -> None:
        """From now on every set that arrives is part of the take."""
        self._began_s = time.monotonic()

    def judged(self, result: Result, host_time_s: float) -> None:
        """Counts a judged set of the take: good is one with a face that the depth stage scored. A set that arrived
        before the take began, or after its end, is none of it. From the process thread."""
        if self._began_s <= host_time_s <= self._ended_s:
            self._good += result.face is not None and result.d_net is not None

    def take(self) -> Take:
        """As it stands."""
        written = self._segments
        return Take(
            path=written.path,
            segments=written.paths,
            recording=self.running,
            frames=written.frames,
            seconds=written.seconds,
            bytes=written.bytes,
            lost=written.lost + self._late + self.queue.missed,
            good_frames=self._good,
            error=self._error,
        )

    def end(self, stop: Callable[[], None]) -> Take:
        """`stop` lets no more sets come; what has come is written, as far as two seconds allow."""
        self._ended_s = min(self._ended_s, time.monotonic())
        self._until_s = time.monotonic() + BACKLOG_S
        stop()
        self._thread.join(END_S)
        take = self.take()
        if take.recording:
            return replace(take, error=take.error or f"{take.path}: the disk has not taken the end yet; wait for it")
        return take

    def _record(self) -> None:
        try:
            with self._segments as segments:
                for segment, frame_set in self.queue.in_segments():
                    if time.monotonic() > self._until_s:
                        self._late += 1 + frame_set.lost
                        continue
                    if why := shortage(segments.path.parent, KEEP_FREE_BYTES):
                        raise SessionError(why)
                    segments.write(frame_set, segment)
        except TrilumeError as error:
            self._error = str(error)
        except Exception as error:
            log.exception("%s: the take failed", self._segments.path)
            self._error = f"{self._segments.path}: recording failed inside the program: {type(error).__name__}: {error}"
        if self._error:
            self._on_error()
