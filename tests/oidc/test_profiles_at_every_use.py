"""A capacity is looked at again whenever a token in it is made or used (decisions 4.20, 7).

RFC 6749 §5.2 for what /token says of one that has ended, RFC 7662 §2.2, RFC 6750 §3.1; RFC 8693
§2.2.2 has its own word.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

import pytest
from httpx2 import Response
from sqlalchemy import select
from starlette.testclient import TestClient

from authn.audit.log import audit_events
from authn.clients.assertion_issuers import register_assertion_issuer
from authn.clients.client_metadata import ClientMetadata
from authn.clients.clients import JWT_BEARER
from authn.db.transaction import reading, writing
from authn.grants.device_codes import allow_device, build_device_request, find_waiting_device_code
from authn.grants.tables import grants
from authn.grants.user_codes import read_user_code
from authn.people.persons import Citizen, refresh_person
from authn.web.site import Site
from tests.capacities import EVERY_KIND, MARIE, child, knows, knows_no, mandate
from tests.citizen import ORIGIN, SSIN
from tests.conftest import MovableClock
from tests.oidc.acting import (
    CAPACITIES,
    Acting,
    acting,
    change_resource,
    is_known,
    profiles_of,
)
from tests.oidc.client_keys import ClientKey
from tests.oidc.other_screens import OtherScreen, other_screen
from tests.oidc.relying_party import Holder, RelyingParty, register, segment
from tests.oidc.resource_servers import API, ResourceServer, application, resource_server
from tests.oidc.test_profiles_in_tokens import may_exchange
from tests.oidc.test_rfc7523_jwt_bearer import issuer_of, present
from tests.oidc.test_rfc8693_token_exchange import EXCHANGES, exchange
from tests.together import at_once

pytestmark = pytest.mark.thorough

ENDS: Final[dict[str, Callable[[Site], None]]] = {
    "quality": lambda site: knows_no(site, SSIN, "qualities"),
    "organisation": lambda site: knows_no(site, SSIN, "memberships"),
    "mandate": lambda site: knows_no(site, SSIN, "mandates"),
    "child": lambda site: knows_no(site, SSIN, "children"),
}
REFRESHED = "openid profile letters offline_access"


@pytest.fixture
def api(site: Site, backchannel: TestClient) -> ResourceServer:
    made = resource_server(site, backchannel)
    change_resource(site, API, reads_profile=True)
    return made


@pytest.fixture
def hanne(site: Site, client: TestClient, holder: Holder, api: ResourceServer) -> Acting:
    return acting(site, application(site, client), holder, SSIN)


@pytest.fixture
def back_end(site: Site, backchannel: TestClient, hanne: Acting) -> RelyingParty:
    made = register(site, backchannel, client_id="back-end", redirect_uris=[], metadata=EXCHANGES)
    may_exchange(site, "back-end", "hospital")
    return made


def refreshed(hanne: Acting, token: str, browser: TestClient | None = None) -> Response:
    """The answer of /token, or that of another service on the same database."""
    return hanne.rp.redeem(None, browser, grant_type="refresh_token", refresh_token=token)


def error(answer: Response, status: int = 400) -> str:
    assert answer.status_code == status, answer.text
    code: str = answer.json()["error"]
    return code


def is_revoked(site: Site) -> bool:
    """Whether any grant is."""
    statement = select(grants.c.id).where(grants.c.revoked_at.is_not(None))
    with reading(site.database) as connection:
        return connection.execute(statement).first() is not None


def events(site: Site) -> list[str]:
    with reading(site.database) as connection:
        statement = select(audit_events.c.event).order_by(audit_events.c.id)
        return list(connection.execute(statement).scalars())


# What ends


@pytest.mark.parametrize("word", ENDS)
def test_a_code_of_a_capacity_that_has_ended(site: Site, hanne: Acting, word: str) -> None:
    code = hanne.code(word)
    ENDS[word](site)
    answer = hanne.rp.redeem(code)
    assert error(answer) == "invalid_grant"
    assert "has ended" in answer.json()["error_description"]
    assert is_revoked(site)
    assert "application.ended-profile" in events(site)
    assert error(hanne.rp.redeem(code)) == "invalid_grant"  # it is spent as well


@pytest.mark.parametrize("word", ENDS)
def test_a_refresh(site: Site, hanne: Acting, word: str) -> None:
    token = hanne.tokens(word, scope=REFRESHED)["refresh_token"]
    assert refreshed(hanne, token).status_code == 200
    ENDS[word](site)
    assert error(refreshed(hanne, token)) == "invalid_grant"
    assert is_revoked(site)
    assert events(site).count("application.ended-profile") == 1
    assert error(refreshed(hanne, token)) == "invalid_grant"
    assert events(site).count("application.ended-profile") == 1


def test_a_refresh_by_a_public_client(
    site: Site, client: TestClient, hanne: Acting, api: ResourceServer
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
    token = refreshed(theirs, token).json()["refresh_token"]
    knows_no(site, SSIN, "mandates")
    assert error(refreshed(theirs, token)) == "invalid_grant"
    assert is_revoked(site)


@pytest.mark.parametrize("word", ENDS)
def test_userinfo(site: Site, hanne: Acting, word: str) -> None:
    token = hanne.tokens(word)["access_token"]
    assert hanne.rp.userinfo(token).status_code == 200
    ENDS[word](site)
    answer = hanne.rp.userinfo(token)
    assert error(answer, 401) == "invalid_token"
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]


@pytest.mark.parametrize("word", ENDS)
def test_introspection(site: Site, hanne: Acting, api: ResourceServer, word: str) -> None:
    token = hanne.tokens(word, scope="letters", resource=(API,))["access_token"]
    assert api.learns(token)["active"] is True
    ENDS[word](site)
    assert api.learns(token) == {"active": False}


@pytest.mark.parametrize("word", ENDS)
def test_an_exchange(
    site: Site, hanne: Acting, back_end: RelyingParty, word: str
) -> None:  # RFC 8693 §2.2.2
    token = hanne.tokens(word, scope="letters", resource=(API,))["access_token"]
    assert exchange(back_end, token).status_code == 200
    ENDS[word](site)
    assert error(exchange(back_end, token)) == "invalid_request"


def test_what_was_exchanged_before(
    site: Site, hanne: Acting, back_end: RelyingParty, api: ResourceServer
) -> None:
    token = hanne.tokens("mandate", scope="letters", resource=(API,))["access_token"]
    given = exchange(back_end, token).json()["access_token"]
    assert api.learns(given)["active"] is True
    knows_no(site, SSIN, "mandates")
    assert api.learns(given) == {"active": False}


@pytest.fixture
def television(site: Site, backchannel: TestClient) -> OtherScreen:
    return other_screen(site, backchannel, profile_kinds=EVERY_KIND)


def allowed_screen(hanne: Acting, television: OtherScreen, word: str) -> str:
    """The device code of a screen that the person allowed in this capacity."""
    codes, site = television.asked(), hanne.site
    with writing(site.database) as connection:
        user_code = read_user_code(codes["user_code"])
        assert user_code
        waiting = find_waiting_device_code(connection, site.secrets, user_code, site.clock())
        assert waiting
        client = television.rp.client
        allow_device(
            connection,
            build_device_request(waiting, client, site.clock()),
            client,
            hanne.holder.session,
            site.clock(),
            profile_id=hanne.profiles[word].id,
        )
    code: str = codes["device_code"]
    return code


@pytest.mark.parametrize("word", CAPACITIES)
def test_a_device_code(
    site: Site, hanne: Acting, television: OtherScreen, clock: MovableClock, word: str
) -> None:
    given = television.poll(allowed_screen(hanne, television, word)).json()
    told = television.rp.userinfo(given["access_token"]).json()
    kind = hanne.profiles[word].kind
    assert ("act" in told) == (kind in ("mandate", "child"))
    if kind in ENDS:
        code = allowed_screen(hanne, television, word)
        ENDS[kind](site)
        assert error(television.poll(code)) == "invalid_grant"
        assert is_revoked(site)


@pytest.fixture
def partner(site: Site, hanne: Acting, backchannel: TestClient) -> RelyingParty:
    made = register(
        site,
        backchannel,
        client_id="partner",
        redirect_uris=[],
        metadata=ClientMetadata(grant_types=(JWT_BEARER,)),
        scope="letters",
        resources=[API],
    )
    with writing(site.database) as connection:
        register_assertion_issuer(connection, site.secrets, issuer_of(site))
    return made


def assertion(site: Site, sub: str, jti: str, **more: Any) -> str:
    now = site.clock()
    claims = {
        "iss": issuer_of(site).issuer,
        "sub": sub,
        "aud": ORIGIN,
        "jti": jti,
        "iat": int(now.timestamp()),
        "exp": int((now + timedelta(minutes=2)).timestamp()),
        **more,
    }
    return ClientKey.shared("ES256").sign(claims)


def test_an_assertion(
    site: Site, hanne: Acting, partner: RelyingParty, api: ResourceServer
) -> None:
    tokens = hanne.tokens("mandate", scope="openid letters", resource=(API,))
    sub = segment(tokens["id_token"], 1)["sub"]
    given = present(partner, assertion(site, sub, "first-assertion"))
    assert given.status_code == 200, given.text
    told = api.learns(given.json()["access_token"])
    assert told["userProfile"]["firstName"] == "Marie"
    # Not an exchange: `sub` is the person; who acts stands before the client that had the proof.
    assert told["sub"] == segment(tokens["access_token"], 1)["sub"] == told["act"]["sub"]
    assert told["act"]["act"] == {"sub": "partner"}
    knows_no(site, SSIN, "mandates")
    answer = present(partner, assertion(site, sub, "second-assertion"))
    assert error(answer) == "invalid_grant"
    assert is_revoked(site)


# In which ways


def test_a_mandate_ends_with_its_last_day(site: Site, hanne: Acting, clock: MovableClock) -> None:
    clock.now = clock.now.replace(hour=22, minute=50)  # ten to midnight in Belgium, in winter
    knows(site, SSIN, mandate(MARIE, until=clock.now.date(), number="M-7"))
    profiles = profiles_of(site, hanne.holder.person)
    today = next(each for each in profiles if each.kind == "mandate")
    theirs = replace(hanne, profiles={"today": today})
    token = theirs.tokens("today", scope=REFRESHED)["refresh_token"]
    clock.advance(minutes=9)
    assert refreshed(theirs, token).status_code == 200
    clock.advance(minutes=2)
    assert error(refreshed(theirs, token)) == "invalid_grant"


def test_a_child_comes_of_age(site: Site, hanne: Acting, clock: MovableClock) -> None:
    clock.now = clock.now.replace(hour=22, minute=50)
    tomorrow = clock.now.date() + timedelta(days=1)
    born = tomorrow.replace(year=tomorrow.year - site.settings.parents_until_age)
    knows(site, SSIN, child(birthdate=born.isoformat()))
    theirs = next(each for each in profiles_of(site, hanne.holder.person) if each.kind == "child")
    mother = replace(hanne, profiles={"child": theirs})
    token = mother.tokens("child", scope=REFRESHED)["refresh_token"]
    clock.advance(minutes=8)
    given = refreshed(mother, token).json()["access_token"]
    assert hanne.rp.userinfo(given).status_code == 200
    clock.advance(minutes=3)  # a token lives five
    assert error(hanne.rp.userinfo(given), 401) == "invalid_token"
    assert error(refreshed(mother, token)) == "invalid_grant"


def test_nobody_acts_for_the_dead(site: Site, hanne: Acting, api: ResourceServer) -> None:
    code = hanne.code("mandate")
    token = hanne.tokens("mandate", scope="letters", resource=(API,))["access_token"]
    marie = is_known(site, MARIE)
    with writing(site.database) as connection:
        named = (MARIE.ssin, MARIE.given_name, MARIE.family_name)
        dead = Citizen(*named, None, "fr", deceased=True)
        refresh_person(connection, site.secrets, marie, dead, site.clock())
    assert error(hanne.rp.redeem(code)) == "invalid_grant"
    assert api.learns(token) == {"active": False}


def test_the_same_mandate_given_anew_is_another_capacity(site: Site, hanne: Acting) -> None:
    """What was allowed in the first is allowed in no other."""
    token = hanne.tokens("mandate", scope=REFRESHED)["refresh_token"]
    knows_no(site, SSIN, "mandates")
    profiles_of(site, hanne.holder.person)
    knows(site, SSIN, mandate(MARIE))
    assert error(refreshed(hanne, token)) == "invalid_grant"


@pytest.mark.parametrize("word", ["quality", "organisation", "mandate", "child"])
def test_what_another_kind_loses_changes_nothing(site: Site, hanne: Acting, word: str) -> None:
    token = hanne.tokens(word, scope=REFRESHED)["refresh_token"]
    for other, ends in ENDS.items():
        if other != word:
            ends(site)
    assert refreshed(hanne, token).status_code == 200


def test_a_citizen_goes_on_whatever_ends(
    site: Site, hanne: Acting, api: ResourceServer, back_end: RelyingParty
) -> None:
    tokens = hanne.tokens(scope=REFRESHED, resource=(API,))
    for ends in ENDS.values():
        ends(site)
    assert api.learns(tokens["access_token"])["active"] is True
    assert exchange(back_end, tokens["access_token"]).status_code == 200
    assert refreshed(hanne, tokens["refresh_token"]).status_code == 200


def test_of_two_refreshes_at_once_of_what_has_ended_one_is_on_record(
    site: Site, hanne: Acting
) -> None:
    token = hanne.tokens("mandate", scope=REFRESHED)["refresh_token"]
    knows_no(site, SSIN, "mandates")
    answers = at_once(lambda: refreshed(hanne, token).json()["error"], threads=4)
    assert answers == ["invalid_grant"] * 4
    assert events(site).count("application.ended-profile") == 1
