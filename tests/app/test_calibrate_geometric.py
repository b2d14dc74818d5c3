"""`calibrate target | geometric | depth | check` as a user calls them, on rendered recordings."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np
import pytest

from app.__main__ import main
from calibration.detection import seen_from
from calibration.projection import project
from calibration.rig import Extrinsics, Intrinsics, Rig
from drivers import rigs
from drivers.frames import FrameSet, Image
from drivers.session import Labels, SessionWriter
from drivers.simulated.scenes import render_frame, sample_scene
from drivers.source import CameraInfo
from tests.app.scene import frame, frames
from tests.app.scene import record as record_face
from tests.calibration.target_scene import COLOR, INFRARED, NOMINAL, TRUE, depth_counts, pictures

INFO = CameraInfo(name="Rendered camera", sensor="sim-target", serial="R 7/1", origin="simulated")
VIEWS, SEED = 16, 1
SCALE, BIAS_M = 1.01, -0.003


def frame_sets(rig: Rig, numbers: Iterable[int]) -> list[FrameSet]:
    made = []
    for n in numbers:
        where, infrared, color = pictures(VIEWS, SEED)[n]
        rng = np.random.default_rng(n)
        depth = depth_counts(INFRARED, where, rng, scale=SCALE, bias_m=BIAS_M, noise_m=0.001)
        time_s = n / 30
        images = {
            "color": Image(np.repeat(color[..., None], 3, axis=2), time_s),
            "depth": Image(depth, time_s, white_level=65535.0),
            "infrared": Image(infrared.copy(), time_s),
        }
        made.append(FrameSet(sequence=n, host_time_s=time_s, depth_unit_m=0.0001, rig=rig, **images))
    return made


def record(path: Path, rig: Rig, numbers: Iterable[int], info: CameraInfo = INFO) -> Path:
    with SessionWriter(path, rig, info, Labels()) as writer:
        for frame_set in frame_sets(rig, numbers):
            writer.write(frame_set)
    return path


@pytest.fixture(scope="module")
def captures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of two recordings, taken with a camera whose recorded rig is only nominal."""
    folder = tmp_path_factory.mktemp("target")
    record(folder / "a.mcap", NOMINAL, range(8))
    record(folder / "b.mcap", NOMINAL, range(8, VIEWS))
    return folder


@pytest.fixture(scope="module")
def calibrated(captures: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("rig") / "rig.json"
    assert main(["calibrate", "geometric", str(captures), "--out", str(out)]) == 0
    return out


def test_a_rig_and_its_report_are_written(calibrated: Path) -> None:
    rig = Rig.model_validate_json(calibrated.read_text())
    assert rig.color is not None
    assert rig.color.fx == pytest.approx(COLOR.fx, rel=0.003)
    assert rig.depth.fx == pytest.approx(INFRARED.fx, rel=0.003)
    np.testing.assert_allclose(rig.depth_to_color.t, TRUE.depth_to_color.t, atol=0.0005)
    folder = calibrated.with_name("rig-report")
    told = json.loads((folder / "report.json").read_text())
    assert (told["origin"], told["serial"], len(told["views"])) == ("simulated", "R 7/1", VIEWS)
    assert set(told["lenses"]) == {"color", "infrared"}
    assert abs(told["lenses"]["color"]["camera"]["fx"] - COLOR.fx) < told["lenses"]["color"]["interval_99_px"]["fx"]
    assert len(told["infrared_to_color"]["translation_interval_m"]) == 3
    for name in ("color", "infrared"):
        page = cv2.imread(str(folder / f"{name}.png"))
        assert page is not None
        assert page.std() > 5


def test_nothing_is_overwritten(calibrated: Path, captures: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = calibrated.read_bytes()
    assert main(["calibrate", "geometric", str(captures), "--out", str(calibrated)]) == 2
    assert "exists" in capsys.readouterr().err
    other = calibrated.with_name("other.json")
    command = ["calibrate", "geometric", str(captures), "--out", str(other)]
    assert main([*command, "--report", str(calibrated.with_name("rig-report"))]) == 2
    assert "--report" in capsys.readouterr().err
    assert not other.exists()
    assert calibrated.read_bytes() == before


def test_without_out_the_rig_goes_by_serial_number(
    captures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(rigs, "user_data_path", lambda _: tmp_path / "user")
    assert main(["calibrate", "geometric", str(captures)]) == 0
    assert (tmp_path / "user/rigs/sim-target-R-7-1.json").exists()
    capsys.readouterr()
    nameless = record(tmp_path / "n.mcap", NOMINAL, range(1), CameraInfo(name="x", sensor="x"))
    assert main(["calibrate", "geometric", str(nameless)]) == 2
    assert "no serial number" in capsys.readouterr().err


def test_too_few_views_are_refused_and_nothing_is_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    few = record(tmp_path / "few.mcap", NOMINAL, range(3))
    assert main(["calibrate", "geometric", str(few), "--out", str(tmp_path / "r.json")]) == 2
    assert "seen in 3 different views, 8 are needed" in capsys.readouterr().err
    assert [p.name for p in tmp_path.iterdir()] == ["few.mcap"]
    other = record(tmp_path / "other.mcap", TRUE, range(1))
    assert main(["calibrate", "geometric", str(few), str(other), "--out", str(tmp_path / "r.json")]) == 2
    assert "another camera" in capsys.readouterr().err
    assert main(["calibrate", "geometric", str(few), "--board", "9x6", "--out", str(tmp_path / "r.json")]) == 2
    assert "--board: a target is written like" in capsys.readouterr().err


def test_depth_is_told_with_the_rig_found(
    calibrated: Path, captures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "depth"
    command = ["calibrate", "depth", str(captures), "--rig", str(calibrated), "--out", str(out)]
    assert main(command) == 0
    assert "(simulated data)" in capsys.readouterr().err
    told = json.loads((out / "report.json").read_text())
    assert told["scale"] == pytest.approx(SCALE, abs=0.003)
    assert told["bias_m"] == pytest.approx(BIAS_M, abs=0.0015)
    assert len(told["readings"]) >= 12
    assert (out / "depth.png").exists()
    assert main(command) == 2
    assert "exists" in capsys.readouterr().err


def test_check_tells_a_rig_that_fits_from_one_that_does_not(
    calibrated: Path, captures: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["calibrate", "check", str(captures), "--rig", str(calibrated)]) == 0
    assert "the rig fits: the target in 16 views" in capsys.readouterr().err
    assert main(["calibrate", "check", str(captures)]) == 0  # the nominal one that was recorded
    told = capsys.readouterr().err
    assert "the rig does NOT fit" in told
    assert "calibrate geometric" in told
    assert main(["calibrate", "check", str(captures), "--rig", str(captures / "a.mcap")]) == 2
    assert "is no rig" in capsys.readouterr().err
    other = calibrated.with_name("small.json")
    lens = Intrinsics(width=320, height=240, fx=300.0, fy=300.0, cx=160.0, cy=120.0)
    other.write_text(Rig(color=lens, depth=lens, infrared=lens, registered=True).model_dump_json())
    assert main(["calibrate", "check", str(captures), "--rig", str(other)]) == 2
    assert "rig of another camera or mode than the recordings': one has its streams" in capsys.readouterr().err


@pytest.fixture(scope="module")
def person(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Rig]:
    """One simulated frame of a living face, and the rig that its camera really has."""
    scene = sample_scene("live", 7000, preset="femto", distance_range=(0.5, 0.6))
    path = tmp_path_factory.mktemp("person") / "person.mcap"
    info = CameraInfo(name="Simulated", sensor="sim-femto", origin="simulated")
    with SessionWriter(path, scene.rig, info, Labels()) as writer:
        writer.write(render_frame(scene, 0.0, np.random.default_rng(0)))
    true = {"depth_to_color": scene.true_color, "infrared_to_color": scene.true_color}
    return path, scene.rig.model_copy(update=true)


def stored(path: Path, rig: Rig) -> Path:
    path.write_text(rig.model_dump_json())
    return path


def test_check_goes_by_a_person_where_no_target_is_seen(
    person: tuple[Path, Rig], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capture, rig = person
    assert main(["calibrate", "check", str(capture), "--rig", str(stored(tmp_path / "sound.json", rig))]) == 0
    told = capsys.readouterr().err
    assert "infrared: fits" in told
    assert "the rig fits as far as a person tells, 1 frame (simulated data)" in told


@pytest.mark.parametrize("way", ["turn", "move"])
def test_a_knocked_rig_is_told_and_its_correction_written(
    way: str, person: tuple[Path, Rig], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capture, rig = person
    turn = np.asarray(cv2.Rodrigues(np.radians([0.45, -0.6, 0.0]))[0])
    bad = Extrinsics.of(turn @ rig.depth_to_color.R, rig.depth_to_color.t)
    knocked = rig.model_copy(update={"depth_to_color": bad, "infrared_to_color": bad})
    out = tmp_path / "better.json"
    command = ["calibrate", "check", str(capture), "--rig", str(stored(tmp_path / "knocked.json", knocked))]
    assert main([*command, "--out", str(out), "--as", way]) == 0
    told = capsys.readouterr().err
    assert "the rig does NOT fit (infrared" in told
    assert "with it: infrared: fits" in told
    assert ("turned by" if way == "turn" else "moved by") in told
    better = Rig.model_validate_json(out.read_text())
    assert better.depth_to_color == better.infrared_to_color
    face = np.array([[0.0, 0.0, 0.55]])
    assert rig.color is not None
    true, before, after = (
        project(rig.color, seen_from(r.depth_to_color, face))[0] for r in (rig, knocked, better)
    )  # fmt: skip
    assert np.linalg.norm(before - true) > 6
    assert np.linalg.norm(after - true) < 1.2
    assert main([*command, "--out", str(out)]) == 2
    assert "exists" in capsys.readouterr().err


def test_an_outline_tells_a_registered_rig_and_a_wall_tells_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sound = record_face(tmp_path / "face.mcap", frames(3))
    assert main(["calibrate", "check", str(sound), "--out", str(tmp_path / "rig.json")]) == 0
    told = capsys.readouterr().err
    assert "depth's outline: fits" in told
    assert "no correction is proposed: the streams come registered" in told
    assert not (tmp_path / "rig.json").exists()
    wall = np.full((240, 320), 1800, np.uint16)
    empty = record_face(tmp_path / "wall.mcap", [frame(depth=Image(wall, 0.0, white_level=65535.0))])
    assert main(["calibrate", "check", str(empty)]) == 2
    assert "shows neither the target nor a person clearly enough" in capsys.readouterr().err


def test_the_target_is_written_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "target.pdf"
    assert main(["calibrate", "target", "--out", str(out)]) == 0
    assert out.read_bytes().startswith(b"%PDF-1.4")
    assert main(["calibrate", "target", "--out", str(out)]) == 2
    assert main(["calibrate", "target", "--out", str(tmp_path / "t.docx")]) == 2
    assert main(["calibrate", "target", "--out", str(tmp_path / "t.png"), "--board", "20x6:30:22:5X5_100"]) == 2
    told = capsys.readouterr().err
    assert "exists" in told
    assert ".pdf (best)" in told
    assert "does not fit on A4" in told
    assert [p.name for p in tmp_path.iterdir()] == ["target.pdf"]
