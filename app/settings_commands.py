"""`trilume settings`: what is chosen, where it comes from, and changing it."""

from __future__ import annotations

import os
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from app.errors import Exit, Refused, say
from app.settings import Settings, hash_pin, is_pin, load, save, settings_path, validated
from app.tables import folding

commands = typer.Typer(help="Settings of the window: show, set, where they lie.", no_args_is_help=True)


@commands.command("show")
def show() -> Exit:
    """Every setting, its value and where it comes from; what was left out, on standard error."""
    loaded = load()
    table = folding("setting", "value", "origin", "meaning")
    for key, field in Settings.model_fields.items():
        value = getattr(loaded.settings, key)
        shown = "set" if key == "pin" and value else _in_words(value)
        table.add_row(key, escape(shown), loaded.origins[key], escape(field.description or ""))
    console = Console()
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console = Console(width=150)
    console.print(table)
    for warning in loaded.warnings:
        say(warning)
    return Exit.DONE


@commands.command("path")
def path() -> Exit:
    """Where the settings file lies, there or not."""
    print(settings_path())
    return Exit.DONE


@commands.command("set")
def change(
    key: Annotated[str, typer.Argument(metavar="SETTING")],
    value: Annotated[str, typer.Argument(metavar="VALUE", help="Lists with commas; empty: back to the default.")],
) -> Exit:
    """Writes one setting to the file."""
    if key == "pin":
        raise Refused("pin: a PIN on the command line can be read by others: `trilume settings pin` asks for it")
    say(f"written to {save({key: _typed(key, value) if value else None})}")
    return Exit.DONE


@commands.command("pin")
def pin() -> Exit:
    """Asks for the PIN that leaves the kiosk; only its salted hash is kept."""
    wanted = typer.prompt("PIN, 4 to 12 digits", hide_input=True, confirmation_prompt=True)
    if not is_pin(wanted):
        raise Refused("pin: 4 to 12 digits, nothing else: it is typed on a number pad")
    say(f"written to {save({'pin': hash_pin(wanted)})}")
    return Exit.DONE


def _typed(key: str, value: str) -> object:
    """The text as TOML should hold it; what does not fit is refused by `save`."""
    try:
        made = validated({key: value}).model_dump(mode="json").get(key)
    except ValueError:
        return value
    return value if made is None else made


def _in_words(value: object) -> str:
    if value is None or value in ("", ()):
        return "-"
    if isinstance(value, bool):
        return "on" if value else "off"
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
