"""Lenses, motions and alignment of the RealSense driver against the SDK's own functions."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from calibration.projection import project, rays
from drivers.errors import (
    Unsupported,
)
from drivers.realsense_recording import RealSenseRecording
from drivers.realsense_sdk import intrinsics
from drivers.registration import register
from drivers.source import Source
from tests.sdk.synthetic_realsense import (
    DEPTH_SIZE,
    R,
    SyntheticD435,
    T,
    lens,
    picture,
    source_of,
)

rs = pytest.importorskip("pyrealsense2", exc_type=ImportError)
pytestmark = pytest.mark.sdk


def assert_rig(source: Source, camera: SyntheticD435) -> None:
    """The rig maps a point as the SDK's own functions do."""
    depth_to_color, point = source.rig.depth_to_color, np.array([0.1, -0.05, 0.6])
    motion = camera.profiles["depth"].get_extrinsics_to(camera.profiles["color"])
    np.testing.assert_allclose(
        depth_to_color.R @ point + depth_to_color.t, rs.rs2_transform_point_to_point(motion, point.tolist()), atol=1e-6
    )
    np.testing.assert_allclose(depth_to_color.R, R, atol=1e-6)
    np.testing.assert_allclose(depth_to_color.t, T, atol=1e-6)
    assert source.rig.color is not None
    ray = np.array([0.5, -0.3, 1.0])
    theirs = rs.rs2_project_point_to_pixel(camera.lens_color, ray.tolist())
    np.testing.assert_allclose(project(source.rig.color, ray[None]), [theirs], atol=0.05)
    assert source.rig.depth == source.rig.infrared


def test_the_rig_is_the_devices(camera: SyntheticD435, recording: Path) -> None:
    for source in (source_of(camera), RealSenseRecording(recording)):
        source.open()
        source.close()
        assert_rig(source, camera)
        assert source.info.sensor == "realsense-d435"


def slope(name: str, number: int, mm_a_column: int) -> np.ndarray[Any, Any]:
    """Depth changes from column to column: each value stands for a place."""
    if name != "depth":
        return picture(name, number)
    v, u = np.mgrid[: DEPTH_SIZE[1], : DEPTH_SIZE[0]]
    return (900 + mm_a_column * (u - DEPTH_SIZE[0] // 2) + 2 * v).astype(np.uint16)


def aligned_by_the_sdk(camera: SyntheticD435) -> np.ndarray[Any, Any]:
    """Depth on the colour grid by `rs.align`, counts, Z still the depth camera's."""
    syncer, sensors = rs.syncer(), (camera.stereo, camera.rgb)
    for sensor in sensors:
        sensor.open([p for p in sensor.get_stream_profiles() if p.fps() == 30])
        sensor.start(syncer)
    for number in range(1, 9):  # the first sets may lack a stream
        camera.push(number)
        frames = syncer.wait_for_frames(1000)
        if frames.size() == 3:
            break
    aligned = np.array(rs.align(rs.stream.color).process(frames).get_depth_frame().get_data())
    for sensor in sensors:
        sensor.stop()
        sensor.close()
    return aligned


def columns_off(mm_a_column: int, monkeypatch: pytest.MonkeyPatch) -> np.ndarray[Any, Any]:
    """By how many columns our registration of a slope differs from the SDK's alignment."""
    monkeypatch.setattr("tests.sdk.synthetic_realsense.picture", partial(slope, mm_a_column=mm_a_column))
    theirs = aligned_by_the_sdk(SyntheticD435(rs)).astype(float)
    camera = SyntheticD435(rs)
    source = source_of(camera)
    source.open()
    camera.push(1)
    frame_set = source.read(1.0)
    source.close()
    registered, back = register(frame_set), frame_set.rig.depth_to_color.inverse()
    z_mm = registered.depth_mm.astype(float)
    rays_3d = np.concatenate([registered.rays, np.ones((*z_mm.shape, 1))], axis=2)
    ours = (rays_3d * z_mm[..., None]) @ back.R[2] + back.t[2] * 1000
    both = (z_mm > 0) & (theirs > 0)
    assert both.mean() > 0.95
    return (ours - theirs)[both] / mm_a_column


def test_depth_comes_onto_colour_where_the_sdk_brings_it(monkeypatch: pytest.MonkeyPatch) -> None:
    rising, falling = columns_off(8, monkeypatch), columns_off(-8, monkeypatch)
    assert max(np.abs(rising).max(), np.abs(falling).max()) < 1.6  # the SDK does not interpolate
    # Of the depth pixels that it lays on one colour pixel the nearest wins: that draws the two slopes apart.
    assert abs(rising.mean() + falling.mean()) / 2 < 0.1


@pytest.mark.parametrize(
    ("model", "coefficients", "tolerance_px"),
    [
        ("none", (0.0,) * 5, 1e-4),
        ("brown_conrady", (0.12, -0.23, 0.0011, -0.0007, 0.05), 1e-4),
        ("modified_brown_conrady", (0.12, -0.23, 0.0011, -0.0007, 0.05), 0.05),
        ("inverse_brown_conrady", (-0.06, 0.07, 0.0005, 0.0012, -0.02), 0.05),
        ("kannala_brandt4", (0.03, -0.01, 0.002, -0.001, 0.0), 1e-2),
    ],
)
def test_lens_models_are_those_of_the_sdk(model: str, coefficients: tuple[float, ...], tolerance_px: float) -> None:
    theirs = lens(rs, (640, 480), 600.0, getattr(rs.distortion, model), coefficients)
    ours = intrinsics(rs, theirs, "test")
    pixels = np.stack(np.meshgrid([20.0, 200.0, 330.0, 610.0], [15.0, 240.0, 470.0]), axis=-1).reshape(-1, 2)
    ideal = np.concatenate([rays(ours, pixels), np.ones((len(pixels), 1))], axis=1)
    projected = [rs.rs2_project_point_to_pixel(theirs, ray.tolist()) for ray in ideal]
    np.testing.assert_allclose(project(ours, ideal), projected, atol=tolerance_px)
    np.testing.assert_allclose(projected, pixels, atol=tolerance_px)


def test_lenses_that_are_not_ours_are_refused() -> None:
    with pytest.raises(Unsupported, match="ftheta"):
        intrinsics(rs, lens(rs, (640, 480), 600.0, rs.distortion.ftheta, (0.9, 0, 0, 0, 0)), "test")
    with pytest.raises(Unsupported, match="px off every one"):
        intrinsics(
            rs, lens(rs, (640, 480), 300.0, rs.distortion.modified_brown_conrady, (0.5, 0.5, 0.1, 0.1, 0)), "test"
        )
    with pytest.raises(Unsupported, match="makes no sense"):
        intrinsics(rs, lens(rs, (640, 480), float("nan")), "test")
