"""Access tokens that are encrypted to their resource, and that we can open too.

RFC 7516, JSON Web Encryption (https://www.rfc-editor.org/rfc/rfc7516). The client that holds such a
token may revoke it and exchange it, and sends us what only the resource can read. So the content
key is no random one: it is the HMAC of the initialization vector, which is random, under a key of
ours. Who lacks our key learns as little of it as of a random one, and no two tokens share one.

Why not what we need in the header: libraries refuse one that is long, or has a name they don't
know.
"""

import os
from collections.abc import Iterable
from functools import lru_cache
from hashlib import sha512
from hmac import digest
from typing import Any, Final

from cryptography.exceptions import InvalidTag
from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.util import urlsafe_b64decode

from authn.foreign_jwt import ExchangeKey, encrypt_jwe, unverified_encryption
from authn.jose import InvalidToken
from authn.secrets import Secrets

# By the last one the content key is agreed on, not chosen: such a token its resource alone opens.
KEY_ENCRYPTIONS: Final = ("RSA-OAEP-256", "ECDH-ES+A256KW", "ECDH-ES")
LONGEST: Final = 16 * 1024  # characters


class _ContentEncryption:
    """One of joserfc's, for one token: with an initialization vector, and the key of that."""

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
    """joserfc's, of one key encryption and one content encryption."""

    def __init__(self, token_key: bytes, alg: str, enc: str) -> None:
        super().__init__(algorithms=[alg, enc])
        self._token_key = token_key

    def get_enc(self, name: str) -> Any:
        """The content encryption, with keys that we can make again."""
        return _ContentEncryption(super().get_enc(name), self._token_key)


def sealed_jwe(
    secrets: Secrets, token: str, keys: Iterable[ExchangeKey], alg: str, enc: str, typ: str
) -> str:
    """The JWT in a JWE for the first of these keys that may be used so; raises `NoFittingKey`."""
    registry = _EncryptionRegistry(secrets.token_key, alg, enc)
    return encrypt_jwe(token, keys, alg, enc, cty="JWT", typ=typ, registry=registry)


def opened_jwe(secrets: Secrets, token: str) -> str:
    """What `sealed_jwe` was given; raises `InvalidToken` for what is no JWE of ours.

    Its resource could put another text in its place: the signature inside is what counts.
    """
    if len(token) > LONGEST:
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
    """64 bytes at most, as many as this content encryption takes (RFC 7518 §5.1)."""
    length: int = model.cek_size // 8
    return digest(_key(token_key), model.name.encode() + b":" + iv, sha512)[:length]


@lru_cache
def _key(token_key: bytes) -> bytes:
    return digest(token_key, b"access-token-content-key", sha512)
