"""Resource servers, and applications that get access tokens for them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from httpx2 import Response
from starlette.testclient import TestClient

from authn.clients.client_metadata import ClientMetadata
from authn.clients.resource_servers.resources import Resource
from authn.web.site import Site
from tests.oidc.apis import register_api
from tests.oidc.refreshing import GRANT_TYPES
from tests.oidc.relying_party import RelyingParty, basic, register

API = "https://api.example/letters"
OTHER_API = "https://other.example/"
SCOPE = "openid profile letters"


@dataclass(frozen=True, slots=True)
class ResourceServer:
    """A resource server that asks about the tokens that it was sent."""

    client: RelyingParty
    resource: Resource

    def introspect(self, token: str | None, accept: str | None = None, /, **form: str) -> Response:
        """The answer of /introspect."""
        client = self.client
        headers = {"Authorization": basic(client.client.client_id, client.client_secret)}
        if accept is not None:
            headers["Accept"] = accept
        fields = dict(form) if token is None else {"token": token, **form}
        return client.browser.post("/introspect", data=fields, headers=headers)

    def learns(self, token: str) -> Mapping[str, Any]:
        """What it is told of this token."""
        answer = self.introspect(token)
        assert answer.status_code == 200, answer.text
        told: Mapping[str, Any] = answer.json()
        return told


def resource_server(
    site: Site,
    backchannel: TestClient,
    resource: str = API,
    *,
    client_id: str = "letters",
    metadata: ClientMetadata | None = None,
    scopes: Mapping[str, str] | None = None,
    may_read_ssin: bool = False,
    **more: Any,
) -> ResourceServer:
    """A resource server, and the confidential client as which it asks; that has no redirect."""
    client = register(
        site,
        backchannel,
        client_id=client_id,
        client_name="Letters",
        redirect_uris=["https://api.example/none"],
        metadata=metadata,
        **more,
    )
    registered = register_api(
        site,
        resource,
        resource_name="Letters",
        scopes={"letters": "Read your letters"} if scopes is None else scopes,
        client_id=client_id,
        may_read_ssin=may_read_ssin,
    )
    return ResourceServer(client, registered)


def application(site: Site, browser: TestClient, **more: Any) -> RelyingParty:
    """A confidential application that may ask access tokens for both resources."""
    scope = more.pop("scope", SCOPE)
    return register(
        site,
        browser,
        client_id="hospital",
        scope=f"{scope} offline_access",
        metadata=ClientMetadata(grant_types=GRANT_TYPES),
        resources=[API, OTHER_API],
        first_party=True,  # nobody is asked; what is asked at consent has its own tests
        **more,
    )
