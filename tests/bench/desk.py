"""The window as the program puts it together, at an operator's hands: chooses, types, presses keys, clicks."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QComboBox, QLineEdit, QMenu, QPushButton

from app.kiosk.command import Wish
from app.kiosk.program import pages_of
from app.kiosk.sources import CameraScan, Choice, Found
from app.kiosk.studio_view import Step, StudioView
from app.kiosk.window import STUDIO, MainWindow
from app.settings import Settings
from app.studio.takes import StoredTake
from drivers.session import Labels
from pipeline.bundle import load_bundle
from pipeline.runner import Runner, State
from tests.bench.held_camera import Socket

CAMERA = "held://camera"
NAME = "Held camera"


@dataclass
class Desk:
    """Needs a QApplication; GUI thread."""

    window: MainWindow
    studio: StudioView
    socket: Socket
    folder: Path

    @property
    def run(self) -> State:
        """How the source stands."""
        return self.window.switch.state()

    @property
    def sets(self) -> int:
        """Of the take that runs."""
        return self.run.take.frames if self.run.take else 0

    def until(self, holds: Callable[[], object], within_s: float = 10.0) -> float:
        """Lets the window go on until something holds; how long that took, seconds. Raises TimeoutError."""
        began_s = time.monotonic()
        while not holds():
            if time.monotonic() - began_s > within_s:
                raise TimeoutError(f"did not happen within {within_s:g} s; the studio says: {self.studio.message}")
            QTest.qWait(5)
        return time.monotonic() - began_s

    def choose_camera(self) -> None:
        """From the menu of sources."""
        self.until(lambda: self.window._chooser._scan.found is not None)
        menu = self.window._chooser.menu()
        assert isinstance(menu, QMenu)
        menu.aboutToShow.emit()
        next(action for action in menu.actions() if action.text() == NAME).trigger()
        self.until(lambda: self.run.phase == "running", 30.0)

    def show_studio(self) -> None:
        """Ctrl+2."""
        QTest.keyClick(self.window, Qt.Key.Key_2, Qt.KeyboardModifier.ControlModifier)
        assert self.window._stack.currentIndex() == STUDIO

    def fill_in(self, labels: Labels) -> None:
        """Field by field, by keyboard where one types; no time is set at which the take ends by itself."""
        form = self.studio.form
        pick(form.species, labels.species)
        pick(form.lighting, labels.lighting)
        form.distance.setValue(labels.distance_m or 0.0)
        form.seconds.setValue(0.0)
        self.type(form.subject, labels.subject)
        self.type(form.instrument, labels.instrument)
        self.type(form.operator, labels.operator)
        self.type(form.consent, labels.consent)

    def type(self, line: QLineEdit, text: str) -> None:
        """In place of what stood there."""
        line.setFocus()
        line.selectAll()
        QTest.keyClick(line, Qt.Key.Key_Delete)
        QTest.keyClicks(line, text)
        QTest.keyClick(line, Qt.Key.Key_Return)

    def click(self, words: str) -> None:
        """A button of the studio."""
        button = next(b for b in self.studio.findChildren(QPushButton) if b.text() == words)
        QTest.mouseClick(button, Qt.MouseButton.LeftButton)

    def press_r(self) -> None:
        QTest.keyClick(self.studio, Qt.Key.Key_R)

    def begin(self) -> None:
        """A take, once nothing is in its way."""
        self.until(lambda: self.studio.objection() is None)
        self.press_r()
        self.until(lambda: self.studio.step is Step.RECORDING)

    def stored(self, count: int) -> list[StoredTake]:
        """What the studio lists, once it lists so many."""
        self.until(lambda: len(self.studio.takes.model.takes) == count)
        return self.studio.takes.model.takes


def pick(box: QComboBox, key: str) -> None:
    """The entry of a label's value, whatever words stand for it."""
    at = box.findData(key)
    assert at >= 0, f"{key} is not offered"
    box.setCurrentIndex(at)


@contextmanager
def desk(socket: Socket, folder: Path, *, hurry: float = 10.0) -> Iterator[Desk]:
    """Takes go into `folder`. The clock of the countdown, and of nothing else, runs `hurry` times as fast."""
    bundle = load_bundle()
    settings = Settings(takes_folder=folder, disk_stop_mb=0, disk_refuse_min=0, disk_warn_min=0)

    def run(uri: str) -> Runner:
        assert uri == CAMERA
        return Runner(uri, bundle, source=socket.source)

    def studio(recorder: object) -> StudioView:
        return StudioView(recorder, folder, settings, clock=lambda: hurry * time.monotonic())  # type: ignore[arg-type]

    pages = replace(pages_of(settings, bundle, Wish()), studio=studio)
    window = MainWindow(run, pages, bundle, CameraScan(lambda: Found((Choice(CAMERA, NAME),))))
    assert isinstance(window.studio, StudioView)
    window.studio.replay_wanted.connect(window.open_recording)
    window.show()
    try:
        yield Desk(window, window.studio, socket, folder)
    finally:
        window.close()
    assert not window._failures, "a view failed"
