"""The network: shapes and sizes of its configurations, its fusion, and that every branch learns."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from models.errors import TrainingError
from models.networks import (
    KINDS,
    LOG_FLOOR,
    CascadeNet,
    Cells,
    Kind,
    Probabilities,
    SqueezeExcitation,
    freeze_statistics,
    load_net,
    net_config,
    parameter_count,
    save_net,
    with_statistics,
)

PLANES = {"d_net": 3, "m_net": 10}


@pytest.mark.parametrize(
    ("kind", "name", "millions"),
    [("d_net", "paper", 29.6), ("m_net", "paper", 29.6), ("d_net", "edge", 1.06), ("m_net", "edge", 1.76)],
)
def test_size_of_each_configuration(kind: Kind, name: str, millions: float) -> None:
    assert parameter_count(CascadeNet(net_config(kind, name))) / 1e6 == pytest.approx(millions, abs=0.05)


def test_paper_backbone_is_resnext_50_32x4d() -> None:
    """Stage 1 of the published backbone: 32 groups of 4 channels, 128 inner of 256; the stride at the 3×3."""
    branch = CascadeNet(net_config("d_net", "paper")).branches[0]
    assert [len(stage) for stage in branch.stages] == [3, 4, 6]
    convolution = branch.stages[0][0].body[2][0]
    assert (convolution.groups, convolution.in_channels) == (32, 128)
    assert convolution.weight.shape[1] == 4
    strides = [stage[0].body[2][0].stride[0] for stage in branch.stages]
    assert strides == [1, 2, 2]


@pytest.mark.parametrize("size", [32, 64, 112])
@pytest.mark.parametrize("kind", KINDS)
def test_any_input_size(kind: Kind, size: int) -> None:
    net = CascadeNet(net_config(kind, "tiny")).eval()
    with torch.no_grad():
        p = Probabilities(net)(torch.rand(2, PLANES[kind], size, size))
    assert p.shape == (2, 2)
    assert torch.allclose(p.sum(1), torch.ones(2))


def test_a_face_and_its_mirror_image_are_judged_alike() -> None:
    torch.manual_seed(0)
    net = CascadeNet(net_config("m_net", "tiny"))
    once = CascadeNet(replace(net.config, mirrored=False))
    once.load_state_dict(net.state_dict())
    planes = torch.rand(3, 10, 32, 32)
    net.eval()
    once.eval()
    with torch.no_grad():
        assert torch.allclose(net(planes), (once(planes) + once(planes.flip(3))) / 2, atol=1e-6)
        assert torch.allclose(net(planes), net(planes.flip(3)), atol=1e-6)
        assert not torch.allclose(once(planes), once(planes.flip(3)), atol=1e-6)
        freeze_statistics(net.train())
        net.head[0].eval()  # no dropout
        assert torch.allclose(net(planes), once(planes), atol=1e-6), "it learns from one look at a time"


def test_levels_are_low_middle_high_and_branches_side_by_side() -> None:
    """The head sees 3·16, 3·32, 3·32 channels in this order; a branch fills its own third of each level."""
    net = CascadeNet(net_config("m_net", "tiny")).eval()
    seen: list[torch.Tensor] = []
    for excite in net.excitations:
        excite.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    heads: list[torch.Tensor] = []
    net.head.register_forward_pre_hook(lambda _, inputs: heads.append(inputs[0]))
    with torch.no_grad():
        first = torch.rand(1, 10, 32, 32)
        net(first)
        net(torch.cat([first[:, :4], torch.rand(1, 6, 32, 32)], 1))
    assert [s.shape[1] for s in seen[:3]] == [48, 96, 96]
    assert heads[0].shape[1] == 240 + (2 * 10 + 1) * 16**2 + 8
    for level, width in enumerate((16, 32, 32)):
        assert torch.equal(seen[level][:, :width], seen[level + 3][:, :width])
        assert not torch.equal(seen[level][:, width:], seen[level + 3][:, width:])


@pytest.mark.parametrize(
    ("kind", "inputs", "seen"),
    [
        ("d_net", "f1", [0]),
        ("d_net", "f1f2", [0, 1]),
        ("d_net", "f1f3", [0, 2]),
        ("d_net", "f2f3", [1, 2]),
        ("d_net", "f1f2f3", [0, 1, 2]),
        ("m_net", "rgb", [0, 1, 2]),
        ("m_net", "ir", [3]),
        ("m_net", "fusion", list(range(10))),
    ],
)
def test_only_the_selected_planes_decide(kind: Kind, inputs: str, seen: list[int], tmp_path: Path) -> None:
    """A change of a plane changes the logits if and only if the net was to look at it; also after saving."""
    torch.manual_seed(0)
    save_net(tmp_path / "net.pt", kind, CascadeNet(net_config(kind, "tiny", inputs)))
    net, _ = load_net(tmp_path / "net.pt", kind)
    planes = torch.rand(2, PLANES[kind], 32, 32) + 0.1
    with torch.no_grad():
        logits = net(planes)
        for plane in range(PLANES[kind]):
            changed = planes.clone()
            changed[:, plane] = torch.rand(2, 32, 32)
            assert torch.equal(net(changed), logits) == (plane not in seen)


def test_inputs_of_the_other_net_are_refused() -> None:
    with pytest.raises(TrainingError, match="rgb, ir, fusion"):
        net_config("m_net", "tiny", "f1")


def test_excitation_before_pooling_gives_the_same() -> None:
    """Recalibrated maps, then pooled (as drawn in the paper) = pooled, then recalibrated (as computed here)."""
    maps = torch.rand(3, 32, 5, 5)
    excite = SqueezeExcitation(32, 16)
    pooled = maps.mean((2, 3))
    recalibrated = maps * excite.gate(pooled)[:, :, None, None]
    assert torch.allclose(recalibrated.mean((2, 3)), excite(pooled), atol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_every_parameter_gets_a_gradient(kind: Kind) -> None:
    torch.manual_seed(0)
    net = CascadeNet(net_config(kind, "tiny"))
    for module in net.modules():  # blocks start as their shortcut: open them
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.ones_(module.weight)
    loss = torch.nn.functional.cross_entropy(net(torch.rand(8, PLANES[kind], 32, 32)), torch.arange(8) % 2)
    loss.backward()
    silent = [name for name, p in net.named_parameters() if p.grad is None or not p.grad.any()]
    assert silent == []


def test_normalisation_is_part_of_the_net() -> None:
    planes = torch.rand(16, 10, 32, 32)
    config = with_statistics(net_config("m_net", "tiny"), planes)
    assert config.mean[0] == pytest.approx(float((planes[:, 0] + LOG_FLOOR).log().mean()), rel=1e-4)
    assert config.mean[9] == pytest.approx(float(planes[:, 9].mean()))
    assert tuple(CascadeNet(config).mean.flatten().tolist()) == pytest.approx(config.mean)


def test_negative_infrared_is_no_trap() -> None:
    net = CascadeNet(net_config("m_net", "tiny")).eval()
    with torch.no_grad():
        assert torch.isfinite(net(torch.full((1, 10, 32, 32), -0.1))).all()


def test_frozen_statistics_do_not_move() -> None:
    net = CascadeNet(net_config("d_net", "tiny")).train()
    freeze_statistics(net)
    before = {k: v.clone() for k, v in net.state_dict().items()}
    net(torch.rand(4, 3, 32, 32))
    assert all(torch.equal(v, before[k]) for k, v in net.state_dict().items())
    assert net.head.training


def test_a_net_comes_back_from_disk(tmp_path: Path) -> None:
    net = CascadeNet(net_config("d_net", "tiny")).eval()
    save_net(tmp_path / "model.pt", "d_net", net, note={"seed": 3})
    again, extra = load_net(tmp_path / "model.pt", "d_net")
    x = torch.rand(1, 3, 112, 112)
    assert again.config == net.config
    assert extra == {"note": {"seed": 3}}
    with torch.no_grad():
        assert torch.equal(net(x), again(x))


def test_files_that_are_no_such_net_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.pt"
    with pytest.raises(TrainingError, match="train it first"):
        load_net(path, "d_net")
    path.write_bytes(b"no net")
    with pytest.raises(TrainingError, match="train it first"):
        load_net(path, "d_net")
    save_net(path, "m_net", CascadeNet(net_config("m_net", "tiny")))
    with pytest.raises(TrainingError, match="holds a m_net"):
        load_net(path, "d_net")


def test_cells_read_face_pixels_only() -> None:
    cells = Cells(planes=1, cells=2).eval()
    planes = torch.zeros(1, 1, 32, 32)
    face = torch.zeros(1, 1, 32, 32)
    face[..., :16, :8] = 1  # half of the first cell
    planes[..., :16, :8] = torch.tensor([1.0, 3.0]).repeat(64).view(16, 8)
    planes[..., :16, 8:16] = 100.0  # background: must not count
    mean, spread, share = cells(planes, face).detach().view(3, 2, 2) * (1 + cells.scale.eps) ** 0.5
    assert mean[0, 0] == pytest.approx(2.0, rel=1e-4)
    assert spread[0, 0] == pytest.approx(1.0, rel=1e-3)
    assert share[0, 0] == pytest.approx(0.5, rel=1e-4)
    assert not mean.flatten()[1:].any()


def test_the_paper_configuration_has_the_papers_three_levels() -> None:
    assert CascadeNet(net_config("m_net", "paper")).grid is None
    assert CascadeNet(net_config("m_net", "edge")).grid is not None
