"""Snapshots as a runner hands them out, made from the drawn scene: known pixels, chosen scores."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from drivers.frames import FrameSet
from pipeline.parameters import FACE_SIZE, BundleDescription, Preprocessing, Thresholds, default_patches
from pipeline.pose import Pose
from pipeline.result import Prepared, Reason, Result, Verdict
from pipeline.runner import Shown, State, Trace
from tests.app.scene import FACE, frame

PATCHES = tuple(p.model_copy(update={"weight": 1 / 36}) for p in default_patches())
DESCRIPTION = BundleDescription(
    name="drawn",
    created="2026-01-01T00:00:00Z",
    origin="simulated",
    sensors=("sim-astra",),
    precision="f32",
    preprocessing=Preprocessing(),
    patches=PATCHES,
    thresholds=Thresholds(d_net=0.4, m_net=0.6),
    operating_point="drawn",
)


def prepared(seed: int = 0, *, reflectance: bool = True) -> Prepared:
    """Noise in place of the nets' inputs."""
    random = np.random.default_rng(seed)
    three = (3, FACE_SIZE, FACE_SIZE)
    depth = Prepared(
        depth_mm=np.full(three[1:], 600, np.float32),
        maps=random.integers(0, 256, three, np.uint8),
        mask=np.full(three[1:], 255, np.uint8),
    )
    if not reflectance:
        return depth
    return Prepared(
        depth.depth_mm,
        depth.maps,
        depth.mask,
        color=random.integers(0, 256, (*three[1:], 3), np.uint8),
        stack=random.random((4, *three[1:]), np.float32),
        sum=random.integers(0, 256, three, np.uint8),
        diff=random.integers(0, 256, three, np.uint8),
    )


def live_result(**changes: Any) -> Result:
    """A frame on which both nets answered."""
    told: dict[str, Any] = {
        "frame": 0,
        "device_time_s": 0.0,
        "verdict": Verdict.LIVE,
        "reason": None,
        "session_verdict": Verdict.UNDECIDED,
        "session_reason": Reason.COLLECTING,
        "d_net": 0.01,
        "m_net": 0.2,
        "patches": (0.2,) * len(PATCHES),
        "face": FACE,
        "distance_m": 0.6,
        "pose": Pose(5.0, -3.0, 1.0, 4.0, 0.6),
        "prepared": prepared(),
        "stage_ms": {"face": 1.0, "d_net": 2.0, "m_net": 3.0},
    }
    return Result(**{**told, **changes})


def bare_result(reason: Reason = Reason.NO_FACE) -> Result:
    """A frame on which nothing ran."""
    return Result(0, 0.0, Verdict.UNDECIDED, reason, Verdict.UNDECIDED, Reason.NO_FACE)


def shown(number: int = 0, result: Result | None = None, frame_set: FrameSet | None = None) -> Shown:
    return Shown(number, frame_set or frame(number), result or live_result(), number / 10)


def state(phase: str = "running", age_s: float = 0.05, **changes: Any) -> State:
    return State(phase, "drawn", age_s=age_s, **changes)  # type: ignore[arg-type]


def traces(count: int, d_net: Sequence[float | None] = (0.01,), step_s: float = 0.1) -> tuple[Trace, ...]:
    """One every `step_s`, D-Net's scores repeated in turn."""
    return tuple(
        Trace(n, n * step_s, "live", None, "undecided", d_net[n % len(d_net)], None, (("face", 1.0), ("d_net", 4.0)))
        for n in range(count)
    )
