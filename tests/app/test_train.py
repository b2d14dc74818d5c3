"""`trilume train` and `trilume export` as a user calls them, with tiny nets on synthetic faces."""

from __future__ import annotations

import io
import logging
import shutil
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import pytest
from rich.console import Console

from app.__main__ import main
from app.learning import steps
from app.train import _simulate
from models import extra
from models.datasets.faces import Faces, FaceWriter
from pipeline.bundle import load_bundle
from pipeline.parameters import Preprocessing
from tests.app.scene import frames, record
from tests.models.synthetic import synthetic_face, synthetic_sample, synthetic_store

NEEDS_TORCH = pytest.mark.skipif(
    any(find_spec(name) is None for name in extra.TRAINING), reason="needs the extra train"
)
QUICK = ("--config", "tiny", "--steps", "30", "--seed", "1", "--bpcer", "0.1")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six synthetic faces of each species and split."""
    return synthetic_store(tmp_path_factory.mktemp("train") / "faces", each=6)


@pytest.fixture(scope="module")
def trained(store: Path) -> Path:
    """A bundle made by `train`; its run lies beside it."""
    out = store.parent / "own"
    assert main(["train", "--faces", str(store), "--out", str(out), *QUICK, "--name", "mine"]) == 0
    return out


def told(capfd: pytest.CaptureFixture[str]) -> str:
    """The one line of a mistake."""
    shown = capfd.readouterr()
    assert shown.out == ""
    assert shown.err.count("\n") == 1, shown.err
    return shown.err


# What is refused before anything is learnt ------------------------------------------------------------


@NEEDS_TORCH
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "exactly one of"),
        (["--faces", "a", "--simulated", "0.1"], "exactly one of"),
        (["--faces", "/nowhere/faces"], "no such store"),
        (["--manifest", "/nowhere/mine.csv"], "cannot be read as CSV"),
    ],
)
def test_train_wants_faces_from_one_place(
    arguments: list[str], said: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", "--out", str(tmp_path / "new"), *arguments]) == 2
    assert said in told(capfd)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", [["train", "--simulated", "1"], ["export", "--faces", "x", "--int8"]])
def test_without_the_extra_one_line_says_how_to_get_it(
    command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(extra, "find_spec", lambda name: None if name == "torch" else SimpleNamespace())
    assert main([*command, "--out", str(tmp_path / "new")]) == 2
    assert "torch missing" in (text := told(capfd))
    assert "pip install 'trilume[train]'" in text


@NEEDS_TORCH
@pytest.mark.parametrize(
    ("kept", "said"),
    [
        (lambda split, species: (split, species) != ("dev", "live"), "split dev has no living faces for D-Net"),
        (lambda split, species: (split, species) != ("train", "flat_print"), "split train has no 2-D attacks"),
        (lambda split, species: (split, species) != ("dev", "resin_mask"), "masks or heads"),
        (lambda split, _: split != "test", "split test has no living faces"),
    ],
)
def test_a_store_that_lacks_something_is_refused_before_minutes_are_spent(
    kept: object, said: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    import numpy as np

    assert callable(kept)
    rng = np.random.default_rng(0)
    with FaceWriter(tmp_path / "faces", Preprocessing()) as writer:
        for split in ("train", "dev", "test"):
            for species in ("live", "flat_print", "resin_mask"):
                if kept(split, species):
                    writer.add(synthetic_sample(species, split, 0), synthetic_face(species, rng))
    assert main(["train", "--faces", str(tmp_path / "faces"), "--out", str(tmp_path / "new"), *QUICK]) == 2
    assert said in told(capfd)
    assert not (tmp_path / "new.run").exists()


# Training ---------------------------------------------------------------------------------------------


@NEEDS_TORCH
def test_train_makes_a_bundle_with_its_card(trained: Path) -> None:
    bundle = load_bundle(trained)
    assert bundle.description.name == "mine"
    assert bundle.description.origin == "simulated"
    assert "10 %" in bundle.description.operating_point
    assert sum(patch.weight for patch in bundle.description.patches) == pytest.approx(1)
    card = bundle.file("MODEL_CARD.md").read_text()
    assert "resin_mask" in card
    assert "**simulated**" in card
    run = trained.with_name("own.run")
    assert {path.name for path in run.iterdir()} == {"d_net", "m_net", "positions"}
    assert (run / "m_net" / "curves.png").exists()


@NEEDS_TORCH
def test_train_can_start_from_a_bundle(trained: Path, store: Path, tmp_path: Path) -> None:
    """One small step after the other: weights are still near those that it began with, and far from random ones."""
    from models.networks import load_net

    out = tmp_path / "next"
    few = (*QUICK[:3], "1", *QUICK[4:])
    assert main(["train", "--faces", str(store), "--out", str(out), "--start", str(trained), *few]) == 0
    for kind in ("d_net", "m_net"):
        begun, ended = (load_net(where / f"{kind}.pt", kind)[0] for where in (trained, out))  # type: ignore[arg-type]
        assert ended.config.mean == begun.config.mean
        apart = [(a - b).abs().max() for a, b in zip(begun.parameters(), ended.parameters(), strict=True)]
        assert 0 < max(apart) < 0.01


@NEEDS_TORCH
def test_a_bundle_without_its_trained_nets_is_no_start(
    trained: Path, store: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    bare = tmp_path / "bare"
    shutil.copytree(trained, bare, ignore=shutil.ignore_patterns("*.pt"))
    capfd.readouterr()
    out = tmp_path / "next"
    assert main(["train", "--faces", str(store), "--out", str(out), "--start", str(bare), *QUICK]) == 2
    assert "d_net.pt: no trained net to start from: give a bundle" in told(capfd)
    assert not out.with_name("next.run").exists()


@NEEDS_TORCH
def test_a_further_store_that_does_not_go_with_it_is_refused_before_anything_is_learnt(
    store: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "next"
    assert main(["train", "--faces", str(store), "--out", str(out), "--more", str(store), *QUICK]) == 2
    assert "two stores of faces share faces: give stores of different parts" in told(capfd)
    assert not out.with_name("next.run").exists()


@NEEDS_TORCH
def test_train_goes_on_where_it_was_stopped(
    trained: Path, store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Here after both trainings; that each of them goes on by itself is proved beside `models.training`."""
    from models import making

    for kind in ("d_net", "m_net"):
        shutil.copytree(trained.with_name("own.run") / kind, tmp_path / "own.run" / kind)
    command = ["train", "--faces", str(store), "--out", str(tmp_path / "own"), *QUICK]

    def stopped(net: Path, *_: object) -> None:
        assert net == tmp_path / "own.run" / "m_net" / "model.pt"
        raise KeyboardInterrupt

    monkeypatch.setattr(making, "finetune", stopped)
    assert main(command) == 130
    said = capfd.readouterr().err
    assert said.count("resumed at step 30") == 2  # neither net was trained again
    assert "positions" in said
    assert said.splitlines()[-1] == (
        f"trilume: {tmp_path / 'own.run'}: holds what was done: give the same command to go on, or remove it"
    )
    assert not (tmp_path / "own").exists()


@NEEDS_TORCH
def test_train_overwrites_nothing(trained: Path, store: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "--faces", str(store), "--out", str(trained), *QUICK]) == 2
    assert "exists" in told(capfd)


@NEEDS_TORCH
def test_another_plan_is_not_mixed_with_a_run(
    trained: Path, store: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "own.run").symlink_to(trained.with_name("own.run"))
    assert main(["train", "--faces", str(store), "--out", str(tmp_path / "own"), "--config", "tiny"]) == 2
    assert "of another recipe" in capfd.readouterr().err.splitlines()[-1]


@NEEDS_TORCH
@pytest.mark.usefixtures("_face_found")
def test_faces_of_own_recordings_are_read_and_found_wanting(
    tmp_path: Path, session: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    lines = [f"{session},bona_fide,,,s1,train,real"]
    manifest = tmp_path / "mine.csv"

    def run(*more: str) -> str:
        manifest.write_text("\n".join(["path,label,species,instrument,subject,split,origin", *lines, *more]) + "\n")
        command = ["train", "--manifest", str(manifest), "--out", str(tmp_path / "own"), "--every", "2", *QUICK]
        assert main(command) == 2
        return capfd.readouterr().err

    assert "no attack is in split train" in run()
    assert not (tmp_path / "own.run").exists()
    for split in ("train", "dev", "test"):
        mask = record(tmp_path / f"{split}.mcap", frames(2), species="resin_mask")
        lines.append(f"{mask},attack,resin_mask,{split},,{split},real")
        if split != "train":
            live = record(tmp_path / f"live-{split}.mcap", frames(2), species="bona_fide")
            lines.append(f"{live},bona_fide,,,{split},{split},real")
    assert "split train has no 2-D attacks (prints, screens) for D-Net" in run()
    own = Faces.load(tmp_path / "own.run" / "faces")
    assert {(sample.split, sample.label) for sample in own.samples} == {
        (split, label) for split in ("train", "dev", "test") for label in ("bona_fide", "attack")
    }


def test_a_simulation_that_fails_is_said_in_its_own_words(tmp_path: Path) -> None:
    from app.errors import Refused
    from app.train import Origin

    (tmp_path / "shard-other-00000").mkdir()
    with (
        steps(Console(file=io.StringIO())) as watch,
        pytest.raises(Refused, match="holds faces of another origin: write into another folder"),
    ):
        _simulate(Origin(simulated=0.001), tmp_path, watch)


def test_steps_show_what_is_logged_and_leave_the_log_alone(capfd: pytest.CaptureFixture[str]) -> None:
    logger = logging.getLogger("models")
    before = logger.level, logger.propagate, list(logger.handlers)
    with steps(Console(file=io.StringIO())) as watch:
        watch("D-Net", 0.0)
        logging.getLogger("models.training").info("step %d", 50)
        logging.getLogger("models.bundling").info("a card\nof many lines")
        watch("M-Net", 0.5)
    assert capfd.readouterr().err.splitlines() == ["trilume: D-Net", "trilume: step 50", "trilume: M-Net"]
    assert before == (logger.level, logger.propagate, list(logger.handlers))


def test_a_terminal_shows_each_step_with_its_last_words() -> None:
    shown = io.StringIO()
    with steps(Console(file=shown, force_terminal=True, width=100)) as watch:
        watch("D-Net", 0.0)
        logging.getLogger("models.training").info("step 50, 12 %%: loss 0.4 [x]")
        watch("D-Net", 0.12)
        watch("M-Net")
    last = shown.getvalue()
    assert "loss 0.4 [x]" in last
    assert "M-Net" in last


# Export -----------------------------------------------------------------------------------------------


@NEEDS_TORCH
def test_export_of_two_trained_nets(
    trained: Path, store: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    run, out = trained.with_name("own.run"), tmp_path / "exported"
    nets = ["--d-net", str(run / "d_net" / "model.pt"), "--m-net", str(run / "positions" / "model.pt")]
    command = ["export", *nets, "--faces", str(store), "--out", str(out), "--bpcer", "0.1", "--name", "mine"]
    assert main(command) == 0
    assert "D-Net f32, M-Net f32" in capfd.readouterr().err
    ours, theirs = (load_bundle(path).description for path in (out, trained))
    assert ours.model_copy(update={"created": theirs.created}) == theirs
    assert main(command) == 2
    assert "exists" in told(capfd)


@NEEDS_TORCH
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "nothing to export"),
        (["--bundle", "b"], "nothing to export"),
        (["--d-net", "a.pt"], "--m-net is missing"),
        (["--m-net", "a.pt", "--int8"], "--d-net is missing"),
        (["--d-net", "a.pt", "--m-net", "b.pt", "--bundle", "b"], "either a bundle or two trained nets"),
        (["--d-net", "/nowhere/a.pt", "--m-net", "/nowhere/b.pt"], "/nowhere/a.pt is no trained net"),
        (["--int8", "--bundle", "/nowhere/b"], "no such bundle"),
    ],
)
def test_export_says_what_is_missing(
    arguments: list[str], said: str, store: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["export", "--faces", str(store), "--out", str(tmp_path / "new"), *arguments]) == 2
    assert said in capfd.readouterr().err.splitlines()[-1]
    assert list(tmp_path.iterdir()) == []


@NEEDS_TORCH
def test_export_in_int8_hands_over_a_bundle_or_two_nets(
    trained: Path, store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Quantising and bundling have tests of their own."""
    from models import bundling, quantising

    asked: list[tuple[Path, Path, int]] = []

    def convert(bundle: Path, directory: Path, out: Path, *, threads: int) -> None:
        asked.append((bundle, directory, threads))
        shutil.copytree(bundle, out)

    def made(nets: bundling.TrainedNets, directory: Path, out: Path, **_: object) -> Path:
        assert len(nets.patches) == 36
        assert directory == store
        return Path(shutil.copytree(trained, out))

    monkeypatch.setattr(quantising, "convert", convert)
    monkeypatch.setattr(bundling, "bundle", made)
    common = ["--int8", "--faces", str(store), "--threads", "1"]
    assert main(["export", *common, "--bundle", str(trained), "--out", str(tmp_path / "a")]) == 0
    run = trained.with_name("own.run")
    nets = ["--d-net", str(run / "d_net" / "model.pt"), "--m-net", str(run / "positions" / "model.pt")]
    assert main(["export", *common, *nets, "--out", str(tmp_path / "b")]) == 0
    assert asked[0] == (trained, store, 1)
    assert asked[1][1:] == (store, 1)
    assert not asked[1][0].exists()  # the bundle in f32 was on the way only
    assert "MODEL_CARD.md" in capfd.readouterr().err
    assert load_bundle(tmp_path / "b").description.name == "mine"
