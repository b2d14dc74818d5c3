"""The sRGB curve (IEC 61966-2-1), both ways, on arrays of 0..1; the array's own precision is kept."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Float = TypeVar("Float", np.float32, np.float64)


def srgb_to_linear(value: NDArray[Float]) -> NDArray[Float]:
    """Coded values to linear light."""
    linear: NDArray[Float] = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    return linear


def linear_to_srgb(light: NDArray[Float]) -> NDArray[Float]:
    """Linear light to coded values."""
    coded: NDArray[Float] = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    return coded
