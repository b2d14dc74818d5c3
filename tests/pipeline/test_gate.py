"""The gate's questions about place, movement and light, against scenes whose answer is known."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calibration.rig import Intrinsics, Rig
from drivers.frames import FrameSet, Image
from pipeline.faces import CanonicalSquare, Face
from pipeline.gate import Stillness, check_backlight, check_centre, most_urgent
from pipeline.parameters import Gate
from pipeline.result import Reason

LENS = Intrinsics(width=320, height=240, fx=300.0, fy=300.0, cx=160.0, cy=120.0)
RIG = Rig(color=LENS, depth=LENS, infrared=LENS, registered=True)
LIMITS = Gate()
UNIT = np.array([[-0.5, 0], [0.5, 0], [0, 0.54], [-0.41, 1.15], [0.41, 1.15]])  # eyes one apart: a square of 3
SIDE = 90.0


def face_at(x: float, y: float = 100.0) -> Face:
    return Face((x - 40, y - 40, 80, 100), (UNIT * SIDE / 3 + [x, y]).astype(np.float32), 0.99)


def taken(time_s: float, exposure_ms: float | None = 20.0, skew_s: float = 0.0) -> FrameSet:
    """A set whose infrared comes `skew_s` after the rest."""
    pixels = np.zeros((240, 320), np.uint8)
    color = Image(np.zeros((240, 320, 3), np.uint8), time_s, exposure_ms=exposure_ms)
    return FrameSet(
        sequence=0, host_time_s=time_s, rig=RIG, depth_unit_m=0.001, color=color,
        depth=Image(pixels.astype(np.uint16), time_s), infrared=Image(pixels, time_s + skew_s, exposure_ms=exposure_ms),
    )  # fmt: skip


def said(speed: float, **how: Any) -> Reason | None:
    """Of a face that crosses the picture with so many sides a second."""
    stillness, period_s = Stillness(), 1 / 30
    assert stillness.check(taken(0.0, **how), face_at(100), LIMITS) is None, "one frame tells no speed"
    return stillness.check(taken(period_s, **how), face_at(100 + speed * SIDE * period_s), LIMITS)


def test_a_face_may_move_as_far_as_the_limit_while_its_pictures_are_taken() -> None:
    allowed = LIMITS.max_smear / 0.020
    assert said(0.97 * allowed) is None
    assert said(1.03 * allowed) is Reason.HOLD_STILL
    assert said(-1.03 * allowed) is Reason.HOLD_STILL
    assert said(0.97 * allowed, exposure_ms=40.0) is Reason.HOLD_STILL, "twice the exposure, half the speed"
    assert said(0.97 * allowed, skew_s=0.010) is Reason.HOLD_STILL, "streams that are apart smear as well"
    assert said(0.97 * LIMITS.max_smear / 0.010, exposure_ms=None) is None
    assert said(1.03 * LIMITS.max_smear / 0.010, exposure_ms=None) is Reason.HOLD_STILL


def test_speed_is_told_only_between_two_near_sights_of_one_face() -> None:
    stillness = Stillness()
    for time_s, x in ((0.0, 100.0), (0.6, 200.0)):
        assert stillness.check(taken(time_s), face_at(x), LIMITS) is None, "long ago"
    stillness.reset()
    assert stillness.check(taken(0.61), face_at(100.0), LIMITS) is None, "another face"
    assert stillness.check(taken(0.61), face_at(200.0), LIMITS) is None, "no time has passed"
    assert stillness.check(taken(0.64), face_at(100.0), LIMITS) is Reason.HOLD_STILL
    assert stillness.check(taken(0.67), face_at(100.0), LIMITS) is None, "it stands again"


@settings(max_examples=50)
@given(seed=st.integers(0, 1000))
def test_landmarks_that_tremble_do_not_move_a_face(seed: int) -> None:
    """The finder's landmarks are good to about 1 % of the square's side."""
    random, stillness = np.random.default_rng(seed), Stillness()
    for n in range(5):
        face = face_at(150)
        trembling = replace(face, landmarks=face.landmarks + random.normal(0, 0.01 * SIDE, (5, 2)).astype(np.float32))
        assert stillness.check(taken(n / 30), trembling, LIMITS) is None


@given(x=st.floats(0, 319), y=st.floats(0, 239))
def test_off_centre_is_outside_the_middle_part_on_every_side_alike(x: float, y: float) -> None:
    def at(x: float, y: float) -> Reason | None:
        return check_centre(CanonicalSquare((x, y), SIDE, 0.0), 320, 240, LIMITS)

    outside = abs(x / 319 - 0.5) > 0.4 or abs(y / 239 - 0.5) > 0.4
    assert at(x, y) is (Reason.OFF_CENTRE if outside else None)
    assert at(319 - x, y) is at(x, 239 - y) is at(x, y) or abs(max(abs(x / 319 - 0.5), abs(y / 239 - 0.5)) - 0.4) < 1e-9


def picture(face: int, behind: int, x: int = 160, y: int = 120) -> np.ndarray:
    """A grey oval of a face before an even background."""
    v, u = np.mgrid[:240, :320]
    oval = ((u - x) / (0.45 * SIDE)) ** 2 + ((v - y) / (0.55 * SIDE)) ** 2 < 1
    return np.repeat(np.where(oval, face, behind).astype(np.uint8)[..., None], 3, axis=2)


def lit(color: np.ndarray, x: float = 160.0, y: float = 120.0) -> Reason | None:
    return check_backlight(color, CanonicalSquare((x, y), SIDE, 0.0), LIMITS)


def test_backlight_is_a_dark_face_before_saturated_surroundings() -> None:
    assert lit(picture(face=30, behind=255)) is Reason.BACKLIGHT
    assert lit(picture(face=120, behind=255)) is None, "a white wall behind a well lit face"
    assert lit(picture(face=30, behind=40)) is None, "a dark room, or dark skin in one"
    assert lit(picture(face=30, behind=200)) is None, "bright but not saturated"


def test_a_window_counts_by_its_share_of_the_surroundings() -> None:
    def with_window(width: int) -> np.ndarray:
        color = picture(face=30, behind=60)
        color[:, 160 + 50 : 160 + 50 + width] = 255
        return color

    assert lit(with_window(15)) is None
    assert lit(with_window(49)) is Reason.BACKLIGHT


@given(face=st.integers(0, 255), behind=st.integers(0, 255), more=st.integers(0, 255))
@settings(max_examples=40, deadline=None)
def test_more_light_on_the_face_never_makes_it_backlit(face: int, behind: int, more: int) -> None:
    if lit(picture(min(face + more, 255), behind)) is Reason.BACKLIGHT:
        assert lit(picture(face, behind)) is Reason.BACKLIGHT


@pytest.mark.parametrize(("x", "y"), [(5, 5), (315, 120), (160, 239), (-400, 120), (160, 900)])
def test_at_and_beyond_the_edge_only_what_is_there_counts(x: int, y: int) -> None:
    inside = 0 <= x < 320 and 0 <= y < 240
    assert lit(picture(30, 255, x, y), x, y) is (Reason.BACKLIGHT if inside else None)


@given(said=st.lists(st.sampled_from([None, *Reason]), max_size=6))
def test_the_most_urgent_reason_is_the_first_of_the_list(said: list[Reason | None]) -> None:
    assert most_urgent(*said) is next((reason for reason in Reason if reason in said), None)
