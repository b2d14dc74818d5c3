"""Two judges on the same faces: is one better, or is it the draw of the faces?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

F64 = NDArray[np.float64]

RESAMPLES: Final = 2000


@dataclass(frozen=True, slots=True)
class Difference:
    """ACER of the first judge minus that of the second, with its 95 % interval; `significant`: 0 lies outside."""

    value: float
    low: float
    high: float

    @property
    def significant(self) -> bool:
        return not self.low <= 0.0 <= self.high


def resampled(groups: ArrayLike, attacks: ArrayLike, rng: np.random.Generator) -> NDArray[np.int64]:
    """How often each face is drawn, int64 [n], when whole groups are drawn with replacement, live and attack apart."""
    _, group = np.unique(np.asarray(groups), return_inverse=True)
    label = np.zeros(group.max() + 1, bool)
    label[group] = np.asarray(attacks, bool)
    times = np.zeros(len(label), np.int64)
    for kind in (False, True):
        members = np.flatnonzero(label == kind)
        times += np.bincount(rng.choice(members, len(members)), minlength=len(label)) if len(members) else 0
    return times[group]


def acer_difference(
    first: ArrayLike, second: ArrayLike, attacks: ArrayLike, recordings: ArrayLike, *, seed: int = 0
) -> Difference:
    """Compares decisions bool [n] (true = accepted as live) of two judges on the same faces by the paired bootstrap.

    Recordings are resampled, not faces: frames of one session are no independent trials (Bolle, Ratha & Pankanti,
    "Error analysis of pattern recognition systems: the subsets bootstrap", 2004).
    """
    attack = np.asarray(attacks, bool)
    wrong = [np.asarray(accepted, bool) == attack for accepted in (first, second)]
    apart = wrong[0].astype(np.float64) - wrong[1]

    def difference(times: NDArray[np.int64]) -> float:
        return float((_mean(apart, times * attack) + _mean(apart, times * ~attack)) / 2)

    rng = np.random.default_rng(seed)
    drawn = [difference(resampled(recordings, attack, rng)) for _ in range(RESAMPLES)]
    low, high = np.quantile(drawn, [0.025, 0.975])
    return Difference(difference(np.ones(len(attack), np.int64)), float(low), float(high))


def _mean(values: F64, weights: NDArray[np.int64]) -> float:
    return float(values @ weights / max(weights.sum(), 1))
