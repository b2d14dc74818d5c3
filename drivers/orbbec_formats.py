"""What Orbbec's cameras and recordings have in common: pixel formats, lenses and motions in the SDK's terms.

Needs no SDK: a recording is read without one. Numbers are those of OrbbecSDK v2 (`libobsensor/h/ObTypes.h`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, Literal

import cv2
import imagecodecs
import numpy as np
from numpy.typing import NDArray

from calibration.rig import Extrinsics, Intrinsics, Rig
from drivers.codecs import PictureError
from drivers.errors import Unsupported

_LENS_MODELS: Final = (
    "none",
    "modified_brown_conrady",
    "inverse_brown_conrady",
    "brown_conrady",
    "brown_conrady_k6",
    "kannala_brandt4",
)
"""By the number of `OBCameraDistortionModel`."""

_COLOR_CODES: Final[dict[str, tuple[int | None, tuple[float, ...]]]] = {
    "YUYV": (cv2.COLOR_YUV2RGB_YUYV, (1, 2)),
    "YUY2": (cv2.COLOR_YUV2RGB_YUY2, (1, 2)),
    "UYVY": (cv2.COLOR_YUV2RGB_UYVY, (1, 2)),
    "NV12": (cv2.COLOR_YUV2RGB_NV12, (1.5, 1)),
    "NV21": (cv2.COLOR_YUV2RGB_NV21, (1.5, 1)),
    "I420": (cv2.COLOR_YUV2RGB_I420, (1.5, 1)),
    "YV12": (cv2.COLOR_YUV2RGB_YV12, (1.5, 1)),
    "RGB": (None, (1, 3)),
    "BGR": (cv2.COLOR_BGR2RGB, (1, 3)),
    "RGBA": (cv2.COLOR_RGBA2RGB, (1, 4)),
    "BGRA": (cv2.COLOR_BGRA2RGB, (1, 4)),
}
"""Conversion to RGB, and (rows per picture row, bytes per pixel of a row)."""

COLOR_FORMATS: Final = ("MJPG", *_COLOR_CODES)
"""In order of preference: what the wire carries before what the SDK would convert."""

GREY8_FORMATS: Final = ("Y8", "GRAY")
GREY16_FORMATS: Final = ("Y16", "Z16")

GAIN: Final = None
"""What is told of a frame's gain: nothing. The SDK hands on a number of the sensor's, of which its header (`ObTypes.h`,
`OB_FRAME_METADATA_TYPE_GAIN`) says that for some models it is a level and no factor. Nothing says which models, nor
what a level is worth; 16, the usual one, taken for a factor would put exposure times gain off by as much."""

_UNPACKED: Final = "choose one of its unpacked 8- or 16-bit formats in the camera's settings"
_JPEG_PADDING: Final = 4096  # what a camera may send after the end marker
_START_OF_FRAME: Final = frozenset({0xC0, 0xC1, 0xC2, 0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF})


def color_pixels(data: bytes | NDArray[np.uint8], kind: str, width: int, height: int) -> NDArray[np.uint8]:
    """RGB uint8 [H, W, 3] from a colour frame of format `kind` (a name of `OBFormat`).

    Raises `PictureError` where the data does not fit the size, `Unsupported` for other formats.
    """
    if kind == "MJPG":
        return _jpeg_pixels(bytes(data), width, height)
    if kind not in _COLOR_CODES:
        raise Unsupported(f"colour of format {kind} is not read; choose MJPG, RGB or YUYV in the camera's settings")
    code, (rows, bytes_each) = _COLOR_CODES[kind]
    raw = _grid(data, np.uint8, (round(height * rows), width * int(bytes_each)))
    pixels = raw.reshape(raw.shape[0], width, int(bytes_each))
    return np.array(pixels if code is None else cv2.cvtColor(pixels, code), np.uint8, order="C")


def grey_pixels(data: bytes | NDArray[np.uint8], kind: str, width: int, height: int) -> NDArray[Any]:
    """Depth or infrared, uint8 or uint16 [H, W], owned.

    Raises `PictureError` where the data does not fit the size, `Unsupported` for packed or compressed formats.
    """
    if kind in GREY8_FORMATS:
        return _grid(data, np.uint8, (height, width)).copy()
    if kind in GREY16_FORMATS:
        return _grid(data, np.dtype("<u2"), (height, width)).astype(np.uint16)
    raise Unsupported(f"depth or infrared of format {kind} is not read; {_UNPACKED}")


def white_level(pixels: NDArray[Any], bits: int) -> float | None:
    """The count at which infrared saturates, from the number of valid bits; None where they do not say it.

    A 16-bit stream that claims 16 bits (or tells none) saturates somewhere below: nobody knows where.
    """
    if pixels.dtype == np.uint8:
        return 255.0
    return float((1 << bits) - 1) if 8 <= bits < 16 else None


def intrinsics(size: tuple[int, int], lens: Sequence[float], distortion: Sequence[float], model: int) -> Intrinsics:
    """From the SDK's numbers: `size` (width, height), `lens` fx fy cx cy, `distortion` k1…k6 p1 p2.

    Raises `Unsupported` for the modified Brown–Conrady model (it names no published equation) and unknown ones.
    """
    fx, fy, cx, cy = lens
    k1, k2, k3, k4, k5, k6, p1, p2 = distortion
    name = _LENS_MODELS[model] if 0 <= model < len(_LENS_MODELS) else f"number {model}"
    made: dict[str, Any] = {"width": size[0], "height": size[1], "fx": fx, "fy": fy, "cx": cx, "cy": cy}
    if name == "none" or not any(distortion):
        return Intrinsics(**made)
    if name == "kannala_brandt4":
        return Intrinsics(**made, model="kannala_brandt4", distortion=(k1, k2, k3, k4))
    if name == "inverse_brown_conrady":
        return Intrinsics(**made, model="inverse_brown_conrady", distortion=(k1, k2, p1, p2, k3))
    if name == "brown_conrady" and not any((k4, k5, k6)):
        return Intrinsics(**made, model="brown_conrady", distortion=(k1, k2, p1, p2, k3))
    if name in ("brown_conrady", "brown_conrady_k6"):  # six radial coefficients whatever it is called
        return Intrinsics(**made, model="rational", distortion=(k1, k2, p1, p2, k3, k4, k5, k6))
    raise Unsupported(f"lens model {name} is not known here; calibrate the camera: trilume calibrate geometric")


def mirrored(camera: Intrinsics) -> Intrinsics:
    """The lens of a picture that was mirrored left to right: of the coefficients p2 changes its sign."""
    signs = (1, 1, 1, -1) if camera.model != "kannala_brandt4" else (1, 1, 1, 1)
    bent = tuple(value * sign for value, sign in zip(camera.distortion, signs + (1,) * 4, strict=False))
    return camera.model_copy(update={"cx": camera.width - 1 - camera.cx, "distortion": bent})


def extrinsics(rotation: Sequence[float], translation_mm: Sequence[float]) -> Extrinsics:
    """A motion in the SDK's terms: nine numbers row by row, translation in millimetres."""
    turn = np.asarray(rotation, float).reshape(3, 3)
    return Extrinsics.of(turn, np.asarray(translation_mm, float) / 1000)


def rig_of(
    color: Intrinsics | None,
    depth: Intrinsics,
    infrared: Intrinsics | None,
    depth_to_color: Extrinsics,
    infrared_to_color: Extrinsics,
) -> Rig:
    """The rig; without colour, depth and infrared of one size are taken as the one sensor that they come from.

    Raises `Unsupported` where the streams make no rig.
    """
    try:
        if color is not None:
            return Rig(
                color=color,
                depth=depth,
                infrared=infrared,
                depth_to_color=depth_to_color,
                infrared_to_color=infrared_to_color,
            )
        return Rig(color=None, depth=depth, infrared=infrared, registered=True)
    except ValueError as error:
        reason = str(error).splitlines()[2].strip() if len(str(error).splitlines()) > 2 else str(error)
        raise Unsupported(
            f"the streams make no rig ({reason}); record depth with colour, or infrared of its size"
        ) from error


def sensor_key(name: str) -> str:
    """`Orbbec Gemini 335` → `orbbec-gemini335`: by that key a model bundle knows its sensors."""
    plain = "".join(letter for letter in name.lower().replace("orbbec", "") if letter.isalnum())
    return f"orbbec-{plain or 'unknown'}"


FrameKind = Literal["color", "depth", "infrared"]


def frame_pixels(stream: FrameKind, data: bytes | NDArray[np.uint8], kind: str, size: tuple[int, int]) -> NDArray[Any]:
    """Pixels of a frame as `frames.Image` wants them. Depth is 16 bit, else `Unsupported`."""
    if stream == "color":
        return color_pixels(data, kind, *size)
    if stream == "depth" and kind in GREY8_FORMATS:
        raise Unsupported(f"depth of format {kind} is no depth; {_UNPACKED}")
    return grey_pixels(data, kind, *size)


def _grid(data: bytes | NDArray[np.uint8], dtype: Any, shape: tuple[int, int]) -> NDArray[Any]:
    wanted = shape[0] * shape[1] * np.dtype(dtype).itemsize
    if len(data) != wanted:
        raise PictureError(f"frame of {len(data)} bytes, expected {wanted}")
    return np.frombuffer(data, dtype).reshape(shape)


def _jpeg_pixels(data: bytes, width: int, height: int) -> NDArray[np.uint8]:
    if (found := _jpeg_size(data)) != (width, height):
        raise PictureError(f"JPEG picture is {found}, expected {(width, height)}")
    if data.rfind(b"\xff\xd9", -_JPEG_PADDING) < 0:
        raise PictureError("JPEG picture is cut off")
    try:
        pixels = imagecodecs.jpeg8_decode(data)
    except (ValueError, RuntimeError) as error:  # RuntimeError: base of imagecodecs' own
        raise PictureError(f"JPEG picture cannot be decoded ({error})") from error
    if pixels.shape != (height, width, 3):
        raise PictureError(f"JPEG picture is {pixels.shape}, expected colour")
    return np.ascontiguousarray(pixels, np.uint8)


def _jpeg_size(data: bytes) -> tuple[int, int] | None:
    """(width, height) from the frame header (ITU-T T.81, B.2.2), before the decoder claims memory for it."""
    if data[:2] != b"\xff\xd8":
        return None
    at = 2
    while at + 9 <= len(data) and data[at] == 0xFF:
        if data[at + 1] in _START_OF_FRAME:
            return int.from_bytes(data[at + 7 : at + 9], "big"), int.from_bytes(data[at + 5 : at + 7], "big")
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return None
