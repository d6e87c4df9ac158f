"""Pictures of models: what is shown, what is refused, and what of an SVG is left.

https://www.w3.org/TR/png-3/, ITU-T T.81, RFC 9649, https://www.w3.org/TR/SVG2/
"""

import base64
import re
import struct
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authn.webauthn.metadata.current import packaged_metadata
from authn.webauthn.models import names
from authn.webauthn.models.pictures import LARGEST_PICTURE, read_data_url, read_picture
from authn.webauthn.models.svg import RefusedPicture, clean_svg

pytestmark = pytest.mark.thorough

ROOT = '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink">'
SHAPE = '<path d="M0 0h9"/>'


def png(width: int, height: int) -> bytes:
    return b"\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR" + struct.pack(">II", width, height) + bytes(9)


def jpeg(width: int, height: int) -> bytes:
    application = b"\xff\xe0\x00\x04ab"
    frame = b"\xff\xc2\x00\x11\x08" + struct.pack(">HH", height, width)
    return b"\xff\xd8" + application + frame + bytes(20)


def webp(form: bytes, body: bytes) -> bytes:
    return b"RIFF\x00\x00\x00\x00WEBP" + form + bytes(4) + body + bytes(12)


def svg(inside: str) -> bytes:
    return f"{ROOT}{inside}</svg>".encode()


def cleaned(inside: str) -> str:
    return clean_svg(svg(inside + SHAPE)).decode()


# Addresses that hold a picture


def test_a_data_url_of_a_picture_is_read() -> None:
    encoded = base64.b64encode(b"picture").decode()
    assert read_data_url(f"data:image/png;base64,{encoded}") == b"picture"
    assert read_data_url(f"data:image/svg+xml;charset=utf-8;base64,{encoded}") == b"picture"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "data:image/png,plain",
        "data:text/html;base64,cGljdHVyZQ==",
        "data:image/png;base64,*",
        "data:image/png;base64,abc",
        " data:image/png;base64,cGljdHVyZQ==",
        "https://elsewhere.example/picture.png",
        "data:image/png;base64," + base64.b64encode(bytes(LARGEST_PICTURE + 1)).decode(),
        "data:image/png;base64," + "A" * 10_000_000,
    ],
    ids=lambda url: url[:30],
)
def test_any_other_address_is_not(url: str) -> None:
    assert read_data_url(url) is None


@given(url=st.text(max_size=60) | st.text("AZ+/=;,:", max_size=40).map("data:image/png;".__add__))
def test_any_text_is_read_or_not(url: str) -> None:
    raw = read_data_url(url)
    assert raw is None or url.endswith(base64.b64encode(raw).decode())


# Rasters


@pytest.mark.parametrize(
    ("raw", "media_type"),
    [
        (png(32, 48), "image/png"),
        (jpeg(32, 48), "image/jpeg"),
        (webp(b"VP8 ", b"\x00\x00\x00\x9d\x01\x2a" + struct.pack("<HH", 32, 48)), "image/webp"),
        (webp(b"VP8L", b"\x2f" + struct.pack("<I", 31 | 47 << 14)), "image/webp"),
        (webp(b"VP8X", bytes(4) + b"\x1f\x00\x00\x2f\x00\x00"), "image/webp"),
    ],
)
def test_a_raster_is_what_its_first_bytes_say(raw: bytes, media_type: str) -> None:
    picture = read_picture(raw)
    assert picture is not None
    assert (picture.media_type, picture.content) == (media_type, raw)


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"GIF89a" + bytes(20), id="another kind"),
        pytest.param(b"<html><script>alert(1)</script></html>", id="a page"),
        pytest.param(png(0, 9), id="no width"),
        pytest.param(png(30_000, 30_000), id="a billion pixels"),
        pytest.param(png(9000, 9), id="too wide"),
        pytest.param(png(9, 9)[:20], id="cut off"),
        pytest.param(png(9, 9) + bytes(LARGEST_PICTURE), id="too large"),
        pytest.param(jpeg(9000, 9), id="a wide JPEG"),
        pytest.param(b"\xff\xd8\xff\xe0\x00\x04ab", id="a JPEG without frame"),
        pytest.param(b"\xff\xd8\xff\xda\x00\x04ab", id="a JPEG that only scans"),
        pytest.param(b"\xff\xd8\xff\xe0\x00\x00ab", id="a segment of no length"),
        pytest.param(webp(b"VP8X", b"")[:20], id="a WebP that is cut off"),
        pytest.param(webp(b"VP9 ", bytes(20)), id="a WebP of no kind"),
    ],
)
def test_what_is_no_sane_raster_is_refused(raw: bytes) -> None:
    assert read_picture(raw) is None


@given(
    raw=st.binary(max_size=80)
    | st.tuples(
        st.sampled_from(
            [b"\xff\xd8\xff", b"RIFF0000WEBPVP8L", b"RIFF0000WEBPVP8X", png(1, 1)[:16]]
        ),
        st.binary(max_size=60),
    ).map(b"".join)
)
def test_any_bytes_are_a_picture_or_refused(raw: bytes) -> None:
    picture = read_picture(raw)
    assert picture is None or picture.media_type != "image/svg+xml"


# SVG


def test_what_draws_is_kept() -> None:
    inside = (
        '<defs><linearGradient id="a"><stop offset="1" stop-color="#fff"/></linearGradient></defs>'
        '<g transform="translate(1 2)" fill="url(#a)"><circle cx="1" cy="2" r="3"/></g>'
    )
    assert cleaned(inside).replace("></circle>", "/>").replace("></stop>", "/>") == (
        '<svg xmlns="http://www.w3.org/2000/svg">' + inside + '<path d="M0 0h9"></path></svg>'
    )


@pytest.mark.parametrize(
    "inside",
    [
        "<script>alert(1)</script>",
        "<script href='https://elsewhere.example/x.js'/>",
        "<foreignObject><div xmlns='http://www.w3.org/1999/xhtml'>x</div></foreignObject>",
        "<image href='https://elsewhere.example/x.png'/>",
        "<image href='data:image/svg+xml;base64,AAAA'/>",
        "<use href='https://elsewhere.example/x.svg#a'/>",
        "<use xlink:href='data:image/svg+xml;base64,AAAA#a'/>",
        "<a href='javascript:alert(1)'>x</a>",
        "<animate attributeName='href' to='javascript:alert(1)'/>",
        "<set attributeName='onload' to='alert(1)'/>",
        "<rect onload='alert(1)'/>",
        "<rect fill='url(https://elsewhere.example/x)'/>",
        "<rect fill='url(&quot;https://elsewhere.example/x&quot;)'/>",
        "<rect fill='URL(//elsewhere.example/x)'/>",
        "<rect style='background:url(https://elsewhere.example/x)'/>",
        "<rect style='fill:u\\72l(//elsewhere.example/x)'/>",
        "<rect style='behavior:expression(alert(1))'/>",
        "<rect style='fill:image-set(&quot;https://elsewhere.example/x&quot; 1x)'/>",
        "<style>.a{fill:url(https://elsewhere.example/x)}</style>",
        "<style>.a{background:url(//elsewhere.example/x)}</style>",
        "<filter id='f'><feImage href='https://elsewhere.example/x'/></filter>",
        "<metadata><x xmlns='urn:x' y='https://elsewhere.example/'/></metadata>",
        "<text font-family='https://elsewhere.example/x'>words</text>",
        "<x:script xmlns:x='http://www.w3.org/2000/svg'>alert(1)</x:script>",
        "<html:script xmlns:html='http://www.w3.org/1999/xhtml'>alert(1)</html:script>",
        "<!-- https://elsewhere.example/ -->",
        "<?xml-stylesheet href='https://elsewhere.example/x.css'?>",
    ],
)
def test_what_does_more_than_draw_is_left_out(inside: str) -> None:
    clean = cleaned(inside)
    for word in ("elsewhere", "alert", "script", "data:", "words", "animate", "image", "<!--"):
        assert word not in clean
    assert '<path d="M0 0h9">' in clean


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"<html/>", id="another root"),
        pytest.param(f"<svg>{SHAPE}</svg>".encode(), id="no namespace"),
        pytest.param(svg("<g>"), id="not closed"),
        pytest.param(svg(""), id="nothing is drawn"),
        pytest.param(b"<!DOCTYPE svg>" + svg(SHAPE), id="a document type"),
        pytest.param(
            b'<!DOCTYPE s [<!ENTITY a "a"><!ENTITY b "&a;&a;">]>' + svg(f"&b;{SHAPE}"),
            id="entities",
        ),
        pytest.param(
            b'<!DOCTYPE s [<!ENTITY a SYSTEM "file:///etc/passwd">]>' + svg(f"&a;{SHAPE}"),
            id="an external entity",
        ),
        pytest.param(svg(f"&unknown;{SHAPE}"), id="an entity from nowhere"),
        pytest.param(svg("<g>" * 40 + SHAPE + "</g>" * 40), id="too deep"),
        pytest.param(svg("<x>" * 40 + "</x>" * 40 + SHAPE), id="too deep in what is left out"),
        pytest.param(svg(SHAPE * 2500), id="too many"),
        pytest.param(svg("<use href='#a'/>" * 30 + SHAPE), id="too many references"),
        pytest.param(svg(f"<style>@import '//elsewhere.example';</style>{SHAPE}"), id="import"),
        pytest.param(svg("<style>a{</style>" + SHAPE), id="a rule that isn't closed"),
        pytest.param(svg(SHAPE + " " * 70_000), id="too large"),
    ],
)
def test_an_svg_that_is_more_than_a_picture_is_refused(raw: bytes) -> None:
    with pytest.raises(RefusedPicture):
        clean_svg(raw)
    assert read_picture(raw) is None


def test_another_encoding_hides_nothing() -> None:
    raw = svg(f"<script>alert(1)</script>{SHAPE}").decode().encode("utf-16")
    assert clean_svg(raw) == clean_svg(svg(SHAPE))


def test_plain_styles_are_kept() -> None:
    clean = cleaned("<style>/* x */ .a, #b { fill : red; font-family: x } </style>")
    assert "<style>.a, #b{fill:red}</style>" in clean
    assert 'style="fill:url(#a);stroke:none"' in cleaned(
        "<rect style=\"fill: url('#a'); stroke: none; src: x\"/>"
    )


NAMES = st.sampled_from(
    ["svg", "g", "path", "rect", "use", "style", "title", "script", "image", "a", "foreignObject"]
)
ATTRIBUTES = st.dictionaries(
    st.sampled_from(["d", "style", "fill", "href", "xlink:href", "onload", "id", "class", "x"]),
    st.text("url(#a)'\":;/\\@{}<>&abhtps.%0- é", max_size=20)
    | st.sampled_from(["javascript:alert(1)", "url(#a)", "#a", "fill:red", "url(http://h/)"]),
    max_size=3,
)
SOUP = st.recursive(
    st.text("url(#a){}:;@/\\<>& é", max_size=12),
    lambda inner: st.tuples(NAMES, ATTRIBUTES, st.lists(inner, max_size=4)),
    max_leaves=12,
)


def _written(node: object) -> str:
    if isinstance(node, str):
        return _escaped(node)
    assert isinstance(node, tuple)
    name, attributes, inside = node
    written = "".join(f" {key}='{_escaped(value)}'" for key, value in attributes.items())
    return f"<{name}{written}>{''.join(map(_written, inside))}</{name}>"


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace("'", "&#39;")


@given(soup=st.lists(SOUP, max_size=4))
def test_what_comes_out_only_draws_whatever_went_in(soup: list[object]) -> None:
    raw = svg("".join(map(_written, soup)) + SHAPE)
    try:
        clean = clean_svg(raw)
    except RefusedPicture:
        return
    assert clean_svg(clean) == clean
    for element in ElementTree.fromstring(clean).iter():  # noqa: S314 (ours)
        assert element.tag.removeprefix("{http://www.w3.org/2000/svg}") in {
            "svg", "g", "path", "rect", "use", "style", "title"
        }  # fmt: skip
        for name, value in element.attrib.items():
            assert name in {"d", "style", "fill", "href", "id", "class", "x"}
            # Without what points inside the picture, no address can be written.
            rest = re.sub(r"url\(#[\w.-]+\)|^#[\w.-]+$", "", value)
            assert "url" not in rest and "/" not in rest and "\\" not in rest


@given(raw=st.binary(max_size=200) | st.text("<>/svgpath=\"' &;!-[]?", max_size=80).map(str.encode))
def test_any_bytes_are_cleaned_or_refused(raw: bytes) -> None:
    with pytest.raises(RefusedPicture):
        clean_svg(raw)


# What is published


def test_every_published_picture_but_the_giants_is_shown() -> None:
    urls = {entry.icon for entry in packaged_metadata().by_aaguid.values() if entry.icon}
    raws = [raw for raw in map(read_data_url, urls) if raw]
    refused = [raw for raw in raws if read_picture(raw) is None]
    assert len(raws) > 100
    assert len(refused) <= 5  # larger than 6 megapixels, or than 64 kB


def test_every_packaged_picture_is_shown() -> None:
    files = [path for path in names._ICONS.iterdir() if path.suffix in (".png", ".svg")]
    assert len(files) > 100
    assert [path.name for path in files if read_picture(path.read_bytes()) is None] == []
