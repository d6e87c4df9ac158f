"""Identities that an upstream proved without a Belgian number (domain 3.3).

One is kept, encrypted, until a registrar has matched it to a person of the national register; from
then on it leads to that person as a number would. The match can be taken away again.

Why by issuer and `sub` here, where everybody else is known by their number: there is nothing else.
An account that is made anew upstream is therefore another identity, and is matched anew.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple
from uuid import UUID, uuid4

import orjson
from sqlalchemy import Connection, Select, bindparam, delete, func, select, update

from authn.audit.log import record
from authn.audit.registration_events import ForeignIdentityArrived
from authn.db.metadata import UtcDateTime
from authn.db.occasion import Occasion
from authn.db.once import insert_once
from authn.db.reencryption import EncryptedColumn
from authn.db.transaction import must_write
from authn.errors import N_, Forbidden
from authn.federation.code_flow import UpstreamAnswer
from authn.federation.tables import unmatched_identities
from authn.federation.upstreams import Upstream
from authn.secrets import Secrets, decrypt, encrypt, identity_hash

# What is kept of the claims: what a registrar compares with the register, and nothing else.
KEPT_CLAIMS: Final = ("name", "given_name", "family_name", "birthdate", "nationality")
LONGEST_CLAIM: Final = 200
MOST_SHOWN: Final = 200
KEPT: Final = timedelta(days=90)
"""How long an identity waits that nobody matches; its holder may come again, and it waits anew."""


@dataclass(frozen=True, slots=True)
class ForeignIdentity:
    """A row of `unmatched_identities`; its claims are left out of `repr`."""

    id: UUID
    upstream: str
    claims: Mapping[str, str] = field(repr=False)
    arrived_at: datetime
    matched_at: datetime | None
    person_id: UUID | None

    @property
    def reference(self) -> str:
        """By which staff tell it from another one of the same moment, without its claims."""
        return self.id.hex[-8:]


class MatchedIdentity(NamedTuple):
    """An identity, and whom it leads to."""

    identity_id: UUID
    person_id: UUID


class NotMatched(Forbidden):
    """The identity is proven, and nobody knows yet whose it is: a registrar will look."""

    def __init__(self) -> None:
        super().__init__(
            "not_matched",
            N_("You proved who you are, but the answer holds no Belgian number."),
        )


_OF_HASH = unmatched_identities.c.identity_hash == bindparam("of_hash")
_OF_ID = unmatched_identities.c.id == bindparam("of_id")
_FIND_BY_HASH = select(unmatched_identities.c.id, unmatched_identities.c.person_id).where(
    _OF_HASH, unmatched_identities.c.person_id.is_not(None)
)
_FIND = select(unmatched_identities).where(_OF_ID)
_WAITING = (
    select(unmatched_identities)
    .where(unmatched_identities.c.person_id.is_(None))
    .order_by(unmatched_identities.c.arrived_at, unmatched_identities.c.id)
    .limit(MOST_SHOWN)
)
_COUNT = select(func.count()).where(unmatched_identities.c.person_id.is_(None))
_OF_PERSON = (
    select(unmatched_identities)
    .where(unmatched_identities.c.person_id == bindparam("of_person"))
    .order_by(unmatched_identities.c.matched_at, unmatched_identities.c.id)
)
_MADE_ALONE = (
    select(unmatched_identities.c.id)
    .where(
        unmatched_identities.c.person_id == bindparam("of_person"),
        unmatched_identities.c.matched_by_two.is_(False),
    )
    .order_by(unmatched_identities.c.matched_at, unmatched_identities.c.id)
)
_MATCH = (
    update(unmatched_identities)
    .where(_OF_ID, unmatched_identities.c.person_id.is_(None))
    .values(
        person_id=bindparam("whose"),
        matched_at=bindparam("now", type_=UtcDateTime),
        matched_by_two=bindparam("by_two"),
    )
)
_PART = (
    update(unmatched_identities)
    .where(_OF_ID, unmatched_identities.c.person_id == bindparam("whose"))
    .values(person_id=None, matched_at=None, matched_by_two=False)
)


_FORGET = delete(unmatched_identities).where(
    unmatched_identities.c.person_id.is_(None),
    unmatched_identities.c.arrived_at < bindparam("before", type_=UtcDateTime),
)


def is_foreign(upstream: Upstream, answered: UpstreamAnswer) -> bool:
    """Whether this is an identity to be matched: no number in it, where the operator expects so.

    A number that is there and is none is refused as ever.
    """
    claim = upstream.national_number_claim
    return upstream.without_number == "match" and answered.userinfo.get(claim) is None


def person_matched(
    connection: Connection, secrets: Secrets, upstream: Upstream, answered: UpstreamAnswer
) -> MatchedIdentity | None:
    """Whom a registrar has matched this identity to, if one has."""
    hashed = _hash(secrets, upstream, answered)
    row = connection.execute(_FIND_BY_HASH, {"of_hash": hashed}).first()
    return MatchedIdentity(*row) if row else None


def keep_unmatched(occasion: Occasion, upstream: Upstream, answered: UpstreamAnswer) -> None:
    """The identity waits for a registrar: once, however often its holder comes."""
    row_id = uuid4()
    row = {
        "id": row_id,
        "upstream": upstream.id,
        "identity_hash": _hash(occasion.secrets, upstream, answered),
        "claims_encrypted": encrypt(
            occasion.secrets, orjson.dumps(_kept(answered)), _context(row_id)
        ),
        "arrived_at": occasion.now,
    }
    if insert_once(occasion.connection, unmatched_identities, row):
        event = ForeignIdentityArrived(upstream=upstream.id, identity=row_id)
        record(occasion.connection, occasion.secrets, event, occasion.now, occasion.reference)


def waiting_identities(connection: Connection, secrets: Secrets) -> list[ForeignIdentity]:
    """What waits to be matched, the oldest first."""
    return _read(connection, secrets, _WAITING, {})


def count_waiting_identities(connection: Connection) -> int:
    """How many wait to be matched."""
    return connection.execute(_COUNT).scalar_one()


def identities_of(
    connection: Connection, secrets: Secrets, person_id: UUID
) -> list[ForeignIdentity]:
    """What is matched to this person."""
    return _read(connection, secrets, _OF_PERSON, {"of_person": person_id})


def find_identity(
    connection: Connection, secrets: Secrets, identity_id: UUID
) -> ForeignIdentity | None:
    """The identity with this id, matched or not."""
    return next(iter(_read(connection, secrets, _FIND, {"of_id": identity_id})), None)


def matches_made_alone(connection: Connection, person_id: UUID) -> list[UUID]:
    """What leads to this person on the word of one registrar."""
    return list(connection.execute(_MADE_ALONE, {"of_person": person_id}).scalars())


def match_identity(
    connection: Connection,
    identity_id: UUID,
    person_id: UUID,
    now: datetime,
    *,
    by_two: bool = False,
) -> bool:
    """Whether the identity leads to this person by this; False when it leads to somebody.

    `by_two` is whether a second member of staff agreed.
    """
    must_write(connection)
    parameters = {"of_id": identity_id, "whose": person_id, "now": now, "by_two": by_two}
    return connection.execute(_MATCH, parameters).rowcount == 1


def part_identity(connection: Connection, identity_id: UUID, person_id: UUID) -> bool:
    """Whether the identity leads to nobody by this, and waits again; False when not to them."""
    must_write(connection)
    return connection.execute(_PART, {"of_id": identity_id, "whose": person_id}).rowcount == 1


def forget_unmatched_identities(connection: Connection, now: datetime) -> int:
    """How many were deleted that nobody matched for long; one that leads to a person stays."""
    must_write(connection)
    return connection.execute(_FORGET, {"before": now - KEPT}).rowcount


def _read(
    connection: Connection, secrets: Secrets, statement: Select[Any], parameters: dict[str, UUID]
) -> list[ForeignIdentity]:
    return [
        ForeignIdentity(
            id=row.id,
            upstream=row.upstream,
            claims=orjson.loads(decrypt(secrets, row.claims_encrypted, _context(row.id))),
            arrived_at=row.arrived_at,
            matched_at=row.matched_at,
            person_id=row.person_id,
        )
        for row in connection.execute(statement, parameters)
    ]


def _kept(answered: UpstreamAnswer) -> dict[str, str]:
    """The claims that are texts of a length that names and dates have."""
    said = {**answered.id_token, **answered.userinfo}
    return {
        name: said[name]
        for name in KEPT_CLAIMS
        if isinstance(said.get(name), str)
        and 0 < len(said[name]) <= LONGEST_CLAIM
        and said[name].isprintable()
    }


def _hash(secrets: Secrets, upstream: Upstream, answered: UpstreamAnswer) -> str:
    return identity_hash(secrets, upstream.issuer, str(answered.id_token["sub"]))


def _context(identity_id: UUID) -> str:
    return f"unmatched_identities:{identity_id}"


ENCRYPTED = (
    EncryptedColumn(unmatched_identities.c.claims_encrypted, lambda row: _context(row.id)),
)
