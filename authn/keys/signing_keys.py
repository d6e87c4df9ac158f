"""Making, loading and publishing the signing keys."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import orjson
from sqlalchemy import Connection, select

from authn.db.engine import Database
from authn.db.once import insert_once
from authn.db.transaction import reading, writing
from authn.errors import CommandError
from authn.jose import (
    ALGORITHMS,
    Algorithm,
    SigningKey,
    export_private_key,
    generate_key,
    import_private_key,
    public_jwk,
)
from authn.keys.tables import ACTIVE, signing_keys
from authn.secrets import Secrets, decrypt, encrypt
from authn.web.site import Site

REMEMBERED = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys of this service, ready for use.

    `active` is the one that signs, for each algorithm; `by_kid` are all that verify; `jwks` is the
    document of the key set (RFC 7517 §5), encoded.
    """

    active: dict[Algorithm, SigningKey]
    by_kid: dict[str, SigningKey]
    jwks: bytes


@dataclass(frozen=True, slots=True)
class StoredKey:
    """What the command line shows of a key."""

    kid: str
    alg: str
    state: str
    created_at: datetime


def ensure_signing_keys(database: Database, secrets: Secrets, now: datetime) -> None:
    """There is an active key for each algorithm, the same one for every process.

    Writes nothing, and takes no lock, when there is.
    """
    with reading(database) as connection:
        missing = _missing(connection)
    if not missing:
        return
    made = [generate_key(alg) for alg in missing]  # before the transaction: RSA takes its time
    with writing(database) as connection:
        for key in made:
            insert_once(connection, signing_keys, _row(secrets, key, now))


def _missing(connection: Connection) -> list[Algorithm]:
    statement = select(signing_keys.c.alg).where(signing_keys.c.state == ACTIVE)
    present = set(connection.execute(statement).scalars())
    return [alg for alg in ALGORITHMS if alg not in present]


def _row(secrets: Secrets, key: SigningKey, now: datetime) -> dict[str, object]:
    return {
        "kid": key.kid,
        "alg": key.alg,
        "state": ACTIVE,
        "private_jwk_encrypted": encrypt(secrets, export_private_key(key), _context(key.kid)),
        "created_at": now,
    }


def load_keys(connection: Connection, secrets: Secrets) -> Keys:
    """The keys as the database has them now; raises `CommandError` when one is missing."""
    rows = connection.execute(select(signing_keys).order_by(signing_keys.c.created_at)).all()
    keys = [
        (
            row.state,
            import_private_key(
                row.alg, decrypt(secrets, row.private_jwk_encrypted, _context(row.kid))
            ),
        )
        for row in rows
    ]
    active = {key.alg: key for state, key in keys if state == ACTIVE}
    if len(active) != len(ALGORITHMS):
        raise CommandError("There is no signing key yet: start the service with `authn serve`.")
    document = {"keys": [public_jwk(key) for _, key in keys]}
    return Keys(active, {key.kid: key for _, key in keys}, orjson.dumps(document))


def current_keys(site: Site, connection: Connection, now: datetime) -> Keys:
    """The keys, read again and decrypted at most once a minute by each process."""
    return remembered_keys(site, now) or site.memory.keep(load_keys(connection, site.secrets), now)


def remembered_keys(site: Site, now: datetime) -> Keys | None:
    """The keys, if they were read less than a minute ago."""
    return site.memory.recall(Keys, now, REMEMBERED)


def list_keys(connection: Connection) -> list[StoredKey]:
    """Every key, oldest first, without its private half."""
    columns = signing_keys.c
    statement = select(columns.kid, columns.alg, columns.state, columns.created_at)
    return [StoredKey(*row) for row in connection.execute(statement.order_by(columns.created_at))]


def _context(kid: str) -> str:
    """What the ciphertext is bound to, so that no row can stand in for another."""
    return f"signing_keys:{kid}"
