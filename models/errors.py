"""Errors of data and training that a user can mend."""

from __future__ import annotations

from drivers.errors import TrilumeError


class DatasetError(TrilumeError):
    """A store of faces is missing, damaged, or breaks the rule of its splits."""


class TrainingError(TrilumeError):
    """A training or an export cannot go on with what it was given."""
