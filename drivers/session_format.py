"""What stands in a session file: topics, records and how a frame set becomes messages and back.

A session is an MCAP file of profile `trilume`. Each frame set is one chunk: a JSON message
`trilume.FrameSet` and one `foxglove.CompressedImage` a stream; the first chunk also holds each stream's
`foxglove.CameraCalibration` for viewers. Rig, camera and labels are metadata records. Chunks carry
MCAP's CRC; metadata records, for which MCAP has none, carry their own. drivers/README.md is the
description for readers of other languages.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final, Literal, cast

from foxglove_schemas_protobuf.CameraCalibration_pb2 import CameraCalibration
from foxglove_schemas_protobuf.CompressedImage_pb2 import CompressedImage
from google.protobuf.descriptor import FileDescriptor
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from google.protobuf.timestamp_pb2 import Timestamp
from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, TypeAdapter

from calibration.rig import Intrinsics, Rig
from drivers.codecs import Codec, PictureError, decode, encode
from drivers.frames import STREAMS, FrameSet, Image, Stream
from drivers.source import CameraInfo

PROFILE: Final = "trilume"
FORMAT: Final = "1"
MAX_RECORD_BYTES: Final = 64 << 20
"""No record of a session is larger: a longer one is damage, or an attempt on the memory."""

RIG: Final = "trilume.rig"
CAMERA: Final = "trilume.camera"
LABELS: Final = "trilume.labels"
END: Final = "trilume.end"

FRAME_SET_TOPIC: Final = "/frame_set"

_VIEWER_MODELS: Final = {
    "none": "",
    "brown_conrady": "plumb_bob",
    "rational": "rational_polynomial",
    "kannala_brandt4": "kannala_brandt",
}


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class StreamRecord(_Record):
    """All of an `Image` but its pixels, and how these are encoded."""

    codec: Codec
    bits: Literal[8, 16]
    device_time_s: FiniteFloat
    exposure_ms: FiniteFloat | None
    gain: FiniteFloat | None
    emitter_on: bool | None
    white_level: FiniteFloat = Field(gt=0)


class SetRecord(_Record):
    """The message `trilume.FrameSet`: all of a frame set but pixels and rig.

    `index` counts the sets of this file from 0, so that a missing or doubled chunk shows.
    """

    index: int = Field(ge=0)
    sequence: int
    host_time_s: FiniteFloat
    depth_unit_m: FiniteFloat = Field(gt=0)
    lost: int = Field(ge=0)
    color: StreamRecord | None
    depth: StreamRecord | None
    infrared: StreamRecord | None

    def stream(self, stream: Stream) -> StreamRecord | None:
        """The record of one stream by name."""
        return cast(StreamRecord | None, getattr(self, stream))


class Labels(_Record):
    """What people say about a session; never part of the streams. Empty = not said.

    `subject` is a pseudonym, `species` the kind of attack instrument or `bona_fide`, `instrument` the
    one specimen of it, `consent` a reference to the signed paper, `quality` an operator's judgement of the recording.
    """

    subject: str = ""
    species: str = ""
    instrument: str = ""
    lighting: str = ""
    distance_m: FiniteFloat | None = Field(default=None, gt=0)
    operator: str = ""
    site: str = ""
    consent: str = ""
    notes: str = ""
    quality: Literal["", "good", "bad"] = ""


_CAMERA_INFO: Final = TypeAdapter(CameraInfo)


# Metadata records -----------------------------------------------------------------------------------


def seal(name: str, data: Mapping[str, str]) -> dict[str, str]:
    """Adds a checksum over the record's name and entries."""
    return {**data, "crc32": _checksum(name, data)}


def unseal(name: str, data: Mapping[str, str]) -> dict[str, str]:
    """Takes the checksum off again. Raises ValueError where it does not fit."""
    entries = {key: value for key, value in data.items() if key != "crc32"}
    if data.get("crc32") != _checksum(name, entries):
        raise ValueError("metadata record does not fit its checksum")
    return entries


def _checksum(name: str, data: Mapping[str, str]) -> str:
    return f"{zlib.crc32(json.dumps([name, data], sort_keys=True).encode()):08x}"


def rig_entries(rig: Rig) -> dict[str, str]:
    """Metadata entries of the rig, with the format's version."""
    return {"format": FORMAT, "json": rig.model_dump_json()}


def rig_of(entries: Mapping[str, str]) -> Rig:
    """Raises ValueError for another format version or a rig that is none."""
    if entries.get("format") != FORMAT:
        raise ValueError(f"session format {entries.get('format')} is not {FORMAT}")
    return Rig.model_validate_json(entries.get("json", ""))


def camera_entries(info: CameraInfo) -> dict[str, str]:
    """Metadata entries of who recorded."""
    return {"json": _CAMERA_INFO.dump_json(info).decode()}


def camera_of(entries: Mapping[str, str], frames: int) -> CameraInfo:
    """The recording's camera, as the source of a file of that many frame sets."""
    return replace(_CAMERA_INFO.validate_json(entries.get("json", "")), live=False, frames=frames)


def label_entries(labels: Labels) -> dict[str, str]:
    """Metadata entries of the labels, one a label, so that every MCAP tool lists them."""
    return {key: str(value) for key, value in labels.model_dump().items() if value not in {"", None}}


def labels_of(entries: Mapping[str, str]) -> Labels:
    """Raises ValueError for a label that this version does not know."""
    return Labels.model_validate(entries)


# Channels -------------------------------------------------------------------------------------------


def image_topic(stream: Stream) -> str:
    """Topic of a stream's pictures."""
    return f"/{stream}/image"


def calibration_topic(stream: Stream) -> str:
    """Topic of a stream's calibration."""
    return f"/{stream}/calibration"


def camera_of_stream(rig: Rig, stream: Stream) -> Intrinsics | None:
    """Intrinsics of one stream by name."""
    return cast(Intrinsics | None, getattr(rig, stream))


def streams_of(rig: Rig) -> list[Stream]:
    """The streams that a rig has, in their fixed order."""
    return [stream for stream in STREAMS if camera_of_stream(rig, stream) is not None]


def topics_of(rig: Rig) -> list[str]:
    """Every topic of a session in channel order: channel ids count from 1 and follow from the rig."""
    streams = streams_of(rig)
    return [FRAME_SET_TOPIC, *map(image_topic, streams), *map(calibration_topic, streams)]


def schema_of(topic: str) -> tuple[str, str, bytes]:
    """Name, encoding and text of a topic's schema."""
    if topic == FRAME_SET_TOPIC:
        return "trilume.FrameSet", "jsonschema", json.dumps(SetRecord.model_json_schema()).encode()
    message = CompressedImage if topic.endswith("/image") else CameraCalibration
    descriptor = message.DESCRIPTOR
    return descriptor.full_name, "protobuf", _descriptor_set(descriptor.file)


def _descriptor_set(file: FileDescriptor) -> bytes:
    """A file's descriptor with all that it depends on, dependencies first, as MCAP wants protobuf."""
    files: dict[str, FileDescriptor] = {}

    def collect(descriptor: FileDescriptor) -> None:
        for dependency in descriptor.dependencies:
            collect(dependency)
        files[descriptor.name] = descriptor

    collect(file)
    bundle = FileDescriptorSet()
    for descriptor in files.values():
        descriptor.CopyToProto(bundle.file.add())
    return bundle.SerializeToString()


# Messages -------------------------------------------------------------------------------------------


def nanoseconds(time_s: float) -> int:
    """A time as MCAP takes it: nanoseconds from 0 to 285 years. The exact time is in the JSON message."""
    return round(min(max(0.0, time_s), 9e9) * 1e9)


def calibration_messages(rig: Rig, time_s: float) -> dict[str, bytes]:
    """`foxglove.CameraCalibration` of every stream, by topic."""
    messages = {}
    for stream in streams_of(rig):
        camera = camera_of_stream(rig, stream)
        assert camera is not None, "streams_of names the streams that have one"
        K = camera.matrix
        message = CameraCalibration(
            timestamp=_timestamp(time_s),
            frame_id=stream,
            width=camera.width,
            height=camera.height,
            distortion_model=_VIEWER_MODELS.get(camera.model, camera.model),
            D=camera.distortion,
            K=K.ravel(),
            R=[1, 0, 0, 0, 1, 0, 0, 0, 1],
            P=[*K[0], 0, *K[1], 0, *K[2], 0],
        )
        messages[calibration_topic(stream)] = bytes(message.SerializeToString())
    return messages


def set_messages(frame_set: FrameSet, index: int, codec: Codec) -> dict[str, bytes]:
    """A frame set's messages by topic. Raises ValueError where it does not fit its rig."""
    streams: dict[str, StreamRecord | None] = dict.fromkeys(STREAMS)
    messages = {}
    for stream in STREAMS:
        image = frame_set.image(stream)
        if image is not None:
            check_fits(stream, image, frame_set.rig)
            streams[stream] = _stream_record(image, codec)
            messages[image_topic(stream)] = _image_message(stream, image, codec)
    record = SetRecord.model_validate(
        {
            "index": index,
            "sequence": frame_set.sequence,
            "host_time_s": frame_set.host_time_s,
            "depth_unit_m": frame_set.depth_unit_m,
            "lost": frame_set.lost,
            **streams,
        }
    )
    return {FRAME_SET_TOPIC: record.model_dump_json().encode(), **messages}


def set_record(messages: Mapping[str, bytes]) -> SetRecord:
    """The JSON part of a set's messages. Raises ValueError."""
    return SetRecord.model_validate_json(messages.get(FRAME_SET_TOPIC, b""))


def frame_set_of(messages: Mapping[str, bytes], rig: Rig) -> FrameSet:
    """A frame set from its messages. Raises ValueError or protobuf's DecodeError where they are damaged."""
    record = set_record(messages)
    images: dict[str, Image | None] = dict.fromkeys(STREAMS)
    for stream in STREAMS:
        entry = record.stream(stream)
        if (entry is not None) != (image_topic(stream) in messages):
            raise ValueError(f"{stream} picture is missing or not announced")
        if entry is not None:
            images[stream] = _image(stream, entry, messages[image_topic(stream)], rig)
    return FrameSet(
        sequence=record.sequence,
        host_time_s=record.host_time_s,
        depth_unit_m=record.depth_unit_m,
        rig=rig,
        lost=record.lost,
        **images,
    )


def check_fits(stream: Stream, image: Image, rig: Rig) -> None:
    """Raises ValueError unless a picture has the type of its stream and the size that the rig states."""
    camera = camera_of_stream(rig, stream)
    if camera is None:
        raise ValueError(f"{stream} picture without {stream} camera in the rig")
    pixels = image.pixels
    shape, kinds = _shape_and_types(stream, camera)
    if pixels.shape != shape or pixels.dtype.name not in kinds:
        raise ValueError(
            f"{stream} is {pixels.dtype.name} {list(pixels.shape)}, not {' or '.join(kinds)} {list(shape)}"
        )


def _shape_and_types(stream: Stream, camera: Intrinsics) -> tuple[tuple[int, ...], tuple[str, ...]]:
    if stream == "color":
        return (*camera.shape, 3), ("uint8",)
    return camera.shape, ("uint16",) if stream == "depth" else ("uint8", "uint16")


def _stream_record(image: Image, codec: Codec) -> StreamRecord:
    return StreamRecord.model_validate(
        {
            "codec": codec,
            "bits": image.pixels.itemsize * 8,
            "device_time_s": image.device_time_s,
            "exposure_ms": image.exposure_ms,
            "gain": image.gain,
            "emitter_on": image.emitter_on,
            "white_level": image.white_level,
        }
    )


def _image_message(stream: Stream, image: Image, codec: Codec) -> bytes:
    message = CompressedImage(
        timestamp=_timestamp(image.device_time_s),
        frame_id=stream,
        data=encode(image.pixels, codec),
        format=codec,
    )
    return bytes(message.SerializeToString())


def _image(stream: Stream, entry: StreamRecord, message: bytes, rig: Rig) -> Image:
    camera = camera_of_stream(rig, stream)
    if camera is None:
        raise ValueError(f"{stream} picture without {stream} camera in the rig")
    shape, kinds = _shape_and_types(stream, camera)
    if f"uint{entry.bits}" not in kinds:
        raise ValueError(f"{stream} picture has {entry.bits} bits")
    data = CompressedImage.FromString(message).data
    try:
        pixels = decode(data, entry.codec, shape, entry.bits)
    except PictureError as error:
        raise ValueError(f"{stream} {error}") from error
    known: dict[str, Any] = entry.model_dump(exclude={"codec", "bits"})
    return Image(pixels, **known)


def _timestamp(time_s: float) -> Timestamp:
    whole, nanos = divmod(nanoseconds(time_s), 10**9)
    return Timestamp(seconds=whole, nanos=nanos)
