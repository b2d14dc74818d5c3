"""The law of infrared fall-off from simulated readings on a flat target: it comes back as it was put in."""

from __future__ import annotations

import numpy as np
import pytest

from calibration.radiometric import REFERENCE_RESPONSE, RadiometricFit, TooLittle, fit_attenuation

WHITE = 1023.0


def readings(
    distances: np.ndarray, exponent: float, offset: float, dark: float, gain: float, corner_share: float = 1.0
) -> RadiometricFit:
    """A tilted target of reflectance 0.8 at several distances and exposures, photon noise and rounding."""
    rng = np.random.default_rng(5)
    z, corner, capture, factor, counts = [], [], [], [], []
    for number, distance in enumerate(distances):
        exposure = (distance / 0.6) ** 1.5
        here = distance + rng.normal(0, 0.01, 60)
        r = rng.uniform(0, 1, 60)
        f = exposure * 0.8 * rng.uniform(0.8, 1.0, 60)
        clean = WHITE * REFERENCE_RESPONSE * gain * f * ((0.6 + offset) / (here + offset)) ** exponent
        clean = clean * corner_share ** (r**2)
        z.append(here), corner.append(r), factor.append(f), capture.append(np.full(60, number))
        counts.append(np.rint(dark + rng.normal(clean, 0.003 * clean + 0.3)))
    parts = [np.concatenate(p) for p in (z, counts, factor, capture, corner)]
    return fit_attenuation(*parts[:4], white_level=WHITE, corner=parts[4])


@pytest.mark.parametrize("exponent", [1.6, 2.0, 2.3])
@pytest.mark.parametrize("gain", [0.4, 0.7])
def test_exponent_and_gain_come_back(exponent: float, gain: float) -> None:
    fit = readings(np.linspace(0.4, 1.3, 8), exponent, 0.0, 0.0, gain)
    assert fit.law.exponent == pytest.approx(exponent, rel=0.02)
    assert fit.law.gain == pytest.approx(gain, rel=0.02)
    assert fit.exponent_interval[0] <= exponent <= fit.exponent_interval[1]
    assert fit.gain_interval[0] <= gain <= fit.gain_interval[1]
    assert fit.residual < 0.02


def test_dark_level_and_offset_are_found_where_the_readings_tell_them() -> None:
    d = np.linspace(0.35, 1.4, 12)
    fit = readings(d, 2.0, 0.04, 20.0, 0.5)
    true = ((0.6 + 0.04) / (d + 0.04)) ** 2.0
    got = ((0.6 + fit.law.offset_m) / (d + fit.law.offset_m)) ** fit.law.exponent
    np.testing.assert_allclose(got * fit.law.gain, true * 0.5, rtol=0.03)
    assert fit.law.dark_level == pytest.approx(20.0, abs=6.0)


def with_common_errors(seed: int, offset: float = 0.0) -> tuple[float, RadiometricFit]:
    """(true exponent, fit) of stands each of whose pixels share an error of exposure and of distance."""
    rng = np.random.default_rng(seed)
    exponent, rows = rng.uniform(1.7, 2.3), []
    for number, distance in enumerate(np.linspace(0.36, 1.3, 9)):
        here = distance + rng.normal(0, 0.002, 40)
        factor = (distance / 0.6) ** 1.5 * 0.8 * rng.uniform(0.8, 1.0, 40)
        share = 0.5 * factor * ((0.6 + offset) / (here + offset)) ** exponent * np.exp(rng.normal(0, 0.004))
        counts = np.rint(rng.normal(1, 0.004, 40) * WHITE * REFERENCE_RESPONSE * share)
        rows.append((here * (1 + rng.normal(0, 0.002)), counts, factor, np.full(40, number)))
    parts = [np.concatenate(column) for column in zip(*rows, strict=True)]
    return exponent, fit_attenuation(*parts, white_level=WHITE, dark_level=0.0)


@pytest.mark.parametrize("offset", [0.0, 0.02])
def test_intervals_hold_though_pixels_of_a_capture_err_together(offset: float) -> None:
    found = [with_common_errors(seed, offset) for seed in range(20)]
    held = [fit.exponent_interval[0] <= exponent <= fit.exponent_interval[1] for exponent, fit in found]
    assert np.mean(held) >= 0.85
    if offset == 0:
        errors = [abs(fit.law.exponent / exponent - 1) for exponent, fit in found]
        assert np.mean(np.array(errors) < 0.02) >= 0.9
        widths = [np.ptp(fit.exponent_interval) / exponent for exponent, fit in found]
        assert np.median(widths) < 0.15  # not true for being wide


def test_vignetting_is_told() -> None:
    assert readings(np.linspace(0.4, 1.3, 8), 2.0, 0.0, 0.0, 0.5, 0.8).edge == pytest.approx(0.8, abs=0.03)
    assert readings(np.linspace(0.4, 1.3, 8), 2.0, 0.0, 0.0, 0.5).edge == pytest.approx(1.0, abs=0.02)


def test_too_few_distances_and_too_short_a_range_are_refused() -> None:
    with pytest.raises(TooLittle, match="at 2 distances"):
        readings(np.array([0.4, 0.4, 0.4, 0.9]), 2.0, 0.0, 0.0, 0.5)
    with pytest.raises(TooLittle, match=r"range of 1\.5"):
        readings(np.linspace(0.6, 0.8, 8), 2.0, 0.0, 0.0, 0.5)
