"""What an adaptation did, for people: figures before and after, lines, and the new bundle's card."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from models import metrics
from models.bundling import TrainedNets
from models.datasets.faces import Faces
from models.export import CARD
from models.finetuning import balanced
from models.networks import KINDS, Kind
from models.operating_point import CascadeScores
from pipeline.bundle import Bundle
from pipeline.parameters import BundleDescription, Thresholds

TEST_FACES = 200  # of the old store, half of them living: enough to see forgetting

WANTED: dict[Kind, str] = {
    "d_net": "2-D attacks (prints, screens)",
    "m_net": "attacks in colour and infrared (masks; or prints, together with --faces)",
}


@dataclass(frozen=True, slots=True)
class Row:
    """One figure before and after, ready to be read."""

    data: str
    figure: str
    before: str
    after: str


def origin_text(faces: Faces) -> str:
    """Where the faces are from: simulated, real, …"""
    return "/".join(sorted({s.origin for s in faces.samples}))


def shown(faces: Faces) -> Faces:
    """The test split's faces that both nets can score; of a large one a part, classes alike."""
    test = faces.where(lambda s: s.split == "test" and s.reflectance)
    both = len(test) > TEST_FACES and test.both_classes
    return balanced(test, TEST_FACES, 0.5, 0) if both else test


def compared(
    name: str, test: Faces, before: tuple[TrainedNets, Thresholds], after: tuple[TrainedNets, Thresholds]
) -> list[Row]:
    """Error rates by frame on faces that neither training nor thresholds saw."""
    if not len(test):
        return []
    data = f"{name}, test ({origin_text(test)})"
    old, new = (_rates(nets.score(test), thresholds) for nets, thresholds in (before, after))
    return [Row(data, figure, old[figure], new[figure]) for figure in old]


def _rates(scores: CascadeScores, thresholds: Thresholds) -> dict[str, str]:
    faces = scores.faces
    rates = metrics.error_rates(scores.accepted(thresholds), faces.attacks, faces.species)
    worst = f"{rates.apcer}, {rates.worst_species}"
    found = {"BPCER": rates.bpcer, "APCER, worst species": rates.apcer, "APCER, pooled": rates.apcer_pooled}
    texts = {figure: str(rate) if rate.total else "–" for figure, rate in found.items()}
    if rates.apcer.total:
        texts["APCER, worst species"] = worst
    if faces.both_classes:
        texts["AUC of the cascade"] = f"{metrics.auc(scores.attack_scores(thresholds), faces.attacks):.4f}"
    return texts


def described(kinds: Sequence[Kind], train: Faces, rehearsal: Faces | None) -> list[str]:
    names = {"d_net": "D-Net", "m_net": "M-Net"}
    people = len({s.subject for s in train.samples if s.subject and not s.attack})
    recordings, attacks = len(set(train.recordings.tolist())), int(train.attacks.sum())
    sensors = ", ".join(sorted({s.sensor for s in train.samples}))
    lines = [
        f"Learnt from {len(train)} faces of {recordings} recordings ({origin_text(train)} data), "
        f"{attacks} of them attacks, {people or 'an unknown number of'} people; sensors {sensors}.",
        f"Adapted: {' and '.join(names[kind] for kind in kinds)}.",
    ]
    lines += [
        f"{names[kind]} stays as it was: split train lacks {WANTED[kind]}." for kind in KINDS if kind not in kinds
    ]
    lines.append(
        f"Half of each step came from {len(rehearsal)} faces of the old store ({origin_text(rehearsal)} data)."
        if rehearsal is not None
        else "No faces of the old store were at hand (--faces): what was forgotten is not known."
    )
    return lines


def model_card(
    bundle: Bundle, made: BundleDescription, lines: Sequence[str], rows: Sequence[Row], parity: Sequence[str]
) -> str:
    """The new card, and below it the old bundle's with its own figures."""
    old = bundle.file(CARD).read_text() if bundle.file(CARD).exists() else ""
    table = ["| data | figure | before | after |", "|---|---|---|---|"]
    table += [f"| {row.data} | {row.figure} | {row.before} | {row.after} |" for row in rows]
    text = [
        f"# {made.name}",
        "",
        f"Adapted from the bundle {bundle.sha256}. Data: **{made.origin.replace('_', '-')}**.",
        f"Sensors: {', '.join(made.sensors)}. Thresholds D-Net {made.thresholds.d_net:g}, "
        f"M-Net {made.thresholds.m_net:g}.",
        "",
        *(f"- {line}" for line in lines),
        "",
        "## Before and after, single frames",
        "",
        *(table if rows else ["No figures: the manifest has no split test."]),
        "",
        "## Parity of the exported nets with the trained ones",
        "",
        *(f"- {line}" for line in parity),
        "",
        "## The card of the bundle that it was made from; its figures are that bundle's",
        "",
        *(f"##{line}" if line.startswith("#") else line for line in old.splitlines()),
    ]
    return "\n".join(text).rstrip("\n") + "\n"
