"""The oracle: how well masks could be told from skin by who knew their true materials.

    python -P -m models.baselines.oracle --faces DIR      on the sessions of a simulated store's test split
    python -P -m models.baselines.oracle --choose 0.03    the share of skin-like masks for which its ACER is 3 %

It sees no picture. The material of every scene is drawn again from its seeds, and whether the true relief is a face
is given. What it cannot tell is optically skin, so that a net which does better on simulated faces has found a leak.
`--bands` shows it the four diffuse albedos alone: what the mean of every band could tell at best.
"""

from __future__ import annotations

import argparse
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from drivers.simulated.matter import sample_material
from drivers.simulated.species import FLAT, SPECIES, Difficulty, parse_species
from models import metrics
from models.datasets.faces import Faces, Sample
from models.datasets.mipd import LIVE, THREE_D, Recipe
from models.errors import DatasetError, command

log = logging.getLogger(__name__)

F64 = NDArray[np.float64]

FIRST_SEED: Final = 900_000_000  # the oracle learns from people and instruments of no split
DRAWS: Final = 60_000
BANDS: Final = slice(0, 4)  # of a material's vector
EVERYTHING: Final = slice(None)
OVERLAPS: Final = (0.03, 0.04, 0.05, 0.06, 0.07, 0.08)


def material(species: str, person: int, instrument: int, difficulty: Difficulty) -> F64:
    """The vector of the material that `sample_scene` gives a face, float64 [21], from the same seeds."""
    streams = np.random.default_rng([1, person]), np.random.default_rng([2, instrument])
    return sample_material(parse_species(species), *streams, difficulty).vector().astype(np.float64)


def draw(count: int, difficulty: Difficulty, first_seed: int = FIRST_SEED) -> tuple[F64, NDArray[np.str_]]:
    """(materials float64 [count, 21], species str [count]): half living faces, the rest masks and heads alike."""
    kinds = np.array([LIVE if n % 2 == 0 else THREE_D[n // 2 % len(THREE_D)] for n in range(count)])
    rows = [material(kind, first_seed + n, first_seed + n, difficulty) for n, kind in enumerate(kinds.tolist())]
    return np.array(rows), kinds


@dataclass(frozen=True, slots=True, eq=False)
class Oracle:
    """Gradient-boosted trees on the `fields` of a material's vector."""

    model: Any
    fields: slice

    def scores(self, materials: F64) -> F64:
        """Attack probabilities float64 [n]."""
        probabilities: F64 = self.model.predict_proba(materials[:, self.fields])[:, 1]
        return probabilities


def fit(difficulty: Difficulty, *, draws: int = DRAWS, fields: slice = EVERYTHING) -> Oracle:
    """An oracle for faces of a difficulty. Raises DatasetError where scikit-learn is missing."""
    try:
        from sklearn.ensemble import HistGradientBoostingClassifier
    except ImportError as error:
        raise DatasetError("the oracle needs scikit-learn: pip install 'trilume[train]'") from error
    materials, kinds = draw(draws, difficulty)
    model = HistGradientBoostingClassifier(random_state=0, early_stopping=True)
    model.fit(materials[:, fields], kinds != LIVE)
    return Oracle(model, fields)


def _seed(name: str) -> int:
    """The seed at the end of a simulated person's or instrument's name, 0 without one."""
    return int(name.rsplit("-", 1)[-1]) if name else 0


def material_of(sample: Sample, difficulty: Difficulty) -> F64:
    """A stored face's true material, float64 [21]; of a print or screen the skin of who is pictured."""
    return material(sample.species or LIVE, _seed(sample.subject), _seed(sample.instrument), difficulty)


def oracle_scores(faces: Faces, oracle: Oracle, difficulty: Difficulty) -> F64:
    """Attack probabilities float64 [n] of simulated faces: 1 where the true relief is no face's."""
    if any(sample.origin != "simulated" for sample in faces.samples):
        raise DatasetError("the oracle knows the materials of simulated faces only: choose a simulated store")
    scores = np.ones(len(faces))
    solid = [i for i, sample in enumerate(faces.samples) if sample.species not in FLAT]
    if solid:
        scores[solid] = oracle.scores(np.array([material_of(faces.samples[i], difficulty) for i in solid]))
    return scores


def rates(scores: F64, species: NDArray[np.str_]) -> metrics.ErrorRates:
    """Error rates at the threshold that suits these very scores best: an oracle may know it."""
    attacks = (species != LIVE) & (species != "")
    threshold = metrics.threshold_of_least_acer(scores, attacks)
    return metrics.error_rates(scores < threshold, attacks, species)


def acer_of(overlap: float, *, draws: int = DRAWS, fields: slice = EVERYTHING) -> float:
    """The oracle's ACER for masks and heads, on as many fresh draws as it has learnt from."""
    difficulty = Difficulty(overlap=overlap)
    materials, kinds = draw(draws, difficulty, FIRST_SEED + draws)
    return rates(fit(difficulty, draws=draws, fields=fields).scores(materials), kinds).acer


def choose(target_acer: float, draws: int) -> float:
    """The overlap of `OVERLAPS` whose ACER comes nearest to `target_acer`; logs every one."""
    found = {overlap: acer_of(overlap, draws=draws) for overlap in OVERLAPS}
    for overlap, acer in found.items():
        log.info("overlap %.2f: ACER of the oracle %.2f %% (simulated)", overlap, 100 * acer)
    return min(found, key=lambda overlap: abs(found[overlap] - target_acer))


@command
def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="models.baselines.oracle", description="What true materials tell.")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--faces", type=Path, help="store of simulated faces")
    what.add_argument("--choose", type=float, metavar="ACER", help="find the overlap for this ACER, 0..1")
    parser.add_argument("--draws", type=int, default=DRAWS, help="materials to learn from")
    parser.add_argument("--bands", action="store_true", help="show the oracle the diffuse albedos alone")
    given = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    if given.choose is not None:
        log.info("overlap %.2f comes nearest to ACER %.2f %%", choose(given.choose, given.draws), 100 * given.choose)
        return
    difficulty = Recipe.load(given.faces).difficulty
    oracle = fit(difficulty, draws=given.draws, fields=BANDS if given.bands else EVERYTHING)
    faces = Faces.load(given.faces, split="test", where=lambda s: not s.flat)
    found = rates(oracle_scores(faces, oracle, difficulty), faces.species)
    log.info("oracle on masks and heads, simulated: ACER %.2f %%, BPCER %s", 100 * found.acer, found.bpcer)
    for species in SPECIES:
        if species in found.per_species:
            log.info("    APCER %s %s", species, found.per_species[species])


if __name__ == "__main__":
    raise SystemExit(main())
