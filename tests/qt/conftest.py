"""Qt without a screen, in the program's own style, and folders of the user's that are the test's."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("QT_API", "pyside6")  # pytest-qt and pyqtgraph would take whatever binding they find first
os.environ.setdefault("PYQTGRAPH_QT_LIB", "PySide6")

from PySide6.QtWidgets import QApplication, QLabel, QWidget
from pytestqt.qtbot import QtBot

from app.kiosk import language, theme
from app.kiosk.sources import CameraScan, Choice, Found
from app.kiosk.switching import Switch
from app.kiosk.window import MainWindow, Pages
from drivers.errors import NotFound
from pipeline.bundle import Bundle, load_bundle
from tests.app.conftest import lenient, strict
from tests.qt.stage import Plain, Puppet, Stage

__all__ = ["lenient", "strict"]


@pytest.fixture(autouse=True)
def _themed(qapp: object) -> None:
    """Every test starts in the light theme."""
    theme.apply(qapp, "light")  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def _own_user_folders(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Settings of the tests and of the user are kept apart; models and kernels are shared on purpose."""
    home = tmp_path_factory.mktemp("user")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / "config"))
    for name in [name for name in os.environ if name.startswith("TRILUME_") and name != "TRILUME_REAL_DATA"]:
        monkeypatch.delenv(name)
    return home


@pytest.fixture(scope="session")
def bundle() -> Bundle:
    return load_bundle()


@pytest.fixture
def stage(qtbot: QtBot, bundle: Bundle) -> Iterator[Stage]:
    puppets: list[Puppet] = []
    live, why, studio, subject = Plain(), Plain(), Plain(), Plain()
    replayed: list[Path] = []
    recorder: list[Switch] = []

    def run(uri: str) -> Puppet:
        if uri == "nowhere.mcap":
            raise NotFound("nowhere.mcap: no such file; check the path")
        puppets.append(Puppet(uri))
        return puppets[-1]

    def replay(path: Path) -> QWidget:
        replayed.append(path)
        return QLabel(path.name)

    def make_studio(hand: Switch) -> QWidget:
        recorder.append(hand)
        return studio

    scan = CameraScan(
        lambda: Found((Choice("orbbec://AC1", "Gemini 335 AC1"), Choice("orbbec://AC2", "Astra AC2", "no permission")))
    )
    window = MainWindow(run, Pages(live, why, make_studio, replay, subject), bundle, scan)
    qtbot.addWidget(window)
    window.show()
    yield Stage(window, puppets, live, why, studio, subject, replayed, recorder)
    window.close()


@pytest.fixture
def english_afterwards(qapp: QApplication) -> Iterator[None]:
    """Whatever language and font a test installs, the next one starts in English."""
    font = qapp.font()
    yield
    language.remove(qapp)
    qapp.setFont(font)
