"""Which language the window speaks: English is in the source, the others are compiled beside it.

The `.qm` files are made of the `.ts` files with `pyside6-lrelease`; a test keeps them up to date.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Final

from PySide6.QtCore import QLibraryInfo, QLocale, QTranslator
from PySide6.QtGui import QFontDatabase
from PySide6.QtWidgets import QApplication

LANGUAGES: Final = ("en", "de", "zh_CN")
TRANSLATIONS: Final = Path(__file__).parent / "translations"
CHINESE_FONTS: Final = ("Noto Sans CJK SC", "Source Han Sans SC", "WenQuanYi Micro Hei", "WenQuanYi Zen Hei")

log = logging.getLogger(__name__)
_installed: list[QTranslator] = []
_families: list[list[str]] = []  # of the font before Chinese was asked for


def resolve(wish: str, system: str | None = None) -> str:
    """One of LANGUAGES for a setting, where `auto` asks the desktop (`system`: its locale, for instance `de_AT`)."""
    if wish in LANGUAGES:
        return wish
    name = system or QLocale.system().name()
    if name.startswith("zh"):
        return "zh_CN"
    return "de" if name.startswith("de") else "en"


def install(application: QApplication, wish: str = "auto") -> str:
    """Lets the program speak a language; widgets made before get `LanguageChange`. Returns which one it is."""
    remove(application)
    language = resolve(wish)
    QLocale.setDefault(QLocale(language))
    if language != "en":
        _add(application, QTranslator(), f"trilume_{language}", TRANSLATIONS, needed=True)
        qt = Path(QLibraryInfo.path(QLibraryInfo.LibraryPath.TranslationsPath))
        _add(application, QTranslator(), f"qtbase_{language}", qt, needed=False)
    if language == "zh_CN":
        _prefer_chinese(application)
    return language


def remove(application: QApplication) -> None:
    """Back to English."""
    while _installed:
        application.removeTranslator(_installed.pop())
    if _families:
        _set_families(application, _families.pop())
    QLocale.setDefault(QLocale("en"))


def pretend(application: QApplication) -> None:
    """The pseudo-language: every text 40 % longer, to find what would be cut off."""
    remove(application)
    translator = Longer()
    _installed.append(translator)
    application.installTranslator(translator)


def written(value: float, digits: int, *, significant: bool = False) -> str:
    """A number as the user's language writes it, with so many decimals, or `significant` digits at most."""
    locale = QLocale()
    locale.setNumberOptions(QLocale.NumberOption.OmitGroupSeparator)
    return str(locale.toString(value, "g" if significant else "f", digits))


def has_chinese_font() -> bool:
    """Whether any font here can write simplified Chinese; without one: `apt-get install fonts-noto-cjk`."""
    return bool(QFontDatabase.families(QFontDatabase.WritingSystem.SimplifiedChinese))


class Longer(QTranslator):
    """Translates every text into itself and 40 % more."""

    def translate(
        self,
        context: str,  # noqa: ARG002
        text: str,
        disambiguation: str | None = None,  # noqa: ARG002
        n: int = -1,  # noqa: ARG002
    ) -> str:
        return longer(text)

    def isEmpty(self) -> bool:
        return False


def longer(text: str) -> str:
    """A text with accents on its vowels and 40 % more letters, in words like its own."""
    accents = str.maketrans("aeiouAEIOU", "äëïöüÄËÏÖÜ")
    more = -(-len(text) * 2 // 5)
    filler = (" wörtër" * (more // 7 + 1))[:more].rstrip()
    return text.translate(accents) + filler + "x" * (more - len(filler))


def _add(application: QApplication, translator: QTranslator, name: str, folder: Path, *, needed: bool) -> None:
    if translator.load(name, str(folder)):
        application.installTranslator(translator)
        _installed.append(translator)
    elif needed:
        log.warning("%s: no translation there, the window speaks English", folder / f"{name}.qm")


def _prefer_chinese(application: QApplication) -> None:
    """Simplified forms: a font for Japanese would be taken for the same code points."""
    there = [family for family in CHINESE_FONTS if family in QFontDatabase.families()]
    _families.append(application.font().families())
    _set_families(application, [*dict.fromkeys([*application.font().families(), *there])])
    if not has_chinese_font():
        log.warning("no font for Chinese here: sudo apt-get install fonts-noto-cjk")


def _set_families(application: QApplication, families: list[str]) -> None:
    font = application.font()
    font.setFamilies(families)
    application.setFont(font)
