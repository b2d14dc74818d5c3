"""`sessions relabel | delete | expire`: what is said of recordings, and which may not be kept."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from app.errors import Exit, Refused, say
from app.studio import dataset, takes
from drivers.session import Labels


def relabel(path: Path, assignments: Sequence[str], folder: Path | None, console: Console) -> Exit:
    """Amends labels of one recording from `name=value`; renames it only where `folder` is given."""
    stored = takes.relabel(path, _changes(assignments))
    for name, value in stored.labels.model_dump().items():
        if value not in {"", None}:
            console.print(f"{name}: {value}", markup=False, highlight=False, soft_wrap=True)
    if folder is not None:
        console.print(f"{takes.rename(folder, path)}", markup=False, highlight=False, soft_wrap=True)
    elif not stored.name_fits:
        say(f"{path}: its name no longer says what its labels say; --rename FOLDER gives it the derived one")
    return Exit.DONE


def _changes(assignments: Sequence[str]) -> dict[str, Any]:
    """`name=value` pairs; an empty value takes a label away. Raises Refused."""
    changes: dict[str, Any] = {}
    for text in assignments:
        name, equals, value = text.partition("=")
        if not equals or name not in Labels.model_fields:
            raise Refused(f"{text!r}: is no label: write name=value with one of {', '.join(Labels.model_fields)}")
        changes[name] = None if name == "distance_m" and not value else value
    if not changes:
        raise Refused("no label to change: write name=value, such as lighting=office")
    return changes


def delete(folder: Path, subject: str, console: Console, *, yes: bool) -> Exit:
    """Removes every recording of a subject, and the subject from the tables of the data set."""
    if not subject:
        raise Refused("which subject: give --subject with the pseudonym of the labels")
    found = takes.of_subject(folder, subject)
    if not found:
        raise Refused(f"{folder}: holds no recording of subject {subject!r}: see `trilume sessions list {folder}`")
    code = _remove(folder, found, console, yes=yes)
    unread = [stored for stored in takes.takes_in(folder) if stored.trouble and not stored.labels.subject]
    for stored in unread:
        say(f"{stored.path}: its labels cannot be read: see for yourself whether it shows {subject}")
    return code if not unread else Exit.ENDED_EARLY


def expire(folder: Path, days: float, console: Console, *, yes: bool) -> Exit:
    """Removes every recording whose file is older than so many days."""
    found = takes.older_than(folder, days)
    if not found:
        say(f"{folder}: holds nothing older than {days:g} days")
        return Exit.DONE
    return _remove(folder, found, console, yes=yes)


def _remove(folder: Path, found: Sequence[takes.StoredTake], console: Console, *, yes: bool) -> Exit:
    """Shows what would go; removes it, and rebuilds the data set's files, only where that was confirmed."""
    for stored in found:
        console.print(f"{stored.path}", markup=False, highlight=False, soft_wrap=True)
    megabytes = sum(stored.bytes for stored in found) / 1e6
    if not yes:
        raise Refused(f"{len(found)} recordings, {megabytes:.1f} MB, would be deleted for good: repeat with --yes")
    takes.delete(found)
    dataset.rebuild(folder)
    say(f"{folder}: {len(found)} recordings, {megabytes:.1f} MB, deleted; copies elsewhere are yours to find")
    return Exit.DONE
