"""A capture protocol: which takes a data set wants, how far it has come, and which comes next.

Written as TOML (`trilume studio protocol example`) or as CSV with one line a take and the same keys as columns.
Progress is computed from the recordings on disk alone, so that it survives everything the recordings survive.
"""

from __future__ import annotations

import csv
import re
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, ValidationError, model_validator

from app.errors import Refused
from app.studio.takes import BONA_FIDE, StoredTake
from drivers.session import Labels

EVERYBODY: Final = "*"
DISTANCE_SLACK_M: Final = 0.05  # a label within 5 cm of what was asked for is that distance

EXAMPLE: Final = """\
# A capture protocol. Take by take: who, what, in which light, how far away, how often.
name = "office"
subjects = ["0001", "0002", "0003"]   # pseudonyms; a take for "*" is asked of each of them

[[take]]
species = "bona_fide"
lighting = "office"
distance_m = 0.6
repetitions = 2
seconds = 5.0                          # shortest recording that counts
instruction = "Look at the camera and turn your head slowly to each side."

[[take]]
species = "flat_print"
instrument = ""                        # empty: any specimen; a name: that one
lighting = "office"
distance_m = 0.6
repetitions = 1
instruction = "Hold the print of your own face flat before your face."

[[take]]
species = "silicone_mask"
lighting = "dim"
distance_m = 0.5
repetitions = 1
good_frames = 60                       # fewest frame sets that count
instruction = "Put the mask on and look at the camera."
"""


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Planned(_Model):
    """One kind of take. `subject` `*` asks it of every subject; what is empty or None may be anything."""

    species: str = Field(min_length=1)
    subject: str = EVERYBODY
    instrument: str = ""
    lighting: str = ""
    distance_m: FiniteFloat | None = Field(default=None, gt=0, le=10)
    repetitions: int = Field(default=1, ge=1, le=1000)
    seconds: FiniteFloat = Field(default=3.0, ge=0, le=3600)
    good_frames: int = Field(default=1, ge=1)
    instruction: str = ""

    @model_validator(mode="after")
    def _bona_fide_without_instrument(self) -> Planned:
        if self.species == BONA_FIDE and self.instrument:
            raise ValueError("bona_fide needs no instrument: leave it out, or name the attack's species")
        return self

    def wants(self, stored: StoredTake, subject: str) -> bool:
        """Whether a recording is this take of that subject ("" is anybody)."""
        labels = stored.labels
        return (
            stored.counts
            and labels.species == self.species
            and (not subject or labels.subject == subject)
            and (not self.instrument or labels.instrument == self.instrument)
            and (not self.lighting or labels.lighting == self.lighting)
            and (self.distance_m is None or _near(labels.distance_m, self.distance_m))
            and stored.frames >= self.good_frames
            and stored.seconds + 0.5 >= self.seconds  # times run from the first to the last frame set
        )


def _near(said: float | None, wanted: float) -> bool:
    return said is not None and abs(said - wanted) <= DISTANCE_SLACK_M + 1e-9


class Protocol(_Model):
    """A protocol as its file says. `take` are the rows in their order."""

    name: str = ""
    subjects: tuple[str, ...] = ()
    take: tuple[Planned, ...] = Field(min_length=1)

    def cells(self) -> Iterator[tuple[Planned, str]]:
        """Every (row, subject) in the order in which takes are made: subject by subject, each row in turn."""
        everybody = self.subjects or ("",)
        named = dict.fromkeys(row.subject for row in self.take if row.subject not in {EVERYBODY, *everybody})
        for subject in (*everybody, *named):
            for row in self.take:
                if row.subject == subject or (row.subject == EVERYBODY and subject in everybody):
                    yield row, subject


@dataclass(frozen=True, slots=True)
class Progress:
    """One row for one subject: takes on disk of those wanted; `paths` are the ones counted."""

    planned: Planned
    subject: str
    paths: tuple[Path, ...]

    @property
    def done(self) -> int:
        return len(self.paths)

    @property
    def missing(self) -> int:
        return max(0, self.planned.repetitions - self.done)

    @property
    def labels(self) -> Labels:
        """Labels for a take of this row."""
        row = self.planned
        return Labels(
            subject=self.subject,
            species=row.species,
            instrument=row.instrument,
            lighting=row.lighting,
            distance_m=row.distance_m,
        )


def progress(protocol: Protocol, takes: Iterable[StoredTake]) -> list[Progress]:
    """How far each row has come. A recording counts once, for the first row that still wants it."""
    cells = list(protocol.cells())
    counted: list[list[Path]] = [[] for _ in cells]
    for stored in takes:
        for number, (row, subject) in enumerate(cells):
            if len(counted[number]) < row.repetitions and row.wants(stored, subject):
                counted[number].append(stored.path)
                break
    return [Progress(row, subject, tuple(paths)) for (row, subject), paths in zip(cells, counted, strict=True)]


def next_take(rows: Sequence[Progress]) -> Progress | None:
    """The first row that still misses a take; None where all is done."""
    return next((row for row in rows if row.missing), None)


# Reading --------------------------------------------------------------------------------------------


def read_protocol(path: Path) -> Protocol:
    """A protocol from a `.toml` or `.csv` file. Raises Refused with line, key and what is wrong."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise Refused(f"{path}: cannot be read as text ({reason}): name a protocol, .toml or .csv") from error
    if path.suffix.lower() == ".csv":
        return _from_csv(path, text)
    return _from_toml(path, text)


def _from_toml(path: Path, text: str) -> Protocol:
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise Refused(f"{path}: is not TOML: {error}") from error
    try:
        return Protocol.model_validate(data)
    except ValidationError as error:
        first = _foremost(error)
        raise Refused(f"{path}: {_toml_place(text, first['loc'])}: {_said(first)}") from error


def _toml_place(text: str, where: Sequence[int | str]) -> str:
    """`line 12: take 2: distance_m`: the table's line, or the key's where it stands in that table."""
    lines = text.splitlines()
    keys = [str(part) for part in where if isinstance(part, str)]
    number = next((part for part in where if isinstance(part, int)), None)
    start = 0
    if number is not None and where[0] == "take":
        tables = [at for at, line in enumerate(lines) if re.match(r"\s*\[\[\s*take\s*\]\]", line)]
        start = tables[number] if number < len(tables) else 0
        label = f"take {number + 1}"
    else:
        label = ""
    rest = lines[start + 1 :] if label else lines
    end = next((at for at, line in enumerate(rest) if re.match(r"\s*\[", line)), len(rest))
    at = next((i for i, line in enumerate(rest[:end]) if re.match(rf"\s*{re.escape(keys[-1])}\s*=", line)), None)
    line = start + 1 if at is None else at + 1 + (start + 1 if label else 0)
    return ": ".join(part for part in (f"line {line}", label, ".".join(keys[1:] if label else keys)) if part)


def _from_csv(path: Path, text: str) -> Protocol:
    reader = csv.DictReader(text.splitlines())
    rows = []
    for cells in reader:
        where = f"{path}: line {reader.line_num}"
        if None in cells or None in cells.values():
            raise Refused(f"{where}: has more or fewer fields than the header: quote commas, fill in what is missing")
        said: dict[str, Any] = {key.strip(): cell.strip() for key, cell in cells.items() if cell.strip()}
        try:
            rows.append(Planned.model_validate(said))
        except ValidationError as error:
            first = _foremost(error)
            key = ".".join(map(str, first["loc"]))
            raise Refused(f"{where}: {f'{key}: ' if key else ''}{_said(first, of_row=True)}") from error
    if not rows:
        raise Refused(f"{path}: lists no takes: a header such as species,lighting,distance_m,repetitions, then lines")
    return Protocol(name=path.stem, take=tuple(rows))


def _foremost(error: ValidationError) -> Any:
    """A key that does not exist before all else: a misspelt one is missing too."""
    return min(error.errors(), key=lambda one: one["type"] != "extra_forbidden")


def _said(error: Any, *, of_row: bool = False) -> str:
    """Pydantic's message in our words where its own names nothing that the writer of a file knows."""
    if error["type"] == "extra_forbidden":
        of_file = len(error["loc"]) == 1 and not of_row
        return f"no such key; there are {', '.join(Protocol.model_fields if of_file else Planned.model_fields)}"
    if error["type"] == "missing":
        return "is missing: write it down"
    message = str(error["msg"]).removeprefix("Value error, ")
    given = error.get("input")
    return f"{message} (is {given!r})" if isinstance(given, str | int | float) else message
