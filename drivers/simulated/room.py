"""Where a scene takes place: walls, things that stand about, and light. The same for people and instruments."""

from __future__ import annotations

from dataclasses import replace
from typing import Final, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from drivers.simulated.materials import Palette, sample_wall
from drivers.simulated.mesh import Mesh, Region, grid_faces, mesh
from drivers.simulated.render import lamp
from drivers.simulated.shading import DOME, FAR, POINT, Lamp

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
Rng = np.random.Generator

_UP_DEG: Final = (0.0, 12.0)  # of the emitter's beam: cameras stand below the eyes and look up with their light
_ASIDE_DEG: Final = 3.0
_WIDEST = 1.15  # tangent of half the field of view to fill, with a margin
_CELLS = 12


Light = Literal["office", "window", "backlight", "dark", "sun"]
LIGHTS: Final[tuple[Light, ...]] = get_args(Light)
_ODDS: Final = (0.45, 0.2, 0.1, 0.15, 0.1)
_BRIGHTNESS: Final[dict[Light, tuple[float, float]]] = {  # of the room, 1 = an office
    "office": (0.4, 1.6), "window": (0.5, 2.0), "backlight": (0.4, 1.6), "dark": (0.02, 0.12), "sun": (4.0, 20.0),
}  # fmt: skip
_INFRARED: Final[dict[Light, tuple[float, float]]] = {  # of the key lamp, 1 = the emitter's own at `REFERENCE_M`
    "office": (0.0, 0.02), "window": (0.02, 0.35), "backlight": (0.0, 0.15), "dark": (0.0, 0.005), "sun": (0.5, 1.5),
}  # fmt: skip


def sample_light(rng: Rng) -> Light:
    """One of `LIGHTS`: by lamps, beside a window, before one, nearly nothing but the emitter, in the sun."""
    return LIGHTS[rng.choice(len(LIGHTS), p=_ODDS)]


def sample_lamps(
    rng: Rng, emitter_aside_m: float, emitter_power: float, light: Light = "office"
) -> tuple[F32, float]:  # fmt: skip
    """(lamps float32 [L, Lamp.COLUMNS], brightness of the room against an office's).

    The emitter's power is 1 at `shading.REFERENCE_M`; the room adds infrared where the sun comes in: on a cheek at a
    window it can reach half the emitter's, in the sun itself more than all of it.
    """
    side = rng.choice([-1.0, 1.0])
    tint = rng.uniform(0.9, 1.1, 3)
    if light == "window":
        towards, power = np.array([side, -0.4, rng.uniform(-0.9, 0.1)]), rng.uniform(0.6, 1.4)
    elif light == "backlight":
        towards, power = np.array([0.6 * side, -0.5, 0.7]), rng.uniform(0.4, 1.0)
    elif light == "sun":
        towards, power = np.array([side * rng.uniform(0.1, 1.0), -0.8, rng.uniform(-0.9, -0.1)]), rng.uniform(0.8, 1.6)
    else:
        towards, power = np.array([rng.uniform(-0.7, 0.7), -1.0, rng.uniform(-0.9, -0.1)]), rng.uniform(0.2, 0.7)
    nir = rng.uniform(*_INFRARED[light])
    sky, ground = rng.uniform(0.4, 0.8), rng.uniform(0.15, 0.45)
    around = 0.25 * nir
    aside = emitter_aside_m + rng.uniform(-0.003, 0.003)
    lamps = [
        lamp([aside, 0.0, 0.0], POINT, [0.0, 0.0, 0.0, emitter_power], beam=float(rng.uniform(2.0, 4.0))),
        lamp(towards / np.linalg.norm(towards), FAR, [*(power * tint), nir], shadowed=True),
        lamp([0.0, -1.0, 0.0], DOME, [*(sky * tint[::-1]), around]),
        lamp([0.0, 1.0, 0.0], DOME, [*(ground * tint), 0.5 * around]),
    ]
    return np.stack(lamps), float(rng.uniform(*_BRIGHTNESS[light]))


def aimed(rng: Rng, lamps: F32) -> F32:
    """The same lamps, the emitter's beam not along the lens's axis: a chin gets less of it than a cheek."""
    up, aside = np.deg2rad([rng.uniform(*_UP_DEG), rng.normal(0.0, _ASIDE_DEG)])
    turned = lamps.copy()
    turned[0, Lamp.AIM :] = np.cos(up) * np.sin(aside), -np.sin(up), np.cos(up) * np.cos(aside)
    return turned


def _quad(corner: F64, along: F64, down: F64, region: Region) -> Mesh:
    """A parallelogram, finely divided: a lens bends the lines between vertices."""
    v, u = np.meshgrid(np.linspace(0, 1, _CELLS), np.linspace(0, 1, _CELLS), indexing="ij")
    points = corner + u[..., None] * along + v[..., None] * down
    return mesh(points.reshape(-1, 3), grid_faces(_CELLS, _CELLS), region)


def _box(centre: F64, size: F64, yaw: float) -> list[Mesh]:
    """The three sides of a box that can face a camera at the origin."""
    c, s = np.cos(yaw), np.sin(yaw)
    x, y, z = size[0] * np.array([c, 0, s]), size[1] * np.array([0.0, 1.0, 0.0]), size[2] * np.array([-s, 0, c])
    low = centre - (x + y + z) / 2
    side = low + x if centre[0] < 0 else low
    lid = low if centre[1] > 0 else low + y
    return [
        _quad(lid, x, z, Region.FURNITURE),
        _quad(side, z, y, Region.FURNITURE),
        _quad(low, x, y, Region.FURNITURE),
    ]


def _painted(palette: Palette, region: Region, rng: Rng) -> Palette:
    albedo = palette.albedo.copy()
    albedo[region] = sample_wall(rng)
    return replace(palette, albedo=albedo)


def sample_room(rng: Rng, palette: Palette, subject_m: float) -> list[tuple[Mesh, Palette]]:
    """Walls and furniture behind a subject, in the depth camera's frame, farthest first.

    Sometimes a corner, sometimes things hardly behind the subject, sometimes a wall too far to return depth.
    """
    wall_m = subject_m + rng.uniform(0.6, 3.0)
    turn = np.tan(np.deg2rad(rng.uniform(-15, 15)))
    half = _WIDEST * wall_m
    corner = np.array([-half, -half, wall_m - turn * half * 0.5])
    back = _quad(corner, np.array([2 * half, 0.0, turn * half]), np.array([0.0, 2 * half, 0.0]), Region.WALL)
    parts = [(back, palette)]
    if rng.random() < 0.4:
        x = rng.choice([-1.0, 1.0]) * rng.uniform(0.4, 0.9) * wall_m * 0.6
        start = max(subject_m + 0.25, abs(x) / _WIDEST)
        along = np.array([0.0, 0.0, wall_m + 0.3 - start])
        side = _quad(np.array([x, -half, start]), along, np.array([0.0, 2 * half, 0.0]), Region.WALL)
        parts.append((side, _painted(palette, Region.WALL, rng)))
    things = []
    for _ in range(rng.integers(1, 6)):
        z = rng.uniform(subject_m + 0.45, wall_m)
        centre = np.array([rng.uniform(-0.6, 0.6) * z, rng.uniform(-0.4, 0.5) * z, z])
        size = rng.uniform(0.08, 0.6, 3) * [1, 1, 0.5]
        things.append((z, _box(centre, size, rng.uniform(-0.5, 0.5)), _painted(palette, Region.FURNITURE, rng)))
    for _, sides, paint in sorted(things, key=lambda thing: -thing[0]):
        parts.extend((side, paint) for side in sides)
    return parts
