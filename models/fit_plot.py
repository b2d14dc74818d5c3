"""The fit of a camera's infrared law as a picture: does the line go through the readings, and what does it leave?"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calibration.radiometric import RadiometricFit
from models.report_plots import INK, LIVE, STYLE

F64 = NDArray[np.float64]

POINTS = 4000
FRAME = "#e07b00"


@dataclass(frozen=True, slots=True, eq=False)
class Drawn:
    """Readings as `fit_attenuation` takes them, float64 [n] each (`frames` int [n]), and what is written on the
    picture: `origin` simulated, real, …"""

    depth_m: F64
    counts: F64
    factor: F64
    corner: F64
    frames: NDArray[np.int64]
    white_level: float
    origin: str


def fit_picture(fit: RadiometricFit, drawn: Drawn) -> bytes:
    """PNG of three panels: brightness over distance with the law, what the law leaves over distance, and over the
    place in the picture (vignetting). Points are pixels, rings the medians of frames."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    measured = np.maximum(drawn.counts - fit.law.dark_level, 1e-9) / drawn.white_level / drawn.factor
    rest = 100 * (measured / fit.response(drawn.depth_m) - 1)
    names = np.unique(drawn.frames)
    middles = [
        np.array([np.median(values[drawn.frames == name]) for name in names])
        for values in (drawn.depth_m, measured, rest)
    ]
    some = np.random.default_rng(0).permutation(len(rest))[:POINTS]
    with rc_context(STYLE):
        figure: Any = Figure(figsize=(11, 3.8), dpi=150, layout="constrained")
        law, over_distance, over_place = figure.subplots(1, 3)
        _law(law, fit, drawn.depth_m[some], measured[some], middles[0], middles[1])
        over_distance.plot(drawn.depth_m[some], rest[some], ".", color=LIVE, ms=2, alpha=0.3)
        over_distance.plot(middles[0], middles[2], "o", mfc="none", color=FRAME, ms=6)
        over_distance.set(xlabel="distance (m)", ylabel="reading over law − 1 (%)")
        over_distance.set_title(f"what is left: {100 * fit.residual:.1f} % rms", loc="left")
        over_place.plot(drawn.corner[some], rest[some], ".", color=LIVE, ms=2, alpha=0.3)
        if np.isfinite(fit.edge):
            place = np.linspace(0, max(float(drawn.corner.max()), 1e-3), 50)
            over_place.plot(place, _centred(100 * (fit.edge ** (place**2) - 1), place, drawn.corner), color=INK)
            over_place.set_title(f"corner at {100 * fit.edge:.1f} % of the centre", loc="left")
        over_place.set(xlabel="place: 0 centre, 1 corner of the picture", ylabel="reading over law − 1 (%)")
        limit = 1.3 * float(np.percentile(np.abs(rest), 99.5)) + 0.1
        for axis in (over_distance, over_place):
            axis.axhline(0, color=INK, lw=0.8)
            axis.set_ylim(-limit, limit)
        stream = io.BytesIO()
        figure.suptitle(
            f"Infrared fall-off of this camera, {fit.captures} frames ({drawn.origin} data), gain {fit.law.gain:.3f}"
        )
        figure.savefig(stream, format="png", metadata={"Software": None})
    return stream.getvalue()


def _law(axis: Any, fit: RadiometricFit, depth_m: F64, measured: F64, middles: F64, levels: F64) -> None:
    from matplotlib.ticker import FuncFormatter, NullLocator

    z = np.geomspace(fit.nearest_m, fit.farthest_m, 100)
    axis.plot(depth_m, measured, ".", color=LIVE, ms=2, alpha=0.3, label="pixels")
    axis.plot(middles, levels, "o", mfc="none", color=FRAME, ms=6, label="median of a frame")
    axis.plot(z, fit.response(z), color=INK, label="law")
    axis.set(xscale="log", yscale="log", xlabel="distance (m)", ylabel="share of white, of a white surface")
    dimmest, brightest = fit.response([fit.farthest_m, fit.nearest_m])
    axis.set_xticks(np.round(np.geomspace(fit.nearest_m, fit.farthest_m, 5), 2))
    axis.set_yticks([float(f"{value:.2g}") for value in np.geomspace(dimmest, brightest, 5)])
    for place in (axis.xaxis, axis.yaxis):
        place.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        place.set_minor_locator(NullLocator())
    axis.legend(frameon=False)
    low, high = fit.exponent_interval
    axis.set_title(f"exponent {fit.law.exponent:.3f} (95 % {low:.3f}–{high:.3f})", loc="left")


def _centred(curve: F64, place: F64, corner: F64) -> F64:
    """The curve of vignetting at the height of the readings: the law itself took their mean."""
    return curve - float(np.interp(corner, place, curve).mean())
