"""Whether a POST comes from a page of ours.

Fetch Metadata and Origin first (https://www.w3.org/TR/fetch-metadata/), then a token that belongs
to this browser's cookie. Scripts of ours send the token in a header.
"""

import hmac

from starlette.datastructures import Headers

from authn.errors import N_, Forbidden
from authn.secrets import Secrets, csrf_token
from authn.settings import Settings

FIELD = "csrf_token"
HEADER = "x-csrf-token"


def is_from_another_site(headers: Headers, settings: Settings) -> bool:
    """Whether the browser says that another site's page sent this POST.

    It then came without our Lax cookies: who looks like a new browser may be an old one, whose
    cookie must not be replaced (decisions 4.16).
    """
    origin = headers.get("origin")
    site = headers.get("sec-fetch-site")
    return (origin is not None and origin != settings.issuer) or site not in (None, "same-origin")


def check_same_origin(headers: Headers, settings: Settings) -> None:
    """Raises `Forbidden` when the browser says that another site sent this."""
    if is_from_another_site(headers, settings):
        raise Forbidden(
            "cross_site",
            N_("This came from another site and was not accepted."),
            detail=headers.get("origin", "")[:200],
        )


def check_token(presented: str, browser: str, secrets: Secrets) -> None:
    """Raises `Forbidden` unless the token belongs to this browser's cookie."""
    expected = csrf_token(secrets, browser)
    if not browser or not hmac.compare_digest(presented.encode(), expected.encode()):
        raise Forbidden(
            "csrf", N_("This page is out of date. Please go back, reload it and try again.")
        )
