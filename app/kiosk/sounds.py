"""Three cues, one for each verdict: short tones, told apart with closed eyes. They go to whatever player is there."""

from __future__ import annotations

import io
import logging
import shutil
import wave
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Final

import numpy as np
from PySide6.QtCore import QObject, QProcess

from pipeline.result import Verdict

RATE: Final = 22_050
PLAYERS: Final[tuple[tuple[str, ...], ...]] = (("pw-cat", "-p", "-"), ("paplay",), ("aplay", "-q"))
"""PipeWire, PulseAudio, ALSA: each takes a WAV file on its standard input."""

NOTES: Final[Mapping[Verdict, tuple[tuple[float, float], ...]]] = {
    Verdict.LIVE: ((659.3, 0.12), (987.8, 0.22)),
    Verdict.ATTACK: ((392.0, 0.18), (261.6, 0.18), (261.6, 0.18)),
    Verdict.UNDECIDED: ((523.3, 0.35),),
}
"""Hertz and seconds: two rising, three low and falling, one in the middle."""

log = logging.getLogger(__name__)


@lru_cache(maxsize=3)
def cue(verdict: Verdict) -> bytes:
    """A WAV file, 16 bit, one channel, no louder than half."""
    tones = [_tone(hertz, seconds) for hertz, seconds in NOTES[verdict]]
    samples = np.concatenate(tones)
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(RATE)
        out.writeframes((samples * 0.5 * 32767).astype("<i2").tobytes())
    return file.getvalue()


def player() -> tuple[str, ...] | None:
    """The command that plays a WAV file from its standard input, None where there is none."""
    return next((command for command in PLAYERS if shutil.which(command[0])), None)


class Sounds(QObject):
    """Plays cues where they are wanted; one that is still sounding gives way. Where nothing can play, the log says so
    once."""

    def __init__(self, on: bool, command: Sequence[str] | None = None, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._given: tuple[str, ...] | None = tuple(command) if command else None
        self._command: tuple[str, ...] = ()
        self._playing = QProcess(self)
        self._playing.errorOccurred.connect(self._failed)
        self.switch(on)

    def switch(self, on: bool) -> None:
        """Sounds from now on, or no more."""
        self.stop()
        self._command = (self._given or player() or ()) if on else ()
        if on and not self._command:
            log.warning("sound is on, but there is no player here: install alsa-utils or pulseaudio-utils")

    def play(self, verdict: str) -> None:
        """The cue of a verdict ("live", "attack", "undecided"). Returns at once."""
        if not self._command:
            return
        self.stop()
        self._playing.start(self._command[0], list(self._command[1:]))
        self._playing.write(cue(Verdict(verdict)))
        self._playing.closeWriteChannel()

    def stop(self) -> None:
        """Silence."""
        if self._playing.state() != QProcess.ProcessState.NotRunning:
            self._playing.blockSignals(True)
            self._playing.kill()
            self._playing.waitForFinished(500)
            self._playing.blockSignals(False)

    def _failed(self, error: QProcess.ProcessError) -> None:
        if self._command:
            log.warning("%s cannot play a sound: %s", self._command[0], error.name)
            self._command = ()


def _tone(hertz: float, seconds: float) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """A sine with soft edges, so that nothing clicks."""
    t = np.arange(round(seconds * RATE)) / RATE
    edge = np.minimum(1.0, np.minimum(t, seconds - t) / 0.015)
    shaped: np.ndarray[tuple[int], np.dtype[np.float64]] = np.sin(2 * np.pi * hertz * t) * edge
    return shaped
