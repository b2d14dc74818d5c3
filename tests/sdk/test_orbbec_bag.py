"""Recordings of Orbbec's SDK, read without the SDK: what was written comes back, for three kinds of camera."""

from __future__ import annotations

import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import numpy as np
import pytest

from calibration.projection import project
from drivers.errors import EndOfStream, NotFound, SessionError, TrilumeError, Unsupported
from drivers.open import open_source
from drivers.orbbec_bag import OrbbecBag, OrbbecBagSource, recorded_by_orbbec
from drivers.source import frames_of
from tests.sdk.orbbec_recording import (
    ASTRA_2,
    FEMTO_BOLT,
    GEMINI_335,
    LENS,
    MODELS,
    OFF,
    ON,
    PERIOD_US,
    ROTATION,
    START_US,
    TRANSLATION_MM,
    Model,
    pictures,
    record,
)

pytest.importorskip("rosbags.rosbag1")

COUNT = 12
UNITS_M = {ASTRA_2.name: 0.0002, GEMINI_335.name: 0.0001, FEMTO_BOLT.name: 0.001}
each_model = pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)


@pytest.fixture
def opened() -> Iterator[Callable[[Path], OrbbecBag]]:
    """Opens recordings and closes them after the test."""
    with ExitStack() as stack:
        yield lambda path: stack.enter_context(closing(OrbbecBag(path)))


@each_model
def test_every_frame_comes_back_equal(model: Model, tmp_path: Path) -> None:
    frames = pictures(model, COUNT)
    source = open_source(record(tmp_path / "a.bag", model, frames))
    assert isinstance(source, OrbbecBagSource)
    sets = list(frames_of(source))
    assert [one.sequence for one in sets] == list(range(COUNT))
    assert not any(one.lost for one in sets)
    for one, written in zip(sets, frames, strict=True):
        assert one.color is not None
        assert one.depth is not None
        assert one.infrared is not None
        assert np.array_equal(one.depth.pixels, written["depth"][0])
        assert np.array_equal(one.color.pixels, written["color"][0])
        infrared = written[model.infrared][0]
        assert np.array_equal(one.infrared.pixels, infrared[:, ::-1] if model.infrared_mirrored else infrared)


@each_model
def test_times_are_the_device_s(model: Model, tmp_path: Path) -> None:
    for k, one in enumerate(frames_of(OrbbecBagSource(record(tmp_path / "a.bag", model, pictures(model, 4))))):
        time_us = START_US + k * PERIOD_US
        assert one.device_time_s == pytest.approx(time_us / 1e6, abs=1e-9)
        assert one.color is not None
        assert one.color.device_time_s == pytest.approx((time_us + model.offsets_us.get("color", 0)) / 1e6, abs=1e-9)
        assert one.host_time_s == pytest.approx((time_us + 5000) / 1e6, abs=1e-9)


@each_model
def test_rig_unit_and_names_are_the_recorded_ones(
    model: Model, tmp_path: Path, opened: Callable[[Path], OrbbecBag]
) -> None:
    bag = opened(record(tmp_path / "a.bag", model, pictures(model, 1)))
    rig = bag.rig
    assert rig.color is not None
    assert rig.infrared is not None
    assert (rig.depth.fx, rig.depth.fy, rig.depth.cx, rig.depth.cy) == pytest.approx(LENS["depth"])
    assert (rig.color.fx, rig.color.fy, rig.color.cx, rig.color.cy) == pytest.approx(LENS["color"])
    k1, k2, k3, k4, k5, k6, p1, p2 = model.distortion
    assert rig.color.coefficients == pytest.approx([k1, k2, p1, p2, k3, k4, k5, k6])
    assert np.allclose(rig.depth_to_color.R, ROTATION, atol=1e-7)
    assert rig.depth_to_color.translation_m == pytest.approx([mm / 1000 for mm in TRANSLATION_MM])
    assert rig.infrared_to_color == rig.depth_to_color
    assert bag.frame(0).depth_unit_m == UNITS_M[model.name]
    assert bag.info.serial == model.serial
    assert bag.info.sensor == "orbbec-" + model.name.lower().removeprefix("orbbec ").replace(" ", "")
    bag.close()
    bag.close()


def test_a_mirrored_infrared_camera_sees_what_its_picture_shows(
    tmp_path: Path, opened: Callable[[Path], OrbbecBag]
) -> None:
    """A point and its mirror image project to mirrored pixels, distortion included."""
    turned = opened(record(tmp_path / "a.bag", ASTRA_2, pictures(ASTRA_2, 1))).rig.infrared
    plain = opened(record(tmp_path / "b.bag", FEMTO_BOLT, pictures(FEMTO_BOLT, 1))).rig.infrared
    assert turned is not None
    assert plain is not None
    as_delivered = turned.model_copy(
        update={
            "cx": LENS["infrared"][2],
            "distortion": (*turned.distortion[:3], -turned.distortion[3], *turned.distortion[4:]),
        }
    )
    points = np.random.default_rng(0).uniform((-0.3, -0.2, 0.5), (0.3, 0.2, 1.5), (50, 3))
    seen = project(turned, points)
    raw = project(as_delivered, points * (-1, 1, 1))
    assert np.allclose(seen[:, 0], turned.width - 1 - raw[:, 0], atol=1e-4)
    assert np.allclose(seen[:, 1], raw[:, 1], atol=1e-4)
    assert plain.cx == pytest.approx(LENS["infrared"][2])  # the others come as they are


def test_exposure_and_laser_of_a_gemini_330_but_no_gain_of_unknown_unit(tmp_path: Path) -> None:
    first, second = list(frames_of(OrbbecBagSource(record(tmp_path / "a.bag", GEMINI_335, pictures(GEMINI_335, 2)))))
    for image in (first.depth, first.infrared):
        assert image is not None
        assert (image.exposure_ms, image.gain, image.emitter_on) == (8.5, None, True)
    assert second.infrared is not None
    assert second.infrared.emitter_on is False
    assert first.color is not None
    assert (first.color.exposure_ms, first.color.gain, first.color.emitter_on) == (8.3, None, None)


def test_a_recorded_laser_that_contradicts_the_picture_is_told_by_nobody(
    tmp_path: Path, opened: Callable[[Path], OrbbecBag]
) -> None:
    frames = pictures(GEMINI_335, 4)
    shown = [0, 1, 0, 0]  # the fourth is said to be without the projector and shows dots
    bag = opened(record(tmp_path / "a.bag", GEMINI_335, [frames[k] for k in shown]))
    told = [bag.frame(k).infrared for k in (3, 2, 1, 0)]
    assert [image.emitter_on if image else "missing" for image in told] == [None, True, False, True]


def test_white_level_by_bits_else_estimated(tmp_path: Path, opened: Callable[[Path], OrbbecBag]) -> None:
    told = opened(record(tmp_path / "a.bag", ASTRA_2, pictures(ASTRA_2, 2)))
    infrared = told.frame(0).infrared
    assert infrared is not None
    assert infrared.white_level == 1023.0
    assert told.info.white_assumed == ()
    frames = pictures(FEMTO_BOLT, 3)
    guessed = opened(record(tmp_path / "b.bag", FEMTO_BOLT, frames))
    infrared = guessed.frame(2).infrared
    assert infrared is not None
    assert infrared.white_level == pytest.approx(
        np.percentile(np.stack([frame["infrared"][0] for frame in frames]), 99.9), rel=2e-3
    )
    assert guessed.info.white_assumed == ("infrared",)


def test_frames_without_mates_are_sets_of_their_own_and_gaps_are_lost(tmp_path: Path) -> None:
    frames = pictures(ASTRA_2, 8)
    dropped = frozenset({("depth", 2), ("color", 4), ("depth", 6), ("color", 6), ("infrared", 6)})
    sets = list(frames_of(OrbbecBagSource(record(tmp_path / "a.bag", ASTRA_2, frames, dropped))))
    assert [one.sequence for one in sets] == [0, 1, 2, 3, 4, 5, 7]
    assert [one.depth is None for one in sets] == [False, False, True, False, False, False, False]
    assert [one.color is None for one in sets] == [False, False, False, False, True, False, False]
    assert [one.lost for one in sets] == [0, 0, 0, 0, 0, 0, 1]


def test_random_access_is_the_same_as_reading_on(tmp_path: Path, opened: Callable[[Path], OrbbecBag]) -> None:
    path = record(tmp_path / "a.bag", GEMINI_335, pictures(GEMINI_335, 6))
    onwards = [one.depth.pixels for one in frames_of(OrbbecBagSource(path)) if one.depth is not None]
    bag = opened(path)
    for number in (5, 0, 3, 3, 1):
        depth = bag.frame(number).depth
        assert depth is not None
        assert np.array_equal(depth.pixels, onwards[number])
    source = OrbbecBagSource(path)
    source.open()
    source.seek(6)
    with pytest.raises(EndOfStream):
        source.read(1.0)
    source.close()


@pytest.mark.parametrize(
    ("extra", "word"),
    [
        ({85: OFF}, "disparities"),
        ({42: ON}, "moved onto colour"),
        ({18: ON}, "mirrored"),
        ({115: struct.pack("<i", 90)}, "turned"),
    ],
)
def test_what_would_give_wrong_geometry_is_refused(extra: dict[int, bytes], word: str, tmp_path: Path) -> None:
    path = record(tmp_path / "a.bag", GEMINI_335, pictures(GEMINI_335, 1), extra=extra)
    with pytest.raises(Unsupported, match=word):
        OrbbecBag(path)


def test_files_that_are_none(tmp_path: Path) -> None:
    whole = record(tmp_path / "a.bag", FEMTO_BOLT, pictures(FEMTO_BOLT, 3))
    data = whole.read_bytes()
    (tmp_path / "cut.bag").write_bytes(data[: len(data) // 2])
    (tmp_path / "text.bag").write_text("no bag")
    with pytest.raises(NotFound):
        OrbbecBag(tmp_path / "missing.bag")
    for name in ("cut.bag", "text.bag"):
        assert not recorded_by_orbbec(tmp_path / name)
        with pytest.raises(SessionError, match=name):
            OrbbecBag(tmp_path / name)
        with pytest.raises(TrilumeError):
            open_source(tmp_path / name)


def test_mutated_recordings_give_an_error_of_ours_or_frames(tmp_path: Path) -> None:
    whole = record(tmp_path / "a.bag", ASTRA_2, pictures(ASTRA_2, 2)).read_bytes()
    random = np.random.default_rng(1)
    path = tmp_path / "b.bag"
    said: list[str] = []
    for _ in range(150):
        data = bytearray(whole)
        # half of the flips in the index and the small messages at the end, where the structure is
        start = 0 if random.random() < 0.5 else len(data) - 6000
        for place in random.integers(start, len(data), 3):
            data[place] ^= 1 << int(random.integers(8))
        path.write_bytes(data)
        try:
            assert all(one.depth_unit_m > 0 for one in frames_of(OrbbecBagSource(path)))
        except TrilumeError as error:
            said.append(str(error))
    assert len(said) > 20
    assert all(str(path) in words for words in said)


def test_reading_imports_no_sdk(tmp_path: Path) -> None:
    path = record(tmp_path / "a.bag", FEMTO_BOLT, pictures(FEMTO_BOLT, 1))
    code = (
        "import sys; from drivers.open import open_source; from drivers.source import frames_of\n"
        f"print(len(list(frames_of(open_source({str(path)!r})))), 'pyorbbecsdk' in sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == ["1", "False"]
