"""Small stores of synthetic faces that are easy to tell apart: relief and infrared level give attacks away."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from models.datasets.faces import FaceWriter, Sample, Split
from pipeline.parameters import FACE_SIZE, Preprocessing
from pipeline.reference import srgb_to_linear
from pipeline.result import Prepared

SPECIES = ("live", "flat_print", "resin_mask")


def synthetic_face(species: str, rng: np.random.Generator) -> Prepared:
    y, x = np.mgrid[:FACE_SIZE, :FACE_SIZE] / (FACE_SIZE / 2) - 1
    radius = np.hypot(x / 0.8, y / 0.95)
    mask = (radius < 1).astype(np.uint8)
    relief = np.full_like(radius, 0.5) if species == "flat_print" else radius
    noise = rng.normal(0, 0.03, (8, FACE_SIZE, FACE_SIZE))
    maps = np.where(mask, 255 * (relief + noise[:3]).clip(0, 0.99), 255).astype(np.uint8)
    color = (0.6 + 0.1 * rng.uniform(-1, 1) + noise[3:6]).clip(0, 1)
    infrared = {"live": 0.7, "flat_print": 0.5, "resin_mask": 0.35}[species] + 0.03 * rng.uniform(-1, 1) + noise[6]
    stack = np.concatenate([srgb_to_linear(color), infrared[None]]) * mask
    total = np.rint(255 * (color + infrared) / 2) * mask
    difference = np.rint(255 * np.abs(color - infrared) ** (1 / 2.2)) * mask
    return Prepared(
        depth_mm=(600.0 * mask).astype(np.float32),
        maps=maps,
        mask=mask,
        color=np.rint(255 * color.transpose(1, 2, 0)).astype(np.uint8),
        stack=stack.astype(np.float32),
        sum=total.astype(np.uint8),
        diff=difference.astype(np.uint8),
    )


def synthetic_sample(species: str, split: Split, number: int, **changes: object) -> Sample:
    attack = species != "live"
    fields = {
        "name": f"{split}-{species}-{number}",
        "label": "attack" if attack else "bona_fide",
        "species": species if attack else "",
        "flat": species == "flat_print",
        "subject": f"{split}-person-{number % 5}",
        "instrument": f"{split}-{species}-{number % 5}" if attack else "",
        "split": split,
        "sensor": "sim-astra",
        "recording": f"{split}-{species}-{number // 4}",
        "frame": number % 4,
        "distance_m": 0.6,
        "seed": number,
    }
    return Sample(**{**fields, **changes})


def synthetic_store(directory: Path, each: int = 12) -> Path:
    """`each` faces of each species in each split."""
    rng = np.random.default_rng(0)
    with FaceWriter(directory, Preprocessing(), shard_faces=32) as writer:
        for split in ("train", "dev", "test"):
            for species in SPECIES:
                for number in range(each):
                    writer.add(synthetic_sample(species, split, number), synthetic_face(species, rng))
    return directory
