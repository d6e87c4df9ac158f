"""Telling a person something: rows of the outbox, in the transaction of what they tell of.

Why the mail is written by the worker and not here: nothing of it is decided yet but its language,
and whoever waits for the act need not wait for its words.
"""

from dataclasses import fields
from datetime import date, datetime
from typing import Any
from uuid import UUID

from authn.db.occasion import Occasion
from authn.notices.addresses import confirmed_addresses
from authn.notices.kinds import KINDS, NAMES, Notice
from authn.outbox.outbox import enqueue
from authn.people.persons import find_person
from authn.web.user_agent import read_user_agent

OUTBOX_KIND = "mail"


def tell(occasion: Occasion, person_id: UUID, notice: Notice) -> int:
    """How many mails will be sent once the act has committed: one to each confirmed address."""
    addresses = confirmed_addresses(occasion.connection, occasion.secrets, person_id)
    if addresses:
        person = find_person(occasion.connection, person_id)
        assert person is not None, "addresses belong to a person"
        for address in addresses:
            tell_address(
                occasion, address, person.language, notice, person_id, name=person.given_name
            )
    return len(addresses)


def tell_address(
    occasion: Occasion,
    address: str,
    language: str,
    notice: Notice,
    person_id: UUID | None = None,
    *,
    name: str = "",
) -> None:
    """One mail will be sent, to this address alone, in this language; `name` is whom it greets."""
    agent = read_user_agent(occasion.agent)
    payload = {
        "address": address,
        "language": language,
        "name": name,
        "person_id": str(person_id) if person_id else None,
        "happened_at": occasion.now.isoformat(),
        "browser": agent.browser,
        "system": agent.system,
        "reference": occasion.reference,
        "notice": NAMES[type(notice)],
        "fields": {field.name: _plain(getattr(notice, field.name)) for field in fields(notice)},
    }
    enqueue(occasion, OUTBOX_KIND, payload, person_id)


def notice_of(payload: dict[str, Any]) -> Notice:
    """The notice that `tell_address` was given."""
    kind = KINDS[payload["notice"]]
    values = payload["fields"]
    # A row may have been written before its kind had a field more.
    known = [field for field in fields(kind) if field.name in values]
    return kind(**{field.name: _typed(field.type, values[field.name]) for field in known})


def _plain(value: object) -> object:
    if isinstance(value, UUID):
        return str(value)
    return value.isoformat() if isinstance(value, date | datetime) else value


_READERS: dict[object, Any] = {
    UUID: UUID,
    date: date.fromisoformat,
    datetime: datetime.fromisoformat,
    datetime | None: datetime.fromisoformat,
}


def _typed(kind: object, value: Any) -> Any:
    reader = _READERS.get(kind)
    return reader(value) if reader and value is not None else value
