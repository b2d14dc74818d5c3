"""Who may open a camera on Linux: the rules that udev must have, and whether it has them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

RULES_FILE: Final = Path("/etc/udev/rules.d/60-trilume-cameras.rules")  # below 73, where `uaccess` is acted upon

RULES: Final = """\
# Depth cameras for whoever sits at this machine, and for services whose user is in the group video.
SUBSYSTEM=="usb", ATTR{idVendor}=="2bc5", MODE="0660", GROUP="video", TAG+="uaccess"
SUBSYSTEM=="usb", ATTR{idVendor}=="8086", ATTR{product}=="*RealSense*", MODE="0660", GROUP="video", TAG+="uaccess"
SUBSYSTEM=="video4linux", ATTRS{idVendor}=="2bc5", MODE="0660", GROUP="video", TAG+="uaccess"
SUBSYSTEM=="video4linux", ATTRS{idVendor}=="8086", ATTRS{product}=="*RealSense*", MODE="0660", GROUP="video", \
TAG+="uaccess"
SUBSYSTEM=="hidraw", ATTRS{idVendor}=="8086", ATTRS{product}=="*RealSense*", MODE="0660", GROUP="video", TAG+="uaccess"
"""
"""Orbbec (vendor 2bc5) and RealSense: 8086 is all of Intel, so the product is asked for as well."""

INSTALL: Final = (
    f"trilume doctor --udev | sudo tee {RULES_FILE} && sudo udevadm control --reload-rules && sudo udevadm trigger"
)
ADVICE: Final = f"run '{INSTALL}', and plug the camera in again"

_FOLDERS: Final = (
    Path("/etc/udev/rules.d"),
    Path("/run/udev/rules.d"),
    Path("/usr/local/lib/udev/rules.d"),
    Path("/usr/lib/udev/rules.d"),
    Path("/lib/udev/rules.d"),
)


def ruled(folders: Sequence[Path] = _FOLDERS) -> dict[str, Path]:
    """The makers that udev has rules for, ours or their own, and the file of each."""
    found: dict[str, Path] = {}
    for folder in folders:
        for file in sorted(folder.glob("*.rules")):
            for maker in _makers(file):
                found.setdefault(maker, file)
    return found


def _makers(file: Path) -> list[str]:
    try:
        text = file.read_text(errors="replace").lower()
    except OSError:
        return []
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    named = "realsense" in file.name.lower() or any("realsense" in line for line in lines)
    makers = {"RealSense": "8086" if named else None, "Orbbec": "2bc5"}
    return [maker for maker, vendor in makers.items() if vendor and any(f'"{vendor}"' in line for line in lines)]
