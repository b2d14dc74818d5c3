"""The person's picture as in a mirror, and where the face is in it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QImage

from pipeline.faces import Face, to_uint8
from pipeline.runner import Shown
from pipeline.upright import Turn, turn_back, turn_picture

Oval = tuple[float, float, float]
"""Centre x, y and the side of the face's square, in shares of the upright picture's width."""


def mirror(shown: Shown) -> QImage | None:
    """The colour picture as in a mirror, else the infrared one; owned."""
    frame_set = shown.frame_set
    turn = frame_set.rig.rotation
    pixels: NDArray[np.uint8]
    if frame_set.color is not None:
        pixels = np.ascontiguousarray(turn_picture(frame_set.color.pixels, turn)[:, ::-1])
        form = QImage.Format.Format_RGB888
    elif frame_set.infrared is not None:
        grey = to_uint8(frame_set.infrared.pixels, frame_set.infrared.white_level)
        pixels = np.ascontiguousarray(turn_picture(grey, turn)[:, ::-1])
        form = QImage.Format.Format_Grayscale8
    else:
        return None
    height, width = pixels.shape[:2]
    picture: QImage = QImage(pixels.data, width, height, pixels.strides[0], form).copy()  # it aliases its buffer
    return picture


def oval(shown: Shown) -> Oval | None:
    """Where the face is in the mirror."""
    face, rig = shown.result.face, shown.frame_set.rig
    if face is None:
        return None
    x, y, side = _place(face, rig.rotation, rig.grid.width, rig.grid.height)
    width = rig.grid.height if rig.rotation in (90, 270) else rig.grid.width
    return 1 - (x + 0.5) / width, (y + 0.5) / width, side / width


def _place(face: Face, turn: Turn, width: int, height: int) -> tuple[float, float, float]:
    """Centre and side of the face's square in pixels of the upright picture."""
    square = face.canonical_square()
    back: Turn = (360 - turn) % 360  # type: ignore[assignment]
    upright = (height, width) if turn in (90, 270) else (width, height)
    ((x, y),) = turn_back(np.array([square.center], np.float32), back, *upright).tolist()
    return x, y, square.side


def followed(before: Oval | None, now: Oval | None) -> Oval | None:
    """Half way to where the face is now: the outline follows without trembling."""
    if before is None or now is None or abs(before[0] - now[0]) > 0.3 * now[2]:
        return now
    return tuple((a + b) / 2 for a, b in zip(before, now, strict=True))  # type: ignore[return-value]
