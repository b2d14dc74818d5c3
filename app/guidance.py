"""What the person in front of the camera is told: one instruction at a time, then one verdict, then the next person.

    idle ─face─▶ ready ─▶ ask … ─▶ working ─▶ verdict ─┬─ live ───▶ thanks ─gone─▶ idle
      ▲                    │  deadline: not decided ▲  └─ other ──▶ ready, or pause after too many failures
      └──nobody for a while┘
    from anywhere: camera away ▶ wait; a fault ▶ out of order. Both pass by themselves, neither ever ends in `live`.

What is shown changes only to what has been wanted for `stable_s` without a break, and a verdict is always the
session's, in the very update that starts it. No clock of its own: the caller says what time it is.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from pipeline.parameters import Gate
from pipeline.result import Reason, Result, Verdict
from pipeline.runner import State


class Kind(StrEnum):
    """What sort of screen it is."""

    IDLE = "idle"
    READY = "ready"
    ASK = "ask"
    WORKING = "working"
    VERDICT = "verdict"
    THANKS = "thanks"
    PAUSE = "pause"
    WAIT = "wait"
    OUT_OF_ORDER = "out_of_order"


class Text(StrEnum):
    """Which text; the words are the view's, one for each language."""

    WELCOME = "welcome"
    LOOK_HERE = "look_here"
    STEP_IN = "step_in"
    ONE_PERSON = "one_person"
    COME_CLOSER = "come_closer"
    STEP_BACK = "step_back"
    TO_THE_MIDDLE = "to_the_middle"
    TURN_HERE = "turn_here"
    MORE_LIGHT = "more_light"
    TOO_DIM = "too_dim"
    TOO_BRIGHT = "too_bright"
    LIGHT_BEHIND = "light_behind"
    UNCOVER = "uncover"
    HOLD_STILL = "hold_still"
    WORKING = "working"
    LIVE = "live"
    ATTACK = "attack"
    NOT_DECIDED = "not_decided"
    TRY_AGAIN = "try_again"
    THANKS = "thanks"
    PAUSE = "pause"
    ONE_MOMENT = "one_moment"
    OUT_OF_ORDER = "out_of_order"


class Icon(StrEnum):
    """Which sign stands beside the text."""

    FACE = "face"
    PEOPLE = "people"
    NEARER = "nearer"
    FARTHER = "farther"
    MIDDLE = "middle"
    TURN = "turn"
    LIGHT = "light"
    UNCOVER = "uncover"
    STILL = "still"
    CLOCK = "clock"
    VERDICT = "verdict"
    WARNING = "warning"


ASKED: Final[Mapping[Reason, Text]] = {
    Reason.NO_FACE: Text.STEP_IN,
    Reason.SEVERAL_FACES: Text.ONE_PERSON,
    Reason.TOO_FAR: Text.COME_CLOSER,
    Reason.TOO_SMALL: Text.COME_CLOSER,
    Reason.TOO_NEAR: Text.STEP_BACK,
    Reason.CUT_OFF: Text.TO_THE_MIDDLE,
    Reason.OFF_CENTRE: Text.TO_THE_MIDDLE,
    Reason.TURN_TO_CAMERA: Text.TURN_HERE,
    Reason.COLOR_DARK: Text.MORE_LIGHT,
    Reason.INFRARED_DARK: Text.TOO_DIM,
    Reason.INFRARED_SATURATED: Text.TOO_BRIGHT,
    Reason.BACKLIGHT: Text.LIGHT_BEHIND,
    Reason.NO_DEPTH: Text.UNCOVER,
    Reason.FACE_INCOMPLETE: Text.UNCOVER,
    Reason.FACE_COVERED: Text.UNCOVER,
    Reason.HOLD_STILL: Text.HOLD_STILL,
    Reason.COLLECTING: Text.WORKING,
}
"""What a person can do about a reason. The order of urgency is the gate's: a result has one reason."""

CAMERA_AWAY: Final = frozenset({Reason.STALE_FRAME, Reason.STREAMS_DISAGREE})
CANNOT_JUDGE: Final = frozenset(
    {Reason.INTERNAL_ERROR, Reason.OTHER_SENSOR, Reason.GATE_OFF, Reason.NO_INFRARED, Reason.NO_COLOR}
)
"""Nothing that the person does would help: the place is out of order."""

ICONS: Final[Mapping[Text, Icon]] = {
    Text.WELCOME: Icon.FACE,
    Text.LOOK_HERE: Icon.FACE,
    Text.STEP_IN: Icon.FACE,
    Text.ONE_PERSON: Icon.PEOPLE,
    Text.COME_CLOSER: Icon.NEARER,
    Text.STEP_BACK: Icon.FARTHER,
    Text.TO_THE_MIDDLE: Icon.MIDDLE,
    Text.TURN_HERE: Icon.TURN,
    Text.MORE_LIGHT: Icon.LIGHT,
    Text.TOO_DIM: Icon.LIGHT,
    Text.TOO_BRIGHT: Icon.LIGHT,
    Text.LIGHT_BEHIND: Icon.LIGHT,
    Text.UNCOVER: Icon.UNCOVER,
    Text.HOLD_STILL: Icon.STILL,
    Text.WORKING: Icon.STILL,
    Text.LIVE: Icon.VERDICT,
    Text.ATTACK: Icon.VERDICT,
    Text.NOT_DECIDED: Icon.VERDICT,
    Text.TRY_AGAIN: Icon.FACE,
    Text.THANKS: Icon.FACE,
    Text.PAUSE: Icon.CLOCK,
    Text.ONE_MOMENT: Icon.CLOCK,
    Text.OUT_OF_ORDER: Icon.WARNING,
}

GOOD_ZONE: Final = (0.25, 0.75)
"""Of the distance bar, 0 nearest: where the gate lets a face through."""


@dataclass(frozen=True, slots=True)
class Timings:
    """Seconds. `stable_s` something is wanted before it is shown; `ready_s` the get-ready screen stands; `ask_s`
    one instruction may go unheeded; `usual_s` the work takes, `working_s` it may take; a whole try may take `try_s`
    before it ends undecided; `held_s` a verdict stands; `thanks_s` the thanks at most, while the person stays;
    `idle_s` without a face end a try; a result older than `stale_s` is none; `away_s` without a camera are out of
    order. `failures` within `failures_s` make a pause of `pause_s`."""

    stable_s: float = 0.5
    ready_s: float = 1.0
    ask_s: float = 12.0
    usual_s: float = 3.0
    working_s: float = 6.0
    try_s: float = 40.0
    held_s: float = 4.0
    thanks_s: float = 8.0
    idle_s: float = 5.0
    stale_s: float = 1.5
    away_s: float = 60.0
    failures: int = 5
    failures_s: float = 180.0
    pause_s: float = 30.0


@dataclass(frozen=True, slots=True)
class Instruction:
    """What the screen shows now.

    `remedy` is what to do better, with an undecided verdict. `distance` 0 (much too near) to 1 (much too far), None
    where no face is measured; `progress` 0 to 1 of the work or of the pause. `new_visit` is true in the one update
    after which the evidence so far must be forgotten (`Runner.forget`).
    """

    kind: Kind
    text: Text
    icon: Icon
    distance: float | None = None
    verdict: Verdict | None = None
    remedy: Text | None = None
    progress: float | None = None
    new_visit: bool = False


@dataclass(frozen=True, slots=True)
class _Step:
    kind: Kind
    text: Text
    verdict: Verdict | None = None
    remedy: Text | None = None


_IDLE = _Step(Kind.IDLE, Text.WELCOME)
_READY = _Step(Kind.READY, Text.LOOK_HERE)
_WORKING = _Step(Kind.WORKING, Text.WORKING)
_LIVE = _Step(Kind.VERDICT, Text.LIVE, Verdict.LIVE)
_ATTACK = _Step(Kind.VERDICT, Text.ATTACK, Verdict.ATTACK)
_THANKS = _Step(Kind.THANKS, Text.THANKS)
_PAUSE = _Step(Kind.PAUSE, Text.PAUSE)
_WAIT = _Step(Kind.WAIT, Text.ONE_MOMENT)
_OUT = _Step(Kind.OUT_OF_ORDER, Text.OUT_OF_ORDER)


def _undecided(remedy: Text) -> _Step:
    return _Step(Kind.VERDICT, Text.NOT_DECIDED, Verdict.UNDECIDED, remedy)


class Guidance:
    """The state machine. One thread. `gate` tells the distances between which a face is judged."""

    def __init__(self, timings: Timings | None = None, gate: Gate | None = None) -> None:
        self._times, self._gate = timings or Timings(), gate or Gate()
        self._step, self._since_s = _IDLE, 0.0
        self._wanted: tuple[_Step, float] | None = None  # what would be shown, and since when
        self._newest: tuple[tuple[int, float], float] | None = None  # the newest result, and when it came
        self._away_since_s: float | None = None
        self._try_began_s = 0.0
        self._failures: deque[float] = deque()
        self._paused_until_s = 0.0

    def update(self, now_s: float, result: Result | None, state: State) -> Instruction:
        """What to show at a monotonic time, given the newest result and how the run stands."""
        result = self._current(now_s, result)
        wanted = self._wants(now_s, result, state)
        before = self._step
        if self._settled(now_s, wanted):
            self._enter(now_s, wanted)
        return self._instruction(now_s, result, new_visit=_ends_visit(before, self._step))

    # -- what is wanted ----------------------------------------------------------------------------------------------

    def _current(self, now_s: float, result: Result | None) -> Result | None:
        """The result, unless it is an old one shown again: nobody is judged by what the camera saw a while ago."""
        if result is None:
            return None
        key = (result.frame, result.device_time_s)
        if self._newest is None or self._newest[0] != key:
            self._newest = key, now_s
        return result if now_s - self._newest[1] < self._times.stale_s else None

    def _wants(self, now_s: float, result: Result | None, state: State) -> _Step:
        if trouble := self._trouble(now_s, result, state):
            return trouble
        if self._step.kind is Kind.VERDICT and not self._over(now_s, result):
            return self._step
        if now_s < self._paused_until_s:
            return _PAUSE
        nobody = result is None or result.reason is Reason.NO_FACE
        age_s = now_s - self._since_s
        match self._step.kind:
            case Kind.VERDICT if self._step.verdict is Verdict.LIVE and _session(result) is Verdict.ATTACK:
                return _ATTACK
            case Kind.VERDICT if self._step.verdict is Verdict.LIVE and _session(result) is Verdict.LIVE:
                return _IDLE if nobody else _THANKS
            case Kind.THANKS if age_s < self._times.thanks_s and _session(result) is Verdict.LIVE:
                return _THANKS
            case Kind.IDLE | Kind.VERDICT | Kind.THANKS | Kind.PAUSE | Kind.WAIT | Kind.OUT_OF_ORDER:
                return _IDLE if nobody else _READY
            case Kind.READY if age_s < self._times.ready_s:
                return _READY
        return self._asked(now_s, result)

    def _trouble(self, now_s: float, result: Result | None, state: State) -> _Step | None:
        if state.phase == "failed" or (result is not None and result.reason in CANNOT_JUDGE):
            return _OUT
        over = state.phase in ("ended", "closed")  # a recording: nobody is there any more
        away = state.phase in ("opening", "waiting") or (result is None and not over)
        if not away and (result is None or result.reason not in CAMERA_AWAY):
            self._away_since_s = None
            return None
        self._away_since_s = now_s if self._away_since_s is None else self._away_since_s
        return _OUT if now_s - self._away_since_s >= self._times.away_s else _WAIT

    def _over(self, now_s: float, result: Result | None) -> bool:
        """A verdict stands its time. `live` ends earlier where somebody is there for whom it does not hold."""
        if now_s - self._since_s >= self._times.held_s:
            return True
        if self._step.verdict is not Verdict.LIVE or result is None:
            return False
        return result.reason is not Reason.NO_FACE and result.session_verdict is not Verdict.LIVE

    def _asked(self, now_s: float, result: Result | None) -> _Step:
        """Within a try: the session's verdict, else not decided where a deadline has passed, else what to do."""
        if result is None:
            return _IDLE
        crowd = result.reason in (Reason.NO_FACE, Reason.SEVERAL_FACES)
        if result.session_verdict is Verdict.ATTACK:
            return _ATTACK
        if result.session_verdict is Verdict.LIVE and not crowd:
            return _LIVE
        if result.session_reason is Reason.NOT_SURE and not crowd:
            return _undecided(Text.TRY_AGAIN)
        if self._late(now_s):
            if self._step.text is Text.STEP_IN:
                return _IDLE
            return _undecided(self._step.text if self._step.kind is Kind.ASK else Text.TRY_AGAIN)
        text = ASKED.get(result.reason or Reason.COLLECTING, Text.WORKING)
        return _WORKING if text is Text.WORKING else _Step(Kind.ASK, text)

    def _late(self, now_s: float) -> bool:
        times, age_s = self._times, now_s - self._since_s
        if self._step.text is Text.STEP_IN:
            return age_s >= times.idle_s
        if self._step.kind is Kind.ASK and age_s >= times.ask_s:
            return True
        if self._step.kind is Kind.WORKING and age_s >= times.working_s:
            return True
        return now_s - self._try_began_s >= times.try_s

    # -- what is shown -----------------------------------------------------------------------------------------------

    def _settled(self, now_s: float, wanted: _Step) -> bool:
        """Whether the step wanted differs from the one shown and has been wanted long enough."""
        if wanted == self._step:
            self._wanted = None
            return False
        if self._wanted is None or self._wanted[0] != wanted:
            self._wanted = wanted, now_s
        return now_s - self._wanted[1] >= self._times.stable_s

    def _enter(self, now_s: float, step: _Step) -> None:
        if step.kind is Kind.READY:
            self._try_began_s = now_s
        self._step, self._since_s, self._wanted = step, now_s, None
        if step == _ATTACK or step == _undecided(Text.TRY_AGAIN):
            self._fail(now_s)

    def _fail(self, now_s: float) -> None:
        """Counts tries that were judged and did not end well; an instruction not heeded is none."""
        times = self._times
        self._failures.append(now_s)
        while now_s - self._failures[0] > times.failures_s:
            self._failures.popleft()
        if len(self._failures) >= times.failures:
            self._failures.clear()
            self._paused_until_s = now_s + times.held_s + times.pause_s

    def _instruction(self, now_s: float, result: Result | None, *, new_visit: bool) -> Instruction:
        step, age_s, times = self._step, now_s - self._since_s, self._times
        progress = None
        if step.kind is Kind.WORKING:
            progress = min(1.0, age_s / times.usual_s)
        elif step.kind is Kind.PAUSE:
            progress = min(1.0, max(0.0, 1 - (self._paused_until_s - now_s) / times.pause_s))
        distance = None if result is None else self._distance(result)
        icon = ICONS[step.remedy or step.text] if step.verdict is None else Icon.VERDICT
        return Instruction(step.kind, step.text, icon, distance, step.verdict, step.remedy, progress, new_visit)

    def _distance(self, result: Result) -> float | None:
        """On the bar: the gate's range is its middle half."""
        if result.distance_m is None:
            return None
        share = (result.distance_m - self._gate.near_m) / (self._gate.far_m - self._gate.near_m)
        low, high = GOOD_ZONE
        place = low + share * (high - low)
        if result.reason is Reason.TOO_SMALL:  # of a small face, or a coarse camera: nearer helps all the same
            place = max(place, high + 0.05)
        return min(1.0, max(0.0, place))


def _session(result: Result | None) -> Verdict | None:
    return None if result is None else result.session_verdict


def _ends_visit(before: _Step, after: _Step) -> bool:
    """Whether the evidence ends between two steps: after a verdict the next try starts from nothing."""
    judged = {Kind.VERDICT, Kind.THANKS, Kind.PAUSE}
    return before.kind in judged and after.kind in {Kind.IDLE, Kind.READY}
