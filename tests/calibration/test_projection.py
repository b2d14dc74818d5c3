"""Lens models against OpenCV, and against themselves there and back."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from calibration.projection import project, ray_table, rays
from calibration.rig import Extrinsics, Intrinsics, Rig

LENSES = {
    "none": (),
    "brown_conrady": (-0.23, 0.12, 0.002, -0.001, 0.01),
    "inverse_brown_conrady": (0.08, -0.05, 0.001, 0.002, 0.01),
    "rational": (0.4, -0.1, 0.001, 0.0005, 0.02, 0.5, -0.05, 0.01),
    "kannala_brandt4": (-0.02, 0.01, -0.004, 0.0005),
}


def camera(model: str) -> Intrinsics:
    return Intrinsics(
        width=640, height=480, fx=610.0, fy=605.0, cx=322.5, cy=238.0, model=model, distortion=LENSES[model]
    )


def ideal_points(n: int = 200) -> np.ndarray:
    rng = np.random.default_rng(1)
    z = rng.uniform(0.3, 2.0, n)
    return np.column_stack([rng.uniform(-0.4, 0.4, n) * z, rng.uniform(-0.3, 0.3, n) * z, z])


@pytest.mark.parametrize("model", ["none", "brown_conrady", "rational"])
def test_projection_is_opencvs(model: str) -> None:
    lens, points = camera(model), ideal_points()
    wanted, _ = cv2.projectPoints(points, np.zeros(3), np.zeros(3), lens.matrix, lens.coefficients)
    np.testing.assert_allclose(project(lens, points), wanted.reshape(-1, 2), atol=1e-6)


def test_fisheye_projection_is_opencvs() -> None:
    lens, points = camera("kannala_brandt4"), ideal_points()
    wanted, _ = cv2.fisheye.projectPoints(points[:, None], np.zeros(3), np.zeros(3), lens.matrix, lens.coefficients[:4])
    np.testing.assert_allclose(project(lens, points), wanted.reshape(-1, 2), atol=1e-6)


@pytest.mark.parametrize("model", LENSES)
def test_there_and_back(model: str) -> None:
    lens, points = camera(model), ideal_points()
    np.testing.assert_allclose(rays(lens, project(lens, points)), points[:, :2] / points[:, 2:], atol=1e-7)


def test_inverse_model_runs_from_pixel_to_ray() -> None:
    """The inverse model's polynomial is applied to the distorted coordinates, unlike the direct one's."""
    forward, inverse = camera("brown_conrady"), camera("inverse_brown_conrady")
    same = inverse.model_copy(update={"distortion": forward.distortion})
    pixel = np.array([[500.0, 400.0]])
    ideal = (pixel - [same.cx, same.cy]) / [same.fx, same.fy]
    wanted = project(forward, np.column_stack([ideal, [1.0]]))
    np.testing.assert_allclose(rays(same, pixel) * [same.fx, same.fy] + [same.cx, same.cy], wanted, atol=1e-9)


def test_ray_table_is_cached_and_read_only() -> None:
    table = ray_table(camera("brown_conrady"))
    assert table is ray_table(camera("brown_conrady"))
    assert not table.flags.writeable
    np.testing.assert_allclose(table[10, 20], rays(camera("brown_conrady"), np.array([[20.0, 10.0]]))[0], atol=1e-6)


def test_points_behind_the_camera_have_no_pixel() -> None:
    assert np.isnan(project(camera("none"), np.array([[0.0, 0.0, -1.0], [0.0, 0.0, 0.0]]))).all()


@settings(max_examples=30, deadline=None)
@given(st.floats(-1, 1), st.floats(-1, 1), st.floats(-1, 1))
def test_extrinsics_invert(a: float, b: float, c: float) -> None:
    R, _ = cv2.Rodrigues(np.array([a, b, c]))
    motion = Extrinsics.of(R, np.array([a, -b, c]))
    points = ideal_points(5)
    there = points @ motion.R.T + motion.t
    back = motion.inverse()
    np.testing.assert_allclose(there @ back.R.T + back.t, points, atol=1e-9)


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"fx": 0.0}, "fx"),
        ({"fx": float("nan")}, "fx"),
        ({"cx": float("inf")}, "cx"),
        ({"width": 0}, "width"),
        ({"model": "lens"}, "model"),
        ({"model": "none", "distortion": (0.1,)}, "coefficients"),
        ({"model": "brown_conrady", "distortion": (0, 0, 0, 0, 0, 0.5)}, "coefficients"),
        ({"focal": 3}, "focal"),
    ],
)
def test_bad_intrinsics_name_the_key(change: dict[str, object], where: str) -> None:
    good = camera("brown_conrady").model_dump()
    with pytest.raises(ValidationError, match=where):
        Intrinsics(**{**good, **change})


def test_mirrored_and_scaled_rotations_are_refused() -> None:
    with pytest.raises(ValidationError, match="rotation"):
        Extrinsics(rotation=(-1, 0, 0, 0, 1, 0, 0, 0, 1))
    with pytest.raises(ValidationError, match="rotation"):
        Extrinsics(rotation=(1.1, 0, 0, 0, 1, 0, 0, 0, 1))


def test_a_rig_must_make_sense() -> None:
    lens = camera("none")
    with pytest.raises(ValidationError, match="color or an infrared"):
        Rig(color=None, depth=lens, infrared=None, registered=True)
    with pytest.raises(ValidationError, match="registered"):
        Rig(color=None, depth=lens, infrared=lens)
    with pytest.raises(ValidationError, match="one size"):
        Rig(color=lens, depth=lens.model_copy(update={"width": 320}), infrared=None, registered=True)
    rig = Rig(color=None, depth=lens, infrared=lens, registered=True)
    assert rig.grid is rig.infrared
    assert Rig.model_validate_json(rig.model_dump_json()) == rig
