"""The takes of a set as a list with thumbnails. A worker reads the files; only what is on the screen has a picture."""

from __future__ import annotations

from collections import OrderedDict
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, QSize, Qt
from PySide6.QtGui import QColor, QImage, QPixmap

from app.kiosk import theme
from app.kiosk.language import written
from app.kiosk.species import light_words, species_words
from app.studio.takes import StoredTake, takes_in, thumbnail

THUMBNAIL: Final = QSize(80, 60)
KEPT: Final = 120
"""Thumbnails that are kept; 20 KB each."""
ASKED: Final = 24
"""Thumbnails that may wait for the worker; a list that is scrolled fast asks for many that nobody sees any more."""

Index = QModelIndex | QPersistentModelIndex


class TakeModel(QAbstractListModel):
    """Takes of a folder, newest first. GUI thread; `step` often: it takes over what the worker has read."""

    def __init__(self, folder: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.folder = folder
        self._takes: list[StoredTake] = []
        self._worker = ThreadPoolExecutor(1, "takes")
        self._listing: Future[list[StoredTake]] | None = None
        self._again = self._closed = False
        self._pictures: OrderedDict[tuple[Path, int], QPixmap] = OrderedDict()
        self._asked: dict[tuple[Path, int], Future[NDArray[np.uint8] | None]] = {}
        self._blank = QPixmap(THUMBNAIL)
        self._blank.fill(QColor(128, 128, 128, 60))

    @property
    def takes(self) -> list[StoredTake]:
        return list(self._takes)

    @property
    def busy(self) -> bool:
        """Whether the folder is being read."""
        return self._listing is not None

    def reload(self) -> None:
        """Reads the folder again."""
        if self._closed:
            return
        if self._listing is not None:
            self._again = True
            return
        self._listing = self._worker.submit(self._read)

    def step(self) -> bool:
        """Takes over what has been read; true where the list changed. Raises the TrilumeErrors of the folder."""
        self._take_pictures()
        if self._listing is None or not self._listing.done():
            return False
        listing, self._listing = self._listing, None
        if self._again:
            self._again = False
            self.reload()
        found = sorted(listing.result(), key=lambda stored: stored.recorded, reverse=True)
        if found == self._takes:
            return False
        self.beginResetModel()
        self._takes = found
        self.endResetModel()
        return True

    def at(self, row: int) -> StoredTake | None:
        return self._takes[row] if 0 <= row < len(self._takes) else None

    def row_of(self, path: Path) -> int:
        """The row of a recording, −1 where it is not listed."""
        return next((row for row, stored in enumerate(self._takes) if stored.path == path), -1)

    def close(self) -> None:
        """Ends the worker. Idempotent."""
        self._closed = True
        self._worker.shutdown(wait=True, cancel_futures=True)

    def _read(self) -> list[StoredTake]:
        return takes_in(self.folder) if self.folder.is_dir() else []

    # What a list asks a model ---------------------------------------------------------------------

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self._takes)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        stored = self.at(index.row())
        if stored is None:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return self._words(stored)
        if role == Qt.ItemDataRole.ToolTipRole:
            return "\n".join(filter(None, (str(stored.path), stored.trouble, stored.labels.notes)))
        if role == Qt.ItemDataRole.DecorationRole:
            return self._picture(stored)
        if role == Qt.ItemDataRole.ForegroundRole and not stored.usable:
            return QColor(theme.UNDECIDED)
        return None

    def _words(self, stored: StoredTake) -> str:
        labels = stored.labels
        distance = "" if labels.distance_m is None else f"{written(labels.distance_m, 2)} m"
        who = " · ".join(part for part in (labels.subject, species_words(labels.species)) if part)
        where = " · ".join(part for part in (labels.instrument, light_words(labels.lighting), distance) if part)
        length = self.tr("{0} s, {1} sets, {2} lost").format(written(stored.seconds, 1), stored.frames, stored.lost)
        return "\n".join((who or stored.path.name, where or "–", f"{length}{self._standing(stored)}"))

    def _standing(self, stored: StoredTake) -> str:
        words = []
        if stored.state == "damaged":
            words.append(self.tr("damaged"))
        elif stored.state == "interrupted":
            words.append(self.tr("interrupted"))
        if stored.bad:
            words.append(self.tr("bad"))
        if not stored.name_fits:
            words.append(self.tr("name differs"))
        return "".join(f"  ·  {word}" for word in words)

    # Thumbnails -----------------------------------------------------------------------------------

    def _picture(self, stored: StoredTake) -> QPixmap:
        key = (stored.path, stored.frames)
        if key in self._pictures:
            self._pictures.move_to_end(key)
            return self._pictures[key]
        if key not in self._asked and not self._closed:
            while len(self._asked) >= ASKED:
                oldest = next(iter(self._asked))
                self._asked.pop(oldest).cancel()
            self._asked[key] = self._worker.submit(thumbnail, stored.path, THUMBNAIL.height())
        return self._blank

    def _take_pictures(self) -> None:
        for key in [key for key, asked in self._asked.items() if asked.done()]:
            asked = self._asked.pop(key)
            pixels = None if asked.cancelled() else asked.result()
            self._pictures[key] = self._blank if pixels is None else _pixmap(pixels)
            while len(self._pictures) > KEPT:
                self._pictures.popitem(last=False)
            row = self.row_of(key[0])
            if row >= 0:
                self.dataChanged.emit(self.index(row), self.index(row), [Qt.ItemDataRole.DecorationRole])


def _pixmap(pixels: NDArray[np.uint8]) -> QPixmap:
    """Fitted onto the size of all thumbnails. The picture is copied: a QImage only borrows the array."""
    height, width = pixels.shape[:2]
    image = QImage(pixels.data, width, height, 3 * width, QImage.Format.Format_RGB888).copy()
    fitted = image.scaled(THUMBNAIL, Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation)
    made: QPixmap = QPixmap.fromImage(fitted)
    return made
