"""How the program ends: exit codes, one line for what went wrong, a file for a bug of ours."""

from __future__ import annotations

import errno
import sys
import tempfile
from collections.abc import Iterable
from enum import IntEnum
from pathlib import Path

from platformdirs import user_log_path

from drivers.errors import TrilumeError


class Exit(IntEnum):
    """Exit codes. A verdict is never one of them: judging an attack is work done."""

    DONE = 0
    BUG = 1
    BAD_INPUT = 2
    ENDED_EARLY = 3
    INTERRUPTED = 130
    TERMINATED = 143


DISK_FULL = (errno.ENOSPC, errno.EDQUOT)

_SEVERITY = (Exit.DONE, Exit.ENDED_EARLY, Exit.BAD_INPUT, Exit.BUG, Exit.INTERRUPTED, Exit.TERMINATED)


def worst(codes: Iterable[Exit]) -> Exit:
    """The code that stands for several recordings."""
    return max(codes, key=_SEVERITY.index, default=Exit.DONE)


class Refused(TrilumeError):
    """What was asked for would overwrite something, lose something or never end."""


class Terminated(BaseException):
    """SIGTERM arrived: winds down like Ctrl-C, ends with another code."""


SIGNALS = (KeyboardInterrupt, Terminated)


def stopped_by(signal: BaseException) -> Exit:
    """The exit code of one of SIGNALS."""
    return Exit.TERMINATED if isinstance(signal, Terminated) else Exit.INTERRUPTED


def say(message: object) -> None:
    """One line on standard error, whatever the message holds."""
    print("trilume:", " ".join(str(message).split()), file=sys.stderr, flush=True)


def log_path() -> Path:
    """Where the log and the tracebacks of bugs go: the user's log folder, else a temporary one."""
    folder = user_log_path("trilume")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        folder = Path(tempfile.gettempdir())
    return folder / "trilume.log"
