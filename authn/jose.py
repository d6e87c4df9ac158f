"""JWK, JWS and JWT (RFC 7515, 7517, 7519, 7638), thin over joserfc.

For tokens of our own, signed and verified here. Their header is made of the key and the type alone,
so it is never read, but compared with what that key would have written: no `alg`, `jwk`, `jku`,
`x5u` or `crit` of anybody else's can have a say. It is also what makes a token cost little more
than its signature.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, Final, Literal

import orjson
from joserfc.jwk import ECKey, RSAKey
from joserfc.jws import JWSRegistry
from joserfc.util import urlsafe_b64decode, urlsafe_b64encode

Algorithm = Literal["ES256", "RS256"]

ES256: Final = "ES256"
RS256: Final = "RS256"
ALGORITHMS: tuple[Algorithm, ...] = (ES256, RS256)
RSA_BITS = 2048
LONGEST_TOKEN = 8192

_REGISTRY = JWSRegistry(algorithms=ALGORITHMS)
_SIGNERS = {alg: _REGISTRY.get_alg(alg) for alg in ALGORITHMS}


class InvalidToken(Exception):
    """A token was not signed by one of these keys, or is not of the expected type."""


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key of ours; `kid` is its thumbprint (RFC 7638)."""

    kid: str
    alg: Algorithm
    key: ECKey | RSAKey

    def __repr__(self) -> str:
        return f"SigningKey({self.kid}, {self.alg})"


def generate_key(alg: Algorithm) -> SigningKey:
    """A fresh private key for this algorithm."""
    if alg == ES256:
        return _named(alg, ECKey.generate_key("P-256", private=True))
    return _named(alg, RSAKey.generate_key(RSA_BITS, private=True))


def import_private_key(alg: Algorithm, jwk: bytes) -> SigningKey:
    """The key that `export_private_key` gave."""
    value = orjson.loads(jwk)
    return _named(alg, ECKey.import_key(value) if alg == ES256 else RSAKey.import_key(value))


def export_private_key(key: SigningKey) -> bytes:
    """The private JWK, to be encrypted before it is stored."""
    return orjson.dumps(key.key.as_dict(private=True))


def public_jwk(key: SigningKey) -> dict[str, Any]:
    """What the key set publishes: the public half with `kid`, `alg` and `use`."""
    return {**key.key.as_dict(private=False), "kid": key.kid, "alg": key.alg, "use": "sig"}


def sign(key: SigningKey, claims: Mapping[str, Any], typ: str = "JWT") -> str:
    """The claims as a signed JWT; its header names the key and the type."""
    signed = _header(key.alg, key.kid, typ) + b"." + urlsafe_b64encode(orjson.dumps(claims))
    signature = _SIGNERS[key.alg].sign(signed, key.key)
    return (signed + b"." + urlsafe_b64encode(signature)).decode("ascii")


def verify(token: str, keys: Mapping[str, SigningKey], typ: str) -> dict[str, Any]:
    """The claims of a JWT that one of these keys signed; times and audience are the caller's.

    Raises `InvalidToken`: another key, algorithm or type, or not a JWT at all.
    """
    if len(token) > LONGEST_TOKEN or not token.isascii():
        raise InvalidToken
    signed, _, signature = token.encode("ascii").rpartition(b".")
    header, _, payload = signed.partition(b".")
    key = next((k for k in keys.values() if header == _header(k.alg, k.kid, typ)), None)
    if key is None:
        raise InvalidToken
    try:
        genuine = _SIGNERS[key.alg].verify(signed, urlsafe_b64decode(signature), key.key)
        # Ours, so what it holds is a JSON object.
        claims: dict[str, Any] = orjson.loads(urlsafe_b64decode(payload)) if genuine else {}
    except ValueError:
        raise InvalidToken from None
    if not genuine:
        raise InvalidToken
    return claims


@lru_cache
def _header(alg: str, kid: str, typ: str) -> bytes:
    return urlsafe_b64encode(orjson.dumps({"alg": alg, "kid": kid, "typ": typ}))


def seconds(moment: datetime) -> int:
    """A NumericDate (RFC 7519 §2)."""
    return int(moment.timestamp())


def _named(alg: Algorithm, key: ECKey | RSAKey) -> SigningKey:
    return SigningKey(key.thumbprint(), alg, key)
