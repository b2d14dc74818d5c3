"""Before the program is loaded something stands on the screen, in the user's language."""

from __future__ import annotations

import subprocess
import sys

import pytest
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from app.kiosk.greeting import greet, patience

HEAVY = ("numba", "openvino", "pyqtgraph", "pydantic", "cv2")


pytestmark = pytest.mark.usefixtures("english_afterwards")


def test_it_goes_when_the_window_comes(qtbot: QtBot) -> None:
    greeting, window = greet("de"), QWidget()
    qtbot.addWidget(greeting)
    qtbot.addWidget(window)
    assert greeting.isVisible()
    assert patience() == "Einen Moment, bitte"
    image = greeting.pixmap().toImage()
    lit = [y for y in range(0, image.height(), 2) if image.pixelColor(image.width() // 2, y).lightness() > 100]
    assert lit, "letters"
    window.show()
    greeting.finish(window)
    assert not greeting.isVisible()


def test_it_needs_nothing_that_takes_long_to_load() -> None:
    code = f"import sys, app.kiosk.greeting; print([name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
