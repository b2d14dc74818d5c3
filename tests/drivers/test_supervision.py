"""A camera that fails in every way that cameras do: it comes back, hands on nothing false, leaves nothing behind."""

from __future__ import annotations

import math
import os
import threading
import time
from collections.abc import Iterator
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from drivers.clock import VirtualClock
from drivers.errors import AccessDenied, Disconnected, EndOfStream, SdkMissing, SessionError, Stalled, TrilumeError
from drivers.faults import KINDS, Fault, FaultyCamera, Metronome, Outcome, trial
from drivers.frames import FrameSet
from drivers.live import BoundedQueue, LiveStream
from drivers.source import CameraInfo, Source, frames_of
from drivers.supervision import MAX_LEFT, GivenUp, Limits, Supervised
from drivers.vetting import REBASE_SETS
from tests.drivers.recordings import noise_sets

PERIOD_S = 1 / 30


@pytest.fixture(autouse=True)
def _nothing_is_left() -> Iterator[None]:
    """No thread and no file handle outlives a test."""
    threads, handles = threading.active_count(), len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    yield
    until = time.monotonic() + 2.0
    while threading.active_count() > threads and time.monotonic() < until:
        time.sleep(0.005)
    assert threading.active_count() <= threads, threading.enumerate()
    assert len(os.listdir("/proc/self/fd")) <= handles  # noqa: PTH208


def of(kind: str, amount: float | None = None) -> Outcome:
    return trial(Fault(kind, 90, KINDS[kind][1] if amount is None else amount))


@pytest.mark.parametrize(
    ("kind", "longest_gap_s", "said"),
    [
        ("stall", 2.1, "no whole frame set for 1.0 s"),
        ("stuck", 1.4, "no frame set within"),
        ("wedge", 5.0, "restarting, attempt 1"),
        ("disconnect", 4.0, "no such camera is plugged in"),
        ("busy", 4.0, "another process holds the camera"),
        ("swap", 4.0, "camera M1 is gone; camera not-M1 is in its place"),
        ("error", 0.1, None),
        ("hang_read", 3.3, "reading has not returned for 2.0 s"),
        ("hang_open", 11.6, "opening has not returned for 10.0 s"),
        ("hang_close", 1.3, "the camera is gone"),
        ("frozen", 1.4, "the picture is frozen"),
    ],
)
def test_it_comes_back(kind: str, longest_gap_s: float, said: str | None) -> None:
    outcome = of(kind)
    health = outcome.health
    assert outcome.gap_s < longest_gap_s
    assert health.phase == "streaming"
    assert health.recoveries >= 1
    assert health.attempts == 0
    assert health.age_s < 2 * PERIOD_S
    assert health.fps == pytest.approx(30, abs=1)
    assert health.error
    assert said is None or any(said in words for words in outcome.told)
    # every set of the camera's 20 s was handed on or counted as lost
    assert 596 <= health.delivered + health.lost <= 604
    assert sum(frame_set.lost for frame_set in outcome.delivered) == health.lost
    assert outcome.close_s < 2.0


@pytest.mark.parametrize(
    ("kind", "refused"),
    [("repeat", 3), ("backward", 3), ("garbage", 3), ("restart", REBASE_SETS - 1), ("jump", REBASE_SETS - 1)],
)
def test_what_is_false_is_not_handed_on(kind: str, refused: int) -> None:
    outcome = of(kind)
    assert outcome.health.refused == refused
    assert outcome.health.recoveries == 0
    assert not outcome.told
    assert outcome.gap_s < 0.25
    numbers = np.array([f.sequence for f in outcome.delivered])
    backward = int((np.diff(numbers) <= 0).sum())
    assert backward == (1 if kind == "restart" else 0), "a counter that begins anew is believed once it is steady"
    assert all(f.depth is not None and f.depth.pixels.shape == (24, 32) for f in outcome.delivered)


MISLEADING = ("repeat", "backward", "garbage", "restart", "jump", "frozen", "no_depth", "late", "error")


@settings(max_examples=15, deadline=None, derandomize=True)
@example([Fault("garbage", 0, 3)], 0.0)
@example([Fault("garbage", 20, 2), Fault("repeat", 22, 2), Fault("backward", 22, 1)], 0.1)
@given(
    st.lists(st.builds(Fault, st.sampled_from(MISLEADING), st.integers(0, 150), st.integers(1, 12)), max_size=4),
    st.sampled_from([0.0, 0.01, 0.1]),
)
def test_every_set_of_the_camera_is_handed_on_or_lost(faults: list[Fault], judging_s: float) -> None:
    """To whoever looks on, who may be slow, and to a recorder, who gets them all: refused sets are lost ones."""
    source, _, clock = supervised(*faults)
    recorder = BoundedQueue(10_000)
    stream = LiveStream(source, recorder, clock)
    stream.open()
    began, seen = clock.now(), []
    while clock.now() - began < 7.0:
        with suppress(Stalled):
            seen.append(stream.read(0.25))
        clock.wait(lambda: False, judging_s)
    stream.close()
    recorded = list(recorder.sets())
    # The metronome's numbers are those of its periods; a fault may have changed what the first and last set say.
    periods = round((recorded[-1].host_time_s - began) / PERIOD_S) + 1
    assert abs(sum(1 + f.lost for f in recorded) - periods) <= 1
    assert sum(1 + f.lost for f in recorded) == source.health().delivered + source.health().lost
    up_to = next(k for k, f in enumerate(recorded) if f.host_time_s == seen[-1].host_time_s)
    assert sum(1 + f.lost for f in seen) == sum(1 + f.lost for f in recorded[: up_to + 1])


@pytest.mark.parametrize(
    ("kind", "lost"),
    [("garbage", 3), ("backward", 3), ("repeat", 3), ("restart", REBASE_SETS - 1), ("jump", REBASE_SETS - 1)],
)
def test_the_next_good_set_tells_of_those_refused(kind: str, lost: int) -> None:
    assert [f.lost for f in of(kind).delivered if f.lost] == [lost]


@pytest.mark.parametrize("kind", ["no_color", "no_depth", "no_infrared", "late"])
def test_what_judging_answers_itself_is_handed_on_and_counted(kind: str) -> None:
    outcome = of(kind)
    assert (outcome.health.flawed, outcome.health.refused, outcome.health.recoveries) == (3, 0, 0)
    assert len(outcome.delivered) == 601


@pytest.mark.parametrize("kind", ["repeat", "garbage", "no_infrared", "late"])
def test_what_does_not_end_is_a_stall(kind: str) -> None:
    outcome = of(kind, 80)
    assert outcome.health.recoveries >= 1
    assert outcome.health.phase == "streaming"


@pytest.mark.parametrize("away_s", [0.1, 0.5, 1.7, 5.0, 13.0, 60.0])
def test_a_camera_plugged_in_again_is_back_within_five_seconds(away_s: float) -> None:
    outcome = trial(Fault("disconnect", 30, away_s), seconds=away_s + 10)
    assert outcome.gap_s - away_s < 2.5
    assert outcome.health.recoveries == 1
    if away_s > 1:
        assert outcome.told[0].startswith("metronome M1: reopening, attempt ")


def supervised(*faults: Fault, limits: Limits | None = None) -> tuple[Supervised, FaultyCamera, VirtualClock]:
    clock = VirtualClock()
    camera = FaultyCamera(lambda: Metronome(clock), faults, clock)
    return Supervised(camera.source, limits, clock), camera, clock


def read_for(source: Source, clock: VirtualClock, seconds: float) -> list[FrameSet]:
    frames, until = [], clock.now() + seconds
    while clock.now() < until:
        try:
            frames.append(source.read(0.25))
        except Stalled:
            continue
    return frames


def test_a_sound_camera_loses_nothing() -> None:
    source, _, clock = supervised()
    source.open()
    assert isinstance(source, Source)
    assert source.health().phase == "opening"
    assert source.health().age_s == math.inf
    frames = read_for(source, clock, 100.0)
    assert np.diff([f.sequence for f in frames]).tolist() == [1] * (len(frames) - 1)
    assert len(frames) >= 3000
    health = source.health()
    assert (health.lost, health.refused, health.flawed, health.error) == (0, 0, 0, None)
    source.close()
    assert source.health().phase == "closed"
    with pytest.raises(EndOfStream):
        source.read(1.0)


def test_faults_one_after_another_and_time_outs_are_kept() -> None:
    faults = [Fault(kind, 60 + 40 * n, KINDS[kind][1]) for n, kind in enumerate(KINDS)]
    source, _, clock = supervised(*faults)
    source.open()
    until, longest_s = clock.now() + 250.0, 0.0
    while clock.now() < until:
        began = clock.now()
        with suppress(Stalled):
            source.read(0.2)
        longest_s = max(longest_s, clock.now() - began)
    health = source.health()
    assert health.phase == "streaming"
    assert health.hanging == 0
    assert longest_s < 1.6, "the time-out, and parting from a device that hangs"
    source.close()


def test_pauses_grow_to_their_bound_and_it_gives_up_when_told() -> None:
    source, camera, clock = supervised(Fault("disconnect", 5, 1e6), limits=Limits(give_up_s=30.0))
    tried: list[float] = []
    make = camera.make
    camera.make = lambda: (tried.append(clock.now()), make())[1]
    source.open()
    began = clock.now()
    with pytest.raises(GivenUp, match=r"given up after 3\d s: no such camera is plugged in"):
        read_for(source, clock, 100.0)
    assert clock.now() - began < 35
    assert np.diff(tried[1:])[:6] == pytest.approx([0.25, 0.5, 1.0, 2.0, 2.0, 2.0], abs=0.06)
    with pytest.raises(Disconnected, match="given up"):
        source.read(1.0)
    assert source.health().phase == "ended"
    source.close()


def test_an_sdk_that_hangs_again_and_again_ends_it() -> None:
    faults = [Fault("hang_read", 5 + n, 1000.0) for n in range(MAX_LEFT + 1)]
    source, _, clock = supervised(*faults)
    source.open()
    with pytest.raises(GivenUp, match="hangs in 4 threads; start the program again"):
        read_for(source, clock, 100.0)
    assert source.health().hanging == MAX_LEFT
    source.close()
    clock.wait(lambda: False, 1000.0)
    clock.wait(lambda: source.health().hanging == 0, 10.0)
    assert source.health().hanging == 0


@pytest.mark.parametrize("kind", ["hang_read", "hang_close"])
def test_close_is_bounded_from_any_thread_while_the_sdk_hangs(kind: str) -> None:
    source, _, clock = supervised(Fault(kind, 5, 30.0), limits=Limits(hang_s=60.0))
    source.open()
    for _ in range(5):
        source.read(1.0)
    ended: list[Exception] = []

    def reader() -> None:
        try:
            read_for(source, clock, 20.0)
        except EndOfStream as error:
            ended.append(error)

    if kind == "hang_read":
        clock.start(reader, "reader")
        clock.wait(lambda: False, 1.0)
    began = clock.now()
    source.close()
    source.close()
    assert clock.now() - began < 2.0
    assert clock.wait(lambda: bool(ended) or kind == "hang_close", 1.0)
    clock.wait(lambda: False, 60.0)


def test_close_in_the_middle_of_a_recovery_leaves_nothing() -> None:
    for wait_s in np.linspace(0.0, 6.0, 13):
        source, _, clock = supervised(Fault("hang_read", 5, 3.0), Fault("disconnect", 10, 2.0), Fault("stall", 20, 9.0))
        source.open()
        over = [False]

        def reader(source: Supervised = source, clock: VirtualClock = clock, over: list[bool] = over) -> None:
            with pytest.raises(EndOfStream):
                read_for(source, clock, 1000.0)
            over[0] = True
            clock.tell()

        clock.start(reader, "reader")
        clock.wait(lambda: False, float(wait_s))
        began = clock.now()
        source.close()
        assert clock.now() - began < 2.0
        assert clock.wait(lambda over=over: over[0], 2.0)  # type: ignore[misc]
        clock.wait(lambda: False, 10.0)


@settings(max_examples=15, deadline=None, derandomize=True)
@example([Fault("swap", 0, 1.0)])
@example([Fault("stall", 0, 13.0), Fault("stall", 0, 17.0), Fault("disconnect", 233, 1.0)])
@given(
    st.lists(
        st.builds(Fault, st.sampled_from(list(KINDS)), st.integers(0, 250), st.floats(0.1, 40.0)),
        max_size=5,
    )
)
def test_any_faults_in_any_order(faults: list[Fault]) -> None:
    source, _, clock = supervised(*faults)
    try:
        source.open()
    except TrilumeError:
        clock.wait(lambda: False, 100.0)
        return
    until, frames = clock.now() + 40.0, 0
    told: list[str] = []
    while clock.now() < until:
        began = clock.now()
        try:
            frame_set = source.read(0.2)
        except Stalled as trouble:
            told.append(str(trouble))
        except GivenUp:
            break
        else:
            frames += 1
            assert frame_set.depth is None or frame_set.depth.pixels.shape == (24, 32)
        assert clock.now() - began < 1.6
    health = source.health()
    assert all(words.startswith(f"metronome {source.info.serial}: ") for words in told)
    assert health.delivered == frames
    assert health.phase in {"streaming", "ended"} or told, "a caller without frames is told why"
    began = clock.now()
    source.close()
    assert clock.now() - began < 2.0
    clock.wait(lambda: False, 100.0)


class Refusing:
    """A camera that cannot be opened."""

    info, rig = Metronome.info, Metronome.rig

    def __init__(self, error: Exception) -> None:
        self.error, self.closed = error, 0

    def open(self) -> None:
        raise self.error

    def read(self, timeout_s: float) -> FrameSet:
        raise AssertionError("it was never open")

    def close(self) -> None:
        self.closed += 1


@pytest.mark.parametrize("error", [AccessDenied("no permission"), SdkMissing("pip install x"), RuntimeError("odd")])
def test_what_is_wrong_from_the_start_is_said_at_once(error: Exception) -> None:
    camera = Refusing(error)
    source = Supervised(lambda _: camera, clock=VirtualClock())
    with pytest.raises(type(error), match=str(error)):
        source.open()
    assert camera.closed


def test_an_opening_that_hangs_is_a_stall() -> None:
    source, _, clock = supervised(Fault("hang_open", 0, 40.0))
    with pytest.raises(Stalled, match="opening has not returned"):
        source.open()
    clock.wait(lambda: False, 60.0)


class Played:
    """A recording."""

    info, rig = CameraInfo("recording", "sim-noise", serial="R", frames=20), noise_sets(1)[0].rig

    def __init__(self, end: Exception, sets: list[FrameSet]) -> None:
        self.end, self.sets = end, iter(sets)

    def open(self) -> None: ...

    def read(self, timeout_s: float) -> FrameSet:
        frame_set = next(self.sets, None)
        if frame_set is None:
            raise self.end
        return frame_set

    def close(self) -> None: ...


@pytest.mark.parametrize("end", [SessionError("damaged"), RuntimeError("a bug"), Disconnected("gone")])
def test_a_recording_passes_as_it_is(end: Exception) -> None:
    sets = noise_sets(6)
    wild = [sets[0], sets[3], sets[3], sets[1], sets[5]]
    source = Supervised(lambda _: Played(end, wild), clock=VirtualClock())
    source.open()
    assert [source.read(1.0) for _ in wild] == wild
    for _ in range(2):
        with pytest.raises(type(end), match=str(end)):
            source.read(1.0)
    source.close()
    assert list(frames_of(Supervised(lambda _: Played(EndOfStream("over"), wild)))) == wild


def test_on_the_machines_own_clock() -> None:
    """The same in real time, quickly: a hang, an unplugged camera, and a close that does not wait for the SDK."""
    limits = Limits(stall_s=0.3, hang_s=0.4, pause_s=0.02, longest_pause_s=0.05)
    camera = FaultyCamera(lambda: Metronome(camera.clock), (Fault("hang_read", 9, 1.2), Fault("disconnect", 12, 0.1)))
    source = Supervised(camera.source, limits)
    source.open()
    frames: list[FrameSet] = []
    until = time.monotonic() + 10.0
    while len(frames) < 25 and time.monotonic() < until:
        try:
            frames.append(source.read(0.1))
        except Stalled:
            continue
    assert len(frames) == 25
    assert source.health().recoveries >= 1
    assert sum(f.lost for f in frames) > 0
    began = time.monotonic()
    source.close()
    assert time.monotonic() - began < 2.0
