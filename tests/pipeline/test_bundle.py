"""A bundle is read whole or not at all: hashes before parsing, and each error names its file."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from drivers.errors import BundleError
from pipeline.bundle import load_bundle
from pipeline.nets import Nets
from tests.models.tiny_bundle import tiny_bundle


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return tiny_bundle(tmp_path / "bundle")


def resum(bundle: Path) -> None:
    files = sorted(p for p in bundle.iterdir() if p.name != "SHA256SUMS")
    lines = [f"{hashlib.sha256(p.read_bytes()).hexdigest()}  {p.name}\n" for p in files]
    (bundle / "SHA256SUMS").write_text("".join(lines))


def test_a_whole_bundle_is_read(bundle: Path) -> None:
    read = load_bundle(bundle)
    assert read.description.name == "tiny"
    assert read.sha256 == hashlib.sha256((bundle / "SHA256SUMS").read_bytes()).hexdigest()


def test_any_flipped_bit_is_found_and_named(bundle: Path) -> None:
    rng = random.Random(1)
    files = sorted(p for p in bundle.iterdir() if p.name != "SHA256SUMS")
    for _ in range(60):
        path = rng.choice(files)
        good = path.read_bytes()
        bad = bytearray(good)
        bad[rng.randrange(len(bad))] ^= 1 << rng.randrange(8)
        path.write_bytes(bytes(bad))
        with pytest.raises(BundleError, match=path.name):
            load_bundle(bundle)
        path.write_bytes(good)
    load_bundle(bundle)


def change(name: str, text: str) -> Callable[[Path], None]:
    def apply(bundle: Path) -> None:
        (bundle / name).write_text(text)

    return apply


@pytest.mark.parametrize(
    ("damage", "named"),
    [
        (lambda b: (b / "m_net.bin").unlink(), "m_net.bin"),
        (lambda b: (b / "SHA256SUMS").unlink(), "SHA256SUMS"),
        (change("extra.txt", "?"), "extra.txt"),
        (change("SHA256SUMS", "not a listing\n"), "line 1"),
        (change("SHA256SUMS", "0" * 64 + "  ../secret\n"), "line 1"),
        (change("SHA256SUMS", ""), "bundle.json"),
    ],
)
def test_missing_extra_and_senseless_files_are_named(bundle: Path, damage: Callable[[Path], None], named: str) -> None:
    damage(bundle)
    with pytest.raises(BundleError, match=named):
        load_bundle(bundle)


def test_swapped_nets_are_found(bundle: Path) -> None:
    d_net, m_net = bundle / "d_net.xml", bundle / "m_net.xml"
    one, other = d_net.read_bytes(), m_net.read_bytes()
    d_net.write_bytes(other)
    m_net.write_bytes(one)
    with pytest.raises(BundleError, match=r"d_net\.xml"):
        load_bundle(bundle)


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ('"format": 1', '"format": 2', "format"),
        ('"near_m": 0.3', '"near_m": -1', "near_m"),
        ('"m_net": 0.5', '"m_net": 1.5', "m_net"),
        ('"precision": "f32"', '"precision": "f32", "colour": 1', "colour"),
        ('"name": "tiny",', "", "name"),
    ],
)
def test_a_description_that_is_wrong_names_its_key(bundle: Path, old: str, new: str, key: str) -> None:
    path = bundle / "bundle.json"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    resum(bundle)
    with pytest.raises(BundleError, match=key):
        load_bundle(bundle)


def test_a_net_that_is_no_net_is_named(bundle: Path) -> None:
    (bundle / "d_net.xml").write_text("<net>")
    resum(bundle)
    with pytest.raises(BundleError, match=r"d_net\.xml"):
        Nets(load_bundle(bundle), threads=1)


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="no such bundle"):
        load_bundle(tmp_path / "none")
