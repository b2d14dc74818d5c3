"""Each fault is what it says, and time can be made to stand and leap."""

from __future__ import annotations

import time
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from drivers.clock import VirtualClock
from drivers.errors import Busy, CameraError, Disconnected, NotFound, Stalled, TrilumeError
from drivers.faults import KINDS, LATE_SETS, Fault, FaultyCamera, FaultySource, Metronome, main
from drivers.frames import FrameSet
from drivers.open import open_source, opener_of
from drivers.source import Source, frames_of
from tests.bench import faults as bench
from tests.drivers.recordings import noise_rig, noise_set, noise_sets, record


def faulty(*faults: str) -> tuple[FaultyCamera, FaultySource, VirtualClock]:
    clock = VirtualClock()
    camera = FaultyCamera(lambda: Metronome(clock), tuple(map(Fault.parse, faults)), clock)
    source = camera.source()
    source.open()
    return camera, source, clock


def sets(source: Source, count: int) -> list[FrameSet]:
    return [source.read(1.0) for _ in range(count)]


def test_without_a_fault_nothing_changes() -> None:
    _, source, _ = faulty()
    assert isinstance(source, Source)
    frames = sets(source, 5)
    assert np.diff([f.sequence for f in frames]).tolist() == [1] * 4
    assert np.diff([f.device_time_s for f in frames]) == pytest.approx(1 / 30)
    assert source.rig == Metronome.rig
    assert source.info == Metronome.info


def test_a_stall_keeps_the_time_out_and_ends_by_itself() -> None:
    _, source, clock = faulty("stall@3+1")
    sets(source, 3)
    began = clock.now()
    for _ in range(4):
        with pytest.raises(Stalled):
            source.read(0.25)
    assert clock.now() - began == pytest.approx(1.0)
    assert source.read(0.25).lost >= 29


@pytest.mark.parametrize(("kind", "cure"), [("stuck", FaultySource.open), ("wedge", FaultySource.reset)])
def test_some_stalls_end_only_by_their_cure(kind: str, cure: object) -> None:
    _, source, clock = faulty(f"{kind}@2")
    sets(source, 2)
    clock.wait(lambda: False, 3600)
    other = FaultySource.reset if kind == "stuck" else FaultySource.open
    other(source)
    with pytest.raises(Stalled):
        source.read(0.1)
    assert callable(cure)
    cure(source)
    assert source.read(0.1).sequence > 0


@pytest.mark.parametrize(("kind", "error"), [("disconnect", NotFound), ("busy", Busy)])
def test_an_unplugged_camera_is_gone_for_every_source_on_it(kind: str, error: type[TrilumeError]) -> None:
    camera, source, clock = faulty(f"{kind}@2+5")
    sets(source, 2)
    with pytest.raises(Disconnected):
        source.read(1.0)
    with pytest.raises(error):
        camera.source().open()
    clock.wait(lambda: False, 5.0)
    again = camera.source()
    again.open()
    assert again.read(1.0).sequence > 0


def test_another_camera_stands_in_its_place_for_a_while() -> None:
    camera, source, clock = faulty("swap@1+5")
    sets(source, 1)
    with pytest.raises(Disconnected):
        source.read(1.0)
    other = camera.source()
    other.open()
    assert other.info.serial == "not-M1"
    clock.wait(lambda: False, 5.0)
    other.open()
    assert other.info.serial == "M1"


def test_an_sdk_fails_in_its_own_way_as_often_as_told() -> None:
    _, source, _ = faulty("error@1+2")
    sets(source, 1)
    for _ in range(2):
        with pytest.raises(RuntimeError, match="xioctl"):
            source.read(1.0)
    sets(source, 1)


@pytest.mark.parametrize("kind", ["hang_read", "hang_open", "hang_close"])
def test_a_call_hangs_once_and_for_its_time(kind: str) -> None:
    _, source, clock = faulty(f"{kind}@1+30")
    sets(source, 1)
    spent = []
    for _ in range(2):
        began = clock.now()
        if kind == "hang_read":
            source.read(0.1)
        source.close()
        source.open()
        spent.append(clock.now() - began)
    assert spent[0] == pytest.approx(30.0, abs=0.1)
    assert spent[1] < 0.1


def test_numbers_and_times_lie() -> None:
    frames = sets(faulty("repeat@2+2")[1], 5)
    assert frames[1] is frames[2] is frames[3]
    back = sets(faulty("backward@2+1")[1], 4)
    assert np.diff([f.sequence for f in back]).tolist() == [1, -99, 101]
    anew = sets(faulty("restart@2")[1], 4)
    assert np.diff([f.sequence for f in anew]).tolist() == [1, -9999, 1]
    jump = np.diff([f.device_time_s for f in sets(faulty("jump@2")[1], 4)])
    assert jump == pytest.approx([1 / 30, 3600 + 1 / 30, 1 / 30])


def test_pictures_stand_miss_lag_and_have_another_size() -> None:
    frozen = sets(faulty("frozen@2+3")[1], 6)
    depths = [f.depth.pixels for f in frozen if f.depth is not None]
    same = [np.array_equal(before, after) for before, after in pairwise(depths)]
    assert same == [False, True, True, True, False]
    assert np.diff([f.device_time_s for f in frozen]) == pytest.approx(1 / 30)
    for stream in ("color", "depth", "infrared"):
        present = [getattr(f, stream) is not None for f in sets(faulty(f"no_{stream}@1+2")[1], 4)]
        assert present == [True, False, False, True]
    late = sets(faulty("late@5+1")[1], 6)[5]
    assert late.depth is not None
    assert late.infrared is not None
    assert late.depth.device_time_s - late.infrared.device_time_s == pytest.approx(LATE_SETS / 30)
    garbage = sets(faulty("garbage@0+1")[1], 1)[0]
    assert garbage.depth is not None
    assert garbage.depth.pixels.shape == (12, 16)


def test_faults_are_named_in_a_uri_and_may_stand_one_in_another(tmp_path: Path) -> None:
    path = tmp_path / "a.mcap"
    record(path, noise_sets(6))
    frames = list(frames_of(open_source(f"faults://no_infrared@1+1,no_depth@4+1?of={path}")))
    assert [f.depth is None for f in frames] == [False, False, False, False, True, False]
    assert [f.infrared is None for f in frames] == [False, True, False, True, False, False]  # the fourth has none
    nested = open_source(f"faults://repeat@1+1?of=faults://no_depth@0+1?of={path}")
    assert [f.depth is None for f in frames_of(nested)] == [True, True, False, False, False, False]
    again = opener_of(f"faults://error@2+1?of={path}")
    with pytest.raises(RuntimeError):
        list(frames_of(again("")))
    assert len(list(frames_of(again("")))) == 6, "the fault is over, however often the camera is opened"


@pytest.mark.parametrize(
    ("uri", "kind", "said"),
    [
        ("faults://stall@3", CameraError, r"write faults://stall@30\+2\?of=URI"),
        ("faults://stall@3?of=", CameraError, "write faults://"),
        ("faults://stall?of=sim://live", CameraError, "'stall' is no fault; write KIND@SET"),
        ("faults://melt@3?of=sim://live", NotFound, "no fault is called 'melt'; there are stall, stuck"),
        ("faults://stall@3?of=none.mcap", NotFound, "none.mcap: no such recording"),
    ],
)
def test_a_wrong_uri_is_told_what_is_wrong(uri: str, kind: type[TrilumeError], said: str) -> None:
    with pytest.raises(kind, match=said):
        open_source(uri)


def test_virtual_time_stands_while_somebody_works_and_leaps_when_all_wait() -> None:
    clock, seen = VirtualClock(), []
    done = [False, False]

    def sleeper(number: int, seconds: float) -> None:
        clock.wait(lambda: False, seconds)
        seen.append((number, clock.now()))
        done[number] = True
        clock.tell()

    began, began_really = clock.now(), time.monotonic()
    clock.start(lambda: sleeper(0, 7200.0), "long")
    clock.start(lambda: sleeper(1, 3600.0), "short")
    time.sleep(0.02)
    assert clock.now() == began, "this thread works, time stands"
    assert clock.wait(lambda: all(done), 1e6)
    assert seen == [(1, began + 3600.0), (0, began + 7200.0)]
    assert not clock.wait(lambda: False, 5.0)
    assert clock.now() == began + 7205.0
    assert time.monotonic() - began_really < 2.0


def test_the_table_has_a_row_for_every_fault(capsys: pytest.CaptureFixture[str]) -> None:
    main()
    rows = capsys.readouterr().out.splitlines()
    assert "simulated" in rows[0]
    assert [row.split()[0] for row in rows[2:]] == list(KINDS)


@pytest.fixture(scope="module")
def camera(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rig = noise_rig()
    return record(tmp_path_factory.mktemp("played") / "camera.mcap", [noise_set(n, rig) for n in range(20)])


def test_a_caller_of_a_camera_that_loses_a_call_goes_on(camera: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench, "SETTLED", 10)
    through = bench.run(Fault("error", 8, 1), camera)
    assert through.recovered
    assert any("xioctl" in words for words in through.told)
    assert (through.refused, through.flawed, through.threads, through.handles) == (0, 0, 0, 0)
    assert through.close_s < 2.0


def test_closing_while_the_sdk_hangs_is_prompt_and_nothing_stays(camera: Path) -> None:
    closed = bench.run(Fault("hang_read", 5, 2.5), camera, stop_after_s=0.3)
    assert not closed.recovered
    assert closed.close_s < 2.0
    assert (closed.threads, closed.handles) == (0, 0)


def test_a_row_of_the_table_in_real_time_has_its_columns(
    camera: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in (("BEGINS", 5), ("SETTLED", 8), ("INTO_IT_S", 0.1)):
        monkeypatch.setattr(bench, name, value)
    bench.main([])
    heading, _ = capsys.readouterr().out.splitlines()
    row = bench.row("no_depth", camera)
    assert row.count("|") == heading.count("|")
    assert "no picture of depth came" in row
