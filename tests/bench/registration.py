"""How well registration brings a simulated face onto colour, against where it really is.

    PYTHONPATH=. python -m tests.bench.registration

Landmarks: from the infrared picture through depth to colour, pixels off. Depth: millimetres off over the face. Depth
is rendered, without a sensor's noise, so that what is left is registration's own. Below them both SDKs' own
alignment: `tests.bench.beside_sdks`.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from calibration.projection import project
from calibration.rig import Extrinsics, Intrinsics, Rig
from drivers.carrying import carry_to_grid
from drivers.frames import FrameSet, Image
from drivers.registration import register
from drivers.simulated.presets import PRESETS
from drivers.simulated.render import Canvas, body, paint
from drivers.simulated.scenes import Scene, sample_scene, truth

UNIT_M = 0.0001
EDGE_PX = 5  # of the face's outline, where two surfaces meet in a pixel


def motion(x: float, y: float, z: float, turn_deg: float) -> Extrinsics:
    """A translation in metres and a turn about an oblique axis."""
    R, _ = cv2.Rodrigues(np.array([0.3, 1.0, -0.2]) * np.deg2rad(turn_deg))
    return Extrinsics.of(np.asarray(R, np.float64), np.array([x, y, z]))


DEPTH = Intrinsics(width=640, height=480, fx=579.0, fy=579.0, cx=319.5, cy=239.5)
COLOR = Intrinsics(
    width=640, height=480, fx=594.0, fy=592.0, cx=323.0, cy=237.0,
    model="brown_conrady", distortion=(0.06, -0.15, 0.0005, -0.0006, 0.0),
)  # fmt: skip
RIGS = {
    "astra preset": PRESETS["astra"].devices[0],
    "gemini335 preset": PRESETS["gemini335"].devices[0],
    "50 mm baseline, turned 2°": Rig(
        color=COLOR, depth=DEPTH, infrared=DEPTH.model_copy(update={"fx": 600.0, "fy": 601.0, "cx": 310.0}),
        depth_to_color=motion(-0.05, 0.004, 0.006, 2.0), infrared_to_color=motion(-0.044, -0.003, 0.002, 1.5),
    ),
    "strong distortion": Rig(
        color=COLOR.model_copy(update={"fx": 420.0, "fy": 420.0, "distortion": (-0.32, 0.14, 0.001, -0.0015, -0.03)}),
        depth=DEPTH.model_copy(update={"model": "brown_conrady", "distortion": (-0.2, 0.06, 0.001, 0.0, 0.0)}),
        infrared=DEPTH.model_copy(update={"model": "kannala_brandt4", "distortion": (-0.05, 0.02, 0.0, 0.0)}),
        depth_to_color=motion(-0.03, 0.001, 0.001, 0.7), infrared_to_color=motion(-0.03, 0.001, 0.001, 0.7),
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Accuracy:
    """Over several faces: of landmarks in pixels of colour, of depth in millimetres; `seen` of the face's pixels."""

    landmark_px: tuple[float, float]
    depth_mm: tuple[float, float]
    bias_mm: float
    seen: float
    ms: float


def measured(rig: Rig, seeds: Sequence[int] = range(6)) -> Accuracy:
    """Median and 95th percentile of the errors on the faces of `seeds`, and the median time of a whole picture."""
    pixels, depths, seen, times = [], [], [], []
    for seed in seeds:
        scene = sample_scene("live", seed, distance_range=(0.45, 0.8))
        scene = replace(scene, rig=rig, true_color=rig.depth_to_color)
        frame_set = rendered(scene)
        pixels.append(_landmarks_off(scene, frame_set))
        register(frame_set)  # compiles, fills caches
        begin_s = time.process_time()
        ours = register(frame_set).depth_mm
        times.append(time.process_time() - begin_s)
        face, true_mm = _face(scene)
        seen.append((ours[face] > 0).mean())
        depths.append((ours - true_mm)[face & (ours > 0)])
    px, mm = np.concatenate(pixels), np.concatenate(depths)
    return Accuracy(
        (float(np.median(px)), float(np.percentile(px, 95))),
        (float(np.median(np.abs(mm))), float(np.percentile(np.abs(mm), 95))),
        float(np.median(mm)),
        float(np.mean(seen)),
        1000 * float(np.median(times)),
    )


def rendered(scene: Scene) -> FrameSet:
    """The subject alone: exact depth, and colour and infrared that are of no concern here."""
    rig = scene.rig
    assert rig.color is not None
    assert rig.infrared is not None
    depth_m = _z_m(scene, rig.depth, Extrinsics())
    return FrameSet(
        sequence=0, host_time_s=0.0, rig=rig, depth_unit_m=UNIT_M,
        color=Image(np.zeros((*rig.color.shape, 3), np.uint8), 0.0),
        depth=Image(np.rint(depth_m / UNIT_M).astype(np.uint16), 0.0, white_level=65535.0),
        infrared=Image(np.zeros(rig.infrared.shape, np.uint8), 0.0),
    )  # fmt: skip


def _z_m(scene: Scene, camera: Intrinsics, to_camera: Extrinsics) -> NDArray[np.float32]:
    R, place = scene.motion.pose_at(0.0)
    mesh = scene.subject.mesh(scene.motion.expression_at(0.0)).transformed(R, place)
    canvas = Canvas.empty(camera, infrared=False)
    paint(canvas, body(mesh, scene.palette, scene.lamps), scene.subject.picture, camera, to_camera, scene.lamps)
    return canvas.z_m


def _landmarks_off(scene: Scene, frame_set: FrameSet) -> NDArray[np.float64]:
    """Pixels between where landmarks of the infrared picture are carried to and where they are in colour."""
    rig = scene.rig
    assert rig.color is not None
    assert rig.infrared is not None
    in_color = truth(scene, 0.0).landmarks_m.astype(np.float64)
    back = rig.infrared_to_color.inverse()
    in_infrared = project(rig.infrared, in_color @ back.R.T + back.t).astype(np.float32)
    carried = carry_to_grid(frame_set, in_infrared)
    assert carried is not None, "the landmarks lie on the face"
    off: NDArray[np.float64] = np.linalg.norm(carried - project(rig.color, in_color), axis=1)
    return off


def _face(scene: Scene) -> tuple[NDArray[np.bool_], NDArray[Any]]:
    """(pixels of colour well inside the landmarks' surroundings, their true Z in millimetres)."""
    camera = scene.rig.color
    assert camera is not None
    true_mm = _z_m(scene, camera, scene.true_color) * 1000
    marks = project(camera, truth(scene, 0.0).landmarks_m.astype(np.float64))
    span = float(np.linalg.norm(marks[1] - marks[0]))
    middle = marks.mean(axis=0)
    v, u = np.mgrid[: camera.height, : camera.width]
    near = np.hypot((u - middle[0]) / span, (v - middle[1]) / (1.2 * span)) < 1.0
    whole = cv2.erode((true_mm > 0).astype(np.uint8), np.ones((2 * EDGE_PX + 1,) * 2, np.uint8)) > 0
    low, high = (op(true_mm, np.ones((3, 3), np.uint8)) for op in (cv2.erode, cv2.dilate))
    return near & whole & (high - low < 6.0), true_mm  # folds that hide a surface from one camera are left out


def table(accuracies: dict[str, Accuracy]) -> list[str]:
    """Lines of text, the heading first."""
    lines = ["rig (simulated)             landmarks px   depth mm       bias mm  seen    CPU ms a frame"]
    for name, a in accuracies.items():
        lines.append(
            f"{name:27s} {a.landmark_px[0]:.3f} / {a.landmark_px[1]:.3f}  {a.depth_mm[0]:.3f} / {a.depth_mm[1]:.3f}  "
            f"{a.bias_mm:+.3f}   {100 * a.seen:5.1f} % {a.ms:5.1f}"
        )
    return lines


if __name__ == "__main__":
    from tests.bench.beside_sdks import compared

    print("\n".join(table({name: measured(rig) for name, rig in RIGS.items()})), "\nmedian / 95th percentile\n")
    for line in compared():
        print(line, flush=True)
