"""Withdrawing an application ends its consents and its grants, not the session (decisions 7)."""

from concurrent.futures import ThreadPoolExecutor, wait
from uuid import UUID

import pytest
from sqlalchemy import select
from starlette.testclient import TestClient

from authn.clients.client_metadata import ClientMetadata
from authn.consents.consents import find_answers, withdraw_consents
from authn.db.transaction import reading, writing
from authn.grants.authorization_request import AuthorizationRequest
from authn.grants.codes import issue_code
from authn.grants.tables import grants
from authn.keys.signing_keys import ensure_signing_keys
from authn.profiles.profile import NO_PROFILE
from authn.web.site import Site
from tests.capacities import allowed_to
from tests.citizen import KARIM
from tests.occasion import job
from tests.oidc.relying_party import Holder, RelyingParty, hold_device, register

OFFLINE = ClientMetadata(grant_types=("authorization_code", "refresh_token"))
PHARMACY = "https://pharmacy.example/cb"


@pytest.fixture(autouse=True)
def _signing_keys(site: Site) -> None:
    ensure_signing_keys(site.database, site.secrets, site.clock())


@pytest.fixture
def holder(site: Site, client: TestClient) -> Holder:
    return hold_device(site, client)


@pytest.fixture
def rp(site: Site, client: TestClient, holder: Holder) -> RelyingParty:
    scope = "openid profile offline_access"
    rp = register(site, client, client_id="hospital", scope=scope, metadata=OFFLINE)
    return rp.allowed_by(holder, scope)


def withdraw(site: Site, person_id: UUID, client_id: str = "hospital") -> int:
    with writing(site.database) as connection:
        return withdraw_consents(job(site, connection), person_id, client_id)


def test_tokens_are_dead_offline_too(site: Site, rp: RelyingParty, holder: Holder) -> None:
    online = rp.tokens()["access_token"]
    offline = rp.tokens(scope="openid offline_access")["access_token"]
    assert withdraw(site, holder.person.id) == 2
    for token in (online, offline):
        assert rp.userinfo(token).status_code == 401


def test_a_code_that_waits_is_worth_nothing(site: Site, rp: RelyingParty, holder: Holder) -> None:
    code = rp.code()
    withdraw(site, holder.person.id)
    assert rp.redeem(code).json()["error"] == "invalid_grant"


def test_everything_is_asked_anew_and_the_session_goes_on(
    site: Site, rp: RelyingParty, holder: Holder
) -> None:
    rp.code()
    withdraw(site, holder.person.id)
    assert rp.answer(prompt="none")["error"] == "consent_required"
    assert "code" in rp.allowed_by(holder).answer(prompt="none")


def test_other_applications_and_other_persons_keep_theirs(
    site: Site, rp: RelyingParty, holder: Holder, client: TestClient
) -> None:
    other = register(site, client, client_id="pharmacy", redirect_uris=[PHARMACY])
    kept = [other.allowed_by(holder).tokens()["access_token"]]
    rp.code()
    karim = hold_device(site, client, KARIM)
    kept.append(rp.allowed_by(karim).tokens()["access_token"])
    assert withdraw(site, holder.person.id) == 1
    assert [other.userinfo(token).status_code for token in kept] == [200, 200]
    assert allowed_to(site, karim.person.id, "hospital") == {"openid", "profile"}
    assert allowed_to(site, holder.person.id, "pharmacy") == {"openid", "profile"}


def test_nothing_to_withdraw_is_no_error(site: Site, rp: RelyingParty, holder: Holder) -> None:
    assert withdraw(site, holder.person.id) == 0
    assert withdraw(site, holder.person.id) == 0


def test_what_is_given_at_the_same_moment_ends_too(
    site: Site, rp: RelyingParty, holder: Holder
) -> None:
    """An answer that has read the consents is before the withdrawal, and the grant ends with it."""
    pending = request_of(site, rp)
    with ThreadPoolExecutor(1) as pool:
        with writing(site.database) as connection:
            of = (holder.person.id, rp.client.client_id, NO_PROFILE)
            assert find_answers(connection, *of, site.clock())
            withdrawal = pool.submit(withdraw, site, holder.person.id)
            wait([withdrawal], timeout=0.3)
            assert not withdrawal.done()
            issue_code(connection, pending, rp.client, holder.session, site.clock())
        assert withdrawal.result(timeout=5) == 1
    with reading(site.database) as connection:
        alive = select(grants.c.id).where(grants.c.revoked_at.is_(None))
        assert connection.execute(alive).all() == []


def request_of(site: Site, rp: RelyingParty) -> AuthorizationRequest:
    """A request that was checked, and waits."""
    return AuthorizationRequest(
        request_id="request",
        client_id=rp.client.client_id,
        redirect_uri=rp.redirect_uri,
        scope="openid profile",
        state="",
        nonce="",
        code_challenge="",
        response_mode="query",
        prompt=(),
        max_age=None,
        ui_locales="",
        subject_hint="",
        arrived_at=site.clock(),
    )
