"""Live checks of a frame set, and the room on the disk."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.studio.quality import Check, Limits, Quality, Wanted, judged, look, rate_of, space
from drivers.frames import Image
from pipeline.pose import Pose
from pipeline.result import Reason, Result, Verdict
from pipeline.room import shortage
from pipeline.runner import State, Take
from tests.app.scene import FACE, frame

POSE = Pose(5.0, -3.0, 0.0, 2.0, 0.6)
GOOD = Result(0, 0.0, Verdict.LIVE, None, Verdict.LIVE, None, face=FACE, distance_m=0.6, pose=POSE)
ANY = Wanted()
STATE = State("running", "sim://live", judged=100)


def seen(result: Result = GOOD, state: State = STATE, wanted: Wanted = ANY, **streams: Any) -> Quality:
    return look(result, frame(**streams), state, wanted)


def fault(quality: Quality) -> str | None:
    return quality.first_fault.code if quality.first_fault else None


def test_a_good_frame_set_is_good() -> None:
    assert seen().good
    assert seen().first_fault is None


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"face": None, "reason": Reason.NO_FACE, "distance_m": None, "pose": None}, "face"),
        ({"reason": Reason.SEVERAL_FACES}, "face"),
        ({"distance_m": 0.75}, "distance"),
        ({"distance_m": 0.45}, "distance"),
        ({"pose": replace(POSE, yaw=-31.0)}, "pose"),
        ({"pose": replace(POSE, pitch=26.0)}, "pose"),
    ],
)
def test_faults_of_the_person(changes: dict[str, Any], code: str) -> None:
    quality = seen(replace(GOOD, **changes), wanted=Wanted.around(0.6))
    assert fault(quality) == code
    assert not quality.good


@pytest.mark.parametrize(("level", "stream"), [(3, "color"), (255, "color"), (2, "infrared"), (255, "infrared")])
def test_dark_and_bright_pictures(level: int, stream: str) -> None:
    shape = (240, 320, 3) if stream == "color" else (240, 320)
    pictures: dict[str, Any] = {stream: Image(np.full(shape, level, np.uint8), 0.0)}
    quality = seen(**pictures)
    first = quality.first_fault
    assert first is not None
    assert (first.code, first.stream, first.value) == ("exposure", stream, 1.0)


def test_only_the_face_is_looked_at() -> None:
    pixels = np.zeros((240, 320, 3), np.uint8)
    x, y, width, height = map(int, FACE.box)
    pixels[y : y + height, x : x + width] = 128
    assert seen(color=Image(pixels, 0.0)).good


def test_an_infrared_picture_without_the_emitter_is_not_judged() -> None:
    dark = Image(np.zeros((240, 320), np.uint8), 0.0, emitter_on=False)
    assert seen(infrared=dark).good


def test_lost_sets_of_the_take_count_before_those_of_the_run() -> None:
    take = Take(Path("a"), (), True, 97, 3.0, 0, 3, 97)
    assert fault(seen(state=replace(STATE, take=take))) == "lost"
    assert seen(state=replace(STATE, lost=50, take=replace(take, lost=0))).good
    assert fault(seen(state=replace(STATE, lost=50))) == "lost"
    assert Check("lost", None) in seen(state=replace(STATE, judged=0)).checks


@pytest.mark.parametrize(
    ("minutes", "standing", "begins"),
    [(11, "ok", True), (9, "warn", True), (1.5, "refuse", False), (-1, "stop", False)],
)
def test_room_on_the_disk(minutes: float, standing: str, begins: bool) -> None:
    room = judged(int(1e9 + minutes * 60 * 30e6), 30.0)
    assert (room.standing, room.may_begin) == (standing, begins)
    assert room.minutes_left == pytest.approx(max(0, minutes))


@given(st.integers(0, 10**12), st.integers(0, 10**12), st.floats(0.1, 500))
def test_more_room_never_stands_worse(some: int, more: int, rate: float) -> None:
    order = ["stop", "refuse", "warn", "ok"]
    assert order.index(judged(some, rate).standing) <= order.index(judged(some + more, rate).standing)


def test_without_a_rate_only_the_reserve_counts() -> None:
    assert judged(2 * 10**9, None).standing == "ok"
    assert judged(10**8, None).standing == "stop"
    assert judged(10**8, None, Limits(stop_bytes=10**7)).may_begin


def test_a_folder_that_is_not_made_yet_has_its_disks_room(tmp_path: Path) -> None:
    assert space(tmp_path / "new" / "newer", 1.0).free_bytes is not None


@pytest.mark.parametrize("free", [999_999_999, 1_000_000_000])
def test_the_studio_stops_exactly_where_a_recording_does(
    free: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = type("Usage", (), {"free": free})
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    stopped = space(tmp_path, 20.0, Limits(stop_bytes=1_000_000_000)).standing == "stop"
    assert stopped == (shortage(tmp_path, 1_000_000_000) is not None)


def test_the_rate_is_the_takes() -> None:
    take = Take(Path("a"), (), True, 60, 2.0, 60_000_000, 0, 60)
    assert rate_of(replace(STATE, take=take)) == pytest.approx(30.0)
    assert rate_of(STATE, 25.0) == 25.0
    assert rate_of(STATE) is None
