"""/authorize: the door of the code flow, in two phases.

Phase 1 finds the client and its `redirect_uri`: a failure is a page, and never a redirect (RFC 6749
§4.1.2.1). Phase 2 is everything else: a failure is an error on the verified `redirect_uri`. What
passes both goes into the hallway; a request that was pushed has passed them before.

Why a POST is checked at once and goes on as a GET with a token: it comes from another site, so
without our cookies (Lax), and what it says may hold a national number, which is never in an address
(decisions 1.5, 4.16).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import urlencode

import orjson
from starlette.requests import Request as HttpRequest
from starlette.responses import Response

from authn.clients.clients import AUTHORIZATION_CODE, FAPI2, Client, find_client
from authn.errors import N_, InvalidRequest
from authn.grants.authorization_request import PUSHED, SIGNED, AuthorizationRequest, CameAs
from authn.grants.pushed_requests import LIFETIME, PREFIX, SEALED, find_pushed_request, open_request
from authn.keys.signing_keys import current_keys
from authn.login.hallway import proceed
from authn.login.response import authorization_response
from authn.login.waiting import client_of
from authn.oidc.authorization_checks import Parameters, checked_request, error_mode
from authn.oidc.authorization_error import AuthorizationError
from authn.oidc.id_token import IdTokenHint, read_hint
from authn.oidc.request_objects import effective_parameters
from authn.secrets import read_token, sign_token
from authn.sessions.cookie import current_session
from authn.sessions.sessions import touch
from authn.web.cookies import SESSION, cookie_name
from authn.web.request import Request, redirect
from authn.web.routing import protocol_route
from authn.web.site import Site

POSTED: Final = "posted-authorization-request"
# Bytes of a checked request as JSON: it is in the addresses of the hallway, which have an end.
LONGEST_REQUEST: Final = 11_000


@dataclass(frozen=True, slots=True)
class ResponseTarget:
    """Where an error of phase 2 goes, and how."""

    redirect_uri: str
    response_mode: str
    state: str


def authorize(request: Request) -> Response:
    """A page, or the answer to the client where nothing is left to ask."""
    is_post = request.method == "POST"
    if "posted" in request.query and "client_id" not in request.query and not is_post:
        return enter(request, *read_posted(request, request.query["posted"]))
    parameters = without_empty(request.form if is_post else request.query)
    client = requesting_client(request, parameters)
    if parameters.get("request_uri", "").startswith(PREFIX):
        pending = pushed_request(request, client, parameters["request_uri"])
    else:
        said: Parameters = parameters
        try:
            refuse_unpushed(client)
            said = effective_parameters(request, client, parameters)
            pending = checked(request, client, said, came_as(client, parameters))
        except AuthorizationError as refusal:
            return refused(request, client, said, refusal)
    return as_get(request, pending) if is_post else enter(request, pending, client)


def enter(request: Request, pending: AuthorizationRequest, client: Client) -> Response:
    """Into the hallway, with whoever is signed in here."""
    session = current_session(request)
    if session is not None:
        touch(request.connection, session, request.now)
    return proceed(request, pending, client, session)


def without_empty(parameters: Parameters) -> dict[str, str]:
    """RFC 6749 §3.1: a parameter without a value is as one that was left out."""
    return {name: value for name, value in parameters.items() if value}


def requesting_client(request: Request, parameters: Parameters) -> Client:
    """The client that the request says it is of; raises `InvalidRequest`."""
    client = find_client(request.connection, parameters.get("client_id", ""))
    if client is None:
        raise InvalidRequest(
            "invalid_client", N_("The application that sent you here is not registered with us.")
        )
    return client


def pushed_request(request: Request, client: Client, request_uri: str) -> AuthorizationRequest:
    """The request that the client pushed (RFC 9126 §4): what else is in the query has no say.

    Raises `InvalidRequest`, a page: of a request that isn't there nothing says where an error goes.
    """
    connection, client_id, now = request.connection, client.client_id, request.now
    if request_uri.startswith(SEALED):
        pending = open_request(connection, request.secrets, request_uri, client_id, now)
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
    """RFC 9126 §5, §6: what didn't come from the client itself is nothing that it asks."""
    if client.must_push:
        raise AuthorizationError("invalid_request", "This client must push its requests to /par.")


def came_as(client: Client, sent: Parameters, *, pushed: bool = False) -> tuple[CameAs, ...]:
    """How a request came, by what was `sent`: what it says may be in a request object there."""
    ways: dict[CameAs, bool] = {
        PUSHED: pushed,
        SIGNED: "request" in sent or "request_uri" in sent,
        FAPI2: client.fapi,
    }
    return tuple(way for way, was in ways.items() if was)


def checked(
    request: Request, client: Client, parameters: Parameters, ways: tuple[CameAs, ...]
) -> AuthorizationRequest:
    """The request once both phases are passed, at /par as well; `ways` is how it came.

    Raises `InvalidRequest` for the `redirect_uri`, `AuthorizationError` for anything else.
    """
    verify_redirect_uri(client, parameters.get("redirect_uri", ""))
    if not client.check_grant_type(AUTHORIZATION_CODE):  # RFC 6749 §4.1.2.1
        raise AuthorizationError("unauthorized_client", "This client has no authorization codes.")
    pending = checked_request(request, parameters, client, _hint(request, parameters))
    pending = replace(pending, came_as=ways)
    if len(orjson.dumps(pending.pack())) > LONGEST_REQUEST:
        raise AuthorizationError("invalid_request", "The request is too long.")
    return pending


def verify_redirect_uri(client: Client, redirect_uri: str) -> None:
    """The address is one that the client registered; raises `InvalidRequest` if not."""
    if not client.check_redirect_uri(redirect_uri):
        raise InvalidRequest(
            "invalid_redirect_uri",
            N_("The application wants you sent back to an address that it has not registered."),
            detail=f"client {client.client_id}",
        )


def refused(
    request: Request, client: Client, parameters: Parameters, refusal: AuthorizationError
) -> Response:
    """The error on the `redirect_uri`, where there is one that the client registered; else a page.

    Of a request object that could not be believed, what was said beside it tells where to go.
    """
    if not client.check_redirect_uri(parameters.get("redirect_uri", "")):
        raise InvalidRequest(
            refusal.error,
            N_("The application sent you here with a request that we cannot accept."),
            detail=f"client {client.client_id}: {refusal.description}",
        )
    mode, state = error_mode(parameters, client), parameters.get("state", "")
    target = ResponseTarget(parameters["redirect_uri"], mode, state)
    error = {"error": refusal.error, "error_description": refusal.description}
    return authorization_response(request, client, target, error)


def as_get(request: Request, pending: AuthorizationRequest) -> Response:
    """The browser comes again, with its cookies this time and the request as it was checked."""
    content = {"request": pending.pack()}
    token = sign_token(request.secrets, POSTED, content, request.now, LIFETIME)
    return redirect("/authorize?" + urlencode({"posted": token}))


def read_posted(request: Request, token: str) -> tuple[AuthorizationRequest, Client]:
    """The request that was posted, as if it arrived now: it may have been kept ready.

    Raises `InvalidRequest` or `Expired`.
    """
    content = read_token(request.secrets, POSTED, token, request.now)
    posted = AuthorizationRequest.unpack(content["request"])
    pending = replace(posted, arrived_at=request.now)
    return pending, client_of(request, pending)


def _hint(request: Request, parameters: Mapping[str, str]) -> IdTokenHint | None:
    if "id_token_hint" not in parameters:
        return None
    keys = current_keys(request.site, request.connection, request.now)
    return read_hint(keys, request.settings, parameters["id_token_hint"])


def _may_answer(http: HttpRequest, form: Mapping[str, str]) -> bool:
    """Only who has a session can be given a code: nobody else makes this a writing transaction."""
    site: Site = http.app.state.site
    return http.method != "POST" and cookie_name(site.settings, SESSION) in http.cookies


routes = [
    protocol_route(
        "/authorize", authorize, methods=["GET", "POST"], writes=_may_answer, answers="page"
    )
]
