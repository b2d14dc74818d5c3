"""The takes of a set and what is done to them: looked at, labelled anew, marked, deleted, exported, reported."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Final

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent, QPalette
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QListView,
    QMessageBox,
    QPushButton,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from app.kiosk import theme
from app.kiosk.species import species_words
from app.kiosk.take_form import TakeForm
from app.kiosk.take_list import THUMBNAIL, TakeModel
from app.studio import dataset
from app.studio.planner import Goal, plan
from app.studio.takes import StoredTake, delete, export_good, mark, relabel
from drivers.errors import TrilumeError


class OneWidth(QStyledItemDelegate):
    """Takes are as wide as the list: what is longer ends in an ellipsis, nothing is scrolled sideways."""

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        return QSize(1, max(super().sizeHint(option, index).height(), THUMBNAIL.height() + 6))


class TakeListView(QListView):
    """A list that says what to do while it is empty. GUI thread."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setIconSize(THUMBNAIL)
        self.setUniformItemSizes(True)
        self.setFont(theme.font(theme.SMALL_PT + 1))
        self.setItemDelegate(OneWidth(self))
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)

    def hint(self) -> str:
        """What to do where there is no take, else nothing."""
        model = self.model()
        if model is None or model.rowCount() > 0:
            return ""
        return str(self.tr("No takes here yet.\n\nFill in the form on the left, then press R: each take appears here."))

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if hint := self.hint():
            painter = QPainter(self.viewport())
            painter.setPen(self.palette().color(QPalette.ColorRole.PlaceholderText))
            flags = int(Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop) | int(Qt.TextFlag.TextWordWrap)
            painter.drawText(self.viewport().rect().adjusted(16, 24, -16, -16), flags, hint)
            painter.end()


class TakesPanel(QWidget):
    """The list of takes and what can be done to them. GUI thread; one worker, ended by `stop`."""

    changed = Signal()
    replay_wanted = Signal(Path)
    folder_wanted = Signal(Path)
    """Takes shall be kept in another folder."""

    WIDTH: Final = 282

    def __init__(self, folder: Path, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.folder = folder
        self.model = TakeModel(folder, self)
        self._worker = ThreadPoolExecutor(1, "data set")
        self._working: Future[str] | None = None
        self._title = QLabel(self.tr("Takes"))
        self._title.setFont(theme.font(theme.BODY_PT, bold=True))
        self._where = self._button(self.tr("Folder…"), self.ask_folder)
        self._where.setToolTip(str(folder))
        self._told = QLabel()
        self._told.setWordWrap(True)
        self._proof = QLabel()
        self._proof.setWordWrap(True)
        self._proof.setAccessibleName(self.tr("What the set can show"))
        self._list = TakeListView()
        self._list.setModel(self.model)
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

    def use(self, folder: Path) -> None:
        """Lists the takes of another folder from now on."""
        self.folder = self.model.folder = folder
        self._where.setToolTip(str(folder))
        self._told.setText("")
        self.reload()

    def ask_folder(self) -> None:
        """Asks where takes are kept."""
        chosen = QFileDialog.getExistingDirectory(self, self.tr("A folder for takes"), str(self.folder))
        if chosen:
            self.folder_wanted.emit(Path(chosen))

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
            self._list.viewport().update()
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
        """Deletes a take for good, once it was confirmed; the set's tables forget it as well."""
        stored, folder, words = self.chosen, self.folder, str(self.tr("The set's tables are up to date."))
        if stored is None or not self._confirm(self.tr("Delete {0} for good?").format(stored.path.name)):
            return
        self._do(lambda: delete([stored]))
        if (folder / dataset.DATASET).exists() and not stored.path.exists():

            def rebuild() -> str:
                dataset.rebuild(folder)
                return words

            self._in_worker(rebuild, wait=True)

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

    def _in_worker(self, action: Callable[[], str], *, wait: bool = False) -> None:
        """One at a time: what comes meanwhile is not done, or with `wait` done afterwards."""
        if wait or self._working is None:
            self._told.setText(self.tr("working …"))
            self._working = self._worker.submit(action)

    def _ask_labels(self, stored: StoredTake) -> dict[str, object] | None:
        """The labels that were changed: the form cannot hold all that others may have written."""
        dialog, form = self._labels_dialog(stored)
        before = form.said().labels.model_dump(exclude={"quality", "site"})
        if dialog.exec() != QDialog.DialogCode.Accepted:
            return None
        after = form.said().labels.model_dump(exclude={"quality", "site"})
        return {key: value for key, value in after.items() if value != before[key]}

    def _labels_dialog(self, stored: StoredTake) -> tuple[QDialog, TakeForm]:
        """The labels of a take, to be changed; they can be saved while they are complete."""
        dialog = QDialog(self)
        dialog.setWindowTitle(self.tr("Labels of {0}").format(stored.path.name))
        dialog.setMinimumWidth(440)
        form = TakeForm(labels_only=True)
        form.fill(stored.labels)
        buttons = QDialogButtonBox()
        save = buttons.addButton(self.tr("Save"), QDialogButtonBox.ButtonRole.AcceptRole)
        buttons.addButton(self.tr("Cancel"), QDialogButtonBox.ButtonRole.RejectRole)
        buttons.accepted.connect(dialog.accept)
        buttons.rejected.connect(dialog.reject)
        save.setEnabled(form.missing() is None)
        form.changed.connect(lambda: save.setEnabled(form.missing() is None))
        column = QVBoxLayout(dialog)
        column.addWidget(form)
        column.addWidget(buttons)
        return dialog, form

    def _confirm(self, question: str) -> bool:
        box, delete = self._confirmation(question)
        box.exec()
        return box.clickedButton() is delete

    def _confirmation(self, question: str) -> tuple[QMessageBox, QPushButton]:
        """Asks before something is gone for good; Return and Escape leave all as it is."""
        box = QMessageBox(QMessageBox.Icon.Warning, self.tr("Takes"), question, parent=self)
        box.setInformativeText(self.tr("The recording cannot be brought back."))
        delete = box.addButton(self.tr("Delete"), QMessageBox.ButtonRole.DestructiveRole)
        leave = box.addButton(self.tr("Cancel"), QMessageBox.ButtonRole.RejectRole)
        box.setDefaultButton(leave)
        box.setEscapeButton(leave)
        return box, delete

    def _offer(self) -> None:
        stored = self.chosen
        for button in self._on_one:
            button.setEnabled(stored is not None)
        for button in self._on_all:
            button.setEnabled(bool(self.model.takes))
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
        return str(words.format(worst.missing, species_words(worst.species), share, f"{worst.bound * 100:.0f}"))

    def _lay_out(self) -> None:
        self._bad = self._button(self.tr("Mark bad"), self.toggle_bad)
        self._on_one = [
            self._button(self.tr("Replay"), self.replay),
            self._button(self.tr("Re-label…"), self.relabel),
            self._bad,
            self._button(self.tr("Delete…"), self.delete),
        ]
        self._on_all = [self._button(self.tr("Export…"), self.export), self._button(self.tr("Report"), self.report)]
        grid = QGridLayout()
        grid.setSpacing(6)
        for at, button in enumerate((*self._on_one, *self._on_all)):
            grid.addWidget(button, at // 2, at % 2)
        head = QHBoxLayout()
        head.addWidget(self._title, 1)
        head.addWidget(self._where)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(head)
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
