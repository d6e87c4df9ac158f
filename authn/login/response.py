"""The authorization response: how the browser carries an answer back to the client.

OAuth 2.0 Multiple Response Type Encoding Practices
(https://openid.net/specs/oauth-v2-multiple-response-types-1_0.html) for `query`, OAuth 2.0 Form
Post Response Mode (https://openid.net/specs/oauth-v2-form-post-response-mode-1_0.html), RFC 9207
(https://www.rfc-editor.org/rfc/rfc9207) for `iss`, which is in every answer, errors too.
"""

from collections.abc import Mapping
from typing import Protocol
from urllib.parse import urlencode, urlsplit

from starlette.responses import Response

from authn.web.envelope import content_security_policy
from authn.web.request import Request, page, redirect


class Answerable(Protocol):
    """What must be known of a request to answer it: an `AuthorizationRequest`, or less."""

    @property
    def redirect_uri(self) -> str: ...

    @property
    def response_mode(self) -> str: ...

    @property
    def state(self) -> str: ...


def authorization_response(
    request: Request, pending: Answerable, parameters: Mapping[str, str]
) -> Response:
    """The answer with these parameters (a code or an error) on its way to the client.

    The `redirect_uri` was verified before: nothing else decides where it goes.
    """
    if pending.response_mode == "form_post":
        return _form_post(request, pending, parameters)
    return redirect(authorization_response_location(request, pending, parameters))


def authorization_response_location(
    request: Request, pending: Answerable, parameters: Mapping[str, str]
) -> str:
    """The answer in the query of the `redirect_uri`, for response mode `query` alone."""
    assert pending.response_mode == "query"
    separator = "&" if "?" in pending.redirect_uri else "?"
    answer = _answer(request, pending, parameters)
    return pending.redirect_uri + separator + urlencode(answer)


def _answer(request: Request, pending: Answerable, parameters: Mapping[str, str]) -> dict[str, str]:
    state = {"state": pending.state} if pending.state else {}
    return {**parameters, **state, "iss": request.settings.issuer}


def _form_post(request: Request, pending: Answerable, parameters: Mapping[str, str]) -> Response:
    """A page whose script posts the answer; its policy lets forms go to that origin alone."""
    response = page(
        request,
        "oidc/form_post.html",
        current_path="/",  # never the query of the request
        action=pending.redirect_uri,
        fields=list(_answer(request, pending, parameters).items()),
    )
    target = urlsplit(pending.redirect_uri)
    origin = f"{target.scheme}://{target.netloc}"
    response.headers["Content-Security-Policy"] = content_security_policy(f"'self' {origin}")
    return response
