"""The baselines see what they should, and no more."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from models.baselines.handmade import evaluate, fit, reflectance_features, silhouette_features


def test_reflectance_features_tell_infrared_levels_apart(faces: Path) -> None:
    rates, area = evaluate(faces, "reflectance")
    assert area > 0.99
    assert set(rates.per_species) == {"resin_mask"}


def test_silhouette_is_blind_to_everything_inside_it(faces: Path) -> None:
    """All synthetic faces have one outline: the probe must not do better than chance."""
    _, area = evaluate(faces, "silhouette")
    assert area == 0.5


def test_features_scale_as_logarithms() -> None:
    """Twice the infrared light moves its mean and the ratios by ln 2 and nothing else."""
    stack = np.random.default_rng(0).uniform(0.2, 0.6, (4, 112, 112)).astype(np.float32)
    mask = np.ones((112, 112), np.uint8)
    brighter = stack * np.array([1, 1, 1, 2], np.float32)[:, None, None]
    change = reflectance_features(brighter, mask) - reflectance_features(stack, mask)
    assert change[:7] == pytest.approx([0, 0, 0, *[np.log(2)] * 4], abs=1e-4)
    assert change[7:14] == pytest.approx(np.zeros(7), abs=1e-4)


def test_empty_faces_give_numbers() -> None:
    nothing = np.zeros((112, 112), np.uint8)
    assert np.isfinite(reflectance_features(np.zeros((4, 112, 112), np.float32), nothing)).all()
    assert not silhouette_features(nothing).any()


def test_fit_separates_what_is_separable() -> None:
    rng = np.random.default_rng(0)
    attacks = np.arange(100) < 30
    x = rng.normal(0, 1, (100, 5)) + 4 * attacks[:, None]
    model = fit(x, attacks, 1e-3)
    assert ((model.scores(x) >= 0.5) == attacks).all()
