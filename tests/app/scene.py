"""A made-up face as small frame sets and sessions: geometry only, no person and no camera."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from calibration.rig import Intrinsics, Rig
from drivers.frames import FrameSet, Image
from drivers.session import Labels, SessionWriter
from drivers.source import CameraInfo
from pipeline.faces import Face

LENS = Intrinsics(width=320, height=240, fx=300.0, fy=300.0, cx=160.0, cy=120.0)
RIG = Rig(color=LENS, depth=LENS, infrared=LENS, registered=True)
INFO = CameraInfo(name="Drawn camera", sensor="sim-astra", origin="simulated")
LANDMARKS = np.array([[144, 110], [176, 110], [160, 127], [147, 147], [173, 147]], np.float32)
FACE = Face((110.0, 70.0, 100.0, 130.0), LANDMARKS, 0.99)


def frame(number: int = 0, **changes: Any) -> FrameSet:
    """A nose before a gently rounded face before a wall, 0.6 m away, on one registered grid."""
    v, u = np.mgrid[:240, :320]
    x, y = (u - 160) * 2.0, (v - 125) * 2.0
    face = 600 + 0.006 * (x**2 + 0.5 * y**2) - 26 * np.exp(-(x**2 + (y + 3) ** 2) / 300)
    inside = x**2 / 75**2 + y**2 / 105**2 < 1
    depth = np.where(inside, face, 1800).astype(np.uint16)
    depth[:, :4] = 0
    color = np.where(inside[..., None], (196, 150, 128), (92, 104, 116)).astype(np.uint8)
    time_s = number / 30
    parts = {
        "color": Image(color, time_s),
        "depth": Image(depth, time_s, white_level=65535.0),
        "infrared": Image(np.where(inside, 120, 40).astype(np.uint8), time_s),
    }
    return FrameSet(sequence=number, host_time_s=time_s, depth_unit_m=0.001, rig=RIG, **{**parts, **changes})


def frames(count: int) -> list[FrameSet]:
    return [frame(number) for number in range(count)]


def record(path: Path, sets: Iterable[FrameSet], info: CameraInfo = INFO, **labels: Any) -> Path:
    """Writes a session and returns its path."""
    with SessionWriter(path, RIG, info, Labels(**labels)) as writer:
        for frame_set in sets:
            writer.write(frame_set)
    return path


def cut(path: Path, out: Path) -> Path:
    """A copy whose last fifth is missing."""
    data = path.read_bytes()
    out.write_bytes(data[: len(data) * 4 // 5])
    return out
