"""The bundle directory, written without torch."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import openvino as ov
import pytest

from drivers.errors import BundleError
from models.errors import TrainingError
from models.export import Parity as Found
from models.export import check_parity, infer, write_bundle
from pipeline.bundle import load_bundle
from pipeline.parameters import BundleDescription
from tests.models.tiny_bundle import expected, tiny_bundle, tiny_description, tiny_nets


def test_bundle_holds_its_files_and_their_sums(tmp_path: Path) -> None:
    bundle = tiny_bundle(tmp_path / "bundle")
    names = {p.name for p in bundle.iterdir()}
    assert names == {"d_net.xml", "d_net.bin", "m_net.xml", "m_net.bin", "bundle.json", "MODEL_CARD.md", "SHA256SUMS"}
    lines = (bundle / "SHA256SUMS").read_text().splitlines()
    assert {line.split("  ")[1] for line in lines} == names - {"SHA256SUMS"}
    for line in lines:
        digest, name = line.split("  ")
        assert hashlib.sha256((bundle / name).read_bytes()).hexdigest() == digest
    read = BundleDescription.model_validate_json((bundle / "bundle.json").read_bytes())
    assert read == tiny_description()


def test_stored_nets_score_as_written(tmp_path: Path) -> None:
    bundle = tiny_bundle(tmp_path / "bundle")
    x = np.random.default_rng(0).random((3, 10, 32, 32), np.float32)
    scores = infer(ov.Core().read_model(bundle / "m_net.xml"), x, "f32", batch=2)
    assert scores == pytest.approx([expected(face) for face in x], abs=1e-5)


def test_an_existing_bundle_is_never_overwritten(tmp_path: Path) -> None:
    bundle = tiny_bundle(tmp_path / "bundle")
    before = (bundle / "SHA256SUMS").read_bytes()
    with pytest.raises(TrainingError, match="exists"):
        write_bundle(bundle, tiny_description(), *tiny_nets(0.2))
    assert (bundle / "SHA256SUMS").read_bytes() == before


def test_extra_files_are_covered_by_the_checksums(tmp_path: Path) -> None:
    extra = {"d_net.pt": b"weights", "m_net.pt": bytes(range(256))}
    bundle = write_bundle(tmp_path / "bundle", tiny_description(), *tiny_nets(), extra_files=extra)
    found = load_bundle(bundle)
    assert {name: found.file(name).read_bytes() for name in extra} == extra
    assert found.sha256 != load_bundle(tiny_bundle(tmp_path / "plain")).sha256
    (bundle / "m_net.pt").write_bytes(bytes(256))
    with pytest.raises(BundleError, match=r"m_net\.pt: its SHA-256"):
        load_bundle(bundle)
    (bundle / "m_net.pt").unlink()
    with pytest.raises(BundleError, match=r"m_net\.pt: missing"):
        load_bundle(bundle)


@pytest.mark.parametrize("name", ["d_net.bin", "bundle.json", "SHA256SUMS", "sub/x.pt", "../x.pt", "", "x.pt\n"])
def test_extra_files_take_no_name_that_is_taken_or_a_path(tmp_path: Path, name: str) -> None:
    with pytest.raises(TrainingError, match="extra file"):
        write_bundle(tmp_path / "bundle", tiny_description(), *tiny_nets(), extra_files={name: b""})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("largest", [2e-3, float("nan")])
def test_an_export_that_differs_is_refused(largest: float) -> None:
    with pytest.raises(TrainingError, match="differs from the trained net"):
        check_parity(Found("f32", largest, largest, 0, 10), "m_net")
    check_parity(Found("f32", 9e-4, 1e-5, 0, 10), "m_net")


def test_writing_a_bundle_needs_no_torch() -> None:
    code = "import sys, models.export; sys.exit('torch' in sys.modules)"
    root = Path(__file__).parents[2]
    assert subprocess.run([sys.executable, "-c", code], cwd=root, check=False).returncode == 0
