"""Panels of the studio: checks of the present frame set, progress of a protocol, the takes and what is done to them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QListView,
    QMessageBox,
    QProgressBar,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from app.kiosk import theme
from app.kiosk.take_form import TakeForm
from app.kiosk.take_list import THUMBNAIL, TakeModel
from app.studio import dataset
from app.studio.planner import Goal, plan
from app.studio.protocol import Progress, Protocol, next_take, progress, read_protocol
from app.studio.quality import Check, Quality
from app.studio.takes import StoredTake, delete, export_good, mark, relabel
from drivers.errors import TrilumeError


class CheckRow(QWidget):
    """Checks of the frame set judged last, one chip each: a sign, words, and what was measured."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
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
        chip.setStyleSheet(f"border: 2px solid {color}; border-radius: 4px; padding: 3px")

    def _told(self, check: Check) -> str:
        value = check.value
        if check.code == "face":
            return str(self.tr("one face") if check.good else self.tr("no single face"))
        if check.code == "distance":
            return str(self.tr("distance") if value is None else self.tr("distance {0} m").format(f"{value:.2f}"))
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
        what = " · ".join(part for part in (row.subject, planned.species, planned.lighting, distance) if part)
        told = self.tr("Next: {0} ({1} of {2})").format(what, row.done + 1, planned.repetitions)
        return f"{told}\n{planned.instruction}" if planned.instruction else told


class TakesPanel(QWidget):
    """The list of takes and what can be done to them. GUI thread; one worker, ended by `stop`."""

    changed = Signal()
    replay_wanted = Signal(Path)

    WIDTH: Final = 262

    def __init__(self, folder: Path, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.folder = folder
        self.model = TakeModel(folder, self)
        self._worker = ThreadPoolExecutor(1, "data set")
        self._working: Future[str] | None = None
        self._title = QLabel(self.tr("Takes"))
        self._title.setFont(theme.font(theme.BODY_PT, bold=True))
        self._told = QLabel()
        self._told.setWordWrap(True)
        self._proof = QLabel()
        self._proof.setWordWrap(True)
        self._proof.setAccessibleName(self.tr("What the set can show"))
        self._list = QListView()
        self._list.setModel(self.model)
        self._list.setIconSize(THUMBNAIL)
        self._list.setUniformItemSizes(True)
        self._list.setAccessibleName(self.tr("Takes"))
        self._list.doubleClicked.connect(lambda _: self.replay())
        self._list.selectionModel().currentChanged.connect(lambda *_: self._offer())
        self._lay_out()
        self._offer()

    @property
    def message(self) -> str:
        return self._told.text()

    @property
    def proof(self) -> str:
        """What the set can show so far, in a sentence or two."""
        return self._proof.text()

    @property
    def chosen(self) -> StoredTake | None:
        return self.model.at(self._list.currentIndex().row())

    def choose(self, path: Path) -> None:
        self._list.setCurrentIndex(self.model.index(self.model.row_of(path)))

    def reload(self) -> None:
        """Reads the folder again, in the worker."""
        self.model.reload()

    def step(self) -> None:
        """Takes over what the workers have done."""
        chosen = self.chosen
        try:
            changed = self.model.step()
        except TrilumeError as error:
            self._told.setText(str(error))
            return
        if changed:
            if chosen is not None:
                self.choose(chosen.path)
            self._title.setText(self.tr("Takes: {0}").format(len(self.model.takes)))
            self._proof.setText(self._proof_words())
            self._offer()
            self.changed.emit()
        if self._working is not None and self._working.done():
            working, self._working = self._working, None
            self._told.setText(str(working.exception()) if working.exception() else working.result())

    def stop(self) -> None:
        self._worker.shutdown(wait=True, cancel_futures=True)
        self.model.close()

    # Actions --------------------------------------------------------------------------------------

    def replay(self) -> None:
        if self.chosen is not None:
            self.replay_wanted.emit(self.chosen.path)

    def relabel(self) -> None:
        """Asks for other labels and amends the recording; its streams stay as they are."""
        stored = self.chosen
        if stored is None:
            return
        labels = self._ask_labels(stored)
        if labels is not None:
            self._do(lambda: relabel(stored.path, labels))

    def toggle_bad(self) -> None:
        """Marks a take bad, or takes the mark away."""
        stored = self.chosen
        if stored is not None:
            self._do(lambda: mark(stored.path, "" if stored.bad else "bad"))

    def delete(self) -> None:
        """Deletes a take for good, once it was confirmed."""
        stored = self.chosen
        if stored is not None and self._confirm(self.tr("Delete {0} for good?").format(stored.path.name)):
            self._do(lambda: delete([stored]))

    def export(self, out: Path | None = None) -> None:
        """Copies the good takes into a new folder, asked for where none is named."""
        if out is None:
            chosen = QFileDialog.getExistingDirectory(self, self.tr("An empty folder for the good takes"))
            if not chosen:
                return
            out = Path(chosen)
        takes, target = self.model.takes, out
        words = self.tr("{0} good takes copied to {1}")
        self._in_worker(lambda: words.format(len(export_good(takes, target)), target))

    def report(self) -> None:
        """Writes the data set's tables, card and checksums beside the recordings."""
        folder, words = self.folder, self.tr("wrote {0}")
        self._in_worker(lambda: words.format(", ".join(path.name for path in dataset.write(dataset.data_set(folder)))))

    def _do(self, action: Callable[[], object]) -> None:
        try:
            action()
        except TrilumeError as error:
            self._told.setText(str(error))
        else:
            self._told.setText("")
        self.reload()

    def _in_worker(self, action: Callable[[], str]) -> None:
        if self._working is None:
            self._told.setText(self.tr("working …"))
            self._working = self._worker.submit(action)

    def _ask_labels(self, stored: StoredTake) -> dict[str, object] | None:
        dialog = QDialog(self)
        dialog.setWindowTitle(self.tr("Labels of {0}").format(stored.path.name))
        form = TakeForm()
        form.fill(stored.labels)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Save | QDialogButtonBox.StandardButton.Cancel)
        buttons.accepted.connect(dialog.accept)
        buttons.rejected.connect(dialog.reject)
        save = buttons.button(QDialogButtonBox.StandardButton.Save)
        form.changed.connect(lambda: save.setEnabled(form.missing() is None))
        column = QVBoxLayout(dialog)
        column.addWidget(form)
        column.addWidget(buttons)
        if dialog.exec() != QDialog.DialogCode.Accepted:
            return None
        return form.said().labels.model_dump(exclude={"quality", "site"})

    def _confirm(self, question: str) -> bool:
        button = QMessageBox.StandardButton
        answer = QMessageBox.question(self, self.tr("Takes"), question, button.Yes | button.No, button.No)
        return bool(answer == button.Yes)

    def _offer(self) -> None:
        stored = self.chosen
        for button in self._on_one:
            button.setEnabled(stored is not None)
        self._bad.setText(self.tr("Not bad") if stored is not None and stored.bad else self.tr("Mark bad"))

    def _proof_words(self) -> str:
        """What no error on these takes would show, for the attack species that lacks most."""
        goal = Goal()
        made = plan(self.model.takes, goal)
        if not made.species:
            return str(self.tr("No attack takes yet: nothing can be said about APCER."))
        worst = made.species[0]
        share = f"{goal.apcer * 100:g}"
        if not worst.missing:
            return str(self.tr("Enough takes to show APCER ≤ {0} % for every species at 95 %.").format(share))
        words = self.tr("{0} more takes of {1} until APCER ≤ {2} % can be shown at 95 %; now, without an error, {3} %.")
        return str(words.format(worst.missing, worst.species, share, f"{worst.bound * 100:.0f}"))

    def _lay_out(self) -> None:
        self._bad = self._button(self.tr("Mark bad"), self.toggle_bad)
        self._on_one = [
            self._button(self.tr("Replay"), self.replay),
            self._button(self.tr("Re-label…"), self.relabel),
            self._bad,
            self._button(self.tr("Delete…"), self.delete),
        ]
        others = [self._button(self.tr("Export…"), self.export), self._button(self.tr("Report"), self.report)]
        grid = QGridLayout()
        for at, button in enumerate((*self._on_one, *others)):
            grid.addWidget(button, at // 3, at % 3)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self._title)
        column.addWidget(self._list, 1)
        column.addLayout(grid)
        column.addWidget(self._told)
        column.addWidget(self._proof)
        self.setFixedWidth(self.WIDTH)

    @staticmethod
    def _button(words: str, action: Callable[[], None]) -> QPushButton:
        button = QPushButton(words)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        button.clicked.connect(lambda _=False: action())
        return button
