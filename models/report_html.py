"""report.html: one page that stands alone and prints well. All of it is made from report.json's values."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

from models.figures import Json
from models.published import OTHERS, PAPER, Published

CSS = """
:root { color-scheme: light; }
body { font: 15px/1.5 system-ui, "Segoe UI", "DejaVu Sans", sans-serif; color: #1c1c1c; background: #fff;
  max-width: 60rem; margin: 2rem auto; padding: 0 1.5rem; }
h1 { font-size: 1.6rem; margin: 0; } h2 { font-size: 1.15rem; margin: 2.2rem 0 .5rem; border-bottom: 1px solid #ccc; }
h3 { font-size: 1rem; margin: 1.2rem 0 .3rem; }
.badge { display: inline-block; padding: .1rem .6rem; border-radius: .3rem; font-weight: 600; background: #fff1d6;
  border: 1px solid #e0a000; }
.badge.real { background: #e4f3e6; border-color: #4a9a57; }
.muted { color: #666; } .bad { color: #a33c00; font-weight: 600; }
.lead { font-size: 1.1rem; }
table { border-collapse: collapse; margin: .5rem 0 1rem; width: 100%; font-variant-numeric: tabular-nums; }
caption { text-align: left; color: #666; font-size: .85rem; padding-bottom: .2rem; }
th, td { text-align: left; padding: .25rem .6rem .25rem 0; border-bottom: 1px solid #e4e4e4; vertical-align: top; }
th { font-weight: 600; border-bottom: 1px solid #888; }
figure { margin: 0; } .pair { display: grid; grid-template-columns: 1fr 1fr; gap: 1rem; }
img { width: 100%; height: auto; } code { font-size: .85em; overflow-wrap: anywhere; }
@media print { body { font-size: 10.5pt; margin: 0; max-width: none; padding: 0; } h2 { break-after: avoid; }
  table, figure { break-inside: avoid; } }
@media (max-width: 40rem) { .pair { grid-template-columns: 1fr; } }
"""


def page(facts: Json, columns: Sequence[tuple[str, str]], pictures: Mapping[str, bytes]) -> str:
    """The page. `facts` is report.json, `columns` are (key, title) of its thresholds, `pictures` PNG by name."""
    data = facts["data"]
    parts = [
        _head(facts),
        *_overview(facts, columns),
        *_species(facts),
        *_resolution(facts),
        *_pictures(pictures, facts),
        *_breakdowns(facts),
        *_undecided(facts),
        *_comparisons(facts),
        *_latency(facts),
        *_published(),
        *_terms(facts),
    ]
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Presentation attack detection: {escape(facts['bundle'])}, {escape(data)} data</title>"
        f"<style>{CSS}</style></head><body>\n" + "\n".join(parts) + "\n</body></html>\n"
    )


def _head(facts: Json) -> str:
    tone = "badge real" if facts["origins"] == ["real"] else "badge"
    return (
        "<h1>Presentation attack detection</h1>"
        f'<p><span class="{tone}">{escape(facts["data"])} data</span> '
        f"bundle <b>{escape(facts['bundle'])}</b>, trained on {escape(facts['bundle_origin'].replace('_', '-'))} data"
        f'<br><span class="muted">SHA-256 <code>{facts["bundle_sha256"]}</code></span></p>{_said(facts)}'
    )


def _said(facts: Json) -> str:
    """The result in two sentences."""
    counts, unit = facts["counts"], facts["unit"]
    many = f"{unit}s"
    live = f"Of {counts['bona_fide']} bona fide {many}, {counts['bona_fide_rejected']} were not called live"
    attacks = f"of {counts['attacks']} attack {many}, {counts['attacks_accepted']} were called live"
    worst = ""
    if counts["attacks_accepted"]:
        worst = (
            f" Worst species: <b>{_words(facts['worst_species'])}</b>, {_percent(facts['apcer'])} "
            f"({counts['worst_species_accepted']} of {counts['worst_species_attacks']}) accepted."
        )
    return f'<p class="lead">{live}; {attacks} ({escape(facts["data"])} data, test split).{worst}</p>'


def _overview(facts: Json, columns: Sequence[tuple[str, str]]) -> list[str]:
    rows = []
    for key, title in columns:
        limits = facts["at"][key]["thresholds"]
        for unit in ("recording", "frame"):
            own = facts["at"][key][unit]
            mark = "<b>▸</b> " if (key, unit) == (facts["threshold_split"], facts["unit"]) else ""
            rows.append(
                [
                    mark + escape(title) + "<br>" + _muted(f"D-Net {limits['d_net']:g}, M-Net {limits['m_net']:g}"),
                    unit,
                    _rate_of(own, "bpcer", "bona_fide_rejected", "bona_fide"),
                    _rate_of(own, "apcer", "worst_species_accepted", "worst_species_attacks")
                    + (f"<br>{_words(own['worst_species'])}" if own["counts"]["attacks_accepted"] else ""),
                    _rate_of(own, "apcer_pooled", "attacks_accepted", "attacks"),
                    _percent(own["acer"]),
                ]
            )
    header = ["thresholds", "unit", "BPCER", "APCER, worst species", "APCER, pooled", "ACER"]
    notes = "".join(f"<li>{escape(note)}</li>" for note in facts["notes"])
    damaged = "".join(
        f'<li class="bad">{escape(name)}: {escape(problem)}</li>' for name, problem in facts["damaged"].items()
    )
    return [
        "<h2>Error rates</h2>",
        _table(
            header,
            rows,
            _caption(
                facts, "▸ the figures at the head; rates with counts and 95 % intervals (Clopper–Pearson)", unit=False
            ),
        ),
        f"<ul>{notes}{damaged}</ul>",
    ]


def _species(facts: Json) -> list[str]:
    rows = [
        [
            _words(name) + (" ← worst" if name == facts["worst_species"] and own["accepted"] else ""),
            "2-D" if own["flat"] else "3-D",
            _rate({"value": own["apcer"], "count": own["accepted"], "n": own["n"]}),
            _range(own["ci95"]),
            f"{own['undecided']}",
        ]
        for name, own in facts["per_species"].items()
    ]
    header = ["species", "kind", "APCER", "95 % interval", "undecided"]
    return ["<h2>Species of attack instruments</h2>", _table(header, rows, _caption(facts))] if rows else []


def _resolution(facts: Json) -> list[str]:
    rows = []
    for name, own in facts["tpr_at_fpr"].items():
        if own is not None:
            mark = "" if own["resolvable"] else ' <span class="bad">not resolvable</span>'
            rows.append([name + mark, _rate(own), _range(own["ci95"])])
    areas = facts["auc"]
    titles = {
        "cascade": "cascade",
        "d_net": "D-Net, all attacks",
        "d_net_on_2d": "D-Net, 2-D attacks",
        "m_net": "M-Net, all attacks",
        "m_net_on_3d": "M-Net, 3-D attacks",
    }
    lines = [[title, "–" if areas[key] is None else f"{areas[key]:.4f}"] for key, title in titles.items()]
    scored, total = facts["counts"]["scored"], facts["counts"]["bona_fide"] + facts["counts"]["attacks"]
    finest = facts["counts"]["rate_of_one_attack"]
    said = f"over the {scored} of {total} that have scores"
    if finest:
        said += f"; one attack is {finest:.1e}: a finer rate cannot be resolved"
    parts = ["<h2>Separation, whatever the thresholds</h2>"]
    if rows:
        parts.append(_table(["attacks accepted", "bona fide accepted", "95 % interval"], rows, _caption(facts, said)))
    parts.append(_table(["area under the ROC of", "AUC"], lines, _caption(facts)))
    if facts["eer"] is not None:
        parts.append(
            f"<p>Equal error rate of the cascade: {_percent(facts['eer'])} ({escape(facts['data'])} data).</p>"
        )
    return parts


def _pictures(pictures: Mapping[str, bytes], facts: Json) -> list[str]:
    def image(name: str, alt: str) -> str:
        source = base64.b64encode(pictures[name]).decode()
        return f'<figure><img alt="{escape(alt)}" src="data:image/png;base64,{source}"></figure>'

    alt = f"({facts['data']} data)"
    return [
        "<h2>Curves</h2>",
        f'<div class="pair">{image("roc.png", f"ROC {alt}")}{image("det.png", f"DET {alt}")}</div>',
        f'<div class="pair">{image("thresholds.png", f"APCER and BPCER over the threshold {alt}")}</div>',
        image("scores.png", f"Scores by species {alt}"),
    ]


def _breakdowns(facts: Json) -> list[str]:
    parts = []
    for key, groups in facts["breakdowns"].items():
        rows = [
            [
                _words(name),
                _rate(own["bpcer"]),
                _range(own["bpcer"]["ci95"]),
                _rate(own["apcer_pooled"]),
                _range(own["apcer_pooled"]["ci95"]),
                f"{own['undecided']}",
            ]
            for name, own in groups.items()
        ]
        header = [_words(key), "BPCER", "95 % interval", "APCER, pooled", "95 % interval", "undecided"]
        parts.append(f"<h3>By {_words(key)}</h3>{_table(header, rows, _caption(facts))}")
    return ["<h2>Break-downs</h2>", *parts] if parts else []


def _undecided(facts: Json) -> list[str]:
    shares, reasons = facts["undecided"], facts["undecided_reasons"]
    rows = [
        [
            title,
            _percent(shares[key]),
            ", ".join(f"{_words(name)} ×{count}" for name, count in reasons[key].items()) or "–",
        ]
        for key, title in (
            ("bona_fide", "bona fide (count as rejected)"),
            ("attack", "attacks (count as not accepted)"),
        )
    ]
    return ["<h2>No verdict</h2>", _table(["", "undecided", "reasons"], rows, _caption(facts))]


def _comparisons(facts: Json) -> list[str]:
    if not facts["comparisons"]:
        return []
    rows = [
        [escape(own["name"]), escape(own["on"]), *(escape(own[key]) for key in ("own", "bundle", "difference"))]
        for own in facts["comparisons"]
    ]
    header = ["scores of", "on", "ACER of its own", "ACER of the bundle", "bundle minus it, 95 % interval"]
    return ["<h2>Beside other scores of the same faces</h2>", _table(header, rows, _caption(facts, unit=False))]


def _latency(facts: Json) -> list[str]:
    if not (ms := facts["latency_ms"]):
        return []
    text = f"p50 {ms['p50']:.1f}, p95 {ms['p95']:.1f}, largest {ms['max']:.1f} ms a frame, all stages, both nets."
    return ["<h2>Time</h2>", f"<p>{text}</p>"]


def _published() -> list[str]:
    def rows(entries: Iterable[Published]) -> list[list[str]]:
        return [[escape(e.what), escape(e.data), escape(e.figure) + (f"<br>{_muted(e.remark)}" if e.remark else "")]
                for e in entries]  # fmt: skip

    header = ["what", "data", "figure"]
    return [
        "<h2>The paper's figures, on its own data</h2>",
        "<p>Nothing above was measured on these data sets; the figures are not comparable. Remarks are recomputed "
        "from the printed counts.</p>",
        _table(header, rows(PAPER)),
        "<h3>Others, on their data</h3>",
        _table(header, rows(OTHERS)),
    ]


def _terms(facts: Json) -> list[str]:
    origin = (
        "<p><b>Simulated</b>: rendered by this program; such figures say how well the simulator's attacks are told "
        "apart, no more. <b>Semi-simulated</b>: real captures turned into attacks by computation.</p>"
    )
    return [
        "<h2>Terms</h2>",
        "<p>ISO/IEC 30107-3. APCER: share of attacks called live, of the worst species or pooled over all. BPCER: "
        "share of bona fide presentations not called live, undecided ones among them. ACER: mean of pooled APCER and "
        "BPCER. Scores are probabilities of an attack; they were made without sight of the labels.</p>",
        origin if facts["origins"] != ["real"] or facts["bundle_origin"] != "real" else "",
    ]


def _caption(facts: Json, more: str = "", *, unit: bool = True) -> str:
    by = f", by {facts['unit']}" if unit else ""
    return escape(f"{facts['data']} data, test split{by}" + (f"; {more}" if more else ""))


def _table(header: Sequence[str], rows: Sequence[Sequence[str]], caption: str = "") -> str:
    head = "".join(f"<th>{cell}</th>" for cell in header)
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    title = f"<caption>{caption}</caption>" if caption else ""
    return f"<table>{title}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _muted(text: str) -> str:
    return f'<span class="muted">{escape(text)}</span>'


def _words(name: Any) -> str:
    return escape(str(name).replace("_", " "))


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.2f} %"


def _range(interval: Sequence[float | None]) -> str:
    low, high = interval
    return "–" if low is None or high is None else f"{100 * low:.2f}–{100 * high:.2f} %"


def _rate(rate: Json) -> str:
    counts = _muted(f"({rate['count']}/{rate['n']})")
    return "–" if rate["value"] is None else f"{_percent(rate['value'])} {counts}"


def _rate_of(own: Json, name: str, count: str, total: str) -> str:
    if own[name] is None:
        return "–"
    counts = own["counts"]
    text = f"({counts[count]}/{counts[total]})"
    return f"{_percent(own[name])} {_muted(text)}<br>{_muted(_range(own['ci95'][name]))}"
