"""Kernels made ready while cameras are looked for and the source opens: the first set need not wait for them."""

from __future__ import annotations

import logging
import threading
import time
from typing import Final

import numpy as np

from calibration.rig import Extrinsics, Intrinsics, Rig
from drivers.frames import FrameSet, Image
from pipeline.bundle import Bundle
from pipeline.faces import Face
from pipeline.preparation import prepare

log = logging.getLogger(__name__)

Counts = type[np.uint8] | type[np.uint16]
KINDS: Final[tuple[tuple[bool, Counts], ...]] = (
    (False, np.uint8), (False, np.uint16), (True, np.uint8), (True, np.uint16)
)  # fmt: skip
"""Whether depth and infrared lie on one grid, and of what infrared counts are."""

_LENS = Intrinsics(width=160, height=120, fx=150.0, fy=150.0, cx=79.5, cy=59.5)
_BESIDE = Extrinsics(translation_m=(0.02, 0.0, 0.0))
LANDMARKS = np.array([[72, 55], [88, 55], [80, 63.5], [73.5, 73.5], [86.5, 73.5]], np.float32)


class WarmUp:
    """Prepares a drawn face once in every kind of frame set that cameras deliver. What numba has not compiled on this
    computer takes seconds, what it has is loaded. A failure is logged: then the first set waits for its kernels."""

    def __init__(self, bundle: Bundle) -> None:
        self._bundle, self._ending = bundle, False
        self._thread = threading.Thread(target=self._run, name="warm up", daemon=True)

    def start(self) -> None:
        """Returns at once."""
        self._thread.start()

    def end(self, within_s: float = 3.0) -> None:
        """Breaks off between two kinds of sets: the process must not end while one is being compiled."""
        self._ending = True
        self._thread.join(within_s)

    def _run(self) -> None:
        began_s = time.monotonic()
        face = Face((55.0, 35.0, 50.0, 65.0), LANDMARKS, 0.99)
        try:
            for registered, infrared in KINDS:
                if self._ending:
                    return
                prepare(drawn(registered, infrared), face, self._bundle.description.preprocessing)
        except Exception:
            log.exception("warming up failed")
        log.info("kernels ready after %.2f s", time.monotonic() - began_s)


def drawn(registered: bool, infrared: Counts) -> FrameSet:
    """A rounded face 0.6 m before the camera, 120×160 pixels, its cameras side by side or on one grid."""
    v, u = np.mgrid[:120, :160]
    x, y = (u - 79.5) * 4.0, (v - 62.5) * 4.0
    inside = x**2 / 75**2 + y**2 / 105**2 < 1
    depth = np.where(inside, 600 + 0.006 * (x**2 + y**2 / 2), 1800).astype(np.uint16)
    color = np.where(inside[..., None], (196, 150, 128), (92, 104, 116)).astype(np.uint8)
    beside = Extrinsics() if registered else _BESIDE
    rig = Rig(
        color=_LENS,
        depth=_LENS,
        infrared=_LENS,
        depth_to_color=beside,
        infrared_to_color=beside,
        registered=registered,
    )
    light = Image(np.where(inside, 120, 40).astype(infrared), 0.0, white_level=255.0)
    return FrameSet(0, 0.0, Image(color, 0.0), Image(depth, 0.0, white_level=65535.0), light, 0.001, rig, 0)
