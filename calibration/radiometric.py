"""A camera's law of infrared fall-off from a flat target of known reflectance seen at several distances.

Model (equation 11 turned round), for pixels on the target at depth d, seen at cosine μ to its normal:

    counts = dark + white · s · exposure · ρ · μ · ((d_ref + offset) / (d + offset))^exponent

Pixels of one capture err together (exposure, reflectance, where the target stood), so a capture counts as one reading;
only a dark level is looked for inside captures too, where those errors cancel.
Where dark level and offset are given the rest is linear in logarithms. Both are searched on a grid that shrinks around
its best point, and each is kept only where the corrected Akaike criterion (Hurvich & Tsai, 1989) asks for it: over a
short range an offset and an exponent explain each other. Intervals are those of the linearised least squares, Student's
t, joined over every choice of the two that the captures do not rule out: what they cannot tell widens the interval.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from calibration.rig import AttenuationLaw

F64 = NDArray[np.float64]

REFERENCE_RESPONSE = 1.18
"""Share of the white level that a white surface at the reference distance and exposure reaches on the camera that
bundles count as the reference: a law's `gain` is relative to it."""

MIN_DISTANCES = 4
MIN_RANGE = 1.5  # farthest over nearest
DARK_LIMIT = 0.9  # of the smallest counts
OFFSETS_M = (-0.15, 0.4)
GRID, ROUNDS, SHRINK = 13, 14, 0.45
CLEAR = 2.0  # times what the Bayesian information criterion asks of a parameter
RULED_OUT = 7.0  # above the best choice's criterion (Burnham & Anderson 2002: 4 to 7)


class TooLittle(ValueError):
    """The captures cannot tell the law: the message says what to record."""


@dataclass(frozen=True, slots=True)
class RadiometricFit:
    """The law and how far to trust it. Intervals are 95 %, (low, high).

    `residual` is the root mean square of the logarithmic residual, about a relative error; `edge` the brightness at
    the picture's corner relative to its centre that the law does not hold (vignetting), NaN where it was not asked.
    """

    law: AttenuationLaw
    exponent_interval: tuple[float, float]
    gain_interval: tuple[float, float]
    residual: float
    edge: float
    captures: int
    pixels: int
    nearest_m: float
    farthest_m: float

    def response(self, distance_m: ArrayLike) -> F64:
        """Share of the white level above dark that a white surface square to the light reaches at the reference
        exposure, float64 of the shape of `distance_m` in metres."""
        law, z = self.law, np.asarray(distance_m, np.float64)
        falloff: F64 = ((law.reference_m + law.offset_m) / (z + law.offset_m)) ** law.exponent
        return law.gain * REFERENCE_RESPONSE * falloff


@dataclass(frozen=True, slots=True, eq=False)
class _Readings:
    """Of each pixel the depth, the counts, the factor exposure · ρ · μ that they are divided by, and its capture."""

    depth_m: F64
    counts: F64
    factor: F64
    capture: NDArray[np.intp]

    def means(self, values: F64) -> F64:
        """One mean a capture."""
        return np.asarray(np.bincount(self.capture, values) / np.bincount(self.capture))

    def log_counts(self, dark: float) -> F64:
        """Of each pixel, above the dark level and freed of the factor."""
        return np.asarray(np.log(self.counts - dark) - np.log(self.factor))

    def log_nearness(self, reference_m: float, offset: float) -> F64:
        """Of each pixel, what the exponent multiplies."""
        return np.asarray(np.log((reference_m + offset) / (self.depth_m + offset)))


@dataclass(frozen=True, slots=True)
class _Model:
    """What was found of dark level and offset; which of both is `free`, the others are as given."""

    dark: float
    offset: float
    free: tuple[bool, bool]
    squares: float


def fit_attenuation(
    distance_m: ArrayLike,
    counts: ArrayLike,
    factor: ArrayLike,
    capture: ArrayLike,
    *,
    white_level: float,
    reference_m: float = 0.6,
    corner: ArrayLike | None = None,
    dark_level: float | None = None,
) -> RadiometricFit:
    """Fits the law to readings float64 [n] on the target, saturated and dark ones left out by the caller.

    `distance_m` depth in metres, `counts` infrared counts, `factor` exposure relative to the reference × gain ×
    reflectance × cosine of incidence, `capture` which capture (or distance) a reading is of, `corner` its distance from
    the picture's centre, 1 in the corner. `dark_level` in counts where it is known from a covered lens. Raises
    TooLittle for fewer than four distances or a range under 1.5.
    """
    z, c, f = (np.asarray(a, np.float64) for a in (distance_m, counts, factor))
    names, of = np.unique(np.asarray(capture), return_inverse=True)
    good = np.isfinite(z) & np.isfinite(c) & np.isfinite(f) & (z > 0) & (c > 0) & (f > 0)
    _check_enough(z[good], of[good], len(names))
    readings = _Readings(z[good], c[good], f[good], np.unique(of[good], return_inverse=True)[1])
    models = _models(readings, reference_m, dark_level)
    lines = [_line(readings, reference_m, model) for model in models]
    model, (exponent, log_scale) = models[0], lines[0][0]
    x, y = readings.log_nearness(reference_m, model.offset), readings.log_counts(model.dark)
    rest = y - exponent * x - log_scale
    low, high = np.min([v - half for v, half in lines], axis=0), np.max([v + half for v, half in lines], axis=0)
    least, gain, most = np.exp([low[1], log_scale, high[1]]) / white_level / REFERENCE_RESPONSE
    law = AttenuationLaw(
        exponent=exponent, offset_m=model.offset, dark_level=model.dark, reference_m=reference_m, gain=gain
    )
    return RadiometricFit(
        law,
        exponent_interval=(float(low[0]), float(high[0])),
        gain_interval=(float(least), float(most)),
        residual=float(np.sqrt(np.mean(rest**2))),
        edge=_edge(rest, None if corner is None else np.asarray(corner, np.float64)[good]),
        captures=len(names),
        pixels=len(rest),
        nearest_m=float(readings.depth_m.min()),
        farthest_m=float(readings.depth_m.max()),
    )


def _check_enough(depth_m: F64, group: NDArray[np.intp], captures: int) -> None:
    middles = [float(np.median(depth_m[group == k])) for k in range(captures) if (group == k).any()]
    distances = np.unique(np.round(np.log(middles) / np.log(1.05))) if middles else np.empty(0)
    if len(distances) < MIN_DISTANCES:
        raise TooLittle(f"the target is at {len(distances)} distances: record it at {MIN_DISTANCES} or more")
    if max(middles) < MIN_RANGE * min(middles):
        raise TooLittle(
            f"the target is from {min(middles):.2f} to {max(middles):.2f} m: "
            f"record it over a range of {MIN_RANGE:g} times the nearest distance or more"
        )


def _line(r: _Readings, reference_m: float, model: _Model) -> tuple[F64, F64]:
    """((exponent, log of counts at the reference), half widths of their 95 % intervals), float64 [2] each."""
    x, y = r.means(r.log_nearness(reference_m, model.offset)), r.means(r.log_counts(model.dark))
    columns = [x, np.ones_like(x)]
    found = np.linalg.lstsq(np.column_stack(columns), y, rcond=None)[0]
    if model.free[0]:
        columns.append(r.means(1 / (r.counts - model.dark)))
    if model.free[1]:
        columns.append(found[0] * r.means(1 / (reference_m + model.offset) - 1 / (r.depth_m + model.offset)))
    free = len(x) - len(columns)
    covariance = model.squares / free * np.linalg.pinv(np.column_stack(columns).T @ np.column_stack(columns))
    return np.asarray(found), _student_975(free) * np.sqrt(np.diag(covariance)[:2])


def _models(r: _Readings, reference_m: float, dark_level: float | None) -> list[_Model]:
    """Which of dark level and offset are fitted: the best choice first, then those that are not ruled out."""
    known = dark_level if dark_level is not None else _dark_inside(r, reference_m)
    top = DARK_LIMIT * float(r.counts.min())
    still: tuple[float, float] = (0.0, 0.0)
    captures = len(np.unique(r.capture))
    found: list[tuple[float, int, _Model]] = []
    for free in ((False, False), (False, True), (True, False), (True, True)):
        parameters = 2 + sum(free)
        if (free[0] and dark_level is not None) or captures - parameters < 2:
            continue
        darks = (0.0, top) if free[0] else (known, known)
        model = _search(r, reference_m, darks, OFFSETS_M if free[1] else still, free)
        penalty = 2 * parameters + 2 * parameters * (parameters + 1) / (captures - parameters - 1)
        found.append((captures * float(np.log(max(model.squares / captures, 1e-18))) + penalty, len(found), model))
    found.sort()
    return [model for criterion, _, model in found if criterion <= found[0][0] + RULED_OUT]


def _dark_inside(r: _Readings, reference_m: float) -> float:
    """The dark level by which pixels of one capture agree, whose common errors cancel; 0 where they do not ask for one.

    Pixels differ in the factor, so that a dark level bends their relation; what their small range of depth does is
    taken out with the slope that they show themselves.
    """

    def inside(values: F64) -> F64:
        return np.asarray(values - r.means(values)[r.capture])

    near = inside(r.log_nearness(reference_m, 0.0))

    def left(dark: float) -> float:
        rest = inside(r.log_counts(dark))
        return float(rest @ rest - (near @ rest) ** 2 / max(float(near @ near), 1e-12))

    low, high = 0.0, DARK_LIMIT * float(r.counts.min())
    for _ in range(ROUNDS):
        tried = np.linspace(low, high, GRID)
        best = int(np.argmin([left(dark) for dark in tried]))
        low, high = float(tried[max(best - 1, 0)]), float(tried[min(best + 1, GRID - 1)])
    dark, pixels = (low + high) / 2, len(r.counts)
    return dark if pixels * np.log(left(0.0) / max(left(dark), 1e-18)) > CLEAR * np.log(pixels) else 0.0


def _search(
    r: _Readings, reference_m: float, darks: tuple[float, float], offsets: tuple[float, float], free: tuple[bool, bool]
) -> _Model:
    """The least squares over a grid of dark levels and offsets that shrinks around its best point."""
    middle = np.array([sum(darks) / 2, sum(offsets) / 2])
    half = np.array([np.ptp(darks) / 2, np.ptp(offsets) / 2])
    best = (np.inf, *middle)
    for _ in range(ROUNDS if any(free) else 1):
        tried = [
            np.unique(np.clip(np.linspace(m - h, m + h, GRID if h else 1), *ends))
            for m, h, ends in zip(middle, half, (darks, offsets), strict=True)
        ]
        counts = [(float(dark), r.means(r.log_counts(dark))) for dark in tried[0]]
        nearness = [(float(offset), r.means(r.log_nearness(reference_m, offset))) for offset in tried[1]]
        best = min(best, *((_squares(x, y), dark, offset) for dark, y in counts for offset, x in nearness))
        middle, half = np.array(best[1:]), half * SHRINK
    return _Model(best[1], best[2], free, float(best[0]))


def _squares(x: F64, y: F64) -> float:
    """What a line through the captures leaves."""
    x, y = x - x.mean(), y - y.mean()
    return float(y @ y - (x @ y) ** 2 / max(float(x @ x), 1e-12))


def _student_975(free: int) -> float:
    """97.5th percentile of Student's t, within 1 %."""
    return {1: 12.71, 2: 4.30, 3: 3.18, 4: 2.78}.get(free, 1.96 + 2.72 / (free - 0.6))


def _edge(rest: F64, corner: F64 | None) -> float:
    """Brightness in the corner over the centre, from log residuals against the squared distance from the centre."""
    if corner is None or np.ptp(corner) < 0.1:
        return float("nan")
    slope, _ = np.polyfit(corner**2, rest, 1)
    return float(np.exp(slope))
