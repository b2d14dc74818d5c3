"""What the person in front of the camera sees: themselves in a mirror, one instruction, one verdict. No scores, no
name of an attack: both would teach an attacker."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from PySide6.QtCore import QEvent, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QImage, QLinearGradient, QPainter, QPaintEvent, QPen, QShowEvent
from PySide6.QtWidgets import QWidget

from app.guidance import GOOD_ZONE, Guidance, Icon, Instruction, Kind, Text, Timings
from app.kiosk.mirror import Oval, followed, mirror, oval
from app.kiosk.subject_icons import paint_icon
from app.kiosk.theme import LIVE, RECORDING, paint_verdict, verdict_color
from pipeline.parameters import Gate
from pipeline.runner import Shown, State, Trace

GROUND, BAND, INK, FAINT = QColor("#0d1218"), QColor("#141b24"), QColor("#ffffff"), QColor("#c3ccd8")
BLUE: Final = QColor(LIVE)
PICTURE_SHARE: Final = 0.68  # of the height
READABLE: Final = 0.05  # of the height: letters that are read from two metres
SMALLEST_PX: Final = 24
ALMOST: Final = 0.8
MIRRORLESS: Final = frozenset({Kind.IDLE, Kind.THANKS, Kind.PAUSE, Kind.WAIT, Kind.OUT_OF_ORDER})
"""Screens of words only."""


class SubjectView(QWidget):
    """Handed snapshots like every view. `new_visit` asks for the evidence to be forgotten (`Runner.forget`);
    `verdict_shown` tells of each verdict as it appears ("live", "attack", "undecided"). `cut_off` lists the texts of
    the last painting that did not fit."""

    new_visit = Signal()
    verdict_shown = Signal(str)

    def __init__(
        self,
        gate: Gate | None = None,
        timings: Timings | None = None,
        clock: Callable[[], float] = time.monotonic,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._timings, self._gate, self._clock = timings, gate, clock
        self._begin()
        self._recorded = self._simulated = False
        self.cut_off: list[str] = []
        self.setMinimumSize(640, 400)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._speak()

    def _begin(self) -> None:
        """Nobody was here yet."""
        self._guidance = Guidance(self._timings, self._gate)
        self._told = Instruction(Kind.IDLE, Text.WELCOME, Icon.FACE)
        self._number: int | None = None
        self._picture: QImage | None = None
        self._oval: Oval | None = None

    def showEvent(self, event: QShowEvent) -> None:
        """Who stands here now is not who stood here when the view was hidden."""
        self._begin()
        self._speak()
        self.new_visit.emit()
        super().showEvent(event)

    @property
    def told(self) -> Instruction:
        """What is shown now."""
        return self._told

    def sizeHint(self) -> QSize:
        return QSize(1280, 800)

    def refresh(self, shown: Shown | None, state: State, history: tuple[Trace, ...]) -> None:  # noqa: ARG002
        """Takes the newest snapshot; paints again where something has changed."""
        before = self._told
        self._told = self._guidance.update(self._clock(), None if shown is None else shown.result, state)
        recorded = state.take is not None and state.take.recording
        simulated = state.info is not None and state.info.origin == "simulated"
        changed = before != self._told or (recorded, simulated) != (self._recorded, self._simulated)
        self._recorded, self._simulated = recorded, simulated
        if shown is not None and shown.number != self._number:
            self._number = shown.number
            self._picture = mirror(shown)
            self._oval = followed(self._oval, oval(shown))
            changed = changed or self._told.kind not in MIRRORLESS
        if (before.text, before.remedy) != (self._told.text, self._told.remedy):
            self._speak()
            if self._told.verdict is not None:
                self.verdict_shown.emit(self._told.verdict.value)
        if self._told.new_visit:
            self.new_visit.emit()
        if changed:
            self.update()

    def words(self, text: Text) -> str:
        """A text in the user's language."""
        words: dict[Text, str] = {
            Text.WELCOME: self.tr("Please step in front of the camera"),
            Text.LOOK_HERE: self.tr("Please look at the camera"),
            Text.STEP_IN: self.tr("Please step in front of the camera"),
            Text.ONE_PERSON: self.tr("One person at a time, please"),
            Text.COME_CLOSER: self.tr("Please come closer"),
            Text.STEP_BACK: self.tr("Please step back a little"),
            Text.TO_THE_MIDDLE: self.tr("Please move to the middle"),
            Text.TURN_HERE: self.tr("Please face the camera"),
            Text.MORE_LIGHT: self.tr("Please turn on a light"),
            Text.TOO_DIM: self.tr("Too dark: please come a little closer"),
            Text.TOO_BRIGHT: self.tr("Too bright: please step back a little"),
            Text.LIGHT_BEHIND: self.tr("Strong light behind you: please move aside"),
            Text.UNCOVER: self.tr("Please uncover your face"),
            Text.HOLD_STILL: self.tr("Please hold still"),
            Text.WORKING: self.tr("Checking – please hold still"),
            Text.LIVE: self.tr("Live"),
            Text.ATTACK: self.tr("Attack suspected"),
            Text.NOT_DECIDED: self.tr("Not decided:"),
            Text.TRY_AGAIN: self.tr("Please try again"),
            Text.THANKS: self.tr("Thank you"),
            Text.PAUSE: self.tr("Please wait a moment"),
            Text.ONE_MOMENT: self.tr("One moment, please"),
            Text.OUT_OF_ORDER: self.tr("Out of order"),
        }
        return words[text]

    def notes(self, text: Text) -> str:
        """The second line of the screens of words, "" without one."""
        notes: dict[Text, str] = {
            Text.WELCOME: self.tr("Look at the camera. It takes a few seconds."),
            Text.THANKS: self.tr("You can step away now."),
            Text.PAUSE: self.tr("The next try will be possible shortly."),
            Text.ONE_MOMENT: self.tr("The camera is being connected."),
            Text.OUT_OF_ORDER: self.tr("Please ask the staff for help."),
        }
        return notes.get(text, "")

    def privacy(self) -> str:
        """What becomes of the pictures."""
        told: str = self.tr("You are being recorded") if self._recorded else self.tr("Nothing is stored")
        return told

    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.LanguageChange:
            self._speak()
            self.update()
        super().changeEvent(event)

    def _speak(self) -> None:
        """For screen readers."""
        told = self.words(self._told.text)
        more = self.words(self._told.remedy) if self._told.remedy else self.notes(self._told.text)
        self.setAccessibleName(self.tr("What to do"))
        self.setAccessibleDescription(f"{told} {more}".strip())

    # -- painting ----------------------------------------------------------------------------------------------------

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        self.cut_off = []
        whole = QRectF(self.rect())
        ground = QLinearGradient(whole.topLeft(), whole.bottomLeft())
        ground.setColorAt(0.0, QColor("#16222f"))
        ground.setColorAt(1.0, GROUND)
        painter.fillRect(whole, ground)
        if self._told.kind in MIRRORLESS or self._picture is None:
            self._paint_words(painter, whole)
        else:
            self._paintmirror(painter, whole)
            self._paint_band(painter, whole)
        self._paint_corners(painter, whole)
        painter.end()

    @property
    def _unit(self) -> float:
        """What sizes of letters are shares of: the height, less in a portrait window."""
        return min(self.height(), 0.65 * self.width())

    def _paint_words(self, painter: QPainter, whole: QRectF) -> None:
        """A calm screen: a sign, a line, a smaller line."""
        height, told = whole.height(), self._told
        sign = QRectF(0, 0.14 * height, whole.width(), 0.3 * height)
        paint_icon(painter, sign, told.icon, FAINT)
        if told.progress is not None:
            _ring(painter, _square(sign, 1.3), told.progress)
        column = whole.adjusted(0.06 * whole.width(), 0, -0.06 * whole.width(), 0)
        title = QRectF(column.x(), 0.51 * height, column.width(), 0.17 * height)
        note = QRectF(column.x(), 0.69 * height, column.width(), 0.13 * height)
        self._write(painter, title, self.words(told.text), 0.085, READABLE, INK, bold=True)
        self._write(painter, note, self.notes(told.text), 0.045, 0.035, FAINT)

    def _paintmirror(self, painter: QPainter, whole: QRectF) -> None:
        assert self._picture is not None
        margin = 0.03 * whole.height()
        room = QRectF(0, margin, whole.width(), PICTURE_SHARE * whole.height() - margin)
        scale = min((whole.width() - 2 * margin) / self._picture.width(), room.height() / self._picture.height())
        width, height = scale * self._picture.width(), scale * self._picture.height()
        place = QRectF(room.center().x() - width / 2, room.center().y() - height / 2, width, height)
        painter.drawImage(place, self._picture)
        verdict = self._told.verdict
        if verdict is not None:
            frame = QPen(verdict_color(verdict), 0.012 * whole.height())
            frame.setJoinStyle(Qt.PenJoinStyle.MiterJoin)
            painter.setPen(frame)
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(place)
        painter.save()
        painter.setClipRect(place)
        self._paint_oval(painter, place)
        painter.restore()

    def _paint_oval(self, painter: QPainter, place: QRectF) -> None:
        """Around the face, or in the middle where one should be; blue while all is well."""
        told = self._told
        x, y, side = self._oval or (0.5, 0.5 * place.height() / place.width(), 0.32)
        side *= place.width()
        box = QRectF(0, 0, 1.0 * side, 1.32 * side)
        box.moveCenter(place.topLeft() + QRectF(0, 0, x * place.width(), y * place.width()).bottomRight())
        color = INK
        if told.verdict is not None:
            color = verdict_color(told.verdict)
        elif told.kind is Kind.WORKING:
            color = BLUE
        pen = QPen(color, max(5.0, 0.013 * place.height()))
        if self._oval is None:
            pen.setStyle(Qt.PenStyle.DashLine)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(QColor(0, 0, 0, 130), pen.widthF() + 4))  # so that it shows on a bright wall
        painter.drawEllipse(box)
        painter.setPen(pen)
        painter.drawEllipse(box)

    def _paint_band(self, painter: QPainter, whole: QRectF) -> None:
        """The instruction or the verdict: sign, words, and the bar of the distance where it matters."""
        told, height = self._told, whole.height()
        band = whole.adjusted(0, (PICTURE_SHARE + 0.03) * height, 0, 0)
        painter.fillRect(band, BAND)
        if told.verdict is not None:
            edge = QRectF(band.x(), band.y(), band.width(), 0.012 * height)
            painter.fillRect(edge, verdict_color(told.verdict))
        side = 0.16 * self._unit
        sign = QRectF(0.04 * whole.width(), band.center().y() - side / 2, side, side)
        if told.verdict is not None:
            paint_verdict(painter, sign, told.verdict)
        else:
            paint_icon(painter, sign, told.icon, INK)
            if told.progress is not None:
                _ring(painter, _square(sign, 1.1), told.progress)
        left = sign.right() + 0.05 * self._unit
        room = QRectF(left, band.y() + 0.03 * height, whole.right() - 0.04 * whole.width() - left, 0.235 * height)
        if told.remedy is not None:
            upper, lower = room.adjusted(0, 0, 0, -0.64 * room.height()), room.adjusted(0, 0.36 * room.height(), 0, 0)
            self._write(painter, upper, self.words(told.text), 0.06, READABLE, INK, bold=True, left=True)
            self._write(painter, lower, self.words(told.remedy), 0.06, READABLE, INK, left=True)
        elif told.text in (Text.COME_CLOSER, Text.STEP_BACK) and told.distance is not None:
            upper, lower = room.adjusted(0, 0, 0, -0.4 * room.height()), room.adjusted(0, 0.65 * room.height(), 0, 0)
            self._write(painter, upper, self.words(told.text), 0.07, READABLE, INK, bold=True, left=True)
            self._paint_distance(painter, lower, told.distance)
        else:
            size = 0.11 if told.verdict is not None else 0.075
            self._write(painter, room, self.words(told.text), size, READABLE, INK, bold=True, left=True)

    def _paint_distance(self, painter: QPainter, room: QRectF, distance: float) -> None:
        """Near on the left, far on the right, the good part blue, the person a white disc."""
        labels = self.tr("near"), self.tr("far")
        font = _font(max(SMALLEST_PX, 0.035 * self._unit))
        widths = [QFontMetricsF(font).horizontalAdvance(label) for label in labels]
        gap, thick = 0.02 * self._unit, 0.028 * self._unit
        bar = QRectF(room.x() + widths[0] + gap, room.center().y() - thick / 2, 0, thick)
        bar.setWidth(min(0.9 * self.height(), room.width() - sum(widths) - 2 * gap))
        painter.setFont(font)
        painter.setPen(FAINT)
        middle = Qt.AlignmentFlag.AlignVCenter
        painter.drawText(room, middle | Qt.AlignmentFlag.AlignLeft, labels[0])
        painter.drawText(QRectF(bar.right() + gap, room.y(), widths[1] + 4, room.height()), middle, labels[1])
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor("#4a5563"))
        painter.drawRoundedRect(bar, thick / 2, thick / 2)
        painter.setBrush(BLUE)
        low, high = GOOD_ZONE
        painter.drawRect(QRectF(bar.x() + low * bar.width(), bar.y(), (high - low) * bar.width(), thick))
        spot = QRectF(0, 0, 1.7 * thick, 1.7 * thick)
        spot.moveCenter(bar.center())
        spot.moveLeft(bar.x() + distance * bar.width() - spot.width() / 2)
        painter.setBrush(INK)
        painter.setPen(QPen(GROUND, 0.2 * thick))
        painter.drawEllipse(spot)

    def _paint_corners(self, painter: QPainter, whole: QRectF) -> None:
        """What becomes of the pictures, and whether they are a camera's at all."""
        share = 0.032
        size = max(float(SMALLEST_PX), share * self._unit)
        mirror = self._told.kind not in MIRRORLESS and self._picture is not None
        if self._recorded:
            banner = QRectF(whole.x(), whole.y(), whole.width(), 1.9 * size)
            painter.fillRect(banner, QColor(RECORDING))
            self._write(painter, banner, self.privacy(), share, 0.0, INK, bold=True)
        elif not mirror:
            line = QRectF(whole.x(), whole.bottom() - 0.11 * whole.height(), whole.width(), 2 * size)
            self._write(painter, line, self.privacy(), share, 0.0, FAINT)
        if self._simulated and mirror:
            note = self.tr("Simulated")
            painter.setFont(_font(size))
            painter.setPen(FAINT)
            corner = whole.adjusted(size, (2.2 if self._recorded else 0.8) * size, -size, 0)
            painter.drawText(corner, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignTop, note)

    def _write(
        self, painter: QPainter, room: QRectF, text: str, size: float, least: float, ink: QColor,
        *, bold: bool = False, left: bool = False,
    ) -> None:  # fmt: skip
        """Words as large as fit into `room`, from `size` down to `least` units, never below 24 px."""
        if not text:
            return
        side = Qt.AlignmentFlag.AlignLeft if left else Qt.AlignmentFlag.AlignHCenter
        flags = int(side | Qt.AlignmentFlag.AlignVCenter) | int(Qt.TextFlag.TextWordWrap)
        pixels = max(float(SMALLEST_PX), size * self._unit)
        least_px = max(float(SMALLEST_PX), least * self._unit)
        one_line = room.width() / QFontMetricsF(_font(pixels, bold)).horizontalAdvance(text)
        if ALMOST <= one_line < 1:  # a little smaller on one line rather than a word alone on the next
            pixels = max(least_px, one_line * pixels - 1)
        while not _fits(text, pixels, bold, room, flags):
            if pixels <= least_px:
                self.cut_off.append(text)
                break
            pixels = max(least_px, pixels - 2)
        painter.setFont(_font(pixels, bold))
        painter.setPen(ink)
        painter.drawText(room, flags, text)


def _fits(text: str, pixels: float, bold: bool, room: QRectF, flags: int) -> bool:
    needed = QFontMetricsF(_font(pixels, bold)).boundingRect(room, flags, text)
    return bool(needed.width() <= room.width() + 0.5 and needed.height() <= room.height() + 0.5)


def _font(pixels: float, bold: bool = False) -> QFont:
    font = QFont()
    font.setPixelSize(round(pixels))
    font.setBold(bold)
    return font


def _square(rect: QRectF, factor: float) -> QRectF:
    side = factor * min(rect.width(), rect.height())
    square = QRectF(0, 0, side, side)
    square.moveCenter(rect.center())
    return square


def _ring(painter: QPainter, box: QRectF, share: float) -> None:
    """How far it is, clockwise from the top."""
    width = 0.045 * box.width()
    for color, span in ((QColor("#3a4553"), 1.0), (BLUE, share)):
        pen = QPen(color, width)
        pen.setCapStyle(Qt.PenCapStyle.RoundCap)
        painter.setPen(pen)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawArc(box, 90 * 16, -round(span * 360 * 16))
