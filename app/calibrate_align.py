"""`trilume calibrate check` where no target is seen: infrared and depth against colour, and a correction of the rig."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from operator import add

import cv2
import numpy as np
from numpy.typing import NDArray

from calibration import alignment as al
from calibration.alignment import Shift
from calibration.correction import Seen, Way, Which, corrected, one_lens, turn_deg
from calibration.rig import Rig
from drivers.carrying import carry_to_grid
from drivers.errors import TrilumeError
from drivers.frames import FrameSet
from drivers.registration import Registered, register
from pipeline.faces import FaceFinder, to_uint8

F32 = NDArray[np.float32]
FRAMES = 8  # more tell no more: one person's frames are alike


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """A frame set, and the face's landmarks float32 [5, 2] on the colour and on the infrared picture, None where no
    face was found on both.
    """

    frame_set: FrameSet
    landmarks: tuple[F32, F32] | None


@dataclass(frozen=True, slots=True)
class Alignment:
    """A rig on a capture. Shifts are in pixels of the picture that was looked at, `scale` times the delivered one.

    `landmarks_px` is how far the face's landmarks on colour lie beside those on infrared, `gap_px` how far depth's
    outline lies from colour's nearest edge, both in pixels as delivered: other measures than the shifts'.
    """

    infrared: Shift | None
    depth: Shift | None
    seen: Seen
    scale: float
    focal_px: float
    landmarks_px: tuple[float, float] | None
    gap_px: float
    frames: int

    @property
    def misfits(self) -> list[str]:
        """The streams that do not fit."""
        found = []
        if self.infrared and self.infrared.fit(al.INNER_LIMIT_PX) == "off":
            found.append("infrared")
        if self.depth and self.depth.fit(al.OUTLINE_LIMIT_PX) == "off":
            found.append("depth")
        return found

    @property
    def untold(self) -> list[str]:
        """The streams of which nothing can be said."""
        pairs = (("infrared", self.infrared), ("depth", self.depth))
        return [name for name, shift in pairs if shift is None or not any(shift.told)]

    @property
    def told(self) -> bool:
        """Whether anything can be said."""
        return len(self.untold) < 2

    def delivered(self, shift: Shift) -> tuple[float, float]:
        """What is told of a shift, in pixels of the picture as delivered."""
        x, y = shift.told_px
        return x / self.scale, y / self.scale


def with_landmarks(frame_sets: Iterable[FrameSet]) -> list[Frame]:
    """Frame sets and the faces in them; none where the finder's nets are missing."""
    try:
        finder = FaceFinder(threads=1)
    except TrilumeError:
        return [Frame(frame_set, None) for frame_set in frame_sets]
    return [Frame(frame_set, _landmarks(frame_set, finder)) for frame_set in frame_sets]


def aligned(frames: Sequence[Frame], rig: Rig) -> Alignment | None:
    """How infrared and depth lie on colour by `rig`; None where no frame holds a near surface, or no second stream."""
    on_surface, on_outline, places = [], [], []
    scale = min(1.0, al.WORK_FOCAL_PX / rig.grid.fx)
    subjects = []
    for frame in frames:
        color, depth_m, counts = _looked_at(frame.frame_set, rig, scale)
        of = al.subject(depth_m)
        subjects.append((color, of))
        if counts is not None and (found := al.surface_evidence(color, counts, of)) is not None:
            on_surface.append(found)
        if (found := al.outline_evidence(color, of)) is not None:
            on_outline.append(found)
            v, u = np.nonzero(of)
            places.append((np.median(u), np.median(v), np.median(depth_m[of & (depth_m > 0)])))
    if not on_outline:
        return None
    x, y, z = np.median(places, axis=0)
    depth = al.measured(reduce(add, on_outline), al.OUTLINE_FLOOR_PX)
    infrared = al.measured(reduce(add, on_surface), al.INNER_FLOOR_PX) if on_surface else None
    gaps = [al.outline_gap(color, of, depth.inset_px) for color, of in subjects]
    return Alignment(
        infrared, depth, Seen(((x + 0.5) / scale - 0.5, (y + 0.5) / scale - 0.5), float(z)), scale, rig.grid.fx,
        _between_landmarks(frames, rig), float(np.nanmedian(gaps)) / scale, len(on_outline),
    )  # fmt: skip


def proposed(frames: Sequence[Frame], rig: Rig, found: Alignment, way: Way) -> tuple[Rig, Alignment] | None:
    """A rig with what can be told of the shifts taken out, and how it lies; None where nothing can or need be.

    One lens for infrared and depth is corrected by what infrared tells, the finer of the two, else by the outline.
    Two lenses one after the other: depth first, since it says where infrared is looked at.
    """
    better = rig
    steps: list[tuple[Which, bool]] = [("both", True), ("both", False)] if one_lens(rig) else [
        ("depth", False), ("infrared", True),
    ]  # fmt: skip
    for which, by_infrared in steps:
        shift = found.infrared if by_infrared else found.depth
        if shift is None or not shift.beyond(0.0):
            continue
        better = corrected(better, which, found.seen, found.delivered(shift), way)
        after = aligned(frames, better)
        if after is None:
            return None
        found = after
        if which == "both":
            break
    return None if better == rig else (better, found)


def described(found: Alignment) -> list[str]:
    """What is told, one line a measure."""
    lines = [
        _line("infrared", found.infrared, al.INNER_LIMIT_PX, found),
        _line("depth's outline", found.depth, al.OUTLINE_LIMIT_PX, found),
    ]
    if found.landmarks_px is not None:
        x, y = found.landmarks_px
        lines.append(f"another measure: the face's landmarks on colour lie ({x:+.1f}, {y:+.1f}) px beside infrared's")
    if np.isfinite(found.gap_px):
        lines.append(f"another measure: depth's outline lies {found.gap_px:.1f} px from colour's nearest edge")
    return lines


def explained(before: Rig, after: Rig, found: Alignment, way: Way) -> str:
    """The correction in words."""
    parts = []
    for stream in ("depth", "infrared"):
        old, new = (getattr(rig, f"{stream}_to_color") for rig in (before, after))
        if old == new:
            continue
        if way == "turn":
            x, y, _ = turn_deg(old, new)
            parts.append(f"{stream} turned by ({x:+.3f}, {y:+.3f})° about x, y")
        else:
            x, y, z = 1000 * (new.t - old.t)
            parts.append(f"{stream} moved by ({x:+.2f}, {y:+.2f}, {z:+.2f}) mm")
    other = "aside" if way == "turn" else "turned"
    return (
        f"proposed correction: {' and '.join(parts)}; at one distance ({found.seen.distance_m:.2f} m) a stream that "
        f"stands {other} looks the same: --as {'move' if way == 'turn' else 'turn'} takes it for that"
    )


def _line(name: str, shift: Shift | None, limit_px: float, found: Alignment) -> str:
    if shift is None:
        return f"{name}: too little of a person is seen to tell"
    x, y = (
        f"{p / found.scale:+.1f} ± {spread / found.scale:.1f}{'' if told else ' (too wide to tell)'}"
        for p, spread, told in zip(shift.px, shift.spread_px, shift.told, strict=True)
    )
    verdict = {"fits": "fits", "off": "does NOT fit", "untold": "cannot be told"}[shift.fit(limit_px)]
    line = f"{name}: {verdict}: colour lies ({x}, {y}) px beside it (95 %; limit {limit_px / found.scale:.1f} px"
    if any(shift.told):
        size, distance_m = float(np.hypot(*found.delivered(shift))) / found.focal_px, found.seen.distance_m
        line += f"; {np.degrees(np.arctan(size)):.2f}° or {1000 * size * distance_m:.1f} mm at {distance_m:.2f} m"
    return f"{line}; score {shift.score:.2f}, {shift.blocks} blocks)"


def _looked_at(frame_set: FrameSet, rig: Rig, scale: float) -> tuple[NDArray[np.uint8], F32, F32 | None]:
    """(colour or infrared as uint8, depth in metres, infrared or None where it is the grid itself), at `scale`."""
    depth = frame_set.depth
    clean = None if depth is None else replace(depth, pixels=al.near_sides(depth.pixels))
    on_grid: Registered = register(replace(frame_set, depth=clean, rig=rig))
    depth_m = on_grid.depth_mm / np.float32(1000)
    picture, infrared = on_grid.color, on_grid.infrared
    if picture is None:
        assert frame_set.infrared is not None
        picture, infrared = to_uint8(frame_set.infrared.pixels, frame_set.infrared.white_level), None
    if scale == 1:
        return picture, depth_m, infrared
    h, w = picture.shape[:2]
    size = max(1, round(w * scale)), max(1, round(h * scale))
    small = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
    depth_m = np.asarray(cv2.resize(depth_m, size, interpolation=cv2.INTER_NEAREST), np.float32)
    if infrared is not None:
        unseen = cv2.resize((infrared < 0).astype(np.float32), size, interpolation=cv2.INTER_AREA) > 0
        shrunk = cv2.resize(np.maximum(infrared, 0), size, interpolation=cv2.INTER_AREA)
        infrared = np.where(unseen, np.float32(-1), shrunk).astype(np.float32)
    return small, depth_m, infrared


def _landmarks(frame_set: FrameSet, finder: FaceFinder) -> tuple[F32, F32] | None:
    if frame_set.color is None or frame_set.infrared is None:
        return None
    pictures = frame_set.color.pixels, to_uint8(frame_set.infrared.pixels, frame_set.infrared.white_level)
    found = [finder.find(picture) for picture in pictures]
    return (found[0][0].landmarks, found[1][0].landmarks) if all(found) else None


def _between_landmarks(frames: Sequence[Frame], rig: Rig) -> tuple[float, float] | None:
    apart = []
    for frame in frames:
        if frame.landmarks is not None:
            carried = carry_to_grid(replace(frame.frame_set, rig=rig), frame.landmarks[1])
            if carried is not None:
                apart.append(np.median(frame.landmarks[0] - carried, axis=0))
    if not apart:
        return None
    x, y = np.median(apart, axis=0)
    return float(x), float(y)
