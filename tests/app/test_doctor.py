"""`trilume doctor`: what is there, what is missing, and how to get it."""

from __future__ import annotations

from pathlib import Path

import pytest

from app import doctor
from app.__main__ import main
from app.doctor import Finding, Optional, State
from drivers.discovery import UsbCamera
from drivers.errors import BundleError


def test_the_report_can_be_pasted(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(doctor, "OPTIONAL", doctor.OPTIONAL[-1:])
    monkeypatch.setenv("COLUMNS", "200")
    code = main(["doctor"])
    shown = capfd.readouterr()
    for text in ("Python", "numpy", "OpenVINO devices", "CPU", "face finder", "shipped model", "kernel cache", "log"):
        assert text in shown.out
    assert shown.out.rstrip().splitlines()[-1].startswith("ready" if code == 0 else "not ready: ")
    assert "\x1b" not in shown.out
    assert shown.err == ""


@pytest.mark.parametrize(("needed", "code"), [(True, 2), (False, 0)])
def test_only_what_a_replay_needs_makes_it_fail(monkeypatch: pytest.MonkeyPatch, needed: bool, code: int) -> None:
    findings = [Finding("thing", State.ABSENT, "get it", needed)]
    monkeypatch.setattr(doctor, "examine", lambda: iter(findings))
    assert main(["doctor"]) == code


def test_a_changed_bundle_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def changed() -> None:
        raise BundleError("bundle.json: its SHA-256 is not the one in SHA256SUMS")

    monkeypatch.setattr(doctor, "load_bundle", changed)
    finding = doctor._tried("shipped model", doctor._shipped_bundle)
    assert finding.state is State.WRONG
    assert "bundle.json" in finding.text


def test_a_package_that_hides_ours_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    class Elsewhere:
        submodule_search_locations = (str(tmp_path / "models"),)

    class Installed:
        version = "0"

    monkeypatch.setattr(doctor, "distribution", lambda _: Installed)
    assert doctor._own_packages().state is State.OK
    real = doctor.find_spec
    monkeypatch.setattr(doctor, "find_spec", lambda name: Elsewhere if name == "models" else real(name))
    finding = doctor._own_packages()
    assert finding.state is State.WRONG
    assert str(tmp_path / "models") in finding.text


def test_optional_packages_are_tried_in_a_process_of_their_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "aborting_sdk.py").write_text("import os\nos.abort()\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    broken = doctor._importable(Optional("aborting-sdk", "aborting_sdk", "cameras", "pip install it"))
    assert broken.state is State.WRONG
    assert not broken.needed
    absent = doctor._importable(Optional("no-such", "no_such_sdk", "cameras", "pip install it"))
    assert (absent.state, absent.text) == (State.ABSENT, "cameras: pip install it")


def test_missing_libraries_are_named_by_their_debian_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "SYSTEM_LIBRARIES", {"libc.so.6": "libc6", "libnothing.so.9": "libnothing9"})
    assert doctor.missing_system_packages() == ["libnothing9"]
    assert doctor._system_libraries().text.endswith("apt-get install libnothing9")


def test_what_the_window_and_chinese_text_lack_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(doctor, "WINDOW_LIBRARIES", {"libnothing-x11.so.9": "libnothing-x11-9"})
    lacking = doctor._window_libraries()
    assert lacking.text.endswith("apt-get install libnothing-x11-9")
    assert not lacking.needed
    assert "fonts-noto-cjk" in doctor._chinese_font([str(tmp_path)]).text
    (tmp_path / "NotoSansCJK-Regular.ttc").touch()
    assert doctor._chinese_font([str(tmp_path)]).state is State.OK


def test_permissions_tell_the_command_that_installs_the_rules(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(doctor.sys, "platform", "linux")
    monkeypatch.setattr(doctor.udev, "ruled", lambda: {"Orbbec": tmp_path})
    finding = doctor._camera_rules()
    assert "no udev rules for RealSense: trilume doctor --udev | sudo tee /etc/udev/rules.d/" in finding.text
    assert main(["doctor", "--udev"]) == 0
    shown = capfd.readouterr()
    assert shown.out == doctor.udev.RULES
    assert "8086" in shown.out
    assert "2bc5" in shown.out
    assert "sudo udevadm control --reload-rules" in shown.err


def test_cameras_are_listed_without_an_sdk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "usb_cameras", lambda: [UsbCamera("Orbbec", "Gemini 335", "0800", "USB 2", False)])
    finding = doctor._cameras()
    assert finding.state is State.WRONG
    assert finding.text.startswith("Gemini 335 (USB 2): no permission to open it")
