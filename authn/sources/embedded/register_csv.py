"""Reads a CSV file of the national register strictly, row by row.

UTF-8 (a byte order mark is allowed), comma-separated, RFC 4180 quoting, one header line with the
columns of `COLUMNS`, and perhaps those of `OPTIONAL_COLUMNS`, in any order. An error names the line
and the rule that is broken, never a national number.
"""

import csv
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import BinaryIO

from authn.errors import CommandError
from authn.people.ssin import InvalidSsin, parse_ssin
from authn.people.tables import LONGEST_NAME
from authn.sources.json_reader import EARLIEST_YEAR
from authn.web.languages import LANGUAGES

COLUMNS = {
    "ssin": "the national number or BIS number; spaces, dots and dashes are ignored",
    "given_name": "the first names; empty for a person without any",
    "family_name": "the family name",
    "birthdate": "YYYY-MM-DD, YYYY-MM or YYYY, as much as is known; empty when nothing is",
    "language": "nl, fr, de or en",
    "deceased": "yes or no; empty means no",
    "replaces": "the number that this one replaced; empty for most people",
}
OPTIONAL_COLUMNS = {
    "cancelled": "yes for a number given out in error, which leads to nobody; empty means no",
}
LONGEST_LINE = 4096
LARGEST_FILE = 256 * 1024 * 1024
_DATE = re.compile(r"[0-9]{4}(-[0-9]{2}(-[0-9]{2})?)?")
_TRUTH = {"": False, "no": False, "false": False, "0": False, "yes": True, "true": True, "1": True}


class InvalidRegisterRow(CommandError):
    """A row cannot be imported: the line and the reason, without the national number."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(f"Line {line}: {reason}. Nothing was imported.")
        self.line = line


@dataclass(frozen=True, slots=True)
class RegisterRow:
    """A valid row of a CSV file of the national register."""

    line: int
    ssin: str = field(repr=False)
    given_name: str
    family_name: str
    birthdate: str | None
    language: str
    deceased: bool
    cancelled: bool
    replaces: str | None = field(repr=False)


@dataclass(slots=True)
class RegisterLines:
    """The lines of an open file as text, with a count of the bytes read."""

    file: BinaryIO
    bytes_read: int = 0
    number: int = 0

    def __iter__(self) -> Iterator[str]:
        while line := self.file.readline(LONGEST_LINE + 1):
            self.number += 1
            self.bytes_read += len(line)
            if len(line) > LONGEST_LINE:
                raise InvalidRegisterRow(self.number, f"it is longer than {LONGEST_LINE} bytes")
            if self.bytes_read > LARGEST_FILE:
                raise InvalidRegisterRow(
                    self.number, f"the file is larger than {LARGEST_FILE} bytes"
                )
            try:
                yield line.decode("utf-8-sig" if self.number == 1 else "utf-8")
            except UnicodeDecodeError:
                raise InvalidRegisterRow(self.number, "it is not UTF-8") from None


def read_rows(lines: RegisterLines, today: date) -> Iterator[RegisterRow]:
    """The rows of the file, each checked alone; raises `InvalidRegisterRow` at the first error."""
    reader = csv.reader(lines, strict=True)
    columns: list[str] | None = None
    try:
        for values in reader:
            if columns is None:
                columns = _header(values)
            elif values:
                yield _row(reader.line_num, columns, values, today)
    except csv.Error as error:
        raise InvalidRegisterRow(
            max(reader.line_num, 1), f"it is not valid CSV ({error})"
        ) from None
    if columns is None:
        raise InvalidRegisterRow(1, "the file is empty")


def _header(values: list[str]) -> list[str]:
    columns = [value.strip().lower() for value in values]
    needed = [column for column in columns if column not in OPTIONAL_COLUMNS]
    if sorted(needed) != sorted(COLUMNS) or len(set(columns)) < len(columns):
        known = ",".join([*COLUMNS, *OPTIONAL_COLUMNS])
        raise InvalidRegisterRow(1, f"the columns must be {known}, separated by commas")
    return columns


def _row(line: int, columns: list[str], values: list[str], today: date) -> RegisterRow:
    if len(values) != len(columns):
        raise InvalidRegisterRow(line, f"it has {len(values)} values instead of {len(columns)}")
    cells = dict(zip(columns, values, strict=True))
    ssin = _ssin(line, "ssin", cells["ssin"], today)
    replaces = _ssin(line, "replaces", cells["replaces"], today) if cells["replaces"] else None
    if replaces == ssin:
        raise InvalidRegisterRow(line, "the number replaces itself")
    family_name = _name(line, "family_name", cells["family_name"])
    if not family_name:
        raise InvalidRegisterRow(line, "family_name is empty")
    language = cells["language"].strip().lower()
    if language not in LANGUAGES:
        raise InvalidRegisterRow(line, "language is not nl, fr, de or en")
    return RegisterRow(
        line=line,
        ssin=ssin,
        given_name=_name(line, "given_name", cells["given_name"]),
        family_name=family_name,
        birthdate=_birthdate(line, cells["birthdate"].strip(), today),
        language=language,
        deceased=_yes(line, "deceased", cells["deceased"]),
        cancelled=_yes(line, "cancelled", cells.get("cancelled", "")),
        replaces=replaces,
    )


def _yes(line: int, column: str, text: str) -> bool:
    truth = _TRUTH.get(text.strip().lower())
    if truth is None:
        raise InvalidRegisterRow(line, f"{column} is not yes or no")
    return truth


def _ssin(line: int, column: str, text: str, today: date) -> str:
    try:
        return parse_ssin(text, today)
    except InvalidSsin as invalid:
        reason = f"{column} is not a valid national number ({invalid.reason})"
    raise InvalidRegisterRow(line, reason)  # outside `except`: no chain that leads back to the text


def _name(line: int, column: str, text: str) -> str:
    """The name in normal form NFC, so that equal names are equal bytes."""
    name = unicodedata.normalize("NFC", text.strip())
    if len(name) > LONGEST_NAME:
        raise InvalidRegisterRow(line, f"{column} is longer than {LONGEST_NAME} characters")
    if not name.isprintable():
        raise InvalidRegisterRow(line, f"{column} has a character that cannot be shown")
    return name


def _birthdate(line: int, text: str, today: date) -> str | None:
    """A date as far as known; unknown parts are left out at the end, never zero."""
    if not text:
        return None
    try:
        earliest = date.fromisoformat((text + "-01-01")[:10]) if _DATE.fullmatch(text) else None
    except ValueError:
        earliest = None
    if earliest is None:
        raise InvalidRegisterRow(line, "birthdate is not a date (YYYY-MM-DD, YYYY-MM or YYYY)")
    if earliest.year < EARLIEST_YEAR or earliest > today:
        raise InvalidRegisterRow(line, f"birthdate is before {EARLIEST_YEAR} or in the future")
    return text
