"""/par: a client pushes its authorization request, and the browser carries only a `request_uri`.

OAuth 2.0 Pushed Authorization Requests, RFC 9126 (https://www.rfc-editor.org/rfc/rfc9126), with a
request object (§3) or without, and with a DPoP proof that binds the code (RFC 9449 §10.1).
"""

from collections.abc import Mapping
from dataclasses import replace

from starlette.requests import Request as HttpRequest
from starlette.responses import Response

from authn.clients.clients import Client
from authn.grants.authorization_request import AuthorizationRequest
from authn.grants.pushed_requests import LIFETIME, push_request, seal_request
from authn.oidc.client_authentication.authentication import authenticate_client
from authn.oidc.client_authentication.client_assertion import has_assertion
from authn.oidc.requests.parameters import (
    check_authorization_request,
    drop_empty_parameters,
    ways_of_arrival,
)
from authn.oidc.requests.refusal import AuthorizationError
from authn.oidc.requests.request_objects import effective_parameters
from authn.oidc.tokens.dpop import nonce_headers, presented_jkt
from authn.web.request import Request, json_answer
from authn.web.routing import protocol_route


def par(request: Request) -> Response:
    """The `request_uri` of a request that /authorize would accept from the client (§2.2).

    Raises a `Refusal` in the form of RFC 6749 §5.2 with an error of either endpoint (§2.3).
    """
    client = authenticate_client(request)
    pending = bind_to_proof(request, client, check_pushed_request(request, client))
    if client.public:
        request_uri = seal_request(request.secrets, pending, request.now)
    else:
        request_uri = push_request(request.connection, pending, request.now)
    answer = {"request_uri": request_uri, "expires_in": int(LIFETIME.total_seconds())}
    response = json_answer(answer, 201)
    response.headers.update(nonce_headers(request))
    return response


def check_pushed_request(request: Request, client: Client) -> AuthorizationRequest:
    """The request in the form or in its request object, checked as at /authorize."""
    parameters = drop_empty_parameters(request.form)
    if "request_uri" in parameters:  # §2.1
        raise AuthorizationError("invalid_request", "A request_uri can't be pushed.")
    if parameters.setdefault("client_id", client.client_id) != client.client_id:
        raise AuthorizationError("invalid_request", "The client_id is not the client's own.")
    effective = effective_parameters(request, client, parameters)
    if not client.check_redirect_uri(effective.get("redirect_uri", "")):  # §2.4 is not offered
        raise AuthorizationError("invalid_request", "The redirect_uri is not registered.")
    return check_authorization_request(
        request, client, effective, ways_of_arrival(client, parameters, pushed=True)
    )


def bind_to_proof(
    request: Request, client: Client, pending: AuthorizationRequest
) -> AuthorizationRequest:
    """The request, bound to the key of the DPoP proof, if any (RFC 9449 §10.1).

    The proof of a public client is not remembered: who has proven nothing writes nothing, and
    whoever sends the proof again pushes a request for the owner of the key.
    """
    jkt = presented_jkt(request, client, spent=not client.public)
    if not jkt:
        return pending
    if pending.dpop_jkt not in ("", jkt):
        raise AuthorizationError("invalid_request", "The DPoP proof is not of the dpop_jkt's key.")
    return replace(pending, dpop_jkt=jkt)


def _writes(http: HttpRequest, form: Mapping[str, str]) -> bool:
    """Whether the client authenticates: the request of a public client is sealed, not stored."""
    return "authorization" in http.headers or "client_secret" in form or has_assertion(form)


routes = [protocol_route("/par", par, methods=["POST"], writes=_writes)]
