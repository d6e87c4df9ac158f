"""Signs the running heads of the audit log (`audit.heads`), and reads what was exported of it."""

import os
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Final

from authn.audit.chain import ChainFinding
from authn.audit.days import AuditDay
from authn.audit.heads import ChainHeads, claim_head, day_to_head, release_head
from authn.audit.stream import send_head
from authn.db.engine import Database
from authn.db.transaction import reading, writing
from authn.jose import ES256, InvalidToken, OwnKey, numeric_date, sign, verify
from authn.keys.signing_keys import load_keys
from authn.secrets import Secrets
from authn.settings import Settings

DAY: Final = "audit-day+jwt"
RUNNING: Final = "audit-head+jwt"
RUNNING_SUFFIX: Final = ".heads"
SUFFIXES: Final = (".jws", RUNNING_SUFFIX)
LONGEST_LINE: Final = 64 * 1024  # bytes: of a stream's line too
_JWS = re.compile(rb"eyJ[\w-]{1,1000}\.[\w-]{1,2000}\.[\w-]{1,1000}", re.ASCII)


def sign_running_head(
    database: Database, settings: Settings, secrets: Secrets, now: datetime
) -> bool:
    """Sign and export a running head if due; whether this process did. Raises `OSError`.

    It is appended to the day's file beside the heads of whole days, and streamed.
    """
    with reading(database) as connection:
        day = day_to_head(connection, settings.audit_head_every.total_seconds(), now)
        keys = load_keys(connection, secrets) if day else None
    if day is None or keys is None:
        return False
    with writing(database) as connection:
        if not claim_head(connection, day, now):
            return False
    claims = {"iss": settings.issuer, "iat": numeric_date(now), **day.claims}
    token = sign(keys.active[ES256], claims, RUNNING)
    try:
        _append(settings.audit_heads / f"{day.day}{RUNNING_SUFFIX}", token)
        send_head(settings, token)
    except OSError:
        with writing(database) as connection:
            release_head(connection, day)
        raise
    return True


def _append(path: Path, token: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o640)
    try:
        os.write(descriptor, token.encode() + b"\n")
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_heads(heads: ChainHeads, path: Path, keys: Mapping[str, OwnKey]) -> Iterator[ChainFinding]:
    """What is signed in the file, or in the files of heads in the folder, is in `heads`.

    What is none of ours is a finding. A file may also be what the stream wrote: its other lines
    tell nothing here. Raises `OSError` for what is not there.
    """
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    for each in files:
        strict = each.suffix in SUFFIXES
        if strict or not path.is_dir():
            yield from _read_file(heads, each, keys, strict=strict)


def _read_file(
    heads: ChainHeads, path: Path, keys: Mapping[str, OwnKey], *, strict: bool
) -> Iterator[ChainFinding]:
    with path.open("rb") as file:
        number = 0
        while line := file.readline(LONGEST_LINE):
            number += 1
            found = _JWS.search(line)
            if found is None and not strict:
                continue
            day = _day_of(found[0].decode("ascii"), keys) if found else None
            if day is None:
                yield ChainFinding(f"line {number} of {path.name} is no head of ours")
            else:
                heads.add(day)


def _day_of(token: str, keys: Mapping[str, OwnKey]) -> AuditDay | None:
    for typ in (RUNNING, DAY):
        try:
            claims = verify(token, keys, typ)
        except InvalidToken:
            continue
        return AuditDay(**{name: claims[name] for name in AuditDay.__slots__})
    return None
