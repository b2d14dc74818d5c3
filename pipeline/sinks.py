"""What programs read: one JSON line a frame and a summary a recording (formats: README, "Results")."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Mapping
from statistics import median
from typing import Any

import numpy as np

from drivers.source import CameraInfo
from pipeline.bundle import Bundle
from pipeline.cascade import attack_score
from pipeline.result import Reason, Result, Verdict

FORMAT = 1


def _rounded(value: float | None, digits: int = 6) -> float | None:
    return None if value is None else round(float(value), digits)


def line(result: Result, source: str, *, timing: bool = True) -> str:
    """One frame as a JSON line without its line end; keys in fixed order, six decimals.

    Without `timing` nothing in it depends on the machine's speed.
    """
    face, pose = result.face, result.pose
    record: dict[str, Any] = {
        "format": FORMAT,
        "source": source,
        "frame": result.frame,
        "device_time_s": _rounded(result.device_time_s),
        "verdict": result.verdict.value,
        "reason": result.reason.value if result.reason else None,
        "d_net": _rounded(result.d_net),
        "m_net": _rounded(result.m_net),
        "patches": None if result.patches is None else [_rounded(score) for score in result.patches],
        "box": None if face is None else [_rounded(v) for v in face.box],
        "landmarks": None if face is None else [[_rounded(x), _rounded(y)] for x, y in face.landmarks],
        "distance_m": _rounded(result.distance_m),
        "pose_deg": None
        if pose is None
        else {"yaw": _rounded(pose.yaw), "pitch": _rounded(pose.pitch), "roll": _rounded(pose.roll)},
        "session_verdict": result.session_verdict.value,
    }
    if timing:
        record["stage_ms"] = {name: _rounded(ms, 3) for name, ms in result.stage_ms.items()}
    return json.dumps(record, allow_nan=False)


def percentiles(values: list[float]) -> dict[str, float]:
    """p50, p95 and max of a list of milliseconds; empty for none."""
    if not values:
        return {}
    p50, p95 = np.percentile(values, (50, 95))
    return {"p50": round(float(p50), 3), "p95": round(float(p95), 3), "max": round(max(values), 3)}


class Summary:
    """Adds up a recording. One thread."""

    def __init__(self, bundle: Bundle) -> None:
        self._bundle = bundle
        self.frames = 0
        self.faces = 0
        self.judged = 0
        self.lost = 0
        self.reasons: Counter[Reason] = Counter()
        self.verdicts: Counter[Verdict] = Counter()
        self.d_net: list[float] = []
        self.m_net: list[float] = []
        self._scores: list[float] = []
        self._stages: defaultdict[str, list[float]] = defaultdict(list)

    def add(self, result: Result) -> None:
        """One more frame."""
        self.frames += 1
        self.faces += result.face is not None
        self.lost += result.lost
        self.verdicts[result.verdict] += 1
        if result.reason is not None:
            self.reasons[result.reason] += 1
        if result.d_net is not None:
            self.judged += 1
            self.d_net.append(result.d_net)
            thresholds = self._bundle.description.thresholds
            self._scores.append(attack_score(result.d_net, result.m_net, thresholds))
        if result.m_net is not None:
            self.m_net.append(result.m_net)
        for stage, ms in result.stage_ms.items():
            self._stages[stage].append(ms)
        self._stages["total"].append(sum(result.stage_ms.values()))

    def stages(self) -> Mapping[str, dict[str, float]]:
        """p50, p95 and max of each stage, in the order the stages run, and of their sum."""
        order = [*(name for name in self._stages if name != "total"), "total"]
        return {name: percentiles(self._stages[name]) for name in order}

    def attack_score(self) -> float | None:
        """Median of the cascade's attack score over judged frames; ½ is the threshold."""
        return median(self._scores) if self._scores else None

    def report(
        self, *, source: str, info: CameraInfo, verdict: Verdict, wall_s: float | None, timing: bool = True
    ) -> dict[str, Any]:
        """The summary as it is written; `wall_s` is the time the replay took."""
        description = self._bundle.description
        record: dict[str, Any] = {
            "format": FORMAT,
            "frames": self.frames,
            "faces": self.faces,
            "verdict": verdict.value,
            "attack_score": _rounded(self.attack_score()),
            "undecided_reasons": {reason.value: self.reasons[reason] for reason in Reason if self.reasons[reason]},
        }
        if timing:
            stages = self.stages()
            record["fps"] = round(self.frames / wall_s, 3) if wall_s else None
            record["latency_ms"] = stages["total"]
            record["stage_ms"] = {name: values for name, values in stages.items() if name != "total"}
        record |= {
            "thresholds": {"d_net": description.thresholds.d_net, "m_net": description.thresholds.m_net},
            "operating_point": description.operating_point,
            "bundle_sha256": self._bundle.sha256,
            "source": source,
            "time_assumed": info.time_assumed,
            "white_assumed": list(info.white_assumed),
            "lost": self.lost,
            "origin": info.origin,
        }
        return record
