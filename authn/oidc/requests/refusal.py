"""How an authorization request is refused: an error on the `redirect_uri`, or a page.

RFC 6749 §4.1.2.1 (https://www.rfc-editor.org/rfc/rfc6749#section-4.1.2.1), OpenID Connect Core 1.0
§3.1.2.6, OAuth 2.0 Multiple Response Type Encoding Practices for `response_mode`.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from starlette.responses import Response

from authn.clients.clients import (
    Client,
)
from authn.errors import N_, InvalidRequest, Refusal
from authn.grants.authorization_request import (
    RESPONSE_MODES,
    ResponseMode,
    registered_response_modes,
)
from authn.login.response import authorization_response
from authn.web.request import Request

Parameters = Mapping[str, str]


class AuthorizationError(Refusal):
    """An error that goes to the client; `description` is for the client's developer, in ASCII."""


@dataclass(frozen=True, slots=True)
class ResponseTarget:
    """The address to which an error response goes, in which response mode, with which `state`."""

    redirect_uri: str
    response_mode: str
    state: str


def verify_redirect_uri(client: Client, redirect_uri: str) -> None:
    """Raises `InvalidRequest` unless the client registered the address."""
    if not client.check_redirect_uri(redirect_uri):
        raise InvalidRequest(
            "invalid_redirect_uri",
            N_("The application wants you sent back to an address that it has not registered."),
            detail=f"client {client.client_id}",
        )


def refusal_response(
    request: Request, client: Client, parameters: Parameters, refusal: AuthorizationError
) -> Response:
    """The error response on a registered `redirect_uri`; raises `InvalidRequest`, a page, without.

    Where a request object could not be verified, `parameters` are those beside the object.
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


def error_mode(parameters: Parameters, client: Client) -> ResponseMode:
    """The response mode of an error: as asked, else one with the query."""
    try:
        return response_mode(parameters, client)
    except AuthorizationError:
        return next(
            (mode for mode in registered_response_modes(client) if mode.startswith("query")),
            "query",
        )


def response_mode(parameters: Parameters, client: Client) -> ResponseMode:
    """The response mode: one of the client's, and a form only where the address is of the Web."""
    mode = RESPONSE_MODES.get(parameters.get("response_mode", "query"))
    if mode is None:
        raise AuthorizationError("invalid_request", "The response_mode is not supported.")
    registered = registered_response_modes(client)
    if registered and mode not in registered:  # FAPI 2.0 Message Signing §5.3.3, §5.4.1
        raise AuthorizationError("invalid_request", "The response_mode is not one of the client's.")
    web = parameters["redirect_uri"].startswith(("https://", "http://"))
    if mode.startswith("form_post") and not web:
        raise AuthorizationError("invalid_request", "form_post needs an https redirect_uri.")
    return mode
