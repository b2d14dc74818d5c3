"""A source in front of an engine: what `--replay`, `watch` and `explain` have in common."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path

from app.errors import Refused, say
from drivers.errors import SessionError
from drivers.frames import FrameSet
from drivers.live import patient_frames
from drivers.open import open_live, open_source
from drivers.source import CameraInfo, Source, frames_of
from drivers.stream import LosslessStream
from pipeline.bundle import Bundle
from pipeline.engine import Engine
from pipeline.gate import age_s
from pipeline.result import Reason, Result, Verdict


@dataclass(frozen=True, slots=True)
class Switches:
    """How a source is judged."""

    gate: bool = True
    accept_sensor: bool = False
    both_nets: bool = False


class Judging:
    """Iterate it once for (frame set, result); `info` and `verdict` are valid from the first one on.

    Raises the TrilumeErrors of the source, SessionError for a recording without frames, EngineFaulty. The source
    is closed whichever way the iteration ends.
    """

    def __init__(
        self, uri: str, bundle: Bundle, switches: Switches, *, endless: bool = False, limit: int | None = None
    ) -> None:
        self.uri = uri
        self.began_s = time.perf_counter()
        self._bundle, self._switches = bundle, switches
        self._endless, self._limit = endless, limit
        # A recording is read and decoded ahead while the frame before is judged; a camera keeps its own pace.
        self._source: Source = open_live(uri) if endless else LosslessStream(open_source(uri))
        self._info: CameraInfo | None = None
        self._engine: Engine | None = None

    @property
    def info(self) -> CameraInfo:
        """Who delivers; a source itself tells it only while it is open."""
        assert self._info is not None, "valid from the first frame set on"
        return self._info

    @property
    def verdict(self) -> Verdict:
        """The verdict of everything judged so far."""
        return self.session[0]

    @property
    def session(self) -> tuple[Verdict, Reason | None]:
        """The verdict of everything judged so far, and why there is none."""
        return self._engine.session_verdict() if self._engine else (Verdict.UNDECIDED, Reason.COLLECTING)

    def __iter__(self) -> Iterator[tuple[FrameSet, Result]]:
        with closing(self._source):
            frames = patient_frames(self._source, say) if self._endless else frames_of(self._source)
            first = next(frames, None)
            if first is None:
                raise SessionError(f"{self.uri}: holds no frames: record it again")
            self._info = self._source.info
            self._check_it_ends()
            self._engine = self._made_engine()
            if age_s(first, self._info) > 0:  # of a camera: old by now
                first = next(frames, first)
            self.began_s = time.perf_counter()
            for frame_set in islice(chain([first], frames), self._limit):
                yield frame_set, self._engine.process(frame_set, age_s(frame_set, self._info))
                self._engine.check(self.uri, frame_set)

    def _check_it_ends(self) -> None:
        live = self.info.live or ("://" in self.uri and self.info.frames is None)
        if live and not self._endless and self._limit is None:
            raise Refused(f"{self.uri}: has no end: add seconds=… to it, or take `trilume watch --source {self.uri}`")

    def _made_engine(self) -> Engine:
        return Engine(
            self._bundle,
            sensor=self.info.sensor,
            gate=self._switches.gate,
            accept_sensor=self._switches.accept_sensor,
            both_nets=self._switches.both_nets,
        )


def picture_path(folder: Path, uri: str) -> Path:
    """Where a recording's sheet goes."""
    name = "".join(c if c.isalnum() or c in "-_." else "-" for c in Path(uri).name or uri)
    return folder / f"{name}.png"
