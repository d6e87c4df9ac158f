"""What an access token says, sealed for ourselves: nobody else reads it, or learns who it is of.

For a resource whose tokens are to be read at the introspection endpoint alone (RFC 6749 §1.4, RFC
7662). Why not a row: it would be half of what /token writes, as in `grants.access_tokens`, and all
that a row could tell is in the `jti` already, sealed with the same key.
"""

import binascii
import os
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Mapping
from functools import lru_cache
from hashlib import sha512
from hmac import digest
from typing import Any, Final

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from authn.jose import InvalidToken
from authn.secrets import Secrets

# With a dot, which no refresh token has; and of a form that no JWT has.
MARK: Final = "o."
NONCE_BYTES: Final = 16
LONGEST: Final = 8192  # characters


def sealed_claims(secrets: Secrets, claims: Mapping[str, Any]) -> str:
    """The claims as a token that tells its bearer nothing; no two are the same."""
    plaintext = os.urandom(NONCE_BYTES) + orjson.dumps(claims)
    sealed = _cipher(secrets.token_key).encrypt(plaintext, None)
    return MARK + urlsafe_b64encode(sealed).rstrip(b"=").decode()


def opened_claims(secrets: Secrets, token: str) -> dict[str, Any]:
    """The claims that we sealed; raises `InvalidToken` for all else."""
    sealed = token.removeprefix(MARK)
    if sealed == token or len(token) > LONGEST:
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
