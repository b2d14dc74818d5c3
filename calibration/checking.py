"""Whether a stored rig still fits its camera, by a target; `calibration.alignment` tells it without one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from calibration.detection import View, pose, reprojection, seen_from
from calibration.projection import project
from calibration.rig import Extrinsics, Intrinsics, Rig
from calibration.target import Board

F64 = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class TargetCheck:
    """How a stored rig meets the target, pixels.

    `rms_px` of each lens alone, by name; `shift_px` (x, y) by which the target is seen in colour beside where infrared
    and the stored motion put it, None where not both lenses saw it.
    """

    rms_px: dict[str, float]
    shift_px: tuple[float, float] | None
    views: int


def check_target(views: Sequence[View], rig: Rig, board: Board) -> TargetCheck:
    """The stored rig against views of the target. Raises TooLittle where a lens has no rays there."""
    squares: dict[str, list[F64]] = {}
    shifts = []
    for view in views:
        motions: dict[str, Extrinsics] = {}
        for name, found in view.items():
            camera: Intrinsics = getattr(rig, name)
            motions[name] = pose(found, camera, board)
            squares.setdefault(name, []).append(reprojection(found, camera, motions[name], board) ** 2)
        if len(motions) == 2 and rig.color is not None and not rig.registered:
            seen, points = view["color"], board.corners[view["color"].ids]
            put = seen_from(rig.infrared_to_color, seen_from(motions["infrared"], points))
            shifts.append(np.median(seen.pixels - project(rig.color, put), axis=0))
    rms = {name: float(np.sqrt(np.concatenate(s).sum(axis=1).mean())) for name, s in squares.items()}
    shift = np.median(shifts, axis=0) if shifts else None
    return TargetCheck(rms, None if shift is None else (float(shift[0]), float(shift[1])), len(views))
