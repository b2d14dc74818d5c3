"""Settings come from where they should, and no mistake in them keeps the program from starting."""

from __future__ import annotations

import stat
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.__main__ import main
from app.errors import Exit, Refused
from app.settings import Origin, Settings, hash_pin, is_pin, load, pin_matches, save, settings_path


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    for key in Settings.model_fields:
        monkeypatch.delenv(f"TRILUME_{key.upper()}", raising=False)
    return tmp_path


def written(text: str) -> Path:
    path = settings_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_nothing_chosen_is_all_default() -> None:
    loaded = load()
    assert loaded.settings == Settings()
    assert set(loaded.origins.values()) == {Origin.DEFAULT}
    assert loaded.warnings == ()


def test_each_layer_hides_the_one_before(monkeypatch: pytest.MonkeyPatch) -> None:
    written('theme = "dark"\nlanguage = "de"\nscale = 1.5\n')
    monkeypatch.setenv("TRILUME_THEME", "light")
    monkeypatch.setenv("TRILUME_LANGUAGE", "zh_CN")
    loaded = load({"theme": "auto", "source": None})
    chosen = loaded.settings
    assert (chosen.theme, chosen.language, chosen.scale, chosen.source) == ("auto", "zh_CN", 1.5, "")
    assert [loaded.origins[key] for key in ("theme", "language", "scale", "source")] == [
        Origin.COMMAND_LINE, Origin.ENVIRONMENT, Origin.FILE, Origin.DEFAULT,
    ]  # fmt: skip


def test_lists_are_separated_by_commas_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRILUME_ACCEPT_SENSOR", "orbbec-gemini335, realsense-d435")
    monkeypatch.setenv("TRILUME_DEPTH_RANGE_M", "0.4,1.1")
    chosen = load().settings
    assert chosen.accept_sensor == ("orbbec-gemini335", "realsense-d435")
    assert chosen.depth_range_m == (0.4, 1.1)


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ('colour = "red"', "colour"),
        ('theme = "pink"', "theme"),
        ("scale = 9", "scale"),
        ("depth_range_m = [2.0, 1.0]", "nearest"),
        ('pin = "1234"', "settings pin"),
        ("disk_stop_mb = -1", "disk_stop_mb"),
    ],
)
def test_a_bad_line_is_told_once_and_the_rest_counts(line: str, word: str) -> None:
    written(f'{line}\nlanguage = "de"\n')
    loaded = load()
    assert loaded.settings == Settings(language="de")
    (warning,) = loaded.warnings
    assert word in warning
    assert "\n" not in warning


def test_a_bad_value_of_the_environment_leaves_the_files(monkeypatch: pytest.MonkeyPatch) -> None:
    written("scale = 1.25\n")
    monkeypatch.setenv("TRILUME_SCALE", "huge")
    loaded = load()
    assert (loaded.settings.scale, loaded.origins["scale"]) == (1.25, Origin.FILE)
    assert "TRILUME_SCALE" in loaded.warnings[0]


@pytest.mark.parametrize("content", [b"theme = ", b"\xff\xfe\x00", b"[theme"])
def test_a_file_that_is_no_toml_starts_with_defaults(content: bytes) -> None:
    written("").write_bytes(content)
    loaded = load()
    assert loaded.settings == Settings()
    assert len(loaded.warnings) == 1
    with pytest.raises(Refused, match="nothing was changed"):
        save({"theme": "dark"})
    assert settings_path().read_bytes() == content


def test_saving_keeps_comments_and_what_it_does_not_know() -> None:
    path = written('# mine\ntheme = "light"  # by day\nfuture = [1, 2]\n')
    save({"theme": "dark", "accept_sensor": ["a", "b"]})
    assert "# mine" in path.read_text()
    assert tomllib.loads(path.read_text()) == {"theme": "dark", "accept_sensor": ["a", "b"], "future": [1, 2]}
    save({"theme": None})
    assert "theme" not in tomllib.loads(path.read_text())
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(path.parent.iterdir()) == [path]


def test_saving_survives_a_file_whose_values_span_lines() -> None:
    path = written('accept_sensor = [\n  "a",\n]\nlanguage = "de"\n')
    save({"accept_sensor": ["b"]})
    assert tomllib.loads(path.read_text()) == {"accept_sensor": ["b"], "language": "de"}


@given(text=st.text(st.characters(exclude_categories=["Cs"])))
def test_whatever_is_saved_is_read_again(text: str) -> None:
    save({"source": text})
    assert load().settings.source == text


def test_a_bad_value_is_not_saved() -> None:
    with pytest.raises(Refused, match="scale"):
        save({"scale": 7})
    assert not settings_path().exists()


@pytest.mark.parametrize(
    ("pin", "fits"),
    [("4711", True), ("1" * 12, True), ("1" * 13, False), ("471", False), ("47a1", False), ("４７１１", False)],
)
def test_a_pin_can_be_typed_on_the_pad(pin: str, fits: bool) -> None:
    assert is_pin(pin) is fits


def test_a_pin_is_stored_so_that_it_cannot_be_read() -> None:
    stored = hash_pin("4711")
    assert "4711" not in stored
    assert stored != hash_pin("4711")
    assert pin_matches("4711", stored)
    assert not pin_matches("4712", stored)
    assert not pin_matches("", None)
    save({"pin": stored})
    assert pin_matches("4711", load().settings.pin)


def test_show_tells_every_value_and_its_origin(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    written(f'theme = "dark"\npin = "{hash_pin("4711")}"\n')
    monkeypatch.setenv("TRILUME_SCALE", "2")
    assert main(["settings", "show"]) == Exit.DONE
    out = capsys.readouterr().out
    lines = {line.replace("│", " ").split()[0]: line for line in out.splitlines() if "│" in line}
    assert set(Settings.model_fields) <= set(lines)
    assert "file" in lines["theme"]
    assert "environment" in lines["scale"]
    assert "scrypt" not in out


def test_path_is_where_set_writes(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["settings", "set", "theme", "dark"]) == Exit.DONE
    assert main(["settings", "path"]) == Exit.DONE
    assert load(path=Path(capsys.readouterr().out.strip())).settings.theme == "dark"
    assert main(["settings", "set", "theme", "pink"]) == Exit.BAD_INPUT
