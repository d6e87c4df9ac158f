"""The letter of a code: in the citizen's language, tagged to be read aloud, and no number in it.

ISO 32000-1 §14.7, §14.8; ISO 14289-1 (PDF/UA).
"""

import zlib
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

import pytest

from authn.console.letters import CodeLetter, write_letters
from authn.console.typeface import load_typeface
from authn.web.pages import load_pages
from tests.console.pdf import ReadPdf, read_pdf

pytestmark = pytest.mark.one_engine

LETTER: Final = CodeLetter(
    service_name="authn",
    name="Élodie Dubrulle",
    language="fr",
    code="01ABC-DEFGH-JKMNPQ",
    second_half="mail",
    second_code="",
    activation_address="https://authn.example.be/activate",
    second_address="https://authn.example.be/activate/second",
    issued_at=datetime(2026, 3, 2, 9, tzinfo=UTC),
    expires_at=datetime(2026, 3, 16, 9, tzinfo=UTC),
    reference="7KQ2M9XTB3",
)
IN_TWO: Final = replace(LETTER, second_half="letter", second_code="9ZYXW-VTSRQ-PNMKJH")
TITLES: Final = {
    "nl": "Uw activeringscode",
    "fr": "Votre code d’activation",
    "de": "Ihr Aktivierungscode",
    "en": "Your activation code",
}


def written(letter: CodeLetter, default: str = "en") -> ReadPdf:
    return read_pdf(write_letters(letter, load_pages("authn"), default))


@pytest.mark.parametrize("language", TITLES)
def test_a_letter_speaks_the_language_of_its_citizen(language: str) -> None:
    read = written(replace(LETTER, language=language))
    assert TITLES[language] in read.text
    catalog = next(body for body in read.objects.values() if b"/Type /Catalog" in body)
    assert f"/Lang ({language})".encode() in catalog


def test_a_citizen_of_another_language_gets_the_default_one() -> None:
    assert TITLES["nl"] in written(replace(LETTER, language="pl"), "nl").text


def test_a_letter_holds_code_name_days_reference_and_where_to_go() -> None:
    text = written(LETTER).text
    for said in (
        LETTER.code,
        "Élodie Dubrulle",
        "2 mars 2026",
        "16 mars 2026",
        LETTER.reference,
        LETTER.activation_address,
    ):
        assert said in text


def test_a_second_letter_is_another_sheet_and_each_has_its_own_code_alone() -> None:
    read = written(IN_TWO)
    first, second = (" ".join(page) for page in read.pages)
    assert IN_TWO.code in first
    assert IN_TWO.second_code not in first
    assert IN_TWO.second_code in second
    assert IN_TWO.code not in second
    assert len(written(LETTER).pages) == 1


def test_a_letter_is_tagged_and_has_a_title_a_language_and_its_fonts() -> None:
    read = written(IN_TWO)
    tags = read.tags()
    assert tags[0] == "Document"
    for tag, count in {
        "H1": 2,
        "H2": 4,
        "L": 2,
        "LI": 6,
        "Lbl": 6,
        "LBody": 6,
        "Figure": 2,
    }.items():
        assert tags.count(tag) == count, tag
    objects = b"\n".join(read.objects.values())
    for mark in (
        b"/MarkInfo <</Marked true>>",
        b"/DisplayDocTitle true",
        b"/FontFile2",
        b"/ToUnicode",
        b"/Alt ",
        b"/Tabs /S",
    ):
        assert mark in objects


def test_everything_on_a_sheet_is_tagged_or_an_ornament() -> None:
    for letter in (LETTER, IN_TWO):
        file = write_letters(letter, load_pages("authn"), "en")
        for content in contents_of(read_pdf(file)):
            open_now = 0
            for line in content.split(b"\n"):
                open_now += line in (b"BDC", b"BMC")
                open_now -= line == b"EMC"
                if line.endswith((b"TJ", b" re")) or line in (b"f", b"S"):
                    assert open_now == 1, line


def contents_of(read: ReadPdf) -> list[bytes]:
    streams = [body for body in read.objects.values() if b"\nstream\n" in body]
    plain = []
    for body in streams:
        start = body.index(b"\nstream\n") + 8
        if b"/FlateDecode" in body[:start]:
            plain.append(zlib.decompress(body[start : body.rindex(b"\nendstream")]))
    return [each for each in plain if b"BDC" in each]


def test_a_qr_code_holds_the_address_and_not_the_code() -> None:
    # The same modules, whatever the codes are: they are those of the address.
    other = replace(IN_TWO, code="ZZZZZ-ZZZZZ-ZZZZZZ", second_code="YYYYY-YYYYY-YYYYYY")
    squares = [
        [line for line in content.split(b"\n") if line.endswith(b" re")]
        for content in (
            b"\n".join(contents_of(written(IN_TWO))),
            b"\n".join(contents_of(written(other))),
        )
    ]
    assert squares[0] == squares[1]
    assert len(squares[0]) > 200


@pytest.mark.parametrize(
    "name", ["Łukasz Đorđević-Şahin ğ", "Nguyễn Thị Ánh", "Zoë O’Brien", "x" * 200, "日本"]
)
def test_any_name_can_be_written(name: str) -> None:
    text = written(replace(LETTER, name=name)).text
    shown = load_typeface("Regular").drawable(name)
    assert shown.replace(" ", "") in text.replace(" ", "")


def test_a_character_that_the_font_lacks_is_a_question_mark() -> None:
    assert load_typeface("Regular").drawable("日é") == "?é"


def test_a_code_is_printed_by_no_repr() -> None:
    assert IN_TWO.code not in repr(IN_TWO)
    assert IN_TWO.second_code not in repr(IN_TWO)
