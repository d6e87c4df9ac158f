"""Reads a JSON object strictly, member by member, without repeating its values in an error.

Every broken rule is an `InvalidFact`, which names the member and the rule and nothing else. `null`
is read as an optional member left out.
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
    """A JSON object is no fact: which member breaks which rule, and never its value.

    `member` is a path such as `mandator.ssin`; "" for the object as a whole.
    """

    def __init__(self, member: str, rule: str) -> None:
        super().__init__(f"{member or 'it'} {rule}")
        self.member = member
        self.rule = rule


class JsonReader:
    """The members of one JSON object, each read once; `finish` refuses members that are left.

    A national number or a birth date of a day after `today` is refused.
    """

    def __init__(self, document: object, today: date, where: str = "") -> None:
        if not isinstance(document, Mapping) or len(document) > MOST_MEMBERS:
            raise InvalidFact(where.rstrip("."), "is not an object of this kind")
        self._left = {name: value for name, value in document.items() if value is not None}
        self._today = today
        self._where = where

    def finish(self) -> None:
        """Every member was read; raises `InvalidFact` for an unknown member."""
        if self._left:
            raise InvalidFact(self._where.rstrip("."), "has an unknown member")

    def has(self, name: str) -> bool:
        """Whether the object has a member of this name that was not read yet."""
        return name in self._left

    def inner(self, name: str) -> "JsonReader":
        """A reader of the object that is a member."""
        return type(self)(self.value(name), self._today, f"{self._where}{name}.")

    def refusal(self, name: str, rule: str) -> InvalidFact:
        """The error to raise for a member that breaks a rule."""
        return InvalidFact(self._where + name, rule)

    def value(self, name: str) -> Any:
        """The value of a member, of any type."""
        if name not in self._left:
            raise self.refusal(name, "is missing")
        return self._left.pop(name)

    def text(self, name: str, longest: int = LONGEST_TEXT) -> str:
        """A member that is text of at most `longest` characters."""
        value = self.value(name)
        if not isinstance(value, str):
            raise self.refusal(name, "is not text")
        if len(value) > longest:
            raise self.refusal(name, f"is longer than {longest} characters")
        return value

    def matching(self, name: str, pattern: re.Pattern[str], rule: str) -> str:
        """A member that is text, all of which fits the pattern."""
        text = self.text(name)
        if not pattern.fullmatch(text):
            raise self.refusal(name, rule)
        return text

    def identifier(self, name: str) -> str:
        """A member that is a name of letters, digits, dots, dashes, colons and underscores."""
        return self.matching(name, IDENTIFIER, "is not a name of 1 to 100 letters and digits")

    def name(self, name: str, *, empty: bool = False, longest: int = LONGEST_NAME) -> str:
        """A member that is a name, in normal form NFC, so that equal names are equal bytes."""
        text = unicodedata.normalize("NFC", self.text(name, longest).strip())
        if not text.isprintable():
            raise self.refusal(name, "has a character that cannot be shown")
        if not text and not empty:
            raise self.refusal(name, "is empty")
        if len(text) > longest:
            raise self.refusal(name, f"is longer than {longest} characters")
        return text

    def one_of(self, name: str, known: Collection[str]) -> str:
        """A member that is one of the known words."""
        text = self.text(name)
        if text not in known:
            raise self.refusal(name, f"is not one of {', '.join(sorted(known))}")
        return text

    def truth(self, name: str, *, default: bool | None = None) -> bool:
        """A member that is true or false; without a default it must be there."""
        value = self._left.pop(name, default) if default is not None else self.value(name)
        if not isinstance(value, bool):
            raise self.refusal(name, "is not true or false")
        return value

    def ssin(self, name: str) -> str:
        """A member that is a valid national number, in canonical form."""
        return self._checked_ssin(name, self.text(name))

    def ssins(self, name: str, most: int) -> tuple[str, ...]:
        """A member that is a list of valid national numbers, perhaps empty."""
        values = self._left.pop(name, [])
        if not isinstance(values, list) or len(values) > most:
            raise self.refusal(name, f"is not a list of at most {most}")
        return tuple(self._checked_ssin(name, value) for value in values)

    def _checked_ssin(self, name: str, value: object) -> str:
        reason = "structure"
        if isinstance(value, str) and SSIN.fullmatch(value):
            try:
                return parse_ssin(value, self._today)
            except InvalidSsin as invalid:
                reason = invalid.reason
        # Outside `except`: no chain that leads back to the text.
        raise self.refusal(name, f"is not a valid national number ({reason})")

    def day(self, name: str) -> date:
        """A member that is a calendar day; far dates by which some mean "no end" are refused."""
        text = self.text(name)
        day = None
        try:
            if DAY.fullmatch(text):
                day = date.fromisoformat(text)
        except ValueError:
            pass
        if day is None:
            raise self.refusal(name, "is not a date (YYYY-MM-DD)")
        if not EARLIEST_YEAR <= day.year <= LATEST_YEAR:
            raise self.refusal(name, f"is not between {EARLIEST_YEAR} and {LATEST_YEAR}")
        return day

    def birthdate(self, name: str) -> str | None:
        """A member that is a date as far as known: unknown parts are left out at the end."""
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
            raise self.refusal(name, "is not a date (YYYY-MM-DD, YYYY-MM or YYYY)")
        if earliest.year < EARLIEST_YEAR or earliest > self._today:
            raise self.refusal(name, f"is before {EARLIEST_YEAR} or in the future")
        return text

    def identifiers(self, name: str, most: int) -> tuple[str, ...]:
        """A member that is a list of at least one name, without repetition."""
        values = self.value(name)
        if not isinstance(values, list) or not 1 <= len(values) <= most:
            raise self.refusal(name, f"is not a list of 1 to {most} names")
        if not all(isinstance(each, str) and IDENTIFIER.fullmatch(each) for each in values):
            raise self.refusal(name, "has what is not a name of 1 to 100 letters and digits")
        if len(set(values)) < len(values):
            raise self.refusal(name, "has a name twice")
        return tuple(values)


class KeptReader(JsonReader):
    """A reader of JSON that was read strictly before, and was kept encrypted since.

    National numbers are not checked again: that is most of the work, and one person may have
    hundreds of facts.
    """

    def _checked_ssin(self, name: str, value: object) -> str:
        return str(value)
