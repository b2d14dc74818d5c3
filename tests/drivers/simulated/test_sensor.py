"""Simulated sensors against NumPy and the published noise figures, simulated materials against their tables."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from calibration.compile import signatures
from calibration.projection import ray_table
from drivers.errors import NotFound
from drivers.simulated import materials, sensor, time_of_flight
from drivers.simulated.materials import NIR, print_on_paper, sample_mask, sample_palette, sample_skin
from drivers.simulated.mesh import Region
from drivers.simulated.render import Canvas
from drivers.simulated.sensor import Conditions, sensor_model

ASTRA, GEMINI = sensor_model("astra"), sensor_model("gemini335")
D435, FEMTO = sensor_model("d435"), sensor_model("femto")
QUIET = Conditions(4.0, 1.0, 10.0, 1.0, 0.3, (1.0, 1.0, 1.0), 0.0, 0.5, False, 0.0, 1.0, "hole", (3, 5))


def wall(model, z_m, share=0.58, region=Region.WALL):
    """A slightly slanted wall, so that rounding dithers; what it sends back is `share`."""
    h, w = model.devices[0].depth.shape
    v, u = np.mgrid[:h, :w]
    z = (z_m * (1 + 0.02 * (u / w - 0.5) + 0.03 * (v / h - 0.5))).astype(np.float32)
    light = np.zeros((h, w, 4), np.float32)
    light[..., 0] = light[..., 2] = share
    return Canvas(light, z, np.full((h, w), region, np.int16))


def depth_of(model, canvas, conditions=QUIET, seed=0):
    camera = model.devices[0].depth
    disparity, shadow = sensor.hidden(canvas, camera, model)
    return sensor.measure_depth(canvas, disparity, shadow, camera, model, conditions, np.random.default_rng(seed))


def infrared_of(model, canvas, conditions=QUIET, seed=0):
    camera = model.devices[0].depth
    disparity, shadow = sensor.hidden(canvas, camera, model)
    return sensor.expose_infrared(canvas, disparity, shadow, camera, model, conditions, np.random.default_rng(seed))


def error_mm(model, z_m):
    canvas = wall(model, z_m)
    error = 1000 * (depth_of(model, canvas) * model.depth_unit_m - canvas.z_m)
    return error[100:380, 150:490]


@pytest.mark.parametrize("z_m", [0.3, 0.5, 0.8, 1.2])
def test_astra_noise_follows_khoshelham(z_m):
    assert error_mm(ASTRA, z_m).std() == pytest.approx(1.425 * z_m**2, rel=0.2)


@pytest.mark.parametrize("z_m", [0.3, 0.5, 0.8, 1.2])
def test_gemini_noise_follows_stereo_theory(z_m):
    fb = 424.0 * 0.050
    assert error_mm(GEMINI, z_m).std() == pytest.approx(1000 * z_m**2 * 0.08 / fb, rel=0.2)


def test_depth_is_unbiased_and_half_of_its_noise_is_fixed():
    canvas = wall(ASTRA, 0.8)
    frames = np.array([depth_of(ASTRA, canvas, seed=seed) for seed in range(6)], float)[:, 100:380, 150:490]
    error = 1000 * (frames * ASTRA.depth_unit_m - canvas.z_m[100:380, 150:490])
    assert abs(error.mean()) < 0.1
    fixed = error.mean(axis=0).std()
    assert 0.5 < fixed / error.std() < 0.95


def test_depth_noise_is_correlated_over_the_matching_window():
    error = error_mm(ASTRA, 0.8)
    error -= error.mean()

    def correlation(lag):
        return (error[:, lag:] * error[:, :-lag]).mean() / error.var()

    assert correlation(2) > 0.5
    assert abs(correlation(14)) < 0.2


def hidden_oracle(disparity):
    """A point is hidden where one to its right lies at or left of it in the projector's picture."""
    place = np.where(disparity > 0, np.arange(disparity.shape[1]) - disparity, 1e9)
    rightwards = np.minimum.accumulate(place[:, ::-1], axis=1)[:, ::-1]
    beyond = np.concatenate([rightwards[:, 1:], np.full((len(place), 1), 1e9)], axis=1)
    return ((disparity > 0) & (place >= beyond + 0.5)).astype(np.uint8)


def test_shadow_lies_left_of_what_is_near_and_is_as_wide_as_geometry_says():
    canvas = wall(ASTRA, 1.0)
    canvas.z_m[:] = 1.0
    canvas.z_m[:, 300:400] = 0.5
    disparity, shadow = sensor.hidden(canvas, ASTRA.devices[0].depth, ASTRA)
    np.testing.assert_array_equal(shadow, hidden_oracle(disparity))
    width = 579 * 0.075 * (1 / 0.5 - 1 / 1.0)
    assert int(shadow[240].sum()) == pytest.approx(width, abs=2)
    assert shadow[240, 299] == 1
    assert not shadow[240, 300:].any()
    counts = depth_of(ASTRA, canvas)
    assert (counts[:, 262:295] == 0).all()
    assert (counts[:, 410:600] > 0).mean() > 0.99
    assert (counts[:, 305:395] > 0).mean() > 0.99


def test_hidden_agrees_with_numpy_on_noise():
    disparity = np.random.default_rng(0).uniform(0, 60, (20, 80)).astype(np.float32)
    disparity[disparity < 15] = 0
    out = np.empty(disparity.shape, np.uint8)
    sensor.hidden_from_projector(disparity, out)
    np.testing.assert_array_equal(out, hidden_oracle(disparity))


def match_oracle(canvas, model, conditions, seed):
    """`measure_depth` of a surface without edges, in whole arrays."""
    camera = model.devices[0].depth
    rng = np.random.default_rng(seed)
    fb = camera.fx * model.baseline_m
    disparity = np.float32(fb) / canvas.z_m
    o = np.concatenate([rng.integers(0, 512, 2), conditions.fixed, rng.integers(0, 512, 2)])
    rows, columns = np.mgrid[: camera.height, : camera.width]
    noise = sensor.correlated_noise()
    a, b, c = (noise[(rows + o[i]) % 512, (columns + o[i + 1]) % 512] for i in (0, 2, 4))
    smooth = sensor.cv2.blur(disparity, (5, 5)).astype(float)
    q = canvas.light[..., 2]
    lost = conditions.dropout + np.clip((0.16 - q * np.sqrt(0.6 / (fb / smooth))) / 0.16, 0, 1) ** 1.5
    sd = model.disparity_sd_px * conditions.noise * np.clip(np.sqrt(0.5 / np.maximum(q, 0.02)), 0.85, 2.5)
    step = model.disparity_step_px
    d = np.floor((smooth + sd * 0.7071 * (a + b)) / step + 0.5) * step
    kept = 1 / (1 + np.exp(-1.702 * 0.7071 * (b + c))) >= lost
    return np.where(kept, fb / d / model.depth_unit_m + 0.5, 0).astype(np.uint16)


def test_match_agrees_with_numpy():
    canvas = wall(ASTRA, 0.7, share=0.13)
    conditions = replace(QUIET, dropout=0.05)
    counts = depth_of(ASTRA, canvas, conditions, seed=3).astype(int)
    wanted = match_oracle(canvas, ASTRA, conditions, seed=3).astype(int)
    assert (counts == wanted).mean() > 0.995  # a value on a step may round to either side
    assert 0.05 < (counts == 0).mean() < 0.5


def test_dark_surfaces_lose_depth():
    lost = [(depth_of(ASTRA, wall(ASTRA, 0.6, share=share)) == 0).mean() for share in (0.5, 0.09, 0.04)]
    assert lost[0] < 0.001
    assert 0.15 < lost[1] < 0.6
    assert lost[2] > 0.4


@pytest.mark.parametrize(("kind", "low", "high"), [("hole", 0.0, 0.0), ("plane", 0.6, 0.8), ("blobs", 0.05, 0.3)])
def test_screens_return_holes_noisy_planes_or_blobs(kind, low, high):
    screen = wall(ASTRA, 0.6, share=0.02, region=Region.SCREEN)
    counts = depth_of(ASTRA, screen, replace(QUIET, screen_return=kind))
    assert low <= (counts > 0).mean() <= high


def test_infrared_counts_what_the_light_is():
    """(counts − dark) / (exposure · gain) is the light, which is what the reflectance stage relies on."""
    canvas = wall(ASTRA, 0.6, share=0.4)
    middle = (slice(220, 260), slice(300, 340))
    level = []
    for exposure, gain in ((2.0, 1.0), (4.0, 1.0), (2.0, 2.0)):
        counts = infrared_of(ASTRA, canvas, replace(QUIET, infrared_exposure_ms=exposure, infrared_gain=gain))
        dark = ASTRA.devices[0].radiometric.dark_level
        level.append((counts[middle].mean() - dark) / (exposure / 4 * gain) / ASTRA.white_level)
    np.testing.assert_allclose(level, 0.4 * sensor.REFERENCE_SHARE, rtol=0.02)


def test_infrared_agrees_with_numpy():
    camera = ASTRA.devices[0].depth
    rng = np.random.default_rng(1)
    canvas = wall(ASTRA, 0.6)
    canvas.light[..., :2] = rng.uniform(0, 0.4, (480, 640, 2))
    counts = infrared_of(ASTRA, canvas, replace(QUIET, infrared_gain=2.0), seed=5)
    light = sensor.cv2.GaussianBlur(canvas.light[..., :2], (0, 0), QUIET.blur_px).sum(axis=2)
    ray = ray_table(camera)
    share = light / (1 + (ray**2).sum(axis=2)) ** 2 * sensor.REFERENCE_SHARE * 2.0
    pool, size = sensor.noise_pool(), 480 * 640
    index = np.arange(size).reshape(480, 640)
    share *= 1 + 0.01 * pool[(index + 3 * 512 + 5) % len(pool)]
    start = int(np.random.default_rng(5).integers(1 << 20))
    share += np.sqrt(share * 4000 + 16) / 4000 * pool[(index + start) % len(pool)]
    wanted = np.clip((share + 4 / 255) * 1023, 0, 1023)
    np.testing.assert_allclose(counts, wanted, atol=1.01)


def test_infrared_noise_is_shot_and_read_noise():
    canvas = wall(ASTRA, 0.6, share=0.4)
    a, b = (infrared_of(ASTRA, canvas, seed=seed).astype(float) for seed in (1, 2))
    middle = (slice(180, 300), slice(260, 380))
    share = 0.4 * sensor.REFERENCE_SHARE
    wanted = 1023 * np.sqrt(share * 8000 + 16) / 8000
    assert (a - b)[middle].std() / np.sqrt(2) == pytest.approx(wanted, rel=0.1)


def test_infrared_has_the_depth_of_its_white_level():
    assert infrared_of(ASTRA, wall(ASTRA, 0.6, 5.0)).dtype == np.uint16
    assert infrared_of(ASTRA, wall(ASTRA, 0.6, 5.0)).max() == 1023
    assert infrared_of(GEMINI, wall(GEMINI, 0.6)).dtype == np.uint8


def test_dots_keep_the_mean_and_show_the_shadow():
    canvas = wall(ASTRA, 1.0, share=0.3)
    canvas.z_m[:, 300:400] = 0.5
    flood, dots = (infrared_of(ASTRA, canvas, replace(QUIET, dots=on)).astype(float) for on in (False, True))
    lit = (slice(100, 380), slice(450, 600))
    assert dots[lit].mean() == pytest.approx(flood[lit].mean(), rel=0.05)
    assert dots[lit].std() > 3 * flood[lit].std()
    assert dots[240, 265:290].max() < 0.3 * flood[240, 265:290].mean()


def color_oracle(light, conditions, seed):
    gains = np.array([1.9, 1.0, 1.6])
    blurred = sensor.cv2.GaussianBlur(light, (0, 0), conditions.blur_px).astype(float)
    rows, columns = np.mgrid[: light.shape[0], : light.shape[1]]
    band = (rows & 1) + (columns & 1)
    value = np.take_along_axis(blurred, band[..., None], 2)[..., 0] * conditions.color_scale / gains[band]
    pool, start = sensor.noise_pool(), int(np.random.default_rng(seed).integers(1 << 20))
    index = np.arange(value.size).reshape(value.shape)
    shot, read = conditions.color_gain / 6000, 0.0012 * np.sqrt(conditions.color_gain)
    value += np.sqrt(value * shot + read**2) * pool[(start + index) % len(pool)]
    raw = (np.clip(value, 0, 1) * 4095 + 0.5).astype(np.uint16)
    rgb = sensor.cv2.cvtColor(raw, sensor.cv2.COLOR_BayerRGGB2RGB)
    soft = sensor.cv2.GaussianBlur(rgb, (0, 0), 1.0).astype(float)
    sharp = (rgb + conditions.sharpen * (rgb - soft)) * gains * conditions.balance
    linear = np.clip(sharp, 0, 4095).astype(int) / 4095
    return 255 * np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)


def test_colour_agrees_with_numpy():
    light = np.random.default_rng(0).uniform(0, 1, (48, 64, 3)).astype(np.float32)
    conditions = replace(QUIET, color_scale=0.6, color_gain=4.0, sharpen=0.7, balance=(1.05, 1.0, 0.95))
    canvas = Canvas(light, np.ones((48, 64), np.float32), np.zeros((48, 64), np.int16))
    picture = sensor.expose_color(canvas, conditions, np.random.default_rng(2))
    difference = np.abs(picture - color_oracle(light, conditions, 2))
    assert np.quantile(difference, 0.99) < 1.5  # a count of 12 bit may round to either side


def test_colour_of_a_grey_wall_is_grey_at_the_exposed_level():
    canvas = Canvas(np.full((60, 80, 3), 0.5, np.float32), np.ones((60, 80), np.float32), np.zeros((60, 80), np.int16))
    picture = sensor.expose_color(canvas, replace(QUIET, color_scale=0.4), np.random.default_rng(0))
    assert picture.reshape(-1, 3).mean(axis=0) == pytest.approx([124, 124, 124], abs=2)


def test_an_unknown_sensor_is_named_with_those_that_exist():
    with pytest.raises(NotFound, match="no simulated sensor 'kinect'; there are astra, gemini335"):
        sensor_model("kinect")


def test_each_kernel_was_compiled_once():
    kernels = (sensor._match, sensor._expose_infrared, sensor._mosaic, sensor._develop, time_of_flight._clock)
    for kernel in (sensor.hidden_from_projector, *kernels):
        assert len(signatures(kernel)) <= 1


@pytest.mark.parametrize("z_m", [0.5, 0.8, 1.2])
def test_d435_noise_follows_stereo_theory(z_m):
    assert error_mm(D435, z_m).std() == pytest.approx(1000 * z_m**2 * 0.08 / (427.0 * 0.050), rel=0.2)


@pytest.mark.parametrize("z_m", [0.3, 0.5, 0.8, 1.2])
def test_time_of_flight_noise_grows_as_the_amplitude_falls(z_m):
    """0.86 mm on skin at 0.9 m, as 1/√amplitude: with z, and more on what is darker; the count of 1 mm adds."""
    frames = [depth_of(FEMTO, wall(FEMTO, z_m, share=0.5), seed=seed).astype(float) for seed in (1, 2)]
    halves = (frames[0] - frames[1])[100:380, 150:490].std()  # what is fixed, half of the variance, cancels
    assert halves == pytest.approx(np.hypot(0.86 * z_m / 0.9, np.sqrt(2 / 12)), rel=0.2)
    dark = [depth_of(FEMTO, wall(FEMTO, z_m, share=0.25), seed=seed).astype(float) for seed in (1, 2)]
    assert (dark[0] - dark[1])[100:380, 150:490].std() > 1.15 * halves


def step_scene(model):
    canvas = wall(model, 1.0)
    canvas.z_m[:] = 1.0
    canvas.z_m[:, 300:400] = 0.5
    return canvas


def test_time_of_flight_has_flying_pixels_and_no_shadow():
    canvas = step_scene(FEMTO)
    counts = depth_of(FEMTO, canvas).astype(int)
    assert (counts > 0).mean() > 0.999
    flying = (counts > 520) & (counts < 980)
    assert flying[:, 297:303].any(axis=1).mean() > 0.9
    assert not flying[:, 320:380].any()
    assert not flying[:, 200:290].any()


def test_light_by_a_detour_makes_hollows_deeper_never_nearer():
    flat, hollow = wall(FEMTO, 0.6), wall(FEMTO, 0.6)
    spot = (slice(280, 300), slice(310, 330))
    hollow.z_m[spot] += 0.02
    before, after = (depth_of(FEMTO, canvas).astype(float) for canvas in (flat, hollow))
    bias = (after - before)[285:295, 315:325] - 20
    assert 0.3 < bias.mean() < 12
    ridge = wall(FEMTO, 0.6)
    ridge.z_m[spot] -= 0.02
    assert abs((depth_of(FEMTO, ridge) - before + 20)[285:295, 315:325].mean()) < 0.6


@pytest.mark.parametrize("kind", ["hole", "plane"])
def test_time_of_flight_sees_screens_as_the_others_do(kind):
    screen = wall(FEMTO, 0.6, share=0.02, region=Region.SCREEN)
    seen = (depth_of(FEMTO, screen, replace(QUIET, screen_return=kind)) > 0).mean()
    assert seen == 0 if kind == "hole" else 0.6 < seen < 0.8


def test_distance_free_infrared_is_the_same_on_every_specimen_and_at_every_distance():
    """(counts − dark)/(white · gain · D(d)) by the rig's own law, of one surface lit by each emitter."""
    values = []
    for model in sensor.PRESETS.values():
        for rig in model.devices:
            law, depth = rig.radiometric, rig.depth
            for z_m in (0.4, 0.6, 1.0):
                canvas = wall(model, z_m)
                canvas.z_m[:] = z_m
                canvas.light[..., 0] = 0.2 * (0.6 / z_m) ** 2  # below the white level on the strongest, nearest
                disparity, shadow = sensor.hidden(canvas, depth, model)
                counts = sensor.expose_infrared(
                    canvas, disparity, shadow, depth, model, QUIET, np.random.default_rng(1), law
                )
                v, u = depth.height // 2, depth.width // 2
                level = counts[v - 15 : v + 15, u - 15 : u + 15].mean() - law.dark_level
                fall = ((0.6 + law.offset_m) / (z_m + law.offset_m)) ** law.exponent
                values.append(level / model.white_level / (law.gain * fall))
    np.testing.assert_allclose(values, np.mean(values), rtol=0.03)
    gains = [rig.radiometric.gain for model in sensor.PRESETS.values() for rig in model.devices]
    assert min(gains) < 0.8
    assert max(gains) > 1.3


@pytest.mark.parametrize("name", ["astra", "gemini335", "d435", "femto"])
def test_the_same_seed_gives_the_same_counts(name):
    model = sensor_model(name)
    canvas = wall(model, 0.6)
    np.testing.assert_array_equal(depth_of(model, canvas, seed=4), depth_of(model, canvas, seed=4))
    assert (depth_of(model, canvas, seed=4) != depth_of(model, canvas, seed=5)).any()


def test_skin_follows_the_measured_bands():
    """Cooksey 2017: red falls with melanin, green and blue faster, infrared hardly."""
    rng = np.random.default_rng(0)
    skin = np.array([sample_skin(rng) for _ in range(600)])
    red, green, _, nir = skin.T
    light, dark = skin[red > 0.5].mean(axis=0), skin[red < 0.2].mean(axis=0)
    assert light[NIR] == pytest.approx(0.60, abs=0.03)
    assert dark[NIR] == pytest.approx(0.44, abs=0.04)
    assert light[1] / dark[1] > light[0] / dark[0] > 2
    assert np.corrcoef(np.log(red), np.log(green))[0, 1] > 0.95
    assert ((nir > 0.3) & (nir < 0.75)).all()
    assert np.mean([sample_skin(rng, 940)[NIR] for _ in range(300)]) < nir.mean()


@pytest.mark.parametrize("kind", ["resin", "silicone"])
def test_masks_overlap_skin_in_infrared_and_match_it_in_colour(kind):
    rng = np.random.default_rng(1)
    skin = np.array([sample_skin(rng) for _ in range(600)])
    mask = np.array([sample_mask(rng, kind, face) for face in skin])
    assert np.abs(np.log(mask[:, :3]).mean(axis=0) - np.log(skin[:, :3]).mean(axis=0)).max() < 0.1
    assert 0.44 < mask[:, NIR].min() < 0.46
    assert mask[:, NIR].max() <= 0.75
    assert (mask[:, NIR] < np.quantile(skin[:, NIR], 0.9)).mean() > 0.3


def test_only_black_ink_shows_in_infrared():
    picture = np.full((4, 4, 3), 0.6, np.float32)
    picture[0] = 0.02  # brows
    photo = print_on_paper(picture, "photo", np.random.default_rng(0))
    laser = print_on_paper(picture, "laser", np.random.default_rng(0))
    mono = print_on_paper(picture, "mono", np.random.default_rng(0))
    assert photo[0, 0, NIR] > 0.8 * photo[1, 0, NIR] > 0.5
    assert laser[0, 0, NIR] < 0.4 * laser[1, 0, NIR]
    assert mono[0, 0, NIR] < mono[1, 0, NIR] < laser[1, 0, NIR]
    assert (laser[0, 0, :3] < 0.1).all()


def test_a_persons_skin_does_not_depend_on_scene_or_instrument():
    def palette(scene, instrument, mask=None):
        return sample_palette(*(np.random.default_rng(seed) for seed in (5, scene, instrument)), mask=mask)

    a, b = palette(1, 2), palette(3, 4, "resin")
    np.testing.assert_array_equal(a.albedo[Region.SKIN], b.albedo[Region.SKIN])
    np.testing.assert_array_equal(a.hair, b.hair)
    assert not np.array_equal(a.albedo[Region.CLOTH], b.albedo[Region.CLOTH])
    assert not np.array_equal(a.albedo[Region.MASK], b.albedo[Region.MASK])


def test_every_region_has_a_material():
    rng = np.random.default_rng(0)
    palette = sample_palette(rng, rng, rng)
    assert palette.albedo.shape == (len(Region), materials.BANDS)
    assert palette.albedo[Region.SCREEN, NIR] == pytest.approx(0.03)
    assert (palette.surface[:, materials.Texture.ROUGHNESS] > 0).all()
