"""A frame set as pictures for the eye: upright, all on the colour grid, on scales that never move by themselves.

Drawing depth and infrared onto a 640×480 grid takes some 18 ms, more than a window may spend on a frame. While frames
run, both are drawn on every second pixel; what is read out under the cursor is registered for that pixel itself.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from calibration.rig import Intrinsics, Rig
from drivers.frames import FrameSet
from drivers.registration import register
from pipeline.faces import to_uint8
from pipeline.upright import Turn, turn_back, turn_picture

U8 = NDArray[np.uint8]
F32 = NDArray[np.float32]

NO_RETURN = (58, 62, 68)
"""Colour of pixels without depth, and of those that the infrared camera does not see: on neither scale."""

AROUND = 40  # pixels, of the parallax between the farthest that the registration expects and the far end of a room
DRAWN_WIDTH = 320  # pixels across, to which streams are thinned before they are drawn onto another grid


@dataclass(frozen=True, slots=True)
class Reading:
    """What stands under the cursor: x, y in pixels of the upright colour grid, values None where there are none."""

    x: int
    y: int
    depth_mm: float | None
    infrared: float | None
    rgb: tuple[int, int, int] | None


@dataclass(frozen=True, slots=True, eq=False)
class Pictures:
    """Pictures of one frame set, uint8 [h, w, 3] RGB upright, None where the stream is absent.

    `width` and `height` are the upright grid's; a picture drawn on fewer pixels covers all of it. `depth_mm` float32
    [h, w] (0 = no return) and `infrared_counts` float32 [h, w] (−1 = not seen) are what the pictures were made of.
    """

    frame_set: FrameSet
    width: int
    height: int
    color: U8 | None
    infrared: U8 | None
    depth_mm: F32 | None
    infrared_counts: F32 | None

    @property
    def turn(self) -> Turn:
        return self.frame_set.rig.rotation

    def depth(self, near_m: float, far_m: float) -> U8 | None:
        """Depth on the scale from `near_m` to `far_m`."""
        return None if self.depth_mm is None else depth_colors(self.depth_mm, near_m, far_m)

    def upright(self, pixels: F32) -> F32:
        """Pixels [N, 2] x, y of the delivered grid as pixels of these pictures."""
        back: Turn = (360 - self.turn) % 360  # type: ignore[assignment]
        return turn_back(pixels, back, self.width, self.height)

    def at(self, x: int, y: int) -> Reading | None:
        """The measured values at a pixel, None outside the picture."""
        if not (0 <= x < self.width and 0 <= y < self.height):
            return None
        grid, frame_set = self.frame_set.rig.grid, self.frame_set
        (u, v), *_ = turn_back(np.array([[x, y]], np.float32), self.turn, grid.width, grid.height).astype(int).tolist()
        # The neighbourhood takes in whatever depth pixel can land here, also from beyond the range of faces.
        seen = register(frame_set, (u - AROUND, v - AROUND, 2 * AROUND + 1, 2 * AROUND + 1))
        at = v - seen.region[1], u - seen.region[0]
        depth_mm = float(seen.depth_mm[at])
        infrared = -1.0 if seen.infrared is None else float(seen.infrared[at])
        rgb = None if seen.color is None else tuple(int(c) for c in seen.color[at])
        return Reading(x, y, depth_mm or None, None if infrared < 0 else infrared, rgb)  # type: ignore[arg-type]


@lru_cache(maxsize=2)
def pictures(frame_set: FrameSet, full: bool = False) -> Pictures:
    """The pictures of a frame set, made once however many views ask. `full` draws every pixel (18 ms at 640×480)."""
    rig = frame_set.rig
    turn, (height, width) = rig.rotation, rig.grid.shape
    seen = register(frame_set if full or rig.registered else _thinned(frame_set))
    infrared = None if seen.infrared is None else turn_picture(seen.infrared, turn)
    white = frame_set.infrared.white_level if frame_set.infrared else 255.0
    return Pictures(
        frame_set=frame_set,
        width=height if turn in {90, 270} else width,
        height=width if turn in {90, 270} else height,
        color=color_picture(frame_set),
        infrared=None if infrared is None else infrared_greys(infrared, white),
        depth_mm=None if frame_set.depth is None else turn_picture(seen.depth_mm, turn),
        infrared_counts=infrared,
    )


def color_picture(frame_set: FrameSet) -> U8 | None:
    """The colour picture upright, uint8 [H, W, 3] RGB."""
    if frame_set.color is None:
        return None
    return np.ascontiguousarray(turn_picture(frame_set.color.pixels, frame_set.rig.rotation))


def depth_colors(depth_mm: F32, near_m: float, far_m: float) -> U8:
    """Depth float32 [h, w] in mm on a fixed scale, uint8 [h, w, 3]; pixels of 0 mm in `NO_RETURN`."""
    slope = 254.0 / max((far_m - near_m) * 1000, 1.0)
    index = np.clip(np.float32(1 + slope * far_m * 1000) - depth_mm * np.float32(slope), 1, 255)
    index[depth_mm <= 0] = 0
    return _colored(index.astype(np.uint8), _turbo_table())


def infrared_greys(counts: F32, white_level: float) -> U8:
    """Infrared float32 [h, w] in counts as greys uint8 [h, w, 3]; −1 in `NO_RETURN`."""
    whole = np.clip(counts, 0, white_level) + np.float32(0.5)
    grey = to_uint8(whole.astype(np.uint8 if white_level <= 255 else np.uint16), white_level)
    return _colored(np.where(counts < 0, np.uint8(0), np.maximum(grey, 1)), _grey_table())


def turbo_colors() -> U8:
    """The scale of `depth_colors` from near to far, uint8 [255, 3]."""
    return np.ascontiguousarray(_turbo_table()[:0:-1, 0])


def _colored(index: U8, table: U8) -> U8:
    # OpenCV swaps nothing here: the table is stored as R, G, B.
    colored: Any = cv2.applyColorMap(index, table)
    return np.asarray(colored, np.uint8)


@lru_cache(maxsize=1)
def _turbo_table() -> U8:
    """R, G, B by index, uint8 [256, 1, 3]; index 0 means no depth."""
    ramp = cv2.applyColorMap(np.arange(256, dtype=np.uint8)[:, None], cv2.COLORMAP_TURBO)[..., ::-1].copy()
    ramp[0] = NO_RETURN
    return np.asarray(ramp, np.uint8)


@lru_cache(maxsize=1)
def _grey_table() -> U8:
    ramp = np.repeat(np.arange(256, dtype=np.uint8)[:, None, None], 3, axis=2)
    ramp[0] = NO_RETURN
    return ramp


def _step(camera: Intrinsics) -> int:
    return max(1, round(camera.width / DRAWN_WIDTH))


def _thin_camera(camera: Intrinsics) -> Intrinsics:
    """The camera that delivers every `_step`-th pixel of this one: distortion is a matter of angles and stays."""
    step = _step(camera)
    return camera.model_copy(
        update={
            "width": -(-camera.width // step),
            "height": -(-camera.height // step),
            **{name: getattr(camera, name) / step for name in ("fx", "fy", "cx", "cy")},
        }
    )


@lru_cache(maxsize=4)
def _thin_rig(rig: Rig) -> Rig:
    """Colour and depth thinned; infrared stays, it is sampled by the grid's pixels."""
    color = None if rig.color is None else _thin_camera(rig.color)
    return rig.model_copy(update={"color": color, "depth": _thin_camera(rig.depth)})


def _thinned(frame_set: FrameSet) -> FrameSet:
    depth = frame_set.depth
    if depth is not None:
        step = _step(frame_set.rig.depth)
        depth = replace(depth, pixels=np.ascontiguousarray(depth.pixels[::step, ::step]))
    return replace(frame_set, color=None, depth=depth, rig=_thin_rig(frame_set.rig))
