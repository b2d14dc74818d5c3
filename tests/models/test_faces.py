"""The store of faces: what goes in comes out, whole shards only, disjoint splits."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from models.datasets.faces import Faces, FaceWriter, Sample, Split
from models.errors import DatasetError
from pipeline.parameters import Gate, Preprocessing
from tests.models.synthetic import synthetic_face, synthetic_sample


def _write(directory: Path, samples: list[Sample], **options: object) -> None:
    rng = np.random.default_rng(1)
    with FaceWriter(directory, Preprocessing(), **options) as writer:
        for sample in samples:
            writer.add(sample, synthetic_face(sample.species or "live", rng))


def test_faces_come_back_as_they_were_written(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    samples = [synthetic_sample("live", "train", n) for n in range(5)]
    faces = [synthetic_face("live", rng) for _ in samples]
    with FaceWriter(tmp_path, Preprocessing(), shard_faces=2) as writer:
        for sample, face in zip(samples, faces, strict=True):
            writer.add(sample, face)
    stored = Faces.load(tmp_path)
    assert stored.samples == tuple(samples)
    for i in (4, 0):
        assert np.array_equal(stored.gather("depth_maps", [i])[0], faces[i].maps)
        assert np.array_equal(stored.gather("mask", [i])[0], faces[i].mask)
    planes = faces[3].planes()
    assert planes is not None
    assert stored.planes([3])[0] == pytest.approx(planes, abs=1e-3)
    assert stored.planes([3]).dtype == np.float32
    assert stored.depth_maps([2])[0].max() == 1.0


def test_selection_by_split_species_and_condition(tmp_path: Path) -> None:
    _write(tmp_path, [synthetic_sample(s, p, 0) for s in ("live", "resin_mask") for p in ("train", "dev")])
    assert [s.name for s in Faces.load(tmp_path, split="dev").samples] == ["dev-live-0", "dev-resin_mask-0"]
    masks = Faces.load(tmp_path, species=["resin_mask"], where=lambda s: s.split == "train")
    assert masks.attacks.tolist() == [True]
    with pytest.raises(DatasetError, match="no face of split test"):
        Faces.load(tmp_path, split="test")


def test_a_second_run_goes_on_and_writers_share_a_store(tmp_path: Path) -> None:
    _write(tmp_path, [synthetic_sample("live", "train", 0)])
    _write(tmp_path, [synthetic_sample("live", "train", 1)], writer="1")
    with FaceWriter(tmp_path, Preprocessing()) as writer:
        assert writer.names == {"train-live-0", "train-live-1"}
        writer.add(synthetic_sample("live", "train", 2), synthetic_face("live", np.random.default_rng(0)))
        with pytest.raises(DatasetError, match="already"):
            writer.add(synthetic_sample("live", "train", 1), synthetic_face("live", np.random.default_rng(0)))
    assert len(Faces.load(tmp_path)) == 3


def test_a_shard_that_was_being_written_does_not_count(tmp_path: Path) -> None:
    _write(tmp_path, [synthetic_sample("live", "train", 0)])
    left = tmp_path / "shard-0-00001.part"
    left.mkdir()
    (left / "faces.csv").write_text("rubbish")
    assert len(Faces.load(tmp_path)) == 1
    _write(tmp_path, [synthetic_sample("live", "train", 1)])
    assert len(Faces.load(tmp_path)) == 2


def test_a_person_in_two_splits_is_refused(tmp_path: Path) -> None:
    shared = [synthetic_sample("live", split, 0, subject="anna") for split in ("train", "test")]
    _write(tmp_path, shared)
    with pytest.raises(DatasetError, match="subject anna stands in splits"):
        Faces.load(tmp_path)


def test_other_parameters_may_not_join_a_store(tmp_path: Path) -> None:
    FaceWriter(tmp_path, Preprocessing()).close()
    with pytest.raises(DatasetError, match="another folder"):
        FaceWriter(tmp_path, Preprocessing(gate=Gate(far_m=2.0)))


def test_two_stores_are_read_as_one(tmp_path: Path) -> None:
    _write(tmp_path / "a", [synthetic_sample("flat_print", "train", n) for n in range(3)])
    _write(tmp_path / "b", [synthetic_sample("live", "train", n) for n in range(3, 5)])
    first, second = Faces.load(tmp_path / "a"), Faces.load(tmp_path / "b")
    both = first.joined(second)
    assert [s.name for s in both.samples] == [s.name for s in (*first.samples, *second.samples)]
    assert np.array_equal(
        both.gather("stack", [1, 4]), np.stack([first.gather("stack", [1])[0], second.gather("stack", [1])[0]])
    )
    with pytest.raises(DatasetError, match="share faces"):
        first.joined(first)
    other = replace(second, preprocessing=Preprocessing(gate=Gate(near_m=0.2)))
    with pytest.raises(DatasetError, match=r"preprocessing\.json"):
        first.joined(other)


def test_a_person_in_two_splits_of_two_stores_is_refused(tmp_path: Path) -> None:
    _write(tmp_path / "a", [synthetic_sample("live", "train", 1)])
    _write(tmp_path / "b", [synthetic_sample("live", "dev", 2, subject=synthetic_sample("live", "train", 1).subject)])
    with pytest.raises(DatasetError, match="splits"):
        Faces.load(tmp_path / "a").joined(Faces.load(tmp_path / "b"))


def test_a_split_is_gathered_from_stores_that_may_lack_it(tmp_path: Path) -> None:
    _write(tmp_path / "set", [synthetic_sample("live", split, n) for n, split in enumerate(("train", "dev", "test"))])
    _write(tmp_path / "more", [synthetic_sample("live", "train", n) for n in range(3, 6)])
    _write(tmp_path / "far", [synthetic_sample("live", "test", 6)])
    further = [tmp_path / "more"]
    assert [len(Faces.load_all(tmp_path / "set", further, split)) for split in get_args(Split)] == [4, 1, 1]
    assert len(Faces.load_all(tmp_path / "set", (), "train")) == 1
    with pytest.raises(DatasetError, match="no face of split test"):
        Faces.load_all(tmp_path / "more", (), "test")
    with pytest.raises(DatasetError, match="far is of the test split alone"):
        Faces.load_all(tmp_path / "set", [tmp_path / "far"], "train")


def test_damage_is_named(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="store of faces"):
        Faces.load(tmp_path)
    _write(tmp_path, [synthetic_sample("live", "train", 0)])
    shard = tmp_path / "shard-0-00000"
    np.save(shard / "mask.npy", np.zeros((3, 2), np.uint8))
    with pytest.raises(DatasetError, match=r"mask\.npy"):
        Faces.load(tmp_path).gather("mask", [0])
    (shard / "faces.csv").write_text("name,label\na,attack\n")
    with pytest.raises(DatasetError, match=r"faces\.csv"):
        Faces.load(tmp_path)
    with pytest.raises(DatasetError, match="label"):
        synthetic_sample("live", "train", 0, label="fake")
