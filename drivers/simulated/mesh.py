"""What the simulated world is made of: triangles that know their region and their place on a template."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]


class Region(IntEnum):
    """What a triangle is part of. Materials hang on it; stored as int16."""

    SKIN = 0
    LIPS = 1
    SCLERA = 2
    IRIS = 3
    PUPIL = 4
    BROW = 5
    HAIR = 6
    BEARD = 7
    TEETH = 8
    TONGUE = 9
    LASHES = 10
    MOUTH = 11
    CLOTH = 12
    PAPER = 13
    SCREEN = 14
    BEZEL = 15
    MASK = 16
    MASK_EYE_HOLE_RIM = 17
    HAND = 18
    WALL = 19
    FURNITURE = 20
    PLASTIC = 21
    GLASSES_FRAME = 22
    MASK_LIPS = 23  # a mask's own material, painted as lips


@dataclass(frozen=True, slots=True, eq=False)
class Mesh:
    """Triangles in metres; arrays are read-only.

    vertices: float32 [N, 3], OpenCV axes (x right, y down, z forward)
    faces: int32 [M, 3], right-handed: (v1 - v0) x (v2 - v0) points out of the body
    canonical: float32 [N, 3], the vertex on the neutral template, metres, the same for every identity
        and expression; procedural texture is a function of it
    uv: float32 [N, 2], picture coordinates of a sheet or screen, 0..1, v down; zeros elsewhere
    region: int16 [M], `Region` of each face
    hair, brow, beard: float32 [N], how much of the skin below the vertex hair covers, 0..1
    """

    vertices: F32
    faces: NDArray[np.int32]
    canonical: F32
    uv: F32
    region: NDArray[np.int16]
    hair: F32
    brow: F32
    beard: F32

    def __post_init__(self) -> None:
        for array in self.arrays():
            array.flags.writeable = False

    def arrays(self) -> tuple[NDArray[Any], ...]:
        """Every array, in the order of the fields."""
        return (self.vertices, self.faces, self.canonical, self.uv, self.region, self.hair, self.brow, self.beard)

    def transformed(self, R: ArrayLike, t: ArrayLike) -> Mesh:
        """The mesh moved rigidly: R v + t, R [3, 3], t [3] metres."""
        rotation = np.asarray(R, np.float32)
        return self.with_vertices(self.vertices @ rotation.T + np.asarray(t, np.float32))

    def with_vertices(self, vertices: ArrayLike) -> Mesh:
        """The same surface with its vertices elsewhere."""
        return replace(self, vertices=np.ascontiguousarray(vertices, np.float32))

    def kept(self, keep: NDArray[np.bool_]) -> Mesh:
        """Only the faces of `keep` (bool [M]) and the vertices that they use."""
        used, inverse = np.unique(self.faces[keep], return_inverse=True)
        return Mesh(
            self.vertices[used],
            inverse.reshape(-1, 3).astype(np.int32),
            self.canonical[used],
            self.uv[used],
            self.region[keep],
            self.hair[used],
            self.brow[used],
            self.beard[used],
        )

    def vertex_normals(self) -> F32:
        """Unit outward normals float32 [N, 3], weighted by area; zero where a vertex has no face."""
        return vertex_normals(self.vertices, self.faces)


def rotation(yaw_deg: float, pitch_deg: float, roll_deg: float) -> F64:
    """R float64 [3, 3] of a head or eyeball: yaw > 0 turns the face to image right.

    pitch > 0 turns it down, roll > 0 clockwise in the image.
    """
    yaw, pitch, roll = np.radians([-yaw_deg, pitch_deg, roll_deg])
    about_y = np.array([[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]])
    about_x = np.array([[1, 0, 0], [0, np.cos(pitch), -np.sin(pitch)], [0, np.sin(pitch), np.cos(pitch)]])
    about_z = np.array([[np.cos(roll), -np.sin(roll), 0], [np.sin(roll), np.cos(roll), 0], [0, 0, 1]])
    return np.asarray(about_y @ about_x @ about_z)


def mesh(vertices: ArrayLike, faces: ArrayLike, region: Region | ArrayLike, uv: ArrayLike | None = None) -> Mesh:
    """A mesh of plain material: its canonical positions are its vertices, no hair."""
    points = np.array(vertices, np.float32, order="C")
    triangles = np.array(faces, np.int32, order="C")
    count = len(points)
    return Mesh(
        points,
        triangles,
        points.copy(),
        np.zeros((count, 2), np.float32) if uv is None else np.array(uv, np.float32, order="C"),
        np.array(np.broadcast_to(np.asarray(region, np.int16), len(triangles))),
        *(np.zeros(count, np.float32) for _ in range(3)),
    )


def merged(meshes: Sequence[Mesh]) -> Mesh:
    """Several meshes as one, in their order. At least one."""
    offsets = np.cumsum([0] + [len(part.vertices) for part in meshes[:-1]])
    columns: list[NDArray[Any]] = [
        np.concatenate(column) for column in zip(*(part.arrays() for part in meshes), strict=True)
    ]
    columns[1] = np.concatenate(
        [part.faces + np.int32(offset) for part, offset in zip(meshes, offsets, strict=True)]
    ).astype(np.int32)
    return Mesh(*columns)


def vertex_normals(vertices: F32, faces: NDArray[np.int32]) -> F32:
    """Area-weighted unit normals float32 [N, 3] of a triangle mesh."""
    corners = vertices[faces]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    total = np.zeros((len(vertices), 3))
    for axis in range(3):
        for corner in range(3):
            total[:, axis] += np.bincount(faces[:, corner], normals[:, axis], len(vertices))
    length = np.linalg.norm(total, axis=1, keepdims=True)
    return np.asarray(total / np.maximum(length, 1e-20), np.float32)


def grid_faces(rows: int, columns: int) -> NDArray[np.int32]:
    """Triangles int32 [2 (rows-1) (columns-1), 3] of a row-major grid of vertices.

    With columns along x and rows along y (down) the outside is towards -z, the camera.
    """
    index = np.arange(rows * columns, dtype=np.int32).reshape(rows, columns)
    a, b, c, d = index[:-1, :-1], index[:-1, 1:], index[1:, 1:], index[1:, :-1]
    return np.concatenate([np.stack([a, d, b], -1).reshape(-1, 3), np.stack([b, d, c], -1).reshape(-1, 3)])


@dataclass(frozen=True, slots=True, eq=False)
class Cut:
    """A triangulation cut along a level line: new vertices lie on edges, at (1 - part) start + part end.

    faces: int32 [M', 3]; parent: int32 [M'], the old face of each; above: bool [M'], level > 0
    start, end: int32 [K], the cut edges; part: float32 [K]
    """

    faces: NDArray[np.int32]
    parent: NDArray[np.int32]
    above: NDArray[np.bool_]
    start: NDArray[np.int32]
    end: NDArray[np.int32]
    part: F32

    def extended(self, values: NDArray[Any]) -> NDArray[Any]:
        """Vertex values [N, ...] followed by those of the K new vertices, dtype kept."""
        part = self.part.reshape(-1, *(1,) * (values.ndim - 1))
        between = (1 - part) * values[self.start] + part * values[self.end]
        extended: NDArray[Any] = np.concatenate([values, between.astype(values.dtype)])
        return extended

    def applied(self, surface: Mesh) -> Mesh:
        """The mesh that was cut, with the cut's faces."""
        fields = (surface.vertices, surface.canonical, surface.uv, surface.hair, surface.brow, surface.beard)
        vertices, canonical, uv, hair, brow, beard = (self.extended(field) for field in fields)
        return Mesh(vertices, self.faces, canonical, uv, surface.region[self.parent], hair, brow, beard)


def cut_faces(faces: NDArray[np.int32], level: F32) -> Cut:
    """Cuts each triangle that the zero line of `level` (float32 [N]) crosses, into three.

    A seam with a clean edge where the vertices of the template do not follow it: collar, eye hole, outline.
    """
    above = level > 0
    corner_above = above[faces]
    number = corner_above.sum(1)
    mixed = np.flatnonzero((number == 1) | (number == 2))
    lone_above = number[mixed] == 1
    # Turn each mixed triangle so that its lone corner comes first; the turn keeps the winding.
    lone = np.argmax(corner_above[mixed] == lone_above[:, None], axis=1)
    turned = faces[mixed[:, None], (lone[:, None] + np.arange(3)) % 3]
    a, b, c = turned.T
    edges = np.concatenate([np.stack([a, b], 1), np.stack([a, c], 1)])
    unique, inverse = np.unique(np.sort(edges, axis=1), axis=0, return_inverse=True)
    start, end = unique.reshape(-1, 2).astype(np.int32).T
    part = level[start] / (level[start] - level[end]) if len(unique) else np.zeros(0, np.float32)
    on_ab, on_ac = (inverse.reshape(2, -1) + len(level)).astype(np.int32)
    tip = np.stack([a, on_ab, on_ac], 1)
    rest = np.concatenate([np.stack([on_ab, b, c], 1), np.stack([on_ab, c, on_ac], 1)])
    whole = np.flatnonzero((number == 0) | (number == 3))
    return Cut(
        np.concatenate([faces[whole], tip, rest]).astype(np.int32),
        np.concatenate([whole, mixed, mixed, mixed]).astype(np.int32),
        np.concatenate([number[whole] == 3, lone_above, ~lone_above, ~lone_above]),
        start,
        end,
        part.astype(np.float32),
    )


def smoothed(
    values: NDArray[Any], faces: NDArray[np.int32], rounds: int, where: NDArray[np.bool_] | None = None
) -> NDArray[Any]:
    """Vertex values [N, C] moved `rounds` times to the mean of their neighbours, only at `where` (bool [N])."""
    count = len(values)
    chosen = np.ones(count, np.bool_) if where is None else where
    edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    edges = np.concatenate([edges, edges[:, ::-1]])
    start, end = edges[chosen[edges[:, 0]]].T
    degree = np.maximum(np.bincount(start, minlength=count), 1)
    result = values.copy()
    for _ in range(rounds):
        for column in range(values.shape[1]):
            mean = np.bincount(start, result[end, column], count) / degree
            result[chosen, column] = mean[chosen]
    return result


def rim(surface: Mesh) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """The wall between the open edges of a surface and those of its twin, whose vertices follow the surface's.

    Returns triangles int32 [K, 3] over the 2 N vertices of both, and the surface's face beside each, int32 [K].
    """
    directed = np.concatenate([surface.faces[:, [0, 1]], surface.faces[:, [1, 2]], surface.faces[:, [2, 0]]])
    owner = np.tile(np.arange(len(surface.faces), dtype=np.int32), 3)
    size = len(surface.vertices)
    low, high = directed.min(1).astype(np.int64), directed.max(1)
    _, inverse, count = np.unique(low * size + high, return_inverse=True, return_counts=True)
    open_edge = count[inverse] == 1
    a, b = directed[open_edge].T
    wall = np.concatenate([np.stack([b, a, a + size], 1), np.stack([b, a + size, b + size], 1)])
    return wall.astype(np.int32), np.tile(owner[open_edge], 2)


def thickened(surface: Mesh, inner: ArrayLike) -> Mesh:
    """A closed shell: the surface, its vertices again at `inner` (float32 [N, 3]) inside out, and a rim between."""
    back = replace(surface.with_vertices(inner), faces=np.ascontiguousarray(surface.faces[:, ::-1]))
    wall, owner = rim(surface)
    both = merged([surface, back])
    region = np.concatenate([both.region, surface.region[owner]])
    return replace(both, faces=np.concatenate([both.faces, wall]), region=region)


def tube(path: ArrayLike, radius: ArrayLike, sides: int, region: Region) -> Mesh:
    """A tapered tube with pointed ends along `path` (float [P, 3] metres); `radius` metres, scalar or [P]."""
    line = np.asarray(path, np.float64)
    radii = np.broadcast_to(np.asarray(radius, np.float64), len(line))
    along = np.gradient(line, axis=0)
    along /= np.linalg.norm(along, axis=1, keepdims=True)
    # One fixed direction across for the whole tube, that of the least bending, keeps the rings from twisting.
    across = np.linalg.svd(line - line.mean(0))[2][-1]
    side = np.cross(along, across)
    side /= np.linalg.norm(side, axis=1, keepdims=True)
    up = np.cross(side, along)
    angle = np.linspace(0, 2 * np.pi, sides, endpoint=False)[None, :, None]
    rings = line[:, None] + radii[:, None, None] * (np.cos(angle) * side[:, None] + np.sin(angle) * up[:, None])
    index = np.arange(len(line) * sides).reshape(len(line), sides)
    a, b = index[:-1], np.roll(index, -1, axis=1)[:-1]
    c, d = np.roll(index, -1, axis=1)[1:], index[1:]
    wall = np.concatenate([np.stack([a, c, b], -1).reshape(-1, 3), np.stack([a, d, c], -1).reshape(-1, 3)])
    ends = len(line) * sides
    first = np.stack([index[0], np.roll(index[0], -1), np.full(sides, ends)], 1)
    last = np.stack([np.roll(index[-1], -1), index[-1], np.full(sides, ends + 1)], 1)
    points = np.concatenate([rings.reshape(-1, 3), line[:1], line[-1:]])
    return mesh(points, np.concatenate([wall, first, last]), region)
