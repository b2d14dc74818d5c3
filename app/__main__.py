"""`trilume` and `python -P -m app`: arguments in, exit code out."""

from __future__ import annotations

import logging
import signal
import sys
from collections.abc import Sequence
from logging.handlers import RotatingFileHandler
from types import FrameType

import typer
from typer.exceptions import TyperException

from app.errors import DISK_FULL, SIGNALS, Exit, Terminated, log_path, say, stopped_by
from drivers.errors import TrilumeError


def rewritten(arguments: Sequence[str]) -> list[str]:
    """`--replay A B …` as the command `replay A B …`: an option cannot take a list of values."""
    first = next((n for n, a in enumerate(arguments) if a == "--replay" or a.startswith("--replay=")), None)
    if first is None or not arguments[0].startswith("-"):
        return list(arguments)
    _, equals, value = arguments[first].partition("=")
    return ["replay", *arguments[:first], *([value] if equals else []), *arguments[first + 1 :]]


def _terminate(_number: int, _frame: FrameType | None) -> None:
    raise Terminated


def _log_to_file() -> None:
    """Warnings and tracebacks go to a rotating file, so that a terminal shows one line for each error."""
    handler = RotatingFileHandler(log_path(), maxBytes=1 << 20, backupCount=2, delay=True, encoding="utf-8")
    logging.basicConfig(
        handlers=[handler], level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s %(message)s"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code; nobody sees a traceback."""
    signal.signal(signal.SIGTERM, _terminate)
    _log_to_file()
    try:
        from app.cli import app

        code = app(
            args=rewritten(sys.argv[1:] if arguments is None else arguments),
            prog_name="trilume",
            standalone_mode=False,
        )
        return int(code or Exit.DONE)
    except TyperException as error:
        if text := error.format_message():
            say(f"{text.rstrip('.')}: see `trilume --help` and `trilume COMMAND --help`")
        return int(Exit.BAD_INPUT)
    except typer.Abort:
        return int(Exit.INTERRUPTED)
    except TrilumeError as error:
        say(error)
        return int(Exit.BAD_INPUT)
    except SystemExit:  # so typer and rich end where whoever read our output has gone
        say("whoever read the output has closed it")
        return int(Exit.ENDED_EARLY)
    except SIGNALS as interrupt:
        return int(stopped_by(interrupt))
    except OSError as error:
        if error.errno in DISK_FULL:
            say(f"{error.filename or 'what was being written'}: the disk is full: make room and run it again")
            return int(Exit.BAD_INPUT)
        if error.filename is None:
            return _bug(error)
        say(f"{error.filename}: {error.strerror or error}; check the path and who may read and write it")
        return int(Exit.BAD_INPUT)
    except Exception as error:
        return _bug(error)


def _bug(error: Exception) -> int:
    logging.getLogger("app").exception("unexpected")
    say(f"{type(error).__name__}: {error}: a bug; the traceback is in {log_path()}")
    return int(Exit.BUG)


if __name__ == "__main__":
    sys.exit(main())
