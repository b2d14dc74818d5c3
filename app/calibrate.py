"""`trilume calibrate …`: what makes a bundle fit a site."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from rich.console import Console

from app.calibrate_geometric import rig_path, stored_rig
from app.errors import Exit, Refused, say
from app.evaluate import Scoring, score_all
from app.outputs import claim, whole_file, write_whole
from app.target import Reading, same_camera, target_readings
from calibration.radiometric import TooLittle, fit_attenuation
from drivers import session
from drivers.errors import SessionError
from drivers.open import is_session, open_source
from models import site_threshold
from models.extra import require_train_extra
from models.fit_plot import Drawn, fit_picture
from models.manifest import BONA_FIDE, read_manifest
from pipeline.bundle import load_bundle


def calibrate_threshold(
    recordings: Sequence[str],
    manifest: Path | None,
    out: Path,
    bundle_path: Path | None,
    bpcer: float,
    *,
    allow_looser: bool,
    accept_sensor: bool,
    console: Console,
) -> Exit:
    """Judges bona fide recordings and writes a bundle with thresholds for a BPCER of `bpcer` to `out`.

    Raises TrilumeError where `out` exists, a recording is none of a living face or cannot be scored, sessions are too
    few, or their sensor is not the bundle's and `accept_sensor` is not given.
    """
    require_train_extra()
    if out.exists():
        raise Refused(f"{out}: exists: name a new folder for the bundle")
    bundle = load_bundle(bundle_path)
    people = _bona_fide(recordings, manifest)
    needed = site_threshold.sessions_needed(bpcer)
    if len(people) < needed:  # before minutes are spent on judging
        raise Refused(
            f"{len(people)} bona fide recordings: a BPCER of {100 * bpcer:g} % needs at least {needed}; "
            "record more, or ask for a higher --bpcer"
        )
    scoring = Scoring(bundle_path, bundle.sha256, accept_sensor=True)
    with TemporaryDirectory() as parts:
        judged = score_all(list(people), scoring, Path(parts), 1, console)
    scores = site_threshold.live_scores(judged, list(people.values()))
    foreign = sorted(set(scores.sensors) - set(bundle.description.sensors))
    if foreign and not accept_sensor:
        raise Refused(
            f"sensor {foreign[0]} is not one of the bundle's ({', '.join(bundle.description.sensors)}), attacks "
            "before it were never seen: adapt the bundle to it with `trilume finetune`, or give --accept-sensor"
        )
    found = site_threshold.choose(scores, bundle.description.thresholds, bpcer, allow_looser=allow_looser)
    lines = site_threshold.described(found, scores, bpcer)
    description = bundle.description.model_copy(
        update={
            "name": f"{bundle.description.name}, set for a site",
            "created": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "origin": site_threshold.merged_origin(bundle.description.origin, scores.origins),
            "sensors": scores.sensors,
            "thresholds": found.thresholds,
            "operating_point": " ".join(lines[:2]),
        }
    )
    site_threshold.write_site_bundle(bundle, out, description, lines)
    for line in lines:
        say(line)
    return Exit.DONE


def calibrate_radiometric(
    captures: Sequence[str],
    reflectance: float,
    out: Path | None,
    dark_level: float | None,
    picture: Path | None,
    *,
    rig_file: Path | None = None,
    force: bool,
) -> Exit:
    """Fits the camera's law on captures of a flat target and writes a rig with it to `out`, the fit as PNG to `picture`
    where one is wanted. The rig is that of `rig_file`, else the captures' own. Without `out` it goes where the drivers
    look for it, by the camera's serial number; what is stored there already keeps its lenses.

    Raises TrilumeError where `out` exists, a capture lacks infrared on depth's grid or another rig took it, or the
    captures are too few or too alike to tell the law.
    """
    if out is None:
        with closing(open_source(captures[0])) as source:
            source.open()
            out = claim(rig_path(source.info, captures[0]), force=force)
        rig_file = rig_file or (out if out.exists() else None)
    else:
        claim(out, force=force, sources=captures)
    if picture is not None:
        require_train_extra()
        if claim(picture, force=force, sources=captures) == out:
            raise Refused(f"{picture}: is the rig's name too: name another file for the picture")
    found = [reading for name in captures for reading in target_readings(name, reflectance)]
    if not found:
        raise Refused(f"{captures[0]}: no flat target was found in any capture: fill the middle of the picture with it")
    rig = found[0].rig
    kept = stored_rig(rig_file, rig) if rig_file else rig
    other = next((reading.source for reading in found if not same_camera(reading.rig, rig)), None)
    if other:
        raise Refused(f"{other}: was taken with another rig than {captures[0]}: calibrate one camera at a time")
    white = found[0].white_level
    other = next((reading.source for reading in found if reading.white_level != white), None)
    if other:
        raise Refused(f"{other}: has another white level of infrared than {captures[0]}: record all in one mode")
    depth_m, counts, factor, corner = (
        np.concatenate([getattr(r, name) for r in found]) for name in ("depth_m", "counts", "factor", "corner")
    )
    groups = np.repeat(_stands(found), [len(r.counts) for r in found])
    try:
        fit = fit_attenuation(depth_m, counts, factor, groups, white_level=white, corner=corner, dark_level=dark_level)
    except TooLittle as error:
        raise Refused(f"{captures[0]} and {len(captures) - 1} more: {error}") from None
    if picture is not None:
        drawn = Drawn(depth_m, counts, factor, corner, groups, white, found[0].origin)
        write_whole(picture, fit_picture(fit, drawn))
    with whole_file(out) as file:
        file.write(kept.model_copy(update={"radiometric": fit.law}).model_dump_json(indent=2) + "\n")
    law = fit.law
    say(f"rig: {out}")
    say(f"exponent {law.exponent:.4f} (95 % {fit.exponent_interval[0]:.4f}–{fit.exponent_interval[1]:.4f}), "
        f"offset {1000 * law.offset_m:.0f} mm, dark level {law.dark_level:.1f} counts, gain {law.gain:.4f} "
        f"(95 % {fit.gain_interval[0]:.4f}–{fit.gain_interval[1]:.4f})")  # fmt: skip
    say(f"residual {100 * fit.residual:.2f} %, corner at {100 * fit.edge:.1f} % of the centre, {fit.captures} stands, "
        f"{fit.nearest_m:.2f}–{fit.farthest_m:.2f} m ({found[0].origin} data)")  # fmt: skip
    return Exit.DONE


def _stands(readings: Sequence[Reading]) -> list[int]:
    """The stand of the target that each reading is of, by number: frames of one recording at one distance (2 %) err
    together."""
    stands = [(r.source, round(float(np.log(np.median(r.depth_m)) / np.log(1.02)))) for r in readings]
    numbers = {stand: number for number, stand in enumerate(dict.fromkeys(stands))}
    return [numbers[stand] for stand in stands]


def _bona_fide(recordings: Sequence[str], manifest: Path | None) -> dict[Path, str]:
    """Bona fide recordings and their subjects; split test stays unseen, so that `evaluate` may use it."""
    if (manifest is None) == (not recordings):
        raise Refused("calibrate threshold: give either --manifest or recordings")
    if manifest is not None:
        entries = [e for e in read_manifest(manifest) if not e.attack and e.split != "test"]
        return {entry.path: entry.subject for entry in entries}
    return {Path(name): bona_fide_subject(Path(name)) for name in recordings}


def bona_fide_subject(path: Path) -> str:
    """The subject that a recording is labelled with, "" where nobody said. Raises Refused for an attack."""
    if not is_session(path):
        return ""
    try:
        labels = session.labels(path)
    except SessionError as error:
        raise Refused(f"{error}") from error
    if labels.species not in {"", BONA_FIDE}:
        raise Refused(f"{path}: is labelled {labels.species}: only bona fide recordings are wanted here")
    return labels.subject
