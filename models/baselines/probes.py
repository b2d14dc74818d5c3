"""Leak probes: may a face be judged by something that is no property of a face?

    python -P -m models.baselines.probes --faces DIR [--frames 600] [--m-net NET]

A probe is a logistic regression on a few features that ought to tell nothing: metadata, the order in the store, the
room behind, noise away from the face. Fitted on the train split, it must not beat chance on the test split, else the
simulator gives labels away. Informative probes say how far the crudest properties of faces go; they may tell.
`--frames` renders that many whole frames by the store's recipe, for the probes that look outside the face. `--m-net`
says what a trained M-Net tells when all faces have one and the same outline.
"""

from __future__ import annotations

import argparse
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from drivers.simulated.room import LIGHTS
from drivers.simulated.sensor import PRESETS
from drivers.simulated.species import FLAT
from models import metrics
from models.baselines.handmade import fit, silhouette_features
from models.baselines.paired import resampled
from models.baselines.shots import SHOT_FEATURES, shots
from models.datasets.faces import Faces, Sample
from models.datasets.mipd import LIVE, Recipe
from models.errors import command
from models.options import count_or_none
from pipeline.parameters import FACE_SIZE

log = logging.getLogger(__name__)

F64 = NDArray[np.float64]

RIDGE: Final = 1e-2
RESAMPLES: Final = 1000
FEW: Final = 24  # features that also enter squared: a spread may tell where a mean does not
CELLS: Final = 16
CONFIDENCE: Final = 0.99  # several probes are read at once
OUTLINE: Final = (54.0, 56.0), (56.0, 44.0)  # centre, half axes (y, x) in pixels: hair and ears lie beyond


@dataclass(frozen=True, slots=True, eq=False)
class Examples:
    """Features of one split: float64 [n, F], bool [n], and the recording of each, str [n]."""

    features: F64
    attacks: NDArray[np.bool_]
    recordings: NDArray[np.str_]


@dataclass(frozen=True, slots=True)
class Finding:
    """What a probe tells of the test split: AUC with its 99 % interval over recordings."""

    name: str
    auc: float
    low: float
    high: float
    faces: int
    must_be_chance: bool

    @property
    def leak(self) -> bool:
        return self.must_be_chance and self.low > 0.5

    def __str__(self) -> str:
        verdict = "LEAK" if self.leak else "chance" if self.low <= 0.5 else "tells"
        return f"{self.name:32} {self.auc:.3f} [{self.low:.3f}, {self.high:.3f}] {self.faces:6d} {verdict}"


@dataclass(frozen=True, slots=True)
class Probe:
    """Features of stored faces, float64 [n, F], and the faces that they are for."""

    name: str
    features: Callable[[Faces], F64]
    applies_to: Callable[[str], bool]
    must_be_chance: bool


def masks(species: str) -> bool:
    """Living faces and worn masks."""
    return species not in FLAT and species != "mannequin_head"


def solid(species: str) -> bool:
    return species not in FLAT


def flat(species: str) -> bool:
    """Living faces, prints and screens."""
    return species in FLAT or species in (LIVE, "")


def anything(species: str) -> bool:  # noqa: ARG001
    return True


def metadata(faces: Faces) -> F64:
    """Sensor, light, exposure, distance, place in the recording and pose of the head, float64 [n, F]."""
    return np.array([_metadata(sample) for sample in faces.samples])


def _metadata(sample: Sample) -> list[float]:
    own = [sample.infrared_exposure_ms, sample.distance_m, sample.yaw_deg, sample.pitch_deg, sample.frame]
    return [*own, *(sample.sensor == f"sim-{name}" for name in PRESETS), *(sample.light == name for name in LIGHTS)]


def order(faces: Faces) -> F64:
    """The row in the store, and its waves: float64 [n, 9]."""
    place = np.arange(len(faces)) / len(faces)
    waves = [f(2 * np.pi * k * place) for k in (1, 2, 4, 8) for f in (np.sin, np.cos)]
    return np.stack([place, *waves], axis=1)


def _each(faces: Faces, function: Callable[[Faces, int], NDArray[np.float32]]) -> F64:
    return np.array([function(faces, i) for i in range(len(faces))], np.float64)


def outline(faces: Faces) -> F64:
    """The mask at 28×28."""
    return _each(faces, lambda all_, i: silhouette_features(all_.gather("mask", [i])[0]))


def cell_means(bands: slice) -> Callable[[Faces], F64]:
    """Means of bands of the linear stack over 16×16 cells of 7 px."""

    def means(faces: Faces, i: int) -> NDArray[np.float32]:
        stack = faces.gather("stack", [i])[0, bands].astype(np.float32)
        side = FACE_SIZE // CELLS
        cells: NDArray[np.float32] = stack.reshape(len(stack), CELLS, side, CELLS, side).mean(axis=(2, 4))
        return cells.ravel()

    return lambda faces: _each(faces, means)


def mean_infrared(faces: Faces) -> F64:
    """Mean of distance-free infrared over the face."""
    return _each(faces, lambda all_, i: all_.gather("stack", [i])[0, 3].astype(np.float32).mean(keepdims=True)[0])


def inner_noise(faces: Faces) -> F64:
    """Energy of neighbours' differences in F1 and infrared."""

    def energies(all_: Faces, i: int) -> NDArray[np.float32]:
        pictures = (all_.gather("depth_maps", [i])[0, 0], all_.gather("stack", [i])[0, 3])
        return np.array([_roughness(np.asarray(picture, np.float32)) for picture in pictures], np.float32)

    return _each(faces, energies)


def _roughness(picture: NDArray[np.float32]) -> float:
    middle = picture[FACE_SIZE // 4 : -FACE_SIZE // 4, FACE_SIZE // 4 : -FACE_SIZE // 4]
    return float(np.log(1e-6 + np.abs(np.diff(middle, 2, axis=1)).mean()))


PROBES: Final = (
    Probe("metadata", metadata, anything, must_be_chance=True),
    Probe("order in the store", order, anything, must_be_chance=True),
    # A mask is as much wider than a head as it is thick, and a hood covers the hair: see `outlined_alike`.
    Probe("silhouette, masks", outline, masks, must_be_chance=False),
    Probe("silhouette, prints", outline, flat, must_be_chance=False),
    Probe("mean infrared, masks", mean_infrared, solid, must_be_chance=False),
    Probe("colour cells, masks", cell_means(slice(0, 3)), solid, must_be_chance=False),
    Probe("infrared cells, masks", cell_means(slice(3, 4)), solid, must_be_chance=False),
    Probe("noise inside the face, masks", inner_noise, solid, must_be_chance=False),
)


def judge(name: str, train: Examples, test: Examples, *, must_be_chance: bool, seed: int = 0) -> Finding:
    """Fits on one split and measures on another; the interval resamples recordings (subsets bootstrap)."""
    mean, std = train.features.mean(axis=0), train.features.std(axis=0).clip(min=1e-9)
    model = fit(_bent(train.features, mean, std), train.attacks, RIDGE)
    scores = model.scores(_bent(test.features, mean, std))
    rng = np.random.default_rng(seed)
    areas = []
    for _ in range(RESAMPLES):
        drawn = np.repeat(np.arange(len(scores)), resampled(test.recordings, test.attacks, rng))
        areas.append(metrics.auc(scores[drawn], test.attacks[drawn]))
    low, high = np.quantile(areas, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    area = metrics.auc(scores, test.attacks)
    return Finding(name, area, float(low), float(high), len(scores), must_be_chance)


def _bent(features: F64, mean: F64, std: F64) -> F64:
    plain = (features - mean) / std
    return np.concatenate([plain, plain**2], axis=1) if plain.shape[1] <= FEW else plain


def findings(directory: Path, probes: Sequence[Probe] = PROBES) -> Iterator[Finding]:
    """What each probe tells of a store's faces that hold reflectance."""
    sets = {split: Faces.load(directory, split=split, where=lambda s: s.reflectance) for split in ("train", "test")}
    for probe in probes:
        examples = []
        for faces in sets.values():
            fitting = faces.take([i for i, species in enumerate(faces.species) if probe.applies_to(str(species))])
            examples.append(Examples(probe.features(fitting), fitting.attacks, fitting.recordings))
        yield judge(probe.name, *examples, must_be_chance=probe.must_be_chance)


def frame_findings(recipe: Recipe, count: int) -> Iterator[Finding]:
    """What lies outside the face in `count` whole frames, half of them of the train split, by a recipe's plan."""
    rows: Mapping[str, list[Mapping[str, F64]]] = {"train": [], "test": []}
    kinds: Mapping[str, list[str]] = {"train": [], "test": []}
    for shot in shots(recipe, count):
        rows[shot.split].append({name: probe(shot) for name, (probe, _, _) in SHOT_FEATURES.items()})
        kinds[shot.split].append(shot.species)
    for name, (_, applies_to, must_be_chance) in SHOT_FEATURES.items():
        examples = []
        for split in ("train", "test"):
            keep = [i for i, kind in enumerate(kinds[split]) if applies_to(kind)]
            features = np.array([rows[split][i][name] for i in keep])
            attacks = np.array([kinds[split][i] != LIVE for i in keep])
            examples.append(Examples(features, attacks, np.array([str(i) for i in keep])))
        yield judge(name, *examples, must_be_chance=must_be_chance)


def outlined_alike(net: Path, directory: Path) -> tuple[float, float]:
    """AUC of M-Net on living faces, masks and heads of the test split: as they are, and cut to one ellipse.

    It looks at the whole face. Raises TrainingError where `net` is no M-Net.
    """
    from models.augmentation import ellipse
    from models.networks import load_net
    from models.scoring import score_patches
    from models.tasks import ReflectanceTask

    m_net, _ = load_net(net, "m_net")
    faces = Faces.load(directory, split="test", where=lambda s: s.reflectance and not s.flat)
    inside = ellipse(*(np.array(pair) for pair in OUTLINE))
    scores = [score_patches(m_net, faces, ReflectanceTask.positions, within=cut)[:, 0] for cut in (None, inside)]
    whole, alike = (metrics.auc(each, faces.attacks) for each in scores)
    return whole, alike


@command
def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="models.baselines.probes", description="Do simulated labels leak?")
    parser.add_argument("--faces", type=Path, required=True, help="store of simulated faces")
    parser.add_argument(
        "--frames", type=count_or_none, default=0, help="whole frames to render for what lies outside the face"
    )
    parser.add_argument("--m-net", type=Path, metavar="NET", help="a trained M-Net: does it live on the outline?")
    given = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    log.info("%-32s AUC [99 %% interval]  faces, simulated", "probe")
    found = list(findings(given.faces))
    if given.frames:
        found += frame_findings(Recipe.load(given.faces), given.frames)
    for finding in found:
        log.info("%s", finding)
    if given.m_net:
        whole, alike = outlined_alike(given.m_net, given.faces)
        log.info("M-Net, masks and heads: AUC %.4f, with all outlines cut to one ellipse %.4f", whole, alike)
    leaks = [finding.name for finding in found if finding.leak]
    log.info("leaks: %s", ", ".join(leaks) or "none found")


if __name__ == "__main__":
    raise SystemExit(main())
