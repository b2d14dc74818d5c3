"""`trilume kiosk` before Qt is there: what is missing is told in one line, because Qt would abort the process."""

from __future__ import annotations

import ctypes
import os
import sys
import time
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from app.doctor import SYSTEM_LIBRARIES, WINDOW_LIBRARIES
from app.errors import Exit, Refused, say
from app.kiosk.wish import Wish
from app.settings import Settings, load

WITHOUT_DISPLAY: Final = ("offscreen", "minimal", "vnc", "linuxfb", "eglfs")


def kiosk(wish: Wish) -> Exit:
    """Opens the window and runs it until it is closed. Raises Refused where it cannot be opened here."""
    began_s = time.monotonic() - _process_age_s()
    if wish.keep_alive:
        from app.keep_alive import keep_alive

        return Exit(keep_alive([sys.executable, "-P", "-m", "app", "kiosk", *wish.options()]))
    if problem := obstacle(os.environ):
        raise Refused(problem)
    given = {"source": wish.source, "bundle": wish.bundle, "language": wish.language, "theme": wish.theme}
    loaded = load(given)
    for warning in loaded.warnings:
        say(warning)
    if loaded.pin_lost:
        raise Refused("the kiosk's PIN may be in what was left out of the settings: mend it, or set it anew, first")
    return _run(loaded.settings, wish, began_s)


def _run(settings: Settings, wish: Wish, began_s: float) -> Exit:
    from app.kiosk.greeting import greet

    greeting = greet(settings.language)
    from app.kiosk.program import run  # loads everything else

    return run(settings, wish, began_s, greeting.finish)


def obstacle(environment: Mapping[str, str]) -> str:
    """Why Qt cannot open a window here and what to do, in one line; empty where it can."""
    for module in ("PySide6", "pyqtgraph"):
        if find_spec(module) is None:
            return f"the window needs {module}: pip install 'trilume[gui]'"
    platform = environment.get("QT_QPA_PLATFORM", "").partition(":")[0]
    if not platform and not environment.get("DISPLAY") and not environment.get("WAYLAND_DISPLAY"):
        return "no display: start it on a desktop, or with `xvfb-run -a trilume kiosk`; `trilume watch` needs none"
    wanted = {library: package for library, package in SYSTEM_LIBRARIES.items() if not library.startswith("libusb")}
    if platform not in WITHOUT_DISPLAY and not platform.startswith("wayland") and environment.get("DISPLAY"):
        wanted |= WINDOW_LIBRARIES
    if missing := sorted({package for library, package in wanted.items() if not _loads(library)}):
        return f"the window needs system libraries: sudo apt-get install {' '.join(missing)}"
    return ""


def _loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def _process_age_s() -> float:
    """Since the process was started, seconds; 0 where the system does not tell (proc(5), field 22 of stat)."""
    try:
        started = int(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19])
        return max(0.0, time.clock_gettime(time.CLOCK_BOOTTIME) - started / os.sysconf("SC_CLK_TCK"))
    except (OSError, ValueError, IndexError, AttributeError):
        return 0.0
