"""The bundle's two nets, compiled for the processor of this machine."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from drivers.errors import BundleError
from pipeline.bundle import REMEDY, Bundle
from pipeline.inference import core, infer_request
from pipeline.parameters import FACE_SIZE, PLANES, Patch
from pipeline.patches import by_input_size, cut_patches

F32 = NDArray[np.float32]
Hint = Literal["f32", "bf16"]

PRECISION_HINTS: Mapping[str, Hint] = {"f32": "f32", "bf16": "bf16", "int8": "f32"}

INT8_THREADS = 2
"""OpenVINO 2026.3 ends the process with a segmentation fault where it compiles INT8 at f32 for one thread."""


class NonFiniteError(ArithmeticError):
    """A net was shown something that is no number, or answered with something that is no probability."""


def _attack(request: Any, planes: F32) -> NDArray[np.float64]:
    """Attack probabilities [N] of a batch; copied, since OpenVINO reuses its output at the next call."""
    if not np.isfinite(planes).all():  # a net may well answer NaN with a number
        raise NonFiniteError("a net was asked for what is no number")
    request.infer({0: planes})
    scores = np.array(request.get_output_tensor(0).data, np.float64)[:, 0]
    if not np.isfinite(scores).all() or scores.min() < -1e-3 or scores.max() > 1.001:
        raise NonFiniteError(f"net output is no probability: {scores}")
    return np.clip(scores, 0.0, 1.0)


class Nets:
    """D-Net and M-Net of one bundle. One thread at a time."""

    def __init__(self, bundle: Bundle, threads: int = 2) -> None:
        self._patches: Sequence[Patch] = bundle.description.patches
        self._groups = by_input_size(self._patches)
        description = bundle.description
        hint = PRECISION_HINTS[description.precision]
        self._d_net = self._compile(bundle, description.d_net, [1, 3, FACE_SIZE, FACE_SIZE], hint, threads)
        hint = PRECISION_HINTS[description.m_net_precision or description.precision]
        self._m_net = {
            size: self._compile(bundle, description.m_net, [len(group), PLANES, size, size], hint, threads)
            for size, group in self._groups.items()
        }

    @staticmethod
    def _compile(bundle: Bundle, name: str, shape: list[int], hint: Hint, threads: int) -> Any:
        try:
            model = core().read_model(bundle.file(name))
            model.reshape(shape)
            if any(op.get_type_name() == "FakeQuantize" for op in model.get_ops()):
                threads = max(threads, INT8_THREADS)
                if len(os.sched_getaffinity(0)) < INT8_THREADS:
                    raise BundleError(f"{bundle.file(name)}: INT8 needs {INT8_THREADS} cores: use a bundle in f32")
            return infer_request(model, hint, threads)
        except RuntimeError as error:
            reason = str(error).strip().splitlines()[-1]
            raise BundleError(f"{bundle.file(name)}: OpenVINO cannot load it ({reason}): {REMEDY}") from error

    def depth(self, maps: NDArray[np.uint8]) -> float:
        """D-Net's attack probability of F1, F2, F3, uint8 [3, 112, 112]. Raises NonFiniteError."""
        planes = maps[None].astype(np.float32) * np.float32(1 / 255)
        return float(_attack(self._d_net, planes)[0])

    def reflectance(self, planes: F32) -> tuple[float, tuple[float | None, ...]]:
        """M-Net's weighted attack probability of planes [10, 112, 112], and each position's (None where unused).

        Raises NonFiniteError.
        """
        scores: list[float | None] = [None] * len(self._patches)
        total = 0.0
        for size, group in self._groups.items():
            patches = [self._patches[index] for index in group]
            batch = _attack(self._m_net[size], cut_patches(planes, patches))
            for index, patch, score in zip(group, patches, batch.tolist(), strict=True):
                scores[index] = score
                total += patch.weight * score
        return total, tuple(scores)
