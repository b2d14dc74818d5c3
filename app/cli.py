"""The commands and their options; each hands over to one module."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated, Literal

import typer

from app.calibrate_commands import commands as target_commands
from app.errors import Exit
from app.model_commands import commands as model_commands
from app.options import AcceptOption, BundleOption, ForceOption, GateOption, make_console
from app.settings_commands import commands as settings_commands
from app.studio_commands import session_commands, studio

app = typer.Typer(
    name="trilume",
    help="Tells a living face from a print, a screen or a mask in front of an RGB-D-IR camera. "
    "`trilume --replay RECORDING` judges a recording.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
sessions = typer.Typer(help="Session files: list, look at, check, repair, export.", no_args_is_help=True)
app.add_typer(sessions, name="sessions")
sessions.add_typer(session_commands)
calibrate = typer.Typer(help="Fits a bundle to a site, a rig to its camera.", no_args_is_help=True)
app.add_typer(calibrate, name="calibrate")
calibrate.add_typer(target_commands)
app.add_typer(studio, name="studio")
app.add_typer(settings_commands, name="settings")
app.add_typer(model_commands)


def _show_version(asked: bool) -> None:
    if asked:
        try:
            print("trilume", version("trilume"))
        except PackageNotFoundError:
            print("trilume (not installed)")
        raise typer.Exit


@app.callback()
def trilume(
    _version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version.")
    ] = False,
    _replay: Annotated[
        str | None, typer.Option("--replay", metavar="SOURCE…", help="Judge recordings: `trilume replay --help`.")
    ] = None,
) -> None:
    """Settles what comes before a command; `--replay` never arrives here, see `app.__main__.rewritten`."""


@app.command(hidden=True)
def replay(
    sources: Annotated[list[str], typer.Argument(metavar="SOURCE…", help="Sessions, frame folders or sim://… .")],
    out: Annotated[
        str | None, typer.Option(metavar="FILE", help="One JSON line a frame; - for standard output.")
    ] = None,
    summary: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Summary as JSON; an array for several recordings.")
    ] = None,
    pictures: Annotated[
        Path | None, typer.Option(metavar="DIR", help="A sheet that explains the verdict, for each recording.")
    ] = None,
    bundle: BundleOption = None,
    no_timing: Annotated[
        bool, typer.Option("--no-timing", help="Leave out what depends on the machine's speed.")
    ] = False,
    no_gate: GateOption = False,
    accept_sensor: AcceptOption = False,
    force: ForceOption = False,
) -> Exit:
    """Judges recordings without a window: a table on standard error, JSON where asked for."""
    from app.judging import Switches
    from app.replay import Outputs
    from app.replay import replay as run

    outputs = Outputs(out, summary, pictures, not no_timing, force)
    return run(sources, outputs, bundle, Switches(not no_gate, accept_sensor), make_console(stderr=True))


@app.command()
def watch(
    source: Annotated[str, typer.Option(metavar="URI", help="Camera, recording or sim://… .")],
    frames: Annotated[int | None, typer.Option(min=1, help="Stop after so many frames.")] = None,
    bundle: BundleOption = None,
    no_gate: GateOption = False,
    accept_sensor: AcceptOption = False,
) -> Exit:
    """Judges a source without a window, JSON lines on standard output, until it ends or is stopped."""
    from app.judging import Switches
    from app.watch import watch as run

    return run(source, bundle, Switches(not no_gate, accept_sensor), frames)


@app.command()
def kiosk(
    source: Annotated[
        str | None,
        typer.Option(metavar="URI", help="Camera, recording, sim://…; else first camera or a cast."),
    ] = None,
    fullscreen: Annotated[
        bool, typer.Option("--fullscreen", help="The subject's view; leaving it asks for the PIN.")
    ] = False,
    bundle: BundleOption = None,
    accept_sensor: AcceptOption = False,
    language: Annotated[Literal["auto", "en", "de", "zh_CN"] | None, typer.Option(help="Of the window.")] = None,
    theme: Annotated[Literal["auto", "dark", "light"] | None, typer.Option(help="Of the window.")] = None,
    keep_alive: Annotated[bool, typer.Option("--keep-alive", help="Start the window again when it dies.")] = False,
    timing: Annotated[bool, typer.Option("--timing", help="Say when the first picture and verdict came.")] = False,
) -> Exit:
    """The window: live view with reasons, studio, replay, and the view of the person in front of the camera."""
    from app.kiosk.command import kiosk as run
    from app.kiosk.wish import Wish

    return run(Wish(source, bundle, language, theme, fullscreen, accept_sensor, keep_alive, timing))


@app.command()
def explain(
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="Session, frame folder or sim://… .")],
    out: Annotated[Path, typer.Option(metavar="PNG", help="Picture to write.")],
    frame: Annotated[int, typer.Option(min=0, help="Position in the recording, from 0.")] = 0,
    bundle: BundleOption = None,
    no_gate: GateOption = False,
    accept_sensor: AcceptOption = False,
    force: ForceOption = False,
) -> Exit:
    """One sheet for one frame: what the camera saw, what the nets were shown and what they answered."""
    from app.explain import explain as run
    from app.judging import Switches

    return run(source, frame, out, bundle, Switches(not no_gate, accept_sensor), force=force)


@app.command()
def simulate(
    scene: Annotated[str, typer.Option(help="live, flat_print, trimmed_print, curved_print, screen_replay, …")],
    out: Annotated[Path, typer.Option(metavar="FILE.mcap", help="Session to write.")],
    seconds: Annotated[float, typer.Option(min=0.01, help="Length.")] = 3.0,
    fps: Annotated[float, typer.Option(min=1, max=120, help="Frame sets a second.")] = 15.0,
    seed: Annotated[int, typer.Option(min=0, help="Person, instrument, room and noise.")] = 0,
    preset: Annotated[str, typer.Option(help="Sensor: astra, gemini335, d435 or femto.")] = "astra",
    bystanders: Annotated[int, typer.Option(min=0, max=4, help="People in the room behind the subject.")] = 0,
    beside: Annotated[bool, typer.Option("--beside", help="A second person at the subject's side.")] = False,
) -> Exit:
    """A recording from the simulated camera, labelled with what it shows."""
    from app.simulate import simulate as run

    return run(
        scene,
        out,
        seconds=seconds,
        fps=fps,
        seed=seed,
        preset=preset,
        console=make_console(stderr=True),
        bystanders=bystanders,
        beside=beside,
    )


@app.command()
def record(
    source: Annotated[str, typer.Option(metavar="URI", help="Camera, recording or sim://… .")],
    out: Annotated[Path, typer.Option(metavar="FILE.mcap", help="Session to write.")],
    seconds: Annotated[float | None, typer.Option(min=0.01, help="Stop after so long, by device time.")] = None,
    frames: Annotated[int | None, typer.Option(min=1, help="Stop after so many frame sets.")] = None,
    keep_free_mb: Annotated[int, typer.Option(min=0, help="Stop before the disk is fuller than this.")] = 1000,
    subject: Annotated[str, typer.Option(help="Pseudonym of the person.")] = "",
    species: Annotated[str, typer.Option(help="bona_fide, or the kind of attack instrument.")] = "",
    instrument: Annotated[str, typer.Option(help="Which specimen of that kind.")] = "",
    lighting: Annotated[str, typer.Option(help="Light of the room.")] = "",
    distance_m: Annotated[float | None, typer.Option(min=0.01, help="Distance asked for.")] = None,
    operator: Annotated[str, typer.Option(help="Who records.")] = "",
    site: Annotated[str, typer.Option(help="Where.")] = "",
    consent: Annotated[str, typer.Option(help="Reference of the signed consent.")] = "",
    notes: Annotated[str, typer.Option(help="Anything else.")] = "",
) -> Exit:
    """Records a source to a session file with its labels; Ctrl-C stops and keeps what was recorded."""
    from app.record import Limits
    from app.record import record as run
    from drivers.open import open_supervised
    from drivers.session import Labels

    labels = Labels(
        subject=subject,
        species=species,
        instrument=instrument,
        lighting=lighting,
        distance_m=distance_m,
        operator=operator,
        site=site,
        consent=consent,
        notes=notes,
    )
    limits = Limits(seconds, frames, keep_free_mb * 1_000_000)
    return run(open_supervised(source), out, lambda: labels, limits, make_console(stderr=True))


@calibrate.command("threshold")
def calibrate_threshold(
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder of the new bundle.")],
    recordings: Annotated[list[str] | None, typer.Argument(metavar="RECORDING…", help="Bona fide recordings.")] = None,
    manifest: Annotated[Path | None, typer.Option(metavar="M.csv", help="Its bona fide outside split test.")] = None,
    bpcer: Annotated[
        float, typer.Option(min=0.001, max=0.5, help="Share of live sessions that may be rejected.")
    ] = 0.02,
    bundle: BundleOption = None,
    allow_looser: Annotated[
        bool, typer.Option("--allow-looser", help="Loosen beyond the cap, although attacks were not seen.")
    ] = False,
    accept_sensor: AcceptOption = False,
) -> Exit:
    """Thresholds for a wanted BPCER from bona fide recordings alone, in a new bundle."""
    from app.calibrate import calibrate_threshold as run

    return run(
        recordings or [], manifest, out, bundle, bpcer,
        allow_looser=allow_looser, accept_sensor=accept_sensor, console=make_console(stderr=True),
    )  # fmt: skip


@calibrate.command("radiometric")
def calibrate_radiometric(
    captures: Annotated[list[str], typer.Argument(metavar="CAPTURE…", help="Recordings of a flat target.")],
    reflectance: Annotated[float, typer.Option(min=0.02, max=1.0, help="Of the target, in infrared.")],
    out: Annotated[
        Path | None, typer.Option(metavar="RIG.json", help="Without it the user's data folder, by serial number.")
    ] = None,
    rig: Annotated[
        Path | None,
        typer.Option(
            "--rig",
            metavar="RIG.json",
            help="Rig to put the law into; without it the camera's stored one, else the recordings'.",
        ),
    ] = None,
    dark_level: Annotated[float | None, typer.Option(min=0, help="Counts with the lens covered.")] = None,
    picture: Annotated[Path | None, typer.Option(metavar="FIT.png", help="Picture of the fit.")] = None,
    force: ForceOption = False,
) -> Exit:
    """How this camera's infrared light falls off with distance, from a flat target at several distances."""
    from app.calibrate import calibrate_radiometric as run

    return run(captures, reflectance, out, dark_level, picture, rig_file=rig, force=force)


@app.command()
def counterfactual(
    recordings: Annotated[list[Path], typer.Argument(metavar="RECORDING…", help="Bona fide recordings.")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="New folder for sessions and manifest.csv.")],
    kinds: Annotated[str, typer.Option(help="Attacks, with commas.")] = "flattened,bent,folded,rescaled,albedo",
    seed: Annotated[int, typer.Option(min=0, help="Shapes and materials.")] = 0,
) -> Exit:
    """Turns bona fide recordings into attacks: sessions labelled semi-simulated, and a manifest of them."""
    from app.counterfactual import counterfactual as run

    return run(recordings, [kind.strip() for kind in kinds.split(",")], out, seed, make_console(stderr=True))


@app.command()
def devices(as_json: Annotated[bool, typer.Option("--json", help="Every detail, for programs.")] = False) -> Exit:
    """Which cameras are plugged in, what they offer, and why one cannot be used."""
    from app.devices import devices as run

    return run(make_console(), as_json=as_json)


@app.command()
def doctor(
    udev: Annotated[bool, typer.Option("--udev", help="Print udev rules that let a user open cameras.")] = False,
) -> Exit:
    """What this machine has and lacks, as text to paste into a report; exit code 2 where it cannot replay."""
    from app.doctor import doctor as run
    from app.doctor import show_rules

    return show_rules() if udev else run(make_console())


PathsArgument = Annotated[list[Path], typer.Argument(metavar="PATH…", help="Session files or folders of them.")]
SessionArgument = Annotated[Path, typer.Argument(metavar="FILE.mcap", help="Session file.")]

ToOption = Annotated[
    Literal["folder", "mcap-png"], typer.Option(help="Frame folder of PNG files, or a session that every viewer shows.")
]


@sessions.command("list")
def sessions_list(paths: PathsArgument) -> Exit:
    """One row a session: length, labels, state."""
    from app.sessions import show_list

    return show_list(paths, make_console())


@sessions.command("info")
def sessions_info(path: SessionArgument) -> Exit:
    """Camera, streams, labels of one session."""
    from app.sessions import show_info

    return show_info(path, make_console())


@sessions.command("check")
def sessions_check(paths: PathsArgument) -> Exit:
    """Reads every byte; exit code 3 where a session is damaged."""
    from app.sessions import check

    return check(paths, make_console())


@sessions.command("repair")
def sessions_repair(
    path: SessionArgument,
    out: Annotated[Path, typer.Option(metavar="FILE.mcap", help="Where the good part goes.")],
) -> Exit:
    """Copies every good frame set of a damaged session to a new file."""
    from app.sessions import repair

    return repair(path, out, make_console())


@sessions.command("import")
def sessions_import(
    sources: Annotated[
        list[Path], typer.Argument(metavar="PATH…", help="SDK recordings (.bag, .db3), frame folders, picture folders.")
    ],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder for the sessions, which keep their names.")],
    rig: Annotated[
        Path | None, typer.Option("--rig", metavar="RIG.json", help="The camera's rig; picture folders need it.")
    ] = None,
    labels: Annotated[
        list[str] | None, typer.Option("--labels", metavar="KEY=VALUE", help="As `record` has them; give one or more.")
    ] = None,
    depth_unit_m: Annotated[float, typer.Option(min=1e-6, help="Metres a count, of picture folders.")] = 0.001,
    sensor: Annotated[str, typer.Option(help="By which bundles know the camera, of picture folders.")] = "",
) -> Exit:
    """Sessions from what other programs recorded; nothing is overwritten."""
    from app.import_recordings import Foreign
    from app.import_recordings import import_recordings as run

    return run(sources, out, labels or [], rig, Foreign(depth_unit_m, sensor))


@sessions.command("export")
def sessions_export(
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="Session, frame folder or sim://… .")],
    out: Annotated[Path, typer.Option(metavar="PATH", help="Folder or file to write.")],
    to: ToOption = "folder",
) -> Exit:
    """A recording in another format, pixel for pixel the same."""
    from app.sessions import export

    return export(source, to, out)
