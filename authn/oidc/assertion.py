"""Assertions: JWTs by which a client authenticates, or that are grants by themselves.

RFC 7523 §3 (https://www.rfc-editor.org/rfc/rfc7523#section-3), what holds for both kinds. Each is
good once, and for at most five minutes.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeGuard, cast

from authn import foreign_jwt
from authn.db.spent import spend
from authn.jose import InvalidToken
from authn.web.request import Request

LONGEST_ASSERTION: Final = 16 * 1024
LONGEST_JTI: Final = 255
LONGEST_LIFE: Final = timedelta(minutes=5)
LEEWAY: Final = timedelta(seconds=60)  # between two clocks

_LATEST = datetime(9000, 1, 1, tzinfo=UTC).timestamp()


def unverified_claims(assertion: str) -> dict[str, Any]:
    """What it says, whoever signed it: whose keys to look for. Raises `InvalidToken`."""
    if len(assertion) > LONGEST_ASSERTION:
        raise InvalidToken
    return foreign_jwt.unverified_claims(assertion)


def untimely(claims: Mapping[str, Any], now: float) -> str:
    """The claim by which an assertion is not valid at this moment, or for too long; "" for none."""
    leeway, longest = LEEWAY.total_seconds(), LONGEST_LIFE.total_seconds()
    exp, nbf, iat = claims.get("exp"), claims.get("nbf", now), claims.get("iat", now)
    if not _is_moment(exp) or exp + leeway <= now:
        return "exp"
    if not _is_moment(nbf) or nbf > now + leeway:
        return "nbf"
    if not _is_moment(iat) or iat > now + leeway:
        return "iat"
    if exp > now + longest + leeway or ("iat" in claims and exp - iat > longest):
        return "life"
    return ""


def is_jti(value: object) -> TypeGuard[str]:
    """Whether an assertion may be known by this."""
    return isinstance(value, str) and 0 < len(value) <= LONGEST_JTI


def spend_assertion(request: Request, signer: str, claims: Mapping[str, Any]) -> bool:
    """Whether it is spent now, False when it was before; its `exp` and `jti` have been checked.

    `signer` is whose it is, so that two of them may use the same `jti`.
    """
    expires_at = datetime.fromtimestamp(claims["exp"], UTC) + LEEWAY
    return spend(request.connection, f"{signer} {claims['jti']}", expires_at)


def _is_moment(value: object) -> TypeGuard[float]:
    """Whether it is a NumericDate that can be one (RFC 7519 §2)."""
    return type(value) in (int, float) and 0 <= cast(float, value) <= _LATEST
