"""Pictures of several streams become sets of one instant, whatever order they come in."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.frames import Image, Stream
from drivers.pairing import Arrival, Inbox, Mates, Pairing

PERIOD_S = 1 / 30
STREAMS: tuple[Stream, ...] = ("color", "depth", "infrared")


def arrival(stream: Stream, number: int, shift_s: float = 0.0) -> Arrival:
    return Arrival(stream, number, Image(np.zeros((1, 1), np.uint8), number * PERIOD_S + shift_s), 0.0)


def drained(pairing: Pairing) -> list[Mates]:
    found = []
    while (mates := pairing.next(final=True)) is not None:
        found.append(mates)
    return found


@given(
    shifts_ms=st.tuples(*[st.floats(0, 16)] * 3),
    delays=st.tuples(*[st.integers(0, 6)] * 3),
    jitter=st.lists(st.floats(0, 0.5), min_size=60, max_size=60),
)
def test_streams_with_a_shift_below_half_a_period_are_all_paired(
    shifts_ms: tuple[float, ...], delays: tuple[int, ...], jitter: list[float]
) -> None:
    """Each stream has a constant shift, some jitter, and comes some periods late."""
    pairing, found = Pairing(STREAMS, PERIOD_S / 2, patience=8), []
    for step in range(20 + max(delays)):
        for s, stream in enumerate(STREAMS):
            number = step - delays[s]
            if 0 <= number < 20:
                pairing.add(arrival(stream, number, (shifts_ms[s] + jitter[3 * number + s]) / 1000))
        while (mates := pairing.next()) is not None:
            found.append(mates)
    found += drained(pairing)
    assert [{s: a.number for s, a in mates.items()} for mates in found] == [
        dict.fromkeys(mates, n) for n, mates in enumerate(found)
    ]
    assert all(len(mates) == 3 for mates in found)
    assert len(found) == 20


@given(kept=st.lists(st.tuples(st.booleans(), st.booleans(), st.booleans()), max_size=20))
def test_no_picture_is_lost_or_paired_with_a_stranger(kept: list[tuple[bool, bool, bool]]) -> None:
    pairing = Pairing(STREAMS, PERIOD_S / 2, patience=3)
    found: list[Mates] = []
    for number, there in enumerate(kept):
        for stream, is_there in zip(STREAMS, there, strict=True):
            if is_there:
                pairing.add(arrival(stream, number))
        while (mates := pairing.next()) is not None:
            found.append(mates)
    found += drained(pairing)
    expected = [{s for s, is_there in zip(STREAMS, there, strict=True) if is_there} for there in kept]
    assert [set(mates) for mates in found] == [streams for streams in expected if streams]
    assert all(len({a.number for a in mates.values()}) == 1 for mates in found)


def test_a_repeated_picture_is_rejected() -> None:
    pairing = Pairing(["depth"], PERIOD_S / 2, patience=3)
    for number in (1, 2, 2, 2, 3):
        pairing.add(arrival("depth", number))
    assert [mates["depth"].number for mates in drained(pairing)] == [1, 2, 3]


def test_a_stream_that_died_costs_patience_only() -> None:
    pairing = Pairing(STREAMS[:2], PERIOD_S / 2, patience=3)
    for number in range(10):
        pairing.add(arrival("depth", number))
        mates = pairing.next()
        assert (mates is None) == (number < 3)
        if mates is not None:
            assert mates["depth"].number == number - 3


def put_all(inbox: Inbox, count: int) -> None:
    for number in range(count):
        inbox.put(arrival("depth", number))


def test_a_lossless_inbox_makes_the_sender_wait_and_a_live_one_drops_the_oldest() -> None:
    live = Inbox(Pairing(["depth"], PERIOD_S / 2, 3), capacity=2, lossless=False)
    put_all(live, 5)
    assert [live.get(0.0)["depth"].number for _ in range(2)] == [3, 4]  # type: ignore[index]
    assert live.get(0.01) is None

    lossless = Inbox(Pairing(["depth"], PERIOD_S / 2, 3), capacity=2, lossless=True)
    sender = threading.Thread(target=put_all, args=(lossless, 5))
    sender.start()
    time.sleep(0.05)
    assert sender.is_alive()
    assert [lossless.get(1.0)["depth"].number for _ in range(5)] == [0, 1, 2, 3, 4]  # type: ignore[index]
    sender.join(1.0)
    assert not sender.is_alive()


def test_close_frees_sender_and_consumer() -> None:
    inbox = Inbox(Pairing(["depth"], PERIOD_S / 2, 3), capacity=1, lossless=True)
    sender = threading.Thread(target=put_all, args=(inbox, 9))
    sender.start()
    time.sleep(0.02)
    inbox.close()
    sender.join(1.0)
    assert not sender.is_alive()
    assert inbox.get(5.0) is None


def test_a_failure_comes_after_the_sets_before_it() -> None:
    inbox = Inbox(Pairing(["depth"], PERIOD_S / 2, 3), capacity=4, lossless=True)
    inbox.put(arrival("depth", 7))
    inbox.fail(ValueError("broken"))
    mates = inbox.get(1.0)
    assert mates is not None
    assert mates["depth"].number == 7
    with pytest.raises(ValueError, match="broken"):
        inbox.get(1.0)
