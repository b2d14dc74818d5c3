"""bfloat16 is used where it was asked for and where the processor has it."""

from __future__ import annotations

import pytest
import torch

from models import precision


@pytest.mark.parametrize("has", [True, False])
@pytest.mark.parametrize("wanted", [True, False])
def test_bf16_on_a_processor(has: bool, wanted: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precision, "processor_has_bf16", lambda: has)
    with precision.mixed("cpu", wanted):
        product = torch.ones(2, 2) @ torch.ones(2, 2)
    assert product.dtype == (torch.bfloat16 if has and wanted else torch.float32)


def test_the_processor_is_asked_once_and_answers() -> None:
    assert precision.processor_has_bf16() in (True, False)
