"""Pictures of the window, of simulated faces only: `python -P -m tests.qt.screenshots --out DIR [--only WORD …]`.

Everything shown was recorded, judged and laid out by the program itself. Recordings are kept in DIR and used again.
`--assets DIR` also writes the README's pictures there, small enough for a repository. On X11 without a screen:
`QT_QPA_PLATFORM=xcb xvfb-run -a -s "-screen 0 1920x1200x24" python -P -m tests.qt.screenshots …`.
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
from itertools import count
from pathlib import Path
from typing import Final

if __name__ == "__main__":
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    for folder in ("XDG_CONFIG_HOME", "XDG_STATE_HOME"):  # neither shows nor changes what the user has set
        os.environ[folder] = tempfile.mkdtemp(prefix="trilume-")

import cv2
import numpy as np
from PySide6.QtGui import QColor, QImage
from PySide6.QtWidgets import QApplication, QWidget

from app.judging import Judging, Switches
from app.kiosk import language, theme
from app.kiosk.about import about_box, keys_box
from app.kiosk.kiosk_mode import PinLock, PinPad, timings_of
from app.kiosk.program import pages_of
from app.kiosk.replay_view import ReplayView
from app.kiosk.settings_dialog import SettingsDialog
from app.kiosk.sources import CameraScan, Found
from app.kiosk.studio_view import Step
from app.kiosk.subject_view import SubjectView
from app.kiosk.switching import RunnerLike
from app.kiosk.window import STUDIO, MainWindow
from app.kiosk.wish import Wish
from app.pictures import sheet, write_png
from app.settings import Settings
from app.studio import names
from app.studio.protocol import EXAMPLE
from drivers.session import Labels, amend_labels
from pipeline.bundle import Bundle, load_bundle
from pipeline.result import Reason, Result, Verdict
from pipeline.runner import Shown
from tests.qt.stills import FPS, NOTHING, SEEN, Recording, Still, processor_time, recorded, telling, watched

PAINTED: Final = 8  # ticks of the window's timer after which all of it is painted
SCENES: Final = ("live", "flat_print", "screen_replay", "silicone_mask")
SMALL, LARGE = (1280, 800), (1920, 1080)
ASSETS: Final = {
    "explained": ("explained", 1600),
    "window-live": ("live-bona_fide-1280-dark-en", 1280),
    "window-print": ("live-flat_print-1280-dark-en", 1280),
    "window-screen": ("live-screen_replay-1280-dark-en", 1280),
    "window-mask": ("live-silicone_mask-1280-dark-en", 1280),
    "window-light-german": ("live-bona_fide-1280-light-de", 1280),
    "window-chinese": ("live-silicone_mask-1280-dark-zh_CN", 1280),
    "window-studio": ("studio-1280-dark-en", 1280),
    "window-replay": ("replay-1280-dark-en", 1280),
    "kiosk-idle": ("kiosk-idle-1280-en", 800),
    "kiosk-guidance": ("kiosk-guidance-1280-en", 800),
    "kiosk-live": ("kiosk-live-1280-en", 800),
    "kiosk-attack": ("kiosk-attack-1280-en", 800),
}
"""The README's pictures: which, and how wide at most, pixels."""
COLORS, EXACT = 256, 64
"""Of a README's picture; those that are met most, the flat ones of the window, stay as they are."""


# Pictures -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Camera:
    """Takes pictures of widgets into a folder; `only` those whose names hold one of the words."""

    application: QApplication
    bundle: Bundle
    folder: Path
    only: tuple[str, ...]
    seen: int

    def wants(self, name: str) -> bool:
        return not self.only or any(word in name for word in self.only)

    def dress(self, dark: bool, tongue: str) -> None:
        theme.apply(self.application, "dark" if dark else "light")
        language.install(self.application, tongue)

    def take(self, widget: QWidget, name: str) -> None:
        """One picture."""
        self.settle(0.3)
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
        still = watched(recorded(recordings / f"{scene}.mcap", scene), camera.seen)
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
        still = watched(recorded(path, scene, distance_m=distance_m), camera.seen)
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


def dialogs(camera: Camera, recordings: Path) -> None:
    """The settings, as they are by default and with a mistake in them; what F1, the menu and the studio open."""
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
        if camera.wants(f"box-{code}"):
            camera.dress(dark, code)
            with tempfile.TemporaryDirectory() as folder:
                _takes_made(Path(folder), recordings)
                with camera.window(NOTHING.again, "", SMALL, Path(folder)) as window:
                    for what, box in _boxes(camera, window):
                        box.show()
                        camera.take(box, f"box-{code}-{what}")
                        box.close()


def _boxes(camera: Camera, window: MainWindow) -> Iterator[tuple[str, QWidget]]:
    takes = window.studio.takes
    window.show_page(STUDIO)
    camera.settle(60, lambda: len(takes.model.takes) >= 4)
    yield "keys", keys_box(window)
    yield "about", about_box(window, camera.bundle)
    yield "pin", PinPad(PinLock(None), window)
    yield "labels", takes._labels_dialog(takes.model.takes[1])[0]
    yield "delete", takes._confirmation(takes.tr("Delete {0} for good?").format(takes.model.takes[1].path.name))[0]
    yield "menu", window._more.menu()
    window._chooser._fill()
    yield "sources", window._chooser._menu


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
    still = watched(source, camera.seen)
    runner = Recording(still.shown, still.now, still.traces, source)
    with camera.window(runner.again, str(source), size, folder) as window:
        window.show_page(STUDIO)
        studio = window.studio
        camera.settle(60, lambda: len(studio.takes.model.takes) >= 4 and studio.quality is not None)
        studio.form.operator.setText("kl")
        studio.form.consent.setText("C-0017")
        studio.open_protocol(protocol)
        camera.settle(1.0)
        camera.take(window, f"{name}-next")
        studio.toggle_recording()
        camera.settle(20, lambda: studio.step is Step.RECORDING)
        camera.settle(0.5)
        camera.take(window, name)
        studio.toggle_recording()
        camera.settle(20, lambda: studio.step is Step.IDLE)


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
        with processor_time(), camera.window(NOTHING.again, "", size) as window:
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


def explained(camera: Camera, recordings: Path) -> None:
    """The sheet of the mask's last frame with a verdict."""
    if camera.wants("explained"):
        path = recorded(recordings / "silicone_mask.mcap", "silicone_mask")
        judging = Judging(str(path), camera.bundle, Switches())
        with processor_time():
            frame_set, result = [pair for pair in judging if telling(pair[1])][-1]
        picture = sheet(frame_set, result, camera.bundle.description, judging.info, path.name)
        write_png(camera.folder / "explained.png", picture)
        print("explained", flush=True)


def shrink(source: Path, target: Path, width: int) -> None:
    """A PNG of 256 colours, at most so wide."""
    picture = cv2.imread(str(source))
    assert picture is not None, source
    scale = min(1.0, width / picture.shape[1])
    picture = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    pixels = picture.reshape(-1, 3)
    codes = pixels @ np.array([1, 256, 65536], np.uint32)
    known, place, count = np.unique(codes, return_inverse=True, return_counts=True)
    colors = np.stack([known & 255, known >> 8 & 255, known >> 16], axis=1)
    cv2.setRNGSeed(0)
    some = pixels[np.random.default_rng(0).integers(0, len(pixels), 20_000)].astype(np.float32)
    rest = cv2.kmeans(some, COLORS - EXACT, None, (cv2.TERM_CRITERIA_MAX_ITER, 12, 0), 1, cv2.KMEANS_PP_CENTERS)[2]
    palette = np.vstack([colors[np.argsort(-count)[:EXACT]], rest.round()]).astype(np.float32)
    parts = np.array_split(colors.astype(np.float32), 1 + len(colors) // 4096)
    nearest = np.concatenate([((palette**2).sum(1) - 2 * part @ palette.T).argmin(1) for part in parts])
    index = np.pad(nearest[place].reshape(picture.shape[:2]).astype(np.uint8), ((0, 0), (0, -picture.shape[1] % 4)))
    image = QImage(index.data, picture.shape[1], picture.shape[0], index.shape[1], QImage.Format.Format_Indexed8)
    image.setColorTable([QColor(red, green, blue).rgb() for blue, green, red in palette.astype(int).tolist()])
    assert image.save(str(target), "PNG", 0)


def main() -> None:
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--only", nargs="*", default=(), help="words of the names wanted")
    parser.add_argument(
        "--seen", type=int, default=SEEN, help="frame sets that the window has seen: fewer are sooner done"
    )
    parser.add_argument("--assets", type=Path, help="where the README's pictures go")
    asked = parser.parse_args()
    recordings = asked.out / "recordings"
    recordings.mkdir(parents=True, exist_ok=True)
    application = QApplication([])
    camera = Camera(application, load_bundle(), asked.out, tuple(asked.only), asked.seen)
    for views in (dialogs, live_views, kiosk_views, studio_views, replay_views, explained):
        views(camera, recordings)
    if asked.assets:
        for name, (picture, width) in ASSETS.items():
            shrink(asked.out / f"{picture}.png", asked.assets / f"{name}.png", width)


if __name__ == "__main__":
    main()
