"""Manifest: the list of recordings that `evaluate`, `train` and `finetune` work on, one CSV line each.

    path,label,species,instrument,subject,split,origin[,further columns]

`label` bona_fide | attack, `split` train | dev | test, `origin` real | simulated | semi_simulated; paths relative to
the manifest. Any further column (`light`, `skin_type`, …) is a key by which figures are broken down. The shorter form
`path,label,species,subject,split` is read too: instruments unknown, origin real.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast, get_args

from models.datasets.faces import Label, Split
from models.errors import DatasetError

Origin = Literal["real", "simulated", "semi_simulated"]

COLUMNS = ("path", "label", "species", "instrument", "subject", "split", "origin")
_OPTIONAL = {"instrument": "", "origin": "real"}
BONA_FIDE = "bona_fide"


@dataclass(frozen=True, slots=True)
class Entry:
    """One recording. `path` can be opened from the working directory; `species` is "" for bona fide.

    `extra` holds further columns as (name, value), in the manifest's order.
    """

    path: Path
    label: Label
    species: str
    instrument: str
    subject: str
    split: Split
    origin: Origin
    extra: tuple[tuple[str, str], ...] = ()

    @property
    def attack(self) -> bool:
        return self.label == "attack"


def read_manifest(path: Path) -> tuple[Entry, ...]:
    """The recordings of a manifest, in its order.

    Raises DatasetError, with the line, for: a column that is missing; an unknown label, split or origin; an attack
    without a species; a recording that does not exist or stands twice; a subject or an instrument in two splits.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            extras = _extra_columns(path, reader.fieldnames)
            numbered = [(reader.line_num, row) for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = getattr(error, "strerror", None) or error
        raise DatasetError(
            f"{path}: cannot be read as CSV ({reason}): name a manifest with {','.join(COLUMNS)}"
        ) from error
    entries = [(number, _entry(path, number, row, extras)) for number, row in numbered]
    if not entries:
        raise DatasetError(f"{path}: lists no recordings: add a line for each")
    _check_unique(path, entries)
    _check_disjoint(path, entries)
    return tuple(entry for _, entry in entries)


def write_manifest(path: Path, entries: Iterable[Entry]) -> None:
    """Writes a manifest that `read_manifest` gives back; paths become relative to it. Overwrites."""
    rows = list(entries)
    extras = list(dict.fromkeys(name for entry in rows for name, _ in entry.extra))
    part = path.with_name(path.name + ".part")
    with part.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, [*COLUMNS, *extras], lineterminator="\n", restval="")
        writer.writeheader()
        for entry in rows:
            fixed = {name: getattr(entry, name) for name in COLUMNS}
            fixed["path"] = Path(os.path.relpath(entry.path, path.parent)).as_posix()
            writer.writerow(fixed | dict(entry.extra))
    part.replace(path)


def _extra_columns(path: Path, names: Sequence[str] | None) -> list[str]:
    names = list(names or ())
    missing = [name for name in COLUMNS if name not in names and name not in _OPTIONAL]
    if missing:
        raise DatasetError(f"{path}: line 1: no column {', '.join(missing)}: the header is {','.join(COLUMNS)}")
    if len(set(names)) != len(names):
        raise DatasetError(f"{path}: line 1: a column stands twice: give each its own name")
    return [name for name in names if name not in COLUMNS]


def _entry(manifest: Path, number: int, row: Mapping[str, str | None], extras: Sequence[str]) -> Entry:
    where = f"{manifest}: line {number}"
    if None in row or None in row.values():
        raise DatasetError(f"{where}: has more or fewer fields than the header: quote commas, fill in what is missing")
    cells = _OPTIONAL | {name: (value or "").strip() for name, value in row.items()}
    for name, kind in (("label", Label), ("split", Split), ("origin", Origin)):
        if cells[name] not in get_args(kind):
            raise DatasetError(f"{where}: {name} is {cells[name]!r}: write one of {', '.join(get_args(kind))}")
    target = manifest.parent / cells["path"]
    if not cells["path"] or not target.exists():
        raise DatasetError(f"{where}: no recording {cells['path']!r}: paths are relative to the manifest")
    return Entry(
        path=target,
        label=cast(Label, cells["label"]),
        species=_species(where, cells),
        instrument=cells["instrument"],
        subject=cells["subject"],
        split=cast(Split, cells["split"]),
        origin=cast(Origin, cells["origin"]),
        extra=tuple((name, cells[name]) for name in extras),
    )


def _species(where: str, cells: Mapping[str, str]) -> str:
    """A bona fide presentation has no species; recordings label it `bona_fide`, which is taken as none."""
    species = cells["species"]
    if cells["label"] == "attack":
        if species in {"", BONA_FIDE}:
            raise DatasetError(f"{where}: an attack of species {species!r}: name its kind, such as flat_print")
        return species
    if species not in {"", BONA_FIDE}:
        raise DatasetError(f"{where}: bona fide with the species {species!r}: leave it empty, or label it attack")
    return ""


def _check_unique(manifest: Path, entries: Sequence[tuple[int, Entry]]) -> None:
    first: dict[Path, int] = {}
    for number, entry in entries:
        before = first.setdefault(entry.path.resolve(), number)
        if before != number:
            raise DatasetError(f"{manifest}: line {number}: {entry.path} stands in line {before} already: remove one")


def _check_disjoint(manifest: Path, entries: Sequence[tuple[int, Entry]]) -> None:
    homes: dict[tuple[str, str], tuple[str, int]] = {}
    for number, entry in entries:
        for kind, who in (("subject", entry.subject), ("instrument", entry.instrument)):
            split, line = homes.setdefault((kind, who), (entry.split, number)) if who else (entry.split, number)
            if split != entry.split:
                raise DatasetError(
                    f"{manifest}: line {number}: {kind} {who} is in split {entry.split}, in line {line} in {split}: "
                    "each belongs to one split only"
                )
