"""Writes session files so that a crash, a full disk or a pulled plug costs no more than the last set."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from itertools import chain, count
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Final, Protocol, Self, cast

from mcap.writer import CompressionType, Writer
from pydantic import ValidationError

from calibration.rig import Rig
from drivers import session_format as fmt
from drivers.codecs import Codec
from drivers.errors import AccessDenied, NotFound, SessionError, TrilumeError
from drivers.frames import FrameSet
from drivers.session_format import Labels
from drivers.source import CameraInfo

SYNC_PERIOD_S: Final = 1.0
PART: Final = ".part"


class PartFile:
    """`NAME.part` until it is whole, then `NAME`: what `mcap.Writer` writes into.

    Unbuffered, so that a write that the disk refuses is refused here and now, and what was written
    survives the process. Readable by its owner only. Creating it claims the name: two recorders cannot
    write one file.
    """

    def __init__(self, path: Path) -> None:
        """Raises SessionError where the file or its `.part` exists, NotFound, AccessDenied."""
        self.path = path
        self.part = path.with_name(path.name + PART)
        self._position = 0
        self._descriptor: int | None = None
        if self.part.exists():
            raise SessionError(
                f"{self.part}: left by an interrupted recording, or being written now; "
                "`trilume sessions repair` it or choose another name"
            )
        self._refuse_overwriting(path)
        try:
            self._descriptor = os.open(self.part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except OSError as error:
            raise creation_error(self.part, error) from error
        self._synced = time.monotonic()

    def write(self, data: bytes) -> int:
        """Writes all of `data`. Raises OSError."""
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(self._open, rest) :]
        self._position += len(data)
        return len(data)

    def tell(self) -> int:
        """Bytes written."""
        return self._position

    def flush(self) -> None:
        """Has the disk take what was written, once a second at most."""
        now = time.monotonic()
        if now - self._synced >= SYNC_PERIOD_S:
            os.fsync(self._open)
            self._synced = now

    def commit(self, path: Path) -> None:
        """Syncs, closes and gives the file its name. Raises OSError, SessionError where it is taken."""
        os.fsync(self._open)
        self._close()
        self._refuse_overwriting(path)
        self.part.rename(path)
        sync_folder(path.parent)

    def abandon(self, length: int) -> None:
        """Cuts the file back to its good part and leaves it as `.part`; with no good part, removes it."""
        if self._descriptor is None:
            return
        with suppress(OSError):  # the disk fails already, and the caller is being told so
            os.ftruncate(self._descriptor, length)
            os.fsync(self._descriptor)
            if length == 0:
                self.part.unlink()
        self._close()

    @property
    def _open(self) -> int:
        if self._descriptor is None:
            raise SessionError(f"{self.path}: the recording is closed; start a new one")
        return self._descriptor

    def _close(self) -> None:
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)

    @staticmethod
    def _refuse_overwriting(path: Path) -> None:
        if path.exists():
            raise SessionError(f"{path}: exists and is not overwritten; choose another name")


class Closing(Protocol):
    """Ends with its `with` block: finished, or kept under a name that says so where an error cut it short."""

    def close(self) -> None: ...

    def interrupt(self) -> None: ...

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # Ctrl-C and a signal's SystemExit end a recording as its user meant to.
        if isinstance(error, Exception):
            self.interrupt()
        else:
            self.close()


class SessionWriter(Closing):
    """Records frame sets into `NAME.mcap`. One thread; a context manager.

    `with SessionWriter(path, source.rig, source.info, labels) as writer: writer.write(frame_set)`.
    Left by an exception, the recording is closed whole under the name `NAME.interrupted.mcap`. Where the
    disk refuses a set, the good part stays as `NAME.mcap.part` and `sessions repair` finishes it.
    """

    def __init__(
        self,
        path: Path,
        rig: Rig,
        info: CameraInfo,
        labels: Labels | None = None,
        codec: Codec = "jxl",
    ) -> None:
        """`codec` "png" makes a copy that every MCAP viewer shows, larger and slower to write.

        Raises SessionError where the name is taken, NotFound or AccessDenied where the folder is not
        to be written.
        """
        if path.suffix != ".mcap":
            raise SessionError(f"{path}: a session's name ends with .mcap; choose such a name")
        self.rig = rig
        self.frames = 0
        self._codec = codec
        self._topics = fmt.topics_of(rig)
        self._file = PartFile(path)
        self._named = self._file.part
        self._good_bytes = 0  # the file's length after the last whole frame set
        self._closed = False
        # A chunk is closed by flush() after each set, never by its size.
        self._writer = Writer(
            cast(IO[Any], self._file), chunk_size=2 * fmt.MAX_RECORD_BYTES, compression=CompressionType.NONE
        )
        with self._or_abandon("the start"):
            self._start(info, labels or Labels())

    @property
    def path(self) -> Path:
        """The file by the name that it has at this moment."""
        return self._named

    @property
    def bytes_written(self) -> int:
        """Size of the file so far."""
        return self._good_bytes

    def write(self, frame_set: FrameSet) -> None:
        """Appends one set.

        Raises SessionError where the set does not belong to this recording (nothing is written), or
        where the disk refuses it (the recording is then over, its good part kept).
        """
        if frame_set.rig != self.rig:
            raise SessionError(
                f"{self._file.path}: frame set {self.frames} comes from another rig; start a new recording"
            )
        try:
            messages = fmt.set_messages(frame_set, self.frames, self._codec)
        except ValueError as error:
            raise SessionError(
                f"{self._file.path}: frame set {self.frames} cannot be recorded: {first_line(error)}; "
                "check the camera's driver"
            ) from error
        self.append(messages, frame_set.host_time_s)

    def append(self, messages: Mapping[str, bytes], time_s: float) -> None:
        """Appends one set as the messages that `session_format.set_messages` made."""
        if self._closed:
            raise SessionError(f"{self._file.path}: the recording is closed; start a new one")
        if self.frames == 0:
            messages = {**fmt.calibration_messages(self.rig, time_s), **messages}
        size = sum(map(len, messages.values()))
        if size > fmt.MAX_RECORD_BYTES - (1 << 20):  # leaves room for schemas and record headers
            raise SessionError(f"{self._file.path}: frame set of {size >> 20} MiB is too large; lower the resolution")
        stamp = fmt.nanoseconds(time_s)
        with self._or_abandon(f"frame set {self.frames}"):
            for topic, data in messages.items():
                channel = self._topics.index(topic) + 1
                self._writer.add_message(channel, stamp, data, stamp, sequence=self.frames)
            self._writer.flush()  # type: ignore[no-untyped-call]
            self._good_bytes = self._file.tell()
            self.frames += 1

    def close(self) -> None:
        """Finishes the file and gives it its name. Idempotent."""
        self._finish(self._file.path)

    def interrupt(self) -> None:
        """Finishes the file under a name that says that its recording was cut short. Idempotent."""
        names = (f".interrupted{number}.mcap" for number in chain([""], count(2)))
        paths = map(self._file.path.with_suffix, names)
        self._finish(next(path for path in paths if not path.exists()))

    def _start(self, info: CameraInfo, labels: Labels) -> None:
        self._writer.start(profile=fmt.PROFILE, library="trilume")
        self._metadata(fmt.RIG, fmt.rig_entries(self.rig))
        self._metadata(fmt.CAMERA, fmt.camera_entries(info))
        self._metadata(fmt.LABELS, fmt.label_entries(labels))
        schemas: dict[str, int] = {}
        for topic in self._topics:
            name, encoding, text = fmt.schema_of(topic)
            if name not in schemas:
                schemas[name] = self._writer.register_schema(name, encoding, text)
            self._writer.register_channel(topic, encoding.removesuffix("schema"), schemas[name])

    def _metadata(self, name: str, entries: Mapping[str, str]) -> None:
        self._writer.add_metadata(name, fmt.seal(name, entries))

    def _finish(self, path: Path) -> None:
        if self._closed:
            return
        with self._or_abandon("the end"):
            self._metadata(fmt.END, {"sets": str(self.frames)})
            self._writer.finish()  # type: ignore[no-untyped-call]
            self._closed = True
            self._file.commit(path)
            self._named = path

    @contextmanager
    def _or_abandon(self, what: str) -> Iterator[None]:
        """Where the disk refuses: ends the recording at its last whole set, and says so."""
        try:
            with _signals_held():
                yield
        except (OSError, MemoryError) as error:
            self._closed = True
            self._file.abandon(self._good_bytes)
            reason = error.strerror if isinstance(error, OSError) else "no memory left"
            kept = f" ({self.frames} frame sets are kept: `trilume sessions repair` it)" if self.frames else ""
            raise SessionError(
                f"{self._file.part}: cannot write {what}: {reason}; make room or choose another folder{kept}"
            ) from error


@contextmanager
def _signals_held() -> Iterator[None]:
    """Lets Ctrl-C and SIGTERM wait until a set is whole. Python raises them in the main thread only."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    waiting: list[int] = []
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        for number in before:
            signal.signal(number, lambda held, _: waiting.append(held))
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler or signal.SIG_DFL)
        for held in waiting:
            signal.raise_signal(held)


def first_line(error: Exception) -> str:
    """What an error says, in one line; of pydantic's, which key and why."""
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False)[0]
        key = ".".join(map(str, first["loc"]))
        return f'"{key}": {first["msg"]}' if key else first["msg"]
    return str(error).partition("\n")[0] or type(error).__name__


def creation_error(path: Path, error: OSError) -> TrilumeError:
    """What to tell where a file or folder cannot be created."""
    if isinstance(error, PermissionError):
        return AccessDenied(f"{path}: no permission to write; choose another folder or change its rights")
    if isinstance(error, FileNotFoundError):
        return NotFound(f"{path}: its folder does not exist; create it first")
    return SessionError(f"{path}: cannot be created: {error.strerror}; choose another folder or name")


def sync_folder(folder: Path) -> None:
    """Makes a new or renamed entry survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
