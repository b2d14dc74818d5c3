"""One sheet that explains one verdict: what the camera saw, what each net was shown, what each answered."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from app import drawing as d
from app.outputs import write_whole
from drivers.frames import FrameSet, Image
from drivers.source import CameraInfo
from pipeline.faces import Face, to_uint8
from pipeline.parameters import FACE_SIZE, BundleDescription, Patch
from pipeline.pose import Pose
from pipeline.result import REASON_TEXT, Prepared, Result, Verdict
from pipeline.upright import turn_picture

U8 = NDArray[np.uint8]

MARGIN, GAP, TITLE = 28, 20, 34
SEEN = (384, 512)  # height and width of the three pictures of the camera
WIDTH = 2 * MARGIN + 3 * SEEN[1] + 2 * GAP
FACE = (WIDTH - 2 * MARGIN - 4 * GAP) // 5  # side of an aligned face
HEADER = 104
SEEN_TOP = HEADER + TITLE
DEPTH_TOP = SEEN_TOP + SEEN[0] + 52 + TITLE
REFLECTANCE_TOP = DEPTH_TOP + FACE + 30 + TITLE
HEIGHT = REFLECTANCE_TOP + FACE + 60

VERDICT_COLORS = {Verdict.LIVE: d.BLUE, Verdict.ATTACK: d.ORANGE, Verdict.UNDECIDED: d.GREY}
VERDICT_WORDS = {
    Verdict.LIVE: "LIVE",
    Verdict.ATTACK: "ATTACK SUSPECTED",
    Verdict.UNDECIDED: "NOT DECIDED",
}


def sheet(frame_set: FrameSet, result: Result, description: BundleDescription, info: CameraInfo, source: str) -> U8:
    """The sheet, uint8 [H, W, 3] RGB. Scales are fixed: two sheets can be laid side by side."""
    page = d.canvas(HEIGHT, WIDTH)
    _header(page, result, info, source)
    _what_the_camera_saw(page, frame_set, result.face, description)
    _what_d_net_sees(page, result.prepared)
    _scores(page, result, description)
    _what_m_net_sees(page, result, description.patches)
    return page


def write_png(path: Path, picture: U8) -> None:
    """Writes a picture uint8 [H, W, 3] RGB. Raises Refused where the folder cannot be written."""
    ok, encoded = cv2.imencode(".png", np.ascontiguousarray(picture[..., ::-1]))
    assert ok, "an 8-bit picture always encodes"
    write_whole(path, encoded.tobytes())


def _column(index: int, width: int) -> int:
    return MARGIN + index * (width + GAP)


def _header(page: U8, result: Result, info: CameraInfo, source: str) -> None:
    end = d.badge(page, VERDICT_WORDS[result.verdict], (MARGIN, 28), VERDICT_COLORS[result.verdict])
    if result.reason is not None:
        d.write(page, REASON_TEXT[result.reason], (end + 18, 60), 0.7)
    frame = f"frame {result.frame}, {result.device_time_s:.3f} s, session: {result.session_verdict.value}"
    told = info.origin != "simulated" or "simulated" in info.name
    camera = info.name if told else f"{info.name} (simulated camera)"
    for text, y in ((d.shortened(source, 560), 40), (camera, 62), (frame, 84)):
        shown = d.shortened(text, 560, 0.5)
        d.write(page, shown, (WIDTH - MARGIN - d.text_width(shown, 0.5), y), 0.5, d.FAINT)
    d.rule(page, HEADER, MARGIN)


def _what_the_camera_saw(page: U8, frame_set: FrameSet, face: Face | None, description: BundleDescription) -> None:
    gate, rig = description.preprocessing.gate, frame_set.rig
    on_grid = (rig.color is not None, rig.color is None or rig.registered, rig.registered)
    titles = (("Colour", ""), ("Infrared", ""), ("Depth", "as delivered; dark = no return"))
    pictures = (_color(frame_set.color), _infrared(frame_set.infrared), _depth(frame_set, gate.near_m, gate.far_m))
    for index, (picture, marked, (title, note)) in enumerate(zip(pictures, on_grid, titles, strict=True)):
        if picture is None:
            tile = d.missing("no picture", *SEEN)
        else:
            shown = _marked(picture, face) if marked and face is not None else picture
            tile = d.fitted(turn_picture(shown, rig.rotation), *SEEN)
        d.place(page, tile, (_column(index, SEEN[1]), SEEN_TOP), title, note)
    meters = np.linspace(gate.near_m, gate.far_m, SEEN[1], dtype=np.float32)[None]
    bar = d.turbo(meters, gate.near_m, gate.far_m, np.zeros(meters.shape, bool))
    ends = (f"{gate.near_m * 1000:.0f} mm", f"{gate.far_m * 1000:.0f} mm")
    d.scale_bar(page, bar, (_column(2, SEEN[1]), SEEN_TOP + SEEN[0] + 8), ends)


def _color(image: Image | None) -> U8 | None:
    return None if image is None else image.pixels


def _infrared(image: Image | None) -> U8 | None:
    return None if image is None else d.grey(to_uint8(image.pixels, image.white_level))


def _depth(frame_set: FrameSet, near_m: float, far_m: float) -> U8 | None:
    if frame_set.depth is None:
        return None
    counts = frame_set.depth.pixels
    return d.turbo(counts * np.float32(frame_set.depth_unit_m), near_m, far_m, counts == 0)


def _marked(picture: U8, face: Face) -> U8:
    """The picture with box and landmarks; small ones are enlarged first, so that the marks stay fine."""
    factor = max(1, -(-SEEN[1] // picture.shape[1]))
    large = cv2.resize(picture, None, fx=factor, fy=factor, interpolation=cv2.INTER_CUBIC)
    width = max(2, round(large.shape[1] / 320))
    x, y, w, h = (round(v * factor) for v in face.box)
    cv2.rectangle(large, (x, y), (x + w, y + h), (255, 255, 255), width)
    for px, py in np.rint(face.landmarks * factor).astype(int).tolist():
        cv2.circle(large, (px, py), 2 * width, (255, 255, 255), cv2.FILLED, cv2.LINE_AA)
        cv2.circle(large, (px, py), width, d.ORANGE, cv2.FILLED, cv2.LINE_AA)
    return large.astype(np.uint8)


def _what_d_net_sees(page: U8, prepared: Prepared | None) -> None:
    titles = (("F1", "relief"), ("F2", "metric size"), ("F3", "angle to the face plane"))
    for index, (title, note) in enumerate(titles):
        tile = (
            d.missing("no depth face", FACE, FACE)
            if prepared is None
            else d.fitted(d.grey(prepared.maps[index]), FACE, FACE)
        )
        d.place(page, tile, (_column(index, FACE), DEPTH_TOP), f"D-Net sees {title}" if index == 0 else title, note)


def _scores(page: U8, result: Result, description: BundleDescription) -> None:
    x, width = _column(3, FACE) + 8, 2 * FACE + GAP - 8
    limits = description.thresholds
    d.write(page, "Attack scores", (x, DEPTH_TOP - 9))
    d.gauge(page, "D-Net", result.d_net, limits.d_net, (x, DEPTH_TOP + 40), width)
    d.gauge(page, "M-Net", result.m_net, limits.m_net, (x, DEPTH_TOP + 118), width)
    facts = (
        "D-Net rejects: M-Net is not asked" if result.m_net is None and result.verdict is Verdict.ATTACK else "",
        "" if result.distance_m is None else f"distance {result.distance_m * 1000:.0f} mm",
        "" if result.pose is None else _angles(result.pose),
        f"judged in {sum(result.stage_ms.values()):.0f} ms",
        f"model {description.name}, trained on {description.origin.replace('_', '-')} data",
    )
    for row, fact in enumerate(filter(None, facts)):
        d.write(page, d.shortened(fact, width, 0.5), (x, DEPTH_TOP + 186 + 25 * row), 0.5, d.GREY)


def _angles(pose: Pose) -> str:
    return f"yaw {round(pose.yaw):+d}, pitch {round(pose.pitch):+d}, roll {round(pose.roll):+d} degrees"


def _what_m_net_sees(page: U8, result: Result, patches: tuple[Patch, ...]) -> None:
    titles = (
        ("M-Net sees stack", "colour"),
        ("stack", "infrared, distance-free"),
        ("sum", "colour + infrared"),
        ("diff", "|colour - infrared|"),
        ("M-Net answers", "score by place"),
    )
    for index, (tile, (title, note)) in enumerate(zip(_reflectance_tiles(result, patches), titles, strict=True)):
        d.place(page, tile, (_column(index, FACE), REFLECTANCE_TOP), title, note)
    bar = d.blue_to_orange(np.linspace(0, 1, FACE)[None])
    d.scale_bar(page, bar, (_column(4, FACE), REFLECTANCE_TOP + FACE + 8), ("0 live", "attack 1"))


def _reflectance_tiles(result: Result, patches: tuple[Patch, ...]) -> list[U8]:
    prepared = result.prepared
    if prepared is None or prepared.stack is None or prepared.sum is None or prepared.diff is None:
        return [d.missing("no reflectance face", FACE, FACE)] * 5
    linear = np.clip(prepared.stack, 0, 1) ** (1 / 2.2) * 255
    color = linear[:3].transpose(1, 2, 0).astype(np.uint8)
    pictures = (
        color,
        d.grey(linear[3]),
        np.ascontiguousarray(prepared.sum.transpose(1, 2, 0)),
        np.ascontiguousarray(prepared.diff.transpose(1, 2, 0)),
    )
    tiles = [d.fitted(picture, FACE, FACE) for picture in pictures]
    if result.patches is None:
        return [*tiles, d.missing("did not run", FACE, FACE)]
    return [*tiles, d.fitted(_heat(color, result.patches, patches), FACE, FACE)]


def patch_map(scores: tuple[float | None, ...], patches: tuple[Patch, ...]) -> NDArray[np.float32]:
    """Attack score by place, float32 [S, S]: the weighted mean of the patches that cover a pixel, NaN where none."""
    total = np.zeros((FACE_SIZE, FACE_SIZE), np.float32)
    weight = np.zeros_like(total)
    for score, patch in zip(scores, patches, strict=True):
        if score is not None:
            part = np.s_[patch.y : patch.y + patch.size, patch.x : patch.x + patch.size]
            total[part] += np.float32(patch.weight * score)
            weight[part] += np.float32(patch.weight)
    return np.divide(total, weight, out=np.full_like(total, np.nan), where=weight > 0)


def _heat(color: U8, scores: tuple[float | None, ...], patches: tuple[Patch, ...]) -> U8:
    face = d.grey(cv2.cvtColor(color, cv2.COLOR_RGB2GRAY)).astype(np.float32)
    answered = patch_map(scores, patches)
    heat = d.blue_to_orange(np.nan_to_num(answered, nan=0.5)).astype(np.float32)
    mixed = np.where(np.isnan(answered)[..., None], face, 0.4 * face + 0.6 * heat)
    return mixed.astype(np.uint8)
