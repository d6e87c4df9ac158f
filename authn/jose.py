"""JWK, JWS and JWT (RFC 7515, 7517, 7518, 7519, 7638, 8037), thin over joserfc.

For tokens of our own, signed and verified here. Their header is made of the key and the type alone,
so it is never read, but compared with what that key would have written: no `alg`, `jwk`, `jku`,
`x5u` or `crit` of anybody else's can have a say. It is also what makes a token cost little more
than its signature.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from threading import Lock
from typing import Any, Final, Literal

import orjson
from joserfc.jwk import ECKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry
from joserfc.util import urlsafe_b64decode, urlsafe_b64encode

Algorithm = Literal["ES256", "RS256", "PS256", "EdDSA"]
KeyEncryption = Literal["RSA-OAEP-256", "ECDH-ES"]
AnyAlgorithm = Algorithm | KeyEncryption
JWK = ECKey | OKPKey | RSAKey

ES256: Final = "ES256"
RS256: Final = "RS256"
PS256: Final = "PS256"
EDDSA: Final = "EdDSA"
ALGORITHMS: tuple[Algorithm, ...] = (ES256, RS256, PS256, EDDSA)
# How others may encrypt to us (RFC 7518 §4.3, §4.6).
KEY_ENCRYPTIONS: tuple[KeyEncryption, ...] = ("RSA-OAEP-256", "ECDH-ES")
RSA_BITS = 2048
LONGEST_TOKEN = 8192

# From the class itself: asking for EdDSA by its registered name (RFC 8037 §3.1) would be warned of,
# since RFC 9864 gives Ed25519 another one, which clients don't know yet.
_SIGNERS: dict[str, Any] = {alg: JWSRegistry.algorithms[alg] for alg in ALGORITHMS}
_KINDS: dict[str, type[JWK]] = {ES256: ECKey, "ECDH-ES": ECKey, EDDSA: OKPKey}  # else RSA
_PUBLIC_MEMBERS = {"kty", "crv", "x", "y", "n", "e"}


class InvalidToken(Exception):
    """A token was not signed by one of these keys, or is not of the expected type."""


class UnknownKey(InvalidToken):
    """None of the keys is named by the token: another one may be, or it is none of ours."""


@dataclass(frozen=True, slots=True, eq=False)
class OwnKey:
    """A key of ours for one algorithm; `kid` is its thumbprint (RFC 7638).

    It is private where we sign or decrypt with it, and public where it only verifies. Each is equal
    to itself alone.
    """

    kid: str
    alg: AnyAlgorithm
    key: JWK

    def __repr__(self) -> str:
        return f"OwnKey({self.kid}, {self.alg})"


def generate_key(alg: AnyAlgorithm) -> OwnKey:
    """A fresh private key for this algorithm: P-256, Ed25519 or RSA."""
    kind = _KINDS.get(alg, RSAKey)
    if kind is ECKey:
        return _named(alg, ECKey.generate_key("P-256", private=True))
    if kind is OKPKey:
        return _named(alg, OKPKey.generate_key("Ed25519", private=True))
    return _named(alg, RSAKey.generate_key(RSA_BITS, private=True))


def import_private_key(alg: AnyAlgorithm, jwk: bytes) -> OwnKey:
    """The key that `export_private_key` gave. An RSA key takes 30 ms: its primes are checked."""
    return _named(alg, _KINDS.get(alg, RSAKey).import_key(orjson.loads(jwk)))


def import_public_key(alg: AnyAlgorithm, jwk: bytes) -> OwnKey:
    """The public half of what either export gave; a private half is not looked at."""
    members = {name: value for name, value in orjson.loads(jwk).items() if name in _PUBLIC_MEMBERS}
    return _named(alg, _KINDS.get(alg, RSAKey).import_key(members))


def export_private_key(key: OwnKey) -> bytes:
    """The private JWK, to be encrypted before it is stored."""
    return orjson.dumps(key.key.as_dict(private=True))


def export_public_key(key: OwnKey) -> bytes:
    """The JWK without its private half."""
    return orjson.dumps(key.key.as_dict(private=False))


def public_jwk(key: OwnKey) -> dict[str, Any]:
    """What the key set publishes: the public half with `kid`, `alg` and `use`."""
    use = "sig" if key.alg in ALGORITHMS else "enc"
    return {**key.key.as_dict(private=False), "kid": key.kid, "alg": key.alg, "use": use}


def sign(
    key: OwnKey, claims: Mapping[str, Any], typ: str = "JWT", *, comes_back: bool = False
) -> str:
    """The claims as a signed JWT; its header names the key and the type.

    One that `comes_back` is likely to be shown to us soon: that we signed it is remembered.
    """
    signed = _header(key.alg, key.kid, typ) + b"." + urlsafe_b64encode(orjson.dumps(claims))
    signature = urlsafe_b64encode(_SIGNERS[key.alg].sign(signed, key.key))
    if comes_back:
        _GENUINE.add((key, signed, signature))
    return (signed + b"." + signature).decode("ascii")


def verify(token: str, keys: Mapping[str, OwnKey], typ: str) -> dict[str, Any]:
    """The claims of a JWT that one of these keys signed; times and audience are the caller's.

    Raises `InvalidToken`: another algorithm or type, or not a JWT at all; `UnknownKey` where the
    header is that of none of these keys.
    """
    if len(token) > LONGEST_TOKEN or not token.isascii():
        raise InvalidToken
    signed, _, signature = token.encode("ascii").rpartition(b".")
    header, _, payload = signed.partition(b".")
    key = next((k for k in keys.values() if header == _header(k.alg, k.kid, typ)), None)
    if key is None:
        raise UnknownKey
    if (key, signed, signature) not in _GENUINE:
        _check_signature(key, signed, signature)
        _GENUINE.add((key, signed, signature))
    # Ours, so what it holds is a JSON object.
    claims: dict[str, Any] = orjson.loads(urlsafe_b64decode(payload))
    return claims


class GenuineTexts:
    """Which texts were signed by which key; of so many the latest, in each process.

    That a key has signed a text is true for ever: whether the key still counts, the caller of
    `verify` says each time. Resource servers show one token often, an application its new one at
    userinfo at once; and verifying takes longer than asking the database about it.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._known: dict[tuple[OwnKey, bytes, bytes], None] = {}
        self._adding = Lock()

    def __contains__(self, genuine: tuple[OwnKey, bytes, bytes]) -> bool:
        return genuine in self._known

    def add(self, genuine: tuple[OwnKey, bytes, bytes]) -> None:
        """It is genuine: made by this key here, or verified."""
        with self._adding:
            if len(self._known) >= self._most:
                del self._known[next(iter(self._known))]
            self._known[genuine] = None


_GENUINE: Final = GenuineTexts(most=2048)


def _check_signature(key: OwnKey, signed: bytes, signature: bytes) -> None:
    """Raises `InvalidToken` unless this key signed it."""
    try:
        genuine = _SIGNERS[key.alg].verify(signed, urlsafe_b64decode(signature), key.key)
    except ValueError:
        raise InvalidToken from None
    if not genuine:
        raise InvalidToken


@lru_cache(maxsize=1024)
def _header(alg: str, kid: str, typ: str) -> bytes:
    return urlsafe_b64encode(orjson.dumps({"alg": alg, "kid": kid, "typ": typ}))


def numeric_date(moment: datetime) -> int:
    """A NumericDate (RFC 7519 §2)."""
    return int(moment.timestamp())


def _named(alg: AnyAlgorithm, key: JWK) -> OwnKey:
    return OwnKey(key.thumbprint(), alg, key)
