"""A bundle for tests that need one and no torch: nets written by hand, whose scores are known.

The attack probability is sigmoid(gain · (mean of the input − centre)): a bright input is an attack.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import openvino as ov
from openvino import opset13 as ops

from models.export import write_bundle
from pipeline.parameters import (
    FACE_SIZE,
    PLANES,
    BundleDescription,
    Preprocessing,
    Thresholds,
    default_patches,
)

GAIN = 8.0


def tiny_net(shape: list[int], centre: float) -> ov.Model:
    planes = ops.parameter(ov.PartialShape(shape), np.float32, name="planes")
    mean = ops.reduce_mean(planes, np.array([1, 2, 3]), keep_dims=False)
    logit = ops.multiply(ops.subtract(mean, np.float32(centre)), np.float32(GAIN))
    attack = ops.unsqueeze(ops.sigmoid(logit), np.array([1]))
    both = ops.concat([attack, ops.subtract(np.float32(1), attack)], 1)
    return ov.Model([both], [planes], "tiny")


def tiny_nets(centre: float = 0.5) -> tuple[ov.Model, ov.Model]:
    """(D-Net, M-Net) with the shapes of the real ones."""
    d_net = tiny_net([1, 3, FACE_SIZE, FACE_SIZE], centre)
    return d_net, tiny_net([-1, PLANES, -1, -1], centre)


def expected(planes: np.ndarray, centre: float = 0.5) -> float:
    """The attack probability that a tiny net gives for one input."""
    return float(1 / (1 + np.exp(-GAIN * (planes.mean() - centre))))


def tiny_description(sensors: tuple[str, ...] = ("sim-astra", "sim-gemini335")) -> BundleDescription:
    patches = tuple(p.model_copy(update={"weight": 1 / 36}) for p in default_patches())
    return BundleDescription(
        name="tiny",
        created="2026-01-01T00:00:00Z",
        origin="simulated",
        sensors=sensors,
        precision="f32",
        preprocessing=Preprocessing(),
        patches=patches,
        thresholds=Thresholds(),
        operating_point="none: nets written by hand for tests",
    )


def tiny_bundle(directory: Path, centre: float = 0.5) -> Path:
    """Writes a whole bundle of tiny nets; needs no torch."""
    return write_bundle(directory, tiny_description(), *tiny_nets(centre))
