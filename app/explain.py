"""The picture of one frame's verdict."""

from __future__ import annotations

from pathlib import Path

from app.errors import Exit, Refused
from app.judging import Judging, Switches
from app.outputs import claim
from app.pictures import sheet, write_png
from pipeline.bundle import load_bundle


def explain(source: str, frame: int, out: Path, bundle_path: Path | None, switches: Switches, *, force: bool) -> Exit:
    """Writes the sheet of the frame at a position from 0, judged with all before it, as a replay does."""
    claim(out, force=force, sources=[source])
    bundle = load_bundle(bundle_path)
    judging = Judging(source, bundle, switches, limit=frame + 1)
    last, seen = None, 0
    for seen, last in enumerate(judging, start=1):  # noqa: B007  the last pair is what is wanted
        pass
    if last is None or seen <= frame:
        raise Refused(f"{source}: has {seen} frames, no frame {frame}: choose one from 0 to {seen - 1}")
    write_png(out, sheet(*last, bundle.description, judging.info, source))
    return Exit.DONE
