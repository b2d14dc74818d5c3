"""Processes that work through a list of jobs, and end with the process that asked."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context, parent_process


@contextmanager
def workers(processes: int, prepare: Callable[[], None]) -> Iterator[ProcessPoolExecutor]:
    """A pool for one `with` block, each process of it begun by `prepare`, a function of some module.

    Where the block ends in an error or by Ctrl-C, jobs that are begun come to their end and no further one begins.
    """
    with ProcessPoolExecutor(processes, get_context("spawn"), _begin, (prepare,)) as pool:
        try:
            yield pool
        except BaseException:
            pool.shutdown(cancel_futures=True)  # waits: told not to, the pool's own end would call the jobs back
            raise


def _begin(prepare: Callable[[], None]) -> None:
    """No life after the process that asked: an orphan would write beside its successor."""
    parent = parent_process()
    if parent is not None:

        def follow() -> None:
            parent.join()
            os._exit(1)

        threading.Thread(target=follow, daemon=True).start()
    prepare()
