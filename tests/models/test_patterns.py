"""How infrared's pattern follows colour's: known mixtures are found, by other code too, and nothing else moves them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from models.errors import TrainingError
from models.networks import CascadeNet, grown, net_config
from models.patterns import BLOOD, INNER_PX, MELANIN, PAIRS, PARTS, REGIONS, SCALES, Patterns, regions

F64 = NDArray[np.float64]
SIZE = 64
SLOPES = slice(PARTS + len(PAIRS), None)


def fields(seed: int, size: int = SIZE) -> F64:
    """Patterns of melanin, blood and what colours share, float64 [3, size, size]."""
    return np.random.default_rng(seed).normal(0, (0.06, 0.08, 0.04), (size, size, 3)).transpose(2, 0, 1)


def mixed(parts: F64, left: tuple[float, float, float]) -> torch.Tensor:
    """Logarithms [1, 4, size, size] of a face whose infrared keeps `left` of each pattern."""
    colours = np.tensordot(np.stack([MELANIN, BLOOD, np.ones(3)], 1), parts, 1) - 1.0
    infrared = np.tensordot(np.array(left), parts, 1) - 0.6
    return torch.from_numpy(np.concatenate([colours, infrared[None]])[None].astype(np.float32))


def described(logs: torch.Tensor, face: torch.Tensor) -> NDArray[np.float32]:
    """[scales, 13, regions]: log spreads, correlations, slopes."""
    with torch.no_grad():
        statistics = Patterns(4).statistics(logs, face)[0]
    return statistics.numpy().reshape(len(SCALES), PARTS + len(PAIRS) + 3, REGIONS)


WHOLE = torch.ones(1, 1, SIZE, SIZE)


@given(
    left=st.tuples(st.floats(0.0, 0.6), st.floats(0.0, 0.3), st.floats(0.2, 0.8)),
    seed=st.integers(0, 1000),
)
def test_what_infrared_keeps_of_each_pigment_is_found(left: tuple[float, float, float], seed: int) -> None:
    slopes = described(mixed(fields(seed), left), WHOLE)[:, SLOPES]
    assert np.abs(slopes[:, :, 0] - left).max() < 0.05  # least squares with a small ridge


def _blurred(picture: F64, face: F64, sigma: float) -> F64:
    reach = int(3 * sigma + 0.5)
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    kernel /= kernel.sum()
    both = []
    for plane in (picture * face, face):
        padded = np.pad(plane, reach)
        down = sum(w * padded[i : i + SIZE] for i, w in enumerate(kernel))
        both.append(sum(w * down[:, i : i + SIZE] for i, w in enumerate(kernel)))
    return both[0] / np.maximum(both[1], 1e-3)


def _oracle(
    logs: F64, face: F64, fine: float, coarse: float, region: NDArray[np.bool_], whole: NDArray[np.bool_]
) -> F64:
    """Straight from the definition: weighted moments of one scale and region, correlations, regression with a ridge."""
    smooth = [np.stack([_blurred(p, face, s) if s else p for p in logs]) for s in (fine, coarse)]
    pattern = smooth[0] - smooth[1]
    unmixed = np.linalg.solve(np.stack([MELANIN, BLOOD, np.ones(3)], 1), pattern[:3].reshape(3, -1))
    parts = np.concatenate([unmixed.reshape(3, SIZE, SIZE), pattern[3:]])
    reach = INNER_PX // 2
    padded = np.pad(face, reach)
    inner = np.min([padded[i : i + SIZE, j : j + SIZE] for i in range(INNER_PX) for j in range(INNER_PX)], 0)
    energy = parts[2] ** 2 + parts[3] ** 2
    usual = np.sqrt(energy)[(inner > 0) & whole].mean()
    weight = inner / (1 + energy / usual**2) ** 2 * region
    moments = np.einsum("ihw,jhw,hw->ij", parts, parts, weight) / weight.sum()
    spread = np.sqrt(np.diag(moments))
    r = moments / np.outer(spread, spread)
    slopes = np.linalg.solve(r[:3, :3] + 0.01 * np.eye(3), r[:3, 3]) * spread[3] / spread[:3]
    return np.concatenate([np.log(spread), [r[pair] for pair in PAIRS], slopes])


def test_statistics_are_those_of_plain_numpy() -> None:
    rng = np.random.default_rng(3)
    logs = mixed(3 * fields(1), (0.3, 0.1, 0.5)) + torch.from_numpy(rng.normal(0, 0.01, (1, 4, SIZE, SIZE))).float()
    y, x = np.mgrid[:SIZE, :SIZE]
    face = (np.hypot((y - 30) / 29, (x - 33) / 24) < 1).astype(float)
    found = described(logs, torch.from_numpy(face)[None, None].float())
    cells = regions().numpy().reshape(16, 16, REGIONS).repeat(4, 0).repeat(4, 1) > 0
    for n, (fine, coarse) in enumerate(SCALES):
        for region in range(REGIONS):
            wanted = _oracle(logs[0].double().numpy(), face, fine, coarse, cells[..., region], cells[..., 0])
            assert np.allclose(found[n, :, region], wanted, atol=2e-3), (n, region)


def test_exposure_and_background_move_nothing() -> None:
    """In logarithms another exposure adds a constant; what is no face has no part in it."""
    logs = mixed(fields(2), (0.2, 0.0, 0.5))
    face = torch.zeros(1, 1, SIZE, SIZE)
    face[..., 6:58, 10:54] = 1
    kept = described(logs, face)
    assert np.allclose(described(logs + torch.tensor([0.3, -0.2, 0.1, 0.4]).view(1, 4, 1, 1), face), kept, atol=2e-3)
    other = torch.where(face > 0, logs, torch.full_like(logs, -3.9))
    assert np.allclose(described(other, face)[1:], kept[1:], atol=1e-4)


def test_a_brow_or_a_glint_hardly_counts_where_patterns_are_fine() -> None:
    logs = mixed(fields(4), (0.25, 0.02, 0.5))
    spotted = logs.clone()
    spotted[..., 20:23, 20:44] -= 1.5
    spotted[:, 3:, 30:32, 30:32] += 1.0
    calm, moved = (described(each, WHOLE)[0, SLOPES, 0] for each in (logs, spotted))
    assert np.abs(moved - calm).max() < 0.05


@pytest.mark.parametrize("shown", [0.0, 1.0])
def test_no_face_and_a_face_without_pattern_are_numbers_too(shown: float) -> None:
    found = described(torch.full((1, 4, SIZE, SIZE), -1.0), torch.full((1, 1, SIZE, SIZE), shown))
    assert np.isfinite(found).all()


def test_half_precision_around_it_changes_nothing() -> None:
    logs = mixed(fields(5), (0.2, 0.0, 0.5))
    level = Patterns(4).eval()
    with torch.no_grad():
        plain = level(logs, WHOLE)
        with torch.autocast("cpu", torch.bfloat16):
            assert torch.equal(level(logs, WHOLE), plain)


def test_a_net_that_grows_the_level_says_what_it_said() -> None:
    torch.manual_seed(0)
    wanted = net_config("m_net", "tiny")
    net = CascadeNet(replace(wanted, patterns=0)).eval()
    larger = grown(net, wanted).eval()
    planes = torch.rand(3, 10, 32, 32)
    with torch.no_grad():
        assert torch.allclose(larger(planes), net(planes), atol=1e-6)
    assert larger.patterns is not None
    with torch.no_grad():
        assert torch.equal(grown(larger, wanted).eval()(planes), larger(planes))
    for other in (replace(wanted, hidden=8), replace(wanted, patterns=0)):
        with pytest.raises(TrainingError, match="another shape"):
            grown(larger, other)


def test_one_band_alone_has_no_such_level() -> None:
    assert net_config("m_net", "edge").patterns > 0
    for inputs in ("rgb", "ir"):
        assert net_config("m_net", "edge", inputs).patterns == 0
    assert net_config("d_net", "edge").patterns == 0
