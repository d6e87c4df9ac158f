"""The keys of clients in tests: made here, their public halves registered, signed with."""

from datetime import datetime, timedelta
from functools import cache
from typing import Any, Self

import orjson
from joserfc.jwk import ECKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry
from joserfc.util import urlsafe_b64encode

from authn.secrets import new_token

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


class ClientKey:
    """A private key for one algorithm: ES256, RS256, PS256, EdDSA; others of the same families.

    It is named by its thumbprint (RFC 7638) unless `kid` says otherwise.
    """

    def __init__(self, alg: str = "ES256", kid: str = "", use: str = "sig") -> None:
        self.alg = alg
        self.key = _generated(alg)
        self.kid = kid or self.key.thumbprint()
        self.use = use

    @classmethod
    @cache
    def shared(cls, alg: str) -> Self:
        """One and the same key in all tests: making an RSA key takes long."""
        return cls(alg)

    @property
    def jwk_public(self) -> dict[str, Any]:
        """The public half, as a client registers it."""
        public = self.key.as_dict(private=False)
        return {**public, "kid": self.kid, "use": self.use, "alg": self.alg}

    @property
    def jwks(self) -> dict[str, Any]:
        """The JWK Set of this key alone."""
        return {"keys": [self.jwk_public]}

    def sign(self, claims: dict[str, Any], **header: Any) -> str:
        """A JWT with these claims; `header` changes its header, and None takes one out.

        Whatever the header says, it is this key and its algorithm that signs.
        """
        written = {"alg": self.alg, "kid": self.kid, "typ": "JWT", **header}
        said = {name: value for name, value in written.items() if value is not None}
        signed = b".".join(urlsafe_b64encode(orjson.dumps(part)) for part in (said, claims))
        signer = JWSRegistry.algorithms[self.alg]  # EdDSA would be warned of
        return (signed + b"." + urlsafe_b64encode(signer.sign(signed, self.key))).decode("ascii")


def assertion(client_id: str, aud: Any, key: ClientKey, now: datetime, /, **changes: Any) -> str:
    """The assertion of `private_key_jwt` (Core §9), good for a minute.

    `changes` to its claims, None to leave one out; `header` holds changes to the header.
    """
    header = changes.pop("header", {})
    claims = {
        "iss": client_id,
        "sub": client_id,
        "aud": aud,
        "jti": new_token(16),
        "iat": int(now.timestamp()),
        "exp": int((now + timedelta(minutes=1)).timestamp()),
    } | changes
    return key.sign({name: value for name, value in claims.items() if value is not None}, **header)


def asserted(assertion: str, **form: str) -> dict[str, str]:
    """The form of a request that authenticates with this assertion."""
    return {"client_assertion_type": ASSERTION_TYPE, "client_assertion": assertion, **form}


def _generated(alg: str) -> ECKey | RSAKey | OKPKey:
    if alg.startswith(("RS", "PS")):
        return RSAKey.generate_key(2048, private=True)
    if alg in ("EdDSA", "Ed25519"):
        return OKPKey.generate_key("Ed25519", private=True)
    curve = {"ES384": "P-384", "ES512": "P-521"}.get(alg, "P-256")
    return ECKey.generate_key(curve, private=True)
