"""A folder's takes sorted out: what belongs to the data set, what does not and why, and what is missing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from app.studio.splits import ids
from app.studio.takes import StoredTake
from models.datasets.faces import Split

NOT_SAID: Final = "not said"

Cell = tuple[str, str, str, str]
"""subject, species, light, distance as text; NOT_SAID where the labels are silent."""


@dataclass(frozen=True, slots=True)
class About:
    """What only people know of a data set. `shares` are of train, dev and test."""

    name: str = ""
    licence: str = ""
    retention_days: int | None = None
    seed: int = 0
    shares: tuple[float, float, float] = (0.6, 0.2, 0.2)


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A recording that is not part of the set, and why."""

    path: Path
    reason: str

    @property
    def brief(self) -> str:
        """The reason without the path that stands beside it."""
        return self.reason.replace(f"{self.path}: ", "")


@dataclass(frozen=True, slots=True)
class DataSet:
    """A folder's takes sorted out. `splits` maps `subject:ID` and `instrument:ID` to their split."""

    folder: Path
    about: About
    takes: tuple[StoredTake, ...]
    left_out: tuple[LeftOut, ...]
    splits: Mapping[str, Split] = field(default_factory=dict)

    def split(self, stored: StoredTake) -> Split:
        return self.splits[ids(stored)[0]]

    @property
    def counts(self) -> Counter[Cell]:
        """Takes in each cell subject × species × light × distance."""
        return Counter(map(cell, self.takes))

    @property
    def missing(self) -> list[Cell]:
        """Cells without a take: what one subject was shown in one light at one distance, another was not.

        Attack takes without a subject are not asked of anybody.
        """
        subjects = sorted({stored.labels.subject for stored in self.takes if stored.labels.subject})
        kinds = sorted({cell(stored)[1:] for stored in self.takes})
        have = self.counts
        return [(who, *kind) for who in subjects for kind in kinds if (who, *kind) not in have]

    @property
    def missing_subjects(self) -> dict[tuple[str, str, str], list[str]]:
        """`missing` put together: the subjects that lack it, for each species, light and distance."""
        lacking: dict[tuple[str, str, str], list[str]] = {}
        for who, *kind in self.missing:
            lacking.setdefault((kind[0], kind[1], kind[2]), []).append(who)
        return lacking

    @property
    def origins(self) -> list[str]:
        return sorted({stored.origin for stored in self.takes})


def cell(stored: StoredTake) -> Cell:
    """Where a take is counted."""
    labels = stored.labels
    distance = NOT_SAID if labels.distance_m is None else f"{labels.distance_m:.2f} m"
    return (labels.subject or NOT_SAID, labels.species or NOT_SAID, labels.lighting or NOT_SAID, distance)


def why_left_out(stored: StoredTake) -> str | None:
    """Why a recording cannot be part of a set; None where it can."""
    if stored.trouble:
        return f"damaged or unfinished: {stored.trouble}"
    if stored.bad:
        return "marked bad"
    if not stored.usable:
        return "interrupted and not marked good" if stored.frames else "holds no frames"
    if not stored.labels.species:
        return "no species label: say bona_fide or the kind of attack"
    if not ids(stored) or (not stored.attack and not stored.labels.subject):
        return "no subject label: without it nothing keeps a person out of two splits"
    if stored.origin == "unknown":
        return "neither real nor simulated by its camera record"
    return None
