"""The sources are asked when an answer is due, embedded or outside, and never twice in vain."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from sqlalchemy import select, update

from authn.db.transaction import NeedsToWrite, reading, writing
from authn.people.persons import find_person
from authn.people.tables import Person, persons
from authn.profiles.appointments import appoint, dismiss
from authn.profiles.available import list_unusable_questions
from authn.profiles.kinds import BY_QUESTION
from authn.profiles.refreshing import refresh_from_sources
from authn.sources.answers import find_source_answers
from authn.sources.facts import DeskRoles
from authn.sources.questions import OUR_OWN, QuestionName
from authn.sources.tables import register_citizens
from authn.web.routing import NeededFromOutside
from authn.web.site import Site
from tests.capacities import Asking, knows, knows_no
from tests.citizen import SSIN
from tests.conftest import MovableClock
from tests.profiles.conftest import answered, facts_offered
from tests.profiles.sample_facts import FOR_FIRM, FOR_JURGEN, PHYSICIAN
from tests.sources_server import Running, Said
from tests.together import at_once

ALL = tuple(each for each in BY_QUESTION if each not in OUR_OWN)


def up_to_date(site: Site, person: Person, *questions: QuestionName) -> None:
    answered(site, lambda request: refresh_from_sources(request, person.id, questions))


# Embedded twins


def test_an_embedded_twin_is_read_at_once(site: Site, hanne: Person) -> None:
    knows(site, SSIN, PHYSICIAN, FOR_JURGEN)
    up_to_date(site, hanne, "qualities", "mandates")
    assert facts_offered(site, hanne) == [None, PHYSICIAN, FOR_JURGEN]


def test_what_is_fresh_is_not_read_again_and_may_be_looked_at_without_writing(
    site: Site, hanne: Person, clock: MovableClock
) -> None:
    knows(site, SSIN, FOR_JURGEN)
    up_to_date(site, hanne, "mandates")
    clock.advance(minutes=4)
    with reading(site.database) as connection:
        refresh_from_sources(Asking(connection, site), hanne.id, ["mandates"])
    clock.advance(minutes=1)
    with reading(site.database) as connection, pytest.raises(NeedsToWrite):
        refresh_from_sources(Asking(connection, site), hanne.id, ["mandates"])


def test_an_import_counts_at_the_next_look(site: Site, hanne: Person) -> None:
    knows(site, SSIN, FOR_JURGEN)
    up_to_date(site, hanne, "mandates")
    knows_no(site, SSIN, "mandates")
    up_to_date(site, hanne, "mandates")
    assert facts_offered(site, hanne) == [None]


def test_only_what_is_needed_is_asked(site: Site, hanne: Person) -> None:
    knows(site, SSIN, PHYSICIAN, FOR_JURGEN)
    up_to_date(site, hanne, "qualities")
    assert facts_offered(site, hanne) == [None, PHYSICIAN]
    with reading(site.database) as connection:
        assert set(find_source_answers(connection, hanne.id)) == {"qualities"}


def test_two_looks_at_once_take_the_answer_without_a_second_row(site: Site, hanne: Person) -> None:
    knows(site, SSIN, FOR_JURGEN, FOR_FIRM)
    at_once(lambda: up_to_date(site, hanne, "mandates"))
    assert facts_offered(site, hanne) == [None, FOR_FIRM, FOR_JURGEN]


@pytest.mark.usefixtures("register")
def test_the_citizen_is_as_the_register_says(site: Site, hanne: Person) -> None:
    with writing(site.database) as connection:
        connection.execute(update(register_citizens).values(family_name="Maes"))
    up_to_date(site, hanne, "citizen")
    with reading(site.database) as connection:
        found = find_person(connection, hanne.id)
    assert found
    assert found.family_name == "Maes"


def test_who_is_not_in_the_register_stays_as_known(site: Site, hanne: Person) -> None:
    up_to_date(site, hanne, "citizen")
    with reading(site.database) as connection:
        assert find_person(connection, hanne.id) == hanne
        assert "citizen" in find_source_answers(connection, hanne.id)


# Sources outside


def test_a_source_outside_is_asked_when_no_transaction_is_open(
    outside: Site, hanne: Person, real: Running
) -> None:
    with reading(outside.database) as connection, pytest.raises(NeededFromOutside):
        refresh_from_sources(Asking(connection, outside), hanne.id, ALL)
    assert real.server.seen == []
    up_to_date(outside, hanne, *ALL)
    kinds = [type(fact).__name__ for fact in facts_offered(outside, hanne) if fact]
    assert kinds == ["Quality", "Membership", "Mandate"], "the child is too old"
    for question in ALL:
        assert len(real.server.asked(f"/{question}")) == 1


def test_the_register_outside_tells_of_names_and_former_numbers(
    outside: Site, hanne: Person, real: Running
) -> None:
    with writing(outside.database) as connection:
        connection.execute(persons.update().values(family_name="Oud"))
    up_to_date(outside, hanne, "citizen")
    with reading(outside.database) as connection:
        assert connection.execute(select(persons.c.family_name)).scalar() == "Van der Meulen"


def test_a_source_that_is_down_is_asked_once_and_left_for_half_a_minute(
    outside: Site, hanne: Person, real: Running, clock: MovableClock
) -> None:
    real.server.dictated = lambda seen: Said(500) if seen.path == "/mandates" else None
    up_to_date(outside, hanne, *ALL)
    up_to_date(outside, hanne, *ALL)
    assert len(real.server.asked("/mandates")) == 1
    with reading(outside.database) as connection:
        assert list_unusable_questions(connection, outside.settings, hanne.id, clock()) == [
            "mandates"
        ]
    kinds = [type(fact).__name__ for fact in facts_offered(outside, hanne) if fact]
    assert kinds == ["Quality", "Membership"], "the others work"
    clock.advance(seconds=30)
    up_to_date(outside, hanne, *ALL)
    assert len(real.server.asked("/mandates")) == 2


def test_what_it_said_last_is_used_while_it_is_down_and_not_for_ever(
    outside: Site, hanne: Person, real: Running, clock: MovableClock
) -> None:
    up_to_date(outside, hanne, "mandates")
    before = facts_offered(outside, hanne)
    assert len(before) == 2
    real.server.dictated = lambda seen: Said(500)
    clock.advance(minutes=59)
    up_to_date(outside, hanne, "mandates")
    assert facts_offered(outside, hanne) == before
    clock.advance(minutes=1)
    up_to_date(outside, hanne, "mandates")
    assert facts_offered(outside, hanne) == [None]
    real.server.dictated = lambda seen: None
    clock.advance(minutes=1)
    up_to_date(outside, hanne, "mandates")
    assert facts_offered(outside, hanne) == before


@pytest.mark.parametrize(
    "body", [b"", b"[]", b'{"mandates":[{"mandateId":"m-1"}]}', b'{"mandates":null}', b"\xff\xfe"]
)
def test_what_nobody_can_read_is_no_answer(
    outside: Site, hanne: Person, real: Running, body: bytes
) -> None:
    up_to_date(outside, hanne, "mandates")
    before = facts_offered(outside, hanne)
    outside.clock.advance(minutes=5)  # type: ignore[attr-defined]
    real.server.dictated = lambda seen: Said(200, body) if seen.path == "/mandates" else None
    up_to_date(outside, hanne, "mandates")
    assert facts_offered(outside, hanne) == before
    assert len(before) == 2


def test_who_is_gone_meanwhile_is_not_asked_about(outside: Site, hanne: Person) -> None:
    nobody = replace(hanne, id=type(hanne.id)(int=9))
    fetches: list[Callable[[], None]] = []
    with reading(outside.database) as connection:
        try:
            refresh_from_sources(Asking(connection, outside), nobody.id, ["mandates"])
        except NeededFromOutside as needed:
            fetches.append(needed.fetch)
    fetches[0]()
    with reading(outside.database) as connection:
        assert find_source_answers(connection, nobody.id) == {}


# Our own register of staff


def test_who_is_staff_is_asked_of_nobody_outside(
    outside: Site, hanne: Person, real: Running
) -> None:
    with writing(outside.database) as connection:
        appoint(connection, outside.secrets, hanne.id, "agent", "Ghent", outside.clock())
    up_to_date(outside, hanne, "staff")
    assert facts_offered(outside, hanne) == [None, DeskRoles("Ghent", ("agent",))]
    assert real.server.seen == []


def test_a_role_that_ends_by_a_clock_that_is_behind_ends_all_the_same(
    site: Site, hanne: Person, clock: MovableClock
) -> None:
    def change(what: Callable[..., bool], *role: str) -> None:
        with writing(site.database) as connection:
            assert what(connection, site.secrets, hanne.id, *role, clock())

    change(appoint, "agent", "Ghent")
    change(appoint, "auditor", "Ghent")
    up_to_date(site, hanne, "staff")
    clock.advance(seconds=-5)
    change(dismiss, "auditor")
    assert facts_offered(site, hanne) == [None]
    up_to_date(site, hanne, "staff")
    assert facts_offered(site, hanne) == [None, DeskRoles("Ghent", ("agent",))]


def test_a_role_that_ends_while_somebody_looks_is_in_no_capacity_after(
    site: Site, hanne: Person
) -> None:
    with writing(site.database) as connection:
        appoint(connection, site.secrets, hanne.id, "agent", "Ghent", site.clock())

    def end() -> None:
        with writing(site.database) as connection:
            dismiss(connection, site.secrets, hanne.id, "agent", site.clock())

    acts: list[Callable[[], None]] = [end, *[lambda: up_to_date(site, hanne, "staff")] * 5]
    at_once(lambda: acts.pop()(), 6)
    assert facts_offered(site, hanne) == [None]
    up_to_date(site, hanne, "staff")
    assert facts_offered(site, hanne) == [None]
