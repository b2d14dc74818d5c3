"""Whether the present frame set is worth recording, and whether the disk has room: snapshots for the studio's view.

Names, not sentences: a view translates `Check.code`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from pipeline.result import Reason
from pipeline.room import KEEP_FREE_BYTES, free_bytes, is_full

if TYPE_CHECKING:
    from drivers.frames import FrameSet, Image
    from pipeline.faces import Face
    from pipeline.result import Result
    from pipeline.runner import State

Code = Literal["face", "exposure", "distance", "pose", "lost"]
Standing = Literal["ok", "warn", "refuse", "stop", "unknown"]

DARK_LEVEL: Final = 0.06  # of the white level: below it a face has no texture left
SATURATED_LEVEL: Final = 0.98  # of the white level, as in pipeline.gate
_ABSENT: Final = {Reason.NO_FACE, Reason.SEVERAL_FACES, Reason.CUT_OFF, Reason.FACE_INCOMPLETE}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a take asks for. Shares are of the face's pixels, angles degrees, `lost` the share of frame sets."""

    nearest_m: float = 0.3
    farthest_m: float = 1.2
    max_yaw_deg: float = 30.0
    max_pitch_deg: float = 25.0
    max_dark: float = 0.5
    max_saturated: float = 0.05
    max_lost: float = 0.02

    @staticmethod
    def around(distance_m: float | None, slack_m: float = 0.1) -> Wanted:
        """The range around a protocol's distance; the defaults where it names none."""
        if distance_m is None:
            return Wanted()
        return Wanted(nearest_m=max(0.0, distance_m - slack_m), farthest_m=distance_m + slack_m)


@dataclass(frozen=True, slots=True)
class Check:
    """One look at the frame set: `good` None where it cannot be told, `value` what was measured.

    Units of `value`: face – number of faces where known, exposure – the worse share, distance – metres,
    pose – the larger angle in degrees, lost – share of frame sets. `stream` names the picture at fault.
    """

    code: Code
    good: bool | None
    value: float | None = None
    stream: str | None = None


@dataclass(frozen=True, slots=True)
class Quality:
    """All checks of one frame set, in the order in which they are to be mended."""

    checks: tuple[Check, ...]

    @property
    def good(self) -> bool:
        """Nothing is known to be wrong, and a face is there."""
        return all(check.good is not False for check in self.checks) and self.checks[0].good is True

    @property
    def first_fault(self) -> Check | None:
        return next((check for check in self.checks if check.good is False), None)


def look(result: Result, frame_set: FrameSet, state: State, wanted: Wanted = Wanted()) -> Quality:
    """Checks one judged frame set, in under a millisecond: pictures are looked at on every fourth pixel."""
    there = result.face is not None and result.reason not in _ABSENT
    return Quality(
        (
            Check("face", there, _number_of_faces(result)),
            _distance(result, wanted),
            _pose(result, wanted),
            _exposure(result, frame_set, wanted),
            _lost(state, wanted),
        )
    )


def _number_of_faces(result: Result) -> float | None:
    if result.reason == Reason.SEVERAL_FACES:
        return None
    return 1.0 if result.face is not None else 0.0


def _distance(result: Result, wanted: Wanted) -> Check:
    distance = result.distance_m
    good = None if distance is None else wanted.nearest_m <= distance <= wanted.farthest_m
    return Check("distance", good, distance)


def _pose(result: Result, wanted: Wanted) -> Check:
    pose = result.pose
    if pose is None:
        return Check("pose", None)
    good = abs(pose.yaw) <= wanted.max_yaw_deg and abs(pose.pitch) <= wanted.max_pitch_deg
    return Check("pose", good, max(abs(pose.yaw), abs(pose.pitch)))


def _exposure(result: Result, frame_set: FrameSet, wanted: Wanted) -> Check:
    """The worse of colour and infrared, over the face where one is known. An infrared set without light is not judged:
    emitters pulse."""
    worst = Check("exposure", None)
    for name, image in (("color", frame_set.color), ("infrared", frame_set.infrared)):
        if image is None or (name == "infrared" and image.emitter_on is False):
            continue
        on_its_grid = name == "color" or frame_set.rig.registered
        dark, saturated = _shares(image, result.face if on_its_grid else None)
        good = dark <= wanted.max_dark and saturated <= wanted.max_saturated
        if worst.good is None or (worst.good and not good):
            worst = Check("exposure", good, max(dark, saturated), name)
    return worst


def _shares(image: Image, face: Face | None) -> tuple[float, float]:
    """Shares of pixels that are dark and saturated, in any channel; over the whole picture without a face."""
    pixels = image.pixels
    if face is not None:
        x, y, width, height = (round(float(number)) for number in face.box)
        cut = pixels[max(0, y) : max(0, y + height), max(0, x) : max(0, x + width)]
        pixels = cut if cut.size else pixels
    brightest = pixels[::4, ::4].reshape(-1, 3).max(axis=1) if pixels.ndim == 3 else pixels[::4, ::4].ravel()
    white = image.white_level
    return float(np.mean(brightest < DARK_LEVEL * white)), float(np.mean(brightest >= SATURATED_LEVEL * white))


def _lost(state: State, wanted: Wanted) -> Check:
    take = state.take
    lost, arrived = (take.lost, take.frames) if take is not None and take.recording else (state.lost, state.judged)
    if arrived + lost == 0:
        return Check("lost", None)
    share = lost / (arrived + lost)
    return Check("lost", share <= wanted.max_lost, share)


# Disk -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Limits:
    """When the disk is too full: minutes left at which to warn and to begin no take, and bytes at which to stop."""

    warn_minutes: float = 10.0
    refuse_minutes: float = 2.0
    stop_bytes: int = KEEP_FREE_BYTES


@dataclass(frozen=True, slots=True)
class Space:
    """Room for recordings: bytes free above the reserve, MB a second, minutes left (None: rate not known).

    `standing`: ok; warn; refuse – begin no take; stop – end the take that runs; unknown – the disk does not say.
    """

    free_bytes: int | None
    mb_per_s: float | None
    minutes_left: float | None
    standing: Standing

    @property
    def may_begin(self) -> bool:
        return self.standing in {"ok", "warn"}


def space(folder: Path, mb_per_s: float | None, limits: Limits = Limits()) -> Space:
    """Room on the disk that holds a folder, which need not exist yet. `mb_per_s` 0 or None: not known."""
    home = next((level for level in (folder, *folder.absolute().parents) if level.is_dir()), Path("/"))
    try:
        free = free_bytes(home)
    except OSError:
        return Space(None, mb_per_s, None, "unknown")
    return judged(free, mb_per_s, limits)


def judged(free: int, mb_per_s: float | None, limits: Limits = Limits()) -> Space:
    """Room as it stands with so many bytes free."""
    usable = free - limits.stop_bytes
    minutes = max(0.0, usable / (mb_per_s * 60e6)) if mb_per_s else None
    if is_full(free, limits.stop_bytes):
        standing: Standing = "stop"
    elif minutes is not None and minutes < limits.refuse_minutes:
        standing = "refuse"
    elif minutes is not None and minutes < limits.warn_minutes:
        standing = "warn"
    else:
        standing = "ok"
    return Space(free, mb_per_s, minutes, standing)


def rate_of(state: State, assumed_mb_per_s: float | None = None) -> float | None:
    """MB a second of the take that runs or ran last; else what is assumed."""
    take = state.take
    if take is None or take.seconds < 0.5 or take.bytes <= 0:
        return assumed_mb_per_s
    return take.bytes / take.seconds / 1e6
