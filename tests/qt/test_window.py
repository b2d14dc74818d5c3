"""The window with runners that do as they are told: what is shown, what keys do, how it ends."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import FrameType

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractButton, QApplication, QDialog, QLabel, QLineEdit, QMenu, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from app.errors import Exit, Refused
from app.kiosk import sources, theme
from app.kiosk.command import obstacle
from app.kiosk.program import _kiosk, _sounds_and_settings, accepting, pages_of, runner_of
from app.kiosk.settings_dialog import SettingsDialog
from app.kiosk.sources import CameraScan, Choice, Found
from app.kiosk.switching import Switch
from app.kiosk.window import LIVE, REPLAY, STUDIO, SUBJECT, MainWindow, Pages
from app.kiosk.wish import Wish
from app.settings import Settings
from drivers.errors import NotFound
from drivers.session import Labels
from drivers.source import CameraInfo
from pipeline.bundle import Bundle, load_bundle
from pipeline.result import Reason, Result, Verdict
from pipeline.runner import Phase, Shown, State, Take, Trace
from tests.app.scene import frames, record


@dataclass
class Puppet:
    """A runner that shows what a test tells it to."""

    uri: str
    close_s: float = 0.0
    calls: list[str] = field(default_factory=list)
    shown: Shown | None = None
    phase: Phase = "running"
    take: Take | None = None
    trouble: str | None = None

    def start(self) -> None:
        self.calls.append("start")

    def latest(self) -> Shown | None:
        return self.shown

    def history(self) -> tuple[Trace, ...]:
        return ()

    def state(self) -> State:
        info = CameraInfo("drawn", "sim-astra", "7", live=True, origin="simulated")
        return State(self.phase, self.uri, info=info, take=self.take, trouble=self.trouble)

    def begin_take(self, path: Path, labels: Labels) -> None:
        self.calls.append(f"begin {path.name}")
        self.take = Take(path, (path,), True, 30, 62.4, 25_000_000, 3, 20)

    def end_take(self) -> Take:
        assert self.take is not None
        self.take = replace(self.take, recording=False)
        return self.take

    def forget(self) -> None:
        self.calls.append("forget")

    def close(self) -> None:
        time.sleep(self.close_s)
        self.calls.append("close")

    def judge(self, verdict: Verdict) -> None:
        number = 0 if self.shown is None else self.shown.number + 1
        reason = Reason.COLLECTING if verdict is Verdict.UNDECIDED else None
        result = Result(number, number / 30, verdict, reason, verdict, reason)
        self.shown = Shown(number, next(iter(frames(1))), result, time.monotonic())


class Plain(QLabel):
    """A view that notes what it was handed."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[int | None] = []
        self.broken = False

    def refresh(self, shown: Shown | None, state: State, history: tuple[Trace, ...]) -> None:
        if self.broken:
            raise ValueError("broken view")
        self.seen.append(shown.number if shown else None)


@dataclass
class Stage:
    window: MainWindow
    puppets: list[Puppet]
    live: Plain
    why: Plain
    studio: Plain
    subject: Plain
    replayed: list[Path]
    recorder: list[Switch]

    @property
    def puppet(self) -> Puppet:
        return self.puppets[-1]


@pytest.fixture(scope="session")
def bundle() -> Bundle:
    return load_bundle()


@pytest.fixture
def stage(qtbot: QtBot, bundle: Bundle) -> Iterator[Stage]:
    puppets: list[Puppet] = []
    live, why, studio, subject = Plain(), Plain(), Plain(), Plain()
    replayed: list[Path] = []
    recorder: list[Switch] = []

    def run(uri: str) -> Puppet:
        if uri == "nowhere.mcap":
            raise NotFound("nowhere.mcap: no such file; check the path")
        puppets.append(Puppet(uri))
        return puppets[-1]

    def replay(path: Path) -> QWidget:
        replayed.append(path)
        return QLabel(path.name)

    def make_studio(hand: Switch) -> QWidget:
        recorder.append(hand)
        return studio

    scan = CameraScan(
        lambda: Found((Choice("orbbec://AC1", "Gemini 335 AC1"), Choice("orbbec://AC2", "Astra AC2", "no permission")))
    )
    window = MainWindow(run, Pages(live, why, make_studio, replay, subject), bundle, scan)
    qtbot.addWidget(window)
    window.show()
    yield Stage(window, puppets, live, why, studio, subject, replayed, recorder)
    window.close()


def words(widget: QWidget) -> str:
    """Everything that is written anywhere in a widget."""
    written = widget.findChildren(QLabel) + widget.findChildren(QAbstractButton)
    return "\n".join(child.text() for child in written if child.isVisible())


def badge(stage: Stage) -> Verdict:
    return stage.window._badge.verdict


def test_frames_reach_the_visible_view_only(stage: Stage, qtbot: QtBot) -> None:
    stage.window.open("sim://live")
    stage.puppet.judge(Verdict.UNDECIDED)
    qtbot.waitUntil(lambda: 0 in stage.live.seen and 0 in stage.why.seen, timeout=1000)
    assert stage.studio.seen == stage.subject.seen == []
    qtbot.keyClick(stage.window, Qt.Key.Key_2, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: bool(stage.studio.seen), timeout=1000)
    before = len(stage.live.seen)
    qtbot.wait(120)
    assert len(stage.live.seen) == before


def test_the_badge_tells_the_sessions_verdict_in_three_ways(stage: Stage, qtbot: QtBot) -> None:
    stage.window.open("sim://live")
    for verdict in (Verdict.LIVE, Verdict.ATTACK, Verdict.UNDECIDED):
        stage.puppet.judge(verdict)
        qtbot.waitUntil(lambda verdict=verdict: badge(stage) is verdict, timeout=1000)
        picture = stage.window._badge.grab().toImage()
        middle = picture.pixelColor(picture.width() - 5, picture.height() // 2)
        assert middle.name() == theme.verdict_color(verdict).name()
        assert stage.window._badge.words(verdict) in stage.window._badge.accessibleName()


@pytest.mark.parametrize("phase", ["opening", "waiting", "failed", "closed"])
def test_a_verdict_does_not_outlive_its_camera(stage: Stage, qtbot: QtBot, phase: Phase) -> None:
    stage.window.open("sim://live")
    stage.puppet.judge(Verdict.LIVE)
    qtbot.waitUntil(lambda: badge(stage) is Verdict.LIVE, timeout=1000)
    stage.puppet.phase = phase
    qtbot.waitUntil(lambda: badge(stage) is Verdict.UNDECIDED, timeout=1000)


def test_a_verdict_on_an_old_picture_is_not_shown(stage: Stage, qtbot: QtBot) -> None:
    stage.window.open("sim://live")
    stage.puppet.judge(Verdict.LIVE)
    qtbot.waitUntil(lambda: badge(stage) is Verdict.LIVE, timeout=1000)
    assert stage.puppet.shown is not None
    stage.puppet.shown = replace(stage.puppet.shown, judged_s=time.monotonic() - 10)
    qtbot.waitUntil(lambda: badge(stage) is Verdict.UNDECIDED, timeout=1000)


def test_stopping_takes_the_verdict_away_and_starting_begins_anew(stage: Stage, qtbot: QtBot) -> None:
    stage.window.open("sim://live")
    stage.puppet.judge(Verdict.LIVE)
    qtbot.waitUntil(lambda: badge(stage) is Verdict.LIVE, timeout=1000)
    qtbot.keyClick(stage.window, Qt.Key.Key_F5)
    qtbot.waitUntil(lambda: badge(stage) is Verdict.UNDECIDED, timeout=1000)
    qtbot.waitUntil(lambda: stage.puppets[0].calls == ["start", "close"], timeout=1000)
    qtbot.keyClick(stage.window, Qt.Key.Key_F5)
    qtbot.waitUntil(lambda: len(stage.puppets) == 2, timeout=1000)


@pytest.mark.parametrize("phase", ["ended", "failed"])
def test_what_is_over_can_be_started_again(stage: Stage, qtbot: QtBot, phase: Phase) -> None:
    stage.window.open("sim://live")
    stage.puppet.phase = phase
    qtbot.waitUntil(lambda: stage.window._start.text() == "Start", timeout=1000)
    stage.window._start.click()
    qtbot.waitUntil(lambda: len(stage.puppets) == 2, timeout=1000)


def test_another_source_starts_once_the_first_has_let_go(stage: Stage, qtbot: QtBot) -> None:
    stage.window.open("orbbec://AC1")
    stage.puppet.close_s = 0.3
    stage.window.open("sim://live")
    assert len(stage.puppets) == 1, "the device is still held"
    assert stage.window.switch.state().phase == "opening"
    qtbot.waitUntil(lambda: len(stage.puppets) == 2, timeout=2000)
    assert stage.puppets[0].calls == ["start", "close"]


def test_the_last_of_many_hasty_choices_runs(stage: Stage, qtbot: QtBot) -> None:
    stage.window.open("one")
    stage.puppet.close_s = 0.2
    for uri in ("two", "three", "four"):
        stage.window.open(uri)
    qtbot.waitUntil(lambda: stage.puppet.uri == "four", timeout=2000)
    assert [p.uri for p in stage.puppets] == ["one", "four"]


def test_a_source_that_is_not_there_is_told(stage: Stage, qtbot: QtBot) -> None:
    stage.window.open("nowhere.mcap")
    qtbot.waitUntil(lambda: "check the path" in stage.window._status._run.toolTip(), timeout=1000)


def test_close_is_bounded_where_the_runner_hangs(stage: Stage) -> None:
    stage.window.open("sim://live")
    stage.puppet.close_s = 5
    began = time.monotonic()
    stage.window.close()
    assert time.monotonic() - began < 3


def test_a_view_that_fails_does_not_take_the_others_along(
    stage: Stage, qtbot: QtBot, caplog: pytest.LogCaptureFixture
) -> None:
    stage.live.broken = True
    stage.window.open("sim://live")
    stage.puppet.judge(Verdict.ATTACK)
    qtbot.waitUntil(lambda: badge(stage) is Verdict.ATTACK and 0 in stage.why.seen, timeout=1000)
    qtbot.wait(200)
    assert sum("Plain failed" in record.message for record in caplog.records) == 3
    assert not stage.live.isEnabled()


def test_keys_lead_where_the_help_says(stage: Stage, qtbot: QtBot) -> None:
    window = stage.window
    window.open("sim://live")
    control = Qt.KeyboardModifier.ControlModifier
    for key, page in ((Qt.Key.Key_3, REPLAY), (Qt.Key.Key_2, STUDIO), (Qt.Key.Key_1, LIVE)):
        qtbot.keyClick(window, key, control)
        assert window._stack.currentIndex() == page
    qtbot.keyClick(window, Qt.Key.Key_N)
    assert "forget" in stage.puppet.calls
    qtbot.keyClick(window, Qt.Key.Key_R)
    assert window._stack.currentIndex() == STUDIO
    qtbot.keyClick(window, Qt.Key.Key_F1)
    qtbot.waitUntil(lambda: any("F11" in words(box) for box in window.findChildren(QDialog)), timeout=1000)


def test_the_subjects_view_hides_all_that_is_the_operators(stage: Stage, qtbot: QtBot) -> None:
    window = stage.window
    window.open("sim://live")
    stage.puppet.judge(Verdict.ATTACK)
    qtbot.keyClick(window, Qt.Key.Key_F11)
    assert window.isFullScreen()
    qtbot.waitUntil(lambda: 0 in stage.subject.seen, timeout=1000)
    assert words(window).strip() == ""
    qtbot.keyClick(window, Qt.Key.Key_D)
    assert window._stack.currentIndex() == LIVE
    assert not window.isFullScreen()


def test_letters_can_be_typed_into_a_field(stage: Stage, qtbot: QtBot) -> None:
    field = QLineEdit(stage.live)
    field.show()
    field.setFocus()
    qtbot.keyClicks(field, "SNRD")
    assert field.text() == "SNRD"
    assert stage.window._stack.currentIndex() == LIVE


def test_a_snapshot_never_overwrites_another(stage: Stage, tmp_path: Path) -> None:
    saved = [stage.window.snapshot(tmp_path / "shots") for _ in range(3)]
    paths = {path for path in saved if path is not None}
    assert len(paths) == 3
    assert all(path.read_bytes()[:4] == b"\x89PNG" and path.stat().st_mode & 0o77 == 0 for path in paths)


def test_a_snapshot_into_a_folder_that_cannot_be_is_told(stage: Stage, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert stage.window.snapshot(tmp_path / "file") is None


def test_recording_is_seen_on_every_page_and_the_studio_goes_on(stage: Stage, qtbot: QtBot, tmp_path: Path) -> None:
    with pytest.raises(Refused, match="choose a source"):
        stage.recorder[0].begin_take(tmp_path / "a.mcap", Labels())
    stage.window.open("sim://live")
    stage.recorder[0].begin_take(tmp_path / "a.mcap", Labels())
    qtbot.waitUntil(lambda: "1:02" in words(stage.window) and bool(stage.studio.seen), timeout=1000)
    assert "3 lost" in words(stage.window)
    stage.recorder[0].end_take()
    qtbot.waitUntil(lambda: "1:02" not in words(stage.window), timeout=1000)


def test_recordings_open_on_the_replay_page_and_are_remembered(stage: Stage, qtbot: QtBot, tmp_path: Path) -> None:
    one, two = tmp_path / "one.mcap", tmp_path / "two.mcap"
    for path in (one, two):
        path.touch()
        stage.window.open_recording(path)
    assert stage.replayed == [one, two]
    qtbot.waitUntil(lambda: "two.mcap" in words(stage.window), timeout=1000)
    assert "one.mcap" not in words(stage.window)
    assert sources.recent()[:2] == [str(two), str(one)]
    two.unlink()
    assert sources.recent()[0] == str(one)


def test_the_chooser_offers_cameras_scenes_and_cast(stage: Stage, qtbot: QtBot) -> None:
    chooser = stage.window._chooser
    qtbot.waitUntil(lambda: chooser._scan.found is not None, timeout=1000)
    chooser._fill()
    menus = [chooser._menu, *chooser._menu.findChildren(QMenu)]
    offered = {action.text(): action for menu in menus for action in menu.actions()}
    assert not next(action for text, action in offered.items() if text.startswith("Astra AC2")).isEnabled()
    offered["Gemini 335 AC1"].trigger()
    assert stage.puppet.uri == "orbbec://AC1"
    assert "Gemini 335" in chooser.text()
    offered["Silicone mask"].trigger()
    qtbot.waitUntil(lambda: stage.puppet.uri == "sim://silicone_mask", timeout=1000)


def test_a_scan_that_fails_finds_nothing(caplog: pytest.LogCaptureFixture) -> None:
    def look() -> Found:
        raise OSError("libusb is missing")

    scan = CameraScan(look)
    until = time.monotonic() + 2
    while scan.found is None and time.monotonic() < until:
        time.sleep(0.01)
    assert scan.found is not None
    assert scan.found.cameras == ()
    assert "libusb" in scan.found.notes[0]


def test_everything_that_can_be_pressed_has_a_name_and_takes_the_keyboard(stage: Stage) -> None:
    buttons = [b for b in stage.window.findChildren(QAbstractButton) if b.isVisible()]
    assert len(buttons) >= 7
    for button in buttons:
        assert button.accessibleName().strip() or button.text().strip()
        assert button.focusPolicy() & Qt.FocusPolicy.TabFocus
    assert all(b.height() >= theme.TARGET_PX for b in buttons if isinstance(b, QPushButton))


def test_the_window_says_which_model_and_that_it_is_simulated(stage: Stage, qtbot: QtBot, bundle: Bundle) -> None:
    stage.window.open("sim://live")
    qtbot.waitUntil(lambda: "simulated" in stage.window._status._camera.text(), timeout=1000)
    said = words(stage.window)
    assert bundle.sha256[:12] in said
    assert "trained on simulated data" in said


def touched_elsewhere(run: Callable[[], None]) -> list[str]:
    """Calls into Qt and pyqtgraph from any thread but this one, while `run` runs."""
    found: list[str] = []

    def watch(_frame: FrameType, event: str, called: object) -> None:
        if event == "c_call":
            owner = getattr(called, "__self__", None)
            kind = owner if isinstance(owner, type) else type(owner)
            if kind.__module__.startswith("PySide6") and kind.__name__ != "QImage":
                found.append(
                    f"{threading.current_thread().name}: {kind.__name__}.{getattr(called, '__name__', called)}"
                )
        elif event == "call" and "pyqtgraph" in _frame.f_code.co_filename:
            found.append(_frame.f_code.co_qualname)

    threading.setprofile(watch)
    try:
        run()
    finally:
        threading.setprofile(None)
        sys.setprofile(None)
    return found


def test_the_watch_on_threads_sees_a_stranger(qtbot: QtBot) -> None:
    label = QLabel()
    qtbot.addWidget(label)

    def run() -> None:
        thread = threading.Thread(target=label.text)
        thread.start()
        thread.join()

    assert any("QLabel.text" in call for call in touched_elsewhere(run))


def test_qt_is_touched_by_the_gui_thread_only(stage: Stage, qtbot: QtBot, tmp_path: Path) -> None:
    def run() -> None:
        stage.window.open("sim://live")
        for verdict in Verdict:
            stage.puppet.judge(verdict)
            qtbot.wait(50)
        stage.window.open("sim://flat_print")
        qtbot.waitUntil(lambda: len(stage.puppets) == 2, timeout=1000)
        stage.window._chooser._scan.begin()
        stage.window.snapshot(tmp_path)
        stage.window.close()

    assert touched_elsewhere(run) == []


def test_the_real_pages_run_and_leave_qt_to_the_gui_thread(qtbot: QtBot, strict: Path, tmp_path: Path) -> None:
    """Runner, views, studio and replay as the program puts them together, on a recording."""
    recording = record(tmp_path / "drawn.mcap", frames(40), subject="s1", species="bona_fide")
    settings, bundle = Settings(takes_folder=tmp_path / "takes"), load_bundle(strict)
    seen: list[int] = []

    def run() -> None:
        pages = pages_of(settings, bundle, Wish())
        window = MainWindow(runner_of(settings, bundle, Wish()), pages, bundle, CameraScan(Found))
        qtbot.addWidget(window)
        window.show()
        window.open(str(recording))
        qtbot.waitUntil(lambda: window.switch.latest() is not None, timeout=15000)
        for page in (STUDIO, SUBJECT, LIVE):
            window.show_page(page)
            qtbot.wait(150)
        window.open_recording(recording)
        qtbot.wait(400)
        shown = window.switch.latest()
        seen.append(shown.number if shown else -1)
        window.close()
        assert not window._failures

    assert touched_elsewhere(run) == []
    assert seen[0] >= 0


@pytest.mark.parametrize(
    ("environment", "word"),
    [
        ({}, "no display"),
        ({"QT_QPA_PLATFORM": "offscreen"}, ""),
    ],
)
def test_what_keeps_a_window_from_opening_is_told(environment: dict[str, str], word: str) -> None:
    problem = obstacle(environment)
    assert word in problem if word else problem == ""


def test_missing_libraries_are_named_by_their_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.kiosk.command._loads", lambda library: library != "libxcb-cursor.so.0")
    assert obstacle({"QT_QPA_PLATFORM": "offscreen"}) == ""
    assert "apt-get install libxcb-cursor0" in obstacle({"DISPLAY": ":0"})
    monkeypatch.setattr("app.kiosk.command.find_spec", lambda name: None)
    assert "pip install" in obstacle({"DISPLAY": ":0"})


def test_pictures_do_not_pile_up(stage: Stage, qtbot: QtBot) -> None:
    """The window holds no more than the newest set."""
    stage.window.open("sim://live")
    alive: list[weakref.ref[object]] = []
    for _ in range(6):
        stage.puppet.judge(Verdict.LIVE)
        assert stage.puppet.shown is not None
        alive.append(weakref.ref(stage.puppet.shown.frame_set.depth.pixels))
        qtbot.wait(40)
    gc.collect()
    assert sum(ref() is not None for ref in alive) == 1


def test_a_wish_survives_the_command_line_of_a_child() -> None:
    wish = Wish("sim://live", Path("a b"), "de", "dark", fullscreen=True, keep_alive=True, timing=True)
    assert wish.options() == [
        "--source=sim://live", "--bundle=a b", "--language=de", "--theme=dark", "--fullscreen", "--timing",
    ]  # fmt: skip


def test_sensors_of_the_settings_are_accepted_and_no_others(bundle: Bundle) -> None:
    widened = accepting(bundle, Settings(accept_sensor=("orbbec-gemini335",)))
    assert set(widened.description.sensors) == {*bundle.description.sensors, "orbbec-gemini335"}
    assert accepting(bundle, Settings()).description == bundle.description


def test_the_program_shows_pictures_and_ends_cleanly_on_a_signal(tmp_path: Path) -> None:
    """The whole program in a process of its own, on a recording."""
    recording = record(tmp_path / "drawn.mcap", frames(90), subject="s1", species="bona_fide")
    command = [sys.executable, "-P", "-m", "app", "kiosk", "--source", str(recording), "--timing"]
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as child:
        assert child.stderr is not None
        late = threading.Timer(40, child.kill)
        late.start()
        said = next((line for line in iter(child.stderr.readline, "") if "plugin" not in line), "")
        child.send_signal(signal.SIGTERM)
        rest = child.communicate()[1]
        late.cancel()
    assert "first picture judged" in said, said + rest
    assert child.returncode == Exit.TERMINATED
    assert "Traceback" not in rest


def test_changed_settings_take_effect_at_once_and_sounds_follow_the_persons_view(
    qtbot: QtBot, qapp: QApplication, bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    played: list[str] = []
    monkeypatch.setattr("app.kiosk.sounds.Sounds.play", lambda _self, verdict: played.append(verdict))
    settings = Settings(takes_folder=tmp_path / "takes", theme="light")
    pages = pages_of(settings, bundle, Wish())
    window = MainWindow(Puppet, pages, bundle, CameraScan(Found))
    qtbot.addWidget(window)
    _sounds_and_settings(window, pages, settings, Wish(), bundle.description.preprocessing.gate)
    window.settings_wanted.emit()
    dialog = window.findChild(SettingsDialog)
    assert dialog is not None
    dialog.theme.setCurrentIndex(dialog.theme.findData("dark"))
    dialog.own_range.setChecked(True)
    dialog.near.setValue(450)
    dialog.far.setValue(800)
    dialog.takes_folder.setText(str(tmp_path / "others"))
    dialog.accept()
    assert qapp.palette().window().color().lightness() < 80
    assert pages.live.range_mm == window.studio.live.range_mm == (450, 800)
    assert window.studio.folder == tmp_path / "others"
    pages.subject.verdict_shown.emit("attack")
    assert played == ["attack"]
    window.close()


def test_the_kiosk_leads_to_the_operator_and_back_and_ends_with_the_program(stage: Stage, qtbot: QtBot) -> None:
    kiosk = _kiosk(stage.window, Settings(), stage.window._bundle)
    qtbot.addWidget(kiosk)
    stage.window.hide()
    kiosk.showFullScreen()
    stage.window.open("sim://live")
    stage.puppet.judge(Verdict.LIVE)
    qtbot.wait(100)
    assert stage.live.seen == [], "what is hidden is not painted"
    qtbot.keyClick(kiosk, Qt.Key.Key_D)
    assert (stage.window.isVisible(), kiosk.isVisible()) == (True, False)
    qtbot.waitUntil(stage.window.isActiveWindow, timeout=1000)
    qtbot.keyClick(stage.window, Qt.Key.Key_F11)
    assert (stage.window.isVisible(), kiosk.isVisible()) == (False, True)
    with qtbot.waitSignal(stage.window.closed, timeout=3000):
        qtbot.keyClick(kiosk, Qt.Key.Key_Q, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier)
    assert stage.puppet.calls[-1] == "close"
