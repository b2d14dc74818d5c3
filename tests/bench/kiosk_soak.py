"""The window under load for as long as one likes: how fast, how fresh, how much memory, how busy the GUI thread.

    python -P -m tests.bench.kiosk_soak --minutes 10 --out soak.json

A simulated scene, rendered beforehand and held in memory, is shown again and again by a camera of 30 sets a second to
the whole window, offscreen. Not a test: no threshold is held against it. All figures are of simulated frames.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import numpy as np
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication

from app.kiosk import theme
from app.kiosk.command import Wish
from app.kiosk.program import pages_of
from app.kiosk.sources import CameraScan, Found
from app.kiosk.window import MainWindow
from app.settings import Settings
from drivers.errors import EndOfStream
from drivers.frames import FrameSet
from drivers.open import open_source
from drivers.source import CameraInfo, frames_of
from drivers.stream import moved
from pipeline.bundle import load_bundle
from pipeline.runner import Runner, State

PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
SCENE = "sim://live?seed=3&seconds=2&fps=15"
WARM_SHARE = 0.2  # of the time, before memory is looked at


class HeldCamera:
    """A live camera at `fps` sets a second; a set that is not fetched in time is lost and counted."""

    def __init__(self, sets: list[FrameSet], info: CameraInfo, fps: float) -> None:
        self.info = replace(info, name="held in memory", live=True, frames=None)
        self.rig = sets[0].rig
        self._sets, self._fps, self._open = sets, fps, False

    def open(self) -> None:
        self._open, self._next, self._began_s = True, 0, time.monotonic()

    def read(self, timeout_s: float) -> FrameSet:
        now = time.monotonic()
        due = max(self._next, math.floor((now - self._began_s) * self._fps))
        time.sleep(max(0.0, self._began_s + due / self._fps - now))
        if not self._open:
            raise EndOfStream("closed")
        lost, self._next = due - self._next, due + 1
        held = self._sets[due % len(self._sets)]
        later = moved(held, due - held.sequence, due / self._fps - held.device_time_s)
        return replace(later, host_time_s=time.monotonic(), lost=lost)

    def close(self) -> None:
        self._open = False


@dataclass
class Seen:
    """What was sampled in the GUI thread."""

    ages_s: list[float]
    memory: list[tuple[float, int]]
    state: State | None = None
    painted: int = 0
    newest: int = -1


def resident_bytes() -> int:
    """Of this process."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE_BYTES


def slope(memory: list[tuple[float, int]]) -> dict[str, float]:
    """Least squares of resident memory over time, bytes a minute, with its 95 % interval (normal, samples taken as
    independent)."""
    t, y = np.array(memory, np.float64).T
    t = (t - t.mean()) / 60
    rate = float(t @ y / (t @ t))
    rest = y - y.mean() - rate * t
    half = 1.96 * math.sqrt(float(rest @ rest) / max(len(t) - 2, 1) / float(t @ t))
    return {"bytes_per_minute": rate, "low": rate - half, "high": rate + half, "samples": len(memory)}


def soak(minutes: float, scene: str, fps: float) -> dict[str, Any]:
    """Runs the window and says what was seen."""
    source = open_source(scene)
    sets = list(frames_of(source))
    camera = HeldCamera(sets, source.info, fps)
    bundle, settings = load_bundle(), Settings()
    application = QApplication.instance() or QApplication(["soak"])
    assert isinstance(application, QApplication)
    theme.apply(application, settings.theme, settings.scale)
    runner = Runner("soak://", bundle, source=camera)
    window = MainWindow(lambda _uri: runner, pages_of(settings, bundle, Wish()), bundle, CameraScan(Found))
    window.resize(1280, 800)
    window.show()
    window.open("soak://")
    seen, began_s = Seen([], []), time.monotonic()

    def look() -> None:
        shown = runner.latest()
        if shown is not None and shown.number != seen.newest:
            seen.newest, seen.painted = shown.number, seen.painted + 1
            seen.ages_s.append(shown.age_s)

    def sample() -> None:
        elapsed_s, seen.state = time.monotonic() - began_s, runner.state()
        if elapsed_s > WARM_SHARE * minutes * 60:
            seen.memory.append((elapsed_s, resident_bytes()))
        if elapsed_s > minutes * 60:
            application.quit()

    window.polled.connect(look)
    clock = QTimer()
    clock.timeout.connect(sample)
    clock.start(1000)
    cpu_s = time.thread_time()
    application.exec()
    wall_s, cpu_s = time.monotonic() - began_s, time.thread_time() - cpu_s
    state = seen.state
    assert state is not None, "the soak was shorter than a second"
    clock.stop()
    window.close()
    runner.close()
    return {
        "simulated": True,
        "scene": scene,
        "wall_s": wall_s,
        "cores": os.cpu_count(),
        "offered_fps": fps,
        "judged_fps": state.judged / wall_s,
        "painted_fps": seen.painted / wall_s,
        "passed_over": state.passed_over,
        "lost": state.lost,
        "phase": state.phase,
        "trouble": state.trouble,
        "age_ms": {f"p{q}": float(np.percentile(seen.ages_s, q)) * 1000 for q in (50, 95)},
        "memory": slope(seen.memory),
        "memory_end_mb": seen.memory[-1][1] / 1e6,
        "gui_thread_cpu_share": cpu_s / wall_s,
        "stage_ms": stage_medians(runner),
    }


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
    parser.add_argument("--fps", type=float, default=30.0)
    parser.add_argument("--scene", default=SCENE, help="a recording or a simulated scene that ends")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    report = soak(options.minutes, options.scene, options.fps)
    options.out.write_text(json.dumps(report, indent=2) + "\n")
    print(json.dumps(report, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
