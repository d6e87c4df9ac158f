"""Pages that only the browser may see which got there: by a signed token that names it."""

from datetime import timedelta
from typing import Any

from authn.errors import N_, Forbidden
from authn.people.tables import Person
from authn.secrets import read_token, sign_token
from authn.web.request import Request


def page_token(request: Request, purpose: str, content: dict[str, Any], lifetime: timedelta) -> str:
    """A token for the address of a page, worth something in this browser alone."""
    bound = {**content, "browser": request.browser_hash}
    return sign_token(request.secrets, purpose, bound, request.now, lifetime)


def read_page_token(request: Request, purpose: str, token: str) -> dict[str, Any]:
    """What `page_token` was given; raises `Forbidden` in another browser, else as `read_token`."""
    content = read_token(request.secrets, purpose, token, request.now)
    if content["browser"] != request.browser_hash:
        raise Forbidden(
            "other_browser", N_("This was started in another browser. Please go on in that one.")
        )
    return content


def short_name(person: Person) -> str:
    """Enough to recognise one's own name, no more: `An D.`"""
    initial = f"{person.family_name[:1]}." if person.family_name else ""
    return f"{person.given_name} {initial}".strip()
