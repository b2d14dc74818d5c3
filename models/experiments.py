"""Experiments that the paper's tables ask for, on a store of faces: training, scoring and `tables.md`.

    python -P -m models.experiments --faces DIR --far FAR --exposure EXPOSURE --more MORE --out OUT --jobs 2

Each net is a run of `models.training` in a folder of its own, each row of a table a line of `results.jsonl`. A run
that was broken off goes on where it stopped; a row that stands there is not computed again. Thresholds are those of
the least ACER on the dev split; figures are of the test split, which nothing else reads.
"""

from __future__ import annotations

import argparse
import json
import logging
from collections.abc import Iterator, Sequence
from concurrent.futures import as_completed
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from models import metrics
from models.datasets.faces import Faces, Sample, Split
from models.errors import TrainingError, command
from models.finetuning import TuningRecipe, finetune, stored_patches
from models.networks import load_net
from models.operating_point import CascadeScores, choose_thresholds
from models.options import count, count_or_none, positive
from models.protocol import TABLES, Protocol, Row, Training, protocol
from models.recipes import Config, Recipe
from models.scoring import ensemble, score_depth, score_patches
from models.tables import Result, measure, write_tables
from models.tasks import admitted
from models.training import train
from models.workers import workers
from pipeline.parameters import FACE_SIZE, Patch, default_patches

log = logging.getLogger(__name__)

F64 = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Settings:
    """Where experiments read and write, and their budgets. `stores`: name → folder; `faces` is learnt from.

    M-Net's fine-tuning takes half of `minutes_m` on top. Steps, where given, replace the minutes of training: minutes
    favour nets that are quick, and on a busy machine those that ran while it was idle. `more`: further stores that
    every net learns from.
    """

    stores: dict[str, str]
    minutes_d: float = 3.0
    minutes_m: float = 6.0
    config: Config = "edge"
    steps_d: int | None = None
    steps_m: int | None = None
    rounds: int = 36
    tuning_faces: int = 800
    more: tuple[str, ...] = ()

    @property
    def faces(self) -> Path:
        return Path(self.stores["faces"])

    @property
    def more_faces(self) -> tuple[Path, ...]:
        return tuple(Path(store) for store in self.more)

    def recipe(self, training: Training, seed: int) -> Recipe:
        of_d = training.recipe.kind == "d_net"
        minutes, steps = (self.minutes_d, self.steps_d) if of_d else (self.minutes_m, self.steps_m)
        return replace(training.recipe, config=self.config, minutes=minutes, steps=steps, seed=seed)

    def tuning(self, seed: int) -> TuningRecipe:
        return TuningRecipe(self.rounds, self.minutes_m / 2, final_faces=self.tuning_faces, seed=seed)


@dataclass(frozen=True, slots=True)
class Job:
    """What one process does in one go: nets that are trained where they are not yet, then rows that need them."""

    trainings: tuple[Training, ...]
    rows: tuple[Row, ...]
    seed: int
    settings: Settings
    out: Path

    def folder(self, name: str) -> Path:
        return self.out / f"{name}-{self.seed}"


def run_job(job: Job) -> list[Result]:
    """Trains what is missing and measures the rows."""
    for training in job.trainings:
        _trained(job, training)
    scorer = _Scorer(job)
    return [scorer.result(row) for row in job.rows]


def _trained(job: Job, training: Training) -> None:
    folder = job.folder(training.name)
    if not (folder / "model.pt").exists():
        train(job.settings.recipe(training, job.seed), job.settings.faces, folder, more=job.settings.more_faces)
    if training.tuned and not (folder / "tuned" / "model.pt").exists():
        finetune(folder / "model.pt", job.settings.faces, folder / "tuned", job.settings.tuning(job.seed))


class _Scorer:
    """Scores of a job's nets; those of one net, store and split are computed once."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self._by_name = {training.name: training for training in job.trainings}
        self._scores: dict[tuple[str, str, str, Split], tuple[Faces, F64]] = {}

    def result(self, row: Row) -> Result:
        if len(row.nets) == 2:
            return self._cascade(row)
        dev, dev_scores = self._of_row(row, "faces", "dev")
        test, scores = self._of_row(row, row.store, "test")
        threshold = metrics.threshold_of_least_acer(dev_scores, dev.attacks)
        return measure(row, self.job.seed, test, scores, scores < threshold, scores < 0.5)

    def _of_row(self, row: Row, store: str, split: Split) -> tuple[Faces, F64]:
        """Faces of a split that the row is about: on dev all that is like the training's, so that a held-out species
        or sensor has no say in the threshold; on test the row's own."""
        faces, scores = self._scored(row.nets[0], row.positions, store, split)
        known = admitted(self._by_name[row.nets[0]].recipe)
        wanted = [
            i for i, s in enumerate(faces.samples)
            if (row.examines(s) if split == "test" else row.of_stage(s) and known(s))
        ]  # fmt: skip
        if not wanted:
            raise TrainingError(f"{row.key}: no face of the {split} split of {self.job.settings.stores[store]} fits")
        return faces.take(wanted), scores[wanted]

    def _cascade(self, row: Row) -> Result:
        dev, test = (self._both(row, split) for split in ("dev", "test"))
        thresholds = choose_thresholds(dev, 1.0)
        wanted = [i for i, s in enumerate(test.faces.samples) if row.examines(s)]
        chosen = CascadeScores(test.d_net[wanted], test.m_net[wanted], test.faces.take(wanted))
        half = (chosen.d_net < 0.5) & (chosen.m_net < 0.5)
        scores = chosen.attack_scores(thresholds)
        return measure(row, self.job.seed, chosen.faces, scores, chosen.accepted(thresholds), half)

    def _both(self, row: Row, split: Split) -> CascadeScores:
        faces, m_net = self._scored(row.nets[1], row.positions, "faces", split)
        _, d_net = self._scored(row.nets[0], row.positions, "faces", split)
        return CascadeScores(d_net, m_net, faces)

    def _scored(self, net: str, positions: str, store: str, split: Split) -> tuple[Faces, F64]:
        key = (net, positions, store, split)
        if key not in self._scores:
            directory = Path(self.job.settings.stores[store])
            # Both nets judge the same faces, those with all bands.
            faces = Faces.load(directory, split=split, where=lambda s: s.reflectance)
            self._scores[key] = faces, self._score(net, positions, faces)
        return self._scores[key]

    def _score(self, name: str, positions: str, faces: Faces) -> F64:
        training, folder = self._by_name[name], self.job.folder(name)
        if training.recipe.kind == "d_net":
            return score_depth(load_net(folder / "model.pt", "d_net")[0], faces, bf16=True)
        path = folder / "tuned" / "model.pt" if positions == "weighted" else folder / "model.pt"
        net, extra = load_net(path, "m_net")
        patches = _patches(positions, stored_patches(extra))
        return ensemble(score_patches(net, faces, patches, bf16=True, infrared=training.recipe.infrared), patches)


def _patches(positions: str, stored: Sequence[Patch]) -> list[Patch]:
    if positions == "weighted":
        return [patch for patch in stored if patch.weight > 0]
    chosen = [p for p in default_patches() if positions == "equal" or p.size == FACE_SIZE]
    return [patch.model_copy(update={"weight": 1.0}) for patch in chosen]


def jobs(plan: Protocol, seeds: Sequence[int], settings: Settings, out: Path, done: set[tuple[str, int]]) -> list[Job]:
    """What is left to do, one job a net and seed; rows of two nets go with the second, which trains both."""
    todo = []
    for seed in seeds:
        for training in plan.trainings:
            rows = tuple(r for r in plan.rows if r.nets[-1] == training.name and (r.key, seed) not in done)
            if rows:
                todo.append(Job((training,), rows, seed, settings, out))
    return todo


def _stages(todo: Sequence[Job], plan: Protocol) -> Iterator[list[Job]]:
    """Jobs in two waves: nets and their own rows, then the rows of both nets, when no net is in training any more."""
    by_name = {training.name: training for training in plan.trainings}
    first, second = [], []
    for job in todo:
        own = tuple(row for row in job.rows if len(row.nets) == 1)
        both = tuple(row for row in job.rows if len(row.nets) == 2)
        if own:
            first.append(replace(job, rows=own))
        if both:
            names = dict.fromkeys(name for row in both for name in row.nets)
            second.append(replace(job, rows=both, trainings=tuple(by_name[name] for name in names)))
    yield first
    yield second


def _prepare_worker() -> None:
    torch.set_num_threads(1)
    _log_plainly()


def _run_all(todo: Sequence[Job], processes: int) -> Iterator[list[Result]]:
    if processes == 1:
        yield from map(run_job, todo)
        return
    with workers(processes, _prepare_worker) as pool:
        pending = [pool.submit(run_job, job) for job in todo]
        for future in as_completed(pending):
            yield future.result()


def read_results(path: Path) -> list[Result]:
    """Finished rows; a last line that was cut short by a kill is dropped, its row is computed again."""
    if not path.exists():
        return []
    text = path.read_text()
    whole = text[: text.rfind("\n") + 1]
    if whole != text:
        path.write_text(whole)
    return [Result(**json.loads(line)) for line in whole.splitlines()]


def _settle(settings: Settings, out: Path) -> None:
    """Refuses a folder whose rows were made under other settings: figures of one table must be comparable."""
    out.mkdir(parents=True, exist_ok=True)
    path = out / "settings.json"
    text = json.dumps(asdict(settings), indent=2)
    if path.exists() and path.read_text() != text:
        raise TrainingError(f"{path} differs from what is asked for now: give another --out or the same options")
    path.write_text(text)


def run(settings: Settings, out: Path, seeds: Sequence[int], processes: int, only: Sequence[str]) -> Path:
    """Runs what is not finished yet; returns the path of `tables.md`.

    Raises TrainingError and DatasetError where the stores do not hold what a row needs.
    """
    plan = protocol(_samples(settings), sorted(settings.stores), only)
    _settle(settings, out)
    path = out / "results.jsonl"
    finished = read_results(path)
    done = {(result.row, result.seed) for result in finished}
    todo = jobs(plan, seeds, settings, out, done)
    log.info("%d rows are finished, %d to go", len(done), sum(len(job.rows) for job in todo))
    for stage in _stages(todo, plan):
        for results in _run_all(stage, processes):
            finished += results
            with path.open("a") as file:
                file.writelines(json.dumps(asdict(result)) + "\n" for result in results)
            for result in results:
                log.info("%s, seed %d: %s", result.row, result.seed, result.summary())
            write_tables(out / "tables.md", finished)
    write_tables(out / "tables.md", finished)
    return out / "tables.md"


def _samples(settings: Settings) -> tuple[Sample, ...]:
    return Faces.load(settings.faces).samples


def _log_plainly() -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    for noisy in ("matplotlib", "lightning_fabric"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


@command
def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="models.experiments", description="The tables of the paper, on own faces.")
    parser.add_argument("--faces", type=Path, required=True, help="store of prepared faces")
    parser.add_argument("--far", type=Path, help="store of faces at distances that training has not seen")
    parser.add_argument("--exposure", type=Path, help="store of faces at exposures that training has not seen")
    parser.add_argument(
        "--more", type=Path, nargs="+", default=[], metavar="STORE", help="further stores to learn from, such as `more`"
    )
    parser.add_argument("--out", type=Path, required=True, help="folder of the experiments; broken-off ones go on")
    parser.add_argument("--minutes-d", type=positive, default=3.0, help="of each training of D-Net")
    parser.add_argument(
        "--minutes-m", type=positive, default=6.0, help="of each training of M-Net; half more to tune it"
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--jobs", type=count, default=1, help="trainings beside each other, one thread each")
    parser.add_argument("--only", default="", help=f"some of {','.join(TABLES)}, with commas between")
    parser.add_argument("--config", choices=("paper", "edge", "tiny"), default="edge")
    parser.add_argument("--steps-d", type=count, help="budget of D-Net's trainings in steps: the fairer comparison")
    parser.add_argument("--steps-m", type=count, help="the same of M-Net's")
    parser.add_argument("--rounds", type=count_or_none, default=36, help="of weighted fine-tuning")
    given = parser.parse_args(arguments)
    _log_plainly()
    torch.set_num_threads(1)
    named = {"faces": given.faces, "far": given.far, "exposure": given.exposure}
    stores = {name: str(path) for name, path in named.items() if path is not None}
    settings = Settings(
        stores,
        given.minutes_d,
        given.minutes_m,
        given.config,
        given.steps_d,
        given.steps_m,
        given.rounds,
        more=tuple(str(store) for store in given.more),
    )
    tables = run(settings, given.out, given.seeds, given.jobs, [name for name in given.only.split(",") if name])
    log.info("tables: %s", tables)


if __name__ == "__main__":
    raise SystemExit(main())
