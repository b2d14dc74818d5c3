"""`trilume evaluate`: from recordings to a report, and what goes wrong on the way."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app import evaluate as evaluation
from app.__main__ import main
from app.judging import Judging, Switches
from drivers.frames import Image
from models.judged import decide_frame, decide_recording
from pipeline.bundle import load_bundle
from pipeline.result import Verdict
from tests.app.scene import cut, frame, frames, record
from tests.models.tiny_bundle import tiny_bundle

pytest.importorskip("scipy")
pytest.importorskip("matplotlib")

HEADER = "path,label,species,instrument,subject,split,origin,light\n"
LINES = (
    "live1.mcap,bona_fide,,,p1,test,simulated,dim\n",
    "live2.mcap,bona_fide,,,p2,test,simulated,day\n",
    "print.mcap,attack,flat_print,i1,p3,test,simulated,dim\n",
    "mask.mcap,attack,resin_mask,i2,p4,test,simulated,day\n",
)
Evaluate = Callable[..., int]


@pytest.fixture(scope="module")
def takes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Short sessions whose depth and infrared differ, so that scores do."""
    folder = tmp_path_factory.mktemp("takes")
    for n, name in enumerate(("live1", "live2", "print", "mask")):
        bright = np.full((240, 320), 60 + 50 * n, np.uint8)
        record(folder / f"{name}.mcap", [frame(k, infrared=Image(bright, k / 30)) for k in range(7)])
    (folder / "m.csv").write_text(HEADER + "".join(LINES))
    return folder


@pytest.fixture
def evaluate(_face_found: None, lenient: Path) -> Evaluate:
    def run(manifest: Path, out: Path, *more: object, bundle: Path = lenient) -> int:
        return main(["evaluate", str(manifest), "--out", str(out), "--bundle", str(bundle), *map(str, more)])

    return run


def scores(out: Path) -> dict[str, dict[str, str]]:
    with (out / "scores.csv").open() as file:
        return {row["path"]: row for row in csv.DictReader(file)}


def told(out: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((out / "report.json").read_text())
    return content


def manifest(takes: Path, *lines: str) -> Path:
    path = takes / f"m{abs(hash(lines))}.csv"
    path.write_text(HEADER + "".join(lines))
    return path


def test_a_report_from_recordings(
    evaluate: Evaluate, takes: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert evaluate(takes / "m.csv", out) == 0
    report = told(out)
    assert report["data"] == "simulated"
    assert (report["counts"]["bona_fide"], report["counts"]["attacks"]) == (2, 2)
    assert report["apcer_pooled"] == 1.0, "the lenient bundle lets everything pass"
    assert report["latency_ms"]["p50"] > 0
    assert {"light"} <= report["breakdowns"].keys()
    assert list(scores(out)) == ["live1.mcap", "live2.mcap", "print.mcap", "mask.mcap"]
    assert len({row["m_net"] for row in scores(out).values()}) > 1
    assert str(tmp_path) not in (out / "report.json").read_text()
    assert "simulated data" in capfd.readouterr().err


def test_labels_cannot_influence_scores(evaluate: Evaluate, takes: Path, tmp_path: Path) -> None:
    swapped = [
        line.split(",", 1)[0] + "," + other.split(",", 1)[1] for line, other in zip(LINES, LINES[::-1], strict=True)
    ]
    assert evaluate(takes / "m.csv", tmp_path / "a") == 0
    assert evaluate(manifest(takes, *swapped), tmp_path / "b") == 0
    one, other = scores(tmp_path / "a"), scores(tmp_path / "b")
    blind = ("d_net", "m_net", "attack_score", "verdict", "reason")
    assert {n: [r[k] for k in blind] for n, r in one.items()} == {n: [r[k] for k in blind] for n, r in other.items()}
    assert any(one[name]["label"] != other[name]["label"] for name in one)


@pytest.mark.usefixtures("_face_found")
def test_verdicts_from_scores_are_the_engines_own(takes: Path, tmp_path: Path) -> None:
    """Both nets run, the rule decides as before; and what scores give at the bundle's thresholds is the same."""
    paths = [takes / "live1.mcap", takes / "mask.mcap"]
    seen = set()
    for centre in (-1.0, 0.45, 1.2):
        where = tiny_bundle(tmp_path / f"b{centre}", centre=centre)
        bundle = load_bundle(where)
        thresholds, rule = bundle.description.thresholds, bundle.description.session
        for path in paths:
            plain = Judging(str(path), bundle, Switches())
            results = [result for _, result in plain]
            scored = evaluation.score_one(path, evaluation.Scoring(where, bundle.sha256, accept_sensor=False))
            assert [r.verdict for r in results] == [
                decide_frame(f, thresholds, foreign=False).verdict for f in scored.frames
            ]
            assert scored.verdict is plain.verdict
            assert decide_recording(scored, rule, thresholds).verdict is plain.verdict
            assert all(f.m_net is not None for f in scored.frames), "M-Net scores what D-Net rejects, too"
            seen.add(plain.verdict)
    assert {Verdict.LIVE, Verdict.ATTACK} <= seen


def test_a_damaged_recording_is_one_line_and_counts_as_undecided(
    evaluate: Evaluate, takes: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    cut(takes / "live1.mcap", takes / "cut.mcap")
    (takes / "junk.mcap").write_bytes(b"no session")
    broken = manifest(takes, *LINES, "cut.mcap,bona_fide,,,p5,test,simulated,\n", "junk.mcap,attack,x,,p6,test,real,\n")
    assert evaluate(broken, tmp_path / "out") == 3
    lines = [line for line in capfd.readouterr().err.splitlines() if line.startswith("trilume: ")]
    assert len(lines) == 2
    assert "cut.mcap" in lines[0]
    assert "counts as undecided" in lines[1]
    rows = scores(tmp_path / "out")
    assert [rows[name]["reason"] for name in ("cut.mcap", "junk.mcap")] == ["damaged", "damaged"]
    report = told(tmp_path / "out")
    assert set(report["damaged"]) == {"cut.mcap", "junk.mcap"}
    assert report["counts"]["bona_fide_rejected"] == 1
    assert report["per_species"]["x"]["undecided"] == 1
    assert report["data"] == "real + simulated"


def test_nothing_judged_is_bad_input(
    evaluate: Evaluate, takes: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (takes / "junk.mcap").write_bytes(b"no session")
    assert evaluate(manifest(takes, "junk.mcap,attack,x,,p,test,real,\n"), tmp_path / "out") == 2
    assert capfd.readouterr().err.startswith("trilume: none of the recordings of")
    assert not (tmp_path / "out" / "report.json").exists()


def test_a_report_that_exists_is_refused(
    evaluate: Evaluate, takes: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "report.html").write_text("precious")
    assert evaluate(takes / "m.csv", out) == 2
    assert (out / "report.html").read_text() == "precious"
    assert [p.name for p in out.iterdir()] == ["report.html"]
    assert "--force" in capfd.readouterr().err
    assert evaluate(takes / "m.csv", out, "--force") == 0
    assert (out / "report.html").read_text() != "precious"


@pytest.mark.parametrize(
    ("line", "said"),
    [("live1.mcap,bona_fide,,,p1,train,real,\n", "no recording is in split test"), ("", "lists no recordings")],
)
def test_a_manifest_without_a_test_split(
    evaluate: Evaluate, takes: Path, tmp_path: Path, line: str, said: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert evaluate(manifest(takes, line), tmp_path / "out") == 2
    assert said in capfd.readouterr().err
    assert not (tmp_path / "out").exists()


def test_thresholds_from_dev_need_both_classes_there(
    evaluate: Evaluate, takes: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    only_live = manifest(takes, *LINES[1:], "live1.mcap,bona_fide,,,p1,dev,simulated,dim\n")
    assert evaluate(only_live, tmp_path / "out", "--threshold-split", "dev") == 2
    assert "split dev needs bona fide and attacks" in capfd.readouterr().err
    assert evaluate(only_live, tmp_path / "out") == 0
    assert set(told(tmp_path / "out")["at"]) == {"bundle", "0.5"}
    assert "live1.mcap" not in scores(tmp_path / "out"), "figures and scores are of the test split"


def test_a_stopped_run_goes_on_where_it_was(
    evaluate: Evaluate, takes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    score_one, judged = evaluation.score_one, []

    def stopped(path: Path, scoring: evaluation.Scoring) -> Any:
        if len(judged) == 2:
            raise KeyboardInterrupt
        judged.append(path.name)
        return score_one(path, scoring)

    monkeypatch.setattr(evaluation, "score_one", stopped)
    assert evaluate(takes / "m.csv", tmp_path / "out") == 130
    assert not (tmp_path / "out" / "report.json").exists()

    monkeypatch.setattr(evaluation, "score_one", lambda path, s: judged.append(path.name) or score_one(path, s))
    assert evaluate(takes / "m.csv", tmp_path / "out") == 0
    assert judged == ["live1.mcap", "live2.mcap", "print.mcap", "mask.mcap"], "each was judged once"
    monkeypatch.setattr(evaluation, "score_one", score_one)
    assert evaluate(takes / "m.csv", tmp_path / "whole") == 0
    assert (tmp_path / "out" / "scores.csv").read_bytes() == (tmp_path / "whole" / "scores.csv").read_bytes()


def test_kept_scores_are_of_this_recording_and_this_bundle(
    evaluate: Evaluate, takes: Path, tmp_path: Path, strict: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A part half written, another bundle, a recording that has changed: judged anew."""
    out, path = tmp_path / "out", tmp_path / "a.mcap"
    record(path, frames(7))
    listed = tmp_path / "m.csv"
    listed.write_text(HEADER + "a.mcap,attack,x,,p,test,simulated,\n")
    assert evaluate(listed, out) == 0
    assert scores(out)["a.mcap"]["verdict"] == "live"
    for name in ("report.json", "report.html", "scores.csv", "frames.csv", "roc.png", "det.png", "scores.png"):
        (out / name).unlink()
    (out / "thresholds.png").unlink()
    for part in (out / "parts").iterdir():
        part.write_text(part.read_text()[:50])
    path.unlink()
    record(path, frames(9))
    assert evaluate(listed, out, bundle=strict) == 0
    assert scores(out)["a.mcap"]["verdict"] == "attack"
    assert len((out / "frames.csv").read_text().splitlines()) == 1 + 9


def test_several_processes(takes: Path, tmp_path: Path, lenient: Path) -> None:
    """Processes start afresh, without a stand-in for the face finder: nobody is found in a drawing."""
    listed = manifest(takes, *LINES[:2])
    common = ["evaluate", str(listed), "--bundle", str(lenient)]
    assert main([*common, "--out", str(tmp_path / "two"), "--jobs", "2"]) == 0
    rows = scores(tmp_path / "two")
    assert list(rows) == ["live1.mcap", "live2.mcap"]
    assert {row["verdict"] for row in rows.values()} == {"undecided"}


def test_a_foreign_sensor_is_judged_only_when_accepted(evaluate: Evaluate, takes: Path, tmp_path: Path) -> None:
    from drivers.source import CameraInfo

    record(takes / "other.mcap", frames(7), CameraInfo(name="Other", sensor="other", origin="simulated"))
    listed = manifest(takes, "other.mcap,bona_fide,,,p,test,simulated,\n")
    assert evaluate(listed, tmp_path / "plain") == 0
    assert evaluate(listed, tmp_path / "accepted", "--accept-sensor") == 0
    verdicts = [scores(tmp_path / name)["other.mcap"]["verdict"] for name in ("plain", "accepted")]
    assert verdicts == ["undecided", "live"]
    assert any("not made for" in note for note in told(tmp_path / "plain")["notes"])
