"""The explanation says what each stage answered, why one was not asked, and how far the session has come."""

from __future__ import annotations

import math
import sys
import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QPointF
from pytestqt.qtbot import QtBot

from app.kiosk.plots import COLUMNS, SPAN_S, TOPS_MS, Plots, _held, top_for
from app.kiosk.replay_parts import Rows
from app.kiosk.stages import PatchMap, SessionBar, heat_colors, image_of, place_of, score_words
from app.kiosk.why_view import WhyView
from pipeline.result import Reason, Verdict
from pipeline.snapshots import State
from pipeline.temporal import SequentialTest
from tests.qt.snapshots import DESCRIPTION, PATCHES, bare_result, live_result, prepared, shown, state, traces
from tests.qt.test_live_view import pixels


@pytest.fixture
def view(qtbot: QtBot) -> WhyView:
    made = WhyView(DESCRIPTION)
    qtbot.addWidget(made)
    made.resize(1200, 500)
    made.show()
    return made


class TestScales:
    @given(st.floats(0, 1), st.floats(0, 1))
    def test_scores_keep_their_order(self, one: float, other: float) -> None:
        low, high = sorted((one, other))
        assert 0 <= place_of(low) <= place_of(high) <= 1

    def test_half_is_in_the_middle(self) -> None:
        assert place_of(0.5) == pytest.approx(0.5)
        assert place_of(0.1) + place_of(0.9) == pytest.approx(1)

    @pytest.mark.parametrize(
        ("score", "words"), [(0.0, "0"), (1.0, "1"), (1e-5, "< 0.001"), (0.9999, "> 0.999"), (0.25, "0.250")]
    )
    def test_words_of_scores(self, score: float, words: str) -> None:
        assert score_words(score) == words

    def test_heat_goes_from_blue_to_orange(self) -> None:
        low, middle, high = heat_colors(np.array([0.0, 0.5, 1.0], np.float32)).astype(int)
        assert low[2] > low[0] + 50
        assert high[0] > high[2] + 50
        assert np.ptp(middle) < 12

    def test_an_image_owns_its_pixels(self) -> None:
        picture = np.zeros((4, 4, 3), np.uint8)
        image = image_of(picture)
        picture[:] = 255
        assert image.pixelColor(0, 0).red() == 0


class TestStages:
    def test_rejected_by_d_net_means_m_net_was_not_asked(self, view: WhyView) -> None:
        view.refresh(shown(0, live_result(d_net=0.9, m_net=None, patches=None, verdict=Verdict.ATTACK)), state(), ())
        assert view._m_gauge._words == "not asked: D-Net rejects"
        assert view._m_tiles._faint
        assert not view._d_tiles._faint
        assert view._d_gauge._score == 0.9

    def test_without_a_face_the_reason_is_told(self, view: WhyView) -> None:
        view.refresh(shown(0, bare_result(Reason.TOO_FAR)), state(), ())
        assert view._d_gauge._words == "not asked: come closer"
        assert view._m_gauge._words == "not asked: D-Net did not run"
        assert "come closer" in view._frame_sign.accessibleName()

    def test_without_infrared_the_reason_is_told(self, view: WhyView) -> None:
        result = live_result(
            m_net=None, patches=None, verdict=Verdict.UNDECIDED, reason=Reason.NO_INFRARED,
            prepared=prepared(reflectance=False),
        )  # fmt: skip
        view.refresh(shown(0, result), state(), ())
        assert "no infrared picture" in view._m_gauge._words
        assert view._m_tiles._images == [None] * 4

    def test_a_verdict_is_told_in_words(self, view: WhyView) -> None:
        view.refresh(shown(0), state(), ())
        assert view._sign.accessibleName() == "Not decided. this visit: looking"
        assert view._frame_sign.accessibleName() == "Live. this frame"

    @pytest.mark.parametrize(
        ("seen", "now"),
        [
            (False, state("failed")), (True, state("waiting", 600.0)), (True, state("closed")),
            (True, state("opening")), (True, state(age_s=60.0)),
        ],
    )  # fmt: skip
    def test_no_verdict_stands_without_its_source(self, view: WhyView, seen: bool, now: State) -> None:
        live = live_result(session_verdict=Verdict.LIVE, session_reason=None)
        view.refresh(shown(0, live), state(), ())
        assert view._sign.accessibleName().startswith("Live")
        view.refresh(shown(0, live) if seen else None, now, ())
        assert view._sign.accessibleName().startswith("Not decided")
        assert view._frame_sign.accessibleName().startswith("Not decided")
        view.refresh(shown(1, live), state(), ())
        assert view._sign.accessibleName().startswith("Live")

    def test_the_verdict_of_a_recording_stays_when_it_has_ended(self, view: WhyView) -> None:
        view.refresh(shown(0, live_result(session_verdict=Verdict.LIVE, session_reason=None)), state("ended", 60.0), ())
        assert view._sign.accessibleName().startswith("Live")

    def test_other_maps_are_another_picture(self, view: WhyView) -> None:
        view.refresh(shown(0), state(), ())
        before = pixels(view._d_tiles)
        view.refresh(shown(1, live_result(prepared=prepared(7))), state(), ())
        assert np.mean(before != pixels(view._d_tiles)) > 0.05

    def test_a_painted_number_is_not_painted_again(self, view: WhyView, monkeypatch: pytest.MonkeyPatch) -> None:
        view.refresh(shown(5), state(), ())
        painted: list[object] = []
        monkeypatch.setattr(view, "_paint_stages", painted.append)
        view.refresh(shown(5), state(), ())
        assert not painted

    def test_plots_lag_but_do_not_miss_the_last_frame(
        self, view: WhyView, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        drawn: list[int] = []
        monkeypatch.setattr(view._plots, "show_history", lambda history: drawn.append(len(history)))
        for count in (1, 2, 3):
            view.refresh(shown(count), state(), traces(count))
        assert drawn == [1]
        qtbot.waitUntil(lambda: drawn == [1, 3], timeout=2000)

    @pytest.mark.parametrize("reason", list(Reason))
    def test_nothing_that_is_missing_raises(self, view: WhyView, reason: Reason) -> None:
        view.refresh(None, state("opening", age_s=math.inf), ())
        view.refresh(shown(0, bare_result(reason)), state(), traces(1, (None,)))
        view.refresh(shown(1, live_result(prepared=None, patches=None, m_net=None)), state(), ())
        pixels(view)


class TestSession:
    def test_the_bar_ends_at_the_bounds_of_the_test(self, qtbot: QtBot) -> None:
        live_at, attack_at = SequentialTest(DESCRIPTION.session).bounds
        bar = SessionBar((live_at, attack_at))
        qtbot.addWidget(bar)
        for evidence, share in ((None, 0), (0.0, 0), (live_at / 2, -0.5), (live_at * 3, -1), (attack_at, 1)):
            bar.show_evidence(evidence)
            assert bar.share() == pytest.approx(share)


class TestPatches:
    @pytest.fixture
    def patch_map(self, qtbot: QtBot) -> PatchMap:
        made = PatchMap(PATCHES)
        qtbot.addWidget(made)
        made.resize(400, 220)
        return made

    def test_every_position_has_a_place_of_its_own(self, patch_map: PatchMap) -> None:
        for index in range(len(PATCHES)):
            assert patch_map.patch_at(patch_map._cell(index).center()) == index
        assert patch_map.patch_at(QPointF(1, 1)) is None

    def test_words_name_position_score_and_weight(self, patch_map: PatchMap) -> None:
        scores = tuple(n / 36 for n in range(36))
        patch_map.show_scores(np.zeros((112, 112), np.uint8), scores)
        assert patch_map.words_of(7) == "patch at (40, 20), 32 px: score 0.194, weight α 0.028"

    def test_scores_colour_the_face(self, patch_map: PatchMap) -> None:
        face = np.full((112, 112), 128, np.uint8)
        patch_map.show_scores(face, (0.0,) * 36)
        live = patch_map._image.pixelColor(50, 50)
        patch_map.show_scores(face, (1.0,) * 36)
        attack = patch_map._image.pixelColor(50, 50)
        assert live.blue() > live.red()
        assert attack.red() > attack.blue()


class TestPlots:
    @pytest.fixture
    def plots(self, qtbot: QtBot) -> Plots:
        made = Plots(DESCRIPTION.thresholds)
        qtbot.addWidget(made)
        return made

    def test_only_the_last_seconds_are_drawn(self, plots: Plots) -> None:
        plots.show_history(traces(1000))
        times, places = plots._curves["d_net"].getData()
        assert times[0] >= -SPAN_S
        assert times[-1] == 0
        assert places[-1] == pytest.approx(place_of(0.01))

    @given(st.floats(0.1, 1e5), st.sampled_from(TOPS_MS))
    def test_the_scale_of_times_holds_the_highest_and_then_stands_still(self, highest: float, top: float) -> None:
        moved = top_for(highest, top)
        assert moved in TOPS_MS
        assert moved >= min(highest, TOPS_MS[-1])
        assert top_for(highest, moved) == moved
        if moved < top:
            assert highest < moved, "a smaller scale leaves room"
            assert top_for(1.2 * highest, moved) == moved, "so that a little more does not bring the larger one back"

    def test_axes_are_drawn_anew_only_where_the_scale_moves(
        self, plots: Plots, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Stages of 22 ms lie between two scales."""
        history = tuple(replace(trace, stage_ms=(("face", 22.0),)) for trace in traces(50))
        plots.show_history(history)
        drawn: list[bool] = []
        monkeypatch.setattr(plots, "_scale_times", lambda: drawn.append(True))
        plots.show_history(history)
        assert drawn == []
        assert plots._top_ms == 50.0

    def test_missing_scores_break_the_line(self, plots: Plots) -> None:
        plots.show_history(traces(10, (0.5, None)))
        assert np.isnan(plots._curves["d_net"].getData()[1]).tolist() == [False, True] * 5
        assert np.isnan(plots._curves["m_net"].getData()[1]).all()

    def test_stages_are_stacked_to_their_sum(self, plots: Plots) -> None:
        plots.show_history(traces(50))
        newest = plots._stack.image[:, -1]
        share = np.count_nonzero(newest[:, 3]) / len(newest)
        assert share * plots._top_ms == pytest.approx(5.0, abs=0.2), "1 ms and 4 ms"

    def test_columns_hold_the_newest_verdict_until_the_next(self) -> None:
        held = _held(np.array([3, 3, 10]))
        assert held[:3].tolist() == [-1, -1, -1]
        assert (held[3:10] == 1).all()
        assert (held[10:] == 2).all()
        assert len(held) == COLUMNS

    def test_memory_is_bounded(self, view: WhyView) -> None:
        """A thousand frames leave no more behind than the first few."""

        def run(start: int, count: int) -> None:
            for number in range(start, start + count):
                view.refresh(shown(number, bare_result()), state(), traces(200))
                view._plot()

        run(0, 20)
        tracemalloc.start()
        run(20, 10)
        before = tracemalloc.get_traced_memory()[0]
        run(30, 100)
        grown = tracemalloc.get_traced_memory()[0] - before
        tracemalloc.stop()
        assert grown < 300_000, f"{grown} bytes on Python {sys.version_info[:2]}"


def test_in_a_low_window_the_stages_fill_the_place_and_the_rest_is_scrolled_to(qtbot: QtBot) -> None:
    why = WhyView(DESCRIPTION)
    rows = Rows(why)
    qtbot.addWidget(rows)
    rows.resize(1200, 262)
    rows.show()
    bar, stages = rows.verticalScrollBar(), why.layout().itemAt(0)
    qtbot.waitUntil(lambda: abs(stages.geometry().bottom() - rows.viewport().height()) < 10, timeout=5000)
    assert bar.maximum() > 0
    rows.resize(1200, 520)
    qtbot.waitUntil(lambda: bar.maximum() == 0, timeout=5000)  # where all of it has room nothing is scrolled
