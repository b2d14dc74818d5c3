"""How well a person tells that a rig is off: known errors put into the rig of simulated captures, and of a real one.

Run by `python -P -m tests.bench.calibration`. Simulated: four sensors, living faces and masks, 0.4 to 0.9 m, one frame
each. Every rig is that of the scene's true camera, once as it is, once with depth and infrared turned by the same up to
0.6 degrees about x and y, once with each turned for itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from app.calibrate_align import Alignment, Frame, aligned, described, proposed, with_landmarks
from calibration import alignment as al
from calibration.alignment import Shift
from calibration.projection import project
from calibration.rig import Extrinsics, Rig
from drivers.open import open_source
from drivers.simulated.presets import PRESETS
from drivers.simulated.scenes import Scene, render_frame, sample_scene, truth
from drivers.source import frames_of

F64 = NDArray[np.float64]
SPECIES = ("live", "silicone_mask", "live", "resin_mask", "live", "latex_mask")
TURN_DEG = 0.6


@dataclass(frozen=True, slots=True)
class Case:
    """A shift measured, the true one, and the limit that its stream is allowed; pixels."""

    shift: Shift
    true_px: tuple[float, float]
    limit_px: float

    @property
    def errors(self) -> list[float]:
        """Of the axes that are told."""
        return [abs(p - t) for p, t, told in zip(self.shift.px, self.true_px, self.shift.told, strict=True) if told]

    @property
    def held(self) -> list[bool]:
        """Whether the interval holds the truth, of the axes that are told."""
        rows = zip(self.shift.px, self.true_px, self.shift.spread_px, self.shift.told, strict=True)
        return [abs(p - t) <= spread for p, t, spread, told in rows if told]


def turned(motion: Extrinsics, rng: np.random.Generator) -> Extrinsics:
    """A motion whose camera is turned about itself."""
    angles = np.radians([*rng.uniform(-TURN_DEG, TURN_DEG, 2), 0.0])
    return Extrinsics.of(np.asarray(cv2.Rodrigues(angles)[0], np.float64) @ motion.R, motion.t)


def true_shift(scene: Scene, motion: Extrinsics) -> tuple[float, float]:
    """By which the face lies, in colour, beside where `motion` puts it: mean over its landmarks, pixels."""
    color = scene.rig.color
    assert color is not None
    there = truth(scene, 0.0).landmarks_m.astype(np.float64)
    back = scene.true_color.inverse()
    put = (there @ back.R.T + back.t) @ motion.R.T + motion.t
    x, y = (project(color, there) - project(color, put)).mean(axis=0)
    return float(x), float(y)


def simulated(captures: int) -> Iterator[str]:
    """Lines about infrared and outline: error, interval, false and missed alarms; then before and after."""
    cases: dict[tuple[str, str], list[Case | None]] = {}
    after: list[tuple[float, float]] = []
    for number in range(captures):
        preset = list(PRESETS)[number % len(PRESETS)]
        scene = sample_scene(SPECIES[number % 6], 7000 + number, preset=preset, distance_range=(0.4, 0.9))
        frames = [Frame(render_frame(scene, 0.0, np.random.default_rng(number)), None)]
        rng = np.random.default_rng(number)
        sound = scene.true_color
        together = turned(sound, rng)
        for kind, infrared, depth in (
            ("fits", sound, sound), ("together", together, together), ("each", turned(sound, rng), turned(sound, rng)),
        ):  # fmt: skip
            rig = scene.rig.model_copy(update={"infrared_to_color": infrared, "depth_to_color": depth})
            found = aligned(frames, rig)
            for stream, motion, limit in (
                ("infrared", infrared, al.INNER_LIMIT_PX), ("depth", depth, al.OUTLINE_LIMIT_PX),
            ):  # fmt: skip
                shift: Shift | None = getattr(found, stream) if found else None
                case = Case(shift, true_shift(scene, motion), limit) if shift else None
                cases.setdefault((stream, "fits" if kind == "fits" else "knocked"), []).append(case)
            if kind == "together" and found is not None:
                after += _before_and_after(scene, frames, rig, found)
    for (stream, kind), found_cases in cases.items():
        yield _line(stream, kind, found_cases)
    if not after:
        return
    before_px, after_px = np.array(after).T
    yield (
        f"correction of {len(after)} knocked rigs that were told off (simulated): face {np.median(before_px):.2f} px "
        f"off before, {np.median(after_px):.2f} px after (95th {np.quantile(before_px, 0.95):.2f}, "
        f"{np.quantile(after_px, 0.95):.2f})"
    )


def _before_and_after(scene: Scene, frames: list[Frame], rig: Rig, found: Alignment) -> list[tuple[float, float]]:
    """How far the face lies beside its place before and after the correction, where one is proposed."""
    if not found.misfits or (better := proposed(frames, rig, found, "turn")) is None:
        return []
    before, after = (float(np.hypot(*true_shift(scene, r.infrared_to_color))) for r in (rig, better[0]))
    return [(before, after)]


def _line(stream: str, kind: str, cases: list[Case | None]) -> str:
    seen = [case for case in cases if case is not None]
    errors, held = (np.array([v for case in seen for v in getattr(case, name)]) for name in ("errors", "held"))
    told = [case for case in seen if any(case.shift.told)]
    if not told:
        return f"{stream:8s} rig {kind:7s}: none of {len(cases)} captures tells (simulated)"
    off = [case for case in seen if case.shift.fit(case.limit_px) == "off"]
    beyond = [case for case in told if np.hypot(*case.true_px) > case.limit_px + 2]
    found = sum(case.shift.fit(case.limit_px) == "off" for case in beyond)
    alarms = f"{len(off)} false alarms" if kind == "fits" else f"{found} of {len(beyond)} far off told"
    return (
        f"{stream:8s} rig {kind:7s}: {len(told)} of {len(cases)} captures tell ({errors.size} of {2 * len(cases)} "
        f"axes); error {np.median(errors):.2f} px median, {np.quantile(errors, 0.95):.2f} 95th, {errors.max():.2f} "
        f"largest; 95 % interval holds {100 * float(held.mean()):.1f} %; {alarms} (simulated)"
    )


def knocked(folder: Path, seeds: int = 6) -> Iterator[str]:
    """A real capture as it is, and with its rig knocked: what is told before and after, by two measures."""
    frame_sets = [frame_set for _, frame_set in zip(range(8), frames_of(open_source(str(folder))), strict=False)]
    frames = with_landmarks(frame_sets)
    rig = frame_sets[0].rig
    as_is = aligned(frames, rig)
    if as_is is None:
        yield f"{folder.name}: no person near enough is seen"
        return
    yield from (f"{folder.name}, real, rig as it is: {line}" for line in described(as_is))
    for seed in range(seeds):
        rng = np.random.default_rng(seed)
        bad = rig.model_copy(update={"infrared_to_color": turned(rig.infrared_to_color, rng)})
        before = aligned(frames, bad)
        better = proposed(frames, bad, before, "turn") if before else None
        if before is None or better is None:
            yield f"{folder.name}, real, infrared knocked: nothing is proposed"
            continue
        yield f"{folder.name}, real, infrared knocked: {_pair(before, as_is)} before; {_pair(better[1], as_is)} after"


def _pair(found: Alignment, as_is: Alignment) -> str:
    parts = []
    if found.infrared is not None:
        parts.append(f"({found.delivered(found.infrared)[0]:+.1f}, {found.delivered(found.infrared)[1]:+.1f}) px")
    if found.landmarks_px is not None:
        parts.append(f"landmarks ({found.landmarks_px[0]:+.1f}, {found.landmarks_px[1]:+.1f}) px")
    return ", ".join(parts)
