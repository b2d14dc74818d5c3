"""What may stand before the simulated camera: living faces and the species of presentation attack instruments."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, get_args

from drivers.errors import NotFound

Flat = Literal[
    "flat_print", "trimmed_print", "folded_print", "curved_print", "wrapped_print", "cutout_print", "vinyl_banner",
    "screen_replay",
]  # fmt: skip
Mask = Literal["resin_mask", "plaster_mask", "silicone_mask", "latex_mask", "plastic_mask", "textile_mask"]
Species = Literal["live", Flat, Mask, "mannequin_head"]

SPECIES: Final[tuple[Species, ...]] = (
    "live", *get_args(Flat), *get_args(Mask), "mannequin_head",
)  # fmt: skip
FLAT: Final[frozenset[str]] = frozenset(get_args(Flat))
"""2-D instruments: sheets and screens, however they are bent. Everything else that is not alive is 3-D."""


@dataclass(frozen=True, slots=True)
class Difficulty:
    """How hard the simulated attacks are.

    `overlap`: share of masks and heads whose material is optically skin, in every band and in gloss, so that no
    look at reflectance tells them apart.
    """

    overlap: float = 0.06


def parse_species(name: str) -> Species:
    """A species by its name; hyphens and case do not matter. Raises NotFound with the names that exist."""
    wanted = name.strip().lower().replace("-", "_")
    for species in SPECIES:
        if wanted in (species, species.replace("_", "")):
            return species
    raise NotFound(f"no simulated scene '{name}'; there are {', '.join(SPECIES)}")
