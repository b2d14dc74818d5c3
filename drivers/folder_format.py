"""The two text files of a frame folder: `camera.json` and `frames.csv`.

The basic format is what anyone with PNG files can write by hand; the optional keys and columns carry
whatever else a `FrameSet` holds, so that an exported session comes back as it was. drivers/README.md
lists them all.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from io import StringIO
from typing import Any, Final, Literal, cast

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat

from calibration.rig import AttenuationLaw, Extrinsics, Intrinsics, Rig
from drivers.frames import STREAMS, FrameSet, Stream
from drivers.source import CameraInfo, Origin

ASSUMED_RATE_HZ: Final = 30.0


class StreamEntry(Intrinsics):
    """A stream in camera.json: its intrinsics, and the count at which it saturates where known."""

    white_level: FiniteFloat | None = Field(default=None, gt=0)

    def intrinsics(self) -> Intrinsics:
        """The intrinsics alone."""
        return Intrinsics(**self.model_dump(exclude={"white_level"}))


class CameraFile(BaseModel):
    """`camera.json`. From `name` on, the keys are optional extras that an export fills in."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1]
    sensor: str = ""
    depth_unit_m: FiniteFloat = Field(gt=0)
    registered: bool
    color: StreamEntry | None = None
    depth: StreamEntry | None = None
    infrared: StreamEntry | None = None
    depth_to_color: Extrinsics | None = None
    infrared_to_color: Extrinsics | None = None
    name: str = ""
    serial: str = ""
    origin: Origin = "unknown"
    rotation: Literal[0, 90, 180, 270] = 0
    radiometric: AttenuationLaw | None = None
    time_assumed: bool = False
    white_assumed: tuple[Stream, ...] = ()
    notes: Any = None

    @classmethod
    def of(cls, rig: Rig, info: CameraInfo, depth_unit_m: float) -> CameraFile:
        """What an export writes."""
        return cls(
            format=1,
            sensor=info.sensor,
            depth_unit_m=depth_unit_m,
            registered=rig.registered,
            color=_entry(rig.color),
            depth=_entry(rig.depth),
            infrared=_entry(rig.infrared),
            depth_to_color=None if rig.registered else rig.depth_to_color,
            infrared_to_color=None if rig.registered or rig.infrared is None else rig.infrared_to_color,
            name=info.name,
            serial=info.serial,
            origin=info.origin,
            rotation=rig.rotation,
            radiometric=rig.radiometric,
            time_assumed=info.time_assumed,
            white_assumed=cast(tuple[Stream, ...], info.white_assumed),
        )

    def rig(self, present: set[Stream]) -> Rig:
        """The rig, for a folder that has pictures of the streams `present`. Raises ValueError.

        Registered streams share one camera: where depth's or infrared's entry is left out, it is the given one.
        """
        for stream, motion in (("depth", self.depth_to_color), ("infrared", self.infrared_to_color)):
            if self.registered and motion is not None:
                raise ValueError(f'"{stream}_to_color" stands beside "registered": true; drop one of the two')
            if not self.registered and motion is None and stream in present:
                raise ValueError(f'"{stream}_to_color" is missing, and the streams are not registered')
        grid = (self.color or self.infrared or self.depth) if self.registered else None
        cameras = {stream: self._intrinsics(stream, stream in present, grid) for stream in STREAMS}
        motions = {"depth_to_color": self.depth_to_color, "infrared_to_color": self.infrared_to_color}
        return Rig.model_validate(
            {
                **cameras,
                **{key: motion for key, motion in motions.items() if motion is not None},
                "registered": self.registered,
                "rotation": self.rotation,
                "radiometric": self.radiometric,
            }
        )

    def white_level(self, stream: Stream) -> float | None:
        """The white level that the file states for a stream."""
        entry = cast(StreamEntry | None, getattr(self, stream))
        return entry.white_level if entry else None

    def _intrinsics(self, stream: Stream, present: bool, grid: StreamEntry | None) -> Intrinsics | None:
        entry = cast(StreamEntry | None, getattr(self, stream))
        if entry is not None:
            return entry.intrinsics()
        if not present:
            return None
        if grid is None or stream == "color":
            raise ValueError(f'"{stream}" is missing, and there is a folder {stream}/')
        return grid.intrinsics()


def _entry(camera: Intrinsics | None) -> StreamEntry | None:
    return None if camera is None else StreamEntry(**camera.model_dump())


# frames.csv -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Row:
    """One line of frames.csv; what a column does not say is None or not in the dictionary."""

    device_time_s: float
    sequence: int | None = None
    host_time_s: float | None = None
    depth_unit_m: float | None = None
    lost: int = 0
    streams: Mapping[Stream, Mapping[str, Any]] = field(default_factory=dict)


_Cell = Callable[[str], Any]


def _number(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text} is not a finite number")
    return value


def _positive(text: str) -> float:
    value = _number(text)
    if value <= 0:
        raise ValueError(f"{text} is not above 0")
    return value


def _count(text: str) -> int:
    value = int(text)
    if value < 0:
        raise ValueError(f"{text} is negative")
    return value


def _truth(text: str) -> bool:
    known = {"1": True, "true": True, "0": False, "false": False}
    if text.lower() not in known:
        raise ValueError(f"{text} is neither 1 nor 0")
    return known[text.lower()]


_SET_COLUMNS: Final[dict[str, _Cell]] = {
    "index": _count,
    "device_time_s": _number,
    "sequence": int,
    "host_time_s": _number,
    "depth_unit_m": _positive,
    "lost": _count,
}
_STREAM_CELLS: Final[dict[str, _Cell]] = {
    "device_time_s": _number,
    "exposure_ms": _number,
    "gain": _number,
    "emitter_on": _truth,
    "white_level": _positive,
}


def _column(stream: Stream, name: str) -> str:
    """Name of a stream's column; the emitter's is the infrared stream's."""
    return name if (stream, name) == ("infrared", "emitter_on") else f"{stream}_{name}"


_STREAM_COLUMNS: Final = {
    _column(stream, name): (stream, name, cell) for stream in STREAMS for name, cell in _STREAM_CELLS.items()
}
COLUMNS: Final = (*_SET_COLUMNS, *_STREAM_COLUMNS)


def frames_csv(frame_sets: Mapping[int, Mapping[str, str]]) -> str:
    """Text of frames.csv from the cells of each frame number; columns that stay empty are left out."""
    used = [column for column in COLUMNS if any(cells.get(column) for cells in frame_sets.values())]
    text = StringIO()
    table = csv.DictWriter(text, used, restval="", lineterminator="\n", extrasaction="ignore")
    table.writeheader()
    table.writerows(frame_sets.values())
    return text.getvalue()


def cells_of(number: int, frame_set: FrameSet) -> dict[str, str]:
    """A frame set's line: every number with all its digits."""
    cells = {
        "index": str(number),
        "device_time_s": repr(float(frame_set.device_time_s)),
        "sequence": str(frame_set.sequence),
        "host_time_s": repr(float(frame_set.host_time_s)),
        "depth_unit_m": repr(float(frame_set.depth_unit_m)),
        "lost": str(frame_set.lost),
    }
    for column, (stream, name, _) in _STREAM_COLUMNS.items():
        image = frame_set.image(stream)
        value = None if image is None else getattr(image, name)
        if value is not None:
            cells[column] = str(int(value)) if isinstance(value, bool) else repr(float(value))
    return cells


def rows_of(text: str) -> dict[int, Row]:
    """Lines of frames.csv by frame number. Raises ValueError naming line and column."""
    table = csv.DictReader(StringIO(text, newline=""), strict=True)
    columns = table.fieldnames or []
    for column in ("index", "device_time_s"):
        if column not in columns:
            raise ValueError(f'column "{column}" is missing')
    unknown = next((column for column in columns if column not in COLUMNS), None)
    if unknown is not None:
        raise ValueError(f'column "{unknown}" is unknown; known are {", ".join(COLUMNS)}')
    rows: dict[int, Row] = {}
    for cells in table:
        if None in cells or None in cells.values():
            raise ValueError(f"line {table.line_num} has not {len(columns)} cells")
        index, row = _row(cells, table.line_num)
        if index in rows:
            raise ValueError(f"line {table.line_num}: index {index} stands twice")
        rows[index] = row
    return rows


def _row(cells: Mapping[str, str], line: int) -> tuple[int, Row]:
    def values(columns: Mapping[str, _Cell]) -> dict[str, Any]:
        return {name: _value(cells[name], cell, name) for name, cell in columns.items() if cells.get(name)}

    try:
        of_set = values(_SET_COLUMNS)
        streams: dict[Stream, dict[str, Any]] = {stream: {} for stream in STREAMS}
        for column, value in values({name: cell for name, (_, _, cell) in _STREAM_COLUMNS.items()}).items():
            stream, name, _ = _STREAM_COLUMNS[column]
            streams[stream][name] = value
        return of_set.pop("index"), Row(**of_set, streams=streams)
    except (KeyError, TypeError) as error:
        raise ValueError(f"line {line}: index or device_time_s is empty") from error
    except ValueError as error:
        raise ValueError(f"line {line}, {error}") from error


def _value(text: str, cell: _Cell, column: str) -> Any:
    try:
        return cell(text.strip())
    except ValueError as error:
        raise ValueError(f'column "{column}": {error}') from error
