"""A simulated cast for a window without a camera: people and attacks walk up, one after another.

Rendering is slower than life, so that each visit is drawn once, into the user's cache, by a process beside the window;
what is drawn already is played meanwhile. `python -P -m app.kiosk.cast NUMBER FILE.mcap` draws one visit.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, fields, replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from platformdirs import user_cache_path

from calibration.rig import Rig
from drivers.clock import SystemClock
from drivers.errors import AccessDenied, CameraError, EndOfStream, NotFound, SessionError, Stalled
from drivers.frames import FrameSet
from drivers.session import SessionSource, SessionWriter
from drivers.source import CameraInfo
from drivers.stream import moved

if TYPE_CHECKING:
    from drivers.simulated.scenes import Scene

FPS: Final = 10.0
EMPTY_S: Final = 0.5  # of the room, before and after each visit
WALK_S: Final = 0.5  # into the picture, and out of it
STAY_S: Final = 2.8
ASIDE_M: Final = 1.0
DISTANCE_M: Final = (0.45, 0.65)
PAUSE_S: Final = 0.6  # between two rooms
LATE_S: Final = 3600.0  # a file that nobody has finished by then was left behind
_INFO: Final = CameraInfo("simulated cast", "sim-astra", serial="sim-cast", origin="simulated")


@dataclass(frozen=True, slots=True)
class Visit:
    """Who walks up: a species of the simulator, and the seed of everything else."""

    species: str
    seed: int


VISITS: Final = (
    Visit("live", 9101),
    Visit("flat_print", 9102),
    Visit("live", 9103),
    Visit("screen_replay", 9104),
    Visit("live", 9105),
    Visit("silicone_mask", 9106),
    Visit("live", 9107),
    Visit("mannequin_head", 9108),
)


class Cast:
    """A `Source` of visits without end; not paced: `drivers.stream.Paced` does that. One consumer thread.

    `folder` is where visits are kept, by default below the user's cache.
    """

    def __init__(self, folder: Path | None = None, visits: tuple[Visit, ...] = VISITS) -> None:
        self._visits = visits
        self._folder = folder
        self._clock = SystemClock()
        self._painter: Painter | None = None
        self._playing: SessionSource | None = None
        self._number = -1  # of the visit that plays
        self._rig: Rig | None = None
        self._numbers, self._times_s = 0, 0.0  # what is added so that numbers and times go on
        self._last: FrameSet | None = None

    @property
    def info(self) -> CameraInfo:
        return _INFO

    @property
    def rig(self) -> Rig:
        """Of the first visit; each frame set tells its own."""
        if self._rig is None:
            raise CameraError("the simulated cast is not open; call open() first")
        return self._rig

    def open(self) -> None:
        """Begins to draw what is missing. Raises AccessDenied without a place to keep it, SdkMissing without heads."""
        folder = self._folder or cache_folder()
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise AccessDenied(
                f"{folder}: cannot keep the simulated cast: {error.strerror}; make it writable"
            ) from error
        self._painter = Painter(folder, self._visits, self._clock)
        first = self._painter.path(0)
        played = _played(first)
        self._rig = played.rig if played else walking_up(self._visits[0]).rig
        if played:
            played.close()
        self._painter.start()

    def read(self, timeout_s: float) -> FrameSet:
        """The next set. Raises Stalled while nothing is drawn yet, CameraError where nothing can be."""
        painter = self._painter
        if painter is None:
            raise EndOfStream("the simulated cast is closed")
        if self._playing is None:
            self._playing = self._entered(painter, timeout_s)
        try:
            frame_set = self._playing.read(timeout_s)
        except EndOfStream:
            self._playing.close()
            self._playing = self._entered(painter, timeout_s)
            frame_set = self._playing.read(timeout_s)
        if self._last is not None and frame_set.sequence == 0:
            self._numbers = self._last.sequence + 1
            self._times_s = self._last.device_time_s + PAUSE_S - frame_set.device_time_s
        self._last = moved(frame_set, self._numbers, self._times_s)
        return self._last

    def close(self) -> None:
        """Idempotent, from any thread; what is half drawn is thrown away."""
        painter, self._painter = self._painter, None
        if painter is not None:
            painter.stop()
        playing = self._playing
        if playing is not None:
            playing.close()

    def _entered(self, painter: Painter, timeout_s: float) -> SessionSource:
        """The next visit that is drawn: of those after the one that played, the first."""
        self._playing = None
        count = len(self._visits)
        turns = [(self._number + 1 + step) % count for step in range(count)]
        self._clock.wait(lambda: painter.any_drawn or painter.stopped, timeout_s)
        for number in turns:
            if played := _played(painter.path(number)):
                self._number = number
                return played
        if painter.stopped:
            raise CameraError(painter.error or "the simulated cast is closed")
        raise Stalled(f"simulated cast: the first visitor is being drawn ({painter.progress} of {sets_of_a_visit()})")


class Painter:
    """Draws the visits that are missing, one after the other, in a process of its own. `stop` from any thread."""

    def __init__(self, folder: Path, visits: tuple[Visit, ...], clock: SystemClock) -> None:
        self.error: str | None = None
        self.progress = 0
        self.any_drawn = self.stopped = False
        self._folder, self._visits, self._clock = folder, visits, clock
        self._process: subprocess.Popen[str] | None = None
        self._stopping = False
        self._thread = threading.Thread(target=self._paint, name="painter", daemon=True)

    def path(self, number: int) -> Path:
        """Where a visit is kept."""
        visit = self._visits[number]
        return self._folder / f"{visit.species}-{visit.seed}.mcap"

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping = True
        process = self._process
        if process is not None:
            process.terminate()
        self._thread.join(1.0)

    def _paint(self) -> None:
        try:
            _tidy(self._folder)
            if any(self.path(number).exists() for number in range(len(self._visits))):
                self._tell(any_drawn=True)
            for number in range(len(self._visits)):
                if not self.path(number).exists():
                    self._draw(number)
                self._tell(any_drawn=True)
                if self._stopping:
                    return
        except (OSError, CameraError) as error:
            self.error = f"simulated cast: {error}"
        finally:
            if self.error or self._stopping:
                self._tell(stopped=True)

    def _draw(self, number: int) -> None:
        visit, unfinished = self._visits[number], self.path(number).with_suffix(f".{os.getpid()}.mcap")
        command = [sys.executable, "-P", "-m", "app.kiosk.cast", visit.species, str(visit.seed), str(unfinished)]
        # Standard error goes where ours goes: into the log of whoever started the window.
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        with self._process as process:
            assert process.stdout is not None
            for line in process.stdout:
                self.progress = int(line)
        self.progress = 0
        if process.returncode == 0:
            unfinished.rename(self.path(number))
            return
        for left in (unfinished, unfinished.with_name(unfinished.name + ".part")):
            left.unlink(missing_ok=True)
        if not self._stopping:
            raise CameraError(
                f"{visit.species} could not be drawn: the drawing process ended with {process.returncode}"
            )

    def _tell(self, **news: bool) -> None:
        for name, value in news.items():
            setattr(self, name, value)
        self._clock.tell()


def cache_folder() -> Path:
    """Where the visits of this version of the program and its simulator are kept."""
    return user_cache_path("trilume") / "cast" / _fingerprint()


def _fingerprint() -> str:
    import drivers.simulated  # found, not loaded: the package itself is empty

    digest = hashlib.sha256(f"{version('trilume')} {VISITS} {FPS} {STAY_S} {DISTANCE_M}".encode())
    for file in sorted(Path(drivers.simulated.__path__[0]).glob("*.py")):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


def _tidy(folder: Path) -> None:
    """Throws away the visits of other versions, and what nobody has finished."""
    if folder.parent.name == "cast":
        for other in folder.parent.iterdir():
            if other != folder and other.is_dir():
                shutil.rmtree(other, ignore_errors=True)
    for left in folder.glob("*.part"):
        with suppress(OSError):
            if time.time() - left.stat().st_mtime > LATE_S:
                left.unlink()


def _played(path: Path) -> SessionSource | None:
    """A visit, opened, if it is there; one that is damaged is thrown away, to be drawn anew."""
    source = SessionSource(path)
    try:
        source.open()
    except NotFound:
        return None
    except SessionError:
        path.unlink(missing_ok=True)
        return None
    return source


# -- drawing ----------------------------------------------------------------------------------------------------------


def sets_of_a_visit() -> int:
    """Frame sets of one visit, the empty room included."""
    return round((2 * EMPTY_S + 2 * WALK_S + STAY_S) * FPS)


def walking_up(visit: Visit) -> Scene:
    """The scene of a visit: the subject is beside the picture before time 0 − `WALK_S` and after its stay."""
    from drivers.simulated.motion import Motion
    from drivers.simulated.scenes import sample_scene

    @dataclass(frozen=True, eq=False)
    class Walk(Motion):
        def coordinates_at(self, t: float) -> np.ndarray[Any, np.dtype[np.float64]]:
            there = Motion.coordinates_at(self, t)
            away_s = max(-t, t - STAY_S, 0.0)
            part = min(away_s / WALK_S, 1.0)
            there[3] += (ASIDE_M if t < 0 else -ASIDE_M) * part * part * (3 - 2 * part)
            return there

    scene = sample_scene(visit.species, visit.seed, distance_range=DISTANCE_M)
    steady = {field.name: getattr(scene.motion, field.name) for field in fields(scene.motion)}
    return replace(scene, motion=Walk(**steady))


def draw(visit: Visit, out: Path) -> None:
    """Renders a visit into a session, and prints the number of each set that is done."""
    from app.simulate import labels_of
    from drivers.simulated.scenes import Stage

    scene = walking_up(visit)
    stage = Stage(scene)
    info = replace(_INFO, sensor=scene.model.sensor)
    with SessionWriter(out, scene.rig, info, labels_of(scene)) as writer:
        for number in range(sets_of_a_visit()):
            t = number / FPS
            frame_set = stage.frame(t - EMPTY_S - WALK_S, np.random.default_rng([visit.seed, number]), number)
            writer.write(replace(moved(frame_set, 0, EMPTY_S + WALK_S), host_time_s=t))
            print(number + 1, flush=True)


if __name__ == "__main__":
    os.nice(10)  # the window goes first
    draw(Visit(sys.argv[1], int(sys.argv[2])), Path(sys.argv[3]))
