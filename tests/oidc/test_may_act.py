"""The federation's list `may_act`: for whom else somebody may act (decisions 9.2, 4.10)."""

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select
from starlette.testclient import TestClient

from authn.audit.log import audit_events
from authn.db.transaction import reading
from authn.oidc.tokens.may_act import LONGEST_IN_A_TOKEN, MOST_IN_A_TOKEN
from authn.profiles.profiles import public_id
from authn.web.site import Site
from tests.capacities import LEA, MARIE, knows, knows_no, many_mandates, open_to
from tests.citizen import SSIN
from tests.oidc.acting import Acting, acting, change_resource, is_known
from tests.oidc.relying_party import Holder, RelyingParty, segment
from tests.oidc.resource_servers import API, ResourceServer, application, resource_server
from tests.oidc.test_profile_switch_by_exchange import switching
from tests.oidc.test_profiles_at_every_use import assertion, partner, refreshed
from tests.oidc.test_profiles_in_tokens import SCOPE, released_about
from tests.oidc.test_rfc7523_jwt_bearer import present
from tests.oidc.test_rfc8693_token_exchange import exchanged

pytestmark = pytest.mark.thorough

__all__ = ["partner"]

READS = {"reads_may_act": True, "may_read_ssin": True}


@pytest.fixture
def api(site: Site, backchannel: TestClient) -> ResourceServer:
    """A resource that understands the list, and may read national numbers."""
    made = resource_server(site, backchannel)
    change_resource(site, API, **READS)
    return made


@pytest.fixture
def hanne(site: Site, client: TestClient, holder: Holder, api: ResourceServer) -> Acting:
    """Hanne, at an application that may not read the national number."""
    return acting(site, application(site, client, scope=SCOPE), holder, SSIN)


@pytest.fixture
def permitted(site: Site, client: TestClient, holder: Holder, api: ResourceServer) -> Acting:
    """Hanne, at one that may."""
    rp = application(site, client, scope=SCOPE, may_read_ssin=True)
    return acting(site, rp, holder, SSIN)


def token_of(hanne: Acting, word: str = "citizen", scope: str = "openid letters ssin") -> str:
    token: str = hanne.tokens(word, scope=scope, resource=(API,))["access_token"]
    return token


def entry(hanne: Acting, word: str, **profile: Any) -> dict[str, Any]:
    sub = public_id(hanne.profiles[word].consent_id, "api.example")
    return {"sub": sub, "userProfile": profile}


def entries(hanne: Acting) -> dict[str, dict[str, Any]]:
    """The list as decisions 9.2 has it: one mandator or child in each, numbers and no names."""
    services = {"serviceNames": ["medicaldatamanagement"]}
    parents = {"serviceNames": ["medicaldatamanagement", "recipe"]}
    enterprise = {"enterprise": {"cbe": "0406798006", "name": "Bakkerij Peeters"}}
    return {
        "child": entry(hanne, "child", children=[{"ssin": LEA.ssin, **parents}]),
        "mandate": entry(hanne, "mandate", mandators=[{"ssin": MARIE.ssin, **services}]),
        "mandate of an enterprise": entry(
            hanne,
            "mandate of an enterprise",
            mandators=[{"organizations": [enterprise], **services}],
        ),
    }


def by_sub(may_act: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(may_act, key=lambda each: str(each["sub"]))


def told_lists(site: Site) -> list[str]:
    statement = select(audit_events.c.details).where(
        audit_events.c.event == "application.may-act-released"
    )
    with reading(site.database) as connection:
        return list(connection.execute(statement.order_by(audit_events.c.id)).scalars())


def test_a_resource_is_told_for_whom_one_may_act(
    site: Site, hanne: Acting, api: ResourceServer
) -> None:
    told = api.learns(token_of(hanne))
    assert by_sub(told["may_act"]) == by_sub(list(entries(hanne).values()))


@pytest.mark.parametrize(
    ("resource", "scope"),
    [
        ({"reads_may_act": False}, "openid letters ssin"),
        ({"may_read_ssin": False}, "openid letters ssin"),
        (READS, "openid letters"),
    ],
)
def test_only_one_that_understands_it_and_may_know_numbers_with_the_scope(
    site: Site, permitted: Acting, api: ResourceServer, resource: dict[str, bool], scope: str
) -> None:
    change_resource(site, API, **resource)
    token = token_of(permitted, scope=scope)
    told = api.learns(token)
    assert told["active"] is True
    assert "may_act" not in told
    assert "may_act" not in segment(token, 1)
    assert told_lists(site) == []


def test_a_permission_that_was_taken_back_counts_for_tokens_of_before(
    site: Site, permitted: Acting, api: ResourceServer
) -> None:
    token = token_of(permitted)
    assert segment(token, 1)["may_act"]
    change_resource(site, API, reads_may_act=False)
    assert "may_act" not in api.learns(token)


@pytest.mark.parametrize("word", ["mandate", "child"])
def test_the_capacity_in_which_one_acts_already_is_not_listed(
    hanne: Acting, api: ResourceServer, word: str
) -> None:
    others = [each for name, each in entries(hanne).items() if name != word]
    assert by_sub(api.learns(token_of(hanne, word))["may_act"]) == by_sub(others)


def test_no_kind_that_the_client_is_not_for(site: Site, hanne: Acting, api: ResourceServer) -> None:
    token = token_of(hanne)
    open_to(site, "hospital", "child", "quality")
    assert api.learns(token)["may_act"] == [entries(hanne)["child"]]
    open_to(site, "hospital")
    assert api.learns(token)["may_act"] == []


def test_what_has_ended_is_gone_at_once(site: Site, hanne: Acting, api: ResourceServer) -> None:
    token = token_of(hanne)
    assert len(api.learns(token)["may_act"]) == 3
    knows_no(site, SSIN, "mandates")
    assert api.learns(token)["may_act"] == [entries(hanne)["child"]]


def test_each_entry_names_a_switch(site: Site, hanne: Acting, api: ResourceServer) -> None:
    rp = switching(site, hanne)
    token = token_of(hanne)
    for each in api.learns(token)["may_act"]:
        given = exchanged(rp, token, requested_subject=each["sub"])["access_token"]
        (detail,) = segment(given, 1)["authorization_details"]
        assert detail["sub"] == each["sub"]


def test_it_is_on_record_with_each_person_whose_number_it_was(
    site: Site, hanne: Acting, api: ResourceServer
) -> None:
    token = token_of(hanne)
    assert told_lists(site) == []
    hanne.tokens("mandate", scope="openid", resource=(API,))  # now Marie is one of ours
    before = len(released_about(site))
    api.learns(token)
    (told,) = told_lists(site)
    words = ("mandate", "mandate of an enterprise", "child")
    assert all(str(hanne.profiles[word].id) in told for word in words)
    about = released_about(site)[before:]
    assert set(about) == {hanne.holder.person.id, is_known(site, MARIE).id, is_known(site, LEA).id}


def test_never_in_an_id_token_nor_at_userinfo_nor_beside_the_token(
    permitted: Acting, api: ResourceServer
) -> None:
    tokens = permitted.tokens(scope=SCOPE, resource=(API,))
    assert segment(tokens["access_token"], 1)["may_act"]
    assert "may_act" not in segment(tokens["id_token"], 1)
    assert "may_act" not in tokens
    own = permitted.tokens(scope="openid profile ssin")
    assert "may_act" not in segment(own["access_token"], 1)
    assert "may_act" not in permitted.rp.userinfo(own["access_token"]).json()


# In tokens


def test_not_in_a_token_that_a_client_without_the_permission_reads(
    site: Site, hanne: Acting, api: ResourceServer
) -> None:
    token = token_of(hanne)
    assert "may_act" not in segment(token, 1)
    assert MARIE.ssin not in str(segment(token, 1))


def test_in_that_of_a_client_with_it_on_record(
    site: Site, permitted: Acting, api: ResourceServer
) -> None:
    token = token_of(permitted)
    listed = segment(token, 1)["may_act"]
    assert by_sub(listed) == by_sub(list(entries(permitted).values()))
    assert len(told_lists(site)) == 1


def test_a_token_has_some_of_a_long_list_and_the_endpoint_all(
    site: Site, permitted: Acting, api: ResourceServer
) -> None:
    knows(site, SSIN, *many_mandates(40))
    token = token_of(permitted)
    assert len(segment(token, 1)["may_act"]) == MOST_IN_A_TOKEN
    told = api.learns(token)
    assert len(told["may_act"]) == 41
    assert len(str(segment(token, 1)["may_act"])) < 2 * LONGEST_IN_A_TOKEN


def test_a_token_stays_short_whatever_services_there_are(
    site: Site, permitted: Acting, api: ResourceServer
) -> None:
    services = tuple(f"a-service-with-a-long-name-{number}" for number in range(40))
    knows(site, SSIN, *(replace(each, service_names=services) for each in many_mandates(9)))
    token = token_of(permitted)
    assert len(segment(token, 1)["may_act"]) < MOST_IN_A_TOKEN
    assert len(token) < 6000
    assert len(api.learns(token)["may_act"]) == 10


def test_a_refresh_makes_the_list_anew(site: Site, permitted: Acting, api: ResourceServer) -> None:
    scope = "openid letters ssin offline_access"
    tokens = permitted.tokens(scope=scope, resource=(API,))
    knows_no(site, SSIN, "mandates")
    again = refreshed(permitted, tokens["refresh_token"]).json()["access_token"]
    assert segment(again, 1)["may_act"] == [entries(permitted)["child"]]
    narrower = permitted.rp.redeem(
        None,
        grant_type="refresh_token",
        refresh_token=tokens["refresh_token"],
        scope="letters",
    )
    assert "may_act" not in segment(narrower.json()["access_token"], 1)


# One that comes in is never trusted


def test_a_list_in_an_assertion_is_not_looked_at(
    site: Site, hanne: Acting, partner: RelyingParty, api: ResourceServer
) -> None:
    tokens = hanne.tokens(scope="openid letters ssin", resource=(API,))
    listed = list(entries(hanne).values())
    knows_no(site, SSIN, "mandates", "children")
    sub = segment(tokens["id_token"], 1)["sub"]
    presented = assertion(site, sub, "with-a-list-of-theirs", may_act=listed, act={"sub": "me"})
    given = present(partner, presented).json()["access_token"]
    claims = segment(given, 1)
    assert "may_act" not in claims
    assert claims["act"] == {"sub": "partner"}
    assert not api.learns(given).get("may_act")
