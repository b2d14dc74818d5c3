"""Verdicts from scores, labels joined afterwards, and figures against tables worked by hand."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.simulated.species import FLAT, SPECIES
from models import metrics
from models.datasets.faces import Faces
from models.errors import DatasetError
from models.evaluation import main, score_faces, truths_of, truths_of_faces
from models.figures import figures
from models.judged import (
    DAMAGED,
    Decision,
    Frame,
    Recording,
    Truth,
    decide_frame,
    decide_recording,
    is_flat,
    table,
)
from models.manifest import Entry
from models.operating_point import CascadeScores, session_verdicts
from models.report import Wish, make_report, thresholds_on_dev
from pipeline.bundle import Bundle, load_bundle
from pipeline.parameters import SessionRule, Thresholds
from pipeline.result import Verdict
from tests.models.tiny_bundle import tiny_bundle

pytest.importorskip("scipy")
pytest.importorskip("matplotlib")

RULE = SessionRule()
HALF = Thresholds()
unit = st.floats(0, 1)


def frame(d: float | None = 0.1, m: float | None = 0.1, number: int = 0, **changes: object) -> Frame:
    return replace(Frame(number, number / 10, d, m), **changes)


def recording(name: str = "r", *frames: Frame, **changes: object) -> Recording:
    return replace(Recording(name, "sim-astra", "simulated", False, frames), **changes)


def stream(name: str, d: float, m: float, count: int = 10, **changes: object) -> Recording:
    return recording(name, *(frame(d, m, n) for n in range(count)), **changes)


def truth(name: str, species: str = "", split: str = "test", **groups: str) -> Truth:
    return Truth(name, bool(species), species, is_flat(species), split, "simulated", tuple(groups.items()))


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return load_bundle(tiny_bundle(tmp_path_factory.mktemp("bundle") / "tiny"))


def test_names_tell_two_dimensional_species() -> None:
    assert {species for species in SPECIES if is_flat(species)} == FLAT


@pytest.mark.parametrize(
    ("seen", "foreign", "expected"),
    [
        (frame(0.6, 0.1), False, Decision(Verdict.ATTACK)),
        (frame(0.1, 0.6), False, Decision(Verdict.ATTACK)),
        (frame(0.1, 0.1), False, Decision(Verdict.LIVE)),
        (frame(0.1, 0.1), True, Decision(Verdict.UNDECIDED, "other_sensor")),
        (frame(0.1, None, reason="infrared_dark"), False, Decision(Verdict.UNDECIDED, "infrared_dark")),
        (frame(0.1, None), False, Decision(Verdict.UNDECIDED, "no_infrared")),
        (frame(0.6, None), False, Decision(Verdict.ATTACK)),
        (frame(None, None, reason="no_face"), False, Decision(Verdict.UNDECIDED, "no_face")),
    ],
)
def test_verdict_of_a_frame(seen: Frame, foreign: bool, expected: Decision) -> None:
    assert decide_frame(seen, HALF, foreign=foreign) == expected


@given(st.lists(st.tuples(st.none() | unit, st.none() | unit), max_size=12), unit, unit, st.booleans())
def test_nobody_is_live_without_low_scores_of_both_nets(
    scores: list[tuple[float | None, float | None]], t_d: float, t_m: float, foreign: bool
) -> None:
    """Fail closed, frame and session, whatever the scores and thresholds."""
    thresholds = Thresholds(d_net=t_d, m_net=t_m)
    frames = tuple(frame(d, m, n) for n, (d, m) in enumerate(scores))
    for seen in frames:
        if decide_frame(seen, thresholds, foreign=foreign).verdict is Verdict.LIVE:
            assert seen.d_net is not None
            assert seen.m_net is not None
            assert seen.d_net < t_d
            assert seen.m_net < t_m
            assert not foreign
    for engine_verdict in (None, Verdict.UNDECIDED):
        whole = recording("r", *frames, foreign=foreign, verdict=engine_verdict)
        if decide_recording(whole, RULE, thresholds).verdict is Verdict.LIVE:
            assert not foreign
            assert any(d is not None and m is not None for d, m in scores)
        assert decide_recording(replace(whole, problem="cut"), RULE, thresholds) == Decision(Verdict.UNDECIDED, DAMAGED)


def test_verdict_of_a_recording() -> None:
    assert decide_recording(stream("r", 0.01, 0.01), RULE, HALF) == Decision(Verdict.LIVE)
    assert decide_recording(stream("r", 0.01, 0.99), RULE, HALF) == Decision(Verdict.ATTACK)
    assert decide_recording(stream("r", 0.99, 0.01), RULE, HALF) == Decision(Verdict.ATTACK)
    assert decide_recording(stream("r", 0.01, 0.01, foreign=True), RULE, HALF).reason == "other_sensor"
    assert decide_recording(stream("r", 0.01, 0.01, count=4, verdict=Verdict.LIVE), RULE, HALF).reason == "collecting"


def test_few_stored_moments_are_judged_by_their_mean() -> None:
    """Three frames can never satisfy the sequential test, so their mean speaks for the whole visit."""
    assert decide_recording(stream("r", 0.01, 0.01, count=3), RULE, HALF) == Decision(Verdict.LIVE)
    assert decide_recording(stream("r", 0.01, 0.99, count=3), RULE, HALF) == Decision(Verdict.ATTACK)
    assert decide_recording(stream("r", 0.01, 0.5, count=3), RULE, HALF) == Decision(Verdict.UNDECIDED, "not_sure")
    assert decide_recording(recording("r"), RULE, HALF) == Decision(Verdict.UNDECIDED, "no_face")


def test_many_stored_moments_of_unknown_times_are_judged_by_their_mean() -> None:
    stored = stream("r", 0.01, 0.01, count=20)
    stored = replace(
        stored, frames=tuple(replace(frame, time_s=None, number=5 * frame.number) for frame in stored.frames)
    )
    assert decide_recording(stored, RULE, HALF) == Decision(Verdict.LIVE)


def test_sessions_of_a_store_are_judged_as_in_its_model_card(faces: Path, bundle: Bundle) -> None:
    stored = Faces.load(faces, split="test")
    scored = score_faces(bundle, stored)
    frames = {(r.name, f.number): f for r in scored for f in r.frames}
    aligned = [frames[s.recording, s.frame] for s in stored.samples]
    both = CascadeScores(np.array([f.d_net for f in aligned]), np.array([f.m_net for f in aligned]), stored)
    for d, m in ((0.5, 0.5), (0.9, 0.4), (0.99, 0.9)):
        thresholds = Thresholds(d_net=d, m_net=m)
        expected = {name: verdict for name, (verdict, _) in session_verdicts(both, thresholds, RULE).items()}
        assert {r.name: decide_recording(r, RULE, thresholds).verdict.value for r in scored} == expected


def golden() -> tuple[list[Recording], list[Truth]]:
    """Four bona fide (one rejected, one undecided) and six attacks (one mask of two accepted, one undecided)."""
    scores = {"l1": (0.1, 0.1), "l2": (0.1, 0.2), "l3": (0.1, 0.9), "l4": (None, None)}
    scores |= {"p1": (0.9, 0.9), "p2": (0.8, 0.1), "p3": (0.95, None), "p4": (None, None)}
    scores |= {"m1": (0.1, 0.3), "m2": (0.1, 0.8)}
    recordings = [recording(n, frame(*both, reason="no_face", distance_m=0.5)) for n, both in scores.items()]
    species = {"l": "", "p": "flat_print", "m": "resin_mask"}
    return recordings, [truth(n, species[n[0]], light="dim" if n[1] == "1" else "day") for n in scores]


def test_figures_by_hand() -> None:
    recordings, truths = golden()
    found = figures(table(recordings, truths, RULE, HALF, "frame"))
    assert found["counts"]["bona_fide"] == 4
    assert found["counts"]["attacks"] == 6
    assert (found["bpcer"], found["counts"]["bona_fide_rejected"]) == (0.5, 2), "undecided bona fide is rejected"
    assert (found["apcer"], found["worst_species"]) == (0.5, "resin_mask")
    assert found["apcer_pooled"] == pytest.approx(1 / 6, abs=1e-6)
    assert found["acer"] == pytest.approx((1 / 6 + 1 / 2) / 2, abs=1e-6)
    assert found["undecided"] == {"bona_fide": 0.25, "attack": pytest.approx(1 / 6, abs=1e-6)}
    assert found["undecided_reasons"]["attack"] == {"no_face": 1}
    prints = found["per_species"]["flat_print"]
    assert (prints["n"], prints["accepted"], prints["undecided"], prints["flat"]) == (4, 0, 1, True)
    assert prints["ci95"] == [0.0, pytest.approx(metrics.rate(0, 4).high, abs=1e-6)]
    assert found["counts"]["scored"] == 8
    assert found["tpr_at_fpr"]["1e-3"]["resolvable"] is False
    assert list(found["breakdowns"]) == ["light"], "only what differs is broken down"
    assert found["breakdowns"]["light"]["dim"]["bpcer"]["n"] == 1


def test_auc_of_the_cascade_by_hand() -> None:
    """Scored: live 0.1, 0.2, 0.9; attacks 0.9 (D), 0.8 (D), 0.95 (D), 0.3 and 0.8 (M): pairs 15, three lost."""
    recordings, truths = golden()
    found = figures(table(recordings, truths, RULE, HALF, "frame"))
    # live 0.9 beats 0.8, 0.3, 0.8 and ties with 0.9
    assert found["auc"]["cascade"] == pytest.approx(1 - (3 + 0.5) / 15, abs=1e-6)


def test_figures_of_one_class_are_null_and_not_invented() -> None:
    recordings, truths = golden()
    live = [r for r in recordings if r.name.startswith("l")]
    found = figures(table(live, truths, RULE, HALF, "frame"))
    assert (found["apcer"], found["acer"], found["worst_species"], found["eer"]) == (None, None, None, None)
    assert found["auc"]["cascade"] is None
    assert found["bpcer"] == 0.5
    json.dumps(found, allow_nan=False)


def test_scores_without_a_label_are_refused() -> None:
    recordings, truths = golden()
    with pytest.raises(DatasetError, match="p4: has scores but no label"):
        table(recordings, [t for t in truths if t.name != "p4"], RULE, HALF, "frame")


def test_labels_cannot_touch_scores() -> None:
    recordings, truths = golden()
    swapped = [replace(t, name=other.name) for t, other in zip(truths, reversed(truths), strict=True)]
    one, other = (table(recordings, told, RULE, HALF, "recording") for told in (truths, swapped))
    for column in ("d_net", "m_net", "s", "verdicts", "reasons", "names"):
        np.testing.assert_array_equal(getattr(one, column), getattr(other, column))
    assert (one.attacks != other.attacks).any()


def many(split: str, rng: np.random.Generator, level: float) -> tuple[list[Recording], list[Truth]]:
    """Bona fide M-Net scores below `level`, masks above it; prints are D-Net's."""
    recordings, truths = [], []
    for n in range(12):
        for species, d, m in (("", 0.1, level - 0.1), ("resin_mask", 0.1, level + 0.1), ("flat_print", 0.9, 0.5)):
            name = f"{split}-{species}-{n}"
            jitter = 0.04 * rng.uniform(-1, 1)
            recordings.append(stream(name, d + jitter, m + jitter))
            truths.append(truth(name, species, split))
    return recordings, truths


def test_thresholds_fixed_on_dev_never_see_test(bundle: Bundle) -> None:
    rng = np.random.default_rng(0)
    dev, dev_truths = many("dev", rng, 0.3)
    test, test_truths = many("test", rng, 0.3)
    elsewhere, elsewhere_truths = many("test", rng, 0.7)
    reports = [
        make_report(bundle, [*dev, *told], [*dev_truths, *truths], Wish("dev"))
        for told, truths in ((test, test_truths), (elsewhere, elsewhere_truths))
    ]
    assert [c.key for c in reports[0].columns] == ["bundle", "dev", "0.5"]
    assert reports[0].head.thresholds == reports[1].head.thresholds
    assert 0.2 < reports[0].head.thresholds.m_net < 0.4
    figures_of = {c.key: c.figures["frame"] for c in reports[0].columns}
    assert (figures_of["dev"]["acer"], figures_of["0.5"]["apcer"]) == (0.0, 1.0)


def test_dev_without_attacks_fixes_nothing(bundle: Bundle) -> None:
    rng = np.random.default_rng(0)
    dev, dev_truths = many("dev", rng, 0.3)
    live = [r for r in dev if r.name.startswith("dev--")]
    test, test_truths = many("test", rng, 0.3)
    assert thresholds_on_dev(bundle, live, dev_truths, 0.05) is None
    report = make_report(bundle, [*live, *test], [*dev_truths, *test_truths], Wish())
    assert [c.key for c in report.columns] == ["bundle", "0.5"]
    with pytest.raises(DatasetError, match="cannot be fixed on dev"):
        make_report(bundle, [*live, *test], [*dev_truths, *test_truths], Wish("dev"))
    with pytest.raises(DatasetError, match="nothing is in split test"):
        make_report(bundle, dev, dev_truths, Wish())


def test_a_simulated_recording_cannot_pass_as_real() -> None:
    entries = [Entry(Path(n), "bona_fide", "", "", n, "test", "real") for n in "ab"]
    said = [recording("a"), recording("b", origin="unknown")]
    assert [t.origin for t in truths_of(entries, said)] == ["simulated", "real"]


def test_a_store_of_faces_is_scored_and_reported(faces: Path, tmp_path: Path) -> None:
    arguments = ["--faces", str(faces), "--bundle", str(tiny_bundle(tmp_path / "b")), "--out", str(tmp_path / "out")]
    assert main(arguments) == 0
    told = json.loads((tmp_path / "out" / "report.json").read_text())
    assert told["at"]["bundle"]["frame"]["counts"]["bona_fide"] == 12
    assert told["at"]["bundle"]["recording"]["counts"]["attacks"] == 6
    assert "dev" in told["at"]
    assert any("fewer than 5 frames" in note for note in told["notes"])
    before = (tmp_path / "out" / "report.json").read_bytes()
    assert main(arguments) == 2, "a report is not overwritten"
    assert (tmp_path / "out" / "report.json").read_bytes() == before
    assert main([*arguments, "--force"]) == 0
    assert (tmp_path / "out" / "report.json").read_bytes() == before, "the same faces, the same report"


def test_scores_of_faces_are_the_nets_own(faces: Path, bundle: Bundle) -> None:
    from pipeline.nets import Nets

    stored = Faces.load(faces, split="test", species=["resin_mask"])
    scored = score_faces(bundle, stored)
    i = next(n for n, s in enumerate(stored.samples) if s.recording == scored[1].name and s.frame == 2)
    nets = Nets(bundle, 1)
    seen = scored[1].frames[2]
    assert seen.d_net == pytest.approx(nets.depth(stored.gather("depth_maps", [i])[0]), abs=1e-6)
    assert seen.m_net is not None
    assert math.isclose(seen.m_net, nets.reflectance(stored.planes([i])[0])[0], abs_tol=1e-6)
    assert {t.name for t in truths_of_faces(stored)} == {r.name for r in scored}
