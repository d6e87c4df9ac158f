"""Our cookies: `__Host-`, Secure, HttpOnly, SameSite=Lax; plain names on http://localhost.

Browsers refuse `__Host-` without https, and share cookies between the ports of localhost: there
the names carry the port of the issuer.
"""

from datetime import timedelta
from functools import lru_cache
from urllib.parse import urlsplit

from starlette.responses import Response

from authn.settings import Settings

BROWSER = "browser"
SESSION = "session"
INSTALLATION = "installation"
DESK = "desk"
LANGUAGE = "language"


def cookie_name(settings: Settings, name: str) -> str:
    """The name of one of our cookies in this service."""
    return _cookie_name(settings.issuer, name)


@lru_cache
def _cookie_name(issuer: str, name: str) -> str:
    if issuer.startswith("https://"):
        return f"__Host-authn-{name}"
    return f"authn-{urlsplit(issuer).port or 80}-{name}"


def set_cookie(
    response: Response,
    settings: Settings,
    name: str,
    value: str,
    lifetime: timedelta | None = None,
) -> None:
    """The browser gets the cookie; without a lifetime it forgets it when it is closed."""
    response.set_cookie(
        cookie_name(settings, name),
        value,
        max_age=int(lifetime.total_seconds()) if lifetime else None,
        path="/",
        secure=settings.secure,
        httponly=True,
        samesite="lax",
    )


def delete_cookie(response: Response, settings: Settings, name: str) -> None:
    """The browser is told to forget the cookie."""
    response.delete_cookie(
        cookie_name(settings, name),
        path="/",
        secure=settings.secure,
        httponly=True,
        samesite="lax",
    )
