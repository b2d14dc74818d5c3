"""Shifts between streams without a target: what was put in comes back, and what tells nothing is not told."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from calibration import alignment as al
from calibration.alignment import Shift
from calibration.correction import Seen, corrected, one_lens, turn_deg
from calibration.detection import seen_from
from calibration.projection import project
from calibration.rig import Extrinsics, Rig
from tests.calibration.target_scene import TRUE

SIZE = (300, 400)


def body(by: tuple[float, float] = (0, 0), larger: int = 0) -> np.ndarray:
    """A head on shoulders that reach the lower edge, bool [300, 400]."""
    x, y = by
    mask = np.zeros(SIZE, np.uint8)
    cv2.ellipse(mask, (round(200 + x), round(120 + y)), (60 + larger, 80 + larger), 0, 0, 360, 1, cv2.FILLED)
    cv2.ellipse(mask, (round(200 + x), round(300 + y)), (130 + larger, 100 + larger), 0, 0, 360, 1, cv2.FILLED)
    return mask > 0


def texture(seed: int) -> np.ndarray:
    """Blobs some pixels wide, float32 [300, 400], mean 0 and deviation 1."""
    soft = cv2.GaussianBlur(np.random.default_rng(seed).normal(0, 1, SIZE).astype(np.float32), (0, 0), 4.0)
    return (soft - soft.mean()) / soft.std()


def shifted(picture: np.ndarray, by: tuple[float, float]) -> np.ndarray:
    return np.asarray(cv2.warpAffine(picture, np.float32([[1, 0, by[0]], [0, 1, by[1]]]), SIZE[::-1]))


def color_of(pattern: np.ndarray, noise_seed: int = 9) -> np.ndarray:
    noise = np.random.default_rng(noise_seed).normal(0, 2, SIZE)
    grey = np.where(body(), 120 + 25 * pattern, 60) + noise
    return np.repeat(grey.clip(0, 255).astype(np.uint8)[..., None], 3, axis=2)


def infrared_of(pattern: np.ndarray, by: tuple[float, float]) -> np.ndarray:
    """The same pattern with its contrast turned round, `by` aside, under a light from one side."""
    light = np.linspace(300, 900, SIZE[1], dtype=np.float32)
    noise = np.random.default_rng(3).normal(0, 6, SIZE)
    return np.maximum(shifted(1 - 0.2 * pattern, by) * light + noise, 0).astype(np.float32)


@pytest.mark.parametrize("by", [(0.0, 0.0), (4.0, -3.0), (-7.5, 2.5)])
def test_infrared_of_other_contrast_and_light_tells_its_shift(by: tuple[float, float]) -> None:
    evidence = al.surface_evidence(color_of(texture(1)), infrared_of(texture(1), by), body())
    assert evidence is not None
    found = al.measured(evidence, al.INNER_FLOOR_PX)
    assert found.px == pytest.approx((-by[0], -by[1]), abs=0.3)
    assert all(found.told)
    assert found.fit(al.INNER_LIMIT_PX) == ("fits" if by == (0.0, 0.0) else "off")


@pytest.mark.parametrize("seed", range(4))
def test_infrared_of_something_else_tells_nothing(seed: int) -> None:
    evidence = al.surface_evidence(color_of(texture(seed)), infrared_of(texture(seed + 50), (0, 0)), body())
    assert evidence is not None
    assert al.measured(evidence, al.INNER_FLOOR_PX).fit(al.INNER_LIMIT_PX) == "untold"


def test_too_little_surface_is_no_evidence() -> None:
    infrared = infrared_of(texture(1), (0, 0))
    assert al.surface_evidence(color_of(texture(1)), infrared, np.zeros(SIZE, bool)) is None
    assert al.surface_evidence(color_of(texture(1)), np.full_like(infrared, -1), body()) is None
    assert al.outline_evidence(color_of(texture(1)), np.zeros(SIZE, bool)) is None


@pytest.mark.parametrize("larger", [0, 3])
@pytest.mark.parametrize("by", [(0, 0), (6, -4)])
def test_an_outline_tells_its_shift_though_it_is_drawn_too_large(by: tuple[int, int], larger: int) -> None:
    evidence = al.outline_evidence(color_of(texture(2) * 0.2), body(by, larger))
    assert evidence is not None
    found = al.measured(evidence, al.OUTLINE_FLOOR_PX)
    assert found.px == pytest.approx((-by[0], -by[1]), abs=1.0)
    assert abs(found.inset_px - larger) <= 1
    assert found.told[0]
    assert found.fit(al.OUTLINE_LIMIT_PX) == ("fits" if by == (0, 0) else "off")


def test_another_measure_of_the_outline_agrees() -> None:
    color = color_of(texture(2) * 0.2)
    sound, off = (al.outline_gap(color, body(by), 0.0) for by in ((0, 0), (8, 0)))
    assert sound < 1.5
    assert off > 3
    assert np.isnan(al.outline_gap(color, np.zeros(SIZE, bool), 0.0))


def test_the_subject_is_the_nearest_large_surface() -> None:
    depth_m = np.where(body(), 0.6, 1.4).astype(np.float32)
    depth_m[100:104, 180:184] = 0  # a hole
    depth_m[20:24, 20:24] = 0.3  # a speck
    found = al.subject(depth_m)
    assert (found != body()).mean() < 0.01
    assert found[102, 182]
    assert not al.subject(np.zeros(SIZE, np.float32)).any()


def test_pixels_between_two_surfaces_are_left_out() -> None:
    depth = np.where(body(), 600, 1800).astype(np.uint16)
    rim = (cv2.dilate(body().astype(np.uint8), np.ones((3, 3), np.uint8)) > 0) & ~body()
    depth[rim] = 900
    kept = al.near_sides(depth)
    assert (kept[body()] == 600).all()
    assert (kept[rim] == 0).mean() > 0.95
    assert not al.near_sides(np.zeros(SIZE, np.uint16)).any()


def test_limits_and_intervals_decide() -> None:
    assert Shift((3.0, 0.0), (0.5, 0.5), 0.5, 40).fit(2.0) == "off"
    assert Shift((2.3, 0.0), (0.5, 0.5), 0.5, 40).fit(2.0) == "fits"  # may be less than 2
    assert Shift((9.0, 9.0), (9.0, 9.0), 0.5, 40).fit(2.0) == "untold"
    assert Shift((3.0, 9.0), (0.5, 9.0), 0.5, 40).told_px == (3.0, 0.0)
    assert Shift((float(al.REACH_PX), 0.0), (0.1, 0.1), 0.5, 40).told == (False, True)


@pytest.mark.parametrize("way", ["turn", "move"])
def test_a_correction_moves_what_is_seen_by_the_shift(way: str) -> None:
    seen = Seen((250.0, 200.0), 0.6)
    assert TRUE.color is not None
    assert one_lens(TRUE)
    point = seen.point(TRUE.color)[None]
    in_stream = seen_from(TRUE.depth_to_color.inverse(), point)
    better = corrected(TRUE, "both", seen, (7.0, -4.0), way)  # type: ignore[arg-type]
    put = project(TRUE.color, seen_from(better.depth_to_color, in_stream))
    np.testing.assert_allclose(put, [[257.0, 196.0]], atol=0.05)
    assert better.depth_to_color == better.infrared_to_color
    if way == "turn":
        np.testing.assert_allclose(better.depth_to_color.t, TRUE.depth_to_color.t)
        assert 0.5 < np.linalg.norm(turn_deg(TRUE.depth_to_color, better.depth_to_color)) < 1.0
    else:
        np.testing.assert_allclose(better.depth_to_color.R, TRUE.depth_to_color.R)


def test_only_the_stream_named_is_corrected() -> None:
    apart = TRUE.model_copy(update={"infrared_to_color": Extrinsics.of(np.eye(3), np.array([0.02, 0.0, 0.0]))})
    assert not one_lens(apart)
    better = corrected(apart, "infrared", Seen((250.0, 200.0), 0.6), (3.0, 0.0), "turn")
    assert better.depth_to_color == apart.depth_to_color
    assert better.infrared_to_color != apart.infrared_to_color


@pytest.mark.real
def test_a_real_rig_that_is_knocked_comes_back_by_two_measures(real_data: Path) -> None:
    from app.calibrate_align import aligned, proposed, with_landmarks
    from drivers.open import open_source
    from drivers.source import frames_of

    frames = with_landmarks([next(iter(frames_of(open_source(str(real_data / "silicone-mask")))))])
    rig: Rig = frames[0].frame_set.rig
    turn = np.asarray(cv2.Rodrigues(np.radians([-0.4, 0.5, 0.0]))[0])
    motion = Extrinsics.of(turn @ rig.infrared_to_color.R, rig.infrared_to_color.t)
    before = aligned(frames, rig.model_copy(update={"infrared_to_color": motion}))
    assert before is not None
    assert before.infrared is not None
    assert before.misfits == ["infrared"]
    better = proposed(frames, rig.model_copy(update={"infrared_to_color": motion}), before, "turn")
    assert better is not None
    assert better[1].misfits == []
    assert before.landmarks_px is not None
    assert better[1].landmarks_px is not None
    assert np.hypot(*before.landmarks_px) > 10
    assert np.hypot(*better[1].landmarks_px) < 3
