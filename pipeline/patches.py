"""The fixed patches of the aligned face that M-Net looks at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from pipeline import kernels
from pipeline.parameters import PLANES, Patch

F32 = NDArray[np.float32]


def by_input_size(patches: Sequence[Patch]) -> Mapping[int, list[int]]:
    """Positions that are run (weight > 0), grouped by the size the net sees them at: one batch each."""
    groups: dict[int, list[int]] = {}
    for index, patch in enumerate(patches):
        if patch.weight > 0:
            groups.setdefault(patch.input_size, []).append(index)
    return groups


def cut_patches(planes: F32, patches: Sequence[Patch]) -> F32:
    """Planes [10, S, S] cut at patches of one input size n: float32 [N, 10, n, n].

    Larger patches are area-averaged down, so that no detail aliases.
    """
    n = patches[0].input_size
    out = np.empty((len(patches), PLANES, n, n), np.float32)
    for patch, target in zip(patches, out, strict=True):
        if patch.size == n:
            target[:] = planes[:, patch.y : patch.y + n, patch.x : patch.x + n]
        else:
            kernels.resample(planes, patch.x, patch.y, patch.size, target)
    return out
