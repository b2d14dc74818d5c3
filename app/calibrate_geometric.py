"""`trilume calibrate target | geometric | depth | check`: a rig from a printed target, and whether it still fits."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import ValidationError

from app import calibrate_align as align
from app.errors import Exit, Refused, say
from app.lens_pictures import depth_sheet, residual_sheet
from app.outputs import claim, whole_file, write_whole
from app.pictures import write_png
from app.target_views import (
    Seen,
    frames_across,
    from_depth_camera,
    parsed_board,
    recordings_of,
    sightings_in,
)
from calibration.checking import TargetCheck, check_target
from calibration.correction import Way
from calibration.depth import DepthFit, PlaneReading, fit_depth, read_plane, spacing_ratio
from calibration.detection import TooLittle, seen_from
from calibration.geometric import GeometricFit, LensFit, calibrate_rig
from calibration.projection import project
from calibration.rig import Rig
from calibration.target import Board, TargetError, pdf, png
from drivers.rigs import rig_file, unlike
from drivers.source import CameraInfo

LENS_LIMIT_PX = 1.0  # of 640 columns: root mean square residual that a rig may leave on a target
SHIFT_LIMIT_PX = 1.5  # of 640 columns, between colour and infrared on a target


def target(board_text: str, paper: str, out: Path, *, force: bool) -> Exit:
    """Writes the sheet to print, as .pdf or .png by the name of `out`. Raises Refused."""
    board = parsed_board(board_text)
    draw: Callable[[Board, str], bytes] | None = {".pdf": pdf, ".png": png}.get(out.suffix.lower())
    if draw is None:
        raise Refused(f"{out}: name a .pdf (best) or a .png file")
    claim(out, force=force)
    try:
        content = draw(board, paper)
    except TargetError as error:
        raise Refused(f"--board: {error}") from None
    write_whole(out, content)
    say(f"{out}: {board} on {paper}: print at 100 %, glue to something flat, measure the 100 mm line")
    return Exit.DONE


def geometric(captures: Sequence[str], board_text: str, out: Path | None, report: Path | None, *, force: bool) -> Exit:
    """Fits the lenses and their motion on recordings of the target; writes the rig and a report folder.

    Without `out` the rig goes to the user's data folder under the camera's serial number. Raises TrilumeError where
    something would be overwritten, recordings are of several cameras, or views are too few or too alike.
    """
    board = parsed_board(board_text)
    if out is not None:
        claim(out, force=force, sources=captures)
    seen = sightings_in(captures, board)
    out = out or claim(rig_path(seen.info, captures[0]), force=force)
    folder = report or out.with_name(out.stem + "-report")
    if folder.exists() and not (force and folder.is_dir()):
        raise Refused(f"{folder}: exists: name another --report folder, or overwrite it with --force")
    try:
        fit = calibrate_rig([s.view for s in seen.sightings], seen.rig, board)
    except TooLittle as error:
        raise Refused(f"{captures[0]}: {error}") from None
    folder.mkdir(parents=True, exist_ok=True)
    with whole_file(folder / "report.json") as file:
        json.dump(_told(fit, seen, board), file, indent=2)
    for name, lens in fit.lenses.items():
        write_png(folder / f"{name}.png", residual_sheet(name, lens, seen.info.origin))
    with whole_file(out) as file:
        file.write(fit.rig.model_dump_json(indent=2) + "\n")
    _say_fit(fit, seen)
    say(f"rig: {out}; residuals and coverage: {folder}")
    return Exit.DONE


def depth(captures: Sequence[str], board_text: str, rig_file: Path | None, out: Path | None, *, force: bool) -> Exit:
    """Depth of the target against its pose: scale, bias, flatness. `out` is a folder for report.json and depth.png.

    Raises TrilumeError where `out` exists or the target was read in too few views.
    """
    if out is not None and out.exists() and not (force and out.is_dir()):
        raise Refused(f"{out}: exists: name another folder, or overwrite it with --force")
    board = parsed_board(board_text)
    seen = sightings_in(captures, board)
    rig = stored_rig(rig_file, seen.rig) if rig_file else seen.rig
    try:
        readings, spacing = _depth_readings(seen, rig, board)
        _say_readings(readings, spacing)  # even where they are too few for a fit
        fit = fit_depth(readings)
    except TooLittle as error:
        raise Refused(f"{captures[0]}: {error}") from None
    _say_depth(fit, seen)
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        with whole_file(out / "report.json") as file:
            told = {"format": 1, "origin": seen.info.origin, "board": str(board), "spacing_ratio": spacing}
            json.dump({**told, **asdict(fit)}, file, indent=2)
        write_png(out / "depth.png", depth_sheet(fit, seen.info.origin))
    return Exit.DONE


def check(
    captures: Sequence[str], board_text: str, rig_file: Path | None, out: Path | None = None, way: Way = "turn", *,
    force: bool = False,
) -> Exit:  # fmt: skip
    """Says whether a rig (the recordings' own, or `rig_file`) still fits: on a target where one is seen, else on what
    is seen of a person. There a correction is proposed, and written as a rig to `out` where that is given.

    Raises TrilumeError where the recordings cannot tell, or something would be overwritten.
    """
    board = parsed_board(board_text)
    if out is not None:
        claim(out, force=force, sources=captures)
    seen = sightings_in(captures, board)
    rig = stored_rig(rig_file, seen.rig) if rig_file else seen.rig
    if not seen.sightings:
        return _check_person(captures, rig, out, way, seen.info.origin)
    if out is not None:
        raise Refused(f"{captures[0]}: shows the target: with it `trilume calibrate geometric` writes a rig")
    try:
        found = check_target([s.view for s in seen.sightings], rig, board)
    except TooLittle as error:
        raise Refused(f"{captures[0]}: {error}") from None
    say(f"{verdict_on_target(found, rig)} ({seen.info.origin} data)")
    return Exit.DONE


def _check_person(captures: Sequence[str], rig: Rig, out: Path | None, way: Way, origin: str) -> Exit:
    frames = align.with_landmarks(
        frame_set for _, _, frame_set in islice(frames_across(recordings_of(captures)), align.FRAMES)
    )
    before = align.aligned(frames, rig)
    if before is None or not before.told:
        raise Refused(
            f"{captures[0]}: shows neither the target nor a person clearly enough to tell: record the target, or a "
            "person half a metre before the camera, a metre before a plain wall"
        )
    for line in align.described(before):
        say(line)
    misfits, untold = (" and ".join(names) for names in (before.misfits, before.untold))
    verdict = f"does NOT fit ({misfits})" if misfits else "fits as far as a person tells"
    say(f"the rig {verdict}{f', of {untold} nothing is told' if untold else ''}, {before.frames} "
        f"frame{'s' if before.frames > 1 else ''} ({origin} data)")  # fmt: skip
    better = None if rig.registered else align.proposed(frames, rig, before, way)
    if better is None:
        why = "the streams come registered: mend it where they are made" if rig.registered else "nothing more is told"
        say(f"no correction is proposed: {why}")
        return Exit.DONE
    say(align.explained(rig, better[0], before, way))
    for line in align.described(better[1]):
        say(f"with it: {line}")
    if out is not None:
        with whole_file(out) as file:
            file.write(better[0].model_dump_json(indent=2) + "\n")
    say(f"rig: {out}" if out else "write it with --out RIG.json; better calibrate anew: `trilume calibrate geometric`")
    return Exit.DONE


def verdict_on_target(found: TargetCheck, rig: Rig) -> str:
    """In words, with the correction that would help."""
    unit = rig.grid.width / 640
    bad = [f"{n} misses by {rms:.2f} px" for n, rms in found.rms_px.items() if rms > LENS_LIMIT_PX * unit]
    shift = found.shift_px
    if shift is not None and np.hypot(*shift) > SHIFT_LIMIT_PX * unit:
        bad.append(f"colour lies ({shift[0]:+.1f}, {shift[1]:+.1f}) px beside infrared")
    told = ", ".join(f"{name} {rms:.2f} px" for name, rms in found.rms_px.items())
    if shift is not None:
        told += f", colour beside infrared ({shift[0]:+.2f}, {shift[1]:+.2f}) px"
    if not bad:
        return f"the rig fits: the target in {found.views} views: {told}"
    return f"the rig does NOT fit: {'; '.join(bad)}: calibrate anew with `trilume calibrate geometric`"


def stored_rig(path: Path, recorded: Rig) -> Rig:
    """A rig file for pictures taken with the rig `recorded`. Raises Refused where it is none, or of other pictures."""
    try:
        rig = Rig.model_validate_json(path.read_text(encoding="utf-8"))
    except (ValidationError, UnicodeDecodeError):
        raise Refused(f"{path}: is no rig: give a file that `trilume calibrate geometric` wrote") from None
    if why := unlike(rig, recorded):
        raise Refused(f"{path}: is the rig of another camera or mode than the recordings': {why}")
    return rig


def rig_path(info: CameraInfo, name: str) -> Path:
    """Where a camera's rig is kept: by serial number. Raises Refused for a camera without one."""
    if not info.serial:
        raise Refused(f"{name}: names no serial number of its camera: say with --out where the rig is to go")
    path = rig_file(info.sensor, info.serial)
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def _depth_readings(seen: Seen, rig: Rig, board: Board) -> tuple[list[PlaneReading], float | None]:
    """(readings of the plane, median ratio of corner distances in depth to true ones)."""
    readings, ratios = [], []
    for sighting in seen.sightings:
        picture = sighting.frame_set.depth
        if picture is None:
            continue
        where = from_depth_camera(sighting.view, rig, board)
        unit = sighting.frame_set.depth_unit_m
        reading = read_plane(picture.pixels, unit, rig.depth, where, board)
        if reading is None:
            continue
        readings.append(reading)
        ids = next(iter(sighting.view.values())).ids
        pixels = project(rig.depth, seen_from(where, board.corners[ids]))
        inside = ((pixels >= 0) & (pixels < [rig.depth.width, rig.depth.height])).all(axis=1)
        ratio = spacing_ratio(picture.pixels, unit, rig.depth, pixels[inside], board.corners[ids][inside])
        if ratio is not None:
            ratios.append(ratio[0])
    return readings, float(np.median(ratios)) if ratios else None


def _told(fit: GeometricFit, seen: Seen, board: Board) -> dict[str, Any]:
    motion = fit.infrared_to_color
    return {
        "format": 1,
        "origin": seen.info.origin,
        "sensor": seen.info.sensor,
        "serial": seen.info.serial,
        "board": str(board),
        "frames": seen.frames,
        "views": [s.source for s in seen.sightings],
        "lenses": {name: _lens_told(lens) for name, lens in fit.lenses.items()},
        "infrared_to_color": None if motion is None else {
            "rotation": motion.motion.rotation,
            "translation_m": motion.motion.translation_m,
            "translation_interval_m": motion.translation_interval_m,
            "rotation_interval_deg": motion.rotation_interval_deg,
            "rms_px": motion.rms_px,
            "views": motion.views,
            "dropped": motion.dropped,
        },
        "notes": fit.notes,
    }  # fmt: skip


def _lens_told(lens: LensFit) -> dict[str, Any]:
    return {
        "camera": lens.camera.model_dump(),
        "interval_99_px": dict(zip(("fx", "fy", "cx", "cy"), lens.interval, strict=True)),
        "rms_px": lens.rms_px,
        "views": lens.views,
        "dropped": lens.dropped,
        "corners": len(lens.pixels),
        "coverage": lens.coverage,
        "tilt_deg": lens.tilt_deg,
    }


def _say_fit(fit: GeometricFit, seen: Seen) -> None:
    for name, lens in fit.lenses.items():
        c, half = lens.camera, lens.interval
        say(f"{name}: fx {c.fx:.2f} ± {half[0]:.2f}, fy {c.fy:.2f} ± {half[1]:.2f}, cx {c.cx:.2f} ± {half[2]:.2f}, "
            f"cy {c.cy:.2f} ± {half[3]:.2f} px (99 %), residual {lens.rms_px:.3f} px, {len(lens.views)} views, "
            f"{len(lens.dropped)} dropped ({seen.info.origin} data)")  # fmt: skip
    if fit.infrared_to_color is not None:
        motion = fit.infrared_to_color
        parts = zip(motion.motion.translation_m, motion.translation_interval_m, strict=True)
        shift = ", ".join(f"{1000 * t:.2f} ± {1000 * half:.2f}" for t, half in parts)
        say(f"infrared to colour: ({shift}) mm, angles ± {max(motion.rotation_interval_deg):.3f}° (99 %), "
            f"residual {motion.rms_px:.3f} px, {len(motion.views)} views")  # fmt: skip
    for note in fit.notes:
        say(note)


def _say_readings(readings: Sequence[PlaneReading], spacing: float | None) -> None:
    for reading in sorted(readings, key=lambda r: r.distance_m):
        say(f"at {reading.distance_m:.3f} m: {1000 * (reading.measured_m - reading.distance_m):+.1f} mm, "
            f"plane rms {1000 * reading.plane_rms_m:.2f} mm, turned {reading.tilt_deg:.2f}°, "
            f"{100 * reading.filled:.0f} % filled")  # fmt: skip
    if spacing is not None:
        say(f"corners lie {spacing:.4f} of their true distance apart in depth")


def _say_depth(fit: DepthFit, seen: Seen) -> None:
    bias = "bias not told apart (distances too alike)"
    if fit.bias_interval_m is not None:
        bias = f"bias {1000 * fit.bias_m:+.2f} ± {1000 * fit.bias_interval_m:.2f} mm"
    say(f"depth: scale {fit.scale:.4f} ± {fit.scale_interval:.4f}, {bias} (99 %), {len(fit.readings)} views, "
        f"{fit.readings[0].distance_m:.2f}–{fit.readings[-1].distance_m:.2f} m ({seen.info.origin} data)")  # fmt: skip
