"""Make-up: changes what is seen in colour and is clear in infrared, as dyes are; worn by some, on some days."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from drivers.simulated.materials import NIR, Palette, Texture
from drivers.simulated.mesh import Region

Rng = np.random.Generator

WORN: Final = 0.35  # share of faces
_LIPSTICKS: Final = np.array([[0.45, 0.08, 0.09], [0.35, 0.06, 0.12], [0.50, 0.20, 0.20], [0.20, 0.04, 0.06]])
_SKIN: Final = (Region.SKIN, Region.MASK, Region.MASK_EYE_HOLE_RIM)
_LIPS: Final = (Region.LIPS, Region.MASK_LIPS)


def with_makeup(palette: Palette, rng: Rng) -> Palette:
    """A palette whose face may wear foundation, blush and lipstick, each more or less. Infrared stays what it was.

    A mask's paint is made up with the same odds: lipstick is no sign of life.
    """
    worn = rng.random() < WORN
    foundation, lipstick, blush = rng.random(3) < (0.6, 0.7, 0.5)
    tone, opacity, even = rng.uniform(0.9, 1.1, 3), rng.uniform(0.3, 0.9), rng.uniform(0.3, 0.8)
    color, cover = _LIPSTICKS[rng.integers(len(_LIPSTICKS))] * rng.uniform(0.7, 1.3), rng.uniform(0.4, 0.9)
    rouge = rng.uniform(0.3, 1.5)
    if not worn:
        return palette
    albedo, surface = palette.albedo.copy(), palette.surface.copy()
    if foundation:
        _cover(albedo, surface, tone * opacity + (1 - opacity), float(even))
    if lipstick:
        lips = list(_LIPS)
        albedo[lips, :NIR] += np.float32(cover) * (color.astype(np.float32) - albedo[lips, :NIR])
    return replace(palette, albedo=albedo, surface=surface, blush=palette.blush + (float(rouge) if blush else 0.0))


def _cover(albedo: NDArray[np.float32], surface: NDArray[np.float32], tone: NDArray[np.float64], left: float) -> None:
    """Foundation: another tone, and a part `left` of the pigments' pattern; what infrared sees of it stays."""
    skin = list(_SKIN)
    albedo[skin, :NIR] *= tone.astype(np.float32)
    surface[np.ix_(skin, [Texture.MELANIN, Texture.FRECKLES, Texture.BLOOD])] *= np.float32(left)
    surface[np.ix_(skin, [Texture.NIR_MELANIN, Texture.NIR_BLOOD])] /= np.float32(left)
