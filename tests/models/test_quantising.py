"""INT8: what decides whether it is kept, and one small net through NNCF."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov
import pytest
from openvino import opset13 as ops

from models import metrics, quantising
from models.errors import TrainingError
from models.export import infer, to_openvino
from models.networks import CascadeNet, net_config
from models.quantising import (
    MAX_DROP,
    NETS,
    PATTERNS,
    Comparison,
    Counts,
    Limits,
    Measured,
    Shown,
    _validate,
    both_classes,
    choose,
    compare,
    convert,
    quantise,
    shown,
    table,
)
from pipeline.bundle import load_bundle
from pipeline.nets import Nets
from pipeline.parameters import BundleDescription, Thresholds, default_patches
from tests.models.tiny_bundle import tiny_bundle, tiny_description

GOOD = Comparison(
    net="m_net", precision="int8", p50=1e-3, p99=0.01, largest=0.02, flips=1, count=1000,
    acer=0.021, acer_f32=0.02, ms=4.0, ms_f32=8.0, size=100,
)  # fmt: skip


def f32(net: str) -> Comparison:
    return Comparison(net, "f32", 0, 0, 0, 0, 1000, 0.02, 0.02, 8.0, 8.0, 400)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({}, ""),
        ({"p99": 0.06}, "p99"),
        ({"p99": float("nan")}, "p99"),
        ({"flips": 6}, "flip"),
        ({"acer": 0.0221}, "ACER"),
        ({"acer": float("nan")}, "ACER"),
        ({"ms": 7.3}, "time"),
    ],
)
def test_every_limit_refuses(change: dict[str, Any], reason: str) -> None:
    refusal = replace(GOOD, **change).refusal(Limits())
    assert (reason in refusal) if reason else refusal == ""


def test_each_net_keeps_the_fastest_that_is_good_enough() -> None:
    slow = replace(GOOD, precision="bf16", ms=6.0)
    wrong = replace(GOOD, net="d_net", flips=30)
    assert choose([f32("d_net"), f32("m_net"), slow, GOOD, wrong], Limits()) == {"d_net": "f32", "m_net": "int8"}
    text = table([f32("m_net"), wrong], Limits(), "simulated")
    assert "simulated" in text
    assert "30 of 1000 verdicts flip" in text


def test_figures_are_those_of_one_net_changed() -> None:
    """Four faces by hand: D-Net's change lets one attack pass, M-Net's change is not counted for D-Net."""
    attacks = np.array([False, False, True, True])
    ms, size = dict.fromkeys(NETS, 1.0), dict.fromkeys(NETS, 1)
    base = Measured(np.array([0.1, 0.1, 0.9, 0.9]), np.array([0.2, 0.2, 0.2, 0.2]), ms, size)
    other = Measured(np.array([0.1, 0.1, 0.9, 0.4]), np.array([0.9, 0.9, 0.2, 0.2]), ms, size)
    found = compare("d_net", "int8", other, base, Thresholds(), attacks)
    assert (found.flips, found.acer, found.acer_f32) == (1, 0.25, 0.0)
    assert found.largest == pytest.approx(0.5)
    found = compare("m_net", "int8", other, base, Thresholds(), attacks)
    assert (found.flips, found.acer) == (2, 0.5)


def test_shown_is_what_the_running_program_shows(faces: Path) -> None:
    some = both_classes(faces, "test", 4)
    assert sorted(some.attacks.tolist()) == [False, False, True, True]
    patches = tuple(p.model_copy(update={"weight": 1 / 36}) for p in default_patches())
    item = shown("m_net", some, patches)[0]
    assert [b.shape for b in item.batches] == [(34, 10, 32, 32), (2, 10, 64, 64)]
    assert sum(float(w.sum()) for w in item.weights) == pytest.approx(1)
    assert not any(s.attack and not s.flat for s in both_classes(faces, "dev", 99, flat=True).samples)


def test_a_bundle_states_a_precision_for_each_net(tmp_path: Path) -> None:
    old = tiny_description().model_dump(exclude={"m_net_precision"})
    assert BundleDescription(**old).m_net_precision is None
    bundle = load_bundle(tiny_bundle(tmp_path / "bundle"))
    planes = np.random.default_rng(0).random((10, 112, 112), np.float32)
    mixed = replace(bundle, description=bundle.description.model_copy(update={"m_net_precision": "int8"}))
    assert Nets(mixed, 1).reflectance(planes)[0] == pytest.approx(Nets(bundle, 1).reflectance(planes)[0], abs=1e-6)


@pytest.mark.parametrize(("has", "tried"), [(True, ("f32", "bf16")), (False, ("f32",))])
def test_bf16_is_tried_where_the_processor_has_it(
    has: bool, tried: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Elsewhere its time is that of f32 and its choice would be chance."""
    monkeypatch.setattr(quantising, "processor_has_bf16", lambda: has)
    assert quantising.plain_precisions() == tried


def test_an_existing_bundle_is_refused_before_any_work(faces: Path, tmp_path: Path) -> None:
    path = tiny_bundle(tmp_path / "bundle")
    with pytest.raises(TrainingError, match="exists"):
        convert(path, faces, path, counts=Counts(2, 2, 2))


@pytest.mark.filterwarnings("ignore")  # NNCF's own
def test_nncf_makes_int8_of_a_small_net_and_keeps_its_verdicts() -> None:
    pytest.importorskip("nncf")
    rng = np.random.default_rng(0)
    planes = ops.parameter(ov.PartialShape([-1, 3, 16, 16]), np.float32, name="planes")
    kernel = (rng.normal(0, 0.1, (8, 3, 3, 3)) + 0.1).astype(np.float32)
    features = ops.relu(ops.convolution(planes, kernel, [1, 1], [1, 1], [1, 1], [1, 1]))
    logit = ops.reduce_mean(features, np.array([1, 2, 3]), keep_dims=False)
    attack = ops.unsqueeze(
        ops.sigmoid(ops.multiply(ops.subtract(logit, np.float32(1.2)), np.float32(5))), np.array([1])
    )
    model = ov.Model([ops.concat([attack, ops.subtract(np.float32(1), attack)], 1)], [planes], "small")
    level = [0.3, 0.7]
    items = [
        Shown((rng.normal(level[i % 2], 0.05, (1, 3, 16, 16)).astype(np.float32),), (np.ones(1),), i % 2 == 1)
        for i in range(20)
    ]
    small = quantise(model, items, items)
    assert "FakeQuantize" in {op.get_type_name() for op in small.get_ops()}
    inputs = np.concatenate([item.batches[0] for item in items])
    attacks = [item.attack for item in items]
    before, after = infer(model, inputs, "f32"), infer(small, inputs, "bf16")
    assert metrics.auc(after, attacks) >= metrics.auc(before, attacks) - MAX_DROP
    assert ((after >= 0.5) == (before >= 0.5)).all()


def test_operations_of_patterns_are_known_by_their_names() -> None:
    """What is told of them by name stays f32: all their blurs, and nothing of the branches."""
    model = to_openvino(CascadeNet(net_config("m_net", "tiny")).eval(), "m_net")
    blurs = [
        op for op in model.get_ops() if op.get_type_name() == "GroupConvolution" and op.input_value(1).shape[0] == 5
    ]
    kept = [op for op in model.get_ops() if re.fullmatch(PATTERNS, op.get_friendly_name())]
    assert len(blurs) == 8
    assert {op.get_friendly_name() for op in blurs} <= {op.get_friendly_name() for op in kept}
    assert not [op for op in kept if ".branches" in op.get_friendly_name()]


def test_a_score_that_is_no_number_tells_nothing() -> None:
    items = [Shown((np.zeros((1, 1), np.float32),), (np.ones(1),), attack) for attack in (True, False)]
    value, right = _validate(lambda _: [np.full((1, 2), np.nan, np.float32)], items)
    assert (value, right) == (0.5, [0.5, 0.5])
