"""Who or what stands before the camera: a person, a person in a mask, or a picture in a hand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from calibration.rig import Extrinsics, Intrinsics
from calibration.srgb import srgb_to_linear
from drivers.simulated.heads import Expression, Identity, head_mesh, landmarks, sample_identity
from drivers.simulated.instruments import (
    Anchor,
    behind_mask,
    hand,
    hand_holding,
    head_outline,
    mask_shell,
    screen,
    sheet,
    trimmed,
)
from drivers.simulated.masks import MaskCut, sample_cut
from drivers.simulated.materials import MaskKind, Palette, PrintKind, print_on_paper, sample_palette, show_on_screen
from drivers.simulated.mesh import Mesh, Region, merged
from drivers.simulated.motion import Subject as MotionSubject
from drivers.simulated.motion import sample_motion
from drivers.simulated.render import Canvas, body, paint, sky_visibility
from drivers.simulated.room import sample_lamps
from drivers.simulated.sensor import Conditions, expose_color
from drivers.simulated.species import Difficulty, Species

F32 = NDArray[np.float32]
Rng = np.random.Generator

_ANCHOR: Final[Anchor] = (0.5, 0.42)
_PHONE_M: Final = 0.1  # narrower than any other screen
_CHEST_M: Final = 0.35  # below the eyes
_PRINT_PX_PER_M: Final = 1400.0  # a live face half a metre away shows 1160
NO_PICTURE: Final = np.full((1, 1, 4), 0.5, np.float32)


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
        return _with(_standing(head_mesh(self.identity, expression)), self.beside)

    def landmarks(self, expression: Expression) -> F32:
        return landmarks(self.identity, expression)


@dataclass(frozen=True, slots=True, eq=False)
class Masked:
    """A person in a mask: their own eyes behind its holes, their hair, neck and clothes around it."""

    wearer: Identity
    kind: MaskKind
    thickness_m: float
    eye_gap_m: float
    cut: MaskCut
    beside: Mesh | None

    picture = NO_PICTURE
    moves: MotionSubject = "person"

    def mesh(self, expression: Expression) -> Mesh:
        head = head_mesh(self.wearer, behind_mask(expression, self.kind))
        masked = mask_shell(head, self.kind, self.thickness_m, eye_gap_m=self.eye_gap_m, cut=self.cut)
        return _with(_standing(masked), self.beside)

    def landmarks(self, expression: Expression) -> F32:
        places = landmarks(self.wearer, behind_mask(expression, self.kind))
        return (places - np.array([0, 0, self.thickness_m], np.float32)).astype(np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class Held:
    """A print or screen with the hands, and perhaps the head, of who holds it. It does not change in time."""

    shape: Mesh
    picture: F32
    places: F32
    moves: MotionSubject = "rigid"

    def mesh(self, expression: Expression) -> Mesh:  # noqa: ARG002  pictures have one expression
        return self.shape

    def landmarks(self, expression: Expression) -> F32:  # noqa: ARG002
        return self.places


def _with(shape: Mesh, beside: Mesh | None) -> Mesh:
    return shape if beside is None else merged([shape, beside])


def _standing(bust: Mesh) -> Mesh:
    """A bust drawn out downwards, past the lower edge of every picture."""
    vertices = bust.vertices.copy()
    vertices[:, 1] += 3.0 * np.maximum(vertices[:, 1] - _CHEST_M, 0)
    return bust.with_vertices(vertices)


def sample_subject(
    species: Species, person: Rng, instrument: Rng, scene: Rng, difficulty: Difficulty
) -> tuple[Subject, Palette]:
    """Draws what stands before the camera, and what it is made of.

    `person` decides who lives, wears the mask or is pictured; `instrument` the print, screen or mask; `scene` the rest.
    """
    identity = sample_identity(person)
    if species in ("live", "resin_mask", "silicone_mask"):
        beside = _raised_hand(scene)
        if species == "live":
            return Person(identity, beside), sample_palette(person, scene, instrument)
        kind: MaskKind = "resin" if species == "resin_mask" else "silicone"
        thickness = instrument.uniform(0.002, 0.004 if kind == "resin" else 0.005)
        masked = Masked(
            identity, kind, float(thickness), float(instrument.uniform(0.001, 0.006)), sample_cut(instrument), beside
        )
        return masked, sample_palette(person, scene, instrument, mask=kind)
    return _sample_held(species, identity, person, instrument, scene)


def _raised_hand(rng: Rng) -> Mesh | None:
    """Now and then a hand near the face: holding something is no sign of an attack."""
    side = rng.choice([-1.0, 1.0])
    point = [side * rng.uniform(0.15, 0.22), rng.uniform(0.05, 0.18), rng.uniform(-0.03, 0.05)]
    raised = hand(point, [-side, rng.uniform(-0.5, 0.1), 0.0], [0.0, 0.0, -1.0])
    return raised if rng.random() < 0.12 else None


def _sample_held(
    species: Species, identity: Identity, person: Rng, instrument: Rng, scene: Rng
) -> tuple[Held, Palette]:
    pictured = sample_palette(person, scene, instrument)
    glossy = bool(instrument.random() < 0.3)
    holder = sample_identity(scene)
    palette = sample_palette(scene, scene, instrument, gloss=glossy)
    expression = sample_motion(instrument).expression_at(float(instrument.uniform(0, 60)))
    distance = float(instrument.uniform(0.6, 1.2))
    head = head_mesh(identity, expression)
    width, height = _size(species, instrument)
    scale = _shown_scale(width, instrument)
    photo = portrait(head, pictured, width / scale, height / scale, distance, instrument)
    if species == "screen_replay":
        shape = screen(width, height, float(instrument.uniform(0.002, 0.012)), anchor=_ANCHOR)
        picture = show_on_screen(photo * instrument.uniform(0.5, 1.5), instrument)
    else:
        outline = head_outline(head, width / scale, height / scale, anchor=_ANCHOR, seen_from_m=distance)
        shape = _paper(species, width, height, outline, instrument)
        ink: PrintKind = "photo" if glossy else instrument.choice(["laser", "photo", "mono"], p=[0.6, 0.3, 0.1])
        picture = print_on_paper(photo, ink, instrument)
    places = _on_sheet(shape, _in_picture(landmarks(identity, expression), width / scale, height / scale, distance))
    return Held(_held(shape, holder, scene), picture, places), palette


def _size(species: Species, rng: Rng) -> tuple[float, float]:
    """Width and height in metres."""
    if species != "screen_replay":
        width = float(rng.uniform(0.19, 0.30))
        return width, width * float(rng.uniform(1.2, 1.42))
    device = rng.choice(["phone", "tablet", "monitor"], p=[0.3, 0.5, 0.2])
    if device == "phone":
        return 0.068 * float(rng.uniform(0.95, 1.1)), 0.148 * float(rng.uniform(0.9, 1.1))
    if device == "tablet":
        return float(rng.uniform(0.15, 0.20)), float(rng.uniform(0.20, 0.26))
    return float(rng.uniform(0.35, 0.5)), float(rng.uniform(0.25, 0.32))


def _shown_scale(width_m: float, rng: Rng) -> float:
    """Size of the pictured face against its natural size: mostly natural, on a phone what fits."""
    other = float(rng.uniform(0.75, 1.3)) if rng.random() < 0.4 else 1.0
    return min(other, width_m / float(rng.uniform(0.11, 0.17))) if width_m < _PHONE_M else other


def _paper(species: Species, width: float, height: float, outline: F32, rng: Rng) -> Mesh:
    """Flat and a little slack; or cut out along the head; or bent about an axis, folded at the nose, wrapped."""
    slack, wave = 1 / rng.uniform(-1.2, 1.2), rng.uniform(0.0, 0.06)
    axis = float(rng.normal(np.pi / 2, 0.2) if rng.random() < 0.7 else rng.uniform(0, np.pi))
    bend = float(rng.uniform(0.06, 0.30) * rng.choice([1.0, 1.0, 1.0, -1.0]))
    fold = float(rng.uniform(0.12, 0.55))
    style = rng.choice(["bent", "folded", "wrapped"])
    if species == "flat_print":
        return sheet(width, height, slack, axis, anchor=_ANCHOR, wave_rad=wave)
    if species == "curved_print" or rng.random() < 0.4:
        radius = float(np.inf) if style == "folded" else bend
        folded = 0.0 if style == "bent" else fold
        axis = np.pi / 2 if folded else axis
        whole = sheet(width, height, radius, axis, anchor=_ANCHOR, fold_rad=folded)
    else:
        whole = sheet(width, height, slack, axis, anchor=_ANCHOR, wave_rad=wave)
    return trimmed(whole, outline) if species == "trimmed_print" else whole


def _held(shape: Mesh, holder: Identity, rng: Rng) -> Mesh:
    """With a hand or two, and sometimes the holder's own head and shoulders close behind."""
    parts = [shape]
    edges = rng.permutation(np.array(["left", "right", "bottom"]))
    for edge in edges[: rng.choice([0, 1, 2], p=[0.15, 0.6, 0.25])]:
        parts.append(hand_holding(shape, edge, float(rng.uniform(0.4, 0.9))))
    behind = [rng.uniform(-0.08, 0.08), rng.uniform(-0.02, 0.12), rng.uniform(0.13, 0.40)]
    if rng.random() < 0.4:
        parts.append(_standing(head_mesh(holder)).transformed(np.eye(3), behind))
    return merged(parts)


def _portrait_camera(width_m: float, height_m: float, distance_m: float) -> Intrinsics:
    w, h = max(int(width_m * _PRINT_PX_PER_M), 32), max(int(height_m * _PRINT_PX_PER_M), 32)
    f = _PRINT_PX_PER_M * distance_m
    return Intrinsics(width=w, height=h, fx=f, fy=f, cx=_ANCHOR[0] * w - 0.5, cy=_ANCHOR[1] * h - 0.5)


def portrait(head: Mesh, palette: Palette, width_m: float, height_m: float, distance_m: float, rng: Rng) -> F32:
    """A head as another colour camera pictured it, linear RGB float32 [h, w, 3], 0..1, natural size on
    `width_m` × `height_m`.
    """
    camera = _portrait_camera(width_m, height_m, distance_m)
    lamps, _ = sample_lamps(rng, 0.02, 1.0)
    placed = head.transformed(np.eye(3), [0.0, 0.0, distance_m])
    canvas = Canvas.empty(camera, infrared=False)
    canvas.light[:] = rng.uniform(0.05, 0.7, 3)
    paint(canvas, body(placed, palette, lamps, sky_visibility(placed)), NO_PICTURE, camera, Extrinsics(), lamps)
    face = np.median(canvas.light[canvas.region == Region.SKIN].mean(axis=1))
    conditions = Conditions(
        4.0, 1.0, 10.0, float(rng.uniform(1, 4)), float(rng.uniform(0.12, 0.32) / max(face, 1e-4)),
        (float(rng.uniform(0.92, 1.08)), 1.0, float(rng.uniform(0.92, 1.08))), float(rng.uniform(0.3, 1.0)),
        0.6, False, 0.0, 1.0, "hole", (0, 0),
    )  # fmt: skip
    srgb = np.asarray(expose_color(canvas, conditions, rng) / np.float32(255), np.float32)
    return srgb_to_linear(srgb)


def _in_picture(places: F32, width_m: float, height_m: float, distance_m: float) -> F32:
    """Where points of a head come to lie in its portrait, uv float32 [N, 2]."""
    shrink = distance_m / (distance_m + places[:, 2:])
    return np.asarray(places[:, :2] * shrink / [width_m, height_m] + _ANCHOR, np.float32)


def _on_sheet(shape: Mesh, uv: F32) -> F32:
    """Where places of a picture lie on the sheet or screen that shows it, float32 [N, 3]."""
    faces = shape.faces[np.isin(shape.region, (Region.PAPER, Region.SCREEN))]
    corners = shape.uv[faces]
    found = []
    for point in uv:
        a = corners[:, 0]
        b, c, p = corners[:, 1] - a, corners[:, 2] - a, point - a
        area = b[:, 0] * c[:, 1] - b[:, 1] * c[:, 0]
        wb = (p[:, 0] * c[:, 1] - p[:, 1] * c[:, 0]) / area
        wc = (b[:, 0] * p[:, 1] - b[:, 1] * p[:, 0]) / area
        best = int(np.argmax(np.minimum.reduce([wb, wc, 1 - wb - wc])))
        weights = np.array([1 - wb[best] - wc[best], wb[best], wc[best]])
        found.append(weights @ shape.vertices[faces[best]])
    return np.array(found, np.float32)
