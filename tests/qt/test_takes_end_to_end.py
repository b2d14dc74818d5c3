"""A take's whole life in the real window, runner and disk: recorded by hand, checked, looked at, re-labelled, exported,
and broken by a cable. The camera shows simulated frame sets that are held in memory."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDialog, QFileDialog, QPushButton

from app.__main__ import main
from app.kiosk.replay_view import ReplayView
from app.kiosk.studio_view import Step
from app.kiosk.take_form import TakeForm
from app.kiosk.window import REPLAY
from app.studio import names
from app.studio.takes import StoredTake, take, takes_in
from drivers.faults import Fault
from drivers.frames import FrameSet
from drivers.session import Labels, SessionReader
from tests.bench import desk as desks
from tests.bench.desk import Desk, pick
from tests.bench.held_camera import HeldCamera, Socket, held
from tests.qt.recordings import record

FPS = 12.0
LABELS = Labels(subject="0007", species="flat_print", instrument="print-03", lighting="dim", distance_m=0.55,
                operator="kl", consent="C-17")  # fmt: skip


@pytest.fixture(autouse=True)
def _own_user_folders(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Recent recordings are the test's; models and kernels are shared."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))


@pytest.fixture(scope="module")
def camera(tmp_path_factory: pytest.TempPathFactory) -> HeldCamera:
    return held(str(record(tmp_path_factory.mktemp("held") / "live.mcap", ("live", 6))), FPS)


@pytest.fixture
def desk(camera: HeldCamera, tmp_path: Path, qapp: object) -> Iterator[Desk]:
    with desks.desk(Socket(camera), tmp_path / "takes") as made:
        yield made


def test_a_take_from_the_choice_of_a_source_to_its_export(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.choose_camera()
    desk.show_studio()
    desk.fill_in(LABELS)
    desk.begin()
    desk.until(lambda: desk.sets >= 8)
    end(desk)

    (stored,) = desk.stored(1)
    assert stored.path == names.place(desk.folder, LABELS, 1, 1)
    assert sound(stored.path)
    assert (stored.state, stored.labels, stored.frames >= 8) == ("sound", LABELS, True)
    pictures = pictures_of(stored.path)
    assert all(shows_the_camera(desk, number, picture) for number, picture in pictures)

    scrub(desk, stored, [picture for _, picture in pictures])
    relabel(desk, stored)
    assert [picture.tobytes() for _, picture in pictures_of(stored.path)] == [p.tobytes() for _, p in pictures]

    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(tmp_path / "out"))
    desk.click("Export…")
    desk.until(lambda: "1 good" in desk.studio.takes.message)
    (copy,) = takes_in(tmp_path / "out")
    assert copy.path.read_bytes() == stored.path.read_bytes()
    assert copy.labels == LABELS.model_copy(update={"lighting": "dark"})
    assert copy.path.name.startswith("sub-0007_ses-01_species-flatprint_light-dark"), "named after what it now says"


def end(desk: Desk) -> None:
    desk.press_r()
    desk.until(lambda: desk.studio.step is Step.IDLE)


def scrub(desk: Desk, stored: StoredTake, pictures: list[np.ndarray]) -> None:
    """Forwards, backwards and to both ends: what is shown is what was recorded."""
    desk.studio.takes.choose(stored.path)
    desk.click("Replay")
    assert desk.window._stack.currentIndex() == REPLAY
    player = desk.window._player
    assert isinstance(player, ReplayView)
    assert player.frames == stored.frames
    for key, number in (
        (Qt.Key.Key_End, stored.frames - 1),
        (Qt.Key.Key_Left, stored.frames - 2),
        (Qt.Key.Key_Home, 0),
        (Qt.Key.Key_Right, 1),
    ):
        QTest.keyClick(player, key)
        desk.until(lambda number=number: player._painted is not None and player._painted[0] == number)
        shown = player._shown
        assert shown is not None
        assert color_of(shown.frame_set).tobytes() == pictures[number].tobytes()
    desk.until(lambda: player.judged.finished)
    assert player.judged.trouble is None
    assert all(player.result(number) is not None for number in range(player.frames))
    desk.show_studio()


def relabel(desk: Desk, stored: StoredTake) -> None:
    """By the dialog; everything before the index stays as it is, and both records are kept."""
    with SessionReader(stored.path) as reader:
        data_end = reader.layout.data_end
    assert data_end is not None
    before = stored.path.read_bytes()[:data_end]

    def answer() -> None:
        dialog = QApplication.activeModalWidget()
        assert isinstance(dialog, QDialog)
        pick(dialog.findChild(TakeForm).lighting, "dark")
        save = next(button for button in dialog.findChildren(QPushButton) if button.text() == "Save")
        QTest.mouseClick(save, Qt.MouseButton.LeftButton)

    desk.studio.takes.choose(stored.path)
    QTimer.singleShot(100, answer)
    desk.click("Re-label…")
    desk.until(lambda: [t.labels.lighting for t in desk.studio.takes.model.takes] == ["dark"])
    after = stored.path.read_bytes()
    assert after[:data_end] == before
    assert take(stored.path).labels == LABELS.model_copy(update={"lighting": "dark"})
    assert sound(stored.path)


def test_a_cable_pulled_during_a_take_is_told_at_once_and_leaves_two_sound_segments(desk: Desk) -> None:
    desk.choose_camera()
    desk.show_studio()
    desk.fill_in(LABELS)
    desk.begin()
    desk.until(lambda: desk.sets >= 6)
    pulled_s = time.monotonic()
    desk.socket.camera.faults = (Fault("disconnect", desk.socket.camera.delivered, 1.2),)
    desk.until(lambda: "gone" in words_of_the_run(desk) or "plugged in" in words_of_the_run(desk), 5.0)
    last = desk.window.switch.latest()
    assert last is not None
    assert time.monotonic() - max(pulled_s, last.judged_s) < 1.0  # on a busy machine the last verdict itself is late
    assert desk.studio.step is Step.RECORDING, "the take waits for its camera"
    desk.until(lambda: desk.run.phase == "running")
    assert time.monotonic() - pulled_s < 1.2 + 5.0
    desk.until(lambda: desk.run.take is not None and len(desk.run.take.segments) == 2, 5.0)
    judged = desk.run.judged
    desk.until(lambda: desk.run.judged > judged + 5)
    end(desk)

    first, second = sorted(desk.stored(2), key=lambda stored: stored.path.name)
    assert names.continued(second.path) == (first.path, 2)
    assert sound(first.path, second.path)
    assert {stored.state for stored in (first, second)} == {"sound"}
    assert first.labels == second.labels == LABELS
    assert (first.counts, second.counts) == (True, False), "one take in two files"
    assert first.frames >= 6
    assert second.frames >= 5
    for stored in (first, second):
        assert all(shows_the_camera(desk, number, picture) for number, picture in pictures_of(stored.path))


def sound(*paths: Path) -> bool:
    """Whether `trilume sessions check` finds nothing."""
    return main(["sessions", "check", *map(str, paths)]) == 0


def words_of_the_run(desk: Desk) -> str:
    """What the operator reads in the window's own line."""
    return str(desk.window._status._run.text()) + str(desk.window._status._run.toolTip())


def pictures_of(path: Path) -> list[tuple[int, np.ndarray]]:
    """The camera's number and the colour picture of each set."""
    with SessionReader(path) as reader:
        sets = [reader.frame(number) for number in range(len(reader))]
    return [(frame_set.sequence, color_of(frame_set)) for frame_set in sets]


def color_of(frame_set: FrameSet) -> np.ndarray:
    assert frame_set.color is not None
    return frame_set.color.pixels


def shows_the_camera(desk: Desk, number: int, picture: np.ndarray) -> bool:
    """Whether that is, pixel by pixel, what the camera showed at that number."""
    ring = desk.socket.held.ring
    return bool(np.array_equal(picture, color_of(ring[number % len(ring)])))
