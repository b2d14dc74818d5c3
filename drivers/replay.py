"""A recording read back as a source: what session files and frame folders have in common."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from calibration.rig import Rig
from drivers.errors import EndedEarly, EndOfStream, SessionError
from drivers.frames import FrameSet
from drivers.source import CameraInfo, OnceOpened


class Recording(Protocol):
    """An opened recording with random access. `problems` says what is wrong with it as a whole."""

    @property
    def info(self) -> CameraInfo: ...

    @property
    def rig(self) -> Rig: ...

    @property
    def problems(self) -> Sequence[str]: ...

    def __len__(self) -> int: ...

    def frame(self, number: int) -> FrameSet:
        """The frame set at a position from 0. Raises SessionError."""
        ...

    def close(self) -> None: ...


def frame_in_turn(recording: Recording, number: int) -> FrameSet:
    """Frame set `number` of a reading from the start.

    Raises EndOfStream after the last one; `EndedEarly` where the recording breaks off or is damaged
    after good sets, `SessionError` where there was not one good set before.
    """
    if number < len(recording):
        try:
            return recording.frame(number)
        except SessionError as error:
            if number == 0:
                raise
            raise EndedEarly(f"{error} ({number} frame sets before it are good)") from error
    if recording.problems:
        problem = recording.problems[0]
        raise EndedEarly(f"{problem} ({number} frame sets are good)") if number else SessionError(problem)
    raise EndOfStream("the recording is over; open it again to play it once more")


class Replay(OnceOpened):
    """`Source` over a recording, as fast as it is asked. One consumer thread; `close` from any."""

    def __init__(self, path: Path, opener: Callable[[Path], Recording]) -> None:
        self.path = path
        self._opener = opener
        self._recording: Recording | None = None
        self._where = str(path)
        self._position = 0
        self._lock = threading.Lock()  # close() waits for the picture that is being decoded

    def open(self) -> None:
        """Opens the recording at its first frame set."""
        with self._lock:
            if self._recording is None:
                self._recording = self._opener(self.path)
                self._told = self._recording.info, self._recording.rig
                self._position = 0

    def seek(self, number: int) -> None:
        """Makes `number` the next frame set to be read; beyond the end is the end."""
        with self._lock:
            self._position = min(max(0, number), self._opened()[0].frames or 0)

    def read(self, timeout_s: float) -> FrameSet:  # noqa: ARG002  a file does not keep one waiting
        """The next frame set. Raises EndOfStream (also after `close`), EndedEarly, SessionError."""
        with self._lock:
            if self._recording is None:
                raise EndOfStream(f"{self.path}: the recording is not open; call open() first")
            frame_set = frame_in_turn(self._recording, self._position)
            self._position += 1
            return frame_set

    def close(self) -> None:
        """Idempotent."""
        with self._lock:
            recording, self._recording = self._recording, None
            if recording is not None:
                recording.close()
