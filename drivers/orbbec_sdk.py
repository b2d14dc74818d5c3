"""OrbbecSDK v2 (`pyorbbecsdk`) in this program's words: loading it quietly, its errors, frames and profiles.

Nothing here imports the SDK before `sdk()` is called; `ob` is its module, which is handed on as `Any`.
"""

from __future__ import annotations

import ctypes
import importlib
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final

import numpy as np

from calibration.rig import Extrinsics, Intrinsics
from drivers import udev
from drivers.errors import AccessDenied, Busy, CameraError, Disconnected, NotFound, SdkMissing, Unsupported
from drivers.frames import Image, Stream
from drivers.orbbec_formats import GAIN, GREY8_FORMATS, extrinsics, frame_pixels, intrinsics, white_level

INSTALL: Final = "pip install --no-deps pyorbbecsdk2"
UDEV: Final = udev.ADVICE

# What the SDK and the kernel say, in lower case → what that means here.
_MEANINGS: Final[tuple[tuple[tuple[str, ...], type[CameraError], str], ...]] = (
    (("access", "permission", "errno 13"), AccessDenied, UDEV),
    (("busy", "in use", "occupied", "errno 16"), Busy, "close the program that holds it, such as OrbbecViewer"),
    (
        ("disconnect", "no such device", "errno 19", "deactivated", "device removed", "unavailable"),
        Disconnected,
        "check the cable and plug it in again",
    ),
    (("not found", "no device"), NotFound, "plug the camera in; `trilume devices` lists what is there"),
    (("unsupported", "not support", "not readable", "not writable", "invalid"), Unsupported, "choose another setting"),
)

_loading = threading.Lock()


def sdk() -> Any:
    """The module `pyorbbecsdk`, silent. Raises SdkMissing with the command that brings it.

    Its import prints to stdout, which belongs to our user's JSON lines, and its first context would
    make a folder `Log` in the working directory.
    """
    with _loading:
        if (loaded := sys.modules.get("pyorbbecsdk")) is not None:
            return loaded
        try:
            with _no_stdout():
                ob = importlib.import_module("pyorbbecsdk")
                ob.Context.set_logger_level(ob.OBLogLevel.NONE)
        except ImportError as error:
            raise SdkMissing(f"Orbbec cameras need pyorbbecsdk2 ({error}): {INSTALL}") from error
        return ob


@contextmanager
def sdk_errors(where: str) -> Iterator[None]:
    """Turns the SDK's errors into this program's, each with what to do. Its `OBError` has no other base."""
    try:
        yield
    except CameraError:
        raise
    except Exception as error:
        if type(error).__name__ != "OBError" and not isinstance(error, RuntimeError):
            raise
        raise meaning(where, error) from error


def meaning(where: str, error: Exception) -> CameraError:
    """What an error of the SDK means."""
    said = str(error).strip().partition("\n")[0]
    for words, kind, advice in _MEANINGS:
        if any(word in said.lower() for word in words):
            return kind(f"{where}: {said}; {advice}")
    return CameraError(f"{where}: {said}; unplug the camera, plug it in again, and try once more")


def image(ob: Any, stream: Stream, frame: Any, infrared_white: float | None) -> Image:
    """A frame of the SDK as ours, copied out. `infrared_white` from the settings; `gain` is not told, see
    `orbbec_formats.GAIN`. Raises `codecs.PictureError` where the data does not fit the frame's size.
    """
    size = frame.get_width(), frame.get_height()
    pixels = frame_pixels(stream, frame.get_data(), frame.get_format().name, size)
    white = {"color": 255.0, "depth": 65535.0}.get(stream)
    if white is None:
        white = infrared_white or white_level(pixels, frame.get_pixel_available_bit_size()) or 65535.0
    return Image(
        pixels,
        device_time_s=frame.get_timestamp_us() / 1e6,
        exposure_ms=_exposure_ms(ob, stream, frame),
        gain=GAIN,
        emitter_on=None if stream == "color" else _emitter_on(ob, frame),
        white_level=white,
    )


def tells_white(frame: Any) -> bool:
    """Whether a frame of infrared says at which count it saturates."""
    kind = np.uint8 if frame.get_format().name in GREY8_FORMATS else np.uint16
    return white_level(np.empty(0, kind), frame.get_pixel_available_bit_size()) is not None


def camera(profile: Any) -> Intrinsics:
    """The lens of a video stream profile. Raises Unsupported."""
    lens, bent = profile.get_intrinsic(), profile.get_distortion()
    model = getattr(bent, "model", 0)
    return intrinsics(
        (profile.get_width(), profile.get_height()),
        (lens.fx, lens.fy, lens.cx, lens.cy),
        (bent.k1, bent.k2, bent.k3, bent.k4, bent.k5, bent.k6, bent.p1, bent.p2),
        int(getattr(model, "value", model)),
    )


def motion(profile: Any, to: Any | None) -> Extrinsics | None:
    """The motion from one stream profile to another, the identity where there is no other.

    None where the SDK gives a reflection: it mirrored the pictures of one of them.
    """
    if to is None:
        return Extrinsics()
    found = profile.get_extrinsic_to(to)
    if np.linalg.det(found.rot.reshape(3, 3)) < 0:
        return None
    return extrinsics(found.rot.ravel().tolist(), found.transform.ravel().tolist())


def _exposure_ms(ob: Any, stream: Stream, frame: Any) -> float | None:
    """The SDK tells colour in units of 100 µs, depth and infrared in microseconds."""
    told = _told(ob, frame, "EXPOSURE")
    return None if told is None else told / (10 if stream == "color" else 1000)


def _emitter_on(ob: Any, frame: Any) -> bool | None:
    told = _told(ob, frame, "LASER_STATUS")
    return None if told is None else told > 0


def _told(ob: Any, frame: Any, name: str) -> float | None:
    kind = getattr(ob.OBFrameMetadataType, name)
    if not frame.has_metadata(kind):
        return None
    value = float(frame.get_metadata_value(kind))
    return value if value >= 0 else None


@contextmanager
def _no_stdout() -> Iterator[None]:
    """Nothing that C++ code writes to file descriptor 1 arrives; it buffers, so it is flushed before the way back."""
    with suppress(OSError, ValueError):
        sys.stdout.flush()
    try:
        kept = os.dup(1)
    except OSError:  # a service without stdout
        yield
        return
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        os.close(nowhere)
        yield
    finally:
        ctypes.CDLL(None).fflush(None)
        os.dup2(kept, 1)
        os.close(kept)
