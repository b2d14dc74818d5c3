"""Thresholds for a site from bona fide sessions alone.

Attacks cannot be seen there, so the two thresholds keep their relation: both move by the same `shift` of their logits,
and one number is left to choose. A session's *excess* is the shift at which it would just be rejected; of n sessions
in order, a shift just above the one of rank n − k rejects a new session with a chance of Beta(k + 1, n − k), whatever
the distribution (order statistics: David and Nagaraja, 2003, section 7.2). Sessions are the units: frames of one
visit err together.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np
from numpy.typing import ArrayLike, NDArray

from models.errors import DatasetError, TrainingError
from models.export import CARD, write_sums
from models.judged import Recording
from models.manifest import Origin
from models.metrics import Rate, logit, rate, sigmoid
from pipeline.bundle import DESCRIPTION, SUMS, Bundle
from pipeline.parameters import BundleDescription, Thresholds

F64 = NDArray[np.float64]

LOOSEN_CAP = math.log(1.5)
"""Thresholds are never loosened by more than this in logits (odds × 1.5) unless the operator asks for it."""

DECIMALS = 6


@dataclass(frozen=True, slots=True, eq=False)
class LiveScores:
    """Bona fide sessions: medians of both nets' attack probabilities, float64 [n] each, and what stands behind them.

    `m_net` is −∞ in logits (probability 0) where it did not run. `subjects` counts known people.
    """

    d_net: F64
    m_net: F64
    frames: int
    subjects: int
    sensors: tuple[str, ...]
    origins: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SiteThreshold:
    """The thresholds chosen, how far they moved (`shift` in logits, above 0 = looser), and what to expect.

    `expected` is the mean BPCER of a new session and `low`…`high` its 95 % interval (Beta, exact); both hold for the
    shift wanted, not where it was `capped`. `observed` counts the sessions rejected.
    """

    thresholds: Thresholds
    shift: float
    capped: bool
    expected: float
    low: float
    high: float
    observed: Rate


def live_scores(recordings: Sequence[Recording], subjects: Sequence[str]) -> LiveScores:
    """Scores of bona fide recordings. Raises DatasetError where M-Net or D-Net never ran on one.

    A session that could not be judged is no evidence about thresholds, and hiding it would be none either.
    """
    medians: list[tuple[float, float]] = []
    for recording in recordings:
        d = [frame.d_net for frame in recording.frames if frame.d_net is not None]
        m = [frame.m_net for frame in recording.frames if frame.m_net is not None]
        if not d or not m:
            why = recording.problem or next((f.reason for f in recording.frames if f.reason), "no frame was judged")
            raise DatasetError(f"{recording.name}: cannot be scored ({why}): leave it out or record it again")
        medians.append((median(d), median(m)))
    scores = np.array(medians, float).reshape(-1, 2)
    return LiveScores(
        scores[:, 0],
        scores[:, 1],
        frames=sum(frame.d_net is not None for r in recordings for frame in r.frames),
        subjects=len({name for name in subjects if name}),
        sensors=tuple(sorted({r.sensor for r in recordings})),
        origins=tuple(sorted({r.origin for r in recordings})),
    )


def sessions_needed(bpcer: float) -> int:
    """The fewest sessions of which an order statistic is expected to reject at most the share `bpcer`."""
    return max(1, math.ceil(1 / bpcer - 1e-9) - 1)


def excess(scores: LiveScores, at: Thresholds) -> F64:
    """The shift of both thresholds at which a session is just rejected, float64 [n]."""
    return np.maximum(logit(scores.d_net) - logit(at.d_net), logit(scores.m_net) - logit(at.m_net))


def shift_for(excesses: ArrayLike, bpcer: float) -> tuple[float, int]:
    """(shift, sessions rejected): the strictest order statistic that is expected to reject at most `bpcer`.

    Raises DatasetError with the number of sessions needed where there are too few.
    """
    ordered = np.sort(np.asarray(excesses, float))
    n = len(ordered)
    k = math.floor(bpcer * (n + 1) + 1e-9) - 1
    if k < 0:
        raise DatasetError(
            f"{n} bona fide sessions cannot support a BPCER of {100 * bpcer:g} %: "
            f"record at least {sessions_needed(bpcer)}, or ask for a higher --bpcer"
        )
    k = min(k, n - 1)
    return float(ordered[n - 1 - k]), k


def moved(at: Thresholds, shift: float) -> Thresholds:
    """Both thresholds moved by `shift` in logits and rounded up: a score *at* a threshold is rejected."""
    d, m = (float(sigmoid(logit(value) + shift)) for value in (at.d_net, at.m_net))
    step = 10.0**-DECIMALS
    up = [min(1.0, round((math.floor(value / step) + 1) * step, DECIMALS)) for value in (d, m)]
    return Thresholds(d_net=up[0], m_net=up[1])


def choose(scores: LiveScores, at: Thresholds, bpcer: float, *, allow_looser: bool = False) -> SiteThreshold:
    """Thresholds for a wanted BPCER. Raises DatasetError for too few sessions."""
    from scipy.special import betaincinv

    wanted, k = shift_for(excess(scores, at), bpcer)
    n = len(scores.d_net)
    capped = wanted > LOOSEN_CAP and not allow_looser
    shift = min(wanted, LOOSEN_CAP) if capped else wanted
    thresholds = moved(at, shift)
    rejected = int(((scores.d_net >= thresholds.d_net) | (scores.m_net >= thresholds.m_net)).sum())
    low, high = (float(betaincinv(k + 1, n - k, tail)) for tail in (0.025, 0.975))
    return SiteThreshold(thresholds, shift, capped, (k + 1) / (n + 1), low, high, rate(rejected, n))


def described(found: SiteThreshold, scores: LiveScores, bpcer: float) -> list[str]:
    """What was done, in lines for people; figures on simulated data say so."""
    kind = "/".join(scores.origins)
    people = f"{scores.subjects} people" if scores.subjects else "an unknown number of people"
    lines = [
        f"Thresholds D-Net {found.thresholds.d_net:g}, M-Net {found.thresholds.m_net:g} "
        f"({'looser' if found.shift > 0 else 'stricter'} by {abs(found.shift):.3f} in logits).",
        f"Behind them: {len(scores.d_net)} bona fide sessions of {people}, {scores.frames} frames ({kind} data).",
        f"Sessions rejected there: {found.observed}.",
    ]
    if found.capped:
        lines.append(
            f"The wanted BPCER of {100 * bpcer:g} % is NOT reached: it needs thresholds looser than the cap of "
            f"{LOOSEN_CAP:.3f} in logits, and attacks, which looser thresholds let in, were not seen here."
        )
    else:
        lines.append(
            f"BPCER to expect of new sessions: {100 * found.expected:.2f} % "
            f"(95 % {100 * found.low:.2f}–{100 * found.high:.2f}), wanted {100 * bpcer:g} %."
        )
    lines.append("APCER at these thresholds is unknown here: no attacks were presented.")
    return lines


def merged_origin(bundle: Origin, origins: Sequence[str]) -> Origin:
    """What the new bundle's data are, when data of these origins join it."""
    return bundle if set(origins) == {bundle} else "semi_simulated"


def write_site_bundle(bundle: Bundle, out: Path, description: BundleDescription, lines: Sequence[str]) -> Path:
    """A copy of a bundle with another description and an amended card. Raises TrainingError where `out` exists."""
    if out.exists():
        raise TrainingError(f"{out} exists: name a new folder for the bundle")
    part = out.with_name(out.name + ".part")
    part.mkdir(parents=True)
    for file in sorted(bundle.path.iterdir()):
        if file.name not in {SUMS, DESCRIPTION, CARD}:
            (part / file.name).write_bytes(file.read_bytes())
    (part / DESCRIPTION).write_text(description.model_dump_json(indent=2) + "\n")
    card = bundle.file(CARD).read_text() if bundle.file(CARD).exists() else f"# {description.name}\n"
    notes = ["", "## Set for a site", "", *(f"- {line}" for line in lines)]
    notes.append(f"- Made from the bundle {bundle.sha256}; figures above are that bundle's, at its own thresholds.")
    (part / CARD).write_text(card.rstrip("\n") + "\n" + "\n".join(notes) + "\n")
    write_sums(part)
    part.replace(out)
    return out
