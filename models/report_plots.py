"""Pictures of a report: ROC, DET, scores by species, error rates over the threshold. PNG bytes."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import numpy as np

from models import metrics
from models.figures import of_both_classes
from models.judged import Table
from pipeline.parameters import Thresholds

LIVE, ATTACK, INK, GRID = "#1f77b4", "#e07b00", "#222222", "#dddddd"
NETS = (("D-Net alone", "d_net", "#2a9d5c"), ("M-Net alone", "m_net", "#8e44ad"), ("cascade", "s", INK))
TICKS = (0.001, 0.01, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 0.9)
STYLE = {
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": GRID,
    "grid.linewidth": 0.6,
    "axes.axisbelow": True,
}


def pictures(table: Table, thresholds: Thresholds, data: str) -> dict[str, bytes]:
    """The pictures by file name. `data` (simulated, real, …) is written on each."""
    about = f"{data} data, by {table.unit}"
    drawn: dict[str, Callable[[Any, Table], None]] = {
        "roc.png": _roc,
        "det.png": _det,
        "thresholds.png": lambda axes, rows: _over_threshold(axes, rows, thresholds),
    }
    out = {name: _picture(draw, table, about) for name, draw in drawn.items()}
    out["scores.png"] = _histograms(table, about)
    return out


def _figure(width: float, height: float, rows: int = 1) -> tuple[Any, Any]:
    """A figure of its own, no global state: reports may be made in any thread."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context(STYLE):
        figure = Figure(figsize=(width, height), dpi=150, layout="constrained")
        axes = figure.subplots(rows, 1, sharex=True, squeeze=False)[:, 0]
    return figure, axes


def _png(figure: Any) -> bytes:
    stream = io.BytesIO()
    figure.savefig(stream, format="png", metadata={"Software": None})
    return stream.getvalue()


def _picture(draw: Callable[[Any, Table], None], table: Table, about: str) -> bytes:
    figure, (axes,) = _figure(4.6, 4.2)
    draw(axes, table)
    axes.set_title(f"{axes.get_title()} ({about})", fontsize=9)
    return _png(figure)


def _curves(table: Table) -> list[tuple[str, str, metrics.Curve]]:
    found = []
    for name, column, color in NETS:
        both = of_both_classes(getattr(table, column), table.attacks)
        if both is not None:
            found.append((name, color, metrics.curve(*both)))
    return found


def _legend(axes: Any) -> None:
    if axes.get_legend_handles_labels()[1]:
        axes.legend(frameon=False, fontsize=8)
    else:
        axes.text(0.5, 0.5, "needs scores of both classes", ha="center", transform=axes.transAxes)


def _roc(axes: Any, table: Table) -> None:
    for name, color, curve in _curves(table):
        axes.plot(
            100 * curve.apcer,
            100 * (1 - curve.bpcer),
            color=color,
            label=name,
            linewidth=2 if name == "cascade" else 1.2,
        )
    axes.set(xlabel="attacks accepted, %", ylabel="bona fide accepted, %", xlim=(-1, 101), ylim=(-1, 101), title="ROC")
    _legend(axes)


def _det(axes: Any, table: Table) -> None:
    from scipy.special import ndtri

    for name, color, curve in _curves(table):
        x, y = curve.deviates()
        label = name if len(x) else f"{name}: no threshold with both errors"
        axes.plot(x, y, color=color, label=label, marker="." if len(x) < 30 else "", markersize=3)
    ticks = ndtri(np.array(TICKS))
    labels = [f"{100 * tick:g}" for tick in TICKS]
    axes.set_xticks(ticks, labels)
    axes.set_yticks(ticks, labels)
    axes.set(xlim=(ticks[0], ticks[-1]), ylim=(ticks[0], ticks[-1]), title="DET, normal deviates")
    axes.set(xlabel="APCER (pooled), %", ylabel="BPCER, %")
    _legend(axes)


def _over_threshold(axes: Any, table: Table, thresholds: Thresholds) -> None:
    both = of_both_classes(table.s, table.attacks)
    if both is not None:
        grid = np.linspace(0, 1, 501)
        scores, attacks = both
        accepted = scores[:, None] < grid
        axes.plot(grid, 100 * accepted[attacks].mean(0), color=ATTACK, label="APCER (pooled)")
        axes.plot(grid, 100 * (1 - accepted[~attacks].mean(0)), color=LIVE, label="BPCER")
        axes.axvline(0.5, color=INK, linewidth=0.8, linestyle="--")
        axes.text(
            0.51, 97, f"D-Net {thresholds.d_net:.3f}\nM-Net {thresholds.m_net:.3f}", fontsize=7, va="top", color=INK
        )
    axes.set(xlabel="threshold on the cascade's attack score", ylabel="%", xlim=(0, 1), ylim=(-1, 101))
    axes.set_title("Error rates over the threshold")
    _legend(axes)


def _histograms(table: Table, about: str) -> bytes:
    """One row a species, bona fide on top: where scores lie against the threshold at ½."""
    kinds = [("bona fide", ~table.attacks, LIVE)]
    kinds += [
        (name, table.attacks & (table.species == name), ATTACK) for name in np.unique(table.species[table.attacks])
    ]
    figure, rows = _figure(7.2, 0.9 + 0.55 * len(kinds), len(kinds))
    edges = np.linspace(0, 1, 41)
    for axes, (name, of, color) in zip(rows, kinds, strict=True):
        scores = table.s[of & np.isfinite(table.s)]
        axes.hist(scores, edges, color=color)
        axes.axvline(0.5, color=INK, linewidth=0.8, linestyle="--")
        axes.set_yticks([])
        axes.grid(visible=False)
        axes.set_xlim(0, 1)
        label = f"{name.replace('_', ' ')}\n{len(scores)} of {int(of.sum())} scored"
        axes.set_ylabel(label, rotation=0, ha="right", va="center", fontsize=8)
    rows[-1].set_xlabel("attack score of the cascade; rejected from the dashed line on")
    rows[0].set_title(f"Scores by species ({about})", fontsize=9)
    return _png(figure)
