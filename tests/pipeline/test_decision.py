"""The cascade's rule and the session's sequential test."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.cascade import attack_score, decide
from pipeline.parameters import SessionRule, Thresholds
from pipeline.result import Reason, Verdict
from pipeline.temporal import SequentialTest

HALVES = Thresholds()
scores = st.floats(0, 1)
thresholds = st.builds(Thresholds, d_net=st.floats(0.05, 1), m_net=st.floats(0.05, 1))


@pytest.mark.parametrize(
    ("d_net", "m_net", "verdict"),
    [
        (0.5, None, Verdict.ATTACK),
        (0.9, 0.0, Verdict.ATTACK),
        (0.1, None, Verdict.UNDECIDED),
        (0.1, 0.5, Verdict.ATTACK),
        (0.1, 0.49, Verdict.LIVE),
    ],
)
def test_rule(d_net: float, m_net: float | None, verdict: Verdict) -> None:
    assert decide(d_net, m_net, HALVES) is verdict


@given(scores, st.none() | scores, thresholds)
def test_the_score_agrees_with_the_rule(d_net: float, m_net: float | None, at: Thresholds) -> None:
    verdict, score = decide(d_net, m_net, at), attack_score(d_net, m_net, at)
    assert 0 <= score <= 1
    assert (score >= 0.5) == (verdict is Verdict.ATTACK)


@given(scores, scores, thresholds)
def test_without_both_scores_nobody_is_live(d_net: float, m_net: float, at: Thresholds) -> None:
    assert decide(d_net, None, at) is not Verdict.LIVE
    if decide(d_net, m_net, at) is Verdict.LIVE:
        assert d_net < at.d_net
        assert m_net < at.m_net


def run(score: float, seconds: float, rule: SessionRule | None = None, fps: float = 30.0) -> SequentialTest:
    test = SequentialTest(rule or SessionRule())
    for n in range(round(seconds * fps)):
        test.add(n / fps, score)
    return test


def test_a_clear_face_is_decided_soon() -> None:
    assert run(0.02, 1.0).state() == (Verdict.LIVE, None)
    assert run(0.98, 1.0).state() == (Verdict.ATTACK, None)


def test_five_judged_frames_come_before_any_verdict() -> None:
    rule = SessionRule(interval_s=0.0)
    test = SequentialTest(rule)
    for n in range(rule.min_frames - 1):
        test.add(n / 30, 0.001)
        assert test.state() == (Verdict.UNDECIDED, Reason.COLLECTING)
    test.add(0.2, 0.001)
    assert test.state() == (Verdict.LIVE, None)


def test_a_fault_is_remembered_until_another_visit_is_concluded() -> None:
    test = run(0.02, 1.0)
    test.fault()
    assert test.overall() == (Verdict.UNDECIDED, Reason.INTERNAL_ERROR)
    attacked = run(0.98, 1.0)
    attacked.fault()
    assert attacked.overall() == (Verdict.ATTACK, None)


def test_evidence_comes_at_its_interval_and_is_clipped() -> None:
    rule = SessionRule(min_frames=100)
    test = run(1.0, 1.0, rule)
    assert test.evidence == pytest.approx(rule.clip * 10)


def test_doubt_ends_at_the_deadline() -> None:
    assert run(0.5, 2.0).state() == (Verdict.UNDECIDED, Reason.COLLECTING)
    test = run(0.5, 3.2)
    assert test.state() == (Verdict.UNDECIDED, Reason.NOT_SURE)
    assert test.overall() == (Verdict.UNDECIDED, Reason.NOT_SURE)


def test_a_lost_face_starts_anew_but_an_attack_is_not_forgotten() -> None:
    test = run(0.98, 1.0)
    test.missed(1.2)
    assert test.state()[0] is Verdict.ATTACK
    test.missed(1.6)
    assert test.state() == (Verdict.UNDECIDED, Reason.NO_FACE)
    for n in range(30):
        test.add(2 + n / 30, 0.02)
    assert test.state() == (Verdict.LIVE, None)
    assert test.overall() == (Verdict.ATTACK, None)


@pytest.mark.parametrize("jump_s", [-1.0, 3600.0])
def test_a_jump_of_the_clock_starts_anew(jump_s: float) -> None:
    test = run(0.02, 1.0)
    test.add(1.0 + jump_s, 0.02)
    assert test.state() == (Verdict.UNDECIDED, Reason.COLLECTING)


def test_bounds_are_walds() -> None:
    rule = SessionRule(alpha=0.01, beta=0.05)
    live, attack = SequentialTest(rule).bounds
    assert attack == pytest.approx(math.log(0.99 / 0.05))
    assert live == pytest.approx(math.log(0.01 / 0.95))


def test_nothing_seen_is_no_face() -> None:
    assert SequentialTest(SessionRule()).overall() == (Verdict.UNDECIDED, Reason.NO_FACE)


frames = st.tuples(scores, st.none() | st.sampled_from([Reason.NO_INFRARED, Reason.OTHER_SENSOR]))


@given(st.lists(frames, max_size=60))
def test_only_frames_that_may_be_live_speak_for_life(seen: list[tuple[float, Reason | None]]) -> None:
    """Whatever attacks and frames of half a cascade are mixed in: without enough whole live frames nobody is live."""
    rule = SessionRule()
    test = SequentialTest(rule)
    for n, (score, barred) in enumerate(seen):
        test.add(n * 0.11, score, barred)
    whole = sum(1 for score, barred in seen if barred is None and score < 0.5)
    if whole * rule.clip < -test.bounds[0]:
        assert test.state()[0] is not Verdict.LIVE


def test_an_attack_frame_does_not_free_a_session_without_infrared() -> None:
    test = SequentialTest(SessionRule())
    for n in range(20):
        test.add(n * 0.1, 0.001, Reason.NO_INFRARED)
        test.add(n * 0.1 + 0.05, 0.99)
    assert test.state()[0] is not Verdict.LIVE
    quiet = SequentialTest(SessionRule())
    for n in range(40):
        quiet.add(n * 0.1, 0.001, Reason.NO_INFRARED)
    assert quiet.state() == quiet.overall() == (Verdict.UNDECIDED, Reason.NO_INFRARED)


def test_a_live_session_is_live_no_longer_once_infrared_is_gone() -> None:
    test = run(0.02, 1.0)
    assert test.state() == test.overall() == (Verdict.LIVE, None)
    test.add(1.0, 0.02, Reason.NO_INFRARED)
    test.add(1.1, 0.99)
    assert test.state() == test.overall() == (Verdict.UNDECIDED, Reason.NO_INFRARED)
    test.missed(2.0)
    assert test.overall() == (Verdict.UNDECIDED, Reason.NO_INFRARED)
    for n in range(30):
        test.add(3 + n / 30, 0.02)
    assert test.state() == test.overall() == (Verdict.LIVE, None)


def test_a_print_in_the_place_of_a_live_face_is_found_without_a_gap() -> None:
    test = run(0.02, 3.0, fps=10.0)
    assert test.state() == (Verdict.LIVE, None)
    verdicts = []
    for n in range(10):
        test.add(3.0 + n / 10, 0.98)
        verdicts.append(test.state()[0])
    assert verdicts[-1] is Verdict.ATTACK
    assert verdicts.index(Verdict.UNDECIDED) < verdicts.index(Verdict.ATTACK) <= 5
    assert test.overall() == (Verdict.ATTACK, None)


def test_single_misjudged_frames_do_not_end_a_live_visit() -> None:
    test = run(0.02, 2.0, fps=10.0)
    for n in range(200):
        test.add(2.0 + n / 10, 0.9 if n % 4 == 0 else 0.1)
        assert test.state() == (Verdict.LIVE, None)


def test_who_leaves_in_doubt_is_not_remembered_as_live() -> None:
    test = run(0.02, 2.0, fps=10.0)
    for n in range(4):
        test.add(2.0 + n / 10, 0.95)
    assert test.state() == test.overall() == (Verdict.UNDECIDED, Reason.NOT_SURE)
    test.missed(4.0)
    assert test.overall() == (Verdict.UNDECIDED, Reason.NOT_SURE)


@given(st.lists(scores, min_size=1, max_size=80))
def test_no_verdict_outlives_the_evidence_against_it(seen: list[float]) -> None:
    """However long somebody was live: once more speaks against than for life, nobody is."""
    rule = SessionRule()
    test = run(0.001, 30.0, rule, fps=10.0)
    against = 0.0
    for n, score in enumerate(seen):
        test.add(30.0 + n * 0.1, score)
        piece = min(max(math.log(max(score, 1e-6) / max(1 - score, 1e-6)), -rule.clip), rule.clip)
        against = max(0.0, against + piece)
        if against > -test.bounds[0] + 1e-6:
            assert test.state()[0] is not Verdict.LIVE
