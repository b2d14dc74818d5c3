"""What faces are made of: skin, and the materials of masks and heads that imitate it.

Everything that light can tell of a face stands in one `Material`. Skin follows the correlation of Cooksey, Allen &
Tsai (2017, 100 forearms): within a Fitzpatrick type red is drawn, the other bands follow from it. A mask is painted as
skin is coloured; in infrared, in gloss and in depth of light it is what its own stuff makes it. `Difficulty.overlap`
says how often it is optically skin instead.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, Literal, TypedDict

import numpy as np
from numpy.typing import NDArray

from drivers.simulated.species import Difficulty, Species

F32 = NDArray[np.float32]
Rng = np.random.Generator

MaskKind = Literal["resin", "plaster", "silicone", "latex", "plastic", "textile"]
NIR: Final = 3
OWN_SKIN: Final = 0.6  # share of masks that are painted as their wearer is coloured


@dataclass(frozen=True, slots=True, eq=False)
class Material:
    """The complete optical description of a face.

    albedo: float32 [4], diffuse, R G B and near infrared; lips: float32 [4], theirs over the face's
    roughness, f0, lobe, wrap: of the gloss, and how far light creeps into the shade
    melanin, blood, freckles, pores, bump: amplitudes of pigment and relief; nir_melanin, nir_blood: what of them is
    left in infrared; blush: redness of cheeks and nose
    woven: 1 for cloth; skin_like: 1 for a mask or head whose numbers are all skin's own
    """

    albedo: F32
    lips: F32
    roughness: float
    f0: float
    lobe: float
    wrap: float
    melanin: float
    blood: float
    freckles: float
    pores: float
    bump: float
    nir_melanin: float
    nir_blood: float
    blush: float
    woven: bool = False
    skin_like: bool = False

    def vector(self) -> F32:
        """All numbers that light can tell, float32 [21], in the order of the fields."""
        single = (
            self.roughness, self.f0, self.lobe, self.wrap, self.melanin, self.blood, self.freckles, self.pores,
            self.bump, self.nir_melanin, self.nir_blood, self.blush, float(self.woven),
        )  # fmt: skip
        return np.concatenate([self.albedo, self.lips, np.array(single)]).astype(np.float32)


_RED_OF_TYPE = ((0.56, 0.027), (0.52, 0.034), (0.47, 0.025), (0.39, 0.033), (0.29, 0.039), (0.17, 0.04))
# ln G, ln B, ln 850, ln 940 = intercept + slope · ln R, residual sd (Cooksey 2017, own fit)
_INTERCEPT = np.array([-0.170, -0.223, -0.331, -0.536])
_SLOPE = np.array([1.394, 1.770, 0.254, 0.137])
_RESIDUAL_SD = np.array([0.042, 0.090, 0.036, 0.038])
_RESIDUAL_CORRELATION = np.array(
    [[1.0, 0.64, -0.45, -0.45], [0.64, 1.0, -0.45, -0.45], [-0.45, -0.45, 1.0, 0.96], [-0.45, -0.45, 0.96, 1.0]]
)
_RESIDUAL_ROOT = np.linalg.cholesky(_RESIDUAL_CORRELATION * np.outer(_RESIDUAL_SD, _RESIDUAL_SD))
_FACE = np.array([1.0, 0.88, 0.88])  # a face holds more blood than a forearm
_GLOSS = 0.008  # the measured reflectance includes the surface's gloss, of which the lobe adds about this much again
_LIPS = np.array([0.85, 0.60, 0.65, 0.97])


def typed_skin(rng: Rng, nir_nm: int = 850) -> tuple[F32, int]:
    """Diffuse albedo of one person's face, float32 [4], and its Fitzpatrick type 1..6, each as likely as another."""
    kind = int(rng.integers(len(_RED_OF_TYPE)))
    red = max(rng.normal(*_RED_OF_TYPE[kind]), 0.08)
    others = np.exp(_INTERCEPT + _SLOPE * np.log(red) + _RESIDUAL_ROOT @ rng.standard_normal(4))
    nir = others[2 if nir_nm == 850 else 3] - 0.02
    bands = np.array([*(np.array([red, others[0], others[1]]) * _FACE), nir])
    return np.maximum(bands - _GLOSS, 0.4 * bands).astype(np.float32), kind + 1


def sample_skin(rng: Rng, nir_nm: int = 850) -> F32:
    """Diffuse albedo of one person's face, float32 [4]; `nir_nm` 850 or 940."""
    return typed_skin(rng, nir_nm)[0]


def living(rng: Rng, nir_nm: int = 850) -> tuple[Material, int]:
    """One person's skin, and its Fitzpatrick type."""
    albedo, skin_type = typed_skin(rng, nir_nm)
    skin = Material(
        albedo=albedo,
        lips=_lips(rng),
        roughness=float(rng.uniform(0.26, 0.4)),
        f0=0.028,
        lobe=float(rng.uniform(0.1, 0.3)),
        wrap=float(rng.uniform(0.05, 0.15)),
        nir_melanin=float(rng.uniform(0.15, 0.35)),
        nir_blood=0.02,
        **_pigments(rng),
    )
    return skin, skin_type


def _lips(rng: Rng) -> F32:
    return np.asarray(_LIPS * (1 + rng.uniform(-0.07, 0.07, 4) * [1, 1, 1, 0.2]), np.float32)


class _Pigments(TypedDict):
    melanin: float
    blood: float
    freckles: float
    pores: float
    bump: float
    blush: float


def _pigments(rng: Rng) -> _Pigments:
    """How patchy a face is, painted or grown."""
    return {
        "melanin": float(rng.uniform(0.04, 0.14)),
        "blood": float(rng.uniform(0.05, 0.16)),
        "freckles": float(rng.choice([0.0, 0.0, 0.25, 0.6]) * rng.uniform(0.5, 1.0)),
        "pores": float(rng.uniform(0.03, 0.09)),
        "bump": float(rng.uniform(0.04, 0.10)),
        "blush": float(rng.uniform(0.3, 1.2)),
    }


@dataclass(frozen=True, slots=True)
class Ranges:
    """What a mask's own stuff allows, low and high; infrared before the gloss is taken off."""

    nir: tuple[float, float]
    roughness: tuple[float, float]
    f0: tuple[float, float]
    lobe: tuple[float, float]
    wrap: tuple[float, float]


# After the refractive indices of the stuff and USGS splib07; lobes and wraps are assumed.
RANGES: Final[dict[MaskKind, Ranges]] = {
    "resin": Ranges((0.45, 0.75), (0.10, 0.50), (0.040, 0.047), (0.30, 0.60), (0.00, 0.08)),
    "plaster": Ranges((0.45, 0.75), (0.20, 0.55), (0.030, 0.042), (0.15, 0.60), (0.06, 0.20)),  # under a coat of wax
    "silicone": Ranges((0.45, 0.70), (0.25, 0.50), (0.028, 0.030), (0.15, 0.30), (0.04, 0.15)),
    "latex": Ranges((0.45, 0.75), (0.20, 0.50), (0.040, 0.047), (0.20, 0.50), (0.03, 0.10)),
    "plastic": Ranges((0.45, 0.75), (0.08, 0.35), (0.040, 0.047), (0.40, 0.90), (0.00, 0.05)),
    "textile": Ranges((0.35, 0.64), (0.70, 0.90), (0.035, 0.045), (0.02, 0.10), (0.00, 0.10)),
}
_SKIN_AXIS = np.array([1.0, 1.394, 1.770])  # along which skins differ: who mixes a paint errs along it


def sample_mask(rng: Rng, kind: MaskKind, wearer: F32) -> F32:
    """Albedo of a mask's material, float32 [4]: painted as skin, mostly as its wearer's, its infrared in the material's
    own range.
    """
    stranger = sample_skin(rng)
    bands = (wearer if rng.random() < OWN_SKIN else stranger).copy()
    bands[:3] *= np.exp(rng.normal(0.0, 0.04) * _SKIN_AXIS + rng.normal(0.0, 0.012, 3))
    bands[NIR] = rng.uniform(*RANGES[kind].nir) - _GLOSS
    return bands


def imitation(rng: Rng, kind: MaskKind, wearer: Material, overlap: float) -> Material:
    """The material of a mask or head of one kind, painted after `wearer` or after a stranger.

    With probability `overlap` every number is skin's own, of the wearer or of a stranger.
    """
    skin_like, own = rng.random() < overlap, rng.random() < OWN_SKIN
    if skin_like:
        return replace(wearer if own else living(rng)[0], skin_like=True)
    ranges = RANGES[kind]
    lips = _lips(rng)
    lips[NIR] = rng.uniform(0.85, 1.0)
    painted = Material(
        albedo=sample_mask(rng, kind, wearer.albedo),
        lips=lips,
        roughness=float(rng.uniform(*ranges.roughness)),
        f0=float(rng.uniform(*ranges.f0)),
        lobe=float(rng.uniform(*ranges.lobe)),
        wrap=float(rng.uniform(*ranges.wrap)),
        nir_melanin=float(rng.uniform(0.1, 0.6)),
        nir_blood=float(rng.uniform(0.0, 0.3)),
        **_pigments(rng),
    )
    if kind == "textile":  # a thread is no pore
        return replace(painted, woven=True, pores=float(rng.uniform(0.05, 0.25)), bump=0.0)
    return painted


HEAD_KINDS: Final[tuple[MaskKind, ...]] = ("resin", "plaster", "plastic", "silicone")


def mask_kind(species: Species, instrument: Rng) -> MaskKind | None:
    """What a mask or head of a species is made of; None for whatever has skin or paper for a face."""
    if species == "mannequin_head":
        return HEAD_KINDS[instrument.integers(len(HEAD_KINDS))]
    kind = species.removesuffix("_mask")
    return next((known for known in RANGES if known == kind), None)


def material_streams(person: Rng, instrument: Rng) -> tuple[tuple[Rng, Rng], tuple[Rng, Rng]]:
    """(shape, matter) of a person and of an instrument: matter can be drawn alone."""
    (a, b), (c, d) = person.spawn(2), instrument.spawn(2)
    return (a, b), (c, d)


def sample_material(species: Species, person: Rng, instrument: Rng, difficulty: Difficulty) -> Material:
    """What the face of a scene is made of, without its shape: the same as `cast.sample_subject`'s palette holds, given
    generators in the same state. For a print or screen the skin of who is pictured.
    """
    (_, own), (_, made) = material_streams(person, instrument)
    skin, _ = living(own)
    kind = mask_kind(species, made)
    return skin if kind is None else imitation(made, kind, skin, difficulty.overlap)
