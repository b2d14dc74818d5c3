"""A simulated camera as a source of frame sets: `sim://flat_print?seed=3&preset=astra&seconds=2&fps=15`.

`bystanders=2` puts people into the room behind the subject, `beside=1` one at its side.
"""

from __future__ import annotations

import time
from typing import Final
from urllib.parse import parse_qsl, urlsplit

import numpy as np

from calibration.rig import Rig
from drivers.errors import CameraError, EndOfStream, NotFound
from drivers.frames import FrameSet
from drivers.simulated.bystanders import MOST
from drivers.simulated.scenes import DISTANCE_M, Scene, Stage, sample_scene
from drivers.simulated.sensor import sensor_model
from drivers.simulated.species import parse_species
from drivers.source import CameraInfo

_NOISE_STREAM: Final = 4
_SPREAD_M: Final = 0.02  # about a distance that was asked for
_KEYS: Final = ("seed", "preset", "seconds", "fps", "distance", "identity", "instrument", "bystanders", "beside")
_LIMITS: Final = {  # of each number, both ends included
    "seed": (0, 2**63 - 1),
    "identity": (0, 2**63 - 1),
    "instrument": (0, 2**63 - 1),
    "seconds": (0.01, 86400.0),
    "fps": (1.0, 120.0),
    "distance": (0.28, 1.5),
    "bystanders": (0, MOST),
    "beside": (0, 1),
}


class SimulatedCamera:
    """A source that films one simulated scene; the same arguments give the same bytes.

    With `seconds` it is a recording that ends, read as fast as it is rendered; without, a live camera that keeps to
    `fps` and counts the frame sets that it was too slow for as lost. `close` may be called from any thread, all else
    from one. Raises NotFound for an unknown species or preset.
    """

    def __init__(
        self,
        species: str,
        seed: int = 0,
        preset: str = "astra",
        seconds: float | None = None,
        fps: float = 30.0,
        *,
        distance_m: float | None = None,
        identity_seed: int | None = None,
        instrument_seed: int | None = None,
        bystanders: int = 0,
        beside: bool = False,
    ) -> None:
        self._species, self._seed, self._preset = parse_species(species), seed, preset
        self._model = sensor_model(preset)
        self._fps = fps
        self._frames = None if seconds is None else max(1, round(seconds * fps))
        self._distance = DISTANCE_M if distance_m is None else (distance_m - _SPREAD_M, distance_m + _SPREAD_M)
        self._pools = identity_seed, instrument_seed
        self._bystanders, self._beside = bystanders, beside
        self._scene: Scene | None = None
        self._stage: Stage | None = None
        self._next = 0
        self._started = 0.0

    @property
    def info(self) -> CameraInfo:
        """Name, sensor key (`sim-astra`, `sim-gemini335`) and length."""
        return CameraInfo(
            name=f"simulated {self._model.name}",
            sensor=self._model.sensor,
            serial=f"sim-{self._seed}",
            live=self._frames is None,
            frames=self._frames,
            origin="simulated",
        )

    @property
    def scene(self) -> Scene:
        """What is filmed: for labels and ground truth. Valid once open."""
        if self._scene is None:
            raise CameraError("the simulated camera is not open; call open() first")
        return self._scene

    @property
    def rig(self) -> Rig:
        """The rig as the camera tells it; valid once open."""
        return self.scene.rig

    def open(self) -> None:
        """Draws the scene and its room. Raises SdkMissing where the head model's assets are not installed."""
        identity, instrument = self._pools
        self._scene = sample_scene(
            self._species,
            self._seed,
            identity_seed=identity,
            instrument_seed=instrument,
            preset=self._preset,
            distance_range=self._distance,
            bystanders=self._bystanders,
            beside=self._beside,
        )
        self._stage = Stage(self._scene)
        self._next = 0
        self._started = time.monotonic()

    def read(self, timeout_s: float) -> FrameSet:  # noqa: ARG002  rendering always delivers
        """The next frame set. Raises EndOfStream after the last one, CameraError when closed."""
        stage = self._stage
        if stage is None:
            raise CameraError("the simulated camera is closed; call open() first")
        if self._frames is not None and self._next >= self._frames:
            raise EndOfStream(f"the simulated scene ended after {self._frames} frame sets")
        lost = self._keep_pace() if self._frames is None else 0
        index = self._next
        self._next += 1
        noise = np.random.default_rng([_NOISE_STREAM, self._seed, index])
        frame_set = stage.frame(index / self._fps, noise, sequence=index)
        if self._frames is not None:
            return frame_set
        return _arriving_now(frame_set, lost)

    def _keep_pace(self) -> int:
        """Waits until the next frame is due; skips those that are past. Returns how many were skipped."""
        ahead_s = self._started + self._next / self._fps - time.monotonic()
        if ahead_s > 0:
            time.sleep(ahead_s)
            return 0
        late = int(-ahead_s * self._fps)
        self._next += late
        return late

    def close(self) -> None:
        """Lets go of the scene's pictures; idempotent."""
        self._stage = None


def _arriving_now(frame_set: FrameSet, lost: int) -> FrameSet:
    return FrameSet(
        frame_set.sequence,
        time.monotonic(),
        frame_set.color,
        frame_set.depth,
        frame_set.infrared,
        frame_set.depth_unit_m,
        frame_set.rig,
        lost,
    )


def from_uri(uri: str) -> SimulatedCamera:
    """The camera of a URI: `sim://SPECIES?seed=&preset=&seconds=&fps=&distance=&identity=&instrument=`, then
    `&bystanders=&beside=`.

    `distance` in metres; without `seconds` it is live. Raises NotFound or CameraError, saying which part is wrong.
    """
    parts = urlsplit(uri)
    if parts.scheme != "sim":
        raise CameraError(f"'{uri}' is no simulated camera; write sim://SPECIES?seed=1&seconds=2")
    values: dict[str, str] = {}
    for key, value in parse_qsl(parts.query, keep_blank_values=True):
        if key not in _KEYS:
            raise CameraError(f"'{uri}': unknown key '{key}'; there are {', '.join(_KEYS)}")
        if key in values:
            raise CameraError(f"'{uri}': key '{key}' is given twice; give it once")
        values[key] = value
    numbers = {key: _number(uri, key, value) for key, value in values.items() if key != "preset"}
    preset = values.get("preset", "astra")
    name = (parts.netloc + parts.path).strip("/") or "live"
    try:
        return SimulatedCamera(
            name,
            int(numbers.get("seed", 0)),
            preset,
            numbers.get("seconds"),
            numbers.get("fps", 30.0),
            distance_m=numbers.get("distance"),
            identity_seed=_whole(numbers.get("identity")),
            instrument_seed=_whole(numbers.get("instrument")),
            bystanders=int(numbers.get("bystanders", 0)),
            beside=bool(numbers.get("beside", 0)),
        )
    except NotFound as error:
        raise NotFound(f"'{uri}': {error}") from None


def _whole(number: float | None) -> int | None:
    return None if number is None else int(number)


def _number(uri: str, key: str, value: str) -> float:
    low, high = _LIMITS[key]
    kind = int if isinstance(low, int) else float
    try:
        number = kind(value)
    except ValueError:
        wanted = "a whole number" if kind is int else "a number"
        raise CameraError(f"'{uri}': {key}={value} is not {wanted}; give one from {low:g} to {high:g}") from None
    if not low <= number <= high:
        raise CameraError(f"'{uri}': {key}={value} is out of range; give one from {low:g} to {high:g}")
    return number
