"""A flat target of known reflectance in captures: the plane in depth, and infrared on it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.errors import Refused
from calibration.projection import ray_table
from calibration.rig import Rig
from drivers.frames import FrameSet
from drivers.open import open_source
from drivers.source import frames_of

F64 = NDArray[np.float64]

REFERENCE_EXPOSURE_MS = 4.0
EVERY = 5  # frames of one capture are alike
PIXELS = 400  # a frame
OFF_PLANE_M = 0.015
MIN_SHARE = 0.5  # of the picture's middle that must lie on the plane
DARK_SHARE, BRIGHT_SHARE = 0.02, 0.95


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """Pixels on the target in one frame, float64 [n] each, as `calibration.radiometric.fit_attenuation` takes them."""

    source: str
    rig: Rig
    origin: str
    white_level: float
    depth_m: F64
    counts: F64
    factor: F64
    corner: F64


def same_camera(one: Rig, other: Rig) -> bool:
    """Whether two rigs are one camera, whatever law each carries."""
    return one.model_copy(update={"radiometric": None}) == other.model_copy(update={"radiometric": None})


def target_readings(uri: str, reflectance: float) -> Iterator[Reading]:
    """Readings of every fifth frame that shows the target. Raises Refused where infrared is not on depth's grid, or its
    white level is a guess.
    """
    source = open_source(uri)
    for number, frame_set in enumerate(frames_of(source)):
        if number % EVERY:
            continue
        rig = frame_set.rig
        shared = rig.depth == rig.infrared and rig.depth_to_color == rig.infrared_to_color
        if frame_set.infrared is None or frame_set.depth is None or not (shared or rig.registered):
            raise Refused(f"{uri}: needs depth and infrared on one grid to read a target: record such a stream")
        if "infrared" in source.info.white_assumed:
            raise Refused(
                f"{uri}: does not say at which count infrared saturates, and a law cannot be told by a guess: state "
                "`white_level` in camera.json, or `infrared_white` of the camera when recording"
            )
        reading = read_target(frame_set, reflectance, uri, source.info.origin)
        if reading is not None:
            yield reading


def read_target(frame_set: FrameSet, reflectance: float, source: str, origin: str) -> Reading | None:
    """Infrared on the plane that fills the picture's middle; None where there is no such plane."""
    depth, infrared = frame_set.depth, frame_set.infrared
    assert depth is not None
    assert infrared is not None
    h, w = depth.pixels.shape
    v, u = np.mgrid[h // 4 : h - h // 4 : 2, w // 4 : w - w // 4 : 2].reshape(2, -1)
    rays = ray_table(frame_set.rig.depth)[v, u].astype(np.float64)
    z = depth.pixels[v, u] * frame_set.depth_unit_m
    plane, on = _plane(rays, z)
    if on.mean() < MIN_SHARE:
        return None
    counts = infrared.pixels[v, u].astype(np.float64)
    share = counts / infrared.white_level
    kept = np.flatnonzero(on & (share > DARK_SHARE) & (share < BRIGHT_SHARE))
    if len(kept) < PIXELS // 4:
        return None
    kept = kept[:: max(1, len(kept) // PIXELS)]
    smooth = 1 / (rays[kept] @ plane[:2] + plane[2])  # the plane's own depth: a pixel's noise would bias the fit
    direction = np.column_stack([rays[kept], np.ones(len(kept))])
    cosine = np.abs(direction @ plane) / (np.linalg.norm(plane) * np.linalg.norm(direction, axis=1))
    exposure = 1.0 if infrared.exposure_ms is None else infrared.exposure_ms / REFERENCE_EXPOSURE_MS
    gain = 1.0 if infrared.gain is None else infrared.gain
    corner = np.hypot((u[kept] - w / 2) / (w / 2), (v[kept] - h / 2) / (h / 2)) / np.sqrt(2)
    factor = exposure * gain * reflectance * cosine
    return Reading(source, frame_set.rig, origin, infrared.white_level, smooth, counts[kept], factor, corner)


def _plane(rays: F64, z: F64) -> tuple[F64, NDArray[np.bool_]]:
    """(n float64 [3] with n · (x/z, y/z, 1) = 1/z, which points lie on it), robustly: inverse depth of a plane is
    linear in the pixel."""
    on = z > 0
    design = np.column_stack([rays, np.ones(len(rays))])
    plane: F64 = np.zeros(3)
    for limit_m in (np.inf, 0.1, 0.04, OFF_PLANE_M, OFF_PLANE_M):
        if on.sum() < 3:
            return plane, np.zeros(len(z), bool)
        plane = np.asarray(np.linalg.lstsq(design[on], 1 / z[on], rcond=None)[0], np.float64)
        inverse = np.maximum(design @ plane, 1e-6)
        on = (z > 0) & (np.abs(1 / inverse - z) < limit_m)
    return plane, on
