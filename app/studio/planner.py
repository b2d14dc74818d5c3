"""What a set of recordings can prove, and which take would help most.

A detector that makes no error on n takes of a species has shown no more than the upper bound of its interval, about
3.7/n at 95 % two-sided (Clopper and Pearson, 1934; as everywhere in the reports). ISO/IEC 30107-3 states APCER for
each species, so that the species with the fewest takes decides what can be claimed.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeVar

from app.errors import Refused
from app.studio.takes import StoredTake
from models.metrics import rate

Level = Literal["A", "B", "?"]
T = TypeVar("T")

LEVELS: Final[dict[str, Level]] = {
    **dict.fromkeys(
        ("flat_print", "trimmed_print", "folded_print", "curved_print", "wrapped_print", "cutout_print",
         "vinyl_banner", "screen_replay"), "A"),
    **dict.fromkeys(
        ("resin_mask", "plaster_mask", "silicone_mask", "latex_mask", "plastic_mask", "textile_mask",
         "mannequin_head"), "B"),
}  # fmt: skip
"""FIDO's levels by our reading: A what anybody makes from a picture, B what needs a shape or more effort."""

FIDO_SUBJECTS, FIDO_A, FIDO_B = 15, 6, 8  # FIDO Biometric Requirements
IBETA_L1_SPECIES, IBETA_L2_SPECIES, IBETA_TAKES = 6, 5, 150  # iBeta's public test descriptions


@dataclass(frozen=True, slots=True)
class Goal:
    """An error rate that is to be shown, with the two-sided confidence of its interval. Raises Refused."""

    apcer: float = 0.03
    confidence: float = 0.95

    def __post_init__(self) -> None:
        for name, number in (("apcer", self.apcer), ("confidence", self.confidence)):
            if not 0 < number < 1:
                raise Refused(f"{name} is {number:g}: give a share between 0 and 1, such as 0.03")


def upper_bound(takes: int, confidence: float) -> float:
    """Highest rate that no error in so many takes leaves possible; 1 without takes."""
    return rate(0, takes, confidence).high if takes else 1.0


def takes_needed(bound: float, confidence: float) -> int:
    """Fewest takes without an error whose upper bound is at most `bound`: 1 − (α/2)^(1/n) ≤ bound."""
    takes = max(1, math.floor(math.log((1 - confidence) / 2) / math.log1p(-bound)))
    return takes if upper_bound(takes, confidence) <= bound else takes + 1


@dataclass(frozen=True, slots=True)
class SpeciesPlan:
    """One species: its takes, the different subjects and instruments among them, and what no error would show."""

    species: str
    takes: int
    subjects: int
    instruments: int
    bound: float
    missing: int

    @property
    def level(self) -> Level:
        return LEVELS.get(self.species, "?")


@dataclass(frozen=True, slots=True)
class Requirement:
    """A count that a scheme asks for."""

    scheme: str
    what: str
    have: int
    need: int

    @property
    def met(self) -> bool:
        return self.have >= self.need


@dataclass(frozen=True, slots=True)
class Proposal:
    """The next take: labels, and the number of takes of its species that are missing. "" is free to choose."""

    species: str
    lighting: str
    distance_m: float | None
    subject: str
    missing: int


@dataclass(frozen=True, slots=True)
class Plan:
    """What a set can prove. `species` are the attacks, most lacking first; `proposal` None where the goal is met."""

    goal: Goal
    needed: int
    species: tuple[SpeciesPlan, ...]
    bona_fide: SpeciesPlan
    requirements: tuple[Requirement, ...]
    proposal: Proposal | None

    @property
    def provable(self) -> bool:
        """Whether the goal can be shown for every species that the plan knows."""
        return bool(self.species) and not any(row.missing for row in self.species)


def plan(takes: Iterable[StoredTake], goal: Goal, species: Iterable[str] = ()) -> Plan:
    """Plans from the takes that count. `species` are wanted also without a take, as a protocol names them."""
    takes = [stored for stored in takes if stored.counts and stored.labels.species]
    attacks = [stored for stored in takes if stored.attack]
    needed = takes_needed(goal.apcer, goal.confidence)
    kinds = {stored.labels.species for stored in attacks} | (set(species) - {"bona_fide", ""})
    rows = [_row(kind, attacks, needed, goal) for kind in sorted(kinds)]
    rows.sort(key=lambda row: -row.missing)
    bona_fide = _row("bona_fide", takes, needed, goal)
    return Plan(goal, needed, tuple(rows), bona_fide, _requirements(takes, rows), _proposal(takes, rows))


def _row(kind: str, takes: Sequence[StoredTake], needed: int, goal: Goal) -> SpeciesPlan:
    own = [stored for stored in takes if stored.labels.species == kind]
    return SpeciesPlan(
        species=kind,
        takes=len(own),
        subjects=len({stored.labels.subject for stored in own if stored.labels.subject}),
        instruments=len({stored.labels.instrument for stored in own if stored.labels.instrument}),
        bound=upper_bound(len(own), goal.confidence),
        missing=max(0, needed - len(own)),
    )


def _requirements(takes: Sequence[StoredTake], rows: Sequence[SpeciesPlan]) -> tuple[Requirement, ...]:
    present = [row for row in rows if row.takes]
    levels = Counter(row.level for row in present)
    subjects = len({stored.labels.subject for stored in takes if stored.labels.subject and not stored.attack})
    full = sum(row.takes >= IBETA_TAKES for row in present)
    live = sum(not stored.attack for stored in takes)
    named = sum(bool(stored.labels.instrument) for stored in takes if stored.attack)
    attacks = len(takes) - live
    return (
        Requirement("ISO/IEC 30107-3", "bona fide takes, for BPCER", live, 1),
        Requirement("ISO/IEC 30107-3", "attack species, for APCER of each", len(present), 1),
        Requirement("ISO/IEC 30107-3", "attacks that name their instrument", named, max(1, attacks)),
        Requirement("FIDO", "bona fide subjects", subjects, FIDO_SUBJECTS),
        Requirement("FIDO", "species of level A", levels["A"], FIDO_A),
        Requirement("FIDO", "species of level B", levels["B"], FIDO_B),
        Requirement("iBeta level 1", f"species with {IBETA_TAKES} takes", full, IBETA_L1_SPECIES),
        Requirement("iBeta level 2", f"species with {IBETA_TAKES} takes", full, IBETA_L2_SPECIES),
    )


def _proposal(takes: Sequence[StoredTake], rows: Sequence[SpeciesPlan]) -> Proposal | None:
    """The species that lacks most, where it was recorded least: in the light, at the distance, by the subject."""
    if not rows or not rows[0].missing:
        return None
    species = rows[0].species
    own = [stored for stored in takes if stored.labels.species == species]
    light, distance = _rarest([(one.labels.lighting, one.labels.distance_m) for one in takes],
                              [(one.labels.lighting, one.labels.distance_m) for one in own], ("", None))  # fmt: skip
    subject = _rarest([one.labels.subject for one in takes if one.labels.subject],
                      [one.labels.subject for one in own], "")  # fmt: skip
    return Proposal(species, light, distance, subject, rows[0].missing)


def _rarest(known: Sequence[T], own: Sequence[T], otherwise: T) -> T:
    """What is the rarest among `own` of all that is `known`; among equals what came first in order."""
    counts = Counter(own)
    return min(sorted(set(known), key=str), key=lambda one: counts[one], default=otherwise)
