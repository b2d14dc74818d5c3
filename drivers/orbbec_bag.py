"""Recordings of Orbbec's SDK (`.bag`) as a source, every frame of them, without the SDK.

The SDK's own playback runs at the camera's pace and drops what is not fetched in time. The file is a ROS bag 2.0
with the SDK's own messages; their layout is published with OrbbecSDK v2 (`src/media/ros`):

    /cam/sensor_S/frameType_F     one frame: size, encoding, data, number, device and host time, metadata
    /cam/streamProfileType_S      a stream's size, lens and, for depth, its motion to colour
    /cam/property                 the camera's settings
    /cam/deviceInfo               its name and serial number
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from calibration.rig import Rig
from drivers.codecs import PictureError
from drivers.emitter import Alternation
from drivers.errors import CameraError, SdkMissing, SessionError, Unsupported
from drivers.folder import WHITE_PERCENTILE, WHITE_PICTURES
from drivers.frames import FrameSet, Image
from drivers.orbbec_formats import GAIN, FrameKind, frame_pixels, mirrored, rig_of, sensor_key, white_level
from drivers.orbbec_messages import (
    Fields,
    Profile,
    RecordedFrame,
    device_of,
    frame_of,
    message_at,
    profile_of,
    property_of,
)
from drivers.replay import Replay
from drivers.session_reader import opening_error
from drivers.source import CameraInfo

_SENSORS: Final[dict[FrameKind, tuple[tuple[int, int], ...]]] = {
    "color": ((2, 2),),
    "depth": ((3, 3),),
    "infrared": ((1, 1), (6, 6)),  # the infrared camera of the depth sensor, else the left one of a stereo pair
}
"""`OBSensorType` and `OBStreamType` of each stream, in order of preference."""

_FIRST: Final = 4  # pictures that show whether the projector alternates: patterns are no longer
_DISPARITY_TO_DEPTH: Final = 85
_DEPTH_ALIGNED: Final = 42
_DEPTH_UNIT_MM: Final = 176
_DEPTH_PRECISION: Final = 75
_PRECISIONS_MM: Final = (1.0, 0.8, 0.4, 0.1, 0.2, 0.5, 0.05)
_TURNED: Final = (14, 15, 18, 19, 81, 82, 115, 116, 118)
"""Mirror, flip and turn of depth, infrared and colour: the frames are recorded before these are applied."""

_DISPARITY_MODELS: Final = frozenset(
    {0x0407, 0x065B, 0x065E, 0x069D, 0x069F, 0x06A7, 0x06A0, 0x06A6, 0x069A, 0x069E, 0x06AA}
)
"""Models that record disparities, which only the SDK turns into depth (`DevicePids.hpp`: OpenNI families)."""

_GEMINI_210: Final = frozenset({(0x0808, 1), (0x0809, 1)})
_MIRRORED_INFRARED: Final = frozenset({(0x0660, 1), (0x0670, 1), (0x0670, 6), (0x0673, 1), (0x0673, 6)} | _GEMINI_210)
"""Models (and their `OBSensorType`) whose infrared comes mirrored left to right; the SDK's playback turns it too."""

_BACKEND_V4L2: Final = 2
_GEMINI_330: Final = range(0x0800, 0x0820)
_INDEX_POSITION: Final = b"index_pos="
_RECORD_HERE: Final = "record it with trilume record instead"

T = TypeVar("T")


def recorded_by_orbbec(path: Path) -> bool:
    """Whether a `.bag` holds the SDK's topics (librealsense writes `.bag` too). Raises NotFound, AccessDenied."""
    try:
        with path.open("rb") as file:
            head = file.read(4096)
            at = head.find(_INDEX_POSITION)
            if at < 0 or len(head) < at + 18:
                return False
            file.seek(struct.unpack_from("<Q", head, at + len(_INDEX_POSITION))[0])
            return b"topic=/cam/sensor_" in file.read(1 << 20)
    except OSError as error:
        raise opening_error(path, error) from error


class OrbbecBagSource(Replay):
    """`Source` over a recording of Orbbec's SDK, as fast as it is asked, nothing dropped."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, OrbbecBag)


@dataclass(frozen=True, slots=True)
class _Entry:
    """Where a message lies: device time in nanoseconds, position of its chunk, offset within it."""

    time_ns: int
    chunk: int
    offset: int


class OrbbecBag:
    """An opened recording with random access (`replay.Recording`).

    Every depth, colour and infrared frame (of a stereo pair the left) is in exactly one frame set: frames within
    half a frame period belong together, whatever has no partner is a set of its own. `lost` counts the gaps in
    the camera's numbers of the depth frames.
    """

    problems: tuple[str, ...] = ()

    def __init__(self, path: Path) -> None:
        """Raises NotFound, AccessDenied, SdkMissing (rosbags), Unsupported, and SessionError with the remedy."""
        self.path = path
        self._reader = _opened(path)
        try:
            self._read_about()
        except BaseException:
            self.close()
            raise

    def _read_about(self) -> None:
        self._chunk = lru_cache(maxsize=4)(self._read_chunk)
        self._topics = {connection.topic: connection.id for connection in self._reader.connections}
        self._number = lru_cache(maxsize=64)(lambda entry: self._frame_at(entry).number)
        about = self._first("/cam/deviceInfo", device_of)
        self._model: tuple[int, int] = about[2:]
        properties = dict(self._all("/cam/property", property_of))
        self._refuse_what_is_no_depth(properties)
        self._depth_unit_m = _depth_unit_mm(properties) / 1000
        profiles, self._entries = self._streams()
        if self._mirror:
            profiles["infrared"] = replace(profiles["infrared"], camera=mirrored(profiles["infrared"].camera))
        self._rig = _rig(profiles)
        self._sets = _paired(self._entries, 0.5 / min(profile.fps for profile in profiles.values()))
        self._white, assumed = self._settle_white()
        self._emitter = Alternation(known=self._alternates())
        self._info = CameraInfo(
            name=about[0],
            sensor=sensor_key(about[0]),
            serial=about[1],
            frames=len(self._sets),
            white_assumed=("infrared",) if assumed else (),
        )

    @property
    def info(self) -> CameraInfo:
        """The camera that recorded, and what had to be assumed."""
        return self._info

    @property
    def rig(self) -> Rig:
        """The rig of the recorded stream profiles."""
        return self._rig

    def __len__(self) -> int:
        return len(self._sets)

    def frame(self, number: int) -> FrameSet:
        """The frame set at a position from 0. Raises SessionError."""
        chosen = self._sets[number]
        frames = {stream: self._frame_at(entry) for stream, entry in chosen.items()}
        try:
            images = {stream: self._image(stream, frame) for stream, frame in frames.items()}
        except PictureError as error:
            raise SessionError(f"{self.path}: frame set {number}: {error}; the file is damaged") from error
        lead = frames.get("depth") or next(iter(frames.values()))
        return FrameSet(
            sequence=lead.number,
            host_time_s=lead.host_time_s,
            color=images.get("color"),
            depth=images.get("depth"),
            infrared=images.get("infrared"),
            depth_unit_m=self._depth_unit_m,
            rig=self._rig,
            lost=self._lost(number),
        )

    def close(self) -> None:
        """Idempotent."""
        if self._reader.bio is not None:
            self._reader.close()

    def _lost(self, number: int) -> int:
        before, now = (self._sets[k].get("depth") if k >= 0 else None for k in (number - 1, number))
        if before is None or now is None:
            return 0
        return max(0, self._number(now) - self._number(before) - 1)

    def _image(self, stream: FrameKind, frame: RecordedFrame) -> Image:
        camera = getattr(self._rig, stream)
        if frame.size != (camera.width, camera.height):
            raise PictureError(f"{stream} is {frame.size}, its profile says {(camera.width, camera.height)}")
        pixels = frame_pixels(stream, frame.data, frame.kind, frame.size)
        if self._mirror and stream == "infrared":
            pixels = np.ascontiguousarray(pixels[:, ::-1])
        exposure_ms, emitter_on = self._settings_of(stream, frame.metadata)
        level = {"color": 255.0, "depth": 65535.0}.get(stream) or white_level(pixels, frame.bits) or self._white
        image = Image(pixels, frame.device_time_s, exposure_ms, GAIN, emitter_on, level)
        return self._emitter.settled(image) if stream == "infrared" else image

    def _settings_of(self, stream: FrameKind, metadata: bytes) -> tuple[float | None, bool | None]:
        """Exposure and emitter from the six clock bytes in which a Gemini 330 under V4L2 hides them."""
        pid, backend = self._model
        if pid not in _GEMINI_330 or backend != _BACKEND_V4L2 or len(metadata) < 12:
            return None, None
        clock = metadata[6:12]
        if stream == "color":
            return (clock[0] | (clock[1] & 7) << 8) / 10, None
        exposure_us = clock[0] | clock[1] << 8 | (clock[2] & 3) << 16
        return exposure_us / 1000, bool(clock[2] & 4)

    def _alternates(self) -> bool:
        """Whether the projector was on for some of the first pictures and off for others."""
        first = self._entries.get("infrared", [])[:_FIRST]
        return {self._settings_of("infrared", self._frame_at(entry).metadata)[1] for entry in first} >= {True, False}

    def _refuse_what_is_no_depth(self, properties: dict[int, bytes]) -> None:
        if self._model[0] in _DISPARITY_MODELS or not _flag(properties, _DISPARITY_TO_DEPTH, True):
            raise Unsupported(f"{self.path}: holds disparities, not depth; {_RECORD_HERE}")
        if _flag(properties, _DEPTH_ALIGNED, False):
            raise Unsupported(f"{self.path}: depth was moved onto colour by the camera; {_RECORD_HERE}")
        if any(_flag(properties, turned, False) for turned in _TURNED):
            raise Unsupported(f"{self.path}: recorded with pictures mirrored or turned; {_RECORD_HERE}")

    def _streams(self) -> tuple[dict[FrameKind, Profile], dict[FrameKind, list[_Entry]]]:
        profiles: dict[FrameKind, Profile] = {}
        entries: dict[FrameKind, list[_Entry]] = {}
        self._mirror = False
        for stream, sensors in _SENSORS.items():
            for sensor, kind in sensors:
                found = self._entries_of(f"/cam/sensor_{sensor}/")
                if found:
                    entries[stream] = found
                    self._mirror |= stream == "infrared" and (self._model[0], sensor) in _MIRRORED_INFRARED
                    profiles[stream] = self._first(f"/cam/streamProfileType_{kind}", profile_of)
                    break
        if "depth" not in entries:
            raise Unsupported(f"{self.path}: holds no depth; record depth, colour and infrared together")
        return profiles, entries

    def _settle_white(self) -> tuple[float, bool]:
        """White level of 16-bit infrared that does not tell it, estimated as for frame folders; whether it was."""
        entries = self._entries.get("infrared")
        if not entries:
            return 255.0, False
        first = self._frame_at(entries[0])
        if white_level(self._grey(first), first.bits) is not None:
            return 255.0, False
        spread = np.linspace(0, len(entries) - 1, min(len(entries), WHITE_PICTURES), dtype=int)
        sample = np.concatenate([self._grey(self._frame_at(entries[k]))[::4, ::4].ravel() for k in spread])
        return max(1.0, float(np.percentile(sample, WHITE_PERCENTILE))), True

    def _grey(self, frame: RecordedFrame) -> NDArray[Any]:
        try:
            return frame_pixels("infrared", frame.data, frame.kind, frame.size)
        except PictureError as error:
            raise SessionError(f"{self.path}: infrared: {error}; the file is damaged") from error

    def _frame_at(self, entry: _Entry) -> RecordedFrame:
        return self._parsed(entry, frame_of)

    def _entries_of(self, prefix: str) -> list[_Entry]:
        found = [
            _Entry(index.time, index.chunk_pos, index.offset)
            for topic, connection in self._topics.items()
            if topic.startswith(prefix)
            for index in self._reader.indexes[connection]
        ]
        return sorted(found, key=lambda entry: entry.time_ns)

    def _all(self, topic: str, parse: Callable[[Fields], T]) -> list[T]:
        return [self._parsed(entry, parse) for entry in self._entries_of(topic)]

    def _first(self, topic: str, parse: Callable[[Fields], T]) -> T:
        entries = self._entries_of(topic)
        if not entries:
            raise SessionError(f"{self.path}: no {topic} in it; the recording was not closed, record it again")
        return self._parsed(entries[0], parse)

    def _parsed(self, entry: _Entry, parse: Callable[[Fields], T]) -> T:
        try:
            return parse(Fields(message_at(self._chunk(entry.chunk), entry.offset)))
        except CameraError:
            raise
        except Exception as error:
            raise SessionError(f"{self.path}: damaged in the chunk at byte {entry.chunk} ({error})") from error

    def _read_chunk(self, position: int) -> bytes:
        chunk = self._reader.chunks[position]
        self._reader.bio.seek(chunk.datapos)
        data: bytes = chunk.decompressor(self._reader.bio.read(chunk.datasize))
        return data


def _opened(path: Path) -> Any:
    """The file's index, read by rosbags."""
    try:
        path.stat()
    except OSError as error:
        raise opening_error(path, error) from error
    try:
        from rosbags.rosbag1 import Reader
    except ImportError as error:
        raise SdkMissing(f"{path}: rosbags is not installed; pip install rosbags") from error
    reader = Reader(path)
    try:
        reader.open()
    except PermissionError as error:
        raise opening_error(path, error) from error
    except Exception as error:  # whatever a damaged index makes of it
        raise SessionError(f"{path}: no whole ROS bag ({error}); it was cut off, record it again") from error
    return reader


def _paired(entries: dict[FrameKind, list[_Entry]], within_s: float) -> list[dict[FrameKind, _Entry]]:
    """Frame sets in order of time: a frame joins the set before it while that lacks its stream and is near."""
    everything = sorted(
        ((entry.time_ns, stream, entry) for stream, found in entries.items() for entry in found),
        key=lambda item: item[0],
    )
    sets: list[dict[FrameKind, _Entry]] = []
    begun_ns = 0
    for time_ns, stream, entry in everything:
        if not sets or stream in sets[-1] or time_ns - begun_ns > within_s * 1e9:
            sets.append({})
            begun_ns = time_ns
        sets[-1][stream] = entry
    return sets


def _rig(profiles: dict[FrameKind, Profile]) -> Rig:
    """The SDK gives infrared the depth camera's viewpoint, and so does its own playback."""
    cameras = {stream: profile.camera for stream, profile in profiles.items()}
    to_color = profiles["depth"].to_color
    return rig_of(cameras.get("color"), cameras["depth"], cameras.get("infrared"), to_color, to_color)


def _depth_unit_mm(properties: dict[int, bytes]) -> float:
    """Millimetres a count: the free unit, else the precision level, else 1 as the SDK assumes."""
    if len(data := properties.get(_DEPTH_UNIT_MM, b"")) >= 4:
        unit = float(np.float32(struct.unpack_from("<f", data)[0]))
        return round(unit, 6) if unit > 0 else 1.0
    if len(data := properties.get(_DEPTH_PRECISION, b"")) >= 4:
        (level,) = struct.unpack_from("<i", data)
        return _PRECISIONS_MM[level] if 0 <= level < len(_PRECISIONS_MM) else 1.0
    return 1.0


def _flag(properties: dict[int, bytes], number: int, otherwise: bool) -> bool:
    """A recorded switch; `otherwise` where the camera has none."""
    data = properties.get(number)
    return any(data) if data else otherwise
