"""Each kernel against its NumPy oracle, on random inputs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calibration.compile import signatures
from calibration.srgb import srgb_to_linear
from pipeline import kernels, reference
from pipeline.parameters import PLANES

SIZE = 24
seeds = st.integers(0, 2**32 - 1)
few = settings(max_examples=25, deadline=None)


def depth_with_holes(rng: np.random.Generator, shape: tuple[int, int], holes: float = 0.25) -> np.ndarray:
    depth = rng.uniform(500, 520, shape).astype(np.float32)
    depth[:, shape[1] // 2 :] += 100
    depth[rng.random(shape) < holes] = 0
    return depth


def similarity(rng: np.random.Generator) -> np.ndarray:
    angle, scale = rng.uniform(-0.4, 0.4), rng.uniform(0.5, 2.5)
    cos, sin = scale * np.cos(angle), scale * np.sin(angle)
    return np.array([[cos, -sin, rng.uniform(0, 10)], [sin, cos, rng.uniform(0, 10)]])


@few
@given(seeds, st.integers(0, 6))
def test_complete_holes(seed: int, radius: int) -> None:
    depth = depth_with_holes(np.random.default_rng(seed), (20, 26))
    out = np.empty_like(depth)
    kernels.complete_holes(depth, radius, 12.0, kernels.DIRECTIONS, out)
    np.testing.assert_allclose(out, reference.complete_holes(depth, radius, 12.0), rtol=1e-5)
    np.testing.assert_array_equal(out[depth > 0], depth[depth > 0])


def test_completion_keeps_the_edge_between_two_surfaces() -> None:
    depth = np.full((15, 15), 500, np.float32)
    depth[:, 8:] = 700
    depth[7, 6:10] = 0
    out = np.empty_like(depth)
    kernels.complete_holes(depth, 4, 12.0, kernels.DIRECTIONS, out)
    assert set(np.unique(out)) == {500.0, 700.0}


@few
@given(seeds, st.integers(1, 3))
def test_align_depth(seed: int, samples: int) -> None:
    rng = np.random.default_rng(seed)
    depth = depth_with_holes(rng, (40, 48))
    v, u = np.mgrid[:40, :48].astype(np.float32)
    rays = np.ascontiguousarray(np.stack([(u - 24) / 60, (v - 20) / 60], axis=2))
    matrix = similarity(rng)
    points = np.empty((SIZE, SIZE, 3), np.float32)
    mask = np.empty((SIZE, SIZE), np.uint8)
    kernels.align_depth(depth, rays, matrix, samples, points, mask)
    wanted, wanted_mask = reference.align_depth(depth, rays, matrix, samples, SIZE)
    np.testing.assert_array_equal(mask, wanted_mask)
    np.testing.assert_allclose(points[..., 2], wanted[..., 2] * mask, rtol=1e-5)
    y, x = np.mgrid[:SIZE, :SIZE]
    column = matrix[0, 0] * x + matrix[0, 1] * y + matrix[0, 2]
    row = matrix[1, 0] * x + matrix[1, 1] * y + matrix[1, 2]
    inside = (mask > 0) & (column > 0) & (column < 46) & (row > 0) & (row < 38)
    np.testing.assert_allclose(points[inside], wanted[inside], rtol=1e-3, atol=1e-2)


@few
@given(seeds, st.integers(1, 3), st.sampled_from([1, 3]))
def test_align_picture(seed: int, samples: int, channels: int) -> None:
    rng = np.random.default_rng(seed)
    picture = rng.uniform(0, 255, (30, 34, channels)).astype(np.float32)
    picture[rng.random((30, 34)) < 0.2] = -1
    matrix = similarity(rng)
    out = np.empty((SIZE, SIZE, channels), np.float32)
    kernels.align_picture(picture, matrix, samples, out)
    np.testing.assert_allclose(out, reference.align_picture(picture, matrix, samples, SIZE), rtol=1e-3, atol=1e-2)


@few
@given(seeds, st.floats(400, 510), st.floats(0, 60))
def test_stretch(seed: int, low: float, span: float) -> None:
    rng = np.random.default_rng(seed)
    values = rng.uniform(480, 520, (SIZE, SIZE)).astype(np.float32)
    mask = (rng.random((SIZE, SIZE)) < 0.7).astype(np.uint8)
    out = np.empty((SIZE, SIZE), np.uint8)
    kernels.stretch(values, mask, low, low + span, out)
    assert np.abs(out.astype(int) - reference.stretch(values, mask, low, low + span)).max() <= 1
    assert (out[mask == 0] == 255).all()


@few
@given(seeds)
def test_plane_angles(seed: int) -> None:
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:SIZE, :SIZE].astype(np.float32)
    z = 500 + 3 * np.sin(x / 3) + 0.4 * y + rng.normal(0, 0.2, x.shape)
    points = np.ascontiguousarray(np.stack([x * 1.5, y * 1.5, z], axis=2), np.float32)
    mask = (rng.random((SIZE, SIZE)) < 0.9).astype(np.uint8)
    normal = np.array([0.1, -0.2, -1.0])
    normal /= np.linalg.norm(normal)
    out = np.empty((SIZE, SIZE), np.float32)
    kernels.plane_angles(points, mask, normal, 3, out)
    np.testing.assert_allclose(out, reference.plane_angles(points, mask, normal, 3), atol=2e-3)


def test_angles_of_a_tilted_plane_are_its_tilt() -> None:
    y, x = np.mgrid[:SIZE, :SIZE].astype(np.float32)
    points = np.ascontiguousarray(np.stack([x, y, 500 + x * np.tan(np.deg2rad(30))], axis=2), np.float32)
    out = np.empty((SIZE, SIZE), np.float32)
    kernels.plane_angles(points, np.ones((SIZE, SIZE), np.uint8), np.array([0.0, 0.0, -1.0]), 2, out)
    np.testing.assert_allclose(np.rad2deg(out), 30, atol=0.02)


@few
@given(seeds)
def test_fuse(seed: int) -> None:
    rng = np.random.default_rng(seed)
    color = rng.uniform(0, 255, (SIZE, SIZE, 3)).astype(np.float32)
    infrared = rng.uniform(0, 1.4, (SIZE, SIZE)).astype(np.float32)
    mask = (rng.random((SIZE, SIZE)) < 0.8).astype(np.uint8)
    value = np.arange(256) / 255
    tables = srgb_to_linear(value).astype(np.float32), np.floor(255 * value ** (1 / 2.2) + 0.5).astype(np.float32)
    stack = np.empty((4, SIZE, SIZE), np.float32)
    total, difference = np.empty((3, SIZE, SIZE), np.uint8), np.empty((3, SIZE, SIZE), np.uint8)
    kernels.fuse(color, infrared, mask, *tables, 200.0, stack, total, difference)
    wanted = reference.fuse(color, infrared, mask, 200.0, 1 / 2.2)
    np.testing.assert_allclose(stack, wanted[0], atol=1e-3)
    assert np.abs(total.astype(int) - wanted[1]).max() <= 1
    # |r − ir| lands on the other side of a half by rounding; where it is small the gamma curve is steep
    assert (np.abs(difference.astype(int) - wanted[2]) <= 1).mean() > 0.99
    assert not stack[:, mask == 0].any()
    assert not total[:, mask == 0].any()


@pytest.mark.parametrize(("size", "n"), [(32, 32), (56, 32), (80, 64), (112, 64), (80, 32), (20, 32)])
def test_resample(size: int, n: int) -> None:
    planes = np.random.default_rng(size).random((PLANES, 112, 112), np.float32)
    out = np.empty((PLANES, n, n), np.float32)
    kernels.resample(planes, 0, 112 - size, size, out)
    np.testing.assert_allclose(out, reference.resample(planes, 0, 112 - size, size, n), atol=1e-5)
    whole = planes[:, 112 - size :, :size].mean(axis=(1, 2))
    np.testing.assert_allclose(out.mean(axis=(1, 2)), whole, atol=1e-5)


def test_resampling_a_constant_changes_nothing() -> None:
    out = np.empty((PLANES, 32, 32), np.float32)
    kernels.resample(np.full((PLANES, 112, 112), 0.25, np.float32), 28, 28, 56, out)
    np.testing.assert_allclose(out, 0.25, rtol=1e-6)


def test_each_kernel_of_these_tests_compiled_for_one_signature_a_kind() -> None:
    """Here `samples`, `radius` and pictures of one dtype: a second signature would cost a compile while running."""
    for kernel in (kernels.complete_holes, kernels.align_depth, kernels.plane_angles, kernels.fuse, kernels.resample):
        assert len(signatures(kernel)) <= 1, kernel
