"""A synthetic RealSense camera, and what the SDK recorded of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.sdk.synthetic_realsense import SyntheticD435


@pytest.fixture
def camera() -> SyntheticD435:
    return SyntheticD435(pytest.importorskip("pyrealsense2", exc_type=ImportError))


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("realsense") / "capture.db3"
    SyntheticD435(pytest.importorskip("pyrealsense2", exc_type=ImportError)).record(path, 60)
    return path
