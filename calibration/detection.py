"""A ChArUco target found in pictures: its corners, and where it stands from a lens of any model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from calibration.projection import project, rays
from calibration.rig import Extrinsics, Intrinsics, Rig
from calibration.target import Board, opencv_board

F64 = NDArray[np.float64]
LensName = Literal["color", "infrared"]
LENSES: Final[tuple[LensName, ...]] = ("color", "infrared")

MIN_CORNERS: Final = 8  # of one view
_CELL_MARGIN: Final = 0.3  # of a marker's cell that is not read: blur carries its neighbours' colour in


class TooLittle(ValueError):
    """Views do not tell the lens; says what to do about it."""


@dataclass(frozen=True, slots=True, eq=False)
class Detection:
    """Corners of the target in one picture: `ids` int64 [n] and `pixels` float64 [n, 2]."""

    ids: NDArray[np.int64]
    pixels: F64

    def only(self, ids: NDArray[np.int64]) -> Detection:
        """The corners that are among `ids`, by number."""
        kept = np.isin(self.ids, ids)
        order = np.argsort(self.ids[kept])
        return Detection(self.ids[kept][order], self.pixels[kept][order])


View = Mapping[LensName, Detection]
"""What each lens saw of the target at one instant."""


def detect(pixels: NDArray[Any], board: Board) -> Detection | None:
    """Corners of the target in a picture (uint8 RGB [H, W, 3], or uint8/uint16 [H, W]); None below MIN_CORNERS.

    Infrared is stretched to its 99.5th percentile: 16-bit sensors use a small part of their range.
    """
    if pixels.ndim == 3:
        grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    else:
        top = max(float(np.percentile(pixels, 99.5)), 1.0)
        grey = (pixels * (255.0 / top)).clip(0, 255).astype(np.uint8)
    settings = cv2.aruco.DetectorParameters()
    settings.perspectiveRemoveIgnoredMarginPerCell = _CELL_MARGIN
    detector = cv2.aruco.CharucoDetector(opencv_board(board), cv2.aruco.CharucoParameters(), settings)
    corners, ids, _, _ = detector.detectBoard(grey)
    if ids is None or len(ids) < MIN_CORNERS:
        return None
    found = Detection(np.asarray(ids, np.int64).ravel(), np.asarray(corners, np.float64).reshape(-1, 2))
    flat = board.corners[found.ids][:, :2]
    if min(np.ptp(flat[:, 0]), np.ptp(flat[:, 1])) < 0.5 * board.square_m:
        return None  # a single line of corners has no pose
    return found.only(found.ids)


def pose(found: Detection, camera: Intrinsics, board: Board) -> Extrinsics:
    """Motion target → camera that fits the corners best, for any lens model. Raises TooLittle."""
    ideal = rays(camera, found.pixels)
    points = board.corners[found.ids]
    sound = np.isfinite(ideal).all(axis=1)
    if sound.sum() < 4:
        raise TooLittle("the lens model of the rig has no rays where the target is seen")
    solved, turn, shift = cv2.solvePnP(points[sound], ideal[sound], np.eye(3), np.zeros(5))
    if not solved:
        raise TooLittle("the corners seen have no pose")
    return Extrinsics.of(np.asarray(cv2.Rodrigues(turn)[0], np.float64), np.asarray(shift, np.float64).ravel())


def seen_from(motion: Extrinsics, points: F64) -> F64:
    """Points [n, 3] moved."""
    moved: F64 = points @ motion.R.T + motion.t
    return moved


def reprojection(found: Detection, camera: Intrinsics, motion: Extrinsics, board: Board) -> F64:
    """Seen − expected in pixels, float64 [n, 2], for a target at `motion` from `camera`."""
    return found.pixels - project(camera, seen_from(motion, board.corners[found.ids]))


def differs(view: View, kept: Sequence[View], rig: Rig, share: float = 0.04) -> bool:
    """Whether a view shows the target elsewhere than every view kept: a video holds hundreds of one pose."""
    return all(_apart(view, other, rig) > share for other in kept)


def _apart(one: View, other: View, rig: Rig) -> float:
    """Root mean square way of the corners in common as a share of the picture's width; 1 where there are too few."""
    ways = [1.0]
    for name in one.keys() & other.keys():
        common = np.intersect1d(one[name].ids, other[name].ids)
        camera = getattr(rig, name)
        if len(common) >= 4 and camera is not None:
            way = one[name].only(common).pixels - other[name].only(common).pixels
            ways.append(float(np.sqrt((way**2).sum(axis=1).mean())) / camera.width)
    return min(ways)
