"""`trilume calibrate radiometric` stores the law where the drivers look for it, and keeps the lenses found before."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from app.__main__ import main
from drivers.rigs import load_rig, rig_file
from tests.app.scene import INFO, RIG, record
from tests.app.test_adapt_commands import wall

DISTANCES_M = (0.4, 0.5, 0.65, 0.8, 1.1)


@pytest.fixture
def captures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    info = replace(INFO, serial="W 1")
    walls = [[wall(distance_m, 1.8, 0.6, number)] for number, distance_m in enumerate(DISTANCES_M)]
    return [str(record(tmp_path / f"w{n}.mcap", sets, info)) for n, sets in enumerate(walls)]


def fit(captures: list[str], *more: str) -> int:
    return main(["calibrate", "radiometric", *captures, "--reflectance", "0.8", *more])


def test_without_out_the_law_goes_where_the_driver_looks(
    captures: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    stored = rig_file(INFO.sensor, "W 1")
    assert fit(captures) == 0
    assert str(stored) in capsys.readouterr().err
    rig = load_rig(stored)
    assert rig.radiometric is not None
    assert rig.radiometric.exponent == pytest.approx(1.8, rel=0.02)

    own = RIG.model_copy(update={"rotation": 90})  # as a calibration before would have left it
    stored.write_text(own.model_dump_json())
    assert fit(captures) == 2
    assert "--force" in capsys.readouterr().err
    assert load_rig(stored) == own
    assert fit(captures, "--force") == 0
    assert load_rig(stored).rotation == 90
    assert load_rig(stored).radiometric == rig.radiometric


def test_the_law_goes_into_a_rig_that_is_named(captures: list[str], tmp_path: Path) -> None:
    named, out = tmp_path / "named.json", tmp_path / "out.json"
    named.write_text(RIG.model_copy(update={"rotation": 180}).model_dump_json())
    assert fit(captures, "--rig", str(named), "--out", str(out)) == 0
    assert load_rig(out).rotation == 180
    assert load_rig(out).radiometric is not None
    named.write_text("{}")
    assert fit(captures, "--rig", str(named), "--out", str(tmp_path / "more.json")) == 2
    assert not (tmp_path / "more.json").exists()
