"""In which capacity somebody acts, in all that applications and resources are told.

Decisions 9.2 for the vocabulary; RFC 8693 §4.1 (https://www.rfc-editor.org/rfc/rfc8693#section-4.1)
for `act`; RFC 9396 §7 (https://www.rfc-editor.org/rfc/rfc9396#section-7) for what /token answers.
"""

import json
from typing import Any
from uuid import UUID

import pytest
from httpx2 import Response
from sqlalchemy import select
from starlette.testclient import TestClient

from authn.audit.log import audit_events
from authn.clients.resource_servers.exchange_pairs import ExchangePair, allow_exchange
from authn.consents.authorization_details import ACTIONS_AT_RESOURCE
from authn.db.transaction import reading, writing
from authn.profiles.profiles import public_id
from authn.web.site import Site
from tests.capacities import EVERY_KIND, HOSPITAL, LEA, MARIE, knows, mandate, open_to
from tests.citizen import KARIM, SSIN
from tests.oidc.acting import (
    CAPACITIES,
    FOR_ANOTHER,
    Acting,
    acting,
    change_resource,
    is_known,
    profiles_of,
)
from tests.oidc.refreshing import error, refresh
from tests.oidc.relying_party import Holder, RelyingParty, hold_device, register, segment
from tests.oidc.resource_servers import API, ResourceServer, application, resource_server
from tests.oidc.test_rfc8693_token_exchange import EXCHANGES, exchanged

pytestmark = pytest.mark.thorough

HANNE_NAMED = {"firstName": "Hanne", "lastName": "Van der Meulen"}
MARIE_NAMED = {"firstName": "Marie", "lastName": "Dubois"}
LEA_NAMED = {"firstName": "Léa", "lastName": "Van der Meulen"}
USER_PROFILES: dict[str, dict[str, Any]] = {
    "citizen": HANNE_NAMED,
    "quality": {**HANNE_NAMED, "physician": {"recognised": True, "nihii11": "10000000000"}},
    "organisation": {
        **HANNE_NAMED,
        "organizations": [{"hospital": {"nihii": "71000012", "name": HOSPITAL.name}}],
    },
    "mandate": {**MARIE_NAMED, "serviceNames": ["medicaldatamanagement"]},
    "mandate of an enterprise": {
        "organizations": [{"enterprise": {"cbe": "0406798006", "name": "Bakkerij Peeters"}}],
        "serviceNames": ["medicaldatamanagement"],
    },
    "child": LEA_NAMED,
}
SOMEBODY_S = (SSIN, MARIE.ssin, LEA.ssin)
NAMES = ("Hanne", "Meulen", "Marie", "Dubois", "Peeters", HOSPITAL.name)
SCOPE = "openid profile ssin letters"


@pytest.fixture
def api(site: Site, backchannel: TestClient) -> ResourceServer:
    """A resource that reads the capacity, and no national number."""
    made = resource_server(site, backchannel)
    change_resource(site, API, reads_profile=True)
    return made


@pytest.fixture
def hanne(site: Site, client: TestClient, holder: Holder, api: ResourceServer) -> Acting:
    """Hanne, at an application that may read the national number."""
    rp = application(site, client, scope=SCOPE, may_read_ssin=True)
    return acting(site, rp, holder, SSIN)


@pytest.fixture
def unpermitted(site: Site, client: TestClient, hanne: Acting) -> Acting:
    """Hanne, at an application that may not, and knows citizens alone."""
    rp = register(site, client, client_id="pharmacy", scope=SCOPE, resources=[API])
    return Acting(site, rp, hanne.holder, hanne.profiles)


def may_exchange(site: Site, client_id: str, subject_client_id: str, resource: str = API) -> None:
    """The operator allows it."""
    with writing(site.database) as connection:
        pair = ExchangePair(client_id, subject_client_id, resource)
        allow_exchange(connection, site.secrets, pair, site.clock())


@pytest.fixture
def back_end(site: Site, backchannel: TestClient, hanne: Acting) -> RelyingParty:
    """A back end that may exchange the tokens of Hanne's application for letters."""
    made = register(
        site,
        backchannel,
        client_id="back-end",
        redirect_uris=[],
        metadata=EXCHANGES,
        first_party=True,
        profile_kinds=("mandate", "child"),
    )
    may_exchange(site, "back-end", "hospital")
    return made


def released_about(site: Site) -> list[UUID | None]:
    """About whom the release of a national number is on record, in order."""
    statement = (
        select(audit_events.c.person_id)
        .where(audit_events.c.event == "application.ssin-released")
        .order_by(audit_events.c.id)
    )
    with reading(site.database) as connection:
        return list(connection.execute(statement).scalars())


def holds_one_of(text: str, words: tuple[str, ...]) -> bool:
    return any(word in text for word in words)


# Userinfo


@pytest.mark.parametrize("word", CAPACITIES)
def test_userinfo_tells_the_capacity(hanne: Acting, word: str) -> None:
    tokens = hanne.tokens(word)
    told = hanne.rp.userinfo(tokens["access_token"]).json()
    assert told["userProfile"] == USER_PROFILES[word]
    # Whoever they act for, `sub` and the names beside are of who signed in (decisions 1.4).
    assert told["sub"] == segment(tokens["id_token"], 1)["sub"]
    assert told["name"] == "Hanne Van der Meulen"
    acts = {"sub": told["sub"], "userProfile": HANNE_NAMED}
    assert told.get("act") == (None if word in ("citizen", "quality", "organisation") else acts)


def test_without_the_scope_profile_it_does_not(hanne: Acting) -> None:
    token = hanne.tokens("mandate", scope="openid")["access_token"]
    assert hanne.rp.userinfo(token).json().keys() == {"sub"}


@pytest.mark.parametrize("word", ["mandate", "child"])
def test_numbers_go_by_scope_and_permission_and_each_is_on_record_about_its_person(
    site: Site, hanne: Acting, word: str
) -> None:
    whom = is_known(site, FOR_ANOTHER[word])
    token = hanne.tokens(word, scope="openid profile ssin")["access_token"]
    assert released_about(site) == []
    told = hanne.rp.userinfo(token).json()
    assert told["ssin"] == SSIN
    assert told["userProfile"]["ssin"] == FOR_ANOTHER[word].ssin
    assert told["act"]["userProfile"]["ssin"] == SSIN
    assert released_about(site) == [hanne.holder.person.id, whom.id]


@pytest.mark.parametrize("word", CAPACITIES)
def test_without_the_scope_nobody_s_number_goes(site: Site, hanne: Acting, word: str) -> None:
    told = hanne.rp.userinfo(hanne.tokens(word)["access_token"]).text
    assert not holds_one_of(told, SOMEBODY_S)
    assert released_about(site) == []


@pytest.mark.parametrize("word", CAPACITIES)
def test_without_the_permission_nobody_s_number_goes(
    site: Site, unpermitted: Acting, word: str
) -> None:
    open_to(site, "pharmacy", *EVERY_KIND)
    token = unpermitted.tokens(word, scope="openid profile ssin")["access_token"]
    assert not holds_one_of(unpermitted.rp.userinfo(token).text, SOMEBODY_S)
    assert released_about(site) == []


# Tokens


@pytest.mark.parametrize("word", CAPACITIES)
def test_an_id_token_says_nothing_of_it(hanne: Acting, word: str) -> None:  # decisions 1.5
    citizens = segment(hanne.tokens()["id_token"], 1)
    claims = segment(hanne.tokens(word, scope=SCOPE)["id_token"], 1)
    assert claims.keys() == citizens.keys()
    assert claims["sub"] == citizens["sub"]
    assert (claims["sid"] == citizens["sid"]) == (word == "citizen")  # decisions 1.3


@pytest.mark.parametrize("word", CAPACITIES)
def test_an_access_token_says_the_kind_and_an_id_and_no_name(
    site: Site, hanne: Acting, word: str
) -> None:
    tokens = hanne.tokens(word, scope=SCOPE, resource=(API,))
    profile = hanne.profiles[word]
    claims = segment(tokens["access_token"], 1)
    sector = "api.example"
    assert claims["authorization_details"] == [
        {"type": "profile", "kind": profile.kind, "sub": public_id(profile.consent_id, sector)}
    ]
    assert not {"userProfile", "act", "may_act", "ssin"} & claims.keys()
    assert not holds_one_of(str(claims), SOMEBODY_S + NAMES)
    # RFC 9396 §7, for the client: by what it knows the capacity.
    own = public_id(profile.consent_id, "hospital.example")
    assert tokens["authorization_details"] == [
        {"type": "profile", "kind": profile.kind, "sub": own}
    ]
    assert not holds_one_of(str(tokens["authorization_details"]), SOMEBODY_S + NAMES)


def test_a_client_that_knows_citizens_alone_is_told_of_no_capacity(
    unpermitted: Acting, hanne: Acting
) -> None:
    tokens = unpermitted.tokens()
    assert "authorization_details" not in tokens
    assert "authorization_details" not in segment(tokens["access_token"], 1)


# Introspection


@pytest.mark.parametrize("word", CAPACITIES)
def test_a_resource_that_reads_the_capacity_is_told(
    hanne: Acting, api: ResourceServer, word: str
) -> None:
    token = hanne.tokens(word, scope="letters", resource=(API,))["access_token"]
    told = api.learns(token)
    assert told["userProfile"] == USER_PROFILES[word]
    acts = {"sub": told["sub"], "userProfile": HANNE_NAMED}
    assert told.get("act") == (None if word in ("citizen", "quality", "organisation") else acts)
    assert not holds_one_of(str(told), SOMEBODY_S)


def test_another_resource_is_not(site: Site, hanne: Acting, api: ResourceServer) -> None:
    change_resource(site, API, reads_profile=False)
    token = hanne.tokens("mandate", scope="letters", resource=(API,))["access_token"]
    told = api.learns(token)
    assert told["active"] is True
    assert not {"userProfile", "act"} & told.keys()
    assert not holds_one_of(str(told), SOMEBODY_S + NAMES)


def test_at_introspection_numbers_go_by_scope_and_permission(
    site: Site, hanne: Acting, api: ResourceServer
) -> None:
    change_resource(site, API, may_read_ssin=True)
    marie = is_known(site, MARIE)
    without = hanne.tokens("mandate", scope="letters", resource=(API,))["access_token"]
    assert not holds_one_of(str(api.learns(without)), SOMEBODY_S)
    assert released_about(site) == []
    token = hanne.tokens("mandate", scope="letters ssin", resource=(API,))["access_token"]
    told = api.learns(token)
    assert told["ssin"] == SSIN  # that of its `sub`
    assert told["userProfile"]["ssin"] == MARIE.ssin
    assert told["act"]["userProfile"]["ssin"] == SSIN
    assert released_about(site) == [hanne.holder.person.id, marie.id]


# By exchange


@pytest.mark.parametrize("word", ["mandate", "child"])
def test_an_exchanged_token_is_about_whom_one_acts_for_and_the_person_acts(
    site: Site, hanne: Acting, api: ResourceServer, back_end: RelyingParty, word: str
) -> None:  # decisions 1.4
    own = segment(hanne.tokens(scope="letters", resource=(API,))["access_token"], 1)["sub"]
    token = hanne.tokens(word, scope="openid letters", resource=(API,))["access_token"]
    assert segment(token, 1)["sub"] == own
    given = exchanged(back_end, token)["access_token"]
    claims = segment(given, 1)
    assert claims["sub"] != own
    assert claims["act"] == {"sub": own, "act": {"sub": "back-end"}}
    told = api.learns(given)
    assert told["userProfile"] == USER_PROFILES[word]
    assert told["act"] == {
        "sub": own,
        "userProfile": HANNE_NAMED,
        "act": {"sub": "back-end"},
    }


def test_the_number_that_a_resource_is_told_is_that_of_sub(
    site: Site, hanne: Acting, api: ResourceServer, back_end: RelyingParty
) -> None:
    change_resource(site, API, may_read_ssin=True, reads_profile=False)
    token = hanne.tokens("mandate", scope="letters ssin", resource=(API,))["access_token"]
    told = api.learns(exchanged(back_end, token)["access_token"])
    assert told["ssin"] == MARIE.ssin
    assert SSIN not in str(told)
    assert released_about(site) == [is_known(site, MARIE).id]
    change_resource(site, API, reads_profile=True)
    told = api.learns(exchanged(back_end, token)["access_token"])
    assert told["ssin"] == told["userProfile"]["ssin"] == MARIE.ssin
    assert told["act"]["userProfile"]["ssin"] == SSIN


def test_who_acts_for_an_organisation_acts_and_no_number_of_a_person_is_sub_s(
    site: Site, hanne: Acting, api: ResourceServer, back_end: RelyingParty
) -> None:
    change_resource(site, API, may_read_ssin=True)
    token = hanne.tokens("mandate of an enterprise", scope="letters ssin", resource=(API,))
    given = exchanged(back_end, token["access_token"])["access_token"]
    claims = segment(given, 1)
    assert claims["act"]["sub"] == segment(token["access_token"], 1)["sub"] != claims["sub"]
    assert "0406798006" not in str(claims)
    told = api.learns(given)
    assert "ssin" not in told
    assert "ssin" not in told["userProfile"]
    assert told["act"]["userProfile"]["ssin"] == SSIN


def test_all_who_act_for_somebody_have_one_sub_for_them(
    site: Site, backchannel: TestClient, hanne: Acting, back_end: RelyingParty
) -> None:
    karim = hold_device(site, backchannel, KARIM)
    knows(site, KARIM.ssin, mandate(MARIE, number="M-9"))
    (_, profile) = profiles_of(site, karim.person)
    his = Acting(site, hanne.rp, karim, {"mandate": profile})
    subjects = {
        segment(exchanged(back_end, token["access_token"])["access_token"], 1)["sub"]
        for token in (
            each.tokens("mandate", scope="letters", resource=(API,)) for each in (hanne, his)
        )
    }
    assert len(subjects) == 1


def test_the_chain_of_clients_is_kept_when_it_is_exchanged_again(
    site: Site, hanne: Acting, backchannel: TestClient, back_end: RelyingParty
) -> None:
    second = register(site, backchannel, client_id="second", redirect_uris=[], metadata=EXCHANGES)
    may_exchange(site, "second", "back-end")
    token = hanne.tokens("child", scope="letters", resource=(API,))["access_token"]
    own = segment(token, 1)["sub"]
    first = exchanged(back_end, token)["access_token"]
    again = segment(exchanged(second, first)["access_token"], 1)
    assert again["sub"] == segment(first, 1)["sub"]
    assert again["act"] == {
        "sub": own,
        "act": {"sub": "second", "act": {"sub": "back-end"}},
    }


def test_a_capacity_of_one_s_own_leaves_sub_as_it_is(hanne: Acting, back_end: RelyingParty) -> None:
    token = hanne.tokens("quality", scope="letters", resource=(API,))["access_token"]
    claims = segment(exchanged(back_end, token)["access_token"], 1)
    assert claims["sub"] == segment(token, 1)["sub"]
    assert claims["act"] == {"sub": "back-end"}
    assert [each["kind"] for each in claims["authorization_details"]] == ["quality"]


# A token made for one profile never reaches another


def test_a_refresh_stays_in_the_profile_of_its_grant(hanne: Acting) -> None:
    for word in CAPACITIES:
        token = hanne.tokens(word, scope="openid profile offline_access")["refresh_token"]
        answer = hanne.rp.redeem(
            None, grant_type="refresh_token", refresh_token=token, profile="mandate"
        )
        assert answer.status_code == 200, answer.text
        told = hanne.rp.userinfo(answer.json()["access_token"]).json()
        assert told["userProfile"] == USER_PROFILES[word]


def test_what_a_refresh_says_of_the_profile_changes_nothing(
    hanne: Acting, api: ResourceServer
) -> None:
    token = hanne.tokens("quality", scope="openid offline_access letters", resource=(API,))
    own, marie = (
        public_id(hanne.profiles[word].consent_id, "hospital.example")
        for word in ("quality", "mandate")
    )

    def refreshed(sub: str) -> Response:
        return refresh(
            hanne.rp,
            token["refresh_token"],
            requested_subject=marie,
            authorization_details=f'[{{"type": "profile", "sub": "{sub}"}}]',
        )

    # RFC 9396 §6: what was not granted is refused, and so is another capacity.
    assert error(refreshed(marie)) == "invalid_authorization_details"
    told = api.learns(refreshed(own).json()["access_token"])
    assert told["userProfile"] == USER_PROFILES["quality"]
    # As the answer named it, it may be named as well.
    said = json.dumps(token["authorization_details"])
    answer = refresh(hanne.rp, token["refresh_token"], authorization_details=said)
    assert answer.json()["authorization_details"] == token["authorization_details"]


def test_an_exchange_stays_in_the_profile_of_what_was_presented(
    hanne: Acting, api: ResourceServer, back_end: RelyingParty
) -> None:
    for word in CAPACITIES:
        token = hanne.tokens(word, scope="letters", resource=(API,))["access_token"]
        told = api.learns(exchanged(back_end, token)["access_token"])
        assert told["userProfile"] == USER_PROFILES[word]


def test_two_grants_of_one_session_don_t_mix(hanne: Acting) -> None:
    """As two tabs get them."""
    codes = {word: hanne.code(word) for word in CAPACITIES}
    for word, code in codes.items():
        token = hanne.rp.redeem(code).json()["access_token"]
        told = hanne.rp.userinfo(token).json()
        assert told["userProfile"] == USER_PROFILES[word]


def test_details_of_the_same_request_stay_beside_the_profile(hanne: Acting) -> None:
    detail = {"type": ACTIONS_AT_RESOURCE, "locations": [API], "actions": ["letters"]}
    asked = {"type": "profile", "kinds": ["mandate", "quality"]}
    tokens = hanne.tokens(
        "mandate", scope="openid", resource=(API,), authorization_details=(detail, asked)
    )
    own = public_id(hanne.profiles["mandate"].consent_id, "hospital.example")
    assert tokens["authorization_details"] == [
        detail,
        {"type": "profile", "kind": "mandate", "sub": own},
    ]
