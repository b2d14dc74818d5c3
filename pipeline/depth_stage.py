"""Depth stage: the face as a surface, and D-Net's three inputs F1, F2 and F3 (equations 1 to 3).

Registered depth → holes completed → the component that is the face → aligned to 112×112 as points →
F1 relative relief, F2 metric size, F3 angle to the face plane. Everything after the alignment costs the
same at every distance, and a pixel there is the same length of skin, so noise looks alike near and far.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from drivers.registration import Registered
from pipeline import kernels
from pipeline.faces import CanonicalSquare
from pipeline.parameters import FACE_SIZE, DepthParameters

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
U8 = NDArray[np.uint8]

PLANE_TRIM_MM = 15.0  # points farther from the face plane than this (nose, cheeks) do not steer it
PLANE_ROUNDS = 3
MAX_SAMPLES = 4


@dataclass(frozen=True, slots=True, eq=False)
class Surface:
    """The face's surface on the aligned grid: `points` float32 [S, S, 3] mm, `mask` uint8 [S, S].

    `coverage` is the share of the inner face that has depth; `to_source` float64 [2, 3] maps aligned pixels
    to pixels of the registered region; `samples` is the number of samples per side of an aligned pixel.
    """

    points: F32
    mask: U8
    coverage: float
    to_source: F64
    samples: int


@lru_cache(maxsize=8)
def inner_face(hull: tuple[tuple[float, float], ...]) -> U8:
    """The inner face as a mask uint8 [S, S] from a polygon in units of the aligned face."""
    mask = np.zeros((FACE_SIZE, FACE_SIZE), np.uint8)
    polygon = np.rint(np.array(hull) * FACE_SIZE - 0.5).astype(np.int32)
    cv2.fillConvexPoly(mask, polygon, (1,))
    mask.flags.writeable = False
    return mask


def alignment(square: CanonicalSquare, origin: tuple[int, int]) -> F64:
    """Aligned pixel (x, y, 1) to pixels counted from `origin`: float64 [2, 3]; pixel centres at integers."""
    scale = square.side / FACE_SIZE
    cos, sin = scale * np.cos(square.angle), scale * np.sin(square.angle)
    linear = np.array([[cos, -sin], [sin, cos]])
    middle = np.full(2, (FACE_SIZE - 1) / 2)
    shift = np.array(square.center) - origin - linear @ middle
    return np.column_stack([linear, shift])


def face_component(depth_mm: F32, step_mm: float, to_source: F64, inner: U8) -> U8:
    """The connected surface that holds most of the inner face: uint8 [h, w], 1 = face.

    Neighbours connect when their depth differs by no more than `step_mm`. Largest is counted inside the inner
    face: over the whole crop a wall behind a small head would win.
    """
    h, w = depth_mm.shape
    filled = np.zeros((h + 2, w + 2), np.uint8)
    seeds = np.argwhere(inner[6::12, 6::12]) * 12 + 6
    pixels = np.rint(to_source @ np.vstack([seeds[:, 1], seeds[:, 0], np.ones(len(seeds))])).astype(int).T
    pixels = pixels[((pixels >= 0) & (pixels < (w, h))).all(axis=1)]
    best, best_size = 0, 0
    for label, (x, y) in enumerate(pixels, start=2):
        if depth_mm[y, x] == 0 or filled[y + 1, x + 1]:
            continue
        flags = 4 | label << 8 | cv2.FLOODFILL_MASK_ONLY
        cv2.floodFill(depth_mm, filled, (int(x), int(y)), (0,), (step_mm,), (step_mm,), flags)
        size = int(np.count_nonzero(filled[pixels[:, 1] + 1, pixels[:, 0] + 1] == label))
        if size > best_size:
            best, best_size = label, size
    component = filled[1:-1, 1:-1] == best if best else np.zeros((h, w), bool)
    return component.astype(np.uint8)


def find_surface(registered: Registered, square: CanonicalSquare, parameters: DepthParameters) -> Surface:
    """Completion, component and alignment (SPEC §4.1)."""
    to_source = alignment(square, registered.region[:2])
    completed = np.empty_like(registered.depth_mm)
    kernels.complete_holes(
        registered.depth_mm, parameters.completion_radius_px, parameters.component_step_mm,
        kernels.DIRECTIONS, completed,
    )  # fmt: skip
    inner = inner_face(parameters.inner_hull)
    completed *= face_component(completed, parameters.component_step_mm, to_source, inner)
    samples = int(np.clip(round(square.side / FACE_SIZE), 1, MAX_SAMPLES))
    points = np.empty((FACE_SIZE, FACE_SIZE, 3), np.float32)
    mask = np.empty((FACE_SIZE, FACE_SIZE), np.uint8)
    kernels.align_depth(completed, registered.rays, to_source, samples, points, mask)
    coverage = float(mask[inner > 0].mean())
    return Surface(points, mask, coverage, to_source, samples)


def face_plane(points: F64, start: F64) -> F64:
    """Unit normal of the plane through points [N, 3] mm: begun from `start` [M, 3] (the landmarks), refitted
    to the points near it.
    """
    centre, normal = _plane(start if len(start) >= 3 else points)
    for _ in range(PLANE_ROUNDS):
        near = points[np.abs((points - centre) @ normal) <= PLANE_TRIM_MM]
        if len(near) < 30:
            break
        centre, normal = _plane(near)
    return normal


def _plane(points: F64) -> tuple[F64, F64]:
    centre = points.mean(axis=0)
    offsets = points - centre
    _, vectors = np.linalg.eigh(offsets.T @ offsets)
    return centre, np.ascontiguousarray(vectors[:, 0])


def relief(z: F32, mask: U8, inner: NDArray[np.bool_], parameters: DepthParameters) -> U8:
    """F1, equation 1: depth stretched over the face, near 0, far 255."""
    if parameters.f1_mode == "literal":
        face = z[mask > 0]
        low, high = float(face.min()), float(face.max())
    else:
        low, high = (float(v) for v in np.percentile(z[inner], parameters.f1_percentiles))
    return _stretched(z, mask, low, high)


def size_map(z: F32, mask: U8, square_px: float, focal_px: float, parameters: DepthParameters) -> U8:
    """F2, equation 2, in one of four readings.

    `metric` carries the face's size in mm: I·√(w·h)/√(fx·fy). `per_face` is the literal min–max of I/s,
    which cancels s. `dataset` stretches I/s (mm per pixel²) over fixed bounds. `matrix` takes min–max over
    the whole matrix with its background of 255.
    """
    if parameters.f2_mode == "metric":
        return _stretched(z * np.float32(square_px / focal_px), mask, *parameters.f2_bounds)
    scaled = z / np.float32(square_px * square_px)
    if parameters.f2_mode == "dataset":
        return _stretched(scaled, mask, *parameters.f2_bounds)
    seen = scaled[mask > 0]
    if parameters.f2_mode == "matrix":
        seen = np.append(seen, np.float32(255.0 / (square_px * square_px)))
    return _stretched(scaled, mask, float(seen.min()), float(seen.max()))


def angle_map(surface: Surface, normal: F64, parameters: DepthParameters) -> U8:
    """F3, equation 3: angle of the local normal to the face plane's, over 0..π/2 or the face's own range."""
    weight = cv2.blur(surface.mask.astype(np.float32), (5, 5))
    smooth: F32 = np.asarray(cv2.blur(surface.points, (5, 5)) / np.maximum(weight, 1e-3)[..., None], np.float32)
    smooth[surface.mask == 0] = 0
    angles = np.empty(surface.mask.shape, np.float32)
    kernels.plane_angles(smooth, surface.mask, normal, parameters.normal_radius_px, angles)
    if parameters.f3_mode == "fixed":
        return _stretched(angles, surface.mask, 0.0, np.pi / 2)
    face = angles[surface.mask > 0]
    return _stretched(angles, surface.mask, float(face.min()), float(face.max()))


def depth_maps(
    surface: Surface, square: CanonicalSquare, landmarks: F64, focal_px: float, parameters: DepthParameters
) -> U8:
    """F1, F2, F3: uint8 [3, S, S], background 255.

    `landmarks` [M, 3] mm are the landmarks' 3-D points that have depth; `focal_px` = √(fx·fy).
    Raises ValueError without any face pixel.
    """
    if not surface.mask.any():
        raise ValueError("no face surface")
    z = np.ascontiguousarray(surface.points[..., 2])
    inner = (inner_face(parameters.inner_hull) > 0) & (surface.mask > 0)
    if not inner.any():
        inner = surface.mask > 0
    normal = face_plane(surface.points[inner].astype(np.float64), landmarks)
    return np.stack(
        [
            relief(z, surface.mask, inner, parameters),
            size_map(z, surface.mask, square.side, focal_px, parameters),
            angle_map(surface, normal, parameters),
        ]
    )


def _stretched(values: F32, mask: U8, low: float, high: float) -> U8:
    out = np.empty(mask.shape, np.uint8)
    kernels.stretch(values, mask, float(low), float(high), out)
    return out
