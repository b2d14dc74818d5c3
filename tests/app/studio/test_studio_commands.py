"""`trilume studio …` and `trilume sessions relabel | delete | expire`."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.__main__ import main
from app.studio.protocol import EXAMPLE
from drivers.session import labels
from tests.app.studio.made import small_set

Capture = pytest.CaptureFixture[str]


def test_report_plan_and_progress(tmp_path: Path, capfd: Capture) -> None:
    folder, protocol = tmp_path / "set", tmp_path / "p.toml"
    small_set(folder)
    protocol.write_text(EXAMPLE.replace("seconds = 5.0", "seconds = 0").replace("instruction", "seconds = 0\n#", 2))
    assert main(["studio", "takes", str(folder)]) == 0
    assert "7 takes: 7 simulated" in capfd.readouterr().out
    assert main(["studio", "report", str(folder), "--name", "drawn", "--retention-days", "30"]) == 0
    shown = capfd.readouterr()
    assert "0002, 0003" in shown.out  # who has no take of the mask
    assert "7 takes: 7 simulated" in shown.out
    assert "manifest.csv" in shown.err
    assert main(["studio", "report", str(folder), "--seed", "5"]) == 2
    assert "split with seed 0" in capfd.readouterr().err
    assert main(["studio", "plan", str(folder)]) == 0
    shown = capfd.readouterr()
    assert "121 more silicone_mask takes until APCER ≤ 3 % can be shown at 95 %" in shown.out
    assert "next: silicone_mask" in shown.out
    assert main(["studio", "plan", str(folder), "--apcer", "3"]) == 2


def test_progress_names_the_next_take(tmp_path: Path, capfd: Capture) -> None:
    protocol = tmp_path / "p.csv"
    protocol.write_text("species,subject,lighting,distance_m,seconds\nflat_print,0001,,,0\nbona_fide,0009,dim,0.5,0\n")
    small_set(tmp_path / "set")
    assert main(["studio", "progress", str(tmp_path / "set"), "--protocol", str(protocol)]) == 0
    shown = capfd.readouterr().out
    assert "1 of 2 takes" in shown
    assert "next: 0009, bona_fide, dim, 0.50 m" in shown
    assert main(["studio", "progress", str(tmp_path / "none"), "--protocol", str(protocol)]) == 0
    assert "0 of 2 takes" in capfd.readouterr().out


def test_the_example_checks(tmp_path: Path, capfd: Capture) -> None:
    assert main(["studio", "protocol", "example"]) == 0
    (tmp_path / "p.toml").write_text(capfd.readouterr().out)
    assert main(["studio", "protocol", "check", str(tmp_path / "p.toml")]) == 0
    assert "12 takes" in capfd.readouterr().err


def test_relabel_says_when_the_name_no_longer_fits(tmp_path: Path, capfd: Capture) -> None:
    path = small_set(tmp_path)[0]
    assert main(["sessions", "relabel", str(path), "lighting=dim", "distance_m="]) == 0
    assert "--rename" in capfd.readouterr().err
    assert (labels(path).lighting, labels(path).distance_m) == ("dim", None)
    assert main(["sessions", "relabel", str(path), "lightning=dim"]) == 2
    assert main(["sessions", "relabel", str(path), "site=here", "--rename", str(tmp_path)]) == 0
    assert not path.exists()
    assert main(["studio", "mark", str(path), "bad"]) == 2


def test_nothing_is_deleted_unconfirmed(tmp_path: Path, capfd: Capture) -> None:
    paths = small_set(tmp_path)
    assert main(["sessions", "delete", str(tmp_path), "--subject", "0002"]) == 2
    assert "--yes" in capfd.readouterr().err
    assert all(path.exists() for path in paths)
    assert main(["sessions", "delete", str(tmp_path), "--subject", "0002", "--yes"]) == 0
    assert not (tmp_path / "sub-0002").exists()
    assert main(["sessions", "delete", str(tmp_path), "--subject", "0002", "--yes"]) == 2
    assert main(["sessions", "expire", str(tmp_path), "--days", "1", "--yes"]) == 0
    assert main(["sessions", "expire", str(tmp_path), "--days", "0"]) == 2
    assert sum(path.exists() for path in paths) == 5


def test_a_file_of_unknown_labels_is_named_after_a_deletion(tmp_path: Path, capfd: Capture) -> None:
    small_set(tmp_path)
    (tmp_path / "noise.mcap").write_bytes(b"noise")
    assert main(["sessions", "delete", str(tmp_path), "--subject", "0002", "--yes"]) == 3
    assert "noise.mcap: its labels cannot be read" in capfd.readouterr().err


def test_export_copies_good_takes(tmp_path: Path, capfd: Capture) -> None:
    paths = small_set(tmp_path / "set")
    assert main(["studio", "mark", str(paths[0]), "bad"]) == 0
    assert main(["studio", "export", str(tmp_path / "set"), "--out", str(tmp_path / "out")]) == 0
    assert "6 takes" in capfd.readouterr().err
    assert len(list((tmp_path / "out").rglob("*.mcap"))) == 6
