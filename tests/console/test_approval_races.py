"""Four eyes at the same moment: of any two steps of one approval, exactly one happens.

Decisions 5. Approve, refuse, withdraw, the end of its time, and carrying out what was approved.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from itertools import combinations
from typing import Any, Final

import pytest

from authn.console import acts, approvals
from authn.console.approval_expiry import expire_approvals
from authn.db.transaction import writing
from authn.errors import Expired
from authn.web.site import Site
from tests.conftest import MovableClock
from tests.console.acting import desk_of, every_approval, rows
from tests.console.conftest import MakeStaff
from tests.console.desk import STAFF, CitizenAtHome, DeskScreen
from tests.occasion import job
from tests.together import at_once

Step = Callable[[Any], object]
EVENTS: Final = {
    "approve": "approval.given",
    "refuse": "approval.refused",
    "withdraw": "approval.withdrawn",
    "expire": "approval.expired",
}
STATES: Final = {
    "approve": "approved",
    "refuse": "refused",
    "withdraw": "withdrawn",
    "expire": "expired",
}


@pytest.fixture
def steps(
    site: Site,
    clock: MovableClock,
    registrar: DeskScreen,
    supervisor: DeskScreen,
    make_staff: MakeStaff,
    citizen: CitizenAtHome,
) -> dict[str, Step]:
    """What may be done with the code that the registrar asked for, each by who may do it.

    Two processes whose clocks differ by a moment: for one it is over, for the other not yet.
    """
    other = make_staff("supervisor", citizen=STAFF["auditor"])
    asker, one, two = (desk_of(site, each) for each in (registrar, supervisor, other))
    with writing(site.database) as connection:
        asked = approvals.request_approval(
            job(site, connection), asker, "issue-code", citizen.person.id, {}
        )
    late = clock() + site.settings.desk_approval_lifetime + timedelta(seconds=1)
    return {
        "approve": lambda occasion: acts.approve(occasion, one, asked.id),
        "refuse": lambda occasion: approvals.record_refusal(occasion, two, asked.id, ""),
        "withdraw": lambda occasion: approvals.record_withdrawal(occasion, asker, asked.id),
        "expire": lambda occasion: or_over(expire_approvals(replace(occasion, now=late))),
        "use": lambda occasion: or_over(
            approvals.use_approval(occasion, asker, "issue-code", citizen.person.id, {})
        ),
    }


def or_over(done: object) -> None:
    """What was not done is told as the others tell it."""
    if not done:
        raise Expired("none", "none")


def race(site: Site, *each: Step) -> list[Any]:
    """What each of the steps came to, twice each, all at the same moment."""
    turns = iter(range(1000))

    def run() -> str:
        step = each[next(turns) % len(each)]
        with writing(site.database) as connection:
            step(job(site, connection))
        return "done"

    return at_once(run, threads=2 * len(each))


@pytest.mark.parametrize(("one", "other"), [(name, name) for name in EVENTS])
def test_the_same_step_twice_at_once_is_done_once(
    site: Site, steps: dict[str, Step], one: str, other: str
) -> None:
    results = race(site, steps[one], steps[other])
    assert sum(result == "done" for result in results) == 1
    assert all(result == "done" or isinstance(result, Expired) for result in results)
    assert len(rows(site, EVENTS[one])) == 1
    assert every_approval(site)[0].state == STATES[one]


@pytest.mark.parametrize(("one", "other"), list(combinations(EVENTS, 2)))
def test_of_two_steps_at_once_one_alone_is_done(
    site: Site, steps: dict[str, Step], one: str, other: str
) -> None:
    results = race(site, steps[one], steps[other])
    assert sum(result == "done" for result in results) == 1
    (row,) = rows(site, *EVENTS.values())
    happened = next(name for name, event in EVENTS.items() if event == row["event"])
    assert happened in (one, other)
    assert every_approval(site)[0].state == STATES[happened]


@pytest.mark.parametrize("other", list(EVENTS))
def test_what_is_not_approved_yet_is_not_carried_out(
    site: Site, steps: dict[str, Step], other: str
) -> None:
    """Carrying it out against each of the others: it may come just after the approval, once."""
    results = race(site, steps["use"], steps[other])
    (approval,) = every_approval(site)
    used = approval.state == "used"
    assert sum(result == "done" for result in results) == 1 + used
    assert not used or other == "approve"
    assert len(rows(site, EVENTS[other])) == 1


@pytest.mark.parametrize("other", ["refuse", "withdraw", "expire"])
def test_what_was_approved_is_carried_out_once_whatever_comes_beside_it(
    site: Site, steps: dict[str, Step], other: str
) -> None:
    with writing(site.database) as connection:
        steps["approve"](job(site, connection))
    results = race(site, steps["use"], steps[other])
    assert sum(result == "done" for result in results) == 1
    assert every_approval(site)[0].state == "used"
    assert rows(site, EVENTS[other]) == []


def test_asked_again_several_times_at_once_it_waits_once(
    site: Site, registrar: DeskScreen, steps: dict[str, Step]
) -> None:
    """Asking the same at once waits once, and is not two chances of being approved."""
    (asked,) = every_approval(site)
    asker = desk_of(site, registrar)

    def again(occasion: Any) -> None:
        approvals.request_approval(occasion, asker, "issue-code", asked.person_id, {})

    assert race(site, again, again) == ["done"] * 4
    assert [each.id for each in every_approval(site)] == [asked.id]
