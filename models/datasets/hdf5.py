"""Frames of HDF5 files, behind a seam: h5py is needed by nobody but the importers of WMCA and 3DMAD."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from models.errors import DatasetError


class Reader(Protocol):
    """The arrays of a file, in the order of their names; named ones only where `names` are given."""

    def __call__(self, path: Path, names: tuple[str, ...] = ()) -> Iterator[NDArray[Any]]: ...


def read_hdf5(path: Path, names: tuple[str, ...] = ()) -> Iterator[NDArray[Any]]:
    """Numeric arrays of two or more dimensions; all of the file, natural order, or those called `names`.

    Raises DatasetError without h5py, and for a file that is missing, damaged or lacks a name.
    """
    try:
        h5py: Any = import_module("h5py")
    except ImportError:
        raise DatasetError("this data set is in HDF5: pip install h5py") from None
    try:
        with h5py.File(path, "r") as file:
            found: dict[str, NDArray[Any]] = {}
            file.visititems(
                lambda name, node: found.update({name: node[()]}) if isinstance(node, h5py.Dataset) else None
            )
    except OSError as error:
        raise DatasetError(f"{path}: {error}: unpack the data set again") from error
    missing = [name for name in names if name not in found]
    if missing:
        raise DatasetError(f"{path}: no array called {', '.join(missing)} in it")
    arrays = [found[name] for name in names or sorted(found, key=_natural)]
    return iter([np.asarray(a) for a in arrays if names or np.ndim(a) >= 2])


def _natural(name: str) -> tuple[tuple[int, str], ...]:
    """Frame_2 before Frame_10."""
    return tuple((int(part), "") if part.isdigit() else (0, part) for part in re.split(r"(\d+)", name))
