"""Pages for a person without a session: tokens bound to one browser, and the person they name."""

from datetime import timedelta
from typing import Any

from authn.errors import N_, Forbidden
from authn.people.tables import Person
from authn.secrets import read_token, sign_token
from authn.web.request import Request


def page_token(request: Request, purpose: str, content: dict[str, Any], lifetime: timedelta) -> str:
    """A signed token for the address of a page, valid in the request's browser alone."""
    bound = {**content, "browser": request.browser_hash}
    return sign_token(request.secrets, purpose, bound, request.now, lifetime)


def read_page_token(request: Request, purpose: str, token: str) -> dict[str, Any]:
    """The content of a page token; raises `Forbidden` in another browser, else as `read_token`."""
    content = read_token(request.secrets, purpose, token, request.now)
    if content["browser"] != request.browser_hash:
        raise Forbidden(
            "other_browser", N_("This was started in another browser. Please go on in that one.")
        )
    return content


def short_name(person: Person) -> str:
    """A name short enough that only its bearer recognises it: `An D.`"""
    initial = f"{person.family_name[:1]}." if person.family_name else ""
    return f"{person.given_name} {initial}".strip()
