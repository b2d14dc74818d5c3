"""The mean of trained nets' weights, for nets of one start: often better on new faces than either, at no cost in speed.

    python -P -m models.averaging before.pt after.pt --out mean.pt

"Model soups" (Wortsman et al. 2022). Nets that were begun with different random weights have no mean worth having: take
a net and what `models.training --start` made of it, and compare all of them on the development split.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch

from models.errors import TrainingError, command
from models.networks import KINDS, Kind, load_net, save_net


def average(kind: Kind, paths: Sequence[Path], out: Path) -> Path:
    """Writes the mean of nets of one shape; what else the last one's file holds is kept, but its positions. It is
    `mirrored` if the last one is.

    Raises TrainingError where the nets differ in shape or constants, or `out` exists.
    """
    if out.exists():
        raise TrainingError(f"{out} exists: name a new file")
    nets = [load_net(path, kind) for path in paths]
    mean, extra = nets[-1]
    for path, (net, _) in zip(paths, nets, strict=True):
        if replace(net.config, mirrored=mean.config.mirrored) != mean.config:
            raise TrainingError(f"{path} and {paths[-1]} differ in shape or constants: they have no mean")
    states = [net.state_dict() for net, _ in nets]
    weights = {
        name: torch.stack([state[name] for state in states]).mean(0) if last.is_floating_point() else last
        for name, last in states[-1].items()
    }
    mean.load_state_dict(weights)
    save_net(out, kind, mean.eval(), **{name: value for name, value in extra.items() if name != "patches"})
    return out


@command
def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="models.averaging", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("nets", type=Path, nargs="+", help="trained nets (.pt) of one start")
    parser.add_argument("--kind", choices=KINDS, default="m_net")
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args(arguments)
    average(given.kind, given.nets, given.out)


if __name__ == "__main__":
    raise SystemExit(main())
