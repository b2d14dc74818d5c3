"""The operator's window: live view, studio, replay, and the view of the person in front of the camera.

One timer asks the runner for its newest snapshots and hands them to what is visible. Everything here runs on the GUI
thread; frames never travel through signals.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final, Protocol

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QAction, QCloseEvent, QKeySequence
from PySide6.QtWidgets import (
    QButtonGroup,
    QDialog,
    QHBoxLayout,
    QMainWindow,
    QMenu,
    QPushButton,
    QSizePolicy,
    QSplitter,
    QStackedWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.kiosk import theme
from app.kiosk.about import about_box, keys_box
from app.kiosk.bars import RecordLamp, StatusLine, VerdictBadge, standing_verdict
from app.kiosk.sources import CameraScan, SourceChooser, ask_recording, remember
from app.kiosk.switching import RunnerLike, Switch
from drivers.errors import TrilumeError
from pipeline.bundle import Bundle
from pipeline.runner import Shown, State, Trace

log = logging.getLogger(__name__)

POLL_MS: Final = 33
VIEW_FAILURES: Final = 3
SMALLEST_PAGE: Final = (720, 480)
LIVE, STUDIO, REPLAY, SUBJECT = range(4)


class View(Protocol):
    """What is handed snapshots; GUI thread."""

    def refresh(self, shown: Shown | None, state: State, history: tuple[Trace, ...]) -> None: ...


@dataclass(frozen=True, slots=True)
class Pages:
    """The widgets that the window puts together. `live`, `why`, `studio`, `subject` are Views too; `replay` makes a
    view of one recording, which tells its `path` and the `number` of the frame shown, and can `go` to another."""

    live: QWidget
    why: QWidget
    studio: Callable[[Switch], QWidget]
    replay: Callable[[Path], QWidget]
    subject: QWidget


class MainWindow(QMainWindow):
    """See the module. `first_shown` and `first_verdict` come once, `polled` with every tick of the timer."""

    polled = Signal()
    closed = Signal()
    first_shown = Signal()
    first_verdict = Signal()
    settings_wanted = Signal()

    def __init__(self, run: Callable[[str], RunnerLike], pages: Pages, bundle: Bundle, scan: CameraScan) -> None:
        super().__init__()
        self.switch, self._bundle, self._scan = Switch(run), bundle, scan
        self.gone = False
        self.kiosk: Callable[[], None] | None = None  # what shows a kiosk's own window, where there is one
        self._was_maximised = False
        self._told = {"shown": False, "verdict": False}
        self._failures: dict[QWidget, int] = {}
        self._player: QWidget | None = None
        self.pages = pages
        self._furnish()
        self.resize(1280, 800)
        self.show_page(LIVE)
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._poll)
        self._timer.start(POLL_MS)

    def rebuild(self, pages: Pages) -> None:
        """Puts other pages into the window that is open, for a language that they were made in: what runs goes on, and
        the page and the recording that were looked at are looked at again. Not while a take is recorded."""
        page, player, parts = self._stack.currentIndex(), self._player, self._split.sizes()
        for action in self._actions.values():
            self.removeAction(action)
            action.deleteLater()
        for box in self.findChildren(QDialog):
            box.close()
        self._close_pages()
        self.pages = pages
        self._furnish()  # the widgets before are deleted with the page that held them
        self._chooser.show_source(self.switch.uri)
        self._split.setSizes(parts)
        if player is not None:
            self.open_recording(player.path)
        if player is not None and self._player is not None:
            self._player.go(player.number)
        self.show_page(page)

    # -- running a source ---------------------------------------------------------------------------------------------

    def open(self, uri: str) -> None:
        """Runs a source in place of the one before; not while a take is recorded from that."""
        if not self._recording():
            self.switch.open(uri)
        self._chooser.show_source(self.switch.uri)

    def toggle(self) -> None:
        """Start or stop."""
        if self.switch.idle and self.switch.uri:
            self.open(self.switch.uri)
        elif not self._recording():
            self.switch.stop()

    def _recording(self) -> bool:
        """Whether a take is under way, which is said then: its source must stay."""
        if self.studio.busy:
            self._status.say(self.tr("Not while a take is being recorded."), 5)
        return bool(self.studio.busy)

    def forget(self) -> None:
        """The next person: no evidence of the one before is kept."""
        self.switch.forget()
        self._status.say(self.tr("Next person"), 2)

    def _poll(self) -> None:
        self.switch.step()
        shown, state, history = self.switch.latest(), self.switch.state(), self.switch.history()
        page = self._stack.currentIndex()
        recording = bool(self.studio.busy) or (state.take is not None and state.take.recording)
        for view, wanted in (
            (self._live, page == LIVE),
            (self._why, page == LIVE),
            (self.studio, page == STUDIO or recording),  # it ends takes by itself
            (self._subject, page == SUBJECT),
        ):
            if wanted and (self.isVisible() or recording):
                self._refresh(view, shown, state, history)
        self._badge.show_verdict(standing_verdict(shown, state))
        self._lamp.show_state(state)
        self._status.show_state(state)
        self._start.setText(self.tr("Start") if self.switch.idle else self.tr("Stop"))
        self._start.setEnabled(bool(self.switch.uri))
        self._tell(shown)
        self.polled.emit()

    def _refresh(self, view: QWidget, shown: Shown | None, state: State, history: tuple[Trace, ...]) -> None:
        """A view that fails again and again is left alone: the others go on and the log tells why."""
        failed = self._failures.get(view, 0)
        if failed >= VIEW_FAILURES:
            return
        try:
            view.refresh(shown, state, history)
            self._failures.pop(view, None)
        except Exception:
            log.exception("%s failed", type(view).__name__)
            self._failures[view] = failed + 1
            if failed + 1 == VIEW_FAILURES:
                view.setEnabled(False)
                self._status.say(self.tr("A view has failed and stands still; the log tells why"), 3600)

    def _tell(self, shown: Shown | None) -> None:
        if shown is None:
            return
        if not self._told["shown"]:
            self._told["shown"] = True
            self.first_shown.emit()
        if not self._told["verdict"] and self._badge.verdict != "undecided":
            self._told["verdict"] = True
            self.first_verdict.emit()

    # -- pages --------------------------------------------------------------------------------------------------------

    def show_page(self, page: int) -> None:
        """One of LIVE, STUDIO, REPLAY, SUBJECT; the last hides everything else."""
        if page != SUBJECT:
            self._rail.button(page).setChecked(True)
        self._stack.setCurrentIndex(page)
        for chrome in (self._top, self._side, self._status):
            chrome.setVisible(page != SUBJECT)
        replaying = page == REPLAY and self._player is not None
        self._badge.setVisible(page != REPLAY)  # it speaks of the source, not of the recording looked at
        self._actions["snapshot"].setEnabled(not replaying)  # the player has the same key for its own pictures
        self._actions["record"].setEnabled(page == LIVE)  # the studio has the same key for itself
        self._actions["operator"].setEnabled(page == SUBJECT)
        self._actions["leave"].setEnabled(page == SUBJECT)
        if widget := self._player if replaying else self._stack.currentWidget():
            widget.setFocus()

    def open_recording(self, path: Path) -> None:
        """Shows a recording on the replay page."""
        remember(path)
        if self._player is not None:
            self._player.close()
            self._player.deleteLater()
        try:
            self._player = self.pages.replay(path)
        except TrilumeError as error:
            self._player = None
            self._status.say(str(error), 30)
            self._hint.show()
        else:
            self._hint.hide()
            self._replaying.addWidget(self._player)
        self.show_page(REPLAY)

    def ask_recording(self) -> None:
        """Ctrl+O."""
        if path := ask_recording(self):
            self.open_recording(path)

    def show_subject(self) -> None:
        """The whole screen for the person in front of the camera."""
        self._was_maximised = self.isMaximized()
        self.show_page(SUBJECT)
        self.showFullScreen()

    def show_operator(self) -> None:
        """Back from the subject's view."""
        self.show_page(LIVE)
        (self.showMaximized if self._was_maximised else self.showNormal)()

    def toggle_subject(self) -> None:
        """F11."""
        if self.kiosk is not None:
            self.kiosk()
            return
        self.show_operator() if self._stack.currentIndex() == SUBJECT else self.show_subject()

    def snapshot(self, folder: Path | None = None) -> Path | None:
        """A PNG of the window in the user's pictures folder; nothing is overwritten."""
        from platformdirs import user_pictures_path

        folder = folder or user_pictures_path() / "trilume"
        stem = f"trilume-{datetime.now():%Y%m%d-%H%M%S}"
        names = (f"{stem}{f'-{n}' if n else ''}.png" for n in range(1000))
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            path = next(folder / name for name in names if not (folder / name).exists())
            path.touch(0o600, exist_ok=False)
            saved = self.grab().save(str(path))
        except OSError as error:
            self._status.say(self.tr("No picture saved: {}").format(error))
            return None
        if not saved:
            path.unlink(missing_ok=True)
            self._status.say(self.tr("No picture saved: {}").format(path))
            return None
        self._status.say(self.tr("Saved {}").format(path))
        return path

    # -- building -----------------------------------------------------------------------------------------------------

    def _furnish(self) -> None:
        """All that is written somewhere in the window, in the language that the program speaks now."""
        self._failures.clear()
        self._live, self._why, self._subject = self.pages.live, self.pages.why, self.pages.subject
        self.studio = self.pages.studio(self.switch)
        self._lay_out()
        self._actions = self._made_actions()

    def _lay_out(self) -> None:
        self.setWindowTitle("trilume")
        self._stack = QStackedWidget()
        for page in (self._live_page(), self.studio, self._replay_page(), self._subject):
            page.setMinimumSize(*SMALLEST_PAGE)  # or the widest page would keep the window from a small screen
            self._stack.addWidget(page)
        self._top, self._side, self._status = self._top_bar(), self._left_rail(), StatusLine(self._bundle)
        middle = QHBoxLayout()
        middle.setContentsMargins(0, 0, 8, 0)
        middle.setSpacing(0)
        middle.addWidget(self._side)
        middle.addWidget(self._stack, 1)
        whole = QWidget()
        column = QVBoxLayout(whole)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self._top)
        column.addLayout(middle, 1)
        column.addWidget(self._status)
        self.setCentralWidget(whole)

    def _live_page(self) -> QWidget:
        split = self._split = QSplitter(Qt.Orientation.Vertical)
        split.addWidget(self._live)
        split.addWidget(self._why)
        split.setChildrenCollapsible(False)
        split.setStretchFactor(0, 11)
        split.setStretchFactor(1, 9)
        return split

    def _replay_page(self) -> QWidget:
        page = QWidget()
        self._replaying = QVBoxLayout(page)
        self._replaying.setContentsMargins(0, 0, 0, 0)
        self._hint = QPushButton(self.tr("Open a recording… (Ctrl+O)"))
        self._hint.setMinimumHeight(theme.TARGET_PX)
        self._hint.clicked.connect(self.ask_recording)
        self._replaying.addWidget(self._hint, 0, Qt.AlignmentFlag.AlignCenter)
        return page

    def _top_bar(self) -> QWidget:
        bar = QWidget()
        row = QHBoxLayout(bar)
        row.setContentsMargins(12, 8, 12, 8)
        row.setSpacing(10)
        self._chooser = SourceChooser(self._scan)
        self._chooser.chosen.connect(self.open)
        self._start = _button(self.tr("Start"), self.tr("Start or stop the source (F5)"), self.toggle)
        self._next = _button(self.tr("Next person"), self.tr("Forget the session so far (N)"), self.forget)
        self._lamp, self._badge = RecordLamp(), VerdictBadge()
        self._more = _button("☰", self.tr("Menu"), None)
        self._more.setMenu(QMenu(self._more))
        for widget in (self._chooser, self._start, self._next):
            row.addWidget(widget)
        row.addStretch(1)
        for widget in (self._lamp, self._badge, self._more):
            row.addWidget(widget)
        return bar

    def _left_rail(self) -> QWidget:
        rail = QWidget()
        column = QVBoxLayout(rail)
        column.setContentsMargins(8, 4, 4, 8)
        column.setSpacing(6)
        self._rail = QButtonGroup(rail)
        for page, (name, tip) in enumerate((
            (self.tr("Live"), self.tr("What the camera sees and why it is judged so (Ctrl+1)")),
            (self.tr("Studio"), self.tr("Record takes for a data set (Ctrl+2)")),
            (self.tr("Replay"), self.tr("Look at a recording frame by frame (Ctrl+3)")),
        )):  # fmt: skip
            button = QToolButton()
            button.setText(name)
            button.setToolTip(tip)
            button.setAccessibleName(name)
            button.setCheckable(True)
            button.setAutoRaise(True)
            button.setMinimumSize(84, 52)
            button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
            button.clicked.connect(lambda _checked=False, page=page: self.show_page(page))
            self._rail.addButton(button, page)
            column.addWidget(button)
        column.addStretch(1)
        return rail

    def _made_actions(self) -> dict[str, QAction]:
        """Every key of the window; what may be clicked as well stands in the menu."""
        menu = self._more.menu()
        made: dict[str, QAction] = {}
        for name, text, keys, slot, listed in (
            ("open", self.tr("Open a recording…"), "Ctrl+O", self.ask_recording, True),
            ("snapshot", self.tr("Save a picture of the window"), "S", self.snapshot, True),
            ("record", self.tr("Record a take"), "R", lambda: self.show_page(STUDIO), True),
            ("subject", self.tr("Full screen for the person"), "F11", self.toggle_subject, True),
            ("settings", self.tr("Settings…"), "Ctrl+,", self.settings_wanted.emit, True),
            ("keys", self.tr("Keys"), "F1", lambda: keys_box(self).show(), True),
            ("about", self.tr("About trilume"), "", lambda: about_box(self, self._bundle).show(), True),
            ("quit", self.tr("Quit"), "Ctrl+Q", self.close, True),
            ("source", self.tr("Choose the source"), "Ctrl+L", self._chooser.showMenu, False),
            ("toggle", self.tr("Start or stop"), "F5", self.toggle, False),
            ("next", self.tr("Next person"), "N", self.forget, False),
            ("operator", self.tr("Operator's view"), "D", self.show_operator, False),
            ("leave", self.tr("Operator's view"), "Esc", self.show_operator, False),
            *((f"page {n}", "", f"Ctrl+{n + 1}", lambda n=n: self.show_page(n), False) for n in range(3)),
        ):
            action = QAction(text, self)
            action.setShortcut(QKeySequence(keys))
            action.triggered.connect(lambda _checked=False, slot=slot: slot())
            self.addAction(action)
            if listed and menu is not None:
                menu.addAction(action)
            made[name] = action
        return made

    def closeEvent(self, event: QCloseEvent) -> None:
        """Everything stops within three seconds, even where a camera's SDK hangs."""
        self.gone = True
        self._timer.stop()
        self.switch.stop()
        self._close_pages()
        self.switch.close()
        event.accept()
        self.closed.emit()

    def _close_pages(self) -> None:
        for page in (self._live, self._why, self.studio, self._subject, self._player):
            if page is not None:
                page.close()
        self._player = None


def _button(text: str, tip: str, slot: Callable[[], None] | None) -> QPushButton:
    button = QPushButton(text)
    button.setToolTip(tip)
    button.setAccessibleName(text if text.isascii() else tip)
    button.setMinimumHeight(theme.TARGET_PX)
    if slot is not None:
        button.clicked.connect(slot)
    return button
