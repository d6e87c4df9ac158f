"""Pictures of models from bytes of others: a raster that is what it claims to be, or plain SVG.

The first bytes say what a picture is: of the published icons, twenty call a JPEG "image/png". PNG 3
(https://www.w3.org/TR/png-3/), JPEG (ITU-T T.81), WebP (RFC 9649).
"""

import base64
import binascii
import re
import struct
from dataclasses import dataclass
from functools import lru_cache

from authn.webauthn.models.svg import RefusedPicture, clean_svg

LARGEST_PICTURE = 64 * 1024
LONGEST_SIDE = 4096  # pixels
MOST_PIXELS = 6_000_000  # a browser needs four bytes for each, however few there are in the file
REMEMBERED = 64

_DATA_URL = re.compile(r"data:image/[a-z0-9.+-]{1,30}(?:;charset=[\w-]{1,20})?;base64,", re.ASCII)
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # T.81 table B.1: SOF0 to SOF15


@dataclass(frozen=True, slots=True)
class ModelPicture:
    """A picture that may be shown, and its media type."""

    media_type: str
    content: bytes


def read_data_url(url: str) -> bytes | None:
    """The bytes of a base64 data: URL of a picture (RFC 2397), None when it is anything else."""
    head = _DATA_URL.match(url)
    if head is None or len(url) > 2 * LARGEST_PICTURE:
        return None
    try:
        raw = base64.b64decode(url[head.end() :], validate=True)
    except (ValueError, binascii.Error):
        return None
    return raw if len(raw) <= LARGEST_PICTURE else None


@lru_cache(maxsize=REMEMBERED)
def read_picture(raw: bytes) -> ModelPicture | None:
    """The picture in these bytes, None when they are no picture that may be shown."""
    if len(raw) > LARGEST_PICTURE:
        return None
    for media_type, size in (
        ("image/png", _png_size),
        ("image/jpeg", _jpeg_size),
        ("image/webp", _webp_size),
    ):
        try:
            sides = size(raw)
        except (struct.error, IndexError):
            return None  # it began as one, and was cut off
        if sides:
            return ModelPicture(media_type, raw) if _sane(*sides) else None
    try:
        return ModelPicture("image/svg+xml", clean_svg(raw))
    except RefusedPicture:
        return None


def _sane(width: int, height: int) -> bool:
    return (
        0 < width <= LONGEST_SIDE and 0 < height <= LONGEST_SIDE and width * height <= MOST_PIXELS
    )


def _png_size(raw: bytes) -> tuple[int, int] | None:
    """PNG §5.2 and §11.2.1: the header chunk comes first."""
    if not raw.startswith(b"\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR"):
        return None
    width, height = struct.unpack_from(">II", raw, 16)
    return width, height


def _jpeg_size(raw: bytes) -> tuple[int, int] | None:
    """T.81 §B.2.2: the frame header, after any number of other segments."""
    if not raw.startswith(b"\xff\xd8\xff"):
        return None
    at = 2
    while True:
        mark, marker, length = struct.unpack_from(">BBH", raw, at)
        if mark != 0xFF or length < 2 or marker in (0xD9, 0xDA):  # no picture without a frame
            return (0, 0)
        if marker in _FRAMES:
            height, width = struct.unpack_from(">HH", raw, at + 5)
            return width, height
        at += 2 + length


def _webp_size(raw: bytes) -> tuple[int, int] | None:
    """RFC 9649 §2.4 to §2.7: lossy, lossless or extended."""
    if not (raw.startswith(b"RIFF") and raw[8:12] == b"WEBP"):
        return None
    form = raw[12:16]
    if form == b"VP8 " and raw[23:26] == b"\x9d\x01\x2a":
        width, height = struct.unpack_from("<HH", raw, 26)
        return width & 0x3FFF, height & 0x3FFF
    if form == b"VP8L" and raw[20] == 0x2F:
        (bits,) = struct.unpack_from("<I", raw, 21)
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if form == b"VP8X":
        width, height = (int.from_bytes(raw[at : at + 3], "little") + 1 for at in (24, 27))
        return (width, height) if len(raw) >= 30 else (0, 0)
    return (0, 0)
