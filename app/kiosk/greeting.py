"""What stands on the screen while the program itself is still being loaded: Qt is there long before numba is."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication, Qt
from PySide6.QtGui import QColor, QPainter, QPixmap
from PySide6.QtWidgets import QApplication, QSplashScreen

from app.kiosk import language

WIDTH, HEIGHT = 480, 180
GROUND, INK, FAINT = QColor("#1b1d21"), QColor("#e8eaed"), QColor("#9aa0a8")


def greet(wished_language: str) -> QSplashScreen:
    """Shows the name and a word of patience at once; `finish(window)` takes it away. Makes the application."""
    application = QApplication.instance() or QApplication(["trilume"])
    assert isinstance(application, QApplication)
    language.install(application, wished_language)
    greeting = QSplashScreen(_picture(application))
    greeting.show()
    application.processEvents()
    return greeting


def patience() -> str:
    """The words for whoever waits for the program to be ready, in the user's language."""
    return str(QCoreApplication.translate("SubjectView", "One moment, please"))


def _picture(application: QApplication) -> QPixmap:
    ratio = application.devicePixelRatio()
    picture = QPixmap(round(WIDTH * ratio), round(HEIGHT * ratio))
    picture.setDevicePixelRatio(ratio)
    picture.fill(GROUND)
    painter = QPainter(picture)
    font = application.font()
    for words, points, ink, top in (("trilume", 30, INK, 40), (patience(), 13, FAINT, 105)):
        font.setPointSize(points)
        painter.setFont(font)
        painter.setPen(ink)
        painter.drawText(0, top, WIDTH, 60, Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop, words)
    painter.end()
    return picture
