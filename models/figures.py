"""Figures of a table of verdicts as plain JSON values: every rate with its counts and its 95 % interval."""

from __future__ import annotations

import math
import re
from collections import Counter
from typing import Any

import numpy as np

from models import metrics
from models.judged import F64, Bools, Table

Json = dict[str, Any]

FPRS = {"1e-2": 1e-2, "1e-3": 1e-3, "1e-4": 1e-4}


def figures(table: Table) -> Json:
    """All figures of one table, keys as in report.json.

    A bona fide presentation that is not called live counts as rejected, an undecided attack as not accepted; the
    shares of undecided ones stand beside. AUC and TPR@FPR are over what has scores (`counts.scored`). A figure that
    its class has no presentation for is null.
    """
    rates = metrics.error_rates(table.accepted, table.attacks, table.species)
    return {
        "counts": _counts(table, rates),
        "apcer": _number(rates.apcer.value),
        "worst_species": rates.worst_species or None,
        "apcer_pooled": _number(rates.apcer_pooled.value),
        "bpcer": _number(rates.bpcer.value),
        "acer": _number(rates.acer),
        "ci95": {name: _interval(getattr(rates, name)) for name in ("apcer", "apcer_pooled", "bpcer")},
        "undecided": {
            "bona_fide": _number(_undecided(table, ~table.attacks).value),
            "attack": _number(_undecided(table, table.attacks).value),
        },
        "undecided_reasons": {
            "bona_fide": _reasons(table, ~table.attacks),
            "attack": _reasons(table, table.attacks),
        },
        "per_species": {name: _species(table, name, rate) for name, rate in rates.per_species.items()},
        "tpr_at_fpr": {name: _tpr(table, fpr) for name, fpr in FPRS.items()},
        "auc": _areas(table),
        "eer": _eer(table),
        "breakdowns": {key: _breakdown(table, key) for key in table.groups},
    }


def rate_json(rate: metrics.Rate) -> Json:
    """A rate as {"value", "count", "n", "ci95"}; null where it is of nothing."""
    return {"value": _number(rate.value), "count": rate.count, "n": rate.total, "ci95": _interval(rate)}


def of_both_classes(scores: F64, attacks: Bools) -> tuple[F64, Bools] | None:
    """The finite scores with their labels; None where one class has none."""
    known = np.isfinite(scores)
    some = attacks[known]
    return (scores[known], some) if some.any() and not some.all() else None


def _counts(table: Table, rates: metrics.ErrorRates) -> Json:
    return {
        "bona_fide": rates.bpcer.total,
        "attacks": rates.apcer_pooled.total,
        "bona_fide_rejected": rates.bpcer.count,
        "attacks_accepted": rates.apcer_pooled.count,
        "worst_species_attacks": rates.apcer.total,
        "worst_species_accepted": rates.apcer.count,
        "undecided_bona_fide": int((table.undecided & ~table.attacks).sum()),
        "undecided_attacks": int((table.undecided & table.attacks).sum()),
        "scored": int(np.isfinite(table.s).sum()),
        "rate_of_one_attack": _number(1 / rates.apcer_pooled.total if rates.apcer_pooled.total else math.nan),
    }


def _undecided(table: Table, of: Bools) -> metrics.Rate:
    return metrics.rate(int(table.undecided[of].sum()), int(of.sum()))


def _reasons(table: Table, of: Bools) -> dict[str, int]:
    return dict(Counter(table.reasons[of & table.undecided].tolist()).most_common())


def _species(table: Table, name: str, rate: metrics.Rate) -> Json:
    of = table.attacks & (table.species == name)
    return {
        "apcer": _number(rate.value),
        "n": rate.total,
        "accepted": rate.count,
        "ci95": _interval(rate),
        "undecided": int((table.undecided & of).sum()),
        "flat": bool(table.flat[of].all()),
    }


def _tpr(table: Table, fpr: float) -> Json | None:
    both = of_both_classes(table.s, table.attacks)
    if both is None:
        return None
    found = metrics.tpr_at_fpr(*both, fpr)
    return rate_json(found.tpr) | {"threshold": _number(found.threshold), "resolvable": found.resolvable}


def _areas(table: Table) -> Json:
    """Of each net and the cascade on everything, and of each net on the attacks that it is there for."""
    everything = np.ones(len(table), bool)
    asked = {
        "d_net": (table.d_net, everything),
        "m_net": (table.m_net, everything),
        "cascade": (table.s, everything),
        "d_net_on_2d": (table.d_net, ~table.attacks | table.flat),
        "m_net_on_3d": (table.m_net, ~(table.attacks & table.flat)),
    }
    return {name: _area(scores[of], table.attacks[of]) for name, (scores, of) in asked.items()}


def _area(scores: F64, attacks: Bools) -> float | None:
    both = of_both_classes(scores, attacks)
    return None if both is None else _number(metrics.auc(*both))


def _eer(table: Table) -> float | None:
    both = of_both_classes(table.s, table.attacks)
    return None if both is None else _number(metrics.equal_error_rate(*both)[0])


def _breakdown(table: Table, key: str) -> Json:
    found = metrics.by_group(table.accepted, table.attacks, table.species, table.groups[key])
    out = {}
    for name in sorted(found, key=_by_size):
        of = table.groups[key] == name
        out[name] = {
            "bpcer": rate_json(found[name].bpcer),
            "apcer_pooled": rate_json(found[name].apcer_pooled),
            "apcer": rate_json(found[name].apcer),
            "worst_species": found[name].worst_species or None,
            "undecided": int((table.undecided & of).sum()),
        }
    return out


def _by_size(name: str) -> tuple[float, str]:
    number = re.match(r"\d+(\.\d+)?", name)
    return (float(number[0]) if number else math.inf), name


def _interval(rate: metrics.Rate) -> list[float | None]:
    return [_number(rate.low), _number(rate.high)]


def _number(value: float) -> float | None:
    """Six decimals; null for what is no number, which JSON has no word for."""
    return round(float(value), 6) if math.isfinite(value) else None
