"""In which precision torch computes: bfloat16 where the machine has it, else float32."""

from __future__ import annotations

from functools import cache

import torch

from pipeline.inference import core


@cache
def processor_has_bf16() -> bool:
    """Whether this processor multiplies in bfloat16. One that imitates it takes seven times as long as in float32."""
    return "BF16" in core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")


def mixed(device: str, wanted: bool) -> torch.autocast:
    """Autocast to bfloat16 on a kind of device (`cpu`, `cuda`, …), off where it is not wanted or would not pay."""
    return torch.autocast(device, torch.bfloat16, enabled=wanted and (device != "cpu" or processor_has_bf16()))
