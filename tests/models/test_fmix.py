"""FMix: the mask's share and shape, and what mixing keeps."""

from __future__ import annotations

import numpy as np
import pytest

from models.fmix import fourier_mask, mix


@pytest.mark.parametrize("share", [0.0, 0.3, 0.8, 1.0])
def test_mask_holds_exactly_its_share(share: float) -> None:
    mask = fourier_mask(112, np.random.default_rng(0), share)
    assert mask.sum() == round(share * 112 * 112)


def test_mask_is_of_low_frequency() -> None:
    """Neighbours agree: under 1/f³ noise a border is rare, under white noise it is every third pixel."""
    borders = [
        (np.diff(fourier_mask(112, np.random.default_rng(n), decay=decay).astype(int), axis=1) != 0).mean()
        for decay in (3.0, 0.0)
        for n in range(5)
    ]
    assert max(borders[:5]) < 0.05
    assert min(borders[5:]) > 0.25


def test_mixture_and_complement_keep_the_sum_and_the_background() -> None:
    rng = np.random.default_rng(0)
    face = np.zeros((112, 112), np.uint8)
    face[20:90, 30:80] = 1
    total, difference = (rng.integers(0, 256, (3, 112, 112)).astype(np.uint8) * face for _ in range(2))
    mask = fourier_mask(112, rng)
    mixture, complement = mix(total, difference, mask)
    assert np.array_equal(mixture.astype(int) + complement, total.astype(int) + difference)
    assert not mixture[:, face == 0].any()
    assert not complement[:, face == 0].any()
    assert np.array_equal(mixture[:, mask], total[:, mask])
    assert np.array_equal(complement[:, mask], difference[:, mask])
