"""How a bundle is made from faces; importing this needs no torch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal


@dataclass(frozen=True, slots=True)
class Plan:
    """`minutes` are of both trainings together, a quarter of them D-Net's; or each net takes `steps`.

    `max_bpcer`: most living faces of the development split that the thresholds may reject. `start`: a bundle whose
    trained nets are gone on from; without one both begin with random weights.
    """

    minutes: float = 80.0
    steps: int | None = None
    config: Literal["paper", "edge", "tiny"] = "edge"
    seed: int = 0
    max_bpcer: float = 0.05
    threads: int = 1
    name: str = "own"
    start: Path | None = None
