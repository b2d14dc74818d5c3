"""Faces of a site's own recordings, taken by the engine that will judge there.

    DIR/preprocessing.json         of the bundle
    DIR/shard-KEY-00000/           faces of one recording, see `faces`
    DIR/outcomes/KEY.json          written last: what became of its frames

KEY stands for a recording as it is now and for its line of the manifest: what was stopped goes on with the recordings
that lack an outcome, and one that was recorded or labelled anew is taken anew.
"""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from pathlib import Path

from drivers import session
from drivers.errors import TrilumeError
from drivers.frames import FrameSet
from drivers.open import is_session, open_source
from drivers.source import CameraInfo, Source, frames_of
from models.datasets.faces import Faces, FaceWriter, Sample
from models.errors import DatasetError
from models.evaluation import truths_of
from models.judged import Recording
from models.manifest import BONA_FIDE, Entry
from pipeline.bundle import Bundle
from pipeline.engine import Engine
from pipeline.result import Result

EVERY = 5
"""Neighbouring frames are alike: every fifth one is taken."""

SHARD_FACES = 256


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one recording: frames judged, faces kept, why the others are none (reason, count), and where it
    broke off (`problem`, None where it did not)."""

    path: str
    sensor: str
    frames: int
    faces: int
    reasons: tuple[tuple[str, int], ...]
    problem: str | None = None

    def __str__(self) -> str:
        why = ", ".join(f"{reason} ×{count}" for reason, count in self.reasons)
        return f"{self.path}: {self.faces} faces of {self.frames} frames" + (f" ({why})" if why else "")


def _nothing() -> None:
    """Whoever does not watch."""


def prepare_recordings(
    entries: Sequence[Entry],
    bundle: Bundle,
    out: Path,
    *,
    every: int = EVERY,
    advance: Callable[[], None] = _nothing,
) -> tuple[Faces, tuple[Outcome, ...]]:
    """The faces that the engine would judge in every `every`-th frame, and what became of each recording.

    A recording that is damaged counts with what could be read before the damage, and its outcome says so. `advance`
    is called after each recording. Raises DatasetError where `out` is another's folder, where a session's own label
    contradicts the manifest, and where no recording shows a face.
    """
    outcomes = out / "outcomes"
    simulated = (out / "recipe.json").exists()
    if simulated or (any(out.glob("*")) and not outcomes.is_dir()):
        raise DatasetError(f"{out}: holds something else: rename it, the faces of your recordings go there")
    outcomes.mkdir(parents=True, exist_ok=True)
    keys = [_key(entry, every) for entry in entries]
    _drop_others(out, set(keys))
    found = []
    for key, entry in zip(keys, entries, strict=True):
        note = outcomes / f"{key}.json"
        if not note.exists():
            _check_label(entry)
            _write(note, _take(entry, bundle, out, key, every))
        found.append(_read(note, entry))
        advance()
    if not any(outcome.faces for outcome in found):
        raise DatasetError(f"no recording shows a face that would be judged; {found[0].problem or found[0]}")
    return Faces.load(out), tuple(found)


def _key(entry: Entry, every: int) -> str:
    """Names a recording as it is now and as it is labelled, hexadecimal."""
    files = sorted(entry.path.rglob("*")) if entry.path.is_dir() else [entry.path]
    states = [(str(file.resolve()), file.stat().st_size, file.stat().st_mtime_ns) for file in files]
    told = [states, every, {**asdict(entry), "path": ""}]
    return sha256(json.dumps(told).encode()).hexdigest()[:24]


def _drop_others(out: Path, wanted: set[str]) -> None:
    """Removes what belongs to recordings that were not finished or are no longer wanted as they were."""
    for note in (out / "outcomes").iterdir():
        if note.stem not in wanted:
            note.unlink()
    finished = {note.stem for note in (out / "outcomes").glob("*.json")}
    for shard in out.glob("shard-*"):
        if shard.name.split("-")[1] not in finished:
            shutil.rmtree(shard)


def _check_label(entry: Entry) -> None:
    """An attack that is taught as a living face opens the door to all of its kind."""
    try:
        told = session.labels(entry.path).species if is_session(entry.path) else ""
    except TrilumeError:
        return  # damaged: said when it is read
    if told and (told != BONA_FIDE) != entry.attack:
        raise DatasetError(f"{entry.path}: is labelled {told}, the manifest lists it as {entry.label}: correct one")


def _take(entry: Entry, bundle: Bundle, out: Path, key: str, every: int) -> Outcome:
    reasons: Counter[str] = Counter()
    frames = faces = 0
    problem = None
    sensor = ""
    with FaceWriter(out, bundle.description.preprocessing, writer=key, shard_faces=SHARD_FACES) as writer:
        try:
            for frame_set, result, info in _judged(open_source(entry.path), bundle, every):
                frames, sensor = frames + 1, info.sensor
                if result.d_net is None or result.prepared is None:
                    reasons[result.reason.value if result.reason else "no_depth"] += 1
                    continue
                sample = _sample(entry, key, frame_set, result, info)
                face = result.prepared
                if not sample.reflectance:  # M-Net may not learn from what it would never be shown
                    face = replace(face, color=None, stack=None, sum=None, diff=None)
                writer.add(sample, face)
                faces += 1
        except (TrilumeError, OSError) as error:
            problem = str(error)
    return Outcome(str(entry.path), sensor, frames, faces, tuple(sorted(reasons.items())), problem)


def _judged(source: Source, bundle: Bundle, every: int) -> Iterator[tuple[FrameSet, Result, CameraInfo]]:
    """Every n-th frame set with what the engine makes of it, its gate closed, both nets asked."""
    engine: Engine | None = None
    for number, frame_set in enumerate(frames_of(source)):
        if number % every:
            continue
        info = source.info
        engine = engine or Engine(bundle, sensor=info.sensor, accept_sensor=True, both_nets=True)
        yield frame_set, engine.process(frame_set), info
        if engine.faulty:
            raise DatasetError(
                f"{info.name}: frame {frame_set.sequence}: judging failed inside the program, see its log"
            )


def _sample(entry: Entry, key: str, frame_set: FrameSet, result: Result, info: CameraInfo) -> Sample:
    (truth,) = truths_of([entry], [Recording(key, info.sensor, info.origin, foreign=False, frames=())])
    extra, infrared = dict(entry.extra), frame_set.infrared
    skin_type = extra.get("skin_type", "")
    return Sample(
        name=f"{key}-{frame_set.sequence}",
        label=entry.label,
        species=truth.species,
        flat=truth.flat,
        subject=entry.subject,
        instrument=entry.instrument,
        split=entry.split,
        sensor=info.sensor,
        recording=key,
        frame=frame_set.sequence,
        distance_m=result.distance_m or 0.0,
        seed=0,
        origin=truth.origin,
        reflectance=result.m_net is not None,
        light=extra.get("light", ""),
        skin_type=int(skin_type) if skin_type.isdigit() else 0,
        yaw_deg=round(float(result.pose.yaw), 2) if result.pose else 0.0,
        pitch_deg=round(float(result.pose.pitch), 2) if result.pose else 0.0,
        infrared_exposure_ms=round((infrared.exposure_ms or 0.0) * (infrared.gain or 1.0), 4) if infrared else 0.0,
    )


def _write(note: Path, outcome: Outcome) -> None:
    part = note.with_suffix(".part")
    part.write_text(json.dumps(asdict(outcome)), encoding="utf-8")
    part.replace(note)


def _read(note: Path, entry: Entry) -> Outcome:
    try:
        told = json.loads(note.read_text(encoding="utf-8"))
        reasons = tuple((str(reason), int(count)) for reason, count in told.pop("reasons"))
        return Outcome(**{**told, "path": str(entry.path), "reasons": reasons})
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise DatasetError(f"{note}: is damaged ({error}): remove it, its recording is then read again") from error
