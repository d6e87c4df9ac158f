"""What a person allowed an application: kept by person, client and scope."""

from datetime import timedelta
from uuid import UUID

import pytest

from authn.clients.registration import register_client
from authn.consents.consents import give_consent, missing_scopes
from authn.db.transaction import writing
from authn.people.persons import person_of
from authn.profiles.profile import NO_PROFILE
from authn.web.site import Site
from tests.citizen import HANNE, KARIM

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
        return person_of(connection, site.secrets, HANNE, site.clock()).id


def missing(site: Site, person_id: UUID, client_id: str = "hospital") -> frozenset[str]:
    with writing(site.database) as connection:
        return missing_scopes(connection, person_id, client_id, NO_PROFILE, SCOPES)


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
        other = person_of(connection, site.secrets, KARIM, site.clock()).id
    assert missing(site, other) == SCOPES


def test_an_older_consent_does_not_count_where_a_new_one_is_asked(
    site: Site, person_id: UUID
) -> None:
    give(site, person_id, *SCOPES)
    now = site.clock()
    with writing(site.database) as connection:
        ask = (connection, person_id, "hospital", NO_PROFILE, SCOPES)
        assert missing_scopes(*ask, since=now) == frozenset()
        assert missing_scopes(*ask, since=now + timedelta(microseconds=1)) == SCOPES
        give_consent(
            connection, person_id, "hospital", NO_PROFILE, ["openid"], now + timedelta(seconds=1)
        )
        assert missing_scopes(*ask, since=now + timedelta(seconds=1)) == {"profile"}
