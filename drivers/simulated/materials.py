"""Reflectance of what stands before the camera, in four bands: red, green, blue and near infrared.

What fades in infrared (freckles, redness, lips, dyes) and what does not (carbon black, melanin-free hair) is what the
reflectance stage lives on. Faces, alive or made, are drawn in `matter`; hair, cloth, ink and screens here.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from drivers.simulated.matter import NIR, OWN_SKIN, MaskKind, Material, imitation, living, sample_mask, sample_skin
from drivers.simulated.mesh import Mesh, Region

__all__ = [
    "BANDS", "NIR", "Kind", "MaskKind", "Palette", "PrintKind", "Texture", "cover", "face_material", "print_on_paper",
    "print_on_vinyl", "sample_cloth", "sample_hair", "sample_mask", "sample_palette", "sample_skin", "sample_wall",
    "show_on_screen", "vertex_albedo",
]  # fmt: skip

F32 = NDArray[np.float32]
Rng = np.random.Generator

PrintKind = Literal["laser", "photo", "mono"]

BANDS: Final = 4


class Texture(IntEnum):
    """Columns of the surface table: which generator draws a region, and its lobe."""

    KIND = 0  # one of `Kind`
    ROUGHNESS = 1  # of the specular lobe
    F0 = 2  # reflectance of the lobe at normal incidence
    LOBE = 3  # weight of the lobe
    WRAP = 4  # how far light creeps into the shade: stands for subsurface scattering
    MELANIN = 5  # log-amplitudes of the pigments' variation
    BLOOD = 6
    FRECKLES = 7
    PORES = 8
    BUMP = 9  # slope of the surface's fine relief
    NIR_MELANIN = 10  # how much of the variation is left in infrared
    NIR_BLOOD = 11
    SCALE = 12  # size of the pattern against skin's
    EMISSION = 13  # 1: a screen, its picture is light
    PHASE = 14  # three shifts of the texture: no two faces share freckles
    COLUMNS = 17


class Kind(IntEnum):
    """Texture generators of the shading kernel."""

    SPECKLE = 0
    STRANDS = 1
    WEAVE = 2
    PICTURE = 3


@dataclass(frozen=True, slots=True, eq=False)
class Palette:
    """What one scene is made of. `albedo` float32 [regions, 4] and `surface` float32 [regions, Texture.COLUMNS]
    are indexed by `Region`; `hair`, `brow`, `beard` float32 [4] cover the skin by the mesh's weights; `blush` is
    the redness of cheeks and nose. `face` is what the face that is seen is made of, `skin_type` the Fitzpatrick type
    1..6 of the person who is seen, wears the mask or is pictured.
    """

    albedo: F32
    surface: F32
    hair: F32
    brow: F32
    beard: F32
    blush: float
    face: Material
    skin_type: int


_HAIR = {  # R G B, range of infrared
    "black": ((0.045, 0.042, 0.040), (0.06, 0.12)),
    "dyed": ((0.05, 0.04, 0.04), (0.40, 0.60)),  # synthetic dye is clear beyond 750 nm
    "brown": ((0.12, 0.08, 0.05), (0.24, 0.36)),
    "blond": ((0.40, 0.30, 0.18), (0.48, 0.62)),
    "grey": ((0.45, 0.44, 0.42), (0.48, 0.62)),
}
_HAIR_ODDS = {"fair": (0.20, 0.10, 0.38, 0.20, 0.12), "dark": (0.74, 0.10, 0.06, 0.02, 0.08)}  # in _HAIR's order
_FAIR_SKIN = 0.42  # reflectance in red


def sample_hair(rng: Rng, skin: F32) -> F32:
    """Albedo of hair, float32 [4]: dark skin seldom goes with fair hair."""
    odds = _HAIR_ODDS["fair" if skin[0] > _FAIR_SKIN else "dark"]
    rgb, (low, high) = _HAIR[rng.choice(list(_HAIR), p=odds)]
    bands = np.array([*rgb, rng.uniform(low, high)])
    return (bands * rng.uniform(0.85, 1.15)).astype(np.float32)


def sample_cloth(rng: Rng) -> F32:
    """Albedo of cloth, float32 [4]: any dye, bright in infrared unless it is black cotton."""
    if rng.random() < 0.12:
        return rng.uniform([0.03, 0.03, 0.03, 0.06], [0.06, 0.06, 0.06, 0.14]).astype(np.float32)
    level = rng.uniform(0.05, 0.6)
    rgb = np.clip(level * rng.uniform(0.4, 1.5, 3), 0.02, 0.75)
    return np.array([*rgb, rng.uniform(0.35, 0.64)], np.float32)


def sample_wall(rng: Rng) -> F32:
    """Albedo of a wall or of furniture, float32 [4]: plaster, paint, wood, cardboard."""
    tint = np.clip(rng.uniform(0.25, 0.8) * rng.uniform(0.75, 1.2, 3), 0.05, 0.85)
    return np.array([*tint, np.clip(tint.mean() * rng.uniform(0.85, 1.35), 0.15, 0.8)], np.float32)


_LIVE_NIR = 0.57  # of a living face, the mean of all types
_FACING: Final = 0.8  # mean cosine of a face to the camera: a sheet as bright as a face has so much less albedo


def print_on_paper(picture: F32, kind: PrintKind, rng: Rng) -> F32:
    """Albedo float32 [H, W, 4] of a picture (linear RGB float32 [H, W, 3], 0..1) printed on paper.

    Colour inks are clear in infrared, only black toner shows: NIR = paper · cyan tail · (1 − 0.95 K).
    """
    paper = np.array([0.80, 0.80, 0.80]) * rng.uniform(0.92, 1.03)
    shade = np.clip(picture, 0.0, 1.0)
    grey = shade @ np.array([0.3, 0.59, 0.11], np.float32)
    if kind == "mono":
        black = 1.0 - grey
        shade = np.repeat(grey[..., None], 3, axis=2)
    elif kind == "laser":  # black replaces grey in the shadows
        under = rng.uniform(0.0, 0.45) * (1.0 - shade.max(axis=2))
        black = np.maximum(under, np.clip((0.10 - grey) / 0.10, 0.0, 1.0))
    else:
        black = np.zeros_like(grey)
    cyan = 1.0 - np.clip(shade[..., 0], 0.0, 1.0)
    tail = 1.0 - rng.uniform(0.03, 0.15) * cyan
    nir = 0.80 * tail * (1.0 - 0.95 * black)
    rgb = paper * (0.05 + 0.95 * shade)
    return np.ascontiguousarray(np.concatenate([rgb, nir[..., None]], axis=2), np.float32)


def show_on_screen(picture: F32, rng: Rng) -> F32:
    """What a screen sends, float32 [H, W, 4]: a picture's light, and next to nothing in infrared."""
    light = np.clip(picture, 0.0, 1.0) * rng.uniform(0.9, 1.1, 3) + rng.uniform(0.002, 0.02)
    nir = np.full((*picture.shape[:2], 1), rng.uniform(0.02, 0.04))
    return np.ascontiguousarray(np.concatenate([light, nir], axis=2), np.float32)


def print_on_vinyl(picture: F32, rng: Rng) -> F32:
    """Albedo float32 [H, W, 4] of a banner: any pigment on vinyl, in infrared a half to four fifths of a live face."""
    shade = np.clip(picture, 0.0, 1.0)
    grey = shade @ np.array([0.3, 0.59, 0.11], np.float32)
    level, seen = _LIVE_NIR * _FACING * rng.uniform(0.5, 0.8), rng.uniform(0.0, 0.5)
    nir = level * (1.0 - seen * (1.0 - grey / max(float(np.median(grey)), 0.05)).clip(-0.3, 0.9))
    rgb = 0.75 * rng.uniform(0.92, 1.03) * (0.05 + 0.95 * shade)
    return np.ascontiguousarray(np.concatenate([rgb, nir[..., None]], axis=2), np.float32)


def sample_palette(
    person: Rng,
    scene: Rng,
    instrument: Rng,
    nir_nm: int = 850,
    mask: MaskKind | None = None,
    gloss: bool = False,
    overlap: float = 0.0,
    head: bool = False,
) -> Palette:
    """Materials of one scene: skin, hair and eyes are the `person`'s, clothes and walls the `scene`'s, a mask's
    material and paint the `instrument`'s. All are drawn whether needed or not. `gloss`: paper is a glossy photo;
    `overlap`: probability that a mask is optically skin; `head`: the mask is a whole head with its own hair and eyes.
    """
    skin, skin_type = living(person, nir_nm)
    made = imitation(instrument, mask or "resin", skin, overlap)
    hair = sample_hair(person, skin.albedo)
    brow = (hair * person.uniform(0.8, 1.1)).astype(np.float32)
    beard = brow
    albedo = _albedo(person, scene, skin, hair, made, instrument)
    surface = _surface(skin, made, scene, instrument.uniform(0.05, 0.12) if gloss else None)
    surface[:, Texture.PHASE : Texture.COLUMNS] = person.uniform(0.0, 32.0, 3)
    on_mask = _mask_brow(instrument, made, brow)
    wig = _wig(instrument, hair)
    on_head = np.array([*wig[:NIR], on_mask[NIR]], np.float32)  # painted as the wig is coloured
    if mask is not None:
        brow = beard = on_mask
    if head:
        hair, brow, beard = wig, on_head, on_head
        albedo[[Region.HAIR, Region.LASHES]] = hair
        _paint_eyes(instrument, surface, albedo, made)
    face = skin if mask is None else made
    return Palette(albedo, surface, hair, brow, beard, face.blush, face, skin_type)


def face_material(palette: Palette) -> F32:
    """All that light can tell of the face that is seen, alive or made: float32 [21], see `Material.vector`."""
    return palette.face.vector()


def _mask_brow(rng: Rng, made: Material, wearers: F32) -> F32:
    """Brows of a mask: punched hair, mostly in its wearer's colour, or paint that may be clear in infrared."""
    other = (sample_hair(rng, made.albedo) * rng.uniform(0.8, 1.1)).astype(np.float32)
    hair = (wearers if rng.random() < OWN_SKIN else other).copy()
    clear, punched = rng.uniform(0.15, 0.5), rng.random() < 0.5
    if not (punched or made.skin_like):
        hair[NIR] = clear
    return hair


def _wig(rng: Rng, hair: F32) -> F32:
    """Hair of a made head: real, or synthetic, whose dye is clear beyond 750 nm."""
    wig = hair.copy()
    clear, synthetic = rng.uniform(0.4, 0.6), rng.random() < 0.6
    if synthetic:
        wig[NIR] = clear
    return wig


def _paint_eyes(rng: Rng, table: F32, albedo: F32, made: Material) -> None:
    """Eyes of a made head: glass, or paint with the head's own gloss, which is brighter in infrared than a pupil."""
    tint, painted = rng.uniform(0.05, 0.45), rng.random() < 0.6
    if painted:
        albedo[Region.PUPIL, NIR] = albedo[Region.IRIS, NIR] = tint
        albedo[Region.SCLERA, NIR] = made.albedo[NIR]
        for region in (Region.SCLERA, Region.IRIS, Region.PUPIL):
            _set(table, region, ROUGHNESS=made.roughness, F0=made.f0, LOBE=made.lobe)


def _albedo(person: Rng, scene: Rng, skin: Material, hair: F32, made: Material, instrument: Rng) -> F32:
    iris = person.choice([[0.04, 0.03, 0.02, 0.15], [0.09, 0.07, 0.04, 0.18], [0.12, 0.15, 0.18, 0.25]])
    dark = [0.04, 0.04, 0.045, scene.uniform(0.05, 0.3)]
    by_region: dict[Region, NDArray[np.floating] | list[float]] = {
        Region.SKIN: skin.albedo,
        Region.LIPS: skin.albedo * skin.lips,
        Region.SCLERA: [0.60, 0.55, 0.52, 0.55],
        Region.IRIS: iris,
        Region.PUPIL: [0.02, 0.02, 0.02, 0.03],
        Region.BROW: hair,
        Region.HAIR: hair,
        Region.BEARD: hair,
        Region.LASHES: hair,
        Region.TEETH: [0.55, 0.50, 0.42, 0.50],
        Region.TONGUE: skin.albedo * [0.8, 0.45, 0.5, 0.9],
        Region.MOUTH: [0.10, 0.03, 0.03, 0.20],
        Region.CLOTH: sample_cloth(scene),
        Region.PAPER: [0.80, 0.80, 0.80, 0.80],
        Region.SCREEN: [0.0, 0.0, 0.0, 0.03],
        Region.BEZEL: dark,
        Region.MASK: made.albedo,
        Region.MASK_EYE_HOLE_RIM: made.albedo * instrument.uniform(0.9, 1.0),
        Region.MASK_LIPS: made.albedo * made.lips,
        Region.HAND: skin.albedo,
        Region.WALL: sample_wall(scene),
        Region.FURNITURE: sample_wall(scene),
        Region.PLASTIC: scene.uniform(0.05, 0.6, 4),
        Region.GLASSES_FRAME: dark,
    }
    return np.array([by_region[region] for region in Region], np.float32)


def _surface(skin: Material, made: Material, scene: Rng, gloss_roughness: float | None) -> F32:
    table = np.zeros((len(Region), Texture.COLUMNS), np.float32)
    table[:, Texture.ROUGHNESS], table[:, Texture.F0] = 0.5, 0.04
    table[:, Texture.LOBE], table[:, Texture.SCALE] = 0.15, 1.0
    table[:, Texture.NIR_MELANIN], table[:, Texture.NIR_BLOOD] = 1.0, 1.0
    for region in (Region.SKIN, Region.LIPS, Region.HAND, Region.TONGUE):
        _cover_with(table, region, skin)
    for region in (Region.MASK, Region.MASK_EYE_HOLE_RIM, Region.MASK_LIPS):
        _cover_with(table, region, made)
    for region in (Region.HAIR, Region.BROW, Region.BEARD, Region.LASHES):
        _set(table, region, KIND=Kind.STRANDS, ROUGHNESS=0.4, LOBE=0.15, BUMP=0.15, PORES=0.4)
    for region in (Region.SCLERA, Region.IRIS, Region.PUPIL):  # cornea: one glint for each light
        _set(table, region, ROUGHNESS=0.07, F0=0.025, LOBE=1.0, PORES=0.04)
    _set(table, Region.CLOTH, KIND=Kind.WEAVE, ROUGHNESS=0.8, LOBE=0.1, PORES=scene.uniform(0.05, 0.3), BUMP=0.2)
    _set(table, Region.PAPER, KIND=Kind.PICTURE, ROUGHNESS=0.6, LOBE=0.5)
    if gloss_roughness is not None:
        _set(table, Region.PAPER, ROUGHNESS=gloss_roughness, LOBE=1.0)
    glass = scene.uniform(0.02, 0.05)
    _set(table, Region.SCREEN, KIND=Kind.PICTURE, ROUGHNESS=glass, F0=0.043, LOBE=1.0, EMISSION=1.0)
    _set(table, Region.BEZEL, ROUGHNESS=0.15, LOBE=1.0)
    _set(table, Region.GLASSES_FRAME, ROUGHNESS=0.15, LOBE=1.0)
    for region in (Region.WALL, Region.FURNITURE):
        _set(table, region, ROUGHNESS=0.8, PORES=scene.uniform(0.02, 0.15), SCALE=scene.uniform(3.0, 40.0))
    return table


def _cover_with(table: F32, region: Region, material: Material) -> None:
    _set(
        table, region, KIND=Kind.WEAVE if material.woven else Kind.SPECKLE, ROUGHNESS=material.roughness,
        F0=material.f0, LOBE=material.lobe, WRAP=material.wrap, MELANIN=material.melanin, BLOOD=material.blood,
        FRECKLES=material.freckles, PORES=material.pores, BUMP=material.bump, NIR_MELANIN=material.nir_melanin,
        NIR_BLOOD=material.nir_blood,
    )  # fmt: skip


def _set(table: F32, region: Region, **columns: float) -> None:
    for name, value in columns.items():
        table[region, Texture[name]] = value


_FLUSHED = np.array([[0.0, 0.040, -0.02], [0.036, 0.042, 0.0], [-0.036, 0.042, 0.0]])  # nose, cheeks; metres
_FLUSH_RADIUS_M = 0.016
_SOFT = (Region.SKIN, Region.LIPS, Region.MASK, Region.MASK_EYE_HOLE_RIM, Region.MASK_LIPS)


def vertex_albedo(mesh: Mesh, palette: Palette) -> F32:
    """Albedo float32 [N, 4] of each vertex: the mean over its faces, flushed where blood runs near the skin.

    Averaging gives lips and the iris a soft edge; hair is added by the shading kernel, strand by strand.
    """
    count = len(mesh.vertices)
    weight = np.bincount(mesh.faces.ravel(), minlength=count)
    of_face = np.repeat(palette.albedo[mesh.region], 3, axis=0)
    total = [np.bincount(mesh.faces.ravel(), of_face[:, band], count) for band in range(BANDS)]
    albedo = np.stack(total, axis=1) / np.maximum(weight, 1)[:, None]
    soft = np.zeros(count, np.bool_)
    soft[mesh.faces[np.isin(mesh.region, _SOFT)]] = True
    distance2 = ((mesh.canonical[soft, None] - _FLUSHED) ** 2).sum(axis=2)
    flush = palette.blush * np.exp(-distance2 / (2 * _FLUSH_RADIUS_M**2)).sum(axis=1)
    albedo[soft, :3] *= np.exp(-flush[:, None] * np.array([0.02, 0.16, 0.12]))
    return albedo.astype(np.float32)


def cover(mesh: Mesh, palette: Palette) -> F32:
    """Hair over skin, float32 [N, 5]: its albedo in four bands and how much it covers, 0..1."""
    weights = np.stack([mesh.hair, mesh.brow, mesh.beard], axis=1)
    colours = np.stack([palette.hair, palette.brow, palette.beard])
    total = weights.sum(axis=1, keepdims=True)
    albedo = weights @ colours / np.maximum(total, 1e-6)
    return np.concatenate([albedo, np.minimum(total, 1.0)], axis=1).astype(np.float32)
