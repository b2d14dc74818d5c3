"""F1, F2 and F3 of surfaces whose answer is known."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from calibration.rig import Intrinsics
from drivers.registration import Registered
from pipeline.depth_stage import (
    Surface,
    alignment,
    depth_maps,
    face_component,
    face_plane,
    find_surface,
    inner_face,
    size_map,
)
from pipeline.faces import CanonicalSquare
from pipeline.parameters import FACE_SIZE, DepthParameters

CAMERA = Intrinsics(width=400, height=400, fx=500.0, fy=500.0, cx=200.0, cy=200.0)
PARAMETERS = DepthParameters()
NO_LANDMARKS = np.empty((0, 3))


def grid_rays() -> np.ndarray:
    v, u = np.mgrid[:400, :400]
    return np.stack([(u - 200) / 500, (v - 200) / 500], axis=2).astype(np.float32)


def head(distance_mm: float = 600.0, wall_mm: float = 1500.0) -> np.ndarray:
    """An ellipsoid 160 × 220 × 90 mm before a wall, Z in mm as the camera sees it."""
    rays = grid_rays().astype(np.float64)
    x, y = rays[..., 0] * distance_mm, rays[..., 1] * distance_mm
    inside = 1 - (x / 80) ** 2 - (y / 110) ** 2
    depth = np.where(inside > 0, distance_mm + 90 - 90 * np.sqrt(np.maximum(inside, 0)), wall_mm)
    return depth.astype(np.float32)


def registered(depth: np.ndarray) -> Registered:
    return Registered((0, 0, 400, 400), depth.astype(np.float32), None, None, grid_rays())


def square(distance_mm: float = 600.0, angle: float = 0.0) -> CanonicalSquare:
    return CanonicalSquare((200.0, 200.0), 190 * 500 / distance_mm, angle)


def maps_of(depth: np.ndarray, where: CanonicalSquare, parameters: DepthParameters = PARAMETERS) -> np.ndarray:
    surface = find_surface(registered(depth), where, parameters)
    return depth_maps(surface, where, NO_LANDMARKS, 500.0, parameters)


def test_alignment_maps_the_squares_corners() -> None:
    matrix = alignment(CanonicalSquare((50.0, 60.0), 112.0, 0.0), (10, 20))
    np.testing.assert_allclose(matrix @ [55.5, 55.5, 1], [40, 40])
    np.testing.assert_allclose(matrix @ [-0.5, -0.5, 1], [40 - 56, 40 - 56])
    turned = alignment(CanonicalSquare((50.0, 60.0), 112.0, np.pi / 2), (10, 20))
    np.testing.assert_allclose(turned @ [111.5, 55.5, 1], [40, 96])  # the upper edge turned clockwise


def test_the_face_is_cut_from_the_wall_and_holes_are_filled() -> None:
    depth = head()
    depth[190:193, 180:220] = 0
    surface = find_surface(registered(depth), square(), PARAMETERS)
    assert surface.coverage > 0.99
    assert surface.points[..., 2].max() < 700, "nothing of the wall"
    middle = surface.points[FACE_SIZE // 2, FACE_SIZE // 2]
    np.testing.assert_allclose(middle, [0, 0, 600], atol=1.5)


def test_a_wall_larger_than_the_face_is_not_the_face() -> None:
    depth = head(1100.0)
    inner = inner_face(PARAMETERS.inner_hull)
    component = face_component(depth, 12.0, alignment(square(1100.0), (0, 0)), inner)
    assert component.sum() == (depth < 1250).sum()
    assert component.sum() < 0.5 * component.size


def test_without_depth_there_is_no_component() -> None:
    surface = find_surface(registered(np.zeros((400, 400))), square(), PARAMETERS)
    assert surface.coverage == 0
    assert not surface.mask.any()
    with pytest.raises(ValueError, match="no face"):
        depth_maps(surface, square(), NO_LANDMARKS, 500.0, PARAMETERS)


def test_f1_is_dark_at_the_nose_and_white_behind() -> None:
    f1 = maps_of(head(), square())[0]
    assert f1[56, 56] <= 2
    assert f1[56, 25] > 100
    assert (f1[:4, :4] == 255).all()


def test_robust_bounds_are_not_moved_by_a_flying_pixel() -> None:
    depth = head()
    clean = maps_of(depth, square())[0]
    depth[198:203, 198:203] -= 11
    literal = PARAMETERS.model_copy(update={"f1_mode": "literal"})
    spiked = maps_of(depth, square())[0]
    far = np.abs(spiked.astype(int) - clean)[20:40, 40:72].max()
    moved = maps_of(depth, square(), literal)[0].astype(int) - maps_of(head(), square(), literal)[0]
    assert far <= 3 < np.abs(moved[20:40, 40:72]).max()


def test_f2_per_face_is_f1_literal() -> None:
    """Equation 2 read literally: min–max cancels the constant s, so that F2 ≡ F1."""
    literal = PARAMETERS.model_copy(update={"f1_mode": "literal", "f2_mode": "per_face"})
    f1, f2, _ = maps_of(head(), square(), literal)
    assert np.abs(f1.astype(int) - f2).max() <= 1


@pytest.mark.parametrize("distance_mm", [400.0, 600.0, 900.0])
def test_f2_metric_carries_the_size_at_any_distance(distance_mm: float) -> None:
    f2 = maps_of(head(distance_mm), square(distance_mm))[1]
    low, high = PARAMETERS.f2_bounds
    wanted = (190 - low) / (high - low) * 255
    assert abs(float(f2[56, 56]) - wanted) <= 2
    half_size = CanonicalSquare((200.0, 200.0), square(distance_mm).side / 2, 0.0)
    assert maps_of(head(distance_mm), half_size)[1][56, 56] < 0.5 * f2[56, 56]


def test_f2_modes_dataset_and_matrix() -> None:
    surface = find_surface(registered(head()), square(), PARAMETERS)
    z = np.ascontiguousarray(surface.points[..., 2])
    side = square().side
    dataset = PARAMETERS.model_copy(update={"f2_mode": "dataset", "f2_bounds": (0.0, 2 * 600 / side**2)})
    assert abs(int(size_map(z, surface.mask, side, 500.0, dataset)[56, 56]) - 127) <= 2
    matrix = PARAMETERS.model_copy(update={"f2_mode": "matrix"})
    face = size_map(z, surface.mask, side, 500.0, matrix)[surface.mask > 0]
    assert face.max() == 255
    assert face.min() > 100, "with the background of 255 in the matrix the face keeps its size"


def test_f3_is_zero_on_a_plane_and_grows_to_the_side_of_a_head() -> None:
    _, u = np.mgrid[:400, :400]
    tilted = 600 / (1 - 0.3 * (u - 200) / 500)
    flat = maps_of(tilted, square())[2]
    assert np.median(flat) <= 1
    round_ = maps_of(head(), square())[2]
    assert round_[56, 56] < 40 < round_[56, 25]


def test_the_face_plane_ignores_what_stands_out() -> None:
    rng = np.random.default_rng(0)
    xy = rng.uniform(-60, 60, (500, 2))
    points = np.column_stack([xy, 600 + 0.2 * xy[:, 0] + rng.normal(0, 0.5, 500)])
    points[:60, 2] -= 40
    normal = face_plane(points, points[100:105])
    wanted = np.array([0.2, 0, -1]) / np.linalg.norm([0.2, 0, -1])
    assert np.degrees(np.arccos(abs(normal @ wanted))) < 0.5


def test_a_turned_face_gives_the_same_maps() -> None:
    depth = head()
    depth[150:170, 230:250] += 8  # something that is not symmetric
    turn = cv2.getRotationMatrix2D((200, 200), -15, 1)
    turned = cv2.warpAffine(depth, turn, (400, 400), flags=cv2.INTER_NEAREST, borderMode=cv2.BORDER_REPLICATE)
    straight, leaning = maps_of(depth, square()), maps_of(turned, square(angle=np.deg2rad(15)))
    inside = (straight[0] < 250) & (leaning[0] < 250) & (inner_face(PARAMETERS.inner_hull) > 0)
    assert np.abs(straight[0].astype(int) - leaning[0])[inside].mean() < 2
    assert inside.mean() > 0.3


def test_surface_is_sampled_more_often_where_a_face_is_large() -> None:
    near: Surface = find_surface(registered(head(350.0)), square(350.0), PARAMETERS)
    far = find_surface(registered(head(900.0)), square(900.0), PARAMETERS)
    assert (near.samples, far.samples) == (2, 1)
