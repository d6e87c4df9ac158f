"""An application that registers itself in tests, and what it is told."""

from typing import Any

from httpx2 import Response
from starlette.testclient import TestClient

REDIRECT_URI = "https://app.example/callback"


def post(browser: TestClient, document: Any, token: str = "", path: str = "/register") -> Response:
    """The answer to a registration request, which is made as it is given."""
    return browser.post(path, json=document, headers=bearer(token))


def registered(browser: TestClient, token: str = "", **said: Any) -> dict[str, Any]:
    """What a client that says this, beside a redirect URI, is told."""
    answer = post(browser, {"redirect_uris": [REDIRECT_URI], **said}, token)
    assert answer.status_code == 201, answer.text
    information: dict[str, Any] = answer.json()
    return information


def refused(answer: Response) -> tuple[str, str]:
    """The error and its description; both as RFC 7591 §3.2.2 wants them."""
    assert answer.status_code == 400, answer.text
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    error = answer.json()
    assert error.keys() == {"error", "error_description"}
    assert error["error_description"].isascii()
    return error["error"], error["error_description"]


def bearer(token: str) -> dict[str, str]:
    """The header of RFC 6750 §2.1; none without a token."""
    return {"Authorization": f"Bearer {token}"} if token else {}
