"""What the fuzz proves with a key of its own: DPoP proofs that are right, or wrong in one thing.

RFC 9449 §4.3 (https://www.rfc-editor.org/rfc/rfc9449#section-4.3), §8 for nonces.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from authn.oidc.tokens.dpop import current_nonce
from authn.web.site import Site
from tests.citizen import ORIGIN
from tests.oidc.dpop_proofs import DpopKey

KEYS = (DpopKey(), DpopKey())


@dataclass(frozen=True, slots=True)
class Proof:
    """The header, the thumbprint of its key, and whether it may be accepted."""

    text: str
    jkt: str
    good: bool


NO_PROOF = Proof("", "", good=True)


def _at(site: Site, seconds: int) -> int:
    return int((site.clock() + timedelta(seconds=seconds)).timestamp())


# Each changes one thing; the first two do so rightly.
CHANGES: dict[str, Callable[[Site], dict[str, Any]]] = {
    "a nonce": lambda site: {"nonce": current_nonce(site.secrets, site.clock())},
    "a nonce for a wrong clock": lambda site: {
        "nonce": current_nonce(site.secrets, site.clock()),
        "iat": _at(site, -900),
    },
    "an old nonce": lambda site: {
        "nonce": current_nonce(site.secrets, site.clock() - timedelta(minutes=5))
    },
    "another's nonce": lambda site: {"nonce": "x" * 43},
    "of the past": lambda site: {"iat": _at(site, -120)},
    "of the future": lambda site: {"iat": _at(site, 120)},
    "without a time": lambda site: {"iat": None},
    "for elsewhere": lambda site: {"htu": f"{ORIGIN}/elsewhere"},
    "for another method": lambda site: {"htm": "PUT"},
    "without a jti": lambda site: {"jti": None},
    "of another type": lambda site: {"header": {"typ": "JWT"}},
    "with a shared secret": lambda site: {"header": {"alg": "HS256"}},
    "with another's key": lambda site: {"header": {"jwk": KEYS[1].public_jwk}},
    "with a word that must be known": lambda site: {"header": {"crit": ["b64"]}},
}
RIGHT = ("one", "other", "a nonce", "a nonce for a wrong clock")


def proof_of(
    site: Site, how: str, method: str, path: str, used: list[str], token: str | None = None
) -> Proof:
    """A proof for this request, right or wrong; `used` are those that are good for nothing more."""
    if how == "none":
        return NO_PROOF
    if how == "used before":
        return Proof(used[-1] if used else "a.b.c", "", good=False)
    if how not in CHANGES and how not in RIGHT:
        return Proof(how, "", good=False)
    key = KEYS[how == "other"]
    changes = CHANGES[how](site) if how in CHANGES else {}
    text = key.proof(method, ORIGIN + path, site.clock(), token, **changes)
    return Proof(text, key.jkt, good=how in RIGHT)
