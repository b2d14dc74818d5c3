"""Algorithm 1 against an example worked by hand."""

from __future__ import annotations

import numpy as np
import pytest

from models.boosting import boost, select, start, thinned

ATTACKS = np.array([True, True, False, False])
# Position 0 errs on face 1, position 1 on face 2, position 2 on both live faces.
P = np.array([
    [0.9, 0.8, 0.9],
    [0.4, 0.7, 0.9],
    [0.2, 0.6, 0.6],
    [0.1, 0.3, 0.7],
])  # fmt: skip


def test_first_round_by_hand() -> None:
    state = boost(start(4, 3), P, ATTACKS)
    alpha = 0.5 * np.log(3)  # ε = ¼ at positions 0 and 1; the first wins
    assert state.chosen == (0,)
    assert state.alphas == pytest.approx([alpha, 0, 0])
    margins = np.array([0.8, -0.2, 0.6, 0.8])  # y·(2p − 1) at position 0
    d = np.exp(-alpha * margins) / 4
    assert state.faces == pytest.approx(d / d.sum())
    omega = np.array([
        np.exp(-alpha * margins).mean(),
        np.exp(-alpha * np.array([0.6, 0.4, -0.2, 0.4])).mean(),
        np.exp(-alpha * np.array([0.8, 0.8, -0.2, -0.4])).mean(),
    ])  # fmt: skip
    assert state.loss_weights == pytest.approx(omega / omega.sum())


def test_second_round_takes_an_unused_position_under_the_new_weights() -> None:
    first = boost(start(4, 3), P, ATTACKS)
    second = boost(first, P, ATTACKS)
    error = first.faces[2]  # what position 1 gets wrong now weighs this much
    assert second.chosen == (0, 1)
    assert second.alphas[1] == pytest.approx(0.5 * np.log((1 - error) / error))


def test_a_position_no_better_than_chance_leaves_the_ensemble() -> None:
    weights = select(np.column_stack([P, 1 - P[:, 0]]), ATTACKS)
    assert weights[3] == 0
    assert weights.sum() == pytest.approx(1)


def test_positions_that_only_add_to_the_cost_leave() -> None:
    rng = np.random.default_rng(0)
    attacks = np.arange(400) < 200
    good = np.where(attacks, 0.7, 0.3) + rng.normal(0, 0.12, 400)
    other = np.where(attacks, 0.7, 0.3) + rng.normal(0, 0.12, 400)
    poor = 0.5 + np.where(attacks, 0.05, -0.05) + rng.normal(0, 0.4, 400)
    p = np.column_stack([poor, good, other, poor]).clip(0, 1)
    assert thinned(np.array([0.1, 0.5, 0.4, 0.0]), p, attacks) == pytest.approx([0, 5 / 9, 4 / 9, 0])
    assert thinned(np.array([0.4, 0.6, 0.0, 0.0]), p, attacks) == pytest.approx([0, 1, 0, 0])
    alike = np.column_stack([good, good]).clip(0, 1)
    assert thinned(np.array([0.5, 0.5]), alike, attacks) == pytest.approx([1, 0]), "of equals the shorter"


def test_perfect_positions_share_alike() -> None:
    perfect = np.repeat(ATTACKS.astype(float)[:, None], 3, 1)
    assert select(perfect, ATTACKS) == pytest.approx([1 / 3] * 3)


def test_nothing_better_than_chance_is_an_error() -> None:
    with pytest.raises(ValueError, match="chance"):
        select(1 - np.repeat(ATTACKS.astype(float)[:, None], 2, 1), ATTACKS)


def test_literal_winner_loses_loss_weight_and_wins_again() -> None:
    """The degeneracy for which the printed algorithm is not the default: one position takes nearly all."""
    rng = np.random.default_rng(0)
    attacks = rng.random(200) < 0.5
    quality = np.linspace(0.5, 2.5, 36)
    z = np.where(attacks, 1, -1)[:, None] * quality + rng.normal(0, 1, (200, 36))
    p = 1 / (1 + np.exp(-z))
    literal, boosted = select(p, attacks, "literal"), select(p, attacks)
    assert np.count_nonzero(literal) < 10 < np.count_nonzero(boosted)
    assert literal.max() > 0.5 > boosted.max()
    assert np.argmax(literal) >= 30
