"""A tagged PDF, which screen readers can read: each text and picture has a place in its tree.

ISO 32000-1:2008 §14.7 (structure), §14.8 (tags), §9.7 (fonts of many glyphs), and what ISO 14289-1
(PDF/UA) asks on top: a language, a title that is shown, fonts inside, a text for each picture, and
nothing untagged but ornaments. pydyf writes the objects.

Why not a library that lays pages out: fpdf2 tags pictures alone, takes a second to import and 38
MiB for as long as the service runs; weasyprint needs Pango, which slim containers don't have.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from typing import Any, Final, Literal
from xml.sax.saxutils import escape

from pydyf import PDF, Array, Dictionary, Stream, String

from authn.console.typeface import Typeface, Weight, load_typeface, to_unicode_cmap

Tag = Literal["H1", "H2", "P", "L", "LI", "Lbl", "LBody", "Figure"]

# Points: A4 with margins of 25 mm.
WIDTH, HEIGHT, MARGIN = 595.28, 841.89, 70.87
COLUMN: Final = WIDTH - 2 * MARGIN
LEADING: Final = 1.4
_FONTS: Final[dict[Weight, str]] = {"Regular": "F1", "Bold": "F2"}


class TaggedPdf:
    """A PDF document, written from top to bottom, in one language."""

    def __init__(self, title: str, language: str) -> None:
        self._pdf = PDF()
        self._language = language
        self._title = title
        self._tree = self._add(Dictionary({"Type": "/StructTreeRoot"}))
        self._document = self._add(_element("Document", self._tree))
        self._within = [self._document]
        self._fonts = {
            name: self._add_font(load_typeface(weight)).reference for weight, name in _FONTS.items()
        }
        self._pages: list[_Page] = []

    @property
    def below(self) -> float:
        """The distance in points of the next line from the top of its page."""
        return self._page.below

    @below.setter
    def below(self, value: float) -> None:
        self._page.below = value

    def new_page(self) -> None:
        """Begins a page."""
        self._pages.append(_Page())

    @contextmanager
    def part(self, tag: Tag) -> Iterator[None]:
        """Groups what is written inside the `with` block under a tag, such as a list."""
        element = self._add(_element(tag, self._within[-1]))
        self._within[-1]["K"].append(element.reference)
        self._within.append(element)
        yield
        self._within.pop()

    def text(
        self,
        text: str,
        size: float = 11,
        *,
        tag: Tag = "P",
        weight: Weight = "Regular",
        left: float = MARGIN,
        width: float = COLUMN,
        align: Literal["left", "center", "right"] = "left",
        after: float = 6,
    ) -> None:
        """Writes a text in as many lines as it needs; lengths are in points."""
        face = load_typeface(weight)
        lines = _lines(face, face.drawable(text), size, width)
        with self._marked(tag) as stream:
            stream.begin_text()
            stream.set_font_size(_FONTS[weight], size)
            for line in lines:
                free = width - face.width(line, size)
                start = left + free * {"left": 0, "center": 0.5, "right": 1}[align]
                self.below += size * LEADING
                stream.set_text_matrix(1, 0, 0, 1, start, HEIGHT - self.below)
                # With the space that the line break replaced, so that words stay apart.
                glyphs = "".join(f"{face.glyphs[ord(each)]:04x}" for each in f"{line} ")
                stream.show_text(f"<{glyphs}>")
            stream.end_text()
        self.below += after

    def item(self, label: str, text: str, size: float = 11, *, width: float = COLUMN) -> None:
        """Writes an item of a list: a label, and its text beside."""
        with self.part("LI"):
            top, indent = self.below, 1.7 * size
            self.text(label, size, tag="Lbl", weight="Bold", width=indent)
            self.below = top
            left = MARGIN + indent
            self.text(text, size, tag="LBody", left=left, width=width - indent)

    def picture(
        self, rows: Sequence[Sequence[int]], side: float, left: float, top: float, alt: str
    ) -> None:
        """Draws a QR code with these modules (1 is dark); `alt` is the text read aloud."""
        module = side / len(rows)
        bottom = HEIGHT - top - side
        with self._marked("Figure", alt=alt, box=(left, bottom, left + side, bottom + side)) as on:
            for number, row in enumerate(rows):
                for start, end in _runs(row):
                    on.rectangle(
                        left + start * module,
                        HEIGHT - top - (number + 1) * module,
                        (end - start) * module,
                        module,
                    )
            on.fill()

    def frame(self, top: float, bottom: float) -> None:
        """Draws a thin frame, which is an ornament and not read aloud."""
        stream = self._page.stream
        stream.begin_marked_content("Artifact")
        stream.set_line_width(0.75)
        stream.rectangle(MARGIN, HEIGHT - bottom, COLUMN, bottom - top)
        stream.stroke()
        stream.end_marked_content()

    def to_bytes(self) -> bytes:
        """The finished file."""
        numbers = Array()
        for index, page in enumerate(self._pages):
            numbers.extend([index, Array(each.reference for each in page.marked).data])
            self._finish(page, index)
        parents = self._add(Dictionary({"Nums": numbers}))
        self._tree.update(
            {"K": self._document.reference, "ParentTree": parents.reference,
             "ParentTreeNextKey": len(self._pages)}
        )  # fmt: skip
        metadata = Stream([self._metadata()], {"Type": "/Metadata", "Subtype": "/XML"})
        self._pdf.catalog.update(
            {
                "Lang": String(self._language),
                "MarkInfo": Dictionary({"Marked": "true"}),
                "StructTreeRoot": self._tree.reference,
                "ViewerPreferences": Dictionary({"DisplayDocTitle": "true"}),
                "Metadata": self._add(metadata).reference,
            }
        )
        self._pdf.info["Title"] = String(self._title)
        file = BytesIO()
        self._pdf.write(file, identifier=True)
        return file.getvalue()

    @property
    def _page(self) -> "_Page":
        return self._pages[-1]

    def _add(self, added: Any) -> Any:
        self._pdf.add_object(added)
        return added

    @contextmanager
    def _marked(self, tag: Tag, *, alt: str = "", box: tuple[float, ...] = ()) -> Iterator[Stream]:
        """Makes what is drawn inside the `with` block the content of an element (§14.7.4)."""
        page = self._page
        element = self._add(_element(tag, self._within[-1]))
        self._within[-1]["K"].append(element.reference)
        if alt:
            element["Alt"] = String(alt)
            element["A"] = Dictionary({"O": "/Layout", "BBox": Array(box), "Placement": "/Block"})
        number = len(page.marked)
        page.marked.append(element)
        page.stream.begin_marked_content(tag, Dictionary({"MCID": number}).data)
        yield page.stream
        page.stream.end_marked_content()

    def _finish(self, page: "_Page", index: int) -> None:
        contents = self._add(page.stream)
        sheet = Dictionary(
            {
                "Type": "/Page",
                "Parent": self._pdf.pages.reference,
                "MediaBox": Array([0, 0, WIDTH, HEIGHT]),
                "Contents": contents.reference,
                "Resources": Dictionary({"Font": Dictionary(self._fonts)}),
                "StructParents": index,
                "Tabs": "/S",
            }
        )
        self._pdf.add_page(sheet)
        for number, element in enumerate(page.marked):
            element["Pg"] = sheet.reference
            element["K"].append(number)

    def _add_font(self, face: Typeface) -> Any:
        """Embeds a typeface, with two bytes a glyph (§9.7) and the character of each."""
        file = self._add(Stream([face.file], {"Length1": len(face.file)}, compress=True))
        descriptor = Dictionary(
            {
                "Type": "/FontDescriptor",
                "FontName": f"/{face.name}",
                "Flags": 32,
                "FontBBox": Array(face.box),
                "ItalicAngle": 0,
                "Ascent": face.ascent,
                "Descent": face.descent,
                "CapHeight": 711,
                "StemV": 80,
                "FontFile2": file.reference,
            }
        )
        descendant = Dictionary(
            {
                "Type": "/Font",
                "Subtype": "/CIDFontType2",
                "BaseFont": f"/{face.name}",
                "CIDSystemInfo": Dictionary(
                    {"Registry": String("Adobe"), "Ordering": String("Identity"), "Supplement": 0}
                ),
                "FontDescriptor": self._add(descriptor).reference,
                "CIDToGIDMap": "/Identity",
                "W": Array([0, Array(face.widths).data]),
            }
        )
        meanings = self._add(Stream([to_unicode_cmap(face)], compress=True))
        font = {
            "Type": "/Font",
            "Subtype": "/Type0",
            "BaseFont": f"/{face.name}",
            "Encoding": "/Identity-H",
            "DescendantFonts": Array([self._add(descendant).reference]),
            "ToUnicode": meanings.reference,
        }
        return self._add(Dictionary(font))

    def _metadata(self) -> bytes:
        """The title and language as XMP (ISO 16684-1)."""
        title, language = escape(self._title), escape(self._language)
        return (
            '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
            '<x:xmpmeta xmlns:x="adobe:ns:meta/">'
            '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
            '<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/">'
            f'<dc:title><rdf:Alt><rdf:li xml:lang="x-default">{title}</rdf:li></rdf:Alt></dc:title>'
            f"<dc:language><rdf:Bag><rdf:li>{language}</rdf:li></rdf:Bag></dc:language>"
            '</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="r"?>'
        ).encode()


class _Page:
    """A page, and the elements whose content is drawn on it, in order."""

    def __init__(self) -> None:
        self.stream = Stream(compress=True)
        self.below = MARGIN
        self.marked: list[Dictionary] = []


def _element(tag: str, parent: Dictionary) -> Dictionary:
    return Dictionary({"Type": "/StructElem", "S": f"/{tag}", "P": parent.reference, "K": Array()})


def _lines(face: Typeface, text: str, size: float, width: float) -> list[str]:
    """The text in lines that fit; a word that is wider than a line is broken."""
    lines = [""]
    for word in text.split():
        rest = word
        longer = f"{lines[-1]} {rest}".strip()
        if face.width(longer, size) <= width:
            lines[-1] = longer
            continue
        while face.width(rest, size) > width:
            fits = next(
                end for end in range(len(rest) - 1, 0, -1) if face.width(rest[:end], size) <= width
            )
            lines.append(rest[:fits])
            rest = rest[fits:]
        lines.append(rest)
    return [line for line in lines if line]


def _runs(row: Sequence[int]) -> Iterator[tuple[int, int]]:
    """The dark runs of a row, each as its start and end."""
    start = None
    for index, dark in enumerate((*row, 0)):
        if dark and start is None:
            start = index
        elif not dark and start is not None:
            yield start, index
            start = None
