"""Every failure has a clean answer: a page, a problem (RFC 9457) or an OAuth error."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy.exc import OperationalError
from starlette.applications import Starlette
from starlette.testclient import TestClient

from authn.db import engine as engine_module
from authn.db.transaction import writing
from authn.web import endpoints
from authn.web.request import Request
from authn.web.routing import json_route, page_route, protocol_route
from authn.web.site import Site

REFERENCE = re.compile(r"\b[2-9A-HJ-NP-TV-Z]{10}\b")


@contextmanager
def raising(app: Starlette, error: Exception) -> Iterator[None]:
    """Three routes, one of each kind, whose endpoint raises."""

    def endpoint(request: Request) -> None:
        raise error

    routes = [
        page_route("/raise/page", endpoint),  # type: ignore[arg-type]
        json_route("/raise/problem", endpoint, method="GET"),  # type: ignore[arg-type]
        protocol_route("/raise/oauth", endpoint, methods=["GET"]),  # type: ignore[arg-type]
    ]
    app.router.routes[:0] = routes
    try:
        yield
    finally:
        del app.router.routes[: len(routes)]


def test_a_page_that_does_not_exist_says_so(client: TestClient) -> None:
    answer = client.get("/no/such/page")
    assert answer.status_code == 404
    assert REFERENCE.search(answer.text)


def test_a_page_that_does_not_exist_says_so_in_the_language_of_the_browser(
    client: TestClient,
) -> None:
    for language in ("fr", "en"):
        answer = client.get("/no/such/page", headers={"Accept-Language": f"{language}-BE"})
        assert f'<html lang="{language}"' in answer.text


def test_a_method_that_is_not_allowed_is_405(client: TestClient) -> None:
    assert client.post("/health").status_code in (403, 405)
    assert client.put("/").status_code == 405
    assert client.put("/token").status_code == 405


def test_an_address_is_looked_up_as_it_is(client: TestClient) -> None:
    for path in ("/health/", "/health%0A", "/HEALTH"):
        assert client.get(path).status_code == 404, path
    assert client.head("/health").status_code == 200


@pytest.mark.parametrize("kind", ["page", "problem", "oauth"])
def test_a_crash_tells_nobody_what_happened(app: Starlette, client: TestClient, kind: str) -> None:
    with raising(app, ZeroDivisionError("secret detail")):
        answer = client.get(f"/raise/{kind}")
    assert answer.status_code == 500
    assert "secret detail" not in answer.text and "Traceback" not in answer.text
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("kind", ["page", "problem", "oauth"])
def test_a_database_that_is_gone_is_503_with_retry_after(
    app: Starlette, client: TestClient, kind: str
) -> None:
    gone = OperationalError("SELECT 1", {}, Exception("secret detail"))
    with raising(app, gone):
        answer = client.get(f"/raise/{kind}")
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) > 0
    assert "secret detail" not in answer.text


def test_a_problem_has_the_members_of_rfc_9457(app: Starlette, client: TestClient) -> None:
    with raising(app, ZeroDivisionError()):
        answer = client.get("/raise/problem", headers={"Accept-Language": "fr-BE"})
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == 500
    assert problem["type"].startswith("urn:problem-type:authn:")
    assert REFERENCE.search(problem["instance"])


def test_a_write_lock_that_stays_taken_is_503(
    site: Site, app: Starlette, client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    if site.database.write_lock is None:
        return  # PostgreSQL waits for rows, not for a lock of ours: see the next test
    monkeypatch.setattr(engine_module, "WAIT_SECONDS", 0.05)
    app.router.routes.insert(0, page_route("/write", endpoints.home, writes=True))
    with writing(site.database):
        answer = client.get("/write")
    app.router.routes.pop(0)
    assert answer.status_code == 503
    assert answer.headers["retry-after"]


def test_every_answer_has_the_security_headers(client: TestClient) -> None:
    for path in ("/", "/no/such/page", "/health"):
        headers = client.get(path).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "same-origin"
