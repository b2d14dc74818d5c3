"""Infrared with and without the projector's dots: what the camera says of each picture, checked by the picture.

A projector that alternates leaves every other infrared picture free of dots. Metadata that is missing, late by a frame
or stuck would pass off a dotted picture as a clean one.
"""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Final, Protocol, runtime_checkable

import cv2
import numpy as np

from drivers.frames import Image

_WIDTH: Final = 320  # to which a picture is binned: the sensor's noise averages out, dots some 3 px apart stay
_WINDOW: Final = 5  # binned pixels: wider than the dots are apart
_BLOCK: Final = 16
_DARK: Final = 0.06  # share of the white level: darker than this or brighter than the next, a block tells nothing
_BRIGHT: Final = 0.9
_BLOCKS: Final = 12  # lit ones, fewer tell nothing: half a face at arm's length
DOTTED: Final = 0.16
"""Contrast from which on a picture shows dots: the middle, by factors, between the most that pictures without dots
reach (0.13, a time-of-flight camera's noise at 256 pixels' width; simulated 0.06) and the least that simulated dots
reach beside a window (0.20). Halftone prints, cloth or hair exceed it here and there, dots in most of the picture."""


def dot_contrast(image: Image) -> float | None:
    """How much neighbouring pixels differ for their brightness, in the median block of an infrared picture.

    None where too little is lit, or all is saturated. 0.2 ms at 640 × 480.
    """
    height, width = image.pixels.shape
    bin_px = max(1, width // _WIDTH)
    blocks = width // (bin_px * _BLOCK), height // (bin_px * _BLOCK)
    if min(blocks) == 0:
        return None
    size = blocks[0] * _BLOCK, blocks[1] * _BLOCK
    whole = image.pixels[: size[1] * bin_px, : size[0] * bin_px]
    binned = cv2.resize(whole, size, interpolation=cv2.INTER_AREA).astype(np.float32)
    around = cv2.blur(binned, (_WINDOW, _WINDOW))
    brightness = cv2.resize(around, blocks, interpolation=cv2.INTER_AREA) / image.white_level
    difference = cv2.resize(cv2.absdiff(binned, around), blocks, interpolation=cv2.INTER_AREA) / image.white_level
    lit = (brightness > _DARK) & (brightness < _BRIGHT)
    if lit.sum() < _BLOCKS:
        return None
    return float(np.median(difference[lit] / brightness[lit]))


def shows_dots(image: Image) -> bool | None:
    """Whether an infrared picture shows a projector's dots; None where it cannot be told. Sunlight drowns them."""
    contrast = dot_contrast(image)
    return None if contrast is None else contrast >= DOTTED


@runtime_checkable
class Doubting(Protocol):
    """A source that compares what its camera says of the projector with its pictures."""

    @property
    def disputed(self) -> int:
        """Infrared pictures that contradict what the camera said of them."""
        ...


class Alternation:
    """Settles `emitter_on` of one camera's infrared pictures in turn, once its projector is known to alternate: by
    `known`, or since the camera has said both.

    Where metadata is missing the picture decides, where both agree it stands. Where they contradict each other nobody
    knows: None, which nobody takes for clean, and `disputed` counts it. In sunlight, where no dots are to be seen, so
    it is with every picture under the projector. Any thread.
    """

    def __init__(self, known: bool = False) -> None:
        self.known, self.disputed = known, 0
        self._said: set[bool] = set()
        self._lock = threading.Lock()

    def settled(self, image: Image) -> Image:
        """The picture, saying of the projector what may be relied on."""
        said = image.emitter_on
        with self._lock:
            if said is not None:
                self._said.add(said)
            if not self.known and len(self._said) < 2:
                return image
        seen = shows_dots(image)
        if seen is None or seen == said:
            return image
        if said is None:
            return replace(image, emitter_on=seen)
        with self._lock:
            self.disputed += 1
        return replace(image, emitter_on=None)
