"""The ChArUco target: a chessboard with a marker in every white square, so that a part of it is enough.

`Board` is its geometry; `pdf` and `png` are sheets to print at true scale. Corners are numbered as OpenCV numbers
them (`cv2.aruco.CharucoBoard`), their origin is the outer corner of the first square, x along a row, z = 0.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]
U8 = NDArray[np.uint8]

DEFAULT: Final = "9x6:30:22:4X4_50"
PAPERS_MM: Final = {"A4": (297.0, 210.0), "A3": (420.0, 297.0), "letter": (279.4, 215.9)}
_POINTS_PER_MM: Final = 72 / 25.4
_RULER_MM: Final = 100.0
_ROOM_MM: Final = 10.0  # below the board, for the ruler line and its caption
_QUIET_MM: Final = 5.0  # printers leave an edge white


class TargetError(ValueError):
    """A description of a target that cannot be; says what to write."""


@dataclass(frozen=True, slots=True)
class Board:
    """Squares in a row and in a column, sides in metres, name of the marker dictionary without `DICT_`.

    `legacy`: laid out as OpenCV before 4.6 did (matters where the number of rows is even).
    """

    columns: int
    rows: int
    square_m: float
    marker_m: float
    dictionary: str = "4X4_50"
    legacy: bool = False

    @classmethod
    def parse(cls, text: str) -> Board:
        """From `COLUMNSxROWS:SQUARE_MM:MARKER_MM[:DICTIONARY[:legacy]]`, empty for `DEFAULT`. Raises TargetError."""
        wanted = f"a target is written like {DEFAULT} (squares, square and marker in mm, dictionary), not {text!r}"
        try:
            squares, square, marker, *rest = (text or DEFAULT).split(":")
            columns, rows = (int(n) for n in squares.lower().split("x"))
            dictionary, *tail = [*rest] or ["4X4_50"]
            board = cls(columns, rows, float(square) / 1000, float(marker) / 1000, dictionary, tail == ["legacy"])
        except ValueError:
            raise TargetError(wanted) from None
        if not (3 <= columns <= 40 and 3 <= rows <= 40 and 0 < board.marker_m < board.square_m) or tail not in (
            [],
            ["legacy"],
        ):
            raise TargetError(f"{wanted}: 3 to 40 squares either way, a marker smaller than its square")
        if not dictionary.isascii() or not hasattr(cv2.aruco, f"DICT_{dictionary}"):
            raise TargetError(f"there is no dictionary of markers called {dictionary}: write one such as 4X4_50")
        held = len(cv2.aruco.getPredefinedDictionary(getattr(cv2.aruco, f"DICT_{dictionary}")).bytesList)
        if columns * rows // 2 > held:
            raise TargetError(f"{columns}x{rows} squares need {columns * rows // 2} markers, {dictionary} has {held}")
        return board

    def __str__(self) -> str:
        tail = ":legacy" if self.legacy else ""
        squares = f"{self.columns}x{self.rows}"
        return f"{squares}:{1000 * self.square_m:g}:{1000 * self.marker_m:g}:{self.dictionary}{tail}"

    @property
    def size_m(self) -> tuple[float, float]:
        """Width and height of the whole pattern, metres."""
        return self.columns * self.square_m, self.rows * self.square_m

    @property
    def corners(self) -> F64:
        """Inner corners, float64 [N, 3], metres, by their number."""
        return np.asarray(opencv_board(self).getChessboardCorners(), np.float64).reshape(-1, 3)


@lru_cache(maxsize=8)
def opencv_board(board: Board) -> cv2.aruco.CharucoBoard:
    """The same target for OpenCV, lengths in metres."""
    dictionary = cv2.aruco.getPredefinedDictionary(getattr(cv2.aruco, f"DICT_{board.dictionary}"))
    made = cv2.aruco.CharucoBoard((board.columns, board.rows), board.square_m, board.marker_m, dictionary)
    made.setLegacyPattern(board.legacy)
    return made


def texture(board: Board, per_m: float) -> U8:
    """The pattern alone, uint8 [H, W], black on white, `per_m` pixels a metre; pixel i covers [i, i + 1) / per_m."""
    width, height = (round(side * per_m) for side in board.size_m)
    return np.asarray(opencv_board(board).generateImage((width, height)), np.uint8)


def png(board: Board, paper: str, dpi: int = 600) -> bytes:
    """The sheet as a picture whose file states its resolution, so that it prints at true scale. Raises TargetError."""
    page_w, page_h = PAPERS_MM[paper]
    left, bottom = _placed(board, paper)
    per_mm = dpi / 25.4
    page = np.full((round(page_h * per_mm), round(page_w * per_mm)), 255, np.uint8)
    pattern = texture(board, 1000 * per_mm)
    top = round((page_h - bottom - 1000 * board.size_m[1]) * per_mm)
    x = round(left * per_mm)
    page[top : top + pattern.shape[0], x : x + pattern.shape[1]] = pattern
    ruler = round((page_h - bottom + 4) * per_mm)
    page[ruler : ruler + max(1, round(0.3 * per_mm)), x : x + round(_RULER_MM * per_mm)] = 0
    at = (x, ruler + round(5 * per_mm))
    cv2.putText(page, _caption(board), at, cv2.FONT_HERSHEY_SIMPLEX, 0.1 * per_mm, 0, max(1, dpi // 150), cv2.LINE_AA)
    encoded = cv2.imencode(".png", page)[1].tobytes()
    per_metre = round(1000 * per_mm)
    body = b"pHYs" + struct.pack(">IIB", per_metre, per_metre, 1)
    chunk = struct.pack(">I", 9) + body + struct.pack(">I", zlib.crc32(body))
    header = 8 + 25  # signature and IHDR; pHYs has to stand before the pixels
    return encoded[:header] + chunk + encoded[header:]


def pdf(board: Board, paper: str) -> bytes:
    """The sheet as a page of vector squares, exact at any resolution; print it at 100 %. Raises TargetError."""
    page_w, page_h = PAPERS_MM[paper]
    left, bottom = _placed(board, paper)
    k = _POINTS_PER_MM
    lines = [f"{k:.9f} 0 0 {k:.9f} 0 0 cm", "0 g"]
    lines += [f"{left + x:.6f} {bottom + y:.6f} {w:.6f} {h:.6f} re" for x, y, w, h in _black_mm(board)]
    lines += [f"{left:.6f} {bottom - 4.3:.6f} {_RULER_MM:.6f} 0.3 re f"]
    lines += [f"BT /F 3 Tf {left:.6f} {bottom - 8.5:.6f} Td ({_caption(board)}) Tj ET"]
    content = "\n".join(lines).encode()
    return _pdf_file(
        [
            b"<< /Type /Catalog /Pages 2 0 R /ViewerPreferences << /PrintScaling /None >> >>",
            b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {page_w * k:.4f} {page_h * k:.4f}] /Contents 4 0 R "
            "/Resources << /Font << /F 5 0 R >> >> >>".encode(),
            b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content),
            b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
        ]
    )


def _black_mm(board: Board) -> list[tuple[float, float, float, float]]:
    """Black rectangles (x, y, w, h) in mm from the lower left: squares, and runs of black cells of each marker."""
    square, marker = 1000 * board.square_m, 1000 * board.marker_m
    made = opencv_board(board)
    cells = made.getDictionary().markerSize + 2
    side = marker / cells
    height = board.rows * square
    places = [np.asarray(p, np.float64).reshape(-1, 3)[:, :2].min(axis=0) * 1000 for p in made.getObjPoints()]
    white = {(int(x // square), int(y // square)) for x, y in places}
    every = [(c, r) for r in range(board.rows) for c in range(board.columns) if (c, r) not in white]
    black = [(c * square, height - (r + 1) * square, square, square) for c, r in every]
    for number, (x, y) in zip(np.ravel(made.getIds()).tolist(), places, strict=True):
        bits = cv2.aruco.generateImageMarker(made.getDictionary(), int(number), cells)
        for r in range(cells):
            edges = np.flatnonzero(np.diff(np.concatenate([[0], bits[r] == 0, [0]])))
            runs = zip(edges[::2], edges[1::2], strict=True)
            black += [(x + a * side, height - y - (r + 1) * side, (b - a) * side, side) for a, b in runs]
    return black


def _placed(board: Board, paper: str) -> tuple[float, float]:
    """Lower left corner of the pattern on a landscape page, mm. Raises TargetError where it does not fit."""
    page_w, page_h = PAPERS_MM[paper]
    width, height = (1000 * side for side in board.size_m)
    if width + 2 * _QUIET_MM > page_w or height + 2 * _QUIET_MM + _ROOM_MM > page_h:
        raise TargetError(
            f"a pattern of {width:g} x {height:g} mm does not fit on {paper} ({page_w:g} x {page_h:g} mm): "
            "choose smaller or fewer squares, or larger paper"
        )
    return (page_w - width) / 2, (page_h - height - _ROOM_MM) / 2 + _ROOM_MM


def _caption(board: Board) -> str:
    return f"trilume target {board} - print at 100 %; the line above is {_RULER_MM:g} mm: measure it"


def _pdf_file(objects: list[bytes]) -> bytes:
    """Objects numbered from 1, the first one the catalogue, with the table that PDF 1.4 wants."""
    out = bytearray(b"%PDF-1.4\n")
    places = []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    out += b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, table)
    return bytes(out)
