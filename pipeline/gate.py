"""Who is judged: the closed list of reasons for which a frame gets no verdict (SPEC §3).

Each check looks at one thing and returns a reason or None; the first that objects, in the order of
`Reason`, is what the person is told.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from drivers.frames import FrameSet, Image
from pipeline.faces import CanonicalSquare, Face
from pipeline.parameters import Gate
from pipeline.pose import Pose
from pipeline.result import Reason

SATURATED = 0.98  # of the white level
CUT_OFF_SHARE = 0.06  # of the square's side that may hang over the edge of the picture


class Clock:
    """Watches the times of a stream of frame sets. One thread.

    A repeated or backwards sequence number or device time is a stale frame; a jump is a new visit.
    """

    def __init__(self) -> None:
        self._sequence: int | None = None
        self._time_s = 0.0

    def check(self, frame_set: FrameSet) -> Reason | None:
        """`stale_frame` where time stands still or runs backwards."""
        before, self._sequence = self._sequence, frame_set.sequence
        before_s, self._time_s = self._time_s, frame_set.device_time_s
        if before is None:
            return None
        stale = frame_set.sequence <= before or frame_set.device_time_s <= before_s
        return Reason.STALE_FRAME if stale else None


def check_streams(frame_set: FrameSet, limits: Gate) -> Reason | None:
    """Depth must be there, and all streams must be of one moment and of the rig's size."""
    if frame_set.depth is None:
        return Reason.NO_DEPTH
    times = [image.device_time_s for image in _present(frame_set)]
    if not np.isfinite(times).all() or max(times) - min(times) > limits.max_skew_s:
        return Reason.STREAMS_DISAGREE
    return Reason.STREAMS_DISAGREE if not _sizes_fit(frame_set) else None


def _present(frame_set: FrameSet) -> list[Image]:
    return [i for i in (frame_set.color, frame_set.depth, frame_set.infrared) if i is not None]


def _sizes_fit(frame_set: FrameSet) -> bool:
    rig = frame_set.rig
    pairs = ((frame_set.color, rig.color), (frame_set.depth, rig.depth), (frame_set.infrared, rig.infrared))
    return all(c is not None and i.pixels.shape[:2] == c.shape for i, c in pairs if i is not None)


def check_size(distance_m: float | None, square: CanonicalSquare, limits: Gate) -> Reason | None:
    """Too far, too near or too small; a face without any depth is `no_depth`."""
    if distance_m is None:
        return Reason.NO_DEPTH
    if distance_m > limits.far_m:
        return Reason.TOO_FAR
    if distance_m < limits.near_m:
        return Reason.TOO_NEAR
    return Reason.TOO_SMALL if square.side < limits.min_square_px else None


def check_place(square: CanonicalSquare, width: int, height: int) -> Reason | None:
    """The face's square must lie inside the picture."""
    slack = 0.5 * square.side * (1 - 2 * CUT_OFF_SHARE)
    x, y = square.center
    inside = slack <= x <= width - 1 - slack and slack <= y <= height - 1 - slack
    return None if inside else Reason.CUT_OFF


def check_pose(pose: Pose | None, limits: Gate) -> Reason | None:
    """Near frontal in all three angles, and the landmarks' depths must make a face-sized figure."""
    if pose is None:
        return Reason.FACE_INCOMPLETE
    if max(abs(pose.yaw), abs(pose.pitch), abs(pose.roll)) > limits.max_angle_deg:
        return Reason.TURN_TO_CAMERA
    return Reason.FACE_INCOMPLETE if pose.residual_mm > limits.max_residual_mm else None


def check_light(
    infrared: NDArray[np.float32] | None,
    color: NDArray[np.float32] | None,
    face: NDArray[np.bool_],
    limits: Gate,
) -> Reason | None:
    """Exposure on the face itself: `infrared` share of white level [S, S], `color` sRGB 0..255 [S, S, 3]."""
    if infrared is not None and face.any():
        values = infrared[face]
        if float(np.median(values)) < limits.infrared_dark:
            return Reason.INFRARED_DARK
        if float((values >= SATURATED).mean()) > limits.infrared_saturated_share:
            return Reason.INFRARED_SATURATED
    if color is not None and face.any() and float(np.median(color[face])) < 255 * limits.color_dark:
        return Reason.COLOR_DARK
    return None


def check_faces(faces: list[Face]) -> Reason | None:
    """Exactly one face is judged."""
    if not faces:
        return Reason.NO_FACE
    return Reason.SEVERAL_FACES if len(faces) > 1 else None
