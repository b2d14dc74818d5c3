"""A bona fide recording whose face is turned into an attack: what would be rejected had it stood there.

    counterfactual://KIND?of=PATH&seed=1

`flattened` a slack sheet where the face was, `bent` a sheet round a cylinder, `folded` a sheet with a ridge for a nose,
`rescaled` a face of the wrong size, `albedo` a face of another material under the same light. The pictures stay, the
surface changes (`albedo`: the reverse). A new surface carries the recording's own depth noise: what was measured less
its smooth part. The head is the nearest connected surface in the middle of the depth picture, so nothing here needs a
face finder, and recordings without colour work too. Everything is a function of the seed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final, Literal, get_args
from urllib.parse import parse_qsl, urlsplit

import cv2
import numpy as np
from numpy.typing import NDArray

from calibration.projection import project, ray_table
from calibration.rig import Extrinsics, Intrinsics, Rig
from calibration.srgb import linear_to_srgb, srgb_to_linear
from drivers.errors import CameraError, NotFound
from drivers.frames import FrameSet, Image
from drivers.source import CameraInfo, Origin, Source

Kind = Literal["flattened", "bent", "folded", "rescaled", "albedo"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
SCHEME: Final = "counterfactual"

F64 = NDArray[np.float64]
Bools = NDArray[np.bool_]

HEAD_DEPTH_M: Final = 0.16  # nose to ears
HEAD_HEIGHT_M: Final = 0.27
CROWN_M: Final = 0.18  # from the top of the head: no shoulders there, so that its middle is the head's
HEAD_HALF_M: Final = 0.12
FACE_M: Final = 0.08  # half width of what the sheet is laid through
SMOOTH_M: Final = 0.004  # of a face: finer than that counts as noise
NOISE_CLIP: Final = 3.0  # robust deviations: what is left of a nose's edge is no noise
MAX_TILT: Final = 0.5  # slope of the sheet


@dataclass(frozen=True, slots=True)
class Change:
    """All that is drawn by the seed: lengths in metres, `turn` of a sheet's axis in radians, ratios as factors."""

    kind: Kind
    slack_m: float
    turn: float
    radius_m: float
    ridge: float
    scale: float
    infrared: float
    color: tuple[float, float, float]

    @classmethod
    def drawn(cls, kind: Kind, seed: int) -> Change:
        """Sizes and materials are kept away from the face's own: a size 22 % or more off, infrared reflectance 40 %
        or more below or 50 % or more above."""
        rng = np.random.default_rng([KINDS.index(kind), seed])
        smaller, darker = rng.random(2) < 0.5
        tint = rng.uniform(0.8, 1.2, 3)
        return cls(
            kind=kind,
            slack_m=float(rng.uniform(0.001, 0.004)),
            turn=float(rng.normal(0, 0.15)),
            radius_m=float(rng.uniform(0.09, 0.16)),
            ridge=float(np.tan(np.radians(rng.uniform(15, 35)))),
            scale=float(rng.uniform(0.62, 0.78) if smaller else rng.uniform(1.28, 1.5)),
            infrared=float(rng.uniform(0.35, 0.6) if darker else rng.uniform(1.5, 2.0)),
            color=(float(tint[0]), float(tint[1]), float(tint[2])),
        )


def find_head(depth_m: F64, camera: Intrinsics) -> Bools:
    """The nearest connected surface in the middle of a depth picture float64 [H, W] (0 = no return): bool [H, W],
    all false where there is none."""
    h, w = depth_m.shape
    middle = np.zeros((h, w), bool)
    middle[h // 5 : h - h // 5, w // 4 : w - w // 4] = True
    central = depth_m[middle & (depth_m > 0)]
    if central.size < 50:
        return np.zeros((h, w), bool)
    near = float(np.percentile(central, 2))
    slab = (depth_m > near - 0.03) & (depth_m < near + HEAD_DEPTH_M)
    _, names = cv2.connectedComponents(slab.astype(np.uint8), connectivity=4)
    counts = np.bincount(names[middle & slab], minlength=2)
    counts[0] = 0
    head: Bools = names == int(counts.argmax())
    top = int(np.percentile(np.flatnonzero(head.any(1)), 1))
    head[int(top + HEAD_HEIGHT_M * camera.fy / near) :] = False
    column = np.median(np.nonzero(head[: int(top + CROWN_M * camera.fy / near)])[1])
    half = HEAD_HALF_M * camera.fx / near
    head[:, : max(0, int(column - half))] = False
    head[:, max(0, int(column + half)) :] = False
    return head


def smoothed(depth_m: F64, head: Bools, sigma_px: float) -> F64:
    """Depth inside the head without its noise, float64 [H, W]: a Gaussian over valid pixels only."""
    valid = head.astype(np.float64)
    total = cv2.GaussianBlur(np.where(head, depth_m, 0.0), (0, 0), sigma_px)
    weight = cv2.GaussianBlur(valid, (0, 0), sigma_px)
    return np.asarray(total / np.maximum(weight, 1e-6))


def noise_of(depth_m: F64, smooth_m: F64, head: Bools) -> F64:
    """The recording's own depth noise in the head, metres float64 [H, W], 0 elsewhere."""
    rest = np.where(head, depth_m - smooth_m, 0.0)
    spread = 1.4826 * float(np.median(np.abs(rest[head])))
    return np.clip(rest, -NOISE_CLIP * spread, NOISE_CLIP * spread)


def face_plane(smooth_m: F64, head: Bools, rays: F64) -> tuple[F64, F64]:
    """((a, b, c), (X, Y) of the centre): z = aX + bY + c through the face, laid robustly; metres."""
    v, u = np.nonzero(head)
    z = smooth_m[v, u]
    x, y = rays[v, u, 0] * z, rays[v, u, 1] * z
    near = z < np.percentile(z, 30)  # nose and cheeks, not neck or hair
    centre = np.array([np.median(x[near]), np.median(y[near])])
    of = np.hypot(x - centre[0], y - centre[1]) < FACE_M
    design = np.column_stack([x[of] - centre[0], y[of] - centre[1], np.ones(of.sum())])
    weight = np.ones(len(design))
    for _ in range(5):
        plane = np.linalg.lstsq(design * weight[:, None], z[of] * weight, rcond=None)[0]
        rest = np.abs(z[of] - design @ plane)
        weight = 1 / np.sqrt(1 + np.square(rest / 0.01))
    slope = plane[:2] * min(1.0, MAX_TILT / max(float(np.hypot(*plane[:2])), 1e-9))
    return np.array([slope[0], slope[1], plane[2] - slope @ centre]), centre


def sheet(change: Change, plane: F64, centre: F64, rays: F64) -> F64:
    """Depth of the sheet along every ray, metres float64 [H, W]."""
    a, b, c = plane
    flat = c / np.maximum(1 - a * rays[..., 0] - b * rays[..., 1], 0.2)
    x, y = rays[..., 0] * flat - centre[0], rays[..., 1] * flat - centre[1]
    across = x * np.cos(change.turn) + y * np.sin(change.turn)
    return np.asarray(flat + _RELIEFS[change.kind](change, across))


def _slack(change: Change, across: F64) -> F64:
    return change.slack_m * (1 - np.cos(np.clip(across / 0.1, -1, 1) * np.pi / 2))


def _cylinder(change: Change, across: F64) -> F64:
    inside = np.clip(across, -0.95 * change.radius_m, 0.95 * change.radius_m)
    return np.asarray(change.radius_m - np.sqrt(change.radius_m**2 - inside**2))


def _ridge(change: Change, across: F64) -> F64:
    return np.asarray(change.ridge * (np.hypot(across, 0.004) - 0.004))


_RELIEFS: Final[dict[Kind, Callable[[Change, F64], F64]]] = {
    "flattened": _slack,
    "bent": _cylinder,
    "folded": _ridge,
}


def resurfaced(frame_set: FrameSet, change: Change) -> FrameSet:
    """The head's surface replaced by a sheet, its noise kept; pictures stay. Frames without a head stay as they are."""
    depth = frame_set.depth
    if depth is None:
        return frame_set
    camera = frame_set.rig.depth
    depth_m = depth.pixels.astype(np.float64) * frame_set.depth_unit_m
    head = find_head(depth_m, camera)
    if not head.any():
        return frame_set
    sigma_px = max(1.0, SMOOTH_M * camera.fx / float(np.median(depth_m[head])))
    smooth = smoothed(depth_m, head, sigma_px)
    rays = ray_table(camera).astype(np.float64)
    new = sheet(change, *face_plane(smooth, head, rays), rays) + noise_of(depth_m, smooth, head)
    return replace(frame_set, depth=_counted(depth, np.where(head, new, depth_m), frame_set.depth_unit_m))


def _counted(depth: Image, depth_m: F64, unit_m: float) -> Image:
    top = np.iinfo(depth.pixels.dtype).max
    counts = np.where(depth.pixels > 0, np.clip(np.rint(depth_m / unit_m), 1, top), 0)
    return replace(depth, pixels=counts.astype(depth.pixels.dtype))


def rescaled(frame_set: FrameSet, change: Change) -> FrameSet:
    """The whole scene `scale` times as large and as far: the same pictures, depth times `scale`, infrared by the
    camera's fall-off. Cameras' distances from each other grow with it, so that streams still fit each other."""
    depth, infrared, rig = frame_set.depth, frame_set.infrared, frame_set.rig
    if depth is not None:
        depth_m = depth.pixels * (frame_set.depth_unit_m * change.scale)
        depth = _counted(depth, depth_m, frame_set.depth_unit_m)
    if infrared is not None:
        exponent = rig.radiometric.exponent if rig.radiometric else 2.0
        infrared = _brightened(infrared, np.asarray(change.scale**-exponent), _dark(rig))
    return replace(frame_set, depth=depth, infrared=infrared, rig=scaled_rig(rig, change.scale))


def scaled_rig(rig: Rig, scale: float) -> Rig:
    """The rig with its cameras `scale` times as far from each other."""
    depth, infrared = (Extrinsics.of(m.R, m.t * scale) for m in (rig.depth_to_color, rig.infrared_to_color))
    return rig.model_copy(update={"depth_to_color": depth, "infrared_to_color": infrared})


def _dark(rig: Rig) -> float:
    return rig.radiometric.dark_level if rig.radiometric else 0.0


def _brightened(infrared: Image, ratio: F64, dark: float) -> Image:
    counts = dark + (infrared.pixels - dark) * ratio
    top = min(infrared.white_level, np.iinfo(infrared.pixels.dtype).max)
    return replace(infrared, pixels=np.clip(np.rint(counts), 0, top).astype(infrared.pixels.dtype))


def recoloured(frame_set: FrameSet, change: Change) -> FrameSet:
    """The head of another material: infrared and linear colour multiplied inside it, softly at its edge."""
    depth, infrared, color, rig = frame_set.depth, frame_set.infrared, frame_set.color, frame_set.rig
    if depth is None:
        return frame_set
    depth_m = depth.pixels.astype(np.float64) * frame_set.depth_unit_m
    head = find_head(depth_m, rig.depth)
    if infrared is not None and rig.infrared is not None:
        soft = _soft(_carried(head, depth_m, rig, "infrared"))
        infrared = _brightened(infrared, 1 + soft * (change.infrared - 1), _dark(rig))
    if color is not None:
        soft = _soft(_carried(head, depth_m, rig, "color"))[..., None]
        linear = srgb_to_linear(color.pixels / 255) * (1 + soft * (np.array(change.color) - 1))
        pixels = np.rint(255 * linear_to_srgb(np.clip(linear, 0, 1))).astype(np.uint8)
        color = replace(color, pixels=pixels)
    return replace(frame_set, infrared=infrared, color=color)


def _soft(head: Bools) -> F64:
    sigma = max(1.0, 0.02 * float(np.sqrt(head.sum())))
    return np.asarray(cv2.GaussianBlur(head.astype(np.float64), (0, 0), sigma))


def _carried(head: Bools, depth_m: F64, rig: Rig, stream: Literal["color", "infrared"]) -> Bools:
    """A mask on the depth grid, on another stream's."""
    camera: Intrinsics | None = getattr(rig, stream)
    assert camera is not None, "asked for streams that exist"
    if rig.registered or not head.any():
        return head if head.shape == camera.shape else np.zeros(camera.shape, bool)
    z = depth_m[head][:, None]
    points = np.concatenate([ray_table(rig.depth)[head].astype(np.float64) * z, z], axis=1)
    points = points @ rig.depth_to_color.R.T + rig.depth_to_color.t
    if stream == "infrared":
        back = rig.infrared_to_color.inverse()
        points = points @ back.R.T + back.t
    pixels = np.rint(np.nan_to_num(project(camera, points), nan=-1)).astype(int)
    seen = (pixels >= 0).all(1) & (pixels < camera.shape[::-1]).all(1)
    out = np.zeros(camera.shape, np.uint8)
    out[pixels[seen, 1], pixels[seen, 0]] = 1
    gap = 2 * int(np.ceil(camera.fx / rig.depth.fx)) + 3  # points lie apart where this camera sees finer
    return np.asarray(cv2.morphologyEx(out, cv2.MORPH_CLOSE, np.ones((gap, gap), np.uint8)) > 0)


def changed(frame_set: FrameSet, change: Change) -> FrameSet:
    """The frame set as the attack would have been seen."""
    made = {"rescaled": rescaled, "albedo": recoloured}.get(change.kind, resurfaced)
    return made(frame_set, change)


class CounterfactualSource:
    """`Source` over a bona fide one. Origin `semi_simulated`, of a simulated recording `simulated`."""

    def __init__(self, inner: Source, kind: Kind, seed: int = 0) -> None:
        self.change = Change.drawn(kind, seed)
        self._inner = inner

    @property
    def info(self) -> CameraInfo:
        inner = self._inner.info
        origin: Origin = "simulated" if inner.origin == "simulated" else "semi_simulated"
        return replace(inner, name=f"{inner.name}, {self.change.kind}", live=False, origin=origin)

    @property
    def rig(self) -> Rig:
        rig = self._inner.rig
        return scaled_rig(rig, self.change.scale) if self.change.kind == "rescaled" else rig

    def open(self) -> None:
        self._inner.open()

    def read(self, timeout_s: float) -> FrameSet:
        """The next frame set, changed. Raises what the recording raises."""
        return changed(self._inner.read(timeout_s), self.change)

    def close(self) -> None:
        self._inner.close()


def from_uri(uri: str, opener: Callable[[str], Source]) -> CounterfactualSource:
    """The source of `counterfactual://KIND?of=PATH&seed=1`. Raises NotFound or CameraError, saying what is wrong."""
    parts = urlsplit(uri)
    if parts.netloc not in KINDS:
        raise NotFound(f"'{uri}': no counterfactual attack is called '{parts.netloc}'; there are {', '.join(KINDS)}")
    values: dict[str, str] = dict(parse_qsl(parts.query, keep_blank_values=True))
    unknown = sorted(set(values) - {"of", "seed"})
    seed = values.get("seed", "0")
    if unknown or not values.get("of") or not seed.isdecimal():
        raise CameraError(f"'{uri}': write {SCHEME}://{parts.netloc}?of=RECORDING&seed=1")
    return CounterfactualSource(opener(values["of"]), parts.netloc, int(seed))
