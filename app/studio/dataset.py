"""A folder of takes as a data set: counts, splits without leaks, tables, checksums, a card. All rebuilt from the files.

Splits: `app.studio.splits`. The tables are for other tools and may be deleted; `splits.json` may not.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from app.errors import Refused
from app.outputs import whole_file
from app.studio.card import card
from app.studio.data_set import About, DataSet, LeftOut, cell, why_left_out
from app.studio.names import visit_in
from app.studio.splits import SPLIT_FILE, assigned, ids, stored_splits
from app.studio.takes import StoredTake, takes_in
from models.manifest import Entry, write_manifest

DATASET, MANIFEST, CARD, SUMS = "dataset.json", "manifest.csv", "DATASET.md", "SHA256SUMS"
SUBJECTS, SESSIONS = "subjects.tsv", "sessions.tsv"
WRITTEN: Final = (DATASET, SPLIT_FILE, MANIFEST, CARD, SUBJECTS, SESSIONS, SUMS)

# Building -------------------------------------------------------------------------------------------


def stored_about(folder: Path) -> About:
    """What the folder's last report was told. Raises Refused where that file is not ours or damaged."""
    path = folder / DATASET
    if not path.exists():
        return About()
    try:
        about = json.loads(path.read_text(encoding="utf-8"))["about"]
        return About(**{**about, "shares": tuple(about["shares"])})
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Refused(f"{path}: is not a data set's description ({error}): move it away") from error


def data_set(folder: Path, about: About | None = None) -> DataSet:
    """Sorts out a folder's takes; writes nothing. Raises Refused for a leak."""
    about = stored_about(folder) if about is None else about
    reasons = [(stored, why_left_out(stored)) for stored in takes_in(folder)]
    takes = tuple(stored for stored, reason in reasons if reason is None)
    left_out = tuple(LeftOut(stored.path, reason) for stored, reason in reasons if reason is not None)
    return DataSet(folder, about, takes, left_out, assigned(takes, stored_splits(folder), about.seed, about.shares))


def write(whole: DataSet, *, force: bool = False) -> list[Path]:
    """Writes the set's files beside its recordings and returns them; those of an earlier report are replaced.

    Raises Refused where there are no takes, or where such names stand in a folder that has no `dataset.json`.
    """
    folder = whole.folder
    if not whole.takes:
        raise Refused(f"{folder}: holds no take that counts: record some, or see why not with `trilume studio takes`")
    taken = [name for name in WRITTEN if (folder / name).exists()]
    if taken and DATASET not in taken and not force:
        raise Refused(f"{folder / taken[0]}: is not of an earlier report: move it, or overwrite it with --force")
    _put(folder / SPLIT_FILE, json.dumps(dict(sorted(whole.splits.items())), indent=1, ensure_ascii=False) + "\n")
    write_manifest(folder / MANIFEST, [entry(whole, stored) for stored in whole.takes])
    _put(folder / SUBJECTS, _table(_subject_rows(whole)))
    _put(folder / SESSIONS, _table(_session_rows(whole)))
    _put(folder / CARD, card(whole))
    _put(folder / DATASET, json.dumps(description(whole), indent=1, ensure_ascii=False) + "\n")
    files = [folder / name for name in WRITTEN if name != SUMS]
    _put(folder / SUMS, checksums(folder, [*(stored.path for stored in whole.takes), *files]))
    return [*files, folder / SUMS]


def rebuild(folder: Path) -> None:
    """Brings a folder's written files up to date after takes were removed; without takes they go too.

    A folder that never had a report gets none. Ids that have no take any more leave the splits too.
    """
    if not (folder / DATASET).exists():
        return
    whole = data_set(folder)
    if not whole.takes:
        for name in WRITTEN:
            (folder / name).unlink(missing_ok=True)
        return
    present = {identity for stored in takes_in(folder) for identity in ids(stored)}
    kept = {identity: split for identity, split in whole.splits.items() if identity in present}
    write(DataSet(folder, whole.about, whole.takes, whole.left_out, kept))


def _put(path: Path, text: str) -> None:
    with whole_file(path) as file:
        file.write(text)


def entry(whole: DataSet, stored: StoredTake) -> Entry:
    """A take as a line of the manifest, with light and distance as further columns."""
    labels = stored.labels
    _, _, light, distance = cell(stored)
    assert stored.origin != "unknown", "why_left_out leaves these out"
    return Entry(
        path=stored.path,
        label="attack" if stored.attack else "bona_fide",
        species=labels.species if stored.attack else "",
        instrument=labels.instrument if stored.attack else "",
        subject=labels.subject,
        split=whole.split(stored),
        origin=stored.origin,
        extra=(("light", light), ("distance", distance)),
    )


def checksums(folder: Path, paths: Iterable[Path]) -> str:
    """Lines that `sha256sum -c` takes, sorted by name."""
    lines = []
    for path in sorted(paths):
        with path.open("rb") as file:
            lines.append(f"{hashlib.file_digest(file, 'sha256').hexdigest()}  {path.relative_to(folder).as_posix()}\n")
    return "".join(lines)


def _table(rows: Sequence[Mapping[str, object]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), delimiter="\t", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _subject_rows(whole: DataSet) -> list[dict[str, object]]:
    subjects = sorted({stored.labels.subject for stored in whole.takes})
    rows: list[dict[str, object]] = []
    for subject in subjects:
        own = [stored for stored in whole.takes if stored.labels.subject == subject]
        rows.append(
            {
                "subject": subject,
                "split": whole.splits.get(f"subject:{subject}", "by instrument"),
                "bona_fide": sum(not stored.attack for stored in own),
                "attack": sum(stored.attack for stored in own),
                "consent": "; ".join(sorted({stored.labels.consent for stored in own if stored.labels.consent})),
            }
        )
    return rows


def _session_rows(whole: DataSet) -> list[dict[str, object]]:
    return [
        {
            "path": stored.path.relative_to(whole.folder).as_posix(),
            "visit": visit_in(stored.path),
            **stored.labels.model_dump(exclude={"notes", "quality"}),
            "distance_m": stored.labels.distance_m or "",
            "split": whole.split(stored),
            "frames": stored.frames,
            "seconds": f"{stored.seconds:.2f}",
            "lost": stored.lost,
            "sensor": stored.sensor,
            "origin": stored.origin,
        }
        for stored in whole.takes
    ]


def description(whole: DataSet) -> dict[str, Any]:
    """`dataset.json`: what the card says, for programs."""
    return {
        "format": 1,
        "about": asdict(whole.about),
        "origins": whole.origins,
        "takes": len(whole.takes),
        "subjects": len({stored.labels.subject for stored in whole.takes if stored.labels.subject}),
        "instruments": len({stored.labels.instrument for stored in whole.takes if stored.attack}),
        "species": dict(sorted(Counter(stored.labels.species for stored in whole.takes).items())),
        "splits": dict(sorted(Counter(map(whole.split, whole.takes)).items())),
        "cells": [
            dict(zip(("subject", "species", "light", "distance", "takes"), (*where, count), strict=True))
            for where, count in sorted(whole.counts.items())
        ],
        "missing": [dict(zip(("subject", "species", "light", "distance"), row, strict=True)) for row in whole.missing],
        "left_out": [
            {"path": one.path.relative_to(whole.folder).as_posix(), "reason": one.brief} for one in whole.left_out
        ],
    }
