"""Software statements: what somebody whom the operator trusts says about a client.

RFC 7591 §2.3 (https://www.rfc-editor.org/rfc/rfc7591#section-2.3). Nobody's are believed until a
setting names their issuer and its keys.
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
# What is said about the statement itself (RFC 7519 §4.1).
_REGISTERED_CLAIMS = {"iss", "sub", "aud", "exp", "nbf", "iat", "jti", SOFTWARE_STATEMENT}


def with_software_statement(
    settings: Settings, document: Mapping[str, Any], now: datetime
) -> Mapping[str, Any]:
    """The document, with what its statement says in the place of what the client itself says.

    Raises `ProtocolError`: `invalid_software_statement`, or `unapproved_software_statement`.
    """
    statement = document.get(SOFTWARE_STATEMENT)
    if statement is None:
        return document
    if not isinstance(statement, str):
        raise _invalid()
    claims = _verified(settings, statement)
    if not _valid_at(claims, now) or not _is_for_us(claims, settings):
        raise _invalid()
    said = {name: claims[name] for name in claims if name not in _REGISTERED_CLAIMS}
    return {**document, **said}


def _verified(settings: Settings, statement: str) -> Mapping[str, Any]:
    """The claims, signed by the issuer that they name."""
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
    """Whether the statement says nothing of a time that is not now (RFC 7519 §4.1.4, §4.1.5)."""
    exp, nbf = claims.get("exp", now.timestamp() + 1), claims.get("nbf", now.timestamp())
    if not isinstance(exp, int | float) or not isinstance(nbf, int | float):
        return False
    return nbf <= now.timestamp() < exp


def _is_for_us(claims: Mapping[str, Any], settings: Settings) -> bool:
    """Whether it names nobody, or us among those whom it is for (RFC 7519 §4.1.3)."""
    audience = claims.get("aud", settings.issuer)
    return settings.issuer in (audience if isinstance(audience, list) else [audience])


def _invalid() -> ProtocolError:
    return ProtocolError("invalid_software_statement", "The software statement is not valid.")


def _unapproved() -> ProtocolError:
    return ProtocolError(
        "unapproved_software_statement", "The issuer of the software statement is not known here."
    )
