"""Initial access tokens: with one, an application may register by itself.

RFC 7591 §3 (https://www.rfc-editor.org/rfc/rfc7591#section-3). The operator makes
them for a number of registrations and until a day; only the hash of a token is stored.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, bindparam, delete, select, update

from authn.clients.tables import initial_access_tokens
from authn.errors import N_, InvalidRequest
from authn.secrets import new_token, token_hash

LONGEST_LABEL = 200
# Characters of the hash that name a token: enough to be unique.
NAME_LENGTH = 12

_USABLE = (
    initial_access_tokens.c.token_hash == bindparam("presented"),
    initial_access_tokens.c.uses_left > 0,
    initial_access_tokens.c.expires_at > bindparam("now"),
)
_FIND_USABLE = select(initial_access_tokens.c.uses_left).where(*_USABLE)
_SPEND = (
    update(initial_access_tokens)
    .where(*_USABLE)
    .values(uses_left=initial_access_tokens.c.uses_left - 1)
    .returning(initial_access_tokens.c.uses_left)
)
_FORGET = delete(initial_access_tokens).where(
    initial_access_tokens.c.expires_at < bindparam("before")
)


@dataclass(frozen=True, slots=True)
class InitialAccessToken:
    """An initial access token, of which `name` is the beginning of the hash."""

    name: str
    label: str
    created_at: datetime
    expires_at: datetime
    uses_left: int


def create_initial_access_token(
    connection: Connection, label: str, uses: int, expires_at: datetime, now: datetime
) -> str:
    """Make a token for a number of registrations; the token can't be read again."""
    if not label or len(label) > LONGEST_LABEL or not label.isprintable():
        raise InvalidRequest("invalid_request", N_("A label has at most 200 characters."))
    token = new_token()
    row = {
        "token_hash": token_hash(token),
        "label": label,
        "created_at": now,
        "expires_at": expires_at,
        "uses_left": uses,
    }
    connection.execute(initial_access_tokens.insert(), row)
    return token


def is_initial_access_token_usable(connection: Connection, token: str, now: datetime) -> bool:
    """Whether the token allows a registration now; only `spend_initial_access_token` uses one."""
    parameters = {"presented": token_hash(token), "now": now}
    return connection.execute(_FIND_USABLE, parameters).first() is not None


def spend_initial_access_token(connection: Connection, token: str, now: datetime) -> bool:
    """Use the token for one registration; False where the token allows none."""
    parameters = {"presented": token_hash(token), "now": now}
    return connection.execute(_SPEND, parameters).first() is not None


def list_initial_access_tokens(connection: Connection) -> list[InitialAccessToken]:
    """All initial access tokens, newest first."""
    statement = select(initial_access_tokens).order_by(initial_access_tokens.c.created_at.desc())
    return [
        InitialAccessToken(row.token_hash[:NAME_LENGTH], *list(row)[1:])
        for row in connection.execute(statement)
    ]


def withdraw_initial_access_token(connection: Connection, name: str) -> bool:
    """Delete the token of this name; False where there is none."""
    if len(name) < NAME_LENGTH:
        return False
    statement = delete(initial_access_tokens).where(
        initial_access_tokens.c.token_hash.startswith(name, autoescape=True)
    )
    return connection.execute(statement).rowcount == 1


def forget_initial_access_tokens(connection: Connection, before: datetime) -> int:
    """Delete tokens that expired before a moment; how many there were."""
    return connection.execute(_FORGET, {"before": before}).rowcount
