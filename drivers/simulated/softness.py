"""Light that enters a surface and leaves it beside: what makes skin look soft, the more the redder the light.

Light is spread over neighbouring pixels of surfaces that scatter, in proportion to how much they do (`Texture.WRAP`);
shapes, outlines and mirror images stay sharp. A soft mask scatters as skin does, a hard one less.
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from calibration.rig import Intrinsics
from drivers.simulated.materials import Palette, Texture
from drivers.simulated.mesh import Region
from drivers.simulated.render import Canvas

F32 = NDArray[np.float32]

NIR_REACH_M: Final = 0.0021  # to 1/e in skin at 850 nm
RED_REACH: Final = 0.3  # of that
_FULL_WRAP: Final = 0.1  # of a surface as soft as skin
_FAR_SHARE: Final = 0.6  # of its light that leaves far from where it came; the rest returns within a fraction of it
_SCATTERING: Final = (
    Region.SKIN, Region.LIPS, Region.HAND, Region.TONGUE, Region.MASK, Region.MASK_EYE_HOLE_RIM, Region.MASK_LIPS,
)  # fmt: skip


def soften(canvas: Canvas, palette: Palette, camera: Intrinsics) -> None:
    """Spreads the light of a canvas where it shows what scatters; depth and what depth is measured by stay."""
    share = scattering(palette)[canvas.region]  # nothing (−1) is the last entry
    places = np.flatnonzero(share.any(axis=1)), np.flatnonzero(share.any(axis=0))
    if not places[0].size:
        return
    part = slice(places[0][0], places[0][-1] + 1), slice(places[1][0], places[1][-1] + 1)
    share, light = np.ascontiguousarray(share[part]), canvas.light[part]
    reach_px = NIR_REACH_M * camera.fx / float(np.median(canvas.z_m[part][share > 0]))
    if light.shape[2] == 3:
        light[..., 0] = spread(light[..., 0], share, RED_REACH * reach_px)
        return
    mirrored = light[..., 3]
    light[..., 0] = spread(light[..., 0] - mirrored, share, reach_px) + mirrored
    if light[..., 1].any():
        light[..., 1] = spread(light[..., 1], share, reach_px)


def scattering(palette: Palette) -> F32:
    """Share of light that spreads, 0..1, of each region and, last, of nothing: float32 [regions + 1]."""
    share = np.zeros(len(Region) + 1, np.float32)
    wrap = palette.surface[list(_SCATTERING), Texture.WRAP]
    share[list(_SCATTERING)] = _FAR_SHARE * np.clip(wrap / _FULL_WRAP, 0.0, 1.0)
    return share


def spread(light: F32, share: F32, reach_px: float) -> F32:
    """`light` float32 [H, W] with its `share` [H, W] spread to 1/e at `reach_px`, within what scatters only: evenly
    lit, evenly coloured skin stays as it is.
    """
    sigma = reach_px / np.sqrt(2)
    around = cv2.GaussianBlur(share, (0, 0), sigma)
    mean = cv2.GaussianBlur(light * share, (0, 0), sigma) / np.maximum(around, 1e-6)
    return np.asarray(light + share * (mean - light), np.float32)
