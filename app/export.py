"""`trilume export`: trained nets as a bundle, and a bundle's nets in INT8."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from rich.console import Console

from app.errors import SIGNALS, Exit, Refused, stopped_by
from app.learning import steps
from models.extra import TRAINING, require_train_extra
from pipeline.bundle import load_bundle, shipped_path


@dataclass(frozen=True, slots=True)
class Nets:
    """What is exported: two trained nets (`model.pt`), or a bundle (neither net given; None: the shipped one)."""

    d_net: Path | None = None
    m_net: Path | None = None
    bundle: Path | None = None


@dataclass(frozen=True, slots=True)
class As:
    """How it is exported. `max_bpcer` for the thresholds, `more` for the card; `int8` where it is faster and the
    figures stay, with the threads that the program will run with."""

    name: str
    max_bpcer: float = 0.05
    precision: Literal["f32", "bf16"] = "f32"
    more: tuple[Path, ...] = ()
    int8: bool = False
    threads: int = 2


def export(nets: Nets, store: Path, out: Path, wish: As, console: Console) -> Exit:
    """Writes the bundle `out`: thresholds from the store's development split, figures from its test split.

    Raises TrilumeError for what does not fit together; nothing is overwritten, and a run that was stopped leaves
    nothing.
    """
    require_train_extra(TRAINING, "exporting needs the extra")
    _check(nets, store, out, wish)
    try:
        with steps(console) as watch, TemporaryDirectory(prefix="trilume-") as folder:
            bundle = nets.bundle or shipped_path()
            if nets.d_net is not None and nets.m_net is not None:
                watch("bundle")
                bundle = _bundled(nets.d_net, nets.m_net, store, Path(folder, "f32") if wish.int8 else out, wish)
            if wish.int8:
                watch("INT8")
                _quantised(bundle, store, out, wish)
    except SIGNALS as stop:
        return stopped_by(stop)
    about = load_bundle(out).description
    precisions = f"D-Net {about.precision}, M-Net {about.m_net_precision or about.precision}"
    console.print(f"{out}: {precisions}; its figures: MODEL_CARD.md", markup=False, highlight=False, soft_wrap=True)
    return Exit.DONE


def _check(nets: Nets, store: Path, out: Path, wish: As) -> None:
    if out.exists():
        raise Refused(f"{out}: exists: name a new folder for the bundle")
    if (nets.d_net is None) != (nets.m_net is None):
        missing = "--d-net" if nets.d_net is None else "--m-net"
        raise Refused(f"{missing} is missing: a bundle holds two nets: give the model.pt of both")
    if nets.d_net is not None and nets.bundle is not None:
        raise Refused("--bundle and --d-net, --m-net: give either a bundle or two trained nets")
    if nets.d_net is None and not wish.int8:
        raise Refused("nothing to export: give --d-net and --m-net, or --int8 for a bundle")
    if not store.is_dir():
        raise Refused(f"{store}: no such store of faces: name the folder that the nets were trained on")


def _bundled(d_net: Path, m_net: Path, store: Path, out: Path, wish: As) -> Path:
    from models.bundling import TrainedNets, bundle

    nets = TrainedNets.load(d_net, m_net)
    return bundle(nets, store, out, name=wish.name, max_bpcer=wish.max_bpcer, precision=wish.precision, more=wish.more)


def _quantised(bundle: Path, store: Path, out: Path, wish: As) -> None:
    from models.quantising import convert

    convert(bundle, store, out, threads=wish.threads)
