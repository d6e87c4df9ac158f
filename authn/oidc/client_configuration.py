"""/register/{client_id}: a client that registered itself reads, changes and ends its registration.

RFC 7592 §2 (https://www.rfc-editor.org/rfc/rfc7592#section-2). What the operator decided about it
stays as it is, and so does its secret: we have its hash alone, so it is told when it is made, and
never again. What it may not change by itself is in `own_changes`.
"""

import hmac
from collections.abc import Callable, Mapping

from starlette.requests import Request as HttpRequest
from starlette.responses import Response

from authn.clients.clients import Client, find_client, locked_client
from authn.clients.registration import RegisteredClient, change_client
from authn.grants.ended_clients import end_client
from authn.oidc.offer import offer_to_client
from authn.oidc.own_changes import check_own_change
from authn.oidc.register import (
    NO_STORE,
    bearer_token,
    check_registration_is_on,
    client_information,
    invalid_token,
    said_by_client,
    told_as_an_error_response,
)
from authn.secrets import token_hash
from authn.web.protocol import ProtocolError
from authn.web.request import Request
from authn.web.routing import protocol_route

NEVER_SENT_BACK = (
    "registration_access_token",
    "registration_client_uri",
    "client_secret_expires_at",
    "client_id_issued_at",
)


def client_configuration(request: Request) -> Response:
    """What the method says is done to the registration of the client whose token this is."""
    check_registration_is_on(request)
    client = _client(request)
    return METHODS.get(request.method, read)(request, client)


def _client(request: Request) -> Client:
    """The client of the address; raises `invalid_token` unless the token is that client's own.

    What it may change hangs on what the operator gives it: not at the same time.
    """
    find = locked_client if request.method == "PUT" else find_client
    client = find(request.connection, request.path_params["client_id"])
    presented = token_hash(bearer_token(request.headers))
    stored = (client and client.registration_access_token_hash) or ""
    if client is None or not hmac.compare_digest(presented, stored):
        raise invalid_token()
    return client


def read(request: Request, client: Client) -> Response:
    """What is registered (§2.1)."""
    return client_information(
        request, RegisteredClient(client, None), bearer_token(request.headers)
    )


def change(request: Request, client: Client) -> Response:
    """The registration says this from now on, and what it leaves out is the default (§2.2)."""
    _check_is_its_own(request, client)
    with told_as_an_error_response():
        said = said_by_client(request, offer_to_client(request.settings, client))
        named = said.named(client.client_id)
        check_own_change(request.connection, request.settings, client, named)
        changed = change_client(
            request.connection,
            request.secrets,
            client,
            request.now,
            reference=request.reference,
            **named,
        )
    return client_information(request, changed, bearer_token(request.headers))


def _check_is_its_own(request: Request, client: Client) -> None:
    """§2.2: the id is there and the same, the secret the same if it is there; neither is ours."""
    document = request.json
    if document.get("client_id") != client.client_id:
        raise ProtocolError("invalid_request", "The client_id must be the client's own.")
    secret = document.get("client_secret")
    if secret is not None and not (isinstance(secret, str) and client.check_client_secret(secret)):
        raise ProtocolError("invalid_request", "The client_secret is not the client's.")
    if any(name in document for name in NEVER_SENT_BACK):
        raise ProtocolError("invalid_request", "The document holds what only an answer may hold.")


def end(request: Request, client: Client) -> Response:
    """The client is none any more, and all that people had allowed it is revoked (§2.3)."""
    end_client(
        request.connection, request.secrets, client.client_id, request.now, request.reference
    )
    return Response(status_code=204, headers=NO_STORE)


METHODS: dict[str, Callable[[Request, Client], Response]] = {
    "GET": read,
    "PUT": change,
    "DELETE": end,
}


def _writes(http: HttpRequest, form: Mapping[str, str]) -> bool:
    return http.method in ("PUT", "DELETE")


routes = [
    protocol_route(
        "/register/{client_id}",
        client_configuration,
        methods=list(METHODS),
        writes=_writes,
        body="json",
    )
]
