"""Other people in the picture: in the room behind the subject, or at its side.

They come from the generator that subjects come from, out of streams of their own: a scene with bystanders shows its
subject as the scene without them does. They throw no shadow on one another but the projector's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from drivers.simulated.cast import Subject, sample_subject
from drivers.simulated.makeup import with_makeup
from drivers.simulated.materials import Palette
from drivers.simulated.mesh import Mesh
from drivers.simulated.motion import Motion, sample_motion
from drivers.simulated.species import Difficulty

Rng = np.random.Generator
F64 = NDArray[np.float64]

MOST: Final = 4
_STREAM: Final = 6  # of random numbers; a scene's own are 1 to 5
_BEHIND_M: Final = (0.5, 2.0)
_HEAD_M: Final = 0.09  # half its width, hair included
_WIDEST: Final = 0.45  # tangent off the axis at which every camera still sees a face
_HEIGHTS_M: Final = 0.07  # spread of people's
_LOOKING_DEG: Final = 20.0
_BESIDE_M: Final = (0.20, 0.25)  # between the middles of two heads, shoulder behind shoulder
_ROOM_M: Final = 0.35  # from a person's middle to what stands behind
_SHOULDERS_M: Final = 0.30


@dataclass(frozen=True, slots=True, eq=False)
class Bystander:
    """A person who is there without being the subject; `motion` in the depth camera's frame."""

    subject: Subject
    palette: Palette
    motion: Motion


def sample_bystanders(seed: int, subject: Motion, behind: int, beside: bool) -> tuple[Bystander, ...]:
    """Draws `behind` people 0.5 to 2 m farther than the subject, on either side of it, and one `beside` it.

    Who stands beside is 0.2 m off: wholly in the picture of a subject at 0.5 m or more, cut by its edge before.
    """
    x, y, z = (float(v) for v in subject.centre[3:])
    roomier = -1.0 if x > 0 else 1.0
    people = []
    for n in range(behind + beside):
        rng = np.random.default_rng([_STREAM, seed, n])
        person, instrument, cast, walk = rng.spawn(4)
        if n < behind:
            place = _behind(walk, x, z, roomier * (-1.0) ** n)
        else:
            place = np.array([x + roomier * walk.uniform(*_BESIDE_M), y, z + walk.uniform(0.02, 0.06)])
        place[1] += walk.normal(0.0, _HEIGHTS_M if n < behind else 0.3 * _HEIGHTS_M)
        living, palette = sample_subject("live", person, instrument, cast, Difficulty())
        people.append(Bystander(living, with_makeup(palette, cast), _standing(walk, place)))
    return tuple(people)


def _behind(rng: Rng, x: float, z: float, side: float) -> F64:
    """A place behind a subject at `x`, `z`, past its head on one side, partly behind it now and then."""
    far = z + rng.uniform(*_BEHIND_M)
    clear = _HEAD_M / z + _HEAD_M / far
    tangent = np.clip(x / z + side * rng.uniform(0.7, 1.5) * clear, -_WIDEST, _WIDEST)
    return np.array([tangent * far, 0.0, far])


def _standing(rng: Rng, place: F64) -> Motion:
    drawn = sample_motion(rng, distance_m=(place[2] - 0.05, place[2] + 0.05), angle_deg=_LOOKING_DEG)
    return replace(drawn, centre=np.concatenate([drawn.centre[:3], place]))


def farther(room: Sequence[tuple[Mesh, Palette]], people: Sequence[Bystander]) -> tuple[tuple[Mesh, Palette], ...]:
    """The room drawn away from the camera until nobody stands in a wall or behind a thing: its lines stay where they
    are in the picture.
    """
    factor = 1.0
    for person in people:
        x, _, z = person.motion.centre[3:]
        for shape, _ in room:
            across = shape.vertices[:, 0] / shape.vertices[:, 2]
            hidden = np.abs(across - x / z) < _SHOULDERS_M / z
            if hidden.any():
                factor = max(factor, (z + _ROOM_M) / float(shape.vertices[hidden, 2].min()))
    return tuple((shape.with_vertices(shape.vertices * np.float32(factor)), palette) for shape, palette in room)
