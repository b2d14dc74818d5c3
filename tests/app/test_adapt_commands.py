"""`calibrate threshold`, `calibrate radiometric`, `counterfactual` and `finetune` as a user calls them."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
import pytest

from app.__main__ import main
from app.errors import Exit
from calibration.radiometric import REFERENCE_RESPONSE
from calibration.rig import Rig
from drivers.frames import FrameSet, Image
from drivers.open import open_source
from drivers.source import frames_of
from models.export import write_bundle
from models.manifest import read_manifest
from pipeline.bundle import load_bundle
from pipeline.parameters import Thresholds
from tests.app.scene import LENS, RIG, cut, frames, record
from tests.models.tiny_bundle import tiny_description, tiny_nets

pytest.importorskip("scipy")


@pytest.mark.usefixtures("_face_found")
def test_thresholds_for_a_site(tmp_path: Path, lenient: Path, capsys: pytest.CaptureFixture[str]) -> None:
    visits = [str(record(tmp_path / f"v{n}.mcap", frames(2), subject=f"p{n}", species="bona_fide")) for n in range(4)]
    out = tmp_path / "site"
    command = ["calibrate", "threshold", *visits, "--out", str(out), "--bundle", str(lenient), "--bpcer", "0.2"]
    assert main(command) == 0
    told = capsys.readouterr().err
    assert "4 bona fide sessions of 4 people, 8 frames (simulated data)" in told
    made = load_bundle(out).description
    assert made.sensors == ("sim-astra",)
    assert made.thresholds != Thresholds()
    assert made.thresholds.d_net < 0.5  # its scores are far below
    assert main(command) == 2
    assert "exists" in capsys.readouterr().err
    few = ["calibrate", "threshold", *visits, "--out", str(tmp_path / "few"), "--bundle", str(lenient)]
    assert main(few) == 2
    assert "at least 49" in capsys.readouterr().err
    assert not (tmp_path / "few").exists()


def test_thresholds_want_bona_fide_only(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    attack = record(tmp_path / "a.mcap", frames(1), species="flat_print")
    assert main(["calibrate", "threshold", str(attack), "--out", str(tmp_path / "o")]) == 2
    assert "labelled flat_print" in capsys.readouterr().err
    assert main(["calibrate", "threshold", "--out", str(tmp_path / "o")]) == 2


def wall(distance_m: float, exponent: float, response: float, number: int) -> FrameSet:
    """A flat grey wall of reflectance 0.8, square to the camera, under a lamp of the given fall-off."""
    rng = np.random.default_rng(number)
    v, u = np.mgrid[:240, :320]
    cosine = 1 / np.sqrt(1 + ((u - 160) / 300) ** 2 + ((v - 120) / 300) ** 2)
    exposure = (distance_m / 0.6) ** 1.5
    share = REFERENCE_RESPONSE * response * 0.8 * cosine * exposure * (0.6 / distance_m) ** exponent
    infrared = np.rint(1000 * share + rng.normal(0, 2, share.shape)).clip(0, 1000).astype(np.uint16)
    depth = np.rint(distance_m * 1000 + rng.normal(0, 2, share.shape)).astype(np.uint16)
    return FrameSet(
        number, 0.0, Image(np.full((240, 320, 3), 90, np.uint8), 0.0), Image(depth, 0.0),
        Image(infrared, 0.0, exposure_ms=4 * exposure, gain=1.0, white_level=1000.0), 0.001, RIG,
    )  # fmt: skip


def test_the_law_of_a_camera_from_captures_of_a_wall(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    captures = [
        str(record(tmp_path / f"w{n}.mcap", [wall(d, 1.8, 0.6, n)])) for n, d in enumerate((0.4, 0.5, 0.65, 0.8, 1.1))
    ]
    out, picture = tmp_path / "rig.json", tmp_path / "fit.png"
    command = ["calibrate", "radiometric", *captures, "--reflectance", "0.8", "--out", str(out)]
    assert main([*command, "--picture", str(picture)]) == 0
    seen = cv2.imread(str(picture))
    assert seen.shape[1] > 1000
    assert seen.std() > 10
    law = Rig.model_validate_json(out.read_text()).radiometric
    assert law is not None
    assert law.exponent == pytest.approx(1.8, rel=0.02)
    assert law.gain == pytest.approx(0.6, rel=0.02)
    assert "simulated data" in capsys.readouterr().err
    assert main(command) == 2
    assert "exists" in capsys.readouterr().err
    two = ["calibrate", "radiometric", *captures[:2], "--reflectance", "0.8", "--out", str(tmp_path / "two.json")]
    assert main(two) == 2
    assert "2 distances" in capsys.readouterr().err
    assert not (tmp_path / "two.json").exists()


def test_counterfactual_sessions_and_their_manifest(
    tmp_path: Path, session: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "made"
    command = ["counterfactual", str(session), "--kinds", "flattened,albedo", "--out", str(out), "--seed", "3"]
    assert main(command) == 0
    entries = read_manifest(out / "manifest.csv")
    assert [(e.label, e.species, e.subject) for e in entries] == [
        ("bona_fide", "", "s1"), ("attack", "flattened", "s1"), ("attack", "albedo", "s1"),
    ]  # fmt: skip
    flat, original = (next(iter(frames_of(open_source(e.path)))) for e in (entries[1], entries[0]))
    assert flat.depth is not None
    assert original.depth is not None
    assert np.ptp(flat.depth.pixels[105:145, 140:180]) < np.ptp(original.depth.pixels[105:145, 140:180]) / 3
    assert LENS.shape == flat.depth.pixels.shape
    assert main(command) == 2
    assert main(["counterfactual", str(session), "--kinds", "melted", "--out", str(tmp_path / "x")]) == 2
    assert "melted" in capsys.readouterr().err


def test_a_recording_that_breaks_off_is_turned_as_far_as_it_goes(
    tmp_path: Path, session: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    damaged, out = cut(session, tmp_path / "cut.mcap"), tmp_path / "made"
    command = ["counterfactual", str(damaged), str(session), "--kinds", "flattened,bent", "--out", str(out)]
    assert main(command) == 3
    assert "cut-flattened.interrupted.mcap" in capsys.readouterr().err
    entries = read_manifest(out / "manifest.csv")
    assert [(entry.path.name, entry.species) for entry in entries] == [
        ("cut.mcap", ""), ("cut-flattened.interrupted.mcap", "flattened"), ("cut-bent.interrupted.mcap", "bent"),
        (session.name, ""), (f"{session.stem}-flattened.mcap", "flattened"), (f"{session.stem}-bent.mcap", "bent"),
    ]  # fmt: skip


def test_ctrl_c_leaves_a_manifest_of_what_was_written(
    tmp_path: Path, session: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Path] = []

    def stopped(_source: object, out: Path, *_: object) -> Exit:
        asked.append(out)
        return Exit.INTERRUPTED

    monkeypatch.setattr("app.counterfactual.record", stopped)
    out = tmp_path / "made"
    assert main(["counterfactual", str(session), "--kinds", "flattened,bent", "--out", str(out)]) == 130
    assert len(asked) == 1
    assert [entry.label for entry in read_manifest(out / "manifest.csv")] == ["bona_fide"]


def _manifest(path: Path, *lines: str) -> Path:
    path.write_text("path,label,species,instrument,subject,split,origin\n" + "\n".join(lines) + "\n")
    return path


def test_finetune_refuses_what_it_cannot_learn_from(
    tmp_path: Path, session: Path, lenient: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("torch")
    attack = record(tmp_path / "attack.mcap", frames(1), species="flat_print")
    live = _manifest(tmp_path / "live.csv", f"{session},bona_fide,,,s1,train,real")
    both = _manifest(
        tmp_path / "both.csv", f"{session},bona_fide,,,s1,train,real", f"{attack},attack,flat_print,i,,train,real"
    )
    fakes = _manifest(tmp_path / "fakes.csv", f"{attack},attack,flat_print,i,,train,real")

    def told(manifest: Path, out: Path) -> str:
        assert main(["finetune", "--manifest", str(manifest), "--out", str(out), "--bundle", str(lenient)]) == 2
        return capsys.readouterr().err

    text = told(live, tmp_path / "new")
    assert "calibrate threshold" in text
    assert "trilume counterfactual" in text
    assert "no bona fide" in told(fakes, tmp_path / "new")
    assert "d_net.pt: missing" in told(both, tmp_path / "new")
    assert "exists" in told(both, tmp_path)
    assert not (tmp_path / "new").exists()
    assert not (tmp_path / "new.faces").exists()


@pytest.mark.usefixtures("_face_found")
@pytest.mark.skipif(find_spec("torch") is None, reason="needs the extra train")
def test_finetune_writes_a_new_bundle(tmp_path: Path, session: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from models.bundling import TrainedNets, trained_files
    from models.networks import KINDS, CascadeNet, net_config

    description = tiny_description()
    whole_face = tuple(p.model_copy(update={"weight": float(p.size == 112)}) for p in description.patches)
    description = description.model_copy(update={"patches": whole_face})
    nets = TrainedNets(*(CascadeNet(net_config(kind, "tiny")).eval() for kind in KINDS), description.patches)
    old = write_bundle(tmp_path / "old", description, *tiny_nets(), extra_files=trained_files(nets))
    attack = record(tmp_path / "attack.mcap", frames(6), species="flat_print")
    damaged = cut(record(tmp_path / "whole.mcap", frames(9)), tmp_path / "cut.mcap")
    manifest = _manifest(
        tmp_path / "mine.csv",
        f"{session},bona_fide,,,s1,train,real",
        f"{attack},attack,flat_print,i1,,train,real",
        f"{damaged},bona_fide,,,s2,test,real",
    )
    out = tmp_path / "new"
    command = ["finetune", "--manifest", str(manifest), "--out", str(out), "--bundle", str(old), "--minutes", "0.02"]
    assert main([*command, "--every", "1"]) == 3  # a recording is damaged
    told = capsys.readouterr().err
    assert "faces were taken before that" in told
    assert "Adapted: D-Net." in told
    assert "M-Net stays as it was" in told
    assert "own, test (simulated)" in told
    made = load_bundle(out)
    assert made.description.name == "tiny, adapted"
    assert made.description.origin == "simulated"
    assert "BPCER" in made.file("MODEL_CARD.md").read_text()
    assert not (tmp_path / "new.faces").exists()
