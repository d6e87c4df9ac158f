"""Another capacity of the same person, by token exchange (decisions 9.1, 4.10).

RFC 8693 (https://www.rfc-editor.org/rfc/rfc8693), with `requested_subject`: the `sub` of an entry
of `may_act`, or of a detail of type `profile`.
"""

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select, update
from starlette.testclient import TestClient

from authn.audit.log import audit_events
from authn.clients.tables import clients
from authn.consents.authorization_details import ACTIONS_AT_RESOURCE
from authn.consents.consents import give_consent
from authn.db.transaction import reading, writing
from authn.grants.tables import grants
from authn.profiles.profile import Profile
from authn.profiles.profiles import public_id
from authn.web.site import Site
from tests.capacities import EVERY_KIND, MARIE, knows, knows_no, mandate, open_to
from tests.citizen import KARIM, SSIN
from tests.oidc.acting import (
    CAPACITIES,
    Acting,
    change_resource,
    profiles_of,
)
from tests.oidc.relying_party import RelyingParty, hold_device, register, segment
from tests.oidc.resource_servers import API, OTHER_API, ResourceServer, resource_server
from tests.oidc.systems import register_system
from tests.oidc.test_profiles_at_every_use import api, error, hanne
from tests.oidc.test_profiles_in_tokens import USER_PROFILES, may_exchange
from tests.oidc.test_rfc8693_token_exchange import EXCHANGES, exchange, exchanged

pytestmark = pytest.mark.thorough

__all__ = ["api", "hanne"]

AT_API = "api.example"
NAME = f"{API}#letters"


def switching(site: Site, hanne: Acting, **metadata: Any) -> RelyingParty:
    """A client that may exchange the tokens of Hanne's application, in every capacity."""
    said: dict[str, Any] = {
        "client_id": "switching",
        "redirect_uris": [],
        "metadata": EXCHANGES,
        "first_party": True,
    }
    made = register(site, hanne.rp.browser, **(said | metadata))
    open_to(site, made.client.client_id, *EVERY_KIND)
    may_exchange(site, made.client.client_id, "hospital")
    return made


@pytest.fixture
def rp(site: Site, hanne: Acting) -> RelyingParty:
    """A first-party client: nobody is asked for their consent."""
    return switching(site, hanne)


@pytest.fixture
def asking(site: Site, hanne: Acting) -> RelyingParty:
    """A client that needs the person's consent."""
    return switching(site, hanne, client_id="asking", first_party=False)


def letters_token(hanne: Acting, word: str = "citizen", scope: str = "openid letters") -> str:
    token: str = hanne.tokens(word, scope=scope, resource=(API,))["access_token"]
    return token


def sub_of(profile: Profile, sector: str = AT_API) -> str:
    return public_id(profile.consent_id, sector)


def agree(site: Site, hanne: Acting, profile: Profile, *names: str, client: str = "asking") -> None:
    with writing(site.database) as connection:
        person_id = hanne.holder.person.id
        give_consent(connection, person_id, client, profile.consent_id, names, site.clock())


def switches(site: Site) -> list[str]:
    statement = select(audit_events.c.details).where(
        audit_events.c.event == "application.profile-switched"
    )
    with reading(site.database) as connection:
        return list(connection.execute(statement.order_by(audit_events.c.id)).scalars())


@pytest.mark.parametrize("to", CAPACITIES)
@pytest.mark.parametrize("from_", ["citizen", "mandate", "quality"])
def test_the_result_acts_in_the_capacity_that_was_asked(
    site: Site, hanne: Acting, rp: RelyingParty, api: ResourceServer, from_: str, to: str
) -> None:
    profile = hanne.profiles[to]
    given = exchanged(rp, letters_token(hanne, from_), requested_subject=sub_of(profile))
    told = api.learns(given["access_token"])
    assert told["userProfile"] == USER_PROFILES[to]
    assert [each["sub"] for each in told["authorization_details"]] == [sub_of(profile)]
    changed = profile.id != hanne.profiles[from_].id
    assert [str(profile.id or "") in each for each in switches(site)] == [True] * changed


@pytest.mark.parametrize("sector", ["the token's", "the client's", "the new audience's"])
def test_the_capacity_is_named_as_whoever_was_told_knows_it(
    site: Site, hanne: Acting, backchannel: TestClient, sector: str
) -> None:
    other = resource_server(
        site, backchannel, OTHER_API, client_id="other", scopes={"letters": "The same"}
    )
    change_resource(site, OTHER_API, reads_profile=True)
    rp = switching(site, hanne, sector_identifier="switching.example")
    may_exchange(site, "switching", "hospital", OTHER_API)
    told_in = {
        "the token's": AT_API,
        "the client's": rp.client.sector_identifier,
        "the new audience's": "other.example",
    }[sector]
    wanted = sub_of(hanne.profiles["child"], told_in)
    given = exchanged(rp, letters_token(hanne), resource=OTHER_API, requested_subject=wanted)
    assert other.learns(given["access_token"])["userProfile"]["firstName"] == "Léa"


def test_back_to_the_citizen(
    site: Site, hanne: Acting, rp: RelyingParty, api: ResourceServer
) -> None:
    """From a token that somebody has by a switch as well."""
    own = segment(letters_token(hanne), 1)["sub"]
    may_exchange(site, "switching", "switching")
    wanted = sub_of(hanne.profiles["mandate"])
    first = exchanged(rp, letters_token(hanne), requested_subject=wanted)["access_token"]
    assert segment(first, 1)["act"]["sub"] == own != segment(first, 1)["sub"]
    citizen = sub_of(hanne.profiles["citizen"])
    back = exchanged(rp, first, requested_subject=citizen)["access_token"]
    claims = segment(back, 1)
    assert claims["sub"] == own
    assert claims["act"] == {"sub": "switching"}  # the person is nobody's actor any more
    assert "act" in api.learns(back)


def test_the_old_grant_is_untouched(site: Site, hanne: Acting, rp: RelyingParty) -> None:
    tokens = hanne.tokens(scope="openid profile letters offline_access", resource=(API,))
    with reading(site.database) as connection:
        before = [tuple(row) for row in connection.execute(select(grants))]
    wanted = sub_of(hanne.profiles["mandate"])
    exchanged(rp, tokens["access_token"], requested_subject=wanted)
    with reading(site.database) as connection:
        assert [tuple(row) for row in connection.execute(select(grants))] == before
    again = hanne.rp.redeem(
        None, grant_type="refresh_token", refresh_token=tokens["refresh_token"]
    ).json()
    assert [each["kind"] for each in again["authorization_details"]] == ["citizen"]


def test_what_was_switched_ends_with_its_own_capacity_and_with_the_grant(
    site: Site, hanne: Acting, rp: RelyingParty, api: ResourceServer
) -> None:
    wanted = sub_of(hanne.profiles["mandate"])
    token = letters_token(hanne, "quality")
    given = exchanged(rp, token, requested_subject=wanted)["access_token"]
    assert api.learns(given)["active"] is True
    knows_no(site, SSIN, "mandates")
    assert api.learns(given) == {"active": False}
    assert api.learns(token)["active"] is True  # what it came from goes on
    assert error(exchange(rp, token, requested_subject=wanted)) == "invalid_request"


# What is needed


def test_without_a_consent_there_is_none(
    site: Site, hanne: Acting, asking: RelyingParty, api: ResourceServer
) -> None:
    profile, token = hanne.profiles["mandate"], letters_token(hanne)
    answer = exchange(asking, token, requested_subject=sub_of(profile))
    assert error(answer) == "consent_required"
    assert "/authorize" in answer.json()["error_description"]
    assert switches(site) == []
    # For the same capacity nothing new is asked.
    assert exchange(asking, token).status_code == 200


def test_a_consent_to_another_capacity_or_client_or_thing_is_none(
    site: Site, hanne: Acting, asking: RelyingParty
) -> None:
    mandate_, token = hanne.profiles["mandate"], letters_token(hanne)
    agree(site, hanne, hanne.profiles["citizen"], NAME)
    agree(site, hanne, hanne.profiles["child"], NAME)
    agree(site, hanne, mandate_, NAME, client="hospital")
    agree(site, hanne, mandate_, API, f"{OTHER_API}#letters", "letters", "profile")
    answer = exchange(asking, token, requested_subject=sub_of(mandate_))
    assert error(answer) == "consent_required"


def test_with_it_there_is(site: Site, hanne: Acting, asking: RelyingParty) -> None:
    profile = hanne.profiles["mandate"]
    agree(site, hanne, profile, NAME)
    answer = exchange(asking, letters_token(hanne), requested_subject=sub_of(profile))
    assert answer.status_code == 200, answer.text


def test_a_consent_that_was_taken_back_or_is_over_is_none(
    site: Site, hanne: Acting, asking: RelyingParty, clock: Any
) -> None:
    profile, token = hanne.profiles["mandate"], letters_token(hanne)
    with writing(site.database) as connection:
        give_consent(
            connection,
            hanne.holder.person.id,
            "asking",
            profile.consent_id,
            [NAME],
            site.clock(),
            expires_at=clock.now.replace(minute=31),
        )
    assert exchange(asking, token, requested_subject=sub_of(profile)).status_code == 200
    clock.advance(minutes=2)
    assert error(exchange(asking, token, requested_subject=sub_of(profile))) == "consent_required"


@pytest.mark.parametrize("kinds", [(), ("quality", "child")])
def test_not_to_a_kind_that_the_client_is_not_for(
    site: Site, hanne: Acting, rp: RelyingParty, kinds: tuple[str, ...]
) -> None:
    open_to(site, "switching", *kinds)
    wanted = sub_of(hanne.profiles["mandate"])
    assert error(exchange(rp, letters_token(hanne), requested_subject=wanted)) == "invalid_request"


def test_not_to_a_citizen_where_the_client_needs_another_kind(
    site: Site, hanne: Acting, rp: RelyingParty
) -> None:
    open_to(site, "switching", "mandate", "quality", required=("quality",))
    token = letters_token(hanne, "mandate")
    for word in ("citizen", "mandate"):
        wanted = sub_of(hanne.profiles[word], "hospital.example")
        assert error(exchange(rp, token, requested_subject=wanted)) == "invalid_request"


@pytest.mark.parametrize(
    "wanted", ["", "citizen", "mandate", "0" * 43, MARIE.ssin, "\x00" * 30, "é" * 30, "x" * 5000]
)
def test_nothing_else_names_a_capacity(
    hanne: Acting, rp: RelyingParty, api: ResourceServer, wanted: str
) -> None:
    answer = exchange(rp, letters_token(hanne), requested_subject=wanted)
    if wanted == "":  # a parameter without a value was not sent (RFC 6749 §3.2)
        assert answer.status_code == 200
        return
    assert error(answer) == "invalid_request"
    assert wanted not in answer.text


def test_not_to_somebody_else_s(
    site: Site, backchannel: TestClient, hanne: Acting, rp: RelyingParty
) -> None:
    karim = hold_device(site, backchannel, KARIM)
    knows(site, KARIM.ssin, mandate(MARIE, number="M-9"))
    (_, theirs) = profiles_of(site, karim.person)
    answer = exchange(rp, letters_token(hanne), requested_subject=sub_of(theirs))
    assert error(answer) == "invalid_request"
    his = replace(hanne, holder=karim, profiles={"mandate": theirs})
    assert exchange(rp, letters_token(his, "mandate")).status_code == 200


def test_a_list_that_somebody_sends_is_not_looked_at(
    site: Site, hanne: Acting, rp: RelyingParty
) -> None:
    """Neither one of theirs, nor one of ours of before."""
    wanted = sub_of(hanne.profiles["mandate"])
    knows_no(site, SSIN, "mandates")
    answer = exchange(
        rp,
        letters_token(hanne),
        requested_subject=wanted,
        may_act=f'[{{"sub": "{wanted}", "userProfile": {{"mandators": []}}}}]',
    )
    assert error(answer) == "invalid_request"


def test_a_system_has_no_capacities(
    site: Site, hanne: Acting, rp: RelyingParty, backchannel: TestClient
) -> None:
    system = register_system(site, backchannel, scope="letters", resources=[API])
    may_exchange(site, "switching", system.client.client_id)
    token = system.post().json()["access_token"]
    wanted = sub_of(hanne.profiles["mandate"])
    assert error(exchange(rp, token, requested_subject=wanted)) == "invalid_request"


# No more than before


def test_never_a_wider_scope(hanne: Acting, rp: RelyingParty) -> None:
    wanted = sub_of(hanne.profiles["mandate"])
    without: str = hanne.tokens(scope="openid profile")["access_token"]
    assert "scope" not in exchanged(rp, without, requested_subject=wanted)
    answer = exchange(rp, without, requested_subject=wanted, scope="letters")
    assert error(answer) == "invalid_scope"


def test_only_what_the_other_capacity_may_obtain(
    site: Site, hanne: Acting, rp: RelyingParty
) -> None:
    scopes = {
        "letters": {"name": {"en": "Letters"}, "profile_kinds": ["citizen", "child"]},
        "records": {"name": {"en": "Records"}, "service_names": ["medicaldatamanagement"]},
        "recipes": {"name": {"en": "Recipes"}, "service_names": ["recipe"]},
    }
    change_resource(site, API, scopes=scopes)
    with writing(site.database) as connection:
        asks = update(clients).where(clients.c.client_id == hanne.rp.client.client_id)
        connection.execute(asks.values(scope="openid letters records recipes"))
    token = letters_token(hanne, scope="openid letters records recipes")
    assert segment(token, 1)["scope"] == "letters"  # what a citizen may
    wanted = sub_of(hanne.profiles["mandate"])
    given = exchanged(rp, token, requested_subject=wanted)
    assert "scope" not in given
    whole = letters_token(hanne, "mandate", scope="openid letters records recipes")
    assert segment(whole, 1)["scope"] == "records"


def test_what_was_allowed_once_in_one_capacity_is_allowed_in_no_other(
    hanne: Acting, rp: RelyingParty
) -> None:  # RFC 9396
    detail = {"type": ACTIONS_AT_RESOURCE, "locations": [API], "actions": ["letters"]}
    token = hanne.tokens(scope="openid", resource=(API,), authorization_details=(detail,))
    same = exchanged(rp, token["access_token"])
    assert detail in same["authorization_details"]
    wanted = sub_of(hanne.profiles["mandate"])
    other = exchanged(rp, token["access_token"], requested_subject=wanted)
    assert detail not in other["authorization_details"]


def test_a_resource_s_rules_are_those_of_now(site: Site, hanne: Acting) -> None:
    """Also where nothing is switched: at a refresh, and at the code."""
    tokens = hanne.tokens("quality", scope="openid letters offline_access", resource=(API,))
    assert tokens["scope"] == "letters"
    rule = {"name": {"en": "Letters"}, "profile_kinds": ["quality"], "disciplines": ["dentist"]}
    change_resource(site, API, scopes={"letters": rule})
    again = hanne.rp.redeem(None, grant_type="refresh_token", refresh_token=tokens["refresh_token"])
    assert again.status_code == 200, again.text
    assert "scope" not in again.json()
    code = hanne.rp.redeem(hanne.code("quality", scope="openid letters", resource=(API,)))
    assert "scope" not in code.json()


def test_a_resource_that_needs_a_higher_level_gets_no_token(site: Site, hanne: Acting) -> None:
    change_resource(site, API, level="certified")
    answer = hanne.rp.redeem(hanne.code(scope="openid letters", resource=(API,)))
    assert error(answer) == "invalid_target"
