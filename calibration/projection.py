"""Pixels to rays and back, for every distortion model of `calibration.rig`.

The ideal coordinates of a point (X, Y, Z) are x = X/Z, y = Y/Z; a lens moves them to distorted
ones, which the camera matrix turns into pixels. Sources: OpenCV's camera model (Brown–Conrady,
rational, Kannala–Brandt); librealsense for the inverse model, whose polynomial runs from distorted to ideal.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from calibration.compile import kernel
from calibration.rig import DistortionModel, Intrinsics

F64 = NDArray[np.float64]

MODEL_CODES: dict[DistortionModel, int] = {
    "none": 0,
    "brown_conrady": 1,
    "inverse_brown_conrady": 2,
    "rational": 3,
    "kannala_brandt4": 4,
}
_ITERATIONS = 30
_CONVERGED = 1e-12


@kernel
def _polynomial(k: F64, x: float, y: float) -> tuple[float, float]:
    """Radial (rational) and tangential displacement, coefficients float64 [8] in OpenCV's order."""
    r2 = x * x + y * y
    radial = (1 + r2 * (k[0] + r2 * (k[1] + r2 * k[4]))) / (1 + r2 * (k[5] + r2 * (k[6] + r2 * k[7])))
    return (
        x * radial + 2 * k[2] * x * y + k[3] * (r2 + 2 * x * x),
        y * radial + k[2] * (r2 + 2 * y * y) + 2 * k[3] * x * y,
    )


@kernel
def _invert_polynomial(k: F64, xd: float, yd: float) -> tuple[float, float]:
    """Newton's method with a numeric Jacobian: the fixed-point iteration diverges for strong lenses."""
    x, y = xd, yd
    h = 1e-6
    for _ in range(_ITERATIONS):
        fx, fy = _polynomial(k, x, y)
        ex, ey = fx - xd, fy - yd
        if ex * ex + ey * ey < _CONVERGED * _CONVERGED:
            break
        ax, ay = _polynomial(k, x + h, y)
        bx, by = _polynomial(k, x, y + h)
        a, c = (ax - fx) / h, (ay - fy) / h
        b, d = (bx - fx) / h, (by - fy) / h
        det = a * d - b * c
        if abs(det) < 1e-9:
            return np.nan, np.nan
        x -= (d * ex - b * ey) / det
        y -= (a * ey - c * ex) / det
    return x, y


@kernel
def _fisheye(k: F64, x: float, y: float) -> tuple[float, float]:
    r = np.sqrt(x * x + y * y)
    if r < 1e-12:
        return x, y
    theta = np.arctan(r)
    t2 = theta * theta
    scale = theta * (1 + t2 * (k[0] + t2 * (k[1] + t2 * (k[2] + t2 * k[3])))) / r
    return x * scale, y * scale


@kernel
def _invert_fisheye(k: F64, xd: float, yd: float) -> tuple[float, float]:
    rd = np.sqrt(xd * xd + yd * yd)
    if rd < 1e-12:
        return xd, yd
    theta = rd
    for _ in range(_ITERATIONS):
        t2 = theta * theta
        f = theta * (1 + t2 * (k[0] + t2 * (k[1] + t2 * (k[2] + t2 * k[3])))) - rd
        slope = 1 + t2 * (3 * k[0] + t2 * (5 * k[1] + t2 * (7 * k[2] + t2 * 9 * k[3])))
        if abs(f) < _CONVERGED or abs(slope) < 1e-9:
            break
        theta -= f / slope
    if not 0.0 <= theta < np.pi / 2:
        return np.nan, np.nan
    scale = np.tan(theta) / rd
    return xd * scale, yd * scale


@kernel
def distort(code: int, k: F64, x: float, y: float) -> tuple[float, float]:
    """Ideal to distorted coordinates; `code` from MODEL_CODES, `k` float64 [8]."""
    if code == 0:
        return x, y
    if code == 2:
        return _invert_polynomial(k, x, y)
    if code == 4:
        return _fisheye(k, x, y)
    return _polynomial(k, x, y)


@kernel
def undistort(code: int, k: F64, x: float, y: float) -> tuple[float, float]:
    """Distorted to ideal coordinates; NaN where the lens model folds back."""
    if code == 0:
        return x, y
    if code == 2:
        return _polynomial(k, x, y)
    if code == 4:
        return _invert_fisheye(k, x, y)
    return _invert_polynomial(k, x, y)


@kernel
def _project(code: int, k: F64, K: F64, points: F64, out: F64) -> None:
    for i in range(points.shape[0]):
        z = points[i, 2]
        if not z > 0:
            out[i, 0] = out[i, 1] = np.nan
            continue
        x, y = distort(code, k, points[i, 0] / z, points[i, 1] / z)
        out[i, 0] = K[0, 0] * x + K[0, 2]
        out[i, 1] = K[1, 1] * y + K[1, 2]


@kernel
def _rays(code: int, k: F64, K: F64, pixels: F64, out: F64) -> None:
    for i in range(pixels.shape[0]):
        x, y = undistort(code, k, (pixels[i, 0] - K[0, 2]) / K[0, 0], (pixels[i, 1] - K[1, 2]) / K[1, 1])
        out[i, 0], out[i, 1] = x, y


def project(camera: Intrinsics, points: F64) -> F64:
    """Points [N, 3] in metres of this camera to pixels [N, 2]; NaN behind the camera."""
    points = np.ascontiguousarray(points, np.float64).reshape(-1, 3)
    pixels = np.empty((len(points), 2))
    _project(MODEL_CODES[camera.model], camera.coefficients, camera.matrix, points, pixels)
    return pixels


def rays(camera: Intrinsics, pixels: F64) -> F64:
    """Pixels [N, 2] to ideal coordinates (X/Z, Y/Z) [N, 2]; NaN where the lens model cannot be inverted."""
    pixels = np.ascontiguousarray(pixels, np.float64).reshape(-1, 2)
    ideal = np.empty_like(pixels)
    _rays(MODEL_CODES[camera.model], camera.coefficients, camera.matrix, pixels, ideal)
    return ideal


@lru_cache(maxsize=32)
def ray_table(camera: Intrinsics) -> NDArray[np.float32]:
    """(X/Z, Y/Z) of every pixel, float32 [H, W, 2], read-only; computed once per camera."""
    v, u = np.mgrid[: camera.height, : camera.width]
    pixels = np.stack([u.ravel(), v.ravel()], axis=1).astype(np.float64)
    table = rays(camera, pixels).reshape(camera.height, camera.width, 2).astype(np.float32)
    table.flags.writeable = False
    return table
