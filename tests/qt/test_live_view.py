"""The pictures are those of the frame set, upright and on one grid; the view tells what it shows and how old it is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QFontMetricsF
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from app.kiosk import pictures as pics
from app.kiosk.live_view import LiveView
from app.kiosk.panes import marks_of
from calibration.rig import Extrinsics
from drivers.registration import register
from drivers.supervision import Health
from pipeline.upright import turn_picture
from tests.app.scene import FACE, LENS, RIG, frame
from tests.drivers.recordings import noise_rig, noise_set
from tests.qt.snapshots import bare_result, live_result, shown, state

NOSE = (160, 120)  # x, y in the drawn scene
ASIDE = RIG.model_copy(
    update={"registered": False, "infrared_to_color": Extrinsics(translation_m=(0.02, 0.0, 0.0)), "rotation": 90}
)


@pytest.fixture
def view(qtbot: QtBot) -> LiveView:
    made = LiveView(0.3, 1.3)
    qtbot.addWidget(made)
    made.resize(900, 400)
    made.show()
    return made


def pixels(widget: QWidget) -> np.ndarray:
    """What is on the screen, uint8 [h, w, 4]."""
    picture = widget.grab().toImage()
    return np.frombuffer(picture.constBits(), np.uint8).reshape(picture.height(), picture.bytesPerLine() // 4, 4).copy()


class TestPictures:
    def test_a_registered_set_keeps_every_pixel(self) -> None:
        frame_set = frame()
        made = pics.pictures(frame_set)
        assert made.color is not None
        assert np.array_equal(made.color, frame_set.color.pixels)
        assert np.array_equal(made.depth_mm, frame_set.depth.pixels.astype(np.float32))
        assert np.array_equal(made.infrared_counts, frame_set.infrared.pixels.astype(np.float32))

    def test_no_return_is_on_no_scale(self) -> None:
        colors = pics.depth_colors(np.array([[0, 300, 800, 1300, 5000, 10]], np.float32), 0.3, 1.3)[0]
        scale = pics.turbo_colors()
        assert tuple(colors[0]) == pics.NO_RETURN
        assert np.array_equal(colors[1], scale[0])
        assert np.array_equal(colors[3], scale[-1])
        assert np.array_equal(colors[4], scale[-1]), "beyond the scale is its far end"
        assert np.array_equal(colors[5], scale[0])
        assert not (scale == pics.NO_RETURN).all(axis=1).any()

    def test_the_scale_is_fixed_whatever_else_is_in_the_picture(self) -> None:
        one = pics.depth_colors(np.array([[700.0, 300.0]], np.float32), 0.3, 1.3)
        other = pics.depth_colors(np.array([[700.0, 9000.0]], np.float32), 0.3, 1.3)
        assert np.array_equal(one[0, 0], other[0, 0])

    @pytest.mark.parametrize("turn", [0, 90, 180, 270])
    def test_everything_is_upright(self, turn: int) -> None:
        """A pixel's reading, its colour in the picture and its landmark are of one place."""
        frame_set = replace(frame(), rig=RIG.model_copy(update={"rotation": turn}))
        made = pics.pictures(frame_set)
        assert np.array_equal(made.color, turn_picture(frame_set.color.pixels, turn))  # type: ignore[arg-type]
        assert (made.height, made.width) == made.color.shape[:2]
        (x, y), *_ = np.rint(made.upright(FACE.landmarks[2:3])).astype(int)
        reading = made.at(int(x), int(y))
        assert reading is not None
        assert reading.depth_mm == frame_set.depth.pixels[127, 160]
        assert reading.rgb == tuple(made.color[y, x])

    def test_readings_are_those_of_the_whole_registration(self) -> None:
        """Pictures of running frames are thinned, readings are not: far background and holes included."""
        frame_set = replace(frame(), rig=ASIDE)
        whole = register(frame_set)
        made = pics.pictures(frame_set)
        depth, infrared = turn_picture(whole.depth_mm, 90), turn_picture(whole.infrared, 90)
        for x, y in np.random.default_rng(1).integers((0, 0), (made.width, made.height), (60, 2)).tolist():
            reading = made.at(x, y)
            assert (reading.depth_mm or 0.0) == pytest.approx(depth[y, x], abs=0.01)
            assert (-1.0 if reading.infrared is None else reading.infrared) == pytest.approx(infrared[y, x], abs=0.01)

    def test_a_thinned_picture_shows_the_same_scene(self) -> None:
        large = LENS.model_copy(
            update={"width": 640, "height": 480, "fx": 600.0, "fy": 600.0, "cx": 320.0, "cy": 240.0}
        )
        frame_set = frame()
        depth = np.ascontiguousarray(frame_set.depth.pixels.repeat(2, 0).repeat(2, 1))
        color = np.ascontiguousarray(frame_set.color.pixels.repeat(2, 0).repeat(2, 1))
        rig = ASIDE.model_copy(update={"color": large, "depth": large, "rotation": 0})
        frame_set = replace(
            frame_set,
            rig=rig,
            depth=replace(frame_set.depth, pixels=depth),
            color=replace(frame_set.color, pixels=color),
        )
        thin, full = pics.pictures(frame_set), pics.pictures(frame_set, True)
        assert thin.depth_mm.shape == (240, 320)
        assert full.depth_mm.shape == (480, 640)
        assert np.mean(np.abs(thin.depth_mm - full.depth_mm[::2, ::2]) < 2) > 0.97

    def test_outside_there_is_nothing_to_read(self) -> None:
        made = pics.pictures(frame())
        assert made.at(-1, 5) is None
        assert made.at(320, 5) is None

    def test_made_once(self) -> None:
        frame_set = frame()
        assert pics.pictures(frame_set) is pics.pictures(frame_set)


class TestView:
    def test_another_frame_is_another_picture(self, view: LiveView) -> None:
        view.refresh(shown(0), state(), ())
        before = pixels(view)
        dark = replace(frame().color, pixels=np.zeros((240, 320, 3), np.uint8))
        view.refresh(shown(1, frame_set=frame(color=dark)), state(), ())
        assert np.mean(before != pixels(view)) > 0.02

    def test_a_painted_number_is_not_painted_again(self, view: LiveView, monkeypatch: pytest.MonkeyPatch) -> None:
        view.refresh(shown(3), state(), ())
        painted = []
        monkeypatch.setattr(view, "_paint", painted.append)
        view.refresh(shown(3), state(), ())
        assert painted == []
        view.refresh(shown(4), state(), ())
        assert [s.number for s in painted] == [4]

    def test_readout_at_a_known_pixel(self, view: LiveView) -> None:
        frame_set = frame()
        view.refresh(shown(0, frame_set=frame_set), state(), ())
        view.point_to(NOSE)
        depth = frame_set.depth.pixels[NOSE[1], NOSE[0]]
        assert view.readout().split() == f"x 160 y 120 depth {depth} mm IR 120 RGB 196 150 128".split()
        view.point_to((1, 1))
        assert "no return" in view.readout()
        view.point_to(None)
        assert view.readout() == ""

    def test_the_mouse_moves_the_cross_hair_in_all_pictures(self, view: LiveView) -> None:
        view.refresh(shown(0), state(), ())
        pane = view._depth
        view._moved(pane.mapViewToScene(QPointF(*NOSE)))
        words = view.readout()
        assert words.startswith("x 160   y 120")
        assert all(line.isVisible() for p in view._panes for line in p._cross)

    def test_pictures_are_enlarged_together(self, view: LiveView) -> None:
        view.refresh(shown(0), state(), ())
        view._infrared.setRange(QRectF(100, 80, 80, 60), padding=0)
        view._infrared.sigRangeChangedManually.emit([True, True])
        wanted = view._infrared.viewRect()
        for pane in view._panes:
            assert pane.viewRect().center().x() == pytest.approx(wanted.center().x(), abs=1)
            assert pane.viewRect().width() == pytest.approx(wanted.width(), rel=0.1)

    def test_depth_scale_moves_by_boxes_handles_and_reset(self, view: LiveView) -> None:
        view.refresh(shown(0), state(), ())
        before = pixels(view)
        view._range[1].setValue(700)
        assert view.range_mm == (300, 700)
        assert tuple(view._scale.levels()) == (300, 700)
        assert (before != pixels(view)).any()
        view._scale.setLevels((400, 900))
        view._scale.sigLevelsChanged.emit(view._scale)
        assert view.range_mm == (400, 900)
        view.set_range(900, 200)
        assert view.range_mm == (900, 910), "never upside down"

    @pytest.mark.parametrize(
        ("given", "words", "urgent"),
        [
            (state(age_s=0.1), "", False),
            (state(age_s=1.23), "stale picture: 1.2 s old", True),
            (state("waiting", age_s=float("inf")), "stale picture", True),
            (state("ended", age_s=9), "the recording is over", False),
        ],
    )
    def test_age_is_told_on_the_picture(self, view: LiveView, given: object, words: str, urgent: bool) -> None:
        view.refresh(shown(0), given, ())  # type: ignore[arg-type]
        assert (view._color.note.note, view._color.note.urgent) == (words, urgent)
        assert {pane.note.note for pane in view._panes[1:]} == {words if urgent else ""}

    def test_numbers_are_never_mixed(self, view: LiveView) -> None:
        view.refresh(
            None, state(delivered_fps=29.97, judged_fps=12.34, lost=3, passed_over=17, trouble="bad cable"), ()
        )
        told = [label.text() for label in (*view._status._fields, view._status._trouble)]
        assert told == [
            "camera 30.0 sets/s",
            "judged 12.3 sets/s",
            "lost 3",
            "passed over 17",
            "age 50 ms",
            "bad cable",
        ]

    def test_a_projector_that_is_not_as_told_is_named(self, view: LiveView) -> None:
        health = Health("streaming", 1, 0, None, 90, 0, 0, 0, 30.0, 0.02, 0, disputed=12)
        words = "projector not as told in 12 infrared pictures"
        for given, told in (
            (state(health=health), words),
            (state(health=replace(health, disputed=0)), ""),
            (state(health=health, trouble="bad cable"), "bad cable"),
            (state("closed", health=health), "closed"),
        ):
            view.refresh(shown(0), given, ())
            assert view._status._trouble.text() == told

    def test_of_a_recording_that_is_over_no_rate_and_no_age_is_told(self, view: LiveView) -> None:
        view.refresh(shown(0), state("ended", age_s=31.0, delivered_fps=4.0, lost=2), ())
        told = [label.text() for label in (*view._status._fields, view._status._trouble)]
        assert told == ["camera – sets/s", "judged – sets/s", "lost 2", "passed over 0", "age –", ""]
        assert [field.isEnabled() for field in view._status._fields] == [False, False, True, True, False]

    def test_a_note_fits_into_a_narrow_picture(self, view: LiveView) -> None:
        note = view._infrared.note
        note.say("stale picture: 12.5 s old", urgent=True)
        for room in (120.0, 250.0, 900.0):
            assert QFontMetricsF(note._fitting(room)).horizontalAdvance(note.note) <= max(room, 160)

    def test_while_the_program_gets_ready_it_asks_for_patience(self, view: LiveView) -> None:
        """Kernels that were never compiled here take half a minute: that is no missing picture."""
        view.refresh(None, state("opening", age_s=float("inf")), ())
        assert {pane.note.note for pane in view._panes} == {"One moment, please"}
        view.refresh(None, state("failed", age_s=float("inf")), ())
        assert {pane.note.note for pane in view._panes} == {"no picture"}

    @pytest.mark.parametrize("missing", ["color", "infrared", "depth"])
    def test_an_absent_stream_is_a_quiet_tile(self, view: LiveView, missing: str) -> None:
        view.refresh(shown(0, bare_result(), frame(**{missing: None})), state(), ())
        notes = dict(zip(("color", "depth", "infrared"), (pane.note.note for pane in view._panes), strict=True))
        assert {name for name, note in notes.items() if note == "no picture"} == {missing}
        view.point_to(NOSE)
        pixels(view)

    def test_any_rig_and_result_is_shown(self, view: LiveView) -> None:
        view.refresh(None, state("opening", age_s=float("inf")), ())
        for number, frame_set in enumerate((noise_set(0, noise_rig()), noise_set(1, noise_rig(), ("color",)), frame())):
            view.refresh(shown(number, live_result(pose=None, distance_m=None), frame_set), state(), ())
            pixels(view)

    def test_it_keeps_one_frame_set_at_most(self, view: LiveView) -> None:
        for number in range(6):
            view.refresh(shown(number), state(), ())
        assert view._pictures.frame_set.sequence == 5
        assert pics.pictures.cache_info().currsize <= 2


def test_the_face_looks_where_it_looks() -> None:
    """Yaw to the right of the image, pitch down: the third axis points there."""
    result = live_result()
    marks = marks_of(pics.pictures(frame()), result, "")
    assert marks is not None
    x, y = marks.axes[2]
    assert x > 0 > y, "5° to the right, 3° up"
    assert marks.box == QRectF(*FACE.box)
