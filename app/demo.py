"""`make demo`: simulates live faces and attacks, judges the recordings, shows verdicts and pictures.

Everything goes to `demo/` below the current directory; recordings that are there already are kept.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from app.errors import SIGNALS, Exit, say, stopped_by, worst
from app.judging import Switches
from app.outcome import Outcome
from app.replay import Outputs, judge_all
from app.simulate import simulate
from app.tables import folding, foremost_reason, middle, verdict_text
from drivers.errors import TrilumeError
from drivers.simulated.species import SPECIES
from pipeline.bundle import load_bundle
from pipeline.result import Verdict

FOLDER = Path("demo")
LIVE_SEEDS = (9001, 9002, 9003, 9004)  # of people and instruments that no shipped bundle was trained on
ATTACK_SEEDS = (9001,)
SECONDS = 1.5
FPS = 15.0
PRESET = "astra"
PROCESSES = 2


@dataclass(frozen=True, slots=True)
class Take:
    """One recording of the demo."""

    species: str
    seed: int

    @property
    def path(self) -> Path:
        """Names spell species without underscores, so that the parts of a name stay apart."""
        name = f"species-{self.species.replace('_', '')}_seed-{self.seed:02d}.mcap"
        return FOLDER / "recordings" / name

    def simulate(self) -> Exit:
        """Records it; runs in a process of its own."""
        quiet = Console(quiet=True)
        return simulate(self.species, self.path, seconds=SECONDS, fps=FPS, seed=self.seed, preset=PRESET, console=quiet)


def main() -> int:
    """Runs the demo and returns its exit code."""
    console = Console()
    takes = [Take(species, seed) for species in SPECIES for seed in (LIVE_SEEDS if species == "live" else ATTACK_SEEDS)]
    try:
        _simulate([take for take in takes if not take.path.exists()], console)
        outputs = Outputs(str(FOLDER / "lines.jsonl"), FOLDER / "summary.json", FOLDER / "pictures", force=True)
        outcomes = judge_all([str(take.path) for take in takes], outputs, load_bundle(), Switches(), console)
    except TrilumeError as error:
        say(error)
        return Exit.BAD_INPUT
    except SIGNALS as signal:
        return stopped_by(signal)
    _show(takes, outcomes, console)
    return worst(outcome.code for outcome in outcomes)


def _simulate(takes: Sequence[Take], console: Console) -> None:
    if not takes:
        return
    takes[0].path.parent.mkdir(parents=True, exist_ok=True)
    with ProcessPoolExecutor(PROCESSES, get_context("spawn")) as pool, Progress(console=console) as progress:
        bar = progress.add_task("simulating", total=len(takes))
        try:
            for done in as_completed([pool.submit(take.simulate) for take in takes]):
                done.result()
                progress.advance(bar)
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _show(takes: Sequence[Take], outcomes: Sequence[Outcome], console: Console) -> None:
    title = "simulated camera: attack scores are medians over judged frames"
    table = folding("species", "seed", "verdict", "D-Net", "M-Net", "no verdict", "right", title=title)
    table.columns[0].no_wrap = table.columns[2].no_wrap = True
    counts: Counter[str] = Counter()
    for take, outcome in zip(takes, outcomes, strict=False):
        if outcome.summary is None:
            table.add_row(take.species, str(take.seed), outcome.message or "–")
            continue
        verdict = outcome.report["verdict"]
        right = rightness(take.species, verdict)
        counts[right] += 1
        scores = (middle(outcome.summary.d_net), middle(outcome.summary.m_net))
        why = foremost_reason(outcome.report)
        table.add_row(take.species, str(take.seed), verdict_text(verdict), *scores, why, right)
    console.print(table)
    tally = (
        f"{counts['yes']} right, {counts['no']} wrong, {counts['undecided']} live faces undecided, "
        f"{counts['not accepted']} attacks undecided and so not accepted"
    )
    console.print(f"of {len(outcomes)} simulated recordings: {tally}", highlight=False)
    for what, name in (("pictures", "pictures"), ("JSON lines", "lines.jsonl"), ("summary", "summary.json")):
        console.print(f"{what}: {FOLDER / name}", highlight=False)


def rightness(species: str, verdict: str) -> str:
    """Whether a verdict is what it should be; an attack without a verdict is not accepted, and not found either."""
    if species == "live":
        return {Verdict.LIVE: "yes", Verdict.UNDECIDED: "undecided", Verdict.ATTACK: "no"}[Verdict(verdict)]
    return {Verdict.ATTACK: "yes", Verdict.UNDECIDED: "not accepted", Verdict.LIVE: "no"}[Verdict(verdict)]


if __name__ == "__main__":
    sys.exit(main())
