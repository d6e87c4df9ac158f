"""A role that is taken away in the same moment counts before or after, and never between.

Whoever ends a role holds its person, and the row of the role itself. What rests on that role waits
for the one or the other, and then finds it ended; or was first, and the end of the role waits.
"""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest
from httpx2 import Response

from authn.console.approvals import record_decision, request_approval, use_approval
from authn.db.transaction import writing
from authn.errors import Forbidden, Refusal
from authn.profiles.appointments import dismiss
from authn.web.site import Site
from tests.console.acting import act_path, desk_of, dismissed, every_approval, rows, statuses
from tests.console.desk import CitizenAtHome, DeskScreen
from tests.console.test_registration import ask as ask_for_code
from tests.console.test_registration import checked, letter, ticket_in
from tests.console.test_undo import blocked, undo
from tests.occasion import job
from tests.patience import SECONDS, meanwhile
from tests.together import at_once

Act = Callable[[], Any]


@pytest.fixture
def pool() -> Any:
    with ThreadPoolExecutor(1) as pool:
        yield pool


def while_ended(
    site: Site, pool: ThreadPoolExecutor, made: DeskScreen, role: str, act: Act
) -> Future[Any]:
    """The act begins while the end of the role is under way, which is then committed."""
    with writing(site.database) as connection:
        assert dismiss(connection, site.secrets, made.person.id, role, site.clock())
        running = pool.submit(act)
        meanwhile()
    return running


@pytest.fixture
def use(
    site: Site, registrar: DeskScreen, supervisor: DeskScreen, citizen: CitizenAtHome
) -> Callable[[Any], object]:
    """What the registrar asked and the supervisor approved is used, in a transaction."""
    asker, second = desk_of(site, registrar), desk_of(site, supervisor)
    with writing(site.database) as connection:
        asked = request_approval(job(site, connection), asker, "issue-code", citizen.person.id, {})
        record_decision(job(site, connection), second, asked.id, "approved")
    return lambda connection: use_approval(
        job(site, connection), asker, "issue-code", citizen.person.id, {}
    )


def in_transaction(site: Site, use: Callable[[Any], object]) -> object:
    with writing(site.database) as connection:
        return use(connection)


def test_an_approval_is_not_used_while_its_approver_s_role_ends(
    site: Site, pool: ThreadPoolExecutor, supervisor: DeskScreen, use: Callable[[Any], object]
) -> None:
    running = while_ended(site, pool, supervisor, "supervisor", lambda: in_transaction(site, use))
    with pytest.raises(Forbidden, match="approver_may_not"):
        running.result(timeout=SECONDS)
    assert every_approval(site)[0].state == "failed"


def test_a_role_does_not_end_while_an_approval_by_it_is_used(
    site: Site, pool: ThreadPoolExecutor, supervisor: DeskScreen, use: Callable[[Any], object]
) -> None:
    with writing(site.database) as connection:
        assert use(connection)
        running = pool.submit(dismissed, site, supervisor, "supervisor")
        meanwhile()
        assert not running.done()
    running.result(timeout=SECONDS)
    assert every_approval(site)[0].state == "used"


def test_both_at_once_come_to_one_of_the_two(
    site: Site, supervisor: DeskScreen, use: Callable[[Any], object]
) -> None:
    both: list[Act] = [
        lambda: dismissed(site, supervisor, "supervisor"),
        lambda: in_transaction(site, use),
    ]
    results = at_once(lambda: both.pop()(), 2)
    refused = [each for each in results if isinstance(each, Refusal)]
    assert every_approval(site)[0].state == ("failed" if refused else "used")


def test_no_letter_is_printed_while_the_registrar_s_role_ends(
    site: Site,
    pool: ThreadPoolExecutor,
    registrar: DeskScreen,
    register: None,
) -> None:
    person = checked(registrar, site)
    ticket = ticket_in(ask_for_code(registrar, site, person))
    running: Future[Response] = while_ended(
        site, pool, registrar, "registrar", lambda: letter(registrar, person, ticket)
    )
    assert running.result(timeout=SECONDS).status_code != 200
    assert rows(site, "registration.code-printed") == []


def test_nothing_is_taken_back_while_the_agent_s_role_ends(
    site: Site, pool: ThreadPoolExecutor, agent: DeskScreen, citizen: CitizenAtHome
) -> None:
    agent.give_reason(citizen.person.id)
    token = blocked(agent, citizen, act_path(citizen.person, citizen.devices[0], "suspend"))
    running: Future[Response] = while_ended(site, pool, agent, "agent", lambda: undo(agent, token))
    answer = running.result(timeout=SECONDS)
    assert not answer.headers.get("location", "").startswith("/desk/people/")
    assert rows(site, "desk.suspension-undone") == []
    assert statuses(site, citizen.person)[citizen.devices[0]] == "suspended"
