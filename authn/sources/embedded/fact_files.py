"""Reads a file of facts, entry by entry; an entry that breaks a rule is named by line and rule.

CSV: UTF-8 (a byte order mark is allowed), commas, RFC 4180 quoting, one header line with the
columns of `COLUMNS` in any order, one line a row. JSON: one array of `{"ssin": …, "fact": {…}}`; an
organisation has `fact` alone.
"""

import codecs
import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, BinaryIO, Final

import orjson

from authn.errors import CommandError
from authn.sources.embedded.fact_columns import (
    COLUMNS,
    SUBJECT,
    FactColumn,
    FileKind,
    build_entry,
    describe_broken_rule,
)
from authn.sources.embedded.register_csv import LARGEST_FILE, LONGEST_LINE
from authn.sources.fact_json import fact_from_json, organisation_from_json
from authn.sources.facts import Fact, Organisation
from authn.sources.json_reader import InvalidFact, JsonReader

LARGEST_JSON = 64 * 1024 * 1024
SUFFIXES: Final = {".csv": "Line", ".json": "Entry"}
"""The kinds of files, and what is counted in each."""


@dataclass(frozen=True, slots=True)
class FactFileEntry:
    """One line: a fact about the person with the number `ssin`, or an organisation."""

    line: int
    ssin: str = field(repr=False)
    content: Fact | Organisation


@dataclass(frozen=True, slots=True)
class RejectedLine:
    """A line that cannot be imported, and the rule that it breaks: never its values."""

    line: int
    rule: str


@dataclass(slots=True)
class FactFile:
    """A file of facts of one kind, and how many of its bytes were read.

    `known` has the organisations by their numbers; `today` is the date in Belgium.
    """

    path: Path
    kind: FileKind
    known: Mapping[str, Organisation] = field(repr=False)
    today: date
    bytes_read: int = 0

    def entries(self) -> Iterator[FactFileEntry | RejectedLine]:
        """The entries of the file; a `RejectedLine` for each that breaks a rule.

        Raises `CommandError` when the whole is no file of facts, `OSError` when it cannot be read.
        """
        reading = {".csv": self._csv, ".json": self._json}.get(self.path.suffix.lower())
        if reading is None:
            raise CommandError(f"The name of the file must end with {' or '.join(SUFFIXES)}.")
        with self.path.open("rb") as file:
            yield from reading(file)

    def _csv(self, file: BinaryIO) -> Iterator[FactFileEntry | RejectedLine]:
        columns = COLUMNS[self.kind]
        header: list[str] | None = None
        for line, text in enumerate(self._lines(file), 1):
            try:
                values = _values(text)
                if header is None:
                    header = _header(columns, values)
                elif values:
                    yield self._entry(
                        line, build_entry(columns, _cells(header, values), self.known)
                    )
            except InvalidFact as invalid:
                if header is None:
                    raise CommandError(f"Line 1: {invalid}.") from None
                yield RejectedLine(line, describe_broken_rule(columns, invalid))
        if header is None:
            raise CommandError("The file is empty.")

    def _lines(self, file: BinaryIO) -> Iterator[bytes]:
        """The lines; of a line that is too long, so much that this can be seen."""
        while line := file.readline(LONGEST_LINE + 1):
            if not self.bytes_read:
                line = line.removeprefix(codecs.BOM_UTF8)
            self._count(len(line), LARGEST_FILE)
            rest = line
            while len(rest) > LONGEST_LINE and not rest.endswith(b"\n"):
                rest = file.readline(LONGEST_LINE + 1)
                self._count(len(rest), LARGEST_FILE)
            yield line

    def _json(self, file: BinaryIO) -> Iterator[FactFileEntry | RejectedLine]:
        size = self.path.stat().st_size
        content = file.read(LARGEST_JSON + 1)
        self._count(len(content), LARGEST_JSON)
        try:
            documents = orjson.loads(content)
        except orjson.JSONDecodeError as error:
            place = f"line {error.lineno}, column {error.colno}"
            documents = None
        else:
            place = "it is no array"
        if not isinstance(documents, list):
            raise CommandError(f"The file is not a JSON array ({place}).")
        for number, document in enumerate(documents, 1):
            self.bytes_read = size * number // len(documents)
            try:
                yield self._entry(number, document)
            except InvalidFact as invalid:
                yield RejectedLine(number, str(invalid))

    def _entry(self, line: int, document: Any) -> FactFileEntry:
        reader = JsonReader(document, self.today)
        if self.kind == "organisations":
            entry = FactFileEntry(line, "", organisation_from_json(reader.value("fact")))
        else:
            ssin = reader.ssin(SUBJECT)
            entry = FactFileEntry(
                line, ssin, fact_from_json(self.kind, reader.value("fact"), self.today)
            )
        reader.finish()
        return entry

    def _count(self, bytes_read: int, most: int) -> None:
        self.bytes_read += bytes_read
        if self.bytes_read > most:
            raise CommandError(f"The file is larger than {most} bytes.")


def _values(line: bytes) -> list[str]:
    """The cells of one line, read alone: a quote that is not closed spoils no other line."""
    if len(line) > LONGEST_LINE:
        raise InvalidFact("", f"is longer than {LONGEST_LINE} bytes")
    try:
        text = line.decode().rstrip("\r\n")
        return next(csv.reader([text], strict=True), [])
    except UnicodeDecodeError:
        rule = "is not UTF-8"
    except csv.Error as error:
        rule = f"is not valid CSV ({error})"
    raise InvalidFact("", rule)  # outside `except`: no chain that leads back to the line


def _header(columns: tuple[FactColumn, ...], values: list[str]) -> list[str]:
    names = [column.name for column in columns]
    header = [value.strip().lower() for value in values]
    if sorted(header) != sorted(names):
        raise InvalidFact("the header", f"must be {','.join(names)}, separated by commas")
    return header


def _cells(header: list[str], values: list[str]) -> dict[str, str]:
    if len(values) != len(header):
        raise InvalidFact("", f"has {len(values)} values instead of {len(header)}")
    return dict(zip(header, values, strict=True))
