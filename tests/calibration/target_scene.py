"""A ChArUco target rendered through distorted lenses: the ground truth of the geometric calibration's tests."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from calibration.projection import rays
from calibration.rig import Extrinsics, Intrinsics, Rig
from calibration.target import DEFAULT, Board, texture

F64 = NDArray[np.float64]

BOARD = Board.parse(DEFAULT)
COLOR = Intrinsics(
    width=640, height=480, fx=604.3, fy=602.1, cx=326.4, cy=236.2, model="brown_conrady",
    distortion=(0.11, -0.22, 0.0012, -0.0009, 0.0),
)  # fmt: skip
INFRARED = Intrinsics(
    width=640, height=400, fx=478.6, fy=479.9, cx=315.1, cy=203.7, model="brown_conrady",
    distortion=(-0.08, 0.05, -0.0006, 0.0010, 0.0),
)  # fmt: skip
TURN = np.asarray(cv2.Rodrigues(np.radians([0.4, -0.7, 0.3]))[0], np.float64)
MOTION = Extrinsics.of(TURN, np.array([-0.0252, 0.0011, 0.0018]))
TRUE = Rig(
    color=COLOR, depth=INFRARED, infrared=INFRARED, depth_to_color=MOTION, infrared_to_color=MOTION
)  # fmt: skip
NOMINAL = Rig(
    color=Intrinsics(width=640, height=480, fx=580, fy=580, cx=319.5, cy=239.5),
    depth=Intrinsics(width=640, height=400, fx=500, fy=500, cx=319.5, cy=199.5),
    infrared=Intrinsics(width=640, height=400, fx=500, fy=500, cx=319.5, cy=199.5),
)
_SUPER = 3
_PER_M = 4000.0


def poses(count: int, seed: int, *, tilt_deg: float = 40, nearest_m: float = 0.32, farthest_m: float = 0.6) -> list[
    Extrinsics
]:  # fmt: skip
    """Motions target → infrared: tilted every way, all over the picture, partly out of it."""
    rng = np.random.default_rng(seed)
    made = []
    for number in range(count):
        z = rng.uniform(nearest_m, farthest_m)
        angle = 2 * np.pi * number / count
        tilt = np.radians(rng.uniform(0.5, 1.0) * tilt_deg)
        turn = np.array([tilt * np.cos(angle), tilt * np.sin(angle), rng.uniform(-0.4, 0.4)])
        R = np.asarray(cv2.Rodrigues(turn)[0], np.float64)
        middle = z * np.array([rng.uniform(-0.35, 0.35), rng.uniform(-0.22, 0.22), 1.0])
        half = np.array([*BOARD.size_m, 0.0]) / 2
        made.append(Extrinsics.of(R, middle - R @ half))
    return made


def moved(pose: Extrinsics, by: Extrinsics) -> Extrinsics:
    """The same target from the camera that `by` leads to."""
    return Extrinsics.of(by.R @ pose.R, by.R @ pose.t + by.t)


@lru_cache(maxsize=8)
def _table(camera: Intrinsics, times: int) -> NDArray[np.float32]:
    """Rays float32 [H·times, W·times, 2] through the middles of sub-pixels."""
    v, u = np.mgrid[: camera.height * times, : camera.width * times]
    pixels = (np.stack([u.ravel(), v.ravel()], axis=1) + 0.5) / times - 0.5
    return rays(camera, pixels).reshape(camera.height * times, camera.width * times, 2).astype(np.float32)


@lru_cache(maxsize=1)
def _pattern() -> NDArray[np.float32]:
    margin = int(0.015 * _PER_M)
    return np.pad(texture(BOARD, _PER_M).astype(np.float32), margin, constant_values=255)


def _on_target(camera: Intrinsics, pose: Extrinsics, times: int) -> NDArray[np.float32]:
    """Where the ray of every pixel meets the target's plane: x and y on it in metres, float32 [H, W, 2]."""
    plane_to_ideal = np.column_stack([pose.R[:, 0], pose.R[:, 1], pose.t])
    met = cv2.perspectiveTransform(_table(camera, times), np.linalg.inv(plane_to_ideal))
    return np.asarray(met, np.float32)


def picture(camera: Intrinsics, pose: Extrinsics, rng: np.random.Generator, blur: float = 0.6) -> NDArray[np.uint8]:
    """The target as the camera sees it, uint8 [H, W]: uneven light, blur (sigma in pixels), noise of 2 counts."""
    at = _on_target(camera, pose, _SUPER) * np.float32(_PER_M) + np.float32(int(0.015 * _PER_M) - 0.5)
    fine = cv2.remap(_pattern(), at[..., 0], at[..., 1], cv2.INTER_LINEAR, borderValue=90.0)
    coarse = cv2.resize(np.asarray(fine), (camera.width, camera.height), interpolation=cv2.INTER_AREA)
    light = np.linspace(0.65, 0.95, camera.width)
    soft = cv2.GaussianBlur(20 + coarse * light * 0.85, (0, 0), blur)
    return np.rint(soft + rng.normal(0, 2, soft.shape)).clip(0, 255).astype(np.uint8)


def depth_counts(
    camera: Intrinsics, pose: Extrinsics, rng: np.random.Generator, *, scale: float, bias_m: float, noise_m: float
) -> NDArray[np.uint16]:
    """Depth of the target in 0.1 mm, 0 beside it: measured = scale · true + bias."""
    xy = _on_target(camera, pose, 1).astype(np.float64)
    z = xy @ pose.R[2, :2] + pose.t[2]
    inside = ((xy > -0.015) & (xy < np.array(BOARD.size_m) + 0.015)).all(axis=2)
    measured = scale * z + bias_m + rng.normal(0, noise_m, z.shape)
    return np.where(inside, np.rint(measured * 10_000), 0).astype(np.uint16)


@lru_cache(maxsize=4)
def pictures(count: int, seed: int) -> tuple[tuple[Extrinsics, NDArray[np.uint8], NDArray[np.uint8]], ...]:
    """(target → infrared, infrared picture, colour picture as grey) of `count` views."""
    rng = np.random.default_rng(seed)
    return tuple(
        (where, picture(INFRARED, where, rng), picture(COLOR, moved(where, MOTION), rng))
        for where in poses(count, seed)
    )
