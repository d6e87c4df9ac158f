"""A real national register is asked about who signs in: whether they live, and by which number.

Decisions 9.5 and 7. The embedded one tells of it by its import (`test_replaced_number`). Once
in `citizen_fresh`, and never so that a register that is down keeps anybody out (decisions 4.20).
"""

from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import orjson
import pytest
from sqlalchemy import select
from starlette.testclient import TestClient

from authn.clients.client_metadata import ClientMetadata
from authn.clients.clients import find_client
from authn.db.transaction import reading
from authn.people.numbers import current_ssin
from authn.people.tables import persons
from authn.settings import Settings
from authn.sources.real_sources import shared_sources
from authn.sources.wire.problem import BAD_REQUEST, CANCELLED, MEDIA_TYPE, NOT_FOUND
from authn.web.site import Site
from tests.citizen import SSIN, Screen, enrolled
from tests.conftest import MovableClock
from tests.hospital import register_hospital
from tests.login.test_interaction import authorize, query
from tests.oidc.refreshing import GRANT_TYPES
from tests.oidc.relying_party import RelyingParty
from tests.sources_server import Running, Said, Seen

pytestmark = pytest.mark.thorough

NEW = "05520900401"
SECRET = "s" * 40
ISSUE = {"type": CANCELLED, "title": "SSIN has been canceled", "in": "body", "name": "ssin"}
HANNE = {
    "ssin": SSIN,
    "firstName": "Hanne",
    "lastName": "Van der Meulen",
    "birthdate": "1903-01-01",
    "language": "nl",
    "deceased": False,
    "cancelled": False,
    "previousSsins": [],
}


def problem(status: int, **document: Any) -> Said:
    return Said(status, orjson.dumps({"status": status, **document}), MEDIA_TYPE)


def tells(**changes: Any) -> Said:
    return Said(200, orjson.dumps(HANNE | changes))


CANCELLATIONS = {
    "a problem": problem(400, type=BAD_REQUEST, issues=[ISSUE]),
    "a citizen": tells(cancelled=True),
    "a death": tells(deceased=True),
}


@pytest.fixture
def settings(settings: Settings, real: Running) -> Settings:
    return real.settings(settings, citizen_fresh=timedelta(minutes=5))


@pytest.fixture
def rp(site: Site, client: TestClient, screen: Screen) -> RelyingParty:
    register_hospital(
        site,
        client_secret=SECRET,
        scope="openid profile ssin offline_access",
        may_read_ssin=True,
        first_party=True,
        metadata=ClientMetadata(grant_types=GRANT_TYPES),
    )
    with reading(site.database) as connection:
        hospital = find_client(connection, "hospital")
    assert hospital is not None
    return RelyingParty(site, client, hospital, SECRET)


@pytest.fixture
def screen(site: Site, client: TestClient) -> Iterator[Screen]:
    """Hanne, signed in on the laptop with which she enrolled."""
    with closing(shared_sources(site)):
        yield enrolled(site, client)[1]


def says(real: Running, said: Said) -> None:
    real.server.dictated = lambda seen: said if is_question(seen) else None


def is_question(seen: Seen) -> bool:
    return seen.path == "/citizen"


def asked(real: Running) -> int:
    return len(real.server.asked("/citizen"))


def tokens(rp: RelyingParty, screen: Screen) -> Any:
    scope = "openid profile ssin offline_access"
    return rp.redeem(query(authorize(screen, scope=scope))["code"]).json()


def refreshed(rp: RelyingParty, token: str) -> Any:
    return rp.redeem(None, grant_type="refresh_token", refresh_token=token)


def test_it_is_asked_once_in_a_while(
    screen: Screen, rp: RelyingParty, real: Running, clock: MovableClock
) -> None:
    before = asked(real)
    for _ in range(3):
        tokens(rp, screen)
    assert asked(real) == before
    clock.advance(minutes=5)
    for _ in range(3):
        tokens(rp, screen)
    assert asked(real) == before + 1


@pytest.mark.parametrize("said", CANCELLATIONS)
def test_whose_number_was_cancelled_is_signed_out_of_everything_like_the_dead(
    site: Site,
    screen: Screen,
    rp: RelyingParty,
    real: Running,
    clock: MovableClock,
    said: str,
) -> None:
    got = tokens(rp, screen)
    says(real, CANCELLATIONS[said])
    clock.advance(minutes=5)
    assert urlsplit(authorize(screen)).path == "/login"
    assert rp.userinfo(got["access_token"]).status_code == 401
    assert refreshed(rp, got["refresh_token"]).json()["error"] == "invalid_grant"
    with reading(site.database) as connection:
        assert connection.execute(select(persons.c.deceased)).scalar_one() is True
    answer = screen.sign_in()
    assert answer.status_code >= 400


def test_what_goes_on_without_its_person_ends_as_well(
    screen: Screen, rp: RelyingParty, real: Running, clock: MovableClock
) -> None:
    got = tokens(rp, screen)
    says(real, CANCELLATIONS["a problem"])
    assert refreshed(rp, got["refresh_token"]).status_code == 200
    clock.advance(minutes=5)
    assert refreshed(rp, got["refresh_token"]).json()["error"] == "invalid_grant"


def test_a_number_that_was_replaced_is_told_at_the_next_login(
    site: Site, screen: Screen, rp: RelyingParty, real: Running, clock: MovableClock
) -> None:
    got = tokens(rp, screen)
    assert rp.userinfo(got["access_token"]).json()["ssin"] == SSIN
    says(real, tells(ssin=NEW, previousSsins=[SSIN], lastName="Peeters"))
    clock.advance(minutes=5)
    claims = rp.userinfo(tokens(rp, screen)["access_token"]).json()
    assert (claims["ssin"], claims["family_name"]) == (NEW, "Peeters")
    with reading(site.database) as connection:
        person_id = connection.execute(select(persons.c.id)).scalar_one()
        assert current_ssin(connection, site.secrets, person_id) == NEW


@pytest.mark.parametrize(
    "said",
    [
        pytest.param(Said(503), id="down"),
        pytest.param(problem(404, type=NOT_FOUND), id="nobody"),
        pytest.param(Said(200, b"{}"), id="nonsense"),
        pytest.param(tells(ssin=NEW), id="another person"),
        pytest.param(tells(firstName="\u202e" * 10), id="a name that cannot be shown"),
    ],
)
def test_a_register_that_says_nothing_of_them_keeps_nobody_out(
    screen: Screen, rp: RelyingParty, real: Running, clock: MovableClock, said: Said
) -> None:
    got = tokens(rp, screen)
    says(real, said)
    clock.advance(minutes=5)
    again = tokens(rp, screen)
    assert rp.userinfo(again["access_token"]).json()["family_name"] == "Van der Meulen"
    assert refreshed(rp, got["refresh_token"]).status_code == 200
