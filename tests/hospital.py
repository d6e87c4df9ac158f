"""The relying application that most tests register: a hospital."""

from typing import Any

from authn.clients.client_registration.registration import register_client
from authn.db.transaction import writing
from authn.keys.signing_keys import ensure_signing_keys
from authn.web.site import Site

CLIENT_ID = "hospital"
REDIRECT_URI = "https://hospital.example/callback"


def register_hospital(site: Site, **metadata: Any) -> None:
    """It is a client of the service, with this metadata, and there are signing keys."""
    now = site.clock()
    ensure_signing_keys(site.database, site.secrets, now)
    default: dict[str, Any] = {
        "client_id": CLIENT_ID,
        "client_name": "Hospital",
        "redirect_uris": [REDIRECT_URI],
    }
    with writing(site.database) as connection:
        register_client(connection, site.secrets, now, **(default | metadata))
