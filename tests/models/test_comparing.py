"""A bundle beside other judges of the same faces."""

from __future__ import annotations

from pathlib import Path

import pytest

from models.comparing import compare
from models.datasets.faces import Faces
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
