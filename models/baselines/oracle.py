"""The oracle: how well masks could be told from skin by who knew their true materials.

    python -P -m models.baselines.oracle --faces DIR      on the sessions of a simulated store's test split
    python -P -m models.baselines.oracle --choose 0.03    the share of skin-like masks for which its ACER is 3 %

It sees no picture. The material of every scene is drawn again from its seeds, and whether the true relief is a face
is given. What it cannot tell is optically skin, so that a net which does better on simulated faces has found a leak.
`--bands` shows it the four diffuse albedos alone: what the mean of every band could tell at best. `--seen` shows it
every number as a camera can know it at best: the room's light, colour balance and exposure, the emitter's tolerance and
infrared from the sun stand between a band and its reading. Nothing else is kept from it, no noise is added. `--error`
makes it read gloss, shade and the pigments' contrast from a picture, as a net must: 1 stands for `READING`. Without,
it knows living faces by numbers that are constants of the simulator, and no camera could.
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

from drivers.simulated.matter import NIR, sample_material
from drivers.simulated.room import sample_lamps, sample_light
from drivers.simulated.scenes import BALANCE, DISTANCE_M, EMITTER_TOLERANCE
from drivers.simulated.shading import REFERENCE_M, Lamp
from drivers.simulated.species import FLAT, SPECIES, Difficulty, parse_species
from models import metrics
from models.datasets.faces import Faces, Sample
from models.datasets.mipd import LIVE, THREE_D, Recipe
from models.errors import DatasetError, command
from models.options import count, positive, share

log = logging.getLogger(__name__)

F64 = NDArray[np.float64]

FIRST_SEED: Final = 900_000_000  # the oracle learns from people and instruments of no split
DRAWS: Final = 60_000
BANDS: Final = slice(0, 4)  # of a material's vector
EVERYTHING: Final = slice(None)
LIPS: Final = slice(4, 8)
LIT: Final = np.array([0.7, 0.5, 0.5])  # share of the key lamp, the sky and the ground that reaches a face's front
READING: Final = {8: 0.06, 9: 0.01, 10: 0.1, 11: 0.03, 12: 0.03, 13: 0.03, 17: 0.06, 18: 0.06}
"""Deviations with which a picture tells roughness, f0, lobe, wrap, melanin, blood, nir_melanin and nir_blood, by their
places in `Material.vector`. They are assumed: a third of what attacks vary by to more than all of it."""
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


def as_seen(materials: F64, seeds: Sequence[int], error: float = 0.0) -> F64:
    """Materials float64 [n, 21] with the bands of skin and lips as a camera reads them in some room of the simulator,
    one for each of `seeds`: colour up to its brightness, which exposure follows, and up to tint and balance; infrared
    with the emitter's tolerance and what the room adds to it. The numbers of `READING` are `error` times as uncertain.
    """
    pairs = zip(materials, seeds, strict=True)
    factors: F64 = np.array([_readings(row, np.random.default_rng([6, seed])) for row, seed in pairs])
    read = materials * factors
    if not error:
        return read
    noise = np.array([np.random.default_rng([7, seed]).standard_normal(len(READING)) for seed in seeds])
    read[:, list(READING)] += error * noise * list(READING.values())
    return read


def _readings(material: F64, rng: np.random.Generator) -> F64:
    """The factor on each number of one material's vector."""
    lamps, _ = sample_lamps(rng, 0.0, float(np.exp(rng.normal(0.0, EMITTER_TOLERANCE))), sample_light(rng))
    power = lamps[:, Lamp.POWER : Lamp.POWER + 4].astype(np.float64)
    room = LIT @ power[1:]
    factors = room * (rng.uniform(*BALANCE), 1.0, rng.uniform(*BALANCE), 1.0)
    factors[:NIR] /= (factors * material[BANDS])[1]
    factors[NIR] = power[0, NIR] + room[NIR] * (rng.uniform(*DISTANCE_M) / REFERENCE_M) ** 2
    out = np.ones(len(material))
    out[BANDS] = out[LIPS] = factors
    return out


@dataclass(frozen=True, slots=True, eq=False)
class Oracle:
    """Gradient-boosted trees on the `fields` of a material's vector: as it is, or with an `error` as it is seen."""

    model: Any
    fields: slice
    error: float | None = None

    def shown(self, materials: F64, seeds: Sequence[int]) -> F64:
        """What it looks at of materials float64 [n, 21] in the scenes `seeds`."""
        return (materials if self.error is None else as_seen(materials, seeds, self.error))[:, self.fields]

    def scores(self, materials: F64, seeds: Sequence[int]) -> F64:
        """Attack probabilities float64 [n]."""
        probabilities: F64 = self.model.predict_proba(self.shown(materials, seeds))[:, 1]
        return probabilities


def fit(
    difficulty: Difficulty, *, draws: int = DRAWS, fields: slice = EVERYTHING, error: float | None = None
) -> Oracle:
    """An oracle for faces of a difficulty, told true materials or, with an `error`, what is seen of them.

    Raises DatasetError where scikit-learn is missing.
    """
    try:
        from sklearn.ensemble import HistGradientBoostingClassifier
    except ImportError as missing:
        raise DatasetError("the oracle needs scikit-learn: pip install 'trilume[train]'") from missing
    materials, kinds = draw(draws, difficulty)
    model = HistGradientBoostingClassifier(random_state=0, early_stopping=True)
    oracle = Oracle(model, fields, error)
    model.fit(oracle.shown(materials, range(FIRST_SEED, FIRST_SEED + draws)), kinds != LIVE)
    return oracle


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
        materials = np.array([material_of(faces.samples[i], difficulty) for i in solid])
        scores[solid] = oracle.scores(materials, [faces.samples[i].seed for i in solid])
    return scores


def rates(scores: F64, species: NDArray[np.str_]) -> metrics.ErrorRates:
    """Error rates at the threshold that suits these very scores best: an oracle may know it."""
    attacks = (species != LIVE) & (species != "")
    threshold = metrics.threshold_of_least_acer(scores, attacks)
    return metrics.error_rates(scores < threshold, attacks, species)


def acer_of(overlap: float, *, draws: int = DRAWS) -> float:
    """The oracle's ACER for masks and heads, on as many fresh draws as it has learnt from."""
    difficulty = Difficulty(overlap=overlap)
    materials, kinds = draw(draws, difficulty, FIRST_SEED + draws)
    seeds = range(FIRST_SEED + draws, FIRST_SEED + 2 * draws)
    return rates(fit(difficulty, draws=draws).scores(materials, seeds), kinds).acer


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
    what.add_argument("--choose", type=share, metavar="ACER", help="find the overlap for this ACER, 0..1")
    parser.add_argument("--draws", type=count, default=DRAWS, help="materials to learn from")
    parser.add_argument("--bands", action="store_true", help="show the oracle the diffuse albedos alone")
    parser.add_argument("--seen", action="store_true", help="show it every number as a camera can know it")
    parser.add_argument("--error", type=positive, metavar="FACTOR", help="read what a picture tells, 1 = as assumed")
    given = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    error = 0.0 if given.seen and given.error is None else given.error
    if given.choose is not None:
        log.info("overlap %.2f comes nearest to ACER %.2f %%", choose(given.choose, given.draws), 100 * given.choose)
        return
    difficulty = Recipe.load(given.faces).difficulty
    oracle = fit(difficulty, draws=given.draws, fields=BANDS if given.bands else EVERYTHING, error=error)
    faces = Faces.load(given.faces, split="test", where=lambda s: not s.flat)
    found = rates(oracle_scores(faces, oracle, difficulty), faces.species)
    log.info("oracle on masks and heads, simulated: ACER %.2f %%, BPCER %s", 100 * found.acer, found.bpcer)
    for species in SPECIES:
        if species in found.per_species:
            log.info("    APCER %s %s", species, found.per_species[species])


if __name__ == "__main__":
    raise SystemExit(main())
