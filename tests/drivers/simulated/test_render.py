"""Rasteriser, shadows and shading of the simulated camera against plain NumPy."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from calibration.compile import signatures
from calibration.projection import project, rays
from calibration.rig import Extrinsics, Intrinsics
from drivers.simulated import materials, render, shading
from drivers.simulated.glasses import TRANSMITTED, Glasses, glass, glaze, lens_mesh
from drivers.simulated.makeup import with_makeup
from drivers.simulated.materials import NIR, Palette, Texture
from drivers.simulated.mesh import Mesh, Region, grid_faces, mesh
from drivers.simulated.render import Canvas, lamp, paint
from drivers.simulated.shading import DOME, FAR, POINT, REFERENCE_M, Lamp, Vertex
from drivers.simulated.softness import scattering, spread
from drivers.simulated.window import Window

CAMERA = Intrinsics(width=64, height=48, fx=60.0, fy=60.0, cx=31.5, cy=23.5)
PICTURE = np.full((1, 1, 4), 0.5, np.float32)


def plain_palette(albedo: float = 0.5) -> Palette:
    """One grey without gloss or texture for every region."""
    surface = np.zeros((len(Region), Texture.COLUMNS), np.float32)
    surface[:, Texture.SCALE] = 1.0
    surface[:, Texture.ROUGHNESS] = 0.5
    grey = np.full((len(Region), 4), albedo, np.float32)
    black = np.zeros(4, np.float32)
    drawn = materials.sample_palette(*(np.random.default_rng(0),) * 3)
    return replace(drawn, albedo=grey, surface=surface, hair=black, brow=black, beard=black, blush=0.0)


def plate(z: float, half: float = 0.1, x: float = 0.0, cells: int = 5) -> Mesh:
    """A square that faces the camera."""
    v, u = np.meshgrid(np.linspace(-half, half, cells), np.linspace(-half, half, cells), indexing="ij")
    points = np.stack([u + x, v, np.full_like(u, z)], -1).reshape(-1, 3)
    return mesh(points, grid_faces(cells, cells), Region.PLASTIC)


def sphere(radius: float, z: float, rows: int = 90, columns: int = 180) -> Mesh:
    polar, azimuth = np.meshgrid(
        np.linspace(0.02, np.pi - 0.02, rows), np.linspace(0, 2 * np.pi, columns), indexing="ij"
    )
    unit = np.stack([np.sin(polar) * np.cos(azimuth), -np.cos(polar), np.sin(polar) * np.sin(azimuth)], axis=-1)
    return mesh((unit * radius + [0, 0, z]).reshape(-1, 3), grid_faces(rows, columns), Region.PLASTIC)


def rasterize_oracle(screen, faces, shape):
    """Every pixel against every triangle."""
    row, column = np.mgrid[: shape[0], : shape[1]]
    identity, nearness = np.full(shape, -1), np.zeros(shape)
    for f, (a, b, c) in enumerate(screen[faces]):
        area = (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
        wb = ((column - a[0]) * (c[1] - a[1]) - (row - a[1]) * (c[0] - a[0])) / area
        wc = ((row - a[1]) * (b[0] - a[0]) - (column - a[0]) * (b[1] - a[1])) / area
        n = a[2] + wb * (b[2] - a[2]) + wc * (c[2] - a[2])
        won = (wb >= 0) & (wc >= 0) & (wb + wc <= 1) & (n > nearness)
        identity[won], nearness[won] = f, n[won]
    return identity, nearness


def test_rasteriser_agrees_with_every_pixel_against_every_triangle():
    rng = np.random.default_rng(0)
    screen = (rng.uniform(-10, 60, (90, 3)) * [1, 1, 0]).astype(np.float32)
    screen[:, 2] = rng.uniform(0.5, 2.0, 90)
    faces = np.arange(90, dtype=np.int32).reshape(30, 3)
    identity, nearness = np.full((40, 50), -1, np.int32), np.zeros((40, 50), np.float32)
    render.rasterize(screen, faces, identity, nearness, True)
    wanted, wanted_nearness = rasterize_oracle(screen.astype(float), faces, (40, 50))
    same = identity == wanted
    assert same.mean() > 0.995  # a pixel on an edge may fall to either side
    np.testing.assert_allclose(nearness[same], wanted_nearness[same], rtol=1e-4, atol=1e-4)


def test_rasteriser_leaves_out_backs_where_told():
    """The two orders of the same corners: one turns its back."""
    screen = np.array([[2, 2, 1], [20, 3, 1], [4, 20, 1]], np.float32)
    drawn = []
    for face in ([0, 1, 2], [0, 2, 1]):
        identity, nearness = np.full((30, 30), -1, np.int32), np.zeros((30, 30), np.float32)
        render.rasterize(screen, np.array([face], np.int32), identity, nearness, False)
        drawn.append((identity == 0).any())
    assert drawn == [False, True]


def test_light_from_both_ends_of_an_axis_is_that_from_each():
    rng = np.random.default_rng(8)
    vertices = rng.uniform(-0.1, 0.1, (60, 3)).astype(np.float32)
    faces = np.arange(60, dtype=np.int32).reshape(20, 3)
    axis = np.float32([0.3, -0.2, 0.9])
    before, behind = render._both_ways(vertices, faces, axis)
    np.testing.assert_array_equal(before, render.visibility(vertices, faces, axis))
    # the opposite light sees the same body mirrored: the grid of cells may fall a little elsewhere
    assert np.abs(behind - render.visibility(vertices, faces, -axis)).mean() < 0.15
    assert 0.1 < before.mean() < 0.9


def test_a_window_holds_what_the_whole_picture_holds():
    lamps = np.stack([lamp([0, 0, 0], POINT, [1] * 4), lamp([0.5, -0.5, -0.7], FAR, [1, 1, 1, 0])])
    body = render.body(sphere(0.12, 0.5, 30, 60), plain_palette(), lamps)
    window = Window.around(CAMERA, Extrinsics(), np.array([0.03, 0.0, 0.5]), 0.06)
    assert (window.width, window.height) < CAMERA.shape[::-1]
    whole, part = Canvas.empty(CAMERA, infrared=False), Canvas.empty(CAMERA, infrared=False, window=window)
    for canvas in (whole, part):
        paint(canvas, body, PICTURE, CAMERA, Extrinsics(), lamps)
    np.testing.assert_allclose(part.light, whole.light[window.slices], atol=1e-4)
    np.testing.assert_allclose(part.z_m, whole.z_m[window.slices], atol=1e-5)
    placed = window.placed(part.z_m, CAMERA)
    assert placed.shape == CAMERA.shape
    assert placed.sum() == pytest.approx(part.z_m.sum(), rel=1e-6)


def test_a_camera_cut_to_a_window_has_the_same_rays():
    window = Window(8, 4, 20, 16)
    pixels = np.array([[3.0, 5.0], [12.0, 9.0]])
    np.testing.assert_allclose(
        rays(window.cut(CAMERA), pixels), rays(CAMERA, pixels + np.array([window.left, window.top])), atol=1e-12
    )


@pytest.mark.parametrize("place", [(-5.0, 0.0), (0.0, 5.0), (0.0, 0.0)])
def test_windows_lie_within_the_picture(place):
    window = Window.around(CAMERA, Extrinsics(), np.array([*place, 0.5]), 3.0)
    rows, columns = window.slices
    assert 0 <= rows.start < rows.stop <= CAMERA.height
    assert 0 <= columns.start < columns.stop <= CAMERA.width


def test_spread_light_keeps_its_mean_and_even_light_stays():
    rng = np.random.default_rng(9)
    share = np.zeros((60, 80), np.float32)
    share[10:50, 20:70] = 0.6
    light = rng.uniform(0.2, 0.8, share.shape).astype(np.float32)
    soft = spread(light, share, 2.5)
    inside = share > 0
    assert soft[inside].mean() == pytest.approx(light[inside].mean(), rel=0.01)
    assert soft[inside].std() < 0.6 * light[inside].std()
    np.testing.assert_array_equal(soft[~inside], light[~inside])
    even = np.where(inside, np.float32(0.4), np.float32(5.0))
    np.testing.assert_allclose(spread(even, share, 2.5), even, atol=1e-5)


def test_softness_is_the_materials_and_not_the_labels():
    rng = np.random.default_rng(10)
    palette = materials.sample_palette(rng, rng, rng)
    palette.surface[[Region.SKIN, Region.MASK, Region.MASK_LIPS], Texture.WRAP] = [0.1, 0.1, 0.0]
    share = scattering(palette)
    assert share[Region.SKIN] == share[Region.MASK] > 0
    assert share[Region.MASK_LIPS] == share[Region.PAPER] == share[-1] == 0


def test_makeup_is_clear_in_infrared():
    """Albedo, and the pattern of pigment and blood, at the band that masks are told by."""
    rng = np.random.default_rng(11)
    plain = materials.sample_palette(rng, rng, rng)
    made_up = [with_makeup(plain, np.random.default_rng(seed)) for seed in range(60)]
    changed = [palette for palette in made_up if palette is not plain]
    assert 10 < len(changed) < 35
    assert any((palette.albedo != plain.albedo).any() for palette in changed)
    for palette in changed:
        np.testing.assert_array_equal(palette.albedo[:, NIR], plain.albedo[:, NIR])
        for pigment, left in ((Texture.MELANIN, Texture.NIR_MELANIN), (Texture.BLOOD, Texture.NIR_BLOOD)):
            np.testing.assert_allclose(
                palette.surface[:, pigment] * palette.surface[:, left],
                plain.surface[:, pigment] * plain.surface[:, left], rtol=1e-5,
            )  # fmt: skip


def test_rasteriser_leaves_out_triangles_behind_the_camera():
    screen = np.array([[5, 5, 1], [20, 5, np.nan], [np.nan, 20, 1]], np.float32)
    identity, nearness = np.full((30, 30), -1, np.int32), np.zeros((30, 30), np.float32)
    render.rasterize(screen, np.array([[0, 1, 2]], np.int32), identity, nearness, True)
    assert (identity == -1).all()


def test_normals_agree_with_the_mesh_and_point_outwards():
    ball = sphere(0.1, 0.6, 20, 30)
    out = np.empty_like(ball.vertices)
    render.normals_of(ball.vertices.copy(), ball.faces.copy(), out)
    np.testing.assert_allclose(out, ball.vertex_normals(), atol=1e-4)
    outwards = ball.vertices - np.float32([0, 0, 0.6])
    assert ((out * outwards).sum(axis=1) > 0).all()


def test_noise_is_trilinear_and_periodic():
    volume = render.noise_volume()
    out = np.zeros(8, np.float32)
    rng = np.random.default_rng(1)
    for x, y, z in rng.uniform(-40, 80, (50, 3)):
        shading.noise_at(volume, np.float32(x), np.float32(y), np.float32(z), out, 2)
        base = np.floor(np.float32([z, y, x])).astype(int)
        part = np.float32([z, y, x]) - base
        wanted = np.zeros(4)
        for corner in np.ndindex(2, 2, 2):
            weight = np.prod(np.where(np.array(corner) == 1, part, 1 - part))
            wanted += weight * volume[tuple((base + corner) % volume.shape[0])]
        np.testing.assert_allclose(out[2:6], wanted, atol=2e-4)
    assert abs(volume.std() - 1) < 0.01


def test_picture_is_sampled_bilinearly_and_clamped():
    picture = np.random.default_rng(2).uniform(size=(4, 6, 4)).astype(np.float32)
    out = np.zeros(4, np.float32)
    shading.picture_at(picture, 2.5 / 6, 1.5 / 4, out, 0)
    np.testing.assert_allclose(out, picture[1, 2], atol=1e-5)
    shading.picture_at(picture, 3.0 / 6, 1.5 / 4, out, 0)
    np.testing.assert_allclose(out, (picture[1, 2] + picture[1, 3]) / 2, atol=1e-5)
    shading.picture_at(picture, -1.0, 2.0, out, 0)
    np.testing.assert_allclose(out, picture[3, 0], atol=1e-5)


def test_a_matt_ball_is_lit_by_the_cosine():
    """Lambert's law at every pixel: albedo · power · max(n · l, 0), plus the dome's half."""
    towards = np.array([0.6, -0.48, -0.64])
    lamps = np.stack(
        [lamp([0, 0, 0], POINT, [0] * 4), lamp(towards, FAR, [1, 2, 3, 4]), lamp([0, -1, 0], DOME, [1] * 4)]
    )
    canvas = Canvas.empty(CAMERA, infrared=False)
    body = render.body(sphere(0.12, 0.5), plain_palette(0.4), lamps)
    paint(canvas, body, PICTURE, CAMERA, Extrinsics(), lamps)
    v, u = np.mgrid[:48, :64]
    ray = np.stack([(u - 31.5) / 60, (v - 23.5) / 60, np.ones_like(u)], -1)
    a, b, c = (ray**2).sum(-1), 0.5 * ray[..., 2], 0.25 - 0.12**2
    inside = b * b - a * c > 1e-3  # off the outline, where pixels are mixed
    z = (b - np.sqrt(np.maximum(b * b - a * c, 0))) / a
    normal = (ray * z[..., None] - [0, 0, 0.5]) / 0.12
    wanted = 0.4 * (np.maximum(normal @ towards, 0) + 0.5 * (1 - normal[..., 1]))
    np.testing.assert_allclose(canvas.light[inside, 0], wanted[inside], atol=0.02)
    facing = b * b - a * c > 5e-3  # a pixel of the ball's flank holds many depths
    np.testing.assert_allclose(canvas.z_m[facing], z[facing], atol=5e-4)
    assert np.median(canvas.light[inside, 2] / canvas.light[inside, 0]) > 1.0


def test_the_emitters_light_falls_with_the_square_of_distance():
    lamps = lamp([0, 0, 0], POINT, [0, 0, 0, 1])[None]
    seen = []
    for z in (0.3, 0.6, 1.2):
        canvas = Canvas.empty(CAMERA, infrared=True)
        paint(canvas, render.body(plate(z), plain_palette(), lamps), PICTURE, CAMERA, Extrinsics(), lamps)
        seen.append(canvas.light[24, 32])
    emitter, other, facing, gloss = np.array(seen).T
    np.testing.assert_allclose(emitter, 0.5 * (REFERENCE_M / np.array([0.3, 0.6, 1.2])) ** 2, rtol=0.02)
    np.testing.assert_allclose(facing, 0.5, rtol=0.01)
    assert not other.any()
    assert not gloss.any()


def test_outlines_are_true_to_area():
    lamps = lamp([0, 0, -1], FAR, [1, 1, 1, 0])[None]
    canvas = Canvas.empty(CAMERA, infrared=False)
    half = 0.6 * (10.3 / 60)
    paint(canvas, render.body(plate(0.6, half), plain_palette(1.0), lamps), PICTURE, CAMERA, Extrinsics(), lamps)
    assert canvas.light[..., 0].sum() == pytest.approx(20.6**2, rel=0.05)
    edge = canvas.light[24, :, 0]
    assert ((edge > 0.05) & (edge < 0.95)).sum() == 2


def test_a_lens_that_folds_back_does_not_throw_far_points_into_the_picture():
    lens = Intrinsics(
        width=640, height=480, fx=512.0, fy=512.0, cx=320.0, cy=240.0,
        model="brown_conrady", distortion=(0.06, -0.15, 0.0, 0.0, 0.0),
    )  # fmt: skip
    x = np.linspace(0.0, 6.0, 200, dtype=np.float32)
    points = np.column_stack([x, 0.2 * x, np.ones_like(x)])
    pixels = render._projected(lens, points)
    assert (np.diff(pixels[:, 0]) > 0).all()
    seen = pixels[:, 0] < 640
    np.testing.assert_allclose(pixels[seen], project(lens, points)[seen], atol=1e-3)


def test_the_nearer_surface_wins_and_the_canvas_stays_elsewhere():
    lamps = lamp([0, 0, -1], FAR, [1, 1, 1, 0])[None]
    canvas = Canvas.empty(CAMERA, infrared=False)
    canvas.light[:] = 7.0
    for z, albedo in ((0.8, 0.2), (0.5, 0.6)):
        paint(canvas, render.body(plate(z, 0.05), plain_palette(albedo), lamps), PICTURE, CAMERA, Extrinsics(), lamps)
    assert canvas.light[24, 32, 0] == pytest.approx(0.6, abs=1e-3)
    assert canvas.z_m[24, 32] == pytest.approx(0.5, abs=1e-4)
    assert canvas.light[0, 0, 0] == 7.0


def test_a_beam_is_brightest_where_it_is_aimed_and_turns_with_the_camera():
    up = np.deg2rad(20)
    aim = np.array([0.0, -np.sin(up), np.cos(up)])
    seen = []
    for exponent, axis in ((3.0, aim), (3.0, (0, 0, 1)), (0.0, aim)):
        lamps = lamp([0, 0, 0], POINT, [0, 0, 0, 1], beam=exponent, aim=axis)[None]
        canvas = Canvas.empty(CAMERA, infrared=True)
        paint(canvas, render.body(plate(0.6), plain_palette(), lamps), PICTURE, CAMERA, Extrinsics(), lamps)
        seen.append(canvas.light[24, 32, 0])
    aside, along, bare = seen
    assert along == pytest.approx(bare, rel=0.01)
    assert aside / bare == pytest.approx(np.cos(up) ** 3, rel=0.02)
    quarter = Extrinsics.of(np.array([[0.0, 0, 1], [0, 1, 0], [-1, 0, 0]]), np.zeros(3))
    moved = render.lamps_from(lamp([0, 0, 0], POINT, [1] * 4, beam=3.0, aim=aim)[None], quarter)
    np.testing.assert_allclose(moved[0, Lamp.AIM :], quarter.R @ aim, atol=1e-6)


def test_lamps_move_with_the_camera():
    motion = Extrinsics.of(np.array([[0.0, 0, 1], [0, 1, 0], [-1, 0, 0]]), np.array([0.1, 0.2, 0.3]))
    lamps = np.stack([lamp([1, 2, 3], POINT, [1] * 4), lamp([1, 0, 0], FAR, [1] * 4)])
    moved = render.lamps_from(lamps, motion)
    np.testing.assert_allclose(moved[0, :3], motion.R @ [1, 2, 3] + motion.t, rtol=1e-6)
    np.testing.assert_allclose(moved[1, :3], motion.R @ [1, 0, 0], atol=1e-6)


def test_a_plate_shades_what_lies_behind_it():
    near, far = plate(0.5, 0.05), plate(0.6, 0.2, cells=21)
    vertices = np.concatenate([near.vertices, far.vertices])
    faces = np.concatenate([near.faces, far.faces + len(near.vertices)]).astype(np.int32)
    lit = render.visibility(vertices, faces, np.float32([0, 0, -1]))
    behind = (np.abs(vertices[:, :2]) < 0.04).all(axis=1) & (vertices[:, 2] > 0.55)
    beside = (np.abs(vertices[:, :2]) > 0.07).any(axis=1)
    assert (lit[behind] == 0).all()
    assert (lit[beside] == 1).all()
    assert (lit[: len(near.vertices)] > 0.9).all()


def test_less_sky_reaches_a_hollow():
    deep = sphere(0.1, 0.6, 30, 40)
    bowl = deep.kept((deep.vertices[deep.faces][..., 2] > 0.6).all(axis=1))
    inside_out = Mesh(
        bowl.vertices, np.ascontiguousarray(bowl.faces[:, ::-1]), bowl.canonical, bowl.uv, bowl.region,
        bowl.hair, bowl.brow, bowl.beard,
    )  # fmt: skip
    assert render.sky_visibility(inside_out).mean() < 0.85
    assert render.sky_visibility(plate(0.6)).mean() > 0.9


def test_pigment_fades_in_infrared():
    """Melanin's contrast at 850 nm is some .23 of that in green: freckles vanish."""
    rng = np.random.default_rng(3)
    palette = materials.sample_palette(rng, rng, rng)
    palette.surface[Region.SKIN, Texture.FRECKLES] = 0.6
    skin = mesh(plate(0.4, 0.08, cells=9).vertices, grid_faces(9, 9), Region.SKIN)
    lamps = lamp([0, 0, -1], FAR, [1] * 4)[None]
    color, infrared = Canvas.empty(CAMERA, infrared=False), Canvas.empty(CAMERA, infrared=True)
    body = render.body(skin, palette, lamps)
    for canvas in (color, infrared):
        paint(canvas, body, PICTURE, CAMERA, Extrinsics(), lamps)
    middle = (slice(16, 32), slice(24, 40))
    green, nir = color.light[middle][..., 1], infrared.light[middle][..., 2]
    assert nir.std() / nir.mean() < 0.6 * green.std() / green.mean()


def test_each_kernel_was_compiled_once():
    for kernel in (render.rasterize, render.extent, render.normals_of, shading.shade):
        assert len(signatures(kernel)) <= 1


def test_vertices_carry_cover_and_albedo():
    rng = np.random.default_rng(4)
    palette = materials.sample_palette(rng, rng, rng)
    flat = plate(0.5)
    hairy = Mesh(*flat.arrays()[:5], np.full(25, 0.5, np.float32), flat.brow, flat.beard)
    body = render.body(hairy, palette, lamp([0, 0, 0], POINT, [0] * 4)[None])
    np.testing.assert_allclose(body.vertices[:, Vertex.WEIGHT], 0.5)
    np.testing.assert_allclose(body.vertices[0, Vertex.COVER : Vertex.WEIGHT], palette.hair, rtol=1e-5)
    np.testing.assert_allclose(body.vertices[0, Vertex.ALBEDO + NIR], palette.albedo[Region.PLASTIC, NIR], rtol=1e-5)


def test_a_face_seen_edge_on_takes_its_first_corner():
    """Rounding can leave a drawn face without any area on the screen."""
    vertices = np.zeros((3, Vertex.COLUMNS), np.float32)
    vertices[:, 0] = [10, 12, 14]
    vertices[:, 1] = [5, 6, 7]
    vertices[:, 2] = 2.0
    vertices[:, 3:] = np.arange(3, dtype=np.float32)[:, None]
    state = np.full(shading.STATE, np.nan, np.float32)
    shading._interpolate(vertices, 0, 1, 2, 11.0, 5.5, state)
    np.testing.assert_array_equal(state[3 : Vertex.COLUMNS], 0.0)


def test_glass_lets_through_and_mirrors():
    """Before a grey wall: darker by what glass keeps, but for the emitter's mirror image; behind the wall: nothing."""
    worn = Glasses(half_width_m=0.026, half_height_m=0.02, rim_m=0.001, square=2.0)
    eyes = np.array([[-0.031, 0.0, 0.012], [0.031, 0.0, 0.012]])
    skin = np.float32([[x, 0.0, 0.0] for x in (-0.035, 0.035)])
    lenses = lens_mesh(worn, eyes, skin)
    assert (lenses.vertex_normals()[:, 2] < -0.85).all()  # towards the camera
    lamps = lamp([0, 0, 0], POINT, [0, 0, 0, 1])[None]
    wall, near, far = render.body(plate(0.4, 0.2), plain_palette(), lamps), 0.35, 0.5
    seen = {}
    for place in (near, far):
        canvas = Canvas.empty(CAMERA, infrared=True)
        paint(canvas, wall, PICTURE, CAMERA, Extrinsics(), lamps)
        before = canvas.copy()
        glaze(
            canvas,
            glass(lenses.transformed(np.eye(3), [0, 0, place]), plain_palette(), lamps),
            CAMERA,
            Extrinsics(),
            lamps,
        )
        seen[place] = canvas.light / before.light.clip(1e-6)
        np.testing.assert_array_equal(canvas.z_m, before.z_m)
    np.testing.assert_array_equal(seen[far][..., 0][before.z_m > 0], 1.0)
    changed = (seen[near][..., 2] < 0.99) & (before.z_m > 0)
    assert 20 < changed.sum() < 200
    np.testing.assert_allclose(seen[near][..., 2][changed], TRANSMITTED, atol=0.02)
    assert (seen[near][..., 0][changed] > TRANSMITTED - 0.02).all()
