"""Crops and random changes of training faces. All randomness comes from the generator passed in.

What tells skin from a mask is the level of infrared against colour: changes of it stay small.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from calibration.srgb import linear_to_srgb
from models.datasets.faces import Sample
from models.fmix import fourier_mask, mix
from pipeline.parameters import FACE_SIZE, Patch, ReflectanceParameters

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
U8 = NDArray[np.uint8]
Bools = NDArray[np.bool_]
Infrared = Literal["distance_free", "raw"]

BACKGROUND = 255  # of F1, F2 and F3
COLOR_GAIN, TINT_GAIN, INFRARED_GAIN = 0.10, 0.08, 0.05
NOISE, FINE_NOISE = 0.01, 0.003  # of depth, of reflectance, where more would hide how bands go together
TURN_RAD, STRETCH, SHEAR, BEND_PX = 0.14, 0.06, 0.05, 2.0
BENDS = 4  # a side of the grid of places that are moved about
HIDDEN_SHARE, TRIMMED_SHARE = 0.3, 0.3  # of faces, a part of which is covered or whose outline is cut


def area_weights(start: F64, size: F64, n: int, flip: Bools | None = None) -> F32:
    """Area averaging along one axis as matrices float32 [B, n, 112]: row i averages the i-th of n equal parts
    of [start, start + size), by exact overlap. Parts outside the face's picture count as 0.

    The same operator as `pipeline.patches.cut_patches` runs with, at any position and scale.
    """
    edges = start[:, None] + size[:, None] * np.linspace(0, 1, n + 1)
    pixel = np.arange(FACE_SIZE)
    overlap = np.minimum(edges[:, 1:, None], pixel + 1) - np.maximum(edges[:, :-1, None], pixel)
    weights: F64 = overlap.clip(min=0) * (n / size)[:, None, None]
    if flip is not None:
        weights = np.where(flip[:, None, None], weights[:, ::-1], weights)
    return weights.astype(np.float32)


def area_crop(planes: Tensor, rows: F32, columns: F32) -> Tensor:
    """Planes [B, C, 112, 112] through `area_weights` of both axes [B, n, 112] or [1, n, 112]: [B, C, n, n]."""
    across = torch.matmul(planes, torch.from_numpy(columns).transpose(1, 2)[:, None])
    return torch.matmul(torch.from_numpy(rows)[:, None], across)


def cut(planes: Tensor, patch: Patch) -> Tensor:
    """One fixed patch of planes [B, C, 112, 112]: [B, C, n, n]."""
    n = patch.input_size
    if patch.size == n:
        return planes[:, :, patch.y : patch.y + n, patch.x : patch.x + n]
    size = np.array([float(patch.size)])
    rows = area_weights(np.array([float(patch.y)]), size, n)
    return area_crop(planes, rows, area_weights(np.array([float(patch.x)]), size, n))


def random_crops(planes: Tensor, n: int, sizes: tuple[float, float], rng: np.random.Generator) -> Tensor:
    """A random square of each face, its side log-uniform in `sizes` px, flipped half the time: [B, C, n, n]."""
    count = len(planes)
    size = np.exp(rng.uniform(np.log(sizes[0]), np.log(sizes[1]), count))
    x, y = rng.uniform(0, 1, (2, count)) * (FACE_SIZE - size)
    columns = area_weights(x, size, n, rng.random(count) < 0.5)
    return area_crop(planes, area_weights(y, size, n), columns)


def add_noise(planes: Tensor, rng: np.random.Generator, largest: float = FINE_NOISE) -> Tensor:
    """White noise of a random strength per face, on face pixels only (the background of `planes` is 0)."""
    sigma = torch.from_numpy(rng.uniform(0, largest, (len(planes), 1, 1, 1)).astype(np.float32))
    noise = torch.from_numpy(rng.standard_normal(tuple(planes.shape), np.float32))
    return planes + sigma * noise * (planes > 0)


def fuse(stack: F32, parameters: ReflectanceParameters) -> tuple[F32, F32]:
    """(sum, diff) float32 [B, 3, S, S] in 0..1 from the linear stack [B, 4, S, S] (equations 16 to 18)."""
    color = linear_to_srgb(stack[:, :3].clip(0, 1))
    infrared = (stack[:, 3:] * np.float32(parameters.infrared_scale / 255)).clip(0, 1)
    difference = np.abs(color - infrared) ** np.float32(parameters.gamma)
    return ((color + infrared) / 2).astype(np.float32), difference.astype(np.float32)


def raw_infrared(stack: F32, samples: Sequence[Sample], parameters: ReflectanceParameters) -> F32:
    """The stack [B, 4, S, S] with infrared as the camera saw it, equation 11 undone: times the law's fall-off at the
    face's distance and times its exposure over the reference (1 where it is unknown). Colour stays as it is."""
    law = parameters.law
    distance = np.array([sample.distance_m for sample in samples])
    exposure = np.array([sample.infrared_exposure_ms for sample in samples])
    exposure[exposure <= 0] = parameters.reference_exposure_ms
    falloff = ((law.reference_m + law.offset_m) / (distance + law.offset_m)) ** law.exponent
    gains = np.ones((len(stack), 4, 1, 1), np.float32)
    gains[:, 3, 0, 0] = falloff * exposure / parameters.reference_exposure_ms
    return stack * gains


def fused_planes(stack: F32, parameters: ReflectanceParameters) -> F32:
    """Stack, sum and diff float32 [B, 10, S, S] from the stack alone; the background stays 0."""
    face = (stack != 0).any(1, keepdims=True)
    total, difference = fuse(stack, parameters)
    return np.concatenate([stack, total * face, difference * face], 1)


def jitter_gains(stack: F32, rng: np.random.Generator) -> F32:
    """Slight errors of exposure, of white balance and of the emitter's calibration: a gain for colour, further ones
    for red and blue, one for infrared."""
    gains = np.ones((len(stack), 4, 1, 1), np.float32)
    gains[:, :3] = np.exp(rng.uniform(-COLOR_GAIN, COLOR_GAIN, (len(stack), 1, 1, 1)))
    gains[:, 0:3:2] *= np.exp(rng.uniform(-TINT_GAIN, TINT_GAIN, (len(stack), 2, 1, 1)))
    gains[:, 3:] = np.exp(rng.uniform(-INFRARED_GAIN, INFRARED_GAIN, (len(stack), 1, 1, 1)))
    return stack * gains


def deformed(stack: F32, rng: np.random.Generator) -> F32:
    """Faces [B, 4, S, S], each turned, stretched and bent a little: another head of the same stuff.

    A net that meets the same few thousand heads again and again learns them by heart. What it should learn is what
    they are made of, which no bending changes. A pixel is face where most of what it shows was.
    """
    count, _, size, _ = stack.shape
    degree = rng.uniform(-0.5, 1, (count, 1)).clip(min=0)  # a third stay as they are: resampling smooths patterns
    turn, shear = degree[:, 0] * rng.uniform(-1, 1, (2, count)) * [[TURN_RAD], [SHEAR]]
    stretch = np.exp(degree * rng.uniform(-STRETCH, STRETCH, (count, 2)))
    turned = np.array([[np.cos(turn), shear - np.sin(turn)], [np.sin(turn), np.cos(turn)]]).transpose(2, 0, 1)
    affine = np.concatenate([turned * stretch[:, None], np.zeros((count, 2, 1))], 2)
    grid = nn.functional.affine_grid(torch.from_numpy(affine.astype(np.float32)), [count, 1, size, size], False)
    places = degree[..., None, None] * rng.normal(0, 2 * BEND_PX / size, (count, 2, BENDS, BENDS))
    bends = torch.from_numpy(places.astype(np.float32))
    grid += nn.functional.interpolate(bends, (size, size), mode="bicubic", align_corners=True).permute(0, 2, 3, 1)
    face = (stack != 0).any(1, keepdims=True).astype(np.float32)
    planes = torch.from_numpy(np.concatenate([stack, face], 1))
    moved = nn.functional.grid_sample(planes, grid, align_corners=False).numpy()
    share = moved[:, 4:]
    return np.where(share > 0.5, moved[:, :4] / share.clip(min=0.5), 0).astype(np.float32)


def partly_hidden(stack: F32, rng: np.random.Generator) -> F32:
    """Faces [B, 4, S, S], of some of which an ellipse is background, and of some all that lies beyond another one: no
    single spot must decide, nor the outline, which a mask moves by its thickness.
    """
    shown = stack.copy()
    for i in np.flatnonzero(rng.random(len(stack)) < HIDDEN_SHARE):
        shown[i, :, ellipse(rng.uniform(16, 96, 2), rng.uniform(6, 24, 2))] = 0
    for i in np.flatnonzero(rng.random(len(stack)) < TRIMMED_SHARE):
        shown[i, :, ~ellipse(rng.uniform(50, 60, 2), rng.uniform((46, 34), (62, 54)))] = 0
    return shown


def reflectance_planes(stack: F32, parameters: ReflectanceParameters, rng: np.random.Generator, fmix: float) -> Tensor:
    """Planes float32 [B, 10, S, S] of faces with jittered gains; with probability `fmix` sum and diff of a
    face are replaced by their mixture and its complement."""
    face = (stack != 0).any(1, keepdims=True)
    stack = jitter_gains(stack, rng)
    total, difference = (plane * face for plane in fuse(stack, parameters))
    for i in np.flatnonzero(rng.random(len(stack)) < fmix):
        total[i], difference[i] = mix(total[i], difference[i], fourier_mask(FACE_SIZE, rng))
    return torch.from_numpy(np.concatenate([stack, total, difference], 1))


def _shifted(maps: U8, rng: np.random.Generator) -> U8:
    """One face [3, S, S], scaled and shifted a little, half the time mirrored. Nearest samples: averaging
    would blend face and background into depths that no surface has."""
    size = FACE_SIZE * rng.uniform(0.93, 1.07)
    start = (FACE_SIZE - size) / 2 + rng.uniform(-4, 4, 2)
    index = np.floor(start[:, None] + (np.arange(FACE_SIZE) + 0.5) * size / FACE_SIZE).astype(int)
    rows, columns = index[0], index[1][:: 1 if rng.random() < 0.5 else -1]
    padded = np.pad(maps, ((0, 0), (1, 1), (1, 1)), constant_values=BACKGROUND)
    edge = FACE_SIZE + 1
    return padded[:, (rows + 1).clip(0, edge)[:, None], (columns + 1).clip(0, edge)]


def ellipse(centre: F64, radii: F64) -> Bools:
    """bool [112, 112], true within: centre and half axes (y, x) in pixels."""
    y, x = np.ogrid[:FACE_SIZE, :FACE_SIZE]
    inside: Bools = ((y - centre[0]) / radii[0]) ** 2 + ((x - centre[1]) / radii[1]) ** 2 <= 1
    return inside


def depth_faces(maps: U8, rng: np.random.Generator) -> Tensor:
    """D-Net's input float32 [B, 3, S, S] in 0..1 from F1, F2, F3 uint8, randomly changed.

    Holes and trimmed outlines come to live faces and attacks alike: the outline of the face must not be what
    tells a head from a sheet of paper.
    """
    out = np.empty(maps.shape, np.float32)
    for target, face in zip(out, maps, strict=True):
        changed = _shifted(face, rng)
        if rng.random() < 0.3:
            outline = ellipse(rng.uniform(50, 62, 2), rng.uniform((42, 34), (60, 56)))
            changed = np.where(outline, changed, BACKGROUND)
        for _ in range(rng.integers(0, 4) if rng.random() < 0.5 else 0):
            hole = ellipse(rng.uniform(16, 96, 2), rng.uniform(2, 9, 2))
            changed = np.where(hole, BACKGROUND, changed)
        surface = (changed != BACKGROUND).all(0)
        noise = rng.standard_normal(face.shape, np.float32) * np.float32(rng.uniform(0, NOISE))
        target[:] = changed / np.float32(255) + noise * surface
    return torch.from_numpy(out.clip(0, 1))


def channels_last(inputs: Tensor) -> Tensor:
    """The memory layout in which CPU convolutions are fastest: −20 % of a step."""
    return inputs.contiguous(memory_format=torch.channels_last)
