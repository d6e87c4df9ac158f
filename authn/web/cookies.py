"""Our cookies: `__Host-`, Secure, HttpOnly, SameSite=Lax; plain names on http://localhost.

Browsers refuse `__Host-` without https, and share cookies between the ports of localhost: there
the names carry the port of the issuer.
"""

import re
from datetime import timedelta
from functools import lru_cache
from typing import Final
from urllib.parse import urlsplit

from starlette.responses import Response

from authn.settings import Settings

BROWSER = "browser"
SESSION = "session"
INSTALLATION = "installation"
DESK = "desk"
LANGUAGE = "language"

# What we give out: random and signed tokens, and names of languages. None of it needs quotes.
_VALUE: Final = re.compile(r"[A-Za-z0-9._-]+")


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
    """Set a cookie; without a lifetime the browser forgets it when it is closed.

    Raises `ValueError` for a value that is none of ours: nobody writes a header with it.
    """
    if not _VALUE.fullmatch(value):
        raise ValueError("not the value of a cookie of ours")
    # RFC 6265 §4.1.1. Starlette's way to it takes ten times as long.
    cookie = f"{cookie_name(settings, name)}={value}{_attributes(settings.secure, lifetime)}"
    response.headers.append("set-cookie", cookie)


@lru_cache
def _attributes(secure: bool, lifetime: timedelta | None) -> str:
    kept = f"; Max-Age={int(lifetime.total_seconds())}" if lifetime else ""
    return f"; HttpOnly{kept}; Path=/; SameSite=lax{'; Secure' if secure else ''}"


def delete_cookie(response: Response, settings: Settings, name: str) -> None:
    """Delete a cookie in the browser."""
    response.delete_cookie(
        cookie_name(settings, name),
        path="/",
        secure=settings.secure,
        httponly=True,
        samesite="lax",
    )
