"""What time brings about for our keys: rotation by the clock, and forgetting."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

import anyio
import anyio.to_thread
from sqlalchemy import delete, update

from authn.db.engine import Database
from authn.db.transaction import reading, writing
from authn.jose import ES256
from authn.keys.rotation import KeyPairs, activate_next_key, list_key_pairs
from authn.keys.signing_keys import (
    StoredKey,
    ensure_signing_keys,
    list_keys,
    private_kids,
    public_half,
)
from authn.keys.tables import KEPT, RETIRED, signing_keys
from authn.secrets import Secrets
from authn.settings import Settings
from authn.web.logs import logger
from authn.web.site import Site

# Longer than anything lives that is verified by the key set (ten minutes at most), than a process
# remembers its keys (one), and than clients remember the key that they encrypt to.
PUBLISHED_AFTERWARDS = timedelta(days=1)
KEPT_FOR_HINTS = timedelta(days=366)  # decisions 4.15
LOOKED_AFTER_EVERY = timedelta(minutes=10)


def maintain_keys(database: Database, settings: Settings, secrets: Secrets, now: datetime) -> None:
    """Rotate, retire and delete the keys whose time has come.

    Keys that have been in use for as long as the setting says are rotated. Of the retired ones the
    private halves are gone after a day, and the public ones after a year; or, where they may have
    signed the audit log, when none of its files is left. When nothing is due nothing is written,
    and no lock is taken.
    """
    ensure_signing_keys(database, secrets, now)
    due = [pair for pair in list_key_pairs(database).values() if _is_due(settings, pair, now)]
    for pair in due:
        if activate_next_key(database, secrets, pair, now):
            logger.info("signing_key_rotated", alg=pair.next.alg, kid=pair.next.kid)
    if due:
        ensure_signing_keys(database, secrets, now)
    with reading(database) as connection:
        stopped = [key for key in list_keys(connection) if key.retired_at is not None]
    _forget_private_halves(database, secrets, stopped, now)
    _forget_altogether(database, settings, stopped, now)


def _is_due(settings: Settings, pair: KeyPairs, now: datetime) -> bool:
    in_use_since = pair.active.activated_at or pair.active.created_at
    return (
        settings.signing_key_rotation > timedelta(0)
        and in_use_since + settings.signing_key_rotation <= now
        and pair.next.created_at + settings.signing_key_published_ahead <= now
    )


def _forget_private_halves(
    database: Database, secrets: Secrets, stopped: Iterable[StoredKey], now: datetime
) -> None:
    retired = {
        key.kid: key.alg
        for key in stopped
        if key.state == RETIRED and _for_longer_than(PUBLISHED_AFTERWARDS, key, now)
    }
    with reading(database) as connection:
        whole = private_kids(connection, secrets, retired)
    if not whole:
        return
    with writing(database) as connection:
        for kid in whole:
            jwk = public_half(connection, secrets, kid, retired[kid])
            statement = update(signing_keys).where(signing_keys.c.kid == kid)
            connection.execute(statement, {"jwk_encrypted": jwk})


def _forget_altogether(
    database: Database, settings: Settings, stopped: Iterable[StoredKey], now: datetime
) -> None:
    of_audit = max(KEPT_FOR_HINTS, settings.audit_kept + settings.audit_archived)
    old = [key for key in stopped if _for_longer_than(KEPT_FOR_HINTS, key, now)]
    kept = [
        key
        for key in old
        if key.alg == ES256
        and key.state in (RETIRED, KEPT)
        and not _for_longer_than(of_audit, key, now)
    ]
    gone = [key.kid for key in old if key not in kept]
    new = [key.kid for key in kept if key.state == RETIRED]
    if not gone and not new:
        return
    with writing(database) as connection:
        connection.execute(delete(signing_keys).where(signing_keys.c.kid.in_(gone)))
        connection.execute(
            update(signing_keys).where(signing_keys.c.kid.in_(new)).values(state=KEPT)
        )


def _for_longer_than(period: timedelta, key: StoredKey, now: datetime) -> bool:
    return key.retired_at is not None and key.retired_at + period <= now


@asynccontextmanager
async def key_maintenance(site: Site) -> AsyncIterator[None]:
    """A task that maintains the keys every ten minutes for as long as the block runs."""

    async def watch() -> None:
        while True:
            await anyio.sleep(LOOKED_AFTER_EVERY.total_seconds())
            await anyio.to_thread.run_sync(_look_after, site)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(watch)
        yield
        tasks.cancel_scope.cancel()


def _look_after(site: Site) -> None:
    try:
        maintain_keys(site.database, site.settings, site.secrets, site.clock())
    except Exception as error:  # noqa: BLE001 (nothing here may stop the service)
        logger.error("signing_keys_not_looked_after", exc_info=error)
