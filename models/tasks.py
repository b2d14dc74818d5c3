"""What the two nets learn from: which faces, how they are drawn, and how they become batches."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.augmentation import (
    add_noise,
    deformed,
    depth_faces,
    partly_hidden,
    random_crops,
    raw_infrared,
    reflectance_planes,
)
from models.datasets.faces import Faces, Sample
from models.errors import TrainingError
from models.networks import ATTACK, LIVE, CascadeNet, Kind
from models.recipes import Recipe
from models.scoring import score_depth, score_patches
from pipeline.parameters import FACE_SIZE, default_patches

LARGE_PX, SMALL_PX = (106.0, 114.0), (28.0, 64.0)
LARGE_INPUT, SMALL_INPUT = 64, 32


def belongs(kind: Kind) -> Callable[[Sample], bool]:
    """Faces that a net learns from: D-Net from live faces and 2-D attacks, M-Net from all with both bands."""
    if kind == "d_net":
        return lambda sample: not sample.attack or sample.flat
    return lambda sample: sample.reflectance


def admitted(recipe: Recipe) -> Callable[[Sample], bool]:
    """Faces that a recipe learns from and is watched on: those of its net, less what it holds out."""
    of_net = belongs(recipe.kind)
    return lambda sample: (
        of_net(sample)
        and sample.species not in recipe.without
        and (not recipe.sensors or sample.sensor in recipe.sensors)
    )


def watched_by(kind: Kind, learnt: Faces) -> Callable[[Sample], bool]:
    """Faces of the dev split that a net which learnt from `learnt` is watched on. Prints are D-Net's: among them the
    figures of an M-Net that learns from masks would say little about masks.
    """
    of_net, solid = belongs(kind), kind == "m_net" and holds_masks(learnt)
    return lambda sample: of_net(sample) and not (solid and sample.flat)


def holds_masks(faces: Faces) -> bool:
    """Whether there are masks or heads among the attacks."""
    return any(sample.attack and not sample.flat for sample in faces.samples)


def sampling_weights(faces: Faces, flat_share: float | None, emphasis: Sequence[str] = ()) -> NDArray[np.float64]:
    """Chance of each face to be drawn, float64 [n]: half live, half attacks; of the attacks `flat_share` are 2-D;
    within each kind a species counts by the root of its scenes, twice that where it is in `emphasis`. A scene counts
    once, however many of its moments are stored: a second look at a face teaches little.
    """
    flat = np.array([s.flat for s in faces.samples])
    attack, species = faces.attacks, faces.species
    if not faces.both_classes:
        raise TrainingError("training needs live faces and attacks: the store holds only one of them")
    moments = Counter(s.recording for s in faces.samples)
    scenes = np.array([1 / moments[s.recording] for s in faces.samples])
    weights = np.zeros(len(faces))
    weights[~attack] = 0.5 * scenes[~attack] / scenes[~attack].sum()
    both = (attack & flat).any() and (attack & ~flat).any()
    shares = {True: flat_share or 0.0, False: 1 - (flat_share or 0.0)} if both and flat_share is not None else {}
    for kind in (True, False):
        of_kind = attack & (flat == kind)
        chances = np.zeros(len(faces))
        for name in np.unique(species[of_kind]):
            mine = np.where(of_kind & (species == name), scenes, 0.0)
            chances += mine / np.sqrt(mine.sum()) * (2 if name in emphasis else 1)
        if of_kind.any():
            share = shares.get(kind, of_kind.sum() / attack.sum())
            weights += 0.5 * share * chances / chances.sum()
    total: float = weights.sum()
    return weights / total


class Task(Protocol):
    """What differs between the two nets: their batches and their scores on the development split."""

    def batch(self, rng: np.random.Generator) -> tuple[list[Tensor], Tensor]:
        """Inputs, one tensor for each input size, and the target class [B] of each face."""
        ...

    def scores(self, net: CascadeNet) -> NDArray[np.float64]: ...

    faces: Faces
    dev: Faces


def _targets(faces: Faces, indices: NDArray[np.int64]) -> Tensor:
    return torch.from_numpy(np.where(faces.attacks[indices], ATTACK, LIVE))


def twins(faces: Faces) -> NDArray[np.int64]:
    """Of each face the same scene with the other label, int64 [n]; itself where there is none. Scenes are told by
    their seeds, so faces of real cameras have no twin.
    """
    place = {(s.seed, s.attack): i for i, s in enumerate(faces.samples)}
    return np.array([place.get((s.seed, not s.attack), i) if s.seed else i for i, s in enumerate(faces.samples)])


class _Drawn:
    def __init__(self, faces: Faces, dev: Faces, recipe: Recipe) -> None:
        self.faces, self.dev, self.recipe = faces, dev, recipe
        flat_share = recipe.flat_share if recipe.kind == "m_net" else None
        self._cumulative = np.cumsum(sampling_weights(faces, flat_share, recipe.emphasis))
        self._twins = twins(faces)

    def draw(self, rng: np.random.Generator) -> NDArray[np.int64]:
        """Faces of a step. Of two neighbours the second is the first one's twin where that has one: what the two
        differ in is what they are made of.
        """
        chance = rng.random(self.recipe.faces_per_step)
        drawn = np.searchsorted(self._cumulative, chance).clip(max=len(self.faces) - 1)
        first = drawn[:-1:2]
        drawn[1::2] = np.where(self._twins[first] != first, self._twins[first], drawn[1::2])
        return drawn


class DepthTask(_Drawn):
    def batch(self, rng: np.random.Generator) -> tuple[list[Tensor], Tensor]:
        indices = self.draw(rng)
        return [depth_faces(self.faces.gather("depth_maps", indices), rng)], _targets(self.faces, indices)

    def scores(self, net: CascadeNet) -> NDArray[np.float64]:
        return score_depth(net, self.dev, bf16=self.recipe.bf16)


class ReflectanceTask(_Drawn):
    # The whole face: cheap to score, and it leads the ensemble.
    positions = tuple(p for p in default_patches() if p.size == FACE_SIZE)

    def batch(self, rng: np.random.Generator) -> tuple[list[Tensor], Tensor]:
        indices = self.draw(rng)
        stack = self.faces.gather("stack", indices).astype(np.float32)
        parameters = self.faces.preprocessing.reflectance
        if self.recipe.infrared == "raw":
            stack = raw_infrared(stack, [self.faces.samples[i] for i in indices], parameters)
        if self.recipe.deform:
            stack = partly_hidden(deformed(stack, rng), rng)
        planes = reflectance_planes(stack, parameters, rng, self.recipe.fmix)
        groups = []
        for count, n, sizes in (
            (self.recipe.large, LARGE_INPUT, LARGE_PX),
            (self.recipe.small, SMALL_INPUT, SMALL_PX),
        ):
            crops = [random_crops(planes, n, sizes, rng) for _ in range(count)]
            if crops:
                groups.append(add_noise(torch.cat(crops), rng))
        return groups, _targets(self.faces, indices)

    def scores(self, net: CascadeNet) -> NDArray[np.float64]:
        recipe = self.recipe
        scores = score_patches(net, self.dev, self.positions, bf16=recipe.bf16, infrared=recipe.infrared)
        mean: NDArray[np.float64] = scores.mean(1)
        return mean


def _of_both_classes(faces: Faces, count: int) -> Faces:
    """`count` of the faces, half of them attacks where there are as many."""
    order = np.random.default_rng(0).permutation(len(faces))
    attacks = faces.attacks[order]
    turn = np.where(attacks, np.cumsum(attacks), np.cumsum(~attacks))
    return faces.take(np.sort(order[np.argsort(turn, kind="stable")[:count]]))


def make_task(recipe: Recipe, directory: Path, more: Sequence[Path] = ()) -> DepthTask | ReflectanceTask:
    """The net's faces of the store: train split to learn from, joined by those of the stores `more`; a fixed part of
    its own dev split to watch. Raises DatasetError and TrainingError where one of them lacks a class.
    """
    if recipe.without:
        known = {sample.species for sample in Faces.load(directory).samples}
        unknown = sorted(set(recipe.without) - known)
        if unknown:
            raise TrainingError(f"no {unknown[0]} in {directory} to leave out: its species are {sorted(known - {''})}")
    where = admitted(recipe)
    faces = Faces.load_all(directory, more, "train", where)
    watched = watched_by(recipe.kind, faces)
    dev = Faces.load(directory, split="dev", where=where)
    masks = dev.where(watched)
    dev = _of_both_classes(masks if masks.attacks.any() else dev, recipe.dev_faces)
    if not dev.both_classes:
        raise TrainingError(
            f"{directory}: split dev holds only one class that this net can be watched on: add the other"
        )
    return (DepthTask if recipe.kind == "d_net" else ReflectanceTask)(faces, dev, recipe)
