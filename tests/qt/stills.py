"""Runs that stand still, for pictures: recordings of simulated scenes, judged by the program's own engine."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Final
from unittest.mock import patch

from calibration.rig import Rig
from drivers.errors import SessionError
from drivers.frames import FrameSet, Image
from drivers.session import Labels, SessionSource, SessionWriter
from drivers.simulated.camera import SimulatedCamera
from drivers.source import CameraInfo, frames_of
from pipeline.bundle import load_bundle
from pipeline.engine import Engine
from pipeline.result import Result, Verdict
from pipeline.runner import Shown, State, Take, Trace

FPS: Final = 10.0
FRAMES: Final = 20
PAUSE_S: Final = 3.0  # between two visits
SEEDS: Final = {"screen_replay": 4}  # a screen that hides who holds it
SEEN: Final = 200
"""Frame sets that fill the twenty seconds of the window's plots."""

HELD: Final = 14


def recorded(path: Path, *scenes: str, distance_m: float | None = None, frames: int = FRAMES) -> Path:
    """A session of simulated scenes that follow one another before one camera; one that is there is kept."""
    if path.exists():
        return path
    sets: list[tuple[float, FrameSet]] = []
    for visit, scene in enumerate(scenes):
        camera = SimulatedCamera(
            scene, SEEDS.get(scene, 9001), "astra", seconds=frames / FPS + 1, fps=FPS, distance_m=distance_m
        )
        began_s = visit * (frames / FPS + PAUSE_S)
        sets += [(began_s + n / FPS, made) for n, made in enumerate(islice(frames_of(camera), frames))]
    rig = sets[0][1].rig
    part = path.with_suffix(".making.mcap")
    part.unlink(missing_ok=True)
    with SessionWriter(part, rig, camera.info, Labels()) as writer:
        for number, (time_s, made) in enumerate(sets):
            writer.write(_at(made, number, time_s, rig))
    return part.rename(path)


def _at(made: FrameSet, number: int, time_s: float, rig: Rig) -> FrameSet:
    def moved(image: Image | None) -> Image | None:
        return None if image is None else replace(image, device_time_s=time_s)

    return replace(
        made, sequence=number, host_time_s=time_s, rig=rig,
        color=moved(made.color), depth=moved(made.depth), infrared=moved(made.infrared),
    )  # fmt: skip


@dataclass
class Still:
    """A runner that stands still: what a run had shown when it was left."""

    shown: Shown | None
    now: State
    traces: tuple[Trace, ...]

    def again(self, _uri: str) -> Still:
        return self

    def start(self) -> None: ...
    def forget(self) -> None: ...
    def close(self) -> None: ...

    def latest(self) -> Shown | None:
        return self.shown and replace(self.shown, judged_s=time.monotonic())

    def history(self) -> tuple[Trace, ...]:
        return self.traces

    def state(self) -> State:
        return self.now

    def begin_take(self, path: Path, labels: Labels) -> None:
        raise SessionError(f"{path}: nothing runs here ({labels.subject})")

    def end_take(self) -> Take:
        raise SessionError("nothing runs here")


@dataclass
class Recording(Still):
    """A still that records: a take is begun, and stands where `HELD` sets of the recording `path` are in it."""

    path: Path
    writer: SessionWriter | None = None

    def begin_take(self, path: Path, labels: Labels) -> None:
        assert self.now.rig is not None
        assert self.now.info is not None
        self.writer = SessionWriter(path, self.now.rig, self.now.info, labels)
        for made in islice(frames_of(SessionSource(self.path)), HELD):
            self.writer.write(made)
        size = self.writer.bytes_written
        self.now = replace(self.now, take=Take(path, (path,), True, HELD, (HELD - 1) / FPS, size, 0, HELD - 2))

    def end_take(self) -> Take:
        assert self.writer is not None
        assert self.now.take is not None
        self.writer.close()
        take = replace(self.now.take, recording=False)
        self.now = replace(self.now, take=take)
        return take


NOTHING: Final = Still(None, State("closed", ""), ())


@contextmanager
def processor_time() -> Iterator[None]:
    """Meanwhile stages are timed by what this process works, not by the clock on the wall: others do not count."""
    with patch("time.perf_counter", time.process_time):
        yield


@cache
def watched(path: Path, seen: int = SEEN) -> Still:
    """What a run over a recording, forth and back, shows after so many frame sets on a machine that does nothing else.
    A busy one shall tell the same: stages are told in `processor_time` of one core, each as its fastest of all times
    that the set was judged. The run is left at the last set with a verdict, where there is one."""
    source = SessionSource(path)
    sets = list(frames_of(source))
    forth_and_back = [*range(len(sets)), *range(len(sets) - 2, 0, -1)]
    order = [forth_and_back[number % len(forth_and_back)] for number in range(seen)]
    engine = Engine(load_bundle(), sensor=source.info.sensor, threads=1)
    with processor_time():
        judged = [engine.process(_at(sets[at], n, n / FPS, sets[0].rig)) for n, at in enumerate(order)]
    told = _at_their_fastest(order, judged)
    last = max((n for n, result in enumerate(told) if telling(result)), default=len(told) - 1)
    result = told[last]
    age_s = sum(result.stage_ms.values()) / 1000
    shown = Shown(last, _at(sets[order[last]], last, last / FPS, sets[0].rig), result, last / FPS + age_s)
    return Still(shown, _running(path, source.info, sets[0].rig, last, age_s), _traces(told[: last + 1]))


def _at_their_fastest(order: Sequence[int], judged: Sequence[Result]) -> list[Result]:
    fastest: dict[tuple[int, str], float] = {}
    for at, result in zip(order, judged, strict=True):
        for stage, ms in result.stage_ms.items():
            fastest[at, stage] = min(ms, fastest.get((at, stage), ms))
    return [
        replace(result, stage_ms={stage: fastest[at, stage] for stage in result.stage_ms})
        for at, result in zip(order, judged, strict=True)
    ]


def telling(result: Result) -> bool:
    """Whether the frame and its session have a verdict."""
    return Verdict.UNDECIDED not in (result.verdict, result.session_verdict)


def _running(path: Path, info: CameraInfo, rig: Rig, judged: int, age_s: float) -> State:
    return State(
        "running", str(path), info=info, rig=rig, delivered_fps=FPS, judged_fps=FPS, judged=judged, age_s=age_s
    )


def _traces(judged: Sequence[Result]) -> tuple[Trace, ...]:
    return tuple(
        Trace(
            n, n / FPS, result.verdict, result.reason, result.session_verdict, result.d_net, result.m_net,
            tuple(result.stage_ms.items()),
        )
        for n, result in enumerate(judged)
    )  # fmt: skip
