"""The last 20 seconds: scores against their thresholds, verdicts, and where the time of a frame goes. GUI thread."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QRectF, Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from app.kiosk import theme
from app.kiosk.language import written
from app.kiosk.stages import place_of
from pipeline.parameters import Thresholds
from pipeline.result import Verdict
from pipeline.runner import Trace

U8 = NDArray[np.uint8]

SPAN_S = 20.0
COLUMNS = 400
ROWS = 60
TOPS_MS = (10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0, 2000.0, 5000.0, 10_000.0, 30_000.0)
HEADROOM = 1.2  # above the highest number, so that it is not cut off
SPARE = 1.25  # room that a smaller scale must leave
D_NET = "#12a594"
M_NET = "#b06be0"
TICKS = (0.001, 0.5, 0.999)
STAGES = {
    "face": "#6e7f91",
    "register": "#9db2c6",
    "gate": "#d8cf8e",
    "depth_stage": "#0d8577",
    "d_net": D_NET,
    "reflectance_stage": "#8447b3",
    "m_net": M_NET,
}
BLANK = (0, 0, 0, 0)


class Plots(QWidget):
    """Two plots over one time axis, seconds before the newest verdict. Keeps nothing but what is drawn."""

    def __init__(self, thresholds: Thresholds, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._scores = pg.PlotWidget()
        self._times = pg.PlotWidget()
        self._curves = {
            "d_net": pg.PlotCurveItem(pen=pg.mkPen(D_NET, width=1), connect="finite"),
            "m_net": pg.PlotCurveItem(pen=pg.mkPen(M_NET, width=1), connect="finite"),
        }
        self._dots = {
            name: pg.ScatterPlotItem(size=4, pen=None, brush=c) for name, c in (("d_net", D_NET), ("m_net", M_NET))
        }
        self._strip = pg.ImageItem(axisOrder="row-major")
        self._stack = pg.ImageItem(axisOrder="row-major")
        self._limits = [
            pg.InfiniteLine(place_of(limit), angle=0, pen=pg.mkPen(color, style=Qt.PenStyle.DashLine))
            for limit, color in ((thresholds.d_net, D_NET), (thresholds.m_net, M_NET))
        ]
        self._top_ms = 10.0
        self._set_up()
        self._lay_out()
        self._restyle()

    def show_history(self, history: Sequence[Trace]) -> None:
        """Draws what of the traces lies within the last `SPAN_S` seconds."""
        if not history:
            return
        now = history[-1].judged_s
        kept = [trace for trace in history if now - trace.judged_s <= SPAN_S]
        times = np.array([trace.judged_s - now for trace in kept])
        for name, curve in self._curves.items():
            scores = [getattr(trace, name) for trace in kept]
            places = np.array([np.nan if score is None else place_of(score) for score in scores])
            places[np.diff(times, prepend=times[0]) > 1.0] = np.nan  # no line across a pause
            curve.setData(times, places)
            known = np.isfinite(places)
            self._dots[name].setData(times[known][-1:], places[known][-1:])
        columns = np.clip(((times + SPAN_S) / SPAN_S * COLUMNS).astype(int), 0, COLUMNS - 1)
        self._strip.setImage(_strip(kept, columns), autoLevels=False)
        self._strip.setRect(QRectF(-SPAN_S, -0.45, SPAN_S, 0.42))
        self._show_stack(kept, columns)

    def _show_stack(self, kept: Sequence[Trace], columns: NDArray[np.int_]) -> None:
        told = np.array([[dict(trace.stage_ms).get(name, 0.0) for name in STAGES] for trace in kept])
        sums = np.cumsum(told, axis=1)
        highest = float(np.percentile(sums[:, -1], 95))
        top_ms = top_for(highest, self._top_ms)
        if top_ms != self._top_ms:  # only then: axes take long to draw
            self._top_ms = top_ms
            self._scale_times()
        rows = (np.arange(ROWS) + 0.5) / ROWS * self._top_ms
        colors = np.array([*(QColor(c).getRgb() for c in STAGES.values()), BLANK], np.uint8)
        filled = _held(columns)
        index = (rows[:, None, None] >= sums[None]).sum(axis=2)
        picture = colors[index][:, np.maximum(filled, 0)]
        picture[:, filled < 0] = BLANK
        self._stack.setImage(picture, autoLevels=False)
        self._stack.setRect(QRectF(-SPAN_S, 0, SPAN_S, self._top_ms))

    def _scale_times(self) -> None:
        self._times.setYRange(0, self._top_ms * HEADROOM, padding=0)
        marks = (0.0, self._top_ms / 2, self._top_ms)
        self._times.getAxis("left").setTicks([[(mark, f"{mark:g}") for mark in marks]])

    def _set_up(self) -> None:
        for plot in (self._scores, self._times):
            plot.setMenuEnabled(False)
            plot.setMouseEnabled(x=False, y=False)
            plot.hideButtons()
            # pyqtgraph would like 480 pixels for each; the camera's pictures need them more.
            plot.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Ignored)
            plot.setXRange(-SPAN_S, 0, padding=0)
            plot.getAxis("left").setWidth(52)
        self._scores.setMinimumHeight(92)
        self._times.setMinimumHeight(56)
        for item in (self._strip, *self._curves.values(), *self._dots.values(), *self._limits):
            self._scores.addItem(item, ignoreBounds=True)
        self._scores.setYRange(-0.47, 1.04, padding=0)
        ticks = [(place_of(score), written(score, 3, significant=True)) for score in TICKS]
        self._scores.getAxis("left").setTicks([[*ticks, (-0.13, self.tr("session")), (-0.35, self.tr("frame"))]])
        self._scores.getAxis("bottom").setStyle(showValues=False)
        self._times.addItem(self._stack, ignoreBounds=True)
        self._scale_times()
        self._scores.setAccessibleName(self.tr("Scores of the last 20 seconds"))
        self._times.setAccessibleName(self.tr("Time per stage of the last 20 seconds"))

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        names = {
            "face": self.tr("face"),
            "register": self.tr("registration"),
            "gate": self.tr("gate"),
            "depth_stage": self.tr("depth stage"),
            "d_net": self.tr("D-Net"),
            "reflectance_stage": self.tr("reflectance stage"),
            "m_net": self.tr("M-Net"),
        }
        scores = ((D_NET, self.tr("D-Net")), (M_NET, self.tr("M-Net")))
        head = QLabel(self.tr("The last 20 seconds"))
        head.setFont(theme.font(theme.BODY_PT, bold=True))
        first = _legend(self.tr("attack score (log odds), dashed: rejects from"), scores)
        first.insertWidget(0, head)
        column.addLayout(first)
        column.addWidget(self._scores, 5)
        stages = [(color, names[name]) for name, color in STAGES.items()]
        column.addLayout(_legend(self.tr("ms per frame"), stages))
        column.addWidget(self._times, 2)

    def _restyle(self) -> None:
        ink, faint = self.palette().windowText().color(), QColor(theme.UNDECIDED)
        for plot in (self._scores, self._times):
            plot.setBackground(self.palette().base().color())
            for side in ("left", "bottom"):
                plot.getAxis(side).setPen(faint)
                plot.getAxis(side).setTextPen(ink)
                plot.getAxis(side).setTickFont(theme.font(theme.SMALL_PT - 1))

    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.PaletteChange:
            self._restyle()
        super().changeEvent(event)


def top_for(highest_ms: float, top_ms: float) -> float:
    """Where a scale that ends at `top_ms` should end: it grows with the highest number at once, and shrinks only once
    that is well below the end that it then gets, so that it does not flicker between the two."""
    fitting, roomy = (next((top for top in TOPS_MS if top >= h), TOPS_MS[-1]) for h in (highest_ms, SPARE * highest_ms))
    return fitting if fitting > top_ms else min(roomy, top_ms)


def _legend(title: str, entries: Sequence[tuple[str, str]]) -> QHBoxLayout:
    row = QHBoxLayout()
    row.setSpacing(10)
    row.addWidget(_small(title))
    for color, words in entries:
        row.addWidget(_small(f'<span style="color:{color}">■</span> {words}'))
    row.addStretch(1)
    return row


def _small(words: str) -> QLabel:
    label = QLabel(words)
    label.setFont(theme.font(theme.SMALL_PT))
    label.setMinimumWidth(1)  # a narrow window cuts a legend off, it does not grow by it
    return label


def _held(columns: NDArray[np.int_]) -> NDArray[np.int_]:
    """For each column the newest trace at or before it, −1 before the first: a slow rate leaves no gaps."""
    return np.searchsorted(columns, np.arange(COLUMNS), side="right") - 1


def _strip(kept: Sequence[Trace], columns: NDArray[np.int_]) -> U8:
    """Verdicts by column, uint8 [2, COLUMNS, 4]: of the frame below, of the session above."""
    colors = {str(v): theme.verdict_color(v).getRgb() for v in Verdict}
    told = np.array([[colors[str(t.verdict)] for t in kept], [colors[str(t.session_verdict)] for t in kept]], np.uint8)
    filled = _held(columns)
    picture = told[:, np.maximum(filled, 0)]
    picture[:, filled < 0] = BLANK
    return picture
