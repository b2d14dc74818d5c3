"""One picture of the camera on the screen: what is drawn on it, and a note when there is none or it is old."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QFont, QFontMetricsF, QPainter, QPen

from app.kiosk import theme
from app.kiosk.pictures import NO_RETURN, Pictures
from pipeline.pose import rotation_of
from pipeline.result import Result

HALO = QColor(0, 0, 0, 150)
AXES = (QColor("#ff7b7b"), QColor("#7be08a"), QColor("#ffffff"))  # x, y, and where the face looks
AXIS_SHARE = 0.5  # of the face's square


@dataclass(frozen=True, slots=True, eq=False)
class Marks:
    """What is drawn on a picture, in its pixels: box, landmarks [5, 2], ends of the pose axes [3, 2], words."""

    box: QRectF
    points: NDArray[np.float32]
    axes: NDArray[np.float64] | None
    words: str
    color: QColor


def marks_of(pictures: Pictures, result: Result, words: str) -> Marks | None:
    """The marks of a result's face, None without a face."""
    face = result.face
    if face is None:
        return None
    x, y, w, h = face.box
    corners = pictures.upright(np.array([[x, y], [x + w, y + h]], np.float32))
    (left, top), (right, bottom) = corners.min(axis=0).tolist(), corners.max(axis=0).tolist()
    axes = None
    if result.pose is not None:
        turned = rotation_of(result.pose.yaw, result.pose.pitch, result.pose.roll) * np.array([1.0, 1.0, -1.0])
        axes = turned[:2].T * face.canonical_square().side * AXIS_SHARE
    box = QRectF(left, top, right - left, bottom - top)
    return Marks(box, pictures.upright(face.landmarks), axes, words, theme.verdict_color(result.verdict))


class MarksItem(pg.GraphicsObject):  # type: ignore[misc]
    """Draws `Marks` with lines that stay thin however far the picture is enlarged. GUI thread."""

    def __init__(self, *, fine: bool) -> None:
        super().__init__()
        self._fine = fine
        self._marks: Marks | None = None
        self._extent = QRectF(0, 0, 1, 1)

    def show_marks(self, marks: Marks | None, extent: QRectF) -> None:
        if extent != self._extent:
            self.prepareGeometryChange()
            self._extent = extent
        self._marks = marks
        self.update()

    def boundingRect(self) -> QRectF:
        return self._extent

    def paint(self, painter: QPainter, *_: object) -> None:
        marks = self._marks
        if marks is None:
            return
        transform = painter.worldTransform()
        painter.save()
        painter.resetTransform()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        box = transform.mapRect(marks.box)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for color, width in ((HALO, 4.0), (marks.color, 2.0)):
            painter.setPen(QPen(color, width))
            painter.drawRoundedRect(box, 3, 3)
        if not self._fine:
            points = [transform.map(QPointF(x, y)) for x, y in marks.points.tolist()]
            self._paint_axes(painter, points[2], marks, transform.m11())
            self._paint_points(painter, points)
            self._paint_words(painter, box, transform.mapRect(self._extent), marks)
        painter.restore()

    @staticmethod
    def _paint_axes(painter: QPainter, start: QPointF, marks: Marks, scale: float) -> None:
        if marks.axes is None:
            return
        for (x, y), color in zip(marks.axes.tolist(), AXES, strict=True):
            end = start + QPointF(x, y) * scale
            for pen in (QPen(HALO, 4.0), QPen(color, 2.0)):
                painter.setPen(pen)
                painter.drawLine(start, end)

    @staticmethod
    def _paint_points(painter: QPainter, points: list[QPointF]) -> None:
        painter.setPen(QPen(HALO, 1.5))
        painter.setBrush(QBrush(QColor("white")))
        for point in points:
            painter.drawEllipse(point, 3.0, 3.0)

    @staticmethod
    def _paint_words(painter: QPainter, box: QRectF, picture: QRectF, marks: Marks) -> None:
        """Above the face: notes on the picture stand below."""
        if not marks.words:
            return
        painter.setFont(theme.font(theme.BODY_PT, bold=True))
        room = QFontMetricsF(painter.font()).boundingRect(marks.words).adjusted(-6, -2, 6, 2)
        chip = QRectF(box.left() - 1, box.top() - room.height() - 4, room.width(), room.height())
        if chip.top() < picture.top():
            chip.moveTop(box.bottom() + 4)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(marks.color)
        painter.drawRoundedRect(chip, 3, 3)
        painter.setPen(theme.ink_on(marks.color))
        painter.drawText(chip, Qt.AlignmentFlag.AlignCenter, marks.words)


class NoteItem(pg.GraphicsObject):  # type: ignore[misc]
    """What stands on a pane whatever is zoomed: its title, and a note, in the middle of an empty pane
    or at the bottom of a picture; an `urgent` one hatches the picture."""

    def __init__(self, title: str) -> None:
        super().__init__()
        self.title, self.note, self.urgent, self.empty = title, "", False, False
        self._extent = QRectF(0, 0, 1, 1)

    def say(self, note: str, *, urgent: bool = False, empty: bool = False) -> None:
        if (note, urgent, empty) != (self.note, self.urgent, self.empty):
            self.note, self.urgent, self.empty = note, urgent, empty
            self.update()

    def resize(self, extent: QRectF) -> None:
        self.prepareGeometryChange()
        self._extent = extent

    def boundingRect(self) -> QRectF:
        return self._extent

    def paint(self, painter: QPainter, *_: object) -> None:
        if self.urgent:
            painter.fillRect(self._extent, QBrush(QColor(0, 0, 0, 150), Qt.BrushStyle.BDiagPattern))
        painter.setFont(theme.font(theme.SMALL_PT, bold=True))
        self._chip(painter, self.title, QPointF(8, 8), QColor(16, 18, 21, 190), QColor("#e8eaed"))
        if self.note:
            painter.setFont(self._fitting(self._extent.width() - 24))
            size = QFontMetricsF(painter.font()).boundingRect(self.note)
            at = self._extent.center() - QPointF(size.width() / 2 + 8, size.height() / 2 + 4)
            if not self.empty:
                at.setY(self._extent.bottom() - size.height() - 20)
            back = QColor("#ffd54d") if self.urgent else QColor(*NO_RETURN)
            self._chip(painter, self.note, at, back, theme.ink_on(back))

    def _fitting(self, room: float) -> QFont:
        """Letters that are large, but leave no word of the note beside the picture."""
        font = theme.font(theme.LARGE_PT, bold=self.urgent)
        width = QFontMetricsF(font).horizontalAdvance(self.note)
        font.setPointSizeF(max(theme.SMALL_PT - 1, 0.95 * theme.LARGE_PT * min(1.0, max(room, 1.0) / max(width, 1.0))))
        return font

    @staticmethod
    def _chip(painter: QPainter, words: str, at: QPointF, back: QColor, ink: QColor) -> None:
        size = QFontMetricsF(painter.font()).boundingRect(words)
        chip = QRectF(at.x(), at.y(), size.width() + 16, size.height() + 8)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(back)
        painter.drawRoundedRect(chip, 3, 3)
        painter.setPen(ink)
        painter.drawText(chip, Qt.AlignmentFlag.AlignCenter, words)


class Pane(pg.ViewBox):  # type: ignore[misc]
    """A picture that can be enlarged and moved. GUI thread."""

    def __init__(self, title: str, *, fine: bool = False) -> None:
        super().__init__(lockAspect=True, invertY=True, enableMenu=False, border=None)
        self.setBackgroundColor(QColor(*NO_RETURN).darker(150))
        self._image = pg.ImageItem(axisOrder="row-major")
        self._marks = MarksItem(fine=fine)
        self._cross = [pg.InfiniteLine(angle=angle, pen=pg.mkPen(255, 255, 255, 170)) for angle in (90, 0)]
        for item in (self._image, self._marks, *self._cross):
            self.addItem(item, ignoreBounds=True)
        self.note = NoteItem(title)
        self.note.setParentItem(self)
        self.note.setZValue(10)
        self._whole = QRectF()
        self.point_to(None)
        self._image.hide()

    def show_picture(self, picture: NDArray[np.uint8] | None, size: tuple[int, int]) -> None:
        """Shows uint8 [h, w, 3] over the whole of a grid of (width, height) pixels; None hides it."""
        self._image.setVisible(picture is not None)
        if picture is not None:
            self._image.setImage(picture, autoLevels=False)
            # Pixel centres are at integers: a pixel reaches half a pixel to either side.
            self._image.setRect(QRectF(-0.5, -0.5, *size))
        whole = QRectF(-0.5, -0.5, *size)
        if whole != self._whole:
            self._whole = whole
            self.show_all()

    def show_marks(self, marks: Marks | None) -> None:
        self._marks.show_marks(marks, self._whole)

    def show_all(self) -> None:
        """Back to the whole picture."""
        self.setRange(self._whole, padding=0.0)
        self.sigRangeChangedManually.emit(self.state["mouseEnabled"])

    def point_to(self, point: tuple[int, int] | None) -> None:
        """Moves the cross-hair; None hides it."""
        for line in self._cross:
            line.setVisible(point is not None)
        if point is not None:
            for line, value in zip(self._cross, point, strict=True):
                line.setValue(value)

    def pixel_at(self, scene_point: QPointF) -> tuple[int, int] | None:
        """The pixel under a point of the scene, None outside the pane or the picture."""
        if not self.sceneBoundingRect().contains(scene_point):
            return None
        point = self.mapSceneToView(scene_point)
        return (round(point.x()), round(point.y())) if self._whole.contains(point) else None

    def resizeEvent(self, event: object) -> None:
        super().resizeEvent(event)
        if hasattr(self, "note"):
            self.note.resize(self.boundingRect())
            if not self._whole.isEmpty():
                self.show_all()

    def mouseDoubleClickEvent(self, _: object) -> None:
        self.show_all()
