"""What the user has chosen, and where each choice comes from: default < file < environment < command line.

A key or value that does not fit is told in one line and left out: it never keeps the program from starting.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import secrets
import tempfile
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from platformdirs import user_config_path, user_data_path
from pydantic import BeforeValidator, Field, FiniteFloat, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from app.errors import Refused

PREFIX: Final = "TRILUME_"
PIN_DIGITS: Final = range(4, 13)  # as many as the number pad takes
_SCRYPT: Final = {"n": 1 << 14, "r": 8, "p": 1}


class Origin(StrEnum):
    DEFAULT = "default"
    FILE = "file"
    ENVIRONMENT = "environment"
    COMMAND_LINE = "command line"


def _split(value: object) -> object:
    """`a, b` of the environment as a list."""
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


Listed = BeforeValidator(_split)
Metres = Annotated[FiniteFloat, Field(gt=0, le=20)]
Seconds = Annotated[FiniteFloat, Field(gt=0, le=3600)]


class Settings(BaseSettings):
    """All settings; units stand in the names. Made by `load`, which is the only reader of file and environment."""

    model_config = SettingsConfigDict(frozen=True, extra="forbid", env_prefix=PREFIX, env_ignore_empty=True)

    source: str = Field("", description="Camera, recording or simulated scene; empty: the first camera, else the cast.")
    bundle: Path | None = Field(None, description="Model bundle; without it the shipped one.")
    accept_sensor: Annotated[tuple[str, ...], NoDecode, Listed] = Field(
        (), description="Sensors that are judged although the bundle was not made for them."
    )
    language: Literal["auto", "en", "de", "zh_CN"] = Field("auto", description="Of the window; auto: the desktop's.")
    theme: Literal["auto", "dark", "light"] = Field("auto", description="Auto: the desktop's.")
    scale: FiniteFloat = Field(1.0, ge=1, le=2, description="Of all writing.")
    sound: bool = Field(False, description="A cue with every verdict.")
    depth_range_m: Annotated[tuple[Metres, Metres] | None, NoDecode, Listed] = Field(
        None, description="Colours of the depth picture, nearest and farthest; without it the gate's."
    )
    takes_folder: Path | None = Field(None, description="Where the studio keeps takes.")
    disk_warn_min: FiniteFloat = Field(10, ge=0, description="Warn when the disk has room for fewer minutes.")
    disk_refuse_min: FiniteFloat = Field(2, ge=0, description="Start no take with room for fewer minutes.")
    disk_stop_mb: int = Field(1000, ge=0, description="End a take before the disk is fuller than this.")
    kiosk_verdict_s: Seconds = Field(4, description="How long a verdict stays.")
    kiosk_idle_s: Seconds = Field(10, description="Nobody for so long: the idle screen.")
    kiosk_pause_s: Seconds = Field(30, description="Pause after five failures in three minutes.")
    pin: str | None = Field(None, description="Of the kiosk, salted and hashed: `trilume settings pin`.")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003
        init_settings: PydanticBaseSettingsSource,
        *_: Any,
        **__: Any,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what is handed in: `load` reads the sources one by one, to know where each value is from."""
        return (init_settings,)

    @field_validator("depth_range_m")
    @classmethod
    def _near_before_far(cls, value: tuple[float, float] | None) -> tuple[float, float] | None:
        if value is not None and value[0] >= value[1]:
            raise ValueError("the nearest must be less than the farthest")
        return value

    @field_validator("pin")
    @classmethod
    def _hashed(cls, value: str | None) -> str | None:
        if value is not None and _pin_parts(value) is None:
            raise ValueError("is not a hash: set it with `trilume settings pin`")
        return value

    @property
    def takes_path(self) -> Path:
        """The folder of takes, the user's data folder without a setting."""
        return self.takes_folder or user_data_path("trilume") / "takes"


@dataclass(frozen=True, slots=True)
class Loaded:
    """Settings with the origin of each value and one line for each that was left out. `pin_lost`: a PIN may have been
    among these.
    """

    settings: Settings
    origins: Mapping[str, Origin]
    warnings: tuple[str, ...] = ()
    pin_lost: bool = False


def settings_path() -> Path:
    """The settings file, there or not."""
    return user_config_path("trilume") / "settings.toml"


def load(given: Mapping[str, Any] | None = None, path: Path | None = None) -> Loaded:
    """Settings of file and environment, and those `given` on the command line (None: not given). Never raises for
    what a user wrote: `warnings` says what was left out."""
    file = path or settings_path()
    warnings: list[str] = []
    layers = (
        (Origin.FILE, str(file), _of_file(file, warnings)),
        (Origin.ENVIRONMENT, "environment", EnvSettingsSource(Settings)()),
        (Origin.COMMAND_LINE, "command line", {k: v for k, v in (given or {}).items() if v is not None}),
    )
    values: dict[str, Any] = {}
    pin_lost = bool(warnings)
    origins = dict.fromkeys(Settings.model_fields, Origin.DEFAULT)
    for origin, where, layer in layers:
        for key, value in layer.items():
            if problem := _problem(key, value):
                warnings.append(f"{where}: {_named(key, origin)}: {problem}; left out")
                pin_lost = pin_lost or key == "pin"
            else:
                values[key], origins[key] = value, origin
    return Loaded(validated(values), origins, tuple(warnings), pin_lost)


def validated(values: Mapping[str, Any]) -> Settings:
    """Settings of these values alone. Raises pydantic's ValidationError."""
    return Settings(**values)


def save(changes: Mapping[str, Any], path: Path | None = None) -> Path:
    """Writes some settings to the file, the rest of it untouched; None removes one. The file appears whole or not at
    all and only the user reads it (0600). Raises Refused for a bad key or value and for a file that is no TOML."""
    for key, value in changes.items():
        if value is not None and (problem := _problem(key, value)):
            raise Refused(f"{key}: {problem}")
    file = path or settings_path()
    try:
        text = file.read_text(encoding="utf-8")
        before = tomllib.loads(text)
    except FileNotFoundError:
        text, before = "", {}
    except (ValueError, UnicodeDecodeError) as error:
        raise Refused(f"{file}: is no TOML ({error}): mend it or move it away; nothing was changed") from None
    after = {key: value for key, value in {**before, **changes}.items() if value is not None}
    _replace(file, _edited(text, changes, after))
    return file


def is_pin(pin: str) -> bool:
    """Whether this can be typed on the kiosk's number pad, and takes a while to be guessed."""
    return pin.isascii() and pin.isdigit() and len(pin) in PIN_DIGITS


def hash_pin(pin: str) -> str:
    """A PIN as it may be stored: `scrypt$salt$hash`, base64 (RFC 7914)."""
    salt = secrets.token_bytes(16)
    return "$".join(["scrypt", *(base64.b64encode(part).decode() for part in (salt, _scrypt(pin, salt)))])


def pin_matches(pin: str, stored: str | None) -> bool:
    """Whether a PIN is the stored one, in a time that does not tell how nearly. Nothing matches no PIN."""
    parts = _pin_parts(stored or "")
    return parts is not None and hmac.compare_digest(_scrypt(pin, parts[0]), parts[1])


def _scrypt(pin: str, salt: bytes) -> bytes:
    return hashlib.scrypt(pin.encode(), salt=salt, dklen=32, **_SCRYPT)


def _pin_parts(stored: str) -> tuple[bytes, bytes] | None:
    try:
        kind, salt, digest = stored.split("$")
        parts = base64.b64decode(salt, validate=True), base64.b64decode(digest, validate=True)
    except ValueError:
        return None
    return parts if kind == "scrypt" and len(parts[0]) >= 8 and len(parts[1]) == 32 else None


def _of_file(file: Path, warnings: list[str]) -> dict[str, Any]:
    if not file.exists():
        return {}
    try:
        return TomlConfigSettingsSource(Settings, toml_file=file)()
    except (ValueError, OSError) as error:
        warnings.append(f"{file}: cannot be read ({error}): its settings are left out")
        return {}


def _problem(key: str, value: object) -> str:
    """Why a value cannot be taken, or nothing."""
    if key not in Settings.model_fields:
        return "no such setting (`trilume settings show` lists them)"
    try:
        validated({key: value})
    except ValidationError as error:
        return error.errors()[0]["msg"].removeprefix("Value error, ")
    return ""


def _named(key: str, origin: Origin) -> str:
    return f"{PREFIX}{key.upper()}" if origin is Origin.ENVIRONMENT else key


def _edited(text: str, changes: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    """The file's text with its comments, where changing lines is enough; else written anew."""
    lines = [line for line in text.splitlines() if line.partition("=")[0].strip() not in changes]
    new = [f"{key} = {_toml(value)}" for key, value in changes.items() if value is not None]
    kept = "\n".join([*new, *lines]) + "\n"
    try:
        if tomllib.loads(kept) == tomllib.loads(_written(after)):
            return kept
    except ValueError:
        pass
    return _written(after)


def _written(values: Mapping[str, Any]) -> str:
    return "".join(f"{key} = {_toml(value)}\n" for key, value in values.items())


def _toml(value: object) -> str:
    """A value of TOML 1.0: its strings and lists are JSON's, but for DEL."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {_toml(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_toml, value)) + "]"
    if isinstance(value, bool | int | float):
        return json.dumps(value)
    return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")


def _replace(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    number, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")  # made with mode 0600
    try:
        with os.fdopen(number, "w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        Path(name).replace(file)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
