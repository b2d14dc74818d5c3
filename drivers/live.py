"""A camera's frame sets for a reader that may be slower than the camera: the newest one wins.

    capture ─┬ BoundedQueue ─▶ recorder     everything the camera delivered; what does not fit is counted
             └ LatestSlot   ─▶ reader       the newest; what was overwritten is counted as lost

The capture thread never waits for either, so that a frame set is at most one period old when it is taken. A recording
is no camera: of it nothing is dropped, the capture thread waits.
"""

from __future__ import annotations

import queue
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import replace

from drivers.clock import Clock, SystemClock
from drivers.errors import EndOfStream, Stalled
from drivers.frames import FrameSet
from drivers.source import Around, Source
from drivers.supervision import Supervised

_READ_S = 0.5
_BREATH_S = 0.01  # between two reads of a source that answers "stalled" at once
_LEAVE_S = 0.4
_RATE_SETS = 30
_RATE_S = 1.0  # without any: the rate is 0


class Rate:
    """How often something happens, over the last second or so. One thread ticks, any reads."""

    def __init__(self) -> None:
        self._times: deque[float] = deque(maxlen=_RATE_SETS + 1)

    def tick(self, now: float) -> None:
        """It happened."""
        if self._times and now - self._times[-1] > _RATE_S:
            self._times.clear()
        self._times.append(now)

    def per_second(self, now: float) -> float:
        """Events a second, 0 once none has come for a second."""
        times = tuple(self._times.copy())
        if len(times) < 2 or now - times[-1] > _RATE_S or times[-1] <= times[0]:
            return 0.0
        return (len(times) - 1) / (times[-1] - times[0])


class LatestSlot:
    """Room for one frame set. One writer, one reader; `overwritten` counts what nobody took."""

    def __init__(self) -> None:
        self.overwritten = 0
        self._frame_set: FrameSet | None = None
        self._missed = 0
        self._lock = threading.Lock()

    def put(self, frame_set: FrameSet) -> None:
        """The newest set wins."""
        with self._lock:
            if self._frame_set is not None:
                self.overwritten += 1
                self._missed += 1 + self._frame_set.lost
            self._frame_set = frame_set

    @property
    def full(self) -> bool:
        """Whether a set waits to be taken."""
        return self._frame_set is not None

    def take(self) -> FrameSet | None:
        """The set, if there is one; its `lost` includes those it replaced and what was lost before them."""
        with self._lock:
            frame_set, self._frame_set = self._frame_set, None
            missed, self._missed = self._missed, 0
        if frame_set is None or missed == 0:
            return frame_set
        return replace(frame_set, lost=frame_set.lost + missed)


class BoundedQueue:
    """Frame sets on their way to a recorder. The camera does not wait for a slow disk: `dropped` counts what did not
    fit, and the next set that does says so in `lost`; `missed` is what no set has said yet."""

    def __init__(self, sets: int = 60) -> None:
        self.dropped = self.missed = 0
        self._queue: queue.Queue[tuple[int, FrameSet] | None] = queue.Queue(sets)
        self._segment = 0

    def cut(self) -> None:
        """The camera was away: what is put from now on belongs to another segment. From the capture thread."""
        self._segment += 1

    def put(self, frame_set: FrameSet) -> None:
        """From the capture thread; returns at once."""
        told = replace(frame_set, lost=frame_set.lost + self.missed) if self.missed else frame_set
        try:
            self._queue.put_nowait((self._segment, told))
        except queue.Full:
            self.dropped += 1
            self.missed += 1 + frame_set.lost
        else:
            self.missed = 0

    def end(self) -> None:
        """No more will come: `sets` ends after what is in the queue."""
        while True:
            try:
                self._queue.put(None, timeout=_LEAVE_S)
            except queue.Full:  # a recorder that stands still loses its oldest set, the end gets through
                with suppress(queue.Empty):
                    oldest = self._queue.get_nowait()
                    if oldest is not None:
                        self.dropped += 1
                        self.missed += 1 + oldest[1].lost
            else:
                return

    def sets(self) -> Iterator[FrameSet]:
        """For the recorder's thread: every set in order until the end."""
        for _, frame_set in self.in_segments():
            yield frame_set

    def in_segments(self) -> Iterator[tuple[int, FrameSet]]:
        """As `sets`, each with the number of its segment, from 0."""
        while (item := self._queue.get()) is not None:
            yield item

    def waiting(self) -> Iterator[tuple[int, FrameSet]]:
        """As `in_segments`, but only what is there already."""
        with suppress(queue.Empty):
            while (item := self._queue.get_nowait()) is not None:
                yield item


class LiveStream(Around):
    """A `Source` read by a capture thread into a `LatestSlot`. One consumer thread.

    `read` raises `Stalled` with the source's own words while the source still hopes; anything else that the source
    raises ends the stream, after the last good set, and is raised by each further `read`. `arrivals` are the sets that
    the source delivered, `lost` those of which it told that they were lost.
    """

    def __init__(self, source: Source, recorder: BoundedQueue | None = None, clock: Clock | None = None) -> None:
        self.slot = LatestSlot()
        self.arrivals, self.lost = Rate(), 0
        self._recording = threading.Lock()
        self._source, self._recorder, self._clock = source, recorder, clock or SystemClock()
        self._thread: threading.Thread | None = None
        self._closing, self._gone = False, True
        self._trouble: Stalled | None = None
        self._ended: Exception | None = None

    def open(self) -> None:
        """Opens the source in the caller's thread, so that its errors come from here, and starts capturing."""
        self._source.open()
        self._gone = False
        self._thread = self._clock.start(self._capture, "capture")

    def record_to(self, recorder: BoundedQueue | None) -> None:
        """From now on every set also goes there; the recorder before is told its end. From any thread."""
        with self._recording:
            before, self._recorder = self._recorder, recorder
        if before is not None and before is not recorder:
            before.end()
        if recorder is not None and self._gone:
            recorder.end()

    def read(self, timeout_s: float) -> FrameSet:
        """The newest frame set that was not yet read."""
        self._clock.wait(lambda: self.slot.full or self._ended is not None or self._closing, timeout_s)
        frame_set = self.slot.take()
        if frame_set is not None:
            self._clock.tell()
            return frame_set
        if self._ended is not None:
            raise self._ended
        if self._closing:
            raise EndOfStream("the stream is closed")
        raise self._trouble or Stalled(f"{self.info.name}: no frame set within {timeout_s:.1f} s")

    def close(self) -> None:
        """Idempotent, from any thread; a source that hangs is left behind."""
        self._closing = True
        self._clock.tell()
        self._source.close()
        if self._thread is threading.current_thread():
            return
        if self._clock.wait(lambda: self._gone, _LEAVE_S) and self._thread is not None:
            self._thread.join(_LEAVE_S)

    def _capture(self) -> None:
        lossless = not self._source.info.live
        away = _times_away(self._source)
        try:
            while not self._closing:
                try:
                    frame_set = self._source.read(_READ_S)
                except Stalled as trouble:
                    self._trouble = trouble
                    self._clock.wait(lambda: self._closing, _BREATH_S)
                    continue
                self._trouble = None
                self.arrivals.tick(self._clock.now())
                self.lost += frame_set.lost
                before, away = away, _times_away(self._source)
                with self._recording:
                    if self._recorder is not None:
                        if away != before:
                            self._recorder.cut()
                        self._recorder.put(frame_set)
                if lossless:
                    self._clock.wait(lambda: not self.slot.full or self._closing, float("inf"))
                self.slot.put(frame_set)
                self._clock.tell()
        except Exception as error:
            self._ended = error
        finally:
            self._gone = True
            self._clock.tell()
            self.record_to(None)


def _times_away(source: Source) -> int:
    """How often a supervised camera has come back."""
    return source.health().recoveries if isinstance(source, Supervised) else 0


def patient_frames(source: Source, say: Callable[[str], None], timeout_s: float = 1.0) -> Iterator[FrameSet]:
    """Opens a source, yields its frame sets and closes it, waiting through stalls; each new trouble is said once."""
    with closing(source):
        source.open()
        said = ""
        while True:
            try:
                frame_set = source.read(timeout_s)
            except Stalled as trouble:
                if str(trouble) != said:
                    said = str(trouble)
                    say(said)
            except EndOfStream:
                return
            else:
                if said:
                    said = ""
                    say(f"{source.info.name}: frame sets come again")
                yield frame_set
