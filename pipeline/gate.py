"""Who is judged: the closed list of reasons for which a frame gets no verdict (SPEC §3).

Each check looks at one thing and returns a reason or None; the first that objects, in the order of
`Reason`, is what the person is told.

Where a face stands (`check_centre`), whether it moves (`Stillness`) and what light is behind it (`check_backlight`)
are the stream's and the room's, not the face's: the engine asks for them; `prepare`, by which simulated training
faces are made, does not know them.

Nothing here says `face_covered`: no check was found that is safe for bare faces. A cloth fills the hollow under the
nose; but that hollow is at most 1.4 mm deep on 2 of 20 simulated live faces, one bearded and one shaven, as on flat
prints, and beards change brightness and colour of the lower face as a cloth does. Turning these people away would be
worse than no check: a covered face is left to the coverage of its depth and to the nets.
"""

from __future__ import annotations

import time

import cv2
import numpy as np
from numpy.typing import NDArray

from drivers.frames import FrameSet, Image
from drivers.source import CameraInfo
from pipeline.faces import CanonicalSquare, Face
from pipeline.parameters import Gate
from pipeline.pose import Pose
from pipeline.result import Reason

SATURATED = 0.98  # of the white level
CUT_OFF_SHARE = 0.06  # of the square's side that may hang over the edge of the picture
ORDER = {reason: rank for rank, reason in enumerate(Reason)}
UNTOLD_EXPOSURE_S = 0.010  # of a camera that does not tell: a usual one indoors
LONG_AGO_S = 0.5  # a face seen before this tells no speed
BRIGHT = 250  # of 255: a window or a lamp
FACE_SHARE, ROUND_SHARE, AROUND_SHARE = 0.6, 1.1, 2.2  # of the square's side: skin alone; from here to there is around
STEP_PX = 2  # every other pixel tells brightness as well


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


def age_s(frame_set: FrameSet, info: CameraInfo) -> float:
    """Seconds since a camera delivered a set; 0 of recordings and simulated cameras, whose time is their own."""
    return time.monotonic() - frame_set.host_time_s if info.live and info.origin == "real" else 0.0


class Stillness:
    """Watches how fast one face moves. One thread.

    A set's pictures are taken over a while: the exposure, and the time between its streams. What the face moves
    meanwhile is smeared over the skin and sits beside its depth. Movement is that of the landmarks' middle between
    two frame sets, in sides of the canonical square, which is about 190 mm.
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forgets the face, as when another one comes."""
        self._last: tuple[float, NDArray[np.float64]] | None = None

    def check(self, frame_set: FrameSet, face: Face, limits: Gate) -> Reason | None:
        """`hold_still` where the face moves more than `max_smear` sides while its pictures are taken."""
        time_s, middle = frame_set.device_time_s, face.landmarks.astype(np.float64).mean(axis=0)
        last, self._last = self._last, (time_s, middle)
        if last is None or not 0 < time_s - last[0] <= LONG_AGO_S:
            return None
        sides = float(np.linalg.norm(middle - last[1])) / max(face.canonical_square().side, 1e-6)
        smear = sides / (time_s - last[0]) * _taking_s(frame_set)
        return None if smear <= limits.max_smear else Reason.HOLD_STILL


def _taking_s(frame_set: FrameSet) -> float:
    """Seconds from the first to the last light in a set's pictures."""
    pictures = _present(frame_set)
    times = [image.device_time_s for image in pictures]
    told = [ms / 1000 for image in pictures if (ms := image.exposure_ms) is not None and 0 < ms < np.inf]
    return max(times) - min(times) + (max(told) if told else UNTOLD_EXPOSURE_S)


def most_urgent(*reasons: Reason | None) -> Reason | None:
    """The first of the closed list among what the checks said."""
    return min((reason for reason in reasons if reason), key=ORDER.__getitem__, default=None)


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


def check_centre(square: CanonicalSquare, width: int, height: int, limits: Gate) -> Reason | None:
    """The face's middle must lie in the middle part of the picture: at the edge a step is soon one too far."""
    x, y = square.center
    off = max(abs(x / max(width - 1, 1) - 0.5), abs(y / max(height - 1, 1) - 0.5))
    return None if off <= 0.5 * limits.middle_share else Reason.OFF_CENTRE


def check_backlight(color: NDArray[np.uint8], square: CanonicalSquare, limits: Gate) -> Reason | None:
    """A dark face before saturated surroundings: the exposure follows the light behind it.

    `color` uint8 [H, W, 3] sRGB, the whole picture on the grid of `square`.
    """
    skin, around = _window(color, square, FACE_SHARE), _window(color, square, AROUND_SHARE)
    if not skin.size or float(np.median(skin)) >= 255 * limits.backlight_dark:
        return None
    within = _window(color, square, ROUND_SHARE)
    pixels = (around.size - within.size) // 3
    bright = _bright(around) - _bright(within)
    return Reason.BACKLIGHT if pixels > 0 and bright > pixels * limits.backlight_share else None


def _window(color: NDArray[np.uint8], square: CanonicalSquare, share: float) -> NDArray[np.uint8]:
    """The upright part of a picture, `share` sides wide, around the square's middle; thinned out, clipped."""
    first, half = np.array(square.center) + 0.5, 0.5 * share * square.side
    left, top = np.maximum(np.floor((first - half) / STEP_PX), 0).astype(int) * STEP_PX
    right, bottom = np.maximum(np.ceil((first + half) / STEP_PX), 0).astype(int) * STEP_PX
    return color[top:bottom:STEP_PX, left:right:STEP_PX]


def _bright(color: NDArray[np.uint8]) -> int:
    """Pixels that are saturated in all three channels."""
    if not color.size:
        return 0
    return cv2.countNonZero(cv2.inRange(np.ascontiguousarray(color), (BRIGHT,) * 3, (255,) * 3))


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
