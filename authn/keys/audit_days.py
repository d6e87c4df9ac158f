"""Looks after the audit log: chains its rows, signs the days that are over, streams what is new.

Here and not in `audit`: a day's head is signed with a key of ours. Each step is short and of one
worker at a time; whichever process does it, the others find nothing left to do.
"""

import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from authn.audit.chain import AT_ONCE, anything_to_chain, chain_new_rows
from authn.audit.days import SignedDay, days_over, keep_signed, mark_exported, signed_days
from authn.audit.stream import FORMATS, mark_streamed, opened, rows_to_stream
from authn.audit.verification import Finding
from authn.db.engine import Database
from authn.db.transaction import reading, writing
from authn.jose import ES256, InvalidToken, seconds, sign, verify
from authn.keys.signing_keys import Keys, load_keys
from authn.secrets import Secrets
from authn.settings import Settings
from authn.web.logs import logger
from authn.web.site import Site

TYP = "audit-day+jwt"
CHAINED_EVERY = 1.0  # seconds
DAYS_LOOKED_AT_EVERY = 60
STOP_SECONDS = 5.0
JITTER = 0.2


def chain_all(database: Database, secrets: Secrets, now: datetime) -> int:
    """How many rows were chained: all that waited, in transactions of `AT_ONCE` at most."""
    total = 0
    with reading(database) as connection:
        if not anything_to_chain(connection):
            return 0
    while True:
        with writing(database) as connection:
            chained = chain_new_rows(connection, secrets, now)
        total += chained
        if chained < AT_ONCE:
            return total


def sign_days(database: Database, settings: Settings, secrets: Secrets, now: datetime) -> int:
    """How many days were signed now; all that are signed are in files afterwards."""
    with reading(database) as connection:
        over = days_over(connection, now)
        keys = load_keys(connection, secrets) if over else None
    for day in over:
        assert keys is not None
        claims = {"iss": settings.issuer, "iat": seconds(now), **day.claims}
        with writing(database) as connection:
            keep_signed(connection, day, sign(keys.active[ES256], claims, TYP), now)
    export_days(database, settings.audit_heads, now)
    return len(over)


def export_days(database: Database, directory: Path, now: datetime) -> int:
    """How many heads were written: each to a file of its own, which is never written again."""
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


def is_signed(keys: Keys, signed: SignedDay) -> bool:
    """Whether the day's JWS is of one of our keys, and says what the row says.

    Also of one that was retired, for as long as its public half is kept (a year): of an older day
    the exported file has it.
    """
    try:
        claims = verify(signed.signed, keys.for_hints, TYP)
    except InvalidToken:
        return False
    return {name: claims.get(name) for name in signed.day.claims} == signed.day.claims


def check_head(keys: Keys, settings: Settings, signed: SignedDay) -> Iterator[Finding]:
    """What is wrong with a day's signature, and with the file that it was exported to."""
    day = signed.day.day
    if not is_signed(keys, signed):
        yield Finding(f"the signed head of {day} is not ours")
    if signed.exported_at is None:
        return
    try:
        text = (settings.audit_heads / f"{day}.jws").read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        yield Finding(f"the exported head of {day} is gone")
        return
    if text != signed.signed:
        yield Finding(f"the head of {day} is not the one that was exported")


def stream_new(database: Database, settings: Settings) -> int:
    """How many rows were streamed; raises `OSError` where nobody takes them."""
    total = 0
    while settings.audit_stream:
        with reading(database) as connection:
            rows = rows_to_stream(connection)
        if not rows:
            break
        line = FORMATS[settings.audit_stream_format]
        with opened(settings) as send:
            for row in rows:
                send(line(row))
        with writing(database) as connection:
            mark_streamed(connection, rows[-1]["sequence"])
        total += len(rows)
    return total


@contextmanager
def audit_looked_after(site: Site) -> Iterator[None]:
    """A thread chains, signs and streams for as long as the block runs, whatever goes wrong."""
    if not site.settings.audit_worker:
        yield
        return
    stop = threading.Event()
    thread = threading.Thread(target=_run, args=(site, stop), name="audit", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(STOP_SECONDS)


def _run(site: Site, stop: threading.Event) -> None:
    rounds = 0
    while not stop.wait(CHAINED_EVERY * random.uniform(1 - JITTER, 1 + JITTER)):  # noqa: S311
        try:
            chain_all(site.database, site.secrets, site.clock())
            if rounds % DAYS_LOOKED_AT_EVERY == 0:
                sign_days(site.database, site.settings, site.secrets, site.clock())
            stream_new(site.database, site.settings)
        except OSError as problem:
            logger.warning("audit_not_streamed", problem=type(problem).__name__)
            stop.wait(DAYS_LOOKED_AT_EVERY)
        except Exception:  # noqa: BLE001  a database that is gone for a while comes back
            logger.exception("audit_not_looked_after")
            stop.wait(DAYS_LOOKED_AT_EVERY)
        rounds += 1
