"""Qt without a screen, in the program's own style, and folders of the user's that are the test's."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("QT_API", "pyside6")  # pytest-qt and pyqtgraph would take whatever binding they find first
os.environ.setdefault("PYQTGRAPH_QT_LIB", "PySide6")

from app.kiosk import theme
from tests.app.conftest import lenient, strict

__all__ = ["lenient", "strict"]


@pytest.fixture(autouse=True)
def _themed(qapp: object) -> None:
    """Every test starts in the light theme."""
    theme.apply(qapp, "light")  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def _own_user_folders(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Settings of the tests and of the user are kept apart; models and kernels are shared on purpose."""
    home = tmp_path_factory.mktemp("user")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / "config"))
    for name in [name for name in os.environ if name.startswith("TRILUME_") and name != "TRILUME_REAL_DATA"]:
        monkeypatch.delenv(name)
    return home
