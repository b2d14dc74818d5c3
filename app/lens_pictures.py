"""Pictures of a geometric calibration: where the target was seen, and by how much each corner misses."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from app import drawing
from calibration.depth import DepthFit
from calibration.geometric import LensFit

U8 = NDArray[np.uint8]

_BLUE, _ORANGE, _FAINT = (40, 90, 170), (200, 100, 30), (200, 200, 200)
_SIDE = 420
_TOP = 90


def residual_sheet(name: str, fit: LensFit, origin: str) -> U8:
    """Left every corner in the picture with its residual enlarged, right all residuals about zero."""
    camera = fit.camera
    scale = _SIDE / camera.height
    width = round(camera.width * scale)
    times = max(1.0, 0.04 * camera.height / max(fit.rms_px, 1e-3))
    page = drawing.canvas(_TOP + _SIDE + 50, width + _SIDE + 90)
    drawing.write(page, f"{name}: {len(fit.views)} views, {len(fit.pixels)} corners, rms {fit.rms_px:.3f} px "
                  f"({origin} data)", (30, 34), 0.7)  # fmt: skip
    drawing.write(page, f"corners, residuals x {times:.0f}", (30, 74))
    field = np.full((_SIDE, width, 3), 248, np.uint8)
    tips = (fit.pixels + times * fit.residuals) * scale
    for start, tip in zip(fit.pixels * scale, tips, strict=True):
        _line(field, start, tip, _ORANGE)
        cv2.circle(field, (round(start[0]), round(start[1])), 2, _BLUE, -1, cv2.LINE_AA)
    page[_TOP : _TOP + _SIDE, 30 : 30 + width] = field
    reach = max(float(np.abs(fit.residuals).max()) * 1.05, 0.05)
    at = 60 + width
    drawing.write(page, f"residuals, the frame is {reach:.2f} px from zero", (at, 74))
    page[_TOP : _TOP + _SIDE, at : at + _SIDE] = _scatter(fit.residuals, reach)
    drawing.write(page, f"coverage {100 * fit.coverage:.0f} %, largest tilt between views {fit.tilt_deg:.0f} deg",
                  (30, _TOP + _SIDE + 30))  # fmt: skip
    return page


def depth_sheet(fit: DepthFit, origin: str) -> U8:
    """Measured minus true depth over distance: views as dots, the fit as a line."""
    page = drawing.canvas(_TOP + _SIDE + 60, 780)
    drawing.write(page, f"depth: measured minus true over distance ({origin} data)", (30, 34), 0.7)
    true = np.array([r.distance_m for r in fit.readings])
    off = 1000 * (np.array([r.measured_m for r in fit.readings]) - true)
    ends = np.array([true.min(), true.max()])
    line = 1000 * ((fit.scale - 1) * ends + fit.bias_m)
    low, high = min(0.0, off.min(), line.min()) - 0.5, max(0.0, off.max(), line.max()) + 0.5
    field = np.full((_SIDE, 720, 3), 248, np.uint8)
    span = max(float(np.ptp(ends)), 1e-6)

    def place(x: Any, y: Any) -> NDArray[np.float64]:
        return np.array([20 + (x - ends[0]) / span * 680, (high - y) / (high - low) * (_SIDE - 1)])

    _line(field, place(ends[0], 0.0), place(ends[1], 0.0), _FAINT)
    _line(field, place(ends[0], line[0]), place(ends[1], line[1]), _ORANGE)
    for x, y in zip(true, off, strict=True):
        u, v = place(x, y)
        cv2.circle(field, (round(u), round(v)), 4, _BLUE, -1, cv2.LINE_AA)
    page[_TOP : _TOP + _SIDE, 30:750] = field
    drawing.write(page, f"{low:.1f} to {high:.1f} mm; grey: no error; line: scale {fit.scale:.4f}, "
                  f"bias {1000 * fit.bias_m:.1f} mm", (30, 74))  # fmt: skip
    drawing.write(page, f"{ends[0]:.2f} m", (30, _TOP + _SIDE + 30))
    drawing.write(page, f"{ends[1]:.2f} m", (690, _TOP + _SIDE + 30))
    return page


def _scatter(residuals: NDArray[np.float64], reach: float) -> U8:
    field = np.full((_SIDE, _SIDE, 3), 248, np.uint8)
    middle = _SIDE // 2
    _line(field, np.array([0, middle]), np.array([_SIDE, middle]), _FAINT)
    _line(field, np.array([middle, 0]), np.array([middle, _SIDE]), _FAINT)
    for x, y in middle + residuals / reach * (middle - 4):
        cv2.circle(field, (round(x), round(y)), 2, _BLUE, -1, cv2.LINE_AA)
    return field


def _line(field: U8, start: NDArray[Any], end: NDArray[Any], color: tuple[int, int, int]) -> None:
    points = [(round(float(p[0])), round(float(p[1]))) for p in (start, end)]
    cv2.line(field, points[0], points[1], color, 1, cv2.LINE_AA)
