"""FAS, the federal authentication service behind CSAM (BOSA): eID, and other digital keys.

Userinfo is a signed JWT with the number in `egovNRN`. Which keys a level stands for is published
nowhere as a whole: 500 is the electronic identity card or itsme; what is below counts less here.
"""

from collections.abc import Mapping
from typing import Any

_LEVEL = "urn:be:fedict:iam:fas:citizen:Level"


def defaults(entry: Mapping[str, Any]) -> dict[str, Any]:
    """The values of an entry for FAS that an operator need not write."""
    return {
        "id": "fas",
        "name": "CSAM",
        "issuer": "https://idp.iamfas.belgium.be/fas/oauth2",
        "authentication": "client_secret_basic",
        "scopes": "openid profile egovnrn",
        "levels": {
            f"{_LEVEL}500": "high",
            f"{_LEVEL}450": "substantial",
            f"{_LEVEL}400": "substantial",
        },
        "national_number_claim": "egovNRN",
        "userinfo": "signed",
        "signatures": ["RS256", "ES256"],
    }
