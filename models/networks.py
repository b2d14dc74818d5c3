"""The one network of both stages: three ResNeXt branches, fused by squeeze and excitation at each stage.

    planes ─┬ branch 1 ─ stem ─ stage 1 ─ stage 2 ─ stage 3
            ├ branch 2 ─ …         │         │         │
            └ branch 3 ─ …       concat    concat    concat    the three branches' channels
                                   │         │         │
                                 GAP, SE   GAP, SE   GAP, SE
                                   └── low ──┴─ middle ┴─ high ── FC ─ FC ─ logits (attack, live)

Squeeze and excitation multiplies each channel by one number, so it commutes with global average pooling:
pooling first gives the same features at a fraction of the cost.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from itertools import accumulate
from pathlib import Path
from pickle import UnpicklingError
from typing import Any, Literal

import torch
from torch import Tensor, nn

from models.errors import TrainingError
from models.patterns import Patterns
from pipeline.parameters import PLANES

Kind = Literal["d_net", "m_net"]
KINDS: tuple[Kind, Kind] = ("d_net", "m_net")

ATTACK, LIVE = 0, 1
"""Columns of the logits: column 0 of the softmax is the probability of an attack."""


LOG_FLOOR = 0.02

Spans = tuple[tuple[int, int], ...]
INPUTS: Mapping[Kind, Mapping[str, Spans]] = {
    "d_net": {
        "f1": ((0, 1),),
        "f1f2": ((0, 1), (1, 2)),
        "f1f3": ((0, 1), (2, 3)),
        "f2f3": ((1, 2), (2, 3)),
        "f1f2f3": (),
    },
    "m_net": {"rgb": ((0, 3),), "ir": ((3, 4),), "fusion": ()},
}
"""Inputs to train a net on (Tables III and IV): planes [first, end) of each of its branches; () = all three."""


@dataclass(frozen=True, slots=True)
class NetConfig:
    """Shape of a `CascadeNet`. Tuples of three are stages 1 to 3, but `channels`: planes of each branch.

    `widths` are the stages' output channels, `bottleneck` the inner share of them, `groups` the groups of
    the 3×3 convolutions (cardinality). Of the `linear` leading planes the net takes the logarithm: what tells
    materials apart is the ratio of bands, and in logarithms a ratio is a difference, which a convolution can
    take. `cells` > 0 gives the head the planes themselves as a fourth level, in `cells`×`cells` cells, `patterns` > 0
    a fifth of that width: how the fine pattern of infrared follows that of colour (`Patterns`). `mean` and `std` (one a
    plane, after the logarithm) are constants of the net, not of a face. A `mirrored` net that judges looks at each
    face twice, as it is and mirrored.

    `spans` (`INPUTS`) narrow what the net looks at: one branch for each span of planes, no branch for the rest.
    The net takes all planes all the same, so that whatever feeds it stays as it is.
    """

    channels: tuple[int, int, int]
    widths: tuple[int, int, int]
    blocks: tuple[int, int, int]
    groups: tuple[int, int, int]
    stem_width: int
    stem_kernel: int
    stem_stride: Literal[2, 4]
    hidden: int
    bottleneck: float = 0.5
    se_ratio: int = 16
    dropout: float = 0.2
    linear: int = 0
    cells: int = 0
    patterns: int = 0
    mirrored: bool = False
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    spans: Spans = ()

    @property
    def planes(self) -> int:
        return sum(self.channels)

    @property
    def branches(self) -> Spans:
        """Planes [first, end) of each branch."""
        ends = accumulate(self.channels)
        return self.spans or tuple((end - n, end) for n, end in zip(self.channels, ends, strict=True))


def net_config(kind: Kind, name: Literal["paper", "edge", "tiny"] = "edge", inputs: str = "") -> NetConfig:
    """A named configuration: `paper` = ResNeXt-50 32×4d, `edge` = what runs on two cores, `tiny` = tests.

    `edge` keeps 16 channels a group: fewer cost more time than they save on CPUs with wide vectors. `inputs` is one
    of `INPUTS[kind]`, by default all planes; raises TrainingError for another.
    """
    if inputs and inputs not in INPUTS[kind]:
        raise TrainingError(f"inputs {inputs!r} are none of {kind}: give one of {', '.join(INPUTS[kind])}")
    whole, spans = _whole_config(kind, name), INPUTS[kind].get(inputs, ())
    return replace(whole, spans=spans, patterns=0 if spans else whole.patterns)  # patterns want both bands


def _whole_config(kind: Kind, name: Literal["paper", "edge", "tiny"]) -> NetConfig:
    channels = (1, 1, 1) if kind == "d_net" else (4, 3, 3)
    stride: Literal[2, 4] = 4 if kind == "d_net" else 2
    linear, cells, patterns, mirrored = (0, 0, 0, False) if kind == "d_net" else (4, 16, 64, True)
    if name == "paper":
        return NetConfig(channels, (256, 512, 1024), (3, 4, 6), (32, 32, 32), 64, 7, stride, 512, linear=linear)
    if name == "edge":
        return NetConfig(
            channels, (64, 128, 256), (2, 2, 2), (2, 4, 8), 32, 3, stride, 128,
            linear=linear, cells=cells, patterns=patterns, mirrored=mirrored,
        )  # fmt: skip
    return NetConfig(
        channels, (16, 32, 32), (1, 1, 1), (1, 2, 2), 8, 3, stride, 16,
        linear=linear, cells=cells, patterns=patterns // 8, mirrored=mirrored,
    )  # fmt: skip


def _convolution(inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(outputs),
    )


class Bottleneck(nn.Module):  # type: ignore[misc]  # torch is not typed here
    """ResNeXt block: 1×1, grouped 3×3 with the stride, 1×1, plus the shortcut."""

    def __init__(self, inputs: int, outputs: int, inner: int, groups: int, stride: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            _convolution(inputs, inner, 1),
            nn.ReLU(inplace=True),
            _convolution(inner, inner, 3, stride, groups),
            nn.ReLU(inplace=True),
            _convolution(inner, outputs, 1),
        )
        same = inputs == outputs and stride == 1
        self.shortcut = nn.Identity() if same else _convolution(inputs, outputs, 1, stride)
        self.activation = nn.ReLU(inplace=True)
        # The block starts as its shortcut: deep stacks train from the first step on.
        nn.init.zeros_(self.body[-1][1].weight)

    def forward(self, x: Tensor) -> Tensor:
        return self.activation(self.body(x) + self.shortcut(x))


class Branch(nn.Module):  # type: ignore[misc]
    """Stem and three residual stages over one fusion of the planes."""

    def __init__(self, channels: int, config: NetConfig) -> None:
        super().__init__()
        pool = [nn.MaxPool2d(3, 2, 1)] if config.stem_stride == 4 else []
        stem = _convolution(channels, config.stem_width, config.stem_kernel, 2)
        self.stem = nn.Sequential(stem, nn.ReLU(inplace=True), *pool)
        self.stages = nn.ModuleList()
        inputs = config.stem_width
        for number, width in enumerate(config.widths):
            inner, groups = int(width * config.bottleneck), config.groups[number]
            blocks = []
            for block in range(config.blocks[number]):
                stride = 2 if number > 0 and block == 0 else 1
                blocks.append(Bottleneck(inputs, width, inner, groups, stride))
                inputs = width
            self.stages.append(nn.Sequential(*blocks))

    def forward(self, x: Tensor) -> list[Tensor]:
        x = self.stem(x)
        features = []
        for stage in self.stages:
            x = stage(x)
            features.append(x)
        return features


class SqueezeExcitation(nn.Module):  # type: ignore[misc]
    """Recalibrates pooled channels [B, C] by a gate that sees all branches."""

    def __init__(self, channels: int, ratio: int) -> None:
        super().__init__()
        self.gate = nn.Sequential(
            nn.Linear(channels, channels // ratio),
            nn.ReLU(inplace=True),
            nn.Linear(channels // ratio, channels),
            nn.Sigmoid(),
        )

    def forward(self, pooled: Tensor) -> Tensor:
        return pooled * self.gate(pooled)


class Cells(nn.Module):  # type: ignore[misc]
    """The input as a level of its own: mean and spread of each plane over the face's pixels, and their share, in a
    grid of cells. How bright skin is in each band is a matter of areas; convolutions find it late, if at all.
    """

    def __init__(self, planes: int, cells: int) -> None:
        super().__init__()
        self.cells = cells
        self.features = (2 * planes + 1) * cells * cells
        self.scale = nn.BatchNorm1d(self.features)

    def forward(self, planes: Tensor, face: Tensor) -> Tensor:
        """`planes` [B, C, H, W], `face` [B, 1, H, W] of 0 and 1, to [B, features]."""
        share = self._pooled(face)
        some = share.clamp(min=1e-3)
        mean = self._pooled(planes * face) / some
        spread = (self._pooled(planes * planes * face) / some - mean * mean).clamp(min=1e-4).sqrt()
        return self.scale(torch.cat([mean, spread, share], 1).flatten(1))

    def _pooled(self, planes: Tensor) -> Tensor:
        return nn.functional.adaptive_avg_pool2d(planes, self.cells)


class CascadeNet(nn.Module):  # type: ignore[misc]
    """D-Net or M-Net: planes float32 [B, C, H, W] to logits [B, 2] (attack, live); any H, W ≥ 16.

    C is `config.planes` whatever the net looks at. In evaluation the logits of a `mirrored` net are the mean of those
    of the face and of its mirror image: on the two it errs in part differently.
    """

    def __init__(self, config: NetConfig) -> None:
        super().__init__()
        self.config = config
        mean = torch.tensor(config.mean or [0.0] * config.planes)
        std = torch.tensor(config.std or [1.0] * config.planes)
        self.register_buffer("mean", mean.view(1, -1, 1, 1))
        self.register_buffer("std", std.view(1, -1, 1, 1))
        counts = [end - first for first, end in config.branches]
        self.branches = nn.ModuleList(Branch(count, config) for count in counts)
        fused = [len(counts) * width for width in config.widths]
        self.excitations = nn.ModuleList(SqueezeExcitation(width, config.se_ratio) for width in fused)
        self.grid = Cells(sum(counts), config.cells) if config.cells else None
        self.patterns = Patterns(config.patterns) if config.patterns else None
        seen = sum(fused) + (self.grid.features if self.grid else 0) + config.patterns
        self.head = nn.Sequential(
            nn.Dropout(config.dropout),
            nn.Linear(seen, config.hidden),
            nn.ReLU(inplace=True),
            nn.Linear(config.hidden, 2),
        )

    def forward(self, planes: Tensor) -> Tensor:
        if self.training or not self.config.mirrored:
            return self._logits(planes)
        return self._logits(torch.cat([planes, planes.flip(3)]), looks=2).unflatten(0, (2, -1)).mean(0)

    def _logits(self, planes: Tensor, looks: int = 1) -> Tensor:
        """`planes` hold `looks` looks at each face, one after the other."""
        spans = self.config.branches
        face = (planes[:, slice(*spans[0])].amax(1, keepdim=True) > 0).to(planes.dtype)
        logs = in_logarithms(planes, self.config.linear)
        planes = (logs - self.mean) / self.std
        groups = [planes[:, first:end] for first, end in spans]
        branches = [branch(group) for branch, group in zip(self.branches, groups, strict=True)]
        levels = [
            excite(torch.cat([features[stage].mean((2, 3)) for features in branches], 1))
            for stage, excite in enumerate(self.excitations)
        ]
        if self.grid is not None:
            levels.append(self.grid(torch.cat(groups, 1), face))
        if self.patterns is not None:
            one, own = (each.unflatten(0, (looks, -1))[0] for each in (logs[:, : self.config.linear], face))
            levels.append(self.patterns(one, own).repeat(looks, 1))  # they are the same in the mirror
        return self.head(torch.cat(levels, 1))


class Probabilities(nn.Module):  # type: ignore[misc]
    """A net with its softmax: what is exported. Column 0 is the probability of an attack."""

    def __init__(self, net: CascadeNet) -> None:
        super().__init__()
        self.net = net

    def forward(self, planes: Tensor) -> Tensor:
        return torch.softmax(self.net(planes), 1)


def parameter_count(net: nn.Module) -> int:
    return sum(int(p.numel()) for p in net.parameters())


def freeze_statistics(net: nn.Module) -> None:
    """Batch normalisation uses its running statistics from here on, as it will when judging."""
    for module in net.modules():
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            module.eval()


def save_net(path: Path, kind: Kind, net: CascadeNet, **extra: Any) -> None:
    """Writes kind, configuration, weights and plain `extra` values, whole or not at all."""
    part = path.with_name(path.name + ".part")
    torch.save({"kind": kind, "config": asdict(net.config), "weights": net.state_dict(), **extra}, part)
    part.replace(path)


def load_net(path: Path, kind: Kind) -> tuple[CascadeNet, dict[str, Any]]:
    """The net (in evaluation mode) and everything else that `save_net` wrote. Nothing is unpickled.

    Raises TrainingError where the file is missing, damaged or holds the other net.
    """
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
        found = content.pop("kind")
        net = CascadeNet(NetConfig(**content.pop("config")))
        net.load_state_dict(content.pop("weights"))
    except (OSError, KeyError, TypeError, ValueError, RuntimeError, UnpicklingError) as error:
        raise TrainingError(f"{path} is no trained net ({type(error).__name__}): train it first") from error
    if found != kind:
        raise TrainingError(f"{path} holds a {found}, not a {kind}: swap the two files")
    return net.eval(), content


def grown(net: CascadeNet, config: NetConfig) -> CascadeNet:
    """`net` in the shape `config`, which may have the level of patterns that it lacks: what it says stays as it is,
    until it has learnt to use that level. It may be `mirrored` where `net` is not. Raises TrainingError where they
    differ in anything else.
    """
    if replace(net.config, mirrored=config.mirrored) not in (config, replace(config, patterns=0)):
        raise TrainingError("the two have another shape")
    new = CascadeNet(config)
    first, weights = "head.1.weight", net.state_dict()
    old = weights[first]
    weights[first] = torch.cat([old, old.new_zeros(len(old), new.head[1].in_features - old.shape[1])], 1)
    new.load_state_dict({**new.state_dict(), **weights})
    return new


def in_logarithms(planes: Tensor, linear: int) -> Tensor:
    """Planes [B, C, H, W], the first `linear` of them as log(x + floor); the floor keeps noise in the dark small."""
    if linear == 0:
        return planes
    return torch.cat([(planes[:, :linear].clamp(min=0) + LOG_FLOOR).log(), planes[:, linear:]], 1)


def with_statistics(config: NetConfig, planes: Tensor) -> NetConfig:
    """`config` with mean and std of `planes` [B, C, H, W] as its constants."""
    if planes.shape[1] not in (3, PLANES):
        raise ValueError(f"planes {tuple(planes.shape)} are neither D-Net's nor M-Net's")
    std, mean = torch.std_mean(in_logarithms(planes, config.linear), (0, 2, 3))
    return replace(config, mean=tuple(mean.tolist()), std=tuple(std.clamp(min=1e-3).tolist()))
