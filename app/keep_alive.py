"""A program that is started again when it dies: a kiosk has nobody beside it who would."""

from __future__ import annotations

import subprocess
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from app.errors import Exit, say

ENDED_ON_PURPOSE: Final = frozenset({Exit.DONE, Exit.BAD_INPUT, Exit.INTERRUPTED, Exit.TERMINATED})
"""What starting again would not mend, or what somebody wanted."""


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds. Between two starts `pause_s` doubles up to `longest_pause_s`, and is short again after `settled_s` of
    running. `deaths` within `within_s` end it. A child that is to end is given `grace_s`."""

    pause_s: float = 0.5
    longest_pause_s: float = 10.0
    settled_s: float = 60.0
    deaths: int = 5
    within_s: float = 60.0
    grace_s: float = 4.0


def keep_alive(
    command: Sequence[str],
    patience: Patience | None = None,
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> int:
    """Runs `command` until it ends on purpose; returns its exit code, 1 where it keeps dying. What interrupts this
    process (Ctrl-C, SIGTERM as an exception) ends the child first and is raised on."""
    patience = patience or Patience()
    deaths: deque[float] = deque(maxlen=patience.deaths)
    pause_s = patience.pause_s
    while True:
        began_s = clock()
        code = _run(command, patience.grace_s)
        if code in ENDED_ON_PURPOSE:
            return code
        now_s = clock()
        deaths.append(now_s)
        if len(deaths) == patience.deaths and now_s - deaths[0] <= patience.within_s:
            say(f"the window died {patience.deaths} times within {now_s - deaths[0]:.0f} s ({_how(code)}): given up")
            return int(Exit.BUG)
        pause_s = patience.pause_s if now_s - began_s >= patience.settled_s else pause_s
        say(f"the window died ({_how(code)}): started again in {pause_s:.1f} s")
        sleep(pause_s)
        pause_s = min(2 * pause_s, patience.longest_pause_s)


def _run(command: Sequence[str], grace_s: float) -> int:
    """Exit code of one run, negative for a signal (`subprocess.Popen.returncode`)."""
    child = subprocess.Popen(command)
    try:
        return child.wait()
    except BaseException:
        child.terminate()
        try:
            child.wait(grace_s)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
        raise


def _how(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit code {code}"
