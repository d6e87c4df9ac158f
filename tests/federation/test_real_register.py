"""Who proves who they are is looked up in the real national register, where one is configured.

It is asked between the upstream's answer and the transaction, never inside it (decisions 4.18).
"""

import pytest
from sqlalchemy import func, select

from authn.db.once import spent_tokens
from authn.db.transaction import reading
from authn.people.numbers import current_ssin
from authn.people.persons import find_person_by_ssin
from authn.people.tables import persons
from authn.settings import Settings
from authn.web.site import Site
from tests.federation.journey import Journey
from tests.federation.upstream import Provider
from tests.sources_server import (
    CANCELLED,
    MANDATOR,
    MOTHER,
    MOTHER_BEFORE,
    UNKNOWN,
    Running,
    Said,
)


@pytest.fixture
def settings(settings: Settings, real: Running) -> Settings:
    """The settings of a service that asks it; the embedded twin is full of other people."""
    return real.settings(settings)


def known(site: Site, ssin: str) -> str:
    """The present number of the person who has or had this one; "" for nobody."""
    with reading(site.database) as connection:
        person = find_person_by_ssin(connection, site.secrets, ssin)
        return current_ssin(connection, site.secrets, person.id) if person else ""


def counts(site: Site) -> list[int]:
    """How many persons and spent states there are."""
    with reading(site.database) as connection:
        return [
            connection.execute(select(func.count()).select_from(table)).scalar_one()
            for table in (persons, spent_tokens)
        ]


@pytest.mark.parametrize("ssin", [MOTHER, MOTHER_BEFORE])
def test_whom_the_register_knows_has_a_proof(
    journey: Journey, fas: Provider, site: Site, real: Running, ssin: str
) -> None:
    """By any number: the person has the present one."""
    fas.ssin = ssin
    assert journey.proof(fas)
    assert known(site, MOTHER_BEFORE) == known(site, MOTHER) == MOTHER
    assert real.server.asked("/citizen")


@pytest.mark.parametrize("ssin", [CANCELLED, UNKNOWN])
def test_whom_it_does_not_know_has_none(
    journey: Journey, fas: Provider, site: Site, ssin: str
) -> None:
    """Though the embedded twin does: a source that is configured is never replaced by it."""
    fas.ssin = ssin
    answer = journey.come_back(fas)
    assert answer.status_code == 403
    assert "We do not find you in the national register" in answer.text
    assert counts(site) == [0, 1]


def test_while_it_is_down_nothing_is_decided(
    journey: Journey, fas: Provider, site: Site, real: Running
) -> None:
    fas.ssin = MANDATOR
    real.server.dictated = lambda seen: None if seen.path == "/token" else Said(500)
    answer = journey.come_back(fas)
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "30"
    assert "This is not possible right now" in answer.text
    assert "The national register could not be asked right now." in answer.text
    assert MANDATOR not in answer.text
    assert counts(site) == [0, 0]

    real.server.dictated = lambda _: None
    assert journey.proof(fas)
    assert known(site, MANDATOR) == MANDATOR


def test_no_transaction_is_open_while_it_is_asked(
    journey: Journey, fas: Provider, site: Site, real: Running
) -> None:
    opened: list[int] = []

    def look(_: object) -> Said | None:
        pool = site.database.writer.pool
        opened.append(pool.checkedout())  # type: ignore[attr-defined]
        return None

    real.server.dictated = look
    assert journey.proof(fas)
    assert opened
    assert set(opened) == {0}
