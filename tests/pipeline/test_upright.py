"""Cameras on their side: what is found in the upright picture lands on the delivered one."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.upright import turn_back, turn_picture, turn_points

TURNS = (0, 90, 180, 270)


@pytest.mark.parametrize("turn", TURNS)
def test_pixels_come_back_to_where_they_were(turn: int) -> None:
    picture = np.arange(12 * 20, dtype=np.uint8).reshape(12, 20)
    upright = turn_picture(picture, turn)
    rows, columns = np.mgrid[: upright.shape[0], : upright.shape[1]]
    found = np.column_stack([columns.ravel(), rows.ravel()]).astype(np.float32)
    back = turn_back(found, turn, width=20, height=12).astype(int)
    np.testing.assert_array_equal(picture[back[:, 1], back[:, 0]], upright.ravel())


@pytest.mark.parametrize("turn", TURNS)
def test_points_turn_with_the_picture(turn: int) -> None:
    """A point right of the axis, seen by a camera on its side, is where the turned picture shows it."""
    size = 101
    picture = np.zeros((size, size), np.uint8)
    picture[50, 80] = 1  # right of the middle: x > 0
    row, column = (int(v) for v in np.argwhere(turn_picture(picture, turn))[0])
    x, y, z = turn_points(np.array([[30.0, 0.0, 500.0]]), turn)[0]
    np.testing.assert_allclose([x, y, z], [column - 50, row - 50, 500], atol=1e-9)
