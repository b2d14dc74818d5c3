"""Fixtures that every part of the tests may use."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest


@pytest.fixture(autouse=True, scope="session")
def _own_folders(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Logs of the tests stay out of the user's folders; models and compiled kernels are shared on purpose."""
    os.environ["XDG_STATE_HOME"] = str(tmp_path_factory.mktemp("state"))


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Folder of the real captures; the test is skipped where they are absent."""
    folder = os.environ.get("TRILUME_REAL_DATA", "")
    if not folder or not Path(folder).is_dir():
        pytest.skip("TRILUME_REAL_DATA names no folder of real captures")
    return Path(folder)


@pytest.fixture(autouse=True, scope="session")
def interruptible() -> None:
    """A suite started in the background inherits Ctrl-C as ignored, and tests that send it would wait for ever."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
