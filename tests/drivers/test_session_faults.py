"""Damage of every kind ends in identical data or a `SessionError`, never in other data or another error.

Loops are seeded; a failure names its seed and damage.
"""

from __future__ import annotations

import random
import resource
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

import pytest

from drivers.errors import EndedEarly, SessionError
from drivers.frames import FrameSet
from drivers.session import SessionReader, check, labels, repair
from tests.drivers.recordings import (
    LABELS,
    assert_same_sets,
    noise_rig,
    noise_set,
    noise_sets,
    record,
)

SETS = noise_sets(4)
MUTATIONS = 500
KILLS = 4


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return record(tmp_path_factory.mktemp("faults") / "a.mcap", SETS).read_bytes()


def boundaries(data: bytes) -> Iterator[int]:
    """Start of every record, walked independently of the reader, and the end of the file."""
    offset = 8
    while offset < len(data) - 8:
        yield offset
        offset += 9 + struct.unpack_from("<Q", data, offset + 1)[0]
    yield from (offset, len(data))


def chunk_ends(data: bytes) -> list[int]:
    starts = list(boundaries(data))
    return [end for start, end in pairwise(starts) if data[start] == 6]


def read_all(path: Path) -> tuple[list[FrameSet], SessionError | None]:
    """What an iteration gives before it ends, and the error that ends it."""
    sets: list[FrameSet] = []
    try:
        with SessionReader(path) as reader:
            sets.extend(reader)  # keeps what came before an error
    except SessionError as error:
        return sets, error
    return sets, None


def test_cuts_give_every_complete_set(whole: bytes, tmp_path: Path) -> None:
    chooser = random.Random(11)
    cuts = {edge + step for edge in boundaries(whole) for step in (-1, 0, 1)}
    cuts |= {chooser.randrange(len(whole)) for _ in range(60)}
    ends = chunk_ends(whole)
    path = tmp_path / "cut.mcap.part"
    for cut in sorted(cut for cut in cuts if 0 <= cut < len(whole)):
        path.write_bytes(whole[:cut])
        sets, error = read_all(path)
        complete = sum(end <= cut for end in ends)
        assert len(sets) == complete, f"cut at {cut}"
        assert_same_sets(sets, SETS[:complete])
        assert isinstance(error, EndedEarly if complete else SessionError), f"cut at {cut}"
        assert str(path) in str(error)


def test_repair_of_cuts(whole: bytes, tmp_path: Path) -> None:
    chooser = random.Random(12)
    path = tmp_path / "cut.mcap.part"
    for round_ in range(12):
        cut = chooser.randrange(chunk_ends(whole)[0], len(whole))
        path.write_bytes(whole[:cut])
        complete = sum(end <= cut for end in chunk_ends(whole))
        repaired = tmp_path / f"r{round_}.mcap"
        assert repair(path, repaired).sound, f"cut at {cut}"
        sets, error = read_all(repaired)
        assert error is None
        assert_same_sets(sets, SETS[:complete])
        assert labels(repaired) == LABELS


def mutate(data: bytes, chooser: random.Random) -> tuple[bytes, str]:
    """One damage: a flipped bit, a zeroed, random, swapped, cut out or doubled stretch, or a huge length."""
    damaged = bytearray(data)
    at = chooser.randrange(len(data))
    length = chooser.choice([1, 2, 4, 8, 64, 1000])
    kind = chooser.choice(["flip", "flip near the start", "zero", "noise", "swap", "cut out", "double", "length"])
    if kind == "flip":
        damaged[at] ^= 1 << chooser.randrange(8)
    elif kind == "flip near the start":
        at = chooser.randrange(6000)
        damaged[at] ^= 1 << chooser.randrange(8)
    elif kind == "zero":
        damaged[at : at + length] = bytes(len(damaged[at : at + length]))
    elif kind == "noise":
        damaged[at : at + length] = chooser.randbytes(len(damaged[at : at + length]))
    elif kind == "swap":
        other = chooser.randrange(len(data) - length)
        at = min(at, len(data) - length)
        damaged[at : at + length], damaged[other : other + length] = (
            data[other : other + length],
            data[at : at + length],
        )
    elif kind == "cut out":
        del damaged[at : at + length]
    elif kind == "double":
        damaged[at:at] = damaged[at : at + length]
    else:
        at = chooser.choice(list(boundaries(data))[:-2])
        damaged[at + 1 : at + 9] = chooser.choice([2**64 - 1, 2**63, 2**40, 2**26, 0, 1, 22]).to_bytes(8, "little")
    return bytes(damaged), f"{kind}, {length} bytes at {at}"


@pytest.fixture
def bounded_memory() -> Iterator[None]:
    """At most a GiB of address space on top of what the process has."""
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + (1 << 30)
    resource.setrlimit(resource.RLIMIT_AS, (limit, hard))
    yield
    resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


@pytest.mark.usefixtures("bounded_memory")
def test_mutations_give_identical_data_or_a_session_error(whole: bytes, tmp_path: Path) -> None:
    path = tmp_path / "mutated.mcap"
    outcomes = {"identical": 0, "refused": 0}
    for seed in range(MUTATIONS):
        data, damage = mutate(whole, random.Random(seed))
        path.write_bytes(data)
        try:
            sets, error = read_all(path)
            assert_same_sets(sets, SETS[: len(sets)])
            assert error is not None or len(sets) == len(SETS)
            assert check(path).frames >= len(sets)
            _assert_labels_true(path)
        except Exception as wrong:
            pytest.fail(f"seed {seed} ({damage}): {type(wrong).__name__}: {wrong}")
        outcomes["refused" if error else "identical"] += 1
    assert min(outcomes.values()) > 10, outcomes


def _assert_labels_true(path: Path) -> None:
    with suppress(SessionError):
        assert labels(path) == LABELS


@pytest.mark.usefixtures("bounded_memory")
def test_repair_of_mutations(whole: bytes, tmp_path: Path) -> None:
    path = tmp_path / "mutated.mcap"
    for seed in range(1000, 1040):
        data, damage = mutate(whole, random.Random(seed))
        path.write_bytes(data)
        repaired = tmp_path / f"r{seed}.mcap"
        try:
            report = repair(path, repaired)
        except SessionError:
            continue
        assert report.sound, f"seed {seed}: {damage}"
        wanted = {frame_set.sequence: frame_set for frame_set in SETS}
        sets, _ = read_all(repaired)
        for frame_set in sets:
            expected = wanted[frame_set.sequence]
            assert frame_set.depth is not None
            assert expected.depth is not None
            assert (frame_set.depth.pixels == expected.depth.pixels).all(), f"seed {seed}: {damage}"


RECORDER = """
import sys
from pathlib import Path
from drivers.session import SessionWriter
from tests.drivers.recordings import INFO, LABELS, noise_rig, noise_set

with SessionWriter(Path(sys.argv[1]), noise_rig(), INFO, LABELS) as writer:
    for number in range(100_000):
        writer.write(noise_set(number, noise_rig()))
        print(number, flush=True)
"""


@pytest.mark.parametrize("seed", range(KILLS))
def test_a_killed_recorder_loses_no_set_that_it_had_written(tmp_path: Path, seed: int) -> None:
    root = Path(__file__).parents[2]
    with subprocess.Popen(
        [sys.executable, "-c", RECORDER, str(tmp_path / "a.mcap")], cwd=root, stdout=subprocess.PIPE, text=True
    ) as recorder:
        assert recorder.stdout is not None
        for _ in range(3):
            assert recorder.stdout.readline()
        time.sleep(random.Random(seed).uniform(0.0, 0.2))
        recorder.send_signal(signal.SIGKILL)
        written = 3 + len(recorder.stdout.read().splitlines())
    part = tmp_path / "a.mcap.part"
    assert not (tmp_path / "a.mcap").exists()
    report = repair(part, tmp_path / "r.mcap")
    assert report.sound
    assert report.frames in {written, written + 1}  # killed between writing and saying so
    with SessionReader(tmp_path / "r.mcap") as reader:
        numbers = (0, report.frames // 2, report.frames - 1)
        assert_same_sets([reader.frame(number) for number in numbers], [noise_set(n, noise_rig()) for n in numbers])
