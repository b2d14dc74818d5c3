"""People: an identity is a set of numbers, a head is the mesh that they and an expression make."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from drivers.simulated import hair as growth
from drivers.simulated.assets import AGES, RACES, SEXES, WEIGHTS, Template, template
from drivers.simulated.glasses import Glasses, frame_mesh, lens_mesh, sample_glasses
from drivers.simulated.hair import BEARD_STYLES, HAIR_STYLES, Hair
from drivers.simulated.mesh import (
    F32,
    F64,
    Cut,
    Mesh,
    Region,
    cut_faces,
    merged,
    mesh,
    rotation,
    smoothed,
    vertex_normals,
)

_IRIS_RADIUS_M = 0.006
_EYE_RINGS = 13
_EYE_SIDES = 28
_SHIRT_M = 0.005
_ARM_DROP_RAD = 0.62


@dataclass(frozen=True, slots=True)
class Identity:
    """Every latent number of a person.

    races: shares of `assets.RACES`, sum 1; male 0..1; old 0 (25 years) .. 1 (90); weight -1..1
    targets: (name, weight) of the head model's shape targets; scale: of the whole head, about 1
    collar_m: the shirt's neckline, down; pupil_m: radius; seed: for draws of other parts (skin, cloth colours)
    """

    races: tuple[float, float, float]
    male: float
    old: float
    weight: float
    targets: tuple[tuple[str, float], ...]
    scale: float
    hair: Hair
    glasses: Glasses | None
    collar_m: float
    pupil_m: float
    seed: int


@dataclass(frozen=True, slots=True)
class Expression:
    """What a face does at one instant, each 0..1; gaze in degrees (yaw > 0 image right, pitch > 0 down).

    `units`: further (name, weight) pairs of the head model's 52 expression units, for instance `browInnerUp`.
    """

    blink: float = 0.0
    mouth_open: float = 0.0
    smile: float = 0.0
    brow_raise: float = 0.0
    pucker: float = 0.0
    gaze_yaw_deg: float = 0.0
    gaze_pitch_deg: float = 0.0
    units: tuple[tuple[str, float], ...] = ()

    def weights(self) -> list[tuple[str, float]]:
        """(unit, weight) pairs that are not zero."""
        driven = {
            ("eyeBlinkLeft", "eyeBlinkRight"): self.blink,
            ("jawOpen",): self.mouth_open,
            ("mouthSmileLeft", "mouthSmileRight"): self.smile,
            ("cheekSquintLeft", "cheekSquintRight"): 0.5 * self.smile,
            ("browInnerUp", "browOuterUpLeft", "browOuterUpRight"): self.brow_raise,
            ("mouthPucker",): self.pucker,
        }
        pairs = [(name, weight) for names, weight in driven.items() for name in names]
        return [(name, weight) for name, weight in (*pairs, *self.units) if weight]


NEUTRAL = Expression()


def sample_identity(rng: np.random.Generator) -> Identity:
    """Draws a person: no two alike, each ethnic mix, sex and adult age as likely as another."""
    races = rng.dirichlet((0.45, 0.45, 0.45))
    male = float(rng.beta(0.35, 0.35))
    old = float(rng.beta(1.1, 2.2))
    drawn = Identity(
        races=(float(races[0]), float(races[1]), float(races[2])),
        male=male,
        old=old,
        weight=float(np.clip(rng.normal(0.0, 0.4), -1, 1)),
        targets=_sample_targets(rng),
        scale=float(np.clip(rng.normal(1.005 + 0.04 * male, 0.018), 0.97, 1.08)),
        hair=_sample_hair(rng, male, old),
        glasses=sample_glasses(rng) if rng.random() < 0.25 else None,
        collar_m=float(rng.uniform(-0.045, 0.02)),
        pupil_m=float(rng.uniform(0.0011, 0.0024)),
        seed=int(rng.integers(2**31)),
    )
    eyes_apart = float(np.clip(rng.normal(61.5 + 2.0 * male, 3.0), 56.5, 71.0)) / 1000
    return replace(drawn, targets=drawn.targets + _eye_shift(drawn, eyes_apart))


def _eye_shift(identity: Identity, distance_m: float) -> tuple[tuple[str, float], ...]:
    """Targets that bring the eyes to the given distance; adults' is 63 +- 3.6 mm (Dodgson 2004)."""
    base = template()
    points = _shaped(base, identity)
    missing = (distance_m - np.ptp([points[eye, 0].mean() for eye in base.eyes])) / identity.scale
    direction = "out" if missing > 0 else "in"
    index, offset = base.targets[f"face:l-eye-trans-{direction}"]
    moved = np.zeros(len(base.points), np.float32)
    moved[index] = offset[:, 0]
    weight = float(missing / 2 / moved[base.eyes[1]].mean())
    return tuple((f"face:{side}-eye-trans-{direction}", weight) for side in "lr")


def _sample_targets(rng: np.random.Generator) -> tuple[tuple[str, float], ...]:
    """25 to 50 face targets, exponential weights; paired ones nearly symmetric, opposites never together."""
    names = [name for name in template().names("face") if "eye-trans-" not in name]  # `_eye_shift` sets those
    stems = sorted({name[2:] if name[:2] in {"l-", "r-"} else name for name in names})
    present = set(names)
    chosen: dict[str, float] = {}
    axes: set[str] = set()
    for stem in rng.permutation(stems)[: int(rng.integers(25, 51))]:
        axis = stem.rpartition("-")[0]
        if axis in axes:
            continue
        axes.add(axis)
        weight = min(float(rng.exponential(0.25)), 0.4 if stem.startswith(("head", "forehead")) else 0.85)
        for name in (stem, f"l-{stem}", f"r-{stem}"):
            if name in present:
                side = 1.0 if name == stem else float(rng.normal(1.0, 0.08))
                chosen[f"face:{name}"] = weight * side
    for name in rng.permutation(template().names("asym"))[:4]:
        chosen[f"asym:{name}"] = min(float(rng.exponential(0.15)), 0.5)
    return tuple(chosen.items())


def _sample_hair(rng: np.random.Generator, male: float, old: float) -> Hair:
    masculine = male > 0.5
    odds = (0.06 + 0.1 * old, 0.08 + 0.15 * old, 0.2, 0.3, 0.15, 0.12, 0.03, 0.06)
    if not masculine:
        odds = (0.01, 0.01, 0.05, 0.15, 0.15, 0.18, 0.2, 0.25)
    beards = (0.4, 0.25, 0.08, 0.1, 0.17) if masculine else (1.0, 0.0, 0.0, 0.0, 0.0)
    return Hair(
        style=HAIR_STYLES[rng.choice(len(odds), p=np.array(odds) / sum(odds))],
        volume=float(rng.uniform(0.6, 1.6)),
        hairline_m=float(rng.normal(0.0, 0.005)),
        fringe_m=float(rng.uniform(0.015, 0.042)),
        phase=float(rng.uniform(0, 6)),
        beard=BEARD_STYLES[rng.choice(len(beards), p=np.array(beards))],
        beard_cover=float(rng.uniform(0.3, 0.5) if rng.random() < 0.3 else rng.uniform(0.7, 1.0)),
        brow_width_m=float(rng.uniform(0.036, 0.044)),
        brow_height_m=float(rng.uniform(0.004, 0.0085)),
        brow_cover=float(rng.uniform(0.45, 0.95)),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Person:
    """What an identity fixes before any expression. Points: float32 [P, 3]; `stand_off`: hair and shirt, [N, 3]."""

    points: F32
    stand_off: F32
    surface: Mesh
    cut: Cut
    extras: tuple[Mesh, ...]


def head_mesh(identity: Identity, expression: Expression = NEUTRAL) -> Mesh:
    """The bust of a person in the head frame, about 18,000 triangles. Raises SdkMissing without the assets."""
    base, person = template(), _person(identity)
    points = _expressed(person, identity, expression)
    skin = points[: base.count] + person.stand_off
    body = person.surface.with_vertices(person.cut.extended(skin))
    return merged([body, *_eyeballs(points, identity, expression), *person.extras])


def landmarks(identity: Identity, expression: Expression = NEUTRAL) -> F32:
    """float32 [5, 3], head frame: eye at image left, eye at image right, nose tip, mouth corners left, right."""
    base = template()
    points = _expressed(_person(identity), identity, expression)
    eyes = [centre - [0.0, 0.0, radius] for centre, radius in (_eye_sphere(points, side) for side in (0, 1))]
    rest = points[[base.nose_tip, *base.mouth_corners]]
    return np.concatenate([np.array(eyes), rest]).astype(np.float32)


def _expressed(person: _Person, identity: Identity, expression: Expression) -> F32:
    points = person.points.copy()
    for name, weight in expression.weights():
        index, offset = template().targets[f"unit:{name}"]
        points[index] += np.float32(weight * identity.scale) * offset
    return points


@lru_cache(maxsize=64)
def _person(identity: Identity) -> _Person:
    base = template()
    points = _shaped(base, identity)
    neutral = base.points[: base.count]
    normals = vertex_normals(points[: base.count], base.faces)
    cover = growth.hair_cover(neutral, base.ears, identity.hair)
    beard = growth.beard_cover(neutral, base.lips, identity.hair)
    skin_only = np.zeros(base.count, np.bool_)
    skin_only[base.faces[(base.region == Region.SKIN)]] = True
    shirt = _collar_level(neutral, identity.collar_m)
    height = growth.hair_height(neutral, cover, identity.hair) + growth.beard_height(beard, neutral, identity.hair)
    height = height * skin_only + _SHIRT_M * growth.ramp(shirt, -0.001, 0.006)
    # A shirt spans the hollows and bumps of what it covers.
    drape = smoothed(points[: base.count], base.faces, 8, shirt > 0.01) - points[: base.count]
    stand_off = (height[:, None] * normals + drape).astype(np.float32)
    cut = cut_faces(base.faces, shirt)
    region = np.where(cut.above, np.int16(Region.CLOTH), base.region[cut.parent])
    count = base.count + len(cut.part)
    surface = Mesh(
        np.zeros((count, 3), np.float32),
        cut.faces,
        cut.extended(neutral),
        np.zeros((count, 2), np.float32),
        region,
        cut.extended(cover * skin_only),
        cut.extended(growth.brow_cover(neutral, identity.hair)),
        cut.extended(beard * skin_only),
    )
    skull = (points[: base.count] + stand_off)[(neutral[:, 1] < 0.04) & ~base.ears]
    extras = [growth.hanging_hair(skull, identity.hair), _glasses(points, identity)]
    return _Person(points, stand_off, surface, cut, tuple(part for part in extras if part is not None))


def _collar_level(neutral: F32, collar_m: float) -> F32:
    """Positive under the shirt, about metres: outside an oval neckline that falls towards the chest."""
    depth = (neutral[:, 1] - 0.09 + 0.42 * (neutral[:, 2] - 0.11)) / (0.075 + collar_m)
    width = np.abs(neutral[:, 0]) / 0.085
    outside = 0.07 * (np.hypot(width, np.maximum(depth, 0)) - 1)
    return np.asarray(np.minimum(outside, neutral[:, 1] - 0.1), np.float32)


def _shaped(base: Template, identity: Identity) -> F32:
    """The template's points with the identity's targets, origin on its own nasion, arms lowered."""
    points = base.points.copy()
    for name, weight in (*_macro_weights(identity), *identity.targets):
        index, offset = base.targets[name]
        points[index] += np.float32(weight) * offset
    eyes = (points[base.eyes[0]].mean(0) + points[base.eyes[1]].mean(0)) / 2
    points = _arms_lowered(base, points)
    origin = np.array([eyes[0], eyes[1], points[base.nasion, 2]], np.float32)
    return (points - origin) * np.float32(identity.scale)


def _macro_weights(identity: Identity) -> list[tuple[str, float]]:
    sexes = (1 - identity.male, identity.male)
    ages = (1 - identity.old, identity.old)
    weights = (max(-identity.weight, 0.0), 1 - abs(identity.weight), max(identity.weight, 0.0))
    pairs = []
    for sex, sex_share in zip(SEXES, sexes, strict=True):
        for age, age_share in zip(AGES, ages, strict=True):
            share = sex_share * age_share
            pairs += [(f"macro:{race}-{sex}-{age}", share * r) for race, r in zip(RACES, identity.races, strict=True)]
            pairs += [
                (f"macro:universal-{sex}-{age}-averagemuscle-{name}", share * w)
                for name, w in zip(WEIGHTS, weights, strict=True)
            ]
    return pairs


def _arms_lowered(base: Template, points: F32) -> F32:
    """The template stands with its arms apart; people in front of a camera let them hang."""
    posed = points.copy()
    for side, shoulder, elbow in zip((-1.0, 1.0), base.shoulders, base.elbows, strict=True):
        pivot = points[shoulder].mean(0)
        x, y = points[:, 0] - pivot[0], points[:, 1] - pivot[1]
        along = points[elbow].mean(0)[:2] - pivot[:2]
        along /= np.linalg.norm(along)
        reach, below = x * along[0] + y * along[1], y * along[0] * side - x * side * along[1]
        angle = side * _ARM_DROP_RAD * growth.ramp(reach, -0.03, 0.09) * growth.ramp(below, 0.095, 0.06)
        moved = (angle != 0) & (points[:, 0] * side > 0)
        sine, cosine = np.sin(angle), np.cos(angle)
        posed[moved, 0] = (pivot[0] + cosine * x - sine * y)[moved]
        posed[moved, 1] = (pivot[1] + sine * x + cosine * y)[moved]
    return posed


def _eye_sphere(points: F32, side: int) -> tuple[F64, float]:
    """Centre float64 [3] and radius of an eyeball, from the template's own; side 0 is at image left."""
    ball = points[template().eyes[side]].astype(np.float64)
    centre = ball.mean(0)
    return centre, float(np.linalg.norm(ball - centre, axis=1).mean())


def _eyeballs(points: F32, identity: Identity, expression: Expression) -> list[Mesh]:
    gaze = rotation(expression.gaze_yaw_deg, expression.gaze_pitch_deg, 0.0)
    # A closed lid lies on a round ball: the cornea sinks back under it.
    bulge = 0.0008 * (1 - min(max(expression.blink, 0.0), 1.0))
    balls = []
    for side in (0, 1):
        centre, radius = _eye_sphere(points, side)
        unit, faces, region = _unit_eye(identity.pupil_m / radius, _IRIS_RADIUS_M * identity.scale / radius)
        lift = 1 + (bulge / radius) * growth.ramp(np.hypot(unit[:, 0], unit[:, 1]), _IRIS_RADIUS_M / radius, 0.0)
        shape = mesh(centre + radius * (unit * lift[:, None]) @ gaze.T, faces, region)
        place = _eye_sphere(template().points, side)
        canonical = np.asarray(place[0] + place[1] * unit, np.float32)
        balls.append(Mesh(shape.vertices, shape.faces, canonical, *shape.arrays()[3:]))
    return balls


@lru_cache(maxsize=256)
def _unit_eye(pupil: float, iris: float) -> tuple[F64, NDArray[np.int32], NDArray[np.int16]]:
    """A unit ball looking along -z whose rings follow pupil and iris (radii as parts of the ball's)."""
    inner = np.arcsin([0.0, pupil, 0.5 * (pupil + iris), 0.97 * iris, iris])
    polar = np.concatenate([inner, np.linspace(inner[-1], 2.0, _EYE_RINGS - len(inner) + 1)[1:]])
    around = np.linspace(0, 2 * np.pi, _EYE_SIDES, endpoint=False)
    points = np.stack(
        [
            np.sin(polar)[:, None] * np.cos(around),
            np.sin(polar)[:, None] * np.sin(around),
            -np.cos(polar)[:, None] * np.ones_like(around),
        ],
        -1,
    ).reshape(-1, 3)
    index = np.arange(len(points), dtype=np.int32).reshape(len(polar), _EYE_SIDES)
    a, b = index[:-1], np.roll(index, -1, axis=1)[:-1]
    d, c = index[1:], np.roll(index, -1, axis=1)[1:]
    faces = np.concatenate([np.stack([a, b, c], -1).reshape(-1, 3), np.stack([a, c, d], -1).reshape(-1, 3)])
    kinds = np.full(len(polar) - 1, Region.SCLERA, np.int16)
    kinds[0], kinds[1:4] = Region.PUPIL, Region.IRIS
    region = np.tile(np.repeat(kinds, _EYE_SIDES), 2)
    return points, faces.astype(np.int32), region


def lenses(identity: Identity) -> Mesh | None:
    """The lenses of a person's glasses, in the head frame; None without glasses."""
    if identity.glasses is None:
        return None
    points = _person(identity).points
    return lens_mesh(identity.glasses, _eye_centres(points), points[: template().count])


def _eye_centres(points: F32) -> F64:
    return np.stack([_eye_sphere(points, side)[0] for side in (0, 1)])


def _glasses(points: F32, identity: Identity) -> Mesh | None:
    if identity.glasses is None:
        return None
    base = template()
    skin = points[: base.count]
    return frame_mesh(identity.glasses, _eye_centres(points), skin, skin[base.ears])
