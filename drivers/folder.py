"""Frame folders: recordings as plain PNG files, `camera.json` and `frames.csv`.

The format for whoever has pictures but no session file. The layout: drivers/README.md.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from calibration.rig import Rig
from drivers.codecs import MAX_FILE_BYTES, PictureError, PngHeader, decode, encode, png_header
from drivers.errors import EndedEarly, NotFound, SessionError
from drivers.folder_format import ASSUMED_RATE_HZ, CameraFile, Row, cells_of, frames_csv, rows_of
from drivers.frames import STREAMS, FrameSet, Image, Stream
from drivers.replay import Replay
from drivers.session_format import camera_of_stream, check_fits, streams_of
from drivers.session_reader import opening_error
from drivers.session_writer import PART, creation_error, first_line
from drivers.source import CameraInfo

Parsed = TypeVar("Parsed")

CAMERA_FILE: Final = "camera.json"
FRAMES_FILE: Final = "frames.csv"
WHITE_PERCENTILE: Final = 99.9
WHITE_PICTURES: Final = 64
"""A 16-bit stream's white level is estimated from at most that many pictures, spread evenly."""


class FolderReader:
    """A frame folder with random access. `info` says what had to be assumed."""

    problems: tuple[str, ...] = ()

    def __init__(self, path: Path) -> None:
        """Raises NotFound, AccessDenied, and SessionError naming the file, what is wrong and the remedy."""
        self.path = path
        self._camera = _parsed(path / CAMERA_FILE, CameraFile.model_validate_json)
        self._files = {stream: _pictures(path / stream) for stream in STREAMS}
        present = {stream for stream, files in self._files.items() if files is not None}
        if "depth" not in present:
            raise NotFound(f"{path / 'depth'}: is missing; a frame folder needs depth pictures (drivers/README.md)")
        try:
            self._rig = self._camera.rig(present)
        except ValueError as error:
            raise SessionError(f"{path / CAMERA_FILE}: {first_line(error)}; correct that entry") from error
        self._numbers = sorted(set().union(*(files or {} for files in self._files.values())))
        if not self._numbers:
            raise SessionError(f"{path}: no pictures in color/, depth/ or infrared/; name them 000000.png on")
        self._rows = self._read_rows()
        self._white: dict[Stream, float] = {}
        self._bits: int | None = None  # of infrared, where its white level goes by that
        assumed = tuple(stream for stream in STREAMS if self._settle_white(stream))
        self._info = CameraInfo(
            name=self._camera.name or self._camera.sensor or path.name,
            sensor=self._camera.sensor,
            serial=self._camera.serial,
            frames=len(self._numbers),
            origin=self._camera.origin,
            time_assumed=self._rows is None or self._camera.time_assumed,
            white_assumed=assumed or self._camera.white_assumed,
        )

    @property
    def info(self) -> CameraInfo:
        """Who recorded, and what was assumed about it."""
        return self._info

    @property
    def rig(self) -> Rig:
        """The rig that every frame set shares."""
        return self._rig

    def __len__(self) -> int:
        return len(self._numbers)

    def frame(self, number: int) -> FrameSet:
        """The frame set at a position from 0. Raises SessionError, AccessDenied."""
        file_number = self._numbers[number]
        gap = file_number - self._numbers[number - 1] - 1 if number else 0
        row = Row(file_number / ASSUMED_RATE_HZ) if self._rows is None else self._rows[file_number]
        images = {stream: self._image(stream, file_number, row) for stream in STREAMS}
        return FrameSet(
            sequence=file_number if row.sequence is None else row.sequence,
            host_time_s=row.device_time_s if row.host_time_s is None else row.host_time_s,
            depth_unit_m=row.depth_unit_m or self._camera.depth_unit_m,
            rig=self._rig,
            lost=row.lost + gap,
            **images,
        )

    def close(self) -> None:
        """Nothing is held open."""

    def _image(self, stream: Stream, file_number: int, row: Row) -> Image | None:
        path = (self._files[stream] or {}).get(file_number)
        if path is None:
            return None
        known = {"device_time_s": row.device_time_s, "white_level": self._white[stream], **row.streams.get(stream, {})}
        pixels = _picture(path, stream, self._rig)
        if stream == "infrared" and self._bits not in (None, 8 * pixels.itemsize):
            raise SessionError(f"{path}: has not the {self._bits} bits of the first infrared picture; replace it")
        return Image(pixels, **known)

    def _read_rows(self) -> dict[int, Row] | None:
        path = self.path / FRAMES_FILE
        if not path.exists():
            return None
        rows = _parsed(path, rows_of)
        without = next((number for number in self._numbers if number not in rows), None)
        if without is not None:
            raise SessionError(f"{path}: no line for frame {without}; add it, or remove the whole file")
        return rows

    def _settle_white(self, stream: Stream) -> bool:
        """Settles a stream's white level; true where it is an estimate."""
        files = list((self._files[stream] or {}).values())
        stated = self._camera.white_level(stream)
        self._white[stream] = stated or (65535.0 if stream == "depth" else 255.0)
        if stated or stream != "infrared" or not files or self._white_in_rows(stream):
            return False
        self._bits = png_header(_bytes(files[0])).bits
        if self._bits == 8:
            return False
        spread = [files[k] for k in np.linspace(0, len(files) - 1, min(len(files), WHITE_PICTURES), dtype=int)]
        self._white[stream] = _percentile(_picture(path, stream, self._rig) for path in spread)
        return True

    def _white_in_rows(self, stream: Stream) -> bool:
        numbers = self._files[stream] or {}
        return self._rows is not None and all("white_level" in self._rows[number].streams[stream] for number in numbers)


class FolderSource(Replay):
    """`Source` that replays a frame folder."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, FolderReader)


def write_folder(folder: Path, frames: Iterable[FrameSet], info: CameraInfo) -> int:
    """Writes frame sets as a new frame folder and returns how many.

    The folder has its name once it is whole; before, it is `NAME.part`. Where `frames` breaks off
    (`EndedEarly`), the good sets are finished as a folder and the error goes on. Raises SessionError where
    the name is taken, sets of several rigs are mixed or the disk refuses; NotFound, AccessDenied.
    """
    part = folder.with_name(folder.name + PART)
    for path in (folder, part):
        if path.exists():
            raise SessionError(f"{path}: exists and is not overwritten; remove it or choose another name")
    try:
        part.mkdir(mode=0o700)
    except OSError as error:
        raise creation_error(part, error) from error
    try:
        return _write_folder(part, folder, frames, info)
    except OSError as error:
        raise SessionError(f"{part}: cannot be written: {error.strerror}; make room and export again") from error


def _write_folder(part: Path, folder: Path, frames: Iterable[FrameSet], info: CameraInfo) -> int:
    lines: dict[int, dict[str, str]] = {}
    first: FrameSet | None = None
    broken: EndedEarly | None = None
    try:
        for number, frame_set in enumerate(frames):
            if first is None:
                first = frame_set
                for stream in streams_of(first.rig):
                    (part / stream).mkdir()
            if frame_set.rig != first.rig:
                raise SessionError(f"{part}: frame set {number} comes from another rig; export it on its own")
            _write_pictures(part, number, frame_set)
            lines[number] = cells_of(number, frame_set)
    except EndedEarly as error:
        broken = error
    if first is None:
        part.rmdir()
        raise broken or SessionError(f"{folder}: no frame sets to export; check the recording")
    camera = CameraFile.of(first.rig, info, first.depth_unit_m)
    (part / FRAMES_FILE).write_text(frames_csv(lines), encoding="utf-8")
    (part / CAMERA_FILE).write_text(camera.model_dump_json(indent=1, exclude_none=True), encoding="utf-8")
    part.rename(folder)
    if broken:
        raise broken
    return len(lines)


def _write_pictures(folder: Path, number: int, frame_set: FrameSet) -> None:
    for stream in STREAMS:
        image = frame_set.image(stream)
        if image is None:
            continue
        try:
            check_fits(stream, image, frame_set.rig)
        except ValueError as error:
            raise SessionError(f"{folder}: frame set {number}: {error}; it cannot be exported") from error
        (folder / stream / f"{number:06d}.png").write_bytes(encode(image.pixels, "png"))


def _pictures(folder: Path) -> dict[int, Path] | None:
    """Picture files of a stream by their number; None where the stream has no folder."""
    try:
        names = sorted(path for path in folder.iterdir() if path.suffix == ".png" and path.stem.isdecimal())
    except FileNotFoundError:
        if not folder.parent.exists():
            raise NotFound(f"{folder.parent}: no such recording; check the path") from None
        return None
    except OSError as error:
        raise opening_error(folder, error) from error
    files: dict[int, Path] = {}
    for path in names:
        number = int(path.stem)
        if number in files:
            raise SessionError(f"{path}: has the same number as {files[number].name}; remove one of the two")
        files[number] = path
    return files


def _picture(path: Path, stream: Stream, rig: Rig) -> NDArray[Any]:
    """Decodes one picture after its header was found to fit stream and rig."""
    camera = camera_of_stream(rig, stream)
    if camera is None:
        raise SessionError(f'{path}: "{stream}" is missing in {CAMERA_FILE}; add it or remove the folder')
    data = _bytes(path)
    try:
        header = png_header(data)
        if (header.height, header.width) != camera.shape:
            raise PictureError(f"{header}, but {CAMERA_FILE} says {camera.width}x{camera.height}")
        _check_kind(stream, header)
        return decode(data, "png", header.shape, header.bits)
    except PictureError as error:
        raise SessionError(f"{path}: {error}; replace the picture or correct {CAMERA_FILE}") from error


def _check_kind(stream: Stream, header: PngHeader) -> None:
    if stream == "color" and not header.is_rgb8:
        raise PictureError(f"{header}, but color pictures are 8-bit RGB")
    if stream == "depth" and not header.is_grey(16):
        raise PictureError(f"{header}, but depth pictures are 16-bit grey counts")
    if stream == "infrared" and not header.is_grey(8, 16):
        raise PictureError(f"{header}, but infrared pictures are 8- or 16-bit grey")


def _percentile(pictures: Iterable[NDArray[Any]]) -> float:
    """The count below which `WHITE_PERCENTILE` % of all pixels lie, at least 1."""
    histogram = np.zeros(65536, np.int64)
    for pixels in pictures:
        histogram += np.bincount(pixels.ravel(), minlength=65536)
    below = np.cumsum(histogram)
    return float(max(1, np.searchsorted(below, below[-1] * WHITE_PERCENTILE / 100)))


def _parsed(path: Path, parse: Callable[[str], Parsed]) -> Parsed:
    data = _bytes(path)
    try:
        return parse(data.decode("utf-8-sig"))  # spreadsheets and Windows editors put a mark in front
    except UnicodeDecodeError as error:
        raise SessionError(f"{path}: is not UTF-8 text (byte {error.start}); save it as UTF-8") from error
    except (ValueError, csv.Error) as error:
        raise SessionError(f"{path}: {first_line(error)}; correct it") from error


def _bytes(path: Path) -> bytes:
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise SessionError(f"{path}: larger than {MAX_FILE_BYTES >> 20} MiB; replace it")
        return path.read_bytes()
    except FileNotFoundError as error:
        raise NotFound(f"{path}: is missing; a frame folder needs it (drivers/README.md)") from error
    except OSError as error:
        raise opening_error(path, error) from error
