"""`trilume --replay`: what is written, what is refused, and the exit codes."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import cv2
import pytest

from app import judging
from app.__main__ import main
from drivers.live import LiveStream
from drivers.source import CameraInfo
from pipeline.engine import Engine
from tests.app.conftest import Run
from tests.app.scene import cut, frame, frames, record

KEYS = [
    "format", "source", "frame", "device_time_s", "verdict", "reason", "d_net", "m_net", "patches", "box",
    "landmarks", "distance_m", "pose_deg", "session_verdict", "stage_ms",
]  # fmt: skip


def lines_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(text) for text in path.read_text().splitlines()]


def leftovers(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def one_line(text: str) -> bool:
    return text.startswith("trilume: ") and text.count("\n") == 1 and text.endswith("\n")


def test_lines_summary_and_table(replay: Run, session: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    out, summary = tmp_path / "lines.jsonl", tmp_path / "summary.json"
    assert replay(session, "--out", out, "--summary", summary) == 0
    lines = lines_of(out)
    assert [list(line) for line in lines] == [KEYS] * 12
    assert {line["source"] for line in lines} == {str(session)}
    assert lines[-1]["verdict"] == "live"
    report = json.loads(summary.read_text())
    assert (report["frames"], report["faces"], report["origin"]) == (12, 12, "simulated")
    assert report["verdict"] == lines[-1]["session_verdict"] == "live"
    shown = capfd.readouterr()
    assert shown.out == ""
    assert "live" in shown.err
    assert "simulated camera" in shown.err
    assert leftovers(tmp_path) == ["lines.jsonl", "summary.json"]


def test_standard_output_carries_nothing_but_lines(
    replay: Run, session: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    process = Engine.process

    def chatty(engine: Engine, frame_set: Any, age_s: float) -> Any:
        os.write(1, b"an SDK says hello\n")
        return process(engine, frame_set, age_s)

    monkeypatch.setattr(Engine, "process", chatty)
    assert replay(session, "--out", "-") == 0
    shown = capfd.readouterr()
    assert len([json.loads(text) for text in shown.out.splitlines()]) == 12
    assert shown.err.count("an SDK says hello") == 12


def test_an_attack_is_work_done(replay: Run, session: Path, strict: Path, tmp_path: Path) -> None:
    summary = tmp_path / "summary.json"
    assert replay(session, "--summary", summary, bundle=strict) == 0
    assert json.loads(summary.read_text())["verdict"] == "attack"


def test_without_timing_two_runs_are_the_same_bytes(replay: Run, session: Path, tmp_path: Path) -> None:
    written = []
    for name in ("a", "b"):
        out, summary = tmp_path / f"{name}.jsonl", tmp_path / f"{name}.json"
        assert replay(session, "--out", out, "--summary", summary, "--no-timing") == 0
        written.append((out.read_bytes(), summary.read_bytes()))
    assert written[0] == written[1]
    assert "stage_ms" not in lines_of(tmp_path / "a.jsonl")[0]
    assert not {"fps", "latency_ms", "stage_ms"} & json.loads(written[0][1]).keys()


def test_several_recordings_share_one_file_and_the_worst_code_counts(
    replay: Run, session: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    short = cut(session, tmp_path / "cut.mcap")
    out, summary = tmp_path / "lines.jsonl", tmp_path / "summary.json"
    assert replay(session, short, "--out", out, "--summary", summary) == 3
    assert {line["source"] for line in lines_of(out)} == {str(session), str(short)}
    reports = json.loads(summary.read_text())
    assert [report["source"] for report in reports] == [str(session), str(short)]
    assert 0 < reports[1]["frames"] < 12
    message = capfd.readouterr().err.splitlines()[-1]
    assert message.startswith(f"trilume: {short}: ")


def test_a_folder_stands_for_its_recordings(replay: Run, tmp_path: Path) -> None:
    (tmp_path / "takes").mkdir()
    for name in ("a.mcap", "b.mcap"):
        record(tmp_path / "takes" / name, frames(2))
    assert replay(tmp_path / "takes", "--summary", tmp_path / "s.json") == 0
    reports = json.loads((tmp_path / "s.json").read_text())
    assert [Path(report["source"]).name for report in reports] == ["a.mcap", "b.mcap"]


def test_the_good_part_of_a_cut_recording_is_kept(replay: Run, session: Path, tmp_path: Path) -> None:
    short = cut(session, tmp_path / "cut.mcap")
    out = tmp_path / "lines.jsonl"
    assert replay(short, "--out", out) == 3
    assert [line["frame"] for line in lines_of(out)] == list(range(len(lines_of(out))))
    assert 0 < len(lines_of(out)) < 12


@pytest.mark.parametrize("content", [b"", b"this is no session at all"])
def test_nothing_judged_leaves_no_files(
    replay: Run, tmp_path: Path, content: bytes, capfd: pytest.CaptureFixture[str]
) -> None:
    bad = tmp_path / "bad.mcap"
    bad.write_bytes(content)
    assert replay(bad, "--out", tmp_path / "lines.jsonl", "--summary", tmp_path / "s.json") == 2
    assert leftovers(tmp_path) == ["bad.mcap"]
    assert one_line(capfd.readouterr().err)


def test_a_recording_without_frames_is_bad_input(
    replay: Run, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert replay(record(tmp_path / "empty.mcap", [])) == 2
    assert "holds no frames" in capfd.readouterr().err


@pytest.mark.parametrize("option", ["--out", "--summary"])
def test_outputs_that_exist_are_refused(
    replay: Run, session: Path, tmp_path: Path, option: str, capfd: pytest.CaptureFixture[str]
) -> None:
    kept = tmp_path / "kept"
    kept.write_text("precious")
    assert replay(session, option, kept) == 2
    assert kept.read_text() == "precious"
    message = capfd.readouterr().err
    assert one_line(message)
    assert "--force" in message
    assert replay(session, option, kept, "--force") == 0
    assert kept.read_text() != "precious"


def test_a_part_of_an_earlier_run_is_not_overwritten(replay: Run, session: Path, tmp_path: Path) -> None:
    part = tmp_path / "lines.jsonl.part"
    part.write_text("rescued")
    assert replay(session, "--out", tmp_path / "lines.jsonl") == 2
    assert part.read_text() == "rescued"


def test_a_failed_run_with_force_leaves_the_old_file(replay: Run, tmp_path: Path) -> None:
    (tmp_path / "lines.jsonl").write_text("old")
    (tmp_path / "bad.mcap").write_bytes(b"no session")
    assert replay(tmp_path / "bad.mcap", "--out", tmp_path / "lines.jsonl", "--force") == 2
    assert (tmp_path / "lines.jsonl").read_text() == "old"


def test_a_recording_is_never_written_over(replay: Run, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = record(tmp_path / "take.mcap", frames(2))
    before = path.read_bytes()
    assert replay(path, "--out", path, "--force") == 2
    assert path.read_bytes() == before
    assert "is one of the recordings" in capfd.readouterr().err


def test_lines_and_summary_need_two_names(replay: Run, session: Path, tmp_path: Path) -> None:
    assert replay(session, "--out", tmp_path / "x", "--summary", tmp_path / "x") == 2
    assert leftovers(tmp_path) == []


def test_a_missing_folder_is_named(
    replay: Run, session: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert replay(session, "--out", tmp_path / "nowhere" / "lines.jsonl") == 2
    message = capfd.readouterr().err
    assert one_line(message)
    assert str(tmp_path / "nowhere") in message


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_keeps_what_was_judged(
    replay: Run, session: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, code: int
) -> None:
    process = Engine.process

    def interrupted(engine: Engine, frame_set: Any, age_s: float) -> Any:
        if frame_set.sequence == 5:
            os.kill(os.getpid(), number)
        return process(engine, frame_set, age_s)

    monkeypatch.setattr(Engine, "process", interrupted)
    out, summary = tmp_path / "lines.jsonl", tmp_path / "summary.json"
    assert replay(session, session, "--out", out, "--summary", summary) == code
    assert [line["frame"] for line in lines_of(out)] == [0, 1, 2, 3, 4]
    assert json.loads(summary.read_text())[0]["frames"] == 5


def test_a_program_that_keeps_failing_stops_and_says_so(
    replay: Run,
    session: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(Engine, "_find", lambda *_: 1 / 0)
    out = tmp_path / "lines.jsonl"
    assert replay(session, "--out", out) == 1
    assert [line["reason"] for line in lines_of(out)] == ["internal_error"] * 3
    assert "a bug; the log is in" in capfd.readouterr().err.splitlines()[-1]


def test_a_bug_is_one_line_and_keeps_its_part(
    replay: Run,
    session: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    process = Engine.process
    monkeypatch.setattr(Engine, "process", lambda e, f, age_s: process(e, f, age_s) if f.sequence < 2 else 1 / 0)
    out = tmp_path / "lines.jsonl"
    assert replay(session, "--out", out) == 1
    message = capfd.readouterr().err
    assert one_line(message)
    assert "ZeroDivisionError" in message
    assert leftovers(tmp_path) == ["lines.jsonl.part"]
    assert len(lines_of(tmp_path / "lines.jsonl.part")) == 2


def test_a_closed_pipe_ends_the_run(
    replay: Run, session: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    saved = os.dup(1)
    os.dup2(writing, 1)
    try:
        assert replay(session, "--out", "-") == 3
    finally:
        os.dup2(saved, 1)
        os.close(saved)
        os.close(writing)
    assert one_line(capfd.readouterr().err)


def test_without_the_gate_nobody_is_live(replay: Run, session: Path, tmp_path: Path) -> None:
    out = tmp_path / "lines.jsonl"
    assert replay(session, "--out", out, "--no-gate") == 0
    lines = lines_of(out)
    assert {(line["verdict"], line["reason"]) for line in lines} == {("undecided", "gate_off")}
    assert all(line["m_net"] is not None for line in lines)


def test_a_foreign_sensor_is_live_only_when_accepted(replay: Run, tmp_path: Path) -> None:
    foreign = CameraInfo(name="Other", sensor="other", origin="simulated")
    path = record(tmp_path / "foreign.mcap", frames(12), foreign)
    verdicts = []
    for name, options in (("plain", ()), ("accepted", ("--accept-sensor",))):
        out = tmp_path / f"{name}.jsonl"
        assert replay(path, "--out", out, *options) == 0
        verdicts.append((lines_of(out)[-1]["verdict"], lines_of(out)[-1]["reason"]))
    assert verdicts == [("undecided", "other_sensor"), ("live", None)]


def test_pictures_are_written_for_each_recording(replay: Run, session: Path, tmp_path: Path) -> None:
    assert replay(session, "--pictures", tmp_path / "pictures") == 0
    picture = cv2.imread(str(tmp_path / "pictures" / "drawn.mcap.png"))
    assert picture is not None
    assert picture.shape[1] > picture.shape[0]
    assert replay(session, "--pictures", tmp_path / "pictures") == 2, "a picture that exists is refused"


class Endless:
    """A camera: frames without an end."""

    info = CameraInfo(name="Camera", sensor="sim-astra", live=True, origin="simulated")
    rig = frame().rig

    def __init__(self) -> None:
        self.number = 0
        self.closed = False

    def open(self) -> None:
        pass

    def read(self, timeout_s: float) -> Any:
        self.number += 1
        return frame(self.number)

    def close(self) -> None:
        self.closed = True


def test_a_camera_is_watched_and_not_replayed(
    replay: Run, lenient: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    camera = Endless()
    monkeypatch.setattr(judging, "open_source", lambda _: camera)
    assert replay("sim://live") == 2
    assert "has no end" in capfd.readouterr().err
    assert camera.closed
    monkeypatch.setattr(judging, "open_live", lambda _: LiveStream(camera))
    assert main(["watch", "--source", "sim://live", "--frames", "4", "--bundle", str(lenient)]) == 0
    shown = capfd.readouterr().out.splitlines()
    watched = [json.loads(text)["frame"] for text in shown]
    assert len(watched) == 4
    assert watched == sorted(set(watched)), "of a camera the newest frame is judged; those between are left out"


def test_explain_draws_the_frame_that_is_asked_for(
    replay: Run, session: Path, lenient: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "sheet.png"
    common = ["--out", str(out), "--bundle", str(lenient)]
    assert main(["explain", str(session), "--frame", "99", *common]) == 2
    assert "12 frames" in capfd.readouterr().err
    assert main(["explain", str(session), "--frame", "7", *common]) == 0
    assert cv2.imread(str(out)) is not None
