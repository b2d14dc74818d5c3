"""From triangles to light: z-buffer rasteriser, soft shadows, and what a camera receives.

Geometry is drawn at twice the resolution of the picture; each pixel is then shaded once where its four samples
show one surface, and sample by sample where they do not (`shading.shade`), so that outlines are true to area at
the price of one shading a pixel. Only the window around the subject is drawn: the room behind it stands still.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from calibration.projection import project, rays
from calibration.rig import Extrinsics, Intrinsics
from drivers.simulated.materials import Palette, cover, vertex_albedo
from drivers.simulated.mesh import Mesh
from drivers.simulated.shading import NOTHING, POINT, Lamp, Vertex, fast, shade
from drivers.simulated.window import Window

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
I32 = NDArray[np.int32]
I16 = NDArray[np.int16]

SAMPLES: Final = 2  # a side: four samples a pixel
NOISE_CELLS: Final = 32
SHADOW_CELL_M: Final = 0.004
SKY_CELL_M: Final = 0.006
SHADOW_BIAS_M: Final = 0.006
SKY_AXES: Final = 7  # light comes along each from both ends
BOUNCE: Final = 0.3  # of the light that misses a hollow, what its walls send there


@dataclass(frozen=True, slots=True, eq=False)
class Canvas:
    """What a camera receives. `light` float32 [H, W, C]: colour R G B; infrared the emitter's light, other light,
    the albedo times the cosine to the camera, and the mirrored part of the emitter's light. `z_m` float32 [H, W]
    metres, 0 = nothing; `region` int16 [H, W], −1 = nothing. `left`, `top`: where a canvas of a part lies in the
    camera's picture.
    """

    light: F32
    z_m: F32
    region: I16
    left: int = 0
    top: int = 0

    @classmethod
    def empty(cls, camera: Intrinsics, infrared: bool, window: Window | None = None) -> Canvas:
        """A dark canvas for a camera's picture or a window of it; four channels for infrared."""
        part = window or Window.whole(camera)
        h, w = part.height, part.width
        light = np.zeros((h, w, 4 if infrared else 3), np.float32)
        return cls(light, np.zeros((h, w), np.float32), np.full((h, w), -1, np.int16), part.left, part.top)

    def copy(self) -> Canvas:
        """A canvas to paint over."""
        return Canvas(self.light.copy(), self.z_m.copy(), self.region.copy(), self.left, self.top)


@dataclass(frozen=True, slots=True, eq=False)
class Body:
    """A mesh ready to be painted: `vertices` float32 [N, Vertex.COLUMNS] in the depth camera's frame, `faces` int32
    [M, 3], `region` int16 [M] and the `palette` that they are made of.
    """

    vertices: F32
    faces: I32
    region: I16
    palette: Palette


def lamp(
    place: ArrayLike, kind: float, power: ArrayLike, beam: float = 0.0, shadowed: bool = False,
    aim: ArrayLike = (0.0, 0.0, 1.0),
) -> F32:  # fmt: skip
    """One row of lamps, float32 [Lamp.COLUMNS]; see `shading.Lamp`."""
    axis = np.asarray(aim, float) / np.linalg.norm(aim)
    return np.array([*np.asarray(place, float), kind, *np.asarray(power, float), beam, shadowed, *axis], np.float32)


def lamps_from(lamps: F32, motion: Extrinsics) -> F32:
    """The same lamps in the frame of a camera that `motion` leads to."""
    moved = lamps.copy()
    moved[:, :3] = lamps[:, :3] @ motion.R.T + (lamps[:, Lamp.KIND, None] == POINT) * motion.t
    moved[:, Lamp.AIM :] = lamps[:, Lamp.AIM :] @ motion.R.T
    return moved


@fast
def rasterize(screen: F32, faces: I32, identity: I32, nearness: F32, both: bool) -> None:
    """Draws triangles of (column, row, nearness) vertices, float32 [N, 3]: `identity` int32 [h, w] receives the
    number of the nearest one, `nearness` float32 [h, w] its nearness, which is linear on the screen (1/z in
    perspective). A vertex that is NaN takes its triangles with it. Unless `both`, triangles whose back is seen are left
    out.
    """
    h, w = identity.shape
    for f in range(faces.shape[0]):
        a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
        au, av, an = screen[a, 0], screen[a, 1], screen[a, 2]
        bu, bv = screen[b, 0] - au, screen[b, 1] - av
        cu, cv = screen[c, 0] - au, screen[c, 1] - av
        left, right = au + min(np.float32(0), bu, cu), au + max(np.float32(0), bu, cu)
        top, bottom = av + min(np.float32(0), bv, cv), av + max(np.float32(0), bv, cv)
        area = bu * cv - bv * cu
        if not (right >= 0 and left <= w - 1 and bottom >= 0 and top <= h - 1 and abs(area) > 1e-9):
            continue
        if area > 0 and not both:
            continue
        scale = np.float32(1.0) / area
        bn, cn = screen[b, 2] - an, screen[c, 2] - an
        first, last = max(int(np.ceil(left)), 0), min(int(np.floor(right)), w - 1)
        for y in range(max(int(np.ceil(top)), 0), min(int(np.floor(bottom)), h - 1) + 1):
            dv = np.float32(y) - av
            for x in range(first, last + 1):
                du = np.float32(x) - au
                wb = (du * cv - dv * cu) * scale
                wc = (dv * bu - du * bv) * scale
                if wb < -1e-5 or wc < -1e-5 or wb + wc > 1.00001:
                    continue
                n = an + wb * bn + wc * cn
                if n > nearness[y, x]:
                    nearness[y, x] = n
                    identity[y, x] = f


@fast
def normals_of(positions: F32, faces: I32, out: F32) -> None:
    """Area-weighted unit normals of the vertices, float32 [N, 3]; zero where a vertex has no face."""
    out[:] = 0.0
    for f in range(faces.shape[0]):
        a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
        ux, uy = positions[b, 0] - positions[a, 0], positions[b, 1] - positions[a, 1]
        vx, vy = positions[c, 0] - positions[a, 0], positions[c, 1] - positions[a, 1]
        uz, vz = positions[b, 2] - positions[a, 2], positions[c, 2] - positions[a, 2]
        for k in range(3):
            v = faces[f, k]
            out[v, 0] += uy * vz - uz * vy
            out[v, 1] += uz * vx - ux * vz
            out[v, 2] += ux * vy - uy * vx
    for v in range(out.shape[0]):
        length = np.sqrt(out[v, 0] ** 2 + out[v, 1] ** 2 + out[v, 2] ** 2)
        if length > 0.0:
            out[v, 0] /= length
            out[v, 1] /= length
            out[v, 2] /= length


@fast
def _lit(screen: F32, nearest: F32, bias: float, out: F32) -> None:
    """Share of the 3×3 cells about each vertex in which nothing stands nearer to the light."""
    h, w = nearest.shape
    for v in range(screen.shape[0]):
        x, y = int(screen[v, 0] + 0.5), int(screen[v, 1] + 0.5)
        open_cells, cells = 0, 0
        for j in range(max(y - 1, 0), min(y + 2, h)):
            for i in range(max(x - 1, 0), min(x + 2, w)):
                cells += 1
                if nearest[j, i] <= screen[v, 2] + bias:
                    open_cells += 1
        out[v] = np.float32(open_cells) / max(cells, 1)


@fast
def extent(screen: F32, faces: I32, nearest: F32, farthest: F32) -> None:
    """Draws triangles as `rasterize` does and keeps the greatest and the least third coordinate of each cell, float32
    [h, w]: what lights a body from before it and from behind it in one pass.
    """
    h, w = nearest.shape
    for f in range(faces.shape[0]):
        a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
        au, av, an = screen[a, 0], screen[a, 1], screen[a, 2]
        bu, bv, bn = screen[b, 0] - au, screen[b, 1] - av, screen[b, 2] - an
        cu, cv, cn = screen[c, 0] - au, screen[c, 1] - av, screen[c, 2] - an
        area = bu * cv - bv * cu
        if not abs(area) > 1e-9:
            continue
        scale = np.float32(1.0) / area
        left, right = int(np.ceil(au + min(np.float32(0), bu, cu))), int(np.floor(au + max(np.float32(0), bu, cu)))
        top, bottom = int(np.ceil(av + min(np.float32(0), bv, cv))), int(np.floor(av + max(np.float32(0), bv, cv)))
        for y in range(max(top, 0), min(bottom, h - 1) + 1):
            dv = np.float32(y) - av
            for x in range(max(left, 0), min(right, w - 1) + 1):
                du = np.float32(x) - au
                wb, wc = (du * cv - dv * cu) * scale, (dv * bu - du * bv) * scale
                if wb < -1e-5 or wc < -1e-5 or wb + wc > 1.00001:
                    continue
                n = an + wb * bn + wc * cn
                nearest[y, x] = max(nearest[y, x], n)
                farthest[y, x] = min(farthest[y, x], n)


def _both_ways(vertices: F32, faces: I32, direction: F32, cell_m: float = SHADOW_CELL_M) -> tuple[F32, F32]:
    """How much of two far lights, in `direction` and in the opposite one, each vertex sees past its own body."""
    towards = direction / np.linalg.norm(direction)
    side = np.cross(towards, [0.0, 1.0, 0.0] if abs(towards[1]) < 0.9 else [1.0, 0.0, 0.0])
    side /= np.linalg.norm(side)
    screen = (vertices @ np.stack([side, np.cross(towards, side), towards], axis=1)).astype(np.float32)
    low = np.array([screen[:, k].min() for k in range(2)])  # by columns: a reduction of pairs costs ten times as much
    screen[:, :2] = (screen[:, :2] - low) * np.float32(1.0 / cell_m) + np.float32(1.0)
    width, height = (int(screen[:, k].max()) + 3 for k in range(2))
    nearest = np.full((height, width), -np.inf, np.float32)
    farthest = np.full((height, width), np.inf, np.float32)
    extent(screen, faces, nearest, farthest)
    before, behind = np.empty(len(vertices), np.float32), np.empty(len(vertices), np.float32)
    _lit(screen, nearest, SHADOW_BIAS_M, before)
    screen[:, 2] *= -1
    _lit(screen, -farthest, SHADOW_BIAS_M, behind)
    return before, behind


def visibility(vertices: F32, faces: I32, direction: F32) -> F32:
    """How much of a far light in `direction` each vertex sees past its own body: float32 [N], 0..1, soft."""
    return _both_ways(vertices, faces, direction)[0]


def sky_visibility(mesh: Mesh) -> F32:
    """Ambient occlusion: the share of light from everywhere that reaches each vertex, float32 [N], 0..1."""
    k = np.arange(SKY_AXES) + 0.5
    polar, azimuth = np.arccos(1 - k / SKY_AXES), np.pi * (1 + 5**0.5) * k
    axes = np.stack([np.cos(azimuth) * np.sin(polar), np.cos(polar), np.sin(azimuth) * np.sin(polar)], axis=1)
    vertices, faces, normals = _writable(mesh)
    seen, possible = np.zeros(len(vertices), np.float32), np.full(len(vertices), 1e-6, np.float32)
    for axis in axes.astype(np.float32):
        cosine = normals @ axis
        before, behind = _both_ways(vertices, faces, axis, SKY_CELL_M)
        seen += np.where(cosine > 0, before, behind) * np.abs(cosine)
        possible += np.abs(cosine)
    return np.asarray(BOUNCE + (1 - BOUNCE) * seen / possible, np.float32)


def _writable(mesh: Mesh) -> tuple[F32, I32, F32]:
    """Copies for the kernels (a mesh is read-only, which would be another signature), and vertex normals."""
    vertices, faces = mesh.vertices.copy(), mesh.faces.copy()
    normals = np.empty_like(vertices)
    normals_of(vertices, faces, normals)
    return vertices, faces, normals


def body(mesh: Mesh, palette: Palette, lamps: F32, sky: F32 | None = None) -> Body:
    """A mesh ready to be painted. `sky` float32 [N] is its `sky_visibility` (None: open sky everywhere); lamps whose
    shadows show are blocked by the body itself.
    """
    positions, faces, normals = _writable(mesh)
    vertices = np.empty((len(positions), Vertex.COLUMNS), np.float32)
    vertices[:, Vertex.POSITION : Vertex.NORMAL] = positions
    vertices[:, Vertex.NORMAL : Vertex.CANONICAL] = normals
    vertices[:, Vertex.CANONICAL : Vertex.UV] = mesh.canonical
    vertices[:, Vertex.UV : Vertex.ALBEDO] = mesh.uv
    vertices[:, Vertex.ALBEDO : Vertex.COVER] = vertex_albedo(mesh, palette)
    vertices[:, Vertex.COVER : Vertex.SKY] = cover(mesh, palette)
    vertices[:, Vertex.SKY] = 1.0 if sky is None else sky
    shadowed = lamps[lamps[:, Lamp.SHADOWED] > 0]
    vertices[:, Vertex.KEY] = visibility(positions, faces, shadowed[0, :3]) if len(shadowed) else 1.0
    return Body(vertices, faces, mesh.region.copy(), palette)


def joined(bodies: Sequence[Body]) -> Body:
    """Several bodies as one, painted in one pass; their surfaces are the first one's, albedos each one's own."""
    first = np.cumsum([0, *(len(part.vertices) for part in bodies)])
    return Body(
        np.concatenate([part.vertices for part in bodies]),
        np.concatenate([part.faces + np.int32(start) for part, start in zip(bodies, first, strict=False)]),
        np.concatenate([part.region for part in bodies]),
        bodies[0].palette,
    )


@lru_cache(maxsize=1)
def noise_volume() -> F32:
    """Periodic white noise of unit variance, float32 [32, 32, 32, 4]: the one source of all texture."""
    rng = np.random.default_rng(20240229)
    return rng.standard_normal((*(NOISE_CELLS,) * 3, 4), dtype=np.float32)


def _projected(camera: Intrinsics, positions: F32) -> F64:
    """Pixels float64 [N, 2]. A lens model holds inside its picture only: far outside its polynomial folds back, so
    there the picture is continued straight outwards.
    """
    corners = np.array([[0, 0], [camera.width, 0], [0, camera.height], [camera.width, camera.height]], np.float64)
    limit = 1.1 * np.hypot(*rays(camera, corners).T).max()
    sideways = np.hypot(positions[:, 0], positions[:, 1]) / np.maximum(positions[:, 2], 1e-3)
    shrink = np.minimum(1.0, limit / np.maximum(sideways, 1e-6))
    held = np.column_stack([positions[:, :2] * shrink[:, None], positions[:, 2]])
    middle = np.array([camera.cx, camera.cy])
    pixels: F64 = middle + (project(camera, held) - middle) / shrink[:, None]
    return pixels


def paint(
    canvas: Canvas, body: Body, picture: F32, camera: Intrinsics, motion: Extrinsics, lamps: F32, *, backs: bool = True
) -> None:  # fmt: skip
    """Draws a body over the canvas of a camera that `motion` leads to from the depth camera.

    `picture` float32 [h, w, 4] is what paper and screens show; `lamps` float32 [L, Lamp.COLUMNS] stand in the
    depth camera's frame. `backs`: the backs of its triangles show too, which no closed body needs.
    """
    positions = (body.vertices[:, Vertex.POSITION : Vertex.NORMAL] @ motion.R.T + motion.t).astype(np.float32)
    pixels = _projected(camera, positions)
    inside = np.isfinite(pixels).all(axis=1)
    if not inside.any():
        return
    first = np.array([canvas.left, canvas.top])
    last = first + canvas.z_m.shape[::-1]
    left, top = np.clip(np.floor(pixels[inside].min(axis=0)) - 1, first, last).astype(int)
    right, bottom = np.clip(np.ceil(pixels[inside].max(axis=0)) + 2, first, last).astype(int)
    if right <= left or bottom <= top:
        return
    vertices = body.vertices.copy()
    vertices[:, :2] = (pixels - [left, top]) * SAMPLES + 0.5
    vertices[:, 2] = 1.0 / positions[:, 2]
    vertices[:, Vertex.POSITION : Vertex.NORMAL] = positions
    vertices[:, Vertex.NORMAL : Vertex.CANONICAL] = vertices[:, Vertex.NORMAL : Vertex.CANONICAL] @ motion.R.T
    identity = np.full((SAMPLES * (bottom - top), SAMPLES * (right - left)), NOTHING, np.int32)
    nearness = np.zeros(identity.shape, np.float32)
    rasterize(np.ascontiguousarray(vertices[:, :3]), body.faces, identity, nearness, backs)
    shade(
        identity, nearness, vertices, body.faces, body.region, body.palette.surface, noise_volume(), picture,
        lamps_from(lamps, motion), camera.fx, int(left - canvas.left), int(top - canvas.top),
        canvas.light, canvas.z_m, canvas.region,
    )  # fmt: skip
