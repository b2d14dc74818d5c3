"""Reflectance stage: distance-free bands and their fusions, M-Net's inputs (equations 5, 11, 15 to 20).

I = D(d)·ρ·cosθ: dividing by the law D of the camera's light leaves what the skin sends back. Only
infrared light comes from the camera, so only infrared is divided by distance, exposure and gain. Colour is
lit by the room, whose light is not known: its exposure already follows the face, and dividing by it would
bring the room's brightness back in.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from calibration.rig import AttenuationLaw
from calibration.srgb import srgb_to_linear
from drivers.frames import Image
from drivers.registration import Registered, without_holes
from pipeline import kernels
from pipeline.depth_stage import Surface
from pipeline.parameters import FACE_SIZE, ReflectanceParameters

F32 = NDArray[np.float32]
U8 = NDArray[np.uint8]

CLOSE_PX = 9  # holes of depth up to this width on the aligned face are still face


@dataclass(frozen=True, slots=True, eq=False)
class Bands:
    """The aligned face in its bands: `color` float32 [S, S, 3] sRGB 0..255, `infrared` float32 [S, S]
    share of the white level, −1 where unseen; `depth_mm` float32 [S, S] without holes; `mask` uint8 [S, S].
    """

    color: F32
    infrared: F32
    depth_mm: F32
    mask: U8


def align_bands(registered: Registered, surface: Surface, white_level: float) -> Bands:
    """Colour and infrared on the aligned grid. The mask is the surface with its holes closed, where infrared
    is seen: whether a pupil returned depth must not show in the bands.
    """
    if registered.color is None or registered.infrared is None:
        raise ValueError("the reflectance stage needs colour and infrared")
    color = _aligned(registered.color.astype(np.float32), surface)
    infrared = _aligned(registered.infrared[..., None] / np.float32(white_level), surface)[..., 0]
    closed: U8 = np.asarray(
        cv2.morphologyEx(surface.mask, cv2.MORPH_CLOSE, np.ones((CLOSE_PX, CLOSE_PX), np.uint8)), np.uint8
    )
    seen = (infrared >= 0) & (color[..., 0] >= 0)
    depth_mm = without_holes(np.ascontiguousarray(surface.points[..., 2]))
    return Bands(color, infrared, depth_mm, closed * seen.astype(np.uint8))


def _aligned(picture: F32, surface: Surface) -> F32:
    out = np.empty((FACE_SIZE, FACE_SIZE, picture.shape[2]), np.float32)
    kernels.align_picture(np.ascontiguousarray(picture), surface.to_source, surface.samples, out)
    return out


def attenuation(depth_mm: F32, parameters: ReflectanceParameters, law: AttenuationLaw | None) -> F32:
    """D(d) with D(reference) = 1, float32 [S, S]; `law` is the camera's own, where it was calibrated, and then the
    reference is the law's: its gain was measured there.
    """
    d = np.maximum(depth_mm, 1.0) / np.float32(1000)
    if parameters.attenuation == "beer_lambert":
        falloff = np.exp(-parameters.beer_lambert_per_m * (d - parameters.reference_m))
        return falloff.astype(np.float32)
    if parameters.attenuation == "inverse_square":
        return np.square(np.float32(parameters.reference_m) / d)
    used = law or parameters.law
    ratio = np.float32(used.reference_m + used.offset_m) / (d + np.float32(used.offset_m))
    return np.power(ratio, np.float32(used.exponent))


def distance_free(bands: Bands, image: Image, parameters: ReflectanceParameters, law: AttenuationLaw | None) -> F32:
    """ir_abd, equation 11: (I − dark)/(exposure·gain·response·D(d)), float32 [S, S]; exposure and gain count from
    the bundle's reference and are 1 where the camera does not tell; the response is the law's own `gain`.
    """
    used = law or parameters.law
    dark = used.dark_level / image.white_level
    exposure = 1.0 if image.exposure_ms is None else image.exposure_ms / parameters.reference_exposure_ms
    gain = 1.0 if image.gain is None else image.gain
    light = attenuation(bands.depth_mm, parameters, law) * np.float32(max(exposure * gain * used.gain, 1e-6))
    free: F32 = np.maximum(bands.infrared - np.float32(dark), 0) / light
    return free


@lru_cache(maxsize=4)
def _tables(gamma: float) -> tuple[F32, F32]:
    value = np.arange(256) / 255
    linear = srgb_to_linear(value).astype(np.float32)
    corrected = np.floor(255 * value**gamma + 0.5).astype(np.float32)
    return linear, corrected


def fuse(bands: Bands, infrared: F32, parameters: ReflectanceParameters) -> tuple[F32, U8, U8]:
    """(stack float32 [4, S, S], sum uint8 [3, S, S], diff uint8 [3, S, S]), 0 outside the face."""
    stack = np.empty((4, FACE_SIZE, FACE_SIZE), np.float32)
    total = np.empty((3, FACE_SIZE, FACE_SIZE), np.uint8)
    difference = np.empty((3, FACE_SIZE, FACE_SIZE), np.uint8)
    linear, gamma = _tables(parameters.gamma)
    kernels.fuse(
        bands.color, infrared, bands.mask, linear, gamma, float(parameters.infrared_scale),
        stack, total, difference,
    )  # fmt: skip
    return stack, total, difference
