"""The rig from rendered views of a target comes back as it was put in, inside the intervals that the fit claims."""

from __future__ import annotations

import re
import struct
import zlib

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calibration.checking import check_target
from calibration.detection import Detection, LensName, TooLittle, View, detect, differs, pose, reprojection, seen_from
from calibration.geometric import GeometricFit, calibrate_rig
from calibration.projection import project
from calibration.rig import Extrinsics, Intrinsics, Rig
from calibration.target import DEFAULT, PAPERS_MM, Board, TargetError, pdf, png, texture
from tests.calibration.target_scene import (
    BOARD,
    COLOR,
    INFRARED,
    MOTION,
    NOMINAL,
    TRUE,
    moved,
    picture,
    pictures,
    poses,
)

VIEWS, SEED = 16, 1


def views_of(count: int, seed: int) -> list[View]:
    made: list[View] = []
    for _, infrared, color in pictures(count, seed):
        view: dict[LensName, Detection] = {}
        if (found := detect(infrared, BOARD)) is not None:
            view["infrared"] = found
        if (found := detect(color, BOARD)) is not None:
            view["color"] = found
        made.append(view)
    return made


@pytest.fixture(scope="module")
def views() -> list[View]:
    return views_of(VIEWS, SEED)


@pytest.fixture(scope="module")
def fit(views: list[View]) -> GeometricFit:
    return calibrate_rig(views, NOMINAL, BOARD)


def four(camera: Intrinsics) -> np.ndarray:
    return np.array([camera.fx, camera.fy, camera.cx, camera.cy])


def test_corners_are_found_to_a_tenth_of_a_pixel_and_some_views_are_partial(views: list[View]) -> None:
    counts = []
    for (where, _, _), view in zip(pictures(VIEWS, SEED), views, strict=True):
        for name, found in view.items():
            at = where if name == "infrared" else moved(where, MOTION)
            off = reprojection(found, getattr(TRUE, name), at, BOARD)
            assert np.sqrt((off**2).mean()) < 0.15
            assert np.abs(off.mean(axis=0)).max() < 0.1
            counts.append(len(found.ids))
    assert min(counts) < len(BOARD.corners) == max(counts)


@pytest.mark.parametrize("name", ["color", "infrared"])
def test_lenses_come_back_inside_their_intervals(fit: GeometricFit, name: str) -> None:
    lens, true = fit.lenses[name], getattr(TRUE, name)  # type: ignore[index]
    error = np.abs(four(lens.camera) - four(true))
    assert (error[:2] / four(true)[:2] < 0.003).all()
    assert (error[2:] / true.width < 0.003).all()
    assert (error <= lens.interval).all()
    assert max(lens.interval) < 0.003 * true.width  # not true for being wide
    assert lens.rms_px < 0.12
    # the whole lens: where it puts the points of a target all over the picture
    v, u = np.mgrid[-0.3:0.3:7j, -0.4:0.4:9j]
    points = np.stack([u.ravel(), v.ravel(), np.ones(u.size)], axis=1)
    way = project(lens.camera, points) - project(true, points)
    assert np.sqrt((way**2).sum(axis=1).mean()) < 0.6


def test_motion_comes_back_inside_its_interval(fit: GeometricFit) -> None:
    motion = fit.infrared_to_color
    assert motion is not None
    off = np.abs(motion.motion.t - MOTION.t)
    turn = np.abs(np.degrees(np.asarray(cv2.Rodrigues(motion.motion.R @ MOTION.R.T)[0]).ravel()))
    assert off.max() < 0.0005
    assert np.linalg.norm(turn) < 0.1
    assert (off <= motion.translation_interval_m).all()
    assert (turn <= motion.rotation_interval_deg).all()


def errors_and_intervals(fit: GeometricFit) -> tuple[np.ndarray, np.ndarray]:
    """Of fx fy cx cy of both lenses, translation in metres and angles in degrees, float64 [14] each."""
    motion = fit.infrared_to_color
    assert motion is not None
    lenses = [(fit.lenses["color"], COLOR), (fit.lenses["infrared"], INFRARED)]
    turn = np.degrees(np.asarray(cv2.Rodrigues(motion.motion.R @ MOTION.R.T)[0]).ravel())
    errors = [four(lens.camera) - four(true) for lens, true in lenses] + [motion.motion.t - MOTION.t, turn]
    claimed = [lens.interval for lens, _ in lenses] + [motion.translation_interval_m, motion.rotation_interval_deg]
    return np.abs(np.concatenate(errors)), np.concatenate([np.array(c) for c in claimed])


@pytest.mark.slow
def test_intervals_hold_over_many_captures() -> None:
    inside = []
    for seed in range(20, 32):
        errors, claimed = errors_and_intervals(calibrate_rig(views_of(14, seed), NOMINAL, BOARD))
        assert errors[8:11].max() < 0.0005
        assert np.linalg.norm(errors[11:]) < 0.1
        assert errors[[0, 1]].max() / COLOR.fx < 0.003
        assert errors[[4, 5]].max() / INFRARED.fx < 0.003
        inside.append(errors <= claimed)
    assert np.mean(inside) >= 0.97


@pytest.mark.parametrize("f", [300.0, 900.0])
def test_the_rig_before_may_be_far_off(views: list[View], f: float) -> None:
    changes = {
        name: getattr(NOMINAL, name).model_copy(update={"fx": f, "fy": f}) for name in ("color", "infrared", "depth")
    }
    errors, claimed = errors_and_intervals(calibrate_rig(views, NOMINAL.model_copy(update=changes), BOARD))
    assert (errors <= claimed).all()


def test_a_lens_that_did_not_see_the_target_is_kept(views: list[View]) -> None:
    found = calibrate_rig([{"color": v["color"]} for v in views], NOMINAL, BOARD)
    assert found.rig.infrared == NOMINAL.infrared
    assert found.rig.depth_to_color == NOMINAL.depth_to_color
    assert found.rig.color == found.lenses["color"].camera
    assert "infrared did not see the target" in " ".join(found.notes)


def test_a_fisheye_lens_is_refused(views: list[View]) -> None:
    fisheye = COLOR.model_copy(update={"model": "kannala_brandt4", "distortion": ()})
    with pytest.raises(TooLittle, match="keep the maker's calibration"):
        calibrate_rig(views, NOMINAL.model_copy(update={"color": fisheye}), BOARD)


def test_a_rational_lens_stays_one(views: list[View]) -> None:
    rational = Intrinsics(**{**NOMINAL.model_dump()["color"], "model": "rational"})
    found = calibrate_rig(views, NOMINAL.model_copy(update={"color": rational}), BOARD)
    assert found.lenses["color"].camera.model == "rational"
    errors, claimed = errors_and_intervals(found)
    assert (errors <= claimed).all()


def test_depth_follows_the_infrared_lens_and_keeps_its_place_beside_it(fit: GeometricFit, views: list[View]) -> None:
    assert fit.rig.depth == fit.rig.infrared == fit.lenses["infrared"].camera
    assert np.allclose(fit.rig.depth_to_color.t, fit.rig.infrared_to_color.t)
    apart = Extrinsics.of(np.eye(3), np.array([0.01, 0.0, 0.0]))
    other = calibrate_rig(views, NOMINAL.model_copy(update={"depth_to_color": apart}), BOARD)
    assert other.rig.depth == NOMINAL.depth
    between = seen_from(other.rig.infrared_to_color.inverse(), other.rig.depth_to_color.t[None])
    np.testing.assert_allclose(between, [[0.01, 0, 0]], atol=1e-9)
    assert "depth does not stand on the infrared grid" in " ".join(other.notes)


def test_a_registered_rig_has_one_lens(views: list[View]) -> None:
    grid = Intrinsics(width=640, height=480, fx=580, fy=580, cx=319.5, cy=239.5)
    rig = calibrate_rig(views, Rig(color=grid, depth=grid, infrared=grid, registered=True), BOARD).rig
    assert rig.registered
    assert rig.color == rig.depth == rig.infrared
    assert rig.depth.fx == pytest.approx(COLOR.fx, rel=0.003)


def test_views_that_do_not_fit_are_dropped(views: list[View], fit: GeometricFit) -> None:
    rng = np.random.default_rng(3)
    broken = list(views)
    for n in (2, 9):
        found = views[n]["color"]
        broken[n] = {**views[n], "color": Detection(found.ids, found.pixels + rng.normal(0, 3, found.pixels.shape))}
    lens = calibrate_rig(broken, NOMINAL, BOARD).lenses["color"]
    assert {2, 9} <= set(lens.dropped)
    assert lens.camera.fx == pytest.approx(COLOR.fx, rel=0.003)
    assert lens.rms_px < 2 * fit.lenses["color"].rms_px


def test_streams_that_were_not_simultaneous_are_dropped_from_the_motion(views: list[View]) -> None:
    late = list(views)
    late[4] = {"infrared": views[4]["infrared"], "color": views[5]["color"]}
    motion = calibrate_rig(late, NOMINAL, BOARD).infrared_to_color
    assert motion is not None
    assert motion.dropped == (4,)
    assert np.abs(motion.motion.t - MOTION.t).max() < 0.0005


def ideal_views(where: list[Extrinsics]) -> list[View]:
    """Corners projected, not rendered."""
    made: list[View] = []
    for at in where:
        pixels = project(COLOR, seen_from(at, BOARD.corners))
        inside = ((pixels > 4) & (pixels < [COLOR.width - 4, COLOR.height - 4])).all(axis=1)
        made.append({"color": Detection(np.flatnonzero(inside), pixels[inside])})
    return made


def test_too_few_and_too_similar_views_are_refused_with_advice() -> None:
    with pytest.raises(TooLittle, match="found in no picture"):
        calibrate_rig([], NOMINAL, BOARD)
    with pytest.raises(TooLittle, match=r"seen in 5 different views, 8 are needed.*move and tilt"):
        calibrate_rig(ideal_views(poses(5, 2)), NOMINAL, BOARD)
    with pytest.raises(TooLittle, match=r"differ by \d+° in tilt.*tilt the target"):
        calibrate_rig(ideal_views(poses(12, 2, tilt_deg=3)), NOMINAL, BOARD)
    far = poses(12, 2, nearest_m=2.0, farthest_m=2.1)
    middle = [Extrinsics.of(p.R, p.t * [0.05, 0.05, 1.0]) for p in far]
    with pytest.raises(TooLittle, match=r"in \d+ % of the picture.*nearer and into the corners"):
        calibrate_rig(ideal_views(middle), NOMINAL, BOARD)


def test_a_view_seen_before_is_no_new_view(views: list[View]) -> None:
    jittered = {name: Detection(d.ids, d.pixels + 2.0) for name, d in views[0].items()}
    assert not differs(jittered, views, TRUE)  # type: ignore[arg-type]
    assert differs(views[0], views[1:], TRUE)


@given(
    tilt=st.tuples(st.floats(-0.7, 0.7), st.floats(-0.7, 0.7), st.floats(-3, 3)),
    model=st.sampled_from(["none", "brown_conrady", "inverse_brown_conrady", "kannala_brandt4"]),
)
def test_a_pose_is_found_through_every_lens_model(tilt: tuple[float, float, float], model: str) -> None:
    k = {"none": (), "kannala_brandt4": (0.02, -0.01, 0.0, 0.0)}.get(model, (0.08, -0.1, 0.001, -0.001, 0.0))
    camera = COLOR.model_copy(update={"model": model, "distortion": k})
    R = np.asarray(cv2.Rodrigues(np.array(tilt))[0])
    true = Extrinsics.of(R, np.array([0.02, -0.03, 0.6]) - R @ np.array([*BOARD.size_m, 0]) / 2)
    found = Detection(np.arange(len(BOARD.corners)), project(camera, seen_from(true, BOARD.corners)))
    np.testing.assert_allclose(pose(found, camera, BOARD).t, true.t, atol=1e-5)


def test_dim_16_bit_infrared_is_stretched_and_a_blank_picture_holds_nothing() -> None:
    _, infrared, _ = pictures(VIEWS, SEED)[0]
    dim = (infrared.astype(np.uint16) * 3).astype(np.uint16)
    assert (found := detect(dim, BOARD)) is not None
    assert len(found.ids) > 30
    assert detect(np.full((400, 640), 90, np.uint8), BOARD) is None
    assert detect(np.zeros((400, 640), np.uint16), BOARD) is None


def test_a_stored_rig_is_checked_on_the_target(views: list[View]) -> None:
    sound = check_target(views, TRUE, BOARD)
    assert max(sound.rms_px.values()) < 0.2
    assert sound.shift_px is not None
    assert np.hypot(*sound.shift_px) < 0.2
    knocked = TRUE.model_copy(update={"color": COLOR.model_copy(update={"cx": COLOR.cx - 5.0})})
    moved_check = check_target(views, knocked, BOARD)
    assert moved_check.shift_px is not None
    assert moved_check.shift_px == pytest.approx((5.0, 0.0), abs=0.4)


def test_sheets_have_true_scale() -> None:
    page = cv2.imdecode(np.frombuffer(png(BOARD, "A4", dpi=254), np.uint8), cv2.IMREAD_GRAYSCALE)
    assert page.shape == (2100, 2970)  # 10 pixels a mm
    found = detect(page, BOARD)
    assert found is not None
    assert len(found.ids) == len(BOARD.corners)
    one, other = (found.pixels[found.ids == n][0] for n in (0, 7))
    assert np.linalg.norm(other - one) == pytest.approx(7 * 300, abs=0.5)
    data = png(BOARD, "A4", dpi=254)
    assert data[37:41] == b"pHYs"
    assert struct.unpack(">IIB", data[41:50]) == (10_000, 10_000, 1)
    assert struct.unpack(">I", data[50:54])[0] == zlib.crc32(data[37:50])


def drawn(sheet: bytes, per_mm: int) -> np.ndarray:
    """The rectangles of a PDF sheet filled in: a reader of just what `pdf` writes, uint8 [H, W]."""
    w, h = (round(float(n) / 72 * 25.4 * per_mm) for n in re.findall(rb"MediaBox \[0 0 ([\d.]+) ([\d.]+)", sheet)[0])
    scale = float(re.findall(rb"([\d.]+) 0 0 [\d.]+ 0 0 cm", sheet)[0]) / 72 * 25.4 * per_mm
    page = np.full((h, w), 255, np.uint8)
    for match in re.findall(rb"([\d.]+) ([\d.]+) ([\d.]+) ([\d.]+) re", sheet):
        x, y, width, height = (float(n) * scale for n in match)
        page[round(h - y - height) : round(h - y), round(x) : round(x + width)] = 0
    return page


@pytest.mark.parametrize("text", [DEFAULT, "7x5:35:26:5X5_100", "8x10:15:11:ARUCO_ORIGINAL:legacy"])
def test_the_pdf_draws_the_pattern_that_opencv_draws(text: str) -> None:
    board = Board.parse(text)
    sheet = pdf(board, "A4")
    page = drawn(sheet, 20)
    assert page.shape == tuple(20 * side for side in PAPERS_MM["A4"][::-1])
    found = detect(page, board)
    assert found is not None
    assert len(found.ids) == len(board.corners)
    pattern = texture(board, 20_000)
    height, width = pattern.shape
    left = (page.shape[1] - width) // 2
    top = page.shape[0] - height - ((page.shape[0] - height - 200) // 2 + 200)
    share = (page[top : top + height, left : left + width] != pattern).mean()
    assert share < 0.01  # of rounding at the cells' edges
    table = int(re.findall(rb"startxref\n(\d+)", sheet)[0])
    assert sheet[table : table + 4] == b"xref"
    for number, place in enumerate(re.findall(rb"(\d{10}) 00000 n", sheet), 1):
        assert sheet[int(place) :].startswith(b"%d 0 obj" % number)


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("9x6", "written like"), ("9x6:30:31", "smaller than its square"), ("2x6:30:22", "3 to 40"),
        ("9x6:30:22:9X9_1", "no dictionary"), ("20x20:10:7:4X4_50", "200 markers"), ("9x6:30:22:4X4_50:new", "written"),
    ],
)  # fmt: skip
def test_targets_that_cannot_be_are_refused(text: str, match: str) -> None:
    with pytest.raises(TargetError, match=match):
        Board.parse(text)


def test_a_target_larger_than_the_paper_is_refused() -> None:
    with pytest.raises(TargetError, match="does not fit on A4"):
        pdf(Board.parse("12x6:30:22"), "A4")
    assert str(Board.parse("8x10:15:11:ARUCO_ORIGINAL:legacy")) == "8x10:15:11:ARUCO_ORIGINAL:legacy"


@pytest.mark.parametrize("number", range(4))
def test_a_blurred_view_is_still_a_view(number: int) -> None:
    where = poses(6, 4)[number]
    found = detect(picture(INFRARED, where, np.random.default_rng(number), blur=1.0), BOARD)
    assert found is not None
    assert np.sqrt((reprojection(found, INFRARED, where, BOARD) ** 2).mean()) < 0.15
