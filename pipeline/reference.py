"""NumPy oracles: what each kernel of `pipeline.kernels` must compute, written for reading, not for speed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from calibration.srgb import srgb_to_linear

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
U8 = NDArray[np.uint8]


def complete_holes(depth: F32, radius: int, step: float, enough: int = 5) -> F32:
    out: F32 = depth.copy()
    around: list[tuple[int, int]] = [(0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1), (-1, 0), (-1, 1)]
    for i, j in np.argwhere(depth == 0).tolist():
        hits: list[tuple[float, float]] = []
        for dy, dx in around:
            line = [(i + k * dy, j + k * dx, k) for k in range(1, radius + 1)]
            inside = [(y, x, k) for y, x, k in line if 0 <= y < depth.shape[0] and 0 <= x < depth.shape[1]]
            valid = [(float(depth[y, x]), 1 / k) for y, x, k in inside if depth[y, x] > 0]
            hits += valid[:1]
        if len(hits) >= enough:
            value, weight = np.array(hits).T
            near = np.abs(value - np.sort(value)[len(value) // 2]) <= step
            out[i, j] = np.average(value[near], weights=weight[near])
    return out


def bilinear(picture: F64, valid: NDArray[np.bool_], u: F64, v: F64) -> tuple[F64, F64]:
    """(weighted sum [..., C], weight [...]) of the valid neighbours of (u, v); picture [h, w, C]."""
    h, w = valid.shape
    n, m = np.floor(u).astype(int), np.floor(v).astype(int)
    total, mass = np.zeros((*u.shape, picture.shape[2])), np.zeros(u.shape)
    for dm in (0, 1):
        for dn in (0, 1):
            y, x = m + dm, n + dn
            inside = (y >= 0) & (y < h) & (x >= 0) & (x < w)
            y, x = np.clip(y, 0, h - 1), np.clip(x, 0, w - 1)
            share = (1 - np.abs(v - m - dm)) * (1 - np.abs(u - n - dn)) * (inside & valid[y, x])
            total += share[..., None] * picture[y, x]
            mass += share
    return total, mass


def _sampled(picture: F64, valid: NDArray[np.bool_], to_source: F64, size: int, samples: int) -> tuple[F64, F64]:
    offsets = (np.arange(samples) + 0.5) / samples - 0.5
    total, mass = np.zeros((size, size, picture.shape[2])), np.zeros((size, size))
    for a in offsets:
        for b in offsets:
            y, x = np.mgrid[:size, :size].astype(np.float64)
            u = to_source[0, 0] * (x + b) + to_source[0, 1] * (y + a) + to_source[0, 2]
            v = to_source[1, 0] * (x + b) + to_source[1, 1] * (y + a) + to_source[1, 2]
            part, share = bilinear(picture, valid, u, v)
            total, mass = total + part, mass + share
    return total, mass


def align_depth(depth: F32, rays: F32, to_source: F64, samples: int, size: int) -> tuple[F64, U8]:
    """(points [S, S, 3] mm, mask [S, S])."""
    total, mass = _sampled(depth[..., None].astype(np.float64), depth > 0, to_source, size, samples)
    mask = mass >= 0.5 * samples * samples
    z = np.where(mask, total[..., 0] / np.maximum(mass, 1e-12), 0)
    y, x = np.mgrid[:size, :size].astype(np.float64)
    u = to_source[0, 0] * x + to_source[0, 1] * y + to_source[0, 2]
    v = to_source[1, 0] * x + to_source[1, 1] * y + to_source[1, 2]
    ray, _ = bilinear(rays.astype(np.float64), np.ones(depth.shape, bool), u, v)
    return np.concatenate([ray * z[..., None], z[..., None]], axis=2), mask.astype(np.uint8)


def align_picture(picture: F32, to_source: F64, samples: int, size: int) -> F64:
    total, mass = _sampled(picture.astype(np.float64), picture[..., 0] >= 0, to_source, size, samples)
    return np.where(mass[..., None] > 1e-6, total / np.maximum(mass, 1e-12)[..., None], -1.0)


def stretch(values: F32, mask: U8, low: float, high: float) -> U8:
    scaled = np.clip(np.floor((values.astype(np.float64) - low) * (255.0 / (high - low) if high > low else 0)), 0, 255)
    return np.where(mask > 0, scaled, 255).astype(np.uint8)


def plane_angles(points: F32, mask: U8, normal: F64, reach: int) -> F64:
    size = len(mask)
    out = np.zeros((size, size))

    def run(i: int, j: int, dy: int, dx: int) -> tuple[int, int]:
        for k in range(1, reach + 1):
            y, x = i + k * dy, j + k * dx
            if not (0 <= y < size and 0 <= x < size and mask[y, x]):
                return i + (k - 1) * dy, j + (k - 1) * dx
        return i + reach * dy, j + reach * dx

    for i, j in np.argwhere(mask).tolist():
        across = points[run(i, j, 0, 1)].astype(np.float64) - points[run(i, j, 0, -1)]
        down = points[run(i, j, 1, 0)].astype(np.float64) - points[run(i, j, -1, 0)]
        n: F64 = np.cross(across, down)
        if np.linalg.norm(n) >= 1e-12:
            out[i, j] = np.arccos(min(float(abs(n @ normal) / np.linalg.norm(n)), 1.0))
    return out


def fuse(color: F32, infrared: F32, mask: U8, infrared_scale: float, gamma: float) -> tuple[F64, U8, U8]:
    """(stack [4, S, S], sum [3, S, S], diff [3, S, S])."""
    face = mask > 0
    r = np.clip(color.astype(np.float64), 0, 255).transpose(2, 0, 1)
    ir = np.clip(infrared.astype(np.float64) * infrared_scale, 0, 255)
    stack = np.concatenate([srgb_to_linear(r / 255), infrared[None].astype(np.float64)]) * face
    total = np.floor((r + ir) / 510 * 255 + 0.5) * face
    difference = np.floor(255 * (np.floor(np.abs(r - ir) + 0.5) / 255) ** gamma + 0.5) * face
    return stack, total.astype(np.uint8), difference.astype(np.uint8)


def resample(planes: F32, x: int, y: int, size: int, n: int) -> F64:
    """Area average as a product of two overlap matrices."""

    def overlap(start: int) -> F64:
        edges = start + np.arange(n + 1) * size / n
        pixel = np.arange(planes.shape[1])
        low = np.maximum(edges[:-1, None], pixel[None])
        high = np.minimum(edges[1:, None], pixel[None] + 1)
        share: F64 = np.clip(high - low, 0, None) * n / size
        return share

    average: F64 = np.einsum("im,cmk,jk->cij", overlap(y), planes.astype(np.float64), overlap(x))
    return average
