"""One frame set in, one result out: the whole straight line from picture to verdict.

    face finder ─▶ prepare (register, gate, depth stage, reflectance stage) ─▶ D-Net ─attack▶ stop
                                                                                 └─else─▶ M-Net

Whatever breaks on the way, the answer is never `live`.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace

import numpy as np

from drivers.carrying import carry_to_grid
from drivers.frames import FrameSet
from pipeline.bundle import Bundle
from pipeline.cascade import attack_score, decide
from pipeline.faces import Face, FaceFinder, FaceTracker, to_uint8
from pipeline.gate import Clock, Stillness, check_backlight, check_centre, check_faces, check_streams, most_urgent
from pipeline.nets import Nets
from pipeline.preparation import Preparation, prepare
from pipeline.result import Reason, Result, Verdict
from pipeline.stopwatch import Stopwatch
from pipeline.temporal import SequentialTest
from pipeline.upright import Turn, turn_back, turn_picture

log = logging.getLogger(__name__)

FAULTS_IN_A_ROW = 3


class EngineFaulty(RuntimeError):
    """Frames in a row failed inside the program: a bug of ours, not the recording's fault."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """The part of a result that the scores decide."""

    verdict: Verdict
    reason: Reason | None
    d_net: float | None = None
    m_net: float | None = None
    patches: tuple[float | None, ...] | None = None


class Engine:
    """Judges the frame sets of one source with one bundle. One thread.

    `sensor` is the source's `CameraInfo.sensor`; on a sensor that the bundle does not name a would-be `live` is
    `undecided`, unless `accept_sensor`. With `gate` false every found face is scored by both nets, for research,
    and the verdict is always `undecided`. With `both_nets` M-Net also scores what D-Net rejects, for M-Net's own
    figures; verdicts stay as they are.
    """

    def __init__(
        self,
        bundle: Bundle,
        *,
        sensor: str,
        gate: bool = True,
        accept_sensor: bool = False,
        both_nets: bool = False,
        threads: int = 2,
    ) -> None:
        self.bundle = bundle
        self._description = bundle.description
        self._preprocessing = bundle.description.preprocessing
        self._nets = Nets(bundle, threads)
        finder = FaceFinder(threads)
        self._on_color, self._on_infrared = FaceTracker(finder), FaceTracker(finder, phase=7)
        self._session = SequentialTest(self._description.session)
        self._clock, self._stillness = Clock(), Stillness()
        self._gate = gate
        self._both_nets = both_nets
        self._foreign = not accept_sensor and sensor not in self._description.sensors
        self._faults = 0
        self._track: tuple[int | None, int | None] | None = None

    @property
    def faulty(self) -> bool:
        """Three frames in a row failed inside the program: the caller should say so and stop."""
        return self._faults >= FAULTS_IN_A_ROW

    def check(self, uri: str, frame_set: FrameSet) -> None:
        """Raises EngineFaulty, naming the source's frame, once the engine is `faulty`."""
        if self.faulty:
            raise EngineFaulty(f"{uri}: frame {frame_set.sequence}: judging failed inside the program")

    def process(self, frame_set: FrameSet, age_s: float = 0.0) -> Result:
        """Judges one frame set. Never raises for what is in the frames.

        `age_s` has passed since a camera delivered it: more than `max_age_s`, as after the process stood still, and it
        says nothing of who stands there now.
        """
        watch = Stopwatch()
        try:
            result = self._judge(frame_set, watch, age_s)
            self._faults = 0
        except Exception:
            # The one place where everything is caught: a kiosk must go on and must not say `live`.
            log.exception("frame %d could not be judged", frame_set.sequence)
            self._faults += 1
            self.forget()
            self._session.fault()
            result = self._undecided(frame_set, Reason.INTERNAL_ERROR)
        return replace(result, stage_ms=watch.ms)

    def session_verdict(self) -> tuple[Verdict, Reason | None]:
        """The verdict of everything seen so far; any attack episode wins."""
        return self._session.overall()

    def forget(self) -> None:
        """A new visit begins: neither the evidence so far nor the faces followed count for who comes next."""
        self._session.reset()
        self._on_color.reset()
        self._on_infrared.reset()
        self._stillness.reset()

    def _judge(self, frame_set: FrameSet, watch: Stopwatch, age_s: float) -> Result:
        old = Reason.STALE_FRAME if age_s > self._preprocessing.gate.max_age_s else None
        if reason := self._clock.check(frame_set) or old:
            self.forget()
            return self._undecided(frame_set, reason)
        if reason := check_streams(frame_set, self._preprocessing.gate):
            return self._undecided(frame_set, reason)
        with watch.stage("face"):
            faces = self._find(frame_set)
        if reason := check_faces(faces):
            return self._undecided(frame_set, reason, faces[0] if faces else None)
        self._follow()
        preparation = self._asked(frame_set, faces[0], prepare(frame_set, faces[0], self._preprocessing, watch))
        judgement = self._score(preparation, watch)
        self._observe(frame_set.device_time_s, judgement)
        return self._result(frame_set, judgement, faces[0], preparation)

    def _find(self, frame_set: FrameSet) -> list[Face]:
        """Faces in pixels of the grid: on colour, else (in the dark, or without colour) on infrared."""
        turn = frame_set.rig.rotation
        if frame_set.color is not None:
            faces = self._on_color.track(turn_picture(frame_set.color.pixels, turn))
            if faces or frame_set.infrared is None:
                return [_turned_back(face, frame_set.rig.grid.shape, turn) for face in faces]
        if frame_set.infrared is None or frame_set.rig.infrared is None:
            return []
        picture = to_uint8(frame_set.infrared.pixels, frame_set.infrared.white_level)
        faces = self._on_infrared.track(turn_picture(picture, turn))
        turned = [_turned_back(face, frame_set.rig.infrared.shape, turn) for face in faces]
        return [carried for face in turned if (carried := _carried(frame_set, face))]

    def _follow(self) -> None:
        """Another track is another visit: whoever steps in must not inherit the evidence of who left."""
        track = (self._on_color.track_id, self._on_infrared.track_id)
        if self._track is not None and track != self._track:
            self._session.reset()
            self._stillness.reset()
        self._track = track

    def _asked(self, frame_set: FrameSet, face: Face, seen: Preparation) -> Preparation:
        """The face as prepared, with what the gate says of its place, its movement and the light behind it."""
        limits, square, grid = self._preprocessing.gate, face.canonical_square(), frame_set.rig.grid
        reason = most_urgent(
            seen.reason,
            check_centre(square, grid.width, grid.height, limits),
            self._stillness.check(frame_set, face, limits),
        )
        color = frame_set.color
        light = None if color is None else check_backlight(color.pixels, square, limits)
        return replace(seen, reason=reason, no_reflectance=most_urgent(seen.no_reflectance, light))

    def _score(self, preparation: Preparation, watch: Stopwatch) -> Judgement:
        prepared = preparation.prepared
        if prepared is None or (preparation.reason is not None and self._gate):
            return Judgement(Verdict.UNDECIDED, preparation.reason or Reason.NO_DEPTH)
        thresholds = self._description.thresholds
        with watch.stage("d_net"):
            d_net = self._nets.depth(prepared.maps)
        rejected = self._gate and decide(d_net, None, thresholds) is Verdict.ATTACK
        if rejected and not self._both_nets:
            return Judgement(Verdict.ATTACK, None, d_net)
        planes = prepared.planes()
        if planes is None or (self._gate and preparation.no_reflectance):
            if rejected:
                return Judgement(Verdict.ATTACK, None, d_net)
            return Judgement(Verdict.UNDECIDED, preparation.no_reflectance or Reason.NO_INFRARED, d_net)
        with watch.stage("m_net"):
            m_net, patches = self._nets.reflectance(planes)
        if not self._gate:
            return Judgement(Verdict.UNDECIDED, Reason.GATE_OFF, d_net, m_net, patches)
        verdict = decide(d_net, m_net, thresholds)
        if verdict is Verdict.LIVE and self._foreign:
            return Judgement(Verdict.UNDECIDED, Reason.OTHER_SENSOR, d_net, m_net, patches)
        return Judgement(verdict, None, d_net, m_net, patches)

    def _observe(self, time_s: float, judgement: Judgement) -> None:
        """Feeds the session's test. A frame that may not be called live still is evidence, but can only lead to
        `attack` or `undecided`.
        """
        if judgement.d_net is None or not self._gate:
            self._session.missed(time_s)
            return
        score = attack_score(judgement.d_net, judgement.m_net, self._description.thresholds)
        barred = judgement.reason if judgement.verdict is Verdict.UNDECIDED else None
        self._session.add(time_s, score, barred)

    def _undecided(self, frame_set: FrameSet, reason: Reason, face: Face | None = None) -> Result:
        self._session.missed(frame_set.device_time_s)
        return self._result(frame_set, Judgement(Verdict.UNDECIDED, reason), face, Preparation(reason))

    def _result(self, frame_set: FrameSet, judgement: Judgement, face: Face | None, seen: Preparation) -> Result:
        session_verdict, session_reason = self._session.state()
        return Result(
            frame=frame_set.sequence,
            device_time_s=frame_set.device_time_s,
            verdict=judgement.verdict,
            reason=judgement.reason,
            session_verdict=session_verdict,
            session_reason=session_reason,
            d_net=judgement.d_net,
            m_net=judgement.m_net,
            patches=judgement.patches,
            face=face,
            distance_m=seen.distance_m,
            pose=seen.pose,
            prepared=seen.prepared,
            lost=frame_set.lost,
            evidence=self._session.evidence,
        )


def _turned_back(face: Face, shape: tuple[int, int], turn: Turn) -> Face:
    """A face of the upright picture in pixels of the delivered one."""
    if turn == 0:
        return face
    height, width = shape
    x, y, w, h = face.box
    corners = turn_back(np.array([[x, y], [x + w, y + h]], np.float32), turn, width, height)
    left, top = corners.min(axis=0)
    right, bottom = corners.max(axis=0)
    box = (float(left), float(top), float(right - left), float(bottom - top))
    return Face(box, turn_back(face.landmarks, turn, width, height), face.score)


def _carried(frame_set: FrameSet, face: Face) -> Face | None:
    """A face found on infrared, in pixels of the grid; its box keeps its place around the landmarks."""
    landmarks = carry_to_grid(frame_set, face.landmarks)
    if landmarks is None:
        return None
    moved = Face(face.box, landmarks, face.score)
    before, after = face.canonical_square(), moved.canonical_square()
    ratio = after.side / max(before.side, 1e-6)
    x, y, w, h = face.box
    left = after.center[0] + (x - before.center[0]) * ratio
    top = after.center[1] + (y - before.center[1]) * ratio
    return Face((left, top, w * ratio, h * ratio), landmarks, face.score)
