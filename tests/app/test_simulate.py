"""`trilume simulate` and the demo: labelled recordings, the same every time, and an honest table."""

from __future__ import annotations

from pathlib import Path

import pytest

from app import demo
from app.__main__ import main
from drivers.session import SessionReader, check
from tests.drivers.recordings import assert_same_sets

ARGUMENTS = ("simulate", "--seconds", "0.2", "--fps", "10", "--seed", "5")


@pytest.fixture(scope="module")
def takes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """One short simulated recording of a living face and of a mask."""
    folder = tmp_path_factory.mktemp("takes")
    made = {species: folder / f"{species}.mcap" for species in ("live", "resin_mask")}
    for species, path in made.items():
        assert main([*ARGUMENTS, "--scene", species, "--out", str(path)]) == 0
    return made


def test_labels_tell_what_the_scene_shows(takes: dict[str, Path]) -> None:
    for species, path in takes.items():
        with SessionReader(path) as reader:
            labels, info = reader.labels, reader.info
        assert info.origin == "simulated"
        assert info.sensor == "sim-astra"
        assert labels.species == ("bona_fide" if species == "live" else species)
        assert bool(labels.instrument) == (species != "live")
        assert labels.subject
        assert check(path).frames == 2


def test_the_same_seed_gives_the_same_recording(takes: dict[str, Path], tmp_path: Path) -> None:
    again = tmp_path / "again.mcap"
    assert main([*ARGUMENTS, "--scene", "live", "--out", str(again)]) == 0
    with SessionReader(again) as new, SessionReader(takes["live"]) as old:
        assert_same_sets(list(new), list(old))


@pytest.mark.parametrize("wrong", [["--scene", "werewolf"], ["--scene", "live", "--preset", "eyes"]])
def test_what_does_not_exist_is_said_with_what_does(
    wrong: list[str], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main([*ARGUMENTS, *wrong, "--out", str(tmp_path / "x.mcap")]) == 2
    message = capfd.readouterr().err
    assert message.count("\n") == 1
    assert wrong[-1] in message
    assert list(tmp_path.iterdir()) == []


def test_the_demo_keeps_recordings_and_counts_honestly(
    takes: dict[str, Path],
    lenient: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """With nets that accept everybody the living face is right, the mask wrong, and the table says so."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(demo, "SPECIES", tuple(takes))
    monkeypatch.setattr(demo, "LIVE_SEEDS", (5,))
    monkeypatch.setattr(demo, "ATTACK_SEEDS", (5,))
    real = demo.load_bundle
    monkeypatch.setattr(demo, "load_bundle", lambda: real(lenient))
    for species, path in takes.items():
        kept = demo.Take(species, 5).path
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_bytes(path.read_bytes())
    assert demo.main() == 0
    shown = capfd.readouterr().out
    assert "simulated camera" in shown
    assert "of 2 simulated recordings" in shown
    written = {str(path.relative_to("demo")) for path in Path("demo").rglob("*") if path.is_file()}
    assert {"lines.jsonl", "summary.json"} < written
    assert sum(name.startswith("pictures/") for name in written) == 2


@pytest.mark.parametrize(
    ("species", "verdict", "said"),
    [
        ("live", "live", "yes"),
        ("live", "undecided", "undecided"),
        ("live", "attack", "no"),
        ("flat_print", "attack", "yes"),
        ("flat_print", "undecided", "not accepted"),
        ("flat_print", "live", "no"),
    ],
)
def test_an_attack_without_a_verdict_is_not_called_right(species: str, verdict: str, said: str) -> None:
    assert demo.rightness(species, verdict) == said
