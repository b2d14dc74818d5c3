"""Recordings of a ChArUco target as views of it: what the calibration commands read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from app.errors import Refused
from app.target import same_camera
from calibration.detection import LENSES, View, detect, differs, pose
from calibration.rig import Extrinsics, Rig
from calibration.target import Board, TargetError
from drivers.frames import FrameSet
from drivers.open import is_frame_folder, open_source, sessions_in
from drivers.source import CameraInfo, frames_of

FRAMES_LOOKED_AT = 120  # of one recording, spread evenly
MAX_VIEWS = 60


@dataclass(frozen=True, slots=True, eq=False)
class Sighting:
    """The target in one frame set: in which recording, and its corners in each lens that saw it."""

    source: str
    frame_set: FrameSet
    view: View


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """One camera, its rig as recorded, and where it saw the target. `frames` is how many frame sets were looked at."""

    info: CameraInfo
    rig: Rig
    sightings: tuple[Sighting, ...]
    frames: int


def parsed_board(text: str) -> Board:
    """The target that an option describes. Raises Refused."""
    try:
        return Board.parse(text)
    except TargetError as error:
        raise Refused(f"--board: {error}") from None


def recordings_of(captures: Sequence[str]) -> list[str]:
    """Recordings named, folders of recordings opened out. Raises Refused, NotFound, AccessDenied."""
    named: list[str] = []
    for capture in captures:
        path = Path(capture)
        if path.is_dir() and not is_frame_folder(path):
            named += [str(found) for found in sessions_in(path)]
        else:
            named.append(capture)
    if not named:
        raise Refused(f"{captures[0]}: holds no recording: record the target first, `trilume record --help`")
    return named


def frames_across(recordings: Sequence[str]) -> Iterator[tuple[str, CameraInfo, FrameSet]]:
    """Frame sets of recordings of one camera, spread evenly over each. Raises Refused, and what sources raise."""
    rig: Rig | None = None
    serial = ""
    for name in recordings:
        source = open_source(name)
        with closing(source):
            source.open()
            info = source.info
            rig, serial = rig or source.rig, serial or info.serial
            if info.live or info.frames is None:
                raise Refused(f"{name}: is no recording: record it first, `trilume record --help`")
            if not same_camera(source.rig, rig) or info.serial not in {"", serial}:
                raise Refused(f"{name}: was taken with another camera than {recordings[0]}: one at a time")
            step = max(1, info.frames // FRAMES_LOOKED_AT)
            for number, frame_set in enumerate(frames_of(source)):
                if number % step == 0:
                    yield name, info, frame_set


def sightings_in(captures: Sequence[str], board: Board) -> Seen:
    """Different views of the target in recordings of one camera; what looks like a view before is left out."""
    found: list[Sighting] = []
    frames, first = 0, None
    for name, info, frame_set in frames_across(recordings_of(captures)):
        first = first or (info, frame_set.rig)
        frames += 1
        view = seen_in(frame_set, board)
        if view and differs(view, [s.view for s in found], frame_set.rig):
            found.append(Sighting(name, frame_set, view))
            if len(found) == MAX_VIEWS:
                break
    if first is None:
        raise Refused(f"{captures[0]}: holds no frame sets")
    return Seen(*first, tuple(found), frames)


def seen_in(frame_set: FrameSet, board: Board) -> View:
    """The target in each lens of a frame set; empty where it is in none."""
    pictures = {name: frame_set.image(name) for name in LENSES if getattr(frame_set.rig, name) is not None}
    found = {name: detect(image.pixels, board) for name, image in pictures.items() if image is not None}
    return {name: detection for name, detection in found.items() if detection is not None}


def from_depth_camera(view: View, rig: Rig, board: Board) -> Extrinsics:
    """Motion target → depth camera, by the lens that stands nearest to it: infrared, else colour.

    Raises TooLittle where the corners have no pose.
    """
    if rig.registered:
        name = next(name for name in LENSES if name in view)
        return pose(view[name], rig.grid, board)
    if "infrared" in view and rig.infrared is not None:
        to_color, target = rig.infrared_to_color, pose(view["infrared"], rig.infrared, board)
    else:
        assert rig.color is not None
        to_color, target = Extrinsics(), pose(view["color"], rig.color, board)
    back = rig.depth_to_color.inverse()
    R = back.R @ to_color.R
    t = back.R @ to_color.t + back.t
    return Extrinsics.of(R @ target.R, R @ target.t + t)
