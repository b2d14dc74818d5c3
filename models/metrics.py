"""Figures of presentation attack detection (ISO/IEC 30107-3), with counts and 95 % intervals.

Scores are probabilities of an attack; a face is accepted where its score is below the threshold.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

F64 = NDArray[np.float64]
Bools = NDArray[np.bool_]

LOGIT_CLIP = 1e-6


@dataclass(frozen=True, slots=True)
class Rate:
    """`count` of `total` with its Clopper–Pearson interval; all NaN where `total` is 0."""

    count: int
    total: int
    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{100 * self.value:.2f} % ({self.count}/{self.total}, 95 % {100 * self.low:.2f}–{100 * self.high:.2f})"


def rate(count: int, total: int, confidence: float = 0.95) -> Rate:
    """A rate with its exact binomial interval (Clopper and Pearson, Biometrika 26, 1934)."""
    from scipy.special import betaincinv

    if total == 0:
        return Rate(0, 0, np.nan, np.nan, np.nan)
    tail = (1 - confidence) / 2
    low = float(betaincinv(count, total - count + 1, tail)) if count else 0.0
    high = float(betaincinv(count + 1, total - count, 1 - tail)) if count < total else 1.0
    return Rate(count, total, count / total, low, high)


@dataclass(frozen=True, slots=True)
class ErrorRates:
    """`apcer` is that of the worst species, `apcer_pooled` over all attacks (eq. 21), `bpcer` eq. 22,
    `acer` the mean of pooled APCER and BPCER (eq. 23)."""

    apcer: Rate
    worst_species: str
    apcer_pooled: Rate
    bpcer: Rate
    acer: float
    per_species: Mapping[str, Rate]


def error_rates(accepted: ArrayLike, attacks: ArrayLike, species: ArrayLike) -> ErrorRates:
    """Rates of decisions: bool [n] accepted (verdict live), bool [n] attack, str [n] species."""
    taken, attack, names = np.asarray(accepted, bool), np.asarray(attacks, bool), np.asarray(species)
    per_species = {}
    for name in np.unique(names[attack]):
        of = attack & (names == name)
        per_species[str(name)] = rate(int(taken[of].sum()), int(of.sum()))
    # Among equals the one that was tried the least often: its rate may be the worst.
    worst = max(per_species, key=lambda name: (per_species[name].value, per_species[name].high), default="")
    pooled = rate(int(taken[attack].sum()), int(attack.sum()))
    bpcer = rate(int((~taken[~attack]).sum()), int((~attack).sum()))
    apcer = per_species.get(worst, pooled)
    return ErrorRates(apcer, worst, pooled, bpcer, (pooled.value + bpcer.value) / 2, per_species)


def _split(scores: ArrayLike, attacks: ArrayLike) -> tuple[F64, F64]:
    values, attack = np.asarray(scores, float), np.asarray(attacks, bool)
    if values.shape != attack.shape or not np.isfinite(values).all():
        raise ValueError(f"scores {values.shape} must be finite and one for each label {attack.shape}")
    live, fake = np.sort(values[~attack]), np.sort(values[attack])
    if not len(live) or not len(fake):
        raise ValueError("figures need at least one bona fide face and one attack")
    return live, fake


def auc(scores: ArrayLike, attacks: ArrayLike) -> float:
    """Chance that an attack scores above a live face, ties counted half (area under the ROC)."""
    live, fake = _split(scores, attacks)
    below = np.searchsorted(live, fake, "left") + np.searchsorted(live, fake, "right")
    return float(below.mean() / (2 * len(live)))


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """A threshold swept over all scores, strict to lenient: `thresholds`, `apcer`, `bpcer` float64 [k] each.

    What scores below a threshold is accepted, so APCER rises and BPCER falls from (0, 1) to (1, 0).
    """

    thresholds: F64
    apcer: F64
    bpcer: F64

    def deviates(self) -> tuple[F64, F64]:
        """(APCER, BPCER) on the axes of a DET curve: normal deviates Φ⁻¹ (Martin et al., Eurospeech 1997).

        Only points where both rates are inside (0, 1): elsewhere a deviate is infinite.
        """
        from scipy.special import ndtri

        inside = (self.apcer > 0) & (self.apcer < 1) & (self.bpcer > 0) & (self.bpcer < 1)
        return np.asarray(ndtri(self.apcer[inside])), np.asarray(ndtri(self.bpcer[inside]))


def curve(scores: ArrayLike, attacks: ArrayLike) -> Curve:
    """Every pair (APCER, BPCER) that a threshold can give; ROC is (apcer, 1 − bpcer). ValueError for one class."""
    live, fake = _split(scores, attacks)
    thresholds = np.append(np.unique(np.concatenate([live, fake])), np.inf)
    apcer = np.searchsorted(fake, thresholds, "left") / len(fake)
    bpcer = 1 - np.searchsorted(live, thresholds, "left") / len(live)
    return Curve(thresholds, apcer, bpcer)


def by_group(accepted: ArrayLike, attacks: ArrayLike, species: ArrayLike, groups: ArrayLike) -> dict[str, ErrorRates]:
    """Error rates of each group, names sorted: bool [n], bool [n], str [n], str [n]."""
    taken, attack = np.asarray(accepted, bool), np.asarray(attacks, bool)
    names, group = np.asarray(species), np.asarray(groups)
    return {
        str(name): error_rates(taken[group == name], attack[group == name], names[group == name])
        for name in np.unique(group)
    }


@dataclass(frozen=True, slots=True)
class TprAtFpr:
    """Live faces accepted where at most the share `fpr` of attacks is. Not `resolvable`: finer than one attack."""

    fpr: float
    tpr: Rate
    threshold: float
    resolvable: bool


def tpr_at_fpr(scores: ArrayLike, attacks: ArrayLike, fpr: float) -> TprAtFpr:
    live, fake = _split(scores, attacks)
    allowed = int(np.floor(fpr * len(fake) + 1e-9))
    threshold = float(fake[allowed]) if allowed < len(fake) else np.inf
    tpr = rate(int((live < threshold).sum()), len(live))
    return TprAtFpr(fpr, tpr, threshold, bool(fpr * len(fake) >= 1 - 1e-9))


def logit(scores: ArrayLike) -> F64:
    p = np.clip(np.asarray(scores, float), LOGIT_CLIP, 1 - LOGIT_CLIP)
    return np.asarray(np.log(p / (1 - p)), float)


def sigmoid(z: ArrayLike) -> F64:
    return np.asarray(1 / (1 + np.exp(-np.asarray(z, float))), float)


def _curve(scores: ArrayLike, attacks: ArrayLike) -> tuple[F64, F64, F64, F64]:
    """(thresholds, APCER, BPCER, width) of every gap between scores, in logits; the ends half open."""
    live, fake = _split(scores, attacks)
    z = np.unique(logit(np.concatenate([live, fake])))
    edges = np.concatenate([[z[0] - 1], z, [z[-1] + 1]])
    thresholds = sigmoid((edges[:-1] + edges[1:]) / 2)
    apcer = np.searchsorted(logit(fake), logit(thresholds)) / len(fake)
    bpcer = 1 - np.searchsorted(logit(live), logit(thresholds)) / len(live)
    return thresholds, apcer, bpcer, np.diff(edges)


def threshold_of_least_acer(scores: ArrayLike, attacks: ArrayLike, max_bpcer: float = 1.0) -> float:
    """Threshold of the least ACER with BPCER ≤ `max_bpcer`; among equals in the widest gap (in logits), which stands
    best on faces not seen yet: of the gap's middle half the point nearest to 0.5, where the net itself would decide.

    Live faces that a net is certain of (within 1e-6) to be attacks are rejected at every threshold: where these alone
    are more than `max_bpcer`, the least BPCER is the bound.
    """
    thresholds, apcer, bpcer, width = _curve(scores, attacks)
    cost = np.where(bpcer <= max(max_bpcer, bpcer.min()) + 1e-12, apcer + bpcer, np.inf)
    best = np.lexsort((-width, cost))[0]
    middle, margin = float(logit(thresholds[best])), float(width[best]) / 4
    return float(sigmoid(np.clip(0.0, middle - margin, middle + margin)))


def threshold_at_bpcer(scores: ArrayLike, attacks: ArrayLike, target: float) -> float:
    """The strictest threshold that rejects at most the share `target` of live faces, or as few as any does."""
    thresholds, _, bpcer, _ = _curve(scores, attacks)
    return float(thresholds[np.flatnonzero(bpcer <= max(target, bpcer.min()) + 1e-12)[0]])


def equal_error_rate(scores: ArrayLike, attacks: ArrayLike) -> tuple[float, float]:
    """(rate, threshold) where APCER and BPCER come closest; the rate is their mean there."""
    thresholds, apcer, bpcer, _ = _curve(scores, attacks)
    best = int(np.argmin(np.abs(apcer - bpcer)))
    return float((apcer[best] + bpcer[best]) / 2), float(thresholds[best])
