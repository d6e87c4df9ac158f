"""Pairwise subject identifiers: OpenID Connect Core, section 8.1.

https://openid.net/specs/openid-connect-core-1_0.html#PairwiseAlg
"""

from sqlalchemy import func, select

from authn.db.transaction import reading, writing
from authn.people.persons import find_or_create_person
from authn.people.subjects import find_or_create_subject
from authn.people.tables import Person, subjects
from authn.web.site import Site
from tests.conftest import MovableClock
from tests.people.test_persons import HANNE
from tests.together import at_once


def hanne(site: Site, clock: MovableClock) -> Person:
    with writing(site.database) as connection:
        return find_or_create_person(connection, site.secrets, HANNE, clock.now)


def test_a_sector_knows_a_person_by_the_same_sub_every_time(
    site: Site, clock: MovableClock
) -> None:
    person = hanne(site, clock)
    with writing(site.database) as connection:
        first = find_or_create_subject(connection, person.id, "rp.example", clock.now)
        assert find_or_create_subject(connection, person.id, "rp.example", clock.now) == first
        assert find_or_create_subject(connection, person.id, "other.example", clock.now) != first
    assert len(first) <= 255
    assert first.isascii()


def test_a_known_sub_is_read_without_a_write(site: Site, clock: MovableClock) -> None:
    person = hanne(site, clock)
    with writing(site.database) as connection:
        first = find_or_create_subject(connection, person.id, "rp.example", clock.now)
    with reading(site.database) as connection:
        assert find_or_create_subject(connection, person.id, "rp.example", clock.now) == first


def test_asked_at_once_there_is_one_sub(site: Site, clock: MovableClock) -> None:
    person = hanne(site, clock)

    def ask() -> str:
        with writing(site.database) as connection:
            return find_or_create_subject(connection, person.id, "rp.example", clock.now)

    assert len({str(sub) for sub in at_once(ask)}) == 1
    with reading(site.database) as connection:
        assert connection.execute(select(func.count()).select_from(subjects)).scalar_one() == 1
