"""`trilume sessions import`: recordings of camera SDKs, frame folders and plain folders of pictures as sessions."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from app.errors import Exit, Refused, say, worst
from calibration.rig import Rig
from drivers.errors import EndedEarly, TrilumeError
from drivers.folder import CAMERA_FILE, FolderSource
from drivers.folder_format import CameraFile
from drivers.frames import FrameSet, Stream
from drivers.open import SESSION_SUFFIX, open_source
from drivers.rigs import load_rig, unlike
from drivers.session import PART, Labels, SessionWriter
from drivers.source import CameraInfo, Source, frames_of

RECORDINGS: Final = (".bag", ".db3")
PICTURES: Final = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff")
MAX_PICTURE_BYTES: Final = 64 << 20

FOLDERS: Final[dict[Stream, tuple[str, ...]]] = {
    "color": ("color", "colour", "rgb"),
    "depth": ("depth",),
    "infrared": ("infrared", "ir"),
}
"""Names that the folder of a stream's pictures may have, in any case."""

_STREAM_WORDS: Final = re.compile(r"(?<![a-z])(color|colour|rgb|depth|infrared|ir|aligned|raw)(?![a-z])")
_MIXED: Final = re.compile(r"(\d+)")


@dataclass(frozen=True, slots=True)
class Foreign:
    """What a folder of pictures does not say: metres a depth count, and the key of the sensor."""

    depth_unit_m: float = 0.001
    sensor: str = ""


def import_recordings(
    sources: Sequence[Path], out: Path, label_texts: Sequence[str], rig_file: Path | None, foreign: Foreign
) -> Exit:
    """Writes a session `NAME.mcap` into the folder `out` for each source `NAME…`; says which could not be read.

    `label_texts` are KEY=VALUE, the same for all. Raises Refused, before anything is read, where a source is a link,
    climbs by `..` or is none, two have one name, or a session of a name is there already.
    """
    labels = parsed_labels(label_texts)
    rig = load_rig(rig_file) if rig_file else None
    targets = _targets(sources, out)
    out.mkdir(parents=True, exist_ok=True)
    codes = []
    for source, target in targets.items():
        try:
            codes.append(_import(source, target, labels, rig, foreign))
        except TrilumeError as error:
            say(error)
            codes.append(Exit.BAD_INPUT)
    return worst(codes)


def parsed_labels(texts: Sequence[str]) -> Labels:
    """Labels of `KEY=VALUE` texts. Raises Refused that names the wrong one."""
    pairs = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals or key.strip() in pairs:
            raise Refused(f"--labels {text}: write KEY=VALUE, each key once, such as species=bona_fide")
        pairs[key.strip()] = value.strip()
    try:
        return Labels.model_validate(pairs)
    except ValidationError as error:
        first = error.errors()[0]
        raise Refused(
            f"--labels {first['loc'][0]}: {first['msg']}; the keys are {', '.join(Labels.model_fields)}"
        ) from None


def _targets(sources: Sequence[Path], out: Path) -> dict[Path, Path]:
    targets: dict[Path, Path] = {}
    for source in sources:
        if ".." in source.parts:
            raise Refused(f"{source}: leads up by `..`: give the path itself")
        if source.is_symlink():
            raise Refused(f"{source}: is a link: give what it leads to")
        if not source.is_dir() and not (source.is_file() and source.suffix in RECORDINGS):
            raise Refused(f"{source}: is no recording of a camera SDK (.bag, .db3) and no folder: check the path")
        target = out / ((source.name if source.is_dir() else source.stem) + SESSION_SUFFIX)
        if target in targets.values():
            raise Refused(f"{source}: would become {target} like another one: import it into another folder")
        for taken in (target, target.with_name(target.name + PART)):
            if taken.exists():
                raise Refused(f"{taken}: exists: import into another folder")
        targets[source] = target
    return targets


def _import(source: Path, target: Path, labels: Labels, rig: Rig | None, foreign: Foreign) -> Exit:
    if source.is_dir() and not (source / CAMERA_FILE).exists():
        with TemporaryDirectory(prefix="trilume-") as scratch:
            names = _as_frame_folder(source, Path(scratch), rig, foreign)
            info_changes = {"name": foreign.sensor or source.name}
            code = _copy(FolderSource(Path(scratch)), target, labels, None, info_changes)
        say(f"{source}: {len(names)} frame sets, from {names[0]} to {names[-1]}; times are assumed")
        return code
    if source.is_dir():
        _refuse_links(source)
    return _copy(open_source(source), target, labels, rig, {})


def _copy(source: Source, target: Path, labels: Labels, rig: Rig | None, changes: dict[str, Any]) -> Exit:
    """Writes what a source delivers; what is good before it breaks off is a whole session (Exit.ENDED_EARLY)."""
    broken: EndedEarly | None = None
    with closing(source):
        frames = frames_of(source)
        first = next(frames, None)
        if first is None:
            raise Refused(f"{target.stem}: holds no frames: nothing to import")
        used = rig and _fitting(rig, first, target.stem)
        info: CameraInfo = replace(source.info, **changes)
        with SessionWriter(target, used or first.rig, info, labels) as writer:
            try:
                for frame_set in chain([first], frames):
                    writer.write(replace(frame_set, rig=used) if used else frame_set)
            except EndedEarly as error:
                broken = error
    say(f"{target}: {writer.frames} frame sets" + (f", what is good: {broken}" if broken else ""))
    return Exit.ENDED_EARLY if broken else Exit.DONE


def _fitting(rig: Rig, frame_set: FrameSet, name: str) -> Rig:
    if why := unlike(rig, frame_set.rig):
        raise Refused(f"{name}: --rig is of another camera or mode than the recording's: {why}")
    return rig


# Folders of pictures --------------------------------------------------------------------------------


def _as_frame_folder(source: Path, folder: Path, rig: Rig | None, foreign: Foreign) -> list[str]:
    """Copies the pictures as a frame folder; the names of its frame sets, in order. Raises Refused."""
    pictures = {stream: _pictures(source, names) for stream, names in FOLDERS.items()}
    if not pictures["depth"]:
        raise Refused(f"{source}: has no {CAMERA_FILE} and no depth/ with pictures: is it a recording?")
    if rig is None:
        raise Refused(f"{source}: says nothing of its camera: give its rig with --rig RIG.json (drivers/README.md)")
    names = sorted({name for files in pictures.values() for name in files}, key=_in_order)
    alone = [stream for stream, files in pictures.items() if files and not pictures["depth"].keys() & files.keys()]
    if alone:
        raise Refused(f"{source}: no picture of {alone[0]} has the name of one of depth: name those alike that belong")
    camera = CameraFile.of(rig, CameraInfo(foreign.sensor or source.name, foreign.sensor), foreign.depth_unit_m)
    (folder / CAMERA_FILE).write_text(camera.model_dump_json(), encoding="utf-8")
    for stream, files in pictures.items():
        if not files:
            continue
        if getattr(rig, stream) is None:
            raise Refused(f"{source}: has pictures of {stream}, and the rig has no such camera: add it, or remove them")
        (folder / stream).mkdir()
        for number, name in enumerate(names):
            if name in files:
                _convert(files[name], folder / stream / f"{number:06d}.png", stream, getattr(rig, stream).shape)
    return names


def _pictures(source: Path, names: Sequence[str]) -> dict[str, Path]:
    """The pictures of a stream by the name that their frame set has."""
    folders = [path for path in sorted(source.iterdir()) if path.name.lower() in names and path.is_dir()]
    if len(folders) > 1:
        raise Refused(f"{folders[1]}: is a second folder of the stream of {folders[0].name}/: remove one")
    found: dict[str, Path] = {}
    for folder in folders:
        _refuse_links(folder)
        for path in sorted(folder.iterdir()):
            if path.suffix.lower() not in PICTURES:
                continue
            name = set_name(path.stem)
            if name in found:
                raise Refused(f"{path}: belongs to the same instant as {found[name].name}: remove or rename one")
            found[name] = path
    return found


def set_name(stem: str) -> str:
    """What is left of a picture's name without the words for its stream: `depth_0007` and `0007_ir` give `0007`."""
    return _STREAM_WORDS.sub("", stem.lower()).strip("_- .") or stem.lower()


def _in_order(name: str) -> list[tuple[int, int, str]]:
    """Numbers by their value: 9 before 10."""
    parts = (part for part in _MIXED.split(name) if part)
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts]


def _refuse_links(folder: Path) -> None:
    """A link may lead to any file of whoever imports."""
    for path in chain([folder], folder.rglob("*")):
        if path.is_symlink():
            raise Refused(f"{path}: is a link: put the file itself there")


def _convert(path: Path, target: Path, stream: Stream, shape: tuple[int, int]) -> None:
    """A picture as PNG of the kind that frame folders have; `shape` (height, width) is the rig's. Raises Refused."""
    if path.stat().st_size > MAX_PICTURE_BYTES:
        raise Refused(f"{path}: has more than {MAX_PICTURE_BYTES >> 20} MiB: is it a picture of a camera?")
    try:
        pixels = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error:  # empty, or of a size that is none
        pixels = None
    if pixels is None:
        raise Refused(f"{path}: cannot be read as a picture: replace or remove it")
    kept = _color(pixels) if stream == "color" else _grey(pixels)
    bits = {"color": (np.uint8,), "depth": (np.uint16,), "infrared": (np.uint8, np.uint16)}[stream]
    if kept is None or kept.dtype not in bits:
        wanted = {"color": "8-bit colour", "depth": "16-bit grey", "infrared": "8- or 16-bit grey"}[stream]
        raise Refused(f"{path}: is {pixels.dtype} {pixels.shape}, {stream} is {wanted}: export it so")
    if kept.shape[:2] != shape:
        here, there = (f"{width}×{height}" for height, width in (kept.shape[:2], shape))
        raise Refused(f"{path}: is {here}, and {stream} of the rig {there}: give the rig of these pictures")
    if not cv2.imwrite(str(target), kept, [cv2.IMWRITE_PNG_COMPRESSION, 1]):
        raise Refused(f"{target}: cannot be written: make room in the temporary folder")


def _color(pixels: NDArray[Any]) -> NDArray[Any]:
    if pixels.ndim == 2:
        return np.repeat(pixels[..., None], 3, axis=2)
    return np.ascontiguousarray(pixels[..., :3])


def _grey(pixels: NDArray[Any]) -> NDArray[Any] | None:
    """The one channel; of a grey picture that was saved as colour too."""
    if pixels.ndim == 2:
        return pixels
    same = all(np.array_equal(pixels[..., 0], pixels[..., k]) for k in range(1, min(3, pixels.shape[2])))
    return np.ascontiguousarray(pixels[..., 0]) if same else None
