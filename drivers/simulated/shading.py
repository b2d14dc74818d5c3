"""The deferred shading kernel: what light each visible point sends to the camera, in one or three bands.

Texture is a function of the place on the template, never a picture of a face: every identity and
expression carries it without seams. Lambert with a wrap for subsurface scattering, plus a specular lobe:
GGX distribution, Schlick's Fresnel term, visibility after Kelemen & Szirmay-Kalos (2001). A radiance of 1 is
a white surface that faces a lamp of power 1 at `REFERENCE_M`.

All that belongs to a vertex stands in one array, and so do lamps, materials and intermediate values: a kernel that
takes tuples of arrays apart counts their references in its innermost loop, at ten times the cost of the shading.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from calibration.compile import Function, kernel
from drivers.simulated.materials import Kind, Texture

F32 = NDArray[np.float32]
I32 = NDArray[np.int32]
I16 = NDArray[np.int16]

REFERENCE_M: Final = 0.6
NOTHING: Final = -1
SAME_SURFACE: Final = 0.02  # relative step of nearness between samples of one surface


Resolved = tuple[int, int, np.float32, np.float32, bool]


class Vertex(IntEnum):
    """First columns of a vertex: what is interpolated over a face."""

    SCREEN = 0  # column, row, 1/z
    POSITION = 3
    NORMAL = 6
    CANONICAL = 9
    UV = 12
    ALBEDO = 14
    COVER = 18  # albedo of hair over it
    WEIGHT = 22  # share that hair covers
    SKY = 23  # share of the light from everywhere that arrives
    KEY = 24  # share of the shadowed lamps that arrives
    COLUMNS = 25


class Lamp(IntEnum):
    """Columns of a lamp. The first lamp is the camera's own infrared emitter."""

    PLACE = 0  # position, or direction towards it, in the camera's frame
    KIND = 3  # `POINT`, `FAR`, `DOME`
    POWER = 4  # R G B NIR
    BEAM = 8  # exponent of the cosine about `AIM`
    SHADOWED = 9
    AIM = 10  # unit vector, of a lamp with a beam
    COLUMNS = 13


POINT, FAR, DOME = 1.0, 0.0, -1.0
"""A position; a direction; light from a whole half of the world, brightest from its direction."""

# A point's state is one float32 array: the interpolated vertex, the row of its material, then light and scratch. Albedo
# and normal are changed where they stand. numba takes plain numbers as constants, enums as objects.
_SCREEN, _POSITION, _NORMAL = int(Vertex.SCREEN), int(Vertex.POSITION), int(Vertex.NORMAL)
_CANONICAL, _UV, _ALBEDO = int(Vertex.CANONICAL), int(Vertex.UV), int(Vertex.ALBEDO)
_COVER, _WEIGHT, _SKY, _KEY = int(Vertex.COVER), int(Vertex.WEIGHT), int(Vertex.SKY), int(Vertex.KEY)
_COLUMNS = int(Vertex.COLUMNS)
(
    _KIND, _ROUGHNESS, _F0, _LOBE, _WRAP, _MELANIN, _BLOOD, _FRECKLES, _PORES, _BUMP, _NIR_MELANIN, _NIR_BLOOD,
    _SCALE, _EMISSION, _PHASE,
) = (_COLUMNS + column for column in range(int(Texture.PHASE) + 1))  # fmt: skip
_MATERIAL_COLUMNS = int(Texture.COLUMNS)
_VIEW = _COLUMNS + _MATERIAL_COLUMNS
_NOISE, _OWN, _OTHER, _GLOSS = _VIEW + 3, _VIEW + 7, _VIEW + 11, _VIEW + 15
STATE: Final = _VIEW + 19

_PLACE, _LAMP_KIND, _POWER = int(Lamp.PLACE), int(Lamp.KIND), int(Lamp.POWER)
_BEAM, _SHADOWED, _AIM = int(Lamp.BEAM), int(Lamp.SHADOWED), int(Lamp.AIM)
_STRANDS, _WEAVE, _PICTURE = int(Kind.STRANDS), int(Kind.WEAVE), int(Kind.PICTURE)

# Extinction of the skin's pigments against green: melanin ~ λ^−3.33, haemoglobin's bands; infrared is the
# material's own. Wrap: light creeps farthest in red and infrared.
_MELANIN_BANDS = np.array([0.75, 1.0, 1.8], np.float32)
_BLOOD_BANDS = np.array([0.10, 1.0, 0.6], np.float32)
_WRAP_BANDS = np.array([1.0, 0.4, 0.25, 1.0], np.float32)

_BLOTCH_M, _GRAIN_M = 0.006, 0.0017  # size of patches of pigment, of pores
_STRAND_M, _STRAND_LENGTH_M = 0.0014, 0.018
_THREAD_M = 0.0025
_CLIPPED = 30.0  # a mirror image brighter than this clips every sensor


def fast(function: Function) -> Function:
    """A kernel whose sums may be reordered and fused: light needs no last bit. NaN and infinity stay what they are, and
    a division by zero gives them.
    """
    compiled = kernel(function)
    options = getattr(compiled, "targetoptions", {})
    options["fastmath"] = {"reassoc", "contract", "arcp", "nsz", "afn"}
    options["error_model"] = "numpy"
    return compiled


def _part(function: Function) -> Function:
    """A kernel that is compiled into its caller: thirty calls a pixel cost more than the shading itself."""
    compiled = fast(function)
    getattr(compiled, "targetoptions", {})["forceinline"] = True
    return compiled


@_part
def noise_at(volume: F32, x: float, y: float, z: float, out: F32, at: int) -> None:
    """Periodic value noise: trilinear samples of `volume` [n, n, n, 4], n a power of two, at cell coordinates, into
    `out[at : at + 4]`.
    """
    mask = volume.shape[0] - 1
    fx, fy, fz = np.floor(x), np.floor(y), np.floor(z)
    tx, ty, tz = np.float32(x - fx), np.float32(y - fy), np.float32(z - fz)
    x0, y0, z0 = int(fx) & mask, int(fy) & mask, int(fz) & mask
    x1, y1, z1 = (x0 + 1) & mask, (y0 + 1) & mask, (z0 + 1) & mask
    one = np.float32(1.0)
    sx, sy, sz = one - tx, one - ty, one - tz
    for c in range(4):
        near = (volume[z0, y0, x0, c] * sx + volume[z0, y0, x1, c] * tx) * sy
        near += (volume[z0, y1, x0, c] * sx + volume[z0, y1, x1, c] * tx) * ty
        far = (volume[z1, y0, x0, c] * sx + volume[z1, y0, x1, c] * tx) * sy
        far += (volume[z1, y1, x0, c] * sx + volume[z1, y1, x1, c] * tx) * ty
        out[at + c] = near * sz + far * tz


@_part
def picture_at(picture: F32, u: float, v: float, out: F32, at: int) -> None:
    """Bilinear sample of a picture [h, w, 4] at u, v in 0..1, clamped at its border, into `out[at : at + 4]`."""
    h, w = picture.shape[0], picture.shape[1]
    x = min(max(u * w - 0.5, 0.0), w - 1.0)
    y = min(max(v * h - 0.5, 0.0), h - 1.0)
    x0, y0 = int(x), int(y)
    x1, y1 = min(x0 + 1, w - 1), min(y0 + 1, h - 1)
    tx, ty = np.float32(x - x0), np.float32(y - y0)
    for c in range(4):
        top = picture[y0, x0, c] * (1 - tx) + picture[y0, x1, c] * tx
        out[at + c] = top * (1 - ty) + (picture[y1, x0, c] * (1 - tx) + picture[y1, x1, c] * tx) * ty


@_part
def _interpolate(vertices: F32, a: int, b: int, c: int, u: float, v: float, s: F32) -> None:
    """All columns of a vertex at a place on the screen, perspective-correct, clamped into the face a b c."""
    au, av = vertices[a, _SCREEN], vertices[a, _SCREEN + 1]
    bu, bv = vertices[b, _SCREEN] - au, vertices[b, _SCREEN + 1] - av
    cu, cv = vertices[c, _SCREEN] - au, vertices[c, _SCREEN + 1] - av
    area = bu * cv - bv * cu
    scale = np.float32(1.0) / area if area != 0.0 else np.float32(0.0)  # a face seen edge on: its first corner
    du, dv = np.float32(u) - au, np.float32(v) - av
    wb = max((du * cv - dv * cu) * scale, np.float32(0.0))
    wc = max((dv * bu - du * bv) * scale, np.float32(0.0))
    wa = max(np.float32(1.0) - wb - wc, np.float32(0.0)) * vertices[a, _SCREEN + 2]
    wb *= vertices[b, _SCREEN + 2]
    wc *= vertices[c, _SCREEN + 2]
    total = np.float32(1.0) / (wa + wb + wc)
    wa, wb, wc = wa * total, wb * total, wc * total
    for k in range(_COLUMNS):
        s[k] = wa * vertices[a, k] + wb * vertices[b, k] + wc * vertices[c, k]


@_part
def _speckle(s: F32, volume: F32, pixel_m: float, first: int, last: int) -> None:
    """Patches of pigment, freckles, pores and fine relief: skin, paint, plaster; changes albedo and normal."""
    x, y, z = s[_CANONICAL], s[_CANONICAL + 1], s[_CANONICAL + 2]
    px, py, pz = s[_PHASE], s[_PHASE + 1], s[_PHASE + 2]
    per_m = np.float32(1.0) / (np.float32(_BLOTCH_M) * s[_SCALE])
    noise_at(volume, x * per_m + px, y * per_m + py, z * per_m + pz, s, _NOISE)
    melanin, blood, broad = s[_MELANIN] * s[_NOISE], s[_BLOOD] * s[_NOISE + 1], s[_NOISE + 2]
    grain = np.float32(_GRAIN_M) * s[_SCALE]
    seen = min(np.float32(1.0), np.float32(0.6) * grain / np.float32(pixel_m))  # finer than a pixel averages out
    per_m = np.float32(1.0) / grain
    noise_at(volume, x * per_m + pz, y * per_m + px, z * per_m + py, s, _NOISE)
    if s[_FRECKLES] > 0.0:
        spot = max(s[_NOISE + 1] + np.float32(0.5) * broad - np.float32(0.9), np.float32(0.0))
        melanin += s[_FRECKLES] * seen * spot
    pores = s[_PORES] * (seen * s[_NOISE] + np.float32(0.3) * broad)
    for band in range(first, last):
        if band < 3:
            depth = _MELANIN_BANDS[band] * melanin + _BLOOD_BANDS[band] * blood + pores
        else:
            depth = s[_NIR_MELANIN] * melanin + s[_NIR_BLOOD] * blood + np.float32(0.5) * pores
        s[_ALBEDO + band] *= np.exp(-depth)
    bump = s[_BUMP] * seen
    s[_NORMAL] += bump * s[_NOISE + 2]
    s[_NORMAL + 1] += bump * s[_NOISE + 3]


@_part
def _strands(s: F32, volume: F32, first: int, last: int) -> None:
    """Hair, strand by strand: changes albedo and normal."""
    across, along = np.float32(1.0 / _STRAND_M), np.float32(1.0 / _STRAND_LENGTH_M)
    x, y, z = s[_CANONICAL] * across + s[_PHASE], s[_CANONICAL + 1] * along, s[_CANONICAL + 2] * across
    noise_at(volume, x, y, z, s, _NOISE)
    strand = np.exp(s[_PORES] * s[_NOISE])
    for band in range(first, last):
        s[_ALBEDO + band] *= strand
    s[_NORMAL] += s[_BUMP] * s[_NOISE + 2]
    s[_NORMAL + 1] += np.float32(0.5) * s[_BUMP] * s[_NOISE + 3]


@_part
def _weave(s: F32, pixel_m: float, first: int, last: int) -> None:
    """Cloth's threads, gone before they could alias."""
    seen = min(max(0.5 * _THREAD_M / pixel_m - 0.8, 0.0), 1.0)
    if seen > 0.0:
        per_m = 6.283 / _THREAD_M
        thread = np.sin(s[_CANONICAL] * per_m) * np.sin(s[_CANONICAL + 1] * per_m)
        for band in range(first, last):
            s[_ALBEDO + band] *= 1.0 + s[_PORES] * seen * thread


@_part
def _grow(s: F32, volume: F32, first: int, last: int) -> None:
    """Brows, stubble and the roots of hair over what lies below."""
    if s[_WEIGHT] < 0.01:
        return
    per_m = np.float32(1.0 / _STRAND_M)
    x, y, z = s[_CANONICAL] * per_m + s[_PHASE], s[_CANONICAL + 1] * per_m / 3, s[_CANONICAL + 2] * per_m
    noise_at(volume, x, y, z, s, _NOISE)
    weight = min(max(1.5 * s[_WEIGHT] + 0.3 * (s[_NOISE] - 0.4), 0.0), 1.0)
    for band in range(first, last):
        hair = s[_COVER + band] * (1.0 + 0.2 * s[_NOISE + 1])
        s[_ALBEDO + band] += weight * (hair - s[_ALBEDO + band])


@_part
def _surface(s: F32, volume: F32, picture: F32, pixel_m: float, first: int, last: int) -> None:
    """Albedo and unnormalised normal of a point; a screen's picture stands for its albedo."""
    kind = int(s[_KIND])
    if kind == _PICTURE:
        picture_at(picture, s[_UV], s[_UV + 1], s, _ALBEDO)
        return
    if kind == _STRANDS:
        _strands(s, volume, first, last)
        return
    if kind == _WEAVE:
        _weave(s, pixel_m, first, last)
        _grow(s, volume, first, last)
        return
    if s[_MELANIN] + s[_PORES] > 0.0:
        _speckle(s, volume, pixel_m, first, last)
    _grow(s, volume, first, last)


@_part
def _normalise(s: F32, at: int) -> None:
    length = np.sqrt(s[at] * s[at] + s[at + 1] * s[at + 1] + s[at + 2] * s[at + 2])
    scale = np.float32(1.0) / max(length, np.float32(1e-9))
    for i in range(3):
        s[at + i] *= scale


@_part
def _mirrored(s: F32, lx: float, ly: float, lz: float, nl: float) -> float:
    """Specular reflectance towards the camera, against a white Lambert surface of the same irradiance."""
    hx, hy, hz = lx + s[_VIEW], ly + s[_VIEW + 1], lz + s[_VIEW + 2]
    inverse = np.float32(1.0) / np.sqrt(max(hx * hx + hy * hy + hz * hz, np.float32(1e-9)))
    nh = max((s[_NORMAL] * hx + s[_NORMAL + 1] * hy + s[_NORMAL + 2] * hz) * inverse, np.float32(0.0))
    lh = max((lx * hx + ly * hy + lz * hz) * inverse, np.float32(0.0))
    alpha2 = s[_ROUGHNESS] * s[_ROUGHNESS]
    alpha2 *= alpha2
    d = max(nh * nh * (alpha2 - np.float32(1.0)) + np.float32(1.0), alpha2)  # rounding of nh would make it 0
    away = np.float32(1.0) - lh
    fresnel = s[_F0] + (np.float32(1.0) - s[_F0]) * away * away * away * away * away
    visibility = max(np.float32(4.0) * lh * lh, np.float32(0.1))
    reflected: float = min(s[_LOBE] * fresnel * alpha2 / (d * d) * nl / visibility, np.float32(_CLIPPED))
    return reflected


@_part
def _dome(s: F32, lamps: F32, i: int, first: int, last: int) -> None:
    """Light from everywhere on one side."""
    along = s[_NORMAL] * lamps[i, 0] + s[_NORMAL + 1] * lamps[i, 1] + s[_NORMAL + 2] * lamps[i, 2]
    share = np.float32(0.5) * (np.float32(1.0) + along) * s[_SKY]
    for band in range(first, last):
        s[_OTHER + band] += share * lamps[i, _POWER + band] * (s[_ALBEDO + band] + s[_LOBE] * s[_F0])


@_part
def _lamp(s: F32, lamps: F32, i: int, first: int, last: int) -> None:
    """Adds one lamp's light to that of the emitter or of the others; the emitter's mirror image also to gloss."""
    lx, ly, lz = lamps[i, _PLACE], lamps[i, _PLACE + 1], lamps[i, _PLACE + 2]
    power = np.float32(1.0)
    if lamps[i, _LAMP_KIND] > 0.0:
        lx, ly, lz = lx - s[_POSITION], ly - s[_POSITION + 1], lz - s[_POSITION + 2]
        d2 = max(lx * lx + ly * ly + lz * lz, np.float32(1e-3))
        inverse = np.float32(1.0) / np.sqrt(d2)
        lx, ly, lz = lx * inverse, ly * inverse, lz * inverse
        power = np.float32(REFERENCE_M * REFERENCE_M) / d2
        if lamps[i, _BEAM] > 0.0:
            along = -(lx * lamps[i, _AIM] + ly * lamps[i, _AIM + 1] + lz * lamps[i, _AIM + 2])
            power *= max(along, np.float32(0.0)) ** lamps[i, _BEAM]
    nl = s[_NORMAL] * lx + s[_NORMAL + 1] * ly + s[_NORMAL + 2] * lz
    if nl <= -s[_WRAP]:
        return
    if lamps[i, _SHADOWED] > 0.0:
        power *= s[_KEY]
    mirrored = _mirrored(s, lx, ly, lz, nl) if nl > 0.0 else np.float32(0.0)
    row = _OWN if i == 0 else _OTHER
    for band in range(first, last):
        wrap = s[_WRAP] * _WRAP_BANDS[band]
        lit = power * lamps[i, _POWER + band]
        matt = max((nl + wrap) / (np.float32(1.0) + wrap), np.float32(0.0)) * s[_ALBEDO + band]
        s[row + band] += lit * (matt + mirrored)
        if i == 0:
            s[_GLOSS + band] += lit * mirrored


@_part
def _illuminate(s: F32, lamps: F32, first: int, last: int) -> float:
    """Sums the light of all lamps into the state; returns the cosine to the camera."""
    for i in range(3):
        s[_VIEW + i] = -s[_POSITION + i]
    _normalise(s, _NORMAL)
    _normalise(s, _VIEW)
    facing: float = s[_NORMAL] * s[_VIEW] + s[_NORMAL + 1] * s[_VIEW + 1] + s[_NORMAL + 2] * s[_VIEW + 2]
    if facing < 0.0:  # the back of a sheet
        facing = -facing
        for i in range(3):
            s[_NORMAL + i] = -s[_NORMAL + i]
    for k in range(_OWN, _OWN + 12):
        s[k] = 0.0
    if s[_EMISSION] > 0.0 and last == 3:
        for band in range(3):
            s[_OTHER + band] = s[_EMISSION] * s[_ALBEDO + band]
            s[_ALBEDO + band] = 0.01
    for i in range(lamps.shape[0]):
        if lamps[i, _POWER + last - 1] > 0.0:
            if lamps[i, _LAMP_KIND] < 0.0:
                _dome(s, lamps, i, first, last)
            else:
                _lamp(s, lamps, i, first, last)
    return facing


@_part
def _shade_point(s: F32, volume: F32, picture: F32, lamps: F32, focal: float, out: F32) -> None:
    """The interpolated point of `s`, into `out`: R G B, or with four channels the infrared set of `render.Canvas`."""
    infrared = out.shape[0] == 4
    first, last = (3, 4) if infrared else (0, 3)
    _surface(s, volume, picture, s[_POSITION + 2] / focal, first, last)
    facing = _illuminate(s, lamps, first, last)
    if infrared:
        out[0], out[1], out[2], out[3] = s[_OWN + 3], s[_OTHER + 3], s[_ALBEDO + 3] * facing, s[_GLOSS + 3]
    else:
        for band in range(3):
            out[band] = s[_OWN + band] + s[_OTHER + band]


@_part
def _resolve(identity: I32, nearness: F32, region: I16, i: int, j: int) -> Resolved:
    """The four samples of a pixel: (how many are covered, the nearest face, its nearness, the farthest's,
    whether all show one surface).
    """
    covered, front = 0, NOTHING
    nearest, farthest = np.float32(0.0), np.float32(1e9)
    alike = True
    for s in range(4):
        f = identity[2 * i + (s >> 1), 2 * j + (s & 1)]
        if f == NOTHING:
            continue
        covered += 1
        n = nearness[2 * i + (s >> 1), 2 * j + (s & 1)]
        if front != NOTHING and region[f] != region[front]:
            alike = False
        if n > nearest:
            nearest, front = n, f
        farthest = min(farthest, n)
    flat = nearest - farthest < np.float32(SAME_SURFACE) * nearest
    return covered, front, nearest, farthest, bool(alike and covered == 4 and flat)


@fast
def shade(
    identity: I32, nearness: F32, vertices: F32, faces: I32, region: I16, table: F32, volume: F32, picture: F32,
    lamps: F32, focal: float, left: int, top: int, canvas: F32, z_m: F32, region_of: I16,
) -> None:  # fmt: skip
    """Paints the drawn samples (`identity`, `nearness` [2h, 2w], of a window at `left`, `top`) over a canvas.

    A pixel whose four samples show one surface is shaded once, at its centre; else each sample is, and what the
    samples leave open keeps the canvas.
    """
    channels = canvas.shape[2]
    out, total = np.zeros(channels, np.float32), np.zeros(channels, np.float32)
    s = np.zeros(STATE, np.float32)
    material = -1
    for i in range(identity.shape[0] // 2):
        for j in range(identity.shape[1] // 2):
            covered, front, nearest, farthest, alike = _resolve(identity, nearness, region, i, j)
            if covered == 0:
                continue
            y, x = top + i, left + j
            total[:] = 0.0
            for sample in range(1 if alike else 4):
                f = front if alike else identity[2 * i + (sample >> 1), 2 * j + (sample & 1)]
                if f == NOTHING:
                    continue
                if region[f] != material:
                    material = region[f]
                    for k in range(_MATERIAL_COLUMNS):
                        s[_COLUMNS + k] = table[material, k]
                u = 2.0 * j + (0.5 if alike else sample & 1)
                v = 2.0 * i + (0.5 if alike else sample >> 1)
                _interpolate(vertices, faces[f, 0], faces[f, 1], faces[f, 2], u, v, s)
                _shade_point(s, volume, picture, lamps, focal, out)
                for c in range(channels):
                    total[c] += out[c]
            weight, old = (1.0, 0.0) if alike else (0.25, 0.25 * (4 - covered))
            for c in range(channels):
                canvas[y, x, c] = np.float32(weight) * total[c] + np.float32(old) * canvas[y, x, c]
            if covered >= 2:
                z_m[y, x] = 2.0 / (nearest + farthest) if alike else 1.0 / nearest
                region_of[y, x] = region[front]
