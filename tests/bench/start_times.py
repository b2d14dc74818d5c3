"""From the start of the process to the first picture and to the first verdict.

    python -P -m tests.bench.start_times --recording demo/recordings/… --out start.json

The whole program, offscreen, is started again and again: on a recording and on the simulated cast, with kernels
compiled before and with none. Said are medians of wall time, and of processor time until then, which does not depend on
what else the machine does. Not a test: no threshold is held against it. `--only` chooses among `warm-recording`,
`warm-cast`, `cold-recording`, `cold-cast`; the cast's visits are drawn beforehand, else that is what one would measure.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from itertools import product
from pathlib import Path
from statistics import median
from typing import Any

PICTURE, VERDICT = "first picture", "first verdict"
PATIENCE_S = 180.0
DRAWN_S = 600.0
TICKS = os.sysconf("SC_CLK_TCK")
_SAID = re.compile(rf"trilume: ({PICTURE}|{VERDICT}).* ([0-9.]+) s after the start of the program")


def cpu_s(pid: int) -> float:
    """Processor time of a process so far, its threads included (proc(5), fields 14 and 15 of stat)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def once(source: str, environment: dict[str, str]) -> dict[str, tuple[float, float]]:
    """One start: (wall, processor) seconds until each line. Raises RuntimeError where one does not come."""
    command = [sys.executable, "-P", "-m", "app", "kiosk", "--source", source, "--timing"]
    times: dict[str, tuple[float, float]] = {}
    said: list[str] = []
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as child:
        late = threading.Timer(PATIENCE_S, child.kill)
        late.start()
        assert child.stderr is not None
        for line in child.stderr:
            said.append(line)
            if match := _SAID.search(line):
                times[match[1]] = float(match[2]), cpu_s(child.pid)
            if len(times) == 2:
                child.send_signal(signal.SIGTERM)
                break
        said += child.stderr.readlines()
        late.cancel()
    if len(times) < 2:
        raise RuntimeError(f"{source}: no first verdict within {PATIENCE_S:g} s:\n{''.join(said)}")
    return times


def cast_is_drawn() -> None:
    """Plays the cast until its first visits lie in the cache."""
    from app.kiosk.cast import VISITS, Cast, cache_folder

    cast = Cast()
    cast.open()
    until_s = time.monotonic() + DRAWN_S
    first = [cache_folder() / f"{visit.species}-{visit.seed}.mcap" for visit in VISITS[:2]]
    while not all(path.exists() for path in first):
        if time.monotonic() > until_s:
            raise RuntimeError(f"{first[0].parent}: the cast is not drawn after {DRAWN_S:g} s")
        time.sleep(0.5)
    cast.close()


def measured(source: str, *, cold: bool, starts: int) -> dict[str, Any]:
    """Medians over so many starts; before those that are warm stands one that does not count."""
    runs = []
    for number in range(starts + (not cold)):
        with tempfile.TemporaryDirectory() as empty:
            environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "XDG_CONFIG_HOME": empty}
            if cold:
                environment["NUMBA_CACHE_DIR"] = f"{empty}/kernels"
            times = once(source, environment)
        if cold or number > 0:
            runs.append(times)
    return {
        name.replace(" ", "_"): {
            "wall_s": round(median(run[name][0] for run in runs), 2),
            "cpu_s": round(median(run[name][1] for run in runs), 2),
            "each_wall_s": [run[name][0] for run in runs],
        }
        for name in (PICTURE, VERDICT)
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recording", type=Path, required=True)
    parser.add_argument("--starts", type=int, default=3)
    parser.add_argument("--only", nargs="+", metavar="CASE")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    sources = {"recording": str(options.recording), "cast": "cast://"}
    report: dict[str, Any] = {"simulated": True, "cores": os.cpu_count(), "load_before": os.getloadavg()[0]}
    for heat, name in product(("warm", "cold"), sources):
        if options.only and f"{heat}-{name}" not in options.only:
            continue
        if name == "cast":
            cast_is_drawn()
        report[f"{heat}-{name}"] = case = measured(sources[name], cold=heat == "cold", starts=options.starts)
        told = ", ".join(
            f"{what.replace('_', ' ')} {t['wall_s']} s ({t['cpu_s']} s of work)" for what, t in case.items()
        )
        print(f"{heat} {name}: {told}", flush=True)
    report["load_after"] = os.getloadavg()[0]
    if options.out:
        options.out.write_text(json.dumps(report, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
