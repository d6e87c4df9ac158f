"""The address for another browser when a sign-in began in a window that can't use keys.

An app's embedded web view can't make or use keys, and what waits there is bound to its cookies. So
another browser begins anew: at the authorization request itself where an app waits for the answer
(RFC 8252 §8.12: it should have used the browser), and at the application's own start where its
answer would come without the cookies that the application left in the window. A code that another
screen shows is typed again.
"""

from urllib.parse import urlencode, urlsplit

from authn.clients.clients import Client
from authn.grants.authorization_request import DEVICE, NO_GRANT_DETAILS, AuthorizationRequest
from authn.settings import Settings

# The parameters that are repeated as they are stored; a request with others is not repeated.
REPEATED_PARAMETERS = (
    "client_id",
    "redirect_uri",
    "scope",
    "state",
    "nonce",
    "code_challenge",
    "response_mode",
    "max_age",
    "ui_locales",
    "dpop_jkt",
    "profile",
)


def address_for_another_browser(
    settings: Settings, pending: AuthorizationRequest, client: Client
) -> str | None:
    """The address that another browser is to open; None if none would work.

    A request for one certain person is not made again: without its `id_token_hint` it would be for
    anyone; nor one of a client that must push or sign its requests: as plain parameters it is
    refused.
    """
    if pending.response_mode == DEVICE:
        return f"{settings.issuer}/device"
    redirect_uri = urlsplit(pending.redirect_uri)
    if client.application_type == "web":
        return f"{redirect_uri.scheme}://{redirect_uri.netloc}/"
    if client.must_push or client.metadata.require_signed_request_object:
        return None
    if pending.subject_hint or pending.essential_acr or pending.grant_details != NO_GRANT_DETAILS:
        return None
    return f"{settings.issuer}/authorize?{urlencode(request_parameters(pending))}"


def request_parameters(pending: AuthorizationRequest) -> dict[str, str]:
    """The authorization request as the client sent it (OpenID Connect Core §3.1.2.1)."""
    sent = {name: getattr(pending, name) for name in REPEATED_PARAMETERS}
    sent["response_type"] = "code"
    sent["prompt"] = " ".join(pending.prompt)
    sent["acr_values"] = " ".join(pending.acr_values)
    if pending.code_challenge:
        sent["code_challenge_method"] = "S256"
    return {name: str(value) for name, value in sent.items() if value not in ("", None)}
