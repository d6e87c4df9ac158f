"""Systems in tests: they sign what they say, and get tokens of their own for a resource."""

from dataclasses import dataclass
from typing import Any

from httpx2 import Response
from starlette.testclient import TestClient

from authn.clients.client_metadata import ClientMetadata
from authn.clients.client_registration.registration import register_client
from authn.clients.clients import CLIENT_CREDENTIALS, PRIVATE_KEY_JWT, Client
from authn.db.transaction import writing
from authn.web.site import Site
from tests.citizen import ORIGIN
from tests.oidc.apis import PRESCRIPTIONS, register_api
from tests.oidc.client_keys import ClientKey, asserted, assertion

API = PRESCRIPTIONS
ORGANISATION = "0406798006"


@dataclass(slots=True)
class System:
    """One system, registered with a key."""

    site: Site
    backchannel: TestClient
    client: Client
    key: ClientKey

    def assertion(self, aud: Any = ORIGIN, /, **changes: Any) -> str:
        """A fresh assertion; see `client_keys.assertion`."""
        key = changes.pop("key", self.key)
        return assertion(self.client.client_id, aud, key, self.site.clock(), **changes)

    def post(self, path: str = "/token", *, signed: str | None = None, **form: str) -> Response:
        """What the endpoint answers to this form and a fresh assertion, or this one."""
        form = {"grant_type": CLIENT_CREDENTIALS, **form} if path == "/token" else form
        data = asserted(self.assertion() if signed is None else signed, **form)
        return self.backchannel.post(path, data=data)


def register_system(
    site: Site, backchannel: TestClient, key: ClientKey | None = None, **said: Any
) -> System:
    """A system of the organisation, by default with its own API to ask tokens for."""
    key = key or ClientKey.shared("ES256")
    organisation = said.pop("organisation", ORGANISATION)
    members = {
        "grant_types": (CLIENT_CREDENTIALS,),
        "jwks": key.jwks,
        **said.pop("metadata", {}),
    }
    registration = {
        "client_id": f"cbe-{organisation}",
        "client_name": "Batch",
        "redirect_uris": [],
        "token_endpoint_auth_method": PRIVATE_KEY_JWT,
        "scope": "prescriptions:read prescriptions:write",
        "organisation": organisation,
        "resources": [API],
        "metadata": ClientMetadata(**members),
        **said,
    }
    with writing(site.database) as connection:
        registered = register_client(connection, site.secrets, site.clock(), **registration)
    return System(site, backchannel, registered.client, key)


def add_resource(site: Site, resource: str = API, **values: Any) -> None:
    """A resource server is known, with the scopes that systems ask."""
    scopes = {"prescriptions:read": "Read prescriptions", "prescriptions:write": "Prescribe"}
    register_api(site, resource, **({"scopes": scopes} | values))
