"""How fast frame sets are judged: sets in memory, played to an engine flat out.

They are played forth and back by the recording's own clock, so that a face moves on without a jump. Both nets run on
every set that can be judged, whatever it shows: the dearest case.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise
from statistics import median
from typing import Final

from app.errors import Refused
from drivers.frames import FrameSet
from drivers.open import open_source
from drivers.source import CameraInfo, frames_of
from drivers.stream import moved
from pipeline.bundle import Bundle
from pipeline.engine import Engine
from pipeline.sinks import Summary

WANTED: Final = 30.0  # sets a second: what cameras deliver
MOST_BYTES: Final = 250_000_000  # of sets in memory
UNCOUNTED: Final = 3  # sets after the start: caches fill
USUAL_S: Final = 1 / 30


@dataclass(frozen=True, slots=True, eq=False)
class Film:
    """Frame sets in memory, and how long reading one took."""

    name: str
    info: CameraInfo
    sets: Sequence[FrameSet]
    read_ms: float

    def endless(self) -> Iterator[FrameSet]:
        """Forth and back without end, numbers and times going on."""
        times = [each.device_time_s for each in self.sets]
        steps = [b - a for a, b in pairwise(times) if b > a]
        step_s = median(steps) if steps else USUAL_S
        turn = [*range(len(self.sets)), *range(len(self.sets) - 2, 0, -1)]
        number = 0
        while True:
            for index in turn:
                each = self.sets[index]
                yield moved(each, number - each.sequence, number * step_s - each.device_time_s)
                number += 1


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """What was measured: milliseconds of each set; stages by `summary`; the first set and making the engine."""

    summary: Summary
    sets_ms: Sequence[float]
    wall_s: float
    engine_s: float
    first_ms: float

    @property
    def per_second(self) -> float:
        return len(self.sets_ms) / self.wall_s

    @property
    def keeps_up(self) -> bool:
        return self.per_second >= WANTED


def measure(film: Film, bundle: Bundle, seconds: float, threads: int) -> Run:
    """Judges flat out, one set after the other, for so long; the first sets are not counted."""
    began = time.perf_counter()
    engine = Engine(bundle, sensor=film.info.sensor, accept_sensor=True, both_nets=True, threads=threads)
    engine_s = time.perf_counter() - began
    sets, summary, sets_ms = film.endless(), Summary(bundle), []
    first_ms = 0.0
    for number, frame_set in enumerate(islice(sets, UNCOUNTED)):
        began = time.perf_counter()
        engine.process(frame_set)
        first_ms = first_ms if number else (time.perf_counter() - began) * 1e3
    since = time.perf_counter()
    for frame_set in sets:
        began = time.perf_counter()
        summary.add(engine.process(frame_set))
        engine.check(film.name, frame_set)
        now = time.perf_counter()
        sets_ms.append((now - began) * 1e3)
        if now - since >= seconds:
            break
    return Run(summary, sets_ms, now - since, engine_s, first_ms)


def read(path: str) -> Film:
    """As many sets of a recording as are held in memory."""
    sets: list[FrameSet] = []
    size, times_ms = 0, []
    source = open_source(path)
    began = time.perf_counter()
    for frame_set in frames_of(source):
        times_ms.append((time.perf_counter() - began) * 1e3)
        info = source.info
        sets.append(frame_set)
        images = (frame_set.color, frame_set.depth, frame_set.infrared)
        size += sum(image.pixels.nbytes for image in images if image is not None)
        if size > MOST_BYTES:
            break
        began = time.perf_counter()
    if not sets:
        raise Refused(f"{path}: holds no frames: record it again")
    return Film(path, info, sets, median(times_ms))
