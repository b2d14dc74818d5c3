"""Packages of the extra `train`, asked for before minutes of work and not after."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from typing import Final

from models.errors import DatasetError

REPORTING: Final = {"scipy": "scipy", "matplotlib": "matplotlib"}
TRAINING: Final = {
    "torch": "torch", **REPORTING, "sklearn": "scikit-learn", "lightning_fabric": "lightning-fabric",
}  # fmt: skip
"""Modules, and what their distributions are called."""


def require_train_extra(packages: Mapping[str, str] = REPORTING, why: str = "reports need them") -> None:
    """Raises DatasetError where one of `packages` is missing; `why` says what needs it."""
    missing = [name for module, name in packages.items() if find_spec(module) is None]
    if missing:
        raise DatasetError(f"{' and '.join(missing)} missing: {why}: pip install 'trilume[train]'")
