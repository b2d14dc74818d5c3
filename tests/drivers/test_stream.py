"""The capture thread: order, errors, and that it goes away."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest

from calibration.rig import Intrinsics, Rig
from drivers.errors import EndOfStream, SessionError, Stalled
from drivers.frames import FrameSet, Image
from drivers.source import CameraInfo, Source, frames_of
from drivers.stream import LosslessStream

LENS = Intrinsics(width=4, height=3, fx=4.0, fy=4.0, cx=2.0, cy=1.5)
RIG = Rig(color=None, depth=LENS, infrared=LENS, registered=True)


class Counting:
    """Delivers `count` frame sets, then raises `end`; notes which threads touched it."""

    def __init__(self, count: int, end: Exception, delay_s: float = 0.0) -> None:
        self.count, self.end, self.delay_s = count, end, delay_s
        self.given, self.closed = 0, 0
        self.readers: set[str] = set()
        self.info, self.rig = CameraInfo("counting", "test", frames=count), RIG

    def open(self) -> None:
        self.given = 0

    def read(self, timeout_s: float) -> FrameSet:
        self.readers.add(threading.current_thread().name)
        time.sleep(self.delay_s)
        if self.given == self.count:
            raise self.end
        self.given += 1
        depth = Image(np.zeros((3, 4), np.uint16), self.given / 30)
        return FrameSet(self.given, 0.0, None, depth, None, 0.001, RIG)

    def close(self) -> None:
        self.closed += 1


def test_every_set_arrives_in_order_and_the_thread_ends() -> None:
    source = Counting(50, EndOfStream("over"))
    stream = LosslessStream(source, ahead=2)
    assert isinstance(stream, Source)
    assert [frame.sequence for frame in frames_of(stream)] == list(range(1, 51))
    assert source.readers == {"capture"}
    assert source.closed == 1
    assert not [t for t in threading.enumerate() if t.name == "capture"]


def test_an_error_comes_after_the_good_sets_and_again_on_each_read() -> None:
    stream = LosslessStream(Counting(3, SessionError("damaged")))
    stream.open()
    assert [stream.read(1.0).sequence for _ in range(3)] == [1, 2, 3]
    for _ in range(2):
        with pytest.raises(SessionError, match="damaged"):
            stream.read(1.0)
    stream.close()


def test_the_queue_is_bounded() -> None:
    source = Counting(1000, EndOfStream("over"))
    stream = LosslessStream(source, ahead=3)
    stream.open()
    time.sleep(0.2)
    assert source.given <= 5
    stream.close()


def test_a_source_that_stands_still_is_stalled_and_closes_in_time() -> None:
    stream = LosslessStream(Counting(1, Stalled("nothing")))
    stream.open()
    stream.read(1.0)
    with pytest.raises(Stalled, match="no frame"):
        stream.read(0.05)
    began = time.monotonic()
    stream.close()
    stream.close()
    assert time.monotonic() - began < 2.0
