"""Bundles whose scores are known, a face finder that always answers, and small sessions."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from app.__main__ import main
from pipeline import engine
from tests.app.scene import FACE, frames, record
from tests.models.tiny_bundle import tiny_bundle

Run = Callable[..., int]


@pytest.fixture(scope="session")
def lenient(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both nets answer about 0.02 whatever they see."""
    return tiny_bundle(tmp_path_factory.mktemp("bundles") / "lenient", centre=1.2)


@pytest.fixture(scope="session")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both nets answer nearly 1."""
    return tiny_bundle(tmp_path_factory.mktemp("bundles") / "strict", centre=-1.0)


@pytest.fixture(scope="session")
def session(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve frame sets of a drawn face."""
    return record(tmp_path_factory.mktemp("sessions") / "drawn.mcap", frames(12), subject="s1", species="bona_fide")


@pytest.fixture
def _face_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """The finder's place is taken by the drawn face's known landmarks."""
    monkeypatch.setattr(engine, "FaceFinder", lambda *_: None)
    monkeypatch.setattr(engine.Engine, "_find", lambda *_: [FACE])


@pytest.fixture
def replay(_face_found: None, lenient: Path) -> Run:
    """`trilume --replay …` in this process, with the lenient bundle unless another is named."""

    def run(*arguments: object, bundle: Path = lenient) -> int:
        return main(["--replay", *map(str, arguments), "--bundle", str(bundle)])

    return run
