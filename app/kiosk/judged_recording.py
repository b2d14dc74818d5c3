"""A recording judged from start to end behind a window that may already look at any of its frames."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from drivers.errors import EndOfStream, SessionError, TrilumeError, Unsupported
from drivers.frames import FrameSet
from drivers.open import open_source
from drivers.replay import Replay
from drivers.source import CameraInfo
from pipeline.bundle import Bundle
from pipeline.cascade import attack_score
from pipeline.engine import Engine
from pipeline.parameters import Thresholds
from pipeline.preparation import prepare
from pipeline.result import Reason, Result, Verdict
from pipeline.runner import Trace

log = logging.getLogger(__name__)

HISTORY_S = 20.0

PENDING, UNDECIDED, LIVE, ATTACK, DAMAGED = range(5)
"""Codes of a frame on the timeline; of several frames on one pixel the largest is shown."""
_CODES = {Verdict.UNDECIDED: UNDECIDED, Verdict.LIVE: LIVE, Verdict.ATTACK: ATTACK}


@dataclass(frozen=True, slots=True)
class Judged:
    """How far judging has come: frames done of `total`; `trouble` is one line on what is wrong with the recording."""

    done: int
    total: int
    finished: bool
    trouble: str | None = None
    failed: bool = False


class FrameFile:
    """A recording's frame sets by number. One thread; each thread opens its own."""

    def __init__(self, path: Path) -> None:
        """Raises the TrilumeErrors of `open_source`, and Unsupported where frames cannot be asked for by number."""
        source = open_source(path)
        if not isinstance(source, Replay):
            raise Unsupported(
                f"{path}: its frames cannot be asked for by number; `trilume sessions import` converts it"
            )
        self._source = source
        self._source.open()
        self.info: CameraInfo = source.info
        self.frames = source.info.frames or 0

    def frame(self, number: int) -> FrameSet:
        """The frame set at a position from 0. Raises SessionError where it is damaged."""
        self._source.seek(number)
        try:
            return self._source.read(1.0)
        except EndOfStream as error:
            raise SessionError(f"{self._source.path}: has no frame {number}") from error

    def ending(self) -> str | None:
        """What is wrong with the recording as a whole, if anything."""
        self._source.seek(self.frames)
        try:
            self._source.read(1.0)
        except EndOfStream:
            return None
        except SessionError as error:
            return str(error)
        return None

    def close(self) -> None:
        self._source.close()


class JudgedRecording:
    """Judges a recording in a thread of its own and keeps every result, without its pictures. Asked from one thread.

    `codes` uint8 [frames] and `scores` float32 [frames] (attack score with its threshold at ½, NaN where none) grow
    as judging goes on. A damaged frame has no result; judging goes on behind it.
    """

    def __init__(self, path: Path, bundle: Bundle, *, accept_sensor: bool = False) -> None:
        """Raises as `FrameFile`."""
        self._bundle = bundle
        self._accept_sensor = accept_sensor
        self._file = FrameFile(path)
        frames = self._file.frames
        self.codes: NDArray[np.uint8] = np.zeros(frames, np.uint8)
        self.scores: NDArray[np.float32] = np.full(frames, np.nan, np.float32)
        self._results: list[Result | None] = [None] * frames
        self._state = Judged(0, frames, False)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="judge recording", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def state(self) -> Judged:
        """Any thread."""
        return self._state

    def result(self, number: int) -> Result | None:
        """What was judged of a frame, `prepared` left out; None: not yet, or the frame is damaged. Any thread."""
        return self._results[number] if 0 <= number < len(self._results) else None

    def history(self, number: int) -> tuple[Trace, ...]:
        """Traces of the frames up to `number` that are at most 20 s older, oldest first. Times are device times."""
        newest = self.result(number)
        if newest is None:
            return ()
        traces: list[Trace] = []
        for at in range(number, -1, -1):
            result = self._results[at]
            if result is None:
                continue
            if not 0 <= newest.device_time_s - result.device_time_s <= HISTORY_S:
                break
            traces.append(_trace(at, result))
        return tuple(reversed(traces))

    def next_where(self, number: int, wanted: Callable[[Result], bool]) -> int | None:
        """The first judged frame after `number` of which `wanted` is true."""
        for at in range(number + 1, len(self._results)):
            result = self._results[at]
            if result is not None and wanted(result):
                return at
        return None

    def next_change(self, number: int) -> int | None:
        """The first judged frame after `number` whose verdict is not that of `number`."""
        here = self.result(number)
        return self.next_where(number, lambda result: here is None or result.verdict is not here.verdict)

    def reasons(self) -> list[Reason]:
        """Reasons that occur, most urgent first."""
        found = {result.reason for result in list(self._results) if result is not None and result.reason is not None}
        return [reason for reason in Reason if reason in found]

    def close(self) -> None:
        """Stops judging; returns within two seconds. Idempotent."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(2.0)

    def _run(self) -> None:
        try:
            engine = Engine(self._bundle, sensor=self._file.info.sensor, accept_sensor=self._accept_sensor, threads=1)
            for number in range(self._file.frames):
                if self._stop.is_set():
                    return
                self._judge(engine, number)
                if engine.faulty:
                    raise RuntimeError(f"frame {number} could not be judged")
            self._state = replace(self._state, finished=True, trouble=self._state.trouble or self._file.ending())
        except Exception as error:
            # Whatever it is: a window must say it and go on showing frames.
            log.exception("judging of a recording ended")
            self._state = replace(self._state, finished=True, failed=True, trouble=str(error))
        finally:
            self._file.close()

    def _judge(self, engine: Engine, number: int) -> None:
        trouble = self._state.trouble
        try:
            result = engine.process(self._file.frame(number))
            self._results[number] = replace(result, prepared=None)
            self.scores[number] = _score(result, self._bundle.description.thresholds)
            self.codes[number] = _CODES[result.verdict]
        except TrilumeError as error:
            self.codes[number] = DAMAGED
            trouble = trouble or str(error)
        self._state = replace(self._state, done=number + 1, trouble=trouble)


def with_pictures(frame_set: FrameSet, result: Result, bundle: Bundle) -> Result:
    """The result with the nets' inputs made anew for this frame; as it was where no face is known."""
    if result.face is None:
        return result
    return replace(result, prepared=prepare(frame_set, result.face, bundle.description.preprocessing).prepared)


def not_judged(frame_set: FrameSet) -> Result:
    """What stands for a frame that judging has not reached: undecided, of course."""
    return Result(
        frame=frame_set.sequence,
        device_time_s=frame_set.device_time_s,
        verdict=Verdict.UNDECIDED,
        reason=Reason.COLLECTING,
        session_verdict=Verdict.UNDECIDED,
        session_reason=Reason.COLLECTING,
    )


def _score(result: Result, thresholds: Thresholds) -> float:
    return float("nan") if result.d_net is None else attack_score(result.d_net, result.m_net, thresholds)


def _trace(number: int, result: Result) -> Trace:
    return Trace(
        number=number,
        judged_s=result.device_time_s,
        verdict=result.verdict.value,
        reason=result.reason.value if result.reason else None,
        session_verdict=result.session_verdict.value,
        d_net=result.d_net,
        m_net=result.m_net,
        stage_ms=tuple(result.stage_ms.items()),
    )
