"""Masks worn over a face: a shell off the head's own surface, real eyes behind irregular holes.

The mask stands on the wearer's head, so size and shape of masked faces follow those of live ones; what differs is
what differs in life: material, thickness, the step at its edges, eyes that lie deeper, lids that do not move.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from drivers.simulated.hair import ramp, ripple
from drivers.simulated.heads import Expression
from drivers.simulated.matter import MaskKind
from drivers.simulated.mesh import F32, F64, Mesh, Region, cut_faces, merged, rim, smoothed

SOFT: Final = frozenset(("silicone", "latex", "textile"))
"""Stuff that follows half of what a face does below it. The rest is rigid."""
_THICKNESS_M: Final[dict[MaskKind, tuple[float, float]]] = {
    "resin": (0.002, 0.004),
    "plaster": (0.003, 0.006),
    "silicone": (0.002, 0.005),
    "latex": (0.001, 0.002),
    "plastic": (0.001, 0.003),
    "textile": (0.0006, 0.0012),
}
_EYE = np.array([0.0308, 0.0010])  # canonical x, y of the eye at image right, metres
_LARGEST_OFFSET_M = 0.018
_FITTED_M = 0.022  # within this of its edges a mask takes the shape of who wears it
_BELOW_EDGE_M = 0.010  # how far the wearer's skin goes on below the mask's edge
_EYE_REGIONS = (Region.SCLERA, Region.IRIS, Region.PUPIL, Region.LASHES)


@dataclass(frozen=True, slots=True)
class MaskCut:
    """Where a mask is cut. `hole_m`: half width and height of the eye holes; `edge`: thickness left at them, a share;
    `phase` picks the irregularities.
    """

    hole_m: tuple[float, float] = (0.0165, 0.0080)
    ragged: float = 0.12
    phase: float = 0.0
    edge: float = 1.0


def sample_cut(rng: np.random.Generator, kind: MaskKind = "resin") -> MaskCut:
    """Holes from close to the lid line to generous, cut by hand; soft stuff may run out thin on the lids."""
    size, edge = rng.uniform(0.9, 1.25), rng.uniform(0.05, 1.0)
    hole = (0.0158 * size, 0.0074 * size * rng.uniform(0.85, 1.2))
    return MaskCut(hole, rng.uniform(0.05, 0.3), rng.uniform(0, 6), edge if kind in SOFT else 0.5 + 0.5 * edge)


def sample_thickness(rng: np.random.Generator, kind: MaskKind) -> float:
    """Metres."""
    return float(rng.uniform(*_THICKNESS_M[kind]))


def sample_eye_gap(rng: np.random.Generator, kind: MaskKind) -> float:
    """How much deeper the real eyes lie, metres: thin soft stuff is glued to the lids."""
    return float(rng.uniform(0.0003, 0.004) if kind in SOFT else rng.uniform(0.001, 0.006))


def behind_mask(expression: Expression, kind: MaskKind) -> Expression:
    """What of the wearer's expression shows: of a rigid mask only the eyes, of soft stuff half of the rest."""
    share = 0.5 if kind in SOFT else 0.0
    return replace(
        expression,
        mouth_open=share * expression.mouth_open,
        smile=share * expression.smile,
        brow_raise=share * expression.brow_raise,
        pucker=share * expression.pucker,
        units=tuple((name, share * weight) for name, weight in expression.units if share),
    )


@dataclass(frozen=True, slots=True, eq=False)
class Likeness:
    """Whose face a mask shows, over that of its wearer, vertex by vertex of the wearer's head.

    offset: float32 [N, 3] metres, outwards or along the wearer's skin; brow, beard: float32 [N], as painted
    """

    offset: F32
    brow: F32
    beard: F32


def likeness(wearer: Mesh, other: Mesh, kind: MaskKind) -> Likeness:
    """The face of `other` as a mask on the head of `wearer`: heads of one topology with the eyes in one place.

    A mask never lies deeper than the skin below it, and its own features fade out where it fits its wearer.
    """
    normals = wearer.vertex_normals()
    offset = other.vertices - wearer.vertices
    outwards = (offset * normals).sum(axis=1, keepdims=True)
    offset = offset + np.maximum(-outwards, 0) * normals
    offset = smoothed(offset, wearer.faces, 14 if kind == "textile" else 3)
    offset *= np.minimum(1.0, _LARGEST_OFFSET_M / np.maximum(np.linalg.norm(offset, axis=1, keepdims=True), 1e-9))
    return Likeness(offset.astype(np.float32), other.brow, other.beard)


def mask_shell(
    head: Mesh,
    kind: MaskKind,
    thickness_m: float,
    *,
    eye_gap_m: float = 0.003,
    cut: MaskCut | None = None,
    face: Likeness | None = None,
) -> Mesh:
    """The masked person: mask, and what of the wearer shows (eyes behind the holes, hair, neck, shirt).

    head: of `heads.head_mesh` with the expression of `behind_mask`
    kind: rigid ones cover the face to the ears with a closed mouth, soft ones the head down to the neck
    thickness_m: see `sample_thickness`; eye_gap_m: how much deeper the real eyes lie, 0.3-6 mm
    face: whose face it shows, the wearer's own without
    """
    shape = cut or MaskCut()
    place = head.canonical.astype(np.float64)
    hole = _hole_distance(place, shape)
    level = np.minimum(_extent(place, kind, shape.phase), hole).astype(np.float32)
    if kind not in SOFT:  # hair is combed over a face mask's edge
        level = np.minimum(level, 0.02 * (0.6 - head.hair))
    covered = [Region.SKIN, Region.LIPS] + ([] if kind in SOFT else [Region.MOUTH])
    shown = head if face is None else replace(head, brow=face.brow, beard=face.beard)
    edge = shape.edge + (1 - shape.edge) * ramp(hole, 0.0, 0.012)
    stand_off = (thickness_m * edge).astype(np.float32)
    offset = np.zeros_like(head.vertices) if face is None else _shown_offset(level, face)
    shell = _shell(shown, level, covered, stand_off, offset, kind)
    return merged([_wearer(head, level, hole, covered, eye_gap_m, thickness_m), *shell])


def _shown_offset(level: F32, face: Likeness) -> F32:
    """How far a mask's own features move its surface, float32 [N, 3]: nothing at its edges."""
    return np.asarray(face.offset * ramp(level, 0.001, _FITTED_M)[:, None], np.float32)


def _hole_distance(place: F64, shape: MaskCut) -> F64:
    """About metres to the edge of the nearer eye hole, negative inside it, on canonical points [N, 3]."""
    offset = np.stack([np.abs(place[:, 0]), place[:, 1]], 1) - _EYE
    radius = np.hypot(*(offset / shape.hole_m).T) / (1 + shape.ragged * ripple(place, shape.phase, 0.018))
    return np.where(place[:, 2] < 0.05, (radius - 1) * shape.hole_m[1], 1.0)


def _extent(place: F64, kind: MaskKind, phase: float) -> F64:
    """About metres to the mask's outer edge, positive on it, of canonical points [N, 3]."""
    x, y, z = place.T
    ragged = 0.003 * ripple(place, phase, 0.05)
    if kind in SOFT:
        return np.asarray(0.150 - y - 0.35 * (z - 0.05) + ragged)
    jaw = 0.118 - y - 0.25 * np.maximum(z - 0.01, 0)
    return np.asarray(np.minimum.reduce([0.078 - z, y + 0.072, jaw, 0.085 - np.abs(x)]) + ragged)


def _shell(
    head: Mesh, level: F32, covered: list[Region], thickness: F32, offset: F32, kind: MaskKind
) -> list[Mesh]:  # fmt: skip
    cut = cut_faces(head.faces, level)
    whole = cut.applied(head)
    # the vertices' order is kept, so that what belongs to one can be looked up after the cut
    keep = cut.above & np.isin(whole.region, covered)
    used = np.unique(whole.faces[keep])
    surface = whole.kept(keep)
    if kind == "textile":  # stretched cloth spans hollows
        surface = surface.with_vertices(smoothed(surface.vertices, surface.faces, 10, _inner(surface)))
    # Smoothed normals shrink in folds, so that lips and nostrils do not grow through each other.
    stand_off = cut.extended(thickness)[used, None] * smoothed(surface.vertex_normals(), surface.faces, 6)
    moved = cut.extended(offset)[used]
    lips = surface.region == Region.LIPS
    region = np.where(lips, np.int16(Region.MASK_LIPS), np.int16(Region.MASK))
    outer = replace(surface.with_vertices(surface.vertices + moved + stand_off), region=region)
    wall, owner = rim(outer)
    sunk = surface.vertices + moved - 0.25 * stand_off
    both = merged([outer, outer.with_vertices(sunk)])
    near_eye = np.hypot(*(np.abs(outer.canonical[outer.faces[owner, 0], :2]) - _EYE).T) < 0.03
    stuff = np.where(near_eye, np.int16(Region.MASK_EYE_HOLE_RIM), region[owner])
    edges = replace(both, faces=wall, region=stuff.astype(np.int16))
    return [outer, edges.kept(np.ones(len(wall), np.bool_))]


def _inner(surface: Mesh) -> NDArray[np.bool_]:
    """Vertices that lie on no open edge."""
    inner = np.ones(len(surface.vertices), np.bool_)
    wall, _ = rim(surface)
    inner[np.unique(wall) % len(inner)] = False
    return inner


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
