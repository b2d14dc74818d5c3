"""The subject's view and the kiosk around it: what is painted, what is never shown, and what leads out."""

from __future__ import annotations

import io
import sys
import wave
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QImage
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.guidance import ICONS, Icon, Instruction, Kind, Text
from app.kiosk.kiosk_mode import KioskWindow, PinLock, timings_of
from app.kiosk.mirror import mirror, oval
from app.kiosk.sounds import NOTES, Sounds, cue
from app.kiosk.subject_view import BAND, FAINT, GROUND, INK, SubjectView
from app.kiosk.theme import RECORDING, contrast
from app.settings import hash_pin, validated
from drivers.source import CameraInfo
from pipeline.faces import Face
from pipeline.result import Reason, Result, Verdict
from pipeline.runner import Shown, State, Take
from pipeline.upright import Turn, turn_back
from tests.app.scene import FACE
from tests.app.scene import frame as scene


class Camera:
    """Delivers the same scene under new numbers, with the verdict it is told."""

    def __init__(self) -> None:
        self.now_s, self.number, self.forgotten = 50.0, 0, 0
        self.reason: Reason | None = None
        self.session = Verdict.UNDECIDED
        self.running = State("running", "sim", info=CameraInfo("camera", "sim", origin="simulated"))
        self.frame_set = scene()

    def clock(self) -> float:
        return self.now_s

    def latest(self) -> Shown:
        self.number += 1
        why = None if self.session is not Verdict.UNDECIDED else Reason.COLLECTING
        face = None if self.reason is Reason.NO_FACE else FACE
        judged = Result(
            self.number, self.number / 10, Verdict.UNDECIDED, self.reason, self.session, why, 0.1, 0.2,
            face=face, distance_m=0.6,
        )  # fmt: skip
        return Shown(self.number, self.frame_set, judged, self.now_s)

    def history(self) -> tuple[()]:
        return ()

    def state(self) -> State:
        return self.running

    def forget(self) -> None:
        self.forgotten += 1


@pytest.fixture
def camera() -> Camera:
    return Camera()


@pytest.fixture
def view(qtbot: QtBot, camera: Camera) -> Iterator[SubjectView]:
    made = SubjectView(clock=camera.clock)
    qtbot.addWidget(made)
    made.resize(1280, 800)
    return made  # type: ignore[return-value]


def play(view: SubjectView, camera: Camera, seconds: float) -> Instruction:
    for _ in range(round(seconds * 10)):
        camera.now_s += 0.1
        view.refresh(camera.latest(), camera.state(), ())
    return view.told


def pixels(view: SubjectView) -> np.ndarray:
    image = view.grab().toImage().convertToFormat(QImage.Format.Format_RGB888)
    rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
    return rows[:, : 3 * image.width()].reshape(image.height(), image.width(), 3).copy()


def test_from_the_idle_screen_to_the_verdict(view: SubjectView, camera: Camera, qtbot: QtBot) -> None:
    camera.reason = Reason.NO_FACE
    assert play(view, camera, 1).kind is Kind.IDLE
    idle = pixels(view)
    camera.reason = Reason.TOO_FAR
    assert play(view, camera, 3).text is Text.COME_CLOSER
    far = pixels(view)
    camera.reason, camera.session = None, Verdict.LIVE
    with qtbot.waitSignal(view.verdict_shown, check_params_cb=lambda told: told == "live"):
        assert play(view, camera, 1).verdict is Verdict.LIVE
    live = pixels(view)
    assert (idle != far).any(axis=-1).mean() > 0.2
    assert (far != live).any(axis=-1).mean() > 0.01
    assert camera.forgotten == 0


def test_it_is_a_mirror(view: SubjectView, camera: Camera) -> None:
    color = camera.frame_set.color
    assert color is not None
    left_red = np.where(np.arange(320)[None, :, None] < 160, (200, 20, 20), (20, 20, 200)).astype(np.uint8)
    camera.frame_set = replace(camera.frame_set, color=replace(color, pixels=np.tile(left_red, (240, 1, 1))))
    play(view, camera, 3)
    row = pixels(view)[100].astype(int)
    redder = row[:, 0] - row[:, 2]
    assert redder[400] < -150
    assert redder[880] > 150


def test_infrared_stands_in_for_colour_and_nothing_for_nothing(view: SubjectView, camera: Camera) -> None:
    camera.frame_set = replace(camera.frame_set, color=None)
    play(view, camera, 3)
    with_infrared = pixels(view)
    camera.frame_set = replace(camera.frame_set, infrared=None)
    play(view, camera, 1)
    assert (pixels(view) != with_infrared).any()


def test_the_same_number_is_not_turned_into_a_picture_again(
    view: SubjectView, camera: Camera, monkeypatch: pytest.MonkeyPatch
) -> None:
    play(view, camera, 3)
    shown = camera.latest()
    view.refresh(shown, camera.state(), ())
    monkeypatch.setattr("app.kiosk.subject_view.mirror", lambda _shown: pytest.fail("made twice"))
    view.refresh(shown, camera.state(), ())


def test_no_score_and_no_species_reach_the_person(view: SubjectView) -> None:
    told = [view.words(text) + view.notes(text) for text in Text]
    assert not any(character.isdigit() for text in told for character in text)
    assert not any(word in text.lower() for text in told for word in ("mask", "print", "screen", "score"))
    assert len({view.words(text) for text in Text}) == len(Text) - 1  # to step in is asked twice


def test_words_reach_a_screen_reader(view: SubjectView, camera: Camera) -> None:
    camera.reason = Reason.TURN_TO_CAMERA
    play(view, camera, 3)
    assert view.accessibleName()
    assert view.accessibleDescription() == view.words(Text.TURN_HERE)


def test_a_recording_is_told_in_red(view: SubjectView, camera: Camera) -> None:
    assert view.privacy() == "Nothing is stored"
    take = Take(Path("take.mcap"), (), True, 1, 0.1, 1, 0, 1)
    camera.running = replace(camera.running, take=take)
    play(view, camera, 3)
    assert view.privacy() == "You are being recorded"
    assert pixels(view)[4, 20].tolist() == list(QColor(RECORDING).getRgb()[:3])


def test_words_stand_out() -> None:
    for ground in (GROUND, BAND, QColor("#16222f")):
        assert contrast(INK, ground) >= 4.5
        assert contrast(FAINT, ground) >= 4.5
    assert contrast(INK, QColor(RECORDING)) >= 4.5


@pytest.mark.parametrize("icon", [icon for icon in Icon if icon is not Icon.VERDICT])
def test_every_icon_draws_something_of_its_own(view: SubjectView, icon: Icon) -> None:
    view._told = Instruction(Kind.WAIT, Text.ONE_MOMENT, Icon.VERDICT)
    nothing = pixels(view)
    view._told = Instruction(Kind.WAIT, Text.ONE_MOMENT, icon)
    assert (pixels(view) != nothing).any()
    assert icon in ICONS.values()


def kiosk(qtbot: QtBot, camera: Camera, pin: str | None = "4711", **more: object) -> KioskWindow:
    settings = validated({"pin": pin and hash_pin(pin), **more})
    window = KioskWindow(camera, SubjectView(clock=camera.clock), settings, camera.clock)
    qtbot.addWidget(window, before_close_func=lambda closing: closing.leave())
    window.show()
    return window


def chord(window: KioskWindow) -> None:
    QTest.keyClick(window, Qt.Key.Key_Q, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier)


def type_pin(window: KioskWindow, pin: str) -> None:
    assert window.pad is not None
    QTest.keyClicks(window.pad, pin)
    QTest.keyClick(window.pad, Qt.Key.Key_Return)


def test_only_the_pin_leads_out(qtbot: QtBot, camera: Camera) -> None:
    window = kiosk(qtbot, camera)
    window.close()
    assert window.isVisible()
    type_pin(window, "0000")
    assert window.isVisible()
    with qtbot.waitSignal(window.left):
        type_pin(window, "4711")
    assert not window.isVisible()


def test_the_chord_and_d_ask_for_the_pin(qtbot: QtBot, camera: Camera) -> None:
    window = kiosk(qtbot, camera)
    QTest.keyClick(window, Qt.Key.Key_D)
    with qtbot.waitSignal(window.operator_wanted):
        type_pin(window, "4711")
    assert window.isVisible()
    chord(window)
    with qtbot.waitSignal(window.left):
        type_pin(window, "4711")


def test_three_wrong_pins_shut_the_lock_for_half_a_minute(qtbot: QtBot, camera: Camera) -> None:
    window = kiosk(qtbot, camera)
    chord(window)
    for _ in range(3):
        type_pin(window, "1")
    type_pin(window, "4711")
    assert window.isVisible()
    assert window.pad is not None
    assert "30" in window.pad.told
    camera.now_s += PinLock.PAUSE_S + 0.1
    with qtbot.waitSignal(window.left):
        type_pin(window, "4711")


def test_without_a_pin_the_chord_leaves(qtbot: QtBot, camera: Camera) -> None:
    window = kiosk(qtbot, camera, None)
    with qtbot.waitSignal(window.left):
        chord(window)


def test_the_kiosk_polls_hides_the_cursor_and_forgets_after_a_verdict(qtbot: QtBot, camera: Camera) -> None:
    window = kiosk(qtbot, camera)
    assert window.cursor().shape() is Qt.CursorShape.BlankCursor
    qtbot.waitUntil(lambda: camera.number > 1)
    camera.session = Verdict.ATTACK
    for _ in range(90):
        camera.now_s += 0.1
        window._poll()
    assert camera.forgotten >= 1


def test_a_hidden_kiosk_leaves_the_runner_alone(qtbot: QtBot, camera: Camera) -> None:
    window = kiosk(qtbot, camera)
    qtbot.waitUntil(lambda: camera.number > 1)
    window.hide()
    before = camera.number
    qtbot.wait(100)
    assert camera.number == before
    window.show()
    qtbot.waitUntil(lambda: camera.number > before)


def test_who_comes_back_to_a_hidden_kiosk_is_not_told_the_last_ones_verdict(qtbot: QtBot, camera: Camera) -> None:
    window = kiosk(qtbot, camera)
    window._timer.stop()
    camera.session = Verdict.LIVE
    for _ in range(60):
        camera.now_s += 0.1
        window._poll()
        if window._view.told.verdict is Verdict.LIVE:
            break
    assert window._view.told.verdict is Verdict.LIVE
    window.hide()
    forgotten = camera.forgotten
    window.show()
    assert window._view.told.kind is Kind.IDLE
    assert camera.forgotten == forgotten + 1


def test_a_pin_counts_from_when_it_is_set(qtbot: QtBot, camera: Camera) -> None:
    window = kiosk(qtbot, camera, None)
    window.use(validated({"pin": hash_pin("4711")}))
    chord(window)
    assert window.isVisible()
    with qtbot.waitSignal(window.left):
        type_pin(window, "4711")


def test_the_users_timings_are_taken() -> None:
    timings = timings_of(validated({"kiosk_verdict_s": 7, "kiosk_idle_s": 20, "kiosk_pause_s": 45}))
    assert (timings.held_s, timings.idle_s, timings.pause_s) == (7, 20, 45)


def test_cues_are_sound_files_of_their_own() -> None:
    lengths = set()
    for verdict in Verdict:
        with wave.open(io.BytesIO(cue(verdict))) as file:
            samples = np.frombuffer(file.readframes(file.getnframes()), "<i2")
            lengths.add(file.getnframes())
        assert 8000 < np.abs(samples).max() <= 16384
        assert samples[0] == 0
    assert len(lengths) == len(NOTES) == 3


def test_a_cue_reaches_the_player(qtbot: QtBot, tmp_path: Path) -> None:
    heard = tmp_path / "heard.wav"
    copy = "import sys, pathlib; pathlib.Path(sys.argv[1]).write_bytes(sys.stdin.buffer.read())"
    sounds = Sounds(True, [sys.executable, "-c", copy, str(heard)])
    sounds.play("attack")
    qtbot.waitUntil(lambda: heard.exists() and heard.read_bytes() == cue(Verdict.ATTACK), timeout=5000)
    sounds.stop()


def test_no_player_is_said_once_and_does_no_harm(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, qapp: object
) -> None:
    monkeypatch.setattr("app.kiosk.sounds.shutil.which", lambda _name: None)
    sounds = Sounds(True)
    sounds.play("live")
    sounds.play("live")
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    Sounds(False).play("live")


@pytest.mark.parametrize("turn", [0, 90, 180, 270])
def test_the_outline_follows_the_face_of_a_camera_on_its_side(camera: Camera, turn: Turn) -> None:
    width, height = (320, 240) if turn in (0, 180) else (240, 320)
    upright = np.array([[60, 90], [92, 90], [76, 107], [63, 127], [89, 127]], np.float32)
    delivered = turn_back(upright, turn, 320, 240)
    rig = camera.frame_set.rig.model_copy(update={"rotation": turn})
    shown = camera.latest()
    shown = replace(
        shown,
        frame_set=replace(camera.frame_set, rig=rig),
        result=replace(shown.result, face=Face((0, 0, 1, 1), delivered, 0.9)),
    )
    picture, place = mirror(shown), oval(shown)
    assert picture is not None
    assert place is not None
    assert (picture.width(), picture.height()) == (width, height)
    center = Face((0, 0, 1, 1), upright, 0.9).canonical_square().center
    assert place[0] * width == pytest.approx(width - 1 - center[0] + 0.5, abs=2)
    assert place[1] * width == pytest.approx(center[1] + 0.5, abs=2)
