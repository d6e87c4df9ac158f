"""What gives much is asked by one operator, and done exactly so when a second one agrees."""

import re
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import orjson
import pytest
from sqlalchemy import update

from authn.clients.clients import find_client
from authn.clients.resource_servers.resources import find_resource
from authn.console.approval_expiry import expire_overdue
from authn.console.operator_request_rows import forget_old_requests
from authn.console.operator_requests import approve_request, withdraw_request
from authn.console.tables import operator_requests
from authn.db.occasion import Occasion
from authn.db.transaction import reading, writing
from authn.errors import Expired, Refusal
from authn.profiles.appointments import dismiss
from authn.secrets import token_hash
from authn.web.site import Site
from tests.citizen import HANNE, KARIM
from tests.conftest import MovableClock
from tests.console.acting import desk_of, rows
from tests.console.conftest import MakeStaff
from tests.console.desk import STAFF, DeskScreen
from tests.console.test_operator_clients import (
    CLIENTS,
    client_of,
    confirmed,
    filled,
    form_of,
    registered,
)
from tests.console.two_operators import (
    NUMBERS,
    REQUESTS,
    WHY,
    agree,
    ask_for,
    asked,
    every_request,
    sent,
    states,
)
from tests.occasion import job
from tests.screens import answered, ceremony, problem
from tests.together import at_once

EVENTS = (
    "operator-request.asked",
    "operator-request.approved",
    "operator-request.refused",
    "operator-request.withdrawn",
    "operator-request.expired",
    "operator-request.failed",
)


@pytest.fixture
def operator(operator: DeskScreen) -> DeskScreen:
    """An operator who reads English."""
    operator.screen.client.headers["Accept-Language"] = "en"
    return operator


@pytest.fixture
def second(make_staff: MakeStaff) -> DeskScreen:
    """Another one, of another desk."""
    made = make_staff("operator", desk="Namur", citizen=STAFF["agent"])
    made.screen.client.headers["Accept-Language"] = "en"
    return made


def change(operator: DeskScreen, client_id: str, **fields: str) -> Any:
    """The page that shows what these fields would change."""
    path = f"{CLIENTS}/{client_id}/edit"
    return operator.post_form(path, **{**form_of(operator.get(path).text), **fields})


def holder(operator: DeskScreen, second: DeskScreen) -> None:
    """An application that reads national numbers."""
    assert agree(second, asked(ask_for(operator))).status_code == 200


def test_an_application_that_reads_numbers_waits_for_a_second_and_is_then_as_shown(
    operator: DeskScreen, second: DeskScreen, site: Site
) -> None:
    page = filled(operator, client_id="hospital", **NUMBERS)
    assert "A second operator must agree" in page.text
    assert "national number of whoever signs in" in page.text
    answer = sent(operator, page)
    request = asked(answer)
    assert client_of(site, "hospital") is None
    shown = second.get(f"{REQUESTS}/{request}").text
    for words in ("Els Schmitz", WHY["why"], "T-7", "may_read_ssin", "Agree, and do it now"):
        assert words in shown
    assert answer.json()["client_secret"] not in shown
    assert agree(second, request).json() == {"location": f"{REQUESTS}/{request}"}
    client = client_of(site, "hospital")
    assert client is not None
    assert client.may_ask("ssin")
    assert client.client_secret_hash == token_hash(answer.json()["client_secret"])
    assert client.created_at == site.clock()
    told = [(row["event"], row["actor_id"], row["role"]) for row in rows(site, *EVENTS)]
    assert told == [
        ("operator-request.asked", operator.person.id, "operator"),
        ("operator-request.approved", second.person.id, "operator"),
    ]
    (made,) = rows(site, "client.registered")
    assert (made["client_id"], made["actor_id"]) == ("hospital", operator.person.id)
    assert "Approved, An Peeters" in operator.get(f"{REQUESTS}/{request}").text


@pytest.mark.parametrize(
    "fields",
    [
        {"first_party": "on"},
        {"profile_kinds:staff": "on"},
        {"may_read_ssin": "on"},
    ],
    ids=str,
)
def test_each_of_what_gives_much_is_asked(
    operator: DeskScreen, second: DeskScreen, site: Site, fields: dict[str, str]
) -> None:
    registered(operator, client_id="hospital")
    page = change(operator, "hospital", **fields)
    before = client_of(site, "hospital")
    request = asked(sent(operator, page))
    assert client_of(site, "hospital") == before
    assert agree(second, request).status_code == 200
    assert client_of(site, "hospital") != before


def test_a_holder_is_moved_by_two_and_loses_it_by_one(
    operator: DeskScreen, second: DeskScreen, site: Site
) -> None:
    holder(operator, second)
    elsewhere = change(operator, "hospital", redirect_uris="https://thief.example/cb")
    assert "A second operator must agree" in elsewhere.text
    asked(sent(operator, elsewhere))
    client = client_of(site, "hospital")
    assert client is not None
    assert client.redirect_uris == ("https://hospital.example/callback",)
    path = f"{CLIENTS}/hospital/edit"
    kept = form_of(operator.get(path).text)
    kept.pop("may_read_ssin")
    less = operator.post_form(path, **{**kept, "scope": "openid profile"})
    assert "A second operator must agree" not in less.text
    assert confirmed(operator, less, f"{CLIENTS}/hospital/change").status_code == 200
    client = client_of(site, "hospital")
    assert client is not None
    assert not client.may_read_ssin


def test_a_resource_that_reads_numbers_is_asked_too(
    operator: DeskScreen, second: DeskScreen, site: Site
) -> None:
    new = "/desk/operator/new-resource"
    fields = {"resource": "https://letters.example", "resource_name": "Letters"}
    filled_in = {**form_of(operator.get(new).text), **fields, "may_read_ssin": "on"}
    page = operator.post_form(new, **filled_in)
    request = asked(sent(operator, page))
    assert agree(second, request).status_code == 200
    with reading(site.database) as connection:
        found = find_resource(connection, "https://letters.example")
    assert found is not None
    assert found.may_read_ssin


def test_nobody_agrees_to_what_they_asked_and_no_other_role_does(
    operator: DeskScreen, second: DeskScreen, make_staff: MakeStaff, site: Site
) -> None:
    request = asked(ask_for(operator))
    assert "Agree" not in operator.get(f"{REQUESTS}/{request}").text
    assert agree(operator, request).status_code == 404
    supervisor = make_staff("supervisor")
    assert supervisor.get(f"{REQUESTS}/{request}").status_code == 404
    assert agree(supervisor, request).status_code == 404
    assert make_staff("auditor", citizen=HANNE).get(REQUESTS).status_code == 404
    assert states(site) == ["waiting"]
    assert [row["refused"] for row in rows(site, "desk.refused")][:1] == ["not by this one"]


def test_who_is_alone_reads_that_there_is_no_second_and_cannot_ask(
    operator: DeskScreen, site: Site
) -> None:
    page = filled(operator, client_id="hospital", **NUMBERS)
    assert "There is no second operator" in page.text
    assert "data-ceremony" not in page.text
    assert "You are the only operator" in operator.get(REQUESTS).text
    assert 'name="why"' not in page.text
    assert every_request(site) == []


def test_alone_a_call_is_refused_as_the_page_says(
    operator: DeskScreen, second: DeskScreen, site: Site
) -> None:
    page = filled(operator, client_id="hospital", **NUMBERS)
    with writing(site.database) as connection:
        dismiss(connection, site.secrets, second.person.id, "operator", site.clock())
    answer = sent(operator, page)
    assert problem(answer) == "no-second-operator"
    assert (every_request(site), client_of(site, "hospital")) == ([], None)


@pytest.mark.parametrize(
    "why", ["", " ", "x" * 501, "a\nb", f"for {HANNE.ssin}"], ids=["no", "space", "long", "n", "nr"]
)
def test_without_a_reason_nothing_is_asked(
    operator: DeskScreen, second: DeskScreen, site: Site, why: str
) -> None:
    page = filled(operator, client_id="hospital", **NUMBERS)
    answer = sent(operator, page, why=why, ticket="")
    assert answer.status_code == 400
    assert every_request(site) == []


def test_a_refusal_says_why_and_a_withdrawal_is_of_who_asked(
    operator: DeskScreen, second: DeskScreen, site: Site
) -> None:
    request = asked(ask_for(operator))
    assert second.post_form(f"{REQUESTS}/{request}/withdraw").status_code == 404
    assert second.post_form(f"{REQUESTS}/{request}/refuse", remark="No contract").status_code == 303
    assert "No contract" in operator.get(REQUESTS).text
    again = asked(ask_for(operator))
    assert operator.post_form(f"{REQUESTS}/{again}/withdraw").status_code == 303
    assert problem(agree(second, again)) == problem(agree(second, request)) == "approval-over"
    assert sorted(states(site)) == ["refused", "withdrawn"]
    assert client_of(site, "hospital") is None


def test_what_is_asked_anew_takes_the_place_of_what_waited(
    operator: DeskScreen, second: DeskScreen, site: Site, clock: MovableClock
) -> None:
    first = asked(ask_for(operator))
    clock.advance(minutes=1)
    last = asked(ask_for(operator, client_name="Clinic"))
    assert states(site) == ["withdrawn", "waiting"]
    assert problem(agree(second, first)) == "approval-over"
    assert agree(second, last).status_code == 200


def test_what_nobody_decides_is_over_by_itself_and_later_gone(
    operator: DeskScreen, second: DeskScreen, site: Site, clock: MovableClock
) -> None:
    request = asked(ask_for(operator))
    clock.advance(days=1, seconds=1)
    decider = desk_of(site, second, at="Namur")
    with writing(site.database) as connection, pytest.raises(Expired):
        approve_request(job(site, connection), decider, request)
    assert client_of(site, "hospital") is None
    assert expire_overdue(site.database, site.settings, site.secrets, site.clock()) == 1
    assert expire_overdue(site.database, site.settings, site.secrets, site.clock()) == 0
    (row,) = rows(site, "operator-request.expired")
    assert row["asked_by"] == str(operator.person.id)
    clock.advance(days=91)
    with writing(site.database) as connection:
        assert forget_old_requests(connection, site.clock()) == 1


def test_who_asked_and_is_no_operator_any_more_gets_nothing(
    operator: DeskScreen, second: DeskScreen, site: Site
) -> None:
    request = asked(ask_for(operator))
    with writing(site.database) as connection:
        dismiss(connection, site.secrets, operator.person.id, "operator", site.clock())
    assert problem(agree(second, request)) == "asker-may-not"
    assert (states(site), client_of(site, "hospital")) == (["failed"], None)
    (row,) = rows(site, "operator-request.failed")
    assert row["failure"] == "asker_may_not"


def test_what_was_changed_meanwhile_is_not_done(
    operator: DeskScreen, second: DeskScreen, site: Site
) -> None:
    registered(operator, client_id="hospital")
    page = change(operator, "hospital", **NUMBERS)
    request = asked(sent(operator, page))
    moved = change(operator, "hospital", redirect_uris="https://thief.example/cb")
    assert confirmed(operator, moved, f"{CLIENTS}/hospital/change").status_code == 200
    assert problem(agree(second, request)) == "changed-meanwhile"
    client = client_of(site, "hospital")
    assert client is not None
    assert not client.may_read_ssin


def test_an_id_that_was_taken_meanwhile_is_nobody_elses(
    operator: DeskScreen, second: DeskScreen, site: Site
) -> None:
    request = asked(ask_for(operator))
    registered(second, client_id="hospital")
    assert agree(second, request).status_code == 400
    client = client_of(site, "hospital")
    assert client is not None
    assert not client.may_read_ssin
    assert states(site) == ["failed"]


def test_a_row_that_was_changed_in_the_table_is_never_done(
    operator: DeskScreen, second: DeskScreen, site: Site
) -> None:
    request = asked(ask_for(operator))
    (found,) = every_request(site)
    values = {**found.wanted.values, "redirect_uris": ["https://thief.example/cb"]}
    content = {"gives": ["ssin"], "shown": found.wanted.shown, "values": values, "version": ""}
    statement = update(operator_requests).values(content=orjson.dumps(content).decode())
    with writing(site.database) as connection:
        connection.execute(statement)
    assert problem(agree(second, request)) == "not-as-asked"
    assert client_of(site, "hospital") is None


def test_what_is_confirmed_is_this_request_alone(
    operator: DeskScreen, second: DeskScreen, site: Site
) -> None:
    requests = [asked(ask_for(operator, client_id=name)) for name in ("one", "two")]
    options = ceremony(second.screen, f"{REQUESTS}/{requests[0]}/approve/options")
    answer = second.post_json(f"{REQUESTS}/{requests[1]}/approve", answered(second.screen, options))
    assert answer.status_code == 400
    assert second.post_json(f"{REQUESTS}/{requests[0]}/approve", {}).status_code == 400
    assert agree(second, uuid4()).status_code == 404
    assert states(site) == ["waiting", "waiting"]


def test_the_list_follows_and_the_first_page_counts(
    operator: DeskScreen, second: DeskScreen, site: Site
) -> None:
    before = second.get(f"{REQUESTS}/state").json()
    assert "Nothing waits" in second.get(REQUESTS).text
    request = asked(ask_for(operator))
    present = second.get(f"{REQUESTS}/state").json()
    assert present != before
    assert f'data-state="{present["state"]}"' in second.get(REQUESTS).text
    assert "Look and decide" in second.get(REQUESTS).text
    assert "Look and decide" not in operator.get(REQUESTS).text
    counts = [_count(each.get("/desk").text) for each in (operator, second)]
    assert counts == ["0", "1"]
    assert agree(second, request).status_code == 200
    assert second.get(f"{REQUESTS}/state").json() != present


def _count(page: str) -> str:
    return page.partition("Permissions and roles that wait for you")[2].partition("</span></a>")[0][
        -1:
    ]


# Twice at once


def test_of_two_who_agree_at_once_one_does(
    operator: DeskScreen, second: DeskScreen, make_staff: MakeStaff, site: Site
) -> None:
    third = make_staff("operator", desk="Liège", citizen=KARIM)
    request = asked(ask_for(operator))
    desks = [desk_of(site, second, at="Namur"), desk_of(site, third, at="Liège")] * 2

    def run() -> bool:
        desk = desks.pop()
        with writing(site.database) as connection:
            approve_request(job(site, connection), desk, request)
        return True

    results = at_once(run, threads=4)
    assert sum(each is True for each in results) == 1
    assert {each.error for each in results if isinstance(each, Refusal)} == {"approval_over"}
    assert len(rows(site, "client.registered")) == 1


def test_agreeing_against_taking_back_is_one_of_them(
    operator: DeskScreen, second: DeskScreen, site: Site
) -> None:
    request = asked(ask_for(operator))
    asker, decider = desk_of(site, operator, at="Brussels"), desk_of(site, second, at="Namur")
    acts: list[Callable[[Occasion], object]] = [
        lambda occasion: approve_request(occasion, decider, request),
        lambda occasion: withdraw_request(occasion, asker, request),
    ]

    def run() -> bool:
        act = acts.pop()
        with writing(site.database) as connection:
            act(job(site, connection))
        return True

    assert sum(each is True for each in at_once(run, threads=2)) == 1
    with reading(site.database) as connection:
        there = find_client(connection, "hospital") is not None
    assert states(site) == (["approved"] if there else ["withdrawn"])


def test_two_requests_for_one_application_are_not_both_done(
    operator: DeskScreen, second: DeskScreen, site: Site
) -> None:
    """One of each operator, agreed to by the other at the same moment."""
    registered(operator, client_id="hospital")
    made = []
    desks = {
        "One": desk_of(site, second, at="Namur"),
        "Two": desk_of(site, operator, at="Brussels"),
    }
    for each, name in ((operator, "One"), (second, "Two")):
        page = change(each, "hospital", **NUMBERS, client_name=name)
        request = asked(sent(each, page))
        made.append((desks[name], request))

    def run() -> bool:
        desk, request = made.pop()
        with writing(site.database) as connection:
            approve_request(job(site, connection), desk, request)
        return True

    assert sum(each is True for each in at_once(run, threads=2)) == 1
    assert sorted(states(site)) == ["approved", "failed"]
    assert len(rows(site, "client.changed")) == 1


def test_what_is_asked_is_called_by_its_name_and_not_by_a_random_id_alone(
    operator: DeskScreen, second: DeskScreen, site: Site
) -> None:
    request = asked(ask_for(operator, client_id="", client_name="Ziekenhuis Temse"))
    page = second.get(f"{REQUESTS}/{request}").text
    assert "<h1>Register the application Ziekenhuis Temse</h1>" in page
    (waits,) = every_request(site)
    assert f'<code class="long">{waits.wanted.target}</code>' in page
    assert waits.wanted.target not in page.partition("<h1>")[2].partition("</h1>")[0]
    assert agree(second, request).status_code == 200


def test_a_change_of_the_name_is_titled_by_the_name_that_people_know(
    operator: DeskScreen, second: DeskScreen
) -> None:
    registered(operator, client_id="hospital", client_name="Hospital")
    page = change(operator, "hospital", client_name="Town of Ghent", **NUMBERS)
    request = asked(sent(operator, page))
    assert "<h1>Change the application Hospital</h1>" in second.get(f"{REQUESTS}/{request}").text


def test_to_agree_is_no_button_to_press_in_passing(
    operator: DeskScreen, second: DeskScreen
) -> None:
    request = asked(ask_for(operator))
    (button,) = re.findall(
        r'class="button (\w+) [^>]+>Agree, and do it now', second.get(f"{REQUESTS}/{request}").text
    )
    assert button == "danger"


def test_the_page_that_explains_the_desk_explains_it_to_those_who_decide(
    operator: DeskScreen, make_staff: MakeStaff
) -> None:
    assert "What is done by two" in operator.get("/desk/help").text
    agent = make_staff("agent", citizen=KARIM)
    agent.screen.client.headers["Accept-Language"] = "en"
    assert "What is done by two" not in agent.get("/desk/help").text
