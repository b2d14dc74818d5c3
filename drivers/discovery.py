"""Which cameras are plugged in, by the SDKs where they are installed and by the kernel where not."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Literal

from drivers import orbbec, orbbec_formats, orbbec_sdk, realsense, realsense_sdk, udev
from drivers.errors import CameraError, SdkMissing
from drivers.rigs import load_rig, rig_file

Maker = Literal["RealSense", "Orbbec"]

USB: Final = Path("/sys/bus/usb/devices")
NODES: Final = Path("/dev/bus/usb")

_ORBBEC: Final = "2bc5"
_INTEL: Final = "8086"
_HUB: Final = "09"  # some cameras hold one
_STREAMS: Final = ("color", "depth", "infrared")


@dataclass(frozen=True, slots=True)
class Mode:
    """A size of one stream and the rates it comes in, frames a second."""

    stream: str
    width: int
    height: int
    rates: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class FoundCamera:
    """A camera that is plugged in. `problem` says why it cannot be used and what to do; empty where it can.

    `rig` is the file of its own calibration where there is one, `product` the USB product number in hexadecimal.
    `serial`, `firmware` and `modes` are empty where nobody could ask the camera.
    """

    maker: Maker
    name: str
    serial: str = ""
    firmware: str = ""
    port: str = ""
    product: str = ""
    modes: tuple[Mode, ...] = ()
    rig: str = ""
    problem: str = ""

    @property
    def uri(self) -> str:
        """By which `open_source` opens it."""
        return f"{self.maker.lower()}://{self.serial}"

    @property
    def usable(self) -> bool:
        """Whether nothing was found that keeps it from being opened."""
        return not self.problem


@dataclass(frozen=True, slots=True)
class Survey:
    """What is plugged in, and what kept us from looking: an SDK that is missing and how to get it."""

    cameras: tuple[FoundCamera, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class UsbCamera:
    """A camera as the kernel lists it, whoever may open it."""

    maker: Maker
    name: str
    product: str
    port: str
    openable: bool


def find_cameras(usb: Path = USB, nodes: Path = NODES) -> Survey:
    """Every camera on this machine. Takes a second or two where Orbbec's SDK is installed; never raises CameraError."""
    listed = usb_cameras(usb, nodes)
    found: list[FoundCamera] = []
    notes: dict[Maker, str] = {}
    askers: tuple[tuple[Maker, Callable[[], list[FoundCamera]]], ...] = (
        ("RealSense", lambda: realsense_cameras(rs := realsense_sdk.sdk(), realsense.connected(rs))),
        ("Orbbec", lambda: orbbec_cameras(ob := orbbec_sdk.sdk(), orbbec.connected(ob))),
    )
    for maker, ask in askers:
        try:
            found += ask()
        except SdkMissing as error:
            notes[maker] = str(error)
        except Exception as error:  # of an SDK that is installed and does not work: the other one may
            notes[maker] = f"{maker}: its SDK does not list cameras: {error}"
    passed_over = [_passed_over(camera, notes) for camera in _unmatched(listed, found)]
    return Survey((*found, *passed_over), tuple(notes.values()))


def usb_cameras(usb: Path = USB, nodes: Path = NODES) -> list[UsbCamera]:
    """Cameras of both makers by Linux's sysfs: needs no SDK and opens nothing. Empty on other systems."""
    found = []
    for file in sorted(usb.glob("*/idVendor")):
        device, vendor = file.parent, _line(file)
        name = _line(device / "product")
        if _line(device / "bDeviceClass") == _HUB:
            continue
        if vendor == _ORBBEC:
            maker: Maker = "Orbbec"
        elif vendor == _INTEL and "realsense" in name.lower():
            maker = "RealSense"
        else:
            continue
        node = nodes / _line(device / "busnum").zfill(3) / _line(device / "devnum").zfill(3)
        product, port = _line(device / "idProduct"), _port(_line(device / "speed"))
        found.append(UsbCamera(maker, name or maker, product, port, os.access(node, os.R_OK | os.W_OK)))
    return found


def realsense_cameras(rs: Any, devices: Sequence[Any]) -> list[FoundCamera]:
    """RealSense devices as their SDK describes them."""
    return [_realsense(rs, device) for device in devices]


def _realsense(rs: Any, device: Any) -> FoundCamera:
    def told(key: str) -> str:
        return realsense_sdk.described(rs, device, key)

    camera = FoundCamera("RealSense", "RealSense")
    try:
        port = told("usb_type_descriptor")
        camera = FoundCamera(
            "RealSense", told("name") or "RealSense", told("serial_number"), told("firmware_version"),
            f"USB {port}" if port else "", told("product_id").lower(),
        )  # fmt: skip
        modes = _modes(_realsense_offers(rs, device))
    except RuntimeError as error:
        return replace(camera, problem=str(realsense_sdk.meaning(camera.name, error)))
    return _with_rig(replace(camera, modes=modes), realsense_sdk.sensor_key(camera.name))


def _realsense_offers(rs: Any, device: Any) -> Iterator[tuple[str, int, int, int]]:
    names = {rs.stream.color: "color", rs.stream.depth: "depth", rs.stream.infrared: "infrared"}
    for sensor in device.query_sensors():
        for profile in sensor.get_stream_profiles():
            if profile.is_video_stream_profile() and profile.stream_type() in names:
                video = profile.as_video_stream_profile()
                yield names[profile.stream_type()], video.width(), video.height(), video.fps()


def orbbec_cameras(ob: Any, cameras: orbbec.Cameras) -> list[FoundCamera]:
    """Orbbec's cameras as their SDK describes them; each is opened for it, and let go."""
    return [_orbbec(ob, serial, opened) for serial, opened in cameras()]


def _orbbec(ob: Any, serial: str, opened: Callable[[], Any]) -> FoundCamera:
    camera = FoundCamera("Orbbec", "Orbbec camera", serial)
    try:
        with orbbec_sdk.sdk_errors(f"orbbec://{serial}"):
            device = opened()
            about = device.get_device_info()
            camera = FoundCamera(
                "Orbbec", about.get_name(), serial, about.get_firmware_version(),
                str(about.get_connection_type()).replace("USB", "USB ").replace("  ", " "), f"{about.get_pid():04x}",
            )  # fmt: skip
            modes = _modes(_orbbec_offers(ob, device))
    except CameraError as error:
        return replace(camera, problem=str(error))
    return _with_rig(replace(camera, modes=modes), orbbec_formats.sensor_key(camera.name))


def _orbbec_offers(ob: Any, device: Any) -> Iterator[tuple[str, int, int, int]]:
    kinds = ob.OBSensorType
    names = {
        kinds.COLOR_SENSOR: "color", kinds.DEPTH_SENSOR: "depth", kinds.IR_SENSOR: "infrared",
        kinds.LEFT_IR_SENSOR: "infrared",
    }  # fmt: skip
    sensors = device.get_sensor_list()
    for index in range(sensors.get_count()):
        name = names.get(sensors.get_type_by_index(index))
        if name is None:
            continue
        for video in orbbec.videos(sensors.get_sensor_by_index(index).get_stream_profile_list()):
            yield name, video.get_width(), video.get_height(), video.get_fps()


def _modes(offers: Iterable[tuple[str, int, int, int]]) -> tuple[Mode, ...]:
    """Stream by stream, the largest picture first."""
    rates: dict[tuple[str, int, int], set[int]] = {}
    for stream, width, height, rate in offers:
        rates.setdefault((stream, width, height), set()).add(rate)
    order = sorted(rates, key=lambda key: (_STREAMS.index(key[0]), -key[1] * key[2], -key[1]))
    return tuple(Mode(*key, rates=tuple(sorted(rates[key]))) for key in order)


def _with_rig(camera: FoundCamera, sensor: str) -> FoundCamera:
    """With the file of its own rig; one that cannot be read keeps the camera from being opened."""
    if not camera.serial or not (path := rig_file(sensor, camera.serial)).exists():
        return camera
    try:
        load_rig(path)
    except CameraError as error:
        return replace(camera, rig=str(path), problem=str(error))
    return replace(camera, rig=str(path))


def _unmatched(listed: Sequence[UsbCamera], found: Sequence[FoundCamera]) -> list[UsbCamera]:
    """What the kernel lists and no SDK does. Parts of an Orbbec camera that are USB devices of their own do not count
    beside one that its SDK lists, unless they may not be opened."""
    left = sorted(listed, key=lambda camera: not camera.openable)  # an SDK lists what it may open
    for camera in found:
        match = next((each for each in left if (each.maker, each.product) == (camera.maker, camera.product)), None)
        if match is not None:
            left.remove(match)
    orbbec_works = any(camera.maker == "Orbbec" for camera in found)
    return [each for each in left if not (orbbec_works and each.maker == "Orbbec" and each.openable)]


def _passed_over(camera: UsbCamera, notes: dict[Maker, str]) -> FoundCamera:
    if not camera.openable:
        problem = f"no permission to open it: {udev.ADVICE}"
    else:
        problem = notes.get(camera.maker) or (
            "plugged in, but its SDK does not list it: close whatever holds it, or plug it in again"
        )
    return FoundCamera(camera.maker, camera.name, port=camera.port, product=camera.product, problem=problem)


def _port(speed: str) -> str:
    """Of sysfs' `speed`, in Mbit/s."""
    try:
        return "USB 3" if float(speed) >= 5000 else "USB 2"
    except ValueError:
        return ""


def _line(file: Path) -> str:
    try:
        return file.read_text(errors="replace").strip()
    except OSError:  # unplugged just now
        return ""
