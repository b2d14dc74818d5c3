"""Recordings that the RealSense SDK's own recorder wrote, read through its own playback."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest

from drivers.errors import (
    EndedEarly,
    EndOfStream,
    NotFound,
    SessionError,
    Unsupported,
)
from drivers.open import open_source
from drivers.realsense_recording import RealSenseRecording, is_realsense_recording
from drivers.source import Source, frames_of
from tests.sdk.synthetic_realsense import (
    SyntheticD435,
    assert_is_instant,
    source_of,
)

rs = pytest.importorskip("pyrealsense2", exc_type=ImportError)
pytestmark = pytest.mark.sdk


def assert_replays(path: Path, sets: int) -> None:
    for _ in range(2):
        source = open_source(path)
        assert isinstance(source, RealSenseRecording)
        numbers = 0
        for number, frame_set in enumerate(frames_of(source), 1):
            assert_is_instant(frame_set, number)
            numbers = number
        assert numbers == sets
        assert (source.info.frames, source.info.live, source.info.serial) == (sets, False, "SYN0001")


def test_a_recording_of_the_sdk_is_read_without_loss(recording: Path) -> None:
    assert_replays(recording, 60)


@pytest.mark.slow
def test_a_recording_of_the_sdk_is_read_without_loss_600(camera: SyntheticD435, tmp_path: Path) -> None:
    camera.record(tmp_path / "long.db3", 600)
    assert_replays(tmp_path / "long.db3", 600)


def test_a_slow_consumer_loses_nothing_of_a_recording(recording: Path) -> None:
    source = RealSenseRecording(recording)
    source.open()
    time.sleep(0.5)  # the SDK reads ahead and waits
    for number in range(1, 61):
        assert_is_instant(source.read(1.0), number)
    with pytest.raises(EndOfStream):
        source.read(1.0)
    source.close()


def read_on(source: Source) -> None:
    while True:
        source.read(5.0)


@pytest.mark.parametrize("kind", ["live", "recording"])
def test_close_from_another_thread_frees_the_reader(kind: str, camera: SyntheticD435, recording: Path) -> None:
    source: Source = source_of(camera) if kind == "live" else RealSenseRecording(recording)
    before = threading.active_count()
    source.open()
    closer = threading.Timer(0.2, source.close)
    closer.start()
    started_s = time.monotonic()
    with pytest.raises(EndOfStream):
        read_on(source)
    closer.join()
    source.close()
    assert time.monotonic() - started_s < 2.0
    assert threading.active_count() == before
    source.open()  # and once more
    source.close()


def test_damaged_recordings_end_early(recording: Path, tmp_path: Path) -> None:
    damaged, cut = tmp_path / "damaged.db3", tmp_path / "cut.db3"
    shutil.copy(recording, damaged)
    with closing(sqlite3.connect(damaged)) as database:  # the bytes of one colour picture become zeros
        database.execute(
            "UPDATE messages SET data = zeroblob(length(data)) WHERE id = (SELECT messages.id FROM messages "
            "JOIN topics ON topic_id = topics.id WHERE name LIKE '%Color_0/image/data%' "
            "ORDER BY timestamp LIMIT 1 OFFSET 30)"
        )
        database.commit()
    sets = frames_of(RealSenseRecording(damaged))
    numbers: list[int] = []
    with pytest.raises(EndedEarly, match="damaged"):
        numbers.extend(frame_set.sequence for frame_set in sets)
    assert numbers[:30] == list(range(1, 31))
    content = recording.read_bytes()
    cut.write_bytes(content[: len(content) // 2])
    with pytest.raises(SessionError, match=r"cut\.db3"):
        RealSenseRecording(cut).open()


def test_other_files_of_the_same_name_are_not_taken(tmp_path: Path) -> None:
    ros = tmp_path / "ros.db3"
    with closing(sqlite3.connect(ros)) as database:
        database.execute("CREATE TABLE topics (id INTEGER PRIMARY KEY, name TEXT)")
        database.execute("INSERT INTO topics (name) VALUES ('/camera/image')")
        database.commit()
    bag = tmp_path / "orbbec.bag"
    bag.write_bytes(b"#ROSBAG V2.0\n" + b"topic=/cam/deviceInfo" * 100)
    ours = tmp_path / "realsense.bag"
    ours.write_bytes(b"#ROSBAG V2.0\n" + bytes(3 << 20) + b"topic=/device_0/sensor_0/Depth_0/image/data")
    assert [is_realsense_recording(path) for path in (ros, bag, ours)] == [False, False, True]
    with pytest.raises(Unsupported):
        open_source(ros)
    with pytest.raises(NotFound):
        RealSenseRecording(tmp_path / "none.db3").open()


def test_a_program_that_never_closes_ends_cleanly(recording: Path) -> None:
    """A callback of Python still running at the end of the interpreter would abort the process."""
    program = (
        "import sys; from drivers.open import open_source; source = open_source(sys.argv[1]); "
        "source.open(); print(source.read(5.0).sequence)"
    )
    command = [sys.executable, "-c", program, str(recording)]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=30)
    assert (done.returncode, done.stdout, done.stderr) == (0, "1\n", "")
