"""`trilume benchmark`: how fast this machine judges, from the recording to the verdict.

`python -P -m app.benchmark RECORDING [BUNDLE]` judges one set in a process of its own and says when it was done.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from platformdirs import user_cache_path
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress, SpinnerColumn, TextColumn

from app.errors import SIGNALS, Exit, Refused, Terminated, say, stopped_by
from app.outputs import claim, whole_file
from app.speed import WANTED, Film, Run, measure, read
from app.tables import SIMULATED, folding
from drivers.open import open_source
from drivers.source import frames_of
from pipeline.bundle import Bundle, load_bundle
from pipeline.engine import Engine
from pipeline.inference import core
from pipeline.sinks import percentiles

FORMAT: Final = 1
SCENE, SEED, SECONDS, FPS = "live", 9001, 1.6, 15.0
"""The recording where none is given: a person that no shipped bundle was trained on."""


@dataclass(frozen=True, slots=True)
class Machine:
    """What the figures are of. `load`: processes that ran beside, on average over the last minute, at the start."""

    processor: str
    cores: int
    threads: int
    load: float
    system: str
    python: str
    trilume: str
    openvino: str
    numpy: str
    numba: str

    @property
    def busy(self) -> bool:
        """Whether what was measured is less than the machine can do."""
        return self.load > 0.5 * self.cores


@dataclass(frozen=True, slots=True)
class Started:
    """From a new process to its first verdict, seconds: with kernels compiled before, and with none."""

    warm_s: float
    cold_s: float | None


def benchmark(
    recording: str | None,
    seconds: float,
    report: Path | None,
    bundle_path: Path | None,
    console: Console,
    *,
    threads: int = 2,
    cold: bool = False,
    force: bool = False,
) -> Exit:
    """Judges for `seconds` and shows the figures; writes them to `report` as JSON.

    Raises TrilumeError for a recording or a bundle that is wrong.
    """
    if report is not None:
        claim(report, force=force)
    bundle = load_bundle(bundle_path)
    machine = _machine(threads)
    try:
        path = default_recording(console) if recording is None else recording
        with _busy(console, "reading"):
            film = read(path)
        with _busy(console, "starting in new processes"):
            started = Started(
                seconds_to_verdict(path, bundle), seconds_to_verdict(path, bundle, cold=True) if cold else None
            )
        with _busy(console, f"judging for {seconds:g} s"):
            run = measure(film, bundle, seconds, threads)
    except SIGNALS as stop:
        return stopped_by(stop)
    told = sentence(run, busy=machine.busy)
    if report is not None:
        with whole_file(report) as file:
            json.dump(_record(machine, bundle, film, started, run, told), file, indent=2)
            file.write("\n")
    _show(machine, bundle, film, started, run, console)
    console.print(told, markup=False, highlight=False)
    return Exit.DONE


def default_recording(console: Console) -> str:
    """The simulated recording, rendered once for each version of the simulator."""
    from models.datasets.mipd import simulator_version

    name = f"{SCENE}-{SEED}-{SECONDS:g}s-{FPS:g}fps.mcap"
    folder = user_cache_path("trilume") / "benchmark" / simulator_version()
    path = folder / name
    if not path.exists():
        for other in folder.parent.glob("*"):
            shutil.rmtree(other, ignore_errors=True)
        folder.mkdir(parents=True, exist_ok=True)
        _render(folder / f"{os.getpid()}-{name}", path, console)
    return str(path)


def _render(unfinished: Path, path: Path, console: Console) -> None:
    from app.record import Limits, record
    from app.simulate import labels_of
    from drivers.simulated.camera import SimulatedCamera

    say("rendering a recording of the simulated camera, once")
    camera = SimulatedCamera(SCENE, seed=SEED, seconds=SECONDS, fps=FPS)
    quiet = Console(quiet=True)
    with _busy(console, "rendering"):
        code = record(camera, unfinished, lambda: labels_of(camera.scene), Limits(), quiet)
    if code is Exit.DONE:
        unfinished.rename(path)
        return
    for left in unfinished.parent.glob(f"{unfinished.stem}*"):
        with suppress(OSError):
            left.unlink()
    if code in (Exit.INTERRUPTED, Exit.TERMINATED):
        raise Terminated if code is Exit.TERMINATED else KeyboardInterrupt
    raise Refused(f"{path}: the recording could not be rendered: give one of your own")


def seconds_to_verdict(path: str, bundle: Bundle, *, cold: bool = False) -> float:
    """Seconds from a new process to its first verdict; cold: its folder of compiled kernels is empty."""
    with tempfile.TemporaryDirectory(prefix="trilume-") as empty:
        environment = os.environ | ({"NUMBA_CACHE_DIR": empty} if cold else {})
        command = [sys.executable, "-P", "-m", "app.benchmark", path, str(bundle.path)]
        began = time.perf_counter()
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        wall_s = time.perf_counter() - began
    if done.returncode:
        raise Refused(f"{path}: no verdict in a new process: {(done.stderr.strip().splitlines() or ['no reason'])[-1]}")
    return wall_s


def _first_verdict(path: str, bundle: str) -> None:
    """What the new process does."""
    source = open_source(path)
    first = next(frames_of(source))
    Engine(load_bundle(bundle), sensor="", both_nets=True).process(first)


def _machine(threads: int) -> Machine:
    return Machine(
        processor=str(core().get_property("CPU", "FULL_DEVICE_NAME")).strip(),
        cores=len(os.sched_getaffinity(0)),
        threads=threads,
        load=round(os.getloadavg()[0], 2),
        system=platform.platform(),
        python=platform.python_version(),
        trilume=version("trilume"),
        openvino=version("openvino"),
        numpy=version("numpy"),
        numba=version("numba"),
    )


def _busy(console: Console, what: str) -> Progress:
    """A spinner while something runs."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"))
    progress = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
    progress.add_task(what, total=None)
    return progress


def sentence(run: Run, *, busy: bool = False) -> str:
    """Whether the machine keeps up with a camera; `busy`: other programs ran beside."""
    p95 = percentiles(list(run.sets_ms))["p95"]
    figures = f"{run.per_second:.1f} judged a second, 95 % of them within {p95:.1f} ms"
    if not run.summary.m_net:
        return f"No set could be judged by both nets, so this says little about the machine: {figures}."
    who = "This machine, busy as it is now," if busy else "This machine"
    if run.keeps_up:
        return f"{who} keeps up with {WANTED:g} sets a second: {figures}."
    return f"{who} does not keep up with {WANTED:g} sets a second: {figures}; live it skips to the newest set."


def _record(machine: Machine, bundle: Bundle, film: Film, started: Started, run: Run, told: str) -> dict[str, Any]:
    about, stages = bundle.description, run.summary.stages()
    return {
        "format": FORMAT,
        "machine": asdict(machine),
        "bundle": {
            "name": about.name,
            "sha256": bundle.sha256,
            "d_net": about.precision,
            "m_net": about.m_net_precision or about.precision,
        },
        "recording": {
            "name": Path(film.name).name,
            "origin": film.info.origin,
            "sensor": film.info.sensor,
            "sets": len(film.sets),
            "read_ms": round(film.read_ms, 3),
        },
        "start_s": {"warm": round(started.warm_s, 3), "cold": started.cold_s and round(started.cold_s, 3)},
        "engine_s": round(run.engine_s, 3),
        "first_set_ms": round(run.first_ms, 3),
        "sets": len(run.sets_ms),
        "sets_by_both_nets": len(run.summary.m_net),
        "seconds": round(run.wall_s, 3),
        "sets_per_second": round(run.per_second, 3),
        "latency_ms": percentiles(list(run.sets_ms)),
        "stage_ms": {name: values for name, values in stages.items() if name != "total"},
        "keeps_up_with_30": run.keeps_up,
        "said": told,
    }


def _show(machine: Machine, bundle: Bundle, film: Film, started: Started, run: Run, console: Console) -> None:
    about, origin = bundle.description, f" ({SIMULATED})" if film.info.origin == "simulated" else ""
    table = folding("what", "found", title=f"{escape(Path(film.name).name)}{origin}")
    precision = f"D-Net {about.precision}, M-Net {about.m_net_precision or about.precision}"
    cold = "" if started.cold_s is None else f", {started.cold_s:.1f} s with no kernel compiled"
    rows = [
        ("processor", f"{machine.processor}, {machine.cores} cores; nets on {machine.threads} threads"),
        ("software", f"OpenVINO {machine.openvino}, Python {machine.python}, trilume {machine.trilume}"),
        ("bundle", f"{about.name}, {bundle.sha256[:12]}: {precision}"),
        ("new process to first verdict", f"{started.warm_s:.1f} s{cold}"),
        ("engine made, first set", f"{run.engine_s:.2f} s, {run.first_ms:.1f} ms"),
        ("reading one set", f"{film.read_ms:.1f} ms p50, beside the judging"),
        ("sets judged", f"{len(run.sets_ms)} in {run.wall_s:.1f} s, by both nets {len(run.summary.m_net)}"),
        ("sets a second", f"{run.per_second:.1f}"),
    ]
    values = percentiles(list(run.sets_ms))
    rows.append(("a set", f"{values['p50']:.1f} ms p50, {values['p95']:.1f} ms p95"))
    for name, each in run.summary.stages().items():
        if name != "total":
            rows.append((f"  {name}", f"{each['p50']:.1f} ms p50, {each['p95']:.1f} ms p95"))
    for what, found in rows:
        table.add_row(what, escape(found))
    console.print(table)
    if machine.busy:
        load = f"load {machine.load:g} on {machine.cores} cores"
        say(f"the machine was busy before this began ({load}): at rest it is faster")


if __name__ == "__main__":
    _first_verdict(*sys.argv[1:3])
