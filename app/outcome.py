"""What became of one recording."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from app.errors import Exit
from pipeline.sinks import Summary


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """One recording after its run. `summary` is None where nothing was judged; `message` is what went wrong."""

    source: str
    code: Exit
    message: str | None = None
    summary: Summary | None = None
    report: dict[str, Any] = field(default_factory=dict)
