"""Contact sheets show every species and sensor, once each recording."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from drivers.errors import SdkMissing
from drivers.simulated.assets import template
from drivers.simulated.scenes import render_frame, sample_scene
from models.datasets.faces import Faces
from models.datasets.sheets import FRAME_HEIGHT, depth_colours, face_row, face_sheets, frame_row, main


def test_a_sheet_for_each_species_and_sensor(faces: Path, tmp_path: Path) -> None:
    assert main(["--faces", str(faces), "--out", str(tmp_path)]) == 0
    assert {path.stem for path in tmp_path.iterdir()} == {
        f"{s}_sim-astra" for s in ("live", "flat_print", "resin_mask")
    }
    picture = cv2.imread(str(tmp_path / "live_sim-astra.png"))
    assert picture is not None
    assert picture.shape == (112 * 8, 112 * 7, 3), "nine recordings, eight rows"


def test_pictures_are_the_stored_ones(faces: Path) -> None:
    stored = Faces.load(faces)
    row = face_row(stored, 3)
    assert np.array_equal(row[:, 2 * 112 : 3 * 112, 0], stored.gather("depth_maps", [3])[0, 0])
    assert np.array_equal(row[:, 5 * 112 : 6 * 112, 2], stored.gather("sum", [3])[0, 0]), "red comes last in BGR"
    assert len(dict(face_sheets(stored, rows=2))["live_sim-astra"]) == 2 * 112


def test_depth_is_black_where_unknown_and_red_where_near() -> None:
    unknown, near, far = depth_colours(np.array([[0.0, 0.3, 1.4]]))[0].astype(int)
    assert not unknown.any()
    assert near[2] > near[0]
    assert far[0] > far[2]


def test_a_whole_frame_in_a_row() -> None:
    try:
        template()
    except SdkMissing as missing:
        pytest.skip(str(missing))
    row = frame_row(render_frame(sample_scene("live", 3), 0.0, np.random.default_rng(0)))
    assert row.shape == (FRAME_HEIGHT, 3 * 320, 3)
    assert row.std() > 10


def test_a_missing_store_is_one_clear_line(tmp_path: Path) -> None:
    assert main(["--faces", str(tmp_path), "--out", str(tmp_path / "out")]) == 2
    assert not (tmp_path / "out").exists()
