"""The straight line as a whole, with nets whose scores are known: what comes out, and that faults never say `live`."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from calibration.rig import Intrinsics, Rig
from drivers.frames import FrameSet, Image
from drivers.source import CameraInfo
from pipeline import engine as engine_module
from pipeline import gate, nets, preparation
from pipeline.bundle import load_bundle
from pipeline.engine import Engine
from pipeline.faces import Face
from pipeline.result import Reason, Verdict
from pipeline.sinks import Summary, line
from tests.models.tiny_bundle import tiny_bundle

LENS = Intrinsics(width=320, height=240, fx=300.0, fy=300.0, cx=160.0, cy=120.0)
RIG = Rig(color=LENS, depth=LENS, infrared=LENS, registered=True)
EYE_PX = 63 * 300 / 600


def landmarks(x: float = 160.0, y: float = 110.0, eyes: float = EYE_PX) -> np.ndarray:
    unit = np.array([[-0.5, 0], [0.5, 0], [0, 0.54], [-0.41, 1.16], [0.41, 1.16]])
    return (unit * eyes + [x, y]).astype(np.float32)


FACE = Face((110.0, 70.0, 100.0, 130.0), landmarks(), 0.99)


def frame(n: int = 0, z: float = 600.0, brightness: int = 120, **changes: Any) -> FrameSet:
    """A nose before a gently rounded face before a wall, one registered grid."""
    v, u = np.mgrid[:240, :320]
    x, y = (u - 160) * z / 300, (v - 125) * z / 300
    face = z + 0.006 * (x**2 + 0.5 * y**2) - 26 * np.exp(-(x**2 + (y + 3) ** 2) / 300)
    depth = np.where(x**2 / 75**2 + y**2 / 105**2 < 1, face, 1800).astype(np.uint16)
    color = np.full((240, 320, 3), 120, np.uint8)
    time = n / 30
    made = FrameSet(
        sequence=n, host_time_s=time, rig=RIG, depth_unit_m=0.001,
        color=Image(color, time), depth=Image(depth, time, white_level=65535),
        infrared=Image(np.full((240, 320), brightness, np.uint8), time),
    )  # fmt: skip
    return replace(made, **changes)


@pytest.fixture(scope="module")
def lenient(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both nets answer about 0.02 whatever they see."""
    return tiny_bundle(tmp_path_factory.mktemp("lenient") / "bundle", centre=1.2)


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both nets answer nearly 1."""
    return tiny_bundle(tmp_path_factory.mktemp("strict") / "bundle", centre=-1.0)


@pytest.fixture
def start(monkeypatch: pytest.MonkeyPatch, lenient: Path) -> Callable[..., Engine]:
    """Starts an engine whose face finder answers `faces`."""

    def started(bundle: Path = lenient, faces: tuple[Face, ...] = (FACE,), **options: Any) -> Engine:
        monkeypatch.setattr(engine_module, "FaceFinder", lambda *_: None)
        engine = Engine(load_bundle(bundle), threads=1, **{"sensor": "sim-astra", **options})
        monkeypatch.setattr(engine, "_find", lambda _: list(faces))
        return engine

    return started


def test_a_face_that_both_nets_accept_is_live(start: Callable[..., Engine]) -> None:
    engine = start()
    result = engine.process(frame())
    assert (result.verdict, result.reason) == (Verdict.LIVE, None)
    assert result.d_net is not None
    assert result.m_net == pytest.approx(np.mean(result.patches), abs=1e-6)
    assert result.distance_m == pytest.approx(0.6, abs=0.03)
    assert result.prepared is not None
    assert list(result.stage_ms) == ["face", "register", "gate", "depth_stage", "reflectance_stage", "d_net", "m_net"]


def test_what_d_net_rejects_never_reaches_m_net(start: Callable[..., Engine], strict: Path) -> None:
    result = start(strict).process(frame())
    assert (result.verdict, result.m_net, result.patches) == (Verdict.ATTACK, None, None)
    assert "m_net" not in result.stage_ms


def test_a_session_is_decided_after_some_frames(start: Callable[..., Engine], strict: Path) -> None:
    for bundle, verdict in ((None, Verdict.LIVE), (strict, Verdict.ATTACK)):
        engine = start(bundle) if bundle else start()
        results = [engine.process(frame(n)) for n in range(20)]
        assert results[0].session_reason is Reason.COLLECTING
        assert results[-1].session_verdict is verdict
        assert engine.session_verdict() == (verdict, None)


GONE = {
    "no colour": ({"color": None}, Reason.NO_COLOR),
    "no infrared": ({"infrared": None}, Reason.NO_INFRARED),
    "no depth": ({"depth": None}, Reason.NO_DEPTH),
}


@pytest.mark.parametrize("case", GONE)
def test_a_missing_stream_is_undecided(start: Callable[..., Engine], case: str) -> None:
    changes, reason = GONE[case]
    engine = start()
    results = [engine.process(frame(n, **changes)) for n in range(15)]
    assert {(r.verdict, r.reason) for r in results} == {(Verdict.UNDECIDED, reason)}
    assert engine.session_verdict()[0] is Verdict.UNDECIDED


def test_without_colour_d_net_may_still_say_attack(start: Callable[..., Engine], strict: Path) -> None:
    assert start(strict).process(frame(color=None)).verdict is Verdict.ATTACK


def test_gate_reasons(start: Callable[..., Engine]) -> None:
    assert start(faces=()).process(frame()).reason is Reason.NO_FACE
    assert start(faces=(FACE, FACE)).process(frame()).reason is Reason.SEVERAL_FACES
    assert start().process(frame(z=1500.0)).reason is Reason.TOO_FAR
    assert start().process(frame(z=280.0)).reason is Reason.TOO_NEAR
    assert start().process(frame(brightness=1)).reason is Reason.INFRARED_DARK
    assert start().process(frame(brightness=255)).reason is Reason.INFRARED_SATURATED
    small = Face(FACE.box, landmarks(eyes=8), 0.9)
    assert start(faces=(small,)).process(frame()).reason is Reason.TOO_SMALL
    edge = Face(FACE.box, landmarks(x=20), 0.9)
    assert start(faces=(edge,)).process(frame()).reason in {Reason.CUT_OFF, Reason.TOO_FAR}
    assert frame().color is not None
    dark = Image(np.full((240, 320, 3), 2, np.uint8), 0.0)
    assert start().process(frame(color=dark)).reason is Reason.COLOR_DARK
    rolled = Face(FACE.box, ((FACE.landmarks - 120) @ _turn(30) + 120).astype(np.float32), 0.9)
    assert start(faces=(rolled,)).process(frame()).reason is Reason.TURN_TO_CAMERA


def test_a_face_at_the_edge_of_the_picture_is_asked_to_the_middle(start: Callable[..., Engine]) -> None:
    lens = LENS.model_copy(update={"width": 640, "cx": 70.0})
    rig = Rig(color=lens, depth=lens, infrared=lens, registered=True)
    narrow = frame()

    def wider(image: Image | None, aside: int) -> Image:
        assert image is not None
        pixels = np.roll(np.concatenate([image.pixels, np.full_like(image.pixels, aside)], axis=1), -100, axis=1)
        return replace(image, pixels=np.ascontiguousarray(pixels))

    streams = {"color": wider(narrow.color, 120), "depth": wider(narrow.depth, 1800)}
    wide = replace(narrow, rig=rig, infrared=wider(narrow.infrared, 120), **streams)
    aside = Face((10.0, 70.0, 100.0, 130.0), landmarks(x=60), 0.99)
    result = start(faces=(aside,)).process(wide)
    assert (result.verdict, result.reason) == (Verdict.UNDECIDED, Reason.OFF_CENTRE)
    assert result.d_net is None


def test_who_moves_too_fast_is_told_to_hold_still_until_still(
    start: Callable[..., Engine], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The face shakes by 12 pixels from frame to frame, about 4 sides a second, then stands."""
    engine = start()
    results = []
    for n in range(12):
        x = 160.0 + (6 if n % 2 else -6) * (n < 6)
        moved = Face(FACE.box, landmarks(x=x), 0.99)
        monkeypatch.setattr(engine, "_find", lambda _, moved=moved: [moved])
        results.append(engine.process(frame(n)))
    assert [r.reason for r in results[1:6]] == [Reason.HOLD_STILL] * 5
    assert {r.verdict for r in results[1:6]} == {Verdict.UNDECIDED}
    assert all(r.verdict is Verdict.LIVE for r in results[8:])


def test_a_face_before_a_bright_window_is_backlit_and_d_net_may_still_say_attack(
    start: Callable[..., Engine], strict: Path
) -> None:
    v, u = np.mgrid[:240, :320]
    person = (u - 160) ** 2 / 45**2 + (v - 125) ** 2 / 55**2 < 1
    window = Image(np.repeat(np.where(person, 25, 255).astype(np.uint8)[..., None], 3, axis=2), 0.0)
    result = start().process(frame(color=window))
    assert (result.verdict, result.reason, result.m_net) == (Verdict.UNDECIDED, Reason.BACKLIGHT, None)
    assert start(strict).process(frame(color=window)).verdict is Verdict.ATTACK


def _turn(degrees: float) -> np.ndarray:
    a = np.deg2rad(degrees)
    return np.array([[np.cos(a), np.sin(a)], [-np.sin(a), np.cos(a)]])


def test_no_depth_on_the_face_is_undecided(start: Callable[..., Engine]) -> None:
    empty = Image(np.zeros((240, 320), np.uint16), 0.0)
    assert start().process(frame(depth=empty)).reason is Reason.NO_DEPTH


@pytest.mark.parametrize("told", [(0.0, 1.0), (-4.0, 1.0), (4.0, 0.0), (float("nan"), 1.0), (4.0, float("inf"))])
def test_infrared_that_cannot_be_put_to_scale_is_never_live(
    start: Callable[..., Engine], told: tuple[float, float]
) -> None:
    """Divided by an exposure of nothing every mask shines like skin."""
    engine = start()
    for n in range(20):
        infrared = Image(np.full((240, 320), 120, np.uint8), n / 30, *told)
        result = engine.process(frame(n, infrared=infrared))
        assert (result.verdict, result.reason) == (Verdict.UNDECIDED, Reason.NO_INFRARED)
    assert engine.session_verdict()[0] is Verdict.UNDECIDED


def test_infrared_that_does_not_see_the_face_is_no_attack(
    start: Callable[..., Engine], strict: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = preparation.reflectance.align_bands

    def beside(*given: Any) -> Any:
        bands = seen(*given)
        bands.mask[:, :70] = 0
        return bands

    monkeypatch.setattr(preparation.reflectance, "align_bands", beside)
    engine = start()
    assert engine.process(frame()).reason is Reason.NO_INFRARED
    assert start(strict).process(frame(1)).verdict is Verdict.ATTACK, "D-Net may still say so"


def test_what_waited_for_too_long_is_stale(start: Callable[..., Engine]) -> None:
    engine = start()
    for n in range(20):
        last = engine.process(frame(n), age_s=0.1)
    assert last.session_verdict is Verdict.LIVE
    paused = engine.process(frame(20), age_s=3.0)
    assert (paused.verdict, paused.reason) == (Verdict.UNDECIDED, Reason.STALE_FRAME)
    assert paused.session_verdict is Verdict.UNDECIDED
    assert engine.process(frame(21), age_s=0.1).verdict is Verdict.LIVE


def test_only_a_camera_delivers_sets_that_age() -> None:
    told = CameraInfo("any", "sim-astra", live=True, origin="real")
    now = replace(frame(), host_time_s=time.monotonic() - 2.0)
    assert 2.0 <= gate.age_s(now, told) < 60.0
    assert gate.age_s(now, replace(told, origin="simulated")) == 0.0
    assert gate.age_s(now, replace(told, live=False)) == 0.0


@pytest.mark.parametrize("fill", [0, 65535])
def test_constant_depth_is_never_live(start: Callable[..., Engine], fill: int) -> None:
    depth = Image(np.full((240, 320), fill, np.uint16), 0.0)
    assert start().process(frame(depth=depth)).verdict is not Verdict.LIVE


def test_streams_of_different_moments_or_sizes_disagree(start: Callable[..., Engine]) -> None:
    late = Image(np.full((240, 320), 120, np.uint8), 1.0)
    assert start().process(replace(frame(), infrared=late)).reason is Reason.STREAMS_DISAGREE
    small = Image(np.full((120, 160), 120, np.uint8), 0.0)
    assert start().process(replace(frame(), infrared=small)).reason is Reason.STREAMS_DISAGREE
    nowhere = Image(np.full((240, 320), 120, np.uint8), float("nan"))
    assert start().process(replace(frame(), infrared=nowhere)).reason is Reason.STREAMS_DISAGREE


def test_repeated_and_backward_frames_are_stale_and_start_the_session_anew(start: Callable[..., Engine]) -> None:
    engine = start()
    for n in range(20):
        engine.process(frame(n))
    repeated = engine.process(frame(19))
    assert (repeated.verdict, repeated.reason) == (Verdict.UNDECIDED, Reason.STALE_FRAME)
    assert repeated.session_verdict is Verdict.UNDECIDED
    assert engine.process(frame(5)).reason is Reason.STALE_FRAME


def test_a_foreign_sensor_is_scored_and_never_live_until_accepted(start: Callable[..., Engine]) -> None:
    engine = start(sensor="some-camera")
    results = [engine.process(frame(n)) for n in range(20)]
    assert {(r.verdict, r.reason) for r in results} == {(Verdict.UNDECIDED, Reason.OTHER_SENSOR)}
    assert results[-1].m_net is not None
    assert engine.session_verdict() == (Verdict.UNDECIDED, Reason.OTHER_SENSOR)
    assert start(sensor="some-camera", accept_sensor=True).process(frame()).verdict is Verdict.LIVE


def test_without_the_gate_everything_is_scored_and_nothing_is_live(start: Callable[..., Engine], strict: Path) -> None:
    engine = start(strict, gate=False)
    for n, z in enumerate((600.0, 1500.0)):
        result = engine.process(frame(n, z=z))
        assert (result.verdict, result.reason) == (Verdict.UNDECIDED, Reason.GATE_OFF)
        assert None not in (result.d_net, result.m_net)
    assert engine.session_verdict()[0] is Verdict.UNDECIDED


def boom(*_: Any, **__: Any) -> Any:
    raise RuntimeError("made to fail")


STAGES = {
    "register": (preparation, "register"),
    "pose": (preparation, "head_pose"),
    "depth stage": (preparation, "depth_maps"),
    "reflectance stage": (preparation.reflectance, "fuse"),
    "nets": (nets, "_attack"),
    "place": (engine_module, "check_centre"),
    "rule": (engine_module, "decide"),
}


@pytest.mark.parametrize("stage", STAGES)
def test_an_exception_in_any_stage_is_undecided_and_counted(
    start: Callable[..., Engine], monkeypatch: pytest.MonkeyPatch, stage: str
) -> None:
    engine = start()
    with monkeypatch.context() as patch:
        patch.setattr(*STAGES[stage], boom)
        for n in range(3):
            assert not engine.faulty
            result = engine.process(frame(n))
            assert (result.verdict, result.reason) == (Verdict.UNDECIDED, Reason.INTERNAL_ERROR)
        assert engine.faulty
    assert engine.process(frame(10)).verdict is Verdict.LIVE
    assert not engine.faulty


def test_who_was_live_before_a_fault_does_not_stand_for_the_recording(
    start: Callable[..., Engine], monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = start()
    for n in range(20):
        engine.process(frame(n))
    assert engine.session_verdict() == (Verdict.LIVE, None)
    with monkeypatch.context() as patch:
        patch.setattr(*STAGES["depth stage"], boom)
        engine.process(frame(20))
    assert engine.session_verdict() == (Verdict.UNDECIDED, Reason.INTERNAL_ERROR)
    for n in range(21, 41):
        engine.process(frame(n))
    assert engine.session_verdict() == (Verdict.LIVE, None), "a visit after it may"


@pytest.mark.parametrize("value", [np.nan, np.inf, -3.0, 7.0])
def test_a_net_that_answers_nonsense_is_no_verdict(
    start: Callable[..., Engine], monkeypatch: pytest.MonkeyPatch, value: float
) -> None:
    class Broken:
        def infer(self, _: Any) -> None: ...

        def get_output_tensor(self, _: int) -> Any:
            return type("Tensor", (), {"data": np.full((36, 2), value, np.float32)})()

    engine = start()
    monkeypatch.setattr(engine._nets, "_d_net", Broken())
    assert engine.process(frame()).reason is Reason.INTERNAL_ERROR


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_net_is_not_asked_what_is_no_number(lenient: Path, value: float) -> None:
    asked = nets.Nets(load_bundle(lenient), threads=1)
    planes = np.full((10, 112, 112), 0.3, np.float32)
    assert 0 <= asked.reflectance(planes)[0] <= 1
    planes[3, 56, 56] = value
    with pytest.raises(nets.NonFiniteError):
        asked.reflectance(planes)


def test_the_line_has_its_keys_in_order_and_is_the_same_twice(start: Callable[..., Engine]) -> None:
    one, other = (line(start().process(frame()), "a.mcap", timing=False) for _ in range(2))
    assert one == other
    record = json.loads(line(start().process(frame()), "a.mcap"))
    assert list(record) == [
        "format", "source", "frame", "device_time_s", "verdict", "reason", "d_net", "m_net", "patches", "box",
        "landmarks", "distance_m", "pose_deg", "session_verdict", "stage_ms",
    ]  # fmt: skip
    assert len(record["patches"]) == 36
    assert list(record["pose_deg"]) == ["yaw", "pitch", "roll"]


def test_the_summary_adds_up(start: Callable[..., Engine], lenient: Path) -> None:
    bundle = load_bundle(lenient)
    engine, summary = start(), Summary(bundle)
    for n in range(12):
        summary.add(engine.process(frame(n, z=600.0 if n < 8 else 1500.0)))
    info = CameraInfo("test", "sim-astra", origin="simulated")
    report = summary.report(source="a", info=info, verdict=Verdict.LIVE, wall_s=0.5)
    assert (report["frames"], report["faces"], report["undecided_reasons"]) == (12, 12, {"too_far": 4})
    assert report["attack_score"] < 0.5
    assert report["bundle_sha256"] == bundle.sha256
    assert report["fps"] == 24.0
    assert set(report["latency_ms"]) == {"p50", "p95", "max"}
    quiet = summary.report(source="a", info=info, verdict=Verdict.LIVE, wall_s=0.5, timing=False)
    assert not {"fps", "latency_ms", "stage_ms"} & set(quiet)
    json.dumps(report, allow_nan=False)


class Fixed:
    """A tracker that answers the same face for every picture, and keeps the picture."""

    track_id = 1

    def __init__(self, faces: list[Face]) -> None:
        self.faces, self.seen = faces, np.empty(0)

    def track(self, picture: np.ndarray) -> list[Face]:
        self.seen = picture
        return self.faces

    def reset(self) -> None: ...


def with_trackers(monkeypatch: pytest.MonkeyPatch, bundle: Path, color: list[Face], infrared: list[Face]) -> Engine:
    monkeypatch.setattr(engine_module, "FaceFinder", lambda *_: None)
    engine = Engine(load_bundle(bundle), sensor="sim-astra", threads=1)
    monkeypatch.setattr(engine, "_on_color", Fixed(color))
    monkeypatch.setattr(engine, "_on_infrared", Fixed(infrared))
    return engine


def test_in_the_dark_the_face_is_found_on_infrared(monkeypatch: pytest.MonkeyPatch, lenient: Path) -> None:
    engine = with_trackers(monkeypatch, lenient, [], [FACE])
    result = engine.process(frame())
    assert result.verdict is Verdict.LIVE
    assert result.face is not None
    np.testing.assert_allclose(result.face.landmarks, FACE.landmarks)


def test_a_face_of_a_camera_on_its_side_is_judged_the_same(monkeypatch: pytest.MonkeyPatch, lenient: Path) -> None:
    """The scene turned as a camera on its side delivers it, and the rig that says so."""
    straight = with_trackers(monkeypatch, lenient, [FACE], []).process(frame())
    lens = LENS.model_copy(update={"width": 240, "height": 320, "cx": 120.0, "cy": 159.0})
    rig = Rig(color=lens, depth=lens, infrared=lens, registered=True, rotation=90)
    given = frame()

    def lying(image: Image | None) -> Image:
        assert image is not None
        return replace(image, pixels=np.ascontiguousarray(np.rot90(image.pixels)))  # against the clock

    engine = with_trackers(monkeypatch, lenient, [FACE], [])
    result = engine.process(
        replace(given, rig=rig, color=lying(given.color), depth=lying(given.depth), infrared=lying(given.infrared))
    )
    assert engine._on_color.seen.shape == (240, 320, 3), "the finder sees it upright"
    assert result.verdict is straight.verdict is Verdict.LIVE
    assert result.prepared is not None
    assert straight.prepared is not None
    difference = np.abs(result.prepared.maps.astype(int) - straight.prepared.maps)
    assert np.percentile(difference, 95) <= 3


def test_who_steps_in_does_not_inherit_the_evidence(monkeypatch: pytest.MonkeyPatch, lenient: Path) -> None:
    engine = with_trackers(monkeypatch, lenient, [FACE], [])
    for n in range(20):
        last = engine.process(frame(n))
    assert last.session_verdict is Verdict.LIVE
    monkeypatch.setattr(engine._on_color, "track_id", 2, raising=False)
    assert engine.process(frame(20)).session_verdict is Verdict.UNDECIDED
