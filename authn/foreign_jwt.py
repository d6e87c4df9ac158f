"""JWTs of others, signed by them, encrypted to us or not; and what we encrypt to them: by joserfc.

RFC 7515, 7516, 7517, 7518, 8037. Their header must be read before anything is verified: a list says
which algorithms may stand in it, keys come from the key set that the caller fetched, and a header
that names a key of its own, or an extension, is refused (RFC 8725,
https://www.rfc-editor.org/rfc/rfc8725).
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeGuard

import orjson
from joserfc import jwe, jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey, import_key
from joserfc.util import urlsafe_b64decode

from authn.jose import JWK, RSA_BITS, InvalidToken

SIGNATURES = ("RS256", "PS256", "ES256", "EdDSA")
KEY_ENCRYPTIONS = ("RSA-OAEP-256", "RSA-OAEP")
CONTENT_ENCRYPTIONS = ("A128CBC-HS256", "A256CBC-HS512", "A128GCM", "A256GCM")
# By which we encrypt the content key to others: RSA-OAEP is left to those who can't do better.
KEY_ENCRYPTIONS_TO_OTHERS = ("RSA-OAEP-256", "ECDH-ES", "ECDH-ES+A256KW")
LONGEST_TOKEN = 64 * 1024
MOST_KEYS = 50
MOST_RSA_BITS = 8192
_KEY_TYPES = {
    "RS256": "RSA",
    "PS256": "RSA",
    "ES256": "EC",
    "EdDSA": "OKP",
    "RSA-OAEP-256": "RSA",
    "RSA-OAEP": "RSA",
    "ECDH-ES": "EC",
    "ECDH-ES+A256KW": "EC",
}
_CURVES = ("P-256", "Ed25519")
# RFC 7518 §6.2.2, §6.3.2. An RSA exponent alone would have its primes computed, however long it is.
_PRIVATE = {"d", "p", "q", "dp", "dq", "qi", "oth"}
_NEVER_IN_A_HEADER = {"jwk", "jku", "x5u", "crit", "zip", "b64"}


class UnknownForeignKey(InvalidToken):
    """None of the keys is the one that signed this, as far as can be told: the set may be old."""


class OtherTokenType(InvalidToken):
    """A JWT of another kind than is asked for here (RFC 8725 §3.11)."""


@dataclass(frozen=True, slots=True, repr=False)
class ExchangeKey:
    """A key of a JWK Set or a file; private where the file's was. `use` is "" when not said."""

    kid: str
    use: str
    alg: str
    key: JWK

    def may(self, use: str, alg: str) -> bool:
        """Whether it is for this use and algorithm, and of the type that it takes (RFC 7517 §4)."""
        return (
            self.use in ("", use)
            and self.alg in ("", alg)
            and self.key.key_type == _KEY_TYPES.get(alg)
        )


class NoFittingKey(Exception):
    """None of somebody's keys is one that a content key can be encrypted to by this algorithm."""


class _ForeignRegistry(jws.JWSRegistry):
    """joserfc's, without its warning of EdDSA (see `jose`): callers say what is allowed."""

    def get_alg(self, name: str) -> Any:
        """The algorithm of this name, which `verify_jws` has found in the caller's list."""
        return self.algorithms[name]


_REGISTRY = _ForeignRegistry()


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
    token: str,
    keys: Iterable[ExchangeKey],
    algorithms: Collection[str],
    types: Collection[str] = (),
) -> dict[str, Any]:
    """The claims of a JWT that one of these keys signed, with one of these algorithms.

    `types` is what its `typ` may be if it has one, in lower case; nothing for any. Times, issuer
    and audience are the caller's to check. Raises `OtherTokenType`, `UnknownKey`, else
    `InvalidToken`.
    """
    header = _unverified_header(token, parts=3)
    alg, kid = header.get("alg"), header.get("kid")
    if types and _media_type(header.get("typ", "jwt")) not in types:
        raise OtherTokenType
    if alg not in algorithms or alg not in SIGNATURES:
        raise InvalidToken
    fitting = [each for each in keys if each.may("sig", alg) and kid in (None, each.kid)]
    if not fitting or (kid is None and len(fitting) > 1):
        raise UnknownForeignKey
    try:
        signature = _unverified_signature(token, header)
        if not jws.validate_compact(signature, fitting[0].key, registry=_REGISTRY):
            raise UnknownForeignKey if kid is None else InvalidToken
        claims = orjson.loads(signature.payload)
    except (JoseError, ValueError, TypeError):
        raise InvalidToken from None
    if not isinstance(claims, dict):
        raise InvalidToken
    return claims


def decrypt_jwe(
    token: str, keys: Iterable[ExchangeKey], algorithms: Collection[str] = KEY_ENCRYPTIONS
) -> str:
    """What was encrypted to one of our private keys: a signed JWT, not verified yet.

    `algorithms` may have encrypted the content key. Raises `InvalidToken`: another key, another
    algorithm, compressed, or no JWE at all.
    """
    header = _unverified_header(token, parts=5)
    alg, enc, kid = header.get("alg"), header.get("enc"), header.get("kid")
    if not isinstance(alg, str) or alg not in algorithms or enc not in CONTENT_ENCRYPTIONS:
        raise InvalidToken
    fitting = [each.key for each in keys if each.may("enc", alg) and kid in (None, each.kid)]
    for key in fitting:
        try:
            plaintext = jwe.decrypt_compact(token, key, [alg, enc]).plaintext
            return (plaintext or b"").decode("ascii")
        except (JoseError, ValueError, TypeError):
            continue
    raise InvalidToken


def encrypt_jwe(
    plaintext: str,
    keys: Iterable[ExchangeKey],
    alg: str,
    enc: str,
    cty: str = "",
    typ: str = "",
    registry: jwe.JWERegistry | None = None,
) -> str:
    """The text, encrypted to the first of these public keys that may be used so (RFC 7516 §7.1).

    `alg` is of `KEY_ENCRYPTIONS_TO_OTHERS`, `enc` of `CONTENT_ENCRYPTIONS`; `cty` is "JWT" where
    the text is one (RFC 7519 §5.2). `registry` has another way of making the content key. Raises
    `NoFittingKey`.
    """
    if alg not in KEY_ENCRYPTIONS_TO_OTHERS or enc not in CONTENT_ENCRYPTIONS:
        raise NoFittingKey
    fitting = next((each.key for each in keys if each.may("enc", alg)), None)
    if fitting is None:
        raise NoFittingKey
    # A key that its owner did not name is not named: theirs would be looked for by that name.
    header = {"alg": alg, "enc": enc, "cty": cty, "kid": fitting.kid, "typ": typ}
    said = {name: value for name, value in header.items() if value}
    known = registry or jwe.JWERegistry(algorithms=[alg, enc])
    try:
        return jwe.encrypt_compact(said, plaintext, fitting, registry=known)
    except JoseError:  # its `key_ops` have other uses
        raise NoFittingKey from None


def unverified_claims(token: str) -> dict[str, Any]:
    """What a JWT says, whoever signed it; nothing in it is true yet. Raises `InvalidToken`."""
    _unverified_header(token, parts=3)
    return _json_segment(token.split(".")[1])


def unverified_encryption(token: str) -> str:
    """How the content of a JWE is said to be encrypted, one of `CONTENT_ENCRYPTIONS`.

    Raises `InvalidToken`.
    """
    enc = _unverified_header(token, parts=5).get("enc")
    if enc not in CONTENT_ENCRYPTIONS:
        raise InvalidToken
    return str(enc)


def _unverified_header(token: str, parts: int) -> dict[str, Any]:
    """The header as somebody wrote it; nothing in it is true yet."""
    if len(token) > LONGEST_TOKEN or not token.isascii() or token.count(".") != parts - 1:
        raise InvalidToken
    header = _json_segment(token.partition(".")[0])
    if _NEVER_IN_A_HEADER & header.keys():
        raise InvalidToken
    if not all(isinstance(header.get(name, ""), str) for name in ("alg", "enc", "kid")):
        raise InvalidToken
    return header


def _unverified_signature(token: str, header: dict[str, Any]) -> jws.CompactSignature:
    """A JWS as joserfc has it, that verifies it; its header was read before, and is not read again.

    Raises `JoseError` and `ValueError`.
    """
    protected, payload, signature = token.encode("ascii").split(b".")
    _REGISTRY.validate_header_size(protected)
    _REGISTRY.validate_signature_size(signature)
    read = jws.CompactSignature(header, urlsafe_b64decode(payload))
    read.segments.update({"header": protected, "payload": payload, "signature": signature})
    return read


def _json_segment(segment: str) -> dict[str, Any]:
    try:
        content = orjson.loads(urlsafe_b64decode(segment.encode()))
    except ValueError:
        raise InvalidToken from None
    if not isinstance(content, dict):
        raise InvalidToken
    return content


def _media_type(typ: object) -> str:
    """The `typ` of a header as it is compared (RFC 7515 §4.1.9); "" for what is none."""
    return typ.lower().removeprefix("application/") if isinstance(typ, str) else ""


def _pem_keys(text: str) -> Iterator[ExchangeKey]:
    """The key in PEM, once: as the kind that it is."""
    for kind in (RSAKey, ECKey, OKPKey):
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
    if words["kty"] not in _KEY_TYPES.values() or not all(
        isinstance(w, str) for w in words.values()
    ):
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


def _usable(key: object) -> TypeGuard[JWK]:
    if isinstance(key, RSAKey):
        return RSA_BITS <= key.public_key.key_size <= MOST_RSA_BITS
    return isinstance(key, ECKey | OKPKey) and key.curve_name in _CURVES
