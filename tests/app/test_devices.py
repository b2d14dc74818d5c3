"""`trilume devices`: the text and the JSON that a user gets."""

from __future__ import annotations

import json

import pytest

from app import devices
from app.__main__ import main
from drivers.discovery import FoundCamera, Mode, Survey

GOOD = FoundCamera(
    "Orbbec", "Orbbec Gemini 335", "CP1", "1.4.60", "USB 2.1", "0800",
    tuple(Mode("depth", w, 10, (15, 30)) for w in (848, 640, 424, 320)), "/rigs/a.json",
)  # fmt: skip
BAD = FoundCamera("RealSense", "D435 [x]", problem="no permission to open it: run this")


def told(monkeypatch: pytest.MonkeyPatch, survey: Survey) -> None:
    monkeypatch.setattr(devices, "find_cameras", lambda: survey)
    monkeypatch.setenv("COLUMNS", "220")


def test_no_camera_is_no_failure(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    told(monkeypatch, Survey((), ("Orbbec cameras need pyorbbecsdk2",)))
    assert main(["devices"]) == 0
    shown = capfd.readouterr()
    assert shown.out.startswith("no camera found: plug one into")
    assert shown.out.count("\n") == 1
    assert shown.err == "trilume: Orbbec cameras need pyorbbecsdk2\n"


def test_each_camera_says_what_it_offers_or_why_not(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    told(monkeypatch, Survey((GOOD, BAD)))
    assert main(["devices"]) == 0
    shown = capfd.readouterr().out
    for text in (
        "CP1", "1.4.60", "use a USB 3 port", "848×10 at 15/30", "and 1 more", "/rigs/a.json", "orbbec://CP1",
        "D435 [x]", "run this",
    ):  # fmt: skip
        assert text in shown
    assert "not usable (1)" in shown
    assert shown.splitlines()[-1] == "(1) no permission to open it: run this"


def test_what_is_missing_for_a_camera_is_said_once(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    told(monkeypatch, Survey((BAD, BAD), (BAD.problem, "another note")))
    assert main(["devices"]) == 0
    shown = capfd.readouterr()
    assert shown.out.count(BAD.problem) == 1
    assert shown.err == "trilume: another note\n"


def test_json_is_for_programs(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    told(monkeypatch, Survey((GOOD, BAD), ("note",)))
    assert main(["devices", "--json"]) == 0
    found = json.loads(capfd.readouterr().out)
    assert found["notes"] == ["note"]
    assert [(c["uri"], c["usable"]) for c in found["cameras"]] == [("orbbec://CP1", True), ("realsense://", False)]
    assert found["cameras"][0]["modes"][3] == {"stream": "depth", "width": 320, "height": 10, "rates": [15, 30]}
