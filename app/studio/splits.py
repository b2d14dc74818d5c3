"""Splits without leaks: disjoint by subject and by attack instrument, stable under additions.

Takes that share a subject or an instrument hang together and go to one split. The split of what is new follows from a
hash of its ids and the seed; what was assigned before stays as `splits.json` says.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final, cast

from app.errors import Refused
from app.studio.takes import StoredTake
from models.datasets.faces import Split

SPLITS: Final[tuple[Split, ...]] = ("train", "dev", "test")
SPLIT_FILE: Final = "splits.json"


def ids(stored: StoredTake) -> tuple[str, ...]:
    """What must not stand in two splits: a take's subject and, of an attack, its instrument."""
    labels = stored.labels
    instrument = labels.instrument if stored.attack else ""
    return tuple(f"{kind}:{who}" for kind, who in (("subject", labels.subject), ("instrument", instrument)) if who)


def hashed_split(identity: str, seed: int, shares: Sequence[float]) -> Split:
    """The split of an id: its SHA-256 with the seed as a number in [0, 1), against the shares."""
    digest = hashlib.sha256(f"{seed}:{identity}".encode()).digest()
    at = int.from_bytes(digest[:8], "big") / 2**64 * sum(shares)
    return "train" if at < shares[0] else "dev" if at < shares[0] + shares[1] else "test"


def groups_of(takes: Iterable[StoredTake]) -> list[list[str]]:
    """Ids that hang together because a take bears both; sorted, and independent of the takes' order."""
    parents: dict[str, str] = {}

    def root(identity: str) -> str:
        while parents.setdefault(identity, identity) != identity:
            parents[identity] = parents[parents[identity]]
            identity = parents[identity]
        return identity

    for stored in takes:
        first, *others = ids(stored)
        root(first)
        for other in others:
            parents[root(other)] = root(first)
    groups: dict[str, list[str]] = {}
    for identity in sorted(parents):
        groups.setdefault(root(identity), []).append(identity)
    return sorted(groups.values())


def assigned(
    takes: Sequence[StoredTake], stored: Mapping[str, Split], seed: int, shares: Sequence[float]
) -> dict[str, Split]:
    """A split for every id, those stored before unchanged, also of ids that have no takes at present.

    Raises Refused, with the ids and takes, where takes tie together what is in two splits already.
    """
    splits = dict(stored)
    for group in groups_of(takes):
        homes = {splits[identity]: identity for identity in group if identity in splits}
        if len(homes) > 1:
            raise Refused(_leak(group, splits, takes))
        home = next(iter(homes), None) or hashed_split(min(group), seed, shares)
        splits.update(dict.fromkeys(group, home))
    return splits


def _leak(group: Sequence[str], splits: Mapping[str, Split], takes: Sequence[StoredTake]) -> str:
    known = [f"{identity.replace(':', ' ')} ({splits[identity]})" for identity in group if identity in splits]
    ties = [
        str(stored.path)
        for stored in takes
        if set(ids(stored)) & set(group)
        and len({splits[identity] for identity in ids(stored) if identity in splits}) != 1
    ]
    return (
        f"splits leak: {', '.join(known)} are tied together by {', '.join(ties[:3])}"
        f"{f' and {len(ties) - 3} more' if len(ties) > 3 else ''}: mark one side bad, correct its labels, "
        f"or delete {SPLIT_FILE} to split anew"
    )


def stored_splits(folder: Path) -> dict[str, Split]:
    """Assignments of the last report. Raises Refused where the file is damaged."""
    path = folder / SPLIT_FILE
    if not path.exists():
        return {}
    try:
        splits = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(splits, dict) or not set(splits.values()) <= set(SPLITS):
            raise ValueError(f"ids must map to {', '.join(SPLITS)}")
    except (OSError, ValueError, TypeError) as error:
        raise Refused(f"{path}: is not a table of splits ({error}): restore it, or delete it to split anew") from error
    return cast(dict[str, Split], splits)
