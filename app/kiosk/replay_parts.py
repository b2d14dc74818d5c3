"""Parts of the replay view: verdict of a frame, explanation in a low window, controls, frame times, names of files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from PySide6.QtCore import QCoreApplication, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import (
    QComboBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QWidget,
)

from app.kiosk import theme
from app.kiosk.why_view import ROWS, WhyView
from pipeline.result import REASON_TEXT, Reason, Result, Verdict

SPEEDS: Final = (0.25, 0.5, 1.0, 2.0, 4.0)
SIGN_PX: Final = 22


class Badge(QWidget):
    """The verdict of the frame shown: shape, colour and words. GUI thread."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._verdict = Verdict.UNDECIDED
        self._words = ""
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        return QSize(260, SIGN_PX + 6)

    @property
    def words(self) -> str:
        return self._words

    def show_result(self, result: Result | None) -> None:
        """Shows a verdict; None: the frame is not judged yet."""
        self._verdict = Verdict.UNDECIDED if result is None else result.verdict
        self._words = self._told(result)
        self.setAccessibleName(self._words)
        self.setToolTip(self._words)
        self.update()

    def _told(self, result: Result | None) -> str:
        if result is None:
            return str(self.tr("not judged yet"))
        if result.verdict is Verdict.LIVE:
            return str(self.tr("Live"))
        if result.verdict is Verdict.ATTACK:
            return str(self.tr("Attack suspected"))
        if result.reason is None:
            return str(self.tr("Not decided"))
        return str(self.tr("Not decided: {0}").format(reason_words(result.reason)))

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002
        painter = QPainter(self)
        top = (self.height() - SIGN_PX) / 2
        theme.paint_verdict(painter, QRectF(0, top, SIGN_PX, SIGN_PX), self._verdict)
        painter.setPen(self.palette().windowText().color())
        painter.setFont(theme.font(theme.BODY_PT, bold=True))
        room = QRectF(SIGN_PX + 8, 0, self.width() - SIGN_PX - 8, self.height())
        words = painter.fontMetrics().elidedText(self._words, Qt.TextElideMode.ElideRight, int(room.width()))
        painter.drawText(room, Qt.AlignmentFlag.AlignVCenter, words)


class Rows(QScrollArea):
    """In a low window the first row of the explanation fills the place, and the second is scrolled to. GUI thread."""

    def __init__(self, why: WhyView, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._why = why
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setWidget(why)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        room = self.viewport().height()
        low = room < self._why.minimumSizeHint().height()
        self._why.setMinimumHeight(round(room * sum(ROWS) / ROWS[0]) if low else 0)


class Controls(QWidget):
    """The row below the timeline. Its buttons leave the keys with the view when they are clicked. GUI thread."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.play = _button(self.tr("Play"), self.tr("Play or pause (Space)"))
        self.speed = QLabel(speed_words(1.0))
        self.speed.setToolTip(self.tr("Speed (+ and −)"))
        self.place = QLabel()
        self.place.setMinimumWidth(190)
        self.place.setAccessibleName(self.tr("Frame shown"))
        self.place.setToolTip(self.tr("← → one frame, with Shift one second; Home, End; [ ] loop"))
        self.badge = Badge()
        self.change = _button(self.tr("Next change"), self.tr("To the next frame with another verdict (V)"))
        self.reasons = QComboBox()
        self.reasons.setFixedWidth(160)
        self.reasons.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.reasons.setAccessibleName(self.tr("Reason to look for"))
        self.reason = _button(self.tr("Next with reason"), self.tr("To the next frame with this reason (J)"))
        self.picture = _button(self.tr("Snapshot"), self.tr("Everything shown as a picture file (S)"))
        self.picture.setParent(self)  # until it is laid out in the line below
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(10)
        for part in (self.play, self.speed, self.place):
            row.addWidget(part)
        row.addWidget(self.badge, 1)
        for part in (self.change, self.reasons, self.reason):
            row.addWidget(part)

    def show_playing(self, on: bool) -> None:
        self.play.setText(self.tr("Pause") if on else self.tr("Play"))


def _button(words: str, tip: str) -> QPushButton:
    button = QPushButton(words)
    button.setToolTip(tip)
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    return button


class FrameTimes:
    """Device times of a recording's frames: as judged, else as seen, else assumed from the nearest frame known."""

    GAP_S: Final = 1 / 30  # between frames of which nothing is known yet

    def __init__(self, result: Callable[[int], Result | None]) -> None:
        self._result = result
        self._seen: dict[int, float] = {}

    def learn(self, number: int, time_s: float) -> None:
        """Takes down the time of a frame that was read."""
        self._seen[number] = time_s

    def at(self, number: int) -> float:
        """A frame's device time, seconds."""
        if (result := self._result(number)) is not None:
            return result.device_time_s
        if number in self._seen:
            return self._seen[number]
        near = min(self._seen, key=lambda known: abs(known - number), default=None)
        return 0.0 if near is None else self._seen[near] + (number - near) * self.GAP_S

    def step(self, number: int, seconds: float, frames: int) -> int:
        """The first frame that is at least so much later (earlier for less than 0), else the last (first) one."""
        target, at = self.at(number) + seconds, number
        ahead = 1 if seconds > 0 else -1
        while 0 <= at + ahead < frames and (self.at(at) - target) * ahead < -1e-6:
            at += ahead
        return at


def reason_words(reason: Reason) -> str:
    """A reason in the user's language."""
    return QCoreApplication.translate("Reason", REASON_TEXT[reason])


def free_name(path: Path) -> Path:
    """The path, or the first of path-2, path-3, … that is not there."""
    number, free = 1, path
    while free.exists():
        number += 1
        free = path.with_stem(f"{path.stem}-{number}")
    return free


def speed_words(speed: float) -> str:
    """`¼×` to `4×`."""
    return {0.25: "¼×", 0.5: "½×"}.get(speed, f"{speed:.0f}×")
