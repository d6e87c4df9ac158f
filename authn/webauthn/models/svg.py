"""SVG pictures of others, written anew from elements and attributes that only draw.

Scalable Vector Graphics 2 (https://www.w3.org/TR/SVG2/). Elements and attributes that are not in
the lists are left out with all they hold: scripts, animations, foreign content, pictures inside,
whatever points outside. A document type, and with it entities, refuses the whole: no published
picture has one. What comes out was written by us alone.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.parsers import expat
from xml.sax.saxutils import escape, quoteattr

LARGEST_SVG = 64 * 1024
MOST_ELEMENTS = 2000
MOST_REFERENCES = 20  # `use` in `use` in `use` would multiply
DEEPEST = 32

SVG = "http://www.w3.org/2000/svg"
_HREFS = ("href", "http://www.w3.org/1999/xlink href")

_SHAPES = frozenset({"path", "rect", "circle", "ellipse", "line", "polyline", "polygon"})
_ELEMENTS = _SHAPES | {
    "svg", "g", "defs", "symbol", "use", "style", "clipPath", "mask",
    "linearGradient", "radialGradient", "stop", "title",
}  # fmt: skip
_WITH_TEXT = frozenset({"style", "title"})
_LOCAL_REFERENCE = frozenset({"use", "linearGradient", "radialGradient"})

_PRESENTATION = frozenset({
    "clip-path", "clip-rule", "color", "display", "fill", "fill-opacity", "fill-rule",
    "isolation", "mask", "mask-type", "mix-blend-mode", "opacity", "overflow", "stop-color",
    "stop-opacity", "stroke", "stroke-dasharray", "stroke-dashoffset", "stroke-linecap",
    "stroke-linejoin", "stroke-miterlimit", "stroke-opacity", "stroke-width", "transform",
    "visibility",
})  # fmt: skip
_ATTRIBUTES = _PRESENTATION | {
    "class", "clipPathUnits", "cx", "cy", "d", "fr", "fx", "fy", "gradientTransform",
    "gradientUnits", "height", "id", "maskContentUnits", "maskUnits", "offset", "points",
    "preserveAspectRatio", "r", "rx", "ry", "spreadMethod", "viewBox", "width", "x", "x1", "x2",
    "y", "y1", "y2",
}  # fmt: skip

# No colon, slash, quote, backslash or @: neither an address nor an escape can be written.
_PLAIN = re.compile(r"[\w \t\r\n#.,%()+-]*", re.ASCII)
_LOCAL_URL = re.compile(r"""url\(\s*(["']?)(#[A-Za-z_][\w.-]*)\1\s*\)""", re.ASCII)
_FRAGMENT = re.compile(r"#[A-Za-z_][\w.-]*", re.ASCII)
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_RULE = re.compile(r"\s*([\w .#,-]+)\{([^{}]*)\}\s*", re.ASCII)


class RefusedPicture(Exception):
    """Bytes are no SVG picture that may be shown; the text says why."""


def clean_svg(raw: bytes) -> bytes:
    """The picture in UTF-8, of listed elements and attributes alone; raises `RefusedPicture`."""
    if len(raw) > LARGEST_SVG:
        raise RefusedPicture("too large")
    writer = _Writer()
    parser = expat.ParserCreate("utf-8", namespace_separator=" ")
    parser.StartElementHandler = writer.start
    parser.EndElementHandler = writer.end
    parser.CharacterDataHandler = writer.text
    parser.StartDoctypeDeclHandler = _refuse
    parser.EntityDeclHandler = _refuse
    try:
        parser.Parse(raw, True)
    except expat.ExpatError:
        raise RefusedPicture("not well-formed") from None
    if not writer.shapes:
        raise RefusedPicture("nothing is drawn")
    return "".join(writer.parts).encode()


def _refuse(*declaration: object) -> None:
    raise RefusedPicture("a document type or an entity")


@dataclass(slots=True)
class _Writer:
    """Writes a picture while the parser reads; `skipping` is the depth in a left-out element."""

    parts: list[str] = field(default_factory=list)
    path: list[str] = field(default_factory=list)
    styles: list[str] = field(default_factory=list)
    skipping: int = 0
    elements: int = 0
    references: int = 0
    shapes: int = 0

    def start(self, full_name: str, attributes: dict[str, str]) -> None:
        self.elements += 1
        if self.elements > MOST_ELEMENTS or len(self.path) + self.skipping >= DEEPEST:
            raise RefusedPicture("too many elements")
        namespace, _, name = full_name.rpartition(" ")
        if not self.path and (namespace, name) != (SVG, "svg"):
            raise RefusedPicture("not SVG")
        if self.skipping or namespace != SVG or name not in _ELEMENTS:
            self.skipping += 1
            return
        if self.path and self.path[-1] in _WITH_TEXT:
            raise RefusedPicture("an element where only text may be")
        self.references += name == "use"
        if self.references > MOST_REFERENCES:
            raise RefusedPicture("too many references")
        self.shapes += name in _SHAPES
        written = "".join(
            f" {key}={quoteattr(value)}" for key, value in _kept_attributes(name, attributes)
        )
        root = f' xmlns="{SVG}"' if not self.path else ""
        self.path.append(name)
        self.parts.append(f"<{name}{root}{written}>")

    def end(self, full_name: str) -> None:
        if self.skipping:
            self.skipping -= 1
            return
        name = self.path.pop()
        if name == "style":
            self.parts.append(escape(_clean_sheet("".join(self.styles))))
            self.styles.clear()
        self.parts.append(f"</{name}>")

    def text(self, text: str) -> None:
        if self.skipping or not self.path:
            return
        if self.path[-1] == "style":
            self.styles.append(text)
        elif self.path[-1] == "title":
            self.parts.append(escape(text))


def _kept_attributes(element: str, attributes: dict[str, str]) -> Iterator[tuple[str, str]]:
    for name, value in attributes.items():
        if name in _HREFS:
            if element in _LOCAL_REFERENCE and _FRAGMENT.fullmatch(value.strip()):
                yield "href", value.strip()
        elif name == "style":
            if declarations := _clean_declarations(value):
                yield name, declarations
        elif name in _ATTRIBUTES and (clean := _clean_value(value)) is not None:
            yield name, clean


def _clean_sheet(sheet: str) -> str:
    """The rules of a style sheet; raises `RefusedPicture` for anything that isn't a plain rule."""
    sheet = _COMMENT.sub(" ", sheet).strip()
    rules, at = [], 0
    while at < len(sheet):
        rule = _RULE.match(sheet, at)
        if rule is None:
            raise RefusedPicture("a style sheet that is more than rules")
        rules.append(f"{rule[1].strip()}{{{_clean_declarations(rule[2])}}}")
        at = rule.end()
    return "".join(rules)


def _clean_declarations(text: str) -> str:
    kept = []
    for declaration in text.split(";"):
        name, _, value = (part.strip() for part in declaration.partition(":"))
        clean = _clean_value(value)
        if name in _PRESENTATION and clean:
            kept.append(f"{name}:{clean}")
    return ";".join(kept)


def _clean_value(value: str) -> str | None:
    """The value with local references unquoted; None if the value is unsafe."""
    value = _LOCAL_URL.sub(r"url(\2)", value)
    rest = _LOCAL_URL.sub("", value)
    return value if _PLAIN.fullmatch(rest) and "url" not in rest.lower() else None
