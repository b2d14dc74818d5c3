"""How a picture is presented: in one or two hands, before the holder's own head, or worn on a living face."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from drivers.simulated.heads import Expression, Identity, head_mesh, landmarks
from drivers.simulated.instruments import Hole, hand_holding, pierced, sheet
from drivers.simulated.mesh import Mesh, Region, merged
from drivers.simulated.motion import Subject as MotionSubject
from drivers.simulated.pictures import ANCHOR, Picture, cut_along, on_sheet, wrapped

F32 = NDArray[np.float32]
Rng = np.random.Generator

_CHEST_M: Final = 0.35  # below the eyes
_FACE_DEPTH_M: Final = 0.06  # what of a head may touch a sheet before it
_CUTS: Final = (("eyes",), ("eyes", "nose"), ("eyes", "nose", "mouth"))
"""What CASIA-SURF's attackers cut out; each lies flat or bent."""


def standing(bust: Mesh) -> Mesh:
    """A bust drawn out downwards, past the lower edge of every picture."""
    vertices = bust.vertices.copy()
    vertices[:, 1] += 3.0 * np.maximum(vertices[:, 1] - _CHEST_M, 0)
    return bust.with_vertices(vertices)


def hands_on(shape: Mesh, rng: Rng) -> list[Mesh]:
    """None to two hands that hold a sheet or screen."""
    edges = rng.permutation(np.array(["left", "right", "bottom"]))
    count = rng.choice([0, 1, 2], p=[0.15, 0.6, 0.25])
    return [hand_holding(shape, edge, float(rng.uniform(0.4, 0.9))) for edge in edges[:count]]


def held(shape: Mesh, holder: Identity, rng: Rng) -> Mesh:
    """With a hand or two, and sometimes the holder's own head and shoulders close behind."""
    parts = [shape, *hands_on(shape, rng)]
    behind = [rng.uniform(-0.08, 0.08), rng.uniform(-0.02, 0.12), rng.uniform(0.13, 0.40)]
    if rng.random() < 0.4:
        parts.append(standing(head_mesh(holder)).transformed(np.eye(3), behind))
    return merged(parts)


@dataclass(frozen=True, slots=True, eq=False)
class Worn:
    """A print before a living face: ears, hair and neck stand out behind it, and through its holes what was cut out.

    front: the sheet and hands; behind_m: how far the wearer's face lies behind its place without the sheet
    real: bool [5], which landmarks are the wearer's own; places: float32 [5, 3], those on the sheet
    """

    wearer: Identity
    front: Mesh
    picture: F32
    behind_m: float
    places: F32
    real: NDArray[np.bool_]
    moves: MotionSubject = "person"

    def mesh(self, expression: Expression) -> Mesh:
        head = standing(head_mesh(self.wearer, self._shown(expression)))
        return merged([self.front, head.transformed(np.eye(3), [0.0, 0.0, self.behind_m])])

    def landmarks(self, expression: Expression) -> F32:
        own = landmarks(self.wearer, self._shown(expression)) + np.array([0.0, 0.0, self.behind_m], np.float32)
        return np.where(self.real[:, None], own, self.places).astype(np.float32)

    def _shown(self, expression: Expression) -> Expression:
        """Paper holds a face still; the eyes are free."""
        return Expression(
            blink=expression.blink, gaze_yaw_deg=expression.gaze_yaw_deg, gaze_pitch_deg=expression.gaze_pitch_deg
        )


def sample_worn(wearer: Identity, shape: Mesh, picture: F32, uv: F32, scene: Rng) -> Worn:
    """A print before its wearer's face; `uv` float32 [5, 2] are the picture's landmarks."""
    front = merged([shape, *hands_on(shape, scene)])
    away = _clearance(shape, wearer, ()) + float(scene.uniform(0.001, 0.015))
    return Worn(wearer, front, picture, away, on_sheet(shape, uv), np.zeros(5, np.bool_))


def sample_cutout(
    wearer: Identity, photo: Picture, picture: F32, uv: F32, size_m: tuple[float, float], instrument: Rng, scene: Rng
) -> Worn:
    """A print with the eyes, perhaps nose and mouth cut out, flat or bent, worn before a real face."""
    cuts = _CUTS[instrument.integers(len(_CUTS))]
    bent, along, loose = instrument.random() < 0.5, instrument.random() < 0.5, float(instrument.uniform(0.001, 0.005))
    wave = float(instrument.uniform(0.0, 0.05))
    whole = (
        wrapped(*size_m, instrument) if bent else sheet(*size_m, anchor=ANCHOR, wave_rad=wave, cell_m=0.004)
    )  # fmt: skip
    holes = _holes(cuts, uv, size_m, instrument)
    shape = pierced(cut_along(whole, photo) if along else whole, holes, size_m, float(instrument.uniform(0, 6)))
    places = on_sheet(whole, uv)
    openings = tuple(
        (on_sheet(whole, np.array([hole.centre], np.float32))[0], hole.half_m) for hole in holes
    )  # fmt: skip
    real = np.array(["eyes" in cuts, "eyes" in cuts, "nose" in cuts, "mouth" in cuts, "mouth" in cuts])
    front = merged([shape, *hands_on(whole, scene)])
    return Worn(wearer, front, picture, _clearance(whole, wearer, openings) + loose, places, real)


def _holes(cuts: tuple[str, ...], uv: F32, size_m: tuple[float, float], rng: Rng) -> list[Hole]:
    """Ellipses with the scissors' freedom over what is cut out of a picture with landmarks `uv`."""
    loose = float(rng.uniform(0.95, 1.25))
    holes = [Hole(_point(eye), (0.0175 * loose, 0.0095 * loose * float(rng.uniform(0.9, 1.2)))) for eye in uv[:2]]
    if "nose" in cuts:
        tip = uv[2] - [0.0, 0.008 / size_m[1]]
        holes.append(Hole(_point(tip), (0.021 * loose, 0.024 * loose)))
    if "mouth" in cuts:
        holes.append(Hole(_point(uv[3:].mean(axis=0)), (0.031 * loose, 0.014 * loose)))
    return holes


def _point(uv: NDArray[np.floating]) -> tuple[float, float]:
    return float(uv[0]), float(uv[1])


def _clearance(shape: Mesh, wearer: Identity, openings: tuple[tuple[F32, tuple[float, float]], ...]) -> float:
    """How far back a face must lie so that it touches an upright-bent sheet and pierces it through openings only."""
    head = head_mesh(replace(wearer, glasses=None))
    front = head.vertices[np.unique(head.faces[np.isin(head.region, (Region.SKIN, Region.LIPS))])]
    low, high = shape.vertices.min(axis=0), shape.vertices.max(axis=0)
    front = front[(front[:, 2] < _FACE_DEPTH_M) & ((front > low) & (front < high))[:, :2].all(axis=1)]
    covered = np.ones(len(front), np.bool_)
    for centre, half in openings:
        covered &= np.hypot(*((front[:, :2] - centre[:2]) / half).T) > 0.95
    order = np.argsort(shape.vertices[:, 0])
    sheet_z = np.interp(front[:, 0], shape.vertices[order, 0], shape.vertices[order, 2])
    return float((sheet_z - front[:, 2])[covered].max(initial=-0.01))
