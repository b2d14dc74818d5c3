"""What a set can prove: exact counts, standards' counts, the next take."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import Refused
from app.studio.planner import Goal, plan, takes_needed, upper_bound
from app.studio.takes import StoredTake
from models.metrics import rate
from tests.app.studio.made import stored


@given(st.floats(0.002, 0.6), st.sampled_from([0.8, 0.9, 0.95, 0.99]))
def test_so_many_takes_are_just_enough(bound: float, confidence: float) -> None:
    takes = takes_needed(bound, confidence)
    assert rate(0, takes, confidence).high <= bound
    assert takes == 1 or rate(0, takes - 1, confidence).high > bound


def test_known_counts() -> None:
    assert takes_needed(0.03, 0.95) == 122  # ln 0.025 / ln 0.97 = 121.1
    assert takes_needed(0.03, 0.90) == 99  # ln 0.05 / ln 0.97 = 98.4, near the rule of three
    assert upper_bound(0, 0.95) == 1.0


@pytest.mark.parametrize(("apcer", "confidence"), [(0, 0.95), (1, 0.95), (0.03, 1.0), (float("nan"), 0.95)])
def test_a_goal_that_cannot_be_is_refused(apcer: float, confidence: float) -> None:
    with pytest.raises(Refused, match="between 0 and 1"):
        Goal(apcer, confidence)


def prints(count: int, **labels: str) -> list[StoredTake]:
    return [stored(subject=f"s{n}", species="flat_print", instrument=f"p{n}", **labels) for n in range(count)]


def test_what_is_missing_is_missing_exactly() -> None:
    made = plan(prints(81), Goal())
    (row,) = made.species
    assert (row.takes, row.subjects, row.instruments, row.missing, row.level) == (81, 81, 81, 41, "A")
    assert not made.provable
    assert plan(prints(81 + row.missing), Goal()).provable
    assert plan(prints(122), Goal()).proposal is None


def test_bad_takes_prove_nothing() -> None:
    made = plan([*prints(5), *prints(3, quality="bad")], Goal())
    assert made.species[0].takes == 5


def test_the_next_take_is_of_the_species_that_lacks_most_where_it_was_least() -> None:
    live = [
        stored(subject=who, species="bona_fide", lighting=light, distance_m=0.6)
        for who in ("s0", "s1")
        for light in ("office", "dim")
    ]
    masks = [stored(subject="s0", species="silicone_mask", lighting="office", distance_m=0.6)]
    made = plan([*live, *masks, *prints(4)], Goal(), ["bona_fide", "silicone_mask"])
    assert [row.species for row in made.species] == ["silicone_mask", "flat_print"]
    assert made.proposal is not None
    assert (made.proposal.species, made.proposal.subject != "s0", made.proposal.missing) == ("silicone_mask", True, 121)
    assert (made.proposal.lighting, made.proposal.distance_m) != ("office", 0.6)
    wanted = plan([*live, *masks], Goal(), ["latex_mask"])
    assert wanted.proposal is not None
    assert (wanted.proposal.species, wanted.proposal.missing) == ("latex_mask", 122)


def test_schemes_are_counted() -> None:
    live = [stored(subject=f"s{n}", species="bona_fide") for n in range(15)]
    full = [stored(species="latex_mask", instrument=f"m{n}") for n in range(150)]
    made = plan([*live, *full, stored(species="flat_print")], Goal())
    counts = {(one.scheme, one.what): (one.have, one.need, one.met) for one in made.requirements}
    assert counts["FIDO", "bona fide subjects"] == (15, 15, True)
    assert counts["FIDO", "species of level B"] == (1, 8, False)
    assert counts["iBeta level 2", "species with 150 takes"] == (1, 5, False)
    assert counts["ISO/IEC 30107-3", "attacks that name their instrument"] == (150, 151, False)
    assert counts["ISO/IEC 30107-3", "bona fide takes, for BPCER"] == (15, 1, True)


def test_an_empty_set_proves_nothing() -> None:
    made = plan([], Goal())
    assert not made.provable
    assert made.proposal is None
    assert not any(one.met for one in made.requirements)
