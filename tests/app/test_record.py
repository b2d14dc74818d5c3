"""`trilume record` of a camera that fails on the way: nothing ends it, what was lost is counted, files stay whole."""

from __future__ import annotations

from pathlib import Path

import pytest
from rich.console import Console

from app.errors import Exit
from app.record import Limits, record
from drivers.clock import SystemClock
from drivers.faults import Fault, FaultyCamera, Metronome
from drivers.session import Labels, check
from drivers.supervision import Limits as Patience
from drivers.supervision import Supervised


def camera(*faults: str, patience: Patience | None = None) -> Supervised:
    clock = SystemClock()
    return Supervised(FaultyCamera(lambda: Metronome(clock), tuple(map(Fault.parse, faults))).source, patience)


def run(source: Supervised, out: Path, **limits: float) -> Exit:
    return record(source, out, Labels, Limits(**limits), Console(stderr=True))  # type: ignore[arg-type]


def test_an_unplugged_camera_goes_on_in_a_second_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(camera("disconnect@20+0.5"), tmp_path / "take.mcap", frames=40) is Exit.DONE
    reports = [check(tmp_path / name) for name in ("take.mcap", "take.part2.mcap")]
    assert [report.sound for report in reports] == [True, True]
    assert [report.frames for report in reports] == [20, 20]
    assert sum(report.lost for report in reports) > 0
    said = capsys.readouterr().err
    assert "unplugged" in said or "plugged in" in said
    assert "take.mcap" in said
    assert "take.part2.mcap: 40 frame sets" in said


def test_a_short_stall_ends_nothing(tmp_path: Path) -> None:
    assert run(camera("stall@10+0.6"), tmp_path / "take.mcap", frames=20) is Exit.DONE
    report = check(tmp_path / "take.mcap")
    assert (report.sound, report.frames) == (True, 20)


def test_a_camera_given_up_leaves_what_it_had_delivered(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = camera("disconnect@15+60", patience=Patience(give_up_s=0.4))
    assert run(source, tmp_path / "take.mcap", frames=1000) is Exit.ENDED_EARLY
    assert "given up" in capsys.readouterr().err
    (kept,) = tmp_path.iterdir()
    assert (check(kept).sound, check(kept).frames) == (True, 15)
