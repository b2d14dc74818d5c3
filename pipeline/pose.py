"""Head pose: the landmarks' 3-D points fitted rigidly to a mean face (Kabsch, 1976).

Axes are the grid camera's: x to the right of the image, y down, z away from the camera. The fit keeps the
mean face's size: depth tells the metric size, and a face of another size shows as a residual.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]

MEAN_FACE: F64 = np.array(
    [
        [-31.5, 0.0, 0.0],
        [31.5, 0.0, 0.0],
        [0.0, 34.0, -26.0],
        [-26.0, 73.0, 0.0],
        [26.0, 73.0, 0.0],
    ]
)
"""Eyes, nose tip and mouth corners of an adult's frontal face, float64 [5, 3] mm, the nose towards the camera.

Pupils 63 mm apart (mean of adults; Dodgson, 2004), mouth 52 mm wide (cheilion to cheilion about 50 in women, 54
in men; Farkas, 1994). Eye line to mouth 73 mm and the nose's place are rounded from where the face finder puts
its landmarks, its nose point lying a little above the tip. Upright means that eyes and mouth corners stand in
one vertical plane. Nose 40 instead of 34 mm below the eyes turns every pitch up by about a degree.
"""
MEAN_FACE.flags.writeable = False

HALF_WINDOW = 2  # 5×5 pixels around a landmark
MIN_SPREAD_MM = 5.0  # landmarks nearer to one line than this do not tell a rotation


@dataclass(frozen=True, slots=True)
class Pose:
    """Where the head looks, in degrees: `yaw` > 0 to the right of the image, `pitch` > 0 down, `roll` > 0
    clockwise in the image. Angles are to the camera's axis, not to the line of sight.

    `residual_mm` is the root mean square distance of the points to the fitted mean face; `distance_m` the
    distance from the camera to the middle of the fitted landmarks.
    """

    yaw: float
    pitch: float
    roll: float
    residual_mm: float
    distance_m: float


def landmark_depths(depth_mm: F32, landmarks: NDArray[np.floating]) -> F64:
    """Depth at each landmark: float64 [N] mm, the median of its valid 5×5 neighbours, NaN where none is valid.

    `depth_mm` float32 [h, w], 0 = none; `landmarks` [N, 2] x, y in its pixels, outside of it is allowed.
    """
    depths = np.full(len(landmarks), np.nan)
    for i, (x, y) in enumerate(np.rint(landmarks).astype(int)):
        top, left = max(0, y - HALF_WINDOW), max(0, x - HALF_WINDOW)
        window = depth_mm[top : max(0, y + HALF_WINDOW + 1), left : max(0, x + HALF_WINDOW + 1)]
        valid = window[window > 0]
        if valid.size:
            depths[i] = np.median(valid)
    return depths


def landmark_points(depth_mm: F32, rays: F32, landmarks: NDArray[np.floating]) -> F64:
    """The landmarks in space: float64 [N, 3] mm, NaN where a landmark has no depth.

    `rays` float32 [h, w, 2] holds X/Z and Y/Z of each pixel of `depth_mm`.
    """
    column, row = np.rint(landmarks).astype(int).T
    h, w = depth_mm.shape
    ray = rays[np.clip(row, 0, h - 1), np.clip(column, 0, w - 1)].astype(np.float64)
    z = landmark_depths(depth_mm, landmarks)[:, None]
    return np.hstack([ray * z, z])


def head_pose(points: F64) -> Pose | None:
    """Pose from the five landmarks' points, float64 [5, 3] mm with NaN rows where depth is missing.

    None where fewer than three are known or those lie on one line.
    """
    known = np.isfinite(points).all(axis=1)
    if known.sum() < 3:
        return None
    model, measured = MEAN_FACE[known], points[known]
    model_middle, middle = model.mean(axis=0), measured.mean(axis=0)
    if _spread(model - model_middle) < MIN_SPREAD_MM or _spread(measured - middle) < MIN_SPREAD_MM:
        return None
    R = kabsch(model - model_middle, measured - middle)
    left = measured - middle - (model - model_middle) @ R.T
    centre = middle + R @ (MEAN_FACE.mean(axis=0) - model_middle)
    yaw, pitch, roll = angles_of(R)
    residual = float(np.sqrt((left**2).sum(axis=1).mean()))
    return Pose(yaw, pitch, roll, residual, float(np.linalg.norm(centre)) / 1000)


def kabsch(model: F64, measured: F64) -> F64:
    """The rotation R [3, 3] that brings centred points [N, 3] nearest to others in least squares."""
    u, _, vt = np.linalg.svd(model.T @ measured)
    handed = np.sign(np.linalg.det(vt.T @ u.T))
    turn: F64 = vt.T @ np.diag([1.0, 1.0, handed]) @ u.T
    return turn


def angles_of(R: F64) -> tuple[float, float, float]:
    """Yaw, pitch, roll in degrees of a rotation of the mean face, the inverse of `rotation_of`."""
    looks = -R[:, 2]  # the face looks along its own −z
    yaw = np.arctan2(looks[0], -looks[2])
    pitch = np.arcsin(np.clip(looks[1], -1.0, 1.0))
    roll = np.arctan2(R[1, 0], R[1, 1])
    return float(np.degrees(yaw)), float(np.degrees(pitch)), float(np.degrees(roll))


def rotation_of(yaw: float, pitch: float, roll: float) -> F64:
    """Rotation R [3, 3]: first the roll about the face's own axis, then pitch, then yaw; degrees."""
    (sy, sp, sr), (cy, cp, cr) = (f(np.radians([yaw, pitch, roll])) for f in (np.sin, np.cos))
    about_y = np.array([[cy, 0, -sy], [0, 1, 0], [sy, 0, cy]])
    about_x = np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
    about_z = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
    turn: F64 = about_y @ about_x @ about_z
    return turn


def _spread(centred: F64) -> float:
    """How far points stand off their best line: root mean square, mm."""
    singular = np.linalg.svd(centred, compute_uv=False)
    return float(singular[1] / np.sqrt(len(centred)))
