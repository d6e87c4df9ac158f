"""The successor of a refresh token, sealed: only who has the token itself, and we, can open it.

Protocol 4.9. A dump of the database is no use without the token, nor an old token without our key.
AES-SIV (RFC 5297, https://www.rfc-editor.org/rfc/rfc5297) needs no nonce: each key seals one text.
"""

from functools import lru_cache
from hashlib import sha512
from hmac import digest

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from authn.secrets import Secrets


def seal_successor(secrets: Secrets, token: str, successor: str) -> bytes:
    """The successor of this token as it is stored."""
    return _cipher(secrets, token).encrypt(successor.encode(), None)


def open_successor(secrets: Secrets, token: str, sealed: bytes) -> str | None:
    """What was sealed for this token; None when our key was replaced in between."""
    try:
        return _cipher(secrets, token).decrypt(sealed, None).decode()
    except InvalidTag:
        return None


def _cipher(secrets: Secrets, token: str) -> AESSIV:
    return AESSIV(digest(_key(secrets.token_key), token.encode(), sha512))


@lru_cache
def _key(token_key: bytes) -> bytes:
    return digest(token_key, b"refresh-token-successor", sha512)
