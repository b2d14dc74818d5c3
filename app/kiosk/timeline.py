"""The timeline of a recording: the attack score of every frame with its threshold, verdicts below, a cursor to drag."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QImage, QMouseEvent, QPainter, QPaintEvent, QPen, QPolygonF, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.kiosk import theme
from app.kiosk.judged_recording import ATTACK, DAMAGED, LIVE, UNDECIDED

MARGIN: Final = 8  # pixels left and right, so that the cursor is seen at both ends
STRIP: Final = 14  # height of the verdicts, pixels
SCALE: Final = 16  # height of the numbers below

DAMAGE: Final = "#b0382e"


class Timeline(QWidget):
    """Shows `codes` and `scores` of a recording and says where the user wants to be. GUI thread."""

    sought = Signal(int)
    """A frame number that was clicked or dragged to."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._codes: NDArray[np.uint8] = np.zeros(0, np.uint8)
        self._scores: NDArray[np.float32] = np.zeros(0, np.float32)
        self._position = 0
        self._loop: tuple[int, int] | None = None
        self._drawn: QImage | None = None
        self.setMinimumHeight(84)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(self.tr("Timeline"))
        self.setToolTip(self.tr("Attack score of each frame; the line is the threshold. Click or drag to go there."))
        self.setCursor(Qt.CursorShape.PointingHandCursor)

    def sizeHint(self) -> QSize:
        return QSize(600, 104)

    @property
    def position(self) -> int:
        return self._position

    @property
    def loop(self) -> tuple[int, int] | None:
        return self._loop

    def set_frames(self, codes: NDArray[np.uint8], scores: NDArray[np.float32]) -> None:
        """What has been judged so far: codes uint8 [frames], scores float32 [frames] in [0, 1] or NaN."""
        self._codes, self._scores = codes.copy(), scores.copy()
        self._drawn = None
        self.update()

    def set_position(self, number: int) -> None:
        if number != self._position:
            self._position = number
            self.update()

    def set_loop(self, loop: tuple[int, int] | None) -> None:
        """First and last frame of the loop, None for none."""
        self._loop = loop
        self.update()

    def x_of(self, number: int) -> float:
        """Where a frame stands, the middle of its share, pixels from the left."""
        return MARGIN + (self.width() - 2 * MARGIN) * (number + 0.5) / max(1, len(self._codes))

    def number_at(self, x: float) -> int:
        """The frame at a place."""
        share = (x - MARGIN) / max(1, self.width() - 2 * MARGIN)
        return min(max(0, int(share * len(self._codes))), max(0, len(self._codes) - 1))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and len(self._codes):
            self.sought.emit(self.number_at(event.position().x()))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if event.buttons() & Qt.MouseButton.LeftButton and len(self._codes):
            self.sought.emit(self.number_at(event.position().x()))

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._drawn = None
        super().resizeEvent(event)

    # Painting -------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002
        painter = QPainter(self)
        painter.fillRect(self.rect(), self.palette().base())
        if not len(self._codes):
            return
        if self._drawn is None:
            self._drawn = self._draw()
        painter.drawImage(0, 0, self._drawn)
        self._paint_loop(painter)
        self._paint_cursor(painter)

    @property
    def _plot(self) -> QRectF:
        return QRectF(MARGIN, 4, self.width() - 2 * MARGIN, self.height() - STRIP - SCALE - 10)

    def _draw(self) -> QImage:
        """All but loop and cursor, kept until frames or size change."""
        ratio = self.devicePixelRatioF()
        image = QImage(self.size() * ratio, QImage.Format.Format_ARGB32_Premultiplied)
        image.setDevicePixelRatio(ratio)
        image.fill(Qt.GlobalColor.transparent)
        painter = QPainter(image)
        self._draw_verdicts(painter)
        self._draw_scores(painter)
        self._draw_scale(painter)
        painter.end()
        return image

    def _draw_verdicts(self, painter: QPainter) -> None:
        """Attack and damage win over live, live over undecided, where frames share a pixel."""
        width = max(1, round(self._plot.width()))
        codes = _spread_codes(self._codes, width)
        colors = {
            UNDECIDED: QColor(theme.UNDECIDED),
            LIVE: QColor(theme.LIVE),
            ATTACK: QColor(theme.ATTACK),
            DAMAGED: QColor(DAMAGE),
        }
        top = self._plot.bottom() + 4
        edges = np.flatnonzero(np.diff(codes)) + 1
        for start, end in zip([0, *edges], [*edges, width], strict=True):
            code = int(codes[start])
            strip = QRectF(MARGIN + start, top, end - start, STRIP)
            if code not in colors:
                painter.fillRect(strip, self.palette().mid())
                continue
            painter.fillRect(strip, colors[code])
            if code in {UNDECIDED, DAMAGED}:
                shade = QColor(colors[code])
                shade.setAlpha(34 if code == UNDECIDED else 90)
                painter.fillRect(QRectF(strip.left(), self._plot.top(), strip.width(), self._plot.height()), shade)

    def _draw_scores(self, painter: QPainter) -> None:
        plot = self._plot
        threshold = QPen(self.palette().windowText().color(), 1, Qt.PenStyle.DashLine)
        painter.setPen(threshold)
        painter.drawLine(QPointF(plot.left(), plot.center().y()), QPointF(plot.right(), plot.center().y()))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(self.palette().windowText().color(), 1.4))
        for run in self._runs():
            if len(run) == 1:
                painter.drawEllipse(run[0], 1.2, 1.2)
            else:
                painter.drawPolyline(QPolygonF(run))

    def _runs(self) -> list[list[QPointF]]:
        """Unbroken stretches of the curve; of frames that share a pixel the lowest and the highest score."""
        plot = self._plot
        columns = (
            np.array([round(self.x_of(n)) for n in range(len(self._scores))]) if len(self._scores) else np.zeros(0)
        )
        runs: list[list[QPointF]] = []
        going = False
        for column in np.unique(columns):
            first, last = np.searchsorted(columns, [column, column + 1])
            scores = self._scores[first:last]
            known = scores[np.isfinite(scores)]
            if not len(known):
                going = False
                continue
            ys = dict.fromkeys((float(known[0]), float(known.min()), float(known.max()), float(known[-1])))
            points = [QPointF(float(column), plot.bottom() - y * plot.height()) for y in ys]
            if going:
                runs[-1].extend(points)
            else:
                runs.append(points)
            going = True
        return runs

    def _draw_scale(self, painter: QPainter) -> None:
        painter.setFont(theme.font(theme.SMALL_PT))
        painter.setPen(self.palette().windowText().color())
        top = self.height() - SCALE
        last = len(self._codes) - 1
        marks = sorted({round(last * part / 6) for part in range(7)})
        for number in marks:
            x = self.x_of(number)
            left = min(max(0.0, x - 40), self.width() - 80.0)
            side = Qt.AlignmentFlag.AlignHCenter
            if number == 0:
                left, side = float(MARGIN), Qt.AlignmentFlag.AlignLeft
            elif number == last:
                left, side = self.width() - MARGIN - 80.0, Qt.AlignmentFlag.AlignRight
            painter.drawText(QRectF(left, top, 80, SCALE), side, str(number))

    def _paint_loop(self, painter: QPainter) -> None:
        if self._loop is None:
            return
        left, right = (self.x_of(number) for number in self._loop)
        color = self.palette().highlight().color()
        color.setAlpha(60)
        painter.fillRect(QRectF(left, 0, max(2.0, right - left), self.height() - SCALE), color)

    def _paint_cursor(self, painter: QPainter) -> None:
        x = self.x_of(self._position)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        color = self.palette().link().color()  # the highlight is as dark as a dark ground
        painter.setPen(QPen(color, 2))
        painter.drawLine(QPointF(x, 2), QPointF(x, self.height() - SCALE))
        painter.setBrush(color)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.drawPolygon(QPolygonF([QPointF(x - 6, 0), QPointF(x + 6, 0), QPointF(x, 9)]))


def _spread_codes(codes: NDArray[np.uint8], width: int) -> NDArray[np.uint8]:
    """Codes of `width` pixels: each frame as wide as its share, of frames on one pixel the largest code."""
    frames = len(codes)
    if frames >= width:
        starts = np.arange(width) * frames // width
        return np.asarray(np.maximum.reduceat(codes, starts), np.uint8)
    return np.asarray(codes[np.arange(width) * frames // width], np.uint8)
