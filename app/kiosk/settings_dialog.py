"""The settings that are changed in the window. A value that does not fit is refused beside its field; the rest of the
file stays as it is. What the environment or the command line has set is shown, and cannot be changed here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from PySide6.QtCore import Signal
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from app.errors import Refused
from app.kiosk import theme
from app.settings import Loaded, Origin, Settings, hash_pin, is_pin, load, save

KEYS: Final = ("language", "theme", "sound", "depth_range_m", "takes_folder", "accept_sensor", "pin")


class SettingsDialog(QDialog):
    """Reads the settings file, writes what was changed. GUI thread; `saved` tells the settings as they are then."""

    saved = Signal(object)

    def __init__(
        self,
        parent: QWidget | None = None,
        *,
        working_m: tuple[float, float] = (0.3, 1.3),
        read: Callable[[], Loaded] = load,
        write: Callable[[Mapping[str, Any]], object] = save,
    ) -> None:
        """`working_m`: what the depth range is without a setting."""
        super().__init__(parent)
        self._working_m, self._read, self._write = working_m, read, write
        self.setWindowTitle(self.tr("Settings"))
        self.setMinimumWidth(680)
        self.language = _chooser(
            (("auto", self.tr("as the desktop")), ("en", "English"), ("de", "Deutsch"), ("zh_CN", "简体中文"))
        )
        self.theme = _chooser(
            (("auto", self.tr("as the desktop")), ("dark", self.tr("dark")), ("light", self.tr("light")))
        )
        self.sound = QCheckBox(self.tr("a cue with every verdict"))
        self.own_range = QCheckBox(self.tr("own range"))
        self.near, self.far = _millimetres(), _millimetres()
        self.takes_folder = QLineEdit()
        self.accept_sensor = QLineEdit()
        self.accept_sensor.setPlaceholderText(self.tr("names, separated by commas"))
        self.pin = QLineEdit()
        self.pin.setEchoMode(QLineEdit.EchoMode.Password)
        self.no_pin = QCheckBox(self.tr("no PIN"))
        self._told = QLabel()
        self._told.setWordWrap(True)
        self._told.setAccessibleName(self.tr("What is wrong"))
        self._buttons = self._made_buttons()
        self._lay_out()
        self._loaded = self._read()
        self.show_settings(self._loaded.settings)
        self._lock()
        self._watch()

    @property
    def told(self) -> str:
        """What is wrong, empty where all may be saved."""
        return self._told.text()

    def show_settings(self, settings: Settings) -> None:
        """Fills in the fields."""
        self.language.setCurrentIndex(self.language.findData(settings.language))
        self.theme.setCurrentIndex(self.theme.findData(settings.theme))
        self.sound.setChecked(settings.sound)
        self.own_range.setChecked(settings.depth_range_m is not None)
        for box, metres in zip((self.near, self.far), settings.depth_range_m or self._working_m, strict=True):
            box.setValue(round(metres * 1000))
        self.takes_folder.setText(str(settings.takes_folder or ""))
        self.takes_folder.setPlaceholderText(str(Settings().takes_path))
        self.accept_sensor.setText(", ".join(settings.accept_sensor))
        self.pin.clear()
        self.pin.setPlaceholderText(self.tr("unchanged") if settings.pin else self.tr("4 to 12 digits"))
        self.no_pin.setChecked(settings.pin is None)
        self._check()

    def wishes(self) -> dict[str, Any]:
        """What the fields say, as the settings file would; None: the default. A PIN that was not typed is left out."""
        near_m, far_m = self.near.value() / 1000, self.far.value() / 1000
        folder, sensors = self.takes_folder.text().strip(), self.accept_sensor.text()
        said: dict[str, Any] = {
            "language": self.language.currentData(),
            "theme": self.theme.currentData(),
            "sound": self.sound.isChecked(),
            "depth_range_m": [near_m, far_m] if self.own_range.isChecked() else None,
            "takes_folder": folder or None,
            "accept_sensor": [name for part in sensors.split(",") if (name := part.strip())] or None,
        }
        if self.no_pin.isChecked():
            said["pin"] = None
        elif self.pin.text():
            said["pin"] = hash_pin(self.pin.text())
        defaults = {key: field.default for key, field in Settings.model_fields.items()}
        fixed = {key for key, origin in self._loaded.origins.items() if origin in _ELSEWHERE}
        return {key: None if value == defaults[key] else value for key, value in said.items() if key not in fixed}

    def problem(self) -> str:
        """Why the fields cannot be saved, the first reason in one line."""
        if self.own_range.isChecked() and self.near.value() >= self.far.value():
            return str(self.tr("depth range: the nearest must be less than the farthest"))
        folder = Path(self.takes_folder.text().strip() or ".").expanduser()
        if self.takes_folder.text().strip() and (not folder.is_absolute() or (folder.exists() and not folder.is_dir())):
            return str(self.tr("folder for takes: give the full path of a folder"))
        pin, kept = self.pin.text(), self._loaded.settings.pin is not None
        if not self.no_pin.isChecked() and not is_pin(pin) and (pin or not kept):
            return str(self.tr("PIN: give 4 to 12 digits, or none"))
        return ""

    def accept(self) -> None:
        """Saves, where all fits."""
        if self.problem():
            return
        try:
            self._write(self.wishes())
        except (Refused, OSError) as error:
            self._tell(str(error))
            return
        self._loaded = self._read()
        self.saved.emit(self._loaded.settings)
        super().accept()

    def reset(self) -> None:
        """All fields as if nothing were set; saved is nothing yet."""
        fixed = {key: getattr(self._loaded.settings, key) for key in KEYS if self._loaded.origins[key] in _ELSEWHERE}
        self.show_settings(Settings(**fixed))

    def _check(self) -> None:
        self.near.setEnabled(self.own_range.isChecked() and self.own_range.isEnabled())
        self.far.setEnabled(self.near.isEnabled())
        self.pin.setEnabled(not self.no_pin.isChecked() and self.no_pin.isEnabled())
        self._tell(self.problem())

    def _tell(self, words: str) -> None:
        self._told.setText(words)
        self._told.setStyleSheet(f"background: {theme.ATTACK}; color: #101215; padding: 4px" if words else "")
        self._buttons.button(QDialogButtonBox.StandardButton.Save).setEnabled(not words)

    def _lock(self) -> None:
        fields: dict[str, tuple[QWidget, ...]] = {
            "depth_range_m": (self.own_range, self.near, self.far), "pin": (self.pin, self.no_pin),
            "takes_folder": (self.takes_folder, self._ask),
        }  # fmt: skip
        for key in KEYS:
            if self._loaded.origins[key] in _ELSEWHERE:
                for field in fields.get(key) or (getattr(self, key),):
                    field.setEnabled(False)
                    field.setToolTip(self.tr("Set by the environment or the command line"))

    def _watch(self) -> None:
        for box in (self.own_range, self.no_pin):
            box.toggled.connect(self._check)
        for number in (self.near, self.far):
            number.valueChanged.connect(self._check)
        for line in (self.takes_folder, self.accept_sensor, self.pin):
            line.textChanged.connect(self._check)

    def _ask_folder(self) -> None:
        start = self.takes_folder.text() or self.takes_folder.placeholderText()
        if chosen := QFileDialog.getExistingDirectory(self, self.tr("A folder for takes"), start):
            self.takes_folder.setText(chosen)

    def _made_buttons(self) -> QDialogButtonBox:
        standard = QDialogButtonBox.StandardButton
        buttons = QDialogButtonBox(standard.Save | standard.Cancel | standard.RestoreDefaults)
        buttons.button(standard.Save).setText(self.tr("Save"))
        buttons.button(standard.Cancel).setText(self.tr("Cancel"))
        buttons.button(standard.RestoreDefaults).setText(self.tr("Defaults"))
        for button in buttons.buttons():
            button.setIcon(QIcon())  # some desktops' pictures, which go with no theme of ours
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        buttons.button(standard.RestoreDefaults).clicked.connect(self.reset)
        return buttons

    def _lay_out(self) -> None:
        self._ask = QPushButton("…")
        self._ask.setFixedWidth(44)
        self._ask.setAccessibleName(self.tr("A folder for takes"))
        self._ask.setAutoDefault(False)
        self._ask.clicked.connect(self._ask_folder)
        rows = QFormLayout()
        rows.setVerticalSpacing(10)
        lines: tuple[tuple[str, tuple[QWidget, ...]], ...] = (
            (self.tr("Language"), (self.language,)),
            (self.tr("Theme"), (self.theme,)),
            (self.tr("Sound"), (self.sound,)),
            (self.tr("Depth picture"), (self.own_range, self.near, QLabel("–"), self.far)),
            (self.tr("Folder for takes"), (self.takes_folder, self._ask)),
            (self.tr("Sensors accepted as well"), (self.accept_sensor, QLabel(self.tr("after a restart")))),
            (self.tr("PIN of the kiosk"), (self.pin, self.no_pin)),
        )
        for words, parts in lines:
            row = QHBoxLayout()
            row.setSpacing(10)
            for part in parts:
                row.addWidget(part, int(isinstance(part, QLineEdit | QComboBox)))
            if not any(isinstance(part, QLineEdit | QComboBox) for part in parts):
                row.addStretch(1)
            parts[0].setAccessibleName(words)
            rows.addRow(words, row)
        column = QVBoxLayout(self)
        column.setContentsMargins(18, 16, 18, 14)
        column.setSpacing(14)
        column.addLayout(rows)
        column.addWidget(self._told)
        column.addWidget(self._buttons)


_ELSEWHERE: Final = frozenset({Origin.ENVIRONMENT, Origin.COMMAND_LINE})


def _chooser(choices: tuple[tuple[str, str], ...]) -> QComboBox:
    box = QComboBox()
    for value, words in choices:
        box.addItem(words, value)
    return box


def _millimetres() -> QSpinBox:
    return QSpinBox(minimum=100, maximum=10_000, singleStep=50, suffix=" mm")
