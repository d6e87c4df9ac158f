"""/authorize: where the authorization code flow begins.

A request is checked in two phases. Phase 1 finds the client and its `redirect_uri`: a failure is a
page, and never a redirect (RFC 6749 §4.1.2.1). Phase 2 is everything else: a failure is an error on
the verified `redirect_uri`. A request that passes both begins an interaction with the person
(`login`). A pushed request passed both phases at /par.

Why a POST is checked at once and goes on as a GET with a token: a POST from another site comes
without our cookies (Lax), and its parameters may hold a national number, which must not be in an
address (decisions 1.5, 4.16).
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final
from urllib.parse import urlencode

from starlette.requests import Request as HttpRequest
from starlette.responses import Response

from authn.clients.clients import Client, find_client
from authn.errors import N_, InvalidRequest
from authn.grants.authorization_request import AuthorizationRequest
from authn.grants.pushed_requests import (
    LIFETIME,
    PREFIX,
    SEALED,
    find_pushed_request,
    open_sealed_request,
)
from authn.login.interaction import continue_interaction
from authn.login.pending import require_client_of_request
from authn.oidc.requests.parameters import (
    check_authorization_request,
    drop_empty_parameters,
    ways_of_arrival,
)
from authn.oidc.requests.refusal import (
    AuthorizationError,
    Parameters,
    refusal_response,
    verify_redirect_uri,
)
from authn.oidc.requests.request_objects import effective_parameters
from authn.secrets import read_token, sign_token
from authn.sessions.browser import current_session
from authn.sessions.sessions import record_session_use
from authn.web.cookies import SESSION, cookie_name
from authn.web.request import Request, redirect
from authn.web.routing import protocol_route
from authn.web.site import Site

POSTED: Final = "posted-authorization-request"


def authorize(request: Request) -> Response:
    """A page for the person, or the response to the client where nothing is left to ask."""
    is_post = request.method == "POST"
    if "posted" in request.query and "client_id" not in request.query and not is_post:
        return begin_interaction(request, *read_posted(request, request.query["posted"]))
    parameters = drop_empty_parameters(request.form if is_post else request.query)
    client = requesting_client(request, parameters)
    if parameters.get("request_uri", "").startswith(PREFIX):
        pending = pushed_request(request, client, parameters["request_uri"])
    else:
        effective: Parameters = parameters
        try:
            refuse_unpushed(client)
            effective = effective_parameters(request, client, parameters)
            ways = ways_of_arrival(client, parameters)
            pending = check_authorization_request(request, client, effective, ways)
        except AuthorizationError as refusal:
            return refusal_response(request, client, effective, refusal)
    if is_post:
        return redirect_to_get(request, pending)
    return begin_interaction(request, pending, client)


def begin_interaction(request: Request, pending: AuthorizationRequest, client: Client) -> Response:
    """The interaction's first page, or its result, for the person of the browser's session."""
    session = current_session(request)
    if session is not None:
        record_session_use(request.connection, session, request.now)
    return continue_interaction(request, pending, client, session)


def requesting_client(request: Request, parameters: Parameters) -> Client:
    """The client that `client_id` names; raises `InvalidRequest`."""
    client = find_client(request.connection, parameters.get("client_id", ""))
    if client is None:
        raise InvalidRequest(
            "invalid_client", N_("The application that sent you here is not registered with us.")
        )
    return client


def pushed_request(request: Request, client: Client, request_uri: str) -> AuthorizationRequest:
    """The request that the client pushed (RFC 9126 §4); other parameters of the query are ignored.

    Raises `InvalidRequest`, a page: without the request no `redirect_uri` is known.
    """
    connection, client_id, now = request.connection, client.client_id, request.now
    if request_uri.startswith(SEALED):
        pending = open_sealed_request(connection, request.secrets, request_uri, client_id, now)
    else:
        pending = find_pushed_request(connection, request_uri, client_id, now)
    if pending is None:
        raise InvalidRequest(
            "invalid_request_uri",
            N_("This sign-in took too long to begin, or it is already finished."),
            detail=f"client {client.client_id}",
        )
    verify_redirect_uri(client, pending.redirect_uri)
    return pending


def refuse_unpushed(client: Client) -> None:
    """Refuses a request by way of the browser from a client that must push (RFC 9126 §5, §6)."""
    if client.must_push:
        raise AuthorizationError("invalid_request", "This client must push its requests to /par.")


def redirect_to_get(request: Request, pending: AuthorizationRequest) -> Response:
    """A redirect that makes the browser send the checked request again by GET, with its cookies."""
    content = {"request": pending.pack()}
    token = sign_token(request.secrets, POSTED, content, request.now, LIFETIME)
    return redirect("/authorize?" + urlencode({"posted": token}))


def read_posted(request: Request, token: str) -> tuple[AuthorizationRequest, Client]:
    """The request in a token of `redirect_to_get`, with the time of arrival set to now.

    Raises `InvalidRequest` or `Expired`.
    """
    content = read_token(request.secrets, POSTED, token, request.now)
    posted = AuthorizationRequest.unpack(content["request"])
    pending = replace(posted, arrived_at=request.now)
    return pending, require_client_of_request(request, pending)


def _may_answer(http: HttpRequest, form: Mapping[str, str]) -> bool:
    """Whether the transaction may write: a code is issued only to a browser with a session."""
    site: Site = http.app.state.site
    return http.method != "POST" and cookie_name(site.settings, SESSION) in http.cookies


routes = [
    protocol_route(
        "/authorize", authorize, methods=["GET", "POST"], writes=_may_answer, answers="page"
    )
]
