"""Who stands before the camera as it is painted: what a subject looks like at any time, and on any camera's canvas."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from calibration.rig import Extrinsics, Intrinsics
from drivers.simulated.cast import Masked, Person, Subject
from drivers.simulated.glasses import glass, glaze
from drivers.simulated.heads import lenses
from drivers.simulated.materials import Palette
from drivers.simulated.mesh import Mesh, Region
from drivers.simulated.motion import Motion
from drivers.simulated.render import Body, Canvas, body, paint, sky_visibility
from drivers.simulated.softness import soften

F32 = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Posed:
    """A figure at one time, in the depth camera's frame: its `body`, the glass of its spectacles, the `picture` that
    its paper or screen shows, and how far it stands.
    """

    body: Body
    lenses: Body | None
    picture: F32
    distance_m: float

    def draw(self, canvas: Canvas, camera: Intrinsics, motion: Extrinsics, lamps: F32) -> None:
        """Paints it on the canvas of a camera that `motion` leads to: soft skin, glass before it."""
        paint(canvas, self.body, self.picture, camera, motion, lamps, backs=False)
        soften(canvas, self.body.palette, camera)
        if self.lenses is not None:
            glaze(canvas, self.lenses, camera, motion, lamps)


class Figure:
    """A subject that moves, with what lasts as long as its scene: the sky's shadows and its spectacles' glass."""

    def __init__(self, subject: Subject, palette: Palette, motion: Motion, lamps: F32) -> None:
        self._subject, self._palette, self._motion, self._lamps = subject, palette, motion, lamps
        self._sky = sky_visibility(subject.mesh(motion.expression_at(0.0)))
        self._lenses = _lenses(subject)

    def at(self, t: float) -> Posed:
        """The figure at a time in seconds."""
        R, place = self._motion.pose_at(t)
        shape = self._subject.mesh(self._motion.expression_at(t)).transformed(R, place)
        worn = None if self._lenses is None else glass(self._lenses.transformed(R, place), self._palette, self._lamps)
        return Posed(
            body(shape, self._palette, self._lamps, self._sky), worn, self._subject.picture, float(place[2])
        )  # fmt: skip


def draw_all(
    canvas: Canvas, subject: Posed, others: Sequence[Posed], camera: Intrinsics, motion: Extrinsics, lamps: F32
) -> None:  # fmt: skip
    """Paints everybody, the farthest first and the subject last: an outline takes in what was painted before it."""
    for figure in sorted(others, key=lambda figure: -figure.distance_m):
        figure.draw(canvas, camera, motion, lamps)
        canvas.region[canvas.region >= 0] = Region.CLOTH  # no longer spreads light when the next one's skin does
    subject.draw(canvas, camera, motion, lamps)


def _lenses(subject: Subject) -> Mesh | None:
    """Of the spectacles of who is there; pictures show theirs, glass and all."""
    if isinstance(subject, Person):
        return lenses(subject.identity)
    shape = lenses(subject.wearer) if isinstance(subject, Masked) else None
    if shape is None or not isinstance(subject, Masked):
        return None
    return shape.transformed(np.eye(3), [0.0, 0.0, -subject.thickness_m])
