"""A camera's law of infrared fall-off from a flat target of known reflectance seen at several distances.

Model (equation 11 turned round), for pixels on the target at depth d, seen at cosine μ to its normal:

    counts = dark + white · s · exposure · ρ · μ · ((d_ref + offset) / (d + offset))^exponent

Where dark level and offset are given the rest is linear in logarithms. Both are searched on a grid that shrinks around
its best point, and each is kept only where the Bayesian information criterion (Schwarz, 1978) asks for it: over a short
range an offset and an exponent explain each other. Intervals come from drawing the captures anew (bootstrap): pixels
of one capture err together.
"""

from __future__ import annotations

from collections.abc import Sequence
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
DRAWS = 60


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
    """One row a group of pixels: depth, counts, and the factor exposure · ρ · μ that the counts are divided by."""

    depth_m: F64
    counts: F64
    factor: F64


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
    seed: int = 0,
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
    readings, group = _Readings(z[good], c[good], f[good]), of[good]
    dark, offset = _choose(readings, reference_m, dark_level)
    exponent, log_scale, rest = _line(readings, reference_m, dark, offset)
    drawn = _bootstrap(readings, group, reference_m, dark, offset, seed)
    response = float(np.exp(log_scale)) / white_level / REFERENCE_RESPONSE
    law = AttenuationLaw(exponent=exponent, offset_m=offset, dark_level=dark, reference_m=reference_m, gain=response)
    gains = np.exp(drawn[:, 1]) / white_level / REFERENCE_RESPONSE
    return RadiometricFit(
        law,
        exponent_interval=_interval(drawn[:, 0]),
        gain_interval=_interval(gains),
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


def _line(r: _Readings, reference_m: float, dark: float, offset: float) -> tuple[float, float, F64]:
    """(exponent, log of counts at the reference, residuals [n]) at a given dark level and offset."""
    x = np.log((reference_m + offset) / (r.depth_m + offset))
    y = np.log(r.counts - dark) - np.log(r.factor)
    exponent, scale = np.linalg.lstsq(np.column_stack([x, np.ones_like(x)]), y, rcond=None)[0]
    return float(exponent), float(scale), y - exponent * x - scale


def _choose(r: _Readings, reference_m: float, dark_level: float | None) -> tuple[float, float]:
    """(dark level, offset): as few of them away from 0 as the readings allow."""
    known = dark_level if dark_level is not None else 0.0
    top = DARK_LIMIT * float(r.counts.min())
    models: list[tuple[int, Sequence[float], Sequence[float]]] = [(2, (known, known), (0.0, 0.0))]
    models.append((3, (known, known), OFFSETS_M))
    if dark_level is None:
        models += [(3, (0.0, top), (0.0, 0.0)), (4, (0.0, top), OFFSETS_M)]
    found = []
    for parameters, darks, offsets in models:
        dark, offset, squares = _search(r, reference_m, darks, offsets)
        n = len(r.counts)
        found.append((n * np.log(max(squares / n, 1e-18)) + parameters * np.log(n), dark, offset))
    _, dark, offset = min(found)
    return dark, offset


def _search(
    r: _Readings, reference_m: float, darks: Sequence[float], offsets: Sequence[float]
) -> tuple[float, float, float]:
    """(dark, offset, sum of squares) by a grid that shrinks around its best point."""
    (d0, d1), (o0, o1) = darks, offsets
    best = (np.inf, d0, o0)
    half_d, half_o = (d1 - d0) / 2, (o1 - o0) / 2
    mid_d, mid_o = (d0 + d1) / 2, (o0 + o1) / 2
    for _ in range(ROUNDS if half_d or half_o else 1):
        tried_d = np.unique(np.clip(np.linspace(mid_d - half_d, mid_d + half_d, GRID if half_d else 1), d0, d1))
        tried_o = np.unique(np.clip(np.linspace(mid_o - half_o, mid_o + half_o, GRID if half_o else 1), o0, o1))
        for dark in tried_d:
            y = np.log(r.counts - dark) - np.log(r.factor)
            for offset in tried_o:
                best = min(best, (_squares(r, reference_m, y, float(offset)), float(dark), float(offset)))
        _, mid_d, mid_o = best
        half_d, half_o = half_d * SHRINK, half_o * SHRINK
    squares, dark, offset = best
    return dark, offset, squares


def _squares(r: _Readings, reference_m: float, y: F64, offset: float) -> float:
    x = np.log((reference_m + offset) / (r.depth_m + offset))
    x, y = x - x.mean(), y - y.mean()
    return float(y @ y - (x @ y) ** 2 / max(float(x @ x), 1e-12))


def _bootstrap(r: _Readings, group: NDArray[np.intp], reference_m: float, dark: float, offset: float, seed: int) -> F64:
    """(exponent, log scale) of captures drawn anew, float64 [DRAWS, 2]; draws of too few distances are left out."""
    rng = np.random.default_rng(seed)
    names = np.unique(group)
    rows = [np.flatnonzero(group == name) for name in names]
    out: list[tuple[float, float]] = []
    while len(out) < DRAWS:
        chosen = rng.integers(0, len(names), len(names))
        if len(np.unique(chosen)) < min(3, len(names)):
            continue
        take = np.concatenate([rows[k] for k in chosen])
        part = _Readings(r.depth_m[take], r.counts[take], r.factor[take])
        out.append(_line(part, reference_m, dark, offset)[:2])
    return np.array(out)


def _interval(values: F64) -> tuple[float, float]:
    low, high = np.quantile(values, [0.025, 0.975])
    return float(low), float(high)


def _edge(rest: F64, corner: F64 | None) -> float:
    """Brightness in the corner over the centre, from log residuals against the squared distance from the centre."""
    if corner is None or np.ptp(corner) < 0.1:
        return float("nan")
    slope, _ = np.polyfit(corner**2, rest, 1)
    return float(np.exp(slope))
