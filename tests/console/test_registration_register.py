"""A registrar finds a citizen in the real national register, where one is configured.

It is asked in no transaction (decisions 4.18), and what it says is kept before it is shown.
"""

import pytest
from sqlalchemy import func, select

from authn.audit.events.registration import CitizenSearched
from authn.db.transaction import reading
from authn.people.persons import find_person_by_ssin
from authn.people.tables import persons
from authn.settings import Settings
from authn.web.site import Site
from tests.console.acting import rows
from tests.console.desk import DeskScreen
from tests.sources_server import CANCELLED, MOTHER, MOTHER_BEFORE, UNKNOWN, Running, Said

FIND = "/desk/registration/find"

# Its end closes the connections to the register.
pytestmark = pytest.mark.usefixtures("client")


@pytest.fixture
def settings(settings: Settings, real: Running) -> Settings:
    """The settings of a service that asks it."""
    return real.settings(settings)


def how_many(site: Site) -> int:
    with reading(site.database) as connection:
        count: int = connection.execute(select(func.count()).select_from(persons)).scalar_one()
    return count


@pytest.mark.parametrize("ssin", [MOTHER, MOTHER_BEFORE])
def test_whom_the_register_knows_is_found_by_any_number(
    site: Site, registrar: DeskScreen, real: Running, ssin: str
) -> None:
    before = len(real.server.asked("/citizen"))
    answer = registrar.post_form(FIND, ssin=ssin)
    assert answer.status_code == 303, answer.text
    assert len(real.server.asked("/citizen")) > before
    with reading(site.database) as connection:
        person = find_person_by_ssin(connection, site.secrets, MOTHER)
    assert person
    assert answer.headers["location"] == f"/desk/registration/{person.id}"
    (row,) = rows(site, CitizenSearched.name)
    assert row["person_id"] == person.id


@pytest.mark.parametrize("ssin", [UNKNOWN, CANCELLED])
def test_whom_it_does_not_know_is_nobody_and_on_record(
    site: Site, registrar: DeskScreen, real: Running, ssin: str
) -> None:
    before = how_many(site)
    assert registrar.post_form(FIND, ssin=ssin).status_code == 422
    assert how_many(site) == before
    assert [row["person_id"] for row in rows(site, CitizenSearched.name)] == [None]


def test_while_it_is_down_nothing_is_said_of_anybody(
    site: Site, registrar: DeskScreen, real: Running, caplog: pytest.LogCaptureFixture
) -> None:
    before = how_many(site)
    real.server.dictated = lambda seen: None if seen.path == "/token" else Said(500)
    answer = registrar.post_form(FIND, ssin=MOTHER)
    assert answer.status_code == 503
    assert how_many(site) == before
    assert MOTHER not in answer.text + caplog.text
