"""The bar that the nets must pass: hand-made features with logistic regression, and a silhouette probe.

    python -P -m models.baselines.handmade --faces DIR

`reflectance` sees what M-Net sees as statistics of each band on 6×6 cells; `silhouette` sees the outline of the
depth face and nothing else: where it does well, a D-Net may have learnt the outline of paper instead of relief.
Both are fitted on the train split and judged on the test split at 0.5.
"""

from __future__ import annotations

import argparse
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from models import metrics
from models.datasets.faces import Faces, Sample
from models.errors import command
from pipeline.parameters import FACE_SIZE

log = logging.getLogger(__name__)

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]

CELLS = 6
FLOOR = 1e-3  # below this a linear band is noise, and its logarithm would say so
STEPS = 400
RIDGES = (1e-4, 1e-3, 1e-2, 1e-1)


def _cells(pictures: F32) -> F32:
    """Means over 6×6 cells: [C, 112, 112] to [C, 36]."""
    edges = np.linspace(0, FACE_SIZE, CELLS + 1).astype(int)[:-1]
    sums = np.add.reduceat(np.add.reduceat(pictures, edges, 1), edges, 2)
    sizes = np.diff([*edges, FACE_SIZE])
    means: F32 = sums / (sizes[:, None] * sizes[None, :])
    return means.reshape(len(pictures), -1)


def reflectance_features(stack: F32, mask: NDArray[np.uint8]) -> F32:
    """Statistics of one face, float32 [F], from its linear bands [4, S, S].

    Of each band's logarithm and of log infrared minus log colour: mean and spread over the face; on 6×6 cells
    the mean and the energy of what a 5×5 mean takes away (texture). Cells without face are 0.
    """
    face = mask > 0
    logs = np.log(stack.clip(min=FLOOR)) * face
    bands = np.concatenate([logs, logs[3:] - logs[:3]])
    high = np.abs(bands - np.stack([cv2.blur(band, (5, 5)) for band in bands])) * cv2.erode(
        mask, np.ones((5, 5), np.uint8)
    )
    share = _cells(face[None].astype(np.float32)).clip(min=1 / FACE_SIZE)
    inside = bands[:, face] if face.any() else np.zeros((len(bands), 1), np.float32)
    parts = [inside.mean(1), inside.std(1), (_cells(bands) / share).ravel(), (_cells(high) / share).ravel()]
    return np.concatenate(parts).astype(np.float32)


def silhouette_features(mask: NDArray[np.uint8]) -> F32:
    """The outline alone, float32 [784]: the mask at 28×28."""
    small = cv2.resize(mask.astype(np.float32), (28, 28), interpolation=cv2.INTER_AREA)
    return small.astype(np.float32).ravel()


@dataclass(frozen=True, slots=True, eq=False)
class Logistic:
    """Logistic regression on standardised features."""

    mean: F64
    std: F64
    weights: F64
    offset: float

    def scores(self, features: F64) -> F64:
        """Attack probabilities float64 [n]."""
        return metrics.sigmoid((features - self.mean) / self.std @ self.weights + self.offset)


def fit(features: F64, attacks: NDArray[np.bool_], ridge: float) -> Logistic:
    """Fits by L-BFGS, classes weighted alike; `ridge` is the weight of the squared coefficients."""
    from scipy.optimize import minimize

    mean, std = features.mean(0), features.std(0).clip(min=1e-6)
    x = (features - mean) / std
    weight = np.where(attacks, 0.5 / attacks.sum(), 0.5 / (~attacks).sum())

    def loss(theta: F64) -> tuple[float, F64]:
        z = x @ theta[:-1] + theta[-1]
        error = weight * (metrics.sigmoid(z) - attacks)
        value = float(weight @ (np.logaddexp(0, z) - z * attacks) + ridge * theta[:-1] @ theta[:-1])
        return value, np.append(x.T @ error + 2 * ridge * theta[:-1], error.sum())

    found = minimize(loss, np.zeros(x.shape[1] + 1), jac=True, method="L-BFGS-B", options={"maxiter": STEPS})
    return Logistic(mean, std, found.x[:-1], float(found.x[-1]))


def fit_on_dev(train: tuple[F64, NDArray[np.bool_]], dev: tuple[F64, NDArray[np.bool_]]) -> Logistic:
    """The ridge of the best AUC on the development split."""
    fits = [fit(*train, ridge) for ridge in RIDGES]
    return max(fits, key=lambda model: metrics.auc(model.scores(dev[0]), dev[1]))


def _features(faces: Faces, probe: str) -> F64:
    rows = []
    for i in range(len(faces)):
        mask = faces.gather("mask", [i])[0]
        if probe == "reflectance":
            rows.append(reflectance_features(faces.gather("stack", [i])[0].astype(np.float32), mask))
        else:
            # D-Net's own outline: background is 255 in all three maps
            maps = faces.gather("depth_maps", [i])[0]
            rows.append(silhouette_features((maps != 255).any(0).astype(np.uint8)))
    return np.array(rows, np.float64)


PROBES: dict[str, Callable[[Sample], bool]] = {
    "reflectance": lambda s: s.reflectance and not (s.attack and s.flat),
    "silhouette": lambda s: not s.attack or s.flat,
}
"""Probes with the faces that they are for: masks for one, prints and screens for the other."""


def evaluate(directory: Path, probe: str) -> tuple[metrics.ErrorRates, float]:
    """(error rates at 0.5, AUC) of a probe on the test split."""
    sets = {}
    for split in ("train", "dev", "test"):
        faces = Faces.load(directory, split=split, where=PROBES[probe])
        sets[split] = (_features(faces, probe), faces)
    model = fit_on_dev((sets["train"][0], sets["train"][1].attacks), (sets["dev"][0], sets["dev"][1].attacks))
    features, faces = sets["test"]
    scores = model.scores(features)
    rates = metrics.error_rates(scores < 0.5, faces.attacks, faces.species)
    return rates, metrics.auc(scores, faces.attacks)


@command
def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="models.baselines.handmade", description="Hand-made features.")
    parser.add_argument("--faces", type=Path, required=True, help="store of prepared faces")
    given = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    for probe in PROBES:
        rates, area = evaluate(given.faces, probe)
        log.info("%s: AUC %.4f, ACER %.2f %%, BPCER %s", probe, area, 100 * rates.acer, rates.bpcer)
        for species, value in rates.per_species.items():
            log.info("    APCER %s %s", species, value)


if __name__ == "__main__":
    raise SystemExit(main())
