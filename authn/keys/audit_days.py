"""Looks after the audit log: chains its rows, signs the days that are over, streams what is new.

Here and not in `audit`: a day's head is signed with a key of ours. Each step is short and of one
worker at a time; whichever process does it, the others find nothing left to do.
"""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path

from authn.audit.chain import AT_ONCE, ChainFinding, chain_new_rows, has_rows_to_chain, lock_chain
from authn.audit.days import SignedDay, days_to_sign, mark_exported, record_signed_day, signed_days
from authn.audit.stream import FORMATS, mark_streamed, open_stream, rows_to_stream
from authn.clock import Clock
from authn.db.engine import Database
from authn.db.transaction import reading, writing
from authn.jose import ES256, InvalidToken, OwnKey, numeric_date, sign, verify
from authn.keys.audit_heads import DAY, sign_running_head
from authn.keys.signing_keys import load_keys
from authn.secrets import Secrets
from authn.settings import Settings
from authn.web.logs import logger
from authn.web.site import Site
from authn.web.threads import background_thread, randomise_pause

CHAINED_EVERY = 1.0  # seconds
DAYS_LOOKED_AT_EVERY = 60


def chain_all(database: Database, secrets: Secrets, now: datetime) -> int:
    """Chain all rows that wait, in transactions of `AT_ONCE` rows at most; how many."""
    total = 0
    with reading(database) as connection:
        if not has_rows_to_chain(connection):
            return 0
    while True:
        with writing(database) as connection:
            chained = chain_new_rows(connection, secrets, now)
        total += chained
        if chained < AT_ONCE:
            return total


def sign_days(database: Database, settings: Settings, secrets: Secrets, now: datetime) -> int:
    """Sign the days that are over, and write their heads to files; how many."""
    with reading(database) as connection:
        due = bool(days_to_sign(connection, now))
        keys = load_keys(connection, secrets) if due else None
    signed = 0
    if keys is not None:
        with writing(database) as connection:
            lock_chain(connection)  # else another worker's last rows of the day came after its head
            for day in days_to_sign(connection, now):
                claims = {"iss": settings.issuer, "iat": numeric_date(now), **day.claims}
                token = sign(keys.active[ES256], claims, DAY)
                signed += record_signed_day(connection, day, token, now)
    export_days(database, settings.audit_heads, now)
    return signed


def export_days(database: Database, directory: Path, now: datetime) -> int:
    """Write each signed head to a file of its own, which is never written again; how many."""
    with reading(database) as connection:
        waiting = [each for each in signed_days(connection) if each.exported_at is None]
    for each in waiting:
        _write(directory, each)
        with writing(database) as connection:
            mark_exported(connection, each.day.day, now)
    return len(waiting)


def _write(directory: Path, signed: SignedDay) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    try:
        with (directory / f"{signed.day.day}.jws").open("x", encoding="ascii") as file:
            file.write(signed.signed + "\n")
    except FileExistsError:  # by a process that stopped before it said so; or another text
        exported = (directory / f"{signed.day.day}.jws").read_text(encoding="ascii").strip()
        if exported != signed.signed:
            logger.error("audit_head_differs", day=signed.day.day)


def is_signed(keys: Mapping[str, OwnKey], signed: SignedDay) -> bool:
    """Whether one of these keys (`load_audit_keys`) signed what the row says of the day."""
    try:
        claims = verify(signed.signed, keys, DAY)
    except InvalidToken:
        return False
    return {name: claims.get(name) for name in signed.day.claims} == signed.day.claims


def check_head(
    keys: Mapping[str, OwnKey], settings: Settings, signed: SignedDay
) -> Iterator[ChainFinding]:
    """What is wrong with a day's signature, and with the file that it was exported to."""
    day = signed.day.day
    if not is_signed(keys, signed):
        yield ChainFinding(f"the signed head of {day} is not ours")
    if signed.exported_at is None:
        return
    try:
        text = (settings.audit_heads / f"{day}.jws").read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        yield ChainFinding(f"the exported head of {day} is gone")
        return
    if text != signed.signed:
        yield ChainFinding(f"the head of {day} is not the one that was exported")


def stream_new_rows(database: Database, settings: Settings) -> int:
    """Send the new chained rows to the stream; how many. Raises `OSError`."""
    total = 0
    while settings.audit_stream:
        with reading(database) as connection:
            rows = rows_to_stream(connection)
        if not rows:
            break
        line = FORMATS[settings.audit_stream_format]
        with open_stream(settings) as send:
            for row in rows:
                send(line(row))
        with writing(database) as connection:
            mark_streamed(connection, rows[-1]["sequence"])
        total += len(rows)
    return total


@contextmanager
def audit_maintenance(site: Site) -> Iterator[None]:
    """A thread that chains, signs and streams audit rows for as long as the block runs."""
    if not site.settings.audit_worker:
        yield
        return
    look_after = partial(maintain_audit_log, site.database, site.settings, site.secrets, site.clock)
    with background_thread("audit", look_after):
        yield


def maintain_audit_log(
    database: Database, settings: Settings, secrets: Secrets, clock: Clock, stop: threading.Event
) -> None:
    """Chain, sign and stream audit rows each second until `stop` is set, despite failures."""
    rounds = 0
    while not stop.wait(randomise_pause(CHAINED_EVERY)):
        try:
            chain_all(database, secrets, clock())
            sign_running_head(database, settings, secrets, clock())
            if rounds % DAYS_LOOKED_AT_EVERY == 0:
                sign_days(database, settings, secrets, clock())
            stream_new_rows(database, settings)
        except OSError as problem:
            logger.warning("audit_not_exported", problem=type(problem).__name__)
            stop.wait(DAYS_LOOKED_AT_EVERY)
        except Exception:  # noqa: BLE001  a database that is gone for a while comes back
            logger.exception("audit_not_looked_after")
            stop.wait(DAYS_LOOKED_AT_EVERY)
        rounds += 1
