"""What a person allowed an application: kept by person, client and scope."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from authn.clients.client_registration.registration import register_client
from authn.consents.consents import find_answers, forget_ended_consents, give_consent
from authn.db.transaction import writing
from authn.people.persons import find_or_create_person
from authn.profiles.profile import NO_PROFILE
from authn.web.site import Site
from tests.capacities import allowed_to
from tests.citizen import HANNE, KARIM
from tests.conftest import MovableClock

SCOPES = frozenset({"openid", "profile"})


@pytest.fixture
def person_id(site: Site) -> UUID:
    with writing(site.database) as connection:
        for client_id in ("hospital", "pharmacy"):
            register_client(
                connection,
                site.secrets,
                site.clock(),
                client_id=client_id,
                client_name=client_id,
                redirect_uris=[f"https://{client_id}.example/cb"],
            )
        return find_or_create_person(connection, site.secrets, HANNE, site.clock()).id


def missing(
    site: Site, person_id: UUID, client_id: str = "hospital", profile_id: UUID = NO_PROFILE
) -> frozenset[str]:
    return SCOPES - allowed_to(site, person_id, client_id, profile_id)


def give(site: Site, person_id: UUID, *scopes: str) -> None:
    with writing(site.database) as connection:
        give_consent(connection, person_id, "hospital", NO_PROFILE, scopes, site.clock())


def test_at_first_everything_is_missing(site: Site, person_id: UUID) -> None:
    assert missing(site, person_id) == SCOPES


def test_what_was_allowed_is_remembered(site: Site, person_id: UUID) -> None:
    give(site, person_id, "openid")
    assert missing(site, person_id) == {"profile"}
    give(site, person_id, "profile")
    assert missing(site, person_id) == frozenset()


def test_it_may_be_given_twice(site: Site, person_id: UUID) -> None:
    give(site, person_id, *SCOPES)
    give(site, person_id, *SCOPES)
    assert missing(site, person_id) == frozenset()


def test_giving_nothing_is_no_error(site: Site, person_id: UUID) -> None:
    give(site, person_id)
    assert missing(site, person_id) == SCOPES


def test_it_holds_for_that_client_alone(site: Site, person_id: UUID) -> None:
    give(site, person_id, *SCOPES)
    assert missing(site, person_id, "pharmacy") == SCOPES


def test_it_holds_for_that_person_alone(site: Site, person_id: UUID) -> None:
    give(site, person_id, *SCOPES)
    with writing(site.database) as connection:
        other = find_or_create_person(connection, site.secrets, KARIM, site.clock()).id
    assert missing(site, other) == SCOPES


def test_it_was_given_when_it_was_said_last(
    site: Site, person_id: UUID, clock: MovableClock
) -> None:
    give(site, person_id, *SCOPES)
    first = clock()
    clock.advance(seconds=1)
    give(site, person_id, "openid")
    with writing(site.database) as connection:
        answers = find_answers(connection, person_id, "hospital", NO_PROFILE, clock())
    said = {name: answer.given_at for name, answer in answers.items()}
    assert said == {"openid": clock(), "profile": first}


def answered(site: Site, person_id: UUID) -> dict[str, bool]:
    """What the person said to the hospital, and holds."""
    with writing(site.database) as connection:
        found = find_answers(connection, person_id, "hospital", NO_PROFILE, site.clock())
    return {name: answer.allowed for name, answer in found.items()}


def test_what_was_declined_is_remembered_and_not_allowed(site: Site, person_id: UUID) -> None:
    with writing(site.database) as connection:
        whom = (connection, person_id, "hospital", NO_PROFILE)
        give_consent(*whom, ["openid"], site.clock(), declined={"profile"})
    assert missing(site, person_id) == {"profile"}
    assert answered(site, person_id) == {"openid": True, "profile": False}
    give(site, person_id, "profile")
    assert missing(site, person_id) == frozenset()


def test_it_holds_in_that_capacity_alone(site: Site, person_id: UUID) -> None:
    give(site, person_id, *SCOPES)
    assert missing(site, person_id, profile_id=uuid4()) == SCOPES


def test_past_its_end_it_was_never_given(site: Site, person_id: UUID, clock: MovableClock) -> None:
    ends = clock() + timedelta(days=1)
    with writing(site.database) as connection:
        whom = (connection, person_id, "hospital", NO_PROFILE)
        give_consent(*whom, ["openid"], clock(), declined=["profile"], expires_at=ends)
    clock.advance(days=1, seconds=-1)
    assert missing(site, person_id) == {"profile"}
    clock.advance(seconds=1)
    assert missing(site, person_id) == SCOPES
    assert answered(site, person_id) == {"profile": False}, "a refusal has no end"
    # Given anew it counts anew.
    give(site, person_id, "openid")
    clock.advance(days=1000)
    assert missing(site, person_id) == {"profile"}


def test_only_what_has_ended_is_cleaned_away(
    site: Site, person_id: UUID, clock: MovableClock
) -> None:
    with writing(site.database) as connection:
        whom = (connection, person_id, "hospital", NO_PROFILE)
        give_consent(*whom, ["openid"], clock(), expires_at=clock() + timedelta(days=1))
        give_consent(*whom, ["profile"], clock())
    with writing(site.database) as connection:
        assert forget_ended_consents(connection, clock()) == 0
        assert forget_ended_consents(connection, clock() + timedelta(days=2)) == 1
    assert answered(site, person_id) == {"profile": True}
