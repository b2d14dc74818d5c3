"""Figures of simulated sensors: what they read from pictures whose answer is known."""

from __future__ import annotations

import logging

import numpy as np
import pytest

from drivers.frames import FrameSet, Image
from drivers.simulated.scenes import sample_scene
from drivers.simulated.sensor import sensor_model
from models.baselines import sensor_figures
from models.baselines.sensor_figures import (
    AT_M,
    CHEEK,
    MEASURED_MM,
    RIM,
    depth_noise_mm,
    found_at,
    infrared_of,
    places_in,
    skin_in,
)
from pipeline.faces import Face

LANDMARKS = np.array([[280.0, 200], [340, 200], [310, 240], [285, 270], [335, 270]])
CHEEKS = np.array([[270.0, 230], [350, 230]])
CHIN = np.array([[300.0, 315], [310, 318], [320, 315]])


def frame_set(infrared):
    model = sensor_model("gemini335")
    picture = np.zeros((480, 640, 3), np.uint8)
    return FrameSet(
        sequence=0, host_time_s=0.0, rig=model.devices[0], depth_unit_m=0.001, color=Image(picture, 0.0),
        depth=Image(np.ones(infrared.shape, np.uint16), 0.0, white_level=65535.0),
        infrared=Image(infrared, 0.0, white_level=255.0),
    )  # fmt: skip


def test_an_even_face_has_no_falloff_and_a_dark_chin_shows():
    grey = np.full((480, 848), 110, np.uint8)
    even = infrared_of(frame_set(grey), LANDMARKS, CHEEKS, CHIN)
    assert (even.mean, even.centre_edge, even.cheek_chin) == (110, 1, 1)
    shaded = grey.copy()
    shaded[300:] = 55
    dark = infrared_of(frame_set(shaded), LANDMARKS, CHEEKS, CHIN)
    assert dark.cheek_chin == pytest.approx(2)
    assert dark.centre_edge == 1
    assert infrared_of(frame_set(grey // 2), LANDMARKS, CHEEKS, CHIN).mean < even.mean / 1.9


@pytest.mark.parametrize("species", ["live", "vinyl_banner"])
@pytest.mark.parametrize("seed", [70_000, 70_003, 70_017])
def test_cheeks_lie_beside_the_nose_and_the_rim_of_the_chin_below_the_mouth(species, seed):
    scene = sample_scene(species, seed, preset="gemini335", distance_range=(0.58, 0.62), angle_deg=5.0)
    marks, cheeks, rim = places_in(scene), skin_in(scene, CHEEK), skin_in(scene, RIM)
    middle, mouth = marks[:2].mean(axis=0), marks[3:].mean(axis=0)
    across, down = marks[1] - marks[0], mouth - middle
    # In the face's own axes: along the eyes, and from the eyes to the mouth.
    in_face = np.linalg.inv(np.stack([across, down]))
    x, y = ((cheeks - middle) @ in_face).T
    assert ((np.abs(x) > 0.4) & (np.abs(x) < 1.15)).all()
    assert ((y > 0.05) & (y < 0.7)).all()
    assert (x[:5:2] * x[1:6:2] < 0).all()
    x, y = ((rim - middle) @ in_face).T
    assert ((y > 1.35) & (y < 1.9)).all()
    assert np.abs(x).max() < 0.5
    assert y[0] == pytest.approx(max(y), abs=0.06)


@pytest.mark.parametrize("preset", ["astra", "gemini335", "d435"])
def test_depth_is_as_noisy_as_the_measured_sensor(preset):
    ours = [depth_noise_mm(preset, z_m, frames=1) for z_m in AT_M]
    assert ours == pytest.approx(MEASURED_MM[preset], rel=0.2)


def test_a_face_counts_where_it_is():
    face = Face((250.0, 150.0, 120.0, 160.0), LANDMARKS.astype(np.float32), 0.9)
    assert found_at([face], LANDMARKS + 5)
    assert not found_at([face], LANDMARKS + 40)
    assert not found_at([], LANDMARKS)


def test_every_line_of_figures_says_that_they_are_simulated(caplog):
    with caplog.at_level(logging.INFO):
        sensor_figures.main(["--only", "depth"])
    assert caplog.messages[0].startswith("simulated depth noise")
    assert len(caplog.messages) == 1 + len(MEASURED_MM)


def test_too_few_scenes_are_refused(caplog):
    assert sensor_figures.main(["--scenes", "1"]) == 2
    assert "at least 4" in caplog.text
