"""Thresholds from bona fide sessions alone, held against brute force and against what they promise."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.errors import DatasetError, TrainingError
from models.judged import Frame, Recording
from models.metrics import logit, sigmoid
from models.site_threshold import (
    LOOSEN_CAP,
    LiveScores,
    choose,
    described,
    excess,
    live_scores,
    merged_origin,
    moved,
    sessions_needed,
    shift_for,
    write_site_bundle,
)
from pipeline.bundle import load_bundle
from pipeline.parameters import Thresholds
from tests.models.tiny_bundle import tiny_bundle

pytest.importorskip("scipy")

AT = Thresholds(d_net=0.6, m_net=0.3)


def sessions(n: int, seed: int = 0, level: float = -2.0) -> LiveScores:
    d, m = sigmoid(np.random.default_rng(seed).normal(level, 1, (2, n)))
    return LiveScores(d, m, frames=10 * n, subjects=n, sensors=("sim-astra",), origins=("simulated",))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(-5, 5), min_size=1, max_size=120, unique=True), st.sampled_from([0.02, 0.05, 0.1, 0.3]))
def test_the_shift_is_the_strictest_order_statistic_expected_to_keep_the_bpcer(values: list[float], b: float) -> None:
    n = len(values)
    keeping = [v for v in values if (sum(w > v for w in values) + 1) / (n + 1) <= b + 1e-9]
    if not keeping:
        assert n < sessions_needed(b)
        with pytest.raises(DatasetError, match=f"at least {sessions_needed(b)}"):
            shift_for(values, b)
        return
    shift, rejected = shift_for(values, b)
    assert shift == min(keeping)
    assert rejected == sum(v > shift for v in values)


def test_new_sessions_are_rejected_as_often_as_promised() -> None:
    rates = []
    for seed in range(300):
        found = choose(sessions(99, seed), AT, 0.05, allow_looser=True)
        new = sessions(2000, 10_000 + seed)
        rates.append(np.mean((new.d_net >= found.thresholds.d_net) | (new.m_net >= found.thresholds.m_net)))
        assert found.expected == pytest.approx(0.05)
    assert np.mean(rates) == pytest.approx(0.05, abs=0.005)
    assert 0.9 < np.mean((np.array(rates) > found.low) & (np.array(rates) < found.high)) < 0.99


def test_the_session_at_the_threshold_is_still_accepted() -> None:
    scores = sessions(49)
    found = choose(scores, AT, 0.02, allow_looser=True)
    assert found.observed.count == 0
    stricter = moved(AT, found.shift - 1e-4)
    assert ((scores.d_net >= stricter.d_net) | (scores.m_net >= stricter.m_net)).any()


def test_both_thresholds_move_together() -> None:
    made = moved(AT, -1.0)
    assert logit(made.d_net) - logit(AT.d_net) == pytest.approx(-1, abs=1e-4)
    assert logit(made.m_net) - logit(AT.m_net) == pytest.approx(-1, abs=1e-4)
    np.testing.assert_allclose(excess(sessions(9), moved(AT, 0.5)), excess(sessions(9), AT) - 0.5, atol=1e-4)


def test_thresholds_are_not_loosened_beyond_the_cap_unless_asked() -> None:
    scores = sessions(99, level=2.0)
    capped, free = choose(scores, AT, 0.05), choose(scores, AT, 0.05, allow_looser=True)
    assert capped.capped
    assert capped.shift == LOOSEN_CAP
    assert capped.thresholds == moved(AT, LOOSEN_CAP)
    assert not free.capped
    assert free.shift > LOOSEN_CAP
    assert "NOT reached" in " ".join(described(capped, scores, 0.05))
    assert "simulated" in " ".join(described(free, scores, 0.05))


def test_scores_are_medians_of_a_session_and_one_that_cannot_be_judged_is_named() -> None:
    frames = tuple(Frame(i, i / 10, d, m) for i, (d, m) in enumerate([(0.1, 0.4), (0.3, 0.2), (0.2, 0.9), (0.9, None)]))
    good = Recording("a.mcap", "cam", "real", False, frames)
    scores = live_scores([good, good], ["p", "p"])
    np.testing.assert_allclose(scores.d_net, [0.25, 0.25])
    np.testing.assert_allclose(scores.m_net, [0.4, 0.4])
    assert (scores.frames, scores.subjects) == (8, 1)
    blind = Recording("b.mcap", "cam", "real", False, (Frame(0, 0.0, None, None, "no_face"),))
    with pytest.raises(DatasetError, match=r"b\.mcap: cannot be scored \(no_face\)"):
        live_scores([good, blind], ["", ""])


def test_a_site_bundle_is_the_same_nets_with_other_thresholds(tmp_path: Path) -> None:
    bundle = load_bundle(tiny_bundle(tmp_path / "old"))
    description = bundle.description.model_copy(update={"thresholds": AT})
    new = load_bundle(write_site_bundle(bundle, tmp_path / "new", description, ["for the hall"]))
    assert new.description.thresholds == AT
    assert new.file("d_net.bin").read_bytes() == bundle.file("d_net.bin").read_bytes()
    assert "for the hall" in new.file("MODEL_CARD.md").read_text()
    assert new.sha256 != bundle.sha256
    with pytest.raises(TrainingError, match="exists"):
        write_site_bundle(bundle, tmp_path / "new", description, [])
    assert merged_origin("simulated", ["simulated"]) == "simulated"
    assert merged_origin("simulated", ["real"]) == "semi_simulated"
