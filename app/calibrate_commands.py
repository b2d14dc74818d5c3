"""`calibrate target | geometric | depth | check`: their options; each hands over to `app.calibrate_geometric`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from app.errors import Exit
from app.options import ForceOption

commands = typer.Typer()

CapturesArgument = Annotated[
    list[str], typer.Argument(metavar="CAPTURE…", help="Recordings of the target, or folders of them.")
]
BoardOption = Annotated[
    str,
    typer.Option(
        "--board",
        metavar="COLUMNSxROWS:SQUARE:MARKER:DICTIONARY",
        help="The target, lengths in mm as measured; without it the one that is printed by default.",
    ),
]
RigOption = Annotated[
    Path | None, typer.Option("--rig", metavar="RIG.json", help="Rig to use; without it the recordings' own.")
]


@commands.command("target")
def calibrate_target(
    out: Annotated[Path, typer.Option(metavar="FILE", help="A .pdf (best) or a .png.")],
    board: BoardOption = "",
    paper: Annotated[Literal["A4", "A3", "letter"], typer.Option(help="Landscape.")] = "A4",
    force: ForceOption = False,
) -> Exit:
    """A ChArUco target to print at true scale, for the calibrations below."""
    from app.calibrate_geometric import target

    return target(board, paper, out, force=force)


@commands.command("geometric")
def calibrate_geometric(
    captures: CapturesArgument,
    board: BoardOption = "",
    out: Annotated[
        Path | None, typer.Option(metavar="RIG.json", help="Without it the user's data folder, by serial number.")
    ] = None,
    report: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Figures and pictures; without it RIG-report.")
    ] = None,
    force: ForceOption = False,
) -> Exit:
    """Lenses and the motion between them, from 10 to 20 views of the target, tilted and all over the picture."""
    from app.calibrate_geometric import geometric

    return geometric(captures, board, out, report, force=force)


@commands.command("depth")
def calibrate_depth(
    captures: CapturesArgument,
    board: BoardOption = "",
    rig: RigOption = None,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Figures and a picture.")] = None,
    force: ForceOption = False,
) -> Exit:
    """Scale, bias and flatness of depth over distance, on the target."""
    from app.calibrate_geometric import depth

    return depth(captures, board, rig, out, force=force)


@commands.command("check")
def calibrate_check(
    captures: CapturesArgument,
    board: BoardOption = "",
    rig: RigOption = None,
    out: Annotated[
        Path | None, typer.Option(metavar="RIG.json", help="Where the proposed correction goes, as a rig.")
    ] = None,
    way: Annotated[
        Literal["turn", "move"], typer.Option("--as", help="Whether a stream that is off was turned or moved aside.")
    ] = "turn",
    force: ForceOption = False,
) -> Exit:
    """Whether a rig still fits its camera: by the target where it is seen, else by a person; proposes a correction."""
    from app.calibrate_geometric import check

    return check(captures, board, rig, out, way, force=force)
