"""Why this verdict: the cascade from left to right, what each stage was shown, what it answered, how it went on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QCoreApplication, Qt, QTimer
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from app.kiosk import theme
from app.kiosk.bars import STALE_S
from app.kiosk.language import written
from app.kiosk.plots import Plots
from app.kiosk.stages import Gauge, PatchMap, SessionBar, Tiles, VerdictSign
from pipeline.parameters import BundleDescription
from pipeline.result import REASON_TEXT, Prepared, Reason, Result, Verdict
from pipeline.runner import Shown, State, Trace
from pipeline.temporal import SequentialTest

U8 = NDArray[np.uint8]

PLOTS_EVERY_MS = 100
ROWS = (4, 5)
"""Shares of the height: the stages, and below them patches and plots."""


class WhyView(QWidget):
    """Stages of the cascade, the patches of the face and the last 20 seconds. GUI thread."""

    def __init__(self, description: BundleDescription, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._description = description
        self._painted: tuple[int, float] | None = None
        self._history: tuple[Trace, ...] | None = None  # not drawn yet
        self._pause = QTimer(self, singleShot=True, interval=PLOTS_EVERY_MS)
        self._pause.timeout.connect(self._plot)
        thresholds = description.thresholds
        self._d_tiles = Tiles(
            (self.tr("F1 relief"), self.tr("F2 size"), self.tr("F3 angle")),
            (
                self.tr("Depth between the nearest and the farthest point of the face"),
                self.tr("Depth on a fixed scale of millimetres: a shrunken face shows"),
                self.tr("Angle of the surface to the plane of the face"),
            ),
        )
        self._m_tiles = Tiles(
            (self.tr("colour"), self.tr("infrared"), self.tr("sum"), self.tr("difference")),
            (
                self.tr("Colour as M-Net sees it"),
                self.tr("Infrared as if the face were at one distance"),
                self.tr("Colour plus infrared"),
                self.tr("Colour minus infrared: skin differs from paper, screens and most masks"),
            ),
        )
        self._d_gauge, self._m_gauge = Gauge("D-Net", thresholds.d_net), Gauge("M-Net", thresholds.m_net)
        self._d_time, self._m_time = _faint(), _faint()
        self._sign, self._frame_sign = VerdictSign(), VerdictSign(small=True)  # what counts is the visit's
        self._session = SessionBar(SequentialTest(description.session).bounds)
        self._facts = _faint()
        self._patches = PatchMap(description.patches)
        self._plots = Plots(thresholds)
        self._lay_out()

    def refresh(self, shown: Shown | None, state: State, history: tuple[Trace, ...]) -> None:
        """Shows a snapshot; a frame set that is already painted is not painted again. Of a source that is gone, or a
        picture long gone, no verdict stands.
        """
        old = state.phase == "running" and state.age_s > STALE_S
        if shown is None or state.phase not in ("running", "ended") or old:
            self._take_back()
            return
        if (shown.number, shown.judged_s) == self._painted:
            return
        self._painted = shown.number, shown.judged_s
        self._paint_stages(shown.result)
        self._paint_session(shown.result)
        self._history = history
        if not self._pause.isActive():
            self._plot()

    def _take_back(self) -> None:
        if self._painted is not None:
            self._painted = None
            for sign in (self._sign, self._frame_sign):
                sign.show_verdict(Verdict.UNDECIDED, self._word(Verdict.UNDECIDED), "")

    def _plot(self) -> None:
        """Plots are drawn ten times a second at most; what came meanwhile is drawn after the pause."""
        if self._history is not None:
            self._plots.show_history(self._history)
            self._history = None
            self._pause.start()

    def _paint_stages(self, result: Result) -> None:
        prepared = result.prepared
        asked_d, asked_m = result.d_net is not None, result.m_net is not None
        self._d_tiles.show_pictures([None] * 3 if prepared is None else list(prepared.maps), faint=not asked_d)
        self._m_tiles.show_pictures(_reflectance_tiles(prepared), faint=not asked_m)
        self._d_gauge.show_score(result.d_net, self._why_no_d_net(result))
        self._m_gauge.show_score(result.m_net, self._why_no_m_net(result))
        self._d_time.setText(self._times(result.stage_ms, ("depth_stage", self.tr("maps")), ("d_net", self.tr("net"))))
        self._m_time.setText(
            self._times(result.stage_ms, ("reflectance_stage", self.tr("stack")), ("m_net", self.tr("net")))
        )
        self._patches.show_scores(_grey_face(prepared), result.patches)

    def _why_no_d_net(self, result: Result) -> str:
        words = reason_words(result.reason)
        return str(self.tr("not asked: {0}")).format(words) if words else str(self.tr("not asked"))

    def _why_no_m_net(self, result: Result) -> str:
        if result.d_net is None:
            return str(self.tr("not asked: D-Net did not run"))
        if result.d_net >= self._description.thresholds.d_net:
            return str(self.tr("not asked: D-Net rejects"))
        return self._why_no_d_net(result)

    def _times(self, stage_ms: Mapping[str, float], *parts: tuple[str, str]) -> str:
        return "   ".join(f"{words} {written(stage_ms[name], 1)} ms" for name, words in parts if name in stage_ms)

    def _paint_session(self, result: Result) -> None:
        for sign, whose, verdict, reason in (
            (self._sign, self.tr("this visit"), result.session_verdict, result.session_reason),
            (self._frame_sign, self.tr("this frame"), result.verdict, result.reason),
        ):
            line = whose if reason is None else f"{whose}: {reason_words(reason)}"
            sign.show_verdict(verdict, self._word(verdict), line)
        self._session.show_evidence(result.evidence)
        facts = "   ".join(self._fact_words(result))
        self._facts.setText(facts)
        self._facts.setToolTip(facts)  # a narrow window cuts them off

    def _word(self, verdict: Verdict) -> str:
        words: dict[Verdict, str] = {
            Verdict.LIVE: self.tr("Live"),
            Verdict.ATTACK: self.tr("Attack suspected"),
            Verdict.UNDECIDED: self.tr("Not decided"),
        }
        return words[verdict]

    def _fact_words(self, result: Result) -> Sequence[str]:
        words = [] if result.distance_m is None else [self.tr("{0} mm away").format(round(result.distance_m * 1000))]
        if pose := result.pose:
            told = tuple(f"{round(angle):+d}°".replace("-", "−") for angle in (pose.yaw, pose.pitch, pose.roll))
            words.append(self.tr("yaw {0} pitch {1} roll {2}").format(*told))
        return [*words, self.tr("judged in {0} ms").format(round(sum(result.stage_ms.values())))]

    def _lay_out(self) -> None:
        strip = QHBoxLayout()
        strip.setSpacing(2)
        d_net = _card(self.tr("1  D-Net: is it shaped like a face?"), self._d_tiles, self._d_gauge, self._d_time)
        m_net = _card(self.tr("2  M-Net: does it reflect like skin?"), self._m_tiles, self._m_gauge, self._m_time)
        session = _card(self.tr("3  Session: all frames together"), self._sign, self._session)
        session.layout().addWidget(self._frame_sign)
        session.layout().addStretch(1)
        session.layout().addWidget(self._facts)
        for card, stretch in ((d_net, 3), (m_net, 4), (session, 4)):
            if strip.count():
                strip.addWidget(_arrow())
            strip.addWidget(card, stretch)
        bundle = self.tr("model {0}, trained on {1} data").format(
            self._description.name, _origin_words(self._description.origin)
        )
        below = QHBoxLayout()
        below.setSpacing(8)
        below.addWidget(_card(self.tr("M-Net by place"), self._patches, _faint(bundle)), 3)
        below.addWidget(_card("", self._plots), 7)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addLayout(strip, ROWS[0])
        column.addLayout(below, ROWS[1])


def reason_words(reason: Reason | None) -> str:
    """A reason in the user's language, empty without one."""
    return "" if reason is None else QCoreApplication.translate("Reason", REASON_TEXT[reason])


def _origin_words(origin: str) -> str:
    return {
        "real": QCoreApplication.translate("WhyView", "real"),
        "simulated": QCoreApplication.translate("WhyView", "simulated"),
        "semi_simulated": QCoreApplication.translate("WhyView", "semi-simulated"),
    }[origin]


def _card(title: str, *parts: QWidget) -> QFrame:
    card = QFrame()
    card.setFrameShape(QFrame.Shape.StyledPanel)
    card.setAutoFillBackground(True)
    card.setBackgroundRole(card.palette().ColorRole.Base)
    column = QVBoxLayout(card)
    column.setContentsMargins(10, 6, 10, 8)
    column.setSpacing(4)
    if title:
        head = QLabel(title)
        head.setFont(theme.font(theme.BODY_PT, bold=True))
        head.setMinimumWidth(1)
        head.setToolTip(title)
        column.addWidget(head)
    for part in parts:
        column.addWidget(part)
    return card


def _arrow() -> QLabel:
    arrow = QLabel("▶")
    arrow.setAlignment(Qt.AlignmentFlag.AlignCenter)
    arrow.setFixedWidth(18)
    arrow.setForegroundRole(arrow.palette().ColorRole.PlaceholderText)
    return arrow


def _faint(words: str = "") -> QLabel:
    label = QLabel(words)
    label.setFont(theme.font(theme.SMALL_PT))
    label.setForegroundRole(label.palette().ColorRole.PlaceholderText)
    label.setMinimumWidth(1)
    return label


def _reflectance_tiles(prepared: Prepared | None) -> list[U8 | None]:
    """The four pictures of M-Net's input, uint8; stack is linear and gets its gamma for the eye."""
    if prepared is None or prepared.stack is None or prepared.sum is None or prepared.diff is None:
        return [None] * 4
    seen = (np.clip(prepared.stack, 0, 1) ** np.float32(1 / 2.2) * 255).astype(np.uint8)
    return [seen[:3].transpose(1, 2, 0), seen[3], prepared.sum.transpose(1, 2, 0), prepared.diff.transpose(1, 2, 0)]


def _grey_face(prepared: Prepared | None) -> U8 | None:
    if prepared is None or prepared.color is None:
        return None
    return np.asarray(cv2.cvtColor(prepared.color, cv2.COLOR_RGB2GRAY), np.uint8)
