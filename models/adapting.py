"""A bundle's nets adapted to a site or a camera from a few dozen recordings, without forgetting what they know.

Three things hold on to the old: weights are drawn back to where they started (L2-SP: Li, Grandvalet and Davoine, ICML
2018; decoupled from the gradient as AdamW's decay is: Loshchilov and Hutter, ICLR 2019), statistics of the batch
normalisation stay, and half of each step's faces come from the store that the nets were trained on, where it is given
(rehearsal: Robins, Connection Science 7, 1995).

A net learns only where there are attacks of its kind: of living faces alone it would learn that everybody is one.
"""

from __future__ import annotations

import copy
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from models import metrics
from models.adapted import WANTED, Row, compared, described, model_card, origin_text, shown
from models.augmentation import add_noise, channels_last, reflectance_planes
from models.bundling import TrainedNets, check_nets, trained_files
from models.datasets.faces import Faces, Split
from models.errors import DatasetError, TrainingError
from models.export import write_bundle
from models.networks import ATTACK, KINDS, LIVE, CascadeNet, Kind
from models.operating_point import check_operating_point, choose_thresholds
from models.precision import mixed
from models.recipes import Recipe, learning_rate
from models.scoring import cut_all
from models.site_threshold import LOOSEN_CAP, merged_origin
from models.tasks import DepthTask, ReflectanceTask, Task, belongs
from pipeline.bundle import Bundle
from pipeline.parameters import BundleDescription, Patch, Thresholds

log = logging.getLogger(__name__)

MOST_MOVED = LOOSEN_CAP  # of a threshold, in logits; the same cap as without attacks
SHARES: dict[Kind, float] = {"d_net": 1.0, "m_net": 2.0}  # of the time: M-Net's steps cost more


@dataclass(frozen=True, slots=True)
class Adaptation:
    """How nets are adapted. Budget: `minutes` for all nets together, or `steps` of each where given. After each step
    weights go the share learning rate × `pull` of the way back to where they started; at most the share `max_bpcer`
    of the development split's living faces may be rejected."""

    minutes: float = 5.0
    steps: int | None = None
    learning_rate: float = 5e-5
    pull: float = 10.0
    faces_per_step: int = 16
    max_bpcer: float = 0.02
    seed: int = 0
    bf16: bool = True


@dataclass(frozen=True, slots=True)
class Adapted:
    """The bundle written, which nets learnt, what was done in lines for people, and the figures."""

    path: Path
    kinds: tuple[Kind, ...]
    lines: tuple[str, ...]
    rows: tuple[Row, ...]


def _unwatched(_share: float) -> None:
    """Whoever does not watch."""


def adapt_bundle(
    bundle: Bundle,
    own: Faces,
    rehearsal: Faces | None,
    out: Path,
    recipe: Adaptation,
    advance: Callable[[float], None] = _unwatched,
) -> Adapted:
    """Adapts both nets as far as `own` holds attacks for them, sets thresholds, and writes a new bundle to `out`.

    `own` holds the site's faces of all splits, `rehearsal` those of the store that the nets were trained on. `advance`
    is told the spent share of the budget. Raises TrainingError for a bundle without trained nets, where `out` exists,
    where nothing can be learnt; DatasetError where faces do not fit the bundle or a sensor shows one class only.
    """
    if out.exists():  # before minutes are spent on learning
        raise TrainingError(f"{out} exists: name a new folder for the bundle")
    before = TrainedNets.of_bundle(bundle.path)
    description = bundle.description
    for name, faces in (("own", own), ("rehearsal", rehearsal)):
        if faces is not None and faces.preprocessing != description.preprocessing:
            raise DatasetError(
                f"the {name} faces were made with another preprocessing than the bundle's: make them anew"
            )
    train, known = _split(own, "train"), None if rehearsal is None else _split(rehearsal, "train")
    kinds = learnable(train, known)
    _check_sensors(train, known, kinds, description)
    after = adapt(before, kinds, train, known, recipe, advance)
    thresholds, how = operating_point(after, _split(own, "dev"), description, recipe.max_bpcer)
    origins = [s.origin for s in (*own.samples, *(rehearsal.samples if rehearsal else ()))]
    made = description.model_copy(
        update={
            "name": f"{description.name}, adapted",
            "created": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "origin": merged_origin(description.origin, origins),
            "sensors": tuple(sorted({*description.sensors, *(s.sensor for s in train.samples)})),
            "precision": "f32",
            "m_net_precision": None,
            "d_net": "d_net.xml",
            "m_net": "m_net.xml",
            "patches": after.patches,
            "thresholds": thresholds,
            "operating_point": how,
        }
    )
    models, found = check_nets(after, _both_bands(train), "f32")
    rows = [
        row
        for name, faces in (("own", own), ("old store", rehearsal))
        if faces is not None
        for row in compared(name, shown(faces), (before, description.thresholds), (after, thresholds))
    ]
    lines = (*described(kinds, train, known), how + ".")
    card = model_card(bundle, made, lines, rows, [str(p) for p in found])
    write_bundle(out, made, models["d_net"], models["m_net"], card, trained_files(after))
    return Adapted(out, kinds, lines, tuple(rows))


def _split(faces: Faces, split: Split) -> Faces:
    return faces.where(lambda s: s.split == split)


def _both_bands(faces: Faces) -> Faces:
    """The faces that both nets have inputs for; all of them where there is none."""
    some = faces.where(lambda s: s.reflectance)
    return some if len(some) else faces


def _has(faces: Faces | None, kind: Kind, *, flat: bool) -> bool:
    return faces is not None and any(s.attack and s.flat == flat and belongs(kind)(s) for s in faces.samples)


def learnable(train: Faces, rehearsal: Faces | None) -> tuple[Kind, ...]:
    """The nets that living faces and attacks of their kind are there for.

    D-Net needs 2-D attacks. M-Net needs 3-D ones; 2-D ones do where rehearsal keeps it from forgetting masks.
    """
    live = {kind for kind in KINDS if any(not s.attack and belongs(kind)(s) for s in train.samples)}
    sheets = _has(train, "m_net", flat=True) and _has(rehearsal, "m_net", flat=False)
    attacked = {"d_net": _has(train, "d_net", flat=True), "m_net": _has(train, "m_net", flat=False) or sheets}
    return tuple(kind for kind in KINDS if kind in live and attacked[kind])


def _check_sensors(train: Faces, rehearsal: Faces | None, kinds: Sequence[Kind], old: BundleDescription) -> None:
    if not kinds:
        missing = " and ".join(WANTED.values())
        raise TrainingError(f"split train has faces for neither net: they need living faces, and {missing}")
    for sensor in sorted({s.sensor for s in train.samples}):
        faces = train.where(lambda s, sensor=sensor: s.sensor == sensor)  # type: ignore[misc]
        if not faces.both_classes:
            kind = "attacks" if faces.attacks.all() else "living faces"
            raise DatasetError(
                f"sensor {sensor} shows {kind} only in split train: nets would learn the camera; record both with it"
            )
        lacking = [kind for kind in KINDS if kind not in learnable(faces, rehearsal)]
        if sensor not in old.sensors and lacking:
            raise TrainingError(
                f"sensor {sensor} is new to the bundle, and split train lacks {WANTED[lacking[0]]} before it: "
                "record some, nobody may be judged live by a net that never saw them there"
            )


class PositionTask(ReflectanceTask):
    """M-Net's faces at the positions that it runs with, rather than at random ones."""

    def __init__(self, faces: Faces, recipe: Recipe, patches: Sequence[Patch]) -> None:
        super().__init__(faces, faces, recipe)
        self._used = [p for p in patches if p.weight > 0]

    def batch(self, rng: np.random.Generator) -> tuple[list[Tensor], Tensor]:
        indices = self.draw(rng)
        stack = self.faces.gather("stack", indices).astype(np.float32)
        planes = reflectance_planes(stack, self.faces.preprocessing.reflectance, rng, 0.0)
        groups = [inputs for _, inputs in cut_all(add_noise(planes, rng), self._used)]
        return groups, torch.from_numpy(np.where(self.faces.attacks[indices], ATTACK, LIVE))

    def shares(self) -> list[Tensor]:
        """Weight of each position, one tensor for each input size, in the order of the batch."""
        weight = torch.tensor([p.weight for p in self._used])
        return [weight[torch.tensor(where)] for where, _ in cut_all(torch.zeros(1, 1, 112, 112), self._used)]


def adapt(
    nets: TrainedNets,
    kinds: Sequence[Kind],
    own: Faces,
    rehearsal: Faces | None,
    recipe: Adaptation,
    advance: Callable[[float], None] = _unwatched,
) -> TrainedNets:
    """Copies of both nets, those of `kinds` trained on `own` and, half of each step, on `rehearsal`."""
    adapted: dict[Kind, CascadeNet] = {"d_net": copy.deepcopy(nets.d_net), "m_net": copy.deepcopy(nets.m_net)}
    whole = sum(SHARES[kind] for kind in kinds)
    done = 0.0
    for kind in kinds:
        part = SHARES[kind] / whole
        pools = [faces.where(belongs(kind)) for faces in (own, rehearsal) if faces is not None]
        plan = Recipe(
            kind,
            learning_rate=recipe.learning_rate,
            minutes=recipe.minutes * part,
            steps=recipe.steps,
            faces_per_step=max(1, recipe.faces_per_step // len(pools)),
            seed=recipe.seed,
            bf16=recipe.bf16,
        )
        tasks, shares = _tasks(kind, pools, plan, nets.patches)
        _fit(adapted[kind], tasks, shares, plan, recipe.pull, lambda s, d=done, p=part: advance(d + p * s))  # type: ignore[misc]
        done += part
    return TrainedNets(adapted["d_net"], adapted["m_net"], nets.patches)


def _tasks(
    kind: Kind, pools: Sequence[Faces], plan: Recipe, patches: Sequence[Patch]
) -> tuple[Sequence[Task], list[Tensor]]:
    if kind == "d_net":
        return [DepthTask(faces, faces, plan) for faces in pools], [torch.ones(1)]
    tasks = [PositionTask(faces, plan, patches) for faces in pools]
    return tasks, tasks[0].shares()


def _fit(
    net: CascadeNet,
    tasks: Sequence[Task],
    shares: Sequence[Tensor],
    plan: Recipe,
    pull: float,
    advance: Callable[[float], None],
) -> None:
    """Trains `net` in place; each task gives an equal part of every step."""
    start = [p.detach().clone() for p in net.parameters()]
    optimiser: Any = torch.optim.AdamW(net.parameters(), plan.learning_rate, weight_decay=0.0)
    net.train()
    _freeze_statistics(net)
    began, step, spent = time.perf_counter(), 0, 0.0
    while spent < 1:
        rate = learning_rate(plan, spent)
        for group in optimiser.param_groups:
            group["lr"] = rate
        loss = _step(net, tasks, shares, plan, step, optimiser)
        with torch.no_grad():
            for parameter, old in zip(net.parameters(), start, strict=True):
                parameter.lerp_(old, min(1.0, rate * pull))
        step += 1
        spent = step / plan.steps if plan.steps else (time.perf_counter() - began) / (60 * plan.minutes)
        advance(min(1.0, spent))
    net.eval()
    log.info("%s: %d steps, last loss %.4f", plan.kind, step, loss)


def _freeze_statistics(net: nn.Module) -> None:
    """All of them, those over the cells too: a site's few faces would shift what the old ones are measured by."""
    for module in net.modules():
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            module.eval()


def _step(
    net: CascadeNet, tasks: Sequence[Task], shares: Sequence[Tensor], plan: Recipe, step: int, optimiser: Any
) -> float:
    rng = np.random.default_rng((plan.seed, step))
    torch.manual_seed(plan.seed * 1_000_003 + step)
    optimiser.zero_grad()
    total = 0.0
    for task in tasks:
        groups, targets = task.batch(rng)
        for inputs, share in zip(groups, shares, strict=True):
            with mixed("cpu", plan.bf16):
                logits = net(channels_last(inputs))
            each = nn.functional.cross_entropy(logits.float(), targets.repeat(len(share)), reduction="none")
            loss = (share @ each.view(len(share), -1)).mean() / len(tasks)
            loss.backward()
            total += float(loss.detach())
    if not np.isfinite(total):
        raise TrainingError(f"{plan.kind}: the loss is {total} at step {step}: nothing was written")
    nn.utils.clip_grad_norm_(net.parameters(), 5.0)
    optimiser.step()
    return total


def operating_point(nets: TrainedNets, dev: Faces, old: BundleDescription, max_bpcer: float) -> tuple[Thresholds, str]:
    """Thresholds of the own development split where it has both classes, else the old ones; and how they came about.
    Raises TrainingError where they, with the old session rule, judge nobody there.

    A few dozen recordings say little about rates of a few per cent: nets learn from them, thresholds only follow. Each
    moves by at most `MOST_MOVED`; the bound on BPCER is at least what the number of living sessions n supports,
    1 / (n + 1), since a single odd one must not open the door; and that of a net that no attack reaches stays.
    """
    dev = dev.where(lambda s: s.reflectance)
    if not dev.both_classes:
        kept = "Thresholds are the old ones: the manifest's split dev lacks living faces or attacks"
        return old.thresholds, f"{kept}; they were: {old.operating_point}"
    scores = nets.score(dev)
    bpcer = max(max_bpcer, 1 / (len(set(dev.recordings[~dev.attacks].tolist())) + 1))
    found = choose_thresholds(scores, bpcer)
    flat = any(s.attack and s.flat for s in dev.samples)
    d_net = _near(found.d_net, old.thresholds.d_net) if flat else old.thresholds.d_net
    reached = bool(((scores.d_net < d_net) & dev.attacks).any())
    m_net = _near(found.m_net, old.thresholds.m_net) if reached else old.thresholds.m_net
    thresholds = Thresholds(d_net=d_net, m_net=m_net)
    check_operating_point(scores, thresholds, old.session)
    recordings = len(set(dev.recordings.tolist()))
    how = (
        f"least ACER with BPCER ≤ {100 * bpcer:.2g} % on the site's development split ({recordings} recordings, "
        f"{origin_text(dev)}), each threshold within {MOST_MOVED:.2f} of the old one in logits"
    )
    if (rejected := scores.bpcer(thresholds)) > bpcer + 1e-9:
        how += f"; so it is {100 * rejected:.1f} % there"
    if not flat:
        how += "; D-Net's is the old one, there were no 2-D attacks"
    if not reached:
        how += "; M-Net's is the old one, D-Net stopped every attack there"
    return thresholds, how


def _near(found: float, old: float) -> float:
    """`found`, or what lies as far towards it as a threshold may move."""
    low, high = metrics.sigmoid(metrics.logit(old) + MOST_MOVED * np.array([-1, 1]))
    return round(float(np.clip(found, low, high)), 6)
