"""`trilume finetune`: a bundle adapted to a site or a camera from its own recordings."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import Progress

from app.errors import SIGNALS, Exit, Refused, say, stopped_by
from app.learning import read_faces
from app.tables import folding
from models.datasets.faces import Faces
from models.extra import TRAINING, require_train_extra
from models.manifest import Entry, read_manifest
from pipeline.bundle import Bundle, load_bundle

if TYPE_CHECKING:
    from models.adapting import Adapted


def finetune(
    manifest: Path,
    out: Path,
    bundle_path: Path | None,
    minutes: float,
    rehearsal: Path | None,
    *,
    every: int,
    console: Console,
) -> Exit:
    """Adapts a bundle to the recordings of a manifest and writes the new one to `out`, with figures before and after.

    Faces of the recordings lie in `OUT.faces` until the bundle is written: a run that was stopped goes on with them. A
    damaged recording is said in one line, counts as far as it could be read, and the exit code is 3. Raises
    TrilumeError; nothing is overwritten.
    """
    require_train_extra(TRAINING, "fine-tuning needs the extra")
    if out.exists():
        raise Refused(f"{out}: exists: name a new folder for the bundle")
    entries = _entries(manifest)
    bundle = load_bundle(bundle_path)
    _check_trainable(bundle)
    old = None if rehearsal is None else Faces.load(rehearsal)
    store = out.with_name(out.name + ".faces")
    try:
        own, outcomes = read_faces(entries, bundle, store, every, console)
        adapted = _adapted(bundle, own, old, out, minutes, console)
    except SIGNALS as stop:
        say(f"{store}: holds the faces of your recordings: give the same command to go on, or remove it")
        return stopped_by(stop)
    shutil.rmtree(store)
    for line in adapted.lines:
        say(line)
    _show(adapted, console)
    return Exit.ENDED_EARLY if any(outcome.problem for outcome in outcomes) else Exit.DONE


def _entries(manifest: Path) -> tuple[Entry, ...]:
    """What is learnt from and judged; what cannot be learnt from is refused now, not after minutes of reading."""
    entries = read_manifest(manifest)
    train = [entry for entry in entries if entry.split == "train"]
    if not any(entry.attack for entry in train):
        raise Refused(
            f"{manifest}: no attack is in split train: of living faces alone nets learn that everybody is one; "
            "`trilume calibrate threshold` sets thresholds from them, `trilume counterfactual` makes "
            "attacks of them (move some of its manifest to split train)"
        )
    if all(entry.attack for entry in train):
        raise Refused(f"{manifest}: no bona fide recording is in split train: add living people of the site")
    return entries


def _check_trainable(bundle: Bundle) -> None:
    from models.bundling import TrainedNets

    TrainedNets.of_bundle(bundle.path)


def _adapted(bundle: Bundle, own: Faces, old: Faces | None, out: Path, minutes: float, console: Console) -> Adapted:
    from models.adapting import Adaptation, adapt_bundle

    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        bar = progress.add_task("learning", total=1.0)
        recipe = Adaptation(minutes=minutes)
        return adapt_bundle(bundle, own, old, out, recipe, lambda share: progress.update(bar, completed=share))


def _show(adapted: Adapted, console: Console) -> None:
    if adapted.rows:
        table = folding("data", "figure", "before", "after", title="single frames")
        for row in adapted.rows:
            table.add_row(row.data, row.figure, row.before, row.after)
        console.print(table)
    else:
        say("the manifest has no recording in split test: no figure says how good the new bundle is")
    console.print(f"{adapted.path}", markup=False, highlight=False, soft_wrap=True)
