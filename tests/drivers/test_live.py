"""The newest frame set wins, nothing goes missing uncounted, and the thread goes away."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.clock import VirtualClock
from drivers.errors import Disconnected, EndOfStream, NotFound, Stalled
from drivers.faults import Fault, FaultyCamera, Metronome
from drivers.frames import FrameSet
from drivers.live import BoundedQueue, LatestSlot, LiveStream, patient_frames
from drivers.open import open_live
from drivers.source import Source, frames_of
from drivers.supervision import Supervised
from tests.drivers.recordings import assert_same_sets, noise_sets, record


@pytest.fixture(autouse=True)
def _nothing_is_left() -> Iterator[None]:
    """No thread and no file handle outlives a test."""
    before, handles = set(threading.enumerate()), len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    yield
    for thread in set(threading.enumerate()) - before:
        thread.join(2.0)
        assert not thread.is_alive(), thread
    assert len(os.listdir("/proc/self/fd")) <= handles  # noqa: PTH208


def numbered(count: int, lost: int = 0) -> list[FrameSet]:
    rig = Metronome.rig
    return [FrameSet(n, 0.0, None, None, None, 0.001, rig, lost) for n in range(count)]


def live(*faults: Fault, recorder: BoundedQueue | None = None) -> tuple[LiveStream, VirtualClock]:
    clock = VirtualClock()
    camera = FaultyCamera(lambda: Metronome(clock), faults, clock)
    return LiveStream(Supervised(camera.source, clock=clock), recorder, clock), clock


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 3))))
def test_what_the_slot_overwrites_is_counted(steps: list[tuple[bool, int]]) -> None:
    """Every set put in comes out, is counted as lost by the next that does, or still waits."""
    slot, put, taken = LatestSlot(), 0, []
    lost_before = 0
    for takes, lost in steps:
        if takes:
            taken += [frame_set] if (frame_set := slot.take()) else []
        else:
            slot.put(FrameSet(put, 0.0, None, None, None, 0.001, Metronome.rig, lost))
            put, lost_before = put + 1, lost_before + lost
    waiting = [frame_set] if (frame_set := slot.take()) else []
    assert sum(1 + f.lost for f in taken + waiting) == put + lost_before
    assert len(taken + waiting) + slot.overwritten == put
    assert (taken + waiting)[-1].sequence == put - 1 if put else not taken
    assert [f.sequence for f in taken] == sorted({f.sequence for f in taken})


def test_a_slow_recorder_does_not_hold_up_the_camera() -> None:
    line = BoundedQueue(3)
    for frame_set in numbered(5):
        line.put(frame_set)
    assert line.dropped == 2
    sets = line.sets()
    first = [next(sets) for _ in range(3)]
    line.put(numbered(6)[5])
    line.end()
    rest = list(sets)
    assert [f.sequence for f in first + rest] == [0, 1, 2, 5]
    assert [f.lost for f in first + rest] == [0, 0, 0, 2]


def test_the_end_gets_through_to_a_recorder_that_stands_still() -> None:
    line = BoundedQueue(2)
    for frame_set in numbered(2):
        line.put(frame_set)
    line.end()
    assert [f.sequence for f in line.sets()] == [1]
    assert (line.dropped, line.missed) == (1, 1), "what made room is counted as lost"


def test_a_reader_in_time_gets_every_set() -> None:
    stream, _ = live()
    stream.open()
    assert isinstance(stream, Source)
    frames = [stream.read(1.0) for _ in range(300)]
    assert np.diff([f.sequence for f in frames]).tolist() == [1] * 299
    assert stream.slot.overwritten == 0
    stream.close()


def test_a_slow_reader_gets_the_newest_and_is_told_what_it_missed() -> None:
    """Judging ten times slower than the camera: the age stays below one period."""
    line = BoundedQueue(1000)
    stream, clock = live(recorder=line)
    stream.open()
    frames = []
    for _ in range(30):
        frame_set = stream.read(1.0)
        assert clock.now() - frame_set.host_time_s <= 1 / 30 + 1e-6
        frames.append(frame_set)
        clock.wait(lambda: False, 1 / 3)
    steps = np.diff([f.sequence for f in frames])
    assert steps.mean() == pytest.approx(10, abs=0.2)
    assert [f.lost + 1 for f in frames[1:]] == steps.tolist()
    stream.close()
    recorded = list(line.sets())
    assert np.diff([f.sequence for f in recorded]).tolist() == [1] * (len(recorded) - 1), "the recorder has them all"
    assert len(recorded) >= 10 * 29
    assert line.dropped == 0


def test_a_stall_is_told_in_the_sources_words_and_passes() -> None:
    stream, clock = live(Fault("disconnect", 30, 3.0))
    stream.open()
    for _ in range(30):
        stream.read(1.0)
    told, began = [], clock.now()
    while True:
        try:
            back = stream.read(0.5)
            break
        except Stalled as trouble:
            told.append(str(trouble))
    assert clock.now() - began < 3.0 + 2.5
    assert back.lost >= 88
    assert any("no such camera is plugged in" in words for words in told)
    stream.close()


def test_frames_are_waited_for_and_each_trouble_is_said_once() -> None:
    stream, _ = live(Fault("disconnect", 30, 60.0))
    said: list[str] = []
    frames = patient_frames(stream, said.append)
    assert len(list(islice(frames, 60))) == 60
    frames.close()  # type: ignore[attr-defined]
    assert said[-1] == "metronome: frame sets come again"
    assert len(said) == len(set(said))
    assert any("no such camera is plugged in" in words for words in said)
    with pytest.raises(EndOfStream):
        stream.read(0.1)


class Ending(Metronome):
    """Three sets, then an error."""

    def __init__(self, clock: VirtualClock, error: Exception) -> None:
        super().__init__(clock)
        self.error, self.left = error, 3

    def read(self, timeout_s: float) -> FrameSet:
        if self.left == 0:
            raise self.error
        self.left -= 1
        return super().read(timeout_s)


def test_an_error_comes_after_the_last_set_and_on_each_read() -> None:
    clock = VirtualClock()
    stream = LiveStream(Ending(clock, Disconnected("gone")), clock=clock)
    stream.open()
    clock.wait(lambda: False, 1.0)
    assert stream.read(1.0).lost == 2
    for _ in range(2):
        with pytest.raises(Disconnected, match="gone"):
            stream.read(1.0)
    stream.close()


def test_a_source_that_answers_stalled_at_once_does_not_spin() -> None:
    clock = VirtualClock()
    source = Ending(clock, Stalled("nothing"))
    source.left = 0
    stream = LiveStream(source, clock=clock)
    stream.open()
    with pytest.raises(Stalled, match="nothing"):
        stream.read(0.5)
    stream.close()
    stream.close()


def test_close_does_not_wait_for_a_source_that_hangs() -> None:
    stream, clock = live(Fault("hang_read", 5, 40.0))
    stream.open()
    for _ in range(5):
        stream.read(1.0)
    clock.wait(lambda: False, 0.5)
    began = clock.now()
    stream.close()
    assert clock.now() - began < 2.0
    clock.wait(lambda: False, 60.0)


def test_of_a_recording_nothing_is_dropped_however_slow_the_reader(tmp_path: Path) -> None:
    path = tmp_path / "a.mcap"
    record(path, noise_sets(12))
    assert_same_sets(list(frames_of(open_live(str(path)))), noise_sets(12))
    with pytest.raises(NotFound):
        open_live("none.mcap")


def test_a_camera_named_by_a_uri_is_supervised(tmp_path: Path) -> None:
    path = tmp_path / "a.mcap"
    record(path, noise_sets(4))
    frames = list(frames_of(open_live(f"faults://no_depth@1+1?of={path}")))
    assert [f.depth is None for f in frames] == [False, True, False, False]
