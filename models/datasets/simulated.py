"""Faces of the simulated camera, prepared as a running program would prepare them.

    python -P -m models.datasets.simulated --out DIR [--scale 0.1] [--jobs 2]

Each scene is one person or one instrument before the camera, seen at a few moments. People and instruments
belong to one split. A scene is a function of its seed; a broken-off run goes on where it stopped.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from drivers.simulated.scenes import render_frame, sample_scene
from models.datasets.faces import FaceWriter, Sample, Split
from models.errors import command
from pipeline.faces import FaceFinder
from pipeline.gate import check_faces
from pipeline.parameters import Preprocessing
from pipeline.preparation import Preparation, prepare
from pipeline.result import Reason

LIVE = "live"
FLAT = ("flat_print", "trimmed_print", "curved_print", "screen_replay")
MASKS = ("resin_mask", "silicone_mask")

SCENES: Mapping[Split, Mapping[str, int]] = {
    "train": {LIVE: 1100, **dict.fromkeys(FLAT, 280), **dict.fromkeys(MASKS, 550)},
    "dev": {LIVE: 220, **dict.fromkeys(FLAT, 60), **dict.fromkeys(MASKS, 110)},
    "test": {LIVE: 260, **dict.fromkeys(FLAT, 100), **dict.fromkeys(MASKS, 130)},
}
"""Scenes of each species in each split at scale 1."""

FRAMES = 3  # moments of a scene, half a second apart: what time does not change costs no second scene
STEP_S = 0.5
FLUSH_SCENES = 60
FIRST_SEED: Mapping[Split, int] = {"train": 0, "dev": 1_000_000, "test": 2_000_000}
PRESETS = ("astra", "gemini335")


@dataclass(frozen=True, slots=True)
class Job:
    """One scene to render."""

    split: Split
    species: str
    seed: int
    preset: str

    @property
    def name(self) -> str:
        return f"{self.split}-{self.species}-{self.seed}"


def jobs(scale: float, preset: str | None = None) -> Iterator[Job]:
    """Every scene of the set, classes mixed, so that a part of a run is a small set and not a lopsided one."""
    planned = []
    for split, counts in SCENES.items():
        for kind, (species, count) in enumerate(counts.items()):
            for n in range(max(1, round(count * scale))):
                seed = FIRST_SEED[split] + kind * 100_000 + n
                planned.append(Job(split, species, seed, preset or PRESETS[n % len(PRESETS)]))
    order = np.random.default_rng(0).permutation(len(planned))
    return (planned[i] for i in order)


def faces_of(job: Job, finder: FaceFinder, parameters: Preprocessing) -> Iterator[tuple[Sample, Preparation | Reason]]:
    """The scene's moments: a judged face, or the reason for which it is none."""
    scene = sample_scene(job.species, job.seed, preset=job.preset)
    for n in range(FRAMES):
        frame_set = render_frame(scene, n * STEP_S, np.random.default_rng([job.seed, n]))
        assert frame_set.color is not None, "the simulated camera has all streams"
        found = finder.find(frame_set.color.pixels)
        reason = check_faces(found)
        preparation = None if reason else prepare(frame_set, found[0], parameters)
        sample = Sample(
            name=f"{job.name}-{n}",
            label="bona_fide" if job.species == LIVE else "attack",
            species="" if job.species == LIVE else job.species,
            flat=job.species in FLAT,
            subject=scene.subject_id,
            instrument="" if job.species == LIVE else scene.instrument_id,
            split=job.split,
            sensor=f"sim-{job.preset}",
            recording=job.name,
            frame=n,
            distance_m=preparation.distance_m or 0.0 if preparation else 0.0,
            seed=job.seed,
            reflectance=bool(preparation and preparation.prepared and not preparation.no_reflectance),
        )
        yield sample, preparation or reason or Reason.NO_FACE


def render(directory: Path, scale: float, part: int, parts: int, preset: str | None = None) -> Counter[tuple[str, str]]:
    """Renders every `parts`-th scene into the store; returns counts of (species, judged or reason)."""
    parameters, finder = Preprocessing(), FaceFinder(threads=1)
    seen: Counter[tuple[str, str]] = Counter()
    with FaceWriter(directory, parameters, writer=str(part), shard_faces=10**6) as writer:
        done = {name.rsplit("-", 1)[0] for name in writer.names}
        left = [job for n, job in enumerate(jobs(scale, preset)) if n % parts == part and job.name not in done]
        for number, job in enumerate(left, start=1):
            for sample, outcome in faces_of(job, finder, parameters):
                seen[job.species, add(writer, sample, outcome)] += 1
            if number % FLUSH_SCENES == 0:  # between scenes, so that a killed run leaves none in halves
                writer.flush()
                print(f"part {part}: {number} of {len(left)} scenes", flush=True)
    return seen


def add(writer: FaceWriter, sample: Sample, outcome: Preparation | Reason) -> str:
    """Stores a face that the program would judge; returns `judged` or the reason why not."""
    if isinstance(outcome, Reason):
        return outcome.value
    if outcome.reason is not None or outcome.prepared is None:
        return (outcome.reason or Reason.NO_DEPTH).value
    face = outcome.prepared
    if not sample.reflectance and face.stack is not None:
        return (outcome.no_reflectance or Reason.NO_INFRARED).value
    writer.add(sample, face)
    return "judged"


def report(seen: Counter[tuple[str, str]]) -> str:
    """A table of what became of the frames of each species."""
    outcomes = sorted({outcome for _, outcome in seen}, key=lambda o: (o != "judged", o))
    lines = [" ".join([f"{'species':16}", *(f"{o:>18}" for o in outcomes)])]
    for species in sorted({s for s, _ in seen}):
        lines.append(" ".join([f"{species:16}", *(f"{seen[species, o]:18d}" for o in outcomes)]))
    return "\n".join(lines)


@command
def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="models.datasets.simulated", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, help="store of faces to fill or to go on with")
    parser.add_argument("--scale", type=float, default=1.0, help="share of the scenes, 1 = the shipped bundle's set")
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    parser.add_argument("--preset", choices=PRESETS, help="one sensor only")
    given = parser.parse_args(arguments)
    with ProcessPoolExecutor(given.jobs, mp_context=get_context("spawn")) as pool:
        parts = [pool.submit(render, given.out, given.scale, n, given.jobs, given.preset) for n in range(given.jobs)]
        seen = sum((part.result() for part in parts), Counter[tuple[str, str]]())
    print("simulated faces\n" + report(seen))


if __name__ == "__main__":
    raise SystemExit(main())
