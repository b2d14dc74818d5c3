"""What the shipped bundle answers on simulated recordings, and how to write it down anew:

    python -P -m tests.golden.replays

To be run after the bundle, the preprocessing or the simulated camera was changed on purpose; the difference in
`replays.json` is then part of the change.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from app.judging import Judging, Switches
from drivers.simulated.species import SPECIES
from pipeline.bundle import Bundle, load_bundle
from pipeline.result import Result

FILE = Path(__file__).with_name("replays.json")
URIS = tuple(f"sim://{species}?seed=9001&seconds=0.8&fps=10" for species in SPECIES)
TOLERANCE = 0.02  # of scores between kinds of processor: 0.008 measured; on one they are the same bytes


def replayed(uri: str, bundle: Bundle) -> dict[str, Any]:
    """Verdict of a recording and what was said of each of its frames."""
    judging = Judging(uri, bundle, Switches())
    frames = [_frame(result) for _, result in judging]
    return {"verdict": judging.verdict.value, "frames": frames}


def _frame(result: Result) -> list[Any]:
    scores = (result.d_net, result.m_net)
    reason = result.reason.value if result.reason else None
    return [result.verdict.value, reason, *(None if score is None else round(score, 6) for score in scores)]


def main() -> None:
    """Writes the golden file."""
    bundle = load_bundle()
    record = {"bundle_sha256": bundle.sha256, "replays": {uri: replayed(uri, bundle) for uri in URIS}}
    FILE.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    print(f"{FILE}: {len(URIS)} simulated replays")


if __name__ == "__main__":
    main()
