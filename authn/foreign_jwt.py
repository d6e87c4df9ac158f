"""JWTs of others, signed by them, and encrypted to us or not (RFC 7515, 7516, 7517), over joserfc.

Their header must be read before anything is verified: a list says which algorithms may stand in
it, keys come from the key set that the caller fetched, and a header that names a key of its own,
or an extension, is refused (RFC 8725, https://www.rfc-editor.org/rfc/rfc8725).
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeGuard

import orjson
from joserfc import jwe, jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey, import_key
from joserfc.util import urlsafe_b64decode

from authn.jose import RSA_BITS, InvalidToken

SIGNATURES = ("RS256", "PS256", "ES256")
KEY_ENCRYPTIONS = ("RSA-OAEP-256", "RSA-OAEP")
CONTENT_ENCRYPTIONS = ("A128CBC-HS256", "A256CBC-HS512", "A128GCM", "A256GCM")
LONGEST_TOKEN = 64 * 1024
MOST_KEYS = 50
_KEY_TYPES = {"RS256": "RSA", "PS256": "RSA", "ES256": "EC"}
# RFC 7518 §6.2.2, §6.3.2. An RSA exponent alone would have its primes computed, however long it is.
_PRIVATE = {"d", "p", "q", "dp", "dq", "qi", "oth"}
_NEVER_IN_A_HEADER = {"jwk", "jku", "x5u", "crit", "zip", "b64"}


class UnknownKey(InvalidToken):
    """The key set has no key that this token says it was signed with: it may be an old one."""


@dataclass(frozen=True, slots=True, repr=False)
class ExchangeKey:
    """A key of a JWK Set or a file; private where the file's was. `use` is "" when not said."""

    kid: str
    use: str
    alg: str
    key: ECKey | RSAKey

    def may(self, use: str, alg: str) -> bool:
        """Whether it is for this use and algorithm (RFC 7517 §4.2, §4.4)."""
        return self.use in ("", use) and self.alg in ("", alg)


def read_key_set(document: object) -> tuple[ExchangeKey, ...]:
    """The public keys of a JWK Set (RFC 7517 §5) that we can use; one we can't read is left out."""
    return tuple(_keys_of(document, without=_PRIVATE))


def read_private_keys(text: str) -> tuple[ExchangeKey, ...]:
    """The private keys of a file: a JWK Set, one JWK, or PEM; raises `ValueError`."""
    if text.lstrip().startswith("{"):
        document = orjson.loads(text)
        keys = tuple(_keys_of(document if "keys" in document else {"keys": [document]}))
    else:
        keys = tuple(_pem_keys(text))
    if not keys or not all(key.key.is_private for key in keys):
        raise ValueError("no private key")
    return keys


def public_key_set(keys: Iterable[ExchangeKey]) -> dict[str, Any]:
    """The JWK Set of their public halves."""
    published = []
    for each in keys:
        jwk = {**each.key.as_dict(private=False), "kid": each.kid, "use": each.use, "alg": each.alg}
        published.append({name: value for name, value in jwk.items() if value})
    return {"keys": published}


def verify_jws(
    token: str, keys: Iterable[ExchangeKey], algorithms: Collection[str]
) -> dict[str, Any]:
    """The claims of a JWT that one of these keys signed, with one of these algorithms.

    Times, issuer and audience are the caller's to check. Raises `UnknownKey` when none of the keys
    is the one that it names, else `InvalidToken`.
    """
    header = _unverified_header(token, parts=3)
    alg, kid = header.get("alg"), header.get("kid")
    if alg not in algorithms or alg not in _KEY_TYPES:
        raise InvalidToken
    fitting = [
        each
        for each in keys
        if each.may("sig", alg)
        and each.key.key_type == _KEY_TYPES[alg]
        and (kid is None or each.kid == kid)
    ]
    if not fitting or (kid is None and len(fitting) > 1):
        raise UnknownKey
    try:
        payload = jws.deserialize_compact(token, fitting[0].key, [alg]).payload
        claims = orjson.loads(payload or b"")
    except (JoseError, ValueError, TypeError):
        raise InvalidToken from None
    if not isinstance(claims, dict):
        raise InvalidToken
    return claims


def decrypt_jwe(token: str, keys: Iterable[ExchangeKey]) -> str:
    """What was encrypted to one of our private keys: a signed JWT, not verified yet.

    Raises `InvalidToken`: another key, another algorithm, compressed, or no JWE at all.
    """
    header = _unverified_header(token, parts=5)
    alg, enc, kid = header.get("alg"), header.get("enc"), header.get("kid")
    if alg not in KEY_ENCRYPTIONS or enc not in CONTENT_ENCRYPTIONS:
        raise InvalidToken
    fitting = [
        each.key
        for each in keys
        if each.may("enc", alg) and isinstance(each.key, RSAKey) and kid in (None, each.kid)
    ]
    for key in fitting:
        try:
            plaintext = jwe.decrypt_compact(token, key, [alg, enc]).plaintext
            return (plaintext or b"").decode("ascii")
        except (JoseError, ValueError, TypeError):
            continue
    raise InvalidToken


def _unverified_header(token: str, parts: int) -> dict[str, Any]:
    """The header as somebody wrote it; nothing in it is true yet."""
    if len(token) > LONGEST_TOKEN or not token.isascii() or token.count(".") != parts - 1:
        raise InvalidToken
    try:
        header = orjson.loads(urlsafe_b64decode(token.partition(".")[0].encode()))
    except ValueError:
        raise InvalidToken from None
    if not isinstance(header, dict) or _NEVER_IN_A_HEADER & header.keys():
        raise InvalidToken
    if not all(isinstance(header.get(name, ""), str) for name in ("alg", "enc", "kid")):
        raise InvalidToken
    return header


def _pem_keys(text: str) -> Iterator[ExchangeKey]:
    """The key in PEM, once: as the kind that it is."""
    for kind in (RSAKey, ECKey):
        try:
            key = kind.import_key(text)
        except (JoseError, ValueError, TypeError):
            continue
        if _usable(key):
            yield ExchangeKey(key.thumbprint(), "", "", key)


def _keys_of(document: object, without: Collection[str] = ()) -> Iterator[ExchangeKey]:
    entries = document.get("keys") if isinstance(document, Mapping) else None
    for entry in entries[:MOST_KEYS] if isinstance(entries, list) else ():
        if isinstance(entry, Mapping):
            key = _exchange_key({name: entry[name] for name in entry if name not in without})
            if key is not None:
                yield key


def _exchange_key(entry: Mapping[str, Any]) -> ExchangeKey | None:
    words = {name: entry.get(name, "") for name in ("kty", "kid", "use", "alg")}
    if words["kty"] not in ("RSA", "EC") or not all(isinstance(w, str) for w in words.values()):
        return None
    if words["kty"] == "RSA" and len(str(entry.get("n", ""))) * 6 < RSA_BITS:
        return None  # too short to be believed (RFC 7518 §3.3)
    try:
        key = import_key(dict(entry))
        if not _usable(key):
            return None
        return ExchangeKey(words["kid"] or key.thumbprint(), words["use"], words["alg"], key)
    except (JoseError, ValueError, TypeError):
        return None


def _usable(key: object) -> TypeGuard[ECKey | RSAKey]:
    if isinstance(key, RSAKey):
        return key.public_key.key_size >= RSA_BITS
    return isinstance(key, ECKey) and key.curve_name == "P-256"
