"""Every language is complete, compiled and up to date; nothing is cut off, also where words are 40 % longer."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from PySide6.QtCore import QCoreApplication, QEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.guidance import ICONS, Icon, Instruction, Kind, Text
from app.kiosk import language
from app.kiosk.about import as_labelled
from app.kiosk.reasons import REASONS
from app.kiosk.subject_view import SubjectView
from pipeline.result import REASON_TEXT, Verdict
from pipeline.runner import State, Take
from tests.qt.test_subject_view import Camera

KIOSK = Path(language.__file__).parent
TRANSLATED = [code for code in language.LANGUAGES if code != "en"]
Key = tuple[str, str]


pytestmark = pytest.mark.usefixtures("english_afterwards")


def tool(name: str) -> str:
    found = shutil.which(name) or shutil.which(name, path=str(Path(sys.executable).parent))
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


def messages(path: Path) -> dict[Key, ET.Element]:
    return {
        (context.findtext("name", ""), message.findtext("source", "")): message
        for context in ET.parse(path).getroot().iter("context")
        for message in context.iter("message")
    }


def words_of(message: ET.Element) -> list[str]:
    translation = message.find("translation")
    assert translation is not None
    forms = [form.text or "" for form in translation.iter("numerusform")]
    return forms or [translation.text or ""]


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> set[Key]:
    """Every text of the window."""
    found = tmp_path_factory.mktemp("texts") / "found.ts"
    files = sorted(map(str, KIOSK.glob("*.py")))
    command = [tool("pyside6-lupdate"), "-silent", "-locations", "none", *files, "-ts", str(found)]
    subprocess.run(command, check=True, capture_output=True)
    return set(messages(found))


@pytest.mark.parametrize("code", TRANSLATED)
def test_every_text_is_translated_and_none_is_left_over(code: str, sources: set[Key]) -> None:
    there = messages(language.TRANSLATIONS / f"trilume_{code}.ts")
    assert sorted(sources - set(there)) == []
    assert sorted(set(there) - sources) == []
    unfinished = [key for key, message in there.items() if 'type="unfinished"' in ET.tostring(message, "unicode")]
    assert unfinished == []


@pytest.mark.parametrize("code", TRANSLATED)
def test_places_for_values_are_the_same(code: str) -> None:
    for (context, source), message in messages(language.TRANSLATIONS / f"trilume_{code}.ts").items():
        for words in words_of(message):
            assert words.strip(), (context, source)
            for place in (r"\{\w*\}", r"%\d|%n", r"\*\.\w+"):
                assert sorted(re.findall(place, words)) == sorted(re.findall(place, source)), (context, source)


@pytest.mark.parametrize("code", TRANSLATED)
def test_the_compiled_file_is_up_to_date(code: str, tmp_path: Path) -> None:
    source, made = language.TRANSLATIONS / f"trilume_{code}.ts", tmp_path / "made.qm"
    subprocess.run([tool("pyside6-lrelease"), "-silent", str(source), "-qm", str(made)], check=True)
    assert made.read_bytes() == source.with_suffix(".qm").read_bytes()


def test_all_reasons_are_marked_for_translation(qapp: QApplication) -> None:
    assert set(REASONS) == set(REASON_TEXT.values())
    language.install(qapp, "de")
    assert all(QCoreApplication.translate("Reason", text) != text for text in REASONS)


@pytest.mark.parametrize(
    ("wish", "system", "expected"),
    [("auto", "de_AT", "de"), ("auto", "zh_TW", "zh_CN"), ("auto", "fr_FR", "en"), ("zh_CN", "de_DE", "zh_CN")],
)
def test_the_setting_wins_else_the_desktop(wish: str, system: str, expected: str) -> None:
    assert language.resolve(wish, system) == expected


def test_a_view_that_is_there_already_changes_its_language(qtbot: QtBot, qapp: QApplication) -> None:
    view = SubjectView()
    qtbot.addWidget(view)
    english = view.accessibleDescription()
    assert language.install(qapp, "de") == "de"
    QCoreApplication.sendPostedEvents(view, QEvent.Type.LanguageChange)
    assert view.words(Text.ATTACK) == "Verdacht auf Angriff"
    assert view.accessibleDescription() != english
    language.install(qapp, "en")
    assert view.words(Text.ATTACK) == "Attack suspected"


def test_numbers_and_keys_are_written_as_the_language_does(qapp: QApplication) -> None:
    written: dict[str, tuple[str, str]] = {}
    for code in ("en", "de"):
        language.install(qapp, code)
        written[code] = language.written(1234.567, 1), language.written(0.13, 3, significant=True)
    assert written == {"en": ("1234.6", "0.13"), "de": ("1234,6", "0,13")}
    assert as_labelled("Ctrl+O") == "Strg+O"
    assert as_labelled("Home, End") == "Pos1, Ende"
    assert as_labelled("←, →") == "←, →"


def test_the_pseudo_language_is_longer_by_two_fifths() -> None:
    for text in ("Live", "Please come closer", "Strong light behind you: please move aside"):
        assert len(language.longer(text)) >= 1.4 * len(text)


def screens() -> list[Instruction]:
    """Each text on its kind of screen, each remedy under "not decided"."""
    kinds = {
        Text.WELCOME: Kind.IDLE, Text.LOOK_HERE: Kind.READY, Text.THANKS: Kind.THANKS, Text.PAUSE: Kind.PAUSE,
        Text.ONE_MOMENT: Kind.WAIT, Text.OUT_OF_ORDER: Kind.OUT_OF_ORDER, Text.WORKING: Kind.WORKING,
    }  # fmt: skip
    verdicts = {Text.LIVE: Verdict.LIVE, Text.ATTACK: Verdict.ATTACK}
    plain = [
        Instruction(
            kinds.get(text, Kind.VERDICT if text in verdicts else Kind.ASK), text, icon, 0.9, verdicts.get(text)
        )
        for text, icon in ICONS.items()
        if text not in (Text.NOT_DECIDED, Text.TRY_AGAIN)
    ]
    remedies = [screen.text for screen in plain if screen.kind is Kind.ASK] + [Text.TRY_AGAIN]
    return plain + [
        Instruction(Kind.VERDICT, Text.NOT_DECIDED, Icon.VERDICT, 0.9, Verdict.UNDECIDED, remedy) for remedy in remedies
    ]


@pytest.mark.parametrize("code", ["en", "de", "zh_CN", "pseudo"])
@pytest.mark.parametrize("size", [(1920, 1080), (1280, 800), (1080, 1920)])
def test_nothing_is_cut_off(code: str, size: tuple[int, int], qtbot: QtBot, qapp: QApplication) -> None:
    language.pretend(qapp) if code == "pseudo" else language.install(qapp, code)
    view, camera = SubjectView(), Camera()
    qtbot.addWidget(view)
    view.resize(*size)
    take = Take(Path("take.mcap"), (), True, 1, 0.1, 1, 0, 1)
    view.refresh(camera.latest(), State("running", "sim", take=take), ())
    for screen in screens():
        view._told = screen
        view.grab()
        assert view.cut_off == [], screen
