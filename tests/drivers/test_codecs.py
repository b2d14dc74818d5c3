"""Pictures come back bit for bit, and nothing that a header claims costs memory."""

from __future__ import annotations

import struct
import tracemalloc
import zlib

import imagecodecs
import numpy as np
import pytest

from drivers.codecs import Codec, PictureError, decode, encode, png_header

CODECS: tuple[Codec, ...] = ("jxl", "png")
KINDS = [((9, 7, 3), 8), ((9, 7), 8), ((9, 7), 16), ((1, 1), 16), ((1, 1, 3), 8)]


def noise(shape: tuple[int, ...], bits: int, seed: int = 0) -> np.ndarray:
    kind = np.uint8 if bits == 8 else np.uint16
    return np.random.default_rng(seed).integers(0, 2**bits, shape, kind)


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize(("shape", "bits"), KINDS)
def test_lossless(codec: Codec, shape: tuple[int, ...], bits: int) -> None:
    for pixels in (noise(shape, bits), np.full(shape, 2**bits - 1, noise(shape, bits).dtype)):
        pixels.flags.writeable = False
        got = decode(encode(pixels, codec), codec, shape, bits)
        assert got.dtype == pixels.dtype
        assert got.flags.c_contiguous
        assert got.flags.owndata
        np.testing.assert_array_equal(got, pixels)


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize(("shape", "bits"), [((8, 7), 16), ((9, 8), 16), ((9, 7), 8), ((9, 7, 3), 8), ((7, 9), 16)])
def test_another_size_or_type_is_refused(codec: Codec, shape: tuple[int, ...], bits: int) -> None:
    data = encode(noise((9, 7), 16), codec)
    with pytest.raises(PictureError):
        decode(data, codec, shape, bits)


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("data", [b"", b"\xff\x0a", b"\x89PNG\r\n\x1a\n", b"no picture at all, but text", bytes(100)])
def test_other_bytes_are_refused(codec: Codec, data: bytes) -> None:
    with pytest.raises(PictureError):
        decode(data, codec, (9, 7), 16)


def test_png_flips_and_cuts_are_noticed_or_harmless() -> None:
    pixels = noise((24, 32), 16)
    data = encode(pixels, "png")
    random = np.random.default_rng(3)
    for _ in range(200):
        damaged = bytearray(data)
        damaged[random.integers(len(data))] ^= 1 << int(random.integers(8))
        for candidate in (bytes(damaged), data[: random.integers(len(data))]):
            try:
                got = decode(candidate, "png", pixels.shape, 16)
            except PictureError:
                continue
            np.testing.assert_array_equal(got, pixels)


def _huge_png(side: int) -> bytes:
    header = b"IHDR" + struct.pack(">IIBBBBB", side, side, 16, 0, 0, 0, 0)
    chunk = struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))
    return b"\x89PNG\r\n\x1a\n" + chunk + encode(noise((9, 7), 16), "png")[33:]


def _huge_jxl(side: int) -> bytes:
    # JPEG XL SizeHeader: div8 = 0, selector 3 (30 bits) for the height, ratio 1:1, then default metadata
    fields = [(0, 1), (3, 2), (side - 1, 30), (1, 3), (1, 1)]
    value = shift = 0
    for field, width in fields:
        value |= field << shift
        shift += width
    return b"\xff\x0a" + value.to_bytes(5, "little") + bytes(200)


@pytest.mark.parametrize("side", [20_000, 1 << 29])
def test_a_huge_claim_costs_no_memory(side: int) -> None:
    bombs: list[tuple[Codec, bytes]] = [("png", _huge_png(side)), ("jxl", _huge_jxl(side))]
    tracemalloc.start()
    try:
        for codec, data in bombs:
            with pytest.raises(PictureError):
                decode(data, codec, (9, 7), 16)
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()


def test_only_the_first_picture_of_a_series_is_decoded() -> None:
    series = np.stack([noise((9, 7, 3), 8, seed) for seed in range(4)])
    data = imagecodecs.jpegxl_encode(series, lossless=True)
    np.testing.assert_array_equal(decode(data, "jxl", (9, 7, 3), 8), series[0])


def test_png_header_names_what_it_found() -> None:
    header = png_header(encode(noise((9, 7), 16), "png"))
    assert (header.shape, header.is_grey(16), header.is_grey(8), header.is_rgb8) == ((9, 7), True, False, False)
    assert str(header) == "7x9 16-bit grey"
    assert png_header(encode(noise((9, 7, 3), 8), "png")).is_rgb8
