"""Numbers on this package's command lines, looked at where they are given."""

from __future__ import annotations

from argparse import ArgumentTypeError
from math import inf


def positive(text: str) -> float:
    """A number above 0."""
    return _within(text, 0.0, inf, "a number above 0")


def share(text: str) -> float:
    """A share of a whole: above 0, at most 1. Per cent are none."""
    return _within(text, 0.0, 1.0, "a share above 0, at most 1")


def part(text: str) -> float:
    """A share of a whole, 0 to 1."""
    return 0.0 if text in ("0", "0.0") else share(text)


def count(text: str) -> int:
    """A whole number from 1 on."""
    return _whole(text, 1)


def count_or_none(text: str) -> int:
    """A whole number from 0 on."""
    return _whole(text, 0)


def _within(text: str, above: float, most: float, wanted: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = float("nan")
    if not (above < number <= most and number < inf):
        raise ArgumentTypeError(f"{text} is not {wanted}")
    return number


def _whole(text: str, least: int) -> int:
    if not text.isascii() or not text.isdigit() or int(text) < least:
        raise ArgumentTypeError(f"{text} is not a whole number from {least} on")
    return int(text)
