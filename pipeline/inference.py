"""OpenVINO, set up once for the whole program."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Literal

import openvino as ov


@lru_cache(maxsize=1)
def core() -> ov.Core:
    """The one OpenVINO core of the process.

    Each core gives its thread a signal stack of its own; with several, freed in another order than they were made,
    the thread is left with one that is gone, and the next Ctrl-C ends the process with a segmentation fault.
    """
    return ov.Core()


def infer_request(model: Any, precision: Literal["f32", "bf16"], threads: int) -> Any:
    """A model compiled for one frame at a time.

    The precision is stated: left open OpenVINO takes bf16 on processors that have it, and scores differ from machine
    to machine.
    """
    settings = {
        "PERFORMANCE_HINT": "LATENCY",
        "NUM_STREAMS": "1",
        "INFERENCE_NUM_THREADS": threads,
        "INFERENCE_PRECISION_HINT": precision,
    }
    return core().compile_model(model, "CPU", settings).create_infer_request()
