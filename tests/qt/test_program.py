"""From the command to a running window: what keeps it from opening, settings, the kiosk, a clean end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from app.__main__ import main
from app.errors import Exit
from app.kiosk.command import obstacle
from app.kiosk.program import _kiosk, accepting
from app.kiosk.wish import Wish
from app.settings import Settings, hash_pin, settings_path, validated
from pipeline.bundle import Bundle
from pipeline.result import Verdict
from tests.app.scene import frames, record
from tests.qt.stage import Stage


@pytest.mark.parametrize(
    ("environment", "word"),
    [
        ({}, "no display"),
        ({"QT_QPA_PLATFORM": "offscreen"}, ""),
    ],
)
def test_what_keeps_a_window_from_opening_is_told(environment: dict[str, str], word: str) -> None:
    problem = obstacle(environment)
    assert word in problem if word else problem == ""


def test_missing_libraries_are_named_by_their_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.kiosk.command._loads", lambda library: library != "libxcb-cursor.so.0")
    assert obstacle({"QT_QPA_PLATFORM": "offscreen"}) == ""
    assert "apt-get install libxcb-cursor0" in obstacle({"DISPLAY": ":0"})
    monkeypatch.setattr("app.kiosk.command.find_spec", lambda name: None)
    assert "pip install" in obstacle({"DISPLAY": ":0"})


def test_a_wish_survives_the_command_line_of_a_child() -> None:
    wish = Wish("sim://live", Path("a b"), "de", "dark", fullscreen=True, keep_alive=True, timing=True)
    assert wish.options() == [
        "--source=sim://live", "--bundle=a b", "--language=de", "--theme=dark", "--fullscreen", "--timing",
    ]  # fmt: skip


def test_sensors_of_the_settings_are_accepted_and_no_others(bundle: Bundle) -> None:
    widened = accepting(bundle, Settings(accept_sensor=("orbbec-gemini335",)))
    assert set(widened.description.sensors) == {*bundle.description.sensors, "orbbec-gemini335"}
    assert accepting(bundle, Settings()).description == bundle.description


def test_the_program_shows_pictures_and_ends_cleanly_on_a_signal(tmp_path: Path) -> None:
    """The whole program in a process of its own, on a recording."""
    recording = record(tmp_path / "drawn.mcap", frames(90), subject="s1", species="bona_fide")
    command = [sys.executable, "-P", "-m", "app", "kiosk", "--source", str(recording), "--timing"]
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as child:
        assert child.stderr is not None
        late = threading.Timer(40, child.kill)
        late.start()
        said = next((line for line in iter(child.stderr.readline, "") if "plugin" not in line), "")
        child.send_signal(signal.SIGTERM)
        rest = child.communicate()[1]
        late.cancel()
    assert "first picture judged" in said, said + rest
    assert child.returncode == Exit.TERMINATED
    assert "Traceback" not in rest


def test_the_kiosk_leads_to_the_operator_and_back_and_ends_with_the_program(stage: Stage, qtbot: QtBot) -> None:
    kiosk, _ = _kiosk(stage.window, Settings(), stage.window._bundle, always=True)
    qtbot.addWidget(kiosk)
    stage.window.hide()
    kiosk.showFullScreen()
    stage.window.open("sim://live")
    stage.puppet.judge(Verdict.LIVE)
    qtbot.wait(100)
    assert stage.live.seen == [], "what is hidden is not painted"
    qtbot.keyClick(kiosk, Qt.Key.Key_D)
    assert (stage.window.isVisible(), kiosk.isVisible()) == (True, False)
    qtbot.waitUntil(stage.window.isActiveWindow, timeout=1000)
    qtbot.keyClick(stage.window, Qt.Key.Key_F11)
    assert (stage.window.isVisible(), kiosk.isVisible()) == (False, True)
    with qtbot.waitSignal(stage.window.closed, timeout=3000):
        qtbot.keyClick(kiosk, Qt.Key.Key_Q, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier)
    assert stage.puppet.calls[-1] == "close"


def test_f11_asks_for_a_pin_on_the_way_back_as_soon_as_there_is_one(stage: Stage, qtbot: QtBot) -> None:
    kiosk, use = _kiosk(stage.window, Settings(), stage.window._bundle, always=False)
    qtbot.addWidget(kiosk)
    assert stage.window.kiosk is None, "without a PIN it is a page of the window"
    use(validated({"pin": hash_pin("4711")}))
    stage.window.toggle_subject()
    assert (stage.window.isVisible(), kiosk.isVisible()) == (False, True)
    for key in (Qt.Key.Key_Escape, Qt.Key.Key_F11, Qt.Key.Key_D):
        qtbot.keyClick(kiosk, key)
        assert (stage.window.isVisible(), kiosk.isVisible()) == (False, True)
    assert kiosk.pad is not None
    qtbot.keyClicks(kiosk.pad, "4711")
    qtbot.keyClick(kiosk.pad, Qt.Key.Key_Return)
    assert (stage.window.isVisible(), kiosk.isVisible()) == (True, False)
    use(Settings())
    assert stage.window.kiosk is None


@pytest.mark.parametrize("content", ["theme = dark\n", 'pin = "scrypt$damaged"\n', 'pin = "scr'])
def test_a_kiosk_whose_pin_cannot_be_read_is_not_opened(
    content: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    opened: list[Settings] = []
    monkeypatch.setattr("app.kiosk.command._run", lambda settings, *_: opened.append(settings))
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    path = settings_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    assert main(["kiosk"]) == 2
    assert not opened
    assert "PIN may be in what was left out" in capsys.readouterr().err
