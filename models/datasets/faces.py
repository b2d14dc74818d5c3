"""Store of prepared faces: what the pipeline hands the nets, kept on disk as plain arrays.

    DIR/preprocessing.json            how the faces were made; a bundle trained on them carries it on
    DIR/shard-WRITER-00000/faces.csv  one line a face
                           depth_maps.npy  uint8 [n, 3, 112, 112]    F1, F2, F3, background 255
                           stack.npy       float16 [n, 4, 112, 112]  linear r, g, b, ir, distance-free
                           sum.npy         uint8 [n, 3, 112, 112]
                           diff.npy        uint8 [n, 3, 112, 112]
                           mask.npy        uint8 [n, 112, 112]       1 = face

A shard appears whole, by one rename, so a killed writer loses at most the shard it was filling. Several
processes may fill one store, each under a writer name of its own.
"""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self, get_args

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from models.errors import DatasetError
from pipeline.parameters import FACE_SIZE, Preprocessing
from pipeline.result import Prepared

Label = Literal["bona_fide", "attack"]
Split = Literal["train", "dev", "test"]
Block = Literal["depth_maps", "stack", "sum", "diff", "mask"]

_SQUARE = (FACE_SIZE, FACE_SIZE)
BLOCKS: Mapping[Block, tuple[type, tuple[int, ...]]] = {
    "depth_maps": (np.uint8, (3, *_SQUARE)),
    "stack": (np.float16, (4, *_SQUARE)),
    "sum": (np.uint8, (3, *_SQUARE)),
    "diff": (np.uint8, (3, *_SQUARE)),
    "mask": (np.uint8, _SQUARE),
}


@dataclass(frozen=True, slots=True)
class Sample:
    """One line of faces.csv. `name` is unique in the store and makes a broken-off run resumable.

    `flat` tells 2-D instruments (prints, screens) from 3-D ones. `recording` groups frames of one session.
    `reflectance` is false where infrared or colour was missing: such a face serves D-Net only. `light` names the
    room's light, `skin_type` is Fitzpatrick's 1..6, `infrared_exposure_ms` exposure times gain as the camera told;
    empty or 0 where nobody knows, as in stores older than these columns.
    """

    name: str
    label: Label
    species: str
    flat: bool
    subject: str
    instrument: str
    split: Split
    sensor: str
    recording: str
    frame: int
    distance_m: float
    seed: int
    origin: str = "simulated"
    reflectance: bool = True
    light: str = ""
    skin_type: int = 0
    yaw_deg: float = 0.0
    pitch_deg: float = 0.0
    infrared_exposure_ms: float = 0.0

    def __post_init__(self) -> None:
        if self.label not in get_args(Label) or self.split not in get_args(Split):
            raise DatasetError(
                f"face {self.name}: label {self.label!r} and split {self.split!r} must be of "
                f"{get_args(Label)} and {get_args(Split)}"
            )

    @property
    def attack(self) -> bool:
        return self.label == "attack"


COLUMNS = tuple(f.name for f in fields(Sample))
_PARSERS: Mapping[str, Callable[[str], Any]] = {
    "flat": lambda text: text == "1",
    "reflectance": lambda text: text == "1",
    "frame": int,
    "seed": int,
    "skin_type": int,
    "distance_m": float,
    "yaw_deg": float,
    "pitch_deg": float,
    "infrared_exposure_ms": float,
}


def _write_samples(path: Path, samples: Sequence[Sample]) -> None:
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        for sample in samples:
            row = asdict(sample)
            writer.writerow({k: int(v) if isinstance(v, bool) else v for k, v in row.items()})


def _read_samples(path: Path) -> list[Sample]:
    try:
        with path.open(newline="") as file:
            rows = csv.DictReader(file)
            return [Sample(**{k: _PARSERS.get(k, str)(v) for k, v in row.items()}) for row in rows]
    except (OSError, TypeError, ValueError) as error:
        raise DatasetError(f"{path} is no list of faces ({error}): delete its folder, write again") from error


def _preprocessing(directory: Path) -> Preprocessing:
    path = directory / "preprocessing.json"
    try:
        return Preprocessing.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        reason = str(error).splitlines()[0]
        raise DatasetError(f"{path}: {reason}; give the folder of a store of faces") from error


class FaceWriter:
    """Appends faces to a store, one shard at a time; one thread. `names` are the faces it already holds."""

    def __init__(
        self, directory: Path, preprocessing: Preprocessing, *, writer: str = "0", shard_faces: int = 512
    ) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._directory, self._writer, self._shard_faces = directory, writer, shard_faces
        self._settle(preprocessing)
        shards = sorted(directory.glob("shard-*-?????"))
        self.names = {sample.name for shard in shards for sample in _read_samples(shard / "faces.csv")}
        self._next = sum(1 for shard in shards if shard.name.startswith(f"shard-{writer}-"))
        self._samples: list[Sample] = []
        self._faces: list[Prepared] = []

    def _settle(self, preprocessing: Preprocessing) -> None:
        path = self._directory / "preprocessing.json"
        if path.exists():
            if _preprocessing(self._directory) != preprocessing:
                raise DatasetError(f"{path} differs from the parameters given: write into another folder")
            return
        part = path.with_suffix(f".{self._writer}.part")
        part.write_text(preprocessing.model_dump_json(indent=2))
        part.replace(path)

    def add(self, sample: Sample, face: Prepared) -> None:
        """Takes one face; raises DatasetError for a name that the store already holds."""
        if sample.name in self.names:
            raise DatasetError(f"face {sample.name} is already in {self._directory}: skip what is in `names`")
        if sample.reflectance != (face.stack is not None):
            raise DatasetError(f"face {sample.name}: `reflectance` does not say what the face holds")
        self.names.add(sample.name)
        self._samples.append(sample)
        self._faces.append(face)
        if len(self._samples) == self._shard_faces:
            self.flush()

    def flush(self) -> None:
        """Commits what was added as a shard."""
        if not self._samples:
            return
        target = self._directory / f"shard-{self._writer}-{self._next:05d}"
        part = target.with_name(target.name + ".part")
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir()
        for block, (dtype, shape) in BLOCKS.items():
            out: NDArray[Any] = np.zeros((len(self._faces), *shape), dtype)
            for row, face in zip(out, self._faces, strict=True):
                pixels = face.maps if block == "depth_maps" else getattr(face, block)
                if pixels is not None:
                    row[:] = pixels
            np.save(part / f"{block}.npy", out, allow_pickle=False)
        _write_samples(part / "faces.csv", self._samples)
        part.replace(target)
        self._next += 1
        self._samples, self._faces = [], []

    def close(self) -> None:
        self.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class _Shard:
    """Blocks of one shard, mapped into memory when first read."""

    def __init__(self, directory: Path, count: int) -> None:
        self._directory, self._count = directory, count
        self._blocks: dict[Block, NDArray[Any]] = {}

    def block(self, name: Block) -> NDArray[Any]:
        if name not in self._blocks:
            path = self._directory / f"{name}.npy"
            try:
                pixels = np.load(path, mmap_mode="r", allow_pickle=False)
            except (OSError, ValueError) as error:
                raise DatasetError(f"{path}: {error}; delete its shard and write it again") from error
            dtype, shape = BLOCKS[name]
            if pixels.shape != (self._count, *shape) or pixels.dtype != dtype:
                raise DatasetError(f"{path} holds {pixels.dtype} {pixels.shape}: delete its shard and write it again")
            self._blocks[name] = pixels
        return self._blocks[name]


@dataclass(frozen=True, eq=False)
class Faces:
    """Faces of a store: metadata in memory, pixels mapped from disk. Any thread."""

    samples: tuple[Sample, ...]
    preprocessing: Preprocessing
    _shards: tuple[_Shard, ...]
    _places: tuple[tuple[int, int], ...]  # shard and row of each sample

    @classmethod
    def load(
        cls,
        directory: Path,
        *,
        split: Split | None = None,
        species: Sequence[str] | None = None,
        where: Callable[[Sample], bool] = lambda _: True,
    ) -> Self:
        """Opens a store, or the part of it that a split, species and a condition leave.

        Raises DatasetError where the store is damaged, empty, or a subject or an instrument stands in two
        splits: figures on such a split would be worthless.
        """
        preprocessing = _preprocessing(directory)
        shards, samples, places = [], [], []
        for number, path in enumerate(sorted(directory.glob("shard-*-?????"))):
            rows = _read_samples(path / "faces.csv")
            shards.append(_Shard(path, len(rows)))
            samples += rows
            places += [(number, row) for row in range(len(rows))]
        _check_disjoint(samples)
        faces = cls(tuple(samples), preprocessing, tuple(shards), tuple(places)).where(
            lambda s: split in (None, s.split) and (species is None or s.species in species) and where(s)
        )
        if not len(faces):
            raise DatasetError(f"{directory} holds no face of split {split}, species {species}")
        return faces

    @classmethod
    def load_all(
        cls, store: Path, more: Sequence[Path], split: Split, where: Callable[[Sample], bool] = lambda _: True
    ) -> Self:
        """A split of a store joined by the same one of the stores `more`, some of which may lack it.

        Raises DatasetError as `load` and `joined` do, and for one of `more` that is for testing alone.
        """
        faces = cls.load(store)
        for directory in more:
            others = cls.load(directory)
            if all(sample.split == "test" for sample in others.samples):
                raise DatasetError(f"{directory} is of the test split alone: nothing is learnt from it or set by it")
            faces = faces.joined(others)
        faces = faces.where(lambda s: s.split == split and where(s))
        if not len(faces):
            raise DatasetError(f"{store} holds no face of split {split} that this can use")
        return faces

    def __len__(self) -> int:
        return len(self.samples)

    def where(self, condition: Callable[[Sample], bool]) -> Self:
        return self.take([i for i, sample in enumerate(self.samples) if condition(sample)])

    def take(self, indices: Sequence[int] | NDArray[np.int64]) -> Self:
        return type(self)(
            tuple(self.samples[i] for i in indices),
            self.preprocessing,
            self._shards,
            tuple(self._places[i] for i in indices),
        )

    def joined(self, other: Faces) -> Self:
        """These faces and, after them, another store's. Raises DatasetError where the two were prepared differently,
        share a name, or have a subject or an instrument in two splits.
        """
        if other.preprocessing != self.preprocessing:
            raise DatasetError("two stores of faces differ in preprocessing.json: make both with the same parameters")
        samples = (*self.samples, *other.samples)
        if len({sample.name for sample in samples}) < len(samples):
            raise DatasetError("two stores of faces share faces: give stores of different parts")
        _check_disjoint(samples)
        places = tuple((shard + len(self._shards), row) for shard, row in other._places)
        return type(self)(samples, self.preprocessing, (*self._shards, *other._shards), (*self._places, *places))

    @cached_property
    def attacks(self) -> NDArray[np.bool_]:
        """bool [n], true = attack."""
        return np.array([s.attack for s in self.samples], bool)

    @property
    def both_classes(self) -> bool:
        """Whether there are living faces and attacks."""
        return bool(self.attacks.any() and not self.attacks.all())

    @cached_property
    def species(self) -> NDArray[np.str_]:
        return np.array([s.species for s in self.samples], str)

    @cached_property
    def recordings(self) -> NDArray[np.str_]:
        return np.array([s.recording for s in self.samples], str)

    def digest(self) -> str:
        """Names these faces, how they are labelled and which split each belongs to, in hexadecimal; their order is of
        no consequence."""
        told = sorted((s.name, s.label, s.species, s.subject, s.instrument, s.split) for s in self.samples)
        return sha256(json.dumps(told).encode()).hexdigest()

    def gather(self, block: Block, indices: Sequence[int] | NDArray[np.int64]) -> NDArray[Any]:
        """Pixels of the faces at `indices`: an own array [len(indices), …] of the block's dtype."""
        dtype, shape = BLOCKS[block]
        out: NDArray[Any] = np.empty((len(indices), *shape), dtype)
        for target, i in zip(out, indices, strict=True):
            shard, row = self._places[i]
            target[:] = self._shards[shard].block(block)[row]
        return out

    def planes(self, indices: Sequence[int] | NDArray[np.int64]) -> NDArray[np.float32]:
        """M-Net's planes before patches are cut: float32 [n, 10, 112, 112]."""
        scale = np.float32(1 / 255)
        return np.concatenate(
            [
                self.gather("stack", indices).astype(np.float32),
                self.gather("sum", indices) * scale,
                self.gather("diff", indices) * scale,
            ],
            axis=1,
        )

    def depth_maps(self, indices: Sequence[int] | NDArray[np.int64]) -> NDArray[np.float32]:
        """D-Net's input: float32 [n, 3, 112, 112] in 0..1."""
        maps: NDArray[np.float32] = self.gather("depth_maps", indices) * np.float32(1 / 255)
        return maps


def _check_disjoint(samples: Sequence[Sample]) -> None:
    homes: dict[tuple[str, str], str] = {}
    for sample in samples:
        for kind, who in (("subject", sample.subject), ("instrument", sample.instrument)):
            if who and homes.setdefault((kind, who), sample.split) != sample.split:
                raise DatasetError(
                    f"{kind} {who} stands in splits {homes[kind, who]} and {sample.split}: "
                    "each belongs to one split only"
                )
