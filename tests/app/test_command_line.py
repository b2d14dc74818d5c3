"""Arguments, exit codes and the one line that every error is."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from app.__main__ import main, rewritten
from app.errors import Exit, log_path, say, worst


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        (["--replay", "a", "b"], ["replay", "a", "b"]),
        (["--replay=a", "b", "--out", "-"], ["replay", "a", "b", "--out", "-"]),
        (["--no-timing", "--replay", "a"], ["replay", "--no-timing", "a"]),
        (["watch", "--source", "--replay"], ["watch", "--source", "--replay"]),
        (["--version"], ["--version"]),
        ([], []),
    ],
)
def test_replay_is_a_command_in_disguise(given: list[str], meant: list[str]) -> None:
    assert rewritten(given) == meant


@pytest.mark.parametrize(
    "arguments",
    [
        ["--replay"],
        ["--replay", "x", "--colour"],
        ["nonsense"],
        ["watch"],
        ["simulate", "--scene", "live"],
        ["simulate", "--scene", "live", "--out", "x.mcap", "--seconds", "soon"],
        ["sessions", "export", "x", "--out", "y", "--to", "tape"],
        ["--replay", "/nowhere/x.mcap"],
        ["sessions", "info", "/nowhere/x.mcap"],
        ["sessions", "check", "/nowhere/x.mcap"],
        ["sessions", "repair", "/nowhere/x.mcap", "--out", "/tmp/nowhere.mcap"],
        ["record", "--source", "orbbec://", "--out", "x.mcap"],
        ["--replay", "x", "--bundle", "/nowhere"],
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(arguments: list[str], capfd: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    shown = capfd.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("trilume: ")
    assert shown.err.count("\n") == 1
    assert "Traceback" not in shown.err


def test_without_arguments_the_help_is_shown(capfd: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert "--replay" in capfd.readouterr().out


@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["--version"], *([name, "--help"] for name in ("replay", "sessions", "train", "export", "benchmark"))],
)
def test_help_and_version_are_no_errors(arguments: list[str], capfd: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 0
    shown = capfd.readouterr()
    assert "trilume" in shown.out
    assert shown.err == ""


def test_an_unexpected_error_is_one_line_with_the_way_to_its_traceback(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "app.sessions", None)
    assert main(["sessions", "list", "x"]) == 1
    message = capfd.readouterr().err
    assert message.count("\n") == 1
    assert str(log_path()) in message


def test_a_message_of_many_lines_becomes_one(capfd: pytest.CaptureFixture[str]) -> None:
    say("first\n  second\n\nthird")
    assert capfd.readouterr().err == "trilume: first second third\n"


def test_the_worst_code_stands_for_several() -> None:
    assert worst([]) is Exit.DONE
    assert worst([Exit.DONE, Exit.ENDED_EARLY]) is Exit.ENDED_EARLY
    assert worst([Exit.BAD_INPUT, Exit.ENDED_EARLY]) is Exit.BAD_INPUT
    assert worst([Exit.BUG, Exit.BAD_INPUT]) is Exit.BUG
    assert worst([Exit.BUG, Exit.INTERRUPTED]) is Exit.INTERRUPTED


def test_the_log_falls_back_to_a_temporary_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    assert log_path().parent.is_dir()
    assert tmp_path not in log_path().parents
