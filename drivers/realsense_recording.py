"""Recordings of the RealSense SDK (`.db3`, and `.bag` of older versions), read without loss."""

from __future__ import annotations

import atexit
import sqlite3
import threading
import time
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, Final

from drivers.emitter import Alternation
from drivers.errors import CameraError, EndedEarly, EndOfStream, SessionError
from drivers.frames import FrameSet, Stream
from drivers.realsense_capture import HANGING, QUEUED, Capture
from drivers.realsense_sdk import Chosen, Wish, choose, described, sdk, sdk_errors, sensor_key
from drivers.session_reader import opening_error
from drivers.source import CameraInfo, OnceOpened

_TOPIC: Final = "/device_0/sensor_"  # of every librealsense recording, of either format
_QUIET_S: Final = 0.3  # after its last frame, the SDK's threads have handed over what they held
_SILENT_S: Final = 5.0  # a file that gives neither a frame nor its end for so long is damaged
_POLL_S: Final = 0.05
_UNLIMITED: Final = 1 << 30


def is_realsense_recording(path: Path) -> bool:
    """Whether librealsense wrote this `.db3` or `.bag`. Raises AccessDenied, NotFound."""
    try:
        with path.open("rb") as file:
            if path.suffix == ".bag":
                return _names_topic(file.read(1 << 20)) or _names_topic(_tail(file))
    except OSError as error:
        raise opening_error(path, error) from error
    try:
        return bool(_rows(path, "SELECT 1 FROM topics WHERE name LIKE ? LIMIT 1", _TOPIC + "%"))
    except sqlite3.Error:
        return False


def _rows(path: Path, query: str, *values: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as database:
        return database.execute(query, values).fetchall()


def pictures_in(path: Path, chosen: Mapping[Stream, Chosen]) -> dict[Stream, int]:
    """How many pictures of each stream a `.db3` holds. Raises SessionError where its tables are damaged.

    The SDK ends at a damaged place as if the recording were over there: only counting tells.
    """
    query = "SELECT count(*) FROM messages JOIN topics ON messages.topic_id = topics.id WHERE topics.name LIKE ?"
    counts: dict[Stream, int] = {}
    try:
        for stream, offer in chosen.items():
            topic = f"{_TOPIC}%/{stream.capitalize()}_{offer.profile.stream_index()}/image/data%"
            counts[stream] = int(_rows(path, query, topic)[0][0])
    except sqlite3.Error as error:
        raise SessionError(f"{path}: damaged: {error}") from error
    return counts


def _names_topic(content: bytes) -> bool:
    return _TOPIC.encode() in content


def _tail(file: Any, size: int = 1 << 20) -> bytes:
    """The end of a file: a bag's index repeats its topics there, uncompressed."""
    file.seek(0, 2)
    file.seek(max(0, file.tell() - size))
    return bytes(file.read())


class RealSenseRecording(OnceOpened):
    """`Source` over a recording: every frame, as fast as it is asked. One consumer thread; `close` from any.

    `info.frames` counts the pictures of a `.db3`.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._where = str(path)
        self._capture: Capture | None = None
        self._context: Any = None
        self._playback: Any = None
        self._stopped: Any = None  # the SDK's word for a recording that is over
        self._finished = False
        self._count = 0
        self._held: dict[Stream, int] | None = None
        self._problem = ""
        self._emitter = Alternation()
        self._lock = threading.Lock()

    @property
    def disputed(self) -> int:
        """Infrared pictures that contradict what the camera said of its projector."""
        return self._emitter.disputed

    def open(self) -> None:
        """Opens at the first frame set. Raises SdkMissing, NotFound, AccessDenied, Unsupported, SessionError."""
        with self._lock:
            if self._capture is not None:
                return
            try:
                self.path.stat()
            except OSError as error:
                raise opening_error(self.path, error) from error
            rs = sdk()
            self._finished, self._count = False, 0
            self._context = rs.context()
            try:
                capture = self._started(rs)
            except CameraError:
                self._playback = self._context = None
                raise
            self._told = self._described(rs), capture.rig
            self._capture = capture
            atexit.register(self.close)  # a callback still running when Python ends would abort the process

    def read(self, timeout_s: float) -> FrameSet:  # noqa: ARG002  a file does not keep one waiting
        """The next frame set. Raises EndOfStream (also after `close`), EndedEarly."""
        silent_since_s = time.monotonic()
        while (capture := self._capture) is not None:
            frame_set = capture.read(_POLL_S)
            if frame_set is not None:
                self._count += 1
                return frame_set
            now_s = time.monotonic()
            if self._finished:
                self._check_complete(capture)
                raise EndOfStream(f"{self.path}: the recording is over; open it again to play it once more")
            if self._is_over() and now_s - max(silent_since_s, capture.inbox.last_put_s) > _QUIET_S:
                capture.inbox.finish()
                self._finished = True
            elif now_s - max(silent_since_s, capture.inbox.last_put_s) > _SILENT_S:
                raise EndedEarly(f"{self.path}: gives no more frames, but no end either ({self._count} sets are good)")
        raise EndOfStream(f"{self.path}: the recording is not open; call open() first")

    def close(self) -> None:
        """Idempotent, from any thread, within two seconds even where the SDK hangs."""
        capture, self._capture = self._capture, None
        if capture is not None:
            if not capture.stop():
                HANGING.append((self._playback, self._context))
            atexit.unregister(self.close)
            self._playback = self._context = None

    def _started(self, rs: Any) -> Capture:
        where = str(self.path)
        try:
            self._playback = self._context.load_device(where).as_playback()
        except RuntimeError as error:
            raise SessionError(f"{where}: {error}; is it a finished recording of a RealSense camera?") from error
        with sdk_errors(where):
            self._playback.set_real_time(False)
            self._stopped = rs.playback_status.stopped
            chosen = choose(rs, self._playback, Wish(), where)
            capture = Capture(rs, chosen, where, True, self._emitter)
            self._count_pictures(chosen)
            capture.open()
            # Reading begins with the first sensor that starts, and drops what belongs to the others: so pause. The
            # SDK's `resume` waits for its reading thread, ten seconds where that waits for us: so no limit meanwhile.
            self._playback.pause()
            capture.inbox.limit(_UNLIMITED)
            capture.start()
            self._playback.resume()
            capture.inbox.limit(QUEUED)
        return capture

    def _count_pictures(self, chosen: Mapping[Stream, Chosen]) -> None:
        self._held, self._problem = None, ""
        if self.path.suffix == ".bag":  # its index is not read here
            return
        try:
            self._held = pictures_in(self.path, chosen)
        except SessionError as error:
            self._problem = str(error)

    def _check_complete(self, capture: Capture) -> None:
        """Raises EndedEarly where the SDK kept silent about damage."""
        held, arrived = sum((self._held or {}).values()), capture.arrived.total()
        problem = self._problem
        if not problem and arrived < held:
            problem = f"{self.path}: damaged: {arrived} of {held} pictures can be read"
        if problem:
            raise EndedEarly(f"{problem} ({self._count} frame sets are good)")

    def _is_over(self) -> bool:
        """Asked, not told by a callback: one that is on its way as `close` destroys the device would deadlock."""
        playback = self._playback
        return playback is not None and playback.current_status() == self._stopped

    def _described(self, rs: Any) -> CameraInfo:
        name = described(rs, self._playback, "name", "RealSense")
        serial = described(rs, self._playback, "serial_number")
        frames = max(self._held.values()) if self._held else None
        return CameraInfo(name, sensor_key(name), serial, frames=frames)
