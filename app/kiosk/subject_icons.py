"""The signs beside an instruction, drawn so that they look alike whatever fonts are there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QPolygonF

from app.guidance import Icon

Draw = Callable[["Pencil"], None]


class Pencil:
    """Draws on a square of side 1 with its origin at the upper left."""

    def __init__(self, painter: QPainter, box: QRectF, ink: QColor) -> None:
        self._painter, self._box = painter, box
        pen = QPen(ink, box.width() * 0.06)
        pen.setCapStyle(Qt.PenCapStyle.RoundCap)
        pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
        painter.setPen(pen)
        painter.setBrush(Qt.BrushStyle.NoBrush)

    def _at(self, x: float, y: float) -> QPointF:
        return QPointF(self._box.x() + x * self._box.width(), self._box.y() + y * self._box.height())

    def line(self, *points: tuple[float, float]) -> None:
        self._painter.drawPolyline(QPolygonF([self._at(x, y) for x, y in points]))

    def oval(self, x: float, y: float, width: float, height: float) -> None:
        """Around its centre."""
        self._painter.drawEllipse(self._at(x, y), width / 2 * self._box.width(), height / 2 * self._box.height())

    def arc(self, x: float, y: float, size: float, start_deg: float, span_deg: float) -> None:
        """Part of a circle around its centre, counter-clockwise from three o'clock."""
        corner = self._at(x - size / 2, y - size / 2)
        square = QRectF(corner.x(), corner.y(), size * self._box.width(), size * self._box.height())
        self._painter.drawArc(square, round(start_deg * 16), round(span_deg * 16))

    def arrow(self, start: tuple[float, float], end: tuple[float, float], head: float = 0.1) -> None:
        """A horizontal or vertical arrow."""
        dx, dy = end[0] - start[0], end[1] - start[1]
        length = (dx * dx + dy * dy) ** 0.5
        ux, uy = dx / length * head, dy / length * head
        self.line(start, end)
        self.line((end[0] - ux - uy, end[1] - uy + ux), end, (end[0] - ux + uy, end[1] - uy - ux))


def paint_icon(painter: QPainter, rect: QRectF, icon: Icon, ink: QColor) -> None:
    """A sign as large as fits into `rect`. `Icon.VERDICT` draws nothing: `theme.paint_verdict` does."""
    side = min(rect.width(), rect.height())
    box = QRectF(rect.center().x() - side / 2, rect.center().y() - side / 2, side, side)
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    if icon in _DRAWN:
        _DRAWN[icon](Pencil(painter, box, ink))
    painter.restore()


def _face(pencil: Pencil, x: float = 0.5, scale: float = 1.0) -> None:
    pencil.oval(x, 0.5, 0.56 * scale, 0.76 * scale)
    for eye in (-0.11, 0.11):
        pencil.line((x + eye * scale, 0.5 - 0.09 * scale), (x + eye * scale, 0.5 - 0.05 * scale))
    pencil.arc(x, 0.5 + 0.08 * scale, 0.26 * scale, 210, 120)


def _people(pencil: Pencil) -> None:
    _face(pencil, 0.26, 0.62)
    pencil.oval(0.76, 0.5, 0.35, 0.47)
    pencil.line((0.62, 0.64), (0.9, 0.36))


def _nearer(pencil: Pencil) -> None:
    pencil.oval(0.5, 0.5, 0.3, 0.4)
    for start, end in (((0.04, 0.5), (0.26, 0.5)), ((0.96, 0.5), (0.74, 0.5))):
        pencil.arrow(end, start)
    pencil.arc(0.5, 0.5, 0.86, 60, 60)
    pencil.arc(0.5, 0.5, 0.86, 240, 60)


def _farther(pencil: Pencil) -> None:
    pencil.oval(0.5, 0.5, 0.3, 0.4)
    for start, end in (((0.02, 0.5), (0.26, 0.5)), ((0.98, 0.5), (0.74, 0.5))):
        pencil.arrow(start, end)


def _middle(pencil: Pencil) -> None:
    pencil.oval(0.5, 0.5, 0.26, 0.26)
    for here, there in ((0.04, 0.28), (0.96, 0.72)):
        pencil.arrow((here, 0.5), (there, 0.5), 0.07)
        pencil.arrow((0.5, here), (0.5, there), 0.07)


def _turn(pencil: Pencil) -> None:
    _face(pencil, scale=0.72)
    pencil.arc(0.5, 0.5, 0.9, 130, 100)
    pencil.arc(0.5, 0.5, 0.9, -50, 100)
    pencil.line((0.1, 0.14), (0.21, 0.155), (0.2, 0.27))
    pencil.line((0.9, 0.86), (0.79, 0.845), (0.8, 0.73))


def _light(pencil: Pencil) -> None:
    pencil.arc(0.5, 0.42, 0.46, -45, 270)
    pencil.line((0.34, 0.58), (0.4, 0.72), (0.6, 0.72), (0.66, 0.58))
    pencil.line((0.42, 0.84), (0.58, 0.84))
    pencil.line((0.5, 0.02), (0.5, 0.08))
    for far, near in ((0.12, 0.18), (0.88, 0.82)):
        pencil.line((far, 0.12), (near, 0.18))
    for far, near in ((0.02, 0.1), (0.98, 0.9)):
        pencil.line((far, 0.44), (near, 0.44))


def _uncover(pencil: Pencil) -> None:
    pencil.oval(0.5, 0.5, 0.56, 0.76)
    for x in (0.37, 0.63):
        pencil.oval(x, 0.43, 0.2, 0.16)
    pencil.line((0.47, 0.43), (0.53, 0.43))
    pencil.line((0.12, 0.88), (0.88, 0.12))


def _clock(pencil: Pencil) -> None:
    pencil.oval(0.5, 0.5, 0.84, 0.84)
    pencil.line((0.5, 0.24), (0.5, 0.5), (0.66, 0.62))


def _warning(pencil: Pencil) -> None:
    pencil.line((0.5, 0.1), (0.94, 0.86), (0.06, 0.86), (0.5, 0.1))
    pencil.line((0.5, 0.38), (0.5, 0.6))
    pencil.line((0.5, 0.73), (0.5, 0.735))


_DRAWN: Final[dict[Icon, Draw]] = {
    Icon.FACE: _face,
    Icon.PEOPLE: _people,
    Icon.NEARER: _nearer,
    Icon.FARTHER: _farther,
    Icon.MIDDLE: _middle,
    Icon.TURN: _turn,
    Icon.LIGHT: _light,
    Icon.UNCOVER: _uncover,
    Icon.STILL: _face,
    Icon.CLOCK: _clock,
    Icon.WARNING: _warning,
}
