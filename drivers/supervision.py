"""A camera that stalls, hangs, lies about time or is unplugged, and comes back by itself.

    open ──▶ streaming ──trouble──▶ restarting ▶ resetting ▶ reopening ─┐
                 ▲                                                      │ each time after a longer pause
                 └────────────────────── opened again ◀─────────────────┘

Every call into an SDK runs in a thread of the source's own and has a deadline: an SDK that hangs is left behind with
its thread, and a new source takes its place.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Generator
from dataclasses import dataclass, replace
from typing import Any, Final, Literal, Protocol, TypeVar, runtime_checkable

from calibration.rig import Rig
from drivers.clock import Clock, SystemClock
from drivers.emitter import Doubting
from drivers.errors import Disconnected, EndOfStream, NotFound, SdkMissing, SessionError, Stalled, TrilumeError
from drivers.frames import FrameSet
from drivers.source import CameraInfo, Source
from drivers.tether import Hung, Tether
from drivers.vetting import Vetting

Phase = Literal["opening", "streaming", "restarting", "resetting", "reopening", "ended", "closed"]
T = TypeVar("T")
Opener = Callable[[str], Source]
"""Makes a source, not yet opened, for a serial number; for "" the first that is found."""

READ_S: Final = 0.25
TICK_S: Final = 0.05
BREATH_S: Final = 0.01  # between two reads of a source that answers "stalled" at once
SETTLED_SETS: Final = 30  # that come after a recovery before the next trouble counts as a new one
RATE_SETS: Final = 30
MAX_LEFT: Final = 4  # threads that hang in an SDK: beyond that only a new process helps


class GivenUp(Disconnected):
    """Nothing more is tried."""


_FINAL: Final = (EndOfStream, SessionError, SdkMissing, GivenUp)


@runtime_checkable
class Resettable(Protocol):
    """A source that can reset its hardware; the device then goes away and comes back."""

    def reset(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Limits:
    """How long is too long, in seconds.

    `stall_s` without a good frame set is a stall, `first_s` after opening, where cameras warm up. A call that has not
    returned after `hang_s` (`open_s` for opening) hangs. Between attempts `pause_s` doubles up to `longest_pause_s`,
    so that a camera plugged in again is back within five seconds. `give_up_s` of trouble end it (inf: never).
    `max_skew_s` between the pictures of a set: more than half a period of the slowest profiles (6 sets a second).
    """

    stall_s: float = 1.0
    first_s: float = 3.0
    hang_s: float = 2.0
    open_s: float = 10.0
    pause_s: float = 0.25
    longest_pause_s: float = 2.0
    give_up_s: float = math.inf
    max_skew_s: float = 0.1


@dataclass(frozen=True, slots=True)
class Health:
    """How a supervised source does. `error` the last trouble in words, also once it is over; `age_s` of the newest
    frame set (inf: none yet); `lost` sets the camera counted, those refused and, while it was away, those its rate
    would have given; `refused` sets not handed on; `flawed` those handed on with a stream missing or of another
    moment; `hanging` threads left behind in the SDK; `disputed` infrared pictures, since the camera was last opened,
    that contradict what it says of its projector."""

    phase: Phase
    attempts: int
    recoveries: int
    error: str | None
    delivered: int
    lost: int
    refused: int
    flawed: int
    fps: float
    age_s: float
    hanging: int
    disputed: int = 0


class Supervised:
    """A `Source` over a camera that may fail. One consumer thread; `close` and `health` from any.

    `open` fails as the camera does. Afterwards `read` raises `Stalled`, saying what is being done, as long as there is
    hope, and the error itself once there is none: `Disconnected` after `give_up_s`, the end of a recording, a missing
    SDK. After a trouble the same camera is asked for by its serial number; another one in its place is refused.
    A recording passes unchanged.
    """

    def __init__(self, opener: Opener, limits: Limits | None = None, clock: Clock | None = None) -> None:
        self._opener, self._limits, self._clock = opener, limits or Limits(), clock or SystemClock()
        self._info: CameraInfo | None = None
        self._rig: Rig | None = None
        self._tether: Tether | None = None
        self._left: list[Tether] = []
        self._closing = self._reading = False
        self._ended: Exception | None = None
        self._steps = self._run()
        self._vetting = Vetting(self._limits.max_skew_s)
        self._missed, self._number = 0, -1  # what the next good set must tell as lost; the newest set's number
        self._arrivals: deque[float] = deque(maxlen=RATE_SETS + 1)
        self._newest_s, self._rate, self._since = -math.inf, 0.0, 0
        self._health = Health("opening", 0, 0, None, 0, 0, 0, 0, 0.0, math.inf, 0)

    @property
    def info(self) -> CameraInfo:
        """Of the camera; valid once opened."""
        if self._info is None:
            raise RuntimeError("info and rig are valid once the source is open")
        return self._info

    @property
    def rig(self) -> Rig:
        """Of the camera; valid once opened."""
        if self._rig is None:
            raise RuntimeError("info and rig are valid once the source is open")
        return self._rig

    def health(self) -> Health:
        """How it does at this moment."""
        hanging = sum(not tether.gone for tether in self._left)
        source = self._tether and self._tether.source
        disputed = source.disputed if isinstance(source, Doubting) else 0
        age_s = self._clock.now() - self._newest_s
        health = replace(self._health, fps=self._rate, age_s=age_s, hanging=hanging, disputed=disputed)
        return replace(health, phase="closed") if self._closing else health

    def open(self) -> None:
        """Opens the camera. Raises what it raises, `Stalled` if it does not answer."""
        try:
            for _ in self._opened(""):
                pass
        except BaseException:
            self.close()
            raise

    def read(self, timeout_s: float) -> FrameSet:
        if self._ended is not None:
            raise self._ended
        until = self._clock.now() + timeout_s
        self._reading = True
        try:
            for step in self._steps:
                if step is not None:
                    return step
                if self._clock.now() >= until:
                    raise Stalled(self._words(timeout_s))
            raise EndOfStream("the source is closed")
        except Stalled:
            raise
        except Exception as error:
            self._ended = error
            self._note(phase="ended", error=str(error))
            raise
        finally:
            if self._closing:  # it may have been opening again when `close` came
                for _ in self._parted():
                    pass
            self._reading = False
            self._clock.tell()

    def close(self) -> None:
        """Idempotent, from any thread, within two seconds even where the SDK hangs."""
        self._closing = True
        self._clock.tell()
        self._clock.wait(lambda: not self._reading, 0.3)
        for _ in self._parted():
            pass

    # -- the line of steps: a frame set, or None where `read` may look at its time-out --------------------------------

    def _run(self) -> Generator[FrameSet | None, None, None]:
        began_s = math.inf
        trouble: Exception | None = None
        while not self._closing:
            try:
                if trouble is not None:
                    yield from self._mended(trouble)
                yield from self._delivered() if self.info.live else self._passed()
                return
            except Exception as error:
                if isinstance(error, _FINAL) or not self.info.live:
                    raise
                trouble = error
            now = self._clock.now()
            began_s = began_s if self._health.attempts else now
            self._note(phase="reopening", attempts=self._health.attempts + 1, error=_in_words(trouble))
            self._arrivals.clear()
            self._since = 0
            if now - began_s > self._limits.give_up_s:
                raise GivenUp(f"{self._name}: given up after {now - began_s:.0f} s: {_in_words(trouble)}")

    def _passed(self) -> Generator[FrameSet | None, None, None]:
        """A recording: every set as it is, its errors too."""
        while not self._closing:
            try:
                frame_set = yield from self._next_set(math.inf)
            except Stalled:
                yield None
            else:
                yield self._counted(frame_set)

    def _delivered(self) -> Generator[FrameSet | None, None, None]:
        """The good sets, until none has come for too long."""
        good_s, patience_s = self._clock.now(), self._limits.first_s
        while not self._closing:
            try:
                frame_set = yield from self._next_set(self._limits.hang_s)
            except Hung:
                raise
            except Stalled as error:
                bad = str(error)
                self._clock.wait(lambda: self._closing, BREATH_S)
                yield None
            else:
                now = self._clock.now()
                if bad := self._vetting.refuse(frame_set, now) or "":
                    self._refused(frame_set, bad)
                    yield None
                elif bad := self._vetting.flaw(frame_set) or "":
                    self._note(flawed=self._health.flawed + 1, error=bad)
                    yield self._counted(frame_set)
                else:
                    good_s, patience_s = now, self._limits.stall_s
                    yield self._counted(frame_set)
            if self._clock.now() - good_s > patience_s:
                raise Stalled(f"no whole frame set for {patience_s:.1f} s: {bad}")

    def _mended(self, trouble: Exception) -> Generator[None, None, None]:
        """One attempt: a stream that only stalls is restarted, then its device reset; all else is opened anew."""
        attempt = self._health.attempts
        yield from self._paused(attempt)
        tether = self._tether
        if tether is not None and isinstance(trouble, Stalled) and not isinstance(trouble, Hung):
            if attempt == 1:
                self._note(phase="restarting")
                source = yield from self._called(tether, tether.restart, self._limits.open_s, "starting")
                self._take(source, self.info.serial)
                return
            device: object = tether.source
            if attempt == 2 and isinstance(device, Resettable):
                self._note(phase="resetting")
                yield from self._called(tether, device.reset, self._limits.hang_s, "resetting")
        self._note(phase="reopening")
        yield from self._parted()
        yield from self._opened(self.info.serial)

    def _paused(self, attempt: int) -> Generator[None, None, None]:
        if attempt < 2:
            return
        pause_s = min(self._limits.longest_pause_s, self._limits.pause_s * 2.0 ** min(attempt - 2, 16))
        until = self._clock.now() + pause_s
        while not self._closing and self._clock.now() < until:
            self._clock.wait(lambda: self._closing, min(TICK_S, until - self._clock.now()))
            yield None

    def _opened(self, serial: str) -> Generator[None, None, None]:
        """A new source on a thread of its own; a camera with another serial number is not taken."""
        if sum(not tether.gone for tether in self._left) >= MAX_LEFT:
            raise GivenUp(f"{self._name}: its SDK hangs in {MAX_LEFT} threads; start the program again")
        tether = self._tether = Tether(self._clock)

        def job() -> Source:
            tether.source = self._opener(serial)
            tether.source.open()
            return tether.source

        self._take((yield from self._called(tether, job, self._limits.open_s, "opening")), serial)

    def _take(self, source: Source, serial: str) -> None:
        """Counts from the source's first set on. Raises NotFound where it is another camera."""
        if serial and source.info.serial != serial:
            raise NotFound(
                f"camera {serial} is gone; camera {source.info.serial or 'without a number'} is in its place"
            )
        self._info, self._rig = source.info, source.rig
        self._vetting = Vetting(self._limits.max_skew_s)

    def _parted(self) -> Generator[None, None, None]:
        """Lets go of the source: asked first, then forced, then left behind."""
        tether, self._tether = self._tether, None
        if tether is None:
            return
        tether.leave()
        if not self._clock.wait(lambda: tether.gone, 0.8):
            yield None
            tether.force()
            self._clock.wait(lambda: tether.gone, 0.4)
        if tether.gone:
            tether.join()
        else:
            self._left.append(tether)

    def _next_set(self, limit_s: float) -> Generator[None, None, FrameSet]:
        tether = self._tether
        if tether is None or tether.source is None:
            raise Disconnected(f"{self._name}: not open")
        source = tether.source
        return (yield from self._called(tether, lambda: source.read(READ_S), limit_s, "reading"))

    def _called(self, tether: Tether, job: Callable[[], T], limit_s: float, what: str) -> Generator[None, None, T]:
        """What a job on the device's thread gives. Raises what it raises, Hung, EndOfStream once closing."""
        until = self._clock.now() + limit_s
        tether.begin(job)
        while not self._clock.wait(lambda: tether.idle or self._closing, min(TICK_S, until - self._clock.now())):
            if self._clock.now() >= until:
                raise Hung(f"{what} has not returned for {limit_s:.1f} s")
            yield None
        if self._closing and not tether.idle:
            raise EndOfStream("the source is closed")
        return tether.take()  # type: ignore[return-value]

    # -- what is known ------------------------------------------------------------------------------------------------

    def _counted(self, frame_set: FrameSet) -> FrameSet:
        """The set, with the sets refused since the one before it and what was lost while the camera was away."""
        now = self._clock.now()
        away = max(0, round((now - self._newest_s) * self._rate) - 1) if self._since == 0 and self._rate else 0
        lost = max(frame_set.lost + self._missed, away)
        self._missed, self._number = 0, frame_set.sequence
        self._since, self._newest_s = self._since + 1, now
        self._arrivals.append(now)
        if len(self._arrivals) > 5 and now > self._arrivals[0]:
            self._rate = (len(self._arrivals) - 1) / (now - self._arrivals[0])
        health = self._health
        self._note(
            phase="streaming",
            delivered=health.delivered + 1,
            lost=health.lost + lost,
            recoveries=health.recoveries + (self._since == 1 and health.attempts > 0),
            attempts=0 if self._since >= SETTLED_SETS else health.attempts,
        )
        return frame_set if lost == frame_set.lost else replace(frame_set, lost=lost)

    def _refused(self, frame_set: FrameSet, why: str) -> None:
        """A set that is not handed on is lost, and so is what it says was lost; one that came again was told before."""
        if frame_set.sequence != self._number:
            self._missed += 1 + frame_set.lost
        self._number = frame_set.sequence
        self._note(refused=self._health.refused + 1, error=why)

    @property
    def _name(self) -> str:
        return f"{self._info.name} {self._info.serial}".strip() if self._info else "the camera"

    def _words(self, timeout_s: float) -> str:
        health = self._health
        if health.attempts == 0:
            return f"{self._name}: no frame set within {timeout_s:.1f} s"
        return f"{self._name}: {health.phase}, attempt {health.attempts}: {health.error}"

    def _note(self, **news: Any) -> None:
        self._health = replace(self._health, **news)


def _in_words(error: Exception) -> str:
    """An error of the family speaks for itself; an SDK's own says whose it is."""
    return str(error) if isinstance(error, TrilumeError) else f"the SDK failed: {type(error).__name__}: {error}"
