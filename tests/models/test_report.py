"""What a report writes: report.json's keys, one row a recording, pictures, a page that stands alone."""

from __future__ import annotations

import csv
import json
from html.parser import HTMLParser
from pathlib import Path

import cv2
import numpy as np
import pytest

from models import extra, metrics, report
from models.errors import DatasetError
from models.extra import require_train_extra
from models.figures import figures
from models.judged import Frame, Recording, Truth, table
from models.report import FILES, PICTURES, Report, Wish, make_report, write_report
from models.report_html import page
from models.report_plots import pictures
from pipeline.bundle import Bundle, load_bundle
from pipeline.parameters import Thresholds
from pipeline.result import Verdict
from tests.models.tiny_bundle import tiny_bundle

pytest.importorskip("scipy")
pytest.importorskip("matplotlib")

SPEC_KEYS = {
    "bundle_sha256", "threshold_split", "unit", "counts", "apcer", "apcer_pooled", "bpcer", "acer", "undecided",
    "per_species", "tpr_at_fpr", "auc", "latency_ms",
}  # fmt: skip
VOID = {"meta", "img", "br"}


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return load_bundle(tiny_bundle(tmp_path_factory.mktemp("bundle") / "tiny"))


@pytest.fixture(scope="module")
def made(bundle: Bundle) -> Report:
    """Five bona fide and eight attacks, one recording damaged."""
    rng = np.random.default_rng(1)
    recordings, truths = [], []
    for n, species in enumerate([""] * 5 + ["flat_print", "resin_mask"] * 4):
        centre = 0.1 if not species or n == 6 else 0.9
        frames = tuple(
            Frame(k, k / 10, float(rng.uniform(centre - 0.1, centre + 0.1)), 0.1, None, 0.5, 3.0, 1.0, 20.0)
            for k in range(8)
        )
        verdict = Verdict.LIVE if centre < 0.5 else Verdict.ATTACK
        problem = "r1.mcap: breaks off <here> & now" if n == 1 else None
        recordings.append(Recording(f"r{n}.mcap", "sim-astra", "simulated", False, frames, verdict, None, problem))
        truths.append(Truth(f"r{n}.mcap", bool(species), species, "print" in species, "test", "simulated"))
    return make_report(bundle, recordings, truths, Wish())


@pytest.fixture(scope="module")
def folder(made: Report, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("report")
    write_report(made, out)
    return out


def test_every_file_is_there_and_whole(folder: Path) -> None:
    assert sorted(p.name for p in folder.iterdir()) == sorted([*FILES, *PICTURES])
    for name in PICTURES:
        picture = cv2.imread(str(folder / name))
        assert picture is not None
        assert min(picture.shape[:2]) > 300
        assert picture.std() > 10, "something is drawn"


def test_report_json(folder: Path, bundle: Bundle) -> None:
    told = json.loads((folder / "report.json").read_text())
    assert told.keys() >= SPEC_KEYS
    assert told["bundle_sha256"] == bundle.sha256
    assert (told["unit"], told["threshold_split"], told["data"]) == ("recording", "bundle", "simulated")
    assert told["counts"]["bona_fide"] == 5
    assert told["counts"]["bona_fide_rejected"] == 1, "the damaged one is undecided and so rejected"
    assert told["undecided"] == {"bona_fide": 0.2, "attack": 0.0}
    assert told["damaged"] == {"r1.mcap": "r1.mcap: breaks off <here> & now"}
    assert told["worst_species"] == "resin_mask"
    mask = told["per_species"]["resin_mask"]
    rate = metrics.rate(1, 4)
    assert (mask["apcer"], mask["n"]) == (0.25, 4)
    assert mask["ci95"] == pytest.approx([rate.low, rate.high], abs=1e-6)
    assert set(told["tpr_at_fpr"]) == {"1e-2", "1e-3", "1e-4"}
    assert not any(own["resolvable"] for own in told["tpr_at_fpr"].values()), "8 attacks resolve no rate below 1/8"
    assert {"d_net", "m_net", "cascade"} <= told["auc"].keys()
    assert told["latency_ms"]["p50"] == 20.0
    assert set(told["at"]) == {"bundle", "0.5"}
    assert told["at"]["bundle"]["frame"]["counts"]["attacks"] == 64


def test_scores_csv_has_one_row_a_recording(folder: Path) -> None:
    with (folder / "scores.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0])[:7] == ["path", "label", "species", "d_net", "m_net", "verdict", "reason"]
    assert [row["path"] for row in rows] == [f"r{n}.mcap" for n in range(13)]
    assert (rows[1]["verdict"], rows[1]["reason"]) == ("undecided", "damaged")
    assert rows[1]["problem"].startswith("r1.mcap: breaks off")
    with (folder / "frames.csv").open() as file:
        assert len(list(csv.DictReader(file))) == 13 * 8


class Page(HTMLParser):
    """Checks that tags nest and that nothing is fetched; gathers text."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.text: list[str] = []
        self.outside: list[str] = []
        self.rows: list[int] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.outside += [v for k, v in attrs if k in {"src", "href"} and v and not v.startswith("data:")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def test_the_page_stands_alone_and_says_simulated(folder: Path) -> None:
    parsed = Page()
    parsed.feed((folder / "report.html").read_text())
    assert parsed.open == []
    assert parsed.outside == []
    text = " ".join(" ".join(parsed.text).split())
    assert "Worst species: resin mask , 25.00 %" in text
    assert "breaks off <here> & now" in text, "names are text, never markup"
    assert "not resolvable" in text
    assert "The paper's figures, on its own data" in text
    assert "None" not in text
    assert "nan" not in text
    tables = (folder / "report.html").read_text().split("<table>")[1:]
    ours = tables[:-2]  # the last two are published figures, on data of others
    assert ours
    assert all("simulated data" in own.split("</caption>")[0] for own in ours)


def test_a_page_of_one_class_has_no_holes(bundle: Bundle, made: Report) -> None:
    live = [r for r in made.recordings if r.name in {"r0.mcap", "r2.mcap"}]
    short = make_report(bundle, live, made.truths, Wish(unit="frame"))
    drawn = pictures(short.head.tables["frame"], Thresholds(), "simulated")
    parsed = Page()
    parsed.feed(page(report.report_json(short), [(c.key, c.title) for c in short.columns], drawn))
    assert "None" not in " ".join(parsed.text)


def test_a_missing_extra_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    require_train_extra()
    monkeypatch.setattr(extra, "find_spec", lambda name: None)
    with pytest.raises(DatasetError, match=r"scipy and matplotlib missing: .* pip install 'trilume\[train\]'"):
        require_train_extra()


def test_det_points_are_normal_deviates() -> None:
    stats = pytest.importorskip("scipy.stats")
    scores = np.array([0.1, 0.2, 0.6, 0.3, 0.8, 0.9])
    attacks = np.array([False, False, False, True, True, True])
    curve = metrics.curve(scores, attacks)
    assert (curve.apcer[0], curve.bpcer[0]) == (0.0, 1.0)
    assert (curve.apcer[-1], curve.bpcer[-1]) == (1.0, 0.0)
    for threshold, apcer, bpcer in zip(curve.thresholds, curve.apcer, curve.bpcer, strict=True):
        assert apcer == pytest.approx((scores[attacks] < threshold).mean())
        assert bpcer == pytest.approx((scores[~attacks] >= threshold).mean())
    assert metrics.auc(scores, attacks) == pytest.approx(np.trapezoid(1 - curve.bpcer, curve.apcer))
    x, y = curve.deviates()
    # Between the attacks at 0.3 and 0.8 and below the bona fide at 0.6: a third of each is wrong.
    third = stats.norm.ppf(1 / 3)
    assert any(np.allclose(point, (third, third)) for point in zip(x, y, strict=True))


def test_groups_sort_by_size(made: Report) -> None:
    recordings = [Recording("a", "s", "real", False, (Frame(0, 0.0, 0.1, 0.1, None, 0.5, yaw),)) for yaw in (12.0,)] + [
        Recording("b", "s", "real", False, (Frame(0, 0.0, 0.1, 0.1, None, 1.2, -2.0),))
    ]
    truths = [Truth(name, False, "", False, "test", "real") for name in "ab"]
    found = figures(table(recordings, truths, made.bundle.description.session, Thresholds(), "frame"))
    assert list(found["breakdowns"]["distance"]) == ["0.4 to 0.6 m", "1 m and more"]
    assert list(found["breakdowns"]["yaw"]) == ["0 to 5 °", "10 to 15 °"]
