"""What the studio's form said when the last take was begun, for the next start of the program.

Neither the person, nor the consent, nor notes are kept: they belong to whoever stood there.
"""

from __future__ import annotations

import json
import logging
import os
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from app.kiosk.take_form import Said, TakeForm
from drivers.session import Labels

PERSONAL = frozenset({"subject", "consent", "notes", "quality", "site"})

log = logging.getLogger(__name__)
_SAID = TypeAdapter(Said)


def keep(path: Path, said: Said) -> None:
    """Writes what is kept. A folder that cannot be written is no trouble."""
    labels = said.labels.model_dump(exclude=set(PERSONAL))
    kept = {"labels": labels, "visit": said.visit, "good_frames": said.good_frames, "seconds": said.seconds}
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        part = path.with_suffix(".part")
        with os.fdopen(os.open(part, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w") as stream:
            json.dump(kept, stream)
        part.replace(path)
    except OSError as error:
        log.warning("the form is not kept: %s", error)


def recall(path: Path, form: TakeForm) -> None:
    """Fills in what was kept; what is not there or not ours leaves the form as it is."""
    try:
        said = _SAID.validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return
    form.fill(Labels(**said.labels.model_dump()), good_frames=said.good_frames, seconds=said.seconds)
