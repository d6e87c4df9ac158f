"""DPoP proofs as a client makes them: RFC 9449 §4 (https://www.rfc-editor.org/rfc/rfc9449)."""

import base64
import hashlib
from datetime import datetime
from functools import cache
from typing import Any

import orjson
from joserfc.jwk import ECKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

from authn.secrets import new_token

AnyKey = ECKey | OKPKey | RSAKey


@cache
def _rsa_key(number: int) -> RSAKey:
    """A few for all tests: making one takes longer than most of them."""
    return RSAKey.generate_key(2048, private=True)


def _generated(alg: str, number: int) -> AnyKey:
    if alg == "ES256":
        return ECKey.generate_key("P-256", private=True)
    if alg in ("EdDSA", "Ed25519"):
        return OKPKey.generate_key("Ed25519", private=True)
    return _rsa_key(number)


class DpopKey:
    """A client's key for DPoP; `jkt` is its thumbprint (RFC 7638), `number` tells RSA keys apart.

    `key` may be given, to sign with one that no proof should be made with.
    """

    def __init__(self, alg: str = "ES256", number: int = 0, *, key: AnyKey | None = None) -> None:
        self.alg = alg
        self.key = key or _generated(alg, number)
        self.jkt = self.key.thumbprint()
        self.public_jwk: dict[str, Any] = {
            name: value for name, value in self.key.as_dict(private=False).items() if name != "kid"
        }

    def proof(
        self,
        method: str,
        url: str,
        now: datetime,
        access_token: str | None = None,
        nonce: str | None = None,
        *,
        header: dict[str, Any] | None = None,
        **changes: Any,
    ) -> str:
        """A proof for this request; `changes` and `header` replace members, None leaves one out."""
        claims: dict[str, Any] = {
            "jti": new_token(16),
            "htm": method,
            "htu": url,
            "iat": int(now.timestamp()),
            "nonce": nonce,
            "ath": ath(access_token) if access_token is not None else None,
        }
        head: dict[str, Any] = {"typ": "dpop+jwt", "alg": self.alg, "jwk": self.public_jwk}
        signed = f"{_segment(head | (header or {}))}.{_segment(claims | changes)}"
        signature = JWSRegistry.algorithms[self.alg].sign(signed.encode(), self.key)
        return f"{signed}.{_base64url(signature)}"


def ath(access_token: str) -> str:
    """The hash of an access token in a proof (§4.2)."""
    return _base64url(hashlib.sha256(access_token.encode()).digest())


def _segment(members: dict[str, Any]) -> str:
    return _base64url(orjson.dumps({k: v for k, v in members.items() if v is not None}))


def _base64url(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()
