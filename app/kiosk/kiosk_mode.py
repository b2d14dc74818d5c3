"""The subject's view over the whole screen, from which only a PIN leads away."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, Protocol

from PySide6.QtCore import QEvent, Qt, QTimer, Signal
from PySide6.QtGui import QCloseEvent, QHideEvent, QKeyEvent, QShowEvent
from PySide6.QtWidgets import QDialog, QGridLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from app.guidance import Timings
from app.kiosk import theme
from app.kiosk.sounds import Sounds
from app.kiosk.subject_view import SubjectView
from app.settings import PIN_DIGITS, Settings, pin_matches
from pipeline.runner import Shown, State, Trace

POLL_MS: Final = 33
CLOSE_PAD_MS: Final = 20_000  # an abandoned PIN pad must not stand in front of the next person
KEY_PX: Final = 72


class Running(Protocol):
    """Of the runner, what the kiosk needs."""

    def latest(self) -> Shown | None: ...
    def history(self) -> tuple[Trace, ...]: ...
    def state(self) -> State: ...
    def forget(self) -> None: ...


def timings_of(settings: Settings) -> Timings:
    """How long screens stand, as the user set it."""
    return Timings(held_s=settings.kiosk_verdict_s, idle_s=settings.kiosk_idle_s, pause_s=settings.kiosk_pause_s)


class PinLock:
    """Asks for no PIN where none is set. After three wrong ones nothing opens for 30 s."""

    TRIES: Final = 3
    PAUSE_S: Final = 30.0

    def __init__(self, stored: str | None, clock: Callable[[], float] = time.monotonic) -> None:
        self._stored, self._clock = stored, clock
        self._wrong, self._shut_until_s = 0, float("-inf")

    @property
    def needed(self) -> bool:
        return self._stored is not None

    @property
    def shut_s(self) -> float:
        """For how long nothing opens, 0 where a PIN may be tried."""
        return max(0.0, self._shut_until_s - self._clock())

    def opens(self, pin: str) -> bool:
        """Whether this is the PIN; counts where it is not."""
        if self.shut_s > 0:
            return False
        if pin_matches(pin, self._stored):
            self._wrong = 0
            return True
        self._wrong += 1
        if self._wrong >= self.TRIES:
            self._wrong, self._shut_until_s = 0, self._clock() + self.PAUSE_S
        return False


class PinPad(QDialog):
    """A PIN by finger or keyboard. Accepted once it is right; closes by itself when left alone."""

    def __init__(self, lock: PinLock, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._lock, self._typed = lock, ""
        self.setWindowTitle(self.tr("PIN"))
        self.setCursor(Qt.CursorShape.ArrowCursor)
        self._dots, self._told = QLabel(), QLabel(self.tr("Enter the PIN"))
        for label in (self._told, self._dots):
            label.setAlignment(Qt.AlignmentFlag.AlignCenter)
            label.setMinimumHeight(40)
            label.setWordWrap(True)
        self._told.setAccessibleName(self.tr("PIN"))
        layout = QVBoxLayout(self)
        layout.addWidget(self._told)
        layout.addWidget(self._dots)
        layout.addLayout(self._keys())
        self._alone = QTimer(self, singleShot=True, interval=CLOSE_PAD_MS)
        self._alone.timeout.connect(self.reject)
        self._alone.start()

    @property
    def told(self) -> str:
        """The line above the keys."""
        return self._told.text()

    def press(self, key: str) -> None:
        """A digit, "back" or "ok"."""
        self._alone.start()
        if key == "ok":
            self._try()
        elif key == "back":
            self._typed = self._typed[:-1]
        elif len(self._typed) < PIN_DIGITS[-1]:
            self._typed += key
        self._dots.setText("● " * len(self._typed))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.press("ok")
        elif event.key() == Qt.Key.Key_Backspace:
            self.press("back")
        elif event.text().isascii() and event.text().isdigit():
            self.press(event.text())
        else:
            super().keyPressEvent(event)

    def _keys(self) -> QGridLayout:
        grid = QGridLayout()
        keys = [(digit, digit, digit) for digit in "123456789"]
        keys += [("back", "⌫", self.tr("Delete")), ("0", "0", "0"), ("ok", self.tr("OK"), self.tr("OK"))]
        for place, (key, text, name) in enumerate(keys):
            button = QPushButton(text)
            button.setAccessibleName(name)
            button.setMinimumSize(KEY_PX, KEY_PX)
            button.setFont(theme.font(theme.LARGE_PT))
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            button.setAutoDefault(False)
            button.clicked.connect(lambda _checked=False, key=key: self.press(key))
            grid.addWidget(button, place // 3, place % 3)
        leave = QPushButton(self.tr("Cancel"))
        leave.setMinimumHeight(KEY_PX)
        leave.setAutoDefault(False)
        leave.clicked.connect(self.reject)
        grid.addWidget(leave, 4, 0, 1, 3)
        return grid

    def _try(self) -> None:
        pin, self._typed = self._typed, ""
        if self._lock.opens(pin):
            self.accept()
        elif self._lock.shut_s > 0:
            seconds = f"{self._lock.shut_s:.0f}"
            self._told.setText(self.tr("Too many wrong PINs: wait %1 s").replace("%1", seconds))
        else:
            self._told.setText(self.tr("Wrong PIN"))


class KioskWindow(QWidget):
    """Shows the view over the whole screen and keeps it there.

    Ctrl+Alt+Q leaves, D goes to the operator's window; both ask for the PIN where one is set. Nothing else closes it
    but `leave`. The runner stays its owner's: after `left` or `operator_wanted` it still runs.
    """

    left = Signal()
    operator_wanted = Signal()

    def __init__(
        self,
        runner: Running,
        view: SubjectView,
        settings: Settings,
        clock: Callable[[], float] = time.monotonic,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._runner, self._view = runner, view
        self._clock = clock
        self._lock = PinLock(settings.pin, clock)
        self._leaving = False
        self.pad: PinPad | None = None
        self.setWindowTitle(self.tr("trilume"))
        self.setCursor(Qt.CursorShape.BlankCursor)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(view)
        self.setFocusProxy(view)
        view.installEventFilter(self)
        self._sounds = Sounds(settings.sound, parent=self)
        view.verdict_shown.connect(self._sounds.play)
        view.new_visit.connect(runner.forget)
        self._timer = QTimer(self, interval=POLL_MS)
        self._timer.timeout.connect(self._poll)

    def use(self, settings: Settings) -> None:
        """Another PIN, or none, and cues or none, from now on."""
        self._lock = PinLock(settings.pin, self._clock)
        self._sounds.switch(settings.sound)

    def leave(self) -> None:
        """Closes without a PIN: for the program itself (signals, the end of a session)."""
        self._leaving = True
        self.close()

    def showEvent(self, event: QShowEvent) -> None:
        self._timer.start()
        super().showEvent(event)

    def hideEvent(self, event: QHideEvent) -> None:
        """While the operator works, nobody is guided and nothing forgotten."""
        self._timer.stop()
        super().hideEvent(event)

    def _poll(self) -> None:
        self._view.refresh(self._runner.latest(), self._runner.state(), self._runner.history())

    def eventFilter(self, _watched: object, event: QEvent) -> bool:
        """Keys reach the view, which has the focus, and are the window's."""
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            self.keyPressEvent(event)
            return True
        return False

    def keyPressEvent(self, event: QKeyEvent) -> None:
        chord = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier
        if event.key() == Qt.Key.Key_Q and event.modifiers() & chord == chord:
            self._ask(self.leave)
        elif event.key() == Qt.Key.Key_D and not event.modifiers():
            self._ask(self.operator_wanted.emit)
        event.accept()

    def closeEvent(self, event: QCloseEvent) -> None:
        if not self._leaving:
            event.ignore()
            self._ask(self.leave)
            return
        self._timer.stop()
        self._sounds.stop()
        event.accept()
        self.left.emit()

    def _ask(self, then: Callable[[], None]) -> None:
        """Goes on at once without a PIN, else when it was right."""
        if not self._lock.needed:
            then()
            return
        if self.pad is not None:
            return
        self.pad = PinPad(self._lock, self)
        self.pad.accepted.connect(then)
        self.pad.finished.connect(self._pad_closed)
        self.pad.open()

    def _pad_closed(self, _code: int) -> None:
        if self.pad is not None:
            self.pad.deleteLater()
        self.pad = None
