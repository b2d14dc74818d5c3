"""A child that dies is started again, one that ends on purpose is not."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from app.errors import Exit, Terminated
from app.keep_alive import Patience, keep_alive

COUNTING = """
import pathlib, sys
file = pathlib.Path(sys.argv[1])
runs = int(file.read_text()) + 1 if file.exists() else 1
file.write_text(str(runs))
sys.exit(0 if runs >= int(sys.argv[2]) else 7)
"""


def counting(tmp_path: Path, good_run: int) -> tuple[list[str], Path]:
    file = tmp_path / "runs"
    return [sys.executable, "-c", COUNTING, str(file), str(good_run)], file


def test_what_dies_is_started_again_after_longer_and_longer_pauses(tmp_path: Path) -> None:
    command, file = counting(tmp_path, 4)
    pauses: list[float] = []
    assert keep_alive(command, sleep=pauses.append) == Exit.DONE
    assert (file.read_text(), pauses) == ("4", [0.5, 1.0, 2.0])


def test_what_keeps_dying_is_given_up_with_a_word(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command, file = counting(tmp_path, 99)
    assert keep_alive(command, sleep=lambda _s: None) == Exit.BUG
    assert file.read_text() == "5"
    assert "exit code 7" in capsys.readouterr().err.splitlines()[-1]


def test_deaths_far_apart_are_forgiven(tmp_path: Path) -> None:
    command, file = counting(tmp_path, 8)
    now = [0.0]

    def clock() -> float:
        now[0] += 40.0
        return now[0]

    assert keep_alive(command, clock=clock, sleep=lambda _s: None) == Exit.DONE
    assert file.read_text() == "8"


@pytest.mark.parametrize("code", [Exit.BAD_INPUT, Exit.TERMINATED])
def test_what_a_new_start_would_not_mend_ends_it(code: Exit) -> None:
    assert keep_alive([sys.executable, "-c", f"raise SystemExit({int(code)})"]) == code


def test_a_signal_ends_the_child_first(tmp_path: Path) -> None:
    def interrupted(_pause_s: float) -> None:
        raise Terminated

    command, file = counting(tmp_path, 99)
    with pytest.raises(Terminated):
        keep_alive(command, Patience(deaths=3), sleep=interrupted)
    assert file.read_text() == "1"
