"""Puts notices for a person into the outbox, in the transaction of the event they tell of.

Why the worker writes the mail, and not this module: only its language is decided now, and a request
need not wait for the rendering of a mail.
"""

from dataclasses import fields
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import update

from authn.audit.events.devices import AddressRemoved
from authn.audit.log import record
from authn.db.occasion import Occasion
from authn.notices import kinds
from authn.notices.contact_addresses import (
    confirmed_addresses,
    contact_addresses,
    list_contact_addresses,
    remove_address,
)
from authn.notices.kinds import KINDS, NAMES, Notice
from authn.notices.mail_address import same_address
from authn.outbox.outbox import enqueue
from authn.people.merge import PersonMerge
from authn.people.persons import find_person
from authn.web.user_agent import read_user_agent

OUTBOX_KIND = "mail"


def tell(occasion: Occasion, person_id: UUID, notice: Notice) -> int:
    """A notice will be sent to each confirmed address of a person; how many mails that makes."""
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
    """A notice will be sent to one address alone, in a language; the mail greets `name`."""
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


def read_notice(payload: dict[str, Any]) -> Notice:
    """The notice in the payload of a row of the outbox."""
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


def move_addresses(merger: PersonMerge) -> list[str]:
    """The merged person's confirmed addresses belong to the kept person, who gets a notice of it.

    An unconfirmed address is removed, and an address that both have. There may be more than three
    afterwards: no address at which somebody gets notices is taken away.
    """
    occasion, merged, kept = merger.occasion, merger.merged, merger.kept
    known = confirmed_addresses(occasion.connection, occasion.secrets, kept.id)
    for each in list_contact_addresses(
        occasion.connection, occasion.secrets, merged.id, occasion.now
    ):
        twice = any(same_address(each.address, other) for other in known)
        if twice or each.confirmed_at is None:
            remove_address(occasion.connection, each, occasion.now)
            event = AddressRemoved(person_id=merged.id, address_id=str(each.id))
            record(occasion.connection, occasion.secrets, event, occasion.now, occasion.reference)
    moved = occasion.connection.execute(
        update(contact_addresses)
        .where(
            contact_addresses.c.person_id == merged.id,
            contact_addresses.c.confirmed_at.is_not(None),
            contact_addresses.c.removed_at.is_(None),
        )
        .values(person_id=kept.id)
    ).rowcount
    told = tell(occasion, kept.id, kinds.PersonsMergedNotice())
    return [f"Contact addresses that move: {moved}.", f"Mails that tell of it: {told}."]
