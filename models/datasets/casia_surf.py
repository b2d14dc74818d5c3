"""CASIA-SURF (Zhang et al., CVPR 2019): masked crops of colour, depth and infrared, JPEG of 8 bits.

Two kinds of list files, with opposite labels: lists of the challenge have four columns, paths and 1 for *real*; those
of the whole data set have two, the colour path and 1 for *fake*. The columns of the paths stand in different orders
in circulation, so each path is taken for what it names itself. Folders say real or fake too; a list that contradicts
them is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from models.datasets.faces import Split
from models.datasets.items import Item, three_files
from models.errors import DatasetError

SPLITS: dict[str, Split] = {"Training": "train", "Val": "dev", "Testing": "test"}
_CUT = {"e": "eyes", "en": "eyes_nose", "enm": "eyes_nose_mouth"}
_SESSION = re.compile(r"0[1-6]_(enm|en|e)_([sb])(?=[./_]|$)")
_SUBJECT = re.compile(r"CLKJ_[A-Z]{2}\d+")
_BAND = re.compile(r"(?<![a-z])(color|depth|ir)(?![a-z])")


def items(root: Path) -> Iterator[Item]:
    """Every line of every list file (`*.txt`) under `root`; paths are relative to the list or to `root`.

    Raises DatasetError naming the line that is wrong.
    """
    for listing in sorted(root.rglob("*.txt")):
        for number, line in enumerate(listing.read_text().splitlines(), start=1):
            if line.strip():
                yield _item(root, listing, f"{listing}: line {number}", line.split())


def _item(root: Path, listing: Path, where: str, fields: list[str]) -> Item:
    if len(fields) not in (2, 4) or fields[-1] not in ("0", "1"):
        raise DatasetError(f"{where} is neither `color depth ir label` nor `color label`: check the list")
    paths = _by_band(where, fields[:-1])
    attack = (fields[-1] == "0") if len(fields) == 4 else (fields[-1] == "1")
    color = paths["color"]
    for part, fake in (("real_part", False), ("fake_part", True)):
        if part in color and fake != attack:
            raise DatasetError(f"{where}: its label contradicts {part} in the path: the list's labels are inverted")
    split = next((s for name, s in SPLITS.items() if name in Path(color).parts), None)
    if split is None:
        raise DatasetError(f"{where}: none of {', '.join(SPLITS)} in the path tells the split")
    base = listing.parent if (listing.parent / color).exists() else root
    subject, session = _SUBJECT.search(color), _SESSION.search(color)
    person = subject.group() if subject else ""
    number = re.search(r"(\d+)(?:-color)?\.\w+$", color)
    recording = str(Path(color).parent.parent) if "/color/" in color else Path(color).stem
    return Item(
        name=f"casia_surf/{color}",
        species=_species(session) if attack else "",
        flat=attack,
        subject=person,
        instrument=f"{person}/{session.group()}" if attack and person and session else "",
        split=split,
        recording=recording,
        frame=int(number.group(1)) if number and "/color/" in color else 0,
        read=three_files(base / color, base / paths["depth"], base / paths["ir"]),
    )


def _by_band(where: str, fields: list[str]) -> dict[str, str]:
    """Paths by the band that they name themselves, the last time they do; one alone gives the others."""
    named = {}
    for path in fields:
        bands = list(_BAND.finditer(path))
        if not bands:
            raise DatasetError(f"{where}: {path} names none of color, depth, ir")
        named[bands[-1].group()] = path
    if len(fields) == 1 and "color" in named:
        at = list(_BAND.finditer(fields[0]))[-1]
        named |= {band: fields[0][: at.start()] + band + fields[0][at.end() :] for band in ("depth", "ir")}
    if named.keys() != {"color", "depth", "ir"}:
        raise DatasetError(f"{where}: its paths are of {', '.join(sorted(named))}, not of color, depth and ir")
    return named


def _species(session: re.Match[str] | None) -> str:
    """The print's cut-out regions and whether it was bent; flattened validation lists do not say."""
    if session is None:
        return "cut_print"
    cut, shape = session.groups()
    return f"cut_print_{_CUT[cut]}_{'bent' if shape == 'b' else 'flat'}"
