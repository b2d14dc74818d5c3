"""A camera whose frame sets are held in memory: it costs what handing them over costs, and keeps to its rate."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import replace

from drivers.errors import EndOfStream
from drivers.faults import FaultyCamera
from drivers.frames import FrameSet, Image
from drivers.open import open_source
from drivers.source import CameraInfo, frames_of
from drivers.stream import moved
from drivers.supervision import Supervised


class HeldCamera:
    """A live camera at `fps` sets a second; a set that is not fetched in time is lost and counted, as by a driver.

    The sets are shown forwards and backwards in turn, so that the person never jumps; numbers and times go on.
    """

    def __init__(self, sets: Sequence[FrameSet], info: CameraInfo, fps: float) -> None:
        self.info = replace(info, name="held in memory", live=True, frames=None, serial="held")
        self.rig = sets[0].rig
        self.ring = (*sets, *sets[-2:0:-1])
        self._fps, self._open = fps, False

    def open(self) -> None:
        self._open, self._next, self._began_s = True, 0, time.monotonic()

    def read(self, timeout_s: float) -> FrameSet:
        if not self._open:
            raise EndOfStream("closed")
        now = time.monotonic()
        due = max(self._next, math.floor((now - self._began_s) * self._fps))
        time.sleep(max(0.0, self._began_s + due / self._fps - now))
        lost, self._next = due - self._next, due + 1
        held = self.ring[due % len(self.ring)]
        later = moved(held, due - held.sequence, due / self._fps - held.device_time_s)
        return replace(later, infrared=_noisy(later.infrared, due), host_time_s=time.monotonic(), lost=lost)

    def close(self) -> None:
        self._open = False


def _noisy(infrared: Image | None, number: int) -> Image | None:
    """With one count changed: no two pictures of a sensor are alike, those that are count as frozen."""
    if infrared is None:
        return None
    pixels = infrared.pixels.copy()
    pixels[0, number % pixels.shape[1]] ^= 1
    pixels.setflags(write=False)
    return replace(infrared, pixels=pixels)


def held(uri: str, fps: float) -> HeldCamera:
    """The frame sets of a recording or of a simulated scene that ends."""
    source = open_source(uri)
    sets = list(frames_of(source))
    return HeldCamera(sets, source.info, fps)


class Socket:
    """Where a held camera is plugged in: `camera.faults` pull it out. `source` is supervised, as any camera is."""

    def __init__(self, camera: HeldCamera) -> None:
        self.held = camera
        self.camera = FaultyCamera(lambda: camera, ())

    @property
    def source(self) -> Supervised:
        """A new one for each run."""
        return Supervised(self.camera.source)
