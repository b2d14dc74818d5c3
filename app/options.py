"""Options that several commands have, and the console that they write to."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

BundleOption = Annotated[
    Path | None, typer.Option("--bundle", metavar="DIR", help="Model bundle; without it the shipped one.")
]
GateOption = Annotated[
    bool, typer.Option("--no-gate", help="Score every face for research; the verdict is then never live.")
]
AcceptOption = Annotated[
    bool, typer.Option("--accept-sensor", help="Judge live on a sensor that the bundle was not made for.")
]
ForceOption = Annotated[bool, typer.Option("--force", help="Overwrite outputs that exist.")]


def make_console(*, stderr: bool = False) -> Console:
    """Of the terminal's width; text for a file or a pipe is not folded at 80."""
    console = Console(stderr=stderr)
    return console if console.is_terminal or "COLUMNS" in os.environ else Console(stderr=stderr, width=150)
