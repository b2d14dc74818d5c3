"""Nets to OpenVINO IR, held against torch, and the bundle directory: IR, parameters, model card, checksums.

Importing this module needs no torch: whoever has OpenVINO models of his own calls `write_bundle`.
`models.bundling` makes a bundle of two trained nets.
"""

from __future__ import annotations

import hashlib
import shutil
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import openvino as ov
from numpy.typing import NDArray

from models.errors import TrainingError
from pipeline.bundle import DESCRIPTION, SUMS
from pipeline.inference import core
from pipeline.parameters import FACE_SIZE, PLANES, BundleDescription

if TYPE_CHECKING:
    from models.networks import CascadeNet, Kind

F32 = NDArray[np.float32]
Precision = Literal["f32", "bf16"]

CARD = "MODEL_CARD.md"
NO_FILES: Mapping[str, bytes] = MappingProxyType({})

PARITY: dict[Precision, float] = {"f32": 1e-3, "bf16": 3e-2}
"""Largest difference of a probability between torch (f32) and OpenVINO that an export may show."""


def write_bundle(
    directory: Path,
    description: BundleDescription,
    d_net: ov.Model,
    m_net: ov.Model,
    card: str = "",
    extra_files: Mapping[str, bytes] = NO_FILES,
) -> Path:
    """Writes a whole bundle; an existing directory of that name is refused.

    `d_net`: float32 [1, 3, 112, 112] to [1, 2]; `m_net`: float32 [B, 10, s, s] to [B, 2]; column 0 of both
    outputs is the probability of an attack. `extra_files` lie beside them under their names and are covered by
    SHA256SUMS like everything else. Raises TrainingError where `directory` exists or an extra file's name is a
    path or one of the bundle's own.
    """
    if directory.exists():
        raise TrainingError(f"{directory} exists: name a new folder for the bundle")
    _check_names(extra_files, description)
    part = directory.with_name(directory.name + ".part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    # f32: half of 8 MB is not worth scores other than those that the thresholds were set on.
    ov.save_model(d_net, part / description.d_net, compress_to_fp16=False)
    ov.save_model(m_net, part / description.m_net, compress_to_fp16=False)
    (part / DESCRIPTION).write_text(description.model_dump_json(indent=2) + "\n")
    (part / CARD).write_text(card or f"# {description.name}\n\nOrigin of its data: {description.origin}.\n")
    for name, content in extra_files.items():
        (part / name).write_bytes(content)
    write_sums(part)
    part.replace(directory)
    return directory


def _check_names(extra_files: Mapping[str, bytes], description: BundleDescription) -> None:
    nets = (Path(description.d_net), Path(description.m_net))
    own = {DESCRIPTION, CARD, SUMS, *(str(net.with_suffix(end)) for net in nets for end in (".xml", ".bin"))}
    for name in extra_files:
        if not name or name in own or name != Path(name).name or name != name.strip():
            raise TrainingError(f"{name!r} cannot be an extra file of a bundle: give a plain name that is not taken")


def write_sums(directory: Path) -> None:
    """Writes SHA256SUMS over every other file, in the format of `sha256sum --check`."""
    files = sorted(p for p in directory.iterdir() if p.name != SUMS)
    lines = [f"{hashlib.sha256(p.read_bytes()).hexdigest()}  {p.name}\n" for p in files]
    (directory / SUMS).write_text("".join(lines))


def report_nothing() -> None:
    """Cuts OpenVINO's converter and NNCF off from their usage reports.

    Both report each call to Google Analytics unless their user has declined; this program talks to nobody. They
    carry on with a stub where the package is not installed, and are given that stub here.
    """
    if find_spec("openvino_telemetry") is not None:
        telemetry: Any = import_module("openvino_telemetry")
        telemetry.Telemetry = import_module("openvino.tools.ovc.telemetry_stub").Telemetry


def to_openvino(net: CascadeNet, kind: Kind) -> ov.Model:
    """The net with its softmax as an OpenVINO model; D-Net is static, M-Net takes any batch and square."""
    import torch

    from models.networks import Probabilities

    report_nothing()
    net = net.eval()
    sizes = {"d_net": [1, 3, FACE_SIZE, FACE_SIZE], "m_net": [-1, PLANES, -1, -1]}[kind]
    example = torch.rand(1, 3, FACE_SIZE, FACE_SIZE) if kind == "d_net" else torch.rand(2, PLANES, 32, 32)
    with torch.no_grad(), warnings.catch_warnings():
        # OpenVINO traces the module; torch calls its own tracer deprecated, its successor is slower to convert.
        warnings.filterwarnings("ignore", message=r"`torch\.jit\.", category=DeprecationWarning)
        model = ov.convert_model(Probabilities(net).eval(), example_input=example, input=[ov.PartialShape(sizes)])
    model.inputs[0].get_tensor().set_names({"planes"})
    model.outputs[0].get_tensor().set_names({"probabilities"})
    model.validate_nodes_and_infer_types()
    return model


@dataclass(frozen=True, slots=True)
class Parity:
    """Largest and mean difference of the attack probability between torch and OpenVINO, and flipped verdicts."""

    precision: Precision
    largest: float
    mean: float
    flips: int
    count: int

    def __str__(self) -> str:
        return (
            f"{self.precision}: |Δp| largest {self.largest:.1e}, mean {self.mean:.1e}, "
            f"{self.flips} of {self.count} flipped at 0.5"
        )


def infer(model: ov.Model, inputs: F32, precision: Precision, batch: int | None = None) -> F32:
    """Attack probabilities float32 [n] of `inputs` float32 [n, C, H, W]; precision as stated, never chosen
    by the runtime."""
    compiled = core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": precision})
    step = batch or len(inputs)
    # copies: the runtime reuses its output tensor for the next batch
    parts = [np.array(compiled(inputs[i : i + step])[0][:, 0]) for i in range(0, len(inputs), step)]
    return np.concatenate(parts)


def parity(net: CascadeNet, model: ov.Model, kind: Kind, inputs: F32, precision: Precision) -> Parity:
    """Compares torch f32 and OpenVINO on the same inputs."""
    import torch

    from models.networks import ATTACK, Probabilities

    with torch.no_grad():
        ours: Any = Probabilities(net.eval())(torch.from_numpy(inputs))[:, ATTACK].numpy()
    theirs = infer(model, inputs, precision, batch=1 if kind == "d_net" else None)
    difference = np.abs(ours - theirs)
    flips = int(((ours >= 0.5) != (theirs >= 0.5)).sum())
    return Parity(precision, float(difference.max()), float(difference.mean()), flips, len(inputs))


def check_parity(found: Parity, what: str) -> None:
    """Raises TrainingError where an export does not do what the trained net does."""
    if not found.largest <= PARITY[found.precision]:
        raise TrainingError(
            f"{what} as exported differs from the trained net ({found}; allowed {PARITY[found.precision]:.0e}): "
            "export in precision f32"
        )
