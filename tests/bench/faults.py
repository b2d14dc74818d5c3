"""Every fault of `drivers.faults` over a recording played as a camera: what a caller lives through, in real time.

    python -P -m tests.bench.faults [KIND …]

The line under test is the one of `trilume watch`: `LiveStream` over `Supervised` over the failing source, with real
threads and an open file. Each kind is run twice: to the end of its trouble, and closed half a second into it. Prints
a Markdown table. Threads and handles are counted once a call that hung has returned: until then its thread is in the
SDK, which nobody can end. Takes about three minutes, mostly waiting.
"""

from __future__ import annotations

import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from calibration.rig import Rig
from drivers.errors import EndOfStream, Stalled, TrilumeError
from drivers.faults import KINDS, Fault, FaultyCamera
from drivers.frames import STREAMS, FrameSet, Image
from drivers.live import LiveStream
from drivers.session import SessionSource
from drivers.source import CameraInfo
from drivers.supervision import Supervised
from tests.drivers.recordings import noise_rig, noise_set, record

PERIOD_S = 1 / 30
BEGINS = 30  # the set with which a fault begins: the camera's rate is known by then
SETTLED = 45  # whole sets after the fault: it is over
LONGEST_S = 25.0
INTO_IT_S = 0.5
HANG_S = 4.0  # of a call that is left behind: longer than `close` may take, short enough to wait for its end
HANG_OPEN_S = 12.0  # opening is waited for longest: ten seconds


class Player:
    """A recording as a camera: 30 frame sets a second by the machine's clock, from the beginning again at its end."""

    def __init__(self, path: Path) -> None:
        self._path, self._file = path, SessionSource(path)
        self._number = 0

    @property
    def info(self) -> CameraInfo:
        return replace(self._file.info, live=True, frames=None)

    @property
    def rig(self) -> Rig:
        return self._file.rig

    def open(self) -> None:
        self._file.open()
        self._number = int(time.monotonic() / PERIOD_S)

    def read(self, timeout_s: float) -> FrameSet:
        try:
            frame_set = self._file.read(timeout_s)
        except EndOfStream:
            self._file.close()
            self._file = SessionSource(self._path)
            self._file.open()
            frame_set = self._file.read(timeout_s)
        now = int(time.monotonic() / PERIOD_S)
        lost, self._number = max(0, now - self._number - 1), max(now, self._number + 1)
        if (ahead_s := self._number * PERIOD_S - time.monotonic()) > 0:
            time.sleep(ahead_s)
        return _timed(frame_set, self._number, lost)

    def close(self) -> None:
        self._file.close()


def _timed(frame_set: FrameSet, number: int, lost: int) -> FrameSet:
    def at(image: Image | None) -> Image | None:
        return None if image is None else replace(image, device_time_s=number * PERIOD_S)

    color, depth, infrared = (at(frame_set.image(stream)) for stream in STREAMS)
    return replace(frame_set, sequence=number, lost=lost, color=color, depth=depth, infrared=infrared)


@dataclass(frozen=True, slots=True)
class Run:
    """What a caller saw: the longest time between two whole sets, the texts meanwhile, the supervisor's counts, the
    time of `close`, and the threads and file handles that were there before and after, once hanging calls returned."""

    gap_s: float
    recovered: bool
    told: tuple[str, ...]
    lost: int
    refused: int
    flawed: int
    close_s: float
    threads: int
    handles: int


def run(fault: Fault, path: Path, stop_after_s: float = LONGEST_S) -> Run:
    """Reads until the fault is over, or for so long after it began, and closes."""
    threads, handles = threading.active_count(), _handles()
    camera = FaultyCamera(lambda: Player(path), (fault,))
    supervised = Supervised(camera.source)
    stream = LiveStream(supervised)
    stream.open()
    told: list[str] = []
    newest_s, gap_s, whole, began_s = time.monotonic(), 0.0, 0, 0.0
    enough = fault.at + SETTLED
    while whole < enough and not (began_s and time.monotonic() - began_s > stop_after_s):
        began_s = began_s or (time.monotonic() if camera.delivered >= fault.at else 0.0)
        try:
            frame_set = stream.read(0.1)
        except Stalled as trouble:
            told.append(str(trouble))
        except TrilumeError as error:
            told.append(f"{type(error).__name__}: {error}")
            break
        else:
            if all(frame_set.image(s) is not None for s in STREAMS):
                gap_s, newest_s, whole = max(gap_s, time.monotonic() - newest_s), time.monotonic(), whole + 1
    health, closing_s = supervised.health(), time.monotonic()
    stream.close()
    close_s = time.monotonic() - closing_s
    _until(lambda: threading.active_count() <= threads and _handles() <= handles, HANG_S + 12.0)
    told += [health.error] if health.error and not told else []
    return Run(
        gap_s, whole >= enough, tuple(dict.fromkeys(told)), health.lost, health.refused, health.flawed,
        close_s, threading.active_count() - threads, _handles() - handles,
    )  # fmt: skip


def _handles() -> int:
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208


def _until(ready: Callable[[], bool], seconds: float) -> None:
    until = time.monotonic() + seconds
    while not ready() and time.monotonic() < until:
        time.sleep(0.02)


def row(kind: str, path: Path) -> str:
    """One line of the table."""
    unit, amount, meaning = KINDS[kind]
    if kind.startswith("hang_"):
        amount = HANG_OPEN_S if kind == "hang_open" else HANG_S
    through = run(Fault(kind, BEGINS, amount), path)
    closed = run(Fault(kind, BEGINS, amount), path, INTO_IT_S)
    back = f"{through.gap_s:.2f}" if through.recovered else f"not within {LONGEST_S:.0f}"
    lasts = "" if amount == float("inf") else f", {amount:g} {unit}"
    said = through.told[-1].replace("|", "/") if through.told else "nothing"
    return (
        f"| {kind} | {meaning}{lasts} | {back} | {through.lost} | {through.refused} | {through.flawed} | {said} "
        f"| {closed.close_s:.2f} / {through.close_s:.2f} | {max(through.threads, closed.threads)} "
        f"| {max(through.handles, closed.handles)} |"
    )


def main(kinds: Iterable[str]) -> None:
    """Prints the table, a row as soon as it is known."""
    print("| fault | what happens | whole sets again after s | lost | refused | flawed | the caller saw last ", end="")
    print("| close s in it / after | threads | handles left |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder, suppress(KeyboardInterrupt):
        path = record(Path(folder) / "camera.mcap", [noise_set(number, noise_rig()) for number in range(40)])
        for kind in kinds:
            print(row(kind, path), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:] or KINDS)
