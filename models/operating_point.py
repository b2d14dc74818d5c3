"""Thresholds and the session rule from scores of the development split."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from models import metrics
from models.datasets.faces import Faces
from models.errors import TrainingError
from pipeline.parameters import SessionRule, Thresholds
from pipeline.temporal import SequentialTest

F64 = NDArray[np.float64]
Bools = NDArray[np.bool_]

RIDGE = 0.01  # keeps the slope finite where sessions are perfectly separable


@dataclass(frozen=True, eq=False)
class CascadeScores:
    """Both nets' attack probabilities of the same faces, float64 [n] each, and what the faces are."""

    d_net: F64
    m_net: F64
    faces: Faces

    def accepted(self, thresholds: Thresholds) -> Bools:
        """bool [n], true = live: D-Net and M-Net both below their thresholds."""
        return (self.d_net < thresholds.d_net) & (self.m_net < thresholds.m_net)

    def bpcer(self, thresholds: Thresholds) -> float:
        """Share of living faces that are rejected."""
        return float(np.mean(~self.accepted(thresholds)[~self.faces.attacks]))

    def attack_scores(self, thresholds: Thresholds) -> F64:
        """s of the cascade, float64 [n]: D-Net's score where it rejects, else M-Net's, each mapped piecewise
        linearly so that its threshold becomes 0.5."""
        rejects = self.d_net >= thresholds.d_net
        return np.where(rejects, _mapped(self.d_net, thresholds.d_net), _mapped(self.m_net, thresholds.m_net))


def _mapped(score: F64, threshold: float) -> F64:
    t = min(max(threshold, 1e-9), 1 - 1e-9)
    return np.where(score < t, 0.5 * score / t, 0.5 + 0.5 * (score - t) / (1 - t))


def choose_thresholds(scores: CascadeScores, max_bpcer: float) -> Thresholds:
    """Thresholds of the least ACER that reject at most the share `max_bpcer` of live faces, both stages together.

    D-Net may spend half of it, on 2-D attacks; M-Net the rest, on all that D-Net lets pass.
    """
    flat = np.array([s.flat for s in scores.faces.samples])
    attacks = scores.faces.attacks
    known = ~attacks | flat
    d = 0.5
    if (attacks & flat).any():
        d = metrics.threshold_of_least_acer(scores.d_net[known], attacks[known], max_bpcer / 2)
    else:
        d = _from_half(scores.d_net[~attacks], max_bpcer / 2)
    passed = scores.d_net < d
    live = int((~attacks).sum())
    left = max(0.0, max_bpcer * live - int((~passed & ~attacks).sum())) / max(1, int((passed & ~attacks).sum()))
    m = 0.5
    if (passed & attacks).any() and (passed & ~attacks).any():
        m = metrics.threshold_of_least_acer(scores.m_net[passed], attacks[passed], left)
    elif (passed & ~attacks).any():
        m = _from_half(scores.m_net[passed & ~attacks], left)
    return Thresholds(d_net=round(d, 6), m_net=round(m, 6))


def _from_half(live: F64, share: float) -> float:
    """Where no attack tells a threshold: a half, or the least above it that rejects at most `share` of live faces."""
    first = np.sort(live)[::-1][min(int(share * len(live) + 1e-9), len(live) - 1)]
    return max(0.5, min(1.0, float(first) + 2e-6))


def fit_logistic(z: F64, attacks: Bools) -> tuple[float, float]:
    """(slope, offset) of P(attack) = σ(slope·z + offset), classes weighted alike, so that slope·z + offset is the
    log likelihood ratio. Newton's method with a small ridge on the slope."""
    design = np.column_stack([z, np.ones_like(z)])
    weight = np.where(attacks, 0.5 / attacks.sum(), 0.5 / (~attacks).sum())
    ridge = np.diag([RIDGE, 0.0])
    theta = np.zeros(2)
    for _ in range(50):
        p = metrics.sigmoid(design @ theta)
        gradient = design.T @ (weight * (p - attacks)) + ridge @ theta
        curvature = (design * (weight * p * (1 - p))[:, None]).T @ design + ridge
        step = np.linalg.solve(curvature + 1e-9 * np.eye(2), gradient)
        theta = theta - step
        if np.abs(step).max() < 1e-9:
            break
    return float(theta[0]), float(theta[1])


def fit_session_rule(s: F64, attacks: Bools, recordings: NDArray[np.str_]) -> SessionRule:
    """Slope and offset of the sequential test from sessions, not frames: frames of one session err together.

    A session's mean logit of s is fitted to its label; the evidence of one frame is that log likelihood ratio
    over `min_frames`, so that it is reached when the first verdict may be spoken.
    """
    names, session = np.unique(recordings, return_inverse=True)
    mean = np.bincount(session, metrics.logit(s)) / np.bincount(session)
    attack = np.bincount(session, attacks, len(names)) > 0
    slope, offset = fit_logistic(mean, attack)
    rule = SessionRule()
    return SessionRule(slope=round(max(slope, 1e-3) / rule.min_frames, 6), offset=round(offset / rule.min_frames, 6))


def check_operating_point(scores: CascadeScores, thresholds: Thresholds, rule: SessionRule) -> None:
    """Raises TrainingError where thresholds or session rule judge nobody: they accept or reject all faces alike, or
    no session of a kind could ever gather the evidence of its verdict.
    """
    attacks = scores.faces.attacks
    accepted = scores.accepted(thresholds)
    for kind, of, right in (("live face", ~attacks, accepted), ("attack", attacks, ~accepted)):
        if not right[of].any():
            raise TrainingError(f"at these thresholds not one {kind} of the dev split is judged right: train further")
    verdicts = session_verdicts(scores, thresholds, rule)
    for kind, attack, verdict in (("live", False, "live"), ("attack", True, "attack")):
        if verdict not in {v for v, a in verdicts.values() if a == attack}:
            raise TrainingError(f"the session rule ends no {kind} session of the dev split as {verdict}: train further")


def session_verdicts(
    scores: CascadeScores, thresholds: Thresholds, rule: SessionRule
) -> dict[str, tuple[Literal["live", "attack", "undecided"], bool]]:
    """Verdict of each recording, and whether it is an attack.

    A store has a few moments of a recording, a program sees `deadline_s` of it: each stored frame stands for its
    share of the frames that count until then. The evidence of one is that of `pipeline.temporal`, clipped alike, and
    so are the bounds.
    """
    found: dict[str, tuple[Literal["live", "attack", "undecided"], bool]] = {}
    live_at, attack_at = SequentialTest(rule).bounds
    evidence = np.clip(
        rule.slope * metrics.logit(scores.attack_scores(thresholds)) + rule.offset, -rule.clip, rule.clip
    )
    counted = max(rule.min_frames, int(rule.deadline_s / max(rule.interval_s, 0.01)))
    names, session = np.unique(scores.faces.recordings, return_inverse=True)
    total = counted * np.bincount(session, evidence) / np.bincount(session)
    attack = np.bincount(session, scores.faces.attacks) > 0
    for name, value, is_attack in zip(names.tolist(), total.tolist(), attack.tolist(), strict=True):
        verdict: Literal["live", "attack", "undecided"] = "undecided"
        if value >= attack_at:
            verdict = "attack"
        elif value <= live_at:
            verdict = "live"
        found[name] = (verdict, is_attack)
    return found


@dataclass(frozen=True, slots=True)
class SessionFigures:
    """`apcer`: attack sessions that end as live; `bpcer`: live ones that end as attack; `undecided`: of all."""

    apcer: metrics.Rate
    bpcer: metrics.Rate
    undecided: metrics.Rate

    def __str__(self) -> str:
        return f"sessions: APCER {self.apcer}, BPCER {self.bpcer}, undecided {self.undecided}"


def session_figures(scores: CascadeScores, thresholds: Thresholds, rule: SessionRule) -> SessionFigures:
    """Error rates of whole recordings (`session_verdicts`), with 95 % intervals."""
    verdicts = list(session_verdicts(scores, thresholds, rule).values())
    attacks = [v for v, attack in verdicts if attack]
    live = [v for v, attack in verdicts if not attack]
    return SessionFigures(
        apcer=metrics.rate(attacks.count("live"), len(attacks)),
        bpcer=metrics.rate(live.count("attack"), len(live)),
        undecided=metrics.rate(sum(v == "undecided" for v, _ in verdicts), len(verdicts)),
    )


def figures_text(scores: CascadeScores, thresholds: Thresholds) -> str:
    """Error rates of the cascade in Markdown, frame by frame, at the given thresholds."""
    faces = scores.faces
    accepted = scores.accepted(thresholds)
    rates = metrics.error_rates(accepted, faces.attacks, faces.species)
    s = scores.attack_scores(thresholds)
    lines = [
        f"- thresholds: D-Net {thresholds.d_net:g}, M-Net {thresholds.m_net:g}",
        f"- BPCER {rates.bpcer}",
        f"- APCER, worst species ({rates.worst_species}) {rates.apcer}",
        f"- APCER, pooled {rates.apcer_pooled}; ACER {100 * rates.acer:.2f} %",
        f"- AUC of the cascade {metrics.auc(s, faces.attacks):.4f}",
        *_stage_lines(scores),
        "",
        "| species | APCER |",
        "|---|---|",
        *(f"| {name} | {value} |" for name, value in rates.per_species.items()),
    ]
    return "\n".join(lines)


def _stage_lines(scores: CascadeScores) -> list[str]:
    """AUC of each net on the attacks that it is there for."""
    attacks = scores.faces.attacks
    flat = np.array([s.flat for s in scores.faces.samples])
    lines = []
    for name, values, own in (("D-Net, 2-D", scores.d_net, flat), ("M-Net, 3-D", scores.m_net, ~flat)):
        of = ~attacks | own
        if (attacks & own).any():
            lines.append(f"- AUC of {name} attacks {metrics.auc(values[of], attacks[of]):.4f}")
    return lines
