"""WMCA (George et al., IEEE TIFS 2019): colour, depth, infrared and thermal of 72 people, cut to 128×128, in HDF5.

The label comes from the type in the file's name, `CLIENT_SESSION_PRESENTER_TYPE_PAI`, 0 being bona fide; the list
gives the split. Its first channel is grey, so all three of the colour planes are the same; thermal is not used.
"""

from __future__ import annotations

import csv
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

LIST = "WMCA_Grandtest.txt"
GROUPS: dict[str, Split] = {"train": "train", "dev": "dev", "eval": "test", "test": "test"}
TYPES = {0: "", 1: "facial_disguise", 2: "fake_face", 3: "photo", 4: "video"}
FLAT = ("photo", "video")


def items(root: Path, reader: Reader = read_hdf5) -> Iterator[Item]:
    """Every frame of every file of the list. Raises DatasetError for a line that does not fit."""
    listing = next(iter(sorted(root.rglob(LIST))), None)
    if listing is None:
        raise DatasetError(f"{root}: no {LIST} in it: it comes with the data set and gives the splits")
    with listing.open(newline="") as file:
        for number, row in enumerate(csv.DictReader(file), start=2):
            yield from _frames(root, f"{listing}: line {number}", row, reader)


def _frames(root: Path, where: str, row: dict[str, str], reader: Reader) -> Iterator[Item]:
    name = row.get("filepath") or ""
    fields = Path(name).name.removesuffix(".hdf5").split("_")
    group = row.get("group") or ""
    if len(fields) != 5 or not fields[3].isdigit() or int(fields[3]) not in TYPES or group not in GROUPS:
        raise DatasetError(
            f"{where} has no `CLIENT_SESSION_PRESENTER_TYPE_PAI` with type 0–4 and group of {list(GROUPS)}"
        )
    kind, pai = TYPES[int(fields[3])], fields[4]
    path = root / (name if name.endswith(".hdf5") else f"{name}.hdf5")
    for frame, pixels in enumerate(reader(path)):
        if pixels.ndim != 3 or pixels.shape[0] != 4:
            raise DatasetError(f"{path}: frame {frame} is {pixels.shape}, not four channels: take the cut version")
        yield Item(
            name=f"wmca/{name}/{frame}",
            species=f"{kind}_{pai}" if kind else "",
            flat=kind in FLAT,
            subject=fields[0] if not kind else "",  # an instrument shows no person of the set
            instrument=f"{kind}/{pai}/{fields[0]}" if kind else "",
            split=GROUPS[group],
            recording=name,
            frame=frame,
            read=partial(_pictures, pixels),
        )


def _pictures(pixels: NDArray[Any]) -> Pictures:
    grey, depth, infrared = (np.clip(channel, 0, 255).astype(np.uint8) for channel in pixels[:3])
    return Pictures(np.repeat(grey[..., None], 3, axis=2), depth, infrared)
