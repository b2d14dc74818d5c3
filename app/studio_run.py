"""`trilume studio …` as tables and files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from rich.console import Console
from rich.markup import escape

from app.errors import Exit, Refused, say
from app.studio import dataset, planner, takes
from app.studio.card import few
from app.studio.data_set import DataSet, LeftOut, cell, why_left_out
from app.studio.planner import Goal, Plan
from app.studio.protocol import Progress, next_take, progress, read_protocol
from app.studio.splits import SPLITS
from app.tables import folding
from drivers.session import Labels

NOT_SAID = "–"


def _say_origin(found: list[takes.StoredTake], console: Console) -> None:
    """Which of the takes are no recordings of people."""
    counts = Counter(stored.origin for stored in found)
    words = ", ".join(f"{count} {origin.replace('_', '-')}" for origin, count in sorted(counts.items()))
    console.print(f"{len(found)} takes: {words}", markup=False, highlight=False)


def _present(folder: Path) -> list[takes.StoredTake]:
    found = takes.takes_in(folder)
    if not found:
        raise Refused(f"{folder}: holds no recordings: record some, or name another folder")
    return found


def show_takes(folder: Path, console: Console) -> Exit:
    """One row a take; those that do not count say why."""
    table = folding("take", "subject", "species", "instrument", "light", "distance", "frames", "s", "lost", "counts")
    found = _present(folder)
    for stored in found:
        reason = why_left_out(stored)
        counts = "yes" if reason is None else LeftOut(stored.path, reason).brief
        cells = (str(stored.path.relative_to(folder)), *_labelled(stored.labels), str(stored.frames),
                 f"{stored.seconds:.1f}", str(stored.lost), counts)  # fmt: skip
        table.add_row(*map(escape, cells))
    console.print(table)
    _say_origin(found, console)
    return Exit.DONE


def _labelled(labels: Labels) -> tuple[str, str, str, str, str]:
    distance = NOT_SAID if labels.distance_m is None else f"{labels.distance_m:.2f} m"
    said = (labels.subject, labels.species, labels.instrument, labels.lighting)
    subject, species, instrument, light = (text or NOT_SAID for text in said)
    return subject, species, instrument, light, distance


def mark(path: Path, quality: Literal["good", "bad", "none"]) -> Exit:
    """Marks one take. Raises NotFound, SessionError."""
    if not path.is_file():
        raise Refused(f"{path}: no such recording: check the path")
    stored = takes.mark(path, "" if quality == "none" else quality)
    say(f"{path}: {f'marked {stored.labels.quality}' if stored.labels.quality else 'mark taken away'}")
    return Exit.DONE


def show_progress(folder: Path, protocol_file: Path, console: Console) -> Exit:
    """A protocol's rows with what is done, and the next take."""
    protocol = read_protocol(protocol_file)
    found = takes.takes_in(folder) if folder.is_dir() else []
    rows = progress(protocol, found)
    table = folding("subject", "species", "instrument", "light", "distance", "done", "missing")
    for row in rows:
        table.add_row(*map(escape, _labelled(row.labels)), f"{row.done}/{row.planned.repetitions}", str(row.missing))
    console.print(table)
    wanted = sum(row.planned.repetitions for row in rows)
    console.print(f"{sum(row.done for row in rows)} of {wanted} takes", markup=False, highlight=False)
    _say_next(next_take(rows), console)
    if found:
        _say_origin(found, console)
    return Exit.DONE


def _say_next(row: Progress | None, console: Console) -> None:
    if row is None:
        console.print("the protocol is complete", markup=False)
        return
    words = ", ".join(text for text in _labelled(row.labels) if text != NOT_SAID)
    console.print(f"next: {words}. {row.planned.instruction}".rstrip(), markup=False, highlight=False)


def check_protocol(path: Path) -> Exit:
    """Raises Refused for a mistake."""
    rows = progress(read_protocol(path), [])
    say(f"{path}: {sum(row.missing for row in rows)} takes in {len(rows)} rows")
    return Exit.DONE


def report(folder: Path, changes: Mapping[str, Any], console: Console, *, force: bool) -> Exit:
    """Writes the data set's files and shows its counts. Raises Refused for a leak."""
    about = dataset.stored_about(folder)
    fixed = (folder / dataset.DATASET).exists() and changes.get("seed", about.seed) != about.seed
    if fixed:
        raise Refused(f"{folder}: was split with seed {about.seed}: another seed is for another data set")
    whole = dataset.data_set(folder, replace(about, **changes))
    written = dataset.write(whole, force=force)
    _show_counts(whole, console)
    for one in whole.left_out:
        say(f"left out: {one.path}: {one.brief}")
    say(f"{folder}: wrote {', '.join(path.name for path in written)}")
    return Exit.DONE


def _show_counts(whole: DataSet, console: Console) -> None:
    table = folding("species", "light", "distance", "takes", "subjects", "no take of")
    missing = whole.missing_subjects
    for kind in sorted({cell(stored)[1:] for stored in whole.takes}):
        own = [stored for stored in whole.takes if cell(stored)[1:] == kind]
        subjects = {stored.labels.subject for stored in own if stored.labels.subject}
        lacking = few(missing.get(kind, [])) or NOT_SAID
        table.add_row(*map(escape, kind), str(len(own)), str(len(subjects)), escape(lacking))
    console.print(table)
    splits = Counter(map(whole.split, whole.takes))
    console.print("splits: " + ", ".join(f"{name} {splits[name]}" for name in SPLITS), highlight=False)
    _say_origin(list(whole.takes), console)


def show_plan(
    folder: Path, apcer: float, confidence: float, split: str, protocol_file: Path | None, console: Console
) -> Exit:
    """What the set can prove."""
    goal = Goal(apcer, confidence)
    species = [row.species for row in read_protocol(protocol_file).take] if protocol_file else []
    _present(folder)
    whole = dataset.data_set(folder)
    chosen = [stored for stored in whole.takes if split in {"all", whole.split(stored)}]
    _show_plan(planner.plan(chosen, goal, species), console)
    _say_origin(chosen, console)
    return Exit.DONE


def _show_plan(plan: Plan, console: Console) -> None:
    goal = plan.goal
    share = f"{100 * goal.confidence:g} %"
    table = folding("species", "level", "takes", "subjects", "instruments", f"no error shows ≤ ({share})", "missing")
    for row in (*plan.species, plan.bona_fide):
        level, missing = (row.level, str(row.missing)) if row in plan.species else (NOT_SAID, NOT_SAID)
        table.add_row(escape(row.species), level, str(row.takes), str(row.subjects), str(row.instruments),
                      f"{100 * row.bound:.1f} %", missing)  # fmt: skip
    console.print(table)
    for row in plan.species:
        if row.missing:
            text = f"{row.missing} more {row.species} takes until APCER ≤ {100 * goal.apcer:g} % can be shown"
            console.print(f"{text} at {share}", markup=False, highlight=False)
    if plan.provable:
        console.print(f"APCER ≤ {100 * goal.apcer:g} % can be shown at {share} for every species here", markup=False)
    schemes = folding("scheme", "asks for", "have", "need", "")
    for one in plan.requirements:
        schemes.add_row(one.scheme, one.what, str(one.have), str(one.need), "met" if one.met else "missing")
    console.print(schemes)
    console.print(
        "Counts take every take for an independent try without an error; takes of one specimen or one person are not "
        "independent, so more of these count for more than repetitions.",
        markup=False, highlight=False,
    )  # fmt: skip
    _say_proposal(plan.proposal, console)


def _say_proposal(proposal: planner.Proposal | None, console: Console) -> None:
    if proposal is None:
        return
    distance = "" if proposal.distance_m is None else f"{proposal.distance_m:.2f} m"
    words = [proposal.species, proposal.lighting, distance, f"subject {proposal.subject}" if proposal.subject else ""]
    console.print(f"next: {', '.join(filter(None, words))}, a specimen not used yet", markup=False, highlight=False)


def export(folder: Path, out: Path) -> Exit:
    """Copies the good takes. Raises Refused where there are none or `out` holds anything."""
    copies = takes.export_good(_present(folder), out)
    say(f"{out}: {len(copies)} takes; `trilume studio report {out}` makes a data set of them")
    return Exit.DONE
