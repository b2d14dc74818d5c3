"""Training: it learns what can be learnt, resumes as if nothing had been, and draws what it should."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from models import training
from models.augmentation import channels_last
from models.datasets.faces import Faces, FaceWriter
from models.errors import DatasetError, TrainingError
from models.finetuning import Tuner, TuningRecipe, finetune, stored_patches
from models.networks import KINDS, Kind, load_net
from models.precision import mixed
from models.recipes import Recipe, learning_rate, paper_recipe
from models.scoring import ensemble, score_depth, score_patches
from models.tasks import ReflectanceTask, make_task, sampling_weights, twins
from models.training import Trainer, main, make_fabric, train
from pipeline.parameters import Preprocessing, default_patches
from tests.models.synthetic import synthetic_face, synthetic_sample, synthetic_store

QUICK = Recipe("d_net", "tiny", steps=40, faces_per_step=16, large=1, small=1, evaluations=1, learning_rate=5e-3)


@pytest.fixture(scope="module")
def m_net(faces: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train(replace(QUICK, kind="m_net"), faces, tmp_path_factory.mktemp("m_net"))


def test_d_net_learns_relief(faces: Path, tmp_path: Path) -> None:
    net, extra = load_net(train(QUICK, faces, tmp_path), "d_net")
    test = Faces.load(faces, split="test", where=lambda s: not s.attack or s.flat)
    scores = score_depth(net, test)
    assert scores[test.attacks].mean() > scores[~test.attacks].mean()
    assert extra["history"][-1]["auc"] > 0.95
    assert {"history.csv", "curves.png", "checkpoint.pt"} <= {p.name for p in tmp_path.iterdir()}


def test_m_net_learns_infrared_and_is_fine_tuned(faces: Path, m_net: Path, tmp_path: Path) -> None:
    _, extra = load_net(m_net, "m_net")
    assert extra["history"][-1]["auc"] > 0.95
    recipe = TuningRecipe(rounds=2, epoch_faces=8, faces_per_step=4, selection_faces=16, final_faces=24, bf16=False)
    net, extra = load_net(finetune(m_net, faces, tmp_path, recipe), "m_net")
    patches = stored_patches(extra)
    assert sum(p.weight for p in patches) == pytest.approx(1)
    assert (tmp_path / "history.csv").read_text().startswith("round,position,error,alpha")
    assert (tmp_path / "curves.png").exists()
    masks = Faces.load(faces, split="test", where=lambda s: not s.flat)
    scores = ensemble(score_patches(net, masks, patches), patches)
    assert ((scores >= 0.5) == masks.attacks).mean() > 0.9


def test_fine_tuning_resumes_where_it_stopped(faces: Path, m_net: Path, tmp_path: Path) -> None:
    recipe = TuningRecipe(rounds=2, epoch_faces=4, faces_per_step=4, selection_faces=8, final_faces=8, bf16=False)
    whole, _ = load_net(finetune(m_net, faces, tmp_path / "whole", recipe), "m_net")
    net, _ = load_net(m_net, "m_net")
    train_faces = Faces.load(faces, split="train")
    tuner = Tuner(net, train_faces, default_patches(), recipe, tmp_path / "parts")
    tuner.round_once()
    parts, _ = load_net(finetune(m_net, faces, tmp_path / "parts", recipe), "m_net")
    for ours, theirs in zip(whole.state_dict().values(), parts.state_dict().values(), strict=True):
        assert torch.equal(ours, theirs)


@pytest.mark.parametrize("kind", KINDS)
def test_a_killed_run_ends_in_the_same_net(kind: Kind, faces: Path, tmp_path: Path) -> None:
    recipe = replace(QUICK, kind=kind, steps=4, faces_per_step=4, bf16=False)
    whole, _ = load_net(train(recipe, faces, tmp_path / "whole"), kind)
    killed = Trainer(recipe, make_task(recipe, faces), tmp_path / "parts")
    killed.step()
    killed.step()
    killed.save()
    killed.step()  # lost with the process
    parts, _ = load_net(train(recipe, faces, tmp_path / "parts"), kind)
    for ours, theirs in zip(whole.state_dict().values(), parts.state_dict().values(), strict=True):
        assert torch.equal(ours, theirs)


def test_a_run_goes_on_with_the_same_faces_alone(faces: Path, m_net: Path, tmp_path: Path) -> None:
    """Else a person moved from train to test after a stop would be called unseen."""
    recipe = replace(QUICK, kind="m_net", steps=2, faces_per_step=4, bf16=False)
    train(recipe, faces, tmp_path / "run")
    other = synthetic_store(tmp_path / "other", each=8)
    for changed, start in ((other, None), (faces, m_net)):
        with pytest.raises(TrainingError, match="other faces"):
            train(recipe, changed, tmp_path / "run", start=start)
    tuning = TuningRecipe(rounds=1, epoch_faces=4, faces_per_step=4, selection_faces=8, final_faces=8, bf16=False)
    finetune(m_net, faces, tmp_path / "tuned", tuning)
    with pytest.raises(TrainingError, match="other faces"):
        finetune(m_net, other, tmp_path / "tuned", tuning)


def test_faces_that_watch_hold_both_classes(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    with FaceWriter(tmp_path / "few", Preprocessing()) as writer:
        for split, attacks in (("train", 8), ("dev", 2)):
            for species, count in (("live", 60), ("resin_mask", attacks)):
                for n in range(count):
                    writer.add(synthetic_sample(species, split, n), synthetic_face(species, rng))
    task = make_task(replace(QUICK, kind="m_net", dev_faces=10), tmp_path / "few")
    assert (len(task.dev), int(task.dev.attacks.sum())) == (10, 2)
    with pytest.raises(TrainingError, match="only one class"):
        make_task(replace(QUICK, kind="d_net"), tmp_path / "few")


def test_masks_in_a_further_store_do_not_leave_m_net_unwatched(faces: Path, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    with FaceWriter(tmp_path / "prints", Preprocessing()) as writer:
        for split in ("train", "dev"):
            for species in ("live", "flat_print"):
                for n in range(6):
                    sample = synthetic_sample(species, split, n, name=f"own-{split}-{species}-{n}")
                    writer.add(sample, synthetic_face(species, rng))
    task = make_task(replace(QUICK, kind="m_net"), tmp_path / "prints", [faces])
    assert set(task.dev.species) == {"", "flat_print"}


def _run_until_killed(recipe: Recipe, faces: Path, out: Path) -> None:
    """A run that saves at every step and dies of SIGKILL in its fourth."""
    training.CHECKPOINT_S = 0.0
    trainer = Trainer(recipe, make_task(recipe, faces), out)
    honest = trainer.step

    def step() -> float:
        if trainer.progress.step == 3:
            os.kill(os.getpid(), signal.SIGKILL)
        return honest()

    trainer.step = step  # type: ignore[method-assign]
    trainer.run()


@pytest.mark.skipif(sys.platform != "linux", reason="the killed process is forked")
def test_a_run_killed_for_good_goes_on_to_the_same_net_and_history(faces: Path, tmp_path: Path) -> None:
    recipe = replace(QUICK, kind="m_net", steps=6, faces_per_step=4, evaluations=3)
    whole, extra = load_net(train(recipe, faces, tmp_path / "whole"), "m_net")
    process = multiprocessing.get_context("fork").Process(
        target=_run_until_killed, args=(recipe, faces, tmp_path / "parts")
    )
    process.start()
    process.join(60)
    assert process.exitcode == -signal.SIGKILL
    assert torch.load(tmp_path / "parts" / "checkpoint.pt", weights_only=True)["step"] == 3
    parts, again = load_net(train(recipe, faces, tmp_path / "parts"), "m_net")
    for ours, theirs in zip(whole.state_dict().values(), parts.state_dict().values(), strict=True):
        assert torch.equal(ours, theirs)
    figures = [[{k: v for k, v in line.items() if k != "minutes"} for line in e["history"]] for e in (extra, again)]
    assert figures[0] == figures[1]


@pytest.mark.parametrize("bf16", [False, True])
def test_fabric_on_one_process_is_plain_training(bf16: bool, faces: Path, tmp_path: Path) -> None:
    """The step written out by hand ends in the same weights, bit by bit."""
    recipe = replace(QUICK, kind="m_net", steps=100, faces_per_step=4, bf16=bf16)
    task = make_task(recipe, faces)
    trainer = Trainer(recipe, task, tmp_path, make_fabric("cpu", 1))
    twin = Trainer(recipe, task, tmp_path)
    net, optimiser = twin.net, twin.optimiser
    for step in range(2):
        trainer.step()
        for group in optimiser.param_groups:
            group["lr"] = learning_rate(recipe, step / 100)
        rng = np.random.default_rng((recipe.seed, step))
        torch.manual_seed(recipe.seed * 1_000_003 + step)
        net.train()
        optimiser.zero_grad()
        groups, targets = task.batch(rng)
        for inputs in groups:
            with mixed("cpu", bf16):
                logits = net(channels_last(inputs))
            (torch.nn.functional.cross_entropy(logits.float(), targets) / 2).backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 5.0)
        optimiser.step()
    for ours, theirs in zip(trainer.net.state_dict().values(), net.state_dict().values(), strict=True):
        assert torch.equal(ours, theirs)


@pytest.mark.slow
def test_two_processes_train_one_net_and_go_on(faces: Path, tmp_path: Path) -> None:
    """Ranks draw batches of their own, agree on the weights, and a resumed run ends where a whole one does."""
    command = [sys.executable, "-P", "-m", "models.training", "m_net", "--faces", str(faces), "--config", "tiny"]
    command += ["--faces-per-step", "4", "--steps", "4", "--accelerator", "cpu", "--devices"]
    for devices, out in (("2", "two"), ("1", "one"), ("2", "again")):
        subprocess.run([*command, devices, "--out", str(tmp_path / out)], check=True, timeout=300, capture_output=True)
    two, one, again = (load_net(tmp_path / out / "model.pt", "m_net")[0] for out in ("two", "one", "again"))
    weights = [net.branches[0].stem[0][0].weight for net in (two, one, again)]
    assert not torch.equal(weights[0], weights[1])
    assert torch.equal(weights[0], weights[2])


def test_devices_that_are_not_there_are_said(tmp_path: Path, faces: Path, caplog: pytest.LogCaptureFixture) -> None:
    arguments = ["d_net", "--faces", str(faces), "--out", str(tmp_path / "run"), "--accelerator", "tpu"]
    assert main(arguments) == 2
    assert "--accelerator tpu" in caplog.text
    assert not (tmp_path / "run").exists()


def test_what_is_held_out_is_neither_learnt_nor_watched(faces: Path) -> None:
    task = make_task(replace(QUICK, kind="m_net", without=("flat_print",)), faces)
    assert set(task.faces.species) == set(task.dev.species) == {"", "resin_mask"}
    with pytest.raises(TrainingError, match="no latex_mask"):
        make_task(replace(QUICK, without=("latex_mask",)), faces)
    with pytest.raises(DatasetError, match="no face"):
        make_task(replace(QUICK, sensors=("another",)), faces)
    kept = make_task(replace(QUICK, sensors=("sim-astra",)), faces)
    assert len(kept.faces) == 24


def test_raw_infrared_is_what_the_net_learns_from(faces: Path) -> None:
    """At the reference distance nothing changes; twice as far, infrared of the batch is a quarter."""
    recipe = replace(QUICK, kind="m_net", faces_per_step=4, small=0)
    free, raw = (make_task(replace(recipe, infrared=name), faces) for name in ("distance_free", "raw"))
    batch = [task.batch(np.random.default_rng(5))[0][0] for task in (free, raw)]
    assert torch.equal(batch[0], batch[1])
    far = tuple(replace(s, distance_m=1.2) for s in raw.faces.samples)
    raw.faces = replace(raw.faces, samples=far)
    dim = raw.batch(np.random.default_rng(5))[0][0]
    assert torch.equal(dim[:, :3], batch[0][:, :3])
    assert dim[:, 3].mean() < 0.5 * batch[0][:, 3].mean()


def test_a_run_starts_from_a_trained_net(faces: Path, m_net: Path, tmp_path: Path) -> None:
    recipe = replace(QUICK, kind="m_net", steps=1, learning_rate=0.0)
    begun, _ = load_net(train(recipe, faces, tmp_path / "run", start=m_net), "m_net")
    trained, _ = load_net(m_net, "m_net")
    assert begun.config == trained.config
    for name, weight in trained.named_parameters():
        assert torch.equal(begun.get_parameter(name), weight), name
    with pytest.raises(TrainingError, match="--config edge"):
        train(replace(recipe, config="edge"), faces, tmp_path / "other", start=m_net)


def test_a_checkpoint_of_another_recipe_is_refused(faces: Path, tmp_path: Path) -> None:
    recipe = replace(QUICK, steps=1, faces_per_step=2)
    train(recipe, faces, tmp_path)
    with pytest.raises(TrainingError, match="another recipe"):
        train(replace(recipe, seed=1), faces, tmp_path)


def test_weights_balance_classes_and_species(faces: Path) -> None:
    stored = Faces.load(faces, split="train")
    weights = sampling_weights(stored, 0.12)
    flat = stored.species == "flat_print"
    assert weights[~stored.attacks].sum() == pytest.approx(0.5)
    assert weights[flat].sum() == pytest.approx(0.06)
    assert weights.sum() == pytest.approx(1)
    masks = stored.where(lambda s: not s.flat)
    assert sampling_weights(masks, 0.12)[masks.attacks].sum() == pytest.approx(0.5)


def test_scenes_count_alike_however_many_of_their_moments_are_stored(faces: Path) -> None:
    stored = Faces.load(faces, split="train")
    first = stored.recordings == stored.recordings[~stored.attacks][0]
    fewer = stored.take(np.flatnonzero(~first | (np.arange(len(stored)) == first.argmax())))
    whole, thinned = sampling_weights(stored, 0.12), sampling_weights(fewer, 0.12)
    kept = fewer.recordings == stored.recordings[first][0]
    assert first.sum() > 1 == kept.sum()
    assert thinned[kept].sum() == pytest.approx(whole[first].sum())


def test_a_species_in_emphasis_is_drawn_twice_as_often(faces: Path) -> None:
    stored = Faces.load(faces, split="train", where=lambda s: not s.flat)
    samples = [replace(s, species="latex_mask") if s.attack and s.seed % 3 == 0 else s for s in stored.samples]
    mixed = replace(stored, samples=tuple(samples))
    latex = mixed.species == "latex_mask"
    plain, hard = (sampling_weights(mixed, None, emphasis)[latex].sum() for emphasis in ((), ("latex_mask",)))
    assert 0 < plain < 0.5
    assert hard == pytest.approx(0.5 * 2 * plain / (0.5 + plain))


def test_a_twin_comes_along_in_the_same_step(faces: Path) -> None:
    stored = Faces.load(faces, split="train", where=lambda s: s.reflectance and not s.flat)
    live, attacks = np.flatnonzero(~stored.attacks), np.flatnonzero(stored.attacks)
    pairs = min(len(live), len(attacks)) - 1
    samples = [replace(s, seed=0) for s in stored.samples]
    for n in range(pairs):
        for i in (live[n], attacks[n]):
            samples[i] = replace(samples[i], seed=100 + n)
    mixed = replace(stored, samples=tuple(samples))
    partner = twins(mixed)
    assert pairs > 1
    assert np.array_equal(partner[live[:pairs]], attacks[:pairs])
    assert np.array_equal(partner[partner], np.arange(len(mixed)))
    assert partner[live[pairs]] == live[pairs]
    task = ReflectanceTask(mixed, mixed, Recipe("m_net", faces_per_step=400))
    drawn = task.draw(np.random.default_rng(0))
    first, second = drawn[::2], drawn[1::2]
    paired = partner[first] != first
    assert paired.any()
    assert np.array_equal(second[paired], partner[first[paired]])
    assert mixed.attacks[drawn].mean() == pytest.approx(0.5, abs=0.1)
    single = Recipe("m_net", faces_per_step=1)
    assert len(ReflectanceTask(mixed, mixed, single).draw(np.random.default_rng(0))) == 1


def test_training_on_one_class_is_refused(faces: Path) -> None:
    with pytest.raises(TrainingError, match="only one"):
        sampling_weights(Faces.load(faces, where=lambda s: not s.attack), None)


def test_d_net_never_sees_a_mask(faces: Path) -> None:
    task = make_task(QUICK, faces)
    assert set(task.faces.species) == {"", "flat_print"}


def test_learning_rates_anneal() -> None:
    assert learning_rate(QUICK, 0.03) == pytest.approx(QUICK.learning_rate, rel=0.01)
    assert learning_rate(QUICK, 1.0) == pytest.approx(0, abs=1e-9)
    paper = paper_recipe("m_net")
    assert learning_rate(paper, 0.0) == pytest.approx(0.1)
    assert learning_rate(paper, 0.199) < 1e-3 < learning_rate(paper, 0.2)  # a new cycle


def test_time_is_a_budget_too(faces: Path, tmp_path: Path) -> None:
    recipe = replace(QUICK, steps=None, minutes=0.002, faces_per_step=2)
    trainer = Trainer(recipe, make_task(recipe, faces), tmp_path)
    trainer.run()
    assert trainer.progress.elapsed_s >= 0.12
    assert trainer.progress.share(recipe) == 1


def test_command_reports_user_errors_in_one_line(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert main(["d_net", "--faces", str(tmp_path), "--out", str(tmp_path / "run")]) == 2
    assert len(caplog.messages) == 1
    assert "store of faces" in caplog.messages[0]


def test_batches_follow_seed_and_step(faces: Path) -> None:
    task = make_task(replace(QUICK, kind="m_net", faces_per_step=4), faces)
    first, again, other = (task.batch(np.random.default_rng(n)) for n in (1, 1, 2))
    assert [tuple(g.shape) for g in first[0]] == [(4, 10, 64, 64), (4, 10, 32, 32)]
    assert all(torch.equal(a, b) for a, b in zip(first[0], again[0], strict=True))
    assert not torch.equal(first[0][0], other[0][0])
