"""Curves of a run: history.csv and curves.png."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any


def write_history(out: Path, history: Sequence[Mapping[str, float]], panels: Mapping[str, str]) -> None:
    """Writes every line of `history` to history.csv and draws the columns of `panels` (column → title) over its first
    column, side by side, to curves.png. Nothing is written for an empty history."""
    if not history:
        return
    columns = list(history[0])
    with (out / "history.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(history)
    from matplotlib.figure import Figure

    figure = Figure(figsize=(3 * len(panels), 3), layout="constrained")
    axes: Any = figure.subplots(1, len(panels))
    for axis, (key, title) in zip(axes, panels.items(), strict=True):
        axis.plot([line[columns[0]] for line in history], [line[key] for line in history], marker="o")
        axis.set(title=title, xlabel=columns[0])
        axis.grid(alpha=0.3)
    figure.savefig(out / "curves.png", dpi=110)
