"""3DMAD (Erdogmus and Marcel, BTAS 2013): 17 people and rigid masks of them before a Kinect, in HDF5, no infrared.

Files are called SUBJECT_SESSION_SHOT.hdf5; session 3 is the masks. Faces have no reflectance and serve D-Net only.
Splits by person: 7, 5 and 5.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.datasets.faces import Split
from models.datasets.hdf5 import Reader, read_hdf5
from models.datasets.items import Item, Pictures
from models.errors import DatasetError

ARRAYS = ("Color_Data", "Depth_Data", "Eye_Pos")
MASK_SESSION = "03"
EYES_APART = 0.38  # of the aligned face's side
EYES_DOWN = 0.40
SLACK_MM = 120  # of depth around the face's median; what is farther away is no face


def items(root: Path, reader: Reader = read_hdf5) -> Iterator[Item]:
    """Every frame of every file under `root`. Raises DatasetError for names or shapes of another form."""
    for path in sorted(root.rglob("*.hdf5")):
        fields = path.stem.split("_")
        if len(fields) != 3 or not fields[0].isdigit():
            raise DatasetError(f"{path}: not called SUBJECT_SESSION_SHOT.hdf5")
        yield from _frames(path, fields, reader)


def _frames(path: Path, fields: list[str], reader: Reader) -> Iterator[Item]:
    color, depth, eyes = reader(path, ARRAYS)
    if color.ndim != 4 or depth.ndim != 4 or eyes.shape != (len(color), 4):
        raise DatasetError(f"{path}: {', '.join(ARRAYS)} have shapes {color.shape}, {depth.shape}, {eyes.shape}")
    attack = fields[1] == MASK_SESSION
    person = int(fields[0])
    split: Split = "train" if person <= 7 else "dev" if person <= 12 else "test"
    for frame in range(len(color)):
        pixels = color[frame], depth[frame, 0], eyes[frame]
        yield Item(
            name=f"3dmad/{path.stem}/{frame}",
            species="rigid_mask" if attack else "",
            flat=False,
            subject="" if attack else fields[0],
            instrument=f"mask/{fields[0]}" if attack else "",
            split=split,
            recording=path.stem,
            frame=frame,
            read=partial(_pictures, *pixels),
        )


def _pictures(color: NDArray[Any], depth: NDArray[Any], eyes: NDArray[Any]) -> Pictures:
    """The face's square, placed by the eyes: y, x of both, in pixels."""
    (y0, x0), (y1, x1) = eyes[:2].astype(float), eyes[2:].astype(float)
    side = max(16, round(float(np.hypot(y1 - y0, x1 - x0)) / EYES_APART))
    left, top = round((x0 + x1) / 2 - side / 2), round((y0 + y1) / 2 - EYES_DOWN * side)
    window = slice(max(0, top), max(0, top) + side), slice(max(0, left), max(0, left) + side)
    z = depth[window].astype(np.uint16)
    if not z.any():
        return Pictures(np.moveaxis(color, 0, -1)[window].astype(np.uint8), z, None)
    middle = np.median(z[z > 0])
    near = np.abs(z.astype(np.int32) - middle) <= SLACK_MM
    return Pictures(np.moveaxis(color, 0, -1)[window].astype(np.uint8), np.where(near, z, 0).astype(np.uint16), None)
