"""Tiles, captions and bars on a canvas uint8 [H, W, 3] RGB: OpenCV and NumPy, no plotting library."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

U8 = NDArray[np.uint8]
Color = tuple[int, int, int]

PAPER: Color = (250, 250, 248)
INK: Color = (28, 32, 38)
FAINT: Color = (120, 126, 134)
LINE: Color = (214, 216, 220)
BLANK: Color = (58, 62, 68)
BLUE: Color = (0, 92, 186)
ORANGE: Color = (214, 92, 0)
GREY: Color = (96, 102, 110)

_FONT = cv2.FONT_HERSHEY_DUPLEX


def canvas(height: int, width: int) -> U8:
    """An empty sheet."""
    return np.full((height, width, 3), PAPER, np.uint8)


def write(sheet: U8, text: str, at: tuple[int, int], size: float = 0.55, color: Color = INK) -> int:
    """Text with its base line at (x, y); returns the x where it ends."""
    cv2.putText(sheet, text, at, _FONT, size, color, 1, cv2.LINE_AA)
    return at[0] + text_width(text, size)


def text_width(text: str, size: float = 0.55) -> int:
    """Width of a text in pixels."""
    (width, _), _ = cv2.getTextSize(text, _FONT, size, 1)
    return int(width)


def shortened(text: str, width: int, size: float = 0.55) -> str:
    """The text, with its beginning cut off where it would be wider than `width` pixels."""
    if text_width(text, size) <= width:
        return text
    while text and text_width("..." + text, size) > width:
        text = text[1:]
    return "..." + text


def badge(sheet: U8, text: str, at: tuple[int, int], color: Color, size: float = 0.9) -> int:
    """White words on a coloured block whose upper left corner is `at`; returns the x where it ends."""
    width = text_width(text, size) + 32
    cv2.rectangle(sheet, at, (at[0] + width, at[1] + 46), color, cv2.FILLED)
    write(sheet, text, (at[0] + 16, at[1] + 33), size, (255, 255, 255))
    return at[0] + width


def fitted(picture: U8, height: int, width: int) -> U8:
    """The picture as large as fits into height × width, centred on a dark tile uint8 [height, width, 3]."""
    tile = np.full((height, width, 3), BLANK, np.uint8)
    scale = min(height / picture.shape[0], width / picture.shape[1])
    h, w = max(1, round(picture.shape[0] * scale)), max(1, round(picture.shape[1] * scale))
    resized = cv2.resize(picture, (w, h), interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    top, left = (height - h) // 2, (width - w) // 2
    tile[top : top + h, left : left + w] = resized
    return tile


def missing(text: str, height: int, width: int) -> U8:
    """A dark tile that says why there is no picture."""
    tile = np.full((height, width, 3), BLANK, np.uint8)
    size = 0.5
    write(tile, text, ((width - text_width(text, size)) // 2, height // 2), size, (225, 226, 228))
    return tile


def place(sheet: U8, tile: U8, at: tuple[int, int], title: str, note: str = "") -> None:
    """A tile with its title above it; `at` is the tile's upper left corner."""
    x, y = at
    sheet[y : y + tile.shape[0], x : x + tile.shape[1]] = tile
    end = write(sheet, title, (x, y - 9))
    if note and end + 10 + text_width(note, 0.45) <= x + tile.shape[1]:
        write(sheet, note, (end + 10, y - 9), 0.45, FAINT)


def grey(picture: NDArray[Any]) -> U8:
    """A picture [H, W] of 0..255 as RGB."""
    return np.repeat(np.clip(picture, 0, 255).astype(np.uint8)[..., None], 3, axis=2)


def turbo(values: NDArray[Any], low: float, high: float, empty: NDArray[np.bool_]) -> U8:
    """Values [H, W] on a fixed colour scale, near red, far blue; `empty` pixels are dark."""
    share = np.clip((high - values.astype(np.float32)) / (high - low), 0, 1)
    colored = cv2.applyColorMap((share * 255).astype(np.uint8), cv2.COLORMAP_TURBO)
    return np.where(empty[..., None], np.array(BLANK), colored[..., ::-1]).astype(np.uint8)


def blue_to_orange(share: NDArray[Any]) -> U8:
    """Shares [H, W] of 0..1 from blue over white to orange: readable without telling red from green."""
    value = np.clip(share, 0, 1).astype(np.float32)[..., None]
    blue, white, orange = (np.array(c, np.float32) for c in (BLUE, (245, 245, 245), ORANGE))
    lower = blue + (white - blue) * np.minimum(value * 2, 1)
    upper = white + (orange - white) * np.clip(value * 2 - 1, 0, 1)
    mixed: NDArray[np.float32] = np.where(value < 0.5, lower, upper)
    return mixed.astype(np.uint8)


def scale_bar(sheet: U8, colors: U8, at: tuple[int, int], ends: tuple[str, str]) -> None:
    """A colour bar uint8 [1, N, 3] of 12 × N pixels with the words for its two ends."""
    x, y = at
    n = colors.shape[1]
    sheet[y : y + 12, x : x + n] = colors
    write(sheet, ends[0], (x, y + 28), 0.42, FAINT)
    write(sheet, ends[1], (x + n - text_width(ends[1], 0.42), y + 28), 0.42, FAINT)


def gauge(sheet: U8, name: str, score: float | None, threshold: float, at: tuple[int, int], width: int) -> None:
    """An attack score as a bar from 0 to 1 with its threshold as a mark; empty where the stage did not run."""
    x, y = at
    color = GREY if score is None else ORANGE if score >= threshold else BLUE
    value = "did not run" if score is None else f"{score:.3f}"
    write(sheet, name, (x, y - 10))
    write(sheet, value, (x + width - text_width(value), y - 10), color=color)
    cv2.rectangle(sheet, (x, y), (x + width, y + 16), LINE, cv2.FILLED)
    if score is not None:
        cv2.rectangle(sheet, (x, y), (x + max(2, round(width * score)), y + 16), color, cv2.FILLED)
    mark = x + round(width * threshold)
    cv2.line(sheet, (mark, y - 4), (mark, y + 20), INK, 2)
    text = f"rejects from {threshold:.3f}"
    left = min(max(x, mark - text_width(text, 0.42) // 2), x + width - text_width(text, 0.42))
    write(sheet, text, (left, y + 36), 0.42, FAINT)


def rule(sheet: U8, y: int, margin: int) -> None:
    """A hairline across the sheet."""
    cv2.line(sheet, (margin, y), (sheet.shape[1] - margin, y), LINE, 1)
