"""From a store of faces to a bundle, step by step: D-Net, M-Net, the positions that M-Net runs at, the bundle.

    RUN/d_net, RUN/m_net    runs of `models.training`
    RUN/positions           M-Net with the positions that `models.finetuning` chose on the development split

A run that was stopped goes on: each training from its last checkpoint.
"""

from __future__ import annotations

from collections.abc import Callable
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
from models.tasks import belongs, make_task
from models.training import Trainer

NAMES: Final[dict[Kind, str]] = {"d_net": "D-Net", "m_net": "M-Net"}
ATTACKS: Final[dict[Kind, str]] = {"d_net": "2-D attacks (prints, screens)", "m_net": "attacks in colour and infrared"}
SHARES: Final[dict[Kind, float]] = {"d_net": 0.25, "m_net": 0.75}
TRAINED: Final = ("train", "dev")
RATES: Final[dict[Kind, float]] = {"d_net": 2e-3, "m_net": 1e-3}

Watch = Callable[[str, float | None], None]
"""Is told the step that runs, and the share of its budget that is spent (None: not known)."""


class _Watched(Trainer):
    """Tells the spent share of its budget after each step."""

    watch: Callable[[float], None]

    def step(self) -> float:
        loss = super().step()
        self.watch(self.progress.share(self.recipe))
        return loss


def make_bundle(plan: Plan, store: Path, run: Path, out: Path, watch: Watch, more: Path | None = None) -> Path:
    """Trains both nets on `store` (M-Net on the train split of `more` too) and writes the bundle `out`.

    Raises DatasetError for a store that lacks a class or a split, before anything is learnt from it; TrainingError
    where `out` exists, `run` is of another plan, or the nets tell nothing apart.
    """
    if out.exists():
        raise TrainingError(f"{out} exists: name a new folder for the bundle")
    check_store(store)
    torch.set_num_threads(plan.threads)
    paths = {kind: _train(kind, plan, store, run, watch, more if kind == "m_net" else None) for kind in KINDS}
    watch("positions", None)
    tuned = finetune(paths["m_net"], store, run / "positions", TuningRecipe(rounds=0, select_on="dev", seed=plan.seed))
    watch("bundle", None)
    nets = TrainedNets.load(paths["d_net"], tuned)
    return bundle(nets, store, out, name=plan.name, max_bpcer=plan.max_bpcer, more=more)


def check_store(store: Path) -> None:
    """Raises DatasetError where a net could not be trained or watched, no threshold be set or no figure be given."""
    faces = Faces.load(store)
    solid = any(s.attack and not s.flat and s.split == "train" and s.reflectance for s in faces.samples)
    for split, kind in (*product(TRAINED, KINDS), ("test", "m_net")):
        some = faces.where(_seen_by(kind, split, masks_alone=solid))
        where, what = f"{store}: split {split}", ATTACKS[kind]
        if not len(some) or some.attacks.all():
            raise DatasetError(f"{where} has no living faces for {NAMES[kind]}: add some")
        if not some.attacks.any():
            also = " that are masks or heads, as split train has" if kind == "m_net" and solid else ""
            raise DatasetError(f"{where} has no {what}{also} for {NAMES[kind]}: add some")


def _seen_by(kind: Kind, split: str, *, masks_alone: bool) -> Callable[[Sample], bool]:
    """As `make_task` has it: M-Net that learns from masks is watched on masks alone."""
    of_net, solid = belongs(kind), masks_alone and kind == "m_net" and split == "dev"
    return lambda s: s.split == split and of_net(s) and not (solid and s.flat)


def _train(kind: Kind, plan: Plan, store: Path, run: Path, watch: Watch, more: Path | None) -> Path:
    watch(NAMES[kind], 0.0)
    recipe = Recipe(
        kind,
        config=plan.config,
        learning_rate=RATES[kind],
        minutes=plan.minutes * SHARES[kind],
        steps=plan.steps,
        seed=plan.seed,
    )
    trainer = _Watched(recipe, make_task(recipe, store, more), run / kind)
    trainer.watch = lambda share: watch(NAMES[kind], share)
    return trainer.run()
