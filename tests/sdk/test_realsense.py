"""The RealSense driver live, on software devices of the SDK itself."""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from drivers.errors import (
    AccessDenied,
    Busy,
    CameraError,
    Disconnected,
    NotFound,
    SdkMissing,
    Stalled,
    TrilumeError,
    Unsupported,
)
from drivers.open import open_source
from drivers.realsense import RealSenseSettings, RealSenseSource
from drivers.realsense_sdk import meaning, missing, sensor_key
from drivers.supervision import Supervised
from tests.sdk.synthetic_realsense import (
    PERIOD_MS,
    SyntheticD435,
    assert_is_instant,
    picture,
    source_of,
)

rs = pytest.importorskip("pyrealsense2", exc_type=ImportError)
pytestmark = pytest.mark.sdk


def stream_live(camera: SyntheticD435, sets: int) -> None:
    """Frames come at four times the usual rate, from a thread of their own, as from a camera."""
    source = source_of(camera)
    source.open()

    def send() -> None:
        for number in range(1, sets + 1):
            camera.push(number)
            time.sleep(0.008)

    sender = threading.Thread(target=send)
    sender.start()
    try:
        for number in range(1, sets + 1):
            assert_is_instant(source.read(2.0), number)
    finally:
        sender.join()
        source.close()


def test_live_sets_arrive_whole_and_in_order(camera: SyntheticD435) -> None:
    stream_live(camera, 60)


@pytest.mark.slow
def test_live_sets_arrive_whole_and_in_order_600(camera: SyntheticD435) -> None:
    stream_live(camera, 600)


def test_lost_and_repeated_frames_are_told(camera: SyntheticD435) -> None:
    source = source_of(camera)
    source.open()
    for number in (1, 2, 2, 6):
        camera.push(number)
    camera.push(7, streams=("depth", "infrared"))
    camera.push(8)
    sets = [source.read(1.0) for _ in range(5)]
    source.close()
    assert [s.sequence for s in sets] == [1, 2, 6, 7, 8]
    assert [s.lost for s in sets] == [0, 0, 3, 0, 0]
    assert [s.color is not None for s in sets] == [True, True, True, False, True]


def test_a_late_consumer_gets_the_newest_whole_sets(camera: SyntheticD435) -> None:
    source = source_of(camera)
    source.open()
    for number in range(1, 51):
        camera.push(number)
    sets = [source.read(1.0) for _ in range(8)]
    source.close()
    assert [s.sequence for s in sets] == list(range(43, 51))
    assert all(s.color is not None and s.depth is not None and s.infrared is not None for s in sets)


def test_streams_that_run_side_by_side_are_paired_by_time(camera: SyntheticD435) -> None:
    """Colour has counters and times of its own, 12 ms behind, and stops after a while."""
    source = source_of(camera)
    source.open()
    for number in range(1, 11):
        camera.push(number, streams=("depth", "infrared"))
        if number <= 5:
            camera.push(number + 100, number * PERIOD_MS + 12.0, streams=("color",))
    sets = [source.read(1.0) for _ in range(7)]  # the last three still wait for colour
    with pytest.raises(Stalled):
        source.read(0.1)
    source.close()
    assert [s.sequence for s in sets] == list(range(1, 8))
    assert [s.color is not None for s in sets] == [True] * 5 + [False] * 2


SAYS = {"right": lambda n: n % 2, "late": lambda n: (n + 1) % 2, "nothing": lambda _: None, "stuck": lambda _: 0}


@pytest.mark.parametrize(
    ("says", "settled", "disputed"),
    [
        ("right", [True, False] * 3, 0),
        ("nothing", [True, False] * 3, 0),
        ("late", [None] * 6, 6),
        ("stuck", [None, False] * 3, 3),
    ],
)
def test_pictures_say_whether_an_alternating_projector_was_on(
    camera: SyntheticD435, says: str, settled: list[bool | None], disputed: int
) -> None:
    camera.says = SAYS[says]
    source = Supervised(lambda _: source_of(alternating(camera), emitter="alternating"))
    source.open()
    for number in range(1, 7):
        camera.push(number)
    sets = [source.read(1.0) for _ in range(6)]
    health = source.health()
    source.close()
    assert [s.infrared.emitter_on if s.infrared else "missing" for s in sets] == settled
    assert health.disputed == disputed


def alternating(camera: SyntheticD435) -> SyntheticD435:
    """With the options of a projector that can alternate."""
    limits = rs.option_range()
    limits.min, limits.max, limits.step, limits.default = 0.0, 1.0, 1.0, 0.0
    for option in (rs.option.emitter_enabled, rs.option.emitter_on_off):
        camera.stereo.add_option(option, limits, True)
    return camera


def test_cameras_are_found_by_serial(camera: SyntheticD435) -> None:
    other = SyntheticD435(rs, serial="SYN0002")
    for serial, wanted in (("", "SYN0001"), ("SYN0001", "SYN0001"), ("SYN0002", "SYN0002")):
        source = source_of(camera, other, serial=serial)
        source.open()
        source.close()
        assert source.info.serial == wanted
    with pytest.raises(NotFound, match="serial SYN9; there are SYN0001, SYN0002"):
        source_of(camera, other, serial="SYN9").open()
    with pytest.raises(CameraError, match="RealSense"):
        source_of().open()


def test_why_the_sdk_lists_no_camera(tmp_path: Path) -> None:
    assert type(missing(tmp_path / "usb", tmp_path)) is NotFound
    node = tmp_path / "usb" / "2-1"
    node.mkdir(parents=True)
    for name, text in (("product", "Intel(R) RealSense(TM) Depth Camera 435\n"), ("busnum", "2\n"), ("devnum", "14\n")):
        (node / name).write_text(text)
    denied = missing(tmp_path / "usb", tmp_path)
    assert type(denied) is AccessDenied
    assert "udevadm" in str(denied)
    (tmp_path / "002").mkdir()
    (tmp_path / "002" / "014").touch()
    assert type(missing(tmp_path / "usb", tmp_path)) is Busy


def test_trouble_in_the_sdks_thread_comes_out_of_read(camera: SyntheticD435, monkeypatch: pytest.MonkeyPatch) -> None:
    source = source_of(camera)
    source.open()
    camera.push(1)

    def broken(*_: Any) -> None:
        raise RuntimeError("get_frame_metadata failed: No such device")

    monkeypatch.setattr("drivers.realsense_capture.picture", broken)
    camera.push(2)
    assert_is_instant(source.read(1.0), 1)
    with pytest.raises(Disconnected, match="plug it in again"):
        source.read(1.0)
    source.close()


def test_a_camera_in_use_is_busy(camera: SyntheticD435) -> None:
    first, second = source_of(camera), source_of(camera)
    first.open()
    with pytest.raises(Busy, match="close whatever holds it"):
        second.open()
    camera.push(1)
    assert_is_instant(first.read(1.0), 1)
    first.close()
    second.open()
    second.close()


def test_what_a_camera_lacks_is_said() -> None:
    with pytest.raises(Unsupported, match="delivers no depth"):
        source_of(SyntheticD435(rs, depth=False)).open()


def test_without_colour_infrared_and_depth_share_a_grid() -> None:
    camera = SyntheticD435(rs, color="")
    source = source_of(camera)
    source.open()
    camera.push(1, streams=("depth", "infrared"))
    frame_set = source.read(1.0)
    source.close()
    assert frame_set.color is None
    assert frame_set.rig.registered


def test_colour_formats_become_rgb() -> None:
    for form in ("bgr8", "yuyv"):
        camera = SyntheticD435(rs, color=form)
        source = source_of(camera)
        source.open()
        camera.push(1)
        color = source.read(1.0).color
        source.close()
        assert color is not None
        sent = picture("color", 1)
        if form == "yuyv":  # ITU-R BT.601: luma 16 is black, 235 white
            sent = np.clip((np.repeat(sent[..., :1], 3, axis=2).astype(float) - 16) * 255 / 219, 0, 255)
        assert np.abs(color.pixels - sent).max() <= (1 if form == "yuyv" else 0)
        assert not color.pixels.flags.writeable


def test_usb_2_takes_a_slower_profile_and_says_so() -> None:
    camera = SyntheticD435(rs, usb="2.1")
    source = source_of(camera)
    source.open()
    camera.push(1)
    frame_set = source.read(1.0)
    source.close()
    assert source.info.name == "Synthetic D435 (USB 2)"
    assert frame_set.color is not None


def test_settings_reach_the_camera(camera: SyntheticD435) -> None:
    option, limits = rs.option, rs.option_range()
    limits.min, limits.max, limits.step, limits.default = 0.0, 10000.0, 1.0, 0.0
    stereo = (option.emitter_enabled, option.emitter_on_off, option.enable_auto_exposure, option.exposure, option.gain)
    color = (option.enable_auto_white_balance, option.white_balance, option.auto_exposure_priority, option.exposure)
    for sensor, options in ((camera.stereo, stereo), (camera.rgb, (*color, option.enable_auto_exposure))):
        for each in options:
            sensor.add_option(each, limits, True)
    camera.rgb.set_option(option.auto_exposure_priority, 1.0)
    settings = {"emitter": "alternating", "infrared_exposure_ms": 4.0, "infrared_gain": 20.0}
    source = source_of(camera, **settings, color_exposure_ms=12.5, white_balance_k=4600.0)
    source.open()
    source.close()
    assert [camera.stereo.get_option(o) for o in stereo] == [1.0, 1.0, 0.0, 4000.0, 20.0]
    assert [camera.rgb.get_option(o) for o in color] == [0.0, 4600.0, 0.0, 125.0]
    with pytest.raises(
        Unsupported, match="infrared_exposure_ms is out of range: 50000 where the camera takes 0 to 10000"
    ):
        source_of(camera, infrared_exposure_ms=50.0).open()
    with pytest.raises(Unsupported, match="laser_power_mw"):
        source_of(camera, laser_power_mw=150.0).open()


def test_uris_name_serial_and_settings() -> None:
    source = open_source("REALSENSE://123456?emitter=off&infrared_gain=16&color_exposure_ms=auto")
    assert isinstance(source, RealSenseSource)
    assert (source._serial, source._settings) == (
        "123456",
        RealSenseSettings(emitter="off", infrared_gain=16.0, color_exposure_ms="auto"),
    )
    for wrong in ("emitter=dim", "emiter=off", "rate=fast", "emitter"):
        with pytest.raises(CameraError, match="realsense://"):
            open_source(f"realsense://?{wrong}")


class Unplugged:
    """A device that left the bus: the SDK's object stays, and says that it is not connected."""

    def __init__(self, device: Any) -> None:
        self._device = device
        self.connected = True

    def __getattr__(self, name: str) -> Any:
        return getattr(self._device, name)

    def is_connected(self) -> bool:
        return self.connected


def test_silence_and_unplugging_are_told_apart(camera: SyntheticD435) -> None:
    device = Unplugged(camera.device)
    source = RealSenseSource(devices=lambda _: [device])
    source.open()
    with pytest.raises(Stalled, match=r"no frame within 0\.1 s"):
        source.read(0.1)
    device.connected = False
    started_s = time.monotonic()
    with pytest.raises(Disconnected, match="the camera is gone"):
        source.read(5.0)
    assert time.monotonic() - started_s < 1.0
    source.close()


def test_close_does_not_wait_for_a_hanging_sdk(camera: SyntheticD435, monkeypatch: pytest.MonkeyPatch) -> None:
    source = source_of(camera)
    source.open()
    freed = threading.Event()
    assert source._running is not None
    capture = source._running[0]
    monkeypatch.setattr(capture, "_stop_sensors", freed.wait)
    started_s = time.monotonic()
    source.close()
    assert time.monotonic() - started_s < 2.0
    monkeypatch.undo()
    capture._stop_sensors()
    freed.set()


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("failed to open usb interface: 0, error: RS2_USB_STATUS_ACCESS", AccessDenied),
        ("Cannot open '/dev/video0' Last Error: Permission denied", AccessDenied),
        ("xioctl(VIDIOC_S_FMT) failed, errno=16 Last Error: Device or resource busy", Busy),
        ("xioctl(VIDIOC_QBUF) failed Last Error: No such device", Disconnected),
        ("Couldn't resolve requests", Unsupported),
        ("something new", CameraError),
    ],
)
def test_what_the_sdk_says_is_understood(said: str, kind: type[TrilumeError]) -> None:
    error = meaning("realsense://", RuntimeError(said))
    assert type(error) is kind
    assert "; " in str(error)


def test_without_the_sdk_its_command_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyrealsense2", None)
    with pytest.raises(SdkMissing, match=r"pip install 'trilume\[realsense\]'"):
        RealSenseSource().open()


def test_sensor_keys() -> None:
    assert sensor_key("Intel RealSense D435I") == "realsense-d435i"
