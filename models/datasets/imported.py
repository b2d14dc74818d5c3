"""Public data sets into a store of faces: what their cut and rescaled pictures still hold.

    python -P -m models.datasets.imported casia_surf --root DIR --out STORE [--every 10]

Their depth is 8 bits without a unit, so of D-Net's maps only F1 (relief) can be computed. F2 (metric size) and F3
(angle of the surface in millimetres) are background, 255 everywhere: train D-Net on them with `f1` alone. Infrared
is not freed of distance and exposure, which nobody recorded. The store's sensor names the data set, so no bundle
takes such faces for those of a camera that it knows.
"""

from __future__ import annotations

import argparse
import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from models.datasets.faces import FaceWriter, Sample, Split
from models.datasets.items import Item, Pictures
from models.errors import DatasetError, command
from models.options import count
from pipeline.depth_stage import inner_face, relief
from pipeline.parameters import FACE_SIZE, Preprocessing
from pipeline.reflectance import Bands, fuse
from pipeline.result import Prepared

log = logging.getLogger(__name__)

U8 = NDArray[np.uint8]
POLARITY_FACES = 64
JPEG_NOISE = 8  # beside an edge the black of a JPEG is not 0
MIN_FACE = 0.3  # of the inner face must have depth


@dataclass(frozen=True, slots=True)
class Report:
    """What an import did. `near_is_bright` was found from `seen` bona fide faces: a nose is nearer than a cheek."""

    written: int
    kept: int
    unusable: int
    near_is_bright: bool
    seen: int
    counts: tuple[tuple[str, Split, int], ...]

    def __str__(self) -> str:
        lines = [
            f"{self.written} faces written, {self.kept} were there, {self.unusable} without a face in their depth",
            f"near is {'bright' if self.near_is_bright else 'dark'} in its depth pictures "
            f"(by {self.seen} bona fide faces)",
            "relief (F1) only: F2 and F3 need metric depth and are background; infrared is not distance-free",
            *(f"{species or 'bona fide'}, {split}: {count}" for species, split, count in self.counts),
        ]
        return "\n".join(lines)


def prepared(pictures: Pictures, near_is_bright: bool, parameters: Preprocessing) -> Prepared | None:
    """The face on the aligned grid, the whole picture being the face; None where its depth shows no face."""
    known = pictures.depth > (JPEG_NOISE if pictures.depth.dtype == np.uint8 else 0)
    depth, seen = _on_grid((pictures.depth * known).astype(np.float32)), _on_grid(known.astype(np.float32))
    mask = (seen > 0.5).astype(np.uint8)
    inner = inner_face(parameters.depth.inner_hull) > 0
    if mask[inner].mean() < MIN_FACE:
        return None
    z = np.where(mask > 0, depth / np.maximum(seen, 1e-3), 0).astype(np.float32)
    if near_is_bright:
        z = np.where(mask > 0, z.max() + 1 - z, 0).astype(np.float32)
    background = np.full_like(mask, 255)
    maps = np.stack([relief(z, mask, inner & (mask > 0), parameters.depth), background, background])
    color = np.clip(_on_grid(pictures.color.astype(np.float32)), 0, 255)
    face = Prepared(z, maps, mask, color=np.rint(color).astype(np.uint8))
    if pictures.infrared is None:
        return face
    infrared = _on_grid(pictures.infrared.astype(np.float32) / np.float32(255))
    stack, total, difference = fuse(Bands(color, infrared, z, mask), infrared, parameters.reflectance)
    return Prepared(z, maps, mask, face.color, stack, total, difference)


def _on_grid(values: NDArray[np.float32]) -> NDArray[np.float32]:
    method = cv2.INTER_AREA if min(values.shape[:2]) >= FACE_SIZE else cv2.INTER_LINEAR
    return np.ascontiguousarray(cv2.resize(values, (FACE_SIZE, FACE_SIZE), interpolation=method), np.float32)


def near_is_bright(items: Sequence[Item]) -> tuple[bool, int]:
    """Whether larger values are nearer, and by how many bona fide faces of the train split that was found.

    The data sets do not say. The middle of a face is nearer than its rim, whatever the coding.
    """
    rows, columns = np.mgrid[:FACE_SIZE, :FACE_SIZE] / (FACE_SIZE / 2) - 1
    radius = np.hypot(rows, columns)
    votes = []
    live = [i for i in items if not i.species and i.split == "train"] or [i for i in items if not i.species]
    for i in np.unique(np.linspace(0, len(live) - 1, min(len(live), POLARITY_FACES)).astype(int)):
        depth = _on_grid(live[i].read().depth.astype(np.float32))
        middle, rim = depth[(depth > 0) & (radius < 0.3)], depth[(depth > 0) & (radius > 0.5) & (radius < 0.8)]
        if len(middle) and len(rim):
            votes.append(bool(np.median(middle) > np.median(rim)))
    if not votes:
        raise DatasetError("no bona fide face with depth: without one nobody knows whether bright is near")
    return sum(votes) * 2 > len(votes), len(votes)


def write_store(items: Sequence[Item], sensor: str, out: Path, parameters: Preprocessing | None = None) -> Report:
    """Reads every item into the store `out`; what is there is kept, so a broken-off run goes on.

    Raises DatasetError for a file that cannot be read, and for a data set without bona fide faces.
    """
    parameters = parameters or Preprocessing()
    bright, seen = near_is_bright(items)
    counts: Counter[tuple[str, Split]] = Counter()
    kept = unusable = 0
    with FaceWriter(out, parameters) as writer:
        for item in items:
            if item.name in writer.names:
                kept += 1
                continue
            face = prepared(item.read(), bright, parameters)
            if face is None:
                unusable += 1
                continue
            writer.add(_sample(item, sensor, face), face)
            counts[item.species, item.split] += 1
    rows = tuple((species, split, count) for (species, split), count in sorted(counts.items()))
    return Report(counts.total(), kept, unusable, bright, seen, rows)


def _sample(item: Item, sensor: str, face: Prepared) -> Sample:
    return Sample(
        name=item.name,
        label="attack" if item.species else "bona_fide",
        species=item.species,
        flat=item.flat,
        subject=item.subject,
        instrument=item.instrument,
        split=item.split,
        sensor=sensor,
        recording=item.recording,
        frame=item.frame,
        distance_m=0.0,  # not recorded
        seed=0,
        origin="real",
        reflectance=face.stack is not None,
    )


def _items(kind: str, root: Path) -> Iterator[Item]:
    from models.datasets import casia_surf, cefa, threedmad, wmca

    if not root.is_dir():
        raise DatasetError(f"{root}: no such folder: give the one that the data set was unpacked into")
    return {"casia_surf": casia_surf.items, "cefa": cefa.items, "wmca": wmca.items, "3dmad": threedmad.items}[kind](
        root
    )


@command
def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="models.datasets.imported", description="A public data set to faces.")
    parser.add_argument("kind", choices=("casia_surf", "cefa", "wmca", "3dmad"))
    parser.add_argument("--root", type=Path, required=True, help="folder that the data set was unpacked into")
    parser.add_argument("--out", type=Path, required=True, help="store of faces; a broken-off import goes on")
    parser.add_argument("--every", type=count, default=1, help="take every n-th frame of a recording")
    given = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    chosen = [item for item in _items(given.kind, given.root) if item.frame % given.every == 0]
    if not chosen:
        raise DatasetError(f"{given.root}: nothing in the layout of {given.kind} here: give its top folder")
    log.info("%s", write_store(chosen, given.kind, given.out))


if __name__ == "__main__":
    raise SystemExit(main())
