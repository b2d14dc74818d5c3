"""`trilume evaluate | train | finetune | export | benchmark`: their options; each hands over to one module."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from app.errors import Exit
from app.options import AcceptOption, BundleOption, ForceOption, make_console

commands = typer.Typer()

MoreOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--more", metavar="STORE", help="A further store: M-Net learns from train, thresholds from dev; again for each."
    ),
]
ConfigOption = Annotated[
    Literal["edge", "paper", "tiny"],
    typer.Option(help="Size of the nets: edge for two cores; paper wants accelerators; tiny for a try."),
]
BpcerOption = Annotated[
    float, typer.Option(min=0.001, max=0.5, help="Most living faces of split dev that the thresholds may reject.")
]
EveryOption = Annotated[int, typer.Option(min=1, help="Of recordings, take every n-th frame.")]
ThreadsOption = Annotated[int, typer.Option(min=1, max=64, help="Of the nets, as the program will run.")]


@commands.command()
def evaluate(
    manifest: Annotated[Path, typer.Argument(metavar="MANIFEST.csv", help="Recordings with their labels and splits.")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder for the report.")],
    bundle: BundleOption = None,
    threshold_split: Annotated[
        Literal["bundle", "dev"], typer.Option(help="Thresholds of the figures at the head of the report.")
    ] = "bundle",
    bpcer: Annotated[
        float, typer.Option(min=0, max=0.5, help="Most live faces that thresholds fixed on dev may reject.")
    ] = 0.05,
    unit: Annotated[Literal["recording", "frame"], typer.Option(help="What those figures count.")] = "recording",
    jobs: Annotated[int, typer.Option(min=1, help="Recordings judged at a time.")] = 1,
    accept_sensor: AcceptOption = False,
    force: ForceOption = False,
) -> Exit:
    """Error rates of a bundle on labelled recordings: report.html, report.json, scores and pictures."""
    from app.evaluate import evaluate as run
    from models.report import Wish

    wish = Wish(threshold_split, unit, bpcer)
    console = make_console(stderr=True)
    return run(manifest, out, bundle, wish, console, jobs=jobs, accept_sensor=accept_sensor, force=force)


@commands.command()
def train(
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder of the new bundle; DIR.run beside it is the run.")],
    faces: Annotated[Path | None, typer.Option(metavar="STORE", help="Learn from a store of faces.")] = None,
    manifest: Annotated[
        Path | None, typer.Option(metavar="MINE.csv", help="Learn from own recordings with their labels and splits.")
    ] = None,
    simulated: Annotated[
        float | None, typer.Option(metavar="SCALE", min=0.001, help="Simulate faces first; 1 = the paper's counts.")
    ] = None,
    more: MoreOption = None,
    minutes: Annotated[
        float, typer.Option(min=0.01, help="Of both nets together, beside simulating and reading.")
    ] = 80,
    steps: Annotated[int | None, typer.Option(min=1, help="Steps of each net instead of minutes.")] = None,
    config: ConfigOption = "edge",
    bpcer: BpcerOption = 0.05,
    every: EveryOption = 5,
    seed: Annotated[int, typer.Option(min=0, help="Of the nets and their batches.")] = 0,
    jobs: Annotated[int, typer.Option(min=1, max=64, help="Processes that simulate, threads that learn.")] = 1,
    name: Annotated[str, typer.Option(help="Of the bundle, in its card.")] = "own",
    start: Annotated[
        Path | None, typer.Option(metavar="BUNDLE", help="Go on from the trained nets of a bundle, not from nothing.")
    ] = None,
) -> Exit:
    """A bundle of one's own from faces: both nets, positions, thresholds, card. Stopped, the same command goes on."""
    from app.train import Origin
    from app.train import train as run
    from models.plan import Plan

    origin = Origin(faces, manifest, simulated, tuple(more or ()), every, jobs)
    plan = Plan(minutes, steps, config, seed, bpcer, jobs, name, start)
    return run(origin, plan, out, make_console(stderr=True))


@commands.command()
def finetune(
    manifest: Annotated[Path, typer.Option(metavar="MINE.csv", help="Own recordings with their labels and splits.")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder of the new bundle.")],
    bundle: BundleOption = None,
    minutes: Annotated[float, typer.Option(min=0.01, help="Time to learn, beside reading and judging.")] = 5.0,
    faces: Annotated[
        Path | None, typer.Option(metavar="STORE", help="Faces that the bundle learnt from: keeps it from forgetting.")
    ] = None,
    every: EveryOption = 5,
) -> Exit:
    """Adapts a bundle to a site or a camera from a few dozen labelled recordings, in a new bundle."""
    from app.finetune import finetune as run

    return run(manifest, out, bundle, minutes, faces, every=every, console=make_console(stderr=True))


@commands.command()
def export(
    faces: Annotated[
        Path, typer.Option(metavar="STORE", help="Store of faces: thresholds from dev, figures from test.")
    ],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder of the new bundle.")],
    d_net: Annotated[Path | None, typer.Option("--d-net", metavar="MODEL.pt", help="A trained D-Net.")] = None,
    m_net: Annotated[Path | None, typer.Option("--m-net", metavar="MODEL.pt", help="A trained M-Net.")] = None,
    bundle: Annotated[
        Path | None, typer.Option("--bundle", metavar="DIR", help="With --int8: a bundle instead of two nets.")
    ] = None,
    int8: Annotated[
        bool, typer.Option("--int8", help="A net in INT8 where that is faster and its figures stay.")
    ] = False,
    precision: Annotated[Literal["f32", "bf16"], typer.Option(help="In which two nets run.")] = "f32",
    bpcer: BpcerOption = 0.05,
    more: MoreOption = None,
    threads: ThreadsOption = 2,
    name: Annotated[str, typer.Option(help="Of the bundle, in its card.")] = "own",
) -> Exit:
    """Trained nets to a bundle: converted, held against the trained ones, thresholds, card. --int8 makes it faster."""
    from app.export import As, Nets
    from app.export import export as run

    wish = As(name, bpcer, precision, tuple(more or ()), int8, threads)
    return run(Nets(d_net, m_net, bundle), faces, out, wish, make_console(stderr=True))


@commands.command()
def benchmark(
    recording: Annotated[
        str | None, typer.Argument(metavar="RECORDING", help="Without it one of the simulated camera, rendered once.")
    ] = None,
    seconds: Annotated[float, typer.Option(min=0.1, max=3600, help="How long to judge.")] = 10.0,
    as_json: Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Every figure, for programs.")] = None,
    bundle: BundleOption = None,
    threads: ThreadsOption = 2,
    cold: Annotated[
        bool, typer.Option("--cold", help="Also start with no kernel compiled, as after installing; takes a minute.")
    ] = False,
    force: ForceOption = False,
) -> Exit:
    """How fast this machine judges: sets a second, time of each stage, start; whether it keeps up with a camera."""
    from app.benchmark import benchmark as run

    return run(recording, seconds, as_json, bundle, make_console(stderr=True), threads=threads, cold=cold, force=force)
