"""Depth against a flat target whose pose is known from a lens: scale, bias and flatness over distance.

On a plane n · X = c the depth along the ray (x, y, 1) is z = c / (n · (x, y, 1)); what the camera measures there,
divided by it, tells the depth's scale, and how far the readings lie from their own plane tells its noise.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from calibration.detection import TooLittle, seen_from
from calibration.projection import project, rays
from calibration.rig import Extrinsics, Intrinsics
from calibration.target import Board

F64 = NDArray[np.float64]

MIN_PIXELS: Final = 200
MIN_RANGE: Final = 1.25  # farthest over nearest distance that tells bias from scale
_OUTLIERS: Final = 4.0  # times the robust deviation
_PIXELS: Final = 4000  # of one reading


@dataclass(frozen=True, slots=True)
class PlaneReading:
    """One view of the target: where it is, and where depth says it is.

    `distance_m` and `measured_m` are the median depth expected from the pose and measured; `plane_rms_m` how far
    readings lie from their own best plane; `tilt_deg` the angle between that plane and the target; `filled` the share
    of the target's pixels that have depth.
    """

    distance_m: float
    measured_m: float
    plane_rms_m: float
    tilt_deg: float
    filled: float
    pixels: int


@dataclass(frozen=True, slots=True)
class DepthFit:
    """measured = `scale` · true + `bias_m`, with half widths of 99 % intervals for the lens as given.

    True is what the lens says: a focal length 0.1 % too long makes every distance 0.1 % too long.

    Where the distances do not tell the two apart, `bias_m` is 0 and `bias_interval_m` None. `residual_m` is the root
    mean square of what is left.
    """

    scale: float
    scale_interval: float
    bias_m: float
    bias_interval_m: float | None
    residual_m: float
    readings: tuple[PlaneReading, ...]


def read_plane(
    depth: NDArray[Any], unit_m: float, camera: Intrinsics, target: Extrinsics, board: Board
) -> PlaneReading | None:
    """Depth on the target (uint16 [H, W] counts of `unit_m`), which stands at `target` from the depth camera.

    None where fewer than MIN_PIXELS of its pixels have depth.
    """
    on_target = np.flatnonzero(_footprint(camera, target, board).ravel())
    if len(on_target) < MIN_PIXELS:
        return None
    on_target = on_target[:: max(1, len(on_target) // _PIXELS)]
    v, u = np.divmod(on_target, camera.width)
    measured = depth[v, u] * unit_m
    ideal = rays(camera, np.stack([u, v], axis=1).astype(np.float64))
    design = np.column_stack([ideal, np.ones(len(ideal))])
    normal = target.R[:, 2]
    expected = (normal @ target.t) / (design @ normal)
    kept = (measured > 0) & np.isfinite(expected)
    filled = float(kept.mean())
    if kept.sum() < MIN_PIXELS:
        return None
    off = measured - expected
    middle = float(np.median(off[kept]))
    spread = 1.4826 * float(np.median(np.abs(off[kept] - middle))) + unit_m
    kept &= np.abs(off - middle) < _OUTLIERS * spread
    # least squares of z itself, not of 1/z: on the points X = z · (x, y, 1) a plane is z = (a, b, c) · (X, Y, 1)
    points = design[kept] * measured[kept, None]
    own = np.linalg.lstsq(np.column_stack([points[:, :2], np.ones(len(points))]), points[:, 2], rcond=None)[0]
    plane = np.array([-own[0], -own[1], 1.0]) / np.sqrt(own[0] ** 2 + own[1] ** 2 + 1)
    rms = float(np.sqrt(np.mean((points @ plane - own[2] * plane[2]) ** 2)))
    tilt = float(np.degrees(np.arccos(np.clip(abs(plane @ normal), 0, 1))))
    true, found = (float(np.median(z[kept])) for z in (expected, measured))
    return PlaneReading(true, found, rms, tilt, filled, int(kept.sum()))


def fit_depth(readings: Sequence[PlaneReading]) -> DepthFit:
    """Scale and bias over distance; scale alone where all distances are alike. Raises TooLittle without 3 readings."""
    if len(readings) < 3:
        raise TooLittle(
            f"depth was read on the target in {len(readings)} views, 3 at several distances are the least: "
            "show the target within the depth camera's range"
        )
    true = np.array([r.distance_m for r in readings])
    measured = np.array([r.measured_m for r in readings])
    both = true.max() / true.min() >= MIN_RANGE
    design = np.column_stack([true, np.ones(len(true))]) if both else true[:, None]
    found = np.linalg.lstsq(design, measured, rcond=None)[0]
    left = measured - design @ found
    free = len(true) - design.shape[1]
    variance = float(left @ left) / free
    deviation = np.sqrt(variance * np.diag(np.linalg.inv(design.T @ design)))
    half = _student_995(free) * deviation
    return DepthFit(
        float(found[0]), float(half[0]), float(found[1]) if both else 0.0, float(half[1]) if both else None,
        float(np.sqrt(np.mean(left**2))), tuple(sorted(readings, key=lambda r: r.distance_m)),
    )  # fmt: skip


def spacing_ratio(
    depth: NDArray[Any], unit_m: float, camera: Intrinsics, pixels: F64, points: F64
) -> tuple[float, int] | None:
    """(median ratio of distances between corners measured in depth to true ones, number of pairs); None where few.

    `pixels` float64 [n, 2] on the depth grid and `points` float64 [n, 3] on the target in metres. Needs no pose: depth
    is read as the median of 5 × 5 pixels about each corner. Pairs farther apart than three quarters of the target.
    """
    ideal = rays(camera, pixels)
    z = np.array([_median_about(depth, u, v) * unit_m for u, v in pixels])
    sound = (z > 0) & np.isfinite(ideal).all(axis=1)
    if sound.sum() < 4:
        return None
    seen = np.column_stack([ideal[sound], np.ones(sound.sum())]) * z[sound, None]
    one, other = np.triu_indices(len(seen), 1)
    true = np.linalg.norm(points[sound][one] - points[sound][other], axis=1)
    far = true > 0.75 * true.max()
    ratio = np.linalg.norm(seen[one] - seen[other], axis=1)[far] / true[far]
    return float(np.median(ratio)), int(far.sum())


def _median_about(depth: NDArray[Any], u: float, v: float) -> float:
    row, column = round(v), round(u)
    patch = depth[max(0, row - 2) : row + 3, max(0, column - 2) : column + 3]
    filled = patch[patch > 0]
    return float(np.median(filled)) if filled.size >= 5 else 0.0


def _footprint(camera: Intrinsics, target: Extrinsics, board: Board) -> NDArray[np.bool_]:
    """Pixels well inside the pattern (half a square from its edge), bool [H, W]."""
    edge = 0.5 * board.square_m
    width, height = board.size_m
    x, y = np.linspace(edge, width - edge, 16), np.linspace(edge, height - edge, 16)
    low, high = np.full(16, edge), np.full(16, 1.0)
    rim = np.concatenate(
        [
            np.column_stack([x, low]),
            np.column_stack([high * (width - edge), y]),
            np.column_stack([x[::-1], high * (height - edge)]),
            np.column_stack([low, y[::-1]]),
        ]
    )
    pixels = project(camera, seen_from(target, np.column_stack([rim, np.zeros(len(rim))])))
    mask = np.zeros(camera.shape, np.uint8)
    if np.isfinite(pixels).all():
        cv2.fillPoly(mask, [np.rint(pixels.clip(-1e5, 1e5)).astype(np.int32)], 1)
    return mask.astype(bool)


def _student_995(free: int) -> float:
    """99.5th percentile of Student's t, within 3 % from 2 degrees of freedom on."""
    return {1: 63.66, 2: 9.92, 3: 5.84, 4: 4.60}.get(free, 2.576 + 5.3 / max(1, free - 1))
