"""`trilume studio …`: their options; each hands over to `app.studio_run`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console

from app.errors import Exit

studio = typer.Typer(help="Own data sets: takes, protocols, splits, what they can prove.", no_args_is_help=True)
protocol = typer.Typer(help="Which takes a data set wants.", no_args_is_help=True)
studio.add_typer(protocol, name="protocol")
session_commands = typer.Typer()

FolderArgument = Annotated[Path, typer.Argument(metavar="FOLDER", help="Folder of the data set's recordings.")]
ProtocolOption = Annotated[Path | None, typer.Option("--protocol", metavar="P.toml", help="Protocol, .toml or .csv.")]
YesOption = Annotated[bool, typer.Option("--yes", help="Delete for good; without it only what would go is listed.")]


def _console() -> Console:
    console = Console()
    return console if console.is_terminal else Console(width=220)


@studio.command("takes")
def studio_takes(folder: FolderArgument) -> Exit:
    """One row a take: labels, length, state, and why it does not count."""
    from app.studio_run import show_takes

    return show_takes(folder, _console())


@studio.command("mark")
def studio_mark(
    path: Annotated[Path, typer.Argument(metavar="FILE.mcap", help="Recording.")],
    quality: Annotated[Literal["good", "bad", "none"], typer.Argument(help="none takes the mark away.")],
) -> Exit:
    """Marks a take good or bad; a bad one stays on disk and counts nowhere."""
    from app.studio_run import mark

    return mark(path, quality)


@studio.command("progress")
def studio_progress(
    folder: FolderArgument,
    protocol_file: Annotated[Path, typer.Option("--protocol", metavar="P.toml", help="Protocol, .toml or .csv.")],
) -> Exit:
    """How far a protocol has come, from what is on disk, and the next take."""
    from app.studio_run import show_progress

    return show_progress(folder, protocol_file, _console())


@studio.command("report")
def studio_report(
    folder: FolderArgument,
    name: Annotated[str | None, typer.Option(help="Name of the data set.")] = None,
    licence: Annotated[str | None, typer.Option(help="Licence or terms.")] = None,
    retention_days: Annotated[int | None, typer.Option(min=1, help="How long recordings may be kept.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Of the splits; before the first report only.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite files that are not of an earlier report.")] = False,
) -> Exit:
    """Counts, splits, manifest.csv, tables, card and checksums, written beside the recordings."""
    from app.studio_run import report

    changes = {"name": name, "licence": licence, "retention_days": retention_days, "seed": seed}
    said = {key: value for key, value in changes.items() if value is not None}
    return report(folder, said, _console(), force=force)


@studio.command("plan")
def studio_plan(
    folder: FolderArgument,
    apcer: Annotated[float, typer.Option(help="Error rate to be shown for every species.")] = 0.03,
    confidence: Annotated[float, typer.Option(help="Of the two-sided interval.")] = 0.95,
    split: Annotated[
        Literal["all", "train", "dev", "test"], typer.Option(help="Count these takes only: test, after training.")
    ] = "all",
    protocol_file: ProtocolOption = None,
) -> Exit:
    """What the takes can prove, what standards ask for, and which take helps most."""
    from app.studio_run import show_plan

    return show_plan(folder, apcer, confidence, split, protocol_file, _console())


@studio.command("export")
def studio_export(
    folder: FolderArgument,
    out: Annotated[Path, typer.Option(metavar="DIR", help="New folder.")],
) -> Exit:
    """Copies the good takes, byte for byte, under the names that their labels derive."""
    from app.studio_run import export

    return export(folder, out)


@protocol.command("example")
def protocol_example() -> Exit:
    """A protocol to change: `trilume studio protocol example > p.toml`."""
    from app.studio.protocol import EXAMPLE

    print(EXAMPLE, end="")
    return Exit.DONE


@protocol.command("check")
def protocol_check(path: Annotated[Path, typer.Argument(metavar="P.toml", help="Protocol, .toml or .csv.")]) -> Exit:
    """Reads a protocol and says how many takes it asks for."""
    from app.studio_run import check_protocol

    return check_protocol(path)


@session_commands.command("relabel")
def sessions_relabel(
    path: Annotated[Path, typer.Argument(metavar="FILE.mcap", help="Recording.")],
    labels: Annotated[list[str], typer.Argument(metavar="NAME=VALUE…", help="Labels; an empty value takes one away.")],
    rename: Annotated[
        Path | None, typer.Option("--rename", metavar="FOLDER", help="Move it to its derived name below this folder.")
    ] = None,
) -> Exit:
    """Amends labels; the streams are never touched, the name only where asked."""
    from app.session_labels import relabel

    return relabel(path, labels, rename, _console())


@session_commands.command("delete")
def sessions_delete(
    folder: FolderArgument,
    subject: Annotated[str, typer.Option(help="Pseudonym of the person.")],
    yes: YesOption = False,
) -> Exit:
    """Removes every recording of a person, and the person from the data set's tables."""
    from app.session_labels import delete

    return delete(folder, subject, _console(), yes=yes)


@session_commands.command("expire")
def sessions_expire(
    folder: FolderArgument,
    days: Annotated[float, typer.Option(min=0, help="Keep what is younger.")],
    yes: YesOption = False,
) -> Exit:
    """Removes recordings older than the retention allows, by the time of their files."""
    from app.session_labels import expire

    return expire(folder, days, _console(), yes=yes)
