"""Who or what stands before the camera: a person, a person in a mask, a made head, or a picture in a hand."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from drivers.simulated.assets import template
from drivers.simulated.heads import Expression, Identity, head_mesh, landmarks, sample_identity
from drivers.simulated.holding import held, sample_cutout, sample_worn, standing
from drivers.simulated.instruments import behind_mask, hand, mask_shell
from drivers.simulated.makeup import with_makeup
from drivers.simulated.masks import Likeness, MaskCut, likeness, sample_cut, sample_eye_gap, sample_thickness
from drivers.simulated.materials import Palette, sample_palette
from drivers.simulated.matter import MaskKind, mask_kind, material_streams
from drivers.simulated.mesh import Mesh, Region, merged, tube
from drivers.simulated.motion import Subject as MotionSubject
from drivers.simulated.motion import sample_motion
from drivers.simulated.pictures import (
    NO_PICTURE,
    cut_along,
    in_picture,
    on_sheet,
    portrait,
    printed,
    sample_scale,
    sample_screen,
    sample_sheet,
    sample_size,
)
from drivers.simulated.species import FLAT, Difficulty, Species

__all__ = ["NO_PICTURE", "Fixed", "Masked", "Person", "Subject", "sample_subject"]

F32 = NDArray[np.float32]
Rng = np.random.Generator

_BEHIND: Final = ("wrapped_print", "trimmed_print")  # paper that is also worn


class Subject(Protocol):
    """Something that can be drawn at any time of its motion, in the head frame."""

    @property
    def picture(self) -> F32:
        """What its paper or screen shows: albedo or light, float32 [h, w, 4]."""
        ...

    @property
    def moves(self) -> MotionSubject: ...

    def mesh(self, expression: Expression) -> Mesh:
        """Its shape; the number and order of vertices never change."""
        ...

    def landmarks(self, expression: Expression) -> F32:
        """float32 [5, 3] metres: eyes, nose tip, mouth corners, image left first."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Person:
    """A living face; `beside` may be a raised hand."""

    identity: Identity
    beside: Mesh | None

    picture = NO_PICTURE
    moves: MotionSubject = "person"

    def mesh(self, expression: Expression) -> Mesh:
        return _with(standing(head_mesh(self.identity, expression)), self.beside)

    def landmarks(self, expression: Expression) -> F32:
        return landmarks(self.identity, expression)


@dataclass(frozen=True, slots=True, eq=False)
class Masked:
    """A person in a mask of another's face: their own eyes behind its holes, their hair, neck and clothes around it."""

    wearer: Identity
    kind: MaskKind
    thickness_m: float
    eye_gap_m: float
    cut: MaskCut
    face: Likeness
    beside: Mesh | None

    picture = NO_PICTURE
    moves: MotionSubject = "person"

    def mesh(self, expression: Expression) -> Mesh:
        head = head_mesh(self.wearer, behind_mask(expression, self.kind))
        masked = mask_shell(
            head, self.kind, self.thickness_m, eye_gap_m=self.eye_gap_m, cut=self.cut, face=self.face
        )  # fmt: skip
        return _with(standing(masked), self.beside)

    def landmarks(self, expression: Expression) -> F32:
        base = template()
        places = landmarks(self.wearer, behind_mask(expression, self.kind))
        places[:2, 2] += self.eye_gap_m
        places[2:] += self.face.offset[[base.nose_tip, *base.mouth_corners]]
        places[2:, 2] -= self.thickness_m
        return places


@dataclass(frozen=True, slots=True, eq=False)
class Fixed:
    """A print, a screen or a made head with all that belongs to it. It does not change in time."""

    shape: Mesh
    picture: F32
    places: F32
    moves: MotionSubject = "rigid"

    def mesh(self, expression: Expression) -> Mesh:  # noqa: ARG002  it has one expression
        return self.shape

    def landmarks(self, expression: Expression) -> F32:  # noqa: ARG002
        return self.places


def _with(shape: Mesh, beside: Mesh | None) -> Mesh:
    return shape if beside is None else merged([shape, beside])


def sample_subject(
    species: Species, person: Rng, instrument: Rng, scene: Rng, difficulty: Difficulty
) -> tuple[Subject, Palette]:
    """Draws what stands before the camera, and what it is made of.

    `person` decides who lives, wears the mask or is pictured, or whom a made head shows; `instrument` the print,
    screen, mask or head; `scene` the rest.
    """
    (person, skin), (instrument, matter) = material_streams(person, instrument)
    identity = sample_identity(person)
    if species in FLAT:
        return _sample_flat(species, identity, skin, instrument, matter, scene)
    kind, beside = mask_kind(species, matter), _raised_hand(scene)
    if kind is None:
        return Person(identity, beside), sample_palette(skin, scene, matter)
    whole = species == "mannequin_head"
    palette = sample_palette(skin, scene, matter, mask=kind, overlap=difficulty.overlap, head=whole)
    if whole:
        return _sample_mannequin(identity, instrument, beside), palette
    return _sample_masked(identity, kind, instrument, beside), palette


def _raised_hand(rng: Rng) -> Mesh | None:
    """Now and then a hand near the face: holding something is no sign of an attack."""
    side = rng.choice([-1.0, 1.0])
    point = [side * rng.uniform(0.15, 0.22), rng.uniform(0.05, 0.18), rng.uniform(-0.03, 0.05)]
    raised = hand(point, [-side, rng.uniform(-0.5, 0.1), 0.0], [0.0, 0.0, -1.0])
    return raised if rng.random() < 0.12 else None


def _sample_masked(wearer: Identity, kind: MaskKind, instrument: Rng, beside: Mesh | None) -> Masked:
    thickness, gap = sample_thickness(instrument, kind), sample_eye_gap(instrument, kind)
    cut = sample_cut(instrument, kind)
    own = head_mesh(wearer)
    shown = _fitted(wearer, sample_identity(instrument))
    return Masked(wearer, kind, thickness, gap, cut, likeness(own, shown, kind), beside)


def _fitted(wearer: Identity, other: Identity) -> Mesh:
    """The head of another, its eyes where its wearer has theirs, with the wearer's hair, glasses and clothes."""
    grown = replace(wearer.hair, beard=other.hair.beard, beard_cover=other.hair.beard_cover)
    grown = replace(
        grown, brow_width_m=other.hair.brow_width_m, brow_height_m=other.hair.brow_height_m,
        brow_cover=other.hair.brow_cover,
    )  # fmt: skip
    dressed = replace(
        other, hair=grown, glasses=wearer.glasses, collar_m=wearer.collar_m, pupil_m=wearer.pupil_m
    )  # fmt: skip
    own, eyes = landmarks(wearer)[:2], landmarks(dressed)[:2]
    size = np.linalg.norm(own[1] - own[0]) / np.linalg.norm(eyes[1] - eyes[0])
    head = head_mesh(dressed)
    return head.with_vertices(head.vertices * np.float32(size))


def _sample_mannequin(identity: Identity, instrument: Rng, beside: Mesh | None) -> Fixed:
    """A made head on shoulders or on a stand: its mouth shut, its eyes painted, sometimes of the wrong size."""
    bald, stand = instrument.random() < 0.25, instrument.random() < 0.4
    size = float(instrument.uniform(0.55, 1.3)) if instrument.random() < 0.3 else 1.0
    shown = replace(identity, hair=replace(identity.hair, style="bald") if bald else identity.hair)
    head = standing(head_mesh(shown))
    region = head.region.copy()
    region[np.isin(region, (Region.SKIN, Region.MOUTH, Region.TONGUE, Region.TEETH))] = Region.MASK
    region[region == Region.LIPS] = Region.MASK_LIPS
    head = replace(head, region=region)
    if stand:
        neck = head.vertices[np.unique(head.faces[(region == Region.MASK)])]
        foot = np.array([0.0, 0.11, float(neck[neck[:, 1] > 0.09, 2].mean())])
        path = foot + np.array([[0.0, y, 0.0] for y in (0.0, 0.03, 0.06, 0.065, 0.30, 0.9)])
        pole = tube(path, [0.058, 0.062, 0.075, 0.02, 0.02, 0.02], 24, Region.PLASTIC)
        head = merged([head.kept(region != Region.CLOTH), pole])
    shape = head.with_vertices(head.vertices * np.float32(size))
    return Fixed(_with(shape, beside), NO_PICTURE, landmarks(shown) * np.float32(size))


def _sample_flat(
    species: Species, identity: Identity, skin: Rng, instrument: Rng, matter: Rng, scene: Rng
) -> tuple[Subject, Palette]:
    pictured = with_makeup(sample_palette(skin, scene, matter), scene)
    glossy = bool(instrument.random() < 0.3) or species == "vinyl_banner"
    holder = sample_identity(scene)
    own = sample_palette(scene, scene, matter, gloss=glossy)
    palette = replace(own, face=pictured.face, skin_type=pictured.skin_type)
    expression = sample_motion(instrument).expression_at(float(instrument.uniform(0, 60)))
    distance = float(instrument.uniform(0.6, 1.2))
    head, points = head_mesh(identity, expression), landmarks(identity, expression)
    worn = species == "cutout_print" or (species in _BEHIND and scene.random() < 0.4)
    width, height = sample_size(species, instrument)
    scale = sample_scale(width, instrument)
    if worn:  # who wears a face makes it fit
        wearer = replace(holder, glasses=None)
        scale = float(np.ptp(landmarks(wearer)[:2, 0]) / np.ptp(points[:2, 0]))
    shape = sample_screen(width, height, instrument) if species == "screen_replay" else None
    if shape is None and species != "cutout_print":
        shape = sample_sheet(species, width, height, instrument)
    photo = portrait(head, pictured, width / scale, height / scale, distance, instrument)
    picture = printed(species, photo, glossy, instrument)
    uv = in_picture(points, width / scale, height / scale, distance)
    if species == "cutout_print":
        return sample_cutout(wearer, photo, picture, uv, (width, height), instrument, scene), palette
    assert shape is not None, "all but cut-outs have their sheet by now"
    if species == "trimmed_print" or (species == "wrapped_print" and instrument.random() < 0.5):
        shape = cut_along(shape, photo)
    if worn:
        return sample_worn(wearer, shape, picture, uv, scene), palette
    return Fixed(held(shape, holder, scene), picture, on_sheet(shape, uv)), palette
