"""The reasons' texts, marked for translation: they stand in `pipeline.result`, which knows no Qt.

Looked up as `QCoreApplication.translate("Reason", REASON_TEXT[reason])`; a test keeps both lists the same.
"""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QT_TRANSLATE_NOOP

REASONS: Final[tuple[object, ...]] = (
    QT_TRANSLATE_NOOP("Reason", "something failed inside the program"),
    QT_TRANSLATE_NOOP("Reason", "the camera's picture is old or repeated"),
    QT_TRANSLATE_NOOP("Reason", "colour, depth and infrared are not of the same moment"),
    QT_TRANSLATE_NOOP("Reason", "no depth on the face"),
    QT_TRANSLATE_NOOP("Reason", "no face in the picture"),
    QT_TRANSLATE_NOOP("Reason", "more than one face in the picture"),
    QT_TRANSLATE_NOOP("Reason", "come closer"),
    QT_TRANSLATE_NOOP("Reason", "step back"),
    QT_TRANSLATE_NOOP("Reason", "the face is too small in the picture"),
    QT_TRANSLATE_NOOP("Reason", "the face is cut off by the edge of the picture"),
    QT_TRANSLATE_NOOP("Reason", "move to the middle of the picture"),
    QT_TRANSLATE_NOOP("Reason", "turn to the camera"),
    QT_TRANSLATE_NOOP("Reason", "the depth of the face is incomplete"),
    QT_TRANSLATE_NOOP("Reason", "take off what covers the face"),
    QT_TRANSLATE_NOOP("Reason", "hold still"),
    QT_TRANSLATE_NOOP("Reason", "the infrared picture is too dark"),
    QT_TRANSLATE_NOOP("Reason", "the infrared picture is too bright"),
    QT_TRANSLATE_NOOP("Reason", "turn on a light"),
    QT_TRANSLATE_NOOP("Reason", "strong light from behind"),
    QT_TRANSLATE_NOOP("Reason", "no infrared picture: the reflectance stage cannot run"),
    QT_TRANSLATE_NOOP("Reason", "no colour picture: the reflectance stage cannot run"),
    QT_TRANSLATE_NOOP("Reason", "the model was not made for this sensor"),
    QT_TRANSLATE_NOOP("Reason", "the gate is switched off: scores only"),
    QT_TRANSLATE_NOOP("Reason", "looking"),
    QT_TRANSLATE_NOOP("Reason", "the evidence did not suffice in time"),
)
