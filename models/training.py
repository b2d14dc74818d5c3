"""Training of D-Net on whole depth faces and of M-Net on random multi-scale crops.

    python -P -m models.training d_net --faces DIR --out RUN --minutes 20
    python -P -m models.training m_net --faces DIR --out RUN --minutes 40

The learning rate follows the share of the budget that is spent, so a run of any length anneals fully. Batch k
depends on the seed and k alone: a run that was killed goes on from its last checkpoint as if nothing had been.
The last net is kept, none is picked by its figures on the development split.

Lightning Fabric finds the accelerators and splits a step over them: rank r draws a batch of its own, gradients are
averaged, so `faces_per_step` counts faces of one device. On a CPU alone it is one process, or `--devices` many.
"""

from __future__ import annotations

import argparse
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from hashlib import sha256
from pathlib import Path

import numpy as np
import torch
from lightning_fabric import Fabric
from lightning_fabric.utilities.exceptions import MisconfigurationException
from torch import Tensor, nn

from models import metrics
from models.augmentation import channels_last
from models.curves import write_history
from models.errors import TrainingError, command
from models.networks import (
    INPUTS,
    KINDS,
    CascadeNet,
    freeze_statistics,
    grown,
    load_net,
    net_config,
    parameter_count,
    save_net,
    with_statistics,
)
from models.options import count, count_or_none, part, positive
from models.precision import mixed
from models.recipes import Recipe, learning_rate, paper_recipe
from models.resuming import check_resumed
from models.tasks import Task, make_task

log = logging.getLogger(__name__)

FROZEN_FROM = 0.85
CHECKPOINT_S = 60.0
PANELS = {"loss": "training loss", "auc": "AUC (dev)", "acer": "ACER at 0.5 (dev)"}


@dataclass
class _Progress:
    """Where a run stands; all of it is in the checkpoint."""

    step: int = 0
    elapsed_s: float = 0.0
    history: list[dict[str, float]] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)  # since the last line of the history

    def share(self, recipe: Recipe) -> float:
        """Spent share of the budget, 0..1."""
        if recipe.steps is not None:
            return min(1.0, self.step / recipe.steps)
        return min(1.0, self.elapsed_s / (60 * recipe.minutes))


def _statistics(task: Task) -> Tensor:
    """A few hundred training inputs, for the constants of the input normalisation."""
    rng = np.random.default_rng(0)
    return torch.cat([task.batch(rng)[0][0] for _ in range(8)])


def _origin(task: Task, start: Path | None) -> dict[str, str]:
    """What a run comes from beside its recipe, see `check_resumed`."""
    net = sha256(start.read_bytes()).hexdigest() if start is not None and start.is_file() else ""
    return {"faces": task.faces.digest(), "dev": task.dev.digest(), "start": net}


def make_fabric(accelerator: str = "auto", devices: int | str = "auto") -> Fabric:
    """Lightning Fabric; of several devices each runs a process, started here.

    Its precision is float32: its mixed precision would round the planes to bfloat16 before their logarithm is taken.
    Raises TrainingError for an accelerator or a number of devices that this machine lacks.
    """
    try:
        fabric = Fabric(accelerator=accelerator, devices=devices, strategy="auto", precision="32-true")
        fabric.launch()
    except (MisconfigurationException, ImportError, ValueError) as error:
        reason = str(error).strip().splitlines()[0]
        raise TrainingError(f"--accelerator {accelerator} --devices {devices}: {reason}") from error
    return fabric


class Trainer:
    """One run in the directory `out`: goes on from `out/checkpoint.pt` where there is one.

    `fabric` says on what it runs, by default on the CPU in this process. Rank 0 alone watches and writes. `start` is
    a trained net whose weights and constants a new run begins with.
    """

    def __init__(
        self, recipe: Recipe, task: Task, out: Path, fabric: Fabric | None = None, start: Path | None = None
    ) -> None:
        out.mkdir(parents=True, exist_ok=True)
        self.recipe, self.task, self.out = recipe, task, out
        self.fabric = fabric or make_fabric("cpu", 1)
        self._checkpoint = out / "checkpoint.pt"
        self._origin = _origin(task, start)
        torch.manual_seed(recipe.seed)
        self.net = self._first_net(start).to(memory_format=torch.channels_last)
        self.optimiser = self._make_optimiser()
        self._model, self._optimiser = self.fabric.setup(self.net, self.optimiser)
        self.progress = _Progress()
        if self._checkpoint.exists():
            self._resume()

    def _first_net(self, start: Path | None) -> CascadeNet:
        recipe = self.recipe
        config = net_config(recipe.kind, recipe.config, recipe.inputs)
        if start is None:
            return CascadeNet(with_statistics(config, _statistics(self.task)))
        net, _ = load_net(start, recipe.kind)
        try:
            return grown(net, replace(config, mean=net.config.mean, std=net.config.std))
        except TrainingError as error:
            raise TrainingError(f"{start} and --config {recipe.config}: {error}: give the one that it has") from error

    def _make_optimiser(self) -> torch.optim.Optimizer:
        recipe = self.recipe
        decayed = [p for p in self.net.parameters() if p.ndim > 1]
        plain = [p for p in self.net.parameters() if p.ndim <= 1]
        groups = [{"params": decayed, "weight_decay": recipe.weight_decay}, {"params": plain, "weight_decay": 0.0}]
        if recipe.optimiser == "sgd":
            return torch.optim.SGD(groups, recipe.learning_rate, momentum=0.9)
        return torch.optim.AdamW(groups, recipe.learning_rate)

    def _resume(self) -> None:
        saved = torch.load(self._checkpoint, map_location="cpu", weights_only=True)
        check_resumed(self._checkpoint, saved, asdict(self.recipe), self._origin)
        self.net.load_state_dict(saved["net"])
        self.optimiser.load_state_dict(saved["optimiser"])
        self.progress = _Progress(saved["step"], saved["elapsed_s"], saved["history"], saved["losses"])
        log.info("resumed at step %d after %.1f min", self.progress.step, self.progress.elapsed_s / 60)

    def save(self) -> None:
        """Writes the checkpoint, whole or not at all."""
        if not self.fabric.is_global_zero:
            return
        part = self._checkpoint.with_suffix(".part")
        state = {
            "recipe": asdict(self.recipe),
            "origin": self._origin,
            "net": self.net.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            **asdict(self.progress),
        }
        torch.save(state, part)
        part.replace(self._checkpoint)

    def step(self) -> float:
        """One batch; returns its loss. Depends on the seed, the step's number and the rank alone."""
        progress, recipe, rank = self.progress, self.recipe, self.fabric.global_rank
        rng = np.random.default_rng((recipe.seed, progress.step, rank))
        torch.manual_seed((recipe.seed * 1_000_003 + progress.step) + (rank << 40))
        share = progress.share(recipe)
        for group in self.optimiser.param_groups:
            group["lr"] = learning_rate(recipe, share)
        self.net.train()
        if share >= FROZEN_FROM:
            # Crops of several sizes share one set of statistics: the net settles on those it will run with.
            freeze_statistics(self.net)
        groups, targets = self.task.batch(rng)
        targets = self.fabric.to_device(targets)
        self._optimiser.zero_grad()
        total = 0.0
        for inputs in groups:
            with mixed(self.fabric.device.type, recipe.bf16):
                logits = self._model(channels_last(self.fabric.to_device(inputs)))
            repeated = targets.repeat(len(inputs) // len(targets))
            loss = nn.functional.cross_entropy(logits.float(), repeated) / len(groups)
            self.fabric.backward(loss)
            total += float(loss.detach())
        if not np.isfinite(total):
            raise TrainingError(f"the loss is {total} at step {progress.step}: lower --learning-rate")
        nn.utils.clip_grad_norm_(self.net.parameters(), 5.0)
        self._optimiser.step()
        progress.step += 1
        return total

    def evaluate(self, loss: float) -> None:
        """Adds a line of figures on the development split to the history."""
        if not self.fabric.is_global_zero:
            return
        scores, attacks = self.task.scores(self.net), self.task.dev.attacks
        rates = metrics.error_rates(scores < 0.5, attacks, self.task.dev.species)
        line = {
            "step": float(self.progress.step),
            "minutes": self.progress.elapsed_s / 60,
            "loss": loss,
            "auc": metrics.auc(scores, attacks),
            "acer": rates.acer,
        }
        self.progress.history.append(line)
        log.info(
            "step %d, %.1f min: loss %.4f, dev AUC %.4f, dev ACER %.2f %% (worst %s %s)",
            self.progress.step, line["minutes"], loss, line["auc"], 100 * rates.acer, rates.worst_species, rates.apcer,
        )  # fmt: skip

    def run(self, watch: Callable[[float], None] = lambda _share: None) -> Path:
        """Trains to the end of the budget; returns the net's path, `out/model.pt`. `watch` is told the spent share."""
        recipe, progress = self.recipe, self.progress
        saved = progress.elapsed_s
        while progress.share(recipe) < 1:
            before, start = progress.share(recipe), time.perf_counter()
            progress.losses.append(self.step())
            self._spend(start)
            after, start = progress.share(recipe), time.perf_counter()
            watch(after)
            if int(after * recipe.evaluations) > int(before * recipe.evaluations):
                self.evaluate(float(np.mean(progress.losses)))
                progress.losses = []
            elif progress.step % 50 == 0:
                log.info("step %d, %.0f %%: loss %.4f", progress.step, 100 * after, np.mean(progress.losses[-50:]))
            if progress.elapsed_s - saved > CHECKPOINT_S:
                self.save()
                saved = progress.elapsed_s
            self._spend(start)
        self.save()
        return self._finish()

    def _spend(self, since: float) -> None:
        """Counts the time since `since`; rank 0's clock counts for all, so that all stop at the same step."""
        spent = time.perf_counter() - since
        self.progress.elapsed_s += spent if self.fabric.world_size == 1 else self.fabric.broadcast(spent)

    def _finish(self) -> Path:
        path = self.out / "model.pt"
        if not self.fabric.is_global_zero:
            return path
        save_net(path, self.recipe.kind, self.net.eval(), recipe=asdict(self.recipe), history=self.progress.history)
        write_history(self.out, self.progress.history, PANELS)
        log.info("%s: %d steps, %.1f min", path, self.progress.step, self.progress.elapsed_s / 60)
        return path


def train(
    recipe: Recipe,
    faces: Path,
    out: Path,
    fabric: Fabric | None = None,
    more: Sequence[Path] = (),
    start: Path | None = None,
    watch: Callable[[float], None] = lambda _share: None,
) -> Path:
    """Trains a net on a store of faces, and on the train splits of further ones; returns the path of `model.pt`.

    `start` is a trained net to go on from, such as the shipped bundle's `m_net.pt`; `watch` is told the spent share of
    the budget after each step.

    Raises DatasetError and TrainingError where the store or an older checkpoint does not fit.
    """
    trainer = Trainer(recipe, make_task(recipe, faces, more), out, fabric, start)
    log.info("%s %s: %.2f M parameters", recipe.kind, recipe.config, parameter_count(trainer.net) / 1e6)
    return trainer.run(watch)


def _inputs_text() -> str:
    return "; ".join(f"{kind} {', '.join(names)}" for kind, names in INPUTS.items())


@command
def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="models.training", description="Trains D-Net or M-Net.")
    parser.add_argument("net", choices=KINDS)
    parser.add_argument("--faces", type=Path, required=True, help="store of prepared faces")
    parser.add_argument(
        "--more", type=Path, nargs="+", default=[], metavar="STORE", help="further stores to learn from, such as `more`"
    )
    parser.add_argument("--start", type=Path, help="a trained net (.pt) to begin with instead of random weights")
    parser.add_argument("--out", type=Path, required=True, help="folder of the run; a broken-off run goes on")
    parser.add_argument("--minutes", type=positive, default=30.0)
    parser.add_argument("--steps", type=count, help="budget in steps instead of minutes")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=count, default=1)
    parser.add_argument("--config", choices=("paper", "edge", "tiny"), default="edge")
    parser.add_argument("--recipe", choices=("edge", "paper"), default="edge", help="paper: SGD, batch 256")
    parser.add_argument("--learning-rate", type=positive)
    parser.add_argument("--faces-per-step", type=count)
    parser.add_argument("--fmix", type=part, help="share of faces whose fusions are mixed")
    parser.add_argument(
        "--large", type=count_or_none, help="crops of nearly the whole face, of each face of a step (M-Net)"
    )
    parser.add_argument("--small", type=count_or_none, help="crops of 28 to 64 px, of each face of a step (M-Net)")
    parser.add_argument("--inputs", default="", help=f"planes to look at: {_inputs_text()}; all by default")
    parser.add_argument("--infrared", choices=("distance_free", "raw"), default="distance_free")
    parser.add_argument("--emphasis", nargs="*", default=[], metavar="SPECIES", help="species to draw twice as often")
    parser.add_argument("--as-they-are", action="store_true", help="show M-Net faces in the shape that they have")
    parser.add_argument("--without", nargs="*", default=[], metavar="SPECIES", help="species to leave out")
    parser.add_argument("--sensors", nargs="*", default=[], help="learn from these sensors alone")
    parser.add_argument("--accelerator", default="auto", help="of Lightning Fabric: auto, cpu, gpu …")
    parser.add_argument("--devices", default="auto", help="how many of them; each runs a process")
    given = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    for noisy in ("matplotlib", "lightning_fabric"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    torch.set_num_threads(given.threads)
    base = asdict(paper_recipe(given.net) if given.recipe == "paper" else Recipe(given.net))
    changes = {
        "config": "paper" if given.recipe == "paper" else given.config,
        "minutes": given.minutes,
        "steps": given.steps,
        "seed": given.seed,
        "fmix": base["fmix"] if given.fmix is None else given.fmix,
        "learning_rate": given.learning_rate or base["learning_rate"],
        "faces_per_step": given.faces_per_step or base["faces_per_step"],
        "large": base["large"] if given.large is None else given.large,
        "small": base["small"] if given.small is None else given.small,
        "inputs": given.inputs,
        "infrared": given.infrared,
        "without": tuple(given.without),
        "emphasis": tuple(given.emphasis),
        "deform": not given.as_they_are,
        "sensors": tuple(given.sensors),
    }
    fabric = make_fabric(given.accelerator, given.devices)
    train(Recipe(**{**base, **changes}), given.faces, given.out, fabric, given.more, given.start)


if __name__ == "__main__":
    raise SystemExit(main())
