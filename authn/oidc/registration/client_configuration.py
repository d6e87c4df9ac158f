"""/register/{client_id}: a client that registered itself reads, changes and ends its registration.

RFC 7592 §2 (https://www.rfc-editor.org/rfc/rfc7592#section-2). What the operator decided about the
client stays as it is, and so does the client secret: we store a hash, so the secret is shown when
made, and never again. `permitted_metadata` has what a client may not change by itself.
"""

import hmac
from collections.abc import Callable, Mapping

from starlette.requests import Request as HttpRequest
from starlette.responses import Response

from authn.clients.client_registration.registration import RegisteredClient, change_client
from authn.clients.clients import Client, find_client, lock_client
from authn.grants.endings.ended_grants import end_client
from authn.oidc.registration.permitted_metadata import check_own_change, registrable_by_client
from authn.oidc.registration.register import (
    NO_STORE,
    bearer_token,
    check_registration_is_on,
    client_information,
    invalid_token,
    read_client_document,
    registration_errors,
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
    """The registration of the token's client, read, changed or ended, by the HTTP method."""
    check_registration_is_on(request)
    client = _require_client(request)
    return METHODS.get(request.method, read_registration)(request, client)


def _require_client(request: Request) -> Client:
    """The client of the address; raises `invalid_token` unless the token is that client's own.

    Locked for a change, which depends on what the operator has given, until the transaction ends.
    """
    find = lock_client if request.method == "PUT" else find_client
    client = find(request.connection, request.path_params["client_id"])
    presented = token_hash(bearer_token(request.headers))
    stored = (client and client.registration_access_token_hash) or ""
    if client is None or not hmac.compare_digest(presented, stored):
        raise invalid_token()
    return client


def read_registration(request: Request, client: Client) -> Response:
    """The response with what is registered (§2.1)."""
    return client_information(
        request, RegisteredClient(client, None), bearer_token(request.headers)
    )


def change_registration(request: Request, client: Client) -> Response:
    """The registration is replaced; omitted members get their defaults (§2.2)."""
    _check_identity(request, client)
    with registration_errors():
        document = read_client_document(request, registrable_by_client(request.settings, client))
        named = document.client_fields(client.client_id)
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


def _check_identity(request: Request, client: Client) -> None:
    """Raises `ProtocolError` unless the document has the client's own id and secret (§2.2)."""
    document = request.json
    if document.get("client_id") != client.client_id:
        raise ProtocolError("invalid_request", "The client_id must be the client's own.")
    secret = document.get("client_secret")
    if secret is not None and not (isinstance(secret, str) and client.check_client_secret(secret)):
        raise ProtocolError("invalid_request", "The client_secret is not the client's.")
    if any(name in document for name in NEVER_SENT_BACK):
        raise ProtocolError("invalid_request", "The document holds what only an answer may hold.")


def end_registration(request: Request, client: Client) -> Response:
    """The client is ended, and all that people allowed the client is revoked (§2.3)."""
    end_client(
        request.connection, request.secrets, client.client_id, request.now, request.reference
    )
    return Response(status_code=204, headers=NO_STORE)


METHODS: dict[str, Callable[[Request, Client], Response]] = {
    "GET": read_registration,
    "PUT": change_registration,
    "DELETE": end_registration,
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
