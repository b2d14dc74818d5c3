"""The sheet that explains a verdict: complete whatever is missing, and true to the numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app import drawing, pictures
from app.errors import Refused
from pipeline import engine
from pipeline.bundle import load_bundle
from pipeline.engine import Engine
from pipeline.parameters import Patch
from tests.app.scene import FACE, INFO, frame


@pytest.fixture
def judged(_face_found: None, lenient: Path) -> Any:
    bundle = load_bundle(lenient)

    def judge(**changes: Any) -> Any:
        frame_set = frame(3, **changes)
        result = Engine(bundle, sensor=INFO.sensor).process(frame_set)
        return frame_set, result, bundle.description

    return judge


@pytest.mark.parametrize("absent", [{}, {"color": None}, {"infrared": None}, {"depth": None}])
def test_a_sheet_is_drawn_whatever_is_missing(judged: Any, absent: dict[str, None]) -> None:
    frame_set, result, description = judged(**absent)
    sheet = pictures.sheet(frame_set, result, description, INFO, "recordings/" + "long/" * 40 + "name.mcap")
    assert sheet.shape == (pictures.HEIGHT, pictures.WIDTH, 3)
    assert sheet.dtype == np.uint8
    margin = sheet[:, : pictures.MARGIN - 1]
    assert (margin == drawing.PAPER).all(), "nothing may run into the margin"


@pytest.mark.usefixtures("_face_found")
def test_a_sheet_without_a_face_says_why(lenient: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine.Engine, "_find", lambda *_: [])
    bundle = load_bundle(lenient)
    result = Engine(bundle, sensor=INFO.sensor).process(frame())
    written: list[str] = []
    monkeypatch.setattr(drawing, "write", lambda _sheet, text, *_a, **_k: written.append(text) or 0)
    pictures.sheet(frame(), result, bundle.description, INFO, "x")
    assert "no face in the picture" in written
    assert "NOT DECIDED" in written


def test_the_face_square_is_drawn_where_the_face_is(judged: Any) -> None:
    frame_set, result, _ = judged()
    plain = frame_set.color.pixels
    marked = pictures._marked(plain, FACE)
    factor = marked.shape[1] // plain.shape[1]
    x, y, w, h = (round(v * factor) for v in FACE.box)
    white = (marked == 255).all(axis=2)
    assert white[y, x : x + w].all()
    assert white[y : y + h, x].all()
    assert result.face is FACE


def test_the_patch_map_is_the_weighted_mean_of_what_covers_a_pixel() -> None:
    patches = (
        Patch(x=0, y=0, size=32, input_size=32, weight=0.25),
        Patch(x=16, y=0, size=32, input_size=32, weight=0.75),
        Patch(x=60, y=60, size=32, input_size=32, weight=0.0),
    )
    answered = pictures.patch_map((0.2, 0.6, None), patches)
    assert answered[5, 5] == pytest.approx(0.2)
    assert answered[5, 20] == pytest.approx(0.25 * 0.2 + 0.75 * 0.6)
    assert answered[5, 40] == pytest.approx(0.6)
    assert np.isnan(answered[70, 70])


def test_scales_are_fixed_and_empty_depth_has_its_own_colour() -> None:
    near = drawing.turbo(np.array([[0.4, 0.0]]), 0.3, 1.3, np.array([[False, True]]))
    among_others = drawing.turbo(np.array([[0.4, 1.2]]), 0.3, 1.3, np.array([[False, False]]))
    assert (near[0, 0] == among_others[0, 0]).all()
    assert tuple(near[0, 1]) == drawing.BLANK
    ends = drawing.blue_to_orange(np.array([[0.0, 1.0]]))
    assert tuple(ends[0, 0]) == drawing.BLUE
    assert tuple(ends[0, 1]) == drawing.ORANGE


def test_text_is_cut_at_its_beginning() -> None:
    cut = drawing.shortened("a/very/long/path/to/recording.mcap", 150)
    assert cut.startswith("...")
    assert cut.endswith("recording.mcap")
    assert drawing.text_width(cut) <= 150
    assert drawing.shortened("short", 150) == "short"


def test_a_folder_that_is_missing_is_said(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="cannot be written"):
        pictures.write_png(tmp_path / "nowhere" / "x.png", drawing.canvas(4, 4))
