"""The mean of nets: of the same net itself, of two in between, of strangers none."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from models.averaging import average, main
from models.errors import TrainingError
from models.networks import CascadeNet, load_net, net_config, save_net


def saved(path: Path, seed: int, *, inputs: str = "") -> Path:
    torch.manual_seed(seed)
    save_net(path, "m_net", CascadeNet(net_config("m_net", "tiny", inputs)), patches=["of this net"], seed=seed)
    return path


def test_the_mean_lies_between(tmp_path: Path) -> None:
    paths = [saved(tmp_path / "a.pt", 1), saved(tmp_path / "b.pt", 2)]
    mean, extra = load_net(average("m_net", paths, tmp_path / "mean.pt"), "m_net")
    (a, _), (b, _) = (load_net(path, "m_net") for path in paths)
    for name, weight in mean.named_parameters():
        assert torch.allclose(weight, (a.get_parameter(name) + b.get_parameter(name)) / 2), name
    assert extra == {"seed": 2}, "positions were chosen for another net"


def test_the_mean_of_a_net_with_itself_answers_alike(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.pt", 1)
    mean, _ = load_net(average("m_net", [path, path], tmp_path / "mean.pt"), "m_net")
    planes = torch.rand(2, 10, 32, 32)
    assert torch.equal(mean(planes), load_net(path, "m_net")[0](planes))


def test_a_net_from_before_mirrors_has_a_mean_with_one_that_has_them(tmp_path: Path) -> None:
    new = saved(tmp_path / "new.pt", 1)
    net, _ = load_net(new, "m_net")
    old = CascadeNet(replace(net.config, mirrored=False))
    old.load_state_dict(net.state_dict())
    save_net(tmp_path / "old.pt", "m_net", old)
    for paths, mirrored in (((tmp_path / "old.pt", new), True), ((new, tmp_path / "old.pt"), False)):
        mean, _ = load_net(average("m_net", paths, tmp_path / f"{mirrored}.pt"), "m_net")
        assert mean.config.mirrored is mirrored


def test_strangers_have_no_mean_and_nothing_is_overwritten(tmp_path: Path) -> None:
    a, b = saved(tmp_path / "a.pt", 1), saved(tmp_path / "b.pt", 2, inputs="ir")
    with pytest.raises(TrainingError, match="differ in shape"):
        average("m_net", [a, b], tmp_path / "mean.pt")
    before = b.read_bytes()
    assert main([str(a), str(a), "--out", str(b)]) == 2
    assert b.read_bytes() == before
