"""Hair, brows and beards: how much of the skin they cover and how far they stand off, on the neutral template.

Everything is a function of canonical position (metres, head frame), so it fits every identity. Angles run around
the vertical axis of the skull: 0 at the face, pi/2 at the ears, pi at the nape.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from drivers.simulated.mesh import F32, F64, Mesh, Region, grid_faces, merged, mesh, thickened

HairStyle = Literal["bald", "receding", "cropped", "short", "full", "fringe", "bob", "long"]
BeardStyle = Literal["none", "stubble", "moustache", "goatee", "full"]
HAIR_STYLES: tuple[HairStyle, ...] = ("bald", "receding", "cropped", "short", "full", "fringe", "bob", "long")
BEARD_STYLES: tuple[BeardStyle, ...] = ("none", "stubble", "moustache", "goatee", "full")

_AXIS_Z = 0.105
_HAIRLINE = np.array(  # angle, height y of the lowest hair: over the temple, sideburn, above the ear, nape
    [
        [0.0, -0.066],
        [0.45, -0.068],
        [0.80, -0.055],
        [1.05, -0.030],
        [1.25, -0.012],
        [1.40, 0.012],
        [1.58, 0.004],
        [1.75, -0.010],
        [2.00, 0.030],
        [2.40, 0.060],
        [3.15, 0.070],
    ]
)
_THICKNESS_M: dict[HairStyle, float] = {
    "bald": 0.0,
    "receding": 0.004,
    "cropped": 0.003,
    "short": 0.009,
    "full": 0.022,
    "fringe": 0.014,
    "bob": 0.016,
    "long": 0.014,
}
_CURTAIN_BOTTOM_M: dict[HairStyle, float] = {"bob": 0.075, "long": 0.17}


@dataclass(frozen=True, slots=True)
class Hair:
    """What grows on a head. `volume` scales the style's thickness; `hairline_m` moves it down at the forehead.

    `fringe_m`: how far a fringe hangs below the hairline; `phase` picks the strands; brow sizes in metres.
    """

    style: HairStyle
    volume: float
    hairline_m: float
    fringe_m: float
    phase: float
    beard: BeardStyle
    beard_cover: float
    brow_width_m: float
    brow_height_m: float
    brow_cover: float


def ramp(values: ArrayLike, low: float | F64, high: float | F64) -> F64:
    """Smooth 0..1 from `low` to `high` (either order)."""
    x = np.clip((np.asarray(values, np.float64) - low) / (high - low), 0.0, 1.0)
    return np.asarray(x * x * (3 - 2 * x))


def ripple(points: ArrayLike, phase: float, wavelength_m: float) -> F64:
    """Smooth noise, about -1..1, of points [..., 3]: six plane waves whose directions hang on `phase`."""
    place = np.asarray(points, np.float64)
    directions = np.random.default_rng(int(abs(phase) * 1e6)).normal(size=(6, 3))
    waves = np.sin(place @ (directions.T * (2 * np.pi / wavelength_m / 1.7)) + phase * np.arange(1, 7))
    return np.asarray(waves.sum(-1) / 2.5)


def angle_around(points: F32) -> F64:
    """Angle around the skull's axis, 0..pi, of canonical points [..., 3]."""
    return np.asarray(np.arctan2(np.abs(points[..., 0]), _AXIS_Z - points[..., 2]))


def hairline_y(angle: ArrayLike, hair: Hair) -> F64:
    """Height y (down) of the hairline at an angle around the skull."""
    at = np.asarray(angle, np.float64)
    low = np.interp(at, _HAIRLINE[:, 0], _HAIRLINE[:, 1]) + hair.hairline_m * ramp(at, 1.2, 0.6)
    if hair.style == "receding":
        low -= 0.03 * ramp(np.abs(at - 0.55), 0.5, 0.1) + 0.012
    return np.asarray(low)


def hair_cover(points: F32, ears: NDArray[np.bool_], hair: Hair) -> F32:
    """Cover 0..1 of canonical points [N, 3] by the hair of the scalp."""
    if hair.style == "bald":
        return np.zeros(len(points), np.float32)
    above = hairline_y(angle_around(points), hair) + 0.003 * ripple(points, hair.phase, 0.02) - points[:, 1]
    return (ramp(above, -0.002, 0.010) * ~ears).astype(np.float32)


def hair_height(points: F32, cover: F32, hair: Hair) -> F32:
    """How far the hair's surface stands off the skin, metres float32 [N]."""
    inside = hairline_y(angle_around(points), hair) - points[:, 1]
    top = ramp(points[:, 1], -0.03, -0.11)
    thickness = _THICKNESS_M[hair.style] * hair.volume * (0.6 + 0.6 * top)
    wavy = 1 + 0.12 * ripple(points, hair.phase, 0.05)
    return np.asarray(cover * ramp(inside, -0.002, 0.03) * thickness * wavy, np.float32)


def brow_cover(points: ArrayLike, hair: Hair) -> F32:
    """Cover 0..1 of canonical points [..., 3] by the brows: an arch over each eye, tapering outwards."""
    place = np.asarray(points, np.float64)
    across = np.abs(place[..., 0])
    along = (across - 0.010) / hair.brow_width_m
    arch = -0.0175 - 0.0055 * np.sin(np.clip(along, 0, 1) * np.pi * 0.75)
    half = 0.5 * hair.brow_height_m * (1 - 0.55 * np.clip(along, 0, 1))
    inside = ramp(np.abs(place[..., 1] - arch), half + 0.0022, half - 0.0008)
    ends = ramp(along, -0.06, 0.08) * ramp(along, 1.06, 0.85)
    return np.asarray(hair.brow_cover * inside * ends * (place[..., 2] < 0.05), np.float32)


def beard_cover(points: F32, lips: NDArray[np.bool_], hair: Hair) -> F32:
    """Cover 0..1 of canonical points [N, 3] by the beard; lips stay free."""
    if hair.beard == "none":
        return np.zeros(len(points), np.float32)
    x, y, z = np.abs(points[:, 0]), points[:, 1], points[:, 2]
    lip = ramp(y, 0.046, 0.050) * ramp(y, 0.068, 0.062) * ramp(x, 0.036, 0.027) * (z < 0.02)
    chin = ramp(y, 0.062, 0.074) * ramp(x, 0.034, 0.026) * ramp(z, 0.045, 0.03) * ramp(y, 0.135, 0.115)
    cheek_line = 0.064 - 0.045 * ramp(z, 0.02, 0.085)
    jaw = ramp(y, cheek_line.min(), cheek_line.min() + 0.01) * ramp(y - cheek_line, 0.0, 0.012)
    jaw *= ramp(z, 0.098, 0.085) * ramp(y - 0.6 * z, 0.105, 0.09)
    with_chin = np.maximum(lip, chin)
    area = {"moustache": lip, "goatee": with_chin}.get(hair.beard, np.maximum(with_chin, jaw))
    return np.asarray(hair.beard_cover * area * ~lips, np.float32)


def beard_height(cover: F32, points: F32, hair: Hair) -> F32:
    """How far the beard's surface stands off the skin, metres float32 [N]."""
    thickness = {"full": 0.008, "goatee": 0.005, "moustache": 0.003}.get(hair.beard, 0.0) * hair.volume
    return np.asarray(cover * thickness * (1 + 0.25 * ripple(points, hair.phase, 0.02)), np.float32)


def hanging_hair(skull: F32, hair: Hair) -> Mesh | None:
    """Hair that hangs free of the skin: a fringe over the forehead, curtains at the sides and back.

    `skull`: float32 [N, 3], an identity's vertices near the hair, used for its width and depth at each height.
    """
    sheets = []
    if hair.style in {"fringe", "bob"}:
        low = float(hairline_y(0.0, hair))
        sheets.append(_sheet(skull, hair, (-0.95, 0.95), low - 0.022, low + hair.fringe_m, 0.006))
    if hair.style in _CURTAIN_BOTTOM_M:
        bottom = _CURTAIN_BOTTOM_M[hair.style]
        stand_off = 0.012 + 0.006 * hair.volume
        sheets.append(_sheet(skull, hair, (1.15, 2 * np.pi - 1.15), -0.085, bottom, stand_off))
    return merged(sheets) if sheets else None


def _sheet(skull: F32, hair: Hair, span: tuple[float, float], top: float, bottom: float, stand_off: float) -> Mesh:
    """A slab around the skull between two angles, from y = top to a ragged lower edge."""
    columns = int(14 * (span[1] - span[0])) | 1
    angle = np.linspace(*span, columns)
    down = np.linspace(0.0, 1.0, 14)[:, None]
    ragged = 0.10 * np.sin(9.1 * angle + 7 * hair.phase) + 0.06 * np.sin(31 * angle + 3 * hair.phase)
    edge = ramp(np.abs(angle - np.mean(span)), 0.5 * (span[1] - span[0]), 0.4 * (span[1] - span[0]))
    y = top + (bottom - top) * down * (1 + ragged) * (0.75 + 0.25 * edge)
    # Below the ears the sheet hangs straight down from the skull's widest place.
    reach = (
        _skull_radius(skull, np.minimum(y, 0.02), angle) + stand_off * ramp(down, 0.0, 0.4) * (0.3 + 0.7 * edge) - 0.003
    )
    direction = np.stack([np.sin(angle), np.zeros_like(angle), -np.cos(angle)], 1)
    points = np.array([0.0, 0.0, _AXIS_Z]) + reach[..., None] * direction
    points[..., 1] = y
    wave = 0.0025 * np.sin(60 * angle + 11 * hair.phase) * ramp(down, 0.0, 0.5)
    points += wave[..., None] * direction
    faces = grid_faces(len(down), columns)
    inner = points - 0.004 * direction
    return thickened(mesh(points.reshape(-1, 3), faces, Region.HAIR), inner.reshape(-1, 3))


def _skull_radius(skull: F32, y: F64, angle: F64) -> F64:
    """Distance of the skull from its axis [rows, columns] at heights y [rows, columns] and angles [columns]."""
    centred = skull - np.array([0.0, 0.0, _AXIS_Z], np.float32)
    bearing = np.arctan2(centred[:, 0], -centred[:, 2])
    distance = np.hypot(centred[:, 0], centred[:, 2])
    turn = np.abs(np.angle(np.exp(1j * (bearing[None] - angle[:, None]))))  # [columns, N]
    radius = np.zeros(y.shape)
    for row, heights in enumerate(y):
        near = (turn < 0.16) & (np.abs(skull[None, :, 1] - heights[:, None]) < 0.012)
        radius[row] = np.where(near, distance[None], 0.0).max(1)
    # Where no vertex is near, a typical radius keeps the sheet whole.
    filled = np.where(radius > 0, radius, np.nan)
    typical = np.nanmedian(filled)
    return np.nan_to_num(filled, nan=float(typical))
