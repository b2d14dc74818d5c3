"""A run that is looked at from outside: the verdicts of a replay, troubles that pass, takes that stay whole, an end."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from app.judging import Judging, Switches
from drivers.clock import SystemClock
from drivers.errors import EndOfStream, NotFound, SessionError
from drivers.faults import Fault, FaultyCamera, Metronome
from drivers.frames import FrameSet
from drivers.session import Labels, SessionSource, SessionWriter, check
from drivers.session import labels as labels_of
from drivers.simulated.camera import SimulatedCamera
from drivers.source import CameraInfo, Source, frames_of
from drivers.stream import Paced, moved
from drivers.supervision import Supervised
from pipeline import engine as engine_module
from pipeline import taking
from pipeline.bundle import Bundle, load_bundle
from pipeline.result import Result, Verdict
from pipeline.runner import Runner
from pipeline.snapshots import Take
from tests.models.tiny_bundle import tiny_bundle

LABELS = Labels(subject="s1", species="bona_fide", operator="simulated")
FPS = 20.0


@pytest.fixture(autouse=True)
def _no_thread_is_left() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    left = {t for t in set(threading.enumerate()) - before if not t.name.startswith("ThreadPool")}
    for thread in left:
        thread.join(2.0)
        assert not thread.is_alive(), thread


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return load_bundle()


@pytest.fixture(scope="module")
def filmed() -> list[FrameSet]:
    """Ten frame sets of a simulated living face."""
    return list(frames_of(SimulatedCamera("live", seed=3, seconds=1.0, fps=10.0)))


@pytest.fixture(scope="module")
def recording(filmed: list[FrameSet], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("runner") / "live.mcap"
    with SessionWriter(path, filmed[0].rig, Camera(filmed).info, LABELS) as writer:
        for frame_set in filmed:
            writer.write(frame_set)
    return path


class Camera:
    """A live camera that shows the same sets again and again, numbers and times going on."""

    info = CameraInfo("shown", "sim-astra", serial="S1", live=True, origin="simulated")

    def __init__(self, sets: list[FrameSet]) -> None:
        self.rig, self._sets, self._open = sets[0].rig, sets, False

    def open(self) -> None:
        self._open, self._number = True, 0

    def read(self, timeout_s: float) -> FrameSet:
        time.sleep(1 / FPS)
        if not self._open:
            raise EndOfStream("closed")
        number, shown = self._number, self._sets[self._number % len(self._sets)]
        self._number += 1
        shown = moved(shown, number - shown.sequence, number / FPS - shown.device_time_s)
        return replace(shown, host_time_s=time.monotonic())

    def close(self) -> None:
        self._open = False


class Plug:
    """A supervised camera that fails when it is told to."""

    def __init__(self, sets: list[FrameSet]) -> None:
        self._camera = FaultyCamera(lambda: Camera(sets), ())
        self.source = Supervised(self._camera.source)

    def fail(self, kind: str, seconds: float) -> None:
        self._camera.faults = (Fault(kind, self._camera.delivered, seconds),)


def until(condition: Callable[[], object], within_s: float = 10.0) -> None:
    end_s = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < end_s, "did not happen"
        time.sleep(0.01)


def started(source: Source, bundle: Bundle) -> Runner:
    runner = Runner("test://", bundle, source=source)
    runner.start()
    until(lambda: runner.state().phase == "running")
    return runner


def told(result: Result) -> tuple[object, ...]:
    return (result.frame, result.verdict, result.reason, result.session_verdict, result.d_net, result.m_net)


def test_a_recording_gives_the_verdicts_of_its_replay(bundle: Bundle, recording: Path) -> None:
    wanted = [told(result) for _, result in Judging(str(recording), bundle, Switches())]
    runner, seen = Runner(str(recording), bundle), {}
    runner.start()
    while runner.state().phase in ("opening", "running"):
        if shown := runner.latest():
            seen[shown.number] = told(shown.result)
        time.sleep(0.005)
    last = runner.latest()
    assert last is not None
    seen[last.number] = told(last.result)
    assert [seen[number] for number in sorted(seen)] == wanted
    state = runner.state()
    assert (state.phase, state.judged, state.passed_over, state.trouble) == ("ended", len(wanted), 0, None)
    assert [(t.verdict, t.d_net) for t in runner.history()] == [(w[1], w[4]) for w in wanted]
    assert last.age_s > 0
    runner.close()


def test_a_recording_keeps_its_own_pace_and_loops(filmed: list[FrameSet], recording: Path) -> None:
    source = Paced(SessionSource(recording), loop=True)
    source.open()
    began_s = time.monotonic()
    sets = [source.read(2.0) for _ in range(14)]
    took_s = time.monotonic() - began_s
    source.close()
    assert took_s > 1.25  # 13 steps of a tenth of a second
    assert [b.sequence - a.sequence for a, b in pairwise(sets)] == [1] * 13
    assert [b.device_time_s - a.device_time_s for a, b in pairwise(sets)] == pytest.approx([0.1] * 13)
    assert (sets[10].color and sets[10].color.pixels.tobytes()) == (
        filmed[0].color and filmed[0].color.pixels.tobytes()
    )


def test_after_an_unplugging_it_goes_on_and_the_take_is_whole(
    bundle: Bundle, filmed: list[FrameSet], tmp_path: Path
) -> None:
    plug = Plug(filmed)
    runner = started(plug.source, bundle)
    runner.begin_take(tmp_path / "take.mcap", LABELS)
    until(lambda: runner.state().judged > 8)
    plug.fail("disconnect", 0.7)
    until(lambda: runner.state().phase == "waiting" and "plugged in" in str(runner.state().trouble))
    until(lambda: runner.state().phase == "running")
    judged = runner.state().judged
    until(lambda: runner.state().judged > judged + 6)
    began_s = time.monotonic()
    take = runner.end_take()
    assert time.monotonic() - began_s < 2.0
    assert take.segments == (tmp_path / "take.mcap", tmp_path / "take.part2.mcap")
    reports = [check(path) for path in take.segments]
    assert all(report.sound for report in reports)
    assert sum(report.frames for report in reports) == take.frames
    assert [labels_of(path) for path in take.segments] == [LABELS] * 2
    assert (take.recording, take.error) == (False, None)
    assert 4 < take.good_frames <= take.frames  # those judged as it began were not recorded and do not count
    assert runner.state().health is not None
    runner.close()
    assert runner.state().phase == "closed"


def test_closing_is_bounded_while_the_sdk_hangs_and_may_be_repeated(bundle: Bundle, filmed: list[FrameSet]) -> None:
    plug = Plug(filmed)
    runner = started(plug.source, bundle)
    plug.fail("hang_read", 3.0)
    until(lambda: runner.state().age_s > 0.5)
    began_s = time.monotonic()
    runner.close()
    runner.close()
    assert time.monotonic() - began_s < 2.0
    assert runner.state().phase == "closed"


def test_a_folder_that_vanishes_ends_the_take_and_not_the_view(
    bundle: Bundle, filmed: list[FrameSet], tmp_path: Path
) -> None:
    runner = started(Plug(filmed).source, bundle)
    folder = tmp_path / "takes"
    with pytest.raises(NotFound, match="folder does not exist"):
        runner.begin_take(folder / "take.mcap", LABELS)
    folder.mkdir()
    runner.begin_take(folder / "take.mcap", LABELS)
    with pytest.raises(SessionError, match="still being recorded"):
        runner.begin_take(folder / "other.mcap", LABELS)
    until(lambda: take_of(runner).frames > 2)
    shutil.rmtree(folder)
    until(lambda: not take_of(runner).recording)
    assert "is gone" in str(runner.end_take().error) or "cannot write" in str(runner.end_take().error)
    judged = runner.state().judged
    until(lambda: runner.state().judged > judged + 3)
    folder.mkdir()
    runner.begin_take(folder / "again.mcap", LABELS)
    until(lambda: take_of(runner).frames > 2)
    assert runner.end_take().error is None
    runner.close()


def test_a_full_disk_keeps_what_was_recorded(
    bundle: Bundle, filmed: list[FrameSet], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runner = started(Plug(filmed).source, bundle)
    runner.begin_take(tmp_path / "take.mcap", LABELS)
    until(lambda: take_of(runner).frames > 2)
    monkeypatch.setattr(taking, "KEEP_FREE_BYTES", 1 << 60)
    until(lambda: not take_of(runner).recording)
    take = runner.end_take()
    assert "nearly full" in str(take.error)
    assert [check(path).sound for path in take.segments] == [True]
    assert runner.state().phase == "running"
    runner.close()


def test_the_program_failing_three_times_is_said_and_not_live(
    bundle: Bundle, filmed: list[FrameSet], monkeypatch: pytest.MonkeyPatch
) -> None:
    runner = started(Plug(filmed).source, bundle)

    def broken(*_: object) -> None:
        raise ValueError("broken")

    monkeypatch.setattr(engine_module, "prepare", broken)
    monkeypatch.setattr(engine_module, "check_streams", broken)
    until(lambda: runner.state().phase == "failed")
    shown = runner.latest()
    assert shown is not None
    assert shown.result.verdict is Verdict.UNDECIDED
    assert "failed inside the program" in str(runner.state().trouble)
    runner.close()


def test_what_cannot_be_opened_is_one_line(bundle: Bundle) -> None:
    runner = Runner("missing.mcap", bundle)
    runner.start()
    until(lambda: runner.state().phase == "failed")
    assert str(runner.state().trouble).startswith("missing.mcap: ")
    with pytest.raises(SessionError, match="nothing that could be recorded"):
        runner.begin_take(Path("take.mcap"), LABELS)
    with pytest.raises(SessionError, match="no take"):
        runner.end_take()
    runner.close()


def test_a_new_visit_begins_without_the_evidence_of_the_last(filmed: list[FrameSet], tmp_path: Path) -> None:
    """With nets that answer about 0.02 whatever they see."""
    lenient = load_bundle(tiny_bundle(tmp_path / "bundle", centre=1.2))
    runner = Runner("test://", lenient, source=Plug(filmed).source, accept_sensor=True)
    runner.start()
    until(lambda: session(runner) is Verdict.LIVE)
    runner.forget()
    until(lambda: session(runner) is Verdict.UNDECIDED, within_s=2.0)
    until(lambda: session(runner) is Verdict.LIVE)
    runner.close()


def session(runner: Runner) -> Verdict:
    shown = runner.latest()
    return shown.result.session_verdict if shown else Verdict.UNDECIDED


def take_of(runner: Runner) -> Take:
    take = runner.state().take
    assert take is not None
    return take


def test_the_newest_set_wins_and_what_was_passed_over_is_counted(bundle: Bundle) -> None:
    """A camera of noise at 30 sets a second, without a face: whatever is judged is fresh, nothing is `live`."""
    runner = started(Metronome(SystemClock()), bundle)
    until(lambda: runner.state().judged > 20)
    ages = []
    for _ in range(20):
        time.sleep(0.02)
        shown = runner.latest()
        assert shown is not None
        assert shown.result.verdict is Verdict.UNDECIDED
        ages.append(shown.age_s)
    assert sorted(ages)[10] < 0.2
    state = runner.state()
    assert 0 < state.judged_fps < 45
    assert 0 < state.delivered_fps < 45
    runner.close()
