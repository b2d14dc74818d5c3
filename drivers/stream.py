"""Capture in a thread of its own: reading and decoding run while the frame before is being judged."""

from __future__ import annotations

import math
import queue
import threading
from dataclasses import replace

from drivers.clock import Clock, SystemClock
from drivers.errors import EndOfStream, Stalled
from drivers.frames import FrameSet, Image
from drivers.source import Around, Source

CLOSE_S = 2.0
_POLL_S = 0.1
_READ_S = 1.0
_USUAL_S = 1 / 30  # between the last set and the first of the next round, where nothing else is known
_LONGEST_S = 5.0  # a gap in a recording is not waited for longer
_LATE_S = 0.25  # of lateness is made up for


class LosslessStream(Around):
    """A source read ahead by a capture thread into a bounded queue: for recordings, nothing is dropped.

        open ──▶ capturing ──error of the source, or its end──▶ that error from `read`, after the good sets
                     │
                   close ──▶ closed

    It is a `Source` itself: one consumer thread; only the capture thread touches the source between `open` and
    `close`. A full queue makes the capture thread wait.
    """

    def __init__(self, source: Source, ahead: int = 4) -> None:
        self._source = source
        self._queue: queue.Queue[FrameSet | Exception] = queue.Queue(ahead)
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None
        self._ended: Exception | None = None

    def open(self) -> None:
        """Opens the source in the caller's thread, so that its errors come from here, and starts capturing."""
        self._source.open()
        self._thread = threading.Thread(target=self._capture, name="capture", daemon=True)
        self._thread.start()

    def read(self, timeout_s: float) -> FrameSet:
        """The next frame set; raises what the source raised, once the sets before it are read."""
        if self._ended is not None:
            raise self._ended
        try:
            item = self._queue.get(timeout=timeout_s)
        except queue.Empty:
            raise Stalled(f"no frame within {timeout_s:.1f} s: is the file on a disk that answers?") from None
        if isinstance(item, Exception):
            self._ended = item
            raise item
        return item

    def close(self) -> None:
        self._closing.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(CLOSE_S)
        self._source.close()

    def _capture(self) -> None:
        while not self._closing.is_set():
            try:
                item: FrameSet | Exception = self._source.read(_READ_S)
            except Stalled:
                continue
            except Exception as error:
                item = error
            self._hand_over(item)
            if isinstance(item, Exception):
                return

    def _hand_over(self, item: FrameSet | Exception) -> None:
        while not self._closing.is_set():
            try:
                self._queue.put(item, timeout=_POLL_S)
            except queue.Full:
                continue
            return


class Paced(Around):
    """A recording delivered at its own frame times, as if its camera stood here; a live source passes unchanged.

    Each set is stamped with the moment of its delivery. Nothing is dropped: a reader that is too slow makes it late,
    and lateness of more than a moment is not made up for. With `loop` it begins anew at its end, with numbers and
    times going on.
    """

    def __init__(self, source: Source, *, pace: bool = True, loop: bool = False, clock: Clock | None = None) -> None:
        self._source, self._pace, self._loop, self._clock = source, pace, loop, clock or SystemClock()
        self._closing = False
        self._next: FrameSet | None = None
        self._last: FrameSet | None = None
        self._due_s = -math.inf
        self._step_s = _USUAL_S
        self._numbers, self._times_s = 0, 0.0  # what a loop adds

    def open(self) -> None:
        self._source.open()

    def read(self, timeout_s: float) -> FrameSet:
        """The next frame set; raises Stalled where it is not due within the time-out, else as the source."""
        if self._source.info.live:
            return self._source.read(timeout_s)
        if self._next is None:
            self._next = self._fetched(timeout_s)
            self._due_s = self._when(self._next)
        self._clock.wait(lambda: self._closing, min(timeout_s, self._due_s - self._clock.now()))
        if self._closing:
            raise EndOfStream("the recording is closed")
        now = self._clock.now()
        if now < self._due_s:
            raise Stalled(f"{self.info.name}: the next frame set of the recording is not due yet")
        frame_set, self._next = self._next, None
        self._last = frame_set
        return replace(frame_set, host_time_s=now)

    def close(self) -> None:
        self._closing = True
        self._clock.tell()
        self._source.close()

    def _when(self, frame_set: FrameSet) -> float:
        now = self._clock.now()
        if not self._pace or self._last is None:
            return now
        step_s = min(max(frame_set.device_time_s - self._last.device_time_s, 0.0), _LONGEST_S)
        self._step_s = step_s or self._step_s
        due_s = self._due_s + step_s
        return now if now > due_s + _LATE_S else due_s

    def _fetched(self, timeout_s: float) -> FrameSet:
        try:
            frame_set = self._source.read(timeout_s)
        except EndOfStream:
            if not self._loop or self._last is None or self._closing:
                raise
            self._source.close()
            self._source.open()
            frame_set = self._source.read(timeout_s)
            self._numbers = self._last.sequence + 1 - frame_set.sequence
            self._times_s = self._last.device_time_s + self._step_s - frame_set.device_time_s
        return moved(frame_set, self._numbers, self._times_s) if self._numbers else frame_set


def moved(frame_set: FrameSet, numbers: int, times_s: float) -> FrameSet:
    """The same pictures later."""

    def later(image: Image | None) -> Image | None:
        return image and replace(image, device_time_s=image.device_time_s + times_s)

    return replace(
        frame_set,
        sequence=frame_set.sequence + numbers,
        color=later(frame_set.color),
        depth=later(frame_set.depth),
        infrared=later(frame_set.infrared),
    )
