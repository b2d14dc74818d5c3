"""The simulated cast walks up, is told apart by its labels, and plays on while others are drawn. All simulated."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

from app.kiosk import cast as cast_module
from app.kiosk.cast import Cast, Visit, draw, sets_of_a_visit, walking_up
from drivers.clock import SystemClock
from drivers.errors import CameraError, EndOfStream, Stalled
from drivers.frames import FrameSet
from drivers.session import check, labels
from drivers.simulated.scenes import Stage
from drivers.source import Source

VISITS = (Visit("live", 9101), Visit("flat_print", 9102))


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Visits of five sets: nobody, nobody, somebody, nobody, nobody."""
    for name in ("EMPTY_S", "WALK_S", "STAY_S"):
        monkeypatch.setattr(cast_module, name, 0.1)


@pytest.fixture
def drawn(short: None, tmp_path: Path) -> Path:
    for visit in VISITS:
        draw(visit, tmp_path / f"{visit.species}-{visit.seed}.mcap")
    return tmp_path


def read(cast: Cast, count: int) -> list[FrameSet]:
    return [cast.read(1.0) for _ in range(count)]


def test_the_room_is_empty_before_and_after(short: None) -> None:
    """What stands before the wall is nearer: the middle of the depth picture tells."""
    stage = Stage(walking_up(VISITS[0]))

    def nearest_m(t: float) -> float:
        depth = stage.frame(t, np.random.default_rng(0)).depth
        assert depth is not None
        near = depth.pixels[depth.pixels > 0]
        return float(np.percentile(near, 5)) * stage.frame(t, np.random.default_rng(0)).depth_unit_m

    there = nearest_m(0.05)
    assert there < cast_module.DISTANCE_M[1] + 0.1
    assert nearest_m(-0.15) > there + 0.1
    assert nearest_m(0.25) > there + 0.1


def test_visits_follow_one_another_with_numbers_and_times_going_on(drawn: Path) -> None:
    cast = Cast(drawn, VISITS)
    cast.open()
    assert isinstance(cast, Source)
    count = sets_of_a_visit()
    sets = read(cast, 2 * count + 1)  # and the first again
    cast.close()
    assert [frame_set.sequence for frame_set in sets] == list(range(2 * count + 1))
    steps = np.diff([frame_set.device_time_s for frame_set in sets])
    wanted = [1 / cast_module.FPS] * (2 * count)
    wanted[count - 1] = wanted[2 * count - 1] = cast_module.PAUSE_S
    assert steps == pytest.approx(wanted)
    assert (cast.info.origin, cast.info.name) == ("simulated", "simulated cast")
    with pytest.raises(EndOfStream):
        cast.read(0.1)


def test_what_is_kept_is_sound_and_labelled_as_simulated(drawn: Path) -> None:
    for path, species in ((drawn / "live-9101.mcap", "bona_fide"), (drawn / "flat_print-9102.mcap", "flat_print")):
        assert check(path).sound
        assert (labels(path).species, labels(path).operator) == (species, "simulated")


def test_one_that_is_drawn_is_played_while_others_are_not(drawn: Path) -> None:
    (drawn / "live-9101.mcap").unlink()
    cast = Cast(drawn, VISITS)
    cast.open()
    sets = read(cast, sets_of_a_visit() + 1)
    cast.close()
    assert [frame_set.sequence for frame_set in sets] == list(range(sets_of_a_visit() + 1))


def test_a_damaged_visit_is_drawn_anew(drawn: Path) -> None:
    for visit in VISITS:
        (drawn / f"{visit.species}-{visit.seed}.mcap").write_bytes(b"no session")
    cast = Cast(drawn, VISITS)
    cast.open()
    with pytest.raises(Stalled, match="is being drawn"):
        cast.read(0.1)
    cast.close()
    assert not (drawn / "live-9101.mcap").exists()


def test_one_that_cannot_be_drawn_is_said(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    painter = cast_module.Painter(tmp_path, (Visit("live", -1),), SystemClock())
    painter.start()
    end_s = time.monotonic() + 20
    while painter.error is None and time.monotonic() < end_s:
        time.sleep(0.05)
    painter.stop()
    assert "could not be drawn" in str(painter.error)
    assert list(tmp_path.iterdir()) == []
    assert "ValueError" in capfd.readouterr().err


def test_closed_at_once_it_leaves_nothing_behind(tmp_path: Path) -> None:
    cast = Cast(tmp_path, VISITS)
    cast.open()
    with pytest.raises((Stalled, CameraError)):
        cast.read(0.2)
    began_s = time.monotonic()
    cast.close()
    cast.close()
    assert time.monotonic() - began_s < 2.0
    assert list(tmp_path.iterdir()) == []
