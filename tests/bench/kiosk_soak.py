"""The window under load for as long as one likes: how fast, how fresh, how much memory, how busy the GUI thread.

    python -P -m tests.bench.kiosk_soak --minutes 10 --out soak.json

A simulated scene, rendered beforehand and held in memory, is shown again and again by a camera of 30 sets a second to
the whole window, offscreen unless QT_QPA_PLATFORM says otherwise. Figures are of the time after `--warmup` seconds. Not
a test: no threshold is held against it. All figures are of simulated frames.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication

from app.kiosk import theme
from app.kiosk.program import pages_of
from app.kiosk.sources import CameraScan, Found
from app.kiosk.window import MainWindow
from app.kiosk.wish import Wish
from app.settings import Settings
from pipeline.bundle import load_bundle
from pipeline.runner import Runner, State
from tests.bench.held_camera import held

F64 = NDArray[np.float64]

PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
SCENE = "sim://live?seed=3&seconds=2&fps=30"


@dataclass(frozen=True)
class Mark:
    """Counters at one moment: seconds of wall, of the GUI thread and of the whole process, and the run's own."""

    wall_s: float
    gui_s: float
    process_s: float
    state: State


class Series:
    """Numbers in memory that is taken before the first one comes: a list would grow by what it is to measure."""

    def __init__(self, most: int) -> None:
        self._room, self._count = np.full(most, np.nan), 0

    def add(self, value: float) -> None:
        self._room[self._count] = value
        self._count += 1

    @property
    def values(self) -> F64:
        return self._room[: self._count]


@dataclass
class Seen:
    """What was sampled in the GUI thread since the warm-up."""

    judged_ages_s: Series
    drawn_ages_s: Series
    at_s: Series
    bytes: Series
    began: Mark | None = None
    ended: Mark | None = None
    newest: int = -1


def resident_bytes() -> int:
    """Of this process."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE_BYTES


def slope(at_s: F64, resident: F64) -> dict[str, float]:
    """Least squares of resident memory [bytes] over time, bytes a minute, with its 95 % interval.

    Neighbouring samples hang together: the interval is that of as many independent ones as the residuals' lag-1
    correlation r leaves, n (1 − r)/(1 + r).
    """
    t, y = (at_s - at_s.mean()) / 60, resident
    rate = float(t @ y / (t @ t))
    rest = y - y.mean() - rate * t
    spread = float(rest @ rest)
    r = min(max(float(rest[1:] @ rest[:-1]) / spread, 0.0), 0.99) if spread else 0.0
    half = 1.96 * math.sqrt(spread / max(len(t) - 2, 1) / float(t @ t) * (1 + r) / (1 - r))
    return {"bytes_per_minute": rate, "low": rate - half, "high": rate + half, "samples": len(t), "lag_1": r}


def soak(minutes: float, warmup_s: float, scene: str, fps: float) -> dict[str, Any]:
    """Runs the window and says what was seen."""
    camera = held(scene, fps)
    bundle, settings = load_bundle(), Settings()
    application = QApplication.instance() or QApplication(["soak"])
    assert isinstance(application, QApplication)
    theme.apply(application, settings.theme, settings.scale)
    runner = Runner("soak://", bundle, source=camera)
    window = MainWindow(lambda _uri: runner, pages_of(settings, bundle, Wish()), bundle, CameraScan(Found))
    window.resize(1280, 800)
    window.show()
    window.open("soak://")
    sets, seconds = round((minutes * 60 + 10) * fps * 2), round(minutes * 60 + 10) * 2
    seen, began_s = Seen(Series(sets), Series(sets), Series(seconds), Series(seconds)), time.monotonic()

    def look() -> None:
        """After the views took over a set; it is drawn before a timer of nothing comes to its turn."""
        shown = runner.latest()
        if shown is None or shown.number == seen.newest or seen.began is None:
            return
        seen.newest = shown.number
        seen.judged_ages_s.add(shown.age_s)
        received_s = shown.frame_set.host_time_s
        QTimer.singleShot(0, lambda: seen.drawn_ages_s.add(time.monotonic() - received_s))

    def sample() -> None:
        elapsed_s = time.monotonic() - began_s
        mark = Mark(elapsed_s, time.thread_time(), time.process_time(), runner.state())
        if elapsed_s < warmup_s:
            return
        seen.began, seen.ended = seen.began or mark, mark
        seen.at_s.add(elapsed_s)
        seen.bytes.add(resident_bytes())
        if elapsed_s > warmup_s + minutes * 60:
            application.quit()

    window.polled.connect(look)
    clock = QTimer()
    clock.timeout.connect(sample)
    clock.start(1000)
    application.exec()
    clock.stop()
    stages = stage_medians(runner)
    window.close()
    runner.close()
    assert seen.began is not None
    assert seen.ended is not None
    about = {
        "simulated": True,
        "scene": scene,
        "sets_held": len(camera.ring),
        "registered": camera.rig.registered,
        "cores": os.cpu_count(),
        "load": os.getloadavg()[0],
        "warmup_s": warmup_s,
        "offered_fps": fps,
    }
    return {**about, **figures(seen, seen.began, seen.ended), "stage_ms": stages}


def figures(seen: Seen, began: Mark, ended: Mark) -> dict[str, Any]:
    """Between two marks."""
    wall_s = ended.wall_s - began.wall_s
    before, after = began.state, ended.state
    return {
        "wall_s": wall_s,
        "judged_fps": (after.judged - before.judged) / wall_s,
        "painted_fps": len(seen.drawn_ages_s.values) / wall_s,
        "passed_over": after.passed_over - before.passed_over,
        "lost_by_the_camera": after.lost - before.lost,
        "phase": after.phase,
        "trouble": after.trouble,
        "age_judged_ms": percentiles(seen.judged_ages_s.values),
        "age_drawn_ms": percentiles(seen.drawn_ages_s.values),
        "memory": slope(seen.at_s.values, seen.bytes.values),
        "memory_end_mb": seen.bytes.values[-1] / 1e6,
        "gui_thread_cpu_share": (ended.gui_s - began.gui_s) / wall_s,
        "process_cpu_share": (ended.process_s - began.process_s) / wall_s,
    }


def percentiles(ages_s: F64) -> dict[str, float]:
    """Median and 95th, milliseconds."""
    return {f"p{q}": float(np.percentile(ages_s, q)) * 1000 for q in (50, 95)}


def stage_medians(runner: Runner) -> dict[str, float]:
    """Median of each stage over the last twenty seconds."""
    times: dict[str, list[float]] = {}
    for trace in runner.history():
        for name, ms in trace.stage_ms:
            times.setdefault(name, []).append(ms)
    return {name: float(np.median(values)) for name, values in times.items()}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--warmup", type=float, default=60.0, help="seconds before anything is counted")
    parser.add_argument("--fps", type=float, default=30.0)
    parser.add_argument("--scene", default=SCENE, help="a recording or a simulated scene that ends")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    report = soak(options.minutes, options.warmup, options.scene, options.fps)
    options.out.write_text(json.dumps(report, indent=2) + "\n")
    print(json.dumps(report, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
