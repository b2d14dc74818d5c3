"""Head pose from landmarks in space."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.pose import MEAN_FACE, head_pose, landmark_depths, landmark_points, rotation_of

AWAY = np.array([20.0, -30.0, 600.0])
LEFT_EYE, RIGHT_EYE, NOSE = 0, 1, 2
angle = st.floats(-60, 60)


def posed(yaw: float = 0.0, pitch: float = 0.0, roll: float = 0.0) -> np.ndarray:
    return MEAN_FACE @ rotation_of(yaw, pitch, roll).T + AWAY


@given(angle, angle, angle)
def test_every_rotation_of_the_mean_face_is_recovered(yaw: float, pitch: float, roll: float) -> None:
    pose = head_pose(posed(yaw, pitch, roll))
    assert pose is not None
    assert (pose.yaw, pose.pitch, pose.roll) == pytest.approx((yaw, pitch, roll), abs=0.1)
    assert pose.residual_mm == pytest.approx(0, abs=1e-6)


@given(angle, angle, angle, st.integers(0, 4), st.integers(0, 4))
def test_three_landmarks_suffice(yaw: float, pitch: float, roll: float, first: int, second: int) -> None:
    points = posed(yaw, pitch, roll)
    whole = head_pose(points)
    points[[first, second]] = np.nan
    pose = head_pose(points)
    assert pose is not None
    assert whole is not None
    assert (pose.yaw, pose.pitch, pose.roll) == pytest.approx((yaw, pitch, roll), abs=0.1)
    assert pose.distance_m == pytest.approx(whole.distance_m)


@given(angle, angle, angle)
def test_the_fit_is_a_rotation_even_for_a_mirrored_face(yaw: float, pitch: float, roll: float) -> None:
    mirrored = MEAN_FACE * [1, 1, -1] @ rotation_of(yaw, pitch, roll).T + AWAY
    pose = head_pose(mirrored)
    assert pose is not None
    assert pose.residual_mm > 5  # a nose that points inwards does not fit


def test_signs_are_those_of_the_image() -> None:
    frontal, right, down = posed(), posed(yaw=15), posed(pitch=15)
    assert right[NOSE, 0] - AWAY[0] > frontal[NOSE, 0] - AWAY[0]
    assert right[RIGHT_EYE, 2] > right[LEFT_EYE, 2]  # turned to the right: the eye there goes away
    assert down[NOSE, 1] > frontal[NOSE, 1]
    assert posed(roll=15)[RIGHT_EYE, 1] > posed(roll=15)[LEFT_EYE, 1]  # clockwise: the right eye sinks
    for points, name in ((right, "yaw"), (down, "pitch"), (posed(roll=15), "roll")):
        assert getattr(head_pose(points), name) == pytest.approx(15)


def test_noise_of_a_depth_sensor_turns_the_head_little() -> None:
    random = np.random.default_rng(1)
    poses = [head_pose(posed(10, -5, 3) + random.normal(0, 1.5, (5, 3))) for _ in range(200)]
    errors = np.array([(p.yaw - 10, p.pitch + 5, p.roll - 3) for p in poses if p is not None])
    assert len(errors) == 200
    assert np.abs(errors.mean(axis=0)).max() < 0.5
    assert errors.std(axis=0).max() < 3


def test_a_face_of_another_size_shows_as_residual_not_as_scale() -> None:
    pose = head_pose(0.6 * MEAN_FACE + AWAY)
    assert pose is not None
    assert pose.residual_mm > 10
    assert (pose.yaw, pose.pitch) == pytest.approx((0, 0), abs=1e-6)


@pytest.mark.parametrize("known", [[], [0, 3]], ids=["none", "two"])
def test_too_few_points_give_no_pose(known: list[int]) -> None:
    points = np.full((5, 3), np.nan)
    points[known] = posed()[known]
    assert head_pose(points) is None


def test_points_on_a_line_give_no_pose() -> None:
    points = np.outer(np.arange(5.0), [10, 3, 1]) + AWAY
    assert head_pose(points) is None


def test_a_landmark_has_the_median_depth_of_its_valid_neighbours() -> None:
    depth = np.zeros((20, 30), np.float32)
    depth[3:8, 3:8] = 500
    depth[3, 3:6] = 9000  # flying pixels
    depth[7, 3:8] = 0  # holes
    depth[0, 0] = 700
    landmarks = np.array([[5.2, 4.8], [15, 15], [-1, -1], [100, -50], [29, 19]], np.float32)
    np.testing.assert_array_equal(landmark_depths(depth, landmarks), [500, np.nan, 700, np.nan, np.nan])


def test_landmarks_are_lifted_along_their_rays() -> None:
    v, u = np.mgrid[:240, :320]
    rays = np.stack([(u - 160) / 300, (v - 120) / 300], axis=-1).astype(np.float32)
    depth = np.full((240, 320), 600, np.float32)
    depth[100:110, 100:110] = 0
    points = landmark_points(depth, rays, np.array([[160, 120], [190, 60], [105, 105]], np.float32))
    np.testing.assert_allclose(points[:2], [[0, 0, 600], [60, -120, 600]], atol=1e-3)
    assert np.isnan(points[2]).all()
