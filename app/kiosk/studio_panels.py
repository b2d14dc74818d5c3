"""Panels of the studio: what is under way, checks of the present frame set, progress of a protocol."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFont, QFontMetrics
from PySide6.QtWidgets import (
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from app.kiosk import theme
from app.kiosk.language import written
from app.kiosk.species import light_words, species_words
from app.studio.protocol import Progress, Protocol, next_take, progress, read_protocol
from app.studio.quality import Check, Quality
from app.studio.takes import StoredTake
from drivers.errors import TrilumeError

BANNER_PX: Final = (12, 20)


class Banner(QLabel):
    """What is under way, in letters as large as one line allows. GUI thread."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.setFont(theme.font(theme.LARGE_PT, bold=True))
        self.hide()

    def say(self, words: str, *, recording: bool) -> None:
        """Red while a take is recorded."""
        self.setText(words)
        color, ink = (theme.RECORDING, "white") if recording else (theme.UNDECIDED, "#101215")
        size = _largest_px(self.font(), words, self.width() - 16)
        self.setStyleSheet(f"background: {color}; color: {ink}; font-weight: 700; font-size: {size}px; padding: 6px")


class CheckRow(QWidget):
    """Checks of the frame set judged last, one chip each: a sign, words, and what was measured."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(4)
        self._chips: dict[str, QLabel] = {}
        for code in ("face", "distance", "pose", "exposure", "lost"):
            chip = self._chips[code] = QLabel()
            chip.setAlignment(Qt.AlignmentFlag.AlignCenter)
            chip.setFont(theme.font(theme.SMALL_PT))
            chip.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
            row.addWidget(chip, 1)
            self._show(Check(code, None))

    def show_quality(self, quality: Quality) -> None:
        for check in quality.checks:
            self._show(check)

    def words(self, code: str) -> str:
        return self._chips[code].text()

    def _show(self, check: Check) -> None:
        sign, color = {True: ("✔", theme.LIVE), False: ("✖", theme.ATTACK), None: ("–", theme.UNDECIDED)}[check.good]
        chip = self._chips[check.code]
        chip.setText(f"{sign} {self._told(check)}")
        chip.setAccessibleName(chip.text())
        chip.setToolTip(chip.text())
        chip.setStyleSheet(f"border: 2px solid {color}; border-radius: 4px; padding: 3px 0")

    def _told(self, check: Check) -> str:
        value = check.value
        if check.code == "face":
            words = {True: self.tr("one face"), False: self.tr("no single face"), None: self.tr("face")}
            return str(words[check.good])
        if check.code == "distance":
            return str(self.tr("distance") if value is None else self.tr("{0} m").format(written(value, 2)))
        if check.code == "pose":
            return str(self.tr("pose") if value is None else self.tr("turned {0}°").format(f"{value:.0f}"))
        if check.code == "lost":
            return str(self.tr("lost") if value is None else self.tr("lost {0} %").format(written(value * 100, 1)))
        if value is None or check.good:
            return str(self.tr("exposure"))
        stream = self.tr("infrared") if check.stream == "infrared" else self.tr("colour")
        return str(self.tr("exposure: {0}").format(stream))


@dataclass(frozen=True, slots=True)
class Standing:
    """A protocol and how far it has come."""

    protocol: Protocol | None = None
    rows: tuple[Progress, ...] = ()


class ProtocolPanel(QWidget):
    """A protocol's progress and its next take. GUI thread."""

    wanted = Signal()
    """The next take's labels are wanted in the form."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._standing = Standing()
        self._open = QPushButton(self.tr("Open a protocol…"))
        self._open.clicked.connect(lambda: self.open(None))
        self._use = QPushButton(self.tr("Fill in the next take"))
        self._use.clicked.connect(self.wanted)
        self._bar = QProgressBar()
        self._bar.setAccessibleName(self.tr("Progress of the protocol"))
        self._next = QLabel()
        self._next.setWordWrap(True)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        for part in (self._open, self._bar, self._next, self._use):
            column.addWidget(part)
        self._show()

    @property
    def standing(self) -> Standing:
        return self._standing

    def restore(self, standing: Standing) -> None:
        """Goes on with a protocol where another panel was left."""
        self._standing = standing
        self._show()

    @property
    def next(self) -> Progress | None:
        """The first row that still misses a take."""
        return next_take(self._standing.rows)

    @property
    def done(self) -> tuple[int, int]:
        """Takes made of those wanted."""
        rows = self._standing.rows
        return sum(row.done for row in rows), sum(row.planned.repetitions for row in rows)

    @property
    def words(self) -> str:
        return self._next.text()

    @property
    def species(self) -> list[str]:
        """Species that the protocol names."""
        protocol = self._standing.protocol
        return [] if protocol is None else [row.species for row in protocol.take]

    def open(self, path: Path | None) -> None:
        """Reads a protocol file, asked for where none is named; a mistake in it is told in one line."""
        if path is None:
            chosen, _ = QFileDialog.getOpenFileName(self, self.tr("Protocol"), "", self.tr("Protocols (*.toml *.csv)"))
            if not chosen:
                return
            path = Path(chosen)
        try:
            self._standing = Standing(read_protocol(path))
        except TrilumeError as error:
            self._next.setText(str(error))
            return
        self.count([])
        self.wanted.emit()

    def count(self, takes: Sequence[StoredTake]) -> None:
        """Progress from what is on disk."""
        protocol = self._standing.protocol
        if protocol is not None:
            self.restore(Standing(protocol, tuple(progress(protocol, takes))))

    def _show(self) -> None:
        there = self._standing.protocol is not None
        for part in (self._bar, self._use):
            part.setVisible(there)
        self._use.setEnabled(self.next is not None)
        if not there:
            return
        done, wanted = self.done
        self._bar.setRange(0, max(1, wanted))
        self._bar.setValue(done)
        self._bar.setFormat(self.tr("{0} of {1} takes").format(done, wanted))
        self._next.setText(self._next_words())

    def _next_words(self) -> str:
        row = self.next
        if row is None:
            return str(self.tr("The protocol is complete."))
        planned = row.planned
        distance = "" if planned.distance_m is None else f"{written(planned.distance_m, 2)} m"
        parts = row.subject, species_words(planned.species), light_words(planned.lighting), distance
        what = " · ".join(part for part in parts if part)
        told = self.tr("Next: {0} ({1} of {2})").format(what, row.done + 1, planned.repetitions)
        return f"{told}\n{planned.instruction}" if planned.instruction else told


def _largest_px(font: QFont, words: str, room: int) -> int:
    """The size at which bold words fit into a room of so many pixels."""
    bold = QFont(font)
    bold.setBold(True)
    for size in range(BANNER_PX[1], BANNER_PX[0], -1):
        bold.setPixelSize(size)
        if QFontMetrics(bold).horizontalAdvance(words) <= room:
            return size
    return BANNER_PX[0]
