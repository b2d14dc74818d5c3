"""`trilume evaluate`: a manifest's recordings judged from the first pixel on, and a report on them.

    manifest ─paths only─▶ engine, recording by recording ─▶ DIR/parts ┐
        └────────────────────── labels ────────────────────────────────┴─▶ report

What judges gets paths and nothing else. Each recording's scores are kept in DIR/parts as soon as they are made, so
a run that was stopped goes on where it was.
"""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from multiprocessing import active_children, get_context, parent_process
from pathlib import Path
from threading import Thread
from typing import Any

from rich.console import Console
from rich.progress import Progress

from app.errors import SIGNALS, Exit, Refused, say, stopped_by, worst
from app.judging import Judging, Switches
from app.tables import folding
from drivers.errors import TrilumeError
from models.evaluation import check_free, truths_of
from models.extra import require_train_extra
from models.judged import Frame, Recording
from models.manifest import Entry, read_manifest
from models.report import Report, Wish, labelled, make_report, write_report
from pipeline.bundle import load_bundle
from pipeline.engine import EngineFaulty
from pipeline.result import Result, Verdict

PARTS = "parts"


@dataclass(frozen=True, slots=True)
class Scoring:
    """How recordings are judged: picklable, for processes; holds no label."""

    bundle: Path | None
    bundle_sha256: str
    accept_sensor: bool

    def key(self, recording: Path) -> str:
        """Names the scores of a recording: they are made anew where it, the bundle or a switch has changed."""
        files = sorted(recording.rglob("*")) if recording.is_dir() else [recording]
        states = [(str(file), file.stat().st_size, file.stat().st_mtime_ns) for file in files]
        told = [str(recording.resolve()), states, self.bundle_sha256, self.accept_sensor]
        return sha256(json.dumps(told).encode()).hexdigest()[:32]


def evaluate(
    manifest: Path,
    out: Path,
    bundle_path: Path | None,
    wish: Wish,
    console: Console,
    *,
    jobs: int = 1,
    accept_sensor: bool = False,
    force: bool = False,
) -> Exit:
    """Judges the test and dev recordings of a manifest and writes the report to `out`.

    A recording that is damaged is said in one line, counts as undecided, and the exit code is 3. Raises TrilumeError
    where nothing can be begun or nothing was judged.
    """
    require_train_extra()
    check_free(out, force=force)
    entries = _entries(manifest, wish)
    bundle = load_bundle(bundle_path)
    parts = out / PARTS
    parts.mkdir(parents=True, exist_ok=True)
    scoring = Scoring(bundle_path, bundle.sha256, accept_sensor)
    try:
        recordings = score_all([entry.path for entry in entries], scoring, parts, jobs, console, anew=force)
    except SIGNALS as stop:
        say(f"{parts}: holds what was judged: give the same command to go on")
        return stopped_by(stop)
    if not any(recording.frames for recording in recordings):
        raise Refused(f"none of the recordings of {manifest} could be judged; the first: {recordings[0].problem}")
    named = [replace(recording, name=_listed(recording, manifest)) for recording in recordings]
    report = make_report(bundle, named, truths_of(entries, named), wish)
    write_report(report, out)
    _show(report, out, console)
    return worst(_said(recording) for recording in recordings)


def _entries(manifest: Path, wish: Wish) -> list[Entry]:
    """What is judged; a manifest that cannot give the figures is refused now, not after hours of judging."""
    entries = [entry for entry in read_manifest(manifest) if entry.split != "train"]
    if not any(entry.split == "test" for entry in entries):
        raise Refused(f"{manifest}: no recording is in split test: figures are given on test only")
    if wish.fixed == "dev" and {entry.attack for entry in entries if entry.split == "dev"} != {False, True}:
        raise Refused(f"{manifest}: split dev needs bona fide and attacks for thresholds to be fixed on it")
    return entries


def _listed(recording: Recording, manifest: Path) -> str:
    """A recording's name as a manifest lists it: a report does not say where on this machine things lie."""
    return Path(os.path.relpath(recording.name, manifest.parent)).as_posix()


def _said(recording: Recording) -> Exit:
    if recording.problem is None:
        return Exit.DONE
    say(f"{recording.problem}; it counts as undecided")
    return Exit.ENDED_EARLY


def score_all(
    paths: Sequence[Path], scoring: Scoring, parts: Path, jobs: int, console: Console, *, anew: bool = False
) -> list[Recording]:
    """Scores of all recordings in the order of the paths; those that `parts` holds are not judged again."""
    done = {} if anew else {path: found for path in paths if (found := _kept(parts, path, scoring)) is not None}
    waiting = [path for path in paths if path not in done]
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        bar = progress.add_task("judging", total=len(paths), completed=len(done))
        for path, recording in _judged(waiting, scoring, jobs):
            _keep(parts, path, scoring, recording)
            done[path] = recording
            progress.advance(bar)
    return [done[path] for path in paths]


def _judged(paths: Sequence[Path], scoring: Scoring, jobs: int) -> Iterator[tuple[Path, Recording]]:
    if jobs == 1 or len(paths) < 2:
        for path in paths:
            yield path, score_one(path, scoring)
        return
    # Forked children would inherit OpenVINO's threads without the threads.
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn"), initializer=_worker) as pool:
        running = {pool.submit(score_one, path, scoring): path for path in paths}
        try:
            for future in as_completed(running):
                yield running[future], future.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            for child in active_children():  # only this process keeps scores: nothing half written is lost
                child.terminate()
            raise


def _worker() -> None:
    """Ctrl-C is the parent's to answer; a worker does not outlive a parent that was killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if (parent := parent_process()) is not None:

        def follow() -> None:
            parent.join()
            os._exit(1)

        Thread(target=follow, daemon=True).start()


def score_one(path: Path, scoring: Scoring) -> Recording:
    """Judges one recording with both nets on every judged frame."""
    bundle = load_bundle(scoring.bundle)
    judging: Judging | None = None
    frames: list[Frame] = []
    last: Result | None = None
    problem = None
    try:
        judging = Judging(str(path), bundle, Switches(accept_sensor=scoring.accept_sensor, both_nets=True))
        for _, result in judging:
            frames.append(_frame(result))
            last = result
    except (TrilumeError, EngineFaulty, OSError) as error:
        problem = str(error)
    if judging is None or last is None:
        return Recording(str(path), "", "unknown", False, (), problem=problem)
    info = judging.info
    foreign = not scoring.accept_sensor and info.sensor not in bundle.description.sensors
    verdict, reason = judging.session
    return Recording(
        name=str(path),
        sensor=info.sensor,
        origin=info.origin,
        foreign=foreign,
        frames=tuple(frames),
        verdict=verdict,
        reason=reason.value if reason else None,
        problem=problem,
    )


def _frame(result: Result) -> Frame:
    pose = result.pose
    return Frame(
        number=result.frame,
        time_s=result.device_time_s,
        d_net=result.d_net,
        m_net=result.m_net,
        reason=result.reason.value if result.reason else None,
        distance_m=result.distance_m,
        yaw_deg=None if pose is None else float(pose.yaw),
        pitch_deg=None if pose is None else float(pose.pitch),
        ms=round(sum(result.stage_ms.values()), 3),
    )


def _keep(parts: Path, path: Path, scoring: Scoring, recording: Recording) -> None:
    target = parts / f"{scoring.key(path)}.json"
    part = target.with_name(target.name + ".part")
    part.write_text(json.dumps(asdict(recording)), encoding="utf-8")
    part.replace(target)


def _kept(parts: Path, path: Path, scoring: Scoring) -> Recording | None:
    """Scores of an earlier run; None where there are none, or none that can be read."""
    try:
        told: dict[str, Any] = json.loads((parts / f"{scoring.key(path)}.json").read_text(encoding="utf-8"))
        frames = tuple(Frame(**frame) for frame in told.pop("frames"))
        verdict = told.pop("verdict")
        told["name"] = str(path)  # as it is called now: the working directory may be another
        return Recording(**told, frames=frames, verdict=None if verdict is None else Verdict(verdict))
    except (OSError, ValueError, TypeError, KeyError):
        return None


def _show(report: Report, out: Path, console: Console) -> None:
    own = report.head.figures[report.wish.unit]
    counts = own["counts"]
    table = folding("figure", "value", "count", title=f"{labelled(report.origins)} data, test, by {report.wish.unit}")
    rows = [
        ("BPCER", own["bpcer"], f"{counts['bona_fide_rejected']}/{counts['bona_fide']}"),
        (
            f"APCER, worst species ({own['worst_species']})" if counts["attacks_accepted"] else "APCER, worst species",
            own["apcer"],
            f"{counts['worst_species_accepted']}/{counts['worst_species_attacks']}",
        ),
        ("APCER, pooled", own["apcer_pooled"], f"{counts['attacks_accepted']}/{counts['attacks']}"),
    ]
    for name, value, count in rows:
        table.add_row(name, "–" if value is None else f"{100 * value:.2f} %", count)
    console.print(table)
    console.print(f"{out / 'report.html'}", markup=False, highlight=False, soft_wrap=True)
