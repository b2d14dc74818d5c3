"""From single pictures, as each stream's thread delivers them, to the pictures of one instant."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from drivers.frames import Image, Stream


@dataclass(frozen=True, slots=True, eq=False)
class Arrival:
    """One picture with its stream's counter; `unit_m` metres a count, of depth only."""

    stream: Stream
    number: int
    image: Image
    host_time_s: float
    unit_m: float = 0.0


Mates = Mapping[Stream, Arrival]


class Pairing:
    """Pairs by device time: mates are within `tolerance_s`, usually half a frame's period, of the earliest.

    While a stream has nothing, the others wait for it, at most `patience` pictures long; then sets go out without
    it. A picture that repeats its stream's last number is rejected: after a fault some SDKs serve the last one again.
    """

    def __init__(self, streams: Iterable[Stream], tolerance_s: float, patience: int) -> None:
        self._waiting: dict[Stream, deque[Arrival]] = {stream: deque() for stream in streams}
        self._numbers: dict[Stream, int] = {}
        self._tolerance_s = tolerance_s
        self._patience = patience

    def add(self, arrival: Arrival) -> None:
        """Takes a picture; those of one stream come in order."""
        if self._numbers.get(arrival.stream) != arrival.number:
            self._numbers[arrival.stream] = arrival.number
            self._waiting[arrival.stream].append(arrival)

    def next(self, final: bool = False) -> Mates | None:
        """The earliest set that is decided, None where it is not yet; `final`: nothing more will come."""
        waiting = self._waiting.values()
        if not any(waiting):
            return None
        if not final and not all(waiting) and max(map(len, waiting)) <= self._patience:
            return None
        heads = [pictures[0] for pictures in waiting if pictures]
        until_s = min(head.image.device_time_s for head in heads) + self._tolerance_s
        mates = {head.stream: head for head in heads if head.image.device_time_s <= until_s}
        for stream in mates:
            self._waiting[stream].popleft()
        return mates


class Inbox:
    """Between the SDK's threads, which `put` pictures, and one consumer, which `get`s sets.

    `lossless`: whoever puts into a full inbox waits (the SDK reads its file no faster than the consumer); else
    the oldest set goes. `close` frees everyone.
    """

    def __init__(self, pairing: Pairing, capacity: int, lossless: bool) -> None:
        self._pairing = pairing
        self._capacity = capacity
        self._lossless = lossless
        self._sets: deque[Mates] = deque()
        self._changed = threading.Condition()
        self._closed = False
        self._failure: Exception | None = None
        self.last_put_s = time.monotonic()

    def put(self, arrival: Arrival) -> None:
        """Takes a picture, in any thread."""
        with self._changed:
            self._pairing.add(arrival)
            self._take_decided()
            # Waiting comes after the sets are in line: another stream's thread may pass in the meantime.
            self._changed.wait_for(lambda: self._closed or len(self._sets) <= self._capacity)
            self.last_put_s = time.monotonic()

    def limit(self, capacity: int) -> None:
        """Changes how many sets may wait here."""
        with self._changed:
            self._capacity = capacity
            self._changed.notify_all()

    def get(self, timeout_s: float) -> Mates | None:
        """The next set, None where none comes in time or the inbox is closed. Raises what `fail` was given."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._sets or self._failure, timeout_s)
            if self._sets and not self._closed:
                mates = self._sets.popleft()
                self._changed.notify_all()
                return mates
            if self._failure is not None and not self._closed:
                raise self._failure
            return None

    def fail(self, failure: Exception) -> None:
        """What `get` raises once the sets before it are taken."""
        with self._changed:
            self._failure = self._failure or failure
            self._changed.notify_all()

    def finish(self) -> None:
        """Nothing more will be put: what still waits for mates goes into line."""
        with self._changed:
            self._take_decided(final=True)

    def close(self) -> None:
        """Frees whoever waits; what was not taken is gone."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _take_decided(self, final: bool = False) -> None:
        while (mates := self._pairing.next(final)) is not None:
            self._sets.append(mates)
            if not self._lossless and len(self._sets) > self._capacity:
                self._sets.popleft()
        self._changed.notify_all()
