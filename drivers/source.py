"""The seam to everything that delivers frame sets."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

from calibration.rig import Rig
from drivers.errors import EndOfStream
from drivers.frames import FrameSet

Origin = Literal["real", "simulated", "semi_simulated", "unknown"]


@dataclass(frozen=True, slots=True)
class CameraInfo:
    """Who delivers.

    `sensor` is the key by which a bundle knows the sensors it was made for (for instance `sim-astra`,
    `orbbec-gemini335`); `live` tells a camera from a file; `frames` is the length of a recording.
    `time_assumed`: the recording holds no times, 30 frames a second were assumed.
    `white_assumed`: streams whose white level is estimated, not known.
    """

    name: str
    sensor: str
    serial: str = ""
    live: bool = False
    frames: int | None = None
    origin: Origin = "unknown"
    time_assumed: bool = False
    white_assumed: tuple[str, ...] = ()


@runtime_checkable
class Source(Protocol):
    """Delivers frame sets to one consumer thread. `info` and `rig` are valid once open."""

    @property
    def info(self) -> CameraInfo: ...

    @property
    def rig(self) -> Rig: ...

    def open(self) -> None:
        """Claims the device or file. Raises a `TrilumeError` that says what to do."""

    def read(self, timeout_s: float) -> FrameSet:
        """The next frame set. Raises Stalled, Disconnected, EndOfStream, SessionError."""
        ...

    def close(self) -> None:
        """Idempotent, callable from any thread, returns within two seconds."""


class OnceOpened:
    """`info` and `rig` of a source that knows them once it was opened, and still after closing.

    `open` sets `_told`; `_where` names the source in messages.
    """

    _where: str
    _told: tuple[CameraInfo, Rig] | None = None

    @property
    def info(self) -> CameraInfo:
        """Who delivers; valid once opened, and after closing."""
        return self._opened()[0]

    @property
    def rig(self) -> Rig:
        """By the device's own calibration, or as recorded; valid once opened, and after closing."""
        return self._opened()[1]

    def _opened(self) -> tuple[CameraInfo, Rig]:
        if self._told is None:
            raise RuntimeError(f"{self._where}: info and rig are valid once the source is open")
        return self._told


class Around:
    """`info` and `rig` of a source that stands around another one: the other's."""

    _source: Source

    @property
    def info(self) -> CameraInfo:
        """Who delivers, as the source within tells it."""
        return self._source.info

    @property
    def rig(self) -> Rig:
        """The rig of the source within."""
        return self._source.rig


def frames_of(source: Source, timeout_s: float = 5.0) -> Iterator[FrameSet]:
    """Opens a source, yields its frame sets to the end and closes it."""
    with closing(source):
        source.open()
        while True:
            try:
                yield source.read(timeout_s)
            except EndOfStream:
                return
