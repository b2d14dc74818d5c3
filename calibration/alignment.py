"""How far infrared and depth lie beside colour, from an ordinary capture of a person: no target.

Every stream is turned into a field of edge directions on one grid: at each pixel a vector whose angle is twice that of
the gradient and whose length says how clear the edge is, from 0 to 1. Doubled angles make an edge from dark to bright
and one from bright to dark the same, since a material's contrast may turn round between wavelengths (the idea of
normalised gradient fields, Haber & Modersitzki 2006). Two fields lie on each other where their inner product summed
over the picture is largest; unrelated edges cancel. Infrared is compared by what is seen on the subject's surface,
depth by the subject's outline, which a camera draws too large: by how much is found together with the shift.

What a shift is good for is told by drawing the picture's blocks anew (bootstrap, Efron 1979), and by a floor for what
all blocks have in common, measured on simulated captures.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]
F32 = NDArray[np.float32]
U8 = NDArray[np.uint8]
Mask = NDArray[np.bool_]
Fit = Literal["fits", "off", "untold"]

WORK_FOCAL_PX: Final = 600.0  # pictures of longer lenses are looked at smaller: a degree is some ten pixels
REACH_PX: Final = 14  # how far is looked
BLOCK_PX: Final = 24
INSETS_PX: Final = (-1, 1, 3, 5)  # by which an outline may lie outside the subject's own
INNER_FLOOR_PX: Final = (0.5, 0.5)
OUTLINE_FLOOR_PX: Final = (0.8, 1.6)  # upright is told by head and shoulders, which all face up
TOLD_PX: Final = 3.0  # a wider interval tells nothing
INNER_LIMIT_PX, OUTLINE_LIMIT_PX = 1.5, 2.0  # what a rig may be off
_DRAWS: Final = 150
_BLUR_PX, _LOCAL_PX, _LOCAL_FLOOR = 1.5, 8.0, 4.0
_DEEP_M: Final = 0.35  # from the subject's nearest part to its farthest
_NEAR_M, _FAR_M = 0.2, 1.5
_RIM_PX: Final = 10  # of the subject's edge, where infrared is seen past it
_STEP: Final = 0.03  # of the depth: what lies that much behind its neighbour is another surface, or between two
_MIN_PX: Final = 1500


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """How well blocks of a stream lie on colour at each shift: `surfaces` float32 [insets, blocks, side, side], side =
    2 · REACH_PX + 1, the row the shift in y; `norm` float64 [insets] makes their sum a correlation.
    """

    surfaces: F32
    norm: F64

    def __add__(self, other: Evidence) -> Evidence:
        """Of both frames; blocks are places of the picture, frames of one person are alike."""
        return Evidence(self.surfaces + other.surfaces, self.norm + other.norm)


@dataclass(frozen=True, slots=True)
class Shift:
    """How far colour's own edges lie beside another stream's, as the rig puts them: (x, y) pixels.

    `spread_px` are half widths of 95 % intervals, `score` is the correlation there; `inset_px` by how much an outline
    lies outside the subject's.
    """

    px: tuple[float, float]
    spread_px: tuple[float, float]
    score: float
    blocks: int
    inset_px: float = 0.0

    @property
    def told(self) -> tuple[bool, bool]:
        """Whether the capture tells x, and y: a narrow interval, and not at the end of what was tried."""
        x, y = (s <= TOLD_PX and abs(p) < REACH_PX - 0.6 for p, s in zip(self.px, self.spread_px, strict=True))
        return x, y

    @property
    def told_px(self) -> tuple[float, float]:
        """The shift, 0 along an axis that is not told."""
        x, y = (p if told else 0.0 for p, told in zip(self.px, self.told, strict=True))
        return x, y

    def beyond(self, limit_px: float) -> bool:
        """Whether what is told of the shift is larger than a limit even at the near end of its interval."""
        size = float(np.hypot(*self.told_px))
        x, y = (p / max(size, 1e-9) * s for p, s in zip(self.told_px, self.spread_px, strict=True))
        return size - float(np.hypot(x, y)) > limit_px

    def fit(self, limit_px: float) -> Fit:
        """Whether a rig that is allowed `limit_px` fits, as far as is told."""
        if not any(self.told):
            return "untold"
        return "off" if self.beyond(limit_px) else "fits"


def near_sides(depth: NDArray[np.uint16]) -> NDArray[np.uint16]:
    """Depth counts [H, W] without what lies just behind a neighbour: of an edge the near side stays, and no pixel that
    saw both surfaces.
    """
    z = np.where(depth == 0, np.float32(2e5), depth.astype(np.float32))  # none: behind everything
    return np.where(z > (1 + _STEP) * cv2.erode(z, np.ones((3, 3), np.uint8)), 0, depth).astype(np.uint16)


def subject(depth_m: F32) -> Mask:
    """The nearest large surface of a depth map float32 [H, W] metres, holes filled: bool [H, W], empty where none."""
    near = (depth_m > _NEAR_M) & (depth_m < _FAR_M)
    if near.sum() < _MIN_PX:
        return np.zeros(depth_m.shape, bool)
    body = (near & (depth_m < np.percentile(depth_m[near], 3) + _DEEP_M)).astype(np.uint8)
    for change in (cv2.MORPH_CLOSE, cv2.MORPH_OPEN):
        body = np.asarray(cv2.morphologyEx(body, change, _disc(4)), np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(body)
    if count < 2 or stats[1:, cv2.CC_STAT_AREA].max() < _MIN_PX:
        return np.zeros(depth_m.shape, bool)
    largest = (labels == 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())).astype(np.uint8)
    contours, _ = cv2.findContours(largest, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    return np.asarray(cv2.drawContours(largest, contours, -1, 1, cv2.FILLED) > 0)


def surface_evidence(color: NDArray[Any], infrared: F32, of: Mask) -> Evidence | None:
    """Infrared counts float32 [H, W] (< 0: unseen), where the rig puts them, against colour [H, W] or [H, W, 3] on the
    subject `of`; None where too little of it is seen.
    """
    seen = cv2.erode((of & (infrared >= 0)).astype(np.uint8), _disc(_RIM_PX), borderValue=0) > 0
    if seen.sum() < _MIN_PX:
        return None
    root = np.sqrt(np.maximum(infrared, 0))  # about as colour is coded
    scale = 255 / max(float(np.percentile(root[seen], 99)), 1e-6)
    field = _directions(_evened(np.asarray(scale * root, np.float32)), seen)
    return _evidence([field], _directions(_evened(color.astype(np.float32))))


def outline_evidence(color: NDArray[Any], of: Mask) -> Evidence | None:
    """The outline of the subject `of`, where the rig puts it, against colour [H, W] or [H, W, 3]; None without one."""
    fields = [_outline(of, inset) for inset in INSETS_PX]
    if not all(field.any() for field in fields):
        return None
    return _evidence(fields, _directions(color.astype(np.float32)))


def measured(evidence: Evidence, floor_px: tuple[float, float], seed: int = 0) -> Shift:
    """The shift that evidence tells, with its interval; `floor_px` is what blocks have in common."""
    used = evidence.surfaces[:, np.abs(evidence.surfaces).max(axis=(0, 2, 3)) > 0].astype(np.float64)
    total, blocks = used.sum(axis=1), used.shape[1]
    inset, (x, y) = _peak(total)
    rng = np.random.default_rng(seed)
    weights = rng.multinomial(blocks, np.full(blocks, 1 / blocks), size=_DRAWS).astype(np.float64)
    drawn = np.array([_peak(np.einsum("b,ebyx->eyx", w, used, optimize=True))[1] for w in weights])
    own = [float(np.quantile(np.abs(drawn[:, k] - centre), 0.95)) for k, centre in enumerate((x, y))]
    spread = float(np.hypot(own[0], floor_px[0])), float(np.hypot(own[1], floor_px[1]))
    score = float(total[inset].max() / max(evidence.norm[inset], 1e-9))
    return Shift((x, y), spread, score, blocks, INSETS_PX[inset] if len(total) > 1 else 0.0)


def outline_gap(color: U8, of: Mask, inset_px: float) -> float:
    """Median distance of the subject's outline, drawn `inset_px` further in, to the nearest clear edge of colour uint8
    [H, W] or [H, W, 3], pixels: another measure than `measured` takes. NaN without an outline.
    """
    grey = color if color.ndim == 2 else cv2.cvtColor(color, cv2.COLOR_RGB2GRAY)
    soft = cv2.GaussianBlur(grey, (0, 0), _BLUR_PX)
    steep = cv2.magnitude(cv2.Sobel(soft, cv2.CV_32F, 1, 0), cv2.Sobel(soft, cv2.CV_32F, 0, 1))
    high = max(float(np.percentile(steep, 93)), 1.0)
    to_edge = cv2.distanceTransform(1 - cv2.Canny(soft, high / 2, high, L2gradient=True) // 255, cv2.DIST_L2, 5)
    on = np.linalg.norm(_outline(of, inset_px), axis=2) > 0.8
    return float(np.median(to_edge[on])) if on.any() else float("nan")


def _evened(picture: F32) -> F32:
    """Relative to its own surroundings, so that shading, which hangs on where the light stands, tells nothing."""
    return np.asarray(picture / (cv2.GaussianBlur(picture, (0, 0), _LOCAL_PX) + _LOCAL_FLOOR), np.float32)


def _directions(picture: F32, valid: Mask | None = None) -> F32:
    """Field of a picture float32 [H, W] or [H, W, C]: float32 [H, W, 2], 0 outside `valid`."""
    xx, yy, xy = np.zeros((3, *picture.shape[:2]), np.float32)
    for channel in cv2.split(picture):
        soft = cv2.GaussianBlur(channel, (0, 0), _BLUR_PX)
        gx, gy = cv2.Sobel(soft, cv2.CV_32F, 1, 0), cv2.Sobel(soft, cv2.CV_32F, 0, 1)
        xx, yy, xy = xx + gx * gx, yy + gy * gy, xy + gx * gy
    steep = xx + yy
    floor = 4 * float(np.median(steep if valid is None else steep[valid])) + 1e-9
    field = np.stack([xx - yy, 2 * xy], axis=-1) / (steep + np.float32(floor))[..., None]
    return np.asarray(field if valid is None else field * valid[..., None], np.float32)


def _outline(of: Mask, inset: float) -> F32:
    """Field of an outline drawn `inset` pixels further in, float32 [H, W, 2]; where the picture ends there is none."""
    if of.all() or not of.any():
        return np.zeros((*of.shape, 2), np.float32)
    body, rim = of.astype(np.uint8), 8
    signed = cv2.distanceTransform(body, cv2.DIST_L2, 5) - cv2.distanceTransform(1 - body, cv2.DIST_L2, 5)
    soft = cv2.GaussianBlur(signed, (0, 0), 3.0)
    gx, gy = cv2.Sobel(soft, cv2.CV_32F, 1, 0) / 8, cv2.Sobel(soft, cv2.CV_32F, 0, 1) / 8
    on = np.exp(-0.5 * ((soft - inset) / _BLUR_PX) ** 2) / (gx * gx + gy * gy + 0.1)
    on *= on > 0.01
    field = np.stack([(gx * gx - gy * gy) * on, 2 * gx * gy * on], axis=-1)
    kept: F32 = np.zeros_like(field)
    kept[rim:-rim, rim:-rim] = field[rim:-rim, rim:-rim]
    return kept


def _evidence(fields: Sequence[F32], color: F32) -> Evidence:
    padded = np.pad(color, ((REACH_PX, REACH_PX), (REACH_PX, REACH_PX), (0, 0)))
    strong = (color**2).sum(axis=2)
    found = [_surfaces(field, padded) for field in fields]
    norm = [np.sqrt(float((f**2).sum()) * float(strong[(f != 0).any(axis=2)].sum())) for f in fields]
    return Evidence(np.stack(found), np.array(norm))


def _surfaces(field: F32, padded: F32) -> F32:
    """Inner product of each block of a field with colour at every shift: float32 [blocks, side, side]."""
    h, w = field.shape[:2]
    corners = [(y, x) for y in range(0, h, BLOCK_PX) for x in range(0, w, BLOCK_PX)]
    out = np.zeros((len(corners), 2 * REACH_PX + 1, 2 * REACH_PX + 1), np.float32)
    for place, (y, x) in enumerate(corners):
        block = field[y : y + BLOCK_PX, x : x + BLOCK_PX]
        if block.any():
            around = padded[y : y + block.shape[0] + 2 * REACH_PX, x : x + block.shape[1] + 2 * REACH_PX]
            out[place] = cv2.matchTemplate(around, block, cv2.TM_CCORR)
    return out


def _peak(scores: F64) -> tuple[int, tuple[float, float]]:
    """(inset's number, (x, y) from the middle, between pixels) of the largest of scores [insets, side, side]."""
    inset, row, column = (int(n) for n in np.unravel_index(int(scores.argmax()), scores.shape))
    x = column - REACH_PX + _top(scores[inset, row], column)
    return inset, (x, row - REACH_PX + _top(scores[inset, :, column], row))


def _top(values: F64, at: int) -> float:
    """Top of the parabola through three scores about the best one, from −0.5 to 0.5."""
    if not 0 < at < len(values) - 1:
        return 0.0
    before, here, after = values[at - 1 : at + 2]
    bend = before - 2 * here + after
    return float(np.clip(0.5 * (before - after) / bend, -0.5, 0.5)) if bend < 0 else 0.0


def _disc(radius: int) -> U8:
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1)), np.uint8)
