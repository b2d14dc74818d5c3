"""Recordings from the simulated camera, labelled with what they show."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from app.errors import Exit
from app.record import Limits, record
from drivers.session import Labels
from drivers.simulated.camera import SimulatedCamera
from drivers.simulated.scenes import Scene

BONA_FIDE = "bona_fide"


def simulate(
    scene: str,
    out: Path,
    *,
    seconds: float,
    fps: float,
    seed: int,
    preset: str,
    console: Console,
    bystanders: int = 0,
    beside: bool = False,
) -> Exit:
    """Records one simulated scene. Raises TrilumeError for a scene or preset that does not exist."""
    camera = SimulatedCamera(
        scene, seed=seed, preset=preset, seconds=seconds, fps=fps, bystanders=bystanders, beside=beside
    )
    return record(camera, out, lambda: labels_of(camera.scene), Limits(), console)


def labels_of(scene: Scene) -> Labels:
    """What a scene shows, as labels."""
    return Labels(
        subject=scene.subject_id,
        species=scene.species if scene.is_attack else BONA_FIDE,
        instrument=scene.instrument_id if scene.is_attack else "",
        operator="simulated",
        site="simulated",
        notes="; ".join(("simulated camera: no person was recorded", *_company(len(scene.bystanders)))),
    )


def _company(bystanders: int) -> tuple[str, ...]:
    return (f"{bystanders} simulated bystander{'s' if bystanders > 1 else ''} in the picture",) if bystanders else ()
