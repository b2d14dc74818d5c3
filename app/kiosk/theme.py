"""Colours, shapes and sizes of the window: a verdict is told by word, shape and colour together.

Blue and orange keep apart for every common colour blindness; red and green would not.
"""

from __future__ import annotations

import math
from typing import Final, Literal

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QGuiApplication, QPainter, QPalette, QPen, QPolygonF
from PySide6.QtWidgets import QApplication

from pipeline.result import Verdict

LIVE: Final = "#2f7fd6"
ATTACK: Final = "#e07b1f"
UNDECIDED: Final = "#8a8f98"
RECORDING: Final = "#c62828"

BODY_PT: Final = 11
SMALL_PT: Final = 9
LARGE_PT: Final = 15
TITLE_PT: Final = 22
TARGET_PX: Final = 44
"""Smallest height of what is pressed with a finger."""

Shape = Literal["circle", "octagon", "square"]
VERDICT_SHAPE: Final[dict[Verdict, tuple[Shape, str]]] = {
    Verdict.LIVE: ("circle", "✔"),
    Verdict.ATTACK: ("octagon", "✖"),
    Verdict.UNDECIDED: ("square", "…"),
}
"""The outline and the sign in it. Fonts without the sign do no harm: `paint_verdict` draws it."""

_COLORS: Final = {Verdict.LIVE: LIVE, Verdict.ATTACK: ATTACK, Verdict.UNDECIDED: UNDECIDED}

_DARK: Final = {
    QPalette.ColorRole.Window: "#1b1d21",
    QPalette.ColorRole.WindowText: "#e8eaed",
    QPalette.ColorRole.Base: "#131518",
    QPalette.ColorRole.AlternateBase: "#202328",
    QPalette.ColorRole.Text: "#e8eaed",
    QPalette.ColorRole.PlaceholderText: "#9aa0a8",
    QPalette.ColorRole.Button: "#2a2d33",
    QPalette.ColorRole.ButtonText: "#e8eaed",
    QPalette.ColorRole.ToolTipBase: "#2a2d33",
    QPalette.ColorRole.ToolTipText: "#e8eaed",
    QPalette.ColorRole.Highlight: "#245f9f",
    QPalette.ColorRole.HighlightedText: "#ffffff",
    QPalette.ColorRole.Link: "#7db4f0",
    QPalette.ColorRole.BrightText: "#ffffff",
    QPalette.ColorRole.Mid: "#3b4048",
    QPalette.ColorRole.Dark: "#101215",
    QPalette.ColorRole.Light: "#454b54",
    QPalette.ColorRole.Midlight: "#363b42",
    QPalette.ColorRole.Shadow: "#000000",
}
_LIGHT: Final = {
    QPalette.ColorRole.Window: "#f3f4f6",
    QPalette.ColorRole.WindowText: "#1b1d21",
    QPalette.ColorRole.Base: "#ffffff",
    QPalette.ColorRole.AlternateBase: "#eceef1",
    QPalette.ColorRole.Text: "#1b1d21",
    QPalette.ColorRole.PlaceholderText: "#616870",
    QPalette.ColorRole.Button: "#e4e7eb",
    QPalette.ColorRole.ButtonText: "#1b1d21",
    QPalette.ColorRole.ToolTipBase: "#ffffff",
    QPalette.ColorRole.ToolTipText: "#1b1d21",
    QPalette.ColorRole.Highlight: "#1f66b5",
    QPalette.ColorRole.HighlightedText: "#ffffff",
    QPalette.ColorRole.Link: "#1a5aa3",
    QPalette.ColorRole.BrightText: "#000000",
    QPalette.ColorRole.Mid: "#b9bec6",
    QPalette.ColorRole.Dark: "#8b919a",
    QPalette.ColorRole.Light: "#ffffff",
    QPalette.ColorRole.Midlight: "#d9dde2",
    QPalette.ColorRole.Shadow: "#5c626a",
}
_WRITING: Final = (QPalette.ColorRole.WindowText, QPalette.ColorRole.Text, QPalette.ColorRole.ButtonText)


def palette(dark: bool) -> QPalette:
    """The palette of a theme; writing has a contrast of at least 4.5:1, also where a control is switched off."""
    made = QPalette()
    for role, color in (_DARK if dark else _LIGHT).items():
        made.setColor(role, QColor(color))
    for role in _WRITING:
        made.setColor(QPalette.ColorGroup.Disabled, role, QColor("#9aa0a8" if dark else "#5c626a"))
    return made


def wants_dark(theme: str) -> bool:
    """Whether `auto`, `dark` or `light` means dark here: `auto` asks the desktop."""
    if theme != "auto":
        return theme == "dark"
    hints = QGuiApplication.styleHints()
    return hints is not None and hints.colorScheme() == Qt.ColorScheme.Dark


def apply(application: QApplication, theme: str, scale: float = 1.0) -> None:
    """Style, palette and body font of the whole program; `scale` multiplies every font."""
    application.setStyle("Fusion")
    color(application, theme)
    application.setFont(font(BODY_PT * scale))


def color(application: QApplication, theme: str) -> None:
    """The colours of a theme, for what is there already too."""
    dark = wants_dark(theme)
    application.setPalette(palette(dark))
    boxes = palette(dark)
    if dark:  # the style outlines boxes in black, which does not show on a dark ground
        boxes.setColor(QPalette.ColorRole.Base, QColor("#454b54"))
    application.setPalette(boxes, "QCheckBox")  # type: ignore[arg-type]  # the stub says bytes, which are refused


def font(points: float, *, bold: bool = False) -> QFont:
    """The program's font in a size, points."""
    made = QFont(QApplication.font())
    made.setPointSizeF(points)
    made.setBold(bold)
    return made


def verdict_color(verdict: Verdict) -> QColor:
    """Blue, orange or grey."""
    return QColor(_COLORS[verdict])


def contrast(one: QColor, other: QColor) -> float:
    """Ratio of two colours' luminances, 1 to 21 (WCAG 2.2, definition of contrast ratio)."""
    bright, dim = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (bright + 0.05) / (dim + 0.05)


def ink_on(background: QColor) -> QColor:
    """Black or white, whichever reads better on a colour."""
    return max((QColor("#ffffff"), QColor("#101215")), key=lambda ink: contrast(ink, background))


def paint_verdict(painter: QPainter, rect: QRectF, verdict: Verdict, *, inverted: bool = False) -> None:
    """The verdict's sign, as large as fits into the middle of `rect`: a tick in a circle, a cross in an octagon, three
    dots in a square. Drawn, so that it looks alike whatever fonts are there. `inverted`: for a ground that has the
    verdict's colour."""
    color = verdict_color(verdict)
    body, sign = (ink_on(color), color) if inverted else (color, ink_on(color))
    side = min(rect.width(), rect.height())
    box = QRectF(rect.center().x() - side / 2, rect.center().y() - side / 2, side, side)
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(body)
    _paint_outline(painter, box, VERDICT_SHAPE[verdict][0])
    _paint_sign(painter, box, verdict, sign)
    painter.restore()


def _paint_outline(painter: QPainter, box: QRectF, shape: Shape) -> None:
    if shape == "circle":
        painter.drawEllipse(box)
    elif shape == "square":
        painter.drawRoundedRect(box, box.width() * 0.08, box.width() * 0.08)
    else:
        radius = box.width() / 2 / math.cos(math.pi / 8)
        turns = [math.pi / 8 + n * math.pi / 4 for n in range(8)]
        corners = [QPointF(math.cos(turn), math.sin(turn)) * radius + box.center() for turn in turns]
        painter.drawPolygon(QPolygonF(corners))


def _paint_sign(painter: QPainter, box: QRectF, verdict: Verdict, color: QColor) -> None:
    def at(x: float, y: float) -> QPointF:
        return QPointF(box.x() + x * box.width(), box.y() + y * box.height())

    pen = QPen(color, box.width() * 0.1)
    pen.setCapStyle(Qt.PenCapStyle.RoundCap)
    pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
    if verdict is Verdict.UNDECIDED:
        painter.setBrush(color)
        for x in (0.26, 0.5, 0.74):
            painter.drawEllipse(at(x, 0.5), box.width() * 0.065, box.width() * 0.065)
        return
    painter.setPen(pen)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    if verdict is Verdict.LIVE:
        painter.drawPolyline(QPolygonF([at(0.28, 0.53), at(0.44, 0.69), at(0.73, 0.34)]))
    else:
        painter.drawLine(at(0.32, 0.32), at(0.68, 0.68))
        painter.drawLine(at(0.68, 0.32), at(0.32, 0.68))


def _luminance(color: QColor) -> float:
    """Relative luminance of an sRGB colour, 0 to 1 (IEC 61966-2-1)."""
    channels = color.redF(), color.greenF(), color.blueF()
    linear = [c / 12.92 if c <= 0.04045 else math.pow((c + 0.055) / 1.055, 2.4) for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
