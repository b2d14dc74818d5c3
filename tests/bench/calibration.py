"""What the calibrations are good for: errors on simulated captures, and how often the claimed intervals hold the truth.

    python -P -m tests.bench.calibration [--seeds 20] [--only geometric,radiometric,person,real] [--real DIR]

Geometric: a target rendered through distorted lenses, with blur, noise and partial views. Radiometric: readings of a
flat target whose captures err in common (exposure, distance). Person: `tests.bench.alignment`. `--real` adds real
captures: sheets of a known square, and a person whose rig is knocked out of place and brought back.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from app.target_views import from_depth_camera, seen_in
from calibration.depth import read_plane, spacing_ratio
from calibration.detection import Detection, LensName, View, detect, pose, reprojection, seen_from
from calibration.geometric import calibrate_rig
from calibration.projection import project
from calibration.radiometric import REFERENCE_RESPONSE, fit_attenuation
from calibration.rig import Extrinsics, Intrinsics, Rig
from calibration.target import Board
from drivers.open import open_source
from drivers.source import frames_of
from tests.bench import alignment
from tests.calibration.target_scene import BOARD, TRUE, moved, picture, poses

F64 = NDArray[np.float64]

VIEWS = 14
WHITE = 1023.0
REAL_BOARD = Board.parse("10x8:20.875:11:ARUCO_ORIGINAL:legacy")


def _rig(color: Intrinsics, infrared: Intrinsics, turn_deg: tuple[float, float, float], x_m: float) -> Rig:
    R = np.asarray(cv2.Rodrigues(np.radians(turn_deg))[0], np.float64)
    motion = Extrinsics.of(R, np.array([x_m, 0.0008, -0.0015]))
    return Rig(color=color, depth=infrared, infrared=infrared, depth_to_color=motion, infrared_to_color=motion)


RIGS = {
    "25 mm, colour 604, infrared 479": (TRUE, (0.32, 0.6)),
    "14 mm, colour 457, infrared 424 (848 x 480)": (
        _rig(
            Intrinsics(width=640, height=480, fx=457, fy=456.2, cx=322, cy=238, model="brown_conrady",
                       distortion=(-0.04, 0.05, 0.0003, 0.0003, -0.02)),
            Intrinsics(width=848, height=480, fx=424, fy=424.6, cx=425.7, cy=238.1, model="brown_conrady",
                       distortion=(0.02, -0.03, 0.0002, -0.0004, 0.0)),
            (0.1, 0.5, -0.2), 0.014,
        ),
        (0.3, 0.55),
    ),
    "50 mm, colour 820, infrared 610, turned 2 degrees": (
        _rig(
            Intrinsics(width=640, height=480, fx=820, fy=818, cx=309, cy=251, model="brown_conrady",
                       distortion=(-0.18, 0.15, -0.0008, 0.0011, 0.0)),
            Intrinsics(width=640, height=480, fx=610, fy=611, cx=331, cy=233, model="brown_conrady",
                       distortion=(0.09, -0.15, 0.001, 0.0004, 0.0)),
            (-0.8, 1.8, 0.4), -0.05,
        ),
        (0.42, 0.8),
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Quality:
    """Of one quantity over captures: absolute errors, claimed half widths of the interval, and what is allowed."""

    name: str
    errors: F64
    claimed: F64
    allowed: float
    unit: str

    def line(self) -> str:
        """Median and largest error, the median claim, how often it holds."""
        held = float((self.errors <= self.claimed).mean())
        return (
            f"  {self.name:22s} error {np.median(self.errors):7.4f} median, {np.quantile(self.errors, 0.95):7.4f} 95th,"
            f" {self.errors.max():7.4f} largest; claimed ± {np.median(self.claimed):7.4f} {self.unit:4s} holds "
            f"{100 * held:5.1f} % of {self.errors.size}; within {self.allowed:g} {self.unit}: "
            f"{100 * float((self.errors <= self.allowed).mean()):.1f} %"
        )


def _views(rig: Rig, distances: tuple[float, float], seed: int) -> list[View]:
    rng = np.random.default_rng(seed)
    blur, noise = rng.uniform(0.5, 1.0), rng.uniform(0, 4)
    made: list[View] = []
    for where in poses(VIEWS, seed, nearest_m=distances[0], farthest_m=distances[1]):
        view: dict[LensName, Detection] = {}
        places: dict[LensName, Extrinsics] = {"infrared": where, "color": moved(where, rig.infrared_to_color)}
        for name, place in places.items():
            clean = picture(getattr(rig, name), place, rng, blur=blur)
            seen = np.rint(clean + rng.normal(0, noise, clean.shape)).clip(0, 255).astype(np.uint8)
            if (found := detect(seen, BOARD)) is not None:
                view[name] = found
        made.append(view)
    return made


def _nominal(rig: Rig) -> Rig:
    """What a maker would say: round figures, no distortion, no motion."""
    plain = {}
    for name in ("color", "depth", "infrared"):
        camera: Intrinsics = getattr(rig, name)
        plain[name] = Intrinsics(
            width=camera.width, height=camera.height, fx=0.95 * camera.fx, fy=0.95 * camera.fy,
            cx=camera.width / 2 - 0.5, cy=camera.height / 2 - 0.5,
        )  # fmt: skip
    return Rig(**plain)


def geometric(seeds: int) -> Iterator[str]:
    """Lines about intrinsics and motion, one rig after the other."""
    for number, (name, (true, distances)) in enumerate(RIGS.items()):
        focal, centre, shift, turn = ([] for _ in range(4))
        for seed in range(seeds):
            fit = calibrate_rig(_views(true, distances, 100 * number + seed), _nominal(true), BOARD)
            for lens_name, lens in fit.lenses.items():
                camera: Intrinsics = getattr(true, lens_name)
                got, want = (np.array([c.fx, c.fy, c.cx, c.cy]) for c in (lens.camera, camera))
                error, claim = np.abs(got - want), np.array(lens.interval)
                focal.append(100 * np.stack([error[:2], claim[:2]]) / want[:2])
                centre.append(np.stack([error[2:], claim[2:]]))
            motion, real = fit.infrared_to_color, true.infrared_to_color
            assert motion is not None, "every view shows both lenses the target"
            shift.append(1000 * np.abs([motion.motion.t - real.t, motion.translation_interval_m]))
            off = np.degrees(np.asarray(cv2.Rodrigues(motion.motion.R @ real.R.T)[0]).ravel())
            turn.append(np.abs([off, motion.rotation_interval_deg]))
        yield f"geometric, {name}: {seeds} captures of {VIEWS} views (simulated); intervals are 99 %"
        for what, values, allowed, unit in (
            ("focal lengths", focal, 0.3, "%"), ("principal points", centre, 2.0, "px"),
            ("translation, each axis", shift, 0.5, "mm"), ("rotation, each axis", turn, 0.1, "deg"),
        ):  # fmt: skip
            errors, claims = (np.concatenate([v[k] for v in values]) for k in (0, 1))
            yield Quality(what, errors, claims, allowed, unit).line()


def _radiometric_capture(
    seed: int, offset_m: float, dark: float, known: float | None
) -> tuple[float, float, bool, float]:
    """(exponent's error and claimed half width in per cent, whether its interval holds the truth, the law's largest
    error over 0.4 to 1.2 m in per cent).
    """
    rng = np.random.default_rng(seed)
    stands = np.r_[0.36, np.exp(rng.uniform(np.log(0.36), np.log(1.3), rng.integers(4, 11))), 1.3]
    exponent, gain = rng.uniform(1.7, 2.3), rng.uniform(0.3, 0.8)
    rows = []
    for number, distance in enumerate(stands):
        exposure = (distance / 0.6) ** 1.5
        here = distance + rng.normal(0, 0.002, 60)
        factor = exposure * 0.8 * rng.uniform(0.8, 1.0, 60)
        share = gain * factor * ((0.6 + offset_m) / (here + offset_m)) ** exponent * np.exp(rng.normal(0, 0.004))
        clean = WHITE * REFERENCE_RESPONSE * share
        counts = np.rint(dark + rng.normal(clean, 0.004 * clean + 0.5))
        rows.append((here * (1 + rng.normal(0, 0.002)), counts, factor, np.full(60, number)))
    z, counts, factor, capture = (np.concatenate(column) for column in zip(*rows, strict=True))
    fit = fit_attenuation(z, counts, factor, capture, white_level=WHITE, dark_level=known)
    low, high = fit.exponent_interval
    found = abs(fit.law.exponent - exponent) / exponent, (high - low) / 2 / exponent
    far = np.linspace(0.4, 1.2, 17)
    true = gain * REFERENCE_RESPONSE * ((0.6 + offset_m) / (far + offset_m)) ** exponent
    worst = float(np.abs(fit.response(far) / true - 1).max())
    return 100 * found[0], 100 * found[1], low <= exponent <= high, 100 * worst


def radiometric(seeds: int) -> Iterator[str]:
    """Lines about the law of fall-off."""
    for name, offset_m, dark, known in (
        ("dark level known, light from the lens", 0.0, 12.0, 12.0),
        ("nothing known, light from the lens, no dark level", 0.0, 0.0, None),
        ("nothing known, light from the lens, dark level 12", 0.0, 12.0, None),
        ("dark level known, light from 20 mm behind the lens", 0.02, 12.0, 12.0),
    ):
        found = [_radiometric_capture(seed, offset_m, dark, known) for seed in range(seeds)]
        error, half, held, law = np.array(found, float).T
        yield f"radiometric, {name}: {seeds} captures of 6 to 12 stands (simulated); intervals are 95 %"
        yield (
            f"  exponent: error {np.median(error):.2f} % median, {np.quantile(error, 0.95):.2f} 95th, {error.max():.2f}"
            f" largest; claimed ± {np.median(half):.2f} % holds {100 * held.mean():.1f} %; within 2 %: "
            f"{100 * float((error <= 2).mean()):.1f} %; law over 0.4 to 1.2 m: {np.quantile(law, 0.95):.2f} % 95th"
        )


def sheets(folder: Path) -> Iterator[str]:
    """Lines about real sheets of a known square, one a device: residual, flatness, spacing measured in the depth."""
    for capture in sorted(folder.glob("charuco-*")):
        residuals, ratios, planes, corners = [], [], [], 0
        source = open_source(str(capture))
        for frame_set in frames_of(source):
            view = seen_in(frame_set, REAL_BOARD)
            if not view or frame_set.depth is None:
                continue
            rig, (name, found) = frame_set.rig, next(iter(view.items()))
            camera = getattr(rig, name)
            off = reprojection(found, camera, pose(found, camera, REAL_BOARD), REAL_BOARD)
            residuals.append(np.sqrt((off**2).sum(axis=1).mean()))
            corners += len(found.ids)
            where, unit = from_depth_camera(view, rig, REAL_BOARD), frame_set.depth_unit_m
            points = REAL_BOARD.corners[found.ids]
            pixels = project(rig.depth, seen_from(where, points))
            ratio = spacing_ratio(frame_set.depth.pixels, unit, rig.depth, pixels, points)
            plane = read_plane(frame_set.depth.pixels, unit, rig.depth, where, REAL_BOARD)
            ratios += [] if ratio is None else [ratio[0]]
            planes += [] if plane is None else [plane]
        told = f"{capture.name}: {len(residuals)} real views, {corners} corners"
        if residuals:
            told += f", reprojection error {np.mean(residuals):.3f} px root mean square"
        if ratios:
            told += f", corners {np.median(ratios):.4f} of their true distance apart in depth"
        if planes:
            far = np.median([p.distance_m for p in planes])
            bias = 1000 * np.median([p.measured_m - p.distance_m for p in planes])
            flat = 1000 * np.median([p.plane_rms_m for p in planes])
            told += f", depth {bias:+.2f} mm at {far:.3f} m, flat to {flat:.2f} mm"
        yield told


def main() -> None:
    """Prints every figure as it is known."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--only", default="geometric,radiometric,person,real")
    parser.add_argument("--real", type=Path, help="folder of real captures")
    chosen = parser.parse_args()
    parts = set(chosen.only.split(","))
    if "radiometric" in parts:
        _print(radiometric(5 * chosen.seeds))
    if "real" in parts and chosen.real is not None:
        _print(sheets(chosen.real))
        _print(alignment.knocked(chosen.real / "silicone-mask"))
    if "person" in parts:
        _print(alignment.simulated(2 * chosen.seeds))
    if "geometric" in parts:
        _print(geometric(chosen.seeds))


def _print(lines: Iterator[str]) -> None:
    for line in lines:
        print(line, flush=True)


if __name__ == "__main__":
    main()
