"""Scores of trained nets over stored faces, patch by patch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.augmentation import channels_last, cut
from models.datasets.faces import Faces
from models.networks import ATTACK, CascadeNet
from pipeline.parameters import Patch

F64 = NDArray[np.float64]

BATCH = 32


def _batches(count: int, batch: int) -> Iterator[NDArray[np.int64]]:
    for start in range(0, count, batch):
        yield np.arange(start, min(start + batch, count))


def _attack(net: CascadeNet, inputs: Tensor, bf16: bool) -> NDArray[np.float32]:
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=bf16):
        logits = net(channels_last(inputs)).float()
    out: NDArray[np.float32] = torch.softmax(logits, 1)[:, ATTACK].numpy()
    return out


def score_depth(net: CascadeNet, faces: Faces, *, bf16: bool = False) -> F64:
    """D-Net's attack probabilities float64 [n]."""
    net.eval()
    parts = [_attack(net, torch.from_numpy(faces.depth_maps(i)), bf16) for i in _batches(len(faces), BATCH)]
    return np.concatenate(parts).astype(np.float64)


def cut_all(planes: Tensor, patches: Sequence[Patch]) -> list[tuple[list[int], Tensor]]:
    """Patches of planes [B, 10, 112, 112] by input size: [(their positions, [P·B, 10, n, n] patch-major)]."""
    groups: dict[int, list[int]] = {}
    for position, patch in enumerate(patches):
        groups.setdefault(patch.input_size, []).append(position)
    return [(where, torch.cat([cut(planes, patches[p]) for p in where])) for where in groups.values()]


def score_patches(net: CascadeNet, faces: Faces, patches: Sequence[Patch], *, bf16: bool = False) -> F64:
    """M-Net's attack probabilities at every position, weighted or not: float64 [n, P]."""
    net.eval()
    out = np.empty((len(faces), len(patches)))
    for i in _batches(len(faces), BATCH // 4):
        planes = torch.from_numpy(faces.planes(i))
        for where, inputs in cut_all(planes, patches):
            out[i[:, None], where] = _attack(net, inputs, bf16).reshape(len(where), len(i)).T
    return out


def ensemble(scores: F64, patches: Sequence[Patch]) -> F64:
    """The weighted mean over positions, float64 [n]: C(x) of Algorithm 1 as a probability."""
    weights = np.array([p.weight for p in patches])
    mean: F64 = scores @ (weights / weights.sum())
    return mean
