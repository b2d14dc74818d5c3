"""Orbbec cameras, live (`orbbec://[serial]`). Their recordings: `orbbec_bag.py`."""

from __future__ import annotations

import atexit
import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any, Final

from calibration.rig import Rig
from drivers.camera_uri import parse_camera
from drivers.codecs import PictureError
from drivers.emitter import Alternation
from drivers.errors import Disconnected, EndOfStream, NotFound, Stalled, Unsupported
from drivers.frames import FrameSet, Image, Stream
from drivers.orbbec_formats import COLOR_FORMATS, GREY8_FORMATS, GREY16_FORMATS, rig_of, sensor_key
from drivers.orbbec_sdk import UDEV, camera, image, motion, sdk, sdk_errors, tells_white
from drivers.orbbec_settings import OrbbecSettings, apply
from drivers.rigs import calibrated
from drivers.source import CameraInfo, OnceOpened

_log = logging.getLogger(__name__)

CLOSE_S: Final = 1.8
_POLL_MS: Final = 100
_FIRST_SET_S: Final = 4.0
_SLOWER: Final = 15  # frames a second that a USB 2 port carries

_SENSORS: Final[dict[Stream, tuple[str, ...]]] = {
    "color": ("COLOR_SENSOR",),
    "depth": ("DEPTH_SENSOR",),
    "infrared": ("IR_SENSOR", "LEFT_IR_SENSOR"),  # of a stereo pair the left one: it shares depth's viewpoint
}
_FORMATS: Final[dict[Stream, tuple[str, ...]]] = {
    "color": COLOR_FORMATS,
    "depth": GREY16_FORMATS,
    "infrared": (*GREY16_FORMATS, *GREY8_FORMATS),
}


def from_uri(uri: str) -> OrbbecSource:
    """The camera of a URI: `orbbec://[serial][?setting=value&…]`, settings as in `OrbbecSettings`.

    Raises CameraError that names the wrong part.
    """
    return OrbbecSource(*parse_camera(uri, OrbbecSettings, "orbbec://SERIAL?laser=true&rate=15"))


Cameras = Callable[[], Sequence[tuple[str, Callable[[], Any]]]]
"""Lists the cameras: serial number, and what opens the device."""


def connected(ob: Any) -> Cameras:
    """Of the cameras on this machine. Takes a second; listing them again takes none, as the SDK keeps watch."""
    context = ob.Context()
    context.enable_net_device_enumeration(False)

    def cameras() -> list[tuple[str, Callable[[], Any]]]:
        devices = context.query_devices()
        return [
            (devices.get_device_serial_number_by_index(k), partial(devices.get_device_by_index, k))
            for k in range(devices.get_count())
        ]

    return cameras


class OrbbecSource(OnceOpened):
    """`Source` over a camera: the one with `serial`, else the first. One consumer thread; `close` from any.

        new ──open──▶ streaming ──close──▶ closed ──open──▶ …

    Frame sets are complete: the SDK pairs the streams on the device clock. Sets that came while nobody read
    (the SDK keeps ten) count as `lost`. `devices` is asked for the cameras, given the SDK.
    """

    def __init__(
        self,
        serial: str = "",
        settings: OrbbecSettings | None = None,
        devices: Callable[[Any], Cameras] = connected,
    ) -> None:
        self._serial = serial
        self._settings = settings or OrbbecSettings()
        self._devices = devices
        self._where = f"orbbec://{serial}"
        self._device: Any = None
        self._cameras: Cameras | None = None
        self._pipeline: Any = None
        self._emitter = Alternation()
        self._closing = threading.Event()
        self._using = threading.Lock()

    @property
    def disputed(self) -> int:
        """Infrared pictures that contradict what the camera said of its projector."""
        return self._emitter.disputed

    def open(self) -> None:
        """Finds, sets and starts the camera and waits for its first set, whose profiles give the rig.

        Raises SdkMissing, NotFound, AccessDenied, Busy, Unsupported, Stalled.
        """
        if self._pipeline is not None:
            return
        self._ob = sdk()
        self._closing.clear()
        self._using = threading.Lock()  # held while the SDK is asked for frames; a hanging stop keeps the old one
        self._last: int | None = None
        self._pending: dict[Stream, Any] | None = None
        try:
            with sdk_errors(self._where):
                self._device = self._found()
                apply(self._ob, self._device, self._settings, self._where)
                self._pipeline = self._started()
            atexit.register(self.close)  # a camera still streaming when Python ends would abort the process
            first = self._wait(_FIRST_SET_S)
            with sdk_errors(self._where):
                self._told = self._calibrated(self._described(first.get("infrared")), self._rig_of(first))
            self._pending = first
        except BaseException:
            self.close()
            raise

    def read(self, timeout_s: float) -> FrameSet:
        """The next frame set. Raises Stalled, Disconnected; EndOfStream after `close`."""
        deadline_s = time.monotonic() + timeout_s
        while True:
            frames, self._pending = self._pending, None
            if frames is None:
                frames = self._wait(max(0.0, deadline_s - time.monotonic()))
            arrived_s = time.monotonic()
            depth = frames["depth"]
            number = depth.get_index()
            if number == self._last:  # after a fault the SDK may serve the last one again
                self._stall_after(deadline_s, timeout_s)
                continue
            try:
                with sdk_errors(self._where):
                    unit_m = depth.get_depth_scale() / 1000
                    images = {stream: self._image(stream, frame) for stream, frame in frames.items()}
            except PictureError:  # a frame cut on the wire: it shows up as lost
                self._stall_after(deadline_s, timeout_s)
                continue
            lost = 0 if self._last is None else max(0, number - self._last - 1)
            self._last = number
            return FrameSet(
                sequence=number,
                host_time_s=arrived_s,
                color=images.get("color"),
                depth=images["depth"],
                infrared=images.get("infrared"),
                depth_unit_m=round(unit_m, 9),
                rig=self.rig,
                lost=lost,
            )

    def reset(self) -> None:
        """Reboots the device, which then leaves the bus for some seconds: close, and open again. Raises CameraError."""
        if self._device is not None:
            with sdk_errors(self._where):
                self._device.reboot()

    def close(self) -> None:
        """Idempotent, from any thread, within two seconds even where the SDK hangs."""
        self._closing.set()
        held, self._device, self._cameras = (self._device, self._cameras), None, None
        pipeline, self._pipeline = self._pipeline, None
        self._pending = None
        if pipeline is None:
            return
        atexit.unregister(self.close)
        stopper = threading.Thread(target=_stop, args=(pipeline, held, self._using), name="orbbec-stop", daemon=True)
        del pipeline, held  # the stopper is the last to let go: freeing them may hang too
        stopper.start()
        stopper.join(CLOSE_S)

    def _found(self) -> Any:
        self._cameras = self._devices(self._ob)
        there = dict(self._cameras())
        if not there:
            raise NotFound(f"{self._where}: no Orbbec camera; plug one in, and if it is: {UDEV}")
        if self._serial and self._serial not in there:
            raise NotFound(f"{self._where}: no such camera; there are {', '.join(there)}")
        return there[self._serial or next(iter(there))]()

    def _wait(self, timeout_s: float) -> dict[Stream, Any]:
        """The frames of the next complete set. Short waits, so that `close` need not wait for a frame."""
        deadline_s = time.monotonic() + timeout_s
        while True:
            with self._using:
                pipeline = self._pipeline
                if pipeline is None or self._closing.is_set():
                    raise EndOfStream(f"{self._where}: the camera is not open; call open() first")
                with sdk_errors(self._where):
                    found = pipeline.wait_for_frames(_POLL_MS)
                    frames = {} if found is None else self._frames(found)
            if len(frames) == len(self._streams):
                return frames
            self._stall_after(deadline_s, timeout_s)

    def _stall_after(self, deadline_s: float, timeout_s: float) -> None:
        """Raises Stalled once the deadline is over, Disconnected where the camera is not listed any more."""
        device, cameras = self._device, self._cameras
        if time.monotonic() < deadline_s or device is None or cameras is None:
            return
        with sdk_errors(self._where):
            about = device.get_device_info()
            port, serial = str(about.get_connection_type()), about.get_serial_number()
            if serial not in dict(cameras()):
                raise Disconnected(f"{self._where}: the camera is gone; check the cable and plug it in again")
        slow = f"it is on {port}: use a fast port (USB 3)" if port.startswith(("USB1", "USB2")) else "plug it in again"
        raise Stalled(f"{self._where}: no frame within {timeout_s:.1f} s; {slow}")

    def _frames(self, found: Any) -> dict[Stream, Any]:
        """The wanted frames of the SDK's set as their own classes, as far as they are there."""
        kinds = {stream: getattr(self._ob.OBFrameType, name) for stream, name in self._streams.items()}
        got = {stream: found.get_frame_by_type(kind) for stream, kind in kinds.items()}
        return {
            stream: frame.as_depth_frame() if stream == "depth" else frame.as_video_frame()
            for stream, frame in got.items()
            if frame is not None
        }

    def _image(self, stream: Stream, frame: Any) -> Image:
        taken = image(self._ob, stream, frame, self._settings.infrared_white)
        return self._emitter.settled(taken) if stream == "infrared" else taken

    def _described(self, infrared: Any | None) -> CameraInfo:
        about = self._device.get_device_info()
        name = about.get_name()
        guessed = infrared is not None and self._settings.infrared_white is None and not tells_white(infrared)
        if guessed:
            _log.info(
                "%s: does not say at which count infrared saturates, 65535 is assumed: set infrared_white", self._where
            )
        return CameraInfo(
            name, sensor_key(name), about.get_serial_number(), live=True, origin="real",
            white_assumed=("infrared",) if guessed else (),
        )  # fmt: skip

    def _calibrated(self, info: CameraInfo, factory: Rig) -> tuple[CameraInfo, Rig]:
        """With the rig that was stored for this camera; depth that it aligned itself is not what was calibrated."""
        if self._settings.hardware_alignment:
            return info, factory
        rig, words = calibrated(factory, info.sensor, info.serial)
        return replace(info, name=info.name + words), rig

    def _rig_of(self, frames: dict[Stream, Any]) -> Rig:
        """From the profiles that the frames carry: with hardware alignment they differ from those asked for."""
        profiles = {stream: frame.get_stream_profile().as_video_stream_profile() for stream, frame in frames.items()}
        color, depth, infrared = (profiles.get(stream) for stream in _SENSORS)
        to_color = motion(depth, color)
        if to_color is None:
            raise Unsupported(f"{self._where}: depth is mirrored against colour; switch mirroring off on the camera")
        # Some models deliver infrared mirrored and the SDK turns it back: it then has depth's viewpoint, but the
        # SDK calls its motion a reflection.
        infrared_to_color = (motion(infrared, color) if infrared else None) or to_color
        return rig_of(
            color and camera(color), camera(depth), infrared and camera(infrared), to_color, infrared_to_color
        )

    def _started(self) -> Any:
        """A running pipeline: as asked, else at a rate that a slow port carries."""
        rates = [self._settings.rate, *([_SLOWER] if self._settings.rate > _SLOWER else [])]
        for rate in rates:
            pipeline = self._ob.Pipeline(self._device)
            config = self._config(pipeline, rate)
            pipeline.enable_frame_sync()
            try:
                pipeline.start(config)
            except Exception:
                if rate == rates[-1]:
                    raise
                continue
            return pipeline
        raise AssertionError("the last rate returns or raises")

    def _config(self, pipeline: Any, rate: int) -> Any:
        ob = self._ob
        config = ob.Config()
        self._streams: dict[Stream, str] = {}
        color: Any = None
        there = self._sensors()
        for stream, names in _SENSORS.items():
            name = next((name for name in names if name in there), None)
            offered = list(self._offered(pipeline, name, _FORMATS[stream])) if name else []
            if stream == "depth" and color is not None and self._settings.hardware_alignment:
                aligned = list(videos(pipeline.get_d2c_depth_profile_list(color, ob.OBAlignMode.HW_MODE)))
                if aligned:
                    offered = aligned
                    config.set_align_mode(ob.OBAlignMode.HW_MODE)
            if name is None or not offered:
                if stream == "depth":
                    raise Unsupported(f"{self._where}: the camera offers no 16-bit depth; choose another model")
                continue
            profile = min(offered, key=lambda video: self._distance(video, rate, _FORMATS[stream]))
            color = profile if stream == "color" else color
            self._streams[stream] = name.replace("_SENSOR", "_FRAME")
            config.enable_stream(profile)
        config.set_frame_aggregate_output_mode(ob.OBFrameAggregateOutputMode.FULL_FRAME_REQUIRE)
        return config

    def _sensors(self) -> set[str]:
        sensors = self._device.get_sensor_list()
        return {sensors.get_type_by_index(k).name for k in range(sensors.get_count())}

    def _offered(self, pipeline: Any, name: str, formats: tuple[str, ...]) -> Iterator[Any]:
        for video in videos(pipeline.get_stream_profile_list(getattr(self._ob.OBSensorType, name))):
            if video.get_format().name in formats:
                yield video

    def _distance(self, video: Any, rate: int, formats: tuple[str, ...]) -> tuple[int, int, int]:
        """The nearest size first, then rate, then the format that costs the wire least."""
        size = abs(video.get_width() - self._settings.width) + abs(video.get_height() - self._settings.height)
        return size, abs(video.get_fps() - rate), formats.index(video.get_format().name)


def _stop(pipeline: Any, held: Any, using: threading.Lock) -> None:
    with using:  # a reader gives way within one poll
        with suppress(Exception):  # unplugged: there is nothing left to stop
            pipeline.stop()
        del pipeline, held


def videos(profiles: Any) -> Iterator[Any]:
    """A list of the SDK's stream profiles as video ones."""
    for k in range(profiles.get_count()):
        yield profiles.get_stream_profile_by_index(k).as_video_stream_profile()
