"""Finding somebody, their page and the audit search read no large table whole, on either database.

With a hundred thousand people and a million rows that is what their time depends on (`make bench`
measures it); a plan says so with a handful of rows, and on any machine.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

import pytest

from authn.db.transaction import reading
from authn.web.site import Site
from tests.console.desk import CitizenAtHome, DeskScreen
from tests.console.test_find import search
from tests.plans import Plan, as_if_new, heard, plan_of

# What grows with the people and with what happens; of the others there are a handful.
LARGE = {
    "persons",
    "person_ssins",
    "devices",
    "installations",
    "sessions",
    "contact_addresses",
    "audit_events",
    "audit_chain",
    "grants",
    "consents",
    "outbox",
    "profiles",
    "register_citizens",
}
FILTERS = {
    "everything": "",
    "a day": "since=2026-01-01",
    "an event": "event=session.signed-in",
    "a person": f"person={uuid4()}",
    "a member of staff": f"actor={uuid4()}",
    "an application": "application=demo",
    "a reference": "reference=ABCDEFGHJK",
    "an event of an application": "event=session.signed-in&application=demo",
    "an event of a person": f"event=session.signed-in&person={uuid4()}",
}


@contextmanager
def planned(site: Site) -> Iterator[list[Plan]]:
    """The plans of all that is asked of the database inside the block."""
    plans: list[Plan] = []
    with heard(site.database.reader, site.database.writer) as statements:
        yield plans
    with as_if_new(site.database.writer, LARGE) as connection:
        plans += [plan_of(connection, each) for each in statements]


def check(plans: list[Plan]) -> None:
    """No large table is read whole; along an index only in its order, so that it may stop."""
    assert plans
    for plan in plans:
        assert not LARGE & {*plan.scanned_whole}, plan
        assert not (LARGE & {*plan.in_order} and plan.sorted), plan


@pytest.mark.parametrize(
    "fields",
    [
        {"clue": "03410100128"},
        {"clue": "ABCDEFGHJK"},
        {"clue": "hanne@example.be"},
        {"name": "Peeters", "birthdate": "01.01.1980"},
        {"clue": "03410100326"},
    ],
    ids=["number", "reference", "address", "name", "nobody"],
)
def test_finding_somebody_goes_down_indexes(
    agent: DeskScreen, citizen: CitizenAtHome, site: Site, fields: dict[str, str]
) -> None:
    with planned(site) as plans:
        assert search(agent, **fields).status_code < 400
    check(plans)


def test_the_page_of_a_person_goes_down_indexes(
    agent: DeskScreen, citizen: CitizenAtHome, site: Site
) -> None:
    agent.give_reason(citizen.person.id)
    with planned(site) as plans:
        assert agent.get(f"/desk/people/{citizen.person.id}").status_code == 200
    check(plans)


@pytest.mark.parametrize("asked", FILTERS.values(), ids=FILTERS)
def test_the_audit_search_goes_down_the_index_of_what_is_asked(
    auditor: DeskScreen, citizen: CitizenAtHome, site: Site, asked: str
) -> None:
    with planned(site) as plans:
        assert auditor.get(f"/desk/audit?{asked}").status_code == 200
    check(plans)


def test_a_search_without_an_index_would_be_told(site: Site) -> None:
    """What these tests look for, they find."""
    for question in (
        "SELECT id FROM persons WHERE given_name = 'Hanne'",
        "SELECT id FROM audit_events WHERE details = 'x' ORDER BY seal LIMIT 1",
    ):
        with planned(site) as plans, reading(site.database) as connection:
            connection.exec_driver_sql(question)
        with pytest.raises(AssertionError):
            check(plans)
