"""Rigs of calibrated cameras, kept by serial number; a camera that is opened takes its own."""

from __future__ import annotations

import logging
import re
from pathlib import Path
from typing import Final

from platformdirs import user_data_path
from pydantic import ValidationError

from calibration.rig import Intrinsics, Rig
from drivers.errors import AccessDenied, Unsupported
from drivers.frames import STREAMS

FOCAL_TOLERANCE: Final = 0.1  # a calibration moves the focal length by a few per cent; a crop by more

_log = logging.getLogger(__name__)


def rig_file(sensor: str, serial: str) -> Path:
    """Where the rig of a camera is kept, whether it is there or not. `serial` is not empty."""
    name = re.sub(r"[^\w.-]+", "-", f"{sensor}-{serial}").strip("-.")
    return user_data_path("trilume") / "rigs" / f"{name}.json"


def load_rig(path: Path) -> Rig:
    """A rig file. Raises Unsupported where it is none, AccessDenied where it cannot be read."""
    try:
        return Rig.model_validate_json(path.read_text(encoding="utf-8"))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        reason = f"{place}: {first['msg']}" if place else first["msg"]
        raise Unsupported(f"{path}: is no rig ({reason}); correct it, or calibrate again with --force") from None
    except UnicodeDecodeError:
        raise Unsupported(f"{path}: is no rig (not text); correct it, or calibrate again with --force") from None
    except OSError as error:
        raise AccessDenied(f"{path}: cannot be read ({error.strerror}); change its rights or its owner") from error


def unlike(rig: Rig, factory: Rig) -> str:
    """Why a rig is not one of the pictures that the camera delivers by its factory's rig; empty where it is."""
    if rig.registered != factory.registered:
        return "one has its streams registered, the other has not"
    for stream in STREAMS:
        ours: Intrinsics | None = getattr(rig, stream)
        theirs: Intrinsics | None = getattr(factory, stream)
        if (ours is None) != (theirs is None):
            return f"it has {'no ' if ours is None else ''}{stream}, and the camera {'none' if ours else 'has'}"
        if ours is None or theirs is None:
            continue
        if ours.shape != theirs.shape:
            sizes = (f"{camera.width}×{camera.height}" for camera in (ours, theirs))
            return f"its {stream} is {' and the camera’s '.join(sizes)}"
        if abs(ours.fx / theirs.fx - 1) > FOCAL_TOLERANCE:
            return f"its {stream} has a focal length of {ours.fx:.0f} px and the camera's {theirs.fx:.0f}"
    return ""


def calibrated(factory: Rig, sensor: str, serial: str) -> tuple[Rig, str]:
    """(rig to use, words about it for the camera's name): the stored one of this camera where there is one for the
    streams that it delivers, else the factory's, which a stored rig of another mode puts in the log.

    Raises Unsupported, AccessDenied for a stored rig that cannot be read: its owner counts on it.
    """
    path = rig_file(sensor, serial)
    if not serial or not path.exists():
        return factory, ""
    rig = load_rig(path)
    reason = unlike(rig, factory)
    if reason:
        _log.warning(
            "%s: not used: %s; the factory's calibration is: choose the mode it was made in, or calibrate anew",
            path, reason,
        )  # fmt: skip
        return factory, " (stored rig is of another mode)"
    _log.info("%s: used", path)
    return rig, " (calibrated)"
