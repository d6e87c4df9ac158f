"""Software statements: client metadata that a trusted issuer has signed.

RFC 7591 §2.3 (https://www.rfc-editor.org/rfc/rfc7591#section-2.3). A setting names the trusted
issuers and their keys; by default none is trusted.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import orjson

from authn.foreign_jwt import SIGNATURES, read_key_set, verify_jws
from authn.jose import InvalidToken
from authn.settings import Settings
from authn.web.protocol import ProtocolError

SOFTWARE_STATEMENT = "software_statement"
# Claims about the statement itself (RFC 7519 §4.1).
_REGISTERED_CLAIMS = {"iss", "sub", "aud", "exp", "nbf", "iat", "jti", SOFTWARE_STATEMENT}


def apply_software_statement(
    settings: Settings, document: Mapping[str, Any], now: datetime
) -> Mapping[str, Any]:
    """The document, its members replaced by those of its software statement, if any.

    Raises `ProtocolError`: `invalid_software_statement`, or `unapproved_software_statement`.
    """
    statement = document.get(SOFTWARE_STATEMENT)
    if statement is None:
        return document
    if not isinstance(statement, str):
        raise _invalid()
    claims = _verify_statement(settings, statement)
    if not _valid_at(claims, now) or not _is_for_us(claims, settings):
        raise _invalid()
    members = {name: claims[name] for name in claims if name not in _REGISTERED_CLAIMS}
    return {**document, **members}


def _verify_statement(settings: Settings, statement: str) -> Mapping[str, Any]:
    """The claims of the statement, signed by a trusted issuer whom the claims name."""
    if not settings.software_statement_issuers:
        raise _unapproved()
    known = False
    for issuer, file in settings.software_statement_issuers.items():
        keys = read_key_set(orjson.loads(file.read_bytes()))
        try:
            claims = verify_jws(statement, keys, SIGNATURES)
        except InvalidToken:
            continue
        known = True
        if claims.get("iss") == issuer:
            return claims
    raise _unapproved() if known else _invalid()


def _valid_at(claims: Mapping[str, Any], now: datetime) -> bool:
    """Whether `now` is within the statement's `nbf` and `exp`, if any (RFC 7519 §4.1.4, §4.1.5)."""
    exp, nbf = claims.get("exp", now.timestamp() + 1), claims.get("nbf", now.timestamp())
    if not isinstance(exp, int | float) or not isinstance(nbf, int | float):
        return False
    return nbf <= now.timestamp() < exp


def _is_for_us(claims: Mapping[str, Any], settings: Settings) -> bool:
    """Whether the statement has no audience, or our issuer in it (RFC 7519 §4.1.3)."""
    audience = claims.get("aud", settings.issuer)
    return settings.issuer in (audience if isinstance(audience, list) else [audience])


def _invalid() -> ProtocolError:
    return ProtocolError("invalid_software_statement", "The software statement is not valid.")


def _unapproved() -> ProtocolError:
    return ProtocolError(
        "unapproved_software_statement", "The issuer of the software statement is not known here."
    )
