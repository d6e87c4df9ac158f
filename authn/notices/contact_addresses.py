"""The contact addresses of a person: at most three, each in use once confirmed by a link.

Encrypted at rest and in no log; the endpoints that add and remove an address require an assertion
by a device (decisions 2.9), bound to the address by `address_mark`.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    ForeignKey,
    LargeBinary,
    String,
    Table,
    Uuid,
    bindparam,
    delete,
    exists,
    func,
    or_,
    select,
    update,
)

from authn.db.metadata import UtcDateTime, metadata
from authn.db.reencryption import EncryptedColumn
from authn.db.transaction import must_write
from authn.errors import N_, Expired, Forbidden, InvalidRequest, NotFound
from authn.notices.mail_address import same_address
from authn.people.persons import lock_person
from authn.secrets import (
    Secrets,
    address_hash,
    decrypt,
    derived_token,
    encrypt,
    new_token,
    token_hash,
)

# An address is in use from its confirmation until it is removed; the code of a link that confirms
# it is kept as a hash.
contact_addresses = Table(
    "contact_addresses",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("person_id", Uuid, ForeignKey("persons.id"), nullable=False, index=True),
    Column("address_encrypted", LargeBinary, nullable=False),
    Column("confirmation_hash", String(64), unique=True),
    Column("added_at", UtcDateTime, nullable=False),
    Column("confirmed_at", UtcDateTime),
    Column("removed_at", UtcDateTime),
    # Keyed, to find whose it is; none where the row is older than the column (`hash_addresses`).
    Column("address_hash", String(80), index=True),
)

MOST_ADDRESSES = 3
MOST_ADDED_A_DAY = 6  # each addition sends a mail to the address that was typed
CONFIRMATION_LIFETIME = timedelta(hours=24)
REMEMBERED = timedelta(days=30)


_WHOSE = (
    select(contact_addresses.c.person_id)
    .distinct()
    .where(
        contact_addresses.c.address_hash == bindparam("address_hash"),
        contact_addresses.c.confirmed_at.is_not(None),
        contact_addresses.c.removed_at.is_(None),
    )
)
_HASHED = (
    update(contact_addresses)
    .where(contact_addresses.c.id == bindparam("of_id"))
    .values(address_hash=bindparam("hash"))
)


@dataclass(frozen=True, slots=True)
class ContactAddress:
    """A mail address of a person, not removed; without `confirmed_at` still to be confirmed."""

    id: UUID
    person_id: UUID
    address: str
    added_at: datetime
    confirmed_at: datetime | None

    @property
    def confirmable_until(self) -> datetime:
        """The moment from which the confirmation link is too old."""
        return self.added_at + CONFIRMATION_LIFETIME


def confirmed_addresses(connection: Connection, secrets: Secrets, person_id: UUID) -> list[str]:
    """The mail addresses to which notices for a person go, the oldest first."""
    statement = (
        select(contact_addresses)
        .where(
            contact_addresses.c.person_id == person_id,
            contact_addresses.c.confirmed_at.is_not(None),
            contact_addresses.c.removed_at.is_(None),
        )
        .order_by(contact_addresses.c.confirmed_at)
    )
    return [_from_row(secrets, row).address for row in connection.execute(statement)]


def is_reachable(person_id: UUID) -> ColumnElement[bool]:
    """Whether a person has a confirmed address, as a part of a larger SQL statement."""
    return exists().where(
        contact_addresses.c.person_id == person_id,
        contact_addresses.c.confirmed_at.is_not(None),
        contact_addresses.c.removed_at.is_(None),
    )


def list_contact_addresses(
    connection: Connection, secrets: Secrets, person_id: UUID, now: datetime
) -> list[ContactAddress]:
    """All contact addresses of a person, confirmed or still to be confirmed, the oldest first."""
    statement = (
        select(contact_addresses)
        .where(contact_addresses.c.person_id == person_id, *_is_listed_at(now))
        .order_by(contact_addresses.c.added_at, contact_addresses.c.id)
    )
    return [_from_row(secrets, row) for row in connection.execute(statement)]


def find_contact_addresses(
    connection: Connection, secrets: Secrets, ids: Collection[UUID], now: datetime
) -> dict[UUID, ContactAddress]:
    """The contact addresses with these ids that are not removed or too old, by id."""
    statement = select(contact_addresses).where(
        contact_addresses.c.id.in_(ids), *_is_listed_at(now)
    )
    return {row.id: _from_row(secrets, row) for row in connection.execute(statement)}


def _is_listed_at(now: datetime) -> tuple[ColumnElement[bool], ...]:
    """The address is confirmed, or can still be, and was not removed."""
    confirmable = contact_addresses.c.added_at > now - CONFIRMATION_LIFETIME
    return (
        contact_addresses.c.removed_at.is_(None),
        or_(contact_addresses.c.confirmed_at.is_not(None), confirmable),
    )


def find_persons_by_address(connection: Connection, secrets: Secrets, address: str) -> list[UUID]:
    """The ids of all persons with a confirmed address: several people may read one mailbox.

    Unconfirmed addresses don't count: anybody may have typed them.
    """
    parameters = {"address_hash": address_hash(secrets, address)}
    return list(connection.execute(_WHOSE, parameters).scalars())


def hash_addresses(connection: Connection, secrets: Secrets, most: int) -> int:
    """Stores the hash of addresses that have none yet, at most `most`; how many there were."""
    old = select(contact_addresses).where(contact_addresses.c.address_hash.is_(None)).limit(most)
    found = [_from_row(secrets, row) for row in connection.execute(old)]
    if found:
        must_write(connection)
        rows = [{"of_id": e.id, "hash": address_hash(secrets, e.address)} for e in found]
        connection.execute(_HASHED, rows)
    return len(found)


def address_mark(secrets: Secrets, person_id: UUID, address: str) -> str:
    """The keyed mark by which a WebAuthn challenge names an address without revealing it."""
    return derived_token(secrets, "contact-address", f"{person_id} {address}")


def require_room_for_address(
    connection: Connection, secrets: Secrets, person_id: UUID, address: str, now: datetime
) -> None:
    """The person may add an address now; raises `InvalidRequest` or `Forbidden` otherwise."""
    known = list_contact_addresses(connection, secrets, person_id, now)
    if any(same_address(each.address, address) for each in known):
        raise InvalidRequest("address_known", N_("This address is in your list already."))
    if len(known) >= MOST_ADDRESSES:
        raise Forbidden(
            "too_many_addresses", N_("You have three addresses, which is the most. Remove one.")
        )
    statement = select(func.count()).where(
        contact_addresses.c.person_id == person_id,
        contact_addresses.c.added_at > now - timedelta(days=1),
    )
    if connection.execute(statement).scalar_one() >= MOST_ADDED_A_DAY:
        raise Forbidden(
            "too_many_addresses", N_("You added many addresses today. Please try again tomorrow.")
        )


def add_address(
    connection: Connection, secrets: Secrets, person_id: UUID, address: str, now: datetime
) -> tuple[ContactAddress, str]:
    """An address is stored, to be confirmed with the secret that is returned beside it.

    Raises as `require_room_for_address`. The person's row is locked, so that two additions at once
    never make four addresses.
    """
    lock_person(connection, person_id)
    require_room_for_address(connection, secrets, person_id, address, now)
    secret = new_token()
    added = ContactAddress(uuid4(), person_id, address, now, None)
    connection.execute(
        contact_addresses.insert().values(
            id=added.id,
            person_id=person_id,
            address_encrypted=encrypt(secrets, address.encode(), _context(added.id)),
            confirmation_hash=token_hash(secret),
            added_at=now,
            address_hash=address_hash(secrets, address),
        )
    )
    return added, secret


def confirm_address(
    connection: Connection, secrets: Secrets, secret: str, now: datetime
) -> ContactAddress:
    """The address with a confirmation secret is confirmed; the secret works once, for a day.

    Raises `Expired`.
    """
    statement = (
        update(contact_addresses)
        .where(
            contact_addresses.c.confirmation_hash == token_hash(secret),
            contact_addresses.c.confirmed_at.is_(None),
            contact_addresses.c.removed_at.is_(None),
            contact_addresses.c.added_at > now - CONFIRMATION_LIFETIME,
        )
        .values(confirmed_at=now, confirmation_hash=None)
        .returning(*contact_addresses.c)
    )
    row = connection.execute(statement).first()
    if row is None:
        raise Expired(
            "expired", N_("This link was used already, or is too old. Add the address again.")
        )
    return _from_row(secrets, row)


def find_address(
    connection: Connection, secrets: Secrets, person_id: UUID, address_id: UUID, now: datetime
) -> ContactAddress:
    """The person's address with an id, not removed; raises `NotFound` for anyone else's."""
    for each in list_contact_addresses(connection, secrets, person_id, now):
        if each.id == address_id:
            return each
    raise NotFound("not_found", N_("This address is not in your list."))


def remove_address(connection: Connection, address: ContactAddress, now: datetime) -> bool:
    """Whether an address was removed now; False when it was removed before."""
    statement = (
        update(contact_addresses)
        .where(contact_addresses.c.id == address.id, contact_addresses.c.removed_at.is_(None))
        .values(removed_at=now, confirmation_hash=None)
    )
    return connection.execute(statement).rowcount == 1


def withdraw_unconfirmed_addresses(
    connection: Connection, person_id: UUID, now: datetime
) -> list[UUID]:
    """Removes the unconfirmed addresses of a person, whose links end; their ids."""
    statement = (
        update(contact_addresses)
        .where(
            contact_addresses.c.person_id == person_id,
            contact_addresses.c.confirmed_at.is_(None),
            contact_addresses.c.removed_at.is_(None),
        )
        .values(removed_at=now, confirmation_hash=None)
        .returning(contact_addresses.c.id)
    )
    return list(connection.execute(statement).scalars())


def forget_old_addresses(connection: Connection, now: datetime) -> int:
    """How many rows were deleted: removed or never confirmed, a month ago."""
    statement = delete(contact_addresses).where(
        or_(
            contact_addresses.c.removed_at < now - REMEMBERED,
            contact_addresses.c.confirmed_at.is_(None)
            & (contact_addresses.c.added_at < now - REMEMBERED),
        )
    )
    return connection.execute(statement).rowcount


def _from_row(secrets: Secrets, row: Any) -> ContactAddress:
    return ContactAddress(
        id=row.id,
        person_id=row.person_id,
        address=decrypt(secrets, row.address_encrypted, _context(row.id)).decode(),
        added_at=row.added_at,
        confirmed_at=row.confirmed_at,
    )


def _context(address_id: UUID) -> str:
    return f"contact-address:{address_id}"


ENCRYPTED = (EncryptedColumn(contact_addresses.c.address_encrypted, lambda row: _context(row.id)),)
