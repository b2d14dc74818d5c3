"""Scores of trained nets over stored faces, patch by patch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.augmentation import Infrared, channels_last, cut, fused_planes, raw_infrared
from models.datasets.faces import Faces
from models.networks import ATTACK, CascadeNet
from models.precision import mixed
from pipeline.parameters import Patch

F64 = NDArray[np.float64]

BATCH = 32


def _batches(count: int, batch: int) -> Iterator[NDArray[np.int64]]:
    for start in range(0, count, batch):
        yield np.arange(start, min(start + batch, count))


def _attack(net: CascadeNet, inputs: Tensor, bf16: bool) -> NDArray[np.float32]:
    device = net.mean.device
    with torch.inference_mode(), mixed(device.type, bf16):
        logits = net(channels_last(inputs.to(device))).float()
    out: NDArray[np.float32] = torch.softmax(logits, 1)[:, ATTACK].cpu().numpy()
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


def stored_planes(faces: Faces, indices: NDArray[np.int64], infrared: Infrared = "distance_free") -> Tensor:
    """M-Net's planes float32 [n, 10, 112, 112] as the pipeline makes them, or with infrared as the camera saw it."""
    if infrared == "distance_free":
        return torch.from_numpy(faces.planes(indices))
    parameters = faces.preprocessing.reflectance
    stack = faces.gather("stack", indices).astype(np.float32)
    stack = raw_infrared(stack, [faces.samples[i] for i in indices], parameters)
    return torch.from_numpy(fused_planes(stack, parameters))


def score_patches(
    net: CascadeNet,
    faces: Faces,
    patches: Sequence[Patch],
    *,
    bf16: bool = False,
    infrared: Infrared = "distance_free",
    within: NDArray[np.bool_] | None = None,
) -> F64:
    """M-Net's attack probabilities at every position, weighted or not: float64 [n, P]. `within` bool [112, 112]: the
    rest of every face becomes background first.
    """
    net.eval()
    out = np.empty((len(faces), len(patches)))
    for i in _batches(len(faces), BATCH // 4):
        planes = stored_planes(faces, i, infrared)
        if within is not None:
            planes *= torch.from_numpy(within.astype(np.float32))
        for where, inputs in cut_all(planes, patches):
            out[i[:, None], where] = _attack(net, inputs, bf16).reshape(len(where), len(i)).T
    return out


def ensemble(scores: F64, patches: Sequence[Patch]) -> F64:
    """The weighted mean over positions, float64 [n]: C(x) of Algorithm 1 as a probability."""
    weights = np.array([p.weight for p in patches])
    mean: F64 = scores @ (weights / weights.sum())
    return mean
