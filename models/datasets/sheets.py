"""Contact sheets: what the nets see, or what the simulated camera sees, one picture a species and sensor.

    python -P -m models.datasets.sheets --faces DIR --out DIR2    stored faces: a row of pictures each
    python -P -m models.datasets.sheets --scenes --out DIR2       whole frames, rendered from the plan's first seeds

Pictures of a stored face, left to right: colour, infrared (distance-free), F1, F2, F3, sum, difference. Of a frame:
colour, infrared, depth.
"""

from __future__ import annotations

import argparse
import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from calibration.srgb import linear_to_srgb
from drivers.frames import FrameSet
from drivers.simulated.scenes import render_frame, sample_scene
from drivers.simulated.sensor import PRESETS
from drivers.simulated.species import SPECIES
from models.datasets.faces import Faces
from models.datasets.simulated import streams
from models.errors import DatasetError, command

log = logging.getLogger(__name__)

U8 = NDArray[np.uint8]

ROWS: Final = 8  # faces on a sheet
FRAME_HEIGHT: Final = 240
NEAR_M, FAR_M = 0.25, 1.5
FIRST_SEED: Final = 700_000_000


def _upright(planes: NDArray[Any]) -> U8:
    """[3, H, W] or [H, W], 0..255, as BGR [H, W, 3]; three planes are R, G, B."""
    bands = np.broadcast_to(planes, (3, *planes.shape[-2:])) if planes.ndim == 2 else planes
    return np.ascontiguousarray(bands[::-1].transpose(1, 2, 0).clip(0, 255).astype(np.uint8))


def face_row(faces: Faces, index: int) -> U8:
    """One stored face as BGR uint8 [112, 7 · 112, 3]."""
    maps, total, diff = (faces.gather(block, [index])[0] for block in ("depth_maps", "sum", "diff"))
    stack = faces.gather("stack", [index])[0].astype(np.float32)
    display = 255 * linear_to_srgb(stack.clip(0, 1))
    pictures = [display[:3], display[3], *maps, total, diff]
    return np.ascontiguousarray(np.hstack([_upright(picture) for picture in pictures]))


def depth_colours(depth_m: NDArray[np.floating[Any]]) -> U8:
    """Depth float [H, W] metres as BGR uint8 [H, W, 3]: near red, far blue, black where unknown."""
    share = ((FAR_M - depth_m) / (FAR_M - NEAR_M)).clip(0, 1)
    picture = np.asarray(cv2.applyColorMap((255 * share).astype(np.uint8), cv2.COLORMAP_TURBO), np.uint8)
    picture[depth_m <= 0] = 0
    return picture


def frame_row(frame_set: FrameSet) -> U8:
    """A frame set as BGR uint8 [240, W, 3]: colour, infrared, depth."""
    color, infrared, depth = streams(frame_set)
    grey = 255 * linear_to_srgb((infrared.pixels / np.float32(infrared.white_level)).clip(0, 1).astype(np.float32))
    pictures = [
        np.ascontiguousarray(color.pixels[..., ::-1]),
        _upright(grey),
        depth_colours(depth.pixels * frame_set.depth_unit_m),
    ]
    return np.ascontiguousarray(np.hstack([_of_height(picture) for picture in pictures]))


def _of_height(picture: NDArray[Any]) -> U8:
    width = round(picture.shape[1] * FRAME_HEIGHT / picture.shape[0])
    return np.asarray(cv2.resize(picture, (width, FRAME_HEIGHT), interpolation=cv2.INTER_AREA), np.uint8)


def face_sheets(faces: Faces, rows: int = ROWS) -> Iterator[tuple[str, U8]]:
    """(name, BGR picture) for every species and sensor of a store, each of different recordings."""
    groups: dict[tuple[str, str], dict[str, int]] = {}
    for i, sample in enumerate(faces.samples):
        if sample.reflectance:
            groups.setdefault((sample.species or "live", sample.sensor), {}).setdefault(sample.recording, i)
    for (species, sensor), recordings in sorted(groups.items()):
        yield f"{species}_{sensor}", np.vstack([face_row(faces, i) for i in list(recordings.values())[:rows]])


def scene_sheets(rows: int = 3) -> Iterator[tuple[str, U8]]:
    """(name, BGR picture) for every species and sensor that can be simulated."""
    for kind, species in enumerate(SPECIES):
        for preset in PRESETS:
            seeds = [FIRST_SEED + 1000 * kind + n for n in range(rows)]
            frames = [
                render_frame(sample_scene(species, seed, preset=preset), 0.0, np.random.default_rng(seed))
                for seed in seeds
            ]
            yield f"{species}_{preset}", np.vstack([frame_row(frame_set) for frame_set in frames])


def write(sheets: Iterator[tuple[str, U8]], directory: Path) -> int:
    """Writes PNG files; returns how many. Raises DatasetError where they cannot be written."""
    directory.mkdir(parents=True, exist_ok=True)
    count = 0
    for name, picture in sheets:
        if not cv2.imwrite(str(directory / f"{name}.png"), picture):
            raise DatasetError(f"{directory / name}.png cannot be written: choose another folder with --out")
        count += 1
    return count


@command
def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="models.datasets.sheets", description="Contact sheets of simulated faces.")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--faces", type=Path, help="store of prepared faces")
    what.add_argument("--scenes", action="store_true", help="render whole frames of every species and sensor")
    parser.add_argument("--out", type=Path, required=True, help="folder for the PNG files")
    given = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    sheets = scene_sheets() if given.scenes else face_sheets(Faces.load(given.faces))
    log.info("%d sheets in %s", write(sheets, given.out), given.out)


if __name__ == "__main__":
    raise SystemExit(main())
