"""Session recordings (`.mcap`): write, replay, check, repair, label. The format: drivers/README.md."""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from io import BytesIO, FileIO
from itertools import chain
from pathlib import Path
from typing import TypeVar

from mcap.data_stream import RecordBuilder
from mcap.exceptions import McapError
from mcap.opcode import Opcode
from mcap.records import DataEnd, Footer, McapRecord, Metadata, MetadataIndex, Statistics, SummaryOffset
from mcap.stream_reader import StreamReader
from mcap.writer import MCAP0_MAGIC

from drivers import session_format as fmt
from drivers.errors import AccessDenied, SessionError
from drivers.session_format import Labels
from drivers.session_reader import SessionReader, SessionSource
from drivers.session_writer import PART, SessionWriter, first_line

__all__ = [
    "PART",
    "Labels",
    "SessionReader",
    "SessionReport",
    "SessionSource",
    "SessionWriter",
    "amend_labels",
    "check",
    "labels",
    "repair",
]

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class SessionReport:
    """State of a session: readable `frames`, their span, the sets `lost` while recording, `problems`.

    `dropped` says, after a repair, what could not be kept.
    """

    path: Path
    frames: int
    seconds: float
    lost: int
    problems: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()

    @property
    def sound(self) -> bool:
        """Finished and whole."""
        return not self.problems


def check(path: Path) -> SessionReport:
    """Reads all of a session and says what is wrong with it. Raises NotFound, AccessDenied."""
    try:
        with SessionReader(path) as reader:
            return _report(reader)
    except SessionError as error:
        return SessionReport(path, frames=0, seconds=0.0, lost=0, problems=(str(error),))


def _report(reader: SessionReader) -> SessionReport:
    problems = list(reader.problems)
    times: list[float] = []
    lost = 0
    for number in range(len(reader)):
        frame_set = _try(partial(reader.frame, number), problems)
        if frame_set is not None:
            times.append(frame_set.device_time_s)
            lost += frame_set.lost
    if not problems:
        _try(reader.use_index, problems)
    _try(lambda: reader.labels, problems)
    seconds = max(times) - min(times) if times else 0.0
    return SessionReport(reader.path, len(times), seconds, lost, tuple(problems))


def repair(source: Path, destination: Path) -> SessionReport:
    """Copies what is whole in a damaged or unfinished session into a new, finished one.

    Pictures are copied as they are encoded, damaged sets are left out and counted as `lost` of the set
    after them. The source is not touched. Raises SessionError where no set is whole or the destination
    exists.
    """
    with SessionReader(source) as reader:
        dropped = list(reader.problems)
        _try(reader.use_index, [])  # a cut file has none
        kept_labels = _try(lambda: reader.labels, dropped) or Labels()
        sets = _whole_sets(reader, dropped)
        first = next(sets, None)
        if first is None:
            raise SessionError(f"{source}: no frame set is whole; record again")
        with SessionWriter(destination, reader.rig, reader.info, kept_labels) as writer:
            for messages, time_s in chain([first], sets):
                writer.append(messages, time_s)
    return replace(check(destination), dropped=tuple(dropped))


def _try(action: Callable[[], Result], complaints: list[str]) -> Result | None:
    try:
        return action()
    except SessionError as error:
        complaints.append(str(error))
        return None


def _whole_set(reader: SessionReader, number: int) -> tuple[dict[str, bytes], fmt.SetRecord]:
    """A set's messages and what they say of it. Raises SessionError, also for a set that another version wrote."""
    messages = reader.messages(number)
    try:
        return messages, fmt.set_record(messages)
    except ValueError as error:
        raise SessionError(f"{reader.path}: frame set {number}: {first_line(error)}") from error


def _whole_sets(reader: SessionReader, dropped: list[str]) -> Iterator[tuple[dict[str, bytes], float]]:
    """Messages and time of each sound set, renumbered without gaps."""
    count = expected = 0
    for number in range(len(reader)):
        whole = _try(partial(_whole_set, reader, number), dropped)
        if whole is None:
            continue
        messages, record = whole
        if record.index < expected:
            dropped.append(f"{reader.path}: frame set {record.index} stands twice")
            continue
        lost = record.lost + record.index - expected
        expected = record.index + 1
        renumbered = record.model_copy(update={"index": count, "lost": lost})
        count += 1
        yield {**messages, fmt.FRAME_SET_TOPIC: renumbered.model_dump_json().encode()}, record.host_time_s


def labels(path: Path) -> Labels:
    """A session's labels as last amended. Raises NotFound, AccessDenied, SessionError."""
    with SessionReader(path) as reader:
        return reader.labels


def amend_labels(path: Path, amended: Labels) -> None:
    """Adds a later record of labels to a finished session; streams and earlier labels stay as they are.

    Only the index behind the streams is rewritten, in place: a power cut meanwhile leaves a file that
    `repair` completes. Raises SessionError where the session is not sound or the disk refuses.
    """
    with SessionReader(path) as reader:
        data_end = reader.layout.data_end
        if reader.problems or data_end is None:
            raise SessionError(f"{path}: is not sound ({len(reader.problems)} problems); repair it first")
    try:
        with path.open("r+b", buffering=0) as file:
            file.seek(data_end)
            tail = file.read()
            _replace_tail(file, data_end, tail, _amended_tail(tail, data_end, amended))
    except PermissionError as error:
        raise AccessDenied(f"{path}: no permission to write; change its rights or its owner") from error
    except (OSError, McapError, ValueError, struct.error) as error:
        raise SessionError(f"{path}: labels cannot be amended: {first_line(error)}; they stay as they were") from error


def _replace_tail(file: FileIO, offset: int, old: bytes, new: bytes) -> None:
    try:
        _write_at(file, offset, new)
    except OSError:
        _write_at(file, offset, old)  # the disk has this room already
        raise


def _write_at(file: FileIO, offset: int, data: bytes) -> None:
    rest = memoryview(data)
    file.seek(offset)
    while rest:
        rest = rest[file.write(rest) :]
    file.truncate()
    os.fsync(file.fileno())


def _amended_tail(tail: bytes, offset: int, amended: Labels) -> bytes:
    """A file's bytes from its DataEnd on, with a metadata record put before it (MCAP specification)."""
    metadata = _encoded([Metadata(fmt.LABELS, fmt.seal(fmt.LABELS, fmt.label_entries(amended)))])
    index = MetadataIndex(offset=offset, length=len(metadata), name=fmt.LABELS)
    data = metadata + _encoded([DataEnd(data_section_crc=0)])
    summary = _encoded([*_summary_records(tail), index])
    start = offset + len(data)
    crc = zlib.crc32(summary + struct.pack("<BQQQ", Opcode.FOOTER, 20, start, 0))
    footer = Footer(summary_start=start, summary_offset_start=0, summary_crc=crc)
    return data + summary + _encoded([footer]) + MCAP0_MAGIC


def _summary_records(tail: bytes) -> Iterator[McapRecord]:
    """The old summary's records, counting one more metadata record."""
    reader = StreamReader(BytesIO(tail), skip_magic=True, record_size_limit=fmt.MAX_RECORD_BYTES)
    for record in reader.records:
        if isinstance(record, Statistics):
            yield replace(record, metadata_count=record.metadata_count + 1)
        elif not isinstance(record, DataEnd | SummaryOffset | Footer):
            yield record


def _encoded(records: Iterable[McapRecord]) -> bytes:
    builder = RecordBuilder()
    for record in records:
        record.write(builder)
    return bytes(builder.end())  # type: ignore[no-untyped-call]
