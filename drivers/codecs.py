"""Lossless picture codecs, with the size settled before a pixel is decoded.

JPEG XL (lossless, effort 1) is what sessions hold; PNG is what frame folders hold and what every viewer
shows. A damaged or hostile header never costs memory: PNG's is read here, JPEG XL's is compared by the
decoder with the buffer that it is handed.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any, Final, Literal

import imagecodecs
import numpy as np
from numpy.typing import NDArray

Codec = Literal["jxl", "png"]

MAX_FILE_BYTES: Final = 64 << 20
"""Largest encoded picture that is read at all."""

_PNG_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_PNG_GREY: Final = 0
_PNG_RGB: Final = 2
_PNG_KINDS: Final = {
    0: "grey",
    2: "RGB",
    3: "palette",
    4: "grey with alpha",
    6: "RGB with alpha",
}


class PictureError(ValueError):
    """An encoded picture is damaged or not what was expected; the caller adds file and remedy."""


@dataclass(frozen=True, slots=True)
class PngHeader:
    """The IHDR chunk (PNG specification, 11.2.2). `kind` is the colour type."""

    width: int
    height: int
    bits: int
    kind: int

    @property
    def shape(self) -> tuple[int, ...]:
        """[H, W] or [H, W, 3]."""
        return (self.height, self.width, 3) if self.kind == _PNG_RGB else (self.height, self.width)

    @property
    def is_rgb8(self) -> bool:
        """8-bit RGB without alpha or palette."""
        return self.kind == _PNG_RGB and self.bits == 8

    def is_grey(self, *bits: int) -> bool:
        """Grey without alpha, with one of these bit depths."""
        return self.kind == _PNG_GREY and self.bits in bits

    def __str__(self) -> str:
        kind = _PNG_KINDS.get(self.kind, f"colour type {self.kind}")
        return f"{self.width}x{self.height} {self.bits}-bit {kind}"


def png_header(data: bytes) -> PngHeader:
    """Size and pixel type of a PNG. Raises `PictureError` where `data` is no PNG."""
    if data[:8] != _PNG_SIGNATURE or data[12:16] != b"IHDR" or len(data) < 26:
        raise PictureError("not a PNG file")
    return PngHeader(*struct.unpack(">IIBB", data[16:26]))


def encode(pixels: NDArray[Any], codec: Codec) -> bytes:
    """Encodes uint8 or uint16 [H, W] or [H, W, 3], losslessly, on the calling thread."""
    if codec == "jxl":
        return bytes(imagecodecs.jpegxl_encode(pixels, lossless=True, effort=1, numthreads=1))
    return bytes(imagecodecs.png_encode(pixels, level=1, strategy=3, filter=16))


def decode(data: bytes, codec: Codec, shape: tuple[int, ...], bits: int) -> NDArray[Any]:
    """Decodes a picture of known `shape` ([H, W] or [H, W, 3]) and `bits` (8 or 16) a sample.

    Returns an owned, C-contiguous array. Raises `PictureError` where the picture is damaged or of
    another size or type, before memory is claimed for it.
    """
    if codec == "png" and (found := png_header(data)).shape != shape:
        raise PictureError(f"picture is {found}, expected {_wanted(shape, bits)}")
    out = np.empty(shape, np.uint8 if bits == 8 else np.uint16)
    try:
        if codec == "jxl":
            imagecodecs.jpegxl_decode(data, index=0, numthreads=1, out=out)
        else:
            imagecodecs.png_decode(data, out=out)
    except ValueError as error:  # the decoder's word for "does not fit the buffer"
        raise PictureError(f"picture is not {_wanted(shape, bits)}") from error
    except RuntimeError as error:  # base of imagecodecs' own errors
        raise PictureError(f"picture cannot be decoded ({error})") from error
    return out


def _wanted(shape: tuple[int, ...], bits: int) -> str:
    return f"{shape[1]}x{shape[0]} {bits}-bit {'RGB' if len(shape) == 3 else 'grey'}"
