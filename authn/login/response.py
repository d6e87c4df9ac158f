"""The authorization response: how the browser carries an answer back to the client.

OAuth 2.0 Multiple Response Type Encoding Practices
(https://openid.net/specs/oauth-v2-multiple-response-types-1_0.html) for `query`, OAuth 2.0 Form
Post Response Mode (https://openid.net/specs/oauth-v2-form-post-response-mode-1_0.html), JARM for
either with `.jwt`, RFC 9207 (https://www.rfc-editor.org/rfc/rfc9207) for `iss`, which is in every
answer, errors too.
"""

from collections.abc import Mapping
from typing import Protocol
from urllib.parse import urlencode, urlsplit

from starlette.responses import Response

from authn.clients.clients import Client
from authn.grants.authorization_request import DEVICE, AuthorizationRequest
from authn.login.jarm import response_jwt
from authn.login.pending import pending_token
from authn.web.envelope import content_security_policy
from authn.web.request import Request, page, redirect

# The modes whose answer is an address to go to.
BY_LOCATION = ("query", "query.jwt")


class AnswerableRequest(Protocol):
    """The members of an `AuthorizationRequest` that its answer needs."""

    @property
    def redirect_uri(self) -> str: ...

    @property
    def response_mode(self) -> str: ...

    @property
    def state(self) -> str: ...


def authorization_response(
    request: Request, client: Client, pending: AnswerableRequest, parameters: Mapping[str, str]
) -> Response:
    """The HTTP response that takes a code or an error to the client.

    The `redirect_uri` was verified before: nothing else decides where it goes.
    """
    if isinstance(pending, AuthorizationRequest) and pending.response_mode == DEVICE:
        return _last_page(request, pending, parameters)
    if pending.response_mode not in BY_LOCATION:
        return _form_post(request, client, pending, parameters)
    return redirect(authorization_response_location(request, client, pending, parameters))


def _last_page(
    request: Request, pending: AuthorizationRequest, parameters: Mapping[str, str]
) -> Response:
    """The page where a person ends who typed a code (RFC 8628 §3.3): its device asks us itself."""
    path = "/device/stopped" if "error" in parameters else "/device/allowed"
    return redirect(f"{path}?{urlencode({'request': pending_token(request, pending)})}")


def authorization_response_location(
    request: Request, client: Client, pending: AnswerableRequest, parameters: Mapping[str, str]
) -> str:
    """The `redirect_uri` with the answer in its query, for the modes of `BY_LOCATION`."""
    assert pending.response_mode in BY_LOCATION
    separator = "&" if "?" in pending.redirect_uri else "?"
    answer = _answer(request, client, pending, parameters)
    return pending.redirect_uri + separator + urlencode(answer)


def _answer(
    request: Request, client: Client, pending: AnswerableRequest, parameters: Mapping[str, str]
) -> dict[str, str]:
    state = {"state": pending.state} if pending.state else {}
    if pending.response_mode.endswith(".jwt"):
        return {"response": response_jwt(request, client, {**parameters, **state})}
    return {**parameters, **state, "iss": request.settings.issuer}


def _form_post(
    request: Request, client: Client, pending: AnswerableRequest, parameters: Mapping[str, str]
) -> Response:
    """A page whose script posts the answer; its policy lets forms go to that origin alone."""
    response = page(
        request,
        "oidc/form_post.html",
        current_path="/",  # never the query of the request
        action=pending.redirect_uri,
        fields=list(_answer(request, client, pending, parameters).items()),
    )
    target = urlsplit(pending.redirect_uri)
    origin = f"{target.scheme}://{target.netloc}"
    response.headers["Content-Security-Policy"] = content_security_policy(f"'self' {origin}")
    return response
