"""Tests of nets need the extra `train`; without it they are left out. One thread: the nets are tiny."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.models.synthetic import synthetic_store

collect_ignore: list[str] = []
if find_spec("scipy") is None:
    collect_ignore += ["test_metrics.py", "test_handmade.py", "test_operating_point.py"]
if find_spec("torch") is None or find_spec("scipy") is None:
    collect_ignore += [
        "test_networks.py",
        "test_augmentation.py",
        "test_training.py",
        "test_bundling.py",
        "test_experiments.py",
        "test_quantising.py",
    ]
else:
    import torch

    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def faces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of synthetic faces: 12 of each species and split."""
    return synthetic_store(tmp_path_factory.mktemp("faces"))
