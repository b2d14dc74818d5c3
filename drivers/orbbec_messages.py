"""The messages in a recording of Orbbec's SDK: ROS 1 serialisation, layouts of OrbbecSDK v2 (`src/media/ros`)."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any, Final

from calibration.rig import Extrinsics, Intrinsics
from drivers.orbbec_formats import extrinsics, intrinsics

_ENCODINGS: Final = {
    "mono16": "Y16",
    "mono8": "Y8",
    "z16": "Z16",
    "rgb8": "RGB",
    "bgr8": "BGR",
    "rgba8": "RGBA",
    "bgra8": "BGRA",
    "yuv422": "UYVY",
}
"""ROS names of `OBFormat`; every other encoding is called as the format is."""


@dataclass(frozen=True, slots=True)
class RecordedFrame:
    """One recorded frame, still encoded."""

    size: tuple[int, int]
    kind: str
    data: bytes
    number: int
    device_time_s: float
    host_time_s: float
    metadata: bytes
    bits: int


@dataclass(frozen=True, slots=True)
class Profile:
    """A recorded stream: its lens, rate and, for depth, motion to colour."""

    camera: Intrinsics
    fps: int
    to_color: Extrinsics


class Fields:
    """Reads the fields of a ROS 1 message, one after the other (little-endian, no padding)."""

    def __init__(self, message: bytes) -> None:
        self._message = message
        self._at = 0

    def take(self, layout: str) -> tuple[Any, ...]:
        layout = "<" + layout
        values = struct.unpack_from(layout, self._message, self._at)
        self._at += struct.calcsize(layout)
        return values

    def blob(self) -> bytes:
        (length,) = self.take("I")
        if self._at + length > len(self._message):
            raise ValueError(f"a field of {length} bytes in a message of {len(self._message)}")
        self._at += length
        return self._message[self._at - length : self._at]

    def text(self) -> str:
        return self.blob().decode("utf-8", "replace")

    def header(self) -> None:
        self.take("III")
        self.blob()


def device_of(fields: Fields) -> tuple[str, str, int, int]:
    """Name, serial number, product id, backend."""
    fields.header()
    name, _full_name, _chip = fields.text(), fields.text(), fields.text()
    _vendor, product = fields.take("HH")
    _uid, serial, _firmware, _hardware, _sdk, _connection = (fields.text() for _ in range(6))
    _kind, backend = fields.take("HB")
    return name, serial, product, backend


def property_of(fields: Fields) -> tuple[int, bytes]:
    fields.header()
    (number,) = fields.take("I")
    return number, fields.blob()


def profile_of(fields: Fields) -> Profile:
    fields.header()
    fields.take("BB")
    rotation, translation_mm = fields.take("9f"), fields.take("3f")
    width, height, fps = fields.take("HHH")
    lens, distortion, (model,) = fields.take("4f"), fields.take("8f"), fields.take("B")
    to_color = extrinsics(rotation, translation_mm) if any(rotation) else Extrinsics()
    return Profile(intrinsics((width, height), lens, distortion, model), max(1, fps), to_color)


def frame_of(fields: Fields) -> RecordedFrame:
    fields.header()
    height, width = fields.take("II")
    encoding = fields.text().lower()
    fields.take("BI")
    data = fields.blob()
    _, number, device_us, host_us, _ = fields.take("fQQQQ")
    metadata = fields.blob()
    _, bits = fields.take("IB")
    kind = _ENCODINGS.get(encoding, encoding.upper())
    return RecordedFrame((width, height), kind, data, number, device_us / 1e6, host_us / 1e6, metadata, bits)


def message_at(chunk: bytes, offset: int) -> bytes:
    """The body of the message record at an offset of a chunk; connection records before it are skipped."""
    while True:
        (length,) = struct.unpack_from("<I", chunk, offset)
        head = chunk[offset + 4 : offset + 4 + length]
        (size,) = struct.unpack_from("<I", chunk, offset + 4 + length)
        start = offset + 8 + length
        if b"op=\x02" in head:
            if start + size > len(chunk):
                raise ValueError(f"a message of {size} bytes runs over its chunk")
            return chunk[start : start + size]
        offset = start + size
