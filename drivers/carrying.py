"""Points found on the infrared picture, carried to the colour grid: for faces found in the dark."""

from __future__ import annotations

import numpy as np

from calibration.projection import project, rays
from calibration.rig import Extrinsics
from drivers.frames import FrameSet
from drivers.registration import F32, F64, SURFACE_STEP, clip_region, depth_onto, without_holes


def carry_to_grid(frame_set: FrameSet, points: F32) -> F32 | None:
    """Pixels [N, 2] of the infrared picture to pixels of the grid, through the depth there.

    Between pixels as good as on them. None where depth does not tell how far the points are, or
    where the colour camera would not see them.
    """
    rig = frame_set.rig
    if rig.registered:
        return points
    if frame_set.depth is None or rig.infrared is None:
        return None
    to_infrared = _chain(rig.depth_to_color, rig.infrared_to_color.inverse())
    camera = rig.infrared
    low, high = points.min(axis=0) - 8, points.max(axis=0) + 8
    width, height = (float(side) for side in high - low)
    part = clip_region((float(low[0]), float(low[1]), width, height), camera)
    if part[2] == 0 or part[3] == 0:
        return None
    depth_mm = without_holes(
        depth_onto(camera, part, frame_set.depth.pixels, frame_set.depth_unit_m, rig.depth, to_infrared)
    )
    z_m = _depth_at(depth_mm, points - np.array(part[:2], np.float32)) / 1000
    directions = rays(camera, points.astype(np.float64))
    if not (z_m > 0).all() or not np.isfinite(directions).all():
        return None
    in_grid = np.column_stack([directions * z_m[:, None], z_m]) @ rig.infrared_to_color.R.T + rig.infrared_to_color.t
    carried = project(rig.grid, in_grid).astype(np.float32)
    return carried if np.isfinite(carried).all() else None


def _depth_at(depth_mm: F32, points: F32) -> F64:
    """Depth float64 [N] at points [N, 2] between the pixels of a map without holes: bilinear over those of the four
    neighbours that lie on the nearest one's surface, since a mean over an edge lies on neither side of it.
    """
    h, w = depth_mm.shape
    at = np.clip(points.astype(np.float64), 0, [w - 1, h - 1])
    left, top = np.minimum(at.astype(int), [max(w - 2, 0), max(h - 2, 0)]).T
    fx, fy = at[:, 0] - left, at[:, 1] - top
    right, below = np.minimum(left + 1, w - 1), np.minimum(top + 1, h - 1)
    around = depth_mm[[top, top, below, below], [left, right, left, right]].astype(np.float64)
    weights = np.stack([(1 - fx) * (1 - fy), fx * (1 - fy), (1 - fx) * fy, fx * fy])
    nearest = np.take_along_axis(around, weights.argmax(axis=0)[None], axis=0)
    weights = weights * (np.abs(around - nearest) <= SURFACE_STEP * nearest)
    mean: F64 = (weights * around).sum(axis=0) / weights.sum(axis=0)
    return mean


def _chain(first: Extrinsics, then: Extrinsics) -> Extrinsics:
    return Extrinsics.of(then.R @ first.R, then.R @ first.t + then.t)
