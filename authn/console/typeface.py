"""The two typefaces of letters: the glyph of each character, and its width.

TrueType (https://learn.microsoft.com/typography/opentype/spec/): the tables `head`, `hhea`, `hmtx`
and `cmap` (format 4) of the font files in `fonts/`, which are not checked: they are our own.
"""

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Literal
from unicodedata import normalize

FONTS = Path(__file__).parent / "fonts"
UNKNOWN = "?"

Weight = Literal["Regular", "Bold"]


@dataclass(frozen=True, slots=True)
class Typeface:
    """A TrueType font to embed in a PDF; lengths are in thousandths of the font size."""

    name: str
    file: bytes = field(repr=False)
    glyphs: Mapping[int, int] = field(repr=False)
    widths: tuple[int, ...] = field(repr=False)
    ascent: int
    descent: int
    box: tuple[int, ...]

    def drawable(self, text: str) -> str:
        """The text composed (NFC), with a question mark for each character that the font lacks."""
        composed = normalize("NFC", text)
        return "".join(each if ord(each) in self.glyphs else UNKNOWN for each in composed)

    def width(self, text: str, size: float) -> float:
        """The width of the text at a font size, in the unit of the size."""
        glyphs = (self.glyphs[ord(each)] for each in self.drawable(text))
        return sum(self.widths[glyph] for glyph in glyphs) * size / 1000


@cache
def load_typeface(weight: Weight) -> Typeface:
    """Roboto in this weight, read once a process."""
    file = (FONTS / f"Roboto-{weight}.ttf").read_bytes()
    tables = _tables(file)
    head, hhea, hmtx = tables["head"], tables["hhea"], tables["hmtx"]
    (units,) = struct.unpack_from(">H", head, 18)
    (measured,) = struct.unpack_from(">H", hhea, 34)
    (count,) = struct.unpack_from(">H", tables["maxp"], 4)

    def thousandths(value: float) -> int:
        return round(value * 1000 / int(units))

    advances = [struct.unpack_from(">H", hmtx, 4 * glyph)[0] for glyph in range(measured)]
    advances += advances[-1:] * (count - measured)
    return Typeface(
        name=f"Roboto-{weight}",
        file=file,
        glyphs=_glyphs(tables["cmap"]),
        widths=tuple(thousandths(advance) for advance in advances),
        ascent=thousandths(struct.unpack_from(">h", hhea, 4)[0]),
        descent=thousandths(struct.unpack_from(">h", hhea, 6)[0]),
        box=tuple(thousandths(each) for each in struct.unpack_from(">4h", head, 36)),
    )


def to_unicode_cmap(face: Typeface) -> str:
    """The ToUnicode CMap (ISO 32000-1 §9.10.3): the character of each glyph."""
    by_glyph = {glyph: code for code, glyph in sorted(face.glyphs.items(), reverse=True)}
    pairs = [f"<{glyph:04x}> <{code:04x}>" for glyph, code in sorted(by_glyph.items())]
    blocks = [pairs[start : start + 100] for start in range(0, len(pairs), 100)]
    mapped = "\n".join(
        f"{len(block)} beginbfchar\n" + "\n".join(block) + "\nendbfchar" for block in blocks
    )
    return (
        "/CIDInit /ProcSet findresource begin 12 dict begin begincmap\n"
        "/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def\n"
        "/CMapName /Adobe-Identity-UCS def /CMapType 2 def\n"
        "1 begincodespacerange <0000> <ffff> endcodespacerange\n"
        f"{mapped}\nendcmap CMapName currentdict /CMap defineresource pop end end"
    )


def _tables(file: bytes) -> dict[str, bytes]:
    (count,) = struct.unpack_from(">H", file, 4)
    records = (struct.unpack_from(">4s4xII", file, 12 + 16 * each) for each in range(count))
    return {tag.decode("ascii"): file[start : start + length] for tag, start, length in records}


def _glyphs(cmap: bytes) -> dict[int, int]:
    """Glyphs by code point, from the first subtable, which has format 4."""
    (start,) = struct.unpack_from(">I", cmap, 8)
    table = cmap[start:]
    (twice,) = struct.unpack_from(">H", table, 6)
    count = twice // 2
    ends = struct.unpack_from(f">{count}H", table, 14)
    starts = struct.unpack_from(f">{count}H", table, 16 + twice)
    deltas = struct.unpack_from(f">{count}H", table, 16 + 2 * twice)
    at = 16 + 3 * twice
    offsets = struct.unpack_from(f">{count}H", table, at)
    found = {}
    for segment in range(count):
        for code in range(starts[segment], ends[segment] + 1):
            glyph = code
            if offsets[segment]:
                where = at + 2 * segment + offsets[segment] + 2 * (code - starts[segment])
                (glyph,) = struct.unpack_from(">H", table, where)
            found[code] = (glyph + deltas[segment]) % 0x10000
    del found[0xFFFF]  # the last segment, which is there to end the search
    return {code: glyph for code, glyph in found.items() if glyph}
