"""RealSense cameras, live (`realsense://[serial]`). Their recordings: `realsense_recording.py`."""

from __future__ import annotations

import atexit
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from pydantic import ConfigDict

from drivers.camera_uri import parse_camera
from drivers.emitter import Alternation
from drivers.errors import CameraError, Disconnected, EndOfStream, NotFound, Stalled, Unsupported
from drivers.frames import FrameSet
from drivers.realsense_capture import Capture
from drivers.realsense_sdk import (
    Wish,
    choose,
    described,
    exposure_unit_ms,
    meaning,
    missing,
    sdk,
    sdk_errors,
    sensor_key,
)
from drivers.rigs import calibrated
from drivers.source import CameraInfo, OnceOpened

Emitter = Literal["on", "off", "alternating"]
Preset = Literal["custom", "default", "hand", "high_accuracy", "high_density", "medium_density"]
Auto = Literal["auto"]

_POLL_S: Final = 0.25  # the SDK's own word of an unplugged camera is not reliable: it is asked as well
_USB2: Final = (Wish(480, 270, 15), Wish(424, 240, 15), Wish(480, 270, 6))


@dataclass(frozen=True, slots=True)
class RealSenseSettings:
    """What to set on the camera; None leaves what it has.

    `alternating`: the projector is on for every other frame; each infrared picture's `emitter_on` tells which, if the
    picture bears it out. `constant_rate`: colour does not slow down in the dark, so that every set has its colour.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")

    width: int = 640
    height: int = 480
    rate: int = 30
    emitter: Emitter | None = None
    laser_power_mw: float | None = None
    preset: Preset | None = None
    infrared_exposure_ms: float | Auto | None = None
    infrared_gain: float | None = None
    color_exposure_ms: float | Auto | None = None
    color_gain: float | None = None
    white_balance_k: float | Auto | None = None
    constant_rate: bool = True


def from_uri(uri: str) -> RealSenseSource:
    """The camera of a URI: `realsense://[serial][?setting=value&…]`, settings as in `RealSenseSettings`.

    Raises CameraError that names the wrong part.
    """
    return RealSenseSource(*parse_camera(uri, RealSenseSettings, "realsense://SERIAL?emitter=off&infrared_gain=16"))


def connected(rs: Any) -> Sequence[Any]:
    """The RealSense devices on this machine."""
    return list(rs.context().query_devices())


class RealSenseSource(OnceOpened):
    """`Source` over a camera: the one with `serial`, else the first. One consumer thread; `close` from any.

    If the consumer is late the oldest of eight sets goes and counts as `lost`. `devices` is asked for the cameras.
    """

    def __init__(
        self,
        serial: str = "",
        settings: RealSenseSettings | None = None,
        devices: Callable[[Any], Sequence[Any]] = connected,
    ) -> None:
        self._serial = serial
        self._settings = settings or RealSenseSettings()
        self._devices = devices
        self._where = f"realsense://{serial}"
        self._running: tuple[Capture, Any] | None = None
        self._emitter = Alternation()
        self._lock = threading.Lock()

    @property
    def disputed(self) -> int:
        """Infrared pictures that contradict what the camera said of its projector."""
        return self._emitter.disputed

    def open(self) -> None:
        """Finds, sets and starts the camera. Raises SdkMissing, NotFound, AccessDenied, Busy, Unsupported."""
        with self._lock:
            if self._running is not None:
                return
            rs = sdk()
            with sdk_errors(self._where):
                device = self._find(rs)
                capture = self._started(rs, device)
                info = self._described(rs, device)
            try:
                capture.rig, words = calibrated(capture.rig, info.sensor, info.serial)
            except CameraError:
                capture.stop()
                raise
            self._told = replace(info, name=info.name + words), capture.rig
            self._running = capture, device
            atexit.register(self.close)  # a callback still running when Python ends would abort the process

    def read(self, timeout_s: float) -> FrameSet:
        """The next frame set. Raises Stalled, Disconnected; EndOfStream after `close`."""
        deadline_s = time.monotonic() + timeout_s
        while True:
            running = self._running
            if running is None:
                raise EndOfStream(f"{self._where}: the camera is not open; call open() first")
            capture, device = running
            left_s = deadline_s - time.monotonic()
            frame_set = capture.read(max(0.0, min(left_s, _POLL_S)))
            if frame_set is not None:
                return frame_set
            if self._running is running and not device.is_connected():
                raise Disconnected(f"{self._where}: the camera is gone; check the cable and plug it in again")
            if left_s <= _POLL_S:
                raise Stalled(f"{self._where}: no frame within {timeout_s:.1f} s; is the USB port a fast one (USB 3)?")

    def reset(self) -> None:
        """Resets the device, which then leaves the bus for some seconds: close, and open again. Raises CameraError."""
        running = self._running
        if running is not None:
            with sdk_errors(self._where):
                running[1].hardware_reset()

    def close(self) -> None:
        """Idempotent, from any thread, within two seconds even where the SDK hangs."""
        running, self._running = self._running, None
        if running is not None:
            running[0].stop()
            atexit.unregister(self.close)

    def _find(self, rs: Any) -> Any:
        found = {described(rs, device, "serial_number"): device for device in self._devices(rs)}
        if not found:
            raise missing()
        if self._serial and self._serial not in found:
            raise NotFound(f"no RealSense camera with serial {self._serial}; there are {', '.join(found)}")
        return found[self._serial] if self._serial else next(iter(found.values()))

    def _described(self, rs: Any, device: Any) -> CameraInfo:
        name = described(rs, device, "name", "RealSense")
        usb = " (USB 2)" if _is_usb2(rs, device) else ""
        return CameraInfo(
            name + usb, sensor_key(name), described(rs, device, "serial_number"), live=True, origin="real"
        )

    def _started(self, rs: Any, device: Any) -> Capture:
        """Streaming with the profile wished for; over USB 2 with ever smaller ones until one holds."""
        wish = Wish(self._settings.width, self._settings.height, self._settings.rate)
        wishes = (replace(wish, rate=min(wish.rate, 15)), *_USB2) if _is_usb2(rs, device) else (wish,)
        apply(rs, device, self._settings, self._where)
        refused: RuntimeError | None = None
        for each in wishes:
            capture = Capture(rs, choose(rs, device, each, self._where), self._where, False, self._emitter)
            try:
                capture.open()
                capture.start()
            except RuntimeError as error:
                capture.stop()
                refused = error
            else:
                return capture
        assert refused is not None, "there is always one wish"
        said = meaning(self._where, refused)
        if len(wishes) > 1 and isinstance(said, Unsupported):
            raise Unsupported(f"{said} (it is connected by USB 2: use a USB 3 port and cable)") from refused
        raise said from refused


def _is_usb2(rs: Any, device: Any) -> bool:
    return described(rs, device, "usb_type_descriptor").startswith("2")


def apply(rs: Any, device: Any, settings: RealSenseSettings, where: str) -> None:
    """Sets the options, automatic controls first. Raises Unsupported naming an option or value that does not go."""
    option = rs.option
    streams: dict[Any, Any] = {}
    for sensor in device.query_sensors():
        for profile in sensor.get_stream_profiles():
            streams.setdefault(profile.stream_type(), sensor)
    depth, color = streams.get(rs.stream.depth), streams.get(rs.stream.color)

    if settings.preset is not None:
        _set(depth, option.visual_preset, int(getattr(rs.rs400_visual_preset, settings.preset)), "preset", where)
    if settings.emitter is not None:
        _set(depth, option.emitter_enabled, float(settings.emitter != "off"), "emitter", where)
        alternating = settings.emitter == "alternating"
        if alternating or (depth is not None and depth.supports(option.emitter_on_off)):
            _set(depth, option.emitter_on_off, float(alternating), "emitter", where)
    if settings.laser_power_mw is not None:
        _set(depth, option.laser_power, settings.laser_power_mw, "laser_power_mw", where)
    exposure, white = (
        (option.enable_auto_exposure, option.exposure),
        (option.enable_auto_white_balance, option.white_balance),
    )
    _set_auto(depth, *exposure, settings.infrared_exposure_ms, 1000.0, "infrared_exposure_ms", where)
    per_ms = 1.0 / exposure_unit_ms(color, depth)
    _set_auto(color, *exposure, settings.color_exposure_ms, per_ms, "color_exposure_ms", where)
    _set_auto(color, *white, settings.white_balance_k, 1.0, "white_balance_k", where)
    if settings.infrared_gain is not None:
        _set(depth, option.gain, settings.infrared_gain, "infrared_gain", where)
    if settings.color_gain is not None:
        _set(color, option.gain, settings.color_gain, "color_gain", where)
    if settings.constant_rate and color is not None and color.supports(option.auto_exposure_priority):
        _set(color, option.auto_exposure_priority, 0.0, "constant_rate", where)


def _set_auto(
    sensor: Any, auto: Any, option: Any, value: float | Auto | None, scale: float, name: str, where: str
) -> None:
    if value is None:
        return
    _set(sensor, auto, float(value == "auto"), name, where)
    if value != "auto":
        _set(sensor, option, value * scale, name, where)


def _set(sensor: Any, option: Any, value: float, name: str, where: str) -> None:
    if sensor is None or not sensor.supports(option) or sensor.is_option_read_only(option):
        raise Unsupported(f"{where}: this camera does not let {name} be set; leave it out")
    limits = sensor.get_option_range(option)
    if not limits.min <= value <= limits.max:
        raise Unsupported(
            f"{where}: {name} is out of range: {value:g} where the camera takes {limits.min:g} to {limits.max:g}"
        )
    sensor.set_option(option, value)
