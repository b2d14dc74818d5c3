"""The rule that turns two scores into a verdict, and the score that stands for both."""

from __future__ import annotations

from pipeline.parameters import Thresholds
from pipeline.result import Verdict


def decide(d_net: float, m_net: float | None, thresholds: Thresholds) -> Verdict:
    """D-Net first: at or above its threshold it is an attack. Else M-Net decides; without it nobody is live."""
    if d_net >= thresholds.d_net:
        return Verdict.ATTACK
    if m_net is None:
        return Verdict.UNDECIDED
    return Verdict.ATTACK if m_net >= thresholds.m_net else Verdict.LIVE


def _around_half(score: float, threshold: float) -> float:
    """Piecewise linear with 0 → 0, threshold → ½, 1 → 1."""
    if score < threshold:
        return 0.5 * score / threshold
    return 1.0 if threshold >= 1.0 else 0.5 + 0.5 * (score - threshold) / (1.0 - threshold)


def attack_score(d_net: float, m_net: float | None, thresholds: Thresholds) -> float:
    """One score for the cascade: D-Net's where it rejects or stands alone, else M-Net's; ½ is the threshold."""
    if m_net is None or d_net >= thresholds.d_net:
        return _around_half(d_net, thresholds.d_net)
    return _around_half(m_net, thresholds.m_net)
