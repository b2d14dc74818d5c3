"""Cameras mounted on their side: faces are sought in the upright picture, everything else stays as delivered."""

from __future__ import annotations

from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

Turn = Literal[0, 90, 180, 270]

_CODES = {90: cv2.ROTATE_90_CLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_COUNTERCLOCKWISE}


def turn_picture(picture: NDArray[Any], turn: Turn) -> NDArray[Any]:
    """The picture turned clockwise by `turn` degrees."""
    return picture if turn == 0 else cv2.rotate(picture, _CODES[turn])


def turn_back(pixels: NDArray[np.float32], turn: Turn, width: int, height: int) -> NDArray[np.float32]:
    """Pixels [N, 2] of the turned picture to pixels of the delivered one, `width` × `height`."""
    x, y = pixels[:, 0], pixels[:, 1]
    if turn == 90:
        x, y = y, height - 1 - x
    elif turn == 180:
        x, y = width - 1 - x, height - 1 - y
    elif turn == 270:
        x, y = width - 1 - y, x
    return np.column_stack([x, y]).astype(np.float32)


def turn_points(points: NDArray[np.float64], turn: Turn) -> NDArray[np.float64]:
    """Points [N, 3] of the camera, turned clockwise about the optical axis (x right, y down)."""
    angle = np.deg2rad(turn)
    cos, sin = np.cos(angle), np.sin(angle)
    x, y = points[:, 0], points[:, 1]
    return np.column_stack([cos * x - sin * y, sin * x + cos * y, points[:, 2]])
