"""Crops and changes of training faces: the same patches as at run time, and nothing that lies."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from models.augmentation import (
    add_noise,
    area_crop,
    area_weights,
    cut,
    deformed,
    depth_faces,
    fuse,
    fused_planes,
    partly_hidden,
    random_crops,
    raw_infrared,
    reflectance_planes,
)
from models.datasets.faces import Faces
from pipeline.parameters import FACE_SIZE, Patch, ReflectanceParameters, default_patches
from pipeline.patches import cut_patches
from pipeline.reflectance import attenuation
from tests.models.synthetic import synthetic_sample


@pytest.mark.parametrize("index", [0, 24, 27, 34, 35])
def test_patches_are_those_of_the_running_program(index: int) -> None:
    planes = np.random.default_rng(0).random((10, 112, 112), np.float32)
    patch = default_patches()[index]
    ours = cut(torch.from_numpy(planes[None]), patch)[0].numpy()
    assert ours == pytest.approx(cut_patches(planes, [patch])[0], abs=1e-5)


def test_crops_between_pixels_average_by_overlap() -> None:
    weights = area_weights(np.array([0.5]), np.array([3.0]), 2)[0]
    assert weights[0, :3] == pytest.approx([1 / 3, 2 / 3, 0])
    assert weights[1, :4] == pytest.approx([0, 0, 2 / 3, 1 / 3])
    assert weights.sum(1) == pytest.approx([1, 1])


def test_crops_beyond_the_face_see_background() -> None:
    planes = torch.ones(1, 2, 112, 112)
    start, size = np.array([-56.0]), np.array([112.0])
    rows = area_weights(start, size, 4)
    out = area_crop(planes, rows, area_weights(np.array([0.0]), size, 4))[0, 0]
    assert out[:, 0].tolist() == pytest.approx([0, 0, 1, 1])


def test_flipped_crop_is_the_mirror() -> None:
    planes = torch.rand(1, 1, 112, 112)
    start, size = np.array([3.0]), np.array([50.0])
    rows = area_weights(start, size, 8)
    plain = area_crop(planes, rows, area_weights(start, size, 8))
    flipped = area_crop(planes, rows, area_weights(start, size, 8, np.array([True])))
    assert torch.allclose(flipped, plain.flip(3), atol=1e-6)


def test_random_crops_depend_on_the_generator_alone() -> None:
    planes = torch.rand(3, 10, 112, 112)
    crops = [random_crops(planes, 32, (28, 64), np.random.default_rng(n)) for n in (1, 1, 2)]
    assert crops[0].shape == (3, 10, 32, 32)
    assert torch.equal(crops[0], crops[1])
    assert not torch.equal(crops[0], crops[2])


def test_fused_planes_are_those_of_the_pipeline(faces: Path) -> None:
    """sum and diff computed anew from the stored stack equal the stored ones to the last 8-bit step."""
    stored = Faces.load(faces, split="train")
    stack = stored.gather("stack", [0, 13, 30]).astype(np.float32)
    face = stored.gather("mask", [0, 13, 30])[:, None]
    total, difference = fuse(stack, ReflectanceParameters())
    assert 255 * total * face == pytest.approx(stored.gather("sum", [0, 13, 30]), abs=1)
    stored_difference = stored.gather("diff", [0, 13, 30]) / 255
    # compared before gamma, which is steep near 0
    assert (difference * face) ** 2.2 == pytest.approx(stored_difference**2.2, abs=0.02)


def test_background_stays_constant_under_mixing_and_gains(faces: Path) -> None:
    stored = Faces.load(faces, split="train")
    stack = stored.gather("stack", range(8)).astype(np.float32)
    planes = reflectance_planes(stack, ReflectanceParameters(), np.random.default_rng(0), fmix=1.0)
    background = torch.from_numpy(stored.gather("mask", range(8)) == 0)
    assert not planes.permute(1, 0, 2, 3)[:, background].any()
    assert not add_noise(planes, np.random.default_rng(0)).permute(1, 0, 2, 3)[:, background].any()


def test_gains_stay_small(faces: Path) -> None:
    """The ratio of infrared to colour is what the net is to learn: no jitter may hide it."""
    stored = Faces.load(faces, split="train")
    stack = stored.gather("stack", range(24)).astype(np.float32)
    planes = reflectance_planes(stack, ReflectanceParameters(), np.random.default_rng(0), fmix=0.0).numpy()
    ratio = planes[:, :4].sum((2, 3)) / stack.sum((2, 3))
    assert np.abs(np.log(ratio[:, 3])).max() < 0.06
    assert np.abs(np.log(ratio[:, 1])).max() < 0.11
    assert np.abs(np.log(ratio[:, [0, 2]] / ratio[:, 1:2])).max() < 0.09
    assert np.ptp(ratio[:, 3]) > 0.02
    assert np.ptp(ratio[:, 0] / ratio[:, 2]) > 0.02


def _ramps(count: int) -> NDArray[np.float32]:
    """Faces [B, 4, S, S] whose bands are a disc of known levels: 1, 2, 3 and 4 tenths."""
    y, x = np.mgrid[:FACE_SIZE, :FACE_SIZE] - (FACE_SIZE - 1) / 2
    disc = np.hypot(x, y) < 40
    bands = np.array([0.1, 0.2, 0.3, 0.4], np.float32)[:, None, None] * disc
    return np.repeat(bands[None], count, 0).astype(np.float32)


def test_deforming_moves_the_outline_and_leaves_the_stuff() -> None:
    stack = _ramps(16)
    moved = deformed(stack, np.random.default_rng(0))
    for band, level in enumerate((0.1, 0.2, 0.3, 0.4)):
        values = moved[:, band][moved[:, band] != 0]
        assert values == pytest.approx(level, rel=1e-4), "rims must not darken"
    areas = (moved[:, 0] > 0).sum((1, 2)) / (stack[:, 0] > 0).sum((1, 2))
    assert areas.min() > 0.8
    assert areas.max() < 1.25
    outlines = {face.tobytes() for face in moved[:, 0] > 0}
    assert len(outlines) > len(moved) / 2, "some stay nearly as they are"
    assert np.array_equal(moved, deformed(stack, np.random.default_rng(0)))


def test_hidden_parts_are_background_in_every_band() -> None:
    stack = _ramps(64)
    shown = partly_hidden(stack, np.random.default_rng(0))
    gone = (shown == 0) & (stack != 0)
    assert np.array_equal(gone.all(1), gone.any(1))
    covered = gone[:, 0].any((1, 2)).mean()
    assert 0.1 < covered < 0.5
    assert np.array_equal(shown[~gone], stack[~gone])
    assert stack[:, 0].any((1, 2)).all(), "the faces passed in stay as they were"


def test_depth_faces_are_changed_but_remain_faces(faces: Path) -> None:
    stored = Faces.load(faces, split="train")
    maps = stored.gather("depth_maps", range(32))
    out = depth_faces(maps, np.random.default_rng(0)).numpy()
    assert out.dtype == np.float32
    assert out.min() >= 0.0
    assert out.max() == 1.0
    background = (out == 1.0).all(1)
    share = background.mean((1, 2))
    assert np.ptp(share) > 0.1  # holes and trimmed outlines
    assert (share < 0.8).all()


def test_patch_of_full_size_is_a_plain_slice() -> None:
    planes = torch.rand(2, 10, 112, 112)
    patch = Patch(x=20, y=40, size=32, input_size=32)
    assert torch.equal(cut(planes, patch), planes[:, :, 40:72, 20:52])


def test_depth_faces_never_blend_face_and_background() -> None:
    """A face of one value stays near it: a mean of face and background would be a depth that no surface has."""
    maps = np.full((16, 3, 112, 112), 255, np.uint8)
    maps[:, :, 20:90, 30:80] = 100
    out = depth_faces(maps, np.random.default_rng(3)).numpy()
    face = out < 1.0
    assert np.abs(out[face] - 100 / 255).max() < 0.06


def test_raw_infrared_undoes_distance_and_exposure() -> None:
    """What the pipeline divides by the law, comes back; an unknown exposure (0) counts as the reference's."""
    parameters = ReflectanceParameters()
    distance, exposures, factors = (0.3, 0.6, 0.9), (0.0, 8.0, 2.0), (1.0, 2.0, 0.5)
    samples = [
        synthetic_sample("live", "train", n, distance_m=d, infrared_exposure_ms=e)
        for n, (d, e) in enumerate(zip(distance, exposures, strict=True))
    ]
    stack = np.random.default_rng(0).random((3, 4, 8, 8), np.float32)
    raw = raw_infrared(stack, samples, parameters)
    assert np.array_equal(raw[:, :3], stack[:, :3])
    for face, free, d, factor in zip(raw, stack, distance, factors, strict=True):
        light = attenuation(np.full((8, 8), 1000 * d, np.float32), parameters, None)
        assert face[3] / (light * factor) == pytest.approx(free[3], rel=1e-5)


def test_fused_planes_are_those_of_the_store(faces: Path) -> None:
    stored = Faces.load(faces, split="test")
    indices = np.arange(4)
    planes = fused_planes(stored.gather("stack", indices).astype(np.float32), stored.preprocessing.reflectance)
    assert planes == pytest.approx(stored.planes(indices), abs=0.04)  # noise of the synthetic infrared, cut at 0 and 1
    assert not planes[:, :, 0, 0].any()
