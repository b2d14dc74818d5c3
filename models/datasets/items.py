"""Faces of a public data set before they are read: what every importer hands over."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from models.datasets.faces import Split
from models.errors import DatasetError

U8 = NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class Pictures:
    """One face as a data set has it: `color` uint8 [h, w, 3] RGB, `depth` uint8 or uint16 [h, w] with 0 where
    unknown, `infrared` uint8 [h, w] or None."""

    color: U8
    depth: NDArray[np.uint8] | NDArray[np.uint16]
    infrared: U8 | None


@dataclass(frozen=True, slots=True, eq=False)
class Item:
    """One face of a data set before it is read. `species` is empty for a bona fide one; `read` opens its files and
    raises DatasetError where they are missing or damaged."""

    name: str
    species: str
    flat: bool
    subject: str
    instrument: str
    split: Split
    recording: str
    frame: int
    read: Callable[[], Pictures]


def picture(path: Path, color: bool = False) -> U8:
    """An image file as RGB uint8 [h, w, 3] or grey uint8 [h, w]. Raises DatasetError."""
    pixels = cv2.imread(str(path), cv2.IMREAD_COLOR if color else cv2.IMREAD_GRAYSCALE)
    if pixels is None:
        raise DatasetError(f"{path}: missing or no picture: unpack the data set again")
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB) if color else pixels, np.uint8)


def three_files(color: Path, depth: Path, infrared: Path) -> Callable[[], Pictures]:
    """Reads a face from three picture files, when asked to."""
    return lambda: Pictures(picture(color, True), picture(depth), picture(infrared))
