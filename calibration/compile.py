"""One way to compile a kernel, typed, cached on disk and free of the interpreter lock.

Every numba kernel of the program is decorated with `kernel`; nothing else imports numba. The cache
directory is settled here, before numba is imported: numba refuses to import a cached function when
neither the package nor the home directory is writable (a kiosk user without a home).
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

from platformdirs import user_cache_path

Function = TypeVar("Function", bound=Callable[..., Any])


def _writable(directory: Path) -> bool:
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=directory):
            return True
    except OSError:
        return False


def _settle_cache() -> None:
    if "NUMBA_CACHE_DIR" in os.environ:
        return
    preferred = user_cache_path("trilume") / "kernels"
    fallback = Path(tempfile.gettempdir()) / f"trilume-kernels-{os.getuid()}"
    os.environ["NUMBA_CACHE_DIR"] = str(preferred if _writable(preferred) else fallback)


_settle_cache()

import numba  # noqa: E402  the cache directory must be settled first


def kernel(function: Function) -> Function:
    """Compiles on first call for the types of that call; cached on disk, runs without the GIL."""
    return cast(Function, numba.njit(cache=True, nogil=True)(function))


def signatures(compiled: Callable[..., Any]) -> list[Any]:
    """The type signatures a kernel was compiled for: one, unless a caller passed a stray type."""
    return list(getattr(compiled, "signatures", []))
