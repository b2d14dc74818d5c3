"""A bundle beside other judges of the same faces: hand-made features, an oracle that knows the true materials.

Each judge gets the threshold of least ACER on dev, the bundle has its own; both are held against each other on the
test faces that the judge is for. The interval of the difference resamples recordings, since the frames of one
recording err together.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import numpy as np

from models import metrics
from models.baselines import handmade as features
from models.baselines.paired import acer_difference
from models.datasets.faces import Faces, Sample
from models.figures import Json
from models.judged import F64, Bools, Recording, decide_frame, decide_recording
from pipeline.bundle import Bundle
from pipeline.result import Verdict

_MASKS: Final = "masks and bona fide"


@dataclass(frozen=True, slots=True)
class _Decisions:
    """The bundle's own: was the frame, or its whole session, taken for live?"""

    unit: Literal["frames", "sessions"]
    live: Callable[[Sample], bool]


def acer(accepted: Bools, attacks: Bools) -> float:
    """Mean of pooled APCER and BPCER: bool [n] accepted, bool [n] attack."""
    return float((accepted[attacks].mean() + (~accepted[~attacks]).mean()) / 2)


def compare(
    directory: Path, recordings: Sequence[Recording], bundle: Bundle, *, oracle: bool, handmade: bool
) -> list[Json]:
    """Comparisons as report.json holds them. `recordings` are the bundle's scores of the store in `directory`.

    Raises DatasetError where the oracle is asked about faces that were not simulated.
    """
    thresholds, rule = bundle.description.thresholds, bundle.description.session
    frames = {
        (one.name, frame.number): decide_frame(frame, thresholds, foreign=False).verdict is Verdict.LIVE
        for one in recordings
        for frame in one.frames
    }
    sessions = {one.name: decide_recording(one, rule, thresholds).verdict is Verdict.LIVE for one in recordings}
    by_frame = _Decisions("frames", lambda sample: frames[sample.recording, sample.frame])
    by_session = _Decisions("sessions", lambda sample: sessions[sample.recording])
    out = []
    if handmade:
        out.append(_beside(directory, by_frame, "hand-made features", _MASKS, _solid, _handmade(directory)))
    if oracle:
        name, judge = "oracle of true materials", _oracle(directory)
        out.append(_beside(directory, by_frame, name, "all species", lambda _: True, judge))
        # Of what a face is made does not change within a session.
        out += [_beside(directory, ours, name, _MASKS, _solid, judge) for ours in (by_frame, by_session)]
    return out


def _solid(sample: Sample) -> bool:
    return sample.reflectance and not (sample.attack and sample.flat)


def _beside(
    directory: Path,
    decisions: _Decisions,
    name: str,
    on: str,
    where: Callable[[Sample], bool],
    judge: Callable[[Faces], F64],
) -> Json:
    dev, test = (Faces.load(directory, split=split, where=where) for split in ("dev", "test"))
    threshold = metrics.threshold_of_least_acer(judge(dev), dev.attacks)
    if decisions.unit == "sessions":
        _, firsts = np.unique(test.recordings, return_index=True)
        test = test.take(firsts)
    theirs = judge(test) < threshold
    ours = np.array([decisions.live(sample) for sample in test.samples], bool)
    difference = acer_difference(ours, theirs, test.attacks, test.recordings)
    return {
        "name": name,
        "on": f"{on}, {len(test)} {decisions.unit}",
        "own": f"{100 * acer(theirs, test.attacks):.2f} %",
        "bundle": f"{100 * acer(ours, test.attacks):.2f} %",
        "difference": f"{100 * difference.value:+.2f} % ({100 * difference.low:+.2f} to {100 * difference.high:+.2f})",
        "acer": {"own": acer(theirs, test.attacks), "bundle": acer(ours, test.attacks)},
        "ci95": [difference.low, difference.high],
    }


def _handmade(directory: Path) -> Callable[[Faces], F64]:
    """Logistic regression on statistics of the bands, fitted on train, its ridge chosen on dev."""

    def seen(faces: Faces) -> F64:
        rows = [
            features.reflectance_features(
                faces.gather("stack", [i])[0].astype(np.float32), faces.gather("mask", [i])[0]
            )
            for i in range(len(faces))
        ]
        return np.array(rows, np.float64)

    train, dev = (Faces.load(directory, split=split, where=_solid) for split in ("train", "dev"))
    model = features.fit_on_dev((seen(train), train.attacks), (seen(dev), dev.attacks))
    return lambda faces: model.scores(seen(faces))


def _oracle(directory: Path) -> Callable[[Faces], F64]:
    """Told the true materials, at the difficulty that the store was made with."""
    from models.baselines.oracle import fit, oracle_scores
    from models.datasets.mipd import Recipe

    difficulty = Recipe.load(directory).difficulty
    oracle = fit(difficulty)
    return lambda faces: oracle_scores(faces, oracle, difficulty)
