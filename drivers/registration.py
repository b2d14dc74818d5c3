"""Depth and infrared onto the colour grid, for the region that is looked at.

Depth pixels are lifted to points, moved into the colour camera and drawn there as a triangle mesh with a
z-buffer, so that the nearest surface wins and a finer colour grid is filled without steps. Infrared is
sampled, bilinearly, where each colour pixel's point falls in the infrared picture. Both lenses'
distortion is applied. Camera SDKs leave infrared where it is and treat Z each in its own way; here
depth is the colour camera's Z for every vendor.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from calibration.compile import kernel
from calibration.projection import MODEL_CODES, distort, project, ray_table
from calibration.rig import Extrinsics, Intrinsics, Rig
from drivers.frames import FrameSet

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]

Lens = tuple[int, F64, F64]
"""Distortion code, coefficients [8] and camera matrix [3, 3], as `calibration.projection` takes them."""

Region = tuple[int, int, int, int]
"""x, y, width, height in pixels of the colour grid."""

NEAR_M, FAR_M = 0.25, 1.5  # what can fall into a region: bounds the window of depth pixels to move
SURFACE_STEP = 0.03  # neighbours whose depth differs by more than this share are two surfaces
OCCLUSION_MM = 25.0
CRACK = 0.02  # of a cell: neighbouring cells overlap by this, so that rounding leaves no seam
UNSEEN = -1.0


@dataclass(frozen=True, slots=True, eq=False)
class Registered:
    """Streams on the colour grid (without colour: the infrared grid), cut to `region`.

    `depth_mm` float32 [h, w], Z of the grid's camera, 0 = no return. `infrared` float32 [h, w] counts,
    −1 where the infrared camera does not see the point. `color` uint8 [h, w, 3]. `rays` float32 [h, w, 2],
    X/Z and Y/Z of each pixel.
    """

    region: Region
    depth_mm: F32
    infrared: F32 | None
    color: NDArray[np.uint8] | None
    rays: F32


@kernel
def _lift(
    depth: NDArray[np.uint16], rays: F32, unit_mm: np.float32, R: F64, t: F64,
    lens: Lens, window: NDArray[np.int64], out: F32,
) -> None:  # fmt: skip
    """Depth pixels of `window` (u0, v0, u1, v1) to (u, v, z) in the target camera; z = 0 where none."""
    code, k, K = lens
    u0, v0, u1, v1 = window[0], window[1], window[2], window[3]
    for v in range(v0, v1):
        for u in range(u0, u1):
            z = depth[v, u] * unit_mm
            i, j = v - v0, u - u0
            out[i, j, 2] = 0.0
            if z <= 0.0:
                continue
            x, y = rays[v, u, 0] * z, rays[v, u, 1] * z
            px = R[0, 0] * x + R[0, 1] * y + R[0, 2] * z + t[0]
            py = R[1, 0] * x + R[1, 1] * y + R[1, 2] * z + t[1]
            pz = R[2, 0] * x + R[2, 1] * y + R[2, 2] * z + t[2]
            if not pz > 0.0:
                continue
            dx, dy = distort(code, k, px / pz, py / pz)
            out[i, j, 0] = K[0, 0] * dx + K[0, 2]
            out[i, j, 1] = K[1, 1] * dy + K[1, 2]
            out[i, j, 2] = pz


@kernel
def _triangle(
    au: float,
    av: float,
    az: float,
    bu: float,
    bv: float,
    bz: float,
    cu: float,
    cv: float,
    cz: float,
    out: F32,
) -> None:
    """Draws one triangle of (u, v, z) corners into the z-buffer `out`."""
    left, right = max(int(np.ceil(min(au, bu, cu))), 0), min(int(max(au, bu, cu)), out.shape[1] - 1)
    top, bottom = max(int(np.ceil(min(av, bv, cv))), 0), min(int(max(av, bv, cv)), out.shape[0] - 1)
    if right < left or bottom < top:
        return
    area = (bu - au) * (cv - av) - (bv - av) * (cu - au)
    if abs(area) < 1e-9:
        return
    scale = 1.0 / area
    for y in range(top, bottom + 1):
        for x in range(left, right + 1):
            wa = ((bu - x) * (cv - y) - (bv - y) * (cu - x)) * scale
            wb = ((cu - x) * (av - y) - (cv - y) * (au - x)) * scale
            wc = 1.0 - wa - wb
            if wa < -1e-5 or wb < -1e-5 or wc < -1e-5:
                continue
            z = wa * az + wb * bz + wc * cz
            if out[y, x] == 0.0 or z < out[y, x]:
                out[y, x] = z


@kernel
def _one_surface(a: float, b: float, c: float, step: float) -> bool:
    low = min(a, b, c)
    return low > 0.0 and max(a, b, c) - low <= step * low


@kernel
def _cell(
    au: float, av: float, az: float, bu: float, bv: float, bz: float,
    cu: float, cv: float, cz: float, du: float, dv: float, dz: float, out: F32,
) -> None:  # fmt: skip
    """Draws the cell of four neighbours a b / c d, taken as a parallelogram: a pixel wide or so, it is one."""
    left, right = max(int(np.ceil(min(au, bu, cu, du))), 0), min(int(max(au, bu, cu, du)), out.shape[1] - 1)
    top, bottom = max(int(np.ceil(min(av, bv, cv, dv))), 0), min(int(max(av, bv, cv, dv)), out.shape[0] - 1)
    if right < left or bottom < top:
        return
    pu, pv = 0.5 * (bu - au + du - cu), 0.5 * (bv - av + dv - cv)
    qu, qv = 0.5 * (cu - au + du - bu), 0.5 * (cv - av + dv - bv)
    area = pu * qv - pv * qu
    if abs(area) < 1e-9:
        return
    mu, mv = 0.25 * (au + bu + cu + du), 0.25 * (av + bv + cv + dv)
    scale = 1.0 / area
    for y in range(top, bottom + 1):
        for x in range(left, right + 1):
            s = 0.5 + ((x - mu) * qv - (y - mv) * qu) * scale
            t = 0.5 + ((y - mv) * pu - (x - mu) * pv) * scale
            if min(s, t) < -CRACK or max(s, t) > 1 + CRACK:
                continue
            z = (az * (1 - s) + bz * s) * (1 - t) + (cz * (1 - s) + dz * s) * t
            if out[y, x] == 0.0 or z < out[y, x]:
                out[y, x] = z


@kernel
def _draw(points: F32, step: float, out: F32) -> None:
    """The lifted pixels as a mesh, then the pixels that belong to no face of it as single points."""
    h, w = points.shape[0], points.shape[1]
    for i in range(h - 1):
        au, av, az = points[i, 0, 0], points[i, 0, 1], points[i, 0, 2]
        cu, cv, cz = points[i + 1, 0, 0], points[i + 1, 0, 1], points[i + 1, 0, 2]
        for j in range(1, w):
            bu, bv, bz = points[i, j, 0], points[i, j, 1], points[i, j, 2]
            du, dv, dz = points[i + 1, j, 0], points[i + 1, j, 1], points[i + 1, j, 2]
            low = min(az, bz, cz, dz)
            if low > 0.0 and max(az, bz, cz, dz) - low <= step * low:
                _cell(au, av, az, bu, bv, bz, cu, cv, cz, du, dv, dz, out)
            else:
                if _one_surface(az, bz, cz, step):
                    _triangle(au, av, az, bu, bv, bz, cu, cv, cz, out)
                if _one_surface(bz, dz, cz, step):
                    _triangle(bu, bv, bz, du, dv, dz, cu, cv, cz, out)
            au, av, az, cu, cv, cz = bu, bv, bz, du, dv, dz
    for i in range(h):
        for j in range(w):
            z = points[i, j, 2]
            if z <= 0.0:
                continue
            x, y = int(np.floor(points[i, j, 0] + 0.5)), int(np.floor(points[i, j, 1] + 0.5))
            if 0 <= x < out.shape[1] and 0 <= y < out.shape[0] and out[y, x] == 0.0:
                out[y, x] = z


@kernel
def _sample(
    picture: F32, depth: F32, rays: F32, R: F64, t: F64, lens: Lens,
    nearest: F32, step_mm: float, unseen: float, out: F32,
) -> None:  # fmt: skip
    """Bilinear samples of `picture` at the points of a depth map; `nearest` is a z-buffer of half size."""
    code, k, K = lens
    h, w = depth.shape
    H, W = picture.shape
    uv = np.empty((h, w, 3), np.float32)
    for i in range(h):
        for j in range(w):
            uv[i, j, 2] = 0.0
            z = depth[i, j]
            if z <= 0.0:
                continue
            x, y = rays[i, j, 0] * z, rays[i, j, 1] * z
            px = R[0, 0] * x + R[0, 1] * y + R[0, 2] * z + t[0]
            py = R[1, 0] * x + R[1, 1] * y + R[1, 2] * z + t[1]
            pz = R[2, 0] * x + R[2, 1] * y + R[2, 2] * z + t[2]
            if not pz > 0.0:
                continue
            dx, dy = distort(code, k, px / pz, py / pz)
            u, v = K[0, 0] * dx + K[0, 2], K[1, 1] * dy + K[1, 2]
            if not (0.0 <= u <= W - 1.001 and 0.0 <= v <= H - 1.001):
                continue
            uv[i, j, 0], uv[i, j, 1], uv[i, j, 2] = u, v, pz
            m, n = int(v) >> 1, int(u) >> 1
            if nearest[m, n] == 0.0 or pz < nearest[m, n]:
                nearest[m, n] = pz
    for i in range(h):
        for j in range(w):
            out[i, j] = unseen
            if uv[i, j, 2] <= 0.0:
                continue
            u, v = uv[i, j, 0], uv[i, j, 1]
            m, n = int(v), int(u)
            if uv[i, j, 2] > nearest[m >> 1, n >> 1] + step_mm:
                continue
            fy, fx = v - m, u - n
            top = picture[m, n] * (1 - fx) + picture[m, n + 1] * fx
            bottom = picture[m + 1, n] * (1 - fx) + picture[m + 1, n + 1] * fx
            out[i, j] = top * (1 - fy) + bottom * fy


@lru_cache(maxsize=32)
def _lens(camera: Intrinsics, origin: tuple[int, int] = (0, 0)) -> Lens:
    """A camera for the kernels; pixels counted from `origin`."""
    K = camera.matrix
    K[:2, 2] -= origin
    return MODEL_CODES[camera.model], camera.coefficients, K


@lru_cache(maxsize=8)
def _motion_mm(motion: Extrinsics) -> tuple[F64, F64]:
    return np.ascontiguousarray(motion.R), motion.t * 1000.0


def clip_region(region: tuple[float, float, float, float], camera: Intrinsics) -> Region:
    """The whole-pixel part of (x, y, w, h) that lies on the camera's grid; may be empty (w or h of 0)."""
    x0, y0 = max(0, int(np.floor(region[0]))), max(0, int(np.floor(region[1])))
    x1 = min(camera.width, int(np.ceil(region[0] + region[2])))
    y1 = min(camera.height, int(np.ceil(region[1] + region[3])))
    return x0, y0, max(0, x1 - x0), max(0, y1 - y0)


def _source_window(region: Region, grid: Intrinsics, depth: Intrinsics, to_depth: Extrinsics) -> NDArray[np.int64]:
    """The depth pixels that can fall into the region from between NEAR_M and FAR_M."""
    x, y, w, h = region
    table = ray_table(grid)
    border = np.concatenate(
        [table[y, x : x + w], table[y + h - 1, x : x + w], table[y : y + h, x], table[y : y + h, x + w - 1]]
    )
    homogeneous = np.column_stack([border, np.ones(len(border))]).astype(np.float64)
    points = np.concatenate([homogeneous * NEAR_M, homogeneous * FAR_M]) @ to_depth.R.T + to_depth.t
    pixels = project(depth, points)
    pixels = pixels[np.isfinite(pixels).all(axis=1)]
    if len(pixels) == 0:
        return np.zeros(4, np.int64)
    low = np.clip(np.floor(pixels.min(axis=0)) - 2, 0, [depth.width, depth.height])
    high = np.clip(np.ceil(pixels.max(axis=0)) + 3, 0, [depth.width, depth.height])
    return np.array([*low, *high], np.int64)


def depth_onto(
    grid: Intrinsics,
    region: Region,
    depth: NDArray[np.uint16],
    depth_unit_m: float,
    camera: Intrinsics,
    motion: Extrinsics,
) -> F32:
    """Raw depth counts onto `region` of another camera's grid: float32 [h, w] millimetres of its Z, 0 = none.

    `motion` leads from the depth camera to the grid's camera.
    """
    out = np.zeros((region[3], region[2]), np.float32)
    window = _source_window(region, grid, camera, motion.inverse())
    if window[2] <= window[0] or window[3] <= window[1]:
        return out
    points = np.empty((int(window[3] - window[1]), int(window[2] - window[0]), 3), np.float32)
    R, t_mm = _motion_mm(motion)
    unit_mm = np.float32(depth_unit_m * 1000)
    _lift(depth, ray_table(camera), unit_mm, R, t_mm, _lens(grid, region[:2]), window, points)
    _draw(points, SURFACE_STEP, out)
    return out


def without_holes(depth_mm: F32) -> F32:
    """Depth with its holes filled smoothly from around: good enough to know where a point falls in another
    camera, never used as depth. All zero stays all zero.
    """
    filled = depth_mm.copy()
    valid = (filled > 0).astype(np.float32)
    size = 5
    while size < 2 * max(depth_mm.shape) and not valid.all():
        weight = cv2.blur(valid, (size, size))
        mean = cv2.blur(filled * valid, (size, size))
        reached = (valid == 0) & (weight > 1e-3)
        filled[reached] = mean[reached] / weight[reached]
        valid[reached] = 1.0
        size *= 3
    return filled


def infrared_onto(
    grid: Intrinsics,
    region: Region,
    depth_mm: F32,
    picture: NDArray[Any],
    camera: Intrinsics,
    motion: Extrinsics,
) -> F32:
    """Infrared counts at the grid's pixels: float32 [h, w], −1 where unseen; `motion` infrared → grid."""
    out = np.full((region[3], region[2]), UNSEEN, np.float32)
    nearest = np.zeros(((camera.height >> 1) + 1, (camera.width >> 1) + 1), np.float32)
    R, t_mm = _motion_mm(motion.inverse())
    _sample(
        picture.astype(np.float32), without_holes(depth_mm), _cut(ray_table(grid), region), R, t_mm,
        _lens(camera), nearest, OCCLUSION_MM, UNSEEN, out,
    )  # fmt: skip
    return out


def _cut(pixels: NDArray[Any], region: Region) -> NDArray[Any]:
    x, y, w, h = region
    return pixels[y : y + h, x : x + w].copy()


def register(frame_set: FrameSet, region: tuple[float, float, float, float] | None = None) -> Registered:
    """Everything on the colour grid, for `region` (x, y, w, h; clipped) or the whole picture.

    Streams that arrive registered pass through. Raises ValueError for a region outside the picture.
    """
    rig = frame_set.rig
    grid = rig.grid
    part = clip_region(region or (0, 0, grid.width, grid.height), grid)
    if part[2] == 0 or part[3] == 0:
        raise ValueError(f"region {region} lies outside the {grid.width}×{grid.height} picture")
    depth_mm = _registered_depth(frame_set, rig, part)
    return Registered(
        region=part,
        depth_mm=depth_mm,
        infrared=_registered_infrared(frame_set, rig, part, depth_mm),
        color=None if frame_set.color is None else _cut(frame_set.color.pixels, part),
        rays=_cut(ray_table(grid), part),
    )


def _registered_depth(frame_set: FrameSet, rig: Rig, part: Region) -> F32:
    if frame_set.depth is None:
        return np.zeros((part[3], part[2]), np.float32)
    if rig.registered:
        return _cut(frame_set.depth.pixels, part) * np.float32(frame_set.depth_unit_m * 1000)
    return depth_onto(rig.grid, part, frame_set.depth.pixels, frame_set.depth_unit_m, rig.depth, rig.depth_to_color)


def _registered_infrared(frame_set: FrameSet, rig: Rig, part: Region, depth_mm: F32) -> F32 | None:
    if frame_set.infrared is None or rig.infrared is None:
        return None
    if rig.registered:
        return _cut(frame_set.infrared.pixels, part).astype(np.float32)
    return infrared_onto(rig.grid, part, depth_mm, frame_set.infrared.pixels, rig.infrared, rig.infrared_to_color)
