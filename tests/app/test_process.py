"""What only a process of its own can show: what a replay imports, and whose `app` runs."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HEAVY = {"torch", "PySide6", "pyqtgraph", "pyrealsense2", "pyorbbecsdk", "matplotlib", "models", "anny"}

REPLAY = """
import json, sys
from pipeline import engine
from tests.app.scene import FACE
engine.FaceFinder = lambda *_: None
engine.Engine._find = lambda *_: [FACE]
from app.__main__ import main
code = main(sys.argv[1:])
print(json.dumps([code, sorted({name.partition(".")[0] for name in sys.modules})]))
"""


def run(*command: str, cwd: Path, path: str = str(ROOT)) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": path}
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=120, check=False)


def test_a_replay_imports_no_torch_no_window_and_no_camera_sdk(session: Path, lenient: Path, tmp_path: Path) -> None:
    done = run(sys.executable, "-P", "-c", REPLAY, "--replay", str(session), "--bundle", str(lenient), cwd=tmp_path)
    code, imported = json.loads(done.stdout.splitlines()[-1])
    assert code == 0, done.stderr
    assert not HEAVY & set(imported)


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    """A working directory with an `app` and a `drivers` of its own."""
    for name in ("app", "drivers", "models"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text(f"raise SystemExit('the wrong {name} was imported')\n")
    return tmp_path


def test_the_module_is_not_fooled_by_the_working_directory(hostile: Path) -> None:
    done = run(sys.executable, "-P", "-m", "app", "--version", cwd=hostile)
    assert (done.returncode, done.stdout.split()[0]) == (0, "trilume")


def test_the_console_script_is_not_fooled_by_the_working_directory(hostile: Path) -> None:
    script = shutil.which("trilume", path=str(Path(sys.executable).parent))
    if script is None:
        pytest.skip("trilume is not installed in this environment")
    done = run(script, "sessions", "list", ".", cwd=hostile, path="")
    assert done.returncode == 2
    assert "holds no sessions" in done.stderr


def test_a_mistake_shows_no_traceback(tmp_path: Path) -> None:
    done = run(sys.executable, "-P", "-m", "app", "--replay", "missing.mcap", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("trilume: ")
    assert done.stderr.count("\n") == 1


def test_importing_the_command_line_is_light(tmp_path: Path) -> None:
    code = "import json, sys, app.cli; print(json.dumps(sorted(sys.modules)))"
    done = run(sys.executable, "-P", "-c", code, cwd=tmp_path)
    imported = {name.partition(".")[0] for name in json.loads(done.stdout)}
    assert not (HEAVY | {"cv2", "openvino", "numba"}) & imported, "help and usage errors must not wait for these"
    assert list(tmp_path.iterdir()) == []
