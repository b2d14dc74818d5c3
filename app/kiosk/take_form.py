"""What is said about a take before its first frame: the form, and what keeps a take from being begun."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QDoubleSpinBox, QFormLayout, QLabel, QLineEdit, QSpinBox, QWidget

from app.kiosk import theme
from app.kiosk.species import light_words, species_words
from app.studio.planner import LEVELS
from app.studio.takes import BONA_FIDE
from calibration.rig import Rig
from drivers.errors import TrilumeError
from drivers.open import is_session, sessions_in
from drivers.session import Labels, SessionReader
from drivers.source import CameraInfo

LIGHTS: Final = ("office", "daylight", "dim", "dark", "backlight", "outdoors")
_SUBJECT: Final = re.compile(r"[A-Za-z0-9-]{1,32}")
_WORD: Final = re.compile(r"\S.{0,119}")


@dataclass(frozen=True, slots=True)
class Said:
    """A filled-in form: labels, the visit, and when a take ends by itself (0: not by this)."""

    labels: Labels
    visit: int
    good_frames: int
    seconds: float


class TakeForm(QWidget):
    """Labels of the next take. What is filled in stays from take to take. GUI thread."""

    changed = Signal()

    def __init__(self, parent: QWidget | None = None, *, labels_only: bool = False) -> None:
        """`labels_only`: of a take that is there already, without its visit and when it ends."""
        super().__init__(parent)
        self._labels_only = labels_only
        self.subject = self._line(self.tr("A pseudonym, such as 0007: letters, digits, hyphens"))
        self.visit = self._whole(1, 99, "")
        self.species = self._chosen((BONA_FIDE, *LEVELS), species_words, free=False)
        self.instrument = self._line(self.tr("The one specimen, such as print-03"))
        self.lighting = self._chosen(LIGHTS, light_words, free=True)
        self.distance = QDoubleSpinBox(decimals=2, minimum=0.0, maximum=5.0, singleStep=0.05, suffix=" m")
        self.distance.setSpecialValueText(self.tr("not said"))
        self.distance.valueChanged.connect(self._edited)
        self.operator = self._line(self.tr("Who records"))
        self.consent = self._line(self.tr("Reference to the signed consent"))
        self.notes = self._line(self.tr("What else is worth knowing, such as glasses"))
        self.notes.setPlaceholderText(self.tr("such as glasses"))
        self.seconds = QDoubleSpinBox(decimals=1, minimum=0.0, maximum=3600.0, value=5.0, suffix=" s")
        self.seconds.setSpecialValueText(self.tr("no limit"))
        self.good_frames = self._whole(0, 100_000, self.tr("no limit"))
        self._lay_out()
        self._whose = ""
        self.subject.editingFinished.connect(self._person)
        self._edited()

    def said(self) -> Said:
        """What the form says, complete or not."""
        species = _key(self.species)
        labels = Labels(
            subject=self.subject.text().strip(),
            species=species,
            instrument=self.instrument.text().strip() if species != BONA_FIDE else "",
            lighting=_key(self.lighting),
            distance_m=round(self.distance.value(), 3) or None,
            operator=self.operator.text().strip(),
            consent=self.consent.text().strip(),
            notes=self.notes.text().strip(),
        )
        return Said(labels, self.visit.value(), self.good_frames.value(), self.seconds.value())

    def fill(
        self,
        labels: Labels,
        *,
        good_frames: int | None = None,
        seconds: float | None = None,
        visit: int | None = None,
    ) -> None:
        """Fills in what labels say; what they leave open stays as it is, but for the instrument of another species, and
        the consent and the notes of another person.
        """
        if labels.subject:
            self.subject.setText(labels.subject)
            self._person()
        if labels.species not in {"", _key(self.species)}:
            self.instrument.clear()
        for line, text in (
            (self.instrument, labels.instrument),
            (self.operator, labels.operator),
            (self.consent, labels.consent),
            (self.notes, labels.notes),
        ):
            if text:
                line.setText(text)
        for box, key, words in (
            (self.species, labels.species, species_words), (self.lighting, labels.lighting, light_words)
        ):  # fmt: skip
            if key and box.findData(key) < 0:
                box.addItem(words(key), key)
            if key:
                box.setCurrentIndex(box.findData(key))
            elif self._labels_only:
                box.setCurrentIndex(-1)
                box.clearEditText()
        if labels.distance_m is not None:
            self.distance.setValue(labels.distance_m)
        if good_frames is not None:
            self.good_frames.setValue(good_frames)
        if seconds is not None:
            self.seconds.setValue(seconds)
        if visit is not None:
            self.visit.setValue(visit)

    def _person(self) -> None:
        """Consent and notes belong to whoever they were written for."""
        now = self.subject.text().strip()
        if self._whose not in ("", now) and not self._labels_only:  # there a pseudonym is corrected
            self.consent.clear()
            self.notes.clear()
        self._whose = now

    def missing(self) -> str | None:
        """The first thing that is missing or wrong in one line; None where a take may be labelled so."""
        labels = self.said().labels
        if not _SUBJECT.fullmatch(labels.subject):
            return str(self.tr("subject: give a pseudonym of letters, digits and hyphens"))
        if not labels.species:
            return str(self.tr("species: say what was shown"))
        if labels.species != BONA_FIDE and not _WORD.fullmatch(labels.instrument):
            return str(self.tr("instrument: name the specimen of the attack"))
        if not labels.lighting:
            return str(self.tr("light: say how the room is lit"))
        if labels.distance_m is None:
            return str(self.tr("distance: say how far the face is from the camera"))
        if not labels.operator:
            return str(self.tr("operator: say who records"))
        if not _WORD.fullmatch(labels.consent):
            return str(self.tr("consent: give the reference to the signed consent"))
        return None

    def _lay_out(self) -> None:
        rows = QFormLayout(self)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setVerticalSpacing(6)
        rows.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        for words, field in (
            (self.tr("Subject *"), self.subject),
            (self.tr("Visit"), self.visit),
            (self.tr("Species *"), self.species),
            (self.tr("Instrument *"), self.instrument),
            (self.tr("Light *"), self.lighting),
            (self.tr("Distance *"), self.distance),
            (self.tr("Operator *"), self.operator),
            (self.tr("Consent *"), self.consent),
            (self.tr("Notes"), self.notes),
            (self.tr("Until"), self.seconds),
            (self.tr("and good sets"), self.good_frames),
        ):
            field.setAccessibleName(words.rstrip(" *"))
            rows.addRow(words, field)
        for field in (self.visit, self.seconds, self.good_frames) if self._labels_only else ():
            rows.setRowVisible(field, False)
        self._note = QLabel()
        self._note.setWordWrap(True)
        self._note.setMinimumHeight(2 * self.fontMetrics().lineSpacing() + 6)
        rows.addRow(self._note)

    def _edited(self) -> None:
        if not hasattr(self, "_note"):
            return
        attack = _key(self.species) != BONA_FIDE
        self.instrument.setEnabled(attack)
        self.instrument.setPlaceholderText(self.tr("such as print-03") if attack else self.tr("attacks only"))
        missing = self.missing()
        self._note.setText(missing or self.tr("The form is complete."))
        self._note.setStyleSheet(f"background: {theme.ATTACK}; color: #101215; padding: 2px" if missing else "")
        self.changed.emit()

    def _line(self, tip: str) -> QLineEdit:
        line = QLineEdit()
        line.setToolTip(tip)
        if not self._labels_only:  # others may have written more
            line.setMaxLength(120)
        line.textChanged.connect(self._edited)
        return line

    def _chosen(self, keys: tuple[str, ...], words: Callable[[str], str], *, free: bool) -> QComboBox:
        box = QComboBox()
        for key in keys:
            box.addItem(words(key), key)
        box.setEditable(free)
        box.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)  # what is typed is a key itself, see `_key`
        box.currentTextChanged.connect(self._edited)
        return box

    @staticmethod
    def _whole(least: int, most: int, none: str) -> QSpinBox:
        box = QSpinBox(minimum=least, maximum=most)
        box.setSpecialValueText(none)
        return box


def _key(box: QComboBox) -> str:
    """The key behind the words that are chosen; words that are nobody's are a key themselves."""
    text = box.currentText().strip()
    key = box.itemData(box.findText(text))
    return text if key is None else str(key)


# What a set was recorded with -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Setting:
    """What must be the same in all takes of a set: sensor, picture sizes by stream, calibration."""

    sensor: str
    sizes: tuple[tuple[str, tuple[int, int] | None], ...]
    rig: Rig

    @staticmethod
    def of(info: CameraInfo, rig: Rig) -> Setting:
        cameras = (("color", rig.color), ("depth", rig.depth), ("infrared", rig.infrared))
        sizes = tuple((name, None if camera is None else (camera.width, camera.height)) for name, camera in cameras)
        return Setting(info.sensor, sizes, rig)


def setting_of_set(folder: Path) -> Setting | None:
    """The setting of a set's first sound recording; None where there is none yet."""
    if not folder.is_dir():
        return None
    for path in sessions_in(folder):
        if is_session(path) and (found := _setting_of(path, path.stat().st_mtime_ns)) is not None:
            return found
    return None


@lru_cache(maxsize=64)
def _setting_of(path: Path, mtime_ns: int) -> Setting | None:  # noqa: ARG001  a changed file is read again
    try:
        with SessionReader(path) as reader:
            return None if reader.problems else Setting.of(reader.info, reader.rig)
    except TrilumeError:
        return None


def difference(first: Setting, now: Setting) -> tuple[str, str, str] | None:
    """(`camera`, `resolution` or `rig`, what the set has, what it is now); None where they are alike."""
    if first.sensor != now.sensor:
        return "camera", first.sensor, now.sensor
    for (stream, was), (_, is_) in zip(first.sizes, now.sizes, strict=True):
        if was != is_:
            return "resolution", f"{stream} {_size(was)}", _size(is_)
    return None if first.rig == now.rig else ("rig", "", "")


def _size(size: tuple[int, int] | None) -> str:
    return "–" if size is None else f"{size[0]}×{size[1]}"
