"""The Belgian number of a person: SSIN (INSZ, NISS), a national number or a BIS number.

The checks and their order are those of Belgium's own validator (belgif `SsinValidator`,
https://github.com/belgif/rest-problem-java), which is stricter than python-stdnum: stdnum lets
impossible days, 29 February of common years, the counters 000 and 999 and a birth date later in
the current year pass. stdnum decides the check digits and, with them, the century.
"""

import calendar
import datetime
import re
from typing import Literal
from zoneinfo import ZoneInfo

from stdnum.be import ssn
from stdnum.exceptions import ValidationError

BRUSSELS = ZoneInfo("Europe/Brussels")
"""Numbers are handed out on Belgian days: "today" is a date in this zone."""

Reason = Literal["structure", "month", "day", "counter", "check_digits", "calendar", "future"]

_SEPARATORS = dict.fromkeys(map(ord, " .-"))
_LEAP_YEAR = 2000
_LAST_NATIONAL_MONTH = 12
_LAST_BIS_MONTH = 52
_DIGITS = re.compile(r"\d(?:[ .-]?\d){10,}", re.ASCII)


class InvalidSsin(ValueError):
    """The text is no SSIN. `reason` is for operators; a citizen gets one neutral answer.

    The number itself is deliberately not part of the exception: it would end up in a log.
    """

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason: Reason = reason


def today_in_brussels(now: datetime.datetime) -> datetime.date:
    """The Belgian calendar day of the instant `now` (aware)."""
    return now.astimezone(BRUSSELS).date()


def parse_ssin(text: str, today: datetime.date) -> str:
    """The canonical form of the number in `text`: 11 ASCII digits.

    Spaces, dots and dashes between the digits are dropped, nothing else: stdnum would also take
    full-width digits and a trailing newline, which would give one number several forms. `today`
    is the date in Belgium. Raises `InvalidSsin`.
    """
    ssin = text.translate(_SEPARATORS)
    if not (len(ssin) == 11 and ssin.isascii() and ssin.isdigit()):
        raise InvalidSsin("structure")
    month_part, day = int(ssin[2:4]), int(ssin[4:6])
    month = month_part % 20  # BIS: 20 more when the sex is unknown, 40 more when it is known
    if month_part > _LAST_BIS_MONTH or month > 12:
        raise InvalidSsin("month")
    # Without a month the day is part of a counter that ran out: any value is legal.
    if month and day > calendar.monthrange(_LEAP_YEAR, month)[1]:
        raise InvalidSsin("day")
    if month_part <= _LAST_NATIONAL_MONTH and ssin[6:9] in ("000", "999"):
        raise InvalidSsin("counter")
    try:
        ssn.validate(ssin)
        year = ssn.get_birth_year(ssin)
    except ValidationError as invalid:
        raise InvalidSsin("check_digits") from invalid
    if year is None:
        return ssin
    if month and day > calendar.monthrange(year, month)[1]:
        raise InvalidSsin("calendar")
    # Unknown parts are zero, so a partial date is compared by what is known of it.
    if (year, month, day if month else 0) > (today.year, today.month, today.day):
        raise InvalidSsin("future")
    return ssin


def contains_ssin(text: str, today: datetime.date) -> bool:
    """Whether a text contains a valid number, however its digits are set apart."""
    for run in _DIGITS.findall(text):
        digits = run.translate(_SEPARATORS)
        for start in range(len(digits) - 10):
            try:
                parse_ssin(digits[start : start + 11], today)
            except InvalidSsin:
                continue
            return True
    return False


def format_ssin(ssin: str) -> str:
    """The printed form `YY.MM.DD-XXX.CC` of a canonical number."""
    return f"{ssin[:2]}.{ssin[2:4]}.{ssin[4:6]}-{ssin[6:9]}.{ssin[9:]}"


def mask_ssin(ssin: str) -> str:
    """A form of a canonical number that may be shown: only the two check digits are left."""
    return f"**.**.**-***.{ssin[9:]}"
