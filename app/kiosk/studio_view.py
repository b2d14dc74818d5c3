"""The capture studio: who stands there, what is recorded of them, whether it is any good, and what is still missing."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path
from typing import Final, Protocol

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QCloseEvent, QHideEvent, QKeyEvent, QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from app.kiosk import form_memory, theme
from app.kiosk.language import written
from app.kiosk.live_view import LiveView
from app.kiosk.studio_panels import Banner, CheckRow, ProtocolPanel, Standing
from app.kiosk.take_form import Said, Setting, TakeForm, difference, setting_of_set
from app.kiosk.takes_panel import TakesPanel
from app.settings import Settings
from app.studio import names
from app.studio.quality import Limits, Quality, Space, Wanted, look, rate_of, space
from drivers.errors import TrilumeError
from drivers.session import Labels
from pipeline.runner import Shown, State, Take, Trace

COUNTDOWN_S: Final = 3.0
SPACE_EVERY_S: Final = 1.0
ASSUMED_MB_PER_S: Final = 25.0
"""Before the first take tells: what a 640×480 camera at 30 sets a second writes at most."""


class Recorder(Protocol):
    """What records. `begin_take` and `end_take` raise TrilumeError; any thread."""

    def begin_take(self, path: Path, labels: Labels) -> None: ...
    def end_take(self) -> Take: ...
    def state(self) -> State: ...


class Step(Enum):
    """idle ─R─▶ counting ─3 s─▶ recording ─R, seconds, good frames, full disk─▶ finishing ─▶ idle"""

    IDLE = auto()
    COUNTING = auto()
    RECORDING = auto()
    FINISHING = auto()


@dataclass(frozen=True, slots=True)
class Kept:
    """Where the work in a studio stands: the folder of takes, the form, the protocol."""

    folder: Path
    said: Said
    protocol: Standing


class StudioView(QWidget):
    """Records takes into `folder`. GUI thread; holds one worker for what takes long, ended by `stop` or closing."""

    replay_wanted = Signal(Path)
    """A recording that the user wants to look at."""
    folder_chosen = Signal(Path)
    """Takes are kept there from now on."""

    def __init__(
        self,
        recorder: Recorder,
        folder: Path,
        settings: Settings | None = None,
        *,
        memory: Path | None = None,
        clock: Callable[[], float] = time.monotonic,
        parent: QWidget | None = None,
    ) -> None:
        """`memory`: the file that keeps the form from one start of the program to the next."""
        super().__init__(parent)
        settings = settings or Settings()
        self._recorder, self.folder, self._clock = recorder, folder, clock
        self._limits = Limits(settings.disk_warn_min, settings.disk_refuse_min, settings.disk_stop_mb * 1_000_000)
        self._worker = ThreadPoolExecutor(1, "studio")
        self._step = Step.IDLE
        self._due_s, self._left = 0.0, 0
        self._ending: Future[Take] | None = None
        self._space: Space | None = None
        self._space_s = -SPACE_EVERY_S
        self._state = State("closed", "")
        self._quality: Quality | None = None
        self._judged: int | None = None
        near_m, far_m = settings.depth_range_m or (0.3, 1.3)
        self.live = LiveView(near_m, far_m, tall=True)
        self.form, self._memory = TakeForm(), memory
        if memory is not None:
            form_memory.recall(memory, self.form)
        self.protocol = ProtocolPanel()
        self.takes = TakesPanel(folder)
        self._checks = CheckRow()
        self._lay_out()
        self.protocol.wanted.connect(self._adopt)
        self.takes.replay_wanted.connect(self.replay_wanted)
        self.takes.changed.connect(self._count)
        self.takes.folder_wanted.connect(self.use)
        self.form.changed.connect(self._show_step)
        self._show_step()

    @property
    def step(self) -> Step:
        return self._step

    @property
    def busy(self) -> bool:
        """Whether a take is under way, from its countdown to its end."""
        return self._step is not Step.IDLE

    def kept(self) -> Kept:
        """What a view that takes this one's place goes on with."""
        return Kept(self.folder, self.form.said(), self.protocol.standing)

    def restore(self, kept: Kept) -> None:
        """Goes on where another view was left."""
        if kept.folder != self.folder:
            self.use(kept.folder)
        said = kept.said
        self.form.fill(said.labels, good_frames=said.good_frames, seconds=said.seconds, visit=said.visit)
        self.protocol.restore(kept.protocol)

    @property
    def message(self) -> str:
        """What the view says at the moment, one line."""
        return self._message.text()

    @property
    def quality(self) -> Quality | None:
        """Checks of the frame set judged last."""
        return self._quality

    def refresh(self, shown: Shown | None, state: State, history: tuple[Trace, ...]) -> None:
        """Shows a snapshot and goes on with what is under way."""
        self._state = state
        self.live.refresh(shown, state, history)
        self._check(shown, state)
        self.takes.step()
        self._measure_space(state)
        self._go_on(state)
        self._show_banner(state)

    # Recording ------------------------------------------------------------------------------------

    def toggle_recording(self) -> None:
        """R: begins the countdown, breaks it off, or ends the take."""
        if self._step is Step.IDLE:
            self._count_down()
        elif self._step is Step.COUNTING:
            self._set_step(Step.IDLE)
            self._say(self.tr("Not recorded."))
        elif self._step is Step.RECORDING:
            self._finish(self.tr("Take ended."))

    def objection(self) -> str | None:
        """Why no take may be begun now, in one line; None where it may."""
        state = self._state
        if missing := self.form.missing():
            return missing
        if state.phase != "running" or state.info is None or state.rig is None:
            return str(self.tr("The camera does not run: choose a source and start it."))
        if self._space is not None and not self._space.may_begin and self._space.standing != "unknown":
            return str(self.tr("The disk is too full: make room, or choose another folder."))
        first = setting_of_set(self.folder)
        found = None if first is None else difference(first, Setting.of(state.info, state.rig))
        if found is None:
            return None
        what, was, now = found
        if what == "camera":
            words = self.tr("Another camera: this set was made with {0}, not {1}. Record into a folder of its own.")
            return str(words.format(was, now))
        if what == "resolution":
            return str(
                self.tr("Another resolution: this set has {0}, not {1}. Set the camera as it was.").format(was, now)
            )
        return str(
            self.tr("Another calibration than in this set. Put the rig file back, or record into another folder.")
        )

    def _count_down(self) -> None:
        self._measure_space(self._state, at_once=True)
        if objection := self.objection():
            self._say(objection, urgent=True)
            return
        self._due_s = self._clock() + COUNTDOWN_S
        self._set_step(Step.COUNTING)

    def _begin(self) -> None:
        said = self.form.said()
        path = names.next_place(self.folder, said.labels, said.visit)
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._recorder.begin_take(path, said.labels)
        except (TrilumeError, OSError) as error:
            self._set_step(Step.IDLE)
            self._say(str(error), urgent=True)
            return
        self._filmed = False
        self._set_step(Step.RECORDING)
        self._say(path.name)
        if self._memory is not None:
            form_memory.keep(self._memory, said)

    def _finish(self, words: str) -> None:
        self._set_step(Step.FINISHING)
        self._say(words)
        self._ending = self._worker.submit(self._recorder.end_take)  # up to two seconds: not on the GUI thread

    def _go_on(self, state: State) -> None:
        if self._step is Step.COUNTING:
            left_s = self._due_s - self._clock()
            if left_s <= 0:
                self._begin()
            else:
                self._left = int(left_s) + 1
        elif self._step is Step.RECORDING:
            self._watch(state)
        elif self._step is Step.FINISHING and self._ending is not None and self._ending.done():
            self._close_take(self._ending)

    def _watch(self, state: State) -> None:
        """Ends the take when it has what was wanted, or cannot go on. A camera that is away is waited for."""
        said, take = self.form.said(), state.take
        gone = take is None and self._filmed  # another source runs now
        self._filmed = take is not None
        if gone or state.phase in {"ended", "failed", "closed"}:
            self._finish(state.trouble or self.tr("The source has ended: so has the take."))
        elif take is None:
            return
        elif take.error:
            self._finish(take.error)
        elif self._space is not None and self._space.standing == "stop":
            self._finish(self.tr("The disk is full: the take was ended."))
        elif (said.good_frames or said.seconds) and (
            take.good_frames >= said.good_frames and take.seconds >= said.seconds
        ):
            self._finish(self.tr("Take complete."))

    def _close_take(self, ending: Future[Take]) -> None:
        self._ending = None
        self._set_step(Step.IDLE)
        try:
            take = ending.result()
        except TrilumeError as error:
            self._say(str(error), urgent=True)
        else:
            told = self.tr("{0}: {1} sets, {2} good, {3} lost").format(
                take.path.name, take.frames, take.good_frames, take.lost
            )
            self._say(f"{take.error}: {told}" if take.error else told, urgent=bool(take.error))
        self.takes.reload()

    def _set_step(self, step: Step) -> None:
        self._step = step
        self._show_step()

    # What is shown --------------------------------------------------------------------------------

    def _check(self, shown: Shown | None, state: State) -> None:
        if shown is None or shown.number == self._judged:
            return
        self._judged = shown.number
        wanted = Wanted.around(self.form.said().labels.distance_m)
        self._quality = look(shown.result, shown.frame_set, state, wanted)
        self._checks.show_quality(self._quality)

    def _measure_space(self, state: State, *, at_once: bool = False) -> None:
        now_s = self._clock()
        if at_once or now_s - self._space_s >= SPACE_EVERY_S:
            self._space_s = now_s
            self._space = space(self.folder, rate_of(state, ASSUMED_MB_PER_S), self._limits)
            self._room.setText(self._room_words(self._space))
            self._room.setMinimumWidth(self._room.sizeHint().width())

    def _room_words(self, room: Space) -> str:
        if room.free_bytes is None or room.minutes_left is None:
            return str(self.tr("disk: room not known"))
        minutes = "> 999" if room.minutes_left > 999 else f"{room.minutes_left:.0f}"
        return str(self.tr("disk: {0} GB free, {1} min").format(written(room.free_bytes / 1e9, 1), minutes))

    def _show_banner(self, state: State) -> None:
        take = state.take
        recording = self._step is Step.RECORDING
        self._banner.setVisible(self._step is not Step.IDLE)
        if recording and take is not None:
            words = self.tr("RECORDING   {0} s   {1} sets   {2} good   {3} lost   {4} MB").format(
                written(take.seconds, 1), take.frames, take.good_frames, take.lost, written(take.bytes / 1e6, 1)
            )
        elif recording:
            words = self.tr("RECORDING")
        elif self._step is Step.FINISHING:
            words = self.tr("Finishing the take …")
        else:
            words = self.tr("Recording in {0} …").format(self._left)
        self._banner.say(words, recording=recording)

    def _show_step(self) -> None:
        words = {
            Step.IDLE: self.tr("Record (R)"),
            Step.COUNTING: self.tr("Not yet (R)"),
            Step.RECORDING: self.tr("Stop (R)"),
            Step.FINISHING: self.tr("Finishing …"),
        }
        self._record.setText(words[self._step])
        self._record.setEnabled(self._step is not Step.FINISHING)
        self.form.setEnabled(self._step is Step.IDLE)
        self.protocol.setEnabled(self._step is Step.IDLE)

    def _say(self, words: str, *, urgent: bool = False) -> None:
        self._message.setText(words)
        self._message.setStyleSheet(
            f"background: {theme.ATTACK}; color: #101215; font-weight: 600; padding: 2px" if urgent else ""
        )

    def _adopt(self) -> None:
        """Fills in the form with the protocol's next take."""
        row = self.protocol.next
        if row is not None:
            good_frames = row.planned.good_frames if row.planned.good_frames > 1 else 0
            self.form.fill(row.labels, good_frames=good_frames, seconds=row.planned.seconds)

    def _count(self) -> None:
        """Progress after the list of takes has changed; the next take is filled in by itself."""
        before = self.protocol.next
        self.protocol.count(self.takes.model.takes)
        if self._step is Step.IDLE and self.protocol.next != before:
            self._adopt()

    # Parts ----------------------------------------------------------------------------------------

    def _lay_out(self) -> None:
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._banner = Banner()
        self._message, self._room = QLabel(), QLabel()
        self._message.setWordWrap(True)
        self._message.setAccessibleName(self.tr("What happened last"))
        self._record = QPushButton()
        self._record.setMinimumHeight(theme.TARGET_PX)
        self._record.setFont(theme.font(theme.LARGE_PT, bold=True))
        self._record.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._record.setToolTip(self.tr("Begin or end a take (R)"))
        self._record.clicked.connect(self.toggle_recording)
        self.live.setMinimumWidth(500)
        side = QWidget()
        side.setFixedWidth(258)
        left = QVBoxLayout(side)
        left.setContentsMargins(0, 0, 0, 0)
        left.addWidget(self.form)
        left.addWidget(self.protocol)
        left.addStretch(1)
        middle = QVBoxLayout()
        middle.addWidget(self._banner)
        middle.addWidget(self.live, 1)
        middle.addWidget(self._checks)
        middle.addWidget(self._record)
        below = QHBoxLayout()
        below.addWidget(self._message, 1)
        below.addWidget(self._room)
        middle.addLayout(below)
        whole = QHBoxLayout(self)
        whole.setSpacing(12)
        whole.addWidget(side)
        whole.addLayout(middle, 1)
        whole.addWidget(self.takes)

    def use(self, folder: Path) -> None:
        """Keeps takes in another folder from now on. While one is recorded nothing changes."""
        if self._step is not Step.IDLE:
            self._say(self.tr("Not while a take is being recorded."), urgent=True)
            return
        self.folder = folder
        self._space_s = -SPACE_EVERY_S
        self.takes.use(folder)
        self._say(self.tr("Takes are kept in {0}").format(folder))
        self.folder_chosen.emit(folder)

    def open_protocol(self, path: Path | None = None) -> None:
        """Opens a protocol file, asked for where none is named."""
        self.protocol.open(path)
        self._count()
        self._adopt()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_R and event.modifiers() == Qt.KeyboardModifier.NoModifier:
            self.toggle_recording()
        elif event.key() in {Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Escape}:
            self.setFocus()  # done with a field: R records again
        else:
            super().keyPressEvent(event)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.takes.reload()

    def hideEvent(self, event: QHideEvent) -> None:
        """A countdown that nobody sees is broken off; a take that runs goes on."""
        super().hideEvent(event)
        if self._step is Step.COUNTING:
            self._set_step(Step.IDLE)

    def closeEvent(self, event: QCloseEvent) -> None:
        self.stop()
        super().closeEvent(event)

    def stop(self) -> None:
        """Ends a take that runs, and the workers. Idempotent."""
        if self._step is Step.RECORDING:
            self._finish("")
        self._worker.shutdown(wait=True)
        self.takes.stop()
