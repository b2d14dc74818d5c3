"""The shipped bundle answers today what it answered when the golden file was written."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pipeline.bundle import load_bundle, shipped_path
from tests.golden.replays import FILE, TOLERANCE, URIS, replayed

pytestmark = pytest.mark.skipif(
    not FILE.exists() or not shipped_path().is_dir(), reason="no shipped bundle, or no golden file for it yet"
)
AGAIN = "if that is meant: python -P -m tests.golden.replays"


@pytest.fixture(scope="module")
def golden() -> Any:
    record = json.loads(FILE.read_text(encoding="utf-8"))
    assert record["bundle_sha256"] == load_bundle().sha256, f"the shipped bundle has changed; {AGAIN}"
    assert tuple(record["replays"]) == URIS
    return record["replays"]


@pytest.mark.parametrize("uri", URIS)
def test_verdicts_are_the_same_and_scores_all_but_the_same(golden: Any, uri: str) -> None:
    now, then = replayed(uri, load_bundle()), golden[uri]
    assert now["verdict"] == then["verdict"], AGAIN
    assert [frame[:2] for frame in now["frames"]] == [frame[:2] for frame in then["frames"]], AGAIN
    for got, wanted in zip(now["frames"], then["frames"], strict=True):
        assert got[2:] == pytest.approx(wanted[2:], abs=TOLERANCE), AGAIN
