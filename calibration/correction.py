"""A rig corrected so that a stream is seen where colour shows it.

At one distance a camera that is turned by an angle and one that stands aside by a length are seen as the same shift;
over distance the turn's shift stays and the other falls as 1 / distance. So one capture gives both figures and tells
neither from the other. A turn is the likelier: a knock or a soft mount turns a camera by tenths of a degree, which at
half a metre are some three millimetres, by which a housing hardly moves its cameras apart.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import cv2
import numpy as np

from calibration.projection import F64, rays
from calibration.rig import Extrinsics, Intrinsics, Rig

Way = Literal["turn", "move"]
Which = Literal["infrared", "depth", "both"]

MOTIONS: Final[dict[Which, tuple[str, ...]]] = {
    "infrared": ("infrared_to_color",),
    "depth": ("depth_to_color",),
    "both": ("depth_to_color", "infrared_to_color"),
}


@dataclass(frozen=True, slots=True)
class Seen:
    """Where something is seen: pixels of the colour picture and its distance in metres along the camera's axis."""

    at_px: tuple[float, float]
    distance_m: float

    def point(self, camera: Intrinsics, shift_px: tuple[float, float] = (0.0, 0.0)) -> F64:
        """Where it is from the colour camera, metres float64 [3], `shift_px` further on at the same distance."""
        (x, y), *_ = rays(camera, np.add(self.at_px, shift_px)[None])
        return self.distance_m * np.array([x, y, 1.0])


def one_lens(rig: Rig) -> bool:
    """Whether infrared and depth come from one lens and are corrected together."""
    return rig.infrared is None or (rig.infrared == rig.depth and rig.infrared_to_color == rig.depth_to_color)


def corrected(rig: Rig, which: Which, seen: Seen, shift_px: tuple[float, float], way: Way) -> Rig:
    """The rig with the motions of `which` changed so that what is `seen` lies `shift_px` further on in colour: the
    stream's camera turned about itself, or moved aside.
    """
    camera = rig.grid
    here, there = seen.point(camera), seen.point(camera, shift_px)
    if not (np.isfinite(here).all() and np.isfinite(there).all()):
        return rig  # the lens has no rays there
    changed = {}
    for name in MOTIONS[which]:
        motion: Extrinsics = getattr(rig, name)
        if way == "move":
            changed[name] = Extrinsics.of(motion.R, motion.t + there - here)
        else:
            changed[name] = Extrinsics.of(_turn(here - motion.t, there - motion.t) @ motion.R, motion.t)
    return rig.model_copy(update=changed)


def turn_deg(before: Extrinsics, after: Extrinsics) -> tuple[float, float, float]:
    """Angles about colour's x, y, z by which one motion is turned beside another."""
    x, y, z = np.degrees(np.asarray(cv2.Rodrigues(after.R @ before.R.T)[0]).ravel())
    return float(x), float(y), float(z)


def _turn(one: F64, other: F64) -> F64:
    """The smallest rotation that leads one direction into another, float64 [3, 3]."""
    axis = np.cross(one, other)
    angle = np.arctan2(np.linalg.norm(axis), one @ other)
    return np.asarray(cv2.Rodrigues(axis / max(float(np.linalg.norm(axis)), 1e-12) * angle)[0], np.float64)
