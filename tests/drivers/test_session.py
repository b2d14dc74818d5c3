"""Sessions: everything comes back, nothing is overwritten, unfinished files give what is whole."""

from __future__ import annotations

import errno
import json
import os
import signal
import stat
import threading
from collections import Counter
from dataclasses import replace
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from typing import Any

import mcap.writer
import numpy as np
import pytest
from foxglove_schemas_protobuf.CameraCalibration_pb2 import CameraCalibration
from foxglove_schemas_protobuf.CompressedImage_pb2 import CompressedImage
from mcap.data_stream import ReadDataStream, RecordBuilder
from mcap.reader import make_reader
from mcap.records import Chunk

from calibration.rig import Rig
from drivers import session_format, session_writer
from drivers.codecs import decode
from drivers.errors import AccessDenied, EndedEarly, EndOfStream, NotFound, SessionError
from drivers.frames import FrameSet, Image
from drivers.session import (
    Labels,
    SessionReader,
    SessionSource,
    SessionWriter,
    amend_labels,
    check,
    labels,
    repair,
)
from drivers.source import Source, frames_of
from tests.drivers.recordings import (
    INFO,
    LABELS,
    assert_same_set,
    assert_same_sets,
    lens,
    noise_rig,
    noise_set,
    noise_sets,
    record,
)


@pytest.fixture
def session(tmp_path: Path) -> Path:
    return record(tmp_path / "a.mcap", noise_sets(5))


def test_replay_gives_every_field_back(session: Path) -> None:
    source = SessionSource(session)
    assert_same_sets(list(frames_of(source)), noise_sets(5))
    assert source.info == replace(INFO, live=False, frames=5)
    assert source.rig == noise_rig()
    assert isinstance(source, Source)
    assert labels(session) == LABELS


@pytest.mark.parametrize("codec", ["jxl", "png"])
@pytest.mark.parametrize("kind", ["depth_and_8_bit_infrared", "color_and_depth"])
def test_cameras_of_two_streams(tmp_path: Path, kind: str, codec: Any) -> None:
    camera = lens(64, 48)
    color, infrared = (None, camera) if kind == "depth_and_8_bit_infrared" else (camera, None)
    rig = Rig(color=color, depth=camera, infrared=infrared, registered=True)
    sets = [noise_set(number, rig, infrared_bits=8) for number in range(3)]
    with SessionWriter(tmp_path / "a.mcap", rig, INFO, codec=codec) as writer:
        for frame_set in sets:
            writer.write(frame_set)
    with SessionReader(tmp_path / "a.mcap") as reader:
        assert_same_sets(list(reader), sets)
        assert reader.labels == Labels()


def test_a_set_without_any_picture_and_an_empty_session(tmp_path: Path) -> None:
    nothing = noise_set(0, noise_rig(), ("color", "depth", "infrared"))
    with SessionReader(record(tmp_path / "a.mcap", [nothing])) as reader:
        assert_same_set(reader.frame(0), nothing)
    SessionWriter(tmp_path / "b.mcap", noise_rig(), INFO).close()
    assert check(tmp_path / "b.mcap").sound
    assert list(frames_of(SessionSource(tmp_path / "b.mcap"))) == []


@pytest.mark.parametrize("time_s", [-5.5, 0.0, 1.7e9 + 1 / 3, 1e300])
def test_strange_times_come_back(tmp_path: Path, time_s: float) -> None:
    frame_set = replace(_with_depth(np.zeros((48, 64), np.uint16), device_time_s=time_s), host_time_s=time_s)
    with SessionReader(record(tmp_path / "a.mcap", [frame_set])) as reader:
        assert_same_set(reader.frame(0), frame_set)


def test_random_access_and_seeking(session: Path) -> None:
    sets = noise_sets(5)
    with SessionReader(session) as reader:
        assert len(reader) == 5
        for number in (4, 0, 2, 3, 1):
            assert_same_set(reader.frame(number), sets[number])
    source = SessionSource(session)
    source.open()
    source.seek(3)
    assert_same_set(source.read(0.1), sets[3])
    source.seek(-7)
    assert_same_set(source.read(0.1), sets[0])
    source.seek(99)
    with pytest.raises(EndOfStream):
        source.read(0.1)
    source.close()


def test_closing_from_another_thread_ends_the_replay(session: Path) -> None:
    source = SessionSource(session)
    source.open()
    source.read(0.1)
    closer = threading.Thread(target=source.close)
    closer.start()
    closer.join()
    source.close()
    with pytest.raises(EndOfStream):
        source.read(0.1)


def test_stock_tools_read_it(session: Path) -> None:
    """Only mcap and the published schemas: topics, schemas, pictures, times, calibration, metadata."""
    wanted = noise_sets(5)
    with session.open("rb") as file:
        reader = make_reader(file, validate_crcs=True)
        assert reader.get_header().profile == "trilume"
        messages = list(reader.iter_messages(log_time_order=False))
        metadata = {record.name: record.metadata for record in reader.iter_metadata()}
        summary = reader.get_summary()
    assert summary is not None
    assert summary.statistics is not None
    assert len(summary.chunk_indexes) == summary.statistics.chunk_count == 5
    assert all(index.compression == "" for index in summary.chunk_indexes)
    assert Counter(channel.topic for _, channel, _ in messages) == {
        "/frame_set": 5,
        "/color/image": 4,
        "/depth/image": 5,
        "/infrared/image": 4,
        "/color/calibration": 1,
        "/depth/calibration": 1,
        "/infrared/calibration": 1,
    }
    by_topic = {channel.topic: (schema, message) for schema, channel, message in reversed(messages)}
    schema, message = by_topic["/depth/image"]
    assert schema is not None
    assert (schema.name, schema.encoding) == ("foxglove.CompressedImage", "protobuf")
    image = CompressedImage.FromString(message.data)
    assert (image.frame_id, image.format) == ("depth", "jxl")
    depth = wanted[0].depth
    assert depth is not None
    assert image.timestamp.ToNanoseconds() == round(depth.device_time_s * 1e9)
    np.testing.assert_array_equal(decode(image.data, "jxl", (48, 64), 16), depth.pixels)
    calibration = CameraCalibration.FromString(by_topic["/color/calibration"][1].data)
    assert calibration.distortion_model == "plumb_bob"
    color = noise_rig().color
    assert color is not None
    assert tuple(calibration.D) == color.distortion
    assert list(calibration.K) == color.matrix.ravel().tolist()
    assert json.loads(by_topic["/frame_set"][1].data)["sequence"] == 500
    assert metadata["trilume.labels"]["species"] == "flat_print"
    assert Rig.model_validate_json(metadata["trilume.rig"]["json"]) == noise_rig()


def test_file_is_the_owners_alone_and_has_its_name_only_when_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.mcap"
    with SessionWriter(path, noise_rig(), INFO) as writer:
        writer.write(noise_set(0, noise_rig()))
        assert [entry.name for entry in tmp_path.iterdir()] == ["a.mcap.part"]
        assert writer.bytes_written == (tmp_path / "a.mcap.part").stat().st_size
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.mcap"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with pytest.raises(SessionError, match="closed"):
        writer.write(noise_set(1, noise_rig()))
    writer.close()


def test_nothing_is_overwritten(session: Path, tmp_path: Path) -> None:
    before = session.read_bytes()
    with pytest.raises(SessionError, match="not overwritten"):
        SessionWriter(session, noise_rig(), INFO)
    first = SessionWriter(tmp_path / "b.mcap", noise_rig(), INFO)
    with pytest.raises(SessionError, match="interrupted recording, or being written"):
        SessionWriter(tmp_path / "b.mcap", noise_rig(), INFO)
    (tmp_path / "b.mcap").write_bytes(b"somebody else's")
    with pytest.raises(SessionError, match="not overwritten"):
        first.close()
    assert check(tmp_path / "b.mcap.part").sound
    assert session.read_bytes() == before
    assert (tmp_path / "b.mcap").read_bytes() == b"somebody else's"


def test_bad_places_to_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(NotFound, match="create it first"):
        SessionWriter(tmp_path / "none" / "a.mcap", noise_rig(), INFO)
    with pytest.raises(SessionError, match=r"ends with \.mcap"):
        SessionWriter(tmp_path / "a.avi", noise_rig(), INFO)

    def refuse(*_: object) -> int:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(AccessDenied, match="no permission"):
        SessionWriter(tmp_path / "a.mcap", noise_rig(), INFO)
    with pytest.raises(AccessDenied, match="no permission"):
        SessionReader(tmp_path / "a.mcap")


def _record_and_raise(path: Path, error: BaseException | None) -> None:
    with SessionWriter(path, noise_rig(), INFO, LABELS) as writer:
        for frame_set in noise_sets(6):
            writer.write(frame_set)
        if error:
            raise error


def test_an_exception_leaves_a_whole_file_that_says_so(tmp_path: Path) -> None:
    for name in ("a.interrupted.mcap", "a.interrupted2.mcap"):
        with pytest.raises(ZeroDivisionError):
            _record_and_raise(tmp_path / "a.mcap", ZeroDivisionError())
        assert check(tmp_path / name).sound
        assert_same_sets(list(frames_of(SessionSource(tmp_path / name))), noise_sets(6))
    assert len(list(tmp_path.iterdir())) == 2


def test_ctrl_c_ends_a_recording_normally(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        _record_and_raise(tmp_path / "a.mcap", KeyboardInterrupt())
    assert check(tmp_path / "a.mcap").sound


@pytest.mark.parametrize("moment", ["amid a set", "at the end"])
def test_ctrl_c_waits_for_the_set_being_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str) -> None:
    name = "add_message" if moment == "amid a set" else "finish"
    really = getattr(mcap.writer.Writer, name)
    calls = 0

    def interrupted(writer: mcap.writer.Writer, *args: Any, **more: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == (6 if moment == "amid a set" else 1):
            signal.raise_signal(signal.SIGINT)
        return really(writer, *args, **more)

    monkeypatch.setattr(mcap.writer.Writer, name, interrupted)
    with pytest.raises(KeyboardInterrupt):
        _record_and_raise(tmp_path / "a.mcap", None)
    with SessionReader(tmp_path / "a.mcap") as reader:
        assert reader.problems == []
        assert_same_sets(list(reader), noise_sets(1 if moment == "amid a set" else 6))
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_recording_in_another_thread(tmp_path: Path) -> None:
    recorder = threading.Thread(target=_record_and_raise, args=(tmp_path / "a.mcap", None))
    recorder.start()
    recorder.join()
    assert check(tmp_path / "a.mcap").frames == 6


def _with_depth(pixels: np.ndarray, **told: Any) -> Any:
    return replace(noise_set(0, noise_rig()), depth=Image(pixels, **{"device_time_s": 1.0, **told}))


@pytest.mark.parametrize(
    ("frame_set", "said"),
    [
        (_with_depth(np.zeros((48, 63), np.uint16)), "depth is uint16"),
        (_with_depth(np.zeros((48, 64), np.uint8)), "depth is uint8"),
        (_with_depth(np.zeros((48, 64), np.uint16), device_time_s=float("nan")), "device_time_s"),
        (_with_depth(np.zeros((48, 64), np.uint16), exposure_ms=float("inf")), "exposure_ms"),
        (replace(noise_set(0, noise_rig()), host_time_s=float("nan")), "host_time_s"),
        (replace(noise_set(0, noise_rig()), depth_unit_m=0.0), "depth_unit_m"),
        (replace(noise_set(0, noise_rig()), lost=-1), "lost"),
        (noise_set(0, Rig(color=None, depth=lens(9, 7), infrared=lens(9, 7), registered=True)), "another rig"),
    ],
)
def test_a_set_that_does_not_fit_is_refused_and_the_recording_goes_on(
    tmp_path: Path, frame_set: Any, said: str
) -> None:
    with SessionWriter(tmp_path / "a.mcap", noise_rig(), INFO) as writer:
        writer.write(noise_set(0, noise_rig()))
        with pytest.raises(SessionError, match=said):
            writer.write(frame_set)
        writer.write(noise_set(1, noise_rig()))
    with SessionReader(tmp_path / "a.mcap") as reader:
        assert_same_sets(list(reader), [noise_set(0, noise_rig()), noise_set(1, noise_rig())])


@pytest.mark.parametrize("room", [0, 1, 700, 5000, 40_000, 100_000, 180_000])
def test_a_full_disk_keeps_every_set_before_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, room: int) -> None:
    left = room
    really_write = os.write

    def write(descriptor: int, data: memoryview) -> int:
        nonlocal left
        if not left:
            raise OSError(errno.ENOSPC, "No space left on device")
        taken = really_write(descriptor, data[:left])
        left -= taken
        return taken

    monkeypatch.setattr(session_writer.os, "write", write)
    with pytest.raises(SessionError, match="No space left on device; make room"):
        _record_and_raise(tmp_path / "a.mcap", None)
    monkeypatch.undo()
    part = tmp_path / "a.mcap.part"
    if part.exists():
        kept = repair(part, tmp_path / "r.mcap").frames
        with SessionReader(tmp_path / "r.mcap") as reader:
            assert_same_sets(list(reader), noise_sets(6)[:kept])
    assert part.exists() == (room >= 100_000)


def test_synced_once_a_second(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    synced = []
    really_sync = os.fsync
    monkeypatch.setattr(session_writer.time, "monotonic", lambda: now)
    monkeypatch.setattr(session_writer.os, "fsync", lambda fd: (synced.append(now), really_sync(fd)))
    with SessionWriter(tmp_path / "a.mcap", noise_rig(), INFO) as writer:
        for number in range(30):
            now = number / 10
            writer.write(noise_set(0, noise_rig()))
    assert synced == [1.0, 2.0, 2.9, 2.9]  # the last two are the file and its folder


def test_cut_files_give_their_whole_sets_then_end_early(session: Path, tmp_path: Path) -> None:
    cut = tmp_path / "b.mcap.part"
    cut.write_bytes(session.read_bytes()[: session.stat().st_size * 3 // 5])
    got: list[FrameSet] = []
    with pytest.raises(EndedEarly, match=r"breaks off .* `trilume sessions repair` .* frame sets are good"):
        got.extend(frames_of(SessionSource(cut)))
    assert 0 < len(got) < 5
    assert_same_sets(got, noise_sets(5)[: len(got)])
    report = check(cut)
    assert (report.frames, report.sound) == (len(got), False)
    repaired = repair(cut, tmp_path / "r.mcap")
    assert repaired.sound
    assert len(repaired.dropped) == 1
    with SessionReader(tmp_path / "r.mcap") as reader:
        assert_same_sets(list(reader), got)
        assert reader.labels == LABELS
    with pytest.raises(SessionError, match="not overwritten"):
        repair(cut, tmp_path / "r.mcap")


def test_a_cut_before_the_first_set_is_no_end_but_an_error(session: Path, tmp_path: Path) -> None:
    cut = tmp_path / "b.mcap.part"
    cut.write_bytes(session.read_bytes()[:20_000])
    source = SessionSource(cut)
    source.open()
    with pytest.raises(SessionError) as caught:
        source.read(0.1)
    assert not isinstance(caught.value, EndedEarly)
    source.close()
    with pytest.raises(SessionError, match="no frame set is whole"):
        repair(cut, tmp_path / "r.mcap")
    assert not (tmp_path / "r.mcap.part").exists()


def _chunks(path: Path) -> list[tuple[int, int]]:
    with SessionReader(path) as reader:
        return list(reader.layout.chunks)


def test_damage_in_one_set_is_located_and_repair_counts_it_as_lost(session: Path, tmp_path: Path) -> None:
    data = bytearray(session.read_bytes())
    offset, length = _chunks(session)[2]
    data[offset + length // 2] ^= 4
    session.write_bytes(data)
    with SessionReader(session) as reader:
        assert_same_set(reader.frame(3), noise_sets(5)[3])
        with pytest.raises(SessionError, match=f"frame set 2 at byte {offset}: data does not fit its checksum"):
            reader.frame(2)
        with pytest.raises(EndedEarly, match=r"\(2 frame sets before it are good\)"):
            list(reader)
    assert repair(session, tmp_path / "r.mcap").dropped == check(session).problems
    wanted = [noise_sets(5)[number] for number in (0, 1, 3, 4)]
    wanted[2] = replace(wanted[2], lost=wanted[2].lost + 1)
    with SessionReader(tmp_path / "r.mcap") as reader:
        assert_same_sets(list(reader), wanted)


def test_repair_goes_on_beyond_a_broken_length_by_the_files_index(session: Path, tmp_path: Path) -> None:
    data = bytearray(session.read_bytes())
    offset, _ = _chunks(session)[1]
    data[offset - 8 : offset] = b"\xff" * 8
    session.write_bytes(data)
    assert check(session).frames == 1
    report = repair(session, tmp_path / "r.mcap")
    assert report.frames == 5
    assert "claims 18446744073709551615 bytes" in report.dropped[0]


def test_swapped_and_removed_sets_are_noticed(session: Path, tmp_path: Path) -> None:
    data = session.read_bytes()
    starts = [offset - 9 for offset, _ in _chunks(session)]
    first, second, third = (data[a:b] for a, b in pairwise(starts[:4]))
    swapped = tmp_path / "swapped.mcap"
    swapped.write_bytes(data[: starts[0]] + first + third + second + data[starts[3] :])
    with SessionReader(swapped) as reader, pytest.raises(EndedEarly, match="frame set 2 of the recording stands here"):
        list(reader)
    removed = tmp_path / "removed.mcap"
    removed.write_bytes(data[: starts[1]] + data[starts[2] :])
    problems = check(removed).problems
    assert any("closed with 5 frame sets and holds 4" in problem for problem in problems)


def test_compressed_chunks_are_refused_unopened(session: Path) -> None:
    """A chunk that claims to be compressed never reaches a decompressor, so it cannot be a bomb."""
    data = session.read_bytes()
    offset, length = _chunks(session)[0]
    chunk = Chunk.read(ReadDataStream(BytesIO(data[offset : offset + length])))
    builder = RecordBuilder()
    replace(chunk, compression="zstd", data=b"\x28\xb5\x2f\xfd" + bytes(50)).write(builder)
    session.write_bytes(data[: offset - 9] + builder.end() + data[offset + length :])
    with SessionReader(session) as reader, pytest.raises(SessionError, match=r"chunk is compressed \(zstd\)"):
        reader.frame(0)


def test_index_damage_leaves_the_pictures_readable(session: Path) -> None:
    data = bytearray(session.read_bytes())
    data[-60] ^= 1
    session.write_bytes(data)
    assert_same_sets(list(frames_of(SessionSource(session))), noise_sets(5))
    assert [problem for problem in check(session).problems if "index" in problem]


def test_labels_are_amended_without_touching_the_streams(session: Path) -> None:
    before = session.read_bytes()
    for subject in ("s0001", "s0002"):
        amend_labels(session, Labels(subject=subject, notes="Ω" * 1000))
        assert labels(session).subject == subject
        assert check(session).sound
    after = session.read_bytes()
    offset, length = _chunks(session)[-1]
    assert after[: offset + length] == before[: offset + length]
    with session.open("rb") as file:
        reader = make_reader(file, validate_crcs=True)
        summary = reader.get_summary()
        names = [record.name for record in reader.iter_metadata()]
        assert len(list(reader.iter_messages())) == 21
    assert summary is not None
    assert summary.statistics is not None
    assert summary.statistics.metadata_count == len(names) == 6
    assert names.count("trilume.labels") == 3


def test_amending_a_damaged_session_or_a_full_disk_changes_nothing(
    session: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cut = tmp_path / "b.mcap"
    cut.write_bytes(session.read_bytes()[:-5])
    with pytest.raises(SessionError, match="repair it first"):
        amend_labels(cut, Labels())
    before = session.read_bytes()
    syncs = iter([OSError(errno.ENOSPC, "No space left on device"), None])

    def sync(_: int) -> None:
        outcome = next(syncs)
        if outcome:
            raise outcome

    monkeypatch.setattr(os, "fsync", sync)
    with pytest.raises(SessionError, match="No space left on device; they stay as they were"):
        amend_labels(session, Labels(subject="x"))
    assert session.read_bytes() == before


def test_damaged_metadata_never_gives_other_labels_or_another_rig(session: Path) -> None:
    amend_labels(session, Labels(subject="s0009"))
    whole = session.read_bytes()
    for text, hurt in ((b"s0009", "labels"), (b"flat_print", "labels"), (b'"rotation":90', "rig")):
        data = bytearray(whole)
        data[data.index(text) + len(text) - 1] ^= 1
        session.write_bytes(data)
        if hurt == "labels":
            with pytest.raises(SessionError, match="metadata record is damaged"):
                labels(session)
        else:
            with pytest.raises(SessionError, match=r'record "trilume\.rig" is damaged or missing'):
                SessionReader(session)
        assert not check(session).sound


def test_what_is_no_session(tmp_path: Path) -> None:
    path = tmp_path / "a.mcap"
    for content in (b"", b"\x89MCAP0\r\n", b"\x89PNG\r\n\x1a\n and more", bytes(5000)):
        path.write_bytes(content)
        with pytest.raises(SessionError, match=r"a\.mcap"):
            SessionReader(path)
        assert not check(path).sound
    with pytest.raises(NotFound):
        SessionReader(tmp_path / "none.mcap")
    with pytest.raises(SessionError, match="is a folder"):
        SessionReader(tmp_path)


def test_reading_is_quick_to_start(tmp_path: Path) -> None:
    """A reader holds offsets, not pictures: opening does not read the chunks."""
    path = record(tmp_path / "a.mcap", noise_sets(40))
    read = 0
    really_read = os.pread

    def pread(descriptor: int, length: int, offset: int) -> bytes:
        nonlocal read
        read += length
        return really_read(descriptor, length, offset)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "pread", pread)
        SessionReader(path).close()
    assert read < 0.02 * path.stat().st_size


@pytest.mark.parametrize("white_level", [0.0, -1023.0])
def test_a_white_level_that_is_none_is_refused(tmp_path: Path, white_level: float) -> None:
    """Infrared is divided by it."""
    made = noise_set(0, noise_rig())
    assert made.infrared is not None
    with pytest.raises(SessionError, match="white_level"):
        record(tmp_path / "a.mcap", [replace(made, infrared=replace(made.infrared, white_level=white_level))])


def test_a_white_level_that_is_none_is_refused_where_another_wrote_it() -> None:
    messages = session_format.set_messages(noise_set(0, noise_rig()), 0, "png")
    topic = session_format.FRAME_SET_TOPIC
    told = json.loads(messages[topic])
    told["infrared"]["white_level"] = 0
    with pytest.raises(ValueError, match="white_level"):
        session_format.set_record({topic: json.dumps(told).encode()})


def test_repair_leaves_out_a_set_that_another_version_wrote(session: Path, tmp_path: Path) -> None:
    foreign = tmp_path / "foreign.mcap"
    with SessionReader(session) as reader, SessionWriter(foreign, reader.rig, reader.info) as writer:
        for number in range(len(reader)):
            messages = reader.messages(number)
            if number == 2:
                told = {**json.loads(messages[session_format.FRAME_SET_TOPIC]), "mood": "good"}
                messages = {**messages, session_format.FRAME_SET_TOPIC: json.dumps(told).encode()}
            writer.append(messages, float(number))
    report = repair(foreign, tmp_path / "mended.mcap")
    assert report.frames == 4
    assert any("frame set 2" in words and "mood" in words for words in report.dropped)


def test_a_second_interrupted_recording_is_told_by_its_own_name(tmp_path: Path) -> None:
    for expected in ("a.interrupted.mcap", "a.interrupted2.mcap"):
        writer = SessionWriter(tmp_path / "a.mcap", noise_rig(), INFO)
        assert writer.path.name == "a.mcap.part"
        writer.write(noise_set(0, noise_rig()))
        writer.interrupt()
        assert writer.path.name == expected
        assert writer.path.exists()
