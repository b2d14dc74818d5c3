"""Numbers on this package's command lines, looked at where they are given."""

from __future__ import annotations

from argparse import ArgumentTypeError
from collections.abc import Callable
from math import inf, nan


def positive(text: str) -> float:
    """A number above 0."""
    return _number(text, lambda number: 0 < number < inf, "a number above 0")


def share(text: str) -> float:
    """A share of a whole: above 0, at most 1. Per cent are none."""
    return _number(text, lambda number: 0 < number <= 1, "a share above 0, at most 1")


def part(text: str) -> float:
    """A share of a whole, 0 to 1."""
    return _number(text, lambda number: 0 <= number <= 1, "a share from 0 to 1")


def count(text: str) -> int:
    """A whole number from 1 on."""
    return _whole(text, 1)


def count_or_none(text: str) -> int:
    """A whole number from 0 on."""
    return _whole(text, 0)


def _number(text: str, fits: Callable[[float], bool], wanted: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = nan
    if not fits(number):
        raise ArgumentTypeError(f"{text} is not {wanted}")
    return number


def _whole(text: str, least: int) -> int:
    if not text.isascii() or not text.isdigit() or int(text) < least:
        raise ArgumentTypeError(f"{text} is not a whole number from {least} on")
    return int(text)
