"""The guidance machine: order, deadlines, stability, and that nobody is shown `live` whom the session did not."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.guidance import ASKED, CAMERA_AWAY, CANNOT_JUDGE, ICONS, Guidance, Instruction, Kind, Text, Timings
from pipeline.result import Reason, Result, Verdict
from pipeline.runner import Phase, State

TICK_S = 0.1
_numbers = itertools.count()


def result(
    reason: Reason | None = None, session: Verdict = Verdict.UNDECIDED, *, why: Reason | None = Reason.COLLECTING,
    distance_m: float | None = 0.6,
) -> Result:  # fmt: skip
    number = next(_numbers)
    verdict = Verdict.UNDECIDED if reason is not None else Verdict.LIVE
    why = why if session is Verdict.UNDECIDED else None
    return Result(number, number / 10, verdict, reason, session, why, distance_m=distance_m)


NOBODY: Callable[[], Result] = lambda: result(Reason.NO_FACE, why=Reason.NO_FACE, distance_m=None)  # noqa: E731


class Stage:
    """A guidance with a clock: plays something for a while and remembers what was shown."""

    def __init__(self, timings: Timings | None = None) -> None:
        self.guidance, self.now_s, self.shown = Guidance(timings), 100.0, [Kind.IDLE.value]
        self.visits = 0

    def play(self, make: Callable[[], Result | None], seconds: float, phase: Phase = "running") -> Instruction:
        for _ in range(round(seconds / TICK_S)):
            self.now_s += TICK_S
            told = self.guidance.update(self.now_s, make(), State(phase, "sim"))
            self.visits += told.new_visit
            name = told.text.value if told.kind is Kind.ASK else (told.verdict or told.kind).value
            if name != self.shown[-1]:
                self.shown.append(name)
        return told

    def ready(self) -> Stage:
        self.play(NOBODY, 1.0)
        self.play(result, 2.2)
        return self


def test_a_live_person_from_the_idle_screen_to_the_next_one() -> None:
    stage = Stage()
    stage.play(NOBODY, 3.0)
    stage.play(lambda: result(Reason.TOO_FAR, distance_m=1.6), 3.0)
    stage.play(result, 1.5)
    stage.play(lambda: result(session=Verdict.LIVE), 6.0)
    stage.play(NOBODY, 3.0)
    assert stage.shown == ["idle", "ready", "come_closer", "working", "live", "thanks", "idle"]
    assert stage.visits == 1


def test_an_attack_is_shown_and_the_next_try_starts_afresh() -> None:
    stage = Stage().ready()
    told = stage.play(lambda: result(session=Verdict.ATTACK), 1.0)
    assert told.verdict is Verdict.ATTACK
    stage.play(lambda: result(session=Verdict.ATTACK), 4.4)
    assert stage.shown[-1] == "ready"
    assert stage.visits == 1


def test_a_reason_that_flickers_does_not_reach_the_screen() -> None:
    stage = Stage().ready()
    before = list(stage.shown)
    for _ in range(10):
        stage.play(lambda: result(Reason.TOO_FAR), 0.3)
        stage.play(lambda: result(Reason.TURN_TO_CAMERA), 0.3)
    assert stage.shown[: len(before)] == before
    assert set(stage.shown[len(before) :]) <= {"working", "undecided"}


@pytest.mark.parametrize("reason", [r for r in ASKED if r not in (Reason.NO_FACE, Reason.COLLECTING)])
def test_every_instruction_has_a_deadline_that_says_what_to_do(reason: Reason) -> None:
    stage = Stage().ready()
    assert stage.play(lambda: result(reason), 1.0).text is ASKED[reason]
    told = stage.play(lambda: result(reason), Timings().ask_s + 1)
    assert (told.verdict, told.remedy) == (Verdict.UNDECIDED, ASKED[reason])


def test_work_without_end_and_a_test_that_gives_up_are_undecided() -> None:
    endless = Stage().ready().play(result, Timings().working_s + 1)
    given_up = Stage().ready().play(lambda: result(why=Reason.NOT_SURE), 1.0)
    assert endless.verdict is given_up.verdict is Verdict.UNDECIDED
    assert endless.remedy is given_up.remedy is Text.TRY_AGAIN


def test_nobody_for_a_while_returns_to_the_idle_screen() -> None:
    stage = Stage().ready()
    assert stage.play(NOBODY, 1.0).text is Text.STEP_IN
    assert stage.play(NOBODY, Timings().idle_s + 1).kind is Kind.IDLE


def test_five_failures_make_a_pause_that_ends() -> None:
    stage = Stage().ready()
    for _ in range(5):
        stage.play(lambda: result(session=Verdict.ATTACK), 5.0)
        stage.play(result, 2.5)
    assert stage.shown[-1] == "pause"
    assert stage.play(lambda: result(session=Verdict.LIVE), 20.0).kind is Kind.PAUSE
    assert stage.play(result, 12.0).kind is not Kind.PAUSE


def test_instructions_nobody_heeds_make_no_pause() -> None:
    stage = Stage().ready()
    stage.play(lambda: result(Reason.TOO_FAR), 170.0)
    assert "pause" not in stage.shown


@pytest.mark.parametrize("reason", sorted(CANNOT_JUDGE))
def test_a_fault_is_out_of_order_and_takes_a_live_verdict_down(reason: Reason) -> None:
    stage = Stage().ready()
    assert stage.play(lambda: result(session=Verdict.LIVE), 1.0).verdict is Verdict.LIVE
    assert stage.play(lambda: result(reason, session=Verdict.LIVE), 0.7).kind is Kind.OUT_OF_ORDER
    assert stage.play(NOBODY, 1.0).kind is Kind.IDLE


def test_a_camera_that_is_away_recovers_by_itself_or_is_out_of_order() -> None:
    stage = Stage().ready()
    assert stage.play(lambda: None, 1.0, "waiting").kind is Kind.WAIT
    assert stage.play(lambda: None, Timings().away_s, "waiting").kind is Kind.OUT_OF_ORDER
    assert stage.play(result, 1.0).kind is Kind.READY
    assert stage.play(lambda: None, 1.0, "failed").kind is Kind.OUT_OF_ORDER
    assert {r for r in Reason if r not in ASKED} - CANNOT_JUDGE - CAMERA_AWAY == {Reason.NOT_SURE}


def test_a_picture_that_stands_still_is_nobodys_verdict() -> None:
    stage, old = Stage().ready(), result(session=Verdict.LIVE)
    stage.play(lambda: old, 10.0)
    assert stage.shown[-1] == "wait"
    assert stage.play(lambda: old, 1.0).verdict is None


def test_live_ends_at_once_for_somebody_who_steps_in() -> None:
    stage = Stage().ready()
    stage.play(lambda: result(session=Verdict.LIVE), 1.0)
    assert stage.play(result, 0.7).verdict is None


def test_the_distance_bar_has_the_gates_range_in_the_middle() -> None:
    guidance = Guidance()
    places = [
        guidance.update(n / 30, result(distance_m=meters), State("running", "sim")).distance
        for n, meters in enumerate((0.1, 0.3, 0.6, 3.0))
    ]
    assert places == sorted(p for p in places if p is not None)
    assert guidance.update(1.0, NOBODY(), State("running", "sim")).distance is None


def test_every_text_has_an_icon() -> None:
    assert set(ICONS) == set(Text)


happenings = st.lists(
    st.tuples(
        st.one_of(st.none(), st.sampled_from(list(Reason))),
        st.sampled_from(list(Verdict)),
        st.sampled_from(["running", "running", "running", "waiting", "opening", "failed", "ended"]),
        st.integers(1, 60),
        st.booleans(),
    ),
    min_size=1,
    max_size=40,
)


@settings(max_examples=150, deadline=None)
@given(happenings, st.sampled_from([0.02, 0.033, 0.2]))
def test_live_comes_from_the_session_and_nothing_flickers(played: list[tuple], tick_s: float) -> None:  # type: ignore[type-arg]
    guidance, now_s = Guidance(), 0.0
    shown, changed_s = guidance.update(now_s, None, State("running", "sim")), -10.0
    for reason, session, phase, ticks, given_result in played:
        for _ in range(ticks):
            now_s += tick_s
            seen = result(reason, session) if given_result else None
            told = guidance.update(now_s, seen, State(phase, "sim"))
            if (told.kind, told.text, told.remedy) == (shown.kind, shown.text, shown.remedy):
                continue
            assert now_s - changed_s >= Timings().stable_s - 1e-9
            if told.verdict is Verdict.LIVE:
                assert seen is not None
                assert seen.session_verdict is Verdict.LIVE
                assert phase not in ("failed", "waiting", "opening")
            shown, changed_s = told, now_s
