"""Scenes: a species before a simulated camera, drawn once from seeds, and the frame sets that it delivers.

Everything that is not the species itself (room, light, pose, distance, exposure, noise, camera) comes from one
distribution for living faces and attacks alike: what can be learnt from it is nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from calibration.rig import Extrinsics, Intrinsics, Rig
from drivers.frames import FrameSet, Image
from drivers.simulated.bystanders import Bystander, farther, sample_bystanders
from drivers.simulated.cast import NO_PICTURE, Subject, sample_subject
from drivers.simulated.figures import Figure, Posed, draw_all
from drivers.simulated.makeup import with_makeup
from drivers.simulated.materials import NIR, Palette
from drivers.simulated.mesh import Mesh, rotation
from drivers.simulated.motion import Motion, sample_motion
from drivers.simulated.render import Body, Canvas, body, joined, paint
from drivers.simulated.room import Light, aimed, sample_lamps, sample_light, sample_room
from drivers.simulated.sensor import (
    REFERENCE_EXPOSURE_MS,
    Conditions,
    SensorModel,
    expose_color,
    expose_infrared,
    hidden,
    measure_depth,
    sensor_model,
)
from drivers.simulated.shading import REFERENCE_M, Lamp
from drivers.simulated.species import Difficulty, Species, parse_species
from drivers.simulated.window import Window

F32 = NDArray[np.float32]
Rng = np.random.Generator

DISTANCE_M: Final = (0.35, 0.9)
DOTS_SHARE: Final = 0.3
EMITTER_TOLERANCE: Final = 0.05  # of its power from specimen to specimen, as a logarithm's deviation
BALANCE: Final = (0.92, 1.08)  # of red and of blue, left by the colour camera's white balance
_FACE_HALF_M: Final = 0.06  # what exposure is metered on
_METERING: Final = 8  # pixels of the picture a side of one that is metered
_WINDOW_EYES: Final = 2.1  # half side of a window in distances of the eyes: 1.4 canonical squares
_SMALLEST_EYES_M: Final = 0.04
_NOMINAL_SHARE: Final = 0.43  # of the infrared white level: skin at the reference distance and exposure


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """All that is fixed while a scene lasts.

    `rig` is what the camera says of itself, `true_color` the motion depth → colour that it really has: no calibration
    is exact. `brightness` of the room, 1 = an office; `color_target` the face's wanted median, sRGB 0..255.
    `bystanders` are people beside the subject or in the room behind it.
    """

    species: Species
    seed: int
    subject_id: str
    instrument_id: str
    model: SensorModel
    rig: Rig
    true_color: Extrinsics
    subject: Subject
    palette: Palette
    motion: Motion
    light: Light
    lamps: F32
    brightness: float
    color_target: float
    room: tuple[tuple[Mesh, Palette], ...]
    conditions: Conditions
    bystanders: tuple[Bystander, ...] = ()

    @property
    def is_attack(self) -> bool:
        """False for a living face."""
        return self.species != "live"

    @property
    def skin_type(self) -> int:
        """Fitzpatrick type 1..6 of who is seen, wears the mask or is pictured."""
        return self.palette.skin_type


@dataclass(frozen=True, slots=True, eq=False)
class Truth:
    """What really was before the camera, in the true colour camera's frame: landmarks float32 [5, 3] metres (eyes,
    nose tip, mouth corners, image left first), R float64 [3, 3] and t float64 [3] of the head.
    """

    landmarks_m: F32
    R: NDArray[np.float64]
    t: NDArray[np.float64]


def sample_scene(
    species: str,
    seed: int,
    *,
    identity_seed: int | None = None,
    instrument_seed: int | None = None,
    preset: str = "astra",
    distance_range: tuple[float, float] = DISTANCE_M,
    angle_deg: float = 12.0,
    difficulty: Difficulty = Difficulty(),  # noqa: B008  frozen
    exposure: float = 1.0,
    bystanders: int = 0,
    beside: bool = False,
) -> Scene:
    """Draws a scene. The same arguments give the same scene.

    `identity_seed` decides who is seen (alive, in the mask, on the picture), `instrument_seed` which print, screen or
    mask: pools of both can be kept apart. `distance_range` in metres, `angle_deg` bounds yaw and pitch. `exposure` is
    a factor on the infrared exposure that the camera would choose; it tells the one it used. `bystanders` people stand
    in the room behind the subject, `beside` one at its side. Raises NotFound for an unknown species or preset.
    """
    kind, model = parse_species(species), sensor_model(preset)
    who = seed if identity_seed is None else identity_seed
    which = seed if instrument_seed is None else instrument_seed
    person, instrument = np.random.default_rng([1, who]), np.random.default_rng([2, which])
    nuisance, cast = np.random.default_rng([3, seed]).spawn(2)
    subject, palette = sample_subject(kind, person, instrument, cast, difficulty)
    palette = with_makeup(palette, np.random.default_rng([5, seed]))
    motion = sample_motion(nuisance, subject.moves, distance_m=distance_range, angle_deg=angle_deg)
    rig = model.devices[nuisance.integers(len(model.devices))]
    dots = bool(nuisance.random() < DOTS_SHARE) and model.has_dots
    aside = nuisance.choice([-0.022, 0.018])
    power = float(np.exp(nuisance.normal(0.0, EMITTER_TOLERANCE)))
    light = sample_light(nuisance)
    gain = rig.radiometric.gain if rig.radiometric else 1.0
    lamps, brightness = sample_lamps(nuisance, model.baseline_m if dots else aside, power, light)
    lamps = aimed(nuisance, lamps)
    scene = Scene(
        species=kind,
        seed=seed,
        subject_id=f"sim-person-{who}",
        instrument_id="" if kind == "live" else f"sim-{kind.replace('_', '')}-{which}",
        model=model,
        rig=rig,
        true_color=_miscalibrated(rig.depth_to_color, nuisance),
        subject=subject,
        palette=palette,
        motion=motion,
        light=light,
        lamps=lamps,
        brightness=brightness,
        color_target=float(nuisance.uniform(90, 150)),
        room=tuple(sample_room(nuisance, palette, float(motion.centre[5]))),
        conditions=_sample_conditions(
            nuisance, float(motion.centre[5]), dots, exposure / gain, float(lamps[1, Lamp.POWER + NIR]) / gain
        ),
    )
    people = sample_bystanders(seed, motion, bystanders, beside)
    return replace(scene, bystanders=people, room=farther(scene.room, people)) if people else scene


def _miscalibrated(motion: Extrinsics, rng: Rng) -> Extrinsics:
    """A fraction of a degree and of a millimetre off: up to some 2 px."""
    turn, _ = cv2.Rodrigues(np.deg2rad(rng.normal(0.0, 0.05, 3)))
    return Extrinsics.of(np.asarray(turn, np.float64) @ motion.R, motion.t + rng.normal(0.0, 0.0004, 3))


def _sample_conditions(rng: Rng, distance_m: float, dots: bool, factor: float, ambient: float) -> Conditions:
    """Infrared exposure is set for skin at the subject's distance, whatever stands there, under the emitter and the
    `ambient` infrared of the key lamp; colour's is metered later.
    """
    needed = rng.uniform(0.36, 0.50) / _NOMINAL_SHARE * (distance_m / REFERENCE_M) ** 2 * REFERENCE_EXPOSURE_MS
    needed *= factor / (1 + 0.6 * ambient * (distance_m / REFERENCE_M) ** 2)
    exposure = float(np.clip(needed, 0.5, rng.uniform(6.0, 12.0)))
    return Conditions(
        infrared_exposure_ms=exposure,
        infrared_gain=float(np.clip(needed / exposure, 1.0, 4.0)),
        color_exposure_ms=10.0,
        color_gain=1.0,
        color_scale=1.0,
        balance=(float(rng.uniform(*BALANCE)), 1.0, float(rng.uniform(*BALANCE))),
        sharpen=float(rng.uniform(0.3, 1.0)),
        blur_px=float(rng.uniform(0.45, 0.8)),
        dots=dots,
        dropout=float(rng.uniform(0.0, 0.01)),
        noise=float(rng.uniform(0.8, 1.3)),
        screen_return=str(rng.choice(["hole", "plane", "blobs"], p=[0.6, 0.3, 0.1])),
        fixed=(int(rng.integers(512)), int(rng.integers(512))),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _View:
    """One camera before a scene: `motion` leads to it from the depth camera; `behind` is the room in its `window`."""

    camera: Intrinsics
    motion: Extrinsics
    window: Window
    behind: Canvas

    def painted(self, scene: Scene, subject: Posed, others: Sequence[Posed] = ()) -> Canvas:
        """Everybody before the room."""
        canvas = self.behind.copy()
        draw_all(canvas, subject, others, self.camera, self.motion, scene.lamps)
        return canvas


class Stage:
    """A scene with what need not be drawn anew for each frame: the room, the sky's shadows, colour exposure.

    `windowed`: only the region round the face is rendered; the rest of each picture is zero. Owned by one thread.
    """

    def __init__(self, scene: Scene, windowed: bool = False) -> None:
        self._scene = scene
        color = scene.rig.color
        assert color is not None, "every preset has a colour camera"
        self._subject = Figure(scene.subject, scene.palette, scene.motion, scene.lamps)
        self._others = [Figure(who.subject, who.palette, who.motion, scene.lamps) for who in scene.bystanders]
        room = joined([body(shape, palette, scene.lamps[:0]) for shape, palette in scene.room])
        self._color = _view(scene, room, color, scene.true_color, infrared=False, windowed=windowed)
        self._depth = _view(scene, room, scene.rig.depth, Extrinsics(), infrared=True, windowed=windowed)
        self.conditions = _metered(scene, color, room, self._subject.at(0.0), [who.at(0.0) for who in self._others])

    def frame(self, t: float, rng: Rng, sequence: int = 0) -> FrameSet:
        """The frame set at time `t` in seconds; `rng` draws its noise."""
        scene, conditions = self._scene, self.conditions
        subject, others = self._subject.at(t), [who.at(t) for who in self._others]
        model, window = scene.model, self._depth.window
        color, depth = (view.painted(scene, subject, others) for view in (self._color, self._depth))
        camera = window.cut(self._depth.camera)
        disparity, shadow = hidden(depth, camera, model)
        counts = measure_depth(depth, disparity, shadow, camera, model, conditions, rng)
        law = scene.rig.radiometric
        assert law is not None, "every preset is calibrated"
        infrared = expose_infrared(depth, disparity, shadow, camera, model, conditions, rng, law)
        picture = self._color.window.placed(expose_color(color, conditions, rng), self._color.camera)
        counts, infrared = (window.placed(part, self._depth.camera) for part in (counts, infrared))
        late = 0.004 + 0.001 * (scene.seed % 7)
        return FrameSet(
            sequence=sequence,
            host_time_s=t + 0.030,
            color=Image(picture, t + late, conditions.color_exposure_ms, conditions.color_gain),
            depth=Image(counts, t, white_level=65535.0, emitter_on=True),
            infrared=Image(
                infrared, t, conditions.infrared_exposure_ms, conditions.infrared_gain, True, model.white_level
            ),
            depth_unit_m=model.depth_unit_m,
            rig=scene.rig,
        )  # fmt: skip


def _view(
    scene: Scene, room: Body, camera: Intrinsics, motion: Extrinsics, *, infrared: bool, windowed: bool
) -> _View:  # fmt: skip
    window = _face_window(scene, camera, motion) if windowed else Window.whole(camera)
    return _View(camera, motion, window, _behind(scene, room, camera, motion, window, infrared))


def _face_window(scene: Scene, camera: Intrinsics, motion: Extrinsics) -> Window:
    """Holds the canonical square of the face, with a margin, wherever the subject sways."""
    places = scene.subject.landmarks(scene.motion.expression_at(0.0))
    eyes, mouth = places[:2].mean(axis=0), places[3:].mean(axis=0)
    spans = np.linalg.norm([places[1] - places[0], (mouth - eyes) / 1.1], axis=1)
    across = max(float(spans.max()), _SMALLEST_EYES_M)
    yaw, pitch, roll, *place = scene.motion.centre
    centre = rotation(yaw, pitch, roll) @ (eyes + 0.28 * (mouth - eyes)) + place
    sway = np.abs(scene.motion.amplitude[3:]).sum(axis=1)
    return Window.around(camera, motion, centre - [0, 0, sway[2]], _WINDOW_EYES * across + float(sway[:2].max()))


def _behind(
    scene: Scene, room: Body, camera: Intrinsics, motion: Extrinsics, window: Window, infrared: bool
) -> Canvas:  # fmt: skip
    """The room at half resolution, out of focus."""
    half = _scaled(camera, 2)
    part = Window(window.left // 2, window.top // 2, window.width // 2, window.height // 2)
    small = Canvas.empty(half, infrared, part)
    paint(small, room, NO_PICTURE, half, motion, scene.lamps)
    size = (window.width, window.height)
    return Canvas(
        np.asarray(cv2.resize(small.light, size, interpolation=cv2.INTER_LINEAR), np.float32),
        np.asarray(cv2.resize(small.z_m, size, interpolation=cv2.INTER_NEAREST), np.float32),
        np.asarray(cv2.resize(small.region, size, interpolation=cv2.INTER_NEAREST), np.int16),
        window.left,
        window.top,
    )


def _metered(scene: Scene, color: Intrinsics, room: Body, subject: Posed, others: Sequence[Posed]) -> Conditions:
    """Colour exposure from a picture at an eighth of the resolution: mostly for the face, with an eye on the room."""
    camera = _scaled(color, _METERING)
    canvas = Canvas.empty(camera, infrared=False)
    paint(canvas, room, NO_PICTURE, camera, scene.true_color, scene.lamps)
    for figure in (*others, subject):
        paint(canvas, figure.body, figure.picture, camera, scene.true_color, scene.lamps)
    x, y, z = scene.true_color.R @ scene.motion.pose_at(0.0)[1] + scene.true_color.t
    u, v, half = camera.fx * x / z + camera.cx, camera.fy * y / z + camera.cy, camera.fx * _FACE_HALF_M / z
    rows = slice(max(int(v - half / 2), 0), max(int(v + half * 1.5), 1))
    columns = slice(max(int(u - half), 0), max(int(u + half), 1))
    luminance = canvas.light @ np.array([0.3, 0.59, 0.11], np.float32)
    face, frame = float(np.median(luminance[rows, columns])), float(luminance.mean())
    return _exposed(scene.conditions, face, frame, scene.color_target, scene.brightness)


def _exposed(conditions: Conditions, face: float, frame: float, target: float, brightness: float) -> Conditions:
    """Time first, then gain; what neither reaches stays dark."""
    wanted = (target / 255.0) ** 2.2 / max(face**0.7 * frame**0.3, 1e-3)
    needed_ms = 12.0 * wanted / brightness
    exposure = float(np.clip(needed_ms, 2.0, 33.0))
    gain = float(np.clip(needed_ms / exposure, 1.0, 12.0))
    scale = wanted * min(exposure * gain / needed_ms, 1.0)
    return replace(conditions, color_exposure_ms=exposure, color_gain=gain, color_scale=scale)


def _scaled(camera: Intrinsics, divisor: int) -> Intrinsics:
    """The same lens on a sensor of `divisor` times fewer pixels a side."""
    return Intrinsics(
        width=camera.width // divisor,
        height=camera.height // divisor,
        fx=camera.fx / divisor,
        fy=camera.fy / divisor,
        cx=(camera.cx + 0.5) / divisor - 0.5,
        cy=(camera.cy + 0.5) / divisor - 0.5,
        model=camera.model,
        distortion=camera.distortion,
    )


@lru_cache(maxsize=2)
def _stage(scene: Scene, windowed: bool) -> Stage:
    return Stage(scene, windowed)


def render_frame(scene: Scene, t: float, rng: Rng, windowed: bool = False) -> FrameSet:
    """The frame set of a scene at time `t` in seconds, with noise from `rng`: simulated stills.

    `windowed`: only the region round the face, enough for all that is prepared from it; the rest is zero.
    """
    return _stage(scene, windowed).frame(t, rng)


def truth(scene: Scene, t: float) -> Truth:
    """Where the face really is at time `t`."""
    R, place = scene.motion.pose_at(t)
    to_color = scene.true_color
    points = scene.subject.landmarks(scene.motion.expression_at(t)) @ R.T + place
    return Truth(
        (points @ to_color.R.T + to_color.t).astype(np.float32), to_color.R @ R, to_color.R @ place + to_color.t
    )
