"""INT8 for the nets of a bundle, kept only where it is faster and the figures stay.

    python -P -m models.quantising --bundle BUNDLE --faces DIR --out BUNDLE8

NNCF quantises each net after training, calibrated on the train split, its accuracy controlled on the dev split.
What decides is the test split, judged as the running program judges it: the same nets class, the same batches.
Each net has a precision of its own in the bundle that is written, f32 where nothing else is as good.
"""

from __future__ import annotations

import argparse
import logging
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import openvino as ov
from numpy.typing import NDArray

from models import metrics
from models.datasets.faces import Faces, Split
from models.errors import DatasetError, TrainingError, command
from models.export import CARD, report_nothing, write_bundle
from models.options import count
from models.precision import processor_has_bf16
from pipeline.bundle import DESCRIPTION, SUMS, Bundle, load_bundle
from pipeline.inference import core
from pipeline.nets import Nets
from pipeline.parameters import BundleDescription, Patch, Precision, Thresholds
from pipeline.patches import by_input_size, cut_patches

log = logging.getLogger(__name__)

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
NETS = ("d_net", "m_net")

MAX_DROP = 0.002
"""Of a net's AUC on the dev split: NNCF takes operations back to f32 until no more than this is lost."""

MAX_RESTORED = 8
"""Groups of operations that NNCF takes back at most; a net that needs more is not worth it."""
RANKED = 24
"""Faces on which it ranks them."""

PATTERNS = r".*\.patterns[./].*"
"""Operations of `models.patterns` by their names."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a cheaper precision may cost a net, against f32 on the same faces, and what it must gain.

    `p99`: of |Δp|. `flips`: share of verdicts of the cascade that change. `acer`: growth of the ACER.
    `latency`: largest ratio of the net's time to that at f32.
    """

    p99: float = 0.05
    flips: float = 0.005
    acer: float = 0.002
    latency: float = 0.9


@dataclass(frozen=True, slots=True)
class Counts:
    """Faces that are used at most: to calibrate, to control accuracy, to compare."""

    train: int = 120
    dev: int = 240
    test: int = 600


LIMITS = Limits()
COUNTS = Counts()


@dataclass(frozen=True, eq=False)
class Measured:
    """Scores float64 [n] of both nets at one precision, milliseconds a face and bytes of the weights of each."""

    d_net: F64
    m_net: F64
    ms: Mapping[str, float]
    size: Mapping[str, int]

    def scores(self, net: str) -> F64:
        return self.d_net if net == "d_net" else self.m_net


@dataclass(frozen=True, slots=True)
class Comparison:
    """One net at one precision beside f32; the other net stays at f32. `flips` of `count` verdicts of the cascade
    change, `acer` and `acer_f32` are the cascade's."""

    net: str
    precision: Precision
    p50: float
    p99: float
    largest: float
    flips: int
    count: int
    acer: float
    acer_f32: float
    ms: float
    ms_f32: float
    size: int

    def refusal(self, limits: Limits) -> str:
        """Why this precision is not taken; empty where it is."""
        if self.precision == "f32":
            return ""
        if not self.p99 <= limits.p99:
            return f"scores move: p99 {self.p99:.3f} > {limits.p99:g}"
        if self.flips > limits.flips * self.count:
            return f"{self.flips} of {self.count} verdicts flip, more than {100 * limits.flips:g} %"
        if not self.acer - self.acer_f32 <= limits.acer:
            return f"ACER grows by {100 * (self.acer - self.acer_f32):.2f} points > {100 * limits.acer:g}"
        if not self.ms <= limits.latency * self.ms_f32:
            return f"takes {self.ms / self.ms_f32:.2f} of f32's time > {limits.latency:g}"
        return ""


def compare(
    net: str,
    precision: Precision,
    measured: Measured,
    base: Measured,
    thresholds: Thresholds,
    attacks: NDArray[np.bool_],
) -> Comparison:
    """`measured` against `base` (f32) where only `net` changes its precision."""
    difference = np.abs(measured.scores(net) - base.scores(net))
    before = (base.d_net < thresholds.d_net) & (base.m_net < thresholds.m_net)
    d = measured.d_net if net == "d_net" else base.d_net
    m = measured.m_net if net == "m_net" else base.m_net
    after = (d < thresholds.d_net) & (m < thresholds.m_net)
    p50, p99 = np.percentile(difference, [50, 99])
    return Comparison(
        net, precision, float(p50), float(p99), float(difference.max()), int((before != after).sum()), len(attacks),
        _acer(after, attacks), _acer(before, attacks), measured.ms[net], base.ms[net], measured.size[net],
    )  # fmt: skip


def _acer(accepted: NDArray[np.bool_], attacks: NDArray[np.bool_]) -> float:
    return float((accepted[attacks].mean() + (~accepted[~attacks]).mean()) / 2)


def choose(comparisons: Iterable[Comparison], limits: Limits) -> dict[str, Precision]:
    """The precision of each net: the fastest that is not refused, f32 where all others are."""
    kept = [c for c in comparisons if not c.refusal(limits)]
    return {net: min((c for c in kept if c.net == net), key=lambda c: c.ms).precision for net in NETS}


def table(comparisons: Iterable[Comparison], limits: Limits, origin: str) -> str:
    """Markdown: one row a net and precision, with the reason where it was refused."""
    lines = [
        f"Test split, {origin} data; ACER is the cascade's with this net alone changed.",
        "",
        "| net | precision | \\|Δp\\| p50 | p99 | max | flipped | ACER | ms a face | weights | |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for c in comparisons:
        lines.append(
            f"| {c.net} | {c.precision} | {c.p50:.1e} | {c.p99:.1e} | {c.largest:.1e} | {c.flips}/{c.count} "
            f"| {100 * c.acer:.2f} % | {c.ms:.2f} ({c.ms / c.ms_f32:.2f}) | {c.size / 1e6:.2f} MB "
            f"| {c.refusal(limits)} |"
        )
    return "\n".join(lines)


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """What a net is shown of one face: batches float32 [N, C, s, s] with the weights of their rows; its label."""

    batches: tuple[F32, ...]
    weights: tuple[F64, ...]
    attack: bool


def shown(net: str, faces: Faces, patches: Sequence[Patch]) -> list[Shown]:
    """D-Net's or M-Net's inputs of every face, batched as the running program batches them."""
    groups = [[patches[i] for i in group] for group in by_input_size(patches).values()]
    weights = tuple(np.array([p.weight for p in group]) for group in groups)
    out = []
    for i, attack in enumerate(faces.attacks.tolist()):
        if net == "d_net":
            out.append(Shown((faces.depth_maps([i]),), (np.ones(1),), attack))
        else:
            planes = faces.planes([i])[0]
            out.append(Shown(tuple(cut_patches(planes, group) for group in groups), weights, attack))
    return out


def _validate(model: Any, items: Iterable[Shown]) -> tuple[float, list[float]]:
    """AUC of the weighted scores, and each face's probability of the class that is right."""
    scores, attacks = [], []
    for item in items:
        each = [
            np.array(model(batch)[0][:, 0], np.float64) @ w for batch, w in zip(item.batches, item.weights, strict=True)
        ]
        scores.append(sum(each))
        attacks.append(item.attack)
    attack = np.array(attacks, bool)
    p = np.nan_to_num(np.array(scores, float), nan=0.5)  # some quantisations give no number: it tells nothing
    right = np.where(attack, p, 1 - p).tolist()
    # NNCF ranks operations on a few items, which need not hold both classes.
    return (metrics.auc(p, attack) if 0 < attack.sum() < len(attack) else float(np.mean(right))), right


def quantise(model: ov.Model, calibration: Sequence[Shown], validation: Sequence[Shown]) -> ov.Model:
    """The net in INT8, by NNCF with accuracy control; what costs more than `MAX_DROP` of AUC stays f32.

    Convolutions of the branches only: excitations and head are a hundredth of the work, and there an error is not
    averaged away. Patterns are differences of near equals, of which a quantised blur leaves nothing.
    Raises TrainingError without the extra `train`.
    """
    report_nothing()
    try:
        import nncf
    except ImportError as error:
        raise TrainingError(f"INT8 needs NNCF ({error}): pip install 'trilume[train]'") from error
    nncf.set_log_level(logging.ERROR)
    batches = [batch for item in calibration for batch in item.batches]
    return nncf.quantize_with_accuracy_control(
        model,
        calibration_dataset=nncf.Dataset(batches),
        validation_dataset=nncf.Dataset(list(validation)),
        validation_fn=_validate,
        max_drop=MAX_DROP,
        subset_size=len(batches),
        advanced_accuracy_restorer_parameters=nncf.AdvancedAccuracyRestorerParameters(
            max_num_iterations=MAX_RESTORED, ranking_subset_size=RANKED
        ),
        ignored_scope=nncf.IgnoredScope(types=["MatMul"], patterns=[PATTERNS], validate=False),
    )


def both_classes(directory: Path, split: Split, count: int, *, flat: bool | None = None, seed: int = 0) -> Faces:
    """At most `count` faces of a split with reflectance, drawn evenly from live faces and attacks: all of them, or
    the flat or the other ones.

    Raises DatasetError where a class is missing.
    """
    faces = Faces.load(directory, split=split, where=lambda sample: sample.reflectance).where(
        lambda sample: flat is None or not sample.attack or sample.flat == flat
    )
    rng = np.random.default_rng(seed)
    chosen: list[int] = []
    for attack in (False, True):
        of = np.flatnonzero(faces.attacks == attack)
        if not len(of):
            raise DatasetError(f"{directory}: the {split} split needs live faces and attacks with reflectance")
        chosen += rng.permutation(of)[: (count + 1) // 2].tolist()
    return faces.take(sorted(chosen))


def measure(bundles: Mapping[Precision, Bundle], faces: Faces, threads: int) -> dict[Precision, Measured]:
    """Scores and times of every face at each precision, in turns: what else the machine does hits all alike.

    Times are medians: single calls that were interrupted do not count.
    """
    nets = {precision: Nets(bundle, threads) for precision, bundle in bundles.items()}
    found: dict[Precision, list[tuple[float, float, float, float]]] = {precision: [] for precision in nets}
    maps, planes = faces.gather("depth_maps", [0])[0], faces.planes([0])[0]
    for each in nets.values():
        each.depth(maps), each.reflectance(planes)
    for i in range(len(faces)):
        maps, planes = faces.gather("depth_maps", [i])[0], faces.planes([i])[0]
        for precision, each in nets.items():
            began = time.perf_counter()
            d = each.depth(maps)
            between = time.perf_counter()
            m, _ = each.reflectance(planes)
            found[precision].append((d, m, between - began, time.perf_counter() - between))
    out = {}
    for precision, rows in found.items():
        d, m, d_s, m_s = np.array(rows).T
        ms = {"d_net": 1e3 * float(np.median(d_s)), "m_net": 1e3 * float(np.median(m_s))}
        out[precision] = Measured(d, m, ms, _sizes(bundles[precision]))
    return out


def _sizes(bundle: Bundle) -> dict[str, int]:
    names = {"d_net": bundle.description.d_net, "m_net": bundle.description.m_net}
    return {net: bundle.file(name).with_suffix(".bin").stat().st_size for net, name in names.items()}


def convert(
    path: Path, directory: Path, out: Path, *, limits: Limits = LIMITS, counts: Counts = COUNTS, threads: int = 2
) -> dict[str, Precision]:
    """Quantises, measures, chooses and writes the bundle `out`; returns the precision of each net.

    Raises BundleError, DatasetError or TrainingError for what it was given; `out` must not exist.
    """
    bundle = load_bundle(path)
    if out.exists():
        raise TrainingError(f"{out} exists: name a new folder for the bundle")
    models = {net: core().read_model(bundle.file(getattr(bundle.description, net))) for net in NETS}
    small = {net: _quantised(net, models[net], bundle.description, directory, counts) for net in NETS}
    faces = both_classes(directory, "test", counts.test)
    measured = _measured(bundle, small, faces, threads)
    thresholds = bundle.description.thresholds
    comparisons = [
        compare(net, precision, measured[precision], measured["f32"], thresholds, faces.attacks)
        for net in NETS
        for precision in measured
    ]
    chosen = choose(comparisons, limits)
    report = table(comparisons, limits, bundle.description.origin.replace("_", "-"))
    report = f"Chosen: D-Net {chosen['d_net']}, M-Net {chosen['m_net']}. {report}"
    log.info("%s", report)
    d_net, m_net = [small[net] if chosen[net] == "int8" else models[net] for net in NETS]
    description = _at(bundle.description, chosen["d_net"], chosen["m_net"])
    card = f"{bundle.file(CARD).read_text()}\n## Precision\n\n{report}\n"
    write_bundle(out, description, d_net, m_net, card, _carried(bundle))
    return chosen


def _quantised(net: str, model: ov.Model, description: BundleDescription, directory: Path, counts: Counts) -> ov.Model:
    """Accuracy is controlled on the attacks that a net is there for: flat ones D-Net's, the others M-Net's."""
    log.info("quantising %s", net)
    train = both_classes(directory, "train", counts.train)
    dev = both_classes(directory, "dev", counts.dev, flat=net == "d_net")
    return quantise(model, shown(net, train, description.patches), shown(net, dev, description.patches))


def _at(description: BundleDescription, d_net: Precision, m_net: Precision) -> BundleDescription:
    own = None if m_net == d_net else m_net
    return description.model_copy(update={"precision": d_net, "m_net_precision": own})


def plain_precisions() -> tuple[Precision, ...]:
    """What nets can run at as they are: a processor without bfloat16 computes in float32 whatever it is asked for, and
    a bundle that it found faster so would answer otherwise elsewhere.
    """
    return ("f32", "bf16") if processor_has_bf16() else ("f32",)


def _measured(bundle: Bundle, small: Mapping[str, ov.Model], faces: Faces, threads: int) -> dict[Precision, Measured]:
    """Both nets at every precision, as the program runs them."""
    found = bundle.description
    bundles = {p: replace(bundle, description=_at(found, p, p)) for p in plain_precisions()}
    with TemporaryDirectory() as folder:
        written = write_bundle(Path(folder, "int8"), _at(found, "int8", "int8"), small["d_net"], small["m_net"])
        return measure({**bundles, "int8": load_bundle(written)}, faces, threads)


def _carried(bundle: Bundle) -> dict[str, bytes]:
    """Files of a bundle that `write_bundle` does not make itself: the trained nets."""
    nets = [Path(name).stem for name in (bundle.description.d_net, bundle.description.m_net)]
    made = {DESCRIPTION, CARD, SUMS, *(f"{net}{end}" for net in nets for end in (".xml", ".bin"))}
    return {p.name: p.read_bytes() for p in sorted(bundle.path.iterdir()) if p.name not in made}


@command
def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="models.quantising", description="A bundle with its nets in INT8.")
    parser.add_argument("--bundle", type=Path, required=True, help="bundle with nets in f32")
    parser.add_argument("--faces", type=Path, required=True, help="store of prepared faces")
    parser.add_argument("--out", type=Path, required=True, help="new folder of the bundle")
    parser.add_argument("--test-faces", type=count, default=COUNTS.test, help="faces of the test split to judge")
    parser.add_argument("--threads", type=count, default=2, help="as the program will run: 1 does not go with INT8")
    given = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    counts = replace(COUNTS, test=given.test_faces)
    convert(given.bundle, given.faces, given.out, counts=counts, threads=given.threads)
    log.info("wrote %s", given.out)


if __name__ == "__main__":
    raise SystemExit(main())
