"""FMix between the sum and the difference of bands, for training only (equations 19 and 20).

A mask cut from low-frequency noise takes some regions of the face from `sum`, the others from `diff`, so
that the two branches see each other's statistics and lean less on the shape of the face.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

DECAY = 3.0
SHARE = 0.8


def fourier_mask(size: int, rng: np.random.Generator, share: float = SHARE, decay: float = DECAY) -> NDArray[np.bool_]:
    """bool [size, size], true on the top `share` of Re F⁻¹(Z / f^decay), Z complex normal noise (eq. 19)."""
    axis = np.fft.fftfreq(size)
    frequency = np.maximum(np.hypot(axis[:, None], axis[None, :]), 1 / size)
    noise = rng.standard_normal((size, size)) + 1j * rng.standard_normal((size, size))
    grey = np.fft.ifft2(noise / frequency**decay).real.ravel()
    mask = np.zeros(grey.size, bool)
    top = round(share * grey.size)
    if top:
        mask[np.argpartition(grey, grey.size - top)[grey.size - top :]] = True
    return mask.reshape(size, size)


def mix(
    total: NDArray[np.uint8], difference: NDArray[np.uint8], mask: NDArray[np.bool_]
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """(mixture, complement) of `sum` and `diff` uint8 [3, S, S] under a mask bool [S, S] (eq. 20).

    Both inputs hold the same constant background, so it stays as it is.
    """
    return np.where(mask, total, difference), np.where(mask, difference, total)
