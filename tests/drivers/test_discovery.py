"""What is plugged in: by the kernel's list, whatever SDKs there are, and by the SDKs on their own stand-ins."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from drivers import discovery, udev
from drivers.discovery import FoundCamera, find_cameras, usb_cameras
from drivers.errors import SdkMissing
from drivers.orbbec_sdk import sdk
from drivers.rigs import rig_file


@pytest.fixture
def bus(tmp_path: Path) -> Bus:
    return Bus(tmp_path)


class Bus:
    """A machine's USB devices, as Linux shows them."""

    def __init__(self, folder: Path) -> None:
        self.usb, self.nodes = folder / "usb", folder / "nodes"
        self.usb.mkdir()
        self.nodes.mkdir()

    def plug(self, number: int, vendor: str, product: str, name: str, **more: str) -> Path:
        device = self.usb / f"1-{number}"
        device.mkdir()
        files = {"idVendor": vendor, "idProduct": product, "product": name, "busnum": "1", "devnum": str(number)}
        for file, content in {**files, "speed": "5000", "bDeviceClass": "ef", **more}.items():
            (device / file).write_text(content + "\n")
        node = self.nodes / "001" / f"{number:03d}"
        node.parent.mkdir(exist_ok=True)
        node.write_bytes(b"")
        return node


@pytest.fixture
def no_sdk(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("pyrealsense2", "pyorbbecsdk"):
        monkeypatch.setitem(sys.modules, module, None)


def test_the_kernel_lists_cameras_of_both_makers_and_nothing_else(bus: Bus) -> None:
    bus.plug(1, "8086", "0b07", "Intel(R) RealSense(TM) Depth Camera 435")
    bus.plug(2, "2bc5", "0800", "Orbbec Gemini 335", speed="480")
    bus.plug(3, "8086", "0a2b", "Bluetooth")
    bus.plug(4, "2bc5", "0001", "USB hub", bDeviceClass="09")
    bus.plug(5, "1d6b", "0002", "xHCI Host Controller")
    assert [(c.maker, c.product, c.port, c.openable) for c in usb_cameras(bus.usb, bus.nodes)] == [
        ("RealSense", "0b07", "USB 3", True),
        ("Orbbec", "0800", "USB 2", True),
    ]
    assert usb_cameras(bus.usb / "nowhere", bus.nodes) == []


@pytest.mark.usefixtures("no_sdk")
def test_without_sdks_it_is_said_how_to_get_them(bus: Bus) -> None:
    survey = find_cameras(bus.usb, bus.nodes)
    assert survey.cameras == ()
    for note, command in zip(survey.notes, ("pip install 'trilume[realsense]'", "pyorbbecsdk2"), strict=True):
        assert command in note
    bus.plug(1, "8086", "0b07", "Intel(R) RealSense(TM) Depth Camera 435")
    (camera,) = find_cameras(bus.usb, bus.nodes).cameras
    assert not camera.usable
    assert camera.problem == survey.notes[0]


@pytest.mark.usefixtures("no_sdk")
def test_a_camera_that_may_not_be_opened_names_the_rules(bus: Bus, monkeypatch: pytest.MonkeyPatch) -> None:
    bus.plug(1, "2bc5", "0800", "Orbbec Gemini 335")
    monkeypatch.setattr("os.access", lambda *_: False)  # root may open everything
    (camera,) = find_cameras(bus.usb, bus.nodes).cameras
    assert "no permission" in camera.problem
    assert udev.INSTALL in camera.problem


def test_libusb_is_named_where_it_is_missing(bus: Bus, monkeypatch: pytest.MonkeyPatch) -> None:
    def lacks(name: str) -> Any:
        raise ImportError("libusb-1.0.so.0: cannot open shared object file: No such file or directory")

    monkeypatch.setattr("drivers.realsense_sdk.importlib.import_module", lacks)
    monkeypatch.setitem(sys.modules, "pyorbbecsdk", None)
    assert "sudo apt install libusb-1.0-0" in find_cameras(bus.usb, bus.nodes).notes[0]


def test_a_camera_that_its_sdk_passes_over_is_listed_once(bus: Bus, monkeypatch: pytest.MonkeyPatch) -> None:
    bus.plug(1, "8086", "0b07", "Intel RealSense D435")
    bus.plug(2, "8086", "0b07", "Intel RealSense D435")
    bus.plug(3, "2bc5", "0800", "Orbbec Gemini 335")
    bus.plug(4, "2bc5", "0501", "colour camera of an Orbbec")
    for name in ("realsense_sdk.sdk", "orbbec_sdk.sdk", "realsense.connected", "orbbec.connected"):
        monkeypatch.setattr(f"drivers.{name}", lambda *_: None)
    seen = FoundCamera("RealSense", "D435", "1", product="0b07")
    orbbec = FoundCamera("Orbbec", "Gemini 335", "2", product="0800")
    monkeypatch.setattr(discovery, "realsense_cameras", lambda *_: [seen])
    monkeypatch.setattr(discovery, "orbbec_cameras", lambda *_: [orbbec])
    cameras = find_cameras(bus.usb, bus.nodes).cameras
    assert cameras[:2] == (seen, orbbec)
    assert [(c.maker, c.usable, "close whatever holds it" in c.problem) for c in cameras[2:]] == [
        ("RealSense", False, True)
    ]


def test_an_sdk_that_fails_does_not_hide_the_other(bus: Bus, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> Any:
        raise RuntimeError("backend is gone")

    monkeypatch.setattr("drivers.realsense_sdk.sdk", broken)
    monkeypatch.setattr("drivers.orbbec_sdk.sdk", lambda: None)
    monkeypatch.setattr("drivers.orbbec.connected", lambda _: list)
    assert find_cameras(bus.usb, bus.nodes).notes == ("RealSense: its SDK does not list cameras: backend is gone",)


@pytest.mark.sdk
def test_a_realsense_tells_its_modes_and_its_rig(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rs = pytest.importorskip("pyrealsense2", exc_type=ImportError)
    from tests.sdk.synthetic_realsense import COLOR_SIZE, DEPTH_SIZE, SyntheticD435, source_of

    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    device = SyntheticD435(rs)

    def look() -> FoundCamera:
        return discovery.realsense_cameras(rs, [device.device])[0]

    camera = look()
    assert (camera.name, camera.serial, camera.port, camera.uri) == (
        "Synthetic D435", "SYN0001", "USB 3.2", "realsense://SYN0001"
    )  # fmt: skip
    assert {(m.stream, m.width, m.height, m.rates) for m in camera.modes} == {
        ("color", *COLOR_SIZE, (15, 30)), ("depth", *DEPTH_SIZE, (15, 30)), ("infrared", *DEPTH_SIZE, (15, 30))
    }  # fmt: skip
    assert (camera.rig, camera.usable) == ("", True)

    source = source_of(device)
    source.open()
    source.close()
    path = rig_file("realsense-d435", "SYN0001")
    path.parent.mkdir(parents=True)
    assert source.rig.color is not None
    own = source.rig.model_copy(update={"color": source.rig.color.model_copy(update={"cx": source.rig.color.cx + 1.5})})
    path.write_text(own.model_dump_json())
    assert look().rig == str(path)
    again = source_of(SyntheticD435(rs))
    again.open()
    again.close()
    assert again.rig == own
    assert again.info.name.endswith("(calibrated)")

    path.write_text("{}")
    assert not look().usable
    assert str(path) in look().problem


@pytest.mark.sdk
def test_an_orbbec_tells_its_modes(tmp_path: Path) -> None:
    pytest.importorskip("rosbags.rosbag1")
    from tests.sdk.orbbec_recording import GEMINI_335, pictures, record

    try:
        ob = sdk()
    except SdkMissing as error:
        pytest.skip(str(error))
    path = record(tmp_path / "played.bag", GEMINI_335, pictures(GEMINI_335, 3))
    (camera,) = discovery.orbbec_cameras(ob, lambda: [("SYN0001", lambda: ob.PlaybackDevice(str(path)))])
    assert camera.problem == ""
    assert (camera.name, camera.firmware, camera.product) == ("Orbbec Gemini 335(Playback)", "1.4.60", "0800")
    assert ("depth", 424, 240) in {(m.stream, m.width, m.height) for m in camera.modes}

    def busy() -> Any:
        raise RuntimeError("device is busy: errno 16")

    (held,) = discovery.orbbec_cameras(ob, lambda: [("X", busy)])
    assert "close the program that holds it" in held.problem


def test_rules_are_found_where_udev_looks(tmp_path: Path) -> None:
    assert udev.ruled([tmp_path]) == {}
    (tmp_path / "10-other.rules").write_text('# "2bc5"\nATTR{idVendor}=="8086", MODE="0666"\n')
    assert udev.ruled([tmp_path]) == {}
    ours = tmp_path / udev.RULES_FILE.name
    ours.write_text(udev.RULES)
    assert udev.ruled([tmp_path]) == {"Orbbec": ours, "RealSense": ours}
    for rule in udev.RULES.splitlines():
        assert rule.startswith(("#", "SUBSYSTEM=="))
