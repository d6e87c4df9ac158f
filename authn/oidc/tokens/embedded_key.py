"""JWTs with the public key of their signature in the header, as DPoP proofs are.

RFC 7515 §4.1.3 (https://www.rfc-editor.org/rfc/rfc7515#section-4.1.3). Such a JWT proves that its
sender holds the key, and nothing about whose key it is; so no other kind of token may be made like
this (`foreign_jwt` refuses such a header).
"""

import re
from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import orjson
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey, import_key
from joserfc.jws import JWSRegistry
from joserfc.util import urlsafe_b64decode, urlsafe_b64encode

from authn.jose import InvalidToken

LONGEST_TOKEN = 8 * 1024
REMEMBERED_HEADERS = 1024

# What a public key is made of (RFC 7638 §3.2, RFC 8037 §2), by the algorithm that it verifies.
_Members = dict[str, str | int]  # a value, or how many bytes; 0 for any number
_EC: _Members = {"kty": "EC", "crv": "P-256", "x": 32, "y": 32}
_RSA: _Members = {"kty": "RSA", "n": 0, "e": 0}
_OKP: _Members = {"kty": "OKP", "crv": "Ed25519", "x": 32}
_KEYS: dict[str, _Members] = {
    "ES256": _EC,
    "PS256": _RSA,
    "RS256": _RSA,
    "EdDSA": _OKP,
    "Ed25519": _OKP,
}
# RFC 7518 §6.2.2, §6.3.2, §6.4
_PRIVATE = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"}
# Other keys, and extensions that must be understood: none of them is (RFC 7515 §4.1).
_NEVER_IN_A_HEADER = {"jku", "x5u", "x5c", "crit", "b64"}
# A modulus of 2048 to 4096 bits, an exponent of at most 32: what verifying costs has a limit.
_MODULUS_BITS = range(2048, 4097)
_LONGEST_EXPONENT = 4
_BASE64URL = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True, slots=True)
class _Signer:
    """The header of a JWT: algorithm, key, and the thumbprint of the key (RFC 7638)."""

    alg: str
    key: ECKey | OKPKey | RSAKey
    thumbprint: str


def read_with_embedded_key(
    token: str, typ: str, algorithms: Collection[str]
) -> tuple[dict[str, Any], str]:
    """The claims, signed by the key in the token's own header, and the thumbprint of that key.

    The caller checks the claims. Raises `InvalidToken`: another type or algorithm,
    a private key, one of another kind, a wrong signature, or no JWT at all.
    """
    if len(token) > LONGEST_TOKEN or token.count(".") != 2 or not token.isascii():
        raise InvalidToken
    header, payload, signature = token.split(".")
    signer = _read_signer(header, typ)
    if signer.alg not in algorithms:
        raise InvalidToken
    try:
        genuine = JWSRegistry.algorithms[signer.alg].verify(
            f"{header}.{payload}".encode("ascii"), _decode(signature), signer.key
        )
        claims = orjson.loads(_decode(payload)) if genuine else None
    except (JoseError, ValueError):
        raise InvalidToken from None
    if not isinstance(claims, dict):
        raise InvalidToken
    return claims, signer.thumbprint


@lru_cache(REMEMBERED_HEADERS)  # the same in each proof of a client, and dear to read
def _read_signer(segment: str, typ: str) -> _Signer:
    try:
        header = orjson.loads(_decode(segment))
    except ValueError:
        raise InvalidToken from None
    if not isinstance(header, dict) or _NEVER_IN_A_HEADER & header.keys():
        raise InvalidToken
    alg, jwk = header.get("alg"), header.get("jwk")
    if not isinstance(alg, str) or not isinstance(jwk, dict) or header.get("typ") != typ:
        raise InvalidToken
    key = _public_key(alg, jwk)
    return _Signer(alg, key, key.thumbprint())


def _public_key(alg: str, jwk: dict[str, Any]) -> ECKey | OKPKey | RSAKey:
    """The public key for the algorithm; raises `InvalidToken` for any other kind of key."""
    members = _KEYS.get(alg)
    if members is None or _PRIVATE & jwk.keys():
        raise InvalidToken
    for name, expected in members.items():
        if isinstance(expected, int):
            length = len(_member(jwk.get(name)))
            if expected not in (0, length):
                raise InvalidToken
        elif jwk.get(name) != expected:
            raise InvalidToken
    if members is _RSA:
        _check_rsa(jwk)
    try:
        key = import_key({name: jwk[name] for name in members})
        if not isinstance(key, ECKey | OKPKey | RSAKey):
            raise InvalidToken
        _ = key.public_key  # read by joserfc when first asked; a point off the curve is refused
    except (JoseError, ValueError, TypeError):
        raise InvalidToken from None
    return key


def _check_rsa(jwk: dict[str, Any]) -> None:
    """Refuses RSA keys that are too short or have leading zeros (RFC 7518 §3.3, §6.3.1)."""
    modulus, exponent = _member(jwk["n"]), _member(jwk["e"])
    if 0 in (modulus[0], exponent[0]) or len(exponent) > _LONGEST_EXPONENT:
        raise InvalidToken
    if int.from_bytes(modulus).bit_length() not in _MODULUS_BITS:
        raise InvalidToken


def _member(value: object) -> bytes:
    """A number or coordinate of a key; raises `InvalidToken` unless in its canonical spelling."""
    if not isinstance(value, str):
        raise InvalidToken
    try:
        return _decode(value)
    except ValueError:
        raise InvalidToken from None


def _decode(text: str) -> bytes:
    """The bytes (RFC 7515 §2); raises `ValueError` for what no encoder would have written.

    A key has one thumbprint only when there is one way to write it.
    """
    if not _BASE64URL.fullmatch(text):
        raise ValueError("not base64url")
    decoded: bytes = urlsafe_b64decode(text.encode())
    if urlsafe_b64encode(decoded) != text.encode():
        raise ValueError("not the one spelling of it")
    return decoded
