"""How subjects move before the camera: smooth pose for people and instruments alike, lids and mouths for people."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from drivers.simulated.heads import Expression
from drivers.simulated.mesh import F64, rotation

Subject = Literal["person", "rigid"]

_PERIODS_S = (1.6, 12.0)  # of a swaying head or hand: below, it trembles, above, it drifts
_WAVES = 4
_BLINK_EVERY_S = (2.0, 6.0)
_BLINK_LASTS_S = (0.15, 0.30)
_HORIZON_S = 600.0  # events are drawn for ten minutes and then repeat


@dataclass(frozen=True, slots=True, eq=False)
class Motion:
    """A trajectory: pose and expression as functions of time, nothing remembered between calls.

    Six coordinates sway about `centre`: yaw, pitch, roll in degrees, x, y, distance in metres; each is a sum of
    sines, `amplitude`, `frequency_hz` and `phase` float64 [6, waves]. Blinks are float64 [B, 2]: start, duration.
    """

    centre: F64
    amplitude: F64
    frequency_hz: F64
    phase: F64
    blinks: F64
    speech: F64  # [6]: loudness, syllable rate, phrase rate, smile, brow, phase
    gaze: F64  # [G, 3]: start, yaw, pitch in degrees of each fixation
    resting: tuple[tuple[str, float], ...]
    alive: bool

    def pose_at(self, t: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """R [3, 3] and t [3] metres of the head frame in the camera frame at a time in seconds."""
        yaw, pitch, roll, x, y, distance = self.coordinates_at(t)
        return rotation(yaw, pitch, roll), np.array([x, y, distance])

    def coordinates_at(self, t: float) -> F64:
        """float64 [6]: yaw, pitch, roll in degrees, x, y, distance in metres."""
        waves = self.amplitude * np.sin(2 * np.pi * self.frequency_hz * t + self.phase)
        return np.asarray(self.centre + waves.sum(1))

    def expression_at(self, t: float) -> Expression:
        """What the face does at a time in seconds; an instrument's is neutral, always."""
        if not self.alive:
            return Expression(units=self.resting)
        now = float(t) % _HORIZON_S
        loudness, syllables, phrases, smile, brow, phase = self.speech
        speaking = loudness * max(0.0, np.sin(2 * np.pi * phrases * now + phase))
        syllable = 0.5 - 0.5 * np.cos(2 * np.pi * syllables * now + 3 * np.sin(phrases * now * 5))
        slow = 0.5 + 0.5 * np.sin(2 * np.pi * 0.11 * now + 2 * phase)
        look = self.gaze[max(int(np.searchsorted(self.gaze[:, 0], now, side="right")) - 1, 0)]
        return Expression(
            blink=self._lids_at(now),
            mouth_open=float(speaking * syllable),
            smile=float(smile * slow),
            brow_raise=float(brow * slow * speaking),
            pucker=float(0.35 * speaking * (1 - syllable)),
            gaze_yaw_deg=float(look[1]),
            gaze_pitch_deg=float(look[2]),
            units=self.resting,
        )

    def _lids_at(self, now: float) -> float:
        """A lid falls in the first third of a blink and rises in the rest."""
        last = int(np.searchsorted(self.blinks[:, 0], now, side="right")) - 1
        if last < 0:
            return 0.0
        part = (now - self.blinks[last, 0]) / self.blinks[last, 1]
        if part >= 1.0:
            return 0.0
        x = part / 0.35 if part < 0.35 else (1 - part) / 0.65
        return float(x * x * (3 - 2 * x))


def sample_motion(
    rng: np.random.Generator,
    subject: Subject = "person",
    *,
    distance_m: tuple[float, float] = (0.30, 1.20),
    angle_deg: float = 12.0,
    speaking: float = 0.35,
) -> Motion:
    """Draws a trajectory. Pose and distance have one distribution for people and instruments.

    distance_m: bounds that the whole trajectory keeps; angle_deg: bound on yaw, pitch and roll (roll half of it)
    speaking: share of people who talk
    """
    limits = np.array([angle_deg, angle_deg, 0.5 * angle_deg])
    centre = np.empty(6)
    sway = np.empty(6)
    sway[:3] = limits * rng.uniform(0.1, 0.45, 3)
    centre[:3] = rng.uniform(-1, 1, 3) * (limits - sway[:3])
    near, far = distance_m
    sway[5] = min(rng.uniform(0.005, 0.05), 0.4 * (far - near))
    centre[5] = rng.uniform(near + sway[5], far - sway[5])
    sway[3:5] = rng.uniform(0.003, 0.02, 2)
    # Off centre by what keeps a face in a frame of some 50 x 40 degrees.
    centre[3:5] = rng.uniform(-1, 1, 2) * np.array([0.10, 0.06]) * centre[5]
    share = rng.dirichlet(np.full(_WAVES, 1.5), 6)
    # drawn for everyone, used by people: one stream of numbers whatever the subject
    blinks, speech = _blinks(rng), _speech(rng, speaking)
    gaze, resting = _fixations(rng), _resting(rng)
    alive = subject == "person"
    return Motion(
        centre=centre,
        amplitude=sway[:, None] * share,
        frequency_hz=1 / rng.uniform(*_PERIODS_S, (6, _WAVES)),
        phase=rng.uniform(0, 2 * np.pi, (6, _WAVES)),
        blinks=blinks,
        speech=speech,
        gaze=gaze,
        resting=resting,
        alive=alive,
    )


def _blinks(rng: np.random.Generator) -> F64:
    count = int(_HORIZON_S / _BLINK_EVERY_S[0])
    start = rng.uniform(0, _BLINK_EVERY_S[1]) + np.cumsum(rng.uniform(*_BLINK_EVERY_S, count))
    start -= rng.uniform(*_BLINK_EVERY_S)
    return np.stack([start, rng.uniform(*_BLINK_LASTS_S, count)], 1)


def _speech(rng: np.random.Generator, speaking: float) -> F64:
    loudness = rng.uniform(0.15, 0.5) if rng.random() < speaking else 0.0
    smile = rng.uniform(0.1, 0.8) if rng.random() < 0.35 else 0.0
    return np.array(
        [loudness, rng.uniform(2.5, 5.0), rng.uniform(0.1, 0.3), smile, rng.uniform(0, 0.6), rng.uniform(0, 6)]
    )


def _fixations(rng: np.random.Generator) -> F64:
    """Mostly into the camera, now and then beside it."""
    count = int(_HORIZON_S / 0.8)
    start = np.concatenate([[0.0], np.cumsum(rng.gamma(2.0, 0.8, count - 1))])
    aside = (rng.random(count) < 0.3)[:, None]
    return np.column_stack([start, np.where(aside, rng.normal(0, (7, 4), (count, 2)), rng.normal(0, 1.2, (count, 2)))])


def _resting(rng: np.random.Generator) -> tuple[tuple[str, float], ...]:
    """No face rests quite symmetric: a few units, faintly."""
    units = ("browDownLeft", "browDownRight", "mouthLeft", "mouthPressLeft", "mouthFrownRight", "eyeSquintLeft")
    return tuple((name, float(rng.uniform(0.03, 0.2))) for name in rng.permutation(units)[:2])
