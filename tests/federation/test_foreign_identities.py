"""An identity without a Belgian number waits to be matched; then it leads to its person.

Decisions 9.4.
"""

import json
from pathlib import Path
from typing import Any, Literal
from uuid import UUID

import pytest
from httpx2 import Response
from sqlalchemy import select

from authn.audit.log import audit_events
from authn.db.transaction import reading, writing
from authn.devices.devices import list_devices_and_removed
from authn.enrolment.foreign_matches import end_match
from authn.federation.code_flow import UpstreamAnswer
from authn.federation.foreign_identities import (
    ForeignIdentity,
    keep_unmatched_identity,
    list_waiting_identities,
    match_identity,
    unmatch_identity,
    unmatched_identities,
)
from authn.federation.upstreams import find_upstream
from authn.people.persons import find_or_create_person
from authn.people.tables import persons
from authn.settings import Settings
from authn.web.site import Site
from tests.authenticator import Authenticator
from tests.citizen import HANNE
from tests.federation.journey import Journey, enrol
from tests.federation.upstream import SUBSTANTIAL, Provider, with_claims
from tests.occasion import job
from tests.screens import add_here, signed_in
from tests.together import at_once

ANNA = {"given_name": "Anna", "family_name": "Müller", "birthdate": "1980-04-12"}
NO_NUMBER = with_claims(egovNRN=None, **ANNA)


@pytest.fixture
def settings(settings: Settings, providers: dict[str, Provider], tmp_path: Path) -> Settings:
    """FAS may send people without a number; itsme may not."""
    table = [provider.entry(tmp_path) for provider in providers.values()]
    for entry in table:
        if entry["kind"] == "fas":
            entry["without_number"] = "match"
    return settings.model_copy(update={"upstreams": json.dumps(table)})


def arrive(journey: Journey, fas: Provider, **more: Any) -> Response:
    fas.lies["userinfo"] = with_claims(egovNRN=None, **{**ANNA, **more})
    return journey.come_back(fas)


def waiting(site: Site) -> list[ForeignIdentity]:
    with reading(site.database) as connection:
        return list_waiting_identities(connection, site.secrets)


def match(site: Site, identity: UUID) -> UUID:
    with writing(site.database) as connection:
        person = find_or_create_person(connection, site.secrets, HANNE, site.clock())
        assert match_identity(connection, identity, person.id, site.clock())
    return person.id


def test_who_has_no_number_is_told_that_we_look_for_it(
    journey: Journey, fas: Provider, site: Site
) -> None:
    answer = arrive(journey, fas)
    assert answer.status_code == 403
    assert "We will match you" in answer.text
    (one,) = waiting(site)
    assert (one.upstream, one.claims, one.person_id) == ("fas", ANNA, None)
    with reading(site.database) as connection:
        assert connection.execute(select(persons.c.id)).all() == []


def test_who_comes_again_waits_once(journey: Journey, fas: Provider, site: Site) -> None:
    arrive(journey, fas)
    arrive(journey, fas, family_name="Müller-Maier")
    assert [each.claims["family_name"] for each in waiting(site)] == ["Müller"]
    fas.sub = "somebody else"
    arrive(journey, fas)
    assert len(waiting(site)) == 2


def test_two_arrivals_at_once_are_one_row(journey: Journey, site: Site) -> None:
    upstream = find_upstream(site.settings, "fas")
    answered = UpstreamAnswer({"sub": "somebody"}, ANNA)

    def keep() -> None:
        with writing(site.database) as connection:
            keep_unmatched_identity(job(site, connection), upstream, answered)

    at_once(keep)
    assert len(waiting(site)) == 1
    with reading(site.database) as connection:
        arrived = select(audit_events.c.id).where(audit_events.c.event == "identity.unmatched")
        assert len(connection.execute(arrived).all()) == 1


def test_once_matched_the_identity_leads_to_its_person(
    journey: Journey, fas: Provider, site: Site
) -> None:
    arrive(journey, fas)
    person_id = match(site, waiting(site)[0].id)
    fas.lies["userinfo"] = NO_NUMBER
    answer = enrol(journey.screen(), journey.proof(fas))
    assert answer.status_code == 200, answer.text
    with reading(site.database) as connection:
        (device,) = list_devices_and_removed(connection, person_id)
    assert (device.person_id, device.identity_level) == (person_id, "high")


def test_a_match_that_was_taken_away_leads_nowhere(
    journey: Journey, fas: Provider, site: Site
) -> None:
    arrive(journey, fas)
    identity = waiting(site)[0].id
    person_id = match(site, identity)
    with writing(site.database) as connection:
        assert unmatch_identity(connection, identity, person_id)
        assert not unmatch_identity(connection, identity, person_id)
    assert arrive(journey, fas).status_code == 403
    assert [each.id for each in waiting(site)] == [identity]


def test_a_proof_that_was_given_before_it_was_taken_away_is_worth_nothing(
    journey: Journey, fas: Provider, site: Site
) -> None:
    arrive(journey, fas)
    identity = waiting(site)[0].id
    person_id = match(site, identity)
    fas.lies["userinfo"] = NO_NUMBER
    proof = journey.proof(fas)
    assert journey.client.get("/activate/identity", params={"proof": proof}).status_code == 200
    with writing(site.database) as connection:
        assert unmatch_identity(connection, identity, person_id)
    assert journey.client.get("/activate/identity", params={"proof": proof}).status_code == 403
    assert enrol(journey.screen(), proof).status_code == 403
    with reading(site.database) as connection:
        assert list_devices_and_removed(connection, person_id) == []


def test_a_device_that_is_confirmed_after_the_match_ended_is_none(
    journey: Journey, fas: Provider, site: Site
) -> None:
    arrive(journey, fas)
    identity = waiting(site)[0].id
    person_id = match(site, identity)
    fas.lies["userinfo"] = NO_NUMBER
    screen, proof = journey.screen(), journey.proof(fas)
    options = screen.post_json("/activate/identity/options", {"proof": proof}).json()
    made = screen.authenticator.create(options, screen.origin)
    content = {
        "proof": proof,
        "request": "",
        "ceremony": options["ceremony"],
        "credential": made,
        "client_extension_results": made["clientExtensionResults"],
    }
    with writing(site.database) as connection:
        assert unmatch_identity(connection, identity, person_id)
    answer = screen.post_json("/activate/identity/registration", content)
    assert answer.status_code == 403
    with reading(site.database) as connection:
        assert list_devices_and_removed(connection, person_id) == []


@pytest.mark.parametrize("by", ["desk", "notice"])
def test_what_a_wrong_match_let_in_is_blocked_with_what_that_let_in(
    journey: Journey, fas: Provider, site: Site, by: Literal["desk", "notice"]
) -> None:
    arrive(journey, fas)
    identity = waiting(site)[0].id
    person_id = match(site, identity)
    fas.lies["userinfo"] = NO_NUMBER
    screen = journey.screen()
    assert enrol(screen, journey.proof(fas)).status_code == 200
    assert add_here(screen, Authenticator()).status_code == 200
    with writing(site.database) as connection:
        parted = end_match(job(site, connection), identity, person_id, by)
    assert parted == (False, 2)
    with reading(site.database) as connection:
        all_devices = list_devices_and_removed(connection, person_id)
    assert [(each.status, each.suspended_why) for each in all_devices] == [("suspended", by)] * 2
    assert not signed_in(screen)


def test_of_two_matches_at_once_one_holds(journey: Journey, fas: Provider, site: Site) -> None:
    arrive(journey, fas)
    identity = waiting(site)[0].id
    with writing(site.database) as connection:
        person = find_or_create_person(connection, site.secrets, HANNE, site.clock())

    def matched() -> bool:
        with writing(site.database) as connection:
            return match_identity(connection, identity, person.id, site.clock())

    assert at_once(matched, threads=4).count(True) == 1


def test_the_dead_come_back_by_no_identity(journey: Journey, fas: Provider, site: Site) -> None:
    arrive(journey, fas)
    person_id = match(site, waiting(site)[0].id)
    with writing(site.database) as connection:
        connection.execute(persons.update().where(persons.c.id == person_id).values(deceased=True))
    assert arrive(journey, fas).status_code == 403
    assert "We will match you" not in arrive(journey, fas).text


def test_a_proof_that_is_not_good_enough_does_not_wait(
    journey: Journey, fas: Provider, site: Site
) -> None:
    fas.acr = "something"
    assert arrive(journey, fas).status_code == 403
    assert waiting(site) == []


def test_its_level_is_the_upstreams(journey: Journey, fas: Provider, site: Site) -> None:
    arrive(journey, fas)
    person_id = match(site, waiting(site)[0].id)
    fas.acr = SUBSTANTIAL["fas"]
    fas.lies["userinfo"] = NO_NUMBER
    assert enrol(journey.screen(), journey.proof(fas)).status_code == 200
    with reading(site.database) as connection:
        (device,) = list_devices_and_removed(connection, person_id)
    assert device.identity_level == "substantial"


@pytest.mark.parametrize("number", ["", "garbage", "81130103578", 81050003552, [], {}])
def test_a_number_that_is_none_is_refused_and_does_not_wait(
    journey: Journey, fas: Provider, site: Site, number: object
) -> None:
    fas.lies["userinfo"] = with_claims(egovNRN=number, **ANNA)
    answer = journey.come_back(fas)
    assert "We could not check the answer" in answer.text
    assert waiting(site) == []


def test_an_upstream_that_is_to_know_numbers_is_not_believed_without_one(
    journey: Journey, providers: dict[str, Provider], site: Site
) -> None:
    oidc = providers["oidc"]
    oidc.lies["userinfo"] = with_claims(national_number=None, **ANNA)
    assert "We could not check the answer" in journey.come_back(oidc).text
    assert waiting(site) == []


def test_only_texts_of_a_names_length_are_kept(journey: Journey, fas: Provider, site: Site) -> None:
    arrive(
        journey,
        fas,
        given_name=7,
        family_name="x" * 201,
        birthdate="1980\n04",
        nationality="DE",
        picture="https://example.org/",
    )
    assert [each.claims for each in waiting(site)] == [{"nationality": "DE"}]


def test_what_is_stored_of_it_is_encrypted_or_hashed(
    journey: Journey, fas: Provider, site: Site
) -> None:
    arrive(journey, fas)
    with reading(site.database) as connection:
        dump = repr(connection.execute(select(unmatched_identities)).all())
        dump += repr(connection.execute(select(audit_events)).all())
    for word in ("Müller", "1980-04-12", "somebody"):
        assert word not in dump
    assert "Müller" not in repr(waiting(site))
