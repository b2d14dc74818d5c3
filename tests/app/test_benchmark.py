"""`trilume benchmark`: figures of this machine, by what they are of and not by how large they are."""

from __future__ import annotations

import json
from itertools import islice
from pathlib import Path

import pytest

from app import benchmark
from app.__main__ import main
from app.speed import WANTED, Film, Run, measure, read
from drivers.frames import FrameSet
from pipeline.bundle import load_bundle
from pipeline.sinks import Summary
from tests.app.scene import INFO, frames


def film(count: int) -> Film:
    return Film("drawn", INFO, frames(count), 1.0)


def pixels(frame_set: FrameSet) -> int:
    """Tells pictures apart, whatever their times."""
    assert frame_set.depth is not None
    return id(frame_set.depth.pixels)


def test_a_film_goes_forth_and_back_and_its_clock_goes_on() -> None:
    shown = film(4)
    pictures = [pixels(each) for each in shown.sets]
    played = list(islice(shown.endless(), 9))
    assert [pictures.index(pixels(each)) for each in played] == [0, 1, 2, 3, 2, 1, 0, 1, 2]
    assert [each.sequence for each in played] == list(range(9))
    assert [each.device_time_s for each in played] == pytest.approx([n / 30 for n in range(9)])


def test_a_single_set_is_played_too() -> None:
    assert [each.sequence for each in islice(film(1).endless(), 3)] == [0, 1, 2]


@pytest.mark.usefixtures("_face_found")
def test_both_nets_run_on_every_set_whatever_it_shows(strict: Path) -> None:
    run = measure(film(6), load_bundle(strict), 0.05, threads=1)
    assert run.summary.frames == len(run.sets_ms) >= 1
    assert len(run.summary.m_net) == run.summary.frames  # D-Net rejects all of them
    assert list(run.summary.stages())[-1] == "total"
    assert run.first_ms > 0
    assert run.wall_s >= 0.05


def judged(lenient: Path, count: int, wall_s: float, *, both: bool = True) -> Run:
    summary = Summary(load_bundle(lenient))
    summary.m_net = [0.1] * count if both else []
    return Run(summary, [1000 * wall_s / count] * count, wall_s, 0.1, 5.0)


def test_the_sentence_says_whether_the_machine_keeps_up(lenient: Path) -> None:
    fast, slow = judged(lenient, 40, 1.0), judged(lenient, 20, 1.0)
    assert (fast.keeps_up, slow.keeps_up) == (True, False)
    assert judged(lenient, round(WANTED), 1.0).keeps_up
    assert "keeps up with 30 sets a second: 40.0 judged a second, 95 % of them within 25.0 ms" in benchmark.sentence(
        fast
    )
    assert "does not keep up with 30" in benchmark.sentence(slow)
    assert benchmark.sentence(slow, busy=True).startswith("This machine, busy as it is now, does not keep up")
    assert "No set could be judged by both nets" in benchmark.sentence(judged(lenient, 40, 1.0, both=False))


@pytest.mark.usefixtures("_face_found")
def test_the_report_names_what_it_is_of(
    session: Path, lenient: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(benchmark, "seconds_to_verdict", lambda *_, cold=False: 40.0 if cold else 2.0)
    out = tmp_path / "speed.json"
    command = ["benchmark", str(session), "--seconds", "0.1", "--json", str(out), "--bundle", str(lenient), "--cold"]
    assert main(command) == 0
    shown = capfd.readouterr()
    assert shown.out == ""
    assert "drawn.mcap (simulated camera)" in shown.err
    assert "2.0 s, 40.0 s with no kernel compiled" in shown.err
    report = json.loads(out.read_text())
    bundle = load_bundle(lenient)
    assert report["bundle"] == {"name": "tiny", "sha256": bundle.sha256, "d_net": "f32", "m_net": "f32"}
    assert report["recording"]["origin"] == "simulated"
    assert report["recording"]["sets"] == 12
    assert report["machine"]["threads"] == 2
    assert report["machine"]["openvino"]
    assert report["start_s"] == {"warm": 2.0, "cold": 40.0}
    assert report["sets_by_both_nets"] == report["sets"] > 0
    assert {"face", "d_net", "m_net"} <= set(report["stage_ms"])
    assert set(report["latency_ms"]) == {"p50", "p95", "max"}
    assert report["said"] in " ".join(shown.err.split())
    assert main(command) == 2
    assert "exists" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["/nowhere/x.mcap"], "/nowhere/x.mcap"),
        (["sim://werewolf"], "werewolf"),
        (["--bundle", "/nowhere"], "/nowhere"),
    ],
)
def test_a_mistake_is_one_line(arguments: list[str], said: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["benchmark", *arguments]) == 2
    shown = capfd.readouterr()
    assert shown.err.count("\n") == 1
    assert said in shown.err


def test_a_new_process_that_fails_says_why(lenient: Path, tmp_path: Path) -> None:
    with pytest.raises(benchmark.Refused, match=r"no verdict in a new process: .*x\.mcap"):
        benchmark.seconds_to_verdict(str(tmp_path / "x.mcap"), load_bundle(lenient))


def test_the_default_recording_is_rendered_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(benchmark, "user_cache_path", lambda _: tmp_path)
    monkeypatch.setattr(benchmark, "SECONDS", 0.2)
    old = tmp_path / "benchmark" / "older"
    old.mkdir(parents=True)
    quiet = benchmark.Console(quiet=True)
    path = benchmark.default_recording(quiet)
    held = read(path)
    assert held.info.origin == "simulated"
    assert len(held.sets) == 3
    assert not old.exists()
    before = Path(path).stat().st_mtime_ns
    assert benchmark.default_recording(quiet) == path
    assert Path(path).stat().st_mtime_ns == before
    assert [each.name for each in Path(path).parent.iterdir()] == [Path(path).name]
