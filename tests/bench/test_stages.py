"""What each stage of a verdict costs, beside a reference convolution in the same run: compare ratios, not milliseconds.

make bench
"""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from drivers.frames import FrameSet
from drivers.registration import register
from drivers.simulated.scenes import render_frame, sample_scene
from pipeline.bundle import Bundle, load_bundle
from pipeline.engine import Engine
from pipeline.faces import Face, FaceFinder, FaceTracker
from pipeline.nets import Nets
from pipeline.parameters import Preprocessing
from pipeline.preparation import prepare
from pipeline.result import Prepared

REGION_FACTOR = 1.3


@pytest.fixture(scope="module")
def frame_set() -> FrameSet:
    return render_frame(sample_scene("live", 3, distance_range=(0.6, 0.6)), 0.0, np.random.default_rng(0))


@pytest.fixture(scope="module")
def finder() -> FaceFinder:
    return FaceFinder(threads=2)


@pytest.fixture(scope="module")
def face(frame_set: FrameSet, finder: FaceFinder) -> Face:
    assert frame_set.color is not None
    return finder.find(frame_set.color.pixels)[0]


@pytest.fixture(scope="module")
def prepared(frame_set: FrameSet, face: Face) -> Prepared:
    made = prepare(frame_set, face, Preprocessing()).prepared
    assert made is not None
    return made


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return load_bundle()


def test_reference_convolution(benchmark: BenchmarkFixture) -> None:
    picture = np.random.default_rng(0).random((480, 640), np.float32)
    kernel = np.random.default_rng(1).random((15, 15), np.float32)
    benchmark(cv2.filter2D, picture, -1, kernel)


def test_find_face(benchmark: BenchmarkFixture, finder: FaceFinder, frame_set: FrameSet) -> None:
    assert frame_set.color is not None
    benchmark(finder.find, frame_set.color.pixels)


def test_follow_face(benchmark: BenchmarkFixture, finder: FaceFinder, frame_set: FrameSet) -> None:
    assert frame_set.color is not None
    tracker = FaceTracker(finder, keyframe_every=10**9)
    benchmark(tracker.track, frame_set.color.pixels)


def test_register_face(benchmark: BenchmarkFixture, frame_set: FrameSet, face: Face) -> None:
    benchmark(register, frame_set, face.canonical_square().region(REGION_FACTOR))


def test_register_whole_picture(benchmark: BenchmarkFixture, frame_set: FrameSet) -> None:
    benchmark(register, frame_set)


def test_prepare_face(benchmark: BenchmarkFixture, frame_set: FrameSet, face: Face) -> None:
    benchmark(prepare, frame_set, face, Preprocessing())


def test_d_net(benchmark: BenchmarkFixture, bundle: Bundle, prepared: Prepared) -> None:
    benchmark(Nets(bundle).depth, prepared.maps)


def test_m_net(benchmark: BenchmarkFixture, bundle: Bundle, prepared: Prepared) -> None:
    planes = prepared.planes()
    assert planes is not None
    benchmark(Nets(bundle).reflectance, planes)


def test_whole_verdict(benchmark: BenchmarkFixture, bundle: Bundle, frame_set: FrameSet) -> None:
    engine = Engine(bundle, sensor="sim-astra")
    number = iter(range(10**9))

    def verdict() -> None:
        n = next(number)
        moved = {name: replace(image, device_time_s=n / 30) for name, image in images.items()}
        engine.process(replace(frame_set, sequence=n, **moved))

    images = {name: image for name in ("color", "depth", "infrared") if (image := frame_set.image(name))}
    benchmark(verdict)
