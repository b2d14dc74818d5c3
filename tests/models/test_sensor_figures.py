"""Figures of simulated sensors: what they read from pictures whose answer is known."""

from __future__ import annotations

import logging

import numpy as np
import pytest

from drivers.frames import FrameSet, Image
from drivers.simulated.sensor import sensor_model
from models.baselines import sensor_figures
from models.baselines.sensor_figures import AT_M, MEASURED_MM, depth_noise_mm, found_at, infrared_of
from pipeline.faces import Face

LANDMARKS = np.array([[280.0, 200], [340, 200], [310, 240], [285, 270], [335, 270]])


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
    even = infrared_of(frame_set(grey), LANDMARKS)
    assert (even.mean, even.centre_edge, even.cheek_chin) == (110, 1, 1)
    shaded = grey.copy()
    shaded[300:] = 55
    dark = infrared_of(frame_set(shaded), LANDMARKS)
    assert dark.cheek_chin == pytest.approx(2)
    assert dark.centre_edge == 1
    assert infrared_of(frame_set(grey // 2), LANDMARKS).mean < even.mean / 1.9


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
