"""What a person reads on standard error after a replay."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from app.outcome import Outcome
from pipeline.result import REASON_TEXT, Reason, Verdict
from pipeline.sinks import Summary

STYLES = {Verdict.LIVE: "bold blue", Verdict.ATTACK: "bold dark_orange", Verdict.UNDECIDED: "bold"}
SIMULATED = "simulated camera"


def folding(*headings: str, title: str | None = None) -> Table:
    """A table that breaks long cells: a name that ends in dots helps nobody."""
    return Table(*(Column(heading, overflow="fold") for heading in headings), title=title, title_justify="left")


def verdict_text(verdict: str) -> str:
    """A verdict with its colour, as markup."""
    return f"[{STYLES[Verdict(verdict)]}]{verdict}[/]"


def middle(values: Sequence[float]) -> str:
    """The median of scores, or a dash where the stage never ran."""
    return f"{median(values):.3f}" if values else "–"


def foremost_reason(report: Mapping[str, Any]) -> str:
    """The most frequent reason for no verdict, with its count."""
    reasons: Mapping[str, int] = report["undecided_reasons"]
    if not reasons:
        return "–"
    name = max(reasons, key=lambda reason: reasons[reason])
    return f"{name} ×{reasons[name]}"


def show_one(outcome: Outcome, console: Console) -> None:
    """One recording in full."""
    summary, report = outcome.summary, outcome.report
    assert summary is not None, "only judged recordings are shown"
    table = Table(title=escape(_title(outcome)), show_header=False, title_justify="left")
    table.add_row("verdict", verdict_text(report["verdict"]))
    table.add_row("frames", _frames(summary))
    table.add_row("frame verdicts", ", ".join(f"{v.value} {n}" for v, n in summary.verdicts.most_common()))
    for reason, count in report["undecided_reasons"].items():
        table.add_row("  no verdict", f"{reason} ×{count}: {REASON_TEXT[Reason(reason)]}")
    table.add_row("attack score", _score_row(summary, report))
    if "fps" in report:
        table.add_row("speed", f"{report['fps']} frames a second")
        for stage, ms in summary.stages().items():
            table.add_row(f"  {stage}", f"{ms['p50']:.1f} ms p50, {ms['p95']:.1f} ms p95")
    console.print(table)


def _title(outcome: Outcome) -> str:
    origin = f" ({SIMULATED})" if outcome.report["origin"] == "simulated" else ""
    return f"{outcome.source}{origin}"


def _frames(summary: Summary) -> str:
    return f"{summary.frames}, with a face {summary.faces}, judged {summary.judged}, lost {summary.lost}"


def _score_row(summary: Summary, report: Mapping[str, Any]) -> str:
    limits = report["thresholds"]
    cascade = "–" if report["attack_score"] is None else f"{report['attack_score']:.3f}"
    return (
        f"{cascade}; D-Net {middle(summary.d_net)} (rejects from {limits['d_net']:.3f}), "
        f"M-Net {middle(summary.m_net)} (rejects from {limits['m_net']:.3f}); medians"
    )


def show_several(outcomes: Sequence[Outcome], console: Console) -> None:
    """One row a recording."""
    table = folding("recording", "verdict", "frames", "judged", "score", "D-Net", "M-Net", "no verdict", "exit")
    if any(outcome.report.get("origin") == "simulated" for outcome in outcomes):
        table.title = f"({SIMULATED}; medians over judged frames)"
    for outcome in outcomes:
        table.add_row(escape(Path(outcome.source).name), *_cells(outcome), str(int(outcome.code)))
    console.print(table)


def _cells(outcome: Outcome) -> tuple[str, ...]:
    summary, report = outcome.summary, outcome.report
    if summary is None:
        return ("–",) * 7
    return (
        verdict_text(report["verdict"]),
        str(summary.frames),
        str(summary.judged),
        "–" if report["attack_score"] is None else f"{report['attack_score']:.3f}",
        middle(summary.d_net),
        middle(summary.m_net),
        foremost_reason(report),
    )
