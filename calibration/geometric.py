"""Lenses and their motions from views of a ChArUco target (Zhang 2000, as OpenCV's `calibrateCamera` does it).

Each stream's lens is fitted alone, which finds the views that do not fit; where two lenses saw the target together
both are then fitted anew with the motion between them, since one pose of the target for two lenses tells their centres
and focal lengths better (a third of the error in translation and angles). What a value is good for
is told by a jackknife over views: everything is fitted anew without one group of views after the other, so that
errors common to a view (blur, a bent sheet, streams that are not quite simultaneous) count, which the standard
deviations of a least-squares fit leave out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from calibration.detection import LENSES, MIN_CORNERS, Detection, LensName, TooLittle, View, pose, reprojection
from calibration.rig import Extrinsics, Intrinsics, Rig
from calibration.target import Board

F64 = NDArray[np.float64]

MIN_VIEWS: Final = 8
MIN_TILT_DEG: Final = 15.0  # between the two views that differ most: parallel views do not tell the focal length
MIN_COVERAGE: Final = 0.4  # of the picture
_GRID: Final = (6, 8)  # cells of the picture in which coverage is counted
_GROUPS: Final = 12
_OUTLIER: Final = 2.5  # times the median view's residual
_OUTLIER_FLOOR_PX: Final = 0.1
_DOTS: Final = ", and switch a dot projector off or cover it with paper"


@dataclass(frozen=True, slots=True, eq=False)
class LensFit:
    """A lens and how well its views fit.

    `interval` is the half width of the 99 % interval of fx, fy, cx, cy in pixels; `rms_px` the root mean square
    distance of a corner from where the lens puts it; `pixels` and `residuals` float64 [n, 2] are every corner used
    and its residual (seen − fitted); `dropped` the indices of the views left out as outliers; `coverage` the share of
    the picture's cells that hold a corner; `tilt_deg` the largest angle between two views.
    """

    camera: Intrinsics
    interval: tuple[float, float, float, float]
    rms_px: float
    views: tuple[int, ...]
    dropped: tuple[int, ...]
    pixels: F64
    residuals: F64
    coverage: float
    tilt_deg: float


@dataclass(frozen=True, slots=True, eq=False)
class MotionFit:
    """Motion infrared → colour; half widths of the 99 % intervals in metres and degrees about x, y, z."""

    motion: Extrinsics
    translation_interval_m: tuple[float, float, float]
    rotation_interval_deg: tuple[float, float, float]
    rms_px: float
    views: tuple[int, ...]
    dropped: tuple[int, ...]


@dataclass(frozen=True, slots=True, eq=False)
class GeometricFit:
    """The rig found, and each part of it. `notes` says what was kept from the rig before, and why."""

    rig: Rig
    lenses: Mapping[LensName, LensFit]
    infrared_to_color: MotionFit | None
    notes: tuple[str, ...]


def calibrate_rig(views: Sequence[View], rig: Rig, board: Board) -> GeometricFit:
    """Every lens that saw the target, and the motion between two; the rest is kept from `rig`.

    Raises TooLittle where views are too few or too alike for a lens of the rig that saw the target at all.
    """
    names = [n for n in LENSES if getattr(rig, n) is not None and any(n in v for v in views)]
    if rig.registered:
        names = names[:1]  # one grid, one lens
    if not names:
        raise TooLittle("the target was found in no picture: is it the right target, sharp, lit, and whole squares?")
    lenses = {name: fit_lens(views, name, getattr(rig, name), board) for name in names}
    motion = None
    if len(lenses) == 2 and (pair := fit_pair(views, lenses["infrared"], lenses["color"], board)) is not None:
        lenses["infrared"], lenses["color"], motion = pair
    made, notes = _assembled(rig, {n: fit.camera for n, fit in lenses.items()}, motion)
    return GeometricFit(made, lenses, motion, tuple(notes))


def fit_lens(views: Sequence[View], name: LensName, before: Intrinsics, board: Board) -> LensFit:
    """One stream's lens; views that fit 2.5 times worse than the median one are dropped. Raises TooLittle."""
    if before.model == "kannala_brandt4":
        raise TooLittle(f"{name}: a fisheye lens (kannala_brandt4) is not fitted here: keep the maker's calibration")
    used = [n for n, view in enumerate(views) if name in view]
    tilt, coverage = _spread([views[n][name] for n in used], before, board, name)
    kept, camera, errors = used, *_solve([views[n][name] for n in used], before, board)
    for _ in range(3):
        limit = max(_OUTLIER * float(np.median(errors)), _OUTLIER_FLOOR_PX)
        fewer = [n for n, error in zip(kept, errors, strict=True) if error <= limit]
        if len(fewer) == len(kept):
            break
        kept, camera, errors = fewer, *_solve([views[n][name] for n in fewer], camera, board)
    if len(kept) < max(MIN_VIEWS, 2 * len(used) // 3):
        raise TooLittle(
            f"{name}: {len(used) - len(kept)} of {len(used)} views do not fit together: hold the sheet still and flat "
            "(glue it to a board), and check that its squares are as long as stated"
        )
    _spread([views[n][name] for n in kept], camera, board, name)
    found = [views[n][name] for n in kept]
    without = [_four(_solve([views[n][name] for n in rest], camera, board)[0]) for rest in _leave_out(kept)]
    residuals = _residuals(found, camera, board)
    return LensFit(
        camera, _of_four(_jackknife(np.array(without), len(kept))), _rms(residuals),
        tuple(kept), tuple(n for n in used if n not in kept),
        np.concatenate([d.pixels for d in found]), residuals, coverage, tilt,
    )  # fmt: skip


def fit_pair(
    views: Sequence[View], infrared: LensFit, color: LensFit, board: Board
) -> tuple[LensFit, LensFit, MotionFit] | None:
    """Both lenses anew and the motion infrared → colour, from the corners that both saw at one instant.

    None where fewer than MIN_VIEWS views hold such corners.
    """
    pairs = [
        n for n in sorted(set(infrared.views) & set(color.views))
        if len(np.intersect1d(views[n]["infrared"].ids, views[n]["color"].ids)) >= MIN_CORNERS
    ]  # fmt: skip
    if len(pairs) < MIN_VIEWS:
        return None
    kept, found = pairs, _stereo(views, pairs, infrared.camera, color.camera, board)
    limit = max(_OUTLIER * float(np.median(found.errors)), _OUTLIER_FLOOR_PX)
    fewer = [n for n, error in zip(pairs, found.errors, strict=True) if error <= limit]
    if MIN_VIEWS <= len(fewer) < len(pairs):
        kept, found = fewer, _stereo(views, fewer, infrared.camera, color.camera, board)
    without = [_stereo(views, rest, found.infrared, found.color, board) for rest in _leave_out(kept)]
    half = _jackknife(np.array([_parameters(other, found.motion) for other in without]), len(kept))
    motion = MotionFit(
        found.motion, (half[8], half[9], half[10]), (half[11], half[12], half[13]), found.rms, tuple(kept),
        tuple(n for n in pairs if n not in kept),
    )  # fmt: skip
    return (
        _refitted(infrared, found.infrared, half[:4], [views[n]["infrared"] for n in infrared.views], board),
        _refitted(color, found.color, half[4:8], [views[n]["color"] for n in color.views], board),
        motion,
    )


def _refitted(
    lens: LensFit, camera: Intrinsics, interval: Sequence[float], found: Sequence[Detection], board: Board
) -> LensFit:
    """The same views with another lens."""
    residuals = _residuals(found, camera, board)
    return replace(lens, camera=camera, interval=_of_four(interval), residuals=residuals, rms_px=_rms(residuals))


@dataclass(frozen=True, slots=True)
class _Pair:
    """Two lenses and the motion between them; `errors` the worse residual of each view."""

    infrared: Intrinsics
    color: Intrinsics
    motion: Extrinsics
    rms: float
    errors: list[float]


def _parameters(pair: _Pair, about: Extrinsics) -> F64:
    """fx fy cx cy of both, translation in metres, angles in degrees away from `about`: float64 [14]."""
    turn = np.degrees(np.asarray(cv2.Rodrigues(pair.motion.R @ about.R.T)[0]).ravel())
    return np.concatenate([_four(pair.infrared), _four(pair.color), pair.motion.t, turn])


def _residuals(found: Sequence[Detection], camera: Intrinsics, board: Board) -> F64:
    return np.concatenate([reprojection(d, camera, pose(d, camera, board), board) for d in found])


def _rms(residuals: F64) -> float:
    return float(np.sqrt((residuals**2).sum(axis=1).mean()))


def _of_four(values: Sequence[float]) -> tuple[float, float, float, float]:
    a, b, c, d = values
    return a, b, c, d


def _spread(found: Sequence[Detection], camera: Intrinsics, board: Board, name: str) -> tuple[float, float]:
    """(largest angle between two views in degrees, share of the picture covered). Raises TooLittle with advice."""
    if len(found) < MIN_VIEWS:
        raise TooLittle(
            f"{name}: the target is seen in {len(found)} different views, {MIN_VIEWS} are needed and 15 are good: "
            f"move and tilt it between views{_DOTS if name == 'infrared' else ''}"
        )
    normals = np.array([pose(d, camera, board).R[:, 2] for d in found])
    tilt = float(np.degrees(np.arccos(np.clip(normals @ normals.T, -1, 1)).max()))
    pixels = np.concatenate([d.pixels for d in found])
    cells = (pixels / [camera.width, camera.height] * _GRID[::-1]).astype(int).clip(0, np.array(_GRID[::-1]) - 1)
    coverage = len(np.unique(cells, axis=0)) / (_GRID[0] * _GRID[1])
    if tilt < MIN_TILT_DEG:
        raise TooLittle(
            f"{name}: the views differ by {tilt:.0f}° in tilt, {MIN_TILT_DEG:.0f}° is the least and 60° is good: "
            "tilt the target to the left, right, up and down"
        )
    if coverage < MIN_COVERAGE:
        raise TooLittle(
            f"{name}: the target was seen in {100 * coverage:.0f} % of the picture, {100 * MIN_COVERAGE:.0f} % is the "
            "least: bring it nearer and into the corners (a part of it is enough)"
        )
    return tilt, coverage


def _solve(found: Sequence[Detection], start: Intrinsics, board: Board) -> tuple[Intrinsics, list[float]]:
    """Lens and each view's root mean square residual. k3 stays 0 unless it is told (2 standard deviations)."""
    rational = start.model == "rational"
    points = [board.corners[d.ids].astype(np.float32) for d in found]
    pixels = [d.pixels.astype(np.float32) for d in found]
    guess = start.matrix
    base = cv2.CALIB_USE_INTRINSIC_GUESS | (cv2.CALIB_RATIONAL_MODEL if rational else 0)

    def run(flags: int) -> Any:
        k = np.zeros(8 if rational else 5)
        return cv2.calibrateCameraExtended(points, pixels, (start.width, start.height), guess.copy(), k, flags=flags)

    try:
        _, K, k, _, _, std, _, errors = run(base)
        if not rational and abs(k.ravel()[4]) < 2 * std.ravel()[8]:
            _, K, k, _, _, _, _, errors = run(base | cv2.CALIB_FIX_K3)
    except cv2.error as error:
        raise TooLittle("the views contradict each other: check the target's description and its flatness") from error
    return _lens(start, K, k, rational), np.asarray(errors, np.float64).ravel().tolist()


def _stereo(
    views: Sequence[View], chosen: Sequence[int], infrared: Intrinsics, color: Intrinsics, board: Board
) -> _Pair:
    """Two lenses and their motion from the views chosen, k3 held. Raises TooLittle."""
    both = [np.intersect1d(views[n]["infrared"].ids, views[n]["color"].ids) for n in chosen]
    points = [board.corners[ids].astype(np.float32) for ids in both]
    first, second = (
        [views[n][name].only(ids).pixels.astype(np.float32) for n, ids in zip(chosen, both, strict=True)]
        for name in LENSES[::-1]
    )
    rational = "rational" in {infrared.model, color.model}
    wanted = 8 if rational else 5
    flags = cv2.CALIB_USE_INTRINSIC_GUESS | (cv2.CALIB_RATIONAL_MODEL if rational else cv2.CALIB_FIX_K3)
    try:
        solved: Any = cv2.stereoCalibrateExtended(
            points, first, second, infrared.matrix, infrared.coefficients[:wanted],
            color.matrix, color.coefficients[:wanted],
            (color.width, color.height), np.eye(3), np.zeros((3, 1)), flags=flags,
        )  # fmt: skip
    except cv2.error as error:
        raise TooLittle("infrared and colour contradict each other: were they taken at the same instant?") from error
    rms, K1, k1, K2, k2, R, t, *_, errors = solved
    worse = np.asarray(errors, np.float64).reshape(len(chosen), 2).max(axis=1).tolist()
    lenses = _lens(infrared, K1, k1, rational), _lens(color, K2, k2, rational)
    return _Pair(*lenses, Extrinsics.of(R, t), float(rms), worse)


def _lens(size: Intrinsics, K: F64, k: F64, rational: bool) -> Intrinsics:
    return Intrinsics(
        width=size.width, height=size.height, fx=K[0, 0], fy=K[1, 1], cx=K[0, 2], cy=K[1, 2],
        model="rational" if rational else "brown_conrady",
        distortion=tuple(np.ravel(k)[: 8 if rational else 5].tolist()),
    )  # fmt: skip


def _four(camera: Intrinsics) -> F64:
    return np.array([camera.fx, camera.fy, camera.cx, camera.cy])


def _leave_out(kept: Sequence[int]) -> list[list[int]]:
    groups = min(_GROUPS, len(kept))
    return [[n for place, n in enumerate(kept) if place % groups != group] for group in range(groups)]


def _jackknife(fits: F64, views: int) -> list[float]:
    """Half widths of 99 % intervals from fits without one group of views each [groups, parameters] (Student's t)."""
    groups = min(_GROUPS, views)
    around = fits - fits.mean(axis=0)
    deviation = np.sqrt((groups - 1) / groups * (around**2).sum(axis=0))
    student = 2.576 + 5.3 / (groups - 2)  # within 1 % of the 99.5th percentile from 7 groups on
    return [float(half) for half in student * deviation]


def _assembled(rig: Rig, cameras: Mapping[LensName, Intrinsics], motion: MotionFit | None) -> tuple[Rig, list[str]]:
    """The rig with what was found put in; depth follows the infrared lens where it stands on its grid."""
    if rig.registered:
        (camera,) = cameras.values()
        every = {n: camera for n in ("color", "depth", "infrared") if getattr(rig, n) is not None}
        return rig.model_copy(update=every), []
    notes = []
    update: dict[str, Any] = {str(name): camera for name, camera in cameras.items()}
    if motion is not None:
        update["infrared_to_color"] = motion.motion
        depth_to_infrared = _after(rig.infrared_to_color.inverse(), rig.depth_to_color)
        update["depth_to_color"] = _after(motion.motion, depth_to_infrared)
    else:
        notes.append("infrared and colour did not see the target together: motions are kept from the rig before")
    if "infrared" not in cameras:
        notes.append("infrared did not see the target: its lens and depth's are kept from the rig before")
    elif rig.depth == rig.infrared and rig.depth_to_color == rig.infrared_to_color:
        update["depth"] = cameras["infrared"]
    else:
        notes.append("depth does not stand on the infrared grid: its lens is kept from the rig before")
    return rig.model_copy(update=update), notes


def _after(outer: Extrinsics, inner: Extrinsics) -> Extrinsics:
    """First `inner`, then `outer`."""
    return Extrinsics.of(outer.R @ inner.R, outer.R @ inner.t + outer.t)
