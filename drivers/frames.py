"""What a camera delivers at one instant: each stream on its own grid, with the rig."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from calibration.rig import Rig

Stream = Literal["color", "depth", "infrared"]
STREAMS: Final[tuple[Stream, ...]] = ("color", "depth", "infrared")


@dataclass(frozen=True, slots=True, eq=False)
class Image:
    """One picture of one stream.

    `pixels`: colour uint8 [H, W, 3] RGB; depth uint16 [H, W] counts, 0 = no return; infrared uint8 or
    uint16 [H, W]. Owned, C-contiguous and read-only. `white_level` is the count at which the stream
    saturates (16-bit sensors top out far below 65535). `exposure_ms`, `gain` and `emitter_on` are None
    where the camera does not tell.
    """

    pixels: NDArray[Any]
    device_time_s: float
    exposure_ms: float | None = None
    gain: float | None = None
    emitter_on: bool | None = None
    white_level: float = 255.0

    def __post_init__(self) -> None:
        self.pixels.flags.writeable = False


@dataclass(frozen=True, slots=True, eq=False)
class FrameSet:
    """The pictures that belong together, nothing derived.

    `host_time_s` is the host's monotonic clock at arrival; `depth_unit_m` metres a depth count;
    `lost` the number of frame sets lost since the previous one.
    """

    sequence: int
    host_time_s: float
    color: Image | None
    depth: Image | None
    infrared: Image | None
    depth_unit_m: float
    rig: Rig
    lost: int = 0

    @property
    def device_time_s(self) -> float:
        """The set's device time: depth's, since the verdict hangs on it; else the first stream's."""
        for image in (self.depth, self.color, self.infrared):
            if image is not None:
                return image.device_time_s
        return 0.0

    def image(self, stream: Stream) -> Image | None:
        """The picture of one stream by name."""
        picture: Image | None = getattr(self, stream)
        return picture


def frozen_copy(pixels: NDArray[Any]) -> NDArray[Any]:
    """An owned, C-contiguous, read-only copy: what goes into an `Image` from a borrowed buffer."""
    owned = np.array(pixels, order="C", copy=True)
    owned.flags.writeable = False
    return owned
