"""Distance-free infrared and the fusions (equations 11 and 14 to 18)."""

from __future__ import annotations

import numpy as np
import pytest

from calibration.rig import AttenuationLaw
from drivers.frames import Image
from drivers.registration import Registered
from pipeline import reflectance
from pipeline.depth_stage import find_surface
from pipeline.faces import CanonicalSquare
from pipeline.parameters import FACE_SIZE, DepthParameters, ReflectanceParameters
from pipeline.reflectance import Bands, align_bands, attenuation, distance_free, fuse

PARAMETERS = ReflectanceParameters()


def flat(value: float) -> np.ndarray:
    return np.full((FACE_SIZE, FACE_SIZE), value, np.float32)


def bands(infrared: float, distance_mm: float, color: float = 128.0) -> Bands:
    mask = np.ones((FACE_SIZE, FACE_SIZE), np.uint8)
    return Bands(np.repeat(flat(color)[..., None], 3, axis=2), flat(infrared), flat(distance_mm), mask)


def infrared_image(exposure_ms: float | None = None, gain: float | None = None) -> Image:
    return Image(np.zeros((2, 2), np.uint16), 0.0, exposure_ms, gain, white_level=1000.0)


@pytest.mark.parametrize("law", [None, AttenuationLaw(exponent=1.7, offset_m=0.05)])
@pytest.mark.parametrize("model", ["physical", "inverse_square", "beer_lambert"])
def test_the_same_skin_reads_the_same_at_any_distance(model: str, law: AttenuationLaw | None) -> None:
    parameters = PARAMETERS.model_copy(update={"attenuation": model, "beer_lambert_per_m": 1.3})
    seen = []
    for distance_mm in (350.0, 600.0, 1200.0):
        fall_off = float(attenuation(flat(distance_mm), parameters, law)[0, 0])
        seen.append(distance_free(bands(0.2 * fall_off, distance_mm), infrared_image(), parameters, law)[0, 0])
    np.testing.assert_allclose(seen, 0.2, rtol=1e-5)
    assert attenuation(flat(600.0), parameters, law)[0, 0] == pytest.approx(1.0)


def test_exposure_gain_and_dark_level_are_taken_out() -> None:
    law = AttenuationLaw(dark_level=100.0)
    long = infrared_image(exposure_ms=2 * PARAMETERS.reference_exposure_ms, gain=1.5)
    value = distance_free(bands(0.1 + 0.2 * 3.0, 600.0), long, PARAMETERS, law)
    np.testing.assert_allclose(value, 0.2, rtol=1e-5)
    assert distance_free(bands(0.05, 600.0), long, PARAMETERS, law).min() == 0.0


def test_a_camera_that_does_not_tell_its_exposure_counts_as_at_the_reference() -> None:
    told = infrared_image(exposure_ms=PARAMETERS.reference_exposure_ms, gain=1.0)
    for image in (told, infrared_image()):
        np.testing.assert_allclose(distance_free(bands(0.3, 600.0), image, PARAMETERS, None), 0.3, rtol=1e-6)


def test_fusions_of_one_pixel_by_hand() -> None:
    stack, total, difference = fuse(bands(0.0, 600.0, color=180.0), flat(0.5), PARAMETERS)
    assert stack[0, 0, 0] == pytest.approx(((180 / 255 + 0.055) / 1.055) ** 2.4, rel=1e-4)
    assert stack[3, 0, 0] == 0.5
    assert total[0, 0, 0] == round((180 + 127.5) / 2)
    assert abs(int(difference[0, 0, 0]) - round(255 * (52.5 / 255) ** (1 / 2.2))) <= 1


def test_bright_infrared_saturates_the_fusions_but_not_the_stack() -> None:
    stack, total, _ = fuse(bands(0.0, 600.0, color=255.0), flat(1.8), PARAMETERS)
    assert stack[3].min() == pytest.approx(1.8)
    assert total.min() == 255


def test_two_materials_part_at_one_distance_and_meet_where_the_ratio_allows() -> None:
    """Equation 14: raw infrared tells two albedos apart at any pair of distances, except where
    D(d1)/D(d2) happens to be ρ2/ρ1; distance-free infrared has no such exception.
    """
    skin, paper = 0.58, 0.81
    d1 = 600.0
    d2 = d1 * np.sqrt(paper / skin)
    raw_skin = skin * attenuation(flat(d1), PARAMETERS, None)[0, 0]
    raw_paper = paper * attenuation(flat(float(d2)), PARAMETERS, None)[0, 0]
    assert raw_skin == pytest.approx(raw_paper, rel=1e-4)
    free = [
        distance_free(bands(float(raw), float(d)), infrared_image(), PARAMETERS, None)[0, 0]
        for raw, d in ((raw_skin, d1), (raw_paper, d2))
    ]
    np.testing.assert_allclose(free, [skin, paper], rtol=1e-4)


def test_holes_of_depth_inside_the_face_do_not_show_in_the_bands() -> None:
    depth = np.full((150, 150), 600, np.float32)
    depth[70:73, 60:63] = 0
    v, u = np.mgrid[:150, :150]
    rays = np.stack([(u - 75) / 500, (v - 75) / 500], axis=2).astype(np.float32)
    color = np.full((150, 150, 3), 90, np.uint8)
    infrared = np.full((150, 150), 400, np.float32)
    registered = Registered((0, 0, 150, 150), depth, infrared, color, rays)
    square = CanonicalSquare((75.0, 75.0), 112.0, 0.0)
    surface = find_surface(registered, square, DepthParameters(completion_radius_px=0))
    aligned = align_bands(registered, surface, 1000.0)
    assert surface.mask.min() == 0
    assert aligned.mask.min() == 1
    np.testing.assert_allclose(aligned.infrared, 0.4, rtol=1e-5)
    np.testing.assert_allclose(aligned.depth_mm, 600, rtol=1e-4)


def test_missing_streams_are_refused() -> None:
    depth = np.full((20, 20), 600, np.float32)
    registered = Registered((0, 0, 20, 20), depth, None, None, np.zeros((20, 20, 2), np.float32))
    surface = find_surface(registered, CanonicalSquare((10.0, 10.0), 20.0, 0.0), DepthParameters())
    with pytest.raises(ValueError, match="colour and infrared"):
        reflectance.align_bands(registered, surface, 255.0)


@pytest.mark.parametrize("reference_m", [0.3, 0.6, 1.5])
@pytest.mark.parametrize("offset_m", [0.0, 0.05])
def test_one_law_says_the_same_from_any_reference_distance(reference_m: float, offset_m: float) -> None:
    at_usual = AttenuationLaw(exponent=1.8, offset_m=offset_m, gain=0.7)
    gain = 0.7 * ((at_usual.reference_m + offset_m) / (reference_m + offset_m)) ** 1.8
    restated = AttenuationLaw(exponent=1.8, offset_m=offset_m, gain=gain, reference_m=reference_m)
    for distance_mm in (400.0, 900.0):
        one, other = (
            distance_free(bands(0.2, distance_mm), infrared_image(), PARAMETERS, law) for law in (at_usual, restated)
        )
        np.testing.assert_allclose(other, one, rtol=1e-5)


def test_a_camera_with_twice_the_response_reads_the_same_skin() -> None:
    usual = distance_free(bands(0.2, 700.0), infrared_image(), PARAMETERS, AttenuationLaw())
    strong = distance_free(bands(0.4, 700.0), infrared_image(), PARAMETERS, AttenuationLaw(gain=2.0))
    np.testing.assert_allclose(strong, usual, rtol=1e-6)
