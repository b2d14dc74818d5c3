"""Registration against scenes whose truth is known in closed form."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from calibration.compile import signatures
from calibration.projection import project, ray_table, rays
from calibration.rig import Extrinsics, Intrinsics, Rig
from drivers import registration
from drivers.carrying import _depth_at, carry_to_grid
from drivers.frames import FrameSet, Image
from drivers.registration import register, without_holes

DEPTH = Intrinsics(width=320, height=240, fx=290.0, fy=290.0, cx=160.3, cy=119.1)
INFRARED = Intrinsics(width=320, height=240, fx=300.0, fy=300.0, cx=158.0, cy=121.0)
COLOR = Intrinsics(
    width=400, height=300, fx=380.0, fy=378.0, cx=203.0, cy=148.0,
    model="brown_conrady", distortion=(-0.18, 0.09, 0.002, -0.001, 0.0),
)  # fmt: skip


def motion(x: float, y: float, z: float, turn: float) -> Extrinsics:
    R, _ = cv2.Rodrigues(np.array([0.3, 1.0, -0.2]) * np.deg2rad(turn))
    return Extrinsics.of(R, np.array([x, y, z]))


RIGS = {
    "small baseline": Rig(
        color=COLOR, depth=DEPTH, infrared=INFRARED,
        depth_to_color=motion(-0.015, 0.0, 0.001, 0.4), infrared_to_color=motion(-0.02, 0.001, 0.0, 0.3),
    ),
    "50 mm baseline": Rig(
        color=COLOR, depth=DEPTH, infrared=INFRARED,
        depth_to_color=motion(-0.05, 0.004, 0.006, 1.5), infrared_to_color=motion(-0.045, -0.003, 0.002, 1.0),
    ),
    "strong distortion": Rig(
        color=COLOR.model_copy(update={"model": "rational", "distortion": (0.4, -0.1, 0.0, 0.0, 0.0, 0.7, 0.1, 0.0)}),
        depth=DEPTH.model_copy(update={"model": "brown_conrady", "distortion": (-0.1, 0.03, 0.0, 0.0, 0.0)}),
        infrared=INFRARED.model_copy(update={"model": "kannala_brandt4", "distortion": (-0.02, 0.01, 0.0, 0.0)}),
        depth_to_color=motion(-0.03, 0.0, 0.0, 0.5), infrared_to_color=motion(-0.03, 0.0, 0.0, 0.5),
    ),
}  # fmt: skip


def plane_depth(camera: Intrinsics, normal: np.ndarray, offset_m: float) -> np.ndarray:
    """Z in metres of the plane n·X = offset along each pixel's ray."""
    table = ray_table(camera).astype(np.float64)
    return offset_m / (table @ normal[:2] + normal[2])


def plane_in(to: Extrinsics, normal: np.ndarray, offset_m: float) -> tuple[np.ndarray, float]:
    turned = to.R @ normal
    return turned, offset_m + float(turned @ to.t)


def texture(camera: Intrinsics, points: np.ndarray) -> np.ndarray:
    """A smooth pattern painted on the plane, in the colour camera's X and Y: 0..255."""
    value = 128 + 60 * np.sin(points[..., 0] * 90) + 50 * np.cos(points[..., 1] * 80)
    return value.reshape(camera.shape)


def scene(rig: Rig, normal: np.ndarray, offset_m: float) -> FrameSet:
    """A textured plane, given in the colour camera, seen by all three."""
    assert rig.color is not None
    assert rig.infrared is not None
    to_depth, to_infrared = rig.depth_to_color.inverse(), rig.infrared_to_color.inverse()
    depth_m = plane_depth(rig.depth, *plane_in(to_depth, normal, offset_m))
    infrared_m = plane_depth(rig.infrared, *plane_in(to_infrared, normal, offset_m))
    table = ray_table(rig.infrared).astype(np.float64)
    points = np.concatenate([table * infrared_m[..., None], infrared_m[..., None]], axis=2)
    in_color = points @ rig.infrared_to_color.R.T + rig.infrared_to_color.t
    infrared = texture(rig.infrared, in_color)
    return FrameSet(
        sequence=0, host_time_s=0.0, rig=rig, depth_unit_m=1e-4,
        color=Image(np.zeros((*rig.color.shape, 3), np.uint8), 0.0),
        depth=Image(np.rint(depth_m * 1e4).astype(np.uint16), 0.0, white_level=65535),
        infrared=Image(np.rint(infrared * 100).astype(np.uint16), 0.0, white_level=25500),
    )  # fmt: skip


@pytest.mark.parametrize("name", RIGS)
@pytest.mark.parametrize("tilt", [0.0, 0.35])
def test_a_tilted_textured_plane_lands_where_it_is(name: str, tilt: float) -> None:
    rig = RIGS[name]
    normal = np.array([np.sin(tilt), 0.1, np.cos(tilt)])
    normal /= np.linalg.norm(normal)
    region = (90.0, 60.0, 200.0, 180.0)
    out = register(scene(rig, normal, 0.55), region)
    x, y, w, h = out.region
    assert rig.color is not None
    truth_m = plane_depth(rig.color, normal, 0.55)[y : y + h, x : x + w]
    seen = out.depth_mm > 0
    assert seen.mean() > 0.97
    assert np.abs(out.depth_mm - truth_m * 1000)[seen].max() < 0.5
    table = ray_table(rig.color)[y : y + h, x : x + w].astype(np.float64)
    painted = 128 + 60 * np.sin(table[..., 0] * truth_m * 90) + 50 * np.cos(table[..., 1] * truth_m * 80)
    assert out.infrared is not None
    both = seen & (out.infrared >= 0)
    assert both.mean() > 0.95
    assert np.percentile(np.abs(out.infrared / 100 - painted)[both], 99) < 1.5  # of an amplitude of 110


def test_the_nearer_surface_wins_and_hides_infrared() -> None:
    rig = RIGS["50 mm baseline"]
    frame = scene(rig, np.array([0.0, 0.0, 1.0]), 0.9)
    assert frame.depth is not None
    depth = frame.depth.pixels.copy()
    depth[80:160, 120:200] = 4500
    near = register(FrameSet(0, 0.0, frame.color, Image(depth, 0.0), frame.infrared, frame.depth_unit_m, rig), None)
    close = np.abs(near.depth_mm - 450) < 20
    assert close.sum() > 80 * 80 * 1.2  # the colour grid is finer
    inside = cv2.erode(close.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    assert (cv2.morphologyEx(close.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((9, 9))) > 0)[inside].all()
    assert near.infrared is not None
    shadow = (near.infrared < 0) & (near.depth_mm > 800)
    assert shadow.any(), "behind the near square the infrared camera cannot see everything that colour sees"


def test_registered_streams_pass_through() -> None:
    lens = DEPTH
    rig = Rig(color=None, depth=lens, infrared=lens, registered=True)
    depth = np.random.default_rng(0).integers(0, 2000, lens.shape).astype(np.uint16)
    infrared = np.random.default_rng(1).integers(0, 900, lens.shape).astype(np.uint16)
    frame = FrameSet(0, 0.0, None, Image(depth, 0.0), Image(infrared, 0.0), 0.001, rig)
    out = register(frame, (10, 20, 30, 40))
    np.testing.assert_array_equal(out.depth_mm, depth[20:60, 10:40])
    np.testing.assert_array_equal(out.infrared, infrared[20:60, 10:40])
    assert out.color is None


def test_without_infrared_or_depth_the_rest_is_there() -> None:
    rig = RIGS["small baseline"]
    frame = scene(rig, np.array([0.0, 0.0, 1.0]), 0.6)
    bare = FrameSet(0, 0.0, frame.color, None, None, 0.001, rig)
    out = register(bare, (50, 50, 60, 60))
    assert not out.depth_mm.any()
    assert out.infrared is None
    assert out.color is not None


def test_a_region_outside_is_an_error_and_one_over_the_edge_is_clipped() -> None:
    frame = scene(RIGS["small baseline"], np.array([0.0, 0.0, 1.0]), 0.6)
    assert register(frame, (-20, -20, 60, 60)).region == (0, 0, 40, 40)
    with pytest.raises(ValueError, match="outside"):
        register(frame, (500, 20, 30, 30))


def test_points_found_on_infrared_are_carried_to_colour() -> None:
    rig = RIGS["50 mm baseline"]
    normal, offset = np.array([0.1, -0.05, 1.0]) / np.linalg.norm([0.1, -0.05, 1.0]), 0.5
    frame = scene(rig, normal, offset)
    pixels = np.array([[140.0, 100.0], [180.0, 102.0], [160.0, 120.0], [145.0, 140.0], [176.0, 141.0]], np.float32)
    assert rig.infrared is not None
    assert rig.color is not None
    n, d = plane_in(rig.infrared_to_color.inverse(), normal, offset)
    ideal = rays(rig.infrared, pixels.astype(np.float64))
    z = d / (ideal @ n[:2] + n[2])
    points = np.column_stack([ideal * z[:, None], z]) @ rig.infrared_to_color.R.T + rig.infrared_to_color.t
    carried = carry_to_grid(frame, pixels)
    assert carried is not None
    np.testing.assert_allclose(carried, project(rig.color, points), atol=0.05)


def test_points_behind_the_colour_camera_are_carried_nowhere() -> None:
    rig = RIGS["50 mm baseline"]
    behind = Extrinsics(translation_m=(0.0, 0.0, -3.0))
    frame = scene(rig, np.array([0.0, 0.0, 1.0]), 0.5)
    turned = rig.model_copy(update={"infrared_to_color": behind, "depth_to_color": behind})
    assert carry_to_grid(replace(frame, rig=turned), np.array([[150.0, 110.0], [170.0, 130.0]], np.float32)) is None


def test_depth_between_pixels_is_linear_on_a_surface_and_of_one_side_at_an_edge() -> None:
    v, u = np.mgrid[:8, :10].astype(np.float32)
    random = np.random.default_rng(0)
    points = random.uniform([0, 0], [9, 7], (50, 2)).astype(np.float32)
    slope = 600 + 3 * u - 2 * v
    np.testing.assert_allclose(_depth_at(slope, points), 600 + points @ [3, -2], atol=1e-3)
    edge = np.where(u < 5, 600, 900).astype(np.float32)
    np.testing.assert_allclose(_depth_at(edge, points), np.where(points[:, 0] < 4.5, 600, 900))
    outside = np.array([[-3.0, 2.0], [40.0, 90.0]], np.float32)
    np.testing.assert_allclose(_depth_at(slope, outside), [596, 613])
    assert not _depth_at(np.zeros((8, 10), np.float32), points).any()
    assert _depth_at(np.full((1, 1), 500, np.float32), points[:1]) == 500


def test_holes_are_bridged_smoothly_and_an_empty_map_stays_empty() -> None:
    depth = np.full((40, 40), 600, np.float32)
    depth[10:30, 10:30] = 0
    np.testing.assert_allclose(without_holes(depth), 600, rtol=1e-5)
    assert not without_holes(np.zeros((8, 8), np.float32)).any()


def test_kernels_compiled_once() -> None:
    for kernel in (registration._lift, registration._draw, registration._sample, registration._triangle):
        assert len(signatures(kernel)) <= 1, kernel
