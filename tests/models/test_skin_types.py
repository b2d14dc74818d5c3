"""Skin types: rates count frames, intervals and the comparison count people."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from models.datasets.faces import Faces
from models.operating_point import CascadeScores
from models.skin_types import compare, skin_types
from pipeline.parameters import Thresholds

PEOPLE, FRAMES = 60, 9


def _people(rates: tuple[float, float], *, all_alike: bool) -> tuple[list[bool], list[int], list[str]]:
    """Decisions on people of types 1 and 2; `all_alike`: of a person all frames are rejected or none."""
    rng = np.random.default_rng(1)
    rejected, types, people = [], [], []
    for person in range(PEOPLE):
        kind = 1 + person % 2
        draws = rng.random(1 if all_alike else FRAMES) < rates[kind - 1]
        rejected += np.broadcast_to(draws, FRAMES).tolist()
        types += [kind] * FRAMES
        people += [f"person-{person}"] * FRAMES
    return rejected, types, people


def test_a_difference_between_types_is_found() -> None:
    found = compare(*_people((0.05, 0.4), all_alike=False))
    assert found.chance < 0.001
    first, second = found.rates
    assert first.high < second.low


def test_a_few_people_of_whom_every_frame_is_rejected_are_no_difference() -> None:
    rejected, types, people = _people((0.1, 0.1), all_alike=True)
    found = compare(rejected, types, people)
    assert found.chance > 0.05
    for one in found.rates:
        assert one.people == PEOPLE / 2
        assert one.frames.count == FRAMES * one.rejected_people
        assert one.high - one.low > 2 * (one.frames.high - one.frames.low), "frames are no trials of their own"


def test_rates_count_what_they_are_given() -> None:
    found = compare([True, False, False, False], [3, 3, 5, 5], ["a", "a", "b", "b"])
    assert [(one.kind, one.frames.count, one.frames.total) for one in found.rates] == [(3, 1, 2), (5, 0, 2)]
    assert found.chance == 1.0, "two people can be dealt out in two ways, which are as far apart"
    lines = found.lines()
    assert lines[2] == "| 3 | 50.00 % (1/2) | 1 of 1 | 50.00–50.00 % |"
    assert lines[-1].endswith("in 100.0 % of 10,000 draws.")


def test_without_types_there_is_nothing_to_say(faces: Path) -> None:
    stored = Faces.load(faces, split="test")
    scores = CascadeScores(np.zeros(len(stored)), np.where(stored.attacks, 1.0, 0.2), stored)
    assert skin_types(scores, Thresholds()).lines() == []
    typed = replace(stored, samples=tuple(replace(s, skin_type=2) for s in stored.samples))
    (only,) = skin_types(CascadeScores(scores.d_net, scores.m_net, typed), Thresholds(m_net=0.1)).rates
    assert only.kind == 2
    assert only.frames.count == only.frames.total == (~stored.attacks).sum()
    assert (only.low, only.high) == pytest.approx((1, 1))
