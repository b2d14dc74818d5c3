"""Small synthetic recordings that the tests of this folder share. Everything in them is simulated noise."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from calibration.rig import AttenuationLaw, Extrinsics, Intrinsics, Rig
from drivers.frames import STREAMS, FrameSet, Image, Stream
from drivers.session import Labels, SessionWriter
from drivers.source import CameraInfo

LABELS = Labels(
    subject="s0007",
    species="flat_print",
    instrument="print-03",
    lighting="office",
    distance_m=0.6,
    operator="op",
    site="lab",
    consent="c-12",
    notes="Täuschung, zweite Zeile:\nRückseite",
)
INFO = CameraInfo(name="Noise camera", sensor="sim-noise", serial="N1", live=True, origin="simulated")


def lens(width: int, height: int, seed: int = 0, **more: Any) -> Intrinsics:
    """A camera whose every number has all its digits, so that rounding anywhere shows."""
    a, b, c, d = np.random.default_rng(seed).uniform(0.9, 1.1, 4)
    return Intrinsics(
        width=width, height=height, fx=width * a, fy=width * b, cx=width / 2 * c, cy=height / 2 * d, **more
    )


def noise_rig() -> Rig:
    """Three unregistered streams with distortion, motions, a rotation and an attenuation law."""
    angle = 0.1234567890123
    turn = (np.cos(angle), -np.sin(angle), 0.0, np.sin(angle), np.cos(angle), 0.0, 0.0, 0.0, 1.0)
    return Rig(
        color=lens(96, 72, 1, model="brown_conrady", distortion=(0.1, -0.2, 1e-3, -1 / 3e3, 0.7)),
        depth=lens(64, 48, 2, model="inverse_brown_conrady", distortion=(0.01, 0.02, 0.0, 0.0, 1 / 7)),
        infrared=lens(64, 48, 3, model="rational", distortion=(0.1, 0.2, 0.0, 0.0, 0.3, 0.4, 0.5, 1 / 9)),
        depth_to_color=Extrinsics(rotation=turn, translation_m=(0.0251, -1e-5, 1 / 3e2)),
        infrared_to_color=Extrinsics(translation_m=(0.05, 0.0, 1 / 7e2)),
        rotation=90,
        radiometric=AttenuationLaw(exponent=1.93, offset_m=0.017, dark_level=11.5, reference_m=0.55),
    )


def noise_picture(stream: Stream, rig: Rig, seed: int, bits: int = 16) -> np.ndarray:
    camera = getattr(rig, stream)
    random = np.random.default_rng([STREAMS.index(stream), seed])
    if stream == "color":
        return random.integers(0, 256, (*camera.shape, 3), np.uint8)
    kind = np.uint8 if stream == "infrared" and bits == 8 else np.uint16
    return random.integers(0, np.iinfo(kind).max + 1, camera.shape, kind)


def noise_set(number: int, rig: Rig, missing: tuple[str, ...] = (), infrared_bits: int = 16) -> FrameSet:
    """Frame set `number`: noise pictures and metadata of which no two are alike."""
    images: dict[str, Image | None] = dict.fromkeys(STREAMS)
    for k, stream in enumerate(STREAMS):
        if getattr(rig, stream) is not None and stream not in missing:
            images[stream] = Image(
                noise_picture(stream, rig, number, infrared_bits),
                device_time_s=1000.1 + number / 30 + k * 1e-4,
                exposure_ms=None if stream == "depth" else 1 / 3 + number,
                gain=1.7 * k if stream == "infrared" else None,
                emitter_on={"color": None, "depth": False, "infrared": number % 2 == 0}[stream],
                white_level=(255.0, 65535.0, 937.5 + number)[k],
            )
    return FrameSet(
        sequence=500 + 2 * number,
        host_time_s=77.7 + number / 29.97,
        depth_unit_m=0.001 / 3,
        rig=rig,
        lost=number % 3,
        **images,
    )


def noise_sets(count: int, rig: Rig | None = None) -> list[FrameSet]:
    """`count` sets, the third without colour and the fourth without infrared."""
    rig = rig or noise_rig()
    missing = {2: ("color",), 3: ("infrared",)}
    return [noise_set(number, rig, missing.get(number, ())) for number in range(count)]


def record(path: Path, sets: list[FrameSet], labels: Labels = LABELS) -> Path:
    """Writes sets into a session and returns its path."""
    with SessionWriter(path, sets[0].rig, INFO, labels) as writer:
        for frame_set in sets:
            writer.write(frame_set)
    return path


def assert_same_image(got: Image | None, wanted: Image | None) -> None:
    if wanted is None or got is None:
        assert got is wanted
        return
    assert got.pixels.dtype == wanted.pixels.dtype
    np.testing.assert_array_equal(got.pixels, wanted.pixels)
    assert not got.pixels.flags.writeable
    assert got.pixels.flags.c_contiguous
    told = ("device_time_s", "exposure_ms", "gain", "emitter_on", "white_level")
    assert [getattr(got, name) for name in told] == [getattr(wanted, name) for name in told]


def assert_same_set(got: FrameSet, wanted: FrameSet) -> None:
    """Every field equal, floats bit for bit."""
    for stream in STREAMS:
        assert_same_image(got.image(stream), wanted.image(stream))
    told = ("sequence", "host_time_s", "depth_unit_m", "lost", "rig")
    assert [getattr(got, name) for name in told] == [getattr(wanted, name) for name in told]


def assert_same_sets(got: list[FrameSet], wanted: list[FrameSet]) -> None:
    assert len(got) == len(wanted)
    for one, other in zip(got, wanted, strict=True):
        assert_same_set(one, other)
