"""The filters of an audit search, read from a form and written as the address of its results.

The form is sent by POST, and only valid filters come into an address: a national number that is
pasted into a wrong field never stands in one.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID

from authn.audit.catalogue import events_by_name
from authn.audit.searching import AuditFilters, AuditRowMark
from authn.clients.clients import CLIENT_ID
from authn.console.act_rules import not_found_error
from authn.errors import N_
from authn.people.ssin import BRUSSELS, contains_ssin
from authn.web.request import Request

NO_DAY: Final = N_("Write the day as year-month-day: 2026-03-31.")
NO_ID: Final = N_("This is not an internal id: it has 32 letters and digits, with dashes between.")
NO_EVENT: Final = N_("There is no such event.")
NO_APPLICATION: Final = N_("This is not the id of an application.")
NO_REFERENCE: Final = N_("This is not a reference number.")
NO_NUMBER: Final = N_("Persons are found by their internal id here, never by their number.")
LAST_BEFORE_FIRST: Final = N_("The last day is before the first one.")

_REFERENCE: Final = re.compile(r"[A-Za-z0-9]{1,32}")
# Microseconds since 1970, and the number of the row.
_MARK: Final = re.compile(r"([0-9]{1,17})\.([0-9]{1,18})")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class AuditSearch:
    """An audit search: its filters, the texts of the form, and the errors in them."""

    filters: AuditFilters
    sent: Mapping[str, str]
    errors: list[dict[str, str]]

    @property
    def address(self) -> str:
        """The filters as the query of an address, "" for none."""
        return urlencode({name: text for name, text in self.sent.items() if text})

    @property
    def summary(self) -> str:
        """The filters for the audit log, without the person, who has a column there."""
        filters = self.sent.items()
        return " ".join(f"{name}={text}" for name, text in filters if text and name != "person")


class _WrongFilter(ValueError):
    """The text of a field is no valid filter; the message says why."""


def read_audit_search(request: Request, given: Mapping[str, str]) -> AuditSearch:
    """The audit search that the fields `given` describe, with its errors."""
    errors: list[dict[str, str]] = []
    values: dict[str, Any] = {}
    sent = {name: given.get(name, "").strip() for name in FIELDS}
    for name, text in sent.items():
        if not text:
            continue
        column, read = FIELDS[name]
        try:
            values[column] = _read(text, read, request.now.date())
        except _WrongFilter as wrong:
            errors.append({"field": name, "text": request.translate(str(wrong))})
    if "until" in values:
        values["until"] += timedelta(days=1)
    first, end = values.get("since"), values.get("until")
    if first and end and end <= first:
        errors.append({"field": "until", "text": request.translate(LAST_BEFORE_FIRST)})
    for name in ("since", "until"):
        if name in values:
            values[name] = _midnight(values[name])
    return AuditSearch(AuditFilters(**values), sent, errors)


def parse_row_mark(text: str) -> AuditRowMark | None:
    """The row from which to read on, None for "" (the newest). Raises `NotFound`."""
    if not text:
        return None
    found = _MARK.fullmatch(text)
    if found is None:
        raise not_found_error()
    try:
        at = _EPOCH + timedelta(microseconds=int(found[1]))
    except OverflowError:
        raise not_found_error() from None
    return AuditRowMark(at, int(found[2]))


def format_row_mark(mark: AuditRowMark) -> str:
    """The mark of a row as an address has it."""
    microseconds = (mark.at - _EPOCH) // timedelta(microseconds=1)
    return f"{microseconds}.{mark.id}"


def _read(text: str, read: Callable[[str], Any], today: date) -> Any:
    """The value of a field; refuses a national number, since the text comes into an address."""
    if contains_ssin(text, today):
        raise _WrongFilter(NO_NUMBER)
    return read(text)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), BRUSSELS)


def _day(text: str) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise _WrongFilter(NO_DAY) from None
    if not 2000 <= day.year <= 2999:
        raise _WrongFilter(NO_DAY)
    return day


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise _WrongFilter(NO_ID) from None


def _event(text: str) -> str:
    if text not in events_by_name():
        raise _WrongFilter(NO_EVENT)
    return text


def _application(text: str) -> str:
    if not CLIENT_ID.fullmatch(text):
        raise _WrongFilter(NO_APPLICATION)
    return text


def _reference(text: str) -> str:
    if not _REFERENCE.fullmatch(text):
        raise _WrongFilter(NO_REFERENCE)
    return text.upper()


# By the field of the form: the column, and how its text is read.
FIELDS: Final[Mapping[str, tuple[str, Callable[[str], Any]]]] = {
    "since": ("since", _day),
    "until": ("until", _day),
    "event": ("event", _event),
    "person": ("person_id", _id),
    "actor": ("actor_id", _id),
    "application": ("client_id", _application),
    "reference": ("reference", _reference),
}
