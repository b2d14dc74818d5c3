"""Painted parts of the explanation: tiles, gauges, the session's bar, the map of patches. GUI thread, all of it."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QHelpEvent, QImage, QMouseEvent, QPainter, QPalette, QPen
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from app.kiosk import theme
from app.kiosk.language import written
from app.pictures import patch_map
from pipeline.parameters import FACE_SIZE, Patch
from pipeline.result import Verdict

U8 = NDArray[np.uint8]

CAPTION = 18
GAP = 8
FAR = 9.2  # log odds of 0.9999: scores beyond are drawn at the end of the scale

_BLUE, _WHITE, _ORANGE = (
    np.array([c.red(), c.green(), c.blue()], np.float32) for c in map(QColor, (theme.LIVE, "#f5f5f5", theme.ATTACK))
)


def place_of(score: float) -> float:
    """Where a score stands on a scale of log odds, 0 to 1, ½ at a score of ½: thresholds may lie near either end."""
    if score <= 0 or score >= 1:
        return 0.0 if score <= 0 else 1.0
    odds = math.log(score) - math.log1p(-score)
    return 0.5 + min(max(odds, -FAR), FAR) / (2 * FAR)


def score_words(score: float) -> str:
    """A score with as many digits as tell it from 0 and 1."""
    if score in {0.0, 1.0}:
        return f"{score:.0f}"
    if score < 0.001:
        return f"< {written(0.001, 3)}"
    return f"> {written(0.999, 3)}" if score > 0.999 else written(score, 3)


def heat_colors(scores: NDArray[np.float32]) -> U8:
    """Attack scores [...] as blue over white to orange, uint8 [..., 3]."""
    value = np.clip(scores, 0, 1)[..., None]
    lower = _BLUE + (_WHITE - _BLUE) * np.minimum(value * 2, 1)
    upper = _WHITE + (_ORANGE - _WHITE) * np.clip(value * 2 - 1, 0, 1)
    return np.where(value < 0.5, lower, upper).astype(np.uint8)


def image_of(picture: U8) -> QImage:
    """A copy of a picture uint8 [h, w] or [h, w, 3] that owns its pixels."""
    picture = np.ascontiguousarray(picture)
    kind = QImage.Format.Format_Grayscale8 if picture.ndim == 2 else QImage.Format.Format_RGB888
    borrowed = QImage(picture.data, picture.shape[1], picture.shape[0], picture.strides[0], kind)
    return QImage(borrowed.copy())


class _Painted(QWidget):
    """What the parts share: ink, and text in a size."""

    def __init__(self, height: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setMinimumHeight(height)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def _ink(self, role: QPalette.ColorRole = QPalette.ColorRole.WindowText) -> QColor:
        return QColor(self.palette().color(role))

    def _write(
        self, painter: QPainter, rect: QRectF, words: str, where: Qt.AlignmentFlag, *, faint: bool = False
    ) -> None:
        painter.setFont(theme.font(theme.SMALL_PT))
        painter.setPen(self._ink(QPalette.ColorRole.PlaceholderText if faint else QPalette.ColorRole.WindowText))
        painter.drawText(rect, where | Qt.AlignmentFlag.AlignVCenter, words)


class Tiles(_Painted):
    """Aligned faces in a row, each with its caption; faint where they were not used."""

    def __init__(self, captions: Sequence[str], tips: Sequence[str], parent: QWidget | None = None) -> None:
        super().__init__(90, parent)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumWidth(len(captions) * 84)
        self._captions, self._tips = tuple(captions), tuple(tips)
        self._images: list[QImage | None] = [None] * len(captions)
        self._faint = False

    def sizeHint(self) -> QSize:
        return QSize(len(self._captions) * 132, 132 + CAPTION)

    def show_pictures(self, shown: Sequence[U8 | None], *, faint: bool = False) -> None:
        """Pictures uint8 [S, S] or [S, S, 3]; None where there is none."""
        self._images = [None if picture is None else image_of(picture) for picture in shown]
        self._faint = faint
        self.update()

    def _tile(self, index: int) -> QRectF:
        n = len(self._captions)
        side = min((self.width() - (n - 1) * GAP) / n, self.height() - CAPTION)
        return QRectF(index * (side + GAP), CAPTION, side, side)

    def paintEvent(self, _: QEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        for index, (caption, image) in enumerate(zip(self._captions, self._images, strict=True)):
            tile = self._tile(index)
            self._write(
                painter,
                QRectF(tile.x(), 0, tile.width() + GAP, CAPTION),
                caption,
                Qt.AlignmentFlag.AlignLeft,
                faint=True,
            )
            painter.fillRect(tile, self._ink(QPalette.ColorRole.AlternateBase))
            if image is None:
                self._write(painter, tile, "–", Qt.AlignmentFlag.AlignHCenter, faint=True)
                continue
            painter.setOpacity(0.3 if self._faint else 1.0)
            painter.drawImage(tile, image)
            painter.setOpacity(1.0)
            painter.setPen(self._ink(QPalette.ColorRole.Midlight))
            painter.drawRect(tile)

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            found = [tip for index, tip in enumerate(self._tips) if self._tile(index).contains(QPointF(event.pos()))]
            QToolTip.showText(event.globalPos(), found[0] if found else "", self)
            return True
        return bool(super().event(event))


class Gauge(_Painted):
    """An attack score on a scale of log odds with its threshold; words instead where the stage did not run."""

    def __init__(self, name: str, threshold: float, parent: QWidget | None = None) -> None:
        super().__init__(46, parent)
        self._name, self._threshold = name, threshold
        self._score: float | None = None
        self._words = ""
        self.setAccessibleName(self.tr("{0} attack score").format(name))

    def show_score(self, score: float | None, words: str) -> None:
        """The score, or the words that say why there is none."""
        if (score, words) != (self._score, self._words):
            self._score, self._words = score, words
            self.setAccessibleDescription(words if score is None else score_words(score))
            self.update()

    def paintEvent(self, _: QEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        width = float(self.width())
        head, bar = QRectF(0, 0, width, 18), QRectF(0, 20, width, 8)
        told = self._words if self._score is None else score_words(self._score)
        label = self.tr("attack score") if self._score is not None else ""
        self._write(painter, head, label, Qt.AlignmentFlag.AlignLeft, faint=True)
        self._write(painter, head, told, Qt.AlignmentFlag.AlignRight if label else Qt.AlignmentFlag.AlignLeft)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._ink(QPalette.ColorRole.Midlight))
        painter.drawRoundedRect(bar, 4, 4)
        mark = place_of(self._threshold) * width
        if self._score is not None:
            rejects = self._score >= self._threshold
            painter.setBrush(theme.verdict_color(Verdict.ATTACK if rejects else Verdict.LIVE))
            bar.setWidth(max(8.0, place_of(self._score) * width))
            painter.drawRoundedRect(bar, 4, 4)
        painter.fillRect(QRectF(mark - 1, 17, 2, 14), self._ink())
        words = self.tr("rejects from {0}").format(written(self._threshold, 3, significant=True))
        room = painter.fontMetrics().horizontalAdvance(words)
        left = min(max(mark - room / 2, 0.0), width - room)
        self._write(painter, QRectF(left, 31, room + 2, 15), words, Qt.AlignmentFlag.AlignLeft, faint=True)


class SessionBar(_Painted):
    """Evidence of the visit between its two bounds, from the middle towards `live` or `attack`."""

    def __init__(self, bounds: tuple[float, float], parent: QWidget | None = None) -> None:
        super().__init__(40, parent)
        self._bounds = bounds
        self._evidence: float | None = None
        self.setAccessibleName(self.tr("Evidence of this visit"))

    def show_evidence(self, evidence: float | None) -> None:
        """In nats, None where it is not told."""
        if evidence != self._evidence:
            self._evidence = evidence
            self.update()

    def share(self) -> float:
        """How far the evidence has come: −1 at the bound for live, 1 at the bound for attack."""
        if not self._evidence:
            return 0.0
        live_at, attack_at = self._bounds
        return max(self._evidence / -live_at, -1.0) if self._evidence < 0 else min(self._evidence / attack_at, 1.0)

    def paintEvent(self, _: QEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        width, middle = float(self.width()), self.width() / 2
        head = QRectF(0, 0, width, 16)
        self._write(painter, head, self.tr("live"), Qt.AlignmentFlag.AlignLeft, faint=True)
        title = self.tr("evidence of this visit")
        self._write(painter, head, title, Qt.AlignmentFlag.AlignHCenter, faint=True)
        self._write(painter, head, self.tr("attack"), Qt.AlignmentFlag.AlignRight, faint=True)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._ink(QPalette.ColorRole.Midlight))
        painter.drawRoundedRect(QRectF(0, 20, width, 14), 4, 4)
        share = self.share()
        if share:
            painter.setBrush(theme.verdict_color(Verdict.LIVE if share < 0 else Verdict.ATTACK))
            painter.drawRect(QRectF(min(middle, middle * (1 + share)), 20, middle * abs(share), 14))
        painter.fillRect(QRectF(middle - 1, 17, 2, 20), self._ink())


class VerdictSign(_Painted):
    """A verdict by shape, colour and word, with a line below it."""

    def __init__(self, parent: QWidget | None = None, *, small: bool = False) -> None:
        super().__init__(36 if small else 48, parent)
        self._small = small
        self._shown: tuple[Verdict, str, str] | None = None

    def show_verdict(self, verdict: Verdict, word: str, line: str) -> None:
        if (verdict, word, line) != self._shown:
            self._shown = verdict, word, line
            self.setAccessibleName(f"{word}. {line}")
            self.setToolTip(line)
            self.update()

    def paintEvent(self, _: QEvent) -> None:
        if self._shown is None:
            return
        verdict, word, line = self._shown
        painter = QPainter(self)
        side, left = (26.0, 9.0) if self._small else (40.0, 2.0)  # the signs of both sizes have one middle
        theme.paint_verdict(painter, QRectF(left, 4, side, side), verdict)
        painter.setFont(theme.font(theme.BODY_PT if self._small else theme.LARGE_PT, bold=True))
        painter.setPen(self._ink())
        room = QRectF(54, 0, self.width() - 54, 19 if self._small else 27)
        painter.drawText(room, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, word)
        painter.setFont(theme.font(theme.SMALL_PT))
        shortened = painter.fontMetrics().elidedText(line, Qt.TextElideMode.ElideRight, int(room.width()))
        below = room.translated(0, 17 if self._small else 24)
        self._write(painter, below, shortened, Qt.AlignmentFlag.AlignLeft, faint=True)


class PatchMap(_Painted):
    """The patches' answers: as heat on the face, and each position by itself, colour its score, area its weight α
    among the patches of its size.

    Positions with a weight of 0 are not run and stay empty. Hovering a position shows it on the face.
    """

    def __init__(self, patches: tuple[Patch, ...], parent: QWidget | None = None) -> None:
        super().__init__(120, parent)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)
        self.setMouseTracking(True)
        self.setAccessibleName(self.tr("Patches of the face and their scores"))
        self._patches = patches
        self._scores: tuple[float | None, ...] | None = None
        self._image: QImage | None = None
        self._hovered: int | None = None
        self._cells = _cells(patches)

    def sizeHint(self) -> QSize:
        return QSize(400, 200)

    def show_scores(self, face: U8 | None, scores: tuple[float | None, ...] | None) -> None:
        """The face uint8 [S, S] grey and a score for each position; None where there is none."""
        self._scores = scores
        self._image = None if face is None else image_of(face if scores is None else self._heated(face, scores))
        self.update()

    def _heated(self, face: U8, scores: tuple[float | None, ...]) -> U8:
        answered = patch_map(scores, self._patches)
        grey = np.repeat(face[..., None], 3, axis=2).astype(np.float32)
        heat = heat_colors(np.nan_to_num(answered, nan=0.5)).astype(np.float32)
        return np.where(np.isnan(answered)[..., None], grey, 0.45 * grey + 0.55 * heat).astype(np.uint8)

    def words_of(self, index: int) -> str:
        """Position, score and weight of a patch."""
        patch = self._patches[index]
        score = None if self._scores is None else self._scores[index]
        words = str(self.tr("patch at ({0}, {1}), {2} px: score {3}, weight α {4}"))
        return words.format(
            patch.x, patch.y, patch.size, "–" if score is None else score_words(score), written(patch.weight, 3)
        )

    def patch_at(self, point: QPointF) -> int | None:
        """The position whose cell lies under a point of the widget."""
        return next((i for i in range(len(self._patches)) if self._cell(i).contains(point)), None)

    def _face(self) -> QRectF:
        side = min(self.height() - CAPTION, self.width() / 2 - GAP)
        return QRectF(0, CAPTION, side, side)

    def _cell(self, index: int) -> QRectF:
        face = self._face()
        x, y, side = self._cells[index]
        left = face.right() + 2 * GAP
        span = min(face.height(), self.width() - left)
        return QRectF(left + x * span, CAPTION + y * span, side * span, side * span)

    def paintEvent(self, _: QEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        face = self._face()
        titles = (face.x(), self.tr("score by place")), (face.right() + 2 * GAP, self.tr("each patch, area: weight α"))
        for x, words in titles:
            self._write(painter, QRectF(x, 0, self.width(), CAPTION), words, Qt.AlignmentFlag.AlignLeft, faint=True)
        painter.fillRect(face, self._ink(QPalette.ColorRole.AlternateBase))
        if self._image is not None:
            painter.setOpacity(0.3 if self._scores is None else 1.0)
            painter.drawImage(face, self._image)
            painter.setOpacity(1.0)
        for index in range(len(self._patches)):
            self._paint_cell(painter, index)
        if self._hovered is not None:
            patch, scale = self._patches[self._hovered], face.width() / FACE_SIZE
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(self._ink(), 2))
            painter.drawRect(
                QRectF(face.x() + patch.x * scale, face.y() + patch.y * scale, patch.size * scale, patch.size * scale)
            )

    def _paint_cell(self, painter: QPainter, index: int) -> None:
        cell, patch = self._cell(index).adjusted(1, 1, -1, -1), self._patches[index]
        hovered = index == self._hovered
        painter.setPen(QPen(self._ink() if hovered else self._ink(QPalette.ColorRole.Midlight), 2 if hovered else 1))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRect(cell)
        score = None if self._scores is None else self._scores[index]
        if patch.weight <= 0:
            return
        most = max(p.weight for p in self._patches if p.size == patch.size)
        side = max(cell.width() * math.sqrt(patch.weight / most), 4.0)
        square = QRectF(cell.center().x() - side / 2, cell.center().y() - side / 2, side, side)
        color = self._ink(QPalette.ColorRole.Mid)
        if score is not None:
            color = QColor(*heat_colors(np.array([score], np.float32))[0].tolist())
        painter.fillRect(square, color)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        hovered = self.patch_at(event.position())
        if hovered != self._hovered:
            self._hovered = hovered
            words = "" if hovered is None else self.words_of(hovered)
            QToolTip.showText(event.globalPosition().toPoint(), words, self)
            self.update()

    def leaveEvent(self, _: QEvent) -> None:
        self._hovered = None
        self.update()


def _cells(patches: tuple[Patch, ...]) -> list[tuple[float, float, float]]:
    """Where each position's own cell is drawn, x, y, side in units of a square: one grid for each patch size, the
    smallest patches first; positions of a size keep their order in the face."""
    sizes = sorted({patch.size for patch in patches})
    across = math.ceil(math.sqrt(len(sizes)))
    block = 1.0 / across
    cells = []
    for patch in patches:
        row, column = divmod(sizes.index(patch.size), across)
        places = sorted({p.x for p in patches if p.size == patch.size} | {p.y for p in patches if p.size == patch.size})
        side = block * 0.94 / len(places)
        cells.append((column * block + places.index(patch.x) * side, row * block + places.index(patch.y) * side, side))
    return cells
