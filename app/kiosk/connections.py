"""What the parts of the window have to do with one another, and with settings that are changed while it is open."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QApplication

from app.kiosk import language, theme
from app.settings import Settings, load, save
from drivers.errors import TrilumeError

if TYPE_CHECKING:
    from app.kiosk.window import MainWindow, Pages
    from app.kiosk.wish import Wish

log = logging.getLogger(__name__)


class Connections(QObject):
    """Cues in the person's view, takes that are replayed, and the dialog whose changes take effect at once where Qt
    allows it: another language makes the pages anew in the window that is open. GUI thread; lives with the window."""

    changed = Signal(object)

    def __init__(
        self,
        window: MainWindow,
        settings: Settings,
        wish: Wish,
        made: Callable[[Settings], Pages],
        working_m: tuple[float, float],
    ) -> None:
        """`made` makes pages; `working_m`: what the depth range is without a setting, metres. `changed` hands on
        settings that were saved."""
        from app.kiosk.sounds import Sounds

        super().__init__(window)
        self._window, self._made, self._working_m = window, made, working_m
        self._given = {"language": wish.language, "theme": wish.theme}
        self._sounds = Sounds(settings.sound, parent=window)
        self._settings = settings
        self._spoken = language.resolve(settings.language)
        self._connect()
        window.settings_wanted.connect(self.ask)
        window.polled.connect(self._speak)

    def ask(self) -> None:
        """Opens the settings."""
        from app.kiosk.settings_dialog import SettingsDialog

        dialog = SettingsDialog(self._window, working_m=self._working_m, read=lambda: load(self._given))
        dialog.saved.connect(self._changed)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def _connect(self) -> None:
        window, subject = self._window, self._window.pages.subject
        subject.new_visit.connect(window.switch.forget)
        subject.verdict_shown.connect(self._sounds.play)
        window.studio.replay_wanted.connect(window.open_recording)
        window.studio.folder_chosen.connect(_keep)

    def _changed(self, now: Settings) -> None:
        application = QApplication.instance()
        assert isinstance(application, QApplication)
        self._settings = now
        theme.color(application, now.theme)
        self._sounds.switch(now.sound)
        self.changed.emit(now)
        near_mm, far_mm = (round(metres * 1000) for metres in now.depth_range_m or self._working_m)
        for view in (self._window.pages.live, self._window.studio.live):
            view.set_range(near_mm, far_mm)
        if now.takes_path != self._window.studio.folder:
            self._window.studio.use(now.takes_path)

    def _speak(self) -> None:
        """Another language, as soon as no take is under way: the view that records it must not go."""
        wanted, studio = language.resolve(self._settings.language), self._window.studio
        if wanted == self._spoken or studio.busy:
            return
        application = QApplication.instance()
        assert isinstance(application, QApplication)
        self._spoken = language.install(application, wanted)
        kept = studio.kept()
        self._window.rebuild(self._made(self._settings))
        self._window.studio.restore(kept)
        self._connect()


def _keep(folder: Path) -> None:
    try:
        save({"takes_folder": folder})
    except (TrilumeError, OSError) as error:
        log.warning("the folder of takes is not kept: %s", error)
