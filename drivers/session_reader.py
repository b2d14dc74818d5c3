"""Reads session files, finished or cut off, and believes nothing that a checksum does not cover."""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from google.protobuf.message import DecodeError
from mcap.data_stream import ReadDataStream
from mcap.exceptions import McapError
from mcap.opcode import Opcode
from mcap.records import Chunk, ChunkIndex, Message, Metadata
from mcap.stream_reader import StreamReader, breakup_chunk
from mcap.writer import MCAP0_MAGIC

from calibration.rig import Rig
from drivers import session_format as fmt
from drivers.errors import AccessDenied, NotFound, SessionError, TrilumeError
from drivers.frames import FrameSet
from drivers.replay import Replay, frame_in_turn
from drivers.session_format import Labels
from drivers.session_writer import first_line
from drivers.source import CameraInfo

REPAIR: Final = "`trilume sessions repair` keeps what is whole"

_HEADER: Final = struct.Struct("<BQ")  # opcode and length of every MCAP record
_FOOTER_BYTES: Final = _HEADER.size + 20 + len(MCAP0_MAGIC)
_PASSED_OVER: Final = {Opcode.HEADER, Opcode.MESSAGE_INDEX}


@dataclass
class Layout:
    """Where what stands in a session file. `chunks` are the frame sets' (offset, length) of content."""

    chunks: list[tuple[int, int]] = field(default_factory=list)
    metadata: dict[str, dict[str, str]] = field(default_factory=dict)
    data_end: int | None = None
    problems: list[str] = field(default_factory=list)
    metadata_damaged: bool = False


class SessionReader:
    """A session with random access: `len(reader)`, `reader.frame(i)`, iteration. A context manager.

    A cut file opens with the sets that are whole; `problems` then says where it breaks off, and an
    iteration ends with `EndedEarly` after the last good set.
    """

    def __init__(self, path: Path) -> None:
        """Raises NotFound, AccessDenied, and SessionError where not even the camera's data is whole."""
        self.path = path
        self._descriptor = _opened(path)
        try:
            self._size = os.fstat(self._descriptor).st_size
            self.layout = self._scan()
            with _as_session_error(f"{path}: camera data"):
                self._rig = fmt.rig_of(self._entries(fmt.RIG))
                self._info = fmt.camera_of(self._entries(fmt.CAMERA), len(self.layout.chunks))
            self._channels = dict(enumerate(fmt.topics_of(self._rig), start=1))
        except BaseException:
            self.close()
            raise

    @property
    def info(self) -> CameraInfo:
        """Who recorded; `live` is false and `frames` the length."""
        return self._info

    @property
    def rig(self) -> Rig:
        """The rig that every frame set shares."""
        return self._rig

    @property
    def labels(self) -> Labels:
        """The labels as last amended. Raises SessionError where they are damaged."""
        with _as_session_error(f"{self.path}: labels"):
            if self.layout.metadata_damaged:  # it may be what amended these labels
                raise ValueError("a metadata record is damaged")
            return fmt.labels_of(self._entries(fmt.LABELS))

    @property
    def problems(self) -> list[str]:
        """What is wrong with the file as a whole: empty for a finished, sound one."""
        return self.layout.problems

    def __len__(self) -> int:
        return len(self.layout.chunks)

    def frame(self, number: int) -> FrameSet:
        """The frame set at a position from 0. Raises SessionError where it is damaged."""
        with self._locating(number):
            messages = self.messages(number)
            record = fmt.set_record(messages)
            if record.index != number:
                raise ValueError(f"frame set {record.index} of the recording stands here")
            return fmt.frame_set_of(messages, self._rig)

    def messages(self, number: int) -> dict[str, bytes]:
        """The frame set's messages by topic, as recorded. Raises SessionError where they are damaged."""
        with self._locating(number):
            return self._messages_at(*self.layout.chunks[number])

    def use_index(self) -> None:
        """Adds the chunks that only the file's own index knows: those beyond damage amid the file.

        Raises SessionError where the index is damaged or missing.
        """
        with _as_session_error(f"{self.path}: index"):
            footer = self._read(max(0, self._size - _FOOTER_BYTES), min(_FOOTER_BYTES, self._size))
            start, _, crc = struct.unpack_from("<QQI", footer, _HEADER.size)
            index = self._read(start, min(self._size - start, fmt.MAX_RECORD_BYTES))
            if zlib.crc32(index[: -4 - len(MCAP0_MAGIC)]) != crc:  # all but the checksum itself
                raise ValueError("data does not fit its checksum")
            records = StreamReader(BytesIO(index), skip_magic=True, record_size_limit=fmt.MAX_RECORD_BYTES).records
            indexed = {
                (record.chunk_start_offset + _HEADER.size, record.chunk_length - _HEADER.size)
                for record in records
                if isinstance(record, ChunkIndex)
            }
        self.layout.chunks[:] = sorted(indexed.union(self.layout.chunks))

    def __iter__(self) -> Iterator[FrameSet]:
        for number in range(len(self)):
            yield frame_in_turn(self, number)
        if self.problems:
            frame_in_turn(self, len(self))

    def close(self) -> None:
        """Idempotent."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _read(self, offset: int, length: int) -> bytes:
        data = os.pread(self._descriptor, length, offset)
        if len(data) < length:
            raise EOFError(f"breaks off at byte {offset + len(data)}")
        return data

    def _scan(self) -> Layout:
        """Walks the records by their lengths; a finished file's own index is not needed, nor believed."""
        layout = Layout()
        try:
            if self._read(0, len(MCAP0_MAGIC)) != MCAP0_MAGIC:
                raise SessionError(f"{self.path}: not an MCAP file; give a recording made by `trilume record`")
            offset = len(MCAP0_MAGIC)
            while layout.data_end is None:
                opcode, length = self._record_header(offset)
                self._take(layout, opcode, offset, length)
                offset += _HEADER.size + length
            self._check_footer(offset)
        except (EOFError, ValueError) as error:
            layout.problems.append(f"{self.path}: {error}; {REPAIR}")
        except OSError as error:
            raise SessionError(f"{self.path}: cannot be read: {error.strerror}; check the disk") from error
        self._check_count(layout)
        return layout

    def _record_header(self, offset: int) -> tuple[int, int]:
        opcode, length = _HEADER.unpack(self._read(offset, _HEADER.size))
        if length > fmt.MAX_RECORD_BYTES:
            raise ValueError(f"record at byte {offset} claims {length} bytes")
        if offset + _HEADER.size + length > self._size:
            raise EOFError(f"breaks off in the record at byte {offset}")
        return opcode, length

    def _take(self, layout: Layout, opcode: int, offset: int, length: int) -> None:
        content = offset + _HEADER.size
        if opcode == Opcode.CHUNK:
            layout.chunks.append((content, length))
        elif opcode == Opcode.METADATA:
            self._take_metadata(layout, content, length)
        elif opcode == Opcode.DATA_END:
            layout.data_end = offset
        elif opcode not in _PASSED_OVER:
            raise ValueError(f"record of type {opcode} at byte {offset} belongs in no session")

    def _take_metadata(self, layout: Layout, content: int, length: int) -> None:
        try:
            with _as_session_error(f"{self.path}: metadata at byte {content}"):
                record = Metadata.read(ReadDataStream(BytesIO(self._read(content, length))))
                layout.metadata[record.name] = fmt.unseal(record.name, record.metadata)
        except SessionError as error:
            layout.problems.append(str(error))
            layout.metadata_damaged = True

    def _check_footer(self, summary: int) -> None:
        tail = self._read(max(summary, self._size - _FOOTER_BYTES), min(_FOOTER_BYTES, self._size - summary))
        footer = struct.pack("<BQQ", Opcode.FOOTER, 20, summary)  # up to its summary_start
        if not tail.startswith(footer) or not tail.endswith(MCAP0_MAGIC):
            raise ValueError(f"index after byte {summary} is damaged or missing")

    def _check_count(self, layout: Layout) -> None:
        declared = layout.metadata.get(fmt.END, {}).get("sets")
        if declared is None and not layout.problems:
            layout.problems.append(f"{self.path}: has no closing record; {REPAIR}")
        elif declared is not None and declared != str(len(layout.chunks)):
            layout.problems.append(
                f"{self.path}: was closed with {declared} frame sets and holds {len(layout.chunks)}; {REPAIR}"
            )

    def _entries(self, name: str) -> Mapping[str, str]:
        if name not in self.layout.metadata:
            raise ValueError(f'record "{name}" is damaged or missing')
        return self.layout.metadata[name]

    def _messages_at(self, offset: int, length: int) -> dict[str, bytes]:
        chunk = Chunk.read(ReadDataStream(BytesIO(self._read(offset, length))))
        if chunk.compression:
            raise ValueError(f"chunk is compressed ({chunk.compression}), which sessions are not")
        if chunk.uncompressed_size != len(chunk.data) or zlib.crc32(chunk.data) != chunk.uncompressed_crc:
            raise ValueError("data does not fit its checksum")
        records = (record for record in breakup_chunk(chunk) if isinstance(record, Message))
        return {self._channels[record.channel_id]: record.data for record in records}

    @contextmanager
    def _locating(self, number: int) -> Iterator[None]:
        offset = self.layout.chunks[number][0]
        with _as_session_error(f"{self.path}: frame set {number} at byte {offset}"):
            yield


class SessionSource(Replay):
    """`Source` that replays a session file."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, SessionReader)


def _opened(path: Path) -> int:
    try:
        if path.is_dir():
            raise SessionError(f"{path}: is a folder, not a session; give the .mcap file")
        return os.open(path, os.O_RDONLY)
    except OSError as error:
        raise opening_error(path, error) from error


def opening_error(path: Path, error: OSError) -> TrilumeError:
    """What to tell where a file or folder cannot be opened."""
    if isinstance(error, FileNotFoundError):
        return NotFound(f"{path}: no such recording; check the path")
    if isinstance(error, PermissionError):
        return AccessDenied(f"{path}: no permission to read; change its rights or its owner")
    return SessionError(f"{path}: cannot be read: {error.strerror}; check the path and the disk")


@contextmanager
def _as_session_error(where: str) -> Iterator[None]:
    """The one place where what parsers raise over damaged bytes becomes a `SessionError`."""
    try:
        yield
    except (
        McapError, DecodeError, ValueError, LookupError, struct.error, OverflowError, MemoryError, EOFError, OSError,
    ) as error:  # fmt: skip
        raise SessionError(f"{where}: {first_line(error)}; {REPAIR}") from error
