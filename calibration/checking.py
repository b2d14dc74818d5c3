"""Whether a stored rig still fits its camera: by a target, or by any capture's depth edges against colour's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from calibration.detection import View, pose, reprojection, seen_from
from calibration.projection import project, ray_table
from calibration.rig import Extrinsics, Intrinsics, Rig
from calibration.target import Board

F64 = NDArray[np.float64]
F32 = NDArray[np.float32]

REACH_PX: Final = 12  # how far an edge is looked for
MIN_EDGES: Final = 300
EDGE_STEP: Final = 0.06  # of the depth: more is an edge
_NEAR_M, _FAR_M = 0.2, 2.0
_DISTINCT: Final = 0.3  # share by which the best shift stands above the median one


@dataclass(frozen=True, slots=True)
class TargetCheck:
    """How a stored rig meets the target, pixels.

    `rms_px` of each lens alone, by name; `shift_px` (x, y) by which the target is seen in colour beside where infrared
    and the stored motion put it, None where not both lenses saw it.
    """

    rms_px: dict[str, float]
    shift_px: tuple[float, float] | None
    views: int


@dataclass(frozen=True, slots=True)
class EdgeCheck:
    """Shift (x, y) in pixels from depth's edges, put onto colour by the stored rig, to colour's own.

    `distinct`: by which share the best shift stands above the median one. Good to about 1.5 pixels: the depth of a
    silhouette is rounder than its picture.
    """

    shift_px: tuple[float, float]
    distinct: float
    edges: int


def check_target(views: Sequence[View], rig: Rig, board: Board) -> TargetCheck:
    """The stored rig against views of the target. Raises TooLittle where a lens has no rays there."""
    squares: dict[str, list[F64]] = {}
    shifts = []
    for view in views:
        motions: dict[str, Extrinsics] = {}
        for name, found in view.items():
            camera: Intrinsics = getattr(rig, name)
            motions[name] = pose(found, camera, board)
            squares.setdefault(name, []).append(reprojection(found, camera, motions[name], board) ** 2)
        if len(motions) == 2 and rig.color is not None and not rig.registered:
            seen, points = view["color"], board.corners[view["color"].ids]
            put = seen_from(rig.infrared_to_color, seen_from(motions["infrared"], points))
            shifts.append(np.median(seen.pixels - project(rig.color, put), axis=0))
    rms = {name: float(np.sqrt(np.concatenate(s).sum(axis=1).mean())) for name, s in squares.items()}
    shift = np.median(shifts, axis=0) if shifts else None
    return TargetCheck(rms, None if shift is None else (float(shift[0]), float(shift[1])), len(views))


def depth_edges(depth: NDArray[Any], unit_m: float, rig: Rig) -> F64:
    """Near sides of depth's steps put onto colour by the rig: pixels float64 [n, 2]."""
    z = depth.astype(np.float32) * np.float32(unit_m)
    close, wide = np.ones((3, 3), np.uint8), np.ones((19, 19), np.uint8)
    beyond = np.float32(1 + EDGE_STEP) * z
    # the projector's shadow lies along an edge as a strip of holes; holes with nothing deeper around are no edge
    shadow = (cv2.dilate((z == 0).astype(np.uint8), close) > 0) & (cv2.dilate(z, wide) > beyond)
    v, u = np.nonzero((z > _NEAR_M) & (z < _FAR_M) & ((cv2.dilate(z, close) > beyond) | shadow))
    if rig.registered:
        return np.column_stack([u, v]).astype(np.float64)
    assert rig.color is not None
    ideal = ray_table(rig.depth)[v, u].astype(np.float64)
    points = np.column_stack([ideal, np.ones(len(ideal))]) * z[v, u, None]
    pixels = project(rig.color, seen_from(rig.depth_to_color, points))
    return pixels[np.isfinite(pixels).all(axis=1)]


def gradient(color: NDArray[np.uint8]) -> F32:
    """How steep colour is, float32 [H, W], its strongest edges cut off so that no single one decides."""
    grey = cv2.GaussianBlur(cv2.cvtColor(color, cv2.COLOR_RGB2GRAY).astype(np.float32), (0, 0), 1.2)
    steep = cv2.magnitude(cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1))
    top = max(float(np.percentile(steep, 95)), float(steep.max()) / 4, 1e-6)  # a plain picture has few edges
    return np.asarray(np.minimum(steep / top, 1), np.float32)


def check_edges(frames: Sequence[tuple[F64, F32]]) -> EdgeCheck | None:
    """The shift at which depth's edges lie on the steepest colour, over (edges, gradient) of several frames.

    None where there are fewer than MIN_EDGES edges in all.
    """
    side = 2 * REACH_PX + 1
    total = np.zeros((side, side))
    count = 0
    for edges, steep in frames:
        at = np.rint(edges).astype(int)
        h, w = steep.shape
        inside = ((at >= REACH_PX) & (at < np.array([w, h]) - REACH_PX)).all(axis=1)
        u, v = at[inside].T
        count += len(u)
        for dy in range(-REACH_PX, REACH_PX + 1):
            for dx in range(-REACH_PX, REACH_PX + 1):
                total[dy + REACH_PX, dx + REACH_PX] += float(steep[v + dy, u + dx].sum())
    if count < MIN_EDGES:
        return None
    score = total / count
    row, column = np.unravel_index(int(score.argmax()), score.shape)
    distinct = float(score.max() / max(float(np.median(score)), 1e-6)) - 1
    return EdgeCheck(
        (column - REACH_PX + _peak(score[row], int(column)), row - REACH_PX + _peak(score[:, column], int(row))),
        distinct, count,
    )  # fmt: skip


def tells(check: EdgeCheck) -> bool:
    """Whether the best shift stands out, and does not lie at the end of what was tried."""
    return check.distinct >= _DISTINCT and max(abs(s) for s in check.shift_px) < REACH_PX - 0.6


def _peak(values: F64, at: int) -> float:
    """Top of the parabola through three scores about the best one, from −0.5 to 0.5."""
    if not 0 < at < len(values) - 1:
        return 0.0
    before, here, after = values[at - 1 : at + 2]
    bend = before - 2 * here + after
    return float(np.clip(0.5 * (before - after) / bend, -0.5, 0.5)) if bend < 0 else 0.0
