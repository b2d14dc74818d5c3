"""The window's two lines: above what is looked at and what is said of it, below how the run stands."""

from __future__ import annotations

import math
import time
from typing import Final

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QWidget

from app.kiosk import theme
from app.kiosk.about import trained_on
from pipeline.bundle import Bundle
from pipeline.result import Verdict
from pipeline.runner import Shown, State

STALE_S: Final = 2.0
"""A verdict on a picture older than this is not shown: slower than any camera, simulated ones included."""


def standing_verdict(shown: Shown | None, state: State) -> Verdict:
    """The session's verdict while it may stand: never of a camera that is away or of a picture long gone."""
    if shown is None or state.phase not in ("running", "ended"):
        return Verdict.UNDECIDED
    if state.phase == "running" and time.monotonic() - shown.judged_s > STALE_S:
        return Verdict.UNDECIDED
    return shown.result.session_verdict


class VerdictBadge(QWidget):
    """The session's verdict as sign and word. GUI thread."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.verdict = Verdict.UNDECIDED
        self.setFixedHeight(theme.TARGET_PX)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self._name()

    def show_verdict(self, verdict: Verdict) -> None:
        """Paints anew only where something changed."""
        if verdict is not self.verdict:
            self.verdict = verdict
            self._name()
            self.update()

    def words(self, verdict: Verdict) -> str:
        """The verdict in words."""
        words: dict[Verdict, str] = {
            Verdict.LIVE: self.tr("Live"),
            Verdict.ATTACK: self.tr("Attack suspected"),
            Verdict.UNDECIDED: self.tr("Not decided"),
        }
        return words[verdict]

    def sizeHint(self) -> QSize:
        metrics = self.fontMetrics()
        widest = max(metrics.horizontalAdvance(self.words(verdict)) for verdict in Verdict)
        return QSize(int(widest * 1.35) + theme.TARGET_PX + 28, theme.TARGET_PX)

    def paintEvent(self, _event: QPaintEvent) -> None:
        color = theme.verdict_color(self.verdict)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(color)
        painter.drawRoundedRect(QRectF(self.rect()), 8, 8)
        side = self.height() - 12
        painter.setPen(theme.ink_on(color))
        painter.setFont(theme.font(self.font().pointSizeF() * 1.25, bold=True))
        theme.paint_verdict(painter, QRectF(8, 6, side, side), self.verdict, inverted=True)
        words = self.rect().adjusted(side + 18, 0, -8, 0)
        painter.drawText(words, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, self.words(self.verdict))
        painter.end()

    def _name(self) -> None:
        self.setAccessibleName(self.tr("Verdict: {}").format(self.words(self.verdict)))


class RecordLamp(QLabel):
    """Red while a take is recorded: its length, size and what was lost. GUI thread."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setStyleSheet(
            f"background: {theme.RECORDING}; color: white; border-radius: 6px; padding: 4px 12px; font-weight: bold;"
        )
        self.setAccessibleName(self.tr("Recording"))
        self.hide()

    def show_state(self, state: State) -> None:
        """As the newest state says."""
        take = state.take
        recording = take is not None and take.recording
        if take is not None and recording:
            minutes, seconds = divmod(int(take.seconds), 60)
            text = self.tr("● Recording {time} · {mb} MB").format(
                time=f"{minutes}:{seconds:02d}", mb=f"{take.bytes / 1e6:.0f}"
            )
            if take.lost:
                text += self.tr(" · {n} lost").format(n=take.lost)
            self.setText(text)
        self.setVisible(recording)


class StatusLine(QWidget):
    """How the run stands, in words; who delivers; which model judges, and on what it learnt. GUI thread."""

    def __init__(self, bundle: Bundle, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._run, self._camera = QLabel(), QLabel()
        self._model = QLabel(
            self.tr("Model {name} ({digest}), trained on {data}").format(
                name=bundle.description.name, digest=bundle.sha256[:12], data=trained_on(bundle)
            )
        )
        self._note, self._note_until_s = "", -math.inf
        row = QHBoxLayout(self)
        row.setContentsMargins(14, 4, 14, 6)
        row.setSpacing(28)
        row.addWidget(self._run, 1)
        row.addWidget(self._camera)
        row.addWidget(self._model)
        for label, name in (
            (self._run, self.tr("State")),
            (self._camera, self.tr("Camera")),
            (self._model, self.tr("Model")),
        ):
            label.setTextFormat(Qt.TextFormat.PlainText)
            label.setAccessibleName(name)
        self._run.setMinimumWidth(120)

    def say(self, text: str, seconds: float = 6.0) -> None:
        """One line that stays for some seconds."""
        self._note, self._note_until_s = text, time.monotonic() + seconds

    def show_state(self, state: State) -> None:
        """As the newest state says."""
        info = state.info
        noted = time.monotonic() < self._note_until_s
        text = self._note if noted else " · ".join(filter(None, (self._phase(state), state.trouble)))
        if text != self._run.toolTip():
            self._run.setToolTip(text)
        self._run.setText(self._run.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, self._run.width()))
        camera = " ".join(filter(None, (info.name, info.serial))) if info else ""
        if info and info.origin in ("simulated", "semi_simulated") and "simulated" not in camera.lower():
            camera = self.tr("{camera} (simulated)").format(camera=camera)
        self._camera.setText(camera)

    def _phase(self, state: State) -> str:
        words: dict[str, str] = {
            "opening": self.tr("Opening…"),
            "running": self.tr("Running"),
            "waiting": self.tr("The camera is away; waiting for it"),
            "ended": self.tr("The recording is over"),
            "failed": self.tr("Stopped by a failure"),
            "closed": self.tr("Stopped"),
        }
        return words[state.phase]
