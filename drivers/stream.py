"""Capture in a thread of its own: reading and decoding run while the frame before is being judged."""

from __future__ import annotations

import queue
import threading

from calibration.rig import Rig
from drivers.errors import Stalled
from drivers.frames import FrameSet
from drivers.source import CameraInfo, Source

CLOSE_S = 2.0
_POLL_S = 0.1
_READ_S = 1.0


class LosslessStream:
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

    @property
    def info(self) -> CameraInfo:
        return self._source.info

    @property
    def rig(self) -> Rig:
        return self._source.rig

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
