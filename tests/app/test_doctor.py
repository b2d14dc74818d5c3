"""`trilume doctor`: what is there, what is missing, and how to get it."""

from __future__ import annotations

from pathlib import Path

import pytest

from app import doctor
from app.__main__ import main
from app.doctor import Finding, Optional, State
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
