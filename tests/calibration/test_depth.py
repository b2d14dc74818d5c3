"""Depth of a target against its pose: scale, bias and flatness come back as they were put in."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from calibration.depth import DepthFit, PlaneReading, fit_depth, read_plane, spacing_ratio
from calibration.detection import TooLittle, seen_from
from calibration.projection import project
from tests.calibration.target_scene import BOARD, INFRARED, depth_counts, poses

UNIT = 0.0001


def reading(number: int, distance_m: float, *, scale: float = 1.0, bias_m: float = 0.0) -> PlaneReading:
    rng = np.random.default_rng(number)
    where = poses(1, number, tilt_deg=25, nearest_m=distance_m, farthest_m=distance_m)[0]
    depth = depth_counts(INFRARED, where, rng, scale=scale, bias_m=bias_m, noise_m=0.0015)
    found = read_plane(depth, UNIT, INFRARED, where, BOARD)
    assert found is not None
    return found


def fitted(distances: np.ndarray, **error: float) -> DepthFit:
    return fit_depth([reading(n, d, **error) for n, d in enumerate(distances)])


@pytest.mark.parametrize(("scale", "bias_m"), [(1.0, 0.0), (1.012, -0.004), (0.985, 0.003)])
def test_scale_and_bias_come_back(scale: float, bias_m: float) -> None:
    fit = fitted(np.linspace(0.35, 0.9, 8), scale=scale, bias_m=bias_m)
    assert fit.bias_interval_m is not None
    assert abs(fit.scale - scale) <= fit.scale_interval < 0.002
    assert abs(fit.bias_m - bias_m) <= fit.bias_interval_m < 0.001
    assert [r.distance_m for r in fit.readings] == sorted(r.distance_m for r in fit.readings)


def test_alike_distances_tell_the_scale_alone() -> None:
    fit = fitted(np.array([0.50, 0.51, 0.52, 0.51]), scale=1.01)
    assert fit.scale == pytest.approx(1.01, abs=0.001)
    assert (fit.bias_m, fit.bias_interval_m) == (0.0, None)


def test_the_plane_is_flat_to_the_noise_and_not_turned() -> None:
    found = reading(3, 0.5)
    assert found.plane_rms_m == pytest.approx(0.0015, rel=0.15)
    assert found.tilt_deg < 0.1
    assert found.filled == 1.0


def test_holes_and_outliers_do_not_move_the_reading() -> None:
    rng = np.random.default_rng(0)
    where = poses(1, 0, tilt_deg=25, nearest_m=0.5, farthest_m=0.5)[0]
    depth = depth_counts(INFRARED, where, rng, scale=1.0, bias_m=0.0, noise_m=0.001)
    clean = read_plane(depth, UNIT, INFRARED, where, BOARD)
    spoilt = np.where(rng.uniform(size=depth.shape) < 0.2, 0, depth)
    spoilt = np.where(rng.uniform(size=depth.shape) < 0.1, 9000, spoilt).astype(np.uint16)
    found = read_plane(spoilt, UNIT, INFRARED, where, BOARD)
    assert clean is not None
    assert found is not None
    assert found.measured_m - found.distance_m == pytest.approx(clean.measured_m - clean.distance_m, abs=0.0005)
    assert found.plane_rms_m == pytest.approx(0.001, rel=0.2)
    assert found.filled == pytest.approx(0.82, abs=0.02)  # a tenth of the holes was filled with outliers
    assert read_plane(np.zeros_like(depth), UNIT, INFRARED, where, BOARD) is None


def test_corners_lie_apart_in_depth_as_the_scale_says() -> None:
    rng = np.random.default_rng(5)
    where = poses(1, 5, tilt_deg=20, nearest_m=0.6, farthest_m=0.6)[0]
    pixels = project(INFRARED, seen_from(where, BOARD.corners))
    for scale in (1.0, 0.93):
        depth = depth_counts(INFRARED, where, rng, scale=scale, bias_m=0.0, noise_m=0.001)
        found = spacing_ratio(depth, UNIT, INFRARED, pixels, BOARD.corners)
        assert found is not None
        assert found[0] == pytest.approx(scale, abs=0.003)
    assert spacing_ratio(np.zeros((400, 640), np.uint16), UNIT, INFRARED, pixels, BOARD.corners) is None


def test_too_few_readings_are_refused() -> None:
    one = reading(1, 0.5)
    with pytest.raises(TooLittle, match="in 2 views, 3 at several distances"):
        fit_depth([one, replace(one, distance_m=0.7)])
