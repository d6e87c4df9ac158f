"""Making, loading and publishing our keys."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

import orjson
from sqlalchemy import Connection, select

from authn.db.engine import Database
from authn.db.once import insert_missing, insert_once
from authn.db.reencryption import EncryptedColumn
from authn.db.transaction import reading, writing
from authn.errors import CommandError
from authn.foreign_jwt import ExchangeKey
from authn.jose import (
    ALGORITHMS,
    ES256,
    KEY_ENCRYPTIONS,
    Algorithm,
    AnyAlgorithm,
    OwnKey,
    export_private_key,
    export_public_key,
    generate_key,
    import_private_key,
    import_public_key,
    public_jwk,
)
from authn.keys.tables import ACTIVE, KEPT, NEXT, RETIRED, WITHDRAWN, signing_keys
from authn.secrets import Secrets, decrypt, encrypt
from authn.web.site import Site

EVERY_ALGORITHM: tuple[AnyAlgorithm, ...] = (*ALGORITHMS, *KEY_ENCRYPTIONS)
REMEMBERED = timedelta(minutes=1)
# Whoever sends tokens of no key at all does not have them read more often.
READ_AGAIN = timedelta(seconds=5)

# Built once: putting a statement together costs more than executing it.
_LOADED = (
    select(signing_keys)
    .where(signing_keys.c.state.not_in([WITHDRAWN, KEPT]))
    .order_by(signing_keys.c.created_at, signing_keys.c.kid)
)
_OF_AUDIT = select(signing_keys).where(
    signing_keys.c.alg == ES256, signing_keys.c.state != WITHDRAWN
)
_IN_USE = select(signing_keys.c.alg, signing_keys.c.state).where(
    signing_keys.c.state.in_([ACTIVE, NEXT])
)


@dataclass(frozen=True, slots=True)
class SigningKeys:
    """The keys of this service, ready for use.

    `active` is the one that signs, for each algorithm. `by_kid` are all that verify, those that
    will sign next among them: another process may have made one of them active already. `for_hints`
    are these and the ones that were retired within a year (decisions 4.15). `decrypting` are the
    private ones that others encrypt to. `jwks` is the document of the key set (RFC 7517 §5),
    encoded.
    """

    active: dict[Algorithm, OwnKey]
    by_kid: dict[str, OwnKey]
    for_hints: dict[str, OwnKey]
    decrypting: tuple[ExchangeKey, ...]
    jwks: bytes


@dataclass(frozen=True, slots=True)
class StoredKey:
    """What the command line shows of a key."""

    kid: str
    alg: AnyAlgorithm
    state: str
    created_at: datetime
    activated_at: datetime | None
    retired_at: datetime | None


def ensure_signing_keys(database: Database, secrets: Secrets, now: datetime) -> None:
    """Create the active and the next key of each algorithm where missing, once for all processes.

    Writes nothing, and takes no lock, when there are.
    """
    with reading(database) as connection:
        present = {(row.alg, row.state) for row in connection.execute(_IN_USE)}
    wanted = [(alg, state) for alg in EVERY_ALGORITHM for state in (ACTIVE, NEXT)]
    missing = [each for each in wanted if each not in present]
    if not missing:
        return
    # Before the transaction: RSA takes its time.
    made = [_row(secrets, generate_key(alg), state, now) for alg, state in missing]
    with writing(database) as connection:
        insert_missing(connection, signing_keys, made)


def store_next_key(connection: Connection, secrets: Secrets, key: OwnKey, now: datetime) -> bool:
    """Store and publish a key as the next key of its algorithm; False where there is one."""
    return insert_once(connection, signing_keys, _row(secrets, key, NEXT, now))


def _row(secrets: Secrets, key: OwnKey, state: str, now: datetime) -> dict[str, object]:
    return {
        "kid": key.kid,
        "alg": key.alg,
        "state": state,
        "jwk_encrypted": encrypt_jwk(secrets, key.kid, export_private_key(key)),
        "created_at": now,
        "activated_at": now if state == ACTIVE else None,
    }


def load_keys(connection: Connection, secrets: Secrets) -> SigningKeys:
    """The keys as the database has them now; raises `CommandError` when one is missing."""
    active: dict[Algorithm, OwnKey] = {}
    by_kid: dict[str, OwnKey] = {}
    for_hints: dict[str, OwnKey] = {}
    decrypting: list[ExchangeKey] = []
    published = []
    for row in connection.execute(_LOADED):
        jwk = decrypt_jwk(secrets, row.kid, row.jwk_encrypted)
        lives = _is_private(jwk)
        if row.alg in KEY_ENCRYPTIONS:
            if lives:
                key = _imported(row.alg, jwk, private=True)
                decrypting.append(ExchangeKey(key.kid, "enc", key.alg, key.key))
                # Nobody is to encrypt to one that will soon be gone.
                published += [public_jwk(key)] if row.state != RETIRED else []
            continue
        key = _imported(row.alg, jwk, private=row.state == ACTIVE)
        for_hints[key.kid] = key
        if lives:
            by_kid[key.kid] = key
            published.append(public_jwk(key))
        if row.state == ACTIVE:
            active[row.alg] = key
    if len(active) != len(ALGORITHMS):
        raise CommandError("There is no signing key yet: start the service with `authn serve`.")
    return SigningKeys(
        active, by_kid, for_hints, tuple(decrypting), orjson.dumps({"keys": published})
    )


def load_audit_keys(connection: Connection, secrets: Secrets) -> dict[str, OwnKey]:
    """By `kid`, every key that may have signed a head of the audit log: kept as long as its files.

    Not one that was withdrawn: what it signed proves nothing.
    """
    return {
        row.kid: _imported(row.alg, decrypt_jwk(secrets, row.kid, row.jwk_encrypted), private=False)
        for row in connection.execute(_OF_AUDIT)
    }


# A process reads its keys again every minute, and reading an RSA key takes 30 ms.
@lru_cache(maxsize=128)
def _imported(alg: AnyAlgorithm, jwk: bytes, *, private: bool) -> OwnKey:
    return import_private_key(alg, jwk) if private else import_public_key(alg, jwk)


def current_keys(site: Site, connection: Connection, now: datetime) -> SigningKeys:
    """The keys, read again and decrypted at most once a minute by each process."""
    return remembered_keys(site, now) or site.memory.keep(load_keys(connection, site.secrets), now)


def remembered_keys(site: Site, now: datetime) -> SigningKeys | None:
    """The keys, if they were read less than a minute ago."""
    return site.memory.recall(SigningKeys, now, REMEMBERED)


def reload_keys(site: Site, connection: Connection, now: datetime) -> SigningKeys | None:
    """The keys, read again because a token names an unknown key.

    Another process may have rotated twice since this one read them. None where that was just now.
    """
    if site.memory.recall(SigningKeys, now, READ_AGAIN):
        return None
    return site.memory.keep(load_keys(connection, site.secrets), now)


def list_keys(connection: Connection) -> list[StoredKey]:
    """Every key, oldest first, without the key itself."""
    columns = [signing_keys.c[name] for name in StoredKey.__slots__]
    statement = select(*columns).order_by(signing_keys.c.created_at, signing_keys.c.kid)
    return [StoredKey(*row) for row in connection.execute(statement)]


def private_kids(connection: Connection, secrets: Secrets, kids: Iterable[str]) -> set[str]:
    """Those of these keys whose private halves are there still."""
    statement = select(signing_keys.c.kid, signing_keys.c.jwk_encrypted)
    rows = connection.execute(statement.where(signing_keys.c.kid.in_(kids)))
    return {kid for kid, encrypted in rows if _is_private(decrypt_jwk(secrets, kid, encrypted))}


def public_half(connection: Connection, secrets: Secrets, kid: str, alg: AnyAlgorithm) -> bytes:
    """The key as the table holds it once its private half is forgotten."""
    statement = select(signing_keys.c.jwk_encrypted).where(signing_keys.c.kid == kid)
    jwk = decrypt_jwk(secrets, kid, connection.execute(statement).scalar_one())
    return encrypt_jwk(secrets, kid, export_public_key(import_public_key(alg, jwk)))


def encrypt_jwk(secrets: Secrets, kid: str, jwk: bytes) -> bytes:
    """A JWK as the table holds it, bound to its row: none can stand in for another."""
    return encrypt(secrets, jwk, _context(kid))


def decrypt_jwk(secrets: Secrets, kid: str, jwk_encrypted: bytes) -> bytes:
    """What `encrypt_jwk` was given; raises `CommandError` under another master key."""
    return decrypt(secrets, jwk_encrypted, _context(kid))


def _context(kid: str) -> str:
    return f"signing_keys:{kid}"


ENCRYPTED = (EncryptedColumn(signing_keys.c.jwk_encrypted, lambda row: _context(row.kid)),)


def _is_private(jwk: bytes) -> bool:
    """Whether this JWK of ours has its private half still."""
    return "d" in orjson.loads(jwk)
