"""The simulated set: splits apart, people and attacks judged as a running program judges them, runs that go on."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from drivers.errors import SdkMissing
from drivers.simulated.assets import template
from models.datasets import simulated
from models.datasets.faces import Faces
from models.datasets.simulated import FLAT, FRAMES, LIVE, MASKS, jobs, render, report
from pipeline.face_models import read_nets

try:
    template()
    read_nets()
except SdkMissing as missing:
    pytest.skip(str(missing), allow_module_level=True)


def test_no_seed_stands_in_two_splits_or_species() -> None:
    planned = list(jobs(1.0))
    assert len({job.seed for job in planned}) == len(planned)
    assert {job.species for job in planned} == {LIVE, *FLAT, *MASKS}
    per_split = Counter((job.split, job.species) for job in planned)
    assert per_split["train", LIVE] == simulated.SCENES["train"][LIVE]
    assert all(not 9000 <= job.seed < 10000 for job in planned), "these seeds are the demo's and the golden replays'"


def test_a_part_of_a_run_is_a_small_set_and_not_a_lopsided_one() -> None:
    whole = list(jobs(1.0))
    part = Counter(job.species for job in whole[: len(whole) // 8])
    assert part[LIVE] == pytest.approx(len([j for j in whole if j.species == LIVE]) / 8, rel=0.2)


def test_faces_are_rendered_judged_and_kept_and_a_second_run_adds_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        simulated, "SCENES", {"train": {LIVE: 1, "flat_print": 1}, "dev": {}, "test": {"resin_mask": 1}}
    )
    seen = render(tmp_path, 1.0, 0, 1)
    assert sum(seen.values()) == 3 * FRAMES
    assert seen[LIVE, "judged"] == FRAMES
    faces = Faces.load(tmp_path)
    assert len(faces) == sum(n for (_, outcome), n in seen.items() if outcome == "judged")
    live = faces.where(lambda sample: not sample.attack)
    assert {s.subject for s in live.samples}.isdisjoint(s.subject for s in faces.samples if s.attack)
    assert not render(tmp_path, 1.0, 0, 1)
    assert "judged" in report(seen)
