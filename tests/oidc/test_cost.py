"""What a code flow costs in statements and commits (zitadel#10260, #8479: measured, not hoped)."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import Engine, event
from starlette.testclient import TestClient

from authn.clients.client_metadata import ClientMetadata
from authn.web.cookies import SESSION, cookie_name
from authn.web.site import Site
from tests.citizen import ORIGIN, enrolled
from tests.oidc.apis import PRESCRIPTIONS
from tests.oidc.client_keys import ClientKey, asserted, assertion
from tests.oidc.dpop_proofs import DpopKey
from tests.oidc.pushing import bring, pushed
from tests.oidc.refreshing import OFFLINE, PUBLIC_CLIENT, REFRESHING, refresh
from tests.oidc.relying_party import Holder, RelyingParty, basic
from tests.oidc.resource_servers import API, SCOPE, application, resource_server
from tests.oidc.systems import ORGANISATION, add_resource

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
    # Client, session, consent; grant with the `sub` that the client knows, code, audit.
    assert len(seen) - seen.count("COMMIT") == 6, seen
    assert seen.count("COMMIT") == 1


def test_the_first_code_for_a_sector_costs_its_sub(
    site: Site, rp: RelyingParty, holder: Holder
) -> None:
    rp.allowed_by(holder)
    with counted(site) as seen:
        rp.code()
    # As above; nobody of the sector knew the person: asked, made, asked; the grant once more.
    assert len(seen) - seen.count("COMMIT") == 6 + 4, seen
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
    # client, device; challenge, device, installation, session, audit; grant, code, audit.
    # What policy looks at comes with the device, and the metadata is in memory.
    assert len(seen) - seen.count("COMMIT") == 10, seen
    assert seen.count("COMMIT") == 1


def test_a_pushed_request_and_the_browser_that_brings_it(site: Site, warm_rp: RelyingParty) -> None:
    with counted(site) as seen:
        request_uri = pushed(warm_rp)
    assert len(seen) - seen.count("COMMIT") == 2, seen  # client; the request
    assert seen.count("COMMIT") == 1
    with counted(site) as plainly:
        warm_rp.code()
    with counted(site) as seen:
        assert bring(warm_rp, request_uri).status_code == 303
    assert len(seen) == len(plainly) + 1, seen
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


@pytest.mark.parametrize(
    ("kind", "most", "commits"),
    [
        # client; token with its grant: it stays, so that nothing is written
        ({"scope": OFFLINE, "metadata": REFRESHING}, 2, 0),
        (PUBLIC_CLIENT, 4, 1),  # and the token that is replaced, and the one that replaces it
    ],
    ids=["confidential", "public"],
)
def test_refresh(
    site: Site, make_rp: MakeRP, holder: Holder, kind: dict[str, Any], most: int, commits: int
) -> None:
    rp = make_rp(**kind).allowed_by(holder, OFFLINE)
    token = rp.tokens()["refresh_token"]
    with counted(site) as seen:
        assert refresh(rp, token).status_code == 200
    assert len(seen) - seen.count("COMMIT") == most, seen
    assert seen.count("COMMIT") == commits


def test_introspection(
    site: Site, client: TestClient, backchannel: TestClient, holder: Holder
) -> None:
    api = resource_server(site, backchannel)
    rp = application(site, client).allowed_by(holder, SCOPE)
    token = rp.tokens(scope=SCOPE, resource=API)["access_token"]
    with counted(site) as seen:
        assert api.learns(token)["active"]
    assert len(seen) == 2, seen  # client; grant and resource; and nothing is committed


@pytest.mark.parametrize(
    ("kind", "most"),
    [
        ("access_token", 2),  # client; the token
        # Client, grant; its end, which resources hear of it, and the record.
        ("refresh_token", 5),
    ],
)
def test_revocation(site: Site, make_rp: MakeRP, holder: Holder, kind: str, most: int) -> None:
    rp = make_rp(client_id="hospital", metadata=REFRESHING).allowed_by(holder)
    token = rp.tokens()[kind]
    headers = {"Authorization": basic("hospital", rp.client_secret)}
    with counted(site) as seen:
        rp.browser.post("/revoke", data={"token": token}, headers=headers)
    assert len(seen) - seen.count("COMMIT") == most, seen
    assert seen.count("COMMIT") == 1


@pytest.mark.parametrize(
    ("method", "most", "commits"),
    [
        ("client_secret_basic", 2, 0),  # client, resource: it is written nowhere
        ("private_key_jwt", 3, 1),  # and the assertion, which is spent
    ],
)
def test_a_systems_token(
    site: Site, make_rp: MakeRP, backchannel: TestClient, method: str, most: int, commits: int
) -> None:
    key = ClientKey.shared("ES256")
    add_resource(site)
    system = make_rp(
        client_id="batch",
        redirect_uris=[],
        token_endpoint_auth_method=method,
        scope="prescriptions:read",
        organisation=ORGANISATION,
        resources=[PRESCRIPTIONS],
        metadata=ClientMetadata(grant_types=("client_credentials",), jwks=key.jwks),
    )

    def obtained() -> int:
        form, headers = {"grant_type": "client_credentials"}, {}
        if method == "private_key_jwt":
            form |= asserted(assertion("batch", ORIGIN, key, site.clock()))
        else:
            headers["Authorization"] = basic("batch", system.client_secret)
        return backchannel.post("/token", data=form, headers=headers).status_code

    assert obtained() == 200  # keys are read
    with counted(site) as seen:
        assert obtained() == 200
    assert len(seen) - seen.count("COMMIT") == most, seen
    assert seen.count("COMMIT") == commits


def test_what_is_seldom_written_is_read_twice(
    site: Site, client: TestClient, backchannel: TestClient, holder: Holder
) -> None:
    """Nothing that is unverified says beforehand whether a number is to be released."""
    api = resource_server(site, backchannel, may_read_ssin=True)
    rp = application(site, client, scope=f"{SCOPE} ssin", may_read_ssin=True)
    rp.allowed_by(holder, f"{SCOPE} ssin")
    token = rp.tokens(scope=f"{SCOPE} ssin", resource=API)["access_token"]
    with counted(site) as seen:
        assert api.learns(token)["ssin"]
    # Client, grant and resource; the same again; the record, and the number.
    assert len(seen) - seen.count("COMMIT") == 6, seen
    assert seen.count("COMMIT") == 1


def test_a_proof_costs_one_statement_more(
    site: Site, warm_rp: RelyingParty, backchannel: TestClient
) -> None:
    key, code = DpopKey(), warm_rp.code()
    backchannel.headers["DPoP"] = key.proof("POST", f"{ORIGIN}/token", site.clock())
    with counted(site) as seen:
        answer = warm_rp.redeem(code, backchannel)
    assert len(seen) <= 6, seen
    assert seen.count("COMMIT") == 1
    token = answer.json()["access_token"]
    proof = key.proof("GET", f"{ORIGIN}/userinfo", site.clock(), access_token=token)
    headers = {"Authorization": f"DPoP {token}", "DPoP": proof}
    with counted(site) as seen:
        assert backchannel.get("/userinfo", headers=headers).status_code == 200
    # Grant; the same again, in a transaction that may write; the proof.
    assert len(seen) - seen.count("COMMIT") == 3, seen
    assert seen.count("COMMIT") == 1
