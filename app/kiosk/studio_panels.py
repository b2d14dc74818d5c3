"""Panels of the studio: checks of the present frame set, progress of a protocol."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import Qt, Signal
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
from app.kiosk.species import light_words, species_words
from app.studio.protocol import Progress, Protocol, next_take, progress, read_protocol
from app.studio.quality import Check, Quality
from app.studio.takes import StoredTake
from drivers.errors import TrilumeError


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
            return str(self.tr("one face") if check.good else self.tr("no single face"))
        if check.code == "distance":
            return str(self.tr("distance") if value is None else self.tr("{0} m").format(f"{value:.2f}"))
        if check.code == "pose":
            return str(self.tr("pose") if value is None else self.tr("turned {0}°").format(f"{value:.0f}"))
        if check.code == "lost":
            return str(self.tr("lost") if value is None else self.tr("lost {0} %").format(f"{value * 100:.1f}"))
        if value is None or check.good:
            return str(self.tr("exposure"))
        stream = self.tr("infrared") if check.stream == "infrared" else self.tr("colour")
        return str(self.tr("exposure: {0}").format(stream))


class ProtocolPanel(QWidget):
    """A protocol's progress and its next take. GUI thread."""

    wanted = Signal()
    """The next take's labels are wanted in the form."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._protocol: Protocol | None = None
        self._rows: list[Progress] = []
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
    def next(self) -> Progress | None:
        """The first row that still misses a take."""
        return next_take(self._rows)

    @property
    def done(self) -> tuple[int, int]:
        """Takes made of those wanted."""
        return sum(row.done for row in self._rows), sum(row.planned.repetitions for row in self._rows)

    @property
    def words(self) -> str:
        return self._next.text()

    @property
    def species(self) -> list[str]:
        """Species that the protocol names."""
        return [] if self._protocol is None else [row.species for row in self._protocol.take]

    def open(self, path: Path | None) -> None:
        """Reads a protocol file, asked for where none is named; a mistake in it is told in one line."""
        if path is None:
            chosen, _ = QFileDialog.getOpenFileName(self, self.tr("Protocol"), "", self.tr("Protocols (*.toml *.csv)"))
            if not chosen:
                return
            path = Path(chosen)
        try:
            self._protocol = read_protocol(path)
        except TrilumeError as error:
            self._next.setText(str(error))
            return
        self.count([])
        self.wanted.emit()

    def count(self, takes: Sequence[StoredTake]) -> None:
        """Progress from what is on disk."""
        if self._protocol is not None:
            self._rows = progress(self._protocol, takes)
            self._show()

    def _show(self) -> None:
        there = self._protocol is not None
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
        distance = "" if planned.distance_m is None else f"{planned.distance_m:.2f} m"
        parts = row.subject, species_words(planned.species), light_words(planned.lighting), distance
        what = " · ".join(part for part in parts if part)
        told = self.tr("Next: {0} ({1} of {2})").format(what, row.done + 1, planned.repetitions)
        return f"{told}\n{planned.instruction}" if planned.instruction else told
