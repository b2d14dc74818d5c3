"""The simulated MIPD: how many faces of what, drawn from whom, seen how; the recipe that a store remembers.

Counts are of rendered frames at scale 1 and follow Tables I and II of the paper. Its columns become species so:

* "curved" 455 / 283 attacks (train / test): curved, folded and wrapped prints, a third each;
* "flat" 1134 / 768: flat and trimmed prints and screens, a third each;
* "simulated" 3612 / 2227 (there: prints rendered in software): all eight 2-D species, an eighth each;
* 3-D masks 1134 / 768: the six mask species, a sixth each;
* 3-D heads 5786 / 3177: a quarter mannequin heads, an eighth of each mask species: the paper does not say which of
  its heads were worn, and its materials (clay with wax, silicone, resin) are our masks' materials too.

Living faces: curved 1290 / 320, flat 1289 / 684 (the masks' column repeats it), simulated 3901 / 1172, heads
3464 / 1767. The paper has no development split: ours is `DEV_SHARE` of its train counts, with people and
instruments of its own.

Beside the set stand parts that no table of the paper knows: `far`, `exposure` and `prints` for testing, `thresholds`
with many more people for the development split, `more` and `twins`, with which the shipped M-Net learns. Its errors
fall with the number of scenes, not of moments, so each of their scenes has one. Twins are scenes that are seen alive
and again as a mask or head, all else equal: whoever learns the person, the room or the light of one by heart learns
nothing from it.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Literal, get_args

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

import drivers.simulated
from drivers.simulated.scenes import DISTANCE_M
from drivers.simulated.sensor import PRESETS
from drivers.simulated.species import FLAT, SPECIES, Difficulty, Mask, Species
from models.datasets.faces import Split
from models.errors import DatasetError

LIVE: Final = "live"
FRAMES: Final = 3  # moments of a scene, half a second apart: what time does not change costs no second scene
DEV_SHARE: Final = 0.15
FAR_M: Final = (0.9, 1.25)
EXPOSURES: Final = (0.5, 0.7, 1.4, 2.0)
MORE_LIVE: Final = 12_000
TWINS: Final = 7_000
MANY_LIVE: Final = 2_000  # of as many people: a BPCER of 5 % within 1 point
SESSIONS: Final = 122  # none accepted of as many: at most 3 %, two-sided, 95 % (Clopper and Pearson)
_JUDGED: Final = {"screen_replay": 0.25, "cutout_print": 0.6}  # share of sessions with a frame that is judged; else 0.8

Part = Literal["main", "far", "exposure", "more", "prints", "twins", "thresholds"]
Counts = Mapping[Split, Mapping[Species, int]]

_LIVE = {"curved": (1290, 320), "flat": (1289, 684), "simulated": (3901, 1172), "heads": (3464, 1767)}
_ATTACKS = {
    "curved": (455, 283),
    "flat": (1134, 768),
    "simulated": (3612, 2227),
    "masks": (1134, 768),
    "heads": (5786, 3177),
}
_SHARES: Final[Mapping[str, Mapping[Species, float]]] = {
    "curved": dict.fromkeys(("curved_print", "folded_print", "wrapped_print"), 1 / 3),
    "flat": dict.fromkeys(("flat_print", "trimmed_print", "screen_replay"), 1 / 3),
    "simulated": {species: 1 / len(FLAT) for species in SPECIES if species in FLAT},
    "masks": dict.fromkeys(get_args(Mask), 1 / 6),
    "heads": {**dict.fromkeys(get_args(Mask), 1 / 8), "mannequin_head": 1 / 4},
}
THREE_D: Final = tuple(species for species in SPECIES if species != LIVE and species not in FLAT)


def _table(column: int) -> dict[Species, float]:
    """Frames of each species in the paper's train (0) or test (1) counts."""
    counts: dict[Species, float] = dict.fromkeys(SPECIES, 0.0)
    counts[LIVE] = sum(pair[column] for pair in _LIVE.values())
    for kind, pair in _ATTACKS.items():
        for species, share in _SHARES[kind].items():
            counts[species] += share * pair[column]
    return counts


def counts_of(part: Part) -> Counts:
    """Frames of each species in each split at scale 1."""
    if part == "far":
        return {"test": {LIVE: 1200, **dict.fromkeys(THREE_D, 174)}}
    if part == "exposure":
        return {"test": {LIVE: 1200, **dict.fromkeys(SPECIES[1:], 84)}}
    if part == "prints":
        sessions = {s: FRAMES * round(SESSIONS / _JUDGED.get(s, 0.8)) for s in SPECIES if s in FLAT}
        return {"test": {LIVE: FRAMES * SESSIONS, **sessions}}
    if part == "thresholds":
        shares = {s: 40 if s in FLAT else 5 if s == "mannequin_head" else 10 for s in SPECIES[1:]}
        return {"dev": {LIVE: MANY_LIVE, **{s: MANY_LIVE // share for s, share in shares.items()}}}
    if part in ("more", "twins"):
        live = MORE_LIVE if part == "more" else TWINS
        # Heads count double: without rims and seams their material alone tells them.
        return {"train": {LIVE: live, **{s: live // (4 if s == "mannequin_head" else 8) for s in THREE_D}}}
    train, test = _table(0), _table(1)
    return {
        "train": {species: round((1 - DEV_SHARE) * n) for species, n in train.items()},
        "dev": {species: round(DEV_SHARE * n) for species, n in train.items()},
        "test": {species: round(n) for species, n in test.items()},
    }


def simulator_version() -> str:
    """Fingerprint of the simulator's code, whatever its comments and layout: other code, other pictures."""
    digest = hashlib.sha256()
    for path in sorted(Path(next(iter(drivers.simulated.__path__))).glob("*.py")):
        digest.update(path.name.encode() + ast.dump(ast.parse(path.read_bytes())).encode())
    return digest.hexdigest()[:16]


class Pool(BaseModel):
    """Seeds `first` … `first + scenes`, and the people and instruments (of each species) that scenes draw from."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    first: int
    people: int
    instruments: int


_POOLS: Final[Mapping[Split, Pool]] = {
    "train": Pool(first=10_000_000, people=400, instruments=120),
    "dev": Pool(first=20_000_000, people=80, instruments=40),
    "test": Pool(first=30_000_000, people=200, instruments=80),
}
_LARGE_POOLS: Final[Mapping[Part, Mapping[Split, Pool]]] = {
    "more": {"train": Pool(first=_POOLS["train"].first, people=6000, instruments=1500)},
    "twins": {"train": Pool(first=_POOLS["train"].first, people=20_000, instruments=5000)},
    "thresholds": {"dev": Pool(first=40_000_000, people=20_000, instruments=1000)},
}
_SCENE_BLOCK: Final = 100_000  # seeds kept for the scenes of one species in one part
_PARTS: Final = get_args(Part)


class Recipe(BaseModel):
    """All that decides what a store of simulated faces holds, but for the preprocessing."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    part: Part = "main"
    scale: float = Field(default=1.0, gt=0)
    frames: int = Field(default=FRAMES, gt=0)
    counts: Counts
    pools: Mapping[Split, Pool] = _POOLS
    presets: tuple[str, ...] = tuple(PRESETS)
    distance_m: tuple[float, float] = DISTANCE_M
    exposures: tuple[float, ...] = (1.0,)
    overlap: float = Field(default=Difficulty().overlap, ge=0, le=1)
    chunk: int = Field(default=24, gt=0)  # scenes of one shard
    simulator: str = Field(default_factory=simulator_version)

    @classmethod
    def of(cls, part: Part = "main", *, scale: float = 1.0, overlap: float | None = None) -> Recipe:
        """The recipe of a part: `far`, `exposure` and `prints` (of each 2-D species as many sessions as resolve a
        rate of 3 %) are for testing only, on the test split's people; `thresholds` is for the development split, `more`
        and `twins` for training only.
        """
        return cls(
            part=part,
            scale=scale,
            frames=1 if part in _LARGE_POOLS else FRAMES,
            counts=counts_of(part),
            pools=_LARGE_POOLS.get(part, _POOLS),
            distance_m=FAR_M if part == "far" else DISTANCE_M,
            exposures=EXPOSURES if part == "exposure" else (1.0,),
            overlap=Difficulty().overlap if overlap is None else overlap,
        )

    @property
    def hash(self) -> str:
        """16 hexadecimal digits that change with any field."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:16]

    @property
    def difficulty(self) -> Difficulty:
        return Difficulty(overlap=self.overlap)

    def keep_in(self, directory: Path) -> None:
        """Writes recipe.json into a store's folder; raises DatasetError where another one is kept there."""
        path = directory / "recipe.json"
        if path.exists():
            kept = Recipe.load(directory)
            if kept != self:
                mine, other = self.model_dump(), kept.model_dump()
                changed = ", ".join(sorted(name for name in mine if mine[name] != other[name]))
                raise DatasetError(f"{path} differs in {changed}: write into another folder")
            return
        directory.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        part.write_text(self.model_dump_json(indent=2) + "\n")
        part.replace(path)

    @classmethod
    def load(cls, directory: Path) -> Recipe:
        """The recipe of a store. Raises DatasetError where there is none."""
        path = directory / "recipe.json"
        try:
            return cls.model_validate_json(path.read_bytes())
        except (OSError, ValidationError) as error:
            reason = str(error).splitlines()[0]
            raise DatasetError(f"{path}: {reason}; give a folder of simulated faces") from error


@dataclass(frozen=True, slots=True)
class Job:
    """One scene to render."""

    split: Split
    species: Species
    seed: int
    person: int
    instrument: int
    preset: str
    exposure: float

    @property
    def name(self) -> str:
        return f"{self.split}-{self.species}-{self.seed}"


def plan(recipe: Recipe) -> list[Job]:
    """Every scene of the set, species and splits mixed, so that a part of it is a small set and not a lopsided one.

    Within a species sensors take turns, and exposures within a sensor. People are shared by living faces and
    attacks of one split: the same person is seen alive and in several instruments.
    """
    planned: list[tuple[Job, ...]] = []
    for split, counts in recipe.counts.items():
        for species, frames in counts.items():
            scenes = max(1, round(frames * recipe.scale / recipe.frames))
            if recipe.part != "twins":
                planned += [(job,) for job in _jobs(recipe, split, species, scenes)]
            elif species != LIVE:
                attacks = _jobs(recipe, split, species, scenes)
                planned += [(replace(job, species=LIVE), job) for job in attacks]
    order = np.random.default_rng(0).permutation(len(planned))
    return [job for i in order for job in planned[i]]


def _jobs(recipe: Recipe, split: Split, species: Species, scenes: int) -> Iterator[Job]:
    pool, kind = recipe.pools[split], SPECIES.index(species)
    first = pool.first + _SCENE_BLOCK * (kind + len(SPECIES) * _PARTS.index(recipe.part))
    draws = np.random.default_rng([4, first]).integers([pool.people, pool.instruments], size=(scenes, 2))
    for n, (who, which) in enumerate(draws.tolist()):
        yield Job(
            split,
            species,
            seed=first + n,
            person=pool.first + who,
            instrument=pool.first + kind * _SCENE_BLOCK + which,
            preset=recipe.presets[n % len(recipe.presets)],
            exposure=recipe.exposures[n // len(recipe.presets) % len(recipe.exposures)],
        )
