"""`trilume sessions …` and `trilume record`: files looked at, mended, exported and made."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from app import record as recording
from app.__main__ import main
from drivers.clock import SystemClock
from drivers.errors import Disconnected, EndOfStream
from drivers.faults import Metronome
from drivers.session import Labels, SessionReader, SessionWriter, check
from drivers.supervision import Supervised
from pipeline import room
from tests.app.scene import INFO, RIG, cut, frame
from tests.drivers.recordings import assert_same_sets


def sets_of(path: Path) -> list[Any]:
    with SessionReader(path) as reader:
        return list(reader)


def test_list_shows_what_a_folder_holds(session: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["sessions", "list", str(session.parent)]) == 0
    shown = capfd.readouterr().out
    assert "bona_fi" in shown
    assert "12" in shown


def test_list_says_which_cannot_be_read(session: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    bad = tmp_path / "bad.mcap"
    bad.write_bytes(b"noise")
    assert main(["sessions", "list", str(session), str(bad)]) == 2
    shown = capfd.readouterr()
    assert str(bad) in shown.err
    assert "12" in shown.out


def test_a_folder_without_sessions_is_said(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["sessions", "list", str(tmp_path)]) == 2
    assert "holds no sessions" in capfd.readouterr().err


def test_info_tells_camera_labels_and_state(
    session: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    assert main(["sessions", "info", str(session)]) == 0
    shown = capfd.readouterr().out
    for text in ("Drawn camera", "sim-astra", "simulated", "12 frame sets", "320×240", "s1", "bona_fide", "whole"):
        assert text in shown
    assert main(["sessions", "info", str(cut(session, tmp_path / "cut.mcap"))]) == 3


def test_check_and_repair(session: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    short, mended = cut(session, tmp_path / "cut.mcap"), tmp_path / "mended.mcap"
    assert main(["sessions", "check", str(session)]) == 0
    assert main(["sessions", "check", str(session), str(short)]) == 3
    assert main(["sessions", "repair", str(short), "--out", str(mended)]) == 0
    assert main(["sessions", "check", str(mended)]) == 0
    shown = capfd.readouterr().out
    assert "sound" in shown
    good = sets_of(mended)
    assert 0 < len(good) < 12
    assert_same_sets(good, sets_of(session)[: len(good)])
    assert main(["sessions", "repair", str(short), "--out", str(mended)]) == 2, "nothing is overwritten"


@pytest.mark.parametrize("to", ["folder", "mcap-png"])
def test_exports_hold_the_same_pixels_and_times(session: Path, tmp_path: Path, to: str) -> None:
    out = tmp_path / ("folder" if to == "folder" else "png.mcap")
    assert main(["sessions", "export", str(session), "--to", to, "--out", str(out)]) == 0
    again = tmp_path / "again.mcap"
    assert main(["record", "--source", str(out), "--out", str(again), "--keep-free-mb", "0"]) == 0
    assert_same_sets(sets_of(again), sets_of(session))


@pytest.mark.parametrize("to", ["folder", "mcap-png"])
def test_the_good_part_of_a_cut_session_is_exported(session: Path, tmp_path: Path, to: str) -> None:
    short = cut(session, tmp_path / "cut.mcap")
    out = tmp_path / ("folder" if to == "folder" else "png.mcap")
    assert main(["sessions", "export", str(short), "--to", to, "--out", str(out)]) == 3
    again = tmp_path / "again.mcap"
    assert main(["record", "--source", str(out), "--out", str(again), "--keep-free-mb", "0"]) == 0
    good = sets_of(again)
    assert_same_sets(good, sets_of(session)[: len(good)])


class Camera:
    """A live source that does at one frame what a test wants."""

    info = INFO
    rig = RIG

    def __init__(self, at: int = 10**9, event: Any = None) -> None:
        self.number, self.at, self.event = -1, at, event

    def open(self) -> None:
        pass

    def read(self, timeout_s: float) -> Any:
        self.number += 1
        if self.number == self.at:
            self.event()
        return frame(self.number)

    def close(self) -> None:
        pass


@pytest.fixture
def record_from(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    def run(camera: Camera, *options: str, out: str = "take.mcap") -> tuple[int, Path]:
        monkeypatch.setattr("drivers.open.open_source", lambda _: camera)
        path = tmp_path / out
        return main(["record", "--source", "test", "--out", str(path), *options]), path

    return run


def fail(error: Exception) -> Any:
    def event() -> None:
        raise error

    return event


def test_length_by_frames_and_by_device_time(record_from: Any) -> None:
    code, path = record_from(Camera(), "--frames", "4", out="a.mcap")
    assert (code, check(path).frames) == (0, 4)
    code, path = record_from(Camera(), "--seconds", "0.2", out="b.mcap")
    assert (code, check(path).frames) == (0, 6)


def test_labels_go_into_the_file(record_from: Any) -> None:
    _, path = record_from(
        Camera(), "--frames", "1", "--subject", "s7", "--species", "flat_print", "--distance-m", "0.5"
    )
    with SessionReader(path) as reader:
        labels = reader.labels
    assert (labels.subject, labels.species, labels.distance_m) == ("s7", "flat_print", 0.5)


def test_an_unplugged_camera_leaves_what_was_recorded(
    record_from: Any, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    code, path = record_from(Camera(3, fail(Disconnected("camera: unplugged; plug it in"))))
    assert code == 3
    kept = tmp_path / "take.interrupted.mcap"
    assert not path.exists()
    assert check(kept).frames == 3
    shown = capfd.readouterr().err
    assert str(kept) in shown
    assert "unplugged" in shown


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_the_recording_well(record_from: Any, number: int, code: int) -> None:
    got, path = record_from(Camera(3, lambda: os.kill(os.getpid(), number)))
    assert got == code
    assert check(path).sound
    assert check(path).frames == 3


def test_what_waits_for_a_slow_disk_is_kept_at_ctrl_c(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """The disk stands still for a second at the fourth set, while a camera delivers 30 more; then comes Ctrl-C."""
    write, written = SessionWriter.write, []

    def slow(self: SessionWriter, frame_set: Any) -> None:
        written.append(frame_set.sequence)
        if len(written) == 4:
            time.sleep(1.0)
            os.kill(os.getpid(), signal.SIGINT)
        write(self, frame_set)

    monkeypatch.setattr(SessionWriter, "write", slow)
    path = tmp_path / "take.mcap"
    camera = Supervised(lambda _serial: Metronome(SystemClock()))
    assert recording.record(camera, path, Labels, recording.Limits(), Console()) == 130
    frames = check(path).frames
    assert f"{frames} frame sets" in capfd.readouterr().err
    assert frames > 10, "not the three alone that were written before"
    assert len(sets_of(path)) == frames
    assert len(set(written)) == frames, "the set that was being written is kept too"


def test_a_nearly_full_disk_stops_the_recording(
    record_from: Any, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    class Usage:
        free = 5_000_000

    monkeypatch.setattr(room.shutil, "disk_usage", lambda _: Usage)
    code, path = record_from(Camera(), "--keep-free-mb", "10")
    assert code == 3
    assert "nearly full" in capfd.readouterr().err
    assert not path.exists() or check(path).frames == 0


def test_a_source_without_frames_records_nothing(record_from: Any, tmp_path: Path) -> None:
    code, _ = record_from(Camera(0, fail(EndOfStream("over"))))
    assert code == 2
    assert list(tmp_path.iterdir()) == []


def test_a_recording_is_never_overwritten(record_from: Any) -> None:
    record_from(Camera(), "--frames", "1")
    code, path = record_from(Camera(), "--frames", "2")
    assert (code, check(path).frames) == (2, 1)
