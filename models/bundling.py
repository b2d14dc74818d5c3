"""From two trained nets to the bundle that the program runs with: thresholds, parity, model card.

    python -P -m models.bundling --d-net RUN/model.pt --m-net TUNED/model.pt --faces DIR --out BUNDLE

Thresholds and the session rule come from the development split, joined by those of `--more`, the card's figures from
the test split, which nothing else reads.
"""

from __future__ import annotations

import argparse
import logging
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from models.datasets.faces import Faces, Sample
from models.errors import DatasetError, TrainingError, command
from models.export import Parity, Precision, check_parity, parity, to_openvino, write_bundle
from models.finetuning import stored_patches
from models.networks import CascadeNet, Kind, load_net, net_config, save_net
from models.operating_point import (
    CascadeScores,
    check_operating_point,
    choose_thresholds,
    figures_text,
    fit_session_rule,
    session_figures,
)
from models.options import count, share
from models.scoring import cut_all, ensemble, score_depth, score_patches
from models.skin_types import skin_types
from pipeline.bundle import load_bundle
from pipeline.parameters import (
    BundleDescription,
    Patch,
    Preprocessing,
    Thresholds,
    default_patches,
)

log = logging.getLogger(__name__)

Origin = Literal["real", "simulated", "semi_simulated"]
PARITY_FACES = 48
D_WEIGHTS = "d_net.pt"
M_WEIGHTS = "m_net.pt"
COLUMNS = ("train", "train, further", "dev", "dev, further", "test")
"""Of the card's table. What is further trains M-Net alone, and sets thresholds as the set's own does."""


@dataclass(frozen=True, slots=True, eq=False)
class TrainedNets:
    """Both nets as trained, and the weighted positions of M-Net."""

    d_net: CascadeNet
    m_net: CascadeNet
    patches: tuple[Patch, ...]

    @classmethod
    def load(cls, d_net: Path, m_net: Path) -> TrainedNets:
        depth, _ = load_net(d_net, "d_net")
        reflectance, extra = load_net(m_net, "m_net")
        return cls(depth, reflectance, stored_patches(extra))

    @classmethod
    def of_bundle(cls, directory: Path) -> TrainedNets:
        """The trained nets that a bundle carries, checksums verified first.

        Raises BundleError for a damaged bundle, TrainingError for one without `d_net.pt` and `m_net.pt`.
        """
        found = load_bundle(directory)
        paths = found.file(D_WEIGHTS), found.file(M_WEIGHTS)
        for path in paths:
            if not path.exists():
                raise TrainingError(f"{path}: missing: this bundle cannot be trained on; take one that carries it")
        return cls.load(*paths)

    def score(self, faces: Faces) -> CascadeScores:
        """Scores of both nets, f32; faces without reflectance are left out."""
        faces = faces.where(lambda sample: sample.reflectance)
        used = [p for p in self.patches if p.weight > 0]
        m_net = ensemble(score_patches(self.m_net, faces, used), used)
        return CascadeScores(score_depth(self.d_net, faces), m_net, faces)


def trained_files(nets: TrainedNets) -> dict[str, bytes]:
    """`d_net.pt` and `m_net.pt`, as `save_net` writes them: what fine-tuning starts from.

    `TrainedNets.of_bundle` reads them again; the program that judges never opens them.
    """
    with TemporaryDirectory() as folder:
        depth, reflectance = Path(folder, D_WEIGHTS), Path(folder, M_WEIGHTS)
        save_net(depth, "d_net", nets.d_net)
        save_net(reflectance, "m_net", nets.m_net, patches=[p.model_dump() for p in nets.patches])
        return {path.name: path.read_bytes() for path in (depth, reflectance)}


def origin_of(samples: Iterable[Sample]) -> Origin:
    origins = {s.origin for s in samples}
    if origins == {"real"}:
        return "real"
    return "simulated" if origins == {"simulated"} else "semi_simulated"


def check_nets(nets: TrainedNets, faces: Faces, precision: Precision) -> tuple[dict[Kind, Any], list[Parity]]:
    """Converts both nets and holds them against torch on real inputs; raises TrainingError beyond the limit."""
    models: dict[Kind, Any] = {
        "d_net": to_openvino(nets.d_net, "d_net"),
        "m_net": to_openvino(nets.m_net, "m_net"),
    }
    some = np.linspace(0, len(faces) - 1, min(len(faces), PARITY_FACES)).astype(int)
    inputs: list[tuple[Kind, CascadeNet, NDArray[np.float32]]] = [("d_net", nets.d_net, faces.depth_maps(some))]
    used = [p for p in nets.patches if p.weight > 0]
    for _, patches in cut_all(torch.from_numpy(faces.planes(some)), used):
        inputs.append(("m_net", nets.m_net, np.ascontiguousarray(patches.numpy())))
    found = []
    for kind, net, batch in inputs:
        for tried in dict.fromkeys((precision, "f32", "bf16")):
            result = parity(net, models[kind], kind, batch, tried)
            log.info("%s %s at %d px", kind, result, batch.shape[-1])
            if tried == precision:
                check_parity(result, kind)
                found.append(result)
    return models, found


def describe(
    nets: TrainedNets,
    dev: CascadeScores,
    preprocessing: Preprocessing,
    *,
    name: str,
    origin: Origin,
    max_bpcer: float,
    precision: Precision,
) -> BundleDescription:
    """`bundle.json` of the nets: thresholds and session rule from the scores of the development split. `origin` is that
    of all that they were made with.
    """
    thresholds = choose_thresholds(dev, max_bpcer)
    rejected = dev.bpcer(thresholds)
    reached = "" if rejected <= max_bpcer + 1e-9 else f", which cannot be had: it is {100 * rejected:.1f} %,"
    set_on = f"on the development split ({origin_of(dev.faces.samples)})"
    s = dev.attack_scores(thresholds)
    return BundleDescription(
        name=name,
        created=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        origin=origin,
        sensors=tuple(sorted({s.sensor for s in dev.faces.samples})),
        precision=precision,
        preprocessing=preprocessing,
        patches=nets.patches,
        thresholds=thresholds,
        operating_point=f"least ACER with BPCER ≤ {100 * max_bpcer:g} %{reached} {set_on}",
        session=fit_session_rule(s, dev.faces.attacks, dev.faces.recordings),
    )


def model_card(
    description: BundleDescription,
    stores: Sequence[Sequence[Sample]],
    test: CascadeScores,
    found: Sequence[Parity],
) -> str:
    """MODEL_CARD.md: what the bundle is for, its data, and its figures on the test split. `stores`: all faces of the
    bundle's own, then of each further one.
    """
    origin = description.origin.replace("_", "-")
    tested = origin_of(test.faces.samples).replace("_", "-")
    used = sum(1 for p in description.patches if p.weight > 0)
    lines = [
        f"# {description.name}",
        "",
        f"Two-stage face anti-spoofing (D-Net on depth, M-Net on colour and infrared). Data: **{origin}**.",
        f"Sensors: {', '.join(description.sensors)}. On any other sensor the scores mean nothing until calibrated.",
        f"Precision {description.precision}; M-Net runs at {used} of {len(description.patches)} positions.",
        f"Operating point: {description.operating_point}.",
        "",
        f"## Faces ({origin})",
        "",
        *_counts(*stores),
        "",
        f"## Figures on the test split ({tested} data, single frames, people and instruments never seen)",
        "",
        figures_text(test, description.thresholds),
        "",
        str(session_figures(test, description.thresholds, description.session)),
        "",
        *skin_types(test, description.thresholds).lines(),
        "",
        "At 0.5 for both nets:",
        "",
        figures_text(test, Thresholds()),
        "",
        "## Parity of the exported nets with the trained ones",
        "",
        *(f"- {p}" for p in found),
    ]
    if tested != "real":
        lines += ["", "Figures on simulated data say how well the simulator's attacks are told apart, no more."]
    return "\n".join(lines) + "\n"


def _counts(own: Sequence[Sample], *further: Sequence[Sample]) -> list[str]:
    """A table of faces by species and split."""
    counts = Counter((s.species or "bona fide", str(s.split)) for s in own)
    counts.update((s.species or "bona fide", f"{s.split}, further") for s in chain(*further))
    columns = [c for c in COLUMNS if any(column == c for _, column in counts)]
    lines = [f"| species | {' | '.join(columns)} |", "|---" * (1 + len(columns)) + "|"]
    for species in sorted({name for name, _ in counts}):
        lines.append(f"| {species} | " + " | ".join(str(counts[species, column]) for column in columns) + " |")
    return lines


def bundle(
    nets: TrainedNets,
    directory: Path,
    out: Path,
    *,
    name: str = "shipped",
    max_bpcer: float = 0.02,
    precision: Precision = "f32",
    more: Sequence[Path] = (),
    begun: Origin | None = None,
) -> Path:
    """Calibrates, converts, checks and writes; returns `out`. `more`: further stores that M-Net learnt from, which the
    card counts, and whose dev splits join that of `directory`. `begun`: origin of the bundle whose nets learnt on.

    Raises DatasetError for a store that lacks a split or one of its classes, TrainingError where `out` exists or parity
    fails.
    """
    dev_faces = Faces.load_all(directory, more, "dev")
    test_faces = Faces.load(directory, split="test")
    for split, faces, use in (("dev", dev_faces, "thresholds"), ("test", test_faces, "card's figures")):
        judged = faces.where(lambda sample: sample.reflectance)  # what `score` judges
        if not judged.both_classes:
            raise DatasetError(f"{directory}: the {split} split needs live faces and attacks for the {use}")
    dev = nets.score(dev_faces)
    stores = [Faces.load(store).samples for store in (directory, *more)]
    learnt = origin_of(s for s in chain(*stores) if s.split != "test")
    origin: Origin = learnt if begun in (None, learnt) else "semi_simulated"
    description = describe(
        nets, dev, dev_faces.preprocessing, name=name, origin=origin, max_bpcer=max_bpcer, precision=precision
    )  # fmt: skip
    check_operating_point(dev, description.thresholds, description.session)
    models, found = check_nets(nets, dev.faces, precision)
    log.info("dev split:\n%s", figures_text(dev, description.thresholds))
    test = nets.score(test_faces)
    card = model_card(description, stores, test, found)
    log.info("%s", card)
    return write_bundle(out, description, models["d_net"], models["m_net"], card, trained_files(nets))


def random_bundle(out: Path, seed: int = 0, sensors: tuple[str, ...] = ("sim-astra",)) -> Path:
    """A whole bundle of small untrained nets, for tests and timings: its scores mean nothing."""
    torch.manual_seed(seed)
    d_net, m_net = (CascadeNet(net_config(kind, "tiny")).eval() for kind in ("d_net", "m_net"))
    patches = default_patches()
    description = BundleDescription(
        name=f"random-{seed}",
        created="2026-01-01T00:00:00Z",
        origin="simulated",
        sensors=sensors,
        precision="f32",
        preprocessing=Preprocessing(),
        patches=tuple(p.model_copy(update={"weight": 1 / len(patches)}) for p in patches),
        thresholds=Thresholds(),
        operating_point="none: untrained nets",
    )
    return write_bundle(out, description, to_openvino(d_net, "d_net"), to_openvino(m_net, "m_net"))


@command
def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="models.bundling", description="Trained nets to a bundle.")
    parser.add_argument("--d-net", type=Path, required=True, help="model.pt of a trained D-Net")
    parser.add_argument("--m-net", type=Path, required=True, help="model.pt of a trained or fine-tuned M-Net")
    parser.add_argument("--faces", type=Path, required=True, help="store of prepared faces")
    parser.add_argument(
        "--more", type=Path, nargs="+", default=[], metavar="STORE", help="others: train for the card, dev to set by"
    )
    parser.add_argument("--out", type=Path, required=True, help="new folder of the bundle")
    parser.add_argument("--name", default="shipped")
    parser.add_argument("--bpcer", type=share, default=0.02, help="share of live faces that may be rejected")
    parser.add_argument("--precision", choices=("f32", "bf16"), default="f32")
    parser.add_argument("--threads", type=count, default=1)
    given = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    torch.set_num_threads(given.threads)
    nets = TrainedNets.load(given.d_net, given.m_net)
    path = bundle(
        nets,
        given.faces,
        given.out,
        name=given.name,
        max_bpcer=given.bpcer,
        precision=given.precision,
        more=given.more,
    )
    log.info("wrote %s", path)


if __name__ == "__main__":
    raise SystemExit(main())
