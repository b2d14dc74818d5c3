"""Shapes of presentation attack instruments, in the head frame: what they show or cover sits where a face would.

A sheet or screen carries picture coordinates `uv`; its `anchor` (u, v) is the place of the picture that comes to
the origin, between the eyes. Which picture is nobody's business here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from drivers.simulated.hands import hand, hand_holding
from drivers.simulated.masks import behind_mask, mask_shell
from drivers.simulated.mesh import F32, F64, Mesh, Region, cut_faces, grid_faces, merged, mesh

__all__ = [
    "Hole",
    "behind_mask",
    "folded_sheet",
    "hand",
    "hand_holding",
    "mask_shell",
    "pierced",
    "screen",
    "sheet",
    "silhouette",
    "trimmed",
    "trimmed_sheet",
]

Anchor = tuple[float, float]

CENTRE: Anchor = (0.5, 0.42)
_CELL_M = 0.006
_LARGEST_TURN = 2.2  # radians a bent sheet may turn from its middle to an edge


def sheet(
    width_m: float,
    height_m: float,
    bend_radius_m: float = np.inf,
    bend_axis_rad: float = np.pi / 2,
    *,
    anchor: Anchor = CENTRE,
    fold_rad: float = 0.0,
    fold_width_m: float = 0.006,
    wave_rad: float = 0.0,
    wave_length_m: float = 0.15,
    cell_m: float = _CELL_M,
) -> Mesh:
    """A sheet of paper, bent and folded about one axis: a developable, so the print is not stretched.

    bend_radius_m: of the cylinder, > 0 with its edges away from the camera, < 0 towards it
    bend_axis_rad: direction of the axis in the sheet, 0 = along x, pi/2 = upright
    fold_rad: each half turns back by this at the axis through the anchor (a nose ridge), over `fold_width_m`
    wave_rad, wave_length_m: slope and period of a slack sheet's wave
    cell_m: size of its triangles
    """
    rows, columns = (max(2, int(np.ceil(size / cell_m)) + 1) for size in (height_m, width_m))
    v, u = np.meshgrid(np.linspace(0, 1, rows), np.linspace(0, 1, columns), indexing="ij")
    uv = np.stack([u, v], -1).reshape(-1, 2)
    flat = (uv - np.array(anchor)) * (width_m, height_m)
    axis = np.array([np.cos(bend_axis_rad), np.sin(bend_axis_rad)])
    across = np.array([axis[1], -axis[0]])
    place = flat @ across

    def heading(s: F64) -> F64:
        bent = np.clip(s / bend_radius_m, -_LARGEST_TURN, _LARGEST_TURN)
        folded = fold_rad * np.tanh(s / (0.5 * fold_width_m))
        return np.asarray(bent + folded + wave_rad * np.sin(2 * np.pi * s / wave_length_m))

    forward, depth = _profile(place, heading)
    points = np.concatenate([(flat @ axis)[:, None] * axis + forward[:, None] * across, depth[:, None]], axis=1)
    return mesh(points, grid_faces(rows, columns), Region.PAPER, uv)


def _profile(place: F64, heading: Callable[[F64], F64]) -> tuple[F64, F64]:
    """Integrates a curve's heading from 0 to each arc length `place` [N]: distance along the chord, and depth."""
    reach = float(np.abs(place).max()) + 1e-6
    s = np.linspace(-reach, reach, 2049)
    angle = heading(s)
    step = s[1] - s[0]
    middle = len(s) // 2
    forward = np.concatenate([[0.0], np.cumsum(0.5 * (np.cos(angle[1:]) + np.cos(angle[:-1])))]) * step
    depth = np.concatenate([[0.0], np.cumsum(0.5 * (np.sin(angle[1:]) + np.sin(angle[:-1])))]) * step
    return (
        np.interp(place, s, forward - forward[middle]),
        np.interp(place, s, depth - depth[middle]),
    )


def folded_sheet(
    width_m: float,
    height_m: float,
    fold_rad: float = 0.35,
    *,
    bend_radius_m: float = np.inf,
    anchor: Anchor = CENTRE,
    fold_width_m: float = 0.006,
) -> Mesh:
    """A sheet folded upright at the nose ridge; with a bend radius of some 90 mm also wrapped round a face."""
    return sheet(
        width_m,
        height_m,
        bend_radius_m,
        np.pi / 2,
        anchor=anchor,
        fold_rad=fold_rad,
        fold_width_m=fold_width_m,
    )


def trimmed(whole: Mesh, outline: ArrayLike, holes: Sequence[ArrayLike] = ()) -> Mesh:
    """A sheet cut along an outline (float [K, 2], uv, closed), with holes of the same kind."""
    size = np.ptp(whole.canonical[:, :2], axis=0)
    level = _inside(whole.uv, outline, size)
    for hole in holes:
        level = np.minimum(level, -_inside(whole.uv, hole, size))
    cut = cut_faces(whole.faces, level)
    return cut.applied(whole).kept(cut.above)


def trimmed_sheet(
    outline: ArrayLike,
    width_m: float,
    height_m: float,
    bend_radius_m: float = np.inf,
    bend_axis_rad: float = np.pi / 2,
    *,
    anchor: Anchor = CENTRE,
    fold_rad: float = 0.0,
    wave_rad: float = 0.0,
    holes: Sequence[ArrayLike] = (),
) -> Mesh:
    """A sheet trimmed to an outline (float [K, 2], uv, closed), for instance a `silhouette`."""
    whole = sheet(width_m, height_m, bend_radius_m, bend_axis_rad, anchor=anchor, fold_rad=fold_rad, wave_rad=wave_rad)
    return trimmed(whole, outline, holes)


def _inside(uv: F32, outline: ArrayLike, size: ArrayLike) -> F32:
    """Signed distance to a polygon, metres float32 [N], positive inside; `size` of the sheet [2] metres."""
    scale = np.asarray(size, np.float64)
    points, corners = uv * scale, np.asarray(outline, np.float64) * scale
    following = np.roll(corners, -1, axis=0)
    along = following - corners
    offset = points[:, None] - corners[None]
    length2 = np.maximum((along**2).sum(-1), 1e-18)
    part = np.clip((offset * along).sum(-1) / length2, 0, 1)
    distance = np.linalg.norm(offset - part[..., None] * along, axis=-1).min(1)
    x, y = points[:, 0, None], points[:, 1, None]
    crosses = (corners[:, 1] > y) != (following[:, 1] > y)
    rise = np.where(along[:, 1] == 0, 1.0, along[:, 1])
    odd = (crosses & (x < corners[:, 0] + (y - corners[:, 1]) / rise * along[:, 0])).sum(1) % 2 == 1
    return np.asarray(np.where(odd, distance, -distance), np.float32)


def silhouette(region: NDArray[np.int16]) -> F32:
    """Outline float32 [K, 2], uv, of what a picture shows of a head without its shirt.

    region: int16 [H, W], `Region` of each pixel, -1 where there is nothing
    """
    head = ((region >= 0) & (region != Region.CLOTH)).astype(np.uint8)
    contours, _ = cv2.findContours(head, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    largest = max(contours, key=cv2.contourArea)
    outline = cv2.approxPolyDP(largest, 1.0, closed=True).reshape(-1, 2) + 0.5
    return np.asarray(outline / region.shape[::-1], np.float32)


@dataclass(frozen=True, slots=True)
class Hole:
    """An ellipse cut out of a sheet with scissors: `centre` uv, half width and height in metres."""

    centre: tuple[float, float]
    half_m: tuple[float, float]


def pierced(whole: Mesh, holes: Sequence[Hole], size_m: tuple[float, float], phase: float) -> Mesh:
    """A sheet of the given width and height with holes; `phase` picks how the scissors err."""
    level = np.full(len(whole.uv), np.inf)
    for hole in holes:
        offset = (whole.uv - hole.centre) * size_m
        angle = np.arctan2(offset[:, 1], offset[:, 0])
        radius = np.hypot(*(offset / hole.half_m).T) / (1 + 0.06 * np.sin(3 * angle + phase) + 0.04 * np.sin(5 * angle))
        level = np.minimum(level, (radius - 1) * min(hole.half_m))
    cut = cut_faces(whole.faces, level.astype(np.float32))
    return cut.applied(whole).kept(cut.above)


def screen(
    width_m: float,
    height_m: float,
    bezel_m: float = 0.004,
    *,
    thickness_m: float = 0.008,
    corner_m: float = 0.006,
    anchor: Anchor = (0.5, 0.5),
) -> Mesh:
    """A phone, tablet or monitor: the lit area with uv 0..1 in a bezel, on a slab with rounded corners."""
    rows, columns = 9, 9
    v, u = np.meshgrid(np.linspace(0, 1, rows), np.linspace(0, 1, columns), indexing="ij")
    uv = np.stack([u, v], -1).reshape(-1, 2)
    origin = np.array(anchor)
    lit_points = np.pad((uv - origin) * (width_m, height_m), ((0, 0), (0, 1)))
    lit = mesh(lit_points, grid_faces(rows, columns), Region.SCREEN, uv)

    arc = np.linspace(0, np.pi / 2, 6)
    angle = (np.arange(4)[:, None] * np.pi / 2 + arc).ravel()
    quadrant = np.repeat(np.array([[1, 1], [-1, 1], [-1, -1], [1, -1]]), len(arc), axis=0)
    middle = (0.5 - origin) * (width_m, height_m)
    half = np.array([width_m, height_m]) / 2
    corner = min(corner_m, bezel_m + 0.5 * float(half.min()))
    inner = middle + quadrant * half
    outer = middle + quadrant * (half + bezel_m - corner) + corner * np.stack([np.cos(angle), np.sin(angle)], 1)
    front = [np.pad(loop, ((0, 0), (0, 1))) for loop in (inner, outer)]
    back_side = np.array([0.0, 0.0, thickness_m])
    loops = [*front, front[1] + back_side, front[0] + back_side]
    count = len(angle)
    index = np.arange(len(loops) * count).reshape(len(loops), count)
    a, b = index[:-1], np.roll(index, -1, axis=1)[:-1]
    d, c = index[1:], np.roll(index, -1, axis=1)[1:]
    faces = np.concatenate([np.stack([a, b, c], -1).reshape(-1, 3), np.stack([a, c, d], -1).reshape(-1, 3)])
    back = np.stack([np.full(count, index[3, 0]), np.roll(index[3], -1), index[3]], 1)[:, ::-1]
    body = mesh(np.concatenate(loops), np.concatenate([faces, back]), Region.BEZEL)
    return merged([lit, body])
