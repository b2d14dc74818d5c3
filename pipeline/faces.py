"""Faces and their five landmarks, found in one picture and followed from picture to picture.

CenterFace sees the whole picture at 256×192 pixels and finds faces; O-Net looks at a 48×48
crop turned upright, refines the landmarks, and is cheap enough to follow faces in every frame. Both nets run
in 32-bit floats on every machine, so that a recording gives the same faces everywhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from math import ceil, hypot
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.face_models import read_nets
from pipeline.inference import core, infer_request

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
U8 = NDArray[np.uint8]

EYE_TO_MOUTH = 1.15  # distance eyes–mouth over distance of the eyes, of a frontal face
SQUARE_SIDE = 3.0  # side of the canonical square in distances of the eyes: about 190 mm, forehead to chin
SQUARE_DROP = 0.28  # its centre below the eyes, in distances eyes–mouth

FOUND = 0.35  # heat map of CenterFace
ACCEPTED = 0.3  # O-Net's score of a face just found
FOLLOWED = 0.5  # and of a face followed: a track is dropped early, a find is confirmed by two nets
DOUBTFUL = 0.1  # between this and FOLLOWED a find is looked at again from its refined landmarks
MAX_FACES = 4
BACKGROUND = 0.6  # a face of less than that of the nearest one's size is somebody's in the room behind
MOVED_FAST = 0.18  # distances of the eyes beside the prediction: O-Net looks a second time from there

CROP = 48  # input of O-Net
CROP_SIDE = 2.35  # side of O-Net's crop over the longer of eye distance and eyes–mouth
CROP_DROP = 0.48  # its centre below the eyes, in distances eyes–mouth
SHARPEST = 8  # largest factor by which a crop is sampled finer before it is averaged down
CONTRAST = 190.0  # grey levels that a flat crop is stretched to
DARKEST = 30.0

SPOT_WIDTH = 7 / 480  # of a picture's shorter side: no spot of a projector's pattern is wider
BETWEEN_SPOTS = 2.0 / 7  # of that width: the blur that fills what stays between them
CERTAIN_DOTS = 0.08  # light in spots over the rest: evenly lit pictures stay below 0.075, hair and noise included
POSSIBLE_DOTS = 0.02  # below, there are none, or none that hide anything


@dataclass(frozen=True, slots=True)
class CanonicalSquare:
    """The face's place in the picture, from the landmarks only: `center` x, y and `side` in pixels, `angle`
    of its upper edge in radians, > 0 clockwise.
    """

    center: tuple[float, float]
    side: float
    angle: float

    def region(self, factor: float = 1.3) -> tuple[float, float, float, float]:
        """Upright x, y, w, h around the square, `factor` sides wide: 1.3 holds a square turned by 20°."""
        width = factor * self.side
        return self.center[0] - width / 2, self.center[1] - width / 2, width, width


@dataclass(frozen=True, slots=True, eq=False)
class Face:
    """A face in pixels of the picture that was searched, pixel centres at integers.

    `box` x, y, w, h. `landmarks` float32 [5, 2] x, y: eye on the left and on the right of the image, nose
    tip, mouth corner left and right. `score` is O-Net's probability of a face.
    """

    box: tuple[float, float, float, float]
    landmarks: F32
    score: float

    def canonical_square(self) -> CanonicalSquare:
        """The square that everything after the finder is cut by.

        Turning the head to the side shortens the distance of the eyes, nodding the distance eyes–mouth; the
        larger of both, brought to one scale, keeps the square's size.
        """
        eyes, down, angle = _axes(self.landmarks)
        across = _eye_distance(self.landmarks)
        side = SQUARE_SIDE * max(across, float(np.linalg.norm(down)) / EYE_TO_MOUTH)
        x, y = eyes + SQUARE_DROP * down
        return CanonicalSquare((float(x), float(y)), side, angle)


def _axes(landmarks: NDArray[Any]) -> tuple[F64, F64, float]:
    """Middle of the eyes, the way from there to the middle of the mouth, and the roll in radians."""
    points = landmarks.astype(np.float64)
    eyes, mouth = (points[0] + points[1]) / 2, (points[3] + points[4]) / 2
    x, y = points[1] - points[0] + points[4] - points[3]  # eyes and mouth together are steadier than the eyes
    return eyes, mouth - eyes, float(np.arctan2(y, x))


def to_uint8(infrared: NDArray[Any], white_level: float) -> U8:
    """Infrared counts [H, W] as the nets know pictures: uint8 [H, W], gamma 2.2 below `white_level`.

    The nets learnt from gamma-coded photographs, sensors count linearly. The scale is the stream's white level
    and not the frame's brightness, so nothing flickers. 8-bit pictures pass unchanged: coding one twice that
    its camera has coded already loses faces.
    """
    if infrared.dtype == np.uint8:
        return infrared
    coded: U8 = _gamma_table(float(white_level))[infrared]
    return coded


@lru_cache(maxsize=4)
def _gamma_table(white_level: float) -> U8:
    counts = np.arange(1 << 16) / max(white_level, 1.0)
    return np.rint(255 * np.minimum(counts, 1.0) ** (1 / 2.2)).astype(np.uint8)


def views(picture: U8) -> Iterator[U8]:
    """What of a picture the nets should look at, in this order: `picture` itself, or infrared freed of a projector's
    dots, which hide a face from both nets; both where the dots are faint, in the sun or beside a window.

    Dots are brighter than what lies between them and smaller than any part of a face: a morphological opening takes
    them away and leaves outlines where they are. How much light it takes tells whether there were any.
    """
    if picture.ndim == 3:
        yield picture
        return
    width = int(SPOT_WIDTH * min(picture.shape)) | 1
    between = cv2.morphologyEx(picture, cv2.MORPH_OPEN, _disc(width))
    light, steady = float(picture.mean()), float(between.mean())
    if light <= (1 + CERTAIN_DOTS) * steady:
        yield picture
    if light > (1 + POSSIBLE_DOTS) * steady:
        yield cv2.GaussianBlur(between, (0, 0), BETWEEN_SPOTS * width)  # type: ignore[misc]


@lru_cache(maxsize=4)
def _disc(width: int) -> U8:
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (width, width))  # type: ignore[return-value]


class Finder(Protocol):
    """What a tracker asks of a finder."""

    def find(self, picture: U8) -> list[Face]:
        """Every face of the picture, the largest first."""
        ...

    def refine(self, picture: U8, landmarks: NDArray[Any]) -> Face:
        """The face near rough landmarks [5, 2], with its score."""
        ...


class FaceFinder:
    """Finds faces in single pictures. One thread at a time.

    Raises SdkMissing where the nets were never converted, BundleError where they were changed.
    """

    def __init__(self, threads: int = 2, directory: Path | None = None) -> None:
        self._threads = threads
        nets = read_nets(directory)
        self._centerface = nets["centerface"]
        self._searches: dict[tuple[int, int], Any] = {}
        self._search(landscape=True)
        self._onet = infer_request(core().read_model(*nets["onet"]), "f32", threads)

    def _search(self, landscape: bool) -> tuple[Any, int, int]:
        """CenterFace for one orientation of the picture, compiled when first needed, and its width, height."""
        width, height = (256, 192) if landscape else (192, 256)
        if (width, height) not in self._searches:
            model = core().read_model(*self._centerface)
            model.reshape([1, height, width, 3])
            self._searches[width, height] = infer_request(model, "f32", self._threads)
        return self._searches[width, height], width, height

    def find(self, picture: U8) -> list[Face]:
        """Every face, the largest first: it is the nearest to the camera. Up to four are told apart.

        `picture` uint8 [H, W, 3] RGB or [H, W] infrared.
        """
        return next((faces for view in views(picture) if (faces := self._found(view))), [])

    def _found(self, picture: U8) -> list[Face]:
        faces: list[Face] = []
        for landmarks in self._candidates(picture):
            face = self._refined(picture, landmarks)
            if DOUBTFUL < face.score < FOLLOWED:
                face = self._refined(picture, face.landmarks)
            if face.score >= ACCEPTED and not any(same_place(face, other) for other in faces):
                faces.append(face)
        return sorted(faces, key=lambda face: -face.canonical_square().side)

    def _candidates(self, picture: U8) -> list[F64]:
        """Rough landmarks [5, 2] of each peak of CenterFace's heat map, the highest first."""
        h, w = picture.shape[:2]
        request, width, height = self._search(landscape=w >= h)
        scale = min(width / w, height / h)
        inner = max(1, round(w * scale)), max(1, round(h * scale))
        canvas = np.zeros((height, width, 3), np.uint8)
        canvas[: inner[1], : inner[0]] = _rgb(cv2.resize(picture, inner, interpolation=cv2.INTER_AREA))
        request.infer({0: canvas[None]})
        heat, sizes, offsets, points = (request.get_output_tensor(i).data[0].copy() for i in range(4))
        to_picture = np.array([w / inner[0], h / inner[1]])
        return [landmarks * to_picture - 0.5 for landmarks in _peaks(heat[0], sizes, offsets, points)]

    def refine(self, picture: U8, landmarks: NDArray[Any]) -> Face:
        """The face at rough landmarks [5, 2], or at those of the previous frame: one call of O-Net, two where dots
        may hide it.
        """
        best: Face | None = None
        for view in views(picture):
            face = self._refined(view, landmarks)
            if face.score >= FOLLOWED:
                return face
            best = face if best is None else max(best, face, key=lambda face: face.score)
        assert best is not None, "every picture has a view"
        return best

    def _refined(self, picture: U8, landmarks: NDArray[Any]) -> Face:
        eyes, down, angle = _axes(landmarks)
        across = _eye_distance(landmarks)
        side = max(CROP_SIDE * max(across, float(np.linalg.norm(down))), 2.0)
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        center = eyes + CROP_DROP * down
        self._onet.infer({0: _crop(picture, center, side, turn)[None]})
        score, box, points = (self._onet.get_output_tensor(i).data[0].copy() for i in range(3))
        refined = center + side * (points.reshape(2, 5).T - 0.5) @ turn.T
        x0, y0, x1, y1 = (float(v) for v in box + np.array([0, 0, 1, 1]))
        x, y = center + side * turn @ ((x0 + x1 - 1) / 2, (y0 + y1 - 1) / 2)
        w, h = side * (x1 - x0), side * (y1 - y0)
        return Face((float(x - w / 2), float(y - h / 2), w, h), refined.astype(np.float32), float(score[1]))


def _rgb(picture: NDArray[Any]) -> U8:
    return cv2.merge([picture, picture, picture]) if picture.ndim == 2 else picture  # type: ignore[return-value]


def _peaks(heat: F32, sizes: F32, offsets: F32, points: F32) -> list[F64]:
    """Landmarks [5, 2] in pixels of the net's input (edges at integers), one per local maximum."""
    local = heat == cv2.dilate(heat, np.ones((3, 3), np.uint8))
    rows, columns = np.nonzero(local & (heat > FOUND))
    order = np.argsort(-heat[rows, columns], kind="stable")[: 2 * MAX_FACES]
    found: list[F64] = []
    taken: list[tuple[NDArray[Any], NDArray[Any]]] = []
    for row, column in zip(rows[order], columns[order], strict=True):
        size = np.exp(sizes[::-1, row, column].astype(np.float64)) * 4  # w, h
        center = (np.array([column, row]) + offsets[::-1, row, column] + 0.5) * 4
        if any((np.abs(center - other) < 0.5 * extent).all() for other, extent in taken):
            continue
        taken.append((center, size))
        corner = np.maximum(center - size / 2, 0)
        found.append(points[:, row, column].reshape(5, 2)[:, ::-1] * size + corner)
        if len(found) == MAX_FACES:
            break
    return found


def _crop(picture: U8, center: F64, side: float, turn: F64) -> U8:
    """The turned square as O-Net's input uint8 [48, 48, 3], contrast stretched where it is flat.

    Large squares are sampled finer and averaged down, so that no detail aliases.
    """
    finer = min(SHARPEST, ceil(side / (2 * CROP)))
    size = CROP * finer
    linear = turn * (side / size)
    to_picture = np.column_stack([linear, center - linear @ np.full(2, (size - 1) / 2)])
    crop = cv2.warpAffine(picture, to_picture, (size, size), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
    if finer > 1:
        crop = cv2.resize(crop, (CROP, CROP), interpolation=cv2.INTER_AREA)
    return _rgb(_stretched(crop))


def _stretched(crop: NDArray[Any]) -> U8:
    """Dark or flat crops brought to the contrast of a photograph, in one smooth rule: no jump between frames."""
    grey = crop if crop.ndim == 2 else crop[..., 1]
    low, high = np.percentile(grey[4:44, 6:42], (2, 98))
    gain = max(1.0, CONTRAST / max(high - low, 10.0))
    floor = low + (DARKEST - low) * (1 - 1 / gain)
    table = np.clip((np.arange(256) - low) * gain + floor, 0, 255).astype(np.uint8)
    return cv2.LUT(crop, table)  # type: ignore[return-value]


def same_place(a: Face, b: Face) -> bool:
    """Whether two finds are one face: centres nearer than half a side; heads cheek to cheek stand 0.7 apart."""
    one, other = a.canonical_square(), b.canonical_square()
    apart = hypot(one.center[0] - other.center[0], one.center[1] - other.center[1])
    return apart < 0.5 * max(one.side, other.side)


@dataclass(frozen=True, slots=True, eq=False)
class _Track:
    """One person's face so far: where it is and how its middle moved since the previous frame, pixels."""

    face: Face
    velocity: F64
    number: int

    def predicted(self) -> Face:
        """The face one frame on, if it keeps its velocity."""
        landmarks = (self.face.landmarks + self.velocity).astype(np.float32)
        return Face(self.face.box, landmarks, self.face.score)

    def continued(self, face: Face) -> _Track:
        """The same person's track with the face of the next frame."""
        return _Track(face, _middle(face) - _middle(self.face), self.number)


class FaceTracker:
    """Follows the faces of one stream of pictures. One thread at a time.

    ```
    no faces ──find──▶ following ──O-Net in every frame──▶ following
        ▲                 │ a track lost, two tracks on one face, or each `keyframe_every` frames: find
        └──none found─────┘
    ```
    A second face is seen at the next keyframe at the latest; one that is much farther than the nearest is left out:
    people pass behind. Streams that share a machine take different `phase`s, so that their keyframes do not fall
    together.
    """

    def __init__(self, finder: Finder, keyframe_every: int = 15, phase: int = 0) -> None:
        self._finder = finder
        self._every = keyframe_every
        self._phase = phase % keyframe_every
        self._started = 0
        self.reset()

    def reset(self) -> None:
        """Forgets every face, as after a cut in the stream."""
        self._tracks: list[_Track] = []
        self._frame = -1

    @property
    def track_id(self) -> int | None:
        """Number of the first face's track; another number means that its track broke. None without a face."""
        return self._tracks[0].number if self._tracks else None

    def track(self, picture: U8) -> list[Face]:
        """The faces of the next picture, the largest first as of the last keyframe."""
        self._frame += 1
        keyframe = not self._tracks or self._frame % self._every == self._phase
        tracks = None if keyframe else self._followed(picture)
        if tracks is None:
            tracks = [self._joined(face) for face in _before_the_camera(self._finder.find(picture))]
        self._tracks = tracks
        return [track.face for track in tracks]

    def _followed(self, picture: U8) -> list[_Track] | None:
        """Every track one frame on; None where one was lost or two met."""
        tracks: list[_Track] = []
        for track in self._tracks:
            guess = track.predicted()
            face = self._finder.refine(picture, guess.landmarks)
            if np.linalg.norm(_middle(face) - _middle(guess)) > MOVED_FAST * _eye_distance(guess.landmarks):
                face = self._finder.refine(picture, face.landmarks)
            held = face.score >= FOLLOWED and same_place(face, guess)  # False for NaN too
            if not held or any(same_place(face, other.face) for other in tracks):
                return None
            tracks.append(track.continued(face))
        return tracks

    def _joined(self, face: Face) -> _Track:
        """A face just found, as the continuation of the track that led there, else as a new one."""
        for track in self._tracks:
            if same_place(face, track.predicted()):
                return track.continued(face)
        self._started += 1
        return _Track(face, np.zeros(2), self._started)


def _before_the_camera(faces: list[Face]) -> list[Face]:
    """The largest face, which comes first, and those of about its size."""
    return [face for face in faces if face.canonical_square().side >= BACKGROUND * faces[0].canonical_square().side]


def _middle(face: Face) -> F64:
    middle: F64 = face.landmarks.astype(np.float64).mean(axis=0)
    return middle


def _eye_distance(landmarks: NDArray[Any]) -> float:
    return float(np.linalg.norm(landmarks[1] - landmarks[0]))
