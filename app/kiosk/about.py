"""The boxes behind F1 and About: the keys, and what this program and its model are."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, metadata, version
from typing import Final

from PySide6.QtCore import QCoreApplication, Qt
from PySide6.QtGui import QIcon, QKeySequence
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QFormLayout, QLabel, QVBoxLayout, QWidget

from app.kiosk import theme
from pipeline.bundle import Bundle

LIBRARIES: Final = (
    "PySide6-Essentials", "pyqtgraph", "openvino", "opencv-python-headless", "numpy", "numba", "imagecodecs",
    "mcap", "pydantic", "pydantic-settings", "platformdirs", "rich", "typer", "pyrealsense2", "pyorbbecsdk2",
)  # fmt: skip
"""Whose licences are named, as their own metadata state them."""


def keys() -> tuple[tuple[str, str], ...]:
    """Every key of the window and what it does."""
    return (
        ("Ctrl+1, Ctrl+2, Ctrl+3", QCoreApplication.translate("Keys", "Live, studio, replay")),
        ("F5", QCoreApplication.translate("Keys", "Start or stop the camera")),
        ("N", QCoreApplication.translate("Keys", "Next person: forget the session so far")),
        ("Ctrl+O", QCoreApplication.translate("Keys", "Open a recording")),
        ("Ctrl+L", QCoreApplication.translate("Keys", "Choose the source")),
        ("R", QCoreApplication.translate("Keys", "Record a take, end it")),
        ("S", QCoreApplication.translate("Keys", "Save a picture of the window")),
        ("F11", QCoreApplication.translate("Keys", "Full screen for the person in front of the camera")),
        ("D", QCoreApplication.translate("Keys", "Back to the operator's view")),
        ("Space", QCoreApplication.translate("Keys", "Replay: play, pause")),
        ("←, →", QCoreApplication.translate("Keys", "Replay: one frame; with Shift one second")),
        ("Home, End", QCoreApplication.translate("Keys", "Replay: first, last frame")),
        ("[, ]", QCoreApplication.translate("Keys", "Replay: begin, end of the loop")),
        ("+, −", QCoreApplication.translate("Keys", "Replay: faster, slower")),
        ("Ctrl+Alt+Q", QCoreApplication.translate("Keys", "Leave the kiosk, with the PIN")),
        ("Ctrl+,", QCoreApplication.translate("Keys", "Settings")),
        ("F1", QCoreApplication.translate("Keys", "These keys")),
        ("Ctrl+Q", QCoreApplication.translate("Keys", "Quit")),
    )


def facts(bundle: Bundle) -> tuple[tuple[str, str], ...]:
    """What the program and its model are, line by line."""
    about = bundle.description
    return (
        ("trilume", _version("trilume")),
        (QCoreApplication.translate("About", "Model"), f"{about.name}, {about.created}"),
        (QCoreApplication.translate("About", "Digest"), bundle.sha256),
        (QCoreApplication.translate("About", "Trained on"), trained_on(bundle)),
        (QCoreApplication.translate("About", "Sensors"), ", ".join(about.sensors)),
        (QCoreApplication.translate("About", "Folder"), str(bundle.path)),
        (QCoreApplication.translate("About", "Licence"), "Apache-2.0"),
    )


def trained_on(bundle: Bundle) -> str:
    """On what kind of data the model learnt, in words."""
    words = {
        "simulated": QCoreApplication.translate("About", "simulated data"),
        "real": QCoreApplication.translate("About", "real captures"),
    }
    origin = bundle.description.origin
    return words.get(origin, origin.replace("_", "-"))


def licences() -> tuple[tuple[str, str], ...]:
    """(library and version, licence) of what is installed."""
    return tuple((f"{name} {_version(name)}", _licence(name)) for name in LIBRARIES if _version(name) != "–")


def keys_box(parent: QWidget) -> QDialog:
    """The keys, to be shown."""
    rows = tuple((as_labelled(names), does) for names, does in keys())
    return _box(parent, QCoreApplication.translate("Keys", "Keys"), rows)


def as_labelled(names: str) -> str:
    """Keys as the user's keyboard calls them."""
    named = (QKeySequence(name).toString(QKeySequence.SequenceFormat.NativeText) for name in names.split(", "))
    return ", ".join(text or name for text, name in zip(named, names.split(", "), strict=True))


def about_box(parent: QWidget, bundle: Bundle) -> QDialog:
    """The program, its model and the licences, to be shown."""
    title = QCoreApplication.translate("About", "About trilume")
    heading = QCoreApplication.translate("About", "Libraries and their licences")
    note = QCoreApplication.translate(
        "About", "A verdict is a statistical statement. Figures of a model trained on simulated data are simulated."
    )
    return _box(parent, title, facts(bundle), note, heading, licences())


def _box(
    parent: QWidget,
    title: str,
    rows: tuple[tuple[str, str], ...],
    note: str = "",
    heading: str = "",
    more: tuple[tuple[str, str], ...] = (),
) -> QDialog:
    box = QDialog(parent)
    box.setWindowTitle(title)
    box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    column = QVBoxLayout(box)
    column.setContentsMargins(24, 20, 24, 16)
    column.setSpacing(14)
    column.addWidget(_label(title, theme.LARGE_PT, bold=True))
    column.addLayout(_form(rows))
    if note:
        column.addWidget(_label(note))
    if more:
        column.addWidget(_label(heading, bold=True))
        column.addLayout(_form(more, theme.SMALL_PT))
    buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
    buttons.button(QDialogButtonBox.StandardButton.Close).setIcon(QIcon())
    buttons.rejected.connect(box.close)
    column.addWidget(buttons)
    return box


def _form(rows: tuple[tuple[str, str], ...], points: float = theme.BODY_PT) -> QFormLayout:
    form = QFormLayout()
    form.setHorizontalSpacing(24)
    form.setVerticalSpacing(4)
    for name, text in rows:
        value = _label(text, points)
        value.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        form.addRow(_label(name, points, bold=True), value)
    return form


def _label(text: str, points: float = theme.BODY_PT, *, bold: bool = False) -> QLabel:
    label = QLabel(text)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setFont(theme.font(points, bold=bold))
    label.setWordWrap(len(text) > 80)
    label.setMinimumHeight(label.fontMetrics().height() + 2)
    return label


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "–"


def _licence(name: str) -> str:
    """As the distribution states it: an SPDX expression, else its classifier, else one line of free text."""
    about = metadata(name)
    if "License-Expression" in about:
        return str(about["License-Expression"])
    classified = [c.rpartition(" :: ")[2] for c in about.get_all("Classifier") or () if c.startswith("License ::")]
    stated = (about.get_all("License") or ["–"])[0]
    return ", ".join(classified) or str(stated).strip().splitlines()[0][:60]
