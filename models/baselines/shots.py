"""Whole simulated frames, and what can be measured in them away from the face."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from calibration.rig import Intrinsics
from drivers.frames import FrameSet
from drivers.simulated.scenes import render_frame, truth
from drivers.simulated.species import FLAT
from models.datasets.faces import Split
from models.datasets.mipd import Recipe, plan
from models.datasets.simulated import exposure, scene_of, streams

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]

GRID: Final = (16, 12)  # cells of a picture, across and down
AROUND_M: Final = 0.17  # half side of what holds a face and its hair
BEYOND_M: Final = 0.40  # beyond it no hand, shoulder or sheet reaches; below it a body stands


@dataclass(frozen=True, slots=True, eq=False)
class Shot:
    """One whole frame. `face_m` float64 [3], the middle of the face in the depth camera's frame."""

    split: Split
    species: str
    frame_set: FrameSet
    face_m: F64


def shots(recipe: Recipe, count: int) -> Iterator[Shot]:
    """The first scenes of the recipe's train and test splits, half of `count` each, whole and ungated."""
    planned = plan(recipe)
    for split in ("train", "test"):
        for job in [job for job in planned if job.split == split][: count // 2]:
            scene = scene_of(job, recipe)
            frame_set = render_frame(scene, 0.0, np.random.default_rng([job.seed, 0]))
            place = truth(scene, 0.0).landmarks_m.mean(axis=0)  # colour and depth stand centimetres apart: near enough
            yield Shot(split, job.species, frame_set, place.astype(np.float64))


def _outside(shot: Shot, camera: Intrinsics, half_m: float, *, above: bool) -> NDArray[np.bool_]:
    """Pixels bool [H, W] that show nothing within `half_m` of the face; `above`: nor what stands below it."""
    x, y, z = shot.face_m
    reach = camera.fx * half_m / z
    across = np.abs(np.arange(camera.width) - (camera.fx * x / z + camera.cx)) < reach
    down = np.arange(camera.height) - (camera.fy * y / z + camera.cy)
    return ~np.outer(down > -reach if above else np.abs(down) < reach, across)


def _cells(picture: F32, outside: NDArray[np.bool_]) -> F64:
    """Means over the cells that lie wholly outside, 0 elsewhere: float64 [192]."""
    small = cv2.resize(picture, GRID, interpolation=cv2.INTER_AREA)
    whole = cv2.resize(outside.astype(np.float32), GRID, interpolation=cv2.INTER_AREA) > 1 - 1e-3
    return np.where(whole, small, 0.0).ravel().astype(np.float64)


def _pictures(shot: Shot) -> tuple[F32, F32, F32]:
    """Grey colour 0..1, infrared as a share of white, depth in metres."""
    color, infrared, depth = streams(shot.frame_set)
    grey = color.pixels.mean(axis=2, dtype=np.float32) / np.float32(255)
    white = np.float32(infrared.white_level)
    return grey, infrared.pixels.astype(np.float32) / white, depth.pixels * np.float32(shot.frame_set.depth_unit_m)


def background(half_m: float, *, above: bool) -> Callable[[Shot], F64]:
    """Cells of colour (against the face's metering: over its own mean), infrared and depth outside the face."""

    def cells(shot: Shot) -> F64:
        grey, infrared, depth = _pictures(shot)
        rig = shot.frame_set.rig
        assert rig.color is not None, "the simulated camera has all streams"
        inner, outer = (_outside(shot, camera, half_m, above=above) for camera in (rig.depth, rig.color))
        level = max(float(grey[outer].mean()), 1e-3) if outer.any() else 1.0
        parts = [_cells(grey / np.float32(level), outer), _cells(infrared, inner), _cells(depth, inner)]
        return np.concatenate(parts)

    return cells


def outer_noise(shot: Shot) -> F64:
    """Log-energy of depth's and infrared's fine noise away from the face, and the share of holes: float64 [3]."""
    _, infrared, depth = _pictures(shot)
    far = _outside(shot, shot.frame_set.rig.depth, BEYOND_M, above=True)
    known = far & (depth > 0) & (_blurred(depth <= 0) == 0)
    noise = np.abs(depth - _blurred(depth))[known] / depth[known] ** 2 if known.any() else np.ones(1)
    fine = np.abs(infrared - _blurred(infrared))[far] if far.any() else np.ones(1)
    holes = float((depth[far] <= 0).mean()) if far.any() else 0.0
    return np.array([np.log(1e-6 + np.median(noise)), np.log(1e-6 + fine.mean()), holes])


def _blurred(picture: NDArray[Any]) -> F32:
    return np.asarray(cv2.blur(picture.astype(np.float32), (5, 5)), np.float32)


def readings(shot: Shot) -> F64:
    """What the camera tells of a frame before anything is looked at: infrared exposure, times, lens, distance."""
    color, infrared, depth = streams(shot.frame_set)
    lens, late = shot.frame_set.rig.depth, color.device_time_s - depth.device_time_s
    return np.array([*exposure(infrared), late, lens.fx, lens.width, shot.face_m[2]])


def color_exposure(shot: Shot) -> F64:
    """Time and gain that metering chose for colour: they follow the face's brightness."""
    return np.log(exposure(streams(shot.frame_set)[0]))


def raw_infrared(shot: Shot) -> F64:
    """Mean raw infrared of the whole picture, and of the face: material tells, as it does in life."""
    _, infrared, _ = _pictures(shot)
    face = ~_outside(shot, shot.frame_set.rig.depth, AROUND_M / 3, above=False)
    return np.array([infrared.mean(), infrared[face].mean() if face.any() else 0.0])


def _worn(species: str) -> bool:
    return species not in FLAT and species != "mannequin_head"


def _solid(species: str) -> bool:
    return species not in FLAT


def _all(species: str) -> bool:  # noqa: ARG001
    return True


SHOT_FEATURES: Final[Mapping[str, tuple[Callable[[Shot], F64], Callable[[str], bool], bool]]] = {
    "camera's readings": (readings, _all, True),
    "room": (background(BEYOND_M, above=True), _all, True),
    "background of worn masks": (background(AROUND_M, above=False), _worn, True),
    "noise away from the face": (outer_noise, _all, True),
    "colour exposure": (color_exposure, _all, False),
    "raw infrared, masks": (raw_infrared, _solid, False),
}
"""Features of frames, the species that they are for, and whether they must tell nothing."""
