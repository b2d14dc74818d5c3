"""A librealsense device made to deliver frame sets: the same for a camera and for a recording of one."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any, Final

from calibration.rig import Intrinsics, Rig
from drivers.emitter import Alternation
from drivers.frames import FrameSet, Stream
from drivers.pairing import Arrival, Inbox, Mates, Pairing
from drivers.realsense_sdk import Chosen, alternates, exposure_unit_ms, meaning, metadata, picture, rig_of

STOP_S: Final = 1.5  # `close` promises two seconds

QUEUED: Final = 8
_PATIENCE_LIVE: Final = 3
_PATIENCE_FILE: Final = 32  # more than the SDK's own queues may set its playback threads apart

# What did not stop in time. Destroying it would wait for the SDK's threads, which may wait for Python's lock: for ever.
HANGING: Final[list[object]] = []


class Capture:
    """Sensors with a callback each, instead of `rs.pipeline`: that loses and repeats frames of recordings, and its
    syncer depends on metadata that not every kernel delivers."""

    def __init__(self, rs: Any, chosen: dict[Stream, Chosen], where: str, lossless: bool, emitter: Alternation) -> None:
        self._rs = rs
        self._where = where
        self._chosen = chosen
        self._lossless = lossless
        self._emitter = emitter
        self.rig: Rig = rig_of(rs, chosen, where)
        self._cameras: dict[Stream, Intrinsics | None] = {
            "color": self.rig.color, "depth": self.rig.depth, "infrared": self.rig.infrared
        }  # fmt: skip
        self._exposure_unit_ms: dict[Stream, float] = {
            stream: exposure_unit_ms(offer.sensor, chosen["depth"].sensor) for stream, offer in chosen.items()
        }
        self._streams: dict[tuple[Any, int], Stream] = {offer.key: stream for stream, offer in chosen.items()}
        half_period_s = 0.5 / max(1, chosen["depth"].profile.fps())
        patience = _PATIENCE_FILE if lossless else _PATIENCE_LIVE
        self.inbox = Inbox(Pairing(chosen, half_period_s, patience), QUEUED, lossless)
        self._open: list[Any] = []
        self._started: list[Any] = []
        self._numbers: dict[Stream, int] = {}
        self._unit_m = _unit_m(rs, chosen["depth"].sensor)
        self._sequence: int | None = None
        self.arrived: Counter[Stream] = Counter()
        self._stopping = threading.Event()

    def open(self) -> None:
        """Claims the sensors. Raises the SDK's RuntimeError."""
        for sensor, offers in self._by_sensor():
            sensor.open([offer.profile for offer in offers])
            self._open.append(sensor)

    def start(self) -> None:
        """Starts the sensors, all of which are open. Raises the SDK's RuntimeError."""
        self._emitter.known = alternates(self._rs, self._chosen["depth"].sensor)
        for sensor in self._open:
            sensor.start(self._arrived)
            self._started.append(sensor)

    def read(self, timeout_s: float) -> FrameSet | None:
        """The next frame set, None where none came in time."""
        mates = self.inbox.get(timeout_s)
        return None if mates is None else self._frame_set(mates)

    def stop(self) -> bool:
        """Frees the consumer and stops the sensors; whether the SDK did so in time. Never raises."""
        self._stopping.set()
        self.inbox.close()
        stopped = bounded(self._stop_sensors, STOP_S)
        if not stopped:
            HANGING.append(self)
        return stopped

    def _stop_sensors(self) -> None:
        for sensor in self._started:
            _quietly(sensor.stop)
        for sensor in self._open:
            _quietly(sensor.close)

    def _by_sensor(self) -> list[tuple[Any, list[Chosen]]]:
        """The chosen profiles by the sensor that must open them together."""
        groups: list[tuple[Any, list[Chosen]]] = []
        for offer in self._chosen.values():
            group = next((offers for sensor, offers in groups if sensor is offer.sensor), None)
            if group is None:
                groups.append((offer.sensor, [offer]))
            else:
                group.append(offer)
        return groups

    def _arrived(self, frame: Any) -> None:
        """The SDK's callback, in its thread. An exception must not reach the SDK: it ends the process."""
        if self._stopping.is_set():
            return
        try:
            arrival = self._arrival(frame)
            if arrival is not None:
                self.arrived[arrival.stream] += 1
                self.inbox.put(arrival)
        except RuntimeError as error:
            self.inbox.fail(meaning(self._where, error))
        except Exception as error:
            self.inbox.fail(error)

    def _arrival(self, frame: Any) -> Arrival | None:
        host_time_s = self._host_time_s(frame)
        profile = frame.get_profile()
        stream = self._streams.get((profile.stream_type(), profile.stream_index()))
        camera = None if stream is None else self._cameras[stream]
        if stream is None or camera is None:
            return None
        image = picture(self._rs, frame, stream, camera, self._exposure_unit_ms[stream])
        if image is None:
            return None
        unit_m = _decimal(frame.as_depth_frame().get_units()) if stream == "depth" else 0.0
        return Arrival(stream, int(frame.get_frame_number()), image, host_time_s, unit_m)

    def _host_time_s(self, frame: Any) -> float:
        """A camera's: now. A recording's: when it arrived then, else the device's time."""
        if not self._lossless:
            return time.monotonic()
        arrived_ms = metadata(frame, self._rs.frame_metadata_value.time_of_arrival)
        return (frame.get_timestamp() if arrived_ms is None else arrived_ms) / 1000.0

    def _frame_set(self, mates: Mates) -> FrameSet:
        """With what was lost since the last one: the sets of which not a single stream arrived."""
        gaps = [a.number - self._numbers[s] - 1 for s, a in mates.items() if s in self._numbers]
        self._numbers.update({stream: arrival.number for stream, arrival in mates.items()})
        depth = mates.get("depth")
        self._unit_m = depth.unit_m if depth is not None else self._unit_m
        images = {stream: mates[stream].image if stream in mates else None for stream in self._cameras}
        images["infrared"] = images["infrared"] and self._emitter.settled(images["infrared"])
        first = depth or next(iter(mates.values()))
        lost = max(0, min(gaps, default=0))
        # Each stream has a counter of its own: carry the first one on, so that a missing stream makes no jump.
        self._sequence = first.number if self._sequence is None else self._sequence + 1 + lost
        return FrameSet(
            sequence=self._sequence,
            host_time_s=first.host_time_s,
            color=images["color"],
            depth=images["depth"],
            infrared=images["infrared"],
            depth_unit_m=self._unit_m,
            rig=self.rig,
            lost=lost,
        )


def _unit_m(rs: Any, sensor: Any) -> float:
    """Metres a count by the sensor's option: until the first depth frame says it."""
    return _decimal(sensor.get_option(rs.option.depth_units)) if sensor.supports(rs.option.depth_units) else 0.001


def _decimal(value: float) -> float:
    """A float32 of the SDK as the number that was meant: 0.001, not 0.0010000000474974513."""
    return round(value, 9)


def bounded(action: Callable[[], None], seconds: float) -> bool:
    """Runs what may hang in the SDK in a thread of its own; whether it ended in time."""
    thread = threading.Thread(target=action, name="realsense-stop", daemon=True)
    thread.start()
    thread.join(seconds)
    return not thread.is_alive()


def _quietly(action: Callable[[], None]) -> None:
    """Of a device that is gone, stopping fails; there is nothing left to do about it."""
    try:
        action()
    except RuntimeError:
        return
