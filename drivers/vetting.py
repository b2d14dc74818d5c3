"""What a camera's frame sets must hold to be believed: sizes, numbers, times, and pictures that live."""

from __future__ import annotations

import math
import zlib
from dataclasses import dataclass
from typing import Final

import numpy as np

from drivers.frames import STREAMS, FrameSet, Image

JUMP_S: Final = 1.0  # device time against arrival: USB hiccups are shorter, a clock that was set is off by more
REBASE_SETS: Final = 5  # that agree among themselves: then the counter began anew, it is no stray set
_EVERY_ROW: Final = 16  # of a picture is compared with the one before; its noise differs everywhere


@dataclass(frozen=True, slots=True)
class Stamp:
    """When a set says it was taken, and when it came."""

    sequence: int
    device_time_s: float
    arrived_s: float

    def fault_after(self, before: Stamp) -> str | None:
        """What is wrong with coming after `before`, in words."""
        if self.sequence == before.sequence:
            return f"frame set {self.sequence} was delivered again"
        if self.sequence < before.sequence:
            return f"frame set {self.sequence} came after {before.sequence}"
        step_s = self.device_time_s - before.device_time_s
        if step_s <= 0:
            return f"the camera's clock went from {before.device_time_s:.3f} to {self.device_time_s:.3f} s"
        if abs(step_s - (self.arrived_s - before.arrived_s)) > JUMP_S:
            return f"the camera's clock jumped by {step_s:.1f} s"
        return None


class Vetting:
    """Looks at one camera's sets in turn. One thread.

    `refuse` names what must not be handed on: a picture of another size or type than the rig's, repeated or backward
    numbers and times, a clock that jumps, a picture that is the one before to the last bit of noise. A counter that
    begins anew is believed after `REBASE_SETS` sets that agree among themselves. `flaw` names what may be handed on,
    since judging answers it with "undecided": a stream that came before and is missing, streams of different moments.
    """

    def __init__(self, max_skew_s: float) -> None:
        self._max_skew_s = max_skew_s
        self._last: Stamp | None = None
        self._suspect: Stamp | None = None
        self._run = 0
        self._picture: int | None = None
        self._seen: set[str] = set()

    def refuse(self, frame_set: FrameSet, arrived_s: float) -> str | None:
        """Why a set must not be handed on, in words."""
        return _misfit(frame_set) or self._out_of_order(frame_set, arrived_s) or self._frozen(frame_set)

    def flaw(self, frame_set: FrameSet) -> str | None:
        """What a set lacks, in words."""
        present = {stream: image for stream in STREAMS if (image := frame_set.image(stream)) is not None}
        self._seen |= present.keys()
        if absent := sorted(self._seen - present.keys()):
            return f"no picture of {' and '.join(absent)} came"
        times = [image.device_time_s for image in present.values()]
        skew_s = max(times) - min(times)
        return f"its pictures are {skew_s * 1e3:.0f} ms apart" if skew_s > self._max_skew_s else None

    def _out_of_order(self, frame_set: FrameSet, arrived_s: float) -> str | None:
        here = Stamp(frame_set.sequence, frame_set.device_time_s, arrived_s)
        fault = None if self._last is None else here.fault_after(self._last)
        if fault is not None:
            agrees = self._suspect is not None and here.fault_after(self._suspect) is None
            self._run = self._run + 1 if agrees else 1
            self._suspect = here
            if self._run < REBASE_SETS:
                return fault
        self._last, self._suspect, self._run = here, None, 0
        return None

    def _frozen(self, frame_set: FrameSet) -> str | None:
        before, self._picture = self._picture, _digest(frame_set.infrared or frame_set.depth)
        return "the picture is frozen" if before is not None and before == self._picture else None


def _misfit(frame_set: FrameSet) -> str | None:
    if all(frame_set.image(stream) is None for stream in STREAMS):
        return "a frame set without pictures came"
    rig = frame_set.rig
    for stream, lens in zip(STREAMS, (rig.color, rig.depth, rig.infrared), strict=True):
        image = frame_set.image(stream)
        if image is None:
            continue
        if lens is None:
            return f"{stream} came, of which the rig knows nothing"
        wanted = (*lens.shape, 3) if stream == "color" else lens.shape
        types = {"color": (np.uint8,), "depth": (np.uint16,)}.get(stream, (np.uint8, np.uint16))
        if image.pixels.shape != wanted or image.pixels.dtype not in types:
            return f"{stream} is {image.pixels.dtype} {image.pixels.shape}, not {wanted}"
        if not math.isfinite(image.device_time_s):
            return f"{stream} has no valid time"
    return None


def _digest(image: Image | None) -> int | None:
    """A checksum of some rows; None of an even picture: a covered lens gives the same black for ever."""
    if image is None:
        return None
    rows = np.ascontiguousarray(image.pixels[::_EVERY_ROW])
    return None if rows.min() == rows.max() else zlib.crc32(rows.tobytes())
