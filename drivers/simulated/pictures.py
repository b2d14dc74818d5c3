"""What prints and screens show: heads as another camera pictured them, and where on the sheet they lie."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from calibration.rig import Extrinsics, Intrinsics
from calibration.srgb import srgb_to_linear
from drivers.simulated.instruments import Anchor, screen, sheet, silhouette, trimmed
from drivers.simulated.materials import (
    Palette,
    PrintKind,
    print_on_paper,
    print_on_vinyl,
    show_on_screen,
)
from drivers.simulated.mesh import Mesh, Region
from drivers.simulated.render import Canvas, body, paint, sky_visibility
from drivers.simulated.room import sample_lamps, sample_light
from drivers.simulated.sensor import Conditions, expose_color
from drivers.simulated.species import Species

F32 = NDArray[np.float32]
Rng = np.random.Generator

ANCHOR: Final[Anchor] = (0.5, 0.42)
NO_PICTURE: Final = np.full((1, 1, 4), 0.5, np.float32)
_PHONE_M: Final = 0.1  # narrower than any other screen
_PRINT_PX_PER_M: Final = 950.0  # a live face 0.6 m away shows as many
_FEWEST_PX_PER_M: Final = 600.0
_STEEPEST: Final = 1.35  # radians a wrapped sheet turns from the camera at its edges
_WIDEST: Final = 2.5  # times its radius


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """A head on a picture: linear RGB float32 [h, w, 3], 0..1, and its outline in it, uv float32 [K, 2]."""

    rgb: F32
    outline: F32


def portrait(head: Mesh, palette: Palette, width_m: float, height_m: float, distance_m: float, rng: Rng) -> Picture:
    """A head as another colour camera pictured it, natural size on `width_m` × `height_m`."""
    camera = _portrait_camera(width_m, height_m, distance_m)
    lamps, _ = sample_lamps(rng, 0.02, 1.0, sample_light(rng))
    placed = _seen(head, height_m).transformed(np.eye(3), [0.0, 0.0, distance_m])
    canvas = Canvas.empty(camera, infrared=False)
    canvas.light[:] = rng.uniform(0.05, 0.7, 3)
    paint(canvas, body(placed, palette, lamps, sky_visibility(placed)), NO_PICTURE, camera, Extrinsics(), lamps)
    skin = np.isin(canvas.region, (Region.SKIN, Region.LIPS))
    face = float(np.median(canvas.light[skin].mean(axis=1))) if skin.any() else float(canvas.light.mean())
    conditions = Conditions(
        4.0, 1.0, 10.0, float(rng.uniform(1, 4)), float(rng.uniform(0.12, 0.32) / max(face, 1e-4)),
        (float(rng.uniform(0.92, 1.08)), 1.0, float(rng.uniform(0.92, 1.08))), float(rng.uniform(0.3, 1.0)),
        0.6, False, 0.0, 1.0, "hole", (0, 0),
    )  # fmt: skip
    srgb = np.asarray(expose_color(canvas, conditions, rng) / np.float32(255), np.float32)
    return Picture(srgb_to_linear(srgb), silhouette(canvas.region))


def _seen(head: Mesh, height_m: float) -> Mesh:
    """What of a head can be on the picture: the rest costs as much time as the face."""
    corners = head.vertices[head.faces]
    ab, ac = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    away = ab[:, 0] * ac[:, 1] - ab[:, 1] * ac[:, 0]
    return head.kept((away < 0) & (corners[:, :, 1].min(axis=1) < height_m))


def _portrait_camera(width_m: float, height_m: float, distance_m: float) -> Intrinsics:
    """As fine as the picture will be looked at: of a face shown small, fewer pixels."""
    fineness = float(np.clip(_PRINT_PX_PER_M * 0.26 / max(width_m, height_m * 0.75), _FEWEST_PX_PER_M, _PRINT_PX_PER_M))
    w, h = max(int(width_m * fineness), 32), max(int(height_m * fineness), 32)
    f = fineness * distance_m
    return Intrinsics(width=w, height=h, fx=f, fy=f, cx=ANCHOR[0] * w - 0.5, cy=ANCHOR[1] * h - 0.5)


def in_picture(places: F32, width_m: float, height_m: float, distance_m: float) -> F32:
    """Where points of a head come to lie in its portrait, uv float32 [N, 2]."""
    shrink = distance_m / (distance_m + places[:, 2:])
    return np.asarray(places[:, :2] * shrink / [width_m, height_m] + ANCHOR, np.float32)


def on_sheet(shape: Mesh, uv: F32) -> F32:
    """Where places of a picture lie on the sheet or screen that shows it, float32 [N, 3] metres."""
    faces = shape.faces[np.isin(shape.region, (Region.PAPER, Region.SCREEN))]
    corners = shape.uv[faces]
    a = corners[:, 0]
    b, c = corners[:, 1] - a, corners[:, 2] - a
    area = b[:, 0] * c[:, 1] - b[:, 1] * c[:, 0]
    real = np.abs(area) > 1e-12  # a cut may leave slivers without one
    faces, a, b, c, area = faces[real], a[real], b[real], c[real], area[real]
    found = []
    for point in uv:
        p = point - a
        wb = (p[:, 0] * c[:, 1] - p[:, 1] * c[:, 0]) / area
        wc = (b[:, 0] * p[:, 1] - b[:, 1] * p[:, 0]) / area
        best = int(np.argmax(np.minimum.reduce([wb, wc, 1 - wb - wc])))
        weights = np.array([1 - wb[best] - wc[best], wb[best], wc[best]])
        found.append(weights @ shape.vertices[faces[best]])
    return np.array(found, np.float32)


def sample_size(species: Species, rng: Rng) -> tuple[float, float]:
    """Width and height in metres of a sheet or of a screen's lit area."""
    if species == "vinyl_banner":
        width = float(rng.uniform(0.26, 0.45))
        return width, width * float(rng.uniform(1.1, 1.42))
    if species in ("wrapped_print", "cutout_print"):
        width = float(rng.uniform(0.16, 0.215))
        return width, width * float(rng.uniform(1.25, 1.42))
    if species != "screen_replay":
        width = float(rng.uniform(0.19, 0.30))
        return width, width * float(rng.uniform(1.2, 1.42))
    device = rng.choice(["phone", "tablet", "monitor"], p=[0.3, 0.5, 0.2])
    if device == "phone":
        return 0.068 * float(rng.uniform(0.95, 1.1)), 0.148 * float(rng.uniform(0.9, 1.1))
    if device == "tablet":
        return float(rng.uniform(0.15, 0.20)), float(rng.uniform(0.20, 0.26))
    return float(rng.uniform(0.35, 0.5)), float(rng.uniform(0.25, 0.32))


def sample_scale(width_m: float, rng: Rng) -> float:
    """Size of the pictured face against its natural size: mostly natural, on a phone what fits."""
    drawn = float(np.exp(rng.uniform(np.log(0.5), np.log(1.6))))
    other = drawn if rng.random() < 0.35 else 1.0
    return min(other, width_m / float(rng.uniform(0.11, 0.17))) if width_m < _PHONE_M else other


def sample_sheet(species: Species, width: float, height: float, rng: Rng) -> Mesh:
    """A sheet as its species wants it: slack, bent about any axis, folded at the nose, wrapped round a face."""
    slack, wave = 1 / float(rng.uniform(-1.2, 1.2)), float(rng.uniform(0.0, 0.06))
    axis = float(rng.normal(np.pi / 2, 0.2) if rng.random() < 0.7 else rng.uniform(0, np.pi))
    bend = float(rng.uniform(0.06, 0.30) * rng.choice([1.0, 1.0, 1.0, -1.0]))
    fold, crease = float(rng.uniform(0.15, 0.55)), float(rng.uniform(0.004, 0.012))
    if species == "curved_print":
        return sheet(width, height, bend, axis, anchor=ANCHOR)
    if species == "folded_print":
        return sheet(width, height, np.inf, anchor=ANCHOR, fold_rad=fold, fold_width_m=crease)
    if species == "wrapped_print":
        return wrapped(width, height, rng)
    if species == "trimmed_print" and rng.random() < 0.3:
        return sheet(width, height, bend, np.pi / 2, anchor=ANCHOR)
    return sheet(width, height, slack, axis, anchor=ANCHOR, wave_rad=wave)


def wrapped(width: float, height: float, rng: Rng) -> Mesh:
    """A sheet bent about the vertical as a head is round, and folded at the nose; its edges still face the camera."""
    radius = max(float(rng.uniform(0.07, 0.11)), width / _WIDEST)
    fold = min(float(rng.uniform(0.10, 0.40)), _STEEPEST - width / (2 * radius))
    crease = float(rng.uniform(0.005, 0.015))
    return sheet(width, height, radius, anchor=ANCHOR, fold_rad=fold, fold_width_m=crease, cell_m=0.004)


def printed(species: Species, picture: Picture, glossy: bool, rng: Rng) -> F32:
    """What paper, vinyl or a screen makes of a picture: albedo or light, float32 [h, w, 4]."""
    if species == "screen_replay":
        return show_on_screen(picture.rgb * np.float32(rng.uniform(0.5, 1.5)), rng)
    if species == "vinyl_banner":
        return print_on_vinyl(picture.rgb, rng)
    ink: PrintKind = "photo" if glossy else rng.choice(["laser", "photo", "mono"], p=[0.6, 0.3, 0.1])
    return print_on_paper(picture.rgb, ink, rng)


def sample_screen(width: float, height: float, rng: Rng) -> Mesh:
    """A phone, tablet or monitor round a lit area."""
    return screen(width, height, float(rng.uniform(0.002, 0.012)), anchor=ANCHOR)


def cut_along(whole: Mesh, picture: Picture) -> Mesh:
    """A print trimmed to the head that it shows."""
    return trimmed(whole, picture.outline)
