"""From a store of faces to a bundle, step by step: D-Net, M-Net, the positions that M-Net runs at, the bundle.

    RUN/d_net, RUN/m_net    runs of `models.training`
    RUN/positions           M-Net with the positions that `models.finetuning` chose on the development split

A run that was stopped goes on: each training from its last checkpoint.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import product
from pathlib import Path
from typing import Final

import torch

from models.bundling import TrainedNets, bundle
from models.datasets.faces import Faces, Sample
from models.errors import DatasetError, TrainingError
from models.finetuning import TuningRecipe, finetune
from models.networks import KINDS, Kind
from models.plan import Plan
from models.recipes import Recipe
from models.tasks import belongs, holds_masks, watched_by
from models.training import train
from pipeline.bundle import load_bundle

NAMES: Final[dict[Kind, str]] = {"d_net": "D-Net", "m_net": "M-Net"}
ATTACKS: Final[dict[Kind, str]] = {"d_net": "2-D attacks (prints, screens)", "m_net": "attacks in colour and infrared"}
SHARES: Final[dict[Kind, float]] = {"d_net": 0.25, "m_net": 0.75}
TRAINED: Final = ("train", "dev")
RATES: Final[dict[Kind, float]] = {"d_net": 2e-3, "m_net": 1e-3}

Watch = Callable[[str, float | None], None]
"""Is told the step that runs, and the share of its budget that is spent (None: not known)."""


def make_bundle(plan: Plan, store: Path, run: Path, out: Path, watch: Watch, more: Sequence[Path] = ()) -> Path:
    """Trains both nets on `store` and writes the bundle `out`. M-Net learns from the train splits of `more` too, and
    their dev splits join in choosing positions and thresholds.

    Raises DatasetError for a store that lacks a class or a split, or one of `more` that does not go with it, before
    anything is learnt; TrainingError where `out` exists, `run` is of another plan, the bundle to start from lacks its
    nets, or these tell nothing apart.
    """
    if out.exists():
        raise TrainingError(f"{out} exists: name a new folder for the bundle")
    starts = {kind: _start(kind, plan) for kind in KINDS}
    check_store(store)
    Faces.load_all(store, more, "train")  # stores that do not go together: said now, not after D-Net
    torch.set_num_threads(plan.threads)
    paths = {kind: _train(kind, plan, store, more, run, watch, starts[kind]) for kind in KINDS}
    watch("positions", None)
    choosing = TuningRecipe(rounds=0, select_on="dev", thin=True, seed=plan.seed)
    tuned = finetune(paths["m_net"], store, run / "positions", choosing, more)
    watch("bundle", None)
    nets = TrainedNets.load(paths["d_net"], tuned)
    begun = None if plan.start is None else load_bundle(plan.start).description.origin
    return bundle(nets, store, out, name=plan.name, max_bpcer=plan.max_bpcer, more=more, begun=begun)


def check_store(store: Path) -> None:
    """Raises DatasetError where a net could not be trained or watched, no threshold be set or no figure be given."""
    faces = Faces.load(store)
    learnt = faces.where(lambda s: s.split == "train").where(belongs("m_net"))
    for split, kind in (*product(TRAINED, KINDS), ("test", "m_net")):
        seen = watched_by(kind, learnt) if split == "dev" else belongs(kind)
        some = faces.where(seen).where(partial(_in_split, split))
        where, what = f"{store}: split {split}", ATTACKS[kind]
        if not len(some) or some.attacks.all():
            raise DatasetError(f"{where} has no living faces for {NAMES[kind]}: add some")
        if not some.attacks.any():
            also = " that are masks or heads, as split train has" if kind == "m_net" and holds_masks(learnt) else ""
            raise DatasetError(f"{where} has no {what}{also} for {NAMES[kind]}: add some")


def _in_split(split: str, sample: Sample) -> bool:
    return sample.split == split


def _start(kind: Kind, plan: Plan) -> Path | None:
    """The trained net to go on from; raises TrainingError where the bundle holds none."""
    if plan.start is None:
        return None
    path = plan.start / f"{kind}.pt"
    if not path.is_file():
        raise TrainingError(f"{path}: no trained net to start from: give a bundle that holds d_net.pt and m_net.pt")
    return path


def _train(
    kind: Kind, plan: Plan, store: Path, more: Sequence[Path], run: Path, watch: Watch, start: Path | None
) -> Path:
    watch(NAMES[kind], 0.0)
    recipe = Recipe(
        kind,
        config=plan.config,
        learning_rate=RATES[kind],
        minutes=plan.minutes * SHARES[kind],
        steps=plan.steps,
        seed=plan.seed,
    )
    told = partial(watch, NAMES[kind])
    return train(recipe, store, run / kind, more=more if kind == "m_net" else (), start=start, watch=told)
