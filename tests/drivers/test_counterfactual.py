"""Counterfactual attacks: the surface that each kind promises, on a made-up head whose true surface is known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from calibration.rig import AttenuationLaw, Extrinsics, Intrinsics, Rig
from drivers.counterfactual import KINDS, Change, Kind, changed, face_plane, find_head, from_uri, smoothed
from drivers.errors import CameraError, NotFound
from drivers.frames import FrameSet, Image
from drivers.open import open_source
from drivers.registration import register

LENS = Intrinsics(width=320, height=240, fx=300.0, fy=300.0, cx=160.0, cy=120.0)
LAW = AttenuationLaw(dark_level=5.0)
RIG = Rig(color=LENS, depth=LENS, infrared=LENS, registered=True, radiometric=LAW)
UNIT_M = 0.0001
NOISE_M = 0.001


def head(rig: Rig = RIG) -> FrameSet:
    """An ellipsoid with a nose 0.6 m away before a wall, with depth noise."""
    rng = np.random.default_rng(0)
    v, u = np.mgrid[:240, :320]
    x, y = (u - 160) * 0.002, (v - 120) * 0.002
    r2 = (x / 0.075) ** 2 + (y / 0.105) ** 2
    face = 0.6 + 0.09 * (1 - np.sqrt(np.clip(1 - r2, 0, 1))) - 0.02 * np.exp(-(x**2 + y**2) / 3e-4)
    inside = r2 < 1
    depth_m = np.where(inside, face + rng.normal(0, NOISE_M, face.shape), 1.8)
    infrared = np.where(inside, 100, 40).astype(np.uint8)
    color = np.full((240, 320, 3), 120, np.uint8)
    return FrameSet(
        0, 0.0, Image(color, 0.0), Image(np.rint(depth_m / UNIT_M).astype(np.uint16), 0.0), Image(infrared, 0.0),
        UNIT_M, rig,
    )  # fmt: skip


def depth_of(frame_set: FrameSet) -> np.ndarray:
    assert frame_set.depth is not None
    return frame_set.depth.pixels * frame_set.depth_unit_m


FRAME = head()
INSIDE = find_head(depth_of(FRAME), LENS)
MIDDLE = np.zeros_like(INSIDE)
MIDDLE[85:155, 130:190] = True


def points(depth_m: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    v, u = np.nonzero(MIDDLE & INSIDE)
    z = depth_m[v, u]
    return (u - 160) / 300 * z, (v - 120) / 300 * z, z


def residual(depth_m: np.ndarray, *, curved: bool = False) -> float:
    """Root mean square in metres off the best plane, or the best quadric."""
    x, y, z = points(depth_m)
    terms = [x, y, np.ones_like(x)] + ([x * x, x * y, y * y] if curved else [])
    design = np.column_stack(terms)
    return float(np.sqrt(np.mean((z - design @ np.linalg.lstsq(design, z, rcond=None)[0]) ** 2)))


def test_the_head_is_found_and_the_wall_is_not() -> None:
    assert INSIDE[120, 160]
    assert not INSIDE[:, :40].any()
    assert 0.7 < INSIDE.sum() / (np.pi * 37.5 * 52.5) < 1.1
    assert not find_head(np.zeros((240, 320)), LENS).any()


@pytest.mark.parametrize("seed", range(4))
def test_flattened_is_a_plane_with_the_recordings_own_noise(seed: int) -> None:
    made = depth_of(changed(FRAME, Change.drawn("flattened", seed)))
    assert residual(depth_of(FRAME)) > 3 * NOISE_M
    assert 0.5 * NOISE_M < residual(made) < 2 * NOISE_M
    outside = ~INSIDE
    np.testing.assert_array_equal(made[outside], depth_of(FRAME)[outside])
    assert abs(float(np.median(made[MIDDLE])) - float(np.median(depth_of(FRAME)[MIDDLE]))) < 0.02


@pytest.mark.parametrize("seed", range(4))
def test_bent_has_the_curvature_of_its_cylinder(seed: int) -> None:
    change = Change.drawn("bent", seed)
    x, y, z = points(depth_of(changed(FRAME, change)))
    across = x * np.cos(change.turn) + y * np.sin(change.turn)
    design = np.column_stack([x, y, np.ones_like(x), across**2])
    curvature = 2 * np.linalg.lstsq(design, z, rcond=None)[0][3]
    assert curvature == pytest.approx(1 / change.radius_m, rel=0.25)


@pytest.mark.parametrize("seed", range(4))
def test_folded_is_two_planes_that_meet_at_the_ridge(seed: int) -> None:
    change = Change.drawn("folded", seed)
    x, y, z = points(depth_of(changed(FRAME, change)))
    across = x * np.cos(change.turn) + y * np.sin(change.turn)
    design = np.column_stack([x, y, np.ones_like(x), np.hypot(across, 0.004)])
    assert np.linalg.lstsq(design, z, rcond=None)[0][3] == pytest.approx(change.ridge, rel=0.2)


@pytest.mark.parametrize("seed", range(4))
def test_rescaled_is_as_large_as_it_is_far_and_lit_accordingly(seed: int) -> None:
    change = Change.drawn("rescaled", seed)
    made = changed(FRAME, change)
    np.testing.assert_allclose(depth_of(made), depth_of(FRAME) * change.scale, atol=UNIT_M)
    assert abs(np.log(change.scale)) > np.log(1.2)
    assert made.color is FRAME.color
    assert made.infrared is not None
    wanted = min(255.0, 5 + 95 * change.scale**-2)
    assert made.infrared.pixels[120, 160] == pytest.approx(wanted, abs=0.51)


def test_streams_of_a_rescaled_unregistered_rig_still_fit_each_other() -> None:
    rig = Rig(color=LENS, depth=LENS, infrared=LENS, depth_to_color=Extrinsics(translation_m=(0.03, 0, 0)),
              infrared_to_color=Extrinsics(translation_m=(0.03, 0, 0)), radiometric=LAW)  # fmt: skip
    before = head(rig)
    change = Change.drawn("rescaled", 1)
    one, other = (register(f, (100, 60, 120, 120)) for f in (before, changed(before, change)))
    seen = (one.depth_mm > 0) & (other.depth_mm > 0)
    assert seen.mean() > 0.5
    ratio = other.depth_mm[seen] / one.depth_mm[seen]
    assert np.quantile(np.abs(ratio / change.scale - 1), 0.9) < 0.01


@pytest.mark.parametrize("seed", range(4))
def test_albedo_changes_what_is_seen_and_not_the_surface(seed: int) -> None:
    change = Change.drawn("albedo", seed)
    made = changed(FRAME, change)
    assert made.depth is FRAME.depth
    assert made.infrared is not None
    assert FRAME.infrared is not None
    assert made.infrared.pixels[120, 160] == pytest.approx(5 + 95 * change.infrared, abs=1)
    np.testing.assert_array_equal(made.infrared.pixels[:, :40], FRAME.infrared.pixels[:, :40])
    steps = np.abs(np.diff(made.infrared.pixels[120].astype(int)))
    original = np.abs(np.diff(FRAME.infrared.pixels[120].astype(int)))
    assert steps.max() <= original.max() + abs(change.infrared - 1) * 95 / 2  # a soft edge
    assert not 0.7 < change.infrared < 1.4


@pytest.mark.parametrize("kind", KINDS)
def test_a_seed_decides_everything(kind: Kind) -> None:
    one, again, other = (changed(FRAME, Change.drawn(kind, seed)) for seed in (3, 3, 4))
    for stream in ("color", "depth", "infrared"):
        np.testing.assert_array_equal(one.image(stream).pixels, again.image(stream).pixels)
    assert any((one.image(s).pixels != other.image(s).pixels).any() for s in ("color", "depth", "infrared"))


def test_the_plane_ignores_the_nose() -> None:
    v, u = np.mgrid[:240, :320]
    rays = np.stack([(u - 160) / 300, (v - 120) / 300], -1)
    depth_m = np.full((240, 320), 0.6)
    depth_m[115:126, 155:166] -= 0.02
    smooth = smoothed(depth_m, INSIDE, 1.0)
    (a, b, c), _ = face_plane(smooth, INSIDE, rays)
    assert max(abs(a), abs(b)) < 0.02
    assert c == pytest.approx(0.6, abs=0.003)


def test_uris(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="there are flattened"):
        open_source("counterfactual://melted?of=x")
    for wrong in ("flattened", "bent?seed=1", "bent?of=a&seed=x", "bent?of=a&sed=1"):
        with pytest.raises(CameraError, match="of=RECORDING"):
            open_source(f"counterfactual://{wrong}")
    with pytest.raises(NotFound):
        open_source(f"counterfactual://bent?of={tmp_path / 'none.mcap'}")


def test_a_wrapped_recording_says_that_it_was_changed() -> None:
    source = from_uri("counterfactual://bent?of=sim://live%3Fseconds%3D0.1&seed=2", open_source)
    source.open()
    try:
        assert source.info.origin == "simulated"
        assert source.info.name.endswith(", bent")
        assert source.change == Change.drawn("bent", 2)
        assert source.read(1.0).depth is not None
    finally:
        source.close()
