"""How the window was asked to start."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Wish:
    """How the kiosk was asked to start; None: as the settings say."""

    source: str | None = None
    bundle: Path | None = None
    language: str | None = None
    theme: str | None = None
    fullscreen: bool = False
    accept_sensor: bool = False
    keep_alive: bool = False
    timing: bool = False

    def options(self) -> list[str]:
        """As a command line, but for `--keep-alive`."""
        named = {"--source": self.source, "--bundle": self.bundle, "--language": self.language, "--theme": self.theme}
        switches = {
            "--fullscreen": self.fullscreen, "--accept-sensor": self.accept_sensor, "--timing": self.timing,
        }  # fmt: skip
        given = [f"{name}={value}" for name, value in named.items() if value is not None]
        return [*given, *(name for name, wanted in switches.items() if wanted)]
