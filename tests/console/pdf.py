"""A PDF as a reader of it sees it: text by way of its own ToUnicode map, and the tree of tags.

ISO 32000-1. Only what our letters use, read from the bytes alone.
"""

import re
import zlib
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ReadPdf:
    """A document: the text of each page line by line, and its objects as they stand."""

    pages: list[list[str]]
    objects: dict[int, bytes]

    @property
    def text(self) -> str:
        """All of it, lines joined by a space."""
        return " ".join(" ".join(line.strip() for line in page) for page in self.pages)

    def tags(self) -> list[str]:
        """The type of each element of the tree, in reading order."""
        root = next(body for body in self.objects.values() if b"/StructTreeRoot" in body[:40])
        return self._below(_references(root, b"K")[0])

    def _below(self, number: int) -> list[str]:
        body = self.objects[number]
        found = re.search(rb"/S /(\w+)", body)
        assert found
        kids = [kid for each in _references(body, b"K") for kid in self._below(each)]
        return [found.group(1).decode(), *kids]


def read_pdf(file: bytes) -> ReadPdf:
    """What the file says; raises `AssertionError` where it is none of ours."""
    assert file.startswith(b"%PDF-1.7\n")
    assert file.endswith(b"%%EOF\n")
    objects = {
        int(number): body
        for number, body in re.findall(rb"(?:^|\n)(\d+) 0 obj\n(.*?)\nendobj", file, re.DOTALL)
    }
    fonts = _fonts(objects)
    sheets = [body for _, body in sorted(objects.items()) if b"/Type /Page/" in body]
    pages = []
    for sheet in sheets:
        named = dict(re.findall(rb"/(F\d) (\d+) 0 R", sheet))
        (contents,) = _references(sheet, b"Contents")
        pages.append(_lines(_stream(objects[contents]), fonts, named))
    return ReadPdf(pages, objects)


def _fonts(objects: dict[int, bytes]) -> dict[int, dict[int, str]]:
    found = {}
    for number, body in objects.items():
        if b"/Subtype /Type0" in body:
            (meanings,) = _references(body, b"ToUnicode")
            pairs = re.findall(rb"<([0-9a-f]{4})> <([0-9a-f]{4})>", _stream(objects[meanings]))
            found[number] = {int(glyph, 16): chr(int(code, 16)) for glyph, code in pairs}
    return found


def _lines(
    content: bytes, fonts: dict[int, dict[int, str]], named: dict[bytes, bytes]
) -> list[str]:
    lines, font = [], {}
    for name, shown in re.findall(rb"/(F\d) [\d.]+ Tf|\[<([0-9a-f]+)>\] TJ", content):
        if name:
            font = fonts[int(named[name])]
        else:
            glyphs = [int(shown[at : at + 4], 16) for at in range(0, len(shown), 4)]
            lines.append("".join(font[glyph] for glyph in glyphs))
    return lines


def _stream(body: bytes) -> bytes:
    start = body.index(b"\nstream\n") + len(b"\nstream\n")
    raw = body[start : body.rindex(b"\nendstream")]
    return zlib.decompress(raw) if b"/FlateDecode" in body[:start] else raw


def _references(body: bytes, name: bytes) -> list[int]:
    found = re.search(rb"/" + name + rb" (\[[^\]]*\]|\d+ 0 R)", body)
    return [int(each) for each in re.findall(rb"(\d+) 0 R", found.group(1))] if found else []
