"""Foreign identities: identities that an upstream proved without a Belgian number (decisions 9.4).

A foreign identity is kept, encrypted, until a registrar has matched it to a person of the national
register; from then on it leads to that person as a national number would. The match can be taken
away again.

Why by issuer and `sub`, where everybody else is known by their number: there is nothing else. An
account that is made anew upstream is therefore another identity, and is matched anew.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple
from uuid import UUID, uuid4

import orjson
from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    ForeignKey,
    LargeBinary,
    Select,
    String,
    Table,
    Uuid,
    bindparam,
    delete,
    false,
    func,
    select,
    update,
)

from authn.audit.events.registration import ForeignIdentityArrived
from authn.audit.log import record
from authn.db.metadata import UtcDateTime, metadata, token_hash_type
from authn.db.occasion import Occasion
from authn.db.once import insert_once
from authn.db.reencryption import EncryptedColumn
from authn.db.transaction import must_write
from authn.errors import N_, Forbidden
from authn.federation.code_flow import UpstreamAnswer
from authn.federation.upstreams import Upstream
from authn.secrets import Secrets, decrypt, encrypt, identity_hash

# Foreign identities that no number is known of yet, until a registrar has matched them.
unmatched_identities = Table(
    "unmatched_identities",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("upstream", String(100), nullable=False),
    # A keyed hash of issuer and subject: the same person again is the same row.
    Column("identity_hash", token_hash_type(), nullable=False, unique=True),
    # What the identity says of its holder, as JSON.
    Column("claims_encrypted", LargeBinary, nullable=False),
    Column("arrived_at", UtcDateTime, nullable=False),
    Column("matched_at", UtcDateTime),
    Column("person_id", Uuid, ForeignKey("persons.id")),
    # Whether a second member of staff agreed to the match, which one alone does not outlive.
    Column("matched_by_two", Boolean, nullable=False, server_default=false()),
    sqlite_with_rowid=False,
)

# The claims that are kept: those that a registrar compares with the register, and no others.
KEPT_CLAIMS: Final = ("name", "given_name", "family_name", "birthdate", "nationality")
LONGEST_CLAIM: Final = 200
MOST_SHOWN: Final = 200
KEPT: Final = timedelta(days=90)
"""For how long an unmatched identity is kept; it is stored anew when its holder comes again."""


@dataclass(frozen=True, slots=True)
class ForeignIdentity:
    """A row of `unmatched_identities`, matched or not; the claims are left out of `repr`."""

    id: UUID
    upstream: str
    claims: Mapping[str, str] = field(repr=False)
    arrived_at: datetime
    matched_at: datetime | None
    person_id: UUID | None

    @property
    def reference(self) -> str:
        """The short text by which staff name an identity without its claims."""
        return self.id.hex[-8:]


class MatchedIdentity(NamedTuple):
    """A foreign identity and the person to whom it was matched."""

    identity_id: UUID
    person_id: UUID


class NotMatched(Forbidden):
    """A foreign identity is proven and not matched yet: a registrar will look at it."""

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


def is_foreign(upstream: Upstream, answer: UpstreamAnswer) -> bool:
    """Whether an answer is a foreign identity: without a number, from an upstream set to `match`.

    An invalid number in the answer does not make the identity foreign.
    """
    claim = upstream.national_number_claim
    return upstream.without_number == "match" and answer.userinfo.get(claim) is None


def find_match(
    connection: Connection, secrets: Secrets, upstream: Upstream, answer: UpstreamAnswer
) -> MatchedIdentity | None:
    """The person to whom a registrar has matched the identity in an answer, if any."""
    hashed = _hash(secrets, upstream, answer)
    row = connection.execute(_FIND_BY_HASH, {"of_hash": hashed}).first()
    return MatchedIdentity(*row) if row else None


def keep_unmatched_identity(occasion: Occasion, upstream: Upstream, answer: UpstreamAnswer) -> None:
    """The identity in an answer waits for a registrar, in one row however often it is proven."""
    row_id = uuid4()
    row = {
        "id": row_id,
        "upstream": upstream.id,
        "identity_hash": _hash(occasion.secrets, upstream, answer),
        "claims_encrypted": encrypt(
            occasion.secrets, orjson.dumps(_claims_to_keep(answer)), _context(row_id)
        ),
        "arrived_at": occasion.now,
    }
    if insert_once(occasion.connection, unmatched_identities, row):
        event = ForeignIdentityArrived(upstream=upstream.id, identity=row_id)
        record(occasion.connection, occasion.secrets, event, occasion.now, occasion.reference)


def list_waiting_identities(connection: Connection, secrets: Secrets) -> list[ForeignIdentity]:
    """The identities that wait to be matched, the oldest first."""
    return _read(connection, secrets, _WAITING, {})


def count_waiting_identities(connection: Connection) -> int:
    """How many identities wait to be matched."""
    return connection.execute(_COUNT).scalar_one()


def list_identities_of_person(
    connection: Connection, secrets: Secrets, person_id: UUID
) -> list[ForeignIdentity]:
    """The foreign identities that are matched to a person."""
    return _read(connection, secrets, _OF_PERSON, {"of_person": person_id})


def find_identity(
    connection: Connection, secrets: Secrets, identity_id: UUID
) -> ForeignIdentity | None:
    """The foreign identity with an id, matched or not."""
    return next(iter(_read(connection, secrets, _FIND, {"of_id": identity_id})), None)


def list_matches_made_alone(connection: Connection, person_id: UUID) -> list[UUID]:
    """The ids of the identities that one registrar alone matched to a person."""
    return list(connection.execute(_MADE_ALONE, {"of_person": person_id}).scalars())


def match_identity(
    connection: Connection,
    identity_id: UUID,
    person_id: UUID,
    now: datetime,
    *,
    by_two: bool = False,
) -> bool:
    """Whether the identity was matched to the person now; False when it was matched before.

    `by_two` is whether a second member of staff agreed.
    """
    must_write(connection)
    parameters = {"of_id": identity_id, "whose": person_id, "now": now, "by_two": by_two}
    return connection.execute(_MATCH, parameters).rowcount == 1


def unmatch_identity(connection: Connection, identity_id: UUID, person_id: UUID) -> bool:
    """Whether the identity's match to the person was taken away now; then it waits again."""
    must_write(connection)
    return connection.execute(_PART, {"of_id": identity_id, "whose": person_id}).rowcount == 1


def forget_unmatched_identities(connection: Connection, now: datetime) -> int:
    """How many identities were deleted that nobody matched in time; matched identities stay."""
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


def _claims_to_keep(answer: UpstreamAnswer) -> dict[str, str]:
    """The claims that are texts of a length that names and dates have."""
    claims = {**answer.id_token, **answer.userinfo}
    return {
        name: claims[name]
        for name in KEPT_CLAIMS
        if isinstance(claims.get(name), str)
        and 0 < len(claims[name]) <= LONGEST_CLAIM
        and claims[name].isprintable()
    }


def _hash(secrets: Secrets, upstream: Upstream, answer: UpstreamAnswer) -> str:
    return identity_hash(secrets, upstream.issuer, str(answer.id_token["sub"]))


def _context(identity_id: UUID) -> str:
    return f"unmatched_identities:{identity_id}"


ENCRYPTED = (
    EncryptedColumn(unmatched_identities.c.claims_encrypted, lambda row: _context(row.id)),
)
