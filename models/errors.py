"""Errors of data and training that a user can mend."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from functools import wraps

from drivers.errors import TrilumeError


class DatasetError(TrilumeError):
    """A store of faces is missing, damaged, or breaks the rule of its splits."""


class TrainingError(TrilumeError):
    """A training or an export cannot go on with what it was given."""


def command(main: Callable[[Sequence[str] | None], None]) -> Callable[..., int]:
    """A module's `main` with an exit code: 0, 2 and one logged line for what is not a bug of ours (a full disk and a
    path that cannot be used are none), or 130 on Ctrl-C.
    """

    @wraps(main)
    def wrapped(arguments: Sequence[str] | None = None) -> int:
        try:
            main(arguments)
        except TrilumeError as error:
            logging.getLogger(main.__module__).error("%s", error)
            return 2
        except OSError as error:
            where = error.filename or "what was being written"
            logging.getLogger(main.__module__).error("%s: %s", where, error.strerror or error)
            return 2
        except KeyboardInterrupt:
            logging.getLogger(main.__module__).error("stopped")
            return 130
        return 0

    return wrapped
