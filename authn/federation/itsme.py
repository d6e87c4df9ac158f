"""itsme (Belgian Mobile ID) as its documentation asks: https://belgianmobileid.github.io/doc/.

We prove who we are with a signed JWT; ID token and userinfo are signed, then encrypted to us. The
address `/identity/itsme/jwks` is what itsme is told to read our public keys from. Its `acr_basic`
is given to whoever unlocked the app with a finger too, so it counts as substantial; an ID token
that names no `acr` is worth no more than that.
"""

from collections.abc import Mapping
from typing import Any

_CLAIM = "http://itsme.services/v2/claim/"


def defaults(entry: Mapping[str, Any]) -> dict[str, Any]:
    """The values of an entry for itsme that an operator need not write.

    `service` of the entry is the code of the operator's service at itsme.
    """
    return {
        "id": "itsme",
        "name": "itsme",
        "issuer": "https://idp.prd.itsme.services/v2",
        "authentication": "private_key_jwt",
        # `eid` returns the national number in userinfo.
        "scopes": f"openid service:{entry.get('service', '')} eid",
        "levels": {f"{_CLAIM}acr_advanced": "high", f"{_CLAIM}acr_basic": "substantial"},
        "level_without_acr": "substantial",
        "national_number_claim": f"{_CLAIM}BENationalNumber",
        "userinfo": "encrypted",
        "id_token_encrypted": True,
        "signatures": ["RS256"],
    }
