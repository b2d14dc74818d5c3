"""The threads between a source and whoever looks on: capture, process, record. A window polls, it is never called.

             ┌ BoundedQueue ─▶ record     while a take is being recorded: everything the camera delivered
capture ─────┤
             └ LatestSlot ───▶ process    the newest frame set, from registration to verdict, one at a time
                                 │
                          latest(), history(), state()   snapshots, from any thread
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from pathlib import Path
from typing import Final

from calibration.rig import Rig
from drivers.errors import EndOfStream, SessionError, Stalled, TrilumeError
from drivers.frames import FrameSet
from drivers.live import LiveStream, Rate
from drivers.open import open_supervised
from drivers.session import Labels
from drivers.source import CameraInfo, Source
from drivers.stream import Paced
from drivers.supervision import Supervised
from pipeline.bundle import Bundle
from pipeline.engine import Engine, EngineFaulty
from pipeline.gate import age_s
from pipeline.result import Result
from pipeline.snapshots import Phase, Shown, State, Take, Trace
from pipeline.taking import Taking

__all__ = ["Phase", "Runner", "Shown", "State", "Take", "Trace"]

log = logging.getLogger(__name__)

HISTORY_S: Final = 20.0
READ_S: Final = 0.25
QUIET_S: Final = 1.0  # without a frame set before it is said that one waits
QUIET_SIMULATED_S: Final = 5.0  # rendering is slow, that is no trouble
CLOSE_S: Final = 1.8


class Runner:
    """Judges one source until it is closed. Every method may be called from any thread; none but `close` and
    `end_take` waits, and these two seconds at most.

    `source` takes the place of what `uri` would open. A recording is delivered at its own frame times, or with
    `pace` false as fast as it is judged, and with `loop` again and again; of a recording no set is passed over.
    """

    def __init__(
        self,
        uri: str,
        bundle: Bundle,
        *,
        accept_sensor: bool = False,
        gate: bool = True,
        pace: bool = True,
        loop: bool = False,
        source: Source | None = None,
    ) -> None:
        self.uri = uri
        self._bundle, self._accept_sensor, self._gate = bundle, accept_sensor, gate
        self._pace, self._loop = pace, loop
        self._source = source
        self._stream: LiveStream | None = None
        self._opened: tuple[CameraInfo, Rig] | None = None
        self._phase: Phase = "opening"
        self._trouble: str | None = None
        self._closing = self._forgetting = False
        self._newest_s: float | None = None  # the host's time of the newest set
        self._shown: Shown | None = None
        self._traces: deque[Trace] = deque()
        self._history: tuple[Trace, ...] = ()
        self._rate = Rate()
        self._judged = 0
        self._taking: Taking | None = None
        self._lock = threading.Lock()  # one take is begun or ended at a time
        self._thread = threading.Thread(target=self._run, name="process", daemon=True)

    # -- for whoever looks on -----------------------------------------------------------------------------------------

    def start(self) -> None:
        """Opens the source and judges it, in threads of its own; `state().phase` tells how that goes."""
        self._thread.start()

    def latest(self) -> Shown | None:
        """The newest judged set."""
        return self._shown

    def history(self) -> tuple[Trace, ...]:
        """The judged sets of the last twenty seconds, oldest first."""
        return self._history

    def state(self) -> State:
        """How the run stands at this moment."""
        now, stream, source, taking = time.monotonic(), self._stream, self._source, self._taking
        health = source.health() if isinstance(source, Supervised) else None
        info, rig = self._opened or (None, None)
        phase, trouble = self._phase, self._trouble
        if phase == "running" and health is not None and health.phase not in ("opening", "streaming"):
            phase, trouble = "waiting", health.error  # known before the set that is being judged is done
        return State(
            phase="closed" if self._closing else phase,
            uri=self.uri,
            info=info,
            rig=rig,
            health=health,
            trouble=trouble,
            delivered_fps=stream.arrivals.per_second(now) if stream else 0.0,
            judged_fps=self._rate.per_second(now),
            judged=self._judged,
            lost=health.lost if health else stream.lost if stream else 0,
            passed_over=stream.slot.overwritten if stream else 0,
            age_s=float("inf") if self._newest_s is None else now - self._newest_s,
            take=taking.take() if taking else None,
        )

    def forget(self) -> None:
        """A new visit begins with the next set: evidence and followed faces are left behind."""
        self._forgetting = True

    def begin_take(self, path: Path, labels: Labels) -> None:
        """Records every set that the source delivers from now on, until `end_take`.

        Raises SessionError where a take runs already, nothing is open or the name is taken, NotFound, AccessDenied.
        """
        with self._lock:
            stream, source = self._stream, self._source
            if stream is None or source is None or self.state().phase not in ("running", "waiting"):
                raise SessionError(f"{self.uri}: delivers nothing that could be recorded; wait until it runs")
            if self._taking is not None and self._taking.running:
                raise SessionError(f"{self._taking.path}: is still being recorded; end that take first")
            self._taking = Taking(path, source, labels, on_error=lambda: stream.record_to(None))
            stream.record_to(self._taking.queue)
            self._taking.began()

    def end_take(self) -> Take:
        """Finishes the recording and says what became of it. Raises SessionError where there was none."""
        with self._lock:
            taking, stream = self._taking, self._stream
            if taking is None or stream is None:
                raise SessionError("no take is being recorded; begin one first")
            return taking.end(lambda: stream.record_to(None))

    def close(self) -> None:
        """Idempotent, within two seconds even where a camera's SDK hangs. A take is finished, as far as that
        allows."""
        until_s = time.monotonic() + CLOSE_S
        self._closing = True
        closer = threading.Thread(target=self._let_go, name="close", daemon=True)
        closer.start()
        for thread in (closer, self._thread):
            if thread.is_alive():
                thread.join(max(0.0, until_s - time.monotonic()))

    # -- the process thread -------------------------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            stream = self._open()
            self._opened = stream.info, stream.rig
            engine = Engine(
                self._bundle, sensor=stream.info.sensor, gate=self._gate, accept_sensor=self._accept_sensor
            )  # fmt: skip
            self._judge_all(stream, engine)
        except EndOfStream:
            self._phase = "ended"
        except (TrilumeError, EngineFaulty) as error:
            self._trouble, self._phase = str(error), "failed"
        except Exception as error:
            log.exception("%s: the run failed", self.uri)
            self._trouble = f"{self.uri}: failed inside the program: {type(error).__name__}: {error}"
            self._phase = "failed"
        finally:
            self._let_go()

    def _open(self) -> LiveStream:
        if self._source is None:
            self._source = open_supervised(self.uri)
        if not isinstance(self._source, Supervised):
            self._source = Paced(self._source, pace=self._pace, loop=self._loop)
        stream = self._stream = LiveStream(self._source)
        if self._closing:
            raise EndOfStream("closed before it was opened")
        stream.open()
        return stream

    def _judge_all(self, stream: LiveStream, engine: Engine) -> None:
        """Until the stream ends. The first set of a camera warms everything up: its verdict would be seconds old."""
        warm = not stream.info.live
        while not self._closing:
            frame_set = self._next(stream)
            if frame_set is None:
                continue
            if self._forgetting:
                self._forgetting = False
                engine.forget()
            result = engine.process(frame_set, age_s(frame_set, stream.info))
            engine.check(self.uri, frame_set)
            if warm:
                self._show(frame_set, result)
                self._phase, self._trouble = "running", None
            else:
                warm = True
                engine.forget()

    def _next(self, stream: LiveStream) -> FrameSet | None:
        """The newest set; None where none has come, which after a while is said."""
        try:
            frame_set = stream.read(READ_S)
        except Stalled as trouble:
            self._wait(str(trouble))
            return None
        self._newest_s = frame_set.host_time_s
        return frame_set

    def _wait(self, words: str) -> None:
        """Says that nothing comes, once it is more than a breath; a supervised camera tells why."""
        source = self._source
        health = source.health() if isinstance(source, Supervised) else None
        away = health is not None and health.phase not in ("opening", "streaming")
        patience_s = QUIET_SIMULATED_S if health is None else QUIET_S
        if self._newest_s is None:
            self._trouble = words  # it still opens, and this is why that takes long
        elif away or time.monotonic() - self._newest_s > patience_s:
            self._trouble = f"{source.info.name}: {health.error}" if source and health and health.error else words
            self._phase = "waiting"

    def _show(self, frame_set: FrameSet, result: Result) -> None:
        now = time.monotonic()
        shown = Shown(self._judged, frame_set, result, now)
        self._traces.append(_traced(shown))
        while now - self._traces[0].judged_s > HISTORY_S:
            self._traces.popleft()
        self._history = tuple(self._traces)
        self._shown = shown
        self._rate.tick(now)
        self._judged += 1
        if self._taking is not None:
            self._taking.judged(result, frame_set.host_time_s)

    def _let_go(self) -> None:
        """Closes the source; a take that runs is finished."""
        stream, taking = self._stream, self._taking
        if stream is not None:
            stream.record_to(None)
            stream.close()
        if taking is not None:
            taking.end(lambda: None)


def _traced(shown: Shown) -> Trace:
    result = shown.result
    return Trace(
        number=shown.number,
        judged_s=shown.judged_s,
        verdict=result.verdict,
        reason=result.reason,
        session_verdict=result.session_verdict,
        d_net=result.d_net,
        m_net=result.m_net,
        stage_ms=tuple(result.stage_ms.items()),
    )
