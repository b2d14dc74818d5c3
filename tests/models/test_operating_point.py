"""Thresholds and session rule against small cases worked by hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from models.datasets.faces import Faces
from models.errors import TrainingError
from models.metrics import sigmoid
from models.operating_point import (
    CascadeScores,
    check_operating_point,
    choose_thresholds,
    figures_text,
    fit_logistic,
    fit_session_rule,
    session_figures,
    session_verdicts,
)
from pipeline.parameters import SessionRule, Thresholds
from pipeline.temporal import SequentialTest


@pytest.fixture
def scores(faces: Path) -> CascadeScores:
    """12 live, 12 prints, 12 masks: D-Net knows prints, M-Net masks; one live face fools each net."""
    dev = Faces.load(faces, split="dev")
    rng = np.random.default_rng(0)
    d = np.where(dev.species == "flat_print", 0.9, 0.1) + rng.uniform(-0.05, 0.05, len(dev))
    m = np.where(dev.species == "resin_mask", 0.8, 0.3) + rng.uniform(-0.05, 0.05, len(dev))
    live = np.flatnonzero(~dev.attacks)
    d[live[0]], m[live[1]] = 0.97, 0.99
    return CascadeScores(d, m, dev)


def test_thresholds_lie_between_the_classes(scores: CascadeScores) -> None:
    found = choose_thresholds(scores, max_bpcer=0.2)
    assert 0.15 < found.d_net < 0.85
    assert 0.35 < found.m_net < 0.75
    accepted = scores.accepted(found)
    assert not accepted[scores.faces.attacks].any()
    assert (~accepted)[~scores.faces.attacks].sum() == 2


def test_both_stages_together_keep_to_the_bound(scores: CascadeScores) -> None:
    for bound in (0.0, 0.09, 0.17):
        accepted = scores.accepted(choose_thresholds(scores, bound))
        assert (~accepted)[~scores.faces.attacks].mean() <= bound


def test_attack_score_puts_each_threshold_at_one_half(scores: CascadeScores) -> None:
    thresholds = Thresholds(d_net=0.2, m_net=0.8)
    few = CascadeScores(np.array([0.2, 0.6, 0.1, 0.1]), np.array([0.0, 0.0, 0.8, 0.4]), scores.faces)
    assert few.attack_scores(thresholds) == pytest.approx([0.5, 0.75, 0.5, 0.25])


def test_scores_reject_exactly_where_the_rule_does(scores: CascadeScores) -> None:
    thresholds = Thresholds(d_net=0.13, m_net=0.31)
    assert ((scores.attack_scores(thresholds) < 0.5) == scores.accepted(thresholds)).all()


def test_logistic_recovers_what_made_the_data() -> None:
    rng = np.random.default_rng(0)
    z = rng.normal(0, 1.5, 20_000)
    attacks = rng.random(len(z)) < sigmoid(1.2 * z)  # half of them attacks: no prior to take out
    slope, offset = fit_logistic(z, attacks)
    assert slope == pytest.approx(1.2, abs=0.1)
    assert offset == pytest.approx(0, abs=0.1)


def test_prior_does_not_move_the_evidence() -> None:
    rng = np.random.default_rng(0)
    z = np.concatenate([rng.normal(1, 1, 5000), rng.normal(-1, 1, 500)])
    attacks = np.arange(len(z)) < 5000
    slope, offset = fit_logistic(z, attacks)
    assert (slope, offset) == (pytest.approx(2, abs=0.25), pytest.approx(0, abs=0.15))


def test_more_frames_of_a_session_are_not_more_evidence() -> None:
    """Ten frames that all say the same calibrate like one."""
    rng = np.random.default_rng(0)
    attacks = np.arange(60) < 30
    s = sigmoid(np.where(attacks, 1, -1) + rng.normal(0, 1, 60))
    sessions = np.arange(60).astype(str)
    once = fit_session_rule(s, attacks, sessions)
    tenfold = fit_session_rule(np.repeat(s, 10), np.repeat(attacks, 10), np.repeat(sessions, 10))
    assert once == tenfold
    assert once.slope > 0


def test_figures_name_counts_and_species(scores: CascadeScores) -> None:
    text = figures_text(scores, Thresholds())
    assert "2/12" in text  # live faces rejected
    assert "| resin_mask | 0.00 % (0/12" in text


def test_sessions_are_judged_by_the_evidence_of_the_running_program(scores: CascadeScores) -> None:
    thresholds = choose_thresholds(scores, 0.2)
    rule = fit_session_rule(scores.attack_scores(thresholds), scores.faces.attacks, scores.faces.recordings)
    verdicts = session_verdicts(scores, thresholds, rule)
    assert len(verdicts) == len(set(scores.faces.recordings.tolist()))
    s = scores.attack_scores(thresholds)
    for name, (verdict, attack) in verdicts.items():
        of = scores.faces.recordings == name
        if np.ptp(s[of]) < 0.3:  # alike frames: the program, shown them over and over, says the same
            test = SequentialTest(rule)
            for i in range(31):
                test.add(0.1 * i, float(np.median(s[of])))
            assert test.overall()[0].value == verdict
            assert attack == scores.faces.attacks[of].any()
    figures = session_figures(scores, thresholds, rule)
    assert (figures.apcer.count, figures.apcer.total, figures.bpcer.total) == (0, 6, 3)
    check_operating_point(scores, thresholds, rule)


def test_an_operating_point_that_judges_nobody_is_refused(scores: CascadeScores) -> None:
    for thresholds in (Thresholds(d_net=0.0), Thresholds(d_net=1.0, m_net=1.0)):
        with pytest.raises(TrainingError, match="not one"):
            check_operating_point(scores, thresholds, SessionRule())
    with pytest.raises(TrainingError, match="session rule ends no live"):
        check_operating_point(scores, choose_thresholds(scores, 0.2), SessionRule(slope=1e-4))


def test_a_threshold_that_no_attack_tells_keeps_the_bound_all_the_same(scores: CascadeScores) -> None:
    """D-Net stops every attack, and M-Net is strict with living faces."""
    attacks = scores.faces.attacks
    live = int((~attacks).sum())
    d_net = np.where(attacks, 0.99, 0.01)
    m_net = np.full(len(attacks), 0.9)
    m_net[~attacks] = np.linspace(0.1, 0.74, live)
    apart = replace(scores, d_net=d_net, m_net=m_net)
    thresholds = choose_thresholds(apart, 0.05)
    assert thresholds.m_net > 0.5
    rejected = (~apart.accepted(thresholds))[~attacks].sum()
    assert rejected <= 0.05 * live
    assert choose_thresholds(replace(apart, m_net=np.where(attacks, 0.9, 0.2)), 0.05).m_net == 0.5
