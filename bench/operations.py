"""What is measured: one function an operation, as a browser and an application do it."""

import base64
import hashlib
import secrets
from collections.abc import Callable
from urllib.parse import parse_qs, urlencode, urlsplit

from bench.applications import APPLICATION, REDIRECT_URI, SCOPE
from bench.http import Answer, Browser
from bench.service import Holder, Service

Operation = Callable[[Service, Browser, Holder], None]
# What is prepared once on a connection, and then done again and again.
Begin = Callable[[Service, Browser, Holder], Callable[[], None]]


def ceremony(service: Service, browser: Browser, holder: Holder) -> None:
    """(a) Options and assertion: the person is signed in."""
    _assert(service, browser, holder, "")


def code_flow(service: Service, browser: Browser, holder: Holder) -> None:
    """(b) With a session and consent: authorize, code, token, userinfo."""
    verifier, path = authorization_request()
    _exchange(service, browser, code_of(browser.get(path).headers["location"]), verifier)


def login(service: Service, browser: Browser, holder: Holder) -> None:
    """(c) The whole login of a browser without session: authorize, options, assertion, token,
    userinfo."""
    for name in [name for name in browser.cookies if name.endswith("session")]:
        del browser.cookies[name]
    verifier, path = authorization_request()
    waiting = browser.get(path).headers["location"]
    token = parse_qs(urlsplit(waiting).query)["request"][0]
    location = _assert(service, browser, holder, token).json()["location"]
    _exchange(service, browser, code_of(location), verifier)


def _again(operation: Operation) -> Begin:
    return lambda service, browser, holder: lambda: operation(service, browser, holder)


BY_BROWSER: dict[str, Begin] = {
    "a  passkey ceremony": _again(ceremony),
    "b  code flow with a session": _again(code_flow),
    "c  whole login": _again(login),
}


def _assert(service: Service, browser: Browser, holder: Holder, token: str) -> Answer:
    options = browser.post_json("/login/options", {"request": token}).json()
    credential = holder.authenticator.get(options, f"http://localhost:{service.port}")
    answer = browser.post_json(
        "/login/assertion",
        {"request": token, "ceremony": options["ceremony"], "credential": credential},
    )
    assert answer.status == 200, answer.body
    return answer


def authorization_request(**asked: str) -> tuple[str, str]:
    """A code_verifier, and the address that begins a code flow of the application."""
    verifier = secrets.token_urlsafe(32)
    digest = hashlib.sha256(verifier.encode()).digest()
    parameters = {
        "response_type": "code",
        "client_id": APPLICATION,
        "redirect_uri": REDIRECT_URI,
        "scope": SCOPE,
        "state": secrets.token_urlsafe(8),
        "nonce": secrets.token_urlsafe(8),
        "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
        "code_challenge_method": "S256",
        **asked,
    }
    return verifier, "/authorize?" + urlencode(parameters)


def code_of(location: str) -> str:
    """The code in an answer on the redirect_uri."""
    assert location.startswith(REDIRECT_URI), location
    return parse_qs(urlsplit(location).query)["code"][0]


def redeem(service: Service, browser: Browser, code: str, verifier: str) -> dict[str, str]:
    """The tokens that the application gets for a code."""
    answer = browser.post_as_application(
        "/token",
        {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": REDIRECT_URI,
            "code_verifier": verifier,
            "client_id": APPLICATION,
            "client_secret": service.applications.secret,
        },
    )
    assert answer.status == 200, answer.body
    tokens: dict[str, str] = answer.json()
    return tokens


def _exchange(service: Service, browser: Browser, code: str, verifier: str) -> None:
    tokens = redeem(service, browser, code, verifier)
    userinfo = browser.get("/userinfo", bearer=tokens["access_token"])
    assert userinfo.status == 200, userinfo.body
