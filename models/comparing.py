"""A bundle beside other judges of the same faces: hand-made features, an oracle that knows the true materials.

Each judge gets the threshold of least ACER on dev, the bundle has its own; both are held against each other on the
test faces that the judge is for. The interval of the difference resamples recordings, since the frames of one
recording err together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from models import metrics
from models.baselines import handmade as features
from models.baselines.paired import acer_difference
from models.datasets.faces import Faces, Sample
from models.figures import Json
from models.judged import F64, Bools, Recording, decide_frame, decide_recording
from pipeline.bundle import Bundle
from pipeline.result import Verdict


def acer(accepted: Bools, attacks: Bools) -> float:
    """Mean of pooled APCER and BPCER: bool [n] accepted, bool [n] attack."""
    return float((accepted[attacks].mean() + (~accepted[~attacks]).mean()) / 2)


def compare(
    directory: Path, recordings: Sequence[Recording], bundle: Bundle, *, oracle: bool, handmade: bool
) -> list[Json]:
    """Comparisons as report.json holds them. `recordings` are the bundle's scores of the store in `directory`.

    Raises DatasetError where the oracle is asked about faces that were not simulated.
    """
    thresholds = bundle.description.thresholds
    accepted = {
        (recording.name, frame.number): decide_frame(frame, thresholds, foreign=False).verdict is Verdict.LIVE
        for recording in recordings
        for frame in recording.frames
    }
    out = []
    if handmade:
        out.append(
            _beside(directory, accepted, "hand-made features", "masks and bona fide", _solid, _handmade(directory))
        )
    if oracle:
        judge = _oracle(directory)
        out.append(_beside(directory, accepted, "oracle of true materials", "all species", lambda _: True, judge))
        out.append(_beside(directory, accepted, "oracle of true materials", "masks and bona fide", _solid, judge))
        rule = bundle.description.session
        verdicts = {one.name: decide_recording(one, rule, thresholds).verdict is Verdict.LIVE for one in recordings}
        out.append(_sessions_beside(directory, verdicts, judge))
    return out


def _solid(sample: Sample) -> bool:
    return sample.reflectance and not (sample.attack and sample.flat)


def _beside(
    directory: Path,
    accepted: dict[tuple[str, int], bool],
    name: str,
    on: str,
    where: Callable[[Sample], bool],
    judge: Callable[[Faces], F64],
) -> Json:
    dev, test = (Faces.load(directory, split=split, where=where) for split in ("dev", "test"))
    threshold = metrics.threshold_of_least_acer(judge(dev), dev.attacks)
    theirs = judge(test) < threshold
    ours = np.array([accepted[sample.recording, sample.frame] for sample in test.samples], bool)
    return _compared(name, f"{on}, {len(test)} frames", ours, theirs, test)


def _sessions_beside(directory: Path, accepted: Mapping[str, bool], oracle: Callable[[Faces], F64]) -> Json:
    """The oracle and session verdicts on the same sessions: of what a face is made does not change within one."""
    dev, test = (Faces.load(directory, split=split, where=_solid) for split in ("dev", "test"))
    threshold = metrics.threshold_of_least_acer(oracle(dev), dev.attacks)
    _, firsts = np.unique(test.recordings, return_index=True)
    sessions = test.take(firsts)
    ours = np.array([accepted[name] for name in sessions.recordings], bool)
    on = f"masks and bona fide, {len(sessions)} sessions"
    return _compared("oracle of true materials", on, ours, oracle(sessions) < threshold, sessions)


def _compared(name: str, on: str, ours: Bools, theirs: Bools, test: Faces) -> Json:
    difference = acer_difference(ours, theirs, test.attacks, test.recordings)
    return {
        "name": name,
        "on": on,
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
