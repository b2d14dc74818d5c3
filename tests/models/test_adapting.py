"""Adapting a bundle: better on a camera it did not know, no worse on the one it knew, refused where it cannot be."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from calibration.srgb import linear_to_srgb
from models.datasets.faces import Faces, FaceWriter, Sample
from models.datasets.recordings import Outcome, prepare_recordings
from models.errors import DatasetError, TrainingError
from models.manifest import Entry
from pipeline import engine
from pipeline.bundle import Bundle, load_bundle
from pipeline.parameters import Preprocessing
from pipeline.result import Prepared
from tests.app.scene import FACE, cut, frame, frames, record
from tests.models.synthetic import SPECIES, synthetic_face, synthetic_sample
from tests.models.tiny_bundle import tiny_bundle, tiny_description, tiny_nets

torch = pytest.importorskip("torch")
pytest.importorskip("scipy")

from models.adapting import MOST_MOVED, Adaptation, adapt, adapt_bundle, learnable  # noqa: E402
from models.bundling import TrainedNets, random_bundle, trained_files  # noqa: E402
from models.export import write_bundle  # noqa: E402
from models.metrics import logit  # noqa: E402
from models.networks import ATTACK, KINDS, CascadeNet, Kind, net_config  # noqa: E402
from models.scoring import cut_all  # noqa: E402
from pipeline.parameters import default_patches  # noqa: E402

OTHER = np.array([1, 1, 0.6, 0.5], np.float32)  # red to infrared: its living faces look like the old camera's masks
RECIPE = Adaptation(steps=20, learning_rate=2e-3, pull=2.0, faces_per_step=10, max_bpcer=0.1, bf16=False)


def dimmed(face: Prepared) -> Prepared:
    assert face.stack is not None
    assert face.color is not None
    stack = face.stack * OTHER[:, None, None]
    color = linear_to_srgb(stack[:3].clip(0, 1))
    total = np.rint(255 * (color + stack[3]) / 2) * face.mask
    difference = np.rint(255 * np.abs(color - stack[3]).clip(0, 1) ** (1 / 2.2)) * face.mask
    return replace(face, stack=stack, sum=total.astype(np.uint8), diff=difference.astype(np.uint8))


def site_store(directory: Path, wanted: Callable[[Sample], bool] = lambda _: True) -> Faces:
    rng = np.random.default_rng(5)
    with FaceWriter(directory, Preprocessing()) as writer:
        for split in ("train", "dev", "test"):
            for species in SPECIES:
                for number in range(8):
                    sample = synthetic_sample(species, split, number, sensor="site-cam", origin="real")
                    if wanted(sample):
                        writer.add(sample, dimmed(synthetic_face(species, rng)))
    return Faces.load(directory)


def taught(kind: Kind, faces: Path) -> CascadeNet:
    """A tiny net that tells the synthetic faces of its stage apart."""
    some = Faces.load(faces, split="train", species={"d_net": ["", "flat_print"], "m_net": ["", "resin_mask"]}[kind])
    some = some.take(range(0, len(some), 2))
    planes = torch.from_numpy(some.depth_maps(range(len(some))) if kind == "d_net" else some.planes(range(len(some))))
    groups = [planes] if kind == "d_net" else [x for _, x in cut_all(planes, default_patches()[34:])]
    torch.manual_seed(1)
    net = CascadeNet(net_config(kind, "tiny"))
    optimiser = torch.optim.Adam(net.parameters(), 3e-3)
    wanted = torch.from_numpy(np.where(some.attacks, ATTACK, 1 - ATTACK))
    for step in range(20):
        x = groups[step % len(groups)]
        optimiser.zero_grad()
        torch.nn.functional.cross_entropy(net(x), wanted.repeat(len(x) // len(wanted))).backward()
        optimiser.step()
    norms = [m for m in net.modules() if isinstance(m, torch.nn.BatchNorm1d | torch.nn.BatchNorm2d)]
    for norm in norms:  # a mean over all inputs: so few steps leave running statistics behind
        norm.reset_running_stats()
        norm.momentum = None
    with torch.no_grad():
        for x in groups:
            net(x)
    for norm in norms:
        norm.momentum = 0.1
    net.eval()
    return net


@pytest.fixture(scope="module")
def old(faces: Path, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    patches = tuple(p.model_copy(update={"weight": 0.5 * (p.size >= 80)}) for p in default_patches())
    nets = TrainedNets(taught("d_net", faces), taught("m_net", faces), patches)
    description = tiny_description(("sim-astra",)).model_copy(update={"name": "old", "patches": patches})
    out = tmp_path_factory.mktemp("old") / "bundle"
    return load_bundle(write_bundle(out, description, *tiny_nets(), "# old\n", trained_files(nets)))


def test_better_on_the_new_camera_without_forgetting_the_old(old: Bundle, faces: Path, tmp_path: Path) -> None:
    own, known = site_store(tmp_path / "site"), Faces.load(faces)
    spent: list[float] = []
    made = adapt_bundle(old, own, known, tmp_path / "new", RECIPE, spent.append)
    assert made.kinds == KINDS
    assert spent == sorted(spent)
    assert spent[-1] == pytest.approx(1)
    before, after = TrainedNets.of_bundle(old.path), TrainedNets.of_bundle(made.path)
    description = load_bundle(made.path).description

    def wrong(nets: TrainedNets, thresholds: Bundle, faces: Faces) -> float:
        scores = nets.score(faces.where(lambda s: s.split == "test"))
        return float((scores.accepted(thresholds.description.thresholds) == scores.faces.attacks).mean())

    new = load_bundle(made.path)
    assert wrong(before, old, own) > 0.25  # the old bundle turns the site's living people away
    assert wrong(after, new, own) < 0.05
    assert wrong(after, new, known) < 0.05
    moved = logit([description.thresholds.d_net, description.thresholds.m_net]) - logit([0.5, 0.5])
    assert np.abs(moved).max() <= MOST_MOVED + 1e-4
    assert description.sensors == ("sim-astra", "site-cam")
    assert description.origin == "semi_simulated"
    assert "site's development split" in description.operating_point
    assert load_bundle(old.path).sha256 == old.sha256
    card = (made.path / "MODEL_CARD.md").read_text()
    assert {row.data for row in made.rows} == {"own, test (real)", "old store, test (simulated)"}
    assert all(row.before in card and row.after in card for row in made.rows)
    assert "Half of each step" in card
    assert "### old" in card
    with pytest.raises(TrainingError, match="exists"):
        adapt_bundle(old, own, known, tmp_path / "new", RECIPE)


def test_weights_are_drawn_back_and_statistics_stay(old: Bundle, tmp_path: Path) -> None:
    train = site_store(tmp_path / "site").where(lambda s: s.split == "train")
    nets = TrainedNets.of_bundle(old.path)

    def moved(pull: float) -> float:
        recipe = replace(RECIPE, steps=6, pull=pull)
        after = adapt(nets, ("m_net",), train, None, recipe)
        for name, value in after.d_net.state_dict().items():
            assert torch.equal(value, nets.d_net.state_dict()[name])
        for name, value in after.m_net.state_dict().items():
            if "running_" in name:
                assert torch.equal(value, nets.m_net.state_dict()[name])
        pairs = zip(after.m_net.parameters(), nets.m_net.parameters(), strict=True)
        return sum(float((a - b).detach().square().sum()) for a, b in pairs)

    assert 0 < moved(300.0) < 0.5 * moved(0.0)


def test_a_net_without_attacks_of_its_kind_stays(old: Bundle, faces: Path, tmp_path: Path) -> None:
    prints = site_store(tmp_path / "prints", lambda s: s.species != "resin_mask")
    masks = site_store(tmp_path / "masks", lambda s: s.species != "flat_print")
    live = site_store(tmp_path / "live", lambda s: not s.attack)
    assert learnable(prints, None) == ("d_net",)
    assert learnable(prints, Faces.load(faces)) == KINDS
    assert learnable(masks, None) == ("m_net",)
    assert learnable(live, None) == ()
    with pytest.raises(TrainingError, match="neither net"):
        adapt_bundle(old, live, None, tmp_path / "new", RECIPE)
    with pytest.raises(TrainingError, match=r"site-cam is new .* 2-D attacks"):
        adapt_bundle(old, masks, None, tmp_path / "new", RECIPE)
    two = Faces.load(_two_sensors(tmp_path / "two"))
    with pytest.raises(DatasetError, match="cam-a shows living faces only"):
        adapt_bundle(old, two, None, tmp_path / "new", RECIPE)
    with pytest.raises(TrainingError, match=r"d_net\.pt: missing"):
        adapt_bundle(load_bundle(random_bundle(tmp_path / "random")), masks, None, tmp_path / "new", RECIPE)
    assert not (tmp_path / "new").exists()


def _two_sensors(directory: Path) -> Path:
    rng = np.random.default_rng(0)
    with FaceWriter(directory, Preprocessing()) as writer:
        for species in SPECIES:
            sensor = "cam-a" if species == "live" else "cam-b"
            writer.add(synthetic_sample(species, "train", 0, sensor=sensor), synthetic_face(species, rng))
    return directory


def test_thresholds_stay_where_nothing_tells_better(old: Bundle, tmp_path: Path) -> None:
    own = site_store(tmp_path / "site", lambda s: s.split == "train" or (s.split == "test" and not s.attack))
    made = adapt_bundle(old, own, None, tmp_path / "new", replace(RECIPE, steps=1))
    description = load_bundle(made.path).description
    assert description.thresholds == old.description.thresholds
    assert description.session == old.description.session
    assert "Thresholds are the old ones" in description.operating_point
    assert ("APCER, pooled", "–") in {(row.figure, row.after) for row in made.rows}
    assert any("what was forgotten is not known" in line for line in made.lines)


@pytest.fixture
def _face_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "FaceFinder", lambda *_: None)
    monkeypatch.setattr(engine.Engine, "_find", lambda *_: [FACE])


def _entry(path: Path, **changes: object) -> Entry:
    fields = {
        "path": path, "label": "bona_fide", "species": "", "instrument": "", "subject": path.stem, "split": "train",
        "origin": "real", "extra": (("light", "office"), ("skin_type", "4")),
    }  # fmt: skip
    return Entry(**{**fields, **changes})  # type: ignore[arg-type]


@pytest.mark.usefixtures("_face_found")
def test_recordings_become_faces_and_a_stopped_run_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    judge = load_bundle(tiny_bundle(tmp_path / "tiny"))
    dark = replace(frame(0), infrared=None)
    paths = [
        record(tmp_path / "a.mcap", frames(7), subject="a"),
        record(tmp_path / "b.mcap", [replace(dark, sequence=n, **_times(n)) for n in range(4)], species="flat_print"),
    ]
    entries = [
        _entry(paths[0]),
        _entry(paths[1], label="attack", species="bent", instrument="sheet", subject="", split="test"),
    ]
    seen: list[int] = []
    process = engine.Engine.process
    monkeypatch.setattr(engine.Engine, "process", lambda self, f: (seen.append(f.sequence), process(self, f))[1])
    first, _ = prepare_recordings(entries[:1], judge, tmp_path / "store", every=3)
    assert seen == [0, 3, 6]
    both, outcomes = prepare_recordings(entries, judge, tmp_path / "store", every=3)
    assert seen == [0, 3, 6, 0, 3]  # the first was not read again
    assert [(o.frames, o.faces, o.problem) for o in outcomes] == [(3, 3, None), (2, 2, None)]
    assert len(first) == 3
    live, sheet = (both.where(lambda s, a=a: s.attack == a).samples[0] for a in (False, True))  # type: ignore[misc]
    assert (live.sensor, live.origin, live.light, live.skin_type) == ("sim-astra", "simulated", "office", 4)
    assert live.reflectance
    assert (sheet.flat, sheet.reflectance, sheet.split, sheet.instrument) == (True, False, "test", "sheet")
    moved = [replace(entries[0], split="test"), entries[1]]
    again, _ = prepare_recordings(moved, judge, tmp_path / "store", every=3)
    assert {s.split for s in again.samples} == {"test"}
    assert len(again) == 5


def _times(n: int) -> dict[str, object]:
    made = frame(n)
    return {"host_time_s": made.host_time_s, "color": made.color, "depth": made.depth}


@pytest.mark.usefixtures("_face_found")
def test_damage_is_said_and_wrong_labels_are_refused(tmp_path: Path) -> None:
    judge = load_bundle(tiny_bundle(tmp_path / "tiny"))
    whole = record(tmp_path / "w.mcap", frames(6), species="bona_fide")
    damaged = cut(whole, tmp_path / "d.mcap")
    entries = [_entry(whole), _entry(damaged)]
    faces, outcomes = prepare_recordings(entries, judge, tmp_path / "store", every=1)
    assert outcomes[0].problem is None
    assert outcomes[1].problem is not None
    assert outcomes[1].faces < 6
    assert len(faces) == sum(outcome.faces for outcome in outcomes)
    fake = record(tmp_path / "fake.mcap", frames(1), species="flat_print")
    with pytest.raises(DatasetError, match="labelled flat_print"):
        prepare_recordings([_entry(fake)], judge, tmp_path / "other")
    with pytest.raises(DatasetError, match="something else"):
        prepare_recordings(entries, judge, tmp_path)
    (tmp_path / "store" / "recipe.json").write_text("{}")
    before = sorted((tmp_path / "store").rglob("*"))
    with pytest.raises(DatasetError, match="something else"):
        prepare_recordings(entries[:1], judge, tmp_path / "store")
    assert sorted((tmp_path / "store").rglob("*")) == before, "a simulated store has outcomes too, and keeps them"


def test_a_face_nobody_sees_is_no_face(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "FaceFinder", lambda *_: None)
    monkeypatch.setattr(engine.Engine, "_find", lambda *_: [])
    judge = load_bundle(tiny_bundle(tmp_path / "tiny"))
    entry = _entry(record(tmp_path / "e.mcap", frames(2)))
    with pytest.raises(DatasetError, match="no_face ×2"):
        prepare_recordings([entry], judge, tmp_path / "store", every=1)
    assert str(Outcome("x", "s", 3, 1, (("no_face", 2),))) == "x: 1 faces of 3 frames (no_face ×2)"
