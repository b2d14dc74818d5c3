"""Weighted fine-tuning of M-Net on the fixed patch positions (Algorithm 1).

    python -P -m models.finetuning --net RUN/model.pt --faces DIR --out TUNED --minutes 15

Each round scores a fixed, class-balanced set of training faces at every position, chooses a position
(`models.boosting`), and trains one epoch on the loss Σ ω_n l_n. The positions and their shares are chosen anew
with the final weights before the net is saved: those of early rounds belong to a net that is no more.
"""

from __future__ import annotations

import argparse
import logging
import math
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from models import metrics
from models.augmentation import add_noise, channels_last, reflectance_planes
from models.boosting import Boosting, Mode, boost, select, start, thinned
from models.curves import write_history
from models.datasets.faces import Faces
from models.errors import TrainingError, command
from models.networks import ATTACK, LIVE, CascadeNet, freeze_statistics, load_net, save_net
from models.options import count, count_or_none, part, positive
from models.precision import mixed
from models.resuming import check_resumed
from models.scoring import cut_all, ensemble, score_patches
from models.tasks import belongs, sampling_weights
from pipeline.parameters import Patch, default_patches

log = logging.getLogger(__name__)

PANELS = {"error": "weighted error ε", "alpha": "share α", "wrong": "errors on the selection", "loss": "training loss"}

F64 = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class TuningRecipe:
    """How M-Net is fine-tuned. `rounds` T of Algorithm 1; an epoch is `epoch_faces` drawn faces at all positions,
    cut short where the round's share of `minutes` is spent. `selection_faces` are scored in every round;
    `select_on` names the split on which the final shares are chosen. With `thin` positions leave that only add to
    the cost."""

    rounds: int = 36
    minutes: float = 15.0
    epoch_faces: int = 256
    faces_per_step: int = 8
    selection_faces: int = 200
    final_faces: int = 800
    select_on: Literal["train", "dev"] = "train"
    mode: Mode = "adaboost"
    thin: bool = False
    learning_rate: float = 2e-4
    weight_decay: float = 0.02
    flat_share: float = 0.12
    fmix: float = 0.0
    seed: int = 0
    bf16: bool = True


def balanced(faces: Faces, count: int, flat_share: float, seed: int) -> Faces:
    """About `count` distinct faces, half of them live: where errors are counted, classes weigh alike."""
    weights = sampling_weights(faces, flat_share)
    rng = np.random.default_rng(seed)
    chosen: list[int] = []
    for attack in (False, True):
        of = np.flatnonzero((faces.attacks == attack) & (weights > 0))
        chance = weights[of] / weights[of].sum()
        chosen += rng.choice(of, min(count // 2, len(of)), replace=False, p=chance).tolist()
    return faces.take(sorted(chosen))


class Tuner:
    """One run in `out`, resumed round by round from `out/checkpoint.pt`."""

    def __init__(self, net: CascadeNet, faces: Faces, patches: Sequence[Patch], recipe: TuningRecipe, out: Path):
        out.mkdir(parents=True, exist_ok=True)
        self.net = net.to(memory_format=torch.channels_last)
        self.faces, self.patches, self.recipe = faces, tuple(patches), recipe
        self._chances = sampling_weights(faces, recipe.flat_share)
        self._selection = balanced(faces, recipe.selection_faces, recipe.flat_share, recipe.seed)
        self._optimiser = torch.optim.AdamW(net.parameters(), recipe.learning_rate, weight_decay=recipe.weight_decay)
        self.state = start(len(self._selection), len(self.patches))
        self.round = 0
        self.history: list[dict[str, float]] = []
        self._checkpoint = out / "checkpoint.pt"
        self._origin = {"faces": faces.digest(), "net": _weights_digest(net)}
        if self._checkpoint.exists():
            self._resume()

    def run(self) -> None:
        """The remaining rounds of Algorithm 1."""
        while self.round < self.recipe.rounds:
            self.round_once()

    def round_once(self) -> None:
        """One round: choose a position, reweight, train an epoch, save."""
        recipe = self.recipe
        until = time.perf_counter() + 60 * recipe.minutes / recipe.rounds
        p = score_patches(self.net, self._selection, self.patches, bf16=recipe.bf16)
        before = self.state
        self.state = boost(before, p, self._selection.attacks, recipe.mode)
        loss, seen = self._epoch(until)
        best = self.state.chosen[-1]
        wrong = (p[:, best] >= 0.5) != self._selection.attacks
        alpha = float(self.state.alphas[best] - before.alphas[best])
        log.info(
            "round %d: position %d, α %.3f, its errors %.1f %%; loss %.4f over %d faces",
            self.round + 1, best, alpha, 100 * wrong.mean(), loss, seen,
        )  # fmt: skip
        self.round += 1
        self.history.append(
            {
                "round": float(self.round),
                "position": float(best),
                "error": float(before.faces @ wrong),
                "alpha": alpha,
                "wrong": float(wrong.mean()),
                "loss": loss,
            }
        )
        self._save()

    def _epoch(self, until: float) -> tuple[float, int]:
        """Back-propagation on Σ ω_n l_n (step 5); returns the mean loss and the number of faces."""
        recipe = self.recipe
        rng = np.random.default_rng((recipe.seed, self.round))
        torch.manual_seed(recipe.seed * 1_000_003 + self.round)
        steps = max(1, recipe.epoch_faces // recipe.faces_per_step)
        losses = []
        self.net.train()
        freeze_statistics(self.net)
        for step in range(steps):
            progress = (self.round + step / steps) / recipe.rounds
            for group in self._optimiser.param_groups:
                group["lr"] = recipe.learning_rate * 0.5 * (1 + math.cos(math.pi * progress))
            losses.append(self._step(rng))
            if time.perf_counter() > until:
                break
        return float(np.mean(losses)), len(losses) * recipe.faces_per_step

    def _step(self, rng: np.random.Generator) -> float:
        recipe, weights = self.recipe, self.state.loss_weights
        indices = rng.choice(len(self.faces), recipe.faces_per_step, p=self._chances)
        targets = torch.from_numpy(np.where(self.faces.attacks[indices], ATTACK, LIVE))
        stack = self.faces.gather("stack", indices).astype(np.float32)
        planes = reflectance_planes(stack, self.faces.preprocessing.reflectance, rng, recipe.fmix)
        planes = add_noise(_mirrored(planes, rng), rng)
        self._optimiser.zero_grad()
        total = 0.0
        for positions, inputs in cut_all(planes, self.patches):
            with mixed("cpu", recipe.bf16):
                logits = self.net(channels_last(inputs))
            each = nn.functional.cross_entropy(logits.float(), targets.repeat(len(positions)), reduction="none")
            omega = torch.tensor(weights[positions], dtype=torch.float32).repeat_interleave(len(targets))
            loss = (omega * each).sum() / len(targets)
            loss.backward()
            total += float(loss.detach())
        if not np.isfinite(total):
            raise TrainingError(f"the loss is {total} in round {self.round + 1}: lower --learning-rate")
        nn.utils.clip_grad_norm_(self.net.parameters(), 5.0)
        self._optimiser.step()
        return total

    def _save(self) -> None:
        part = self._checkpoint.with_suffix(".part")
        state = self.state
        torch.save(
            {
                "recipe": asdict(self.recipe),
                "origin": self._origin,
                "round": self.round,
                "history": self.history,
                "net": self.net.state_dict(),
                "optimiser": self._optimiser.state_dict(),
                "faces": state.faces.tolist(),
                "loss_weights": state.loss_weights.tolist(),
                "alphas": state.alphas.tolist(),
                "chosen": list(state.chosen),
            },
            part,
        )
        part.replace(self._checkpoint)

    def _resume(self) -> None:
        saved = torch.load(self._checkpoint, map_location="cpu", weights_only=True)
        check_resumed(self._checkpoint, saved, asdict(self.recipe), self._origin)
        self.net.load_state_dict(saved["net"])
        self._optimiser.load_state_dict(saved["optimiser"])
        faces, loss_weights, alphas = (np.array(saved[key]) for key in ("faces", "loss_weights", "alphas"))
        self.state = Boosting(faces, loss_weights, alphas, tuple(saved["chosen"]))
        self.round, self.history = saved["round"], saved.get("history", [])
        log.info("resumed after round %d", self.round)


def _weights_digest(net: CascadeNet) -> str:
    return sha256(b"".join(value.numpy().tobytes() for value in net.state_dict().values())).hexdigest()


def _mirrored(planes: Tensor, rng: np.random.Generator) -> Tensor:
    flip = torch.from_numpy(rng.random(len(planes)) < 0.5)
    return torch.where(flip[:, None, None, None], planes.flip(3), planes)


def choose_weights(net: CascadeNet, faces: Faces, patches: Sequence[Patch], recipe: TuningRecipe) -> tuple[Patch, ...]:
    """`patches` with the shares that the net as it is deserves; 0 for positions that leave the ensemble."""
    chosen = balanced(faces, recipe.final_faces, recipe.flat_share, recipe.seed + 1)
    scores = score_patches(net, chosen, patches)
    try:
        weights = select(scores, chosen.attacks, recipe.mode)
    except ValueError as error:
        raise TrainingError(f"M-Net after fine-tuning: {error}; train it longer first") from error
    if recipe.thin:
        weights = thinned(weights, scores, chosen.attacks)
    return tuple(p.model_copy(update={"weight": float(w)}) for p, w in zip(patches, weights, strict=True))


def finetune(net_path: Path, directory: Path, out: Path, recipe: TuningRecipe, more: Sequence[Path] = ()) -> Path:
    """Fine-tunes the net in `net_path` and chooses its positions; returns `out/model.pt`, which holds both.

    The dev splits of `more` join that of the store. With `rounds` 0 only the positions are chosen. Raises DatasetError
    and TrainingError.
    """
    net, extra = load_net(net_path, "m_net")
    where = belongs("m_net")
    faces = Faces.load(directory, split="train", where=where)
    dev = Faces.load_all(directory, more, "dev", where)
    tuner = Tuner(net, faces, default_patches(), recipe, out)
    tuner.run()
    patches = choose_weights(net, faces if recipe.select_on == "train" else dev, tuner.patches, recipe)
    _report(net, dev, patches)
    write_history(out, tuner.history, PANELS)
    path = out / "model.pt"
    save_net(
        path, "m_net", net, recipe=extra.get("recipe", {}), history=extra.get("history", []),
        tuning=asdict(recipe), patches=[p.model_dump() for p in patches],
    )  # fmt: skip
    return path


def stored_patches(extra: dict[str, Any]) -> tuple[Patch, ...]:
    """The weighted positions that a fine-tuned net was saved with; equal weights for one that was not."""
    if "patches" in extra:
        return tuple(Patch(**values) for values in extra["patches"])
    patches = default_patches()
    return tuple(p.model_copy(update={"weight": 1 / len(patches)}) for p in patches)


def _report(net: CascadeNet, dev: Faces, patches: Sequence[Patch]) -> None:
    chosen = balanced(dev, 400, 0.0, 0)
    scores = score_patches(net, chosen, patches)
    used = [i for i, p in enumerate(patches) if p.weight > 0]
    equal = [p.model_copy(update={"weight": 1.0}) for p in patches]
    log.info("%d positions run: %s", len(used), ", ".join(f"{i} ({patches[i].weight:.3f})" for i in used))
    for name, mean in (("weighted", ensemble(scores, patches)), ("equal weights", ensemble(scores, equal))):
        rates = metrics.error_rates(mean < 0.5, chosen.attacks, chosen.species)
        log.info("dev, %s: AUC %.4f, ACER %.2f %%", name, metrics.auc(mean, chosen.attacks), 100 * rates.acer)


@command
def main(arguments: Sequence[str] | None = None) -> None:
    default = TuningRecipe()
    parser = argparse.ArgumentParser(prog="models.finetuning", description="Weighted fine-tuning of M-Net.")
    parser.add_argument("--net", type=Path, required=True, help="model.pt of a trained M-Net")
    parser.add_argument("--faces", type=Path, required=True, help="store of prepared faces")
    parser.add_argument(
        "--more", type=Path, nargs="+", default=[], metavar="STORE", help="further stores whose dev splits count"
    )
    parser.add_argument("--out", type=Path, required=True, help="folder of the run; a broken-off run goes on")
    parser.add_argument("--minutes", type=positive, default=default.minutes)
    parser.add_argument("--rounds", type=count_or_none, default=default.rounds, help="0: only choose the positions")
    parser.add_argument("--mode", choices=("adaboost", "literal"), default=default.mode)
    parser.add_argument("--select-on", choices=("train", "dev"), default=default.select_on)
    parser.add_argument("--thin", action="store_true", help="leave positions out that do not help")
    parser.add_argument("--learning-rate", type=positive, default=default.learning_rate)
    parser.add_argument("--fmix", type=part, default=default.fmix, help="share of faces whose fusions are mixed")
    parser.add_argument("--seed", type=int, default=default.seed)
    parser.add_argument("--threads", type=count, default=1)
    given = vars(parser.parse_args(arguments))
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    logging.getLogger("matplotlib").setLevel(logging.WARNING)
    torch.set_num_threads(given.pop("threads"))
    net, faces, out, more = given.pop("net"), given.pop("faces"), given.pop("out"), given.pop("more")
    finetune(net, faces, out, replace(default, **given), more)


if __name__ == "__main__":
    raise SystemExit(main())
