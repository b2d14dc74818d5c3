"""Where pictures come from: cameras that are plugged in, recordings, simulated scenes, the simulated cast."""

from __future__ import annotations

import json
import logging
import os
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from platformdirs import user_state_path
from PySide6.QtCore import QCoreApplication, QSize, Qt, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QFileDialog, QMenu, QPushButton, QWidget

from app.kiosk import theme

log = logging.getLogger(__name__)

CAST: Final = "cast://"
RECENT: Final = 8
_SCENES: Final = ("live", "flat_print", "trimmed_print", "screen_replay", "silicone_mask", "mannequin_head")


@dataclass(frozen=True, slots=True)
class Choice:
    """A source that can be chosen, and what it is called; `problem` says why it cannot be opened now."""

    uri: str
    label: str
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """The cameras that are plugged in, and what kept us from finding more."""

    cameras: tuple[Choice, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def usable(self) -> tuple[Choice, ...]:
        """Those that can be opened."""
        return tuple(camera for camera in self.cameras if not camera.problem)


class CameraScan:
    """Looks for cameras on a thread of its own, because an SDK may take seconds. `found` is None meanwhile."""

    def __init__(self, look: Callable[[], Found]) -> None:
        self._look = look
        self.found: Found | None = None
        self.begin()

    def begin(self) -> None:
        """Looks again. From any thread."""
        self.found = None
        threading.Thread(target=self._run, name="camera scan", daemon=True).start()

    def _run(self) -> None:
        try:
            self.found = self._look()
        except Exception as error:
            log.exception("looking for cameras failed")
            self.found = Found(notes=(str(error),))


def plugged_in() -> Found:
    """What `trilume devices` finds."""
    from drivers.discovery import find_cameras

    survey = find_cameras()
    cameras = (Choice(c.uri, " ".join(filter(None, (c.name, c.serial))), c.problem) for c in survey.cameras)
    return Found(tuple(cameras), survey.notes)


def simulated() -> list[Choice]:
    """Simulated scenes worth a look."""
    names = {
        "live": QCoreApplication.translate("Sources", "Living face"),
        "flat_print": QCoreApplication.translate("Sources", "Flat print"),
        "trimmed_print": QCoreApplication.translate("Sources", "Print cut to the face"),
        "screen_replay": QCoreApplication.translate("Sources", "Screen"),
        "silicone_mask": QCoreApplication.translate("Sources", "Silicone mask"),
        "mannequin_head": QCoreApplication.translate("Sources", "Mannequin head"),
    }
    return [Choice(f"sim://{scene}", names[scene]) for scene in _SCENES]


def named(uri: str, cameras: Sequence[Choice] = ()) -> str:
    """What a source is called in the window."""
    known = {choice.uri: choice.label for choice in (*cameras, *simulated())}
    if uri.startswith(CAST):
        return QCoreApplication.translate("Sources", "Simulated cast")
    if uri.startswith("sim://"):
        return QCoreApplication.translate("Sources", "Simulated: {}").format(known.get(uri, uri[6:]))
    return known.get(uri) or (uri if "://" in uri else Path(uri).name) or uri


def recent() -> list[str]:
    """Recordings opened lately that are still there, the newest first."""
    try:
        paths = json.loads(_recent_path().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    return [path for path in paths if isinstance(path, str) and Path(path).exists()][:RECENT]


def remember(path: Path) -> None:
    """Puts a recording at the head of `recent`. A folder that cannot be written is no trouble."""
    text = str(path.absolute())
    paths = [text, *(other for other in recent() if other != text)][:RECENT]
    try:
        _recent_path().parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        part = _recent_path().with_suffix(".part")
        with os.fdopen(os.open(part, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w") as stream:
            json.dump(paths, stream)
        part.replace(_recent_path())
    except OSError as error:
        log.warning("recent recordings are not kept: %s", error)


def _recent_path() -> Path:
    return user_state_path("trilume") / "recent.json"


def ask_recording(parent: QWidget) -> Path | None:
    """A recording chosen in a file dialog."""
    title = QCoreApplication.translate("Sources", "Open a recording")
    kinds = QCoreApplication.translate("Sources", "Recordings (*.mcap *.mcap.part *.bag *.db3);;All files (*)")
    start = str(Path(last).parent) if (last := next(iter(recent()), "")) else str(Path.home())
    name, _ = QFileDialog.getOpenFileName(parent, title, start, kinds)
    return Path(name) if name else None


class SourceChooser(QPushButton):
    """A button that names the source and opens the menu of all others. `chosen` carries the URI."""

    chosen = Signal(str)

    def __init__(self, scan: CameraScan, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._scan = scan
        self._menu = QMenu(self)
        self._menu.setToolTipsVisible(True)
        self._menu.aboutToShow.connect(self._fill)
        self.setMenu(self._menu)
        self.setMinimumHeight(theme.TARGET_PX)
        self.setAccessibleName(self.tr("Source of the pictures"))
        self.setToolTip(self.tr("Choose camera, recording or simulation (Ctrl+L)"))
        self.show_source("")

    def sizeHint(self) -> QSize:
        """With some air around the name and the arrow."""
        return QSize(super().sizeHint() + QSize(16, 0))

    def show_source(self, uri: str) -> None:
        """Names the source that is used now."""
        text = named(uri, self._scan.found.cameras if self._scan.found else ()) if uri else self.tr("Choose a source")
        self.setText(self.fontMetrics().elidedText(text.replace("&", "&&"), Qt.TextElideMode.ElideMiddle, 360))

    def _fill(self) -> None:
        self._menu.clear()
        self._cameras()
        self._menu.addSection(self.tr("Without a camera"))
        self._offer(Choice(CAST, self.tr("Simulated cast: people and attacks, one after another")), self._menu)
        scenes = self._menu.addMenu(self.tr("Simulated scene"))
        for choice in simulated():
            self._offer(choice, scenes)
        self._menu.addSection(self.tr("Recordings"))
        for path in recent():
            self._offer(Choice(path, Path(path).name), self._menu, path)
        self._menu.addAction(self.tr("Recording from a file…"), self._ask)

    def _cameras(self) -> None:
        self._menu.addSection(self.tr("Cameras"))
        found = self._scan.found
        if found is None:
            self._note(self.tr("Looking for cameras…"))
            return
        for choice in found.cameras:
            if choice.problem:
                self._note(self.tr("{camera}: cannot be opened").format(camera=choice.label), choice.problem)
            else:
                self._offer(choice, self._menu)
        if not found.cameras:
            self._note(self.tr("No camera found"), "\n".join(found.notes))
        self._menu.addAction(self.tr("Look for cameras again"), self._scan.begin)

    def _offer(self, choice: Choice, menu: QMenu, tip: str = "") -> None:
        action = QAction(choice.label.replace("&", "&&"), menu)
        action.setToolTip(tip or choice.uri)
        action.triggered.connect(lambda: self.chosen.emit(choice.uri))
        menu.addAction(action)

    def _note(self, text: str, tip: str = "") -> None:
        action = QAction(text, self._menu)
        action.setEnabled(False)
        action.setToolTip(tip)
        self._menu.addAction(action)

    def _ask(self) -> None:
        if path := ask_recording(self):
            remember(path)
            self.chosen.emit(str(path))
