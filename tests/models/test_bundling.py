"""From trained nets to a bundle: parity with torch, thresholds of the dev split, an honest card."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import openvino as ov
import pytest
import torch

from models.bundling import TrainedNets, bundle, describe, main, random_bundle
from models.datasets.faces import Faces, FaceWriter, Split
from models.errors import DatasetError, TrainingError
from models.export import infer, parity, to_openvino
from models.networks import ATTACK, KINDS, CascadeNet, Kind, net_config, save_net
from models.scoring import cut_all
from pipeline.bundle import load_bundle
from pipeline.nets import Nets
from pipeline.parameters import BundleDescription, Preprocessing, default_patches
from tests.models.synthetic import SPECIES, synthetic_face, synthetic_sample

SHAPES = {"d_net": [(3, 112, 112)], "m_net": [(10, 32, 32), (10, 64, 64)]}


def _net(kind: Kind) -> CascadeNet:
    torch.manual_seed(1)
    net = CascadeNet(net_config(kind, "tiny"))
    for _ in range(3):  # statistics and scales away from their start, as after training
        net(torch.rand(8, net.config.planes, 64, 64))
    for module in net.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.weight, 0.5, 1.5)
    return net.eval()


@pytest.fixture(scope="module")
def converted() -> dict[Kind, tuple[CascadeNet, ov.Model]]:
    return {kind: (net, to_openvino(net, kind)) for kind, net in ((kind, _net(kind)) for kind in KINDS)}


@pytest.mark.parametrize("kind", KINDS)
def test_openvino_equals_torch_at_every_size(kind: Kind, converted: dict[Kind, tuple[CascadeNet, ov.Model]]) -> None:
    net, model = converted[kind]
    for shape in SHAPES[kind]:
        x = np.random.default_rng(0).random((6, *shape), np.float32)
        found = parity(net, model, kind, x, "f32")
        assert found.largest < 1e-5
        assert found.count == 6
        assert infer(model, x, "f32", 1).std() > 0


def test_d_net_is_static_and_m_net_takes_any_batch(
    converted: dict[Kind, tuple[CascadeNet, ov.Model]],
) -> None:
    assert converted["d_net"][1].input(0).partial_shape.is_static
    assert str(converted["m_net"][1].input(0).partial_shape) == "[?,10,?,?]"


def _taught(kind: Kind, faces: Path) -> CascadeNet:
    """A tiny net that tells the synthetic faces of its stage apart: a bundle of nets that cannot is refused."""
    known = {"d_net": ["", "flat_print"], "m_net": ["", "resin_mask"]}[kind]
    some = Faces.load(faces, split="train", species=known)
    planes = torch.from_numpy(some.depth_maps(range(len(some))) if kind == "d_net" else some.planes(range(len(some))))
    groups = [planes] if kind == "d_net" else [x for _, x in cut_all(planes, default_patches()[25:])]
    net = _net(kind)
    optimiser = torch.optim.Adam(net.parameters(), 3e-3)
    wanted = torch.from_numpy(some.attacks.astype(np.int64))
    for step in range(24):
        x = groups[step % len(groups)]
        target = (wanted if ATTACK == 1 else 1 - wanted).repeat(len(x) // len(wanted))
        optimiser.zero_grad()
        torch.nn.functional.cross_entropy(net(x), target).backward()
        optimiser.step()
    return net.eval()


@pytest.fixture(scope="module")
def nets(faces: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("nets")
    for kind in KINDS:
        save_net(directory / f"{kind}.pt", kind, _taught(kind, faces))
    return directory


@pytest.fixture(scope="module")
def trained(nets: Path) -> TrainedNets:
    return TrainedNets.load(nets / "d_net.pt", nets / "m_net.pt")


@pytest.fixture(scope="module")
def written(trained: TrainedNets, faces: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("bundles") / "bundle"
    return bundle(trained, faces, out, name="untrained", max_bpcer=0.1)


def test_bundle_of_two_nets(written: Path, trained: TrainedNets, faces: Path) -> None:
    description = BundleDescription.model_validate_json((written / "bundle.json").read_bytes())
    assert description.origin == "simulated"
    assert description.sensors == ("sim-astra",)
    assert "10 %" in description.operating_point
    dev = trained.score(Faces.load(faces, split="dev"))
    assert (~dev.accepted(description.thresholds))[~dev.faces.attacks].mean() <= 0.1
    card = (written / "MODEL_CARD.md").read_text()
    assert "resin_mask" in card
    assert "**simulated**" in card


def test_thresholds_hear_the_dev_splits_of_further_stores(
    written: Path, trained: TrainedNets, faces: Path, tmp_path: Path
) -> None:
    rng = np.random.default_rng(4)
    people = [synthetic_sample("live", "dev", n, subject=f"dev-further-{n}") for n in range(100, 140)]
    with FaceWriter(tmp_path / "people", Preprocessing()) as writer:
        for sample in people:  # masks to every eye: all of them are turned away, or half of the masks get in
            writer.add(sample, synthetic_face("resin_mask", rng))
    out = bundle(trained, faces, tmp_path / "b", max_bpcer=0.5, more=[tmp_path / "people"])
    alone, joined = (
        BundleDescription.model_validate_json((path / "bundle.json").read_bytes()).thresholds for path in (written, out)
    )
    assert joined.m_net > alone.m_net
    card = (out / "MODEL_CARD.md").read_text()
    assert "| species | train | dev | dev, further | test |" in card
    assert "| bona fide | 12 | 12 | 40 | 12 |" in card


def _store(directory: Path, origins: dict[Split, str], missing: tuple[Split, str] | None = None) -> Path:
    rng = np.random.default_rng(5)
    with FaceWriter(directory, Preprocessing()) as writer:
        for split, origin in origins.items():
            for species in SPECIES:
                for n in range(12):
                    sample = synthetic_sample(species, split, n, origin=origin)
                    if missing != (split, sample.label):
                        writer.add(sample, synthetic_face(species, rng))
    return directory


def test_no_figure_on_simulated_faces_is_called_real(trained: TrainedNets, tmp_path: Path) -> None:
    store = _store(tmp_path / "mixed", {"train": "simulated", "dev": "real", "test": "simulated"})
    out = bundle(trained, store, tmp_path / "b", max_bpcer=0.1)
    description = BundleDescription.model_validate_json((out / "bundle.json").read_bytes())
    assert description.origin == "semi_simulated"
    assert description.operating_point.endswith("on the development split (real)")
    card = (out / "MODEL_CARD.md").read_text()
    assert "Data: **semi-simulated**" in card
    assert "test split (simulated data" in card
    assert "Figures on simulated data" in card


def test_nets_that_learnt_on_from_simulated_ones_are_not_called_real(trained: TrainedNets, tmp_path: Path) -> None:
    store = _store(tmp_path / "real", {"train": "real", "dev": "real", "test": "real"})
    for begun, origin in ((None, "real"), ("real", "real"), ("simulated", "semi_simulated")):
        out = bundle(trained, store, tmp_path / f"b-{begun}", max_bpcer=0.1, begun=begun)  # type: ignore[arg-type]
        assert BundleDescription.model_validate_json((out / "bundle.json").read_bytes()).origin == origin


def test_a_test_split_of_one_class_is_said_before_anything_is_converted(trained: TrainedNets, tmp_path: Path) -> None:
    origins: dict[Split, str] = {"train": "real", "dev": "real", "test": "real"}
    store = _store(tmp_path / "lacking", origins, missing=("test", "bona_fide"))
    with pytest.raises(DatasetError, match="test split needs live faces and attacks"):
        bundle(trained, store, tmp_path / "b")


def test_an_operating_point_says_what_cannot_be_had(trained: TrainedNets, faces: Path, tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    with FaceWriter(tmp_path / "people", Preprocessing()) as writer:
        for n in range(100, 104):  # as flat as prints, beyond doubt
            sample = synthetic_sample("live", "dev", n, subject=f"dev-further-{n}")
            writer.add(sample, synthetic_face("flat_print", rng))
    dev = trained.score(Faces.load_all(faces, [tmp_path / "people"], "dev"))
    certain = replace(dev, d_net=np.where(dev.d_net > 0.5, 1.0, dev.d_net))
    told = describe(
        trained, certain, Preprocessing(), name="n", origin="simulated", max_bpcer=0.01, precision="f32"
    ).operating_point  # fmt: skip
    assert "BPCER ≤ 1 %, which cannot be had: it is 25.0 %," in told


def test_the_running_program_scores_as_training_did(written: Path, trained: TrainedNets, faces: Path) -> None:
    """One face through the pipeline's nets and patches, and through torch and this package's crops."""
    running = Nets(load_bundle(written), threads=1)
    test = Faces.load(faces, split="test").take([0, 20])
    expected = trained.score(test)
    for i in range(2):
        assert running.depth(test.gather("depth_maps", [i])[0]) == pytest.approx(expected.d_net[i], abs=1e-4)
        m_net, each = running.reflectance(test.planes([i])[0])
        assert m_net == pytest.approx(expected.m_net[i], abs=1e-4)
        assert len(each) == 36


def test_nets_that_tell_nothing_apart_are_refused(faces: Path, tmp_path: Path) -> None:
    patches = tuple(p.model_copy(update={"weight": 1 / 36}) for p in default_patches())
    with pytest.raises(TrainingError, match="train further"):
        bundle(TrainedNets(_net("d_net"), _net("m_net"), patches), faces, tmp_path / "b")
    assert not (tmp_path / "b").exists()


def test_the_bundle_carries_what_training_goes_on_from(written: Path, trained: TrainedNets, tmp_path: Path) -> None:
    again = TrainedNets.of_bundle(written)
    assert again.patches == trained.patches
    for ours, theirs in ((trained.d_net, again.d_net), (trained.m_net, again.m_net)):
        assert ours.config == theirs.config
        assert all(torch.equal(value, theirs.state_dict()[name]) for name, value in ours.state_dict().items())
    with pytest.raises(TrainingError, match=r"d_net\.pt: missing"):
        TrainedNets.of_bundle(random_bundle(tmp_path / "random"))


def test_command_names_swapped_nets(nets: Path, faces: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    swapped = ["--d-net", str(nets / "m_net.pt"), "--m-net", str(nets / "d_net.pt")]
    assert main([*swapped, "--faces", str(faces), "--out", str(tmp_path / "b")]) == 2
    assert "swap the two files" in caplog.text


def test_random_bundles_follow_their_seed(tmp_path: Path) -> None:
    x = np.random.default_rng(0).random((1, 10, 32, 32), np.float32)
    scores = [
        infer(ov.Core().read_model(random_bundle(tmp_path / name, seed) / "m_net.xml"), x, "f32")[0]
        for name, seed in (("a", 0), ("b", 0))
    ]
    assert scores[0] == scores[1]
    assert 0 < scores[0] < 1
