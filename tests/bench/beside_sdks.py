"""Registration beside the alignment of the cameras' own SDKs: how far both agree, and the time of each, in one run.

    PYTHONPATH=. python -m tests.bench.beside_sdks

Depth of a simulated person goes through librealsense's software device to `rs.align`, and through recordings written as
Orbbec's cameras write them to `AlignFilter`. Orbbec's runs in a process of its own, and so does registration beside
it: the filter can end the process, see `COARSE_FEMTO`.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from calibration.rig import Extrinsics, Intrinsics
from drivers.errors import SdkMissing
from drivers.frames import FrameSet, Image
from drivers.orbbec_bag import OrbbecBag
from drivers.orbbec_formats import intrinsics
from drivers.realsense_sdk import Chosen, rig_of
from drivers.registration import register
from drivers.simulated.scenes import sample_scene
from tests.bench.registration import rendered
from tests.sdk.orbbec_recording import ASTRA_2, FEMTO_BOLT, GEMINI_335, Model, pictures, record

SIZE = (640, 480)
UNIT_M = 0.001
WALL_MM = 1500.0  # behind the person, so that there are edges to stay away from
EDGE_MM = 12.0  # between a pixel's neighbours: more is an edge
EDGE_PX = 4
TIMES = 40

_BROWN = (0.06, -0.08, 0.02, 0, 0, 0, 5e-4, -8e-4)
_RATIONAL = (0.4, -0.3, 0.04, 0.35, -0.22, 0.03, 1e-4, -1e-4)
ORBBEC = (
    replace(
        ASTRA_2, infrared_mirrored=False, distortion=_BROWN,
        streams={"depth": ("Y16", 640, 480, 16), "color": ("RGB", 640, 480, 0)},
        lenses={"depth": (580.0, 580.0, 319.4, 240.3), "color": (612.0, 611.0, 321.7, 238.2)},
    ),
    replace(
        GEMINI_335, distortion=_RATIONAL,
        streams={"depth": ("Z16", 848, 480, 16), "color": ("RGB", 1280, 720, 0)},
        lenses={"depth": (425.0, 425.0, 423.6, 240.1), "color": (690.0, 691.0, 641.2, 358.9)},
    ),
    replace(
        FEMTO_BOLT, distortion=_RATIONAL,
        streams={"depth": ("Y16", 640, 576, 16), "color": ("RGB", 1280, 720, 0)},
        lenses={"depth": (504.5, 504.6, 321.0, 334.1), "color": (746.0, 745.6, 637.5, 361.2)},
    ),
)  # fmt: skip
COARSE_FEMTO = replace(
    ORBBEC[2], name="Orbbec Femto Bolt, colour coarser than depth",
    streams={"depth": ("Y16", 640, 576, 16), "color": ("RGB", 640, 360, 0)},
    lenses={"depth": (504.5, 504.6, 321.0, 334.1), "color": (373.0, 372.8, 318.5, 180.3)},
)  # fmt: skip
"""What `AlignFilter` cannot stand: for the Femto models it works on the colour grid shrunk by the ratio of both focal
lengths, in a buffer of the grid's own size. With a colour lens of fewer pixels a radian than depth's the grid grows
instead, and it writes past the buffer (OrbbecSDK 2.9.3, `AlignImpl::D2C`). No colour profile of these cameras is so
coarse; other models are not scaled. Registration takes it like any other."""


@dataclass(frozen=True, slots=True, eq=False)
class Beside:
    """Depth on the colour grid in millimetres float [H, W], 0 = none, by registration and by an SDK, in the same
    camera's Z. Milliseconds of processor time of registration's whole picture, of the SDK's, and of registration's
    middle, as large as a face: what a verdict needs. `failure`: why the SDK gave none."""

    name: str
    ours_mm: NDArray[Any]
    theirs_mm: NDArray[Any]
    ms: tuple[float, float, float] = (0.0, 0.0, 0.0)
    failure: str = ""


def agreement(ours_mm: NDArray[Any], theirs_mm: NDArray[Any]) -> tuple[float, float]:
    """(share of the pixels away from edges on which both agree within 1 px and 1 mm, share that was compared)."""
    square = np.ones((3, 3), np.uint8)
    theirs, ours = theirs_mm.astype(np.float32), ours_mm.astype(np.float32)
    low, high = cv2.erode(theirs, square), cv2.dilate(theirs, square)
    spread = cv2.dilate(ours, square) - cv2.erode(ours, square)
    flat = (ours > 0) & (low > 0) & (spread < EDGE_MM) & (high - low < EDGE_MM)
    inside = cv2.erode(flat.astype(np.uint8), np.ones((2 * EDGE_PX + 1,) * 2, np.uint8)) > 0
    within = (ours >= low - 1) & (ours <= high + 1)
    return float(within[inside].mean()) if inside.any() else 0.0, float(inside.mean())


def person(depth: Intrinsics, unit_m: float = UNIT_M) -> NDArray[np.uint16]:
    """Depth counts of a simulated person before a wall, seen by a depth camera."""
    scene = sample_scene("live", 3, distance_range=(0.6, 0.6))
    rig = scene.rig.model_copy(update={"depth": depth, "depth_to_color": Extrinsics()})
    frame_set = rendered(replace(scene, rig=rig, true_color=Extrinsics()))
    assert frame_set.depth is not None
    z_mm = 1000 * frame_set.depth_unit_m * frame_set.depth.pixels
    return np.rint(np.where(z_mm > 0, z_mm, WALL_MM) / (1000 * unit_m)).astype(np.uint16)


def timed(frame_set: FrameSet, aligned: Callable[[], object]) -> tuple[float, float, float]:
    """`Beside.ms`, the fewest of each, taken in turn: waiting for a busy machine is not counted."""
    only = replace(frame_set, infrared=None)
    width, height = only.rig.grid.width, only.rig.grid.height
    face = (0.35 * width, 0.2 * height, 0.3 * width, 0.5 * height)
    works = (lambda: register(only), aligned, lambda: register(only, face))
    for work in works:  # compiles, fills caches
        work()
    times: tuple[list[float], ...] = ([], [], [])
    for _ in range(TIMES):
        for work, taken in zip(works, times, strict=True):
            begin_s = time.process_time()
            work()
            taken.append(1000 * (time.process_time() - begin_s))
    whole, theirs, part = (min(taken) for taken in times)
    return whole, theirs, part


# -- librealsense -----------------------------------------------------------------------------------------------------


def lens_of(rs: Any, focal: float, coefficients: tuple[float, ...]) -> Any:
    """`rs.intrinsics` of a lens as colour of the D400 has it."""
    made = rs.intrinsics()
    made.width, made.height = SIZE
    made.fx, made.fy, made.ppx, made.ppy = focal, focal * 1.002, SIZE[0] / 2 - 0.7, SIZE[1] / 2 + 0.4
    made.model, made.coeffs = rs.distortion.inverse_brown_conrady, list(coefficients)
    return made


class Device:
    """Depth and colour of the SDK's software device."""

    def __init__(self, rs: Any, turn: Extrinsics) -> None:
        self.rs, self.device = rs, rs.software_device()
        self.sensors = [self.device.add_sensor(name) for name in ("Stereo Module", "RGB Camera")]
        self.sensors[0].add_read_only_option(rs.option.depth_units, UNIT_M)
        self.profiles = [
            self._profile(0, rs.stream.depth, rs.format.z16, 2, lens_of(rs, 580.0, (0.0,) * 5)),
            self._profile(1, rs.stream.color, rs.format.rgb8, 3, lens_of(rs, 610.0, (0.05, -0.06, 1e-3, -5e-4, 0.01))),
        ]
        motion = rs.extrinsics()
        motion.rotation, motion.translation = turn.R.T.ravel().tolist(), turn.t.tolist()
        self.profiles[0].register_extrinsics_to(self.profiles[1], motion)

    def _profile(self, sensor: int, kind: Any, form: Any, bpp: int, lens: Any) -> Any:
        video = self.rs.video_stream()
        video.type, video.index, video.fmt, video.bpp, video.fps, video.uid = kind, 0, form, bpp, 30, 1 + sensor
        video.width, video.height, video.intrinsics = *SIZE, lens
        return self.sensors[sensor].add_video_stream(video, True)

    def frames(self, depth: NDArray[np.uint16]) -> Any:
        """A set of the SDK's with both streams."""
        rs, syncer = self.rs, self.rs.syncer()
        both = (depth, np.zeros((SIZE[1], SIZE[0], 3), np.uint8))
        for sensor, profile in zip(self.sensors, self.profiles, strict=True):
            sensor.open([profile])
            sensor.start(syncer)
        for number in range(1, 9):  # the first sets may lack a stream
            for sensor, profile, pixels in zip(self.sensors, self.profiles, both, strict=True):
                frame = rs.software_video_frame()
                frame.bpp = 2 if pixels.ndim == 2 else 3
                frame.stride = SIZE[0] * frame.bpp
                frame.timestamp, frame.domain = number * 33.3, rs.timestamp_domain.hardware_clock
                frame.frame_number, frame.depth_units = number, UNIT_M
                frame.profile, frame.pixels = profile.as_video_stream_profile(), pixels
                sensor.on_video_frame(frame)
            frames = syncer.wait_for_frames(1000)
            if frames.size() == 2:
                break
        for sensor in self.sensors:
            sensor.stop()
            sensor.close()
        return frames


def beside_realsense(baseline_m: float) -> Beside:
    """`rs.align` and registration, compared in the depth camera's Z, which the SDK keeps. Raises ImportError."""
    import pyrealsense2 as rs

    R, _ = cv2.Rodrigues(np.deg2rad([0.3, 1.2, -0.2]))
    device = Device(rs, Extrinsics.of(np.asarray(R), np.array([baseline_m, 0.0002, -0.0003])))
    depth_stream, color_stream = (
        Chosen(sensor, profile.as_video_stream_profile())
        for sensor, profile in zip(device.sensors, device.profiles, strict=True)
    )
    rig = rig_of(rs, {"depth": depth_stream, "color": color_stream}, "bench")
    depth = person(rig.depth)
    black = Image(np.zeros((SIZE[1], SIZE[0], 3), np.uint8), 0.0)
    frame_set = FrameSet(0, 0.0, black, Image(depth, 0.0, white_level=65535.0), None, UNIT_M, rig)
    frames, align = device.frames(depth), rs.align(rs.stream.color)
    ms = timed(frame_set, lambda: align.process(frames))
    ours = register(frame_set)
    theirs = np.array(align.process(frames).get_depth_frame().get_data()) * (1000 * UNIT_M)
    back = rig.depth_to_color.inverse()
    points = np.concatenate([ours.rays, np.ones((*ours.depth_mm.shape, 1))], axis=2) * ours.depth_mm[..., None]
    z_mm = np.where(ours.depth_mm > 0, points @ back.R[2] + 1000 * back.t[2], 0.0)
    return Beside(f"rs.align, {1000 * baseline_m:.0f} mm baseline", z_mm, theirs, ms)


# -- Orbbec's SDK -----------------------------------------------------------------------------------------------------


def beside_orbbec(model: Model, depth: NDArray[np.uint16] | None = None) -> Beside:
    """`AlignFilter` and registration on a recording of a simulated person, or of other depth counts."""
    name = f"AlignFilter, {model.name}"
    none = np.zeros((0, 0))
    seen = _seen(model) if depth is None else depth
    with tempfile.TemporaryDirectory() as made:
        path, out = Path(made) / "a.bag", Path(made) / "both.npz"
        record(path, model, [{**each, "depth": (seen, seen.tobytes())} for each in pictures(model, 12)])
        command = [sys.executable, "-m", "tests.bench.beside_sdks", str(path), str(out)]
        ran = subprocess.run(command, capture_output=True, text=True, timeout=180, check=False)
        if ran.returncode:
            said = (ran.stderr.strip().splitlines() or [f"exit code {ran.returncode}"])[-1]
            return Beside(name, none, none, failure=f"the filter ended its process: {said}")
        both = np.load(out)
        return Beside(name, both["ours"], both["theirs"], tuple(both["ms"].tolist()))


def _seen(model: Model) -> NDArray[np.uint16]:
    _, width, height, _ = model.streams["depth"]
    camera = intrinsics((width, height), model.lenses["depth"], model.distortion, model.lens)
    return person(camera, {ASTRA_2.pid: 0.0002, GEMINI_335.pid: 0.0001}.get(model.pid, 0.001))


def aligned_by_both(path: Path, out: Path) -> None:
    """What the process of its own does: writes `ours` and `theirs` in millimetres and `ms` of both."""
    from drivers.orbbec_sdk import sdk

    ob = sdk()
    pipeline, config = ob.Pipeline(ob.PlaybackDevice(str(path))), ob.Config()
    for kind in (ob.OBSensorType.COLOR_SENSOR, ob.OBSensorType.DEPTH_SENSOR):
        config.enable_stream(pipeline.get_stream_profile_list(kind).get_stream_profile_by_index(0))
    config.set_frame_aggregate_output_mode(ob.OBFrameAggregateOutputMode.FULL_FRAME_REQUIRE)
    pipeline.enable_frame_sync()
    pipeline.start(config)
    frames = next(found for found in (pipeline.wait_for_frames(200) for _ in range(50)) if found is not None)
    align = ob.AlignFilter(ob.OBStreamType.COLOR_STREAM)
    align.set_config_value("TargetDistortion", 1)  # else the grid is colour's without its distortion
    with closing(OrbbecBag(path)) as bag:
        frame_set = bag.frame(1)
    pipeline.stop()  # its threads would count
    ms = timed(frame_set, lambda: align.process(frames))
    depth = align.process(frames).as_frame_set().get_depth_frame()
    pixels = np.frombuffer(depth.get_data(), np.uint16).reshape(depth.get_height(), depth.get_width())
    np.savez(out, ours=register(frame_set).depth_mm, theirs=pixels * depth.get_depth_scale(), ms=ms)


def compared() -> Iterator[str]:
    """Lines of text, the heading first; what needs an SDK that is not here says so."""
    yield "depth on colour (simulated person)              within 1 px, 1 mm  of picture  CPU ms: ours   SDK ours, face"
    works: list[Callable[[], Beside]] = [lambda b=b: beside_realsense(b) for b in (0.015, 0.05)]  # type: ignore[misc]
    works += [lambda m=m: beside_orbbec(m) for m in (*ORBBEC, COARSE_FEMTO)]  # type: ignore[misc]
    for work in works:
        try:
            beside = work()
        except (ImportError, SdkMissing) as error:
            yield f"left out: {error}"
            continue
        if beside.failure:
            yield f"{beside.name}: {beside.failure}"
            continue
        share, part = agreement(beside.ours_mm, beside.theirs_mm)
        whole, theirs, face = beside.ms
        figures = f"{100 * share:9.2f} %      {100 * part:5.0f} %  {whole:12.1f} {theirs:5.1f} {face:11.1f}"
        yield f"{beside.name:48s} {figures}"


if __name__ == "__main__":
    if len(sys.argv) == 3:
        aligned_by_both(Path(sys.argv[1]), Path(sys.argv[2]))
    else:
        for line in compared():
            print(line, flush=True)
