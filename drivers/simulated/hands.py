"""Hands that hold an instrument, or are raised near a face: tapered tubes for digits, palm and forearm."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from drivers.simulated.mesh import F64, Mesh, Region, merged, tube

Edge = Literal["left", "right", "bottom"]

# Paths in the hand's frame, metres: into the held thing from its edge, along the edge, towards the camera.
_THUMB = np.array(
    [
        [-0.052, 0.016, -0.008],
        [-0.030, 0.004, 0.005],
        [-0.010, -0.004, 0.0115],
        [0.012, -0.009, 0.0115],
        [0.026, -0.012, 0.0095],
    ]
)
_FINGER = np.array(
    [[-0.055, 0.0, -0.010], [-0.028, 0.0, -0.020], [0.0, 0.0, -0.0155], [0.030, 0.0, -0.0105], [0.048, 0.0, -0.010]]
)
_FINGERS_ALONG = (-0.034, -0.014, 0.006, 0.025)
_PALM = np.array(
    [
        [-0.046, -0.040, -0.012],
        [-0.056, -0.022, -0.010],
        [-0.060, 0.004, -0.009],
        [-0.060, 0.030, -0.012],
        [-0.062, 0.052, -0.016],
    ]
)
_THUMB_RADIUS = np.array([0.013, 0.0115, 0.0105, 0.0098, 0.0055])
_FINGER_RADIUS = np.array([0.0098, 0.0095, 0.0088, 0.0082, 0.0045])
_PALM_RADIUS = np.array([0.012, 0.020, 0.023, 0.022, 0.024])
_FOREARM_M, _WRIST_RADIUS_M = 0.28, 0.026


def hand(point: ArrayLike, inward: ArrayLike, outward: ArrayLike, *, gap_m: float = 0.0) -> Mesh:
    """A gripping hand with its sleeve: thumb before, fingers behind a thing `gap_m` thick.

    point: float [3], where the edge of the thing lies between thumb and fingers
    inward: float [3], from the edge into the thing; outward: float [3], its face's normal towards the camera
    """
    towards = _unit(outward)
    into = _unit(np.asarray(inward, np.float64) - np.dot(inward, towards) * towards)
    along = np.cross(into, towards)
    if along[1] < 0:  # the forearm comes from below
        along = -along
    frame = np.stack([into, along, towards])
    origin = np.asarray(point, np.float64)

    def placed(path: F64) -> F64:
        return np.asarray(origin + path @ frame)

    behind = np.array([0.0, 0.0, -gap_m])
    parts = [tube(placed(_bent(_THUMB)), _stretched(_THUMB_RADIUS), 12, Region.HAND)]
    for number, offset in enumerate(_FINGERS_ALONG):
        reach = np.array([1.0 - 0.08 * abs(number - 1.3), 1.0, 1.0])
        finger = _FINGER * reach + [0.0, offset, 0.0] + behind
        parts.append(tube(placed(_bent(finger)), _stretched(_FINGER_RADIUS), 12, Region.HAND))
    palm = _PALM + behind * [0, 0, 0.5]
    parts.append(tube(placed(_bent(palm)), _stretched(_PALM_RADIUS), 16, Region.HAND))
    wrist = placed(palm[-1:])[0]
    away = _unit(-0.45 * into + 0.3 * along + np.array([0.0, 0.9, 0.35]))
    arm = wrist + np.linspace(-0.015, _FOREARM_M, 9)[:, None] * away
    thicker = _WRIST_RADIUS_M * np.linspace(0.9, 1.6, 9)
    parts.append(tube(arm[:4], thicker[:4], 16, Region.HAND))
    parts.append(tube(arm[2:], thicker[2:] + 0.006, 16, Region.CLOTH))
    return merged(parts)


def hand_holding(instrument: Mesh, edge: Edge = "left", along: float = 0.6) -> Mesh:
    """A hand that grips an instrument (head frame) at one edge; `along` 0..1 down a side or rightwards below."""
    points = instrument.vertices.astype(np.float64)
    axis, sign = {"left": (0, 1.0), "right": (0, -1.0), "bottom": (1, -1.0)}[edge]
    other = points[:, 1 - axis]
    at = other.min() + along * np.ptp(other)
    band = points[np.abs(other - at) < max(0.012, 0.08 * np.ptp(other))]
    order = np.argsort(sign * band[:, axis])
    edge_point = band[order[0]]
    front = band[np.abs(sign * (band[:, axis] - edge_point[axis]) - 0.045) < 0.015]
    inside = front[np.argmin(front[:, 2])] if len(front) else band[order[-1]]
    gripped = points[np.abs(other - at) < 0.04]
    same_edge = gripped[np.abs(gripped[:, axis] - edge_point[axis]) < 0.004, 2]
    gap = float(np.ptp(same_edge))  # fingers go behind all of a thick or curved edge
    edge_point[2] = same_edge.min()
    inward = inside - edge_point
    inward[1 - axis] = 0.0
    across = np.zeros(3)
    across[1 - axis] = 1.0
    outward = np.cross(inward, across)
    return hand(edge_point, inward, outward if outward[2] < 0 else -outward, gap_m=gap)


def _bent(path: F64) -> F64:
    """A path through the given joints, rounded: quadratic between the middles of its pieces."""
    t = np.linspace(0, len(path) - 1, 4 * len(path) - 3)
    straight = np.stack([np.interp(t, np.arange(len(path)), column) for column in path.T], 1)
    inner = (straight[:-2] + 2 * straight[1:-1] + straight[2:]) / 4
    return np.concatenate([straight[:1], inner, straight[-1:]])


def _stretched(radius: F64) -> F64:
    t = np.linspace(0, len(radius) - 1, 4 * len(radius) - 3)
    return np.interp(t, np.arange(len(radius)), radius)


def _unit(vector: ArrayLike) -> F64:
    array = np.asarray(vector, np.float64)
    return np.asarray(array / np.linalg.norm(array))
