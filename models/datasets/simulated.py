"""Faces of the simulated camera, prepared as a running program would prepare them.

    python -P -m models.datasets.simulated --out DIR [--scale 0.25] [--jobs 2] [--part main|more|twins|…]

Each scene is one person or one instrument before the camera, seen at a few moments; `mipd` says which. A scene is a
function of its seed, a shard of its scenes: a run that was killed goes on where it stopped and ends with the same
bytes, whatever the number of processes.

    DIR/recipe.json          what is rendered; another recipe is refused
    DIR/shard-main.0007-…    the faces of scenes 7·chunk … of the plan, see `faces`
    DIR/outcomes/0007.json   written last: what became of each frame of that shard
"""

from __future__ import annotations

import argparse
import json
import logging
import shutil
import signal
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import as_completed
from functools import cache
from pathlib import Path
from resource import RUSAGE_CHILDREN, RUSAGE_SELF, getrusage
from typing import Final, get_args

import cv2
import numpy as np

from drivers.frames import FrameSet, Image
from drivers.simulated.scenes import Scene, render_frame, sample_scene, truth
from drivers.simulated.species import FLAT
from models.datasets.faces import FaceWriter, Sample
from models.datasets.mipd import LIVE, Job, Part, Recipe, plan
from models.errors import DatasetError, command
from models.options import count, positive
from models.workers import workers
from pipeline.faces import FaceFinder
from pipeline.gate import check_faces
from pipeline.parameters import Preprocessing
from pipeline.pose import angles_of
from pipeline.preparation import Preparation, prepare
from pipeline.result import Reason

log = logging.getLogger(__name__)

STEP_S: Final = 0.5
JUDGED: Final = "judged"
Outcomes = Counter[tuple[str, str]]  # (species, judged or the reason why not)


def scene_of(job: Job, recipe: Recipe) -> Scene:
    """The scene that a job of the recipe renders."""
    return sample_scene(
        job.species,
        job.seed,
        identity_seed=job.person,
        instrument_seed=job.instrument,
        preset=job.preset,
        distance_range=recipe.distance_m,
        difficulty=recipe.difficulty,
        exposure=job.exposure,
    )


def faces_of(
    job: Job, finder: FaceFinder, parameters: Preprocessing, recipe: Recipe
) -> Iterator[tuple[Sample, Preparation | Reason]]:
    """The scene's moments: a judged face, or the reason for which it is none."""
    scene = scene_of(job, recipe)
    for n in range(recipe.frames):
        frame_set = render_frame(scene, n * STEP_S, np.random.default_rng([job.seed, n]), windowed=True)
        color, infrared, _ = streams(frame_set)
        found = finder.find(color.pixels)
        reason = check_faces(found)
        preparation = None if reason else prepare(frame_set, found[0], parameters)
        yaw, pitch, _ = angles_of(truth(scene, n * STEP_S).R)
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
            light=scene.light,
            skin_type=scene.skin_type,
            yaw_deg=round(yaw, 2),
            pitch_deg=round(pitch, 2),
            infrared_exposure_ms=round(float(np.prod(exposure(infrared))), 4),
        )
        yield sample, preparation or reason or Reason.NO_FACE


def streams(frame_set: FrameSet) -> tuple[Image, Image, Image]:
    """Colour, infrared and depth: the simulated camera has all of them."""
    color, infrared, depth = frame_set.color, frame_set.infrared, frame_set.depth
    if color is None or infrared is None or depth is None:
        raise DatasetError("a simulated frame lacks a stream")
    return color, infrared, depth


def exposure(image: Image) -> tuple[float, float]:
    """Milliseconds and gain as the camera told them, 0 ms where it did not."""
    return image.exposure_ms or 0.0, image.gain or 1.0


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
    return JUDGED


def render_chunk(directory: Path, recipe: Recipe, chunk: int) -> Outcomes:
    """Renders one shard of the plan, or reads what became of it when it is already there."""
    note = directory / "outcomes" / f"{chunk:04d}.json"
    if note.exists():
        return Counter({(species, outcome): n for species, outcome, n in json.loads(note.read_text())})
    name = f"{recipe.part}.{chunk:04d}"
    for rest in directory.glob(f"shard-{name}-*"):  # without its note it was not finished
        shutil.rmtree(rest)
    seen: Outcomes = Counter()
    parameters, finder = Preprocessing(), _finder()
    with FaceWriter(directory, parameters, writer=name, shard_faces=10**6) as writer:
        for job in plan(recipe)[chunk * recipe.chunk : (chunk + 1) * recipe.chunk]:
            for sample, outcome in faces_of(job, finder, parameters, recipe):
                seen[job.species, add(writer, sample, outcome)] += 1
    part = note.with_suffix(".part")
    part.write_text(json.dumps(sorted([*key, n] for key, n in seen.items())))
    part.replace(note)
    return seen


@cache
def _finder() -> FaceFinder:
    return FaceFinder(threads=1)


def _worker() -> None:
    """One thread. Ctrl-C is for the process that asked: it lets shards that are begun come to their end."""
    cv2.setNumThreads(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def generate(directory: Path, recipe: Recipe, processes: int) -> Outcomes:
    """Fills a store by a recipe; raises DatasetError where the folder belongs to another one."""
    if not (directory / "recipe.json").exists() and any(directory.glob("shard-*")):
        raise DatasetError(f"{directory} holds faces of another origin: write into another folder")
    recipe.keep_in(directory)
    FaceWriter(directory, Preprocessing()).close()
    (directory / "outcomes").mkdir(exist_ok=True)
    chunks = -(-len(plan(recipe)) // recipe.chunk)
    seen: Outcomes = Counter()
    start = time.perf_counter()
    with workers(processes, _worker) as pool:
        waiting = [pool.submit(render_chunk, directory, recipe, n) for n in range(chunks)]
        for done, future in enumerate(as_completed(waiting), start=1):
            seen += future.result()
            log.info("%d of %d shards, %.0f s", done, chunks, time.perf_counter() - start)
    return seen


def report(seen: Outcomes) -> str:
    """A table of what became of the frames of each species."""
    outcomes = sorted({outcome for _, outcome in seen}, key=lambda o: (o != JUDGED, o))
    lines = [" ".join([f"{'species':16}", *(f"{o:>18}" for o in outcomes)])]
    for species in sorted({s for s, _ in seen}):
        lines.append(" ".join([f"{species:16}", *(f"{seen[species, o]:18d}" for o in outcomes)]))
    return "\n".join(lines)


def cost(seen: Outcomes, wall_s: float) -> str:
    """Time and memory of this process and its children, one line."""
    own, children = getrusage(RUSAGE_SELF), getrusage(RUSAGE_CHILDREN)
    cpu_s = children.ru_utime + children.ru_stime
    frames = max(seen.total(), 1)
    judged = sum(n for (_, outcome), n in seen.items() if outcome == JUDGED)
    peak_mb = max(own.ru_maxrss, children.ru_maxrss) / 1024
    return (
        f"{judged} faces of {frames} frames in {wall_s:.0f} s ({judged / wall_s:.1f} a second), "
        f"{1000 * cpu_s / frames:.0f} CPU ms a frame, {peak_mb:.0f} MB a process at most"
    )


@command
def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="models.datasets.simulated", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, help="store of faces to fill or to go on with")
    parser.add_argument("--scale", type=positive, default=1.0, help="share of the paper's counts")
    parser.add_argument(
        "--part",
        choices=get_args(Part),
        default="main",
        help="far, exposure, prints: test scenes only; thresholds: development only; more, twins: training only",
    )
    parser.add_argument("--overlap", type=float, help="share of masks and heads that are optically skin")
    parser.add_argument("--jobs", type=count, default=2, help="processes")
    given = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    if not 0 <= (given.overlap or 0) <= 1:
        raise DatasetError("--overlap must lie within 0..1")
    recipe = Recipe.of(given.part, scale=given.scale, overlap=given.overlap)
    log.info("recipe %s: %d scenes of %d moments", recipe.hash, len(plan(recipe)), recipe.frames)
    start = time.perf_counter()
    seen = generate(given.out, recipe, given.jobs)
    log.info("simulated faces\n%s\n%s", report(seen), cost(seen, time.perf_counter() - start))


if __name__ == "__main__":
    raise SystemExit(main())
