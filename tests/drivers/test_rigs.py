"""Stored rigs: found by the camera's serial number, and used only for the pictures that they were made from."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from calibration.rig import Extrinsics, Intrinsics, Rig
from drivers.errors import AccessDenied, Unsupported
from drivers.rigs import calibrated, load_rig, rig_file, unlike

LENS = Intrinsics(width=320, height=240, fx=290.0, fy=290.0, cx=160.0, cy=120.0)
FACTORY = Rig(
    color=LENS, depth=LENS, infrared=LENS,
    depth_to_color=Extrinsics(translation_m=(0.015, 0, 0)), infrared_to_color=Extrinsics(translation_m=(0.015, 0, 0)),
)  # fmt: skip
OWN = FACTORY.model_copy(update={"color": LENS.model_copy(update={"fx": 293.5, "cx": 158.25})})


@pytest.fixture(autouse=True)
def data_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    return tmp_path


def store(rig: Rig, serial: str = "A1") -> Path:
    path = rig_file("orbbec-gemini335", serial)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(rig.model_dump_json(), encoding="utf-8")
    return path


def test_a_camera_takes_the_rig_of_its_own_serial_number(data_home: Path) -> None:
    assert calibrated(FACTORY, "orbbec-gemini335", "A1") == (FACTORY, "")
    assert data_home in store(OWN).parents
    assert calibrated(FACTORY, "orbbec-gemini335", "A1") == (OWN, " (calibrated)")
    assert calibrated(FACTORY, "orbbec-gemini335", "A2") == (FACTORY, "")
    assert calibrated(FACTORY, "orbbec-gemini335", "") == (FACTORY, "")


def test_a_serial_number_cannot_lead_out_of_the_folder(data_home: Path) -> None:
    for serial in ("../../etc/passwd", "a/b", "x y"):
        assert rig_file("realsense-d435", serial).parent == data_home / "trilume" / "rigs"


@pytest.mark.parametrize(
    ("changed", "word"),
    [
        ({"depth": LENS.model_copy(update={"width": 640})}, "depth is 640×240 and the camera’s 320×240"),
        ({"color": LENS.model_copy(update={"fx": 400.0})}, "focal length of 400"),
        ({"infrared": None}, "no infrared"),
        ({"registered": True, "depth_to_color": Extrinsics(), "infrared_to_color": Extrinsics()}, "registered"),
    ],
)
def test_a_rig_of_another_mode_is_not_used_and_the_log_says_why(
    changed: dict[str, object], word: str, caplog: pytest.LogCaptureFixture
) -> None:
    other = OWN.model_copy(update=changed)
    path = store(other)
    with caplog.at_level(logging.WARNING):
        rig, words = calibrated(FACTORY, "orbbec-gemini335", "A1")
    assert rig == FACTORY
    assert "another mode" in words
    assert word in caplog.text
    assert str(path) in caplog.text
    assert word in unlike(other, FACTORY)
    assert unlike(OWN, FACTORY) == ""


@pytest.mark.parametrize(
    ("content", "word"), [(b"{", "no rig"), (b'{"depth": 1}', "color"), (b"\xff\xfe", "not text"), (b"", "no rig")]
)
def test_a_bad_rig_file_is_one_clear_line(content: bytes, word: str) -> None:
    path = store(OWN)
    path.write_bytes(content)
    with pytest.raises(Unsupported, match=word) as caught:
        calibrated(FACTORY, "orbbec-gemini335", "A1")
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)
    assert "calibrate" in str(caught.value)


def test_a_rig_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    with pytest.raises(AccessDenied, match="cannot be read"):
        load_rig(tmp_path)
