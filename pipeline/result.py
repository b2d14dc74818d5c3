"""What the program says about one frame set: a verdict, its reason, and the evidence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from pipeline.faces import Face
    from pipeline.pose import Pose


class Verdict(StrEnum):
    LIVE = "live"
    ATTACK = "attack"
    UNDECIDED = "undecided"


class Reason(StrEnum):
    """Why there is no verdict: the closed list, most urgent first."""

    INTERNAL_ERROR = "internal_error"
    STALE_FRAME = "stale_frame"
    STREAMS_DISAGREE = "streams_disagree"
    NO_DEPTH = "no_depth"
    NO_FACE = "no_face"
    SEVERAL_FACES = "several_faces"
    TOO_FAR = "too_far"
    TOO_NEAR = "too_near"
    TOO_SMALL = "too_small"
    CUT_OFF = "cut_off"
    OFF_CENTRE = "off_centre"
    TURN_TO_CAMERA = "turn_to_camera"
    FACE_INCOMPLETE = "face_incomplete"
    FACE_COVERED = "face_covered"
    HOLD_STILL = "hold_still"
    INFRARED_DARK = "infrared_dark"
    INFRARED_SATURATED = "infrared_saturated"
    COLOR_DARK = "color_dark"
    BACKLIGHT = "backlight"
    NO_INFRARED = "no_infrared"
    NO_COLOR = "no_color"
    OTHER_SENSOR = "other_sensor"
    GATE_OFF = "gate_off"
    COLLECTING = "collecting"
    NOT_SURE = "not_sure"


REASON_TEXT: Mapping[Reason, str] = {
    Reason.INTERNAL_ERROR: "something failed inside the program",
    Reason.STALE_FRAME: "the camera's picture is old or repeated",
    Reason.STREAMS_DISAGREE: "colour, depth and infrared are not of the same moment",
    Reason.NO_DEPTH: "no depth on the face",
    Reason.NO_FACE: "no face in the picture",
    Reason.SEVERAL_FACES: "more than one face in the picture",
    Reason.TOO_FAR: "come closer",
    Reason.TOO_NEAR: "step back",
    Reason.TOO_SMALL: "the face is too small in the picture",
    Reason.CUT_OFF: "the face is cut off by the edge of the picture",
    Reason.OFF_CENTRE: "move to the middle of the picture",
    Reason.TURN_TO_CAMERA: "turn to the camera",
    Reason.FACE_INCOMPLETE: "the depth of the face is incomplete",
    Reason.FACE_COVERED: "take off what covers the face",
    Reason.HOLD_STILL: "hold still",
    Reason.INFRARED_DARK: "the infrared picture is too dark",
    Reason.INFRARED_SATURATED: "the infrared picture is too bright",
    Reason.COLOR_DARK: "turn on a light",
    Reason.BACKLIGHT: "strong light from behind",
    Reason.NO_INFRARED: "no infrared picture: the reflectance stage cannot run",
    Reason.NO_COLOR: "no colour picture: the reflectance stage cannot run",
    Reason.OTHER_SENSOR: "the model was not made for this sensor",
    Reason.GATE_OFF: "the gate is switched off: scores only",
    Reason.COLLECTING: "looking",
    Reason.NOT_SURE: "the evidence did not suffice in time",
}


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """The nets' inputs and the pictures that explain them, all on the aligned face (112×112).

    `depth_mm` float32 [S, S], 0 outside the face; `maps` uint8 [3, S, S] F1, F2, F3; `color` uint8
    [S, S, 3] sRGB; `stack` float32 [4, S, S] linear; `sum`, `diff` uint8 [3, S, S]; `mask` uint8 [S, S].
    The reflectance pictures are None without colour or infrared.
    """

    depth_mm: NDArray[np.float32]
    maps: NDArray[np.uint8]
    mask: NDArray[np.uint8]
    color: NDArray[np.uint8] | None = None
    stack: NDArray[np.float32] | None = None
    sum: NDArray[np.uint8] | None = None
    diff: NDArray[np.uint8] | None = None

    def planes(self) -> NDArray[np.float32] | None:
        """M-Net's input before patches are cut: float32 [10, S, S], stack, sum/255, diff/255."""
        if self.stack is None or self.sum is None or self.diff is None:
            return None
        scale = np.float32(1 / 255)
        return np.concatenate([self.stack, self.sum * scale, self.diff * scale])


@dataclass(frozen=True, slots=True, eq=False)
class Result:
    """One frame set judged. Scores are attack probabilities in [0, 1], None where the stage did not run.

    `patches` holds a score for each of the bundle's positions, None where a position is unused.
    `session_verdict` is the sequential test's state after this frame and `evidence` the sum behind it, in nats,
    positive for an attack (None: not told). `stage_ms` is wall time.
    """

    frame: int
    device_time_s: float
    verdict: Verdict
    reason: Reason | None
    session_verdict: Verdict
    session_reason: Reason | None
    d_net: float | None = None
    m_net: float | None = None
    patches: tuple[float | None, ...] | None = None
    face: Face | None = None
    distance_m: float | None = None
    pose: Pose | None = None
    prepared: Prepared | None = None
    lost: int = 0
    stage_ms: Mapping[str, float] = field(default_factory=dict)
    evidence: float | None = None
