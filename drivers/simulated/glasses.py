"""Glasses: a frame that stands before the eyes, and lenses that let a face through and mirror lamps."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from calibration.rig import Extrinsics, Intrinsics
from drivers.simulated.materials import Palette, Texture
from drivers.simulated.mesh import F32, F64, Mesh, Region, merged, mesh, tube
from drivers.simulated.render import Body, Canvas, body, paint
from drivers.simulated.window import Window

TRANSMITTED: Final = 0.85  # through both faces of a lens and back, a coating and some dust
_BASE_CURVE_M: Final = 0.11  # radius of a lens's front face
_F0: Final = 0.03  # coated glass
_ROUGHNESS: Final = 0.06
_CORNERS: Final = 40
_RINGS: Final = 5
_NO_PICTURE: Final = np.full((1, 1, 4), 0.0, np.float32)


@dataclass(frozen=True, slots=True)
class Glasses:
    """A simple frame: lens half width and height, rim thickness, metres; `square` 2 = ellipse, 4 = rounded box."""

    half_width_m: float
    half_height_m: float
    rim_m: float
    square: float


def sample_glasses(rng: np.random.Generator) -> Glasses:
    """Draws a frame, thin or thick, round or square."""
    return Glasses(
        half_width_m=float(rng.uniform(0.023, 0.028)),
        half_height_m=float(rng.uniform(0.015, 0.023)),
        rim_m=float(rng.uniform(0.0008, 0.0024)),
        square=float(rng.uniform(2.0, 4.5)),
    )


def _rim(glasses: Glasses, eye: F64, sign: float, front: float) -> F64:
    """The middle of a rim, float64 [41, 3], closed; `sign` −1 at image left."""
    angle = np.linspace(0, 2 * np.pi, _CORNERS + 1)
    shape = np.abs(np.cos(angle)) ** glasses.square + np.abs(np.sin(angle)) ** glasses.square
    shape **= -1 / glasses.square
    x = eye[0] + sign * 0.002 + glasses.half_width_m * shape * np.cos(angle)
    y = eye[1] + 0.004 + glasses.half_height_m * shape * np.sin(angle)
    z = front + 0.35 * np.maximum(np.abs(x) - 0.02, 0) ** 2 / 0.05  # the frame wraps a little round the face
    return np.stack([x, y, z], 1)


def _front(glasses: Glasses, skin: F32) -> float:
    """How far out the rims stand, z: they clear the brow ridge and the cheeks below the eyes."""
    around = (np.abs(np.abs(skin[:, 0]) - 0.035) < 0.02) & (np.abs(skin[:, 1]) < 0.025)
    return float(skin[around, 2].min()) - glasses.rim_m - 0.002


def frame_mesh(glasses: Glasses, eyes: F64, skin: F32, ears: F32) -> Mesh:
    """Two rims before the eyes, a bridge over the nose, temples to the ears; `eyes` float64 [2, 3] centres, image left
    first, `skin` and `ears` float32 [N, 3] in the head frame.
    """
    front, parts = _front(glasses, skin), []
    for eye, sign in zip(eyes, (-1.0, 1.0), strict=True):
        rim = _rim(glasses, eye, sign, front)
        parts.append(tube(rim, glasses.rim_m, 8, Region.GLASSES_FRAME))
        outer = rim[np.argmax(rim[:, 0] * sign)]
        ear = ears[ears[:, 0] * sign > 0]
        hinge = np.array([outer[0] + sign * 0.003, eye[1] - 0.004, outer[2] + 0.002])
        end = np.array([sign * np.abs(ear[:, 0]).max() - sign * 0.012, eye[1] - 0.006, ear[:, 2].mean()])
        temple = hinge + np.linspace(0, 1, 8)[:, None] * (end - hinge)
        parts.append(tube(temple, glasses.rim_m * 1.1, 8, Region.GLASSES_FRAME))
    inner = abs(eyes[1, 0]) + 0.002 - glasses.half_width_m
    x = np.linspace(-inner, inner, 7)
    bridge = np.stack([x, np.full(7, 0.001) - 0.003 * np.cos(x / inner * np.pi / 2), np.full(7, front)], 1)
    parts.append(tube(bridge, glasses.rim_m, 8, Region.GLASSES_FRAME))
    return merged(parts)


def lens_mesh(glasses: Glasses, eyes: F64, skin: F32) -> Mesh:
    """Two lenses in the rims of `frame_mesh`, curved outwards as spectacle lenses are."""
    front, lenses = _front(glasses, skin), []
    for eye, sign in zip(eyes, (-1.0, 1.0), strict=True):
        rim = _rim(glasses, eye, sign, front)[:-1]
        middle = rim.mean(axis=0)
        share = np.linspace(0.0, 1.0, _RINGS + 1)[1:, None, None]
        rings = middle + share * (rim - middle)
        radius2 = ((rim - middle)[:, :2] ** 2).sum(axis=1)
        rings[..., 2] -= (1 - share[..., 0] ** 2) * radius2 / (2 * _BASE_CURVE_M)
        top = middle - [0.0, 0.0, radius2.mean() / (2 * _BASE_CURVE_M)]
        lenses.append(mesh(np.concatenate([top[None], rings.reshape(-1, 3)]), _disc(), Region.GLASSES_FRAME))
    return merged(lenses)


def _disc() -> F64:
    """Triangles of a disc of rings about vertex 0, facing −z."""
    here = np.arange(_CORNERS)
    after = np.roll(here, -1)
    fan = np.stack([np.zeros_like(here), 1 + after, 1 + here], 1)
    bands = [
        np.concatenate([
            np.stack([inner + here, inner + after, outer + here], 1),
            np.stack([inner + after, outer + after, outer + here], 1),
        ])
        for inner, outer in ((1 + r * _CORNERS, 1 + (r + 1) * _CORNERS) for r in range(_RINGS - 1))
    ]  # fmt: skip
    return np.concatenate([fan, *bands])


def glass(lenses: Mesh, palette: Palette, lamps: F32) -> Body:
    """Lenses ready for `glaze`: clear, what they do not let through they mirror."""
    surface = palette.surface.copy()
    surface[Region.GLASSES_FRAME] = 0.0
    surface[Region.GLASSES_FRAME, [Texture.ROUGHNESS, Texture.F0, Texture.LOBE]] = _ROUGHNESS, _F0, 1.0
    clear = replace(palette, albedo=np.zeros_like(palette.albedo), surface=surface)
    return body(lenses, clear, lamps[:0])


def glaze(canvas: Canvas, lenses: Body, camera: Intrinsics, motion: Extrinsics, lamps: F32) -> None:
    """Puts glass before what a canvas shows: a little less light from behind it, and the lamps' mirror images. Depth is
    found through it, except where the emitter's mirror image blinds.
    """
    h, w = canvas.z_m.shape
    pane = Canvas.empty(camera, canvas.light.shape[2] == 4, Window(canvas.left, canvas.top, w, h))
    paint(pane, lenses, _NO_PICTURE, camera, motion, lamps)
    before = (pane.z_m > 0) & ((canvas.z_m == 0) | (pane.z_m < canvas.z_m))
    canvas.light[before] = np.float32(TRANSMITTED) * canvas.light[before] + pane.light[before]
