"""The inner loops of preprocessing. Each has an oracle of the same name in `pipeline.reference`.

Private to the stages, which check shapes and types once; nothing here allocates what a caller can hand in.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from calibration.compile import kernel

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
U8 = NDArray[np.uint8]

DIRECTIONS = np.array([(0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1), (-1, 0), (-1, 1)], np.int64)
ENOUGH_SIDES = 5  # of eight: fewer and the hole is open to the background


@kernel
def complete_holes(depth: F32, radius: int, step: float, directions: NDArray[np.int64], out: F32) -> None:
    """Fills a hole pixel from the first valid pixel in each of eight directions, within `radius`.

    Only hits within `step` mm of the median hit count, weighted by closeness, so that an edge between two
    surfaces stays an edge. Reads measured depth only: filled pixels never feed others.
    """
    h, w = depth.shape
    value, weight = np.empty(8), np.empty(8)
    for i in range(h):
        for j in range(w):
            out[i, j] = depth[i, j]
            if depth[i, j] > 0:
                continue
            hits = 0
            for d in range(8):
                for k in range(1, radius + 1):
                    y, x = i + k * directions[d, 0], j + k * directions[d, 1]
                    if y < 0 or y >= h or x < 0 or x >= w:
                        break
                    if depth[y, x] > 0:
                        value[hits], weight[hits] = depth[y, x], 1.0 / k
                        hits += 1
                        break
            if hits < ENOUGH_SIDES:
                continue
            middle = np.sort(value[:hits])[hits // 2]
            total = mass = 0.0
            for n in range(hits):
                if abs(value[n] - middle) <= step:
                    total += weight[n] * value[n]
                    mass += weight[n]
            out[i, j] = total / mass


@kernel
def align_depth(depth: F32, rays: F32, to_source: F64, samples: int, points: F32, mask: U8) -> None:
    """Depth in a similarity-aligned square as points (X, Y, Z) mm, float32 [S, S, 3]; mask 1 where valid.

    Each aligned pixel averages `samples`² bilinear samples over the valid pixels only and is valid if half of
    the weight is. `to_source` float64 [2, 3] maps aligned (x, y, 1) to source pixels.
    """
    h, w = depth.shape
    size = mask.shape[0]
    for i in range(size):
        for j in range(size):
            total = mass = 0.0
            for a in range(samples):
                y = i - 0.5 + (a + 0.5) / samples
                for b in range(samples):
                    x = j - 0.5 + (b + 0.5) / samples
                    u = to_source[0, 0] * x + to_source[0, 1] * y + to_source[0, 2]
                    v = to_source[1, 0] * x + to_source[1, 1] * y + to_source[1, 2]
                    n, m = int(np.floor(u)), int(np.floor(v))
                    for dm in range(2):
                        for dn in range(2):
                            if 0 <= m + dm < h and 0 <= n + dn < w and depth[m + dm, n + dn] > 0:
                                share = (1 - abs(v - m - dm)) * (1 - abs(u - n - dn))
                                total += share * depth[m + dm, n + dn]
                                mass += share
            if mass < 0.5 * samples * samples:
                mask[i, j] = 0
                points[i, j, 0] = points[i, j, 1] = points[i, j, 2] = 0.0
                continue
            z = total / mass
            u = to_source[0, 0] * j + to_source[0, 1] * i + to_source[0, 2]
            v = to_source[1, 0] * j + to_source[1, 1] * i + to_source[1, 2]
            n, m = min(max(int(u), 0), w - 2), min(max(int(v), 0), h - 2)
            fu, fv = u - n, v - m
            for c in range(2):
                top = rays[m, n, c] * (1 - fu) + rays[m, n + 1, c] * fu
                bottom = rays[m + 1, n, c] * (1 - fu) + rays[m + 1, n + 1, c] * fu
                points[i, j, c] = (top * (1 - fv) + bottom * fv) * z
            points[i, j, 2] = z
            mask[i, j] = 1


@kernel
def align_picture(picture: F32, to_source: F64, samples: int, out: F32) -> None:
    """A picture float32 [h, w, C] on the aligned grid, float32 [S, S, C], averaged over `samples`² bilinear
    samples; negative values are missing and carry no weight, all missing gives −1.
    """
    h, w, channels = picture.shape
    size = out.shape[0]
    for i in range(size):
        for j in range(size):
            mass = 0.0
            for c in range(channels):
                out[i, j, c] = 0.0
            for a in range(samples):
                y = i - 0.5 + (a + 0.5) / samples
                for b in range(samples):
                    x = j - 0.5 + (b + 0.5) / samples
                    u = to_source[0, 0] * x + to_source[0, 1] * y + to_source[0, 2]
                    v = to_source[1, 0] * x + to_source[1, 1] * y + to_source[1, 2]
                    n, m = int(np.floor(u)), int(np.floor(v))
                    for dm in range(2):
                        for dn in range(2):
                            if 0 <= m + dm < h and 0 <= n + dn < w and picture[m + dm, n + dn, 0] >= 0:
                                share = (1 - abs(v - m - dm)) * (1 - abs(u - n - dn))
                                mass += share
                                for c in range(channels):
                                    out[i, j, c] += share * picture[m + dm, n + dn, c]
            for c in range(channels):
                out[i, j, c] = out[i, j, c] / mass if mass > 1e-6 else -1.0


@kernel
def stretch(values: F32, mask: U8, low: float, high: float, out: U8) -> None:
    """floor((v − low)/(high − low)·255), clipped to 0..255; background 255 (equations 1 to 3)."""
    scale = 255.0 / (high - low) if high > low else 0.0
    for i in range(values.shape[0]):
        for j in range(values.shape[1]):
            if mask[i, j] == 0:
                out[i, j] = 255
            else:
                out[i, j] = np.uint8(min(max(np.floor((values[i, j] - low) * scale), 0.0), 255.0))


@kernel
def plane_angles(points: F32, mask: U8, normal: F64, reach: int, out: F32) -> None:
    """Angle in radians, 0..π/2, between the surface normal and the face plane's (equation 3).

    Normals come from the differences `reach` pixels to either side, one-sided at the edge of the mask.
    """
    size = mask.shape[0]
    for i in range(size):
        for j in range(size):
            out[i, j] = 0.0
            if mask[i, j] == 0:
                continue
            left = right = j
            top = bottom = i
            for k in range(1, reach + 1):
                if left == j - k + 1 and j - k >= 0 and mask[i, j - k]:
                    left = j - k
                if right == j + k - 1 and j + k < size and mask[i, j + k]:
                    right = j + k
                if top == i - k + 1 and i - k >= 0 and mask[i - k, j]:
                    top = i - k
                if bottom == i + k - 1 and i + k < size and mask[i + k, j]:
                    bottom = i + k
            ax = points[i, right, 0] - points[i, left, 0]
            ay = points[i, right, 1] - points[i, left, 1]
            az = points[i, right, 2] - points[i, left, 2]
            bx = points[bottom, j, 0] - points[top, j, 0]
            by = points[bottom, j, 1] - points[top, j, 1]
            bz = points[bottom, j, 2] - points[top, j, 2]
            nx, ny, nz = ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx
            length = np.sqrt(nx * nx + ny * ny + nz * nz)
            if length < 1e-12:
                continue
            cosine = abs(nx * normal[0] + ny * normal[1] + nz * normal[2]) / length
            out[i, j] = np.arccos(min(cosine, 1.0))


@kernel
def fuse(
    color: F32, infrared: F32, mask: U8, linear: F32, gamma: F32, infrared_scale: float,
    stack: F32, total: U8, difference: U8,
) -> None:  # fmt: skip
    """Equations 15 to 18 on the aligned face; everything is 0 outside the mask.

    `color` sRGB 0..255 [S, S, 3]; `infrared` distance-free [S, S]; `linear` maps sRGB 0..255 to linear 0..1
    (table of 256), `gamma` |r − ir| to its gamma-corrected value (table of 256).
    """
    size = mask.shape[0]
    for i in range(size):
        for j in range(size):
            if mask[i, j] == 0:
                for c in range(3):
                    stack[c, i, j] = 0.0
                    total[c, i, j] = 0
                    difference[c, i, j] = 0
                stack[3, i, j] = 0.0
                continue
            stack[3, i, j] = infrared[i, j]
            ir = min(max(infrared[i, j] * infrared_scale, 0.0), 255.0)
            for c in range(3):
                r = min(max(color[i, j, c], 0.0), 255.0)
                n = min(int(r), 254)
                stack[c, i, j] = linear[n] + (linear[n + 1] - linear[n]) * (r - n)
                total[c, i, j] = np.uint8((r + ir) * 0.5 + 0.5)
                difference[c, i, j] = np.uint8(gamma[int(abs(r - ir) + 0.5)])


@kernel
def resample(planes: F32, x: int, y: int, size: int, out: F32) -> None:
    """A square of planes [C, S, S] to `out` [C, n, n]: the area average, exact by overlap."""
    n = out.shape[1]
    ratio = size / n
    for i in range(n):
        top, bottom = y + i * ratio, y + (i + 1) * ratio
        for j in range(n):
            left, right = x + j * ratio, x + (j + 1) * ratio
            for c in range(planes.shape[0]):
                total = 0.0
                for m in range(int(top), int(np.ceil(bottom - 1e-9))):
                    height = min(bottom, m + 1.0) - max(top, float(m))
                    for k in range(int(left), int(np.ceil(right - 1e-9))):
                        width = min(right, k + 1.0) - max(left, float(k))
                        total += planes[c, m, k] * height * width
                out[c, i, j] = total / (ratio * ratio)
