"""The window with views that note what they are handed and runners that do as they are told."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from pathlib import Path

from PySide6.QtWidgets import QAbstractButton, QLabel, QWidget

from app.kiosk.switching import Switch
from app.kiosk.window import MainWindow
from drivers.session import Labels
from drivers.source import CameraInfo
from pipeline.result import Reason, Result, Verdict
from pipeline.runner import Phase, Shown, State, Take, Trace
from tests.app.scene import frames


@dataclass
class Puppet:
    """A runner that shows what a test tells it to."""

    uri: str
    close_s: float = 0.0
    calls: list[str] = field(default_factory=list)
    shown: Shown | None = None
    phase: Phase = "running"
    take: Take | None = None
    trouble: str | None = None

    def start(self) -> None:
        self.calls.append("start")

    def latest(self) -> Shown | None:
        return self.shown

    def history(self) -> tuple[Trace, ...]:
        return ()

    def state(self) -> State:
        info = CameraInfo("drawn", "sim-astra", "7", live=True, origin="simulated")
        return State(self.phase, self.uri, info=info, take=self.take, trouble=self.trouble)

    def begin_take(self, path: Path, labels: Labels) -> None:
        self.calls.append(f"begin {path.name}")
        self.take = Take(path, (path,), True, 30, 62.4, 25_000_000, 3, 20)

    def end_take(self) -> Take:
        assert self.take is not None
        self.take = replace(self.take, recording=False)
        return self.take

    def forget(self) -> None:
        self.calls.append("forget")

    def close(self) -> None:
        time.sleep(self.close_s)
        self.calls.append("close")

    def judge(self, verdict: Verdict) -> None:
        number = 0 if self.shown is None else self.shown.number + 1
        reason = Reason.COLLECTING if verdict is Verdict.UNDECIDED else None
        result = Result(number, number / 30, verdict, reason, verdict, reason)
        self.shown = Shown(number, next(iter(frames(1))), result, time.monotonic())


class Plain(QLabel):
    """A view that notes what it was handed."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[int | None] = []
        self.broken = False
        self.busy = False

    def refresh(self, shown: Shown | None, state: State, history: tuple[Trace, ...]) -> None:
        if self.broken:
            raise ValueError("broken view")
        self.seen.append(shown.number if shown else None)


@dataclass
class Stage:
    window: MainWindow
    puppets: list[Puppet]
    live: Plain
    why: Plain
    studio: Plain
    subject: Plain
    replayed: list[Path]
    recorder: list[Switch]

    @property
    def puppet(self) -> Puppet:
        return self.puppets[-1]


def words(widget: QWidget) -> str:
    """Everything that is written anywhere in a widget."""
    written = widget.findChildren(QLabel) + widget.findChildren(QAbstractButton)
    return "\n".join(child.text() for child in written if child.isVisible())


def badge(stage: Stage) -> Verdict:
    return stage.window._badge.verdict
