"""`trilume counterfactual`: bona fide recordings turned into attacks, as sessions with a manifest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path

from rich.console import Console

from app.calibrate import bona_fide_subject
from app.errors import Exit, Refused, worst
from app.record import Limits, record
from drivers.counterfactual import KINDS, CounterfactualSource, Kind
from drivers.open import open_source
from drivers.segments import kept
from drivers.session import Labels
from drivers.session_reader import SessionReader
from models.manifest import Entry, Origin, write_manifest


def counterfactual(recordings: Sequence[Path], kinds: Sequence[str], out: Path, seed: int, console: Console) -> Exit:
    """Writes RECORDING-KIND.mcap for every recording and kind to the new folder `out`, and a `manifest.csv` of them
    and of the recordings.

    All entries stand in split test: what was made of a recording belongs to its subject, and only who owns the
    recordings knows where that is. Of a recording that breaks off, what was good is turned; after Ctrl-C the manifest
    lists what was written until then. Raises TrilumeError; nothing is overwritten.
    """
    wanted = [kind for kind in KINDS if kind in kinds]
    if unknown := sorted(set(kinds) - set(KINDS)):
        raise Refused(f"--kinds {unknown[0]}: there are {','.join(KINDS)}")
    if out.exists():
        raise Refused(f"{out}: exists: name a new folder")
    if len({path.stem for path in recordings}) < len(recordings):
        raise Refused(f"{out}: two recordings have the same name: rename one")
    subjects = {path: bona_fide_subject(path) for path in recordings}
    out.mkdir(parents=True)
    entries: list[Entry] = []
    try:
        return _turned(subjects, wanted, out, seed, console, entries)
    finally:
        if entries:
            write_manifest(out / "manifest.csv", entries)


def _turned(
    subjects: Mapping[Path, str], kinds: Sequence[Kind], out: Path, seed: int, console: Console, entries: list[Entry]
) -> Exit:
    """Turns all recordings until a signal comes; `entries` gains what there is of them, one by one."""
    codes: list[Exit] = []
    for number, (path, subject) in enumerate(subjects.items()):
        entries.append(_original(path, subject))
        for kind in kinds:
            target = out / f"{path.stem}-{kind}.mcap"
            source = CounterfactualSource(open_source(path), kind, seed + number)
            labels = _labels(kind, subject, seed + number)
            codes.append(record(source, target, partial(lambda told: told, labels), Limits(), console))
            if (written := kept(target)).exists():
                entries.append(_entry(written, kind, labels))
            if codes[-1] in (Exit.INTERRUPTED, Exit.TERMINATED):
                return worst(codes)
    return worst(codes)


def _original(path: Path, subject: str) -> Entry:
    source = open_source(path)
    source.open()
    with closing(source):
        origin = source.info.origin
    return Entry(path, "bona_fide", "", "", subject, "test", "real" if origin == "unknown" else origin)


def _labels(kind: Kind, subject: str, seed: int) -> Labels:
    return Labels(
        subject=subject,
        species=kind,
        instrument=f"{kind}-{seed}",
        notes=f"semi_simulated: a bona fide recording changed to {kind}, seed {seed}; no such attack was presented",
    )


def _entry(path: Path, kind: Kind, labels: Labels) -> Entry:
    with SessionReader(path) as reader:
        origin: Origin = "simulated" if reader.info.origin == "simulated" else "semi_simulated"
    return Entry(path, "attack", kind, labels.instrument, labels.subject, "test", origin)
