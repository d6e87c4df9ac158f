"""Giving a consent, and finding what is still missing."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, bindparam, select
from sqlalchemy.dialects import postgresql, sqlite

from authn.consents.tables import consents

# Built once: putting a statement together costs more than executing it.
_GIVEN = select(consents.c.scope, consents.c.given_at).where(
    consents.c.person_id == bindparam("person_id"), consents.c.client_id == bindparam("client_id")
)


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
    scopes: Iterable[str],
    since: datetime | None = None,
) -> frozenset[str]:
    """Those of `scopes` that the person has not allowed the client; only consents from `since` on
    count, if it is given."""
    rows = connection.execute(_GIVEN, {"person_id": person_id, "client_id": client_id})
    given = {scope for scope, given_at in rows if since is None or given_at >= since}
    return frozenset(scopes) - given


def give_consent(
    connection: Connection, person_id: UUID, client_id: str, scopes: Iterable[str], now: datetime
) -> None:
    """The person allows the client these scopes, as of now, besides what was allowed before."""
    rows = [
        {"person_id": person_id, "client_id": client_id, "scope": scope, "given_at": now}
        for scope in sorted(scopes)
    ]
    if rows:
        connection.execute(_GIVE[connection.dialect.name], rows)
