"""Initial access tokens: who may register a client where not everybody may.

RFC 7591 §3 (https://www.rfc-editor.org/rfc/rfc7591#section-3). The operator makes them, for so many
registrations and until a day; of each only the hash is stored.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, bindparam, delete, select, update

from authn.clients.tables import initial_access_tokens
from authn.errors import N_, InvalidRequest
from authn.secrets import new_token, token_hash

LONGEST_LABEL = 200
# What names a token where it can be read: enough of its hash to be the only one.
SHOWN = 12

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
    """A row of the table; `name` is the beginning of its hash."""

    name: str
    label: str
    created_at: datetime
    expires_at: datetime
    uses_left: int


def create_initial_access_token(
    connection: Connection, label: str, uses: int, expires_at: datetime, now: datetime
) -> str:
    """A new token for so many registrations, which nobody can read again."""
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


def is_usable(connection: Connection, token: str, now: datetime) -> bool:
    """Whether the token allows a registration now; `spend` decides who gets it."""
    parameters = {"presented": token_hash(token), "now": now}
    return connection.execute(_FIND_USABLE, parameters).first() is not None


def spend(connection: Connection, token: str, now: datetime) -> bool:
    """Whether the token allowed one registration more, which is used now."""
    parameters = {"presented": token_hash(token), "now": now}
    return connection.execute(_SPEND, parameters).first() is not None


def list_initial_access_tokens(connection: Connection) -> list[InitialAccessToken]:
    """Every token, the newest first."""
    statement = select(initial_access_tokens).order_by(initial_access_tokens.c.created_at.desc())
    return [
        InitialAccessToken(row.token_hash[:SHOWN], *list(row)[1:])
        for row in connection.execute(statement)
    ]


def withdraw_initial_access_token(connection: Connection, name: str) -> bool:
    """Whether the token of this name was withdrawn now: it allows nothing any more."""
    if len(name) < SHOWN:
        return False
    statement = delete(initial_access_tokens).where(
        initial_access_tokens.c.token_hash.startswith(name, autoescape=True)
    )
    return connection.execute(statement).rowcount == 1


def forget_initial_access_tokens(connection: Connection, before: datetime) -> int:
    """How many had expired before then, and are deleted now."""
    return connection.execute(_FORGET, {"before": before}).rowcount
