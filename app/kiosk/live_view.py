"""What the camera sees now: colour, depth and infrared side by side on one grid, with what is measured in them."""

from __future__ import annotations

import math

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QCoreApplication, QEvent, QPointF, QSignalBlocker, QSize, Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QSizePolicy, QSpinBox, QVBoxLayout, QWidget

from app.kiosk import theme
from app.kiosk.greeting import patience
from app.kiosk.language import written
from app.kiosk.panes import Pane, marks_of
from app.kiosk.pictures import Pictures, pictures, turbo_colors
from pipeline.runner import Shown, State, Trace

STALE_S = 0.5
LIMITS_MM = (100, 10_000)
STEP_MM = 10


class LiveView(QWidget):
    """Three linked pictures, a readout and a status line. GUI thread; `near_m` and `far_m` are the depth scale's ends
    and what its reset goes back to: the working distance of the model.
    """

    def __init__(
        self, near_m: float = 0.3, far_m: float = 1.3, parent: QWidget | None = None, *, tall: bool = False
    ) -> None:
        """`tall`: colour above the two others, for a narrow place; the depth scale is then not set here."""
        super().__init__(parent)
        self._tall = tall
        self._working_mm = (round(near_m * 1000), round(far_m * 1000))
        self._painted: tuple[int, float] | None = None  # numbers begin anew with every source
        self._pictures: Pictures | None = None
        self._cursor: tuple[int, int] | None = None
        self._color = Pane(self.tr("Colour"))
        self._depth = Pane(self.tr("Depth, mm"), fine=True)
        self._infrared = Pane(self.tr("Infrared"), fine=True)
        self._panes = (self._color, self._depth, self._infrared)
        self._scale = self._made_scale()
        self._view = self._made_view()
        self._readout = QLabel()
        self._readout.setAccessibleName(self.tr("Values under the cursor"))
        self._range = [self._made_limit(name) for name in (self.tr("Depth scale from"), self.tr("Depth scale to"))]
        self._status = Rates(small=tall)
        self._lay_out()
        self._restyle()
        self.set_range(*self._working_mm)
        self._show_readout()

    def refresh(self, shown: Shown | None, state: State, history: tuple[Trace, ...]) -> None:  # noqa: ARG002
        """Shows a snapshot; a frame set that is already painted is not painted again."""
        if shown is not None and (shown.number, shown.judged_s) != self._painted:
            self._painted = shown.number, shown.judged_s
            self._paint(shown)
        self._note(shown, state)
        self._status.refresh(state)

    @property
    def range_mm(self) -> tuple[int, int]:
        """Ends of the depth scale."""
        return self._range[0].value(), self._range[1].value()

    def set_range(self, near_mm: int, far_mm: int) -> None:
        """Sets the depth scale, at least one step wide, and paints depth anew."""
        near = min(max(near_mm, LIMITS_MM[0]), LIMITS_MM[1] - STEP_MM)
        far = min(max(far_mm, near + STEP_MM), LIMITS_MM[1])
        for box, value in zip(self._range, (near, far), strict=True):
            with QSignalBlocker(box):
                box.setValue(value)
        with QSignalBlocker(self._scale):
            self._scale.setLevels((near, far))
        self._paint_depth()

    def point_to(self, pixel: tuple[int, int] | None) -> None:
        """Puts the cross-hair on a pixel of the upright colour grid, None takes it away."""
        self._cursor = pixel
        for pane in self._panes:
            pane.point_to(pixel)
        self._show_readout()

    def readout(self) -> str:
        """The values under the cross-hair in words, empty without one."""
        reading = None if self._cursor is None or self._pictures is None else self._pictures.at(*self._cursor)
        if reading is None:
            return ""
        depth = self.tr("no return") if reading.depth_mm is None else self.tr("%n mm", "", round(reading.depth_mm))
        infrared = "–" if reading.infrared is None else f"{reading.infrared:.0f}"
        color = "–" if reading.rgb is None else "{} {} {}".format(*reading.rgb)
        words = str(self.tr("x {0}   y {1}   depth {2}   IR {3}   RGB {4}"))
        return words.format(reading.x, reading.y, depth, infrared, color)

    def sizeHint(self) -> QSize:
        """Three pictures of 4:3 side by side, readout and status below them."""
        return QSize(1600, 440)

    def _paint(self, shown: Shown) -> None:
        made = self._pictures = pictures(shown.frame_set)
        size = (made.width, made.height)
        self._color.show_picture(made.color, size)
        self._infrared.show_picture(made.infrared, size)
        self._paint_depth()
        distance_m = shown.result.distance_m
        marks = marks_of(made, shown.result, "" if distance_m is None else f"{distance_m * 1000:.0f} mm")
        for pane in self._panes:
            pane.show_marks(marks)
        self._show_readout()

    def _paint_depth(self) -> None:
        if self._pictures is not None:
            near, far = self.range_mm
            picture = self._pictures.depth(near / 1000, far / 1000)
            self._depth.show_picture(picture, (self._pictures.width, self._pictures.height))

    def _note(self, shown: Shown | None, state: State) -> None:
        made = self._pictures
        absent = (True,) * 3 if made is None else (made.color is None, made.depth_mm is None, made.infrared is None)
        old, urgent = self._old(state) if shown is not None else ("", False)
        none = patience() if shown is None and state.phase == "opening" else self.tr("no picture")
        for pane, missing in zip(self._panes, absent, strict=True):
            words = old if urgent or pane is self._color else ""  # an alarm on every picture, a remark once
            pane.note.say(none if missing else words, urgent=urgent and not missing, empty=missing)

    def _old(self, state: State) -> tuple[str, bool]:
        """What is to be said on the picture itself about its age, empty while it is fresh, and whether that alarms."""
        if state.phase == "ended":
            return self.tr("the recording is over"), False
        if state.phase in {"failed", "closed"}:
            return self.tr("stopped"), True
        if state.phase != "waiting" and not state.age_s > STALE_S:
            return "", False
        if not math.isfinite(state.age_s):
            return self.tr("stale picture"), True
        return self.tr("stale picture: {0} s old").format(written(state.age_s, 1)), True

    def _show_readout(self) -> None:
        words = self.readout()
        self._readout.setText(words or self.tr("Point at a picture to read its values. Double click shows all of it."))

    def _made_scale(self) -> pg.ColorBarItem:
        colors = turbo_colors()
        ramp = pg.ColorMap(np.linspace(0, 1, len(colors)), colors)
        scale = pg.ColorBarItem(values=self._working_mm, colorMap=ramp, width=14, limits=LIMITS_MM, rounding=STEP_MM)
        scale.layout.setContentsMargins(0, 10, 0, 10)  # room for half of the outermost numbers
        scale.sigLevelsChanged.connect(lambda bar: self.set_range(*(round(v) for v in bar.levels())))
        return scale

    def _made_view(self) -> pg.GraphicsLayoutWidget:
        view = pg.GraphicsLayoutWidget()
        view.ci.layout.setSpacing(6)
        view.ci.layout.setContentsMargins(0, 0, 0, 0)
        self._place(view)
        for pane in self._panes:
            pane.sigRangeChangedManually.connect(lambda *_, moved=pane: self._follow(moved))
        view.scene().sigMouseMoved.connect(self._moved)
        view.setMinimumHeight(220)
        view.setAccessibleName(self.tr("Colour, depth and infrared"))
        view.viewport().installEventFilter(self)
        return view

    def _place(self, view: pg.GraphicsLayoutWidget) -> None:
        """Side by side, or colour large above the two others."""
        items = [self._color, self._depth, self._scale, self._infrared]
        wide = (0, 1, 3)
        if self._tall:
            view.addItem(items.pop(0), row=0, col=0, colspan=3)
            view.ci.layout.setRowStretchFactor(0, 3)
            view.ci.layout.setRowStretchFactor(1, 2)
            wide = (0, 2, 2)
        for column, item in enumerate(items):
            view.addItem(item, row=int(self._tall), col=column)
        for column in wide:
            view.ci.layout.setColumnStretchFactor(column, 1)
            view.ci.layout.setColumnPreferredWidth(column, 400)

    def _made_limit(self, name: str) -> QSpinBox:
        box = QSpinBox()
        box.setRange(*LIMITS_MM)
        box.setSingleStep(STEP_MM * 5)
        box.setSuffix(" mm")
        box.setKeyboardTracking(False)
        box.setAccessibleName(name)
        box.setToolTip(name)
        box.valueChanged.connect(lambda _: self.set_range(*self.range_mm))
        return box

    def _lay_out(self) -> None:
        row = QHBoxLayout()
        row.addWidget(self._readout, 1)
        for part in () if self._tall else self._scale_parts():
            row.addWidget(part)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addWidget(self._view, 1)
        column.addLayout(row)
        column.addWidget(self._status)
        if self._tall:  # words must not widen a narrow place
            self._readout.setFont(theme.font(theme.SMALL_PT))
            self._readout.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)

    def _scale_parts(self) -> tuple[QWidget, ...]:
        reset = QPushButton(self.tr("Working distance"))
        reset.setToolTip(self.tr("Depth scale back to the distances at which faces are judged"))
        reset.clicked.connect(lambda: self.set_range(*self._working_mm))
        return QLabel(self.tr("Depth scale")), self._range[0], QLabel("–"), self._range[1], reset

    def _follow(self, moved: Pane) -> None:
        for pane in self._panes:
            if pane is not moved:
                pane.setRange(moved.viewRect(), padding=0.0)

    def _moved(self, point: QPointF) -> None:
        found = next((pixel for pane in self._panes if (pixel := pane.pixel_at(point))), None)
        if found != self._cursor:
            self.point_to(found)

    def _restyle(self) -> None:
        self._view.setBackground(self.palette().window().color())
        ink = self.palette().windowText().color()
        self._scale.axis.setPen(ink)
        self._scale.axis.setTextPen(ink)

    def eventFilter(self, watched: object, event: QEvent) -> bool:  # noqa: ARG002
        if event.type() == QEvent.Type.Leave:
            self.point_to(None)
        return False

    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.PaletteChange:
            self._restyle()
        super().changeEvent(event)


class Rates(QWidget):
    """How fast and how fresh, each number on its own: what arrives, what is judged, what got lost on the way."""

    def __init__(self, parent: QWidget | None = None, *, small: bool = False) -> None:
        super().__init__(parent)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(10 if small else 18)
        self._fields = [QLabel() for _ in range(5)]
        self._trouble = QLabel()
        for field, tip in zip(self._fields, self._tips(), strict=True):
            field.setToolTip(tip)
            row.addWidget(field)
        row.addWidget(self._trouble, 1)
        self._trouble.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        for label in (*self._fields, self._trouble) if small else ():
            label.setFont(theme.font(theme.SMALL_PT))
        self._trouble.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self._trouble.setAccessibleName(self.tr("Trouble"))
        self._said: tuple[str, ...] = ()

    def _tips(self) -> tuple[str, ...]:
        return (
            self.tr("Frame sets that arrived from the camera"),
            self.tr("Frame sets that got a verdict"),
            self.tr("Frame sets that the camera lost"),
            self.tr("Frame sets that came faster than they could be judged"),
            self.tr("From the arrival of the frame set that is shown to now"),
        )

    def refresh(self, state: State) -> None:
        """Shows the numbers of a state."""
        over = state.phase in {"ended", "failed", "closed"}  # nothing comes any more: no rate, and no age that grows
        age = "–" if over or not math.isfinite(state.age_s) else f"{state.age_s * 1000:.0f} ms"
        for field in (self._fields[0], self._fields[1], self._fields[4]):
            field.setEnabled(not over)
        said = (
            self.tr("camera {0} sets/s").format("–" if over else written(state.delivered_fps, 1)),
            self.tr("judged {0} sets/s").format("–" if over else written(state.judged_fps, 1)),
            self.tr("lost {0}").format(state.lost),
            self.tr("passed over {0}").format(state.passed_over),
            self.tr("age {0}").format(age),
            state.trouble or self._doubt(state) or _phase_words(state.phase),
        )
        if said == self._said:
            return
        self._said = said
        for label, words in zip((*self._fields, self._trouble), said, strict=True):
            label.setText(words)
            label.setMinimumWidth(max(label.minimumWidth(), label.sizeHint().width()))  # nothing jumps to and fro
        self._trouble.setMinimumWidth(0)
        self._trouble.setToolTip(said[-1])
        urgent = state.trouble is not None
        self._trouble.setStyleSheet(f"color: {QColor(theme.ATTACK).name()}; font-weight: 600" if urgent else "")

    def _doubt(self, state: State) -> str:
        """Why reflectance may be missing though the camera runs: its projector is not as it says."""
        disputed = state.health.disputed if state.health and state.phase == "running" else 0
        return str(self.tr("projector not as told in {n} infrared pictures").format(n=disputed)) if disputed else ""


def _phase_words(phase: str) -> str:
    words = {
        "opening": QCoreApplication.translate("Rates", "opening the camera"),
        "running": "",
        "waiting": QCoreApplication.translate("Rates", "waiting for the camera"),
        "ended": "",  # stands on the picture already
        "failed": QCoreApplication.translate("Rates", "stopped after a failure"),
        "closed": QCoreApplication.translate("Rates", "closed"),
    }
    return words[phase]
