"""Giving a consent, and what of it holds.

The names are those of `consents.asked`: scopes, and what else can be allowed.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, bindparam, delete, select
from sqlalchemy.dialects import postgresql, sqlite

from authn.consents.tables import consents

# Built once: putting a statement together costs more than executing it. The lock makes a withdrawal
# wait for what is being given by these rows, so that it ends that too; SQLite writes one by one.
_GIVEN = (
    select(consents.c.scope, consents.c.declined, consents.c.given_at, consents.c.expires_at)
    .where(
        consents.c.person_id == bindparam("person_id"),
        consents.c.client_id == bindparam("client_id"),
        consents.c.profile_id == bindparam("profile_id"),
    )
    .with_for_update(read=True, key_share=True)
)
_FORGET_ENDED = delete(consents).where(consents.c.expires_at < bindparam("now"))


def _give(insert: Any) -> Any:
    statement = insert(consents)
    said = ("given_at", "declined", "expires_at")
    return statement.on_conflict_do_update(
        index_elements=list(consents.primary_key.columns),
        set_={name: statement.excluded[name] for name in said},
    )


_GIVE = {"sqlite": _give(sqlite.insert), "postgresql": _give(postgresql.insert)}


@dataclass(frozen=True, slots=True)
class ConsentAnswer:
    """What a person said when they were asked for one name, and when.

    `expires_at` is None where it holds until they take it back.
    """

    allowed: bool
    given_at: datetime
    expires_at: datetime | None = None


def answers_of(
    connection: Connection, person_id: UUID, client_id: str, profile_id: UUID, now: datetime
) -> dict[str, ConsentAnswer]:
    """What the person said to the client in this profile (`Profile.consent_id`), by name.

    What has come to its end was never said.
    """
    parameters = {"person_id": person_id, "client_id": client_id, "profile_id": profile_id}
    return {
        name: ConsentAnswer(not declined, given_at, expires_at)
        for name, declined, given_at, expires_at in connection.execute(_GIVEN, parameters)
        if expires_at is None or expires_at > now
    }


def give_consent(
    connection: Connection,
    person_id: UUID,
    client_id: str,
    profile_id: UUID,
    scopes: Iterable[str],
    now: datetime,
    *,
    declined: Collection[str] = (),
    expires_at: datetime | None = None,
) -> None:
    """The person allows the client these scopes, in this profile (`Profile.consent_id`), as of now,
    besides what was allowed before; until `expires_at`, if it is given.

    What is `declined` is remembered too, so that it is not asked each time.
    """
    of = {"person_id": person_id, "client_id": client_id, "profile_id": profile_id}
    rows = [
        {
            **of,
            "scope": scope,
            "given_at": now,
            "declined": scope in declined,
            "expires_at": None if scope in declined else expires_at,
        }
        for scope in sorted({*scopes, *declined})
    ]
    if rows:
        connection.execute(_GIVE[connection.dialect.name], rows)


def forget_ended_consents(connection: Connection, now: datetime) -> int:
    """How many rows were deleted of consents that have come to their end."""
    return connection.execute(_FORGET_ENDED, {"now": now}).rowcount
