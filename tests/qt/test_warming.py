"""While a source opens: what is told, and what is made ready. A failure of warming up fails nothing else."""

from __future__ import annotations

import logging
import threading
import time
from pathlib import Path

import pytest

from app.kiosk import warming
from app.kiosk.program import runner_of
from app.kiosk.warming import KINDS, LANDMARKS, Counts, WarmUp, drawn
from app.kiosk.wish import Wish
from app.settings import Settings
from drivers.frames import FrameSet
from pipeline.bundle import Bundle, load_bundle
from pipeline.faces import Face
from pipeline.preparation import Preparation, prepare


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return load_bundle()


@pytest.mark.parametrize(("registered", "infrared"), KINDS)
def test_every_kind_of_set_reaches_both_nets_inputs(bundle: Bundle, registered: bool, infrared: Counts) -> None:
    face = Face((55.0, 35.0, 50.0, 65.0), LANDMARKS, 0.99)
    seen = prepare(drawn(registered, infrared), face, bundle.description.preprocessing)
    assert (seen.reason, seen.no_reflectance) == (None, None)
    assert seen.prepared is not None
    assert seen.prepared.planes() is not None


def test_it_warms_each_kind_once_in_a_thread_of_its_own(bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    kinds: list[tuple[bool, str, bool]] = []

    def noted(frame_set: FrameSet, *_: object) -> None:
        assert frame_set.infrared is not None
        own = threading.current_thread() is not threading.main_thread()
        kinds.append((frame_set.rig.registered, frame_set.infrared.pixels.dtype.name, own))

    monkeypatch.setattr(warming, "prepare", noted)
    warm_up = WarmUp(bundle)
    warm_up.start()
    warm_up.end()
    assert len(set(kinds)) == len(kinds) <= 4
    assert all(own for *_, own in kinds)
    assert not warm_up._thread.is_alive()


def test_ending_waits_for_one_kind_only(bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    began, prepared = threading.Event(), []

    def slow(*what: object) -> None:
        prepared.append(what)
        began.set()
        time.sleep(0.1)

    monkeypatch.setattr(warming, "prepare", slow)
    warm_up = WarmUp(bundle)
    warm_up.start()
    assert began.wait(10.0)
    warm_up.end()
    assert len(prepared) == 1
    assert not warm_up._thread.is_alive()


def test_a_failure_is_logged(bundle: Bundle, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    def broken(*_: object) -> Preparation:
        raise ValueError("broken")

    monkeypatch.setattr(warming, "prepare", broken)
    warm_up = WarmUp(bundle)
    with caplog.at_level(logging.ERROR):
        warm_up.start()
        warm_up.end()
    assert "warming up failed" in caplog.text


def test_a_simulated_scene_says_that_it_is_being_drawn(bundle: Bundle, tmp_path: Path) -> None:
    made = runner_of(Settings(takes_folder=tmp_path), bundle, Wish())
    simulated, recording = made("sim://nobody"), made(str(tmp_path / "recording.mcap"))
    assert simulated.state().phase == recording.state().phase == "opening"
    assert simulated.state().trouble == "sim://nobody: drawing the first picture …"
    assert recording.state().trouble is None
    simulated.start()
    simulated._thread.join(10.0)
    assert simulated.state().phase == "failed"
    assert "nobody" in str(simulated.state().trouble)
    assert "drawing" not in str(simulated.state().trouble)
    simulated.close()
