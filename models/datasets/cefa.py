"""CASIA-SURF CeFA (Liu et al., WACV 2021): three ethnicities, 2-D attacks, and masks that are for testing only.

The label comes from the attack code in a recording's name, never from a list: lists of the challenge and of the whole
data set count it the opposite way. A challenge list gives the split, where there is one; else the protocol of the
paper does, 200, 100 and 200 people of each ethnicity.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from models.datasets.faces import Split
from models.datasets.items import Item, three_files
from models.errors import DatasetError

PAI = {"1": "", "2": "cloth_print", "3": "photo_print", "4": "screen_replay"}
MASKS = {"3D-Mask": "rigid_mask", "Silicone-Mask": "silicone_mask"}
LISTS: dict[str, Split] = {"train": "train", "dev": "dev", "test": "test"}
MASK_SPLIT: Split = "test"
TRAIN_PEOPLE, DEV_PEOPLE = 200, 300


def items(root: Path) -> Iterator[Item]:
    """Every frame of colour, depth and infrared under `root`. Raises DatasetError for names of another form."""
    lists = _lists(root)
    for color in sorted(root.rglob("*.jpg")):
        if color.parent.name in ("color", "profile"):
            yield _item(root, color, lists)


def _lists(root: Path) -> dict[str, Split]:
    """Split by recording folder from `4@1_train.txt` and its like; only the first protocol present is read."""
    found: dict[str, Split] = {}
    first = sorted(root.glob("4@?_*.txt"))
    for listing in (p for p in first if p.name[:3] == first[0].name[:3]):
        split = LISTS[listing.stem.split("_")[1]]
        for line in listing.read_text().split("\n"):
            parts = Path(line.split()[0]).parts if line.strip() else ()
            folder = next((part for part in parts if part.count("_") == 4), "")
            if folder and found.setdefault(folder, split) != split:
                raise DatasetError(f"{listing}: {folder} stands in splits {found[folder]} and {split}")
    return found


def _item(root: Path, color: Path, lists: dict[str, Split]) -> Item:
    recording = color.parent.parent
    fields = recording.name.split("_")
    mask = next((name for folder, name in MASKS.items() if folder in color.parts), "")
    person = recording.parent.name
    species, split = mask, MASK_SPLIT
    if not mask and len(fields) == 5 and fields[-1] in PAI:
        species, split = PAI[fields[-1]], lists.get(recording.name) or _protocol(person)
    elif not mask:
        raise DatasetError(f"{recording}: not `R_ID_Dev_Sess_PAI` with a PAI of {', '.join(PAI)}")
    name = color.relative_to(root)
    return Item(
        name=f"cefa/{name}",
        species=species,
        flat=bool(species) and not mask,
        subject="" if mask else person,  # a mask's ID is the mask's, whoever wears it
        instrument=f"{mask}/{person}" if mask else (f"{person}/{species}" if species else ""),
        split=split,
        recording=str(recording.relative_to(root)),
        frame=int(color.stem),
        read=three_files(color, *(recording / band / color.name for band in ("depth", "ir"))),
    )


def _protocol(person: str) -> Split:
    number = person.rpartition("-")[2]
    if not number.isdigit():
        raise DatasetError(f"{person}: a person's folder is called like AF-000")
    return "train" if int(number) <= TRAIN_PEOPLE else "dev" if int(number) <= DEV_PEOPLE else "test"
