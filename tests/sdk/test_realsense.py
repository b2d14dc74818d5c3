"""The RealSense driver on the SDK itself: software devices, its recorder and its playback."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from calibration.projection import project, rays
from drivers.errors import (
    AccessDenied,
    Busy,
    CameraError,
    Disconnected,
    EndedEarly,
    EndOfStream,
    NotFound,
    SdkMissing,
    SessionError,
    Stalled,
    TrilumeError,
    Unsupported,
)
from drivers.open import open_source
from drivers.realsense import RealSenseSettings, RealSenseSource
from drivers.realsense_recording import RealSenseRecording, is_realsense_recording
from drivers.realsense_sdk import intrinsics, meaning, missing, sensor_key
from drivers.registration import register
from drivers.source import Source, frames_of
from tests.sdk.synthetic_realsense import DEPTH_SIZE, PERIOD_MS, R, SyntheticD435, T, assert_is_instant, lens, picture

rs = pytest.importorskip("pyrealsense2", exc_type=ImportError)
pytestmark = pytest.mark.sdk


@pytest.fixture
def camera() -> SyntheticD435:
    return SyntheticD435(rs)


def source_of(*cameras: SyntheticD435, serial: str = "", **settings: Any) -> RealSenseSource:
    return RealSenseSource(serial, RealSenseSettings(**settings), lambda _: [c.device for c in cameras])


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("realsense") / "capture.db3"
    SyntheticD435(rs).record(path, 60)
    return path


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


def assert_replays(path: Path, sets: int) -> None:
    for _ in range(2):
        source = open_source(path)
        assert isinstance(source, RealSenseRecording)
        numbers = 0
        for number, frame_set in enumerate(frames_of(source), 1):
            assert_is_instant(frame_set, number)
            numbers = number
        assert numbers == sets
        assert (source.info.frames, source.info.live, source.info.serial) == (sets, False, "SYN0001")


def test_a_recording_of_the_sdk_is_read_without_loss(recording: Path) -> None:
    assert_replays(recording, 60)


@pytest.mark.slow
def test_a_recording_of_the_sdk_is_read_without_loss_600(camera: SyntheticD435, tmp_path: Path) -> None:
    camera.record(tmp_path / "long.db3", 600)
    assert_replays(tmp_path / "long.db3", 600)


def test_a_slow_consumer_loses_nothing_of_a_recording(recording: Path) -> None:
    source = RealSenseRecording(recording)
    source.open()
    time.sleep(0.5)  # the SDK reads ahead and waits
    for number in range(1, 61):
        assert_is_instant(source.read(1.0), number)
    with pytest.raises(EndOfStream):
        source.read(1.0)
    source.close()


def assert_rig(source: Source, camera: SyntheticD435) -> None:
    """The rig maps a point as the SDK's own functions do."""
    depth_to_color, point = source.rig.depth_to_color, np.array([0.1, -0.05, 0.6])
    motion = camera.profiles["depth"].get_extrinsics_to(camera.profiles["color"])
    np.testing.assert_allclose(
        depth_to_color.R @ point + depth_to_color.t, rs.rs2_transform_point_to_point(motion, point.tolist()), atol=1e-6
    )
    np.testing.assert_allclose(depth_to_color.R, R, atol=1e-6)
    np.testing.assert_allclose(depth_to_color.t, T, atol=1e-6)
    assert source.rig.color is not None
    ray = np.array([0.5, -0.3, 1.0])
    theirs = rs.rs2_project_point_to_pixel(camera.lens_color, ray.tolist())
    np.testing.assert_allclose(project(source.rig.color, ray[None]), [theirs], atol=0.05)
    assert source.rig.depth == source.rig.infrared


def test_the_rig_is_the_devices(camera: SyntheticD435, recording: Path) -> None:
    for source in (source_of(camera), RealSenseRecording(recording)):
        source.open()
        source.close()
        assert_rig(source, camera)
        assert source.info.sensor == "realsense-d435"


def slope(name: str, number: int, mm_a_column: int) -> np.ndarray[Any, Any]:
    """Depth changes from column to column: each value stands for a place."""
    if name != "depth":
        return picture(name, number)
    v, u = np.mgrid[: DEPTH_SIZE[1], : DEPTH_SIZE[0]]
    return (900 + mm_a_column * (u - DEPTH_SIZE[0] // 2) + 2 * v).astype(np.uint16)


def aligned_by_the_sdk(camera: SyntheticD435) -> np.ndarray[Any, Any]:
    """Depth on the colour grid by `rs.align`, counts, Z still the depth camera's."""
    syncer, sensors = rs.syncer(), (camera.stereo, camera.rgb)
    for sensor in sensors:
        sensor.open([p for p in sensor.get_stream_profiles() if p.fps() == 30])
        sensor.start(syncer)
    for number in range(1, 9):  # the first sets may lack a stream
        camera.push(number)
        frames = syncer.wait_for_frames(1000)
        if frames.size() == 3:
            break
    aligned = np.array(rs.align(rs.stream.color).process(frames).get_depth_frame().get_data())
    for sensor in sensors:
        sensor.stop()
        sensor.close()
    return aligned


def columns_off(mm_a_column: int, monkeypatch: pytest.MonkeyPatch) -> np.ndarray[Any, Any]:
    """By how many columns our registration of a slope differs from the SDK's alignment."""
    monkeypatch.setattr("tests.sdk.synthetic_realsense.picture", partial(slope, mm_a_column=mm_a_column))
    theirs = aligned_by_the_sdk(SyntheticD435(rs)).astype(float)
    camera = SyntheticD435(rs)
    source = source_of(camera)
    source.open()
    camera.push(1)
    frame_set = source.read(1.0)
    source.close()
    registered, back = register(frame_set), frame_set.rig.depth_to_color.inverse()
    z_mm = registered.depth_mm.astype(float)
    rays_3d = np.concatenate([registered.rays, np.ones((*z_mm.shape, 1))], axis=2)
    ours = (rays_3d * z_mm[..., None]) @ back.R[2] + back.t[2] * 1000
    both = (z_mm > 0) & (theirs > 0)
    assert both.mean() > 0.95
    return (ours - theirs)[both] / mm_a_column


def test_depth_comes_onto_colour_where_the_sdk_brings_it(monkeypatch: pytest.MonkeyPatch) -> None:
    rising, falling = columns_off(8, monkeypatch), columns_off(-8, monkeypatch)
    assert max(np.abs(rising).max(), np.abs(falling).max()) < 1.6  # the SDK does not interpolate
    # Of the depth pixels that it lays on one colour pixel the nearest wins: that draws the two slopes apart.
    assert abs(rising.mean() + falling.mean()) / 2 < 0.1


@pytest.mark.parametrize(
    ("model", "coefficients", "tolerance_px"),
    [
        ("none", (0.0,) * 5, 1e-4),
        ("brown_conrady", (0.12, -0.23, 0.0011, -0.0007, 0.05), 1e-4),
        ("modified_brown_conrady", (0.12, -0.23, 0.0011, -0.0007, 0.05), 0.05),
        ("inverse_brown_conrady", (-0.06, 0.07, 0.0005, 0.0012, -0.02), 0.05),
        ("kannala_brandt4", (0.03, -0.01, 0.002, -0.001, 0.0), 1e-2),
    ],
)
def test_lens_models_are_those_of_the_sdk(model: str, coefficients: tuple[float, ...], tolerance_px: float) -> None:
    theirs = lens(rs, (640, 480), 600.0, getattr(rs.distortion, model), coefficients)
    ours = intrinsics(rs, theirs, "test")
    pixels = np.stack(np.meshgrid([20.0, 200.0, 330.0, 610.0], [15.0, 240.0, 470.0]), axis=-1).reshape(-1, 2)
    ideal = np.concatenate([rays(ours, pixels), np.ones((len(pixels), 1))], axis=1)
    projected = [rs.rs2_project_point_to_pixel(theirs, ray.tolist()) for ray in ideal]
    np.testing.assert_allclose(project(ours, ideal), projected, atol=tolerance_px)
    np.testing.assert_allclose(projected, pixels, atol=tolerance_px)


def test_lenses_that_are_not_ours_are_refused() -> None:
    with pytest.raises(Unsupported, match="ftheta"):
        intrinsics(rs, lens(rs, (640, 480), 600.0, rs.distortion.ftheta, (0.9, 0, 0, 0, 0)), "test")
    with pytest.raises(Unsupported, match="px off every one"):
        intrinsics(
            rs, lens(rs, (640, 480), 300.0, rs.distortion.modified_brown_conrady, (0.5, 0.5, 0.1, 0.1, 0)), "test"
        )
    with pytest.raises(Unsupported, match="makes no sense"):
        intrinsics(rs, lens(rs, (640, 480), float("nan")), "test")


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


def read_on(source: Source) -> None:
    while True:
        source.read(5.0)


@pytest.mark.parametrize("kind", ["live", "recording"])
def test_close_from_another_thread_frees_the_reader(kind: str, camera: SyntheticD435, recording: Path) -> None:
    source: Source = source_of(camera) if kind == "live" else RealSenseRecording(recording)
    before = threading.active_count()
    source.open()
    closer = threading.Timer(0.2, source.close)
    closer.start()
    started_s = time.monotonic()
    with pytest.raises(EndOfStream):
        read_on(source)
    closer.join()
    source.close()
    assert time.monotonic() - started_s < 2.0
    assert threading.active_count() == before
    source.open()  # and once more
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


def test_damaged_recordings_end_early(recording: Path, tmp_path: Path) -> None:
    damaged, cut = tmp_path / "damaged.db3", tmp_path / "cut.db3"
    shutil.copy(recording, damaged)
    with closing(sqlite3.connect(damaged)) as database:  # the bytes of one colour picture become zeros
        database.execute(
            "UPDATE messages SET data = zeroblob(length(data)) WHERE id = (SELECT messages.id FROM messages "
            "JOIN topics ON topic_id = topics.id WHERE name LIKE '%Color_0/image/data%' "
            "ORDER BY timestamp LIMIT 1 OFFSET 30)"
        )
        database.commit()
    sets = frames_of(RealSenseRecording(damaged))
    numbers: list[int] = []
    with pytest.raises(EndedEarly, match="damaged"):
        numbers.extend(frame_set.sequence for frame_set in sets)
    assert numbers[:30] == list(range(1, 31))
    content = recording.read_bytes()
    cut.write_bytes(content[: len(content) // 2])
    with pytest.raises(SessionError, match=r"cut\.db3"):
        RealSenseRecording(cut).open()


def test_other_files_of_the_same_name_are_not_taken(tmp_path: Path) -> None:
    ros = tmp_path / "ros.db3"
    with closing(sqlite3.connect(ros)) as database:
        database.execute("CREATE TABLE topics (id INTEGER PRIMARY KEY, name TEXT)")
        database.execute("INSERT INTO topics (name) VALUES ('/camera/image')")
        database.commit()
    bag = tmp_path / "orbbec.bag"
    bag.write_bytes(b"#ROSBAG V2.0\n" + b"topic=/cam/deviceInfo" * 100)
    ours = tmp_path / "realsense.bag"
    ours.write_bytes(b"#ROSBAG V2.0\n" + bytes(3 << 20) + b"topic=/device_0/sensor_0/Depth_0/image/data")
    assert [is_realsense_recording(path) for path in (ros, bag, ours)] == [False, False, True]
    with pytest.raises(Unsupported):
        open_source(ros)
    with pytest.raises(NotFound):
        RealSenseRecording(tmp_path / "none.db3").open()


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


def test_a_program_that_never_closes_ends_cleanly(recording: Path) -> None:
    """A callback of Python still running at the end of the interpreter would abort the process."""
    program = (
        "import sys; from drivers.open import open_source; source = open_source(sys.argv[1]); "
        "source.open(); print(source.read(5.0).sequence)"
    )
    command = [sys.executable, "-c", program, str(recording)]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=30)
    assert (done.returncode, done.stdout, done.stderr) == (0, "1\n", "")


def test_sensor_keys() -> None:
    assert sensor_key("Intel RealSense D435I") == "realsense-d435i"
