"""What is installed is what is needed: the wheel, its names, the command and the layers' own settings."""

from __future__ import annotations

import configparser
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = {"app", "calibration", "drivers", "models", "pipeline"}


@pytest.fixture(scope="module")
def setup() -> configparser.ConfigParser:
    parser = configparser.ConfigParser()
    parser.read(ROOT / "setup.cfg", encoding="utf-8")
    return parser


def test_the_top_level_holds_what_it_should() -> None:
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if tracked.returncode != 0:
        pytest.skip("not a git checkout")
    top = {name.partition("/")[0] for name in tracked.stdout.splitlines()}
    tools = {"pyproject.toml", "ruff.toml", "Makefile", "LICENSE", "CHANGELOG.md", ".ci", ".gitignore"}
    assert top <= PACKAGES | {"tests", "setup.cfg", "README.md"} | tools


def test_every_package_is_found_and_typed(setup: configparser.ConfigParser) -> None:
    include = setup["options.packages.find"]["include"].split()
    assert set(include) == PACKAGES | {f"{name}.*" for name in PACKAGES}
    assert all((ROOT / name / "py.typed").exists() for name in PACKAGES)
    for folder in (path.parent for name in PACKAGES for path in (ROOT / name).rglob("*.py")):
        assert (folder / "__init__.py").exists(), f"{folder} would not be installed"


def test_the_base_needs_no_torch_no_window_and_no_sdk(setup: configparser.ConfigParser) -> None:
    base = setup["options"]["install_requires"].lower()
    assert not [name for name in ("torch", "pyside", "pyqtgraph", "realsense", "orbbec", "matplotlib") if name in base]


@pytest.mark.slow
def test_the_wheel_holds_the_five_packages_and_the_shipped_model(tmp_path: Path) -> None:
    source = tmp_path / "source"
    ignored = shutil.ignore_patterns(".git", ".venv", "build", "demo", "*.egg-info", "__pycache__", ".*_cache")
    shutil.copytree(ROOT, source, ignore=ignored)
    command = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--wheel-dir", str(tmp_path), str(source)]
    built = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    assert built.returncode == 0, built.stderr
    (wheel,) = tmp_path.glob("trilume-*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    top = {name.partition("/")[0] for name in names if ".dist-info/" not in name}
    assert top == PACKAGES
    shipped = {str(path.relative_to(ROOT)) for path in (ROOT / "models" / "shipped").rglob("*") if path.is_file()}
    assert shipped <= set(names)
    assert {f"{name}/py.typed" for name in PACKAGES} <= set(names)
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)
    (points,) = [name for name in names if name.endswith("entry_points.txt")]
    assert "trilume = app.__main__:main" in zipfile.ZipFile(wheel).read(points).decode()
