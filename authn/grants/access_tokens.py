"""Access tokens by their `jti`: each hangs on its grant and dies with it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Connection, bindparam, delete, select

from authn.grants.grants import COLUMNS, Grant, live, live_chain
from authn.grants.tables import access_tokens, grants
from authn.people.tables import Person, persons
from authn.secrets import new_token
from authn.sessions.sessions import limits
from authn.settings import Settings

LIFETIME = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class LiveGrant:
    """A grant that is valid at this moment, and its person."""

    grant: Grant
    person: Person


_INSERT = access_tokens.insert()
_FIND = (
    select(*COLUMNS, *persons.c)
    .select_from(live_chain().join(access_tokens, access_tokens.c.grant_id == grants.c.id))
    .where(access_tokens.c.jti == bindparam("jti"), live())
)


def record_access_token(connection: Connection, grant_id: UUID, now: datetime) -> str:
    """The `jti` of a new access token of this grant."""
    jti = new_token(16)
    row = {"jti": jti, "grant_id": grant_id, "expires_at": now + LIFETIME}
    connection.execute(_INSERT, row)
    return jti


def grant_of_access_token(
    connection: Connection, settings: Settings, jti: str, now: datetime
) -> LiveGrant | None:
    """The grant of a token whose signature and times were verified, while it is alive."""
    row = connection.execute(_FIND, {"jti": jti, **limits(settings, now)}).first()
    if row is None:
        return None
    size = len(COLUMNS)
    return LiveGrant(Grant(*row[:size]), Person(*row[size:]))


def forget_expired_access_tokens(connection: Connection, now: datetime) -> int:
    """How many rows of tokens were deleted that have expired by themselves."""
    return connection.execute(
        delete(access_tokens).where(access_tokens.c.expires_at < now)
    ).rowcount
