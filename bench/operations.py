"""What is measured: one function an operation, as a browser and an application do it."""

import base64
import hashlib
import secrets
from collections.abc import Callable
from urllib.parse import parse_qs, urlencode, urlsplit

from bench.http import Answer, Browser
from bench.service import CLIENT_ID, REDIRECT_URI, SCOPE, Holder, Service

Operation = Callable[[Service, Browser, Holder], None]


def ceremony(service: Service, browser: Browser, holder: Holder) -> None:
    """(a) Options and assertion: the person is signed in."""
    _assert(service, browser, holder, "")


def code_flow(service: Service, browser: Browser, holder: Holder) -> None:
    """(b) With a session and consent: authorize, code, token, userinfo."""
    verifier, path = _authorization_request()
    _exchange(service, browser, _code(browser.get(path).headers["location"]), verifier)


def login(service: Service, browser: Browser, holder: Holder) -> None:
    """(c) The whole login of a browser without session: authorize, options, assertion, token,
    userinfo."""
    for name in [name for name in browser.cookies if name.endswith("session")]:
        del browser.cookies[name]
    verifier, path = _authorization_request()
    waiting = browser.get(path).headers["location"]
    token = parse_qs(urlsplit(waiting).query)["request"][0]
    location = _assert(service, browser, holder, token).json()["location"]
    _exchange(service, browser, _code(location), verifier)


OPERATIONS: dict[str, Operation] = {
    "a  passkey ceremony": ceremony,
    "b  code flow with a session": code_flow,
    "c  whole login": login,
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


def _authorization_request() -> tuple[str, str]:
    verifier = secrets.token_urlsafe(32)
    digest = hashlib.sha256(verifier.encode()).digest()
    parameters = {
        "response_type": "code",
        "client_id": CLIENT_ID,
        "redirect_uri": REDIRECT_URI,
        "scope": SCOPE,
        "state": secrets.token_urlsafe(8),
        "nonce": secrets.token_urlsafe(8),
        "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
        "code_challenge_method": "S256",
    }
    return verifier, "/authorize?" + urlencode(parameters)


def _code(location: str) -> str:
    assert location.startswith(REDIRECT_URI), location
    return parse_qs(urlsplit(location).query)["code"][0]


def _exchange(service: Service, browser: Browser, code: str, verifier: str) -> None:
    tokens = browser.post_as_application(
        "/token",
        {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": REDIRECT_URI,
            "code_verifier": verifier,
            "client_id": CLIENT_ID,
            "client_secret": service.client_secret,
        },
    )
    assert tokens.status == 200, tokens.body
    userinfo = browser.get("/userinfo", bearer=tokens.json()["access_token"])
    assert userinfo.status == 200, userinfo.body
