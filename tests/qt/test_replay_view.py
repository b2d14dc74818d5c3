"""The replay view driven by its keys, on a recording of the simulated camera."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from app.kiosk.judged_recording import ATTACK, DAMAGED, LIVE, UNDECIDED, JudgedRecording
from app.kiosk.replay_parts import free_name
from app.kiosk.replay_view import ReplayView
from app.kiosk.timeline import _spread_codes
from drivers.errors import NotFound
from drivers.folder import write_folder
from drivers.session import SessionReader
from pipeline.bundle import load_bundle
from pipeline.engine import Engine
from pipeline.result import Reason, Result, Verdict
from tests.qt.recordings import FPS, record

LIVE_FRAMES, PRINT_FRAMES = 8, 6
FRAMES = LIVE_FRAMES + PRINT_FRAMES
Key = Qt.Key


@pytest.fixture(autouse=True)
def _own_user_folders() -> None:
    """The face finder's nets lie in the user's data folder: here it stays."""


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A person, then a print in their place."""
    path = tmp_path_factory.mktemp("replay") / "visit.mcap"
    return record(path, ("live", LIVE_FRAMES), ("flat_print", PRINT_FRAMES))


@pytest.fixture(scope="module")
def judged_view(recording: Path, qapp: Any) -> Iterator[ReplayView]:
    made = ReplayView(recording, load_bundle())
    made.resize(1100, 700)
    made.show()
    until = time.monotonic() + 20
    while made._seen != made.judged or (not made.judged.finished and time.monotonic() < until):
        qapp.processEvents()
    yield made
    made.stop()
    made.deleteLater()


@pytest.fixture
def view(judged_view: ReplayView) -> ReplayView:
    """Judged once for all tests; each begins at the first frame, without a loop, at the usual speed."""
    judged_view.play(False)
    judged_view.faster(-9)
    judged_view.faster(2)
    judged_view.go(0)
    judged_view.loop_here(end=True)
    return judged_view


def opened(path: Path, qtbot: Any, **keywords: Any) -> ReplayView:
    made = ReplayView(path, load_bundle(), **keywords)
    qtbot.addWidget(made)
    made.resize(1100, 700)
    made.show()
    qtbot.waitUntil(lambda: made.judged.finished and made._seen == made.judged, timeout=20_000)
    return made


def wait_shown(view: ReplayView, number: int, qtbot: Any) -> None:
    qtbot.waitUntil(lambda: view.number == number and view._painted == (number, True), timeout=3000)


def test_verdicts_are_those_of_an_engine_that_reads_from_the_start(view: ReplayView, recording: Path) -> None:
    with SessionReader(recording) as reader:
        engine = Engine(load_bundle(), sensor=reader.info.sensor)
        wanted = [engine.process(frame_set) for frame_set in reader]
    kept = [view.result(number) for number in range(FRAMES)]
    assert [one.verdict for one in kept if one] == [one.verdict for one in wanted]
    assert [one.session_verdict for one in kept if one] == [one.session_verdict for one in wanted]
    np.testing.assert_allclose([one.d_net for one in kept if one], [one.d_net for one in wanted], atol=1e-5)
    assert all(one is not None and one.prepared is None for one in kept)  # pictures are not kept


def test_keys_move_by_frame_by_second_and_to_the_ends(view: ReplayView, qtbot: Any) -> None:
    for key, number in ((Key.Key_Right, 1), (Key.Key_Right, 2), (Key.Key_Left, 1), (Key.Key_End, FRAMES - 1)):
        QTest.keyClick(view, key)
        wait_shown(view, number, qtbot)
    QTest.keyClick(view, Key.Key_Right)
    assert view.number == FRAMES - 1
    QTest.keyClick(view, Key.Key_Home)
    QTest.keyClick(view, Key.Key_Right, Qt.KeyboardModifier.ShiftModifier)
    assert view.number == round(FPS)
    QTest.keyClick(view, Key.Key_Left, Qt.KeyboardModifier.ShiftModifier)
    assert view.number == 0


def test_place_gives_exact_frame_and_milliseconds(view: ReplayView, qtbot: Any) -> None:
    view.go(7)
    wait_shown(view, 7, qtbot)
    assert view._place.text() == f"frame 7 of {FRAMES - 1}   700.0 ms"


def test_next_verdict_change_is_the_first_frame_of_another_verdict(view: ReplayView) -> None:
    QTest.keyClick(view, Key.Key_V)
    first, here = view.result(0), view.result(view.number)
    assert first is not None
    assert here is not None
    assert here.verdict is not first.verdict
    assert all(view.result(n).verdict is first.verdict for n in range(view.number))  # type: ignore[union-attr]
    assert view.number == LIVE_FRAMES
    QTest.keyClick(view, Key.Key_V)
    assert view.number == LIVE_FRAMES  # there is none: it says so and stays
    assert "no other verdict" in view._message.text()


def test_playing_keeps_the_recordings_time_and_stops_at_its_end(view: ReplayView, qtbot: Any) -> None:
    for _ in range(4):
        QTest.keyClicks(view, "+")
    assert view.speed == 4.0
    began = time.monotonic()
    QTest.keyClick(view, Key.Key_Space)
    assert view.playing
    qtbot.waitUntil(lambda: not view.playing, timeout=5000)
    took = time.monotonic() - began
    assert view.number == FRAMES - 1
    assert took >= (FRAMES - 1) / FPS / 4 * 0.95
    for _ in range(9):
        QTest.keyClicks(view, "-")
    assert view.speed == 0.25


def test_loop_keeps_playing_between_its_ends(view: ReplayView, qtbot: Any) -> None:
    view.go(3)
    QTest.keyClicks(view, "[")
    view.go(6)
    QTest.keyClicks(view, "]")
    assert view.loop == (3, 6)
    seen: list[int] = []
    view.moved.connect(seen.append)
    view.faster(2)
    view.play(True)
    qtbot.waitUntil(lambda: sum(a > b for a, b in pairwise(seen)) >= 2, timeout=5000)
    view.play(False)
    assert set(seen) <= {3, 4, 5, 6}


def test_click_on_the_timeline_goes_there(view: ReplayView, qtbot: Any) -> None:
    timeline = view._timeline
    QTest.mouseClick(timeline, Qt.MouseButton.LeftButton, pos=QPoint(round(timeline.x_of(11)), 30))
    wait_shown(view, 11, qtbot)
    assert [timeline.number_at(timeline.x_of(n)) for n in range(FRAMES)] == list(range(FRAMES))


def test_scrubbing_shows_another_picture_each_time(view: ReplayView, qtbot: Any) -> None:
    pictures = [view.grab().toImage()]
    for number in (13, 2, 12, 5, 9):
        view.go(number)
        wait_shown(view, number, qtbot)
        pictures.append(view.grab().toImage())
    assert all(one != other for one, other in pairwise(pictures))


def test_snapshot_is_everything_shown_and_never_overwrites(view: ReplayView, tmp_path: Path) -> None:
    view._pictures = tmp_path
    view.go(4)
    for _ in range(2):
        QTest.keyClick(view, Key.Key_S)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["visit_frame-000004-2.png", "visit_frame-000004.png"]
    picture = cv2.imread(str(tmp_path / names[1]))
    assert picture is not None
    assert picture.shape[:2] == (view.height(), view.width())
    assert picture.std() > 10
    assert free_name(tmp_path / names[1]).name == "visit_frame-000004-3.png"


def test_a_cut_recording_says_so_and_shows_what_is_whole(recording: Path, tmp_path: Path, qtbot: Any) -> None:
    cut = tmp_path / "cut.mcap"
    cut.write_bytes(recording.read_bytes()[: int(recording.stat().st_size * 0.6)])
    view = opened(cut, qtbot)
    try:
        assert 3 < view.frames < FRAMES
        assert "repair" in view._message.text()
        assert "\n" not in view._message.text()
        QTest.keyClick(view, Key.Key_End)
        wait_shown(view, view.frames - 1, qtbot)
    finally:
        view.stop()


def test_a_damaged_frame_is_marked_and_those_behind_it_are_judged(recording: Path, tmp_path: Path, qtbot: Any) -> None:
    damaged = tmp_path / "damaged.mcap"
    shutil.copy(recording, damaged)
    with SessionReader(recording) as reader:
        offset, length = reader.layout.chunks[5]
    with damaged.open("r+b") as file:
        file.seek(offset + length // 2)
        file.write(b"\xff" * 64)
    view = opened(damaged, qtbot)
    try:
        codes = view._judged.codes
        assert codes[5] == DAMAGED
        assert view.result(5) is None
        assert view.result(FRAMES - 1).verdict is Verdict.ATTACK  # type: ignore[union-attr]
        view.go(5)
        qtbot.waitUntil(lambda: view._painted is not None and view._painted[0] == 5, timeout=3000)
        assert str(damaged) in view._message.text()
        assert view._badge.words == "not judged yet"
        view.go(6)
        wait_shown(view, 6, qtbot)
    finally:
        view.stop()


def test_frame_folders_are_replayed_as_well(recording: Path, tmp_path: Path) -> None:
    folder = tmp_path / "frames"
    with SessionReader(recording) as reader:
        write_folder(folder, (reader.frame(n) for n in range(4)), reader.info)
    judged = JudgedRecording(folder, load_bundle())
    judged.start()
    judged._thread.join(20)
    assert judged.state().done == judged.state().total == 4
    assert not judged.state().failed
    assert set(judged.codes) <= {LIVE, UNDECIDED, ATTACK}
    judged.close()


def test_what_is_no_recording_is_refused_in_one_line(tmp_path: Path, qapp: object) -> None:
    with pytest.raises(NotFound, match="no such recording"):
        ReplayView(tmp_path / "none.mcap", load_bundle())


def test_stopping_leaves_no_thread_and_is_quick_while_judging(recording: Path, qtbot: Any) -> None:
    before = set(threading.enumerate())
    view = ReplayView(recording, load_bundle())
    qtbot.addWidget(view)
    began = time.monotonic()
    view.close()
    assert time.monotonic() - began < 10, "a recording takes longer to judge"
    assert set(threading.enumerate()) <= before


def test_next_with_reason_goes_to_the_reason_that_is_chosen(view: ReplayView) -> None:
    assert view._judged.reasons() == []
    kept = view._judged._results[13]
    view._judged._results[13] = Result(13, 0.0, Verdict.UNDECIDED, Reason.TOO_FAR, Verdict.UNDECIDED, None)
    try:
        view._offer_reasons()
        assert view._reasons.count() == 1
        QTest.keyClick(view, Key.Key_J)
        assert view.number == 13
    finally:
        view._judged._results[13] = kept


@pytest.mark.parametrize("width", [1, 7, 18, 500])
def test_a_pixel_of_many_frames_shows_the_gravest(width: int) -> None:
    codes = np.array([LIVE] * 8 + [ATTACK] + [UNDECIDED] * 9, np.uint8)
    drawn = _spread_codes(codes, width)
    assert len(drawn) == width
    assert ATTACK in drawn
    assert set(drawn) <= set(codes)
