"""National numbers and BIS numbers: the vectors of belgif's validator, and what stdnum lets pass.

https://github.com/belgif/rest-problem-java, `SsinValidatorTest`.
"""

import datetime

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from stdnum.be import ssn

from authn.people.ssin import (
    InvalidSsin,
    contains_ssin,
    format_ssin,
    mask_ssin,
    parse_ssin,
    today_in_brussels,
)

TODAY = datetime.date(2026, 11, 24)

BELGIF_VALID = [
    "23292805780",
    "81050003552",
    "92200006963",
    "10200100128",
    "24203200171",
    "92321506985",
    "92400006909",
    "10400100171",
    "92521506931",
    "70252501507",
    "92471506993",
    "19282416134",
    "80240199943",
    "81000003517",
    "10000100182",
    "00003241778",
    "81120103571",
    "81050103522",
    "19082416188",
]
BELGIF_INVALID = {
    "81130103578": "month",
    "81043103522": "day",
    "81023003522": "day",
    "81022903534": "calendar",
    "47060200096": "counter",
    "99020299964": "counter",
    "81050103521": "check_digits",
}
PRINTED_EXAMPLES = ["42012205181", "40000095579", "40000100133", "00000100364"]
WITHOUT_DATE = ["00000000196", "00000000295"]
DEMO_POOL = [
    "00410100162",
    "03410100128",
    "03410100227",
    "05520900401",
    "07261500370",
    "12410100251",
]
STDNUM_LETS_PASS = {
    "85073099932": "counter",
    "00000000097": "counter",
    "26123100119": "future",
}


@pytest.mark.parametrize("ssin", BELGIF_VALID + PRINTED_EXAMPLES + WITHOUT_DATE + DEMO_POOL)
def test_a_valid_number_is_its_own_canonical_form(ssin: str) -> None:
    assert parse_ssin(ssin, TODAY) == ssin


@pytest.mark.parametrize(("ssin", "reason"), (BELGIF_INVALID | STDNUM_LETS_PASS).items())
def test_an_invalid_number_is_refused_with_its_reason(ssin: str, reason: str) -> None:
    with pytest.raises(InvalidSsin) as refusal:
        parse_ssin(ssin, TODAY)
    assert refusal.value.reason == reason


def test_the_table_holds_all_26_vectors() -> None:
    assert len(BELGIF_VALID) + len(BELGIF_INVALID) == 26


def test_the_exception_does_not_carry_the_number() -> None:
    with pytest.raises(InvalidSsin) as refusal:
        parse_ssin("81050103521", TODAY)
    assert "8105" not in repr(refusal.value) + str(refusal.value.__cause__)


@pytest.mark.parametrize(
    "text",
    ["42.01.22-051.81", "42.01.22.051-81", " 42 01 22 051 81 ", "42-01-22-051-81", "420122 05181"],
)
def test_spaces_dots_and_dashes_are_dropped(text: str) -> None:
    assert parse_ssin(text, TODAY) == "42012205181"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "4201220518",
        "420122051811",
        "42012205181\n",
        "42/01/22-051/81",
        "".join(chr(0x0660 + int(digit)) for digit in "42012205181"),  # Arabic-Indic digits
        "".join(chr(0xFF10 + int(digit)) for digit in "42012205181"),  # full-width: stdnum accepts
        "42\u201001220518\u00b9",  # typographic hyphen and superscript
        "42\u00a0012205181",
        "+4201220518",
        "4201220518O",
        "42012205181\x00",
    ],
)
def test_any_other_character_is_refused(text: str) -> None:
    with pytest.raises(InvalidSsin) as refusal:
        parse_ssin(text, TODAY)
    assert refusal.value.reason == "structure"


@pytest.mark.parametrize("day", range(32, 100))
def test_an_impossible_day_is_refused_even_with_right_check_digits(day: int) -> None:
    nine = f"8505{day:02}003"
    with pytest.raises(InvalidSsin) as refusal:
        parse_ssin(f"{nine}{97 - int(nine) % 97:02}", TODAY)
    assert refusal.value.reason == "day"


def test_a_birth_date_is_refused_until_its_day_has_come_in_belgium() -> None:
    new_years_eve = datetime.datetime(2026, 12, 30, 23, 30, tzinfo=datetime.UTC)
    assert today_in_brussels(new_years_eve) == datetime.date(2026, 12, 31)
    assert parse_ssin("26123100119", today_in_brussels(new_years_eve)) == "26123100119"
    with pytest.raises(InvalidSsin):
        parse_ssin("26123100119", datetime.date(2026, 12, 30))


def test_the_printed_form_and_the_masked_form() -> None:
    assert format_ssin("42012205181") == "42.01.22-051.81"
    assert mask_ssin("42012205181") == "**.**.**-***.81"


@given(st.text(max_size=40) | st.text(alphabet="0123456789 .-", min_size=9, max_size=16))
def test_garbage_is_either_canonical_or_refused(text: str) -> None:
    try:
        ssin = parse_ssin(text, TODAY)
    except InvalidSsin:
        return
    assert len(ssin) == 11
    assert set(ssin) <= set("0123456789")
    assert parse_ssin(format_ssin(ssin), TODAY) == ssin


@given(st.integers(0, 999_999_999), st.booleans())
def test_a_number_with_right_check_digits_is_accepted_or_refused_for_its_date(
    nine: int, born_since_2000: bool
) -> None:
    check = 97 - (nine + 2_000_000_000 * born_since_2000) % 97
    # stdnum reads a year of this century that has not begun yet as wrong check digits.
    assume(not born_since_2000 or nine // 10_000_000 <= TODAY.year - 2000)
    reason = reason_of(f"{nine:09}{check:02}")
    assert reason in (None, "month", "day", "counter", "calendar", "future")


def reason_of(ssin: str) -> str | None:
    """Why the number is refused; None when it is not, and then its birth date has been."""
    try:
        parse_ssin(ssin, TODAY)
    except InvalidSsin as invalid:
        return invalid.reason
    month, birthdate = ssn.get_birth_month(ssin) or 0, ssn.get_birth_date(ssin)
    assert (ssn.get_birth_year(ssin) or 0, month) <= (TODAY.year, TODAY.month)
    assert birthdate is None or birthdate <= TODAY
    return None


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("03410100128", True),
        ("her number is 03.41.01-001.28.", True),
        ("03 41 01 001 28", True),
        ("T-9903410100128", True),
        ("03410100129", False),
        ("ticket 2026-11-27/0815", False),
        ("", False),
        ("0" * 500, False),
    ],
)
def test_a_number_is_found_in_what_somebody_wrote(text: str, found: bool) -> None:
    assert contains_ssin(text, TODAY) is found
