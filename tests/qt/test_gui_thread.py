"""Qt belongs to the GUI thread, and no picture outlives the next."""

from __future__ import annotations

import gc
import sys
import threading
import weakref
from collections.abc import Callable
from pathlib import Path
from types import FrameType

from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from app.kiosk.program import pages_of, runner_of
from app.kiosk.sources import CameraScan, Found
from app.kiosk.window import LIVE, STUDIO, SUBJECT, MainWindow
from app.kiosk.wish import Wish
from app.settings import Settings
from pipeline.bundle import load_bundle
from pipeline.result import Verdict
from tests.app.scene import frames, record
from tests.qt.stage import Stage


def touched_elsewhere(run: Callable[[], None]) -> list[str]:
    """Calls into Qt and pyqtgraph from any thread but this one, while `run` runs."""
    found: list[str] = []

    def watch(_frame: FrameType, event: str, called: object) -> None:
        if event == "c_call":
            owner = getattr(called, "__self__", None)
            kind = owner if isinstance(owner, type) else type(owner)
            if kind.__module__.startswith("PySide6") and kind.__name__ != "QImage":
                found.append(
                    f"{threading.current_thread().name}: {kind.__name__}.{getattr(called, '__name__', called)}"
                )
        elif event == "call" and "pyqtgraph" in _frame.f_code.co_filename:
            found.append(_frame.f_code.co_qualname)

    threading.setprofile(watch)
    try:
        run()
    finally:
        threading.setprofile(None)
        sys.setprofile(None)
    return found


def test_the_watch_on_threads_sees_a_stranger(qtbot: QtBot) -> None:
    label = QLabel()
    qtbot.addWidget(label)

    def run() -> None:
        thread = threading.Thread(target=label.text)
        thread.start()
        thread.join()

    assert any("QLabel.text" in call for call in touched_elsewhere(run))


def test_qt_is_touched_by_the_gui_thread_only(stage: Stage, qtbot: QtBot, tmp_path: Path) -> None:
    def run() -> None:
        stage.window.open("sim://live")
        for verdict in Verdict:
            stage.puppet.judge(verdict)
            qtbot.wait(50)
        stage.window.open("sim://flat_print")
        qtbot.waitUntil(lambda: len(stage.puppets) == 2, timeout=1000)
        stage.window._chooser._scan.begin()
        stage.window.snapshot(tmp_path)
        stage.window.close()

    assert touched_elsewhere(run) == []


def test_the_real_pages_run_and_leave_qt_to_the_gui_thread(qtbot: QtBot, strict: Path, tmp_path: Path) -> None:
    """Runner, views, studio and replay as the program puts them together, on a recording."""
    recording = record(tmp_path / "drawn.mcap", frames(40), subject="s1", species="bona_fide")
    settings, bundle = Settings(takes_folder=tmp_path / "takes"), load_bundle(strict)
    seen: list[int] = []

    def run() -> None:
        pages = pages_of(settings, bundle, Wish())
        window = MainWindow(runner_of(settings, bundle, Wish()), pages, bundle, CameraScan(Found))
        qtbot.addWidget(window)
        window.show()
        window.open(str(recording))
        qtbot.waitUntil(lambda: window.switch.latest() is not None, timeout=15000)
        for page in (STUDIO, SUBJECT, LIVE):
            window.show_page(page)
            qtbot.wait(150)
        window.open_recording(recording)
        qtbot.wait(400)
        shown = window.switch.latest()
        seen.append(shown.number if shown else -1)
        window.close()
        assert not window._failures

    assert touched_elsewhere(run) == []
    assert seen[0] >= 0


def test_pictures_do_not_pile_up(stage: Stage, qtbot: QtBot) -> None:
    """The window holds no more than the newest set."""
    stage.window.open("sim://live")
    alive: list[weakref.ref[object]] = []
    for _ in range(6):
        stage.puppet.judge(Verdict.LIVE)
        assert stage.puppet.shown is not None
        alive.append(weakref.ref(stage.puppet.shown.frame_set.depth.pixels))
        qtbot.wait(40)
    gc.collect()
    assert sum(ref() is not None for ref in alive) == 1
