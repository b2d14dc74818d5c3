"""What a checkpoint must agree in with the run that wants to go on from it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from models.errors import TrainingError


def check_resumed(
    path: Path, saved: Mapping[str, Any], recipe: Mapping[str, Any], origin: Mapping[str, str]
) -> None:  # fmt: skip
    """Raises TrainingError where the checkpoint `saved` in `path` is of another recipe, or of another `origin`: the
    digests of what a run comes from. With other faces it would have learnt from people whom its figures call unseen.
    """
    if saved["recipe"] != recipe:
        why = "is of another recipe"
    elif "origin" not in saved:
        why = "does not say of which faces"
    elif saved["origin"] != origin:
        why = "is of other faces or another net to start from"
    else:
        return
    raise TrainingError(f"{path} {why}: give another --out or remove it")
