"""From frames to a session: a sequential test that sums evidence until it suffices (Wald 1945).

   ┌──────────── face lost, track broken, clock fault ───────────┐
   ▼                                                              │
collecting ──enough evidence──▶ live | attack      (an attack stays an attack for the recording)
   │                              └─▲──▶ attack
   └──deadline──▶ not sure

Who was found live is watched on, because a mask or a print may take the face's place without a gap: the sum goes on
from the bound of `live`, never below it, as in Page's test for a change (1954). Above 0 nobody is live any more, at the
bound of `attack` it is one.
"""

from __future__ import annotations

import math

from pipeline.parameters import SessionRule
from pipeline.result import Reason, Verdict

_EDGE = 1e-6  # a score of exactly 0 or 1 is no infinite evidence


class SequentialTest:
    """Evidence of one visit: positive speaks for an attack. One thread."""

    def __init__(self, rule: SessionRule) -> None:
        self._rule = rule
        self._attack_at = math.log((1 - rule.alpha) / rule.beta)
        self._live_at = math.log(rule.alpha / (1 - rule.beta))
        self._attack_seen = False
        self._worst: tuple[Verdict, Reason | None] = (Verdict.UNDECIDED, Reason.NO_FACE)
        self._barred: Reason | None = None  # of the last frame that was no attack, also across visits
        self._evidence = 0.0
        self._outcome: Verdict | None = None
        self._start()

    def _start(self) -> None:
        if self._doubted:  # whoever leaves so is not remembered as live
            self._worst = Verdict.UNDECIDED, Reason.NOT_SURE
        self._evidence = 0.0
        self._judged = 0
        self._began_s: float | None = None
        self._counted_s = -math.inf
        self._seen_s: float | None = None
        self._outcome = None

    @property
    def evidence(self) -> float:
        """Sum of log ratios so far, in nats."""
        return self._evidence

    @property
    def bounds(self) -> tuple[float, float]:
        """(live below, attack above), in nats."""
        return self._live_at, self._attack_at

    def reset(self) -> None:
        """A new visit begins; an attack found before is not forgotten."""
        self._start()

    def fault(self) -> None:
        """Something failed inside the program: a visit that was found live before no longer speaks for the recording;
        the next one may.
        """
        self._start()
        self._worst = Verdict.UNDECIDED, Reason.INTERNAL_ERROR

    def missed(self, time_s: float) -> None:
        """A frame without a judged face."""
        if self._seen_s is not None and time_s - self._seen_s > self._rule.lost_face_s:
            self._start()

    def add(self, time_s: float, score: float, barred: Reason | None = None) -> None:
        """A judged frame: `score` is the cascade's attack score with its threshold at ½.

        `barred` says why the frame must not be called live (a stage did not run, a foreign sensor): like a frame
        that is called an attack it never counts in favour of life, whatever its score.
        """
        if self._seen_s is not None and not 0 <= time_s - self._seen_s <= self._rule.lost_face_s:
            self._start()
        self._seen_s = time_s
        self._began_s = time_s if self._began_s is None else self._began_s
        self._judged += 1
        if barred is not None or score < 0.5:
            self._barred = barred
        if self._outcome not in (None, Verdict.LIVE):
            return
        if time_s - self._counted_s >= self._rule.interval_s - 1e-9:
            self._counted_s = time_s
            piece = self._piece(score) if barred is None and score < 0.5 else max(self._piece(score), 0.0)
            self._evidence += piece
        if self._outcome is Verdict.LIVE:
            self._watch_on()
        else:
            self._conclude(time_s - self._began_s)

    def _piece(self, score: float) -> float:
        p = min(max(score, _EDGE), 1 - _EDGE)
        piece = self._rule.slope * math.log(p / (1 - p)) + self._rule.offset
        return min(max(piece, -self._rule.clip), self._rule.clip)

    def _conclude(self, elapsed_s: float) -> None:
        if self._judged < self._rule.min_frames:
            return
        if self._evidence >= self._attack_at:
            self._outcome, self._attack_seen = Verdict.ATTACK, True
        elif self._evidence <= self._live_at:
            self._outcome = Verdict.LIVE
        elif elapsed_s >= self._rule.deadline_s:
            self._outcome = Verdict.UNDECIDED
        if self._outcome is not None:
            self._worst = self._outcome, self._barred or Reason.NOT_SURE if self._outcome is Verdict.UNDECIDED else None

    def _watch_on(self) -> None:
        """Of a visit that was found live."""
        self._evidence = max(self._evidence, self._live_at)
        if self._evidence >= self._attack_at:
            self._outcome, self._attack_seen = Verdict.ATTACK, True
            self._worst = self._outcome, None

    @property
    def _doubted(self) -> bool:
        """Whether a visit was found live and what came since speaks against it."""
        return self._outcome is Verdict.LIVE and self._evidence > 0

    def state(self) -> tuple[Verdict, Reason | None]:
        """The verdict of the current visit; a face that was live is so no longer while its frames may not be, or speak
        against it.
        """
        if self._outcome is Verdict.ATTACK:
            return self._outcome, None
        if self._outcome is Verdict.LIVE and self._barred is None and not self._doubted:
            return self._outcome, None
        if not self._judged:
            return Verdict.UNDECIDED, Reason.NO_FACE
        waiting = Reason.COLLECTING if self._outcome is None else Reason.NOT_SURE
        return Verdict.UNDECIDED, self._barred or waiting

    def overall(self) -> tuple[Verdict, Reason | None]:
        """The verdict of the recording: any attack episode wins, then the last concluded visit."""
        if self._attack_seen:
            return Verdict.ATTACK, None
        if self._worst[0] is Verdict.LIVE and (self._barred is not None or self._doubted):
            return Verdict.UNDECIDED, self._barred or Reason.NOT_SURE
        if self._worst[1] is not Reason.NO_FACE:
            return self._worst
        return self.state()
