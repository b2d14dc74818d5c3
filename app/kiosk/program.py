"""From settings to a running window: the application, its pages, its runner, and a clean end on every signal."""

from __future__ import annotations

import logging
import signal
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import FrameType, TracebackType
from typing import TYPE_CHECKING

from platformdirs import user_state_path
from PySide6.QtCore import QCoreApplication, QTimer
from PySide6.QtWidgets import QApplication, QWidget

from app.errors import Exit, log_path, say
from app.kiosk import language, theme
from app.kiosk.connections import Connections
from app.kiosk.sources import CAST, CameraScan, plugged_in
from app.kiosk.warming import WarmUp
from app.kiosk.window import MainWindow, Pages
from app.kiosk.wish import Wish
from app.settings import Settings
from pipeline.bundle import Bundle, load_bundle
from pipeline.runner import Runner, State

if TYPE_CHECKING:
    from app.kiosk.kiosk_mode import KioskWindow

log = logging.getLogger(__name__)

SIMULATED = "sim://"
SCAN_S = 5.0
"""How long the start waits for cameras to be found before the cast is shown."""


def run(
    settings: Settings, wish: Wish, began_s: float, shown: Callable[[QWidget], object] = lambda _window: None
) -> Exit:
    """Shows the window until it is closed. `began_s`: monotonic start of the process; `shown` is called once with what
    stands on the screen. Raises BundleError."""
    bundle = load_bundle(settings.bundle)
    application = QApplication.instance() or QApplication(["trilume"])
    assert isinstance(application, QApplication)
    application.setApplicationName("trilume")
    theme.apply(application, settings.theme, settings.scale)
    language.install(application, settings.language)
    sys.excepthook = _unexpected
    scan = CameraScan(plugged_in)
    pages = pages_of(settings, bundle, wish)
    window = MainWindow(runner_of(settings, bundle, wish), pages, bundle, scan)
    gate = bundle.description.preprocessing.gate
    working_m = gate.near_m, gate.far_m
    connections = Connections(window, settings, wish, lambda now: pages_of(now, bundle, wish), working_m)
    _timed(window, began_s, wish)
    ended = _ends_cleanly(window)
    window.closed.connect(lambda: QCoreApplication.exit(0))
    kiosk, use = _kiosk(window, settings, bundle, always=wish.fullscreen)
    connections.changed.connect(use)
    front: QWidget = kiosk if wish.fullscreen else window
    front.showFullScreen() if wish.fullscreen else front.show()
    shown(front)
    warm_up = WarmUp(bundle)
    warm_up.start()
    _begin(window, settings.source, scan)
    if not window.gone:  # a signal may have come before the loop could hear of it
        application.exec()
    warm_up.end()
    return ended()


def runner_of(settings: Settings, bundle: Bundle, wish: Wish) -> Callable[[str], Runner]:
    """What makes the runner of a source."""
    widened = accepting(bundle, settings)

    def made(uri: str) -> Runner:
        if uri.startswith(CAST):
            from app.kiosk.cast import Cast

            return Runner(uri, widened, accept_sensor=wish.accept_sensor, source=Cast())
        kind = Drawn if uri.startswith(SIMULATED) else Runner
        return kind(uri, widened, accept_sensor=wish.accept_sensor)

    return made


class Drawn(Runner):
    """Of a simulated scene: says that its first picture is being drawn. Loading the simulator takes seconds, and where
    its kernels were never compiled much longer."""

    def state(self) -> State:
        state = super().state()
        return replace(state, trouble=f"{self.uri}: drawing the first picture …") if state.phase == "opening" else state


def accepting(bundle: Bundle, settings: Settings) -> Bundle:
    """The bundle as if made for the sensors that the settings accept as well, and for no others."""
    about = bundle.description
    sensors = tuple(dict.fromkeys((*about.sensors, *settings.accept_sensor)))
    return replace(bundle, description=about.model_copy(update={"sensors": sensors}))


def pages_of(settings: Settings, bundle: Bundle, wish: Wish) -> Pages:
    """The widgets of the window."""
    from app.kiosk.kiosk_mode import timings_of
    from app.kiosk.live_view import LiveView
    from app.kiosk.studio_view import StudioView
    from app.kiosk.subject_view import SubjectView
    from app.kiosk.why_view import WhyView

    gate = bundle.description.preprocessing.gate
    near_m, far_m = settings.depth_range_m or (gate.near_m, gate.far_m)
    memory = user_state_path("trilume") / "take-form.json"

    def replay(path: Path) -> QWidget:
        from app.kiosk.replay_view import ReplayView

        return ReplayView(path, accepting(bundle, settings), accept_sensor=wish.accept_sensor)

    return Pages(
        live=LiveView(near_m, far_m),
        why=WhyView(bundle.description),
        studio=lambda recorder: StudioView(recorder, settings.takes_path, settings, memory=memory),
        replay=replay,
        subject=SubjectView(gate, timings_of(settings)),
    )


def _kiosk(
    window: MainWindow, settings: Settings, bundle: Bundle, *, always: bool
) -> tuple[KioskWindow, Callable[[Settings], None]]:
    """The subject's view over the whole screen, in place of the window's own page `always` or while a PIN is set, which
    that page does not ask for. The operator's window stays hidden until it is asked for.
    """
    from app.kiosk.kiosk_mode import KioskWindow, timings_of
    from app.kiosk.subject_view import SubjectView

    view = SubjectView(bundle.description.preprocessing.gate, timings_of(settings))
    kiosk = KioskWindow(window.switch, view, settings)

    def operate() -> None:
        window.showMaximized()
        kiosk.hide()
        window.activateWindow()

    def back() -> None:
        kiosk.showFullScreen()
        window.hide()
        kiosk.activateWindow()

    def use(now: Settings) -> None:
        kiosk.use(now)
        window.kiosk = back if always or now.pin is not None else None

    kiosk.operator_wanted.connect(operate)
    kiosk.left.connect(window.close)
    use(settings)
    return kiosk, use


def _begin(window: MainWindow, source: str, scan: CameraScan) -> None:
    """The source that was named, else the first camera found, else the cast."""
    if source:
        window.open(source)
        return
    until_s = time.monotonic() + SCAN_S

    def first() -> None:
        if scan.found is None and time.monotonic() < until_s:
            return
        window.polled.disconnect(first)
        if window.switch.idle:  # nobody has chosen meanwhile
            cameras = scan.found.usable if scan.found else ()
            window.open(cameras[0].uri if cameras else CAST)

    window.polled.connect(first)


def _timed(window: MainWindow, began_s: float, wish: Wish) -> None:
    """Start to first picture and to first verdict, in the log and, where asked for, on standard error."""

    def tell(what: str) -> None:
        line = f"{what} {time.monotonic() - began_s:.2f} s after the start of the program"
        log.info(line)
        if wish.timing:
            say(line)

    window.first_shown.connect(lambda: tell("first picture judged"))
    window.first_verdict.connect(lambda: tell("first verdict"))


def _ends_cleanly(window: MainWindow) -> Callable[[], Exit]:
    """SIGTERM and Ctrl-C close the window as its button does, at the loop's next turn."""
    codes = {signal.SIGINT: Exit.INTERRUPTED, signal.SIGTERM: Exit.TERMINATED}
    ended = [Exit.DONE]

    def stop(number: int, _frame: FrameType | None) -> None:
        ended[0] = codes[signal.Signals(number)]
        QTimer.singleShot(0, window.close)  # not here: the handler may run in the middle of a paint

    if threading.current_thread() is threading.main_thread():
        for number in codes:
            signal.signal(number, stop)
    return lambda: ended[0]


def _unexpected(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """A slot's exception: the window goes on, the log tells."""
    log.error("unexpected", exc_info=(kind, error, trace))
    say(f"{kind.__name__}: {error}: a bug; the traceback is in {log_path()}")
