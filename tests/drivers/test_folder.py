"""Frame folders: the format as others write it, the round trip through sessions, and every clear refusal."""

from __future__ import annotations

import errno
import json
import os
import struct
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from calibration.rig import Intrinsics, Rig
from drivers.codecs import encode
from drivers.errors import AccessDenied, EndedEarly, NotFound, SessionError, TrilumeError
from drivers.folder import FolderReader, FolderSource, write_folder
from drivers.frames import FrameSet
from drivers.session import SessionReader, SessionSource, SessionWriter
from drivers.source import Source, frames_of
from tests.drivers.recordings import (
    INFO,
    assert_same_set,
    assert_same_sets,
    lens,
    noise_picture,
    noise_rig,
    noise_set,
    noise_sets,
    record,
)

LENS = {"width": 64, "height": 48, "fx": 60.0, "fy": 61.0, "cx": 31.5, "cy": 23.5, "model": "brown_conrady"}
CAMERA = {
    "format": 1,
    "sensor": "A sensor",
    "depth_unit_m": 0.001,
    "registered": True,
    "color": LENS,
    "depth": LENS,
    "infrared": LENS,
}
SHARED = Rig(
    color=lens(64, 48),
    depth=lens(64, 48),
    infrared=lens(64, 48),
    registered=True,
)


def by_hand(folder: Path, camera: Any = CAMERA, numbers: tuple[int, ...] = (0, 1, 2), bits: int = 8) -> Path:
    """A frame folder as somebody else would write it: pictures and camera.json, no more."""
    for stream in ("color", "depth", "infrared"):
        (folder / stream).mkdir(parents=True)
        for number in numbers:
            pixels = noise_picture(stream, SHARED, number, bits)  # type: ignore[arg-type]
            (folder / stream / f"{number:06d}.png").write_bytes(encode(pixels, "png"))
    (folder / "camera.json").write_text(json.dumps(camera))
    return folder


def without(*keys: str, **more: Any) -> dict[str, Any]:
    return {key: value for key, value in CAMERA.items() if key not in keys} | more


def test_the_basic_format(tmp_path: Path) -> None:
    source = FolderSource(by_hand(tmp_path / "a", without(notes="anything", sensor="A sensor")))
    frames = list(frames_of(source))
    assert isinstance(source, Source)
    info = source.info
    assert (info.name, info.sensor, info.frames, info.live, info.origin) == (
        "A sensor",
        "A sensor",
        3,
        False,
        "unknown",
    )
    assert info.time_assumed
    assert info.white_assumed == ()
    assert [frame.device_time_s for frame in frames] == [0.0, 1 / 30, 2 / 30]
    assert [frame.sequence for frame in frames] == [0, 1, 2]
    assert [frame.lost for frame in frames] == [0, 0, 0]
    assert source.rig.registered
    assert source.rig.color == Intrinsics(**LENS)
    for number, frame in enumerate(frames):
        assert frame.depth_unit_m == 0.001
        for stream in ("color", "depth", "infrared"):
            image = frame.image(stream)  # type: ignore[arg-type]
            assert image is not None
            np.testing.assert_array_equal(image.pixels, noise_picture(stream, SHARED, number, 8))  # type: ignore[arg-type]
            assert (image.exposure_ms, image.gain, image.emitter_on) == (None, None, None)
        assert frame.infrared is not None
        assert frame.infrared.white_level == 255.0


def test_frames_csv_of_the_basic_format(tmp_path: Path) -> None:
    folder = by_hand(tmp_path / "a")
    (folder / "frames.csv").write_bytes(
        b"\xef\xbb\xbfindex,device_time_s,color_exposure_ms,color_gain,infrared_exposure_ms,infrared_gain,emitter_on\r\n"
        b"0,46399.548,8.25,1.5,4,2,1\r\n2,46400.25,,,,,0\r\n1,46399.75,,,,,\r\n"
    )
    source = FolderSource(folder)
    frames = list(frames_of(source))
    assert not source.info.time_assumed
    assert [frame.device_time_s for frame in frames] == [46399.548, 46399.75, 46400.25]
    color, infrared = frames[0].color, frames[0].infrared
    assert color is not None
    assert infrared is not None
    assert (color.exposure_ms, color.gain, color.emitter_on) == (8.25, 1.5, None)
    assert (infrared.exposure_ms, infrared.gain, infrared.emitter_on) == (4.0, 2.0, True)
    assert [frame.infrared.emitter_on for frame in frames if frame.infrared] == [True, None, False]


def test_gaps_are_lost_sets_and_missing_mates_are_none(tmp_path: Path) -> None:
    folder = by_hand(tmp_path / "a", numbers=(3, 4, 8))
    (folder / "color" / "000004.png").unlink()
    (folder / "depth" / "000008.png").unlink()
    (folder / "depth" / "extra.txt").write_text("ignored")
    (folder / "infrared_dark").mkdir()
    frames = list(frames_of(FolderSource(folder)))
    assert [frame.lost for frame in frames] == [0, 0, 3]
    assert [frame.sequence for frame in frames] == [3, 4, 8]
    assert [frame.color is None for frame in frames] == [False, True, False]
    assert [frame.depth is None for frame in frames] == [False, False, True]


def test_white_level_stated_estimated_or_of_the_type(tmp_path: Path) -> None:
    stated = by_hand(tmp_path / "a", without("infrared", infrared={**LENS, "white_level": 937}), bits=16)
    source = FolderSource(stated)
    assert {frame.infrared.white_level for frame in frames_of(source) if frame.infrared} == {937.0}
    assert source.info.white_assumed == ()

    source = FolderSource(by_hand(tmp_path / "b", bits=16))
    levels = {frame.infrared.white_level for frame in frames_of(source) if frame.infrared}
    pixels = np.concatenate([noise_picture("infrared", SHARED, number).ravel() for number in range(3)])
    assert levels == {float(np.percentile(pixels, 99.9, method="inverted_cdf"))}
    assert source.info.white_assumed == ("infrared",)


@pytest.mark.parametrize("left_out", [("infrared",), ("depth", "infrared")])
def test_registered_streams_share_the_one_camera_given(tmp_path: Path, left_out: tuple[str, ...]) -> None:
    rig = FolderReader(by_hand(tmp_path / "a", without(*left_out))).rig
    assert rig.depth == rig.infrared == rig.color == Intrinsics(**LENS)


def test_depth_and_infrared_without_color(tmp_path: Path) -> None:
    folder = by_hand(tmp_path / "a", without("color"))
    for path in (folder / "color").iterdir():
        path.unlink()
    (folder / "color").rmdir()
    frames = list(frames_of(FolderSource(folder)))
    assert len(frames) == 3
    assert all(frame.color is None and frame.infrared is not None for frame in frames)
    assert frames[0].rig.grid == Intrinsics(**LENS)


def test_session_and_exported_folder_replay_alike(tmp_path: Path) -> None:
    """Pixels, times and every other field, through mcap, folder and mcap again."""
    sets = noise_sets(7)
    session = SessionSource(record(tmp_path / "a.mcap", sets))
    session.open()
    assert write_folder(tmp_path / "folder", frames_of(session), session.info) == 7
    folder = FolderSource(tmp_path / "folder")
    assert_same_sets(list(frames_of(folder)), sets)
    assert folder.info == session.info
    assert folder.rig == session.rig
    with SessionWriter(tmp_path / "b.mcap", folder.rig, folder.info) as writer:
        for frame_set in frames_of(folder):
            writer.write(frame_set)
    with SessionReader(tmp_path / "b.mcap") as reader:
        assert_same_sets(list(reader), sets)
        assert reader.info == session.info


def test_what_was_assumed_stays_said(tmp_path: Path) -> None:
    source = FolderSource(by_hand(tmp_path / "a", bits=16))
    frames = list(frames_of(source))
    write_folder(tmp_path / "b", frames, source.info)
    again = FolderSource(tmp_path / "b")
    assert_same_sets(list(frames_of(again)), frames)
    assert again.info == source.info
    assert again.info.time_assumed
    assert again.info.white_assumed == ("infrared",)


def test_export_of_a_recording_that_breaks_off_keeps_its_good_part(tmp_path: Path) -> None:
    def frames() -> Iterator[FrameSet]:
        yield from noise_sets(2)
        raise EndedEarly("the disk was pulled")

    with pytest.raises(EndedEarly):
        write_folder(tmp_path / "a", frames(), INFO)
    assert_same_sets(list(frames_of(FolderSource(tmp_path / "a"))), noise_sets(2))


def test_export_refuses_and_leaves_nothing_half_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "a"
    write_folder(folder, noise_sets(1), INFO)
    with pytest.raises(SessionError, match="not overwritten"):
        write_folder(folder, noise_sets(1), INFO)
    with pytest.raises(SessionError, match="no frame sets"):
        write_folder(tmp_path / "b", [], INFO)
    with pytest.raises(NotFound, match="create it first"):
        write_folder(tmp_path / "none" / "c", noise_sets(1), INFO)
    with pytest.raises(SessionError, match="another rig"):
        write_folder(tmp_path / "d", [noise_set(0, noise_rig()), noise_set(0, SHARED)], INFO)

    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(SessionError, match="No space left on device; make room"):
        write_folder(tmp_path / "e", noise_sets(1), INFO)
    assert sorted(path.name for path in tmp_path.iterdir() if not path.name.endswith(".part")) == ["a"]


CAMERA_FAULTS: list[tuple[Any, str]] = [
    ("", "Invalid JSON"),
    ("{", "Invalid JSON"),
    ("[1, 2]", "Input should be an object"),
    ('{"sensor": "\\ud800"}', "Invalid JSON"),
    ("[" * 100_000, "Invalid JSON"),
    (without("format"), '"format"'),
    (without(format=2), '"format"'),
    (without("depth_unit_m"), '"depth_unit_m"'),
    (without(depth_unit_m=0), '"depth_unit_m"'),
    (without(depth_unit_m=float("nan")), '"depth_unit_m"'),
    (without("registered"), '"registered"'),
    (without(colour=LENS), '"colour"'),
    (without(color={**LENS, "fx": -1}), r'"color\.fx"'),
    (without(color={**LENS, "fx": float("inf")}), r'"color\.fx"'),
    (without(color={**LENS, "skew": 0}), r'"color\.skew"'),
    (without(color={**LENS, "width": 1 << 40}), r'"color\.width"'),
    (without(color={**LENS, "model": "fisheye"}), r'"color\.model"'),
    (without(color={**LENS, "distortion": [0] * 6 + [1]}), '"color"'),
    (without(color={**LENS, "width": 63}), "share one size"),
    (without(registered=False), '"depth_to_color" is missing'),
    (without(registered=False, depth_to_color={}), '"infrared_to_color" is missing'),
    (without("infrared", registered=False, depth_to_color={}, infrared_to_color={}), '"infrared" is missing'),
    (without(depth_to_color={}), 'beside "registered": true'),
    (without("color"), '"color" is missing'),
    (
        without(registered=False, infrared_to_color={}, depth_to_color={"rotation": [1, 0, 0, 0, 1, 0, 0, 0, -1]}),
        "not a proper rotation",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("camera", "said"), CAMERA_FAULTS)
def test_camera_json_faults_name_file_and_key(tmp_path: Path, camera: Any, said: str) -> None:
    folder = by_hand(tmp_path / "a")
    (folder / "camera.json").write_text(camera if isinstance(camera, str) else json.dumps(camera))
    with pytest.raises(SessionError, match=said) as caught:
        FolderReader(folder)
    assert str(folder / "camera.json") in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


FRAMES_FAULTS: list[tuple[bytes, str]] = [
    (b"", 'column "index" is missing'),
    (b"index,time\n0,0\n", 'column "device_time_s" is missing'),
    (b"index,device_time_s,exposure\n0,0,1\n", 'column "exposure" is unknown'),
    (b"index,device_time_s\n0,0\n1,0.1\n", "no line for frame 2"),
    (b"index,device_time_s\n0,0\n0,0.1\n", "index 0 stands twice"),
    (b"index,device_time_s\n0,nan\n", 'line 2, column "device_time_s": nan is not a finite number'),
    (b"index,device_time_s\n0,\n", "line 2: index or device_time_s is empty"),
    (b"index,device_time_s\n0,0,0\n", "line 2 has not 2 cells"),
    (b"index,device_time_s\n-1,0\n", "negative"),
    (b"index,device_time_s,emitter_on\n0,0,maybe\n", "neither 1 nor 0"),
    (b"index,device_time_s,depth_unit_m\n0,0,0\n", "not above 0"),
    (b"index,device_time_s\n0,\xff\n", "is not UTF-8 text"),
    (b'index,device_time_s\n0,"0\n', "frames.csv"),
    (b"index,device_time_s\n0,\x00\n", "frames.csv"),
]


@pytest.mark.parametrize(("text", "said"), FRAMES_FAULTS)
def test_frames_csv_faults_name_file_and_line(tmp_path: Path, text: bytes, said: str) -> None:
    folder = by_hand(tmp_path / "a")
    (folder / "frames.csv").write_bytes(text)
    with pytest.raises(SessionError, match=said) as caught:
        FolderReader(folder)
    assert str(folder / "frames.csv") in str(caught.value)


def _png(pixels: np.ndarray) -> Callable[[Path], Any]:
    return lambda path: path.write_bytes(encode(pixels, "png"))


def _huge(path: Path) -> None:
    header = b"IHDR" + struct.pack(">IIBBBBB", 1 << 30, 1 << 30, 16, 0, 0, 0, 0)
    chunk = struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk + path.read_bytes()[33:])


def _corrupt(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 16
    path.write_bytes(data)


PICTURE_FAULTS: list[tuple[str, Callable[[Path], Any], str]] = [
    ("depth", _png(np.zeros((48, 64), np.uint8)), "8-bit grey, but depth pictures are 16-bit"),
    ("depth", _png(np.zeros((48, 64, 3), np.uint8)), "8-bit RGB, but depth pictures are 16-bit"),
    ("depth", _png(np.zeros((24, 32), np.uint16)), r"32x24 16-bit grey, but camera\.json says 64x48"),
    ("color", _png(np.zeros((48, 64), np.uint8)), "8-bit grey, but color pictures are 8-bit RGB"),
    ("color", _png(np.zeros((48, 64, 4), np.uint8)), "RGB with alpha, but color"),
    ("color", _png(np.zeros((48, 64, 3), np.uint16)), "16-bit RGB, but color"),
    ("infrared", _png(np.zeros((48, 64, 3), np.uint8)), "RGB, but infrared pictures are 8- or 16-bit grey"),
    ("depth", _huge, "1073741824x1073741824"),
    ("depth", _corrupt, "cannot be decoded"),
    ("depth", lambda path: os.truncate(path, path.stat().st_size // 2), "cannot be decoded"),
    ("depth", lambda path: path.write_bytes(b""), "not a PNG"),
    ("depth", lambda path: path.write_text("text"), "not a PNG"),
    ("depth", lambda path: os.truncate(path, 65 << 20), "larger than 64 MiB"),
    ("depth", lambda path: (path.unlink(), path.mkdir()), "Is a directory"),
]


@pytest.mark.parametrize(("stream", "hurt", "said"), PICTURE_FAULTS)
def test_picture_faults_name_the_file_and_end_the_replay_after_the_good_sets(
    tmp_path: Path, stream: str, hurt: Callable[[Path], Any], said: str
) -> None:
    folder = by_hand(tmp_path / "a")
    path = folder / stream / "000001.png"
    hurt(path)
    reader = FolderReader(folder)
    with pytest.raises(SessionError, match=said) as caught:
        reader.frame(1)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
    got: list[FrameSet] = []
    with pytest.raises(EndedEarly, match="1 frame sets before it are good"):
        got.extend(frames_of(FolderSource(folder)))
    assert len(got) == 1
    assert_same_set(reader.frame(2), FolderReader(by_hand(tmp_path / "b")).frame(2))


def test_numbers_that_collide(tmp_path: Path) -> None:
    folder = by_hand(tmp_path / "a")
    (folder / "depth" / "1.png").write_bytes(b"")
    with pytest.raises(SessionError, match="same number"):
        FolderReader(folder)


def test_folders_that_are_none(tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    bare = tmp_path / "bare"
    (bare / "depth").mkdir(parents=True)
    (bare / "camera.json").write_text(json.dumps(CAMERA))
    no_depth = by_hand(tmp_path / "no_depth")
    (no_depth / "depth").rename(no_depth / "tiefe")
    cases: list[tuple[Path, type[TrilumeError], str]] = [
        (tmp_path / "none", NotFound, "none"),
        (empty, NotFound, r"camera\.json: is missing"),
        (bare, SessionError, "no pictures"),
        (no_depth, NotFound, "depth: is missing"),
        (bare / "camera.json", SessionError, r"camera\.json"),
    ]
    for path, kind, said in cases:
        with pytest.raises(kind, match=said):
            FolderReader(path)


@pytest.mark.parametrize("denied", ["camera.json", "depth", "depth/000001.png"])
def test_no_permission_names_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, denied: str) -> None:
    folder = by_hand(tmp_path / "a")
    refused = folder / denied

    def guarded(really: Callable[..., Any]) -> Callable[..., Any]:
        def call(path: Path, *args: Any) -> Any:
            if path == refused:
                raise PermissionError(errno.EACCES, "Permission denied", str(path))
            return really(path, *args)

        return call

    for name in ("read_bytes", "iterdir"):
        monkeypatch.setattr(Path, name, guarded(getattr(Path, name)))
    with pytest.raises(AccessDenied, match=f"{refused}: no permission to read"):
        FolderReader(folder).frame(1)


def _real_folders() -> list[Path]:
    root = os.environ.get("TRILUME_REAL_DATA")
    return sorted(path.parent for path in Path(root).glob("*/camera.json")) if root else []


@pytest.mark.real
@pytest.mark.skipif(not _real_folders(), reason="TRILUME_REAL_DATA names no folder of captures")
def test_real_captures_read_and_round_trip(tmp_path: Path) -> None:
    for folder in _real_folders():
        source = FolderSource(folder)
        frames = list(frames_of(source))
        assert frames
        assert source.info.time_assumed == (not (folder / "frames.csv").exists())
        write_folder(tmp_path / folder.name, frames[:3], source.info)
        assert_same_sets(list(frames_of(FolderSource(tmp_path / folder.name))), frames[:3])


def test_infrared_of_two_depths_of_bits_has_no_one_white_level(tmp_path: Path) -> None:
    folder = by_hand(tmp_path / "a", bits=8)
    (folder / "infrared" / "000002.png").write_bytes(encode(noise_picture("infrared", SHARED, 2, 16), "png"))
    with pytest.raises(SessionError, match=r"000002.png: has not the 8 bits of the first"):
        list(frames_of(FolderSource(folder)))
