"""Access tokens that their client cannot read: opaque ones, and JWTs encrypted to the resource.

An opaque token has its claims, sealed with a key of ours, for a resource that asks about each token
at the introspection endpoint (RFC 6749 §1.4, RFC 7662). Why not a row: a row would be half of what
/token writes, and say no more than the `jti`, which is sealed with the same key.

An encrypted token is a JWE (RFC 7516, https://www.rfc-editor.org/rfc/rfc7516) that we can open too,
since its client may revoke and exchange the token. So the content key is not random: it is the HMAC
of the initialization vector, which is random, under a key of ours. Who lacks our key learns as
little as of a random key, and no two tokens share a content key. Why nothing of ours is in the
header: libraries refuse a header that is long, or has a name they don't know.
"""

import binascii
import os
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Iterable, Mapping
from functools import lru_cache
from hashlib import sha512
from hmac import digest
from typing import Any, Final

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.util import urlsafe_b64decode

from authn.foreign_jwt import ExchangeKey, encrypt_jwe, unverified_encryption
from authn.jose import InvalidToken
from authn.secrets import Secrets

# With a dot, which no refresh token has; and of a form that no JWT has.
MARK: Final = "o."
NONCE_BYTES: Final = 16
LONGEST_OPAQUE: Final = 8192  # characters
# By the last one the content key is agreed on, not chosen: such a token its resource alone opens.
KEY_ENCRYPTIONS: Final = ("RSA-OAEP-256", "ECDH-ES+A256KW", "ECDH-ES")
LONGEST_ENCRYPTED: Final = 16 * 1024  # characters


def seal_claims(secrets: Secrets, claims: Mapping[str, Any]) -> str:
    """The claims as an opaque token; the same claims never give the same token twice."""
    plaintext = os.urandom(NONCE_BYTES) + orjson.dumps(claims)
    sealed = _cipher(secrets.token_key).encrypt(plaintext, None)
    return MARK + urlsafe_b64encode(sealed).rstrip(b"=").decode()


def open_claims(secrets: Secrets, token: str) -> dict[str, Any]:
    """The claims in an opaque token of ours; raises `InvalidToken` for all else."""
    sealed = token.removeprefix(MARK)
    if sealed == token or len(token) > LONGEST_OPAQUE:
        raise InvalidToken
    try:
        ciphertext = b64decode(sealed + "=" * (-len(sealed) % 4), altchars=b"-_", validate=True)
        opened = _cipher(secrets.token_key).decrypt(ciphertext, None)
    except (InvalidTag, binascii.Error, ValueError):
        raise InvalidToken from None
    claims: dict[str, Any] = orjson.loads(opened[NONCE_BYTES:])
    return claims


@lru_cache
def _cipher(token_key: bytes) -> AESSIV:
    return AESSIV(digest(token_key, b"opaque-access-token", sha512))


class _ContentEncryption:
    """A content encryption of joserfc for one token, with the vector and the key that we choose."""

    def __init__(self, model: Any, token_key: bytes) -> None:
        self._model = model
        self._iv = os.urandom(model.iv_size // 8)
        self._token_key = token_key

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)

    def generate_iv(self) -> bytes:
        return self._iv

    def generate_cek(self) -> bytes:
        return _content_key(self._token_key, self._model, self._iv)


class _EncryptionRegistry(jwe.JWERegistry):
    """A registry of joserfc with one key encryption and one content encryption."""

    def __init__(self, token_key: bytes, alg: str, enc: str) -> None:
        super().__init__(algorithms=[alg, enc])
        self._token_key = token_key

    def get_enc(self, name: str) -> Any:
        """The content encryption, with content keys that we can derive again."""
        return _ContentEncryption(super().get_enc(name), self._token_key)


def seal_jwe(
    secrets: Secrets, token: str, keys: Iterable[ExchangeKey], alg: str, enc: str, typ: str
) -> str:
    """The JWT in a JWE for the first of the keys that fits; raises `NoFittingKey`."""
    registry = _EncryptionRegistry(secrets.token_key, alg, enc)
    return encrypt_jwe(token, keys, alg, enc, cty="JWT", typ=typ, registry=registry)


def open_jwe(secrets: Secrets, token: str) -> str:
    """The JWT in a JWE of `seal_jwe`; raises `InvalidToken` for what is no JWE of ours.

    The resource could put another text in the JWE: only the signature of the JWT proves anything.
    """
    if len(token) > LONGEST_ENCRYPTED:
        raise InvalidToken
    model: Any = jwe.JWERegistry(algorithms=[enc := unverified_encryption(token)]).get_enc(enc)
    header, _, *segments = token.encode("ascii").split(b".")
    try:
        iv, ciphertext, tag = (urlsafe_b64decode(each) for each in segments)
        model.check_iv(iv)
        key = _content_key(secrets.token_key, model, iv)
        inside: bytes = model.decrypt(ciphertext, tag, key, iv, header)
        return inside.decode("ascii")
    except (JoseError, InvalidTag, ValueError):
        raise InvalidToken from None


def _content_key(token_key: bytes, model: Any, iv: bytes) -> bytes:
    """The content key of a token, as long as the encryption needs (RFC 7518 §5.1), at most 64."""
    length: int = model.cek_size // 8
    return digest(_content_key_secret(token_key), model.name.encode() + b":" + iv, sha512)[:length]


@lru_cache
def _content_key_secret(token_key: bytes) -> bytes:
    return digest(token_key, b"access-token-content-key", sha512)
