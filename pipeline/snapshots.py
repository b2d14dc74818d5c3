"""What a run shows of itself: each the picture of one moment, unchanging, safe in any thread."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from calibration.rig import Rig
from drivers.frames import FrameSet
from drivers.source import CameraInfo
from drivers.supervision import Health
from pipeline.result import Result

Phase = Literal["opening", "running", "waiting", "ended", "failed", "closed"]
"""`waiting`: the camera is away and being brought back; `ended`: the recording is over; `failed`: nothing is tried."""


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """One frame set with what was judged of it. `number` counts judged sets of this run from 0; `judged_s` is the
    monotonic time at which the verdict stood."""

    number: int
    frame_set: FrameSet
    result: Result
    judged_s: float

    @property
    def age_s(self) -> float:
        """From the host's receipt of the set to its verdict, seconds."""
        return self.judged_s - self.frame_set.host_time_s


@dataclass(frozen=True, slots=True)
class Trace:
    """What is kept of every judged set for plots: scores None where a stage did not run."""

    number: int
    judged_s: float
    verdict: str
    reason: str | None
    session_verdict: str
    d_net: float | None
    m_net: float | None
    stage_ms: tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True)
class Take:
    """A recording as it stands. `error` says why it stopped early; `segments` are the files so far, because a camera
    that was away goes on in a new one."""

    path: Path
    segments: tuple[Path, ...]
    recording: bool
    frames: int
    seconds: float
    bytes: int
    lost: int
    good_frames: int
    error: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class State:
    """How the run stands. `delivered_fps` counts host arrivals, `judged_fps` verdicts; `lost` are sets that the camera
    lost, `passed_over` those that came faster than they could be judged. `trouble` is one line for the operator."""

    phase: Phase
    uri: str
    info: CameraInfo | None = None
    rig: Rig | None = None
    health: Health | None = None
    trouble: str | None = None
    delivered_fps: float = 0.0
    judged_fps: float = 0.0
    judged: int = 0
    lost: int = 0
    passed_over: int = 0
    age_s: float = float("inf")
    take: Take | None = None
