"""/authorize: the door of the code flow, in two phases.

Phase 1 finds the client and its `redirect_uri`: a failure is a page, and never a redirect (RFC 6749
§4.1.2.1). Phase 2 is everything else: a failure is an error on the verified `redirect_uri`. What
passes both goes into the hallway.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from starlette.requests import Request as HttpRequest
from starlette.responses import Response

from authn.clients.clients import Client, find_client
from authn.errors import N_, InvalidRequest
from authn.keys.signing_keys import current_keys
from authn.login.hallway import proceed
from authn.login.response import authorization_response
from authn.oidc.authorization_checks import (
    NOT_SUPPORTED,
    PARAMETERS,
    AuthorizationError,
    checked_request,
    error_mode,
)
from authn.oidc.id_token import Hint, read_hint
from authn.sessions.cookie import current_session
from authn.sessions.sessions import touch
from authn.web.cookies import SESSION, cookie_name
from authn.web.request import Request, redirect
from authn.web.routing import protocol_route
from authn.web.site import Site


@dataclass(frozen=True, slots=True)
class Target:
    """Where an error of phase 2 goes, and how."""

    redirect_uri: str
    response_mode: str
    state: str


def authorize(request: Request) -> Response:
    """A page, or the answer to the client where nothing is left to ask."""
    if request.method == "POST":
        return as_get(request.form)
    # RFC 6749 §3.1: a parameter without a value is as one that was left out.
    parameters = {name: value for name, value in request.query.items() if value}
    client = requesting_client(request, parameters)
    target = Target(
        parameters["redirect_uri"],
        error_mode(parameters),
        parameters.get("state", ""),
    )
    try:
        hint = _hint(request, parameters)
        pending = checked_request(parameters, client, hint, request.now)
    except AuthorizationError as refusal:
        error = {"error": refusal.error, "error_description": refusal.description}
        return authorization_response(request, target, error)
    session = current_session(request)
    if session is not None:
        touch(request.connection, session, request.now)
    return proceed(request, pending, client, session)


def as_get(form: Mapping[str, str]) -> Response:
    """The same request by GET: a POST from another site comes without our cookies (Lax).

    Only what is read goes into the address. Of what isn't supported the name alone does.
    """
    parameters = {name: form[name] for name in PARAMETERS if form.get(name)}
    parameters |= {name: "-" for name in NOT_SUPPORTED if form.get(name)}
    return redirect("/authorize?" + urlencode(parameters))


def requesting_client(request: Request, parameters: Mapping[str, str]) -> Client:
    """The client, whose `redirect_uri` is one that it registered; raises `InvalidRequest`."""
    client = find_client(request.connection, parameters.get("client_id", ""))
    if client is None:
        raise InvalidRequest(
            "invalid_client", N_("The application that sent you here is not registered with us.")
        )
    if not client.check_redirect_uri(parameters.get("redirect_uri", "")):
        raise InvalidRequest(
            "invalid_redirect_uri",
            N_("The application wants you sent back to an address that it has not registered."),
            detail=f"client {client.client_id}",
        )
    return client


def _hint(request: Request, parameters: Mapping[str, str]) -> Hint | None:
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
