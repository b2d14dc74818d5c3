"""Short recordings of the simulated camera for tests of the window."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice
from pathlib import Path

from drivers.frames import FrameSet, Image
from drivers.session import Labels, SessionWriter
from drivers.simulated.camera import SimulatedCamera
from drivers.source import frames_of

FPS = 10.0


def record(path: Path, *scenes: tuple[str, int], labels: Labels | None = None) -> Path:
    """One session in which scenes (name, frames) follow one another before the same camera."""
    sets: list[FrameSet] = []
    for scene, frames in scenes:
        camera = SimulatedCamera(scene, seed=9001, preset="astra", seconds=frames / FPS + 1, fps=FPS)
        sets += islice(frames_of(camera), frames)
    with SessionWriter(path, sets[0].rig, camera.info, labels or Labels()) as writer:
        for number, frame_set in enumerate(sets):
            writer.write(_at(frame_set, number, sets[0]))
    return path


def _at(frame_set: FrameSet, number: int, first: FrameSet) -> FrameSet:
    time_s = first.device_time_s + number / FPS

    def moved(image: Image | None) -> Image | None:
        return None if image is None else replace(image, device_time_s=time_s)

    return replace(
        frame_set,
        sequence=number,
        host_time_s=first.host_time_s + number / FPS,
        color=moved(frame_set.color),
        depth=moved(frame_set.depth),
        infrared=moved(frame_set.infrared),
        rig=first.rig,
    )
