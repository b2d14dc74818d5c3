"""The simulated cameras against measured ones: infrared on faces, noise of depth, what the face finder finds.

    python -P -m models.baselines.sensor_figures [--scenes 320] [--only infrared|depth|finder]

Every figure is of simulated data. Infrared is read as a camera with 8 bits would give it, on scenes at the reference
distance under the emitter alone; patches lie where the true face is, so that no face finder decides.
"""

from __future__ import annotations

import argparse
import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from calibration.projection import project
from drivers.frames import FrameSet
from drivers.simulated import sensor
from drivers.simulated.assets import template
from drivers.simulated.cast import Person
from drivers.simulated.mesh import Region, vertex_normals
from drivers.simulated.render import Canvas
from drivers.simulated.scenes import DISTANCE_M, Scene, render_frame, sample_scene
from drivers.simulated.sensor import PRESETS, Conditions
from models.datasets.simulated import streams
from models.errors import DatasetError, command
from models.options import count
from pipeline.faces import Face, FaceFinder, to_uint8

log = logging.getLogger(__name__)

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]

AT_M: Final = (0.3, 0.5, 0.8, 1.2)
MEASURED_MM: Final = {  # of depth's noise on a wall at `AT_M`; time of flight: a Kinect v2's .86 mm at .9 m, ∝ z
    "astra": (0.13, 0.36, 0.91, 2.1),
    "gemini335": (0.34, 0.94, 2.4, 5.4),
    "d435": (0.34, 0.94, 2.4, 5.4),
    "femto": (0.29, 0.48, 0.76, 1.15),
}
SHOWN: Final = ("live", "flat_print", "vinyl_banner", "screen_replay")

Places = tuple[tuple[float, float], ...]
# Where the measurement of cheek/chin read a face: x in distances of the eyes from its middle, on both sides, y from the
# eyes (0) to the mouth (1). They are the points 50, 101, 117, 118 and 123 (cheek) and 148, 152 and 176 (chin) of
# MediaPipe's face mesh. The chin's lie on the jaw's lower rim, where the face turns away from the camera.
CHEEK: Final[Places] = ((0.756, 0.475), (0.528, 0.360), (0.704, 0.271), (0.835, 0.239), (1.006, 0.451))
RIM: Final[Places] = ((0.0, 1.70), (0.205, 1.66), (0.366, 1.60))
_FACE_M: Final = 0.025  # the face's own vertices lie no further behind the mouth; the neck's do
_QUIET: Final = Conditions(
    infrared_exposure_ms=4.0, infrared_gain=1.0, color_exposure_ms=10.0, color_gain=1.0, color_scale=1.0,
    balance=(1.0, 1.0, 1.0), sharpen=0.5, blur_px=0.6, dots=False, dropout=0.0, noise=1.0, screen_return="plane",
    fixed=(17, 91),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Infrared:
    """Of one face, in counts of 0..255: the mean of a disc within the face, and how it falls off."""

    mean: float
    centre_edge: float
    cheek_chin: float


def infrared_of(frame_set: FrameSet, landmarks: F64, cheeks: F64, rim: F64) -> Infrared:
    """Infrared of a face of which places are known in pixels of the infrared picture: `landmarks` float64 [5, 2],
    points of the cheeks [n, 2] and of the chin's rim [m, 2], read as 3×3 pixels each.

    The disc reaches 1.05 distances of the eyes from the middle of the face; centre is within a third of its radius,
    edge its outermost sixth.
    """
    _, infrared, _ = streams(frame_set)
    picture = infrared.pixels.astype(np.float64) * (255.0 / infrared.white_level)
    eyes, mouth = landmarks[:2].mean(axis=0), landmarks[3:].mean(axis=0)
    radius = 1.05 * float(np.linalg.norm(landmarks[1] - landmarks[0]))
    rows, columns = np.mgrid[: picture.shape[0], : picture.shape[1]]
    distance = np.hypot(*(np.stack([columns, rows]) - (eyes + 0.28 * (mouth - eyes))[:, None, None]))

    def ring(inner: float, outer: float) -> float:
        return float(picture[(distance >= inner) & (distance <= outer)].mean())

    around = cv2.blur(picture, (3, 3))

    def at(places: F64) -> float:
        column, row = np.rint(places).astype(int).T
        return float(around[row, column].mean())

    return Infrared(ring(0, radius), ring(0, radius / 3) / ring(radius * 5 / 6, radius), at(cheeks) / at(rim))


def places_in(scene: Scene) -> F64:
    """The true landmarks at the start, in pixels of the infrared picture: float64 [5, 2]."""
    R, place = scene.motion.pose_at(0.0)
    return _projected(scene, scene.subject.landmarks(scene.motion.expression_at(0.0)) @ R.T + place)


def _projected(scene: Scene, points: NDArray[np.floating]) -> F64:
    camera = scene.rig.infrared
    assert camera is not None, "the simulated camera has infrared"
    return project(camera, points.astype(np.float64))


@lru_cache(maxsize=4)
def _vertices(places: Places) -> F32:
    """The neutral head's vertices at `places`, middle first, then both sides of each: float32 [n, 3]."""
    base = template()
    points = base.points[: base.count]
    eyes = np.array([base.points[eye].mean(axis=0) for eye in base.eyes])
    mouth = points[list(base.mouth_corners)].mean(axis=0)
    facing = vertex_normals(points, base.faces)[:, 2] < -0.1
    face = points[facing & (points[:, 2] < mouth[2] + _FACE_M) & ~base.ears]
    across, down = np.ptp(eyes[:, 0]), mouth[1] - eyes[:, 1].mean()
    wanted = eyes.mean(axis=0)[:2] + _both_sides(places) * [across, down]
    return np.stack([face[np.hypot(*(face[:, :2] - place).T).argmin()] for place in wanted])


def _both_sides(places: Places) -> F64:
    return np.array([(side * x, y) for x, y in places for side in ((1, -1) if x else (1,))])


def skin_in(scene: Scene, places: Places) -> F64:
    """Where `places` of the face are at the start, in pixels of the infrared picture: float64 [n, 2]. A living face's
    are points of its skin; those of a picture are found from its landmarks, for it is as good as flat.
    """
    R, centre = scene.motion.pose_at(0.0)
    expression = scene.motion.expression_at(0.0)
    if isinstance(scene.subject, Person):
        mesh = scene.subject.mesh(expression)
        index = [int(((mesh.canonical - vertex) ** 2).sum(axis=1).argmin()) for vertex in _vertices(places)]
        points = mesh.vertices[index]
    else:
        marks = scene.subject.landmarks(expression)
        eyes, mouth = marks[:2].mean(axis=0), marks[3:].mean(axis=0)
        points = eyes + _both_sides(places) @ np.stack([marks[1] - marks[0], mouth - eyes])
    return _projected(scene, points @ R.T + centre)


def frontal(species: str, count: int, distance_m: tuple[float, float]) -> Iterator[tuple[Scene, FrameSet]]:
    """Scenes of a species that hardly turn, over all presets, with their first frame."""
    for n in range(count):
        preset = tuple(PRESETS)[n % len(PRESETS)]
        scene = sample_scene(species, 70_000 + n, preset=preset, distance_range=distance_m, angle_deg=5.0)
        yield scene, render_frame(scene, 0.0, np.random.default_rng([n, 9]))


def infrared_table(count: int) -> Iterator[str]:
    """Lines: quartiles of each figure on living faces and on prints, in rooms without infrared of their own."""
    yield f"{'simulated infrared, 0.6 m':28} {'mean of 255':>18} {'centre/edge':>18} {'cheek/chin':>18}"
    for species in ("live", "vinyl_banner"):
        read = [
            infrared_of(frame_set, places_in(scene), skin_in(scene, CHEEK), skin_in(scene, RIM))
            for scene, frame_set in frontal(species, count, (0.58, 0.62))
            if scene.light in ("office", "dark") and not scene.conditions.dots
        ]
        cells = []
        for values in zip(*((r.mean, r.centre_edge, r.cheek_chin) for r in read), strict=True):
            low, middle, high = np.percentile(values, [25, 50, 75])
            cells.append(f"{low:6.2f} {middle:5.2f} {high:5.2f}".rjust(18))
        yield f"{species:20} n = {len(read):3d} {' '.join(cells)}"
    yield "measured on one person by one camera (irlume's self-tests, 2026): live 105–120, 1.26–1.49 and cheek/chin"
    yield "1.8–2.2 by the emitter alone, 2.6–3.5 in earlier sittings, from 1.7 with the head tilted; vinyl print 55–85,"
    yield "1.02–1.58, 1.3–1.6"


def depth_noise_mm(preset: str, z_m: float, frames: int = 2) -> float:
    """Noise of depth on a wall of skin's reflectance that faces the camera, in mm: its trend is taken out."""
    model = PRESETS[preset]
    camera = model.devices[0].depth
    canvas = Canvas.empty(camera, infrared=True)
    canvas.z_m[:], canvas.region[:] = z_m, int(Region.WALL)
    canvas.light[..., 0], canvas.light[..., 2] = 0.5 * (0.6 / z_m) ** 2, 0.5
    disparity, shadow = sensor.hidden(canvas, camera, model)
    spread = []
    for seed in range(frames):
        rng = np.random.default_rng(seed)
        counts = sensor.measure_depth(canvas, disparity, shadow, camera, model, _QUIET, rng)[150:330, 250:400]
        spread.append((counts[counts > 0] * model.depth_unit_m * 1000).std())
    return float(np.mean(spread))


def depth_table() -> Iterator[str]:
    """Lines: noise of each preset against a measured sensor's."""
    yield f"{'simulated depth noise, mm':28} " + " ".join(f"{z:>14.1f} m" for z in AT_M)
    for preset in PRESETS:
        pairs = zip((depth_noise_mm(preset, z) for z in AT_M), MEASURED_MM[preset], strict=True)
        yield f"{preset:28} " + " ".join(f"{ours:5.2f} of {real:4.2f}".rjust(16) for ours, real in pairs)


def found_at(faces: Sequence[Face], landmarks: F64) -> bool:
    """Whether a face was found where one is: its landmarks within a quarter of the distance of the eyes."""
    across = float(np.linalg.norm(landmarks[1] - landmarks[0]))
    return any(float(np.abs(face.landmarks - landmarks).mean()) < 0.25 * across for face in faces)


def finder_table(count: int, finder: FaceFinder) -> Iterator[str]:
    """Lines: share of frontal scenes in which the face finder finds the face, in colour and in infrared: lit evenly,
    and under the projector's dots.
    """
    yield f"{'simulated, face found':28} {'colour':>16} {'infrared, even':>16} {'infrared, dots':>16}"
    for species in SHOWN:
        many = count if species == "live" else max(count // 8, 4)
        in_colour: list[bool] = []
        even: list[bool] = []
        dotted: list[bool] = []
        missed = []
        for scene, frame_set in frontal(species, many, DISTANCE_M):
            color, infrared, _ = streams(frame_set)
            in_infrared = places_in(scene)
            picture = to_uint8(infrared.pixels, infrared.white_level)
            camera, to_color = frame_set.rig.color, scene.true_color
            assert camera is not None, "the simulated camera has colour"
            R, place = scene.motion.pose_at(0.0)
            points = scene.subject.landmarks(scene.motion.expression_at(0.0)) @ R.T + place
            in_color = project(camera, (points @ to_color.R.T + to_color.t).astype(np.float64))
            hits = found_at(finder.find(color.pixels), in_color), found_at(finder.find(picture), in_infrared)
            dots = scene.conditions.dots
            in_colour.append(hits[0])
            (dotted if dots else even).append(hits[1])
            if species == "live" and not all(hits):
                missed.append(f"{scene.seed} {scene.model.name} {scene.light} colour {hits[0]} infrared {hits[1]}")
        shares = (f"{np.mean(found):.1%} of {len(found)}" if found else "none" for found in (in_colour, even, dotted))
        yield f"{species:20} n = {many:3d} " + " ".join(share.rjust(16) for share in shares)
        yield from (f"  missed: scene {line}" for line in missed[:12])


@command
def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="models.baselines.sensor_figures", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--scenes", type=count, default=320, help="of living faces for the face finder")
    parser.add_argument("--only", choices=("infrared", "depth", "finder"), help="one of the tables")
    given = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    if given.scenes < 4:
        raise DatasetError("--scenes must be at least 4: one for each simulated camera")
    cv2.setNumThreads(1)
    tables: dict[str, Callable[[], Iterator[str]]] = {
        "depth": depth_table,
        "infrared": lambda: infrared_table(max(given.scenes // 4, 8)),
        "finder": lambda: finder_table(given.scenes, FaceFinder(threads=1)),
    }
    for name, table in tables.items():
        if given.only in (None, name):
            for line in table():
                log.info("%s", line)


if __name__ == "__main__":
    raise SystemExit(main())
