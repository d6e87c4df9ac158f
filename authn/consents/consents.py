"""Giving a consent, finding what is still missing, and withdrawing all of it.

The names are those of `consents.asked`: scopes, and what else can be allowed.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, bindparam, delete, select
from sqlalchemy.dialects import postgresql, sqlite

from authn.consents.tables import consents
from authn.grants.grants import revoke_grants_of

_OF_BOTH = (
    consents.c.person_id == bindparam("person_id"),
    consents.c.client_id == bindparam("client_id"),
)
# Built once: putting a statement together costs more than executing it. The lock makes a withdrawal
# wait for what is being given by these rows, so that it ends that too; SQLite writes one by one.
_GIVEN = (
    select(consents.c.scope, consents.c.given_at)
    .where(*_OF_BOTH, consents.c.profile_id == bindparam("profile_id"))
    .with_for_update(read=True, key_share=True)
)
_WITHDRAW = delete(consents).where(*_OF_BOTH)


def _give(insert: Any) -> Any:
    statement = insert(consents)
    return statement.on_conflict_do_update(
        index_elements=list(consents.primary_key.columns),
        set_={"given_at": statement.excluded.given_at},
    )


_GIVE = {"sqlite": _give(sqlite.insert), "postgresql": _give(postgresql.insert)}


def missing_scopes(
    connection: Connection,
    person_id: UUID,
    client_id: str,
    profile_id: UUID,
    scopes: Iterable[str],
    since: datetime | None = None,
) -> frozenset[str]:
    """Those of `scopes` that the person has not allowed the client; only consents from `since` on
    count, if it is given."""
    parameters = {"person_id": person_id, "client_id": client_id, "profile_id": profile_id}
    rows = connection.execute(_GIVEN, parameters)
    given = {scope for scope, given_at in rows if since is None or given_at >= since}
    return frozenset(scopes) - given


def give_consent(
    connection: Connection,
    person_id: UUID,
    client_id: str,
    profile_id: UUID,
    scopes: Iterable[str],
    now: datetime,
) -> None:
    """The person allows the client these scopes, in this profile (`Profile.consent_id`), as of now,
    besides what was allowed before."""
    rows = [
        {
            "person_id": person_id,
            "client_id": client_id,
            "profile_id": profile_id,
            "scope": scope,
            "given_at": now,
            "declined": False,
        }
        for scope in sorted(scopes)
    ]
    if rows:
        connection.execute(_GIVE[connection.dialect.name], rows)


def withdraw_consents(
    connection: Connection, person_id: UUID, client_id: str, now: datetime
) -> int:
    """How many grants ended: the person allows the client nothing any more, and all that it holds
    of the person, offline too, is worth nothing (design 6).

    The session goes on. In this order: what is given at the same moment waits for the first
    statement, or the first statement for it.
    """
    connection.execute(_WITHDRAW, {"person_id": person_id, "client_id": client_id})
    return revoke_grants_of(connection, person_id, client_id, now)
