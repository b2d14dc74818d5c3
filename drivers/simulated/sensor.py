"""From light to counts: what the sensors of an RGB-D-IR camera make of a canvas.

Depth is found as the real thing finds it, in disparity: smoothed by the matching window, fattened at
edges, blind where the projector (or the second camera) is hidden, noisy with a correlation of some pixels,
half of it fixed in time, rounded to steps of a fraction of a pixel, and missing where too little light returns.
Time of flight is a different matter: see `time_of_flight`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from calibration.compile import kernel
from calibration.radiometric import REFERENCE_RESPONSE
from calibration.rig import AttenuationLaw, Intrinsics
from calibration.srgb import linear_to_srgb
from drivers.simulated import time_of_flight
from drivers.simulated.mesh import Region
from drivers.simulated.presets import BLACK_SHARE, PRESETS, SensorModel, sensor_model
from drivers.simulated.render import Canvas
from drivers.simulated.shading import REFERENCE_M

__all__ = ["BLACK_SHARE", "PRESETS", "Conditions", "SensorModel", "sensor_model"]

F32 = NDArray[np.float32]
U8 = NDArray[np.uint8]
U16 = NDArray[np.uint16]
I16 = NDArray[np.int16]
I64 = NDArray[np.int64]
Rng = np.random.Generator

REFERENCE_EXPOSURE_MS: Final = 4.0
REFERENCE_SHARE: Final = REFERENCE_RESPONSE
"""Share of the infrared white level that a white surface at `REFERENCE_M` reaches in the reference exposure: skin reads
105 to 120 of 255."""

_INVERSE_SQUARE: Final = AttenuationLaw(reference_m=REFERENCE_M)
_POOL_BITS: Final = 20
_TILE: Final = 512  # side of periodic noise pictures, a power of two
_COLOR_STEPS: Final = 4095


@dataclass(frozen=True, slots=True)
class Conditions:
    """What the sensors do in one scene, drawn from one distribution whatever stands before them.

    Exposures and gains are what the camera tells. `dots`: the infrared picture shows the projector's pattern, else
    a flood light's. `dropout` is the share of matches lost anywhere; `noise` scales all noise. `color_scale`,
    `balance` and `sharpen` are the colour pipeline's, `blur_px` every lens's. `screen_return` is what a screen does
    to depth: hole, plane or blobs. `fixed`: offsets of the noise that does not change in time.
    """

    infrared_exposure_ms: float
    infrared_gain: float
    color_exposure_ms: float
    color_gain: float
    color_scale: float
    balance: tuple[float, float, float]
    sharpen: float
    blur_px: float
    dots: bool
    dropout: float
    noise: float
    screen_return: str
    fixed: tuple[int, int]


def _f32(picture: NDArray[Any]) -> F32:
    """OpenCV's result as what it is."""
    return np.asarray(picture, np.float32)


@lru_cache(maxsize=1)
def noise_pool() -> F32:
    """White noise of unit variance, float32 [2^20], read at random offsets: drawing it anew costs a frame's time."""
    return np.random.default_rng(7).standard_normal(1 << _POOL_BITS, dtype=np.float32)


@lru_cache(maxsize=1)
def correlated_noise() -> F32:
    """Periodic noise of unit variance correlated over some 7 px, float32 [512, 512]: a matching window's."""
    white = np.random.default_rng(8).standard_normal((_TILE, _TILE))
    frequency = np.fft.fftfreq(_TILE)
    falloff = np.exp(-2 * (np.pi * 2.0 * frequency) ** 2)
    smooth = np.fft.ifft2(np.fft.fft2(white) * falloff[:, None] * falloff).real
    return np.ascontiguousarray(smooth / smooth.std(), np.float32)


@lru_cache(maxsize=1)
def dot_pattern() -> F32:
    """The projector's dots on its own picture plane, float32 [512, 512], periodic, mean 1."""
    rng = np.random.default_rng(9)
    pitch = 6
    rows, columns = np.mgrid[0:_TILE:pitch, 0:_TILE:pitch].reshape(2, -1) + rng.integers(0, pitch - 1, (2, 1))
    picture = np.zeros((_TILE, _TILE), np.float32)
    jitter = rng.integers(-2, 3, (2, rows.size))
    picture[(rows + jitter[0]) % _TILE, (columns + jitter[1]) % _TILE] = 1.0
    padded = cv2.GaussianBlur(np.pad(picture, 8, mode="wrap"), (0, 0), 1.1)[8:-8, 8:-8]
    return np.ascontiguousarray(0.6 + 0.4 * padded / padded.mean(), np.float32)


@lru_cache(maxsize=8)
def _vignette(camera: Intrinsics) -> F32:
    """cos⁴ of the angle off the axis, float32 [H, W]; no preset's infrared lens distorts."""
    x = (np.arange(camera.width, dtype=np.float32) - np.float32(camera.cx)) / np.float32(camera.fx)
    y = (np.arange(camera.height, dtype=np.float32) - np.float32(camera.cy)) / np.float32(camera.fy)
    return np.asarray(1.0 / (1.0 + x * x + (y * y)[:, None]) ** 2, np.float32)


@kernel
def hidden_from_projector(disparity: F32, out: U8) -> None:
    """1 where another surface stands between a point and a projector at +baseline (image right).

    A point at column u lies at u − disparity in the projector's picture. Surfaces seen by both keep their order,
    so scanning from the right a point is hidden when one further right already lies at or left of it.
    """
    h, w = disparity.shape
    for v in range(h):
        leftmost = np.float32(1e9)
        for u in range(w - 1, -1, -1):
            d = disparity[v, u]
            out[v, u] = 0
            if d <= 0.0:
                continue
            place = u - d
            if place >= leftmost + 0.5:
                out[v, u] = 1
            leftmost = min(leftmost, place)


@kernel
def _match(
    disparity: F32, smooth: F32, low: F32, high: F32, wobble: F32, hidden: U8, reflect: F32, gloss: F32, region: I16,
    offsets: I64, settings: F32, screen: int, fb: float, out: U16,
) -> None:  # fmt: skip
    """Disparity to depth counts; see `measure_depth`. `low`, `high`: its extremes within the matching window."""
    sd, step, base, near, far = settings[0], settings[1], settings[2], settings[3], settings[4]
    h, w = disparity.shape
    mask = wobble.shape[0] - 1
    for v in range(h):
        for u in range(w):
            out[v, u] = 0
            a = wobble[(v + offsets[0]) & mask, (u + offsets[1]) & mask]
            b = wobble[(v + offsets[2]) & mask, (u + offsets[3]) & mask]
            c = wobble[(v + offsets[4]) & mask, (u + offsets[5]) & mask]
            d = disparity[v, u]
            if high[v, u] - low[v, u] > 1.5:  # an edge: whoever wins the window, the nearer one mostly
                fat = high[v, u] - d > 1.5 and a + 0.5 * b > -0.3
                d = high[v, u] if fat else d
                if hidden[v, u] and not fat:
                    continue
            elif hidden[v, u]:
                continue
            else:
                d = smooth[v, u]
            if d <= 0.0:
                continue
            q = max(reflect[v, u], 0.0)
            z = fb / d
            lost = base + min(max((0.16 - q * np.sqrt(0.6 / z)) / 0.16, 0.0), 1.0) ** 1.5
            spread = sd * min(max(np.sqrt(0.5 / max(q, 0.02)), 0.85), 2.5)
            if gloss[v, u] > 1.2:  # the emitter's mirror image blinds the match
                lost = 1.0
            if region[v, u] == screen:
                lost, spread = settings[5], sd * settings[6]
            chance = 1.0 / (1.0 + np.exp(-1.702 * (0.7071 * (b + c))))
            if chance < lost:
                continue
            d += spread * 0.7071 * (a + b)
            d = np.floor(d / step + 0.5) * step
            if d <= 0.0:
                continue
            z = fb / d
            if near <= z <= far:
                out[v, u] = np.uint16(z * settings[7] + 0.5)


_SCREEN_RETURNS: Final = {  # share lost, scale of the noise
    "hole": (1.0, 1.0),
    "plane": (0.30, 6.0),
    "blobs": (0.85, 12.0),
}


def hidden(canvas: Canvas, camera: Intrinsics, model: SensorModel) -> tuple[F32, U8]:
    """(disparity float32 [H, W] in pixels, 0 = nothing; hidden uint8 [H, W]) of an infrared canvas."""
    fb = np.float32(camera.fx * model.baseline_m)
    disparity = np.zeros_like(canvas.z_m)
    np.divide(fb, canvas.z_m, out=disparity, where=canvas.z_m > 0)
    shadow = np.zeros(disparity.shape, np.uint8)
    if model.method == "triangulation":
        hidden_from_projector(disparity, shadow)
    return disparity, shadow


def measure_depth(
    canvas: Canvas, disparity: F32, shadow: U8, camera: Intrinsics, model: SensorModel, conditions: Conditions, rng: Rng
) -> U16:  # fmt: skip
    """Depth counts uint16 [H, W] of the model's `depth_unit_m`, 0 = no return."""
    lost, spread = _SCREEN_RETURNS[conditions.screen_return]
    offsets = np.concatenate([rng.integers(0, _TILE, 2), np.array(conditions.fixed), rng.integers(0, _TILE, 2)])
    if model.method == "time_of_flight":
        of_flight = np.array(
            [model.noise_at_m * conditions.noise, conditions.dropout, model.near_m, model.far_m, lost, spread],
            np.float32,
        )
        return time_of_flight.measure(
            canvas.z_m, canvas.light, canvas.region, camera.fx, correlated_noise(), offsets, of_flight
        )
    side = 2 * model.fatten_px + 1
    window = np.ones((side, side), np.uint8)
    fb = camera.fx * model.baseline_m
    settings = np.array(
        [model.disparity_sd_px * conditions.noise, model.disparity_step_px, conditions.dropout,
         model.near_m, model.far_m, lost, spread, 1.0 / model.depth_unit_m], np.float32,
    )  # fmt: skip
    counts = np.empty(disparity.shape, np.uint16)
    _match(
        disparity, _f32(cv2.blur(disparity, (5, 5))), _f32(cv2.erode(disparity, window)),
        _f32(cv2.dilate(disparity, window)),
        correlated_noise(), shadow, np.ascontiguousarray(canvas.light[..., 2]),
        np.ascontiguousarray(canvas.light[..., 3]), canvas.region, offsets, settings, int(Region.SCREEN), fb, counts,
    )  # fmt: skip
    return counts


@kernel
def _expose_infrared(
    emitter: F32, other: F32, z_m: F32, vignette: F32, disparity: F32, shadow: U8, dots: F32, use_dots: bool,
    noise: F32, start: int, fixed: int, settings: F32, out: F32,
) -> None:  # fmt: skip
    """Counts float32 [H, W] before rounding, of light and a sensor of `settings`: scale, full well in electrons, read
    noise in electrons, black share, white level; then the emitter's gain, exponent, offset and reference distance.
    """
    scale, well, read, black, white = settings[0], settings[1], settings[2], settings[3], settings[4]
    gain, exponent, offset, reference = settings[5], settings[6], settings[7], settings[8]
    h, w = emitter.shape
    mask, tile = noise.shape[0] - 1, dots.shape[0] - 1
    for v in range(h):
        for u in range(w):
            own = emitter[v, u] * gain
            if own > 0.0 and z_m[v, u] > 0.0:  # from the inverse square to the emitter's own law
                z = z_m[v, u]
                own *= ((reference + offset) / (z + offset)) ** exponent * (z / reference) ** 2
            if use_dots:
                if shadow[v, u]:
                    own = np.float32(0.0)
                place = u - disparity[v, u] + 4096.0
                left = int(place)
                t = np.float32(place - left)
                own *= dots[v & tile, left & tile] * (1 - t) + dots[v & tile, (left + 1) & tile] * t
            share = (own + other[v, u]) * vignette[v, u] * scale
            index = v * w + u
            share *= 1.0 + 0.01 * noise[(index + fixed) & mask]
            electrons = share * well
            share += np.sqrt(max(electrons, 0.0) + read * read) * noise[(index + start) & mask] / well
            out[v, u] = min(max((share + black) * white, 0.0), white)


def expose_infrared(
    canvas: Canvas, disparity: F32, shadow: U8, camera: Intrinsics, model: SensorModel, conditions: Conditions,
    rng: Rng, law: AttenuationLaw = _INVERSE_SQUARE,
) -> U8 | U16:  # fmt: skip
    """Infrared counts [H, W]: uint8 where the white level is 255, else uint16. `law` is the specimen's emitter's:
    how strong it is and how it falls off. The canvas is lit by the inverse square.
    """
    blurred = cv2.GaussianBlur(canvas.light[..., :2], (0, 0), conditions.blur_px)
    exposure = conditions.infrared_exposure_ms / REFERENCE_EXPOSURE_MS * conditions.infrared_gain
    settings = np.array(
        [REFERENCE_SHARE * exposure, 8000.0 / conditions.infrared_gain / conditions.noise, 4.0, BLACK_SHARE,
         model.white_level, law.gain, law.exponent, law.offset_m, law.reference_m], np.float32,
    )  # fmt: skip
    out = np.empty(disparity.shape, np.float32)
    _expose_infrared(
        np.ascontiguousarray(blurred[..., 0]), np.ascontiguousarray(blurred[..., 1]), canvas.z_m, _vignette(camera),
        disparity, shadow, dot_pattern(), conditions.dots and model.has_dots, noise_pool(),
        int(rng.integers(1 << _POOL_BITS)), conditions.fixed[0] * _TILE + conditions.fixed[1], settings, out,
    )  # fmt: skip
    counts = np.rint(out)
    return counts.astype(np.uint8) if model.white_level == 255 else counts.astype(np.uint16)


@kernel
def _mosaic(light: F32, balance: F32, noise: F32, start: int, settings: F32, out: U16) -> None:
    """Raw Bayer counts (RGGB) uint16 [H, W] of linear light; `settings`: exposure, shot variance a unit, read noise,
    full scale.
    """
    exposure, shot, read, full = settings[0], settings[1], settings[2], settings[3]
    h, w = out.shape
    mask = noise.shape[0] - 1
    for v in range(h):
        for u in range(w):
            band = (v & 1) + (u & 1)
            value = light[v, u, band] * exposure / balance[band]
            value += np.sqrt(max(value, 0.0) * shot + read * read) * noise[(start + v * w + u) & mask]
            out[v, u] = np.uint16(min(max(value, 0.0), 1.0) * full + 0.5)


@kernel
def _develop(raw: U16, soft: U16, gains: F32, sharpen: float, curve: U8, out: U8) -> None:
    """White balance, unsharp mask and the sRGB curve: uint16 [H, W, 3] to uint8."""
    top = curve.shape[0] - 1
    for v in range(raw.shape[0]):
        for u in range(raw.shape[1]):
            for band in range(3):
                value = np.float32(raw[v, u, band])
                value = (value + sharpen * (value - np.float32(soft[v, u, band]))) * gains[band]
                out[v, u, band] = curve[int(min(max(value, 0.0), top))]


@lru_cache(maxsize=1)
def _srgb_curve() -> U8:
    """Linear 12 bit to sRGB 8 bit, uint8 [4096]."""
    linear = np.arange(_COLOR_STEPS + 1) / _COLOR_STEPS
    return np.asarray(np.rint(255 * linear_to_srgb(linear)), np.uint8)


_RAW_GAINS: Final = np.array([1.9, 1.0, 1.6])  # a sensor's red and blue pixels see less


def expose_color(canvas: Canvas, conditions: Conditions, rng: Rng) -> U8:
    """An sRGB picture uint8 [H, W, 3]: one Bayer sensor, demosaicked, balanced and sharpened."""
    light = _f32(cv2.GaussianBlur(canvas.light, (0, 0), conditions.blur_px))
    raw = np.empty(canvas.z_m.shape, np.uint16)
    shot = conditions.color_gain * conditions.noise / 6000.0
    settings = np.array(
        [conditions.color_scale, shot, 0.0012 * conditions.noise * np.sqrt(conditions.color_gain), _COLOR_STEPS],
        np.float32,
    )
    start = int(rng.integers(1 << _POOL_BITS))
    _mosaic(light, _RAW_GAINS.astype(np.float32), noise_pool(), start, settings, raw)
    demosaicked = np.asarray(cv2.cvtColor(raw, cv2.COLOR_BayerRGGB2RGB), np.uint16)
    soft = np.asarray(cv2.GaussianBlur(demosaicked, (0, 0), 1.0), np.uint16)
    gains = (_RAW_GAINS * conditions.balance).astype(np.float32)
    picture = np.empty(demosaicked.shape, np.uint8)
    _develop(demosaicked, soft, gains, float(conditions.sharpen), _srgb_curve(), picture)
    return picture
