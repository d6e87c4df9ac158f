"""What a code flow costs in statements and commits (zitadel#10260, #8479: measured, not hoped)."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import Engine, event
from starlette.testclient import TestClient

from authn.web.cookies import SESSION, cookie_name
from authn.web.site import Site
from tests.citizen import enrolled
from tests.oidc.relying_party import Holder, RelyingParty

MakeRP = Callable[..., RelyingParty]


@contextmanager
def counted(site: Site) -> Iterator[list[str]]:
    """The first words of each statement, and the commits."""
    seen: list[str] = []

    def statement(connection: Any, cursor: Any, sql: str, *rest: Any) -> None:
        if not sql.startswith("BEGIN"):
            seen.append(" ".join(sql.split()[:3]))

    def commit(connection: Any) -> None:
        seen.append("COMMIT")

    database = site.database
    listeners: list[tuple[Engine, str, Any]] = [
        (database.reader, "before_cursor_execute", statement),
        (database.writer, "before_cursor_execute", statement),
        (database.writer, "commit", commit),
    ]
    for engine, name, handler in listeners:
        event.listen(engine, name, handler)
    try:
        yield seen
    finally:
        for engine, name, handler in listeners:
            event.remove(engine, name, handler)


@pytest.fixture
def warm_rp(rp: RelyingParty, holder: Holder) -> RelyingParty:
    """A client that was here before: keys are read, the subject exists."""
    rp.allowed_by(holder).tokens()
    return rp


def test_authorize_with_session_and_consent(site: Site, warm_rp: RelyingParty) -> None:
    with counted(site) as seen:
        warm_rp.code()
    assert len(seen) <= 8, seen
    assert seen.count("COMMIT") == 1


def test_a_login_in_a_browser_that_was_here_before(
    site: Site, client: TestClient, make_rp: MakeRP
) -> None:
    rp = make_rp(policy="synced", first_party=True)
    _, screen = enrolled(site, client)

    def waiting() -> str:
        client.cookies.delete(cookie_name(site.settings, SESSION))
        return parse_qs(urlsplit(rp.authorize().headers["location"]).query)["request"][0]

    screen.sign_in(waiting())
    token = waiting()
    with counted(site) as seen:
        answer = screen.sign_in(token)
    assert "code=" in answer.json()["location"]
    # client, device; challenge, device, installation, session, audit; subject, grant, code, audit.
    # What policy looks at comes with the device, and the metadata is in memory.
    assert len(seen) - seen.count("COMMIT") == 11, seen
    assert seen.count("COMMIT") == 1


def test_token(site: Site, warm_rp: RelyingParty) -> None:
    code = warm_rp.code()
    with counted(site) as seen:
        assert warm_rp.redeem(code).status_code == 200
    assert len(seen) <= 5, seen
    assert seen.count("COMMIT") == 1


def test_userinfo(site: Site, warm_rp: RelyingParty) -> None:
    token = warm_rp.tokens()["access_token"]
    with counted(site) as seen:
        warm_rp.userinfo(token)
    assert len(seen) == 1, seen


def test_who_is_not_signed_in_costs_one_query(site: Site, warm_rp: RelyingParty) -> None:
    warm_rp.browser.cookies.clear()
    with counted(site) as seen:
        warm_rp.authorize()
    assert len(seen) == 1, seen


def test_discovery_and_jwks_cost_none(site: Site, warm_rp: RelyingParty) -> None:
    with counted(site) as seen:
        warm_rp.browser.get("/.well-known/openid-configuration")
        warm_rp.browser.get("/jwks")
    assert seen == []
