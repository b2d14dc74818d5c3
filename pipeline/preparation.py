"""A frame set and a face in, the nets' inputs out: the one preprocessing of training and running.

`prepare` is a function of the pixels, the rig and the parameters alone. No label, file name or clock reaches it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from drivers.frames import FrameSet, Image
from drivers.registration import Registered, register
from pipeline import gate, reflectance
from pipeline.depth_stage import Surface, depth_maps, find_surface, inner_face
from pipeline.faces import Face
from pipeline.parameters import Preprocessing
from pipeline.pose import Pose, head_pose, landmark_points
from pipeline.result import Prepared, Reason
from pipeline.stopwatch import Stopwatch
from pipeline.upright import turn_points

REGION_FACTOR = 1.3  # of the canonical square: room for its rotation and for the face's outline


@dataclass(frozen=True, slots=True, eq=False)
class Preparation:
    """What became of one face: `reason` says why it is not judged; with `prepared` it could be scored all the same.

    `no_reflectance` says why M-Net's inputs are missing or unfit, `prepared` may then hold the depth maps alone.
    """

    reason: Reason | None
    distance_m: float | None = None
    pose: Pose | None = None
    prepared: Prepared | None = None
    no_reflectance: Reason | None = None


def prepare(frame_set: FrameSet, face: Face, parameters: Preprocessing, watch: Stopwatch | None = None) -> Preparation:
    """Registration, gate, depth stage and reflectance stage for one face (SPEC §3–§5).

    The first objection of the gate is the reason; the pictures are made as far as they can be regardless, so that
    research runs can score what the gate would refuse.
    """
    watch = watch or Stopwatch()
    square = face.canonical_square()
    grid = frame_set.rig.grid
    with watch.stage("register"):
        try:
            registered = register(frame_set, square.region(REGION_FACTOR))
        except ValueError:
            return Preparation(Reason.CUT_OFF)
    with watch.stage("gate"):
        local = face.landmarks - np.array(registered.region[:2], np.float32)
        points = landmark_points(registered.depth_mm, registered.rays, local)
        distance_m = _distance_m(points)
        pose = head_pose(turn_points(points, frame_set.rig.rotation))
        reason = (
            gate.check_size(distance_m, square, parameters.gate)
            or gate.check_place(square, grid.width, grid.height)
            or gate.check_pose(pose, parameters.gate)
        )
    if distance_m is None:
        return Preparation(Reason.NO_DEPTH)
    with watch.stage("depth_stage"):
        surface = find_surface(registered, square, parameters.depth)
        if surface.coverage < parameters.depth.min_coverage:
            reason = reason or Reason.FACE_INCOMPLETE
        if not surface.mask.any():
            return Preparation(reason or Reason.NO_DEPTH, distance_m, pose)
        known = points[np.isfinite(points).all(axis=1)]
        maps = depth_maps(surface, square, known, float(np.sqrt(grid.fx * grid.fy)), parameters.depth)
    prepared = Prepared(surface.points[..., 2].copy(), maps, surface.mask)
    no_reflectance = _missing_stream(frame_set)
    if no_reflectance:
        return Preparation(reason, distance_m, pose, prepared, no_reflectance)
    with watch.stage("reflectance_stage"):
        prepared, no_reflectance = _with_reflectance(prepared, frame_set, registered, surface, parameters)
    return Preparation(reason, distance_m, pose, prepared, no_reflectance)


def _with_reflectance(
    prepared: Prepared, frame_set: FrameSet, registered: Registered, surface: Surface, parameters: Preprocessing
) -> tuple[Prepared, Reason | None]:
    image = frame_set.infrared
    assert image is not None, "checked by the caller"
    bands = reflectance.align_bands(registered, surface, image.white_level)
    inner = inner_face(parameters.depth.inner_hull) > 0
    face = (bands.mask > 0) & inner
    seen = face.sum() >= parameters.depth.min_coverage * inner.sum()
    light = gate.check_light(bands.infrared, bands.color, face, parameters.gate)
    objection = light if seen else Reason.NO_INFRARED
    infrared = reflectance.distance_free(bands, image, parameters.reflectance, frame_set.rig.radiometric)
    stack, total, difference = reflectance.fuse(bands, infrared, parameters.reflectance)
    color = np.clip(bands.color, 0, 255).astype(np.uint8)
    return replace(prepared, color=color, stack=stack, sum=total, diff=difference), objection


def _missing_stream(frame_set: FrameSet) -> Reason | None:
    if frame_set.infrared is None or not _scaled(frame_set.infrared):
        return Reason.NO_INFRARED
    return Reason.NO_COLOR if frame_set.color is None else None


def _scaled(infrared: Image) -> bool:
    """Whether its brightness can be put to scale: an exposure or a gain of nothing would make any mask shine like skin.
    One that is not told counts as the reference.
    """
    return all(told is None or (np.isfinite(told) and told > 0) for told in (infrared.exposure_ms, infrared.gain))


def _distance_m(points: NDArray[np.float64]) -> float | None:
    z = points[np.isfinite(points[:, 2]), 2]
    return float(np.median(z)) / 1000 if len(z) else None
