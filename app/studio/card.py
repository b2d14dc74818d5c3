"""`DATASET.md`: what somebody must know before using a set of recordings of faces."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from app.studio.data_set import DataSet
from app.studio.splits import SPLITS

if TYPE_CHECKING:
    from app.studio.takes import StoredTake

SHOWN_GAPS = 40


def card(whole: DataSet) -> str:
    """The card as Markdown, without a date: the same recordings give the same text."""
    about = whole.about
    retention = "not said" if about.retention_days is None else f"{about.retention_days} days after recording"
    parts = [
        f"# {about.name or whole.folder.resolve().name}",
        f"**{_origin(whole)}**",
        f"{len(whole.takes)} takes, {_minutes(whole.takes)} minutes, "
        f"{sum(take.bytes for take in whole.takes) / 1e9:.2f} GB.",
        f"- Licence: {about.licence or 'not said: ask before you use or share it'}\n"
        f"- Consent: {_consent(whole)}\n"
        f"- Retention: {retention}; `trilume sessions expire --days N` removes what is older\n"
        "- Recordings of faces cannot be made anonymous. `trilume sessions delete --subject ID` removes a person.",
        "## What it holds",
        _counted("species", Counter(take.labels.species for take in whole.takes)),
        _counted("light", Counter(take.labels.lighting or "not said" for take in whole.takes)),
        _counted("distance", Counter(_distance(take) for take in whole.takes)),
        _counted("camera", Counter(take.sensor for take in whole.takes)),
        _counted("subject", Counter(take.labels.subject or "not said" for take in whole.takes)),
        "## Splits",
        "Disjoint by subject and by attack instrument; a recording's split does not change when others are added.",
        _splits(whole),
        "## Known gaps",
        _gaps(whole),
    ]
    return "\n\n".join(parts) + "\n"


def _origin(whole: DataSet) -> str:
    words = {
        "real": "Real recordings of a camera",
        "simulated": "Simulated: rendered, no person was recorded",
        "semi_simulated": "Semi-simulated: real recordings turned into attacks by computation",
    }
    counts = Counter(take.origin for take in whole.takes)
    if len(counts) == 1:
        return words.get(next(iter(counts)), "Origin unknown") + "."
    return "Mixed: " + "; ".join(f"{words.get(origin, 'Origin unknown')} ({counts[origin]})" for origin in counts) + "."


def _minutes(takes: Iterable[StoredTake]) -> str:
    return f"{sum(take.seconds for take in takes) / 60:.1f}"


def _consent(whole: DataSet) -> str:
    asked = [take for take in whole.takes if take.origin != "simulated"]
    if not asked:
        return "none needed, no person was recorded"
    silent = sum(not take.labels.consent for take in asked)
    return f"recorded for {len(asked) - silent} of {len(asked)} takes" + (
        "; **the others must not be shared**" if silent else ""
    )


def _distance(take: StoredTake) -> str:
    return "not said" if take.labels.distance_m is None else f"{take.labels.distance_m:.2f} m"


def _counted(heading: str, counts: Mapping[str, int]) -> str:
    rows = [f"| {_cell(name)} | {count} |" for name, count in sorted(counts.items())]
    return "\n".join([f"| {heading} | takes |", "|---|---:|", *rows])


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _splits(whole: DataSet) -> str:
    rows = ["| split | bona fide | attacks | subjects | instruments |", "|---|---:|---:|---:|---:|"]
    for split in SPLITS:
        own = [take for take in whole.takes if whole.split(take) == split]
        subjects = {take.labels.subject for take in own if take.labels.subject}
        instruments = {take.labels.instrument for take in own if take.attack and take.labels.instrument}
        attacks = sum(take.attack for take in own)
        rows.append(f"| {split} | {len(own) - attacks} | {attacks} | {len(subjects)} | {len(instruments)} |")
    return "\n".join(rows)


def _gaps(whole: DataSet) -> str:
    gaps = [f"- Split {split} has no {what}." for split in SPLITS for what in _lacking(whole, split)]
    unnamed = sum(take.attack and not take.labels.instrument for take in whole.takes)
    if unnamed:
        gaps.append(f"- {unnamed} attacks name no instrument: only their subjects keep the splits apart.")
    missing = list(whole.missing_subjects.items())
    gaps += [f"- No take of {_cell(', '.join(kind))}: {_cell(few(who))}." for kind, who in missing[:SHOWN_GAPS]]
    if len(missing) > SHOWN_GAPS:
        gaps.append(f"- And {len(missing) - SHOWN_GAPS} more kinds of take that some subjects lack, in dataset.json.")
    gaps += [f"- Left out: {one.path.name}: {one.brief}." for one in whole.left_out]
    return "\n".join(gaps) or "None known."


def few(names: Sequence[str], shown: int = 8) -> str:
    """Names in a row, the rest as a number."""
    rest = len(names) - shown
    return ", ".join(names[:shown]) + (f" and {rest} more" if rest > 0 else "")


def _lacking(whole: DataSet, split: str) -> list[str]:
    own = [take for take in whole.takes if whole.split(take) == split]
    kinds = (("bona fide take", False), ("attack", True))
    return [what for what, attack in kinds if not any(take.attack == attack for take in own)]
