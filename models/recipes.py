"""How a net is trained: its recipe, and the learning rate over the budget."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from models.augmentation import Infrared
from models.networks import Kind

Config = Literal["paper", "edge", "tiny"]

CYCLES = 5  # of the paper's cyclic cosine
WARM_UP = 0.03


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a net is trained; stored with it. Budget: `minutes` of wall time, or `steps` where those are given.

    `adamw` is what converges within a thousand steps on two cores; `sgd` is the paper's: momentum 0.9, weight
    decay 5e-4, cyclic cosine from 0.1 (with `faces_per_step` 256 its batch). M-Net sees `large` crops of nearly
    the whole face at 64 px and `small` ones at 32 px of each face; `flat_share` of its attacks are 2-D. Species in
    `emphasis` are drawn twice as often as they would be. With `deform` no face is shown to M-Net twice in one shape.
    `fmix` is the share of faces whose fusions are mixed: half in the paper, none by default, because within this
    budget mixing costs more than it brings (README). `bf16` is used where the machine has it.

    For ablations: `inputs` names the planes that the net looks at (`networks.INPUTS`; empty = all), `infrared`
    `raw` undoes the division by distance and exposure. For held-out tests: species in `without` and, where
    `sensors` are given, faces of any other sensor are neither learnt from nor watched.
    """

    kind: Kind
    config: Config = "edge"
    optimiser: Literal["adamw", "sgd"] = "adamw"
    learning_rate: float = 1e-3
    weight_decay: float = 0.1
    minutes: float = 30.0
    steps: int | None = None
    faces_per_step: int = 16
    large: int = 1
    small: int = 0
    flat_share: float = 0.12
    emphasis: tuple[str, ...] = ()
    fmix: float = 0.0
    deform: bool = True
    seed: int = 0
    bf16: bool = True
    evaluations: int = 8
    dev_faces: int = 300
    inputs: str = ""
    infrared: Infrared = "distance_free"
    without: tuple[str, ...] = ()
    sensors: tuple[str, ...] = ()


def paper_recipe(kind: Kind) -> Recipe:
    """The paper's schedule and batch; meant for a machine with accelerators."""
    return Recipe(kind, "paper", "sgd", 0.1, 5e-4, faces_per_step=256, fmix=0.5)


def learning_rate(recipe: Recipe, progress: float) -> float:
    """Learning rate at `progress` 0..1 of the budget."""
    if recipe.optimiser == "sgd":
        phase = (progress * CYCLES) % 1.0
        return recipe.learning_rate * 0.5 * (1 + math.cos(math.pi * phase))
    warm = min(1.0, (progress + 1e-3) / WARM_UP)
    return recipe.learning_rate * warm * 0.5 * (1 + math.cos(math.pi * min(progress, 1.0)))
