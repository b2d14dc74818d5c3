"""Masks worn over a face: a shell off the head's own surface, real eyes behind irregular holes.

The mask stands on the wearer's head, so size and shape of masked faces follow those of live ones; what differs is
what differs in life: material, thickness, the step at its edges, eyes that lie deeper, lids that do not move.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from drivers.simulated.hair import ramp, ripple
from drivers.simulated.heads import Expression
from drivers.simulated.mesh import F32, F64, Mesh, Region, cut_faces, merged, rim, smoothed

MaskKind = Literal["resin", "silicone"]

_EYE = np.array([0.0308, 0.0010])  # canonical x, y of the eye at image right, metres
_BELOW_EDGE_M = 0.010  # how far the wearer's skin goes on below the mask's edge
_EYE_REGIONS = (Region.SCLERA, Region.IRIS, Region.PUPIL, Region.LASHES)


@dataclass(frozen=True, slots=True)
class MaskCut:
    """Where a mask is cut. `hole_m`: half width and height of the eye holes; `phase` picks the irregularities."""

    hole_m: tuple[float, float] = (0.0165, 0.0080)
    ragged: float = 0.12
    phase: float = 0.0


def sample_cut(rng: np.random.Generator) -> MaskCut:
    """Holes from close to the lid line to generous, cut by hand."""
    size = rng.uniform(0.9, 1.25)
    return MaskCut((0.0158 * size, 0.0074 * size * rng.uniform(0.85, 1.2)), rng.uniform(0.05, 0.2), rng.uniform(0, 6))


def behind_mask(expression: Expression, kind: MaskKind) -> Expression:
    """What of the wearer's expression shows: of a rigid mask only the eyes, of silicone half of the rest."""
    share = 0.0 if kind == "resin" else 0.5
    return replace(
        expression,
        mouth_open=share * expression.mouth_open,
        smile=share * expression.smile,
        brow_raise=share * expression.brow_raise,
        pucker=share * expression.pucker,
        units=tuple((name, share * weight) for name, weight in expression.units if share),
    )


def mask_shell(
    head: Mesh, kind: MaskKind, thickness_m: float, *, eye_gap_m: float = 0.003, cut: MaskCut | None = None
) -> Mesh:
    """The masked person: mask, and what of the wearer shows (eyes behind the holes, hair, neck, shirt).

    head: of `heads.head_mesh` with the expression of `behind_mask`
    kind: resin covers the face to the ears with a closed mouth, silicone the head down to the neck
    thickness_m: resin 2-4 mm, silicone 2-5 mm; eye_gap_m: how much deeper the real eyes lie, 1-6 mm
    """
    shape = cut or MaskCut()
    place = head.canonical.astype(np.float64)
    hole = _hole_distance(place, shape)
    level = np.minimum(_extent(place, kind, shape.phase), hole).astype(np.float32)
    if kind == "resin":  # hair is combed over a face mask's edge
        level = np.minimum(level, 0.02 * (0.6 - head.hair))
    covered = [Region.SKIN, Region.LIPS] + ([Region.MOUTH] if kind == "resin" else [])
    shell = _shell(head, level, covered, thickness_m)
    return merged([_wearer(head, level, hole, covered, eye_gap_m, thickness_m), *shell])


def _hole_distance(place: F64, shape: MaskCut) -> F64:
    """About metres to the edge of the nearer eye hole, negative inside it, on canonical points [N, 3]."""
    offset = np.stack([np.abs(place[:, 0]), place[:, 1]], 1) - _EYE
    radius = np.hypot(*(offset / shape.hole_m).T) / (1 + shape.ragged * ripple(place, shape.phase, 0.018))
    return np.where(place[:, 2] < 0.05, (radius - 1) * shape.hole_m[1], 1.0)


def _extent(place: F64, kind: MaskKind, phase: float) -> F64:
    """About metres to the mask's outer edge, positive on it, of canonical points [N, 3]."""
    x, y, z = place.T
    ragged = 0.003 * ripple(place, phase, 0.05)
    if kind == "silicone":
        return np.asarray(0.150 - y - 0.35 * (z - 0.05) + ragged)
    jaw = 0.118 - y - 0.25 * np.maximum(z - 0.01, 0)
    return np.asarray(np.minimum.reduce([0.078 - z, y + 0.072, jaw, 0.085 - np.abs(x)]) + ragged)


def _shell(head: Mesh, level: F32, covered: list[Region], thickness_m: float) -> list[Mesh]:
    cut = cut_faces(head.faces, level)
    whole = cut.applied(head)
    surface = whole.kept(cut.above & np.isin(whole.region, covered))
    # Smoothed normals shrink in folds, so that lips and nostrils do not grow through each other.
    stand_off = thickness_m * smoothed(surface.vertex_normals(), surface.faces, 6)
    lips = surface.region == Region.LIPS
    region = np.where(lips, np.int16(Region.MASK_LIPS), np.int16(Region.MASK))
    outer = replace(surface.with_vertices(surface.vertices + stand_off), region=region)
    wall, owner = rim(outer)
    sunk = surface.vertices - 0.25 * stand_off
    both = merged([outer, outer.with_vertices(sunk)])
    near_eye = np.hypot(*(np.abs(outer.canonical[outer.faces[owner, 0], :2]) - _EYE).T) < 0.03
    kind = np.where(near_eye, np.int16(Region.MASK_EYE_HOLE_RIM), region[owner])
    edges = replace(both, faces=wall, region=kind.astype(np.int16))
    return [outer, edges.kept(np.ones(len(wall), np.bool_))]


def _wearer(head: Mesh, level: F32, hole: F64, covered: list[Region], eye_gap_m: float, thickness_m: float) -> Mesh:
    """The head without what lies below the mask, its eyes and their lids moved back, glasses over the mask."""
    hidden = np.isin(head.region, covered) & np.all(level[head.faces] > _BELOW_EDGE_M, axis=1)
    back = eye_gap_m * ramp(hole, _BELOW_EDGE_M + 0.008, _BELOW_EDGE_M)
    back[_vertices_of(head, _EYE_REGIONS)] = eye_gap_m
    back[_vertices_of(head, (Region.GLASSES_FRAME,))] = -thickness_m
    moved = head.vertices + np.stack([np.zeros_like(back), np.zeros_like(back), back], 1)
    return head.with_vertices(moved).kept(~hidden)


def _vertices_of(head: Mesh, regions: tuple[Region, ...]) -> NDArray[np.int32]:
    return np.unique(head.faces[np.isin(head.region, regions)])
