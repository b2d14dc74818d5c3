"""The oracle knows true materials: what it cannot tell is optically skin."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from drivers.errors import SdkMissing
from drivers.simulated.assets import template
from drivers.simulated.materials import face_material
from drivers.simulated.scenes import sample_scene
from drivers.simulated.species import Difficulty
from models.baselines.oracle import (
    BANDS,
    READING,
    acer_of,
    as_seen,
    draw,
    fit,
    material,
    material_of,
    oracle_scores,
    rates,
)
from models.datasets.faces import Faces, FaceWriter
from models.datasets.mipd import LIVE
from models.errors import DatasetError
from pipeline.parameters import Preprocessing
from tests.models.synthetic import synthetic_face, synthetic_sample

pytest.importorskip("sklearn", reason="the oracle needs the extra `train`")


@pytest.mark.parametrize("overlap", [0.2])
def test_acer_is_half_of_what_is_optically_skin(overlap: float) -> None:
    assert acer_of(overlap, draws=2000) == pytest.approx(overlap / 2, abs=0.025)


def test_nothing_is_told_where_every_mask_is_skin() -> None:
    """Kinds are drawn alike, so that only the materials could tell: the best threshold gains next to nothing."""
    assert acer_of(1.0, draws=2000) == pytest.approx(0.5, abs=0.04)


def test_albedo_alone_tells_less_than_everything() -> None:
    difficulty = Difficulty(overlap=0.0)
    materials, kinds = draw(2000, difficulty, first_seed=1_000_000_000)
    seeds = range(2000)
    everything = rates(fit(difficulty, draws=2000).scores(materials, seeds), kinds).acer
    bands = rates(fit(difficulty, draws=2000, fields=BANDS).scores(materials, seeds), kinds).acer
    assert everything < 0.01 < bands < 0.3
    seen = rates(fit(difficulty, draws=2000, fields=BANDS, error=0.0).scores(materials, seeds), kinds).acer
    assert bands < seen < 0.5, "tint, exposure and the sun's infrared stand between a band and its reading"


def test_a_camera_reads_no_brightness_of_colour_and_the_rest_as_it_is() -> None:
    materials, _ = draw(40, Difficulty(), first_seed=1_000_000_000)
    read = as_seen(materials, range(40))
    assert read[:, 1] == pytest.approx(np.ones(40)), "green is what exposure makes it"
    assert np.array_equal(read[:, 8:], materials[:, 8:])
    assert read[:, 4:8] / materials[:, 4:8] == pytest.approx(read[:, :4] / materials[:, :4])
    assert np.array_equal(read, as_seen(materials, range(40)))
    infrared = read[:, 3] / materials[:, 3]
    assert infrared.min() > 0.8
    assert infrared.max() > 1.2, "the sun adds to what the emitter sends"


def test_what_a_picture_tells_is_uncertain_and_costs_the_oracle() -> None:
    materials, kinds = draw(2000, Difficulty(overlap=0.0), first_seed=1_000_000_000)
    exact, read = (as_seen(materials, range(2000), error) for error in (0.0, 1.0))
    uncertain = list(READING)
    assert np.std((read - exact)[:, uncertain], axis=0) == pytest.approx(list(READING.values()), rel=0.1)
    assert np.array_equal(np.delete(read, uncertain, 1), np.delete(exact, uncertain, 1))
    oracle = fit(Difficulty(overlap=0.0), draws=2000, error=1.0)
    assert 0.02 < rates(oracle.scores(materials, range(2000)), kinds).acer < 0.3, "exact numbers leave less than 1 %"


@pytest.mark.parametrize("species", ["live", "silicone_mask", "mannequin_head", "flat_print"])
def test_a_material_is_drawn_again_as_the_scene_holds_it(species: str) -> None:
    try:
        template()
    except SdkMissing as missing:
        pytest.skip(str(missing))
    difficulty = Difficulty(overlap=0.5)
    for seed in range(3):
        scene = sample_scene(species, seed, identity_seed=7 + seed, instrument_seed=9 + seed, difficulty=difficulty)
        drawn = material(species, 7 + seed, 9 + seed, difficulty)
        sample = synthetic_sample(species, "test", 0, subject=scene.subject_id, instrument=scene.instrument_id)
        assert np.array_equal(drawn, material_of(sample, difficulty))
        if species != "flat_print":  # a sheet shows ink; its palette is that of the hand that holds it
            assert drawn == pytest.approx(face_material(scene.palette))


def test_scores_of_a_store(tmp_path: Path) -> None:
    difficulty, rng = Difficulty(overlap=0.0), np.random.default_rng(0)
    with FaceWriter(tmp_path, Preprocessing()) as writer:
        for species in (LIVE, "flat_print", "resin_mask"):
            for n in range(20):
                who = {"subject": f"sim-person-{50 + n}", "instrument": f"sim-x-{n}" if species != LIVE else ""}
                writer.add(synthetic_sample(species, "test", n, **who), synthetic_face(species, rng))
        writer.add(synthetic_sample(LIVE, "dev", 0, origin="mipd", subject="eve"), synthetic_face(LIVE, rng))
    oracle = fit(difficulty, draws=2000)
    faces = Faces.load(tmp_path, split="test")
    scores = oracle_scores(faces, oracle, difficulty)
    assert ((scores > 0.5) == faces.attacks).all()
    assert (scores[faces.species == "flat_print"] == 1).all(), "true relief gives sheets away, whatever their ink"
    with pytest.raises(DatasetError, match="simulated faces only"):
        oracle_scores(Faces.load(tmp_path, split="dev"), oracle, difficulty)
