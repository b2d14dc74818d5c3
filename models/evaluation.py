"""Evaluation of a bundle on the test split of a store of faces.

    python -P -m models.evaluation --faces DIR --bundle DIR --out DIR [--oracle] [--handmade]

The nets score stored faces through OpenVINO, as they do behind a camera; `trilume evaluate` does the same with
recordings, from the first pixel on. Both end in `models.report`.
"""

from __future__ import annotations

import argparse
import logging
from collections.abc import Iterable, Sequence
from itertools import groupby
from pathlib import Path

from models.datasets.faces import Faces, Sample
from models.errors import DatasetError, command
from models.extra import require_train_extra
from models.judged import Frame, Recording, Truth, is_flat
from models.manifest import Entry
from models.options import share
from models.report import FILES, PICTURES, Wish, labelled, make_report, write_report
from pipeline.bundle import Bundle, load_bundle
from pipeline.nets import Nets
from pipeline.result import Reason

log = logging.getLogger(__name__)

KEYS = ("light", "skin_type")


def truths_of(entries: Iterable[Entry], recordings: Iterable[Recording]) -> list[Truth]:
    """What the recordings of a manifest show: one entry a recording, in the same order, under the recordings' names.

    Where a recording itself says that it is simulated, that wins over the manifest: its figures must not pass as
    real ones.
    """
    return [
        Truth(
            name=recording.name,
            attack=entry.attack,
            species=entry.species,
            flat=entry.attack and is_flat(entry.species),
            split=entry.split,
            origin=_honest(entry.origin, recording.origin),
            groups=entry.extra,
        )
        for entry, recording in zip(entries, recordings, strict=True)
    ]


def _honest(listed: str, made: str) -> str:
    return made if listed == "real" and made in {"simulated", "semi_simulated"} else listed


def score_faces(bundle: Bundle, faces: Faces, *, accept_sensor: bool = False, threads: int = 2) -> list[Recording]:
    """Both nets' scores of stored faces, grouped to recordings in the order of the store.

    Raises DatasetError where the store was made with another preprocessing than the bundle's: its scores would mean
    nothing.
    """
    if faces.preprocessing != bundle.description.preprocessing:
        raise DatasetError("the faces were made with another preprocessing than the bundle's: make them anew with it")
    nets = Nets(bundle, threads)
    order = sorted(range(len(faces)), key=lambda i: (faces.samples[i].recording, faces.samples[i].frame))
    scored = [(faces.samples[i], _frame(nets, faces, i)) for i in order]
    return [
        _recording(bundle, [sample for sample, _ in group], [frame for _, frame in group], accept_sensor)
        for group in (list(rows) for _, rows in groupby(scored, key=lambda row: row[0].recording))
    ]


def _frame(nets: Nets, faces: Faces, i: int) -> Frame:
    sample = faces.samples[i]
    m_net = nets.reflectance(faces.planes([i])[0])[0] if sample.reflectance else None
    return Frame(
        number=sample.frame,
        time_s=None,
        d_net=nets.depth(faces.gather("depth_maps", [i])[0]),
        m_net=m_net,
        reason=None if sample.reflectance else Reason.NO_INFRARED.value,
        distance_m=sample.distance_m,
        yaw_deg=getattr(sample, "yaw_deg", None),
        pitch_deg=getattr(sample, "pitch_deg", None),
    )


def _recording(bundle: Bundle, samples: Sequence[Sample], frames: Sequence[Frame], accept_sensor: bool) -> Recording:
    first = samples[0]
    foreign = not accept_sensor and first.sensor not in bundle.description.sensors
    return Recording(first.recording, first.sensor, first.origin, foreign, tuple(frames))


def truths_of_faces(faces: Faces) -> list[Truth]:
    """What the recordings of a store show."""
    first = {sample.recording: sample for sample in reversed(faces.samples)}
    return [
        Truth(
            name=name,
            attack=sample.attack,
            species=sample.species,
            flat=sample.attack and sample.flat,
            split=sample.split,
            origin=sample.origin,
            groups=tuple((key, str(getattr(sample, key, "") or "")) for key in KEYS),
        )
        for name, sample in first.items()
    ]


def check_free(directory: Path, *, force: bool) -> None:
    """Raises DatasetError where a report would be overwritten."""
    for name in (*FILES, *PICTURES):
        if (directory / name).exists() and not force:
            raise DatasetError(f"{directory / name}: exists: name another folder, or overwrite it with --force")


@command
def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="models.evaluation", description="A report on a store of faces.")
    parser.add_argument("--faces", type=Path, required=True, help="store of prepared faces")
    parser.add_argument("--bundle", type=Path, help="bundle; without it the shipped one")
    parser.add_argument("--out", type=Path, required=True, help="folder for the report")
    parser.add_argument("--threshold-split", choices=("bundle", "dev"), default="bundle")
    parser.add_argument("--bpcer", type=share, default=0.05, help="most live faces rejected by thresholds from dev")
    parser.add_argument("--unit", choices=("recording", "frame"), default="recording")
    parser.add_argument("--oracle", action="store_true", help="beside a judge that knows the true materials")
    parser.add_argument("--handmade", action="store_true", help="beside hand-made features")
    parser.add_argument("--accept-sensor", action="store_true")
    parser.add_argument("--force", action="store_true", help="overwrite a report")
    given = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    require_train_extra()
    check_free(given.out, force=given.force)
    bundle = load_bundle(given.bundle)
    faces = Faces.load(given.faces, where=lambda s: s.split in ("dev", "test"))
    recordings = score_faces(bundle, faces, accept_sensor=given.accept_sensor)
    wish = Wish(given.threshold_split, given.unit, given.bpcer)
    comparisons = []
    if given.oracle or given.handmade:
        from models.comparing import compare

        comparisons = compare(given.faces, recordings, bundle, oracle=given.oracle, handmade=given.handmade)
    report = make_report(bundle, recordings, truths_of_faces(faces), wish, comparisons=comparisons)
    write_report(report, given.out)
    own = report.head.figures[wish.unit]
    log.info(
        "%s (%s data, by %s): BPCER %s, APCER worst %s (%s), pooled %s",
        given.out / "report.html",
        labelled(report.origins),
        wish.unit,
        own["bpcer"],
        own["apcer"],
        own["worst_species"],
        own["apcer_pooled"],
    )


if __name__ == "__main__":
    raise SystemExit(main())
