"""Reading a model bundle: every file's hash before any parsing.

A bundle is a directory: the nets as OpenVINO IR, `bundle.json` (`BundleDescription`), `MODEL_CARD.md` and
`SHA256SUMS` over all of them. Damaged IR mostly fails to load, but some of it runs without complaint, so nothing
is parsed before all hashes are right.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from pydantic import ValidationError

from drivers.errors import BundleError
from pipeline.parameters import BundleDescription

SUMS = "SHA256SUMS"
DESCRIPTION = "bundle.json"
REMEDY = "take the bundle again from where it came from, or export it anew"


@dataclass(frozen=True, slots=True)
class Bundle:
    """A verified bundle. `sha256` is the digest of its SHA256SUMS and so names its whole content."""

    path: Path
    description: BundleDescription
    sha256: str

    def file(self, name: str) -> Path:
        """A file of the bundle by name."""
        return self.path / name


def shipped_path() -> Path:
    """Where the bundle that comes with the program lies. `models` is located, never imported."""
    spec = find_spec("models")
    if spec is None or not spec.submodule_search_locations:
        raise BundleError("the package `models` with the shipped bundle is missing: reinstall trilume")
    return Path(next(iter(spec.submodule_search_locations))) / "shipped" / "edge"


def load_bundle(path: Path | str | None = None) -> Bundle:
    """The bundle in a directory, or the shipped one. Raises BundleError naming the file that is wrong."""
    directory = shipped_path() if path is None else Path(path)
    if not directory.is_dir():
        raise BundleError(f"{directory}: no such bundle directory: name one that holds {SUMS}")
    digest = _verify(directory)
    return Bundle(directory, _describe(directory), digest)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise BundleError(f"{path}: missing from the bundle: {REMEDY}") from None
    except OSError as error:
        raise BundleError(f"{path}: cannot be read ({error.strerror}): {REMEDY}") from error


def _verify(directory: Path) -> str:
    listing = _read(directory / SUMS)
    wanted = _sums(directory, listing)
    present = {str(p.relative_to(directory)) for p in directory.rglob("*") if not p.is_dir()} - {SUMS}
    for name in sorted(present - wanted.keys()):
        raise BundleError(f"{directory / name}: not listed in {SUMS}: remove it, or {REMEDY}")
    for name, digest in sorted(wanted.items()):
        if hashlib.sha256(_read(directory / name)).hexdigest() != digest:
            raise BundleError(f"{directory / name}: its SHA-256 is not the one in {SUMS}: {REMEDY}")
    return hashlib.sha256(listing).hexdigest()


def _sums(directory: Path, listing: bytes) -> dict[str, str]:
    wanted: dict[str, str] = {}
    for number, line in enumerate(listing.decode("utf-8", "replace").splitlines(), start=1):
        digest, _, name = line.partition("  ")
        if len(digest) != 64 or not name or name in wanted or Path(name).is_absolute() or ".." in Path(name).parts:
            raise BundleError(f"{directory / SUMS}: line {number} is not `digest  name`: {REMEDY}")
        wanted[name] = digest
    if DESCRIPTION not in wanted:
        raise BundleError(f"{directory / SUMS}: does not list {DESCRIPTION}: {REMEDY}")
    return wanted


def _describe(directory: Path) -> BundleDescription:
    path = directory / DESCRIPTION
    try:
        return BundleDescription.model_validate_json(_read(path))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "file"
        raise BundleError(f"{path}: {where}: {first['msg']}: {REMEDY}") from None
