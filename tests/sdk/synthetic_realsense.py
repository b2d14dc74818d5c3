"""A RealSense camera made of the SDK's own software device: real pipeline, real recorder, no hardware."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from drivers.frames import FrameSet
from drivers.realsense import RealSenseSettings, RealSenseSource

DEPTH_SIZE, COLOR_SIZE, PERIOD_MS = (64, 48), (96, 54), 1000.0 / 30
TURN = math.radians(1.5)
R = np.array([[math.cos(TURN), 0, math.sin(TURN)], [0, 1, 0], [-math.sin(TURN), 0, math.cos(TURN)]])
T = np.array([0.015, 0.0002, -0.0003])


def lens(
    rs: Any, size: tuple[int, int], focal: float, model: Any = None, coeffs: tuple[float, ...] = (0.0,) * 5
) -> Any:
    """`rs.intrinsics` of a size, with its centre a little off."""
    made = rs.intrinsics()
    made.width, made.height = size
    made.fx, made.fy, made.ppx, made.ppy = focal, focal * 1.002, size[0] / 2 - 0.7, size[1] / 2 + 0.4
    made.model, made.coeffs = rs.distortion.brown_conrady if model is None else model, list(coeffs)
    return made


class SyntheticD435:
    """Depth and infrared in one sensor, colour in another, as a D435 has them; `push` sends one instant.

    The projector alternates: infrared is dotted for odd numbers, smooth for even ones, and `says` is what the metadata
    of a number makes of it (None: nothing, as on a kernel without metadata).
    """

    def __init__(
        self, rs: Any, serial: str = "SYN0001", usb: str = "3.2", depth: bool = True, color: str = "rgb8"
    ) -> None:
        self.rs, self.color = rs, color
        self.says: Callable[[int], int | None] = lambda number: number % 2
        self.device = rs.software_device()
        about = rs.camera_info
        for key, value in (
            (about.name, "Synthetic D435"), (about.serial_number, serial),
            (about.product_line, "D400"), (about.usb_type_descriptor, usb),
        ):  # fmt: skip
            self.device.register_info(key, value)
        self.stereo, self.rgb = self.device.add_sensor("Stereo Module"), self.device.add_sensor("RGB Camera")
        self.lens_depth = lens(rs, DEPTH_SIZE, 40.0)
        self.lens_color = lens(
            rs, COLOR_SIZE, 70.0, rs.distortion.inverse_brown_conrady, (0.05, -0.06, 1e-3, -5e-4, 0.01)
        )
        self.profiles: dict[str, Any] = {}
        # A USB 2 port is offered half the rate only.
        for fps in (30, 15) if usb.startswith("3") else (15,):
            self._add("infrared", self.stereo, rs.stream.infrared, 1, rs.format.y8, 1, self.lens_depth, fps)
            if depth:
                self._add("depth", self.stereo, rs.stream.depth, 0, rs.format.z16, 2, self.lens_depth, fps)
            if color:
                form, bpp = getattr(rs.format, color), 2 if color == "yuyv" else 3
                self._add("color", self.rgb, rs.stream.color, 0, form, bpp, self.lens_color, fps)
        self.stereo.add_read_only_option(rs.option.depth_units, 0.001)

    def _add(self, name: str, sensor: Any, kind: Any, index: int, form: Any, bpp: int, camera: Any, fps: int) -> None:
        video = self.rs.video_stream()
        video.type, video.index, video.fmt, video.bpp, video.fps = kind, index, form, bpp, fps
        video.uid = 10 * fps + {"depth": 1, "infrared": 2, "color": 3}[name]
        video.width, video.height, video.intrinsics = camera.width, camera.height, camera
        profile = sensor.add_video_stream(video, True)
        if name == "color":
            motion = self.rs.extrinsics()
            motion.rotation, motion.translation = R.T.ravel().tolist(), T.tolist()  # column-major
            for other in ("depth", "infrared"):
                if other in self.profiles:
                    self.profiles[other].register_extrinsics_to(profile, motion)
        elif name == "depth":
            same = self.rs.extrinsics()
            same.rotation, same.translation = np.eye(3).ravel().tolist(), [0.0, 0.0, 0.0]
            self.profiles["infrared"].register_extrinsics_to(profile, same)
        self.profiles.setdefault(name, profile)
        self.profiles[f"{name}@{fps}"] = profile

    def push(
        self, number: int, time_ms: float | None = None, streams: tuple[str, ...] = ("depth", "infrared", "color")
    ) -> None:
        """One instant: picture `number` of every stream, told apart by their pixels."""
        about = self.rs.frame_metadata_value
        if (mode := self.says(number)) is not None:
            self.stereo.set_metadata(about.frame_emitter_mode, mode)
        self.stereo.set_metadata(about.actual_exposure, 8500)
        self.stereo.set_metadata(about.gain_level, 16)
        self.rgb.set_metadata(about.actual_exposure, 156)
        self.rgb.set_metadata(about.gain_level, 64)
        time_ms = number * PERIOD_MS if time_ms is None else time_ms
        for name in streams:
            frame = self.rs.software_video_frame()
            pixels = self._as_sent(name, picture(name, number))
            frame.bpp = pixels.itemsize * (pixels.shape[2] if pixels.ndim == 3 else 1)
            frame.stride = pixels.shape[1] * frame.bpp
            frame.timestamp, frame.domain = time_ms, self.rs.timestamp_domain.hardware_clock
            frame.frame_number, frame.depth_units = number, 0.001
            frame.profile, frame.pixels = self.profiles[name].as_video_stream_profile(), pixels
            (self.rgb if name == "color" else self.stereo).on_video_frame(frame)

    def _as_sent(self, name: str, pixels: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        """Colour in the format of its profile; as YUYV it is grey, the luma that of red."""
        if name != "color" or self.color == "rgb8":
            return pixels
        if self.color == "bgr8":
            return np.ascontiguousarray(pixels[..., ::-1])
        return np.ascontiguousarray(np.stack([pixels[..., 0], np.full(pixels.shape[:2], 128, np.uint8)], axis=2))

    def record(self, path: Path, sets: int, interval_s: float = 0.003) -> None:
        """The SDK's recorder writes `sets` instants to a `.db3`."""
        recorder = self.rs.recorder(str(path), self.device)
        sensors = recorder.query_sensors()
        for sensor in sensors:
            sensor.open([p for p in sensor.get_stream_profiles() if p.fps() == self.profiles["infrared"].fps()])
            sensor.start(lambda frame: None)
        for number in range(1, sets + 1):
            self.push(number)
            time.sleep(interval_s)
        for sensor in sensors:
            sensor.stop()
            sensor.close()
        recorder.pause()  # else the tail is lost


def source_of(*cameras: SyntheticD435, serial: str = "", **settings: Any) -> RealSenseSource:
    """A source that finds these cameras."""
    return RealSenseSource(serial, RealSenseSettings(**settings), lambda _: [c.device for c in cameras])


def picture(name: str, number: int) -> np.ndarray[Any, Any]:
    """What a stream shows at an instant."""
    rng = np.random.default_rng([number, len(name)])
    width, height = COLOR_SIZE if name == "color" else DEPTH_SIZE
    if name == "depth":
        return rng.integers(0, 5000, (height, width), np.uint16)
    if name == "infrared" and number % 2 == 0:
        return np.ascontiguousarray(np.add.outer(np.arange(height), np.arange(width)) + number % 64 + 40, np.uint8)
    return rng.integers(0, 256, (height, width, 3) if name == "color" else (height, width), np.uint8)


def assert_is_instant(frame_set: FrameSet, number: int) -> None:
    """That every stream is there, whole, and of the instant `number`."""
    assert frame_set.sequence == number
    assert frame_set.lost == 0
    assert frame_set.depth_unit_m == 0.001
    for name, exposure_ms, gain in (("depth", 8.5, 1.0), ("infrared", 8.5, 1.0), ("color", 15.6, 64.0)):
        image = getattr(frame_set, name)
        assert image is not None, f"{name} of {number} is missing"
        np.testing.assert_array_equal(image.pixels, picture(name, number))
        assert not image.pixels.flags.writeable
        assert abs(image.device_time_s - number * PERIOD_MS / 1000) < 2e-6  # recordings keep six decimals
        assert abs(image.exposure_ms - exposure_ms) < 1e-9
        assert image.gain == gain
        assert image.emitter_on == (None if name == "color" else number % 2 == 1)
