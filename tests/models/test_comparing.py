"""A bundle beside other judges of the same faces."""

from __future__ import annotations

import shutil
from functools import partial
from pathlib import Path

import pytest

from models.baselines import oracle
from models.comparing import compare
from models.datasets.faces import Faces
from models.datasets.mipd import Recipe
from models.errors import DatasetError
from models.evaluation import score_faces
from pipeline.bundle import load_bundle
from tests.models.tiny_bundle import tiny_bundle

pytest.importorskip("scipy")
pytest.importorskip("matplotlib")


def test_a_bundle_beside_handmade_features(faces: Path, tmp_path: Path) -> None:
    """The synthetic masks differ in infrared level: hand-made features tell them, a net that accepts all does not."""
    bundle = load_bundle(tiny_bundle(tmp_path / "b", centre=2.0))
    recordings = score_faces(bundle, Faces.load(faces, where=lambda s: s.split != "train"))
    (found,) = compare(faces, recordings, bundle, oracle=False, handmade=True)
    assert found["acer"] == {"own": 0.0, "bundle": 0.5}
    assert found["ci95"] == [0.5, 0.5], "every attack is wrong and every bona fide right, in every resample"
    assert found["on"] == "masks and bona fide, 24 frames"


def test_the_oracle_knows_simulated_stores_only(faces: Path, tmp_path: Path) -> None:
    """A store without a recipe was not rendered: nobody knows its materials."""
    bundle = load_bundle(tiny_bundle(tmp_path / "b"))
    with pytest.raises(DatasetError):
        compare(faces, [], bundle, oracle=True, handmade=False)


def test_sessions_are_held_against_the_oracle_too(faces: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("sklearn")
    monkeypatch.setattr(oracle, "fit", partial(oracle.fit, draws=2000))
    store = tmp_path / "store"
    shutil.copytree(faces, store)
    Recipe.of("main").keep_in(store)
    bundle = load_bundle(tiny_bundle(tmp_path / "b", centre=2.0))
    recordings = score_faces(bundle, Faces.load(store, where=lambda s: s.split != "train"))
    frames, solid, sessions = compare(store, recordings, bundle, oracle=True, handmade=False)
    tested = Faces.load(store, split="test", where=lambda s: not s.flat)
    assert frames["on"] == f"all species, {len(Faces.load(store, split='test'))} frames"
    assert solid["on"] == f"masks and bona fide, {len(tested)} frames"
    assert sessions["on"] == f"masks and bona fide, {len(set(tested.recordings))} sessions"
    assert sessions["acer"]["bundle"] == 0.5, "a net that accepts all"
    assert sessions["acer"]["own"] < 0.5
