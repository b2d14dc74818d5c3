"""`trilume devices`: which cameras are plugged in, what they offer, and why one cannot be used."""

from __future__ import annotations

import json
from dataclasses import asdict

from rich.console import Console
from rich.markup import escape

from app.errors import Exit, say
from app.outputs import clean_stdout
from app.tables import folding
from drivers.discovery import FoundCamera, Survey, find_cameras

NONE_FOUND = (
    "no camera found: plug one into a USB 3 port; `trilume doctor` tells what this machine lacks; "
    "without one: --source sim://live"
)
SHOWN_SIZES = 3  # of each stream; --json has them all


def devices(console: Console, *, as_json: bool) -> Exit:
    """Prints every camera on this machine, as a table or as one JSON object."""
    if as_json:
        with clean_stdout() as stream:  # an SDK may print as it is loaded
            stream.write(json.dumps(as_told(find_cameras()), indent=2) + "\n")
        return Exit.DONE
    show(find_cameras(), console)
    return Exit.DONE


def as_told(survey: Survey) -> dict[str, object]:
    """The survey as JSON tells it: `cameras` with `uri` and `usable`, and `notes`."""
    cameras = [{"uri": c.uri, "usable": c.usable, **asdict(c)} for c in survey.cameras]
    return {"format": 1, "cameras": cameras, "notes": list(survey.notes)}


def show(survey: Survey, console: Console) -> None:
    """The survey as a table, or one line where there is no camera. What to do stands below it, unfolded: commands are
    copied."""
    problems = list(dict.fromkeys(camera.problem for camera in survey.cameras if camera.problem))
    for note in survey.notes:
        if note not in problems:
            say(note)
    if not survey.cameras:
        console.print(NONE_FOUND, markup=False, highlight=False, soft_wrap=True)
        return
    table = folding("camera", "serial", "firmware", "port", "largest pictures", "rig", "state")
    for camera in survey.cameras:
        table.add_row(*(escape(cell) for cell in _row(camera, problems)))
    console.print(table)
    for number, problem in enumerate(problems, 1):
        console.print(f"({number}) {problem}", markup=False, highlight=False, soft_wrap=True)


def _row(camera: FoundCamera, problems: list[str]) -> tuple[str, ...]:
    port = f"{camera.port}: slow, use a USB 3 port and cable" if camera.port.startswith("USB 2") else camera.port
    rig = camera.rig or ("factory's" if camera.usable else "–")
    state = f"usable: {camera.uri}" if camera.usable else f"not usable ({problems.index(camera.problem) + 1})"
    return (
        camera.name, camera.serial or "–", camera.firmware or "–", port or "–", _modes(camera) or "–", rig, state,
    )  # fmt: skip


def _modes(camera: FoundCamera) -> str:
    lines = []
    for stream in ("color", "depth", "infrared"):
        sizes = [mode for mode in camera.modes if mode.stream == stream]
        shown = [f"{m.width}×{m.height} at {'/'.join(map(str, m.rates))}" for m in sizes[:SHOWN_SIZES]]
        more = f" and {len(sizes) - SHOWN_SIZES} more" if len(sizes) > SHOWN_SIZES else ""
        if shown:
            lines.append(f"{stream} {', '.join(shown)}{more}")
    return "\n".join(lines)
