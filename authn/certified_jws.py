"""What the holder of a certificate signed: a compact JWS (RFC 7515) of any length, over joserfc.

The FIDO metadata is one, of 12 MB: its parts are views on it, not copies. Whose key it was signed
with is the caller's to know, from the certificates in the header and a root of its own; nothing
else in the header has a say (RFC 8725).
"""

import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey
from joserfc.jws import JWSRegistry

from authn.jose import InvalidToken

ALGORITHMS = ("ES256", "ES384", "ES512", "RS256", "PS256")
LONGEST_HEADER = 64 * 1024
CHUNK = 1 << 20  # characters of base64 that are decoded at once; a multiple of 4

_REGISTRY = JWSRegistry(algorithms=ALGORITHMS)
_CURVES = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}
_URL_SAFE = bytes.maketrans(b"-_", b"+/")


@dataclass(frozen=True, slots=True)
class CertifiedJws:
    """The parts of a JWS; nothing of it is verified."""

    unverified_header: Mapping[str, Any]
    unverified_payload: memoryview
    signed: memoryview
    signature: bytes


def read_certified_jws(token: bytes) -> CertifiedJws:
    """The parts of a compact JWS (RFC 7515 §7.1); raises `InvalidToken`."""
    view, first, last = memoryview(token), token.find(b"."), token.rfind(b".")
    if not 0 < first < last or first > LONGEST_HEADER or token.count(b".") != 2:
        raise InvalidToken
    try:
        header = orjson.loads(_decode(view[:first]))
        signature = bytes(_decode(view[last + 1 :]))
    except ValueError:
        raise InvalidToken from None
    if not isinstance(header, dict) or "crit" in header:  # RFC 7515 §4.1.11: we understand none
        raise InvalidToken
    return CertifiedJws(header, view[first + 1 : last], view[:last], signature)


def verify_certified_jws(token: CertifiedJws, public_key_pem: bytes) -> bytearray:
    """The payload, which this key signed; raises `InvalidToken`.

    The header names the algorithm, out of a list without "none" and without shared secrets, and
    the key must be one for it.
    """
    alg = token.unverified_header.get("alg")
    if not isinstance(alg, str) or alg not in ALGORITHMS:
        raise InvalidToken
    curve = _CURVES.get(alg)
    signed: Any = token.signed  # joserfc hands it on to cryptography, which takes any buffer
    try:
        key = (ECKey if curve else RSAKey).import_key(public_key_pem)
        if isinstance(key, ECKey) and key.curve_name != curve:
            raise InvalidToken
        if not _REGISTRY.get_alg(alg).verify(signed, token.signature, key):
            raise InvalidToken
        return _decode(token.unverified_payload)
    except (ValueError, JoseError):
        raise InvalidToken from None


def _decode(encoded: memoryview) -> bytearray:
    """Base64url without padding (RFC 7515 §2); raises `ValueError` when it isn't, bit by bit."""
    decoded = bytearray()
    for start in range(0, len(encoded), CHUNK):
        part = bytes(encoded[start : start + CHUNK])
        if any(character in part for character in b"+/="):
            raise ValueError("not base64url")
        part = part.translate(_URL_SAFE) + b"=" * (-len(part) % 4)
        piece = binascii.a2b_base64(part, strict_mode=True)
        if part.endswith(b"=") and binascii.b2a_base64(piece, newline=False) != part:
            raise ValueError("bits that say nothing, and are set")
        decoded += piece
    return decoded
