"""The window with runners that do as they are told: what is shown and what keys do."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractButton, QDialog, QLineEdit, QPushButton
from pytestqt.qtbot import QtBot

from app.errors import Refused
from app.kiosk import sources, theme
from app.kiosk.window import LIVE, REPLAY, STUDIO
from drivers.session import Labels
from pipeline.bundle import Bundle
from pipeline.result import Verdict
from pipeline.runner import Phase
from tests.qt.stage import Stage, badge, words


def test_frames_reach_the_visible_view_only(stage: Stage, qtbot: QtBot) -> None:
    stage.window.open("sim://live")
    stage.puppet.judge(Verdict.UNDECIDED)
    qtbot.waitUntil(lambda: 0 in stage.live.seen and 0 in stage.why.seen, timeout=1000)
    assert stage.studio.seen == stage.subject.seen == []
    qtbot.keyClick(stage.window, Qt.Key.Key_2, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: bool(stage.studio.seen), timeout=1000)
    before = len(stage.live.seen)
    qtbot.wait(120)
    assert len(stage.live.seen) == before


def test_the_badge_tells_the_sessions_verdict_in_three_ways(stage: Stage, qtbot: QtBot) -> None:
    stage.window.open("sim://live")
    for verdict in (Verdict.LIVE, Verdict.ATTACK, Verdict.UNDECIDED):
        stage.puppet.judge(verdict)
        qtbot.waitUntil(lambda verdict=verdict: badge(stage) is verdict, timeout=1000)
        picture = stage.window._badge.grab().toImage()
        middle = picture.pixelColor(picture.width() - 5, picture.height() // 2)
        assert middle.name() == theme.verdict_color(verdict).name()
        assert stage.window._badge.words(verdict) in stage.window._badge.accessibleName()


@pytest.mark.parametrize("phase", ["opening", "waiting", "failed", "closed"])
def test_a_verdict_does_not_outlive_its_camera(stage: Stage, qtbot: QtBot, phase: Phase) -> None:
    stage.window.open("sim://live")
    stage.puppet.judge(Verdict.LIVE)
    qtbot.waitUntil(lambda: badge(stage) is Verdict.LIVE, timeout=1000)
    stage.puppet.phase = phase
    qtbot.waitUntil(lambda: badge(stage) is Verdict.UNDECIDED, timeout=1000)


def test_a_verdict_on_an_old_picture_is_not_shown(stage: Stage, qtbot: QtBot) -> None:
    stage.window.open("sim://live")
    stage.puppet.judge(Verdict.LIVE)
    qtbot.waitUntil(lambda: badge(stage) is Verdict.LIVE, timeout=1000)
    assert stage.puppet.shown is not None
    stage.puppet.shown = replace(stage.puppet.shown, judged_s=time.monotonic() - 10)
    qtbot.waitUntil(lambda: badge(stage) is Verdict.UNDECIDED, timeout=1000)


def test_a_take_keeps_its_source(stage: Stage, qtbot: QtBot) -> None:
    stage.window.open("sim://live")
    stage.studio.busy = True
    stage.window.open("another")
    stage.window.toggle()
    assert stage.window.switch.uri == "sim://live"
    assert not stage.window.switch.idle
    assert "close" not in stage.puppet.calls
    stage.window.show_page(LIVE)
    before = len(stage.studio.seen)
    qtbot.waitUntil(lambda: len(stage.studio.seen) > before, timeout=1000)  # it can end, whatever is looked at
    stage.studio.busy = False
    stage.window.open("another")
    assert stage.window.switch.uri == "another"


def test_a_view_that_fails_does_not_take_the_others_along(
    stage: Stage, qtbot: QtBot, caplog: pytest.LogCaptureFixture
) -> None:
    stage.live.broken = True
    stage.window.open("sim://live")
    stage.puppet.judge(Verdict.ATTACK)
    qtbot.waitUntil(lambda: badge(stage) is Verdict.ATTACK and 0 in stage.why.seen, timeout=1000)
    qtbot.wait(200)
    assert sum("Plain failed" in record.message for record in caplog.records) == 3
    assert not stage.live.isEnabled()


def test_keys_lead_where_the_help_says(stage: Stage, qtbot: QtBot) -> None:
    window = stage.window
    window.open("sim://live")
    control = Qt.KeyboardModifier.ControlModifier
    for key, page in ((Qt.Key.Key_3, REPLAY), (Qt.Key.Key_2, STUDIO), (Qt.Key.Key_1, LIVE)):
        qtbot.keyClick(window, key, control)
        assert window._stack.currentIndex() == page
    qtbot.keyClick(window, Qt.Key.Key_N)
    assert "forget" in stage.puppet.calls
    qtbot.keyClick(window, Qt.Key.Key_R)
    assert window._stack.currentIndex() == STUDIO
    qtbot.keyClick(window, Qt.Key.Key_F1)
    qtbot.waitUntil(lambda: any("F11" in words(box) for box in window.findChildren(QDialog)), timeout=1000)


def test_the_subjects_view_hides_all_that_is_the_operators(stage: Stage, qtbot: QtBot) -> None:
    window = stage.window
    window.open("sim://live")
    stage.puppet.judge(Verdict.ATTACK)
    qtbot.keyClick(window, Qt.Key.Key_F11)
    assert window.isFullScreen()
    qtbot.waitUntil(lambda: 0 in stage.subject.seen, timeout=1000)
    assert words(window).strip() == ""
    qtbot.keyClick(window, Qt.Key.Key_D)
    assert window._stack.currentIndex() == LIVE
    assert not window.isFullScreen()


def test_letters_can_be_typed_into_a_field(stage: Stage, qtbot: QtBot) -> None:
    field = QLineEdit(stage.live)
    field.show()
    field.setFocus()
    qtbot.keyClicks(field, "SNRD")
    assert field.text() == "SNRD"
    assert stage.window._stack.currentIndex() == LIVE


def test_a_snapshot_never_overwrites_another(stage: Stage, tmp_path: Path) -> None:
    saved = [stage.window.snapshot(tmp_path / "shots") for _ in range(3)]
    paths = {path for path in saved if path is not None}
    assert len(paths) == 3
    assert all(path.read_bytes()[:4] == b"\x89PNG" and path.stat().st_mode & 0o77 == 0 for path in paths)


def test_a_snapshot_into_a_folder_that_cannot_be_is_told(stage: Stage, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert stage.window.snapshot(tmp_path / "file") is None


def test_recording_is_seen_on_every_page_and_the_studio_goes_on(stage: Stage, qtbot: QtBot, tmp_path: Path) -> None:
    with pytest.raises(Refused, match="choose a source"):
        stage.recorder[0].begin_take(tmp_path / "a.mcap", Labels())
    stage.window.open("sim://live")
    stage.recorder[0].begin_take(tmp_path / "a.mcap", Labels())
    qtbot.waitUntil(lambda: "1:02" in words(stage.window) and bool(stage.studio.seen), timeout=1000)
    assert "3 lost" in words(stage.window)
    stage.recorder[0].end_take()
    qtbot.waitUntil(lambda: "1:02" not in words(stage.window), timeout=1000)


def test_recordings_open_on_the_replay_page_and_are_remembered(stage: Stage, qtbot: QtBot, tmp_path: Path) -> None:
    one, two = tmp_path / "one.mcap", tmp_path / "two.mcap"
    for path in (one, two):
        path.touch()
        stage.window.open_recording(path)
    assert stage.replayed == [one, two]
    qtbot.waitUntil(lambda: "two.mcap" in words(stage.window), timeout=1000)
    assert "one.mcap" not in words(stage.window)
    assert sources.recent()[:2] == [str(two), str(one)]
    two.unlink()
    assert sources.recent()[0] == str(one)


def test_everything_that_can_be_pressed_has_a_name_and_takes_the_keyboard(stage: Stage) -> None:
    buttons = [b for b in stage.window.findChildren(QAbstractButton) if b.isVisible()]
    assert len(buttons) >= 7
    for button in buttons:
        assert button.accessibleName().strip() or button.text().strip()
        assert button.focusPolicy() & Qt.FocusPolicy.TabFocus
    assert all(b.height() >= theme.TARGET_PX for b in buttons if isinstance(b, QPushButton))


def test_the_window_says_which_model_and_that_it_is_simulated(stage: Stage, qtbot: QtBot, bundle: Bundle) -> None:
    stage.window.open("sim://live")
    qtbot.waitUntil(lambda: "simulated" in stage.window._status._camera.text(), timeout=1000)
    said = words(stage.window)
    assert bundle.sha256[:12] in said
    assert "trained on simulated data" in said
