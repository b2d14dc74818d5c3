"""A recording looked at frame by frame: what stood before the camera, what was made of it, and why."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Final

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QCloseEvent, QHideEvent, QKeyEvent, QShowEvent
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QSizePolicy,
    QSplitter,
    QVBoxLayout,
    QWidget,
)

from app.kiosk import theme
from app.kiosk.judged_recording import FrameFile, Judged, JudgedRecording, not_judged, with_pictures
from app.kiosk.language import written
from app.kiosk.live_view import LiveView, Rates
from app.kiosk.replay_parts import SPEEDS, Controls, FrameTimes, Rows, free_name, reason_words, speed_words
from app.kiosk.timeline import Timeline
from app.kiosk.why_view import WhyView
from drivers.errors import SessionError, TrilumeError
from pipeline.bundle import Bundle
from pipeline.result import Reason, Result
from pipeline.runner import Shown, State

TICK_MS: Final = 16
LONG_STEP_S: Final = 1.0
SETTLED_S: Final = 0.3
PROGRESS_S: Final = 0.25


class ReplayView(QWidget):
    """Opens a recording, judges it behind the window, and shows any of its frames at once. GUI thread.

    Raises the TrilumeErrors of opening. `stop`, or closing the view, ends judging and closes the file.
    `pictures` is the folder of snapshots, the recording's own without it.
    """

    moved = Signal(int)
    """The frame that is now shown."""

    def __init__(
        self,
        path: Path,
        bundle: Bundle,
        *,
        accept_sensor: bool = False,
        pictures: Path | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.path = path
        self._bundle = bundle
        self._pictures = pictures or path.parent
        self._file = FrameFile(path)
        try:
            self._judged = JudgedRecording(path, bundle, accept_sensor=accept_sensor)
        except TrilumeError:
            self._file.close()
            raise
        self._stopped = False
        self._number = 0
        self._painted: tuple[int, bool] | None = None  # frame, and whether it was judged by then
        self._shown: Shown | None = None
        self._settled, self._painted_s = True, 0.0
        self._paintings = 0
        self._playing = False
        self._played_s = self._wall_s = 0.0
        self._speed = 1.0
        self._loop_from: int | None = None
        self._seen, self._seen_s = Judged(0, 0, False), 0.0
        self._times = FrameTimes(self._judged.result)
        gate = bundle.description.preprocessing.gate
        self._live = LiveView(gate.near_m, gate.far_m)
        self._why = WhyView(bundle.description)
        self._lay_out()
        self._timer = QTimer(self)
        self._timer.setInterval(TICK_MS)
        self._timer.timeout.connect(self._tick)
        self._timer.start()
        self._judged.start()
        self._show_state()
        self._tick()

    @property
    def frames(self) -> int:
        return self._file.frames

    @property
    def number(self) -> int:
        """The frame that is shown, from 0."""
        return self._number

    @property
    def playing(self) -> bool:
        return self._playing

    @property
    def speed(self) -> float:
        return self._speed

    @property
    def loop(self) -> tuple[int, int] | None:
        """First and last frame of the loop."""
        return self._timeline.loop

    @property
    def judged(self) -> Judged:
        """How far judging has come."""
        return self._judged.state()

    def result(self, number: int) -> Result | None:
        """What was judged of a frame, None before judging has reached it."""
        return self._judged.result(number)

    # Moving ---------------------------------------------------------------------------------------

    def go(self, number: int) -> None:
        """To a frame; beyond an end is the end. It is painted within the next tick, the newest wish only."""
        self._number = min(max(0, number), max(0, self.frames - 1))
        self._timeline.set_position(self._number)
        self._played_s = self._times.at(self._number)

    def step_seconds(self, seconds: float) -> None:
        """To the first frame that is at least so much later, or earlier."""
        self.go(self._times.step(self._number, seconds, self.frames))

    def play(self, on: bool) -> None:
        """Plays at the recording's own times, or stands still."""
        if on and self._number >= self.frames - 1 and self.loop is None:
            self.go(0)
        self._playing = on
        self._wall_s = time.monotonic()
        self._played_s = self._times.at(self._number)
        self._controls.show_playing(on)

    def faster(self, steps: int) -> None:
        """So many steps up (or down) the speeds from ¼ to 4."""
        at = min(max(0, SPEEDS.index(self._speed) + steps), len(SPEEDS) - 1)
        self._speed = SPEEDS[at]
        self._controls.speed.setText(speed_words(self._speed))

    def loop_here(self, end: bool) -> None:
        """`[` begins a loop here, `]` ends it here; ending before the beginning takes the loop away."""
        if not end:
            self._loop_from = self._number
            self._timeline.set_loop((self._number, max(self._number, self.frames - 1)))
        elif self._loop_from is not None and self._number > self._loop_from:
            self._timeline.set_loop((self._loop_from, self._number))
        else:
            self._loop_from = None
            self._timeline.set_loop(None)

    def next_change(self) -> None:
        """To the next frame with another verdict."""
        self._jump(self._judged.next_change(self._number), self.tr("no other verdict after this frame"))

    def next_reason(self) -> None:
        """To the next frame with the reason that is chosen."""
        reason = self._reasons.currentData()
        if reason is not None:
            wanted = Reason(reason)
            found = self._judged.next_where(self._number, lambda result: result.reason is wanted)
            self._jump(found, self.tr("not again after this frame"))

    def snapshot(self) -> Path | None:
        """Everything shown as one PNG under a name that was free; None where it cannot be written."""
        target = free_name(self._pictures / f"{self.path.stem}_frame-{self._number:06d}.png")
        self._paint()
        if not self.grab().save(str(target)):
            self._say(self.tr("{0}: cannot be written: give another folder").format(target), urgent=True)
            return None
        self._say(self.tr("saved {0}").format(target))
        return target

    def stop(self) -> None:
        """Ends judging and closes the file, within two seconds. Idempotent."""
        self._stopped = True
        self._timer.stop()
        self._judged.close()
        self._file.close()

    def _jump(self, found: int | None, otherwise: str) -> None:
        if found is None:
            self._say(otherwise)
        else:
            self.go(found)

    # Painting -------------------------------------------------------------------------------------

    def _tick(self) -> None:
        if self._playing:
            self._advance()
        state, now_s = self._judged.state(), time.monotonic()
        if state != self._seen and (state.finished or now_s - self._seen_s > PROGRESS_S):
            self._seen, self._seen_s = state, now_s
            self._timeline.set_frames(self._judged.codes, self._judged.scores)
            self._offer_reasons()
            self._show_state()
        self._paint()

    def _advance(self) -> None:
        """Moves on by the wall time since the last tick; frames that fall between two ticks are passed over."""
        now_s = time.monotonic()
        self._played_s += (now_s - self._wall_s) * self._speed
        self._wall_s = now_s
        first, last = self.loop or (0, self.frames - 1)
        at = self._number
        while at < last and self._times.at(at + 1) <= self._played_s:
            at += 1
        if at >= last and self._played_s >= self._times.at(last):
            if self.loop is None:
                self.play(False)
            else:
                self.go(first)
                return
        self._number = at
        self._timeline.set_position(at)

    def _paint(self) -> None:
        """Paints the frame that is wanted, once, and once more when its verdict comes."""
        if self.frames == 0:
            return
        number = self._number
        result = self._judged.result(number)
        if self._painted == (number, result is not None):
            self._settle(number)
            return
        self._painted, self._painted_s = (number, result is not None), time.monotonic()
        try:
            frame_set = self._file.frame(number)
        except SessionError as error:
            self._show_damaged(number, error)
            return
        self._times.learn(number, frame_set.device_time_s)
        told = not_judged(frame_set) if result is None else with_pictures(frame_set, result, self._bundle)
        self._paintings += 1
        judged_s = frame_set.host_time_s + sum(told.stage_ms.values()) / 1000
        self._shown = Shown(self._paintings, frame_set, told, judged_s)
        self._settled = False
        state, history = State("running", str(self.path), info=self._file.info, age_s=0.0), self._judged.history(number)
        self._live.refresh(self._shown, state, history)
        self._why.refresh(self._shown, state, history)
        self._badge.show_result(result)
        self._place.setText(self._place_words(number, frame_set.device_time_s))
        self._show_state()
        self.moved.emit(number)

    def _settle(self, number: int) -> None:
        """Plots are drawn now and then only: once the view stands still they shall end at the frame looked at."""
        if self._settled or self._playing or self._shown is None or time.monotonic() - self._painted_s < SETTLED_S:
            return
        self._settled = True
        self._paintings += 1
        state = State("running", str(self.path), info=self._file.info, age_s=0.0)
        self._why.refresh(replace(self._shown, number=self._paintings), state, self._judged.history(number))

    def _show_damaged(self, number: int, error: SessionError) -> None:
        """Says so, and marks the picture as that of another frame."""
        self._settled = True
        self._live.refresh(self._shown, State("waiting", str(self.path), trouble=str(error)), ())
        self._badge.show_result(None)
        self._place.setText(self._place_words(number, None))
        self._say(str(error), urgent=True)

    def _place_words(self, number: int, time_s: float | None) -> str:
        if time_s is None:
            return str(self.tr("frame {0} of {1}").format(number, self.frames - 1))
        since_ms = (time_s - self._times.at(0)) * 1000
        return str(self.tr("frame {0} of {1}   {2} ms").format(number, self.frames - 1, written(since_ms, 1)))

    def _show_state(self) -> None:
        state = self._seen
        if self.frames == 0:
            self._say(self.tr("{0}: holds no whole frame").format(self.path), urgent=True)
        elif state.trouble:
            self._say(state.trouble, urgent=True)
        elif not state.finished:
            self._say(self.tr("judging: {0} of {1} frames").format(state.done, state.total))
        else:
            self._say(self._about())

    def _about(self) -> str:
        info = self._file.info
        simulated = self.tr("simulated data") if info.origin in {"simulated", "semi_simulated"} else ""
        return "   ".join(part for part in (self.path.name, info.name, simulated) if part)

    def _say(self, words: str, *, urgent: bool = False) -> None:
        self._message.setText(words)
        self._message.setToolTip(words)
        self._message.setStyleSheet(
            f"background: {theme.ATTACK}; color: #101215; font-weight: 600; padding: 2px" if urgent else ""
        )

    def _offer_reasons(self) -> None:
        reasons = self._judged.reasons()
        self._reasons.setEnabled(bool(reasons))
        self._controls.reason.setEnabled(bool(reasons))
        if [reason.value for reason in reasons] == [self._reasons.itemData(at) for at in range(self._reasons.count())]:
            return
        chosen = self._reasons.currentData()
        self._reasons.clear()
        for reason in reasons:
            self._reasons.addItem(reason_words(reason), reason.value)
        self._reasons.setCurrentIndex(max(0, self._reasons.findData(chosen)))

    # Controls -------------------------------------------------------------------------------------

    def _lay_out(self) -> None:
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        status = self._live.findChild(Rates)
        if status is not None:
            status.hide()  # rates and ages of a camera mean nothing here
        self._timeline = Timeline()
        self._timeline.set_frames(self._judged.codes, self._judged.scores)
        self._timeline.sought.connect(self.go)
        self._controls = controls = Controls()
        controls.play.clicked.connect(lambda: self.play(not self._playing))
        controls.change.clicked.connect(self.next_change)
        controls.reason.clicked.connect(self.next_reason)
        controls.picture.clicked.connect(self.snapshot)
        self._place, self._badge, self._reasons = controls.place, controls.badge, controls.reasons
        self._message = QLabel()
        self._message.setAccessibleName(self.tr("State of the recording"))
        self._message.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        views = QSplitter(Qt.Orientation.Vertical)
        views.addWidget(self._live)
        views.addWidget(Rows(self._why))
        views.setStretchFactor(0, 3)
        views.setStretchFactor(1, 2)
        views.setSizes([260, 420])
        column = QVBoxLayout(self)
        column.addWidget(views, 1)
        column.addWidget(self._timeline)
        column.addWidget(self._controls)
        below = QHBoxLayout()
        below.addWidget(self._message, 1)
        below.addWidget(controls.picture)
        column.addLayout(below)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        shift = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        key, text = event.key(), event.text()
        if key in {Qt.Key.Key_Left, Qt.Key.Key_Right}:
            ahead = 1 if key == Qt.Key.Key_Right else -1
            if shift:
                self.step_seconds(ahead * LONG_STEP_S)
            else:
                self.go(self._number + ahead)
        elif key == Qt.Key.Key_Space:
            self.play(not self._playing)
        elif key in {Qt.Key.Key_Home, Qt.Key.Key_End}:
            self.go(0 if key == Qt.Key.Key_Home else self.frames - 1)
        elif text in {"[", "]"}:
            self.loop_here(text == "]")
        elif text in {"+", "-", "−", "="}:
            self.faster(1 if text in {"+", "="} else -1)
        elif key == Qt.Key.Key_S:
            self.snapshot()
        elif key == Qt.Key.Key_V:
            self.next_change()
        elif key == Qt.Key.Key_J:
            self.next_reason()
        else:
            super().keyPressEvent(event)

    def closeEvent(self, event: QCloseEvent) -> None:
        self.stop()
        super().closeEvent(event)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if not self._stopped:
            self._timer.start()
        self.setFocus()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self.play(False)
        self._timer.stop()
