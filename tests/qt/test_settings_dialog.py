"""The settings dialog against the real settings file: what is written, what is refused, what cannot be changed."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtWidgets import QDialogButtonBox
from pytestqt.qtbot import QtBot

from app.kiosk.settings_dialog import SettingsDialog
from app.settings import Settings, load, pin_matches, save, settings_path


@pytest.fixture
def dialog(qtbot: QtBot) -> SettingsDialog:
    save({"scale": 1.5, "theme": "dark", "sound": True})
    made = SettingsDialog()
    qtbot.addWidget(made)
    return made


def can_save(dialog: SettingsDialog) -> bool:
    return bool(dialog._buttons.button(QDialogButtonBox.StandardButton.Save).isEnabled())


def test_what_is_changed_is_written_and_told_and_the_rest_of_the_file_stays(
    dialog: SettingsDialog, tmp_path: Path, qtbot: QtBot
) -> None:
    assert (dialog.theme.currentData(), dialog.sound.isChecked()) == ("dark", True)
    dialog.language.setCurrentIndex(dialog.language.findData("de"))
    dialog.sound.setChecked(False)
    dialog.own_range.setChecked(True)
    dialog.near.setValue(400)
    dialog.far.setValue(900)
    dialog.takes_folder.setText(str(tmp_path / "takes"))
    dialog.accept_sensor.setText("realsense-d435, orbbec-gemini335 ,")
    dialog.no_pin.setChecked(False)
    dialog.pin.setText("2468")
    with qtbot.waitSignal(dialog.saved) as told:
        dialog.accept()
    now = load().settings
    assert told.args == [now]
    assert now == Settings(
        scale=1.5, theme="dark", language="de", depth_range_m=(0.4, 0.9), takes_folder=tmp_path / "takes",
        accept_sensor=("realsense-d435", "orbbec-gemini335"), pin=now.pin,
    )  # fmt: skip
    assert pin_matches("2468", now.pin)
    assert "2468" not in settings_path().read_text()
    assert set(tomllib.loads(settings_path().read_text())) == {
        "scale", "theme", "language", "depth_range_m", "takes_folder", "accept_sensor", "pin",
    }  # fmt: skip  # what is as by default is not written


def bad_range(dialog: SettingsDialog) -> None:
    dialog.own_range.setChecked(True)
    dialog.near.setValue(900)
    dialog.far.setValue(900)


def bad_folder(dialog: SettingsDialog) -> None:
    dialog.takes_folder.setText("takes")


def short_pin(dialog: SettingsDialog) -> None:
    dialog.no_pin.setChecked(False)
    dialog.pin.setText("12")


def no_digits(dialog: SettingsDialog) -> None:
    dialog.no_pin.setChecked(False)
    dialog.pin.setText("abcd")


@pytest.mark.parametrize(
    ("mistake", "word"), [(bad_range, "depth range"), (bad_folder, "full path"), (short_pin, "PIN"), (no_digits, "PIN")]
)
def test_a_bad_value_is_refused_in_place_and_nothing_is_written(
    dialog: SettingsDialog, mistake: Any, word: str
) -> None:
    before = settings_path().read_text()
    mistake(dialog)
    assert word in dialog.told
    assert not can_save(dialog)
    dialog.accept()
    assert settings_path().read_text() == before
    dialog.reset()
    assert dialog.told == ""
    assert can_save(dialog)


def test_a_pin_that_was_not_typed_stays_and_one_that_is_unwanted_goes(qtbot: QtBot) -> None:
    first = SettingsDialog()
    qtbot.addWidget(first)
    first.no_pin.setChecked(False)
    first.pin.setText("13579")
    first.accept()
    stored = load().settings.pin
    assert pin_matches("13579", stored)
    second = SettingsDialog()
    qtbot.addWidget(second)
    assert second.pin.text() == ""
    second.accept()
    assert load().settings.pin == stored
    second.no_pin.setChecked(True)
    second.accept()
    assert load().settings.pin is None


def test_defaults_empty_the_file_of_all_that_the_dialog_sets(dialog: SettingsDialog) -> None:
    dialog.reset()
    assert load().settings.theme == "dark"  # not before it is saved
    dialog.accept()
    assert load().settings == Settings(scale=1.5)


def test_what_the_environment_has_set_cannot_be_changed(monkeypatch: pytest.MonkeyPatch, qtbot: QtBot) -> None:
    monkeypatch.setenv("TRILUME_THEME", "light")
    monkeypatch.setenv("TRILUME_DEPTH_RANGE_M", "0.4,0.8")
    dialog = SettingsDialog()
    qtbot.addWidget(dialog)
    assert not dialog.theme.isEnabled()
    assert not dialog.near.isEnabled()
    dialog.reset()
    assert (dialog.theme.currentData(), dialog.near.value()) == ("light", 400)
    dialog.accept()
    assert not settings_path().exists() or settings_path().read_text().strip() == ""


def test_a_file_that_is_no_toml_is_told_and_left_alone(qtbot: QtBot) -> None:
    settings_path().parent.mkdir(parents=True, exist_ok=True)
    settings_path().write_text("theme = [")
    dialog = SettingsDialog()
    qtbot.addWidget(dialog)
    dialog.sound.setChecked(True)
    dialog.accept()
    assert "TOML" in dialog.told
    assert settings_path().read_text() == "theme = ["
