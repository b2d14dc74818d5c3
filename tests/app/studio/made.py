"""Takes as they stand on disk, without files; and small files of a drawn face."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from app.studio import names
from app.studio.takes import StoredTake
from drivers.session import Labels
from tests.app.scene import frames, record

SETS = frames(6)


def stored(path: str = "a.mcap", **changes: Any) -> StoredTake:
    """A sound simulated take; labels by keyword, the take's own fields too."""
    own = {key: changes.pop(key) for key in list(changes) if key in StoredTake.__dataclass_fields__ and key != "labels"}
    fields: dict[str, Any] = {
        "frames": 60, "seconds": 4.0, "lost": 0, "bytes": 1000, "recorded": datetime(2026, 1, 1, tzinfo=UTC),
        "state": "sound", "sensor": "sim-astra", "origin": "simulated",
    }  # fmt: skip
    return StoredTake(path=Path(path), labels=Labels(**changes), **{**fields, **own})


def write(folder: Path, visit: int = 1, **labels: Any) -> Path:
    """A take of six drawn frame sets under its derived name."""
    path = names.next_place(folder, Labels(**labels), visit)
    path.parent.mkdir(parents=True, exist_ok=True)
    return record(path, SETS, **labels)


def small_set(folder: Path) -> list[Path]:
    """Three subjects, live and with a print each; one mask."""
    paths = []
    for who in ("0001", "0002", "0003"):
        common: dict[str, Any] = {"subject": who, "lighting": "office", "distance_m": 0.6}
        paths.append(write(folder, species="bona_fide", **common))
        paths.append(write(folder, species="flat_print", instrument=f"print-{who}", **common))
    return [*paths, write(folder, subject="0001", species="silicone_mask", instrument="m1", lighting="dim")]
