"""The source of a capacity is away: nothing is decided, nothing is spent, and citizens go on.

Decisions 4.20: no token for that profile (503, the grant kept), introspection inactive. One service
has the embedded twins; the other, on the same database, a real source of mandates that is down.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from httpx2 import Response
from sqlalchemy import select
from starlette.testclient import TestClient

from authn.app import create_app
from authn.clients.clients import DEVICE_CODE
from authn.db.transaction import reading
from authn.grants.tables import grants, refresh_tokens
from authn.profiles.profiles import public_id
from authn.settings import Settings
from authn.sources.answers import NOT_AGAIN_BEFORE
from authn.web.site import Site
from tests.capacities import EVERY_KIND
from tests.citizen import ORIGIN
from tests.conftest import MovableClock
from tests.oidc.acting import CAPACITIES, Acting
from tests.oidc.client_keys import ClientKey
from tests.oidc.dpop_proofs import DpopKey
from tests.oidc.relying_party import RelyingParty, register, segment
from tests.oidc.resource_servers import API, ResourceServer
from tests.oidc.test_profile_switch_by_exchange import switching
from tests.oidc.test_profiles_at_every_use import (
    REFRESHED,
    allowed_screen,
    api,
    assertion,
    back_end,
    error,
    hanne,
    partner,
    refreshed,
    television,
)
from tests.oidc.test_rfc7523_jwt_bearer import present
from tests.oidc.test_rfc8693_token_exchange import exchange

pytestmark = pytest.mark.thorough

__all__ = ["api", "back_end", "hanne", "partner", "television"]

FRESH, STALE = timedelta(minutes=1), timedelta(minutes=2)


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """A mandate's answer is used for less than a token lives."""
    return settings.model_copy(update={"mandates_fresh": FRESH, "mandates_stale": STALE})


@pytest.fixture
def away(
    settings: Settings, clock: MovableClock, tmp_path: Path, hanne: Acting
) -> Iterator[TestClient]:
    """The service whose source of mandates does not answer."""
    key = tmp_path / "sources.jwk"
    key.write_bytes(orjson.dumps(ClientKey("ES256").key.as_dict(private=True)))
    changed: dict[str, Any] = {
        "mandates_url": "http://localhost:9/mandates",
        "sources_token_url": "http://localhost:9/token",
        "sources_client_id": "authn",
        "sources_key": key,
        "sources_seconds": 0.2,
    }
    app = create_app(settings.model_copy(update=changed), clock=clock)
    with TestClient(app, base_url=ORIGIN, follow_redirects=False) as browser:
        yield browser
    app.state.site.database.close()


def later(clock: MovableClock) -> None:
    """So long after the last answer that it may not be used any more."""
    clock.advance(seconds=STALE.total_seconds())


def back(clock: MovableClock) -> None:
    """So long after it failed that the source may be asked again."""
    clock.advance(seconds=NOT_AGAIN_BEFORE.total_seconds())


def of(rp: RelyingParty, browser: TestClient) -> RelyingParty:
    """The same client, at the other service."""
    return replace(rp, browser=browser)


def unavailable(answer: Response) -> None:
    assert error(answer, 503) == "temporarily_unavailable"
    assert int(answer.headers["retry-after"]) >= 30
    assert "cannot be asked" in answer.json()["error_description"]


def rows(site: Site) -> list[Any]:
    """All that could be spent or revoked."""
    with reading(site.database) as connection:
        kept = [connection.execute(select(table)).all() for table in (grants, refresh_tokens)]
    return sorted((tuple(row) for table in kept for row in table), key=repr)


def test_within_its_stale_limit_its_last_answer_counts(
    hanne: Acting, away: TestClient, clock: MovableClock
) -> None:
    clock.advance(seconds=(FRESH + timedelta(seconds=30)).total_seconds())
    assert hanne.rp.redeem(hanne.code("mandate"), away).status_code == 200


def test_beyond_it_a_code_gets_nothing_and_is_not_spent(
    site: Site, hanne: Acting, away: TestClient, clock: MovableClock
) -> None:
    later(clock)
    code = hanne.code("mandate")
    before = rows(site)
    unavailable(hanne.rp.redeem(code, away))
    unavailable(hanne.rp.redeem(code, away))
    assert rows(site) == before
    back(clock)
    assert hanne.rp.redeem(code).status_code == 200


def test_nor_is_a_refresh_token(
    site: Site, hanne: Acting, away: TestClient, clock: MovableClock
) -> None:
    token = hanne.tokens("mandate", scope=REFRESHED)["refresh_token"]
    later(clock)
    before = rows(site)
    unavailable(refreshed(hanne, token, away))
    assert rows(site) == before
    back(clock)
    assert refreshed(hanne, token).status_code == 200


def test_nor_is_one_that_would_be_replaced(
    site: Site, client: TestClient, hanne: Acting, away: TestClient, clock: MovableClock
) -> None:
    rp = register(
        site,
        client,
        client_id="app",
        token_endpoint_auth_method="none",
        scope=REFRESHED,
        metadata=hanne.rp.client.metadata,
        profile_kinds=EVERY_KIND,
    )
    theirs = replace(hanne, rp=rp)
    token = theirs.tokens("mandate", scope="openid profile offline_access")["refresh_token"]
    later(clock)
    before = rows(site)
    unavailable(refreshed(theirs, token, away))
    assert rows(site) == before
    back(clock)
    assert refreshed(theirs, token).status_code == 200


def test_nor_is_the_proof_that_came_with_it(
    hanne: Acting, away: TestClient, clock: MovableClock
) -> None:
    later(clock)
    code, proof = hanne.code("mandate"), DpopKey().proof("POST", f"{ORIGIN}/token", clock())
    away.headers["DPoP"] = hanne.rp.browser.headers["DPoP"] = proof
    unavailable(hanne.rp.redeem(code, away))
    back(clock)
    assert hanne.rp.redeem(code).json()["token_type"] == "DPoP"


def test_nor_is_a_device_code(
    hanne: Acting, television: Any, away: TestClient, clock: MovableClock
) -> None:
    later(clock)
    code = allowed_screen(hanne, television, "mandate")
    poll = {"grant_type": DEVICE_CODE, "device_code": code, "client_id": "television"}
    unavailable(away.post("/token", data=poll))
    back(clock)
    assert television.poll(code).status_code == 200


def test_nor_is_an_assertion(
    site: Site, hanne: Acting, partner: RelyingParty, away: TestClient, clock: MovableClock
) -> None:
    tokens = hanne.tokens("mandate", scope="openid letters", resource=(API,))
    later(clock)
    presented = assertion(site, segment(tokens["id_token"], 1)["sub"], "an-assertion-of-now")
    unavailable(present(of(partner, away), presented))
    back(clock)
    assert present(partner, presented).status_code == 200


def test_an_exchange_gets_nothing(
    site: Site, hanne: Acting, back_end: RelyingParty, away: TestClient, clock: MovableClock
) -> None:
    token = hanne.tokens("mandate", scope="letters", resource=(API,))["access_token"]
    later(clock)
    unavailable(exchange(of(back_end, away), token))
    back(clock)
    assert exchange(back_end, token).status_code == 200


def test_a_switch_to_what_nobody_can_check_gets_nothing(
    site: Site, hanne: Acting, away: TestClient, clock: MovableClock
) -> None:
    rp = switching(site, hanne)
    token = hanne.tokens(scope="letters", resource=(API,))["access_token"]
    wanted = public_id(hanne.profiles["mandate"].consent_id, "api.example")
    later(clock)
    unavailable(exchange(of(rp, away), token, requested_subject=wanted))
    back(clock)
    assert exchange(rp, token, requested_subject=wanted).status_code == 200


def test_a_resource_is_told_that_the_token_is_inactive(
    hanne: Acting, api: ResourceServer, away: TestClient, clock: MovableClock
) -> None:
    token = hanne.tokens("mandate", scope="letters", resource=(API,))["access_token"]
    later(clock)
    there = replace(api, client=of(api.client, away))
    assert there.learns(token) == {"active": False}
    back(clock)
    assert api.learns(token)["active"] is True


def test_userinfo_says_to_come_again(hanne: Acting, away: TestClient, clock: MovableClock) -> None:
    token = hanne.tokens("mandate")["access_token"]
    later(clock)
    unavailable(of(hanne.rp, away).userinfo(token))
    back(clock)
    assert hanne.rp.userinfo(token).status_code == 200


@pytest.mark.parametrize("word", [word for word in CAPACITIES if "mandate" not in word])
def test_whoever_acts_otherwise_goes_on(
    hanne: Acting, api: ResourceServer, away: TestClient, clock: MovableClock, word: str
) -> None:
    later(clock)
    tokens = hanne.rp.redeem(hanne.code(word, scope=REFRESHED), away).json()
    there = of(hanne.rp, away)
    assert there.userinfo(tokens["access_token"]).status_code == 200
    assert refreshed(hanne, tokens["refresh_token"], away).status_code == 200
    code = hanne.code(word, scope="letters", resource=(API,))
    token = hanne.rp.redeem(code, away).json()["access_token"]
    assert replace(api, client=of(api.client, away)).learns(token)["active"] is True
