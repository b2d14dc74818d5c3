"""Pictures of the window, of simulated faces only: `python -P -m tests.qt.screenshots --out DIR [--only WORD …]`.

Everything shown was recorded, judged and laid out by the program itself. Recordings are kept in DIR and used again.
`--assets DIR` also writes the README's pictures there, small enough for a repository.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import time
from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from itertools import count, islice
from pathlib import Path
from typing import Final

if __name__ == "__main__":
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    for folder in ("XDG_CONFIG_HOME", "XDG_STATE_HOME"):  # neither shows nor changes what the user has set
        os.environ[folder] = tempfile.mkdtemp(prefix="trilume-")

import cv2
import numpy as np
from PySide6.QtWidgets import QApplication, QWidget

from app.kiosk import language, theme
from app.kiosk.kiosk_mode import timings_of
from app.kiosk.program import pages_of
from app.kiosk.replay_view import ReplayView
from app.kiosk.settings_dialog import SettingsDialog
from app.kiosk.sources import CameraScan, Found
from app.kiosk.studio_view import Step
from app.kiosk.subject_view import SubjectView
from app.kiosk.switching import RunnerLike
from app.kiosk.window import STUDIO, MainWindow
from app.kiosk.wish import Wish
from app.settings import Settings
from app.studio import names
from app.studio.protocol import EXAMPLE
from calibration.rig import Rig
from drivers.errors import SessionError
from drivers.frames import FrameSet, Image
from drivers.session import Labels, SessionWriter, amend_labels
from drivers.simulated.camera import SimulatedCamera
from drivers.source import frames_of
from pipeline.bundle import Bundle, load_bundle
from pipeline.result import Reason, Result, Verdict
from pipeline.runner import Runner, Shown, State, Take, Trace

FPS: Final = 10.0
FRAMES: Final = 20
PAUSE_S: Final = 3.0  # between two visits
PAINTED: Final = 8  # ticks of the window's timer after which all of it is painted
SEEN, ENOUGH_S = 24, 12.0
SCENES: Final = ("live", "flat_print", "screen_replay", "silicone_mask")
SEEDS: Final = {"screen_replay": 4}  # a screen that hides who holds it
SMALL, LARGE = (1280, 800), (1920, 1080)
ASSETS: Final = {
    "window-live": "live-bona_fide-1280-dark-en",
    "window-kiosk": "kiosk-live-1280-en",
    "window-studio": "studio-1280-dark-en",
    "window-replay": "replay-1280-dark-en",
}
ASSET_BYTES: Final = 250_000


# Recordings ---------------------------------------------------------------------------------------


def recorded(path: Path, *scenes: str, distance_m: float | None = None, frames: int = FRAMES) -> Path:
    """A session of simulated scenes that follow one another before one camera; one that is there is kept."""
    if path.exists():
        return path
    sets: list[tuple[float, FrameSet]] = []
    for visit, scene in enumerate(scenes):
        camera = SimulatedCamera(
            scene, SEEDS.get(scene, 9001), "astra", seconds=frames / FPS + 1, fps=FPS, distance_m=distance_m
        )
        began_s = visit * (frames / FPS + PAUSE_S)
        sets += [(began_s + n / FPS, made) for n, made in enumerate(islice(frames_of(camera), frames))]
    rig = sets[0][1].rig
    with SessionWriter(path, rig, camera.info, Labels()) as writer:
        for number, (time_s, made) in enumerate(sets):
            writer.write(_at(made, number, time_s, rig))
    return path


def _at(made: FrameSet, number: int, time_s: float, rig: Rig) -> FrameSet:
    def moved(image: Image | None) -> Image | None:
        return None if image is None else replace(image, device_time_s=time_s)

    return replace(
        made, sequence=number, host_time_s=time_s, rig=rig,
        color=moved(made.color), depth=moved(made.depth), infrared=moved(made.infrared),
    )  # fmt: skip


@dataclass
class Still:
    """A runner that stands still: what a run had shown when it was left."""

    shown: Shown | None
    now: State
    traces: tuple[Trace, ...]

    def again(self, _uri: str) -> Still:
        return self

    def start(self) -> None: ...
    def forget(self) -> None: ...
    def close(self) -> None: ...

    def latest(self) -> Shown | None:
        return self.shown and replace(self.shown, judged_s=time.monotonic())

    def history(self) -> tuple[Trace, ...]:
        return self.traces

    def state(self) -> State:
        return self.now

    def begin_take(self, path: Path, labels: Labels) -> None:
        raise SessionError(f"{path}: nothing runs here ({labels.subject})")

    def end_take(self) -> Take:
        raise SessionError("nothing runs here")


NOTHING: Final = Still(None, State("closed", ""), ())


def watched(path: Path, bundle: Bundle) -> Still:
    """What a run over a recording, again and again, shows once it has seen enough, of a set that was judged at once
    and got a verdict, where there is one."""
    runner = Runner(str(path), bundle, loop=True)
    runner.start()
    began_s = time.monotonic()
    while runner.state().judged < SEEN or not _telling(runner.latest()):
        waited_s = time.monotonic() - began_s
        if waited_s > ENOUGH_S and runner.state().judged >= SEEN:
            break
        assert waited_s < 90, runner.state().trouble
        time.sleep(0.005)
    shown, now, traces = runner.latest(), runner.state(), runner.history()
    runner.close()
    assert shown is not None
    return Still(shown, replace(now, age_s=shown.age_s), traces)


def _telling(shown: Shown | None) -> bool:
    if shown is None or shown.age_s > 0.45:
        return False
    return Verdict.UNDECIDED not in (shown.result.verdict, shown.result.session_verdict)


# Pictures -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Camera:
    """Takes pictures of widgets into a folder; `only` those whose names hold one of the words."""

    application: QApplication
    bundle: Bundle
    folder: Path
    only: tuple[str, ...]

    def wants(self, name: str) -> bool:
        return not self.only or any(word in name for word in self.only)

    def dress(self, dark: bool, tongue: str) -> None:
        theme.apply(self.application, "dark" if dark else "light")
        language.install(self.application, tongue)

    def take(self, widget: QWidget, name: str, when: Callable[[], bool] | None = None) -> None:
        """One picture, at once when `when` holds: a busy machine shows many a moment that others do not."""
        self.settle(0.3)
        if when is not None:
            self.settle(3.0, when)
        widget.grab().save(str(self.folder / f"{name}.png"))
        print(name, flush=True)

    def settle(self, seconds: float, until: Callable[[], bool] = lambda: False) -> None:
        """Lets the window go on."""
        until_s = time.monotonic() + seconds
        while time.monotonic() < until_s and not until():
            self.application.processEvents()
            time.sleep(0.01)

    @contextmanager
    def window(
        self, run: Callable[[str], RunnerLike], uri: str, size: tuple[int, int], takes: Path | None = None
    ) -> Iterator[MainWindow]:
        settings = Settings(takes_folder=takes, disk_warn_min=0, disk_refuse_min=0, disk_stop_mb=0)
        window = MainWindow(run, pages_of(settings, self.bundle, Wish()), self.bundle, CameraScan(Found))
        window.resize(*size)
        window.show()
        ticks: list[int] = []
        window.polled.connect(partial(ticks.append, 1))
        window.open(uri)
        self.settle(20.0, lambda: len(ticks) > PAINTED)  # a busy machine takes its time
        yield window
        window.close()
        window.deleteLater()
        self.settle(0.05)


def live_views(camera: Camera, recordings: Path) -> None:
    """Each scene dark; the first also light, large and in the other languages; the last frame of a recording."""
    for scene in SCENES:
        label = "bona_fide" if scene == "live" else scene
        variants = [(SMALL, True, "en"), (LARGE, False, "en")]
        if scene in ("live", "silicone_mask"):
            variants += [(LARGE, True, "de"), (SMALL, False, "de"), (SMALL, True, "zh_CN"), (LARGE, False, "zh_CN")]
        named = [(f"live-{label}-{size[0]}-{_tone(dark)}-{code}", size, dark, code) for size, dark, code in variants]
        if not any(camera.wants(name) for name, *_ in named):
            continue
        still = watched(recorded(recordings / f"{scene}.mcap", scene), camera.bundle)
        for name, size, dark, code in named:
            if camera.wants(name):
                camera.dress(dark, code)
                with camera.window(still.again, f"sim://{scene}", size) as window:
                    camera.take(window, name)
        if camera.wants(f"live-{label}-over"):
            camera.dress(False, "en")
            over = Still(still.shown, replace(still.now, phase="ended"), still.traces)
            with camera.window(over.again, str(recordings / f"{scene}.mcap"), SMALL) as window:
                camera.take(window, f"live-{label}-over")


def kiosk_views(camera: Camera, recordings: Path) -> None:
    """What the person sees, guided by the program's own rules at a clock of ours."""
    played = (
        ("idle", "live", None), ("guidance", "live", 1.4), ("live", "live", None), ("attack", "silicone_mask", None)
    )  # fmt: skip
    for what, scene, distance_m in played:
        if not camera.wants(f"kiosk-{what}"):
            continue
        path = recordings / (f"{scene}-{distance_m}.mcap" if distance_m else f"{scene}.mcap")
        still = watched(recorded(path, scene, distance_m=distance_m), camera.bundle)
        for code in ("en", "de", "zh_CN"):
            camera.dress(True, code)
            for size in (SMALL, LARGE):
                gate, clock = camera.bundle.description.preprocessing.gate, partial(_ticked, count())
                view = SubjectView(gate, timings_of(Settings()), clock)
                view.resize(*size)
                view.show()
                for number in range(30):
                    view.refresh(_seen(still, number, nobody=what == "idle"), still.now, ())
                camera.take(view, f"kiosk-{what}-{size[0]}-{code}")
                view.close()


def _ticked(ticks: Iterator[int]) -> float:
    """A clock that goes on by one frame each time it is asked."""
    return next(ticks) / FPS


def _seen(still: Still, number: int, *, nobody: bool) -> Shown:
    """The still as the newest of many sets, as a camera would go on; or such a set without a face."""
    assert still.shown is not None
    result = replace(still.shown.result, frame=number, device_time_s=number / FPS)
    if nobody:
        result = Result(number, number / FPS, Verdict.UNDECIDED, Reason.NO_FACE, Verdict.UNDECIDED, Reason.NO_FACE)
    return replace(still.shown, number=number, result=result)


def dialogs(camera: Camera, _recordings: Path) -> None:
    """The settings, as they are by default and with a mistake in them."""
    for dark, code in ((True, "en"), (False, "de"), (True, "zh_CN")):
        name = f"settings-{_tone(dark)}-{code}"
        if camera.wants(name):
            camera.dress(dark, code)
            dialog = SettingsDialog()
            dialog.show()
            camera.take(dialog, name)
            dialog.takes_folder.setText("takes")
            camera.take(dialog, f"{name}-mistake")
            dialog.close()


def studio_views(camera: Camera, recordings: Path) -> None:
    """In the middle of a protocol: takes done, the next one filled in, and while it is recorded."""
    for size, dark, code in (
        (SMALL, True, "en"), (SMALL, False, "de"), (LARGE, False, "en"), (SMALL, True, "zh_CN")
    ):  # fmt: skip
        name = f"studio-{size[0]}-{_tone(dark)}-{code}"
        if camera.wants(name):
            camera.dress(dark, code)
            with tempfile.TemporaryDirectory() as folder:
                _studio(camera, recordings, name, size, Path(folder))
    if camera.wants("studio-empty"):
        camera.dress(False, "en")
        with tempfile.TemporaryDirectory() as folder, camera.window(NOTHING.again, "", SMALL, Path(folder)) as window:
            window.show_page(STUDIO)
            camera.settle(1.0)
            camera.take(window, "studio-empty")


def _studio(camera: Camera, recordings: Path, name: str, size: tuple[int, int], folder: Path) -> None:
    _takes_made(folder, recordings)
    protocol = folder / "protocol.toml"
    near = re.sub(r"distance_m = 0\.\d", "distance_m = 0.4", EXAMPLE.replace('"dim"', '"office"'))
    short = re.sub(r"(seconds|good_frames) = .*\n", "", near).replace("[[take]]", "[[take]]\nseconds = 2.0")
    protocol.write_text(short, encoding="utf-8")
    source = recorded(recordings / "live.mcap", "live")
    with camera.window(lambda uri: Runner(uri, camera.bundle, loop=True), str(source), size, folder) as window:
        window.show_page(STUDIO)
        studio = window.studio
        camera.settle(60, lambda: len(studio.takes.model.takes) >= 4 and studio.quality is not None)
        studio.form.operator.setText("kl")
        studio.form.consent.setText("C-0017")
        studio.open_protocol(protocol)
        camera.settle(1.0)
        camera.take(window, f"{name}-next", lambda: studio._state.age_s < 0.4)
        studio.toggle_recording()
        camera.settle(20, lambda: studio.step is Step.RECORDING)
        camera.settle(1.5)
        camera.take(window, name, lambda: studio._state.age_s < 0.4)
        studio.toggle_recording()
        camera.settle(4, lambda: studio.step is Step.IDLE)


def _takes_made(folder: Path, recordings: Path) -> None:
    done = (
        ("0001", "bona_fide", ""),
        ("0001", "flat_print", "print-03"),
        ("0001", "silicone_mask", "mask-01"),
        ("0002", "bona_fide", ""),
    )
    for subject, species, instrument in done:
        scene = "live" if species == "bona_fide" else species
        source = recorded(recordings / f"{scene}.mcap", scene)
        labels = Labels(
            subject=subject, species=species, instrument=instrument, lighting="office", distance_m=0.4,
            operator="kl", consent="C-0017",
        )  # fmt: skip
        path = names.next_place(folder, labels, 1)
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, path)
        amend_labels(path, labels)


def replay_views(camera: Camera, recordings: Path) -> None:
    """A person, then a print in their place, then a mask."""
    for size, dark, code in (
        (SMALL, True, "en"), (SMALL, False, "de"), (LARGE, False, "en"), (LARGE, True, "zh_CN")
    ):  # fmt: skip
        name = f"replay-{size[0]}-{_tone(dark)}-{code}"
        if not camera.wants(name):
            continue
        camera.dress(dark, code)
        path = recorded(recordings / "visits.mcap", "live", "flat_print", "silicone_mask", frames=14)
        with camera.window(NOTHING.again, "", size) as window:
            window.open_recording(path)
            player = window._player
            assert isinstance(player, ReplayView)
            camera.settle(120, partial(_finished, player))
            player.go(24)
            camera.settle(1.0)
            camera.take(window, name)


def _finished(player: ReplayView) -> bool:
    return player.judged.finished


def _tone(dark: bool) -> str:
    return "dark" if dark else "light"


def shrink(source: Path, target: Path) -> None:
    """A PNG of at most `ASSET_BYTES`: 1280 wide, and as many grey levels a channel as fit."""
    picture = cv2.imread(str(source))
    assert picture is not None, source
    scale = min(1.0, 1280 / picture.shape[1])
    picture = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    for levels in (256, 64, 32, 20, 12):
        step = 256 / levels
        coarse = picture if levels == 256 else ((picture // step + 0.5) * step).clip(0, 255).astype(np.uint8)
        coded = cv2.imencode(".png", coarse, [cv2.IMWRITE_PNG_COMPRESSION, 9])[1]
        if len(coded) <= ASSET_BYTES:
            break
    target.write_bytes(coded.tobytes())


def main() -> None:
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--only", nargs="*", default=(), help="words of the names wanted")
    parser.add_argument("--assets", type=Path, help="where the README's pictures go")
    asked = parser.parse_args()
    recordings = asked.out / "recordings"
    recordings.mkdir(parents=True, exist_ok=True)
    application = QApplication([])
    camera = Camera(application, load_bundle(), asked.out, tuple(asked.only))
    for views in (dialogs, live_views, kiosk_views, studio_views, replay_views):
        views(camera, recordings)
    if asked.assets:
        for name, picture in ASSETS.items():
            shrink(asked.out / f"{picture}.png", asked.assets / f"{name}.png")


if __name__ == "__main__":
    main()
