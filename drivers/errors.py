"""What can go wrong at the edges. Each message names what is wrong, where, and what to do."""

from __future__ import annotations


class TrilumeError(Exception):
    """Base of every error that is the world's fault, not a bug: shown as one line, exit code 2."""


class CameraError(TrilumeError):
    """A camera or its SDK."""


class SdkMissing(CameraError):
    """A package that this source needs is not installed."""


class NotFound(CameraError):
    """No such camera, recording or scene."""


class AccessDenied(CameraError):
    """No permission to read the device or file."""


class Busy(CameraError):
    """Another process holds the device."""


class Unsupported(CameraError):
    """The device or source cannot do what was asked."""


class Stalled(CameraError):
    """No frame within the time-out."""


class Disconnected(CameraError):
    """The device went away."""


class EndOfStream(CameraError):
    """A recording is over; the normal end of a loop over frames."""


class SessionError(TrilumeError):
    """A recording is damaged or not in its format."""


class EndedEarly(SessionError):
    """A recording breaks off: what was read before is good (exit code 3)."""


class BundleError(TrilumeError):
    """A model bundle is missing, changed, or of another format."""
