"""Settings changed while the window is open: they take effect at once, and another language keeps what was going on."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from PySide6.QtCore import QCoreApplication, QEvent, Qt
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.kiosk import language
from app.kiosk.connections import Connections
from app.kiosk.program import pages_of
from app.kiosk.settings_dialog import SettingsDialog
from app.kiosk.sources import CameraScan, Found
from app.kiosk.window import LIVE, REPLAY, STUDIO, MainWindow
from app.kiosk.wish import Wish
from app.settings import Settings
from app.studio.protocol import EXAMPLE
from pipeline.bundle import load_bundle
from tests.app.scene import frames, record
from tests.qt.stage import Puppet, words


@dataclass
class Open:
    """A window as the program puts it together, but for its runners."""

    window: MainWindow
    puppets: list[Puppet]
    played: list[str]

    def change(self, code: str) -> SettingsDialog:
        """Chooses a language in the settings."""
        self.window.settings_wanted.emit()
        dialog = self.window.findChild(SettingsDialog)
        dialog.language.setCurrentIndex(dialog.language.findData(code))
        dialog.accept()
        return dialog


@pytest.fixture
def opened(
    qtbot: QtBot, qapp: QApplication, strict: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Open]:
    bundle = load_bundle(strict)
    played: list[str] = []
    puppets: list[Puppet] = []
    monkeypatch.setattr("app.kiosk.sounds.Sounds.play", lambda _self, verdict: played.append(verdict))
    monkeypatch.setenv("TRILUME_TAKES_FOLDER", str(tmp_path / "takes"))
    settings = Settings(takes_folder=tmp_path / "takes", theme="light", language="en", disk_warn_min=0)
    font = qapp.font()

    def run(uri: str) -> Puppet:
        puppets.append(Puppet(uri))
        return puppets[-1]

    window = MainWindow(run, pages_of(settings, bundle, Wish()), bundle, CameraScan(Found))
    qtbot.addWidget(window)
    Connections(window, settings, Wish(), lambda now: pages_of(now, bundle, Wish()), (0.3, 1.3))
    window.show()
    yield Open(window, puppets, played)
    window.close()
    language.remove(qapp)
    qapp.setFont(font)


def test_changed_settings_take_effect_at_once_and_sounds_follow_the_persons_view(
    opened: Open, qapp: QApplication, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    window = opened.window
    monkeypatch.delenv("TRILUME_TAKES_FOLDER")
    window.settings_wanted.emit()
    dialog = window.findChild(SettingsDialog)
    dialog.theme.setCurrentIndex(dialog.theme.findData("dark"))
    dialog.own_range.setChecked(True)
    dialog.near.setValue(450)
    dialog.far.setValue(800)
    dialog.takes_folder.setText(str(tmp_path / "others"))
    dialog.accept()
    assert qapp.palette().window().color().lightness() < 80
    assert window.pages.live.range_mm == window.studio.live.range_mm == (450, 800)
    assert window.studio.folder == tmp_path / "others"
    window.pages.subject.verdict_shown.emit("attack")
    assert opened.played == ["attack"]


@pytest.mark.parametrize(
    ("code", "next_person", "recording"), [("de", "Nächste Person", "Aufnehmen (R)"), ("zh_CN", "下一位", "录制（R）")]
)
def test_another_language_is_spoken_at_once_and_the_source_runs_on(
    opened: Open, qtbot: QtBot, code: str, next_person: str, recording: str
) -> None:
    window = opened.window
    window.open("sim://live")
    assert "Next person" in words(window)
    opened.change(code)
    qtbot.waitUntil(lambda: next_person in words(window), timeout=5000)
    assert "Next person" not in words(window)
    assert [puppet.calls for puppet in opened.puppets] == [["start"]], "neither stopped nor begun again"
    window.show_page(STUDIO)
    assert recording in words(window)
    window.pages.subject.verdict_shown.emit("live")
    assert opened.played == ["live"]
    opened.change("en")
    qtbot.waitUntil(lambda: "Next person" in words(window), timeout=5000)
    assert window._stack.currentIndex() == STUDIO
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow, timeout=5000)
    qtbot.keyClick(window, Qt.Key.Key_1, Qt.KeyboardModifier.ControlModifier)
    assert window._stack.currentIndex() == LIVE, "keys lead where they led"


def test_what_the_studio_was_told_stays(opened: Open, qtbot: QtBot, tmp_path: Path) -> None:
    window = opened.window
    protocol = tmp_path / "protocol.toml"
    protocol.write_text(EXAMPLE, encoding="utf-8")
    before = window.studio
    before.open_protocol(protocol)
    before.form.subject.setText("0042")
    before.form.visit.setValue(3)
    before.form.consent.setText("C-7")
    said, done, following = before.form.said(), before.protocol.done, before.protocol.next
    opened.change("de")
    qtbot.waitUntil(lambda: window.studio is not before, timeout=5000)
    window.show_page(STUDIO)
    qtbot.wait(200)  # the list of takes is read meanwhile
    assert window.studio.form.said() == said
    assert (window.studio.protocol.done, window.studio.protocol.next) == (done, following)
    assert "Person *" in words(window)


def test_a_take_that_is_recorded_keeps_its_view_until_it_is_over(
    opened: Open, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    window, before = opened.window, opened.window.studio
    monkeypatch.setattr(type(before), "busy", True)
    opened.change("de")
    qtbot.wait(150)
    assert window.studio is before
    assert "Next person" in words(window)
    monkeypatch.setattr(type(before), "busy", False)
    qtbot.waitUntil(lambda: "Nächste Person" in words(window), timeout=5000)


def test_a_recording_is_looked_at_again_where_it_was(opened: Open, qtbot: QtBot, tmp_path: Path) -> None:
    recording = record(tmp_path / "drawn.mcap", frames(8), subject="s1", species="bona_fide")
    window = opened.window
    window.open_recording(recording)
    window._player.go(5)
    opened.change("de")
    qtbot.waitUntil(lambda: "Nächster Wechsel" in words(window), timeout=5000)
    assert window._stack.currentIndex() == REPLAY
    assert (window._player.path, window._player.number) == (recording, 5)


def test_nothing_of_the_language_before_stays(opened: Open, qtbot: QtBot) -> None:
    window = opened.window
    old = [weakref.ref(part) for part in (window.pages.live, window.pages.why, window.studio, window._top)]
    opened.change("de")
    qtbot.waitUntil(lambda: "Nächste Person" in words(window), timeout=5000)
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    gc.collect()
    assert [ref() for ref in old] == [None] * 4
