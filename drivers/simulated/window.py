"""The part of a picture that is rendered: whole, or the region round the face for sets of faces to train on.

A camera cut to a window is the same lens before a smaller sensor; what lies in the window comes out as in the whole
picture, but for a few pixels at its border, where filters reach outside.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from calibration.rig import Extrinsics, Intrinsics

ALIGNED_PX: Final = 4  # windows start and end where the Bayer pattern and the room's half resolution start anew


@dataclass(frozen=True, slots=True)
class Window:
    """A rectangle of pixels of a camera's picture."""

    left: int
    top: int
    width: int
    height: int

    @classmethod
    def whole(cls, camera: Intrinsics) -> Window:
        """The whole picture."""
        return cls(0, 0, camera.width, camera.height)

    @classmethod
    def around(cls, camera: Intrinsics, motion: Extrinsics, centre_m: NDArray[Any], half_m: float) -> Window:
        """What shows a cube of half side `half_m` about `centre_m` (float [3], the depth camera's frame) in a camera
        that `motion` leads to; at least `ALIGNED_PX` a side where that lies outside the picture.
        """
        x, y, z = motion.R @ np.asarray(centre_m, np.float64) + motion.t
        nearest = max(z - half_m / 2, 0.1)
        reach = half_m * max(camera.fx, camera.fy) / nearest
        u, v = camera.fx * x / z + camera.cx, camera.fy * y / z + camera.cy
        left, right = _aligned(u - reach, u + reach, camera.width)
        top, bottom = _aligned(v - reach, v + reach, camera.height)
        return cls(left, top, right - left, bottom - top)

    @property
    def slices(self) -> tuple[slice, slice]:
        """Rows and columns."""
        return slice(self.top, self.top + self.height), slice(self.left, self.left + self.width)

    def cut(self, camera: Intrinsics) -> Intrinsics:
        """The camera whose picture is the window."""
        if (self.height, self.width) == camera.shape:
            return camera
        middle = {"cx": camera.cx - self.left, "cy": camera.cy - self.top}
        return camera.model_copy(update={"width": self.width, "height": self.height, **middle})

    def placed(self, picture: NDArray[Any], camera: Intrinsics) -> NDArray[Any]:
        """The camera's whole picture, zero outside the window. `picture` [height, width, ...] itself where that is
        the whole.
        """
        if picture.shape[:2] == camera.shape:
            return picture
        whole = np.zeros((*camera.shape, *picture.shape[2:]), picture.dtype)
        whole[self.slices] = picture
        return whole


def _aligned(low: float, high: float, size: int) -> tuple[int, int]:
    """Both ends within 0..size, at multiples of `ALIGNED_PX`, apart."""
    start = int(np.clip(np.floor(low / ALIGNED_PX), 0, size // ALIGNED_PX - 1)) * ALIGNED_PX
    end = int(np.clip(np.ceil(high / ALIGNED_PX), start // ALIGNED_PX + 1, size // ALIGNED_PX)) * ALIGNED_PX
    return start, end
