"""Signs which file an archived day of the audit log is in: rows go only once that is on record.

Why: who archives is another role of the database than who serves, and neither of them alone is to
make a day disappear. The service signs the file's hash with a key that the other role can't read,
and the database calls no day archived without it (`audit.roles`).
"""

import hashlib
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from authn.audit.chain import ChainFinding
from authn.audit.days import AuditDay, SignedDay
from authn.jose import InvalidToken, OwnKey, numeric_date, sign, verify

FILE: Final = "audit-file+jwt"


def sign_file(key: OwnKey, issuer: str, day: AuditDay, path: Path, now: datetime) -> str:
    """A JWS that says that the day is in a file of this hash; raises `OSError`."""
    claims = {"iss": issuer, "iat": numeric_date(now), **day.claims, "sha256": _hash(path)}
    return sign(key, claims, FILE)


def is_file_signed(keys: Mapping[str, OwnKey], signed: SignedDay) -> bool:
    """Whether one of these keys (`load_audit_keys`) signed which file the day is in."""
    return bool(_claims(keys, signed))


def check_file(
    keys: Mapping[str, OwnKey], signed: SignedDay, path: Path | None
) -> Iterator[ChainFinding]:
    """What is wrong with what is signed of an archived day's file; and with it, if it is given."""
    claims = _claims(keys, signed)
    if not claims:
        yield ChainFinding(
            f"{signed.day.day} counts as archived, and nobody signed its file: rows were deleted "
            "without one, or before files were signed (`authn audit archive` signs it then)"
        )
    elif path is not None and path.is_file() and _hash(path) != claims["sha256"]:
        yield ChainFinding(f"{path.name} is not the file that was signed")


def _claims(keys: Mapping[str, OwnKey], signed: SignedDay) -> Mapping[str, Any]:
    try:
        claims = verify(signed.archive_signed or "", keys, FILE)
    except InvalidToken:
        return {}
    return claims if signed.day.claims.items() <= claims.items() else {}


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
