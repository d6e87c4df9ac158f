"""Every way in which an authorization request comes in."""

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

from httpx2 import Response

from tests.citizen import ORIGIN
from tests.oidc.client_keys import ClientKey
from tests.oidc.pushing import bring, push
from tests.oidc.relying_party import RelyingParty

KEY = ClientKey.shared("ES256")

Door = Callable[..., Response]


def by_get(rp: RelyingParty, **changes: Any) -> Response:
    return rp.authorize(**changes)


def by_post(rp: RelyingParty, **changes: Any) -> Response:
    return rp.browser.post("/authorize", data=rp.request(**changes))


def inside(rp: RelyingParty, **changes: Any) -> Response:
    """In a request object; what is right stands in the query beside it."""
    return rp.authorize(request=KEY.sign({**rp.request(**changes), "aud": ORIGIN}))


def beside_a_bad_object(rp: RelyingParty, **changes: Any) -> Response:
    """Beside a request object that can't be believed."""
    return rp.authorize(**{**changes, "request": "x"})


def pushed(rp: RelyingParty, **changes: Any) -> Response:
    return push(rp, **changes)


def pushed_inside(rp: RelyingParty, **changes: Any) -> Response:
    """In a request object that is pushed."""
    signed = KEY.sign({**rp.request(**changes), "aud": ORIGIN})
    return push(rp, request=signed)


DOORS: tuple[Door, ...] = (by_get, by_post, inside, beside_a_bad_object, pushed, pushed_inside)


def went_on(rp: RelyingParty, answer: Response) -> dict[str, str]:
    """What the client is told in the end, a page or an error of /par as `error` too."""
    if answer.status_code == 201:
        answer = bring(rp, answer.json()["request_uri"])
    while answer.headers.get("location", "").startswith("/authorize?posted="):
        answer = rp.browser.get(answer.headers["location"])
    if answer.status_code == 400:
        return {"error": "a page or an error of /par"}
    location = answer.headers["location"]
    return {name: each[0] for name, each in parse_qs(urlsplit(location).query).items()}
