"""A source judged without a window: JSON lines on standard output."""

from __future__ import annotations

from pathlib import Path

from app.errors import SIGNALS, Exit, log_path, say, stopped_by
from app.judging import Judging, Switches
from app.outputs import clean_stdout
from drivers.errors import TrilumeError
from pipeline.bundle import load_bundle
from pipeline.engine import EngineFaulty
from pipeline.sinks import line


def watch(source: str, bundle_path: Path | None, switches: Switches, frames: int | None) -> Exit:
    """Judges until the source ends, `frames` are done or a signal comes. Raises TrilumeError before the first line."""
    bundle = load_bundle(bundle_path)
    written = 0
    with clean_stdout() as lines:
        try:
            for _, result in Judging(source, bundle, switches, endless=True, limit=frames):
                lines.write(line(result, source) + "\n")
                written += 1
        except SIGNALS as signal:
            return stopped_by(signal)
        except EngineFaulty as error:
            say(f"{error}: a bug; the log is in {log_path()}")
            return Exit.BUG
        except TrilumeError as error:
            if written == 0:
                raise
            say(error)
            return Exit.ENDED_EARLY
    return Exit.DONE
