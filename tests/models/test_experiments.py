"""Experiments: every row of every table from a small store, finished rows are kept, a killed run goes on."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest

from models import experiments
from models.datasets.faces import Faces, FaceWriter
from models.errors import TrainingError
from models.experiments import Job, Settings, main, read_results, run
from models.protocol import TABLES, Row, protocol
from models.tables import Result, measure, write_tables
from pipeline.parameters import Preprocessing
from tests.models.synthetic import synthetic_face, synthetic_sample


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two sensors, one held-out species of each stage."""
    directory = tmp_path_factory.mktemp("store")
    rng = np.random.default_rng(0)
    looks = {"live": "live", "screen_replay": "flat_print", "flat_print": "flat_print"}
    looks |= {"silicone_mask": "resin_mask", "resin_mask": "resin_mask"}
    with FaceWriter(directory, Preprocessing(), shard_faces=64) as writer:
        for split in ("train", "dev", "test"):
            for species, look in looks.items():
                for number in range(6):
                    sample = synthetic_sample(species, split, number, sensor=f"sim-{'ab'[number % 2]}")
                    skin = 0 if sample.attack else 1 + number // 3
                    sample = replace(sample, flat=look == "flat_print", skin_type=skin)
                    writer.add(sample, synthetic_face(look, rng))
    return directory


def _settings(store: Path) -> Settings:
    stores = {"faces": str(store), "far": str(store)}
    return Settings(stores, minutes_m=0.02, config="tiny", steps_d=2, steps_m=2, rounds=1, tuning_faces=24)


def test_the_protocol_has_what_the_store_allows(store: Path) -> None:
    samples = Faces.load(store).samples
    plan = protocol(samples, ["faces", "far"])
    assert {row.table for row in plan.rows} == set(TABLES)
    names = {training.name for training in plan.trainings}
    assert all(set(row.nets) <= names for row in plan.rows)
    assert {"d-without-screen_replay", "m-without-silicone_mask", "m-but-sim-a", "m-raw-but-sim-b"} <= names
    assert not any("latex" in name or "folded" in name for name in names)
    assert len({row.key for row in plan.rows}) == len(plan.rows)
    assert {row.table for row in protocol(samples, only=["table3"]).rows} == {"table3"}
    with pytest.raises(TrainingError, match="table9"):
        protocol(samples, only=["table9"])


def test_a_row_examines_its_own_faces(store: Path) -> None:
    samples = Faces.load(store, split="test").samples
    row = Row("species", "title", ("m",), "m_net", species="silicone_mask", sensor="sim-a")
    assert {(s.species, s.sensor) for s in samples if row.examines(s)} == {("", "sim-a"), ("silicone_mask", "sim-a")}
    everything = replace(row, species="", sensor="", everything=True)
    assert all(everything.examines(s) for s in samples)


def test_all_tables_from_a_run_that_was_killed(store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The process dies in the third net; started again, it does what is missing and nothing twice."""
    started: list[str] = []
    real = experiments.run_job

    def dying(job: Job) -> list[Result]:
        if len(started) == 2:
            raise KeyboardInterrupt
        started.append(job.trainings[0].name)
        return real(job)

    settings, only = _settings(store), ["table3", "cascade", "skin"]
    monkeypatch.setattr(experiments, "run_job", dying)
    with pytest.raises(KeyboardInterrupt):
        run(settings, tmp_path, [0], 1, only)
    first = read_results(tmp_path / "results.jsonl")
    assert [r.title for r in first] == ["f1", "f2f3"]
    with (tmp_path / "results.jsonl").open("a") as file:
        file.write('{"row": "table3/f1f3", "se')  # cut short
    monkeypatch.setattr(experiments, "run_job", real)
    tables = run(settings, tmp_path, [0], 1, only).read_text()
    results = read_results(tmp_path / "results.jsonl")
    plan = protocol(Faces.load(store).samples, sorted(settings.stores), only)
    assert results[:2] == first
    assert sorted(r.row for r in results) == sorted(row.key for row in plan.rows)
    counts = {(r.table, r.live, r.attacks) for r in results}
    assert counts == {("table3", 6, 12), ("cascade", 6, 24), ("skin", 3, 0)}
    assert tables.count("(simulated)") == 3
    assert "| f1f2f3 | 0 | 0.5 % |" in tables

    monkeypatch.setattr(experiments, "run_job", lambda _: pytest.fail("a finished row was run again"))
    run(settings, tmp_path, [0], 1, only)
    with pytest.raises(TrainingError, match=r"settings\.json"):
        run(replace(settings, steps_d=3), tmp_path, [0], 1, only)


@pytest.mark.slow
def test_the_same_results_from_two_processes(store: Path, tmp_path: Path) -> None:
    common = ["--faces", str(store), "--config", "tiny", "--steps-d", "2", "--only", "table3", "--seeds", "0", "1"]
    assert main([*common, "--out", str(tmp_path / "one")]) == 0
    assert main([*common, "--out", str(tmp_path / "two"), "--jobs", "2"]) == 0
    one, two = (
        sorted((tmp_path / name / "results.jsonl").read_text().splitlines()) for name in ("one", "two")
    )  # fmt: skip
    assert one == two
    assert len(one) == 8


def test_a_held_out_species_has_no_say_in_the_threshold(store: Path, tmp_path: Path) -> None:
    """Scores are set by hand: the held-out species on dev would move the threshold, and does not."""
    settings = _settings(store)
    plan = protocol(Faces.load(store).samples, ["faces"], ["species"])
    row = next(r for r in plan.rows if r.nets == ("m-without-silicone_mask",))
    training = next(t for t in plan.trainings if t.name == row.nets[0])
    scorer = experiments._Scorer(Job((training,), (row,), 0, settings, tmp_path))
    dev, _ = _scored_by_species(scorer, store, row)
    assert "silicone_mask" not in dev.species
    result = scorer.result(row)
    assert (result.live, result.attacks) == (6, 6)
    assert (result.at_dev["rejected"], result.at_dev["accepted"]) == (0, 6)  # all pass: above live, below the rest
    assert result.auc == 1.0


def _scored_by_species(scorer: experiments._Scorer, store: Path, row: Row) -> tuple[Faces, object]:
    level = {"": 0.1, "silicone_mask": 0.2, "resin_mask": 0.9, "flat_print": 0.9, "screen_replay": 0.9}
    for split in ("dev", "test"):
        faces = Faces.load(store, split=split)
        scores = np.array([level[s.species] for s in faces.samples])
        scorer._scores[row.nets[0], row.positions, "faces", split] = faces, scores
    return scorer._of_row(row, "faces", "dev")


def test_a_result_counts_and_survives_json(store: Path, tmp_path: Path) -> None:
    faces = Faces.load(store, split="test", where=lambda s: not s.flat)
    row = Row("table4", "rgb", ("m-rgb",), "m_net", "0.4966 %")
    scores = faces.attacks * 0.8 + 0.1
    accepted = ~faces.attacks | (faces.species == "resin_mask")
    result = measure(row, 3, faces, scores, accepted, ~faces.attacks)
    assert result.auc == 1.0
    assert result.acer(result.at_dev) == pytest.approx((0 / 6 + 6 / 12) / 2)
    assert result.acer(result.at_half) == 0
    assert (result.at_dev["worst"], result.at_dev["worst_accepted"]) == ("resin_mask", 6)
    assert Result(**json.loads(json.dumps(asdict(result)))) == result
    write_tables(tmp_path / "tables.md", [result])
    assert "50.00 % (6/12, 95 % 21.09–78.91)" in (tmp_path / "tables.md").read_text()
