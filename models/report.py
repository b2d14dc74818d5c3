"""What `evaluate` writes: report.json, scores.csv, frames.csv, pictures and report.html."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from models.datasets.faces import Faces, Sample
from models.errors import DatasetError
from models.figures import Json, figures
from models.judged import Recording, Table, Truth, Unit, decide_frame, score_of, table, uses_mean_rule
from models.operating_point import CascadeScores, choose_thresholds
from pipeline.bundle import Bundle
from pipeline.parameters import Thresholds
from pipeline.sinks import percentiles

FORMAT = 1
FILES = ("report.json", "report.html", "scores.csv", "frames.csv")
PICTURES = ("roc.png", "det.png", "scores.png", "thresholds.png")
UNITS: tuple[Unit, Unit] = ("recording", "frame")

Fixed = Literal["bundle", "dev"]


@dataclass(frozen=True, slots=True)
class Wish:
    """What the figures at the head of the report are of: thresholds and unit.

    `max_bpcer`: most live faces that thresholds fixed on dev may reject.
    """

    fixed: Fixed = "bundle"
    unit: Unit = "recording"
    max_bpcer: float = 0.05


@dataclass(frozen=True, slots=True, eq=False)
class Column:
    """Figures at one pair of thresholds; `key` is `bundle`, `dev` or `0.5`."""

    key: str
    title: str
    thresholds: Thresholds
    tables: Mapping[Unit, Table]
    figures: Mapping[Unit, Json]


@dataclass(frozen=True, slots=True, eq=False)
class Report:
    """All that is written. `recordings` are of the test split; `notes` are sentences for the reader."""

    bundle: Bundle
    wish: Wish
    recordings: tuple[Recording, ...]
    columns: tuple[Column, ...]
    origins: tuple[str, ...]
    truths: tuple[Truth, ...]
    latency_ms: Mapping[str, float]
    notes: tuple[str, ...]
    comparisons: tuple[Json, ...] = field(default=())

    @property
    def head(self) -> Column:
        return next(column for column in self.columns if column.key == self.wish.fixed)


def make_report(
    bundle: Bundle,
    recordings: Sequence[Recording],
    truths: Sequence[Truth],
    wish: Wish,
    *,
    comparisons: Sequence[Json] = (),
) -> Report:
    """Figures on the test split; thresholds from the bundle, or from the dev split, never from test.

    Raises DatasetError where nothing is in the test split, or dev was asked for and cannot fix thresholds.
    """
    split = {truth.name: truth.split for truth in truths}
    test = tuple(r for r in recordings if split.get(r.name) == "test")
    dev = [r for r in recordings if split.get(r.name) == "dev"]
    if not test:
        raise DatasetError("nothing is in split test: figures are given on test only")
    own = bundle.description.thresholds
    asked = [("bundle", f"the bundle's ({bundle.description.operating_point})", own), ("0.5", "0.5", Thresholds())]
    notes = _notes(bundle, test)
    if (fitted := thresholds_on_dev(bundle, dev, truths, wish.max_bpcer)) is not None:
        asked.insert(
            1, ("dev", f"fixed on dev (least ACER, BPCER ≤ {100 * wish.max_bpcer:g} % where that can be had)", fitted)
        )
    elif wish.fixed == "dev":
        raise DatasetError("thresholds cannot be fixed on dev: it needs frames of both classes that both nets scored")
    columns = tuple(_column(bundle, test, truths, *one) for one in asked)
    ms = [frame.ms for recording in test for frame in recording.frames if frame.ms is not None]
    return Report(
        bundle=bundle,
        wish=wish,
        recordings=test,
        columns=columns,
        origins=tuple(sorted({t.origin for t in truths if t.split == "test"})),
        truths=tuple(truths),
        latency_ms=percentiles(ms),
        notes=tuple(notes),
        comparisons=tuple(comparisons),
    )


def thresholds_on_dev(
    bundle: Bundle, dev: Sequence[Recording], truths: Sequence[Truth], max_bpcer: float
) -> Thresholds | None:
    """Thresholds by the same rule as a bundle's own; None where a class is missing among frames with both scores."""
    by_name = {truth.name: truth for truth in truths}
    known = [
        (by_name[recording.name], frame)
        for recording in dev
        for frame in recording.frames
        if frame.d_net is not None and frame.m_net is not None
    ]
    attacks = {truth.attack for truth, _ in known}
    if attacks != {False, True}:
        return None
    samples = tuple(_sample(truth, frame.number) for truth, frame in known)
    scores = CascadeScores(
        np.array([frame.d_net for _, frame in known], float),
        np.array([frame.m_net for _, frame in known], float),
        Faces(samples, bundle.description.preprocessing, (), ()),  # what they are; their pixels are not asked for
    )
    return choose_thresholds(scores, max_bpcer)


def _sample(truth: Truth, frame: int) -> Sample:
    return Sample(
        name=f"{truth.name}-{frame}",
        label="attack" if truth.attack else "bona_fide",
        species=truth.species,
        flat=truth.flat,
        subject="",
        instrument="",
        split="dev",
        sensor="",
        recording=truth.name,
        frame=frame,
        distance_m=0.0,
        seed=0,
        origin=truth.origin,
    )


def _column(
    bundle: Bundle, test: Sequence[Recording], truths: Sequence[Truth], key: str, title: str, thresholds: Thresholds
) -> Column:
    rule = bundle.description.session
    tables = {unit: table(test, truths, rule, thresholds, unit, engine_verdicts=key == "bundle") for unit in UNITS}
    return Column(key, title, thresholds, tables, {unit: figures(tables[unit]) for unit in UNITS})


def _notes(bundle: Bundle, test: Sequence[Recording]) -> list[str]:
    notes = ["Frames of one recording resemble each other: their intervals are narrower than what they know."]
    short = sum(uses_mean_rule(recording, bundle.description.session) for recording in test)
    if short:
        notes.append(
            f"{short} of {len(test)} recordings hold fewer than {bundle.description.session.min_frames} frames, or "
            "frames of unknown times, too little for the sequential test: their verdict is what it would say at its "
            "deadline, had the visit gone on like the mean of these frames."
        )
    if foreign := sum(recording.foreign for recording in test):
        notes.append(
            f"{foreign} of {len(test)} recordings are of a sensor that the bundle was not made for: nobody there is "
            "called live (--accept-sensor judges them all the same)."
        )
    if damaged := sum(recording.problem is not None for recording in test):
        notes.append(f"{damaged} of {len(test)} recordings could not be judged to their end: they count as undecided.")
    return notes


def labelled(origins: Sequence[str]) -> str:
    """The word that stands beside every figure: simulated, semi-simulated, real, or several of them."""
    return " + ".join(origin.replace("_", "-") for origin in origins)


def report_json(report: Report) -> Json:
    """report.json: the figures of the wished unit and thresholds on top, all others under `at`."""
    unit, head = report.wish.unit, report.head
    return {
        "format": FORMAT,
        "bundle": report.bundle.description.name,
        "bundle_sha256": report.bundle.sha256,
        "bundle_origin": report.bundle.description.origin,
        "origins": list(report.origins),
        "data": labelled(report.origins),
        "split": "test",
        "threshold_split": report.wish.fixed,
        "thresholds": _thresholds(head.thresholds),
        "unit": unit,
        **head.figures[unit],
        "latency_ms": dict(report.latency_ms),
        "damaged": {r.name: r.problem for r in report.recordings if r.problem is not None},
        "notes": list(report.notes),
        "at": {
            column.key: {"thresholds": _thresholds(column.thresholds), **column.figures} for column in report.columns
        },
        "comparisons": list(report.comparisons),
    }


def _thresholds(thresholds: Thresholds) -> Json:
    return {"d_net": thresholds.d_net, "m_net": thresholds.m_net}


def write_report(report: Report, directory: Path) -> None:
    """Writes all files, each whole; report.json last, so that where it stands, all stands."""
    from models.report_html import page
    from models.report_plots import pictures

    directory.mkdir(parents=True, exist_ok=True)
    drawn = pictures(report.head.tables[report.wish.unit], report.head.thresholds, labelled(report.origins))
    _write(directory / "scores.csv", scores_csv(report))
    _write(directory / "frames.csv", frames_csv(report))
    for name, png in drawn.items():
        _write(directory / name, png)
    facts = report_json(report)
    _write(directory / "report.html", page(facts, [(c.key, c.title) for c in report.columns], drawn))
    _write(directory / "report.json", json.dumps(facts, indent=2, allow_nan=False, ensure_ascii=False) + "\n")


def _write(path: Path, content: str | bytes) -> None:
    part = path.with_name(path.name + ".part")
    part.write_bytes(content if isinstance(content, bytes) else content.encode())
    part.replace(path)


def scores_csv(report: Report) -> str:
    """One line a recording, at the thresholds of the report's head."""
    rows = report.head.tables["recording"]
    problems = {recording.name: recording.problem or "" for recording in report.recordings}
    columns: list[Any] = [
        ("path", rows.names.tolist()),
        ("label", ["attack" if attack else "bona_fide" for attack in rows.attacks]),
        ("species", rows.species.tolist()),
        ("d_net", [_six(v) for v in rows.d_net]),
        ("m_net", [_six(v) for v in rows.m_net]),
        ("verdict", rows.verdicts.tolist()),
        ("reason", rows.reasons.tolist()),
        ("attack_score", [_six(v) for v in rows.s]),
        ("problem", [problems[name] for name in rows.names.tolist()]),
    ]
    return _csv([name for name, _ in columns], zip(*(values for _, values in columns), strict=True))


def frames_csv(report: Report) -> str:
    """One line a frame of the test split, at the thresholds of the report's head."""
    thresholds = report.head.thresholds
    rows = []
    for recording in report.recordings:
        for f in recording.frames:
            decision = decide_frame(f, thresholds, foreign=recording.foreign)
            s = score_of(f, thresholds)
            numbers = [f.time_s, f.d_net, f.m_net, s, f.distance_m, f.yaw_deg, f.pitch_deg]
            rows.append([recording.name, f.number, decision.verdict.value, decision.reason, *map(_six, numbers)])
    header = ["path", "frame", "verdict", "reason", "device_time_s", "d_net", "m_net", "attack_score", "distance_m"]
    return _csv([*header, "yaw_deg", "pitch_deg"], rows)


def _csv(header: Sequence[str], rows: Any) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue()


def _six(value: float | None) -> str:
    return "" if value is None or np.isnan(value) else f"{value:.6f}"
