"""Attempts to get what needs two operators by one: by moving a holder, or what a request names."""

from typing import Any

import pytest
from sqlalchemy import update

from authn.clients.assertion_issuers import list_assertion_issuers
from authn.clients.resource_servers.exchange_pairs import list_exchanges
from authn.clients.resource_servers.resources import find_resource
from authn.console.merging import MERGE_STEPS
from authn.console.operator_request_rows import Kind, OperatorRequestInput
from authn.console.operator_requests import create_request
from authn.db.transaction import reading, writing
from authn.people.merge import merge_persons
from authn.people.persons import find_or_create_person
from authn.people.tables import Person, persons
from authn.web.site import Site
from tests.citizen import HANNE, KARIM, activation_code
from tests.conftest import MovableClock
from tests.console.acting import desk_of, rows
from tests.console.conftest import MakeStaff
from tests.console.desk import DeskScreen
from tests.console.test_desk_command import command as desk_command
from tests.console.test_operator_clients import CLIENTS, client_of, confirmed
from tests.console.test_two_at_machine import (
    ADD,
    WHY,
    Command,
    appointed,
    command,
    roles_of,
    second,
    told,
    waiting_in,
)
from tests.console.test_two_operators import change
from tests.console.two_operators import agree, asked, every_request, sent, states
from tests.mailbox import confirm_for
from tests.occasion import job
from tests.screens import problem

__all__ = ["command", "desk_command", "second"]  # fixtures

LETTERS = "https://letters.example"
THIEF = "https://thief.example/cb"
EXCHANGE = ("exchanges", "allow", "hospital", "hospital", LETTERS)
ISSUER = (
    *("assertion-issuers", "add", "https://issuer.example", "--client", "hospital"),
    *("--subject-client", "hospital", "--jwks-uri", "https://issuer.example/keys"),
)
HOLDER = ("resources", "change", LETTERS, "--client", "hospital")


@pytest.fixture
def letters(command: Command, operator: DeskScreen, second: DeskScreen) -> None:
    """A resource that reads national numbers, and an application that has nothing yet."""
    operator.screen.client.headers["Accept-Language"] = "en"
    command.done("clients", *ADD)
    words = ("resources", "add", LETTERS, "--name", "Letters", "--scope", "read=Read letters")
    assert agree(second, waiting_in(command.done(*words, "--ssin", *WHY))).status_code == 200


def moved(operator: DeskScreen) -> Any:
    """The page on which an operator would send the application's people elsewhere."""
    return change(operator, "hospital", redirect_uris=THIEF)


@pytest.mark.usefixtures("letters")
@pytest.mark.parametrize("held", [EXCHANGE, ISSUER], ids=["exchange", "issuer"])
def test_who_has_an_exchange_or_an_issuer_is_moved_by_two(
    command: Command, operator: DeskScreen, second: DeskScreen, site: Site, held: tuple[str, ...]
) -> None:
    assert agree(second, waiting_in(command.done(*held, *WHY))).status_code == 200
    page = moved(operator)
    assert "A second operator must agree" in page.text
    asked(sent(operator, page))
    client = client_of(site, "hospital")
    assert client is not None
    assert THIEF not in client.redirect_uris


@pytest.mark.usefixtures("letters")
@pytest.mark.parametrize("asks", [EXCHANGE, ISSUER, HOLDER], ids=["exchange", "issuer", "resource"])
def test_what_names_an_application_is_for_it_as_it_was_then(
    command: Command, operator: DeskScreen, second: DeskScreen, site: Site, asks: tuple[str, ...]
) -> None:
    request = waiting_in(command.done(*asks, *WHY))
    answer = confirmed(operator, moved(operator), f"{CLIENTS}/hospital/change")
    assert answer.status_code == 200
    assert problem(agree(second, request)) == "changed-meanwhile"
    with reading(site.database) as connection:
        assert list_exchanges(connection) == []
        assert list_assertion_issuers(connection) == []
        found = find_resource(connection, LETTERS)
    assert found is not None
    assert found.client_id is None


@pytest.mark.usefixtures("letters")
def test_another_exchange_leaves_the_one_that_waits(
    command: Command, second: DeskScreen, site: Site
) -> None:
    command.done("clients", "add", "Post", "--client-id", "post", "--redirect-uri", THIEF)
    first = waiting_in(command.done(*EXCHANGE, *WHY))
    other = ("exchanges", "allow", "hospital", "post", LETTERS)
    last = waiting_in(command.done(*other, *WHY))
    again = waiting_in(command.done(*other, *WHY))
    assert sorted(states(site)) == ["approved", "waiting", "waiting", "withdrawn"]
    assert problem(agree(second, last)) == "approval-over"
    for each in (first, again):
        assert agree(second, each).status_code == 200
    with reading(site.database) as connection:
        assert len(list_exchanges(connection)) == 2


def test_a_role_of_who_turns_out_to_be_two_is_asked_anew(
    command: Command, make_staff: MakeStaff, site: Site
) -> None:
    """Devices of the one sign in as the other from then on: nobody agreed to that."""
    there = make_staff("supervisor")
    with writing(site.database) as connection:
        kept = find_or_create_person(connection, site.secrets, KARIM, site.clock())
        merged = find_or_create_person(connection, site.secrets, HANNE, site.clock())
    request = waiting_in(appointed(command, "supervisor", kept, *WHY))
    with writing(site.database) as connection:
        merge_persons(job(site, connection), merged.id, kept.id, MERGE_STEPS.values())
    assert states(site) == ["withdrawn"]
    assert problem(agree(there, request)) == "approval-over"
    assert roles_of(site, kept) == set()


def test_nobody_who_died_meanwhile_gets_a_role(
    command: Command, make_staff: MakeStaff, site: Site
) -> None:
    there = make_staff("supervisor")
    person, _ = activation_code(site, KARIM)
    request = waiting_in(appointed(command, "supervisor", person, *WHY))
    _died(site, person)
    assert agree(there, request).status_code >= 400
    assert (states(site), roles_of(site, person)) == (["failed"], set())


def _died(site: Site, person: Person) -> None:
    statement = update(persons).where(persons.c.id == person.id).values(deceased=True)
    with writing(site.database) as connection:
        connection.execute(statement)


def test_what_was_asked_at_the_machine_and_agreed_to_is_told_to_all(
    command: Command, operator: DeskScreen, second: DeskScreen, site: Site
) -> None:
    """Whoever is at the machine may be the very operator who agrees."""
    for each, name in ((operator, "els"), (second, "an")):
        confirm_for(site, each.person, f"{name}@desk.example")
    request = waiting_in(command.done("clients", *ADD, "--ssin", *WHY))
    assert told(site) == set()
    assert agree(second, request).status_code == 200
    assert told(site) == {("els@desk.example", "much-agreed"), ("an@desk.example", "much-agreed")}
    assert len(every_request(site)) == 1
    assert rows(site, "operator.acted-alone") == []


def test_who_dismisses_all_of_them_first_does_not_act_unseen(
    command: Command, operator: DeskScreen, second: DeskScreen, site: Site, clock: MovableClock
) -> None:
    for each, name in ((operator, "els"), (second, "an")):
        confirm_for(site, each.person, f"{name}@desk.example")
        command.done("staff", "dismiss", "operator", "--person", str(each.person.id))
    clock.advance(days=6)
    assert "WARNING" in command.done("clients", *ADD, "--ssin", *WHY)
    given = {to for to, notice in told(site) if notice == "much-given"}
    assert given == {"els@desk.example", "an@desk.example"}


@pytest.mark.parametrize("kind", ["new-client", "new-resource"])
def test_what_waits_from_before_there_was_a_column_is_asked_anew(
    operator: DeskScreen, second: DeskScreen, site: Site, kind: Kind
) -> None:
    """The service was upgraded meanwhile."""
    wanted = OperatorRequestInput(kind, "hospital", ("ssin",), (), {"client_id": "hospital"})
    with writing(site.database) as connection:
        desk = desk_of(site, operator, at="Brussels")
        request = create_request(job(site, connection), desk, wanted, "They send letters", "").id
    assert problem(agree(second, request)) == "changed-meanwhile"
    assert states(site) == ["failed"]
