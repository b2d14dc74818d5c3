"""Depth by time of flight: no shadow and no fattening, but mixed pixels at edges, light that comes by a detour, and
an error that swings with distance.
"""

from __future__ import annotations

from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from calibration.compile import kernel
from drivers.simulated.mesh import Region

F32 = NDArray[np.float32]
U16 = NDArray[np.uint16]
I16 = NDArray[np.int16]
I64 = NDArray[np.int64]

SKIN: Final = 0.5
"""What a facing cheek sends back of the emitter's light: the noise is stated for it."""
WIGGLE_M: Final = 0.0005
WIGGLE_PERIOD_M: Final = 0.1875  # an eighth of the wavelength of 200 MHz, as harmonics of a square wave make it
_DETOUR: Final = 0.06  # of the depth below its surroundings comes on top, by light that bounced within the hollow
_LONGEST_DETOUR_M: Final = 0.012
_HOLLOW_M: Final = 0.02
_DIMMEST: Final = 0.06  # amplitude against a white surface at 0.6 m below which pixels begin to be dropped


@kernel
def _clock(
    mixed: F32, amplitude: F32, around: F32, reflect: F32, gloss: F32, region: I16, wobble: F32, offsets: I64,
    settings: F32, screen: int, out: U16,
) -> None:  # fmt: skip
    """Depth counts in mm of `mixed` metres; `around` is the mean depth of the surroundings, `settings` those of
    `measure`.
    """
    noise, base, near, far, screen_lost, screen_noise = (
        settings[0], settings[1], settings[2], settings[3], settings[4], settings[5],
    )  # fmt: skip
    mask = wobble.shape[0] - 1
    for v in range(mixed.shape[0]):
        for u in range(mixed.shape[1]):
            out[v, u] = 0
            z = mixed[v, u]
            if z <= 0.0:
                continue
            a = wobble[(v + offsets[0]) & mask, (u + offsets[1]) & mask]
            b = wobble[(v + offsets[2]) & mask, (u + offsets[3]) & mask]
            c = wobble[(v + offsets[4]) & mask, (u + offsets[5]) & mask]
            sd = noise * z * min(max(np.sqrt(SKIN / max(reflect[v, u], 0.02)), 0.7), 4.0)
            lost = base + min(max((_DIMMEST - amplitude[v, u]) / _DIMMEST, 0.0), 1.0) ** 1.5
            if gloss[v, u] > 1.2:  # saturated
                lost = 1.0
            if region[v, u] == screen:
                lost, sd = screen_lost, noise * z * screen_noise
            if 1.0 / (1.0 + np.exp(-1.702 * 0.7071 * (b + c))) < lost:
                continue
            detour = min(max(_DETOUR * (z - around[v, u]), 0.0), _LONGEST_DETOUR_M)
            swing = WIGGLE_M * np.sin(2 * np.pi * z / WIGGLE_PERIOD_M)
            z += detour + swing + sd * 0.7071 * (a + b)
            if near <= z <= far:
                out[v, u] = np.uint16(z * 1000.0 + 0.5)


def measure(z_m: F32, light: F32, region: I16, fx: float, wobble: F32, offsets: I64, settings: F32) -> U16:
    """Depth counts uint16 [H, W] in mm, 0 = no return, of true depth `z_m` float32 [H, W] and a canvas's `light`
    float32 [H, W, 4] and `region`. `settings` float32 [6]: noise on skin a metre of distance, dropout, nearest and
    farthest in metres, a screen's share lost and its scale of the noise. A pixel at an edge sees both surfaces and
    tells the mean of their distances by what each sends back; a detour only ever makes depth longer.
    """
    reflect = np.ascontiguousarray(light[..., 2])
    solid = (z_m > 0).astype(np.float32)
    returned = np.maximum(reflect, 0.01) * solid / np.maximum(z_m, 0.1) ** 2
    seen = _soft(returned, 0.7)
    mixed = np.divide(_soft(returned * z_m, 0.7), seen, out=np.zeros_like(z_m), where=seen > 1e-6)
    amplitude = np.float32(0.36) * seen
    middle = float(np.median(z_m[z_m > 0])) if solid.any() else 1.0
    side = 2 * int(fx * _HOLLOW_M / middle) + 1
    area = np.asarray(cv2.blur(solid, (side, side)), np.float32)
    total = np.asarray(cv2.blur(z_m, (side, side)), np.float32)
    around = np.divide(total, area, out=np.zeros_like(z_m), where=area > 1e-6)
    out = np.empty(z_m.shape, np.uint16)
    _clock(
        mixed * solid, amplitude, around, reflect, np.ascontiguousarray(light[..., 3]), region, wobble, offsets,
        settings, int(Region.SCREEN), out,
    )  # fmt: skip
    return out


def _soft(picture: NDArray[Any], sigma_px: float) -> F32:
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), sigma_px), np.float32)
