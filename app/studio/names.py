"""File names of takes: derived from their labels, in one order, so that a folder reads like a table.

    sub-0007/ses-02/sub-0007_ses-02_species-flatprint_light-office_dist-060cm_run-03.mcap

The labels in the file count; the name is for people. Values are `[a-z0-9]+`, after BIDS (Gorgolewski et al., 2016).
"""

from __future__ import annotations

import re
import zlib
from pathlib import Path
from typing import Final

from drivers.session import Labels

UNKNOWN: Final = "unknown"
_NAME: Final = re.compile(r"sub-([a-z0-9]+)_ses-(\d+)_(?:.*_)?run-(\d+)")


def value(text: str) -> str:
    """A label as a name's value: `flat_print` → `flatprint`. What has no Latin letter or digit becomes a checksum."""
    plain = re.sub(r"[^a-z0-9]", "", text.lower())
    if plain or not text.strip():
        return plain or UNKNOWN
    return f"x{zlib.crc32(text.encode()):08x}"


def stem(labels: Labels, visit: int) -> str:
    """The name up to its run number. Light and distance that were not said are left out."""
    parts = [f"sub-{value(labels.subject)}", f"ses-{visit:02d}", f"species-{value(labels.species)}"]
    if labels.lighting:
        parts.append(f"light-{value(labels.lighting)}")
    if labels.distance_m is not None:
        parts.append(f"dist-{round(labels.distance_m * 100):03d}cm")
    return "_".join(parts)


def place(folder: Path, labels: Labels, visit: int, run: int) -> Path:
    """Where a take with these labels belongs below a data set's folder."""
    name = f"{stem(labels, visit)}_run-{run:02d}.mcap"
    return folder / f"sub-{value(labels.subject)}" / f"ses-{visit:02d}" / name


def next_place(folder: Path, labels: Labels, visit: int = 1) -> Path:
    """A name that no take on disk bears, kept, interrupted or unfinished: the highest run number and one more."""
    home = place(folder, labels, visit, 0).parent
    pattern = re.compile(re.escape(stem(labels, visit)) + r"_run-(\d+)\D")
    runs = [int(match[1]) for path in home.glob("*") if (match := pattern.match(path.name.lower()))]
    return place(folder, labels, visit, max(runs, default=0) + 1)


def continued(path: Path) -> tuple[Path, int] | None:
    """The take's first file and the number of this one, where it goes on with a take whose camera was away
    (`NAME.part2.mcap`); None for a take of its own."""
    match = re.fullmatch(r"(.+)\.part(\d+)(\.mcap)", path.name)
    return (path.with_name(match[1] + match[3]), int(match[2])) if match else None


def subject_in(path: Path) -> str | None:
    """The subject's value in a file's name, for files whose labels cannot be read; None where it has none."""
    match = re.match(r"sub-([a-z0-9]+)_", path.name.lower())
    return match[1] if match else None


def visit_in(path: Path) -> int:
    """The visit in a file's name; 1 where it has none."""
    match = _NAME.match(path.name.lower())
    return int(match[2]) if match else 1


def fits(path: Path, labels: Labels) -> bool:
    """Whether a file's name says what its labels say, whatever its run number and ending."""
    return re.match(re.escape(stem(labels, visit_in(path))) + r"_run-\d+\D", path.name.lower()) is not None
