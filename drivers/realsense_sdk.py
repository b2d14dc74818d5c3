"""librealsense in this program's words: geometry, pictures, profiles and errors. Nothing here imports the SDK
before `sdk()` is called; `rs` is the module `pyrealsense2`, which has no types."""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from calibration.rig import DistortionModel, Extrinsics, Intrinsics, Rig
from drivers import udev
from drivers.errors import AccessDenied, Busy, CameraError, Disconnected, NotFound, SdkMissing, Unsupported
from drivers.frames import Image, Stream, frozen_copy

INSTALL: Final = "pip install 'trilume[realsense]'"
UDEV: Final = udev.ADVICE
_FIT_PX: Final = 0.25  # how well our model must describe the device's lens

# What librealsense and the kernel say, in lower case → what that means here.
_MEANINGS: Final[tuple[tuple[tuple[str, ...], type[CameraError], str], ...]] = (
    (("access denied", "permission", "errno=13", "rs2_usb_status_access"), AccessDenied, UDEV),
    (
        ("busy", "errno=16", "in use", "already opened", "is streaming"),
        Busy,
        "close whatever holds it, such as realsense-viewer",
    ),
    (
        ("disconnect", "no such device", "errno=19", "no longer", "no_device"),
        Disconnected,
        "check the cable and plug it in again",
    ),
    (("no device connected", "no such file"), NotFound, "plug the camera in"),
    (
        ("couldn't resolve", "failed to resolve", "profile", "extrinsics", "not supported"),
        Unsupported,
        "try another size or rate",
    ),
)


def sdk() -> Any:
    """The module `pyrealsense2`. Raises SdkMissing with the command that brings it."""
    try:
        return importlib.import_module("pyrealsense2")
    except ImportError as error:
        if "libusb" in str(error):
            raise SdkMissing("pyrealsense2 needs libusb: sudo apt install libusb-1.0-0") from error
        raise SdkMissing(f"RealSense cameras and recordings need pyrealsense2: {INSTALL}") from error


@contextmanager
def sdk_errors(where: str) -> Iterator[None]:
    """Turns the SDK's RuntimeErrors into this program's, each with what to do."""
    try:
        yield
    except RuntimeError as error:
        raise meaning(where, error) from error


def meaning(where: str, error: RuntimeError) -> CameraError:
    """What an error of the SDK means."""
    said = str(error).strip().partition("\n")[0]
    for words, kind, advice in _MEANINGS:
        if any(word in said.lower() for word in words):
            return kind(f"{where}: {said}; {advice}")
    return CameraError(f"{where}: {said}; unplug the camera, plug it in again, and try once more")


def missing(usb: Path = Path("/sys/bus/usb/devices"), nodes: Path = Path("/dev/bus/usb")) -> CameraError:
    """Why the SDK lists no camera: none on the bus, no right to open it, or another process has it.

    The SDK passes over a camera that it cannot open, so the kernel is asked (Linux's sysfs).
    """
    for product in sorted(usb.glob("*/product")):
        name = _line(product)
        if "realsense" not in name.lower():
            continue
        bus, number = _line(product.with_name("busnum")), _line(product.with_name("devnum"))
        if not os.access(nodes / bus.zfill(3) / number.zfill(3), os.R_OK | os.W_OK):
            return AccessDenied(f"{name}: no permission to open it; {UDEV}")
        return Busy(f"{name}: plugged in, but it cannot be opened; close whatever holds it, or plug it in again")
    return NotFound("no RealSense camera is plugged in; check the cable, and 'trilume doctor'")


def _line(file: Path) -> str:
    try:
        return file.read_text(errors="replace").strip()
    except OSError:  # unplugged just now
        return ""


@dataclass(frozen=True, slots=True)
class Wish:
    """The profile looked for; the nearest one on offer is taken, the rate first."""

    width: int = 640
    height: int = 480
    rate: int = 30


@dataclass(frozen=True, slots=True, eq=False)
class Chosen:
    """One stream's profile and the sensor that offers it."""

    sensor: Any
    profile: Any

    @property
    def key(self) -> tuple[Any, int]:
        """By which a frame's profile is recognised."""
        return self.profile.stream_type(), self.profile.stream_index()


def choose(rs: Any, device: Any, wish: Wish, where: str) -> dict[Stream, Chosen]:
    """Depth, and colour and infrared where there are such, alike in rate and size as far as possible.

    Infrared is the left one (index 1), which stands where depth does, in 8 bit; 16-bit infrared of the D400 is
    an unrectified calibration picture. Raises Unsupported without depth, or with depth alone.
    """
    offers = [
        Chosen(sensor, profile.as_video_stream_profile())
        for sensor in device.query_sensors()
        for profile in sensor.get_stream_profiles()
        if profile.is_video_stream_profile()
    ]

    def best(stream: Any, formats: list[Any], like: Wish) -> Chosen | None:
        def distance(offer: Chosen) -> tuple[float, ...]:
            p = offer.profile
            size = abs(p.width() - like.width) + abs(p.height() - like.height)
            return abs(p.fps() - like.rate), size, formats.index(p.format()), p.stream_index()

        fitting = [o for o in offers if o.profile.stream_type() == stream and o.profile.format() in formats]
        return min(fitting, key=distance, default=None)

    depth = best(rs.stream.depth, [rs.format.z16], wish)
    if depth is None:
        raise Unsupported(f"{where}: delivers no depth (Z16); this program needs a depth camera such as a D435")
    like = Wish(depth.profile.width(), depth.profile.height(), depth.profile.fps())
    rate = Wish(wish.width, wish.height, like.rate)
    found = {
        "color": best(rs.stream.color, [rs.format.rgb8, rs.format.bgr8, rs.format.yuyv], rate),
        "depth": depth,
        "infrared": best(rs.stream.infrared, [rs.format.y8], like),
    }
    if found["color"] is None and found["infrared"] is None:
        raise Unsupported(f"{where}: delivers neither colour nor 8-bit infrared beside depth; record one of them too")
    streams: tuple[Stream, ...] = ("color", "depth", "infrared")
    return {stream: offer for stream in streams if (offer := found[stream]) is not None}


def rig_of(rs: Any, chosen: dict[Stream, Chosen], where: str) -> Rig:
    """The rig of the chosen streams. Raises Unsupported where a lens or the streams' motions cannot be told."""
    cameras = {stream: intrinsics(rs, offer.profile.get_intrinsics(), where) for stream, offer in chosen.items()}
    depth, color, infrared = cameras["depth"], cameras.get("color"), cameras.get("infrared")
    if color is None:
        motion = motion_between(chosen["infrared"].profile, chosen["depth"].profile, where)
        if infrared != depth or not np.allclose(motion.R, np.eye(3), atol=1e-4) or np.abs(motion.t).max() > 1e-4:
            raise Unsupported(f"{where}: no colour, and infrared does not share depth's grid; record colour too")
        return Rig(color=None, depth=depth, infrared=infrared, registered=True)
    target = chosen["color"].profile
    return Rig(
        color=color,
        depth=depth,
        infrared=infrared,
        depth_to_color=motion_between(chosen["depth"].profile, target, where),
        infrared_to_color=motion_between(chosen["infrared"].profile, target, where) if infrared else Extrinsics(),
    )


def motion_between(source: Any, target: Any, where: str) -> Extrinsics:
    """The motion from one stream's camera to another's; the SDK's rotation is column-major, metres."""
    motion = source.get_extrinsics_to(target)
    try:
        return Extrinsics.of(np.array(motion.rotation).reshape(3, 3).T, np.array(motion.translation))
    except ValidationError as error:
        raise Unsupported(f"{where}: the streams' positions make no sense ({error.errors()[0]['msg']})") from None


def intrinsics(rs: Any, lens: Any, where: str) -> Intrinsics:
    """`rs.intrinsics` in this program's models, such that both project alike. Raises Unsupported.

    What librealsense calls `inverse_brown_conrady` (colour of the D400) is projected by its functions just like
    `modified_brown_conrady`, from ideal to distorted (rsutil.h): it is not the inverse model of `Intrinsics`. Both
    apply the tangential terms to radially displaced coordinates, which is no model of ours; the nearest
    `brown_conrady` is taken where it stays within a quarter of a pixel over the picture.
    """
    model, k = _model(rs, lens, where)
    try:
        return Intrinsics(
            width=lens.width,
            height=lens.height,
            fx=lens.fx,
            fy=lens.fy,
            cx=lens.ppx,
            cy=lens.ppy,
            model=model,
            distortion=k,
        )
    except ValidationError as error:
        raise Unsupported(
            f"{where}: its calibration makes no sense ({error.errors()[0]['msg']}); recalibrate it"
        ) from None


def _model(rs: Any, lens: Any, where: str) -> tuple[DistortionModel, tuple[float, ...]]:
    models, k = rs.distortion, tuple(float(c) for c in lens.coeffs)
    if lens.model == models.kannala_brandt4:  # zeros are no pinhole here
        return "kannala_brandt4", k[:4]
    if lens.model == models.none or (lens.model != models.ftheta and not any(k)):
        return "none", ()
    if lens.model == models.brown_conrady:
        return "brown_conrady", k
    if lens.model in (models.modified_brown_conrady, models.inverse_brown_conrady):
        return "brown_conrady", _nearest_brown_conrady(lens, k, where)
    raise Unsupported(f"{where}: lens model {lens.model.name} is not supported; choose another stream or size")


def _nearest_brown_conrady(lens: Any, k: tuple[float, ...], where: str) -> tuple[float, ...]:
    """Least squares over the picture: displacement is linear in the five coefficients."""
    v, u = np.mgrid[0 : lens.height : 24j, 0 : lens.width : 32j]
    x, y = ((u - lens.ppx) / lens.fx).ravel(), ((v - lens.ppy) / lens.fy).ravel()
    r2 = x * x + y * y
    radial = 1 + r2 * (k[0] + r2 * (k[1] + r2 * k[4]))
    xr, yr = x * radial, y * radial
    wanted = np.concatenate(
        [
            xr + 2 * k[2] * xr * yr + k[3] * (r2 + 2 * xr * xr) - x,
            yr + 2 * k[3] * xr * yr + k[2] * (r2 + 2 * yr * yr) - y,
        ]
    )
    basis = np.concatenate(
        [
            np.stack([x * r2, x * r2**2, 2 * x * y, r2 + 2 * x * x, x * r2**3], axis=1),
            np.stack([y * r2, y * r2**2, r2 + 2 * y * y, 2 * x * y, y * r2**3], axis=1),
        ]
    )
    fitted = np.linalg.lstsq(basis, wanted, rcond=None)[0]
    off_px = float(np.abs(basis @ fitted - wanted).max() * max(lens.fx, lens.fy))
    if not off_px <= _FIT_PX:
        raise Unsupported(f"{where}: its lens model is {off_px:.2f} px off every one we have; choose another size")
    return tuple(float(c) for c in fitted)


STEREO_GAIN_UNIT: Final = 16.0


def picture(rs: Any, frame: Any, stream: Stream, camera: Intrinsics, exposure_unit_ms: float) -> Image | None:
    """A frame as a picture of ours, None where it has not the size that its stream promises.

    The stereo imagers count gain in sixteenths (their range is 16 to 248). What colour's counts mean no page says: they
    stay as they are.
    """
    pixels = _pixels(rs, frame)
    if pixels.shape[:2] != camera.shape:
        return None
    about = rs.frame_metadata_value
    exposure, gain = metadata(frame, about.actual_exposure), metadata(frame, about.gain_level)
    return Image(
        pixels,
        device_time_s=frame.get_timestamp() / 1000.0,
        exposure_ms=None if exposure is None else exposure * exposure_unit_ms,
        gain=None if gain is None else gain / (1.0 if stream == "color" else STEREO_GAIN_UNIT),
        emitter_on=None if stream == "color" else emitter_on(rs, frame),
        white_level=65535.0 if pixels.dtype == np.uint16 else 255.0,
    )


def emitter_on(rs: Any, frame: Any) -> bool | None:
    """Whether the projector was on: its mode (off, laser, …; older firmware: the laser's) and its power."""
    about = rs.frame_metadata_value
    mode = metadata(frame, about.frame_emitter_mode)
    if mode is None:
        mode = metadata(frame, about.frame_laser_power_mode)
    power = metadata(frame, about.frame_laser_power)
    if mode is None and power is None:
        return None
    return mode != 0 and power != 0


def alternates(rs: Any, sensor: Any) -> bool:
    """Whether the depth sensor's projector is set to be on for every other frame, by whomever."""
    option = rs.option.emitter_on_off
    return bool(sensor.supports(option) and sensor.get_option(option))


def exposure_unit_ms(sensor: Any, depth_sensor: Any) -> float:
    """The depth sensor counts exposure in microseconds; a colour camera of its own is a UVC device: in hundreds."""
    return 0.001 if sensor is depth_sensor else 0.1


def metadata(frame: Any, key: Any) -> int | None:
    """A value that the camera sent with the frame, None where it does not."""
    return int(frame.get_frame_metadata(key)) if frame.supports_frame_metadata(key) else None


def _pixels(rs: Any, frame: Any) -> NDArray[Any]:
    data, kind = np.asanyarray(frame.get_data()), frame.get_profile().format()
    if kind == rs.format.bgr8:
        return np.asarray(cv2.cvtColor(data, cv2.COLOR_BGR2RGB))
    if kind == rs.format.yuyv:
        pairs = np.ascontiguousarray(data).view(np.uint8).reshape(*data.shape[:2], 2)
        return np.asarray(cv2.cvtColor(pairs, cv2.COLOR_YUV2RGB_YUYV))
    return frozen_copy(data)


def described(rs: Any, device: Any, key: str, otherwise: str = "") -> str:
    """What the device says of itself under a name of `rs.camera_info`."""
    field = getattr(rs.camera_info, key)
    return str(device.get_info(field)) if device.supports(field) else otherwise


def sensor_key(name: str) -> str:
    """By which bundles know the sensor: `Intel RealSense D435I` → `realsense-d435i`."""
    return "realsense-" + (name.split() or ["unknown"])[-1].lower()
