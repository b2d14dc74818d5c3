"""An operator who works through a whole protocol of takes, and what is then on the disk.

    python -P -m tests.bench.operator --takes 50

A script fills in the studio's form, presses R and waits, take after take, before a camera whose simulated frame sets
are held in memory; each take is of the species that the protocol asks for. Then every property that a data set must
have is checked from the files alone: a line for each, exit code 1 where one does not hold.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice, pairwise
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import numpy as np
from PySide6.QtWidgets import QApplication

from app.__main__ import main as trilume
from app.kiosk import theme
from app.kiosk.studio_view import Step
from app.settings import Settings
from app.studio.takes import StoredTake, takes_in
from drivers.frames import FrameSet
from drivers.session import Labels, SessionReader
from drivers.simulated.camera import SimulatedCamera
from drivers.source import frames_of
from models.errors import DatasetError
from models.manifest import read_manifest
from tests.bench.desk import Desk, desk
from tests.bench.held_camera import HeldCamera, Socket

SPECIES = ("bona_fide", "flat_print", "bona_fide", "screen_replay", "bona_fide", "silicone_mask")
TAKES_OF_A_SUBJECT = 10
SETS = 6  # rendered of each species
OPERATOR, CONSENT = "kl", "C-17"


@dataclass(frozen=True, slots=True)
class Made:
    """A take as the operator meant it, and what was to be seen meanwhile: numbers of the camera, first and last."""

    labels: Labels
    began: int
    ended: int
    frames: int


class Stage(HeldCamera):
    """A camera before which the operator places living people and attacks; what it delivered is kept by number."""

    def __init__(self, fps: float) -> None:
        scenes = {species: list(rendered(species)) for species in dict.fromkeys(SPECIES)}
        first = scenes[SPECIES[0]][0]
        same_camera = {name: [replace(one, rig=first.rig) for one in sets] for name, sets in scenes.items()}
        super().__init__(same_camera[SPECIES[0]], SimulatedCamera("live").info, fps)
        self.scenes = {name: (*sets, *sets[-2:0:-1]) for name, sets in same_camera.items()}
        self.delivered: dict[int, bytes] = {}

    def place(self, species: str) -> None:
        """From the next set on."""
        self.ring = self.scenes[species]

    def read(self, timeout_s: float) -> FrameSet:
        frame_set = super().read(timeout_s)
        self.delivered[frame_set.sequence] = fingerprint(frame_set)
        return frame_set


def rendered(species: str) -> Iterator[FrameSet]:
    """A few sets of the simulated camera."""
    camera = SimulatedCamera("live" if species == "bona_fide" else species, seed=9001, seconds=2.0, fps=15.0)
    return islice(frames_of(camera), SETS)


def fingerprint(frame_set: FrameSet) -> bytes:
    """Of all pixels; on the camera's thread, and so of every fourth row only."""
    digest = hashlib.blake2b(digest_size=8)
    for image in (frame_set.color, frame_set.depth, frame_set.infrared):
        if image is not None:
            digest.update(np.ascontiguousarray(image.pixels[::4]))
    return digest.digest()


# The work -------------------------------------------------------------------------------------------


def protocol_of(takes: int, seconds: float) -> str:
    """So many takes as CSV, ten of each subject; the specimen of an attack is left to the operator."""
    rows = [
        {
            "species": SPECIES[number % len(SPECIES)],
            "subject": f"{number // TAKES_OF_A_SUBJECT + 1:04d}",
            "lighting": ("office", "dim")[number % 2],
            "distance_m": ("0.45", "0.6", "0.8")[number % 3],
            "seconds": f"{seconds:g}",
        }
        for number in range(takes)
    ]
    lines = [",".join(rows[0]), *(",".join(row.values()) for row in rows)]
    return "\n".join(lines) + "\n"


def work(at: Desk, stage: Stage, protocol: Path) -> list[Made]:
    """All takes back to back."""
    at.choose_camera()
    at.show_studio()
    at.type(at.studio.form.operator, OPERATOR)
    at.type(at.studio.form.consent, CONSENT)
    at.studio.open_protocol(protocol)
    made = []
    with protocol.open(newline="") as file:
        for row in csv.DictReader(file):
            made.append(one_take(at, stage, row))
            at.until(lambda: at.studio.protocol.done[0] == len(made), 30.0)
            print(f"\r{len(made)} takes", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return made


def one_take(at: Desk, stage: Stage, row: dict[str, str]) -> Made:
    """The protocol has filled in the form; an attack's specimen is typed, then R, and the take ends by itself."""
    species, subject = row["species"], row["subject"]
    instrument = "" if species == "bona_fide" else f"{species.replace('_', '-')}-{subject}"
    if instrument:
        at.type(at.studio.form.instrument, instrument)
    stage.place(species)
    before = max(stage.delivered, default=0)
    at.until(lambda: max(stage.delivered) > before + 1)  # what was there before is out of the camera
    began = max(stage.delivered)
    at.begin()
    at.until(lambda: at.studio.step is Step.IDLE, 60.0)
    take = at.run.take
    assert take is not None
    assert take.error is None, take.error
    labels = Labels(subject=subject, species=species, instrument=instrument, lighting=row["lighting"],
                    distance_m=float(row["distance_m"]), operator=OPERATOR, consent=CONSENT)  # fmt: skip
    return Made(labels, began, max(stage.delivered), take.frames)


# What must hold -------------------------------------------------------------------------------------


def properties(at: Desk, stage: Stage, made: list[Made], reported: float) -> Iterator[tuple[str, list[str]]]:
    """Each property with what speaks against it."""
    folder = at.folder
    stored = sorted(takes_in(folder), key=lambda take: take.recorded)
    yield f"{len(made)} takes were made and {len(stored)} are on disk", _counts(made, stored)
    yield "every file is sound (trilume sessions check)", _unsound(stored)
    yield (
        "every label is as the operator meant it, and the name says the same",
        [
            f"{take.path.name}: {take.labels}"
            for take, meant in zip(stored, made, strict=False)
            if take.labels != meant.labels or not take.name_fits
        ],
    )
    sets = sum(take.frames for take in stored)
    yield (
        f"nothing is lost: all {sets} sets between the first and the last of each take, as they were seen",
        [problem for take, meant in zip(stored, made, strict=False) for problem in _lost(take, meant, stage)],
    )
    done = at.studio.protocol.done
    yield "the protocol is complete", [] if done == (len(made), len(made)) else [f"{done[0]} of {done[1]}"]
    yield f"the manifest lists every take once and as labelled ({reported:.1f} s)", _manifest(folder, stored)
    yield "no subject and no instrument stands in two splits", _leaks(folder)
    yield "checksums are those of the files", _wrong_sums(folder)


def _counts(made: list[Made], stored: list[StoredTake]) -> list[str]:
    if len(made) != len(stored):
        return [f"{len(stored)} of {len(made)}"]
    return [
        f"{take.path.name}: {take.frames} sets, the studio said {meant.frames}"
        for take, meant in zip(stored, made, strict=True)
        if take.frames != meant.frames or not take.counts
    ]


def _unsound(stored: list[StoredTake]) -> list[str]:
    """By the command that users have; its words go where ours go."""
    out = sys.stdout
    sys.stdout = sys.stderr
    try:
        code = trilume(["sessions", "check", *(str(take.path) for take in stored)])
    finally:
        sys.stdout = out
    return [] if code == 0 else [f"exit code {code}"]


def _lost(take: StoredTake, meant: Made, stage: Stage) -> list[str]:
    """Numbers go on without a gap but for sets that the camera never delivered, and every picture is what it showed."""
    with SessionReader(take.path) as reader:
        sets = [reader.frame(number) for number in range(len(reader))]
    numbers = [frame_set.sequence for frame_set in sets]
    between = [n for a, b in pairwise(numbers) for n in range(a + 1, b) if n in stage.delivered]
    wrong = [n for n, one in zip(numbers, sets, strict=True) if fingerprint(one) != stage.delivered[n]]
    of_another = [n for n in numbers if not meant.began <= n <= meant.ended]
    return [
        f"{take.path.name}: sets {said}: {which}"
        for said, which in (("left out", between), ("with other pixels", wrong), ("of another take", of_another))
        if which
    ]


def _manifest(folder: Path, stored: list[StoredTake]) -> list[str]:
    try:
        entries = {entry.path.resolve(): entry for entry in read_manifest(folder / "manifest.csv")}
    except DatasetError as error:
        return [str(error)]
    if missing := [take.path.name for take in stored if take.path.resolve() not in entries]:
        return [f"not in the manifest: {name}" for name in missing]
    if len(entries) != len(stored):
        return [f"{len(entries)} entries for {len(stored)} takes"]
    problems = []
    for take in stored:
        entry, labels = entries[take.path.resolve()], take.labels
        species = "" if labels.species == "bona_fide" else labels.species
        said = (entry.subject, entry.species, entry.instrument, entry.attack, entry.origin)
        if said != (labels.subject, species, labels.instrument, bool(species), "simulated"):
            problems.append(f"{take.path.name}: {said}")
    return problems


def _leaks(folder: Path) -> list[str]:
    """From the table itself, not through the program's reader, which would refuse it."""
    homes: dict[tuple[str, str], set[str]] = {}
    with (folder / "manifest.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            for kind in ("subject", "instrument"):
                if row[kind]:
                    homes.setdefault((kind, row[kind]), set()).add(row["split"])
    return [f"{kind} {who}: {', '.join(sorted(splits))}" for (kind, who), splits in homes.items() if len(splits) > 1]


def _wrong_sums(folder: Path) -> list[str]:
    lines = (folder / "SHA256SUMS").read_text().splitlines()
    sums = {name: digest for digest, _, name in (line.partition("  ") for line in lines)}
    wrong = [name for name, said in sums.items() if hashlib.sha256((folder / name).read_bytes()).hexdigest() != said]
    unlisted = [take.path for take in takes_in(folder) if take.path.relative_to(folder).as_posix() not in sums]
    return wrong + [f"{path.name}: not listed" for path in unlisted]


def report(at: Desk) -> float:
    """The button; how long it took, seconds."""
    at.click("Report")
    return at.until(lambda: "DATASET.md" in at.studio.takes.message, 120.0)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--takes", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=1.0, help="length of a take")
    parser.add_argument("--fps", type=float, default=15.0)
    parser.add_argument("--hurry", type=float, default=10.0, help="how much faster the countdown's clock runs")
    parser.add_argument("--out", type=Path, help="an empty or new folder for the takes, kept (default: thrown away)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.out or Path(scratch) / "takes"
        if folder.exists() and any(folder.iterdir()):
            parser.error(f"{folder}: is not empty")
        os.environ["XDG_STATE_HOME"] = scratch  # recent recordings of the user's stay as they are
        protocol = Path(scratch) / "protocol.csv"
        protocol.write_text(protocol_of(options.takes, options.seconds))
        application = QApplication.instance() or QApplication(["operator"])
        assert isinstance(application, QApplication)
        theme.apply(application, Settings().theme, Settings().scale)
        stage = Stage(options.fps)
        failed = False
        with desk(Socket(stage), folder, hurry=options.hurry) as at:
            began_s = time.monotonic()
            made = work(at, stage, protocol)
            took_s = time.monotonic() - began_s
            print(
                f"simulated frame sets; {took_s / len(made):.1f} s a take, of which {options.seconds:g} s are recorded"
            )
            for words, problems in properties(at, stage, made, report(at)):
                print(f"{'FAILED' if problems else 'ok':6}  {words}")
                for problem in problems[:5]:
                    print(f"        {problem}")
                failed |= bool(problems)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
