"""Colours that can be read and verdicts that can be told apart without them."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from numpy.typing import NDArray
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPalette

from app.kiosk import theme
from pipeline.result import Verdict


def painted(verdict: Verdict, side: int = 64) -> NDArray[np.uint8]:
    """uint8 [H, W, 4], BGRA."""
    image = QImage(side, side, QImage.Format.Format_ARGB32)
    image.fill(Qt.GlobalColor.transparent)
    painter = QPainter(image)
    theme.paint_verdict(painter, QRectF(0, 0, side, side), verdict)
    painter.end()
    return np.frombuffer(image.constBits(), np.uint8).reshape(side, side, 4).copy()


@pytest.mark.parametrize("dark", [True, False])
@pytest.mark.parametrize("group", [QPalette.ColorGroup.Active, QPalette.ColorGroup.Disabled])
@pytest.mark.parametrize(
    ("writing", "ground"),
    [
        (QPalette.ColorRole.WindowText, QPalette.ColorRole.Window),
        (QPalette.ColorRole.Text, QPalette.ColorRole.Base),
        (QPalette.ColorRole.Text, QPalette.ColorRole.AlternateBase),
        (QPalette.ColorRole.ButtonText, QPalette.ColorRole.Button),
        (QPalette.ColorRole.HighlightedText, QPalette.ColorRole.Highlight),
        (QPalette.ColorRole.ToolTipText, QPalette.ColorRole.ToolTipBase),
        (QPalette.ColorRole.PlaceholderText, QPalette.ColorRole.Base),
        (QPalette.ColorRole.Link, QPalette.ColorRole.Base),
    ],
)
def test_writing_can_be_read(
    dark: bool, group: QPalette.ColorGroup, writing: QPalette.ColorRole, ground: QPalette.ColorRole
) -> None:
    made = theme.palette(dark)
    assert theme.contrast(made.color(group, writing), made.color(group, ground)) >= 4.5


def test_contrast_is_that_of_the_standard() -> None:
    assert theme.contrast(QColor("black"), QColor("white")) == pytest.approx(21)
    assert theme.contrast(QColor("#777777"), QColor("white")) == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("color", [theme.LIVE, theme.ATTACK, theme.UNDECIDED, theme.RECORDING])
def test_ink_on_a_verdict_can_be_read(color: str) -> None:
    assert theme.contrast(theme.ink_on(QColor(color)), QColor(color)) >= 4.5


def test_every_verdict_has_a_shape_of_its_own() -> None:
    """Told apart by outline alone, whatever the colour."""
    outlines = {verdict: painted(verdict)[..., 3] > 127 for verdict in Verdict}
    for one, other in combinations(Verdict, 2):
        assert (outlines[one] != outlines[other]).mean() > 0.02


def test_a_sign_stays_in_the_middle_of_a_wide_box() -> None:
    image = QImage(200, 50, QImage.Format.Format_ARGB32)
    image.fill(Qt.GlobalColor.transparent)
    painter = QPainter(image)
    theme.paint_verdict(painter, QRectF(0, 0, 200, 50), Verdict.LIVE)
    painter.end()
    assert image.pixelColor(100, 3).alpha() == 255
    assert image.pixelColor(20, 25).alpha() == 0


@pytest.mark.parametrize(("name", "dark"), [("dark", True), ("light", False)])
def test_a_theme_that_is_named_is_taken(name: str, dark: bool) -> None:
    assert theme.wants_dark(name) is dark
