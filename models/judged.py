"""What evaluation works on: scores of recordings, what the recordings show, and both joined in a table.

Scores (`Recording`) never hold a label and truths (`Truth`) never hold a score: whoever makes the scores cannot see
the labels. `table` joins them by name, for one pair of thresholds. Since both nets score every judged frame, the
cascade's verdict at any thresholds follows from the scores, no pixel is read again.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from models.errors import DatasetError
from models.metrics import logit
from pipeline.cascade import attack_score, decide
from pipeline.parameters import SessionRule, Thresholds
from pipeline.result import Reason, Verdict
from pipeline.temporal import SequentialTest

F64 = NDArray[np.float64]
Bools = NDArray[np.bool_]
Strings = NDArray[np.str_]
Unit = Literal["recording", "frame"]

DAMAGED = "damaged"
_FLAT_WORDS = (
    "print", "photo", "paper", "banner", "cutout", "screen", "replay", "display", "video", "flattened", "bent",
    "folded",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame: attack probabilities (None where a net did not run), and why there was no verdict.

    `time_s` is None in frames of a store of faces, which keeps no times; `ms` is the wall time of all stages.
    """

    number: int
    time_s: float | None
    d_net: float | None
    m_net: float | None
    reason: str | None = None
    distance_m: float | None = None
    yaw_deg: float | None = None
    pitch_deg: float | None = None
    ms: float | None = None


@dataclass(frozen=True, slots=True)
class Recording:
    """Scores of one recording. `foreign`: its sensor is not the bundle's, nobody is `live`.

    `verdict` is the engine's own at the bundle's thresholds, None where frames came from a store. `problem` is what
    was wrong with a recording that could not be judged to its end.
    """

    name: str
    sensor: str
    origin: str
    foreign: bool
    frames: tuple[Frame, ...]
    verdict: Verdict | None = None
    reason: str | None = None
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Truth:
    """What a recording shows. `groups`: further keys (name, value) by which figures are broken down."""

    name: str
    attack: bool
    species: str
    flat: bool
    split: str
    origin: str
    groups: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Decision:
    verdict: Verdict
    reason: str = ""


def is_flat(species: str) -> bool:
    """Whether a species is 2-D (a sheet or a screen, however bent), told by its name."""
    return any(word in species.lower() for word in _FLAT_WORDS)


def decide_frame(frame: Frame, thresholds: Thresholds, *, foreign: bool) -> Decision:
    """The engine's verdict on a frame, at any thresholds."""
    if frame.d_net is None:
        return Decision(Verdict.UNDECIDED, frame.reason or Reason.INTERNAL_ERROR.value)
    verdict = decide(frame.d_net, frame.m_net, thresholds)
    if verdict is Verdict.UNDECIDED:
        return Decision(verdict, frame.reason or Reason.NO_INFRARED.value)
    if verdict is Verdict.LIVE and foreign:
        return Decision(Verdict.UNDECIDED, Reason.OTHER_SENSOR.value)
    return Decision(verdict)


def score_of(frame: Frame, thresholds: Thresholds) -> float:
    """s of the cascade, its threshold at ½; NaN where D-Net did not run."""
    return math.nan if frame.d_net is None else attack_score(frame.d_net, frame.m_net, thresholds)


def decide_recording(recording: Recording, rule: SessionRule, thresholds: Thresholds) -> Decision:
    """The session verdict at any thresholds; a damaged recording is undecided.

    Of stored moments nobody knows the times, and fewer than `min_frames` could never make the sequential test speak:
    there the verdict is what the test would say at its deadline, had the visit gone on like the mean of its moments
    (`uses_mean_rule`).
    A visit ends here where frames tell (time, faults), not where the engine lost track of a face.
    """
    if recording.problem is not None:
        return Decision(Verdict.UNDECIDED, DAMAGED)
    frames = [(frame, decide_frame(frame, thresholds, foreign=recording.foreign)) for frame in recording.frames]
    judged = [(frame, decision) for frame, decision in frames if frame.d_net is not None]
    if not uses_mean_rule(recording, rule):
        return _sequential(frames, rule, thresholds)
    found = _mean_rule([score_of(frame, thresholds) for frame, _ in judged], rule)
    if found.verdict is Verdict.LIVE and (reason := _barred([decision for _, decision in judged])) is not None:
        return Decision(Verdict.UNDECIDED, reason)
    return found


def _barred(decisions: Sequence[Decision]) -> str | None:
    """Why a session whose evidence says live may not be: its latest frame that was no attack had no verdict."""
    last = next((d for d in reversed(decisions) if d.verdict is not Verdict.ATTACK), None)
    if last is None:
        return Reason.NOT_SURE.value
    return last.reason if last.verdict is Verdict.UNDECIDED else None


def uses_mean_rule(recording: Recording, rule: SessionRule) -> bool:
    """Scores without a stream behind them: of unknown times, or too few for the sequential test."""
    few = len(recording.frames) < rule.min_frames
    return recording.verdict is None and (few or any(frame.time_s is None for frame in recording.frames))


def _mean_rule(scores: Sequence[float], rule: SessionRule) -> Decision:
    if not scores:
        return Decision(Verdict.UNDECIDED, Reason.NO_FACE.value)
    pieces = np.clip(rule.slope * logit(scores) + rule.offset, -rule.clip, rule.clip)
    evidence = counted_frames(rule) * float(pieces.mean())
    live_at, attack_at = SequentialTest(rule).bounds
    if evidence >= attack_at:
        return Decision(Verdict.ATTACK)
    return Decision(Verdict.LIVE) if evidence <= live_at else Decision(Verdict.UNDECIDED, Reason.NOT_SURE.value)


def counted_frames(rule: SessionRule) -> int:
    """Frames that count as evidence in a visit up to its deadline."""
    return max(rule.min_frames, int(rule.deadline_s / max(rule.interval_s, 0.01)))


def _sequential(frames: Sequence[tuple[Frame, Decision]], rule: SessionRule, thresholds: Thresholds) -> Decision:
    test = SequentialTest(rule)
    for frame, decision in frames:
        assert frame.time_s is not None, "`uses_mean_rule` keeps these away"
        if frame.d_net is not None:
            barred = Reason(decision.reason) if decision.verdict is Verdict.UNDECIDED else None
            test.add(frame.time_s, score_of(frame, thresholds), barred)
            continue
        if frame.reason == Reason.STALE_FRAME:
            test.reset()
        if frame.reason == Reason.INTERNAL_ERROR:
            test.fault()
        test.missed(frame.time_s)
    verdict, reason = test.overall()
    return Decision(verdict, reason.value if reason else "")


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """One row a unit (frame or recording): arrays [n] of what it is, its scores and its verdict.

    Scores are NaN where there is none; those of a recording are medians over its judged frames.
    """

    unit: Unit
    names: Strings
    attacks: Bools
    species: Strings
    flat: Bools
    d_net: F64
    m_net: F64
    s: F64
    verdicts: Strings
    reasons: Strings
    groups: Mapping[str, Strings]

    @property
    def accepted(self) -> Bools:
        out: Bools = self.verdicts == Verdict.LIVE.value
        return out

    @property
    def undecided(self) -> Bools:
        out: Bools = self.verdicts == Verdict.UNDECIDED.value
        return out

    def __len__(self) -> int:
        return len(self.names)


@dataclass(frozen=True, slots=True)
class _Row:
    truth: Truth
    d_net: float
    m_net: float
    s: float
    decision: Decision
    groups: Mapping[str, str]


def table(
    recordings: Sequence[Recording],
    truths: Sequence[Truth],
    rule: SessionRule,
    thresholds: Thresholds,
    unit: Unit,
    *,
    engine_verdicts: bool = False,
) -> Table:
    """Scores and truths joined by name, in the order of the recordings.

    With `engine_verdicts` the thresholds are the bundle's and a recording's verdict is the one that the engine
    gave while judging. Raises DatasetError for a recording without a truth.
    """
    by_name = {truth.name: truth for truth in truths}
    rows: list[_Row] = []
    for recording in recordings:
        if recording.name not in by_name:
            raise DatasetError(f"{recording.name}: has scores but no label: add it to the manifest")
        truth = by_name[recording.name]
        if unit == "frame":
            rows += [_frame_row(recording, truth, frame, thresholds) for frame in recording.frames]
        else:
            decision = decide_recording(recording, rule, thresholds)
            if engine_verdicts and recording.verdict is not None and recording.problem is None:
                decision = Decision(recording.verdict, recording.reason or "")
            rows.append(_recording_row(recording, truth, thresholds, decision))
    return _assembled(rows, unit)


def _frame_row(recording: Recording, truth: Truth, frame: Frame, thresholds: Thresholds) -> _Row:
    return _Row(
        truth,
        _or_nan(frame.d_net),
        _or_nan(frame.m_net),
        score_of(frame, thresholds),
        decide_frame(frame, thresholds, foreign=recording.foreign),
        _groups(recording, truth, [frame]),
    )


def _recording_row(recording: Recording, truth: Truth, thresholds: Thresholds, decision: Decision) -> _Row:
    frames = recording.frames
    return _Row(
        truth,
        _median([f.d_net for f in frames]),
        _median([f.m_net for f in frames]),
        _median([score_of(f, thresholds) for f in frames if f.d_net is not None]),
        decision,
        _groups(recording, truth, frames),
    )


def _assembled(rows: Sequence[_Row], unit: Unit) -> Table:
    keys = list(dict.fromkeys(key for row in rows for key in row.groups))
    groups = {key: np.array([row.groups.get(key) or "not said" for row in rows], str) for key in keys}
    return Table(
        unit=unit,
        names=np.array([row.truth.name for row in rows], str),
        attacks=np.array([row.truth.attack for row in rows], bool),
        species=np.array([row.truth.species for row in rows], str),
        flat=np.array([row.truth.flat for row in rows], bool),
        d_net=np.array([row.d_net for row in rows], float),
        m_net=np.array([row.m_net for row in rows], float),
        s=np.array([row.s for row in rows], float),
        verdicts=np.array([row.decision.verdict.value for row in rows], str),
        reasons=np.array([row.decision.reason for row in rows], str),
        groups={key: values for key, values in groups.items() if len(np.unique(values)) > 1},
    )


def _groups(recording: Recording, truth: Truth, frames: Sequence[Frame]) -> dict[str, str]:
    return {
        "distance": _bin(_median([f.distance_m for f in frames]), (0.4, 0.6, 0.8, 1.0), "m"),
        "yaw": _bin(abs(_median([f.yaw_deg for f in frames])), (5, 10, 15), "°"),
        "pitch": _bin(abs(_median([f.pitch_deg for f in frames])), (5, 10, 15), "°"),
        "sensor": recording.sensor,
        "origin": truth.origin,
        **dict(truth.groups),
    }


def _bin(value: float, edges: Sequence[float], unit: str) -> str:
    """The bin of a value as text that sorts by size; empty where it is not known."""
    if math.isnan(value):
        return ""
    place = int(np.searchsorted(edges, value, "right"))
    if place == 0:
        return f"0 to {edges[0]:g} {unit}"
    return (
        f"{edges[-1]:g} {unit} and more" if place == len(edges) else f"{edges[place - 1]:g} to {edges[place]:g} {unit}"
    )


def _or_nan(value: float | None) -> float:
    return math.nan if value is None else value


def _median(values: Sequence[float | None]) -> float:
    known = [value for value in values if value is not None]
    return median(known) if known else math.nan
