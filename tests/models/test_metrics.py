"""Figures against values worked by hand and against SciPy."""

from __future__ import annotations

import numpy as np
import pytest

from models import metrics

ATTACKS = np.array([0, 0, 0, 0, 1, 1, 1, 1, 1, 1], bool)
SPECIES = np.array([""] * 4 + ["print"] * 4 + ["mask"] * 2)
SCORES = np.array([0.1, 0.2, 0.3, 0.7, 0.9, 0.8, 0.6, 0.95, 0.25, 0.85])


def test_error_rates_by_hand() -> None:
    rates = metrics.error_rates(SCORES < 0.5, ATTACKS, SPECIES)
    assert (rates.apcer.count, rates.apcer.total, rates.worst_species) == (1, 2, "mask")
    assert (rates.apcer_pooled.count, rates.apcer_pooled.total) == (1, 6)
    assert rates.bpcer.value == 0.25
    assert rates.acer == pytest.approx((1 / 6 + 1 / 4) / 2)
    assert rates.per_species["print"].value == 0


def test_papers_one_error_a_class() -> None:
    """One error among 1,108 attacks and one among 1,355 live faces: 0.082 % ACER, bounds of 0.50 and 0.41 %."""
    attacks, live = metrics.rate(1, 1108), metrics.rate(1, 1355)
    assert (attacks.value + live.value) / 2 == pytest.approx(0.00082, abs=5e-6)
    assert attacks.high == pytest.approx(0.0050, abs=5e-5)
    assert live.high == pytest.approx(0.0041, abs=5e-5)


@pytest.mark.parametrize(("count", "total"), [(0, 10), (10, 10), (3, 17), (1, 1000)])
def test_interval_is_clopper_pearson(count: int, total: int) -> None:
    stats = pytest.importorskip("scipy.stats")
    exact = stats.binomtest(count, total).proportion_ci(0.95, method="exact")
    found = metrics.rate(count, total)
    assert (found.low, found.high) == pytest.approx((exact.low, exact.high))


def test_rate_of_nothing_is_not_a_number() -> None:
    assert np.isnan(metrics.rate(0, 0).value)


def test_auc_equals_the_mann_whitney_statistic() -> None:
    stats = pytest.importorskip("scipy.stats")
    rng = np.random.default_rng(0)
    scores = rng.integers(0, 20, 200) / 20  # ties
    attacks = rng.random(200) < 0.4
    u = stats.mannwhitneyu(scores[attacks], scores[~attacks]).statistic
    assert metrics.auc(scores, attacks) == pytest.approx(u / (attacks.sum() * (~attacks).sum()))


def test_tpr_at_fpr_by_hand() -> None:
    """Of six attacks one may pass at 1/6: that at 0.25, so the bound is the next, 0.6; three of four live pass."""
    found = metrics.tpr_at_fpr(SCORES, ATTACKS, 1 / 6)
    assert (found.threshold, found.tpr.count, found.resolvable) == (0.6, 3, True)
    strict = metrics.tpr_at_fpr(SCORES, ATTACKS, 1e-3)
    assert (strict.threshold, strict.tpr.count, strict.resolvable) == (0.25, 2, False)


def test_threshold_of_least_acer_lies_in_the_widest_gap() -> None:
    scores = np.array([0.1, 0.2, 0.8, 0.9])
    attacks = np.array([False, False, True, True])
    assert metrics.threshold_of_least_acer(scores, attacks) == pytest.approx(0.5)


def test_threshold_in_a_wide_gap_stays_near_the_nets_own_decision() -> None:
    """Live at logits −12 and −10, attacks at 2 and 4: the gap −10 … 2 has the middle half −7 … −1."""
    scores = metrics.sigmoid(np.array([-12.0, -10.0, 2.0, 4.0]))
    attacks = np.array([False, False, True, True])
    assert metrics.logit(metrics.threshold_of_least_acer(scores, attacks)) == pytest.approx(-1.0)
    moved = metrics.sigmoid(np.array([-12.0, -10.0, 12.0, 14.0]))
    assert metrics.threshold_of_least_acer(moved, attacks) == pytest.approx(0.5)


def test_threshold_of_least_acer_keeps_to_its_bound() -> None:
    scores = np.array([0.1, 0.2, 0.3, 0.7, 0.4, 0.5, 0.6, 0.65])
    attacks = np.array([0, 0, 0, 0, 1, 1, 1, 1], bool)
    free = metrics.threshold_of_least_acer(scores, attacks)
    assert 0.3 < free < 0.4
    assert metrics.threshold_of_least_acer(scores, attacks, max_bpcer=0.0) > 0.7


def test_a_bound_that_cannot_be_had_gives_the_least_bpcer_and_still_heeds_the_attacks() -> None:
    """One live face of twenty is an attack to the net beyond doubt: no threshold lets it pass."""
    scores = np.r_[np.full(19, 0.02), 1.0, np.full(10, 0.3), np.full(30, 0.99999)]
    attacks = np.r_[np.zeros(20), np.ones(40)].astype(bool)
    threshold = metrics.threshold_of_least_acer(scores, attacks, max_bpcer=0.025)
    assert 0.02 < threshold < 0.3
    assert 0.02 < metrics.threshold_at_bpcer(scores, attacks, 0.0) < 1.0


def test_threshold_at_bpcer_is_the_strictest() -> None:
    assert 0.3 < metrics.threshold_at_bpcer(SCORES, ATTACKS, 0.25) <= 0.6
    assert metrics.threshold_at_bpcer(SCORES, ATTACKS, 0.0) > 0.7


def test_equal_error_rate() -> None:
    eer, threshold = metrics.equal_error_rate(SCORES, ATTACKS)
    accepted = np.less(SCORES, threshold)
    both = (accepted[ATTACKS].mean(), (~accepted)[~ATTACKS].mean())
    assert eer == pytest.approx(np.mean(both))
    assert abs(both[0] - both[1]) < 0.1


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_scores_that_are_no_numbers_are_refused(bad: float) -> None:
    scores = SCORES.copy()
    scores[2] = bad
    with pytest.raises(ValueError, match="finite"):
        metrics.auc(scores, ATTACKS)
