"""Results of the experiments: one row measured, and all of them as Markdown tables beside the paper's figures."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models import metrics
from models.datasets.faces import Faces
from models.protocol import TABLES, Row

REMARKS = """
Recomputed from the counts that the paper prints, its tables do not all agree with themselves: III gives 0.5 % where its
text gives 0.8 %, and F2&F3 is worse than F1 alone; IV averages to 0.947 % for infrared and 0.503 % for fusion; the
0.082 % of VII is about one error a class; X averages to 0.360 %; with the 8 false positives of XI the cascade is at
0.114 %. How its people and materials were split is not stated; here both are disjoint.
"""


@dataclass(frozen=True, slots=True)
class Result:
    """A finished row, as it stands in results.jsonl. `at_dev`: thresholds fixed on the dev split; `at_half`: 0.5."""

    row: str
    table: str
    title: str
    paper: str
    seed: int
    origin: str
    live: int
    attacks: int
    auc: float | None
    at_dev: dict[str, int | str]
    at_half: dict[str, int | str]

    def acer(self, at: dict[str, int | str]) -> float | None:
        """ACER of equation 23, in 0..1; None where live faces or attacks are missing."""
        if not self.live or not self.attacks:
            return None
        return (int(at["rejected"]) / self.live + int(at["accepted"]) / self.attacks) / 2

    def summary(self) -> str:
        """One line for the log."""
        bpcer = metrics.rate(int(self.at_dev["rejected"]), self.live)
        if not self.attacks:
            return f"BPCER {bpcer}"
        return f"AUC {_number(self.auc)}, ACER {_percent(self.acer(self.at_dev))}, BPCER {bpcer}"


def measure(
    row: Row,
    seed: int,
    faces: Faces,
    scores: NDArray[np.float64],
    at_dev: NDArray[np.bool_],
    at_half: NDArray[np.bool_],
) -> Result:
    """A row's figures from attack scores float64 [n] and the decisions (bool [n], true = live) at two thresholds."""
    attacks = faces.attacks
    both = bool(attacks.any() and not attacks.all())
    return Result(
        row.key, row.table, row.title, row.paper, seed,
        origin=", ".join(sorted({sample.origin for sample in faces.samples})),
        live=int((~attacks).sum()),
        attacks=int(attacks.sum()),
        auc=metrics.auc(scores, attacks) if both else None,
        at_dev=_counts(at_dev, faces),
        at_half=_counts(at_half, faces),
    )  # fmt: skip


def _counts(accepted: NDArray[np.bool_], faces: Faces) -> dict[str, int | str]:
    rates = metrics.error_rates(accepted, faces.attacks, faces.species)
    pooled, worst = rates.apcer_pooled, rates.apcer
    return {
        "rejected": rates.bpcer.count, "accepted": pooled.count,
        "worst": rates.worst_species, "worst_accepted": worst.count, "worst_total": worst.total,
    }  # fmt: skip


def _percent(value: float | None) -> str:
    return "–" if value is None or math.isnan(value) else f"{100 * value:.2f} %"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"


def _rate(count: int | str, total: int | str) -> str:
    return str(metrics.rate(int(count), int(total))) if int(total) else "–"


def _line(result: Result) -> str:
    at = result.at_dev
    worst = f"{at['worst']} {_rate(at['worst_accepted'], at['worst_total'])}" if at["worst"] else "–"
    cells = [
        result.title, str(result.seed), result.paper or "–", _percent(result.acer(at)),
        _rate(at["accepted"], result.attacks), worst, _rate(at["rejected"], result.live),
        _number(result.auc), _percent(result.acer(result.at_half)),
    ]  # fmt: skip
    return f"| {' | '.join(cells)} |"


HEAD = (
    "| row | seed | ACER of the paper | ACER | APCER, pooled | APCER, worst species | BPCER | AUC | ACER at 0.5 |\n"
    "|---|---|---|---|---|---|---|---|---|"
)


def write_tables(path: Path, results: Sequence[Result]) -> None:
    """tables.md: a table for each of `TABLES` that has results, its heading says what kind of data it is on."""
    parts = [
        "# Experiments\n\nThresholds are those of the least ACER on the development split, fixed before the test split "
        "was scored; rates are count/total with 95 % intervals (Clopper and Pearson, frames taken as independent). The "
        "paper's figures are of its own recordings, ours are not of the same faces."
    ]
    for table, title in TABLES.items():
        of_table = [result for result in results if result.table == table]
        if of_table:
            origin = ", ".join(sorted({result.origin for result in of_table}))
            lines = "\n".join(_line(result) for result in _in_order(of_table))
            parts.append(f"## {title} ({origin})\n\n{HEAD}\n{lines}")
    part = path.with_suffix(".part")
    part.write_text("\n\n".join([*parts, f"## Remarks on the paper's figures\n{REMARKS}"]))
    part.replace(path)


def _in_order(results: Sequence[Result]) -> list[Result]:
    """Rows in the order in which they first came, the seeds of each beside each other."""
    first = {result.row: number for number, result in reversed(list(enumerate(results)))}
    return sorted(results, key=lambda result: (first[result.row], result.seed))
