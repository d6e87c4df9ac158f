"""Reads one JSON object member by member: strict, and silent about what it holds.

Every rule that is broken is an `InvalidFact`, which names the member and the rule and nothing else.
`null` says the same as leaving an optional member out.
"""

import re
import unicodedata
from collections.abc import Collection, Mapping
from datetime import date
from typing import Any

from authn.people.ssin import InvalidSsin, parse_ssin
from authn.people.tables import LONGEST_NAME

EARLIEST_YEAR = 1850
LATEST_YEAR = 2999
MOST_MEMBERS = 20
LONGEST_TEXT = 200
IDENTIFIER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,99}")
SSIN = re.compile(r"[0-9]{11}")
DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
BIRTHDATE = re.compile(r"[0-9]{4}(-[0-9]{2}(-[0-9]{2})?)?")


class InvalidFact(ValueError):
    """The JSON is no fact: which member breaks which rule, and never what it holds.

    `member` is a path such as `mandator.ssin`; "" for the object as a whole.
    """

    def __init__(self, member: str, rule: str) -> None:
        super().__init__(f"{member or 'it'} {rule}")
        self.member = member
        self.rule = rule


class JsonReader:
    """The members of one JSON object, each of which is read once; `finish` refuses the rest.

    A number or a birth date after `today` is refused.
    """

    def __init__(self, document: object, today: date, where: str = "") -> None:
        if not isinstance(document, Mapping) or len(document) > MOST_MEMBERS:
            raise InvalidFact(where.rstrip("."), "is not an object of this kind")
        self._left = {name: value for name, value in document.items() if value is not None}
        self._today = today
        self._where = where

    def finish(self) -> None:
        """Every member was read."""
        if self._left:
            raise InvalidFact(self._where.rstrip("."), "has an unknown member")

    def has(self, name: str) -> bool:
        """Whether the member is there, and was not read yet."""
        return name in self._left

    def inner(self, name: str) -> "JsonReader":
        """The object that is this member."""
        return type(self)(self.value(name), self._today, f"{self._where}{name}.")

    def refused(self, name: str, rule: str) -> InvalidFact:
        """The error to raise of this member."""
        return InvalidFact(self._where + name, rule)

    def value(self, name: str) -> Any:
        """The member, whatever it is."""
        if name not in self._left:
            raise self.refused(name, "is missing")
        return self._left.pop(name)

    def text(self, name: str, longest: int = LONGEST_TEXT) -> str:
        """Text of at most so many characters."""
        value = self.value(name)
        if not isinstance(value, str):
            raise self.refused(name, "is not text")
        if len(value) > longest:
            raise self.refused(name, f"is longer than {longest} characters")
        return value

    def matching(self, name: str, pattern: re.Pattern[str], rule: str) -> str:
        """Text of which all fits the pattern."""
        text = self.text(name)
        if not pattern.fullmatch(text):
            raise self.refused(name, rule)
        return text

    def identifier(self, name: str) -> str:
        """A name of letters, digits, dots, dashes, colons and underscores."""
        return self.matching(name, IDENTIFIER, "is not a name of 1 to 100 letters and digits")

    def name(self, name: str, *, empty: bool = False, longest: int = LONGEST_NAME) -> str:
        """A name in one normal form, so that equal names are equal bytes."""
        text = unicodedata.normalize("NFC", self.text(name, longest).strip())
        if not text.isprintable():
            raise self.refused(name, "has a character that cannot be shown")
        if not text and not empty:
            raise self.refused(name, "is empty")
        if len(text) > longest:
            raise self.refused(name, f"is longer than {longest} characters")
        return text

    def one_of(self, name: str, known: Collection[str]) -> str:
        """One of these words."""
        text = self.text(name)
        if text not in known:
            raise self.refused(name, f"is not one of {', '.join(sorted(known))}")
        return text

    def truth(self, name: str, *, default: bool | None = None) -> bool:
        """True or false; without a default it has to be there."""
        value = self._left.pop(name, default) if default is not None else self.value(name)
        if not isinstance(value, bool):
            raise self.refused(name, "is not true or false")
        return value

    def ssin(self, name: str) -> str:
        """A valid number in its canonical form."""
        return self._checked_ssin(name, self.text(name))

    def ssins(self, name: str, most: int) -> tuple[str, ...]:
        """Some of them, or none."""
        values = self._left.pop(name, [])
        if not isinstance(values, list) or len(values) > most:
            raise self.refused(name, f"is not a list of at most {most}")
        return tuple(self._checked_ssin(name, value) for value in values)

    def _checked_ssin(self, name: str, value: object) -> str:
        reason = "structure"
        if isinstance(value, str) and SSIN.fullmatch(value):
            try:
                return parse_ssin(value, self._today)
            except InvalidSsin as invalid:
                reason = invalid.reason
        # Outside `except`: no chain that leads back to the text.
        raise self.refused(name, f"is not a valid national number ({reason})")

    def day(self, name: str) -> date:
        """A calendar day; none of the far ones by which some say that there is no end."""
        text = self.text(name)
        day = None
        try:
            if DAY.fullmatch(text):
                day = date.fromisoformat(text)
        except ValueError:
            pass
        if day is None:
            raise self.refused(name, "is not a date (YYYY-MM-DD)")
        if not EARLIEST_YEAR <= day.year <= LATEST_YEAR:
            raise self.refused(name, f"is not between {EARLIEST_YEAR} and {LATEST_YEAR}")
        return day

    def birthdate(self, name: str) -> str | None:
        """A date as far as it is known; unknown parts are left out at the end, never zero."""
        if not self.has(name):
            return None
        text = self.text(name)
        earliest = None
        try:
            if BIRTHDATE.fullmatch(text):
                earliest = date.fromisoformat((text + "-01-01")[:10])
        except ValueError:
            pass
        if earliest is None:
            raise self.refused(name, "is not a date (YYYY-MM-DD, YYYY-MM or YYYY)")
        if earliest.year < EARLIEST_YEAR or earliest > self._today:
            raise self.refused(name, f"is before {EARLIEST_YEAR} or in the future")
        return text

    def identifiers(self, name: str, most: int) -> tuple[str, ...]:
        """At least one name, and none of them twice."""
        values = self.value(name)
        if not isinstance(values, list) or not 1 <= len(values) <= most:
            raise self.refused(name, f"is not a list of 1 to {most} names")
        if not all(isinstance(each, str) and IDENTIFIER.fullmatch(each) for each in values):
            raise self.refused(name, "has what is not a name of 1 to 100 letters and digits")
        if len(set(values)) < len(values):
            raise self.refused(name, "has a name twice")
        return tuple(values)


class KeptReader(JsonReader):
    """The same, of what was read strictly before and kept encrypted, so that nobody changed it.

    Numbers are not checked again: that is most of the work, and somebody may have hundreds.
    """

    def _checked_ssin(self, name: str, value: object) -> str:
        return str(value)
