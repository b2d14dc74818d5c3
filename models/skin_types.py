"""Are living people of every skin type rejected alike, or is it the draw of the people?

Frames of one person are no independent trials: whom a net takes for an attack once, it takes for one again. So the
interval of a rate is that of drawing people anew, and types are told apart only where dealing them out among the same
people by chance would seldom set the rates as far apart.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from models.metrics import Rate, rate
from models.operating_point import CascadeScores
from pipeline.parameters import Thresholds

F64 = NDArray[np.float64]

DRAWS: Final = 10_000


@dataclass(frozen=True, slots=True)
class TypeRate:
    """BPCER of one of Fitzpatrick's types: `frames` counts them, `low` and `high` are of drawing its `people` anew;
    `rejected_people` had at least one frame rejected."""

    kind: int
    frames: Rate
    people: int
    rejected_people: int
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class SkinTypes:
    """`chance`: share of random dealings of the types among the people that set their rates at least as far apart."""

    rates: tuple[TypeRate, ...]
    chance: float

    def lines(self) -> list[str]:
        """A table in Markdown and the chance, empty without types."""
        if not self.rates:
            return []
        rows = [
            f"| {one.kind} | {100 * one.frames.value:.2f} % ({one.frames.count}/{one.frames.total}) "
            f"| {one.rejected_people} of {one.people} | {100 * one.low:.2f}–{100 * one.high:.2f} % |"
            for one in self.rates
        ]
        head = [
            "| skin type | BPCER, frames | people with a frame rejected | 95 %, people drawn anew |",
            "|---|---|---|---|",
        ]
        what = "Types dealt out among the same people by chance set the rates as far apart or farther"
        return [*head, *rows, "", f"{what} in {100 * self.chance:.1f} % of {DRAWS:,} draws."]


def skin_types(scores: CascadeScores, thresholds: Thresholds) -> SkinTypes:
    """BPCER by skin type of the faces that are live and state one."""
    samples = scores.faces.samples
    chosen = [i for i, sample in enumerate(samples) if not sample.attack and sample.skin_type > 0]
    rejected = ~scores.accepted(thresholds)[chosen]
    return compare(rejected, [samples[i].skin_type for i in chosen], [samples[i].subject for i in chosen])


def compare(rejected: ArrayLike, types: ArrayLike, people: ArrayLike, *, seed: int = 0) -> SkinTypes:
    """Decisions bool [n] on live faces by their types int [n] and people str [n]; a person is of one type."""
    wrong, kinds = np.asarray(rejected, bool), np.asarray(types, int)
    if not len(wrong):
        return SkinTypes((), 1.0)
    _, first, who = np.unique(np.asarray(people), return_index=True, return_inverse=True)
    frames = np.bincount(who).astype(np.float64)
    errors = np.bincount(who, wrong).astype(np.float64)
    of_person, rng = kinds[first], np.random.default_rng(seed)
    rates = tuple(_rate(int(kind), errors, frames, of_person == kind, rng) for kind in np.unique(of_person))
    found = _spread(errors, frames, of_person)
    dealt = [_spread(errors, frames, rng.permutation(of_person)) for _ in range(DRAWS)]
    return SkinTypes(rates, float(np.mean(np.array(dealt) >= found * (1 - 1e-9))))


def _rate(kind: int, errors: F64, frames: F64, of: NDArray[np.bool_], rng: np.random.Generator) -> TypeRate:
    mine, shown = errors[of], frames[of]
    drawn = rng.integers(len(mine), size=(DRAWS, len(mine)))
    low, high = np.quantile(mine[drawn].sum(1) / shown[drawn].sum(1), [0.025, 0.975])
    counted = rate(int(mine.sum()), int(shown.sum()))
    return TypeRate(kind, counted, len(mine), int((mine > 0).sum()), float(low), float(high))


def _spread(errors: F64, frames: F64, of_person: NDArray[np.int_]) -> float:
    """How far the types' rates lie from the rate of all: squares, weighted with the frames."""
    wrong, shown = np.bincount(of_person, errors), np.bincount(of_person, frames)
    apart = wrong / shown.clip(min=1) - errors.sum() / frames.sum()
    return float((shown * apart**2).sum())
