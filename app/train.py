"""`trilume train`: from faces to a bundle of one's own, in one command that goes on where it was stopped.

OUT.run/faces        simulated faces, or those of own recordings
OUT.run/d_net, …     see `models.making`
OUT                  the bundle, last
"""

from __future__ import annotations

import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from rich.console import Console

from app.errors import SIGNALS, Exit, Refused, say, stopped_by, worst
from app.learning import Steps, read_faces, steps
from models.datasets.faces import Split
from models.extra import TRAINING, require_train_extra
from models.manifest import Entry, read_manifest
from models.plan import Plan
from pipeline.bundle import load_bundle


@dataclass(frozen=True, slots=True)
class Origin:
    """Where the faces come from, one of: a store, a manifest of recordings (every `every`-th frame), the simulator at
    a scale of the paper's counts. `more`: further stores that M-Net also learns from. `jobs`: processes."""

    store: Path | None = None
    manifest: Path | None = None
    simulated: float | None = None
    more: tuple[Path, ...] = ()
    every: int = 5
    jobs: int = 1


def train(origin: Origin, plan: Plan, out: Path, console: Console) -> Exit:
    """Trains both nets and writes the bundle `out`.

    A damaged recording is said in one line, counts as far as it could be read, and the exit code is 3. Raises
    TrilumeError for what cannot be begun or learnt; nothing is overwritten.
    """
    require_train_extra(TRAINING, "training needs the extra")
    _check(origin, out)
    run = out.with_name(out.name + ".run")
    try:
        store, code = _faces(origin, run, console)
        _made(plan, store, run, out, origin.more, console)
    except SIGNALS as stop:
        say(f"{run}: holds what was done: give the same command to go on, or remove it")
        return stopped_by(stop)
    say(f"{run}: holds the nets as trained, their curves and what was learnt from; the bundle does not need it")
    console.print(f"{out}", markup=False, highlight=False, soft_wrap=True)
    return code


def _check(origin: Origin, out: Path) -> None:
    if out.exists():
        raise Refused(f"{out}: exists: name a new folder for the bundle")
    given = [each for each in (origin.store, origin.manifest, origin.simulated) if each is not None]
    if len(given) != 1:
        raise Refused("faces to learn from: give exactly one of --faces STORE, --manifest MINE.csv, --simulated SCALE")
    if origin.store is not None and not origin.store.is_dir():
        raise Refused(f"{origin.store}: no such store of faces: name a folder, or give --simulated SCALE")


def _faces(origin: Origin, run: Path, console: Console) -> tuple[Path, Exit]:
    """The store to learn from, filled where it is not given."""
    store = run / "faces"
    if origin.store is not None:
        return origin.store, Exit.DONE
    if origin.manifest is not None:
        _, outcomes = read_faces(_entries(origin.manifest), load_bundle(), store, origin.every, console)
        return store, worst(Exit.ENDED_EARLY if outcome.problem else Exit.DONE for outcome in outcomes)
    with steps(console) as watch:
        watch("simulating")
        _simulate(origin, store, watch)
    return store, Exit.DONE


def _entries(manifest: Path) -> tuple[Entry, ...]:
    """What is learnt from and judged; what cannot be learnt from is refused now, not after minutes of reading."""
    entries = read_manifest(manifest)
    for split in get_args(Split):
        for attack, what in ((False, "bona fide recording"), (True, "attack")):
            if not any(entry.split == split and entry.attack == attack for entry in entries):
                raise Refused(f"{manifest}: no {what} is in split {split}: nets of one's own want both in every split")
    return entries


def _simulate(origin: Origin, store: Path, watch: Steps) -> None:
    """In a process of its own: its workers end with it, whatever they were given to do."""
    command = [sys.executable, "-P", "-m", "models.datasets.simulated", "--out", str(store)]
    command += ["--scale", str(origin.simulated), "--jobs", str(origin.jobs)]
    last = ""
    # Its own session: Ctrl-C of a terminal would reach workers too, one by one; we end all of them.
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True) as process:
        assert process.stderr is not None
        try:
            for line in process.stderr:
                last = line.strip() or last
                if " shards" in line:
                    watch.tell(last)
                    done, _, whole = last.partition(" of ")
                    watch("simulating", int(done) / int(whole.split()[0]))
        except BaseException:
            with suppress(ProcessLookupError):
                process.terminate()
            raise
    if process.returncode:
        raise Refused(f"faces could not be simulated: {last}")


def _made(plan: Plan, store: Path, run: Path, out: Path, more: tuple[Path, ...], console: Console) -> None:
    from models.making import make_bundle

    with steps(console) as watch:
        make_bundle(plan, store, run, out, watch, more)
