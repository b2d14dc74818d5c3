"""Faults on command: a wrapper that makes any source fail as cameras do.

    faults://stall@30+2,disconnect@90+0.5?of=sim://live

Each fault is `KIND@SET+AMOUNT`: it begins when so many sets were delivered, counted over every time the camera was
opened, and lasts for AMOUNT seconds or sets as `KINDS` says; everything after `of=` is the source's own URI.
`python -P -m drivers.faults` prints how a supervised camera comes through each of them, in simulated time.
"""

from __future__ import annotations

import math
import re
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from calibration.rig import Intrinsics, Rig
from drivers.clock import Clock, SystemClock, VirtualClock
from drivers.errors import Busy, CameraError, Disconnected, EndOfStream, NotFound, Stalled
from drivers.frames import STREAMS, FrameSet, Image
from drivers.source import CameraInfo, Source
from drivers.supervision import Health, Limits, Supervised

SCHEME: Final = "faults"
KINDS: Final[dict[str, tuple[str, float, str]]] = {
    "stall": ("s", 2, "no frames"),
    "stuck": ("s", math.inf, "no frames until the stream is started again"),
    "wedge": ("s", math.inf, "no frames until the hardware is reset"),
    "disconnect": ("s", 2, "unplugged"),
    "busy": ("s", 2, "unplugged, then held by another process"),
    "swap": ("s", 2, "unplugged, another camera in its place"),
    "error": ("times", 1, "the SDK raises its own exception"),
    "hang_read": ("s", 30, "read does not return"),
    "hang_open": ("s", 30, "unplugged, then opening does not return"),
    "hang_close": ("s", 30, "unplugged, then closing does not return"),
    "repeat": ("sets", 3, "the last set again"),
    "backward": ("sets", 3, "numbers and times of 100 sets ago"),
    "restart": ("sets", math.inf, "numbers and times begin anew"),
    "jump": ("sets", math.inf, "the device's clock jumps by an hour"),
    "frozen": ("sets", 90, "numbers run, the picture stands"),
    "no_color": ("sets", 3, "colour is missing"),
    "no_depth": ("sets", 3, "depth is missing"),
    "no_infrared": ("sets", 3, "infrared is missing"),
    "late": ("sets", 3, "infrared is five sets old"),
    "garbage": ("sets", 3, "pictures of another size"),
}
_UNPLUGGED: Final = ("disconnect", "busy", "swap", "hang_open", "hang_close")
LATE_SETS: Final = 5
_FAULT: Final = re.compile(r"(?P<kind>[a-z_]+)@(?P<at>\d+)(\+(?P<amount>\d+(\.\d+)?))?")


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault of `KINDS`, from the set `at` on, for `amount` seconds, sets or times."""

    kind: str
    at: int
    amount: float

    @classmethod
    def parse(cls, text: str) -> Fault:
        """From `KIND@SET` or `KIND@SET+AMOUNT`. Raises NotFound for an unknown kind, CameraError for the form."""
        match = _FAULT.fullmatch(text)
        if match is None:
            raise CameraError(f"'{text}' is no fault; write KIND@SET or KIND@SET+AMOUNT, such as stall@30+2")
        if match["kind"] not in KINDS:
            raise NotFound(f"no fault is called '{match['kind']}'; there are {', '.join(KINDS)}")
        amount = float(match["amount"]) if match["amount"] else KINDS[match["kind"]][1]
        return cls(match["kind"], int(match["at"]), amount)


class FaultyCamera:
    """The device behind the sources: what it has delivered and which faults are over, however often it is opened."""

    def __init__(self, make: Callable[[], Source], faults: tuple[Fault, ...], clock: Clock | None = None) -> None:
        self.make, self.faults, self.clock = make, faults, clock or SystemClock()
        self.delivered = 0
        self._began: dict[Fault, float] = {}
        self._over: set[Fault] = set()
        self._counts: dict[Fault, int] = {}

    def source(self, serial: str = "") -> FaultySource:  # noqa: ARG002  there is one camera
        """Another source on the same camera: an `Opener` of `drivers.supervision`."""
        return FaultySource(self, self.make())

    def due(self, *kinds: str) -> Fault | None:
        """The fault of one of these kinds that holds at this moment."""
        return next((f for f in self.faults if f.kind in kinds and self.delivered >= f.at and self._holds(f)), None)

    def end(self, *kinds: str) -> None:
        """Faults of these kinds that have begun are over."""
        self._over |= {fault for fault in self._began if fault.kind in kinds}

    def once(self, kind: str) -> Fault | None:
        """The fault if it is due, and then no more."""
        fault = self.due(kind)
        if fault is not None:
            self._over.add(fault)
        return fault

    def counted(self, fault: Fault) -> int:
        """How often a fault counted in sets or times has struck, this one included; it ends by itself."""
        self._counts[fault] = count = self._counts.get(fault, 0) + 1
        if count >= fault.amount:
            self._over.add(fault)
        return count

    def _holds(self, fault: Fault) -> bool:
        if fault in self._over:
            return False
        began_s = self._began.setdefault(fault, self.clock.now())
        hangs = fault.kind.startswith("hang_")
        return hangs or KINDS[fault.kind][0] != "s" or self.clock.now() - began_s < fault.amount


class FaultySource:
    """A source that fails as its camera is told to."""

    def __init__(self, camera: FaultyCamera, inner: Source) -> None:
        self._camera, self._inner, self._clock = camera, inner, camera.clock
        self._recent: deque[FrameSet] = deque(maxlen=LATE_SETS + 1)
        self._last: FrameSet | None = None
        self._hidden = 0
        self._closed = threading.Event()
        self._swapped = False

    @property
    def info(self) -> CameraInfo:
        info = self._inner.info
        return replace(info, serial=f"not-{info.serial}") if self._swapped else info

    @property
    def rig(self) -> Rig:
        return self._inner.rig

    def open(self) -> None:
        self._closed.clear()
        gone = self._camera.due("disconnect", "busy")
        if gone is not None:
            raise _away(gone)
        if hang := self._camera.once("hang_open"):
            self._hang(hang.amount)
        self._swapped = self._camera.due("swap") is not None
        self._camera.end("stuck")
        self._recent.clear()
        self._inner.open()

    def reset(self) -> None:
        """What a camera's hardware reset does for a device that is wedged."""
        self._camera.end("wedge")

    def read(self, timeout_s: float) -> FrameSet:
        camera = self._camera
        if self._closed.is_set():
            raise EndOfStream("the source is closed")
        if hang := camera.once("hang_read"):
            self._hang(hang.amount)
        if gone := camera.due(*_UNPLUGGED):
            raise Disconnected(f"the camera is gone ({gone.kind})")
        if error := camera.due("error"):
            camera.counted(error)
            raise RuntimeError("xioctl(VIDIOC_DQBUF) failed, errno=19")
        if camera.due("stall", "stuck", "wedge"):
            self._clock.wait(self._closed.is_set, timeout_s)
            raise Stalled(f"no frame within {timeout_s:.2f} s")
        frame_set = self._changed(self._inner.read(timeout_s))
        camera.delivered += 1
        return frame_set

    def close(self) -> None:
        self._closed.set()
        self._clock.tell()
        if hang := self._camera.once("hang_close"):
            self._hang(hang.amount)
        self._inner.close()

    def _hang(self, seconds: float) -> None:
        """As an SDK does: neither a time-out nor `close` ends it."""
        self._clock.wait(lambda: False, seconds)

    def _changed(self, frame_set: FrameSet) -> FrameSet:
        """The set with the faults of pictures, numbers and times that are due. A set that was replaced by the last one
        is gone: the next one says so, as a driver does that counts by numbers."""
        self._recent.append(frame_set)
        hides = self._camera.due("repeat") is not None
        self._hidden, told = (self._hidden + 1 + frame_set.lost, 0) if hides else (0, self._hidden)
        frame_set = replace(frame_set, lost=frame_set.lost + told) if told else frame_set
        for kind, change in _CHANGES.items():
            if fault := self._camera.due(kind):
                self._camera.counted(fault)
                frame_set = change(frame_set, self._last or frame_set, self._recent[0])
        self._last = frame_set
        return frame_set


def _away(fault: Fault) -> CameraError:
    if fault.kind == "busy":
        return Busy("another process holds the camera")
    return NotFound("no such camera is plugged in")


def _shifted(frame_set: FrameSet, seconds: float, numbers: int = 0) -> FrameSet:
    """The same pictures, said to be of another time."""

    def moved(image: Image | None) -> Image | None:
        return None if image is None else replace(image, device_time_s=image.device_time_s + seconds)

    color, depth, infrared = (moved(frame_set.image(stream)) for stream in STREAMS)
    return replace(frame_set, sequence=frame_set.sequence + numbers, color=color, depth=depth, infrared=infrared)


def _frozen(frame_set: FrameSet, last: FrameSet) -> FrameSet:
    """The last pictures, with the times of the new ones."""

    def stood(old: Image | None, new: Image | None) -> Image | None:
        return new if old is None or new is None else replace(new, pixels=old.pixels)

    color, depth, infrared = (stood(last.image(stream), frame_set.image(stream)) for stream in STREAMS)
    return replace(frame_set, color=color, depth=depth, infrared=infrared)


def _garbled(frame_set: FrameSet) -> FrameSet:
    """Depth of another size, as after a change of profile behind one's back."""
    depth = frame_set.depth
    smaller = None if depth is None else replace(depth, pixels=np.ascontiguousarray(depth.pixels[::2, ::2]))
    return replace(frame_set, depth=smaller)


_CHANGES: Final[dict[str, Callable[[FrameSet, FrameSet, FrameSet], FrameSet]]] = {
    # of the set that came, the last one handed on, and the one of five sets ago
    "repeat": lambda _, last, __: last,
    "backward": lambda s, _, __: _shifted(s, -100 / 30, -100),
    "restart": lambda s, _, __: _shifted(s, -1e4, -10_000),
    "jump": lambda s, _, __: _shifted(s, 3600.0),
    "frozen": lambda s, last, _: _frozen(s, last),
    "no_color": lambda s, _, __: replace(s, color=None),
    "no_depth": lambda s, _, __: replace(s, depth=None),
    "no_infrared": lambda s, _, __: replace(s, infrared=None),
    "late": lambda s, _, old: replace(s, infrared=old.infrared),
    "garbage": lambda s, _, __: _garbled(s),
}


def from_uri(uri: str, opener: Callable[[str], Source], clock: Clock | None = None) -> FaultyCamera:
    """The camera of `faults://KIND@SET+AMOUNT,…?of=URI`. Raises NotFound or CameraError, saying what is wrong."""
    texts, separator, inner = uri.partition("://")[2].partition("?of=")
    if not separator or not inner:
        raise CameraError(f"'{uri}': write {SCHEME}://stall@30+2?of=URI")
    faults = tuple(Fault.parse(text) for text in texts.split(",") if text)
    return FaultyCamera(lambda: opener(inner), faults, clock)


# -- how a supervised camera comes through: `python -P -m drivers.faults` ---------------------------------------------

_LENS: Final = Intrinsics(width=32, height=24, fx=30.0, fy=30.0, cx=15.5, cy=11.5)
_RIG: Final = Rig(color=_LENS, depth=_LENS, infrared=_LENS, registered=True)


class Metronome:
    """A camera of noise at 30 frame sets a second by a given clock; a set that is not fetched in time is lost."""

    info = CameraInfo("metronome", "sim-noise", serial="M1", live=True, origin="simulated")
    rig = _RIG
    PERIOD_S: Final = 1 / 30

    def __init__(self, clock: Clock, sets: float = math.inf) -> None:
        self._clock, self._sets, self._next, self._open = clock, sets, 0, False

    def open(self) -> None:
        self._open = True
        self._next = math.ceil(self._clock.now() / self.PERIOD_S)

    def read(self, timeout_s: float) -> FrameSet:  # noqa: ARG002  the next set comes within a period
        if not self._open or self._next >= self._sets:
            raise EndOfStream("the metronome stands")
        now = self._clock.now()
        due = max(self._next, math.floor(now / self.PERIOD_S))
        lost, self._next = due - self._next, due + 1
        if self._clock.wait(lambda: not self._open, due * self.PERIOD_S - now):
            raise EndOfStream("the metronome stands")
        noise = np.random.default_rng(due).integers(1, 255, (5, 24, 32), np.uint8)
        color = Image(np.ascontiguousarray(noise[:3].transpose(1, 2, 0)), due * self.PERIOD_S)
        depth = Image(noise[3].astype(np.uint16) + 500, due * self.PERIOD_S)
        infrared = Image(noise[4], due * self.PERIOD_S)
        return FrameSet(due, self._clock.now(), color, depth, infrared, 0.001, _RIG, lost)

    def close(self) -> None:
        self._open = False
        self._clock.tell()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a reader of a supervised camera went through: the longest time without a frame set, what it
    was told meanwhile, and the camera's health at the end."""

    gap_s: float
    told: tuple[str, ...]
    delivered: tuple[FrameSet, ...]
    health: Health
    close_s: float


def trial(fault: Fault, seconds: float = 20.0, limits: Limits | None = None) -> Outcome:
    """Reads a supervised camera with one fault for so many simulated seconds; returns at once."""
    clock = VirtualClock()
    camera = FaultyCamera(lambda: Metronome(clock), (fault,), clock)
    source = Supervised(camera.source, limits, clock)
    source.open()
    began_s = newest_s = clock.now()
    gap_s, told, delivered = 0.0, [], []
    while clock.now() - began_s < seconds:
        try:
            frame_set = source.read(0.5)
        except Stalled as error:
            told.append(str(error))
            continue
        gap_s, newest_s = max(gap_s, clock.now() - newest_s), clock.now()
        delivered.append(frame_set)
    gap_s = max(gap_s, clock.now() - newest_s)
    health, closing_s = source.health(), clock.now()
    source.close()
    close_s = clock.now() - closing_s
    clock.wait(lambda: False, 120.0)  # calls that hang return at last, and their threads end
    return Outcome(gap_s, tuple(dict.fromkeys(told)), tuple(delivered), health, close_s)


def main() -> None:
    """Prints a row for each fault at its default length."""
    print("simulated camera, 30 frame sets a second, 20 s, fault at set 90")
    print(f"{'fault':<12} {'gap s':>6} {'sets':>5} {'lost':>5} {'refused':>8} {'flawed':>7} {'close s':>8}  told last")
    for kind, (_, amount, _) in KINDS.items():
        outcome = trial(Fault(kind, 90, amount))
        health, last = outcome.health, outcome.told[-1] if outcome.told else "-"
        print(
            f"{kind:<12} {outcome.gap_s:>6.2f} {health.delivered:>5} {health.lost:>5} {health.refused:>8} "
            f"{health.flawed:>7} {outcome.close_s:>8.2f}  {last}"
        )


if __name__ == "__main__":
    main()
