"""The Orbbec driver on the SDK itself: its playback stands for a camera, live with a queue that drops the oldest."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from drivers.errors import (
    AccessDenied,
    Busy,
    CameraError,
    Disconnected,
    EndOfStream,
    NotFound,
    SdkMissing,
    Stalled,
    Unsupported,
)
from drivers.frames import FrameSet
from drivers.open import open_source
from drivers.orbbec import Cameras, OrbbecSource
from drivers.orbbec_bag import OrbbecBag
from drivers.orbbec_sdk import meaning, sdk
from drivers.orbbec_settings import OrbbecSettings, apply
from tests.sdk.orbbec_recording import ASTRA_2, FEMTO_BOLT, GEMINI_335, MODELS, Model, pictures, record

pytest.importorskip("rosbags.rosbag1")
try:
    ob = sdk()
except SdkMissing as error:
    pytest.skip(str(error), allow_module_level=True)
pytestmark = pytest.mark.sdk

COUNT = 18
each_model = pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)


class Played:
    """A recording that the SDK plays as if it were a camera on this machine."""

    def __init__(self, path: Path, model: Model) -> None:
        self.path = record(path, model, pictures(model, COUNT))
        self.serial = model.serial
        self.plugged_in = True
        self.device: Any = None

    def devices(self, _: Any) -> Cameras:
        return lambda: [(self.serial, self._open)] if self.plugged_in else []

    def source(self, **settings: Any) -> OrbbecSource:
        return OrbbecSource("", OrbbecSettings(**settings), self.devices)

    def rewind(self) -> None:
        """Playback loses its first frame while the streams start."""
        self.device.pause()
        self.device.seek(0)
        self.device.resume()

    def _open(self) -> Any:
        self.device = ob.PlaybackDevice(str(self.path))
        return self.device


@pytest.fixture
def played(tmp_path: Path) -> Callable[[Model], Played]:
    return lambda model: Played(tmp_path / "played.bag", model)


def read_all(source: OrbbecSource) -> list[FrameSet]:
    """What is read until the playback is over, which looks like a camera that stalls."""
    sets: list[FrameSet] = []
    with suppress(Stalled):
        while True:
            sets.append(source.read(0.4))
    return sets


def read_on(source: OrbbecSource, timeout_s: float) -> None:
    while True:
        source.read(timeout_s)


@each_model
def test_the_sdk_delivers_what_the_recording_holds(model: Model, played: Callable[[Model], Played]) -> None:
    """Pictures, times, settings, unit and rig through the SDK are those that our own reader finds in the file."""
    camera = played(model)
    with closing(OrbbecBag(camera.path)) as bag, closing(camera.source()) as source:
        source.open()
        camera.rewind()
        sets = read_all(source)
        rewound = max(k for k, one in enumerate(sets) if one.sequence == 0)
        sets = sets[rewound:]  # what came before is from the start that loses frames
        assert [one.sequence for one in sets] == list(range(COUNT))
        assert not any(one.lost for one in sets[1:])
        for one in sets:
            assert_equal(one, bag.frame(one.sequence), unknown_white=bag.info.white_assumed)
        assert source.rig == bag.rig
        assert source.info.serial == model.serial
        assert source.info.live


def assert_equal(ours: FrameSet, recorded: FrameSet, unknown_white: tuple[str, ...]) -> None:
    assert ours.depth_unit_m == pytest.approx(recorded.depth_unit_m)
    for stream in ("color", "depth", "infrared"):
        live, read = getattr(ours, stream), getattr(recorded, stream)
        assert np.array_equal(live.pixels, read.pixels), stream
        assert live.device_time_s == read.device_time_s
        assert (live.exposure_ms, live.gain) == (read.exposure_ms, read.gain)
        assert live.emitter_on == read.emitter_on
        assert stream in unknown_white or live.white_level == read.white_level


@pytest.mark.parametrize(("model", "compressed"), [(ASTRA_2, True), (GEMINI_335, True), (FEMTO_BOLT, False)])
def test_our_reader_reads_what_the_sdk_writes(
    model: Model, compressed: bool, played: Callable[[Model], Played], tmp_path: Path
) -> None:
    """The SDK records its own playback; every frame, the rig and the settings are in its file.

    But for the depth unit: re-recording, the SDK writes 1 mm whatever the first recording says.
    """
    camera, copy = played(model), tmp_path / "copy.bag"
    source = camera.source()
    device = camera.device = ob.PlaybackDevice(str(camera.path))
    recorder = ob.RecordDevice(device, str(copy), compressed)
    source._devices = lambda _: lambda: [(model.serial, lambda: device)]
    source.open()
    read_all(source)
    source.close()
    del recorder  # finishes the file
    with closing(OrbbecBag(camera.path)) as first, closing(OrbbecBag(copy)) as second:
        assert second.rig == first.rig
        assert second.info.serial == first.info.serial
        sets = [second.frame(number) for number in range(len(second))]
        whole = [one for one in sets if one.depth is not None and one.color is not None and one.infrared is not None]
        start = whole[0].sequence  # the SDK's playback may lose the first while its streams start
        assert start <= 2
        assert [one.sequence for one in whole] == list(range(start, COUNT))
        for one in whole:
            as_first = replace(one, depth_unit_m=first.frame(one.sequence).depth_unit_m)
            assert_equal(as_first, first.frame(one.sequence), unknown_white=first.info.white_assumed)


def test_sets_dropped_while_nobody_reads_count_as_lost(played: Callable[[Model], Played]) -> None:
    camera = played(ASTRA_2)
    with closing(camera.source()) as source:
        source.open()
        camera.rewind()
        first = source.read(1.0)
        while first.sequence:
            first = source.read(1.0)
        time.sleep(0.8)  # all are played; the SDK keeps ten
        sets = read_all(source)
        assert 0 < len(sets) < COUNT - 1
        assert sets[-1].sequence == COUNT - 1
        assert sum(one.lost for one in sets) + len(sets) == COUNT - 1


def test_close_from_another_thread_frees_a_waiting_reader(played: Callable[[Model], Played]) -> None:
    camera = played(FEMTO_BOLT)
    source = camera.source()
    source.open()
    threading.Timer(0.2, source.close).start()
    with pytest.raises(EndOfStream):
        read_on(source, 5.0)
    started_s = time.monotonic()
    source.close()
    assert time.monotonic() - started_s < 2.0
    assert source.rig.color is not None  # still valid
    source.open()  # and again
    assert source.read(1.0).depth is not None
    source.close()
    assert "orbbec-stop" not in {thread.name for thread in threading.enumerate()}


def test_close_is_bounded_where_the_sdk_hangs(played: Callable[[Model], Played]) -> None:
    class Hanging:
        def __init__(self, pipeline: Any) -> None:
            self.pipeline, self.release = pipeline, threading.Event()

        def stop(self) -> None:
            self.release.wait(30)
            self.pipeline.stop()

    source = played(FEMTO_BOLT).source()
    source.open()
    hanging = source._pipeline = Hanging(source._pipeline)
    started_s = time.monotonic()
    source.close()
    assert time.monotonic() - started_s < 2.0
    source.open()  # the hanging one does not hold up the next
    assert source.read(1.0).depth is not None
    source.close()
    hanging.release.set()
    for thread in threading.enumerate():
        if thread.name == "orbbec-stop":
            thread.join(5)
            assert not thread.is_alive()


def test_a_camera_that_is_gone_is_told_from_one_that_stalls(played: Callable[[Model], Played]) -> None:
    camera = played(FEMTO_BOLT)
    with closing(camera.source()) as source:
        source.open()
        camera.device.pause()
        camera.plugged_in = False
        with pytest.raises(Disconnected, match="cable"):
            read_on(source, 0.2)


def test_no_such_camera(played: Callable[[Model], Played]) -> None:
    with pytest.raises(NotFound, match="there are SYN0001"):
        OrbbecSource("OTHER", devices=played(FEMTO_BOLT).devices).open()
    with pytest.raises(NotFound, match="plug one in"):
        OrbbecSource(devices=lambda _: list).open()


def test_a_setting_that_the_camera_lacks(played: Callable[[Model], Played]) -> None:
    with pytest.raises(Unsupported, match="no setting white_balance_k"):
        played(FEMTO_BOLT).source(white_balance_k=4500).open()


def test_stated_white_level_counts(played: Callable[[Model], Played]) -> None:
    with closing(played(FEMTO_BOLT).source(infrared_white=4000.0)) as source:
        source.open()
        infrared = source.read(1.0).infrared
        assert infrared is not None
        assert infrared.white_level == 4000.0


def test_rgb_where_colour_comes_as_yuyv_is_ours(played: Callable[[Model], Played]) -> None:
    """The SDK offers converted formats too; the one on the wire is taken."""
    with closing(played(GEMINI_335).source()) as source:
        source.open()
        profiles = source._pipeline.get_config().get_enabled_stream_profile_list()
        formats = {profiles.get_stream_profile_by_index(k).get_format().name for k in range(profiles.get_count())}
        assert "YUYV" in formats


def test_uri_settings() -> None:
    source = open_source("orbbec://ABC?laser=false&rate=15")
    assert isinstance(source, OrbbecSource)
    assert source._settings == OrbbecSettings(laser=False, rate=15)
    with pytest.raises(CameraError, match="the settings are width"):
        open_source("orbbec://ABC?lazer=1")
    with pytest.raises(CameraError, match="write settings as"):
        open_source("orbbec://ABC?laser")


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("openUsbDevice failed! LIBUSB_ERROR_ACCESS", AccessDenied),
        ("Device is busy, errno 16", Busy),
        ("Device is deactivated/disconnected!", Disconnected),
        ("No device found", NotFound),
        ("Property not writable: 3", Unsupported),
        ("something else", CameraError),
    ],
)
def test_errors_mean_what_to_do(said: str, kind: type[CameraError]) -> None:
    error = meaning("orbbec://1", RuntimeError(said))
    assert type(error) is kind
    assert str(error).startswith(f"orbbec://1: {said}; ")


def test_missing_sdk_says_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyorbbecsdk", None)
    with pytest.raises(SdkMissing, match="pip install --no-deps pyorbbecsdk2"):
        OrbbecSource().open()


def test_the_sdk_stays_silent(played: Callable[[Model], Played], tmp_path: Path) -> None:
    """Neither a line on stdout nor a folder `Log`: stdout belongs to the JSON lines."""
    camera = played(FEMTO_BOLT)
    quiet = tmp_path / "quiet"
    quiet.mkdir()
    code = (
        "from drivers.orbbec_sdk import sdk; from drivers.orbbec import OrbbecSource, connected\n"
        "ob = sdk(); connected(ob)()\n"
        f"s = OrbbecSource(devices=lambda ob: lambda: [('a', lambda: ob.PlaybackDevice({str(camera.path)!r}))])\n"
        "s.open(); s.read(1.0); s.close(); print('ours')"
    )
    ran = subprocess.run([sys.executable, "-P", "-c", code], cwd=quiet, capture_output=True, text=True, check=True)
    assert ran.stdout == "ours\n"
    assert ran.stderr == ""
    assert list(quiet.iterdir()) == []


class Recorder:
    """A device that notes what is written to it. It has what `supported` names."""

    def __init__(self, *supported: str) -> None:
        self.supported = {getattr(ob.OBPropertyID, f"OB_PROP_{name}") for name in supported}
        self.written: list[tuple[str, int | bool]] = []

    def is_property_supported(self, number: Any, _: Any) -> bool:
        return number in self.supported

    def set_bool_property(self, number: Any, value: bool) -> None:
        self.written.append((number.name.removeprefix("OB_PROP_"), value))

    def set_int_property(self, number: Any, value: int) -> None:
        self.written.append((number.name.removeprefix("OB_PROP_"), value))


def test_a_manual_value_switches_its_automatic_off_first() -> None:
    device = Recorder("COLOR_AUTO_EXPOSURE_BOOL", "COLOR_GAIN_INT", "LASER_BOOL", "IR_GAIN_INT")
    apply(ob, device, OrbbecSettings(laser=True, color_gain=16), "orbbec://1")
    assert device.written == [("LASER_BOOL", True), ("COLOR_AUTO_EXPOSURE_BOOL", False), ("COLOR_GAIN_INT", 16)]
    newer = Recorder("LASER_CONTROL_INT", "LASER_BOOL")
    apply(ob, newer, OrbbecSettings(laser=False), "orbbec://1")
    assert newer.written == [("LASER_CONTROL_INT", 0)]
    with pytest.raises(Unsupported, match="no laser to switch"):
        apply(ob, Recorder(), OrbbecSettings(laser=False), "orbbec://1")
