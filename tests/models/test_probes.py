"""Leak probes find what was planted, and nothing in what is fair; the simulated camera gives no label away."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from drivers.errors import SdkMissing
from drivers.simulated.assets import template
from models.baselines import probes
from models.baselines.paired import acer_difference
from models.baselines.probes import PROBES, Examples, Finding, findings, frame_findings, judge, outlined_alike
from models.datasets.faces import FaceWriter, Split
from models.datasets.mipd import Recipe
from pipeline.parameters import Preprocessing
from tests.models.synthetic import synthetic_face, synthetic_sample

pytest.importorskip("scipy", reason="probes need the extra `train`")

SPLITS: tuple[Split, ...] = ("train", "test")


def _store(directory: Path, planted: Callable[[bool, np.random.Generator], dict[str, object]]) -> Path:
    """60 faces a split and species in mixed order, one a recording; `planted` adds metadata by label."""
    rng = np.random.default_rng(5)
    pictures = {species: synthetic_face(species, rng) for species in ("live", "resin_mask")}
    with FaceWriter(directory, Preprocessing()) as writer:
        for split in SPLITS:
            for n in rng.permutation(120).tolist():
                species = ("live", "resin_mask")[n % 2]
                changes = {"recording": f"{split}-{n}", "frame": 0, **planted(species != "live", rng)}
                writer.add(synthetic_sample(species, split, n, **changes), pictures[species])
    return directory


def _found(directory: Path, *names: str) -> dict[str, Finding]:
    chosen = [probe for probe in PROBES if probe.name in names]
    return {finding.name: finding for finding in findings(directory, chosen)}


def _fair(_: bool, rng: np.random.Generator) -> dict[str, object]:
    return {"infrared_exposure_ms": float(rng.uniform(1, 3)), "light": str(rng.choice(["sun", "office"]))}


def test_what_is_left_to_m_net_when_all_outlines_are_one(
    faces: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch = pytest.importorskip("torch")
    from models.networks import CascadeNet, net_config, save_net

    torch.manual_seed(0)
    save_net(tmp_path / "m_net.pt", "m_net", CascadeNet(net_config("m_net", "tiny")))
    whole, alike = outlined_alike(tmp_path / "m_net.pt", faces)
    assert 0 <= alike <= 1
    assert whole != 0.5, "an untrained net, too, answers to what it sees"
    monkeypatch.setattr(probes, "OUTLINE", ((56.0, 56.0), (200.0, 200.0)))
    assert outlined_alike(tmp_path / "m_net.pt", faces) == (whole, whole), "an ellipse around everything cuts nothing"
    monkeypatch.setattr(probes, "OUTLINE", ((-500.0, -500.0), (1.0, 1.0)))
    assert outlined_alike(tmp_path / "m_net.pt", faces) == (whole, 0.5), "where nothing is left, nothing is told"


def test_a_planted_leak_in_metadata_is_found(tmp_path: Path) -> None:
    fair = _found(_store(tmp_path / "fair", _fair), "metadata", "order in the store")
    assert not any(finding.leak for finding in fair.values())
    assert fair["metadata"].low < 0.5 < fair["metadata"].high

    def brighter(attack: bool, rng: np.random.Generator) -> dict[str, object]:
        return {"infrared_exposure_ms": float(rng.uniform(1, 3)) + attack}

    planted = _found(_store(tmp_path / "planted", brighter), "metadata", "order in the store")
    assert planted["metadata"].leak
    assert "LEAK" in str(planted["metadata"])
    assert not planted["order in the store"].leak


def test_a_spread_gives_labels_away_too(tmp_path: Path) -> None:
    def shakier(attack: bool, rng: np.random.Generator) -> dict[str, object]:
        return {"yaw_deg": float(rng.normal(0, 9 if attack else 3))}

    assert _found(_store(tmp_path, shakier), "metadata")["metadata"].leak


def test_informative_probes_may_tell_and_equal_outlines_do_not(tmp_path: Path) -> None:
    found = _found(_store(tmp_path, _fair), "infrared cells, masks", "mean infrared, masks", "silhouette, masks")
    for name in ("infrared cells, masks", "mean infrared, masks"):
        assert found[name].auc > 0.99
        assert not found[name].leak
    assert found["silhouette, masks"].auc == 0.5


def test_the_interval_counts_recordings_and_not_frames() -> None:
    """Ten copies of each example are no news."""
    rng = np.random.default_rng(1)
    attacks = np.arange(40) < 20
    features = rng.normal(0, 1, (40, 2)) + 0.5 * attacks[:, None]
    recordings = np.arange(40).astype(str)
    train = Examples(rng.normal(0, 1, (40, 2)) + attacks[:, None], attacks, recordings)
    once = judge("x", train, Examples(features, attacks, recordings), must_be_chance=True)
    copies = Examples(*(np.repeat(part, 10, axis=0) for part in (features, attacks, recordings)))
    often = judge("x", train, copies, must_be_chance=True)
    assert (often.low, often.high) == pytest.approx((once.low, once.high), abs=0.02)
    assert often.auc == pytest.approx(once.auc)


def test_paired_difference_of_two_judges() -> None:
    rng = np.random.default_rng(2)
    attacks = np.arange(600) % 2 == 1
    recordings = np.arange(600) // 3 * 2 + attacks  # frames of one recording share a label
    good = ~attacks ^ (rng.random(600) < 0.02)
    poor = ~attacks ^ (rng.random(600) < 0.15)
    apart = acer_difference(poor, good, attacks, recordings)
    assert apart.value == pytest.approx((poor == attacks).mean() - (good == attacks).mean())
    assert apart.significant
    assert apart.low < apart.value < apart.high
    assert acer_difference(good, poor, attacks, recordings).value == -apart.value
    same = acer_difference(good, good, attacks, recordings)
    assert (same.value, same.low, same.high) == (0.0, 0.0, 0.0)
    assert not same.significant


def _no_leaks(count: int) -> None:
    try:
        template()
    except SdkMissing as missing:
        pytest.skip(str(missing))
    found = list(frame_findings(Recipe.of(scale=0.05), count))
    assert not [str(finding) for finding in found if finding.leak]


def test_whole_simulated_frames_give_no_label_away_outside_the_face() -> None:
    _no_leaks(24)


@pytest.mark.slow
def test_many_whole_simulated_frames_give_no_label_away_outside_the_face() -> None:
    _no_leaks(800)
