"""Writes recordings as Orbbec's SDK does, of three kinds of camera, with random pictures."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

U8 = NDArray[np.uint8]

# stream: OBSensorType, OBFrameType, OBStreamType
KINDS = {"infrared": (1, 1, 1), "color": (2, 2, 2), "depth": (3, 3, 3), "left": (6, 8, 6), "right": (7, 9, 7)}
# OBFormat: number, ROS encoding
FORMATS = {
    "Y16": (8, "mono16"),
    "Y8": (9, "mono8"),
    "Z16": (28, "z16"),
    "RGB": (22, "rgb8"),
    "MJPG": (5, "mjpg"),
    "YUYV": (0, "yuyv"),
    "Y10": (10, "y10"),
}
INFRARED = ("infrared", "left", "right")
MD5 = {  # the SDK compares these
    "sensor_msgs/msg/Image": "060021388200f6f0f447d0fcd9c64743",
    "custom_msg/msg/OBDeviceInfo": "afef5328bb4abebd1a309e1ea8b26b3a",
    "custom_msg/msg/OBProperty": "0123456789abcdef0123456789abcdef",
    "custom_msg/msg/OBStreamProfileInfo": "0123456789abcdef0123456789abcdef",
    "custom_msg/msg/OBDisparityParam": "abcdef0123456789abcdef0123456789",
}
BAG_VERSION, DISPARITY_TO_DEPTH, NOISE_FILTER = 0, 85, 24
ON, OFF = struct.pack("<i", 1), struct.pack("<i", 0)
PERIOD_US = 33_333
START_US = 1_000_000_000


@dataclass(frozen=True)
class Model:
    """A camera: its streams as stream → (format, width, height, valid bits), lens model, depth unit property."""

    name: str
    pid: int
    streams: dict[str, tuple[str, int, int, int]]
    properties: dict[int, bytes]
    lens: int
    distortion: tuple[float, ...]
    infrared: str = "infrared"  # the stream that a reader delivers as infrared
    infrared_mirrored: bool = False  # by the camera
    backend: int = 1
    serial: str = "SYN0001"
    connection: str = "USB3.2"
    offsets_us: dict[str, int] = field(default_factory=dict)
    lenses: dict[str, tuple[float, float, float, float]] = field(default_factory=dict)  # where not those of `LENS`


ASTRA_2 = Model(  # structured light
    "Orbbec Astra 2",
    0x0660,
    {"depth": ("Y16", 320, 240, 16), "color": ("MJPG", 320, 240, 0), "infrared": ("Y16", 320, 240, 10)},
    {75: struct.pack("<i", 4), DISPARITY_TO_DEPTH: ON, NOISE_FILTER: OFF},
    lens=3,
    distortion=(0.1, -0.05, 0.01, 0, 0, 0, 1e-3, -2e-3),
    infrared_mirrored=True,
    offsets_us={"color": 4_000},
)
GEMINI_335 = Model(  # active stereo
    "Orbbec Gemini 335",
    0x0800,
    {
        "depth": ("Z16", 424, 240, 16),
        "color": ("YUYV", 320, 180, 0),
        "left": ("Y8", 424, 240, 8),
        "right": ("Y8", 424, 240, 8),
    },
    {176: struct.pack("<f", 0.1), DISPARITY_TO_DEPTH: ON, NOISE_FILTER: OFF},
    lens=4,
    distortion=(0.3, -0.2, 0.02, 0.25, -0.1, 0.01, 1e-3, 2e-3),
    infrared="left",
    backend=2,
)
FEMTO_BOLT = Model(  # time of flight
    "Orbbec Femto Bolt",
    0x066B,
    {"depth": ("Y16", 320, 288, 16), "color": ("RGB", 320, 180, 0), "infrared": ("Y16", 320, 288, 16)},
    {},
    lens=4,
    distortion=(0.5, -0.4, 0.05, 0.45, -0.3, 0.04, 1e-4, -1e-4),
)
MODELS = (ASTRA_2, GEMINI_335, FEMTO_BOLT)

ROTATION = cv2.Rodrigues(np.array([0.004, -0.006, 0.002]))[0]
TRANSLATION_MM = (-24.5, 0.4, 1.25)
LENS = {stream: (300.0 + 7 * k, 301.0 + 7 * k, 158.5 + k, 119.25 + k) for k, stream in enumerate(KINDS)}


def pictures(model: Model, count: int, seed: int = 0) -> list[dict[str, tuple[NDArray[Any], bytes]]]:
    """Random frames by stream: what a reader must deliver (RGB, counts), and the bytes on the wire.

    Infrared of odd numbers is smooth: `record` says of them that the projector was off.
    """
    random = np.random.default_rng(seed)
    return [
        {stream: _picture(random, *shape, smooth=stream in INFRARED and number % 2 == 1)
         for stream, shape in model.streams.items()}
        for number in range(count)
    ]  # fmt: skip


def metadata(exposure_us: int, gain: int, laser: bool) -> bytes:
    """The UVC payload header of a Gemini 330 under V4L2; depth and infrared hide their settings in its clock."""
    clock = bytes([exposure_us & 255, exposure_us >> 8 & 255, exposure_us >> 16 & 3 | laser << 2, gain, 0, 0])
    return struct.pack("<BBI", 12, 0x8C, 0) + clock


def color_metadata(exposure_100us: int, gain: int) -> bytes:
    """The same of colour, in units of 100 µs."""
    return struct.pack("<BBI", 12, 0x8C, 0) + bytes([exposure_100us & 255, exposure_100us >> 8 & 7, 0, gain, 0, 0])


def record(
    path: Path,
    model: Model,
    frames: Sequence[dict[str, tuple[NDArray[Any], bytes]]],
    drop: frozenset[tuple[str, int]] = frozenset(),
    extra: dict[int, bytes] | None = None,
    cut: bool = False,
) -> Path:
    """Writes a recording; `drop` holds (stream, frame number) left out, `extra` properties set on top."""
    writer = _Writer(path, cut)
    for number, streams in enumerate(frames):
        for stream, (_, data) in streams.items():
            if (stream, number) not in drop:
                writer.image(model, stream, number, data)
    for number, value in {BAG_VERSION: struct.pack("<d", 2.0), **model.properties, **(extra or {})}.items():
        writer.property(number, value)
    writer.device(model)
    for stream in model.streams:
        writer.profile(model, stream)
    writer.disparity()
    writer.close()
    return path


def _picture(
    random: np.random.Generator, kind: str, width: int, height: int, bits: int, smooth: bool
) -> tuple[NDArray[Any], bytes]:
    if kind in ("Y16", "Z16", "Y8"):
        grey = random.integers(0, 1 << bits, (height, width)).astype(np.uint8 if kind == "Y8" else np.uint16)
        if smooth:
            grey = cv2.resize(grey[: height // 48, : width // 48], (width, height), interpolation=cv2.INTER_LINEAR)
        return grey, grey.tobytes()
    if kind == "YUYV":
        raw = random.integers(0, 256, (height, width, 2), dtype=np.uint8)
        return cv2.cvtColor(raw, cv2.COLOR_YUV2RGB_YUYV), raw.tobytes()
    rgb = cv2.resize(random.integers(0, 256, (9, 12, 3), dtype=np.uint8), (width, height))
    if kind == "RGB":
        return rgb, rgb.tobytes()
    jpeg = cv2.imencode(".jpg", rgb, [cv2.IMWRITE_JPEG_QUALITY, 90])[1]
    return cv2.cvtColor(cv2.imdecode(jpeg, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB), jpeg.tobytes()


class _Writer:
    def __init__(self, path: Path, cut: bool) -> None:
        from rosbags.rosbag1 import Writer

        self._writer = Writer(path)
        self._writer.open()
        self._connections: dict[str, Any] = {}
        self._cut = cut

    def image(self, model: Model, stream: str, number: int, data: bytes) -> None:
        kind, width, height, bits = model.streams[stream]
        sensor, frame, _ = KINDS[stream]
        time_us = START_US + number * PERIOD_US + model.offsets_us.get(stream, 0)
        told = color_metadata(83, 16) if stream == "color" else metadata(8_500, 32, number % 2 == 0)
        told = told if model.backend == 2 else b""
        body = struct.pack("<II", height, width) + _text(FORMATS[kind][1]) + struct.pack("<BI", 0, len(data) // height)
        body += _blob(data) + struct.pack("<fQQQQ", 0, number, time_us, time_us + 5_000, time_us + 5_000)
        body += _blob(told) + struct.pack("<IB", len(told), bits)
        self._write(f"/cam/sensor_{sensor}/frameType_{frame}", "sensor_msgs/msg/Image", body, time_us)

    def property(self, number: int, value: bytes) -> None:
        body = struct.pack("<I", number) + _blob(value) + struct.pack("<I", len(value))
        self._write("/cam/property", "custom_msg/msg/OBProperty", body)

    def device(self, model: Model) -> None:
        body = _text(model.name) * 2 + _text("chip") + struct.pack("<HH", 0x2BC5, model.pid) + _text("1-1-1")
        body += b"".join(map(_text, (model.serial, "1.4.60", "0.1", "2.0.0", model.connection)))
        self._write(
            "/cam/deviceInfo",
            "custom_msg/msg/OBDeviceInfo",
            body + struct.pack("<HB", 0, model.backend) + _text("") * 2,
        )

    def profile(self, model: Model, stream: str) -> None:
        kind, width, height, _ = model.streams[stream]
        number = KINDS[stream][2]
        turn, shift = (ROTATION, TRANSLATION_MM) if stream == "depth" else (np.eye(3), (0.0, 0.0, 0.0))
        body = struct.pack("<BB9f3f", number, FORMATS[kind][0], *np.asarray(turn).ravel(), *shift)
        body += struct.pack(
            "<HHH4f8fB", width, height, 30, *{**LENS, **model.lenses}[stream], *model.distortion, model.lens
        )
        self._write(f"/cam/streamProfileType_{number}", "custom_msg/msg/OBStreamProfileInfo", body)

    def disparity(self) -> None:
        body = struct.pack("<ddfdBffBfiiB", 0, 0, 50.0, 385.0, 12, 1.0, 0, 0, 0, 0, 4, 1)
        self._write("/cam/disparityParam", "custom_msg/msg/OBDisparityParam", body)

    def close(self) -> None:
        if self._cut:  # as after a lost process: chunks, but no index
            self._writer.bio.close()
        else:
            self._writer.close()

    def _write(self, topic: str, kind: str, body: bytes, time_us: int = START_US) -> None:
        if topic not in self._connections:
            self._connections[topic] = self._writer.add_connection(
                topic, kind, msgdef="uint8 opaque\n", md5sum=MD5[kind]
            )
        header = struct.pack("<III", 0, time_us // 1_000_000, time_us % 1_000_000 * 1000) + _text("")
        self._writer.write(self._connections[topic], time_us * 1000, header + body)


def _text(text: str) -> bytes:
    return _blob(text.encode())


def _blob(data: bytes) -> bytes:
    return struct.pack("<I", len(data)) + data
