"""Sources in the window: chosen, started, stopped, one after another, and let go at the end."""

from __future__ import annotations

import time

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMenu
from pytestqt.qtbot import QtBot

from app.kiosk.sources import CameraScan, Found
from pipeline.result import Verdict
from pipeline.runner import Phase
from tests.qt.stage import Stage, badge


def test_stopping_takes_the_verdict_away_and_starting_begins_anew(stage: Stage, qtbot: QtBot) -> None:
    stage.window.open("sim://live")
    stage.puppet.judge(Verdict.LIVE)
    qtbot.waitUntil(lambda: badge(stage) is Verdict.LIVE, timeout=1000)
    qtbot.keyClick(stage.window, Qt.Key.Key_F5)
    qtbot.waitUntil(lambda: badge(stage) is Verdict.UNDECIDED, timeout=1000)
    qtbot.waitUntil(lambda: stage.puppets[0].calls == ["start", "close"], timeout=1000)
    qtbot.keyClick(stage.window, Qt.Key.Key_F5)
    qtbot.waitUntil(lambda: len(stage.puppets) == 2, timeout=1000)


@pytest.mark.parametrize("phase", ["ended", "failed"])
def test_what_is_over_can_be_started_again(stage: Stage, qtbot: QtBot, phase: Phase) -> None:
    stage.window.open("sim://live")
    stage.puppet.phase = phase
    qtbot.waitUntil(lambda: stage.window._start.text() == "Start", timeout=1000)
    stage.window._start.click()
    qtbot.waitUntil(lambda: len(stage.puppets) == 2, timeout=1000)


def test_another_source_starts_once_the_first_has_let_go(stage: Stage, qtbot: QtBot) -> None:
    stage.window.open("orbbec://AC1")
    stage.puppet.close_s = 0.3
    stage.window.open("sim://live")
    assert len(stage.puppets) == 1, "the device is still held"
    assert stage.window.switch.state().phase == "opening"
    qtbot.waitUntil(lambda: len(stage.puppets) == 2, timeout=2000)
    assert stage.puppets[0].calls == ["start", "close"]


def test_the_last_of_many_hasty_choices_runs(stage: Stage, qtbot: QtBot) -> None:
    stage.window.open("one")
    stage.puppet.close_s = 0.2
    for uri in ("two", "three", "four"):
        stage.window.open(uri)
    qtbot.waitUntil(lambda: stage.puppet.uri == "four", timeout=2000)
    assert [p.uri for p in stage.puppets] == ["one", "four"]


def test_a_source_that_is_not_there_is_told(stage: Stage, qtbot: QtBot) -> None:
    stage.window.open("nowhere.mcap")
    qtbot.waitUntil(lambda: "check the path" in stage.window._status._run.toolTip(), timeout=1000)


def test_close_is_bounded_where_the_runner_hangs(stage: Stage) -> None:
    stage.window.open("sim://live")
    stage.puppet.close_s = 5
    began = time.monotonic()
    stage.window.close()
    assert time.monotonic() - began < 3


def test_the_chooser_offers_cameras_scenes_and_cast(stage: Stage, qtbot: QtBot) -> None:
    chooser = stage.window._chooser
    qtbot.waitUntil(lambda: chooser._scan.found is not None, timeout=1000)
    chooser._fill()
    menus = [chooser._menu, *chooser._menu.findChildren(QMenu)]
    offered = {action.text(): action for menu in menus for action in menu.actions()}
    assert not next(action for text, action in offered.items() if text.startswith("Astra AC2")).isEnabled()
    offered["Gemini 335 AC1"].trigger()
    assert stage.puppet.uri == "orbbec://AC1"
    assert "Gemini 335" in chooser.text()
    offered["Silicone mask"].trigger()
    qtbot.waitUntil(lambda: stage.puppet.uri == "sim://silicone_mask", timeout=1000)


def test_a_scan_that_fails_finds_nothing(caplog: pytest.LogCaptureFixture) -> None:
    def look() -> Found:
        raise OSError("libusb is missing")

    scan = CameraScan(look)
    until = time.monotonic() + 2
    while scan.found is None and time.monotonic() < until:
        time.sleep(0.01)
    assert scan.found is not None
    assert scan.found.cameras == ()
    assert "libusb" in scan.found.notes[0]
