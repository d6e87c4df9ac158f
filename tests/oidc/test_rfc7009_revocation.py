"""Token revocation: RFC 7009 (https://www.rfc-editor.org/rfc/rfc7009)."""

from collections.abc import Callable

import pytest
from httpx2 import Response
from sqlalchemy import func, select

from authn.clients.clients import BASIC
from authn.db.transaction import reading
from authn.grants.tables import grants, revoked_tokens
from authn.web.site import Site
from tests.conftest import MovableClock
from tests.oidc.refreshing import (
    OFFLINE,
    PUBLIC_CLIENT,
    REFRESHING,
    error,
    events,
    refresh,
    refreshed,
)
from tests.oidc.relying_party import Holder, RelyingParty, basic

MakeRP = Callable[..., RelyingParty]


@pytest.fixture
def rp(make_rp: MakeRP, holder: Holder) -> RelyingParty:
    """A confidential client with refresh tokens."""
    made = make_rp(client_id="hospital", scope=OFFLINE, metadata=REFRESHING)
    return made.allowed_by(holder, OFFLINE)


@pytest.fixture
def public(make_rp: MakeRP, holder: Holder) -> RelyingParty:
    """A public client with refresh tokens."""
    return make_rp(**PUBLIC_CLIENT).allowed_by(holder, OFFLINE)


def revoke(rp: RelyingParty, token: str | None, **form: str) -> Response:
    """The answer of /revoke to this client."""
    fields = dict(form) if token is None else {"token": token, **form}
    headers = {}
    if rp.client.token_endpoint_auth_method == BASIC:
        headers["Authorization"] = basic(rp.client.client_id, rp.client_secret)
    else:
        fields["client_id"] = rp.client.client_id
    return rp.browser.post("/revoke", data=fields, headers=headers)


def accepted(answer: Response) -> None:
    """§2.2: 200, and the content is not looked at."""
    assert (answer.status_code, answer.content) == (200, b"")


def revoked_grants(site: Site) -> int:
    """How many grants are revoked."""
    with reading(site.database) as connection:
        counting = select(func.count()).where(grants.c.revoked_at.is_not(None))
        count: int = connection.execute(counting).scalar_one()
    return count


@pytest.mark.parametrize("kind", ["rp", "public"])
def test_a_refresh_token_takes_its_grant_and_access_tokens_along(
    request: pytest.FixtureRequest, site: Site, kind: str
) -> None:  # §2.1
    rp: RelyingParty = request.getfixturevalue(kind)
    other = rp.tokens()
    tokens = rp.tokens(scope=OFFLINE)
    accepted(revoke(rp, tokens["refresh_token"]))
    assert error(refresh(rp, tokens["refresh_token"])) == "invalid_grant"
    assert rp.userinfo(tokens["access_token"]).status_code == 401
    assert rp.userinfo(other["access_token"]).status_code == 200
    assert (revoked_grants(site), events(site, "application.grant-given-back")) == (1, 1)
    # §2.2: a client may repeat itself.
    accepted(revoke(rp, tokens["refresh_token"]))
    assert events(site, "application.grant-given-back") == 1


def test_an_access_token_is_revoked_alone(rp: RelyingParty, site: Site) -> None:  # §2.1
    tokens = rp.tokens()
    other = refreshed(rp, tokens["refresh_token"])["access_token"]
    accepted(revoke(rp, tokens["access_token"]))
    assert rp.userinfo(tokens["access_token"]).status_code == 401
    assert rp.userinfo(other).status_code == 200
    assert refresh(rp, tokens["refresh_token"]).status_code == 200
    accepted(revoke(rp, tokens["access_token"]))
    assert revoked_grants(site) == 0


def test_a_token_that_was_replaced_takes_its_family_along(public: RelyingParty) -> None:
    token = public.tokens()["refresh_token"]
    successor = refreshed(public, token)["refresh_token"]
    accepted(revoke(public, token))
    assert error(refresh(public, successor)) == "invalid_grant"


@pytest.mark.parametrize("token", ["nonsense", "a.b.c", "..", "é.", "x" * 40_000, "x." * 10_000])
def test_what_is_no_token_is_accepted(rp: RelyingParty, site: Site, token: str) -> None:  # §2.2
    accepted(revoke(rp, token))
    assert revoked_grants(site) == 0


def test_an_expired_access_token_is_accepted_and_leaves_nothing(
    rp: RelyingParty, site: Site, clock: MovableClock
) -> None:
    token = rp.tokens()["access_token"]
    clock.advance(minutes=5)
    accepted(revoke(rp, token))
    with reading(site.database) as connection:
        assert connection.execute(select(revoked_tokens)).all() == []


def test_an_id_token_is_no_access_token(rp: RelyingParty) -> None:
    tokens = rp.tokens()
    accepted(revoke(rp, tokens["id_token"]))
    assert rp.userinfo(tokens["access_token"]).status_code == 200


@pytest.mark.parametrize("hint", ["access_token", "refresh_token", "nonsense", "é", ""])
@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
def test_a_hint_decides_nothing(rp: RelyingParty, hint: str, kind: str) -> None:  # §2.1, §2.2
    tokens = rp.tokens()
    accepted(revoke(rp, tokens[kind], token_type_hint=hint))
    assert rp.userinfo(tokens["access_token"]).status_code == 401


@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
def test_another_clients_token_is_refused_and_stays(
    rp: RelyingParty, public: RelyingParty, kind: str
) -> None:  # §2.1
    tokens = rp.tokens()
    assert error(revoke(public, tokens[kind])) == "invalid_grant"
    assert rp.userinfo(tokens["access_token"]).status_code == 200
    assert refresh(rp, tokens["refresh_token"]).status_code == 200


def test_a_client_must_authenticate(rp: RelyingParty) -> None:  # §2.1
    token = rp.tokens()["access_token"]
    answer = rp.browser.post("/revoke", data={"token": token, "client_id": "hospital"})
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    rp.client_secret = "another" * 8
    assert revoke(rp, token).status_code == 401
    assert rp.userinfo(token).status_code == 200


@pytest.mark.parametrize("token", [None, ""])
def test_a_request_without_a_token_is_refused(rp: RelyingParty, token: str | None) -> None:  # §2.1
    assert error(revoke(rp, token)) == "invalid_request"


def test_a_token_in_the_query_is_none(rp: RelyingParty) -> None:
    token = rp.tokens()["access_token"]
    headers = {"Authorization": basic(rp.client.client_id, rp.client_secret)}
    answer = rp.browser.post(f"/revoke?token={token}", headers=headers)
    assert error(answer) == "invalid_request"
    assert rp.browser.get(f"/revoke?token={token}", headers=headers).status_code == 405
    assert rp.userinfo(token).status_code == 200


def test_a_script_of_a_public_client_may_call_it(public: RelyingParty) -> None:  # §2.3
    headers = {"Origin": "https://app.example"}
    data = {"token": "x", "client_id": "app"}
    answer = public.browser.post("/revoke", data=data, headers=headers)
    assert answer.headers["access-control-allow-origin"] == "https://app.example"
    headers = {"Origin": "https://evil.example"}
    answer = public.browser.post("/revoke", data=data, headers=headers)
    assert "access-control-allow-origin" not in answer.headers
