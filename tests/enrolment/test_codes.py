"""How an activation code is written: Crockford's base32, https://www.crockford.com/base32.html."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authn.enrolment.activation.codes import ALPHABET, display_code, new_code, read_code


def test_a_code_has_80_bits_in_three_groups() -> None:
    code = new_code()
    assert len(ALPHABET) ** len(code) == 2**80
    assert re.fullmatch(
        r"[0-9A-HJKMNP-TV-Z]{5}-[0-9A-HJKMNP-TV-Z]{5}-[0-9A-HJKMNP-TV-Z]{6}", display_code(code)
    )


@pytest.mark.parametrize(
    "typed",
    [
        "01ABC-DEFGH-JKMNPQ",
        "01abc-defgh-jkmnpq",
        "  01ABCDEFGHJKMNPQ\n",
        "0 1 A B C D E F G H J K M N P Q",
        "OIABC-DEFGH-JKMNPQ",
        "olabc defgh jkmnpq",
    ],
)
def test_case_spaces_dashes_and_confusable_letters_are_forgiven(typed: str) -> None:
    assert read_code(typed) == "01ABCDEFGHJKMNPQ"


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "01ABC",
        "01ABC-DEFGH-JKMNPQR",
        "01ABC-DEFGH-JKMNPU",
        "01ABC_DEFGH_JKMNPQ",
        "0" * 10_000,
        "０１ABCDEFGHJKMNPQ",
    ],
)
def test_anything_else_is_no_code(typed: str) -> None:
    assert read_code(typed) is None


@given(st.text(max_size=80))
def test_garbage_is_a_code_in_canonical_form_or_none(text: str) -> None:
    code = read_code(text)
    assert code is None or (len(code) == 16 and read_code(display_code(code)) == code)


@given(st.text(alphabet=ALPHABET, min_size=16, max_size=16))
def test_what_is_shown_is_read_back(code: str) -> None:
    assert read_code(display_code(code)) == code
