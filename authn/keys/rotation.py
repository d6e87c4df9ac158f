"""Rotation: the next key is in use, the former one verifies what it signed; or nothing any more.

Every process may do this at the same moment: each change of a key's state is one UPDATE of the
state that was read, and where it finds nothing another process was first.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, Executable, bindparam, select, update

from authn.audit.events.service import SigningKeyRotated, SigningKeyWithdrawn
from authn.audit.log import record
from authn.db.engine import Database
from authn.db.occasion import NO_REFERENCE
from authn.db.transaction import reading, writing
from authn.errors import CommandError
from authn.jose import AnyAlgorithm
from authn.keys.signing_keys import (
    EVERY_ALGORITHM,
    StoredKey,
    ensure_signing_keys,
    list_keys,
    public_half,
)
from authn.keys.tables import ACTIVE, NEXT, RETIRED, WITHDRAWN, signing_keys
from authn.secrets import Secrets
from authn.settings import Settings

MOST_TRIES = 5

_CHANGE = (
    update(signing_keys)
    .where(signing_keys.c.kid == bindparam("of_kid"), signing_keys.c.state == bindparam("before"))
    .returning(signing_keys.c.kid)
)
_ACTIVATE = _CHANGE.values(state=ACTIVE, activated_at=bindparam("now"))
_RETIRE = _CHANGE.values(state=RETIRED, retired_at=bindparam("now"))
_WITHDRAW = _CHANGE.values(
    state=WITHDRAWN, retired_at=bindparam("now"), jwk_encrypted=bindparam("jwk")
)
_NEXT_OF = select(signing_keys.c.kid).where(
    signing_keys.c.alg == bindparam("of_alg"), signing_keys.c.state == NEXT
)


class AnotherRotation(Exception):
    """The state of a key is no longer what was read; what was written is rolled back."""


@dataclass(frozen=True, slots=True)
class KeyPairs:
    """The key in use for an algorithm, and the one after it."""

    active: StoredKey
    next: StoredKey

    def known_at(self, settings: Settings) -> datetime:
        """From when on every client has read the next one."""
        return self.next.created_at + settings.signing_key_published_ahead


def rotate(
    database: Database,
    settings: Settings,
    secrets: Secrets,
    now: datetime,
    alg: AnyAlgorithm,
    *,
    at_once: bool = False,
) -> str:
    """Put the next key of this algorithm in use, and publish a new next key.

    Returns its `kid`. Raises `CommandError` when it has not been published for as long as the
    setting wants and this is not to happen `at_once`.
    """
    ensure_signing_keys(database, secrets, now)
    pair = list_key_pairs(database).get(alg)
    if pair is None:
        raise CommandError("Another process is rotating the keys: please try again.")
    known_at = pair.known_at(settings)
    if now < known_at and not at_once:
        raise CommandError(
            f"The next key for {alg} has been published since {pair.next.created_at:%Y-%m-%d}. "
            f"From {known_at:%Y-%m-%d} every client has read it; --now does not wait for them."
        )
    if not activate_next_key(database, secrets, pair, now):
        raise CommandError("Another process is rotating the keys: please try again.")
    ensure_signing_keys(database, secrets, now)
    return pair.next.kid


def withdraw(database: Database, secrets: Secrets, now: datetime, kid: str) -> None:
    """Withdraw a key: what it signed is invalid from now on, and it is published no more.

    Each process knows it within a minute, when it reads its keys again. Where the key was in use
    the next one is in use now, and another one is published after it. Raises `CommandError`.
    """
    for _ in range(MOST_TRIES):
        ensure_signing_keys(database, secrets, now)
        with reading(database) as connection:
            key = next((each for each in list_keys(connection) if each.kid == kid), None)
        if key is None:
            raise CommandError("There is no such key: see `authn keys list`.")
        if key.state == WITHDRAWN:
            raise CommandError("This key was withdrawn before.")
        try:
            with writing(database) as connection:
                _withdraw(connection, secrets, key, now)
        except AnotherRotation:  # its state is another now, and all the same it must go
            continue
        ensure_signing_keys(database, secrets, now)
        return
    raise CommandError("Another process is rotating the keys: please try again.")


def _withdraw(connection: Connection, secrets: Secrets, key: StoredKey, now: datetime) -> None:
    jwk = public_half(connection, secrets, key.kid, key.alg)
    _change(connection, _WITHDRAW, key.kid, key.state, now, jwk=jwk)
    if key.state == ACTIVE:
        successor = connection.execute(_NEXT_OF, {"of_alg": key.alg}).scalar()
        _change(connection, _ACTIVATE, successor, NEXT, now)
    record(connection, secrets, SigningKeyWithdrawn(kid=key.kid, alg=key.alg), now, NO_REFERENCE)


def activate_next_key(database: Database, secrets: Secrets, pair: KeyPairs, now: datetime) -> bool:
    """Put the pair's next key in use; False when another process changed one of the two."""
    try:
        with writing(database) as connection:
            replace_active_key(connection, secrets, pair, now)
    except AnotherRotation:
        return False
    return True


def replace_active_key(
    connection: Connection,
    secrets: Secrets,
    pair: KeyPairs,
    now: datetime,
    reference: str = NO_REFERENCE,
    actor_id: UUID | None = None,
) -> None:
    """Put the pair's next key in use in this transaction; there is no next key then.

    `actor_id` is who of the staff did it. Raises `AnotherRotation`.
    """
    # In this order: there is never a second active key, not even within the transaction.
    _change(connection, _RETIRE, pair.active.kid, ACTIVE, now)
    _change(connection, _ACTIVATE, pair.next.kid, NEXT, now)
    event = SigningKeyRotated(kid=pair.next.kid, alg=pair.next.alg, actor_id=actor_id)
    record(connection, secrets, event, now, reference)


def _change(
    connection: Connection,
    statement: Executable,
    kid: str | None,
    before: str,
    now: datetime,
    **values: object,
) -> None:
    parameters = {"of_kid": kid, "before": before, "now": now, **values}
    if connection.execute(statement, parameters).first() is None:
        raise AnotherRotation


def list_key_pairs(database: Database) -> dict[str, KeyPairs]:
    """For each algorithm the active key and the next key, where both exist."""
    with reading(database) as connection:
        return key_pairs(list_keys(connection))


def key_pairs(keys: Iterable[StoredKey]) -> dict[str, KeyPairs]:
    """For each algorithm the active key and the next key among these keys."""
    stored = {(key.alg, key.state): key for key in keys}
    return {
        alg: KeyPairs(stored[alg, ACTIVE], stored[alg, NEXT])
        for alg in EVERY_ALGORITHM
        if (alg, ACTIVE) in stored and (alg, NEXT) in stored
    }
